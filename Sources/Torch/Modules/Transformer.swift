/// Self-attention and a two-layer network, each around a residual connection with a normalisation before or after it
/// (Vaswani et al. 2017, arXiv:1706.03762), as PyTorch's with no dropout.
///
/// Input and output [length, batch, width], or [batch, length, width] with `batchFirst`. State: `self_attn.…`,
/// `linear1.…`, `linear2.…`, `norm1.…`, `norm2.…`.
public final class TransformerEncoderLayer: Module {
  public enum Activation: Sendable { case relu, gelu }

  @Child public var attention: MultiheadAttention
  public let linear1, linear2: Linear
  public let norm1, norm2: LayerNorm
  public let activation: Activation
  /// Whether the normalisations come before what they belong to.
  public let normFirst: Bool

  public init(
    _ width: Int, heads: Int, feedForward: Int = 2048, activation: Activation = .relu, epsilon: Double = 1e-5,
    batchFirst: Bool = false, normFirst: Bool = false, generator: Generator, dtype: DType = .float32
  ) {
    _attention = Child(
      MultiheadAttention(width, heads: heads, batchFirst: batchFirst, generator: generator, dtype: dtype),
      name: "self_attn")
    linear1 = Linear(width, feedForward, generator: generator, dtype: dtype)
    linear2 = Linear(feedForward, width, generator: generator, dtype: dtype)
    norm1 = LayerNorm(width, epsilon: epsilon, dtype: dtype, device: generator.device)
    norm2 = LayerNorm(width, epsilon: epsilon, dtype: dtype, device: generator.device)
    self.activation = activation
    self.normFirst = normFirst
  }

  /// Masks as those of `MultiheadAttention`.
  public func callAsFunction(
    _ input: Tensor, keyPaddingMask: Tensor? = nil, mask: Tensor? = nil, causal: Bool = false
  ) -> Tensor {
    func attend(_ x: Tensor) -> Tensor {
      attention(x, x, x, keyPaddingMask: keyPaddingMask, mask: mask, causal: causal)
    }
    func transform(_ x: Tensor) -> Tensor {
      let hidden = linear1(x)
      return linear2(activation == .relu ? hidden.relu() : hidden.gelu())
    }
    if normFirst {
      let x = input + attend(norm1(input))
      return x + transform(norm2(x))
    }
    let x = norm1(input + attend(input))
    return norm2(x + transform(x))
  }
}

/// Such layers one after the other. State: `layers.<i>.…`, and `norm.…` if there is one.
public final class TransformerEncoder: Module {
  public let layers: [TransformerEncoderLayer]
  public let norm: LayerNorm?

  public init(_ layers: [TransformerEncoderLayer], norm: LayerNorm? = nil) {
    self.layers = layers
    self.norm = norm
  }

  /// Masks as those of `MultiheadAttention`.
  public func callAsFunction(
    _ input: Tensor, keyPaddingMask: Tensor? = nil, mask: Tensor? = nil, causal: Bool = false
  ) -> Tensor {
    let output = layers.reduce(input) { $1($0, keyPaddingMask: keyPaddingMask, mask: mask, causal: causal) }
    return norm.map { $0(output) } ?? output
  }
}
