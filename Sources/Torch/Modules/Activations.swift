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
  public init() {}
  public func callAsFunction(_ input: Tensor) -> Tensor { input.gelu() }
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
