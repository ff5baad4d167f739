import Basics
import Experiments
import Foundation
import Torch

/// Does the policy gradient over formulas find rewards that random search does not? On the stale-rule cipher of the
/// brief, where the outcome alone is never reached, and the average of all signals teaches the stale rule.
extension DERL {
  public enum Part: String, Sendable, Hashable, Codable, CaseIterable {
    /// DERL, random search, prompted evolution, and the two fixed rewards.
    case main
    /// g2 replaced by 1 − g2.
    case toxic
    /// DERL-pop. beside DERL with inner trainings as short.
    case population
    /// The official trainer's groups and its handling of invalid formulas; primitives taken away; fewer formulas.
    case ablations
    /// Fixed rewards where the inner policy is a transformer.
    case transformer
  }

  // MARK: Claims

  private static let learns = Claim(
    "learned-formulas-validate",
    "Mean validation accuracy of the last 3 iterations' formulas is at least 0.5 in every seed (smallest).", .atLeast, 0.5)
  private static let beatsFrozen = Claim(
    "learning-beats-random-search",
    "It is at least 0.3 above that of random search with the model frozen, in every seed (smallest difference).",
    .atLeast, 0.3)
  private static let notVoid = Claim(
    "random-search-is-not-enough", "Random search stays below 0.5 (mean): else the test says nothing.", .less, 0.5)
  private static let transfers = Claim(
    "best-formula-retrains",
    "A fresh policy trained with the best formula reaches at least 0.9 on the test data in every seed (smallest).",
    .atLeast, 0.9)
  private static let baselinesFail = Claim(
    "outcome-and-average-fail",
    "The outcome alone and the average of all signals reach at most 0.05 on the test data (largest).", .atMost, 0.05)
  private static let distrusts = Claim(
    "winners-distrust-the-stale-signal",
    "Of the last iteration's formulas that reach 0.9, at least 80 % have ∂R/∂g4 of at most 0.1 max(∂R/∂g2, ∂R/∂g3) at (0, ½, ½, ½).",
    .atLeast, 0.8)
  private static let valid = Claim(
    "validity-is-learned", "At most 5 % of the last 3 iterations' formulas are invalid.", .atMost, 0.05)
  private static let toxicLearns = Claim(
    "toxic-learned-formulas-validate", "With g2 reversed: the first claim (smallest).", .atLeast, 0.5)
  private static let toxicBeatsFrozen = Claim(
    "toxic-learning-beats-random-search", "With g2 reversed: the second claim (smallest difference).", .atLeast, 0.3)
  private static let toxicTransfers = Claim(
    "toxic-best-formula-retrains", "With g2 reversed: a fresh policy with the best formula (smallest).", .atLeast, 0.9)
  private static let toxicBaselinesFail = Claim(
    "toxic-outcome-and-average-fail", "With g2 reversed: outcome and average (largest).", .atMost, 0.05)
  private static let toxicSign = Claim(
    "toxic-signal-turned-around",
    "With g2 reversed, every formula of the last iteration that reaches 0.9 has ∂R/∂g2 below 0 at (0, ½, ½, ½) (share).",
    .atLeast, 1)
  private static let populationKeepsUp = Claim(
    "population-keeps-up",
    "DERL-pop. with short inner trainings has a mean validation accuracy, in the last 3 iterations, no more than 0.05 below DERL with trainings as short (difference of means).",
    .atLeast, -0.05)

  // MARK: Arms

  private struct Arm: Sendable, Hashable {
    let name: String
    let part: Part
    /// A reward that is not searched for.
    var fixed: String?
    var learns = true
    var population = false
    /// Signals turned around, by index from 0.
    var reversed: Set<Int> = []
    /// Signals taken away, from 1.
    var removed: Set<Int> = []
    var grouping: Configuration.Grouping?
    var invalidFormulas: Configuration.InvalidFormulas?
    var formulas: Int?
    var isShort = false
    var usesTransformer = false
  }

  static let outcome = "g1", average = "0.25 * (g1 + g2 + g3 + g4)"

