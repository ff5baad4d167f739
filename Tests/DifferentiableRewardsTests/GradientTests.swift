import Basics
import DifferentiableRewards
import RewardPrograms
import Schemas
import TestSupport
import Testing
import Torch

/// Values and gradients of programs are those of PyTorch running the same file.
@Suite struct GradientTests {
  private static let schema = Schema(
    environment: "test",
    fields: [
      Field("hand", shape: [3], meaning: ""), Field("goal", shape: [3], meaning: ""), Field("speed", meaning: ""),
      Field("action", shape: [4], meaning: ""), Field("quat", shape: [4], meaning: ""),
    ])

  private struct Job: Encodable {
    let programs: [String]
    let inputs: [String: [[Double]]]
  }
  private struct Result: Decodable {
    let total: [Double]
    let gradients: [String: [Double]]
  }

  static let programs: [String] = [
    """
    def compute_reward(hand: torch.Tensor, goal: torch.Tensor, action: torch.Tensor):
        dist = torch.norm(hand - goal, dim=-1)
        temperature = 0.3
        return torch.exp(-dist / temperature) - 0.01 * (action ** 2).sum(dim=-1)
    """,
    """
    def compute_reward(speed: torch.Tensor, action: torch.Tensor):
        gate = torch.where(speed > 0.2, torch.tanh(speed), 0.5 * speed)
        return gate + torch.sigmoid(3.0 * (speed - 0.5)) - torch.abs(action).mean(dim=-1)
    """,
    """
    def compute_reward(hand: torch.Tensor, goal: torch.Tensor):
        a = torch.clamp(hand[:, 0], -0.5, 0.5) * torch.max(hand[:, 1], goal[:, 1])
        return a + torch.min(hand, dim=-1)[0] + torch.log1p(hand[:, 2] ** 2) + torch.atan2(hand[:, 0], goal[:, 0])
    """,
    """
    def compute_reward(quat: torch.Tensor, goal: torch.Tensor):
        q = quat / torch.norm(quat, dim=-1, keepdim=True)
        c = torch.cross(q[:, :3], goal, dim=-1)
        return (c * goal.cos()).sum(dim=-1) + torch.sqrt((c ** 2).sum(dim=-1) + 1e-6) + q[:, 3] ** 3
    """,
    """
    def compute_reward(speed: torch.Tensor, hand: torch.Tensor):
        x = hand.clone()
        x[:, 1] = speed * 2.0
        total = torch.zeros_like(speed)
        for i in range(3):
            total += (i + 1) * torch.sin(x[:, i]) * torch.cosh(0.3 * x[:, 2])
        return total + torch.softmax(x, dim=-1)[:, 0] + torch.logsumexp(x, dim=-1)
    """,
    """
    def compute_reward(speed: torch.Tensor, action: torch.Tensor):
        return torch.relu(speed - 0.1) ** 1.5 + torch.remainder(speed, 0.7) + torch.floor(speed) + action.prod(dim=-1) \\
            + torch.nn.functional.softplus(speed) + torch.erf(speed) + torch.asin(0.2 * torch.tanh(speed))
    """,
  ]

  @Test func valuesAndGradientsArePyTorchs() throws {
    var generator = RandomGenerator(seed: 5)
    let rows = 23
    var inputs: [String: [[Double]]] = [:]
    for field in Self.schema.fields {
      inputs[field.name] = (0..<rows).map { _ in (0..<field.width).map { _ in generator.uniform(-1.5, 1.5) } }
    }
    let results: [Result] = try Python.run(
      """
      import json, sys, torch
      job = json.load(sys.stdin)
      results = []
      for source in job["programs"]:
          names = {"torch": torch}
          exec(source, names)
          function = names["compute_reward"]
          parameters = function.__code__.co_varnames[:function.__code__.co_argcount]
          inputs = {p: torch.tensor(job["inputs"][p], dtype=torch.float64) for p in parameters}
          inputs = {p: (v[:, 0] if p == "speed" else v).clone().requires_grad_() for p, v in inputs.items()}
          total = function(**inputs)
          total.sum().backward()
          results.append(dict(total=total.tolist(), gradients={p: v.grad.flatten().tolist() for p, v in inputs.items()}))
      print(json.dumps(results))
      """, input: Job(programs: Self.programs, inputs: inputs))
    #expect(results.count == Self.programs.count)
    for (source, expected) in zip(Self.programs, results) {
      let program = try RewardProgram.compile(source, schema: Self.schema)
      let reward = try DifferentiableReward(program, dtype: .float64)
      var tensors: [String: Tensor] = [:]
      for input in program.inputs {
        let values = inputs[input.name] ?? []
        let shape: [Int] = input.name == "speed" ? [rows] : [rows, input.columns.count]
        tensors[input.name] = Tensor(values.flatMap { $0 }, shape: shape).requiresGrad_()
      }
      let total = try reward(tensors).total
      expectClose(total.array(of: Double.self), expected.total, 1e-6, "total of \(source)")
      total.sum().backward()
      #expect(Set(tensors.keys) == Set(expected.gradients.keys))
      for (name, tensor) in tensors {
        expectClose(
          tensor.grad?.array(of: Double.self) ?? [], expected.gradients[name] ?? [], 1e-6, "∂/∂\(name) of \(source)")
      }
    }
  }

