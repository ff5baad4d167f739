import Basics
import Endpoints
import Foundation
import RewardPrograms
import Schemas
import Synchronization
import TestSupport
import Testing

@testable import Proposers

/// A model that is a rule.
final class RuleModel: ChatModel {
  let name = "rule"
  let requests = Mutex<[ChatRequest]>([])
  private let rule: @Sendable (_ request: ChatRequest, _ number: Int) throws -> [String]

  init(_ rule: @escaping @Sendable (ChatRequest, Int) throws -> [String]) { self.rule = rule }

  var asked: [ChatRequest] { requests.withLock { $0 } }

  func complete(_ request: ChatRequest) async throws -> ChatResponse {
    let number: Int = requests.withLock { requests in
      requests.append(request)
      return requests.count - 1
    }
    return ChatResponse(answers: try rule(request, number))
  }
}

enum Bench {
  static let schema = EvolutionProposerTests.schema
  static let history = DesignHistory(
    goal: "Run as fast as you can, and lift {{goal}}s.", environmentSummary: "A robot on a plain.", schema: schema)

  static func program(_ weight: Double) -> String {
    "import numpy as np\n\ndef compute_reward(speed):\n    run = \(weight) * speed\n    return run, {\"run\": run}\n"
  }
  static func answer(_ weight: Double) -> String { "Faster.\n\n```python\n\(program(weight))```\nThat is all." }

  /// Tries proposals as the design loop does; the score of one that checks is the weight of its `run`.
  static func tried(_ proposals: [Proposal], generation: Int, after history: DesignHistory) -> [Candidate] {
    proposals.enumerated().map { index, proposal in
      let outcome: Candidate.Outcome
      do {
        _ = try RewardProgram.compile(proposal.source, name: "candidate", schema: schema, kind: .reward)
        let weight: Double = proposal.source.firstMatch(of: /run = (-?[\d.]+)/).flatMap { Double($0.1) } ?? 0
        outcome = .trained(digest(weight))
      } catch {
        outcome = .rejected("\(error)")
      }
      return Candidate(
        id: history.candidates.count + index, generation: generation, proposal: proposal, outcome: outcome)
    }
  }

  static func digest(_ score: Double) -> TrainingDigest {
    TrainingDigest(
      steps: [1, 2], fitness: [score, score], lengths: [10, 20],
      terms: [.init(name: "run", values: [score / 3, score / 7])], episodes: [])
  }

  static func candidate(_ id: Int, _ generation: Int, _ score: Double?) -> Candidate {
    var proposal = Proposal(source: program(score ?? 0), origin: "")
    proposal.answer = "answer \(id)"
    return Candidate(
      id: id, generation: generation, proposal: proposal, outcome: score.map { .trained(digest($0)) } ?? .failed("NaN"))
  }
}

@Suite struct LanguageModelProposerTests {
  private func proposer(
    _ model: any ChatModel, _ change: (inout LanguageModelProposer.Configuration) -> Void = { _ in }
  ) throws -> LanguageModelProposer {
    var configuration = LanguageModelProposer.Configuration()
    change(&configuration)
    return LanguageModelProposer(model: model, prompts: try .embedded(), configuration: configuration)
  }

  private func endpoint(_ server: ChatServer) throws -> ChatEndpoint {
    var configuration = ChatEndpoint.Configuration()
    configuration.retries.firstPause = .milliseconds(20)
    return try ChatEndpoint(url: server.url, model: "fake", key: nil, configuration: configuration)
  }

  // MARK: What is said

