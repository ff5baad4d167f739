import Basics

extension FiniteMDP {
  /// The same process with γ Φ(s') - Φ(s) added to its reward, which leaves the order of all policies as it is.
  ///
  /// A reward [S, A, S] stays one; any other gets the expectation over s' and becomes [S, A]. Φ is taken to be 0 in
  /// terminal states, without which the order would change.
  ///
  /// Source: A. Ng, D. Harada and S. Russell, "Policy invariance under reward transformations", 1999, theorem 1.
  /// - Parameter potential: Φ, [S].
  /// - Throws: `GuerdonError` for a wrong shape or numbers that are not finite.
  public func shaped(by potential: [Double]) throws -> FiniteMDP {
    guard potential.count == stateCount else {
      throw GuerdonError.usage("A potential has one number for each of \(stateCount) states; \(potential.count) were given.")
    }
    var living = potential
    for s in 0..<stateCount where isTerminal[s] { living[s] = 0 }
    if case .transition(var table) = reward {
      for row in 0..<stateCount * actionCount {
        for next in 0..<stateCount {
          table[row * stateCount + next] += discount * living[next] - living[row / actionCount]
        }
      }
      return try replacing(reward: .transition(table))
    }
    let expected = transitions.expectation(of: living)
    return try replacing(
      reward: .stateAction(expected.indices.map { row in
        expectedReward[row] + discount * expected[row] - living[row / actionCount]
      }))
  }
}
