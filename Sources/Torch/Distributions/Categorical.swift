/// One of the classes 0, 1, …, with probabilities along the last dimension: logits […, classes], samples […] of int64.
public struct Categorical: DistributionWithEntropy {
  /// Normalised log-probabilities […, classes].
  public let logits: Tensor

  /// - Parameter logits: unnormalised log-probabilities.
  public init(logits: Tensor) { self.logits = logits.logSoftmax(dim: -1) }

  /// - Parameter probs: unnormalised probabilities. As in PyTorch, they are clamped away from zero by the type's ε.
  public init(probs: Tensor) {
    let epsilon = probs.dtype == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne)
    logits = (probs / probs.sum(dim: -1, keepdim: true)).clamp(min: epsilon, max: 1 - epsilon).log()
  }

  public var probs: Tensor { logits.softmax(dim: -1) }
  public var shape: [Int] { Array(logits.shape.dropLast()) }
  /// The most probable class.
  public var mode: Tensor { logits.argmax(dim: -1) }

  public func sample(_ sampleShape: [Int], generator: Generator) -> Tensor {
    noGrad {
      let count = sampleShape.reduce(1, *)
      let rows = probs.reshape(-1, logits.size(-1))
      return rows.multinomial(count, replacement: true, generator: generator).mT.reshape(sampleShape + shape)
    }
  }

  /// - Parameter value: classes, broadcast against the batch.
  public func logProb(_ value: Tensor) -> Tensor {
    let leading = (value.to(logits.dtype) + logits.detach().select(-1, 0)).shape
    let index = value.to(.int64).expand(leading).unsqueeze(-1)
    return logits.expand(leading + [logits.size(-1)]).gather(dim: -1, index: index).squeeze(-1)
  }

  /// −Σ p log p, with 0 log 0 = 0.
  public func entropy() -> Tensor { -(probs * finite(logits)).sum(dim: -1) }

  /// Σ p (log p − log q).
  public func klDivergence(to other: Categorical) -> Tensor {
    let p = probs
    let terms = p * (logits - other.logits)
    return terms.maskedFill(other.probs .== 0, Double.infinity).maskedFill(p .== 0, 0).sum(dim: -1)
  }

  /// Impossible classes have the logarithm −∞, which the product with their probability 0 would turn into NaN.
  private func finite(_ x: Tensor) -> Tensor {
    x.clamp(min: x.dtype == .float64 ? -Double.greatestFiniteMagnitude : -Double(Float.greatestFiniteMagnitude))
  }
}
