import Agents
import Basics
import Environments
import Experiments
import Foundation
import Proposers
import RewardAudit
import RewardPrograms
import Rewards

/// A policy, and what its training showed.
public struct TrainedPolicy: Sendable {
  public let policy: Policy
  /// One value a checkpoint; the terms are those of the objective's program.
  public let digest: TrainingDigest
  /// The evaluation episodes of each checkpoint.
  public let episodes: [[AuditedEpisode]]

  /// Mean fitness of the trained policy: that of the last checkpoint, whatever came before.
  public var fitness: Double { digest.fitness.last ?? .nan }
}

/// Trains one policy on one objective and evaluates the task's fitness along the way.
public struct PolicyTraining: Sendable {
  /// The learner, the same for every objective.
  public struct Configuration: Sendable, Hashable, Codable {
    /// Copies of the environment that step together.
    public var environments = 8
    /// Evaluations of the fitness, evenly spaced over the training.
    public var checkpoints = 10
    /// Episodes of each evaluation, with the policy's likeliest actions.
    public var evaluationEpisodes = 8
    /// Episodes of the last evaluation, on which comparisons rest.
    public var finalEpisodes = 24
    /// Random episodes from before the first generation.
    public var probeEpisodes = 32
    public var ppo = PPO.Configuration.anyReward

    public init() {}
  }

  public let task: DesignTask
  public let configuration: Configuration

  public init(task: DesignTask, configuration: Configuration) {
    self.task = task
    self.configuration = configuration
  }

  /// - Parameters:
  ///   - steps: environment steps, rounded up to whole rollouts.
  ///   - pool: the thread budget of this one training.
  ///   - onSteps: told how many steps were just taken.
  /// - Returns: nil when it was stopped before its end.
  /// - Throws: `GuerdonError` when a reward is not finite or the training diverges.
  public func run(
    _ objective: Objective, steps: Int, seed: UInt64, pool: WorkerPool, shouldStop: () -> Bool,
    onSteps: (Int) -> Void = { _ in }
  ) throws -> TrainedPolicy? {
    let session = try TrainingSession(self, objective, steps: steps, seed: seed, pool: pool)
    while !session.isFinished {
      guard try session.advance(shouldStop: shouldStop, onSteps: onSteps) else { return nil }
    }
    return session.trained
  }

  /// Episodes of random behaviour: what a proposer knows before the first generation.
  public static func probe(_ task: DesignTask, configuration: Configuration, seed: UInt64) throws -> [EpisodeDigest] {
    let training = PolicyTraining(task: task, configuration: configuration)
    let environment = try training.make(pool: WorkerPool(threads: 1))
    let examiner = try Examiner(task: task, objective: .environment, environment: environment)
    let played = try playRandomly(in: environment, episodes: configuration.probeEpisodes, seed: seed)
    return try played.map { try examiner.examine($0).digest }
  }

  func make(pool: WorkerPool) throws -> any VectorEnvironment {
    try Environments.make(
      task.environment.id, count: configuration.environments, pool: pool, maxEpisodeSteps: task.maxEpisodeSteps)
  }

  /// One number at an episode's end was earned by every step of it alike: discounting would only hide it from the first
  /// ones. Fitness alone is therefore trained with γ = λ = 1, which does better than the other arms' values.
  func learner(_ objective: Objective) -> PPO.Configuration {
    var ppo = configuration.ppo
    if case .fitnessAlone = objective { (ppo.gamma, ppo.lambda) = (1, 1) }
    return ppo
  }

  func reward(_ objective: Objective) -> RewardSource {
    switch objective {
    case .environment: return .environment
    case .program(let program): return .function(ProgramReward(program))
    case .fitnessAlone:
      let fitness = task.fitness
      return .episodic { transitions, length in
        fitness.makeEvaluator().evaluateEpisode(
          base: transitions.base, stride: transitions.capacity, rows: 0..<length)
      }
    }
  }
}

/// One training under way, which goes on from checkpoint to checkpoint.
final class TrainingSession: @unchecked Sendable {
  private let training: PolicyTraining
  private let steps: Int
  private let seed: UInt64
  private let trainer: PPO
  private let examiner: Examiner
  private var digest: TrainingDigest
  private var episodes: [[AuditedEpisode]] = []

  /// - Throws: `GuerdonError` when the environment or the learner cannot be made.
  init(_ training: PolicyTraining, _ objective: Objective, steps: Int, seed: UInt64, pool: WorkerPool) throws {
    self.training = training
    self.steps = steps
    self.seed = seed
    let environment = try training.make(pool: pool)
    examiner = try Examiner(task: training.task, objective: objective, environment: training.make(pool: pool))
    trainer = try PPO(
      environment: environment, configuration: training.learner(objective), reward: training.reward(objective),
      seed: seed, pool: pool)
    digest = TrainingDigest(
      steps: [], fitness: [], lengths: [], terms: examiner.termNames.map { .init(name: $0, values: []) }, episodes: [])
  }

