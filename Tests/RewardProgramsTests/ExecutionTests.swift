import Basics
import Foundation
import RewardPrograms
import Schemas
import Testing

/// Records in columns, any rows of them, against the same formula written in Swift.
@Suite struct ExecutionTests {
  private static let schema = Schema(
    environment: "Test-v0",
    fields: [
      Field("unused", shape: [3], meaning: ""), Field("velocity", meaning: ""),
      Field("action", shape: [2], meaning: ""),
    ])
  private static let stride = 5_003

  private static let records: [Double] = {
    var random = RandomGenerator(seed: 1)
    return (0..<(schema.width * stride)).map { _ in Double(Float(random.uniform(-2, 2))) }
  }()

  private func column(_ index: Int, _ row: Int) -> Double { Self.records[index * Self.stride + row] }
  private func effort(_ row: Int) -> Double { column(4, row) * column(4, row) + column(5, row) * column(5, row) }
  private func forward(_ row: Int) -> Double { column(3, row) > 0 ? tanh(column(3, row)) : -1 }

  private static let numpy = """
    def reward(velocity, action):
        forward = np.tanh(velocity) if velocity > 0 else -1.0
        effort = np.sum(action ** 2)
        return forward - 0.1 * effort, {"forward": forward, "effort": effort}
    """
  private static let torch = """
    def reward(velocity: torch.Tensor, action: torch.Tensor):
        forward = torch.where(velocity > 0, torch.tanh(velocity), torch.tensor(-1.0))
        effort = (action ** 2).sum(dim=-1)
        return forward - 0.1 * effort, {"forward": forward, "effort": effort}
    """

  @Test(arguments: [(numpy, 1e-14), (torch, 2e-6)], [0..<1, 17..<80, 0..<5_003, 4_000..<5_003])
  func computesAnyRows(_ program: (source: String, tolerance: Double), _ rows: Range<Int>) throws {
    let evaluator = try RewardProgram.compile(program.source, schema: Self.schema).makeEvaluator()
    var total = [Double](repeating: .nan, count: rows.count)
    var terms = [Double](repeating: .nan, count: rows.count * 2)
    var totalAlone = total
    evaluator.evaluate(base: Self.records, stride: Self.stride, rows: rows, total: &total, terms: &terms)
    evaluator.evaluate(base: Self.records, stride: Self.stride, rows: rows, total: &totalAlone, terms: nil)
    #expect(total == totalAlone)
    for (index, row) in rows.enumerated() {
      let expected = [forward(row) - 0.1 * effort(row), forward(row), effort(row)]
      let found = [total[index], terms[index], terms[rows.count + index]]
      guard zip(found, expected).allSatisfy({ abs($0 - $1) <= program.tolerance * max(1, abs($1)) }) else {
        Issue.record("row \(row): \(found), not \(expected)")
        return
      }
    }
  }

  @Test(arguments: [0..<1, 3..<10, 100..<1_100, 0..<5_003])
  func computesEpisodes(_ rows: Range<Int>) throws {
    let program = try RewardProgram.compile(
      "def fitness(velocity):\n    return velocity[-1] - velocity[0] + np.mean(velocity > 0) + len(velocity)",
      schema: Self.schema, kind: .fitness)
    let found = program.makeEvaluator().evaluateEpisode(base: Self.records, stride: Self.stride, rows: rows)
    let positive = rows.count { column(3, $0) > 0 }
    let expected =
      column(3, rows.upperBound - 1) - column(3, rows.lowerBound) + Double(positive) / Double(rows.count)
      + Double(rows.count)
    #expect(abs(found - expected) < 1e-9)
  }

  @Test func shortEpisodesAreNotANumber() throws {
    let program = try RewardProgram.compile(
      "def fitness(velocity):\n    return velocity[10]", schema: Self.schema, kind: .fitness)
    let evaluator = program.makeEvaluator()
    #expect(evaluator.evaluateEpisode(base: Self.records, stride: Self.stride, rows: 0..<10).isNaN)
    #expect(evaluator.evaluateEpisode(base: Self.records, stride: Self.stride, rows: 0..<11) == column(3, 10))
  }

  @Test func namedArraysAreChecked() throws {
    let program = try RewardProgram.compile(Self.numpy, schema: Self.schema)
    func message(_ inputs: [String: NestedArray]) -> String {
      do {
        _ = try program.evaluate(inputs)
        return ""
      } catch { return "\(error)" }
    }
    let velocity = NestedArray(shape: [2], values: [1, -1])
    #expect(message(["velocity": velocity]).contains("\"action\""))
    #expect(
      message(["velocity": velocity, "action": NestedArray(shape: [2, 3], values: [1, 2, 3, 4, 5, 6])]).contains(
        "shape"))
    #expect(message(["velocity": velocity, "action": NestedArray(shape: [1, 2], values: [1, 2])]).contains("rows"))
    let single = try program.evaluate(
      ["velocity": NestedArray(shape: [], values: [-1]), "action": NestedArray(shape: [2], values: [1, 2])],
      hasRows: false)
    #expect(single.reward == [-1.5] && single.terms.map(\.name) == ["forward", "effort"])
    let decoded = try JSONDecoder().decode(NestedArray.self, from: Data("[[1, 2], [3, 4]]".utf8))
    #expect(decoded == NestedArray(shape: [2, 2], values: [1, 2, 3, 4]))
    #expect(throws: (any Error).self) { try JSONDecoder().decode(NestedArray.self, from: Data("[[1], [3, 4]]".utf8)) }
  }
}
