import Agents
import Basics
import Environments
import Experiments
import Foundation
import Synchronization
import Torch

/// Does an agent find its way by labels that come in while it plays? In the caption dungeon, where a keyword rule with
/// flips, a rate limit and a latency stands in for the language model.
extension ONI {
  public struct Configuration: MethodConfiguration, Hashable {
    /// The labeller's pace and quality.
    public struct Annotation: Sendable, Hashable, Codable {
      /// Queries that are labelled at once, the newest first (llm_batch).
      public var batch = 100
      /// Environment steps between two batches, on the simulated clock.
      public var period = 2_000
      /// Environment steps until a batch's labels arrive.
      public var latency = 2_000
      /// Probability that the keyword rule's answer is turned around.
      public var flip = 0.05
      public var waitingLimit = 10_000
      /// How long the asynchronous labeller thinks about a batch, in seconds.
      public var pause = 0.5
    }

    public struct Dungeon: Sendable, Hashable, Codable {
      public var levels = 6
      public var size = 7
      public var horizon = 200
      /// Texts a descent where captions are diverse.
      public var variants = 100_000
    }

    public enum Learner: String, Sendable, Codable { case ppo, tabular }

    public var weights = Weights()
    /// η of the classification model.
    public var threshold = 0.5
    /// z at and below which the ranking model pays nothing.
    public var rankingThreshold = -0.5
    /// Similarity at and below which bags of words pay nothing.
    public var similarityThreshold = 0.3
    public var candidates = RankingReward.Candidates()
    public var training = CaptionTraining()
    public var annotation = Annotation()
    public var dungeon = Dungeon()
    public var learner = Learner.ppo
    public var steps = 600_000
    /// Copies of the dungeon that PPO plays in.
    public var environments = 16
    public var ppo: PPO.Configuration = {
      // The paper's, on the toolkit's PPO: λ = 1 with one epoch is what V-trace is on policy.
      var ppo = PPO.Configuration()
      ppo.rolloutSteps = 32
      ppo.minibatch = 1_024
      ppo.epochs = 1
      ppo.clip = 0.1
      ppo.entropyCoefficient = 0.003
      ppo.valueCoefficient = 0.5
      ppo.gamma = 0.99
      ppo.lambda = 1
      ppo.learningRate = 1e-4
      ppo.maxGradientNorm = 4
      return ppo
    }()
    public var tabular: TabularLearner.Configuration = {
      var tabular = TabularLearner.Configuration()
      tabular.learningRate = 0.3
      tabular.gamma = 0.99
      tabular.initialEpsilon = 0.3
      tabular.finalEpsilon = 0.05
      tabular.explorationSteps = 100_000
      tabular.breaksTiesAtRandom = true
      return tabular
    }()
    /// Steps of each throughput measurement, and how often it is taken; 0 leaves it out.
    public var throughputSteps = 200_000
    public var throughputRounds = 3
    /// Whether the ablations and the baselines are run.
    public var ablations = true
    public var seeds: [UInt64] = Array(0..<3)

    /// The brief's: tabular Q-learning in a small dungeon, from labels without flips; flips have an arm of their own.
    public static let smoke: Configuration = {
      var configuration = Configuration()
      configuration.annotation.batch = 20
      configuration.annotation.flip = 0
      configuration.dungeon = Dungeon(levels: 5, size: 5, horizon: 150)
      configuration.learner = .tabular
      configuration.steps = 100_000
      configuration.throughputSteps = 0
      configuration.ablations = false
      return configuration
    }()

    /// The brief's: PPO, with smaller batches of captions than the paper's, for two cores. The 25 000 labels of NetHack
    /// are scaled to a dungeon that has some 43 captions: after two arrivals there is a step a training batch (a rollout).
    public static let full: Configuration = {
      var configuration = Configuration()
      configuration.annotation.batch = 20
      configuration.candidates.wanted = 40
      configuration.training.batch = 64
      configuration.training.manyLabels = 40
      configuration.ppo = PPO.Configuration()
      configuration.ppo.rolloutSteps = 125
      configuration.ppo.minibatch = 1_000
      configuration.ppo.epochs = 4
      configuration.ppo.learningRate = 1e-3
      configuration.ppo.entropyCoefficient = 0.1
      return configuration
    }()

