internal import CTorch

// Pooling over windows of the last one or two dimensions, [batch, channels, …] → [batch, channels, …]. The stride is
// the kernel's size unless it is given.

extension Tensor {
  public func maxPool1d(
    _ kernel: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, ceilMode: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let options = window(kernel, stride, padding, dilation, ceilMode)
    return map(file, line) { ct_max_pool($0, options) }
  }

  public func maxPool2d(
    _ kernel: IntPair, stride: IntPair? = nil, padding: IntPair = 0, dilation: IntPair = 1, ceilMode: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let options = window(kernel, stride, padding, dilation, ceilMode)
    return map(file, line) { ct_max_pool($0, options) }
  }

  /// - Parameter countIncludePad: whether the padding's zeros count in the mean.
  public func avgPool1d(
    _ kernel: Int, stride: Int? = nil, padding: Int = 0, ceilMode: Bool = false, countIncludePad: Bool = true,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let options = window(kernel, stride, padding, 1, ceilMode, countIncludePad)
    return map(file, line) { ct_avg_pool($0, options) }
  }

  /// - Parameter countIncludePad: whether the padding's zeros count in the mean.
  public func avgPool2d(
    _ kernel: IntPair, stride: IntPair? = nil, padding: IntPair = 0, ceilMode: Bool = false,
    countIncludePad: Bool = true, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let options = window(kernel, stride, padding, 1, ceilMode, countIncludePad)
    return map(file, line) { ct_avg_pool($0, options) }
  }

  /// The greatest elements of as many windows as the output has places.
  public func adaptiveMaxPool1d(_ size: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { x in [size].withInt64 { ct_adaptive_max_pool(x, $0, $1) } }
  }

  /// The greatest elements of as many windows as the output has places.
  public func adaptiveMaxPool2d(_ size: IntPair, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { x in size.array.withInt64 { ct_adaptive_max_pool(x, $0, $1) } }
  }

  /// The means of as many windows as the output has places.
  public func adaptiveAvgPool1d(_ size: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { x in [size].withInt64 { ct_adaptive_avg_pool(x, $0, $1) } }
  }

  /// The means of as many windows as the output has places.
  public func adaptiveAvgPool2d(_ size: IntPair, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { x in size.array.withInt64 { ct_adaptive_avg_pool(x, $0, $1) } }
  }

  /// The patches under a sliding kernel as columns: [batch, channels, height, width] →
  /// [batch, channels × kernel height × kernel width, places]. PyTorch's `F.unfold`.
  public func unfold2d(
    _ kernel: IntPair, stride: IntPair = 1, padding: IntPair = 0, dilation: IntPair = 1,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let options = window(kernel, stride, padding, dilation, false)
    return map(file, line) { ct_im2col($0, options) }
  }

  /// The sum of such columns, each at its place in an image of `size`. PyTorch's `F.fold`.
  public func fold2d(
    _ size: IntPair, _ kernel: IntPair, stride: IntPair = 1, padding: IntPair = 0, dilation: IntPair = 1,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let options = window(kernel, stride, padding, dilation, false)
    return map(file, line) { x in size.array.withInt64 { sizes, _ in ct_col2im(x, sizes, options) } }
  }
}

private func window(
  _ kernel: Int, _ stride: Int?, _ padding: Int, _ dilation: Int, _ ceilMode: Bool, _ countIncludePad: Bool = true
) -> ct_pooling_options {
  ct_pooling_options(
    dims: 1, kernel: single(kernel), stride: single(stride ?? kernel), padding: single(padding),
    dilation: single(dilation), ceil_mode: ceilMode, count_include_pad: countIncludePad)
}

private func window(
  _ kernel: IntPair, _ stride: IntPair?, _ padding: IntPair, _ dilation: IntPair, _ ceilMode: Bool,
  _ countIncludePad: Bool = true
) -> ct_pooling_options {
  ct_pooling_options(
    dims: 2, kernel: kernel.c, stride: (stride ?? kernel).c, padding: padding.c, dilation: dilation.c,
    ceil_mode: ceilMode, count_include_pad: countIncludePad)
}
