internal import CTorch

// The same elements in another shape or order. Views share their elements with the tensor they were taken from.

extension Tensor {
  /// The elements in C order in a new shape, one of whose sizes may be -1: a view where possible, else a copy.
  public func reshape(_ shape: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    shaped(shape, file, line, ct_reshape)
  }
  public func reshape(_ shape: Int..., file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    shaped(shape, file, line, ct_reshape)
  }

  /// As `reshape`, but never a copy: traps where the strides do not allow a view.
  public func view(_ shape: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    shaped(shape, file, line, ct_view)
  }
  public func view(_ shape: Int..., file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    shaped(shape, file, line, ct_view)
  }

  /// Dimensions of size 1 repeated without copying; -1 leaves a size as it is.
  public func expand(_ shape: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    shaped(shape, file, line, ct_expand)
  }
  public func expand(_ shape: Int..., file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    shaped(shape, file, line, ct_expand)
  }

  /// Dimension `i` of the result is dimension `dims[i]` of the tensor.
  public func permute(_ dims: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    shaped(dims, file, line, ct_permute)
  }
  public func permute(_ dims: Int..., file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    shaped(dims, file, line, ct_permute)
  }

  /// The whole tensor, copied so many times along each dimension.
  public func `repeat`(_ times: Int..., file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    shaped(times, file, line, ct_repeat)
  }

  /// The order along `dims` reversed.
  public func flip(_ dims: Int..., file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    shaped(dims, file, line, ct_flip)
  }

  public func transpose(_ first: Int, _ second: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_transpose($0, Int64(first), Int64(second)) }
  }

  /// The matrix transposed, in the last two dimensions.
  public var mT: Tensor { transpose(-2, -1) }

  public func unsqueeze(_ dim: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_unsqueeze($0, Int64(dim)) }
  }

  /// Without the dimensions of size 1.
  public func squeeze(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_squeeze) }

  /// Without dimension `dim` if its size is 1.
  public func squeeze(_ dim: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_squeeze_dim($0, Int64(dim)) }
  }

  /// Dimensions `start` to `end`, both included, joined into one.
  public func flatten(_ start: Int = 0, _ end: Int = -1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_flatten($0, Int64(start), Int64(end)) }
  }

  /// The same values in C order without gaps: the tensor itself if it is so already.
  public func contiguous(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_contiguous) }

  /// The elements of the diagonal of dimensions `first` and `second`, as a last dimension.
  public func diagonal(
    offset: Int = 0, _ first: Int = 0, _ second: Int = 1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { ct_diagonal($0, Int64(offset), Int64(first), Int64(second)) }
  }

  /// The matrix whose diagonal is the last dimension.
  public func diagEmbed(offset: Int = 0, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_diag_embed($0, Int64(offset)) }
  }

  /// The lower triangle, zero elsewhere.
  public func tril(diagonal: Int = 0, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_tril($0, Int64(diagonal)) }
  }

  /// The upper triangle, zero elsewhere.
  public func triu(diagonal: Int = 0, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_triu($0, Int64(diagonal)) }
  }

  /// Dimension `source` moved to place `destination`.
  public func movedim(
    _ source: Int, _ destination: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { ct_movedim($0, Int64(source), Int64(destination)) }
  }

  /// Dimension `dim` split into several of `sizes`, one of which may be -1.
  public func unflatten(
    _ dim: Int, _ sizes: [Int], file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    var shape = shape
    let dim = dim < 0 ? dim + shape.count : dim
    shape.replaceSubrange(dim...dim, with: sizes)
    return reshape(shape, file: file, line: line)
  }

  /// Elements moved `shift` places along `dim`; those that leave at the end come in at the front.
  public func roll(_ shift: Int, dim: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { x in
      [shift].withInt64 { shift, count in [dim].withInt64 { dim, _ in ct_roll(x, shift, dim, count) } }
    }
  }

  /// Each slice along `dim` so many times in a row.
  public func repeatInterleave(
    _ times: Int, dim: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { ct_repeat_interleave($0, Int64(times), Int64(dim)) }
  }

  /// The differences of neighbours along `dim`, taken `order` times.
  public func diff(
    order: Int = 1, dim: Int = -1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { ct_diff($0, Int64(order), Int64(dim)) }
  }

  /// All windows of `size` neighbours along `dim`, every `step`, as a new last dimension: a view.
  public func unfold(
    dim: Int, size: Int, step: Int = 1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { ct_windows($0, Int64(dim), Int64(size), Int64(step)) }
  }

  /// How `pad` fills the new places.
  public enum Padding: Sendable, Hashable {
    case constant(Double)
    /// Mirrored at the edge, which is not repeated.
    case reflect
    /// The edge itself.
    case replicate
    /// From the other side.
    case circular
  }

  /// Wider by `widths`: a number before and one after the last dimension, then the last but one, and so on. All but
  /// constants need a batch and channels before the padded dimensions.
  public func pad(
    _ widths: [Int], _ mode: Padding = .constant(0), file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { x in
      widths.withInt64 { widths, count in
        switch mode {
        case .constant(let value): ct_pad(x, widths, count, "constant", value)
        case .reflect: ct_pad(x, widths, count, "reflect", 0)
        case .replicate: ct_pad(x, widths, count, "replicate", 0)
        case .circular: ct_pad(x, widths, count, "circular", 0)
        }
      }
    }
  }

  /// The tensors one after the other along an existing dimension.
  public static func cat(
    _ tensors: [Tensor], dim: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Tensor(owning: Torch.withPointers(tensors) { ct_cat($0, $1, Int64(dim)) }, file, line)
  }

  /// The tensors, all of one shape, along a new dimension.
  public static func stack(
    _ tensors: [Tensor], dim: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Tensor(owning: Torch.withPointers(tensors) { ct_stack($0, $1, Int64(dim)) }, file, line)
  }

  /// Pieces of `size` along `dim`; the last may be smaller.
  public func split(_ size: Int, dim: Int = 0, file: StaticString = #fileID, line: UInt = #line) -> [Tensor] {
    precondition(size > 0, "split takes pieces of at least 1.", file: file, line: line)
    let total = self.size(dim)
    return stride(from: 0, to: total, by: size).map {
      narrow(dim, $0, Swift.min(size, total - $0), file: file, line: line)
    }
  }

  /// Pieces of these sizes along `dim`, which together must fill it.
  public func split(
    _ sizes: [Int], dim: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) -> [Tensor] {
    precondition(
      sizes.reduce(0, +) == size(dim), "Pieces of \(sizes) do not make up \(size(dim)).", file: file, line: line)
    var start = 0
    return sizes.map { size in
      defer { start += size }
      return narrow(dim, start, size, file: file, line: line)
    }
  }

  /// At most `count` pieces along `dim`, equal but for the last.
  public func chunk(
    _ count: Int, dim: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) -> [Tensor] {
    precondition(count > 0, "chunk makes at least 1 piece.", file: file, line: line)
    return split(Swift.max(1, (size(dim) + count - 1) / count), dim: dim, file: file, line: line)
  }

  /// The slices along `dim`, which disappears.
  public func unbind(dim: Int = 0, file: StaticString = #fileID, line: UInt = #line) -> [Tensor] {
    (0..<size(dim)).map { select(dim, $0, file: file, line: line) }
  }

  private func shaped(
    _ sizes: [Int], _ file: StaticString, _ line: UInt,
    _ body: (ct_tensor, UnsafePointer<Int64>, Int64) -> ct_tensor?
  ) -> Tensor {
    map(file, line) { x in sizes.withInt64 { body(x, $0, $1) } }
  }
}
