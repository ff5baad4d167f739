import Basics
import Environments
import Foundation
import Schemas

/// Proximal policy optimisation with clipping (Schulman et al., arXiv 1707.06347), read from top to bottom.
///
/// Actor and critic are separate tanh MLPs on the native path. Continuous actions are Gaussian with a standard deviation
/// that does not depend on the state, clipped to the box only for the environment; discrete ones are categorical.
/// The same seed gives the same numbers whatever the number of threads.
///
/// Known differences from stable-baselines3, whose defaults these are: the rewards of a rollout are computed in one go
/// after it was collected, and reward normalisation therefore uses the statistics up to each step of that rollout.
public final class PPO: @unchecked Sendable {
  public struct Configuration: Sendable, Hashable, Codable {
    /// Steps of each environment between two updates (n_steps).
    public var rolloutSteps = 2048
    public var minibatch = 64
    public var epochs = 10
    public var learningRate: Float = 3e-4
    /// Environment steps over which the learning rate falls linearly to zero; nil keeps it.
    public var annealOver: Int? = nil
    /// Discount γ.
    public var gamma: Float = 0.99
    /// λ of generalised advantage estimation.
    public var lambda: Float = 0.95
    public var clip: Float = 0.2
    public var entropyCoefficient: Float = 0
    public var valueCoefficient: Float = 0.5
    public var maxGradientNorm: Float = 0.5
    public var normalizesAdvantages = true
    /// Stops a rollout's epochs when the approximate KL exceeds 1.5 times this.
    public var targetKL: Float? = nil
    public var hidden = [64, 64]
    public var initialLogStandardDeviation: Float = 0
    /// Running normalisation of observations, as VecNormalize does.
    public var normalizesObservations = false
    /// Division of rewards by the running standard deviation of the discounted return, as VecNormalize does.
    public var normalizesRewards = false
    public var nonFinite = NonFinitePolicy.abort

    /// For rewards that are tried, whatever their scale: the learner sees all observations and rewards at one.
    public static let anyReward: Configuration = {
      var ppo = Configuration()
      ppo.rolloutSteps = 256
      ppo.normalizesObservations = true
      ppo.normalizesRewards = true
      return ppo
    }()

    public init() {}
  }

  /// What one iteration (a rollout and its update) showed.
  public struct Iteration: Sendable {
    /// Environment steps since training began.
    public var steps: Int
    /// Sum of the environment's own reward over each episode that ended in this rollout.
    public var environmentReturns: [Double]
    /// The same of the reward that is optimised, before normalisation.
    public var returns: [Double]
    public var episodeLengths: [Int]
    public var terms: [TermStatistics]
    public var policyLoss: Double
    public var valueLoss: Double
    public var entropy: Double
    public var approximateKL: Double
    public var clipFraction: Double
  }

  public let configuration: Configuration
  public internal(set) var steps = 0
  /// Rewards that were not finite and were imputed.
  public var imputedRewards: Int { meter.imputed }

  let environment: any VectorEnvironment
  let actor: MLP
  let critic: MLP
  let logStandardDeviation: FloatBuffer
  let actorOptimizer: Adam
  let criticOptimizer: Adam
  let deviationOptimizer: Adam
  var random: RandomGenerator
  var observationMoments: RunningMoments?
  var rewardNormalizer: RewardNormalizer
  var ledger: EpisodeLedger
  let meter: RewardMeter

  private let pool: WorkerPool
  private let rollout: Rollout
  private let observationWidth: Int
  private let actionWidth: Int
  /// Outputs of the actor: action components, or one logit a choice.
  private let outputWidth: Int
  private let rolloutActor: MLP.Workspace
  private let rolloutCritic: MLP.Workspace
  private let trainingActor: MLP.Workspace
  private let trainingCritic: MLP.Workspace
  private let batch: Minibatch
  private let environmentActions: UnsafeMutableBufferPointer<Double>
  private let inputs: FloatBuffer
  private let deviationGradients: FloatBuffer
  private var order: [Int]
  private var losses = Losses()
  /// The same of the critic's thread.
  private var valueLoss = 0.0

