import Agents
import Basics
import FiniteMDPs
import Foundation

/// Occupancy-regularised policy optimisation (the paper's algorithm): PPO on the proxy minus λ times a divergence
/// between the policy's occupancy and a base policy's, which a discriminator estimates.
///
/// It samples a process of finitely many states, and its networks see each state's features alone; so what the networks
/// say is computed once an iteration for every state. Baselines that penalise the actions' divergence are
/// `Regulariser.actions`.
public final class ORPO {
  /// What the policy is held near the base policy by.
  public enum Regulariser: Sendable, Hashable {
    case none
    /// λ times a divergence between occupancies, taken off the reward.
    case occupancy(OccupancyDivergence, coefficient: Double)
    /// coefficient / (1 − γ) times the mean divergence of the actions' distributions at the visited states, added to
    /// the loss.
    case actions(ActionDivergence, coefficient: Double)
  }

  public enum ActionDivergence: String, Sendable, Hashable, Codable { case kullbackLeibler, chiSquared }

  /// The repository's values for the tomato world, but for the smaller networks of the brief. Its penalty on
  /// KL(old ‖ new) is left out: clipping alone bounds a step.
  public struct Configuration: Sendable, Hashable, Codable {
    /// Steps of an episode, which then is truncated.
    public var horizon = 100
    /// Episodes of each policy an iteration.
    public var episodes = 15
    public var minibatch = 128
    public var epochs = 8
    public var learningRate: Float = 1e-3
    public var clip: Float = 0.05
    public var maxGradientNorm: Float = 0.1
    public var lambda = 0.98
    public var valueCoefficient: Float = 1e-2
    public var entropyCoefficient: Float = 0.01
    public var hidden = [128, 128]
    public var penaltyClip = 1000.0
    public var discriminator: OccupancyDiscriminator.Configuration = {
      var configuration = OccupancyDiscriminator.Configuration()
      configuration.hidden = [128, 128]
      return configuration
    }()

    public init() {}
  }

  /// What one iteration showed; means are per step of its rollout.
  public struct Iteration: Sendable, Hashable {
    public var proxy: Double
    /// The estimate of the occupancies' divergence; 0 where none is estimated.
    public var divergence: Double
    /// KL(π ‖ π0) of the actions, averaged over the visited states.
    public var actionKL: Double
    public var entropy: Double
  }

  public let configuration: Configuration
  public let regulariser: Regulariser
  private let process: FiniteMDP
  private let base: TabularPolicy
  private let features: FeatureTable
  private let sampler: Sampler
  private let actor, critic: MLP
  private let actorOptimizer, criticOptimizer: Adam
  private let actorWorkspace, criticWorkspace: MLP.Workspace
  private let actorTable, criticTable: MLP.Workspace
  private let discriminator: OccupancyDiscriminator?
  /// Rows [S, A, features and one-hot action], as the discriminator reads them.
  private let discriminatorRows: [Float]
  private var random: RandomGenerator

