internal import CTorch

// Cross-correlations, as every network library means by "convolution". Inputs may lack the batch dimension.

extension Tensor {
  /// x Wᵀ + b, with `weight` [outputs, inputs].
  public func linear(
    _ weight: Tensor, _ bias: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(weight, file, line) { x, weight in bias.withPointer { ct_linear(x, weight, $0) } }
  }

  /// [batch, inputs, length] with `weight` [outputs, inputs / groups, kernel] → [batch, outputs, length'], where
  /// length' = ⌊(length + 2 padding − dilation (kernel − 1) − 1) / stride⌋ + 1.
  public func conv1d(
    _ weight: Tensor, _ bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    convolve(
      weight, bias,
      ct_convolution_options(
        dims: 1, stride: single(stride), padding: single(padding), dilation: single(dilation),
        output_padding: single(0), groups: Int64(groups), transposed: false), file, line)
  }

  /// [batch, inputs, height, width] with `weight` [outputs, inputs / groups, kernel height, kernel width]; sizes as for
  /// `conv1d`.
  public func conv2d(
    _ weight: Tensor, _ bias: Tensor? = nil, stride: IntPair = 1, padding: IntPair = 0, dilation: IntPair = 1,
    groups: Int = 1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    convolve(
      weight, bias,
      ct_convolution_options(
        dims: 2, stride: stride.c, padding: padding.c, dilation: dilation.c, output_padding: (0, 0),
        groups: Int64(groups), transposed: false), file, line)
  }

  /// The gradient of `conv1d` as an operation: [batch, inputs, length] with `weight` [inputs, outputs / groups, kernel]
  /// → [batch, outputs, (length − 1) stride − 2 padding + dilation (kernel − 1) + outputPadding + 1].
  public func convTranspose1d(
    _ weight: Tensor, _ bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
    groups: Int = 1, dilation: Int = 1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    convolve(
      weight, bias,
      ct_convolution_options(
        dims: 1, stride: single(stride), padding: single(padding), dilation: single(dilation),
        output_padding: single(outputPadding), groups: Int64(groups), transposed: true), file, line)
  }

  /// [batch, inputs, height, width] with `weight` [inputs, outputs / groups, kernel height, kernel width]; sizes as for
  /// `convTranspose1d`.
  public func convTranspose2d(
    _ weight: Tensor, _ bias: Tensor? = nil, stride: IntPair = 1, padding: IntPair = 0, outputPadding: IntPair = 0,
    groups: Int = 1, dilation: IntPair = 1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    convolve(
      weight, bias,
      ct_convolution_options(
        dims: 2, stride: stride.c, padding: padding.c, dilation: dilation.c, output_padding: outputPadding.c,
        groups: Int64(groups), transposed: true), file, line)
  }

  private func convolve(
    _ weight: Tensor, _ bias: Tensor?, _ options: ct_convolution_options, _ file: StaticString, _ line: UInt
  ) -> Tensor {
    map(weight, file, line) { x, weight in bias.withPointer { ct_convolution(x, weight, $0, options) } }
  }
}
