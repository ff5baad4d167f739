import Basics
import FiniteMDPs

/// A policy that was regularised by its distance from a base policy, and how far it went.
public struct RegularisedPolicy: Sendable {
  public let policy: TabularPolicy
  /// μ(s, a), normalised, [S, A].
  public let occupancy: Occupancy
  /// χ²(μ ‖ μ0).
  public let chiSquared: Double
  /// An upper bound on what is missing to the regularised optimum (per step); 0 where it was solved for exactly.
  public let gap: Double
  public let iterations: Int
}

extension FiniteMDP {
  /// Maximises E_μ[Rp] − β χ²(μ ‖ μ0) over the occupancies of all policies: the exact counterpart of ORPO, Rp being
  /// what this process pays. Sweeping β traces the frontier of E_μ[Rp] − λ √χ².
  ///
  /// Frank and Wolfe's method: at μ the gradient is Rp − 2 β (w − 1) with w = μ / μ0, its best policy is found by value
  /// iteration, and the step towards it has a closed form, for the objective is quadratic. (√χ² itself has a cone at
  /// μ0, where the method would stall.) Its gap bounds what is missing.
  /// - Parameters:
  ///   - base: π0. It must reach every state that any policy reaches, with every action there, for χ² to be finite.
  ///   - beta: β, above 0, in units of reward a step.
  ///   - start: the optimum of another β, to begin from; nil begins at the base policy.
  ///   - tolerance: the gap, per step, at which it stops.
  ///   - shouldStop: asked before every iteration.
  /// - Throws: `GuerdonError` when the base policy leaves something out, when β is not above 0, or for discount 1.
  ///   `CancellationError` when it was stopped.
  public func occupancyRegularised(
    from base: TabularPolicy, beta: Double, start: RegularisedPolicy? = nil, tolerance: Double = 1e-6,
    limit: Int = 400, shouldStop: () -> Bool = { false }
  ) throws -> RegularisedPolicy {
    guard beta > 0, beta.isFinite else {
      throw GuerdonError.usage("The coefficient of χ² is \(beta); it must be a number above 0.")
    }
    let rows = stateCount * actionCount
    let μ0 = try occupancy(of: base, normalised: true).stateActions
    let reachable = isReachable
    for row in 0..<rows where reachable[row / actionCount] && !isTerminal[row / actionCount] && μ0[row] <= 0 {
      throw GuerdonError.usage(
        "The base policy never takes action \(row % actionCount) in state \(row / actionCount), which others reach: χ² "
          + "has no bound there. Mix it with a little uniform noise (`smoothed`).")
    }
    var inverse = [Double](repeating: 0, count: rows)
    for row in 0..<rows where μ0[row] > 0 { inverse[row] = 1 / μ0[row] }
    var μ = start?.occupancy.stateActions ?? μ0
    var gradient = [Double](repeating: 0, count: rows)
    var gap = Double.infinity, iterations = 0
    while iterations < max(1, limit) {
      if shouldStop() { throw CancellationError() }
      iterations += 1
      var largest = 0.0
      for row in 0..<rows {
        gradient[row] = expectedReward[row] - (inverse[row] > 0 ? 2 * beta * (μ[row] * inverse[row] - 1) : 0)
        largest = max(largest, abs(gradient[row]))
      }
      // A policy worse than the best by less than the gap that is asked for is good enough a direction.
      let ascent = try replacing(reward: .stateAction(gradient)).valueIteration(
        tolerance: max(0.01 * tolerance / (1 - discount), 1e-12 * largest))
      let vertex = try occupancy(of: ascent.policy, normalised: true).stateActions
      var slope = 0.0, curvature = 0.0
      for row in 0..<rows {
        let d = vertex[row] - μ[row]
        slope += gradient[row] * d
        curvature += d * d * inverse[row]
      }
      gap = max(0, slope)
      if gap <= tolerance || curvature <= 0 { break }
      let step = min(1, slope / (2 * beta * curvature))
      for row in 0..<rows { μ[row] += step * (vertex[row] - μ[row]) }
    }
    let policy = try policy(of: μ, otherwise: base)
    let reached = try occupancy(of: policy, normalised: true)
    return RegularisedPolicy(
      policy: policy, occupancy: reached, chiSquared: Divergences.chiSquared(of: reached.stateActions, from: μ0),
      gap: gap, iterations: iterations)
  }

  /// The usual remedy: maximises E Σ γ^t [Rp − α KL(π(· | s) ‖ π0(· | s))] by soft value iteration with π0 as the
  /// prior.
  /// - Throws: `GuerdonError` as `softValueIteration`, and for discount 1.
  public func actionRegularised(from base: TabularPolicy, alpha: Double) throws -> RegularisedPolicy {
    let soft = try softValueIteration(temperature: alpha, prior: base, tolerance: 1e-9)
    let reached = try occupancy(of: soft.policy, normalised: true)
    let μ0 = try occupancy(of: base, normalised: true)
    return RegularisedPolicy(
      policy: soft.policy, occupancy: reached,
      chiSquared: Divergences.chiSquared(of: reached.stateActions, from: μ0.stateActions), gap: 0,
      iterations: soft.iterations)
  }

  /// μ(s, a) / μ(s), and the base policy's actions where μ never is.
  private func policy(of μ: [Double], otherwise base: TabularPolicy) throws -> TabularPolicy {
    var probabilities = base.probabilities
    for begin in stride(from: 0, to: μ.count, by: actionCount) {
      let sum: Double = μ[begin..<begin + actionCount].reduce(0) { $0 + max(0, $1) }
      if sum <= 0 { continue }
      for row in begin..<begin + actionCount { probabilities[row] = max(0, μ[row]) / sum }
    }
    return try TabularPolicy(stateCount: stateCount, actionCount: actionCount, probabilities: probabilities)
  }
}
