import Basics
import Experiments
import TestSupport
import Testing

/// Average linkage beside scipy's.
@Suite struct ClusteringTests {
  private struct Case: Encodable { let distances: [Double], count: Int }
  private struct Answer: Decodable { let linkage: [[Double]] }

  @Test(arguments: [2, 3, 8, 25]) func agreesWithScipy(count: Int) throws {
    var random = RandomGenerator(seed: UInt64(count))
    var distances = [Double](repeating: 0, count: count * count)
    for i in 0..<count {
      for j in i + 1..<max(i + 1, count) {
        let d = random.uniform(0, 2)
        (distances[i * count + j], distances[j * count + i]) = (d, d)
      }
    }
    let answer: Answer = try Python.run(
      """
      import json, sys
      import numpy as np
      from scipy.cluster.hierarchy import linkage
      from scipy.spatial.distance import squareform
      case = json.load(sys.stdin)
      table = np.array(case["distances"]).reshape(case["count"], case["count"])
      print(json.dumps({"linkage": linkage(squareform(table), "average").tolist()}))
      """, input: Case(distances: distances, count: count))
    let tree = AverageLinkage(distances: distances, count: count)
    #expect(tree.merges.count == count - 1 && answer.linkage.count == count - 1)
    for (merge, row) in zip(tree.merges, answer.linkage) {
      #expect(merge.first == Int(row[0]) && merge.second == Int(row[1]) && merge.count == Int(row[3]))
      #expect(abs(merge.distance - row[2]) < 1e-12)
    }
    #expect(tree.order.sorted() == Array(0..<count))
  }

  @Test func theTreeOfAReport() {
    let tree = AverageLinkage(distances: [0, 1, 2, 1, 0, 1.5, 2, 1.5, 0], count: 3)
    #expect(tree.merges.map(\.distance) == [1, 1.75] && tree.order == [2, 0, 1])
    var report = Report(title: "t", subtitle: "s")
    report.dendrogram(names: ["a%s", "<b>", "c"], tree, limit: 2, caption: "near & far")
    #expect(report.html.contains("&lt;b&gt;") && report.html.contains("a%s") && report.html.contains("1.750"))
    #expect(!report.html.contains("<b></text>"))
    #expect(AverageLinkage(distances: [0], count: 1).order == [0])
  }
}
