import Basics

extension OptimisticFeasibleSearch {
  /// What every fixed threshold of a grid leads to once the population has settled: the offline oracle.
  ///
  /// It is not the best adaptive policy: a learner that mixes thresholds may earn more than the best fixed one.
  public struct Sweep: Sendable {
    /// r̄(τ_k), [K].
    public let rewards: [Double]
    /// c̄_j(τ_k), [K][J].
    public let residuals: [[Double]]

    /// - Parameter burnIn: rounds for which each threshold is held before it is looked at.
    public init(of thresholds: [Double], in loop: some ThresholdLoop, burnIn: Int = 400) {
      let steady = thresholds.map { loop.settled(at: $0, rounds: burnIn).expectation(at: $0) }
      rewards = steady.map(\.reward)
      residuals = steady.map(\.residuals)
    }

    /// k* = argmax { r̄(τ_k) : c̄_j(τ_k) ≤ 0 }; nil where no threshold is feasible.
    public var best: Int? {
      rewards.indices.filter(isFeasible).max { rewards[$0] < rewards[$1] }
    }

    public func isFeasible(_ arm: Int) -> Bool { residuals[arm].allSatisfy { $0 <= 0 } }
    /// Σ_j max(c̄_j, 0).
    public func totalViolation(_ arm: Int) -> Double { residuals[arm].reduce(0) { $0 + max($1, 0) } }
    /// max_j max(c̄_j, 0).
    public func largestViolation(_ arm: Int) -> Double { residuals[arm].reduce(0, max) }
  }

  /// A learner's rounds in a loop.
  public struct Trace: Sendable {
    /// The arm of every round, [T].
    public internal(set) var arms: [Int] = []
    /// What was seen, [T] and [T][J].
    public internal(set) var rewards: [Double] = []
    public internal(set) var residuals: [[Double]] = []
    /// The population before every round and after the last, [T + 1].
    public internal(set) var populations: [[Double]] = []

    /// V_T = Σ_t Σ_j max(c_{t,j}, 0), by constraint: what was seen, sampling noise included.
    public var cumulativeViolations: [Double] {
      let none = [Double](repeating: 0, count: residuals.first?.count ?? 0)
      return residuals.reduce(none) { zip($0, $1).map { $0 + max($1, 0) } }
    }

    /// How far the population ended from where it began.
    public var drift: Double {
      guard let first = populations.first, let last = populations.last else { return 0 }
      return zip(first, last).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }
  }

  /// Lets a learner decide for `rounds` rounds.
  /// - Parameters:
  ///   - thresholds: the grid; arm k plays `thresholds[k]`.
  ///   - random: the population's luck.
  ///   - exploration: the learner's.
  public static func play<Loop: ThresholdLoop>(
    _ learner: inout some ThresholdLearner, in loop: Loop, thresholds: [Double], rounds: Int,
    random: inout RandomGenerator, exploration: inout RandomGenerator
  ) -> Trace {
    var loop = loop
    var trace = Trace()
    for _ in 0..<rounds {
      trace.populations.append(loop.population)
      let arm = learner.choose(random: &exploration)
      let (reward, residuals) = loop.play(thresholds[arm], random: &random)
      learner.observe(arm, reward: reward, residuals: residuals)
      trace.arms.append(arm)
      trace.rewards.append(reward)
      trace.residuals.append(residuals)
    }
    trace.populations.append(loop.population)
    return trace
  }
}
