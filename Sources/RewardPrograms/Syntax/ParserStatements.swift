extension Parser {
  /// A compound statement that begins with `keyword`; nil if it begins a simple one.
  mutating func parseCompound(_ keyword: Keyword) throws(Unparsable) -> Statement? {
    let start = token.span
    switch keyword {
    case .if:
      advance()
      return try parseConditional(from: start)
    case .for: return try parseFor(from: start)
    case .while:
      advance()
      let condition = try parseExpression()
      let body = try parseBlock("the condition of \"while\"")
      return finish(.whileLoop(condition: condition, body: body), from: start)
    case .def: return try parseFunction(decorators: [], from: start)
    case .class: return try parseClass(from: start)
    case .with: return try parseWith(from: start)
    case .try, .async, .except, .finally:
      throw reject(
        "\"\(keyword.rawValue)\" is not part of the language.", code: "unsupported-syntax",
        suggestion: "a reward program has no exceptions to handle: compute the value directly")
    case .elif, .else:
      throw reject("This \"\(keyword.rawValue)\" belongs to no \"if\" at its indentation.")
    default: return nil
    }
  }

  func finish(_ kind: Statement.Kind, from start: Span) -> Statement {
    Statement(kind: kind, span: Span(start: start.start, end: max(start.end, previousEnd)))
  }

  private mutating func parseConditional(from start: Span) throws(Unparsable) -> Statement {
    // A chain of elifs is a loop here and a chain of nested ifs in the tree.
    var branches: [(condition: Expression, body: [Statement], start: Span)] = []
    var otherwise: [Statement] = []
    var branchStart = start
    while true {
      let condition = try parseExpression()
      if at(.assign) { throw reject("\"=\" assigns.", suggestion: "use \"==\" to compare") }
      let body = try parseBlock("the condition")
      branches.append((condition, body, branchStart))
      if branches.count > Limits.nesting {
        throw reject("An \"if\" has more than \(Limits.nesting) branches.", code: "too-deep", at: branchStart)
      }
      branchStart = token.span
      if take(.elif) { continue }
      if take(.else) { otherwise = try parseBlock("\"else\"") }
      break
    }
    var result: Statement?
    for branch in branches.reversed() {
      let rest: [Statement] = result.map { [$0] } ?? otherwise
      result = finish(
        .conditional(condition: branch.condition, then: branch.body, otherwise: rest), from: branch.start)
    }
    guard let result else { throw reject("Expected a condition.") }
    return result
  }

  private mutating func parseFor(from start: Span) throws(Unparsable) -> Statement {
    advance()
    let target = try parseTargetList()
    guard take(.in) else { throw reject("Expected \"in\" after the loop variable, found \(found).") }
    let iterable = try parseExpressionList()
    let body = try parseBlock("the header of \"for\"")
    var otherwise: [Statement] = []
    if take(.else) { otherwise = try parseBlock("\"else\"") }
    return finish(.forLoop(target: target, iterable: iterable, body: body, otherwise: otherwise), from: start)
  }

  private mutating func parseClass(from start: Span) throws(Unparsable) -> Statement {
    advance()
    let name = try expectName("the name of the class")
    if take(.leftParenthesis) { _ = try parseArguments() }
    let body = try parseBlock("the name of the class")
    return finish(.classDefinition(name: name.text, body: body), from: start)
  }

  private mutating func parseWith(from start: Span) throws(Unparsable) -> Statement {
    advance()
    var contexts: [Expression] = []
    repeat {
      contexts.append(try parseExpression())
      if take(.as) { _ = try parseTarget() }
    } while take(.comma)
    let body = try parseBlock("the contexts of \"with\"")
    return finish(.scoped(contexts, body: body), from: start)
  }

  mutating func parseDecorated() throws(Unparsable) -> Statement {
    let start = token.span
    var decorators: [Expression] = []
    while take(.at) {
      decorators.append(try parseExpression())
      guard token.kind == .newline else { throw reject("Expected the end of the line after a decorator.") }
      while token.kind == .newline { advance() }
    }
    if at(.def) { return try parseFunction(decorators: decorators, from: start) }
    if at(.class) { return try parseClass(from: start) }
    throw reject("Expected a function after a decorator, found \(found).")
  }

  private mutating func parseFunction(decorators: [Expression], from start: Span) throws(Unparsable) -> Statement {
    advance()
    let name = try expectName("the name of the function")
    try expect(.leftParenthesis, "after the name of the function")
    let parameters = try parseParameters(until: .rightParenthesis, annotated: true)
    try expect(.rightParenthesis, "after the parameters")
    let returns: Expression? = take(.arrow) ? try parseExpression() : nil
    let body = try parseBlock("the signature of \"\(name.text)\"")
    return finish(
      .function(
        FunctionDefinition(
          name: name.text, nameSpan: name.span, parameters: parameters, returns: returns, decorators: decorators,
          body: body)), from: start)
  }

  mutating func parseParameters(until end: Symbol, annotated: Bool) throws(Unparsable) -> [Parameter] {
    var parameters: [Parameter] = []
    var isKeywordOnly = false
    while !at(end) {
      if take(.slash) {
        // Positional-only marker: nothing to remember.
      } else if take(.star) {
        isKeywordOnly = true
        if case .name = token.kind {
          parameters.append(try parseParameter(.star, annotated: annotated))
        }
      } else if take(.doubleStar) {
        parameters.append(try parseParameter(.doubleStar, annotated: annotated))
      } else {
        let parameter = try parseParameter(isKeywordOnly ? .keywordOnly : .plain, annotated: annotated)
        if parameters.contains(where: { $0.name == parameter.name }) {
          log.error("syntax", parameter.span, "The parameter \"\(parameter.name)\" is declared twice.")
        }
        parameters.append(parameter)
      }
      if !take(.comma) { break }
    }
    return parameters
  }

  private mutating func parseParameter(
    _ style: Parameter.Style, annotated: Bool
  ) throws(Unparsable) -> Parameter {
    let name = try expectName("a parameter")
    let annotation: Expression? = annotated && take(.colon) ? try parseExpression() : nil
    let defaultValue: Expression? = take(.assign) ? try parseExpression() : nil
    return Parameter(
      name: name.text, span: name.span, annotation: annotation, defaultValue: defaultValue, style: style)
  }

  mutating func parseSimpleStatement() throws(Unparsable) -> Statement {
    let start = token.span
    if case .keyword(let keyword) = token.kind {
      switch keyword {
      case .pass:
        advance()
        return finish(.pass, from: start)
      case .break:
        advance()
        return finish(.breakLoop, from: start)
      case .continue:
        advance()
        return finish(.continueLoop, from: start)
      case .return:
        advance()
        let value: Expression? = endsStatement ? nil : try parseExpressionList()
        return finish(.returned(value), from: start)
      case .import, .from: return try parseImport(from: start)
      case .assert:
        advance()
        let condition = try parseExpression()
        if take(.comma) { _ = try parseExpression() }
        return finish(.assertion(condition), from: start)
      case .del:
        advance()
        let targets = try parseTargetList()
        if case .tuple(let items) = targets.kind { return finish(.delete(items), from: start) }
        return finish(.delete([targets]), from: start)
      case .global, .nonlocal, .raise, .yield, .await:
        throw reject(
          "\"\(keyword.rawValue)\" is not part of the language.", code: "unsupported-syntax",
          suggestion: "a reward program only computes: pass values as arguments and return them")
      default: break
      }
    }
    return try parseAssignmentOrExpression(from: start)
  }

  private var endsStatement: Bool {
    switch token.kind {
    case .newline, .end, .symbol(.semicolon), .dedent: true
    default: false
    }
  }

  private mutating func parseAssignmentOrExpression(from start: Span) throws(Unparsable) -> Statement {
    let first = try parseExpressionList()
    if take(.colon) {
      try checkTarget(first)
      let annotation = try parseExpression()
      let value: Expression? = take(.assign) ? try parseExpressionList() : nil
      return finish(.annotated(target: first, annotation: annotation, value: value), from: start)
    }
    if let augmented = augmentedOperator {
      advance()
      try checkTarget(first)
      let value = try parseExpressionList()
      return finish(.augmented(target: first, augmented, value: value), from: start)
    }
    guard at(.assign) else { return finish(.expression(first), from: start) }
    var targets = [first]
    var value = first
    while take(.assign) {
      try checkTarget(value)
      value = try parseExpressionList()
      targets.append(value)
    }
    targets.removeLast()
    return finish(.assignment(targets: targets, value: value), from: start)
  }

  private var augmentedOperator: BinaryOperator? {
    guard case .symbol(let symbol) = token.kind else { return nil }
    switch symbol {
    case .plusAssign: return .add
    case .minusAssign: return .subtract
    case .starAssign: return .multiply
    case .slashAssign: return .divide
    case .doubleSlashAssign: return .floorDivide
    case .percentAssign: return .modulo
    case .doubleStarAssign: return .power
    case .atAssign: return .matmul
    case .andAssign: return .and
    case .orAssign: return .or
    case .xorAssign: return .xor
    case .shiftLeftAssign: return .shiftLeft
    case .shiftRightAssign: return .shiftRight
    default: return nil
    }
  }

  private mutating func checkTarget(_ target: Expression) throws(Unparsable) {
    switch target.kind {
    case .name, .attribute, .subscripted, .invalid: return
    case .starred(let inner): try checkTarget(inner)
    case .tuple(let items), .list(let items):
      for item in items { try checkTarget(item) }
    default: throw reject("This cannot be assigned to.", at: target.span)
    }
  }

  /// Loop variables: names and tuples, without the comparison "in".
  mutating func parseTargetList() throws(Unparsable) -> Expression {
    let start = token.span
    var items = [try parseTarget()]
    guard at(.comma) else { return items[0] }
    while take(.comma) {
      if at(.in) || at(.assign) || endsStatement { break }
      items.append(try parseTarget())
    }
    return expression(.tuple(items), from: start, over: items)
  }

  private mutating func parseTarget() throws(Unparsable) -> Expression {
    let target = try parseBitwiseOr()
    try checkTarget(target)
    return target
  }

  private mutating func parseImport(from start: Span) throws(Unparsable) -> Statement {
    var names: [ImportedName] = []
    if take(.from) {
      let module = try parseModuleName()
      guard take(.import) else { throw reject("Expected \"import\", found \(found).") }
      if take(.star) {
        names.append(ImportedName(module: module.text, name: "*", alias: nil, span: module.span))
      } else {
        let isBracketed = take(.leftParenthesis)
        repeat {
          if isBracketed, at(.rightParenthesis) { break }
          let name = try expectName("a name to import")
          let alias: String? = take(.as) ? try expectName("an alias").text : nil
          names.append(ImportedName(module: module.text, name: name.text, alias: alias, span: name.span))
        } while take(.comma)
        if isBracketed { try expect(.rightParenthesis, "after the imported names") }
      }
    } else {
      advance()
      repeat {
        let module = try parseModuleName()
        let alias: String? = take(.as) ? try expectName("an alias").text : nil
        names.append(ImportedName(module: module.text, name: nil, alias: alias, span: module.span))
      } while take(.comma)
    }
    return finish(.importing(names), from: start)
  }

  private mutating func parseModuleName() throws(Unparsable) -> (text: String, span: Span) {
    let start = token.span
    var text = ""
    while take(.dot) || take(.ellipsis) { text += "." }
    if text.isEmpty || !at(.import) { text += try expectName("the name of a module").text }
    while take(.dot) { text += "." + (try expectName("the name of a module").text) }
    return (text, Span(start: start.start, end: previousEnd))
  }
}
