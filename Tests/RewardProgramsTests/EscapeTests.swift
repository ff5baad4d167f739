import RewardPrograms
import Testing

/// The tricks with which programs get out of Python sandboxes, and the input that is no program at all: each rejected
/// for the right reason.
@Suite struct EscapeTests {
  private func codes(_ source: String) -> Set<String> {
    Set(DiagnosticTests.diagnostics(source).filter { $0.severity == .error }.map(\.code))
  }

  private func body(_ lines: String) -> String { "def reward(speed):\n    \(lines)\n    return speed\n" }

  /// The line that tries it, and the code of the diagnostic that must name it.
  struct Trick: Sendable, CustomTestStringConvertible {
    let line: String
    let code: String
    var testDescription: String { line }
    init(_ line: String, _ code: String) {
      self.line = line
      self.code = code
    }
  }

  /// Double underscores reach Python's insides; format strings evaluate attributes; generators have frames.
  static let insides: [Trick] = [
    Trick("x = ().__class__.__base__.__subclasses__()", "forbidden"), Trick("x = speed.__class__", "forbidden"),
    Trick("x = __import__('os').system('id')", "forbidden"), Trick("x = __builtins__", "forbidden"),
    Trick("x = np.__dict__", "forbidden"), Trick("x = (lambda: 0).__globals__", "forbidden"),
    Trick("x = reward.__code__", "forbidden"), Trick("x = [].__class__.__mro__[1]", "forbidden"),
    Trick("x = [c for c in ().__class__.__bases__]", "forbidden"), Trick("x = math.__loader__", "forbidden"),
    Trick("x = '{0.__class__}'.format(speed)", "forbidden"), Trick("x = 'a'.format_map({})", "forbidden"),
    Trick("x = '%s' % speed", "type"), Trick("x = f'{speed.__class__}' + 1", "type"),
    Trick("x = (i for i in [1]).gi_frame", "unknown-attribute"),
    Trick("x = (i for i in [1]).gi_frame.f_back.f_globals", "unknown-attribute"),
    Trick("x = [y := 5, y.__class__]", "forbidden"), Trick("x = [i for i in range(3)]\n    z = i", "unknown-name"),
  ]

  /// Names that only look like others; CPython would read them as ASCII (NFKC).
  static let lookAlikes: [Trick] = [
    Trick("x = ｅval('1')", "unicode"), Trick("x = ｏpen('f')", "unicode"), Trick("x = sреed", "unicode"),
    Trick("x = ().＿＿class＿＿", "unicode"), Trick("x = ſpeed", "unicode"), Trick("𝐱 = 1", "unicode"),
    Trick("x = speed\u{200B}", "unicode"), Trick("x = speed\u{202E}", "unicode"), Trick("x =\u{00A0}1", "unicode"),
  ]

  /// Numbers and memory that grow.
  static let bombs: [Trick] = [
    Trick("x = 9223372036854775808", "integer-too-large"), Trick("x = 9 ** 9 ** 9", "integer-too-large"),
    Trick("x = 2 ** 64", "integer-too-large"), Trick("x = 1 << 64", "integer-too-large"),
    Trick("x = 9223372036854775807 + 1", "integer-too-large"), Trick("x = 3 * 9223372036854775807", "integer-too-large"),
    Trick("x = int(1e300)", "integer-too-large"), Trick("x = int('9' * 10000)", "type"),
    Trick("x = [0] * 10 ** 9", "too-large"), Trick("x = 'a' * 10 ** 9", "type"), Trick("x = (0,) * 10 ** 9", "too-large"),
    Trick("x = list(range(10 ** 9))", "too-large"), Trick("x = np.zeros(10 ** 9)", "type"),
    Trick("x = np.zeros((10 ** 5, 10 ** 5))", "too-large"), Trick("x = np.ones(1000)[:, None] * np.ones(1000)", "too-large"),
    Trick("x = np.arange(10 ** 12)", "arguments"), Trick("x = np.eye(10 ** 6)", "arguments"),
    Trick("x = np.tile(np.ones(1000), 1000)", "too-large"), Trick("x = np.linspace(0, 1, 10 ** 9)", "arguments"),
    Trick("x = np.broadcast_to(np.ones(1), (10 ** 4, 10 ** 4))", "too-large"),
    Trick("x = cdist(np.ones((900, 2)), np.ones((900, 2)))", "too-large"),
    Trick("x = np.outer(np.ones(1000), np.ones(1000))", "too-large"),
    Trick("x = np.repeat(np.ones(1000), 1000)", "arguments"),
    Trick("x = np.argsort(np.ones(1000))", "too-large"), Trick("x = np.ones((400, 400)) @ np.ones((400, 400))", "too-large"),
  ]

