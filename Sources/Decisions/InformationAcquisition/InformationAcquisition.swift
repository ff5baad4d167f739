import Basics
import Experiments
import FiniteMDPs

/// Online information acquisition: hiring several agents to find out about a hidden state (arXiv 2307.06210).
///
/// `optimalMechanism` is the offline linear program, `uncorrelatedOptimum` the best mechanism that looks at each agent
/// alone, `AcquisitionMechanism.verify` checks every deviation, and `ExploreThenCommit` learns a mechanism from the
/// agents' behaviour when prior, signals and costs are unknown.
public struct InformationAcquisition: Method {
  public static let card = MethodCard(
    id: "information-acquisition", title: "Online Information Acquisition: Hiring Multiple Agents",
    paper: Paper(arXiv: "2307.06210", year: 2023, month: 7, authors: 3), family: .decisions,
    summary:
      "Pays agents to find out about a hidden state and report it truthfully: the best correlated mechanism is a linear program, and exploring then committing learns one with regret T^(2/3).")

  public struct Configuration: MethodConfiguration, Hashable {
    /// Random instances: 2 agents, 2 efforts, 2 signals, 2 states, 3 actions.
    public var instances = 200
    public var instanceSeed: UInt64 = 2023
    /// The payment limits M over which a random instance's value must not fall.
    public var paymentLimits = [0.25, 0.5, 1, 2, 4]
    /// T of the learner's runs on PEER.
    public var rounds = [1_000, 10_000, 100_000, 1_000_000]
    /// The regret's slope is fitted over the T from here on; below, the strict rules' weight α is at 1.
    public var slopeFrom = 10_000
    public var learner = ExploreThenCommit.Configuration()
    public var seeds: [UInt64] = Array(0..<8)

    public static let smoke = Configuration(instances: 20, seeds: Array(0..<4))
    public static let full = Configuration()
  }

  /// A mechanism, and what the principal keeps on average.
  public struct Optimum: Sendable {
    public let mechanism: AcquisitionMechanism
    public let value: Double
  }

  /// What is asked of a mechanism besides the most for the principal.
  public struct Options: Sendable, Hashable {
    /// ε: by how much a deviation may gain, given the recommendation. 0 is incentive compatibility.
    public var relaxation = 0.0
    /// λ: what it costs the program, for every unit, that agents who do not work and all report the same signal always
    /// can gain together (`IncentiveReport.constantReports`). 0 is the paper's program.
    public var collusionPenalty = 0.0
    /// What recommending each tuple of efforts costs the program besides, [B]; empty for nothing. A small one breaks ties.
    public var recommendationCosts: [Double] = []

    public init(relaxation: Double = 0, collusionPenalty: Double = 0, recommendationCosts: [Double] = []) {
      self.relaxation = relaxation
      self.collusionPenalty = collusionPenalty
      self.recommendationCosts = recommendationCosts
    }
  }

  /// The offline linear program and where its variables stand.
  ///
  /// Variables: μ(b) ≥ 0; y(b, s, a) = μ(b) π(a | b, s) ≥ 0; x_i(b, s, θ) = μ(b) γ_i(b, s, θ) ≥ 0; z_i(b_i, b_i', s_i)
  /// free, the most that a report can bring after b_i' and s_i when b_i was recommended.
  public struct Program: Sendable {
    public private(set) var linear = LinearProgram(.maximise)
    let recommendation: Range<Int>, decisions: Range<Int>, payments: [Range<Int>]

