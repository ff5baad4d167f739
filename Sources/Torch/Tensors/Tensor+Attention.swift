internal import CTorch

extension Tensor {
  /// softmax(Q Kᵀ · scale + mask) V, where this tensor is Q: [batch, heads, queries, d] with `key`
  /// [batch, heads, keys, d] and `value` [batch, heads, keys, v] → [batch, heads, queries, v].
  /// (Vaswani et al. 2017, arXiv:1706.03762, equation 1.)
  /// - Parameters:
  ///   - mask: broadcast to [batch, heads, queries, keys]: true where a query may look, or numbers to add.
  ///   - causal: query i looks at keys 0 to i only; not together with a mask.
  ///   - scale: 1/√d by default.
  ///   - grouped: fewer heads of keys and values than of queries, each for a group of them.
  ///   - fused: lets LibTorch choose a fused kernel, which can be differentiated only once.
  public func scaledDotProductAttention(
    _ key: Tensor, _ value: Tensor, mask: Tensor? = nil, causal: Bool = false, scale: Double? = nil,
    grouped: Bool = false, fused: Bool = true, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let pointer = withPointers(key, value) { query, key, value in
      mask.withPointer { mask in
        scale.withDouble { ct_attention(query, key, value, mask, causal, $0, grouped, fused) }
      }
    }
    return Tensor(owning: pointer, file, line)
  }

  /// The rows of this table [rows, d] that `indices` […] name, […, d].
  /// - Parameter paddingIndex: a row that learns nothing.
  public func embedding(
    _ indices: Tensor, paddingIndex: Int? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(indices, file, line) { ct_embedding($0, $1, Int64(paddingIndex ?? -1)) }
  }
}
