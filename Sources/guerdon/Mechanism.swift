import ArgumentParser
import Basics
import Decisions
import Experiments
import Foundation

/// Paying agents to find out about a hidden state.
struct Mechanism: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Pay several agents to find out about a hidden state and report it truthfully.",
    discussion: """
      An instance is a JSON file: states with a prior, the principal's actions with utility[action][state], and agents, \
      each with efforts, costs (one of them 0), signals and law[effort][state][signal]. "joint" lists the tuples of \
      efforts under which signals are not independent given the state, with law[state][tuple of signals]. \
      "paymentLimit" is the most that one agent is paid. Tasks/mechanisms/ has examples.

        guerdon mechanism solve Tasks/mechanisms/peer.json --out mechanism.json
        guerdon mechanism verify Tasks/mechanisms/peer.json mechanism.json
        guerdon mechanism simulate Tasks/mechanisms/peer.json --rounds 100000
      """,
    subcommands: [MechanismSolve.self, MechanismVerify.self, MechanismSimulate.self])
}

struct MechanismSolve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "solve", abstract: "Find the best incentive-compatible mechanism by linear programming.")

  @Argument(help: "The instance, a JSON file.") var instance: String
  @Option(help: "Another limit on payments than the file's.") var paymentLimit: Double?
  @Option(help: "What the principal would give to take one unit from idle agents who agree on a report.")
  var collusionPenalty = 0.0
  @Option(help: "Where to write the mechanism, a JSON file.") var out: String?
  @Flag(help: "Print one JSON object.") var json = false

  func run() throws {
    var instance = try AcquisitionInstance.load(URL(fileURLWithPath: instance))
    if let paymentLimit { instance = try instance.replacing(paymentLimit: paymentLimit) }
    let start = ContinuousClock.now
    let optimum = try InformationAcquisition.optimalMechanism(
      for: instance, options: .init(collusionPenalty: collusionPenalty))
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let uncorrelated = try InformationAcquisition.uncorrelatedOptimum(for: instance)
    let document = MechanismDocument(optimum.mechanism, of: instance)
    if let out {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      try Files.write(encoder.encode(document), to: URL(fileURLWithPath: out))
    }
    let report = optimum.mechanism.verify(in: instance)
    if json {
      return try printJSON(
        Solved(
          value: optimum.value, uncorrelatedValue: uncorrelated.optimum.value,
          fullInformationValue: instance.fullInformationValue, seconds: seconds, mechanism: document,
          incentives: report))
    }
    print(String(format: "%@: the principal keeps %.6f on average.", instance.name, optimum.value))
    print(
      String(
        format: "  the best uncorrelated mechanism, %@, keeps %.6f; free efforts would be worth %.6f\n",
        instance.describe(efforts: uncorrelated.efforts), uncorrelated.optimum.value, instance.fullInformationValue))
    print("Efforts are recommended with these probabilities, and paid on average:")
    for profile in document.profiles {
      let alone = mean(profile, instance)
      print(
        String(format: "  %7.4f  (%@)  ", profile.probability, profile.efforts.joined(separator: ", "))
          + zip(instance.agents, alone).map { String(format: "%@ %.4f", $0.name, $1) }.joined(separator: ", "))
    }
    print(String(format: "\nNo deviation gains: the least slack of %.0f is %.3g.", report.deviations, report.slack))
    showConstantReports(report, instance)
    if let out { print("The mechanism is in \(out).") }
  }

  /// E[γ_i | these efforts are recommended].
  private func mean(_ profile: MechanismDocument.Profile, _ instance: AcquisitionInstance) -> [Double] {
    let entries = zip(instance.agents, profile.efforts).map { $0.efforts.firstIndex(of: $1) ?? 0 }
    let b = instance.efforts.index(of: entries)
    return profile.payments.map { table in
      var sum = 0.0
      for (s, row) in table.enumerated() {
        for (θ, payment) in row.enumerated() {
          sum += instance.prior[θ] * instance.probability(ofSignals: s, under: b, in: θ) * payment
        }
      }
      return sum
    }
  }

  private struct Solved: Encodable {
    var value, uncorrelatedValue, fullInformationValue, seconds: Double
    var mechanism: MechanismDocument
    var incentives: IncentiveReport
  }
}

