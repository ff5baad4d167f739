import Experiments
import Foundation
import Testing

@Suite struct RunComparisonTests {
  @Test func showsWhatDiffersAndWhatCameOut() throws {
    let folder = try TemporaryFolder()
    let store = RunStore(directory: folder.url)
    let figures = [(rate: 0.1, scores: [1.0, 2, 3, 4, 5]), (rate: 0.2, scores: [3.0, 4, 5, 6, 7])]
    for (index, one) in figures.enumerated() {
      let run = try store.begin(
        verb: "train", method: "ppo", task: "x", configuration: ["rate": one.rate, "clip": 0.2], arguments: [],
        seed: UInt64(index))
      try run.finish(.finished, metrics: ["score": one.scores, "single": [Double(index)]])
    }
    try store.begin(verb: "train", task: "x", arguments: [], seed: 1).finish(.failed)
    let comparison = RunComparison(store.list())
    #expect(comparison.status == [.finished, .finished, .failed])
    let settings = Dictionary(uniqueKeysWithValues: comparison.settings.map { ($0.name, $0.values) })
    #expect(settings == [
      "rate": ["0.1", "0.2", nil], "clip": ["0.2", "0.2", nil], "method": ["ppo", "ppo", nil], "seed": ["0", "1", "1"],
    ])
    let score = try #require(comparison.metrics.first { $0.name == "score" })
    // Of five values the interquartile mean is that of the middle three.
    #expect(score.figures.map { $0?.estimate } == [3, 5, nil])
    let bounds = try #require(score.figures[0]?.interval)
    #expect(1 <= bounds.low && bounds.low < 3 && 3 < bounds.high && bounds.high <= 5)
    let single = try #require(comparison.metrics.first { $0.name == "single" })
    #expect(single.figures.map { $0?.estimate } == [0, 1, nil] && single.figures[1]?.interval == nil)
  }
}
