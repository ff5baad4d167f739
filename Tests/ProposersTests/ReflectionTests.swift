import Proposers
import Testing

/// The unit checks of Eureka's brief: what is printed of a series, and which candidate is chosen.
@Suite struct ReflectionTests {
  @Test(arguments: [(25, 2, 13), (3000, 300, 10), (9, 1, 9), (10, 1, 10), (1, 1, 1), (0, 1, 0)])
  func printsAboutTenPoints(length: Int, step: Int, printed: Int) {
    let indices = Reflection.printedIndices(length)
    #expect(indices.count == printed)
    #expect(zip(indices, indices.dropFirst()).allSatisfy { $1 - $0 == step })
  }

  @Test func summarisesTheWholeSeriesNotThePrintedPoints() {
    var values = [Double](repeating: 1, count: 25)
    values[1] = 26  // between two printed points
    let line = Reflection.line("speed", values)
    #expect(line.hasPrefix("speed: [1.00, 1.00, "))
    #expect(line.hasSuffix("Max: 26.00, Mean: 2.00, Min: 1.00"))
  }

  @Test func choosesTheFirstOfEquals() {
    func candidate(_ id: Int, _ fitness: [Double]?) -> Candidate {
      let digest = fitness.map { TrainingDigest(steps: [], fitness: $0, lengths: [], terms: [], episodes: []) }
      return Candidate(
        id: id, generation: 0, proposal: Proposal(source: "", origin: ""),
        outcome: digest.map { .trained($0) } ?? .failed("it did not run"))
    }
    #expect(DesignHistory.best(of: [candidate(0, nil), candidate(1, [0.1, 0.2]), candidate(2, [0.2])])?.id == 1)
    #expect(DesignHistory.best(of: [candidate(0, [-5]), candidate(1, [-2]), candidate(2, nil)])?.id == 1)
    #expect(DesignHistory.best(of: [candidate(0, nil)]) == nil)
    // A peak that does not last is not a score.
    #expect(candidate(0, [0, 0, 0, 9, 0, 0, 0, 1, 2, 3]).score == 2)
  }
}
