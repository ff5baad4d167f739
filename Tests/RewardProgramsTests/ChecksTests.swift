import RewardPrograms
import Schemas
import Testing

/// What can be doubted about a program that compiles: every check where it must speak, and where it must not.
@Suite struct ChecksTests {
  private static let schema = Schema(
    environment: "Reach-v0",
    fields: [
      Field("distance", low: 0, high: 2, meaning: ""), Field("height", low: 0.5, high: 1.5, meaning: ""),
      Field("speed", low: -3, high: 3, meaning: ""), Field("action", shape: [2], low: -1, high: 1, meaning: ""),
      Field("unbounded", meaning: ""), Field("flag", low: 0, high: 1, meaning: ""),
    ])

  struct Case: Sendable, CustomTestStringConvertible {
    let code: String
    let body: String
    var testDescription: String { "\(code): \(body.prefix(70))" }
    init(_ code: String, _ body: String) {
      self.code = code
      self.body = body
    }
  }

  private func findings(_ body: String) throws -> [Diagnostic] {
    let source =
      body.contains("def ") ? body : "def reward(distance, height, speed, action, unbounded, flag):\n    \(body)\n"
    return try RewardProgram.compile(source, schema: Self.schema).warnings
  }

  static let firing: [Case] = [
    Case("unused-input", "def reward(distance, speed):\n    return -distance"),
    Case("unused-input", "def reward(self):\n    x = self.speed\n    return -self.distance"),
    Case("unused-input", "def reward(distance, speed):\n    return -distance + 0 * len([speed])"),
    Case("unknown-parameter", "def reward(distance, gripper):\n    return -distance"),
    Case("unknown-parameter", "def reward(distance, gripper):\n    # gripper is not needed\n    return -distance"),
    Case("unused-function", "def helper(x):\n    return x\ndef reward(distance):\n    return -distance"),
    Case("unused-function", "def reward(distance):\n    def inner(x):\n        return x\n    return -distance"),
    Case("unused-term", "return -distance, {'distance': -distance, 'speed': speed}"),
    Case("constant-term", "return -distance, {'distance': -distance, 'alive': 1.0}"),
    Case("constant-term", "return -distance, {'distance': -distance, 'far': max(0.0, distance - 5.0)}"),
    Case("constant-term", "return -distance, {'distance': -distance, 'low': 1.0 if height < 0.2 else 0.0}"),
    Case("constant-reward", "return 3.0 if distance > 9 else 1.0"),
    Case("division-by-zero", "return 1 / distance"), Case("division-by-zero", "return speed % distance"),
    Case("division-by-zero", "return 1 / (speed - 1)"), Case("log-domain", "return np.log(distance)"),
    Case("log-domain", "return np.log1p(speed)"), Case("sqrt-domain", "return np.sqrt(speed)"),
    Case("sqrt-domain", "return speed ** 0.5"), Case("arc-domain", "return np.arccos(height)"),
    Case("exp-overflow", "return np.exp(unbounded)"), Case("exp-overflow", "return np.exp(500 * distance)"),
    Case("exp-overflow", "return np.cosh(unbounded) + speed"),
    Case("discontinuity", "return 1.0 if distance < 0.1 else -distance"),
    Case("discontinuity", "if distance < 0.1:\n        return 5.0\n    return -distance"),
    Case("discontinuity", "return (distance < 0.1) * 2.0 - distance"), Case("discontinuity", "return distance < 0.1"),
    Case("discontinuity", "return np.floor(distance) - speed"),
    Case("discontinuity", "return np.sign(speed) * distance"),
    Case("discontinuity", "return -(distance // 0.5)"), Case("discontinuity", "return np.where(flag > 0.5, 1, speed)"),
    Case("scale-imbalance", "return -distance, {'a': 1000 * distance, 'b': 0.1 * distance}"),
    Case("living-bonus", "return 2.0 - np.tanh(distance)"), Case("living-bonus", "return height"),
    Case("living-bonus", "return height - speed, {'height': height, 'speed': -speed}"),
    Case("repeatable-bonus", "r = -distance\n    if distance < 0.1:\n        r += 10\n    return r"),
    Case("repeatable-bonus", "return -distance + 10.0 * (distance < 0.1)"),
    Case("repeatable-bonus", "return -distance + np.where(distance < 0.1, 10.0, 0.0)"),
    Case("repeatable-bonus", "return -distance + (0.0 if distance > 0.1 else 2 + height)"),
    Case("repeatable-bonus", "return (distance < 0.1) - speed ** 2"),
    Case("exact-equality", "return 1.0 if distance == height else 0.0"),
    Case("maybe-undefined", "if distance < 0.1:\n        near = 1.0\n    return near if distance < 0.5 else -distance"),
    Case("maybe-undefined", "terms = {}\n    if flag > 0.5:\n        terms['a'] = speed\n    return terms['a']"),
    Case("result-shape", "return np.array([speed])"),
    Case("dtype", "x = np.zeros(2, dtype=int)\n    x[0] = speed\n    return x[0]"),
  ]

  @Test(arguments: firing) func speaks(_ example: Case) throws {
    let found = try findings(example.body)
    let match = found.first { $0.code == example.code }
    #expect(match != nil, "\(found.map(\.code))")
    guard let match else { return }
    #expect(match.severity != .error && match.line >= 1 && match.column >= 1 && !match.sourceLine.isEmpty)
    #expect(match.message.hasSuffix("."))
    #expect(match.rendered(name: "r.py").contains("^"))
  }