  /// Loops and calls that do not end, or not soon.
  static let loops: [Trick] = [
    Trick("while True: pass", "too-large"), Trick("while speed > 0: pass", "unbounded-loop"),
    Trick("for i in range(10 ** 9): pass", "too-large"), Trick("for i in range(99999): x = [i] * 99999", "too-large"),
    Trick("x = [1]\n    while x: x.append(1)", "too-large"),
    Trick("x = [[[i + j + k for i in range(1000)] for j in range(1000)] for k in range(1000)]", "too-large"),
    Trick("x = sum(sum(sum(1 for a in range(500)) for b in range(500)) for c in range(500))", "too-large"),
    Trick("f = lambda g: g(g)\n    x = f(f)", "recursion"), Trick("x = (lambda f: f(f))(lambda f: f(f))", "recursion"),
    Trick("for i in range(int(speed)): pass", "unbounded-loop"), Trick("x = max(*range(10 ** 9))", "too-large"),
  ]

  /// Python's own functions that see or change more than their arguments, and modules that do things.
  static let functions: [Trick] = [
    Trick("x = eval('1')", "unknown-name"), Trick("x = exec('1')", "unknown-name"), Trick("x = open('f')", "unknown-name"),
    Trick("x = compile('1', '', 'eval')", "unknown-name"), Trick("x = getattr(speed, 'real')", "unknown-name"),
    Trick("x = setattr(np, 'sum', 1)", "unknown-name"), Trick("x = globals()", "unknown-name"),
    Trick("x = locals()", "unknown-name"), Trick("x = vars()", "unknown-name"), Trick("x = dir()", "unknown-name"),
    Trick("x = type(speed)", "unknown-name"), Trick("x = breakpoint()", "unknown-name"),
    Trick("x = input()", "unknown-name"), Trick("x = super().f()", "forbidden"), Trick("x = id(speed)", "unknown-name"),
    Trick("x = memoryview(b'')", "unknown-name"), Trick("x = help()", "unknown-name"), Trick("x = exit()", "unknown-name"),
    Trick("import os", "import"), Trick("import subprocess as np", "import"), Trick("from os import *", "import"),
    Trick("from builtins import eval", "import"), Trick("import importlib", "import"), Trick("import ctypes", "import"),
    Trick("x = np.load('f')", "unknown-function"), Trick("x = np.fromfile('f')", "unknown-function"),
    Trick("x = np.save('f', speed)", "unknown-function"), Trick("x = np.lib", "unknown-function"),
    Trick("x = np.ctypeslib", "unknown-function"), Trick("x = np.random.rand()", "unknown-function"),
    Trick("x = torch.load('f')", "unknown-function"), Trick("x = torch.hub", "unknown-function"),
    Trick("x = torch.ops", "unknown-function"), Trick("x = math.os", "unknown-function"),
    Trick("np.random.seed(0)", "unknown-function"), Trick("x = numpy.f2py", "unknown-function"),
  ]

  /// Statements that reach outside the function, decorators and defaults that run code.
  static let statements: [Trick] = [
    Trick("global speed", "unsupported-syntax"), Trick("nonlocal speed", "unsupported-syntax"),
    Trick("x = yield speed", "unsupported-syntax"), Trick("yield speed", "unsupported-syntax"),
    Trick("x = await speed", "unsupported-syntax"), Trick("raise SystemExit", "unsupported-syntax"),
    Trick("async def f(): pass", "unsupported-syntax"), Trick("try:\n        x = 1\n    except: pass", "unsupported-syntax"),
    Trick("with open('f') as f: pass", "unsupported"), Trick("match speed:\n        case 1: pass", "syntax"),
    Trick("del np.sum", "unsupported"), Trick("np.sum = 3", "unsupported"), Trick("np.pi = 3", "unsupported"),
    Trick("speed.real = 3", "unsupported"), Trick("self.x = 1", "unknown-name"), Trick("del speed\n    x = speed", "undefined"),
    Trick("@(lambda f: f)\n    def g(): pass", "unknown-decorator"), Trick("@eval('f')\n    def g(): pass", "unknown-decorator"),
    Trick("def g(a=eval('1')): pass", "unknown-name"), Trick("g = lambda a=open('f'): a", "unknown-name"),
    Trick("x = dict(**speed)", "type"), Trick("x = np.sum(*speed)", "type"), Trick("x = {1, 2}", "unsupported"),
    Trick("class A:\n        x = eval('1')", "unknown-name"), Trick("print(speed) = 3", "syntax"),
  ]

