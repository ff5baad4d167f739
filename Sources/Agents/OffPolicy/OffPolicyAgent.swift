import Basics
import Environments
import Foundation
import Rewards
import Schemas
import Torch

/// What SAC, TD3 and DQN share: stepping, rewards, the replay buffer, when to update, counters and checkpoints.
///
/// Every step of the environments is rewarded by the `RewardSource` before it is stored. The same seed gives the same
/// numbers whatever the number of threads.
public class OffPolicyAgent: @unchecked Sendable {
  /// When to collect and when to learn; stable-baselines3's names in brackets.
  struct Schedule {
    /// Transitions kept (buffer_size).
    var bufferSize: Int
    /// Environment steps of uniformly random actions before the first update (learning_starts).
    var learningStarts: Int
    /// Steps of each environment between updates (train_freq).
    var trainFrequency: Int
    /// Updates after these (gradient_steps).
    var gradientSteps: Int
    var minibatch: Int
    /// Steps of the return, and its discount.
    var nSteps: Int
    var gamma: Float
    /// As VecNormalize does: the replay buffer keeps what was seen, and minibatches are normalised by what is known now.
    var normalizesObservations: Bool
    var normalizesRewards: Bool
  }

  /// Environment steps taken since training began.
  public private(set) var steps = 0
  /// Gradient steps taken since training began.
  public internal(set) var updates = 0
  /// Rewards that were not finite and were imputed.
  public var imputedRewards: Int { meter.imputed }
  /// The policy as it is now.
  public var policy: Policy { preconditionFailure("a subclass has a policy") }

  let environment: any VectorEnvironment
  let pool: WorkerPool
  let schedule: Schedule
  let observationWidth: Int
  let actionWidth: Int
  let replay: ReplayBuffer
  let batch: ReplayBatch
  var random: RandomGenerator
  /// What `act` reads, normalised if that is wanted: [count, observationWidth].
  let inputs: FloatBuffer
  private(set) var observationMoments: RunningMoments?
  private(set) var rewardNormalizer: RewardNormalizer?
  /// What `act` writes, as the replay buffer keeps it: −1...1 of the box, or a choice's number. [count, actionWidth]
  let actions: FloatBuffer

  private let meter: RewardMeter
  private var ledger: EpisodeLedger
  private let rollout: Rollout
  private let observed: FloatBuffer
  private let nextObserved: FloatBuffer
  private let environmentActions: UnsafeMutableBufferPointer<Double>
  /// Steps of each environment since the last updates.
  private var sinceUpdate = 0
  private var lossSums: [String: Double] = [:]
  private var lossCounts: [String: Double] = [:]

  /// - Throws: `GuerdonError` for a schedule that cannot work, or a reward function that cannot be evaluated.
  init(
    environment: any VectorEnvironment, schedule: Schedule, reward: RewardSource, nonFinite: NonFinitePolicy,
    seed: UInt64, key: UInt32, pool: WorkerPool
  ) throws {
    guard schedule.bufferSize >= environment.count, schedule.minibatch >= 1, schedule.trainFrequency >= 1,
      schedule.gradientSteps >= 1, schedule.learningStarts >= 0
    else {
      throw GuerdonError.usage(
        "A replay buffer needs room for one step of every environment, and updates need a minibatch, a frequency and a number of at least 1.")
    }
    self.environment = environment
    self.pool = pool
    self.schedule = schedule
    let spec = environment.spec
    let count = environment.count
    observationWidth = spec.observationSpace.width
    actionWidth = spec.actionSpace.width
    random = RandomGenerator(seed: seed, spawnKey: [key])
    replay = ReplayBuffer(
      capacity: schedule.bufferSize, count: count, observationWidth: observationWidth, actionWidth: actionWidth)
    batch = ReplayBatch(
      capacity: schedule.minibatch, observationWidth: observationWidth, actionWidth: actionWidth)
    inputs = FloatBuffer(count * observationWidth)
    observationMoments = schedule.normalizesObservations ? RunningMoments(width: observationWidth) : nil
    rewardNormalizer =
      schedule.normalizesRewards ? RewardNormalizer(count: count, gamma: Double(schedule.gamma)) : nil
    observed = FloatBuffer(count * observationWidth)
    nextObserved = FloatBuffer(count * observationWidth)
    actions = FloatBuffer(count * actionWidth)
    meter = try RewardMeter(reward, policy: nonFinite, environment: environment)
    ledger = EpisodeLedger(count: count)
    rollout = Rollout(
      steps: 1, count: count, observationWidth: observationWidth, actionWidth: actionWidth, schema: spec.schema)
    environmentActions = .allocate(capacity: count * actionWidth)
    environmentActions.initialize(repeating: 0)
    environment.reset(seed: seed)
  }

