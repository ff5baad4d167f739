/// How a statement ended.
enum Flow: Int { case normal, continued, broke, returned }

extension Elaborator {
  func run(_ statements: ArraySlice<Statement>) -> Flow {
    for (offset, statement) in zip(statements.indices, statements) {
      let before = calls.last?.inactive(&graph)
      let flow = run(statement)
      if flow != .normal { return flow }
      let rest = statements[(offset + 1)...]
      guard let inactive = calls.last?.inactive(&graph), inactive != before, !rest.isEmpty else { continue }
      return runGuarded(rest, unless: inactive)
    }
    return .normal
  }

  /// Runs statements for the rows that have not left the loop or the function.
  func runGuarded(_ statements: ArraySlice<Statement>, unless inactive: Node) -> Flow {
    guard let call = calls.last else { return run(statements) }
    let active = graph.unary(.not, inactive)
    let outer = path
    let hasOnlyReturned = call.loops.last?.broken == nil && call.loops.last?.continued == nil
    heap.beginBranch()
    path = conjunction(outer, active)
    let flow = run(statements)
    if flow == .continued || flow == .broke { leave(flow, path) }
    let writes = heap.endBranch()
    path = outer
    for (id, cell) in writes.sorted(by: { $0.key < $1.key }) {
      mergeGuarded(id, cell, active, isFree: hasOnlyReturned && id >= call.firstCell)
    }
    if flow == .normal { return .normal }
    if call.loops.last?.continued != nil { return .continued }
    return call.loops.last?.broken != nil ? .broke : .returned
  }

  /// Keeps the old contents for the rows that did not run; what is new, or free to differ, is taken as it is.
  private func mergeGuarded(_ id: Int, _ cell: Heap.Cell, _ active: Node, isFree: Bool) {
    if isFree {
      heap.write(id, cell)
      return
    }
    switch (heap[id], cell) {
    case (.frame(let old), .frame(var new)):
      spend(old.variables.count)
      for (name, value) in old.variables {
        if let written = new.variables[name] { new.variables[name] = merge(active, written, value) }
      }
      heap.write(id, .frame(new))
    case (.array(let old), .array(let new)):
      heap.write(id, .array(zip(new, old).map { graph.select(active, $0, $1) }))
    case (.list(let old), .list(let new)) where old.count == new.count:
      heap.write(id, .list(zip(new, old).map { merge(active, $0, $1) }))
    case (.dictionary(let old), .dictionary(let new)):
      heap.write(id, .dictionary(merge(active, new, old, nil)))
    default: heap.write(id, cell)
    }
  }

  /// Remembers which rows left the loop, or the function.
  private func leave(_ flow: Flow, _ rows: Node?) {
    guard let call = calls.last else { return }
    let mask = rows ?? graph.constant(1)
    func joined(_ old: Node?) -> Node { old.map { graph.binary(.or, $0, mask) } ?? mask }
    switch flow {
    case .returned: call.returned = joined(call.returned)
    case .broke: call.loops.last?.broken = joined(call.loops.last?.broken)
    case .continued: call.loops.last?.continued = joined(call.loops.last?.continued)
    case .normal: break
    }
  }

  func run(_ statement: Statement) -> Flow {
    depth += 1
    defer { depth -= 1 }
    guard step(statement.span) else { return .returned }
    mark(statement.span)
    switch statement.kind {
    case .expression(let expression):
      runExpression(expression)
    case .assignment(let targets, let value):
      let result = evaluate(value)
      for target in targets { assign(result, to: target) }
    case .augmented(let target, let operation, let value): runAugmented(target, operation, value, statement.span)
    case .annotated(let target, _, let value):
      if let value { assign(evaluate(value), to: target) }
    case .conditional(let condition, let then, let otherwise): return runConditional(condition, then, otherwise)
    case .forLoop(let target, let iterable, let body, let otherwise):
      return runFor(target, iterable, body, otherwise)
    case .whileLoop(let condition, let body): return runWhile(condition, body)
    case .function(let definition): define(definition.name, .function(closure(definition)))
    case .classDefinition(_, let body):
      // A class only groups functions and constants: its methods become functions.
      for member in body { runMember(member) }
    case .returned(let value): return runReturn(value, statement.span)
    case .importing(let names): for name in names { runImport(name) }
    case .assertion(let condition):
      if case .bool(false) = evaluate(condition) {
        fail("assertion", statement.span, "\"\(Printer.text(condition).prefix(60))\" does not hold.")
      }
    case .scoped(let contexts, let body):
      for context in contexts { check(context: context) }
      return run(body[...])
    case .pass: break
    case .breakLoop, .continueLoop:
      let isBreak = if case .breakLoop = statement.kind { true } else { false }
      guard calls.last?.loops.isEmpty == false else {
        fail("syntax", statement.span, "This \"\(isBreak ? "break" : "continue")\" is in no loop.")
        return .normal
      }
      return isBreak ? .broke : .continued
    case .delete(let targets): for target in targets { delete(target) }
    }
    return .normal
  }

