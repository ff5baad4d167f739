import Agents
import ArgumentParser
import Basics
import Environments
import Experiments
import Foundation
import RewardPrograms
import Rewards

/// A policy from an environment and a reward.
struct Train: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a policy with PPO, on an environment's own reward or on a reward program.")

  @Argument(help: "Environment id, for example HalfCheetah-v5.") var environment: String
  @Option(help: "A reward program; without it the environment's own reward is used.") var reward: String?
  @Option(help: "Environment steps.") var steps = 200_000
  @Option(help: "Seed of everything that is random.") var seed: UInt64 = 0
  @Option(help: "Copies of the environment that step together.") var envs = 8
  @Option(help: "Steps of each copy between two updates.") var rolloutSteps = 256
  @Option(help: "Steps after which an episode is truncated; the environment's own limit if not given.")
  var maxEpisodeSteps: Int?
  @Option(help: "Learning rate.") var learningRate: Float = 3e-4
  @Option(help: "Discount.") var gamma: Float = 0.99
  @Option(help: "Hidden widths, comma-separated.") var hidden = "64,64"
  @Flag(inversion: .prefixedNo, help: "Normalise observations and rewards by their running statistics.")
  var normalize = true
  @Option(help: "Threads; all cores if not given.") var threads: Int?
  @Option(help: "Go on from this run's checkpoint (its id, or \"last\"), with the same options.") var resume: String?
  @Option(help: "Folder of runs.") var out: String?
  @Flag(help: "Print one JSON object on standard output.") var json = false

  func validate() throws {
    if steps < 1 { throw ValidationError("--steps must be at least 1.") }
    if !(0...1).contains(gamma) { throw ValidationError("--gamma must be from 0 to 1.") }
    if !(learningRate > 0 && learningRate.isFinite) { throw ValidationError("--learning-rate must be above 0.") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024.") }
    if rolloutSteps < 2 || rolloutSteps > 1 << 20 { throw ValidationError("--rollout-steps must be from 2 to 1048576.") }
  }

  func run() async throws {
    let spec = try Environments.spec(environment).limited(to: maxEpisodeSteps)
    let program = try reward.map { try Self.program($0, spec) }
    let widths = try Self.widths(hidden)
    let store = store(out)
    let checkpoint = try resume.map { try store.find($0).directory.appendingPathComponent("checkpoint.safetensors") }
    let pool = WorkerPool(threads: threads)
    var configuration = PPO.Configuration()
    configuration.rolloutSteps = rolloutSteps
    configuration.learningRate = learningRate
    configuration.gamma = gamma
    configuration.hidden = widths
    configuration.normalizesObservations = normalize
    configuration.normalizesRewards = normalize
    let trainer = try PPO(
      environment: Environments.make(environment, count: envs, pool: pool, maxEpisodeSteps: maxEpisodeSteps),
      configuration: configuration, reward: program.map { .function(ProgramReward($0)) } ?? .environment, seed: seed,
      pool: pool)
    if let checkpoint { try trainer.restore(from: checkpoint) }
    let run = try store.begin(
      verb: "train", method: "ppo", task: environment,
      configuration: Settings(
        ppo: configuration, steps: steps, envs: envs, maxEpisodeSteps: maxEpisodeSteps, reward: reward),
      arguments: Array(CommandLine.arguments.dropFirst()), seed: seed)
    try await finishing(run) { interruption, progress in
      if let program { try run.write(program.source, to: "reward.py") }
      let start = ContinuousClock.now
      let begun = trainer.steps
      var recent: [Double] = []
      try trainer.train(totalSteps: steps, shouldStop: { interruption.isRequested }) { iteration in
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        recent = (recent + iteration.returns).suffix(20)
        let rate = Double(iteration.steps - begun) / seconds
        try run.metrics.write(step: iteration.steps, Self.scalars(iteration, rate: rate))
        progress.update(
          environment, fraction: Double(iteration.steps) / Double(steps),
          detail: "\(Int(rate)) steps/s · return \(Self.number(Statistics.mean(recent)))")
      }
      try trainer.save(to: run.directory.appendingPathComponent("checkpoint.safetensors"))
      let policy = run.directory.appendingPathComponent("policy.safetensors")
      try trainer.policy.save(to: policy)
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let result = Result(
        environment: environment, steps: trainer.steps, seconds: seconds,
        stepsPerSecond: Double(trainer.steps - begun) / max(seconds, 1e-9), recentReturn: Statistics.mean(recent),
        imputedRewards: trainer.imputedRewards, policy: policy.path, run: run.directory.path)
      progress.finish()
      if json {
        try printJSON(result)
      } else {
        print("Trained \(trainer.steps) steps of \(environment) in \(ProgressLine.duration(seconds)) (\(Int(result.stepsPerSecond)) steps/s).")
        print("Mean return of the last episodes: \(Self.number(result.recentReturn)).")
        print("Policy: \(policy.path)")
      }
      return Outcome(
        status: interruption.isRequested ? .interrupted : .finished, metrics: ["return": [result.recentReturn]])
    }
  }

  /// What is kept as the run's configuration.
  private struct Settings: Encodable {
    var ppo: PPO.Configuration
    var steps, envs: Int
    var maxEpisodeSteps: Int?
    var reward: String?
  }

  private struct Result: Encodable {
    var environment: String
    var steps: Int
    var seconds, stepsPerSecond, recentReturn: Double
    var imputedRewards: Int
    var policy, run: String
  }

  /// An iteration under the tags that TensorBoard's users know from stable-baselines3.
  private static func scalars(_ iteration: PPO.Iteration, rate: Double) -> [String: Double] {
    var scalars: [String: Double] = [
      "time/fps": rate, "train/policy_loss": iteration.policyLoss, "train/value_loss": iteration.valueLoss,
      "train/entropy": iteration.entropy, "train/approx_kl": iteration.approximateKL,
      "train/clip_fraction": iteration.clipFraction,
    ]
    for (tag, values) in [
      ("rollout/return", iteration.returns), ("rollout/environment_return", iteration.environmentReturns),
      ("rollout/length", iteration.episodeLengths.map(Double.init)),
    ] where !values.isEmpty { scalars[tag] = Statistics.mean(values) }
    for term in iteration.terms {
      scalars["reward/\(term.name)/mean"] = term.mean
      scalars["reward/\(term.name)/min"] = term.min
      scalars["reward/\(term.name)/max"] = term.max
    }
    return scalars
  }

  /// Compiles a reward program from a file.
  static func program(_ path: String, _ spec: EnvironmentSpec) throws -> RewardProgram {
    let source = try Files.readText(URL(fileURLWithPath: path))
    do {
      return try RewardProgram.compile(source, name: path, schema: spec.schema)
    } catch {
      throw GuerdonError.failure("\(path) does not check against \(spec.id).\n\(error.description)")
    }
  }

  private static func widths(_ text: String) throws -> [Int] {
    try text.split(separator: ",").map { part in
      guard let width = Int(part.trimmingCharacters(in: .whitespaces)), (1...4096).contains(width) else {
        throw GuerdonError.usage("--hidden takes widths from 1 to 4096 with commas between, like 64,64; not \"\(text)\".")
      }
      return width
    }
  }

  private static func number(_ value: Double) -> String { value.isFinite ? String(format: "%.2f", value) : "not known yet" }
}
