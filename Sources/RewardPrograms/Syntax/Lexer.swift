/// Text to tokens, by Python's rules: indentation, implicit line joining in brackets, string prefixes.
///
/// Stricter than Python where leniency only helps to hide things: identifiers are ASCII, indentation is tabs or spaces
/// but not both, integers fit in 64 bits.
struct Lexer {
  private let bytes: [UInt8]
  private var position = 0
  private var tokens: [Token] = []
  private var indents: [[UInt8]] = [[]]
  /// The indentation character seen first, so that a mixture can be named.
  private var indentation: UInt8?
  private var brackets: [(symbol: Symbol, span: Span)] = []
  private var log: DiagnosticLog

  private init(_ log: DiagnosticLog) {
    self.log = log
    bytes = log.source.bytes
  }

  /// The tokens of a source; what is wrong with it goes to `log`.
  static func tokens(of log: inout DiagnosticLog) -> [Token] {
    var lexer = Lexer(log)
    lexer.run()
    log = lexer.log
    return lexer.tokens
  }

  private func peek(_ ahead: Int = 0) -> UInt8 { position + ahead < bytes.count ? bytes[position + ahead] : 0 }
  private var atEnd: Bool { position >= bytes.count }

  private mutating func add(_ kind: Token.Kind, from start: Int) {
    tokens.append(Token(kind: kind, span: Span(start: start, end: position)))
  }

  private mutating func run() {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    var lineBegins = true
    while !atEnd, log.errorCount < 20 {
      if lineBegins, brackets.isEmpty {
        lineBegins = false
        if !readIndentation() { continue }
      }
      switch peek() {
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        readLineEnd()
        lineBegins = brackets.isEmpty
      case UInt8(ascii: " "), UInt8(ascii: "\t"), 0x0C: position += 1
      case UInt8(ascii: "#"): skipComment()
      case UInt8(ascii: "\\"): readContinuation()
      case UInt8(ascii: "0")...UInt8(ascii: "9"): readNumber()
      case UInt8(ascii: "."):
        if Self.isDigit(peek(1)) { readNumber() } else { readSymbol() }
      case UInt8(ascii: "\""), UInt8(ascii: "'"): readString(prefix: "", from: position)
      case let byte where Self.isNameStart(byte): readName()
      default: readSymbol()
      }
    }
    if let open = brackets.last {
      log.error("syntax", open.span, "This \"\(open.symbol.rawValue)\" is never closed.")
    }
    position = min(position, bytes.count)
    if let last = tokens.last, last.kind != .newline { add(.newline, from: position) }
    for _ in indents.dropFirst() { add(.dedent, from: position) }
    add(.end, from: position)
  }

