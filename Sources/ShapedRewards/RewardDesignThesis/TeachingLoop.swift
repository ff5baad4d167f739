import Basics
import FiniteMDPs
import Foundation

/// One episode as a teacher sees it.
public struct TaughtEpisode: Sendable {
  public internal(set) var states: [Int] = []
  public internal(set) var actions: [Int] = []
  /// s_{t + 1}.
  public internal(set) var next: [Int] = []
  /// Whether the last step ended it in a terminal state; else it was cut off.
  public internal(set) var isTerminal = false
  /// R̄ of every step, what the designer really wants.
  public internal(set) var original: [Double] = []
  /// R̂ of every step, what the learner was paid.
  public internal(set) var designed: [Double] = []
  /// π(·|s_t) of the policy that acted, [T, A].
  public internal(set) var probabilities: [Double] = []

  public var count: Int { states.count }

  /// G_t = Σ_{k ≥ t} γ^{k − t} r_k, [T].
  public static func returns(_ rewards: [Double], discount: Double) -> [Double] {
    var returns = rewards
    for t in rewards.indices.dropLast().reversed() { returns[t] += discount * returns[t + 1] }
    return returns
  }
}

/// Whoever decides what the learner is paid.
public protocol RewardTeacher: Sendable {
  /// R̂ of one step; `original` is its R̄.
  func reward(_ state: Int, _ action: Int, next: Int, original: Double) -> Double
  /// Counts that an action was taken in a state, after it was paid.
  mutating func visited(_ state: Int)
  /// Learns from the buffer of recent episodes.
  /// - Parameter policy: the learner's, now.
  mutating func update(_ episodes: [TaughtEpisode], policy: TabularPolicy) throws
}

extension RewardTeacher {
  public mutating func visited(_ state: Int) {}
  public mutating func update(_ episodes: [TaughtEpisode], policy: TabularPolicy) throws {}
}

/// A reward that stays as it is, in place of R̄.
public struct FixedTeacher: RewardTeacher {
  private let table: [Double]
  private let actionCount: Int

  /// - Parameter table: [S, A].
  public init(_ table: [Double], actionCount: Int) { (self.table, self.actionCount) = (table, actionCount) }

  public func reward(_ state: Int, _ action: Int, next: Int, original: Double) -> Double {
    table[state * actionCount + action]
  }
}

/// Whoever is taught.
public protocol TaughtLearner: Sendable {
  /// How it acts now.
  var policy: TabularPolicy { get }
  /// Learns from recent episodes, paid as they were.
  mutating func learn(from episodes: ArraySlice<TaughtEpisode>, discount: Double)
}

/// REINFORCE over a table of preferences θ, without a baseline.
///
/// θ ← θ + η Σ_t G_t ∇ log π(a_t|s_t) / (number of transitions): a mean over transitions, not over episodes.
public struct TabularReinforce: TaughtLearner {
  /// η.
  public let rate: Double
  /// θ, [S, A].
  public private(set) var preferences: [Double]
  /// softmax(θ).
  public private(set) var policy: TabularPolicy

  /// - Parameter preferences: where the learner starts, [S, A].
  public init(preferences: [Double], actionCount: Int, rate: Double) {
    self.rate = rate
    self.preferences = preferences
    policy = .softmax(preferences, actionCount: actionCount)
  }

  public mutating func learn(from episodes: ArraySlice<TaughtEpisode>, discount: Double) {
    let actions = policy.actionCount
    var gradient = [Double](repeating: 0, count: preferences.count), transitions = 0
    for episode in episodes {
      let returns = TaughtEpisode.returns(episode.designed, discount: discount)
      for t in 0..<episode.count {
        let begin = episode.states[t] * actions
        gradient[begin + episode.actions[t]] += returns[t]
        for a in 0..<actions { gradient[begin + a] -= returns[t] * policy.probabilities[begin + a] }
      }
      transitions += episode.count
    }
    guard transitions > 0 else { return }
    for k in preferences.indices { preferences[k] += rate * gradient[k] / Double(transitions) }
    policy = .softmax(preferences, actionCount: actions)
  }
}

/// Draws successors of a finite process.
public struct TransitionSampler: Sendable {
  private let actionCount: Int
  private let starts: [Int], targets: [Int], cumulative: [Double]
  private let firstStates: [Double]
  private let isTerminal: [Bool]
  private let rewards: [Double]

