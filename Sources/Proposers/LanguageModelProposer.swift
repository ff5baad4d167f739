import Basics
import Endpoints
import Foundation
import RewardPrograms
import Schemas

/// Reward programs from a language model, in the way of Eureka (arXiv 2310.12931, algorithm 1).
///
/// Each generation the model is told the rules, the environment and the task, and, from the second on, the best answer
/// of the last generation with a reflection on its training; it gives as many independent answers as programs are
/// wanted. Of each answer the fenced block is taken and compiled; what is wrong with it goes back to be mended.
///
/// Nothing is remembered: the conversation is made anew from the history, so that a run that is resumed goes on as if
/// it had never stopped.
public final class LanguageModelProposer: Proposer, Sendable {
  public struct Configuration: Sendable {
    /// How much of what was said before is said again.
    public enum Context: String, Sendable, CaseIterable {
      /// Eureka's: the parent's answer and what came of it, four messages in all.
      case markovian
      /// Text2Reward's (arXiv 2309.11489): every generation's parent, oldest first.
      case full
    }

    /// Eureka's; 0 gives the same answer again and again.
    public var temperature = 1.0
    /// Longest answer, in tokens.
    public var maxTokens = 4_096
    /// Times that a program which does not check is sent back with its diagnostics.
    public var mendingRounds = 2
    public var context = Context.markovian
    /// Asks for a JSON object of an explanation and a program instead of prose with a fenced block.
    public var structured = false
    /// Asked often while the model is waited for; once it is true, there are no proposals, and no more waiting.
    public var shouldStop: @Sendable () -> Bool = { false }

    public init() {}
  }

  /// Largest answer that is said again, in UTF-8 bytes: more than any program of use.
  static let largestQuotation = 65_536
  /// Largest list of diagnostics that is sent back, in characters.
  static let largestComplaint = 6_000

  public let name: String
  private let model: any ChatModel
  private let prompts: Prompts
  private let configuration: Configuration

  public init(model: any ChatModel, prompts: Prompts, configuration: Configuration = Configuration()) {
    name = "language model \(model.name)"
    self.model = model
    self.prompts = prompts
    self.configuration = configuration
  }

  /// - Returns: one proposal an answer: an answer without a program is one with an empty program, and one that could
  ///   not be mended keeps its mistakes; both are rejected when they are tried. None when it was stopped.
  /// - Throws: `GuerdonError` when the model gives no answer at all: a dead endpoint, a spent budget.
  public func propose(_ count: Int, after history: DesignHistory) async throws -> [Proposal] {
    let shouldStop: @Sendable () -> Bool = configuration.shouldStop
    return try await withThrowingTaskGroup(of: [Proposal].self) { group in
      group.addTask { try await self.sample(count, after: history) }
      group.addTask {
        while !shouldStop() { try await Task.sleep(for: .milliseconds(50)) }
        return []
      }
      defer { group.cancelAll() }
      return try await group.next() ?? []
    }
  }

  // MARK: The conversation

  /// The messages that the next generation is asked with.
  ///
  /// A generation of which nothing could be trained leaves no trace: the messages are those of before.
  public func messages(after history: DesignHistory) -> [ChatMessage] {
    let rules = ChatMessage(
      .system,
      prompts.text(
        .system,
        ["signature": EnvironmentAbstraction.signature(history.schema), "language": prompts.text(.language)]))
    let task = ChatMessage(
      .user,
      prompts.text(
        .task,
        [
          "environment": EnvironmentAbstraction.text(history.schema, summary: history.environmentSummary),
          "goal": history.goal,
        ]))
    let parents: [Candidate] = parents(in: history)
    let shown: ArraySlice<Candidate> = configuration.context == .markovian ? parents.suffix(1) : parents[...]
    return [rules, task]
      + shown.flatMap { [ChatMessage(.assistant, quotation(of: $0)), ChatMessage(.user, verdict(on: $0, in: history))] }
  }

  /// The best candidate of each generation that had one, the oldest first: a person's favourite, or the fittest. The
  /// parent is the best of the last of these, not the best ever.
  private func parents(in history: DesignHistory) -> [Candidate] {
    (0..<history.generation).compactMap { generation in
      let favourites = history.feedback.last { $0.generation == generation }?.ranking ?? []
      let members: [Candidate] = history.candidates.filter { $0.generation == generation }
      return favourites.lazy.compactMap { id in members.first { $0.id == id } }.first ?? DesignHistory.best(of: members)
    }
  }

  /// What the model said when it wrote the candidate; for a program of another origin, the program.
  private func quotation(of candidate: Candidate) -> String {
    Self.shortened(candidate.proposal.answer ?? "```python\n\(candidate.proposal.source)```")
  }

  /// What came of the candidate: a person's words where there are some, else the reflection.
  private func verdict(on candidate: Candidate, in history: DesignHistory) -> String {
    let statistics: String = candidate.digest.map(Reflection.text) ?? ""
    let feedback: Feedback? = history.feedback.last { $0.generation == candidate.generation }
    if let words: String = feedback?.words, !words.isEmpty {
      return prompts.text(.person, ["feedback": words, "statistics": statistics])
    }
    return prompts.text(.reflection, ["statistics": statistics])
  }

  private static func shortened(_ answer: String) -> String {
    answer.utf8.count <= largestQuotation
      ? answer : String(decoding: answer.utf8.prefix(largestQuotation), as: UTF8.self) + "\n…"
  }

  // MARK: Samples

