import Basics

/// A finite Markov decision process: S states, A actions, everything known.
///
/// Arrays are contiguous, row-major and named by their indices: a value is [S], a Q-value [S, A], a table of
/// transitions [S, A, S]. A terminal state ends the episode: its value is 0, no action is taken in it, and so it has no
/// occupancy; its own transitions are never looked at. A state that merely loops is no terminal state unless it is
/// marked as one.
///
/// Source: M. Puterman, "Markov Decision Processes", 1994, chapter 2.
public struct FiniteMDP: Sendable, Hashable {
  /// What a transition is paid.
  public enum Reward: Sendable, Hashable {
    /// R(s, a), [S, A].
    case stateAction([Double])
    /// R(s, a, s'), [S, A, S].
    case transition([Double])
    /// R(s), [S], paid for every action in s.
    case state([Double])
  }

  public let transitions: TransitionModel
  public let reward: Reward
  /// E[R | s, a], [S, A]; 0 in terminal states.
  public let expectedReward: [Double]
  /// The distribution of the first state, [S].
  public let initial: [Double]
  /// γ in [0, 1]. 1 is for finite horizons, for average rewards, and for episodes that are sure to end.
  public let discount: Double
  /// [S].
  public let isTerminal: [Bool]

  public var stateCount: Int { transitions.stateCount }
  public var actionCount: Int { transitions.actionCount }

  /// - Parameters:
  ///   - initial: [S], sums to 1 within 1e-9; nil is the uniform distribution over the states that are not terminal.
  ///   - terminal: the states that end the episode.
  /// - Throws: `GuerdonError` for a wrong shape, numbers that are not finite, a discount outside [0, 1], or an initial
  ///   distribution that is none.
  public init(
    transitions: TransitionModel, reward: Reward, initial: [Double]? = nil, discount: Double,
    terminal: some Collection<Int> = [Int]()
  ) throws {
    let states = transitions.stateCount
    var isTerminal = [Bool](repeating: false, count: states)
    for state in terminal {
      guard isTerminal.indices.contains(state) else {
        throw GuerdonError.usage("State \(state) cannot be terminal: there are \(states) states.")
      }
      isTerminal[state] = true
    }
    let living = isTerminal.lazy.filter { !$0 }.count
    if initial == nil && living == 0 {
      throw GuerdonError.usage("Every state is terminal; an episode needs one that is not.")
    }
    try self.init(
      transitions: transitions, reward: reward,
      initial: initial ?? isTerminal.map { $0 ? 0 : 1 / Double(living) }, discount: discount, isTerminal: isTerminal)
  }

  /// - Parameters:
  ///   - transitions: P(s' | s, a), [S, A, S].
  ///   - initial: [S]; nil is the uniform distribution over the states that are not terminal.
  /// - Throws: `GuerdonError` for whatever is no finite MDP.
  public init(
    stateCount: Int, actionCount: Int, transitions: [Double], reward: Reward, initial: [Double]? = nil,
    discount: Double, terminal: some Collection<Int> = [Int]()
  ) throws {
    try self.init(
      transitions: TransitionModel(stateCount: stateCount, actionCount: actionCount, table: transitions),
      reward: reward, initial: initial, discount: discount, terminal: terminal)
  }

  private init(
    transitions: TransitionModel, reward: Reward, initial: [Double], discount: Double, isTerminal: [Bool]
  ) throws {
    guard discount >= 0, discount <= 1 else {
      throw GuerdonError.usage("The discount is \(discount); it must lie in [0, 1].")
    }
    try checkDistribution(initial, count: transitions.stateCount, named: "The initial distribution")
    self.transitions = transitions
    self.reward = reward
    self.initial = initial
    self.discount = discount
    self.isTerminal = isTerminal
    expectedReward = try Self.expected(reward, transitions, isTerminal)
  }

  /// The same dynamics paid otherwise.
  /// - Throws: `GuerdonError` for a wrong shape or numbers that are not finite.
  public func replacing(reward: Reward) throws -> FiniteMDP {
    try FiniteMDP(
      transitions: transitions, reward: reward, initial: initial, discount: discount, isTerminal: isTerminal)
  }

  /// The same process with another discount.
  /// - Throws: `GuerdonError` when it is outside [0, 1].
  public func replacing(discount: Double) throws -> FiniteMDP {
    try FiniteMDP(
      transitions: transitions, reward: reward, initial: initial, discount: discount, isTerminal: isTerminal)
  }

  /// The same process beginning elsewhere.
  /// - Throws: `GuerdonError` when `initial` is no distribution over the states.
  public func replacing(initial: [Double]) throws -> FiniteMDP {
    try FiniteMDP(
      transitions: transitions, reward: reward, initial: initial, discount: discount, isTerminal: isTerminal)
  }

  /// The states that end the episode.
  public var terminalStates: [Int] { isTerminal.indices.filter { isTerminal[$0] } }

  /// R(s, a, s') as a table [S, A, S], whatever it was given as.
  public var transitionReward: [Double] {
    switch reward {
    case .transition(let table): return table
    case .stateAction(let table): return table.flatMap { [Double](repeating: $0, count: stateCount) }
    case .state(let table): return table.flatMap { [Double](repeating: $0, count: actionCount * stateCount) }
    }
  }

  private static func expected(
    _ reward: Reward, _ transitions: TransitionModel, _ isTerminal: [Bool]
  ) throws -> [Double] {
    let states = transitions.stateCount, actions = transitions.actionCount
    func check(_ table: [Double], _ count: Int, _ shape: String) throws {
      guard table.count == count else {
        throw GuerdonError.usage(
          "A reward \(shape) of \(states) states and \(actions) actions has \(count) numbers; \(table.count) were given.")
      }
      guard let bad = table.firstIndex(where: { !$0.isFinite }) else { return }
      throw GuerdonError.usage("The reward at index \(bad) of \(shape) is \(table[bad]); rewards must be finite.")
    }
    var expected = [Double](repeating: 0, count: states * actions)
    switch reward {
    case .stateAction(let table):
      try check(table, states * actions, "[S, A]")
      expected = table
    case .state(let table):
      try check(table, states, "[S]")
      for row in expected.indices { expected[row] = table[row / actions] }
    case .transition(let table):
      try check(table, states * actions * states, "[S, A, S]")
      for row in expected.indices {
        var sum = 0.0
        transitions.forEachSuccessor(ofRow: row) { sum += $1 * table[row * states + $0] }
        expected[row] = sum
      }
    }
    for row in expected.indices where isTerminal[row / actions] { expected[row] = 0 }
    return expected
  }
}

/// - Throws: `GuerdonError` unless `weights` are `count` numbers from 0 to 1 whose sum is 1 within 1e-9.
func checkDistribution(_ weights: some Collection<Double>, count: Int, named name: String) throws {
  guard weights.count == count else {
    throw GuerdonError.usage("\(name) has \(weights.count) entries; there are \(count).")
  }
  for (index, weight) in weights.enumerated() where !(weight >= 0 && weight.isFinite) {
    throw GuerdonError.usage("\(name) is \(weight) at index \(index); probabilities are numbers from 0 to 1.")
  }
  let sum: Double = weights.reduce(0, +)
  guard abs(sum - 1) <= 1e-9 else { throw GuerdonError.usage("\(name) sums to \(sum), not to 1.") }
}
