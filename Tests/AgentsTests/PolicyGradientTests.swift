import Basics
import Environments
import Foundation
import Schemas
import TestSupport
import Testing

@testable import Agents

/// REINFORCE, behaviour cloning, and the distribution and normalisers under them.
@Suite struct PolicyGradientTests {
  struct Gradients: Decodable {
    var outputs: [Float]
    var deviations: [Float]
    var logProbability: Float
    var entropy: Float
  }
  struct Input: Encodable {
    var outputs: [Float]
    var deviations: [Float]
    var action: [Float]
    var isDiscrete: Bool
  }

  @Test(arguments: [Space.discrete(5), .box(3)]) func distributionsAreTorchs(space: Space) throws {
    var random = RandomGenerator(seed: 2)
    let distribution = ActionDistribution(space)
    let outputs = FloatBuffer(8), deviations = FloatBuffer(8), deltas = FloatBuffer(8), deviationGradients = FloatBuffer(8)
    for j in 0..<distribution.outputs { outputs.base[j] = Float(random.normal()) }
    for j in 0..<distribution.width where !distribution.isDiscrete { deviations.base[j] = Float(0.5 * random.normal()) }
    let action = FloatBuffer(8)
    distribution.sample(outputs.base, deviations.base, into: action.base, random: &random)
    let found = distribution.differentiate(
      outputs.base, deviations.base, action: action.base, weight: 0.7, entropyWeight: 0.2, into: deltas.base,
      deviationGradients: deviationGradients.base)
    let expected: Gradients = try Python.run(
      """
      import json, sys, torch
      d = json.load(sys.stdin)
      x, s = (torch.tensor(d[k], dtype=torch.float32, requires_grad=True) for k in ("outputs", "deviations"))
      a = torch.tensor(d["action"], dtype=torch.float32)
      if d["isDiscrete"]:
          p = torch.distributions.Categorical(logits=x); logp, h = p.log_prob(a[0]), p.entropy()
      else:
          p = torch.distributions.Normal(x, s.exp()); logp, h = p.log_prob(a).sum(), p.entropy().sum()
      (-0.7 * logp - 0.2 * h + 0 * s.sum()).backward()
      print(json.dumps(dict(outputs=x.grad.tolist(), deviations=s.grad.tolist(), logProbability=logp.item(), entropy=h.item())))
      """,
      input: Input(
        outputs: Array(outputs.array.prefix(distribution.outputs)),
        deviations: Array(deviations.array.prefix(distribution.width)),
        action: Array(action.array.prefix(distribution.width)), isDiscrete: distribution.isDiscrete))
    #expect(zip(expected.outputs, deltas.array).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(zip(expected.deviations, deviationGradients.array).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(abs(expected.logProbability - found.logProbability) < 1e-5 && abs(expected.entropy - found.entropy) < 1e-5)
  }