  /// - Parameters:
  ///   - process: pays the proxy; its discount is γ.
  ///   - features: what the networks see of each state, [S, featureCount].
  ///   - base: π0, which is only sampled (and, for `.actions`, asked for its probabilities).
  /// - Throws: `GuerdonError` for wrong shapes, a discount of 1, or a configuration that cannot work.
  public init(
    process: FiniteMDP, features: [Float], featureCount: Int, base: TabularPolicy, regulariser: Regulariser,
    configuration: Configuration = .init(), seed: UInt64
  ) throws {
    let states = process.stateCount, actions = process.actionCount
    guard featureCount >= 1, features.count == states * featureCount, base.stateCount == states,
      base.actionCount == actions
    else {
      throw GuerdonError.usage(
        "ORPO needs features [S, F] and a base policy [S, A] of the process's \(states) states and \(actions) actions.")
    }
    guard process.discount < 1, configuration.horizon >= 1, configuration.episodes >= 1, configuration.minibatch >= 2,
      configuration.epochs >= 1, configuration.learningRate > 0, configuration.hidden.allSatisfy({ $0 >= 1 }),
      configuration.horizon * configuration.episodes >= 2
    else {
      throw GuerdonError.usage(
        "ORPO needs a discount below 1, at least 2 steps an iteration, 1 epoch and minibatches of at least 2.")
    }
    (self.process, self.base, self.regulariser, self.configuration) = (process, base, regulariser, configuration)
    self.features = FeatureTable(features, width: featureCount)
    sampler = Sampler(process)
    random = RandomGenerator(seed: seed, spawnKey: [0x6f])
    actor = MLP(widths: [featureCount] + configuration.hidden + [actions])
    critic = MLP(widths: [featureCount] + configuration.hidden + [1])
    actor.initialize(outputGain: 0.01, random: &random)
    critic.initialize(outputGain: 1, random: &random)
    actorOptimizer = Adam(count: actor.parameters.count)
    criticOptimizer = Adam(count: critic.parameters.count)
    actorWorkspace = MLP.Workspace(actor, capacity: configuration.minibatch)
    criticWorkspace = MLP.Workspace(critic, capacity: configuration.minibatch)
    actorTable = MLP.Workspace(actor, capacity: states)
    criticTable = MLP.Workspace(critic, capacity: states)
    if case .occupancy(let divergence, _) = regulariser {
      let width = featureCount + actions
      discriminator = try OccupancyDiscriminator(
        width: width, divergence: divergence, configuration: configuration.discriminator, seed: random.next())
      discriminatorRows = (0..<states * actions).flatMap { row in
        let state = row / actions
        return features[state * featureCount..<(state + 1) * featureCount]
          + (0..<actions).map { $0 == row % actions ? 1 : 0 }
      }
    } else {
      (discriminator, discriminatorRows) = (nil, [])
    }
  }

  /// The policy as it is now, in every state.
  public func policy() throws -> TabularPolicy {
    try TabularPolicy(
      stateCount: process.stateCount, actionCount: process.actionCount, probabilities: probabilities())
  }

  /// One iteration: collect with both policies, train the discriminator, score and augment, estimate advantages,
  /// update.
  public func iterate() throws -> Iteration {
    let actions = process.actionCount, steps = configuration.horizon * configuration.episodes
    // 1. N steps with π and N steps with π0.
    let policy = probabilities(), values = stateValues()
    let rollout = sampler.rollout(policy, configuration, &random)
    var rewards = rollout.rows.map { process.expectedReward[$0] }
    var divergence = 0.0
    if let discriminator, case .occupancy(let kind, let coefficient) = regulariser {
      let reference = sampler.rollout(base.probabilities, configuration, &random)
      // 2. The discriminator first, so that it is fresh when it scores.
      try discriminator.train(
        current: discriminatorInputs(rollout.rows), reference: discriminatorInputs(reference.rows),
        epochs: configuration.epochs)
      // 3. r = Rp − λ · penalty.
      let table = discriminator.logRatios(of: discriminatorRows)
      let scored = OccupancyDiscriminator.penalties(
        kind, logRatios: rollout.rows.map { table[$0] }, clip: configuration.penaltyClip)
      for i in rewards.indices { rewards[i] -= coefficient * scored.penalties[i] }
      divergence = scored.estimate
    }
    let (advantages, returns) = estimateAdvantages(rollout, rewards, values)
    // 4. PPO.
    let logProbabilities = rollout.rows.map { log(Float(policy[$0])) }
    let entropy = update(rollout, logProbabilities, advantages, returns)
    // 5. What it showed.
    var proxy = 0.0, actionKL = 0.0
    for row in rollout.rows {
      proxy += process.expectedReward[row] / Double(steps)
      let begin = row / actions * actions
      for k in begin..<begin + actions where policy[k] > 0 {
        actionKL += policy[k] * log(policy[k] / max(base.probabilities[k], 1e-300)) / Double(steps)
      }
    }
    return Iteration(proxy: proxy, divergence: divergence, actionKL: actionKL, entropy: entropy)
  }

  // MARK: What the networks say of every state

  private func probabilities() -> [Double] {
    let states = process.stateCount, actions = process.actionCount
    actor.forward(features.base, stride: features.stride, count: states, actorTable)
    var logits = [Double](repeating: 0, count: states * actions)
    for s in 0..<states {
      for a in 0..<actions { logits[s * actions + a] = Double(actorTable.outputs[s * padded(actions) + a]) }
    }
    return TabularPolicy.softmax(logits, actionCount: actions).probabilities
  }

