import Basics
import Environments
import Foundation
import Testing

@testable import Agents

/// SAC, TD3 and DQN learn, resume and repeat themselves.
@Suite struct OffPolicyTests {
  static func sac(_ id: String = "Pendulum-v1", seed: UInt64, threads: Int = 2, count: Int = 1,
                  reward: RewardSource = .environment) throws -> SAC {
    var configuration = SAC.Configuration()
    configuration.learningRate = 1e-3
    configuration.hidden = [64, 64]
    configuration.minibatch = 128
    configuration.bufferSize = 50_000
    configuration.normalizesObservations = id == "Hopper-v5"
    configuration.normalizesRewards = id == "Hopper-v5"
    let pool = WorkerPool(threads: threads)
    return try SAC(
      environment: Environments.make(id, count: count, pool: pool), configuration: configuration, reward: reward,
      seed: seed, pool: pool)
  }

  static func td3(seed: UInt64) throws -> TD3 {
    var configuration = TD3.Configuration()
    configuration.hidden = [64, 64]
    configuration.minibatch = 128
    configuration.learningStarts = 1_000
    configuration.bufferSize = 50_000
    let pool = WorkerPool(threads: 2)
    return try TD3(
      environment: Environments.make("Pendulum-v1", count: 1, pool: pool), configuration: configuration, seed: seed,
      pool: pool)
  }

  /// The zoo's settings for CartPole, on a smaller network.
  static func dqn(seed: UInt64, isFull: Bool, reward: RewardSource = .environment) throws -> DQN {
    var configuration = DQN.Configuration()
    configuration.learningRate = 2.3e-3
    configuration.minibatch = 64
    configuration.bufferSize = 100_000
    configuration.learningStarts = 1_000
    configuration.targetUpdateInterval = 10
    configuration.trainFrequency = 256
    configuration.gradientSteps = 128
    configuration.explorationSteps = 8_000
    configuration.finalEpsilon = 0.04
    configuration.isDouble = isFull
    configuration.isDuelling = isFull
    configuration.nSteps = isFull ? 3 : 1
    return try DQN(
      environment: Environments.make("CartPole-v1", count: 1), configuration: configuration, reward: reward, seed: seed)
  }

  /// Pendulum's random behaviour is worth about −1,200, and standing up about −150.
  private func swingsUp(_ agent: OffPolicyAgent) throws {
    try agent.train(totalSteps: 8_000)
    let test = try Environments.make("Pendulum-v1", count: 8)
    let learned = try PPOTests.meanReturn(evaluate(agent.policy, in: test, episodes: 16, seed: 1_000))
    let random = try PPOTests.meanReturn(playRandomly(in: test, episodes: 16, seed: 1_000))
    #expect(random < -900)
    #expect(learned > random + 500, "\(learned) against \(random)")
  }

  @Test(arguments: [0, 1, 2] as [UInt64]) func sacLearnsPendulum(seed: UInt64) throws {
    try swingsUp(Self.sac(seed: seed))
  }

  @Test(arguments: [0, 1, 2] as [UInt64]) func td3LearnsPendulum(seed: UInt64) throws {
    try swingsUp(Self.td3(seed: seed))
  }

  @Test(arguments: [0, 1, 2] as [UInt64], [false, true]) func dqnLearnsCartPole(seed: UInt64, isFull: Bool) throws {
    let agent = try Self.dqn(seed: seed, isFull: isFull)
    let test = try Environments.make("CartPole-v1", count: 8)
    let random = try PPOTests.meanReturn(playRandomly(in: test, episodes: 16, seed: 1_000))
    // DQN forgets and learns again: the best of the last few checks is what it can do.
    var learned = 0.0
    for total in [25_000, 30_000, 35_000] where learned < 180 {
      try agent.train(totalSteps: total)
      learned = try max(
        learned, PPOTests.meanReturn(evaluate(agent.policy, in: test, episodes: 16, seed: 1_000)))
    }
    #expect(random < 60)
    #expect(learned > random + 100, "\(learned) against \(random)")
  }

  /// What is optimised is the reward given, through the same source as PPO's.
  @Test func theRewardGivenIsOptimised() throws {
    var means: [Double] = []
    for sign in [1.0, -1.0] {
      let agent = try Self.sac(seed: 3, reward: .function(ActionReward(sign: sign)))
      var terms: [TermStatistics] = []
      try agent.train(totalSteps: 3_000, onReport: { terms = $0.terms })
      #expect(terms.map(\.name) == ["push"] && terms[0].min <= terms[0].mean && terms[0].mean <= terms[0].max)
      let test = try Environments.make("Pendulum-v1", count: 4)
      let episodes = try evaluate(agent.policy, in: test, episodes: 4, seed: 3)
      let pushes: [Double] = episodes.flatMap { episode in
        (0..<episode.length).compactMap { episode.transitions.column("action")?[$0] }
      }
      means.append(pushes.reduce(0, +) / Double(pushes.count))
    }
    #expect(means[0] > 1 && means[1] < -1, "\(means)")
  }

