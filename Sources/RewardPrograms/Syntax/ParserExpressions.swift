extension Parser {
  // MARK: Building, with the height bounded

  mutating func expression(_ kind: Expression.Kind, from start: Span, over children: [Expression]) -> Expression {
    var height = 0
    for child in children { height = max(height, child.height) }
    let span = Span(start: start.start, end: max(start.end, previousEnd))
    if height + 1 > Limits.nesting {
      log.error(
        "too-deep", span, "An expression is nested more than \(Limits.nesting) deep.",
        suggestion: "name parts of it")
      return Expression(kind: .invalid, span: span, height: 1)
    }
    return Expression(kind: kind, span: span, height: height + 1)
  }

  private func leaf(_ kind: Expression.Kind, _ span: Span) -> Expression {
    Expression(kind: kind, span: span, height: 1)
  }

  // MARK: From the loosest to the tightest binding

  /// `a, b, c` (a tuple) or one expression.
  mutating func parseExpressionList() throws(Unparsable) -> Expression {
    let start = token.span
    var items = [try parseStarredOrNamed()]
    guard at(.comma) else { return items[0] }
    while take(.comma) {
      guard beginsExpression else { break }
      items.append(try parseStarredOrNamed())
    }
    return expression(.tuple(items), from: start, over: items)
  }

  private var beginsExpression: Bool {
    switch token.kind {
    case .name, .integer, .float, .string: true
    case .keyword(let keyword): [.none, .true, .false, .not, .lambda].contains(keyword)
    case .symbol(let symbol):
      [.plus, .minus, .tilde, .leftParenthesis, .leftBracket, .leftBrace, .ellipsis, .star].contains(symbol)
    default: false
    }
  }

  private mutating func parseStarredOrNamed() throws(Unparsable) -> Expression {
    let start = token.span
    if take(.star) {
      let inner = try parseBitwiseOr()
      return expression(.starred(inner), from: start, over: [inner])
    }
    if case .name(let name) = token.kind, nextToken.kind == .symbol(.walrus) {
      advance()
      advance()
      let value = try parseExpression()
      return expression(.named(name, value), from: start, over: [value])
    }
    return try parseExpression()
  }

  mutating func parseExpression() throws(Unparsable) -> Expression {
    depth += 1
    defer { depth -= 1 }
    if depth > Limits.nesting {
      throw reject(
        "An expression is nested more than \(Limits.nesting) deep.", code: "too-deep", suggestion: "name parts of it")
    }
    let start = token.span
    if take(.lambda) {
      let parameters = try parseParameters(until: .colon, annotated: false)
      try expect(.colon, "after the parameters of \"lambda\"")
      let body = try parseExpression()
      return expression(.lambda(parameters, body), from: start, over: [body])
    }
    let value = try parseOr()
    guard take(.if) else { return value }
    let condition = try parseOr()
    guard take(.else) else { throw reject("Expected \"else\" in a conditional expression, found \(found).") }
    let otherwise = try parseExpression()
    return expression(
      .conditional(condition: condition, then: value, otherwise: otherwise), from: start,
      over: [value, condition, otherwise])
  }

  private mutating func parseOr() throws(Unparsable) -> Expression {
    let start = token.span
    var operands = [try parseAnd()]
    while take(.or) { operands.append(try parseAnd()) }
    return operands.count == 1 ? operands[0] : expression(.boolean(isAnd: false, operands), from: start, over: operands)
  }

  private mutating func parseAnd() throws(Unparsable) -> Expression {
    let start = token.span
    var operands = [try parseNot()]
    while take(.and) { operands.append(try parseNot()) }
    return operands.count == 1 ? operands[0] : expression(.boolean(isAnd: true, operands), from: start, over: operands)
  }

  private mutating func parseNot() throws(Unparsable) -> Expression {
    var starts: [Span] = []
    while at(.not) {
      starts.append(token.span)
      advance()
    }
    var value = try parseComparison()
    for start in starts.reversed() { value = expression(.unary(.not, value), from: start, over: [value]) }
    return value
  }

  private mutating func parseComparison() throws(Unparsable) -> Expression {
    let start = token.span
    let first = try parseBitwiseOr()
    var rest: [(ComparisonOperator, Expression)] = []
    while let comparison = takeComparison() { rest.append((comparison, try parseBitwiseOr())) }
    return rest.isEmpty
      ? first : expression(.comparison(first, rest), from: start, over: [first] + rest.map { $0.1 })
  }

  private mutating func takeComparison() -> ComparisonOperator? {
    switch token.kind {
    case .symbol(let symbol):
      guard let comparison = ComparisonOperator(rawValue: symbol.rawValue) else { return nil }
      advance()
      return comparison
    case .keyword(.in):
      advance()
      return .in
    case .keyword(.is):
      advance()
      return take(.not) ? .isNot : .is
    case .keyword(.not) where nextToken.kind == .keyword(.in):
      advance()
      advance()
      return .notIn
    default: return nil
    }
  }

  mutating func parseBitwiseOr() throws(Unparsable) -> Expression { try parseBinary(0) }

  /// Left-associative levels, loosest first.
  private static let levels: [[Symbol: BinaryOperator]] = [
    [.bar: .or], [.caret: .xor], [.ampersand: .and], [.shiftLeft: .shiftLeft, .shiftRight: .shiftRight],
    [.plus: .add, .minus: .subtract],
    [.star: .multiply, .slash: .divide, .doubleSlash: .floorDivide, .percent: .modulo, .at: .matmul],
  ]

  private mutating func parseBinary(_ level: Int) throws(Unparsable) -> Expression {
    guard level < Self.levels.count else { return try parseUnary() }
    let start = token.span
    var left = try parseBinary(level + 1)
    while case .symbol(let symbol) = token.kind, let operation = Self.levels[level][symbol] {
      advance()
      let right = try parseBinary(level + 1)
      left = expression(.binary(operation, left, right), from: start, over: [left, right])
    }
    return left
  }

  private mutating func parseUnary() throws(Unparsable) -> Expression {
    var operators: [(UnaryOperator, Span)] = []
    while case .symbol(let symbol) = token.kind, let unary = Self.unaryOperators[symbol] {
      operators.append((unary, token.span))
      advance()
    }
    var value = try parsePower()
    for (unary, start) in operators.reversed() { value = expression(.unary(unary, value), from: start, over: [value]) }
    return value
  }

  private static let unaryOperators: [Symbol: UnaryOperator] = [.minus: .minus, .plus: .plus, .tilde: .invert]

  private mutating func parsePower() throws(Unparsable) -> Expression {
    depth += 1
    defer { depth -= 1 }
    if depth > Limits.nesting {
      throw reject("An expression is nested more than \(Limits.nesting) deep.", code: "too-deep")
    }
    let start = token.span
    let base = try parsePostfix()
    guard take(.doubleStar) else { return base }
    let exponent = try parseUnary()
    return expression(.binary(.power, base, exponent), from: start, over: [base, exponent])
  }

  // MARK: Calls, attributes, subscripts

  private mutating func parsePostfix() throws(Unparsable) -> Expression {
    let start = token.span
    var value = try parseAtom()
    while true {
      if take(.dot) {
        let name = try expectName("an attribute")
        value = expression(.attribute(value, name.text, nameSpan: name.span), from: start, over: [value])
      } else if take(.leftParenthesis) {
        let arguments = try parseArguments()
        value = expression(.call(value, arguments), from: start, over: [value] + arguments.map(\.value))
      } else if take(.leftBracket) {
        let index = try parseSubscript()
        try expect(.rightBracket, "after the index")
        value = expression(.subscripted(value, index), from: start, over: [value, index])
      } else {
        return value
      }
    }
  }

  /// After "(": the arguments and the ")".
  mutating func parseArguments() throws(Unparsable) -> [Argument] {
    var arguments: [Argument] = []
    while !at(.rightParenthesis) {
      let start = token.span
      let label = takeLabel()
      var value = label == .positional ? try parseStarredOrNamed() : try parseExpression()
      if label == .positional, at(.for) {
        let generators = try parseGenerators()
        value = expression(
          .comprehension(.generator, key: nil, element: value, generators), from: start,
          over: [value] + generators.map(\.iterable))
      }
      arguments.append(Argument(label: label, value: value, span: start.joined(value.span)))
      if !take(.comma) { break }
    }
    try expect(.rightParenthesis, "after the arguments")
    return arguments
  }

  private mutating func takeLabel() -> Argument.Label {
    if take(.star) { return .star }
    if take(.doubleStar) { return .doubleStar }
    guard case .name(let name) = token.kind, nextToken.kind == .symbol(.assign) else { return .positional }
    advance()
    advance()
    return .keyword(name)
  }

  private mutating func parseSubscript() throws(Unparsable) -> Expression {
    let start = token.span
    var items = [try parseSubscriptItem()]
    guard at(.comma) else { return items[0] }
    while take(.comma) {
      if at(.rightBracket) { break }
      items.append(try parseSubscriptItem())
    }
    return expression(.tuple(items), from: start, over: items)
  }

  private mutating func parseSubscriptItem() throws(Unparsable) -> Expression {
    let start = token.span
    var parts: [Expression?] = [nil]
    if !at(.colon) { parts[0] = try parseStarredOrNamed() }
    guard at(.colon), !at(.walrus) else {
      if let only = parts[0] { return only }
      throw reject("Expected an index, found \(found).")
    }
    while parts.count < 3, take(.colon) {
      let isEmpty = at(.colon) || at(.comma) || at(.rightBracket)
      parts.append(isEmpty ? nil : try parseExpression())
    }
    let upper: Expression? = parts.count > 1 ? parts[1] : nil
    let step: Expression? = parts.count > 2 ? parts[2] : nil
    return expression(.slice(parts[0], upper, step), from: start, over: parts.compactMap { $0 })
  }

  // MARK: Atoms

  private mutating func parseAtom() throws(Unparsable) -> Expression {
    let span = token.span
    switch token.kind {
    case .name(let name):
      advance()
      return leaf(.name(name), span)
    case .integer(let value):
      advance()
      return leaf(.integer(value), span)
    case .float(let value):
      advance()
      return leaf(.float(value), span)
    case .string: return parseStrings()
    case .keyword(.none):
      advance()
      return leaf(.none, span)
    case .keyword(.true), .keyword(.false):
      let value = at(.true)
      advance()
      return leaf(.bool(value), span)
    case .symbol(.ellipsis):
      advance()
      return leaf(.ellipsis, span)
    case .symbol(.leftParenthesis): return try parseParenthesized()
    case .symbol(.leftBracket): return try parseList()
    case .symbol(.leftBrace): return try parseBraces()
    case .keyword(let keyword) where [.yield, .await, .async].contains(keyword):
      throw reject("\"\(keyword.rawValue)\" is not part of the language.", code: "unsupported-syntax")
    default: throw reject("Expected an expression, found \(found).")
    }
  }

  /// Adjacent string literals are one string.
  private mutating func parseStrings() -> Expression {
    let start = token.span
    var text = ""
    var isFormatted = false
    while case .string(let part, let formatted) = token.kind {
      text += part
      isFormatted = isFormatted || formatted
      advance()
    }
    let span = Span(start: start.start, end: previousEnd)
    return leaf(isFormatted ? .formatted(text) : .string(text), span)
  }

  private mutating func parseParenthesized() throws(Unparsable) -> Expression {
    let start = token.span
    advance()
    if take(.rightParenthesis) { return expression(.tuple([]), from: start, over: []) }
    let first = try parseStarredOrNamed()
    if at(.for) {
      let generators = try parseGenerators()
      try expect(.rightParenthesis, "after the comprehension")
      return expression(
        .comprehension(.generator, key: nil, element: first, generators), from: start,
        over: [first] + generators.map(\.iterable))
    }
    if take(.rightParenthesis) {
      // The parentheses belong to the span, so that carets show the whole of it.
      return Expression(
        kind: first.kind, span: Span(start: start.start, end: previousEnd), height: first.height)
    }
    var items = [first]
    while take(.comma) {
      if at(.rightParenthesis) { break }
      items.append(try parseStarredOrNamed())
    }
    try expect(.rightParenthesis, "after the tuple")
    return expression(.tuple(items), from: start, over: items)
  }

  private mutating func parseList() throws(Unparsable) -> Expression {
    let start = token.span
    advance()
    if take(.rightBracket) { return expression(.list([]), from: start, over: []) }
    var items = [try parseStarredOrNamed()]
    if at(.for) {
      let generators = try parseGenerators()
      try expect(.rightBracket, "after the comprehension")
      return expression(
        .comprehension(.list, key: nil, element: items[0], generators), from: start,
        over: items + generators.map(\.iterable))
    }
    while take(.comma) {
      if at(.rightBracket) { break }
      items.append(try parseStarredOrNamed())
    }
    try expect(.rightBracket, "after the list")
    return expression(.list(items), from: start, over: items)
  }

  private mutating func parseBraces() throws(Unparsable) -> Expression {
    let start = token.span
    advance()
    var entries: [(key: Expression?, value: Expression)] = []
    var items: [Expression] = []
    while !at(.rightBrace) {
      if take(.doubleStar) {
        entries.append((nil, try parseBitwiseOr()))
      } else {
        let first = try parseStarredOrNamed()
        if take(.colon) {
          entries.append((first, try parseExpression()))
        } else {
          items.append(first)
        }
      }
      if at(.for) {
        let generators = try parseGenerators()
        try expect(.rightBrace, "after the comprehension")
        let iterables = generators.map(\.iterable)
        if let entry = entries.first, let key = entry.key {
          return expression(
            .comprehension(.dictionary, key: key, element: entry.value, generators), from: start,
            over: [key, entry.value] + iterables)
        }
        guard let item = items.first else { throw reject("Expected an expression before \"for\".") }
        return expression(
          .comprehension(.set, key: nil, element: item, generators), from: start, over: [item] + iterables)
      }
      if !take(.comma) { break }
    }
    try expect(.rightBrace, entries.isEmpty && !items.isEmpty ? "after the set" : "after the dictionary")
    guard items.isEmpty || entries.isEmpty else {
      throw reject("A dictionary entry needs a key and a value.", at: start)
    }
    if !items.isEmpty { return expression(.set(items), from: start, over: items) }
    return expression(
      .dictionary(entries), from: start, over: entries.map(\.value) + entries.compactMap(\.key))
  }

  private mutating func parseGenerators() throws(Unparsable) -> [Generator] {
    var generators: [Generator] = []
    while take(.for) {
      let target = try parseTargetList()
      guard take(.in) else { throw reject("Expected \"in\" in the comprehension, found \(found).") }
      let iterable = try parseOr()
      var conditions: [Expression] = []
      while take(.if) { conditions.append(try parseOr()) }
      generators.append(Generator(target: target, iterable: iterable, conditions: conditions))
    }
    return generators
  }
}
