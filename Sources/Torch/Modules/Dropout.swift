/// While training, zeroes each element with probability `p` and divides the rest by 1 − p; otherwise the identity
/// (Srivastava et al. 2014).
public final class Dropout: UnaryModule, TrainingDependent {
  public let p: Double
  public var isTraining = true
  private let generator: Generator

  public init(_ p: Double = 0.5, generator: Generator) {
    precondition((0..<1).contains(p), "A dropout probability is in [0, 1).")
    self.p = p
    self.generator = generator
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    guard isTraining, p > 0 else { return input }
    let kept = Tensor.full(input.shape, 1 - p, dtype: input.dtype, device: input.device)
    return input * (kept.bernoulli(generator: generator) / (1 - p))
  }
}
