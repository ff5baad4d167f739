// Convolutions. The parameters are on the generator's device and begin as PyTorch's.

/// [batch, inputs, length] → [batch, outputs, length']; see `Tensor.conv1d`.
///
/// State: `weight` [outputs, inputs / groups, kernel], `bias` [outputs].
public final class Conv1d: UnaryModule {
  @Parameter public var weight: Tensor
  @Parameter public var bias: Tensor?
  public let stride, padding, dilation, groups: Int

  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1,
    bias: Bool = true, initialization: Initialization = .standard, generator: Generator, dtype: DType = .float32
  ) {
    (self.stride, self.padding, self.dilation, self.groups) = (stride, padding, dilation, groups)
    (_weight, _bias) = initialization.parameters(
      [outputs, inputs / groups, kernel], bias ? outputs : nil, dtype, generator)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    input.conv1d(weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
}

/// [batch, inputs, height, width] → [batch, outputs, height', width']; see `Tensor.conv2d`.
///
/// State: `weight` [outputs, inputs / groups, kernel height, kernel width], `bias` [outputs].
public final class Conv2d: UnaryModule {
  @Parameter public var weight: Tensor
  @Parameter public var bias: Tensor?
  public let stride, padding, dilation: IntPair
  public let groups: Int

  public init(
    _ inputs: Int, _ outputs: Int, kernel: IntPair, stride: IntPair = 1, padding: IntPair = 0, dilation: IntPair = 1,
    groups: Int = 1, bias: Bool = true, initialization: Initialization = .standard, generator: Generator,
    dtype: DType = .float32
  ) {
    (self.stride, self.padding, self.dilation, self.groups) = (stride, padding, dilation, groups)
    (_weight, _bias) = initialization.parameters(
      [outputs, inputs / groups, kernel.height, kernel.width], bias ? outputs : nil, dtype, generator)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    input.conv2d(weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
}

/// [batch, inputs, length] → [batch, outputs, length']; see `Tensor.convTranspose1d`.
///
/// State: `weight` [inputs, outputs / groups, kernel], `bias` [outputs].
public final class ConvTranspose1d: UnaryModule {
  @Parameter public var weight: Tensor
  @Parameter public var bias: Tensor?
  public let stride, padding, outputPadding, groups, dilation: Int

  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
    groups: Int = 1, bias: Bool = true, dilation: Int = 1, initialization: Initialization = .standard,
    generator: Generator, dtype: DType = .float32
  ) {
    (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
    (self.groups, self.dilation) = (groups, dilation)
    (_weight, _bias) = initialization.parameters(
      [inputs, outputs / groups, kernel], bias ? outputs : nil, dtype, generator)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    input.convTranspose1d(
      weight, bias, stride: stride, padding: padding, outputPadding: outputPadding, groups: groups,
      dilation: dilation)
  }
}

/// [batch, inputs, height, width] → [batch, outputs, height', width']; see `Tensor.convTranspose2d`.
///
/// State: `weight` [inputs, outputs / groups, kernel height, kernel width], `bias` [outputs].
public final class ConvTranspose2d: UnaryModule {
  @Parameter public var weight: Tensor
  @Parameter public var bias: Tensor?
  public let stride, padding, outputPadding, dilation: IntPair
  public let groups: Int

  public init(
    _ inputs: Int, _ outputs: Int, kernel: IntPair, stride: IntPair = 1, padding: IntPair = 0,
    outputPadding: IntPair = 0, groups: Int = 1, bias: Bool = true, dilation: IntPair = 1,
    initialization: Initialization = .standard, generator: Generator, dtype: DType = .float32
  ) {
    (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
    (self.groups, self.dilation) = (groups, dilation)
    (_weight, _bias) = initialization.parameters(
      [inputs, outputs / groups, kernel.height, kernel.width], bias ? outputs : nil, dtype, generator)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    input.convTranspose2d(
      weight, bias, stride: stride, padding: padding, outputPadding: outputPadding, groups: groups,
      dilation: dilation)
  }
}

extension Initialization {
  /// A weight of `shape`, and a bias of `outputs` unless there is none. What follows the weight's first dimension
  /// counts as inputs, as in PyTorch.
  fileprivate func parameters(
    _ shape: [Int], _ outputs: Int?, _ dtype: DType, _ generator: Generator
  ) -> (Parameter<Tensor>, Parameter<Tensor?>) {
    let weight = weight(shape, dtype: dtype, generator: generator)
    let inputs = shape.dropFirst().reduce(1, *)
    return (
      Parameter(weight),
      Parameter(outputs.map { bias($0, inputs: inputs, dtype: dtype, generator: generator) })
    )
  }
}
