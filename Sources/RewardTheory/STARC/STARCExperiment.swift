import Basics
import Environments
import Experiments
import FiniteMDPs
import Foundation

/// Does VAL foretell regret better than EPIC and DARD, and does its distance bound worst-case regret from both sides?
extension STARC {
  public struct Configuration: MethodConfiguration, Hashable {
    /// S, A, γ and the logits that are kept, of the processes in which distances are correlated with regret.
    public var states = 32
    public var actions = 4
    public var discount = 0.95
    public var threshold = 1.0
    public var environments = 128
    /// Pairs of random rewards in each.
    public var pairs = 8
    /// Points between the two of a pair.
    public var steps = 16
    /// The same for the test of soundness and completeness.
    public var boundEnvironments = 25
    public var boundStates = 6
    public var boundActions = 3
    public var boundDiscount = 0.9
    public var boundThreshold = 0.5
    public var boundPairs = 6
    public var boundWeights = [0.05, 0.2, 0.4, 0.6, 0.8, 1]
    /// Toy text environments in which distances are correlated with regret, too, and pairs of rewards in each.
    public var worlds = ["FrozenLake-v1", "FrozenLake8x8-v1", "Taxi-v4"]
    public var worldPairs = 2
    /// Sampled transitions of Reacher-v5, rollouts from either end of each, and their steps; γ is that of the processes.
    public var reacherTransitions = 1_000
    public var reacherRollouts = 16
    public var reacherHorizon = 100
    public var seeds: [UInt64] = [0, 1, 2]

    /// Half of the acceptance experiment's processes: with the brief's 6 × 4 pairs chance decides on margins of 0.03.
    public static let smoke: Configuration = {
      var configuration = Configuration()
      (configuration.environments, configuration.pairs) = (16, 6)
      configuration.worlds = ["FrozenLake-v1"]
      (configuration.reacherTransitions, configuration.reacherRollouts) = (128, 8)
      return configuration
    }()
    /// The brief's acceptance experiment.
    public static let full: Configuration = {
      var configuration = Configuration()
      (configuration.environments, configuration.pairs) = (32, 6)
      return configuration
    }()
  }

  private static let foretells = Claim(
    "val-foretells-regret", "VAL's distance (L2, L2) correlates with regret at 0.80 or more in every seed.",
    .atLeast, 0.80)
  private static let beatsPeers = Claim(
    "val-beats-epic-and-dard", "VAL's correlation exceeds the better of EPIC's and DARD's by 0.03 in every seed.",
    .atLeast, 0.03)
  private static let rawFails = Claim(
    "raw-rewards-foretell-less", "Without a canonicalisation the correlation lies 0.10 below EPIC's in every seed.",
    .atMost, -0.10)
  private static let bounds = Claim(
    "val-bounds-regret", "Worst-case regret over VAL's distance stays within a factor of 6 in every seed.", .less, 6)
  private static let epicDoesNot = Claim(
    "epic-does-not-bound-regret", "Worst-case regret over EPIC's distance spreads by more than a factor of 8 in every seed.",
    .greater, 8)

  private static let reacherOrders = Claim(
    "reacher-tells-them-apart",
    "Sampled on Reacher-v5, rewards that mean the same as the environment's own lie nearer to it than all others do, by 0.3 in every seed.",
    .atLeast, 0.3)

  /// c × n × m, the L2, L2 metrics first.
  static let sweep: [Metric] = {
    let norms: [RewardNorm?] = RewardNorm.allCases + [nil]
    let standard = Canonicalisation.allCases.map { Metric($0) }
    return standard
      + Canonicalisation.allCases.flatMap { kind in
        norms.flatMap { n in RewardNorm.allCases.map { Metric(kind, normalisation: n, difference: $0) } }
      }.filter { !standard.contains($0) }
  }()

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    guard configuration.environments >= 1, configuration.pairs >= 1, configuration.steps >= 1,
      configuration.boundEnvironments >= 1, configuration.boundPairs >= 1, !configuration.boundWeights.isEmpty,
      !configuration.seeds.isEmpty
    else { throw GuerdonError.usage("starc needs at least 1 environment, pair, step, weight and seed.") }
    guard configuration.boundWeights.allSatisfy({ $0 > 0 && $0 <= 1 }) else {
      throw GuerdonError.usage("The weights between two rewards lie above 0 and at most at 1.")
    }
    guard configuration.states >= 1, configuration.actions >= 1, configuration.boundStates >= 1,
      configuration.boundActions >= 1, configuration.worldPairs >= 1
    else { throw GuerdonError.usage("starc needs at least 1 state, action, and pair of rewards a world.") }
    let discounts = [configuration.discount, configuration.boundDiscount]
    guard discounts.allSatisfy({ $0 >= 0 && $0 < 1 }) else {
      throw GuerdonError.usage("starc's processes never end, so that its discounts lie from 0 to below 1.")
    }
    for world in configuration.worlds where try Environments.finiteModel(world, discount: 0) == nil {
      throw GuerdonError.usage("\(world) has no exact model; starc's worlds are toy text environments.")
    }
    let seeds = configuration.seeds, environments = configuration.environments
    let bounded = [Metric.val, .minimal, .epic, .dard]
    let correlated = try run.results(seeds.count * environments, of: "regret correlation", named: "environments") { index -> Correlations in
      try correlationPoints(
        configuration, seed: seeds[index / environments], environment: index % environments, metrics: sweep)
    }
    let boundEnvironments = configuration.boundEnvironments
    let ratios = try run.results(seeds.count * boundEnvironments, of: "worst-case regret", named: "environments") { index -> [[Double]] in
      var random = RandomGenerator(
        seed: seeds[index / boundEnvironments], spawnKey: [1, UInt32(index % boundEnvironments)])
      let mdp = try FiniteMDP.thresholded(
        stateCount: configuration.boundStates, actionCount: configuration.boundActions,
        threshold: configuration.boundThreshold, discount: configuration.boundDiscount, random: &random)
      return try regretRatios(
        in: mdp, pairs: configuration.boundPairs, weights: configuration.boundWeights, metrics: bounded,
        random: &random)
    }

