import Basics

/// A policy that may change with time: π_t(a | s), [T, S, A].
public struct TimedPolicy: Sendable, Hashable {
  public let horizon: Int
  public let stateCount: Int
  public let actionCount: Int
  /// [T, S, A].
  public let probabilities: [Double]

  init(_ horizon: Int, _ stateCount: Int, _ actionCount: Int, _ probabilities: [Double]) {
    self.horizon = horizon
    self.stateCount = stateCount
    self.actionCount = actionCount
    self.probabilities = probabilities
  }

  /// The same policy at all `horizon` steps.
  /// - Throws: `GuerdonError` for a horizon below 1.
  public init(_ policy: TabularPolicy, horizon: Int) throws {
    try checkHorizon(horizon)
    self.init(
      horizon, policy.stateCount, policy.actionCount, (0..<horizon).flatMap { _ in policy.probabilities })
  }

  /// The policy of step `t`.
  public func policy(at t: Int) -> TabularPolicy {
    precondition((0..<horizon).contains(t), "a policy of \(horizon) steps has none at step \(t)")
    let rows = stateCount * actionCount
    return TabularPolicy(stateCount, actionCount, Array(probabilities[t * rows..<(t + 1) * rows]))
  }

  public subscript(t: Int, state: Int, action: Int) -> Double {
    probabilities[(t * stateCount + state) * actionCount + action]
  }
}

/// Values and a policy for a fixed number of steps.
public struct FiniteHorizonValues: Sendable {
  public let horizon: Int
  public let stateCount: Int
  public let actionCount: Int
  /// V_t(s), [T + 1, S]; the last row is what the end is worth.
  public let values: [Double]
  /// Q_t(s, a), [T, S, A].
  public let actionValues: [Double]
  public let policy: TimedPolicy

  public func values(at t: Int) -> ArraySlice<Double> { values[t * stateCount..<(t + 1) * stateCount] }

  public func actionValues(at t: Int) -> ArraySlice<Double> {
    let rows = stateCount * actionCount
    return actionValues[t * rows..<(t + 1) * rows]
  }
}

/// Where a policy is at every step.
public struct FiniteHorizonOccupancy: Sendable {
  public let horizon: Int
  public let policy: TimedPolicy
  /// D_t(s), [T + 1, S]: the probability that the episode is still running and in s after t steps.
  public let states: [Double]

  /// D_t(s) π_t(a | s), [T, S, A].
  public var stateActions: [Double] {
    policy.probabilities.indices.map { states[$0 / policy.actionCount] * policy.probabilities[$0] }
  }

  /// Σ_{t < T} γ^t D_t(s) π_t(a | s).
  /// - Parameter discount: γ.
  public func total(discount: Double = 1) -> Occupancy {
    let rows = policy.stateCount * policy.actionCount
    var sum = [Double](repeating: 0, count: rows)
    var weight = 1.0
    for t in 0..<horizon {
      for row in 0..<rows {
        sum[row] += weight * states[t * policy.stateCount + row / policy.actionCount]
          * policy.probabilities[t * rows + row]
      }
      weight *= discount
    }
    return Occupancy(stateActions: sum, actionCount: policy.actionCount)
  }
}

extension FiniteMDP {
  /// Optimal values for `horizon` steps, by backward induction: V_t = max_a R + γ P V_{t+1}.
  ///
  /// Source: Puterman 1994, section 4.5.
  /// - Parameter final: what it is worth to stand in a state at the end, [S]; nil is nothing. Terminal states are worth 0.
  /// - Throws: `GuerdonError` for a horizon below 1, or final values of a wrong shape.
  public func backwardInduction(
    horizon: Int, final: [Double]? = nil, pool: WorkerPool? = nil
  ) throws -> FiniteHorizonValues {
    let result = try induct(.hard, horizon, final, policy: false, on: pool)
    let actions = greedyActions(result.actionValues, actionCount: actionCount)
    return FiniteHorizonValues(
      horizon: horizon, stateCount: stateCount, actionCount: actionCount, values: result.values,
      actionValues: result.actionValues,
      policy: TimedPolicy(
        horizon, stateCount, actionCount, TabularPolicy(taking: actions, of: actionCount).probabilities))
  }

