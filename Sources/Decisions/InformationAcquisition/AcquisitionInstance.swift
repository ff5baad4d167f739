import Basics
import Foundation

/// A principal, a hidden state, and agents who can be paid to find out about it.
///
/// The state θ is drawn from a prior. Agent i takes an effort b_i at a cost and then sees a signal s_i; the signals'
/// joint law is P(s | b, θ), the law of s_i alone depends on (b_i, θ) only. The principal takes an action a and has the
/// utility u(a, θ). Payments lie in [0, M].
public struct AcquisitionInstance: Sendable, Hashable {
  public struct Agent: Sendable, Hashable {
    public var name: String
    public var efforts: [String]
    /// c_i(b_i), one an effort.
    public var costs: [Double]
    public var signals: [String]

    public init(name: String, efforts: [String], costs: [Double], signals: [String]) {
      self.name = name
      self.efforts = efforts
      self.costs = costs
      self.signals = signals
    }
  }

  public let name: String
  public let states: [String]
  /// p(θ), [Θ].
  public let prior: [Double]
  public let actions: [String]
  /// u(a, θ), [A, Θ].
  public let utility: [Double]
  public let agents: [Agent]
  /// P(s | b, θ), [B, Θ, S], over the tuples of efforts and of signals.
  public let signalLaw: [Double]
  /// M: the largest payment to one agent.
  public let paymentLimit: Double
  /// Tuples of efforts, b.
  public let efforts: Profiles
  /// Tuples of signals, s.
  public let signals: Profiles

  public var stateCount: Int { prior.count }
  public var actionCount: Int { actions.count }

  /// - Throws: `GuerdonError` for a wrong shape, a distribution that is none, negative costs, an agent without an effort
  ///   that costs nothing, a payment limit that is not a number from 0, or signals of one agent whose law depends on
  ///   another agent's effort.
  public init(
    name: String = "instance", states: [String], prior: [Double], actions: [String], utility: [Double], agents: [Agent],
    signalLaw: [Double], paymentLimit: Double
  ) throws {
    func check(_ condition: Bool, _ message: @autoclosure () -> String) throws {
      guard condition else { throw GuerdonError.usage("\(name): \(message()).") }
    }
    try check(!states.isEmpty && !actions.isEmpty && !agents.isEmpty, "it needs a state, an action and an agent")
    for (kind, names) in [("state", states), ("action", actions), ("agent", agents.map(\.name))] {
      try check(Set(names).count == names.count, "two \(kind)s have the same name")
    }
    try Self.checkDistribution(prior, count: states.count, "\(name): the prior")
    try check(
      utility.count == actions.count * states.count,
      "the utility has one number an action and state, \(actions.count * states.count); \(utility.count) were given")
    try check(utility.allSatisfy(\.isFinite), "the utility must be finite numbers")
    try check(paymentLimit >= 0 && paymentLimit.isFinite, "the payment limit is a number from 0, not \(paymentLimit)")
    for agent in agents {
      try check(!agent.efforts.isEmpty && !agent.signals.isEmpty, "\(agent.name) needs an effort and a signal")
      try check(
        Set(agent.efforts).count == agent.efforts.count && Set(agent.signals).count == agent.signals.count,
        "two efforts or two signals of \(agent.name) have the same name")
      try check(agent.costs.count == agent.efforts.count, "\(agent.name) needs one cost an effort")
      try check(
        agent.costs.allSatisfy { $0 >= 0 && $0.isFinite }, "the costs of \(agent.name) must be numbers from 0")
      try check(agent.costs.contains(0), "\(agent.name) needs an effort that costs 0")
    }
    // The mechanism's tables grow with the product over the agents: what would not fit is said before it is tried.
    var size = Double(states.count + actions.count)
    for agent in agents { size *= Double(agent.efforts.count) * Double(agent.signals.count) }
    try check(size <= 5e6, "its mechanism would have some \(Int(min(size, 1e15))) numbers; at most 5000000 are tried")
    self.init(
      unchecked: name, states: states, prior: prior, actions: actions, utility: utility, agents: agents,
      signalLaw: signalLaw, paymentLimit: paymentLimit)
    let expected = efforts.count * stateCount * signals.count
    try check(
      signalLaw.count == expected, "the signals' law has \(expected) probabilities; \(signalLaw.count) were given")
    for b in 0..<efforts.count {
      for θ in 0..<stateCount {
        let row = (b * stateCount + θ) * signals.count
        try Self.checkDistribution(
          Array(signalLaw[row..<row + signals.count]), count: signals.count,
          "\(name): the signals' law under \(describe(efforts: b)) in state \(states[θ])")
      }
    }
    for i in agents.indices {
      for b in 0..<efforts.count {
        // The tuple with the same effort of i and everybody else's first one.
        let own = efforts.replacing(i, of: 0, by: efforts.entry(i, of: b))
        for θ in 0..<stateCount {
          let difference = zip(marginal(of: i, under: b, in: θ), marginal(of: i, under: own, in: θ))
            .map { abs($0 - $1) }.max() ?? 0
          try check(
            difference <= 1e-9,
            "the signals of \(agents[i].name) must depend on its own effort and the state alone, but others change "
              + "them under \(describe(efforts: b))")
        }
      }
    }
  }

