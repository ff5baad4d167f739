import Agents
import Basics
import Endpoints
import Environments
import Experiments
import Proposers
import RewardPrograms
import Rewards
import Schemas

/// Text2Reward: dense reward code from an instruction and a typed abstraction of the environment (Xie et al.,
/// arXiv 2309.11489).
///
/// `write` asks a language model for code, turns it from general into specific by the symbol map, runs it on sampled
/// transitions and sends errors back until it runs. `refine` trains on it, shows a person what came of it, and has it
/// rewritten from their words with the whole history in view. The model is any `ChatModel`.
public struct Text2Reward: Method {
  public static let card = MethodCard(
    id: "text2reward", title: "Text2Reward: Reward Shaping with Language Models for Reinforcement Learning",
    paper: Paper(arXiv: "2309.11489", year: 2023, month: 9, authors: 8), family: .generated,
    summary:
      "Writes a dense reward as code from a sentence and a class-style description of the environment, sends errors back until it runs, and rewrites it from what a person says. Experiments use a recipe compiler in place of a language model.")

  /// What is to be written.
  public struct WritingTask: Sendable {
    /// Names the task in the pool of examples.
    public let name: String
    /// The goal in a sentence.
    public let instruction: String
    public let abstraction: EnvironmentAbstraction
    /// The record that specific code reads.
    public let schema: Schema

    public init(name: String, instruction: String, abstraction: EnvironmentAbstraction, schema: Schema) {
      self.name = name
      self.instruction = instruction
      self.abstraction = abstraction
      self.schema = schema
    }
  }

  /// How code is asked for.
  public struct Writing: Sendable, Hashable, Codable {
    /// Examples k that are retrieved; 0 is zero-shot. The paper's class takes 3, its experiments 1.
    public var examples = 1
    /// Times that a function that cannot be used is sent back.
    public var retries = 5
    public var temperature = 0.7
    /// Longest answer, in tokens.
    public var maxTokens = 2_048

    public init(examples: Int = 1) { self.examples = examples }
  }

  /// One request and what came of it.
  public struct Attempt: Sendable {
    /// The messages that were sent.
    public let messages: [ChatMessage]
    public let answer: String
    /// What is wrong with the answer, as it is sent back; nil when it can be used.
    public let error: String?
  }

  /// Code that compiles and runs.
  public struct Written: Sendable {
    /// Against the abstraction, as the model wrote it.
    public let general: String
    /// Against the record, as it runs.
    public let specific: String
    public let program: RewardProgram
    /// Every request, the last one being the one that succeeded.
    public let attempts: [Attempt]
  }

  /// What a person says of a policy.
  public struct Feedback: Sendable, Hashable {
    /// What the policy does.
    public let description: String
    /// What should be otherwise.
    public let request: String
    /// The same for a writer that reads no sentences: "want <attribute> = <number>".
    public let tag: String?

    public init(description: String, request: String, tag: String? = nil) {
      (self.description, self.request, self.tag) = (description, request, tag)
    }
  }

  /// One entry of the history H.
  public struct Round: Sendable, Hashable {
    /// General code.
    public let code: String
    public let feedback: Feedback

    public init(code: String, feedback: Feedback) { (self.code, self.feedback) = (code, feedback) }
  }

  /// Writes a reward: zero-shot without a pool or with `examples` 0, few-shot otherwise.
  /// - Parameters:
  ///   - history: rounds of dialogue so far, all of which the model sees.
  ///   - transitions: sampled ones that the code must be able to reward; rows 0 ..< `rows`.
  /// - Throws: `GuerdonError` when no answer can be used after all retries, and what the model throws.
  public static func write(
    _ task: WritingTask, by model: any ChatModel, pool: InstructionPool = InstructionPool([]), history: [Round] = [],
    writing: Writing = Writing(), transitions: TransitionBatch, rows: Int
  ) async throws -> Written {
    let examples = pool.nearest(to: task.instruction, task: task.name, count: writing.examples)
    var messages = prompt(task, examples: examples) + history.flatMap { Text2Reward.messages(of: $0) }
    var attempts: [Attempt] = []
    var lastError = "no answer"
    for _ in 0...max(writing.retries, 0) {
      let response = try await model.complete(
        ChatRequest(messages, temperature: writing.temperature, maxTokens: writing.maxTokens))
      let answer = response.answers.first ?? ""
      switch check(answer, task, transitions: transitions, rows: rows) {
      case .success(let found):
        attempts.append(Attempt(messages: messages, answer: answer, error: nil))
        return Written(general: found.general, specific: found.specific, program: found.program, attempts: attempts)
      case .failure(let rejection):
        let attempt = Attempt(messages: messages, answer: answer, error: rejection.reason)
        attempts.append(attempt)
        messages += Text2Reward.messages(of: attempt, error: rejection.reason)
        lastError = rejection.reason
      }
    }
    throw GuerdonError.failure(
      "\(model.name) wrote no usable reward for \"\(task.instruction)\" in \(attempts.count) answers; the last error was: \(lastError)"
    )
  }