  /// Maximum-causal-entropy planning for `horizon` steps: V_t = α log Σ_a ρ exp(Q_t / α), π_t = ρ exp((Q_t - V_t) / α).
  ///
  /// Source: Ziebart 2010, equations 9.1 to 9.3.
  /// - Parameters: as `softValueIteration` and `backwardInduction`.
  public func softBackwardInduction(
    horizon: Int, temperature: Double = 1, prior: TabularPolicy? = nil, final: [Double]? = nil,
    pool: WorkerPool? = nil
  ) throws -> FiniteHorizonValues {
    try checkSoftness(temperature, prior)
    let result = try withBackup(temperature, prior) { try induct($0, horizon, final, policy: true, on: pool) }
    return FiniteHorizonValues(
      horizon: horizon, stateCount: stateCount, actionCount: actionCount, values: result.values,
      actionValues: result.actionValues,
      policy: TimedPolicy(horizon, stateCount, actionCount, result.policy))
  }

  private func induct(
    _ backup: Backup, _ horizon: Int, _ final: [Double]?, policy wantsPolicy: Bool, on pool: WorkerPool?
  ) throws -> (values: [Double], actionValues: [Double], policy: [Double]) {
    try checkHorizon(horizon)
    let rows = stateCount * actionCount
    let end = try finalValues(final)
    let values = [Double](unsafeUninitializedCapacity: (horizon + 1) * stateCount) { buffer, count in
      for s in 0..<stateCount { buffer.initializeElement(at: horizon * stateCount + s, to: end[s]) }
      count = (horizon + 1) * stateCount
    }
    var result = (
      values: values, actionValues: [Double](unsafeUninitializedCapacity: horizon * rows) { $1 = horizon * rows },
      policy: [Double](unsafeUninitializedCapacity: wantsPolicy ? horizon * rows : 0) {
        $1 = wantsPolicy ? horizon * rows : 0
      })
    result.values.withUnsafeMutableBufferPointer { values in
      result.actionValues.withUnsafeMutableBufferPointer { actionValues in
        result.policy.withUnsafeMutableBufferPointer { policy in
          guard let v = values.baseAddress, let q = actionValues.baseAddress else { return }
          for t in (0..<horizon).reversed() {
            backUp(
              backup, from: v + (t + 1) * stateCount, actionValues: q + t * rows, values: v + t * stateCount,
              policy: wantsPolicy ? policy.baseAddress.map { $0 + t * rows } : nil, on: pool)
          }
        }
      }
    }
    return result
  }

  /// What a time-dependent policy is worth over its horizon.
  /// - Parameter final: as `backwardInduction`.
  /// - Throws: `GuerdonError` when the policy is for another process.
  public func evaluate(_ policy: TimedPolicy, final: [Double]? = nil) throws -> FiniteHorizonValues {
    try check(policy)
    let rows = stateCount * actionCount
    var values = [Double](repeating: 0, count: (policy.horizon + 1) * stateCount)
    var q = [Double](repeating: 0, count: policy.horizon * rows)
    var next = try finalValues(final)
    values.replaceSubrange(policy.horizon * stateCount..<values.count, with: next)
    for t in (0..<policy.horizon).reversed() {
      let actionValues = actionValues(of: next)
      for s in 0..<stateCount {
        next[s] = 0
        for a in 0..<actionCount {
          let row = s * actionCount + a
          q[t * rows + row] = actionValues[row]
          next[s] += policy.probabilities[t * rows + row] * actionValues[row]
        }
        values[t * stateCount + s] = next[s]
      }
    }
    return FiniteHorizonValues(
      horizon: policy.horizon, stateCount: stateCount, actionCount: actionCount, values: values, actionValues: q,
      policy: policy)
  }

