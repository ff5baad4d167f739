import Basics
import Environments
import Foundation
import Schemas

/// Deep Q-learning (Mnih et al., 2015, algorithm 1), with double estimation (van Hasselt et al., arXiv 1509.06461),
/// duelling heads (Wang et al., arXiv 1511.06581) and n-step returns where they are wanted.
///
/// A ReLU MLP on the native path; defaults are stable-baselines3's, whose DQN uses none of the three.
public final class DQN: OffPolicyAgent, @unchecked Sendable {
  public struct Configuration: Sendable, Hashable, Codable {
    public var learningRate: Float = 1e-4
    /// Transitions kept.
    public var bufferSize = 1_000_000
    /// Environment steps of uniformly random actions before the first update.
    public var learningStarts = 100
    public var minibatch = 32
    /// Discount γ.
    public var gamma: Float = 0.99
    /// Share of the network that its target takes over at once; 1 copies it.
    public var tau: Float = 1
    /// Environment steps between two of these.
    public var targetUpdateInterval = 10_000
    /// Steps of each environment between updates.
    public var trainFrequency = 4
    /// Updates after these.
    public var gradientSteps = 1
    /// Environment steps over which ε falls linearly (exploration_fraction × total_timesteps).
    public var explorationSteps = 100_000
    public var initialEpsilon = 1.0
    public var finalEpsilon = 0.05
    public var maxGradientNorm: Float = 10
    /// The network chooses the next action and its target values it.
    public var isDouble = false
    /// Q = V + A − mean A, of streams that part in the last layer.
    public var isDuelling = false
    /// Steps of the return before the target's estimate goes on.
    public var nSteps = 1
    public var hidden = [64, 64]
    /// Running normalisation of observations and of rewards, as `PPO` has it.
    public var normalizesObservations = false
    public var normalizesRewards = false
    public var nonFinite = NonFinitePolicy.abort

    public init() {}
  }

  public let configuration: Configuration
  /// The share of random actions now.
  public var epsilon: Double {
    let progress = min(1, Double(steps) / Double(max(configuration.explorationSteps, 1)))
    return configuration.initialEpsilon + progress * (configuration.finalEpsilon - configuration.initialEpsilon)
  }

  let network: MLP
  let target: MLP
  private let optimizer: Adam
  private let choices: Int
  private let training: MLP.Workspace
  private let following: MLP.Workspace
  private let targeting: MLP.Workspace
  private let acting: MLP.Workspace
  private let targets: FloatBuffer

  /// - Parameters:
  ///   - environment: made with `.sameStep` and discrete actions; DQN resets it with `seed` and owns it.
  /// - Throws: `GuerdonError` for a configuration that cannot work, or a reward function that cannot be evaluated.
  public init(
    environment: any VectorEnvironment, configuration: Configuration = Configuration(),
    reward: RewardSource = .environment, seed: UInt64, pool: WorkerPool = WorkerPool(threads: 1)
  ) throws {
    let spec = environment.spec
    guard case .discrete(let choices) = spec.actionSpace else {
      throw GuerdonError.usage("DQN chooses among discrete actions, and those of \(spec.id) are a box; SAC, TD3 and PPO act in it.")
    }
    guard configuration.nSteps >= 1, configuration.learningRate > 0, configuration.targetUpdateInterval >= 1,
      configuration.hidden.allSatisfy({ $0 >= 1 })
    else {
      throw GuerdonError.usage(
        "DQN needs returns of at least 1 step, a target update interval of at least 1, a positive learning rate, and hidden widths of at least 1.")
    }
    self.configuration = configuration
    self.choices = choices
    var random = RandomGenerator(seed: seed, spawnKey: [0x64_71_6e])
    network = MLP(
      widths: [spec.observationSpace.width] + configuration.hidden + [choices + (configuration.isDuelling ? 1 : 0)],
      activation: .relu)
    network.initializeUniformly(random: &random)
    target = network.copy()
    optimizer = Adam(count: network.parameters.count, epsilon: 1e-8)
    training = MLP.Workspace(network, capacity: configuration.minibatch)
    following = MLP.Workspace(network, capacity: configuration.minibatch)
    targeting = MLP.Workspace(target, capacity: configuration.minibatch)
    acting = MLP.Workspace(network, capacity: environment.count)
    targets = FloatBuffer(configuration.minibatch)
    try super.init(
      environment: environment,
      schedule: Schedule(
        bufferSize: configuration.bufferSize, learningStarts: configuration.learningStarts,
        trainFrequency: configuration.trainFrequency, gradientSteps: configuration.gradientSteps,
        minibatch: configuration.minibatch, nSteps: configuration.nSteps, gamma: configuration.gamma,
        normalizesObservations: configuration.normalizesObservations,
        normalizesRewards: configuration.normalizesRewards),
      reward: reward, nonFinite: configuration.nonFinite, seed: seed, key: 0x64_71_6f, pool: pool)
  }

