import Agents
import Basics
import Experiments
import Foundation
import Proposers
import RewardDesign
import RewardPrograms

/// A task of the brief's main experiment: what is wanted, what a person wrote for it, and the fitness paid per step.
struct DesignedTask {
  let name: String
  let yaml: String
  /// The shipped reward as a program with named components.
  let human: String
  /// The same as one expression over the record after a step.
  let humanExpression: String
  /// The fitness, step by step.
  let sparse: String
  /// The component that a person who watches would name.
  let word: String

  func load() throws -> DesignTask { try DesignTask(text: yaml, file: "\(name).yaml") }

  static let all = [pendulum, reacher]

  private static let pendulum = DesignedTask(
    name: "pendulum",
    yaml: """
      name: pendulum
      environment: Pendulum-v1
      goal: Swing the pole up and hold it upright.
      fitness: |
        import numpy as np

        def fitness(angle):
            return np.mean(np.abs(angle[-100:]) < 0.2)
      human_reward: environment
      """,
    human: """
      import numpy as np

      def compute_reward(angle, angular_velocity, torque):
          tilt_weight = 1.0
          tilt = -tilt_weight * angle ** 2
          angular_speed_weight = 0.1
          angular_speed = -angular_speed_weight * angular_velocity ** 2
          torque_cost_weight = 0.001
          torque_cost = -torque_cost_weight * torque ** 2
          total = tilt + angular_speed + torque_cost
          return total, {"tilt": tilt, "angular_speed": angular_speed, "torque_cost": torque_cost}

      """,
    humanExpression: "-(angle ** 2 + 0.1 * angular_velocity ** 2 + 0.001 * torque ** 2)",
    sparse: "import numpy as np\n\ndef compute_reward(angle):\n    return 1.0 if np.abs(angle) < 0.2 else 0.0\n",
    word: "high_tip_height")

  private static let reacher = DesignedTask(
    name: "reacher",
    yaml: """
      name: reacher
      environment: Reacher-v5
      goal: Bring the fingertip to the target and hold it there.
      fitness: |
        import numpy as np

        def fitness(distance):
            return np.mean(distance[-25:] < 0.03)
      human_reward: environment
      """,
    human: """
      import numpy as np

      def compute_reward(distance, control_cost):
          distance_cost_weight = 1.0
          distance_cost = -distance_cost_weight * distance
          effort_weight = 1.0
          effort = -effort_weight * control_cost
          total = distance_cost + effort
          return total, {"distance_cost": distance_cost, "effort": effort}

      """,
    humanExpression: "-(distance + control_cost)",
    sparse: "def compute_reward(distance):\n    return 1.0 if distance < 0.03 else 0.0\n",
    word: "near_distance")
}

extension Eureka {
  private static let nearHuman = Claim(
    "designed-near-human",
    "The human-normalised score of the reward found, clipped to 0...3, is at least 0.95 (mean over the tasks).", .atLeast,
    0.95)
  private static let notBelowSparse = Claim(
    "designed-not-below-sparse", "On no task is its fitness below that of training on the fitness itself.", .atLeast, 0)
  private static let rewardsDiffer = Claim(
    "rewards-matter",
    "On each task the human reward and the fitness itself differ by at least 0.1: there is something to be designed.",
    .atLeast, 0.1)

  private enum DesignArm: String, CaseIterable {
    case eureka = "designed"
    case noReflection = "designed, no reflection"
    case noEvolution = "designed, no evolution"
    case humanInitialisation = "designed, human initialisation"
    case humanFeedback = "designed, human feedback"
  }

  /// The brief's main experiment, into the evidence.
  static func design(_ configuration: Configuration, in run: RunContext, into evidence: inout Evidence) async throws {
    let design = configuration.design
    var scores: [DesignArm: [Double]] = [:]
    var margins: [Double] = [], gaps: [Double] = []
    for name in design.tasks {
      guard let task = DesignedTask.all.first(where: { $0.name == name }) else {
        let names = DesignedTask.all.map(\.name)
        throw GuerdonError.usage(
          "eureka has no task \"\(name)\"; its tasks are \(names.joined(separator: " and "))."
            + suggestion(for: name, among: names))
      }
      let measured = try await Self.measure(task, configuration, in: run)
      let human = Statistics.mean(measured.human), sparse = Statistics.mean(measured.sparse)
      gaps.append(abs(human - sparse))
      evidence.arms["\(name), human"] = ["fitness": measured.human]
      evidence.arms["\(name), sparse"] = ["fitness": measured.sparse]
      for arm in DesignArm.allCases {
        guard let found = measured.designed[arm] else { continue }
        let score = human == sparse
          ? 0 : clipped(humanNormalizedScore(Statistics.mean(found.fitness), sparse: sparse, human: human))
        scores[arm, default: []].append(score)
        evidence.arms["\(name), \(arm.rawValue)"] = [
          "fitness": found.fitness, "search": [found.search], "hns": [score],
        ].merging(found.correlation.isEmpty ? [:] : ["correlation": found.correlation]) { $1 }
        if arm == .eureka { margins.append(Statistics.mean(found.fitness) - sparse) }
      }
    }
    evidence.claims += [
      nearHuman.verdict(measured: Statistics.mean(scores[.eureka] ?? [])),
      notBelowSparse.verdict(measured: margins.min() ?? .nan), rewardsDiffer.verdict(measured: gaps.min() ?? .nan),
    ]
    func figure(_ value: Double) -> String { String(format: "%.3f", value) }
    evidence.notes.append(
      "Mean clipped human-normalised score over the tasks: "
        + DesignArm.allCases.map { "\($0.rawValue) \(figure(Statistics.mean(scores[$0] ?? [])))" }.joined(separator: ", ")
        + ".")
  }

