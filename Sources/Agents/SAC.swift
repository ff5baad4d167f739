import Basics
import Environments
import Foundation
import Schemas

/// Soft actor-critic with twin critics and automatic temperature (Haarnoja et al., arXiv 1812.05905, algorithm 1).
///
/// The actor is a Gaussian squashed by tanh to the box, whose log standard deviation depends on the state; actor and
/// critics are ReLU MLPs on the native path, differentiated by hand. Defaults and order of updates are
/// stable-baselines3's.
public final class SAC: OffPolicyAgent, @unchecked Sendable {
  public struct Configuration: Sendable, Hashable, Codable {
    public var learningRate: Float = 3e-4
    /// Transitions kept.
    public var bufferSize = 1_000_000
    /// Environment steps of uniformly random actions before the first update.
    public var learningStarts = 100
    public var minibatch = 256
    /// Discount γ.
    public var gamma: Float = 0.99
    /// Share τ of the critics that their targets take over at each update.
    public var tau: Float = 0.005
    /// Steps of each environment between updates.
    public var trainFrequency = 1
    /// Updates after these.
    public var gradientSteps = 1
    /// Steps of the return before the critic's estimate goes on.
    public var nSteps = 1
    /// α that training begins with.
    public var initialTemperature: Float = 1
    /// Whether α follows the entropy (equation 18) or stays.
    public var learnsTemperature = true
    /// The entropy that α aims at; nil takes −(action components).
    public var targetEntropy: Float? = nil
    public var hidden = [256, 256]
    /// Running normalisation of observations and of rewards, as `PPO` has it.
    public var normalizesObservations = false
    public var normalizesRewards = false
    public var nonFinite = NonFinitePolicy.abort

    public init() {}
  }

  public let configuration: Configuration
  /// α, the price of entropy.
  public var temperature: Float { exp(logTemperature.base[0]) }

  let actor: MLP
  let critics: [QCritic]
  let logTemperature: FloatBuffer
  private let actorOptimizer: Adam
  private let temperatureOptimizer: Adam
  private let temperatureGradient = FloatBuffer(8)

  /// The minibatch in two halves, one a thread, the same two whatever the number of threads.
  private let halves: [Half]
  /// (s, ã) with ã fresh from the policy.
  private let chosen: FloatBuffer
  private let logProbabilities: FloatBuffer
  private let nextLogProbabilities: FloatBuffer
  /// Standard normal noise of ã, then of ã'.
  let noise: FloatBuffer
  private let targets: FloatBuffer
  /// ∂Q/∂(s, ã) of the smaller critic.
  private let inputGradients: FloatBuffer
  private let losses = FloatBuffer(2)
  private let acting: MLP.Workspace

  /// - Parameters:
  ///   - environment: made with `.sameStep` and a bounded box of actions; SAC resets it with `seed` and owns it.
  ///   - pool: the thread budget; two threads are of use.
  /// - Throws: `GuerdonError` for a configuration that cannot work, or a reward function that cannot be evaluated.
  public init(
    environment: any VectorEnvironment, configuration: Configuration = Configuration(),
    reward: RewardSource = .environment, seed: UInt64, pool: WorkerPool = WorkerPool(threads: 1)
  ) throws {
    let spec = environment.spec
    guard spec.actionSpace.isBoundedBox else {
      throw GuerdonError.usage("SAC acts in a bounded box, and \(spec.id) has none; discrete actions are DQN's and PPO's.")
    }
    guard configuration.minibatch >= 2, configuration.nSteps >= 1, configuration.learningRate > 0,
      configuration.initialTemperature > 0, configuration.hidden.allSatisfy({ $0 >= 1 })
    else {
      throw GuerdonError.usage(
        "SAC needs a minibatch of at least 2, returns of at least 1 step, a positive learning rate and temperature, and hidden widths of at least 1.")
    }
    self.configuration = configuration
    let observationWidth = spec.observationSpace.width, width = spec.actionSpace.width
    var random = RandomGenerator(seed: seed, spawnKey: [0x73_61_63])
    let minibatch = configuration.minibatch
    actor = MLP(widths: [observationWidth] + configuration.hidden + [2 * width], activation: .relu)
    actor.initializeUniformly(random: &random)
    let row = padded(observationWidth + width)
    critics = (0..<2).map { _ in
      let network = MLP(
        widths: [observationWidth + width] + configuration.hidden + [1], activation: .relu, hasInputGradients: true)
      network.initializeUniformly(random: &random)
      return QCritic(network, row: row, minibatch: minibatch)
    }
    logTemperature = FloatBuffer(8)
    logTemperature.base[0] = log(configuration.initialTemperature)
    actorOptimizer = Adam(count: actor.parameters.count, epsilon: 1e-8)
    temperatureOptimizer = Adam(count: 8, epsilon: 1e-8)
    let middle = minibatch / 2
    halves = [Half(0..<middle, actor, row: row), Half(middle..<minibatch, actor, row: row)]
    chosen = FloatBuffer(minibatch * row)
    logProbabilities = FloatBuffer(minibatch)
    nextLogProbabilities = FloatBuffer(minibatch)
    noise = FloatBuffer(2 * minibatch * width)
    targets = FloatBuffer(minibatch)
    inputGradients = FloatBuffer(minibatch * row)
    acting = MLP.Workspace(actor, capacity: environment.count)
    try super.init(
      environment: environment,
      schedule: Schedule(
        bufferSize: configuration.bufferSize, learningStarts: configuration.learningStarts,
        trainFrequency: configuration.trainFrequency, gradientSteps: configuration.gradientSteps, minibatch: minibatch,
        nSteps: configuration.nSteps, gamma: configuration.gamma,
        normalizesObservations: configuration.normalizesObservations,
        normalizesRewards: configuration.normalizesRewards),
      reward: reward, nonFinite: configuration.nonFinite, seed: seed, key: 0x73_61_64, pool: pool)
  }

