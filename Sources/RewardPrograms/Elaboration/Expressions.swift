extension Elaborator {
  func evaluate(_ expression: Expression) -> Value {
    depth += 1
    defer { depth -= 1 }
    guard step(expression.span) else { return .invalid }
    if let parameter = parameter(expression) { return parameter }
    switch expression.kind {
    case .none: return .none
    case .ellipsis: return .ellipsis
    case .bool(let value): return .bool(value)
    case .integer(let value): return .int(value)
    case .float(let value): return .float(value)
    case .string(let text): return string(text, expression.span)
    case .formatted(let text): return formatted(text, expression.span)
    case .name(let name): return evaluateName(name, expression)
    case .tuple(let items): return makeTuple(evaluateItems(items), expression.span)
    case .list(let items): return makeList(evaluateItems(items))
    case .set: return fail("unsupported", expression.span, "Sets are not supported.", suggestion: "use a tuple")
    case .dictionary(let entries): return evaluateDictionary(entries)
    case .unary(let operation, let operand):
      let value = defined(evaluate(operand), operand)
      mark(expression.span)
      return unary(operation, value, operand, expression.span)
    case .binary(let operation, let left, let right):
      let x = defined(evaluate(left), left)
      let y = defined(evaluate(right), right)
      mark(expression.span)
      return binary(operation, x, y, expression.span)
    case .boolean(let isAnd, let operands): return evaluateBoolean(isAnd, operands, expression.span)
    case .comparison(let first, let rest): return evaluateComparison(first, rest, expression.span)
    case .conditional(let condition, let then, let otherwise):
      return evaluateConditional(condition, then, otherwise)
    case .call(let function, let arguments): return evaluateCall(function, arguments, expression)
    case .attribute(let object, let name, let nameSpan):
      return attribute(evaluate(object), name, object, nameSpan, expression)
    case .subscripted(let object, let index): return evaluateSubscript(object, index, expression)
    case .slice(let start, let stop, let step):
      return .slice(bound(start), bound(stop), bound(step))
    case .lambda(let parameters, let body):
      var defaults: [String: Value] = [:]
      for parameter in parameters {
        if let value = parameter.defaultValue { defaults[parameter.name] = evaluate(value) }
      }
      return .function(
        Closure(
          name: "lambda", parameters: parameters, body: .expression(body), frame: calls.last?.frame ?? globals,
          defaults: defaults, span: expression.span))
    case .comprehension(let kind, let key, let element, let generators):
      return evaluateComprehension(kind, key, element, generators, expression)
    case .starred(let inner):
      _ = evaluate(inner)
      return fail("syntax", expression.span, "A starred expression cannot stand here.")
    case .named(let name, let value):
      let result = evaluate(value)
      define(name, result)
      return result
    case .invalid: return .invalid
    }
  }

  /// The value that is meant on the current path; reports the use of what has none.
  func defined(_ value: Value, _ expression: Expression) -> Value {
    switch value {
    case .either(let condition, let first, let second, let why):
      if isKnown(condition, true) { return defined(first, expression) }
      guard case .absent = second else {
        return isKnown(condition, false) ? defined(second, expression) : reportUndefined(expression, why)
      }
      let text = Printer.text(expression).prefix(60)
      warn(
        "maybe-undefined", expression.span, "\"\(text)\" may have no value here: \(why).",
        suggestion: "give it a value on every path; where it has none Python raises, and the reward is NaN")
      raiseUnless(condition)
      return defined(first, expression)
    case .absent(let why), .undefined(let why): return reportUndefined(expression, why)
    default: return value
    }
  }

  private func reportUndefined(_ expression: Expression, _ why: String) -> Value {
    fail(
      "undefined", expression.span, "\"\(Printer.text(expression).prefix(60))\" has no single value here: \(why).",
      suggestion: "give it a value of the same kind on every path")
  }

  /// The operand of `is`: a name may be None on some paths.
  private func evaluateIdentity(_ expression: Expression) -> Value {
    if case .name(let name) = expression.kind, let value = lookUp(name), case .either(let condition, _, _, _) = value {
      return isKnown(condition, true) || isKnown(condition, false) ? defined(value, expression) : value
    }
    return defined(evaluate(expression), expression)
  }

  private func bound(_ expression: Expression?) -> Value { expression.map { defined(evaluate($0), $0) } ?? .none }

  private func string(_ text: String, _ span: Span) -> Value {
    if text.count > Limits.characters {
      return fail("too-large", span, "A string has more than \(Limits.characters) characters.")
    }
    return .string(text)
  }

  /// An f-string whose fields are plain names of static values; other fields stay as they are written, since such text
  /// can only end in a message.
  private func formatted(_ text: String, _ span: Span) -> Value {
    var result = ""
    var field: String?
    for character in text {
      if let open = field {
        if character == "}" {
          result += describeField(open)
          field = nil
        } else {
          field = open + String(character)
        }
      } else if character == "{" {
        field = ""
      } else {
        result.append(character)
      }
    }
    return string(result, span)
  }

  private func describeField(_ name: String) -> String {
    switch lookUp(name.trimmingSpaces) {
    case .string(let text): text
    case .int(let value): String(value)
    default: "{\(name)}"
    }
  }

  private func evaluateName(_ name: String, _ expression: Expression) -> Value {
    if let value = lookUp(name) { return defined(value, expression) }
    if name.hasPrefix("__") {
      return fail("forbidden", expression.span, "Names that begin with two underscores are not available.")
    }
    let isField = schema[name] != nil
    return fail(
      "unknown-name", expression.span, "There is no \"\(name)\".",
      suggestion: isField
        ? "\"\(name)\" is a field: add it to the parameters of the function"
        : Library.rejectedNames[name] ?? didYouMean(name, visibleNames + schema.fields.map(\.name)))
  }

  private func evaluateItems(_ items: [Expression]) -> [Value] {
    var values: [Value] = []
    for item in items {
      if case .starred(let inner) = item.kind {
        values += iterate(evaluate(inner), inner) ?? [.invalid]
      } else {
        values.append(evaluate(item))
      }
    }
    return values
  }

  private func evaluateDictionary(_ entries: [(key: Expression?, value: Expression)]) -> Value {
    var result = OrderedDictionary()
    for entry in entries {
      guard let keyExpression = entry.key else {
        let other = evaluate(entry.value)
        if case .dictionary(let id) = other {
          for (key, value) in heap.dictionary(id).entries { result[key] = overlay(value, on: result[key]) }
        } else if !other.isInvalid {
          fail("type", entry.value.span, "Only a dict can be unpacked with \"**\" here.")
        }
        continue
      }
      let value = evaluate(entry.value)
      if let key = key(evaluate(keyExpression), keyExpression) { result[key] = value }
    }
    return .dictionary(heap.add(.dictionary(result)))
  }

  func key(_ value: Value, _ expression: Expression) -> OrderedDictionary.Key? {
    switch value {
    case .string(let text): return .string(text)
    case .int(let number): return .int(number)
    case .bool(let flag): return .int(flag ? 1 : 0)
    case .invalid: return nil
    default:
      fail("type", expression.span, "The key of a dict must be a string or an int known while compiling.")
      return nil
    }
  }

  // MARK: Conditions

  private func evaluateConditional(_ condition: Expression, _ then: Expression, _ otherwise: Expression) -> Value {
    switch truth(evaluate(condition), condition) {
    case .known(let isTrue): return evaluate(isTrue ? then : otherwise)
    case .invalid:
      _ = evaluate(then)
      _ = evaluate(otherwise)
      return .invalid
    case .dynamic(let node):
      let outer = path
      path = conjunction(outer, node)
      let x = defined(evaluate(then), then)
      path = conjunction(outer, graph.unary(.not, node))
      let y = defined(evaluate(otherwise), otherwise)
      path = outer
      return merge(node, x, y)
    }
  }

  private func evaluateBoolean(_ isAnd: Bool, _ operands: [Expression], _ span: Span) -> Value {
    var result = defined(evaluate(operands[0]), operands[0])
    let outer = path
    defer { path = outer }
    for (index, next) in operands.enumerated().dropFirst() {
      switch truth(result, operands[index - 1]) {
      case .invalid:
        _ = defined(evaluate(next), next)
        result = .invalid
      case .known(let isTrue):
        if isTrue != isAnd { return result }
        result = defined(evaluate(next), next)
      case .dynamic(let node):
        path = conjunction(path, isAnd ? node : graph.unary(.not, node))
        let right = defined(evaluate(next), next)
        mark(span)
        result = combine(isAnd, node, result, right, next)
      }
    }
    return result
  }

  /// `a and b`, `a or b` where `a`'s truth varies by row.
  private func combine(_ isAnd: Bool, _ node: Node, _ left: Value, _ right: Value, _ expression: Expression) -> Value {
    guard let x = toArray(left), let y = toArray(right) else {
      return right.isInvalid ? .invalid : isAnd ? merge(node, right, left) : merge(node, left, right)
    }
    if x.dtype == .bool, y.dtype == .bool, components(y).count == 1 {
      guard let shape = broadcastShape([x.shape, y.shape]) else { return .invalid }
      let other = components(y)[0]
      return .array(array(shape, [graph.binary(isAnd ? .and : .or, node, other)], .bool, family([x, y])))
    }
    return isAnd ? merge(node, right, left) : merge(node, left, right)
  }

  // MARK: Comparisons

  private func evaluateComparison(
    _ first: Expression, _ rest: [(ComparisonOperator, Expression)], _ span: Span
  ) -> Value {
    let isIdentity = rest.count == 1 && [.is, .isNot].contains(rest[0].0)
    var left = isIdentity ? evaluateIdentity(first) : defined(evaluate(first), first)
    var result: Value?
    for (comparison, expression) in rest {
      let right = defined(evaluate(expression), expression)
      mark(span)
      let next = compare(comparison, left, right, span)
      if let sofar = result {
        switch truth(sofar, first) {
        case .invalid: return .invalid
        case .known(let isTrue): result = isTrue ? next : sofar
        case .dynamic(let node): result = combine(true, node, sofar, next, expression)
        }
      } else {
        result = next
      }
      left = right
    }
    return result ?? .invalid
  }

  func compare(_ comparison: ComparisonOperator, _ left: Value, _ right: Value, _ span: Span) -> Value {
    if left.isInvalid || right.isInvalid { return .invalid }
    if case .choice(let condition, let first, let second, _) = left {
      return merge(condition, compare(comparison, first, right, span), compare(comparison, second, right, span))
    }
    if case .choice(let condition, let first, let second, _) = right {
      return merge(condition, compare(comparison, left, first, span), compare(comparison, left, second, span))
    }
    if case .either(let condition, let first, let second, _) = left {
      return merge(condition, compare(comparison, first, right, span), compare(comparison, second, right, span))
    }
    switch comparison {
    case .is, .isNot:
      if case .array = left, !right.isNone {
        return fail(
          "identity", span, "\"is\" asks for identity, and this is a number.",
          suggestion: "use \"==\", or the value itself")
      }
      let isSame = left.isNone || right.isNone ? left.isNone && right.isNone : identical(left, right)
      return .bool(isSame == (comparison == .is))
    case .in, .notIn: return contains(left, right, isNegated: comparison == .notIn, span)
    default: break
    }
    if let x = left.number, let y = right.number { return .bool(Self.holds(comparison, x, y)) }
    if let isEqual = staticallyEqual(left, right), comparison == .equal || comparison == .notEqual {
      return .bool(isEqual == (comparison == .equal))
    }
    guard let x = operand(left, with: right, span), let y = operand(right, with: left, span) else {
      return fail(
        "type", span, "\(left.kindName) and \(right.kindName) cannot be compared with \"\(comparison.rawValue)\".")
    }
    guard let (shape, nodes) = broadcast([x, y], span) else { return .invalid }
    if comparison == .equal || comparison == .notEqual { checkEquality(x, y, span) }
    let result = zip(nodes[0], nodes[1]).map { compare(comparison, $0, $1) }
    return .array(array(shape, result, .bool, family([x, y])))
  }

  /// Measured quantities are almost never exactly equal; codes like 0 and 1 are.
  private func checkEquality(_ x: ArrayValue, _ y: ArrayValue, _ span: Span) {
    guard x.dtype == .float || y.dtype == .float else { return }
    let isCode = [x, y].contains { array in
      components(array).allSatisfy { node in graph.constantValue(node).map { $0 == $0.rounded() } ?? false }
    }
    if !isCode {
      warn(
        "exact-equality", span, "Two computed numbers are almost never exactly equal.",
        suggestion: "compare their distance with a tolerance, as in \"abs(a - b) < 1e-3\"")
    }
  }

  func compare(_ comparison: ComparisonOperator, _ x: Node, _ y: Node) -> Node {
    switch comparison {
    case .less: graph.binary(.less, x, y)
    case .lessEqual: graph.binary(.lessEqual, x, y)
    case .greater: graph.binary(.less, y, x)
    case .greaterEqual: graph.binary(.lessEqual, y, x)
    case .equal: graph.binary(.equal, x, y)
    default: graph.binary(.notEqual, x, y)
    }
  }

  private static func holds(_ comparison: ComparisonOperator, _ x: Double, _ y: Double) -> Bool {
    switch comparison {
    case .less: x < y
    case .lessEqual: x <= y
    case .greater: x > y
    case .greaterEqual: x >= y
    case .equal: x == y
    default: x != y
    }
  }

  /// Equality of things that are not numbers; nil if it takes arithmetic.
  private func staticallyEqual(_ left: Value, _ right: Value) -> Bool? {
    switch (left, right) {
    case (.string(let x), .string(let y)): x == y
    case (.type(let x), .type(let y)): x == y
    case (.none, _), (_, .none): left.isNone && right.isNone
    case (.string, _), (_, .string): false
    case (.size(let x), .size(let y)): x == y
    case (.tuple(let x, _), .tuple(let y, _)):
      x.count == y.count
        && zip(x, y).allSatisfy { a, b in a.number.map { $0 == b.number } ?? identical(a, b) }
    default: nil
    }
  }

  private func contains(_ item: Value, _ container: Value, isNegated: Bool, _ span: Span) -> Value {
    switch container {
    case .dictionary(let id):
      let entries = heap.dictionary(id)
      let found = entries.keys.first { $0.text == (OrderedDictionary.Key(item)?.text ?? "\u{0}") }
      if let found, case .either(let condition, _, .absent, _)? = entries[found] {
        return merge(condition, .bool(!isNegated), .bool(isNegated))
      }
      let isFound = found != nil
      return .bool(isFound != isNegated)
    case .path(let path):
      guard case .string(let name) = item, hasEntries(path) else { break }
      let key = Printer.text(Expression(kind: .string(name), span: span, height: 1))
      let text = "\(path)[\(key)]"
      return .bool((fieldIndex(text) != nil || isPrefixOfField(text)) != isNegated)
    case .string(let text):
      guard case .string(let part) = item else { break }
      return .bool((part.isEmpty || text.contains(part)) != isNegated)
    case .tuple, .list, .range:
      guard let items = sequence(container) else { break }
      var result: Value = .bool(false)
      for other in items {
        let equal = compare(.equal, item, other, span)
        switch (result, equal) {
        case (.bool(true), _), (_, .bool(true)): return .bool(!isNegated)
        case (_, .bool(false)): continue
        case (.bool(false), _): result = equal
        default: result = binary(.or, result, equal, span)
        }
      }
      guard isNegated else { return result }
      if case .bool(let flag) = result { return .bool(!flag) }
      return elementwise(.not, result, span, dtype: .bool)
    default: break
    }
    return fail("type", span, "\(container.kindName) cannot be searched with \"in\".")
  }

  // MARK: Comprehensions

  private func evaluateComprehension(
    _ kind: ComprehensionKind, _ key: Expression?, _ element: Expression, _ generators: [Generator],
    _ expression: Expression
  ) -> Value {
    if kind == .set { return fail("unsupported", expression.span, "Sets are not supported.", suggestion: "use a list") }
    return evaluateComprehension(key, element, generators, filtered: nil)
  }

  /// `sum(x for x in xs if x > 0)`, whose condition varies by row: the elements that do not count are replaced by what
  /// changes nothing. Nil if this is no such call.
  func reduceFiltered(_ function: String, _ argument: Expression) -> Value? {
    guard case .comprehension(let kind, nil, let element, let generators) = argument.kind, kind != .set,
      generators.contains(where: { !$0.conditions.isEmpty })
    else { return nil }
    let neutral: Value
    switch function {
    case "sum", "len", "np.sum", "math.fsum": neutral = .int(0)
    case "any", "np.any": neutral = .bool(false)
    case "all", "np.all": neutral = .bool(true)
    default: return nil
    }
    let counted = Expression(kind: .integer(1), span: element.span, height: 1)
    let list = evaluateComprehension(nil, function == "len" ? counted : element, generators, filtered: neutral)
    guard let items = sequence(list) else { return .invalid }
    var call = CallArguments()
    call.positional = [(makeList(items), argument.span)]
    return callBuiltin(function == "len" ? "sum" : function, receiver: nil, call, argument.span)
  }

  private func evaluateComprehension(
    _ key: Expression?, _ element: Expression, _ generators: [Generator], filtered neutral: Value?
  ) -> Value {
    // Comprehension variables live in a frame of their own.
    let outer = calls.last
    let frame = heap.add(.frame(Heap.Frame(parent: outer?.frame ?? globals)))
    let context = CallContext(closure: outer?.closure, frame: frame, firstCell: frame)
    calls.append(context)
    defer { calls.removeLast() }
    var values: [Value] = []
    var entries = OrderedDictionary()
    let isComplete = run(generators[...], kept: nil, canFilter: neutral != nil) { kept in
      let outer = self.path
      if let kept { self.path = self.conjunction(outer, kept) }
      var value = self.evaluate(element)
      self.path = outer
      if let kept, let neutral { value = self.merge(kept, value, neutral) }
      if let keyExpression = key {
        if let key = self.key(self.evaluate(keyExpression), keyExpression) { entries[key] = value }
      } else {
        values.append(value)
      }
      return values.count <= Limits.elements
    }
    if !isComplete { return .invalid }
    return key == nil ? makeList(values) : .dictionary(heap.add(.dictionary(entries)))
  }

  private func run(
    _ generators: ArraySlice<Generator>, kept outer: Node?, canFilter: Bool, _ body: (Node?) -> Bool
  ) -> Bool {
    guard let generator = generators.first else { return body(outer) }
    guard let items = iterate(evaluate(generator.iterable), generator.iterable) else { return false }
    for item in items {
      guard step(generator.iterable.span) else { return false }
      assign(item, to: generator.target)
      var isKept = true
      var kept = outer
      for condition in generator.conditions where isKept {
        switch truth(evaluate(condition), condition) {
        case .known(let flag): isKept = flag
        case .invalid: return false
        case .dynamic(let node) where canFilter: kept = conjunction(kept, node)
        case .dynamic:
          fail(
            "dynamic-length", condition.span, "The length of this list would depend on the data.",
            suggestion: "keep every element, and use \"value if condition else 0.0\"")
          return false
        }
      }
      if isKept, !run(generators.dropFirst(), kept: kept, canFilter: canFilter, body) { return false }
    }
    return true
  }
}

extension OrderedDictionary.Key {
  init?(_ value: Value) {
    switch value {
    case .string(let text): self = .string(text)
    case .int(let number): self = .int(number)
    default: return nil
    }
  }
}

extension String {
  var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
