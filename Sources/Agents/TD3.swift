import Basics
import Environments
import Foundation
import Schemas

/// Twin delayed deep deterministic policy gradient (Fujimoto et al., arXiv 1802.09477, algorithm 1).
///
/// Deterministic tanh actor, twin critics, smoothed target actions, and an actor that is updated every other time.
/// Defaults are stable-baselines3's, with the paper's exploration noise.
public final class TD3: OffPolicyAgent, @unchecked Sendable {
  public struct Configuration: Sendable, Hashable, Codable {
    public var learningRate: Float = 1e-3
    /// Transitions kept.
    public var bufferSize = 1_000_000
    /// Environment steps of uniformly random actions before the first update.
    public var learningStarts = 100
    public var minibatch = 256
    /// Discount γ.
    public var gamma: Float = 0.99
    /// Share τ of the networks that their targets take over.
    public var tau: Float = 0.005
    /// Steps of each environment between updates.
    public var trainFrequency = 1
    /// Updates after these.
    public var gradientSteps = 1
    /// Steps of the return before the critic's estimate goes on.
    public var nSteps = 1
    /// Critic updates for one of the actor and of the targets (d).
    public var policyDelay = 2
    /// Standard deviation of the noise on target actions (σ̃), and its bound (c), for actions in −1...1.
    public var targetNoise: Float = 0.2
    public var targetNoiseClip: Float = 0.5
    /// Standard deviation of the noise with which it explores, likewise.
    public var explorationNoise: Float = 0.1
    public var hidden = [400, 300]
    /// Running normalisation of observations and of rewards, as `PPO` has it.
    public var normalizesObservations = false
    public var normalizesRewards = false
    public var nonFinite = NonFinitePolicy.abort

    public init() {}
  }

  public let configuration: Configuration

  let actor: MLP
  let critics: [QCritic]
  private let actorTarget: MLP
  private let actorOptimizer: Adam
  private let training: MLP.Workspace
  private let targeting: MLP.Workspace
  private let acting: MLP.Workspace
  /// (s, π(s))
  private let chosen: FloatBuffer
  private let targets: FloatBuffer
  private let inputGradients: FloatBuffer
  private let losses = FloatBuffer(2)

  /// - Parameters:
  ///   - environment: made with `.sameStep` and a bounded box of actions; TD3 resets it with `seed` and owns it.
  ///   - pool: the thread budget; two threads are of use.
  /// - Throws: `GuerdonError` for a configuration that cannot work, or a reward function that cannot be evaluated.
  public init(
    environment: any VectorEnvironment, configuration: Configuration = Configuration(),
    reward: RewardSource = .environment, seed: UInt64, pool: WorkerPool = WorkerPool(threads: 1)
  ) throws {
    let spec = environment.spec
    guard spec.actionSpace.isBoundedBox else {
      throw GuerdonError.usage("TD3 acts in a bounded box, and \(spec.id) has none; discrete actions are DQN's and PPO's.")
    }
    guard configuration.nSteps >= 1, configuration.learningRate > 0, configuration.policyDelay >= 1,
      configuration.hidden.allSatisfy({ $0 >= 1 })
    else {
      throw GuerdonError.usage(
        "TD3 needs returns of at least 1 step, a policy delay of at least 1, a positive learning rate, and hidden widths of at least 1.")
    }
    self.configuration = configuration
    let observationWidth = spec.observationSpace.width, width = spec.actionSpace.width
    var random = RandomGenerator(seed: seed, spawnKey: [0x74_64_33])
    let minibatch = configuration.minibatch
    actor = MLP(widths: [observationWidth] + configuration.hidden + [width], activation: .relu)
    actor.initializeUniformly(random: &random)
    actorTarget = actor.copy()
    let row = padded(observationWidth + width)
    critics = (0..<2).map { _ in
      let network = MLP(
        widths: [observationWidth + width] + configuration.hidden + [1], activation: .relu, hasInputGradients: true)
      network.initializeUniformly(random: &random)
      return QCritic(network, row: row, minibatch: minibatch)
    }
    actorOptimizer = Adam(count: actor.parameters.count, epsilon: 1e-8)
    training = MLP.Workspace(actor, capacity: minibatch)
    targeting = MLP.Workspace(actorTarget, capacity: minibatch)
    acting = MLP.Workspace(actor, capacity: environment.count)
    chosen = FloatBuffer(minibatch * row)
    targets = FloatBuffer(minibatch)
    inputGradients = FloatBuffer(minibatch * row)
    try super.init(
      environment: environment,
      schedule: Schedule(
        bufferSize: configuration.bufferSize, learningStarts: configuration.learningStarts,
        trainFrequency: configuration.trainFrequency, gradientSteps: configuration.gradientSteps, minibatch: minibatch,
        nSteps: configuration.nSteps, gamma: configuration.gamma,
        normalizesObservations: configuration.normalizesObservations,
        normalizesRewards: configuration.normalizesRewards),
      reward: reward, nonFinite: configuration.nonFinite, seed: seed, key: 0x74_64_34, pool: pool)
  }

