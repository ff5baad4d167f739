/// Probability vectors along the last dimension: concentrations […, classes], samples of the same shape, log-densities
/// […].
public struct Dirichlet: ReparameterizedDistribution, DistributionWithEntropy {
  /// Positive.
  public let concentration: Tensor

  public init(concentration: Tensor) { self.concentration = concentration }

  public var shape: [Int] { concentration.shape }
  public var mean: Tensor { concentration / total }
  private var total: Tensor { concentration.sum(dim: -1, keepdim: true) }

  public func rsample(_ sampleShape: [Int], generator: Generator) -> Tensor {
    concentration.expand(sampleShape + shape).dirichlet(generator: generator)
  }

  /// Σ (a − 1) log x − log B(a).
  public func logProb(_ value: Tensor) -> Tensor {
    (concentration - 1).xlogy(value).sum(dim: -1) - logNormalizer
  }

  /// log B(a) + (a₀ − k) ψ(a₀) − Σ (a − 1) ψ(a), where a₀ = Σ a.
  public func entropy() -> Tensor {
    let total = total.squeeze(-1)
    return logNormalizer + (total - concentration.size(-1)) * total.digamma()
      - ((concentration - 1) * concentration.digamma()).sum(dim: -1)
  }

  /// log B(b) − log B(a) + Σ (a − b) (ψ(a) − ψ(a₀)).
  public func klDivergence(to other: Dirichlet) -> Tensor {
    let slope = concentration.digamma() - total.digamma()
    return other.logNormalizer - logNormalizer + ((concentration - other.concentration) * slope).sum(dim: -1)
  }

  /// log B(a) = Σ log Γ(a) − log Γ(a₀).
  private var logNormalizer: Tensor { concentration.lgamma().sum(dim: -1) - total.squeeze(-1).lgamma() }
}
