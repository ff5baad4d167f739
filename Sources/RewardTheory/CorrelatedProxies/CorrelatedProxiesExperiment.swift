import Basics
import Experiments
import FiniteMDPs
import Foundation
import RewardAudit

/// Does optimising a correlated proxy hack it, and does χ² between occupancies prevent that better than KL of actions?
extension CorrelatedProxies {
  public struct Configuration: MethodConfiguration, Hashable {
    /// γ of the exact part.
    public var discount = 0.99
    /// Temperatures of the base policy's softmax over Q*, and its share of uniform actions.
    public var temperatures = [0.1, 0.07, 0.15]
    public var noise = 0.1
    /// β of χ²(μ ‖ μ0), in units of reward a step.
    public var betas = Configuration.logarithmic(1e-5, 1e-1, count: 13)
    /// α of KL(π ‖ π0), in units of reward a step.
    public var alphas = Configuration.logarithmic(1e-2, 1e2, count: 25)
    /// The gap (reward a step) at which the exact optimum is good enough.
    public var tolerance = 1e-9
    /// Temperature of the learned part's base policy.
    public var learnedTemperature = 0.1
    public var learned = ORPO.Configuration()
    /// Iterations of ORPO; 0 leaves the learned part out.
    public var learnedIterations = 150
    /// λ of ORPO's √χ², in units of the proxy's deviation under the base policy.
    public var lambdas = [1.0, 0.5, 0.2, 0.1]
    /// Coefficients of the actions' KL in the loss, before 1 / (1 − γ).
    public var actionCoefficients = [0.001, 0.003, 0.01, 0.03, 0.1]
    /// Iterations of the toy of RLHF; 0 leaves it out.
    public var responseIterations = 150
    /// Coefficients of its penalties, √χ² and KL alike, in units of the proxy's deviation under the base policy.
    public var responseCoefficients = [0.02, 0.05, 0.1, 0.2, 0.5, 1]
    public var seeds: [UInt64] = [0, 1, 2]

    /// The exact part alone, at one β.
    public static let smoke: Configuration = {
      var configuration = Configuration()
      configuration.betas = [1e-3]
      configuration.alphas = Configuration.logarithmic(1e-1, 1e1, count: 9)
      configuration.learnedIterations = 0
      configuration.responseIterations = 0
      return configuration
    }()
    public static let full = Configuration()

    /// `count` values from `low` to `high` at equal ratios.
    static func logarithmic(_ low: Double, _ high: Double, count: Int) -> [Double] {
      (0..<count).map { low * pow(high / low, Double($0) / Double(max(1, count - 1))) }
    }
  }

  private static let correlates = Claim(
    "base-correlation", "Under the base policy proxy and true reward correlate by at least 0.9, at every temperature.",
    .atLeast, 0.9)
  private static let breaks = Claim(
    "correlation-breaks", "Under the policy that optimises the proxy the correlation is at least 0.5 lower.",
    .atLeast, 0.5)
  private static let hacks = Claim(
    "proxy-is-hacked",
    "Unregularised, the proxy's optimum has less true reward than the base policy, at every temperature.",
    .less, 0)
  private static let occupancyRecovers = Claim(
    "chi-squared-recovers",
    "The best χ² optimum gains at least half of what separates the base policy from the true optimum.", .atLeast, 0.5)
  private static let actionsDoNot = Claim(
    "action-kl-does-not", "The best action-KL optimum gains at most 0.35 of it.", .atMost, 0.35)
  private static let bound = Claim(
    "bound-holds", "The theorem's lower bound on the true gain holds for every policy that was computed.",
    .atLeast, -1e-9)

