import Basics
import Environments
import Foundation
import Schemas
import Torch

/// `PPO` with a memory: one gated recurrent unit under actor and critic, on LibTorch.
///
/// Rollouts are learned from as sequences, from the state that was remembered when each began; the memory is wiped
/// wherever an episode begins (as in Ni et al., arXiv 2110.05038, and in sb3-contrib). Minibatches are whole sequences of
/// some environments. Actions are distributed as `PPO`'s.
public final class RecurrentPPO {
  public struct Configuration: Sendable, Hashable, Codable {
    /// Steps of each environment between two updates, and the length of the sequences.
    public var rolloutSteps = 128
    /// Parts into which the environments are split in each epoch.
    public var minibatches = 4
    public var epochs = 4
    public var learningRate = 1e-3
    /// Discount γ.
    public var gamma: Float = 0.99
    /// λ of generalised advantage estimation.
    public var lambda: Float = 0.95
    public var clip = 0.2
    public var entropyCoefficient = 0.0
    public var valueCoefficient = 0.5
    public var maxGradientNorm = 0.5
    /// Numbers that are remembered.
    public var hidden = 64
    public var nonFinite = NonFinitePolicy.abort

    public init() {}
  }

  public let configuration: Configuration
  /// Environment steps taken since training began.
  public private(set) var steps = 0

  let network: RecurrentNetwork
  private let environment: any VectorEnvironment
  private let distribution: ActionDistribution
  private let optimizer: Torch.Adam
  private var random: RandomGenerator
  private let meter: RewardMeter
  private var ledger: EpisodeLedger
  private let rollout: Rollout
  /// What is remembered now, [count, hidden], and whether the next step begins an episode.
  private var state: Tensor
  private var starts: [Float]
  private let environmentActions: UnsafeMutableBufferPointer<Double>

  /// - Parameter environment: made with `.sameStep`; it is reset with `seed`, and owned from here on.
  /// - Throws: `GuerdonError` for a configuration that cannot work, or a reward function that cannot be evaluated.
  public init(
    environment: any VectorEnvironment, configuration: Configuration = Configuration(),
    reward: RewardSource = .environment, seed: UInt64
  ) throws {
    guard configuration.rolloutSteps >= 2, configuration.epochs >= 1, configuration.hidden >= 1,
      (1...environment.count).contains(configuration.minibatches), configuration.learningRate > 0
    else {
      throw GuerdonError.usage(
        "Recurrent PPO needs at least 2 steps a rollout, 1 epoch, 1 hidden unit, and from 1 minibatch to as many as there are environments.")
    }
    self.environment = environment
    self.configuration = configuration
    let spec = environment.spec, count = environment.count
    distribution = ActionDistribution(spec.actionSpace)
    network = RecurrentNetwork(
      inputs: spec.observationSpace.width, hidden: configuration.hidden, outputs: distribution.outputs,
      actionWidth: distribution.width, generator: Generator(seed: seed))
    optimizer = Torch.Adam(network.parameters(), learningRate: configuration.learningRate, epsilon: 1e-5)
    random = RandomGenerator(seed: seed, spawnKey: [0x72_6e_6e])
    meter = try RewardMeter(reward, policy: configuration.nonFinite, environment: environment)
    ledger = EpisodeLedger(count: count)
    rollout = Rollout(
      steps: configuration.rolloutSteps, count: count, observationWidth: spec.observationSpace.width,
      actionWidth: distribution.width, schema: spec.schema)
    state = .zeros([count, configuration.hidden])
    starts = Array(repeating: 1, count: count)
    environmentActions = .allocate(capacity: count * distribution.width)
    environmentActions.initialize(repeating: 0)
    environment.reset(seed: seed)
  }

  deinit { environmentActions.deallocate() }

  /// Trains until at least `totalSteps` environment steps have been taken since the beginning.
  /// - Throws: `GuerdonError` when a reward is not finite, or the policy diverges.
  public func train(
    totalSteps: Int, shouldStop: () -> Bool = { false }, onIteration: (TrainingReport) throws -> Void = { _ in }
  ) throws {
    while steps < totalSteps && !shouldStop() { try onIteration(iterate()) }
  }