  public override var policy: Policy {
    Policy(
      environment: environment.spec.id, observationWidth: observationWidth, actionSpace: environment.spec.actionSpace,
      observationMoments: observationMoments, network: actor.copy(), head: .squashed, logStandardDeviation: [])
  }

  override func act() {
    let count = environment.count
    actor.forward(inputs.base, stride: observationWidth, count: count, acting)
    for i in 0..<count {
      let outputs = acting.outputs + i * padded(actionWidth)
      for j in 0..<actionWidth {
        let noise = configuration.explorationNoise * Float(random.normal())
        actions.base[i * actionWidth + j] = min(max(tanh(outputs[j]) + noise, -1), 1)
      }
    }
  }

  override func update() {
    let count = configuration.minibatch, row = batch.row
    draw()

    // ã' = π̄(s') + clipped noise, y = r + γ min_k Q̄_k(s', ã').
    actorTarget.forward(batch.following.base, stride: row, count: count, targeting)
    for i in 0..<count {
      for j in 0..<actionWidth {
        let noise = configuration.targetNoise * Float(random.normal())
        let limited = min(max(noise, -configuration.targetNoiseClip), configuration.targetNoiseClip)
        let action = tanh(targeting.outputs[i * padded(actionWidth) + j]) + limited
        batch.following.base[i * row + observationWidth + j] = min(max(action, -1), 1)
      }
    }
    pool.forEach(2) { critics[$0].evaluateTarget(batch.following, count: count) }
    for i in 0..<count {
      let next = min(critics[0].targetValue(i), critics[1].targetValue(i))
      targets.base[i] = batch.rewards.base[i] + batch.discounts.base[i] * next
    }
    pool.forEach(2) { k in
      losses.base[k] = critics[k].learn(
        batch.current, towards: targets, count: count, weight: 1 / Float(count),
        learningRate: configuration.learningRate)
    }
    note("critic", Double(losses.base[0] + losses.base[1]))
    if updates % configuration.policyDelay == 0 { improveActor() }
  }

  /// One step up E[Q_1(s, π(s))], and the targets follow.
  private func improveActor() {
    let count = configuration.minibatch, row = batch.row
    actor.forward(batch.current.base, stride: row, count: count, training)
    chosen.base.update(from: batch.current.base, count: count * row)
    for i in 0..<count {
      for j in 0..<actionWidth {
        chosen.base[i * row + observationWidth + j] = tanh(training.outputs[i * padded(actionWidth) + j])
      }
    }
    critics[0].evaluate(chosen, count: count)
    critics[0].inputGradients(of: Array(0..<count), weight: -1 / Float(count), into: inputGradients)
    for i in 0..<count {
      for j in 0..<actionWidth {
        let place = i * row + observationWidth + j
        let action = chosen.base[place]
        training.outputDeltas[i * padded(actionWidth) + j] = inputGradients.base[place] * (1 - action * action)
      }
    }
    actor.backward(batch.current.base, stride: row, count: count, training)
    actorOptimizer.step(
      actor.parameters.base, gradients: training.gradients.base, scale: 1, learningRate: configuration.learningRate)
    actor.refresh()
    actorTarget.polyak(towards: actor, tau: configuration.tau)
    for critic in critics { critic.follow(tau: configuration.tau) }
    let value = (0..<count).reduce(Float(0)) { $0 + critics[0].value($1) }
    note("actor", Double(-value / Float(count)))
  }

  override var networks: [(name: String, network: MLP)] {
    [("actor", actor), ("actor_target", actorTarget)]
      + critics.enumerated().flatMap { [("critic.\($0)", $1.network), ("critic_target.\($0)", $1.target)] }
  }
  override var optimizers: [(name: String, optimizer: Adam)] {
    [("actor", actorOptimizer)] + critics.enumerated().map { ("critic.\($0)", $1.optimizer) }
  }
  override var encodedConfiguration: String { "td3" + encoded(configuration) }
}
