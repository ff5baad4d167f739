import Experiments
import Proposers
import Testing

@testable import GeneratedRewards

/// The unit checks of Eureka's brief.
@Suite struct EurekaTests {
  private func digest(_ fitness: [Double]) -> TrainingDigest {
    TrainingDigest(steps: [], fitness: fitness, lengths: [], terms: [], episodes: [])
  }

  @Test func humanNormalisedScore() {
    #expect(Eureka.humanNormalizedScore(7, sparse: 1, human: 3) == 3)
    #expect(Eureka.humanNormalizedScore(2, sparse: 1, human: 0.5) == 2)
    #expect(Eureka.clipped(5) == 3 && Eureka.clipped(-1) == 0)
  }

  @Test func aFailureScoresMinusTenThousandAndTheFirstOfEqualsWins() {
    let scores: [[Double]?] = [nil, [0.2], [0.1, 0.2]]
    let trials = scores.enumerated().map { index, fitness in
      ReflectiveSearch.Trial(id: index, iteration: 0, program: index, digest: fitness.map(digest))
    }
    #expect(trials[0].score == -10_000)
    #expect(ReflectiveSearch.best(of: trials)?.id == 1)
  }

  /// The parent is the best of the round before, whatever was better earlier; ids stand still over failures; a round of
  /// failures keeps the parent.
  @Test func eachRoundIsWrittenFromTheBestOfTheLast() {
    let scores: [Int: [Double]] = [1: [0.9], 3: [0.2], 5: [0.5]]  // round 0: 0-2, round 1: 3-5, round 2: none, round 3
    var parents: [Int?] = []
    let trials = ReflectiveSearch<Int>.run(
      iterations: 4, samples: 3,
      write: { parent in
        parents.append(parent?.id)
        return parents.count - 1
      },
      train: { program, id in
        #expect(program == id)
        return scores[id].map(digest)
      }
    ).trials
    #expect(parents == [nil, nil, nil, 1, 1, 1, 5, 5, 5, 5, 5, 5])
    #expect(trials.map(\.id) == Array(0..<12) && trials.map(\.iteration) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
  }

  /// The brief's prototype: a bonus for every step with the key teaches loitering; one for the event does not.
  @Test func perStepBonusesLoiterAndEventsDoNot() throws {
    let world = MisfitWorld()
    func best(_ bonus: String) throws -> Double {
      let fields = MisfitWorld.schema.fields.map(\.name).joined(separator: ", ")
      let program = try RewardProgramSource.compile(
        "import numpy as np\n\ndef compute_reward(\(fields)):\n    toward_key = np.where(has_key > 0.5, 0.0, 0.05 * np.exp(-key_distance / 0.3))\n    return toward_key + \(bonus) + 1.0 * opened - dead\n")
      return try (0..<5).map { try world.train(program, seed: $0).fitness.max() ?? 0 }.reduce(0, +) / 5
    }
    let perStep = try best("1.0 * has_key"), event = try best("1.0 * picked + 0.05 * has_key * (0.0 - door_distance)")
    #expect(event > perStep + 0.05, "\(event) against \(perStep)")
  }
}
