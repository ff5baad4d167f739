import Basics
import Foundation

/// Learns a mechanism while it is used: T rounds with the same agents, whose prior, signals and costs are unknown.
///
/// After a round the principal sees the reports, the state and the efforts that were taken. Agents know everything and
/// respond exactly to the mechanism of the round; the principal commits before it.
public struct ExploreThenCommit: Sendable {
  public struct Configuration: Sendable, Hashable, Codable {
    /// κ in ε = κ M √(ln(T |B| |S| |Θ|) / N₁), by which the program's incentives are relaxed.
    public var slack = 0.075
    /// Whether the program's payments are mixed with the strict rules before they are used. Without, agents deviate.
    public var mixesStrictRules = true
    /// Whether there is a second and third phase at all; without, exploring goes on for ever.
    public var commits = true

    public init(slack: Double = 0.075, mixesStrictRules: Bool = true, commits: Bool = true) {
      self.slack = slack
      self.mixesStrictRules = mixesStrictRules
      self.commits = commits
    }
  }

  /// What came of T rounds. Regret counts expected values, given what the principal did.
  public struct Trace: Sendable, Hashable, Codable {
    public var rounds: Int
    /// Σ_t (optimal value - value of round t).
    public var regret: Double
    /// Rounds of the first phase, of the second, and after them.
    public var explored: Int
    public var searched: Int
    public var committed: Int
    /// The committed mechanism's share α of strict rules, and the relaxation ε; nil where none was committed to.
    public var strictShare: Double?
    public var relaxation: Double?
    /// The principal's value a round after committing, as the agents respond; nil where none was committed to.
    public var committedValue: Double?
    /// True if some agent disobeys or lies after committing.
    public var deviates: Bool
    /// Estimates of c_i(b_i) - c_i(first effort).
    public var costs: [[Double]]
  }

  public let instance: AcquisitionInstance
  /// The value that regret is measured against.
  public let optimalValue: Double
  /// γ_i^{b_i} of Assumption 1: for every agent and effort a rule [S_i, Θ] that makes it, and the truth, strictly best.
  public let strictRules: [[[Double]]]
  /// ρ': the least margin by which they do.
  public let margin: Double

  /// Finds the optimum, for regret, and the strict rules of Assumption 1, which the paper takes as known: the cheapest
  /// ones whose margin is the largest that every agent's every effort can have.
  /// - Throws: `GuerdonError` when no payments make some effort strictly best.
  public init(_ instance: AcquisitionInstance) throws {
    self.instance = instance
    optimalValue = try InformationAcquisition.optimalMechanism(for: instance).value
    let rules = instance.agents.indices.map { PaymentRules(agent: $0, in: instance) }
    var least = Double.infinity
    for own in rules {
      for effort in own.agent.efforts.indices {
        guard let margin = try own.largestMargin(for: effort), margin > 1e-6 else {
          throw GuerdonError.failure(
            "No payments within [0, \(instance.paymentLimit)] make \(own.agent.name) strictly prefer "
              + "\(own.agent.efforts[effort]) and the truth, which learning by exploring needs; raise the payment limit.")
        }
        least = min(least, margin)
      }
    }
    // A hair less than the largest, which no rounding can make infeasible.
    margin = least * (1 - 1e-6)
    strictRules = try rules.map { own in
      try own.agent.efforts.indices.map { effort in
        guard let rule = try own.strict(for: effort, margin: least * (1 - 1e-6)) else {
          throw GuerdonError.failure("The strict rule of \(own.agent.name) for \(own.agent.efforts[effort]) was not found.")
        }
        return rule
      }
    }
  }

