import Basics
import Experiments
import FiniteMDPs
import Foundation

/// What objective-specification formalisms can express (arXiv 2310.11840): 17 of them, compared by the total preorders of
/// stationary policies that they allow in each environment.
///
/// `Translator.all` are the inclusions as functions, `Witness.all()` the tasks that separate formalisms,
/// `ExpressivityEnvironment.decide` says whether a formalism can order given policies in a given way, with a certificate
/// where it cannot, and `ExpressivityDiagram` is the result as data and as a picture.
public struct Expressivity: Method {
  public static let card = MethodCard(
    id: "expressivity", title: "On The Expressivity of Objective-Specification Formalisms in Reinforcement Learning",
    paper: Paper(arXiv: "2310.11840", year: 2023, month: 10, authors: 6), family: .theory,
    summary:
      "Compares 17 ways to write an objective by the orders of policies that they allow: translations where one contains another, and witnesses with certificates where it does not.")

  public struct Configuration: MethodConfiguration, Hashable {
    /// Random environments a kind: with loops, and ending (those over trajectories need the latter).
    public var environments = 20
    /// Pairs of random policies an environment and translator.
    public var pairs = 200
    public var witnesses = ["W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9"]
    /// The discount of the surrogate rewards.
    public var discount = 0.9
    public var seeds: [UInt64] = [0]

    public static let smoke = Configuration(environments: 4, pairs: 50, witnesses: ["W1", "W2", "W3", "W4", "W5"])
    public static let full = Configuration()
  }

  /// The Markov reward that comes nearest to an objective on given policies, and what optimising it instead costs.
  public struct Surrogate: Sendable {
    /// R(s, a), [S, A].
    public let reward: [Double]
    /// The largest |J - objective| over the policies, after the best R and offset.
    public let error: Double
    /// A deterministic policy that is optimal for R.
    public let policy: TabularPolicy
    /// The objective of that policy.
    public let value: Double
  }

  /// Fits R by linear programming (the least largest error, with a free offset) and plans for it.
  /// - Parameter scores: the objective of every policy.
  /// - Throws: `GuerdonError` for a discount outside [0, 1), or when the solver gives up.
  public static func surrogate(
    in environment: ExpressivityEnvironment, policies: [TabularPolicy], objective: (TabularPolicy) -> Double,
    discount: Double
  ) throws -> Surrogate {
    let (states, actions) = (environment.stateCount, environment.actionCount)
    let process = try environment.process(discount: discount)
    var program = LinearProgram(.minimise)
    let reward = program.addVariables(costs: [Double](repeating: 0, count: states * actions), lower: -.infinity)
    let offset = program.addVariable(lower: -.infinity), error = program.addVariable(cost: 1)
    for policy in policies {
      let visits = try process.occupancy(of: policy).stateActions, wanted = objective(policy)
      var terms = reward.filter { visits[$0] != 0 }.map { LinearProgram.Term($0, visits[$0]) }
      terms.append(.init(offset, 1))
      program.addRow(terms + [.init(error, 1)], atLeast: wanted)
      program.addRow(terms + [.init(error, -1)], atMost: wanted)
    }
    let solution = try program.optimum()
    var table = Array(solution.values[reward])
    let largest = table.reduce(1) { max($0, abs($1)) }
    for s in 0..<states {
      // A state's missing actions repeat its first one, and must not be taken.
      for a in environment.actions[s].count..<actions { table[s * actions + a] = table[s * actions] - largest }
    }
    let plan = try process.replacing(reward: .stateAction(table)).policyIteration()
    return Surrogate(
      reward: table, error: solution.objective, policy: plan.policy, value: objective(plan.policy))
  }

  /// The best stationary policy for an objective by gradient ascent on the logits, from several starts; central
  /// differences of the exactly evaluated objective.
  public static func optimise(
    _ objective: (TabularPolicy) -> Double, in environment: ExpressivityEnvironment, starts: Int = 4, steps: Int = 400,
    random: inout RandomGenerator
  ) throws -> (policy: TabularPolicy, value: Double) {
    let free = (0..<environment.stateCount).filter { environment.actions[$0].count > 1 }
    func policy(_ logits: [Double]) throws -> TabularPolicy {
      var (rows, next) = (environment.actions.map { [Double](repeating: 1, count: $0.count) }, 0)
      for s in free {
        let own = logits[next..<next + rows[s].count], top = own.max() ?? 0
        let weights = own.map { exp($0 - top) }, sum: Double = weights.reduce(0, +)
        next += rows[s].count
        rows[s] = weights.map { $0 / sum }
      }
      return try environment.policy(rows)
    }
    let count = free.reduce(0) { $0 + environment.actions[$1].count }
    var best: (policy: TabularPolicy, value: Double)?
    for _ in 0..<max(1, starts) {
      var logits = (0..<count).map { _ in random.normal() }
      var value = objective(try policy(logits)), rate = 1.0
      for _ in 0..<steps {
        let gradient = try logits.indices.map { k in
          var (up, down) = (logits, logits)
          up[k] += 1e-5
          down[k] -= 1e-5
          return (objective(try policy(up)) - objective(try policy(down))) / 2e-5
        }
        let moved = zip(logits, gradient).map { $0 + rate * $1 }
        let reached = objective(try policy(moved))
        if reached > value {
          (logits, value, rate) = (moved, reached, min(rate * 2, 1e6))
        } else {
          rate /= 4
          if rate < 1e-12 { break }
        }
      }
      if value > best?.value ?? -.infinity { best = (try policy(logits), value) }
    }
    guard let best else { throw GuerdonError.failure("No start of the gradient ascent gave a number.") }
    return best
  }
}
