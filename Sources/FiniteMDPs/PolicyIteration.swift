import Basics

extension FiniteMDP {
  /// Howard's policy iteration: solves for a policy's values, changes the actions that are strictly worse than another,
  /// and so on until none is. Exact up to rounding.
  ///
  /// Source: Puterman 1994, section 6.4.
  /// - Throws: `GuerdonError` when the discount is 1 and episodes need not end.
  public func policyIteration(limit: Int = 10_000) throws -> OptimalValues {
    var actions = try startingActions()
    for iteration in 1...max(1, limit) {
      let result = try evaluate(TabularPolicy(taking: actions, of: actionCount))
      let size = result.actionValues.reduce(0) { max($0, abs($1)) }
      if !improve(&actions, by: result.actionValues, margin: 1e-12 * max(1, size)) {
        // The maximum over the last policy's Q makes ties exact.
        let values = (0..<stateCount).map { s in
          result.actionValues[s * actionCount..<(s + 1) * actionCount].max() ?? 0
        }
        return OptimalValues(
          actionCount: actionCount, values: values, actionValues: result.actionValues, iterations: iteration, error: 0)
      }
    }
    throw GuerdonError.failure("Policy iteration still changes its policy after \(limit) iterations.")
  }

  /// Replaces the actions that another one beats by more than `margin`; false if there is none.
  func improve(_ actions: inout [Int], by values: [Double], margin: Double) -> Bool {
    var hasImproved = false
    for s in 0..<stateCount {
      let begin = s * actionCount
      var best = actions[s]
      for a in 0..<actionCount where values[begin + a] > values[begin + best] + margin { best = a }
      if best != actions[s] {
        actions[s] = best
        hasImproved = true
      }
    }
    return hasImproved
  }

  /// Any policy where the discount is below 1; with discount 1, one that ends episodes, by a shortest path.
  private func startingActions() throws -> [Int] {
    var actions = [Int](repeating: 0, count: stateCount)
    guard discount == 1 else { return actions }
    try checkThatEpisodesCanEnd()
    let distances = graph.reversed.distances(from: terminalStates)
    for s in 0..<stateCount where !isTerminal[s] {
      actions[s] = (0..<actionCount).first { action in
        transitions.successors(of: s, under: action).contains { distances[$0.state] < distances[s] }
      } ?? 0
    }
    return actions
  }
}
