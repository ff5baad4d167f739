/// Functions that put values in order, or say where in an order a value stands.
extension Library {
  static let orderFunctions: [Entry] = [
    define("argsort", in: "np torch t n", "input dim descending") { elaborator, arguments in
      elaborator.ordered(arguments).map { $0.indices } ?? .invalid
    },
    define("sort", in: "torch t", "input dim descending") { elaborator, arguments in
      elaborator.ordered(arguments).map { .tuple([$0.values, $0.indices], names: ["values", "indices"]) } ?? .invalid
    },
    define("topk", in: "torch t", "input count dim largest sorted") { elaborator, arguments in
      elaborator.largest(arguments)
    },
    define("median", in: "torch t", "input dim keepdim") { elaborator, arguments in elaborator.lowerMedian(arguments) },
    define("gather", in: "torch t", "input dim index") { elaborator, arguments in elaborator.gathered(arguments) },
    define("digitize", in: "np", "input bins right") { elaborator, arguments in
      elaborator.place(arguments, "input", among: "bins", isAfterEqual: !elaborator.flag(arguments, "right"))
    },
    define("bucketize", in: "torch", "input bins =right") { elaborator, arguments in
      elaborator.place(arguments, "input", among: "bins", isAfterEqual: elaborator.flag(arguments, "right"))
    },
    define("searchsorted", in: "np torch", "bins input side") { elaborator, arguments in
      var isRight = false
      if case .string("right") = arguments["side"] { isRight = true }
      return elaborator.place(arguments, "input", among: "bins", isAfterEqual: isRight)
    },
    define("interp", in: "np", "input xp fp left right") { elaborator, arguments in elaborator.interpolated(arguments) },
    define("select", in: "np", "conditions choices default") { elaborator, arguments in
      guard let conditions = elaborator.sequence(arguments["conditions"]),
        let choices = elaborator.sequence(arguments["choices"]), conditions.count == choices.count
      else {
        return elaborator.fail("arguments", arguments.span, "\"np.select\" needs two lists of the same length.")
      }
      var result = arguments["default"].isNone ? Value.int(0) : arguments["default"]
      for (condition, choice) in zip(conditions, choices).reversed() {
        var step = Arguments(name: "np.where", span: arguments.span)
        step.values = ["condition": condition, "input": choice, "other": result]
        result = elaborator.chosen(step)
      }
      return result
    },
  ]
}

extension Elaborator {
  /// The elements along an axis in order, and where they stood. Nil after reporting.
  fileprivate func ordered(_ arguments: Arguments) -> (values: Value, indices: Value)? {
    guard let array = arrayArgument(arguments, "input"),
      let axis = axis(arguments["dim"].integer ?? -1, array.shape.count, arguments), isOrderable(array, axis, arguments)
    else { return nil }
    let isDescending = flag(arguments, "descending")
    return arranged(array, axis, count: array.shape[axis].size) { isDescending ? $1 - 1 - $0 : $0 }
  }

  fileprivate func largest(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input"),
      let axis = axis(arguments["dim"].integer ?? -1, array.shape.count, arguments), isOrderable(array, axis, arguments)
    else { return .invalid }
    guard let count = arguments["count"].integer, count >= 0, count <= array.shape[axis].size else {
      return fail("arguments", arguments.span, "\"topk\" needs a known count, at most the size of the axis.")
    }
    let isLargest = arguments["largest"].number.map { $0 != 0 } ?? true
    let result = arranged(array, axis, count: count) { isLargest ? $1 - 1 - $0 : $0 }
    return .tuple([result.values, result.indices], names: ["values", "indices"])
  }

  /// torch's median: the lower of the two middle elements.
  fileprivate func lowerMedian(_ arguments: Arguments) -> Value {
    guard var array = arrayArgument(arguments, "input") else { return .invalid }
    let isWhole = arguments["dim"].isNone
    if isWhole, array.rowsAxis == nil { array = view(array, shape: [.fixed(array.count)], indices: nil) }
    guard !isWhole || array.shape.count == 1 else {
      return fail(
        "batch-reduction", arguments.span, "\"median\" mixes the rows of the batch: a reward may only look at its own row.",
        suggestion: "reduce over the components: \"dim=-1\"")
    }
    guard let axis = axis(arguments["dim"].integer ?? 0, array.shape.count, arguments),
      isOrderable(array, axis, arguments)
    else { return .invalid }
    let size = array.shape[axis].size
    let result = arranged(array, axis, count: 1) { _, _ in (size - 1) / 2 }
    guard case (.array(var values), .array(var indices)) = (result.values, result.indices) else { return .invalid }
    if !flag(arguments, "keepdim") {
      values.shape.remove(at: axis)
      indices.shape.remove(at: axis)
    }
    return isWhole ? .array(values) : .tuple([.array(values), .array(indices)], names: ["values", "indices"])
  }

  private func isOrderable(_ array: ArrayValue, _ axis: Int, _ arguments: Arguments) -> Bool {
    if array.shape[axis].isRows {
      fail(
        kind == .fitness ? "unsupported" : "batch-reduction", arguments.span,
        "\"\(arguments.name)\" would order the \(kind == .fitness ? "steps of an episode" : "rows of the batch").",
        suggestion: kind == .fitness ? "\"np.sort\" gives the values alone" : "order the components: \"dim=-1\"")
      return false
    }
    if (1...32).contains(array.shape[axis].size) { return true }
    fail("too-large", arguments.span, "\"\(arguments.name)\" orders at most 32 elements.")
    return false
  }

