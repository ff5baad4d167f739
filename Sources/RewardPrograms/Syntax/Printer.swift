/// Expressions back to text, in one canonical spelling: how paths and calls on the environment are compared with the
/// names of a schema's fields.
enum Printer {
  static func text(_ expression: Expression) -> String {
    switch expression.kind {
    case .none: "None"
    case .ellipsis: "..."
    case .bool(let value): value ? "True" : "False"
    case .integer(let value): String(value)
    case .float(let value): "\(value)"
    case .string(let text): quoted(text)
    case .formatted(let text): "f" + quoted(text)
    case .name(let name): name
    case .tuple(let items): items.count == 1 ? "(\(text(items[0])),)" : "(\(list(items)))"
    case .list(let items): "[\(list(items))]"
    case .set(let items): "{\(list(items))}"
    case .dictionary(let entries):
      "{" + entries.map { entry in (entry.key.map { text($0) + ": " } ?? "**") + text(entry.value) }.joined(separator: ", ") + "}"
    case .unary(let operation, let value): operation.rawValue + text(value)
    case .binary(let operation, let left, let right): "(\(text(left)) \(operation.rawValue) \(text(right)))"
    case .boolean(let isAnd, let values): "(" + values.map(text).joined(separator: isAnd ? " and " : " or ") + ")"
    case .comparison(let first, let rest):
      "(" + rest.reduce(text(first)) { $0 + " \($1.0.rawValue) " + text($1.1) } + ")"
    case .conditional(let condition, let then, let otherwise):
      "(\(text(then)) if \(text(condition)) else \(text(otherwise)))"
    case .call(let function, let arguments):
      text(function) + "(" + arguments.map(argument).joined(separator: ", ") + ")"
    case .attribute(let value, let name, _): text(value) + "." + name
    case .subscripted(let value, let index):
      if case .tuple(let items) = index.kind, !items.isEmpty {
        text(value) + "[" + list(items) + "]"
      } else {
        text(value) + "[" + text(index) + "]"
      }
    case .slice(let start, let stop, let step):
      (start.map(text) ?? "") + ":" + (stop.map(text) ?? "") + (step.map { ":" + text($0) } ?? "")
    case .lambda(let parameters, let body):
      "lambda " + parameters.map(\.name).joined(separator: ", ") + ": " + text(body)
    case .comprehension(_, _, let element, _): "[\(text(element)) for …]"
    case .starred(let value): "*" + text(value)
    case .named(let name, let value): "(\(name) := \(text(value)))"
    case .invalid: "?"
    }
  }

  private static func list(_ items: [Expression]) -> String { items.map(text).joined(separator: ", ") }

  private static func quoted(_ text: String) -> String { "'" + text + "'" }

  private static func argument(_ argument: Argument) -> String {
    switch argument.label {
    case .positional: text(argument.value)
    case .keyword(let name): name + "=" + text(argument.value)
    case .star: "*" + text(argument.value)
    case .doubleStar: "**" + text(argument.value)
    }
  }
}