  /// Follows a policy from the initial distribution: D_{t+1}(s') = Σ D_t(s) π_t(a | s) P(s' | s, a).
  ///
  /// Source: Ziebart 2010, algorithm 9.3.
  /// - Throws: `GuerdonError` when the policy is for another process.
  public func occupancy(of policy: TimedPolicy, pool: WorkerPool? = nil) throws -> FiniteHorizonOccupancy {
    try check(policy)
    let states = stateCount, actions = actionCount, rows = states * actions, horizon = policy.horizon
    let shards = Sharding.count(states)
    // Over many steps it pays to know what leads into a state: sums are then gathered instead of scattered.
    let incoming = transitions.incoming()
    var visited = [Double](repeating: 0, count: (horizon + 1) * states)
    var partial = [Double](repeating: 0, count: shards * states)
    var weights = [Double](repeating: 0, count: rows)
    for s in 0..<states where !isTerminal[s] { visited[s] = initial[s] }
    visited.withUnsafeMutableBufferPointer { visited in
      partial.withUnsafeMutableBufferPointer { partial in
        weights.withUnsafeMutableBufferPointer { weights in
          policy.probabilities.withUnsafeBufferPointer { probabilities in
            guard let visitedBase = visited.baseAddress, let partialBase = partial.baseAddress,
              let weightBase = weights.baseAddress, let probabilityBase = probabilities.baseAddress
            else { return }
            nonisolated(unsafe) let (partial, weights) = (partialBase, weightBase)
            for t in 0..<horizon {
              nonisolated(unsafe) let now = visitedBase + t * states
              nonisolated(unsafe) let π = probabilityBase + t * rows
              nonisolated(unsafe) let next = now + states
              if let incoming {
                for s in 0..<states {
                  for a in 0..<actions { weights[s * actions + a] = now[s] * π[s * actions + a] }
                }
                Sharding.forEach(states, work: transitions.entryCount, on: pool) { shard in
                  incoming.gather(weights, states: Sharding.states(shard, of: states), into: next)
                }
                for s in 0..<states where isTerminal[s] { next[s] = 0 }
                continue
              }
              Sharding.forEach(states, work: transitions.entryCount, on: pool) { shard in
                let range = Sharding.states(shard, of: states)
                for s in range {
                  for a in 0..<actions { weights[s * actions + a] = now[s] * π[s * actions + a] }
                }
                let out = partial + shard * states
                out.update(repeating: 0, count: states)
                transitions.addPushed(
                  weights, rows: range.lowerBound * actions..<range.upperBound * actions, into: out)
              }
              for shard in 0..<shards { Kernels.add(1, partial + shard * states, states, to: next) }
              for s in 0..<states where isTerminal[s] { next[s] = 0 }
            }
          }
        }
      }
    }
    return FiniteHorizonOccupancy(horizon: horizon, policy: policy, states: visited)
  }

  private func check(_ policy: TimedPolicy) throws {
    guard policy.stateCount == stateCount, policy.actionCount == actionCount else {
      throw GuerdonError.usage(
        "A policy for \(policy.stateCount) states and \(policy.actionCount) actions was given to a process of "
          + "\(stateCount) states and \(actionCount) actions.")
    }
  }

  private func finalValues(_ final: [Double]?) throws -> [Double] {
    guard var final else { return [Double](repeating: 0, count: stateCount) }
    guard final.count == stateCount, final.allSatisfy(\.isFinite) else {
      throw GuerdonError.usage("Final values are one finite number for each of \(stateCount) states.")
    }
    for s in 0..<stateCount where isTerminal[s] { final[s] = 0 }
    return final
  }
}

private func checkHorizon(_ horizon: Int) throws {
  guard (1...1 << 24).contains(horizon) else {
    throw GuerdonError.usage("The horizon is \(horizon) steps; it must be at least 1.")
  }
}
