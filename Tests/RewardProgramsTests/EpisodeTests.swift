import RewardPrograms
import Schemas
import Testing

/// Programs over the columns of an episode, whose length is not known when they are compiled.
@Suite struct EpisodeTests {
  private static let schema = Schema(
    environment: "Walk-v0",
    fields: [
      Field("x", low: -1, high: 1, meaning: ""), Field("pose", shape: [3], meaning: ""), Field("fallen", meaning: ""),
    ])

  private func fitness(_ expression: String, _ column: [Double]) throws -> Double {
    let program = try RewardProgram.compile(
      "def fitness(x):\n    return \(expression)\n", schema: Self.schema, kind: .fitness)
    let records = column + [Double](repeating: 0, count: column.count * 4)
    return program.makeEvaluator().evaluateEpisode(base: records, stride: column.count, rows: 0..<column.count)
  }

  private static let idioms: [(String, Double)] = [
    ("(x > 2).any() * 1.0", 1.0), ("(x > 0).all() * 1.0", 0), ("np.argmax(x > 2)", 2), ("np.argmax(x > 9)", 0),
    ("np.diff(x).sum()", 3), ("np.abs(np.diff(x)).max()", 4), ("np.cumsum(x)[-1]", 7), ("np.cumprod(x)[1]", -1),
    ("x[-1]", 4), ("x[0]", 1), ("x[1:][0]", -1), ("x[:-1][-1]", 3), ("x[::2].sum()", 4), ("x[::-1][0]", 4),
    ("len(x)", 4), ("x.shape[0]", 4), ("x[x > 0].mean()", 8.0 / 3), ("np.where(x > 0, x, 0).sum()", 8),
    ("np.mean(x > 0)", 0.75), ("np.sort(x)[0]", -1), ("np.percentile(x, 50)", 2), ("(x[1:] - x[:-1]).max()", 4),
    ("np.max(np.cumsum(x))", 7), ("np.arange(len(x))[-1]", 3), ("sum(x) / len(x)", 1.75), ("x[np.argmax(x)]", 4),
    ("np.count_nonzero(x > 0)", 3), ("x.max() - x.min()", 5), ("1.0 if x[-1] > 3 else 0.0", 1),
  ]

  @Test(arguments: idioms)
  func columnIdioms(_ expression: String, _ expected: Double) throws {
    #expect(abs(try fitness(expression, [1, -1, 3, 4]) - expected) < 1e-12)
  }

  private func errors(_ body: String) -> [Diagnostic] {
    do throws(CompilationFailure) {
      _ = try RewardProgram.compile("def fitness(x, pose):\n    \(body)\n", schema: Self.schema, kind: .fitness)
      return []
    } catch {
      return error.errors
    }
  }

  /// The remedy names the column form.
  @Test(arguments: [
    "total = 0.0\n    for t in range(len(x)):\n        total += x[t]\n    return total",
    "T = len(x)\n    total = 0.0\n    for t in range(T):\n        total += x[t]\n    return total",
    "total = 0.0\n    for t in range(1, x.shape[0]):\n        total += x[t] - x[t - 1]\n    return total",
    "total = 0.0\n    for t in range(len(x) - 1):\n        total += x[t]\n    return total",
    "total = 0.0\n    for value in x:\n        total += value\n    return total",
    "total = 0.0\n    for i, value in enumerate(x):\n        total += i * value\n    return total",
    "return sum([value for value in x])", "return max(a - b for a, b in zip(x, x))",
  ])
  func loopsOverTimeAreRejected(_ body: String) throws {
    let first = try #require(errors(body).first { $0.code == "unbounded-loop" })
    let remedy = try #require(first.suggestion)
    #expect(remedy.contains("whole column") && remedy.contains(".sum()") && remedy.contains("np.cumsum"))
  }

  @Test(arguments: [
    ("t = 0\n    while t < len(x):\n        t += 1\n    return t", "unbounded-loop"),
    ("if x > 0:\n        return 1.0\n    return 0.0", "ambiguous-truth"), ("return x", "result"),
    ("return pose.mean(axis=1)", "result"), ("return x.mean(), {'x': x.mean()}", "result"),
    ("return speed.mean()", "unknown-name"), ("return pose[:, 3].mean()", "index"),
  ])
  func rejects(_ body: String, _ code: String) {
    let found = errors(body)
    #expect(found.contains { $0.code == code }, "\(found.map(\.code))")
  }

  @Test func fitnessReadsWhatRewardsMayNot() throws {
    let schema = Schema(environment: "Walk-v0", fields: [Field("score", meaning: "", fitnessOnly: true)])
    _ = try RewardProgram.compile("def fitness(score):\n    return score.sum()", schema: schema, kind: .fitness)
    #expect(throws: CompilationFailure.self) {
      try RewardProgram.compile("def reward(score):\n    return score", schema: schema)
    }
  }

  @Test func loopsOverComponentsAreFine() throws {
    let source = "def fitness(pose):\n    return sum(pose[:, k].mean() * (k + 1) for k in range(3))\n"
    let program = try RewardProgram.compile(source, schema: Self.schema, kind: .fitness)
    let records: [Double] = [0, 0, 1, 3, 2, 4, 3, 5, 0, 0]
    #expect(program.makeEvaluator().evaluateEpisode(base: records, stride: 2, rows: 0..<2) == 2 + 6 + 12)
  }
}