  /// - Parameters:
  ///   - environment: made with `.sameStep`; PPO resets it with `seed`, and owns it from here on.
  ///   - pool: the thread budget, which may be the environment's own pool.
  /// - Throws: `GuerdonError` for a configuration that cannot work, or a reward function that cannot be evaluated.
  public init(
    environment: any VectorEnvironment, configuration: Configuration, reward: RewardSource = .environment, seed: UInt64,
    pool: WorkerPool
  ) throws {
    guard configuration.rolloutSteps >= 2, configuration.minibatch >= 2, configuration.epochs >= 1,
      configuration.hidden.allSatisfy({ $0 >= 1 }), configuration.hidden.count <= 8, configuration.learningRate > 0
    else {
      throw GuerdonError.usage(
        "PPO needs at least 2 steps a rollout, minibatches of at least 2, 1 epoch, and hidden widths of at least 1.")
    }
    self.environment = environment
    self.configuration = configuration
    self.pool = pool
    let spec = environment.spec
    let count = environment.count
    observationWidth = spec.observationSpace.width
    actionWidth = spec.actionSpace.width
    if case .discrete(let choices) = spec.actionSpace { outputWidth = choices } else { outputWidth = actionWidth }
    random = RandomGenerator(seed: seed, spawnKey: [0x70_70_6f])
    actor = MLP(widths: [observationWidth] + configuration.hidden + [outputWidth])
    critic = MLP(widths: [observationWidth] + configuration.hidden + [1])
    actor.initialize(outputGain: 0.01, random: &random)
    critic.initialize(outputGain: 1, random: &random)
    logStandardDeviation = FloatBuffer(padded(actionWidth))
    for j in 0..<actionWidth { logStandardDeviation.base[j] = configuration.initialLogStandardDeviation }
    actorOptimizer = Adam(count: actor.parameters.count)
    criticOptimizer = Adam(count: critic.parameters.count)
    deviationOptimizer = Adam(count: logStandardDeviation.count)
    observationMoments = configuration.normalizesObservations ? RunningMoments(width: observationWidth) : nil
    rewardNormalizer = RewardNormalizer(count: count, gamma: Double(configuration.gamma))
    ledger = EpisodeLedger(count: count)
    meter = try RewardMeter(reward, policy: configuration.nonFinite, environment: environment)
    guard !meter.isLive || !configuration.normalizesRewards else {
      throw GuerdonError.usage("PPO cannot normalise a live reward: its scale changes while it is learned from.")
    }
    rollout = Rollout(
      steps: configuration.rolloutSteps, count: count, observationWidth: observationWidth, actionWidth: actionWidth,
      schema: spec.schema)
    rolloutActor = MLP.Workspace(actor, capacity: count)
    rolloutCritic = MLP.Workspace(critic, capacity: count)
    trainingActor = MLP.Workspace(actor, capacity: configuration.minibatch)
    trainingCritic = MLP.Workspace(critic, capacity: configuration.minibatch)
    batch = Minibatch(
      capacity: configuration.minibatch, observationRow: padded(observationWidth), actionWidth: actionWidth)
    environmentActions = .allocate(capacity: count * actionWidth)
    environmentActions.initialize(repeating: 0)
    inputs = FloatBuffer(count * padded(observationWidth))
    deviationGradients = FloatBuffer(padded(actionWidth))
    order = Array(0..<rollout.rows)
    environment.reset(seed: seed)
  }

  deinit { environmentActions.deallocate() }

  /// The policy as it is now.
  public var policy: Policy {
    let isContinuous = if case .box = environment.spec.actionSpace { true } else { false }
    return Policy(
      environment: environment.spec.id, observationWidth: observationWidth, actionSpace: environment.spec.actionSpace,
      observationMoments: observationMoments, network: actor.copy(), head: .direct,
      logStandardDeviation: isContinuous ? Array(logStandardDeviation.array.prefix(actionWidth)) : [])
  }