  @Test func theFirstGenerationHearsTheRulesTheEnvironmentAndTheTask() async throws {
    let model = RuleModel { request, _ in (0..<request.n).map { Bench.answer(Double($0)) } }
    let proposals = try await proposer(model) {
      $0.temperature = 0.7
      $0.maxTokens = 123
    }.propose(3, after: Bench.history)
    #expect(proposals.map(\.source) == (0..<3).map { Bench.program(Double($0)) })
    #expect(proposals.map(\.answer) == (0..<3).map { Bench.answer(Double($0)) })
    #expect(proposals.allSatisfy { $0.parents.isEmpty && $0.origin == "written from the task" })
    let request = try #require(model.asked.first)
    #expect(model.asked.count == 1)
    #expect(request.n == 3 && request.temperature == 0.7 && request.maxTokens == 123)
    #expect(request.messages.map(\.role) == [.system, .user])
    #expect(request.messages[0].content.contains("def compute_reward(action, speed, height)"))
    #expect(request.messages[0].content.contains("only this part of Python"))
    // A gap in the user's own words is text.
    #expect(request.messages[1].content.contains("The task: Run as fast as you can, and lift {{goal}}s."))
    #expect(request.messages[1].content.contains("speed: float  # m/s; unbounded. speed"))
    #expect(request.messages[1].content.contains("A robot on a plain."))
  }

  @Test func nothingThatOnlyTheFitnessReadsIsSaid() throws {
    let schema = Schema(
      environment: "Bridge-v0",
      fields: [
        Field("x", meaning: "position"), Field("hidden_goal", meaning: "what counts", fitnessOnly: true),
        Field("reward_dist", meaning: "in the step's info"), Field("cost", meaning: "What the own reward subtracts."),
      ])
    let history = DesignHistory(
      goal: "Go.",
      environmentSummary: "A grid. It ends at the goal; that pays 1 - 0.9 t, all else 0. It is small; or not.",
      schema: schema)
    let said = try proposer(RuleModel { _, _ in [] }).messages(after: history).map(\.content).joined()
    #expect(said.contains("\"\"\"A grid. It ends at the goal. It is small; or not.\"\"\""))
    #expect(said.contains("x: float"))
    for secret in ["hidden_goal", "what counts", "reward_dist", "cost: float", "subtracts", "0.9 t"] {
      #expect(!said.contains(secret))
    }
  }

  /// Eureka's unit check: after any number of iterations that succeeded the conversation has four messages, and the
  /// last two are those of the last iteration's best, the first on ties.
  @Test func theContextIsMarkovian() throws {
    let proposer = try proposer(RuleModel { _, _ in [] })
    var history = Bench.history
    let scores: [[Double?]] = [[9, 1], [nil, 0.2, 0.2], [0.1, nil, 0.3, 0.05], [-5, -2, nil]]
    let best = [0, 3, 7, 10]
    var id = 0
    for (generation, scores) in scores.enumerated() {
      for score in scores {
        history.candidates.append(Bench.candidate(id, generation, score))
        id += 1
      }
      let messages = proposer.messages(after: history)
      #expect(messages.map(\.role) == [.system, .user, .assistant, .user])
      #expect(messages[2].content == "answer \(best[generation])")
      #expect(messages[3].content.contains(Reflection.text(try #require(history.candidates[best[generation]].digest))))
    }
    // A generation that failed as a whole leaves the messages as they were.
    let before = proposer.messages(after: history)
    history.candidates += [Bench.candidate(id, 4, nil), Bench.candidate(id + 1, 4, nil)]
    #expect(proposer.messages(after: history) == before)
  }

  @Test func theWholeHistoryIsTextToRewards() throws {
    let proposer = try proposer(RuleModel { _, _ in [] }) { $0.context = .full }
    var history = Bench.history
    for (id, score) in [0.1, 0.7, nil, 0.3].enumerated() { history.candidates.append(Bench.candidate(id, id, score)) }
    let messages = proposer.messages(after: history)
    #expect(messages.map(\.role) == [.system, .user, .assistant, .user, .assistant, .user, .assistant, .user])
    #expect([2, 4, 6].map { messages[$0].content } == ["answer 0", "answer 1", "answer 3"])
  }

