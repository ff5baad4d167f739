import Basics
import Environments
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
  private let next: [Int]
  private let ends: [Bool]
  /// All 4 · 98 transitions, in the order of `next`.
  private let transitions: TransitionBatch

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
    let count = Self.states * Self.actions
    var rewards = [Double](repeating: 0, count: count)
    let names = program.termNames
    var terms = [Double](repeating: 0, count: names.count * count)
    ProgramReward(program).makeEvaluator().evaluate(transitions, rows: 0..<count, total: &rewards, terms: &terms)
    guard rewards.allSatisfy(\.isFinite) else {
      throw GuerdonError.failure("The reward is not finite on some transition.")
    }

    // Q-learning: step size 0.5, discount 0.97, ε-greedy with ε = 0.2, from zero.
    var random = RandomGenerator(seed: seed)
    var q = [Double](repeating: 0, count: count)
    var fitness: [Double] = []
    var lengths: [Double] = []
    var sums = [Double](repeating: 0, count: names.count)
    var series = [[Double]](repeating: [], count: names.count)
    var state = Self.starts[random.integer(below: Self.starts.count)]
    var age = 0
    let epoch = Self.trainingSteps / Self.checkpoints
    for step in 1...Self.trainingSteps {
      let action = random.uniform() < 0.2 ? random.integer(below: Self.actions) : greedy(q, state, tiesBy: &random)
      let row = Self.actions * state + action
      let following = next[row]
      let value = ends[row] ? 0 : q[Self.actions * following + greedy(q, following)]
      q[row] += 0.5 * (rewards[row] + 0.97 * value - q[row])
      for term in names.indices { sums[term] += terms[term * count + row] }
      age += 1
      state = following
      if ends[row] || age == Self.horizon {
        state = Self.starts[random.integer(below: Self.starts.count)]
        age = 0
      }
      if step % epoch == 0 {
        let outcome = evaluate(q)
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

  private func greedy(_ q: [Double], _ state: Int) -> Int {
    var best = 0
    for action in 1..<Self.actions where q[Self.actions * state + action] > q[Self.actions * state + best] {
      best = action
    }
    return best
  }

  /// Ties are broken at random: from zero values, the first action of a fixed order would decide where exploration goes.
  private func greedy(_ q: [Double], _ state: Int, tiesBy random: inout RandomGenerator) -> Int {
    var best = 0
    var ties = 1
    for action in 1..<Self.actions {
      let value = q[Self.actions * state + action], bestValue = q[Self.actions * state + best]
      if value > bestValue {
        (best, ties) = (action, 1)
      } else if value == bestValue {
        ties += 1
        if random.integer(below: ties) == 0 { best = action }
      }
    }
    return best
  }

  /// Mean over the nine greedy starts of: 1 for the door with the key, else 0.5 · [has key] + 0.4 · (1 − distance to the
  /// current sub-goal).
  private func evaluate(_ q: [Double]) -> (fitness: Double, length: Double) {
    var total = 0.0
    var steps = 0
    for start in Self.starts {
      var state = start
      var solved = false
      for _ in 0..<Self.horizon {
        let row = Self.actions * state + greedy(q, state)
        state = next[row]
        steps += 1
        if ends[row] {
          solved = !Self.lava.contains(state % (Self.side * Self.side))
          break
        }
      }
      let hasKey = state >= Self.side * Self.side
      let remaining = Self.distance(state % (Self.side * Self.side), to: hasKey ? Self.door : Self.key)
      total += solved ? 1 : (hasKey ? 0.5 : 0) + 0.4 * (1 - remaining)
    }
    return (total / Double(Self.starts.count), Double(steps) / Double(Self.starts.count))
  }
}
