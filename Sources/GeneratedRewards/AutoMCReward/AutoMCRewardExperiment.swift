import Basics
import Experiments
import RewardPrograms

/// Does the loop write better rewards than the sparse one and than its own first draft, does each part of it earn its
/// place, and does it find out an agent that looks away from lava? On MiniGrid's LavaCrossing.
extension AutoMCReward {
  public struct Configuration: MethodConfiguration, Hashable {
    public var seeds: [UInt64] = Array(0..<10)
    /// Rivers in the 9×9 world: 1 to 3.
    public var crossings = 2
    /// M.
    public var rounds = 3
    /// Reviews a round, at most.
    public var passes = 3
    /// Environment steps of a round's training, and of the last one.
    public var diagnosisSteps = 150_000
    public var finalSteps = 300_000
    /// The same of the gaming test, before and after its round of analysis.
    public var gamingSteps = 3_000_000
    /// Episodes that the Analyzer reads, and held-out layouts that a policy is judged by.
    public var diagnosisEpisodes = 100
    public var evaluationEpisodes = 200
    /// Share of successes at which the loop stops.
    public var target = 0.95
    /// The chance that the rule-based Designer's draft has a slip; half of it when it mends one.
    public var slipRate = 0.5
    /// Environments in a batch.
    public var environments = 16
    /// Steps of actor and critic, γ, λ and the entropy's weight.
    public var actorStep = 0.5
    public var criticStep = 0.1
    public var discount = 0.99
    public var trace = 0.95
    public var entropy = 0.005
    /// Whether the acceptance gates apply, or only their direction.
    public var gates = true

    /// One river and a third of the steps.
    public static let smoke: Configuration = {
      var smoke = Configuration()
      smoke.seeds = [0, 1]
      smoke.crossings = 1
      smoke.diagnosisSteps = 30_000
      smoke.finalSteps = 100_000
      smoke.gamingSteps = 2_000_000
      smoke.gates = false
      return smoke
    }()
    public static let full = Configuration()

    public init() {}

    var learner: LavaLearner.Settings {
      LavaLearner.Settings(
        environments: environments, actorStep: actorStep, criticStep: criticStep, discount: discount, trace: trace,
        entropy: entropy)
    }

    func check() throws {
      guard !seeds.isEmpty, rounds >= 1, passes >= 1, diagnosisEpisodes >= 1, evaluationEpisodes >= 1 else {
        throw GuerdonError.usage("auto-mc-reward needs at least 1 seed, round, pass and episode.")
      }
      guard (1...4096).contains(environments), diagnosisSteps >= environments, finalSteps >= environments,
        gamingSteps >= environments
      else {
        throw GuerdonError.usage("auto-mc-reward needs 1 to 4096 environments, and a step in each for every training.")
      }
      guard [slipRate, trace, criticStep, target].allSatisfy({ (0...1).contains($0) }), (0..<1).contains(discount),
        actorStep > 0, actorStep.isFinite, entropy >= 0, entropy.isFinite
      else {
        throw GuerdonError.usage(
          "auto-mc-reward's slipRate, trace, criticStep and target lie in 0...1, its discount in [0, 1), its actorStep "
            + "above 0 and its entropy at 0 or above.")
      }
    }
  }

  private enum Arm: String, CaseIterable {
    case sparse = "sparse only"
    case naive = "first draft"
    /// The other reading of the brief's draft.
    case nearer = "first draft, nearer to the goal"
    case loop = "full loop"
    case noCritic = "no Critic"
    case noAnalyzer = "no Analyzer"
    case gaming = "hazard in view"
    case mended = "hazard in view, one Analyzer round"
  }