    /// - Throws: `GuerdonError.usage` for an experiment that cannot be run.
    func check() throws {
      try training.check()
      guard !seeds.isEmpty, steps >= 1, environments >= 1, annotation.batch >= 1, annotation.period >= 1,
        annotation.latency >= 0, annotation.waitingLimit >= 1, (0...1).contains(annotation.flip), annotation.pause >= 0,
        throughputSteps >= 0, throughputRounds >= 1, candidates.every >= 1, candidates.randomPairs >= 0,
        weights.countExponent.isFinite, weights.intrinsic.isFinite, weights.extrinsic.isFinite
      else {
        throw GuerdonError.usage(
          "oni needs a seed, a step, an environment, finite weights, an annotator that labels some, and flip in 0...1.")
      }
    }
  }

  // MARK: Claims

  private static func succeeds(_ id: String, _ what: String, _ threshold: Double) -> Claim {
    Claim(id, "\(what) (mean success in the last fifth of the episodes).", .atLeast, threshold)
  }
  private static let extrinsicFails = Claim(
    "extrinsic-only-fails", "The environment's own reward alone leads nowhere (mean success).", .atMost, 0.05)
  private static let smokeExtrinsicFails = Claim(
    "extrinsic-only-fails", "The environment's own reward alone leads nowhere (mean success).", .atMost, 0.1)
  private static let generalises = Claim(
    "classification-generalises",
    "With 100000 texts a descent, classification succeeds by at least 0.5 more than retrieval (mean success).", .atLeast,
    0.5)
  private static let retrievalFails = Claim(
    "retrieval-needs-repetition", "With 100000 texts a descent, retrieval fails (mean success).", .atMost, 0.2)
  private static let throughput = Claim(
    "labeller-costs-no-time",
    "With a labeller that takes 0.5 s a batch, steps a second are at least 0.8 times those with a precomputed table (median ratio).",
    .atLeast, 0.8)
  private static let fewLabels = Claim(
    "few-labels", "Distinct captions that are labelled are at most 2 % of the steps (largest share of a run).", .atMost,
    0.02)
  private static let goalSwitch = Claim(
    "goal-switch",
    "Labels for bumping into walls instead of descending keep the same agent on its level (mean depth in the last fifth of the episodes).",
    .less, 1)

  // MARK: Arms

  private enum Goal: Sendable {
    case descend, bump
    var keywords: [String] { self == .descend ? ["climb down"] : ["bump into"] }
  }

  private enum Model: Sendable, Equatable {
    case none, retrieval, classification, ranking
    case bagOfWords(goal: String)
    var usesLabels: Bool { [.retrieval, .classification, .ranking].contains(self) }
    var hasNetwork: Bool { self == .classification || self == .ranking }
  }

  private enum Labeller: Sendable { case keyword, random, score }

  private struct Arm: Sendable {
    let name: String
    let model: Model
    var goal = Goal.descend
    var labeller = Labeller.keyword
    var variants = 1
    var sharesTexts = false
    var configuration: Configuration

    init(_ name: String, _ model: Model, _ configuration: Configuration, _ change: (inout Arm) -> Void = { _ in }) {
      (self.name, self.model, self.configuration) = (name, model, configuration)
      change(&self)
    }
  }