  public override var policy: Policy {
    Policy(
      environment: environment.spec.id, observationWidth: observationWidth, actionSpace: environment.spec.actionSpace,
      observationMoments: observationMoments, network: network.copy(),
      head: configuration.isDuelling ? .duelling : .direct, logStandardDeviation: [])
  }

  override func act() {
    network.forward(inputs.base, stride: observationWidth, count: environment.count, acting)
    for i in 0..<environment.count {
      let isRandom = random.uniform() < epsilon
      actions.base[i] = Float(isRandom ? random.integer(below: choices) : greedy(acting, i))
    }
  }

  /// The target follows as environment steps pass, whether there was an update or not.
  override func didStep() {
    let interval = configuration.targetUpdateInterval
    if steps / interval > (steps - environment.count) / interval {
      target.polyak(towards: network, tau: configuration.tau)
    }
  }

  override func update() {
    let count = configuration.minibatch, row = batch.row
    draw()
    target.forward(batch.following.base, stride: row, count: count, targeting)
    if configuration.isDouble { network.forward(batch.following.base, stride: row, count: count, following) }
    for i in 0..<count {
      // y = r + γ Q̄(s', argmax Q(s', ·)) with double estimation, else r + γ max Q̄(s', ·).
      let action = greedy(configuration.isDouble ? following : targeting, i)
      targets.base[i] = batch.rewards.base[i] + batch.discounts.base[i] * value(targeting, i, action)
    }

    network.forward(batch.current.base, stride: row, count: count, training)
    let outputRow = padded(network.widths[network.widths.count - 1])
    var loss: Float = 0
    for i in 0..<count {
      let action = Int(batch.current.base[i * row + observationWidth])
      let difference = value(training, i, action) - targets.base[i]
      // The Huber loss, whose slope is the difference within ±1.
      loss += abs(difference) < 1 ? 0.5 * difference * difference : abs(difference) - 0.5
      let slope = min(max(difference, -1), 1) / Float(count)
      let deltas = training.outputDeltas + i * outputRow
      for j in 0..<choices {
        let hit: Float = j == action ? 1 : 0
        deltas[j] = slope * (configuration.isDuelling ? hit - 1 / Float(choices) : hit)
      }
      if configuration.isDuelling { deltas[choices] = slope }
    }
    network.backward(batch.current.base, stride: row, count: count, training)
    let norm = squaredNorm(training.gradients).squareRoot()
    optimizer.step(
      network.parameters.base, gradients: training.gradients.base,
      scale: min(1, configuration.maxGradientNorm / (norm + 1e-6)), learningRate: configuration.learningRate)
    network.refresh()
    note("critic", Double(loss) / Double(count))
  }

  /// The action of the largest Q of row `i`; the first of equal ones.
  private func greedy(_ workspace: MLP.Workspace, _ i: Int) -> Int {
    let outputs = workspace.outputs + i * padded(network.widths[network.widths.count - 1])
    return (1..<max(choices, 1)).reduce(0) { outputs[$1] > outputs[$0] ? $1 : $0 }
  }

  /// Q of row `i` and `action`.
  private func value(_ workspace: MLP.Workspace, _ i: Int, _ action: Int) -> Float {
    let outputs = workspace.outputs + i * padded(network.widths[network.widths.count - 1])
    guard configuration.isDuelling else { return outputs[action] }
    let mean = (0..<choices).reduce(Float(0)) { $0 + outputs[$1] } / Float(choices)
    return outputs[choices] + outputs[action] - mean
  }

  override var networks: [(name: String, network: MLP)] { [("q_net", network), ("q_net_target", target)] }
  override var optimizers: [(name: String, optimizer: Adam)] { [("q_net", optimizer)] }
  override var encodedConfiguration: String { "dqn" + encoded(configuration) }
}
