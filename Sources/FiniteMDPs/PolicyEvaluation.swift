import Basics

/// What a policy is worth.
public struct PolicyValues: Sendable {
  public let actionCount: Int
  /// V^π(s), [S]; 0 in terminal states.
  public let values: [Double]
  /// Q^π(s, a), [S, A].
  public let actionValues: [Double]

  /// A^π(s, a) = Q^π(s, a) - V^π(s), [S, A].
  public var advantages: [Double] { actionValues.indices.map { actionValues[$0] - values[$0 / actionCount] } }
}

extension FiniteMDP {
  /// Solves V = R_π + γ P_π V.
  /// - Throws: `GuerdonError` when the policy is for another process, or the discount is 1 and episodes need not end
  ///   under the policy.
  public func evaluate(_ policy: TabularPolicy) throws -> PolicyValues {
    let solver = try resolvent(of: policy)
    let values = solver.solve(average(of: expectedReward, under: policy))
    return PolicyValues(actionCount: actionCount, values: values, actionValues: actionValues(of: values))
  }

  /// E Σ_t γ^t R from the initial distribution.
  /// - Throws: as `evaluate`.
  public func expectedReturn(of policy: TabularPolicy) throws -> Double {
    try zip(initial, evaluate(policy).values).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// Q = R + γ P V, [S, A]; 0 in terminal states.
  /// - Parameter values: V, [S]; taken to be 0 in terminal states.
  public func actionValues(of values: [Double]) -> [Double] {
    precondition(values.count == stateCount, "a value has one number a state")
    var living = values
    for s in 0..<stateCount where isTerminal[s] { living[s] = 0 }
    var q = transitions.expectation(of: living)
    for row in q.indices { q[row] = isTerminal[row / actionCount] ? 0 : expectedReward[row] + discount * q[row] }
    return q
  }

  /// Σ_a π(a | s) x(s, a), [S]; 0 in terminal states.
  func average(of table: [Double], under policy: TabularPolicy) -> [Double] {
    (0..<stateCount).map { s in
      isTerminal[s]
        ? 0 : (0..<actionCount).reduce(0) { $0 + policy.probabilities[s * actionCount + $1] * table[s * actionCount + $1] }
    }
  }

  /// The factorised I - γ P_π, in which whatever concerns terminal states is zero.
  func resolvent(of policy: TabularPolicy) throws -> LUFactorisation {
    try check(policy)
    if discount == 1 { try checkThatEpisodesEnd(under: policy) }
    return try resolvent(of: policy, discount: discount)
  }

  func resolvent(of policy: TabularPolicy, discount: Double) throws -> LUFactorisation {
    var matrix = [Double](repeating: 0, count: stateCount * stateCount)
    matrix.withUnsafeMutableBufferPointer { matrix in
      for s in 0..<stateCount {
        let begin = s * stateCount
        if !isTerminal[s] {
          for a in 0..<actionCount {
            let weight = policy.probabilities[s * actionCount + a] * discount
            if weight == 0 { continue }
            transitions.forEachSuccessor(ofRow: s * actionCount + a) { next, probability in
              if !isTerminal[next] { matrix[begin + next] -= weight * probability }
            }
          }
        }
        matrix[begin + s] += 1
      }
    }
    return try LUFactorisation(matrix, size: stateCount)
  }

  /// - Throws: `GuerdonError` when the policy has other states or actions.
  func check(_ policy: TabularPolicy) throws {
    guard policy.stateCount == stateCount, policy.actionCount == actionCount else {
      throw GuerdonError.usage(
        "A policy for \(policy.stateCount) states and \(policy.actionCount) actions was given to a process of "
          + "\(stateCount) states and \(actionCount) actions.")
    }
  }

  /// - Throws: `GuerdonError` naming a state from which the policy never ends the episode.
  func checkThatEpisodesEnd(under policy: TabularPolicy) throws {
    let ends = graph(under: policy).reversed.reachable(from: terminalStates)
    guard let stuck = ends.firstIndex(of: false) else { return }
    throw GuerdonError.usage(
      "With discount 1 a policy must reach a terminal state from everywhere, and this one never does from state "
        + "\(stuck); lower the discount, or evaluate a finite horizon or the average reward.")
  }
}
