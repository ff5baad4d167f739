import Basics
import FiniteMDPs

/// A concrete learner: maximum-causal-entropy IRL by gradients, with a penalty on the reward's size.
///
/// Source: B. Ziebart, "Modeling Purposeful Adaptive Behavior with the Principle of Maximum Causal Entropy", 2010: the
/// gradient of the log-likelihood in R(s, a) is the demonstrator's occupancy less that of the soft-optimal policy.
public struct MCEIRL: Sendable, Hashable, Codable {
  /// α that the learner assumes.
  public var temperature = 0.5
  /// λ of λ/2 |R|².
  public var penalty = 1e-4
  /// Adam's steps and rate, and its other constants as published.
  public var steps = 500
  public var learningRate = 0.05

  public init() {}

  /// - Parameters:
  ///   - occupancy: x(s, a) of the demonstrator, normalised, discounted as the learner discounts.
  ///   - world: the dynamics and discount that the learner assumes.
  /// - Returns: R(s, a), [S, A].
  /// - Throws: `GuerdonError` for a wrong shape or a hyperparameter outside its range.
  public func reward(explaining occupancy: Occupancy, in world: FiniteMDP) throws -> [Double] {
    let rows = world.stateCount * world.actionCount
    guard occupancy.stateActions.count == rows else {
      throw GuerdonError.usage(
        "The demonstrator's occupancy has \(occupancy.stateActions.count) numbers; the learner's world has \(rows).")
    }
    guard steps >= 1, penalty >= 0, learningRate > 0 else {
      throw GuerdonError.usage("MCE-IRL needs at least 1 step, a penalty of at least 0 and a learning rate above 0.")
    }
    var reward = [Double](repeating: 0, count: rows), momentum = reward, square = reward
    for step in 1...steps {
      let policy = try world.replacing(reward: .stateAction(reward))
        .softPolicyIteration(temperature: temperature, tolerance: 1e-8).policy
      let own = try world.occupancy(of: policy, normalised: true).stateActions
      var (first, second) = (1.0, 1.0)
      for _ in 0..<step { (first, second) = (first * 0.9, second * 0.999) }
      for k in 0..<rows {
        let gradient = occupancy.stateActions[k] - own[k] - penalty * reward[k]
        momentum[k] = 0.9 * momentum[k] + 0.1 * gradient
        square[k] = 0.999 * square[k] + 0.001 * gradient * gradient
        reward[k] += learningRate * (momentum[k] / (1 - first)) / ((square[k] / (1 - second)).squareRoot() + 1e-8)
      }
    }
    return reward
  }
}
