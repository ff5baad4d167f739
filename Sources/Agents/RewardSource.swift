import Basics
import Environments
import Rewards

/// Where the reward that is optimised comes from.
public enum RewardSource: Sendable {
  /// The environment's own.
  case environment
  /// A reward function over transitions.
  case function(any RewardFunction)
  /// One number an episode, paid on its last step and nothing before; given the episode's transitions, rows in time
  /// order, and its length. A time limit ends the episode for good, as termination does.
  case episodic(@Sendable (TransitionBatch, Int) throws -> Double)
  /// A reward function's reward on every step, and an episode's number besides on its last one.
  case sum(any RewardFunction, episodic: @Sendable (TransitionBatch, Int) throws -> Double)
  /// A reward that changes while it is learned from.
  case live(any LiveReward)
}

/// What to do with a reward that is not a finite number. Never silently 0.
public enum NonFinitePolicy: Sendable, Hashable, Codable {
  /// Stop the training with an error that names the term and the step.
  case abort
  /// Put this value in its place, and count it.
  case impute(Double)
}

/// Statistics of one term over one rollout.
public struct TermStatistics: Sendable, Hashable, Codable {
  public var name: String
  public var mean: Double
  public var min: Double
  public var max: Double
}

/// Computes the rewards of rollouts from a `RewardSource`.
final class RewardMeter {
  private let score: (@Sendable (TransitionBatch, Int) throws -> Double)?
  private let policy: NonFinitePolicy
  private let evaluator: (any RewardEvaluator)?
  private let live: (any LiveReward)?
  private let termNames: [String]
  private var terms: [Double] = []
  /// Each environment's episode so far, for episodic rewards.
  private var open: [TransitionBatch] = []
  private(set) var lengths: [Int]
  /// Rewards imputed since the training began.
  private(set) var imputed = 0

  /// - Throws: what the function throws when it makes an evaluator.
  init(_ source: RewardSource, policy: NonFinitePolicy, environment: any VectorEnvironment) throws {
    self.policy = policy
    lengths = Array(repeating: 0, count: environment.count)
    let function: (any RewardFunction)?
    switch source {
    case .environment: (function, score, live) = (nil, nil, nil)
    case .function(let given): (function, score, live) = (given, nil, nil)
    case .episodic(let given): (function, score, live) = (nil, given, nil)
    case .sum(let first, let second): (function, score, live) = (first, second, nil)
    case .live(let given): (function, score, live) = (nil, nil, given)
    }
    evaluator = try function?.makeEvaluator()
    termNames = function?.termNames ?? []
    if score != nil {
      let spec = environment.spec
      open = (0..<environment.count).map { _ in
        TransitionBatch(schema: spec.schema, capacity: spec.maxEpisodeSteps)
      }
    }
  }

  /// Overwrites `rollout.rewards`, which hold the environment's own.
  /// - Returns: the statistics of the terms.
  /// - Throws: `GuerdonError` when a reward is not finite and the policy is `.abort`.
  func measure(_ rollout: Rollout) throws -> [TermStatistics] {
    if let evaluator {
      if terms.count < termNames.count * rollout.rows {
        terms = Array(repeating: 0, count: termNames.count * rollout.rows)
      }
      rollout.rewards.withUnsafeMutableBufferPointer { rewards in
        terms.withUnsafeMutableBufferPointer { terms in
          guard let rewards = rewards.baseAddress else { return }
          evaluator.evaluate(rollout.transitions, rows: 0..<rollout.rows, total: rewards, terms: terms.baseAddress)
        }
      }
    }
    if let score { try addScores(score, to: rollout) }
    if let live {
      try live.observe(
        CollectedRollout(
          transitions: rollout.transitions, steps: rollout.steps, count: rollout.count,
          environmentRewards: rollout.rewards, terminated: rollout.terminated, truncated: rollout.truncated))
      _ = try live.revise(&rollout.rewards)
    }
    try check(rollout, terms: evaluator == nil ? nil : terms)
    return termNames.enumerated().map { index, name in
      let values = terms[index * rollout.rows..<(index + 1) * rollout.rows]
      return TermStatistics(
        name: name, mean: values.reduce(0, +) / Double(rollout.rows), min: values.min() ?? 0, max: values.max() ?? 0)
    }
  }

  /// Brings the rewards of the rollout measured last up to date, where they come from a live reward.
  /// - Returns: true if one may have changed.
  /// - Throws: as `measure`.
  func remeasure(_ rollout: Rollout) throws -> Bool {
    guard let live, try live.revise(&rollout.rewards) else { return false }
    try check(rollout, terms: nil)
    return true
  }

  /// Whether rewards may change after they were measured.
  var isLive: Bool { live != nil }

  /// Pays every episode that ended its score, on top of what a reward function paid.
  private func addScores(
    _ score: @Sendable (TransitionBatch, Int) throws -> Double, to rollout: Rollout
  ) throws {
    for t in 0..<rollout.steps {
      for i in 0..<rollout.count {
        let row = t * rollout.count + i
        append(rollout.transitions, row, to: i)
        if evaluator == nil { rollout.rewards[row] = 0 }
        if rollout.terminated[row] || rollout.truncated[row] {
          rollout.rewards[row] += try score(open[i], lengths[i])
          // The score is of this episode alone: nothing that would come after a time limit is worth anything.
          rollout.terminated[row] = true
          lengths[i] = 0
        }
      }
    }
  }

  /// The environments were reset: what was open will never end.
  func forgetOpenEpisodes() {
    for i in lengths.indices { lengths[i] = 0 }
    live?.forgetOpenEpisodes()
  }

  private func append(_ batch: TransitionBatch, _ row: Int, to i: Int) {
    let episode = open[i]
    for column in 0..<batch.schema.width {
      episode.base[column * episode.capacity + lengths[i]] = batch.base[column * batch.capacity + row]
    }
    lengths[i] += 1
  }

  private func check(_ rollout: Rollout, terms: [Double]?) throws {
    for row in 0..<rollout.rows where !rollout.rewards[row].isFinite {
      switch policy {
      case .impute(let value):
        rollout.rewards[row] = value
        imputed += 1
      case .abort:
        let guilty = termNames.indices.first { index in
          terms.map { !$0[index * rollout.rows + row].isFinite } ?? false
        }
        let name = guilty.map { "the term \"\(termNames[$0])\"" } ?? "the reward"
        let value = guilty.flatMap { index in terms.map { $0[index * rollout.rows + row] } } ?? rollout.rewards[row]
        throw GuerdonError.failure(
          "At step \(row / rollout.count + 1) of a rollout \(name) became \(value): guard it against division by zero, logarithms and overflow.")
      }
    }
  }

  // MARK: Checkpoints

  /// The unfinished episodes' records, environment by environment, in time order.
  var openEpisodes: [[Double]] {
    open.enumerated().map { i, batch in (0..<lengths[i]).flatMap { batch.record($0) } }
  }

  func restore(openEpisodes: [[Double]], imputed: Int) {
    self.imputed = imputed
    for (i, records) in openEpisodes.enumerated() where i < open.count {
      let width = open[i].schema.width
      lengths[i] = records.count / max(width, 1)
      for (index, value) in records.enumerated() { open[i].base[index % width * open[i].capacity + index / width] = value }
    }
  }
}
