import Foundation

/// A fenced block of a language model's answer.
public struct CodeBlock: Sendable, Hashable {
  /// What stands behind the opening fence, in lower case; empty where nothing does.
  public let language: String
  public let code: String
  /// False where the answer ends before the block does.
  public let isClosed: Bool

  public var isPython: Bool { ["python", "py", "python3"].contains(language) }

  /// The code of the first closed block that is marked as Python, or else of the first closed block, with a line feed at
  /// its end; nil where there is none.
  public static func first(in answer: String) -> String? {
    let closed: [CodeBlock] = all(in: answer).filter(\.isClosed)
    return (closed.first(where: \.isPython) ?? closed.first).map { $0.code + "\n" }
  }

  /// Fenced blocks as CommonMark has them: three or more backticks or tildes, closed by at least as many of the same.
  public static func all(in text: String) -> [CodeBlock] {
    var blocks: [CodeBlock] = []
    var open: (fence: Substring, indent: Int, language: String, lines: [Substring])?
    for line: Substring in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let indent: Int = line.prefix { $0 == " " }.count
      let body: Substring = line.dropFirst(indent)
      let fence: Substring = body.first.map { mark in "`~".contains(mark) ? body.prefix { $0 == mark } : "" } ?? ""
      let rest: String = body.dropFirst(fence.count).trimmingCharacters(in: .whitespaces)
      if let (opening, outer, language, lines) = open {
        if fence.count >= opening.count, fence.first == opening.first, rest.isEmpty {
          blocks.append(CodeBlock(language: language, code: lines.joined(separator: "\n"), isClosed: true))
          open = nil
        } else {
          // A block inside a list is indented as a whole.
          open?.lines.append(line.dropFirst(min(outer, indent)))
        }
      } else if fence.count >= 3, !rest.contains("`") {
        let language: String = rest.split(separator: " ").first?.lowercased() ?? ""
        open = (fence, indent, language.trimmingCharacters(in: ["{", "}", "."]), [])
      }
    }
    if let open {
      blocks.append(CodeBlock(language: open.language, code: open.lines.joined(separator: "\n"), isClosed: false))
    }
    return blocks
  }
}