  /// Estimates are no exact distributions, and their costs are differences.
  init(
    unchecked name: String, states: [String], prior: [Double], actions: [String], utility: [Double], agents: [Agent],
    signalLaw: [Double], paymentLimit: Double
  ) {
    self.name = name
    self.states = states
    self.prior = prior
    self.actions = actions
    self.utility = utility
    self.agents = agents
    self.signalLaw = signalLaw
    self.paymentLimit = paymentLimit
    efforts = Profiles(agents.map(\.efforts.count))
    signals = Profiles(agents.map(\.signals.count))
  }

  /// The same with another prior, law and costs: what a learner believes.
  func estimated(prior: [Double], signalLaw: [Double], costs: [[Double]]) -> AcquisitionInstance {
    var agents = agents
    for i in agents.indices { agents[i].costs = costs[i] }
    return AcquisitionInstance(
      unchecked: name, states: states, prior: prior, actions: actions, utility: utility, agents: agents,
      signalLaw: signalLaw, paymentLimit: paymentLimit)
  }

  /// The same with another payment limit.
  /// - Throws: `GuerdonError` unless it is a number from 0.
  public func replacing(paymentLimit: Double) throws -> AcquisitionInstance {
    try AcquisitionInstance(
      name: name, states: states, prior: prior, actions: actions, utility: utility, agents: agents,
      signalLaw: signalLaw, paymentLimit: paymentLimit)
  }

  /// P(s | b, θ).
  public func probability(ofSignals s: Int, under b: Int, in θ: Int) -> Double {
    signalLaw[(b * stateCount + θ) * signals.count + s]
  }

  /// P(s_i | b, θ), one a signal of agent i.
  public func marginal(of i: Int, under b: Int, in θ: Int) -> [Double] {
    var law = [Double](repeating: 0, count: signals.sizes[i])
    for s in 0..<signals.count { law[signals.entry(i, of: s)] += probability(ofSignals: s, under: b, in: θ) }
    return law
  }

  /// p(θ) P(s_i | b_i, θ), [B_i, Θ, S_i]: averaged over the others' efforts, on which it does not depend.
  func jointWithState(of i: Int) -> [Double] {
    let count = signals.sizes[i]
    var table = [Double](repeating: 0, count: efforts.sizes[i] * stateCount * count)
    let share = Double(efforts.sizes[i]) / Double(efforts.count)
    for b in 0..<efforts.count {
      for θ in 0..<stateCount {
        let row = (efforts.entry(i, of: b) * stateCount + θ) * count
        for s in 0..<signals.count {
          table[row + signals.entry(i, of: s)] += share * prior[θ] * probability(ofSignals: s, under: b, in: θ)
        }
      }
    }
    return table
  }

