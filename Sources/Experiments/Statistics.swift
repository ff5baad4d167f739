import Basics
import Foundation

/// A value with its confidence interval.
public struct Interval: Sendable, Hashable, Codable {
  public var estimate: Double
  public var low: Double
  public var high: Double
}

/// The statistics of rliable (Agarwal et al., arXiv 2108.13264) and their like. All are NaN where nothing is defined, and
/// where a value is NaN: a seed that diverged is not left out in silence.
public enum Statistics {
  public static func mean(_ values: [Double]) -> Double {
    values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
  }

  public static func median(_ values: [Double]) -> Double {
    guard !values.isEmpty, !values.contains(where: \.isNaN) else { return .nan }
    let sorted = values.sorted(), middle = values.count / 2
    return values.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// Unbiased standard deviation.
  public static func standardDeviation(_ values: [Double]) -> Double {
    guard values.count > 1 else { return .nan }
    let center = mean(values)
    return (values.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(values.count - 1)).squareRoot()
  }

  /// Interquartile mean: `scipy.stats.trim_mean(values, 0.25)`, which drops ⌊n / 4⌋ values at each end.
  public static func interquartileMean(_ values: [Double]) -> Double {
    if values.contains(where: \.isNaN) { return .nan }
    let cut = values.count / 4
    return mean(Array(values.sorted().dropFirst(cut).dropLast(cut)))
  }

  /// Linear-interpolation quantile, numpy's default.
  public static func quantile(_ values: [Double], _ q: Double) -> Double {
    guard !values.isEmpty, !values.contains(where: \.isNaN) else { return .nan }
    let sorted = values.sorted()
    let position = q * Double(sorted.count - 1)
    let below = Int(position.rounded(.down)), above = min(below + 1, sorted.count - 1)
    return sorted[below] + (position - Double(below)) * (sorted[above] - sorted[below])
  }

  /// How far the values fall short of `target` on average, those above it counting as it: rliable's optimality gap.
  public static func optimalityGap(_ values: [Double], target: Double = 1) -> Double {
    target - mean(values.map { $0 > target ? target : $0 })
  }

  /// Percentile bootstrap over the strata: seeds are resampled within each task.
  /// - Parameters:
  ///   - strata: one list of per-seed values a task.
  ///   - statistic: of the pooled values.
  public static func stratifiedBootstrap(
    _ strata: [[Double]], confidence: Double = 0.95, resamples: Int = 2_000, seed: UInt64 = 0,
    statistic: ([Double]) -> Double = interquartileMean
  ) -> Interval {
    stratifiedBootstrap(strata, confidence: confidence, resamples: resamples, seed: seed) { (scores: [[Double]]) in
      statistic(scores.flatMap { $0 })
    }
  }

  /// Percentile bootstrap of the mean difference between paired values, `a[i] − b[i]`.
  public static func pairedDifference(
    _ a: [Double], _ b: [Double], confidence: Double = 0.95, resamples: Int = 2_000, seed: UInt64 = 0
  ) -> Interval {
    precondition(a.count == b.count, "paired values come in pairs: \(a.count) and \(b.count)")
    return stratifiedBootstrap(
      [zip(a, b).map { $0 - $1 }], confidence: confidence, resamples: resamples, seed: seed, statistic: mean)
  }

  /// Probability that a value of `a` exceeds one of `b`, ties counting half (Mann and Whitney).
  public static func probabilityOfImprovement(_ a: [Double], over b: [Double]) -> Double {
    guard !a.isEmpty, !b.isEmpty else { return .nan }
    let wins = a.reduce(0.0) { sum, x in sum + b.reduce(0.0) { $0 + (x > $1 ? 1 : x == $1 ? 0.5 : 0) } }
    return wins / Double(a.count * b.count)
  }

  public static func pearson(_ a: [Double], _ b: [Double]) -> Double {
    precondition(a.count == b.count, "correlated values come in pairs: \(a.count) and \(b.count)")
    let meanA = mean(a), meanB = mean(b)
    var covariance = 0.0, varianceA = 0.0, varianceB = 0.0
    for (x, y) in zip(a, b) {
      covariance += (x - meanA) * (y - meanB)
      varianceA += (x - meanA) * (x - meanA)
      varianceB += (y - meanB) * (y - meanB)
    }
    guard varianceA > 0, varianceB > 0 else { return .nan }
    return covariance / (varianceA * varianceB).squareRoot()
  }

  /// Pearson's correlation of the ranks, ties sharing their mean rank.
  public static func spearman(_ a: [Double], _ b: [Double]) -> Double { pearson(ranks(a), ranks(b)) }

  private static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for i in start..<end { ranks[order[i]] = Double(start + end - 1) / 2 }
      start = end
    }
    return ranks
  }
}