  /// Trains until at least `totalSteps` environment steps have been taken since the beginning.
  /// - Parameters:
  ///   - shouldStop: asked before every iteration; when it is true, training ends early.
  ///   - onIteration: told what each iteration showed.
  /// - Throws: `GuerdonError` when a reward is not finite, or the policy diverges.
  public func train(
    totalSteps: Int, shouldStop: () -> Bool = { false }, onIteration: (Iteration) throws -> Void = { _ in }
  ) throws {
    while steps < totalSteps && !shouldStop() { try onIteration(iterate()) }
  }

  /// One rollout and the update on it.
  /// - Throws: as `train`.
  public func iterate() throws -> Iteration {
    let environmentRewards = collect()
    if let failure = environment.failure { throw failure }
    let terms = try meter.measure(rollout)
    var iteration = account(environmentRewards)
    iteration.terms = terms
    if configuration.normalizesRewards { normalizeRewards() }
    rollout.estimateAdvantages(gamma: configuration.gamma, lambda: configuration.lambda)
    try update()
    let count = Double(max(losses.minibatches, 1))
    iteration.policyLoss = losses.policy / count
    iteration.valueLoss = valueLoss / count
    iteration.entropy = losses.entropy / count
    iteration.approximateKL = losses.kl / count
    iteration.clipFraction = losses.clipped / count
    guard iteration.policyLoss.isFinite, iteration.valueLoss.isFinite else {
      throw GuerdonError.failure(
        "Training diverged after \(steps) steps: a loss is not finite. A smaller reward scale or learning rate may help.")
    }
    return iteration
  }

  // MARK: Collecting

  /// Fills the rollout by acting in the environments.
  /// - Returns: the environment's own rewards.
  private func collect() -> [Double] {
    let count = environment.count
    for t in 0..<rollout.steps {
      guard let observed = environment.observations.baseAddress else { break }
      observationMoments?.update(observed, rows: count)
      let first = t * count
      let observations = rollout.observations.base + first * rollout.observationRow
      normalize(
        observed, rows: count, width: observationWidth, by: observationMoments, into: observations,
        stride: rollout.observationRow)
      actor.forward(observations, stride: rollout.observationRow, count: count, rolloutActor)
      critic.forward(observations, stride: rollout.observationRow, count: count, rolloutCritic)
      for i in 0..<count {
        rollout.values.base[first + i] = rolloutCritic.outputs[8 * i]
        sample(rolloutActor.outputs + i * padded(outputWidth), environment: i, row: first + i)
      }
      environment.step(UnsafeBufferPointer(environmentActions), recording: rollout.transitions, at: first)
      for i in 0..<count {
        rollout.rewards[first + i] = environment.rewards[i]
        rollout.terminated[first + i] = environment.terminated[i]
        rollout.truncated[first + i] = environment.truncated[i]
      }
      valueTruncated(first: first)
    }
    if let observed = environment.observations.baseAddress {
      value(observed) { i, value in rollout.lastValues[i] = value }
    }
    steps += rollout.rows
    return rollout.rewards
  }

  /// Samples environment `i`'s action from the actor's outputs, and notes it with its log-probability.
  private func sample(_ outputs: UnsafePointer<Float>, environment i: Int, row: Int) {
    let actions = rollout.actions.base + row * actionWidth
    var logProbability: Float = 0
    switch environment.spec.actionSpace {
    case .box(let low, let high):
      for j in 0..<actionWidth {
        let logDeviation = logStandardDeviation.base[j]
        let noise = Float(random.normal())
        let action = outputs[j] + exp(logDeviation) * noise
        actions[j] = action
        logProbability -= 0.5 * noise * noise + logDeviation + halfLogTwoPi
        environmentActions[i * actionWidth + j] = min(max(Double(action), low[j]), high[j])
      }
    case .discrete(let choices):
      let normalizer = logSumExp(outputs, choices)
      var remaining = Float(random.uniform())
      var action = choices - 1
      for choice in 0..<choices {
        remaining -= exp(outputs[choice] - normalizer)
        if remaining < 0 {
          action = choice
          break
        }
      }
      logProbability = outputs[action] - normalizer
      actions[0] = Float(action)
      environmentActions[i] = Double(action)
    }
    rollout.logProbabilities.base[row] = logProbability
  }

