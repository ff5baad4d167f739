import ArgumentParser
import Basics
import Decisions
import Experiments
import Foundation
import GeneratedRewards
import RewardTheory
import ShapedRewards

/// Every method that Guerdon carries, in the order of their families.
let allMethods: [any Method.Type] =
  generatedRewardsMethods + shapedRewardsMethods + rewardTheoryMethods + decisionsMethods

/// The published methods.
struct Methods: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List the published methods, or those that fit a word.")

  @Argument(help: "A word of the title, the summary or the family.") var query: String?
  @Flag(help: "Print one JSON object.") var json = false
  @Flag(help: "Print the slugs alone, one a line.") var slugs = false

  func run() throws {
    let cards = allMethods.map { $0.card }.filter { card in
      guard let query = query?.lowercased() else { return true }
      return [card.id, card.title, card.summary, card.family.rawValue].contains { $0.lowercased().contains(query) }
    }
    if json { return try printJSON(["methods": cards]) }
    if slugs {
      for card in cards { print(card.id) }
      return
    }
    if cards.isEmpty { print("No method fits \"\(query ?? "")\".") }
    for card in cards {
      print("\(card.id)  \(card.title) (\(card.paper.year)-\(String(format: "%02d", card.paper.month)), arXiv \(card.paper.arXiv))")
      print("  \(card.summary)\n")
    }
  }
}

/// A method's experiment.
struct Reproduce: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a method's experiment and say whether its claims hold here.")

  @Argument(help: "The method's slug (`guerdon methods`).") var method: String
  @Option(help: "smoke: at most a minute; full: the acceptance experiment.") var scale = "smoke"
  @Option(help: "How many seeds; the experiment's own number if not given.") var seeds: Int?
  @Option(help: "The first seed.") var seed: UInt64?
  @Option(name: .customLong("set"), help: "Replace a setting: key=value; may be repeated.") var settings: [String] = []
  @Option(help: "Trainings side by side; all cores if not given.") var jobs: Int?
  @Option(help: "Folder of runs.") var out: String?
  @Flag(help: "Print one JSON object on standard output.") var json = false

  func validate() throws {
    if let seeds, !(1...10_000).contains(seeds) { throw ValidationError("--seeds must be from 1 to 10000.") }
    if let jobs, !(1...1024).contains(jobs) { throw ValidationError("--jobs must be from 1 to 1024.") }
  }

  func run() async throws {
    guard let scale = Scale(rawValue: scale) else {
      throw GuerdonError.usage("--scale is smoke or full, not \"\(scale)\".")
    }
    guard let found = allMethods.first(where: { $0.card.id == method }) else {
      throw GuerdonError.usage(
        "There is no method \"\(method)\"." + suggestion(for: method, among: allMethods.map { $0.card.id }))
    }
    try await reproduce(found, scale)
  }

  private func reproduce<Found: Method>(_ method: Found.Type, _ scale: Scale) async throws {
    var configuration = try Found.Configuration.at(scale).setting(settings)
    if seeds != nil || seed != nil {
      let first = seed ?? configuration.seeds.first ?? 0
      configuration.seeds = (0..<(seeds ?? configuration.seeds.count)).map { first &+ UInt64($0) }
    }
    let run = try store(out).begin(
      verb: "reproduce", method: method.card.id, configuration: configuration,
      arguments: Array(CommandLine.arguments.dropFirst()), seed: configuration.seeds.first ?? 0)
    try await finishing(run) { interruption, progress in
      let start = ContinuousClock.now
      let context = RunContext(
        jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount, progress: progress, interruption: interruption,
        run: run)
      let evidence: Evidence
      do {
        evidence = try await method.reproduce(configuration, in: context)
      } catch is CancellationError {
        return Outcome(status: .interrupted)
      }
      let report = EvidenceReport(
        method: method.card.id, scale: scale, seeds: configuration.seeds,
        seconds: (ContinuousClock.now - start) / .seconds(1), device: "cpu", evidence: evidence)
      try run.write(json: report, to: "evidence.json")
      progress.finish()
      if json { try printJSON(report) } else { show(report) }
      return Outcome(metrics: evidence.figures, claimsHold: evidence.holds)
    }
  }

  private func show(_ report: EvidenceReport) {
    print("\(report.method), \(report.scale.rawValue), \(report.seeds.count) seeds, \(ProgressLine.duration(report.seconds))\n")
    for (arm, metrics) in report.arms.sorted(by: { $0.key < $1.key }) {
      for (metric, values) in metrics.sorted(by: { $0.key < $1.key }) {
        let bounds = Statistics.stratifiedBootstrap([values])
        print(
          "  \(arm), \(metric): " + String(format: "IQM %.3f, 95 %% interval [%.3f, %.3f]", bounds.estimate, bounds.low, bounds.high))
      }
    }
    print("")
    for claim in report.claims {
      print("\(claim.holds ? "holds" : "DOES NOT HOLD"): \(claim.statement)")
      print(String(format: "  measured %.4f, %@ %.4f required", claim.measured, claim.comparison.rawValue, claim.threshold))
    }
    for note in report.notes { print("note: \(note)") }
  }
}
