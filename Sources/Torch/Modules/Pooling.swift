// Pooling and shapes as modules, to stand in a `Sequential`; they have no state.

public final class MaxPool1d: UnaryModule {
  public let kernel, stride, padding: Int
  public init(_ kernel: Int, stride: Int? = nil, padding: Int = 0) {
    (self.kernel, self.stride, self.padding) = (kernel, stride ?? kernel, padding)
  }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.maxPool1d(kernel, stride: stride, padding: padding) }
}

public final class MaxPool2d: UnaryModule {
  public let kernel, stride, padding: IntPair
  public init(_ kernel: IntPair, stride: IntPair? = nil, padding: IntPair = 0) {
    (self.kernel, self.stride, self.padding) = (kernel, stride ?? kernel, padding)
  }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.maxPool2d(kernel, stride: stride, padding: padding) }
}

public final class AvgPool1d: UnaryModule {
  public let kernel, stride, padding: Int
  public init(_ kernel: Int, stride: Int? = nil, padding: Int = 0) {
    (self.kernel, self.stride, self.padding) = (kernel, stride ?? kernel, padding)
  }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.avgPool1d(kernel, stride: stride, padding: padding) }
}

public final class AvgPool2d: UnaryModule {
  public let kernel, stride, padding: IntPair
  public init(_ kernel: IntPair, stride: IntPair? = nil, padding: IntPair = 0) {
    (self.kernel, self.stride, self.padding) = (kernel, stride ?? kernel, padding)
  }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.avgPool2d(kernel, stride: stride, padding: padding) }
}

public final class AdaptiveAvgPool1d: UnaryModule {
  public let size: Int
  public init(_ size: Int) { self.size = size }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.adaptiveAvgPool1d(size) }
}

public final class AdaptiveAvgPool2d: UnaryModule {
  public let size: IntPair
  public init(_ size: IntPair) { self.size = size }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.adaptiveAvgPool2d(size) }
}

/// Enlarges the last one or two dimensions; see `Tensor.interpolate`.
public final class Upsample: UnaryModule {
  public let scale: Double
  public let mode: InterpolationMode
  public init(scale: Double, mode: InterpolationMode = .nearest) { (self.scale, self.mode) = (scale, mode) }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.interpolate(scale: scale, mode: mode) }
}

/// Joins the dimensions `start` to `end`, both included, into one: by default all but the batch's.
public final class Flatten: UnaryModule {
  public let start, end: Int
  public init(_ start: Int = 1, _ end: Int = -1) { (self.start, self.end) = (start, end) }
  public func callAsFunction(_ input: Tensor) -> Tensor { input.flatten(start, end) }
}
