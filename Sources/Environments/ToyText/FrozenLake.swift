import Basics
import FiniteMDPs
import Schemas

/// FrozenLake-v1: cross a frozen lake from start to goal without falling through its holes; reward is 1 at the goal.
///
/// A map is a grid of letters: S where an episode starts (one of them at random), F frozen, H a hole and G the goal,
/// both of which end the episode. On slippery ice a move goes where it should with the success rate, and else to one of the
/// two sides of that direction.
public struct FrozenLake: ToyTextGame {
  let spec: EnvironmentSpec
  private let map: [[UInt8]]
  private let columns: Int
  /// Rows plus columns to the nearest goal, one a cell; 0 without goals.
  private let goalDistances: [Double]
  private let isSlippery: Bool
  private let successRate: Double
  private let rewards: (goal: Double, hole: Double, frozen: Double)

  /// Gymnasium's "4x4" map.
  public static let small = FrozenLake("FrozenLake-v1", ["SFFF", "FHFH", "FFFH", "HFFG"], maxEpisodeSteps: 100)

  /// Gymnasium's "8x8" map.
  public static let large = FrozenLake(
    "FrozenLake8x8-v1",
    ["SFFFFFFF", "FFFFFFFF", "FFFHFFFF", "FFFFFHFF", "FFFHFFFF", "FHHFFFHF", "FHFFHFHF", "FFFHFFFG"],
    maxEpisodeSteps: 200)

  /// A lake of one's own (Gymnasium's `desc`, `is_slippery`, `success_rate` and `reward_schedule`).
  /// - Parameters:
  ///   - map: rows of the letters S, F, H and G, all of one length; at least one S.
  ///   - successRate: how often a move on slippery ice goes where it should, from 0 to 1.
  ///   - rewards: what entering a cell is paid.
  ///   - maxEpisodeSteps: steps after which an episode is truncated.
  /// - Throws: `GuerdonError` for a map that is none, or a rate or limit outside its range.
  public init(
    map: [String], isSlippery: Bool = true, successRate: Double = 1.0 / 3,
    rewards: (goal: Double, hole: Double, frozen: Double) = (1, 0, 0), maxEpisodeSteps: Int = 100
  ) throws {
    guard let width = map.first?.utf8.count, width > 0, width * map.count <= 1 << 16 else {
      throw GuerdonError.usage("A lake has 1 to 65536 cells; this map has \(map.count) rows.")
    }
    for (row, letters) in map.enumerated() {
      guard letters.utf8.count == width else {
        throw GuerdonError.usage("Row \(row) of the lake has \(letters.utf8.count) cells; its first row has \(width).")
      }
      if let letter = letters.first(where: { !"SFHG".contains($0) }) {
        throw GuerdonError.usage("Row \(row) of the lake has the letter \"\(letter)\"; cells are S, F, H or G.")
      }
    }
    guard map.contains(where: { $0.contains("S") }) else {
      throw GuerdonError.usage("The lake has no S, so no episode can start.")
    }
    guard (0...1).contains(successRate) else {
      throw GuerdonError.usage("The success rate is \(successRate); it must lie in [0, 1].")
    }
    guard rewards.goal.isFinite, rewards.hole.isFinite, rewards.frozen.isFinite else {
      throw GuerdonError.usage("The rewards of a lake must be finite.")
    }
    guard (1...1 << 16).contains(maxEpisodeSteps) else {
      throw GuerdonError.usage("An episode cannot be limited to \(maxEpisodeSteps) steps; give 1 to 65536.")
    }
    self.init(
      "FrozenLake-v1", map, isSlippery: isSlippery, successRate: successRate, rewards: rewards,
      maxEpisodeSteps: maxEpisodeSteps)
  }

  private init(
    _ id: String, _ map: [String], isSlippery: Bool = true, successRate: Double = 1.0 / 3,
    rewards: (goal: Double, hole: Double, frozen: Double) = (1, 0, 0), maxEpisodeSteps: Int
  ) {
    self.map = map.map { Array($0.utf8) }
    self.isSlippery = isSlippery
    self.successRate = successRate
    self.rewards = rewards
    columns = self.map[0].count
    goalDistances = Self.goalDistances(self.map)
    spec = Self.spec(id, map, columns, isSlippery, maxEpisodeSteps)
  }