    /// - Complexity: O(|B| |S| (|A| + Σ_i |B_i| |S_i| |Θ|)).
    public init(_ instance: AcquisitionInstance, options: Options = Options()) {
      typealias Term = LinearProgram.Term
      let (efforts, signals) = (instance.efforts, instance.signals)
      let (states, actions, prior) = (instance.stateCount, instance.actionCount, instance.prior)
      let agents = instance.agents.indices, tuples = efforts.count * signals.count
      // The objective: Σ p(θ) P(s | b, θ) [Σ_a y(b, s, a) u(a, θ) - Σ_i x_i(b, s, θ)].
      var weights = [Double](repeating: 0, count: tuples * states)  // p(θ) P(s | b, θ), [B, S, Θ].
      for b in 0..<efforts.count {
        for θ in 0..<states {
          for s in 0..<signals.count {
            weights[(b * signals.count + s) * states + θ] =
              prior[θ] * instance.probability(ofSignals: s, under: b, in: θ)
          }
        }
      }
      let free = options.recommendationCosts.isEmpty
      let μ = linear.addVariables(
        costs: free ? [Double](repeating: 0, count: efforts.count) : options.recommendationCosts.map { -$0 })
      var worth = [Double](repeating: 0, count: tuples * actions)
      for k in worth.indices {
        for θ in 0..<states {
          worth[k] += weights[k / actions * states + θ] * instance.utility[k % actions * states + θ]
        }
      }
      let y = linear.addVariables(costs: worth)
      var x: [Range<Int>] = []
      for _ in agents { x.append(linear.addVariables(costs: weights.map { -$0 })) }
      (recommendation, decisions, payments) = (μ, y, x)

      // (1) Σ_b μ(b) = 1; Σ_a y(b, s, a) = μ(b); x_i(b, s, θ) ≤ M μ(b).
      linear.addRow(μ.map { Term($0, 1) }, equals: 1)
      for row in 0..<tuples {
        let chosen = (0..<actions).map { Term(y.lowerBound + row * actions + $0, 1) }
        linear.addRow([Term(μ.lowerBound + row / signals.count, -1)] + chosen, equals: 0)
      }
      for i in agents {
        for k in 0..<tuples * states {
          let bound = Term(μ.lowerBound + k / (signals.count * states), -instance.paymentLimit)
          linear.addRow([bound, Term(x[i].lowerBound + k, 1)], atMost: 0)
        }
      }
      for i in agents {
        let (own, count, costs) = (efforts.sizes[i], signals.sizes[i], instance.agents[i].costs)
        let z = linear.addVariables(costs: [Double](repeating: 0, count: own * own * count), lower: -.infinity)
        for r in 0..<own {
          let recommending = (0..<efforts.count).filter { efforts.entry(i, of: $0) == r }
          var honest: [Term] = []
          for b in recommending {
            for k in b * signals.count * states..<(b + 1) * signals.count * states where weights[k] != 0 {
              honest.append(Term(x[i].lowerBound + k, weights[k]))
            }
          }
          for e in 0..<own {
            // (2) Obeying and telling the truth is worth what taking e and the best reports are.
            let saved: Double = costs[e] - costs[r] + options.relaxation
            let costs: [Term] = recommending.map { Term(μ.lowerBound + $0, saved) }
            let first: Int = z.lowerBound + (r * own + e) * count
            let lies: [Term] = (first..<first + count).map { Term($0, -1) }
            linear.addRow(costs + honest + lies, atLeast: 0)
            // (3) z_i(r, e, s_i) is at least what reporting s_i' brings.
            for signal in 0..<count {
              for report in 0..<count {
                var terms: [Term] = []
                for b in recommending {
                  let taken = efforts.replacing(i, of: b, by: e)
                  for s in 0..<signals.count where signals.entry(i, of: s) == signal {
                    let reported = signals.replacing(i, of: s, by: report)
                    for θ in 0..<states {
                      let weight = weights[(taken * signals.count + s) * states + θ]
                      if weight == 0 { continue }
                      terms.append(
                        Term(x[i].lowerBound + (b * signals.count + reported) * states + θ, -weight))
                    }
                  }
                }
                linear.addRow(terms + [Term(first + signal, 1)], atLeast: 0)
              }
            }
          }
        }
      }
      if options.collusionPenalty > 0 { penaliseCollusion(instance, weights, options.collusionPenalty) }
    }

    /// t ≥ Σ_i [payoff of doing the cheapest and reporting s_i always] - Σ_i [payoff of honesty] for every s, at -λ t.
    private mutating func penaliseCollusion(
      _ instance: AcquisitionInstance, _ weights: [Double], _ penalty: Double
    ) {
      typealias Term = LinearProgram.Term
      let (efforts, signals, states) = (instance.efforts, instance.signals, instance.stateCount)
      let gain = linear.addVariable(cost: -penalty)
      let least = instance.agents.reduce(0.0) { $0 + ($1.costs.min() ?? 0) }
      let saved = (0..<efforts.count).map { (b: Int) -> Term in
        var cost = 0.0
        for (i, agent) in instance.agents.enumerated() { cost += agent.costs[efforts.entry(i, of: b)] }
        return Term(recommendation.lowerBound + b, least - cost)
      }
      for constant in 0..<signals.count {
        var terms = saved + [Term(gain, 1)]
        for x in payments {
          for b in 0..<efforts.count {
            for s in 0..<signals.count {
              for θ in 0..<states {
                let k = (b * signals.count + s) * states + θ
                let weight = weights[k] - (s == constant ? instance.prior[θ] : 0)
                if weight != 0 { terms.append(Term(x.lowerBound + k, weight)) }
              }
            }
          }
        }
        linear.addRow(terms, atLeast: 0)
      }
    }

