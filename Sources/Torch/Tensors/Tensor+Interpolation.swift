internal import CTorch

/// How values between the elements are made.
public enum InterpolationMode: Sendable, Hashable {
  case nearest
  /// Linear along one dimension, bilinear along two. `alignCorners` puts the corner elements at the corners of both.
  case linear(alignCorners: Bool = false)
}

extension Tensor {
  /// The last one or two dimensions, [batch, channels, length] or [batch, channels, height, width], resized to `size`,
  /// which has one number for each. PyTorch's `F.interpolate(size=…)`.
  public func interpolate(
    size: [Int], mode: InterpolationMode = .nearest, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    precondition((1...2).contains(size.count), "One or two dimensions can be resized.", file: file, line: line)
    return size.withInt64 { sizes, count in interpolate(sizes, nil, count, mode, file, line) }
  }

  /// The last one or two dimensions, enlarged `scale` times. PyTorch's `F.interpolate(scale_factor=…)`.
  public func interpolate(
    scale: Double, mode: InterpolationMode = .nearest, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    precondition((3...4).contains(dim), "One or two dimensions can be resized.", file: file, line: line)
    return [scale, scale].withUnsafeBufferPointer {
      interpolate(nil, $0.baseAddress, Int64(dim - 2), mode, file, line)
    }
  }

  private func interpolate(
    _ sizes: UnsafePointer<Int64>?, _ factors: UnsafePointer<Double>?, _ dims: Int64, _ mode: InterpolationMode,
    _ file: StaticString, _ line: UInt
  ) -> Tensor {
    map(file, line) { x in
      switch mode {
      case .nearest: ct_interpolate_nearest(x, sizes, factors, dims)
      case .linear(let alignCorners): ct_interpolate_linear(x, sizes, factors, dims, alignCorners)
      }
    }
  }
}
