import Basics
import FiniteMDPs
import Foundation

/// Transitions from a world whose states cannot be listed: what STARC needs of them.
///
/// N pairs (s, a), for example uniformly drawn, and M next states of each. One next state is enough where the world is
/// deterministic; elsewhere what is left of its luck counts as reward, and M must grow.
public struct SampledTransitions: Sendable {
  /// N.
  public let count: Int
  /// M.
  public let draws: Int
  /// F.
  public let featureCount: Int
  public let discount: Double
  /// Features of s, [N, F], and of s', [N, M, F]; 0 in terminal states, whose value is 0.
  public let features: [Double]
  public let nextFeatures: [Double]

  /// - Throws: `GuerdonError` for a wrong shape, numbers that are not finite, or a discount outside [0, 1).
  public init(
    count: Int, draws: Int = 1, featureCount: Int, discount: Double, features: [Double], nextFeatures: [Double]
  ) throws {
    guard count >= 2, draws >= 1, featureCount >= 1, features.count == count * featureCount,
      nextFeatures.count == count * draws * featureCount
    else {
      throw GuerdonError.usage(
        "Sampled transitions are features [N, F] and next features [N, M, F] with N at least 2; \(features.count) and "
          + "\(nextFeatures.count) numbers were given for N = \(count), M = \(draws), F = \(featureCount).")
    }
    guard features.allSatisfy(\.isFinite), nextFeatures.allSatisfy(\.isFinite) else {
      throw GuerdonError.usage("The features of sampled transitions must be finite.")
    }
    guard discount >= 0, discount < 1 else {
      throw GuerdonError.usage("Sampled distances need a discount in [0, 1); it is \(discount).")
    }
    self.count = count
    self.draws = draws
    self.featureCount = featureCount
    self.discount = discount
    self.features = features
    self.nextFeatures = nextFeatures
  }

  /// cos(ω·s + b) for random ω and b: features of continuous states, which approximate a Gaussian kernel.
  ///
  /// Source: A. Rahimi and B. Recht, "Random Features for Large-Scale Kernel Machines", 2007.
  public struct FourierFeatures: Sendable {
    /// F; the first feature is 1.
    public let count: Int
    private let width: Int
    /// ω, [F - 1, W], and b, [F - 1].
    private let frequencies: [Double], phases: [Double]

    /// - Parameter bandwidth: how far a state must move to become another, one a coordinate of the state.
    /// - Throws: `GuerdonError` for no features, or a bandwidth that is not above 0.
    public init(count: Int, bandwidth: [Double], random: inout RandomGenerator) throws {
      guard count >= 2, !bandwidth.isEmpty, bandwidth.allSatisfy({ $0 > 0 && $0.isFinite }) else {
        throw GuerdonError.usage("Fourier features need at least 2 features and bandwidths above 0.")
      }
      self.count = count
      width = bandwidth.count
      frequencies = (0..<(count - 1) * width).map { random.normal() / bandwidth[$0 % bandwidth.count] }
      phases = (0..<count - 1).map { _ in random.uniform(0, 2 * .pi) }
    }

    /// - Parameter states: [N, W].
    /// - Returns: [N, F].
    public func callAsFunction(_ states: [Double]) -> [Double] {
      precondition(states.count % width == 0, "states are [N, W]")
      var result = [Double](repeating: 1, count: states.count / width * count)
      for row in 0..<states.count / width {
        for f in 0..<count - 1 {
          var angle = phases[f]
          for k in 0..<width { angle += frequencies[f * width + k] * states[row * width + k] }
          result[row * count + f + 1] = cos(angle)
        }
      }
      return result
    }
  }

  /// w with V(s) ≈ w·features(s) under the policy that drew the actions, by least-squares temporal differences with a
  /// penalty: (Φᵀ(Φ - γ Φ') / N + λ I) w = Φᵀ r / N.
  ///
  /// Source: S. Bradtke and A. Barto, "Linear Least-Squares Algorithms for Temporal Difference Learning", 1996.
  /// - Parameter rewards: r(s, a, s'), [N, M]; several share the work, which is mostly that of the matrix.
  /// - Returns: [F] for each.
  /// - Throws: `GuerdonError` for a wrong shape, numbers that are not finite, or a system that is singular.
  public func values(of rewards: [[Double]], penalty: Double = 1e-9) throws -> [[Double]] {
    for reward in rewards { try check(reward) }
    let F = featureCount
    var matrix = [Double](repeating: 0, count: F * F), step = [Double](repeating: 0, count: F)
    features.withUnsafeBufferPointer { features in
      matrix.withUnsafeMutableBufferPointer { matrix in
        step.withUnsafeMutableBufferPointer { step in
          for i in 0..<count {
            for f in 0..<F { step[f] = features[i * F + f] }
            for m in 0..<draws {
              for f in 0..<F { step[f] -= discount / Double(draws) * nextFeatures[(i * draws + m) * F + f] }
            }
            for f in 0..<F {
              let weight = features[i * F + f] / Double(count)
              if weight == 0 { continue }
              for g in 0..<F { matrix[f * F + g] += weight * step[g] }
            }
          }
        }
      }
    }
    for f in 0..<F { matrix[f * F + f] += penalty }
    let factorisation = try LUFactorisation(matrix, size: F)
    return rewards.map { reward in
      var side = [Double](repeating: 0, count: F)
      for i in 0..<count {
        let mean = reward[i * draws..<(i + 1) * draws].reduce(0, +) / Double(draws)
        for f in 0..<F { side[f] += features[i * F + f] / Double(count) * mean }
      }
      return factorisation.solve(side)
    }
  }

