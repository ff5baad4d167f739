import Basics
import DifferentiableRewards
import RewardPrograms
import Schemas
import Testing
import Torch

/// Named constants as parameters, learned and written back.
@Suite struct TrainableConstantTests {
  private static let schema = Schema(
    environment: "test", fields: [Field("x", meaning: ""), Field("action", shape: [2], meaning: "")])

  private static let source = """
    # Reaches the goal.
    SCALE = 1.0  # of the distance

    def compute_reward(x: torch.Tensor, action: torch.Tensor):
        temperature: float = 1.0
        offset = -0.25   # kept
        steps = 2
        reward = SCALE * torch.exp(-torch.abs(x) / temperature) + offset
        for i in range(steps):
            reward = reward - 0.0 * action[:, i]
        return reward

    """

  private func program() throws -> RewardProgram { try RewardProgram.compile(Self.source, schema: Self.schema) }

  /// y = 2.5 exp(-|x| / 0.4) - 0.25 is fitted from the numbers alone.
  @Test func constantsAreRecovered() throws {
    let program = try program()
    let trained = program.constants.filter { ["SCALE", "temperature"].contains($0.name) }
    let reward = try DifferentiableReward(program, training: trained, dtype: .float64)
    #expect(reward.namedParameters().map(\.name) == ["SCALE", "compute_reward.temperature"])
    let x = Tensor.linspace(-2, 2, steps: 41, dtype: .float64)
    let action = Tensor.zeros([41, 2], dtype: .float64)
    let wanted = x.abs().div(-0.4).exp().mul(2.5).sub(0.25)
    let optimizer = Adam(reward.parameters(), learningRate: 0.02)
    for _ in 0..<1500 {
      optimizer.zeroGrad()
      let error = try reward(["x": x, "action": action]).total.sub(wanted).square().mean()
      error.backward()
      optimizer.step()
    }
    let learned = reward.parameters().map { $0.item() }
    #expect(abs(learned[0] - 2.5) < 1e-3 && abs(learned[1] - 0.4) < 1e-3, "\(learned)")

    // Written back, the text differs in these two numbers alone, and compiles to the same rewards.
    let text = reward.source()
    let changed = zip(Self.source.split(separator: "\n"), text.split(separator: "\n")).filter { $0 != $1 }.map(\.1)
    #expect(changed.count == 2)
    #expect(changed[0].hasPrefix("SCALE = 2.") && changed[0].hasSuffix("  # of the distance"))
    let again = try RewardProgram.compile(text, schema: Self.schema)
    let value = try again.evaluate(
      ["x": NestedArray(shape: [1], values: [0.8]), "action": NestedArray(shape: [1, 2], values: [0, 0])])
    #expect(abs(value.reward[0] - (2.5 * 0.1353352832366127 - 0.25)) < 1e-3)
  }

  /// The length of a loop must be known while compiling.
  @Test func whatMustBeKnownCannotBeTrained() throws {
    let program = try program()
    let trainable = DifferentiableReward.trainableConstants(of: program).map(\.name)
    #expect(trainable == ["SCALE", "temperature", "offset"])
    let steps = program.constants.filter { $0.name == "steps" }
    #expect(steps.count == 1)
    #expect(throws: GuerdonError.self) { try DifferentiableReward(program, training: steps) }
  }

  @Test func othersConstantsAreRefused() throws {
    let other = try RewardProgram.compile("k = 3.0\ndef reward(x):\n    return k * x\n", schema: Self.schema)
    #expect(throws: GuerdonError.self) { try DifferentiableReward(program(), training: other.constants) }
  }

  @Test func wrongInputsAreNamed() throws {
    let reward = try DifferentiableReward(program())
    let x = Tensor.zeros([3]), action = Tensor.zeros([3, 2])
    func message(_ inputs: [String: Tensor]) -> String {
      do {
        _ = try reward(inputs)
        return ""
      } catch { return "\(error)" }
    }
    #expect(message(["x": x]).contains("\"action\""))
    #expect(message(["x": x, "action": Tensor.zeros([3, 5])]).contains("[3, 5]"))
    #expect(message(["x": x, "action": Tensor.zeros([4, 2])]).contains("4 rows"))
    #expect(message(["x": x, "action": action]).isEmpty)
    #expect(throws: GuerdonError.self) { try reward(records: Tensor.zeros([3, 2])) }
  }
}
