import Basics

/// Optimal values, and what follows from them.
public struct OptimalValues: Sendable {
  public let actionCount: Int
  /// V*(s), [S]; 0 in terminal states.
  public let values: [Double]
  /// Q*(s, a), [S, A].
  public let actionValues: [Double]
  /// Sweeps or policies that it took.
  public let iterations: Int
  /// A bound on max |V - V*| from the last sweep; 0 where a policy was solved for exactly.
  public let error: Double

  /// A*(s, a) = Q*(s, a) - V*(s), [S, A].
  public var advantages: [Double] { actionValues.indices.map { actionValues[$0] - values[$0 / actionCount] } }

  /// A deterministic optimal policy: the lowest action among the best.
  public var policy: TabularPolicy { .greedy(actionValues, actionCount: actionCount) }

  /// All actions within `tolerance` of the best.
  public func optimalActions(tolerance: Double = 1e-8) -> ActionSets {
    ActionSets(bestOf: actionValues, actionCount: actionCount, tolerance: tolerance)
  }
}

extension FiniteMDP {
  /// Iterates V ← max_a R + γ P V until it is within `tolerance` of V* (or moves by less than rounding does).
  ///
  /// With discount 1 the process must end: some terminal state must be reachable from everywhere. The error is then the
  /// last sweep's change and no bound.
  ///
  /// Source: Puterman 1994, section 6.3.
  /// - Throws: `GuerdonError` when `tolerance` is not reached within `limit` sweeps, or the discount is 1 and some state
  ///   can never reach a terminal one.
  public func valueIteration(
    tolerance: Double = 1e-10, limit: Int = 1_000_000, pool: WorkerPool? = nil
  ) throws -> OptimalValues {
    let result = try iterate(.hard, tolerance: tolerance, limit: limit, policy: false, on: pool)
    return OptimalValues(
      actionCount: actionCount, values: result.values, actionValues: result.actionValues,
      iterations: result.sweeps, error: result.error)
  }

  /// Sweeps until the values stand still.
  func iterate(
    _ backup: Backup, tolerance: Double, limit: Int, policy wantsPolicy: Bool, on pool: WorkerPool?
  ) throws -> (values: [Double], actionValues: [Double], policy: [Double], sweeps: Int, error: Double) {
    guard tolerance > 0, limit > 0 else {
      throw GuerdonError.usage("Value iteration needs a tolerance and a limit above 0.")
    }
    if discount == 1 { try checkThatEpisodesCanEnd() }
    let rows = stateCount * actionCount
    var values = [Double](repeating: 0, count: stateCount), next = values
    var actionValues = [Double](repeating: 0, count: rows)
    var policy = [Double](repeating: 0, count: wantsPolicy ? rows : 0)
    // The distance to the fixed point is at most γ / (1 - γ) times the last change.
    let factor = discount < 1 ? discount / (1 - discount) : 1
    for sweep in 1...limit {
      next.withUnsafeBufferPointer { next in
        values.withUnsafeMutableBufferPointer { values in
          actionValues.withUnsafeMutableBufferPointer { actionValues in
            policy.withUnsafeMutableBufferPointer { policy in
              guard let from = next.baseAddress, let v = values.baseAddress, let q = actionValues.baseAddress
              else { return }
              backUp(
                backup, from: from, actionValues: q, values: v, policy: wantsPolicy ? policy.baseAddress : nil,
                on: pool)
            }
          }
        }
      }
      var change = 0.0, size = 0.0
      for s in 0..<stateCount {
        change = max(change, abs(values[s] - next[s]))
        size = max(size, abs(values[s]))
      }
      guard size.isFinite else { break }
      swap(&values, &next)
      if change * factor <= tolerance || change <= 4 * size.ulp {
        return (next, actionValues, policy, sweep, change * factor)
      }
    }
    throw GuerdonError.failure(
      "Value iteration did not settle within \(tolerance) in \(limit) sweeps at discount \(discount); "
        + "allow more sweeps, or lower the discount.")
  }

  /// - Throws: `GuerdonError` naming a state from which no policy ends the episode.
  func checkThatEpisodesCanEnd() throws {
    let ends = graph.reversed.reachable(from: terminalStates)
    guard let stuck = ends.firstIndex(of: false) else { return }
    throw GuerdonError.usage(
      "With discount 1 every state must be able to reach a terminal one, and state \(stuck) cannot; "
        + "lower the discount, or plan for a finite horizon or the average reward.")
  }
}
