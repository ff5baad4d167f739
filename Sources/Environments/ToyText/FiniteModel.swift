import Basics
import FiniteMDPs
import Schemas

/// An environment of finitely many states as an exact model, with a record of every transition that it can make: what a
/// reward function needs to become a table.
public struct FiniteModel: Sendable {
  /// The process, with the environment's own reward.
  public let mdp: FiniteMDP
  /// One row an outcome, as the environment would record it in an episode's first step.
  public let transitions: TransitionBatch
  /// Of each row: s·A + a, the next state, and the probability.
  public let outcomes: [(row: Int, next: Int, probability: Double)]

  /// The table of a reward given by its value on every row of `transitions`: R(s, a, s') where that table has at most 2^24
  /// entries, else the mean R(s, a). Outcomes that lead to the same state are averaged.
  public func reward(_ values: [Double]) -> FiniteMDP.Reward {
    let states = mdp.stateCount, rows = states * mdp.actionCount
    guard rows * states <= 1 << 24 else {
      var mean = [Double](repeating: 0, count: rows)
      for (outcome, value) in zip(outcomes, values) { mean[outcome.row] += outcome.probability * value }
      return .stateAction(mean)
    }
    var paid = [Double](repeating: 0, count: rows * states), weight = paid
    for (outcome, value) in zip(outcomes, values) where outcome.probability > 0 {
      paid[outcome.row * states + outcome.next] += outcome.probability * value
      weight[outcome.row * states + outcome.next] += outcome.probability
    }
    for k in paid.indices where weight[k] > 0 { paid[k] /= weight[k] }
    return .transition(paid)
  }
}

extension Environments {
  /// The exact model of a toy text environment with the records of its transitions; nil for an environment that has none.
  /// - Throws: `GuerdonError` when the environment is unknown, or the discount is outside [0, 1].
  public static func finiteModel(_ id: String, discount: Double) throws -> FiniteModel? {
    guard let game = games.first(where: { $0.spec.id == id }) else {
      _ = try spec(id)
      return nil
    }
    return try game.finiteModel(discount: discount)
  }
}

extension ToyTextGame {
  func finiteModel(discount: Double) throws -> FiniteModel {
    var outcomes: [(row: Int, next: Int, probability: Double)] = []
    var records: [[Double]] = []
    for row in 0..<stateCount * actionCount {
      for outcome in self.outcomes(of: row / actionCount, row % actionCount) {
        outcomes.append((row, outcome.state, outcome.probability))
        // As the schema has it: obs, next_obs, action, quantities, step, terminated.
        records.append(
          [Double(row / actionCount), Double(outcome.state), Double(row % actionCount)] + quantities(after: outcome)
            + [1, outcome.terminated ? 1 : 0])
      }
    }
    let batch = TransitionBatch(schema: spec.schema, capacity: records.count)
    for (row, record) in records.enumerated() {
      for (column, value) in record.enumerated() { batch.base[column * batch.capacity + row] = value }
    }
    return FiniteModel(mdp: try model(discount: discount), transitions: batch, outcomes: outcomes)
  }
}
