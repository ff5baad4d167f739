import Basics
import Experiments
import Foundation
import Proposers
import RewardDesign
import RewardPrograms

/// Does reflection with evolution find better rewards than as many independent samples (the Misfit world of the brief),
/// and does it find rewards as good as a person's (Pendulum and Reacher)? A rule-based writer stands in for the language
/// model.
extension Eureka {
  public struct Configuration: MethodConfiguration, Hashable {
    /// Rounds N and programs a round K of the Misfit searches (paper: 5 and 16).
    public var iterations = 7
    public var samples = 8
    /// Seeds of the Misfit searches; the first one is that of the searches on tasks.
    public var seeds: [UInt64] = Array(0..<24)
    public var design = Design()

    /// The searches on tasks that are trained by PPO.
    public struct Design: Sendable, Codable, Hashable {
      /// Names of tasks; empty leaves this part out.
      public var tasks: [String] = []
      /// Rounds N and programs a round K.
      public var iterations = 3
      public var samples = 6
      /// Environment steps of each PPO run.
      public var steps = 60_000
      /// Fresh runs of the final comparison.
      public var finalSeeds = 5
      /// Copies of the environment, and episodes of each of the ten evaluations.
      public var environments = 8
      public var evaluationEpisodes = 8
      /// PPO's discount γ and learning rate, the same for every reward.
      public var gamma: Float = 0.97
      public var learningRate: Float = 1e-3
      /// Steps of each environment between two updates.
      public var rolloutSteps = 128
    }

    /// The brief's search experiment: 7 rounds of 8 programs.
    public static let smoke = Configuration()
    /// The same with three times the seeds, and the tasks of the brief's main experiment.
    public static let full: Configuration = {
      var full = Configuration()
      full.seeds = Array(0..<72)
      full.design.tasks = DesignedTask.all.map(\.name)
      return full
    }()

    public init() {}

    func check() throws {
      guard iterations >= 1, samples >= 1, seeds.count >= 2 else {
        throw GuerdonError.usage("eureka needs at least 1 iteration, 1 sample and 2 seeds.")
      }
      guard design.iterations >= 1, design.samples >= 1, design.steps >= 1, design.finalSeeds >= 1,
        (1...4096).contains(design.environments), design.evaluationEpisodes >= 1
      else {
        throw GuerdonError.usage(
          "eureka's design needs at least 1 iteration, sample, step, final seed and episode, and 1 to 4096 environments.")
      }
    }
  }

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
    try configuration.check()
    var evidence = try misfit(configuration, in: run)
    evidence.notes.insert(
      "The programs' writer is rule-based, not a language model: this tests the search, not a model's knowledge.", at: 0)
    if !configuration.design.tasks.isEmpty { try await design(configuration, in: run, into: &evidence) }
    return evidence
  }

  // MARK: The Misfit world

  private static func misfit(_ configuration: Configuration, in run: RunContext) throws -> Evidence {
    let world = MisfitWorld()
    let jobs = configuration.seeds.flatMap { seed in Arm.allCases.map { (arm: $0, seed: seed) } }
    let results = try run.results(jobs.count, of: "eureka", named: "searches") { index in
      bestSoFar(jobs[index].arm, seed: jobs[index].seed, configuration, world)
    }
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
        "Misfit world, means of the final best fitness: "
          + Arm.allCases.map { "\($0.rawValue) \(String(format: "%.3f", Statistics.mean(final($0))))" }
          .joined(separator: ", ") + "."
      ])
  }

  /// The best fitness so far after each round.
  private static func bestSoFar(
    _ arm: Arm, seed: UInt64, _ configuration: Configuration, _ world: MisfitWorld
  ) -> [Double] {
    var writer = ComponentWriter(misfit: seed)
    let trials = ReflectiveSearch<ComponentGrammar.Program>.run(
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
          ComponentGrammar.misfit.source(program), name: "program \(id)", schema: MisfitWorld.schema,
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
