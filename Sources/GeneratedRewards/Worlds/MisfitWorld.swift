import Basics
import Environments
import Experiments
import Proposers
import RewardPrograms
import Rewards
import Schemas

/// The "Misfit" key-door grid: a small world in which most plausible rewards mislead.
///
/// 7×7 cells, four clamped moves, starts uniform on {0,1,2}², a key at (6,5), a door at (6,0), lava at (3,1), (3,2),
/// (3,3) and (2,5) that ends the episode, horizon 40. The learner is tabular Q-learning on a reward table that the
/// program fills: every transition is one row of a batch.
struct MisfitWorld: Sendable {
  static let side = 7
  static let horizon = 40
  static let checkpoints = 10
  static let trainingSteps = 12_000
  static let key = (x: 6, y: 5), door = (x: 6, y: 0)
  static let lava: Set<Int> = [cell(3, 1), cell(3, 2), cell(3, 3), cell(2, 5)]
  static let starts: [Int] = (0..<3).flatMap { x in (0..<3).map { y in cell(x, y) } }
  static let actions = 4
  /// Cells times {without key, with key}; a state is `cell + 49 * hasKey`.
  static let states = 2 * side * side

  static func cell(_ x: Int, _ y: Int) -> Int { x + side * y }

  static let schema = Schema(
    environment: "Misfit",
    fields: [
      Field("has_key", low: 0, high: 1, meaning: "1 once the key has been picked up"),
      Field("key_distance", low: 0, high: 1, meaning: "L1 distance to the key, over 12"),
      Field("door_distance", low: 0, high: 1, meaning: "L1 distance to the door, over 12"),
      Field("picked", low: 0, high: 1, meaning: "1 on the step that picks up the key"),
      Field("opened", low: 0, high: 1, meaning: "1 on the step that reaches the door with the key"),
      Field("dead", low: 0, high: 1, meaning: "1 on the step into lava"),
      Field("idle", low: 0, high: 1, meaning: "1 when the move was blocked by a wall"),
      Field("moved_left", low: 0, high: 1, meaning: "1 when the action was left"),
      Field("corner_distance", low: 0, high: 1, meaning: "L1 distance to the corner (0, 0), over 12"),
      Field("beside_lava", low: 0, high: 1, meaning: "1 when a neighbouring cell is lava"),
    ])

  /// `next[4 s + a]`, and whether that transition ends the episode.
  let next: [Int]
  let ends: [Bool]
  /// All 4 · 98 transitions, in the order of `next`.
  let transitions: TransitionBatch

  init() {
    let count = Self.states * Self.actions
    var next = [Int](repeating: 0, count: count)
    var ends = [Bool](repeating: false, count: count)
    transitions = TransitionBatch(schema: Self.schema, capacity: count)
    // Gymnasium's order in FrozenLake: left, down, right, up.
    let moves = [(-1, 0), (0, 1), (1, 0), (0, -1)]
    for state in 0..<Self.states {
      let (x, y) = Self.position(state)
      let hadKey = state >= Self.side * Self.side
      for (action, move) in moves.enumerated() {
        let row = Self.actions * state + action
        let newX = min(max(x + move.0, 0), Self.side - 1), newY = min(max(y + move.1, 0), Self.side - 1)
        let cell = Self.cell(newX, newY)
        let hasKey = hadKey || (newX, newY) == Self.key
        let dead = Self.lava.contains(cell)
        let opened = hasKey && (newX, newY) == Self.door
        next[row] = cell + (hasKey ? Self.side * Self.side : 0)
        ends[row] = dead || opened
        let besideLava = moves.contains { move in
          (0..<Self.side).contains(newX + move.0) && (0..<Self.side).contains(newY + move.1)
            && Self.lava.contains(Self.cell(newX + move.0, newY + move.1))
        }
        let record: [Double] = [
          hasKey ? 1 : 0, Self.distance(cell, to: Self.key), Self.distance(cell, to: Self.door),
          hasKey && !hadKey ? 1 : 0, opened ? 1 : 0, dead ? 1 : 0, (newX, newY) == (x, y) ? 1 : 0, action == 0 ? 1 : 0,
          Double(newX + newY) / 12, besideLava ? 1 : 0,
        ]
        for (column, value) in record.enumerated() { transitions.base[column * count + row] = value }
      }
    }
    self.next = next
    self.ends = ends
  }

  private static func position(_ state: Int) -> (x: Int, y: Int) {
    let cell = state % (side * side)
    return (cell % side, cell / side)
  }

  private static func distance(_ cell: Int, to goal: (x: Int, y: Int)) -> Double {
    let (x, y) = position(cell)
    return Double(abs(x - goal.x) + abs(y - goal.y)) / 12
  }

  /// Trains on the program's reward and logs its terms and the fitness at ten checkpoints.
  /// - Throws: `GuerdonError` when the reward is not finite on some transition.
  func train(_ program: RewardProgram, seed: UInt64) throws -> TrainingDigest {
    let rewards = try rewards(of: program)
    return train(rewards.total, terms: rewards.terms, named: program.termNames, seed: seed)
  }

