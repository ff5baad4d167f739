import Basics
import Foundation
import Proposers
import RewardDesign
import Synchronization
import Testing

/// A run that is cut off anywhere goes on to the same end.
@Suite struct ResumeTests {
  private func task() throws -> DesignTask {
    var task = try DesignTask(text: DesignTaskTests.good, file: "test.yaml")
    task.budget.generations = 2
    task.budget.candidates = 4
    task.budget.steps = 4_096
    task.budget.finalSteps = 4_096
    task.budget.finalSeeds = 2
    return task
  }

  private func folder() throws -> URL {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
  }

  private func run(
    in folder: URL?, seed: UInt64 = 5, adviser: (any Adviser)? = nil, stopAfter: Int = .max,
    onAdvice: @escaping @Sendable (Feedback) -> Void = { _ in }
  ) async throws -> DesignResult {
    let task = try task()
    let ended = Mutex(0)
    let count: @Sendable (DesignLoop.Event) -> Void = { event in
      switch event {
      case .candidateEnded, .policyEnded: ended.withLock { $0 += 1 }
      case .adviceGiven(let feedback): onAdvice(feedback)
      default: break
      }
    }
    let loop = DesignLoop(task: task, seed: seed, jobs: 2, adviser: adviser)
    return try await loop.run(
      proposer: EvolutionProposer(schema: task.schema, seed: seed), journal: folder.map { try DesignJournal($0) },
      shouldStop: { ended.withLock { $0 >= stopAfter } }, onEvent: count)
  }

  private func numbers(_ result: DesignResult) -> [Double] {
    result.history.candidates.map { $0.score ?? -1 } + result.policies.map(\.trained.fitness)
  }

  @Test(arguments: [0, 1, 3, 6, 10]) func cutOffAnywhereEndsTheSame(after: Int) async throws {
    let whole = try await run(in: nil)
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let first = try await run(in: folder, stopAfter: after)
    #expect(first.interrupted)
    let second = try await run(in: folder)
    #expect(!second.interrupted)
    #expect(second.history.candidates.map(\.proposal) == whole.history.candidates.map(\.proposal))
    #expect(numbers(second) == numbers(whole))
    #expect(second.best?.id == whole.best?.id)
  }

  /// What kill -9 leaves: the last line half-written. It is as if it had not been.
  @Test func aTornLineIsNothing() async throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    _ = try await run(in: folder, stopAfter: 3)
    let url = folder.appendingPathComponent("journal.jsonl")
    let text = try String(contentsOf: url, encoding: .utf8)
    try String(text.dropLast(200)).write(to: url, atomically: true, encoding: .utf8)
    #expect(numbers(try await run(in: folder)) == numbers(try await run(in: nil)))
    // A line that is broken before the last one is damage, and named.
    let lines = text.split(separator: "\n")
    try (lines[0] + "\n" + lines[1].dropLast(30) + "\n" + lines[2] + "\n").write(to: url, atomically: true, encoding: .utf8)
    do {
      _ = try DesignJournal(folder)
      Issue.record("damage was not seen")
    } catch let error as GuerdonError {
      #expect(error.message.contains("line 2"))
    }
  }

  @Test func goesOnOnlyWithWhatItWasBegunWith() async throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    _ = try await run(in: folder, stopAfter: 1)
    await #expect(throws: GuerdonError.self) { _ = try await run(in: folder, seed: 6) }
  }

  /// An endpoint that dies after its first answer: what was trained is compared, and a resumed run asks again.
  @Test func aProposerThatGivesUpEndsTheSearchOnly() async throws {
    final class Dying: Proposer {
      let name = "evolution"
      let evolution: EvolutionProposer
      init(_ evolution: EvolutionProposer) { self.evolution = evolution }
      func propose(_ count: Int, after history: DesignHistory) async throws -> [Proposal] {
        if history.generation > 0 { throw GuerdonError.failure("The budget is spent.") }
        return try await evolution.propose(count, after: history)
      }
      func state() throws -> String? { try evolution.state() }
      func restore(_ state: String) throws { try evolution.restore(state) }
    }
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let task = try task()
    let result = try await DesignLoop(task: task, seed: 5, jobs: 2).run(
      proposer: Dying(EvolutionProposer(schema: task.schema, seed: 5)), journal: DesignJournal(folder),
      shouldStop: { false }, onEvent: { _ in })
    #expect(result.cutShort == "The budget is spent." && !result.interrupted)
    #expect(result.history.candidates.count == 4 && result.policies.count == 6)
    let resumed = try await run(in: folder)
    #expect(resumed.history.candidates.count == 8)
  }

  /// A person who likes the candidate with the least fitness best.
  private final class Contrarian: Adviser {
    let asked = Mutex(0)

    func advise(on review: GenerationReview, shouldStop: @escaping @Sendable () -> Bool) async throws -> Feedback? {
      asked.withLock { $0 += 1 }
      let ids = review.candidates.sorted { ($0.score ?? 0, $0.id) < ($1.score ?? 0, $1.id) }.map(\.id)
      #expect(review.candidates.allSatisfy { review.policies[$0.id] != nil })
      return Feedback(generation: 99, ranking: ids + [1_000], words: "higher")
    }
  }

  @Test func aPersonsRankingDecides() async throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let person = Contrarian()
    let result = try await run(in: folder, adviser: person)
    #expect(result.history.feedback.map(\.generation) == [0, 1])
    #expect(person.asked.withLock { $0 } == 2)
    let last = try #require(result.history.feedback.last)
    #expect(result.best?.id == last.ranking.first && !last.ranking.contains(1_000))
    let shown = result.history.candidates.filter { last.ranking.contains($0.id) }
    #expect(result.best?.score == shown.compactMap(\.score).min())
    // What was said is kept: nobody is asked twice, whoever shows the run is told it again, and the end is the same.
    let told = Mutex<[Feedback]>([])
    let again = try await run(in: folder, adviser: person, onAdvice: { said in told.withLock { $0.append(said) } })
    #expect(person.asked.withLock { $0 } == 2 && numbers(again) == numbers(result))
    #expect(told.withLock { $0 } == result.history.feedback)
  }

  /// Who skips a generation is not asked about it again once the next one has bred, or policies were compared.
  @Test func whoSkippedIsNotAskedAgain() async throws {
    final class Silent: Adviser {
      let asked = Mutex<[Int]>([])
      func advise(on review: GenerationReview, shouldStop: @escaping @Sendable () -> Bool) async throws -> Feedback? {
        asked.withLock { $0.append(review.generation) }
        return nil
      }
    }
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let person = Silent()
    // Cut off in the second generation: the first is not asked about again, the second is.
    _ = try await run(in: folder, adviser: person, stopAfter: 6)
    #expect(person.asked.withLock { $0 } == [0])
    let result = try await run(in: folder, adviser: person)
    #expect(person.asked.withLock { $0 } == [0, 1])
    let again = try await run(in: folder, adviser: person)
    #expect(person.asked.withLock { $0 } == [0, 1] && numbers(again) == numbers(result))
  }
}