  @Test(arguments: insides + lookAlikes + bombs + loops + functions + statements)
  func isNamed(_ trick: Trick) {
    let found = codes(body(trick.line))
    #expect(found.contains(trick.code), "\(found)")
  }

  @Test func callsThatDoubleStop() {
    // Every function calls the next twice: 2 to the 30 calls, were they made.
    var text = "def f0(x):\n    return x + 1\n"
    for level in 1..<30 { text += "def f\(level)(x):\n    return f\(level - 1)(f\(level - 1)(x))\n" }
    #expect(codes(text + "def reward(speed):\n    return f29(speed)\n").contains("too-large"))
    var lambdas = "def reward(speed):\n    f0 = lambda x: x + speed\n"
    for level in 1..<25 { lambdas += "    f\(level) = lambda x: f\(level - 1)(x) + f\(level - 1)(x + 1)\n" }
    #expect(codes(lambdas + "    return f24(speed)\n").contains("too-large"))
  }

  @Test func valuesThatDoubleStop() {
    // Every tuple holds the one before twice: 2 to the 60 leaves, were they visited.
    let doubling = (0..<60).map { _ in "    x = (x, x)\n" }.joined()
    #expect(codes("def reward(speed):\n    x = 1\n\(doubling)    return speed\n") == ["too-large"])
    let lists = (0..<60).map { _ in "    x = [x, x]\n" }.joined()
    #expect(codes("def reward(speed):\n    x = 1\n\(lists)    return speed\n").isEmpty)
    #expect(!codes("def reward(speed):\n    x = 1\n\(lists)    return np.sum(x)\n").isEmpty)
    let branch = "    if speed > 0:\n        y = 2\n        return x\n"
    #expect(!codes("def reward(speed):\n    x = 1\n    y = 1\n\(lists)\(branch)    return speed\n").isEmpty)
    #expect(
      codes("def reward(speed):\n    x = speed\n\(doubling)    if speed > 0:\n        x = (1, 1)\n    return speed\n")
        .isSubset(of: ["too-large"]))
    #expect(!codes("def reward(speed):\n    x = 1.0\n\(doubling)    return np.sum(np.array(x))\n").isEmpty)
  }

  @Test(arguments: [
    ("", "empty"), ("\n\n  \n", "empty"), ("\u{FEFF}", "empty"), ("# only a comment", "empty"),
    ("\u{0}\u{1}\u{2}\u{3}", "binary"), ("\u{7F}ELF\u{2}\u{1}\u{1}\u{0}", "binary"), ("PK\u{3}\u{4}", "binary"),
    ("def reward(speed):\n\treturn speed\n        x = 1\n", "mixed-indentation"),
    ("def reward(speed):\n    x = 'abc\n    return speed\n", "unterminated-string"),
    ("def reward(speed):\n    \"\"\"abc\n    return speed\n", "unterminated-string"),
    ("def reward(speed):\n    return speed\u{0}\n", "binary"),
    ("def reward(sp\u{FFFD}ed):\n    return speed\n", "unicode"),
    ("{\"reward\": 1}", "no-function"), ("<html></html>", "syntax"), ("Sure! Here is the reward function:\n", "syntax"),
    ("```python\ndef reward(speed):\n    return speed\n```\n", "syntax"),
  ])
  func badInputIsNamed(_ text: String, _ code: String) { #expect(codes(text).contains(code), "\(codes(text))") }

  @Test(arguments: [
    "def reward(speed):\r\n    return speed\r\n", "\u{FEFF}def reward(speed):\n    return speed\n",
    "def reward(speed):\r    return speed\r", "def reward(speed):\n\treturn speed", "def reward(speed): return speed",
    "\n\n\ndef reward(speed):\n\n    # é ü 漢字 — “quotes”\n    'é'\n    return speed\n\n\n",
  ])
  func harmlessSpellingsAreAccepted(_ text: String) { #expect(codes(text).isEmpty, "\(codes(text))") }
}
