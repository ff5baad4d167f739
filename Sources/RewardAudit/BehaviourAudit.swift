import Agents
import Basics
import Environments
import Experiments
import Foundation
import RewardPrograms
import Rewards

/// What is audited: a reward program where it is used, and what is really wanted there.
public struct AuditSubject: Sendable {
  public var reward: RewardProgram
  /// With the task's limit on its episodes.
  public var environment: EnvironmentSpec
  /// One number an episode.
  public var fitness: RewardProgram
  /// The fitness from which the task counts as done.
  public var success: Double?

  public init(reward: RewardProgram, environment: EnvironmentSpec, fitness: RewardProgram, success: Double?) {
    self.reward = reward
    self.environment = environment
    self.fitness = fitness
    self.success = success
  }
}

/// Audits a reward by what is done under it: random play or a given policy, a policy trained on the reward, and adversaries,
/// which are trained to earn the reward without the fitness.
public struct BehaviourAudit: Sendable {
  public struct Configuration: Sendable {
    /// Environment steps of each training.
    public var steps = 100_000
    /// Episodes that every policy is judged by.
    public var episodes = 48
    /// Evaluations along the training on the audited reward.
    public var checkpoints = 6
    /// How much an adversary gives for less fitness: a training each. Reward and fitness are both counted from random play
    /// (0) to the best that was seen (1).
    public var adversaries = [0.5, 1.5]
    /// The reward-fitness gap, in the same units, from which an adversary's find counts as an exploit.
    public var gap = 0.5
    /// Noise on what the program reads, in standard deviations of what it reads.
    public var noise = 0.01
    /// Change of the reward, in its standard deviations, that so little noise may make.
    public var sensitivity = 0.25
    /// Change of the rank correlation with the fitness that halving or doubling one term may make.
    public var scaling = 0.15
    /// Copies of the environment that step together.
    public var environments = 8
    public var ppo = PPO.Configuration.anyReward

    public init() {}
  }

  /// A policy and how it did, one number an episode.
  public struct PlayedPolicy: Sendable {
    public let name: String
    /// nil for random play.
    public let policy: Policy?
    public let fitness: [Double]
    public let designed: [Double]

    init(name: String, policy: Policy?, fitness: [Double], designed: [Double]) {
      (self.name, self.policy, self.fitness, self.designed) = (name, policy, fitness, designed)
    }

    public var meanFitness: Double { Statistics.mean(fitness) }
    public var meanDesigned: Double { Statistics.mean(designed) }
  }

  public struct Result: Sendable {
    /// The gravest first.
    public var findings: [Finding]
    /// Random play or the given policy first, then the policy trained on the reward, then the adversaries.
    public var policies: [PlayedPolicy]
    /// The policy with the widest gap between reward and fitness, if one is wide enough to be a finding.
    public var exploit: PlayedPolicy?
  }

  public var subject: AuditSubject
  public var configuration: Configuration

  public init(_ subject: AuditSubject, configuration: Configuration = Configuration()) {
    (self.subject, self.configuration) = (subject, configuration)
  }

