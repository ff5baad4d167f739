import Basics
import Foundation

/// Soft-optimal values and the policy that attains them.
public struct SoftValues: Sendable {
  public let actionCount: Int
  public let temperature: Double
  /// V(s) = α log Σ_a ρ(a | s) exp(Q(s, a) / α), [S]; 0 in terminal states.
  public let values: [Double]
  /// Q(s, a) = R(s, a) + γ E V(s'), [S, A].
  public let actionValues: [Double]
  /// π(a | s) = ρ(a | s) exp((Q(s, a) - V(s)) / α).
  public let policy: TabularPolicy
  /// Sweeps or policies that it took.
  public let iterations: Int
  /// A bound on max |V - V*| from the last iteration.
  public let error: Double
}

extension FiniteMDP {
  /// Entropy-regularised (maximum-causal-entropy) planning: the policy that maximises
  /// E Σ γ^t [R + α H(π(· | s_t))] or, with a prior ρ, E Σ γ^t [R - α KL(π ‖ ρ)].
  ///
  /// Source: B. Ziebart, "Modeling Purposeful Adaptive Behavior with the Principle of Maximum Causal Entropy", 2010,
  /// equations 9.1 to 9.3; T. Haarnoja et al., "Reinforcement Learning with Deep Energy-Based Policies", 2017.
  /// - Parameters:
  ///   - temperature: α, above 0.
  ///   - prior: ρ; nil is ρ = 1, which makes the penalty an entropy bonus.
  /// - Throws: `GuerdonError` as `valueIteration`, and for a temperature that is not above 0.
  public func softValueIteration(
    temperature: Double = 1, prior: TabularPolicy? = nil, tolerance: Double = 1e-10, limit: Int = 1_000_000,
    pool: WorkerPool? = nil
  ) throws -> SoftValues {
    try checkSoftness(temperature, prior)
    let result = try withBackup(temperature, prior) {
      try iterate($0, tolerance: tolerance, limit: limit, policy: true, on: pool)
    }
    return SoftValues(
      actionCount: actionCount, temperature: temperature, values: result.values, actionValues: result.actionValues,
      policy: TabularPolicy(stateCount, actionCount, result.policy), iterations: result.sweeps, error: result.error)
  }

  /// The same values by Newton's method: solves for the values of a policy, its entropy paid for, and takes the softmax of
  /// them as the next policy. Some five to ten linear systems, whatever the discount.
  /// - Throws: as `softValueIteration`.
  public func softPolicyIteration(
    temperature: Double = 1, prior: TabularPolicy? = nil, tolerance: Double = 1e-10, limit: Int = 1000
  ) throws -> SoftValues {
    try checkSoftness(temperature, prior)
    if discount == 1 { try checkThatEpisodesCanEnd() }
    let rows = stateCount * actionCount
    var policy: TabularPolicy =
      prior ?? .uniform(stateCount: stateCount, actionCount: actionCount)
    var q = [Double](repeating: 0, count: rows), v = [Double](repeating: 0, count: stateCount), last = v
    for iteration in 1...max(1, limit) {
      let paid = zip(average(of: expectedReward, under: policy), regulariser(of: policy, prior: prior))
        .map { $0 + temperature * $1 }
      last = try resolvent(of: policy).solve(paid)
      var probabilities = [Double](repeating: 0, count: rows)
      withBackup(temperature, prior) { backup in
        last.withUnsafeBufferPointer { last in
          q.withUnsafeMutableBufferPointer { q in
            v.withUnsafeMutableBufferPointer { v in
              probabilities.withUnsafeMutableBufferPointer { p in
                guard let from = last.baseAddress, let q = q.baseAddress, let v = v.baseAddress else { return }
                backUp(backup, from: from, actionValues: q, values: v, policy: p.baseAddress, on: nil)
              }
            }
          }
        }
      }
      policy = TabularPolicy(stateCount, actionCount, probabilities)
      let change = zip(v, last).reduce(0) { max($0, abs($1.0 - $1.1)) }
      let size = v.reduce(0) { max($0, abs($1)) }
      let error = discount < 1 ? change * discount / (1 - discount) : change
      if error <= tolerance || change <= 64 * max(1, size).ulp {
        return SoftValues(
          actionCount: actionCount, temperature: temperature, values: v, actionValues: q, policy: policy,
          iterations: iteration, error: error)
      }
    }
    throw GuerdonError.failure(
      "Soft policy iteration did not settle within \(tolerance) in \(limit) iterations at discount \(discount).")
  }

  /// -KL(π ‖ ρ), or the entropy of π where there is no prior, [S]; 0 in terminal states.
  func regulariser(of policy: TabularPolicy, prior: TabularPolicy?) -> [Double] {
    var result = policy.entropy
    for s in 0..<stateCount {
      if isTerminal[s] {
        result[s] = 0
      } else if let prior {
        for a in 0..<actionCount where policy[s, a] > 0 { result[s] += policy[s, a] * log(prior[s, a]) }
      }
    }
    return result
  }

  func withBackup<Result>(
    _ temperature: Double, _ prior: TabularPolicy?, _ body: (Backup) throws -> Result
  ) rethrows -> Result {
    guard let prior else { return try body(.soft(temperature: temperature, prior: nil)) }
    return try prior.probabilities.withUnsafeBufferPointer {
      try body(.soft(temperature: temperature, prior: $0.baseAddress))
    }
  }

  func checkSoftness(_ temperature: Double, _ prior: TabularPolicy?) throws {
    guard temperature > 0, temperature.isFinite else {
      throw GuerdonError.usage("The temperature is \(temperature); it must be above 0.")
    }
    if let prior { try check(prior) }
  }
}
