extension Elaborator {
  /// numpy's broadcast shape; nil if the shapes do not go together. The symbolic axis goes with itself and with 1.
  func broadcastShape(_ shapes: [[Dimension]]) -> [Dimension]? {
    var result: [Dimension] = []
    for shape in shapes {
      let rank = max(result.count, shape.count)
      var merged: [Dimension] = []
      for axis in 0..<rank {
        let left = axis - (rank - result.count) >= 0 ? result[axis - (rank - result.count)] : .fixed(1)
        let right = axis - (rank - shape.count) >= 0 ? shape[axis - (rank - shape.count)] : .fixed(1)
        if left == right || right == .fixed(1) {
          merged.append(left)
        } else if left == .fixed(1) {
          merged.append(right)
        } else {
          return nil
        }
      }
      result = merged
    }
    return result.filter(\.isRows).count > 1 ? nil : result
  }

  /// Components of `array` at the places of `shape`, to which it broadcasts.
  func components(_ array: ArrayValue, broadcastTo shape: [Dimension]) -> [Node] {
    let nodes = components(array)
    if array.shape == shape { return nodes }
    let count = shape.reduce(1) { $0 * $1.size }
    if nodes.count == 1 { return [Node](repeating: nodes[0], count: count) }
    if nodes.count == count, array.shape.map(\.size) == shape.suffix(array.shape.count).map(\.size) { return nodes }
    return broadcastIndices(from: array.shape, to: shape).map { nodes[Int($0)] }
  }

  /// For every component of `shape`, the component of an array of shape `source` that broadcasts there.
  func broadcastIndices(from source: [Dimension], to shape: [Dimension]) -> [Int32] {
    let offset = shape.count - source.count
    var strides = [Int](repeating: 0, count: shape.count)
    var stride = 1
    for axis in source.indices.reversed() {
      strides[axis + offset] = source[axis].size == 1 ? 0 : stride
      stride *= source[axis].size
    }
    return gather(sizes: shape.map(\.size), strides: strides, start: 0)
  }

  /// Offsets of a strided box, in row-major order.
  func gather(sizes: [Int], strides: [Int], start: Int) -> [Int32] {
    let count = sizes.reduce(1, *)
    guard count > 0 else { return [] }
    var result: [Int32] = []
    result.reserveCapacity(count)
    var position = [Int](repeating: 0, count: sizes.count)
    var offset = start
    for _ in 0..<count {
      result.append(Int32(offset))
      var axis = sizes.count - 1
      while axis >= 0 {
        position[axis] += 1
        offset += strides[axis]
        if position[axis] < sizes[axis] { break }
        offset -= strides[axis] * sizes[axis]
        position[axis] = 0
        axis -= 1
      }
    }
    return result
  }

  /// Broadcasts or reports; the message names the shapes, and the usual mistake if it is that.
  func broadcast(_ arrays: [ArrayValue], _ span: Span) -> (shape: [Dimension], components: [[Node]])? {
    guard let shape = broadcastShape(arrays.map(\.shape)) else {
      let shapes = arrays.map { describe($0.shape) }
      let hasColumn = arrays.contains { $0.shape.count == 2 && $0.shape[0].isRows && $0.shape[1] == .fixed(1) }
      let hasFlat = arrays.contains { $0.shape.count == 1 && $0.shape[0].isRows }
      let hasVector = arrays.contains { $0.shape.count == 2 && $0.shape[0].isRows }
      var suggestion: String?
      if hasColumn && hasFlat {
        suggestion = "this would pair every row with every other: drop the axis of length 1 with \".squeeze(-1)\""
      } else if hasFlat && hasVector {
        suggestion = "add an axis to the value per row with \".unsqueeze(-1)\" or \"[:, None]\""
      }
      fail(
        "shape-mismatch", span, "The shapes \(shapes.joined(separator: " and ")) do not go together.",
        suggestion: suggestion)
      return nil
    }
    guard shape.reduce(1, { $0 * $1.size }) <= Limits.elements else {
      fail("too-large", span, "An array of shape \(describe(shape)) has more than \(Limits.elements) components.")
      return nil
    }
    return (shape, arrays.map { components($0, broadcastTo: shape) })
  }

  /// The family of a result of several arrays.
  func family(_ arrays: [ArrayValue]) -> Family { arrays.map(\.family).max() ?? .python }
}