  private func runMember(_ member: Statement) {
    switch member.kind {
    case .function: _ = run(member)
    case .assignment(let targets, let value): noteAttribute(targets.first, evaluate(value))
    case .annotated(let target, _, let value?): noteAttribute(target, evaluate(value))
    default: break
    }
  }

  private func noteAttribute(_ target: Expression?, _ value: Value) {
    if case .name(let name)? = target?.kind { classAttributes[name] = value }
  }

  private func runExpression(_ expression: Expression) {
    switch expression.kind {
    case .string, .formatted, .ellipsis, .none: return
    case .call(let function, _):
      if case .name("print") = function.kind { return }
    default: break
    }
    let value = evaluate(expression)
    _ = defined(value, expression)
  }

  private func delete(_ target: Expression) {
    guard case .name(let name) = target.kind else {
      fail("unsupported", target.span, "Only names can be deleted.")
      return
    }
    define(name, .absent("it was deleted"))
  }

  func closure(_ definition: FunctionDefinition) -> Closure {
    for decorator in definition.decorators { check(decorator: decorator) }
    var defaults: [String: Value] = [:]
    for parameter in definition.parameters {
      if let value = parameter.defaultValue { defaults[parameter.name] = evaluate(value) }
    }
    return Closure(
      name: definition.name, parameters: definition.parameters, body: .block(definition.body),
      frame: calls.last?.frame ?? globals, defaults: defaults, span: definition.nameSpan)
  }

  private func check(decorator: Expression) {
    let text = Printer.text(decorator)
    let known = [
      "torch.jit.script", "torch.no_grad", "staticmethod", "classmethod", "property", "torch.compile",
      "torch.jit.ignore", "jit.script", "override", "njit", "jit",
    ]
    if !known.contains(where: { text == $0 || text.hasPrefix($0 + "(") }) {
      fail(
        "unknown-decorator", decorator.span, "The decorator \"\(text.prefix(60))\" is unknown.",
        suggestion: "remove it; \"@torch.jit.script\" and \"@torch.no_grad()\" are accepted and have no effect")
    }
  }

  private func check(context: Expression) {
    let text = Printer.text(context)
    let known = ["torch.no_grad(", "torch.inference_mode(", "np.errstate(", "torch.enable_grad("]
    if !known.contains(where: text.hasPrefix) {
      fail(
        "unsupported", context.span, "\"with \(text.prefix(60))\" is not supported.",
        suggestion: "\"with torch.no_grad():\" is accepted and has no effect")
    }
  }

  // MARK: Branches

  private func runConditional(_ condition: Expression, _ then: [Statement], _ otherwise: [Statement]) -> Flow {
    let value = evaluate(condition)
    switch truth(value, condition) {
    case .invalid:
      // Both branches are checked for further errors.
      let unknown = graph.constant(.nan)
      _ = fork(unknown, then: { run(then[...]) }, otherwise: { run(otherwise[...]) })
      return .normal
    case .known(let isTrue): return run((isTrue ? then : otherwise)[...])
    case .dynamic(let node):
      let flows = fork(node, then: { run(then[...]) }, otherwise: { run(otherwise[...]) })
      if flows.then == .normal, flows.otherwise == .normal { return .normal }
      let negated = graph.unary(.not, node)
      leave(flows.then, conjunction(path, node))
      leave(flows.otherwise, conjunction(path, negated))
      if flows.then == .normal || flows.otherwise == .normal { return .normal }
      return flows.then.rawValue < flows.otherwise.rawValue ? flows.then : flows.otherwise
    }
  }

  enum Truth {
    case known(Bool)
    case dynamic(Node)
    case invalid
  }

