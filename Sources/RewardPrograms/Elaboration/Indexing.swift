extension Elaborator {
  /// What an index picks: a view, and a mask if it picks the rows or components where a condition holds.
  struct Selection {
    var array: ArrayValue
    var mask: [Node]?
    /// Picked by a list of indices: reading it makes a copy, as in numpy and torch.
    var isCopied = false
  }

  func evaluateSubscript(_ object: Expression, _ index: Expression, _ expression: Expression) -> Value {
    let container = defined(evaluate(object), object)
    mark(expression.span)
    switch container {
    case .invalid:
      _ = evaluate(index)
      return .invalid
    case .array(let array):
      guard let selection = select(array, index) else { return .invalid }
      mark(expression.span)
      return read(selection, index.span)
    case .dictionary(let id):
      let entries = heap.dictionary(id)
      let chosen = defined(evaluate(index), index)
      if case .choice = chosen { return pick(entries, chosen, index) }
      guard let key = key(chosen, index) else { return .invalid }
      if let value = entries[key] { return defined(value, expression) }
      return fail(
        "unknown-key", index.span, "The dict has no key \"\(key.text)\".",
        suggestion: didYouMean(key.text, entries.keys.map(\.text)))
    case .tuple, .list, .range: return pick(container, index)
    case .path(let path):
      let text = "\(path)[\(resolved(index))]"
      return input(text, expression.span) ?? .path(text)
    case .type("np.r_"):
      // `np.r_[a, 1.0]` is `np.hstack((a, 1.0))`.
      let parts = defined(evaluate(index), index)
      return callBuiltin("np.hstack", receiver: nil, CallArguments(positional: [(parts, index.span)]), expression.span)
    case .type: return container
    case .string(let text):
      guard let position = evaluate(index).integer else { break }
      let characters = Array(text)
      let place = position < 0 ? position + characters.count : position
      guard characters.indices.contains(place) else { break }
      return .string(String(characters[place]))
    default: break
    }
    return fail("type", expression.span, "\(container.kindName) has no elements.")
  }

  /// The entry of a dictionary whose key depends on the data.
  private func pick(_ entries: OrderedDictionary, _ key: Value, _ index: Expression) -> Value {
    if case .choice(let condition, let first, let second, _) = key {
      return merge(condition, pick(entries, first, index), pick(entries, second, index))
    }
    guard let key = self.key(key, index) else { return .invalid }
    return entries[key] ?? fail("unknown-key", index.span, "The dict has no key \"\(key.text)\".")
  }

  private func pick(_ container: Value, _ index: Expression) -> Value {
    guard let values = sequence(container) else { return .invalid }
    let position = defined(evaluate(index), index)
    if let number = position.integer {
      let place = number < 0 ? number + values.count : number
      guard values.indices.contains(place) else {
        return fail("index", index.span, "The index \(number) is outside \(container.kindName) of \(values.count).")
      }
      return defined(values[place], index)
    }
    if case .slice(let start, let stop, let step) = position,
      let range = resolve(start, stop, step, values.count, index.span)
    {
      let picked = range.map { values[$0] }
      if case .tuple = container { return .tuple(picked) }
      return makeList(picked)
    }
    if case .array(let array) = position, let picked = gatherDynamic(values, array, index.span) { return picked }
    return position.isInvalid
      ? .invalid : fail("type", index.span, "An index must be an int or a slice, not \(position.kindName).")
  }

  /// `values[i]` for an `i` that depends on the data: a chain of selections.
  private func gatherDynamic(_ values: [Value], _ index: ArrayValue, _ span: Span) -> Value? {
    let nodes = components(index)
    guard nodes.count == 1, index.dtype != .float, let last = values.last else { return nil }
    var result = last
    for (place, value) in values.enumerated().dropLast().reversed() {
      result = merge(isIndex(nodes[0], place, values.count), value, result)
    }
    return result
  }

  /// 1 where `index` (which may count from the end) is `place`.
  private func isIndex(_ index: Node, _ place: Int, _ count: Int) -> Node {
    let isForwards = graph.binary(.equal, index, graph.constant(Double(place)))
    if graph.interval(index).low >= 0 { return isForwards }
    return graph.binary(.or, isForwards, graph.binary(.equal, index, graph.constant(Double(place - count))))
  }

  /// The positions that a static slice picks of `count`.
  func resolve(_ start: Value, _ stop: Value, _ step: Value, _ count: Int, _ span: Span) -> [Int]? {
    guard let step = step.isNone ? 1 : step.integer, step != 0, abs(step) <= Limits.elements * 2 else {
      fail("index", span, "The step of a slice must be an int other than 0, known while compiling.")
      return nil
    }
    guard let first = sliceBound(start, span), let last = sliceBound(stop, span) else { return nil }
    func clamp(_ bound: Int, _ low: Int, _ high: Int) -> Int {
      let fromEnd = bound < 0 ? bound + count : bound
      return max(low, min(high, fromEnd))
    }
    if step > 0 {
      let begin = first.map { clamp($0, 0, count) } ?? 0
      let end = last.map { clamp($0, 0, count) } ?? count
      return begin < end ? Array(stride(from: begin, to: end, by: step)) : []
    }
    let begin = first.map { clamp($0, -1, count - 1) } ?? count - 1
    let end = last.map { clamp($0, -1, count - 1) } ?? -1
    return begin > end ? Array(stride(from: begin, to: end, by: step)) : []
  }

  /// A bound of a slice: `.some(nil)` where it is left out.
  private func sliceBound(_ value: Value, _ span: Span) -> Int?? {
    if value.isNone { return .some(nil) }
    if let number = value.integer, abs(number) < 1 << 40 { return .some(number) }
    if !value.isInvalid {
      fail(
        "index", span, "The bounds of a slice must be ints known while compiling, not \(value.kindName).",
        suggestion: kind == .fitness ? "slice with constants, for example \"[-100:]\"" : nil)
    }
    return nil
  }

  /// The value of a selection: with a mask over rows, only those rows.
  private func read(_ selection: Selection, _ span: Span) -> Value {
    guard let mask = selection.mask else {
      return .array(scalarIfNumpy(selection.isCopied ? copy(selection.array) : selection.array))
    }
    var array = selection.array
    if mask.count == 1, let axis = array.rowsAxis, case .rows(let length) = array.shape[axis] {
      array = copy(array)
      array.shape[axis] = .selected(mask[0], length)
      return .array(array)
    }
    return fail(
      "dynamic-length", span, "How many elements a mask selects depends on the data.",
      suggestion: "use \"where(mask, values, 0.0)\" and reduce that")
  }

  // MARK: Array indices

  /// Applies an index to an array. Nil after reporting.
  func select(_ array: ArrayValue, _ index: Expression) -> Selection? {
    var items: [(value: Value, span: Span)] = []
    if case .tuple(let parts) = index.kind {
      for part in parts { items.append((defined(evaluate(part), part), part.span)) }
    } else {
      let value = defined(evaluate(index), index)
      if case .tuple(let values, _) = value {
        items = values.map { ($0, index.span) }
      } else {
        items = [(value, index.span)]
      }
    }
    if items.contains(where: { $0.value.isInvalid }) { return nil }
    if items.count == 1, case .array(let mask) = items[0].value, mask.dtype == .bool {
      return selectMasked(array, mask, items[0].span)
    }
    // `x[mask, 0]`: a mask over the rows, the other indices as usual.
    if let first = items.first, case .array(let mask) = first.value, mask.dtype == .bool, mask.shape.count == 1,
      mask.rowsAxis == 0, array.rowsAxis == 0
    {
      items[0].value = .slice(.none, .none, .none)
      guard var result = select(array, items, index.span) else { return nil }
      result.mask = components(mask)
      return result
    }
    return select(array, items, index.span)
  }

  private func selectMasked(_ array: ArrayValue, _ mask: ArrayValue, _ span: Span) -> Selection? {
    guard mask.shape.count <= array.shape.count, mask.shape == Array(array.shape.prefix(mask.shape.count)) else {
      fail(
        "shape-mismatch", span,
        "A mask of shape \(describe(mask.shape)) does not fit an array of shape \(describe(array.shape)).")
      return nil
    }
    return Selection(array: array, mask: components(mask))
  }

  /// One axis indexed, the others whole.
  func slice(_ array: ArrayValue, _ axis: Int, _ index: Value, _ span: Span) -> ArrayValue? {
    let whole = Value.slice(.none, .none, .none)
    let items = (0..<axis).map { _ in (value: whole, span: span) } + [(value: index, span: span)]
    return select(array, items, span)?.array
  }

  private func select(_ array: ArrayValue, _ items: [(value: Value, span: Span)], _ span: Span) -> Selection? {
    let used = items.filter { item in
      switch item.value {
      case .none, .ellipsis: false
      default: true
      }
    }.count
    guard used <= array.shape.count else {
      let isMissingBatch = convention == .perTransition && library == .numpy
      fail(
        "index", span, "\(used) indices are too many for shape \(describe(array.shape)).",
        suggestion: isMissingBatch && array.shape.count + 1 == used
          ? "in a numpy program inputs have no batch axis: leave out the leading \":\"" : nil)
      return nil
    }
    var current = Cursor(source: array, strides: strides(array.shape))
    var axis = 0
    for item in items {
      switch item.value {
      case .none: current.add(.fixed(1), stride: 0)
      case .ellipsis:
        let rest = items.drop { if case .ellipsis = $0.value { false } else { true } }.dropFirst().filter {
          if case .none = $0.value { false } else { true }
        }.count
        while axis < array.shape.count - rest {
          current.add(array.shape[axis], stride: current.strides[axis])
          axis += 1
        }
      default:
        guard apply(item.value, item.span, axis, &current) else { return nil }
        axis += 1
      }
    }
    while axis < array.shape.count {
      current.add(array.shape[axis], stride: current.strides[axis])
      axis += 1
    }
    return finish(current)
  }

  /// An index half applied.
  struct Cursor {
    /// The array; its rows may be replaced by those of a slice over time.
    var source: ArrayValue
    let strides: [Int]
    var start = 0
    var shape: [Dimension] = []
    /// For every axis of the result, offsets of its elements.
    var offsets: [[Int]] = []
    /// Indices that depend on the data: the axis of the result whose elements are selected from, and the index.
    var dynamic: [(axis: Int, index: ArrayValue)] = []
    /// Whether an index was a list or an array.
    var isCopied = false

    init(source: ArrayValue, strides: [Int]) {
      self.source = source
      self.strides = strides
    }

    mutating func add(_ dimension: Dimension, stride: Int) {
      shape.append(dimension)
      offsets.append((0..<dimension.size).map { $0 * stride })
    }
  }

  func strides(_ shape: [Dimension]) -> [Int] {
    var strides = [Int](repeating: 0, count: shape.count)
    var stride = 1
    for axis in shape.indices.reversed() {
      strides[axis] = stride
      stride *= shape[axis].size
    }
    return strides
  }

  private func apply(_ index: Value, _ span: Span, _ axis: Int, _ cursor: inout Cursor) -> Bool {
    let dimension = cursor.source.shape[axis]
    if dimension.isRows { return applyToRows(index, span, axis, &cursor) }
    let count = dimension.size
    let stride = cursor.strides[axis]
    switch index {
    case .int, .bool:
      guard let number = index.integer else { return false }
      let place = number < 0 ? number + count : number
      guard place >= 0, place < count else {
        fail("index", span, "The index \(number) is outside an axis of \(count).")
        return false
      }
      cursor.start += place * stride
      return true
    case .slice(let start, let stop, let step):
      guard let places = resolve(start, stop, step, count, span) else { return false }
      cursor.shape.append(.fixed(places.count))
      cursor.offsets.append(places.map { $0 * stride })
      return true
    case .list, .tuple, .range:
      guard let values = sequence(index) else { break }
      let places = values.compactMap(\.integer).map { $0 < 0 ? $0 + count : $0 }
      guard places.count == values.count else { break }
      guard places.allSatisfy({ $0 >= 0 && $0 < count }) else {
        fail("index", span, "An index of the list is outside an axis of \(count).")
        return false
      }
      cursor.shape.append(.fixed(places.count))
      cursor.offsets.append(places.map { $0 * stride })
      cursor.isCopied = true
      return true
    case .array(let array):
      cursor.isCopied = !array.shape.isEmpty
      return applyArray(array, span, count, stride, &cursor)
    default: break
    }
    fail("type", span, "\(index.kindName) cannot be an index.")
    return false
  }

  private func applyArray(
    _ index: ArrayValue, _ span: Span, _ count: Int, _ stride: Int, _ cursor: inout Cursor
  ) -> Bool {
    let nodes = components(index)
    let constants = nodes.compactMap(graph.constantValue)
    guard index.dtype != .float else {
      fail("type", span, "Floats cannot be an index.", suggestion: "convert with \"int(...)\"")
      return false
    }
    if index.dtype == .bool {
      guard constants.count == nodes.count, index.shape == [.fixed(count)] else {
        fail(
          "dynamic-length", span, "How many elements a mask selects depends on the data.",
          suggestion: "use \"where(mask, values, 0.0)\" and reduce that")
        return false
      }
      let places = constants.indices.filter { constants[$0] != 0 }
      cursor.shape.append(.fixed(places.count))
      cursor.offsets.append(places.map { $0 * stride })
      return true
    }
    if constants.count == nodes.count, index.shape.count <= 1 {
      let places = constants.map { Int($0) }.map { $0 < 0 ? $0 + count : $0 }
      guard places.allSatisfy({ $0 >= 0 && $0 < count }) else {
        fail("index", span, "An index is outside an axis of \(count).")
        return false
      }
      if index.shape.isEmpty {
        cursor.start += places[0] * stride
      } else {
        cursor.shape.append(.fixed(places.count))
        cursor.offsets.append(places.map { $0 * stride })
      }
      return true
    }
    guard nodes.count == 1, index.shape.isEmpty else {
      fail("unsupported", span, "An array of indices that depend on the data is not supported.")
      return false
    }
    cursor.dynamic.append((cursor.shape.count, index))
    cursor.shape.append(.fixed(count))
    cursor.offsets.append((0..<count).map { $0 * stride })
    return true
  }

  private func finish(_ cursor: Cursor) -> Selection? {
    var indices: [Int32] = [Int32(cursor.start)]
    for offsets in cursor.offsets {
      var next: [Int32] = []
      next.reserveCapacity(indices.count * offsets.count)
      for base in indices { for offset in offsets { next.append(base + Int32(offset)) } }
      indices = next
    }
    var result = view(cursor.source, shape: cursor.shape, indices: indices)
    for (axis, index) in cursor.dynamic.reversed() {
      result = selectDynamic(result, axis, components(index)[0])
    }
    return Selection(array: result, mask: nil, isCopied: cursor.isCopied)
  }

  /// `array` at the data-dependent position `index` of `axis`.
  private func selectDynamic(_ array: ArrayValue, _ axis: Int, _ index: Node) -> ArrayValue {
    let count = array.shape[axis].size
    let nodes = components(array)
    let inner = array.shape[(axis + 1)...].reduce(1) { $0 * $1.size }
    let outer = array.shape[..<axis].reduce(1) { $0 * $1.size }
    var shape = array.shape
    shape.remove(at: axis)
    let tests = (0..<count).map { isIndex(index, $0, count) }
    var result: [Node] = []
    for i in 0..<outer {
      for j in 0..<inner {
        var value = nodes[(i * count + count - 1) * inner + j]
        for place in (0..<(count - 1)).reversed() {
          value = graph.select(tests[place], nodes[(i * count + place) * inner + j], value)
        }
        result.append(value)
      }
    }
    return self.array(shape, result, array.dtype, array.family)
  }

  // MARK: The symbolic axis

  private func applyToRows(_ index: Value, _ span: Span, _ axis: Int, _ cursor: inout Cursor) -> Bool {
    if case .slice(.none, .none, .none) = index {
      cursor.add(cursor.source.shape[axis], stride: 0)
      return true
    }
    if case .selected = cursor.source.shape[axis] {
      fail(
        "dynamic-length", span, "Rows that a mask selected can be reduced, but not indexed.",
        suggestion: "reduce them with mean, sum, min, max")
      return false
    }
    guard kind == .fitness, case .rows(let length) = cursor.source.shape[axis] else {
      if case .slice(let start, .none, .none) = index, start.integer == 0 {
        cursor.add(cursor.source.shape[axis], stride: 0)
        return true
      }
      fail(
        "batch-index", span, "This indexes the batch axis: a reward may only look at its own row.",
        suggestion: "put \":\" first, as in \"x[:, 0]\"")
      return false
    }
    switch index {
    case .int(let row):
      cursor.source = overTime(cursor.source, length: nil) { node in
        self.graph.reduce(.timeElement, node, bits: UInt64(bitPattern: Int64(row)))
      }
      return true
    case .slice(let start, let stop, let step):
      guard let first = sliceBound(start, span), let last = sliceBound(stop, span) else { return false }
      guard let step = step.isNone ? 1 : step.integer, step != 0 else {
        fail("index", span, "The step of a slice must be an int other than 0, known while compiling.")
        return false
      }
      let slice = TimeSlice(start: first, stop: last, step: step)
      guard let result = slice.length(of: graph.lengths[Int(length.index)]) else {
        fail(
          "unsupported", span, "This slice over time is not supported.",
          suggestion: "use \"[a:]\", \"[:b]\", \"[a:b]\" with bounds from the same end, or \"[::-1]\"")
        return false
      }
      guard graph.lengths.count < 1_000, graph.slices.count < 1_000 else {
        fail("too-large", span, "The program slices time in more than 1000 ways.")
        return false
      }
      let id = graph.id(of: result)
      let number = graph.id(of: slice)
      cursor.source = overTime(cursor.source, length: id) { node in
        self.graph.scan(.timeSlice, self.spread(node, length), length: id, b: number)
      }
      cursor.add(.rows(id), stride: 0)
      return true
    case .array(let array) where array.shape.isEmpty && array.dtype != .float:
      let row = components(array)[0]
      cursor.source = overTime(cursor.source, length: nil) { self.graph.element(self.spread($0, length), at: row) }
      return true
    default:
      fail("type", span, "\(index.kindName) cannot be an index over time.")
      return false
    }
  }

  /// A value that is the same in every row, made a column.
  func spread(_ node: Node, _ length: LengthID) -> Node {
    graph[node].length == .single ? graph.scan(.spread, node, length: length) : node
  }

  /// The same array with every component replaced. The rows axis stays in the shape until the cursor drops it.
  private func overTime(_ source: ArrayValue, length: LengthID?, _ transform: (Node) -> Node) -> ArrayValue {
    array(source.shape, components(source).map(transform), source.dtype, source.family)
  }
}
