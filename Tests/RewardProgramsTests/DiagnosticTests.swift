import Basics
import Foundation
import RewardPrograms
import Schemas
import Testing

/// What is wrong is found, all of it, at its place, with something to do about it.
@Suite struct DiagnosticTests {
  static let schema = Schema(
    environment: "Test-v0",
    fields: [
      Field("obs", shape: [6], meaning: ""), Field("action", shape: [3], low: -1, high: 1, meaning: ""),
      Field("torso_z", low: 0, high: 2, meaning: ""), Field("speed", meaning: ""),
      Field("secret", meaning: "", fitnessOnly: true),
    ])

  static func diagnostics(_ source: String, kind: RewardProgram.Kind = .reward) -> [Diagnostic] {
    do throws(CompilationFailure) {
      return try RewardProgram.compile(source, schema: schema, kind: kind).warnings
    } catch {
      return error.diagnostics
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let code: String
    let line: Int
    let column: Int
    /// A part of the suggestion.
    let hint: String?
    let source: String
    var testDescription: String { "\(code): \(source.prefix(60))" }

    init(_ code: String, _ line: Int, _ column: Int, _ hint: String? = nil, _ source: String) {
      self.code = code
      self.line = line
      self.column = column
      self.hint = hint
      self.source = source
    }
  }

  static let errors: [Case] = [
    Case("unknown-field", 1, 12, "torso_z", "def reward(torso_zz):\n    return torso_zz\n"),
    Case("unknown-name", 2, 12, "did you mean \"speed\"", "def reward(speed):\n    return sped\n"),
    Case("unknown-name", 2, 12, "add it to the parameters", "def reward(speed):\n    return torso_z\n"),
    Case("unknown-function", 2, 15, "did you mean \"exp\"", "def reward(speed):\n    return np.expp(speed)\n"),
    Case("unknown-field", 2, 12, "torso_z", "def reward(self):\n    return self.torso_x\n"),
    Case("fitness-only", 1, 12, nil, "def reward(secret):\n    return secret\n"),
    Case("shape-mismatch", 2, 12, nil, "def reward(obs, action):\n    return (obs + action).sum()\n"),
    Case(
      "shape-mismatch", 2, 12, "unsqueeze",
      "def reward(obs: torch.Tensor, speed: torch.Tensor):\n    return (obs * speed).sum(dim=-1)\n"),
    Case(
      "shape-mismatch", 3, 12, "squeeze(-1)",
      "def reward(obs: torch.Tensor, speed: torch.Tensor):\n    n = obs.norm(dim=-1, keepdim=True)\n    return n * speed\n"
    ),
    Case("batch-index", 2, 16, "x[:, 0]", "def reward(obs: torch.Tensor):\n    return obs[0]\n"),
    Case("batch-reduction", 2, 12, "dim=-1", "def reward(obs: torch.Tensor):\n    return obs.mean()\n"),
    Case("batch-reduction", 2, 20, nil, "def reward(speed: torch.Tensor):\n    return speed / torch.max(speed)\n"),
    Case("batch-size", 2, 12, nil, "def reward(speed: torch.Tensor):\n    return speed / speed.shape[0]\n"),
    Case("result", 1, 5, "dim=-1", "def reward(obs: torch.Tensor):\n    return obs\n"),
    Case("result", 1, 5, nil, "def reward(obs):\n    return obs\n"),
    Case("result", 1, 5, nil, "def reward(speed):\n    return speed, speed, {}\n"),
    Case("result", 1, 5, nil, "def reward(speed):\n    return 'fast'\n"),
    Case("missing-return", 1, 5, "return", "def reward(speed):\n    x = speed\n"),
    Case("missing-return", 1, 5, nil, "def reward(speed):\n    if speed > 0:\n        return 1.0\n"),
    Case(
      "undefined", 6, 12, "every path",
      "def reward(speed):\n    if speed > 0:\n        x = 1.0\n    else:\n        x = None\n    return x\n"),
    Case("index", 2, 16, nil, "def reward(obs):\n    return obs[6]\n"),
    Case("index", 2, 16, "leave out", "def reward(obs):\n    return obs[:, 0]\n"),
    Case("axis", 2, 12, "axis=-1", "def reward(obs):\n    return np.sum(obs, axis=1)\n"),
    Case("axis", 2, 12, nil, "def reward(obs):\n    return np.sum(obs, axis=(0, -1))\n"),
    Case("unpacking", 2, 5, nil, "def reward(action):\n    a, b = action\n    return a\n"),
    Case("type", 2, 12, nil, "def reward(speed):\n    return speed + 'a'\n"),
    Case("type", 2, 12, "math", "def reward(speed: torch.Tensor):\n    return torch.exp(0.5) * speed\n"),
    Case("type", 2, 12, "clamp", "def reward(speed: torch.Tensor):\n    return torch.maximum(speed, 0.0)\n"),
    Case("type", 2, 12, ".float()", "def reward(obs: torch.Tensor):\n    return (obs > 0).mean(dim=-1)\n"),
    Case("type", 2, 20, "parentheses", "def reward(speed):\n    return speed > 0 & speed < 1\n"),
    Case("ambiguous-truth", 2, 8, "any()", "def reward(obs):\n    if obs > 0:\n        return 1.0\n    return 0.0\n"),
    Case("dynamic-length", 2, 23, "where", "def reward(obs):\n    return np.sum(obs[obs > 0])\n"),
    Case("dynamic-length", 2, 35, "else", "def reward(obs):\n    return max([o for o in obs if o > 0])\n"),
    Case(
      "unbounded-loop", 2, 11, "range",
      "def reward(speed):\n    while speed > 0:\n        speed -= 1\n    return speed\n"),
    Case(
      "unbounded-loop", 2, 14, nil,
      "def reward(speed):\n    for i in range(int(speed)):\n        pass\n    return speed\n"),
    Case("recursion", 2, 12, "loop", "def f(x):\n    return f(x)\ndef reward(speed):\n    return f(speed)\n"),
    Case("arguments", 4, 12, nil, "def f(x, y):\n    return x\ndef reward(speed):\n    return f(speed)\n"),
    Case(
      "arguments", 4, 21, "did you mean \"scale\"",
      "def f(x, scale=1):\n    return x\ndef reward(speed):\n    return f(speed, skale=2)\n"),
    Case("arguments", 2, 35, nil, "def reward(obs):\n    return np.linalg.norm(obs, 2, bogus=1)\n"),
    Case("unknown-key", 3, 14, "\"near\"", "def reward(speed):\n    d = {'near': 1.0}\n    return d['naer'] * speed\n"),
    Case("import", 1, 8, nil, "import os\ndef reward(speed):\n    return speed\n"),
    Case("import", 1, 24, nil, "from subprocess import run\ndef reward(speed):\n    return speed\n"),
    Case("unknown-decorator", 1, 2, nil, "@cache_to_disk\ndef reward(speed):\n    return speed\n"),
    Case("division-by-zero", 2, 12, nil, "def reward(speed):\n    return 1 / 0 + speed\n"),
    Case("identity", 2, 17, "==", "def reward(speed):\n    return 1 if speed is 1 else 0\n"),
    Case("no-function", 1, 1, "def", "x = 1\n"),
    Case("empty", 1, 1, "def", ""),
    Case("empty", 1, 1, "def", "# nothing here\n"),
    Case("syntax", 1, 19, nil, "def reward(speed) return speed\n"),
    Case("syntax", 2, 12, nil, "def reward(speed):\n    return (speed\n"),
    Case("syntax", 2, 14, "==", "def reward(speed):\n    if speed = 0:\n        return 1.0\n    return 0.0\n"),
    Case("indentation", 2, 1, nil, "def reward(speed):\nreturn speed\n"),
    Case("indentation", 3, 1, nil, "def reward(speed):\n    x = 1\n      y = 2\n    return x\n"),
    Case("mixed-indentation", 3, 1, "spaces", "def reward(speed):\n    x = 1\n\treturn x\n"),
    Case("unterminated-string", 2, 9, "close it", "def reward(speed):\n    x = 'abc\n    return speed\n"),
    Case("unterminated-string", 2, 5, "close it", "def reward(speed):\n    \"\"\"abc\n    return speed\n"),
    Case("binary", 1, 1, nil, "\u{0}\u{1}ELF"),
    Case(
      "unsupported-syntax", 2, 5, nil,
      "def reward(speed):\n    try:\n        x = 1\n    except: pass\n    return speed\n"),
    Case("unsupported-syntax", 2, 5, nil, "def reward(speed):\n    raise ValueError\n"),
    Case("unsupported-syntax", 2, 5, nil, "def reward(speed):\n    yield speed\n"),
  ]

  @Test(arguments: errors) func rejects(_ expected: Case) throws {
    let found = Self.diagnostics(expected.source)
    let match = found.first { $0.code == expected.code && $0.severity == .error }
    guard let match else {
      Issue.record("not found among:\n\(found.map { $0.rendered(name: "reward.py") }.joined(separator: "\n"))")
      return
    }
    #expect(match.line == expected.line && match.column == expected.column, "\(match.rendered(name: "reward.py"))")
    if let hint = expected.hint { #expect((match.suggestion ?? "").contains(hint), "\(match.suggestion ?? "none")") }
  }

  static let warnings: [Case] = [
    Case("unused-input", 1, 19, nil, "def reward(speed, torso_z):\n    return speed\n"),
    Case("division-by-zero", 2, 12, "1e-6", "def reward(speed):\n    return 1.0 / speed\n"),
    Case("log-domain", 2, 12, nil, "def reward(torso_z):\n    return np.log(torso_z)\n"),
    Case("sqrt-domain", 2, 12, nil, "def reward(speed):\n    return np.sqrt(speed)\n"),
    Case("arc-domain", 2, 12, "clip", "def reward(torso_z):\n    return np.arccos(torso_z)\n"),
    Case("exp-overflow", 2, 12, nil, "def reward(speed):\n    return np.exp(speed)\n"),
    Case("constant-reward", 1, 5, nil, "def reward(speed):\n    return 1.0\n"),
    Case("constant-term", 2, 20, nil, "def reward(speed):\n    return speed, {'alive': 1.0}\n"),
    Case("unused-term", 2, 20, nil, "def reward(speed):\n    return speed, {'other': speed * 2}\n"),
    Case("discontinuity", 2, 19, nil, "def reward(speed):\n    return 1.0 if speed > 2 else speed\n"),
    Case(
      "scale-imbalance", 1, 5, nil,
      "def reward(torso_z):\n    return torso_z, {'a': torso_z * 1000, 'b': torso_z * 0.001}\n"),
    Case(
      "exact-equality", 2, 19, "tolerance", "def reward(speed, torso_z):\n    return 1.0 if speed == torso_z else 0.0\n"
    ),
    Case(
      "batched-condition", 2, 8, "where",
      "def reward(speed: torch.Tensor):\n    if speed > 0:\n        return speed\n    return -speed\n"),
  ]

  @Test(arguments: warnings) func warns(_ expected: Case) throws {
    let found = Self.diagnostics(expected.source)
    let match = found.first { $0.code == expected.code }
    guard let match else {
      Issue.record("not found among:\n\(found.map { $0.rendered(name: "reward.py") }.joined(separator: "\n"))")
      return
    }
    #expect(match.severity != Diagnostic.Severity.error)
    #expect(match.line == expected.line && match.column == expected.column, "\(match.rendered(name: "reward.py"))")
    if let hint = expected.hint { #expect((match.suggestion ?? "").contains(hint), "\(match.suggestion ?? "none")") }
  }

  @Test func cleanProgramHasNoWarnings() {
    let found = Self.diagnostics(
      """
      def reward(speed, torso_z, action):
          forward = np.tanh(speed)
          upright = np.exp(-(torso_z - 1.2) ** 2 / 0.1)
          effort = 0.1 * np.sum(action ** 2)
          return forward + upright - effort, {"forward": forward, "upright": upright}
      """)
    #expect(found.isEmpty, "\(found)")
  }

  @Test(arguments: [
    "return 1.0 / (np.linalg.norm(action) + 1e-6)", "return 1.0 / max(torso_z, 0.1)",
    "if torso_z > 0.2:\n        return 1.0 / torso_z\n    return 0.0",
    "if torso_z < 0.2:\n        return 0.0\n    return np.log(torso_z)",
    "if torso_z != 0:\n        return speed / torso_z\n    return speed",
    "return np.sqrt(torso_z) if torso_z > 0.5 and speed < 1 else 1 / torso_z if torso_z > 0 else 0.0",
    "return np.sqrt(np.sum(action ** 2)) + np.exp(-np.abs(speed)) + np.arccos(np.clip(speed, -1, 1))",
  ])
  func provablySafeArithmeticIsQuiet(_ lines: String) {
    let found = Self.diagnostics("def reward(torso_z, speed, action):\n    \(lines)\n")
    #expect(
      !found.contains { $0.code.hasSuffix("domain") || $0.code == "division-by-zero" || $0.code == "exp-overflow" },
      "\(found)")
  }

  @Test func reportsEveryError() {
    let found = Self.diagnostics(
      """
      def reward(speed, obs):
          a = sped * 2
          b = np.expp(speed)
          c = obs + [1.0, 2.0]
          d = (1 +
          return a + b + c
      """
    )
    #expect(Set(found.filter { $0.severity == .error }.map(\.line)).isSuperset(of: [2, 3, 4]), "\(found)")
  }

  @Test func rendersLineAndCaret() throws {
    let found = Self.diagnostics("def reward(speed):\n    return sped * 2\n")
    #expect(
      found.first?.rendered(name: "r.py") == """
        r.py:2:12: error: There is no "sped". [unknown-name]
                return sped * 2
                       ^~~~
          did you mean "speed"?
        """)
    let data = try JSONEncoder().encode(found)
    #expect(try JSONDecoder().decode([Diagnostic].self, from: data) == found)
  }

  @Test func boundsFollowFromTheSchema() throws {
    let program = try RewardProgram.compile(
      """
      def reward(torso_z, action):
          tall = 2 * torso_z - 1
          effort = -0.5 * np.sum(action ** 2)
          return tall + effort, {"tall": tall, "effort": effort, "near": np.exp(-torso_z)}
      """, schema: Self.schema)
    #expect(program.termNames == ["tall", "effort", "near"])
    #expect(program.bounds.terms == [-1...3, -1.5...0, exp(-2)...1])
    #expect(program.bounds.total == -2.5...3)
  }

  @Test func findsNamedConstants() throws {
    let source =
      "SCALE = 2.5\ndef reward(speed, weight=-0.5):\n    temperature: float = 0.1  # kept\n"
      + "    return SCALE * speed * weight / temperature\n"
    let program = try RewardProgram.compile(source, schema: Self.schema)
    #expect(program.constants.map(\.name) == ["SCALE", "weight", "temperature"])
    #expect(program.constants.map(\.value) == [2.5, -0.5, 0.1])
    let changed = program.source(replacing: program.constants.map { ($0, $0.value * 2) })
    #expect(
      changed
        == "SCALE = 5.0\ndef reward(speed, weight=-1.0):\n    temperature: float = 0.2  # kept\n"
        + "    return SCALE * speed * weight / temperature\n"
    )
  }
}