  @Test func anEpisodicRewardIsPaidOnceAnEpisode() throws {
    let agent = try Self.dqn(seed: 1, isFull: false, reward: .episodic { _, length in Double(length) })
    var returns: [Double] = [], lengths: [Int] = []
    try agent.train(totalSteps: 2_000, onReport: { report in
      returns += report.returns
      lengths += report.episodeLengths
    })
    #expect(lengths.count > 20 && returns == lengths.map(Double.init))
  }

  @Test func aRewardThatIsNotFiniteStopsTheTraining() throws {
    let agent = try Self.sac(seed: 1, reward: .function(ActionReward(sign: .nan)))
    #expect(throws: GuerdonError.self) { try agent.train(totalSteps: 10) }
  }

  /// An end of the episode by the time limit is no termination: the value of what would follow counts.
  @Test func truncationIsNotTermination() throws {
    let agent = try Self.sac(seed: 1, count: 2)
    try agent.train(totalSteps: 900)
    let ends = agent.replay.ends.prefix(agent.replay.size)
    #expect(ends.count(where: { $0 == ReplayBuffer.End.truncated.rawValue }) == 4)
    #expect(!ends.contains(ReplayBuffer.End.terminated.rawValue))
    // Row 199 of each environment ends its episode: the next observation is not the next episode's first one.
    for i in 0..<2 {
      let last = (199 * 2 + i) * 3, first = (200 * 2 + i) * 3, ordinary = (100 * 2 + i) * 3
      let replay = agent.replay
      #expect((0..<3).contains { replay.nextObservations.base[last + $0] != replay.observations.base[first + $0] })
      #expect((0..<3).allSatisfy {
        replay.nextObservations.base[ordinary + $0] == replay.observations.base[ordinary + 6 + $0]
      })
    }
  }

  private func parameters(_ agent: OffPolicyAgent) -> [[Float]] { agent.networks.map { $0.network.parameters.array } }

  @Test func sameSeedSameNumbersWhateverTheThreads() throws {
    let one = try Self.sac("Hopper-v5", seed: 4, threads: 1, count: 2)
    let two = try Self.sac("Hopper-v5", seed: 4, threads: 2, count: 2)
    let other = try Self.sac("Hopper-v5", seed: 5, threads: 2, count: 2)
    for agent in [one, two, other] { try agent.train(totalSteps: 400) }
    #expect(parameters(one) == parameters(two) && one.random == two.random)
    #expect(parameters(one) != parameters(other))
  }

  /// 2 N steps at once, and N, a save, a load into a fresh object, and N more: the same bits.
  @Test func resumesAsIfNeverStopped() throws {
    let make: [(UInt64) throws -> OffPolicyAgent] = [
      { try Self.sac("Hopper-v5", seed: $0, count: 2) }, { try Self.td3(seed: $0) },
      { try Self.dqn(seed: $0, isFull: true, reward: .episodic { _, length in Double(length) }) },
    ]
    for make in make {
      let url = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(UUID().uuidString).safetensors")
      defer { try? FileManager.default.removeItem(at: url) }
      let whole = try make(1)
      try whole.train(totalSteps: 2_600)
      let half = try make(1)
      try half.train(totalSteps: 1_302)
      try half.save(to: url)
      let resumed = try make(99)
      try resumed.restore(from: url)
      #expect(resumed.steps == 1_302 && resumed.updates == half.updates)
      try resumed.train(totalSteps: 2_600)
      #expect(parameters(resumed) == parameters(whole))
      #expect(resumed.random == whole.random && resumed.updates == whole.updates && whole.updates > 0)
      for (ours, theirs) in zip(resumed.optimizers, whole.optimizers) {
        #expect(ours.optimizer.square.array == theirs.optimizer.square.array)
      }
      #expect(throws: GuerdonError.self) { try Policy.load(url) }
    }
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(UUID().uuidString).safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    try Self.td3(seed: 1).save(to: url)
    #expect(throws: GuerdonError.self) { try Self.sac(seed: 1).restore(from: url) }
    try Files.write(Files.read(url).dropLast(8), to: url)
    #expect(throws: GuerdonError.self) { try Self.td3(seed: 1).restore(from: url) }
  }

  @Test func savedPoliciesActAsTheTrainedOnes() throws {
    for agent: OffPolicyAgent in try [Self.sac(seed: 2), Self.td3(seed: 2), Self.dqn(seed: 2, isFull: true)] {
      let url = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(UUID().uuidString).safetensors")
      defer { try? FileManager.default.removeItem(at: url) }
      try agent.train(totalSteps: 1_100)
      try agent.policy.save(to: url)
      let test = try Environments.make(agent.policy.environment, count: 2)
      let ours = try evaluate(agent.policy, in: test, episodes: 2, seed: 4).map(\.environmentReturn)
      let theirs = try evaluate(try Policy.load(url), in: test, episodes: 2, seed: 4).map(\.environmentReturn)
      #expect(ours == theirs)
    }
  }

  @Test func refusesTheWrongActions() throws {
    #expect(throws: GuerdonError.self) { try SAC(environment: Environments.make("CartPole-v1", count: 1), seed: 0) }
    #expect(throws: GuerdonError.self) { try TD3(environment: Environments.make("CartPole-v1", count: 1), seed: 0) }
    #expect(throws: GuerdonError.self) { try DQN(environment: Environments.make("Pendulum-v1", count: 1), seed: 0) }
  }
}