  private static let learnedHacks = Claim(
    "ppo-hacks", "PPO on the proxy alone ends with less true reward than the base policy, in every seed.", .less, 0)
  private static let learnedRecovers = Claim(
    "orpo-beats-action-kl",
    "In at least 2 of 3 seeds the best of ORPO's sweep has more true reward than action KL's best and the base.",
    .atLeast, 2.0 / 3)
  private static let responsesHack = Claim(
    "responses-are-hacked",
    "In the toy of RLHF the proxy correlates under the base policy, and alone ends below its gold, in every seed.",
    .less, 0)
  private static let responsesBreak = Claim(
    "response-correlation-breaks",
    "There the correlation is lower under the optimised policy, in every seed.", .greater, 0)
  private static let responsesRecover = Claim(
    "responses-chi-squared-beats-kl",
    "There the best √χ² has more gold than the best KL (mean over seeds).", .greater, 0)

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    guard !configuration.temperatures.isEmpty, configuration.temperatures.allSatisfy({ $0 > 0 }),
      (0...1).contains(configuration.noise), !configuration.betas.isEmpty, !configuration.alphas.isEmpty,
      configuration.alphas.allSatisfy({ $0 > 0 }), (0..<1).contains(configuration.discount),
      configuration.learnedTemperature > 0, !configuration.lambdas.isEmpty, !configuration.actionCoefficients.isEmpty,
      !configuration.responseCoefficients.isEmpty, !configuration.seeds.isEmpty
    else {
      throw GuerdonError.usage(
        "correlated-proxies needs at least 1 temperature, β, α, coefficient and seed, temperatures and α above 0, a "
          + "noise from 0 to 1 and a discount below 1.")
    }
    var evidence = try exactEvidence(configuration, in: run)
    if configuration.learnedIterations > 0 { try addLearned(to: &evidence, configuration, in: run) }
    if configuration.responseIterations > 0 { try addResponses(to: &evidence, configuration, in: run) }
    return evidence
  }

  // MARK: Exact

  /// One base policy's share of the exact part; true and proxy rewards a step.
  private struct Exact {
    var base: ProxyStatistics
    var optimum = 0.0
    var hacked: ProxyAssessment
    var occupancy: [ProxyAssessment]
    var actions: [ProxyAssessment]
    var gaps: [Double]

    /// (J − J0) / (J* − J0) of the best of a sweep.
    func recovered(_ sweep: [ProxyAssessment]) -> Double {
      let best = sweep.map(\.optimised.trueMean).max() ?? .nan
      return (best - base.trueMean) / (optimum - base.trueMean)
    }

    /// What the theorem leaves between the true gain and its bound, at the policy where that is least.
    var slack: Double {
      ([hacked] + occupancy + actions).map { ($0.trueGain ?? .nan) - ($0.trueGainBound ?? -.infinity) }
        .reduce(.infinity) { $0.isNaN || $1.isNaN ? .nan : min($0, $1) }
    }
  }

  private static func exactEvidence(_ configuration: Configuration, in run: RunContext) throws -> Evidence {
    let world = try TomatoWorld(discount: configuration.discount)
    let paidProxy = try world.paidProxy()
    let bases = try configuration.temperatures.map {
      try world.basePolicy(temperature: $0, noise: configuration.noise)
    }
    @Sendable func assess(_ policy: TabularPolicy, _ base: TabularPolicy) throws -> ProxyAssessment {
      try world.process.assessProxy(world.proxy, truth: world.truth, base: base, optimised: policy)
    }
    let optimum = try world.process.proxyStatistics(
      proxy: world.proxy, truth: world.truth, under: world.process.policyIteration().policy).trueMean
    let hacked = try paidProxy.policyIteration().policy
    let betas = configuration.betas, alphas = configuration.alphas
    let sweep = betas.count
    let searched = try run.results(bases.count * sweep, of: "χ² between occupancies", named: "optima") { index in
      let base = bases[index / sweep]
      let found = try paidProxy.occupancyRegularised(
        from: base, beta: betas[index % sweep], tolerance: configuration.tolerance,
        shouldStop: { run.interruption.isRequested })
      return (assessment: try assess(found.policy, base), gap: found.gap)
    }
    let penalised = try run.results(bases.count * alphas.count, of: "KL between actions", named: "optima") { index in
      let base = bases[index / alphas.count]
      return try assess(paidProxy.actionRegularised(from: base, alpha: alphas[index % alphas.count]).policy, base)
    }
    let results = try bases.enumerated().map { index, base in
      let hacking = try assess(hacked, base)
      return Exact(
        base: hacking.base, optimum: optimum, hacked: hacking,
        occupancy: searched[index * sweep..<(index + 1) * sweep].map(\.assessment),
        actions: Array(penalised[index * alphas.count..<(index + 1) * alphas.count]),
        gaps: searched[index * sweep..<(index + 1) * sweep].map(\.gap))
    }
    var arms: [String: [String: [Double]]] = [:]
    var notes: [String] = []
    for (temperature, result) in zip(configuration.temperatures, results) {
      let name = "exact, temperature \(temperature)"
      arms["\(name), base"] = ["true": [result.base.trueMean], "proxy": [result.base.proxyMean],
                               "correlation": [result.base.correlation ?? 0]]
      arms["\(name), true optimum"] = ["true": [result.optimum]]
      arms["\(name), unregularised"] = ["true": [result.hacked.optimised.trueMean],
                                        "proxy": [result.hacked.optimised.proxyMean],
                                        "correlation": [result.hacked.optimised.correlation ?? 0]]
      arms["\(name), chi-squared"] = sweepArm(result.occupancy).merging(["beta": betas, "gap": result.gaps]) { $1 }
      arms["\(name), action KL"] = sweepArm(result.actions).merging(["alpha": alphas]) { $1 }
      let trueMeans = result.occupancy.map(\.optimised.trueMean), trueMeansKL = result.actions.map(\.optimised.trueMean)
      let best = trueMeans.indices.max { trueMeans[$0] < trueMeans[$1] }
      let bestKL = trueMeansKL.indices.max { trueMeansKL[$0] < trueMeansKL[$1] }
      notes.append(
        "Base policy of temperature \(temperature): true \(text(result.base.trueMean)) a step, "
          + "r \(text(result.base.correlation)); true optimum \(text(result.optimum)); "
          + "unregularised \(text(result.hacked.optimised.trueMean)); "
          + "best χ² \(text(best.map { trueMeans[$0] })) at β \(scientific(best.map { betas[$0] })); "
          + "best action KL \(text(bestKL.map { trueMeansKL[$0] })) at α "
          + "\(scientific(bestKL.map { alphas[$0] })).")
    }
    return Evidence(
      claims: [
        correlates.verdict(measured: least(results.map { $0.base.correlation ?? 0 })),
        breaks.verdict(measured: least(results.map(\.hacked.correlationLoss))),
        hacks.verdict(measured: greatest(results.map { $0.hacked.optimised.trueMean - $0.base.trueMean })),
        occupancyRecovers.verdict(measured: least(results.map { $0.recovered($0.occupancy) })),
        actionsDoNot.verdict(measured: greatest(results.map { $0.recovered($0.actions) })),
        bound.verdict(measured: least(results.map(\.slack))),
      ], arms: arms, notes: notes)
  }

  // MARK: Learned

  private static func addLearned(
    to evidence: inout Evidence, _ configuration: Configuration, in run: RunContext
  ) throws {
    let world = try TomatoWorld(discount: configuration.discount)
    let paidProxy = try world.paidProxy()
    let base = try world.basePolicy(temperature: configuration.learnedTemperature, noise: configuration.noise)
    let statistics = try world.process.proxyStatistics(proxy: world.proxy, truth: world.truth, under: base)
    let arms: [(name: String, regulariser: ORPO.Regulariser)] =
      [("PPO", .none)]
      + configuration.lambdas.map {
        ("ORPO, λ / σp \($0)", .occupancy(.rootChiSquared, coefficient: $0 * statistics.proxyDeviation))
      }
      + configuration.actionCoefficients.map {
        ("action KL, coefficient \($0)", .actions(.kullbackLeibler, coefficient: $0))
      }
    let seeds = configuration.seeds
    let results = try run.results(arms.count * seeds.count, of: "ORPO and action KL", named: "trainings") { index in
      let learner = try ORPO(
        process: paidProxy, features: world.features, featureCount: world.featureCount, base: base,
        regulariser: arms[index / seeds.count].regulariser, configuration: configuration.learned,
        seed: seeds[index % seeds.count])
      var last = ORPO.Iteration(proxy: 0, divergence: 0, actionKL: 0, entropy: 0)
      for _ in 0..<configuration.learnedIterations {
        if run.interruption.isRequested { throw CancellationError() }
        last = try learner.iterate()
      }
      // Measured exactly, as the other part is.
      let assessment = try world.process.assessProxy(
        world.proxy, truth: world.truth, base: base, optimised: learner.policy())
      return (assessment: assessment, last: last)
    }
    func trueMeans(_ arm: Int) -> [Double] {
      seeds.indices.map { results[arm * seeds.count + $0].assessment.optimised.trueMean }
    }
    for (arm, entry) in arms.enumerated() {
      let own = results[arm * seeds.count..<(arm + 1) * seeds.count]
      evidence.arms["learned, \(entry.name)"] = sweepArm(own.map(\.assessment)).merging([
        "estimated divergence": own.map(\.last.divergence), "action KL": own.map(\.last.actionKL),
      ]) { $1 }
    }
    func best(_ range: Range<Int>) -> [Double] {
      seeds.indices.map { seed in range.map { trueMeans($0)[seed] }.max() ?? .nan }
    }
    let orpo = best(1..<1 + configuration.lambdas.count), kl = best(1 + configuration.lambdas.count..<arms.count)
    let wins = zip(orpo, kl).filter { $0 > $1 && $0 > statistics.trueMean }.count
    evidence.claims += [
      learnedHacks.verdict(measured: greatest(trueMeans(0).map { $0 - statistics.trueMean })),
      learnedRecovers.verdict(measured: Double(wins) / Double(seeds.count)),
    ]
    evidence.notes.append(
      "Learned, true reward a step (exact, of the learned policy) in each seed: base \(text(statistics.trueMean)); PPO "
        + "\(texts(trueMeans(0))); best ORPO \(texts(orpo)); best action KL \(texts(kl)). σp is "
        + "\(text(statistics.proxyDeviation)), and λ = σp √(1 − r²) is \(text(statistics.penaltyCoefficient)).")
  }

  // MARK: Responses

  private static func addResponses(
    to evidence: inout Evidence, _ configuration: Configuration, in run: RunContext
  ) throws {
    let arms: [(name: String, divergence: OccupancyDivergence?, coefficient: Double)] =
      [("unregularised", nil, 0)]
      + configuration.responseCoefficients.map { ("√χ², coefficient \($0)", .rootChiSquared, $0) }
      + configuration.responseCoefficients.map { ("KL, coefficient \($0)", .kullbackLeibler, $0) }
    let seeds = configuration.seeds
    var task = ResponseOptimisation.Configuration()
    task.iterations = configuration.responseIterations
    let settings = task
    let results = try run.results(seeds.count, of: "responses", named: "seeds") { index in
      let optimisation = try ResponseOptimisation(settings, seed: seeds[index])
      return try arms.map {
        try optimisation.optimise(
          $0.divergence, coefficient: $0.coefficient, shouldStop: { run.interruption.isRequested })
      }
    }
    let bases = results.map { $0[0].assessment.base }
    evidence.arms["responses, base"] = [
      "gold": bases.map(\.trueMean), "proxy": bases.map(\.proxyMean), "correlation": bases.map { $0.correlation ?? 0 },
    ]
    func gold(_ arm: Int) -> [Double] { results.map { $0[arm].assessment.optimised.trueMean } }
    for (arm, entry) in arms.enumerated() {
      let own = results.map { $0[arm] }
      evidence.arms["responses, \(entry.name)"] = [
        "gold": gold(arm), "proxy": own.map(\.assessment.optimised.proxyMean), "length": own.map(\.length),
        "correlation": own.map { $0.assessment.optimised.correlation ?? 0 },
      ]
    }
    let count = configuration.responseCoefficients.count
    func best(_ range: Range<Int>) -> [Double] {
      seeds.indices.map { seed in range.map { gold($0)[seed] }.max() ?? .nan }
    }
    let chiSquared = best(1..<1 + count), kl = best(1 + count..<1 + 2 * count)
    // A proxy that does not correlate is none, and cannot be hacked.
    let hacking = results.map { own in
      own[0].assessment.isCorrelatedProxy
        ? own[0].assessment.optimised.trueMean - own[0].assessment.base.trueMean : .infinity
    }
    evidence.claims += [
      responsesHack.verdict(measured: greatest(hacking)),
      responsesBreak.verdict(measured: least(results.map { $0[0].assessment.correlationLoss })),
      responsesRecover.verdict(measured: Statistics.mean(zip(chiSquared, kl).map { $0 - $1 })),
    ]
    evidence.notes.append(
      "Responses, gold in each seed: base \(texts(bases.map(\.trueMean))), "
        + "r \(texts(bases.map { $0.correlation ?? 0 })); unregularised \(texts(gold(0))); "
        + "best √χ² \(texts(chiSquared)); best KL \(texts(kl)). "
        + "The language model is a multilayer perceptron of the context, not a transformer.")
  }

  private static func texts(_ values: [Double]) -> String { values.map { text($0) }.joined(separator: ", ") }

  private static func sweepArm(_ sweep: [ProxyAssessment]) -> [String: [Double]] {
    [
      "true": sweep.map(\.optimised.trueMean), "proxy": sweep.map(\.optimised.proxyMean),
      "correlation": sweep.map { $0.optimised.correlation ?? 0 }, "chi-squared": sweep.map { $0.chiSquared ?? .nan },
    ]
  }

  private static func least(_ values: [Double]) -> Double {
    values.contains(where: \.isNaN) ? .nan : values.min() ?? .nan
  }

  private static func greatest(_ values: [Double]) -> Double {
    values.contains(where: \.isNaN) ? .nan : values.max() ?? .nan
  }

  private static func text(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "undefined" }

  private static func scientific(_ value: Double?) -> String { value.map { String(format: "%.2g", $0) } ?? "undefined" }
}