  private static func spec(
    _ id: String, _ map: [String], _ columns: Int, _ isSlippery: Bool, _ maxEpisodeSteps: Int
  ) -> EnvironmentSpec {
    EnvironmentSpec.native(
      id, observationSpace: .discrete(map.count * columns),
      components: "the player's cell, row * \(columns) + column",
      actionSpace: .discrete(4), actionMeaning: "0 moves left, 1 down, 2 right, 3 up"
        + (isSlippery ? "; the ice may turn the move by 90 degrees." : "."),
      quantities: [
        Field("row", low: 0, high: Double(map.count - 1), meaning: "Row of the player's cell; 0 is the top."),
        Field("column", low: 0, high: Double(columns - 1), meaning: "Column of the player's cell; 0 is the left."),
        Field("in_hole", low: 0, high: 1, meaning: "1 if the player has fallen through a hole, which ends the episode."),
        Field("at_goal", low: 0, high: 1, meaning: "1 if the player stands on the goal, which ends the episode."),
        Field(
          "goal_distance", low: 0, high: Double(map.count + columns),
          meaning: "Rows plus columns between the player and the nearest goal; 0 if the map has none."),
      ],
      maxEpisodeSteps: maxEpisodeSteps,
      summary: "A player crosses a frozen lake of \(map.count) x \(columns) cells"
        + (isSlippery ? " of slippery ice" : "")
        + "; S is the start, H a hole, G the goal: \(map.joined(separator: " / ")). An episode has at most "
        + "\(maxEpisodeSteps) steps and terminates in a hole or on the goal.")
  }

  /// Copies of this lake, already reset; as `Environments.make`.
  /// - Throws: `GuerdonError` for a count outside 1...65536.
  public func make(
    count: Int, pool: WorkerPool = WorkerPool(threads: 1), autoreset: AutoresetMode = .sameStep, seed: UInt64 = 0
  ) throws -> any VectorEnvironment {
    guard (1...1 << 16).contains(count) else {
      throw GuerdonError.usage("\(count) copies of a lake were asked for; make 1 to 65536.")
    }
    return try NativeVectorEnvironment(
      ToyTextDynamics(self), spec: spec, count: count, pool: pool, autoreset: autoreset, seed: seed)
  }

  /// This lake's exact model, as `Environments.model`.
  /// - Throws: `GuerdonError` when the discount is outside [0, 1].
  public func finiteMDP(discount: Double) throws -> FiniteMDP { try model(discount: discount) }

  var stateCount: Int { map.count * columns }
  var actionCount: Int { 4 }

  var initial: [Double] {
    let starts = map.joined().map { $0 == UInt8(ascii: "S") ? 1.0 : 0 }
    let sum: Double = starts.reduce(0, +)
    return starts.map { $0 / sum }
  }

  func outcomes(of state: Int, _ action: Int) -> [ToyTextOutcome] {
    if isEnd(letter(state)) { return [ToyTextOutcome(probability: 1, state: state, reward: 0, terminated: true)] }
    guard isSlippery else { return [outcome(of: state, moving: action, probability: 1)] }
    let failRate = (1 - successRate) / 2
    return [(action + 3) % 4, action, (action + 1) % 4].map {
      outcome(of: state, moving: $0, probability: $0 == action ? successRate : failRate)
    }
  }

  private func outcome(of state: Int, moving direction: Int, probability: Double) -> ToyTextOutcome {
    var (row, column) = (state / columns, state % columns)
    switch direction {
    case 0: column = max(column - 1, 0)
    case 1: row = min(row + 1, map.count - 1)
    case 2: column = min(column + 1, columns - 1)
    default: row = max(row - 1, 0)
    }
    let letter = map[row][column]
    let reward =
      letter == UInt8(ascii: "G") ? rewards.goal : letter == UInt8(ascii: "H") ? rewards.hole : rewards.frozen
    return ToyTextOutcome(
      probability: probability, state: row * columns + column, reward: reward, terminated: isEnd(letter))
  }

  func quantities(after outcome: ToyTextOutcome) -> [Double] {
    let (row, column) = (outcome.state / columns, outcome.state % columns)
    let letter = letter(outcome.state)
    return [
      Double(row), Double(column), letter == UInt8(ascii: "H") ? 1 : 0, letter == UInt8(ascii: "G") ? 1 : 0,
      goalDistances[outcome.state],
    ]
  }

  /// Down and right, then up and left: each cell is one further than its nearest neighbour.
  private static func goalDistances(_ map: [[UInt8]]) -> [Double] {
    let rows = map.count, columns = map[0].count
    var distances = map.joined().map { $0 == UInt8(ascii: "G") ? 0 : Double.infinity }
    for cell in 0..<rows * columns {
      if cell >= columns { distances[cell] = min(distances[cell], distances[cell - columns] + 1) }
      if cell % columns > 0 { distances[cell] = min(distances[cell], distances[cell - 1] + 1) }
    }
    for cell in (0..<rows * columns).reversed() {
      if cell + columns < rows * columns { distances[cell] = min(distances[cell], distances[cell + columns] + 1) }
      if cell % columns < columns - 1 { distances[cell] = min(distances[cell], distances[cell + 1] + 1) }
    }
    return distances.map { $0.isFinite ? $0 : 0 }
  }

  private func letter(_ state: Int) -> UInt8 { map[state / columns][state % columns] }
  private func isEnd(_ letter: UInt8) -> Bool { letter == UInt8(ascii: "G") || letter == UInt8(ascii: "H") }
}
