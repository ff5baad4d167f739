import Basics

/// A bound on a linear function of an occupancy, for example on how often something happens.
public struct OccupancyConstraint: Sendable {
  /// [S, A].
  public var weights: [Double]
  public var atLeast: Double
  public var atMost: Double

  public init(_ weights: [Double], atLeast: Double = -.infinity, atMost: Double = .infinity) {
    self.weights = weights
    self.atLeast = atLeast
    self.atMost = atMost
  }
}

/// The best occupancy, and the prices of what bounds it.
public struct OptimalOccupancy: Sendable {
  public let occupancy: Occupancy
  /// Σ x R.
  public let objective: Double
  /// What starting in a state rather than in none is worth, [S]: the duals of the flow. Without constraints they are V*
  /// in every state that is visited.
  public let values: [Double]
  /// How fast the objective changes with the bound that holds each constraint.
  public let prices: [Double]
}

extension LinearProgram {
  /// Adds the occupancies of a process as variables x(s, a) ≥ 0, numbered as [S, A], and a row a state, which says that
  /// what leaves the state is what begins in it and what flows into it:
  /// Σ_a x(s, a) - γ Σ x(s', a') P(s | s', a') = μ0(s).
  ///
  /// Source: Puterman 1994, section 6.9.
  /// - Parameters:
  ///   - costs: what the program's objective counts x(s, a) with, [S, A].
  ///   - normalised: multiplies the right-hand sides, and so the occupancies, by 1 - γ.
  /// - Throws: `GuerdonError` for costs of another shape.
  public mutating func addOccupancy(
    of mdp: FiniteMDP, costs: [Double], normalised: Bool = false
  ) throws -> (variables: Range<Int>, flow: Range<Int>) {
    let states = mdp.stateCount, actions = mdp.actionCount, rows = states * actions
    guard costs.count == rows else {
      throw GuerdonError.usage(
        "The costs of an occupancy of \(states) states and \(actions) actions are [S, A]; \(costs.count) were given.")
    }
    let first = variableCount
    var flow = [[Term]](repeating: [], count: states)
    for row in 0..<rows {
      let isTerminal = mdp.isTerminal[row / actions]
      let variable = addVariable(cost: isTerminal ? 0 : costs[row], upper: isTerminal ? 0 : .infinity)
      if isTerminal { continue }
      flow[row / actions].append(Term(variable, 1))
      mdp.transitions.forEachSuccessor(ofRow: row) { flow[$0].append(Term(variable, -mdp.discount * $1)) }
    }
    let firstRow = rowCount
    for s in 0..<states {
      if mdp.isTerminal[s] {
        addRow([])
      } else {
        addRow(flow[s], equals: mdp.initial[s] * (normalised ? 1 - mdp.discount : 1))
      }
    }
    return (first..<variableCount, firstRow..<rowCount)
  }
}

extension FiniteMDP {
  /// The occupancy of the greatest return among those that keep the constraints, by linear programming.
  /// - Parameters:
  ///   - normalised: occupancies, objective and constraints are those of the occupancy times 1 - γ.
  ///   - constraints: bounds on the occupancy.
  /// - Throws: `GuerdonError` when the constraints contradict each other, or a shape is wrong.
  public func optimalOccupancy(
    subjectTo constraints: [OccupancyConstraint] = [], normalised: Bool = false
  ) throws -> OptimalOccupancy {
    guard !normalised || discount < 1 else {
      throw GuerdonError.usage("A discounted occupancy cannot be normalised with discount 1: there is no 1 - γ.")
    }
    var program = LinearProgram(.maximise)
    let (variables, flow) = try program.addOccupancy(of: self, costs: expectedReward, normalised: normalised)
    for constraint in constraints {
      guard constraint.weights.count == variables.count else {
        throw GuerdonError.usage("A constraint on an occupancy has weights [S, A]; \(constraint.weights.count) were given.")
      }
      program.addRow(dense: constraint.weights, atLeast: constraint.atLeast, atMost: constraint.atMost)
    }
    let solution = try program.optimum()
    return OptimalOccupancy(
      occupancy: Occupancy(stateActions: solution.values.map { max(0, $0) }, actionCount: actionCount),
      objective: solution.objective, values: Array(solution.duals[flow]),
      prices: Array(solution.duals[flow.upperBound...]))
  }
}
