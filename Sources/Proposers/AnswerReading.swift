import Foundation

/// The program in a language model's answer.
///
/// Eureka's driver keeps only what follows the last `def`, which loses helper functions; here a block is taken whole.
enum AnswerReading {
  /// Why there is no program in an answer, as it is said to the model.
  struct Complaint: Error, Sendable, Hashable {
    var sentence: String
  }

  /// The first fenced block that is said to be Python and defines a function, else the first that is said to be Python,
  /// else the first that says nothing. An answer that is one JSON object, as structured output gives it, is read at
  /// `program`; one without any fence that begins like a program is one.
  static func program(in answer: String) -> Result<String, Complaint> {
    var text: String = cleaned(answer)
    // What a model thinks aloud may hold drafts.
    if let end = text.range(of: "</think>", options: .backwards) { text = String(text[end.upperBound...]) }
    if let object = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8)),
      let program: String = object["program"]
    {
      text = cleaned(program)
      if !text.contains("```") { return text.isBlank ? .failure(noCode) : .success(closed(text)) }
    }
    let blocks: [CodeBlock] = CodeBlock.all(in: text)
    let whole: [CodeBlock] = blocks.filter(\.isClosed)
    let python: [CodeBlock] = whole.filter(\.isPython)
    let plain: [CodeBlock] = whole.filter { $0.language.isEmpty }
    let choices: [CodeBlock?] = [
      python.first { $0.code.contains("def ") }, python.first, plain.first { $0.code.contains("def ") }, plain.first,
    ]
    if let block: CodeBlock = choices.compactMap({ $0 }).first {
      return block.code.isBlank ? .failure(noCode) : .success(closed(block.code))
    }
    if blocks.contains(where: { !$0.isClosed }) {
      return .failure(
        Complaint(sentence: "The fenced block is not closed: the answer was cut off. Be briefer, and give it whole."))
    }
    let start: String = text.trimmingCharacters(in: .whitespacesAndNewlines)
    let beginnings: [String] = ["def ", "import ", "from ", "@"]
    if blocks.isEmpty, beginnings.contains(where: { start.hasPrefix($0) }), start.contains("def ") {
      return .success(closed(start))
    }
    return .failure(noCode)
  }

  private static let noCode = Complaint(
    sentence: "The answer has no program: there is no fenced block that begins with ```python.")

  /// Line feeds alone, and no characters that would move a terminal's cursor.
  private static func cleaned(_ text: String) -> String {
    let lines: String = text.replacingOccurrences(of: "\r\n", with: "\n").replacingOccurrences(of: "\r", with: "\n")
    var scalars = String.UnicodeScalarView()
    for scalar: Unicode.Scalar in lines.unicodeScalars
    where scalar == "\n" || scalar == "\t" || scalar.properties.generalCategory != .control {
      scalars.append(scalar)
    }
    return String(scalars)
  }

  /// With one line feed at its end.
  private static func closed(_ code: String) -> String {
    code.trimmingCharacters(in: .newlines) + "\n"
  }
}

extension String {
  fileprivate var isBlank: Bool { allSatisfy(\.isWhitespace) }
}
