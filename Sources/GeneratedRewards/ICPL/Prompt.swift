import Foundation

/// Whoever writes reward programs from preferences: a language model, or rules.
///
/// A model behind an endpoint answers `context.messages` alone (temperature 1), and `differences` with a call of its
/// own; `context.feedback` holds the same things unformatted, for writers that are not language models.
public protocol RewardWriter {
  /// One program; equal ones are tried once.
  associatedtype Program: Hashable

  /// About `count` programs; the search passes over those that cannot be used.
  mutating func write(_ count: Int, reading context: ICPL.Context<Program>) throws -> [Program]

  /// How the first program differs from the second, and nothing else; they are called "the first" and "the second".
  mutating func differences(between first: Program, and second: Program) throws -> String

  /// The program's text.
  func source(_ program: Program) -> String
}

extension ICPL {
  public struct Message: Sendable, Hashable {
    public enum Role: String, Sendable { case system, user }
    public let role: Role
    public let text: String
  }

  /// What a writer is told about the job before any feedback.
  public struct TaskDescription: Sendable, Hashable {
    /// The goal in a sentence.
    public let goal: String
    /// The code or the fields that a program may read.
    public let observations: String

    public init(goal: String, observations: String) {
      self.goal = goal
      self.observations = observations
    }
  }

  /// What came of the last round. There are no scores, and no order beyond best and worst.
  public struct Feedback<Program> {
    public let good: Program
    public let bad: Program?
    public let goodTrace: Trace?
    public let badTrace: Trace?
    /// The best programs of the earlier rounds, the oldest first.
    public let pastGoods: [Program]
  }

  /// All that a writer may read.
  public struct Context<Program> {
    /// Two messages in the first round and three from then on; there is no assistant's turn.
    public let messages: [Message]
    public let feedback: Feedback<Program>?
  }

  /// How one round's best program differs from that of the round before, and how that one trained.
  struct HistoryBlock {
    let label: String
    let previousLabel: String
    let previousTrace: String
    let difference: String
  }

  static let formatTips = """
    Write one Python function compute_reward whose parameters are names of the listed fields. Return the total reward and \
    a dictionary of its components by name. Squash components, for example by exp(-x / T), and give each its own named \
    temperature. Use numpy on the given fields and nothing else.
    """

  static func firstMessages(_ task: TaskDescription) -> [Message] {
    [
      Message(
        role: .system,
        text: "You are a reward engineer: you write reward functions from which an agent learns a task. " + formatTips),
      Message(role: .user, text: "The fields of the environment:\n\(task.observations)\n\nThe task: \(task.goal)"),
    ]
  }

  static func feedbackMessage<Program>(
    _ feedback: Feedback<Program>, history: [HistoryBlock], showsTraces: Bool, rounds: Int, source: (Program) -> String
  ) -> Message {
    var parts = [
      feedback.bad == nil
        ? "There were \(rounds) rounds so far. In each a person watched the trained agents and named the best one."
        : "There were \(rounds) rounds so far. In each a person watched the trained agents and named the best and the worst one."
    ]
    for block in history {
      if showsTraces { parts.append("Training trace of \(block.previousLabel):\n\(block.previousTrace)") }
      parts.append("How \(block.label) differs from \(block.previousLabel):\n\(block.difference)")
    }
    func example(_ title: String, _ program: Program, _ trace: Trace?) -> String {
      let traced = trace.map { "\nIts training trace:\n\($0.text)" } ?? ""
      return "\(title):\n```python\n\(source(program))```\(traced)"
    }
    parts.append(example("1st program", feedback.good, feedback.goodTrace))
    if let bad = feedback.bad { parts.append(example("2nd program", bad, feedback.badTrace)) }
    parts.append(
      feedback.bad == nil
        ? "What matters most: the 1st program is the good example. Build on it."
        : "What matters most: the 1st program is the good example, the 2nd the bad one. Build on the good one, not on the bad one."
    )
    parts.append(
      """
      Analyse each component before you write. A component that hardly changes cannot be optimised: give it another scale \
      or temperature, rewrite it, or drop it. One that is far larger than the others drowns them: rescale it. What the \
      person did not like in both programs calls for new components.
      """)
    parts.append(formatTips)
    return Message(role: .user, text: parts.joined(separator: "\n\n"))
  }

  /// Replaces "the first (reward function, program, code, one)" and "the second …" by the labels of the rounds.
  static func relabelled(_ text: String, first: String, second: String) -> String {
    let noun = "(?: reward)?(?: function| program| code| one)?"
    return [("first", first), ("second", second)].reduce(text) { text, pair in
      text.replacingOccurrences(
        of: "\\b(?:the )?\(pair.0)\(noun)\\b", with: pair.1, options: [.regularExpression, .caseInsensitive])
    }
  }
}
