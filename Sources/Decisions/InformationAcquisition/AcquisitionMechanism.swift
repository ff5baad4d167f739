import Basics
import Foundation

/// What a principal commits to: efforts are recommended jointly, told to each agent alone, and payments and decisions
/// depend on what was recommended, on all reports, and (payments) on the state.
public struct AcquisitionMechanism: Sendable, Hashable {
  /// μ(b), [B].
  public let recommendation: [Double]
  /// γ_i(b, s, θ), for every agent [B, S, Θ]; 0 where b is never recommended.
  public let payments: [[Double]]
  /// π(a | b, s), [B, S, A]; the first action where b is never recommended.
  public let decisions: [Double]

  /// - Throws: `GuerdonError` when a shape is not the instance's, a distribution is none, or a payment is outside [0, M].
  public init(
    recommendation: [Double], payments: [[Double]], decisions: [Double], for instance: AcquisitionInstance
  ) throws {
    let tuples = instance.efforts.count * instance.signals.count
    guard payments.count == instance.agents.count,
      payments.allSatisfy({ $0.count == tuples * instance.stateCount }),
      decisions.count == tuples * instance.actionCount
    else { throw GuerdonError.usage("The mechanism's tables have other shapes than those of \(instance.name).") }
    try AcquisitionInstance.checkDistribution(
      recommendation, count: instance.efforts.count, "The mechanism's recommendation")
    for (i, table) in payments.enumerated() {
      guard table.allSatisfy({ $0 >= -1e-9 && $0 <= instance.paymentLimit + 1e-9 }) else {
        throw GuerdonError.usage(
          "The mechanism pays \(instance.agents[i].name) less than 0 or more than \(instance.paymentLimit).")
      }
    }
    for row in 0..<tuples {
      try AcquisitionInstance.checkDistribution(
        Array(decisions[row * instance.actionCount..<(row + 1) * instance.actionCount]), count: instance.actionCount,
        "The mechanism's decision for \(instance.describe(efforts: row / instance.signals.count))")
    }
    self.init(unchecked: recommendation, payments: payments, decisions: decisions)
  }

  init(unchecked recommendation: [Double], payments: [[Double]], decisions: [Double]) {
    self.recommendation = recommendation
    self.payments = payments
    self.decisions = decisions
  }

  /// An uncorrelated mechanism: efforts `b` for certain, payments γ_i(s_i, θ) that see an agent's own report, and
  /// the action `actions[s]`.
  /// - Parameter rules: γ_i, for every agent [S_i, Θ].
  public init(efforts b: Int, rules: [[Double]], actions: [Int], for instance: AcquisitionInstance) {
    let (signals, states) = (instance.signals, instance.stateCount)
    var recommendation = [Double](repeating: 0, count: instance.efforts.count)
    recommendation[b] = 1
    var decisions = [Double](repeating: 0, count: instance.efforts.count * signals.count * instance.actionCount)
    for row in 0..<instance.efforts.count * signals.count {
      decisions[row * instance.actionCount + (row / signals.count == b ? actions[row % signals.count] : 0)] = 1
    }
    let payments: [[Double]] = rules.indices.map { i in
      var table = [Double](repeating: 0, count: instance.efforts.count * signals.count * states)
      for s in 0..<signals.count {
        for θ in 0..<states {
          table[(b * signals.count + s) * states + θ] = rules[i][signals.entry(i, of: s) * states + θ]
        }
      }
      return table
    }
    self.init(unchecked: recommendation, payments: payments, decisions: decisions)
  }
}

/// What an agent does when an effort is recommended: the effort it takes, and what it reports for every signal.
public struct AgentResponse: Sendable, Hashable {
  public var effort: Int
  /// One report a signal.
  public var reports: [Int]

  /// Obeys, and tells the truth.
  public static func honest(effort: Int, signals: Int) -> AgentResponse {
    AgentResponse(effort: effort, reports: Array(0..<signals))
  }
}

extension AcquisitionMechanism {
  /// What one agent can expect of every deviation while the others comply.
  public struct Incentives: Sendable {
    public let agent: Int
    /// μ_i(r): how often effort r is recommended.
    public let recommended: [Double]
    /// Σ_{b_-i} μ(r, b_-i) E[γ_i; signal s, report s'] after effort e, [R, E, S, S'].
    let payment: [Double]
    let costs: [Double]
    let signalCount: Int

