import Basics
import Environments
import Foundation
import Schemas

/// REINFORCE with a learned baseline (Williams, 1992; Sutton and Barto, 2nd edition, section 13.4).
///
/// Each iteration plays one whole episode in every environment with the policy held, and takes one step up
/// Σ_t (G_t − V(s_t)) ∇ log π(a_t|s_t), averaged over steps. As is usual, the factor γ^t before each term is left out.
/// Actor and baseline are tanh MLPs on the native path, and actions are distributed as `PPO`'s.
public final class REINFORCE: @unchecked Sendable {
  public struct Configuration: Sendable, Hashable, Codable {
    public var learningRate: Float = 3e-3
    public var baselineLearningRate: Float = 3e-3
    /// Steps of the baseline towards an iteration's returns.
    public var baselineSteps = 10
    /// Discount γ.
    public var gamma: Float = 0.99
    /// Subtracts V(s) from returns; else the policy alone is learned.
    public var hasBaseline = true
    /// Divides the weights of an iteration by their standard deviation, after taking their mean.
    public var normalizesWeights = true
    public var entropyCoefficient: Float = 0
    public var maxGradientNorm: Float = 0.5
    public var hidden = [64, 64]
    public var initialLogStandardDeviation: Float = 0
    public var nonFinite = NonFinitePolicy.abort

    public init() {}
  }

  public let configuration: Configuration
  /// Environment steps of the episodes learned from.
  public private(set) var steps = 0

  private let environment: any VectorEnvironment
  private let distribution: ActionDistribution
  let actor: MLP
  let baseline: MLP
  let logDeviation: FloatBuffer
  private let actorOptimizer: Adam
  private let baselineOptimizer: Adam
  private let deviationOptimizer: Adam
  private let deviationGradients: FloatBuffer
  private var random: RandomGenerator
  private let meter: RewardMeter
  private let rollout: Rollout
  private let acting: MLP.Workspace
  private let training: MLP.Workspace
  private let valuing: MLP.Workspace
  private let environmentActions: UnsafeMutableBufferPointer<Double>
  private let batch: FloatBuffer
  private let row: Int

  /// - Parameter environment: made with `.sameStep`; REINFORCE resets it with `seed`, and owns it from here on.
  /// - Throws: `GuerdonError` for a configuration that cannot work, or a reward function that cannot be evaluated.
  public init(
    environment: any VectorEnvironment, configuration: Configuration = Configuration(),
    reward: RewardSource = .environment, seed: UInt64
  ) throws {
    guard configuration.learningRate > 0, configuration.hidden.allSatisfy({ $0 >= 1 }), configuration.baselineSteps >= 0
    else {
      throw GuerdonError.usage("REINFORCE needs a positive learning rate, and hidden widths of at least 1.")
    }
    self.environment = environment
    self.configuration = configuration
    let spec = environment.spec
    let width = spec.observationSpace.width, count = environment.count
    distribution = ActionDistribution(spec.actionSpace)
    random = RandomGenerator(seed: seed, spawnKey: [0x72_66])
    actor = MLP(widths: [width] + configuration.hidden + [distribution.outputs])
    baseline = MLP(widths: [width] + configuration.hidden + [1])
    actor.initialize(outputGain: 0.01, random: &random)
    baseline.initialize(outputGain: 1, random: &random)
    logDeviation = FloatBuffer(padded(distribution.width))
    for j in 0..<distribution.width { logDeviation.base[j] = configuration.initialLogStandardDeviation }
    deviationGradients = FloatBuffer(logDeviation.count)
    actorOptimizer = Adam(count: actor.parameters.count)
    baselineOptimizer = Adam(count: baseline.parameters.count)
    deviationOptimizer = Adam(count: logDeviation.count)
    meter = try RewardMeter(reward, policy: configuration.nonFinite, environment: environment)
    rollout = Rollout(
      steps: 1, count: count, observationWidth: width, actionWidth: distribution.width, schema: spec.schema)
    let capacity = count * spec.maxEpisodeSteps
    acting = MLP.Workspace(actor, capacity: count)
    training = MLP.Workspace(actor, capacity: capacity)
    valuing = MLP.Workspace(baseline, capacity: capacity)
    row = padded(width)
    batch = FloatBuffer(capacity * row)
    environmentActions = .allocate(capacity: count * distribution.width)
    environmentActions.initialize(repeating: 0)
    environment.reset(seed: seed)
  }

