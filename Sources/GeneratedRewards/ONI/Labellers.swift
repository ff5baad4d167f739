import Basics
import Endpoints
import Foundation

/// A rule in a language model's place: helpful is what contains one of some words.
public struct KeywordLabeller: RuleLabeller {
  public let keywords: [String]
  /// Probability that a caption's or a pair's answer is turned around, always in the same way.
  public let flip: Double
  public let seed: UInt64

  public init(keywords: [String], flip: Double = 0, seed: UInt64 = 0) {
    (self.keywords, self.flip, self.seed) = (keywords, flip, seed)
  }

  /// The answer before any flip.
  public func isHelpful(_ caption: Caption) -> Bool {
    let text = caption.text
    return keywords.contains { text.contains($0) }
  }

  public func answer(_ query: CaptionQuery) -> CaptionAnswer {
    switch query {
    case .caption(let caption, _):
      return isHelpful(caption) != (caption.luck(seed: seed) < flip) ? .helpful : .unhelpful
    case .pair(let first, let second):
      let (a, b) = (isHelpful(first), isHelpful(second))
      if a == b { return .tie }
      let errs = Caption(bytes: first.bytes + [10] + second.bytes).luck(seed: seed) < flip
      return a != errs ? .first : .second
    }
  }
}

/// The control without knowledge: a coin for each caption or pair.
public struct RandomLabeller: RuleLabeller {
  public let seed: UInt64

  public init(seed: UInt64) { self.seed = seed }

  public func answer(_ query: CaptionQuery) -> CaptionAnswer {
    switch query {
    case .caption(let caption, _): caption.luck(seed: seed) < 0.5 ? .helpful : .unhelpful
    case .pair(let first, let second):
      Caption(bytes: first.bytes + [10] + second.bytes).luck(seed: seed) < 0.5 ? .first : .second
    }
  }
}

/// The control that knows the score: helpful is what the environment's own reward came with.
public struct ScoreLabeller: RuleLabeller {
  public init() {}

  public func answer(_ query: CaptionQuery) -> CaptionAnswer {
    if case .caption(_, let paid) = query { paid ? .helpful : .unhelpful } else { .tie }
  }
}

/// A language model as a labeller: one conversation a query, some at a time.
public struct ChatLabeller: CaptionLabeller {
  /// What the model is told of the game.
  public struct Game: Sendable {
    public var name: String
    /// What helps: "increase the score".
    public var goal: String
    /// Captions with the answer that the goal asks for.
    public var examples: [(caption: String, isHelpful: Bool)]

    public init(name: String, goal: String, examples: [(caption: String, isHelpful: Bool)]) {
      (self.name, self.goal, self.examples) = (name, goal, examples)
    }

    /// The goals of the paper's NetHack tasks. What counts as helpful differs between them, and so do the examples.
    public enum NetHackGoal: String, Sendable, CaseIterable { case score, combat, gold, stairs }

    public static func netHack(_ goal: NetHackGoal) -> Game {
      let purpose =
        switch goal {
        case .score: "make progress in the game and get a high score"
        case .combat: "fight and defeat monsters, and nothing else"
        case .gold: "find and collect gold, and nothing else"
        case .stairs: "find staircases and go down them, and nothing else"
        }
      return Game(
        name: "NetHack", goal: purpose,
        examples: [
          ("You kill the jackal! Welcome to experience level 2.", goal == .score || goal == .combat),
          ("You hear someone counting money.", goal == .score || goal == .gold),
          ("$ - 25 gold pieces.", goal == .score || goal == .gold),
          ("This door is closed.", false),
        ])
    }
  }

  public let model: any ChatModel
  public let game: Game
  public var temperature = 0.1
  public var maxTokens = 512
  /// Conversations at a time.
  public var concurrency = 8

  public init(_ model: any ChatModel, game: Game) { (self.model, self.game) = (model, game) }

  public func label(_ queries: [CaptionQuery]) async throws -> [CaptionAnswer] {
    try await withThrowingTaskGroup(of: (Int, CaptionAnswer).self) { group in
      var answers = [CaptionAnswer](repeating: .unhelpful, count: queries.count)
      for (index, query) in queries.enumerated() {
        if index >= max(concurrency, 1), let (done, answer) = try await group.next() { answers[done] = answer }
        group.addTask { (index, try await ask(query)) }
      }
      for try await (done, answer) in group { answers[done] = answer }
      return answers
    }
  }

  private func ask(_ query: CaptionQuery) async throws -> CaptionAnswer {
    let request = ChatRequest(messages(for: query), temperature: temperature, maxTokens: maxTokens)
    let text = try await model.complete(request).answers.first ?? ""
    return Self.parse(text, for: query)
  }

  /// The conversation that a query becomes.
  public func messages(for query: CaptionQuery) -> [ChatMessage] {
    let system = ChatMessage(
      .system,
      "You judge events in the game \(game.name) honestly, and do not praise what does not deserve it.")
    switch query {
    case .caption(let caption, _):
      let examples = game.examples.map { "\"\($0.caption)\" → <label>\($0.isHelpful ? "A" : "B")</label>" }
      return [
        system,
        ChatMessage(
          .user,
          """
          A player of \(game.name) wants to \(game.goal). The game has just shown the player a message. Write down what \
          you know of the game that bears on the message, then analyse in one sentence what it means for the player's \
          purpose. Then give a label:
          <label>A</label> if what the message tells is extremely helpful for the purpose;
          <label>B</label> if it is unhelpful, neutral, or helps only a little.

          Examples:
          \(examples.joined(separator: "\n"))

          The message: "\(caption.text)"

          End your answer with the label, written exactly as above.
          """),
      ]
    case .pair(let first, let second):
      return [
        system,
        ChatMessage(
          .user,
          """
          A player of \(game.name) wants to \(game.goal). Here are two messages that the game has shown:
          Message 1: "\(first.text)"
          Message 2: "\(second.text)"
          Think about what each means for the player's purpose, as freely as you like. Then say which of the two tells \
          of something better for the purpose, or that neither does, by ending your answer with one of
          <choice>1</choice>, <choice>2</choice> or <choice>none</choice>.
          """),
      ]
    }
  }

  /// What a completion says. Helpful if the tag of A occurs, whatever else does; the last choice of a pair counts. What
  /// cannot be read is unhelpful, or a tie.
  public static func parse(_ completion: String, for query: CaptionQuery) -> CaptionAnswer {
    switch query {
    case .caption:
      return tags("label", in: completion).contains("a") ? .helpful : .unhelpful
    case .pair:
      switch tags("choice", in: completion).last {
      case "1": return .first
      case "2": return .second
      default: return .tie
      }
    }
  }

  /// What stands between the tags of a name, in lower case.
  private static func tags(_ name: String, in text: String) -> [String] {
    text.lowercased().components(separatedBy: "<\(name)>").dropFirst().compactMap { rest in
      rest.range(of: "</\(name)>").map { rest[..<$0.lowerBound].trimmingCharacters(in: .whitespacesAndNewlines) }
    }
  }
}
