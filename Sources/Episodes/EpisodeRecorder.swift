import Basics
import Environments
import Schemas

/// Plays whole episodes and keeps them.
public enum EpisodeRecorder {
  /// Records `count` episodes from all copies of an environment.
  ///
  /// Each copy plays its own share of the episodes: were the first `count` to end kept instead, short ones would be
  /// more frequent than they are.
  /// - Parameters:
  ///   - environment: made with `.sameStep` or `.nextStep`; it is reset.
  ///   - seed: copy `i` is reset with `seed + i`, which is the seed of its first episode.
  ///   - infos: fields of the schema to keep, measured after each step.
  ///   - policy: from observations, row-major [copies, observationSpace.width], to actions [copies, actionSpace.width].
  /// - Returns: The episodes, copy after copy.
  /// - Throws: `GuerdonError` for a field that the schema does not have; what the policy throws.
  public static func record(
    _ environment: any VectorEnvironment, count: Int, seed: UInt64, infos: [String] = [],
    policy: (UnsafeBufferPointer<Double>) throws -> [Double]
  ) throws -> [Episode] {
    let spec = environment.spec, copies = environment.count
    let names = spec.schema.fields.map(\.name)
    for name in ["obs", "next_obs", "action", "step"] + infos where spec.schema[name] == nil {
      throw GuerdonError.usage("\(spec.id) has no field \"\(name)\" to record.\(suggestion(for: name, among: names))")
    }
    guard count >= 1 else {
      throw GuerdonError.usage("\(count) episodes of \(spec.id) were to be recorded; give 1 or more.")
    }
    let batch = TransitionBatch(schema: spec.schema, capacity: copies)
    let shares = (0..<copies).map { count / copies + ($0 < count % copies ? 1 : 0) }
    var drafts = (0..<copies).map { Draft(seed: Int64(truncatingIfNeeded: seed &+ UInt64($0)), infos: infos) }
    var finished = [[Episode]](repeating: [], count: copies)
    environment.reset(seed: seed)
    while zip(finished, shares).contains(where: { $0.count < $1 }) {
      let actions = try policy(environment.observations)
      guard actions.count == copies * spec.actionSpace.width else {
        throw GuerdonError.usage(
          "\(copies) copies of \(spec.id) take \(copies * spec.actionSpace.width) numbers as actions; the policy gave "
            + "\(actions.count).")
      }
      actions.withUnsafeBufferPointer { environment.step($0, recording: batch, at: 0) }
      if let failure = environment.failure { throw failure }
      for i in 0..<copies where finished[i].count < shares[i] {
        // The step of `.nextStep` that only resets is none of an episode.
        guard batch.values(of: "step", row: i) != [0] else { continue }
        drafts[i].append(batch, row: i)
        drafts[i].rewards.append(environment.rewards[i])
        drafts[i].terminations.append(environment.terminated[i])
        drafts[i].truncations.append(environment.truncated[i])
        if environment.terminated[i] || environment.truncated[i] {
          finished[i].append(try drafts[i].episode(spec, infos))
          drafts[i] = Draft(seed: nil, infos: infos)
        }
      }
    }
    return finished.flatMap { $0 }
  }

  /// An episode that has not ended yet.
  private struct Draft {
    var seed: Int64?
    var observations: [Double] = [], actions: [Double] = [], rewards: [Double] = []
    var terminations: [Bool] = [], truncations: [Bool] = []
    var infos: [String: [Double]]

    init(seed: Int64?, infos: [String]) {
      self.seed = seed
      self.infos = Dictionary(infos.map { ($0, []) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func append(_ batch: TransitionBatch, row: Int) {
      if observations.isEmpty { observations = batch.values(of: "obs", row: row) }
      observations += batch.values(of: "next_obs", row: row)
      actions += batch.values(of: "action", row: row)
      for name in infos.keys { infos[name]? += batch.values(of: name, row: row) }
    }

    func episode(_ spec: EnvironmentSpec, _ names: [String]) throws -> Episode {
      var columns: [String: EpisodeValue] = [:]
      for (name, values) in infos {
        columns[name] = .column(try EpisodeColumn(.float64(values), shape: spec.schema[name]?.shape ?? []))
      }
      return Episode(
        observations: try Self.column(observations, of: spec.observationSpace),
        actions: try Self.column(actions, of: spec.actionSpace), rewards: rewards, terminations: terminations,
        truncations: truncations, infos: columns, seed: seed)
    }

    private static func column(_ values: [Double], of space: Space) throws -> EpisodeValue {
      switch space {
      case .discrete: .column(try EpisodeColumn(.int64(values.map { Int64($0) })))
      case .box(let low, _): .column(try EpisodeColumn(.float64(values), shape: [low.count]))
      }
    }
  }
}

extension TransitionBatch {
  /// The components of a field in one row.
  fileprivate func values(of field: String, row: Int) -> [Double] {
    (schema.columns(of: field) ?? 0..<0).map { base[$0 * capacity + row] }
  }
}
