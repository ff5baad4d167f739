/// y = x Wᵀ + b.
///
/// Input […, inputs], output […, outputs]. State: `weight` [outputs, inputs], `bias` [outputs].
public final class Linear: UnaryModule {
  @Parameter public var weight: Tensor
  @Parameter public var bias: Tensor?

  /// The parameters are on the generator's device.
  public init(
    _ inputs: Int, _ outputs: Int, bias: Bool = true, initialization: Initialization = .standard,
    generator: Generator, dtype: DType = .float32
  ) {
    _weight = Parameter(initialization.weight([outputs, inputs], dtype: dtype, generator: generator))
    _bias = Parameter(
      bias ? initialization.bias(outputs, inputs: inputs, dtype: dtype, generator: generator) : nil)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor { input.linear(weight, bias) }
}
