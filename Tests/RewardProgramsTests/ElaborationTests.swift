import Basics
import ProgramCorpus
import RewardPrograms
import Schemas
import TestSupport
import Testing

/// The third stage: names, paths, types and shapes become scalar operations.
@Suite struct ElaborationTests {
  private func compile(
    _ source: String, _ fields: String, kind: RewardProgram.Kind = .reward,
    options: RewardProgram.Options = RewardProgram.Options()
  ) throws -> (program: RewardProgram, entry: CorpusProgram) {
    let entry = CorpusProgram(name: "test", source: "# fields: \(fields)\n\(source)\n")
    return (try RewardProgram.compile(entry.source, schema: entry.schema, kind: kind, options: options), entry)
  }

  /// The reward of one row.
  private func reward(_ source: String, _ fields: String, _ inputs: [String: NestedArray]) throws -> Double {
    let program = try compile(source, fields).program
    return try #require(program.evaluate(inputs, hasRows: false).reward.first)
  }

  private func number(_ value: Double) -> NestedArray { NestedArray(shape: [], values: [value]) }
  private func vector(_ values: Double...) -> NestedArray { NestedArray(shape: [values.count], values: values) }

  // MARK: Which function runs, and what its parameters are

  @Test(arguments: [
    ("def compute_reward(x):\n    return x\ndef helper(x):\n    return 2 * x", "compute_reward"),
    (
      "def compute_dense_reward(self, action):\n    return action\ndef other(x):\n    return 2 * x",
      "compute_dense_reward"
    ),
    ("def helper(x):\n    return x\ndef my_own_name(x):\n    return helper(x)", "my_own_name"),
    ("def my_own_name(x):\n    return helper(x)\ndef helper(x):\n    return x", "my_own_name"),
    ("class Env:\n    def _get_rewards(self):\n        return self.x", "_get_rewards"),
  ])
  func findsTheEntry(_ source: String, _ name: String) throws {
    #expect(try compile(source, "x, action").program.function == name)
  }

  @Test func theEntryCanBeNamed() throws {
    let source = "def compute_reward(x):\n    return x\ndef other(x):\n    return -x"
    #expect(try compile(source, "x", options: .init(function: "other")).program.function == "other")
    #expect(throws: CompilationFailure.self) { try compile(source, "x", options: .init(function: "third")) }
  }

  @Test(arguments: [
    ("def compute_reward(self):\n    return self.x", "x"), ("def compute_reward(self):\n    return self.x", "self.x"),
    ("def compute_reward(obj):\n    return obj.pose.z", "obj.pose.z"),
    ("def compute_reward(self):\n    return self.get(1, 'a', k=None)", "self.get(1, 'a', k=None)"),
    ("def compute_reward(self):\n    return self.get( 1,\"a\" ,k = None )", "self.get(1, 'a', k=None)"),
    ("def compute_reward(self):\n    o = self.obj\n    return self.robot.near(o)", "self.robot.near(self.obj)"),
    ("def compute_reward(self):\n    r = self.robot\n    return r.near(self.obj)", "self.robot.near(self.obj)"),
    ("def compute_reward(self):\n    a = 30\n    return self.near(angle=a)", "self.near(angle=30)"),
    ("def compute_reward(self):\n    return self.a().b[0].c", "self.a().b[0].c"),
    ("def compute_reward(self):\n    return self.q[2].z", "self.q[2].z"),
    ("def compute_reward(self):\n    return self.get({'a': 1})", "self.get({'a': 1})"),
    ("def compute_reward(x: float = 3.0):\n    return x", "x"),
  ])
  func findsFields(_ source: String, _ field: String) throws {
    let (program, _) = try compile(source, field)
    #expect(program.inputs.map(\.name) == [field])
    #expect(try program.evaluate([field: number(1.5)], hasRows: false).reward == [1.5])
  }

  @Test func aNameThatIsNoFieldTakesItsDefault() throws {
    #expect(try reward("def compute_reward(x, scale=3):\n    return scale * x", "x", ["x": number(2)]) == 6)
  }

  @Test func classesHoldConstants() throws {
    let source = """
      class Task:
          SCALE = 2.0
          SHIFT: float = SCALE_TOO if False else 1.0
          def twice(self, x):
              return self.SCALE * x
          def compute_reward(self, x):
              return self.twice(x) + self.SHIFT
      """
    #expect(try reward(source, "x", ["x": number(4)]) == 9)
  }

  // MARK: Conventions

  @Test func torchSeesABatchAndNumpyARow() throws {
    let numpy = try compile("def f(v):\n    return v[0]", "v[3]").program
    let torch = try compile("def f(v: torch.Tensor):\n    return v[:, 0]", "v[3]").program
    #expect(numpy.convention == .perTransition && numpy.precision == .double)
    #expect(torch.convention == .batched && torch.precision == .single)
    let forced = try compile("def f(v):\n    return v[:, 0]", "v[3]", options: .init(convention: .batched)).program
    #expect(forced.convention == .batched && forced.precision == .double)
    #expect(try compile("import torch\ndef f(v):\n    return v[0]", "v[3]").program.convention == .perTransition)
  }

  @Test func oneNumberInAnArrayIsTaken() throws {
    for expression in ["np.array([x])", "np.array([[x]])", "np.array([x])[None]"] {
      let (program, _) = try compile("def f(x):\n    return \(expression)", "x")
      #expect(program.warnings.map(\.code) == ["result-shape"])
      #expect(try program.evaluate(["x": number(3)], hasRows: false).reward == [3])
    }
    let column = try compile("def f(x: torch.Tensor):\n    return x.unsqueeze(-1)", "x").program
    #expect(try column.evaluate(["x": NestedArray(shape: [2], values: [1, 2])]).reward == [1, 2])
    #expect(throws: CompilationFailure.self) { try compile("def f(v):\n    return v", "v[2]") }
  }

