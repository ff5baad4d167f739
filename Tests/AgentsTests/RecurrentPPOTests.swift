import Basics
import Environments
import Foundation
import TestSupport
import Testing
import Torch

@testable import Agents

@Suite struct RecurrentPPOTests {
  struct Input: Encodable {
    var x: [Float]
    var state: [Float]
    var parameters: [String: [Float]]
  }

  private func network(_ seed: UInt64) -> RecurrentNetwork {
    let generator = Generator(seed: seed)
    let network = RecurrentNetwork(inputs: 3, hidden: 5, outputs: 2, actionWidth: 1, generator: generator)
    noGrad {
      for gates in [network.inputGates, network.hiddenGates] {
        if let bias = gates.bias { _ = bias.copy_(.randn(bias.shape, generator: generator)) }
      }
    }
    return network
  }

  /// Sequences of 6 steps in 2 environments beside `torch.nn.GRU`.
  @Test func remembersAsTorchsGRU() throws {
    let network = network(3)
    let generator = Generator(seed: 4)
    let x = Tensor.randn([6, 2, 3], generator: generator), state = Tensor.randn([2, 5], generator: generator)
    let found = noGrad { network(x, starts: .zeros([6, 2]), state: state) }
    var parameters: [String: [Float]] = [:]
    for (name, tensor) in network.namedParameters() { parameters[name] = tensor.detach().array() }
    let expected: [Float] = try Python.run(
      """
      import json, sys, torch
      d = json.load(sys.stdin); p = d["parameters"]
      gru = torch.nn.GRU(3, 5)
      with torch.no_grad():
          gru.weight_ih_l0.copy_(torch.tensor(p["inputGates.weight"]).view(15, 3)); gru.bias_ih_l0.copy_(torch.tensor(p["inputGates.bias"]))
          gru.weight_hh_l0.copy_(torch.tensor(p["hiddenGates.weight"]).view(15, 5)); gru.bias_hh_l0.copy_(torch.tensor(p["hiddenGates.bias"]))
          h, last = gru(torch.tensor(d["x"]).view(6, 2, 3), torch.tensor(d["state"]).view(1, 2, 5))
          actor = h @ torch.tensor(p["actor.weight"]).view(2, 5).T + torch.tensor(p["actor.bias"])
          critic = h @ torch.tensor(p["critic.weight"]).view(5) + torch.tensor(p["critic.bias"])
      print(json.dumps(last.flatten().tolist() + actor.flatten().tolist() + critic.flatten().tolist()))
      """, input: Input(x: x.array(), state: state.array(), parameters: parameters))
    let ours: [Float] = found.state.array() + found.outputs.array() + found.values.array()
    #expect(ours.count == expected.count && zip(ours, expected).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  /// What was before an episode's first step changes nothing after it, and no gradient crosses it.
  @Test func forgetsWhereAnEpisodeBegins() {
    let network = network(5)
    let generator = Generator(seed: 6)
    let x = Tensor.randn([6, 2, 3], generator: generator), state = Tensor.randn([2, 5], generator: generator)
    // Environment 0 begins an episode at step 3, environment 1 never does.
    let starts = Tensor([Float](arrayLiteral: 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0), shape: [6, 2])
    let whole = noGrad { network(x, starts: starts, state: state).outputs }
    let fresh = noGrad { network(x.narrow(0, 3, 3), starts: .zeros([3, 2]), state: .zeros([2, 5])).outputs }
    let through = noGrad { network(x, starts: .zeros([6, 2]), state: state).outputs }
    func rows(_ outputs: Tensor, _ first: Int, _ environment: Int) -> [Float] {
      outputs.narrow(0, first, 3).select(1, environment).contiguous().array()
    }
    #expect(zip(rows(whole, 3, 0), rows(fresh, 0, 0)).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(zip(rows(whole, 3, 1), rows(through, 3, 1)).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(zip(rows(whole, 3, 0), rows(through, 3, 0)).contains { abs($0 - $1) > 1e-4 })

    let leaf = x.clone().requiresGrad_()
    network(leaf, starts: starts, state: state).outputs.narrow(0, 3, 3).sum().backward()
    let gradient: [Float] = leaf.grad?.array() ?? []
    // Row t * 2 + i of three numbers.
    #expect(gradient[0..<3].allSatisfy { $0 == 0 } && gradient[12..<15].allSatisfy { $0 == 0 })
    #expect(gradient[3..<6].contains { $0 != 0 })
  }

  /// A cue of ±1 is shown at first and asked for four steps later, when every observation is the same: whoever remembers
  /// nothing is right half of the time, whatever it does.
  static func cue(count: Int) -> ScriptedEnvironment {
    ScriptedEnvironment(
      observation: .box(2), action: .discrete(2), maxEpisodeSteps: 50, count: count,
      begin: { random in [random.uniform() < 0.5 ? -1 : 1, 0] },
      observe: { state in [state[1] == 0 ? state[0] : 0, state[1] == 4 ? 1 : 0] }
    ) { state, action in
      let isAsked = state[1] == 4
      let isRight = (action[0] == 1) == (state[0] > 0)
      return .init(state: [state[0], state[1] + 1], reward: isAsked && isRight ? 1 : 0, terminated: isAsked)
    }
  }

  @Test(arguments: [0, 1, 2] as [UInt64]) func remembersTheCue(seed: UInt64) throws {
    var configuration = RecurrentPPO.Configuration()
    configuration.rolloutSteps = 32
    configuration.learningRate = 3e-3
    configuration.hidden = 16
    let agent = try RecurrentPPO(environment: Self.cue(count: 16), configuration: configuration, seed: seed)
    var share = 0.0
    for total in [15_000, 30_000, 45_000] where share < 0.95 {
      try agent.train(totalSteps: total)
      let episodes = try agent.evaluate(in: Self.cue(count: 50), episodes: 200, seed: 1_000)
      share = PPOTests.meanReturn(episodes)
    }
    #expect(share > 0.9)
  }

  /// The same task without a memory: no better than half, with a standard deviation of 0.025.
  @Test func withoutMemoryItIsHalf() throws {
    let pool = WorkerPool(threads: 1)
    var configuration = PPO.Configuration()
    configuration.rolloutSteps = 64
    let agent = try PPO(environment: Self.cue(count: 16), configuration: configuration, seed: 0, pool: pool)
    try agent.train(totalSteps: 20_000)
    let episodes = try evaluate(agent.policy, in: Self.cue(count: 50), episodes: 400, seed: 1_000)
    #expect(abs(PPOTests.meanReturn(episodes) - 0.5) < 0.11)
  }

  @Test func actsInBoxes() throws {
    var configuration = RecurrentPPO.Configuration()
    configuration.rolloutSteps = 64
    configuration.minibatches = 2
    func make() throws -> RecurrentPPO {
      try RecurrentPPO(
        environment: Environments.make("Pendulum-v1", count: 4), configuration: configuration,
        reward: .function(ActionReward(sign: 1)), seed: 2)
    }
    let agent = try make(), twin = try make()
    var terms: [TermStatistics] = []
    try agent.train(totalSteps: 8_000, onIteration: { terms = $0.terms })
    #expect(terms.map(\.name) == ["push"] && terms[0].mean > 0.8, "\(terms)")
    try twin.train(totalSteps: 8_000)
    #expect(zip(agent.network.parameters(), twin.network.parameters()).allSatisfy {
      $0.detach().array(of: Float.self) == $1.detach().array(of: Float.self)
    })
  }
}
