import Basics
import FiniteMDPs

/// Cells of states, so that a reward can be designed on a process that is small enough for linear programs, and lifted
/// back: R̂(s, a) = R̂_φ(φ(s), a).
public struct StateAbstraction: Sendable {
  /// φ(s), [S].
  public let cells: [Int]
  public let cellCount: Int

  /// - Throws: `GuerdonError` when some cell below the largest is empty.
  public init(cells: [Int]) throws {
    let count = (cells.max() ?? -1) + 1
    var isUsed = [Bool](repeating: false, count: count)
    for cell in cells {
      guard cell >= 0 else { throw GuerdonError.usage("Cells are numbered from 0; one is \(cell).") }
      isUsed[cell] = true
    }
    guard let empty = isUsed.firstIndex(of: false) else {
      self.cells = cells
      cellCount = count
      return
    }
    throw GuerdonError.usage("No state belongs to cell \(empty); cells are numbered without gaps.")
  }

  /// The process between cells: T and R̄ averaged over a cell's states, terminal where all of them are.
  /// - Throws: `GuerdonError` when the cells are for another process, or mix terminal states with others.
  public func process(of mdp: FiniteMDP) throws -> FiniteMDP {
    guard cells.count == mdp.stateCount else {
      throw GuerdonError.usage("The cells are for \(cells.count) states and the process has \(mdp.stateCount).")
    }
    let actions = mdp.actionCount
    var members = [[Int]](repeating: [], count: cellCount), initial = [Double](repeating: 0, count: cellCount)
    for (s, cell) in cells.enumerated() {
      members[cell].append(s)
      initial[cell] += mdp.initial[s]
    }
    for (cell, states) in members.enumerated() where Set(states.map { mdp.isTerminal[$0] }).count > 1 {
      throw GuerdonError.usage("Cell \(cell) mixes terminal states with others.")
    }
    let reward = (0..<cellCount * actions).map { row in
      members[row / actions].reduce(0) { $0 + mdp.expectedReward[$1 * actions + row % actions] }
        / Double(members[row / actions].count)
    }
    let transitions = try TransitionModel(stateCount: cellCount, actionCount: actions) { cell, action in
      members[cell].flatMap { s in
        mdp.transitions.successors(of: s, under: action).map {
          TransitionModel.Successor(state: cells[$0.state], probability: $0.probability / Double(members[cell].count))
        }
      }
    }
    return try FiniteMDP(
      transitions: transitions, reward: .stateAction(reward), initial: initial, discount: mdp.discount,
      terminal: members.indices.filter { mdp.isTerminal[members[$0][0]] })
  }

  /// A reward of cells [cells, A] as one of states [S, A].
  public func lift(_ reward: [Double], actionCount: Int) -> [Double] {
    cells.flatMap { reward[$0 * actionCount..<($0 + 1) * actionCount] }
  }
}

/// The process between cells of a world whose states cannot be listed: T and R̄ averaged over the transitions that were
/// seen from each cell. What is designed on it is paid in the world as R̂(s, a) = R̂_φ(φ(s), a).
public struct SampledAbstraction: Sendable {
  public let cellCount: Int
  public let actionCount: Int
  private let terminal: [Int]
  /// Σ R̄ and the visits of every next cell, [cells · A].
  private var rewards: [Double]
  private var next: [[Int: Double]]

  /// - Parameter terminal: cells in which episodes have ended.
  /// - Throws: `GuerdonError` without cells or actions, or for a terminal cell that there is not.
  public init(cellCount: Int, actionCount: Int, terminal: [Int]) throws {
    guard cellCount >= 1, actionCount >= 1, terminal.allSatisfy((0..<cellCount).contains) else {
      throw GuerdonError.usage("A sampled abstraction has cells, actions, and terminal cells among its cells.")
    }
    (self.cellCount, self.actionCount, self.terminal) = (cellCount, actionCount, terminal)
    rewards = Array(repeating: 0, count: cellCount * actionCount)
    next = Array(repeating: [:], count: cellCount * actionCount)
  }

  /// Counts one transition from φ(s) to φ(s').
  public mutating func record(_ cell: Int, _ action: Int, reward: Double, next successor: Int) {
    precondition(
      (0..<cellCount).contains(cell) && (0..<cellCount).contains(successor) && (0..<actionCount).contains(action),
      "transitions are between cells")
    rewards[cell * actionCount + action] += reward
    next[cell * actionCount + action][successor, default: 0] += 1
  }

  /// - Parameter initial: of cells, [cells].
  /// - Throws: `GuerdonError` when some action was never seen in some cell, for nothing is known of it.
  public func process(initial: [Double], discount: Double) throws -> FiniteMDP {
    let living = (0..<cellCount).filter { !terminal.contains($0) }
    for cell in living {
      for action in 0..<actionCount where next[cell * actionCount + action].isEmpty {
        throw GuerdonError.failure("No transition of action \(action) from cell \(cell) was seen; sample more of them, "
          + "or make the cells larger.")
      }
    }
    let transitions = try TransitionModel(stateCount: cellCount, actionCount: actionCount) { cell, action in
      if terminal.contains(cell) { return [.init(state: cell, probability: 1)] }
      let seen = next[cell * actionCount + action].sorted { $0.key < $1.key }
      let total = seen.reduce(0) { $0 + $1.value }
      return seen.map { TransitionModel.Successor(state: $0.key, probability: $0.value / total) }
    }
    let reward = rewards.indices.map { row in
      let total = next[row].values.reduce(0, +)
      return total > 0 && !terminal.contains(row / actionCount) ? rewards[row] / total : 0
    }
    return try FiniteMDP(
      transitions: transitions, reward: .stateAction(reward), initial: initial, discount: discount, terminal: terminal)
  }
}
