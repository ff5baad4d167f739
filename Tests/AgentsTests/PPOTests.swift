import Basics
import Environments
import Foundation
import Rewards
import Schemas
import Synchronization
import Testing

@testable import Agents

@Suite struct PPOTests {
  static func trainer(
    _ id: String, count: Int = 8, seed: UInt64 = 0, threads: Int = 1, reward: RewardSource = .environment,
    _ change: (inout PPO.Configuration) -> Void = { _ in }
  ) throws -> PPO {
    let pool = WorkerPool(threads: threads)
    var configuration = PPO.Configuration()
    configuration.rolloutSteps = 128
    change(&configuration)
    return try PPO(
      environment: Environments.make(id, count: count, pool: pool), configuration: configuration, reward: reward,
      seed: seed, pool: pool)
  }

  static func meanReturn(_ episodes: [Episode]) -> Double {
    episodes.map(\.environmentReturn).reduce(0, +) / Double(episodes.count)
  }

  /// Learning tests: each seed must beat random behaviour by a margin that random behaviour does not come near.
  @Test(arguments: [0, 1, 2] as [UInt64]) func learnsCartPole(seed: UInt64) throws {
    let ppo = try Self.trainer("CartPole-v1", seed: seed) { $0.learningRate = 1e-3 }
    try ppo.train(totalSteps: 60_000)
    let test = try Environments.make("CartPole-v1", count: 8)
    let learned = try Self.meanReturn(evaluate(ppo.policy, in: test, episodes: 16, seed: 1_000))
    let random = try Self.meanReturn(playRandomly(in: test, episodes: 16, seed: 1_000))
    #expect(random < 60)
    #expect(learned > 300, "\(learned) against \(random)")
  }

  @Test(arguments: [0, 1, 2] as [UInt64]) func learnsPendulum(seed: UInt64) throws {
    // stable-baselines3's tuned settings for Pendulum: short horizon, no more.
    let ppo = try Self.trainer("Pendulum-v1", seed: seed) {
      $0.rolloutSteps = 256
      $0.gamma = 0.9
      $0.learningRate = 1e-3
      $0.normalizesObservations = true
      $0.normalizesRewards = true
    }
    try ppo.train(totalSteps: 150_000)
    let test = try Environments.make("Pendulum-v1", count: 8)
    let learned = try Self.meanReturn(evaluate(ppo.policy, in: test, episodes: 16, seed: 1_000))
    let random = try Self.meanReturn(playRandomly(in: test, episodes: 16, seed: 1_000))
    #expect(random < -900)
    #expect(learned > random + 500, "\(learned) against \(random)")
  }

  /// A reward function is what is learned, not the environment's own reward: pay CartPole for leaning to the right.
  @Test func optimisesTheRewardItIsGiven() throws {
    let ppo = try Self.trainer("Pendulum-v1", reward: .function(ActionReward(sign: 1)))
    let opposite = try Self.trainer("Pendulum-v1", reward: .function(ActionReward(sign: -1)))
    var statistics: [TermStatistics] = []
    try ppo.train(totalSteps: 20_000, onIteration: { statistics = $0.terms })
    try opposite.train(totalSteps: 20_000)
    let test = try Environments.make("Pendulum-v1", count: 4)
    func meanAction(_ ppo: PPO) throws -> Double {
      let episodes = try evaluate(ppo.policy, in: test, episodes: 4, seed: 3)
      let actions = episodes.flatMap { episode in
        (0..<episode.length).compactMap { episode.transitions.column("action")?[$0] }
      }
      return actions.reduce(0, +) / Double(actions.count)
    }
    #expect(try meanAction(ppo) > 1 && meanAction(opposite) < -1)
    #expect(statistics.map(\.name) == ["push"])
    #expect(statistics[0].min <= statistics[0].mean && statistics[0].mean <= statistics[0].max)
  }

