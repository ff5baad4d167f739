/// Coins, one per element: samples are 0 or 1 in the parameters' type.
public struct Bernoulli: DistributionWithEntropy {
  /// The log-odds of 1.
  public let logits: Tensor

  public init(logits: Tensor) { self.logits = logits }

  /// As in PyTorch, the probabilities are clamped away from 0 and 1 by the type's ε.
  public init(probs: Tensor) {
    let epsilon = probs.dtype == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne)
    let inside = probs.clamp(min: epsilon, max: 1 - epsilon)
    logits = inside.log() - (-inside).log1p()
  }

  public var probs: Tensor { logits.sigmoid() }
  public var shape: [Int] { logits.shape }

  public func sample(_ sampleShape: [Int], generator: Generator) -> Tensor {
    noGrad { probs.expand(sampleShape + shape).bernoulli(generator: generator) }
  }

  public func logProb(_ value: Tensor) -> Tensor {
    let shape = (logits.detach() + value).shape
    return -logits.expand(shape).binaryCrossEntropyWithLogits(value.expand(shape), reduction: .none)
  }

  public func entropy() -> Tensor { logits.binaryCrossEntropyWithLogits(probs, reduction: .none) }

  /// p log(p/q) + (1 − p) log((1 − p)/(1 − q)), through log σ(x) = −softplus(−x).
  public func klDivergence(to other: Bernoulli) -> Tensor {
    let p = probs
    return p * ((-other.logits).softplus() - (-logits).softplus())
      + (1 - p) * (other.logits.softplus() - logits.softplus())
  }
}
