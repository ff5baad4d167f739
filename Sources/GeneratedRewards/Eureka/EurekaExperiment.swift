import Basics
import Experiments
import Foundation
import Proposers
import RewardPrograms
import Synchronization

/// Does reflection with evolution find better rewards than as many independent samples? On the Misfit world of the brief,
/// where a rule-based writer stands in for the language model.
extension Eureka {
  private static let beatsSampling = Claim(
    "evolution-beats-sampling",
    "Reflection with evolution ends at least 0.08 above as many programs sampled independently (mean best fitness).",
    .atLeast, 0.08)
  private static let intervalAboveZero = Claim(
    "evolution-beats-sampling-surely", "The 90 % paired bootstrap interval of that difference lies above 0.", .greater, 0)
  private static let reflectionHelps = Claim(
    "reflection-does-no-harm", "With reflection the search ends no more than 0.02 below the search without it.",
    .atLeast, -0.02)
  private static let monotone = Claim(
    "best-never-falls", "The best fitness so far never falls over the rounds, in any arm and seed.", .atMost, 0)
  private static let notTrivial = Claim(
    "world-is-not-trivial", "Independent sampling stays below 0.9: the world is hard enough to tell the arms apart.",
    .less, 0.9)

  private enum Arm: String, CaseIterable {
    case full = "reflection + evolution"
    case noReflection = "no reflection"
    case noEvolution = "no evolution"
  }

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    guard configuration.iterations >= 1, configuration.samples >= 1, configuration.seeds.count >= 2 else {
      throw GuerdonError.usage("eureka needs at least 1 iteration, 1 sample and 2 seeds.")
    }
    let world = MisfitWorld()
    let jobs = configuration.seeds.flatMap { seed in Arm.allCases.map { (arm: $0, seed: seed) } }
    let finished = Mutex(0)
    let curves = Mutex([[Double]](repeating: [], count: jobs.count))
    WorkerPool(threads: run.jobs).forEach(jobs.count) { index in
      if run.interruption.isRequested { return }
      let curve = bestSoFar(jobs[index].arm, seed: jobs[index].seed, configuration, world)
      curves.withLock { $0[index] = curve }
      let done = finished.withLock { $0 += 1; return $0 }
      run.progress.update(
        "eureka", fraction: Double(done) / Double(jobs.count), detail: "\(done) of \(jobs.count) searches")
    }
    if run.interruption.isRequested { throw CancellationError() }

    let results = curves.withLock { $0 }
    func final(_ arm: Arm) -> [Double] {
      zip(jobs, results).filter { $0.0.arm == arm }.map { $0.1.last ?? .nan }
    }
    let gain = Statistics.pairedDifference(final(.full), final(.noEvolution), confidence: 0.9)
    let reflection = Statistics.pairedDifference(final(.full), final(.noReflection), confidence: 0.9)
    let worstFall = results.flatMap { curve in zip(curve, curve.dropFirst()).map { $0 - $1 } }.max() ?? 0
    return Evidence(
      claims: [
        beatsSampling.verdict(measured: gain.estimate), intervalAboveZero.verdict(measured: gain.low),
        reflectionHelps.verdict(measured: reflection.estimate), monotone.verdict(measured: worstFall),
        notTrivial.verdict(measured: Statistics.mean(final(.noEvolution))),
      ],
      arms: Dictionary(uniqueKeysWithValues: Arm.allCases.map { ($0.rawValue, ["fitness": final($0)]) }),
      notes: [
        "The programs' writer is rule-based, not a language model: this tests the search, not a model's knowledge.",
        "Means of the final best fitness: "
          + Arm.allCases.map { "\($0.rawValue) \(String(format: "%.3f", Statistics.mean(final($0))))" }.joined(separator: ", ")
          + ".",
      ])
  }

  /// The best fitness so far after each round.
  private static func bestSoFar(
    _ arm: Arm, seed: UInt64, _ configuration: Configuration, _ world: MisfitWorld
  ) -> [Double] {
    var writer = MisfitProposer(seed: seed)
    let trials = ReflectiveSearch<MisfitProposer.Program>.run(
      iterations: configuration.iterations, samples: configuration.samples,
      write: { parent in
        guard let parent, let digest = parent.digest, arm != .noEvolution else { return writer.sample() }
        return writer.mutate(
          parent.program, fitness: digest.fitness, terms: arm == .noReflection ? nil : digest.terms)
      },
      train: { program, id in
        // The same luck for the same trial of every arm.
        var random = RandomGenerator(seed: seed, spawnKey: [UInt32(id)])
        let compiled = try? RewardProgram.compile(
          MisfitProposer.source(program), name: "program \(id)", schema: MisfitWorld.schema,
          options: .init(checks: false))
        return compiled.flatMap { try? world.train($0, seed: random.next()) }
      }
    ).trials
    var best = -Double.infinity
    return (0..<configuration.iterations).map { iteration in
      best = max(best, trials.filter { $0.iteration == iteration }.map(\.score).max() ?? best)
      return best
    }
  }
}
