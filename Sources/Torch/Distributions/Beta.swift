/// Independent numbers in (0, 1), one per element, with density x^(α − 1) (1 − x)^(β − 1) / B(α, β).
public struct Beta: ReparameterizedDistribution, DistributionWithEntropy {
  /// α and β, positive, as the last dimension: x and 1 − x are distributed as a `Dirichlet` of two classes.
  private let pair: Dirichlet

  /// The parameters, positive, broadcast against each other.
  public init(alpha: Tensor, beta: Tensor) {
    let shape = (alpha.detach() + beta.detach()).shape
    pair = Dirichlet(concentration: .stack([alpha.expand(shape), beta.expand(shape)], dim: -1))
  }

  public var alpha: Tensor { pair.concentration.select(-1, 0) }
  public var beta: Tensor { pair.concentration.select(-1, 1) }
  public var shape: [Int] { pair.shape.dropLast() }

  /// α / (α + β).
  public var mean: Tensor { alpha / (alpha + beta) }

  /// α β / ((α + β)² (α + β + 1)).
  public var variance: Tensor {
    let total = alpha + beta
    return alpha * beta / (total.square() * (total + 1))
  }

  public func rsample(_ sampleShape: [Int], generator: Generator) -> Tensor {
    pair.rsample(sampleShape, generator: generator).select(-1, 0)
  }

  public func logProb(_ value: Tensor) -> Tensor { pair.logProb(.stack([value, 1 - value], dim: -1)) }
  public func entropy() -> Tensor { pair.entropy() }
  public func klDivergence(to other: Beta) -> Tensor { pair.klDivergence(to: other.pair) }
}
