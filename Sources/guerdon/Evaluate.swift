import Agents
import ArgumentParser
import Basics
import Environments
import Experiments
import Foundation
import RewardDesign

/// What a trained policy does.
struct Evaluate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Play episodes with a trained policy; measure return, length, and a task's fitness.")

  @Argument(help: "A policy.safetensors, or a run's id, or \"last\".") var policy: String
  @Option(help: "Task name or file whose fitness is measured.") var task: String?
  @Option(help: "Episodes.") var episodes = 24
  @Option(help: "Seed of the starts.") var seed: UInt64 = 0
  @Option(help: "Steps after which an episode is truncated; the task's or the environment's own if not given.")
  var maxEpisodeSteps: Int?
  @Option(help: "Folder of runs.") var out: String?
  @Flag(help: "Print one JSON object on standard output.") var json = false

  func validate() throws {
    if !(1...1_000_000).contains(episodes) { throw ValidationError("--episodes must be from 1 to 1000000.") }
  }

  func run() async throws {
    let path: URL
    if policy.hasSuffix(".safetensors") || policy.contains("/") {
      path = URL(fileURLWithPath: policy)
    } else {
      path = try store(out).find(policy).directory.appendingPathComponent("policy.safetensors")
    }
    let trained = try Policy.load(path)
    let task = try task.map(DesignTask.load)
    if let task, task.environment.id != trained.environment {
      throw GuerdonError.usage("The policy is for \(trained.environment), but task \(task.name) is on \(task.environment.id).")
    }
    let pool = WorkerPool()
    let environment = try Environments.make(
      trained.environment, count: min(episodes, 8), pool: pool,
      maxEpisodeSteps: maxEpisodeSteps ?? task?.maxEpisodeSteps)
    let played = try Array(evaluate(trained, in: environment, episodes: episodes, seed: seed).prefix(episodes))
    let fitness = task.map { task in
      let evaluator = task.fitness.makeEvaluator()
      return played.map {
        evaluator.evaluateEpisode(
          base: $0.transitions.base, stride: $0.transitions.capacity, rows: 0..<$0.length)
      }
    }
    let returns = played.map(\.environmentReturn), lengths = played.map { Double($0.length) }
    if json {
      return try printJSON(
        Result(
          environment: trained.environment, episodes: played.count, returns: returns, lengths: lengths,
          fitness: fitness))
    }
    print("\(played.count) episodes of \(trained.environment), likeliest actions:")
    print("  return   \(Self.line(returns))  (the environment's own reward)")
    print("  length   \(Self.line(lengths))")
    if let fitness { print("  fitness  \(Self.line(fitness))") }
  }

  private static func line(_ values: [Double]) -> String {
    let bounds = Statistics.stratifiedBootstrap([values], statistic: Statistics.mean)
    return String(format: "mean %.3f, 95 %% interval [%.3f, %.3f]", bounds.estimate, bounds.low, bounds.high)
  }

  private struct Result: Encodable {
    var environment: String
    var episodes: Int
    var returns, lengths: [Double]
    var fitness: [Double]?
  }
}
