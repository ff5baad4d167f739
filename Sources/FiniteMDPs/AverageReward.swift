import Basics

/// What a policy earns a step in the long run.
public struct AverageRewardValues: Sendable {
  /// g(s) = lim (1/T) E Σ_{t < T} R, [S].
  public let gain: [Double]
  /// h(s), [S]: the total by which starting in s beats its gain; P* h = 0.
  public let bias: [Double]
  public let policy: TabularPolicy
}

extension FiniteMDP {
  /// The chain that a policy makes of the process; terminal states stay where they are.
  /// - Throws: `GuerdonError` when the policy is for another process.
  public func chain(under policy: TabularPolicy) throws -> MarkovChain {
    try check(policy)
    var matrix = [Double](repeating: 0, count: stateCount * stateCount)
    for s in 0..<stateCount {
      if isTerminal[s] {
        matrix[s * stateCount + s] = 1
        continue
      }
      for a in 0..<actionCount {
        let weight = policy[s, a]
        if weight == 0 { continue }
        transitions.forEachSuccessor(ofRow: s * actionCount + a) { matrix[s * stateCount + $0] += weight * $1 }
      }
    }
    return MarkovChain(unchecked: matrix, stateCount: stateCount)
  }

  /// Gain and bias of a policy: g = P* R_π, h = (I - P + P*)⁻¹ (R_π - g). Any chain structure; the discount plays no part.
  ///
  /// Source: Puterman 1994, section 8.2 and appendix A.
  /// - Throws: `GuerdonError` when the policy is for another process.
  public func evaluateAverageReward(of policy: TabularPolicy) throws -> AverageRewardValues {
    let chain = try chain(under: policy)
    let limit = try chain.cesaroLimit()
    let rewards = average(of: expectedReward, under: policy)
    let n = stateCount
    let gain = (0..<n).map { s in (0..<n).reduce(0) { $0 + limit[s * n + $1] * rewards[$1] } }
    var system = [Double](repeating: 0, count: n * n)
    for k in system.indices { system[k] = (k / n == k % n ? 1 : 0) - chain.matrix[k] + limit[k] }
    let bias = try LUFactorisation(system, size: n).solve(zip(rewards, gain).map { $0 - $1 })
    return AverageRewardValues(gain: gain, bias: bias, policy: policy)
  }

  /// The long-run share of steps that a policy spends on every state and action, from the initial distribution (the
  /// Cesàro occupancy); 0 in terminal states.
  /// - Throws: `GuerdonError` when the policy is for another process.
  public func averageOccupancy(of policy: TabularPolicy) throws -> Occupancy {
    let limit = try chain(under: policy).cesaroLimit()
    let states = (0..<stateCount).map { next in
      isTerminal[next] ? 0 : (0..<stateCount).reduce(0) { $0 + initial[$1] * limit[$1 * stateCount + next] }
    }
    return Occupancy(states: states, policy: policy)
  }

  /// A policy of the greatest gain from every state, by multichain policy iteration.
  ///
  /// Source: Puterman 1994, section 9.2.
  /// - Throws: `GuerdonError` when it does not settle.
  public func averageRewardPolicyIteration(limit: Int = 10_000) throws -> AverageRewardValues {
    var actions = [Int](repeating: 0, count: stateCount)
    for _ in 0..<max(1, limit) {
      let result = try evaluateAverageReward(of: TabularPolicy(taking: actions, of: actionCount))
      let gains = living(transitions.expectation(of: result.gain))
      let scale = max(1, result.gain.reduce(0) { max($0, abs($1)) })
      if improve(&actions, by: gains, margin: 1e-10 * scale) { continue }
      // Among the actions that keep the gain, those that better the bias.
      let next = transitions.expectation(of: result.bias)
      var values = living(zip(expectedReward, next).map { $0 + $1 })
      let size = max(1, values.reduce(0) { max($0, abs($1)) })
      for s in 0..<stateCount {
        let best = gains[s * actionCount..<(s + 1) * actionCount].max() ?? 0
        for row in s * actionCount..<(s + 1) * actionCount where gains[row] < best - 1e-10 * scale {
          values[row] = -.infinity
        }
      }
      if !improve(&actions, by: values, margin: 1e-10 * size) { return result }
    }
    throw GuerdonError.failure("Policy iteration for the average reward still changes its policy after \(limit) iterations.")
  }

  /// The table with its rows of terminal states set to 0.
  private func living(_ table: [Double]) -> [Double] {
    table.indices.map { isTerminal[$0 / actionCount] ? 0 : table[$0] }
  }
}
