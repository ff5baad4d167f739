import Schemas

extension Elaborator {
  /// What a program computes.
  struct ProgramResult {
    let function: String
    let span: Span
    let total: Node
    let terms: [(name: String, node: Node)]
  }

  /// Runs the top level, then the function that the program is about. Nil after reporting.
  func runProgram(_ statements: [Statement], survey: Survey, function name: String?) -> ProgramResult? {
    for statement in statements {
      let flow = run(statement)
      if flow == .returned, case .returned = statement.kind { return nil }
    }
    guard let entry = survey.entry(kind, named: name) else {
      if log.errorCount == 0 {
        fail(
          "no-function", .none,
          name.map { "The program has no function \"\($0)\"." } ?? "The program defines no function.",
          suggestion: "define one, for example \"def \(kind == .reward ? "compute_reward" : "fitness")(...):\"")
      }
      return nil
    }
    guard case .function(let closure)? = heap.frame(globals).variables[entry.name] else { return nil }
    let frame = heap.add(.frame(Heap.Frame(parent: globals)))
    var isBound = true
    for parameter in entry.parameters {
      guard let value = bind(parameter, of: closure, self: entry) else {
        isBound = false
        heap.define(parameter.name, .invalid, in: frame)
        continue
      }
      heap.define(parameter.name, value, in: frame)
    }
    let value = run(closure, frame: frame, isEntry: true)
    _ = step(entry.nameSpan)  // Reports it, if the program has used up what it may.
    guard isBound, log.errorCount == 0 else { return nil }
    return result(value, entry)
  }

  // MARK: Parameters

  private func bind(_ parameter: Parameter, of closure: Closure, self entry: FunctionDefinition) -> Value? {
    let annotation = parameter.annotation.map(Printer.text)
    switch parameter.style {
    case .star: return .tuple([])
    case .doubleStar: return .dictionary(heap.add(.dictionary(OrderedDictionary())))
    case .plain, .keywordOnly: break
    }
    if let value = input(parameter.name, parameter.span, annotation: annotation) {
      return value.isInvalid ? nil : value
    }
    if parameter.name == "self" || parameter.name == "cls" { return .path("self") }
    if let value = closure.defaults[parameter.name] { return value }
    if isPrefixOfField(parameter.name) { return .path(parameter.name) }
    if parameter.name == "device" { return .type("device") }
    if ["num_envs", "batch_size", "n_envs"].contains(parameter.name), convention == .batched { return .size(.rows) }
    if isUnused(parameter.name, in: entry) {
      unusedParameters.append((parameter.name, parameter.span))
      return .undefined("\"\(parameter.name)\" is no field of the environment")
    }
    fail(
      "unknown-field", parameter.span,
      "The environment \"\(schema.environment)\" has no field \"\(parameter.name)\".",
      suggestion: didYouMean(parameter.name, fieldNames) ?? fieldList)
    return nil
  }

  /// A parameter that the body never names may be anything.
  private func isUnused(_ name: String, in entry: FunctionDefinition) -> Bool {
    guard let first = entry.body.first, let last = entry.body.last else { return true }
    let body = first.span.start..<last.span.end
    var copy = DiagnosticLog(source: log.source)
    return !Lexer.tokens(of: &copy).contains { $0.kind == .name(name) && body.contains($0.span.start) }
  }

  // MARK: The result

