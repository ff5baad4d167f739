import Basics
import FiniteMDPs
import Foundation

/// An environment as formalisms are compared in it: (S, A, τ, μ0), without reward or discount, which belong to the
/// objective. States may have fewer actions than others; one with a single action that leads back to itself is absorbing.
public struct ExpressivityEnvironment: Sendable, Hashable {
  public let name: String
  public let states: [String]
  /// The names of the actions of every state.
  public let actions: [[String]]
  /// τ over the longest list of actions; rows of actions that a state lacks repeat its first one and are never taken.
  public let transitions: TransitionModel
  /// μ0, [S].
  public let initial: [Double]
  /// All trajectories, where every one reaches an absorbing state within 12 steps whatever is done; nil otherwise.
  public private(set) var trajectories: [Trajectory]?

  public var stateCount: Int { states.count }
  public var actionCount: Int { transitions.actionCount }
  /// Transitions (s, a, s') are numbered as in a table [S, A, S].
  public var transitionCount: Int { stateCount * actionCount * stateCount }

  /// - Parameter successors: the distribution of the next state, [S] for every state and action.
  /// - Throws: `GuerdonError` for a wrong shape, or distributions that are none.
  public init(
    name: String, states: [String], actions: [[String]], initial: [Double], successors: [[[Double]]]
  ) throws {
    guard !states.isEmpty, Set(states).count == states.count else {
      throw GuerdonError.usage("\(name) needs a state, and no two of the same name.")
    }
    guard actions.count == states.count, successors.count == states.count else {
      throw GuerdonError.usage("\(name) needs a list of actions for every state.")
    }
    for (s, list) in actions.enumerated() {
      guard !list.isEmpty, Set(list).count == list.count else {
        throw GuerdonError.usage("The state \(states[s]) of \(name) needs an action, and no two of the same name.")
      }
      guard successors[s].count == list.count, successors[s].allSatisfy({ $0.count == states.count }) else {
        throw GuerdonError.usage(
          "The state \(states[s]) of \(name) needs the probabilities of all \(states.count) states for every action.")
      }
      for (a, row) in successors[s].enumerated() {
        let sum: Double = row.reduce(0, +)
        guard row.allSatisfy({ $0 >= 0 && $0.isFinite }), abs(sum - 1) <= 1e-9 else {
          throw GuerdonError.usage(
            "What follows \(list[a]) in the state \(states[s]) of \(name) is no distribution: it sums to \(sum).")
        }
      }
    }
    let sum: Double = initial.reduce(0, +)
    guard initial.count == states.count, initial.allSatisfy({ $0 >= 0 && $0.isFinite }), abs(sum - 1) <= 1e-9 else {
      throw GuerdonError.usage("The initial distribution of \(name) is none: it sums to \(sum).")
    }
    let count = actions.map(\.count).max() ?? 1
    self.name = name
    self.states = states
    self.actions = actions
    self.initial = initial
    transitions = try TransitionModel(stateCount: states.count, actionCount: count) { s, a in
      successors[s][a < actions[s].count ? a : 0].enumerated().compactMap { next, probability in
        probability > 0 ? TransitionModel.Successor(state: next, probability: probability) : nil
      }
    }
    trajectories = Self.trajectories(of: self)
  }

  /// The dynamics of a process, all of whose actions every state has.
  /// - Throws: never for a process that is one.
  public init(name: String, _ mdp: FiniteMDP) throws {
    let (states, actions) = (mdp.stateCount, mdp.actionCount)
    try self.init(
      name: name, states: (0..<states).map { "s\($0)" },
      actions: (0..<states).map { _ in (0..<actions).map { "a\($0)" } }, initial: mdp.initial,
      successors: (0..<states).map { s in
        (0..<actions).map { a in (0..<states).map { mdp.transitions[s, a, $0] } }
      })
  }

  public func transition(_ s: Int, _ a: Int, _ next: Int) -> Int { (s * actionCount + a) * stateCount + next }
  public func state(ofTransition k: Int) -> Int { k / (actionCount * stateCount) }
  public func action(ofTransition k: Int) -> Int { k / stateCount % actionCount }
  public func next(ofTransition k: Int) -> Int { k % stateCount }

  /// True for a state with one action, which leads back to it.
  public func isAbsorbing(_ s: Int) -> Bool { actions[s].count == 1 && transitions[s, 0, s] == 1 }

  /// A policy from the probabilities of the actions that each state has.
  /// - Throws: `GuerdonError` for a wrong shape or a distribution that is none.
  public func policy(_ probabilities: [[Double]]) throws -> TabularPolicy {
    guard probabilities.count == stateCount else {
      throw GuerdonError.usage("A policy in \(name) needs probabilities for \(stateCount) states.")
    }
    var table = [Double](repeating: 0, count: stateCount * actionCount)
    for (s, row) in probabilities.enumerated() {
      guard row.count == actions[s].count else {
        throw GuerdonError.usage(
          "A policy needs \(actions[s].count) probabilities in the state \(states[s]) of \(name); \(row.count) were given.")
      }
      for (a, probability) in row.enumerated() { table[s * actionCount + a] = probability }
    }
    return try TabularPolicy(stateCount: stateCount, actionCount: actionCount, probabilities: table)
  }

  /// The probabilities of the actions that state `s` has.
  public func distribution(of policy: TabularPolicy, in s: Int) -> [Double] {
    actions[s].indices.map { policy[s, $0] }
  }

  /// The environment with a discount, unpaid.
  public func process(discount: Double) throws -> FiniteMDP {
    try FiniteMDP(
      transitions: transitions, reward: .stateAction([Double](repeating: 0, count: stateCount * actionCount)),
      initial: initial, discount: discount)
  }

