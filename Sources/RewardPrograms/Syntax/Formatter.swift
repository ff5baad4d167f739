extension RewardProgram {
  /// A program's text in the house style: four spaces an indentation, one space around operators, lines of at most 100
  /// columns, two empty lines between functions. The syntax tree stays the same, and so does every comment and its order.
  /// Formatting twice changes nothing.
  /// - Throws: what is wrong with the text, if it does not parse; names and types are not checked.
  public static func formatted(_ source: String, name: String = "reward.py") throws(CompilationFailure) -> String {
    let result = withLargeStack { () -> Result<String, CompilationFailure> in
      guard source.utf8.count <= Limits.sourceBytes else {
        var log = DiagnosticLog(source: SourceText(""))
        log.error(
          "too-large", .none, "The program has \(source.utf8.count) bytes; at most \(Limits.sourceBytes) are read.")
        return .failure(CompilationFailure(name: name, diagnostics: log.sorted))
      }
      var log = DiagnosticLog(source: SourceText(source))
      _ = Parser.parse(&log)
      guard log.errorCount == 0 else { return .failure(CompilationFailure(name: name, diagnostics: log.sorted)) }
      var again = DiagnosticLog(source: SourceText(source))
      let tokens = Lexer.tokens(of: &again)
      return .success(Formatter(again.source, tokens).text())
    }
    return try result.get()
  }
}

/// Lays tokens and comments out anew, a logical line at a time.
private struct Formatter {
  private static let width = 100
  private static let indentation = 4

  private let bytes: [UInt8]
  private let tokens: [Token]

  init(_ source: SourceText, _ tokens: [Token]) {
    bytes = source.bytes
    self.tokens = tokens
  }

  // MARK: Logical lines

  /// A token, or what stands between two brackets.
  private indirect enum Element {
    case token(Piece)
    case group(Group)
  }

  private struct Piece {
    let kind: Token.Kind
    let text: String
    /// Comments that follow before the next token, when the line goes on inside brackets.
    var comments: [Comment] = []
    /// A sign or a star without a left operand; or the `@` of a decorator.
    var isPrefix = false
  }

  private struct Comment {
    let text: String
    /// It does not share its line with what it follows.
    let isOnOwnLine: Bool
  }

  private struct Group {
    let open: Piece
    var elements: [Element]
    let close: Piece
    let role: Role

    enum Role { case call, parameters, subscript_, parentheses, list, braces }
  }

  private struct LogicalLine {
    var level: Int
    var blankLinesBefore: Int
    /// Comments on lines of their own before this line, with their levels and the empty lines before them.
    var comments: [(text: String, level: Int, blankLines: Int)]
    var elements: [Element]
    var trailing: String?
  }

  func text() -> String {
    var output: [String] = []
    var last: Emitted?
    for line in logicalLines() {
      let isDefinition = Self.isDefinition(line)
      var isFirst = true
      func emit(_ text: [String], _ place: Emitted, blankLines: Int) {
        let count = Self.blankLines(
          before: place, after: last, written: blankLines, isDefinition: isDefinition, isFirst: isFirst)
        output += [String](repeating: "", count: count) + text
        last = place
        isFirst = false
      }
      for comment in line.comments {
        emit([pad(comment.level) + comment.text], Emitted(level: comment.level), blankLines: comment.blankLines)
      }
      guard !line.elements.isEmpty else { continue }
      var laidOut = layOut(line.elements, level: line.level * Self.indentation, isStatement: true)
      if let trailing = line.trailing, let end = laidOut.popLast() { laidOut.append(end + "  " + trailing) }
      let isDecorator = Self.symbol(line.elements.first) == .at
      emit(
        laidOut, Emitted(level: line.level, isDecorator: isDecorator, opensBlock: opensBlock(line)),
        blankLines: line.blankLinesBefore)
    }
    return output.isEmpty ? "" : output.joined(separator: "\n") + "\n"
  }