  // MARK: Memory

  @Test(arguments: [
    ("a = v\n    a[0] = 9", 9.0), ("a = v.copy()\n    a[0] = 9", 1), ("a = v[:2]\n    a += 1", 2),
    ("a = v + 0\n    a += 1", 1), ("a = v[[0, 1]]\n    a[0] = 9", 1), ("a = v.reshape(3, 1)\n    a[0, 0] = 9", 9),
    ("a = [v]\n    a[0][0] = 9", 9), ("a, b = v, v\n    b[0] = 9", 9),
  ])
  func arraysAreSharedAsInNumpy(_ lines: String, _ first: Double) throws {
    let source = "def f(v):\n    \(lines)\n    return v[0]"
    #expect(try reward(source, "v[3]", ["v": vector(1, 2, 3)]) == first)
  }

  @Test func branchesDoNotLeak() throws {
    let source = """
      def f(x):
          items, table = [1.0], {"a": 1.0}
          if x > 0:
              table["a"] = 5.0
              items[0] = 7.0
          return table["a"] + items[0]
      """
    #expect(try reward(source, "x", ["x": number(1)]) == 12)
    #expect(try reward(source, "x", ["x": number(-1)]) == 2)
  }

  @Test func filteredSumsCountWhatPasses() throws {
    let source = """
      def f(v):
          total = sum(a for a in v if a > 1)
          count = len([a for a in v if a > 1 and a < 3])
          return total + 10 * count + 100 * any(a > 2 for a in v if a < 3) + 1000 * all(a > 2 for a in v if a > 1.5)
      """
    #expect(try reward(source, "v[3]", ["v": vector(1, 2, 3)]) == 5 + 10 + 0 + 0)
    #expect(try reward(source, "v[3]", ["v": vector(0, 2.5, 4)]) == 6.5 + 10 + 100 + 1000)
  }

  @Test func stringsMayDependOnData() throws {
    let source = """
      def f(x):
          phase = "far" if x > 2 else "near"
          if x < 0:
              phase = "behind"
          gain = {"far": 1.0, "near": 2.0, "behind": 3.0}[phase]
          return gain + 10 * (phase == "near") + 100 * (phase in ("far", "behind"))
      """
    for (x, expected) in [(3.0, 101.0), (1.0, 12.0), (-1.0, 103.0)] {
      #expect(try reward(source, "x", ["x": number(x)]) == expected)
    }
  }

  @Test func listsOfObjectsAreTheirFields() throws {
    let source = """
      def f(self):
          total = sum(link.z for link in self.links)
          return total * len(self.links) + max(self.masses[0], self.masses[1])
      """
    let fields = ["self.links[0].z", "self.links[1].z", "self.links[2].z"]
    var inputs = Dictionary(uniqueKeysWithValues: zip(fields, [1.0, 2.0, 3.0].map(number)))
    inputs["self.masses"] = vector(4, 5)
    #expect(try reward(source, fields.joined(separator: ", ") + ", self.masses[2]", inputs) == 23)
  }

  @Test func closuresSeeTheirFrame() throws {
    let source = """
      K = 2.0
      def f(x):
          k = K + 1
          def inner(y, m=k):
              return m * y + k
          k = 10.0
          return inner(x)
      """
    #expect(try reward(source, "x", ["x": number(1)]) == 13)
  }

  @Test func termsKeepTheirOrder() throws {
    let source = "def f(x):\n    d = {'z': x}\n    d['a'] = 2 * x\n    d.update(m=3 * x)\n    return sum(d.values()), d"
    let (program, _) = try compile(source, "x")
    #expect(program.termNames == ["z", "a", "m"])
    let found = try program.evaluate(["x": number(1)], hasRows: false)
    #expect(found.reward == [6] && found.terms.map(\.values) == [[1], [2], [3]])
  }

  // MARK: Names that are set on some paths

  @Test(arguments: [(0.2, 2.4), (0.7, -0.7), (1.2, .nan)])
  func aRowInWhichPythonRaisesIsNaN(_ distance: Double, _ expected: Double) throws {
    let source = """
      def compute_reward(distance):
          if distance < 0.5:
              value = 2.0
          if distance < 0.5 or distance > 1.0:
              return 2 * distance + value, {"value": 1.0}
          return -distance, {}
      """
    let program = try compile(source, "distance").program
    #expect(program.warnings.contains { $0.code == "maybe-undefined" })
    let result = try program.evaluate(["distance": number(distance)], hasRows: false)
    let found = try #require(result.reward.first)
    #expect(expected.isNaN ? found.isNaN : abs(found - expected) < 1e-12)
    #expect(try #require(result.terms.first?.values.first).isNaN == expected.isNaN)
  }

  @Test(arguments: [
    "def compute_reward(x):\n    v = None\n    if x > 0:\n        v = x\n    return v",
    "def compute_reward(x):\n    v = None\n    if x > 0:\n        v = x\n    if v is None:\n        return v\n    return v",
    "def compute_reward(x):\n    if x > 0:\n        v = x\n    else:\n        v = np.zeros(3)\n    return v + 1.0",
    "def compute_reward(x):\n    t = {}\n    if x > 0:\n        t['a'] = x\n    r = 0.0\n    for k, v in t.items():\n        r += v\n    return r",
    "def compute_reward(x):\n    if x > 0:\n        v = x\n        del v\n    return v",
  ])
  func whatHasNoSingleValueIsRejected(_ source: String) {
    #expect(throws: CompilationFailure.self) { try compile(source, "x") }
  }
}