  /// Σ_s' τ(s' | s, a) R(s, a, s'), [S, A].
  public func expected(_ reward: [Double]) -> [Double] {
    var table = [Double](repeating: 0, count: stateCount * actionCount)
    for row in table.indices {
      for next in 0..<stateCount {
        table[row] += transitions[row / actionCount, row % actionCount, next]
          * reward[row * stateCount + next]
      }
    }
    return table
  }

  /// m(s, a, s') = Σ_t γ^t P(s_t = s, a_t = a, s_{t+1} = s'), [S, A, S].
  public func occupancy(of policy: TabularPolicy, discount: Double) throws -> [Double] {
    let mdp = try process(discount: discount)
    return mdp.transitionOccupancy(try mdp.occupancy(of: policy))
  }

  /// True for the states that a policy visits.
  public func visited(by policy: TabularPolicy) -> [Bool] {
    let graph = DirectedGraph(count: stateCount) { s in
      (0..<stateCount).filter { next in
        actions[s].indices.contains { policy[s, $0] > 0 && transitions[s, $0, next] > 0 }
      }
    }
    return graph.reachable(from: initial.indices.filter { initial[$0] > 0 })
  }

  /// All trajectories of positive probability up to their absorbing state, where every one gets there within 12 steps
  /// whatever is done; nil otherwise (or if there are more than 100,000).
  private static func trajectories(of environment: ExpressivityEnvironment, limit: Int = 12) -> [Trajectory]? {
    let count = environment.stateCount
    // A cycle besides the absorbing states' own is a strongly connected component of its own.
    let graph = DirectedGraph(count: count) { s in
      environment.isAbsorbing(s) ? [] : (0..<count).filter { environment.leads(from: s, to: $0) }
    }
    let isAcyclic = graph.stronglyConnectedComponents.allSatisfy { $0.count == 1 }
    guard isAcyclic, (0..<count).allSatisfy({ !graph.successors(of: $0).contains(Int32($0)) }) else { return nil }
    var result: [Trajectory] = []
    var open: [(path: [Int], first: Int, last: Int)] = []
    for s in (0..<count).reversed() where environment.initial[s] > 0 { open.append(([], s, s)) }
    while let (path, first, s) = open.popLast() {
      if environment.isAbsorbing(s) {
        result.append(Trajectory(steps: path, tail: environment.transition(s, 0, s), first: first))
        continue
      }
      guard path.count < limit, result.count + open.count < 100_000 else { return nil }
      for a in environment.actions[s].indices.reversed() {
        for next in (0..<count).reversed() where environment.transitions[s, a, next] > 0 {
          open.append((path + [environment.transition(s, a, next)], first, next))
        }
      }
    }
    return result
  }

  private func leads(from s: Int, to next: Int) -> Bool { actions[s].indices.contains { transitions[s, $0, next] > 0 } }

  /// P(ξ | π).
  public func probability(of trajectory: Trajectory, under policy: TabularPolicy) -> Double {
    trajectory.steps.reduce(initial[trajectory.first]) { product, k in
      let (s, a) = (state(ofTransition: k), action(ofTransition: k))
      return product * policy[s, a] * transitions[s, a, next(ofTransition: k)]
    }
  }
}

/// An infinite trajectory that ends in an absorbing state: some transitions, and then one for ever.
public struct Trajectory: Sendable, Hashable {
  /// Numbers of transitions before the absorbing state.
  public let steps: [Int]
  /// The absorbing state's transition.
  public let tail: Int
  /// The first state.
  public let first: Int

  /// Σ γ^t R(ξ_t).
  public func discountedReturn(_ reward: [Double], discount: Double) -> Double {
    var (sum, weight) = (0.0, 1.0)
    for k in steps {
      sum += weight * reward[k]
      weight *= discount
    }
    return sum + weight * reward[tail] / (1 - discount)
  }
}

extension ExpressivityEnvironment: Decodable {
  private struct State: Decodable {
    struct Action: Decodable {
      var name: String
      var to: [String: Double]

      enum Keys: String, CodingKey, CaseIterable { case name, to }
      init(from decoder: any Decoder) throws {
        try decoder.rejectKeys(except: Keys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: Keys.self)
        name = try values.decode(String.self, forKey: .name)
        to = try values.decode([String: Double].self, forKey: .to)
      }
    }
    var name: String
    var actions: [Action]

    enum Keys: String, CodingKey, CaseIterable { case name, actions }
    init(from decoder: any Decoder) throws {
      try decoder.rejectKeys(except: Keys.allCases.map(\.rawValue))
      let values = try decoder.container(keyedBy: Keys.self)
      name = try values.decode(String.self, forKey: .name)
      actions = try values.decode([Action].self, forKey: .actions)
    }
  }

  private enum Keys: String, CodingKey, CaseIterable { case name, states, initial }

  public init(from decoder: any Decoder) throws {
    try decoder.rejectKeys(except: Keys.allCases.map(\.rawValue))
    let values = try decoder.container(keyedBy: Keys.self)
    let list = try values.decode([State].self, forKey: .states)
    let names = list.map(\.name)
    func row(_ weights: [String: Double], _ what: String) throws -> [Double] {
      for name in weights.keys.sorted() where !names.contains(name) {
        throw GuerdonError.usage("\(what) names the state \"\(name)\", which there is not." + suggestion(for: name, among: names))
      }
      return names.map { weights[$0] ?? 0 }
    }
    try self.init(
      name: values.decodeIfPresent(String.self, forKey: .name) ?? "the environment", states: names,
      actions: list.map { $0.actions.map(\.name) },
      initial: row(values.decode([String: Double].self, forKey: .initial), "the initial distribution"),
      successors: list.map { state in
        try state.actions.map { try row($0.to, "the action \($0.name) of the state \(state.name)") }
      })
  }
}
