import Environments
import FiniteMDPs
import Foundation
import RewardAudit
import RewardPrograms
import Rewards
import Testing

/// Findings that can be worked out by hand.
@Suite struct ExactAuditTests {
  /// States 0 and 1, and the end 2. From 0: on to 1, or to the end. From 1: back to 0, or to the end. The environment pays 1
  /// for the end reached from 1.
  private static func world(_ reward: [Double] = [0, 0, 0, 1, 0, 0]) throws -> FiniteMDP {
    var table = [Double](repeating: 0, count: 3 * 2 * 3)
    for (row, next) in [1, 2, 0, 2, 2, 2].enumerated() { table[row * 3 + next] = 1 }
    return try FiniteMDP(
      transitions: TransitionModel(stateCount: 3, actionCount: 2, table: table), reward: .stateAction(reward),
      initial: [1, 0, 0], discount: 0.9, terminal: [2])
  }

  private func codes(_ designed: [Double]) throws -> [String: Finding] {
    let findings = try ExactAudit().findings(model: Self.world(), designed: .stateAction(designed))
    #expect(findings.map(\.severity) == findings.map(\.severity).sorted())
    return Dictionary(findings.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })
  }

  @Test func itsOwnRewardIsKept() throws {
    let found = try codes([0, 0, 0, 1, 0, 0])
    #expect(found["optimum-kept"]?.severity == .note)
    #expect(found["optimum-changed"] == nil && found["cycle-pays"] == nil && found["never-ends"] == nil)
    // The same with a potential that is 5 in state 1 and 0 elsewhere: γ Φ(s') - Φ(s) with the audit's γ = 0.99.
    let shaped = try codes([0.99 * 5, 0, -5, 1 - 5, 0, 0])
    #expect(shaped["optimum-kept"] != nil && shaped["optimum-changed"] == nil)
  }

  @Test func aCircleThatPays() throws {
    // 0.4 for every step between 0 and 1: a circle for ever is worth 40, the end 1.
    let found = try codes([0.4, 0, 0.4, 1, 0, 0])
    #expect(found["optimum-changed"]?.severity == .high)
    #expect(found["never-ends"]?.severity == .high)
    let cycle = try #require(found["cycle-pays"])
    #expect(cycle.severity == .medium && cycle.title.contains("2 steps") && cycle.evidence.hasPrefix("0.4 a step"))
  }

  /// The end from 1 pays by both rewards, so they go together in random play; but a circle pays more.
  @Test func hackingByItsDefinition() throws {
    let designed = [0.1, 0, 0.1, 5, 0, 0]
    let hacked = try #require(try codes(designed)["optimising-harms"])
    #expect(hacked.severity == .high && hacked.evidence.contains("Reward hacking"))
    // The same by hand: occupancies of random play by a linear system, and no end under the circle.
    let mdp = try Self.world().replacing(discount: 0.99)
    let found = try mdp.assessProxy(
      designed, truth: [0, 0, 0, 1, 0, 0], base: .uniform(stateCount: 3, actionCount: 2),
      optimised: TabularPolicy(actions: [0, 0, 0], actionCount: 2))
    // x(0) = 0.01 + 0.99 x(1) / 2 and x(1) = 0.99 x(0) / 2, of which half end.
    let x0 = 0.01 / (1 - 0.495 * 0.495)
    #expect(abs(found.base.trueMean - 0.495 * x0 / 2) < 1e-12 && found.optimised.trueMean == 0)
    #expect(found.isHacking)
    #expect(try codes([0, 0, 0, 1, 0, 0])["correlated"]?.severity == .note)
    #expect(try codes([0, 0, 0, -1, 0, 0])["weak-correlation"]?.severity == .low)
  }

  @Test func aRewardThatSaysNothing() throws {
    #expect(try codes([0, 0, 0, 0, 0, 0])["trivial"]?.severity == .high)
  }

  @Test func theWorstThatIsCalledGood() throws {
    // The end from 0 pays 1, that from 1 pays 0.98: by the environment's reward the first is worth nothing.
    let found = try codes([0, 1, 0, 0.98, 0, 0])
    #expect(found["optimum-changed"]?.severity == .high)
    #expect(found["worst-called-good"]?.severity == .high)
  }

  /// The records of a finite model give the table that the environment's own definition gives.
  @Test(arguments: ["CliffWalking-v1", "CliffWalkingSlippery-v1", "FrozenLake-v1", "Taxi-v4"])
  func recordsAndModelAgree(_ id: String) throws {
    let model = try #require(try Environments.finiteModel(id, discount: 0.9))
    let source =
      switch id {
      case "FrozenLake-v1": "def compute_reward(at_goal):\n    return at_goal * 1.0\n"
      case "Taxi-v4":
        "import numpy as np\n\ndef compute_reward(delivered, illegal):\n    return np.where(delivered > 0, 20.0, np.where(illegal > 0, -10.0, -1.0))\n"
      default: "import numpy as np\n\ndef compute_reward(fell):\n    return np.where(fell > 0, -100.0, -1.0)\n"
      }
    let program = try RewardProgram.compile(source, name: id, schema: model.transitions.schema)
    var values = [Double](repeating: 0, count: model.outcomes.count)
    let rows = 0..<values.count
    ProgramReward(program).makeEvaluator().evaluate(model.transitions, rows: rows, total: &values, terms: nil)
    let found = try model.mdp.replacing(reward: model.reward(values))
    for s in 0..<model.mdp.stateCount where !model.mdp.isTerminal[s] {
      for row in s * model.mdp.actionCount..<(s + 1) * model.mdp.actionCount {
        #expect(abs(found.expectedReward[row] - model.mdp.expectedReward[row]) < 1e-12)
      }
    }
  }

  @Test func othersHaveNoModel() throws {
    #expect(try Environments.finiteModel("Pendulum-v1", discount: 0.9) == nil)
    #expect(throws: (any Error).self) { try Environments.finiteModel("Nothing-v0", discount: 0.9) }
  }

  @Test func sarifNamesLevelsAndLines() throws {
    let data = try SARIF.log(
      [
        Finding(.high, "exploit", "It cheats.", evidence: "a lot"),
        Finding(.low, "division", "May divide by 0.", evidence: "line 3", line: 3),
      ], file: "rewards/run.py")
    let log = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(log["version"] as? String == "2.1.0")
    let runs = try #require(log["runs"] as? [[String: Any]])
    let results = try #require(runs.first?["results"] as? [[String: Any]])
    #expect(results.map { $0["level"] as? String } == ["error", "note"])
    let text = String(decoding: data, as: UTF8.self)
    #expect(text.contains("\"startLine\" : 3") && text.contains("rewards/run.py"))
  }
}