    func payment(_ r: Int, _ e: Int, _ s: Int, _ report: Int) -> Double {
      payment[((r * costs.count + e) * signalCount + s) * signalCount + report]
    }

    /// What the best of all |S_i|^|S_i| report maps earns after effort e instead of r, ex ante: payment less cost.
    /// A map's payoff is a sum over signals, so that its best report can be found for each signal by itself; on a tie
    /// the truth is told.
    public func best(recommended r: Int, taking e: Int, tolerance: Double = 1e-12) -> (payoff: Double, reports: [Int]) {
      var payoff = -recommended[r] * costs[e]
      let reports: [Int] = (0..<signalCount).map { s in
        var report = s
        for other in 0..<signalCount where payment(r, e, s, other) > payment(r, e, s, report) + tolerance {
          report = other
        }
        payoff += payment(r, e, s, report)
        return report
      }
      return (payoff, reports)
    }

    /// What obeying and telling the truth earns, ex ante.
    public func honest(recommended r: Int) -> Double {
      var payoff = -recommended[r] * costs[r]
      for s in 0..<signalCount { payoff += payment(r, r, s, s) }
      return payoff
    }

    /// A best response to the recommendation r; ties within `tolerance` (ex ante) are broken for the principal.
    public func response(to r: Int, tolerance: Double = 1e-8) -> AgentResponse {
      var (response, top) = (AgentResponse.honest(effort: r, signals: signalCount), honest(recommended: r))
      var margin = tolerance
      for e in costs.indices {
        let option = best(recommended: r, taking: e)
        if option.payoff > top + margin {
          (response, top) = (AgentResponse(effort: e, reports: option.reports), option.payoff)
          margin = 0
        }
      }
      return response
    }
  }

  /// - Complexity: O(|B| |S| |B_i| |S_i| |Θ|).
  public func incentives(of i: Int, in instance: AcquisitionInstance) -> Incentives {
    let (efforts, signals, states) = (instance.efforts, instance.signals, instance.stateCount)
    let (own, count) = (efforts.sizes[i], signals.sizes[i])
    var recommended = [Double](repeating: 0, count: own)
    var payment = [Double](repeating: 0, count: own * own * count * count)
    let table = payments[i]
    for b in 0..<efforts.count where recommendation[b] > 0 {
      let r = efforts.entry(i, of: b)
      recommended[r] += recommendation[b]
      for e in 0..<own {
        let taken = efforts.replacing(i, of: b, by: e)
        for s in 0..<signals.count {
          let row = ((r * own + e) * count + signals.entry(i, of: s)) * count
          for θ in 0..<states {
            let weight = recommendation[b] * instance.prior[θ] * instance.probability(ofSignals: s, under: taken, in: θ)
            if weight == 0 { continue }
            for report in 0..<count {
              let reported = signals.replacing(i, of: s, by: report)
              payment[row + report] += weight * table[(b * signals.count + reported) * states + θ]
            }
          }
        }
      }
    }
    return Incentives(
      agent: i, recommended: recommended, payment: payment, costs: instance.agents[i].costs, signalCount: count)
  }

  /// How the mechanism pays if the agents respond so, and what the principal keeps.
  public struct Outcome: Sendable, Hashable {
    /// E[u].
    public let utility: Double
    /// E[γ_i], one an agent.
    public let payments: [Double]
    /// E[c_i], one an agent.
    public let costs: [Double]
    /// E[u] - Σ E[γ_i].
    public var value: Double { utility - payments.reduce(0, +) }
  }

  /// - Parameter responses: for every agent one response a recommended effort; nil is obedience and truth.
  public func outcome(in instance: AcquisitionInstance, responses: [[AgentResponse]]? = nil) -> Outcome {
    let (efforts, signals, states, actions) =
      (instance.efforts, instance.signals, instance.stateCount, instance.actionCount)
    var utility = 0.0
    var paid = [Double](repeating: 0, count: instance.agents.count), costs = paid
    for b in 0..<efforts.count where recommendation[b] > 0 {
      var taken = b
      for i in instance.agents.indices {
        let recommended = efforts.entry(i, of: b)
        let effort = responses?[i][recommended].effort ?? recommended
        taken = efforts.replacing(i, of: taken, by: effort)
        costs[i] += recommendation[b] * instance.agents[i].costs[effort]
      }
      for s in 0..<signals.count {
        var reported = s
        if let responses {
          for i in instance.agents.indices {
            let response = responses[i][efforts.entry(i, of: b)]
            reported = signals.replacing(i, of: reported, by: response.reports[signals.entry(i, of: s)])
          }
        }
        let row = b * signals.count + reported
        for θ in 0..<states {
          let weight = recommendation[b] * instance.prior[θ] * instance.probability(ofSignals: s, under: taken, in: θ)
          if weight == 0 { continue }
          for a in 0..<actions { utility += weight * decisions[row * actions + a] * instance.utility[a * states + θ] }
          for i in paid.indices { paid[i] += weight * payments[i][row * states + θ] }
        }
      }
    }
    return Outcome(utility: utility, payments: paid, costs: costs)
  }

