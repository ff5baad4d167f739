extension Library {
  static let shapeFunctions: [Entry] = [
    define("reshape", in: "np torch", "input *shape") { elaborator, arguments in elaborator.reshaped(arguments) },
    define("reshape view", in: "t n", "input *shape") { elaborator, arguments in elaborator.reshaped(arguments) },
    define("view_as reshape_as", in: "t", "input other") { elaborator, arguments in
      guard let other = elaborator.arrayArgument(arguments, "other") else { return .invalid }
      var renamed = arguments
      renamed.extra = other.shape.map(elaborator.sizeValue)
      return elaborator.reshaped(renamed)
    },
    define("ravel", in: "np torch t n", "input") { elaborator, arguments in elaborator.flattened(arguments) },
    define("flatten", in: "torch t n", "input start end") { elaborator, arguments in elaborator.flattened(arguments) },
    define("squeeze squeeze_", in: "np torch t n", "input dim") { elaborator, arguments in
      elaborator.squeezed(arguments)
    },
    define("unsqueeze expand_dims unsqueeze_", in: "np torch t", "input dim") { elaborator, arguments in
      elaborator.unsqueezed(arguments)
    },
    define("transpose swapaxes", in: "np torch t n", "input axis1 axis2") { elaborator, arguments in
      elaborator.transposed(arguments)
    },
    define("t", in: "torch t", "input") { elaborator, arguments in elaborator.transposed(arguments) },
    define("permute", in: "torch t", "input *dim") { elaborator, arguments in elaborator.permuted(arguments) },
    define("movedim moveaxis", in: "np torch", "input dim destination") { elaborator, arguments in
      elaborator.moved(arguments)
    },
    define("expand", in: "t", "input *shape") { elaborator, arguments in elaborator.expanded(arguments) },
    define("broadcast_to", in: "np torch", "input *shape") { elaborator, arguments in elaborator.expanded(arguments) },
    define("expand_as", in: "t", "input other") { elaborator, arguments in
      guard let other = elaborator.arrayArgument(arguments, "other") else { return .invalid }
      return elaborator.expanded(arguments, to: other.shape)
    },
    define("repeat tile", in: "t", "input *repeats") { elaborator, arguments in elaborator.tiled(arguments) },
    define("tile", in: "np torch", "input *repeats") { elaborator, arguments in elaborator.tiled(arguments) },
    define("repeat", in: "np n", "input repeats dim") { elaborator, arguments in elaborator.repeatedElements(arguments)
    },
    define("repeat_interleave", in: "torch t", "input repeats dim") { elaborator, arguments in
      elaborator.repeatedElements(arguments)
    },
    define("flip", in: "np torch t", "input *dim") { elaborator, arguments in elaborator.flipped(arguments) },
    define("roll", in: "np torch t", "input shifts dim") { elaborator, arguments in elaborator.rolled(arguments) },
    define("stack", in: "np torch", "tensors dim") { elaborator, arguments in elaborator.stacked(arguments) },
    define("cat concat concatenate", in: "np torch", "tensors dim") { elaborator, arguments in
      elaborator.concatenated(arguments["tensors"], arguments["dim"].integer ?? 0, arguments)
    },
    define("append", in: "np", "input other dim") { elaborator, arguments in
      guard !arguments["dim"].isNone else {
        // Without an axis both are flattened.
        guard let x = elaborator.arrayArgument(arguments, "input"), let y = elaborator.arrayArgument(arguments, "other")
        else { return .invalid }
        guard x.rowsAxis == nil, y.rowsAxis == nil else {
          return elaborator.fail("batch-index", arguments.span, "Nothing can be appended to the rows.")
        }
        let nodes = elaborator.components(x) + elaborator.components(y)
        return .array(elaborator.array([.fixed(nodes.count)], nodes, max(x.dtype, y.dtype), .numpy))
      }
      let parts = Value.tuple([arguments["input"], arguments["other"]])
      return elaborator.concatenated(parts, arguments["dim"].integer ?? 0, arguments)
    },
    define("hstack", in: "np torch", "tensors") { elaborator, arguments in
      let rank = (elaborator.sequence(arguments["tensors"])?.first).flatMap(elaborator.toArray)?.shape.count ?? 1
      return elaborator.concatenated(elaborator.atLeastOneAxis(arguments["tensors"]), rank > 1 ? 1 : 0, arguments)
    },
    define("vstack row_stack", in: "np torch", "tensors") { elaborator, arguments in
      let rank = (elaborator.sequence(arguments["tensors"])?.first).flatMap(elaborator.toArray)?.shape.count ?? 1
      if rank > 1 { return elaborator.concatenated(arguments["tensors"], 0, arguments) }
      return elaborator.stacked(arguments)
    },
    define("column_stack", in: "np torch", "tensors") { elaborator, arguments in
      var renamed = arguments
      renamed.values["dim"] = .int(1)
      return elaborator.stacked(renamed)
    },
    define("split", in: "np torch t n", "input parts dim") { elaborator, arguments in
      elaborator.split(arguments, isCount: arguments.name.hasPrefix("np."))
    },
    define("array_split", in: "np", "input parts dim") { elaborator, arguments in
      elaborator.split(arguments, isCount: true)
    },
    define("chunk", in: "torch t", "input parts dim") { elaborator, arguments in
      elaborator.split(arguments, isCount: true)
    },
    define("unbind", in: "torch t", "input dim") { elaborator, arguments in elaborator.unbound(arguments) },
    define("select", in: "torch t", "input dim index") { elaborator, arguments in
      elaborator.indexed(arguments, arguments["index"])
    },
    define("narrow", in: "torch t", "input dim start count") { elaborator, arguments in
      guard let start = arguments["start"].integer, let count = arguments["count"].integer else {
        return elaborator.fail("arguments", arguments.span, "\"narrow\" needs ints.")
      }
      return elaborator.indexed(arguments, .slice(.int(start), .int(start + count), .none))
    },
    define("index_select", in: "torch t", "input dim index") { elaborator, arguments in
      elaborator.indexed(arguments, arguments["index"])
    },
    define("take", in: "np", "input index dim") { elaborator, arguments in
      elaborator.indexed(arguments, arguments["index"])
    },
    define("atleast_1d", in: "np", "input") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      if !array.shape.isEmpty { return .array(array) }
      return .array(elaborator.array([.fixed(1)], elaborator.components(array), array.dtype, max(.numpy, array.family)))
    },
    define("clone detach contiguous cpu cuda numpy requires_grad_ detach_", in: "t", "input value") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return .array(arguments.name == "clone" ? elaborator.copy(array) : array)
    },
    define("copy", in: "n np", "input") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return .array(elaborator.copy(array))
    },
    define("size", in: "t", "input dim") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      let sizes = array.shape.map(elaborator.sizeValue)
      guard let number = arguments["dim"].integer else { return .tuple(sizes) }
      return elaborator.axis(number, sizes.count, arguments).map { sizes[$0] } ?? .invalid
    },
    define("shape", in: "np", "input") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return .tuple(array.shape.map(elaborator.sizeValue))
    },
    define("ndim", in: "np", "input") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return .int(array.shape.count)
    },
    define("dim ndimension", in: "t", "input") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return .int(array.shape.count)
    },
    define("numel", in: "t torch", "input") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      if let axis = array.rowsAxis { return array.count == 1 ? elaborator.sizeValue(array.shape[axis]) : .invalid }
      return .int(array.count)
    },
    define("item", in: "t n", "input") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      guard array.count == 1, array.rowsAxis == nil else {
        return elaborator.fail(
          "shape-mismatch", arguments.span,
          "\"item\" needs one element, and the shape is \(elaborator.describe(array.shape)).")
      }
      return .array(
        ArrayValue(shape: [], dtype: array.dtype, family: .python, backing: .immediate(elaborator.components(array))))
    },
    define("tolist", in: "t n", "input") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input"), case .fixed(let count)? = array.shape.first,
        array.shape.count == 1
      else { return elaborator.fail("unsupported", arguments.span, "\"tolist\" needs one axis of known size.") }
      return elaborator.makeList(
        elaborator.components(array).prefix(count).map {
          .array(ArrayValue(shape: [], dtype: array.dtype, family: .python, backing: .immediate([$0])))
        })
    },
    conversion("float double half float32", .float), conversion("long int int32 int64 short", .int),
    conversion("bool", .bool),
    define("to type type_as", in: "t", "input target") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      if case .type(let name) = arguments["target"], let dtype = Library.dtype(named: name) {
        return .array(elaborator.cast(array, dtype))
      }
      if case .array(let other) = arguments["target"] { return .array(elaborator.cast(array, other.dtype)) }
      return .array(array)
    },
    define("astype", in: "n", "input target") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      var name = ""
      if case .type(let type) = arguments["target"] { name = type }
      if case .string(let text) = arguments["target"] { name = text }
      if case .builtin(let text) = arguments["target"] { name = text }
      guard let dtype = Library.dtype(named: name) else {
        return elaborator.fail("type", arguments.span, "There is no element type \"\(name)\".")
      }
      return .array(elaborator.cast(array, dtype))
    },
  ]

  private static func conversion(_ names: String, _ dtype: DType) -> Entry {
    define(names, in: "t", "input") { elaborator, arguments in
      guard let array = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return .array(elaborator.cast(array, dtype))
    }
  }

  static func dtype(named name: String) -> DType? {
    dtypes[name] ?? name.split(separator: ".").last.flatMap { dtypes[String($0)] }
  }
}

