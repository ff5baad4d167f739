import Foundation

/// How a weight matrix begins: `torch.nn.init`, with an explicit generator and the same numbers.
public enum Initialization: Sendable {
  /// PyTorch's default for `Linear` and convolutions: weights and biases uniform within ±1/√inputs, where the kernel's
  /// places count as inputs.
  case standard
  /// A random orthogonal matrix times a gain, and zero biases (Saxe et al. 2013, arXiv:1312.6120): usual in PPO, with
  /// gain √2 in hidden layers.
  case orthogonal(gain: Double = 1)

  /// A weight of [outputs, inputs, …].
  func weight(_ shape: [Int], dtype: DType, generator: Generator) -> Tensor {
    switch self {
    case .standard: .kaimingUniform(shape, slope: 5.0.squareRoot(), generator: generator, dtype: dtype)
    case .orthogonal(let gain): .orthogonal(shape, gain: gain, generator: generator, dtype: dtype)
    }
  }

  /// A bias of [outputs].
  func bias(_ outputs: Int, inputs: Int, dtype: DType, generator: Generator) -> Tensor {
    switch self {
    case .standard:
      let bound = inputs > 0 ? 1 / Double(inputs).squareRoot() : 0
      return .uniform([outputs], low: -bound, high: bound, generator: generator, dtype: dtype)
    case .orthogonal:
      return .zeros([outputs], dtype: dtype, device: generator.device)
    }
  }
}

extension Tensor {
  /// Uniform within ±gain √(3 / inputs), with the gain of a leaky ReLU of `slope` (He et al. 2015, arXiv:1502.01852).
  /// - Parameter shape: [outputs, inputs, …].
  public static func kaimingUniform(
    _ shape: [Int], slope: Double = 0, generator: Generator, dtype: DType = .float32
  ) -> Tensor {
    let inputs = shape.dropFirst().reduce(1, *)
    let gain = (2 / (1 + slope * slope)).squareRoot()
    let bound = 3.0.squareRoot() * (gain / Double(Swift.max(inputs, 1)).squareRoot())
    return .uniform(shape, low: -bound, high: bound, generator: generator, dtype: dtype)
  }

  /// Uniform within ±gain √(6 / (inputs + outputs)) (Glorot & Bengio 2010).
  /// - Parameter shape: [outputs, inputs].
  public static func xavierUniform(
    _ shape: [Int], gain: Double = 1, generator: Generator, dtype: DType = .float32
  ) -> Tensor {
    let bound = 3.0.squareRoot() * (gain * (2 / Double(shape.reduce(0, +))).squareRoot())
    return .uniform(shape, low: -bound, high: bound, generator: generator, dtype: dtype)
  }

  /// A matrix with orthonormal rows or columns, whichever are fewer, times `gain`: the Q of a random normal matrix,
  /// with signs that make it uniform.
  /// - Parameter shape: [outputs, inputs, …]; what follows the outputs is one side of the matrix.
  public static func orthogonal(
    _ shape: [Int], gain: Double = 1, generator: Generator, dtype: DType = .float32
  ) -> Tensor {
    let rows = shape.first ?? 1, columns = shape.dropFirst().reduce(1, *)
    var normal = randn([rows, columns], generator: generator, dtype: dtype)
    if rows < columns { normal = normal.mT }
    let (q, r) = normal.qr()
    let uniform = q * r.diagonal().sign()
    return ((rows < columns ? uniform.mT : uniform) * gain).reshape(shape).contiguous()
  }
}
