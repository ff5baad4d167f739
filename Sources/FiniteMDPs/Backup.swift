import Basics
import Foundation

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
            for s in states {
              let begin = s * actions
              let value = softmax(
                q + begin, prior: prior.map { $0 + begin }, temperature, actions, into: policy.map { $0 + begin })
              v[s] = isTerminal[s] ? 0 : value
            }
          }
        }
      }
    }
  }
}

/// α log Σ ρ exp(q / α) over one state's actions, and the probabilities ∝ ρ exp(q / α).
@inline(__always)
private func softmax(
  _ q: UnsafePointer<Double>, prior: UnsafePointer<Double>?, _ temperature: Double, _ count: Int,
  into policy: UnsafeMutablePointer<Double>?
) -> Double {
  var top = -Double.infinity
  for a in 0..<count where prior == nil || prior.unsafelyUnwrapped[a] > 0 { top = max(top, q[a]) }
  let inverse = 1 / temperature
  var sum = 0.0
  for a in 0..<count {
    let weight = exp((q[a] - top) * inverse) * (prior == nil ? 1 : prior.unsafelyUnwrapped[a])
    policy?[a] = weight
    sum += weight
  }
  if let policy {
    let scale = 1 / sum
    for a in 0..<count { policy[a] *= scale }
  }
  return top + temperature * log(sum)
}
