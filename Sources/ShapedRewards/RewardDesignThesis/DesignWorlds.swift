import Basics
import FiniteMDPs

/// The thesis' small worlds, each with a sparse original reward.
public enum DesignWorlds {
  /// *Room*: 7 × 7 cells, index 7 y + x, between them two thin walls with two doors each; actions up (y + 1), left,
  /// down, right. Start (1, 1), goal (6, 6) = 48, terminal 49; a move errs with 0.1 to the other cells that can be
  /// reached. 10 is paid for leaving the goal to the right.
  public enum Room {
    public static let side = 7, start = 8, goal = 48, terminal = 49, actions = 4
    /// Cells before the doors, and the goal: what a person would reward (CRAFT).
    public static let landmarks = [9, 15, 19, 37, 48]

    public static func process(slip: Double = 0.1) throws -> FiniteMDP {
      let transitions = try TransitionModel(stateCount: 50, actionCount: actions) { s, a in
        func certain(_ state: Int) -> [TransitionModel.Successor] { [.init(state: state, probability: 1)] }
        if s == terminal { return certain(s) }
        // Where every action leads if it does not err; nil is a wall.
        var targets = (0..<actions).map { neighbour(of: s, under: $0) }
        if s == goal { (targets[0], targets[3]) = (terminal, terminal) }
        if s == 0 { (targets[1], targets[2]) = (terminal, terminal) }
        let reachable = Set(targets.compactMap { $0 }).sorted()
        let meant = targets[a] ?? s
        let others = reachable.filter { $0 != meant }
        return [.init(state: meant, probability: 1 - slip)]
          + others.map { .init(state: $0, probability: slip / Double(others.count)) }
      }
      var reward = [Double](repeating: 0, count: 50 * actions), initial = [Double](repeating: 0, count: 50)
      reward[goal * actions + 3] = 10
      initial[start] = 1
      return try FiniteMDP(
        transitions: transitions, reward: .stateAction(reward), initial: initial, discount: 0.95, terminal: [terminal])
    }

    public static func problem() throws -> RewardDesignProblem {
      try RewardDesignProblem(process(), goals: [goal], bound: 10)
    }

    /// ExpAdaRD's second structure: nine blocks of 3 × 3 cells, whose corners stand at 0, 3 and 4 in either direction
    /// so that those within the longer rooms overlap, and the goal by itself. A cell's reward is the sum of the weights of
    /// the blocks that it lies in, one weight a block and action.
    public static var structure: RewardStructure {
      let corners = [0, 3, 4]
      let blocks = corners.flatMap { y in corners.map { x in (x: x, y: y) } }
      let features = (0..<terminal).map { (s: Int) -> [LinearProgram.Term] in
        let inside = blocks.indices.filter { k in
          (0..<3).contains(s % side - blocks[k].x) && (0..<3).contains(s / side - blocks[k].y)
        }
        return (inside + (s == goal ? [blocks.count] : [])).map { LinearProgram.Term($0, 1) }
      }
      return .features(features + [[]], actionCount: actions)
    }

    private static func neighbour(of state: Int, under action: Int) -> Int? {
      let x = state % side, y = state / side
      // The walls between rows 2 and 3 and between columns 2 and 3 are open at 1 and 5.
      func isOpen(_ position: Int) -> Bool { position == 1 || position == 5 }
      switch action {
      case 0: return y == side - 1 || (y == 2 && !isOpen(x)) ? nil : state + side
      case 1: return x == 0 || (x == 3 && !isOpen(y)) ? nil : state - 1
      case 2: return y == 0 || (y == 3 && !isOpen(x)) ? nil : state - side
      default: return x == side - 1 || (x == 2 && !isOpen(y)) ? nil : state + 1
      }
    }
  }

  /// *LineK*: ten cells in a row, without the key (0 … 9) and with it (10 … 19), and a terminal state 20; actions left,
  /// right, pick. Start 5, key in cell 1; a move errs with 0.1 to the other side, picking never does. Leaving the left
  /// end without the key ends the episode; leaving the right end with it pays 10.
  public enum LineKey {
    public static let cells = 10, start = 5, key = 1, terminal = 20, actions = 3
    /// ExpAdaRD's tree: without the key elsewhere, at the right end, at the key; with the key elsewhere, at the right
    /// end.
    public static let leaves: [Int?] = (0..<20).map { s in
      s < 10 ? (s == key ? 2 : s == 9 ? 1 : 0) : (s == 19 ? 4 : 3)
    } + [nil]
    /// Learners that begin elsewhere than at the uniform policy: one preference of 2, at the key, the start or state
    /// 10.
    public static let starts: [(state: Int, action: Int)] = [(1, 0), (1, 1), (5, 1), (5, 2), (10, 2)]

    public static func process(slip: Double = 0.1) throws -> FiniteMDP {
      let transitions = try TransitionModel(stateCount: 21, actionCount: actions) { s, a in
        func certain(_ state: Int) -> [TransitionModel.Successor] { [.init(state: state, probability: 1)] }
        if s == terminal { return certain(s) }
        if a == 2 { return certain(s == key ? cells : s) }
        // The ends: a wall is where one stays.
        let left = s == 0 ? terminal : s == cells ? cells : s - 1
        let right = s == 9 ? 9 : s == 19 ? terminal : s + 1
        // Leaving for good never errs.
        if (s == 0 && a == 0) || (s == 19 && a == 1) { return certain(terminal) }
        return [
          .init(state: a == 0 ? left : right, probability: 1 - slip),
          .init(state: a == 0 ? right : left, probability: slip),
        ]
      }
      var reward = [Double](repeating: 0, count: 21 * actions), initial = [Double](repeating: 0, count: 21)
      reward[19 * actions + 1] = 10
      initial[start] = 1
      return try FiniteMDP(
        transitions: transitions, reward: .stateAction(reward), initial: initial, discount: 0.95, terminal: [terminal])
    }

    public static func problem() throws -> RewardDesignProblem {
      try RewardDesignProblem(process(), goals: [19], bound: 10)
    }

    public static var structure: RewardStructure { .tree(leaves: leaves, actionCount: actions) }
  }

  /// *Chain*: 61 cells and a terminal state 61; actions left, right. Start 40; leaving the left end ends the episode,
  /// and at the right end, 60, moving right stays and pays 1 each time. A move goes the other way with 0.025; γ = 0.99.
  public enum Chain {
    public static let start = 40, goal = 60, terminal = 61, actions = 2, horizon = 40

    /// - Parameter distractor: paid for moving left in cell 25.
    public static func process(distractor: Double = 0, slip: Double = 0.05) throws -> FiniteMDP {
      let transitions = try TransitionModel(stateCount: 62, actionCount: actions) { s, a in
        if s == terminal { return [.init(state: s, probability: 1)] }
        let left = s == 0 ? terminal : s - 1, right = s == goal ? goal : s + 1
        return [
          .init(state: a == 0 ? left : right, probability: 1 - slip / 2),
          .init(state: a == 0 ? right : left, probability: slip / 2),
        ]
      }
      var reward = [Double](repeating: 0, count: 62 * actions), initial = [Double](repeating: 0, count: 62)
      reward[goal * actions + 1] = 1
      reward[25 * actions] = distractor
      initial[start] = 1
      return try FiniteMDP(
        transitions: transitions, reward: .stateAction(reward), initial: initial, discount: 0.99, terminal: [terminal])
    }
  }
}
