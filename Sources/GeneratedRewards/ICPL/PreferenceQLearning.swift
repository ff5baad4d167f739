import Basics
import Experiments

/// PrefPPO's way of learning a reward, with the Misfit world's Q-learning in PPO's place: the baseline that learns a
/// reward model from Q labels.
///
/// The policy acts, pairs of its recent episodes on which the ensemble disagrees most are labelled, the ensemble is
/// fitted to all labels so far, and the policy goes on with the new reward.
public enum PreferenceQLearning {
  public struct Configuration: Sendable, Hashable, Codable {
    /// Labelling sessions over which the labels are spread.
    public var sessions = 10
    /// Environment steps while labels are collected, all sessions together.
    public var collectionSteps = 12_000
    /// Random pairs drawn for each one that is labelled.
    public var candidates = 10
    public var ensemble = PreferenceEnsemble.Configuration()

    public init() {}

    func check() throws {
      guard sessions >= 1, candidates >= 1, collectionSteps >= sessions * MisfitWorld.horizon else {
        throw GuerdonError.usage(
          "icpl's baseline needs sessions, candidates, and at least \(MisfitWorld.horizon) collection steps a session.")
      }
      try ensemble.check()
    }
  }

  /// - Parameters:
  ///   - labels: Q, the pairs that the teacher compares.
  ///   - seed: of the policy, the ensemble and the pairs.
  /// - Returns: the learned reward of every transition, for a fresh training.
  static func learnReward(
    in world: MisfitWorld, labels: Int, _ configuration: Configuration, teacher: inout ProxyTeacher, seed: UInt64
  ) throws -> [Double] {
    try configuration.check()
    let count = world.next.count, width = MisfitWorld.schema.width
    let inputs = (0..<count).flatMap { world.transitions.record($0) }
    var ensemble = try PreferenceEnsemble(
      inputs: inputs, width: width, configuration: configuration.ensemble, seed: seed)
    var random = RandomGenerator(seed: seed, spawnKey: [0x70_72_66])
    var learner = MisfitWorld.Learner(in: world, seed: random.next())
    // Before the first label the reward is nil, and the policy explores at random.
    var rewards = [Double](repeating: 0, count: count)
    var comparisons: [PreferenceEnsemble.Comparison] = []
    var episode: [Int] = []
    for session in 0..<configuration.sessions {
      var recent: [[Int]] = []
      for _ in 0..<configuration.collectionSteps / configuration.sessions {
        let taken = learner.step(rewards)
        episode.append(taken.row)
        if taken.endsEpisode {
          recent.append(episode)
          episode = []
        }
      }
      let wanted = labels * (session + 1) / configuration.sessions - labels * session / configuration.sessions
      guard recent.count >= 2, wanted > 0 else { continue }
      // Disagreement sampling; the earlier pair on ties.
      let pairs = (0..<wanted * configuration.candidates).map { _ -> (first: [Int], second: [Int]) in
        let first = random.integer(below: recent.count), other = random.integer(below: recent.count - 1)
        return (recent[first], recent[other < first ? other : other + 1])
      }
      let disputes = pairs.map { ensemble.disagreement(first: $0.first, second: $0.second) }
      let order = pairs.indices.sorted { (disputes[$1], $0) < (disputes[$0], $1) }
      for index in order.prefix(wanted) {
        let (first, second) = pairs[index]
        let answer = teacher.compare(world.score(of: first), world.score(of: second))
        comparisons.append(.init(first: first, second: second, answer: answer))
      }
      ensemble.fit(comparisons)
      rewards = ensemble.meanRewards
    }
    return rewards
  }
}