  public init(_ mdp: FiniteMDP) {
    actionCount = mdp.actionCount
    var starts = [0], targets: [Int] = [], cumulative: [Double] = []
    for s in 0..<mdp.stateCount {
      for a in 0..<mdp.actionCount {
        var sum = 0.0
        for successor in mdp.transitions.successors(of: s, under: a) {
          sum += successor.probability
          targets.append(successor.state)
          cumulative.append(sum)
        }
        starts.append(targets.count)
      }
    }
    (self.starts, self.targets, self.cumulative) = (starts, targets, cumulative)
    var sum = 0.0
    firstStates = mdp.initial.map { sum += $0; return sum }
    isTerminal = mdp.isTerminal
    rewards = mdp.expectedReward
  }

  public func first(random: inout RandomGenerator) -> Int {
    let u = random.uniform()
    return firstStates.firstIndex { u < $0 } ?? (firstStates.lastIndex { $0 > 0 } ?? 0)
  }

  /// s' ~ P(· | s, a), whether the episode ends there, and R̄(s, a).
  public func step(
    _ state: Int, _ action: Int, random: inout RandomGenerator
  ) -> (next: Int, isTerminal: Bool, reward: Double) {
    let row = state * actionCount + action
    let u = random.uniform()
    var k = starts[row]
    while k < starts[row + 1] - 1, u >= cumulative[k] { k += 1 }
    return (targets[k], isTerminal[targets[k]], rewards[row])
  }
}

/// The number of an entry, drawn with the entries as probabilities.
func draw(from probabilities: ArraySlice<Double>, random: inout RandomGenerator) -> Int {
  var left = random.uniform(), action = 0
  while action < probabilities.count - 1, left >= probabilities[probabilities.startIndex + action] {
    left -= probabilities[probabilities.startIndex + action]
    action += 1
  }
  return action
}

/// The loop that teaches: every episode is played on R̂; every N_r episodes the teacher learns from the last ten, every
/// N_p the learner from the last five.
public struct TeachingLoop: Sendable, Codable, Hashable {
  /// N_r.
  public var teacherEvery = 5
  /// N_p.
  public var learnerEvery = 2
  public var buffer = 10
  public var recent = 5
  /// H: steps after which an episode is cut off.
  public var horizon = 30

  public init(horizon: Int = 30) { self.horizon = horizon }

  /// - Throws: `GuerdonError` for numbers below 1.
  public func check() throws {
    guard [teacherEvery, learnerEvery, buffer, recent, horizon].allSatisfy({ $0 >= 1 }) else {
      throw GuerdonError.usage("A teaching loop's counts (teacherEvery, learnerEvery, buffer, recent, horizon) are "
        + "1 or more.")
    }
  }

  /// - Parameter observe: called after every episode with its number from 1, the episode and the policy that came of
  ///   it; false stops.
  public func run(
    in mdp: FiniteMDP, teacher: inout some RewardTeacher, learner: inout some TaughtLearner, episodes: Int,
    random: inout RandomGenerator, observe: (Int, TaughtEpisode, TabularPolicy) throws -> Bool
  ) throws {
    try check()
    let sampler = TransitionSampler(mdp)
    var recentEpisodes: [TaughtEpisode] = []
    for number in stride(from: 1, through: episodes, by: 1) {
      let episode = play(sampler, &teacher, learner.policy, &random)
      recentEpisodes.append(episode)
      if recentEpisodes.count > buffer { recentEpisodes.removeFirst() }
      if number % teacherEvery == 0 { try teacher.update(recentEpisodes, policy: learner.policy) }
      if number % learnerEvery == 0 { learner.learn(from: recentEpisodes.suffix(recent), discount: mdp.discount) }
      if try !observe(number, episode, learner.policy) { return }
    }
  }

  private func play(
    _ sampler: TransitionSampler, _ teacher: inout some RewardTeacher, _ policy: TabularPolicy,
    _ random: inout RandomGenerator
  ) -> TaughtEpisode {
    var episode = TaughtEpisode()
    var state = sampler.first(random: &random)
    let actions = policy.actionCount
    for _ in 0..<horizon {
      let row = policy.probabilities[state * actions..<(state + 1) * actions]
      let action = draw(from: row, random: &random)
      let step = sampler.step(state, action, random: &random)
      episode.states.append(state)
      episode.actions.append(action)
      episode.next.append(step.next)
      episode.original.append(step.reward)
      episode.designed.append(teacher.reward(state, action, next: step.next, original: step.reward))
      episode.probabilities += row
      teacher.visited(state)
      if step.isTerminal {
        episode.isTerminal = true
        break
      }
      state = step.next
    }
    return episode
  }
}
