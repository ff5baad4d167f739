extension Elaborator {
  /// Arguments of a call, evaluated.
  struct CallArguments {
    var positional: [(value: Value, span: Span)] = []
    var keywords: [(name: String, value: Value, span: Span)] = []
    var hasInvalid: Bool {
      positional.contains { $0.value.isInvalid } || keywords.contains { $0.value.isInvalid }
    }
  }

  func evaluateCall(_ function: Expression, _ arguments: [Argument], _ expression: Expression) -> Value {
    if case .name("super") = function.kind {
      return fail("forbidden", function.span, "\"super\" is not available.")
    }
    if let value = callEnvironment(function, arguments, expression) { return value }
    let callee = defined(evaluate(function), function)
    if case .builtin(let name) = callee, arguments.count == 1, let reduced = reduceFiltered(name, arguments[0].value) {
      return reduced
    }
    if case .path(let path) = callee { return callPath(path, arguments, expression) }
    let evaluated = evaluate(arguments)
    mark(expression.span)
    return call(callee, evaluated, expression.span, function)
  }

  private func evaluate(_ arguments: [Argument]) -> CallArguments {
    var result = CallArguments()
    for argument in arguments {
      let expression = argument.value
      switch argument.label {
      case .positional:
        result.positional.append((defined(evaluate(expression), expression), expression.span))
      case .keyword(let name):
        result.keywords.append((name, defined(evaluate(expression), expression), argument.span))
      case .star:
        for value in iterate(evaluate(expression), expression) ?? [.invalid] {
          result.positional.append((value, expression.span))
        }
      case .doubleStar:
        guard case .dictionary(let id) = evaluate(expression) else {
          fail("type", expression.span, "\"**\" needs a dict.")
          continue
        }
        for (key, value) in heap.dictionary(id).entries { result.keywords.append((key.text, value, expression.span)) }
      }
    }
    return result
  }

  func call(_ callee: Value, _ arguments: CallArguments, _ span: Span, _ function: Expression) -> Value {
    switch callee {
    case .invalid: return .invalid
    case .function(let closure): return call(closure, arguments, span)
    case .builtin(let name): return callBuiltin(name, receiver: nil, arguments, span)
    case .method(let receiver, let name): return callMethod(receiver, name, arguments, span)
    case .type(let name): return callType(name, arguments, span)
    default:
      return fail("type", function.span, "\(callee.kindName) cannot be called.")
    }
  }

  // MARK: The environment

  /// A call on an object of the environment: a field of that source text, or a method of the program's own class.
  private func callPath(_ path: String, _ arguments: [Argument], _ expression: Expression) -> Value {
    let text = Printer.text(expression)
    for spelling in [text, path + "(" + resolved(arguments) + ")"] {
      if let value = input(spelling, expression.span) { return value }
    }
    if let value = callPose(path, arguments, expression) { return value }
    if let value = getEntry(path, arguments, expression.span) { return value }
    let name = path.split(separator: ".").last.map(String.init) ?? path
    if path == "self.\(name)", let method = lookUp(name), case .function(let closure) = method {
      var evaluated = evaluate(arguments)
      if closure.parameters.first?.name == "self" {
        evaluated.positional.insert((.path("self"), expression.span), at: 0)
      }
      return call(closure, evaluated, expression.span)
    }
    if isPrefixOfField(text) { return .path(text) }
    return unknownPath(text, expression.span)
  }

  /// `info.get("x", 0.0)` of a dict of the environment, whose entries are the fields `info["x"]`; nil if it is none.
  private func getEntry(_ path: String, _ arguments: [Argument], _ span: Span) -> Value? {
    guard path.hasSuffix(".get"), let first = arguments.first, arguments.count <= 2 else { return nil }
    let base = String(path.dropLast(4))
    guard hasEntries(base) else { return nil }
    let text = "\(base)[\(resolved(first.value))]"
    if let value = input(text, span) { return value }
    if isPrefixOfField(text) { return .path(text) }
    return arguments.count == 2 ? defined(evaluate(arguments[1].value), arguments[1].value) : Value.none
  }

  /// A function that the program does not define, of which a field has the call's text: ManiSkill's
  /// `check_actor_static(self.cube)`. Nil if it is something else.
  private func callEnvironment(_ function: Expression, _ arguments: [Argument], _ expression: Expression) -> Value? {
    guard case .name(let name) = function.kind else { return nil }
    let known = lookUp(name)
    if let known {
      guard case .type = known else { return nil }
    }
    for spelling in [Printer.text(expression), name + "(" + resolved(arguments) + ")"] {
      if let value = input(spelling, expression.span) { return value }
    }
    let takesObject = arguments.contains { argument in
      if case .path = evaluatedQuietly(argument.value) { true } else { false }
    }
    guard known == nil, takesObject else { return nil }
    return fail(
      "unknown-name", function.span, "There is no \"\(name)\".",
      suggestion: "what the environment computes is a field with the text of the call: "
        + "\"\(Printer.text(expression).prefix(60))\"")
  }

  /// What a plain name or `self.cube` stands for, without reporting anything.
  private func evaluatedQuietly(_ expression: Expression) -> Value {
    switch expression.kind {
    case .name(let name): return lookUp(name) ?? .invalid
    case .attribute(let object, let name, _):
      guard case .path(let path) = evaluatedQuietly(object) else { return .invalid }
      return .path(path + "." + name)
    default: return .invalid
    }
  }

  /// The arguments with the names of objects and constants replaced by what they stand for: after `cube = self.cube`,
  /// `check_grasp(cube)` is the field `check_grasp(self.cube)`.
  private func resolved(_ arguments: [Argument]) -> String {
    arguments.map { argument in
      switch argument.label {
      case .keyword(let name): name + "=" + resolved(argument.value)
      default: resolved(argument.value)
      }
    }.joined(separator: ", ")
  }

  func resolved(_ expression: Expression) -> String {
    switch expression.kind {
    case .name(let name):
      switch lookUp(name) {
      case .path(let path): path
      case .int(let number): Printer.text(Expression(kind: .integer(number), span: expression.span, height: 1))
      case .float(let number): Printer.text(Expression(kind: .float(number), span: expression.span, height: 1))
      case .string(let text): Printer.text(Expression(kind: .string(text), span: expression.span, height: 1))
      default: name
      }
    case .attribute(let object, let name, _): resolved(object) + "." + name
    case .call(let function, let arguments): resolved(function) + "(" + resolved(arguments) + ")"
    default: Printer.text(expression)
    }
  }

  func unknownPath(_ path: String, _ span: Span) -> Value {
    let stem = path.hasPrefix("self.") ? String(path.dropFirst(5)) : path
    return fail(
      "unknown-field", span, "The environment \"\(schema.environment)\" has no \"\(path.prefix(80))\".",
      suggestion: didYouMean(path, fieldNames) ?? didYouMean(stem, fieldNames)
        ?? fieldList)
  }

  // MARK: Functions of the program

  func call(_ closure: Closure, _ arguments: CallArguments, _ span: Span) -> Value {
    if calls.contains(where: { $0.closure === closure }) {
      return fail(
        "recursion", span, "\"\(closure.name)\" calls itself: recursion is not supported.",
        suggestion: "use a loop over a constant range")
    }
    guard calls.count < Limits.callDepth else {
      return fail("too-deep", span, "Functions call each other more than \(Limits.callDepth) deep.")
    }
    calledFunctions.insert(closure.span)
    let outer = preludeCall
    if closure.frame == preludeFrame { preludeCall = outer ?? span }
    defer { preludeCall = outer }
    let frame = heap.add(.frame(Heap.Frame(parent: closure.frame)))
    guard bind(arguments, of: closure, in: frame, span) else { return .invalid }
    return run(closure, frame: frame)
  }

  /// Runs the body of a function in a frame that holds its arguments.
  func run(_ closure: Closure, frame: Int, isEntry: Bool = false) -> Value {
    let context = CallContext(closure: closure, frame: frame, firstCell: isEntry ? 0 : frame, outerPath: path)
    calls.append(context)
    let outer = path
    path = nil
    defer {
      calls.removeLast()
      path = outer
    }
    switch closure.body {
    case .expression(let expression): return evaluate(expression)
    case .block(let statements):
      let flow = run(statements[...])
      return result(of: context, flow, closure)
    }
  }

  /// The returned value: the first return whose condition holds.
  private func result(of context: CallContext, _ flow: Flow, _ closure: Closure) -> Value {
    var exits = context.exits
    guard let last = exits.last else { return .none }
    if flow != .returned {
      // Some rows reach the end of the function without a return.
      if log.errorCount > 0 { return .invalid }
      return fail(
        "missing-return", closure.span, "\"\(closure.name)\" does not return a value on every path.",
        suggestion: "end it with a \"return\"")
    }
    exits.removeLast()
    var result = last.value
    for exit in exits.reversed() {
      guard let condition = exit.condition else {
        result = exit.value
        continue
      }
      if case .dictionary = exit.value, case .dictionary = result {
        result = mergeReturned(condition, exit.value, result)
      } else if case .tuple(let x, let names) = exit.value, case .tuple(let y, _) = result, x.count == y.count {
        result = .tuple(zip(x, y).map { mergeReturned(condition, $0, $1) }, names: names)
      } else {
        result = merge(condition, exit.value, result)
      }
    }
    return result
  }

  /// Dictionaries of terms that differ between returns: a term that one leaves out counts as 0 there.
  private func mergeReturned(_ condition: Node, _ a: Value, _ b: Value) -> Value {
    guard case .dictionary(let left) = a, case .dictionary(let right) = b else { return merge(condition, a, b) }
    return .dictionary(
      heap.add(.dictionary(merge(condition, heap.dictionary(left), heap.dictionary(right), .float(0)))))
  }

  private func bind(_ arguments: CallArguments, of closure: Closure, in frame: Int, _ span: Span) -> Bool {
    var positional = arguments.positional.map(\.value)[...]
    var keywords = arguments.keywords
    for parameter in closure.parameters {
      switch parameter.style {
      case .star:
        heap.define(parameter.name, makeTuple(Array(positional), span), in: frame)
        positional = []
      case .doubleStar:
        var rest = OrderedDictionary()
        for keyword in keywords { rest[.string(keyword.name)] = keyword.value }
        keywords = []
        heap.define(parameter.name, .dictionary(heap.add(.dictionary(rest))), in: frame)
      case .plain, .keywordOnly:
        let index = keywords.firstIndex { $0.name == parameter.name }
        if parameter.style == .plain, let value = positional.popFirst() {
          if index != nil {
            fail("arguments", span, "\"\(closure.name)\" gets \"\(parameter.name)\" twice.")
            return false
          }
          heap.define(parameter.name, value, in: frame)
        } else if let index {
          heap.define(parameter.name, keywords.remove(at: index).value, in: frame)
        } else if let value = closure.defaults[parameter.name] {
          heap.define(parameter.name, value, in: frame)
        } else {
          fail("arguments", span, "\"\(closure.name)\" is missing its argument \"\(parameter.name)\".")
          return false
        }
      }
    }
    if !positional.isEmpty {
      fail(
        "arguments", span,
        "\"\(closure.name)\" takes \(closure.parameters.count) arguments, not \(arguments.positional.count).")
      return false
    }
    if let extra = keywords.first {
      fail(
        "arguments", extra.span, "\"\(closure.name)\" has no parameter \"\(extra.name)\".",
        suggestion: didYouMean(extra.name, closure.parameters.map(\.name)))
      return false
    }
    return true
  }

  // MARK: Library functions

  func callBuiltin(_ name: String, receiver: Value?, _ arguments: CallArguments, _ span: Span) -> Value {
    guard let definition = Library.definitions[name] else {
      return fail("unknown-function", span, "There is no function \"\(name)\".")
    }
    if arguments.hasInvalid { return .invalid }
    var positional = arguments.positional
    if let receiver { positional.insert((receiver, span), at: 0) }
    guard let bound = bind(positional, arguments.keywords, of: definition, name, span) else { return .invalid }
    let isScalarBase = name == "torch.pow" && isTensor(bound["other"])
    if name.hasPrefix("torch.") || name.hasPrefix("F."), definition.parameters.first == "input",
      !isTensor(bound["input"]), !isScalarBase
    {
      return fail(
        "type", span, "\"\(name)\" needs a tensor first, not \(bound["input"].kindName).",
        suggestion: bound["input"].number != nil || bound["input"].kindName == "a number"
          ? "use \"math\", or wrap the number in \"torch.tensor(...)\"" : nil)
    }
    mark(span)
    return definition.body(self, bound)
  }

  func isTensor(_ value: Value) -> Bool {
    if case .array(let array) = value { array.family == .torch } else { false }
  }

  private func bind(
    _ positional: [(value: Value, span: Span)], _ keywords: [(name: String, value: Value, span: Span)],
    of definition: Library.Definition, _ name: String, _ span: Span
  ) -> Arguments? {
    var bound = Arguments(
      name: name.hasPrefix("t.") || name.hasPrefix("n.") ? String(name.dropFirst(2)) : name, span: span)
    var rest = positional[...]
    for parameter in definition.parameters where !rest.isEmpty {
      if parameter.hasPrefix("**") {
        break
      } else if parameter.hasPrefix("*") {
        bound.extra = rest.map(\.value)
        rest = []
      } else if parameter.hasPrefix("=") {
        break
      } else {
        let argument = rest.removeFirst()
        bound.values[parameter] = argument.value
      }
    }
    if let extra = rest.first {
      fail(
        "arguments", extra.span,
        "\"\(bound.name)\" takes at most \(definition.parameters.filter { !$0.hasPrefix("=") }.count) arguments.")
      return nil
    }
    for keyword in keywords {
      let known = Library.canonicalKeyword(keyword.name, of: definition)
      guard let known else {
        if definition.parameters.last?.hasPrefix("**") == true {
          bound.keywords.append((keyword.name, keyword.value))
          continue
        }
        if Library.ignoredKeywords.contains(keyword.name) { continue }
        fail(
          "arguments", keyword.span, "\"\(bound.name)\" has no parameter \"\(keyword.name)\" here.",
          suggestion: didYouMean(keyword.name, definition.parameters.map { String($0.drop { $0 == "*" || $0 == "=" }) })
        )
        return nil
      }
      if known.hasPrefix("*") {
        bound.extra = sequence(keyword.value) ?? [keyword.value]
      } else {
        bound.values[String(known.drop { $0 == "=" })] = keyword.value
      }
    }
    return bound
  }

  private func callType(_ name: String, _ arguments: CallArguments, _ span: Span) -> Value {
    if arguments.hasInvalid { return .invalid }
    if name.hasSuffix("jit.annotate") || name == "cast", arguments.positional.count == 2 {
      return arguments.positional[1].value
    }
    if let made = makeRecord(name, arguments, span) { return made }
    // `np.float32(x)`, `torch.FloatTensor([…])`: a conversion; `torch.device("cpu")`, `Tensor`: opaque.
    if let dtype = Library.dtypes[name], let argument = arguments.positional.first {
      if let number = argument.value.number {
        return dtype == .float
          ? .float(number) : dtype == .bool ? .bool(number != 0) : .int(Int(exactly: number.rounded(.towardZero)) ?? 0)
      }
      guard let array = toArray(argument.value) else {
        return fail("type", argument.span, "\(argument.value.kindName) cannot be converted to \(name).")
      }
      return .array(cast(array, dtype))
    }
    if let first = name.first, first.isLowercase, !name.contains("."), name != "device" {
      return fail(
        "unknown-function", span, "There is no function \"\(name)\" in this language.",
        suggestion: didYouMean(name, visibleNames) ?? "write it in the program, as a function of its own")
    }
    return .type(name)
  }

  /// Conversion to another element type.
  func cast(_ array: ArrayValue, _ dtype: DType) -> ArrayValue {
    if array.dtype == dtype { return array }
    var nodes = components(array)
    if dtype == .bool { nodes = nodes.map(truthNode) }
    if dtype == .int, array.dtype == .float { nodes = nodes.map { graph.unary(.truncate, $0) } }
    return self.array(array.shape, nodes, dtype, array.family)
  }
}
