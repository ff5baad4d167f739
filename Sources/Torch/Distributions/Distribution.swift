/// A probability distribution over tensors, or a batch of them: `torch.distributions`.
public protocol Distribution {
  /// The shape of one sample of each distribution of the batch.
  var shape: [Int] { get }

  /// Samples of `sampleShape` followed by `shape`; no gradient flows through them.
  func sample(_ sampleShape: [Int], generator: Generator) -> Tensor

  /// The logarithm of the density (or probability) of `value`.
  func logProb(_ value: Tensor) -> Tensor

  /// KL(self ‖ other).
  func klDivergence(to other: Self) -> Tensor
}

extension Distribution {
  /// One sample.
  public func sample(generator: Generator) -> Tensor { sample([], generator: generator) }
}

/// A distribution whose samples are differentiable functions of its parameters.
public protocol ReparameterizedDistribution: Distribution {
  /// As `sample`, with gradients with respect to the parameters.
  func rsample(_ sampleShape: [Int], generator: Generator) -> Tensor
}

extension ReparameterizedDistribution {
  /// One sample, with gradients.
  public func rsample(generator: Generator) -> Tensor { rsample([], generator: generator) }

  public func sample(_ sampleShape: [Int], generator: Generator) -> Tensor {
    noGrad { rsample(sampleShape, generator: generator) }
  }
}

/// A distribution whose entropy has a closed form.
public protocol DistributionWithEntropy: Distribution {
  /// In nats.
  func entropy() -> Tensor
}
