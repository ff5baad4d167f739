import Schemas

/// Taxi-v4: fetch a passenger at one of four stands and bring them to another; reward is -1 a step, 20 for the delivery and
/// -10 for picking up or dropping off where that cannot be done.
///
/// A state is ((row * 5 + column) * 5 + passenger) * 4 + destination, with passenger 4 in the taxi. Gymnasium's states
/// with the passenger waiting at the destination are never reached but by a delivery, which ends the episode.
///
/// Source: T. Dietterich, "Hierarchical Reinforcement Learning with the MAXQ Value Function Decomposition", 2000.
struct Taxi: ToyTextGame {
  /// (row, column) of the stands red, green, yellow and blue.
  private static let stands = [(0, 0), (0, 4), (4, 0), (4, 3)]
  /// Walls stand east of these cells, row * 5 + column.
  private static let walls: Set<Int> = [1, 6, 15, 17, 20, 22]

  static let spec = EnvironmentSpec.native(
    "Taxi-v4", observationSpace: .discrete(500),
    components: "((row * 5 + column) * 5 + passenger_location) * 4 + destination",
    actionSpace: .discrete(6),
    actionMeaning: "0 drives south, 1 north, 2 east, 3 west, 4 picks the passenger up, 5 drops the passenger off.",
    quantities: [
      Field("row", low: 0, high: 4, meaning: "Row of the taxi; 0 is the north."),
      Field("column", low: 0, high: 4, meaning: "Column of the taxi; 0 is the west."),
      Field(
        "passenger_location", low: 0, high: 4,
        meaning: "Where the passenger is: 0 at red (0, 0), 1 green (0, 4), 2 yellow (4, 0), 3 blue (4, 3), 4 in the taxi."),
      Field("destination", low: 0, high: 3, meaning: "The stand that the passenger wants to go to, numbered alike."),
      Field("in_taxi", low: 0, high: 1, meaning: "1 while the passenger is in the taxi."),
      Field("delivered", low: 0, high: 1, meaning: "1 if this step dropped the passenger off at the destination."),
      Field(
        "illegal", low: 0, high: 1,
        meaning: "1 if this step tried to pick up or drop off where that cannot be done."),
      Field(
        "next_stand_distance", low: 0, high: 8,
        meaning: "Rows plus columns, walls ignored, from the taxi to the passenger or, with the passenger, the destination."),
    ],
    maxEpisodeSteps: 200,
    summary: "A taxi on a walled grid of 5 x 5 cells fetches a passenger at one of four stands (red, green, yellow, blue) "
      + "and brings them to another. An episode has at most 200 steps and terminates with the delivery.")

  let stateCount = 500
  let actionCount = 6
  var spec: EnvironmentSpec { Self.spec }

  /// The passenger waits at one of the stands and wants to go to another.
  var initial: [Double] {
    (0..<stateCount).map { state in
      let (passenger, destination) = (state / 4 % 5, state % 4)
      return passenger < 4 && passenger != destination ? 1.0 / 300 : 0
    }
  }

  func outcomes(of state: Int, _ action: Int) -> [ToyTextOutcome] {
    let destination = state % 4
    var (row, column, passenger) = (state / 100, state / 20 % 5, state / 4 % 5)
    var reward = -1.0, isDelivered = false
    let stand = Self.stands.firstIndex { $0 == (row, column) }
    switch action {
    case 0: row = min(row + 1, 4)
    case 1: row = max(row - 1, 0)
    case 2: if !Self.walls.contains(row * 5 + column) { column = min(column + 1, 4) }
    case 3: if column > 0 && !Self.walls.contains(row * 5 + column - 1) { column -= 1 }
    case 4: if passenger < 4 && stand == passenger { passenger = 4 } else { reward = -10 }
    default:
      if passenger == 4, let stand {
        passenger = stand
        isDelivered = stand == destination
        if isDelivered { reward = 20 }
      } else {
        reward = -10
      }
    }
    let next = ((row * 5 + column) * 5 + passenger) * 4 + destination
    return [ToyTextOutcome(probability: 1, state: next, reward: reward, terminated: isDelivered)]
  }

  func quantities(after outcome: ToyTextOutcome) -> [Double] {
    let state = outcome.state, destination = state % 4
    let (row, column, passenger) = (state / 100, state / 20 % 5, state / 4 % 5)
    let stand = Self.stands[passenger == 4 ? destination : passenger]
    return [
      Double(row), Double(column), Double(passenger), Double(destination), passenger == 4 ? 1 : 0,
      outcome.terminated ? 1 : 0, outcome.reward == -10 ? 1 : 0,
      Double(abs(row - stand.0) + abs(column - stand.1)),
    ]
  }
}