  /// Whether a value counts as true: known now, or a node that says so for every row.
  func truth(_ value: Value, _ expression: Expression) -> Truth {
    switch defined(value, expression) {
    case .invalid, .undefined, .absent, .either: return .invalid
    case .none: return .known(false)
    case .bool(let flag): return .known(flag)
    case .int(let number): return .known(number != 0)
    case .float(let number): return .known(number != 0)
    case .string(let text): return .known(!text.isEmpty)
    case .tuple(let values, _): return .known(!values.isEmpty)
    case .list(let id): return .known(!heap.list(id).isEmpty)
    case .dictionary(let id): return .known(!heap.dictionary(id).keys.isEmpty)
    case .range: return .known(sequence(value)?.isEmpty == false)
    case .size(let id):
      guard kind == .fitness else { return .known(true) }
      return .dynamic(truthNode(graph.length(id)))
    case .array(let array): return truth(array, expression)
    default: return .known(true)
    }
  }

  private func truth(_ array: ArrayValue, _ expression: Expression) -> Truth {
    let nodes = components(array)
    guard nodes.count == 1 else {
      fail(
        "ambiguous-truth", expression.span,
        "The truth of an array of shape \(describe(array.shape)) is ambiguous.",
        suggestion: "reduce it with \".any()\" or \".all()\", or select with \"where(condition, a, b)\"")
      return .invalid
    }
    if array.rowsAxis != nil {
      if kind == .fitness {
        fail(
          "ambiguous-truth", expression.span, "The truth of a whole column is ambiguous.",
          suggestion: "reduce it with \".any()\" or \".all()\", or select with \"np.where(condition, a, b)\"")
        return .invalid
      }
      warn(
        "batched-condition", expression.span,
        "This condition has a value per row: it is taken row by row here, but Python refuses it.",
        suggestion: "use \"torch.where(condition, a, b)\"")
    }
    if let known = graph.constantValue(nodes[0]) { return .known(known != 0) }
    return .dynamic(truthNode(nodes[0]))
  }

  func truthNode(_ node: Node) -> Node {
    graph.isBoolean(node) ? node : graph.binary(.notEqual, node, graph.constant(0))
  }

  // MARK: Loops

  private func runFor(
    _ target: Expression, _ iterable: Expression, _ body: [Statement], _ otherwise: [Statement]
  ) -> Flow {
    let value = evaluate(iterable)
    guard let items = iterate(value, iterable) else {
      // The body is checked once with an unknown variable.
      bindInvalid(target)
      let loop = LoopContext()
      calls.last?.loops.append(loop)
      _ = run(body[...])
      calls.last?.loops.removeLast()
      return .normal
    }
    let loop = LoopContext()
    calls.last?.loops.append(loop)
    defer { calls.last?.loops.removeLast() }
    var hasBroken = false
    for item in items {
      let flow = runIteration(body, loop) { self.assign(item, to: target) }
      if flow == .returned { return .returned }
      if flow == .broke {
        hasBroken = true
        break
      }
    }
    if !hasBroken, !otherwise.isEmpty {
      if let broken = loop.broken { return runGuarded(otherwise[...], unless: broken) }
      return run(otherwise[...])
    }
    return .normal
  }

  private func runIteration(_ body: [Statement], _ loop: LoopContext, _ bind: () -> Void) -> Flow {
    loop.continued = nil
    guard let inactive = calls.last?.inactive(&graph), loop.broken != nil else {
      bind()
      return run(body[...])
    }
    bind()
    return runGuarded(body[...], unless: inactive)
  }

  private func runWhile(_ condition: Expression, _ body: [Statement]) -> Flow {
    let loop = LoopContext()
    calls.last?.loops.append(loop)
    defer { calls.last?.loops.removeLast() }
    while step(condition.span) {
      switch truth(evaluate(condition), condition) {
      case .invalid, .known(false): return .normal
      case .dynamic:
        fail(
          "unbounded-loop", condition.span, "The number of rounds of this loop depends on the data.",
          suggestion: "use \"for i in range(n)\" with a constant n, and \"break\" when done")
        return .normal
      case .known(true): break
      }
      let flow = runIteration(body, loop) {}
      if flow == .returned { return .returned }
      if flow == .broke { return .normal }
    }
    return .returned
  }

  private func bindInvalid(_ target: Expression) {
    switch target.kind {
    case .name(let name): define(name, .invalid)
    case .tuple(let items), .list(let items): for item in items { bindInvalid(item) }
    case .starred(let inner): bindInvalid(inner)
    default: break
    }
  }