  /// c(R)(s, a) = E[r + γ V(s')] - V(s), [N]: VAL with the expectation over the M draws.
  /// - Parameters:
  ///   - rewards: r(s, a, s'), [N, M].
  ///   - weights: of V, [F].
  /// - Throws: `GuerdonError` for a wrong shape or numbers that are not finite.
  public func canonical(_ rewards: [Double], weights: [Double]) throws -> [Double] {
    try check(rewards)
    guard weights.count == featureCount else {
      throw GuerdonError.usage("A value has \(featureCount) weights, one a feature; \(weights.count) were given.")
    }
    func value(_ table: [Double], _ row: Int) -> Double {
      (0..<featureCount).reduce(0) { $0 + weights[$1] * table[row * featureCount + $1] }
    }
    return (0..<count).map { i in
      let next = (i * draws..<(i + 1) * draws).reduce(0) { $0 + rewards[$1] + discount * value(nextFeatures, $1) }
      return next / Double(draws) - value(features, i)
    }
  }

  private func check(_ rewards: [Double]) throws {
    guard rewards.count == count * draws else {
      throw GuerdonError.usage(
        "Rewards of \(count) sampled pairs with \(draws) next states each are [N, M]; \(rewards.count) were given.")
    }
    guard let bad = rewards.firstIndex(where: { !$0.isFinite }) else { return }
    throw GuerdonError.usage("The reward of sample \(bad / draws) is \(rewards[bad]); rewards must be finite.")
  }
}

extension STARC {
  /// A distance that was estimated, what its samples leave open, and what it would be between equal rewards.
  public struct Estimate: Sendable, Hashable {
    /// In [0, 2].
    public let distance: Double
    /// By the jackknife over 20 groups of samples.
    public let standardError: Double
    /// d of the first reward and itself with values that were fitted to other samples: distances below it mean nothing.
    public let noiseFloor: Double

    /// True if the rewards differ by more than estimation does.
    public var isAboveNoise: Bool { distance > noiseFloor + 2 * standardError }
  }

  /// VAL with L2 and L2 from samples: norms are root mean squares over the drawn (s, a).
  ///
  /// Values are fitted to one half of the fitting samples for all rewards, and to the other half for the noise floor.
  /// - Parameters:
  ///   - first, others: r(s, a, s') on `samples`, [N, M].
  ///   - fitting, floor: two independent batches that a random policy walked, with the rewards on the first, and `first`
  ///     on the second.
  /// - Returns: an estimate for each of the others; a trivial reward (all of c(R) below 1e-9 of R) is 0 in standard form.
  /// - Throws: `GuerdonError` for wrong shapes or numbers that are not finite.
  public static func sampledDistances(
    from first: [Double], to others: [[Double]], on samples: SampledTransitions,
    fitting: (SampledTransitions, first: [Double], others: [[Double]]),
    floor: (SampledTransitions, first: [Double])
  ) throws -> [Estimate] {
    let values = try fitting.0.values(of: [fitting.first] + fitting.others)
    let again = try samples.canonical(first, weights: floor.0.values(of: [floor.first])[0])
    let x = try samples.canonical(first, weights: values[0]), size = greatest(first)
    let groups = min(20, x.count)
    func distance(_ a: [Double], _ b: [Double], _ sizeA: Double, _ sizeB: Double, without group: Int?) -> Double {
      var aa = 0.0, bb = 0.0, count = 0.0
      for i in a.indices where i % groups != group {
        aa += a[i] * a[i]
        bb += b[i] * b[i]
        count += 1
      }
      let α = (aa / count).squareRoot() > 1e-9 * sizeA ? 1 / aa.squareRoot() : 0
      let β = (bb / count).squareRoot() > 1e-9 * sizeB ? 1 / bb.squareRoot() : 0
      var sum = 0.0
      for i in a.indices where i % groups != group { sum += (α * a[i] - β * b[i]) * (α * a[i] - β * b[i]) }
      return sum.squareRoot()
    }
    let noiseFloor = distance(x, again, size, size, without: nil)
    return try zip(others, values.dropFirst()).map { other, weights in
      let y = try samples.canonical(other, weights: weights)
      let leftOut = (0..<groups).map { distance(x, y, size, greatest(other), without: $0) }
      let mean = leftOut.reduce(0, +) / Double(groups)
      let variance = leftOut.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } * Double(groups - 1) / Double(groups)
      return Estimate(
        distance: distance(x, y, size, greatest(other), without: nil), standardError: variance.squareRoot(),
        noiseFloor: noiseFloor)
    }
  }

  private static func greatest(_ values: [Double]) -> Double { values.reduce(0) { max($0, abs($1)) } }
}
