import Basics
import Environments
import Foundation
import Synchronization
import Testing

@testable import Agents

/// A live reward that pays `rate` times the environment's own, the rate changing as it is told to.
private final class ScriptedReward: LiveReward {
  private struct State {
    var environment: [Double] = []
    var observed = 0
    /// Calls of `revise` since the last rollout.
    var calls = 0
    var allCalls = 0
    var forgotten = 0
    var paid: Double?
  }

  private let state = Mutex(State())
  /// The rate at the n-th call on a rollout, from 0.
  private let rate: @Sendable (Int) -> Double

  init(rate: @escaping @Sendable (Int) -> Double) { self.rate = rate }

  var observed: Int { state.withLock { $0.observed } }
  var calls: Int { state.withLock { $0.allCalls } }
  var forgotten: Int { state.withLock { $0.forgotten } }

  func observe(_ rollout: CollectedRollout) {
    state.withLock {
      $0.environment = rollout.environmentRewards
      $0.observed += rollout.rows
      $0.calls = 0
      $0.paid = nil
    }
  }

  func revise(_ rewards: inout [Double]) -> Bool {
    let rewritten: [Double]? = state.withLock { state in
      let rate = rate(state.calls)
      state.calls += 1
      state.allCalls += 1
      if state.paid == rate { return nil }
      state.paid = rate
      return state.environment.map { rate * $0 }
    }
    guard let rewritten else { return false }
    rewards = rewritten
    return true
  }

  func forgetOpenEpisodes() { state.withLock { $0.forgotten += 1 } }
}

@Suite struct LiveRewardTests {
  private func parameters(_ reward: RewardSource) throws -> [Float] {
    let ppo = try PPOTests.trainer("Pendulum-v1", reward: reward) { $0.minibatch = 256 }
    try ppo.train(totalSteps: 4_096)
    return ppo.actor.parameters.array + ppo.critic.parameters.array
  }

  /// 1024 rows in minibatches of 256, 3 epochs: once when collected, then before each of 12 minibatches.
  @Test func isAskedBeforeEachMinibatch() throws {
    let reward = ScriptedReward { _ in 1 }
    let ppo = try PPOTests.trainer("Pendulum-v1", reward: .live(reward)) {
      $0.minibatch = 256
      $0.epochs = 3
    }
    _ = try ppo.iterate()
    #expect(reward.observed == 1_024 && reward.calls == 13)
  }

  @Test func aConstantOneIsTheEnvironmentsOwn() throws {
    #expect(try parameters(.live(ScriptedReward { _ in 1 })) == parameters(.environment))
    #expect(try parameters(.live(ScriptedReward { _ in 0.5 })) != parameters(.environment))
  }

  /// What it paid when the rollout was collected is forgotten when the first minibatch is consumed.
  @Test func whatWasPaidAtFirstIsNotKept() throws {
    #expect(try parameters(.live(ScriptedReward { $0 == 0 ? -7 : 1 })) == parameters(.environment))
    // And a change in the middle of an update is noticed.
    #expect(try parameters(.live(ScriptedReward { $0 < 20 ? 1 : -1 })) != parameters(.environment))
  }

  @Test func aRecurrentPolicyAsksToo() throws {
    func trained(_ source: RewardSource) throws -> [Float] {
      var configuration = RecurrentPPO.Configuration()
      configuration.rolloutSteps = 16
      configuration.hidden = 8
      configuration.epochs = 2
      configuration.minibatches = 2
      let ppo = try RecurrentPPO(
        environment: Environments.make("Pendulum-v1", count: 4), configuration: configuration, reward: source, seed: 0)
      try ppo.train(totalSteps: 128)
      return ppo.network.parameters().flatMap { $0.detach().array(of: Float.self) }
    }
    let reward = ScriptedReward { $0 == 0 ? -7 : 1 }
    #expect(try trained(.live(reward)) == trained(.environment))
    #expect(reward.observed == 128 && reward.calls == 2 * (1 + 4))
    #expect(try trained(.live(ScriptedReward { $0 < 2 ? 1 : -1 })) != trained(.environment))
  }

  @Test func aTableLearnsFromItStepByStep() throws {
    let reward = ScriptedReward { _ in 2 }
    let world = try DiscreteEnvironment(Environments.make("CliffWalking-v1", count: 1), reward: .live(reward))
    var random = RandomGenerator(seed: 0)
    _ = world.reset(random: &random)
    #expect(try world.step(0, random: &random).reward == -2)
    _ = world.reset(random: &random)
    #expect(reward.observed == 1 && reward.forgotten == 1)
  }

  @Test func whatCannotGoWithItIsRefused() throws {
    let reward = ScriptedReward { _ in 1 }
    #expect(throws: GuerdonError.self) {
      try PPOTests.trainer("Pendulum-v1", reward: .live(reward)) { $0.normalizesRewards = true }
    }
    let ppo = try PPOTests.trainer("Pendulum-v1", reward: .live(reward))
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("live-\(UUID().uuidString)")
    #expect(throws: GuerdonError.self) { try ppo.save(to: url) }
    #expect(!FileManager.default.fileExists(atPath: url.path))
  }

  @Test func aRewardThatIsNotFiniteStopsTheTraining() throws {
    let ppo = try PPOTests.trainer("Pendulum-v1", reward: .live(ScriptedReward { $0 < 2 ? 1 : .nan }))
    #expect(throws: GuerdonError.self) { _ = try ppo.iterate() }
  }
}
