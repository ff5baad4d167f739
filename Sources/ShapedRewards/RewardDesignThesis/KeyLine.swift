import Basics
import FiniteMDPs

/// The line with a key as a continuum: a position in [0, 1] and whether the key is held; actions left, right and pick.
/// The length of every move is drawn anew. Two worlds of the thesis are made of it.
public struct KeyLine: Sendable, Hashable {
  public struct State: Sendable, Hashable {
    /// x, in [0, 1].
    public var position: Double
    public var hasKey: Bool

    public init(position: Double, hasKey: Bool) { (self.position, self.hasKey) = (position, hasKey) }
  }

  /// What an action that errs does.
  public enum Slip: String, Sendable {
    /// A move goes the other way; picking never errs.
    case opposite
    /// One of the two other actions is taken, whichever alike; picking errs too.
    case anyOther
  }

  public static let actionCount = 3
  /// Numbers in an observation.
  public static let observationWidth = 4

  public var move = 0.074...0.076
  /// Where the key can be picked up, where moving right is paid once it is held, and where episodes begin.
  public var keyArea: ClosedRange<Double>
  public var goalArea = 0.9...1.0
  public var startArea: ClosedRange<Double>
  public var slip: Slip
  public var slipProbability: Double
  /// Whether moving right in the goal's area ends the episode, with the key or without it.
  public var endsAtGoal: Bool
  public var goalReward: Double
  public var discount: Double
  /// H.
  public var horizon: Int

  /// *LineKeyNav*, on which ExpRD designs for cells: 10 is paid once, at the end (Devidze et al., NeurIPS 2021).
  public static let navigation = KeyLine(
    keyArea: 0.1...0.2, startArea: 0.5...0.5, slip: .anyOther, slipProbability: 0.1, endsAtGoal: true, goalReward: 10,
    discount: 0.95, horizon: 50)

  /// *LineK* of neural ExploRS: 1 is paid for every move to the right at the goal, until the horizon (NeurIPS 2022).
  public static let exploration = KeyLine(
    keyArea: 0...0.1, startArea: 0.3...0.4, slip: .opposite, slipProbability: 0.05, endsAtGoal: false, goalReward: 1,
    discount: 0.99, horizon: 60)

  public func first(random: inout RandomGenerator) -> State {
    State(position: random.uniform(startArea.lowerBound, startArea.upperBound), hasKey: false)
  }

  /// - Parameter action: 0 left, 1 right, 2 pick.
  /// - Returns: where it leads, nil where the episode ends, and R̄.
  public func step(_ state: State, _ action: Int, random: inout RandomGenerator) -> (next: State?, reward: Double) {
    let isLeaving = action == 1 && goalArea.contains(state.position)
    let reward = isLeaving && state.hasKey ? goalReward : 0
    if isLeaving, endsAtGoal { return (nil, reward) }
    var taken = action
    switch slip {
    case .opposite: if action < 2, random.uniform() < slipProbability { taken = 1 - action }
    case .anyOther: if random.uniform() < slipProbability { taken = (action + 1 + random.integer(below: 2)) % 3 }
    }
    var next = state
    switch taken {
    case 0: next.position = max(0, state.position - random.uniform(move.lowerBound, move.upperBound))
    case 1: next.position = min(1, state.position + random.uniform(move.lowerBound, move.upperBound))
    default: if keyArea.contains(state.position) { next.hasKey = true }
    }
    return (next, reward)
  }

  /// Position, key, and whether the position is in the key's and in the goal's area, [4].
  public func observation(of state: State) -> [Float] {
    [
      Float(state.position), state.hasKey ? 1 : 0, keyArea.contains(state.position) ? 1 : 0,
      goalArea.contains(state.position) ? 1 : 0,
    ]
  }

  /// φ(s): which of `count` cells of equal width a state is in, those with the key after those without it; 2 `count` is
  /// where episodes end (nil).
  public static func cell(of state: State?, count: Int) -> Int {
    guard let state else { return 2 * count }
    return min(count - 1, Int(state.position * Double(count))) + (state.hasKey ? count : 0)
  }

  /// The process between `count` cells without the key and as many with it: T and R̄ averaged over states drawn
  /// uniformly from every cell.
  /// - Parameter samples: transitions of every cell and action.
  public func abstracted(cells count: Int, samples: Int, random: inout RandomGenerator) throws -> FiniteMDP {
    var model = try SampledAbstraction(cellCount: 2 * count + 1, actionCount: Self.actionCount, terminal: [2 * count])
    for cell in 0..<2 * count {
      for action in 0..<Self.actionCount {
        for _ in 0..<samples {
          let position = (Double(cell % count) + random.uniform()) / Double(count)
          let step = step(State(position: position, hasKey: cell >= count), action, random: &random)
          model.record(cell, action, reward: step.reward, next: Self.cell(of: step.next, count: count))
        }
      }
    }
    var starts = [Double](repeating: 0, count: 2 * count + 1)
    for _ in 0..<max(samples, 1) { starts[Self.cell(of: first(random: &random), count: count)] += 1 }
    let initial = starts.map { $0 / Double(max(samples, 1)) }
    return try model.process(initial: initial, discount: discount)
  }
}