extension Elaborator {
  /// The axes given as separate ints or as one tuple; -1 stays. Nil after reporting.
  func dimensions(_ arguments: Arguments) -> [Dimension]? {
    var values = arguments.extra
    if values.isEmpty, !arguments["shape"].isNone { values = [arguments["shape"]] }
    if values.count == 1, let inner = sequence(values[0]) { values = inner }
    var result: [Dimension] = []
    for value in values {
      switch value {
      case .size(let id): result.append(.rows(id))
      case .array(let array) where array.count == 1 && graph.constantValue(components(array)[0]) != nil:
        result.append(.fixed(Int(graph.constantValue(components(array)[0]) ?? 0)))
      default:
        guard let number = value.integer, number >= -1, number <= Limits.elements else {
          fail("type", arguments.span, "The shape of \"\(arguments.name)\" must be ints known while compiling.")
          return nil
        }
        result.append(.fixed(number))
      }
    }
    return result
  }

  fileprivate func reshaped(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input"), var shape = dimensions(arguments) else { return .invalid }
    let unknown = shape.indices.filter { shape[$0] == .fixed(-1) }
    let known = shape.filter { $0 != .fixed(-1) && !$0.isRows }.reduce(1) { $0 * $1.size }
    let rows = array.rowsAxis.map { array.shape[$0] }
    if unknown.count == 1, known > 0 {
      if let rows, !shape.contains(where: \.isRows), array.count == known {
        shape[unknown[0]] = rows
      } else if array.count % known == 0 {
        shape[unknown[0]] = .fixed(array.count / known)
      }
    }
    let isWhole = !shape.contains(.fixed(-1)) && shape.reduce(1) { $0 * $1.size } == array.count
    let leadsBefore = array.rowsAxis.map { array.shape[..<$0].allSatisfy { $0.size == 1 } } ?? true
    let leadsAfter = shape.firstIndex(where: \.isRows).map { shape[..<$0].allSatisfy { $0.size == 1 } }
    guard isWhole, leadsBefore, leadsAfter ?? (rows == nil), shape.filter(\.isRows).first == rows else {
      return fail(
        "shape-mismatch", arguments.span,
        "An array of shape \(describe(array.shape)) cannot be reshaped to \(describe(shape)).",
        suggestion: rows == nil ? nil : "keep the rows in front, as in \"x.reshape(x.shape[0], -1)\"")
    }
    return .array(view(array, shape: shape, indices: nil))
  }