  /// For every element its rank, by comparing it with all others; then for every wanted rank the element that has it.
  private func arranged(
    _ array: ArrayValue, _ axis: Int, count: Int, rank wanted: (Int, Int) -> Int
  ) -> (values: Value, indices: Value) {
    let nodes = components(array)
    let size = array.shape[axis].size
    let stride = strides(array.shape)[axis]
    var shape = array.shape
    shape[axis] = .fixed(count)
    let outer = nodes.count / (size * stride)
    var values = [Node](repeating: graph.constant(0), count: outer * count * stride)
    var indices = values
    for block in 0..<outer {
      for lane in 0..<stride {
        let group = (0..<size).map { nodes[(block * size + $0) * stride + lane] }
        let ranks = group.indices.map { i in
          let before = group.indices.filter { $0 != i }.map { j in
            // Equal elements keep their order.
            graph.binary(j < i ? .lessEqual : .less, group[j], group[i])
          }
          return before.reduce(graph.constant(0)) { graph.binary(.add, $0, $1) }
        }
        for place in 0..<count {
          let rank = graph.constant(Double(wanted(place, size)))
          var value = group[size - 1], index = graph.constant(Double(size - 1))
          for candidate in (0..<(size - 1)).reversed() {
            let isHere = graph.binary(.equal, ranks[candidate], rank)
            value = graph.select(isHere, group[candidate], value)
            index = graph.select(isHere, graph.constant(Double(candidate)), index)
          }
          values[(block * count + place) * stride + lane] = value
          indices[(block * count + place) * stride + lane] = index
        }
      }
    }
    return (
      .array(self.array(shape, values, array.dtype, array.family)),
      .array(self.array(shape, indices, .int, array.family))
    )
  }

  /// `torch.gather` along an axis of known size.
  fileprivate func gathered(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input"), let index = arrayArgument(arguments, "index"),
      let number = arguments["dim"].integer, let axis = axis(number, array.shape.count, arguments)
    else { return .invalid }
    var expected = array.shape
    if axis < index.shape.count { expected[axis] = index.shape[axis] }
    guard !array.shape[axis].isRows, array.shape[axis].size > 0, index.shape == expected else {
      return fail(
        "shape-mismatch", arguments.span,
        "\"gather\" along axis \(number) of \(describe(array.shape)) needs an index of that shape but for this axis.")
    }
    let (nodes, places) = (components(array), components(index))
    let (size, count) = (array.shape[axis].size, index.shape[axis].size)
    let stride = strides(array.shape)[axis]
    let result = places.indices.map { position in
      let lane = position % stride
      let block = position / stride / count
      var value = nodes[(block * size + size - 1) * stride + lane]
      for candidate in (0..<(size - 1)).reversed() {
        let isHere = graph.binary(.equal, places[position], graph.constant(Double(candidate)))
        value = graph.select(isHere, nodes[(block * size + candidate) * stride + lane], value)
      }
      return value
    }
    return .array(self.array(index.shape, result, array.dtype, array.family))
  }

  /// How many of the bins come before every element.
  fileprivate func place(
    _ arguments: Arguments, _ name: String, among bins: String, isAfterEqual: Bool
  ) -> Value {
    guard let x = arrayArgument(arguments, name), let edges = arrayArgument(arguments, bins), edges.shape.count == 1,
      edges.rowsAxis == nil
    else { return fail("arguments", arguments.span, "\"\(arguments.name)\" needs its bins as one axis of known size.") }
    let limits = components(edges)
    let result = components(x).map { node in
      limits.map { graph.binary(isAfterEqual ? .lessEqual : .less, $0, node) }
        .reduce(graph.constant(0)) { graph.binary(.add, $0, $1) }
    }
    return .array(array(x.shape, result, .int, max(.numpy, x.family)))
  }

  /// `np.interp`: linear between known points, constant beyond them.
  fileprivate func interpolated(_ arguments: Arguments) -> Value {
    guard let x = arrayArgument(arguments, "input"), let xs = arrayArgument(arguments, "xp"),
      let ys = arrayArgument(arguments, "fp"), xs.shape.count == 1, xs.shape == ys.shape, xs.rowsAxis == nil,
      let first = components(ys).first, let last = components(ys).last
    else {
      return fail("arguments", arguments.span, "\"np.interp\" needs its points as two lists of the same known length.")
    }
    let (at, values) = (components(xs), components(ys))
    func beyond(_ name: String, _ usual: Node) -> Node {
      arguments[name].isNone ? usual : arrayArgument(arguments, name).flatMap { components($0).first } ?? usual
    }
    let left = beyond("left", first), right = beyond("right", last)
    return mapped(x, dtype: .float) { node, graph in
      var result = graph.select(graph.binary(.less, at[at.count - 1], node), right, last)
      for index in (0..<(at.count - 1)).reversed() {
        let slope = graph.binary(
          .divide, graph.binary(.subtract, values[index + 1], values[index]),
          graph.binary(.subtract, at[index + 1], at[index]))
        let line = graph.binary(
          .add, graph.binary(.multiply, slope, graph.binary(.subtract, node, at[index])), values[index])
        result = graph.select(graph.binary(.less, node, at[index + 1]), line, result)
      }
      return graph.select(graph.binary(.less, node, at[0]), left, result)
    }
  }
}