  deinit { environmentActions.deallocate() }

  // MARK: What an algorithm adds

  /// Chooses `actions` for `observed`, exploring.
  func act() { preconditionFailure("a subclass acts") }
  /// Told after every step of the environments.
  func didStep() {}
  /// One gradient step.
  func update() { preconditionFailure("a subclass learns") }
  /// Everything learned, by the names that a checkpoint gives it.
  var networks: [(name: String, network: MLP)] { [] }
  var optimizers: [(name: String, optimizer: Adam)] { [] }
  /// Parameters outside networks.
  var scalars: [(name: String, buffer: FloatBuffer)] { [] }
  /// The hyperparameters as JSON: a checkpoint is of one training and no other.
  var encodedConfiguration: String { "" }

  /// Counts `value` into the mean that the next report shows.
  func note(_ name: String, _ value: Double) {
    lossSums[name, default: 0] += value
    lossCounts[name, default: 0] += 1
  }

  // MARK: Training

  /// Trains until at least `totalSteps` environment steps have been taken since the beginning.
  /// - Parameters:
  ///   - reportEvery: environment steps between two reports.
  ///   - shouldStop: asked before every stretch; when it is true, training ends early.
  ///   - onReport: told what each stretch showed.
  /// - Throws: `GuerdonError` when a reward is not finite, or the networks diverge.
  public final func train(
    totalSteps: Int, reportEvery: Int = 1_000, shouldStop: () -> Bool = { false },
    onReport: (TrainingReport) throws -> Void = { _ in }
  ) throws {
    while steps < totalSteps && !shouldStop() {
      try onReport(advance(to: min(totalSteps, steps + max(1, reportEvery))))
    }
  }

  private func advance(to target: Int) throws -> TrainingReport {
    var report = TrainingReport(
      steps: steps, environmentReturns: [], returns: [], episodeLengths: [], terms: [], losses: [:])
    var stretch = 0.0
    (lossSums, lossCounts) = ([:], [:])
    while steps < target {
      merge(try step(&report), into: &report.terms, after: stretch)
      didStep()
      stretch += 1
      sinceUpdate += 1
      guard sinceUpdate >= schedule.trainFrequency else { continue }
      sinceUpdate = 0
      guard steps > schedule.learningStarts else { continue }
      for _ in 0..<schedule.gradientSteps {
        updates += 1
        update()
      }
    }
    report.steps = steps
    for (name, sum) in lossSums { report.losses[name] = sum / (lossCounts[name] ?? 1) }
    if let (name, value) = report.losses.first(where: { !$0.value.isFinite }) {
      throw GuerdonError.failure(
        "Training diverged after \(steps) steps: the \(name) loss became \(value). A smaller reward scale or learning rate may help.")
    }
    return report
  }

  /// One step of every environment, into the replay buffer.
  private func step(_ report: inout TrainingReport) throws -> [TermStatistics] {
    let count = environment.count, space = environment.spec.actionSpace
    if let current = environment.observations.baseAddress {
      observationMoments?.update(current, rows: count)
      normalize(current, rows: count, width: observationWidth, by: nil, into: observed.base, stride: observationWidth)
      normalize(
        current, rows: count, width: observationWidth, by: observationMoments, into: inputs.base,
        stride: observationWidth)
    }
    if steps < schedule.learningStarts { actRandomly(in: space) } else { act() }
    for i in 0..<count {
      switch space {
      case .discrete: environmentActions[i] = Double(actions.base[i])
      case .box(let low, let high):
        for j in 0..<actionWidth {
          let scaled = Double(actions.base[i * actionWidth + j])
          environmentActions[i * actionWidth + j] = min(max(unscaled(scaled, low[j], high[j]), low[j]), high[j])
        }
      }
    }
    environment.step(UnsafeBufferPointer(environmentActions), recording: rollout.transitions, at: 0)
    if let failure = environment.failure { throw failure }
    for i in 0..<count {
      rollout.rewards[i] = environment.rewards[i]
      rollout.terminated[i] = environment.terminated[i]
      rollout.truncated[i] = environment.truncated[i]
      // A new episode has begun where one ended: what followed the action is the old one's last observation.
      let hasEnded = rollout.terminated[i] || rollout.truncated[i]
      let following = hasEnded ? environment.finalObservations : environment.observations
      for j in i * observationWidth..<(i + 1) * observationWidth { nextObserved.base[j] = Float(following[j]) }
    }
    let environmentRewards = rollout.rewards
    let terms = try meter.measure(rollout)
    rollout.rewards.withUnsafeBufferPointer { rewards in
      guard let start = rewards.baseAddress else { return }
      rewardNormalizer?.update(start) { rollout.terminated[$0] || rollout.truncated[$0] }
    }
    replay.append(
      observations: observed.base, actions: actions.base, rewards: rollout.rewards, nextObservations: nextObserved.base,
      ends: (0..<count).map { rollout.terminated[$0] ? .terminated : rollout.truncated[$0] ? .truncated : .none })
    for episode in ledger.enter(rollout, environmentRewards: environmentRewards) {
      report.environmentReturns.append(episode.environmentReturn)
      report.returns.append(episode.rewardReturn)
      report.episodeLengths.append(episode.length)
    }
    steps += count
    return terms
  }