  /// Compares the indentation of a line with the enclosing ones; false if the line is blank.
  private mutating func readIndentation() -> Bool {
    let start = position
    while peek() == UInt8(ascii: " ") || peek() == UInt8(ascii: "\t") || peek() == 0x0C { position += 1 }
    let byte = peek()
    if atEnd || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "#") {
      return true
    }
    let indent = bytes[start..<position].filter { $0 != 0x0C }
    let span = Span(start: start, end: position)
    if let first = indent.first {
      let expected = indentation ?? first
      indentation = expected
      if indent.contains(where: { $0 != expected }) {
        log.error(
          "mixed-indentation", span, "Tabs and spaces are mixed in the indentation.",
          suggestion: "indent with spaces only, four a level")
      }
    }
    let current = indents[indents.count - 1]
    if indent.count > current.count {
      indents.append(Array(indent))
      tokens.append(Token(kind: .indent, span: span))
      if indents.count == Limits.nesting + 2 {
        log.error("too-deep", span, "Blocks are nested more than \(Limits.nesting) deep.")
        position = bytes.count
      }
    } else if indent.count < current.count {
      while indents[indents.count - 1].count > indent.count {
        indents.removeLast()
        tokens.append(Token(kind: .dedent, span: span))
      }
      if indents[indents.count - 1].count != indent.count {
        log.error("indentation", span, "This line's indentation matches no enclosing block.")
      }
    }
    return true
  }

  private mutating func readLineEnd() {
    let start = position
    position += peek() == UInt8(ascii: "\r") && peek(1) == UInt8(ascii: "\n") ? 2 : 1
    guard brackets.isEmpty, let last = tokens.last else { return }
    switch last.kind {
    case .newline, .indent, .dedent: break
    default: tokens.append(Token(kind: .newline, span: Span(start: start, end: start)))
    }
  }

  private mutating func skipComment() {
    while !atEnd, peek() != UInt8(ascii: "\n"), peek() != UInt8(ascii: "\r") { position += 1 }
  }

  private mutating func readContinuation() {
    let start = position
    position += 1
    if peek() == UInt8(ascii: "\r") { position += 1 }
    if peek() == UInt8(ascii: "\n") {
      position += 1
    } else {
      log.error("syntax", Span(start: start, end: start + 1), "A backslash may only stand at the end of a line.")
    }
  }

  private mutating func readName() {
    let start = position
    while Self.isNameStart(peek()) || Self.isDigit(peek()) { position += 1 }
    if peek() >= 0x80 {
      rejectForeignCharacter(from: start)
      return
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    let byte = peek()
    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'"), Self.stringPrefixes.contains(text.lowercased()) {
      readString(prefix: text.lowercased(), from: start)
    } else if let keyword = Keyword(rawValue: text) {
      add(.keyword(keyword), from: start)
    } else {
      add(.name(text), from: start)
    }
  }

  private mutating func rejectForeignCharacter(from start: Int) {
    let characterStart = position
    position += 1
    while peek() & 0xC0 == 0x80 { position += 1 }
    let character = String(decoding: bytes[characterStart..<position], as: UTF8.self)
    while Self.isNameStart(peek()) || Self.isDigit(peek()) || peek() >= 0x80 { position += 1 }
    let hint: String? = ["−", "–", "—"].contains(character) ? "use the ASCII minus \"-\"" : nil
    log.error(
      "unicode", Span(start: start, end: position),
      "The character \"\(character)\" is not allowed outside strings and comments: names and operators are ASCII.",
      suggestion: hint)
    add(.name("_"), from: start)
  }

  private static let stringPrefixes: Set<String> = ["r", "u", "b", "f", "br", "rb", "fr", "rf"]

  private mutating func readString(prefix: String, from start: Int) {
    let quote = peek()
    let isTriple = peek(1) == quote && peek(2) == quote
    position += isTriple ? 3 : 1
    let isRaw = prefix.contains("r")
    var contents: [UInt8] = []
    while true {
      if atEnd || (!isTriple && (peek() == UInt8(ascii: "\n") || peek() == UInt8(ascii: "\r"))) {
        let quotes = String(repeating: Character(UnicodeScalar(quote)), count: isTriple ? 3 : 1)
        log.error(
          "unterminated-string", Span(start: start, end: min(position, start + 20)),
          "This string is never closed.", suggestion: "close it with \(quotes)")
        break
      }
      let byte = peek()
      if byte == quote, !isTriple || (peek(1) == quote && peek(2) == quote) {
        position += isTriple ? 3 : 1
        break
      }
      if byte == UInt8(ascii: "\\"), position + 1 < bytes.count {
        let escaped = peek(1)
        position += 2
        if isRaw {
          contents += [byte, escaped]
        } else if let replacement = Self.escapes[escaped] {
          contents += replacement
        } else {
          contents += [byte, escaped]
        }
        continue
      }
      contents.append(byte)
      position += 1
    }
    add(.string(String(decoding: contents, as: UTF8.self), isFormatted: prefix.contains("f")), from: start)
  }

  private static let escapes: [UInt8: [UInt8]] = [
    UInt8(ascii: "n"): [10], UInt8(ascii: "t"): [9], UInt8(ascii: "\\"): [92], UInt8(ascii: "'"): [39],
    UInt8(ascii: "\""): [34], UInt8(ascii: "\n"): [], UInt8(ascii: "r"): [13],
  ]

  private mutating func readNumber() {
    let start = position
    if peek() == UInt8(ascii: "0"), let radix = Self.radix(peek(1)) {
      position += 2
      while Self.isNameStart(peek()) || Self.isDigit(peek()) { position += 1 }
      let digits = Self.withoutUnderscores(bytes[(start + 2)..<position])
      finishInteger(digits, radix: radix, from: start)
      return
    }
    var isFloat = false
    skipDigits()
    if peek() == UInt8(ascii: "."), !(peek(1) == UInt8(ascii: ".")) {
      isFloat = true
      position += 1
      skipDigits()
    }
    if peek() | 0x20 == UInt8(ascii: "e") {
      let sign = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-") ? 1 : 0
      if Self.isDigit(peek(1 + sign)) {
        isFloat = true
        position += 1 + sign
        skipDigits()
      }
    }
    if Self.isNameStart(peek()) || peek() >= 0x80 {
      while Self.isNameStart(peek()) || Self.isDigit(peek()) || peek() >= 0x80 { position += 1 }
      let text = String(decoding: bytes[start..<position], as: UTF8.self)
      let isComplex = text.hasSuffix("j") || text.hasSuffix("J")
      log.error(
        "syntax", Span(start: start, end: position),
        isComplex ? "Complex numbers are not supported." : "\"\(text)\" is neither a number nor a name.")
      add(.float(0), from: start)
      return
    }
    let digits = Self.withoutUnderscores(bytes[start..<position])
    if isFloat {
      add(.float(Double(digits) ?? .infinity), from: start)
    } else {
      if digits.count > 1, digits.first == "0", digits.contains(where: { $0 != "0" }) {
        log.error("syntax", Span(start: start, end: position), "An integer may not begin with 0.")
      }
      finishInteger(digits, radix: 10, from: start)
    }
  }

  private mutating func finishInteger(_ digits: String, radix: Int, from start: Int) {
    if let value = Int(digits, radix: radix) {
      add(.integer(value), from: start)
    } else {
      let isTooLarge = !digits.isEmpty && digits.allSatisfy { $0.isHexDigit }
      log.error(
        isTooLarge ? "integer-too-large" : "syntax", Span(start: start, end: position),
        isTooLarge ? "This integer does not fit in 64 bits." : "This is not an integer.",
        suggestion: isTooLarge ? "write it as a float, for example 1e20" : nil)
      add(.integer(0), from: start)
    }
  }

  private mutating func skipDigits() {
    while Self.isDigit(peek()) || (peek() == UInt8(ascii: "_") && Self.isDigit(peek(1))) { position += 1 }
  }

  private static func withoutUnderscores(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
  }

  private static func radix(_ byte: UInt8) -> Int? {
    switch byte | 0x20 {
    case UInt8(ascii: "x"): 16
    case UInt8(ascii: "o"): 8
    case UInt8(ascii: "b"): 2
    default: nil
    }
  }

  private mutating func readSymbol() {
    let start = position
    for length in stride(from: min(3, bytes.count - position), through: 1, by: -1) {
      let slice = bytes[position..<position + length]
      guard slice.allSatisfy({ $0 < 0x80 }), let symbol = Symbol.byText[String(decoding: slice, as: UTF8.self)] else {
        continue
      }
      position += length
      add(.symbol(symbol), from: start)
      track(symbol)
      return
    }
    if peek() >= 0x80 {
      rejectForeignCharacter(from: start)
      return
    }
    let byte = peek()
    position += 1
    if byte < 0x20 || byte == 0x7F {
      log.error(
        "binary", Span(start: start, end: position),
        "The text contains the control character \(byte): this looks like a binary file.")
      position = bytes.count
    } else {
      log.error(
        "syntax", Span(start: start, end: position),
        "\"\(Character(UnicodeScalar(byte)))\" does not belong to the language.")
    }
  }

  private mutating func track(_ symbol: Symbol) {
    let span = tokens[tokens.count - 1].span
    switch symbol {
    case .leftParenthesis, .leftBracket, .leftBrace:
      brackets.append((symbol, span))
      if brackets.count == Limits.nesting + 1 {
        log.error("too-deep", span, "Brackets are nested more than \(Limits.nesting) deep.")
        position = bytes.count
        brackets = []
      }
    case .rightParenthesis, .rightBracket, .rightBrace:
      let opening: Symbol =
        symbol == .rightParenthesis ? .leftParenthesis : symbol == .rightBracket ? .leftBracket : .leftBrace
      if brackets.last?.symbol == opening {
        brackets.removeLast()
      } else if let open = brackets.last {
        log.error("syntax", span, "\"\(symbol.rawValue)\" closes a \"\(open.symbol.rawValue)\".")
        brackets.removeLast()
      } else {
        log.error("syntax", span, "\"\(symbol.rawValue)\" closes nothing.")
      }
    default: break
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
  private static func isNameStart(_ byte: UInt8) -> Bool {
    let lower = byte | 0x20
    return (lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")) || byte == UInt8(ascii: "_")
  }
}
