import Environments

/// A rollout that was just collected; row `t * count + i` is environment i's step t.
public struct CollectedRollout: @unchecked Sendable {
  public let transitions: TransitionBatch
  public let steps: Int
  public let count: Int
  /// The environment's own, row by row.
  public let environmentRewards: [Double]
  public let terminated: [Bool]
  public let truncated: [Bool]

  public var rows: Int { steps * count }

  public init(
    transitions: TransitionBatch, steps: Int, count: Int, environmentRewards: [Double], terminated: [Bool],
    truncated: [Bool]
  ) {
    self.transitions = transitions
    (self.steps, self.count) = (steps, count)
    (self.environmentRewards, self.terminated, self.truncated) = (environmentRewards, terminated, truncated)
  }
}

/// A reward that is learned while the policy learns from it, so that a step's worth may change from one minibatch to the
/// next.
///
/// `PPO` and `RecurrentPPO` ask again before each minibatch, and estimate the advantages anew where rewards changed; no
/// reward is kept. Other learners ask once, when the step was taken. An instance belongs to one training.
public protocol LiveReward: AnyObject, Sendable {
  /// Takes in a rollout once, before any of its rewards is asked for.
  /// - Throws: what stops the training.
  func observe(_ rollout: CollectedRollout) throws

  /// Writes the rewards of the rollout observed last, as they are now.
  /// - Parameter rewards: one a row.
  /// - Returns: false, and `rewards` untouched, where nothing changed since the last call on this rollout.
  /// - Throws: what stops the training.
  func revise(_ rewards: inout [Double]) throws -> Bool

  /// The environments were reset, and what was open will never end.
  func forgetOpenEpisodes()
}