  /// Values of the final observations of the episodes that the step at row `first` truncated.
  private func valueTruncated(first: Int) {
    let count = environment.count
    for i in 0..<count { rollout.finalValues[first + i] = 0 }
    guard (0..<count).contains(where: { rollout.truncated[first + $0] }),
      let observed = environment.finalObservations.baseAddress
    else { return }
    value(observed) { i, value in if rollout.truncated[first + i] { rollout.finalValues[first + i] = value } }
  }

  private func value(_ observed: UnsafePointer<Double>, _ take: (Int, Float) -> Void) {
    let count = environment.count
    let row = padded(observationWidth)
    normalize(
      observed, rows: count, width: observationWidth, by: observationMoments, into: inputs.base, stride: row)
    critic.forward(inputs.base, stride: row, count: count, rolloutCritic)
    for i in 0..<count { take(i, rolloutCritic.outputs[8 * i]) }
  }

  /// Sums rewards into episodes.
  private func account(_ environmentRewards: [Double]) -> Iteration {
    var iteration = Iteration(
      steps: steps, environmentReturns: [], returns: [], episodeLengths: [], terms: [], policyLoss: 0, valueLoss: 0,
      entropy: 0, approximateKL: 0, clipFraction: 0)
    let finished = ledger.enter(rollout, environmentRewards: environmentRewards)
    iteration.environmentReturns = finished.map(\.environmentReturn)
    iteration.returns = finished.map(\.rewardReturn)
    iteration.episodeLengths = finished.map(\.length)
    return iteration
  }

  /// Normalises each step's rewards by what was known up to it.
  private func normalizeRewards() {
    let count = rollout.count
    for t in 0..<rollout.steps {
      let first = t * count
      rollout.rewards.withUnsafeBufferPointer { rewards in
        guard let start = rewards.baseAddress else { return }
        rewardNormalizer.update(start + first) { rollout.terminated[first + $0] || rollout.truncated[first + $0] }
      }
      for row in first..<first + count { rollout.rewards[row] = rewardNormalizer.normalized(rollout.rewards[row]) }
    }
  }

  // MARK: Learning

  private func update() throws {
    losses = Losses()
    valueLoss = 0
    let remaining = configuration.annealOver.map { max(0, 1 - Float(steps - rollout.rows) / Float(max($0, 1))) } ?? 1
    let learningRate = configuration.learningRate * remaining
    for _ in 0..<configuration.epochs {
      shuffle()
      var start = 0
      while start < order.count {
        let end = min(start + configuration.minibatch, order.count)
        // A single row has no standard deviation to be normalised by.
        if end - start < 2 { break }
        // A live reward is asked when it is used, never when the step was taken.
        if try meter.remeasure(rollout) {
          rollout.estimateAdvantages(gamma: configuration.gamma, lambda: configuration.lambda)
        }
        batch.gather(rollout, order[start..<end], normalizesAdvantages: configuration.normalizesAdvantages)
        // Two independent networks: one thread each.
        pool.forEach(2) { part in part == 0 ? actorGradients() : criticGradients() }
        if let target = configuration.targetKL, losses.lastKL > 1.5 * target { return }
        let norm = (squaredNorm(trainingActor.gradients) + squaredNorm(trainingCritic.gradients)
          + squaredNorm(deviationGradients)).squareRoot()
        let scale = min(1, configuration.maxGradientNorm / (norm + 1e-6))
        pool.forEach(2) { part in
          if part == 0 {
            actorOptimizer.step(
              actor.parameters.base, gradients: trainingActor.gradients.base, scale: scale, learningRate: learningRate)
            deviationOptimizer.step(
              logStandardDeviation.base, gradients: deviationGradients.base, scale: scale, learningRate: learningRate)
            actor.refresh()
          } else {
            criticOptimizer.step(
              critic.parameters.base, gradients: trainingCritic.gradients.base, scale: scale, learningRate: learningRate)
            critic.refresh()
          }
        }
        start = end
      }
    }
  }

