import Basics
import FiniteMDPs
import Synchronization

/// ExpRD: explicable reward design (Devidze et al., NeurIPS 2021; the thesis' chapter 3).
///
/// The most informative reward among those that keep the optimal policies (C1), are bounded (C2), and are 0 outside a
/// few states (C3); the states are found greedily.
public struct ExplicableRewardDesign: Sendable {
  public struct Configuration: Sendable, Codable, Hashable {
    /// H: the steps within which a gap should show.
    public var horizons = [1, 2, 4, 8, 16, 32]
    /// B: states that may be rewarded beside the goals.
    public var budget = 5
    /// The invariance constraint asks for δ̄(s) / (1 + slack), so that rounding does not break it.
    public var slack = 1e-5
    /// What Σ |R| costs beside I(R): a small penalty picks one of many equally informative rewards, 0 leaves it to the
    /// solver which vertex that is. It enters the reward that is returned, never the choice of the support.
    public var normPenalty = 0.0

    public init() {}
  }

  /// A reward that was designed.
  public struct Design: Sendable {
    /// R̂, [n].
    public let reward: [Double]
    /// Z ∪ G, in the order in which the states were added.
    public let support: [Int]
    /// g(Z_k) after the goals alone, after one state more, and so on.
    public let informativeness: [Double]
    /// Linear programs that were solved.
    public let programs: Int
  }

  public let problem: RewardDesignProblem
  public let configuration: Configuration
  /// G_∞ and G_h for every horizon, [n, n].
  private let invariance: [Double]
  private let operators: [[Double]]

  /// - Throws: `GuerdonError` for horizons below 0, none at all, or a budget below 0.
  public init(_ problem: RewardDesignProblem, configuration: Configuration = Configuration()) throws {
    guard !configuration.horizons.isEmpty, configuration.horizons.allSatisfy({ $0 >= 0 }), configuration.budget >= 0,
      configuration.slack >= 0, configuration.slack.isFinite, configuration.normPenalty >= 0,
      configuration.normPenalty.isFinite
    else {
      throw GuerdonError.usage("ExpRD needs horizons, a budget, a slack and a norm's penalty, each from 0 up.")
    }
    self.problem = problem
    self.configuration = configuration
    invariance = try problem.gapOperator(horizon: nil)
    operators = try configuration.horizons.map { try problem.gapOperator(horizon: $0) }
  }

  // MARK: Baselines

  /// R_P(s, a) = R̄(s, a) + γ Σ T V̄*(s') − V̄*(s): potential-based shaping by the optimal values, which shows every
  /// gap at once and touches every state.
  public static func potentialBased(_ problem: RewardDesignProblem) throws -> [Double] {
    try problem.mdp.shaped(by: problem.optimal.values).expectedReward
  }

  /// CRAFT: +1 on the optimal actions of hand-picked states and −1 on the others, the goals' reward kept. Nothing says
  /// that the optimal policies stay optimal.
  public static func craft(_ problem: RewardDesignProblem, states: [Int]) -> [Double] {
    var reward = [Double](repeating: 0, count: problem.rowCount)
    let actions = problem.actionCount
    for s in states where !problem.mdp.isTerminal[s] {
      for a in 0..<actions { reward[s * actions + a] = problem.optimalActions[s, a] ? 1 : -1 }
    }
    for s in problem.goals {
      for a in 0..<actions { reward[s * actions + a] = problem.mdp.expectedReward[s * actions + a] }
    }
    return reward
  }

  // MARK: P1

  /// The most informative reward of a structure: the linear program P1.
  ///
  /// min Σ u / (|H| S) over w and u ≥ 0, with u_{h,s} ≥ δ̄(s) − (G_h R)(s, a) for every non-optimal a.
  /// - Returns: R, [n], and I(R).
  /// - Throws: `GuerdonError` when the structure holds no reward that keeps the optimal policies.
  public func mostInformative(in structure: RewardStructure) throws -> (reward: [Double], informativeness: Double) {
    let solution = try solve(structure, hinges: true, normPenalty: configuration.normPenalty)
    let slacks = solution.values[structure.parameterCount..<structure.parameterCount + hingeCount]
    return (
      structure.reward(solution.values[..<structure.parameterCount]),
      -slacks.reduce(0, +) / Double(configuration.horizons.count * problem.stateCount)
    )
  }

  /// The reward of the least Σ |R| that keeps the optimal policies, informative or not: what invariance alone asks for.
  public func leastInvariant(in structure: RewardStructure) throws -> [Double] {
    let solution = try solve(structure, hinges: false, normPenalty: 1)
    return structure.reward(solution.values[..<structure.parameterCount])
  }

  /// How many u there are: one a horizon and state with a non-optimal action.
  private var hingeCount: Int {
    configuration.horizons.count
      * (0..<problem.stateCount).filter { s in
        (0..<problem.actionCount).contains { problem.isSuboptimal(s, $0) }
      }.count
  }

