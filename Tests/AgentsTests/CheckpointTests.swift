import Basics
import Environments
import Foundation
import Testing

@testable import Agents

@Suite struct CheckpointTests {
  private func trainer(seed: UInt64 = 1, reward: RewardSource = .environment) throws -> PPO {
    try PPOTests.trainer("HalfCheetah-v5", count: 4, seed: seed, reward: reward) {
      $0.normalizesObservations = true
      $0.normalizesRewards = true
    }
  }

  private func file() -> URL {
    FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(UUID().uuidString).safetensors")
  }

  /// 2 N steps at once, and N, a save, a load into a fresh object, and N more: the same bits.
  @Test func resumesAsIfNeverStopped() throws {
    let sources: [RewardSource] = [.environment, .episodic { batch, length in batch.column("x_position")?[length - 1] ?? .nan }]
    for source in sources {
      let url = file()
      defer { try? FileManager.default.removeItem(at: url) }
      let whole = try trainer(reward: source)
      try whole.train(totalSteps: 4_096)
      let half = try trainer(reward: source)
      try half.train(totalSteps: 2_048)
      try half.save(to: url)
      let resumed = try trainer(seed: 99, reward: source)
      try resumed.restore(from: url)
      try resumed.train(totalSteps: 4_096)
      #expect(resumed.steps == whole.steps)
      #expect(resumed.actor.parameters.array == whole.actor.parameters.array)
      #expect(resumed.critic.parameters.array == whole.critic.parameters.array)
      #expect(resumed.observationMoments == whole.observationMoments && resumed.rewardNormalizer == whole.rewardNormalizer)
      #expect(resumed.random == whole.random)
    }
  }

  @Test func aSavedPolicyActsAsTheTrainedOne() throws {
    let url = file()
    defer { try? FileManager.default.removeItem(at: url) }
    let trainer = try trainer()
    try trainer.train(totalSteps: 1_024)
    try trainer.policy.save(to: url)
    let loaded = try Policy.load(url)
    let test = try Environments.make("HalfCheetah-v5", count: 2, maxEpisodeSteps: 50)
    let ours = try evaluate(trainer.policy, in: test, episodes: 2, seed: 4).map(\.environmentReturn)
    let theirs = try evaluate(loaded, in: test, episodes: 2, seed: 4).map(\.environmentReturn)
    #expect(ours == theirs)
  }

  /// Every file that is not what it should be is one sentence, and changes nothing.
  @Test func refusesWhatIsNoCheckpoint() throws {
    let url = file()
    defer { try? FileManager.default.removeItem(at: url) }
    let trainer = try trainer()
    try trainer.train(totalSteps: 512)
    try trainer.save(to: url)
    let good = try Files.read(url)
    let before = trainer.actor.parameters.array
    for damaged in [Data(), good.prefix(100), good.dropLast(8), Data(good.reversed())] {
      try Files.write(Data(damaged), to: url)
      #expect(throws: GuerdonError.self) { try trainer.restore(from: url) }
      #expect(throws: GuerdonError.self) { try Policy.load(url) }
    }
    try trainer.policy.save(to: url)
    #expect(throws: GuerdonError.self) { try trainer.restore(from: url) }
    try Files.write(good, to: url)
    #expect(throws: GuerdonError.self) { try Policy.load(url) }
    let other = try PPOTests.trainer("HalfCheetah-v5", count: 2)
    #expect(throws: GuerdonError.self) { try other.restore(from: url) }
    #expect(trainer.actor.parameters.array == before)
  }
}
