import Basics
import Experiments
import Foundation
import Proposers
import RewardPrograms

/// Is "the best" and "the worst" enough to find rewards by? On the Misfit world of the brief, where a rule-based writer
/// stands in for the language model, and beside a reward model that is learned from comparisons.
extension ICPL {
  private static let beatsOpenLoop = Claim(
    "preferences-beat-sampling",
    "With preferences the search's best score is at least 0.05 above that of as many independent programs (paired mean).",
    .atLeast, 0.05)
  private static let nearEureka = Claim(
    "near-the-score-aware-search",
    "The search's best score is at least 0.9 times that of Eureka's loop, which is shown the scores (ratio of means).",
    .atLeast, 0.9)
  private static let monotone = Claim(
    "preferred-never-falls",
    "The score of the program preferred among the first n rounds' winners never falls with n (largest fall).", .atMost, 0)
  private static let notTrivial = Claim(
    "world-is-not-trivial", "Independent sampling stays below 0.9: the world is hard enough to tell the arms apart.",
    .less, 0.9)
  private static let ordinal = Claim(
    "only-order-counts",
    "A strictly increasing function of the scores leaves every search as it was, prompts included (searches that differ).",
    .atMost, 0)
  private static let noLeak = Claim(
    "prompts-hold-no-score", "No prompt holds a score or speaks of one (occurrences).", .atMost, 0)
  private static let fewQueries = Claim(
    "few-queries", "A search asks at most N ((K − 1) + (K − 2)) + (N − 1) comparisons (largest excess).", .atMost, 0)
  private static let beatsModel = Claim(
    "beats-49-labels",
    "The final program's score is above that of the reward model of 49 labels in at least 5 of 6 seeds (share).",
    .atLeast, 5.0 / 6)
  private static let nearModel = Claim(
    "near-1000-labels",
    "The final program's score, with random behaviour 0 and the score itself as reward 1, is at least 0.9 times that of the reward model of 1000 labels (ratio of means).",
    .atLeast, 0.9)
  private static let modelNotTrivial = Claim(
    "49-labels-are-not-enough", "The reward model of 49 labels stays below 0.8 on that scale.", .less, 0.8)

  private enum Arm: Sendable, Hashable {
    case icpl, transformed, openLoop, eureka, onlyGood, noTrace, noHistory, noisy
    case labels(Int)
    /// The score itself as the reward.
    case oracle

    var name: String {
      switch self {
      case .icpl: "icpl"
      case .transformed: "icpl, transformed scores"
      case .openLoop: "open loop"
      case .eureka: "eureka (sees scores)"
      case .onlyGood: "no bad example"
      case .noTrace: "no trace"
      case .noHistory: "no difference history"
      case .noisy: "icpl, noisy teacher"
      case .labels(let count): "reward model, \(count) labels"
      case .oracle: "score as reward"
      }
    }

    var shown: Shown {
      switch self {
      case .openLoop: Shown(feedback: false)
      case .onlyGood: Shown(bad: false)
      case .noTrace: Shown(traces: false)
      case .noHistory: Shown(history: false)
      default: Shown()
      }
    }
  }

  private struct Measured: Sendable {
    /// Largest score reached in the search (RTS).
    var best = Double.nan
    /// Mean score of fresh trainings on the final reward (FTS).
    var final = Double.nan
    /// Scores preferred among the first n winners.
    var preferred: [Double] = []
    var queries = 0
    var leaks = 0
    /// Everything that a search left behind, but for the scores.
    var record: Record?
  }

  private struct Record: Sendable, Hashable {
    let programs: [ComponentGrammar.Program]
    let best: [Int]
    let worst: [Int?]
    let queries: [Query]
    let prompts: [[Message]]
    let preferred: Int?
  }

  static let misfitTask = TaskDescription(
    goal: "Pick up the key, bring it to the door, and stay out of the lava.",
    observations: MisfitWorld.schema.fields.map { "\($0.name): \($0.meaning)" }.joined(separator: "\n"))

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    guard configuration.seeds.count >= 2, configuration.finalTrainings >= 1 else {
      throw GuerdonError.usage("icpl's experiment needs 2 seeds and a final training.")
    }
    guard configuration.labels.allSatisfy({ $0 >= 1 }), (0...1).contains(configuration.flip) else {
      throw GuerdonError.usage("icpl's labels must be at least 1, and flip a probability.")
    }
    try configuration.check()
    try configuration.baseline.check()
    let world = MisfitWorld()
    // The long ones first.
    let arms: [Arm] =
      Set(configuration.labels).sorted(by: >).map { Arm.labels($0) }
      + [.icpl, .transformed, .openLoop, .eureka, .onlyGood, .noTrace, .noHistory, .noisy, .oracle]
    let jobs = arms.flatMap { arm in configuration.seeds.map { (arm: arm, seed: $0) } }
    let results = try run.results(jobs.count, of: "icpl", named: "runs") { index in
      try measure(jobs[index].arm, seed: jobs[index].seed, configuration, world)
    }
    func measured(_ arm: Arm) -> [Measured] { zip(jobs, results).filter { $0.0.arm == arm }.map { $0.1 } }
    func best(_ arm: Arm) -> [Double] { measured(arm).map(\.best) }
    func final(_ arm: Arm) -> [Double] { measured(arm).map(\.final) }