  @Test func aPersonsWordsStandInThePlaceOfTheReflection() throws {
    let proposer = try proposer(RuleModel { _, _ in [] }) { $0.context = .full }
    var history = Bench.history
    history.candidates = [Bench.candidate(0, 0, 0.1), Bench.candidate(1, 1, 0.2)]
    history.feedback = [Feedback(generation: 1, words: "It limps {{statistics}}, 2.")]
    let messages = proposer.messages(after: history)
    #expect(messages[3].content.contains("task_score") && !messages[3].content.contains("It limps"))
    #expect(messages[5].content.contains("It limps {{statistics}}, 2.") && !messages[5].content.contains("task_score"))
  }

  @Test func aPersonsFavouriteIsTheParent() throws {
    let proposer = try proposer(RuleModel { _, _ in [] })
    var history = Bench.history
    history.candidates = [Bench.candidate(0, 0, 0.1), Bench.candidate(1, 0, 0.9), Bench.candidate(2, 0, 0.5)]
    #expect(proposer.messages(after: history)[2].content == "answer 1")
    history.feedback = [Feedback(generation: 0, ranking: [2, 0, 1])]
    #expect(proposer.messages(after: history)[2].content == "answer 2")
  }

  @Test func aProgramOfAnotherOriginIsQuoted() throws {
    var history = Bench.history
    history.candidates = [
      Candidate(
        id: 0, generation: 0, proposal: Proposal(source: Bench.program(2), origin: "by hand"),
        outcome: .trained(Bench.digest(1)))
    ]
    let messages = try proposer(RuleModel { _, _ in [] }).messages(after: history)
    #expect(messages[2].content == "```python\n\(Bench.program(2))```")
  }

  // MARK: Against a server

  @Test func wellAndInPieces() async throws {
    let server = try ChatServer([["answers": .texts([Bench.answer(1), Bench.answer(2)]), "pieces": 8, "delay": 0.2]])
    let proposals = try await proposer(endpoint(server)).propose(2, after: Bench.history)
    #expect(proposals.map(\.source) == [Bench.program(1), Bench.program(2)])
  }

  @Test func proseWithoutCodeIsAFailedSampleAndTheOthersKeepTheirPlaces() async throws {
    let prose = "I would reward speed and punish effort."
    let server = try ChatServer([
      ["answers": .texts([Bench.answer(1), prose, Bench.answer(2)])],
      ["when": "no program", "answers": .texts([prose])],
    ])
    let proposals = try await proposer(endpoint(server)).propose(3, after: Bench.history)
    #expect(proposals.map(\.source) == [Bench.program(1), "", Bench.program(2)])
    #expect(proposals[1].origin == "written from the task, without a program, mended 2 times")
    // The argmax of the next generation is that of the right text.
    var history = Bench.history
    history.candidates = Bench.tried(proposals, generation: 0, after: history)
    #expect(history.best?.id == 2)
    #expect(try proposer(endpoint(server)).messages(after: history)[2].content == Bench.answer(2))
  }

  @Test func codeThatDoesNotCheckIsMended() async throws {
    let wrong = Bench.program(3).replacingOccurrences(of: "* speed", with: "* sped")
    let server = try ChatServer([
      ["answers": .texts([Bench.answer(1), "```python\n\(wrong)```"])], ["answers": .texts([Bench.answer(3)])],
    ])
    let proposals = try await proposer(endpoint(server)).propose(2, after: Bench.history)
    #expect(proposals.map(\.source) == [Bench.program(1), Bench.program(3)])
    #expect(proposals.map(\.origin) == ["written from the task", "written from the task, mended once"])
    let sent = try server.requests().map(\.body)
    #expect(sent.count == 2)
    #expect(sent[1].messages.map(\.role) == ["system", "user", "assistant", "user"])
    #expect(sent[1].messages[2].content == "```python\n\(wrong)```")
    // The line, where it is, and what may be meant.
    for part in ["program:4:17: error:", "run = 3.0 * sped", "speed"] {
      #expect(sent[1].messages[3].content.contains(part))
    }
  }