  /// The mechanism that pays by another rule with probability `weight`: γ ← (1 - weight) γ + weight γ_i^{b_i}(s_i, θ),
  /// with the same recommendations and decisions.
  /// - Parameter rules: for every agent and effort a table [S_i, Θ].
  public func mixed(
    with rules: [[[Double]]], weight: Double, in instance: AcquisitionInstance
  ) -> AcquisitionMechanism {
    let (signals, states) = (instance.signals, instance.stateCount)
    let mixed: [[Double]] = payments.indices.map { i in
      var table = payments[i]
      for b in 0..<instance.efforts.count where recommendation[b] > 0 {
        let rule = rules[i][instance.efforts.entry(i, of: b)]
        for s in 0..<signals.count {
          for θ in 0..<states {
            let k = (b * signals.count + s) * states + θ
            table[k] = (1 - weight) * table[k] + weight * rule[signals.entry(i, of: s) * states + θ]
          }
        }
      }
      return table
    }
    return AcquisitionMechanism(unchecked: recommendation, payments: mixed, decisions: decisions)
  }
}

/// Whether obeying and telling the truth is best for every agent after every recommendation.
public struct IncentiveReport: Sendable, Hashable, Codable {
  /// The deviation that gains most.
  public struct Deviation: Sendable, Hashable, Codable {
    public var agent: String
    public var recommended: String
    public var effort: String
    /// One report a signal.
    public var reports: [String]
    /// What it gains in expectation before the recommendation is known.
    public var gain: Double
    /// What it gains once the effort has been recommended.
    public var gainWhenRecommended: Double
  }

  /// What becomes of the mechanism when no one works and everyone reports the same signal always, whatever is recommended.
  public struct ConstantReports: Sendable, Hashable, Codable {
    /// One signal an agent.
    public var reports: [String]
    /// Payoff less that of honesty, one an agent.
    public var gains: [Double]
    /// True if no agent gains by leaving it alone: a second equilibrium, which incentive compatibility does not exclude.
    public var isEquilibrium: Bool
    /// What the principal keeps then.
    public var value: Double
  }

  /// The least of honest payoff less deviating payoff over every deviation, ex ante; at least 0 if none gains.
  public var slack: Double
  /// How many deviations (agent, recommended effort, effort taken, report map) that is.
  public var deviations: Double
  /// The deviation that has this slack; nil where there is no other choice.
  public var worst: Deviation?
  /// The tuples of constant reports in which some agent gains or that are equilibria.
  public var constantReports: [ConstantReports]

  /// No deviation gains more than `tolerance`.
  public func isIncentiveCompatible(tolerance: Double = 1e-7) -> Bool { slack >= -tolerance }
}

extension AcquisitionMechanism {
  /// Checks every deviation of every agent: |B_i| efforts and |S_i|^|S_i| report maps for every recommended effort.
  public func verify(in instance: AcquisitionInstance) -> IncentiveReport {
    var (slack, deviations) = (Double.infinity, 0.0)
    var worst: IncentiveReport.Deviation?
    let incentives = instance.agents.indices.map { self.incentives(of: $0, in: instance) }
    for (i, table) in incentives.enumerated() {
      let agent = instance.agents[i], count = agent.signals.count
      for r in agent.efforts.indices where table.recommended[r] > 0 {
        deviations += Double(agent.efforts.count) * pow(Double(count), Double(count)) - 1
        for e in agent.efforts.indices {
          // Where the truth is the best map for the recommended effort, the nearest deviation swaps one report.
          let other: (payoff: Double, reports: [Int])? =
            e == r ? table.bestLie(recommended: r) : table.best(recommended: r, taking: e)
          guard let (payoff, reports) = other else { continue }
          let gain = payoff - table.honest(recommended: r)
          // 0 - gain is never -0.
          guard 0 - gain < slack else { continue }
          slack = 0 - gain
          worst = .init(
            agent: agent.name, recommended: agent.efforts[r], effort: agent.efforts[e],
            reports: reports.map { agent.signals[$0] }, gain: gain, gainWhenRecommended: gain / table.recommended[r])
        }
      }
    }
    return IncentiveReport(
      slack: slack.isFinite ? slack : 0, deviations: deviations, worst: worst,
      constantReports: constantReports(in: instance, incentives))
  }

