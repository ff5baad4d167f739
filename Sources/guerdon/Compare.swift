import ArgumentParser
import Basics
import Environments
import Experiments
import Foundation
import RewardPrograms
import RewardTheory
import Rewards

/// How far apart rewards are.
struct Compare: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how far rewards are apart, as far as it matters to whoever optimises them.",
    discussion: """
      Distances lie between 0 (the same order of all policies) and 2 (the opposite one). In an environment of finitely \
      many states they are exact; elsewhere they are estimated from random play, with intervals and a noise floor.
      """)

  @Argument(help: "Reward programs, Python files; \"environment\" is the environment's own reward.") var rewards: [String]
  @Option(name: [.customLong("env"), .customLong("environment")], help: "Environment id, for example HalfCheetah-v5.")
  var environment: String
  @Option(help: "starc, epic, dard or all; epic and dard need an environment of finitely many states.")
  var metric = "starc"
  @Option(help: "Discount.") var discount = 0.95
  @Option(help: "Sampled transitions, where the model is not exact.") var transitions = 192
  @Option(help: "Rollouts from each end of a transition, a multiple of 4.") var rollouts = 16
  @Option(help: "Steps of a rollout.") var horizon = 100
  @Option(help: "Seed.") var seed: UInt64 = 0
  @Option(help: "Write a report, one HTML file.") var report: String?
  @Flag(help: "Print one JSON object on standard output.") var json = false

  func validate() throws {
    if rewards.count < 2 { throw ValidationError("Give at least two rewards.") }
    if rewards.count > 64 { throw ValidationError("At most 64 rewards are compared.") }
    if metric != "all", RewardComparison.Metric(rawValue: metric) == nil {
      throw ValidationError("--metric is starc, epic, dard or all.")
    }
    if !(discount > 0 && discount < 1) { throw ValidationError("--discount must lie between 0 and 1.") }
    if !(8...100_000).contains(transitions) { throw ValidationError("--transitions must be from 8 to 100000.") }
    if !(4...1_000).contains(rollouts) || rollouts % 4 != 0 {
      throw ValidationError("--rollouts must be a multiple of 4 from 4 to 1000.")
    }
    if !(1...10_000).contains(horizon) { throw ValidationError("--horizon must be from 1 to 10000.") }
  }

  func run() async throws {
    let spec = try Environments.spec(environment)
    let entries = try rewards.map { name -> RewardComparison.Entry in
      if name == "environment" { return .init(name, nil) }
      do {
        let source = try Files.readText(URL(fileURLWithPath: name))
        return .init(name, ProgramReward(try RewardProgram.compile(source, name: name, schema: spec.schema)))
      } catch let error as CompilationFailure {
        FileHandle.standardError.write(Data((error.description + "\n").utf8))
        throw ExitCode(1)
      }
    }
    let result: RewardComparison.Result
    if let model = try Environments.finiteModel(environment, discount: discount) {
      let metrics = metric == "all" ? RewardComparison.Metric.allCases : [.init(rawValue: metric) ?? .starc]
      result = try RewardComparison.exact(entries, in: model, metrics: metrics)
    } else {
      if metric == "epic" || metric == "dard" {
        throw GuerdonError.usage(
          "\(metric) puts states together that no transition of \(environment) connects, so it needs an exact model; starc works here.")
      }
      result = try sampled(entries)
    }
    if let report { try Files.write(page(result, spec), to: URL(fileURLWithPath: report)) }
    if json { return try printJSON(result) }
    show(result)
  }

  private func sampled(_ entries: [RewardComparison.Entry]) throws -> RewardComparison.Result {
    var sampling = RewardComparison.Sampling()
    (sampling.transitions, sampling.rollouts, sampling.horizon) = (transitions, rollouts, horizon)
    sampling.discount = discount
    let interruption = Interruption()
    interruption.listen {}
    let pool = WorkerPool()
    do {
      return try RewardComparison.sampled(
        entries, sampling: sampling, seed: seed, shouldStop: { interruption.isRequested }
      ) { try Environments.make(environment, count: $0, pool: pool) }
    } catch is CancellationError {
      throw ExitCode(1)
    }
  }

  private func show(_ result: RewardComparison.Result) {
    let count = result.names.count
    for table in result.tables {
      print("\(table.metric.rawValue), \(result.isExact ? "exact" : "sampled; noise floor " + String(format: "%.3f", table.floor))")
      for i in 0..<count {
        for j in i + 1..<max(i + 1, count) {
          let cell = i * count + j
          let bounds = result.isExact ? "" : String(format: " [%.3f, %.3f]", table.low[cell], table.high[cell])
          print(String(format: "  %.3f", table.distances[cell]) + bounds + "  \(result.names[i]) – \(result.names[j])")
        }
      }
    }
    for effect in result.terms.prefix(5) where effect.distance - effect.without > 0.05 {
      print(
        "\(effect.reward) without its term \(effect.term): "
          + String(format: "%.3f instead of %.3f", effect.without, effect.distance) + " from \(effect.other)")
    }
    for line in result.guarantees { print(line) }
  }

  private func page(_ result: RewardComparison.Result, _ spec: EnvironmentSpec) throws -> String {
    var report = Report(title: "Rewards compared", subtitle: spec.id)
    for table in result.tables {
      report.section(
        "Distances: \(table.metric.rawValue)",
        result.isExact
          ? "Exact. 0 is the same order of all policies, 2 the opposite one."
          : String(
            format: "Sampled from random play, with 95 %% intervals. 0 is the same order of all policies, 2 the opposite one. Noise alone puts up to %.3f between a reward and itself.",
            table.floor))
      let count = result.names.count
      report.heatMap(
        names: result.names, values: table.distances, limit: 2,
        notes: result.isExact ? nil : (0..<count * count).map { String(format: "%.2f–%.2f", table.low[$0], table.high[$0]) })
    }
    if !result.terms.isEmpty {
      report.section("Terms", "What a distance would be without one term, the most telling first.")
      report.table(
        ["reward", "term", "other reward", "distance", "without the term"],
        result.terms.prefix(20).map {
          [$0.reward, $0.term, $0.other, String(format: "%.3f", $0.distance), String(format: "%.3f", $0.without)]
        })
    }
    report.section("What this promises")
    for line in result.guarantees { report.paragraph(line) }
    return report.html
  }
}
