import Basics
import Environments
import Foundation
import TestSupport
import Testing

@testable import Agents

/// One update of each algorithm beside PyTorch's autograd and optimisers, from the same parameters on the same minibatch.
@Suite struct OffPolicyUpdateTests {
  struct Network: Codable {
    var weights: [[[Float]]]
    var biases: [[Float]]

    init(_ network: MLP) {
      let parameters = network.layers.indices.map { network.get(layer: $0) }
      biases = parameters.map(\.bias)
      weights = zip(network.layers, parameters).map { layer, parameter in
        (0..<layer.outputs).map { row in Array(parameter.weight[row * layer.inputs..<(row + 1) * layer.inputs]) }
      }
    }

    /// The largest difference between any two parameters.
    func distance(_ other: Network) -> Float {
      let pairs = zip(weights.joined().joined(), other.weights.joined().joined())
      return max(
        pairs.map { abs($0 - $1) }.max() ?? 0, zip(biases.joined(), other.biases.joined()).map { abs($0 - $1) }.max() ?? 0)
    }
  }
  struct Batch: Encodable {
    var s: [[Float]]
    var a: [[Float]]
    var next: [[Float]]
    var rewards: [Float]
    var discounts: [Float]

    init(_ batch: ReplayBatch, observationWidth: Int, actionWidth: Int) {
      func rows(_ buffer: FloatBuffer, _ columns: Range<Int>) -> [[Float]] {
        (0..<batch.capacity).map { row in columns.map { buffer.base[row * batch.row + $0] } }
      }
      s = rows(batch.current, 0..<observationWidth)
      a = rows(batch.current, observationWidth..<observationWidth + actionWidth)
      next = rows(batch.following, 0..<observationWidth)
      (rewards, discounts) = (batch.rewards.array, batch.discounts.array)
    }
  }
  struct Input: Encodable {
    var networks: [String: Network]
    var batch: Batch
    var noise: [[Float]] = []
    var logTemperature: Float = 0
    var options: [String: Bool] = [:]
  }
  struct Output: Decodable {
    var networks: [String: Network]
    var logTemperature: Float = 0
  }

  static let prelude = """
    import json, sys, copy, torch, torch.nn as nn, torch.nn.functional as F
    d = json.load(sys.stdin)
    def load(n):
        layers = []
        for w, b in zip(n["weights"], n["biases"]):
            w, b = torch.tensor(w), torch.tensor(b)
            linear = nn.Linear(w.shape[1], w.shape[0])
            with torch.no_grad(): linear.weight.copy_(w); linear.bias.copy_(b)
            layers += [linear, nn.ReLU()]
        return nn.Sequential(*layers[:-1])
    def dump(n):
        linears = [m for m in n if hasattr(m, "weight")]
        return dict(weights=[m.weight.tolist() for m in linears], biases=[m.bias.tolist() for m in linears])
    def follow(target, source, tau):
        with torch.no_grad():
            for t, s in zip(target.parameters(), source.parameters()): t.mul_(1 - tau).add_(s, alpha=tau)
    nets = {k: load(n) for k, n in d["networks"].items()}
    s, a, s1, r, g = (torch.tensor(d["batch"][k]) for k in ("s", "a", "next", "rewards", "discounts"))
    r, g = r[:, None], g[:, None]

    """


  @Test func sacEqualsPyTorch() throws {
    var configuration = SAC.Configuration()
    configuration.learningStarts = 1_000
    configuration.minibatch = 63
    configuration.hidden = [96, 40]
    configuration.initialTemperature = 0.3
    configuration.tau = 0.1
    let pool = WorkerPool(threads: 2)
    let environment = try Environments.make("Hopper-v5", count: 3, pool: pool)
    let sac = try SAC(environment: environment, configuration: configuration, seed: 5, pool: pool)
    try sac.train(totalSteps: 600)
    #expect(sac.updates == 0)
    let before = Dictionary(uniqueKeysWithValues: sac.networks.map { ($0.name, Network($0.network)) })
    let logTemperature = sac.logTemperature.base[0]
    sac.update()
    let noise = (0..<2 * 63).map { row in (0..<3).map { sac.noise.base[row * 3 + $0] } }
    let expected: Output = try Python.run(
      Self.prelude + """
        actor, critics = nets["actor"], [nets["critic.0"], nets["critic.1"]]
        targets = [nets["critic_target.0"], nets["critic_target.1"]]
        log_alpha = torch.tensor(d["logTemperature"], requires_grad=True)
        noise = torch.tensor(d["noise"]); n = len(s)
        def sample(x, eps):
            mean, log_std = actor(x).chunk(2, -1)
            normal = torch.distributions.Normal(mean, log_std.clamp(-20, 2).exp())
            u = mean + normal.stddev * eps
            squashed = torch.tanh(u)
            return squashed, (normal.log_prob(u) - torch.log(1 - squashed ** 2 + 1e-6)).sum(-1, keepdim=True)
        pi, logp = sample(s, noise[:n])
        alpha = log_alpha.detach().exp()
        opt = torch.optim.Adam([log_alpha], lr=3e-4)
        (-(log_alpha * (logp - a.shape[1]).detach()).mean()).backward(); opt.step()
        with torch.no_grad():
            pi1, logp1 = sample(s1, noise[n:])
            q1 = torch.min(*[t(torch.cat([s1, pi1], 1)) for t in targets]) - alpha * logp1
            y = r + g * q1
        opt = torch.optim.Adam([p for c in critics for p in c.parameters()], lr=3e-4)
        (0.5 * sum(F.mse_loss(c(torch.cat([s, a], 1)), y) for c in critics)).backward(); opt.step()
        opt = torch.optim.Adam(actor.parameters(), lr=3e-4)
        q = torch.min(*[c(torch.cat([s, pi], 1)) for c in critics])
        (alpha * logp - q).mean().backward(); opt.step()
        for c, t in zip(critics, targets): follow(t, c, 0.1)
        print(json.dumps(dict(networks={k: dump(n) for k, n in nets.items()}, logTemperature=log_alpha.item())))
        """,
      input: Input(
        networks: before, batch: Batch(sac.batch, observationWidth: 11, actionWidth: 3), noise: noise,
        logTemperature: logTemperature))
    for (name, network) in sac.networks {
      let wanted = try #require(expected.networks[name]), start = try #require(before[name])
      // Adam's first step is about the learning rate wherever the gradient is more than rounding.
      #expect(wanted.distance(start) > 2e-5)
      #expect(Network(network).distance(wanted) < 1e-5, "\(name)")
    }
    #expect(abs(sac.logTemperature.base[0] - expected.logTemperature) < 1e-6)
    #expect(abs(expected.logTemperature - logTemperature) > 1e-4)
  }

