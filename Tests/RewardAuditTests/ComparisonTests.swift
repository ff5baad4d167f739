import Basics
import Environments
import Experiments
import RewardAudit
import RewardPrograms
import Rewards
import Testing

/// Distances that theory fixes: shaping, scale and a constant are worth nothing, and the opposite reward is at 2.
@Suite struct ComparisonTests {
  private static func entry(_ name: String, _ source: String, in id: String) throws -> RewardComparison.Entry {
    let schema = try Environments.spec(id).schema
    return .init(name, ProgramReward(try RewardProgram.compile(source, name: name, schema: schema)))
  }

  @Test func exactDistances() throws {
    let id = "CliffWalking-v1"
    let own = "np.where(fell > 0, -100.0, -1.0)"
    let shaping = "0.9 * np.sin(next_obs) - np.sin(obs)"
    // An end is worth nothing, so the potential of the goal, state 47, must be 0.
    let potential = "0.9 * np.where(next_obs == 47, 0.0, np.sin(next_obs)) - np.sin(obs)"
    func program(_ body: String) -> String { "import numpy as np\n\ndef compute_reward(obs, next_obs, fell):\n    return \(body)\n" }
    let entries = [
      .init("environment", nil), try Self.entry("own", program(own), in: id),
      try Self.entry("shaped", program("3 * (\(own)) + 10 * (\(potential))"), in: id),
      try Self.entry("opposite", program("-(\(own))"), in: id),
      try Self.entry("other", program("np.cos(obs) + 0 * (\(shaping))"), in: id),
    ]
    let model = try #require(try Environments.finiteModel(id, discount: 0.9))
    let result = try RewardComparison.exact(entries, in: model, metrics: [.starc])
    let d = { (i: Int, j: Int) in result.tables[0].distances[i * entries.count + j] }
    #expect(result.isExact && result.tables[0].floor == 0)
    #expect(d(0, 1) < 1e-9)
    #expect(d(0, 2) < 1e-6)
    #expect(abs(d(0, 3) - 2) < 1e-9)
    #expect(d(0, 4) > 0.2 && d(0, 4) < 1.9)
    // By its opposite one can lose everything.
    #expect(result.guarantees.contains { $0.contains("opposite loses at most 100.0 % of what own has") })
    #expect(result.guarantees.contains { $0.contains("shaped loses at most 0.0 % of what own has") })
  }

