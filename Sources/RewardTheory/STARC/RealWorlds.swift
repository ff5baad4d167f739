import Basics
import Environments
import FiniteMDPs
import RewardAudit
import RewardPrograms
import Rewards

/// Distances in environments that people use: exact in toy text, sampled on Reacher.
extension STARC {
  /// Regret beside distance in a toy text environment, over the states that can be reached.
  /// - Throws: `GuerdonError` for an environment without an exact model, and as `correlationPoints`.
  static func correlationPoints(
    inWorld id: String, _ configuration: Configuration, seed: UInt64, metrics: [Metric]
  ) throws -> Correlations {
    guard let model = try Environments.finiteModel(id, discount: configuration.discount) else {
      throw GuerdonError.usage("\(id) has no exact model; starc's worlds are toy text environments.")
    }
    var random = RandomGenerator(seed: seed, spawnKey: [2])
    return try correlationPoints(
      in: model.mdp.reachablePart().mdp, pairs: configuration.worldPairs, steps: configuration.steps, metrics: metrics,
      random: &random)
  }

  /// A reward beside Reacher's own, as a program.
  struct Variant: Sendable {
    let name: String
    /// Whether it orders all policies as the environment's own reward does.
    let meansTheSame: Bool
    let source: String
  }

  /// The variants of the authors' repository. Reacher is deterministic, so that S'-redistribution could only change what
  /// never happens, and has no variant.
  static func variants(discount: Double, seed: UInt64) -> [Variant] {
    func program(_ result: String) -> String {
      """
      import numpy as np

      def potential(s):
          return 2.0 * s[0] * s[3] + 0.02 * np.square(s[6]) - s[8]

      def compute_reward(obs, action, next_obs, fingertip, distance, control_cost):
          own = -distance - control_cost
          shaping = \(discount) * potential(next_obs) - potential(obs)
          return \(result)

      """
    }
    var random = RandomGenerator(seed: seed, spawnKey: [4])
    // Velocities reach some 10 rad/s, everything else 1.
    let inputs = (0..<10).map { $0 == 6 || $0 == 7 ? "0.1 * obs[\($0)]" : "obs[\($0)]" }
      + (0..<2).map { "action[\($0)]" }
    let waves = (0..<8).map { _ in
      "np.cos(" + inputs.map { "\(random.normal()) * \($0)" }.joined(separator: " + ") + ")"
    }
    return [
      Variant(name: "shaped", meansTheSame: true, source: program("own + shaping")),
      Variant(name: "scaled, shaped and shifted", meansTheSame: true, source: program("3.0 * (own - shaping) + 2.0")),
      Variant(
        name: "second peak", meansTheSame: false,
        source: program("own + np.exp(-(np.square(fingertip[0] + 0.1) + np.square(fingertip[1])) / 0.005)")),
      Variant(name: "random", meansTheSame: false, source: program(waves.joined(separator: " + "))),
      Variant(name: "negated", meansTheSame: false, source: program("-own")),
    ]
  }

  /// Sampled distances of the variants from Reacher-v5's own reward, by `RewardComparison`: VAL with values by rollouts of
  /// random play. Episodes have no limit, or a potential that is left at their end would count as a difference.
  /// - Throws: `GuerdonError` as `RewardComparison.measure`; `CancellationError` when it was stopped.
  static func reacherDistances(
    _ configuration: Configuration, seed: UInt64, shouldStop: () -> Bool
  ) throws -> RewardComparison.Table {
    let spec = try Environments.spec("Reacher-v5").limited(to: 65_536)
    var sampling = RewardComparison.Sampling()
    sampling.transitions = configuration.reacherTransitions
    (sampling.rollouts, sampling.horizon) = (configuration.reacherRollouts, configuration.reacherHorizon)
    sampling.discount = configuration.discount
    let entries = try [RewardComparison.Entry("environment", nil)]
      + variants(discount: configuration.discount, seed: seed).map { variant in
        let program = try RewardProgram.compile(variant.source, name: variant.name, schema: spec.schema)
        return RewardComparison.Entry(variant.name, ProgramReward(program))
      }
    let found = try RewardComparison.measure(
      entries, in: spec, sampling: sampling, seed: seed, pool: WorkerPool(threads: 1), shouldStop: shouldStop)
    guard found.leftOut.isEmpty, let table = found.tables.first else {
      throw GuerdonError.failure(
        "\(found.leftOut.joined(separator: ", ")) cannot be told from nothing on Reacher-v5 with so few transitions and rollouts.")
    }
    return table
  }
}