  private static func allArms(_ configuration: Configuration) -> [Arm] {
    let many = configuration.dungeon.variants
    func arm(_ name: String, _ model: Model, _ change: (inout Arm) -> Void = { _ in }) -> Arm {
      Arm(name, model, configuration, change)
    }
    var arms = [
      arm("extrinsic only", .none), arm("retrieval", .retrieval),
      arm("goal switch", .retrieval) { $0.goal = .bump },
    ]
    if configuration.learner == .ppo {
      arms += [
        arm("classification", .classification), arm("ranking", .ranking),
        arm("retrieval, many texts", .retrieval) { $0.variants = many },
        arm("classification, many texts", .classification) { $0.variants = many },
      ]
    }
    if configuration.learner == .tabular {
      arms.append(arm("labeller errs in 5 %", .retrieval) { $0.configuration.annotation.flip = 0.05 })
    }
    guard configuration.ablations else { return arms }
    arms += [
      arm("beta 0", .retrieval) { $0.configuration.weights.countExponent = 0 },
      arm("beta 1", .retrieval) { $0.configuration.weights.countExponent = 1 },
      arm("shared caption", .retrieval) { $0.sharesTexts = true },
      arm("reward-free", .retrieval) { $0.configuration.weights.extrinsic = 0 },
      arm("tenth of the labels", .retrieval) { arm in
        arm.configuration.annotation.batch = max(1, arm.configuration.annotation.batch / 10)
      },
      arm("late labels", .retrieval) { $0.configuration.annotation.latency = 100_000 },
      arm("labeller errs in 20 %", .retrieval) { $0.configuration.annotation.flip = 0.2 },
      arm("random labels", .retrieval) { $0.labeller = .random },
      arm("labels by score", .retrieval) { $0.labeller = .score },
      arm("bag of words, descend", .bagOfWords(goal: "climb down the stairs")),
      arm("bag of words, never descend", .bagOfWords(goal: "never climb down the stairs")),
    ]
    guard configuration.learner == .ppo else { return arms }
    return arms + [
      arm("goal switch, classification", .classification) { $0.goal = .bump },
      arm("eta 0.1, many texts", .classification) { ($0.variants, $0.configuration.threshold) = (many, 0.1) },
      arm("eta 0.9, many texts", .classification) { ($0.variants, $0.configuration.threshold) = (many, 0.9) },
      arm("tenth of the labels, many texts", .classification) { arm in
        arm.variants = many
        arm.configuration.annotation.batch = max(1, arm.configuration.annotation.batch / 10)
      },
      arm("ranking, many texts", .ranking) { $0.variants = many },
      arm("ranking, duplicates kept", .ranking) { $0.configuration.candidates.removesDuplicates = false },
    ]
  }

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    try configuration.check()
    // One thread a run: the order of sums, and so the result, must not depend on the machine.
    setThreads(1)
    // The long ones first.
    let arms = allArms(configuration).sorted { $0.model.hasNetwork && !$1.model.hasNetwork }
    let jobs = arms.flatMap { arm in configuration.seeds.map { (arm: arm, seed: $0) } }
    let results = try run.results(jobs.count, of: "oni", named: "runs") { index in
      try measure(jobs[index].arm, seed: jobs[index].seed, interruption: run.interruption)
    }
    func measured(_ name: String) -> [Measured] { zip(jobs, results).filter { $0.0.arm.name == name }.map { $0.1 } }
    func success(_ name: String) -> Double { Statistics.mean(measured(name).map(\.success)) }
    var tables = Dictionary(
      uniqueKeysWithValues: arms.map { arm in
        let values = measured(arm.name)
        var metrics = ["success": values.map(\.success), "depth": values.map(\.depth)]
        if arm.model.usesLabels {
          metrics["labelled captions"] = values.map { Double($0.labelled) }
          metrics["label share"] = values.map(\.share)
        }
        if arm.model != .none { metrics["agreement"] = values.map(\.agreement) }
        return (arm.name, metrics)
      })