  fileprivate func flattened(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input") else { return .invalid }
    let rank = array.shape.count
    let start = arguments["start"].integer ?? 0, end = arguments["end"].integer ?? -1
    guard rank > 0 else { return .array(view(array, shape: [.fixed(1)], indices: nil)) }
    guard let first = axis(start, rank, arguments), let last = axis(end, rank, arguments), first <= last else {
      return .invalid
    }
    let merged = array.shape[first...last]
    var dimension = Dimension.fixed(merged.reduce(1) { $0 * $1.size })
    if let rows = merged.first(where: \.isRows) {
      guard dimension.size == 1 else {
        return fail(
          "shape-mismatch", arguments.span, "Flattening \(describe(array.shape)) would mix rows and components.",
          suggestion: "flatten the components only: \"x.flatten(1)\"")
      }
      dimension = rows
    }
    let shape = Array(array.shape[..<first]) + [dimension] + Array(array.shape[(last + 1)...])
    return .array(view(array, shape: shape, indices: nil))
  }

  fileprivate func squeezed(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input") else { return .invalid }
    var shape = array.shape
    if arguments["dim"].isNone {
      shape.removeAll { $0 == .fixed(1) }
    } else {
      guard let axes = axes(arguments, array) else { return .invalid }
      for axis in axes.reversed() where shape[axis] == .fixed(1) { shape.remove(at: axis) }
    }
    return .array(scalarIfNumpy(view(array, shape: shape, indices: nil)))
  }