  /// - Complexity: that of `incentives` for every tuple of reports.
  private func constantReports(
    in instance: AcquisitionInstance, _ incentives: [Incentives]
  ) -> [IncentiveReport.ConstantReports] {
    let (efforts, signals, states) = (instance.efforts, instance.signals, instance.stateCount)
    let free = instance.agents.map { $0.costs.firstIndex(of: $0.costs.min() ?? 0) ?? 0 }
    let honest = incentives.map { table in table.recommended.indices.reduce(0) { $0 + table.honest(recommended: $1) } }
    return (0..<signals.count).compactMap { (constant: Int) -> IncentiveReport.ConstantReports? in
      var gains: [Double] = [], isEquilibrium = true
      for i in instance.agents.indices {
        let count = signals.sizes[i]
        // The others' reports say nothing, so a deviation's payment depends on its own signal, report and the state.
        let own = instance.jointWithState(of: i)
        var (alone, colluding) = (0.0, -instance.agents[i].costs[free[i]])
        for r in 0..<efforts.sizes[i] {
          var paid = [Double](repeating: 0, count: count * states)
          for b in 0..<efforts.count where efforts.entry(i, of: b) == r && recommendation[b] > 0 {
            for report in 0..<count {
              let reported = signals.replacing(i, of: constant, by: report)
              for θ in 0..<states {
                paid[report * states + θ] +=
                  recommendation[b] * payments[i][(b * signals.count + reported) * states + θ]
              }
            }
          }
          for θ in 0..<states { colluding += instance.prior[θ] * paid[signals.entry(i, of: constant) * states + θ] }
          alone += (0..<efforts.sizes[i]).map { e -> Double in
            var payoff = -incentives[i].recommended[r] * instance.agents[i].costs[e]
            for s in 0..<count {
              payoff += (0..<count).map { (report: Int) -> Double in
                var sum = 0.0
                for θ in 0..<states { sum += own[(e * states + θ) * count + s] * paid[report * states + θ] }
                return sum
              }.max() ?? 0
            }
            return payoff
          }.max() ?? 0
        }
        gains.append(colluding - honest[i])
        if alone > colluding + 1e-9 { isEquilibrium = false }
      }
      guard isEquilibrium || gains.contains(where: { $0 > 1e-9 }) else { return nil }
      let responses: [[AgentResponse]] = instance.agents.indices.map { i in
        let report = [Int](repeating: signals.entry(i, of: constant), count: signals.sizes[i])
        return [AgentResponse](
          repeating: AgentResponse(effort: free[i], reports: report), count: efforts.sizes[i])
      }
      return .init(
        reports: instance.agents.indices.map { instance.agents[$0].signals[signals.entry($0, of: constant)] },
        gains: gains, isEquilibrium: isEquilibrium, value: outcome(in: instance, responses: responses).value)
    }
  }
}

extension AcquisitionMechanism.Incentives {
  /// The best report map that is not the truth, after the recommended effort; nil where there is but one signal.
  fileprivate func bestLie(recommended r: Int) -> (payoff: Double, reports: [Int])? {
    let (payoff, reports) = best(recommended: r, taking: r, tolerance: 0)
    if reports != Array(0..<signalCount) { return (payoff, reports) }
    var lie: (payoff: Double, reports: [Int])?
    for s in 0..<signalCount {
      for report in 0..<signalCount where report != s {
        let swapped = payoff - payment(r, r, s, s) + payment(r, r, s, report)
        if swapped > lie?.payoff ?? -.infinity {
          var reports = reports
          reports[s] = report
          lie = (swapped, reports)
        }
      }
    }
    return lie
  }
}