  /// Checkpoints that are behind it.
  var checkpoints: Int { digest.steps.count }
  var isFinished: Bool { checkpoints == training.configuration.checkpoints }
  var stepsLeft: Int { max(0, steps - trainer.steps) }
  /// The policy as it is, and what was seen up to the last checkpoint.
  var trained: TrainedPolicy { TrainedPolicy(policy: trainer.policy, digest: digest, episodes: episodes) }

  /// Trains up to the next checkpoint and evaluates there.
  /// - Returns: false when it was stopped before.
  /// - Throws: `GuerdonError` when a reward or the fitness is not finite or the training diverges.
  func advance(shouldStop: () -> Bool, onSteps: (Int) -> Void) throws -> Bool {
    let configuration = training.configuration
    let checkpoint = checkpoints + 1
    var reported = trainer.steps
    try trainer.train(totalSteps: steps * checkpoint / configuration.checkpoints, shouldStop: shouldStop) {
      onSteps($0.steps - reported)
      reported = $0.steps
    }
    if shouldStop() { return false }
    let isLast = checkpoint == configuration.checkpoints
    let examined = try examiner.examine(
      trainer.policy, episodes: isLast ? configuration.finalEpisodes : configuration.evaluationEpisodes,
      // Training and evaluation never share a start: their seeds differ in the upper half.
      seed: 1 << 40 | seed & 0xffff_ffff + UInt64(checkpoint) << 48)
    digest.steps.append(trainer.steps)
    digest.fitness.append(Statistics.mean(examined.audited.map(\.fitness)))
    digest.lengths.append(Statistics.mean(examined.audited.map { Double($0.length) }))
    let taken = Double(max(1, examined.audited.map(\.length).reduce(0, +)))
    for term in digest.terms.indices {
      digest.terms[term].values.append(examined.audited.map { $0.termSums[term] }.reduce(0, +) / taken)
    }
    digest.episodes += examined.digests
    episodes.append(examined.audited)
    return true
  }
}

/// Plays episodes and reads from them what the design loop wants to know.
final class Examiner {
  let termNames: [String]
  private let environment: any VectorEnvironment
  private let task: DesignTask
  private let fitness: RewardProgramEvaluator
  private let evaluator: (any RewardEvaluator)?
  private let features: [Feature]

  init(task: DesignTask, objective: Objective, environment: any VectorEnvironment) throws {
    self.environment = environment
    self.task = task
    fitness = task.fitness.makeEvaluator()
    features = Feature.all(of: task.schema)
    if case .program(let program) = objective {
      termNames = program.termNames
      evaluator = ProgramReward(program).makeEvaluator()
    } else {
      termNames = []
      evaluator = nil
    }
  }

  func examine(
    _ policy: Policy, episodes: Int, seed: UInt64
  ) throws -> (audited: [AuditedEpisode], digests: [EpisodeDigest]) {
    let examined = try evaluate(policy, in: environment, episodes: episodes, seed: seed).map(examine)
    return (examined.map(\.audited), examined.map(\.digest))
  }

  /// - Throws: `GuerdonError` when the fitness is not a finite number.
  func examine(_ episode: Episode) throws -> (audited: AuditedEpisode, digest: EpisodeDigest) {
    let batch = episode.transitions
    let rows = 0..<episode.length
    let score = fitness.evaluateEpisode(base: batch.base, stride: batch.capacity, rows: rows)
    guard score.isFinite else {
      throw GuerdonError.failure("The fitness of task \(task.name) became \(score) on an episode of \(episode.length) steps.")
    }
    var total = [Double](repeating: 0, count: episode.length)
    var terms = [Double](repeating: 0, count: episode.length * termNames.count)
    evaluator?.evaluate(batch, rows: rows, total: &total, terms: &terms)
    let termSums = termNames.indices.map { term in
      terms[term * episode.length..<(term + 1) * episode.length].reduce(0, +)
    }
    var means: [Double] = [], deviations: [Double] = []
    for feature in features {
      var sum = 0.0, squares = 0.0
      for row in rows {
        let value = feature.value(batch.base, stride: batch.capacity, row: row)
        sum += value
        squares += value * value
      }
      let mean = sum / Double(episode.length)
      means.append(mean)
      deviations.append(max(0, squares / Double(episode.length) - mean * mean).squareRoot())
    }
    return (
      AuditedEpisode(
        fitness: score,
        designedReturn: evaluator == nil ? episode.environmentReturn : total.reduce(0, +), termSums: termSums,
        length: episode.length, terminated: episode.terminated),
      EpisodeDigest(fitness: score, means: means, deviations: deviations)
    )
  }
}