    var claims: [Verdict]
    let shares = zip(jobs, results).filter { $0.0.arm.model.usesLabels }.map { $0.1.share }
    if configuration.learner == .tabular {
      claims = [
        succeeds("retrieval-succeeds", "Retrieval leads out of the dungeon", 0.9).verdict(measured: success("retrieval")),
        smokeExtrinsicFails.verdict(measured: success("extrinsic only")),
      ]
    } else {
      claims = [
        succeeds("retrieval-succeeds", "Retrieval leads out of the dungeon", 0.8).verdict(measured: success("retrieval")),
        succeeds("classification-succeeds", "Classification leads out of the dungeon", 0.8)
          .verdict(measured: success("classification")),
        succeeds("ranking-succeeds", "Ranking leads out of the dungeon", 0.8).verdict(measured: success("ranking")),
        extrinsicFails.verdict(measured: success("extrinsic only")),
        succeeds("classification-with-many-texts", "With 100000 texts a descent, classification leads out", 0.7)
          .verdict(measured: success("classification, many texts")),
        generalises.verdict(
          measured: success("classification, many texts") - success("retrieval, many texts")),
        retrievalFails.verdict(measured: success("retrieval, many texts")),
      ]
    }
    claims += [
      fewLabels.verdict(measured: shares.max() ?? .nan),
      goalSwitch.verdict(measured: Statistics.mean(measured("goal switch").map(\.depth))),
    ]
    if configuration.throughputSteps > 0 {
      let rates = try await measureThroughput(configuration, run)
      claims.append(throughput.verdict(measured: Statistics.median(zip(rates.retrieval, rates.table).map { $0 / $1 })))
      tables["throughput, precomputed table"] = ["steps a second": rates.table]
      tables["throughput, asynchronous retrieval"] = ["steps a second": rates.retrieval]
      tables["throughput, asynchronous classification"] = ["steps a second": rates.classification]
      tables["throughput, labeller in the loop"] = ["steps a second": rates.blocking]
    }
    return Evidence(
      claims: claims, arms: tables,
      notes: [
        "The labeller is a keyword rule with flips, not a language model: this tests the loop, not a model's knowledge.",
        "All arms but those called throughput use the simulated clock: labels arrive after a number of environment steps, and the same seed gives the same run. The throughput arms use the asynchronous annotator and the wall clock.",
        "Success and depth are of the last fifth of a run's episodes, while the policy explores.",
        "Agreement is the probability that a random helpful caption is paid more than a random unhelpful one, ties counting half.",
      ])
  }

  // MARK: One run

  private struct Measured: Sendable {
    /// Of the last fifth of the episodes: share that left the dungeon, and mean levels climbed down.
    var success: Double
    var depth: Double
    /// Distinct captions.
    var labelled: Int
    /// The same over the steps.
    var share: Double
    var agreement: Double
  }

  /// Passes a live reward on, and writes down how each episode ended.
  private final class Diary: LiveReward, @unchecked Sendable {
    private let reward: OnlineIntrinsicReward
    private let interruption: Interruption
    /// Levels climbed down, episode by episode.
    private(set) var depths: [Double] = []

    init(_ reward: OnlineIntrinsicReward, interruption: Interruption) {
      (self.reward, self.interruption) = (reward, interruption)
    }

    func observe(_ rollout: CollectedRollout) throws {
      if interruption.isRequested { throw CancellationError() }
      if let depth = rollout.transitions.column("depth") {
        for row in 0..<rollout.rows where rollout.terminated[row] || rollout.truncated[row] { depths.append(depth[row]) }
      }
      try reward.observe(rollout)
    }

    func revise(_ rewards: inout [Double]) throws -> Bool { try reward.revise(&rewards) }
    func forgetOpenEpisodes() { reward.forgetOpenEpisodes() }
  }

  private static func makeDungeon(_ arm: Arm, seed: UInt64) throws -> CaptionDungeon {
    let world = arm.configuration.dungeon
    return try CaptionDungeon(
      levels: world.levels, size: world.size, horizon: world.horizon, variants: arm.variants,
      sharesTexts: arm.sharesTexts, observation: arm.configuration.learner == .tabular ? .cell : .oneHot, seed: seed)
  }

  private static func makeModel(_ arm: Arm, seed: UInt64) -> any CaptionReward {
    let configuration = arm.configuration
    switch arm.model {
    case .none, .retrieval: return RetrievalReward()
    case .classification:
      return ClassificationReward(threshold: configuration.threshold, training: configuration.training, seed: seed)
    case .ranking:
      return RankingReward(
        threshold: configuration.rankingThreshold, candidates: configuration.candidates,
        training: configuration.training, seed: seed)
    case .bagOfWords(let goal): return BagOfWordsReward(goal: goal, threshold: configuration.similarityThreshold)
    }
  }

  private static func makeLabeller(_ arm: Arm, seed: UInt64) -> any RuleLabeller {
    switch arm.labeller {
    case .keyword:
      KeywordLabeller(keywords: arm.goal.keywords, flip: arm.configuration.annotation.flip, seed: seed)
    case .random: RandomLabeller(seed: seed)
    case .score: ScoreLabeller()
    }
  }

  private static func measure(_ arm: Arm, seed: UInt64, interruption: Interruption) throws -> Measured {
    let configuration = arm.configuration, annotation = arm.configuration.annotation
    let dungeon = try makeDungeon(arm, seed: seed)
    let model = makeModel(arm, seed: seed)
    let annotator = arm.model.usesLabels
      ? SimulatedAnnotator(
        makeLabeller(arm, seed: seed), batch: annotation.batch, period: annotation.period, latency: annotation.latency,
        waitingLimit: annotation.waitingLimit) : nil
    let reward = OnlineIntrinsicReward(
      weights: configuration.weights, model: model, reader: DungeonCaptions(dungeon), annotator: annotator)
    let diary = Diary(reward, interruption: interruption)
    switch configuration.learner {
    case .ppo:
      let pool = WorkerPool(threads: 1)
      let ppo = try PPO(
        environment: dungeon.make(count: configuration.environments, pool: pool, seed: seed),
        configuration: configuration.ppo, reward: .live(diary), seed: seed, pool: pool)
      try ppo.train(totalSteps: configuration.steps)
    case .tabular:
      var world = try DiscreteEnvironment(dungeon.make(count: 1, seed: seed), reward: .live(diary))
      var learner = try TabularLearner(
        states: world.states, actions: world.actions, configuration: configuration.tabular, seed: seed)
      while learner.steps < configuration.steps { try learner.train(in: &world, episodes: 1) }
    }
    let last = diary.depths.suffix(max(1, diary.depths.count / 5))
    let steps = Double(max(reward.steps, 1))
    return Measured(
      success: Statistics.mean(last.map { $0 == Double(dungeon.levels) ? 1 : 0 }), depth: Statistics.mean(Array(last)),
      labelled: model.labelledCaptions, share: Double(model.labelledCaptions) / steps,
      agreement: agreement(of: model, with: arm.goal, in: dungeon, seed: seed))
  }

  /// How well a model tells helpful captions from others, on up to 200 descents, seen or not, and all misses.
  private static func agreement(
    of model: any CaptionReward, with goal: Goal, in dungeon: CaptionDungeon, seed: UInt64
  ) -> Double {
    var random = RandomGenerator(seed: seed, spawnKey: [0x61_67_72])
    let first = 1 + 2 * CaptionDungeon.missVariants
    let descents = dungeon.messages - first
    let numbers = Array(1..<first)
      + (0..<min(descents, 200)).map { first + (descents <= 200 ? $0 : random.integer(below: descents)) }
    let captions = numbers.map { Caption(bytes: dungeon.message($0)) }
    let truth = KeywordLabeller(keywords: goal.keywords)
    let paid = zip(captions, model.rewards(of: captions))
    return Statistics.probabilityOfImprovement(
      paid.filter { truth.isHelpful($0.0) }.map { $0.1 }, over: paid.filter { !truth.isHelpful($0.0) }.map { $0.1 })
  }

  // MARK: Throughput

  /// A labeller that takes its time, as a language model does.
  private struct SlowLabeller: CaptionLabeller {
    let rule: KeywordLabeller
    let pause: Double

    func label(_ queries: [CaptionQuery]) async throws -> [CaptionAnswer] {
      try await Task.sleep(for: .seconds(pause))
      return queries.map(rule.answer)
    }
  }

  /// The control: the learner waits for the labeller after every rollout.
  private final class BlockingAnnotator: Annotator {
    private let labeller: SlowLabeller
    private let batch: Int
    private let queue: Mutex<AnnotationQueue>
    private let finished = Mutex<[LabelledQuery]>([])

    init(_ labeller: SlowLabeller, batch: Int, waitingLimit: Int) {
      (self.labeller, self.batch) = (labeller, batch)
      queue = Mutex(AnnotationQueue(limit: waitingLimit))
    }

    func submit(_ queries: [CaptionQuery]) { queue.withLock { $0.submit(queries) } }

    func advance(to steps: Int) {
      Thread.sleep(forTimeInterval: labeller.pause)
      let queries = queue.withLock { $0.take(batch) }
      finished.withLock { $0 += queries.map { LabelledQuery($0, labeller.rule.answer($0)) } }
    }

    func collect() -> [LabelledQuery] {
      finished.withLock { finished in
        defer { finished = [] }
        return finished
      }
    }

    var waiting: Int { queue.withLock { $0.waiting } }
  }

  private struct Rates: Sendable {
    var table: [Double] = []
    var retrieval: [Double] = []
    var classification: [Double] = []
    var blocking: [Double] = []
  }

  /// Steps a second with labels in a table beforehand, with the asynchronous annotator, and with a labeller that is
  /// waited for; in turn, because the machine's speed changes.
  private static func measureThroughput(_ configuration: Configuration, _ run: RunContext) async throws -> Rates {
    var rates = Rates()
    for round in 0..<configuration.throughputRounds {
      if run.interruption.isRequested { throw CancellationError() }
      run.progress.update(
        "oni", fraction: Double(round) / Double(configuration.throughputRounds),
        detail: "throughput, round \(round + 1) of \(configuration.throughputRounds)")
      let steps = configuration.throughputSteps, seed = UInt64(round)
      rates.table.append(try await rate(.table, steps: steps, seed: seed, configuration, run.interruption))
      rates.retrieval.append(try await rate(.retrieval, steps: steps, seed: seed, configuration, run.interruption))
      rates.classification.append(
        try await rate(.classification, steps: steps, seed: seed, configuration, run.interruption))
      rates.blocking.append(
        try await rate(.blocking, steps: steps / 10, seed: seed, configuration, run.interruption))
    }
    return rates
  }

  private enum Timed: Sendable { case table, retrieval, classification, blocking }

  private static func rate(
    _ timed: Timed, steps: Int, seed: UInt64, _ configuration: Configuration, _ interruption: Interruption
  ) async throws -> Double {
    // A thread of its own: the learner must not hold one of those that the annotator's task needs.
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Double, any Error>) in
      let thread = Thread {
        continuation.resume(
          with: Result { try timedRate(timed, steps: steps, seed: seed, configuration, interruption) })
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  private static func timedRate(
    _ timed: Timed, steps: Int, seed: UInt64, _ configuration: Configuration, _ interruption: Interruption
  ) throws -> Double {
    let annotation = configuration.annotation
    let arm = Arm("throughput", timed == .classification ? .classification : .retrieval, configuration)
    let dungeon = try makeDungeon(arm, seed: seed)
    let rule = KeywordLabeller(keywords: Goal.descend.keywords)
    let slow = SlowLabeller(rule: rule, pause: annotation.pause)
    let model: any CaptionReward
    let annotator: (any Annotator)?
    switch timed {
    case .table:
      let table = LabelTable()
      let captions = (1..<dungeon.messages).map { Caption(bytes: dungeon.message($0)) }
      table.update(captions.map { ($0, rule.isHelpful($0)) })
      (model, annotator) = (RetrievalReward(table), nil)
    case .retrieval, .classification:
      model = makeModel(arm, seed: seed)
      annotator = AsynchronousAnnotator(
        slow, batch: annotation.batch, idle: .milliseconds(100), waitingLimit: annotation.waitingLimit)
    case .blocking:
      model = makeModel(arm, seed: seed)
      annotator = BlockingAnnotator(slow, batch: annotation.batch, waitingLimit: annotation.waitingLimit)
    }
    let reward = OnlineIntrinsicReward(
      weights: configuration.weights, model: model, reader: DungeonCaptions(dungeon), annotator: annotator)
    let pool = WorkerPool(threads: 1)
    let ppo = try PPO(
      environment: dungeon.make(count: configuration.environments, pool: pool, seed: seed),
      configuration: configuration.ppo, reward: .live(Diary(reward, interruption: interruption)), seed: seed, pool: pool)
    let start = ContinuousClock.now
    try ppo.train(totalSteps: steps)
    return Double(ppo.steps) / ((ContinuousClock.now - start) / .seconds(1))
  }
}