  /// One rollout and the update on it.
  /// - Throws: as `train`.
  public func iterate() throws -> TrainingReport {
    let initialState = state
    let (observations, firsts) = collect()
    if let failure = environment.failure { throw failure }
    let environmentRewards = rollout.rewards
    let terms = try meter.measure(rollout)
    let finished = ledger.enter(rollout, environmentRewards: environmentRewards)
    rollout.estimateAdvantages(gamma: configuration.gamma, lambda: configuration.lambda)
    let losses = try update(observations, firsts, initialState)
    if let (name, value) = losses.first(where: { !$0.value.isFinite }) {
      throw GuerdonError.failure("Training diverged after \(steps) steps: the \(name) loss became \(value).")
    }
    return TrainingReport(
      steps: steps, environmentReturns: finished.map(\.environmentReturn), returns: finished.map(\.rewardReturn),
      episodeLengths: finished.map(\.length), terms: terms, losses: losses)
  }

  /// Plays `episodes` whole episodes with the likeliest actions, each with a memory of its own.
  /// - Throws: `GuerdonError` when the environment fails.
  public func evaluate(in test: any VectorEnvironment, episodes: Int, seed: UInt64) throws -> [Episode] {
    let count = test.count
    var state = Tensor.zeros([count, configuration.hidden])
    return try playEpisodes(test, episodes: episodes, seed: seed) { observations, actions in
      let starts: [Float] = (0..<count).map { test.terminated[$0] || test.truncated[$0] ? 1 : 0 }
      let found = step(observations, starts, state)
      state = found.state
      for i in 0..<count {
        let outputs = found.outputs[i * distribution.outputs..<(i + 1) * distribution.outputs]
        switch test.spec.actionSpace {
        case .discrete:
          let first = outputs.startIndex
          actions[i] = Double(outputs.indices.reduce(first) { outputs[$1] > outputs[$0] ? $1 : $0 } - first)
        case .box(let low, let high):
          for (j, output) in outputs.enumerated() {
            actions[i * low.count + j] = min(max(Double(output), low[j]), high[j])
          }
        }
      }
    }
  }

  /// One step of `count` memories: outputs [count, outputs], values [count], and what is remembered after it.
  private func step(
    _ observations: UnsafePointer<Double>, _ starts: [Float], _ state: Tensor
  ) -> (outputs: [Float], values: [Float], state: Tensor) {
    let count = starts.count, width = environment.spec.observationSpace.width
    let numbers = (0..<count * width).map { Float(observations[$0]) }
    return noGrad {
      let found = network(
        Tensor(numbers, shape: [1, count, width]), starts: Tensor(starts, shape: [1, count]), state: state)
      return (found.outputs.array(), found.values.array(), found.state)
    }
  }

  /// Fills the rollout by acting in the environments.
  /// - Returns: the observations [steps, count, width], and where episodes began [steps, count].
  private func collect() -> (observations: [Float], starts: [Float]) {
    let count = environment.count, width = environment.spec.observationSpace.width
    var seen: [Float] = [], firsts: [Float] = []
    let logDeviation = FloatBuffer(padded(distribution.width))
    for (j, value) in network.logDeviation.detach().array(of: Float.self).enumerated() { logDeviation.base[j] = value }
    for t in 0..<rollout.steps {
      guard let observed = environment.observations.baseAddress else { break }
      seen += (0..<count * width).map { Float(observed[$0]) }
      firsts += starts
      let found = step(observed, starts, state)
      state = found.state
      let first = t * count
      found.outputs.withUnsafeBufferPointer { outputs in
        guard let outputs = outputs.baseAddress else { return }
        for i in 0..<count {
          let action = rollout.actions.base + (first + i) * distribution.width
          distribution.sample(
            outputs + i * distribution.outputs, logDeviation.base, into: action, random: &random)
          for j in 0..<distribution.width {
            var value = Double(action[j])
            if case .box(let low, let high) = environment.spec.actionSpace { value = min(max(value, low[j]), high[j]) }
            environmentActions[i * distribution.width + j] = value
          }
        }
      }
      environment.step(UnsafeBufferPointer(environmentActions), recording: rollout.transitions, at: first)
      for i in 0..<count {
        rollout.values.base[first + i] = found.values[i]
        rollout.rewards[first + i] = environment.rewards[i]
        rollout.terminated[first + i] = environment.terminated[i]
        rollout.truncated[first + i] = environment.truncated[i]
        rollout.finalValues[first + i] = 0
        starts[i] = environment.terminated[i] || environment.truncated[i] ? 1 : 0
      }
      // A truncated episode goes on in the value of its last observation, with its memory.
      if (0..<count).contains(where: { environment.truncated[$0] }), let last = environment.finalObservations.baseAddress {
        let values = step(last, Array(repeating: 0, count: count), state).values
        for i in 0..<count where environment.truncated[i] { rollout.finalValues[first + i] = values[i] }
      }
    }
    if let observed = environment.observations.baseAddress { rollout.lastValues = step(observed, starts, state).values }
    steps += rollout.rows
    return (seen, firsts)
  }