  private func stateValues() -> [Double] {
    critic.forward(features.base, stride: features.stride, count: process.stateCount, criticTable)
    return (0..<process.stateCount).map { process.isTerminal[$0] ? 0 : Double(criticTable.outputs[8 * $0]) }
  }

  private func discriminatorInputs(_ rows: [Int]) -> [Float] {
    let width = features.width + process.actionCount
    var inputs: [Float] = []
    inputs.reserveCapacity(rows.count * width)
    for row in rows { inputs += discriminatorRows[row * width..<(row + 1) * width] }
    return inputs
  }

  // MARK: Learning

  /// Generalised advantage estimation, episode by episode; a truncated episode goes on in the value of its last state.
  private func estimateAdvantages(
    _ rollout: Sampler.Rollout, _ rewards: [Double], _ values: [Double]
  ) -> (advantages: [Float], returns: [Float]) {
    let gamma = process.discount, actions = process.actionCount
    var advantages = [Float](repeating: 0, count: rewards.count), returns = advantages
    var advantage = 0.0
    for i in rewards.indices.reversed() {
      let value = values[rollout.rows[i] / actions]
      let delta = rewards[i] + gamma * values[rollout.next[i]] - value
      advantage = delta + (rollout.ends[i] ? 0 : gamma * configuration.lambda * advantage)
      advantages[i] = Float(advantage)
      returns[i] = Float(advantage + value)
    }
    let mean = advantages.reduce(0, +) / Float(advantages.count)
    let square = advantages.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(advantages.count)
    let scale = 1 / max(square.squareRoot(), 1e-4)
    return (advantages.map { ($0 - mean) * scale }, returns)
  }

  /// - Returns: the mean entropy.
  private func update(
    _ rollout: Sampler.Rollout, _ logProbabilities: [Float], _ advantages: [Float], _ returns: [Float]
  ) -> Double {
    let actions = process.actionCount, stride = features.stride
    let inputs = FloatBuffer(configuration.minibatch * stride)
    var order = Array(rollout.rows.indices), entropySum = 0.0, minibatches = 0
    for _ in 0..<configuration.epochs {
      for i in Swift.stride(from: order.count - 1, to: 0, by: -1) { order.swapAt(i, random.integer(below: i + 1)) }
      var start = 0
      while start + 1 < order.count {
        let batch = order[start..<min(start + configuration.minibatch, order.count)]
        for (i, sample) in batch.enumerated() {
          let state = rollout.rows[sample] / actions
          (inputs.base + i * stride).update(from: features.base + state * stride, count: stride)
        }
        actor.forward(inputs.base, stride: stride, count: batch.count, actorWorkspace)
        critic.forward(inputs.base, stride: stride, count: batch.count, criticWorkspace)
        var entropy: Float = 0
        for (i, sample) in batch.enumerated() {
          entropy += actorGradient(
            i, row: rollout.rows[sample], old: logProbabilities[sample], advantage: advantages[sample],
            share: 1 / Float(batch.count))
          criticWorkspace.outputDeltas[8 * i] =
            configuration.valueCoefficient * 2 * (criticWorkspace.outputs[8 * i] - returns[sample]) / Float(batch.count)
        }
        entropySum += Double(entropy) / Double(batch.count)
        minibatches += 1
        actor.backward(inputs.base, stride: stride, count: batch.count, actorWorkspace)
        critic.backward(inputs.base, stride: stride, count: batch.count, criticWorkspace)
        step(actor, actorOptimizer, actorWorkspace)
        step(critic, criticOptimizer, criticWorkspace)
        start += configuration.minibatch
      }
    }
    return entropySum / Double(max(1, minibatches))
  }

