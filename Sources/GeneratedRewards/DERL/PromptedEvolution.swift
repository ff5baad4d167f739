import Basics
import Endpoints
import Foundation

/// The baseline that learns in its prompt: a language model is shown formulas with their scores and asked for better
/// ones; no weight changes.
extension DERL {
  /// E iterations of n formulas from `model`, scored as `search` scores them.
  /// - Parameters:
  ///   - signals: what g1 … gk mean, one sentence each.
  ///   - shown: formulas in the prompt, the best ones so far.
  /// - Throws: what the model throws; `CancellationError` once `shouldStop`.
  public static func promptedEvolution<Learner: InnerLearner>(
    _ learner: Learner, configuration: Configuration, model: any ChatModel, signals: [String], shown: Int = 8,
    seed: UInt64, jobs: Int = 1, shouldStop: @Sendable () -> Bool = { false }
  ) async throws -> Result<Learner.Policy> {
    try configuration.check()
    var scorer = FormulaScorer(learner, configuration: configuration, seed: seed, jobs: jobs)
    for _ in 0..<configuration.iterations {
      let request = ChatRequest(
        prompt(signals: signals, trials: scorer.result.trials, shown: shown), n: configuration.formulas,
        temperature: 1, maxTokens: 256)
      let answers = try await model.complete(request).answers
      // An answer that did not come counts as an invalid formula.
      let texts = (0..<configuration.formulas).map { $0 < answers.count ? formula(in: answers[$0]) : "" }
      _ = try scorer.score(texts, shouldStop: shouldStop)
    }
    try scorer.confirm(shouldStop: shouldStop)
    return scorer.result
  }

  static func prompt(signals: [String], trials: [Trial], shown: Int) -> [ChatMessage] {
    let names = signals.enumerated().map { "g\($0 + 1): \($1)" }.joined(separator: "\n")
    var parts = [
      """
      A policy is trained by reinforcement learning on a reward that is one arithmetic formula over these signals, \
      each between 0 and 1:
      \(names)
      """
    ]
    var seen: Set<String> = []
    let best = trials.sorted { ($1.score, $0.id) < ($0.score, $1.id) }
      .filter { !$0.isInvalid && seen.insert($0.text).inserted }.prefix(shown)
    if !best.isEmpty {
      let lines = best.map { "\(String(format: "%.4f", $0.score)) \($0.text)" }.joined(separator: "\n")
      parts.append("Formulas tried so far, each after the accuracy of the policy trained on it:\n\(lines)")
    }
    parts.append(
      """
      Write one new formula that should lead to a more accurate policy. Use only g1 to g\(signals.count), numbers, \
      + - * / and parentheses. Answer with the formula on a single line and nothing else.
      """)
    return [
      ChatMessage(.system, "You design reward functions for reinforcement learning."),
      ChatMessage(.user, parts.joined(separator: "\n\n")),
    ]
  }

  /// The first line of an answer that holds anything but a fence.
  static func formula(in answer: String) -> String {
    let lines = answer.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
    let line = lines.first { !$0.isEmpty && !$0.hasPrefix("```") } ?? ""
    return line.trimmingCharacters(in: CharacterSet(charactersIn: "`"))
  }
}

/// Rules in place of the language model: the best formulas of the prompt with a word replaced, inserted or taken out,
/// or a random formula where there is none.
public final class FormulaMutator: ChatModel, @unchecked Sendable {
  public let name = "rules that change formulas"
  private let vocabulary: FormulaVocabulary
  private let lock = NSLock()
  private var random: RandomGenerator

  public init(_ vocabulary: FormulaVocabulary, seed: UInt64) {
    self.vocabulary = vocabulary
    random = RandomGenerator(seed: seed, spawnKey: [0x6d_75_74])
  }

  public func complete(_ request: ChatRequest) async throws -> ChatResponse {
    let lines = (request.messages.last?.content ?? "").split(whereSeparator: \.isNewline)
    // "0.7500 g1 + g2", the best first.
    let parents = lines.compactMap { line -> [Int]? in
      guard let space = line.firstIndex(of: " "), Double(line[..<space]) != nil else { return nil }
      return vocabulary.ids(of: String(line[line.index(after: space)...])).map { Array($0.dropLast()) }
    }
    return lock.withLock {
      ChatResponse(
        answers: (0..<request.n).map { index in
          guard !parents.isEmpty else { return vocabulary.text(of: vocabulary.randomFormula(&random)) }
          return vocabulary.text(of: mutated(parents[index % min(parents.count, 3)]))
        })
    }
  }

  private func mutated(_ parent: [Int]) -> [Int] {
    let words = vocabulary.tokens.indices.filter { vocabulary.isAllowed[$0] && $0 != FormulaVocabulary.end }
    while true {
      var child = parent
      for _ in 0..<1 + random.integer(below: 3) {
        let place = random.integer(below: child.count + 1), word = words[random.integer(below: words.count)]
        switch random.integer(below: 3) {
        case 0 where place < child.count: child[place] = word
        case 1 where child.count > 1 && place < child.count: child.remove(at: place)
        default: child.insert(word, at: place)
        }
      }
      let isFormula = (try? Formula(vocabulary.text(of: child), signals: vocabulary.signals)) != nil
      if isFormula, child != parent { return child }
    }
  }
}
