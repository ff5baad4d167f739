import Basics
import FiniteMDPs

/// ExpAdaRD: rewards that are designed anew for what the learner's policy is now (Devidze et al., AAMAS 2024; the
/// thesis' chapter 4).
///
/// I_L(R) = Σ_{s,a} μ_T(s) μ_L(s) π_L(a|s)² [A_T(s, a) − Σ_b π_L(b|s) A_T(s, b)]
///          [A^L_R(s, a) − Σ_b π_L(b|s) A^L_R(s, b)]
///
/// is the inner product of the gradient that the teacher would like the learner to follow with the one it follows on R.
/// As in the authors' code, the learner's advantages A^L_R are those of one step, R(s, a) itself, so that I_L is
/// linear.
public struct AdaptiveRewardDesign: Sendable {
  public struct Configuration: Sendable, Codable, Hashable {
    /// ε: how much the teacher's policy is smoothed where its occupancy is asked for.
    public var smoothing = 0.3
    /// As in ExpRD.
    public var slack = 1e-5

    public init() {}
  }

  public let problem: RewardDesignProblem
  public let structure: RewardStructure
  public let configuration: Configuration
  /// A_T(s, a) of π† under R̄, [n], and μ_T, [S].
  private let advantages: [Double]
  private let teacherOccupancy: [Double]
  private let invariance: [Double]

  /// - Throws: `GuerdonError` for a structure of another size, or a smoothing outside [0, 1].
  public init(
    _ problem: RewardDesignProblem, structure: RewardStructure, configuration: Configuration = Configuration()
  ) throws {
    guard structure.terms.count == problem.rowCount else {
      throw GuerdonError.usage(
        "A structure for \(problem.rowCount) pairs of state and action has that many rows; this has "
          + "\(structure.terms.count).")
    }
    guard (0...1).contains(configuration.smoothing), configuration.slack >= 0, configuration.slack.isFinite else {
      throw GuerdonError.usage("ExpAdaRD needs a smoothing within 0...1 and a slack from 0 up.")
    }
    self.problem = problem
    self.structure = structure
    self.configuration = configuration
    let teacher = try TabularPolicy(actions: problem.target, actionCount: problem.actionCount)
    advantages = try problem.mdp.evaluate(teacher).advantages
    teacherOccupancy = try Self.visits(of: teacher.smoothed(configuration.smoothing), in: problem.mdp)
    invariance = try problem.gapOperator(horizon: nil)
  }

  /// I_L of a reward for a learner's policy.
  public func informativeness(of reward: [Double], for policy: TabularPolicy) throws -> Double {
    try problem.check(reward)
    return zip(try coefficients(for: policy), reward).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// The reward of the structure that is most informative for a learner's policy, and keeps the optimal policies (C1)
  /// and the bound (C2): one linear program.
  /// - Throws: `GuerdonError` when the structure holds no such reward, or the policy is for another process.
  public func reward(for policy: TabularPolicy) throws -> [Double] {
    var program = LinearProgram(.maximise)
    let costs = structure.pullBack(try coefficients(for: policy))
    // I_L vanishes as the policy becomes certain; the solver's accuracy is absolute, and the reward does not depend on
    // a factor.
    let largest = costs.reduce(0) { max($0, abs($1)) }
    problem.addParameters(of: structure, costs: largest > 0 ? costs.map { $0 / largest } : nil, to: &program)
    problem.addInvariance(invariance, slack: configuration.slack, in: structure, to: &program)
    return structure.reward(try program.optimum().values[..<structure.parameterCount])
  }

  /// ∂I_L / ∂R(s, a), [n].
  func coefficients(for policy: TabularPolicy) throws -> [Double] {
    let learnerOccupancy = try Self.visits(of: policy, in: problem.mdp)
    let actions = problem.actionCount
    var result = [Double](repeating: 0, count: problem.rowCount)
    for s in 0..<problem.stateCount where !problem.mdp.isTerminal[s] {
      let weight = teacherOccupancy[s] * learnerOccupancy[s]
      let mean = (0..<actions).reduce(0) { $0 + policy[s, $1] * advantages[s * actions + $1] }
      var sum = 0.0
      for a in 0..<actions {
        let c = weight * policy[s, a] * policy[s, a] * (advantages[s * actions + a] - mean)
        result[s * actions + a] = c
        sum += c
      }
      // −Σ_b π(b|s) R(s, b) stands in every action's bracket.
      for b in 0..<actions { result[s * actions + b] -= policy[s, b] * sum }
    }
    return result
  }

  /// μ = (1 − γ) (I − γ P^πᵀ)⁻¹ d₀ without the terminal states, normalised to sum 1, [S].
  private static func visits(of policy: TabularPolicy, in mdp: FiniteMDP) throws -> [Double] {
    let states = try mdp.occupancy(of: policy).states
    let total: Double = states.reduce(0, +)
    return states.map { $0 / total }
  }
}

/// ExpAdaRD at work: every N_r episodes the reward is designed for the policy as it then is. It replaces R̄; before the
/// first design it is 0.
public struct AdaptiveTeacher: RewardTeacher {
  private let design: AdaptiveRewardDesign
  private let actionCount: Int
  /// R̂, [n].
  public private(set) var reward: [Double]

  public init(_ design: AdaptiveRewardDesign) {
    self.design = design
    actionCount = design.problem.actionCount
    reward = Array(repeating: 0, count: design.problem.rowCount)
  }

  public func reward(_ state: Int, _ action: Int, next: Int, original: Double) -> Double {
    reward[state * actionCount + action]
  }

  public mutating func update(_ episodes: [TaughtEpisode], policy: TabularPolicy) throws {
    reward = try design.reward(for: policy)
  }
}
