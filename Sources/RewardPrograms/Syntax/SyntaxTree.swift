/// An expression as it was written.
struct Expression: Sendable {
  let kind: Kind
  let span: Span
  /// Height of the tree below and including this expression; bounded by `Limits.nesting`.
  let height: Int

  indirect enum Kind: Sendable {
    case none, ellipsis
    case bool(Bool)
    case integer(Int)
    case float(Double)
    case string(String)
    /// An f-string: its text, with the replacement fields as written.
    case formatted(String)
    case name(String)
    case tuple([Expression])
    case list([Expression])
    case set([Expression])
    /// A nil key is `**value`.
    case dictionary([(key: Expression?, value: Expression)])
    case unary(UnaryOperator, Expression)
    case binary(BinaryOperator, Expression, Expression)
    case boolean(isAnd: Bool, [Expression])
    case comparison(Expression, [(ComparisonOperator, Expression)])
    case conditional(condition: Expression, then: Expression, otherwise: Expression)
    case call(Expression, [Argument])
    case attribute(Expression, String, nameSpan: Span)
    case subscripted(Expression, Expression)
    case slice(Expression?, Expression?, Expression?)
    case lambda([Parameter], Expression)
    case comprehension(ComprehensionKind, key: Expression?, element: Expression, [Generator])
    case starred(Expression)
    case named(String, Expression)
    /// Stands where an error was reported.
    case invalid
  }
}

struct Argument: Sendable {
  enum Label: Sendable, Equatable { case positional, keyword(String), star, doubleStar }
  let label: Label
  let value: Expression
  /// Begins at the keyword, if there is one.
  let span: Span
}

struct Generator: Sendable {
  let target: Expression
  let iterable: Expression
  let conditions: [Expression]
}

enum ComprehensionKind: Sendable { case list, generator, set, dictionary }

enum UnaryOperator: String, Sendable { case minus = "-", plus = "+", not = "not ", invert = "~" }

enum BinaryOperator: String, Sendable {
  case add = "+", subtract = "-", multiply = "*", divide = "/", floorDivide = "//", modulo = "%", power = "**"
  case matmul = "@", and = "&", or = "|", xor = "^", shiftLeft = "<<", shiftRight = ">>"
}

enum ComparisonOperator: String, Sendable {
  case less = "<", lessEqual = "<=", greater = ">", greaterEqual = ">=", equal = "==", notEqual = "!="
  case `is` = "is", isNot = "is not", `in` = "in", notIn = "not in"
}

struct Parameter: Sendable {
  enum Style: Sendable { case plain, keywordOnly, star, doubleStar }
  let name: String
  let span: Span
  let annotation: Expression?
  let defaultValue: Expression?
  let style: Style
}

final class FunctionDefinition: Sendable {
  let name: String
  let nameSpan: Span
  let parameters: [Parameter]
  let returns: Expression?
  let decorators: [Expression]
  let body: [Statement]

  init(
    name: String, nameSpan: Span, parameters: [Parameter], returns: Expression?, decorators: [Expression],
    body: [Statement]
  ) {
    self.name = name
    self.nameSpan = nameSpan
    self.parameters = parameters
    self.returns = returns
    self.decorators = decorators
    self.body = body
  }
}

/// A statement as it was written.
struct Statement: Sendable {
  let kind: Kind
  let span: Span

  indirect enum Kind: Sendable {
    case expression(Expression)
    case assignment(targets: [Expression], value: Expression)
    case augmented(target: Expression, BinaryOperator, value: Expression)
    case annotated(target: Expression, annotation: Expression, value: Expression?)
    case conditional(condition: Expression, then: [Statement], otherwise: [Statement])
    case forLoop(target: Expression, iterable: Expression, body: [Statement], otherwise: [Statement])
    case whileLoop(condition: Expression, body: [Statement])
    case function(FunctionDefinition)
    case classDefinition(name: String, body: [Statement])
    case returned(Expression?)
    case importing([ImportedName])
    case assertion(Expression)
    case scoped([Expression], body: [Statement])
    case pass, breakLoop, continueLoop
    case delete([Expression])
  }
}

/// `import module as alias`, or `from module import name as alias`.
struct ImportedName: Sendable {
  let module: String
  let name: String?
  let alias: String?
  let span: Span
}