    let gain = Statistics.pairedDifference(best(.icpl), best(.openLoop))
    let searches = [Arm.icpl, .onlyGood, .noTrace, .noHistory, .openLoop].flatMap(measured)
    let fall = searches.flatMap { search in zip(search.preferred, search.preferred.dropFirst()).map { $0 - $1 } }
    let differing = zip(measured(.icpl), measured(.transformed)).filter { $0.record != $1.record }.count
    let allowed = queryCount(samples: configuration.samples, iterations: configuration.iterations)
    let random = world.randomScore(episodes: 20_000, seed: 0), oracle = Statistics.mean(final(.oracle))
    func normalized(_ arm: Arm) -> Double { (Statistics.mean(final(arm)) - random) / (oracle - random) }
    let wins = zip(final(.icpl), final(.labels(49))).filter { $0 > $1 }.count

    var claims = [
      beatsOpenLoop.verdict(measured: gain.estimate),
      nearEureka.verdict(measured: Statistics.mean(best(.icpl)) / Statistics.mean(best(.eureka))),
      monotone.verdict(measured: fall.max() ?? 0),
      notTrivial.verdict(measured: Statistics.mean(best(.openLoop))),
      ordinal.verdict(measured: Double(differing)),
      noLeak.verdict(measured: Double(searches.map(\.leaks).reduce(0, +))),
      fewQueries.verdict(measured: Double((searches.map(\.queries).max() ?? 0) - allowed)),
    ]
    // Without that arm there is nothing to say about it.
    if configuration.labels.contains(49) {
      claims.append(beatsModel.verdict(measured: Double(wins) / Double(configuration.seeds.count)))
      claims.append(modelNotTrivial.verdict(measured: normalized(.labels(49))))
    }
    if configuration.labels.contains(1_000) {
      claims.append(nearModel.verdict(measured: normalized(.icpl) / normalized(.labels(1_000))))
    }
    func figure(_ value: Double) -> String { String(format: "%.3f", value) }
    return Evidence(
      claims: claims,
      arms: Dictionary(
        uniqueKeysWithValues: arms.map { arm in
          let values = ["final": final(arm), "best": best(arm), "queries": measured(arm).map { Double($0.queries) }]
          return (arm.name, values.filter { !$0.value.contains(where: \.isNaN) })
        }),
      notes: [
        "The programs' writer is rule-based, not a language model: this tests the search, not a model's knowledge.",
        "Policies are trained by tabular Q-learning, so the preference baseline is PrefPPO's reward learning without PPO; the brief's Pendulum and Reacher comparison is not part of this experiment.",
        "The 95 % interval of the gain over independent programs is \(figure(gain.low)) to \(figure(gain.high)).",
        "Mean best and final score: "
          + arms.map { "\($0.name) \(figure(Statistics.mean(best($0)))) and \(figure(Statistics.mean(final($0))))" }
          .joined(separator: "; ") + ". Random behaviour scores \(figure(random)).",
      ])
  }

  // MARK: One run

  private static func measure(
    _ arm: Arm, seed: UInt64, _ configuration: Configuration, _ world: MisfitWorld
  ) throws -> Measured {
    var measured: Measured
    let rewards: [Double]?
    switch arm {
    case .labels(let count):
      var teacher = ProxyTeacher()
      rewards = try PreferenceQLearning.learnReward(
        in: world, labels: count, configuration.baseline, teacher: &teacher, seed: seed)
      measured = Measured(queries: count)
    case .oracle:
      rewards = world.scoreGains
      measured = Measured()
    case .eureka:
      let searched = eureka(seed: seed, configuration, world)
      measured = Measured(best: searched.best)
      rewards = try searched.program.flatMap { try compile($0, id: 0) }.map { try world.rewards(of: $0).total }
    default:
      let searched = try searchMisfit(arm, seed: seed, configuration, world)
      measured = searched.measured
      rewards = try searched.program.flatMap { try compile($0, id: 0) }.map { try world.rewards(of: $0).total }
    }
    guard let rewards else {
      throw GuerdonError.failure("No program of the arm \"\(arm.name)\" could be trained with seed \(seed).")
    }
    // Fresh trainings, the same luck for every arm.
    measured.final = Statistics.mean(
      (0..<configuration.finalTrainings).map { training in
        var random = RandomGenerator(seed: seed, spawnKey: [0x66_69_6e, UInt32(training)])
        return world.train(rewards, seed: random.next()).fitness.max() ?? 0
      })
    return measured
  }

  private static func compile(_ program: ComponentGrammar.Program, id: Int) throws -> RewardProgram {
    try RewardProgram.compile(
      ComponentGrammar.misfit.source(program), name: "program \(id)", schema: MisfitWorld.schema, options: .init(checks: false))
  }

  private static func searchMisfit(
    _ arm: Arm, seed: UInt64, _ configuration: Configuration, _ world: MisfitWorld
  ) throws -> (measured: Measured, program: ComponentGrammar.Program?) {
    var writer = MisfitPreferenceWriter(configuration.writer, seed: seed)
    var teacher = ProxyTeacher(flip: arm == .noisy ? configuration.flip : 0, seed: seed)
    var scores: [Double] = []
    let found = try search(
      misfitTask, configuration: configuration, shown: arm.shown, writer: &writer, teacher: &teacher,
      prepare: { program in try? compile(program, id: 0) },
      train: { program, id in
        // The same luck for the same trial of every arm.
        var random = RandomGenerator(seed: seed, spawnKey: [UInt32(id)])
        guard let digest = try? world.train(program, seed: random.next()), let score = digest.fitness.max() else {
          scores.append(-10_000)
          return nil
        }
        scores.append(score)
        return (trace: Trace(digest), behaviour: arm == .transformed ? transformed(score) : score)
      })
    let winners = found.choices.map { (id: $0.best, behaviour: scores[$0.best]) }
    let preferred = winners.indices.compactMap { last -> Double? in
      var honest = ProxyTeacher()
      var ignored: [Query] = []
      return choosePreferred(of: Array(winners[...last]), teacher: &honest, into: &ignored).map { scores[$0] }
    }
    let record = Record(
      programs: found.trials.map(\.program), best: found.choices.map(\.best), worst: found.choices.map(\.worst),
      queries: found.queries, prompts: found.prompts, preferred: found.preferred)
    let measured = Measured(
      best: scores.max() ?? .nan, preferred: preferred, queries: found.queries.count,
      leaks: leaks(of: scores, in: found.prompts), record: record)
    return (measured, found.preferred.map { found.trials[$0].program })
  }

  /// A strictly increasing function, down to the last bit: products with powers of 2 are exact, where a smooth function
  /// would make equals of scores that differ by rounding.
  private static func transformed(_ score: Double) -> Double { score < 0.5 ? score / 4 : 64 * score }

  /// How often the prompts hold one of the scores, written out, or a word for it.
  static func leaks(of scores: [Double], in prompts: [[Message]]) -> Int {
    let text = prompts.flatMap { $0 }.map(\.text).joined(separator: "\n").lowercased()
    // Six decimals and all digits: programs print four figures and traces two decimals, so that none comes by chance.
    let figures = Set(scores.flatMap { ["\($0)", String(format: "%.6f", $0)] }).filter { figure in
      figure.count >= 8 && !figure.hasSuffix("0000")
    }
    return (Array(figures) + ["score", "fitness"]).map { text.components(separatedBy: $0).count - 1 }.reduce(0, +)
  }

  /// Eureka's loop with as many programs and the scores shown.
  private static func eureka(
    seed: UInt64, _ configuration: Configuration, _ world: MisfitWorld
  ) -> (best: Double, program: ComponentGrammar.Program?) {
    var writer = ComponentWriter(misfit: seed)
    let search = ReflectiveSearch<ComponentGrammar.Program>.run(
      iterations: configuration.iterations, samples: configuration.samples,
      write: { parent in
        guard let parent, let digest = parent.digest else { return writer.sample() }
        return writer.mutate(parent.program, fitness: digest.fitness, terms: digest.terms)
      },
      train: { program, id in
        var random = RandomGenerator(seed: seed, spawnKey: [UInt32(id)])
        return (try? compile(program, id: id)).flatMap { try? world.train($0, seed: random.next()) }
      })
    let best = search.best
    return (best?.score ?? .nan, best?.digest == nil ? nil : best?.program)
  }
}

extension MisfitWorld {
  /// The score itself as a reward: by how much each transition changes what the episode would score if it ended.
  var scoreGains: [Double] {
    next.indices.map { row in score(after: row) - Self.score(in: row / Self.actions) }
  }

  /// Mean score of uniformly random actions.
  func randomScore(episodes: Int, seed: UInt64) -> Double {
    var random = RandomGenerator(seed: seed)
    return Statistics.mean(
      (0..<episodes).map { episode in
        score(of: play(from: Self.starts[episode % Self.starts.count]) { _ in random.integer(below: Self.actions) })
      })
  }
}
