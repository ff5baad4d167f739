import Basics
import FiniteMDPs
import RewardAudit

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
  /// Maximises E_μ[Rp] − β χ²(μ ‖ μ0) over the occupancies of all policies: the exact counterpart of ORPO, Rp being what
  /// this process pays. Sweeping β traces the frontier of E_μ[Rp] − λ √χ².
  ///
  /// A quadratic program, solved by its dual, which has one multiplier V(s) a state and no constraint:
  ///
  ///     min_V (1 − γ) p0 · V + Σ μ0 h(A_V),  A_V = Rp + γ P V − V,  h(A) = max over w ≥ 0 of w A − β (w − 1)²,
  ///
  /// whose ratio μ / μ0 is w = max(0, 1 + A_V / (2 β)). It is convex and piecewise quadratic: Newton's method with a
  /// backtracking line search ends in some forty linear systems. The difference of the two objectives bounds the error.
  /// - Parameters:
  ///   - base: π0. It must reach every state that any policy reaches, with every action there, for χ² to be finite.
  ///   - beta: β, above 0, in units of reward a step.
  ///   - tolerance: the gap, per step, at which it stops.
  ///   - limit: Newton steps at most; what they leave is in `gap`.
  ///   - shouldStop: asked before every step.
  /// - Throws: `GuerdonError` when the base policy leaves something out, when β is not above 0, or for discount 1.
  ///   `CancellationError` when it was stopped.
  public func occupancyRegularised(
    from base: TabularPolicy, beta: Double, tolerance: Double = 1e-9, limit: Int = 500,
    shouldStop: () -> Bool = { false }
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
    let dual = OccupancyDual(self, μ0: μ0, beta: beta)
    var point = dual.evaluate(try evaluate(base).values)
    var iterations = 0
    while iterations < limit {
      if shouldStop() { throw CancellationError() }
      iterations += 1
      let (step, decrement) = try dual.newtonStep(at: point)
      if decrement <= 1e-3 * tolerance { break }
      var length = 1.0, next = point
      repeat {
        next = dual.evaluate(zip(point.values, step).map { $0 + length * $1 })
        length /= 2
      } while next.objective > point.objective - 2e-4 * length * decrement && length > 1e-12
      if next.objective >= point.objective { break }  // Nothing below rounding is left.
      point = next
    }
    let policy = try policy(of: zip(μ0, point.ratios).map { $0 * $1 }, otherwise: base)
    let reached = try occupancy(of: policy, normalised: true)
    let chiSquared = Divergences.chiSquared(of: reached.stateActions, from: μ0)
    return RegularisedPolicy(
      policy: policy, occupancy: reached, chiSquared: chiSquared,
      gap: max(0, point.objective - (reached.total(of: expectedReward) - beta * chiSquared)), iterations: iterations)
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

/// The dual of the occupancy program, as `occupancyRegularised` states it.
private struct OccupancyDual {
  struct Point {
    /// V, [S].
    var values: [Double]
    var objective: Double
    /// w = max(0, 1 + A_V / (2 β)), [S, A].
    var ratios: [Double]
  }

  private let process: FiniteMDP
  private let μ0: [Double]
  private let beta: Double
  /// (1 − γ) p0 over states that are not terminal.
  private let start: [Double]
  /// The entries of A_V's gradient, γ P(s' | s, a) − 1[s' = s], row by row; terminal states have no V.
  private var starts: [Int] = [0], targets: [Int] = [], weights: [Double] = []

  init(_ process: FiniteMDP, μ0: [Double], beta: Double) {
    (self.process, self.μ0, self.beta) = (process, μ0, beta)
    start = process.initial.indices.map { process.isTerminal[$0] ? 0 : (1 - process.discount) * process.initial[$0] }
    for s in 0..<process.stateCount {
      for a in 0..<process.actionCount {
        var own = -1.0
        for next in process.transitions.successors(of: s, under: a) where !process.isTerminal[next.state] {
          if next.state == s {
            own += process.discount * next.probability
          } else {
            targets.append(next.state)
            weights.append(process.discount * next.probability)
          }
        }
        targets.append(s)
        weights.append(own)
        starts.append(targets.count)
      }
    }
  }

  func evaluate(_ values: [Double]) -> Point {
    var objective = zip(start, values).reduce(0) { $0 + $1.0 * $1.1 }
    var ratios = [Double](repeating: 0, count: μ0.count)
    for row in μ0.indices where μ0[row] > 0 {
      var advantage = process.expectedReward[row]
      for entry in starts[row]..<starts[row + 1] { advantage += weights[entry] * values[targets[entry]] }
      let w = max(0, 1 + advantage / (2 * beta))
      ratios[row] = w
      objective += μ0[row] * (w * advantage - beta * (w - 1) * (w - 1))
    }
    return Point(values: values, objective: objective, ratios: ratios)
  }

  /// −H⁻¹ g, and g · H⁻¹ g; H is scaled to a unit diagonal and raised by a hair, for states in which no action has a
  /// positive ratio are flat.
  func newtonStep(at point: Point) throws -> (step: [Double], decrement: Double) {
    let n = start.count
    var gradient = start
    var hessian = [Double](repeating: 0, count: n * n)
    for row in μ0.indices where μ0[row] > 0 && point.ratios[row] > 0 {
      let curvature = μ0[row] / (2 * beta)
      for i in starts[row]..<starts[row + 1] {
        gradient[targets[i]] += μ0[row] * point.ratios[row] * weights[i]
        let scaled = curvature * weights[i], line = targets[i] * n
        for j in starts[row]..<starts[row + 1] { hessian[line + targets[j]] += scaled * weights[j] }
      }
    }
    var largest = 0.0
    for s in 0..<n { largest = max(largest, hessian[s * n + s]) }
    let scales = (0..<n).map { max(hessian[$0 * n + $0], 1e-14 * largest, 1e-30).squareRoot() }
    for i in 0..<n {
      for j in 0..<n { hessian[i * n + j] /= scales[i] * scales[j] }
      hessian[i * n + i] += 1e-10
    }
    let solution = try LUFactorisation(hessian, size: n).solve(zip(gradient, scales).map { $0 / $1 })
    let step = zip(solution, scales).map { -$0 / $1 }
    return (step, -zip(gradient, step).reduce(0) { $0 + $1.0 * $1.1 })
  }
}