  /// None of it runs: it is text until it compiles, and it does not.
  @Test(arguments: [
    "import os\ndef compute_reward(speed):\n    os.system('touch /tmp/guerdon-was-here')\n    return speed",
    "def compute_reward(speed):\n    return __import__('os').getpid() + speed",
    "def compute_reward(speed):\n    return ().__class__.__bases__[0].__subclasses__()[0] or speed",
    "def compute_reward(speed):\n    return open('/etc/passwd').read() and speed",
    "def compute_reward(speed):\n    while True:\n        speed = speed + 1\n    return speed",
    "def compute_reward(speed):\n    for i in range(10**12):\n        speed = speed + 1\n    return speed",
    "def compute_reward(speed):\n    return compute_reward(speed)",
    "def compute_reward(speed):\n    return " + String(repeating: "(", count: 20_000) + "speed"
      + String(repeating: ")", count: 20_000),
    "def compute_reward(speed):\n    return speed + " + String(repeating: "9", count: 100_000),
    "def compute_reward(speed):\n    x = [0] * 10**10\n    return speed + x[0]",
    "def compute_reward(speed):\n    return 10**10**10**10 + speed",
    "def compute_reward(speed):\n    return secret",
    "def compute_reward(speed):\n    exec('speed = 1')\n    return speed",
  ]) func hostileCodeIsRejected(program: String) async throws {
    let server = try ChatServer([["answers": .texts(["```python\n\(program)\n```"])]])
    let proposals = try await proposer(endpoint(server)).propose(1, after: Bench.history)
    #expect(proposals.count == 1)
    let candidates = Bench.tried(proposals, generation: 0, after: Bench.history)
    guard case .rejected(let reason) = candidates[0].outcome else {
      Issue.record("It was accepted: \(proposals[0].source.prefix(100))")
      return
    }
    #expect(reason.contains("error:"))
    #expect(!FileManager.default.fileExists(atPath: "/tmp/guerdon-was-here"))
    // Two rounds of mending, none of them with a complaint without end.
    let sent = try server.requests().map(\.body)
    #expect(sent.count == 3)
    #expect(sent[1].messages[3].content.count < 8_000 && sent[1].messages[2].content.utf8.count < 70_000)
  }

  @Test func structuredAnswersAndServersWithoutThem() async throws {
    let object = String(
      decoding: try JSONEncoder().encode(["explanation": "Faster.", "program": Bench.program(4)]), as: UTF8.self)
    let server = try ChatServer([["answers": .texts([object])]])
    let structured = try await proposer(endpoint(server)) { $0.structured = true }.propose(1, after: Bench.history)
    #expect(structured.map(\.source) == [Bench.program(4)])
    #expect(try server.requests().first?.body.response_format?.type == "json_schema")
    let old = try ChatServer([
      ["status": 422, "message": "extra fields not permitted"], ["answers": .texts([Bench.answer(5)])],
    ])
    let fenced = try await proposer(endpoint(old)) { $0.structured = true }.propose(1, after: Bench.history)
    #expect(fenced.map(\.source) == [Bench.program(5)])
  }

  // MARK: When it goes wrong

  @Test func whatWasPaidForIsKeptWhenMendingCannotGoOn() async throws {
    let model = RuleModel { request, number in
      guard number == 0 else { throw GuerdonError.failure("The budget is spent.") }
      return [Bench.answer(1), "nothing"]
    }
    let proposals = try await proposer(model).propose(2, after: Bench.history)
    #expect(proposals.map(\.source) == [Bench.program(1), ""])
    #expect(proposals[1].origin.hasSuffix("; not mended: The budget is spent."))
    #expect(model.asked.count == 2)
    do {
      _ = try await proposer(model).propose(2, after: Bench.history)
      Issue.record("It proposed.")
    } catch let error as GuerdonError {
      #expect(error.message == "The budget is spent.")
    }
  }