  @Test func td3EqualsPyTorch() throws {
    var configuration = TD3.Configuration()
    configuration.learningStarts = 1_000
    configuration.minibatch = 50
    configuration.hidden = [48, 33]
    configuration.targetNoise = 0
    configuration.policyDelay = 1
    configuration.nSteps = 3
    configuration.tau = 0.1
    let pool = WorkerPool(threads: 2)
    let environment = try Environments.make("Hopper-v5", count: 3, pool: pool)
    let td3 = try TD3(environment: environment, configuration: configuration, seed: 6, pool: pool)
    try td3.train(totalSteps: 600)
    let before = Dictionary(uniqueKeysWithValues: td3.networks.map { ($0.name, Network($0.network)) })
    td3.update()
    let expected: Output = try Python.run(
      Self.prelude + """
        actor, critics = nets["actor"], [nets["critic.0"], nets["critic.1"]]
        targets = [nets["critic_target.0"], nets["critic_target.1"]]
        with torch.no_grad():
            pi1 = torch.tanh(nets["actor_target"](s1))
            y = r + g * torch.min(*[t(torch.cat([s1, pi1], 1)) for t in targets])
        opt = torch.optim.Adam([p for c in critics for p in c.parameters()], lr=1e-3)
        sum(F.mse_loss(c(torch.cat([s, a], 1)), y) for c in critics).backward(); opt.step()
        opt = torch.optim.Adam(actor.parameters(), lr=1e-3)
        (-critics[0](torch.cat([s, torch.tanh(actor(s))], 1)).mean()).backward(); opt.step()
        for c, t in zip(critics + [actor], targets + [nets["actor_target"]]): follow(t, c, 0.1)
        print(json.dumps(dict(networks={k: dump(n) for k, n in nets.items()}, logTemperature=0)))
        """,
      input: Input(networks: before, batch: Batch(td3.batch, observationWidth: 11, actionWidth: 3)))
    for (name, network) in td3.networks {
      let wanted = try #require(expected.networks[name]), start = try #require(before[name])
      #expect(wanted.distance(start) > 5e-5)
      #expect(Network(network).distance(wanted) < 3e-5, "\(name)")
    }
  }

  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func dqnEqualsPyTorch(isDouble: Bool, isDuelling: Bool) throws {
    var configuration = DQN.Configuration()
    configuration.learningStarts = 1_000
    configuration.minibatch = 45
    configuration.hidden = [32, 24]
    configuration.isDouble = isDouble
    configuration.isDuelling = isDuelling
    configuration.maxGradientNorm = 0.1
    let environment = try Environments.make("Acrobot-v1", count: 3)
    let dqn = try DQN(environment: environment, configuration: configuration, seed: 7)
    try dqn.train(totalSteps: 600)
    // A target that differs from the network, so that mistaking one for the other shows.
    var random = RandomGenerator(seed: 8)
    dqn.target.initializeUniformly(random: &random)
    let before = Dictionary(uniqueKeysWithValues: dqn.networks.map { ($0.name, Network($0.network)) })
    dqn.update()
    let expected: Output = try Python.run(
      Self.prelude + """
        def q(net, x):
            out = net(x)
            if not d["options"]["duelling"]: return out
            return out[:, -1:] + out[:, :-1] - out[:, :-1].mean(1, keepdim=True)
        net, target = nets["q_net"], nets["q_net_target"]
        with torch.no_grad():
            values = q(target, s1)
            best = q(net if d["options"]["double"] else target, s1).argmax(1, keepdim=True)
            y = r + g * values.gather(1, best)
        opt = torch.optim.Adam(net.parameters(), lr=1e-4)
        F.smooth_l1_loss(q(net, s).gather(1, a.long()), y).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.1); opt.step()
        print(json.dumps(dict(networks={k: dump(n) for k, n in nets.items()}, logTemperature=0)))
        """,
      input: Input(
        networks: before, batch: Batch(dqn.batch, observationWidth: 6, actionWidth: 1),
        options: ["double": isDouble, "duelling": isDuelling]))
    let wanted = try #require(expected.networks["q_net"]), start = try #require(before["q_net"])
    #expect(wanted.distance(start) > 5e-5)
    #expect(Network(dqn.network).distance(wanted) < 3e-6)
  }
}
