import Foundation

/// The hyperbolic tangent of a normal variable, elementwise: actions in (−1, 1), as SAC's
/// (Haarnoja et al. 2018, arXiv:1801.01290, appendix C). Its entropy has no closed form.
public struct TanhNormal: ReparameterizedDistribution {
  public let base: Normal

  public init(mean: Tensor, std: Tensor) { base = Normal(mean: mean, std: std) }

  public var shape: [Int] { base.shape }
  /// tanh of the base's mean: the median, and the usual deterministic action.
  public var mode: Tensor { base.mean.tanh() }

  public func rsample(_ sampleShape: [Int], generator: Generator) -> Tensor {
    base.rsample(sampleShape, generator: generator).tanh()
  }

  /// A sample with its log-probability, computed from the value before the tanh: exact where the sample is nearly ±1.
  public func rsampleWithLogProb(
    _ sampleShape: [Int] = [], generator: Generator
  ) -> (sample: Tensor, logProb: Tensor) {
    let x = base.rsample(sampleShape, generator: generator)
    return (x.tanh(), base.logProb(x) - logDerivative(x))
  }

  /// The density at `value` in (−1, 1); a value nearer to ±1 than the type resolves is taken as the nearest inside.
  public func logProb(_ value: Tensor) -> Tensor {
    let limit = value.dtype == .float64 ? 1 - 0x1p-53 : 1 - 0x1p-24
    let x = value.clamp(min: -limit, max: limit).atanh()
    return base.logProb(x) - logDerivative(x)
  }

  /// That of the bases: the divergence does not change under an invertible map.
  public func klDivergence(to other: TanhNormal) -> Tensor { base.klDivergence(to: other.base) }

  /// log(1 − tanh² x) = 2 (log 2 − x − softplus(−2x)), without cancellation.
  private func logDerivative(_ x: Tensor) -> Tensor { (log(2.0) - x - (x * -2).softplus()) * 2 }
}