  /// A line or a comment as it was put out.
  private struct Emitted {
    var level: Int
    var isDecorator = false
    var opensBlock = false
  }

  /// - Parameters:
  ///   - written: the empty lines that the text has there.
  ///   - isDefinition: it, or what its comments stand before, is a function.
  ///   - isFirst: no comment of the same line came before.
  private static func blankLines(
    before next: Emitted, after last: Emitted?, written: Int, isDefinition: Bool, isFirst: Bool
  ) -> Int {
    guard let last else { return 0 }
    if last.isDecorator || last.opensBlock && next.level > last.level { return 0 }
    if next.level == 0, last.level > 0 || isDefinition && isFirst { return 2 }
    if isDefinition, !isFirst { return 0 }
    return min(written, next.level == 0 ? 2 : 1)
  }

  private func pad(_ level: Int) -> String { String(repeating: " ", count: level * Self.indentation) }

  private func opensBlock(_ line: LogicalLine?) -> Bool {
    guard case .token(let piece)? = line?.elements.last else { return false }
    return piece.kind == .symbol(.colon)
  }

  private static func isDefinition(_ line: LogicalLine) -> Bool {
    [.def, .class].contains(keyword(line.elements.first)) || symbol(line.elements.first) == .at
  }

  private static func keyword(_ element: Element?) -> Keyword? {
    if case .token(let piece)? = element, case .keyword(let keyword) = piece.kind { return keyword }
    return nil
  }

  private static func symbol(_ element: Element?) -> Symbol? {
    if case .token(let piece)? = element, case .symbol(let symbol) = piece.kind { return symbol }
    return nil
  }

