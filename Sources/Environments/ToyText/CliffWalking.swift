import Schemas

/// CliffWalking-v1: walk along a cliff from one corner to the other; reward is -1 a step and -100 for a fall.
///
/// Source: R. Sutton and A. Barto, "Reinforcement Learning: An Introduction", 2018, example 6.6.
struct CliffWalking: ToyTextGame {
  private static let rows = 4, columns = 12
  private static let start = 36, goal = 47
  /// Gymnasium sets no limit; this is the longest that an episode here can be.
  private static let maxEpisodeSteps = 1 << 16

  let isSlippery: Bool

  let stateCount = rows * columns
  let actionCount = 4
  var spec: EnvironmentSpec { Self.spec(isSlippery: isSlippery) }
  var initial: [Double] { (0..<stateCount).map { $0 == Self.start ? 1 : 0 } }

  static func spec(isSlippery: Bool) -> EnvironmentSpec {
    EnvironmentSpec.native(
      isSlippery ? "CliffWalkingSlippery-v1" : "CliffWalking-v1", observationSpace: .discrete(rows * columns),
      components: "the player's cell, row * 12 + column",
      actionSpace: .discrete(4), actionMeaning: "0 moves up, 1 right, 2 down, 3 left"
        + (isSlippery ? "; one time in three each, the move or one turned by 90 degrees." : "."),
      quantities: [
        Field("row", low: 0, high: 3, meaning: "Row of the player's cell; 0 is the top, 3 the one along the cliff."),
        Field("column", low: 0, high: 11, meaning: "Column of the player's cell; the goal is at 11."),
        Field("fell", low: 0, high: 1, meaning: "1 if the player stepped off the cliff and was put back to the start."),
        Field("at_goal", low: 0, high: 1, meaning: "1 if the player stands on the goal, which ends the episode."),
        Field("goal_distance", low: 0, high: 14, meaning: "Rows plus columns between the player and the goal."),
      ],
      maxEpisodeSteps: maxEpisodeSteps,
      summary: "A player walks on a grid of 4 x 12 cells from the bottom left corner to the bottom right one; the cells "
        + "between them are a cliff, from which one is put back to the start. "
        + (isSlippery ? "The ground is slippery. " : "")
        + "An episode terminates on the goal and has no limit but 65536 steps.")
  }

  func outcomes(of state: Int, _ action: Int) -> [ToyTextOutcome] {
    let directions = isSlippery ? [(action + 3) % 4, action, (action + 1) % 4] : [action]
    return directions.map { direction in
      var (row, column) = (state / Self.columns, state % Self.columns)
      switch direction {
      case 0: row = max(row - 1, 0)
      case 1: column = min(column + 1, Self.columns - 1)
      case 2: row = min(row + 1, Self.rows - 1)
      default: column = max(column - 1, 0)
      }
      let probability = 1 / Double(directions.count)
      let next = row * Self.columns + column
      if next > Self.start && next < Self.goal {
        return ToyTextOutcome(probability: probability, state: Self.start, reward: -100)
      }
      return ToyTextOutcome(probability: probability, state: next, reward: -1, terminated: next == Self.goal)
    }
  }

  func quantities(after outcome: ToyTextOutcome) -> [Double] {
    let (row, column) = (outcome.state / Self.columns, outcome.state % Self.columns)
    return [
      Double(row), Double(column), outcome.reward == -100 ? 1 : 0, outcome.state == Self.goal ? 1 : 0,
      Double(Self.rows - 1 - row + Self.columns - 1 - column),
    ]
  }
}