  private static let arms: [Arm] = {
    let rewards = [
      ("g1", "g1"), ("average", average), ("g1+g2+g3", "g1 + g2 + g3"), ("minus g4", "g1 + 0.5*g2 + 0.5*g3 - 0.5*g4"),
    ]
    return rewards.map {
      Arm(name: "\($0), transformer policy", part: .transformer, fixed: $1, usesTransformer: true)
    } + [
      Arm(name: "derl", part: .main),
      Arm(name: "frozen", part: .main, learns: false),
      Arm(name: "outcome", part: .main, fixed: outcome),
      Arm(name: "average", part: .main, fixed: average),
      Arm(name: "derl, toxic", part: .toxic, reversed: [1]),
      Arm(name: "frozen, toxic", part: .toxic, learns: false, reversed: [1]),
      Arm(name: "outcome, toxic", part: .toxic, fixed: outcome, reversed: [1]),
      Arm(name: "average, toxic", part: .toxic, fixed: average, reversed: [1]),
      Arm(name: "derl-pop, short", part: .population, population: true, isShort: true),
      Arm(name: "derl, short", part: .population, isShort: true),
      Arm(name: "one group a formula", part: .ablations, grouping: .formula),
      Arm(name: "invalid formulas replaced", part: .ablations, invalidFormulas: .replaced),
      Arm(
        name: "official trainer (both)", part: .ablations, grouping: .formula, invalidFormulas: .replaced),
      Arm(name: "without g2", part: .ablations, removed: [2]),
      Arm(name: "without g4", part: .ablations, removed: [4]),
      Arm(name: "4 formulas", part: .ablations, formulas: 4),
    ]
  }()

  /// What one search or fixed reward came to.
  private struct Measured: Sendable {
    /// Mean score of each iteration.
    var means: [Double] = []
    /// Largest score of the search.
    var best = 0.0
    /// φ*, and the mean score of its fresh trainings on the validation data; its score in the search where it was alone.
    var formula = ""
    var confirmation = 0.0
    /// Of fresh policies with φ*.
    var test = 0.0
    /// Of fresh policies with the formula that has the highest score of the search.
    var highestTest = 0.0
    /// Of the last iteration's best policy, on the test data.
    var checkpointTest = 0.0
    /// Invalid share of the last 3 iterations.
    var invalid = 0.0
    /// ∂R/∂g at (0, ½, ½, ½) of the last iteration's formulas that reach 0.9; nil where it has none.
    var winners: [[Double]?] = []
    /// Shares of each iteration's formulas.
    var structure: [Formula.Structure: [Double]] = [:]
    var cost = Cost()

    var last: Double { Statistics.mean(Array(means.suffix(3))) }
  }