  private func result(_ value: Value, _ entry: FunctionDefinition) -> ProgramResult? {
    var total = value
    var terms = OrderedDictionary()
    if case .tuple(let parts, _) = value {
      guard kind == .reward, parts.count == 2 else { return reject(value, entry) }
      guard case .dictionary(let id) = parts[1] else { return reject(value, entry) }
      total = parts[0]
      terms = heap.dictionary(id)
    }
    if let why = whyUndefined(total) {
      fail("undefined", entry.nameSpan, "The result of \"\(entry.name)\" has no single value: \(why).")
      return nil
    }
    if total.isNone {
      fail(
        "missing-return", entry.nameSpan, "\"\(entry.name)\" returns nothing.",
        suggestion: kind == .reward
          ? "end it with \"return reward\" or \"return reward, terms\"" : "end it with \"return\"")
      return nil
    }
    guard let node = output(total, "result of \"\(entry.name)\"", entry) else { return nil }
    var named: [(name: String, node: Node)] = []
    for (key, term) in terms.entries {
      guard let node = output(term, "term \"\(key.text)\"", entry) else { continue }
      named.append((key.text, raising(node)))
    }
    return log.errorCount == 0
      ? ProgramResult(function: entry.name, span: entry.nameSpan, total: raising(node), terms: named) : nil
  }

  private func reject(_ value: Value, _ entry: FunctionDefinition) -> ProgramResult? {
    guard case .tuple(let parts, _) = value else { return nil }
    let found = parts.map(\.kindName).joined(separator: ", ")
    if !parts.contains(where: \.isInvalid) {
      fail(
        "result", entry.nameSpan, "\"\(entry.name)\" returns a tuple of \(parts.count) (\(found)).",
        suggestion: kind == .reward
          ? "return the reward, or the reward and a dict of its terms" : "a fitness returns one number")
    }
    return nil
  }

  private func whyUndefined(_ value: Value) -> String? {
    switch value {
    case .undefined(let why), .absent(let why), .either(_, _, _, let why): why
    default: nil
    }
  }

  /// NaN in the rows where Python would raise.
  private func raising(_ node: Node) -> Node {
    raised.map { graph.select($0, graph.constant(.nan), node) } ?? node
  }

  /// The one number per row (or per episode) that a value is. Nil after reporting.
  private func output(_ value: Value, _ role: String, _ entry: FunctionDefinition) -> Node? {
    if value.isInvalid { return nil }
    if case .either(let condition, let term, .absent, _) = value {
      // A term that some paths leave out counts as 0 there.
      return output(merge(condition, term, .float(0)), role, entry)
    }
    if let why = whyUndefined(value) {
      fail("undefined", entry.nameSpan, "The \(role) has no single value: \(why).")
      return nil
    }
    let isList = sequence(value) != nil
    guard !isList, let array = toArray(value) else {
      fail(
        "result", entry.nameSpan, "The \(role) is \(value.kindName), not a number.",
        suggestion: isList ? "return a number, or a number and a dict of terms" : nil)
      return nil
    }
    let nodes = components(array)
    let perRow: [[Dimension]] = convention == .batched && kind == .reward ? [[.rows(.rows)], []] : [[]]
    let isOne = nodes.count == 1 && array.rowsAxis.map { array.shape[..<$0].isEmpty } ?? true
    if isOne, !perRow.contains(array.shape), kind == .reward {
      // One number a row, in an array with axes of length 1: numpy and torch convert it.
      warn(
        "result-shape", entry.nameSpan,
        "The \(role) has the shape \(describe(array.shape)): it is taken as one number.",
        suggestion: convention == .batched ? "drop the axis of length 1 with \".squeeze(-1)\"" : "take its element")
      return nodes[0]
    }
    guard nodes.count == 1, perRow.contains(array.shape) else {
      let wanted = convention == .batched && kind == .reward ? "[B]" : "a single number"
      var suggestion = "reduce it, for example with \"sum\" or \"mean\""
      if convention == .batched, kind == .reward, nodes.count > 1 { suggestion = "reduce it with \"dim=-1\"" }
      if kind == .fitness, array.rowsAxis != nil { suggestion = "reduce it over time, for example with \".mean()\"" }
      fail(
        "result", entry.nameSpan, "The \(role) has the shape \(describe(array.shape)), not \(wanted).",
        suggestion: suggestion)
      return nil
    }
    return nodes[0]
  }
}