  /// Variables: the parameters, the hinges' u if they are asked for, the |R(s, a)| if they cost anything.
  private func solve(
    _ structure: RewardStructure, hinges: Bool, normPenalty: Double
  ) throws -> LinearProgram.Solution {
    let n = problem.rowCount, actions = problem.actionCount
    var program = LinearProgram(.minimise)
    problem.addParameters(of: structure, costs: nil, to: &program)
    problem.addInvariance(invariance, slack: configuration.slack, in: structure, to: &program)
    if hinges {
      let cost = 1 / Double(configuration.horizons.count * problem.stateCount)
      for gapOperator in operators {
        for s in 0..<problem.stateCount {
          let worse = (0..<actions).filter { problem.isSuboptimal(s, $0) }
          if worse.isEmpty { continue }
          let u = program.addVariable(cost: cost)
          for a in worse {
            let row = s * actions + a
            let shown = structure.pullBack(gapOperator[row * n..<(row + 1) * n])
            program.addRow(terms(shown) + [LinearProgram.Term(u, 1)], atLeast: problem.gaps[s])
          }
        }
      }
    }
    if normPenalty > 0 {
      for row in structure.terms where !row.isEmpty {
        let size = program.addVariable(cost: normPenalty)
        let t = LinearProgram.Term(size, 1)
        program.addRow(row + [t], atLeast: 0)
        program.addRow(row.map { LinearProgram.Term($0.variable, -$0.coefficient) } + [t], atLeast: 0)
      }
    }
    return try program.optimum()
  }

  // MARK: P2 and P3

  /// The greedy choice of the support: Z ← G, and B times the state whose addition makes g(Z ∪ {s}) + λ D(Z ∪ {s})
  /// largest.
  /// - Parameters:
  ///   - candidates: the states that may be added; nil is every state.
  ///   - weight: λ.
  ///   - prior: D, what a person thinks of a support.
  ///   - pool: solves a step's programs side by side; the result does not depend on it.
  /// - Throws: `GuerdonError` as `mostInformative`; `CancellationError` once `isInterrupted` says so.
  public func design(
    candidates: [Int]? = nil, weight: Double = 0, prior: @Sendable ([Int]) -> Double = { _ in 0 },
    pool: WorkerPool? = nil, isInterrupted: @Sendable () -> Bool = { false }
  ) throws -> Design {
    let pool = pool ?? WorkerPool(threads: 1)
    let living = (candidates ?? Array(0..<problem.stateCount)).filter { !problem.mdp.isTerminal[$0] }
    var quick = configuration
    quick.normPenalty = 0
    let chooser = ExplicableRewardDesign(problem, quick, invariance, operators)
    var support = problem.goals
    var curve = [try chooser.mostInformative(in: .free(on: support, in: problem)).informativeness]
    var programs = 1
    for _ in 0..<configuration.budget {
      let open = living.filter { !support.contains($0) }
      if open.isEmpty { break }
      let found = Mutex([Result<Double, any Error>?](repeating: nil, count: open.count))
      let chosen = support
      pool.forEach(open.count) { index in
        if isInterrupted() { return }
        let result = Result {
          try chooser.mostInformative(in: .free(on: chosen + [open[index]], in: problem)).informativeness
        }
        found.withLock { $0[index] = result }
      }
      if isInterrupted() { throw CancellationError() }
      let values = try found.withLock { $0 }.map { try $0?.get() ?? -.infinity }
      programs += open.count
      var best = 0, highest = -Double.infinity
      for index in open.indices {
        // Ties within the solver's accuracy go to the first state.
        let value = values[index] + weight * prior(support + [open[index]])
        if value > highest + 1e-9 { (best, highest) = (index, value) }
      }
      support.append(open[best])
      curve.append(values[best])
    }
    let last = try mostInformative(in: .free(on: support, in: problem))
    return Design(reward: last.reward, support: support, informativeness: curve, programs: programs + 1)
  }

  private init(
    _ problem: RewardDesignProblem, _ configuration: Configuration, _ invariance: [Double], _ operators: [[Double]]
  ) {
    self.problem = problem
    self.configuration = configuration
    self.invariance = invariance
    self.operators = operators
  }
}

func terms(_ coefficients: [Double]) -> [LinearProgram.Term] {
  coefficients.enumerated().filter { $1 != 0 }.map { LinearProgram.Term($0, $1) }
}

extension RewardDesignProblem {
  /// The parameters as the program's first variables, and (C2) |R(s, a)| ≤ R_max.
  func addParameters(of structure: RewardStructure, costs: [Double]?, to program: inout LinearProgram) {
    // A row that is a parameter by itself bounds the parameter.
    var isBounded = [Bool](repeating: false, count: structure.parameterCount)
    for row in structure.terms where row.count == 1 && row[0].coefficient == 1 { isBounded[row[0].variable] = true }
    for l in 0..<structure.parameterCount {
      program.addVariable(
        cost: costs?[l] ?? 0, lower: isBounded[l] ? -bound : -.infinity, upper: isBounded[l] ? bound : .infinity)
    }
    for row in structure.terms where !row.isEmpty && !(row.count == 1 && row[0].coefficient == 1) {
      program.addRow(row, atLeast: -bound, atMost: bound)
    }
  }

  /// (C1): (G_∞ R)(s, a) ≥ δ̄(s) for non-optimal actions, ≥ 0 for the others.
  func addInvariance(
    _ gapOperator: [Double], slack: Double, in structure: RewardStructure, to program: inout LinearProgram
  ) {
    let n = rowCount
    for s in 0..<stateCount where !mdp.isTerminal[s] {
      for a in 0..<actionCount where a != target[s] {
        let row = s * actionCount + a
        program.addRow(
          terms(structure.pullBack(gapOperator[row * n..<(row + 1) * n])),
          atLeast: isSuboptimal(s, a) ? gaps[s] / (1 + slack) : 0)
      }
    }
  }
}