  // MARK: The experiment

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    try configuration.check()
    try configuration.transformer.check()
    guard !configuration.seeds.isEmpty, configuration.parts.contains(.main) else {
      throw GuerdonError.usage("derl's experiment needs a seed, and \"main\" among its parts.")
    }
    let seeds = configuration.seeds
    let interruption = run.interruption
    // One cold start a seed, from which every arm begins.
    let cold = try run.results(seeds.count, of: "derl", named: "cold starts") { index in
      try coldStart(configuration.model, seed: seeds[index]) { interruption.isRequested }
    }
    let chosen = arms.filter { configuration.parts.contains($0.part) }
    let jobs = chosen.flatMap { arm in seeds.indices.map { (arm: arm, seed: $0) } }
    let results = try run.results(jobs.count, of: "derl", named: "arms") { index in
      let (arm, seed) = jobs[index]
      return try measure(arm, seed: seeds[seed], cold[seed].state, configuration) { interruption.isRequested }
    }
    var measured: [String: [Measured]] = [:]
    for (job, result) in zip(jobs, results) { measured[job.arm.name, default: []].append(result) }
    // The prompt-driven baseline waits for its model, and so comes by itself.
    var prompted: [Measured] = []
    for seed in seeds { prompted.append(try await measurePrompted(seed: seed, configuration, run)) }
    measured["prompted evolution (rules)"] = prompted
    for (name, values) in measured where values.allSatisfy({ !$0.means.isEmpty }) {
      for iteration in 0..<configuration.iterations {
        var scalars = ["\(name)/validation": Statistics.mean(values.map { $0.means[iteration] })]
        for kind in Formula.Structure.allCases {
          scalars["\(name)/\(kind.rawValue)"] = Statistics.mean(
            values.compactMap { $0.structure[kind]?[iteration] })
        }
        try run.log(step: iteration, scalars)
      }
    }
    return Evidence(
      claims: claims(measured), arms: try figures(measured, cold.map(\.loss), seeds),
      notes: notes(measured, configuration))
  }

  private static func coldStart(
    _ configuration: FormulaLanguageModel.Configuration, seed: UInt64, shouldStop: () -> Bool
  ) throws -> (state: FormulaLanguageModel.State, loss: Double) {
    Torch.setThreads(1)
    var random = RandomGenerator(seed: seed, spawnKey: [0x73_66_74])
    let model = try FormulaLanguageModel(
      FormulaVocabulary(signals: StaleRuleCipher.signals), configuration: configuration, seed: random.next())
    let losses = model.coldStart(random: &random, shouldStop: shouldStop)
    return (model.state, losses.last ?? log(Double(model.vocabulary.tokens.count)))
  }

  private static func measure(
    _ arm: Arm, seed: UInt64, _ cold: FormulaLanguageModel.State, _ configuration: Configuration,
    shouldStop: @escaping @Sendable () -> Bool
  ) throws -> Measured {
    // Arms run side by side: each has one thread, whatever their number.
    Torch.setThreads(1)
    var configuration = configuration
    configuration.formulas = arm.formulas ?? configuration.formulas
    configuration.grouping = arm.grouping ?? configuration.grouping
    configuration.invalidFormulas = arm.invalidFormulas ?? configuration.invalidFormulas
    if arm.isShort { configuration.inner.updates = configuration.populationUpdates }
    let cipher = StaleRuleCipher(seed: seed, reversed: arm.reversed)
    if arm.usesTransformer {
      let learner = CipherTransformer(cipher, configuration: configuration.transformer)
      return try measure(arm, learner, seed: seed, cold, configuration, shouldStop)
    }
    let learner = CipherTable(cipher, training: configuration.inner)
    return try measure(arm, learner, seed: seed, cold, configuration, shouldStop)
  }

  private static func measure<Learner: InnerLearner>(
    _ arm: Arm, _ learner: Learner, seed: UInt64, _ cold: FormulaLanguageModel.State, _ configuration: Configuration,
    _ shouldStop: @escaping @Sendable () -> Bool
  ) throws -> Measured {
    if let fixed = arm.fixed {
      return Measured(
        formula: fixed, test: try test(Formula(fixed, signals: learner.signals), learner, seed: seed, configuration))
    }
    let vocabulary = try FormulaVocabulary(signals: learner.signals, removing: arm.removed)
    let model = try FormulaLanguageModel(vocabulary, configuration: configuration.model, seed: 0)
    try model.load(cold)
    let result = try search(
      learner, configuration: configuration, model: model, learns: arm.learns, population: arm.population, seed: seed,
      shouldStop: shouldStop)
    return try summary(result, learner, seed: seed, configuration)
  }

  private static func measurePrompted(
    seed: UInt64, _ configuration: Configuration, _ run: RunContext
  ) async throws -> Measured {
    let interruption = run.interruption
    let learner = CipherTable(StaleRuleCipher(seed: seed), training: configuration.inner)
    let result = try await promptedEvolution(
      learner, configuration: configuration,
      model: FormulaMutator(FormulaVocabulary(signals: learner.signals), seed: seed),
      signals: [
        "1 if the whole answer is right", "share of right answers in the first third",
        "share of right answers in the second third", "share of the last third that agrees with a known rule",
      ], seed: seed, jobs: run.jobs, shouldStop: { interruption.isRequested })
    return try summary(result, learner, seed: seed, configuration)
  }

  private static func summary<Learner: InnerLearner>(
    _ result: Result<Learner.Policy>, _ learner: Learner, seed: UInt64, _ configuration: Configuration
  ) throws -> Measured {
    let last = result.trials.suffix(configuration.formulas)
    var measured = Measured()
    measured.means = result.means()
    measured.invalid = Statistics.mean(
      result.perIteration { trials in Double(trials.count { $0.isInvalid }) / Double(trials.count) }.suffix(3))
    measured.winners = last.filter { $0.score >= 0.9 }.map { trial in
      (try? Formula(trial.text, signals: learner.signals))?.derivative(at: [0, 0.5, 0.5, 0.5])?.gradient
    }
    for kind in Formula.Structure.allCases {
      measured.structure[kind] = result.perIteration { trials in
        let alike = trials.count { (try? Formula($0.text, signals: learner.signals))?.structure() == kind }
        return Double(alike) / Double(trials.count)
      }
    }
    measured.cost = result.cost
    measured.checkpointTest = result.checkpoint.map { learner.accuracy(of: $0, on: .test) } ?? 0
    if let highest = result.highest {
      measured.best = highest.score
      measured.highestTest = try test(
        Formula(highest.text, signals: learner.signals), learner, seed: seed, configuration)
    }
    if let best = result.best {
      measured.formula = best.text
      measured.confirmation = result.confirmations.first { $0.trial == best }?.mean ?? best.score
      measured.test = try test(Formula(best.text, signals: learner.signals), learner, seed: seed, configuration)
    }
    return measured
  }

  /// Mean test accuracy of fresh policies; a training that broke down counts as 0.
  private static func test<Learner: InnerLearner>(
    _ formula: Formula, _ learner: Learner, seed: UInt64, _ configuration: Configuration
  ) throws -> Double {
    Statistics.mean(
      try (0..<configuration.finalTrainings).map { training in
        var random = RandomGenerator(seed: seed, spawnKey: [0x66_69_6e, UInt32(training)])
        return try finalTraining(formula, learner, seed: random.next())?.accuracy ?? 0
      })
  }

  // MARK: What it says

  private static func claims(_ measured: [String: [Measured]]) -> [Verdict] {
    func values(_ arm: String) -> [Measured] { measured[arm] ?? [] }
    func smallest(_ numbers: [Double]) -> Double { numbers.min() ?? .nan }
    func gains(_ arm: String, over other: String) -> [Double] {
      zip(values(arm), values(other)).map { $0.last - $1.last }
    }
    // Where there is no winner, none of them does anything.
    func share(_ winners: [[Double]?], _ condition: ([Double]) -> Bool) -> Double {
      Double(winners.count { $0.map(condition) ?? false }) / Double(max(winners.count, 1))
    }
    func mean(_ arm: String, _ value: (Measured) -> Double) -> Double { Statistics.mean(values(arm).map(value)) }

    var claims = [
      learns.verdict(measured: smallest(values("derl").map(\.last))),
      beatsFrozen.verdict(measured: smallest(gains("derl", over: "frozen"))),
      notVoid.verdict(measured: mean("frozen", \.last)),
      transfers.verdict(measured: smallest(values("derl").map(\.test))),
      baselinesFail.verdict(measured: (values("outcome") + values("average")).map(\.test).max() ?? .nan),
      distrusts.verdict(
        measured: share(values("derl").flatMap(\.winners)) { $0[3] <= 0.1 * max($0[1], $0[2]) }),
      valid.verdict(measured: mean("derl", \.invalid)),
    ]
    if !values("derl, toxic").isEmpty {
      claims += [
        toxicLearns.verdict(measured: smallest(values("derl, toxic").map(\.last))),
        toxicBeatsFrozen.verdict(measured: smallest(gains("derl, toxic", over: "frozen, toxic"))),
        toxicTransfers.verdict(measured: smallest(values("derl, toxic").map(\.test))),
        toxicBaselinesFail.verdict(
          measured: (values("outcome, toxic") + values("average, toxic")).map(\.test).max() ?? .nan),
        toxicSign.verdict(measured: share(values("derl, toxic").flatMap(\.winners)) { $0[1] < 0 }),
      ]
    }
    if !values("derl-pop, short").isEmpty {
      claims.append(
        populationKeepsUp.verdict(measured: mean("derl-pop, short", \.last) - mean("derl, short", \.last)))
    }
    return claims
  }

  private static func figures(
    _ measured: [String: [Measured]], _ coldStartLosses: [Double], _ seeds: [UInt64]
  ) throws -> [String: [String: [Double]]] {
    var arms = measured.mapValues { values -> [String: [Double]] in
      var metrics = ["test": values.map(\.test)]
      guard values.allSatisfy({ !$0.means.isEmpty }) else { return metrics }
      metrics["validation, last 3"] = values.map(\.last)
      metrics["validation, best"] = values.map(\.best)
      metrics["validation, best anew"] = values.map(\.confirmation)
      metrics["test, highest of the search"] = values.map(\.highestTest)
      metrics["test, last policy"] = values.map(\.checkpointTest)
      metrics["not a formula, last 3"] = values.map(\.invalid)
      metrics["inner updates"] = values.map { Double($0.cost.updates) }
      metrics["inner updates wasted"] = values.map { Double($0.cost.wastedUpdates) }
      metrics["trainings"] = values.map { Double($0.cost.trainings) }
      metrics["trainings of the selection"] = values.map { Double($0.cost.confirmations) }
      metrics["trainings saved"] = values.map { Double($0.cost.duplicates) }
      for kind in Formula.Structure.allCases {
        metrics["\(kind.rawValue), last"] = values.map { $0.structure[kind]?.last ?? 0 }
      }
      return metrics
    }
    arms["cold start"] = ["cross-entropy": coldStartLosses]
    // Expressiveness of the 12 weights: the outcome from all four signals of answers by chance and by near-experts.
    arms["12-weight graph"] = [
      "squared error": try seeds.map { seed in
        let (points, outcomes) = graphData(StaleRuleCipher(seed: seed), seed: seed)
        return try FormulaGraph.fit(points: points, targets: outcomes, seed: seed).error
      }
    ]
    return arms
  }

  /// Signals and outcomes of answers that are right with a probability between ¼ and 1.
  static func graphData(_ cipher: StaleRuleCipher, seed: UInt64) -> (points: [[Double]], outcomes: [Double]) {
    var random = RandomGenerator(seed: seed, spawnKey: [0x67_72_61])
    let points = cipher.inner.prefix(512).map { x in
      let skill = random.uniform()
      let answers = x.enumerated().map { t, digit in
        random.uniform() < skill
          ? cipher.rules[t / StaleRuleCipher.thirds][digit] : random.integer(below: StaleRuleCipher.symbols)
      }
      return cipher.signals(x, answers).map { $0 + ProcessSignals.offset }
    }
    return (points, points.map { $0[0] - ProcessSignals.offset })
  }

  private static func notes(_ measured: [String: [Measured]], _ configuration: Configuration) -> [String] {
    func figure(_ value: Double) -> String { String(format: "%.3f", value) }
    let curves = measured.sorted { $0.key < $1.key }.compactMap { name, values -> String? in
      guard values.allSatisfy({ !$0.means.isEmpty }) else { return nil }
      let means = (0..<configuration.iterations).map { iteration in
        figure(Statistics.mean(values.map { $0.means[iteration] }))
      }
      return "\(name): \(means.joined(separator: " "))"
    }
    let searches = measured.sorted { $0.key < $1.key }.filter { $0.value.contains { !$0.means.isEmpty } }
    let found = searches.map { name, values in
      "\(name): " + values.map { "\"\($0.formula)\" \(figure($0.test))" }.joined(separator: ", ")
    }
    let wasted = (measured["derl"] ?? []).map { Double($0.cost.wastedUpdates) / Double(max($0.cost.updates, 1)) }
    return [
      "The task is the stale-rule cipher, not ALFWorld, ScienceWorld or GSM8K; the formula model has some 10^5 weights and is trained here, not Qwen2.5.",
      "Prompted evolution is driven by rules that change the best formulas shown, not by a language model.",
      "Mean validation accuracy by iteration. " + curves.joined(separator: "; ") + ".",
      "Best formula of each seed and its fresh test accuracy. " + found.joined(separator: "; ") + ".",
      "Inner updates spent on trainings that broke down or ran out of time, as a share of DERL's: "
        + wasted.map(figure).joined(separator: ", ") + ".",
    ]
  }
}
