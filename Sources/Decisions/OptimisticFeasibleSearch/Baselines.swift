import Basics
import Foundation

extension OptimisticFeasibleSearch {
  /// The upper-confidence-bound rule, which knows of no constraint: argmax r̂ + s √(log(K T) / n).
  public struct UpperConfidenceBound: ThresholdLearner {
    private var statistics: ArmStatistics
    private let scale: Double, width: Double

    /// - Parameters:
    ///   - constraints: J; their residuals are not looked at.
    ///   - scale: s.
    public init(arms: Int, constraints: Int, horizon: Int, scale: Double = 0.15) throws {
      statistics = try ArmStatistics(arms: arms, constraints: constraints)
      self.scale = scale
      width = log(Double(arms) * Double(max(horizon, 1)))
    }

    public mutating func choose(random: inout RandomGenerator) -> Int {
      statistics.firstUntried
        ?? argmax(statistics.arms) { statistics.mean($0, 0) + scale * (width / statistics.count($0)).squareRoot() }
    }

    public mutating func observe(_ arm: Int, reward: Double, residuals: [Double]) {
      statistics.record(arm, reward: reward, residuals: residuals)
    }
  }

  /// The primal–dual bandit: argmax r̂ + b − Σ λ_j (ĉ_j − b), with λ_j ← clip(λ_j + η c_j, 0, λ_max).
  public struct PrimalDual: ThresholdLearner {
    private var statistics: ArmStatistics
    private let scale: Double, width: Double, stepSize: Double, largest: Double
    /// λ, [J].
    public private(set) var multipliers: [Double]

    /// - Parameters:
    ///   - scale: s of b = s √(log(K T) / n).
    ///   - stepSize: η.
    ///   - largest: λ_max.
    public init(
      arms: Int, constraints: Int, horizon: Int, scale: Double = 0.15, stepSize: Double, largest: Double = 10
    ) throws {
      statistics = try ArmStatistics(arms: arms, constraints: constraints)
      multipliers = Array(repeating: 0, count: constraints)
      self.scale = scale
      width = log(Double(arms) * Double(max(horizon, 1)))
      self.stepSize = stepSize
      self.largest = largest
    }

    public mutating func choose(random: inout RandomGenerator) -> Int {
      if let untried = statistics.firstUntried { return untried }
      return argmax(statistics.arms) { k in
        let b = scale * (width / statistics.count(k)).squareRoot()
        return multipliers.indices.reduce(statistics.mean(k, 0) + b) { sum, j in
          sum - multipliers[j] * (statistics.mean(k, 1 + j) - b)
        }
      }
    }

    public mutating func observe(_ arm: Int, reward: Double, residuals: [Double]) {
      statistics.record(arm, reward: reward, residuals: residuals)
      for j in multipliers.indices { multipliers[j] = min(max(multipliers[j] + stepSize * residuals[j], 0), largest) }
    }
  }

  /// ε-greedy on the penalised reward r − w Σ max(c, 0).
  public struct PenalisedGreedy: ThresholdLearner {
    private var statistics: ArmStatistics
    private let penalty: Double, exploration: Double

    /// - Parameters:
    ///   - penalty: w.
    ///   - exploration: ε.
    public init(arms: Int, penalty: Double, exploration: Double = 0.05) throws {
      statistics = try ArmStatistics(arms: arms, constraints: 0)
      (self.penalty, self.exploration) = (penalty, exploration)
    }

    public mutating func choose(random: inout RandomGenerator) -> Int {
      if let untried = statistics.firstUntried { return untried }
      if random.uniform() < exploration { return random.integer(below: statistics.arms) }
      return argmax(statistics.arms) { statistics.mean($0, 0) }
    }

    public mutating func observe(_ arm: Int, reward: Double, residuals: [Double]) {
      statistics.record(
        arm, reward: residuals.reduce(reward) { $0 - penalty * max($1, 0) }, residuals: [])
    }
  }

  /// Any arm alike.
  public struct Uniform: ThresholdLearner {
    private let arms: Int

    public init(arms: Int) { self.arms = arms }

    public mutating func choose(random: inout RandomGenerator) -> Int { random.integer(below: arms) }
    public mutating func observe(_ arm: Int, reward: Double, residuals: [Double]) {}
  }

  /// The same arm for ever: what an offline choice does once it is frozen.
  public struct Fixed: ThresholdLearner {
    private let arm: Int

    public init(arm: Int) { self.arm = arm }

    public mutating func choose(random: inout RandomGenerator) -> Int { arm }
    public mutating func observe(_ arm: Int, reward: Double, residuals: [Double]) {}
  }

  /// The arm of the largest value, the lowest of equals.
  private static func argmax(_ arms: Int, _ value: (Int) -> Double) -> Int {
    var best = 0, highest = -Double.infinity
    for k in 0..<arms {
      let candidate = value(k)
      if candidate > highest { (best, highest) = (k, candidate) }
    }
    return best
  }
}