  /// - Parameters:
  ///   - base: the policy in use; nil is random play.
  ///   - progress: told what is going on.
  /// - Throws: `GuerdonError` when a reward or the fitness is not finite; `CancellationError` when it was stopped.
  public func run(
    base: Policy? = nil, seed: UInt64, pool: WorkerPool, shouldStop: () -> Bool = { false },
    progress: (String) -> Void = { _ in }
  ) throws -> Result {
    var pooled: [Episode] = []
    func play(_ name: String, _ policy: Policy?, seed: UInt64, keep: Bool = true) throws -> (
      played: PlayedPolicy, audited: [AuditedEpisode]
    ) {
      let world = try make(pool)
      let episodes =
        try policy.map {
          try evaluate($0, in: world, episodes: configuration.episodes, seed: seed, shouldStop: shouldStop)
        } ?? playRandomly(in: world, episodes: configuration.episodes, seed: seed, shouldStop: shouldStop)
      if shouldStop() { throw CancellationError() }
      if keep { pooled += episodes }
      let audited = try episodes.map(examine)
      return (
        PlayedPolicy(
          name: name, policy: policy, fitness: audited.map(\.fitness), designed: audited.map(\.designedReturn)), audited)
    }

    progress(base == nil ? "random play" : "the given policy")
    let random = try play("random play", nil, seed: seed &+ 1_000_000)
    let given = try base.map { try play("given policy", $0, seed: seed &+ 1_000_000) }
    let first = given ?? random

    // Training on the audited reward.
    let trainer = try PPO(
      environment: make(pool), configuration: configuration.ppo, reward: .function(ProgramReward(subject.reward)),
      seed: seed, pool: pool)
    var checkpoints: [[AuditedEpisode]] = []
    var trained = first.played
    var policies = given == nil ? [random.played] : [random.played, first.played]
    var best = first.played
    for checkpoint in 1...configuration.checkpoints {
      progress("training on the reward, \(checkpoint) of \(configuration.checkpoints)")
      try trainer.train(
        totalSteps: configuration.steps * checkpoint / configuration.checkpoints, shouldStop: shouldStop)
      if shouldStop() { throw CancellationError() }
      let isLast = checkpoint == configuration.checkpoints
      let found = try play(
        "trained on the reward", trainer.policy, seed: seed &+ 2_000_000 &+ UInt64(checkpoint) << 32, keep: isLast)
      checkpoints.append(found.audited)
      trained = found.played
      if found.played.meanFitness > best.meanFitness { best = found.played }
    }
    policies.append(trained)

    // What the adversaries' two aims are counted in: from random play to the best seen so far.
    let rewardUnit = unit(random.played.designed, to: [trained.meanDesigned, first.played.meanDesigned])
    let fitnessUnit = unit(
      random.played.fitness, to: [best.meanFitness, trained.meanFitness] + (subject.success.map { [$0] } ?? []))

    for (index, weight) in configuration.adversaries.enumerated() {
      progress("adversary \(index + 1) of \(configuration.adversaries.count)")
      let policy = try adversary(
        weight: weight * rewardUnit.size / fitnessUnit.size, seed: seed &+ 1 &+ UInt64(index), pool: pool,
        shouldStop: shouldStop)
      let found = try play(
        String(format: "adversary, weight %g", weight), policy, seed: seed &+ 3_000_000 &+ UInt64(index) << 32)
      policies.append(found.played)
    }

    var findings = try proxyFindings(base: first.played, trained: trained)
    let found = exploit(among: policies, random: random.played, best: best)
    if let (exploit, reward, fitness) = found {
      let evidence = String(
        format: "designed return %.4g (random %.4g, trained on it %.4g), fitness %.4g (random %.4g, best seen %.4g",
        exploit.meanDesigned, random.played.meanDesigned, trained.meanDesigned, exploit.meanFitness,
        random.played.meanFitness, best.meanFitness)
      let success = subject.success.map { String(format: ", wanted %.4g)", $0) } ?? ")"
      findings.append(
        Finding(
          reward - fitness >= configuration.gap ? .high : .medium, "exploit",
          "The policy \u{201c}\(exploit.name)\u{201d} earns "
            + String(
              format: "%.0f %% of the reward to be won with %.0f %% of the fitness.", 100 * reward, 100 * fitness),
          evidence: evidence + success))
    }
    findings += sensitivities(pooled, seed: seed)
    findings += RewardAudit().findings(program: subject.reward, checkpoints: [random.audited] + checkpoints)
    return Result(
      findings: findings.sorted { $0.severity < $1.severity }, policies: policies, exploit: found?.policy)
  }

  /// Of the policies that earn at least half of the reward to be won, the one whose fitness lags most, if it lags by half of
  /// `configuration.gap` or more. Both are counted from random play (0) to the best that any policy reached (1); an
  /// adversary that outdoes the policy trained on the reward moves the 1.
  /// - Parameter best: the fittest policy of the training.
  func exploit(
    among policies: [PlayedPolicy], random: PlayedPolicy, best: PlayedPolicy
  ) -> (policy: PlayedPolicy, reward: Double, fitness: Double)? {
    let all = policies + [best]
    let rewardUnit = unit(random.designed, to: all.map(\.meanDesigned))
    let fitnessUnit = unit(random.fitness, to: all.map(\.meanFitness) + (subject.success.map { [$0] } ?? []))
    return policies.map { ($0, rewardUnit.counted($0.meanDesigned), fitnessUnit.counted($0.meanFitness)) }
      .filter { $0.1 >= 0.5 && $0.1 - $0.2 >= configuration.gap / 2 }
      .max { $0.1 - $0.2 < $1.1 - $1.2 }
  }