  /// `(work, idle)`.
  public func describe(efforts b: Int) -> String {
    "(" + agents.indices.map { agents[$0].efforts[efforts.entry($0, of: b)] }.joined(separator: ", ") + ")"
  }

  /// The value without incentives at no cost: max over tuples of efforts of E max_a E[u | s].
  public var fullInformationValue: Double {
    (0..<efforts.count).map { decisionValue(under: $0).value }.max() ?? 0
  }

  /// Σ_s max_a Σ_θ p(θ) P(s | b, θ) u(a, θ), and the best action for every s (the first of equals).
  public func decisionValue(under b: Int) -> (value: Double, actions: [Int]) {
    var value = 0.0
    let best: [Int] = (0..<signals.count).map { s in
      var (action, top) = (0, -Double.infinity)
      for a in 0..<actionCount {
        var utility = 0.0
        for θ in 0..<stateCount {
          utility += prior[θ] * probability(ofSignals: s, under: b, in: θ) * self.utility[a * stateCount + θ]
        }
        if utility > top { (action, top) = (a, utility) }
      }
      value += top
      return action
    }
    return (value, best)
  }

  static func checkDistribution(_ weights: [Double], count: Int, _ name: String) throws {
    guard weights.count == count else {
      throw GuerdonError.usage("\(name) has \(weights.count) entries; it needs \(count).")
    }
    guard weights.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      throw GuerdonError.usage("\(name) has an entry that is no number from 0 to 1.")
    }
    let sum: Double = weights.reduce(0, +)
    guard abs(sum - 1) <= 1e-9 else { throw GuerdonError.usage("\(name) sums to \(sum), not to 1.") }
  }
}

extension AcquisitionInstance: Decodable {
  /// An instance as a file: every agent has a law of its own, and `joint` says for which tuples of efforts the signals
  /// are not independent given the state.
  private enum Document {
    struct Agent: Decodable {
      var name: String?
      var efforts: [String]
      var costs: [Double]
      var signals: [String]
      /// [effort][state][signal].
      var law: [[[Double]]]

      enum CodingKeys: String, CodingKey, CaseIterable { case name, efforts, costs, signals, law }
      init(from decoder: any Decoder) throws {
        try decoder.rejectKeys(except: CodingKeys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decodeIfPresent(String.self, forKey: .name)
        efforts = try values.decode([String].self, forKey: .efforts)
        costs = try values.decode([Double].self, forKey: .costs)
        signals = try values.decode([String].self, forKey: .signals)
        law = try values.decode([[[Double]]].self, forKey: .law)
      }
    }
    struct Joint: Decodable {
      var efforts: [String]
      /// [state][tuple of signals].
      var law: [[Double]]

      enum CodingKeys: String, CodingKey, CaseIterable { case efforts, law }
      init(from decoder: any Decoder) throws {
        try decoder.rejectKeys(except: CodingKeys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        efforts = try values.decode([String].self, forKey: .efforts)
        law = try values.decode([[Double]].self, forKey: .law)
      }
    }
    enum CodingKeys: String, CodingKey, CaseIterable {
      case name, states, prior, actions, utility, agents, joint, paymentLimit
    }
  }

