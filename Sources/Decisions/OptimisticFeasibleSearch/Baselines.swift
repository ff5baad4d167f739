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

  /// What a fairness library decides offline: the threshold of the same selection rate in each group, at the rate of
  /// the greatest accuracy on labelled people (fairlearn's `ThresholdOptimizer` with demographic parity, without its
  /// randomisation between thresholds). It is told everybody's group and label, whoever is accepted.
  /// - Parameter rates: how many selection rates from 0 to 1 are tried.
  /// - Throws: `GuerdonError` without people of both groups.
  public static func parityThresholds(of people: [Applicant], rates: Int = 1_000) throws -> GroupThresholds {
    // Descending scores, and how many of the first i are good.
    var scores: [[Double]] = [], good: [[Int]] = []
    for group in 0..<2 {
      let members = people.filter { $0.group == group }.sorted { $0.score > $1.score }
      guard let first = members.first, let last = members.last else {
        throw GuerdonError.usage("Thresholds of equal selection rates need people of both groups.")
      }
      // Above the first and below the last, so that nobody or everybody is accepted.
      scores.append([first.score + 1] + members.map(\.score) + [last.score - 1])
      good.append(members.reduce(into: [0]) { $0.append($0[$0.count - 1] + ($1.isGood ? 1 : 0)) })
    }
    func accepted(_ group: Int, _ rate: Int) -> Int {
      Int((Double(rate) / Double(max(rates, 1)) * Double(good[group].count - 1)).rounded())
    }
    /// True positives less false ones: accuracy up to a constant.
    func merit(_ rate: Int) -> Int {
      (0..<2).reduce(0) { $0 + 2 * good[$1][accepted($1, rate)] - accepted($1, rate) }
    }
    var best = 0, highest = Int.min
    for rate in 0...max(rates, 1) where merit(rate) > highest { (best, highest) = (rate, merit(rate)) }
    func threshold(_ group: Int) -> Double {
      let count = accepted(group, best)
      return (scores[group][count] + scores[group][count + 1]) / 2
    }
    return GroupThresholds(threshold(0), threshold(1))
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