  @Test func sampledDistances() throws {
    let id = "Pendulum-v1"
    func program(_ body: String) -> String {
      """
      import numpy as np

      def compute_reward(obs, next_obs, action):
          upright = obs[0] - 0.1 * np.square(obs[2])
          shaping = 0.95 * np.square(next_obs[2]) - np.square(obs[2])
          return \(body)

      """
    }
    let entries = [
      try Self.entry("upright", program("upright"), in: id), try Self.entry("scaled", program("5 * upright"), in: id),
      try Self.entry("shaped", program("upright + 0.3 * shaping"), in: id),
      try Self.entry("opposite", program("-upright"), in: id),
      try Self.entry("effort", program("-np.square(action[0])"), in: id),
      try Self.entry("constant", program("upright + 2"), in: id),
      try Self.entry("two", program("upright, {\"good\": 2 * upright, \"bad\": -upright}"), in: id),
    ]
    let result = try RewardComparison.sampled(entries, seed: 1) { try Environments.make(id, count: $0) }
    let table = result.tables[0]
    let d = { (i: Int, j: Int) in table.distances[i * entries.count + j] }
    #expect(!result.isExact)
    #expect(d(0, 1) < 1e-6)
    // A horizon of 100 steps at γ = 0.95 leaves 0.6 % of a potential or a constant.
    #expect(d(0, 2) < 0.05)
    #expect(d(0, 5) < 0.05)
    #expect(abs(d(0, 3) - 2) < 1e-6)
    // Nothing in common: √2.
    #expect(abs(d(0, 4) - 2.0.squareRoot()) < 0.35)
    for cell in table.distances.indices { #expect(table.low[cell] <= table.distances[cell] && table.distances[cell] <= table.high[cell]) }
    #expect(table.floor > 0 && table.floor < 1)
    // Without its bad term "two" is "upright"; without its good one the opposite.
    let bad = try #require(result.terms.first { $0.term == "bad" && $0.other == "opposite" })
    #expect(abs(bad.without - 2) < 1e-6)
    let good = try #require(result.terms.first { $0.term == "good" && $0.other == "opposite" })
    #expect(good.without < 1e-6)
  }

  /// A file may be called anything, also what a format would read as an argument.
  @Test func namesAreNoFormats() throws {
    let id = "CliffWalking-v1"
    let name = "a%s%n%@.py"
    let entry = try Self.entry(name, "def compute_reward(fell):\n    return -fell\n", in: id)
    let model = try #require(try Environments.finiteModel(id, discount: 0.9))
    let result = try RewardComparison.exact([.init("environment", nil), entry], in: model, metrics: [.starc])
    #expect(result.guarantees.count == 2 && result.guarantees.allSatisfy { $0.contains(name) })
  }

  /// A reward that says nothing has a distance, not a NaN.
  @Test func trivialRewardsAreNamed() throws {
    let id = "CliffWalking-v1"
    let flat = try Self.entry("flat", "def compute_reward(fell):\n    return 3.0 + 0.0 * fell\n", in: id)
    let model = try #require(try Environments.finiteModel(id, discount: 0.9))
    // Where episodes end a constant is no trivial reward, for it pays for staying; nothing is.
    let none = try Self.entry("none", "def compute_reward(fell):\n    return 0.0 * fell\n", in: id)
    let result = try RewardComparison.exact(
      [.init("environment", nil), flat, none], in: model, metrics: RewardComparison.Metric.allCases)
    for table in result.tables {
      #expect(table.distances.allSatisfy { $0.isFinite })
      #expect(abs(table.distances[2] - 1) < 1e-12 && table.distances[8] == 0)
    }
    #expect(result.guarantees.contains { $0.hasPrefix("none tells no policies apart") })
    #expect(!result.guarantees.contains { $0.hasPrefix("flat tells") })
  }

  @Test func rewardsThatCannotBeCompared() throws {
    let id = "Pendulum-v1"
    let wrong = try Self.entry("wrong", "def compute_reward(obs):\n    return obs[2] / (obs[2] * 0.0)\n", in: id)
    let flat = try Self.entry("flat", "def compute_reward(obs):\n    return 0.0 * obs[2]\n", in: id)
    let own = RewardComparison.Entry("environment", nil)
    for entries in [[own, wrong], [own, flat]] {
      #expect(throws: GuerdonError.self) {
        try RewardComparison.sampled(entries, seed: 1) { try Environments.make(id, count: $0) }
      }
    }
    #expect(throws: GuerdonError.self) {
      try RewardComparison.measure([own, own], in: Environments.spec(id), metrics: [.epic], seed: 1)
    }
    #expect(throws: GuerdonError.self) { try RewardComparison.measure([own], in: Environments.spec(id), seed: 1) }
  }

  /// What says nothing under random play is left out, and the others are compared; in blocks or at once.
  @Test func whatSaysNothingIsLeftOut() throws {
    let id = "Pendulum-v1"
    let flat = try Self.entry("flat", "def compute_reward(obs):\n    return 0.0 * obs[2]\n", in: id)
    let upright = try Self.entry("upright", "def compute_reward(obs):\n    return obs[0], {\"all\": obs[0], \"none\": 0.0}\n", in: id)
    let own = RewardComparison.Entry("environment", nil)
    var sampling = RewardComparison.Sampling()
    sampling.transitions = 64
    let whole = try RewardComparison.measure([flat, own, upright], in: Environments.spec(id), sampling: sampling, seed: 1)
    #expect(whole.names == ["environment", "upright"] && whole.leftOut == ["flat"])
    #expect(whole.tables[0].distances.count == 4 && whole.tables[0].distances[1] > 0.1)
    #expect(whole.terms.map(\.term) == ["none"])
    // Blocks take other random actions: the same within the intervals, and the same again.
    sampling.copies = 200
    let blocks = try RewardComparison.measure([own, upright], in: Environments.spec(id), sampling: sampling, seed: 1)
    #expect(abs(blocks.tables[0].distances[1] - whole.tables[0].distances[1]) < 0.2)
    let again = try RewardComparison.measure([own, upright], in: Environments.spec(id), sampling: sampling, seed: 1)
    #expect(again.tables[0].distances == blocks.tables[0].distances)
    var report = Report(title: "t", subtitle: "s")
    comparisonSection(&report, whole)
    #expect(report.html.contains("flat is left out") && !report.html.contains(">nan<"))
  }
}
