import Basics
import Endpoints
import Foundation
import Proposers
import Synchronization

/// A rule-based writer that answers as a language model would: it reads the messages and nothing else.
///
/// From the first prompt it samples its grammar; from a later one it reads the parent's named constants and the
/// reflection's lines, or what a person asked for, and mutates by the reflection's advice.
final class GrammarModel: ChatModel {
  let name = "rule-based writer"
  private let grammar: ComponentGrammar
  private let writer: Mutex<ComponentWriter>

  /// The prior of programs over an environment's own quantities.
  static let prior = ComponentWriter.Prior(weights: -2...1, temperatures: -2...0.5, hopeless: 0.1)

  init(_ grammar: ComponentGrammar, seed: UInt64) {
    self.grammar = grammar
    writer = Mutex(ComponentWriter(grammar, prior: Self.prior, seed: seed))
  }

  func complete(_ request: ChatRequest) async throws -> ChatResponse {
    let parent = request.messages.last { $0.role == .assistant }.flatMap { CodeBlock.first(in: $0.content) }
    let feedback = request.messages.last?.content ?? ""
    return writer.withLock { writer in
      let answers = (0..<request.n).map { _ in
        "```python\n\(parent.flatMap { Self.child(of: $0, feedback, by: &writer) } ?? grammar.source(writer.sample()))```"
      }
      return ChatResponse(answers: answers)
    }
  }

  /// A mutation of the parent's text; nil where another program is called for.
  private static func child(of parent: String, _ feedback: String, by writer: inout ComponentWriter) -> String? {
    let names = termNames(of: parent)
    guard !names.isEmpty, let read = ComponentGrammar.read(parent, names: names) else { return nil }
    let child: ComponentGrammar.Program?
    if let wanted = feedback.firstMatch(of: /care more about (\w+)/) {
      child = writer.emphasize(String(wanted.1), in: read.program, names: names, hasTemperature: read.hasTemperature)
    } else {
      let series = series(in: feedback)
      let terms = names.compactMap { series[$0] }
      child = writer.mutate(
        read.program, hasTemperature: read.hasTemperature, fitness: series["task_score"] ?? [],
        terms: terms.count == names.count ? terms : nil)
    }
    return child.map { ComponentGrammar.rewrite(parent, names: names, as: $0) }
  }

  /// The keys of the dictionary that a program returns.
  static func termNames(of source: String) -> [String] {
    guard let line = source.split(separator: "\n").last(where: { $0.hasPrefix("    return ") }) else { return [] }
    return line.matches(of: /"(\w+)":/).map { String($0.1) }
  }

  /// The reflection's lines, "name: [0.10, 0.20], Max: …", read back.
  static func series(in feedback: String) -> [String: [Double]] {
    var series: [String: [Double]] = [:]
    for match in feedback.matches(of: /(?m)^(\w+): \[([^\]]*)\], Max:/) {
      series[String(match.1)] = match.2.split(separator: ",").compactMap {
        Double($0.trimmingCharacters(in: .whitespaces))
      }
    }
    return series
  }
}