  /// - Parameter rounds: T.
  /// - Throws: `GuerdonError` when there are fewer rounds than the first two phases take.
  public func run(
    rounds T: Int, _ configuration: Configuration = Configuration(), random: inout RandomGenerator
  ) throws -> Trace {
    guard configuration.slack > 0, configuration.slack.isFinite else {
      throw GuerdonError.usage("The learner's slack κ is \(configuration.slack); it must be above 0.")
    }
    let (efforts, signals, states) = (instance.efforts, instance.signals, instance.stateCount)
    let agents = instance.agents.indices
    let own = agents.map { PaymentRules(agent: $0, in: instance) }
    // What the principal does while she knows nothing: the best action if all states were alike.
    let blind = (0..<instance.actionCount).map { a in
      instance.utility[a * states..<(a + 1) * states].reduce(0, +)
    }
    let action = blind.indices.max { blind[$0] < blind[$1] } ?? 0
    let blindUtility = (0..<states).reduce(0.0) { $0 + instance.prior[$1] * instance.utility[action * states + $1] }

    // Phase 1: |B| N₁ rounds of the strict rules.
    let perTuple = max(1, Int((pow(Double(T), 2.0 / 3) / Double(efforts.count)).rounded(.up)))
    let steps = max(1, Int(log2(Double(T)).rounded(.up)))
    let searchRounds = instance.agents.reduce(0) { $0 + ($1.efforts.count - 1) * $1.efforts.count * steps }
    guard perTuple * efforts.count + searchRounds <= T else {
      throw GuerdonError.usage(
        "\(T) rounds are too few to explore \(efforts.count) tuples of efforts; "
          + "at least \(Self.leastRounds(instance)) are needed.")
    }
    // What agents do under the strict rules, and what a round of them costs.
    let responses = agents.map { i in strictRules[i].map { own[i].response(to: $0) } }
    func exploringValue(_ rules: [[Double]], _ responses: [AgentResponse]) -> Double {
      agents.reduce(blindUtility) { value, i in
        let paid = responses[i].reports.enumerated().reduce(0.0) {
          $0 + own[i].payment(rules[i], effort: responses[i].effort, signal: $1.offset, report: $1.element)
        }
        return value - paid
      }
    }
    let explored = configuration.commits ? perTuple * efforts.count : T
    var regret = 0.0
    for b in 0..<efforts.count {
      let entries = efforts.entries(of: b)
      let value = exploringValue(
        agents.map { strictRules[$0][entries[$0]] }, agents.map { responses[$0][entries[$0]] })
      // Tuples take turns; when exploring for ever some have one turn more.
      let turns = configuration.commits ? perTuple : T / efforts.count + (b < T % efforts.count ? 1 : 0)
      regret += Double(turns) * (optimalValue - value)
    }
    var trace = Trace(
      rounds: T, regret: regret, explored: explored, searched: 0, committed: T - explored, strictShare: nil,
      relaxation: nil, committedValue: nil, deviates: false, costs: [])
    if !configuration.commits {
      trace.committed = 0
      return trace
    }
    var stateTotals = [Double](repeating: 0, count: states)
    var counts = [Double](repeating: 0, count: efforts.count * states * signals.count)
    let priorSampler = Sampler(instance.prior)
    for b in 0..<efforts.count {
      let samplers = (0..<states).map { θ in
        let row = (b * states + θ) * signals.count
        return Sampler(Array(instance.signalLaw[row..<row + signals.count]))
      }
      let reported: [Int] = (0..<signals.count).map { s in
        agents.reduce(s) { reported, i in
          signals.replacing(
            i, of: reported, by: responses[i][efforts.entry(i, of: b)].reports[signals.entry(i, of: s)])
        }
      }
      for _ in 0..<perTuple {
        let θ = priorSampler.sample(&random)
        stateTotals[θ] += 1
        counts[(b * states + θ) * signals.count + reported[samplers[θ].sample(&random)]] += 1
      }
    }
    let prior = stateTotals.map { $0 / Double(perTuple * efforts.count) }
    var law = counts
    for row in 0..<efforts.count * states {
      let range = row * signals.count..<(row + 1) * signals.count
      let sum: Double = counts[range].reduce(0, +)
      // A state that never occurred under these efforts tells nothing.
      for k in range { law[k] = sum > 0 ? counts[k] / sum : 1 / Double(signals.count) }
    }

    // Phase 2: costs of efforts beside the first one, by binary search for the mixture at which an agent changes.
    let believed = instance.estimated(prior: prior, signalLaw: law, costs: instance.agents.map(\.costs))
    var costs: [[Double]] = []
    for i in agents {
      let seen = PaymentRules(agent: i, in: believed)
      var gaps = [0.0]
      for k in instance.agents[i].efforts.indices.dropFirst() {
        var search = CostSearch(
          rules: (strictRules[i][k - 1], strictRules[i][k]), truth: own[i], seen: seen, steps: steps)
        let gap = search.gap(from: k - 1, at: 0, to: k, at: 1)
        gaps.append(gaps[k - 1] + gap)
        trace.searched += search.rounds
        // The others play their first effort's rule meanwhile.
        for (weight, response) in search.history {
          var (rules, taken) = (agents.map { strictRules[$0][0] }, agents.map { responses[$0][0] })
          rules[i] = search.mixture(weight)
          taken[i] = response
          trace.regret += optimalValue - exploringValue(rules, taken)
        }
      }
      costs.append(gaps)
    }
    trace.costs = costs

    // Phase 3: the relaxed program of the estimates, mixed with the strict rules.
    let ε = configuration.slack * instance.paymentLimit
      * (log(Double(T) * Double(efforts.count * signals.count * states)) / Double(perTuple)).squareRoot()
    // In the estimates' mechanism a deviation gains at most ε by the relaxation and ε by their error.
    let α = configuration.mixesStrictRules ? min(1, 2 * ε / margin) : 0
    // Relaxed, work may look free; among equally good recommendations take those whose strict rules pay least.
    let strictPayments: [Double] = (0..<efforts.count).map { b in
      agents.reduce(0.0) { sum, i in
        let effort = efforts.entry(i, of: b)
        return sum + PaymentRules(agent: i, in: believed).honestPayment(strictRules[i][effort], effort: effort)
      }
    }
    let learned = try InformationAcquisition.optimalMechanism(
      for: instance.estimated(prior: prior, signalLaw: law, costs: costs),
      options: InformationAcquisition.Options(
        relaxation: ε, recommendationCosts: strictPayments.map { 1e-6 * $0 }))
    let mechanism = learned.mechanism.mixed(with: strictRules, weight: α, in: instance)
    let answers: [[AgentResponse]] = agents.map { i in
      let incentives = mechanism.incentives(of: i, in: instance)
      return instance.agents[i].efforts.indices.map { incentives.response(to: $0) }
    }
    trace.deviates = agents.contains { i in
      answers[i].indices.contains { r in
        answers[i][r] != .honest(effort: r, signals: signals.sizes[i])
      }
    }
    let value = mechanism.outcome(in: instance, responses: answers).value
    trace.committed = T - explored - trace.searched
    trace.regret += Double(trace.committed) * (optimalValue - value)
    trace.strictShare = α
    trace.relaxation = ε
    trace.committedValue = value
    return trace
  }