  /// One answer, read and checked.
  private struct Sample: Sendable {
    let answer: String
    /// Empty where the answer has none.
    let source: String
    /// What is said back to the model; nil when the program checks.
    let complaint: String?
    var mended = 0
    /// Why it could not be sent back.
    var note: String?
  }

  private func sample(_ count: Int, after history: DesignHistory) async throws -> [Proposal] {
    let messages: [ChatMessage] = messages(after: history)
    let response: ChatResponse = try await model.complete(request(messages, n: count))
    var samples: [Sample] = response.answers.prefix(count).map { read($0, against: history.schema) }
    for round: Int in 0..<configuration.mendingRounds {
      try await mend(&samples, round: round + 1, messages: messages, schema: history.schema)
    }
    let parent: Candidate? = parents(in: history).last
    return samples.map { sample in
      var origin: String = parent.map { "written after candidate \($0.id)" } ?? "written from the task"
      if sample.source.isEmpty { origin += ", without a program" }
      if sample.mended > 0 { origin += ", mended \(sample.mended == 1 ? "once" : "\(sample.mended) times")" }
      if let note: String = sample.note { origin += "; not mended: \(note)" }
      var proposal = Proposal(source: sample.source, parents: parent.map { [$0.id] } ?? [], origin: origin)
      proposal.answer = sample.answer
      return proposal
    }
  }

  private func request(_ messages: [ChatMessage], n: Int) -> ChatRequest {
    var request = ChatRequest(
      messages, n: n, temperature: configuration.temperature, maxTokens: configuration.maxTokens)
    if configuration.structured {
      request.format = ChatRequest.Format(
        name: "reward",
        properties: [
          .init("explanation", meaning: "What each component of the reward is for."),
          .init("program", meaning: "The whole Python program, imports and helper functions included."),
        ])
    }
    return request
  }

  private func read(_ answer: String, against schema: Schema) -> Sample {
    switch AnswerReading.program(in: answer) {
    case .failure(let complaint):
      return Sample(answer: answer, source: "", complaint: complaint.sentence)
    case .success(let source):
      do {
        _ = try RewardProgram.compile(source, name: "program", schema: schema, kind: .reward)
        return Sample(answer: answer, source: source, complaint: nil)
      } catch {
        let errors: String = error.errors.map { $0.rendered(name: error.name) }.joined(separator: "\n")
        return Sample(answer: answer, source: source, complaint: String(errors.prefix(Self.largestComplaint)))
      }
    }
  }

  /// Sends back every sample that has a complaint, and puts the new answers in their places.
  ///
  /// Samples with the same answer are one request for several answers: what is asked side by side is never twice the
  /// same, so that a replay, which answers in the order of a recording, cannot confuse them.
  private func mend(
    _ samples: inout [Sample], round: Int, messages: [ChatMessage], schema: Schema
  ) async throws {
    var groups: [(answer: String, complaint: String, members: [Int])] = []
    for (index, sample) in samples.enumerated() {
      guard let complaint: String = sample.complaint, sample.note == nil else { continue }
      if let group: Int = groups.firstIndex(where: { $0.answer == sample.answer }) {
        groups[group].members.append(index)
      } else {
        groups.append((sample.answer, complaint, [index]))
      }
    }
    let replies: [Reply] = try await withThrowingTaskGroup(of: Reply.self) { tasks in
      for group in groups {
        let conversation: [ChatMessage] = messages + [
          ChatMessage(.assistant, Self.shortened(group.answer)),
          ChatMessage(.user, prompts.text(.mending, ["diagnostics": group.complaint])),
        ]
        let request: ChatRequest = request(conversation, n: group.members.count)
        let members: [Int] = group.members
        tasks.addTask {
          do {
            return Reply(members: members, answers: try await self.model.complete(request).answers)
          } catch let error as GuerdonError {
            return Reply(members: members, failure: error.message)
          }
        }
      }
      return try await tasks.reduce(into: []) { $0.append($1) }
    }
    for reply in replies {
      for (member, answer) in zip(reply.members, reply.answers) {
        samples[member] = read(answer, against: schema)
        samples[member].mended = round
      }
      // What was sampled is paid for, and kept; if there is no more to be had, the next generation says so.
      if let failure = reply.failure { for member: Int in reply.members { samples[member].note = failure } }
    }
  }

  /// What came back of samples that were sent back together.
  private struct Reply: Sendable {
    var members: [Int]
    var answers: [String] = []
    var failure: String?
  }
}

/// A recorded run's language model, answer for answer: the same task, seed, budget and options give the same
/// candidates.
public final class ReplayProposer: Proposer, Sendable {
  public let name = "replay"
  private let proposer: LanguageModelProposer

  /// - Parameter configuration: temperature, answer length and format are the recording's, whatever it says.
  public init(
    _ recording: ReplayChatModel, prompts: Prompts,
    configuration: LanguageModelProposer.Configuration = LanguageModelProposer.Configuration()
  ) {
    var configuration: LanguageModelProposer.Configuration = configuration
    configuration.temperature = recording.first.temperature
    configuration.maxTokens = recording.first.maxTokens
    configuration.structured = recording.first.format != nil
    proposer = LanguageModelProposer(model: recording, prompts: prompts, configuration: configuration)
  }

  /// - Throws: `GuerdonError.failure` for a request that is not in the recording.
  public func propose(_ count: Int, after history: DesignHistory) async throws -> [Proposal] {
    try await proposer.propose(count, after: history)
  }
}
