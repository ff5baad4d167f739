import Basics
import Experiments
import Foundation

/// PEER in closed form, random instances against the uncorrelated optimum, and the learner's regret on PEER.
extension InformationAcquisition {
  private static let peerValue = Claim(
    "peer-value", "On PEER the program's value is .8 - 2/19 (absolute difference).", .atMost, 1e-5)
  private static let peerChecks = Claim(
    "peer-cross-checks", "On PEER both agents are asked to work with probability 1/19 (absolute difference).", .atMost, 1e-5)
  private static let peerUncorrelated = Claim(
    "peer-uncorrelated", "On PEER the best uncorrelated mechanism is worth 2/3 (absolute difference).", .atMost, 1e-5)
  private static let peerCompatible = Claim(
    "peer-incentives", "No deviation gains in the program's mechanism on PEER (least slack).", .atLeast, -1e-7)
  private static let beatsUncorrelated = Claim(
    "correlation-never-costs",
    "On every random instance the program is worth no less than the uncorrelated optimum (least difference).", .atLeast, -1e-7)
  private static let compatible = Claim(
    "random-incentives", "On every random instance no deviation gains (least slack).", .atLeast, -1e-7)
  private static let monotone = Claim(
    "value-grows-with-limit", "On every random instance the value never falls as payments may be larger (least step).",
    .atLeast, -1e-7)
  private static let slope = Claim(
    "regret-slope", "The learner's mean regret grows no faster than T^.78 (log-log slope).", .atMost, 0.78)
  private static let obeyed = Claim(
    "commitment-obeyed", "In at least 95 % of the learner's runs no agent deviates after the commitment.", .atLeast, 0.95)
  private static let beatsExploring = Claim(
    "beats-exploring", "Committing has less regret than exploring for ever (largest ratio over the slope's T).", .less, 1)
  private static let mixingMatters = Claim(
    "unmixed-deviates", "Committing without the strict rules makes agents deviate (share of runs over the slope's T).",
    .atLeast, 0.5)
  private static let beatsUnmixed = Claim(
    "beats-unmixed", "Mixing has less regret than not mixing (largest ratio over the slope's T).", .less, 1)

  private enum Arm: String, CaseIterable {
    case learner = "explore then commit"
    case exploring = "always explore"
    case unmixed = "no strict rules"
  }

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    guard configuration.instances >= 1, configuration.rounds.count >= 2, !configuration.seeds.isEmpty,
      configuration.rounds.count(where: { $0 >= configuration.slopeFrom }) >= 2, configuration.paymentLimits.count >= 2
    else {
      throw GuerdonError.usage(
        "information-acquisition needs an instance, two payment limits, a seed, and two numbers of rounds from "
          + "slopeFrom on.")
    }
    // 1. PEER.
    let peer = try AcquisitionInstance.peer()
    let optimum = try optimalMechanism(for: peer)
    let uncorrelated = try uncorrelatedOptimum(for: peer)
    let report = optimum.mechanism.verify(in: peer)

    // 2. Random instances: one seed each, so that the number of jobs changes nothing.
    struct Tried: Sendable { var value = Double.nan, gain = Double.nan, slack = Double.nan, step = Double.nan }
    let limits = configuration.paymentLimits.sorted()
    let tried = try run.results(configuration.instances, of: card.id, named: "random instances") { index -> Tried in
      var random = RandomGenerator(seed: configuration.instanceSeed, spawnKey: [UInt32(index)])
      let instance = try AcquisitionInstance.random(by: &random)
      let best = try optimalMechanism(for: instance)
      let values = try limits.map { try optimalMechanism(for: instance.replacing(paymentLimit: $0)).value }
      return Tried(
        value: best.value, gain: best.value - (try uncorrelatedOptimum(for: instance).optimum.value),
        slack: best.mechanism.verify(in: instance).slack,
        step: zip(values, values.dropFirst()).map { $1 - $0 }.min() ?? .nan)
    }

