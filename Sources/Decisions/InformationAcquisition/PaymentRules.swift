import Basics
import FiniteMDPs

/// Payments to one agent by its own report and the state, γ_i(s_i, θ) in [0, M].
struct PaymentRules {
  let agent: AcquisitionInstance.Agent
  /// p(θ) P(s_i | b_i, θ), [B_i, Θ, S_i].
  let law: [Double]
  let stateCount: Int
  let limit: Double
  var signalCount: Int { agent.signals.count }

  init(agent i: Int, in instance: AcquisitionInstance) {
    agent = instance.agents[i]
    law = instance.jointWithState(of: i)
    stateCount = instance.stateCount
    limit = instance.paymentLimit
  }

  /// What a rule pays on average after effort e to who sees `signal` and reports `report`.
  func payment(_ rule: [Double], effort e: Int, signal: Int, report: Int) -> Double {
    var sum = 0.0
    for θ in 0..<stateCount {
      sum += law[(e * stateCount + θ) * signalCount + signal] * rule[report * stateCount + θ]
    }
    return sum
  }

  /// What honesty after effort e is paid on average.
  func honestPayment(_ rule: [Double], effort e: Int) -> Double {
    (0..<signalCount).reduce(0.0) { $0 + payment(rule, effort: e, signal: $1, report: $1) }
  }

  /// What an agent facing the rule does. Ties are broken for honesty, then for the lower effort.
  func response(to rule: [Double]) -> AgentResponse {
    var best: (payoff: Double, response: AgentResponse)?
    for e in agent.efforts.indices {
      var payoff = -agent.costs[e]
      let reports: [Int] = (0..<signalCount).map { signal in
        var (report, top) = (signal, payment(rule, effort: e, signal: signal, report: signal))
        for other in 0..<signalCount {
          let paid = payment(rule, effort: e, signal: signal, report: other)
          if paid > top + 1e-9 { (report, top) = (other, paid) }
        }
        payoff += top
        return report
      }
      if let best, best.payoff >= payoff - 1e-12 { continue }
      best = (payoff, AgentResponse(effort: e, reports: reports))
    }
    return best?.response ?? .honest(effort: 0, signals: signalCount)
  }

  /// The rule of the least expected payment under which effort `r` and the truth are best; nil if there is none.
  func cheapest(for r: Int) throws -> (rule: [Double], payment: Double)? { try rule(for: r, margin: 0, isStrict: false) }

  /// The largest margin by which some rule makes effort `r` and the truth better than any deviation; nil if no rule
  /// makes them best at all.
  ///
  /// A misreport between signals after which the state is as likely cannot be told from the truth, and need only be no
  /// better. The truth must also be best after every other effort, so that mixtures of such rules are truthful.
  func largestMargin(for r: Int) throws -> Double? {
    var program = LinearProgram(.maximise)
    let rule = program.addVariables(costs: [Double](repeating: 0, count: signalCount * stateCount), upper: limit)
    let margin = program.addVariable(cost: 1, upper: max(1, 10 * limit))
    addIncentives(to: &program, rule, for: r, margin: margin, isStrict: true)
    guard case .optimal(let solution) = try program.solve() else { return nil }
    return solution.values[margin]
  }

  /// The cheapest rule with a margin of at least `margin` (see `largestMargin`).
  func strict(for r: Int, margin: Double) throws -> [Double]? {
    try rule(for: r, margin: margin, isStrict: true)?.rule
  }

  private func rule(
    for r: Int, margin least: Double, isStrict: Bool
  ) throws -> (rule: [Double], payment: Double)? {
    var program = LinearProgram(.minimise)
    let costs: [Double] = (0..<signalCount * stateCount).map { (k: Int) -> Double in
      law[(r * stateCount + k % stateCount) * signalCount + k / stateCount]
    }
    let rule = program.addVariables(costs: costs, upper: limit)
    let margin = program.addVariable(lower: least, upper: least)
    addIncentives(to: &program, rule, for: r, margin: margin, isStrict: isStrict)
    guard case .optimal(let solution) = try program.solve() else { return nil }
    return (rule.map { min(max(0, solution.values[$0]), limit) }, solution.objective)
  }

  /// Constraints 2 and 3 of the program for one agent.
  private func addIncentives(
    to program: inout LinearProgram, _ rule: Range<Int>, for r: Int, margin: Int, isStrict: Bool
  ) {
    typealias Term = LinearProgram.Term
    func paid(_ e: Int, _ signal: Int, _ report: Int, _ sign: Double) -> [Term] {
      (0..<stateCount).map { (θ: Int) -> Term in
        let weight: Double = law[(e * stateCount + θ) * signalCount + signal]
        return Term(rule.lowerBound + report * stateCount + θ, sign * weight)
      }
    }
    let honest = (0..<signalCount).flatMap { paid(r, $0, $0, 1) }
    for e in agent.efforts.indices {
      if e != r {
        let best = program.addVariables(costs: [Double](repeating: 0, count: signalCount), lower: -.infinity)
        for signal in 0..<signalCount {
          for report in 0..<signalCount {
            program.addRow(paid(e, signal, report, -1) + [Term(best.lowerBound + signal, 1)], atLeast: 0)
          }
        }
        let others: [Term] = best.map { Term($0, -1) } + [Term(margin, -1)]
        program.addRow(honest + others, atLeast: agent.costs[r] - agent.costs[e])
      }
      guard e == r || isStrict else { continue }
      for signal in 0..<signalCount {
        for report in 0..<signalCount where report != signal {
          let isTold = e == r && isStrict && !isAlike(r, signal, report)
          var terms: [Term] = paid(e, signal, signal, 1) + paid(e, signal, report, -1)
          if isTold { terms.append(Term(margin, -1)) }
          program.addRow(terms, atLeast: 0)
        }
      }
    }
  }

  /// True if the state is as likely after the two signals, or one of them is never seen.
  private func isAlike(_ e: Int, _ a: Int, _ b: Int) -> Bool {
    func column(_ signal: Int) -> [Double] { (0..<stateCount).map { law[(e * stateCount + $0) * signalCount + signal] } }
    let (x, y) = (column(a), column(b))
    let (sumX, sumY) = (x.reduce(0, +), y.reduce(0, +))
    return sumX < 1e-9 || sumY < 1e-9 || zip(x, y).allSatisfy { abs($0 / sumX - $1 / sumY) < 1e-9 }
  }
}