  fileprivate func unsqueezed(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input") else { return .invalid }
    guard let number = arguments["dim"].integer, let axis = axis(number, array.shape.count + 1, arguments) else {
      return fail("arguments", arguments.span, "\"\(arguments.name)\" needs an axis.")
    }
    var shape = array.shape
    shape.insert(.fixed(1), at: axis)
    if case .immediate(let nodes) = array.backing, array.family != .torch {
      return .array(self.array(shape, nodes, array.dtype, max(.numpy, array.family)))
    }
    return .array(view(array, shape: shape, indices: nil))
  }

  fileprivate func transposed(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input") else { return .invalid }
    let rank = array.shape.count
    var axes = Array(array.shape.indices)
    if let list = sequence(arguments["axis1"])?.compactMap(\.integer), list.count == rank {
      axes = list.map { $0 < 0 ? $0 + rank : $0 }
    } else if let first = arguments["axis1"].integer, let second = arguments["axis2"].integer {
      guard let i = axis(first, rank, arguments), let j = axis(second, rank, arguments) else { return .invalid }
      axes.swapAt(i, j)
    } else {
      axes.reverse()
    }
    guard Set(axes) == Set(array.shape.indices) else {
      return fail("axis", arguments.span, "These axes are no permutation of \(rank).")
    }
    return .array(permuted(array, axes))
  }

  fileprivate func permuted(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input") else { return .invalid }
    let rank = array.shape.count
    let values = arguments.extra.count == 1 ? sequence(arguments.extra[0]) ?? arguments.extra : arguments.extra
    let axes = values.compactMap(\.integer).map { $0 < 0 ? $0 + rank : $0 }
    guard axes.count == rank, Set(axes) == Set(array.shape.indices) else {
      return fail("axis", arguments.span, "These axes are no permutation of \(rank).")
    }
    return .array(permuted(array, axes))
  }

  fileprivate func moved(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input") else { return .invalid }
    guard let from = arguments["dim"].integer.flatMap({ axis($0, array.shape.count, arguments) }),
      let to = arguments["destination"].integer.flatMap({ axis($0, array.shape.count, arguments) })
    else { return fail("arguments", arguments.span, "\"\(arguments.name)\" needs two axes.") }
    var axes = Array(array.shape.indices)
    axes.insert(axes.remove(at: from), at: to)
    return .array(permuted(array, axes))
  }

  fileprivate func expanded(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input"), var shape = dimensions(arguments) else { return .invalid }
    let offset = shape.count - array.shape.count
    for axis in shape.indices where shape[axis] == .fixed(-1) && axis >= offset {
      shape[axis] = array.shape[axis - offset]
    }
    return expanded(arguments, to: shape)
  }

  fileprivate func expanded(_ arguments: Arguments, to shape: [Dimension]) -> Value {
    guard let array = arrayArgument(arguments, "input") else { return .invalid }
    guard broadcastShape([array.shape, shape]) == shape else {
      return fail(
        "shape-mismatch", arguments.span,
        "An array of shape \(describe(array.shape)) cannot be expanded to \(describe(shape)).")
    }
    return .array(self.array(shape, components(array, broadcastTo: shape), array.dtype, max(.numpy, array.family)))
  }

  fileprivate func tiled(_ arguments: Arguments) -> Value {
    var renamed = arguments
    if arguments.extra.isEmpty, !arguments["repeats"].isNone { renamed.extra = [arguments["repeats"]] }
    guard let array = arrayArgument(arguments, "input"), var repeats = dimensions(renamed) else { return .invalid }
    var shape = array.shape
    while shape.count < repeats.count { shape.insert(.fixed(1), at: 0) }
    while repeats.count < shape.count { repeats.insert(.fixed(1), at: 0) }
    var result = components(array)
    for axis in shape.indices.reversed() {
      switch (shape[axis], repeats[axis]) {
      case (_, .fixed(1)): continue
      case (.fixed(1), .rows): shape[axis] = repeats[axis]
      case (.fixed(let count), .fixed(let times)):
        let inner = shape[(axis + 1)...].reduce(count) { $0 * $1.size }
        guard inner > 0, result.count * times <= Limits.elements else {
          return fail("too-large", arguments.span, "The result has too many elements.")
        }
        result = stride(from: 0, to: result.count, by: inner).flatMap { start in
          (0..<times).flatMap { _ in result[start..<(start + inner)] }
        }
        shape[axis] = .fixed(count * times)
      default:
        return fail("shape-mismatch", arguments.span, "The rows cannot be repeated.")
      }
    }
    return .array(self.array(shape, result, array.dtype, max(.numpy, array.family)))
  }

