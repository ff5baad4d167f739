import Basics
import FiniteMDPs
import Schemas

/// A game of finitely many states, given by the outcomes of every action in every state.
protocol ToyTextGame: Sendable {
  var spec: EnvironmentSpec { get }
  var stateCount: Int { get }
  var actionCount: Int { get }
  /// The distribution of the first state, [S].
  var initial: [Double] { get }
  /// What may happen, in the order of Gymnasium's `P[state][action]`, which decides what a random number means.
  func outcomes(of state: Int, _ action: Int) -> [ToyTextOutcome]
  /// The schema's quantities after an outcome.
  func quantities(after outcome: ToyTextOutcome) -> [Double]
}

struct ToyTextOutcome {
  var probability: Double
  var state: Int
  var reward: Double
  var terminated = false
}

extension ToyTextGame {
  /// The game as an exact model, whose terminal states are those that an episode ends in.
  ///
  /// Rewards are R(s, a) where the next state does not matter, else the mean of R given s, a and s'; a table of those
  /// with more than 2^24 entries gives way to the mean R(s, a).
  func model(discount: Double) throws -> FiniteMDP {
    let rows = stateCount * actionCount
    let outcomes = (0..<rows).map { self.outcomes(of: $0 / actionCount, $0 % actionCount) }
    let transitions = try TransitionModel(stateCount: stateCount, actionCount: actionCount) { state, action in
      outcomes[state * actionCount + action].map { .init(state: $0.state, probability: $0.probability) }
    }
    let terminal = Set(outcomes.joined().filter(\.terminated).map(\.state))
    let isDetermined = outcomes.allSatisfy { list in list.allSatisfy { $0.reward == list[0].reward } }
    var reward = FiniteMDP.Reward.stateAction(outcomes.map { list in
      isDetermined ? list[0].reward : list.reduce(0) { $0 + $1.probability * $1.reward }
    })
    if !isDetermined && rows * stateCount <= 1 << 24 {
      var paid = [Double](repeating: 0, count: rows * stateCount), weight = paid
      for (row, list) in outcomes.enumerated() {
        for outcome in list {
          paid[row * stateCount + outcome.state] += outcome.probability * outcome.reward
          weight[row * stateCount + outcome.state] += outcome.probability
        }
      }
      for k in paid.indices where weight[k] > 0 { paid[k] /= weight[k] }
      reward = .transition(paid)
    }
    return try FiniteMDP(
      transitions: transitions, reward: reward, initial: initial, discount: discount, terminal: terminal)
  }
}

/// A toy text game's rules as tables: a step is one random number and one search.
struct ToyTextDynamics: StochasticDynamics {
  static let grain = 256
  let stateWidth = 1

  private let id: String
  private let actionCount: Int
  /// Running sums of the initial distribution, [S].
  private let initial: [Double]
  /// The outcomes of row `s·A + a` are `starts[row] ..< starts[row + 1]`.
  private let starts: [Int]
  /// Running sums of each row's probabilities.
  private let cumulative: [Double]
  private let outcomes: [ToyTextOutcome]
  /// The quantities after each outcome, one row an outcome.
  private let quantities: [Double]
  private let quantityCount: Int

  init(_ game: some ToyTextGame) {
    id = game.spec.id
    actionCount = game.actionCount
    initial = runningSums(game.initial)
    var starts = [0], cumulative: [Double] = [], outcomes: [ToyTextOutcome] = [], quantities: [Double] = []
    for row in 0..<game.stateCount * game.actionCount {
      let list = game.outcomes(of: row / game.actionCount, row % game.actionCount)
      cumulative += runningSums(list.map(\.probability))
      for outcome in list { quantities += game.quantities(after: outcome) }
      outcomes += list
      starts.append(outcomes.count)
    }
    self.starts = starts
    self.cumulative = cumulative
    self.outcomes = outcomes
    self.quantities = quantities
    quantityCount = quantities.count / max(1, outcomes.count)
  }

  func makeWorkspace() {}

  func reset(
    _ state: UnsafeMutablePointer<Double>, random: inout RandomGenerator, observation: UnsafeMutablePointer<Double>,
    in workspace: Void
  ) {
    let u = random.uniform()
    // Bisection finds the first running sum above u; like numpy's argmax, the first of all if rounding leaves none.
    var low = 0, high = initial.count
    while low < high {
      let middle = (low + high) / 2
      if initial[middle] > u { high = middle } else { low = middle + 1 }
    }
    state[0] = Double(low < initial.count ? low : 0)
    observation[0] = state[0]
  }

  func step(
    _ state: UnsafeMutablePointer<Double>, action: UnsafePointer<Double>, random: inout RandomGenerator,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?, in workspace: Void
  ) -> Outcome {
    precondition(isChoice(action[0], of: Double(actionCount)), "\(id) takes the actions 0 to \(actionCount - 1)")
    let row = Int(state[0]) * actionCount + Int(action[0])
    let u = random.uniform()
    let range = starts[row]..<starts[row + 1]
    let chosen = range.first { cumulative[$0] > u } ?? range.lowerBound
    let outcome = outcomes[chosen]
    state[0] = Double(outcome.state)
    observation[0] = state[0]
    if record != nil {
      for k in chosen * quantityCount..<(chosen + 1) * quantityCount { record?.append(quantities[k]) }
    }
    return Outcome(reward: outcome.reward, terminated: outcome.terminated)
  }
}

/// numpy's `cumsum`.
private func runningSums(_ values: [Double]) -> [Double] {
  var sum = 0.0
  return values.map {
    sum += $0
    return sum
  }
}

extension Environments {
  /// The exact transition model of a toy text environment: FrozenLake, FrozenLake8x8, Taxi, CliffWalking or its slippery
  /// version.
  ///
  /// Its table of transitions is Gymnasium's `env.unwrapped.P`. A state in which an episode can end is terminal; of the
  /// states that an episode can reach, none is so in one transition and not in another.
  /// - Parameter discount: γ, which Gymnasium leaves open.
  /// - Throws: `GuerdonError` when the environment is unknown or no toy text, or the discount is outside [0, 1].
  public static func model(_ id: String, discount: Double) throws -> FiniteMDP {
    guard let game = games.first(where: { $0.spec.id == id }) else {
      _ = try spec(id)
      throw GuerdonError.usage(
        "\(id) has no finite model; these have one: \(games.map(\.spec.id).sorted().joined(separator: ", ")).")
    }
    return try game.model(discount: discount)
  }

  static let games: [any ToyTextGame] = [
    CliffWalking(isSlippery: false), CliffWalking(isSlippery: true), FrozenLake.small, FrozenLake.large, Taxi(),
  ]
}