  /// The program's reward and terms of every transition, term by term.
  /// - Throws: `GuerdonError` when the reward is not finite on some transition.
  func rewards(of program: RewardProgram) throws -> (total: [Double], terms: [Double]) {
    let count = Self.states * Self.actions
    var total = [Double](repeating: 0, count: count)
    var terms = [Double](repeating: 0, count: program.termNames.count * count)
    ProgramReward(program).makeEvaluator().evaluate(transitions, rows: 0..<count, total: &total, terms: &terms)
    guard total.allSatisfy(\.isFinite) else {
      throw GuerdonError.failure("The reward is not finite on some transition.")
    }
    return (total, terms)
  }

  /// Trains on one reward a transition.
  /// - Parameters:
  ///   - terms: term by term, one value a transition.
  func train(
    _ rewards: [Double], terms: [Double] = [], named names: [String] = [], seed: UInt64
  ) -> TrainingDigest {
    let count = rewards.count
    var learner = Learner(in: self, seed: seed)
    var fitness: [Double] = []
    var lengths: [Double] = []
    var sums = [Double](repeating: 0, count: names.count)
    var series = [[Double]](repeating: [], count: names.count)
    let epoch = Self.trainingSteps / Self.checkpoints
    for step in 1...Self.trainingSteps {
      let row = learner.step(rewards).row
      for term in names.indices { sums[term] += terms[term * count + row] }
      if step % epoch == 0 {
        let outcome = evaluate(learner.q)
        fitness.append(outcome.fitness)
        lengths.append(outcome.length)
        for term in names.indices { series[term].append(sums[term] / Double(epoch)) }
        sums = sums.map { _ in 0 }
      }
    }
    return TrainingDigest(
      steps: (1...Self.checkpoints).map { $0 * epoch }, fitness: fitness, lengths: lengths,
      terms: zip(names, series).map { TrainingDigest.Series(name: $0, values: $1) }, episodes: [])
  }

  /// Tabular Q-learning: step size 0.5, discount 0.97, ε-greedy with ε = 0.2, from zero.
  struct Learner {
    private(set) var q: [Double]
    private let world: MisfitWorld
    private var random: RandomGenerator
    private var state: Int
    private var age = 0

    init(in world: MisfitWorld, seed: UInt64) {
      self.world = world
      random = RandomGenerator(seed: seed)
      q = [Double](repeating: 0, count: world.next.count)
      state = MisfitWorld.starts[random.integer(below: MisfitWorld.starts.count)]
    }

    /// One step under one reward a transition.
    mutating func step(_ rewards: [Double]) -> (row: Int, endsEpisode: Bool) {
      let action =
        random.uniform() < 0.2
        ? random.integer(below: MisfitWorld.actions) : MisfitWorld.greedy(q, state, tiesBy: &random)
      let row = MisfitWorld.actions * state + action
      let following = world.next[row]
      let value = world.ends[row] ? 0 : q[MisfitWorld.actions * following + MisfitWorld.greedy(q, following)]
      q[row] += 0.5 * (rewards[row] + 0.97 * value - q[row])
      age += 1
      state = following
      let endsEpisode = world.ends[row] || age == MisfitWorld.horizon
      if endsEpisode {
        state = MisfitWorld.starts[random.integer(below: MisfitWorld.starts.count)]
        age = 0
      }
      return (row, endsEpisode)
    }
  }

  private static func greedy(_ q: [Double], _ state: Int) -> Int {
    var best = 0
    for action in 1..<actions where q[actions * state + action] > q[actions * state + best] {
      best = action
    }
    return best
  }

  /// Ties are broken at random: from zero values, the first action of a fixed order would decide where exploration goes.
  private static func greedy(_ q: [Double], _ state: Int, tiesBy random: inout RandomGenerator) -> Int {
    var best = 0
    var ties = 1
    for action in 1..<actions {
      let value = q[actions * state + action], bestValue = q[actions * state + best]
      if value > bestValue {
        (best, ties) = (action, 1)
      } else if value == bestValue {
        ties += 1
        if random.integer(below: ties) == 0 { best = action }
      }
    }
    return best
  }

  /// Mean of the score over the nine starts, acting greedily.
  private func evaluate(_ q: [Double]) -> (fitness: Double, length: Double) {
    let episodes = Self.starts.map { play(from: $0) { Self.greedy(q, $0) } }
    return (Statistics.mean(episodes.map(score)), Statistics.mean(episodes.map { Double($0.count) }))
  }

  /// One episode of a policy, as rows of `transitions`.
  func play(from start: Int, _ policy: (Int) -> Int) -> [Int] {
    var rows: [Int] = []
    var state = start
    while rows.count < Self.horizon {
      let row = Self.actions * state + policy(state)
      rows.append(row)
      state = next[row]
      if ends[row] { break }
    }
    return rows
  }

  /// What is really wanted of an episode: 1 for the door with the key, else 0.5 · [has key] + 0.4 · (1 − distance to the
  /// current sub-goal), by its last state.
  func score(of episode: [Int]) -> Double {
    guard let last = episode.last else { return 0 }
    return score(after: last)
  }

  /// The score of an episode that ends with this transition.
  func score(after row: Int) -> Double {
    let state = next[row]
    if ends[row] && !Self.lava.contains(state % (Self.side * Self.side)) { return 1 }
    return Self.score(in: state)
  }

  /// The score of an episode that stops in this state, short of the door.
  static func score(in state: Int) -> Double {
    let hasKey = state >= side * side
    let remaining = distance(state % (side * side), to: hasKey ? door : key)
    return (hasKey ? 0.5 : 0) + 0.4 * (1 - remaining)
  }
}