  private func make(_ pool: WorkerPool) throws -> any VectorEnvironment {
    try Environments.make(
      subject.environment.id, count: configuration.environments, pool: pool,
      maxEpisodeSteps: subject.environment.maxEpisodeSteps)
  }

  // MARK: Adversaries

  /// A policy trained on the reward of every step, less `weight` times the fitness at the episode's end.
  private func adversary(
    weight: Double, seed: UInt64, pool: WorkerPool, shouldStop: () -> Bool
  ) throws -> Policy {
    var ppo = configuration.ppo
    // The fitness is paid at the end alone: discounting would hide it from most of the episode.
    ppo.gamma = Float(1 - 1 / Double(max(100, subject.environment.maxEpisodeSteps)))
    let fitness = subject.fitness
    let source = RewardSource.sum(ProgramReward(subject.reward)) { transitions, length in
      -weight * fitness.makeEvaluator().evaluateEpisode(
        base: transitions.base, stride: transitions.capacity, rows: 0..<length)
    }
    let trainer = try PPO(environment: make(pool), configuration: ppo, reward: source, seed: seed, pool: pool)
    try trainer.train(totalSteps: configuration.steps, shouldStop: shouldStop)
    if shouldStop() { throw CancellationError() }
    return trainer.policy
  }

  /// Counts a quantity from random play (0) to the best seen (1).
  private struct Unit {
    let origin, size: Double
    func counted(_ value: Double) -> Double { (value - origin) / size }
  }

  private func unit(_ random: [Double], to best: [Double]) -> Unit {
    let origin = Statistics.mean(random)
    // A quantity that nobody raised is counted in its own spread.
    let rise = (best.max() ?? origin) - origin
    let spread = random.count > 1 ? Statistics.standardDeviation(random) : 0
    return Unit(origin: origin, size: max(rise, spread, 1e-9))
  }

  // MARK: Correlation and its breakdown

  /// The designed return as a proxy of the fitness, an episode a sample: does it survive being optimised?
  private func proxyFindings(base: PlayedPolicy, trained: PlayedPolicy) throws -> [Finding] {
    let found = try ProxyAssessment(
      base: ProxyStatistics(proxy: base.designed, truth: base.fitness),
      optimised: ProxyStatistics(proxy: trained.designed, truth: trained.fitness))
    let evidence = "Under \(base.name) and after training on the reward: " + found.summary
    var findings: [Finding] = []
    if let before = found.base.correlation, before > 0.2, let after = found.optimised.correlation, after < 0 {
      findings.append(
        Finding(
          .medium, "correlation-breaks", "Reward and fitness go together until the reward is optimised.",
          evidence: evidence))
    }
    // Means of some episodes differ by luck: only intervals that are apart count.
    let low = Statistics.stratifiedBootstrap([base.fitness], statistic: Statistics.mean).low
    let high = Statistics.stratifiedBootstrap([trained.fitness], statistic: Statistics.mean).high
    if high < low, trained.meanDesigned > base.meanDesigned {
      findings.append(
        Finding(
          .high, "optimising-harms",
          "Optimising this reward leaves less fitness than \(base.name) has"
            + (found.isHacking ? ": reward hacking." : "."),
          evidence: evidence))
    }
    return findings
  }

  // MARK: Sensitivity

  private func examine(_ episode: Episode) throws -> AuditedEpisode {
    let batch = episode.transitions, rows = 0..<episode.length
    let score = subject.fitness.makeEvaluator().evaluateEpisode(base: batch.base, stride: batch.capacity, rows: rows)
    guard score.isFinite else {
      throw GuerdonError.failure("The fitness became \(score) on an episode of \(episode.length) steps.")
    }
    let found = rewards(batch, rows: episode.length)
    guard let total = found.total.first(where: { !$0.isFinite }) else {
      let sums = subject.reward.termNames.indices.map { term in
        found.terms[term * episode.length..<(term + 1) * episode.length].reduce(0, +)
      }
      return AuditedEpisode(
        fitness: score, designedReturn: found.total.reduce(0, +), termSums: sums, length: episode.length,
        terminated: episode.terminated)
    }
    throw GuerdonError.failure("The reward became \(total) in an episode: guard it against division by zero and overflow.")
  }