  private struct Rejection: Error { let reason: String }

  /// The execution check: a fenced block, code that compiles against the schema, finite rewards of sampled transitions.
  ///
  /// Errors are told in the words of the general code, with the line they are in.
  private static func check(
    _ answer: String, _ task: WritingTask, transitions: TransitionBatch, rows: Int
  ) -> Result<(general: String, specific: String, program: RewardProgram), Rejection> {
    guard let general = CodeBlock.first(in: answer) else {
      return .failure(Rejection(reason: "The answer holds no fenced block of code."))
    }
    let symbols = task.abstraction.symbols
    let specific = symbols.specific(general)
    let program: RewardProgram
    do {
      program = try RewardProgram.compile(specific, name: "reward.py", schema: task.schema)
    } catch {
      // A replacement never adds a line, so that a line's number is that of the general code.
      let lines = general.split(separator: "\n", omittingEmptySubsequences: false)
      let told = error.errors.prefix(3).map { finding in
        let line = lines.indices.contains(finding.line - 1) ? "\n    \(lines[finding.line - 1])" : ""
        // The schema's own fields are not what the class model speaks of.
        let declared = "declared are: " + task.abstraction.leaves.map(\.path).joined(separator: ", ")
        let isPlace = finding.code == "unknown-field" || finding.code == "unknown-name"
        let hint = finding.suggestion.map { "\n  \(isPlace ? declared : symbols.general($0))" } ?? ""
        return "line \(finding.line): \(symbols.general(finding.message))\(line)\(hint)"
      }
      return .failure(Rejection(reason: told.joined(separator: "\n")))
    }
    if let reason = failure(of: program, on: transitions, rows: rows) { return .failure(Rejection(reason: reason)) }
    return .success((general, specific, program))
  }

  /// Why a program cannot reward these transitions, or nil.
  private static func failure(of program: RewardProgram, on transitions: TransitionBatch, rows: Int) -> String? {
    guard rows > 0 else { return nil }
    var total = [Double](repeating: 0, count: rows)
    var terms = [Double](repeating: 0, count: max(1, rows * program.termNames.count))
    ProgramReward(program).makeEvaluator().evaluate(transitions, rows: 0..<rows, total: &total, terms: &terms)
    guard let row = total.firstIndex(where: { !$0.isFinite }) else { return nil }
    let guilty = program.termNames.indices.first { !terms[$0 * rows + row].isFinite }
    let name = guilty.map { "the term \"\(program.termNames[$0])\"" } ?? "the reward"
    return "On sampled transition \(row + 1) of \(rows) \(name) is \(total[row]), which is no finite number."
  }

  /// Transitions of uniformly random actions, for the execution check.
  /// - Throws: `GuerdonError` when the environment fails.
  public static func sampleTransitions(
    _ environment: any VectorEnvironment, steps: Int, seed: UInt64
  ) throws -> (transitions: TransitionBatch, rows: Int) {
    let count = environment.count, space = environment.spec.actionSpace
    let batch = TransitionBatch(schema: environment.spec.schema, capacity: steps * count)
    var random = RandomGenerator(seed: seed, spawnKey: [0x74_32_72])
    var actions = [Double](repeating: 0, count: count * space.width)
    environment.reset(seed: seed)
    for step in 0..<steps {
      actions.withUnsafeMutableBufferPointer { actions in
        guard let base = actions.baseAddress else { return }
        for i in 0..<count { space.sample(into: base + i * space.width, random: &random) }
        environment.step(UnsafeBufferPointer(actions), recording: batch, at: step * count)
      }
      if let failure = environment.failure { throw failure }
    }
    return (batch, steps * count)
  }

  /// The dialogue: write, train, show, listen, until the person is content or `rounds` policies have been shown.
  /// - Parameters:
  ///   - train: a policy trained on the program, or whatever is shown of it.
  ///   - listen: what the person says of it; nil when they are content.
  /// - Returns: what was written and shown in each round, the last one being what was accepted (or the last there was).
  /// - Throws: as `write`, and what `train` throws.
  public static func refine<Shown>(
    _ task: WritingTask, by model: any ChatModel, rounds: Int, writing: Writing = Writing(examples: 0),
    transitions: TransitionBatch, rows: Int, train: (RewardProgram) throws -> Shown, listen: (Shown) -> Feedback?
  ) async throws -> [(written: Written, shown: Shown)] {
    var history: [Round] = []
    var results: [(written: Written, shown: Shown)] = []
    for _ in 0..<max(rounds, 1) {
      let written = try await write(
        task, by: model, history: history, writing: writing, transitions: transitions, rows: rows)
      let shown = try train(written.program)
      results.append((written, shown))
      guard let feedback = listen(shown) else { break }
      history.append(Round(code: written.general, feedback: feedback))
    }
    return results
  }
}
