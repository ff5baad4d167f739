/// softmax(Q Kᵀ / √d) V in several heads between two projections (Vaswani et al. 2017, arXiv:1706.03762), as PyTorch's.
///
/// Query [queries, batch, width], key and value [keys, batch, width], output as the query; with `batchFirst` the batch
/// comes first. State: `in_proj_weight` [3 × width, width], `in_proj_bias` [3 × width], `out_proj.weight`
/// [width, width], `out_proj.bias` [width].
public final class MultiheadAttention: Module {
  @Parameter public var projection: Tensor
  @Parameter public var projectionBias: Tensor?
  @Child public var output: Linear
  public let width, heads: Int
  public let batchFirst: Bool
  /// Whether LibTorch may choose a fused kernel, which can be differentiated only once.
  public let fused: Bool

  public init(
    _ width: Int, heads: Int, bias: Bool = true, batchFirst: Bool = false, fused: Bool = true, generator: Generator,
    dtype: DType = .float32
  ) {
    precondition(heads > 0 && width % heads == 0, "The heads must divide the width.")
    (self.width, self.heads, self.batchFirst, self.fused) = (width, heads, batchFirst, fused)
    let output = Linear(width, width, bias: bias, generator: generator, dtype: dtype)
    noGrad { _ = output.bias?.zero_() }
    _output = Child(output, name: "out_proj")
    _projection = Parameter(
      .xavierUniform([3 * width, width], generator: generator, dtype: dtype), name: "in_proj_weight")
    _projectionBias = Parameter(
      bias ? .zeros([3 * width], dtype: dtype, device: generator.device) : nil, name: "in_proj_bias")
  }

  /// - Parameters:
  ///   - keyPaddingMask: [batch, keys], true where a key is only padding.
  ///   - mask: [queries, keys] or [batch × heads, queries, keys]: true where a query must not look, or numbers to add.
  ///   - causal: query i looks at keys 0 to i only.
  public func callAsFunction(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, keyPaddingMask: Tensor? = nil, mask: Tensor? = nil,
    causal: Bool = false
  ) -> Tensor {
    let parts = projection.split(width), biases = projectionBias?.split(width)
    let inputs = [query, key, value].map { batchFirst ? $0 : $0.transpose(0, 1) }
    // [batch, length, width] → [batch, heads, length, width / heads].
    let projected = (0..<3).map { index in
      inputs[index].linear(parts[index], biases?[index]).unflatten(-1, [heads, width / heads]).transpose(1, 2)
    }
    let (batch, queries, keys) = (projected[0].size(0), projected[0].size(2), projected[1].size(2))
    var bias = mask.map { Self.added($0, query.dtype) }
    if let given = bias, given.dim == 3 { bias = given.reshape(batch, heads, queries, keys) }
    if let keyPaddingMask {
      let padding = Self.added(keyPaddingMask, query.dtype).reshape(batch, 1, 1, keys)
      bias = bias.map { $0 + padding } ?? padding
    }
    if causal, let given = bias {
      let later = Tensor.ones([queries, keys], dtype: .bool, device: query.device).triu(diagonal: 1)
      bias = given + Self.added(later, query.dtype)
    }
    let attended = projected[0].scaledDotProductAttention(
      projected[1], projected[2], mask: bias, causal: causal && bias == nil, fused: fused)
    let joined = output(attended.transpose(1, 2).flatten(2))
    return batchFirst ? joined : joined.transpose(0, 1)
  }

  /// What to add to the scores: −∞ where a mask is true.
  private static func added(_ mask: Tensor, _ dtype: DType) -> Tensor {
    guard mask.dtype == .bool else { return mask }
    return Tensor.zeros(mask.shape, dtype: dtype, device: mask.device).maskedFill(mask, -Double.infinity)
  }
}
