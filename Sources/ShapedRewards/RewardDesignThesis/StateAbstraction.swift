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