  public init(from decoder: any Decoder) throws {
    typealias Keys = Document.CodingKeys
    try decoder.rejectKeys(except: Keys.allCases.map(\.rawValue))
    let values = try decoder.container(keyedBy: Keys.self)
    let name = try values.decodeIfPresent(String.self, forKey: .name) ?? "The instance"
    let states = try values.decode([String].self, forKey: .states)
    let actions = try values.decode([String].self, forKey: .actions)
    let utility = try values.decode([[Double]].self, forKey: .utility)
    let agents = try values.decode([Document.Agent].self, forKey: .agents)
    let joint = try values.decodeIfPresent([Document.Joint].self, forKey: .joint) ?? []
    guard utility.count == actions.count, utility.allSatisfy({ $0.count == states.count }) else {
      throw GuerdonError.usage(
        "the utility has a row for each of the \(actions.count) actions with one number for each of the "
          + "\(states.count) states.")
    }
    for (i, agent) in agents.enumerated() {
      guard agent.law.count == agent.efforts.count,
        agent.law.allSatisfy({ $0.count == states.count && $0.allSatisfy { $0.count == agent.signals.count } })
      else {
        throw GuerdonError.usage(
          "the law of \(agent.name ?? "agent \(i + 1)") is [effort][state][signal], here "
            + "[\(agent.efforts.count)][\(states.count)][\(agent.signals.count)].")
      }
    }
    let efforts = Profiles(agents.map(\.efforts.count)), signals = Profiles(agents.map(\.signals.count))
    var size = Double(states.count)
    for agent in agents { size *= Double(agent.efforts.count) * Double(agent.signals.count) }
    guard size <= 5e6 else { throw GuerdonError.usage("it has too many tuples of efforts and signals.") }
    var law: [Double] = []
    law.reserveCapacity(efforts.count * states.count * signals.count)
    for b in 0..<efforts.count {
      for θ in states.indices {
        for s in 0..<signals.count {
          var product = 1.0
          for (i, agent) in agents.enumerated() {
            product *= agent.law[efforts.entry(i, of: b)][θ][signals.entry(i, of: s)]
          }
          law.append(product)
        }
      }
    }
    var seen: Set<Int> = []
    for (number, entry) in joint.enumerated() {
      guard entry.efforts.count == agents.count else {
        throw GuerdonError.usage("joint [\(number)] must name one effort an agent.")
      }
      var tuple: [Int] = []
      for (i, effort) in entry.efforts.enumerated() {
        guard let index = agents[i].efforts.firstIndex(of: effort) else {
          throw GuerdonError.usage(
            "joint [\(number)] names the effort \"\(effort)\", which \(agents[i].name ?? "agent \(i + 1)") does not have."
              + suggestion(for: effort, among: agents[i].efforts))
        }
        tuple.append(index)
      }
      guard seen.insert(efforts.index(of: tuple)).inserted else {
        throw GuerdonError.usage("joint [\(number)] gives the law of its efforts for the second time.")
      }
      guard entry.law.count == states.count, entry.law.allSatisfy({ $0.count == signals.count }) else {
        throw GuerdonError.usage(
          "the law of joint [\(number)] is [state][tuple of signals], here [\(states.count)][\(signals.count)].")
      }
      let begin = efforts.index(of: tuple) * states.count * signals.count
      for (offset, probability) in entry.law.joined().enumerated() { law[begin + offset] = probability }
    }
    try self.init(
      name: name, states: states, prior: values.decode([Double].self, forKey: .prior), actions: actions,
      utility: utility.flatMap { $0 },
      agents: agents.enumerated().map { i, agent in
        Agent(
          name: agent.name ?? "agent \(i + 1)", efforts: agent.efforts, costs: agent.costs, signals: agent.signals)
      },
      signalLaw: law, paymentLimit: values.decode(Double.self, forKey: .paymentLimit))
  }

