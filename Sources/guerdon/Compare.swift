import Agents
import ArgumentParser
import Basics
import Environments
import Experiments
import Foundation
import RewardAudit
import RewardPrograms
import Rewards

/// How far apart rewards are.
struct Compare: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how far rewards are apart, as far as it matters to whoever optimises them.",
    discussion: """
      Distances lie between 0 (the same order of all policies) and 2 (the opposite one). In an environment of finitely \
      many states they are exact; elsewhere they are estimated from random play, with intervals and a noise floor.
      """)

  @Argument(help: "Reward programs (Python files) and learned rewards (safetensors); \"environment\" is the environment's own reward.") var rewards: [String]
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
      let url = URL(fileURLWithPath: name)
      if url.pathExtension == "safetensors" {
        return .init(name, try LearnedReward(contentsOf: url, schema: spec.schema))
      }
      do {
        let source = try Files.readText(url)
        return .init(name, ProgramReward(try RewardProgram.compile(source, name: name, schema: spec.schema)))
      } catch let error as CompilationFailure {
        complain(error.description + "\n")
        throw ExitCode(1)
      }
    }
    let result = try measured(entries, spec)
    if let report { try Files.write(page(result, spec), to: URL(fileURLWithPath: report)) }
    if json { return try printJSON(result) }
    show(result)
  }

  private func measured(_ entries: [RewardComparison.Entry], _ spec: EnvironmentSpec) throws -> RewardComparison.Result {
    var sampling = RewardComparison.Sampling()
    (sampling.transitions, sampling.rollouts, sampling.horizon) = (transitions, rollouts, horizon)
    sampling.discount = discount
    var metrics = RewardComparison.Metric.allCases
    if metric != "all" {
      metrics = [.init(rawValue: metric) ?? .starc]
    } else if try Environments.finiteModel(environment, discount: discount) == nil {
      metrics = [.starc]
    }
    let interruption = Interruption()
    interruption.listen {}
    do {
      return try RewardComparison.measure(
        entries, in: spec, metrics: metrics, sampling: sampling, seed: seed,
        shouldStop: { interruption.isRequested })
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
    for name in result.leftOut {
      print("\(name) is left out: by random play it cannot be told from a reward that is the same everywhere.")
    }
    for effect in result.terms.prefix(5) where effect.distance - effect.without > 0.05 {
      print(
        "\(effect.reward) without its term \(effect.term): "
          + String(format: "%.3f instead of %.3f", effect.without, effect.distance) + " from \(effect.other)")
    }
    for line in result.guarantees { print(line) }
  }

  private func page(_ result: RewardComparison.Result, _ spec: EnvironmentSpec) -> String {
    var report = Report(title: "Rewards compared", subtitle: spec.id)
    comparisonSection(&report, result)
    return report.html
  }
}