    /// γ_i = x_i / μ and π = y / μ where μ is above what the solver's tolerance blurs.
    func decode(_ values: [Double], for instance: AcquisitionInstance) -> AcquisitionMechanism {
      let (signals, states, actions) = (instance.signals.count, instance.stateCount, instance.actionCount)
      var μ = recommendation.map { values[$0] > 1e-9 ? values[$0] : 0 }
      let mass: Double = μ.reduce(0, +)
      var pays = payments.map { [Double](repeating: 0, count: $0.count) }
      var decides = [Double](repeating: 0, count: decisions.count)
      for row in 0..<μ.count * signals {
        let weight = μ[row / signals]
        guard weight > 0 else {
          decides[row * actions] = 1
          continue
        }
        let chosen = (0..<actions).map { max(0, values[decisions.lowerBound + row * actions + $0]) }
        let sum: Double = chosen.reduce(0, +)
        for a in 0..<actions { decides[row * actions + a] = sum > 0 ? chosen[a] / sum : a == 0 ? 1 : 0 }
        for i in pays.indices {
          for k in row * states..<(row + 1) * states {
            pays[i][k] = min(max(0, values[payments[i].lowerBound + k] / weight), instance.paymentLimit)
          }
        }
      }
      for b in μ.indices { μ[b] /= mass }
      return AcquisitionMechanism(unchecked: μ, payments: pays, decisions: decides)
    }
  }

  /// The best incentive-compatible mechanism.
  /// - Returns: the mechanism, and the principal's value in it if all obey and tell the truth.
  /// - Throws: `GuerdonError` when the solver gives up.
  public static func optimalMechanism(
    for instance: AcquisitionInstance, options: Options = Options()
  ) throws -> Optimum {
    guard options.relaxation >= 0, options.relaxation.isFinite, options.collusionPenalty >= 0,
      options.collusionPenalty.isFinite
    else { throw GuerdonError.usage("The relaxation and the penalty on collusion are numbers from 0.") }
    guard options.recommendationCosts.isEmpty || options.recommendationCosts.count == instance.efforts.count else {
      throw GuerdonError.usage("Recommendations have one cost for each of the \(instance.efforts.count) tuples of efforts.")
    }
    let program = Program(instance, options: options)
    let solution = try program.linear.optimum()
    let mechanism = program.decode(solution.values, for: instance)
    return Optimum(mechanism: mechanism, value: mechanism.outcome(in: instance).value)
  }

  /// The best mechanism that recommends fixed efforts and pays each agent by its own report and the state.
  ///
  /// For every tuple of efforts and every agent one small program finds the cheapest rule γ_i(s_i, θ); tuples that no
  /// payments within [0, M] bring about are left out. Doing what costs nothing for no pay is always possible.
  public static func uncorrelatedOptimum(
    for instance: AcquisitionInstance
  ) throws -> (optimum: Optimum, efforts: Int) {
    // Per agent and effort the cheapest rule and what it costs.
    let rules: [[(rule: [Double], payment: Double)?]] = try instance.agents.indices.map { i in
      let own = PaymentRules(agent: i, in: instance)
      return try instance.agents[i].efforts.indices.map { try own.cheapest(for: $0) }
    }
    var best: (optimum: Optimum, efforts: Int)?
    for b in 0..<instance.efforts.count {
      let chosen = instance.agents.indices.compactMap { rules[$0][instance.efforts.entry($0, of: b)] }
      guard chosen.count == instance.agents.count else { continue }
      let (utility, actions) = instance.decisionValue(under: b)
      let value = utility - chosen.reduce(0.0) { $0 + $1.payment }
      if let best, best.optimum.value >= value { continue }
      let mechanism = AcquisitionMechanism(efforts: b, rules: chosen.map(\.rule), actions: actions, for: instance)
      best = (Optimum(mechanism: mechanism, value: value), b)
    }
    guard let best else {
      throw GuerdonError.failure("No tuple of efforts of \(instance.name) can be brought about by payments.")
    }
    return best
  }
}