    // 3. Learning on PEER.
    let learner = try ExploreThenCommit(peer)
    let jobs = configuration.rounds.flatMap { T in
      configuration.seeds.flatMap { seed in Arm.allCases.map { (rounds: T, seed: seed, arm: $0) } }
    }
    let traces = try run.results(jobs.count, of: card.id, named: "learning") { index -> ExploreThenCommit.Trace in
      let job = jobs[index]
      var random = RandomGenerator(seed: job.seed, spawnKey: [UInt32(clamping: job.rounds)])
      var settings = configuration.learner
      settings.mixesStrictRules = job.arm == .learner
      settings.commits = job.arm != .exploring
      return try learner.run(rounds: job.rounds, settings, random: &random)
    }
    func runs(_ arm: Arm, _ T: Int) -> [ExploreThenCommit.Trace] {
      zip(jobs, traces).filter { $0.0.arm == arm && $0.0.rounds == T }.map(\.1)
    }
    func regret(_ arm: Arm, _ T: Int) -> Double { Statistics.mean(runs(arm, T).map(\.regret)) }
    let asymptotic = configuration.rounds.filter { $0 >= configuration.slopeFrom }.sorted()
    func slope(_ arm: Arm) -> Double { logSlope(asymptotic.map { (Double($0), regret(arm, $0)) }) }
    func share(_ arm: Arm, _ rounds: [Int]) -> Double {
      let traces = rounds.flatMap { runs(arm, $0) }
      return Double(traces.count(where: \.deviates)) / Double(traces.count)
    }
    var arms: [String: [String: [Double]]] = [
      "random instances": [
        "value": tried.map(\.value), "value above uncorrelated": tried.map(\.gain), "least slack": tried.map(\.slack),
      ]
    ]
    for arm in Arm.allCases {
      for T in configuration.rounds { arms[arm.rawValue, default: [:]]["regret at \(T)"] = runs(arm, T).map(\.regret) }
    }
    let both = optimum.mechanism.recommendation[3]
    return Evidence(
      claims: [
        peerValue.verdict(measured: abs(optimum.value - (0.8 - 2.0 / 19))),
        peerChecks.verdict(measured: abs(both - 1.0 / 19)),
        peerUncorrelated.verdict(measured: abs(uncorrelated.optimum.value - 2.0 / 3)),
        peerCompatible.verdict(measured: report.slack),
        beatsUncorrelated.verdict(measured: tried.map(\.gain).min() ?? .nan),
        compatible.verdict(measured: tried.map(\.slack).min() ?? .nan),
        monotone.verdict(measured: tried.map(\.step).min() ?? .nan),
        Self.slope.verdict(measured: slope(.learner)),
        obeyed.verdict(measured: 1 - share(.learner, configuration.rounds)),
        beatsExploring.verdict(
          measured: asymptotic.map { regret(.learner, $0) / regret(.exploring, $0) }.max() ?? .nan),
        mixingMatters.verdict(measured: share(.unmixed, asymptotic)),
        beatsUnmixed.verdict(measured: asymptotic.map { regret(.learner, $0) / regret(.unmixed, $0) }.max() ?? .nan),
      ],
      arms: arms,
      notes: [
        "Random instances where correlation strictly pays (by more than 1e-6): "
          + "\(tried.count { $0.gain > 1e-6 }) of \(tried.count).",
        "Slopes: " + Arm.allCases.map { "\($0.rawValue) \(String(format: "%.3f", slope($0)))" }.joined(separator: ", ") + ".",
        "PEER has other equilibria: \(report.constantReports.count(where: \.isEquilibrium)) tuples of constant reports "
          + "by idle agents are one.",
        "Regret counts expected values; that efforts are seen after a round is our modelling choice.",
      ])
  }

  /// Least-squares slope of log y over log x.
  static func logSlope(_ points: [(x: Double, y: Double)]) -> Double {
    let (x, y) = (points.map { log($0.x) }, points.map { log($0.y) })
    let (meanX, meanY) = (Statistics.mean(x), Statistics.mean(y))
    let covariance = zip(x, y).reduce(0.0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
    return covariance / x.reduce(0.0) { $0 + ($1 - meanX) * ($1 - meanX) }
  }
}