  /// The elements to loop over; nil after reporting that they are not known while compiling.
  func iterate(_ value: Value, _ expression: Expression) -> [Value]? {
    let value = defined(value, expression)
    switch value {
    case .invalid: return nil
    case .tuple, .list: return sequence(value)?.map(whole)
    case .range:
      if let items = sequence(value) { return items }
      fail("too-large", expression.span, "The range has more than \(Limits.elements) elements.")
      return nil
    case .dictionary(let id): return heap.dictionary(id).keys.map(\.value)
    case .string(let text): return text.map { .string(String($0)) }
    case .array(let array):
      if case .fixed(let count)? = array.shape.first {
        return (0..<count).map { .array(element(array, $0)) }
      }
      fail(
        array.shape.isEmpty ? "type" : "unbounded-loop", expression.span,
        array.shape.isEmpty
          ? "A number has no elements to loop over."
          : "The number of \(kind == .fitness ? "steps of an episode" : "rows of a batch") is not known here.",
        suggestion: array.shape.isEmpty ? nil : columnForm(columnName(expression)))
      return nil
    case .path(let path):
      if let elements = elements(of: path, expression.span) { return elements }
      fail("type", expression.span, "\(value.kindName), has no elements to loop over.")
      return nil
    case .size:
      fail("type", expression.span, "An int has no elements to loop over.", suggestion: "use \"range(...)\"")
      return nil
    default:
      fail("type", expression.span, "\(value.kindName) has no elements to loop over.")
      return nil
    }
  }

  private func columnName(_ expression: Expression) -> String {
    if case .name(let name) = expression.kind, !Library.definitions.keys.contains(name) { name } else { "x" }
  }

  /// `array[index]` along the first axis.
  func element(_ array: ArrayValue, _ index: Int) -> ArrayValue {
    let shape = Array(array.shape.dropFirst())
    let count = shape.reduce(1) { $0 * $1.size }
    let indices = (0..<count).map { Int32(index * count + $0) }
    return scalarIfNumpy(view(array, shape: shape, indices: indices))
  }

  /// numpy's zero-dimensional results are numbers: they do not share memory.
  func scalarIfNumpy(_ array: ArrayValue) -> ArrayValue {
    guard array.shape.isEmpty, array.family == .numpy, case .stored = array.backing else { return array }
    return ArrayValue(shape: [], dtype: array.dtype, family: .numpy, backing: .immediate(components(array)))
  }

  // MARK: Returning

  private func runReturn(_ value: Expression?, _ span: Span) -> Flow {
    let result = value.map { frozen(defined(evaluate($0), $0)) } ?? .none
    guard let call = calls.last else {
      fail("syntax", span, "This \"return\" is in no function.")
      return .normal
    }
    call.exits.append((path, result))
    return .returned
  }

  /// The value as it is now: later writes do not reach it.
  private func frozen(_ value: Value) -> Value {
    spend(1)
    if isExhausted { return .invalid }
    return switch value {
    case .array(let array) where path != nil: .array(copy(array))
    case .tuple(let values, let names): .tuple(values.map(frozen), names: names)
    case .dictionary(let id) where path != nil:
      .dictionary(heap.add(.dictionary(frozen(heap.dictionary(id)))))
    case .list(let id) where path != nil: makeList(heap.list(id).map(frozen))
    default: value
    }
  }

  private func frozen(_ entries: OrderedDictionary) -> OrderedDictionary {
    var result = OrderedDictionary()
    for (key, value) in entries.entries { result[key] = frozen(value) }
    return result
  }

  // MARK: Imports

  private func runImport(_ imported: ImportedName) {
    let root = imported.module.split(separator: ".").first.map(String.init) ?? imported.module
    guard Library.importable.contains(root) || imported.module.hasPrefix(".") else {
      fail(
        "import", imported.span, "The module \"\(imported.module)\" cannot be imported by a reward program.",
        suggestion: "numpy, torch, math, scipy.spatial.distance and typing are there")
      return
    }
    if let name = imported.name {
      guard name != "*" else { return }
      if let value = Library.member(name, of: Library.canonicalModule(imported.module)) {
        define(imported.alias ?? name, value)
      } else if let value = preludeFunction(name) {
        if let alias = imported.alias { define(alias, value) }
      } else if Library.globalNames[name] == nil {
        define(imported.alias ?? name, .type(name))
      } else if let alias = imported.alias, let value = Library.globalNames[name] {
        define(alias, value)
      }
    } else if let alias = imported.alias {
      define(alias, .module(Library.canonicalModule(imported.module)))
    } else {
      define(root, .module(Library.canonicalModule(root)))
    }
  }
}

extension OrderedDictionary.Key {
  var value: Value {
    switch self {
    case .string(let text): .string(text)
    case .int(let number): .int(number)
    }
  }
}
