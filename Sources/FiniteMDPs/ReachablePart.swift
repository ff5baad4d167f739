import Basics

/// A process without the states that no policy ever reaches.
public struct ReachablePart: Sendable {
  public let mdp: FiniteMDP
  /// The states that are left, ascending: state i of `mdp` is `states[i]` of the whole process.
  public let states: [Int]
  private let whole: FiniteMDP

  init(of whole: FiniteMDP) throws {
    let isReachable = whole.isReachable
    let states = isReachable.indices.filter { isReachable[$0] }
    var number = [Int](repeating: 0, count: whole.stateCount)
    for (i, s) in states.enumerated() { number[s] = i }
    // What a terminal state leads to is never looked at, and may be out of reach: it stays where it is.
    let transitions = try TransitionModel(stateCount: states.count, actionCount: whole.actionCount) { s, a in
      whole.isTerminal[states[s]]
        ? [.init(state: s, probability: 1)]
        : whole.transitions.successors(of: states[s], under: a).map {
          .init(state: number[$0.state], probability: $0.probability)
        }
    }
    self.states = states
    self.whole = whole
    mdp = try FiniteMDP(
      transitions: transitions, reward: Self.select(whole.reward, states, whole),
      initial: states.map { whole.initial[$0] }, discount: whole.discount,
      terminal: states.indices.filter { whole.isTerminal[states[$0]] })
  }

  /// A reward of the whole process as one of this part.
  /// - Throws: `GuerdonError` for a reward that is not one of the whole process.
  public func reward(_ reward: FiniteMDP.Reward) throws -> FiniteMDP.Reward {
    try whole.check(reward)
    return Self.select(reward, states, whole)
  }

  private static func select(_ reward: FiniteMDP.Reward, _ states: [Int], _ whole: FiniteMDP) -> FiniteMDP.Reward {
    let actions = whole.actionCount, count = whole.stateCount
    switch reward {
    case .state(let table): return .state(states.map { table[$0] })
    case .stateAction(let table): return .stateAction(states.flatMap { table[$0 * actions..<($0 + 1) * actions] })
    case .transition(let table):
      return .transition(
        states.flatMap { s in
          (0..<actions).flatMap { a in states.map { table[(s * actions + a) * count + $0] } }
        })
    }
  }
}

extension FiniteMDP {
  /// The process without the states that no policy reaches from the initial distribution.
  public func reachablePart() throws -> ReachablePart { try ReachablePart(of: self) }

  /// - Throws: `GuerdonError` naming a state that no policy reaches: what a reward says there changes no policy's return, but
  ///   would change its distance from another.
  public func checkReachability() throws {
    // Most processes may begin anywhere.
    if zip(initial, isTerminal).allSatisfy({ $0 > 0 || $1 }) && !isTerminal.contains(true) { return }
    guard let lost = isReachable.firstIndex(of: false) else { return }
    throw GuerdonError.usage(
      "No policy ever reaches state \(lost) from the initial distribution, so what a reward says there means nothing; "
        + "compare the rewards in the process's `reachablePart()`, or begin with some probability in every state.")
  }
}
