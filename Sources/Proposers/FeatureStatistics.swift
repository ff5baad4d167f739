import Foundation
import Schemas

/// What the episodes seen so far say about one feature.
struct FeatureStatistics: Sendable {
  let feature: Feature
  /// Mean over all steps, and the standard deviation around it.
  let mean: Double
  let spread: Double
  /// Pearson correlation between an episode's mean of the feature and its fitness; 0 where neither varies.
  let correlation: Double
  /// Mean over the fittest fifth of the episodes.
  let eliteMean: Double
  /// Words that the task's goal shares with the names and meanings of the fields it reads.
  let mentions: Int

  static func all(_ features: [Feature], over episodes: [EpisodeDigest], goal: String, schema: Schema)
    -> [FeatureStatistics]
  {
    let wanted = words(goal)
    let finite = episodes.filter { $0.fitness.isFinite && $0.means.count == features.count }
    let ranked = finite.sorted { $0.fitness > $1.fitness }
    let elite = ranked.prefix(max(1, ranked.count / 5))
    return features.enumerated().map { index, feature in
      let means = finite.map { $0.means[index] }
      let mean = average(means)
      let within = average(finite.map { $0.deviations[index] * $0.deviations[index] })
      let between = average(means.map { ($0 - mean) * ($0 - mean) })
      return FeatureStatistics(
        feature: feature, mean: mean, spread: (within + between).squareRoot(),
        correlation: pearson(means, finite.map(\.fitness)), eliteMean: average(elite.map { $0.means[index] }),
        mentions: wanted.intersection(
          words(feature.fields.compactMap { schema[$0] }.map { "\($0.name) \($0.meaning)" }.joined(separator: " "))
        ).count)
    }
  }

  /// The words of a text that may carry meaning: four letters or more, without a plural's s.
  private static func words(_ text: String) -> Set<String> {
    let parts = text.lowercased().split { !$0.isLetter }.map { $0.hasSuffix("s") ? String($0.dropLast()) : String($0) }
    return Set(parts.filter { $0.count >= 4 }).subtracting([
      "with", "from", "that", "thi", "step", "episode", "each", "over", "there", "when", "where", "than", "whole", "into",
      "time", "within", "possible", "positive", "negative", "unit",
    ])
  }

  private static func average(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }

  /// Pearson's correlation of paired values; 0 where the product of their standard deviations is no more than `least`.
  static func pearson(_ a: [Double], _ b: [Double], least: Double = 1e-12) -> Double {
    let meanA = average(a), meanB = average(b)
    var covariance = 0.0, varianceA = 0.0, varianceB = 0.0
    for (x, y) in zip(a, b) {
      covariance += (x - meanA) * (y - meanB)
      varianceA += (x - meanA) * (x - meanA)
      varianceB += (y - meanB) * (y - meanB)
    }
    let scale = (varianceA * varianceB).squareRoot()
    return scale > least ? covariance / scale : 0
  }
}