  public override var policy: Policy {
    Policy(
      environment: environment.spec.id, observationWidth: observationWidth, actionSpace: environment.spec.actionSpace,
      observationMoments: observationMoments, network: actor.copy(), head: .squashedGaussian, logStandardDeviation: [])
  }

  // MARK: Acting

  override func act() {
    let count = environment.count
    actor.forward(inputs.base, stride: observationWidth, count: count, acting)
    for i in 0..<count {
      let outputs = acting.outputs + i * padded(2 * actionWidth)
      for j in 0..<actionWidth {
        let deviation = exp(clampedLogDeviation(outputs[actionWidth + j]))
        actions.base[i * actionWidth + j] = tanh(outputs[j] + deviation * Float(random.normal()))
      }
    }
  }

  // MARK: Learning

  override func update() {
    let count = configuration.minibatch
    draw()
    for i in 0..<noise.count { noise.base[i] = Float(random.normal()) }
    pool.forEach(2) { choose(halves[$0]) }
    let alpha = temperature
    if configuration.learnsTemperature { learnTemperature() }

    // y = r + γ (min_k Q̄_k(s', ã') − α log π(ã'|s')), equations 5 and 6.
    pool.forEach(2) { critics[$0].evaluateTarget(batch.following, count: count) }
    for i in 0..<count {
      let next = min(critics[0].targetValue(i), critics[1].targetValue(i)) - alpha * nextLogProbabilities.base[i]
      targets.base[i] = batch.rewards.base[i] + batch.discounts.base[i] * next
    }
    pool.forEach(2) { k in
      losses.base[k] = critics[k].learn(
        batch.current, towards: targets, count: count, weight: 0.5 / Float(count),
        learningRate: configuration.learningRate)
      critics[k].evaluate(chosen, count: count)
    }

    // E[α log π(ã|s) − min_k Q_k(s, ã)], equations 7 and 9.
    // Only the smaller critic of a row has a say.
    pool.forEach(2) { k in
      let rows = (0..<count).filter { (critics[0].value($0) <= critics[1].value($0)) == (k == 0) }
      critics[k].inputGradients(of: rows, weight: 1, into: inputGradients)
      critics[k].follow(tau: configuration.tau)
    }
    pool.forEach(2) { differentiate(halves[$0], alpha: alpha) }
    let gradients = halves[0].workspace.gradients, others = halves[1].workspace.gradients
    for i in stride(from: 0, to: gradients.count, by: 8) { (gradients.base + i).lanes += (others.base + i).lanes }
    actorOptimizer.step(
      actor.parameters.base, gradients: gradients.base, scale: 1, learningRate: configuration.learningRate)
    actor.refresh()

    var actorLoss: Float = 0
    for i in 0..<count {
      actorLoss += alpha * logProbabilities.base[i] - min(critics[0].value(i), critics[1].value(i))
    }
    note("actor", Double(actorLoss) / Double(count))
    note("critic", Double(0.5 * (losses.base[0] + losses.base[1])))
    note("temperature", Double(alpha))
  }