  private func update(
    _ observations: [Float], _ firsts: [Float], _ initialState: Tensor
  ) throws -> [String: Double] {
    let count = rollout.count, width = environment.spec.observationSpace.width
    let shape = [rollout.steps, count]
    let inputs = Tensor(observations, shape: shape + [width]), starts = Tensor(firsts, shape: shape)
    let actions = Tensor(rollout.actions.array, shape: shape + [distribution.width])
    var advantages = Tensor(rollout.advantages.array, shape: shape), returns = Tensor(rollout.returns.array, shape: shape)
    let before = noGrad { logProbability(network(inputs, starts: starts, state: initialState).outputs, actions).value }
    var sums = ["policy": 0.0, "value": 0.0, "entropy": 0.0]
    var order = Array(0..<count)
    for _ in 0..<configuration.epochs {
      for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, random.integer(below: i + 1)) }
      for part in 0..<configuration.minibatches {
        // A live reward is asked when it is used, never when the step was taken.
        if try meter.remeasure(rollout) {
          rollout.estimateAdvantages(gamma: configuration.gamma, lambda: configuration.lambda)
          advantages = Tensor(rollout.advantages.array, shape: shape)
          returns = Tensor(rollout.returns.array, shape: shape)
        }
        let chosen = order[part * count / configuration.minibatches..<(part + 1) * count / configuration.minibatches]
        let index = Tensor(chosen.map { Int64($0) })
        func pick(_ tensor: Tensor, _ dim: Int = 1) -> Tensor { tensor.indexSelect(dim: dim, index: index) }
        let found = network(pick(inputs), starts: pick(starts), state: pick(initialState, 0))
        let (logProbabilities, entropy) = logProbability(found.outputs, pick(actions))
        var advantage = pick(advantages)
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        // Equation 7 of Schulman et al., arXiv 1707.06347.
        let ratio = (logProbabilities - pick(before)).exp()
        let limited = ratio.clamp(min: 1 - configuration.clip, max: 1 + configuration.clip)
        let policyLoss = -(ratio * advantage).minimum(limited * advantage).mean()
        let valueLoss = found.values.mseLoss(pick(returns))
        let meanEntropy = entropy.mean()
        let loss = policyLoss + configuration.valueCoefficient * valueLoss - configuration.entropyCoefficient * meanEntropy
        optimizer.zeroGrad()
        loss.backward()
        clipGradNorm(optimizer.parameters, maxNorm: configuration.maxGradientNorm)
        optimizer.step()
        let share = 1 / Double(configuration.epochs * configuration.minibatches)
        for (name, value) in [("policy", policyLoss), ("value", valueLoss), ("entropy", meanEntropy)] {
          sums[name, default: 0] += share * value.item()
        }
      }
    }
    return sums
  }

  /// log π(a|s) and the entropy, both [steps, count].
  private func logProbability(_ outputs: Tensor, _ actions: Tensor) -> (value: Tensor, entropy: Tensor) {
    if distribution.isDiscrete {
      let categorical = Categorical(logits: outputs)
      return (categorical.logProb(actions.squeeze(-1)), categorical.entropy())
    }
    let normal = Normal(mean: outputs, std: network.logDeviation.exp().expand(outputs.shape))
    return (normal.logProb(actions).sum(dim: -1), normal.entropy().sum(dim: -1))
  }
}