  /// A fresh permutation, which depends on the generator alone, so that a resumed training draws the same.
  private func shuffle() {
    for i in order.indices { order[i] = i }
    for i in stride(from: order.count - 1, to: 0, by: -1) { order.swapAt(i, random.integer(below: i + 1)) }
  }

  /// Gradients of −E[min(ρ A, clip(ρ, 1 − ε, 1 + ε) A)] − c · entropy (equations 7 and 9), ρ = π(a|s) / π_old(a|s).
  private func actorGradients() {
    let count = batch.count
    actor.forward(batch.observations.base, stride: batch.observationRow, count: count, trainingActor)
    let row = padded(outputWidth)
    let isContinuous = if case .box = environment.spec.actionSpace { true } else { false }
    for j in 0..<deviationGradients.count { deviationGradients.base[j] = 0 }
    var policyLoss: Float = 0, kl: Float = 0, clipped: Float = 0, entropy: Float = 0
    let share = 1 / Float(count)
    for i in 0..<count {
      let outputs = trainingActor.outputs + i * row
      let deltas = trainingActor.outputDeltas + i * row
      let advantage = batch.advantages.base[i]
      let action = batch.actions.base + i * actionWidth
      let normalizer = isContinuous ? 0 : logSumExp(outputs, outputWidth)
      let logProbability = isContinuous ? gaussianLogProbability(action, outputs) : outputs[Int(action[0])] - normalizer
      let logRatio = logProbability - batch.logProbabilities.base[i]
      let ratio = exp(logRatio)
      let limited = min(max(ratio, 1 - configuration.clip), 1 + configuration.clip)
      policyLoss -= min(ratio * advantage, limited * advantage)
      kl += ratio - 1 - logRatio
      if abs(ratio - 1) > configuration.clip { clipped += 1 }
      // Where the clipped objective is the smaller one it is flat.
      let slope = ratio * advantage <= limited * advantage ? -advantage * ratio * share : 0
      if isContinuous {
        for j in 0..<actionWidth {
          let precision = exp(-2 * logStandardDeviation.base[j])
          let difference = action[j] - outputs[j]
          deltas[j] = slope * difference * precision
          deviationGradients.base[j] += slope * (difference * difference * precision - 1)
        }
      } else {
        var rowEntropy: Float = 0
        for j in 0..<outputWidth {
          let logP = outputs[j] - normalizer
          rowEntropy -= exp(logP) * logP
        }
        for j in 0..<outputWidth {
          let logP = outputs[j] - normalizer
          let p = exp(logP)
          let hit: Float = j == Int(action[0]) ? 1 : 0
          deltas[j] = slope * (hit - p) + configuration.entropyCoefficient * share * p * (logP + rowEntropy)
        }
        entropy += rowEntropy
      }
    }
    if isContinuous {
      for j in 0..<actionWidth {
        entropy += Float(count) * (logStandardDeviation.base[j] + 0.5 + halfLogTwoPi)
        deviationGradients.base[j] -= configuration.entropyCoefficient
      }
    }
    actor.backward(batch.observations.base, stride: batch.observationRow, count: count, trainingActor)
    losses.policy += Double(policyLoss * share)
    losses.entropy += Double(entropy * share)
    losses.kl += Double(kl * share)
    losses.lastKL = kl * share
    losses.clipped += Double(clipped * share)
    losses.minibatches += 1
  }

