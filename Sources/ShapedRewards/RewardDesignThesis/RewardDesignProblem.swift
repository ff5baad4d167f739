import Basics
import FiniteMDPs

/// What a teacher who knows the process works with: the optimal policies of the original reward R̄, by how much they
/// are better, and how a designed reward R tells them apart within h steps.
///
/// Rewards are [S, A], flattened as `s · A + a`; n = S · A. Source: Devidze, arXiv 2503.21949, chapter 3 (ExpRD).
public struct RewardDesignProblem: Sendable {
  /// The process with its original reward R̄.
  public let mdp: FiniteMDP
  /// G: states whose reward may always be designed.
  public let goals: [Int]
  /// R_max: no designed reward is larger in size.
  public let bound: Double
  /// V̄* and Q̄*.
  public let optimal: OptimalValues
  /// Π̄*: the actions within `tolerance` of the best.
  public let optimalActions: ActionSets
  /// π†: the lowest optimal action of every state.
  public let target: [Int]
  /// δ̄(s) = min over non-optimal a of V̄*(s) − Q̄*(s, a), 0 where every action is optimal, [S].
  public let gaps: [Double]

  /// P_π† between states that are not terminal, row-major [S, S].
  private let chain: [Double]

  public var stateCount: Int { mdp.stateCount }
  public var actionCount: Int { mdp.actionCount }
  /// n.
  public var rowCount: Int { mdp.stateCount * mdp.actionCount }

  /// - Parameters:
  ///   - bound: R_max, above 0.
  ///   - tolerance: within which actions count as equally good.
  /// - Throws: `GuerdonError` for a goal that is no living state, a bound that is none, or a discount of 1.
  public init(_ mdp: FiniteMDP, goals: [Int], bound: Double, tolerance: Double = 1e-8) throws {
    guard goals.allSatisfy({ (0..<mdp.stateCount).contains($0) && !mdp.isTerminal[$0] }) else {
      throw GuerdonError.usage("The goals of a reward design are states that are not terminal.")
    }
    guard bound > 0, bound.isFinite else {
      throw GuerdonError.usage("The largest designed reward is \(bound); it must be a finite number above 0.")
    }
    guard mdp.discount < 1 else {
      throw GuerdonError.usage("A reward is designed for a discount below 1.")
    }
    self.mdp = mdp
    self.goals = goals
    self.bound = bound
    let optimal = try mdp.policyIteration()
    let actions = optimal.optimalActions(tolerance: tolerance)
    (self.optimal, optimalActions) = (optimal, actions)
    let states = mdp.stateCount
    let target = (0..<states).map { actions.actions(in: $0).first ?? 0 }
    self.target = target
    gaps = (0..<states).map { s in
      mdp.isTerminal[s] ? 0 : (0..<mdp.actionCount).filter { !actions[s, $0] }
        .map { optimal.values[s] - optimal.actionValues[s * mdp.actionCount + $0] }.min() ?? 0
    }
    var chain = [Double](repeating: 0, count: states * states)
    for s in 0..<states where !mdp.isTerminal[s] {
      for successor in mdp.transitions.successors(of: s, under: target[s]) where !mdp.isTerminal[successor.state] {
        chain[s * states + successor.state] = successor.probability
      }
    }
    self.chain = chain
  }

  /// Whether `action` is worse than π† in `state`, which is not terminal.
  public func isSuboptimal(_ state: Int, _ action: Int) -> Bool {
    !mdp.isTerminal[state] && !optimalActions[state, action]
  }