  deinit { environmentActions.deallocate() }

  /// The policy as it is now.
  public var policy: Policy {
    Policy(
      environment: environment.spec.id, observationWidth: environment.spec.observationSpace.width,
      actionSpace: environment.spec.actionSpace, observationMoments: nil, network: actor.copy(), head: .direct,
      logStandardDeviation: distribution.isDiscrete ? [] : Array(logDeviation.array.prefix(distribution.width)))
  }

  /// Trains until at least `totalSteps` steps have been learned from since the beginning.
  /// - Throws: `GuerdonError` when a reward is not finite, or the policy diverges.
  public func train(
    totalSteps: Int, shouldStop: () -> Bool = { false }, onIteration: (TrainingReport) throws -> Void = { _ in }
  ) throws {
    while steps < totalSteps && !shouldStop() { try onIteration(iterate()) }
  }

  /// One episode in every environment, and one update.
  /// - Throws: as `train`.
  public func iterate() throws -> TrainingReport {
    let episodes = try play()
    var report = TrainingReport(
      steps: 0, environmentReturns: episodes.map(\.environmentReturn), returns: episodes.map(\.sum),
      episodeLengths: episodes.map(\.rewards.count), terms: [], losses: [:])
    let rows = report.episodeLengths.reduce(0, +)
    steps += rows
    report.steps = steps
    report.losses = learn(episodes, rows: rows)
    if let (name, value) = report.losses.first(where: { !$0.value.isFinite }) {
      throw GuerdonError.failure("Training diverged after \(steps) steps: the \(name) loss became \(value).")
    }
    return report
  }

  private struct Trajectory {
    var observations: [Float] = []
    var actions: [Float] = []
    var rewards: [Double] = []
    var environmentReturn = 0.0
    var sum: Double { rewards.reduce(0, +) }
  }

  /// The first episode of each environment after a reset.
  private func play() throws -> [Trajectory] {
    let count = environment.count, width = environment.spec.observationSpace.width
    environment.reset(seed: nil)
    meter.forgetOpenEpisodes()
    var episodes = [Trajectory](repeating: Trajectory(), count: count)
    var isOpen = [Bool](repeating: true, count: count)
    while isOpen.contains(true) {
      guard let observed = environment.observations.baseAddress else { break }
      normalize(observed, rows: count, width: width, by: nil, into: batch.base, stride: row)
      actor.forward(batch.base, stride: row, count: count, acting)
      for i in 0..<count {
        let action = rollout.actions.base + i * distribution.width
        distribution.sample(
          acting.outputs + i * padded(distribution.outputs), logDeviation.base, into: action, random: &random)
        for j in 0..<distribution.width {
          var value = Double(action[j])
          if case .box(let low, let high) = environment.spec.actionSpace { value = min(max(value, low[j]), high[j]) }
          environmentActions[i * distribution.width + j] = value
        }
        guard isOpen[i] else { continue }
        episodes[i].observations += UnsafeBufferPointer(start: batch.base + i * row, count: row)
        episodes[i].actions += UnsafeBufferPointer(start: action, count: distribution.width)
      }
      environment.step(UnsafeBufferPointer(environmentActions), recording: rollout.transitions, at: 0)
      if let failure = environment.failure { throw failure }
      for i in 0..<count {
        rollout.rewards[i] = environment.rewards[i]
        (rollout.terminated[i], rollout.truncated[i]) = (environment.terminated[i], environment.truncated[i])
      }
      let environmentRewards = rollout.rewards
      _ = try meter.measure(rollout)
      for i in 0..<count where isOpen[i] {
        episodes[i].rewards.append(rollout.rewards[i])
        episodes[i].environmentReturn += environmentRewards[i]
        isOpen[i] = !(rollout.terminated[i] || rollout.truncated[i])
      }
    }
    return episodes
  }