    let worlds = configuration.worlds
    let standard = Canonicalisation.allCases.map { Metric($0) }
    let real = try run.results(seeds.count * worlds.count, of: "toy text", named: "worlds") { index in
      try correlationPoints(
        inWorld: worlds[index % worlds.count], configuration, seed: seeds[index / worlds.count], metrics: standard)
    }
    let reacher = try run.results(seeds.count, of: "Reacher-v5", named: "seeds") { index in
      try reacherDistances(configuration, seed: seeds[index], shouldStop: { run.interruption.isRequested })
    }

    // arms[canonicalisation]["correlation n m"][seed]
    var arms: [String: [String: [Double]]] = [:]
    let bySeed = seeds.indices.map { seed in
      Correlations(joining: Array(correlated[seed * environments..<(seed + 1) * environments]), metrics: sweep)
    }
    for (index, metric) in sweep.enumerated() {
      let perSeed = bySeed.map { $0.correlation(of: index) }
      let name =
        index < Canonicalisation.allCases.count
        ? "correlation"
        : "correlation n=\(metric.normalisation?.rawValue ?? "none") m=\(metric.difference.rawValue)"
      arms[metric.canonicalisation.rawValue, default: [:]][name] = perSeed
    }
    for (index, metric) in bounded.enumerated() {
      let perSeed = seeds.indices.map { seed in
        ratios[seed * boundEnvironments..<(seed + 1) * boundEnvironments].map { $0[index] }
      }
      let arm = metric.canonicalisation.rawValue
      arms[arm, default: [:]]["regret / distance, max / min"] = perSeed.map { spread($0.flatMap { $0 }) }
      arms[arm, default: [:]]["regret / distance, max / min in one process"] = perSeed.map { $0.map(spread).max() ?? .nan }
    }
    for (index, metric) in standard.enumerated() {
      for (number, world) in worlds.enumerated() {
        let perSeed = seeds.indices.map { real[$0 * worlds.count + number].correlation(of: index) }
        // Where no point of a seed loses anything there is nothing to correlate with.
        arms[metric.canonicalisation.rawValue, default: [:]]["correlation in \(world)"] = perSeed.filter(\.isFinite)
      }
    }
    let variants = variants(discount: configuration.discount, seed: 0)
    for (index, variant) in variants.enumerated() {
      // The environment's own reward is the table's first.
      arms["Reacher-v5: \(variant.name)"] = [
        "distance": reacher.map { $0.distances[index + 1] }, "95 % low": reacher.map { $0.low[index + 1] },
        "95 % high": reacher.map { $0.high[index + 1] }, "noise floor": reacher.map(\.floor),
      ]
    }
    let margins = reacher.map { table in
      func distances(_ same: Bool) -> [Double] {
        variants.indices.filter { variants[$0].meansTheSame == same }.map { table.distances[$0 + 1] }
      }
      return (distances(false).min() ?? .nan) - (distances(true).max() ?? .nan)
    }
    func correlation(_ kind: Canonicalisation) -> [Double] { arms[kind.rawValue]?["correlation"] ?? [] }
    func band(_ kind: Canonicalisation) -> [Double] { arms[kind.rawValue]?["regret / distance, max / min"] ?? [] }
    let val = correlation(.valueAdjustedLevelling), epic = correlation(.epic), dard = correlation(.dard)
    let none = correlation(.none)
    return Evidence(
      claims: [
        foretells.verdict(measured: val.min() ?? .nan),
        beatsPeers.verdict(measured: seeds.indices.map { val[$0] - max(epic[$0], dard[$0]) }.min() ?? .nan),
        rawFails.verdict(measured: seeds.indices.map { none[$0] - epic[$0] }.max() ?? .nan),
        bounds.verdict(measured: band(.valueAdjustedLevelling).max() ?? .nan),
        epicDoesNot.verdict(measured: band(.epic).min() ?? .nan),
        reacherOrders.verdict(measured: margins.min() ?? .nan),
      ],
      arms: arms,
      notes: [
        "Regret is exact (policy iteration and occupancies), not estimated by rollouts as in the authors' repository.",
        "\"correlation\" is with L2 as both norms; the other columns are the whole sweep of n and m.",
      ])
  }

  private static func spread(_ ratios: [Double]) -> Double {
    guard let most = ratios.max(), let least = ratios.min(), least > 0 else { return .infinity }
    return most / least
  }
}
