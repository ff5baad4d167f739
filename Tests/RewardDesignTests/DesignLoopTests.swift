import Basics
import Foundation
import Proposers
import RewardDesign
import Synchronization
import Testing

/// The whole loop on a small budget: what it keeps, how it stops, and that side by side means nothing to the numbers.
@Suite struct DesignLoopTests {
  private func loop(jobs: Int) throws -> (DesignLoop, EvolutionProposer) {
    var task = try DesignTask(text: DesignTaskTests.good, file: "test.yaml")
    task.budget.generations = 2
    task.budget.candidates = 3
    task.budget.steps = 4_096
    task.budget.finalSteps = 4_096
    task.budget.finalSeeds = 2
    let loop = DesignLoop(task: task, seed: 5, jobs: jobs)
    return (loop, try EvolutionProposer(schema: task.schema, seed: 5))
  }

  @Test func findsComparesAndAudits() async throws {
    let (loop, proposer) = try loop(jobs: 2)
    let result = try await loop.run(proposer: proposer, shouldStop: { false }, onEvent: { _ in })
    #expect(!result.interrupted && result.history.candidates.map(\.id) == Array(0..<6))
    #expect(result.best?.score == result.history.candidates.compactMap(\.score).max())
    for arm in [DesignResult.designed, DesignResult.human, DesignResult.fitnessAlone] {
      #expect(result.fitness(of: arm).count == 2)
    }
    let seeds = Set(result.policies.map(\.seed))
    #expect(seeds.count == 2)
    let summary = DesignSummary(result, seconds: 1, run: "run")
    let difference = try #require(result.difference(from: DesignResult.fitnessAlone))
    #expect(summary.claims.map(\.holds) == [difference.low > 0])
    let html = DesignReport.html(result, summary: summary, command: "guerdon design test.yaml")
    #expect(html.contains(summary.program.map { String($0.prefix(12)) } ?? "?") && html.contains("fitness alone"))
  }

  @Test func sameSeedSameResultWhateverRunsSideBySide() async throws {
    var outcomes: [[Double]] = []
    for jobs in [1, 2] {
      let (loop, proposer) = try loop(jobs: jobs)
      let result = try await loop.run(proposer: proposer, shouldStop: { false }, onEvent: { _ in })
      outcomes.append(result.history.candidates.map { $0.score ?? .nan } + result.policies.map(\.trained.fitness))
    }
    #expect(outcomes[0] == outcomes[1])
  }

  @Test func stoppingKeepsWhatWasFinished() async throws {
    let (loop, proposer) = try loop(jobs: 1)
    let ended = Mutex(0)
    let result = try await loop.run(
      proposer: proposer, shouldStop: { ended.withLock { $0 >= 2 } },
      onEvent: { if case .candidateEnded = $0 { ended.withLock { $0 += 1 } } })
    #expect(result.interrupted && result.history.candidates.count == 2 && result.policies.isEmpty)
    #expect(result.best != nil)
  }

  /// A proposer of nothing but broken programs: each is rejected with its reason, and the run says why it failed.
  @Test func saysWhyWhenNothingCanBeTrained() async throws {
    final class Broken: Proposer {
      let name = "broken"
      func propose(_ count: Int, after history: DesignHistory) async throws -> [Proposal] {
        [
          Proposal(source: "def compute_reward(nothing):\n    return nothing", origin: "broken"),
          Proposal(
            source: "import numpy as np\ndef compute_reward(angle):\n    return np.log(angle - 100.0)", origin: "not finite"),
        ]
      }
    }
    let (loop, _) = try loop(jobs: 2)
    do {
      _ = try await loop.run(proposer: Broken(), shouldStop: { false }, onEvent: { _ in })
      Issue.record("it found something")
    } catch let error as GuerdonError {
      #expect(error.message.contains("Not one of 4 candidates") && error.message.contains("nothing"))
    }
  }
}