  @Test func discreteSamplesFollowTheProbabilities() {
    var random = RandomGenerator(seed: 4)
    let distribution = ActionDistribution(.discrete(3))
    let outputs = FloatBuffer(8), action = FloatBuffer(8)
    outputs.assign([log(0.5), log(0.2), log(0.3), 0, 0, 0, 0, 0])
    var counts = [0, 0, 0]
    for _ in 0..<20_000 {
      distribution.sample(outputs.base, outputs.base, into: action.base, random: &random)
      counts[Int(action.base[0])] += 1
    }
    for (count, p) in zip(counts, [0.5, 0.2, 0.3]) { #expect(abs(Double(count) / 20_000 - p) < 0.015) }
  }

  @Test(arguments: [0, 1, 2] as [UInt64]) func reinforceLearnsCartPole(seed: UInt64) throws {
    let agent = try REINFORCE(environment: Environments.make("CartPole-v1", count: 16), seed: seed)
    try agent.train(totalSteps: 150_000)
    let test = try Environments.make("CartPole-v1", count: 8)
    let learned = try PPOTests.meanReturn(evaluate(agent.policy, in: test, episodes: 16, seed: 1_000))
    let random = try PPOTests.meanReturn(playRandomly(in: test, episodes: 16, seed: 1_000))
    #expect(random < 60 && learned > random + 100, "\(learned) against \(random)")
  }

  @Test func reinforceOptimisesTheRewardItIsGiven() throws {
    var means: [Double] = []
    for sign in [1.0, -1.0] {
      let agent = try REINFORCE(
        environment: Environments.make("Pendulum-v1", count: 8, maxEpisodeSteps: 20),
        reward: .function(ActionReward(sign: sign)), seed: 3)
      try agent.train(totalSteps: 30_000)
      let test = try Environments.make("Pendulum-v1", count: 4)
      let pushes: [Double] = try evaluate(agent.policy, in: test, episodes: 4, seed: 3).flatMap { episode in
        (0..<episode.length).compactMap { episode.transitions.column("action")?[$0] }
      }
      means.append(pushes.reduce(0, +) / Double(pushes.count))
    }
    #expect(means[0] > 1 && means[1] < -1, "\(means)")
  }

  /// Cloning a hand-written balancer from its episodes.
  @Test func cloningBalancesThePole() throws {
    let world = try Environments.make("CartPole-v1", count: 4)
    let episodes = try playEpisodes(world, episodes: 8, seed: 5) { observations, actions in
      for i in 0..<4 {
        let o = observations + 4 * i
        actions[i] = o[2] + 0.5 * o[3] + 0.05 * o[0] + 0.1 * o[1] > 0 ? 1 : 0
      }
    }
    #expect(PPOTests.meanReturn(episodes) > 400)
    let demonstrations = Demonstrations(episodes, world.spec)
    #expect(demonstrations.count == episodes.map(\.length).reduce(0, +))
    let cloned = try BehaviorCloning(demonstrations, of: world.spec, seed: 0)
    #expect(try PPOTests.meanReturn(evaluate(cloned.policy, in: world, episodes: 8, seed: 1_000)) > 300)
    #expect((cloned.losses.last ?? 1) < 0.5 * log(2))
  }

  struct Regression: Encodable {
    var x: [[Double]]
    var y: [[Double]]
  }

  /// A linear Gaussian policy's likeliest parameters are least squares' solution and the residuals' deviation.
  @Test func linearCloningIsLeastSquares() throws {
    let spec = try Environments.spec("Hopper-v5")
    var random = RandomGenerator(seed: 6)
    var demonstrations = Demonstrations(spec)
    var data = Regression(x: [], y: [])
    for _ in 0..<400 {
      let x = (0..<11).map { _ in random.normal() }
      let y = (0..<3).map { 0.3 * x[$0] - 0.2 * x[10 - $0] + 0.1 + 0.2 * random.normal() }
      demonstrations.append(observation: x, action: y)
      data.x.append(x + [1])
      data.y.append(y)
    }
    var configuration = BehaviorCloning.Configuration()
    configuration.hidden = []
    configuration.epochs = 200
    configuration.minibatch = 100
    configuration.learningRate = 5e-3
    configuration.entropyCoefficient = 0
    let cloned = try BehaviorCloning(demonstrations, of: spec, configuration: configuration, seed: 0)
    let expected: [[Double]] = try Python.run(
      """
      import json, sys, numpy as np
      d = json.load(sys.stdin); x, y = np.array(d["x"]), np.array(d["y"])
      w = np.linalg.lstsq(x, y, rcond=None)[0]
      print(json.dumps(w.T.tolist() + [np.log((y - x @ w).std(0)).tolist()]))
      """, input: data)
    let (weight, bias) = cloned.policy.network.get(layer: 0)
    for j in 0..<3 {
      for i in 0..<11 { #expect(abs(Double(weight[11 * j + i]) - expected[j][i]) < 0.02) }
      #expect(abs(Double(bias[j]) - expected[j][11]) < 0.02)
      #expect(abs(Double(cloned.policy.logStandardDeviation[j]) - expected[3][j]) < 0.06)
    }
  }

  @Test func cloningRefusesWhatDoesNotFit() throws {
    let spec = try Environments.spec("CartPole-v1")
    #expect(throws: GuerdonError.self) { try BehaviorCloning(Demonstrations(spec), of: spec, seed: 0) }
    var wrong = Demonstrations(spec)
    wrong.append(observation: [0, 0, 0, 0], action: [2])
    #expect(throws: GuerdonError.self) { try BehaviorCloning(wrong, of: spec, seed: 0) }
    #expect(throws: GuerdonError.self) { try BehaviorCloning(wrong, of: Environments.spec("Pendulum-v1"), seed: 0) }
  }

  struct Stream: Encodable {
    var rewards: [[Double]]
    var ended: [[Bool]]
  }

  @Test func rewardNormalisationIsNumpys() throws {
    var random = RandomGenerator(seed: 8)
    var normalizer = RewardNormalizer(count: 3, gamma: 0.9)
    var stream = Stream(rewards: [], ended: [])
    var ours: [Double] = []
    for _ in 0..<200 {
      let rewards = (0..<3).map { _ in 2 + 5 * random.normal() }, ended = (0..<3).map { _ in random.uniform() < 0.1 }
      normalizer.update(rewards) { ended[$0] }
      ours += rewards.map(normalizer.normalized)
      stream.rewards.append(rewards)
      stream.ended.append(ended)
    }
    let expected: [Double] = try Python.run(
      """
      import json, sys, numpy as np
      d = json.load(sys.stdin)
      running, seen, out = np.zeros(3), [], []
      for r, e in zip(d["rewards"], d["ended"]):
          running = running * 0.9 + np.array(r)
          seen += running.tolist()
          out += np.clip(np.array(r) / np.sqrt(np.var(seen) + 1e-8), -10, 10).tolist()
          running[np.array(e)] = 0
      print(json.dumps(out))
      """, input: stream)
    // The stream begins with 1e-4 imaginary samples of N(0, 1).
    for (a, b) in zip(ours, expected).dropFirst(30) { #expect(abs(a - b) < 1e-3 * (1 + abs(b))) }
  }

  @Test func offPolicyNormalisationIsOfWhatWasSeen() throws {
    var configuration = SAC.Configuration()
    configuration.learningStarts = 10_000
    configuration.minibatch = 32
    configuration.normalizesObservations = true
    configuration.normalizesRewards = true
    let sac = try SAC(environment: Environments.make("Hopper-v5", count: 2), configuration: configuration, seed: 2)
    try sac.train(totalSteps: 500)
    let rows = sac.replay.size
    let moments = try #require(sac.observationMoments), normalizer = try #require(sac.rewardNormalizer)
    func raw(_ row: Int, _ j: Int) -> Double { Double(sac.replay.observations.base[11 * row + j]) }
    for j in 0..<11 {
      let mean = (0..<rows).reduce(0) { $0 + raw($1, j) } / Double(rows)
      let variance = (0..<rows).reduce(0) { $0 + pow(raw($1, j) - mean, 2) } / Double(rows)
      #expect(abs(moments.mean[j] - mean) < 1e-4 && abs(moments.variance[j] / variance - 1) < 1e-2)
    }
    sac.draw()
    for k in 0..<32 {
      // Each row drawn is the normalised form of one that was stored, its reward as well.
      let isKnown = (0..<rows).contains { row in
        let isSame = (0..<11).allSatisfy { j in
          let wanted = (raw(row, j) - moments.mean[j]) / (moments.variance[j] + 1e-8).squareRoot()
          return abs(Double(sac.batch.current.base[k * sac.batch.row + j]) - min(max(wanted, -10), 10)) < 1e-4
        }
        return isSame
          && abs(Double(sac.batch.rewards.base[k]) - normalizer.normalized(Double(sac.replay.rewards.base[row]))) < 1e-5
      }
      #expect(isKnown)
    }
  }
}