  @Test func stoppingEndsTheWaitingAtOnce() async throws {
    let server = try ChatServer([["answers": ["late"], "delay": 30]])
    let stop = Mutex(false)
    let waiting = try proposer(endpoint(server)) { $0.shouldStop = { stop.withLock { $0 } } }
    Task {
      try await Task.sleep(for: .milliseconds(500))
      stop.withLock { $0 = true }
    }
    #expect(try await waiting.propose(2, after: Bench.history).isEmpty)
  }

  /// Text2Reward's error loop (its brief): four kinds of mistake, each request with probability 0.3, at most 5 rounds:
  /// every program is executable, and what is sent back has the line in error.
  @Test func theErrorLoopEndsWithProgramsThatRun() async throws {
    let random = Mutex(RandomGenerator(seed: 5))
    let good = Bench.answer(1)
    let mistakes: [(answer: String, line: String)] = [
      (good.replacingOccurrences(of: "* speed", with: "* speedy"), "run = 1.0 * speedy"),
      (good.replacingOccurrences(of: "(speed)", with: "(speed, hand, action)")
        .replacingOccurrences(of: "* speed", with: "* np.dot(hand, action)"), "np.dot(hand, action)"),
      (good.replacingOccurrences(of: "return run, {\"run\": run}", with: "pass"), "return"),
      (good.replacingOccurrences(of: "```", with: "``"), "no fenced block"),
    ]
    let unanswered = Mutex(0)
    let model = RuleModel { request, _ in
      // What was wrong with the quoted answer is in the last message.
      if request.messages.count == 4, request.messages[2].role == .assistant,
        let mistake = mistakes.first(where: { $0.answer == request.messages[2].content }),
        !request.messages[3].content.contains(mistake.line)
      {
        unanswered.withLock { $0 += 1 }
      }
      return (0..<request.n).map { _ in
        random.withLock { random in
          random.uniform() < 0.3 ? mistakes[random.integer(below: mistakes.count)].answer : good
        }
      }
    }
    let proposer = try proposer(model) { $0.mendingRounds = 5 }
    var executable = 0, mended = 0
    for _ in 0..<20 {
      for proposal in try await proposer.propose(10, after: Bench.history) {
        if (try? RewardProgram.compile(proposal.source, schema: Bench.schema)) != nil { executable += 1 }
        if proposal.origin.contains("mended") { mended += 1 }
      }
    }
    #expect(executable == 200)
    // 200 · 0.3, four standard deviations around.
    #expect((34...86).contains(mended))
    #expect(unanswered.withLock { $0 } == 0)
  }

  // MARK: Recording and replay

  /// Generations against a model whose answers differ from request to request, recorded; the replay has the same
  /// candidates, and so has a second proposer that begins in the middle with nothing but the history.
  @Test func aRecordedRunReplayedGivesTheIdenticalCandidates() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-replay-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("exchanges.jsonl")
    let random = Mutex(RandomGenerator(seed: 11))
    let model = RuleModel { request, _ in
      (0..<request.n).map { _ -> String in
        let draw: Double = random.withLock { $0.uniform() }
        // Two samples with the same mistake are not rare.
        if draw < 0.25 { return "Nothing." }
        if draw < 0.5 { return Bench.answer(1).replacingOccurrences(of: "* speed", with: "* sped") }
        return Bench.answer(draw)
      }
    }
    func generations(
      _ proposer: any Proposer, from history: DesignHistory = Bench.history, _ range: Range<Int>
    ) async throws -> DesignHistory {
      var history = history
      for generation in range {
        let proposals = try await proposer.propose(6, after: history)
        history.candidates += Bench.tried(proposals, generation: generation, after: history)
      }
      return history
    }
    func texts(_ history: DesignHistory) -> [String] {
      history.candidates.map(\.proposal).map { "\($0.source)|\($0.answer ?? "")|\($0.origin)|\($0.parents)" }
    }
    let recording = try RecordingChatModel(model, file: file)
    let recorded = try await generations(try proposer(recording) { $0.temperature = 0.9 }, 0..<4)
    #expect(recorded.candidates.count == 24)
    #expect(model.asked.count > 4, "nothing was mended")