  static let quiet: [Case] = [
    Case("unused-input", "def reward(distance, action):\n    return -distance - action[0]"),
    Case("unused-input", "def reward(distance, speed):\n    return -distance if speed > 0 else -2 * distance"),
    Case("unknown-parameter", "def reward(distance, scale=2.0):\n    return -distance * scale"),
    Case("unknown-parameter", "def reward(distance, device=None):\n    return -distance"),
    Case("unused-function", "def helper(x):\n    return -x\ndef reward(distance):\n    return helper(distance)"),
    Case("unused-function", "def reward(distance):\n    return (lambda x: -x)(distance)"),
    Case("unused-term", "near = -distance\n    return near + speed, {'near': near, 'speed': speed}"),
    Case("constant-term", "return -distance, {'distance': -distance}"),
    Case("constant-term", "return -distance, {'far': max(0.0, distance - 1.0)}"),
    Case("constant-reward", "return 3.0 if distance > 1 else 1.0"),
    Case("division-by-zero", "return 1 / height"), Case("division-by-zero", "return 1 / (distance + 0.01)"),
    Case("division-by-zero", "return 1 / max(distance, 0.1)"), Case("division-by-zero", "return speed / 2"),
    Case("division-by-zero", "return 1 / distance if distance > 0.1 else 0.0"),
    Case("log-domain", "return np.log(height)"), Case("log-domain", "return np.log1p(distance)"),
    Case("sqrt-domain", "return np.sqrt(distance)"), Case("sqrt-domain", "return np.sqrt(np.sum(action ** 2))"),
    Case("sqrt-domain", "return speed ** 2"), Case("arc-domain", "return np.arccos(np.clip(height, -1, 1))"),
    Case("exp-overflow", "return np.exp(-np.abs(unbounded))"), Case("exp-overflow", "return np.exp(speed)"),
    Case("discontinuity", "return -distance + np.tanh(speed)"), Case("discontinuity", "return max(0.0, speed)"),
    Case("discontinuity", "return speed if speed > 0 else 0"), Case("discontinuity", "return np.clip(speed, -1, 1)"),
    Case("discontinuity", "return np.where(distance < height, distance, height)"),
    Case("scale-imbalance", "return -distance, {'a': 10 * distance, 'b': distance}"),
    Case("living-bonus", "return -height"), Case("living-bonus", "return np.exp(-10 * distance)"),
    Case("living-bonus", "return height - 1"), Case("living-bonus", "return 1.0"),
    Case("repeatable-bonus", "return -10.0 * (distance < 0.1) - speed"),
    Case("repeatable-bonus", "return -distance"),
    Case("repeatable-bonus", "return np.where(flag > 0.5, speed, -speed)"),
    Case("repeatable-bonus", "r = -distance\n    if distance > 1:\n        r -= 10\n    return r"),
    Case("exact-equality", "return 1.0 if flag == 1 else 0.0"),
    Case("maybe-undefined", "if distance < 0.5:\n        near = 1.0\n    return near if distance < 0.1 else -distance"),
    Case("maybe-undefined", "if flag > 0.5:\n        far = distance\n    return far - height if flag > 0.5 and far > 0.5 else 0.0"),
    Case("maybe-undefined", "if not flag:\n        x = speed\n    else:\n        y = -speed\n    return y if flag else x"),
    Case("maybe-undefined", "x = None\n    if flag > 0.5:\n        x = speed\n    return 0.0 if x is None else x"),
    Case("maybe-undefined", "terms = {}\n    if flag > 0.5:\n        terms['a'] = speed\n    return terms.get('a', 0.0)"),
    Case("result-shape", "return np.array([speed])[0]"),
  ]

  @Test(arguments: quiet) func isQuiet(_ example: Case) throws {
    let found = try findings(example.body)
    #expect(!found.contains { $0.code == example.code }, "\(found.map { $0.rendered(name: "r.py") })")
  }

  @Test func aBonusIsFoundUnderOthers() throws {
    let found = try findings(
      """
      def reward(distance, speed):
          total = -distance
          if distance < 0.5:
              total += 1.0
          if distance < 0.1:
              total += 10.0
          return total - 0.1 * speed ** 2
      """)
    #expect(Set(found.filter { $0.code == "repeatable-bonus" }.map(\.line)) == [4, 6])
    let most = found.filter { $0.code == "repeatable-bonus" }.map(\.message)
    #expect(most.contains { $0.contains("up to 10.0") } && most.contains { $0.contains("up to 1.0") })
  }

  @Test func checksCanBeLeftOut() throws {
    let source = "def reward(distance, speed):\n    return 1 / distance\n"
    let options = RewardProgram.Options(checks: false)
    #expect(try RewardProgram.compile(source, schema: Self.schema, options: options).warnings.isEmpty)
  }

  @Test func severalAreReportedInSourceOrder() throws {
    let found = try findings("a = 1 / distance\n    b = np.log(speed)\n    c = np.sqrt(speed)\n    return a + b + c")
    let doubts = found.filter { ["division-by-zero", "log-domain", "sqrt-domain"].contains($0.code) }
    #expect(doubts.map(\.line) == [2, 3, 4])
    #expect(found.map(\.line) == found.map(\.line).sorted())
  }
}
