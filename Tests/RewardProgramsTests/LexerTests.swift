import Testing

@testable import RewardPrograms

/// The first stage: text to tokens.
@Suite struct LexerTests {
  private func tokens(_ text: String) -> (kinds: [Token.Kind], codes: [String]) {
    var log = DiagnosticLog(source: SourceText(text))
    let tokens = Lexer.tokens(of: &log)
    return (tokens.map(\.kind), log.diagnostics.map(\.code))
  }

  @Test func splitsALine() {
    let (kinds, codes) = tokens("x1 += -2.5e-1 ** y // 0x_ff  # a comment\n")
    #expect(codes.isEmpty)
    #expect(
      kinds == [
        .name("x1"), .symbol(.plusAssign), .symbol(.minus), .float(0.25), .symbol(.doubleStar), .name("y"),
        .symbol(.doubleSlash), .integer(255), .newline, .end,
      ])
  }

  @Test(arguments: [
    ("1_000", Token.Kind.integer(1000)), ("0b101", .integer(5)), ("0o17", .integer(15)), ("00", .integer(0)),
    ("1.", .float(1)), (".5", .float(0.5)), ("1e3", .float(1000)), ("1_0.0_1", .float(10.01)),
    ("9223372036854775807", .integer(.max)),
  ])
  func readsNumbers(_ text: String, _ kind: Token.Kind) {
    let (kinds, codes) = tokens(text)
    #expect(kinds.first == kind && codes.isEmpty)
  }

  @Test(arguments: [
    ("'a\"b'", "a\"b", false), ("\"\"\"two\nlines\"\"\"", "two\nlines", false), ("r'\\n'", "\\n", false),
    ("'a\\nb'", "a\nb", false), ("f'{x}'", "{x}", true), ("Rf\"{x}\\d\"", "{x}\\d", true), ("'\\\n'", "", false),
  ])
  func readsStrings(_ text: String, _ contents: String, _ isFormatted: Bool) {
    let (kinds, codes) = tokens(text)
    #expect(kinds.first == .string(contents, isFormatted: isFormatted) && codes.isEmpty)
  }

  @Test func turnsIndentationIntoBlocks() {
    let (kinds, codes) = tokens("if x:\n    y\n\n    # comment\n    if z:\n      w\nv\n")
    #expect(codes.isEmpty)
    #expect(kinds.filter { $0 == .indent }.count == 2 && kinds.filter { $0 == .dedent }.count == 2)
    #expect(kinds.suffix(4) == [.dedent, .name("v"), .newline, .end])
  }

  @Test func joinsLinesInBracketsAndAfterBackslashes() {
    #expect(tokens("f(a,\n  b)\n").kinds.filter { $0 == .newline }.count == 1)
    #expect(tokens("a + \\\n  b\n").kinds == [.name("a"), .symbol(.plus), .name("b"), .newline, .end])
  }

  @Test(arguments: ["a = 1\r\nb = 2\r\n", "\u{FEFF}a = 1\nb = 2\n", "a = 1\rb = 2\r", "a = 1\nb = 2"])
  func acceptsTheLineEndsAndMarksOfOtherSystems(_ text: String) {
    let (kinds, codes) = tokens(text)
    #expect(codes.isEmpty)
    #expect(kinds.filter { $0 == .symbol(.assign) }.count == 2 && kinds.first == .name("a"))
    #expect(kinds.filter { $0 == .newline }.count == 2)
  }

  @Test(arguments: [
    ("x = 'abc", "unterminated-string"), ("x = \"\"\"abc", "unterminated-string"), ("x = 1\u{0}", "binary"),
    ("x = $y", "syntax"), ("x = y?", "syntax"), ("x = 3abc", "syntax"), ("x = 2j", "syntax"), ("x = 01", "syntax"),
    ("x = 0xZZ", "syntax"), ("x = 99999999999999999999", "integer-too-large"), ("x = (1", "syntax"), ("x = 1)", "syntax"),
    ("x = (1]", "syntax"), ("if x:\n  a\n\tb\n", "mixed-indentation"), ("if x:\n    a\n  b\n", "indentation"),
    ("x = \\ 1", "syntax"), ("ｘ = 1", "unicode"), ("x = y − 1", "unicode"), ("x = “a”", "unicode"), ("é = 1", "unicode"),
    ("\u{1F}", "binary"),
  ])
  func rejects(_ text: String, _ code: String) {
    let codes = tokens(text).codes
    #expect(codes.contains(code), "\(codes)")
  }

  @Test func placesAreThoseOfTheText() {
    var log = DiagnosticLog(source: SourceText("a = 1\n  b == 'cé'\n"))
    let spans = Lexer.tokens(of: &log).map { log.source.text($0.span) }
    for text in ["a", "=", "1", "b", "==", "'cé'"] { #expect(spans.contains(text)) }
  }
}
