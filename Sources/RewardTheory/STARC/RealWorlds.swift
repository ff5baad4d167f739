import Basics
import Environments
import FiniteMDPs
import Foundation

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

  /// A reward beside Reacher's own.
  struct Variant: Sendable {
    let name: String
    /// Whether it orders all policies as the environment's own reward does.
    let meansTheSame: Bool
    /// r(own reward, observation, action, next observation).
    let reward: @Sendable (Double, ArraySlice<Double>, ArraySlice<Double>, ArraySlice<Double>) -> Double
  }

  /// The variants of the authors' repository. Reacher is deterministic, so that S'-redistribution could only change what
  /// never happens, and has no variant.
  static func variants(discount: Double, seed: UInt64) -> [Variant] {
    // The observation: cosines and sines of both angles, the target, both velocities, and fingertip less target.
    @Sendable func potential(_ s: ArraySlice<Double>) -> Double {
      let o = s.startIndex
      return 2 * s[o] * s[o + 3] + 0.02 * s[o + 6] * s[o + 6] - s[o + 8]
    }
    var random = RandomGenerator(seed: seed, spawnKey: [4])
    let waves = (0..<8).map { _ in (0..<12).map { _ in random.normal() } }
    return [
      Variant(name: "shaped", meansTheSame: true) { own, s, _, next in
        own + discount * potential(next) - potential(s)
      },
      Variant(name: "scaled, shaped and shifted", meansTheSame: true) { own, s, _, next in
        3 * (own - discount * potential(next) + potential(s)) + 2
      },
      Variant(name: "second peak", meansTheSame: false) { own, s, a, next in
        let o = next.startIndex
        // Where the fingertip is: the target and what separates them.
        let x = next[o + 4] + next[o + 8] + 0.1, y = next[o + 5] + next[o + 9]
        return own + exp(-(x * x + y * y) / 0.005)
      },
      Variant(name: "random", meansTheSame: false) { _, s, a, _ in
        let inputs = Array(s) + Array(a)
        return waves.reduce(0) { sum, wave in sum + cos(zip(wave, inputs).reduce(0) { $0 + $1.0 * $1.1 }) }
      },
      Variant(name: "negated", meansTheSame: false) { own, _, _, _ in -own },
    ]
  }

  /// Sampled distances of the variants from Reacher-v5's own reward: VAL with values by least-squares temporal differences
  /// on Fourier features, all three batches from random play.
  /// - Throws: `GuerdonError` for too few features, or as `sampledDistances`.
  static func reacherDistances(
    _ configuration: Configuration, seed: UInt64
  ) throws -> [(variant: Variant, estimate: Estimate)] {
    let (discount, count) = (configuration.continuousDiscount, configuration.continuousSamples)
    let fitted = configuration.continuousFitting
    let plays = try [(count, 0), (fitted, 1), (fitted, 2)].map {
      try Play(count: $0.0, seed: seed &+ UInt64($0.1) << 32)
    }
    var random = RandomGenerator(seed: seed, spawnKey: [3])
    let features = try SampledTransitions.FourierFeatures(
      count: configuration.continuousFeatures, bandwidth: plays[1].bandwidth, random: &random)
    let batches = try plays.map { play in
      try SampledTransitions(
        count: play.own.count, featureCount: features.count, discount: discount, features: features(play.states),
        nextFeatures: features(play.next))
    }
    let variants = variants(discount: discount, seed: seed)
    let estimates = try sampledDistances(
      from: plays[0].own, to: variants.map(plays[0].rewards), on: batches[0],
      fitting: (batches[1], plays[1].own, variants.map(plays[1].rewards)), floor: (batches[2], plays[2].own))
    return Array(zip(variants, estimates))
  }

  /// Transitions of Reacher-v5 in uniformly random play, every fifth of 16 copies.
  private struct Play {
    /// Observations before and after, [N, W], actions, and the environment's own reward, [N].
    private(set) var states: [Double] = [], next: [Double] = [], actions: [Double] = [], own: [Double] = []
    private let width: Int, actionWidth: Int

    init(count: Int, seed: UInt64) throws {
      let copies = 16, spacing = 5
      let environment = try Environments.make("Reacher-v5", count: copies)
      let batch = TransitionBatch(schema: environment.spec.schema, capacity: copies)
      (width, actionWidth) = (environment.spec.observationSpace.width, environment.spec.actionSpace.width)
      environment.reset(seed: seed)
      var random = RandomGenerator(seed: seed, spawnKey: [5])
      var taken = [Double](repeating: 0, count: copies * actionWidth)
      while own.count < count {
        for _ in 0..<spacing {
          taken.withUnsafeMutableBufferPointer { taken in
            guard let base = taken.baseAddress else { return }
            for i in 0..<copies {
              environment.spec.actionSpace.sample(into: base + i * actionWidth, random: &random)
            }
            environment.step(UnsafeBufferPointer(taken), recording: batch, at: 0)
          }
        }
        for row in 0..<copies where own.count < count {
          states += Self.values(batch, "obs", row)
          next += Self.values(batch, "next_obs", row)
          actions += Self.values(batch, "action", row)
          own.append(environment.rewards[row])
        }
      }
    }

    private static func values(_ batch: TransitionBatch, _ field: String, _ row: Int) -> [Double] {
      (batch.schema.columns(of: field) ?? 0..<0).map { batch.base[$0 * batch.capacity + row] }
    }

    func rewards(_ variant: Variant) -> [Double] {
      own.indices.map { i in
        variant.reward(
          own[i], states[i * width..<(i + 1) * width], actions[i * actionWidth..<(i + 1) * actionWidth],
          next[i * width..<(i + 1) * width])
      }
    }

    /// Four times √W standard deviations of every coordinate: the angles of a feature differ by some √2 / 4 between two
    /// states, so that few features reach far into smooth values. With √W standard deviations 200 features left a shaped
    /// reward at 0.5.
    var bandwidth: [Double] {
      (0..<width).map { k in
        let values = stride(from: k, to: states.count, by: width).map { states[$0] }
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        return max(1e-6, 4 * (variance * Double(width)).squareRoot())
      }
    }
  }
}