@Suite struct SuccessiveHalvingTests {
  @Test func theWorseHalfEndsEarly() async throws {
    var task = try DesignTask(text: DesignTaskTests.good, file: "test.yaml")
    task.budget.steps = 20_480
    let up = "def compute_reward(tip_height):\n    return tip_height"
    let down = "def compute_reward(tip_height):\n    return -tip_height"
    let jobs = [up, down, up, down].enumerated().map { id, source in
      CandidateJob(id: id, source: source, steps: task.budget.steps, seed: 3)
    }
    let ends = Mutex<[Int: Candidate.Outcome]>([:])
    try await LocalTrainer(jobs: 2).train(
      jobs, of: task, finished: [],
      watcher: TrainingWatcher(
        shouldStop: { false }, onSteps: { _ in }, onCheckpoint: { _, _ in },
        onEnd: { id, outcome, policy in
          #expect(policy != nil)
          ends.withLock { $0[id] = outcome }
        }))
    let kinds = ends.withLock { ends in
      (0..<4).map { id in
        switch ends[id] {
        case .trained(let digest): "trained \(digest.steps.count)"
        case .stopped(let digest): "stopped \(digest.steps.count)"
        default: "else"
        }
      }
    }
    // The two that pay for height are twins, as are the two that pay for its opposite; of twins both go or both stay.
    #expect(kinds[0] == "trained 10" && kinds[2] == "trained 10")
    #expect(kinds[1].hasPrefix("stopped") && kinds[3] == kinds[1])
  }

  @Test func aFailureIsSetAsideWithoutHarm() async throws {
    let task = try DesignTask(text: DesignTaskTests.good, file: "test.yaml")
    let sources = [
      "import numpy as np\ndef compute_reward(angle):\n    return np.log(angle - 100.0)", "def compute_reward(angle):\n    return -angle",
    ]
    let ends = Mutex<[Int: Candidate.Outcome]>([:])
    try await LocalTrainer(jobs: 2).train(
      sources.enumerated().map { CandidateJob(id: $0.offset, source: $0.element, steps: 2_048, seed: 1) }, of: task,
      finished: [],
      watcher: TrainingWatcher(
        shouldStop: { false }, onSteps: { _ in }, onCheckpoint: { _, _ in },
        onEnd: { id, outcome, _ in ends.withLock { $0[id] = outcome } }))
    guard case .failed(let reason)? = ends.withLock({ $0[0] }), case .trained? = ends.withLock({ $0[1] }) else {
      Issue.record("\(ends.withLock { $0 })")
      return
    }
    #expect(reason.contains("finite") || reason.contains("nan"), "\(reason)")
  }
}