  private func source(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  private func logicalLines() -> [LogicalLine] {
    var lines: [LogicalLine] = []
    var columns = [0]
    var pieces: [Piece] = []
    var end = 0
    var line = LogicalLine(level: 0, blankLinesBefore: 0, comments: [], elements: [], trailing: nil)
    for token in tokens {
      switch token.kind {
      case .indent:
        columns.append(column(of: token.span.end))
        continue
      case .dedent:
        columns.removeLast()
        continue
      case .newline:
        line.trailing = comments(in: end..<token.span.start).first?.text
        line.elements = elements(of: pieces)
        lines.append(line)
        pieces = []
        end = token.span.start
      case .end:
        let gap = between(end, bytes.count, columns: [0], previous: lines.last)
        if !gap.comments.isEmpty {
          lines.append(
            LogicalLine(level: 0, blankLinesBefore: 0, comments: gap.comments, elements: [], trailing: nil))
        }
      default:
        if pieces.isEmpty {
          let gap = between(end, token.span.start, columns: columns, previous: lines.last)
          line = LogicalLine(
            level: columns.count - 1, blankLinesBefore: gap.blankLines, comments: gap.comments, elements: [],
            trailing: nil)
        } else {
          pieces[pieces.count - 1].comments = comments(in: end..<token.span.start).map { comment in
            Comment(text: comment.text, isOnOwnLine: lineBreaks(end, comment.position) > 0)
          }
        }
        pieces.append(Piece(kind: token.kind, text: source(token.span.start..<token.span.end)))
        end = token.span.end
      }
    }
    return lines
  }

  private func column(of position: Int) -> Int {
    var start = position
    while start > 0, bytes[start - 1] != UInt8(ascii: "\n"), bytes[start - 1] != UInt8(ascii: "\r") { start -= 1 }
    return position - start
  }

  /// The comments of a gap between tokens, with the places where they begin.
  private func comments(in range: Range<Int>) -> [(text: String, position: Int)] {
    var result: [(text: String, position: Int)] = []
    var position = range.lowerBound
    while position < range.upperBound {
      guard bytes[position] == UInt8(ascii: "#") else {
        position += 1
        continue
      }
      let start = position
      while position < range.upperBound, bytes[position] != UInt8(ascii: "\n"), bytes[position] != UInt8(ascii: "\r") {
        position += 1
      }
      result.append((Self.normalised(source(start..<position)), start))
    }
    return result
  }

  /// `# text`; a run of `#`, or `#!`, stays as it is.
  private static func normalised(_ comment: String) -> String {
    let text = comment.trimmingTrailingSpaces
    guard text.count > 1, let second = text.dropFirst().first, !" #!:".contains(second) else { return text }
    return "# " + text.dropFirst()
  }

  /// What stands between two logical lines.
  private func between(
    _ start: Int, _ end: Int, columns: [Int], previous: LogicalLine?
  ) -> (blankLines: Int, comments: [(text: String, level: Int, blankLines: Int)]) {
    var found: [(text: String, level: Int, blankLines: Int)] = []
    var last = start
    // A comment as far to the right as the block above belongs to that block.
    let levels = previous.map { max($0.level + (opensBlock($0) ? 1 : 0), columns.count - 1) } ?? columns.count - 1
    for comment in comments(in: start..<end) {
      let place = column(of: comment.position)
      let step = max(1, columns.last.map { $0 / max(1, columns.count - 1) } ?? Self.indentation)
      let unit = columns.count > 1 ? step : Self.indentation
      let level = max(columns.count - 1, min(levels, (place + unit - 1) / unit))
      found.append((comment.text, level, max(0, lineBreaks(last, comment.position) - (last == 0 ? 0 : 1))))
      last = comment.position + 1
      while last < end, bytes[last] != UInt8(ascii: "\n"), bytes[last] != UInt8(ascii: "\r") { last += 1 }
    }
    return (max(0, lineBreaks(last, end) - (last == 0 ? 0 : 1)), found)
  }

  private func lineBreaks(_ start: Int, _ end: Int) -> Int {
    var count = 0
    for position in start..<max(start, end) {
      if bytes[position] == UInt8(ascii: "\n") { count += 1 }
      if bytes[position] == UInt8(ascii: "\r"), position + 1 >= end || bytes[position + 1] != UInt8(ascii: "\n") {
        count += 1
      }
    }
    return count
  }

  // MARK: Groups

  private func elements(of pieces: [Piece]) -> [Element] {
    var stack: [(open: Piece, role: Group.Role, elements: [Element])] = []
    var current: [Element] = []
    let isDefinition = pieces.first?.kind == .keyword(.def)
    for piece in pieces {
      switch piece.kind {
      case .symbol(.leftParenthesis), .symbol(.leftBracket), .symbol(.leftBrace):
        let role = role(of: piece, after: current.last, isParameters: isDefinition && stack.isEmpty)
        stack.append((piece, role, current))
        current = []
      case .symbol(.rightParenthesis), .symbol(.rightBracket), .symbol(.rightBrace):
        guard let opened = stack.popLast() else { break }
        let group = Group(open: opened.open, elements: current, close: piece, role: opened.role)
        current = opened.elements + [.group(group)]
      default:
        var piece = piece
        piece.isPrefix = Self.isPrefix(piece, after: current.last)
        current.append(.token(piece))
      }
    }
    return current
  }

  private static func isPrefix(_ piece: Piece, after previous: Element?) -> Bool {
    switch piece.kind {
    case .symbol(.tilde): true
    case .symbol(.at): previous == nil
    case .symbol(.plus), .symbol(.minus), .symbol(.star), .symbol(.doubleStar): !(previous.map(isOperand) ?? false)
    default: false
    }
  }

  private func role(of open: Piece, after previous: Element?, isParameters: Bool) -> Group.Role {
    let follows = previous.map(Self.isOperand) ?? false
    switch open.kind {
    case .symbol(.leftParenthesis): return isParameters ? .parameters : follows ? .call : .parentheses
    case .symbol(.leftBracket): return follows ? .subscript_ : .list
    default: return .braces
    }
  }

  /// Whether something that comes after it is applied to it.
  private static func isOperand(_ element: Element) -> Bool {
    switch element {
    case .group: true
    case .token(let piece):
      switch piece.kind {
      case .name, .integer, .float, .string, .symbol(.ellipsis), .keyword(.none), .keyword(.true), .keyword(.false): true
      default: false
      }
    }
  }

  private static func hasComments(_ elements: [Element]) -> Bool {
    elements.contains { element in
      switch element {
      case .token(let piece): !piece.comments.isEmpty
      case .group(let group):
        !group.open.comments.isEmpty || !group.close.comments.isEmpty || hasComments(group.elements)
      }
    }
  }

  // MARK: One line

  /// The elements on one line.
  private func flat(_ elements: [Element], _ role: Group.Role?) -> String {
    var result = ""
    var previous: Element?
    var isAnnotated = false
    var lambdas = 0
    for element in elements {
      if Self.keyword(element) == .lambda { lambdas += 1 }
      if case .token(let piece) = element {
        if piece.kind == .symbol(.comma), lambdas == 0 { isAnnotated = false }
        if piece.kind == .symbol(.colon), role == .parameters { isAnnotated = true }
      }
      if let previous, needsSpace(previous, element, role, isAnnotated: isAnnotated, inLambda: lambdas > 0, before: result) {
        result += " "
      }
      result += text(of: element)
      if Self.symbol(element) == .colon, lambdas > 0 { lambdas -= 1 }
      previous = element
    }
    return result
  }

  private func needsSpace(
    _ previous: Element, _ next: Element, _ role: Group.Role?, isAnnotated: Bool, inLambda: Bool, before: String
  ) -> Bool {
    let left = Self.symbol(previous), right = Self.symbol(next)
    if case .token(let piece) = previous, piece.isPrefix { return false }
    if right == .comma || right == .semicolon || left == .dot { return false }
    if left == .comma { return true }
    if right == .dot {
      // "2 .real" would be a number with a decimal point.
      if case .token(let piece) = previous, case .integer = piece.kind { return true }
      return Self.keyword(previous) == .from || Self.keyword(previous) == .import
    }
    if right == .colon { return false }
    if left == .colon { return role != .subscript_ || inLambda && !before.hasSuffix("::") }
    if right == .assign || left == .assign {
      if inLambda || role == .call { return false }
      return role == .parameters ? isAnnotated : true
    }
    if case .group(let group) = next {
      switch group.role {
      case .call, .parameters, .subscript_: return false
      default: return true
      }
    }
    return true
  }

  private func text(of element: Element) -> String {
    switch element {
    case .token(let piece): return piece.text
    case .group(let group):
      var elements = group.elements
      // The last comma is only kept where it makes a tuple.
      let commas = separators(elements)
      if let last = commas.last, last == elements.count - 1, commas.count > 1 || !makesTuple(group.role) {
        elements.removeLast()
      }
      return group.open.text + flat(elements, group.role) + group.close.text
    }
  }

  private func makesTuple(_ role: Group.Role) -> Bool { role == .parentheses || role == .subscript_ }

  /// Positions of the commas that separate items: not those of a lambda's parameters or a comprehension's targets.
  private func separators(_ elements: [Element]) -> [Int] {
    var result: [Int] = []
    var lambdas = 0
    var isTarget = false
    for (index, element) in elements.enumerated() {
      switch Self.keyword(element) {
      case .lambda: lambdas += 1
      case .for: isTarget = true
      case .in: isTarget = false
      default: break
      }
      switch Self.symbol(element) {
      case .colon where lambdas > 0: lambdas -= 1
      case .comma where lambdas == 0 && !isTarget: result.append(index)
      default: break
      }
    }
    return result
  }

  // MARK: Several lines

  /// - Parameter level: columns of indentation.
  private func layOut(_ elements: [Element], level: Int, isStatement: Bool, role: Group.Role? = nil) -> [String] {
    let padding = String(repeating: " ", count: level)
    let line = padding + flat(elements, role)
    // A string of several lines is measured to its first line's end.
    let first = line.prefix { $0 != "\n" }
    if first.count <= Self.width, !Self.hasComments(elements) { return [line] }
    if isStatement, let (head, value, tail) = wrappable(elements) {
      let open = Piece(kind: .symbol(.leftParenthesis), text: "(")
      let close = Piece(kind: .symbol(.rightParenthesis), text: ")")
      let group = Group(open: open, elements: value, close: close, role: .parentheses)
      return exploded(head, group, tail, level: level, role)
    }
    // The last bracket that has something in it is opened; the others stay as they are, unless they hold comments.
    let candidates = elements.indices.filter { index in
      if case .group(let group) = elements[index] { return !group.elements.isEmpty || Self.hasComments([elements[index]]) }
      return false
    }
    let commented = candidates.filter { Self.hasComments([elements[$0]]) }
    // A function opens its parameters, not the brackets of its result's type.
    let parameters = candidates.first { index in
      if case .group(let group) = elements[index] { return group.role == .parameters }
      return false
    }
    guard let chosen = commented.last ?? parameters ?? candidates.last, case .group(let group) = elements[chosen] else { return [line] }
    return exploded(Array(elements[..<chosen]), group, Array(elements[(chosen + 1)...]), level: level, role)
  }

  /// `head (` on a line, the contents a level deeper, `) tail`.
  private func exploded(
    _ head: [Element], _ group: Group, _ tail: [Element], level: Int, _ role: Group.Role?
  ) -> [String] {
    let opening: [Element] = head + [.group(Group(open: group.open, elements: [], close: group.close, role: group.role))]
    // Comments of the head open its own brackets.
    var lines = Self.hasComments(head)
      ? layOut(head, level: level, isStatement: false, role: role)
      : [String(repeating: " ", count: level) + String(flat(opening, role).dropLast(group.close.text.count))]
    if Self.hasComments(head), let last = lines.popLast() { lines.append(last + group.open.text) }
    lines += contents(of: group, level: level + Self.indentation)
    let closing = flat([.group(Group(open: group.open, elements: [], close: group.close, role: group.role))] + tail, role)
    lines.append(String(repeating: " ", count: level) + closing.dropFirst(group.open.text.count))
    return lines
  }

  /// The items of a bracket, one a line. A comment after an item stays beside it; others stand before the line in which
  /// they are, or after the last one.
  private func contents(of group: Group, level: Int) -> [String] {
    let padding = String(repeating: " ", count: level)
    var lines = group.open.comments.map { padding + $0.text }
    let commas = separators(group.elements)
    let parts = commas.isEmpty ? operatorParts(group.elements) : commaParts(group.elements, commas)
    for (index, part) in parts.enumerated() {
      var (elements, comments, last) = Self.withoutOuterComments(part)
      // After the last item a comma, so that adding one is a change of one line.
      let isLast = index == parts.count - 1
      if !commas.isEmpty, isLast, Self.symbol(elements.last) != .comma {
        elements.append(.token(Piece(kind: .symbol(.comma), text: ",")))
      }
      var beside: Comment?
      if let first = last.first, !first.isOnOwnLine {
        beside = first
        last.removeFirst()
      } else if last.isEmpty, let only = comments.last, !only.isOnOwnLine, !Self.hasComments(elements) {
        beside = only
        comments.removeLast()
      }
      lines += comments.map { padding + $0.text }
      var laidOut = layOut(elements, level: level, isStatement: false, role: group.role)
      if let beside, let end = laidOut.popLast() { laidOut.append(end + "  " + beside.text) }
      lines += laidOut + last.map { padding + $0.text }
    }
    return lines
  }

  private func commaParts(_ elements: [Element], _ commas: [Int]) -> [[Element]] {
    var parts: [[Element]] = []
    var start = 0
    for comma in commas {
      parts.append(Array(elements[start...comma]))
      start = comma + 1
    }
    if start < elements.count { parts.append(Array(elements[start...])) }
    return parts
  }

  /// The comments between the elements and those after the last one, not those inside of groups, which opens these.
  private static func withoutOuterComments(_ elements: [Element]) -> ([Element], between: [Comment], last: [Comment]) {
    var comments: [[Comment]] = []
    let bare = elements.map { element -> Element in
      switch element {
      case .token(var piece):
        comments.append(piece.comments)
        piece.comments = []
        return .token(piece)
      case .group(let group):
        comments.append(group.close.comments)
        var close = group.close
        close.comments = []
        return .group(Group(open: group.open, elements: group.elements, close: close, role: group.role))
      }
    }
    let last = comments.popLast() ?? []
    return (bare, comments.flatMap { $0 }, last)
  }

  /// Looser operators first: the expression is broken before each operator of the loosest kind in it.
  private static let precedence: [Set<String>] = [
    ["if", "else"], ["or"], ["and"], ["<", "<=", ">", ">=", "==", "!="], ["|"], ["^"], ["&"], ["+", "-"],
    ["*", "/", "//", "%", "@"],
  ]

  private func operatorParts(_ elements: [Element]) -> [[Element]] {
    let isComprehension = elements.contains { Self.keyword($0) == .for }
    let isBare = elements.contains { Self.keyword($0) == .lambda || Self.symbol($0) == .walrus || Self.symbol($0) == .assign }
    if isBare || (!isComprehension && elements.contains { Self.symbol($0) == .colon }) { return [elements] }
    for operators in isComprehension ? [["for", "if"]] : Self.precedence {
      let breaks = elements.indices.dropFirst().filter { index in
        guard case .token(let piece) = elements[index], operators.contains(piece.text) else { return false }
        // A sign has no operand on its left.
        return Self.isOperand(elements[index - 1])
      }
      if breaks.isEmpty { continue }
      let bounds = [0] + breaks + [elements.count]
      return zip(bounds, bounds.dropFirst()).map { Array(elements[$0..<$1]) }
    }
    return [elements]
  }

  /// A statement's value that may be put in brackets to be broken at its operators.
  private func wrappable(_ elements: [Element]) -> (head: [Element], value: [Element], tail: [Element])? {
    var start: Int?
    var tail: [Element] = []
    var value = elements[...]
    switch Self.keyword(elements.first) {
    case .return: start = 1
    case .if, .elif, .while:
      guard Self.symbol(elements.last) == .colon, elements.filter({ Self.symbol($0) == .colon }).count == 1 else {
        return nil
      }
      start = 1
      tail = [elements[elements.count - 1]]
      value = value.dropLast()
    case nil:
      let lambda = elements.firstIndex { Self.keyword($0) == .lambda } ?? elements.count
      start = elements[..<lambda].lastIndex { element in
        guard let symbol = Self.symbol(element) else { return false }
        return symbol == .assign || symbol.rawValue.hasSuffix("=") && symbol.rawValue.count >= 2
          && ![.lessEqual, .greaterEqual, .equalEqual, .notEqual].contains(symbol)
      }.map { $0 + 1 }
    default: return nil
    }
    guard let start, start < value.endIndex, separators(elements).isEmpty else { return nil }
    let kept = Array(value[start...])
    // Worth it only at operators looser than multiplication; a last bracket is opened otherwise.
    let parts = operatorParts(kept)
    guard parts.count > 1, let second = parts[1].first, case .token(let piece) = second,
      !(Self.precedence.last?.contains(piece.text) ?? true)
    else { return nil }
    return (Array(elements[..<start]), kept, tail)
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String {
    var result = self[...]
    while let last = result.last, last == " " || last == "\t" { result.removeLast() }
    return String(result)
  }
}
