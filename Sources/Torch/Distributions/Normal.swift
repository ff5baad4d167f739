import Foundation

/// Independent normal distributions, one per element. Wrap them in `Independent` for a diagonal normal vector.
public struct Normal: ReparameterizedDistribution, DistributionWithEntropy {
  public let mean: Tensor
  public let std: Tensor

  /// The parameters broadcast against each other; `std` is positive.
  public init(mean: Tensor, std: Tensor) {
    let broadcast = mean.shape == std.shape ? mean.shape : (mean.detach() + std.detach()).shape
    self.mean = mean.shape == broadcast ? mean : mean.expand(broadcast)
    self.std = std.shape == broadcast ? std : std.expand(broadcast)
  }

  public var shape: [Int] { mean.shape }
  public var mode: Tensor { mean }
  public var variance: Tensor { std.square() }

  /// mean + std ε, ε standard normal.
  public func rsample(_ sampleShape: [Int], generator: Generator) -> Tensor {
    mean + std * Tensor.randn(sampleShape + shape, generator: generator, dtype: mean.dtype)
  }

  /// −(x − µ)² / 2σ² − log σ − ½ log 2π.
  public func logProb(_ value: Tensor) -> Tensor {
    (value - mean).square() / (variance * -2) - std.log() - 0.5 * log(2 * Double.pi)
  }

  /// ½ + ½ log 2π + log σ.
  public func entropy() -> Tensor { std.log() + (0.5 + 0.5 * log(2 * Double.pi)) }

  /// ½ (σ²/σ'² + (µ − µ')²/σ'² − 1 − log σ²/σ'²).
  public func klDivergence(to other: Normal) -> Tensor {
    let ratio = (std / other.std).square()
    return ((ratio + ((mean - other.mean) / other.std).square()) - 1 - ratio.log()) * 0.5
  }
}
