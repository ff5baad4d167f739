import Basics

/// How a state's value follows from the values of its actions.
enum Backup {
  /// V(s) = max_a Q(s, a).
  case hard
  /// V(s) = α log Σ_a ρ(a | s) exp(Q(s, a) / α), with ρ = 1 where there is no prior.
  case soft(temperature: Double, prior: UnsafePointer<Double>?)
}

extension FiniteMDP {
  /// One Bellman backup: Q = R + γ P V, then V from Q, and the soft policy if asked for.
  ///
  /// Terminal states get Q = 0, V = 0 and, as policy, the prior or the uniform one.
  /// - Parameters:
  ///   - next: V of the next step, [S].
  ///   - actionValues: [S, A].
  ///   - values: [S]; may not be `next`.
  ///   - policy: [S, A], written by a soft backup.
  func backUp(
    _ backup: Backup, from next: UnsafePointer<Double>, actionValues: UnsafeMutablePointer<Double>,
    values: UnsafeMutablePointer<Double>, policy: UnsafeMutablePointer<Double>?, on pool: WorkerPool?
  ) {
    let actions = actionCount, discount = discount
    expectedReward.withUnsafeBufferPointer { rewards in
      isTerminal.withUnsafeBufferPointer { isTerminal in
        guard let rewardBase = rewards.baseAddress else { return }
        nonisolated(unsafe) let (next, q, v, policy, rewards) = (next, actionValues, values, policy, rewardBase)
        nonisolated(unsafe) let (isTerminal, backup) = (isTerminal, backup)
        Sharding.forEach(stateCount, work: transitions.entryCount, on: pool) { shard in
          let states = Sharding.states(shard, of: stateCount)
          let rows = states.lowerBound * actions..<states.upperBound * actions
          transitions.writeExpectations(of: next, rows: rows, into: q)
          for row in rows { q[row] = rewards[row] + discount * q[row] }
          for s in states where isTerminal[s] {
            for a in 0..<actions { q[s * actions + a] = 0 }
          }
          switch backup {
          case .hard:
            for s in states {
              var best = q[s * actions]
              for a in 1..<max(1, actions) { best = max(best, q[s * actions + a]) }
              v[s] = best
            }
          case .soft(let temperature, let prior):
            softmax(
              q, prior: prior, temperature, states: states, actions: actions, values: v, policy: policy)
            for s in states where isTerminal[s] { v[s] = 0 }
          }
        }
      }
    }
  }
}

/// v = α log Σ ρ exp(q / α) over the actions of each state, and the probabilities ∝ ρ exp(q / α).
///
/// All exponentials in one loop, and all logarithms in another, so that they become SIMD code.
private func softmax(
  _ q: UnsafePointer<Double>, prior: UnsafePointer<Double>?, _ temperature: Double, states: Range<Int>, actions: Int,
  values v: UnsafeMutablePointer<Double>, policy: UnsafeMutablePointer<Double>?
) {
  let first = states.lowerBound * actions, count = states.count * actions
  let inverse = 1 / temperature
  withUnsafeTemporaryAllocation(of: Double.self, capacity: count + states.count) { scratch in
    guard let scratch = scratch.baseAddress else { return }
    let q = q + first, prior = prior.map { $0 + first }, v = v + states.lowerBound
    let weights = policy.map { $0 + first } ?? scratch, sums = scratch + count
    for s in 0..<states.count {
      var top = -Double.infinity
      for a in s * actions..<(s + 1) * actions where prior == nil || prior.unsafelyUnwrapped[a] > 0 {
        top = max(top, q[a])
      }
      v[s] = top
      for a in s * actions..<(s + 1) * actions { weights[a] = (q[a] - top) * inverse }
    }
    for a in 0..<count { weights[a] = Elementary.exp(weights[a]) }
    if let prior { for a in 0..<count { weights[a] = prior[a] > 0 ? weights[a] * prior[a] : 0 } }
    for s in 0..<states.count {
      var sum = 0.0
      for a in s * actions..<(s + 1) * actions { sum += weights[a] }
      sums[s] = sum
      if policy != nil {
        let scale = 1 / sum
        for a in s * actions..<(s + 1) * actions { weights[a] *= scale }
      }
    }
    for s in 0..<states.count { v[s] += temperature * Elementary.log(sums[s]) }
  }
}