  /// Draws the minibatch of the next update.
  final func draw() {
    replay.sample(into: batch, steps: schedule.nSteps, gamma: schedule.gamma, random: &random)
    if let observationMoments {
      for rows in [batch.current, batch.following] {
        normalizeInPlace(
          rows.base, rows: batch.capacity, width: observationWidth, by: observationMoments, stride: batch.row)
      }
    }
    if let rewardNormalizer {
      for i in 0..<batch.capacity {
        batch.rewards.base[i] = Float(rewardNormalizer.normalized(Double(batch.rewards.base[i])))
      }
    }
  }

  /// Uniform over the action space.
  private func actRandomly(in space: Space) {
    for j in 0..<actions.count {
      if case .discrete(let choices) = space {
        actions.base[j] = Float(random.integer(below: choices))
      } else {
        actions.base[j] = Float(random.uniform(-1, 1))
      }
    }
  }

  /// Statistics of a stretch of `count` steps and one more.
  private func merge(_ terms: [TermStatistics], into total: inout [TermStatistics], after count: Double) {
    if total.isEmpty {
      total = terms
      return
    }
    for (index, term) in terms.enumerated() {
      total[index].mean += (term.mean - total[index].mean) / (count + 1)
      total[index].min = min(total[index].min, term.min)
      total[index].max = max(total[index].max, term.max)
    }
  }

  // MARK: Checkpoints

  private static var format: String { "guerdon.off-policy.v1" }

  /// Everything of a training that is not an array.
  private struct State: Codable {
    var configuration: String
    var environment: String
    var steps: Int
    var updates: Int
    var sinceUpdate: Int
    var optimizerSteps: [Int]
    var random: RandomGenerator
    var observationMoments: RunningMoments?
    var rewardNormalizer: RewardNormalizer?
    var ledger: EpisodeLedger
    var environments: [EnvironmentState]
    var openEpisodes: [[Double]]
    var imputedRewards: Int
    var position: Int
    var filled: Int
  }

  /// Writes all that training needs to go on as if it had never stopped, the replay buffer included. One file, old or
  /// new, never torn.
  /// - Throws: `GuerdonError` when it cannot be written.
  public final func save(to url: URL) throws {
    let state = State(
      configuration: encodedConfiguration, environment: environment.spec.id, steps: steps, updates: updates,
      sinceUpdate: sinceUpdate, optimizerSteps: optimizers.map(\.optimizer.steps), random: random,
      observationMoments: observationMoments, rewardNormalizer: rewardNormalizer, ledger: ledger,
      environments: environment.saveState(), openEpisodes: meter.openEpisodes, imputedRewards: imputedRewards,
      position: replay.position, filled: replay.filled)
    let text: String
    do {
      text = String(decoding: try JSONEncoder().encode(state), as: UTF8.self)
    } catch {
      throw GuerdonError.failure("The training's state cannot be written down: an environment is in a state that is not finite.")
    }
    var file = SafetensorsFile(metadata: ["format": Self.format, "state": text])
    for (name, network) in networks { network.store(in: &file, prefix: name) }
    for (name, buffer) in scalars { file[name] = .init(buffer.array) }
    for (name, optimizer) in optimizers {
      file["optimizer.\(name).exp_avg"] = .init(optimizer.mean.array)
      file["optimizer.\(name).exp_avg_sq"] = .init(optimizer.square.array)
    }
    for (name, buffer, width) in replayBuffers {
      file["replay.\(name)"] = .init(Array(UnsafeBufferPointer(start: buffer.base, count: replay.size * width)))
    }
    file["replay.ends"] = .init(replay.ends.prefix(replay.size).map(Float.init))
    try file.write(to: url)
  }

