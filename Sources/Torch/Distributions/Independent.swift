/// A batch of distributions whose last dimensions are one event: log-probabilities, entropies and divergences are
/// summed over them. `Independent(Normal(…))` is a diagonal normal vector.
public struct Independent<Base: Distribution>: Distribution {
  public let base: Base
  /// How many of the last dimensions make up an event.
  public let eventDimensions: Int

  public init(_ base: Base, _ eventDimensions: Int = 1) {
    precondition((0...base.shape.count).contains(eventDimensions), "There are not so many dimensions.")
    self.base = base
    self.eventDimensions = eventDimensions
  }

  public var shape: [Int] { base.shape }

  public func sample(_ sampleShape: [Int], generator: Generator) -> Tensor {
    base.sample(sampleShape, generator: generator)
  }

  public func logProb(_ value: Tensor) -> Tensor { summed(base.logProb(value)) }
  public func klDivergence(to other: Self) -> Tensor { summed(base.klDivergence(to: other.base)) }

  private func summed(_ x: Tensor) -> Tensor {
    (0..<eventDimensions).reduce(x) { sum, _ in sum.sum(dim: -1) }
  }
}

extension Independent: ReparameterizedDistribution where Base: ReparameterizedDistribution {
  public func rsample(_ sampleShape: [Int], generator: Generator) -> Tensor {
    base.rsample(sampleShape, generator: generator)
  }
}

extension Independent: DistributionWithEntropy where Base: DistributionWithEntropy {
  public func entropy() -> Tensor { summed(base.entropy()) }
}

extension Independent where Base == TanhNormal {
  /// A sample with its log-probability: see `TanhNormal.rsampleWithLogProb`.
  public func rsampleWithLogProb(
    _ sampleShape: [Int] = [], generator: Generator
  ) -> (sample: Tensor, logProb: Tensor) {
    let (sample, logProb) = base.rsampleWithLogProb(sampleShape, generator: generator)
    return (sample, summed(logProb))
  }
}
