/// y = (x − mean) / √(variance + ε) · weight + bias, over the last dimensions (Ba et al. 2016, arXiv:1607.06450).
///
/// Input and output […, shape]. State: `weight` and `bias` of `shape`.
public final class LayerNorm: UnaryModule {
  @Parameter public var weight: Tensor?
  @Parameter public var bias: Tensor?
  public let shape: [Int]
  public let epsilon: Double

  public init(
    _ shape: Int..., epsilon: Double = 1e-5, elementwiseAffine: Bool = true, dtype: DType = .float32,
    device: Device = .cpu
  ) {
    self.shape = shape
    self.epsilon = epsilon
    _weight = Parameter(elementwiseAffine ? .ones(shape, dtype: dtype, device: device) : nil)
    _bias = Parameter(elementwiseAffine ? .zeros(shape, dtype: dtype, device: device) : nil)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    input.layerNorm(shape, weight: weight, bias: bias, epsilon: epsilon)
  }
}