  /// The gradient by sample i's logits of −min(ρ A, clip(ρ) A) − c H + coefficient / (1 − γ) · D(π(· | s), π0(· | s)).
  /// - Returns: the entropy H.
  private func actorGradient(_ i: Int, row: Int, old: Float, advantage: Float, share: Float) -> Float {
    let actions = process.actionCount, action = row % actions, begin = row - action
    let outputs = actorWorkspace.outputs + i * padded(actions)
    let deltas = actorWorkspace.outputDeltas + i * padded(actions)
    var top = outputs[0]
    for j in 1..<max(1, actions) { top = max(top, outputs[j]) }
    var sum: Float = 0
    for j in 0..<actions { sum += exp(outputs[j] - top) }
    let normalizer = top + log(sum)
    let ratio = exp(outputs[action] - normalizer - old)
    let limited = min(max(ratio, 1 - configuration.clip), 1 + configuration.clip)
    let slope = ratio * advantage <= limited * advantage ? -advantage * ratio : 0
    var entropy: Float = 0, kl: Float = 0, square: Float = 0
    for j in 0..<actions {
      let logP = outputs[j] - normalizer, p = exp(logP), q = Float(max(base.probabilities[begin + j], 1e-30))
      entropy -= p * logP
      kl += p * (logP - log(q))
      square += p * p / q
    }
    for j in 0..<actions {
      let logP = outputs[j] - normalizer, p = exp(logP), q = Float(max(base.probabilities[begin + j], 1e-30))
      var gradient = slope * ((j == action ? 1 : 0) - p) + configuration.entropyCoefficient * p * (logP + entropy)
      if case .actions(let kind, let coefficient) = regulariser {
        let weight = Float(coefficient / (1 - process.discount))
        switch kind {
        case .kullbackLeibler: gradient += weight * p * (logP - log(q) - kl)
        case .chiSquared: gradient += weight * 2 * p * (p / q - square)
        }
      }
      deltas[j] = gradient * share
    }
    return entropy
  }

  private func step(_ network: MLP, _ optimizer: Adam, _ workspace: MLP.Workspace) {
    var square: Float = 0
    for i in 0..<workspace.gradients.count { square += workspace.gradients.base[i] * workspace.gradients.base[i] }
    let scale = min(1, configuration.maxGradientNorm / (square.squareRoot() + 1e-6))
    optimizer.step(
      network.parameters.base, gradients: workspace.gradients.base, scale: scale,
      learningRate: configuration.learningRate)
    network.refresh()
  }
}

/// Feature rows of every state, padded to whole vectors.
private struct FeatureTable {
  let width: Int
  let stride: Int
  private let buffer: FloatBuffer
  var base: UnsafeMutablePointer<Float> { buffer.base }

  init(_ rows: [Float], width: Int) {
    self.width = width
    stride = padded(width)
    buffer = FloatBuffer(rows.count / width * stride)
    for (i, value) in rows.enumerated() { buffer.base[i / width * stride + i % width] = value }
  }
}

/// Draws episodes from a finite process.
private struct Sampler {
  /// One row a step, episodes one after the other.
  struct Rollout {
    /// s · A + a.
    var rows: [Int] = []
    var next: [Int] = []
    /// Whether the episode's last step.
    var ends: [Bool] = []
  }

  private let process: FiniteMDP
  private let successors: [[TransitionModel.Successor]]

  init(_ process: FiniteMDP) {
    self.process = process
    successors = (0..<process.stateCount * process.actionCount).map {
      process.transitions.successors(of: $0 / process.actionCount, under: $0 % process.actionCount)
    }
  }

  /// - Parameter policy: π(a | s), [S, A].
  func rollout(_ policy: [Double], _ configuration: ORPO.Configuration, _ random: inout RandomGenerator) -> Rollout {
    var rollout = Rollout()
    let actions = process.actionCount, steps = configuration.horizon * configuration.episodes
    var state = 0, step = 0
    while rollout.rows.count < steps {
      if step == 0 { state = draw(process.initial.count, &random) { process.initial[$0] } }
      let row = state * actions + draw(actions, &random) { policy[state * actions + $0] }
      let options = successors[row]
      let choice = options.count == 1 ? 0 : draw(options.count, &random) { options[$0].probability }
      state = options[choice].state
      step += 1
      let ends = process.isTerminal[state] || step == configuration.horizon || rollout.rows.count + 1 == steps
      rollout.rows.append(row)
      rollout.next.append(state)
      rollout.ends.append(ends)
      if ends { step = 0 }
    }
    return rollout
  }

  private func draw(_ count: Int, _ random: inout RandomGenerator, _ weight: (Int) -> Double) -> Int {
    var remaining = random.uniform(), last = 0
    for i in 0..<count where weight(i) > 0 {
      remaining -= weight(i)
      last = i
      if remaining < 0 { break }
    }
    return last
  }
}