    let replay = try ReplayProposer(ReplayChatModel(file: file), prompts: .embedded())
    let replayed = try await generations(replay, 0..<4)
    #expect(texts(replayed) == texts(recorded))
    do {
      _ = try await generations(replay, from: replayed, 4..<5)
      Issue.record("It went on.")
    } catch let error as GuerdonError {
      #expect(error.message.contains("None of the"))
    }

    // Resumed: the first generations are taken from a recording, what follows from the history alone.
    var half = recorded
    half.candidates.removeAll { $0.generation >= 2 }
    let second = try ReplayProposer(ReplayChatModel(file: file), prompts: .embedded())
    let resumed = try await generations(second, from: half, 2..<4)
    #expect(texts(resumed) == texts(recorded))
  }
}

@Suite struct AnswerReadingTests {
  private func read(_ answer: String) -> String {
    switch AnswerReading.program(in: answer) {
    case .success(let program): program
    case .failure(let complaint): "complaint: \(complaint.sentence)"
    }
  }

  @Test(arguments: [
    // The whole block, helper functions and imports included.
    ("Text\n```python\nimport numpy as np\n\ndef f(x):\n    return x\n\ndef reward(x):\n    return f(x)\n```\nMore",
     "import numpy as np\n\ndef f(x):\n    return x\n\ndef reward(x):\n    return f(x)\n"),
    // The one that is said to be Python, wherever it stands, and of two the one with a function.
    ("```\nplain = 1\n```\n```Python\ndef r(): pass\n```", "def r(): pass\n"),
    ("```bash\npip install\n```\n```py\nx = 1\n```\n```python\ndef r(): pass\n```", "def r(): pass\n"),
    ("```\ndef r(): pass\n```", "def r(): pass\n"),
    ("~~~python\ndef r(): pass\n~~~", "def r(): pass\n"),
    ("````python\ndef r():\n    \"\"\"```\n    \"\"\"\n````", "def r():\n    \"\"\"```\n    \"\"\"\n"),
    ("1. Do:\n   ```python\n   def r():\n       pass\n   ```", "def r():\n    pass\n"),
    ("a\r\n```python\r\ndef r():\r\n    pass\r\n```\r\n", "def r():\n    pass\n"),
    ("<think>\n```python\ndef draft(): pass\n```\n</think>\n```python\ndef r(): pass\n```", "def r(): pass\n"),
    ("import numpy as np\ndef r(): pass", "import numpy as np\ndef r(): pass\n"),
    ("{\"explanation\": \"e\", \"program\": \"def r(): pass\"}", "def r(): pass\n"),
    ("{\"program\": \"```python\\ndef r(): pass\\n```\"}", "def r(): pass\n"),
    ("```python\ndef r(): pass\u{1B}[2J\u{7}\n```", "def r(): pass[2J\n"),
  ]) func programs(answer: String, program: String) {
    #expect(read(answer) == program)
  }

  @Test(arguments: [
    "", "I would define a reward.", "``python\ndef r(): pass\n``", "```python\n\n```", "```json\n{\"def \": 1}\n```",
    "{\"program\": \"\"}", "Use def and import.", "\u{FFFD}\u{0}\u{1F}",
  ]) func answersWithoutOne(answer: String) {
    #expect(read(answer).hasPrefix("complaint: The answer has no program"))
  }

  @Test func anAnswerThatWasCutOffIsSaidToBe() {
    #expect(read("```python\ndef r():\n    return").hasPrefix("complaint: The fenced block is not closed"))
  }
}