  private static let beatsSparse = Claim(
    "beats-sparse", "The full loop's success is at least 0.15 above the sparse reward's, at equal steps.", .atLeast,
    0.15)
  private static let beatsNaive = Claim(
    "beats-first-draft", "The full loop's success is at least 0.15 above the first draft's (a reward for moving).",
    .atLeast, 0.15)
  private static let notWorse = Claim(
    "not-below-first-draft", "The full loop succeeds at least as often as the first draft (a reward for moving).",
    .atLeast, 0)
  private static let fewerDeaths = Claim(
    "halves-deaths", "The full loop dies in lava at most half as often as the first draft.", .atMost, 0.5)
  private static let editSurvives = Claim(
    "edit-in-final-code", "In every seed an edit that the Analyzer asked for is in the loop's final program.", .atLeast,
    1)
  private static let notVoid = Claim(
    "sparse-is-hard", "The sparse reward succeeds in less than 0.8 of the episodes: the world can tell the arms apart.",
    .less, 0.8)
  private static let solvable = Claim(
    "world-is-solvable", "Some arm succeeds in more than 0.2 of the episodes.", .greater, 0.2)
  private static let criticHelps = Claim(
    "critic-earns-its-place", "Without the Critic success is at least 0.05 lower.", .atLeast, 0.05)
  private static let analyzerHelps = Claim(
    "analyzer-earns-its-place", "Without the Analyzer success is at least 0.15 lower.", .atLeast, 0.15)
  private static let exploitExists = Claim(
    "exploit-exists", "Punished for lava in view, the agent looks up or down in at least half of its steps.", .atLeast,
    0.5)
  private static let exploitEnds = Claim(
    "exploit-ends", "After one Analyzer round it does so in less than 0.2 of its steps.", .less, 0.2)
  private static let noMoreDeaths = Claim(
    "exploit-ends-safely", "After that round it does not die more often in lava (difference of shares).", .atMost, 0)

  /// What one arm of one seed came to.
  private struct Outcome: Sendable {
    var success = 0.0, lava = 0.0, steps = 0.0, extremePitch = 0.0
    /// 1 where an edit that the Analyzer asked for is in the final program.
    var edited = 0.0
    /// Rounds that could not be trained on.
    var lost = 0.0
    var edits: [String] = []
    var program = ""
  }

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    try configuration.check()
    let flat = try LavaWorld(crossings: configuration.crossings)
    let pitched = try LavaWorld(crossings: configuration.crossings, hasPitch: true)
    let jobs = configuration.seeds.flatMap { seed in Arm.allCases.map { (arm: $0, seed: seed) } }
    let outcomes: [Outcome] = try run.results(jobs.count, of: "auto-mc-reward", named: "arms") { index in
      let arm = jobs[index].arm
      return try measure(
        arm, arm == .gaming || arm == .mended ? pitched : flat, configuration, seed: jobs[index].seed, run.interruption)
    }