  fileprivate func repeatedElements(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input"), let times = arguments["repeats"].integer, times >= 1,
      times * array.count <= Limits.elements
    else { return fail("arguments", arguments.span, "\"\(arguments.name)\" needs a known count.") }
    let isFlat = arguments["dim"].isNone
    guard let axis = axis(arguments["dim"].integer ?? 0, max(1, array.shape.count), arguments) else { return .invalid }
    let shape = array.shape.isEmpty ? [.fixed(1)] : array.shape
    guard !shape[axis].isRows, !isFlat || shape.count == 1 else {
      return fail("shape-mismatch", arguments.span, "The rows cannot be repeated.")
    }
    let inner = shape[(axis + 1)...].reduce(1) { $0 * $1.size }
    let nodes = components(array)
    let result = stride(from: 0, to: nodes.count, by: inner).flatMap { start in
      (0..<times).flatMap { _ in nodes[start..<(start + inner)] }
    }
    var larger = shape
    larger[axis] = .fixed(shape[axis].size * times)
    return .array(self.array(larger, result, array.dtype, max(.numpy, array.family)))
  }

  fileprivate func flipped(_ arguments: Arguments) -> Value {
    guard var array = arrayArgument(arguments, "input") else { return .invalid }
    let values = arguments.extra.count == 1 ? sequence(arguments.extra[0]) ?? arguments.extra : arguments.extra
    let axes = values.isEmpty ? Array(array.shape.indices) : values.compactMap(\.integer)
    for number in axes {
      guard let axis = axis(number, array.shape.count, arguments),
        let next = slice(array, axis, .slice(.none, .none, .int(-1)), arguments.span)
      else { return .invalid }
      array = next
    }
    return .array(copy(array))
  }

  fileprivate func rolled(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input"), let shift = arguments["shifts"].integer,
      let axis = axis(arguments["dim"].integer ?? 0, array.shape.count, arguments), !array.shape[axis].isRows
    else { return fail("arguments", arguments.span, "\"roll\" needs a known shift along an axis of known size.") }
    let size = max(1, array.shape[axis].size)
    let places = (0..<size).map { Value.int((($0 - shift) % size + size) % size) }
    return slice(array, axis, .tuple(places), arguments.span).map { .array(copy($0)) } ?? .invalid
  }

  // MARK: Joining and splitting

  func atLeastOneAxis(_ value: Value) -> Value {
    guard let items = sequence(value) else { return value }
    return .tuple(
      items.map { item in
        guard let array = toArray(item), array.shape.isEmpty else { return item }
        return .array(self.array([.fixed(1)], components(array), array.dtype, max(.numpy, array.family)))
      })
  }

  /// The arrays to join. Nil after reporting.
  private func parts(_ value: Value, _ arguments: Arguments) -> [ArrayValue]? {
    if case .array(let array) = value, case .fixed(let count)? = array.shape.first {
      return (0..<count).map { element(array, $0) }
    }
    guard let items = sequence(value), !items.isEmpty else {
      fail("type", arguments.span, "\"\(arguments.name)\" needs a list of arrays.")
      return nil
    }
    let arrays = items.compactMap(toArray)
    guard arrays.count == items.count else {
      if !items.contains(where: \.isInvalid) {
        fail("type", arguments.span, "\"\(arguments.name)\" needs a list of arrays.")
      }
      return nil
    }
    if arguments.name.hasPrefix("torch."), arrays.contains(where: { $0.family != .torch }) {
      fail("type", arguments.span, "\"\(arguments.name)\" needs tensors only.")
      return nil
    }
    return arrays
  }

  fileprivate func stacked(_ arguments: Arguments) -> Value {
    guard let arrays = parts(arguments["tensors"], arguments) else { return .invalid }
    let shape = arrays[0].shape
    guard arrays.allSatisfy({ $0.shape == shape }) else {
      return fail(
        "shape-mismatch", arguments.span,
        "\"\(arguments.name)\" needs equal shapes: \(arrays.map { describe($0.shape) }.joined(separator: ", ")).")
    }
    guard let axis = axis(arguments["dim"].integer ?? 0, shape.count + 1, arguments) else { return .invalid }
    var joined = shape
    joined.insert(.fixed(arrays.count), at: axis)
    return join(arrays, blocks: shape[axis...].reduce(1) { $0 * $1.size }, joined)
  }

