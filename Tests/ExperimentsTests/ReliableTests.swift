import Basics
import Experiments
import Foundation
import TestSupport
import Testing

/// The statistics over tasks against the package rliable, on random scores.
@Suite struct ReliableTests {
  /// Two methods' scores, `[task][run]`. Tasks differ much more than runs do, so that resampling across tasks would show,
  /// and scores are rounded, so that there are ties.
  struct Scores: Codable {
    var x, y: [[Double]]

    init(tasks: Int, runs: (Int, Int), seed: UInt64) {
      var random = RandomGenerator(seed: seed)
      let levels = (0..<tasks).map { _ in random.uniform(0, 2) }
      func scores(_ runs: Int, _ shift: Double) -> [[Double]] {
        levels.map { level in
          (0..<runs).map { _ in
            let score: Double = level + shift + 0.3 * random.normal()
            return (20 * score).rounded() / 20
          }
        }
      }
      x = scores(runs.0, 0.1)
      y = scores(runs.1, 0)
    }
  }

  static let cases = [
    Scores(tasks: 1, runs: (10, 10), seed: 1), Scores(tasks: 6, runs: (5, 5), seed: 2),
    Scores(tasks: 10, runs: (20, 7), seed: 3),
  ]
  static let thresholds = [-0.5, 0, 0.25, 0.5, 1, 1.5, 2, 5]
  static let levels = [0.025, 0.975]
  static let resamples = 4_000

  struct Expected: Decodable {
    var iqm, mean, median, gap, gapTwo, improvement: Double
    var profile: [Double]
    /// By statistic, for each of `levels`: rliable's quantiles at that level less and plus five standard errors. The
    /// quantile at level p of R independent draws lies at a level of their common distribution whose standard error is
    /// √(p (1 − p) / R), whatever the distribution; both sides draw.
    var bounds: [String: [[Double]]]
  }

  private func theirs() throws -> [Expected] {
    struct Input: Encodable { var cases: [Scores], thresholds, levels: [Double], resamples: Int }
    return try Python.run(
      """
      import json, sys, numpy as np
      # rliable imports all of arch; a module of it that has nothing to do with the bootstrap calls this differently from
      # how pandas 3 declares it.
      import pandas.util._decorators
      pandas.util._decorators.deprecate_kwarg = lambda *a, **k: lambda f: f
      from rliable import library, metrics
      given = json.load(sys.stdin)
      taus, results = np.array(given["thresholds"]), []
      np.random.seed(0)
      for case in given["cases"]:
          x, y = np.array(case["x"]).T, np.array(case["y"]).T
          profile = lambda s: library.score_distributions(s, taus)
          statistics = dict(
              iqm=lambda s: np.array([metrics.aggregate_iqm(s)]), median=lambda s: np.array([metrics.aggregate_median(s)]),
              gap=lambda s: np.array([metrics.aggregate_optimality_gap(s)]))
          bounds = {}
          def quantiles(draws):
              error = lambda p: (p * (1 - p) * (1 / given["resamples"] + 1 / len(draws))) ** 0.5
              return [[float(np.quantile(draws, min(max(p + side * error(p), 0), 1))) for side in (-5, 5)]
                      for p in given["levels"]]
          for name, function in statistics.items():
              bounds[name] = quantiles(library.StratifiedBootstrap(x).apply(function, reps=3_000)[:, 0])
          draws = library.StratifiedBootstrap(x).apply(profile, reps=3_000)
          for i in range(len(taus)): bounds[f"profile{i}"] = quantiles(draws[:, i])
          draws = library.StratifiedIndependentBootstrap(x, y).apply(
              lambda a, b: np.array([metrics.probability_of_improvement(a, b)]), reps=800)
          bounds["improvement"] = quantiles(draws[:, 0])
          results.append(dict(
              iqm=metrics.aggregate_iqm(x), mean=metrics.aggregate_mean(x), median=metrics.aggregate_median(x),
              gap=metrics.aggregate_optimality_gap(x), gapTwo=metrics.aggregate_optimality_gap(x, gamma=2),
              improvement=metrics.probability_of_improvement(x, y), profile=list(profile(x)), bounds=bounds))
      print(json.dumps(results))
      """,
      input: Input(
        cases: Self.cases, thresholds: Self.thresholds, levels: Self.levels, resamples: Self.resamples))
  }

  @Test func equalsRliable() throws {
    for (scores, expected) in zip(Self.cases, try theirs()) {
      let pooled = scores.x.flatMap { $0 }
      func close(_ ours: Double, _ theirs: Double) -> Bool { abs(ours - theirs) < 1e-12 }
      #expect(close(Statistics.interquartileMean(pooled), expected.iqm))
      #expect(close(Statistics.mean(pooled), expected.mean))
      #expect(close(Statistics.medianOfTaskMeans(scores.x), expected.median))
      #expect(close(Statistics.optimalityGap(pooled), expected.gap))
      #expect(close(Statistics.optimalityGap(pooled, target: 2), expected.gapTwo))
      #expect(close(Statistics.probabilityOfImprovement(scores.x, over: scores.y), expected.improvement))

      let profile = Statistics.performanceProfile(scores.x, at: Self.thresholds, resamples: Self.resamples)
      for (ours, theirs) in zip(profile, expected.profile) { #expect(close(ours.estimate, theirs)) }

      var intervals = [
        "iqm": Statistics.stratifiedBootstrap(scores.x, resamples: Self.resamples),
        "median": Statistics.stratifiedBootstrap(
          scores.x, resamples: Self.resamples, statistic: Statistics.medianOfTaskMeans),
        "gap": Statistics.stratifiedBootstrap(scores.x, resamples: Self.resamples) { Statistics.optimalityGap($0) },
        "improvement": Statistics.probabilityOfImprovementInterval(
          scores.x, over: scores.y, resamples: Self.resamples),
      ]
      for (index, interval) in profile.enumerated() { intervals["profile\(index)"] = interval }
      #expect(intervals.count == expected.bounds.count)
      for (name, bounds) in expected.bounds {
        let interval = try #require(intervals[name])
        for (value, bound) in zip([interval.low, interval.high], bounds) {
          #expect(bound[0] - 1e-12 <= value && value <= bound[1] + 1e-12, "\(name): \(value) is not in \(bound)")
        }
      }
    }
  }

  @Test func aValueThatIsNotANumberIsNotLeftOut() {
    let values: [Double] = [1, 2, .nan, 4]
    let statistics: [([Double]) -> Double] = [
      Statistics.mean, Statistics.median, Statistics.interquartileMean, { Statistics.optimalityGap($0) },
    ]
    for statistic in statistics {
      #expect(statistic(values).isNaN)
      #expect(Statistics.stratifiedBootstrap([values], resamples: 100, statistic: statistic).low.isNaN)
    }
  }
}