  private func learn(_ episodes: [Trajectory], rows: Int) -> [String: Double] {
    var returns: [Float] = [], actions: [Float] = []
    var place = 0
    for episode in episodes {
      episode.observations.withUnsafeBufferPointer { values in
        if let start = values.baseAddress { (batch.base + place).update(from: start, count: values.count) }
      }
      place += episode.observations.count
      actions += episode.actions
      // G_t = r_t + γ G_{t+1}
      var following: Float = 0
      let backwards = episode.rewards.reversed().map { reward in
        following = Float(reward) + configuration.gamma * following
        return following
      }
      returns += backwards.reversed()
    }
    let share = 1 / Float(rows)
    var weights = returns
    if configuration.hasBaseline {
      baseline.forward(batch.base, stride: row, count: rows, valuing)
      for t in 0..<rows { weights[t] -= valuing.outputs[8 * t] }
    }
    if configuration.normalizesWeights, rows > 1 {
      let mean = weights.reduce(0, +) * share
      let variance = weights.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(rows - 1)
      for t in 0..<rows { weights[t] = (weights[t] - mean) / (variance.squareRoot() + 1e-8) }
    }

    actor.forward(batch.base, stride: row, count: rows, training)
    let outputRow = padded(distribution.outputs)
    for j in 0..<deviationGradients.count { deviationGradients.base[j] = 0 }
    var policyLoss: Float = 0, entropy: Float = 0
    actions.withUnsafeBufferPointer { actions in
      guard let actions = actions.baseAddress else { return }
      for t in 0..<rows {
        let found = distribution.differentiate(
          training.outputs + t * outputRow, logDeviation.base, action: actions + t * distribution.width,
          weight: weights[t] * share, entropyWeight: configuration.entropyCoefficient * share,
          into: training.outputDeltas + t * outputRow, deviationGradients: deviationGradients.base)
        policyLoss -= weights[t] * found.logProbability * share
        entropy += found.entropy * share
      }
    }
    actor.backward(batch.base, stride: row, count: rows, training)
    let norm = (squaredNorm(training.gradients) + squaredNorm(deviationGradients)).squareRoot()
    let scale = min(1, configuration.maxGradientNorm / (norm + 1e-6))
    actorOptimizer.step(
      actor.parameters.base, gradients: training.gradients.base, scale: scale, learningRate: configuration.learningRate)
    actor.refresh()
    if !distribution.isDiscrete {
      deviationOptimizer.step(
        logDeviation.base, gradients: deviationGradients.base, scale: scale, learningRate: configuration.learningRate)
    }

    var baselineLoss: Float = 0
    for _ in 0..<(configuration.hasBaseline ? configuration.baselineSteps : 0) {
      baseline.forward(batch.base, stride: row, count: rows, valuing)
      baselineLoss = 0
      for t in 0..<rows {
        let difference = valuing.outputs[8 * t] - returns[t]
        baselineLoss += difference * difference * share
        valuing.outputDeltas[8 * t] = 2 * difference * share
      }
      baseline.backward(batch.base, stride: row, count: rows, valuing)
      baselineOptimizer.step(
        baseline.parameters.base, gradients: valuing.gradients.base, scale: 1,
        learningRate: configuration.baselineLearningRate)
      baseline.refresh()
    }
    return ["policy": Double(policyLoss), "baseline": Double(baselineLoss), "entropy": Double(entropy)]
  }
}
