extension Elaborator {
  func attribute(
    _ object: Value, _ name: String, _ objectExpression: Expression, _ nameSpan: Span, _ expression: Expression
  ) -> Value {
    if object.isInvalid { return .invalid }
    if name.hasPrefix("__") {
      return fail("forbidden", nameSpan, "Attributes that begin with two underscores are not available.")
    }
    switch defined(object, objectExpression) {
    case .path(let path):
      let text = "\(path).\(name)"
      if let value = input(text, expression.span) { return value }
      if path == "self", let value = classAttributes[name] { return value }
      if isPrefixOfField(text) || (path == "self" && isMethod(name)) { return .path(text) }
      if name == "get", hasEntries(path) { return .path(text) }
      if isPoseMethod(name), pose(at: path, expression.span) != nil { return .path(text) }
      // A call decides by its own text.
      return path == "self" || isPrefixOfField(path)
        ? pendingPath(text, expression) : unknownPath(text, expression.span)
    case .module(let module):
      if let value = Library.member(name, of: module) { return value }
      if let value = helper(name, of: module) { return value }
      return fail(
        "unknown-function", nameSpan, "\"\(module)\" has no \"\(name)\" in this language.",
        suggestion: Library.rejectedNames["\(module).\(name)"] ?? didYouMean(name, Library.members(of: module)))
    case .array(let array): return attribute(of: array, name, nameSpan)
    case .record(let type, let fields):
      if let value = fields[.string(name)] { return value }
      if Prelude.functions["_\(type)_\(name)"] != nil { return .method(receiver: object, name: name) }
    case .tuple(let values, let names):
      if let index = names.firstIndex(of: name) { return values[index] }
      if ["index", "count"].contains(name) { return .method(receiver: object, name: name) }
    case .dictionary where Library.dictionaryMethods.contains(name): return .method(receiver: object, name: name)
    case .list where Library.listMethods.contains(name): return .method(receiver: object, name: name)
    case .builtin(let function) where Library.definitions["\(function).\(name)"] != nil:
      return .builtin("\(function).\(name)")
    case .type(let type): return .type("\(type).\(name)")
    case .string where name == "format" || name == "format_map":
      return fail(
        "forbidden", nameSpan, "Strings cannot be formatted in a reward program.", suggestion: "use a plain string")
    case .string where Library.stringMethods.contains(name): return .method(receiver: object, name: name)
    default: break
    }
    return fail("unknown-attribute", nameSpan, "\(object.kindName) has no attribute \"\(name)\".")
  }

  private func isMethod(_ name: String) -> Bool {
    if case .function = heap.frame(globals).variables[name] { true } else { false }
  }

  /// `self.robot` may go on to a field by a call; if no field begins like that, it is unknown at once.
  private func pendingPath(_ text: String, _ expression: Expression) -> Value {
    isPrefixOfField(text) ? .path(text) : unknownPath(text, expression.span)
  }

  private func attribute(of array: ArrayValue, _ name: String, _ span: Span) -> Value {
    switch name {
    case "shape": return .tuple(array.shape.map(sizeValue))
    case "ndim": return .int(array.shape.count)
    case "size" where array.family != .torch:
      if let axis = array.rowsAxis {
        guard array.count == 1, case .rows(let id) = array.shape[axis] else { break }
        return .size(id)
      }
      return .int(array.count)
    case "T", "mT":
      guard array.shape.count >= 2 else { return .array(array) }
      var axes = Array(array.shape.indices)
      if name == "T" { axes.reverse() } else { axes.swapAt(axes.count - 1, axes.count - 2) }
      return .array(permuted(array, axes))
    case "dtype": return .type(array.dtype == .bool ? "bool" : array.dtype == .int ? "int64" : "float32")
    case "device", "layout": return .type(name)
    case "requires_grad", "is_cuda": return .bool(false)
    case "real", "data": return .array(array)
    case "values", "indices": break
    default:
      if Library.definitions[Library.methodPrefix(array.family) + name] != nil
        || isInPlaceMethod(name, of: array)
      {
        return .method(receiver: .array(array), name: name)
      }
    }
    let hint = Library.rejectedNames["." + name]
    return fail(
      "unknown-attribute", span, "\(Value.array(array).kindName) has no \"\(name)\" in this language.",
      suggestion: hint ?? didYouMean(name, Library.methodNames(array.family)))
  }

  func sizeValue(_ dimension: Dimension) -> Value {
    switch dimension {
    case .fixed(let count): .int(count)
    case .rows(let id): .size(id)
    case .selected(let mask, let id):
      .array(
        ArrayValue(
          shape: [], dtype: .int, family: .python,
          backing: .immediate([graph.reduce(.timeSum, spread(mask, id))])))
    }
  }

  /// The axes in another order: a view.
  func permuted(_ array: ArrayValue, _ axes: [Int]) -> ArrayValue {
    let strides = strides(array.shape)
    let shape = axes.map { array.shape[$0] }
    return view(
      array, shape: shape, indices: gather(sizes: shape.map(\.size), strides: axes.map { strides[$0] }, start: 0))
  }

  // MARK: Methods