  /// The episodic reward sees each episode whole, also where it spans several rollouts, and pays on its last step.
  @Test func episodicRewardSeesWholeEpisodes() throws {
    let seen = Mutex<[Int]>([])
    let source = RewardSource.episodic { transitions, length in
      guard let step = transitions.column("step") else { return .nan }
      for row in 0..<length where step[row] != Double(row + 1) { return .nan }
      seen.withLock { $0.append(length) }
      return 5
    }
    let ppo = try Self.trainer("Pendulum-v1", count: 2, reward: source) { $0.rolloutSteps = 90 }
    var returns: [Double] = []
    try ppo.train(totalSteps: 1_800, onIteration: { returns += $0.returns })
    #expect(seen.withLock { $0 } == Array(repeating: 200, count: 8))
    #expect(returns == Array(repeating: 5, count: 8))
  }

  /// An episodic reward can be learned from: CartPole paid with its length at the end.
  @Test(arguments: [0, 1, 2] as [UInt64]) func learnsFromOneNumberAnEpisode(seed: UInt64) throws {
    let ppo = try Self.trainer("CartPole-v1", seed: seed, reward: .episodic { _, length in Double(length) }) {
      $0.normalizesRewards = true
      // The whole episode earned it, each step alike.
      $0.gamma = 1
      $0.lambda = 1
    }
    try ppo.train(totalSteps: 100_000)
    let test = try Environments.make("CartPole-v1", count: 8)
    let learned = try Self.meanReturn(evaluate(ppo.policy, in: test, episodes: 16, seed: 1_000))
    let random = try Self.meanReturn(playRandomly(in: test, episodes: 16, seed: 1_000))
    #expect(learned > random + 60, "\(learned) against \(random)")
  }

  @Test func aRewardThatIsNotFiniteStopsTheTrainingAndNamesTheTerm() throws {
    let reward = RewardSource.function(ActionReward(sign: .nan))
    let ppo = try Self.trainer("Pendulum-v1", reward: reward)
    do {
      try ppo.train(totalSteps: 2_000)
      Issue.record("it went on")
    } catch let error as GuerdonError {
      #expect(error.message.contains("\"push\"") && error.message.contains("nan"))
    }
    let patient = try Self.trainer("Pendulum-v1", reward: reward) { $0.nonFinite = .impute(-1) }
    try patient.train(totalSteps: 1_024)
    #expect(patient.imputedRewards == 1_024)
  }

  @Test func sameSeedSameNumbersWhateverTheThreads() throws {
    let runs = try [1, 2, 3].map { threads in
      let ppo = try Self.trainer("HalfCheetah-v5", seed: 4, threads: threads) {
        $0.normalizesObservations = true
        $0.normalizesRewards = true
      }
      try ppo.train(totalSteps: 4_096)
      return ppo.actor.parameters.array + ppo.critic.parameters.array
    }
    #expect(runs[0] == runs[1] && runs[1] == runs[2])
    let other = try Self.trainer("HalfCheetah-v5", seed: 5)
    try other.train(totalSteps: 4_096)
    #expect(other.actor.parameters.array != Array(runs[0].prefix(other.actor.parameters.count)))
  }

  @Test func refusesAConfigurationThatCannotWork() {
    #expect(throws: GuerdonError.self) { try Self.trainer("CartPole-v1") { $0.minibatch = 1 } }
    #expect(throws: GuerdonError.self) { try Self.trainer("CartPole-v1") { $0.hidden = [0] } }
  }
}

/// Pays for pushing to one side.
struct ActionReward: RewardFunction {
  var sign: Double
  var termNames: [String] { ["push"] }
  func makeEvaluator() -> any RewardEvaluator { Evaluator(sign: sign) }

  final class Evaluator: RewardEvaluator {
    let sign: Double
    init(sign: Double) { self.sign = sign }
    func evaluate(
      _ batch: TransitionBatch, rows: Range<Int>, total: UnsafeMutablePointer<Double>,
      terms: UnsafeMutablePointer<Double>?
    ) {
      for (i, row) in rows.enumerated() {
        let value = sign * min(max(batch.column("action")?[row] ?? .nan, -2), 2)
        total[i] = value
        terms?[i] = value
      }
    }
  }
}