  /// G_h = (J† − I) Σ_{t = 0..h} γ^t (P†)^t, row-major [n, n]: the h-step gap of π† over an action that is taken first
  /// is δ_h(s, a) = (G_h R)[s · A + a].
  /// - Parameter horizon: h; nil is the whole future, G_∞ = (J† − I) (I − γ P†)⁻¹.
  public func gapOperator(horizon: Int?) throws -> [Double] {
    let states = stateCount, actions = actionCount, n = rowCount, γ = mdp.discount
    // Future[s, s'']: the discounted visits of s'' under π† in h steps from s, Σ_{t < h} γ^t P_π†^t.
    let future = try horizon.map { visits(steps: $0) } ?? allVisits()
    /// Adds ±(Σ_{t ≤ h} γ^t (P†)^t)[(s, a), ·], which ends where the episode does.
    func add(_ sign: Double, _ s: Int, _ a: Int, to table: inout [Double], at begin: Int) {
      table[begin + s * actions + a] += sign
      for successor in mdp.transitions.successors(of: s, under: a) where !mdp.isTerminal[successor.state] {
        let weight = sign * γ * successor.probability
        for next in 0..<states where future[successor.state * states + next] != 0 {
          table[begin + next * actions + target[next]] += weight * future[successor.state * states + next]
        }
      }
    }
    var table = [Double](repeating: 0, count: n * n)
    for s in 0..<states where !mdp.isTerminal[s] {
      for a in 0..<actions where a != target[s] {
        let begin = (s * actions + a) * n
        add(1, s, target[s], to: &table, at: begin)
        add(-1, s, a, to: &table, at: begin)
      }
    }
    return table
  }

  /// δ_h(s, a) of a reward, [S, A].
  /// - Parameter horizon: as `gapOperator`.
  public func gaps(of reward: [Double], horizon: Int?) throws -> [Double] {
    try check(reward)
    return Self.product(try gapOperator(horizon: horizon), reward)
  }

  /// I(R) = −1/(|H| S) Σ_{h ∈ H} Σ_s max(0, max over non-optimal a of δ̄(s) − δ_h(s, a)): 0 at best, where every gap
  /// shows within the fewest steps.
  public func informativeness(of reward: [Double], horizons: [Int]) throws -> Double {
    try check(reward)
    let total = try horizons.reduce(0.0) { sum, h in
      let shown = Self.product(try gapOperator(horizon: h), reward)
      return sum + (0..<stateCount).reduce(0) { $0 + hinge($1, shown) }
    }
    return -total / Double(max(horizons.count, 1) * stateCount)
  }

  /// Whether every policy that is optimal for `reward` is optimal for R̄: argmax_a Q*_R(s, ·) ⊆ argmax_a Q̄*(s, ·).
  /// - Parameter margin: by how much less an action must be worth under `reward` not to count as optimal for it.
  /// - Returns: the states in which a worse action is optimal for `reward`.
  public func violations(of reward: [Double], margin: Double = 1e-8) throws -> [Int] {
    try check(reward)
    let values = try mdp.replacing(reward: .stateAction(reward)).policyIteration()
    let best = values.optimalActions(tolerance: margin)
    return (0..<stateCount).filter { s in
      !mdp.isTerminal[s] && (0..<actionCount).contains { best[s, $0] && !optimalActions[s, $0] }
    }
  }

  /// max(0, max over non-optimal a of δ̄(s) − shown(s, a)).
  private func hinge(_ state: Int, _ shown: [Double]) -> Double {
    (0..<actionCount).filter { isSuboptimal(state, $0) }
      .map { gaps[state] - shown[state * actionCount + $0] }.reduce(0, max)
  }

  /// Σ_{t < steps} γ^t P_π†^t, row-major [S, S].
  private func visits(steps: Int) -> [Double] {
    let states = stateCount
    var sum = [Double](repeating: 0, count: states * states)
    for _ in 0..<steps {
      // M ← I + γ P M.
      var next = [Double](repeating: 0, count: states * states)
      for s in 0..<states {
        next[s * states + s] = 1
        for k in 0..<states where chain[s * states + k] != 0 {
          let weight = mdp.discount * chain[s * states + k]
          for j in 0..<states { next[s * states + j] += weight * sum[k * states + j] }
        }
      }
      sum = next
    }
    return sum
  }