  private func rewards(_ batch: TransitionBatch, rows: Int) -> (total: [Double], terms: [Double]) {
    var total = [Double](repeating: 0, count: rows)
    var terms = [Double](repeating: 0, count: rows * subject.reward.termNames.count)
    ProgramReward(subject.reward).makeEvaluator().evaluate(batch, rows: 0..<rows, total: &total, terms: &terms)
    return (total, terms)
  }

  private func sensitivities(_ episodes: [Episode], seed: UInt64) -> [Finding] {
    let rows = episodes.reduce(0) { $0 + $1.length }
    guard let schema = episodes.first?.transitions.schema, rows > 1 else { return [] }
    let batch = TransitionBatch(schema: schema, capacity: rows)
    var first = 0, bounds: [Range<Int>] = [], fitness: [Double] = []
    let evaluator = subject.fitness.makeEvaluator()
    for episode in episodes {
      let source = episode.transitions
      for column in 0..<schema.width {
        (batch.base + column * rows + first).update(from: source.base + column * source.capacity, count: episode.length)
      }
      fitness.append(
        evaluator.evaluateEpisode(base: source.base, stride: source.capacity, rows: 0..<episode.length))
      bounds.append(first..<first + episode.length)
      first += episode.length
    }
    let found = rewards(batch, rows: rows)
    return scalingFindings(found, rows, bounds, fitness) + noiseFindings(batch, found.total, rows, seed)
  }

  /// Would other weights of a term order the episodes otherwise?
  private func scalingFindings(
    _ found: (total: [Double], terms: [Double]), _ rows: Int, _ bounds: [Range<Int>], _ fitness: [Double]
  ) -> [Finding] {
    let names = subject.reward.termNames
    guard names.count > 1 else { return [] }
    func sums(_ values: ArraySlice<Double>) -> [Double] {
      bounds.map { range in range.reduce(0) { $0 + values[values.startIndex + $1] } }
    }
    let returns = sums(found.total[...])
    let original = Statistics.spearman(returns, fitness)
    guard original.isFinite else { return [] }
    return names.enumerated().compactMap { term, name in
      let share = sums(found.terms[term * rows..<(term + 1) * rows])
      let changes = [0.5, 2].map { factor in
        (factor, Statistics.spearman(zip(returns, share).map { $0 + (factor - 1) * $1 }, fitness))
      }
      guard let (factor, other) = changes.max(by: { abs($0.1 - original) < abs($1.1 - original) }), other.isFinite,
        abs(other - original) > configuration.scaling
      else { return nil }
      return Finding(
        .low, "scaling-sensitive",
        "Much hangs on the weight of the term \(name): \(factor < 1 ? "halved" : "doubled"), it would "
          + (other > original ? "serve the fitness better." : "serve the fitness worse."),
        evidence: String(
          format: "rank correlation with the fitness %.2f, then %.2f, over %d episodes", original, other, bounds.count))
    }
  }

  /// How far does the reward move when what it reads is a little off?
  private func noiseFindings(_ batch: TransitionBatch, _ total: [Double], _ rows: Int, _ seed: UInt64) -> [Finding] {
    let spread = Statistics.standardDeviation(total)
    guard spread > 0 else { return [] }
    var random = RandomGenerator(seed: seed, spawnKey: [0x6e_6f])
    var findings: [Finding] = []
    for input in Set(subject.reward.inputs.map(\.name)).sorted() {
      guard let columns = batch.schema.columns(of: input) else { continue }
      let kept = columns.map { column in Array(UnsafeBufferPointer(start: batch.base + column * rows, count: rows)) }
      // Counts and flags have no small errors.
      if kept.allSatisfy({ $0.allSatisfy { $0 == $0.rounded() } }) { continue }
      for (column, values) in zip(columns, kept) {
        let deviation = configuration.noise * Statistics.standardDeviation(values)
        for row in 0..<rows { batch.base[column * rows + row] = values[row] + deviation * random.normal() }
      }
      let moved = rewards(batch, rows: rows).total
      for (column, values) in zip(columns, kept) {
        for row in 0..<rows { batch.base[column * rows + row] = values[row] }
      }
      let change = (zip(moved, total).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(rows)).squareRoot()
      guard !(change <= configuration.sensitivity * spread) else { continue }
      findings.append(
        Finding(
          .medium, "noise-sensitive", "A little noise on \(input) moves this reward a lot.",
          evidence: String(
            format: "noise of %g standard deviations changes the reward by %.2f of its own", configuration.noise,
            change / spread)))
    }
    return findings
  }
}