    func values(_ arm: Arm, _ metric: (Outcome) -> Double) -> [Double] {
      zip(jobs, outcomes).filter { $0.0.arm == arm }.map { metric($0.1) }
    }
    func mean(_ arm: Arm, _ metric: (Outcome) -> Double) -> Double { Statistics.mean(values(arm, metric)) }
    let success = { (arm: Arm) in mean(arm, \.success) }
    let naiveDeaths = mean(.naive, \.lava), deaths = mean(.loop, \.lava)
    let deathRatio = naiveDeaths > 0 ? deaths / naiveDeaths : deaths > 0 ? .infinity : 0
    let edited = editSurvives.verdict(measured: mean(.loop, \.edited))
    let gaming = [
      exploitExists.verdict(measured: mean(.gaming, \.extremePitch)),
      exploitEnds.verdict(measured: mean(.mended, \.extremePitch)),
      noMoreDeaths.verdict(measured: mean(.mended, \.lava) - mean(.gaming, \.lava)),
    ]
    let claims: [Verdict] =
      configuration.gates
      ? [
        beatsSparse.verdict(measured: success(.loop) - success(.sparse)),
        beatsNaive.verdict(measured: success(.loop) - success(.naive)), fewerDeaths.verdict(measured: deathRatio),
        edited, notVoid.verdict(measured: success(.sparse)),
        solvable.verdict(measured: Arm.allCases.map(success).max() ?? 0),
        criticHelps.verdict(measured: success(.loop) - success(.noCritic)),
        analyzerHelps.verdict(measured: success(.loop) - success(.noAnalyzer)),
      ] + gaming
      : [notWorse.verdict(measured: success(.loop) - success(.naive)), edited] + gaming
    let arms = Arm.allCases.map { arm in
      (
        arm.rawValue,
        [
          "success": values(arm, \.success), "lava deaths": values(arm, \.lava), "steps": values(arm, \.steps),
          "extreme pitch": values(arm, \.extremePitch), "lost rounds": values(arm, \.lost),
        ]
      )
    }
    let example = zip(jobs, outcomes).first { $0.0.arm == .loop }?.1
    return Evidence(
      claims: claims, arms: Dictionary(uniqueKeysWithValues: arms),
      notes: [
        "Designer, Critic and Analyzer are rule-based, not language models: this tests the loop, not a model's "
          + "knowledge. The Designer's slips are drawn at the rate slipRate.",
        "The learner is a tabular actor-critic on a digest of the 7×7 view, from nothing: no PPO, no imitation.",
        "Edits of the first seed: \(example?.edits.joined(separator: ", ") ?? ""). Its final program:\n"
          + (example?.program ?? ""),
      ])
  }

  private static func measure(
    _ arm: Arm, _ world: LavaWorld, _ configuration: Configuration, seed: UInt64, _ interruption: Interruption
  ) throws -> Outcome {
    let learner = LavaLearner(world: world, settings: configuration.learner)
    func compile(_ source: String) throws -> MemoryProgram {
      try MemoryProgram(source, environment: "LavaCrossing", fields: LavaWorld.fields)
    }
    var outcome = Outcome()
    let source: String
    var steps = configuration.finalSteps
    switch arm {
    case .sparse, .naive, .nearer:
      // As many steps as the loop spends in all.
      steps += configuration.rounds * configuration.diagnosisSteps
      source = LavaReward(progress: arm == .naive ? .moved : arm == .nearer ? .nearer : .none).source()
    case .gaming:
      steps = configuration.gamingSteps
      source = LavaReward(progress: .bestSoFar, hazard: .visible).source()
    case .loop, .noCritic, .noAnalyzer, .mended:
      let isGaming = arm == .mended
      if isGaming { steps = configuration.gamingSteps }
      var designer = LavaDesigner(
        isGaming ? LavaReward(progress: .bestSoFar, hazard: .visible) : LavaReward(),
        slipRate: isGaming ? 0 : configuration.slipRate, seed: seed)
      let log: [Round] = try design(
        rounds: isGaming ? 2 : configuration.rounds, passes: configuration.passes,
        target: isGaming ? 1.1 : configuration.target, designer: &designer,
        critic: arm == .noCritic || isGaming ? nil : try LavaCritic(world),
        analyzer: arm == .noAnalyzer ? nil : LavaAnalyzer()
      ) { source, round in
        guard let program = try? compile(source) else { return nil }
        do {
          let seed = seed &+ 1_000 &* UInt64(round + 1)
          // One round of analysis reads the exploit as it was measured: after a whole training.
          let steps = isGaming && round == 0 ? configuration.gamingSteps : configuration.diagnosisSteps
          let values = try learner.train(on: program, steps: steps, seed: seed, interruption: interruption)
          return learner.episodes(
            of: values, program: program, count: configuration.diagnosisEpisodes, heldOut: false, seed: seed)
        } catch is GuerdonError {
          return nil
        }
      }
      // A loop that brought nothing which runs leaves the sparse reward.
      source = final(log) ?? LavaReward(progress: .none).source()
      let asked = Set(log.flatMap { $0.suggestions.map(\.edit) })
      outcome.edits = asked.sorted()
      outcome.edited = asked.compactMap(LavaReward.Edit.init).contains { isPresent($0, in: source) } ? 1 : 0
      outcome.lost = Double(log.filter { $0.statistics == nil }.count)
    }
    let program = try compile(source)
    let values: [Double]
    do {
      values = try learner.train(on: program, steps: steps, seed: seed, interruption: interruption)
    } catch let error as GuerdonError {
      throw GuerdonError.failure(
        "The final program of \"\(arm.rawValue)\", seed \(seed), cannot be trained on: \(error)")
    }
    let episodes = learner.episodes(
      of: values, program: program, count: configuration.evaluationEpisodes, heldOut: true, seed: seed)
    func mean(_ value: (Episode) -> Double) -> Double { Statistics.mean(episodes.map(value)) }
    outcome.success = mean { $0.ending == .success ? 1 : 0 }
    outcome.lava = mean { $0.ending == .lava ? 1 : 0 }
    outcome.steps = mean { Double($0.steps) }
    outcome.extremePitch = mean(\.extremePitch)
    outcome.program = source
    return outcome
  }

  /// Whether an edit of the rule-based roles can be seen in a program's text.
  private static func isPresent(_ edit: LavaReward.Edit, in source: String) -> Bool {
    switch edit {
    case .bestSoFar: source.contains("memory_best")
    case .firstVisits: source.contains("memory_visited")
    case .hazard, .lidar: source.contains("lava_adjacent")
    }
  }
}
