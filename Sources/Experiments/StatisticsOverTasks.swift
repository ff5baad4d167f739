import Basics

/// Scores of several runs on several tasks are lists of lists, `scores[task][run]`; tasks may have different numbers of
/// runs. Where all have the same, these are rliable's statistics (Agarwal et al., arXiv 2108.13264), whose matrices are
/// transposed.
extension Statistics {
  /// The median over tasks of the mean over runs.
  public static func medianOfTaskMeans(_ scores: [[Double]]) -> Double { median(scores.map(mean)) }

  /// The probability that a run of `a` beats one of `b` on a task, averaged over the tasks; ties count half.
  public static func probabilityOfImprovement(_ a: [[Double]], over b: [[Double]]) -> Double {
    precondition(a.count == b.count, "the same tasks are compared: \(a.count) and \(b.count)")
    return mean(zip(a, b).map { probabilityOfImprovement($0, over: $1) })
  }

  /// The probability of improvement with its percentile bootstrap interval; runs of `a` and `b` are resampled
  /// independently within each task.
  public static func probabilityOfImprovementInterval(
    _ a: [[Double]], over b: [[Double]], confidence: Double = 0.95, resamples: Int = 2_000, seed: UInt64 = 0
  ) -> Interval {
    stratifiedBootstrap(a + b, confidence: confidence, resamples: resamples, seed: seed) { (both: [[Double]]) in
      probabilityOfImprovement(Array(both.prefix(a.count)), over: Array(both.dropFirst(a.count)))
    }
  }

  /// The performance profile: at each threshold the fraction of all runs that score above it, with pointwise percentile
  /// bootstrap intervals (section 4.3).
  public static func performanceProfile(
    _ scores: [[Double]], at thresholds: [Double], confidence: Double = 0.95, resamples: Int = 2_000, seed: UInt64 = 0
  ) -> [Interval] {
    stratifiedBootstrap(scores, confidence: confidence, resamples: resamples, seed: seed) { scores in
      let sorted = scores.flatMap { $0 }.sorted()
      return thresholds.map { threshold in
        guard !sorted.isEmpty else { return .nan }
        return Double(sorted.count - countNotAbove(threshold, in: sorted)) / Double(sorted.count)
      }
    }
  }

  /// Percentile bootstrap over the strata: seeds are resampled within each task.
  /// - Parameter statistic: of the scores task by task.
  public static func stratifiedBootstrap(
    _ scores: [[Double]], confidence: Double = 0.95, resamples: Int = 2_000, seed: UInt64 = 0,
    statistic: ([[Double]]) -> Double
  ) -> Interval {
    stratifiedBootstrap(scores, confidence: confidence, resamples: resamples, seed: seed) { [statistic($0)] }[0]
  }

  /// The same of several statistics at once.
  private static func stratifiedBootstrap(
    _ scores: [[Double]], confidence: Double, resamples: Int, seed: UInt64, statistics: ([[Double]]) -> [Double]
  ) -> [Interval] {
    var random = RandomGenerator(seed: seed)
    let draws: [[Double]] = (0..<resamples).map { _ in
      statistics(scores.map { values in values.map { _ in values[random.integer(below: values.count)] } })
    }
    return statistics(scores).enumerated().map { index, estimate in
      let values = draws.map { $0[index] }
      return Interval(
        estimate: estimate, low: quantile(values, (1 - confidence) / 2), high: quantile(values, (1 + confidence) / 2))
    }
  }

  /// How many of the rising `sorted` are at most `bound`, by bisection.
  private static func countNotAbove(_ bound: Double, in sorted: [Double]) -> Int {
    var low = 0, high = sorted.count
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] > bound { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
