// Activations as modules, to stand in a `Sequential`; they have no state.

public final class Tanh: UnaryModule {
  public init() {}
  public func callAsFunction(_ input: Tensor) -> Tensor { input.tanh() }
}

public final class ReLU: UnaryModule {
  public init() {}
  public func callAsFunction(_ input: Tensor) -> Tensor { input.relu() }
}

public final class ELU: UnaryModule {
  public let alpha: Double
  public init(alpha: Double = 1) { self.alpha = alpha }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.elu(alpha: alpha) }
}

public final class LeakyReLU: UnaryModule {
  public let slope: Double
  public init(slope: Double = 0.01) { self.slope = slope }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.leakyRelu(slope: slope) }
}

public final class GELU: UnaryModule {
  public let tanhApproximation: Bool
  public init(tanhApproximation: Bool = false) { self.tanhApproximation = tanhApproximation }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.gelu(tanhApproximation: tanhApproximation) }
}

public final class SiLU: UnaryModule {
  public init() {}
  public func callAsFunction(_ input: Tensor) -> Tensor { input.silu() }
}

public final class Sigmoid: UnaryModule {
  public init() {}
  public func callAsFunction(_ input: Tensor) -> Tensor { input.sigmoid() }
}

public final class Softplus: UnaryModule {
  public init() {}
  public func callAsFunction(_ input: Tensor) -> Tensor { input.softplus() }
}

public final class Mish: UnaryModule {
  public init() {}
  public func callAsFunction(_ input: Tensor) -> Tensor { input.mish() }
}

public final class SELU: UnaryModule {
  public init() {}
  public func callAsFunction(_ input: Tensor) -> Tensor { input.selu() }
}

public final class LogSigmoid: UnaryModule {
  public init() {}
  public func callAsFunction(_ input: Tensor) -> Tensor { input.logSigmoid() }
}

public final class Softmax: UnaryModule {
  public let dim: Int
  public init(dim: Int) { self.dim = dim }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.softmax(dim: dim) }
}

public final class LogSoftmax: UnaryModule {
  public let dim: Int
  public init(dim: Int) { self.dim = dim }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.logSoftmax(dim: dim) }
}

public final class Identity: UnaryModule {
  public init() {}
  public func callAsFunction(_ input: Tensor) -> Tensor { input }
}