  /// - Throws: `GuerdonError` when the file is missing, is no JSON, or is no instance.
  public static func load(_ url: URL) throws -> AcquisitionInstance {
    try Files.readJSON(AcquisitionInstance.self, from: url)
  }
}

extension AcquisitionInstance {
  /// Two agents whose work is worth most when it is cross-checked now and then: idle agents see a fair coin, working ones
  /// the state with probability `accuracy`, and when both work both see the same.
  ///
  /// With M = 1 the best mechanism is worth .8 - 2/19, the best uncorrelated one 2/3.
  public static func peer(
    accuracy q: Double = 0.8, cost: Double = 0.05, paymentLimit: Double = 1
  ) throws -> AcquisitionInstance {
    let agent = { (name: String) in
      Agent(name: name, efforts: ["idle", "work"], costs: [0, cost], signals: ["0", "1"])
    }
    let own: [[[Double]]] = [[[0.5, 0.5], [0.5, 0.5]], [[q, 1 - q], [1 - q, q]]]
    var law: [Double] = []
    for first in 0..<2 {
      for second in 0..<2 {
        for θ in 0..<2 {
          for s in 0..<4 {
            let (x, y) = (own[first][θ][s / 2], own[second][θ][s % 2])
            law.append(first + second < 2 ? x * y : s / 2 == s % 2 ? x : 0)
          }
        }
      }
    }
    return try AcquisitionInstance(
      name: "peer", states: ["0", "1"], prior: [0.5, 0.5], actions: ["0", "1"], utility: [1, 0, 0, 1],
      agents: [agent("first"), agent("second")], signalLaw: law, paymentLimit: paymentLimit)
  }

  /// An instance of uniform numbers: every agent's first effort costs nothing and shows next to nothing, the k-th costs up
  /// to k · `cost` and shows the more, and the signals of agents share their luck with a random probability.
  public static func random(
    agents agentCount: Int = 2, efforts effortCount: Int = 2, signals signalCount: Int = 2, states stateCount: Int = 2,
    actions actionCount: Int = 3, cost: Double = 0.05, paymentLimit: Double = 1, by random: inout RandomGenerator
  ) throws -> AcquisitionInstance {
    func distribution(_ count: Int) -> [Double] {
      // Exponential gaps are uniform over the simplex.
      let gaps = (0..<count).map { _ in -log(1 - random.uniform()) }
      let sum: Double = gaps.reduce(0, +)
      return gaps.map { $0 / sum }
    }
    let prior = distribution(stateCount)
    let utility = (0..<actionCount * stateCount).map { _ in random.uniform() }
    let agents = (0..<agentCount).map { i in
      Agent(
        name: "agent \(i + 1)", efforts: (0..<effortCount).map { "effort \($0)" },
        costs: (0..<effortCount).map { Double($0) * cost * random.uniform() },
        signals: (0..<signalCount).map { "signal \($0)" })
    }
    // [agent][effort][state][signal].
    let own: [[[[Double]]]] = agents.map { _ in
      let blind = distribution(signalCount)
      return (0..<effortCount).map { effort in
        let clarity: Double = effort == 0 ? 0.2 * random.uniform() : Double(effort) / Double(effortCount - 1)
        return (0..<stateCount).map { _ in
          zip(blind, distribution(signalCount)).map { (1 - clarity) * $0 + clarity * $1 }
        }
      }
    }
    let efforts = Profiles(agents.map(\.efforts.count)), signals = Profiles(agents.map(\.signals.count))
    var law: [Double] = []
    for b in 0..<efforts.count {
      let shared = random.uniform()
      for θ in 0..<stateCount {
        let laws = agents.indices.map { own[$0][efforts.entry($0, of: b)][θ] }
        for s in 0..<signals.count {
          let entries = signals.entries(of: s)
          let independent = zip(laws, entries).reduce(1.0) { $0 * $1.0[$1.1] }
          // All signals are quantiles of one uniform number.
          let low = zip(laws, entries).map { law, k in law[..<k].reduce(0, +) }.max() ?? 0
          let high = zip(laws, entries).map { law, k in
            k + 1 == law.count ? 1 : law[...k].reduce(0, +)
          }.min() ?? 1
          law.append((1 - shared) * independent + shared * max(0, high - low))
        }
      }
    }
    return try AcquisitionInstance(
      name: "random", states: (0..<stateCount).map { "state \($0)" }, prior: prior,
      actions: (0..<actionCount).map { "action \($0)" }, utility: utility, agents: agents, signalLaw: law,
      paymentLimit: paymentLimit)
  }
}
