import Basics
import Endpoints
import Experiments
import Foundation
import Proposers
import RewardPrograms
import Schemas

/// Eureka: evolutionary search over reward programs by reflection (Ma et al., arXiv 2310.12931, algorithm 1).
///
/// The algorithm is `search`, over any language model; `ReflectiveSearch` is its selection for writers of any other kind.
public struct Eureka: Method {
  public static let card = MethodCard(
    id: "eureka", title: "Eureka: Human-Level Reward Design via Coding Large Language Models",
    paper: Paper(arXiv: "2310.12931", year: 2023, month: 10, authors: 9), family: .generated,
    summary:
      "Samples whole reward programs, trains a policy on each, and feeds the training curves of every component back into the next round of programs.")

  /// What a reward is sought for.
  public struct Problem: Sendable {
    /// The task in a sentence.
    public let goal: String
    /// What a reward may read, as text: no reward and no fitness is in it.
    public let observations: String
    public let schema: Schema

    public init(goal: String, observations: String, schema: Schema) {
      (self.goal, self.observations, self.schema) = (goal, observations, schema)
    }

    /// The observations told by the schema's own words, without what only the fitness may read.
    public init(goal: String, schema: Schema) {
      let fields = schema.fields.filter { !$0.fitnessOnly }.map { field in
        let shape = field.shape.isEmpty ? "" : " \(field.shape)"
        return "\(field.name)\(shape) (\(field.unit)): \(field.meaning)"
      }
      self.init(goal: goal, observations: fields.joined(separator: "\n"), schema: schema)
    }
  }

  /// What stands in the next round's prompt besides the best program, and how rounds follow from each other.
  public enum Variant: Sendable {
    /// The reflection on every component.
    case reflection
    /// The scores alone.
    case scoresOnly
    /// Nothing: every round is a first round.
    case noEvolution
    /// What a person says of the best program's training, instead of the reflection; the paper samples one program a
    /// round then.
    case person(@Sendable (TrainingDigest) -> String)
  }

  /// A model's answer, and the program in it.
  public struct Candidate: Sendable {
    public let answer: String
    public let program: RewardProgram?
    /// Why it did not come to a training, or to its end.
    public let error: String?
  }

  public struct Found: Sendable {
    public let search: ReflectiveSearch<Candidate>
    /// The messages that each round was sampled from: 2 in the first, 4 once anything has succeeded.
    public let prompts: [[ChatMessage]]

    /// The best program of the whole search; nil when every training failed.
    public var best: RewardProgram? { search.best.flatMap { $0.digest == nil ? nil : $0.program.program } }
  }

  /// Algorithm 1.
  ///
  /// The parent of a round is the best of the round before, not the best ever; a round in which everything failed leaves
  /// the messages as they were.
  /// - Parameters:
  ///   - iterations: rounds N (paper: 5).
  ///   - samples: completions K a round (paper: 16).
  ///   - initial: a person's reward that takes the place of the first round.
  ///   - train: the digest of training on each program, in order; their ids are kept through the whole search.
  /// - Throws: what the model or `train` throws; one training's failure belongs into its result.
  public static func search(
    _ problem: Problem, by model: any ChatModel, iterations: Int = 5, samples: Int = 16, temperature: Double = 1,
    variant: Variant = .reflection, initial: String? = nil,
    train: ([(id: Int, program: RewardProgram)]) throws -> [Result<TrainingDigest, GuerdonError>]
  ) async throws -> Found {
    var search = ReflectiveSearch<Candidate>()
    var prompts: [[ChatMessage]] = []
    let first = firstMessages(problem)
    for iteration in 0..<iterations {
      // The context is Markovian: the task, the last round's best program, what its training showed.
      var messages = first
      if let parent = search.parent, let digest = parent.digest, let feedback = text(of: digest, variant) {
        messages += [ChatMessage(.assistant, parent.program.answer), ChatMessage(.user, feedback)]
      }
      prompts.append(messages)

      // K independent completions, each with its id.
      let answers: [String]
      if iteration == 0, let initial {
        answers = ["```python\n\(initial)```"]
      } else {
        answers = try await model.complete(ChatRequest(messages, n: samples, temperature: temperature)).answers
      }
      let compiled = answers.map { compile($0, problem.schema) }
      let start = search.trials.count
      let runnable = compiled.indices.compactMap { index in
        compiled[index].program.map { (id: start + index, program: $0) }
      }
      let trained = try train(runnable)
      let results = Dictionary(zip(runnable.map(\.id), trained), uniquingKeysWith: { first, _ in first })
      search.enter(
        compiled.enumerated().map { index, candidate in
          switch results[start + index] {
          case .success(let digest)?: (candidate, digest)
          case .failure(let error)?:
            (Candidate(answer: candidate.answer, program: candidate.program, error: error.message), nil)
          case nil: (candidate, nil)
          }
        })
    }
    return Found(search: search, prompts: prompts)
  }