  /// Goes on from a checkpoint; this object must have been made for the same environment, count and configuration.
  /// - Throws: `GuerdonError` when the file is no checkpoint, damaged, or of another training; nothing has changed then.
  public final func restore(from url: URL) throws {
    let file = try SafetensorsFile(contentsOf: url)
    guard file.metadata["format"] == Self.format, let text = file.metadata["state"] else {
      throw GuerdonError.failure("\(url.path) is a safetensors file, but not a checkpoint of SAC, TD3 or DQN.")
    }
    guard let state = try? JSONDecoder().decode(State.self, from: Data(text.utf8)) else {
      throw GuerdonError.failure("The checkpoint \(url.path) is damaged: its state cannot be read.")
    }
    guard state.configuration == encodedConfiguration, state.environment == environment.spec.id,
      state.environments.count == environment.count, state.ledger.count == environment.count,
      state.optimizerSteps.count == optimizers.count, (0...replay.slots).contains(state.filled),
      (0..<replay.slots).contains(state.position)
    else {
      throw GuerdonError.failure(
        "The checkpoint \(url.path) is of another training: \(state.environment) with \(state.environments.count) environments, or another algorithm or hyperparameters.")
    }
    func floats(_ name: String, _ count: Int) throws -> [Float] {
      let values = try file.entry(name).floats()
      guard values.count == count else {
        throw GuerdonError.failure("The checkpoint \(url.path) is damaged: \(name) has the wrong size.")
      }
      return values
    }
    var stored: [[Float]] = [], moments: [(mean: [Float], square: [Float])] = []
    for (name, network) in networks {
      let read = try MLP(file, prefix: name, activation: network.activation)
      guard read.widths == network.widths else {
        throw GuerdonError.failure("The checkpoint \(url.path) is damaged: \(name) has another shape.")
      }
      stored.append(read.parameters.array)
    }
    let values = try scalars.map { try floats($0.name, $0.buffer.count) }
    for (name, optimizer) in optimizers {
      moments.append(
        (try floats("optimizer.\(name).exp_avg", optimizer.mean.count),
         try floats("optimizer.\(name).exp_avg_sq", optimizer.mean.count)))
    }
    let size = state.filled * replay.count
    let kept = try replayBuffers.map { try floats("replay.\($0.name)", size * $0.width) }
    let ends = try floats("replay.ends", size).map { UInt8(min(max($0, 0), 2)) }

    for (entry, parameters) in zip(networks, stored) { entry.network.assign(parameters) }
    for (entry, values) in zip(scalars, values) { entry.buffer.assign(values) }
    for (index, entry) in optimizers.enumerated() {
      entry.optimizer.restore(
        steps: state.optimizerSteps[index], mean: moments[index].mean, square: moments[index].square)
    }
    replay.restore(
      observations: kept[0], actions: kept[1], rewards: kept[2], nextObservations: kept[3], ends: ends,
      position: state.position, filled: state.filled)
    (steps, updates, sinceUpdate) = (state.steps, state.updates, state.sinceUpdate)
    random = state.random
    (observationMoments, rewardNormalizer) = (state.observationMoments, state.rewardNormalizer)
    ledger = state.ledger
    meter.restore(openEpisodes: state.openEpisodes, imputed: state.imputedRewards)
    environment.restore(state.environments)
  }

  private var replayBuffers: [(name: String, buffer: FloatBuffer, width: Int)] {
    [
      ("observations", replay.observations, observationWidth), ("actions", replay.actions, actionWidth),
      ("rewards", replay.rewards, 1), ("next_observations", replay.nextObservations, observationWidth),
    ]
  }
}

/// A configuration as JSON with its keys in order, to be compared.
func encoded(_ configuration: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .sortedKeys
  return (try? encoder.encode(configuration)).map { String(decoding: $0, as: UTF8.self) } ?? ""
}

extension Space {
  /// Whether a squashed action can be scaled to this space.
  var isBoundedBox: Bool {
    guard case .box(let low, let high) = self else { return false }
    return zip(low, high).allSatisfy { $0.isFinite && $1.isFinite && $0 < $1 }
  }
}