  func callMethod(_ receiver: Value, _ name: String, _ arguments: CallArguments, _ span: Span) -> Value {
    if arguments.hasInvalid { return .invalid }
    switch receiver {
    case .array(let array):
      if isInPlaceMethod(name, of: array) { return callInPlace(array, name, arguments, span) }
      return callBuiltin(Library.methodPrefix(array.family) + name, receiver: receiver, arguments, span)
    case .record(let type, _): return callRecord(receiver, type, name, arguments, span)
    case .dictionary(let id): return callDictionary(id, name, arguments, span)
    case .list(let id): return callList(id, name, arguments, span)
    case .string(let text):
      if name == "index" {
        guard case .string(let part)? = arguments.positional.first?.value, let range = text.firstRange(of: part) else {
          return fail("index", span, "The string does not contain this.")
        }
        return .int(text.distance(from: text.startIndex, to: range.lowerBound))
      }
      return name == "lower" ? .string(text.lowercased()) : name == "upper" ? .string(text.uppercased()) : receiver
    case .tuple(let values, _):
      guard let wanted = arguments.positional.first?.value else { return .invalid }
      let places = values.indices.filter { identical(values[$0], wanted) }
      if name == "count" { return .int(places.count) }
      return places.first.map { .int($0) } ?? fail("index", span, "The tuple does not contain this value.")
    default: return fail("type", span, "\(receiver.kindName) has no methods.")
    }
  }

  /// torch's `x.add_(y)`: what `x.add(y)` computes, written to `x`.
  private func isInPlaceMethod(_ name: String, of array: ArrayValue) -> Bool {
    array.family == .torch && name.hasSuffix("_") && Library.definitions["t." + name] == nil
      && Library.definitions["t." + name.dropLast()] != nil
  }

  private func callInPlace(_ array: ArrayValue, _ name: String, _ arguments: CallArguments, _ span: Span) -> Value {
    let result = callBuiltin("t." + name.dropLast(), receiver: .array(array), arguments, span)
    guard case .array(let new) = result else { return result }
    guard new.shape == array.shape, new.dtype <= array.dtype else {
      return fail(
        "shape-mismatch", span, "\"\(name)\" cannot write a result of shape \(describe(new.shape)) in place.",
        suggestion: "use \"\(name.dropLast())\" to make a new tensor")
    }
    store(components(new), into: array)
    return .array(array)
  }

  private func callDictionary(_ id: Int, _ name: String, _ arguments: CallArguments, _ span: Span) -> Value {
    var entries = heap.dictionary(id)
    spend(entries.keys.count)
    let first = arguments.positional.first?.value
    let fallback = arguments.positional.count > 1 ? arguments.positional[1].value : nil
    switch name {
    case "items": return makeList(entries.entries.map { .tuple([$0.key.value, whole($0.value)]) })
    case "keys": return makeList(entries.keys.map(\.value))
    case "values": return makeList(entries.entries.map(\.value))
    case "copy": return .dictionary(heap.add(.dictionary(entries)))
    case "get", "pop", "setdefault":
      guard let first, let key = OrderedDictionary.Key(first) else { break }
      let value = entries[key]
      if name == "get" { return value.map { overlay($0, on: fallback ?? Value.none) } ?? fallback ?? .none }
      let result = value.map { present in fallback.map { overlay(present, on: $0) } ?? present } ?? fallback
      entries[key] = name == "pop" ? nil : result ?? Value.none
      heap.write(id, .dictionary(entries))
      if let result { return result }
      return name == "setdefault" ? .none : fail("unknown-key", span, "The dict has no key \"\(key.text)\".")
    case "update":
      if case .dictionary(let other)? = first {
        for (key, value) in heap.dictionary(other).entries { entries[key] = overlay(value, on: entries[key]) }
      } else if first != nil {
        break
      }
      for keyword in arguments.keywords { entries[.string(keyword.name)] = keyword.value }
      heap.write(id, .dictionary(entries))
      return .none
    default: break
    }
    return fail("arguments", span, "These are not the arguments of \"dict.\(name)\".")
  }

  /// The value where it is set, and `base` where it is not.
  func overlay(_ value: Value, on base: Value?) -> Value {
    guard case .either(let condition, let present, .absent, _) = value else { return value }
    return base.map { merge(condition, present, $0) } ?? value
  }

  /// A value that is looped over: where its key is absent there is no round, which cannot be said here.
  func whole(_ value: Value) -> Value {
    guard case .either(let condition, let present, .absent, let why) = value else { return value }
    return .either(condition, present, .undefined(why), why)
  }

  private func callList(_ id: Int, _ name: String, _ arguments: CallArguments, _ span: Span) -> Value {
    var values = heap.list(id)
    spend(values.count)
    let first = arguments.positional.first?.value
    switch name {
    case "append":
      guard let first else { break }
      values.append(first)
    case "extend":
      guard let first, let more = sequence(first) else { break }
      values += more
    case "insert":
      guard let place = first?.integer, place >= 0, place <= values.count, arguments.positional.count == 2 else {
        break
      }
      values.insert(arguments.positional[1].value, at: place)
    case "pop":
      guard !values.isEmpty else { return fail("index", span, "This list is empty.") }
      let index = first?.integer ?? -1
      let place = index < 0 ? index + values.count : index
      guard values.indices.contains(place) else { return fail("index", span, "The index is outside the list.") }
      let value = values.remove(at: place)
      heap.write(id, .list(values))
      return value
    case "copy": return makeList(values)
    case "reverse": values.reverse()
    case "index":
      guard let first, let place = values.firstIndex(where: { identical($0, first) }) else { break }
      return .int(place)
    default: break
    }
    guard ["append", "extend", "insert", "reverse"].contains(name), arguments.positional.count <= 2 else {
      return fail("arguments", span, "These are not the arguments of \"list.\(name)\".")
    }
    guard values.count <= Limits.elements else {
      return fail("too-large", span, "A list would have more than \(Limits.elements) elements.")
    }
    heap.write(id, .list(values))
    return .none
  }
}
