import Foundation
import RewardPrograms
import Schemas
import Testing

/// Nothing outside can be reached, and nothing can grow without bound.
@Suite struct SafetyTests {
  private func codes(_ source: String) -> Set<String> {
    Set(DiagnosticTests.diagnostics(source).filter { $0.severity == .error }.map(\.code))
  }

  private func body(_ lines: String) -> String { "def reward(speed):\n    \(lines)\n    return speed\n" }

  @Test(arguments: [
    "x = ().__class__.__bases__[0].__subclasses__()", "x = speed.__class__", "x = __import__('os')",
    "x = eval('1')", "x = exec('1')", "x = open('/etc/passwd')", "x = getattr(speed, 'real')", "x = globals()",
    "x = compile('1', '', 'eval')", "x = '{0.__class__}'.format(speed)", "x = 'a'.format_map({})", "x = np.load('x')",
    "x = torch.load('x')", "x = np.fromfile('x')", "x = torch.ops", "x = np.random.rand()", "x = torch.hub",
    "x = (i for i in [1]).gi_frame", "x = [c for c in ().__class__.__base__]", "x = (lambda: __builtins__)()",
    "x = breakpoint()", "x = input()", "x = vars()", "x = super().__init__()", "x = np.lib", "x = np.ctypeslib",
    "x = f'{open(1)}' + 1", "x = math.__loader__", "x = type(speed)('x')", "raise SystemExit", "import os",
    "del np.sum",
    "global speed", "x = yield", "speed.real = 3", "np.pi = 3", "self.x = 1", "with open('x') as f: pass",
    "async def f(): pass",
    "ｅval('1')", "x = sреed", "x = 9223372036854775808", "x = 9 ** 9 ** 9", "x = 2 ** 64", "x = 10 ** 30",
    "x = 1 << 64",
    "x = 9223372036854775807 + 1", "x = [0] * 10 ** 9", "x = 'a' * 10 ** 9", "x = (0,) * 10 ** 9",
    "x = list(range(10 ** 9))",
    "x = np.zeros(10 ** 9)", "x = np.zeros((10 ** 5, 10 ** 5))", "x = np.arange(10 ** 12)", "x = np.eye(10 ** 6)",
    "x = np.tile(np.ones(1000), 1000)", "x = np.linspace(0, 1, 10 ** 9)",
    "x = [[[i + j + k for i in range(1000)] for j in range(1000)] for k in range(1000)]",
    "for i in range(10 ** 9): pass", "while True: pass", "x = np.ones(1000)[:, None] * np.ones(1000)",
  ])
  func rejects(_ line: String) { #expect(!codes(body(line)).isEmpty) }

  @Test func doublingListsStop() {
    let doubling = (0..<40).map { _ in "    x = x + x" }.joined(separator: "\n")
    #expect(codes("def reward(speed):\n    x = [1.0]\n\(doubling)\n    return speed\n").contains("too-large"))
    let strings = (0..<40).map { _ in "    s = s + s" }.joined(separator: "\n")
    #expect(codes("def reward(speed):\n    s = 'a'\n\(strings)\n    return speed\n").contains("too-large"))
  }

  @Test func sourceSizeIsLimited() {
    let line = "def reward(speed):\n    return speed\n"
    let padding = String(repeating: "#", count: Limits.sourceBytes - line.utf8.count - 1)
    #expect(codes(line + padding + "\n").isEmpty)
    #expect(codes(line + padding + "#\n") == ["too-large"])
    #expect(codes(String(repeating: "x", count: 100 << 20)) == ["too-large"])
  }

  @Test(arguments: [
    ("(", ")"), ("[", "]"), ("-", ""), ("not ", ""), ("abs(", ")"), ("1 + (", ")"), ("lambda: ", ""), ("{0: ", "}"),
  ])
  func nestingIsLimited(_ pair: (open: String, close: String)) {
    func nested(_ depth: Int) -> Set<String> {
      codes(
        body("x = " + String(repeating: pair.open, count: depth) + "1" + String(repeating: pair.close, count: depth)))
    }
    #expect(nested(30).isEmpty)
    for depth in [Limits.nesting + 1, 10_000] { #expect(nested(depth).contains("too-deep"), "\(depth)") }
  }

  @Test func nestingIsAllowedUpToTheLimit() {
    // A sum of n terms is n levels high, and a level is the name itself.
    func sum(_ terms: Int) -> Set<String> {
      codes(body("x = " + [String](repeating: "1", count: terms).joined(separator: "+")))
    }
    #expect(sum(Limits.nesting).isEmpty)
    #expect(sum(Limits.nesting + 1) == ["too-deep"])
    func attributes(_ depth: Int) -> Set<String> { codes(body("x = speed" + String(repeating: ".real", count: depth))) }
    #expect(attributes(Limits.nesting + 1).contains("too-deep"))
    func blocks(_ depth: Int) -> Set<String> {
      var text = "def reward(speed):\n"
      for level in 1...depth { text += String(repeating: " ", count: level) + "if True:\n" }
      return codes(text + String(repeating: " ", count: depth + 1) + "pass\n return speed\n")
    }
    #expect(blocks(Limits.nesting - 1).isEmpty)
    #expect(blocks(Limits.nesting + 1).contains("too-deep"))
    #expect(blocks(600).contains("too-deep"))
  }

  @Test func callsAreLimited() {
    func chain(_ depth: Int) -> Set<String> {
      var text = "def f0(x):\n    return x\n"
      for level in 1..<depth { text += "def f\(level)(x):\n    return f\(level - 1)(x)\n" }
      return codes(text + "def reward(speed):\n    return f\(depth - 1)(speed)\n")
    }
    #expect(chain(Limits.callDepth - 1).isEmpty)
    #expect(chain(Limits.callDepth).contains("too-deep"))
  }

  @Test(arguments: [
    "for i in range(90000): x = np.ones(90000) + speed", "for i in range(90000): x = len(range(90000))",
    "x = {i: i for i in range(90000)}\n    for i in range(90000): x[i] = 0",
    "x = [0] * 90000\n    for i in range(90000): x[i] = 0", "for i in range(90000): x = missing",
    "x = np.zeros(90000)\n    for i in range(90000): x[i] = speed",
    "x = [0] * 50000\n    for i in range(90000): x += x",
    "x = np.ones((300, 300))\n    for i in range(1000): x = x @ x",
  ])
  func workIsLimited(_ lines: String) { #expect(!codes(body(lines)).isEmpty) }

  @Test func manyErrorsAreCut() {
    let lines = (0..<1_000).map { "    a\($0) = unknown\($0)" }.joined(separator: "\n")
    #expect(DiagnosticTests.diagnostics("def reward(speed):\n\(lines)\n    return speed\n").count <= Limits.diagnostics)
  }
}
