/// What a look over the syntax tree tells before the program is run: its functions, its library, its constants.
struct Survey {
  private(set) var usesTorch = false
  private(set) var functions: [FunctionDefinition] = []
  /// Functions that others call.
  private(set) var called: Set<String> = []
  private var literals: [(name: String, value: Double, span: Span, function: String?)] = []

  init(_ statements: [Statement]) {
    for statement in statements { visit(statement, in: nil) }
  }

  /// The function to run: by the names in use for it, else the last one that no other calls.
  func entry(_ kind: RewardProgram.Kind, named name: String?) -> FunctionDefinition? {
    if let name { return functions.last { $0.name == name } }
    let usual =
      kind == .reward
      ? [
        "compute_reward", "compute_dense_reward", "compute_rewards", "get_reward", "get_rewards", "calculate_reward",
        "_get_rewards_eureka", "_get_rewards", "_compute_reward", "_reward", "reward_function", "reward_func", "reward",
        "dense_reward", "reward_fn", "custom_reward", "compute_custom_reward", "compute_total_reward",
      ]
      : ["compute_fitness", "fitness", "fitness_function", "episode_fitness", "task_score"]
    for candidate in usual {
      if let function = functions.last(where: { $0.name == candidate }) { return function }
    }
    return functions.last { !called.contains($0.name) } ?? functions.last
  }

  func constants(in source: SourceText) -> [RewardProgram.NamedConstant] {
    literals.map { literal in
      let position = source.position(of: literal.span.start)
      return RewardProgram.NamedConstant(
        name: literal.name, value: literal.value, function: literal.function, line: position.line,
        column: position.column, range: literal.span.start..<literal.span.end)
    }
  }

  private mutating func visit(_ statement: Statement, in function: String?) {
    switch statement.kind {
    case .expression(let value): visit(value)
    case .assignment(let targets, let value):
      if targets.count == 1 { note(targets[0], value, function) }
      for target in targets { visit(target) }
      visit(value)
    case .augmented(let target, _, let value):
      visit(target)
      visit(value)
    case .annotated(let target, let annotation, let value):
      visit(annotation)
      if let value {
        note(target, value, function)
        visit(value)
      }
    case .conditional(let condition, let then, let otherwise):
      visit(condition)
      for inner in then + otherwise { visit(inner, in: function) }
    case .forLoop(let target, let iterable, let body, let otherwise):
      visit(target)
      visit(iterable)
      for inner in body + otherwise { visit(inner, in: function) }
    case .whileLoop(let condition, let body):
      visit(condition)
      for inner in body { visit(inner, in: function) }
    case .function(let definition):
      functions.append(definition)
      for parameter in definition.parameters {
        if let annotation = parameter.annotation { visit(annotation) }
        if let value = parameter.defaultValue {
          note(parameter.name, value, definition.name)
          visit(value)
        }
      }
      if let returns = definition.returns { visit(returns) }
      for decorator in definition.decorators { visit(decorator) }
      for inner in definition.body { visit(inner, in: definition.name) }
    case .classDefinition(_, let body): for inner in body { visit(inner, in: function) }
    case .returned(let value): if let value { visit(value) }
    case .assertion(let value): visit(value)
    case .scoped(let contexts, let body):
      for context in contexts { visit(context) }
      for inner in body { visit(inner, in: function) }
    case .importing, .pass, .breakLoop, .continueLoop, .delete: break
    }
  }

  private mutating func note(_ target: Expression, _ value: Expression, _ function: String?) {
    if case .name(let name) = target.kind { note(name, value, function) }
  }

  /// `name = number`, `name = -number`, `name = torch.tensor(number)`.
  private mutating func note(_ name: String, _ value: Expression, _ function: String?) {
    switch value.kind {
    case .float(let number): literals.append((name, number, value.span, function))
    case .integer(let number): literals.append((name, Double(number), value.span, function))
    case .unary(.minus, let inner):
      if case .float(let number) = inner.kind { literals.append((name, -number, value.span, function)) }
      if case .integer(let number) = inner.kind { literals.append((name, -Double(number), value.span, function)) }
    case .call(let callee, let arguments):
      if case .attribute(_, "tensor", _) = callee.kind, let first = arguments.first, first.label == .positional {
        note(name, first.value, function)
      }
    default: break
    }
  }

  private mutating func visit(_ expression: Expression) {
    switch expression.kind {
    case .name(let name):
      if name == "torch" || name == "Tensor" { usesTorch = true }
    case .string(let text):
      if text.hasSuffix("Tensor") { usesTorch = true }
    case .tuple(let items), .list(let items), .set(let items), .boolean(_, let items):
      for item in items { visit(item) }
    case .dictionary(let entries):
      for entry in entries {
        if let key = entry.key { visit(key) }
        visit(entry.value)
      }
    case .unary(_, let value), .starred(let value), .named(_, let value), .lambda(_, let value): visit(value)
    case .binary(_, let left, let right), .subscripted(let left, let right):
      visit(left)
      visit(right)
    case .comparison(let first, let rest):
      visit(first)
      for (_, value) in rest { visit(value) }
    case .conditional(let condition, let then, let otherwise):
      for value in [condition, then, otherwise] { visit(value) }
    case .call(let callee, let arguments):
      if case .name(let name) = callee.kind { called.insert(name) }
      if case .attribute(_, let name, _) = callee.kind { called.insert(name) }
      visit(callee)
      for argument in arguments { visit(argument.value) }
    case .attribute(let object, let name, _):
      if name == "Tensor" { usesTorch = true }
      visit(object)
    case .slice(let start, let stop, let step):
      for bound in [start, stop, step] { if let bound { visit(bound) } }
    case .comprehension(_, let key, let element, let generators):
      if let key { visit(key) }
      visit(element)
      for generator in generators {
        visit(generator.iterable)
        for condition in generator.conditions { visit(condition) }
      }
    case .none, .ellipsis, .bool, .integer, .float, .formatted, .invalid: break
    }
  }
}
