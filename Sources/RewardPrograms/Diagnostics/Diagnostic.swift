import Basics

/// One finding about a reward program: what, where, and how to mend it.
public struct Diagnostic: Sendable, Hashable, Codable {
  public enum Severity: String, Sendable, Codable, CaseIterable {
    /// The program is rejected.
    case error
    /// The program runs, but probably not as meant.
    case warning
    /// Worth knowing; nothing is wrong.
    case note
  }

  public var severity: Severity
  /// A stable short name of the kind of finding, for example "unknown-name".
  public var code: String
  /// Line and column of the first character, counted from 1.
  public var line: Int
  public var column: Int
  /// The place just after the last character.
  public var endLine: Int
  public var endColumn: Int
  public var message: String
  /// How to mend it, where that is known.
  public var suggestion: String?
  /// The text of the line, for display.
  public var sourceLine: String

  /// The finding with its source line and a caret, as it is shown to people and to language models:
  /// ```
  /// reward.py:3:11: error: There is no field "torso_zz". [unknown-field]
  ///     return torso_zz * 2
  ///            ^~~~~~~~
  ///   did you mean "torso_z"?
  /// ```
  public func rendered(name: String) -> String {
    var text = "\(name):\(line):\(column): \(severity.rawValue): \(message) [\(code)]"
    if !sourceLine.isEmpty {
      let shown = sourceLine.count > 200 ? String(sourceLine.prefix(200)) + "…" : sourceLine
      let padding = String(sourceLine.prefix(max(0, column - 1)).map { $0 == "\t" ? "\t" : " " })
      let last = endLine == line ? endColumn : sourceLine.count + 1
      let underline = String(repeating: "~", count: max(0, min(last, shown.count + 1) - column - 1))
      text += "\n    \(shown)"
      if column <= 200 { text += "\n    \(padding)^\(underline)" }
    }
    if let suggestion { text += "\n  \(suggestion)" }
    return text
  }
}

/// Why a program was rejected: at least one error, and whatever else was found on the way.
public struct CompilationFailure: Error, CustomStringConvertible, Sendable {
  /// The program's name, usually its file name.
  public let name: String
  /// In source order.
  public let diagnostics: [Diagnostic]

  public var errors: [Diagnostic] { diagnostics.filter { $0.severity == .error } }

  /// Every finding, rendered with its line and caret.
  public var description: String { diagnostics.map { $0.rendered(name: name) }.joined(separator: "\n") }

  /// The same as an error for a command line: exit code 64, because the program was typed by the user.
  public var asGuerdonError: GuerdonError { .usage(description) }
}

/// Collects findings, each once, up to a limit. A suggestion is only looked for when the finding is new.
struct DiagnosticLog {
  let source: SourceText
  private(set) var diagnostics: [Diagnostic] = []
  private var seen: Set<Key> = []
  private(set) var errorCount = 0

  private struct Key: Hashable { let code: String; let span: Span }

  init(source: SourceText) { self.source = source }

  mutating func report(
    _ severity: Diagnostic.Severity, _ code: String, _ span: Span, _ message: String,
    suggestion: @autoclosure () -> String? = nil
  ) {
    guard seen.insert(Key(code: code, span: span)).inserted, diagnostics.count < Limits.diagnostics else { return }
    if severity == .error { errorCount += 1 }
    let start = source.position(of: span.start)
    let end = source.position(of: max(span.start + 1, span.end))
    diagnostics.append(
      Diagnostic(
        severity: severity, code: code, line: start.line, column: start.column, endLine: end.line,
        endColumn: end.column, message: message, suggestion: suggestion(), sourceLine: source.line(start.line)))
  }

  mutating func error(
    _ code: String, _ span: Span, _ message: String, suggestion: @autoclosure () -> String? = nil
  ) {
    report(.error, code, span, message, suggestion: suggestion())
  }

  /// In source order; errors before others at the same place.
  var sorted: [Diagnostic] {
    diagnostics.sorted { ($0.line, $0.column, $0.severity.rawValue) < ($1.line, $1.column, $1.severity.rawValue) }
  }
}

/// What a program may use at most. Every limit is enforced when it is compiled.
public enum Limits {
  /// UTF-8 bytes of source.
  public static let sourceBytes = 256 * 1024
  /// Nesting of expressions and blocks, counted over the whole tree.
  public static let nesting = 100
  /// Functions calling functions.
  public static let callDepth = 32
  /// Statements and expressions evaluated while unrolling loops and inlining functions.
  public static let steps = 200_000
  /// Scalar operations in the compiled program.
  public static let operations = 200_000
  /// Elements written by all operations on arrays, lists and dictionaries together.
  public static let work = 5_000_000
  /// Components of one array, elements of one list.
  public static let elements = 100_000
  /// Characters of one string.
  public static let characters = 10_000
  /// Findings reported for one program.
  public static let diagnostics = 100
}