struct MechanismVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that no agent gains by another effort or another report, whatever it is recommended.",
    discussion: "Exits with 2 when some deviation gains more than the tolerance.")

  @Argument(help: "The instance, a JSON file.") var instance: String
  @Argument(help: "The mechanism, a JSON file as `solve --out` writes it.") var mechanism: String
  @Option(help: "The gain that a deviation may have, in expectation before the recommendation.") var tolerance = 1e-7
  @Flag(help: "Print one JSON object.") var json = false

  func validate() throws {
    if !(tolerance >= 0) { throw ValidationError("--tolerance must be a number from 0.") }
  }

  func run() throws {
    let instance = try AcquisitionInstance.load(URL(fileURLWithPath: instance))
    let url = URL(fileURLWithPath: self.mechanism)
    let mechanism = try Files.readJSON(MechanismDocument.self, from: url).mechanism(for: instance)
    let report = mechanism.verify(in: instance)
    let outcome = mechanism.outcome(in: instance)
    let holds = report.isIncentiveCompatible(tolerance: tolerance)
    if json {
      try printJSON(Verified(incentiveCompatible: holds, value: outcome.value, incentives: report))
    } else {
      print(
        holds
          ? String(format: "No deviation gains: the least slack of %.0f is %.3g.", report.deviations, report.slack)
          : String(format: "Some of %.0f deviations gain.", report.deviations))
      if !holds, let worst = report.worst {
        print(
          "  Recommended \(worst.effort == worst.recommended ? worst.effort : worst.recommended), \(worst.agent) gains "
            + String(format: "%.6f", worst.gainWhenRecommended)
            + " by taking \(worst.effort) and reporting \(worst.reports.joined(separator: ", ")) for its signals.")
      }
      print(String(format: "If all comply, the principal keeps %.6f on average.", outcome.value))
      showConstantReports(report, instance)
    }
    if !holds { throw ExitCode(2) }
  }

  private struct Verified: Encodable {
    var incentiveCompatible: Bool
    var value: Double
    var incentives: IncentiveReport
  }
}

struct MechanismSimulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Learn a mechanism by exploring and then committing, with agents who respond exactly.",
    discussion: """
      The learner knows neither the prior nor the signals nor the costs. Regret is what the optimal mechanism would have \
      kept more over all rounds.
      """)

  @Argument(help: "The instance, a JSON file.") var instance: String
  @Option(help: "Rounds T.") var rounds = 100_000
  @Option(help: "Runs.") var seeds = 4
  @Option(help: "The first seed.") var seed: UInt64 = 0
  @Option(help: "κ, how far incentives are relaxed for the estimates' errors.")
  var slack = ExploreThenCommit.Configuration().slack
  @Flag(help: "Commit without mixing in the strict rules: agents will deviate.") var unmixed = false
  @Flag(help: "Print one JSON object.") var json = false

  func validate() throws {
    if !(1...10_000).contains(seeds) { throw ValidationError("--seeds must be from 1 to 10000.") }
    if !(1...1_000_000_000).contains(rounds) { throw ValidationError("--rounds must be from 1 to 1000000000.") }
  }

  func run() throws {
    let learner = try ExploreThenCommit(AcquisitionInstance.load(URL(fileURLWithPath: instance)))
    let configuration = ExploreThenCommit.Configuration(slack: slack, mixesStrictRules: !unmixed)
    let traces = try (0..<seeds).map { k in
      var random = RandomGenerator(seed: seed &+ UInt64(k))
      return try learner.run(rounds: rounds, configuration, random: &random)
    }
    if json {
      return try printJSON(Simulated(optimalValue: learner.optimalValue, margin: learner.margin, runs: traces))
    }
    print(String(format: "The optimal mechanism keeps %.6f a round; %d rounds are played.\n", learner.optimalValue, rounds))
    print("  seed  regret      a round  explored  α      kept a round  agents")
    for (k, trace) in traces.enumerated() {
      let name = "\(seed &+ UInt64(k))".padding(toLength: 4, withPad: " ", startingAt: 0)
      print(
        String(
          format: "  %@  %-10.1f  %.4f   %-8d  %.3f  %.6f      %@", name, trace.regret,
          trace.regret / Double(rounds), trace.explored + trace.searched, trace.strictShare ?? 0,
          trace.committedValue ?? .nan, trace.deviates ? "deviate" : "comply"))
    }
    print(String(format: "\nMean regret %.1f.", Statistics.mean(traces.map(\.regret))))
  }

  private struct Simulated: Encodable {
    var optimalValue, margin: Double
    var runs: [ExploreThenCommit.Trace]
  }
}

/// What incentive compatibility does not exclude.
private func showConstantReports(_ report: IncentiveReport, _ instance: AcquisitionInstance) {
  let equilibria = report.constantReports.filter(\.isEquilibrium)
  guard !equilibria.isEmpty else { return }
  print("Complying is not the only equilibrium. So is doing the cheapest and reporting always:")
  for other in equilibria {
    print(
      "  (\(other.reports.joined(separator: ", "))): "
        + zip(instance.agents, other.gains).map { String(format: "%@ gains %.4f", $0.name, $1) }.joined(separator: ", ")
        + String(format: "; the principal keeps %.4f", other.value))
  }
}
