/// A lexical element of the language.
struct Token {
  enum Kind: Equatable {
    case name(String)
    case keyword(Keyword)
    case integer(Int)
    case float(Double)
    /// Contents with escapes resolved; an f-string keeps its replacement fields as text.
    case string(String, isFormatted: Bool)
    case symbol(Symbol)
    case newline
    case indent
    case dedent
    case end
  }

  let kind: Kind
  let span: Span
}

enum Keyword: String, CaseIterable {
  case and, `as`, assert, async, await, `break`, `class`, `continue`, def, del, elif, `else`, except, finally, `for`
  case from, global, `if`, `import`, `in`, `is`, lambda, nonlocal, not, or, pass, raise, `return`, `try`, `while`
  case with, yield
  case none = "None"
  case `true` = "True"
  case `false` = "False"
}

enum Symbol: String, CaseIterable {
  case plus = "+", minus = "-", star = "*", slash = "/", doubleSlash = "//", percent = "%", doubleStar = "**", at = "@"
  case ampersand = "&", bar = "|", caret = "^", tilde = "~", shiftLeft = "<<", shiftRight = ">>"
  case less = "<", lessEqual = "<=", greater = ">", greaterEqual = ">=", equalEqual = "==", notEqual = "!="
  case leftParenthesis = "(", rightParenthesis = ")", leftBracket = "[", rightBracket = "]", leftBrace = "{"
  case rightBrace = "}", comma = ",", colon = ":", walrus = ":=", dot = ".", ellipsis = "...", semicolon = ";"
  case arrow = "->"
  case assign = "=", plusAssign = "+=", minusAssign = "-=", starAssign = "*=", slashAssign = "/="
  case doubleSlashAssign = "//=", percentAssign = "%=", doubleStarAssign = "**=", atAssign = "@=", andAssign = "&="
  case orAssign = "|=", xorAssign = "^=", shiftLeftAssign = "<<=", shiftRightAssign = ">>="

  /// By text, for the lexer's longest match.
  static let byText: [String: Symbol] = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0) })
}