  private func expectClose(_ found: [Double], _ expected: [Double], _ tolerance: Double, _ what: String) {
    let isClose = found.count == expected.count
      && zip(found, expected).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
    #expect(isClose, "\(what): \(found.prefix(5)) against \(expected.prefix(5))")
  }

  /// The length of a zero vector has the subgradient 0, as in PyTorch's `norm`.
  @Test func aZeroDistanceHasAFiniteGradient() throws {
    let program = try RewardProgram.compile(
      "def compute_reward(hand: torch.Tensor, goal: torch.Tensor):\n    return -torch.norm(hand - goal, dim=-1)\n",
      schema: Self.schema)
    let hand = Tensor([1.0, 2, 3], shape: [1, 3]).requiresGrad_()
    let reward = try DifferentiableReward(program, dtype: .float64)
    try reward(["hand": hand, "goal": hand.detach()]).total.sum().backward()
    #expect(hand.grad?.array(of: Double.self) == [0, 0, 0])
  }

  /// Fitness programs, over the columns of an episode: closed forms of the value and of the gradient.
  @Test(arguments: [
    ("speed.mean()", 2.5, [0.25, 0.25, 0.25, 0.25]),
    ("speed[-1] - speed[0]", -2.0, [-1, 0, 0, 1]),
    ("speed.max() + 2 * speed.min()", 6.0, [0, 1, 0, 2]),
    ("np.cumsum(speed)[2]", 9.0, [1, 1, 1, 0]),
    ("(speed[1:] - speed[:-1])[0] ** 2", 1.0, [-2, 2, 0, 0]),
    ("np.sort(speed)[1]", 2.0, [0, 0, 1, 0]),
    ("np.median(speed)", 2.5, [0.5, 0, 0.5, 0]),
    ("speed[::2].sum()", 5.0, [1, 0, 1, 0]),
    ("np.prod(speed)", 24.0, [8, 6, 12, 24]),
    ("len(speed) * speed[1]", 16.0, [0, 4, 0, 0]),
  ])
  func fitnessOfAnEpisode(_ expression: String, _ value: Double, _ gradient: [Double]) throws {
    let program = try RewardProgram.compile(
      "def fitness(speed):\n    return \(expression)\n", schema: Self.schema, kind: .fitness)
    let speed = Tensor([3.0, 4, 2, 1]).requiresGrad_()
    let total = try DifferentiableReward(program)(["speed": speed]).total
    #expect(abs(total.item() - value) < 1e-12)
    total.backward()
    #expect(speed.grad?.array(of: Double.self) == gradient)
  }

  @Test func recordsAreColumnsOfTheSchema() throws {
    let program = try RewardProgram.compile(
      "def compute_reward(goal: torch.Tensor):\n    return goal[:, 1], {\"one\": torch.ones_like(goal[:, 0])}\n",
      schema: Self.schema)
    let records = Tensor.arange(2 * Self.schema.width).to(.float64).reshape(2, Self.schema.width)
    let outcome = try DifferentiableReward(program)(records: records)
    #expect(outcome.total.array(of: Float.self) == [4, Float(Self.schema.width) + 4])
    #expect(outcome.terms.map(\.name) == ["one"])
    #expect(outcome.terms[0].value.array(of: Float.self) == [1, 1])
  }
}