  private struct Designed: Sendable {
    /// One value a fresh run: the largest fitness of ten checkpoints.
    let fitness: [Double]
    /// The score that the program had in the search.
    let search: Double
    /// Pearson's correlation of generated and human reward over the checkpoints of each run.
    let correlation: [Double]
  }

  private struct Measured: Sendable {
    var human: [Double] = []
    var sparse: [Double] = []
    var designed: [DesignArm: Designed] = [:]
  }

  private static func measure(
    _ task: DesignedTask, _ configuration: Configuration, in run: RunContext
  ) async throws -> Measured {
    let design = configuration.design
    let loaded = try task.load()
    var training = PolicyTraining.Configuration()
    training.environments = design.environments
    training.evaluationEpisodes = design.evaluationEpisodes
    training.finalEpisodes = design.evaluationEpisodes
    training.ppo.gamma = design.gamma
    training.ppo.learningRate = design.learningRate
    training.ppo.rolloutSteps = design.rolloutSteps
    let trainer = PolicyTraining(task: loaded, configuration: training)
    let seed = configuration.seeds[0]

    var searches: [(arm: DesignArm, found: Found)] = []
    for arm in DesignArm.allCases {
      let model = GrammarModel(try ComponentGrammar(schema: loaded.schema), seed: seed)
      let word = task.word
      let variant: Variant =
        switch arm {
        case .eureka, .humanInitialisation: .reflection
        case .noReflection: .scoresOnly
        case .noEvolution: .noEvolution
        // The scripted person knows what it is about, and says it until it is done.
        case .humanFeedback:
          .person { digest in
            (digest.fitness.max() ?? 0) > 0.9
              ? "It does what it should." : "It does not do it yet; it should care more about \(word)."
          }
        }
      // As many trainings in every arm: one sample a round means more rounds.
      let isSingle = arm == .humanFeedback
      let found = try await search(
        Problem(goal: loaded.goal, schema: loaded.schema), by: model,
        iterations: isSingle ? design.iterations * design.samples : design.iterations,
        samples: isSingle ? 1 : design.samples, variant: variant,
        initial: arm == .humanInitialisation ? task.human : nil,
        train: { programs in
          try run.results(programs.count, of: "eureka, \(task.name), \(arm.rawValue)", named: "trainings") { index in
            // The same luck for the same trial of every arm.
            var random = RandomGenerator(seed: seed, spawnKey: [0x65_75, UInt32(programs[index].id)])
            return try outcome(of: programs[index].program, trainer, design, seed: random.next() >> 32, in: run)
          }
        })
      searches.append((arm, found))
    }

    // Fresh runs, the same luck for every reward.
    var rewards: [(arm: DesignArm?, isSparse: Bool, objective: Objective)] = [
      (nil, false, .environment),
      (nil, true, .program(try RewardProgram.compile(task.sparse, name: "sparse.py", schema: loaded.schema))),
    ]
    for (arm, found) in searches {
      guard let best = found.best else { continue }
      rewards.append((arm, false, .program(try withHumanTerm(best, task))))
    }
    let runs = rewards
    let finals = try run.results(runs.count * design.finalSeeds, of: "eureka, \(task.name), final", named: "trainings") {
      index in
      let fresh = UInt64(1_000 + index % design.finalSeeds)
      return try trainer.run(
        runs[index / design.finalSeeds].objective, steps: design.steps, seed: fresh, pool: WorkerPool(threads: 1),
        shouldStop: { run.interruption.isRequested })?.digest
    }
    var measured = Measured()
    for (index, reward) in runs.enumerated() {
      let digests = finals[index * design.finalSeeds..<(index + 1) * design.finalSeeds].compactMap { $0 }
      let fitness = digests.map { $0.fitness.max() ?? .nan }
      switch (reward.arm, reward.isSparse) {
      case (nil, false): measured.human = fitness
      case (nil, true): measured.sparse = fitness
      case (let arm?, _):
        measured.designed[arm] = Designed(
          fitness: fitness, search: searches.first { $0.arm == arm }?.found.search.best?.score ?? .nan,
          correlation: digests.map(novelty).filter(\.isFinite))
      }
    }
    return measured
  }

  private static func outcome(
    of program: RewardProgram, _ trainer: PolicyTraining, _ design: Configuration.Design, seed: UInt64,
    in run: RunContext
  ) throws -> Result<TrainingDigest, GuerdonError> {
    do {
      let trained = try trainer.run(
        .program(program), steps: design.steps, seed: seed, pool: WorkerPool(threads: 1),
        shouldStop: { run.interruption.isRequested })
      guard let trained else { throw CancellationError() }
      return .success(trained.digest)
    } catch let error as GuerdonError {
      return .failure(error)
    }
  }

  private static let humanTerm = "human_reward_beside"

  /// The program with the human reward as a term that is logged and not paid.
  private static func withHumanTerm(_ program: RewardProgram, _ task: DesignedTask) throws -> RewardProgram {
    let opening = "return total, {"
    guard let place = program.source.range(of: opening, options: .backwards) else { return program }
    var source = program.source
    source.replaceSubrange(place, with: "\(opening)\"\(humanTerm)\": \(task.humanExpression), ")
    return try RewardProgram.compile(source, schema: program.schema, options: .init(checks: false))
  }

  /// Pearson's correlation over the checkpoints between what the program paid and the human reward; not a number where
  /// either stays constant.
  private static func novelty(_ digest: TrainingDigest) -> Double {
    guard let human = digest.terms.first(where: { $0.name == humanTerm })?.values else { return .nan }
    let paid = human.indices.map { index in
      digest.terms.filter { $0.name != humanTerm }.reduce(0) { $0 + $1.values[index] }
    }
    return Statistics.pearson(paid, human)
  }
}
