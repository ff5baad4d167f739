/// Tokens to a syntax tree, by recursive descent over statements; it reports and goes on after an error, so that one
/// run finds the errors of every statement.
struct Parser {
  private let tokens: [Token]
  private var index = 0
  var log: DiagnosticLog
  /// Recursion in progress, counted against `Limits.nesting`.
  var depth = 0
  private var blockDepth = 0

  /// Thrown where a statement cannot be understood further; already reported.
  struct Unparsable: Error {}

  private init(tokens: [Token], log: DiagnosticLog) {
    self.tokens = tokens
    self.log = log
  }

  /// The statements of a program; what is wrong with them goes to `log`.
  static func parse(_ log: inout DiagnosticLog) -> [Statement] {
    let tokens = Lexer.tokens(of: &log)
    var parser = Parser(tokens: tokens, log: log)
    let statements = parser.parseFile()
    log = parser.log
    return statements
  }

  /// One expression that is the whole text; nil if it is not one.
  static func expression(_ text: String) -> Expression? {
    var log = DiagnosticLog(source: SourceText(text))
    let statements = parse(&log)
    guard log.errorCount == 0, statements.count == 1, case .expression(let expression) = statements[0].kind else {
      return nil
    }
    return expression
  }

  // MARK: Tokens

  var token: Token { tokens[min(index, tokens.count - 1)] }
  var nextToken: Token { tokens[min(index + 1, tokens.count - 1)] }
  var previousEnd: Int { index > 0 ? tokens[index - 1].span.end : 0 }

  mutating func advance() { if index < tokens.count - 1 { index += 1 } }

  func at(_ symbol: Symbol) -> Bool { token.kind == .symbol(symbol) }
  func at(_ keyword: Keyword) -> Bool { token.kind == .keyword(keyword) }

  mutating func take(_ symbol: Symbol) -> Bool {
    guard at(symbol) else { return false }
    advance()
    return true
  }

  mutating func take(_ keyword: Keyword) -> Bool {
    guard at(keyword) else { return false }
    advance()
    return true
  }

  /// Reports, and abandons the statement.
  mutating func reject(
    _ message: String, code: String = "syntax", at span: Span? = nil, suggestion: String? = nil
  ) -> Unparsable {
    log.error(code, span ?? token.span, message, suggestion: suggestion)
    return Unparsable()
  }

  mutating func expect(_ symbol: Symbol, _ place: String) throws(Unparsable) {
    if take(symbol) { return }
    throw reject("Expected \"\(symbol.rawValue)\" \(place), found \(found).")
  }

  mutating func expectName(_ role: String) throws(Unparsable) -> (text: String, span: Span) {
    guard case .name(let text) = token.kind else { throw reject("Expected \(role), found \(found).") }
    let span = token.span
    advance()
    return (text, span)
  }

  var found: String {
    switch token.kind {
    case .newline: "the end of the line"
    case .indent: "an indented line"
    case .dedent: "the end of the block"
    case .end: "the end of the program"
    default: "\"\(log.source.text(token.span).prefix(40))\""
    }
  }

  // MARK: Blocks

  private mutating func parseFile() -> [Statement] {
    var statements: [Statement] = []
    while token.kind != .end { statements += parseRecovering() }
    return statements
  }

  /// The statements of one line or compound statement; after an error, skips to the next line at this level.
  private mutating func parseRecovering() -> [Statement] {
    do throws(Unparsable) {
      return try parseLine()
    } catch {
      skipStatement()
      return []
    }
  }

  private mutating func skipStatement() {
    var level = 0
    while token.kind != .end {
      switch token.kind {
      case .indent: level += 1
      case .dedent:
        if level == 0 { return }
        level -= 1
        if level == 0 {
          advance()
          return
        }
      case .newline where level == 0:
        advance()
        if token.kind != .indent { return }
        continue
      default: break
      }
      advance()
    }
  }

  private mutating func parseLine() throws(Unparsable) -> [Statement] {
    switch token.kind {
    case .newline:
      advance()
      return []
    case .indent:
      log.error("indentation", token.span, "This line is indented more than the one above it.")
      advance()
      return []
    case .dedent:
      advance()
      return []
    case .keyword(let keyword):
      if let compound = try parseCompound(keyword) { return [compound] }
    case .symbol(.at): return [try parseDecorated()]
    default: break
    }
    return try parseSimpleLine()
  }

  mutating func parseBlock(_ header: String) throws(Unparsable) -> [Statement] {
    try expect(.colon, "after \(header)")
    guard token.kind == .newline else { return try parseSimpleLine() }
    advance()
    guard token.kind == .indent else {
      throw reject("Expected an indented block after \(header).", code: "indentation")
    }
    advance()
    blockDepth += 1
    defer { blockDepth -= 1 }
    if blockDepth > Limits.nesting {
      throw reject("Blocks are nested more than \(Limits.nesting) deep.", code: "too-deep")
    }
    var statements: [Statement] = []
    while token.kind != .dedent, token.kind != .end { statements += parseRecovering() }
    if token.kind == .dedent { advance() }
    return statements
  }

  private mutating func parseSimpleLine() throws(Unparsable) -> [Statement] {
    var statements: [Statement] = []
    repeat {
      if token.kind == .newline || token.kind == .end { break }
      statements.append(try parseSimpleStatement())
    } while take(.semicolon)
    if token.kind == .newline {
      advance()
    } else if token.kind != .end {
      throw reject("Expected the end of the line, found \(found).", suggestion: hintForStray())
    }
    return statements
  }

  private func hintForStray() -> String? {
    switch token.kind {
    case .symbol(.assign): "use \"==\" to compare"
    case .name, .integer, .float, .string: "is an operator or a comma missing before it?"
    default: nil
    }
  }
}