  private func gaussianLogProbability(_ action: UnsafePointer<Float>, _ mean: UnsafePointer<Float>) -> Float {
    var sum: Float = 0
    for j in 0..<actionWidth {
      let logDeviation = logStandardDeviation.base[j]
      let noise = (action[j] - mean[j]) * exp(-logDeviation)
      sum -= 0.5 * noise * noise + logDeviation + halfLogTwoPi
    }
    return sum
  }

  /// Gradients of c · E[(V(s) − R)²].
  private func criticGradients() {
    let count = batch.count
    critic.forward(batch.observations.base, stride: batch.observationRow, count: count, trainingCritic)
    var loss: Float = 0
    for i in 0..<count {
      let difference = trainingCritic.outputs[8 * i] - batch.returns.base[i]
      loss += difference * difference
      trainingCritic.outputDeltas[8 * i] = configuration.valueCoefficient * 2 * difference / Float(count)
    }
    critic.backward(batch.observations.base, stride: batch.observationRow, count: count, trainingCritic)
    valueLoss += Double(loss) / Double(count)
  }
}

let halfLogTwoPi: Float = 0.918_938_533_204_672_7

func logSumExp(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
  var largest = x[0]
  for j in 1..<max(count, 1) { largest = max(largest, x[j]) }
  var sum: Float = 0
  for j in 0..<count { sum += exp(x[j] - largest) }
  return largest + log(sum)
}

func squaredNorm(_ buffer: FloatBuffer) -> Float {
  var sum = Lanes.zero
  var i = 0
  while i < buffer.count {
    let value = (buffer.base + i).lanes
    sum.addProduct(value, value)
    i &+= 8
  }
  return sum.sum()
}

/// Sums over an update's minibatches, of the actor's thread.
private struct Losses {
  var policy = 0.0
  var entropy = 0.0
  var kl = 0.0
  var clipped = 0.0
  var lastKL: Float = 0
  var minibatches = 0
}

/// The rows of one minibatch, side by side.
private final class Minibatch: @unchecked Sendable {
  private(set) var count = 0
  let observationRow: Int
  let actionWidth: Int
  let observations: FloatBuffer
  let actions: FloatBuffer
  let logProbabilities: FloatBuffer
  let advantages: FloatBuffer
  let returns: FloatBuffer

  init(capacity: Int, observationRow: Int, actionWidth: Int) {
    self.observationRow = observationRow
    self.actionWidth = actionWidth
    observations = FloatBuffer(capacity * observationRow)
    actions = FloatBuffer(capacity * actionWidth)
    logProbabilities = FloatBuffer(capacity)
    advantages = FloatBuffer(capacity)
    returns = FloatBuffer(capacity)
  }

  func gather(_ rollout: Rollout, _ rows: ArraySlice<Int>, normalizesAdvantages: Bool) {
    count = rows.count
    for (i, row) in rows.enumerated() {
      (observations.base + i * observationRow).update(
        from: rollout.observations.base + row * observationRow, count: observationRow)
      for j in 0..<actionWidth { actions.base[i * actionWidth + j] = rollout.actions.base[row * actionWidth + j] }
      logProbabilities.base[i] = rollout.logProbabilities.base[row]
      advantages.base[i] = rollout.advantages.base[row]
      returns.base[i] = rollout.returns.base[row]
    }
    guard normalizesAdvantages else { return }
    var mean: Float = 0
    for i in 0..<count { mean += advantages.base[i] }
    mean /= Float(count)
    var squares: Float = 0
    for i in 0..<count { squares += (advantages.base[i] - mean) * (advantages.base[i] - mean) }
    let scale = 1 / ((squares / Float(count - 1)).squareRoot() + 1e-8)
    for i in 0..<count { advantages.base[i] = (advantages.base[i] - mean) * scale }
  }
}