  func concatenated(_ value: Value, _ number: Int, _ arguments: Arguments) -> Value {
    guard let arrays = parts(value, arguments) else { return .invalid }
    let shape = arrays[0].shape
    guard let axis = axis(number, shape.count, arguments) else { return .invalid }
    func rest(_ shape: [Dimension]) -> [Dimension] { shape.enumerated().filter { $0.offset != axis }.map(\.element) }
    guard arrays.allSatisfy({ $0.shape.count == shape.count && rest($0.shape) == rest(shape) }) else {
      return fail(
        "shape-mismatch", arguments.span,
        "\"\(arguments.name)\" needs equal shapes apart from axis \(axis): "
          + arrays.map { describe($0.shape) }.joined(separator: ", ") + ".")
    }
    if arrays.contains(where: { $0.shape[axis].isRows }) {
      return fail(
        "batch-index", arguments.span, "The rows cannot be joined to other rows.",
        suggestion: "join the components: \"dim=-1\"")
    }
    var joined = shape
    joined[axis] = .fixed(arrays.reduce(0) { $0 + $1.shape[axis].size })
    let inner = shape[(axis + 1)...].reduce(1) { $0 * $1.size }
    return join(arrays, blocks: inner, joined, sizes: arrays.map { $0.shape[axis].size })
  }

  /// Interleaves blocks: of every array in turn, `sizes[i]` blocks.
  private func join(_ arrays: [ArrayValue], blocks: Int, _ shape: [Dimension], sizes: [Int]? = nil) -> Value {
    let parts = arrays.map(components)
    let widths = arrays.indices.map { blocks * (sizes?[$0] ?? 1) }
    var result: [Node] = []
    let first = widths.firstIndex { $0 > 0 } ?? 0
    let rounds = widths[first] > 0 ? parts[first].count / widths[first] : 0
    for round in 0..<rounds {
      for (part, width) in zip(parts, widths) { result += part[(round * width)..<((round + 1) * width)] }
    }
    return .array(array(shape, result, arrays.map(\.dtype).max() ?? .float, max(.numpy, family(arrays))))
  }

  fileprivate func split(_ arguments: Arguments, isCount: Bool) -> Value {
    guard let array = arrayArgument(arguments, "input"),
      let axis = axis(arguments["dim"].integer ?? 0, array.shape.count, arguments)
    else { return .invalid }
    guard case .fixed(let total) = array.shape[axis] else {
      return fail(
        "batch-index", arguments.span, "The rows cannot be split.", suggestion: "split components: \"dim=-1\"")
    }
    var bounds: [Int] = [0]
    if let list = sequence(arguments["parts"])?.compactMap(\.integer) {
      for part in list { bounds.append(isCount ? min(part, total) : (bounds.last ?? 0) + part) }
      if isCount { bounds.append(total) }
    } else if let number = arguments["parts"].integer, number > 0 {
      let size = isCount ? (total + number - 1) / number : number
      while let last = bounds.last, last < total { bounds.append(min(total, last + size)) }
    }
    guard bounds.last == total else {
      return fail("arguments", arguments.span, "The parts do not add up to an axis of \(total).")
    }
    let pieces = zip(bounds, bounds.dropFirst()).map { start, end in
      slice(array, axis, .slice(.int(start), .int(end), .none), arguments.span).map { Value.array($0) } ?? .invalid
    }
    return .tuple(pieces)
  }

  fileprivate func unbound(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input"),
      let axis = axis(arguments["dim"].integer ?? 0, array.shape.count, arguments)
    else { return .invalid }
    guard case .fixed(let count) = array.shape[axis] else {
      return fail("batch-index", arguments.span, "The rows cannot be taken apart.", suggestion: "use \"dim=-1\"")
    }
    return .tuple(
      (0..<count).map { slice(array, axis, .int($0), arguments.span).map { Value.array($0) } ?? .invalid })
  }

  fileprivate func indexed(_ arguments: Arguments, _ index: Value) -> Value {
    guard let array = arrayArgument(arguments, "input"),
      let axis = axis(arguments["dim"].integer ?? 0, array.shape.count, arguments)
    else { return .invalid }
    return slice(array, axis, index, arguments.span).map { .array(scalarIfNumpy($0)) } ?? .invalid
  }
}