  /// The fewest rounds that leave some after exploring and searching.
  static func leastRounds(_ instance: AcquisitionInstance) -> Int {
    var T = 8
    while true {
      let perTuple = Int((pow(Double(T), 2.0 / 3) / Double(instance.efforts.count)).rounded(.up))
      let steps = Int(log2(Double(T)).rounded(.up))
      let searching = instance.agents.reduce(0) { $0 + ($1.efforts.count - 1) * $1.efforts.count * steps }
      if perTuple * instance.efforts.count + searching <= T { return T }
      T += max(1, T / 16)
    }
  }
}

/// Binary search along (1 - w) γ^l + w γ^k: each step is a round, and shows which effort the agent takes.
///
/// The agent's best payoff is convex in w, so that every effort is taken on one interval; where two intervals meet the
/// two efforts are worth the same, and their costs differ by what their payments do.
private struct CostSearch {
  /// γ^l and γ^k.
  let rules: ([Double], [Double])
  /// What the agent knows, and what the principal believes.
  let truth: PaymentRules
  let seen: PaymentRules
  let steps: Int
  private(set) var rounds = 0
  private(set) var history: [(weight: Double, response: AgentResponse)] = []

  init(rules: ([Double], [Double]), truth: PaymentRules, seen: PaymentRules, steps: Int) {
    self.rules = rules
    self.truth = truth
    self.seen = seen
    self.steps = steps
  }

  func mixture(_ w: Double) -> [Double] { zip(rules.0, rules.1).map { (1 - w) * $0 + w * $1 } }

  /// The estimate of c(to) - c(from), where `from` is taken at weight `low` and `to` at weight `high`.
  mutating func gap(from: Int, at low: Double, to: Int, at high: Double) -> Double {
    var (low, high) = (low, high)
    for _ in 0..<steps {
      let middle = (low + high) / 2
      let response = truth.response(to: mixture(middle))
      rounds += 1
      history.append((middle, response))
      if response.effort == from {
        low = middle
      } else if response.effort == to {
        high = middle
      } else {
        return gap(from: from, at: low, to: response.effort, at: middle)
          + gap(from: response.effort, at: middle, to: to, at: high)
      }
    }
    let rule = mixture((low + high) / 2)
    return seen.honestPayment(rule, effort: to) - seen.honestPayment(rule, effort: from)
  }
}

/// Draws from a distribution.
private struct Sampler {
  private let cumulative: [Double]

  init(_ weights: [Double]) {
    var sum = 0.0
    cumulative = weights.map {
      sum += $0
      return sum
    }
  }

  func sample(_ random: inout RandomGenerator) -> Int {
    let u = random.uniform() * (cumulative.last ?? 1)
    return cumulative.firstIndex { u < $0 } ?? cumulative.count - 1
  }
}
