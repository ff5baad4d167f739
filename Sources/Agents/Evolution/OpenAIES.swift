import Basics
import Foundation

/// Evolution strategies as OpenAI has them (Salimans et al., arXiv 1703.03864, algorithm 1): mirrored Gaussian noise, ranks
/// instead of values, Adam on the estimated gradient, weight decay.
public struct OpenAIES: EvolutionStrategy {
  public struct Configuration: Sendable, Hashable, Codable {
    /// Mirrored pairs of a generation.
    public var pairs = 20
    /// Standard deviation σ of the noise.
    public var sigma = 0.02
    public var learningRate = 0.01
    public var weightDecay = 0.005

    public init() {}
  }

  public let configuration: Configuration
  public private(set) var mean: [Double]
  public private(set) var generation = 0
  private var noise: [[Double]] = []
  private var first: [Double]
  private var second: [Double]
  private var random: RandomGenerator

  /// - Throws: `GuerdonError` for an empty or infinite mean, or a configuration that cannot work.
  public init(mean: [Double], configuration: Configuration = Configuration(), seed: UInt64) throws {
    guard !mean.isEmpty, mean.allSatisfy(\.isFinite), configuration.pairs >= 1, configuration.sigma > 0,
      configuration.learningRate > 0
    else {
      throw GuerdonError.usage("OpenAI-ES needs a finite mean, at least one pair, and a positive σ and learning rate.")
    }
    self.configuration = configuration
    self.mean = mean
    first = Array(repeating: 0, count: mean.count)
    second = first
    random = RandomGenerator(seed: seed, spawnKey: [0x6f_65_73])
  }

  /// θ + σ ε and θ − σ ε of each pair, one after the other.
  public mutating func ask() -> [[Double]] {
    noise = (0..<configuration.pairs).map { _ in mean.map { _ in random.normal() } }
    return noise.flatMap { epsilon in
      [1.0, -1.0].map { sign in zip(mean, epsilon).map { $0 + sign * configuration.sigma * $1 } }
    }
  }

  public mutating func tell(_ values: [Double]) {
    precondition(values.count == 2 * noise.count && !noise.isEmpty, "tell takes one value for each point that ask drew")
    let ranks = Self.centredRanks(values)
    generation += 1
    let correction1 = 1 - pow(0.9, Double(generation)), correction2 = 1 - pow(0.999, Double(generation))
    for j in mean.indices {
      var gradient = 0.0
      for (pair, epsilon) in noise.enumerated() { gradient += (ranks[2 * pair] - ranks[2 * pair + 1]) * epsilon[j] }
      gradient = gradient / (Double(values.count) * configuration.sigma) + configuration.weightDecay * mean[j]
      first[j] = 0.9 * first[j] + 0.1 * gradient
      second[j] = 0.999 * second[j] + 0.001 * gradient * gradient
      mean[j] -= configuration.learningRate * (first[j] / correction1) / ((second[j] / correction2).squareRoot() + 1e-8)
    }
  }

  /// Ranks as −0.5 (the best) ... 0.5 (the worst); what is not a number ranks worst, and equal values share the mean rank.
  static func centredRanks(_ values: [Double]) -> [Double] {
    let keys = values.map { $0.isNaN ? .infinity : $0 }
    let order = keys.indices.sorted { keys[$0] < keys[$1] }
    var ranks = [Double](repeating: 0, count: keys.count)
    var start = 0
    while start < order.count {
      var end = start
      while end + 1 < order.count, keys[order[end + 1]] == keys[order[start]] { end += 1 }
      for place in start...end {
        ranks[order[place]] = Double(start + end) / 2 / Double(max(order.count - 1, 1)) - 0.5
      }
      start = end + 1
    }
    return ranks
  }
}