  /// (I − γ P_π†)⁻¹, row-major [S, S].
  private func allVisits() throws -> [Double] {
    let states = stateCount
    var matrix = chain.map { -mdp.discount * $0 }
    for s in 0..<states { matrix[s * states + s] += 1 }
    let solver = try LUFactorisation(matrix, size: states)
    var inverse = [Double](repeating: 0, count: states * states)
    for j in 0..<states {
      var unit = [Double](repeating: 0, count: states)
      unit[j] = 1
      for (i, value) in solver.solve(unit).enumerated() { inverse[i * states + j] = value }
    }
    return inverse
  }

  private static func product(_ matrix: [Double], _ vector: [Double]) -> [Double] {
    let n = vector.count
    return (0..<n).map { row in
      var sum = 0.0
      for k in 0..<n { sum += matrix[row * n + k] * vector[k] }
      return sum
    }
  }

  /// - Throws: `GuerdonError` for a reward of another shape.
  func check(_ reward: [Double]) throws {
    guard reward.count == rowCount, reward.allSatisfy(\.isFinite) else {
      throw GuerdonError.usage(
        "A designed reward has \(rowCount) finite numbers, one a state and action; \(reward.count) were given.")
    }
  }
}

/// Which rewards may be designed: R = Σ_l w_l φ_l, linear in a few parameters.
public struct RewardStructure: Sendable {
  public let parameterCount: Int
  /// What every R(s, a) is made of, [n].
  public let terms: [[LinearProgram.Term]]

  /// - Parameter terms: [n]; parameters named 0 ..< parameterCount.
  public init(parameterCount: Int, terms: [[LinearProgram.Term]]) {
    precondition(terms.joined().allSatisfy { (0..<parameterCount).contains($0.variable) }, "terms name parameters")
    self.parameterCount = parameterCount
    self.terms = terms
  }

  /// A reward that is free in some states and 0 in all others (ExpRD's support Z ∪ G).
  public static func free(on states: some Sequence<Int>, in problem: RewardDesignProblem) -> RewardStructure {
    let actions = problem.actionCount
    var terms = [[LinearProgram.Term]](repeating: [], count: problem.rowCount), count = 0
    for s in Set(states).sorted() where !problem.mdp.isTerminal[s] {
      for a in 0..<actions {
        terms[s * actions + a] = [LinearProgram.Term(count, 1)]
        count += 1
      }
    }
    return RewardStructure(parameterCount: count, terms: terms)
  }

  /// A reward that is the same in all states of a leaf, one weight w[l, a] a leaf and action (ExpAdaRD's trees).
  /// - Parameter leaves: the leaf of every state, [S]; nil where the reward is 0.
  public static func tree(leaves: [Int?], actionCount: Int) -> RewardStructure {
    features(leaves.map { leaf in leaf.map { [LinearProgram.Term($0, 1)] } ?? [] }, actionCount: actionCount)
  }

  /// R(s, a) = Σ_l φ_l(s) w[l, a].
  /// - Parameter features: φ(s) of every state as terms (l, φ_l), [S].
  public static func features(_ features: [[LinearProgram.Term]], actionCount: Int) -> RewardStructure {
    let count = 1 + (features.joined().map(\.variable).max() ?? -1)
    return RewardStructure(
      parameterCount: count * actionCount,
      terms: features.flatMap { state in
        (0..<actionCount).map { a in state.map { LinearProgram.Term($0.variable * actionCount + a, $0.coefficient) } }
      })
  }

  /// R, [n], of some parameters.
  public func reward(_ parameters: some Collection<Double>) -> [Double] {
    let w = Array(parameters)
    return terms.map { $0.reduce(0) { $0 + $1.coefficient * w[$1.variable] } }
  }

  /// Σ_row weights[row] R[row] as coefficients of the parameters.
  func pullBack(_ weights: some RandomAccessCollection<Double>) -> [Double] {
    var coefficients = [Double](repeating: 0, count: parameterCount)
    for (row, weight) in weights.enumerated() where weight != 0 {
      for term in terms[row] { coefficients[term.variable] += weight * term.coefficient }
    }
    return coefficients
  }
}