  /// Samples ã ~ π(·|s) and ã' ~ π(·|s') for a half of the minibatch, with their log-probabilities (equation 26).
  private func choose(_ half: Half) {
    let rows = half.rows, row = batch.row, width = actionWidth
    let current = batch.current.base + rows.lowerBound * row, following = batch.following.base + rows.lowerBound * row
    half.inputs.base.update(from: current, count: rows.count * row)
    (half.inputs.base + rows.count * row).update(from: following, count: rows.count * row)
    (chosen.base + rows.lowerBound * row).update(from: current, count: rows.count * row)
    actor.forward(half.inputs.base, stride: row, count: 2 * rows.count, half.workspace)
    for k in 0..<2 * rows.count {
      let isNext = k >= rows.count
      let i = rows.lowerBound + (isNext ? k - rows.count : k)
      let outputs = half.workspace.outputs + k * padded(2 * width)
      let noise = noise.base + (isNext ? configuration.minibatch + i : i) * width
      let action = (isNext ? batch.following : chosen).base + i * row + observationWidth
      var logProbability: Float = 0
      for j in 0..<width {
        let logDeviation = clampedLogDeviation(outputs[width + j])
        let squashed = tanh(outputs[j] + exp(logDeviation) * noise[j])
        action[j] = squashed
        logProbability -= 0.5 * noise[j] * noise[j] + logDeviation + halfLogTwoPi
        logProbability -= log(1 - squashed * squashed + squashingSlack)
      }
      (isNext ? nextLogProbabilities : logProbabilities).base[i] = logProbability
    }
  }

  /// One step down −E[log α · (log π(ã|s) + H̄)], equation 18 as stable-baselines3 has it.
  private func learnTemperature() {
    let entropy = configuration.targetEntropy ?? -Float(actionWidth)
    var sum: Float = 0
    for i in 0..<configuration.minibatch { sum += logProbabilities.base[i] + entropy }
    temperatureGradient.base[0] = -sum / Float(configuration.minibatch)
    temperatureOptimizer.step(
      logTemperature.base, gradients: temperatureGradient.base, scale: 1, learningRate: configuration.learningRate)
  }

  /// Gradients of the actor's loss by a half's share of the minibatch.
  ///
  /// With ã = tanh(u), u = μ + σ ε and the noise ε held: ∂ log π/∂u = 2 ã (1 − ã²) / (1 − ã² + δ), and log σ takes in
  /// −1 besides what comes through u.
  private func differentiate(_ half: Half, alpha: Float) {
    let width = actionWidth, row = batch.row
    let share = 1 / Float(configuration.minibatch)
    for (k, i) in half.rows.enumerated() {
      let outputs = half.workspace.outputs + k * padded(2 * width)
      let deltas = half.workspace.outputDeltas + k * padded(2 * width)
      let first = i * row + observationWidth
      for j in 0..<width {
        let action = chosen.base[first + j]
        let slope = 1 - action * action
        let criticGradient = inputGradients.base[first + j]
        let gradient = share * (alpha * 2 * action * slope / (slope + squashingSlack) - criticGradient * slope)
        deltas[j] = gradient
        let raw = outputs[width + j]
        let deviation = exp(clampedLogDeviation(raw))
        let isClamped = raw < logDeviationRange.lowerBound || raw > logDeviationRange.upperBound
        deltas[width + j] = isClamped ? 0 : gradient * deviation * noise.base[i * width + j] - share * alpha
      }
    }
    actor.backward(half.inputs.base, stride: row, count: half.rows.count, half.workspace)
  }

  // MARK: Checkpoints

  override var networks: [(name: String, network: MLP)] {
    [("actor", actor)]
      + critics.enumerated().flatMap { [("critic.\($0)", $1.network), ("critic_target.\($0)", $1.target)] }
  }
  override var optimizers: [(name: String, optimizer: Adam)] {
    [("actor", actorOptimizer), ("log_ent_coef", temperatureOptimizer)]
      + critics.enumerated().map { ("critic.\($0)", $1.optimizer) }
  }
  override var scalars: [(name: String, buffer: FloatBuffer)] { [("log_ent_coef", logTemperature)] }
  override var encodedConfiguration: String { "sac" + encoded(configuration) }
}

/// Some rows of the minibatch, and what one thread needs to take the actor through them.
private final class Half: @unchecked Sendable {
  let rows: Range<Int>
  /// The rows' s, then their s'.
  let inputs: FloatBuffer
  let workspace: MLP.Workspace

  init(_ rows: Range<Int>, _ actor: MLP, row: Int) {
    self.rows = rows
    inputs = FloatBuffer(2 * rows.count * row)
    workspace = MLP.Workspace(actor, capacity: 2 * rows.count)
  }
}

/// stable-baselines3's bounds of log σ.
private let logDeviationRange: ClosedRange<Float> = -20...2
/// Keeps the logarithm of the squashing's slope finite.
private let squashingSlack: Float = 1e-6

@inline(__always) private func clampedLogDeviation(_ value: Float) -> Float {
  min(max(value, logDeviationRange.lowerBound), logDeviationRange.upperBound)
}
