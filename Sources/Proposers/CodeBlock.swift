/// The code in a language model's answer.
public enum CodeBlock {
  /// The first fenced block that is marked as Python, or else the first fenced block, with a line feed at its end; nil
  /// where there is none. A block that is never closed is none.
  public static func first(in answer: String) -> String? {
    var blocks: [(tag: String, lines: [Substring])] = []
    var open: (tag: String, lines: [Substring])?
    for line in answer.split(separator: "\n", omittingEmptySubsequences: false) {
      let trimmed = line.drop(while: { $0 == " " || $0 == "\t" })
      if trimmed.hasPrefix("```") {
        if let block = open {
          blocks.append(block)
          open = nil
        } else {
          open = (trimmed.dropFirst(3).filter { !$0.isWhitespace }.lowercased(), [])
        }
      } else {
        open?.lines.append(line)
      }
    }
    let chosen = blocks.first { ["python", "py", "python3"].contains($0.tag) } ?? blocks.first
    return chosen.map { $0.lines.joined(separator: "\n") + "\n" }
  }
}