  private static func compile(_ answer: String, _ schema: Schema) -> Candidate {
    // The whole block, helper functions included.
    guard let source = CodeBlock.first(in: answer) else {
      return Candidate(answer: answer, program: nil, error: "The answer holds no fenced block of code.")
    }
    do {
      let program = try RewardProgram.compile(source, schema: schema, options: .init(checks: false))
      return Candidate(answer: answer, program: program, error: nil)
    } catch {
      return Candidate(answer: answer, program: nil, error: error.description)
    }
  }

  /// Human-normalised score (section 4.2): (method − sparse) / |human − sparse|.
  public static func humanNormalizedScore(_ method: Double, sparse: Double, human: Double) -> Double {
    (method - sparse) / abs(human - sparse)
  }

  /// As it enters a mean over tasks: clipped to [0, 3].
  public static func clipped(_ score: Double) -> Double { min(max(score, 0), 3) }
}

// MARK: Messages

extension Eureka {
  private static let formatTips = """
    Write one Python function compute_reward whose parameters are names of the listed fields; use numpy and no other input. \
    Return the total reward and a dictionary of its components. Squash a component, for example by exp(-x / T), and give \
    each its own temperature as a named constant inside the function. Put the function into one ```python block.
    """

  /// Four pieces of advice (appendix A): what never scores, what stays constant, what drowns the rest, and to analyse
  /// before writing.
  private static let advice = """
    Read these numbers before you write the next function.
    - If the score stays near zero throughout, rewrite the whole function.
    - A component whose values hardly change cannot be optimised as it is: change its scale or temperature, rewrite it, or \
    drop it.
    - A component that is far larger than the others hides them: rescale it.
    - Analyse each component in turn like this, and only then write the code.
    """

  static func firstMessages(_ problem: Problem) -> [ChatMessage] {
    [
      ChatMessage(
        .system, "You are a reward engineer: you write reward functions from which an agent learns a task. " + formatTips),
      ChatMessage(
        .user, "The fields of the environment:\n\(problem.observations)\n\nWrite a reward for this task: \(problem.goal)"),
    ]
  }

  /// What is said of the parent's training; nil where nothing is.
  private static func text(of digest: TrainingDigest, _ variant: Variant) -> String? {
    switch variant {
    case .noEvolution: nil
    case .person(let say):
      "A person watched the agent that was trained on this function: \(say(digest))\n\n\(formatTips)"
    case .scoresOnly:
      "An agent was trained on this function. Its score at evenly spaced points of training:\n"
        + "\(Reflection.line("task_score", digest.fitness))\n\n\(advice)\n\(formatTips)"
    case .reflection:
      "An agent was trained on this function. The components and the score at evenly spaced points of training:\n"
        + "\(Reflection.text(digest))\n\n\(advice)\n\(formatTips)"
    }
  }
}
