import Basics
import Experiments
import FiniteMDPs
import Foundation

/// Does optimising a correlated proxy hack it, and does χ² between occupancies prevent that better than KL between actions?
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
    /// The gap (reward a step) at which Frank and Wolfe's method stops, and its most iterations.
    public var tolerance = 1e-6
    public var iterations = 300
    public var seeds: [UInt64] = [0, 1, 2]

    /// The exact part alone, at one β.
    public static let smoke: Configuration = {
      var configuration = Configuration()
      configuration.betas = [1e-3]
      configuration.alphas = Configuration.logarithmic(1e-1, 1e1, count: 9)
      configuration.iterations = 100
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
    "proxy-is-hacked", "Unregularised, the proxy's optimum has less true reward than the base policy, at every temperature.",
    .less, 0)
  private static let occupancyRecovers = Claim(
    "chi-squared-recovers",
    "The best χ² optimum gains at least half of what separates the base policy from the true optimum.", .atLeast, 0.5)
  private static let actionsDoNot = Claim(
    "action-kl-does-not", "The best action-KL optimum gains at most 0.35 of it.", .atMost, 0.35)
  private static let bound = Claim(
    "bound-holds", "The theorem's lower bound on the true gain holds for every policy that was computed.",
    .atLeast, -1e-9)

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    guard !configuration.temperatures.isEmpty, configuration.temperatures.allSatisfy({ $0 > 0 }),
      (0...1).contains(configuration.noise), !configuration.betas.isEmpty, !configuration.alphas.isEmpty,
      configuration.alphas.allSatisfy({ $0 > 0 }), (0..<1).contains(configuration.discount)
    else {
      throw GuerdonError.usage(
        "correlated-proxies needs at least 1 temperature, β and α, all above 0, a noise from 0 to 1 and a discount below 1.")
    }
    return try exactEvidence(configuration, in: run)
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
    func assess(_ policy: TabularPolicy, _ base: TabularPolicy) throws -> ProxyAssessment {
      try world.process.assessProxy(world.proxy, truth: world.truth, base: base, optimised: policy)
    }
    let optimum = try world.process.proxyStatistics(
      proxy: world.proxy, truth: world.truth, under: world.process.policyIteration().policy).trueMean
    let hacked = try paidProxy.policyIteration().policy
    let betas = configuration.betas, alphas = configuration.alphas
    let sweep = betas.count
    let searched = try run.map(bases.count * sweep, "χ² between occupancies") { index in
      let base = bases[index / sweep]
      let found = try paidProxy.occupancyRegularised(
        from: base, beta: betas[index % sweep], tolerance: configuration.tolerance, limit: configuration.iterations,
        shouldStop: { run.interruption.isRequested })
      return (assessment: try assess(found.policy, base), gap: found.gap)
    }
    let penalised = try run.map(bases.count * alphas.count, "KL between actions") { index in
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
      let best = result.occupancy.indices.max { result.occupancy[$0].optimised.trueMean < result.occupancy[$1].optimised.trueMean }
      let bestKL = result.actions.indices.max { result.actions[$0].optimised.trueMean < result.actions[$1].optimised.trueMean }
      notes.append(
        "Base policy of temperature \(temperature): true \(text(result.base.trueMean)) a step, r \(text(result.base.correlation)); "
          + "true optimum \(text(result.optimum)); unregularised \(text(result.hacked.optimised.trueMean)); "
          + "best χ² \(text(best.map { result.occupancy[$0].optimised.trueMean })) at β \(scientific(best.map { betas[$0] })); "
          + "best action KL \(text(bestKL.map { result.actions[$0].optimised.trueMean })) at α "
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
