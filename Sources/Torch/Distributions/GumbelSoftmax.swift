import Foundation

extension Tensor {
  /// softmax((logits + Gumbel noise) / temperature) along `dim`: a differentiable stand-in for a one-hot sample of the
  /// classes (Jang et al. 2017, arXiv:1611.01144; Maddison et al. 2017, arXiv:1611.00712). The numbers of PyTorch's
  /// `F.gumbel_softmax`.
  /// - Parameter hard: returns the one-hot vector itself, with the gradient of the soft one (straight-through).
  public func gumbelSoftmax(
    temperature: Double = 1, hard: Bool = false, dim: Int = -1, generator: Generator, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    let noise = -Tensor.exponential(shape, generator: generator, dtype: dtype, file: file, line: line).log()
    let soft = ((self + noise) / temperature).softmax(dim: dim, file: file, line: line)
    return hard ? soft.straightThroughOneHot(dim: dim, file: file, line: line) : soft
  }

  /// One at the greatest element along `dim`, zero elsewhere, with the gradient of this tensor.
  public func straightThroughOneHot(
    dim: Int = -1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let index = argmax(dim: dim, keepdim: true, file: file, line: line)
    let ones = Tensor.ones(index.shape, dtype: dtype, device: device)
    let hard = detach().zerosLike().scatter(dim: dim, index: index, source: ones)
    return hard - detach() + self
  }
}

/// The distribution of `gumbelSoftmax`: points inside the simplex, which gather at its corners as the temperature
/// falls. Neither its entropy nor its divergences have a closed form.
public struct RelaxedOneHotCategorical {
  public let temperature: Double
  /// Normalised log-probabilities […, classes].
  public let logits: Tensor

  /// - Parameter logits: unnormalised log-probabilities.
  public init(temperature: Double, logits: Tensor) {
    precondition(temperature > 0, "A temperature is positive.")
    self.temperature = temperature
    self.logits = logits.logSoftmax(dim: -1)
  }

  public var shape: [Int] { logits.shape }

  /// Differentiable in the logits; with `hard`, one-hot with the soft sample's gradient.
  public func rsample(_ sampleShape: [Int] = [], hard: Bool = false, generator: Generator) -> Tensor {
    logits.expand(sampleShape + shape).gumbelSoftmax(temperature: temperature, hard: hard, generator: generator)
  }

  /// The log-density […] of points inside the simplex […, classes] (Maddison et al. 2017, equation 22):
  /// log Γ(k) + (k − 1) log τ + Σ (log p − (τ + 1) log x) − k log Σ p x^(−τ).
  public func logProb(_ value: Tensor) -> Tensor {
    let classes = Double(logits.size(-1))
    let scores = logits - value.log() * temperature
    return (scores - scores.logsumexp(dim: -1, keepdim: true) - value.log()).sum(dim: -1)
      + (lgamma(classes) + (classes - 1) * log(temperature))
  }
}
