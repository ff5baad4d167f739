extension Elaborator {
  func assign(_ value: Value, to target: Expression) {
    switch target.kind {
    case .name(let name): define(name, value)
    case .tuple(let items), .list(let items): unpack(value, into: items, target)
    case .subscripted(let object, let index): assign(value, object, index, target.span)
    case .attribute(let object, let name, _):
      if !evaluate(object).isInvalid {
        fail(
          "unsupported", target.span, "The attribute \"\(name)\" cannot be assigned: a reward changes nothing outside.",
          suggestion: "use a local variable")
      }
    case .starred: fail("syntax", target.span, "A starred target needs a tuple around it.")
    default: break
    }
  }

  private func unpack(_ value: Value, into items: [Expression], _ target: Expression) {
    guard let values = iterate(value, target) else {
      for item in items { assign(.invalid, to: item) }
      return
    }
    let starred = items.firstIndex { if case .starred = $0.kind { true } else { false } }
    guard values.count == items.count || (starred != nil && values.count >= items.count - 1) else {
      fail(
        "unpacking", target.span, "\(items.count) names cannot take \(values.count) values.")
      for item in items { assign(.invalid, to: item) }
      return
    }
    guard let starred else {
      for (item, value) in zip(items, values) { assign(value, to: item) }
      return
    }
    let tail = items.count - starred - 1
    for (item, value) in zip(items[..<starred], values) { assign(value, to: item) }
    if case .starred(let inner) = items[starred].kind {
      assign(makeList(Array(values[starred..<(values.count - tail)])), to: inner)
    }
    for (item, value) in zip(items[(starred + 1)...], values[(values.count - tail)...]) { assign(value, to: item) }
  }

  private func assign(_ value: Value, _ object: Expression, _ index: Expression, _ span: Span) {
    switch defined(evaluate(object), object) {
    case .invalid: _ = evaluate(index)
    case .dictionary(let id):
      guard let key = key(evaluate(index), index) else { return }
      var entries = heap.dictionary(id)
      entries[key] = value
      spend(entries.keys.count)
      heap.write(id, .dictionary(entries))
    case .list(let id):
      var values = heap.list(id)
      guard let position = evaluate(index).integer else {
        fail("type", index.span, "The index of a list must be an int known while compiling.")
        return
      }
      let place = position < 0 ? position + values.count : position
      guard values.indices.contains(place) else {
        fail("index", index.span, "The index \(position) is outside a list of \(values.count).")
        return
      }
      values[place] = value
      spend(values.count)
      heap.write(id, .list(values))
    case .array(let array): assign(value, into: array, index, span)
    case .path(let path):
      fail(
        "unsupported", span, "\"\(path)\" belongs to the environment: a reward changes nothing outside.",
        suggestion: "use a local variable")
    case let other: fail("type", span, "\(other.kindName) has no elements to assign to.")
    }
  }

  /// `array[index] = value`.
  private func assign(_ value: Value, into array: ArrayValue, _ index: Expression, _ span: Span) {
    guard case .stored = array.backing else {
      fail("type", span, "A number has no elements to assign to.")
      return
    }
    if value.isInvalid { return }
    guard let selection = select(array, index) else { return }
    write(value, into: selection, span)
  }

  /// Writes to a view, or to the rows of it that a mask selects.
  func write(_ value: Value, into selection: Selection, _ span: Span) {
    let target = selection.array
    guard let source = toArray(value) else {
      fail("type", span, "\(value.kindName) cannot be written to an array.")
      return
    }
    if source.dtype == .float, target.dtype != .float, target.family == .torch || target.family == .numpy {
      warn(
        "dtype", span, "Floats written to an array of \(target.dtype.name)s lose their fractions.",
        suggestion: "make the array with floats, for example \"torch.zeros(n)\"")
    }
    var shape = target.shape
    var given = source
    if let mask = selection.mask {
      // The rows that a mask selects: a value per selected row, or one for all.
      if let axis = given.rowsAxis, case .selected(let node, let length) = given.shape[axis] {
        guard node == mask.first, mask.count == 1 else {
          fail("shape-mismatch", span, "The value was selected with another mask than the place it is written to.")
          return
        }
        given.shape[axis] = .rows(length)
      } else if given.rowsAxis != nil {
        fail(
          "shape-mismatch", span,
          "A value for every row, of shape \(describe(given.shape)), cannot be written to the selected rows.",
          suggestion: "select the same rows on both sides, or use \"where(mask, new, old)\"")
        return
      }
    }
    while given.shape.count > shape.count, given.shape.first == .fixed(1) { given.shape.removeFirst() }
    if convention == .batched, kind == .reward { shape = target.shape }
    guard broadcastShape([given.shape, shape]) == shape else {
      fail(
        "shape-mismatch", span,
        "A value of shape \(describe(source.shape)) cannot be written to a place of shape \(describe(target.shape)).")
      return
    }
    var nodes = components(given, broadcastTo: shape)
    if target.dtype == .int, source.dtype == .float { nodes = nodes.map { graph.unary(.truncate, $0) } }
    if target.dtype == .bool, source.dtype != .bool { nodes = nodes.map(truthNode) }
    if let mask = selection.mask {
      let old = components(target)
      let perComponent = mask.count == old.count
      nodes = nodes.indices.map {
        graph.select(mask[perComponent ? $0 : $0 / (old.count / mask.count)], nodes[$0], old[$0])
      }
    }
    store(nodes, into: target)
  }

  /// Overwrites the components of a stored array or view.
  func store(_ nodes: [Node], into array: ArrayValue) {
    guard case .stored(let id, let indices) = array.backing else { return }
    spend(heap.array(id).count)
    if let indices {
      var contents = heap.array(id)
      for (index, node) in zip(indices, nodes) { contents[Int(index)] = node }
      heap.write(id, .array(contents))
    } else {
      heap.write(id, .array(nodes))
    }
  }

  // MARK: Augmented assignment

  func runAugmented(_ target: Expression, _ operation: BinaryOperator, _ value: Expression, _ span: Span) {
    let right = defined(evaluate(value), value)
    mark(span)
    switch target.kind {
    case .name:
      let left = defined(evaluate(target), target)
      if let updated = updateInPlace(left, operation, right, span) { assign(updated, to: target) }
    case .subscripted(let object, let index):
      let container = defined(evaluate(object), object)
      if case .array(let array) = container, case .stored = array.backing {
        guard let selection = select(array, index) else { return }
        var current = selection.array
        if let mask = selection.mask, mask.count == 1, let axis = current.rowsAxis,
          case .rows(let length) = current.shape[axis]
        {
          current.shape[axis] = .selected(mask[0], length)
        }
        write(binary(operation, .array(current), right, span), into: selection, span)
      } else {
        let left = defined(evaluate(target), target)
        let result = updateInPlace(left, operation, right, span) ?? .invalid
        assign(result, to: target)
      }
    default:
      _ = evaluate(target)
      fail("unsupported", target.span, "This cannot be assigned to.")
    }
  }

  /// `left op= right`: arrays and lists change in place, as in Python; everything else gets a new value.
  private func updateInPlace(_ left: Value, _ operation: BinaryOperator, _ right: Value, _ span: Span) -> Value? {
    if case .list(let id) = left, operation == .add {
      guard let items = sequence(right) else {
        fail("type", span, "A list can only be extended by a list.")
        return nil
      }
      spend(heap.list(id).count + items.count)
      guard heap.list(id).count + items.count <= Limits.elements else {
        fail("too-large", span, "A list would have more than \(Limits.elements) elements.")
        return nil
      }
      heap.write(id, .list(heap.list(id) + items))
      return left
    }
    let result = binary(operation, left, right, span)
    guard case .array(let array) = left, case .stored = array.backing, case .array(let new) = result else {
      return result
    }
    guard new.shape == array.shape else {
      fail(
        "shape-mismatch", span,
        "An array of shape \(describe(array.shape)) cannot take a result of shape \(describe(new.shape)) in place.",
        suggestion: "write \"x = x \(operation.rawValue) …\" to make a new one")
      return nil
    }
    if new.dtype > array.dtype {
      fail(
        "dtype", span, "An array of \(array.dtype.name)s cannot take \(new.dtype.name)s in place.",
        suggestion: "make it with floats, or write \"x = x \(operation.rawValue) …\"")
      return nil
    }
    store(components(new), into: array)
    return left
  }
}
