import Basics

/// How much of an episode's (discounted) time a policy spends where.
public struct Occupancy: Sendable {
  public let actionCount: Int
  /// x(s, a), [S, A]; 0 in terminal states, in which no action is taken.
  public let stateActions: [Double]

  /// x(s) = Σ_a x(s, a), [S].
  public var states: [Double] {
    stride(from: 0, to: stateActions.count, by: actionCount).map { stateActions[$0..<$0 + actionCount].reduce(0, +) }
  }

  /// x(s, a) / x(s); uniform in states that are never visited.
  public var policy: TabularPolicy {
    var probabilities = stateActions.map { max(0, $0) }
    for begin in stride(from: 0, to: probabilities.count, by: actionCount) {
      let sum: Double = probabilities[begin..<begin + actionCount].reduce(0, +)
      for k in begin..<begin + actionCount {
        probabilities[k] = sum > 0 ? probabilities[k] / sum : 1 / Double(actionCount)
      }
    }
    return TabularPolicy(probabilities.count / actionCount, actionCount, probabilities)
  }

  /// Σ x(s, a) table(s, a): the return of a policy, if the table is a reward.
  public func total(of table: [Double]) -> Double {
    precondition(table.count == stateActions.count, "what is totalled is [S, A]")
    return zip(stateActions, table).reduce(0) { $0 + $1.0 * $1.1 }
  }

  init(stateActions: [Double], actionCount: Int) {
    self.stateActions = stateActions
    self.actionCount = actionCount
  }

  /// π(a | s) x(s).
  init(states: [Double], policy: TabularPolicy) {
    actionCount = policy.actionCount
    stateActions = policy.probabilities.indices.map {
      states[$0 / policy.actionCount] * policy.probabilities[$0]
    }
  }
}

extension FiniteMDP {
  /// E Σ_t γ^t 1[s_t = s, a_t = a], by solving x = μ0 + γ P_πᵀ x.
  ///
  /// Without terminal states it sums to 1 / (1 - γ), normalised to 1; what an ended episode would still have spent is
  /// missing from both.
  /// - Parameter normalised: multiplies by 1 - γ.
  /// - Throws: `GuerdonError` as `evaluate`, and for a normalised one with discount 1.
  public func occupancy(of policy: TabularPolicy, normalised: Bool = false) throws -> Occupancy {
    guard !normalised || discount < 1 else {
      throw GuerdonError.usage("A discounted occupancy cannot be normalised with discount 1: there is no 1 - γ.")
    }
    let solver = try resolvent(of: policy)
    let start = initial.indices.map { isTerminal[$0] ? 0 : initial[$0] * (normalised ? 1 - discount : 1) }
    return Occupancy(states: solver.solveTransposed(start), policy: policy)
  }

  /// m(s, a, s') = x(s, a) P(s' | s, a), [S, A, S]: the occupancy of whole transitions.
  public func transitionOccupancy(_ occupancy: Occupancy) -> [Double] {
    var table = [Double](repeating: 0, count: stateCount * actionCount * stateCount)
    for row in 0..<stateCount * actionCount where occupancy.stateActions[row] != 0 {
      transitions.forEachSuccessor(ofRow: row) { table[row * stateCount + $0] = occupancy.stateActions[row] * $1 }
    }
    return table
  }
}
