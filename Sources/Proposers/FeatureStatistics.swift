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
  /// What was known of it before.
  let prior: FeaturePrior
  /// A field that is 0 or 1: something that happens, or holds.
  let isEvent: Bool
  /// It never varied; an event that nobody has seen yet is of this kind.
  var isConstant: Bool { spread < 1e-9 }
  /// The event that tells of the task's success.
  var isSuccess: Bool { isEvent && prior.isSuccess }
  /// Chance that more of it is better: what was known before, and what the episodes have shown since.
  var upward: Double {
    let before = !isEvent || isSuccess
      ? prior.upward : prior.isAvoided ? 0.05 : prior.mentions > 0 ? 0.85 : prior.upward
    return min(max(before + correlation, 0.05), 0.95)
  }

  static func all(_ features: [Feature], over episodes: [EpisodeDigest], goal: String, schema: Schema)
    -> [FeatureStatistics]
  {
    let reading = GoalReading(goal)
    let finite = episodes.filter { $0.fitness.isFinite && $0.means.count == features.count }
    let ranked = finite.sorted { $0.fitness > $1.fitness }
    let elite = ranked.prefix(max(1, ranked.count / 5))
    let fitness = finite.map(\.fitness)
    return features.enumerated().map { index, feature in
      let means = finite.map { $0.means[index] }
      let mean = average(means)
      let within = average(finite.map { $0.deviations[index] * $0.deviations[index] })
      let between = average(means.map { ($0 - mean) * ($0 - mean) })
      // What is 0 or 1 has variance m (1 − m) in every episode, and almost nothing else within these bounds has.
      let isEvent = feature.isComponent && (feature.low, feature.high) == (0, 1)
        && finite.allSatisfy { episode in
          let (m, deviation) = (episode.means[index], episode.deviations[index])
          return abs(m * (1 - m) - deviation * deviation) < 1e-9
        }
      return FeatureStatistics(
        feature: feature, mean: mean, spread: (within + between).squareRoot(), correlation: pearson(means, fitness),
        eliteMean: average(elite.map { $0.means[index] }),
        prior: FeaturePrior(feature, goal: reading, schema: schema), isEvent: isEvent)
    }
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
