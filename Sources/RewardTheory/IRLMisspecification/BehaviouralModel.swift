import Basics
import FiniteMDPs
import Foundation

/// What a demonstrator is thought to do with a reward: a map f from rewards to stationary policies.
///
/// Inverse reinforcement learning inverts such a map. What it can never tell apart, all rewards that f sends to one
/// policy, is f's fibre.
public enum BehaviouralModel: Sendable, Hashable {
  /// b: π(a | s) ∝ exp(β Q*(s, a)).
  case boltzmann(beta: Double)
  /// m: π(a | s) = exp((Q(s, a) - V(s)) / α), V = α log Σ exp(Q / α).
  case maximumCausalEntropy(alpha: Double)
  /// o: every optimal action alike.
  case optimal
  /// Boltzmann-rational after the reward was scaled to have unit canonical norm. It is not continuous at 0, and so the
  /// positive control of what continuous models cannot do.
  case normalisedBoltzmann(beta: Double)

  /// log f(R), [S, A]; -∞ where an action is never taken.
  /// - Parameter world: the dynamics and discount that the demonstrator plans with.
  /// - Throws: `GuerdonError` for a parameter that is not above 0, a reward of a wrong shape, or discount 1 without an end.
  public func logPolicy(for reward: FiniteMDP.Reward, in world: FiniteMDP) throws -> [Double] {
    let paid = try world.replacing(reward: reward)
    switch self {
    case .boltzmann(let beta):
      try check(beta, "β")
      return Self.logSoftmax(try paid.policyIteration().actionValues.map { beta * $0 }, world.actionCount)
    case .maximumCausalEntropy(let alpha):
      try check(alpha, "α")
      let soft = try paid.softPolicyIteration(temperature: alpha, tolerance: 1e-12)
      // Normalised once more, so that the rounding of V does not show.
      return Self.logSoftmax(soft.actionValues.map { $0 / alpha }, world.actionCount)
    case .optimal:
      let values = try paid.policyIteration().actionValues
      let size = values.reduce(0) { max($0, abs($1)) }
      return TabularPolicy.uniform(
        over: ActionSets(bestOf: values, actionCount: world.actionCount, tolerance: 1e-10 * size)
      ).probabilities.map { log($0) }
    case .normalisedBoltzmann(let beta):
      let norm = try RewardCanonicaliser(.minimal, in: world).coordinates(of: reward).reduce(0) { $0 + $1 * $1 }
        .squareRoot()
      let unit = paid.expectedReward.map { norm > 0 ? $0 / norm : 0 }
      return try Self.boltzmann(beta: beta).logPolicy(for: .stateAction(unit), in: world)
    }
  }

  /// f(R).
  public func policy(for reward: FiniteMDP.Reward, in world: FiniteMDP) throws -> TabularPolicy {
    .softmax(try logPolicy(for: reward, in: world), actionCount: world.actionCount)
  }

  /// One reward [S, A] that f sends to the policy; the others differ from it by the fibre.
  ///
  /// - b⁻¹: R̂ = (log π(a | s) - max_b log π(b | s)) / β, whose V* is 0.
  /// - m⁻¹: R̂ = α log π(a | s), whose soft V is 0.
  /// - o⁻¹: 0 for the actions that are taken and -1 for the others, one of a cone.
  /// - Returns: nil if no reward gives the policy: it is not in the image of f.
  /// - Throws: `GuerdonError` for a parameter that is not above 0 or a policy of a wrong shape.
  public func reward(explaining logPolicy: [Double], in world: FiniteMDP) throws -> FiniteMDP.Reward? {
    let actions = world.actionCount
    guard logPolicy.count == world.stateCount * actions, !logPolicy.contains(where: \.isNaN) else {
      throw GuerdonError.usage(
        "A policy for \(world.stateCount) states and \(actions) actions was expected; it has \(logPolicy.count) numbers.")
    }
    var table = [Double](repeating: 0, count: logPolicy.count)
    for s in 0..<world.stateCount where !world.isTerminal[s] {
      let row = logPolicy[s * actions..<(s + 1) * actions]
      let top = row.max() ?? 0, least = row.min() ?? 0
      for k in row.indices {
        switch self {
        case .boltzmann(let beta):
          try check(beta, "β")
          guard least > -.infinity else { return nil }
          table[k] = (row[k] - top) / beta
        case .maximumCausalEntropy(let alpha):
          try check(alpha, "α")
          guard least > -.infinity else { return nil }
          table[k] = alpha * row[k]
        case .optimal:
          // Only uniform choices among some actions are made by the uniformly optimal.
          guard row[k] == -.infinity || top - row[k] < 1e-9 else { return nil }
          table[k] = row[k] == -.infinity ? -1 : 0
        case .normalisedBoltzmann:
          throw GuerdonError.usage("The normalised Boltzmann model is a control; it is not inverted.")
        }
      }
    }
    return .stateAction(table)
  }

  /// x - log Σ exp x, a row at a time.
  private static func logSoftmax(_ x: [Double], _ actions: Int) -> [Double] {
    var result = x
    for begin in stride(from: 0, to: x.count, by: actions) {
      let row = x[begin..<begin + actions]
      let top = row.max() ?? 0
      let sum = top + log(row.reduce(0) { $0 + exp($1 - top) })
      for k in row.indices { result[k] -= sum }
    }
    return result
  }

  private func check(_ parameter: Double, _ name: String) throws {
    guard parameter > 0, parameter.isFinite else {
      throw GuerdonError.usage("\(name) is \(parameter); it must be above 0.")
    }
  }
}
