import Basics
import Experiments
import Foundation
import TestSupport
import Testing

@Suite struct StatisticsTests {
  struct Expected: Decodable {
    var mean, median, deviation, iqm, q10, pearson, spearman: Double
  }

  /// numpy, with the interquartile mean and the ranks written out from their definitions.
  @Test(arguments: [3, 4, 5, 10, 11, 50]) func equalsNumpy(count: Int) throws {
    var random = RandomGenerator(seed: UInt64(count))
    let a = (0..<count).map { _ in (4 * random.normal()).rounded() }
    let b = a.map { 0.5 * $0 + (2 * random.normal()).rounded() }
    let expected: Expected = try Python.run(
      """
      import json, sys, numpy as np
      a, b = (np.array(x) for x in json.load(sys.stdin))
      cut = int(len(a) * 0.25)
      def ranks(x): return np.array([(np.sum(x < v) + np.sum(x <= v) - 1) / 2 for v in x])
      print(json.dumps(dict(mean=a.mean(), median=np.median(a), deviation=a.std(ddof=1),
        iqm=np.sort(a)[cut:len(a) - cut].mean(), q10=np.quantile(a, 0.1),
        pearson=np.corrcoef(a, b)[0, 1], spearman=np.corrcoef(ranks(a), ranks(b))[0, 1])))
      """, input: [a, b])
    #expect(abs(Statistics.mean(a) - expected.mean) < 1e-12)
    #expect(abs(Statistics.median(a) - expected.median) < 1e-12)
    #expect(abs(Statistics.standardDeviation(a) - expected.deviation) < 1e-12)
    #expect(abs(Statistics.interquartileMean(a) - expected.iqm) < 1e-12)
    #expect(abs(Statistics.quantile(a, 0.1) - expected.q10) < 1e-12)
    #expect(abs(Statistics.pearson(a, b) - expected.pearson) < 1e-12)
    #expect(abs(Statistics.spearman(a, b) - expected.spearman) < 1e-12)
  }

  @Test func whatIsNotDefinedIsNotANumber() {
    #expect(Statistics.mean([]).isNaN && Statistics.median([]).isNaN && Statistics.interquartileMean([]).isNaN)
    #expect(Statistics.standardDeviation([1]).isNaN && Statistics.pearson([1, 1], [2, 3]).isNaN)
    #expect(Statistics.probabilityOfImprovement([], over: [1]).isNaN)
  }

  @Test func probabilityOfImprovementCountsPairs() {
    #expect(Statistics.probabilityOfImprovement([2, 3], over: [1, 2]) == 3.5 / 4)
    #expect(Statistics.probabilityOfImprovement([1], over: [1]) == 0.5)
  }

  /// A 95 % interval of the mean must cover the truth in about 95 of 100 samples, and narrow like 1 / √n.
  @Test func bootstrapIntervalsCoverTheTruth() {
    var random = RandomGenerator(seed: 1)
    var covered = 0
    let trials = 400
    for trial in 0..<trials {
      let sample = (0..<30).map { _ in 5 + 2 * random.normal() }
      let interval = Statistics.stratifiedBootstrap(
        [sample], resamples: 500, seed: UInt64(trial), statistic: Statistics.mean)
      if interval.low <= 5 && 5 <= interval.high { covered += 1 }
    }
    // Binomial around 0.93 (the percentile bootstrap is slightly narrow at n = 30): ± 4 standard errors.
    #expect(Double(covered) / Double(trials) > 0.88 && Double(covered) / Double(trials) < 0.98)
    let few = (0..<20).map { _ in random.normal() }, many = (0..<2_000).map { _ in random.normal() }
    let wide = Statistics.stratifiedBootstrap([few], statistic: Statistics.mean)
    let narrow = Statistics.stratifiedBootstrap([many], statistic: Statistics.mean)
    #expect(narrow.high - narrow.low < 0.2 * (wide.high - wide.low))
  }

  @Test func stratifiedResamplingKeepsEachTasksShare() {
    // Two tasks with no spread inside them: nothing can vary.
    let interval = Statistics.stratifiedBootstrap([[1, 1, 1], [5, 5, 5]], statistic: Statistics.mean)
    #expect(interval.low == 3 && interval.high == 3 && interval.estimate == 3)
  }

  @Test func pairedDifferenceUsesThePairs() {
    let noise = (0..<20).map { Double($0) * 10 }
    let interval = Statistics.pairedDifference(noise.map { $0 + 1 }, noise)
    #expect(interval.low == 1 && interval.high == 1)
  }
}
