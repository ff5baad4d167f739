import Agents
import Basics
import Endpoints
import Environments
import Experiments
import Foundation
import RewardPrograms
import Rewards
import Schemas
import Synchronization

/// Is a reward that was compiled from a sentence and an abstraction as good as the expert's on Meta-World, does a
/// person's feedback mend an ambiguous one, and does the error loop end in code that runs? A recipe compiler stands in
/// for the language model.
extension Text2Reward {
  public struct Configuration: MethodConfiguration, Hashable {
    /// Seeds of the trainings on Meta-World, Reacher and Pendulum.
    public var seeds: [UInt64] = [0, 1]
    public var writing = Writing()
    /// Meta-World's tasks, through the bridge; empty leaves the main experiment out. Two that tell the arms apart: success
    /// alone closes the drawer already, and door and window stay open under the expert's own reward in 40k steps (seed 100).
    public var tasks = ["button-press-v3", "handle-press-side-v3"]
    /// SAC's steps on each; the paper takes 1M, with nets of 256-256-256 and minibatches of 512.
    public var manipulationSteps = 80_000
    /// Random steps before SAC's first update; the paper takes 4000.
    public var learningStarts = 1_000
    public var hidden = [128, 128]
    public var minibatch = 128
    /// Discount γ, the targets' share τ, learning rate, and the first α of the entropy.
    public var gamma: Float = 0.99
    public var tau: Float = 0.005
    public var learningRate: Float = 3e-4
    public var initialTemperature: Float = 0.1
    /// Episodes that a policy is judged by, as in the paper.
    public var evaluationEpisodes = 10
    /// PPO's steps on Reacher.
    public var reacherSteps = 60_000
    /// Its learner, the same for either reward: so few steps want short rollouts and a high rate. With stable-baselines3's
    /// defaults neither reward halves the distance in time, the shipped one included.
    public var reacherLearner: PPO.Configuration = {
      var ppo = PPO.Configuration.anyReward
      ppo.rolloutSteps = 128
      ppo.learningRate = 1e-3
      ppo.gamma = 0.97
      return ppo
    }()
    /// SAC's steps on Pendulum.
    public var pendulumSteps = 8_000
    /// Rewards that are asked of a writer that errs, and how often it does.
    public var requests = 200
    public var faultRate = 0.3

    /// Everything but Meta-World.
    public static let smoke: Configuration = {
      var smoke = Configuration()
      smoke.seeds = [0]
      smoke.tasks = []
      return smoke
    }()
    public static let full = Configuration()

    public init() {}

    func check() throws {
      guard !seeds.isEmpty, evaluationEpisodes >= 1, requests >= 1, reacherSteps >= 1, pendulumSteps >= 1,
        manipulationSteps >= 1, (0...1).contains(faultRate)
      else {
        throw GuerdonError.usage(
          "text2reward needs at least 1 seed, episode, request and step of each kind, and a faultRate in 0...1.")
      }
      let unknown = tasks.first { Text2Reward.instructions[$0] == nil }
      if let unknown {
        throw GuerdonError.usage(
          "text2reward has no instruction for \"\(unknown)\"; it has them for \(Text2Reward.instructions.keys.sorted().joined(separator: ", "))."
            + suggestion(for: unknown, among: Text2Reward.instructions.keys))
      }
    }

    /// SAC as on Meta-World, for an environment of its own size.
    var sac: SAC.Configuration {
      var sac = SAC.Configuration()
      sac.hidden = hidden
      sac.minibatch = minibatch
      sac.gamma = gamma
      sac.tau = tau
      sac.learningRate = learningRate
      sac.initialTemperature = initialTemperature
      sac.learningStarts = learningStarts
      sac.bufferSize = max(manipulationSteps, minibatch)
      return sac
    }
  }

  private static let nearOracle = Claim(
    "generated-near-oracle",
    "On Meta-World the generated reward's success is at most 0.15 below the expert reward's (mean over tasks and seeds).",
    .atLeast, -0.15)
  private static let beatsSparse = Claim(
    "generated-beats-sparse", "On at least one task it is at least 0.3 above the sparse reward's.", .atLeast, 0.3)
  private static let notBelowSparse = Claim(
    "generated-not-below-sparse", "On no task is it more than 0.1 below the sparse reward's.", .atLeast, -0.1)
  private static let oracleLearns = Claim(
    "oracle-learns", "The expert reward succeeds in at least 0.6 of the episodes of each task: it is trained long enough.",
    .atLeast, 0.6)
  private static let sparseIsHard = Claim(
    "sparse-is-hard", "The sparse reward stays at or below 0.8 on each task: it can tell the arms apart.", .atMost, 0.8)
  private static let ambiguous = Claim(
    "ambiguous-reward-hangs",
    "Trained on \"keep the pole still\" alone, the pole is more than 2 rad from upright (mean over the last 100 steps).",
    .greater, 2)
  private static let refined = Claim(
    "feedback-makes-it-stand", "After one round of feedback it is less than 0.3 rad from upright.", .less, 0.3)
  private static let executable = Claim(
    "error-loop-ends", "Every reward asked of a writer that errs can be run after at most 5 retries (share).", .atLeast, 1)
  private static let exactLine = Claim(
    "retry-holds-the-line", "Every retry's prompt holds the line that was at fault (share).", .atLeast, 1)
  private static let nearShipped = Claim(
    "reacher-near-shipped",
    "On Reacher the final distances of the compiled and of the shipped reward are within 25 % of each other (difference over the larger).",
    .atMost, 0.25)
  private static let learns = Claim(
    "reacher-learns", "With the compiled reward the final distance is below half the untrained policy's (ratio).", .less,
    0.5)

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    try configuration.check()
    var evidence = Evidence(
      claims: [], arms: [:],
      notes: [
        "A recipe compiler wrote the rewards, not a language model: this tests the abstraction, the error loop, the dialogue and the training, not a model's knowledge."
      ])
    try await errorLoop(configuration, into: &evidence)
    try await reacher(configuration, in: run, into: &evidence)
    try await refinement(configuration, in: run, into: &evidence)
    if !configuration.tasks.isEmpty { try await manipulation(configuration, in: run, into: &evidence) }
    return evidence
  }

  // MARK: Error loop

  /// What Meta-World's abstraction is checked on without Meta-World: numbers in the places of its observation.
  static func randomRecords(rows: Int, seed: UInt64) -> (schema: Schema, transitions: TransitionBatch) {
    let schema = Schema(
      environment: "manipulation",
      fields: [
        Field("next_obs", shape: [39], meaning: "Observation after the step."),
        Field("action", shape: [4], low: -1, high: 1, meaning: "Action."),
      ])
    let transitions = TransitionBatch(schema: schema, capacity: rows)
    var random = RandomGenerator(seed: seed, spawnKey: [0x72_65_63])
    for index in 0..<rows * schema.width { transitions.base[index] = random.uniform(-1, 1) }
    return (schema, transitions)
  }

  private static func errorLoop(_ configuration: Configuration, into evidence: inout Evidence) async throws {
    let rows = 64
    let (schema, transitions) = randomRecords(rows: rows, seed: 0)
    let abstraction = try EnvironmentAbstraction.metaWorld()
    var writing = configuration.writing
    writing.examples = 0
    let task = WritingTask(
      name: "error loop", instruction: "Close the drawer.", abstraction: abstraction, schema: schema)
    let writer = ErringWriter(RecipeCompiler(abstraction), faultRate: configuration.faultRate, seed: configuration.seeds[0])
    var executable = 0, attempts = 0
    for _ in 0..<configuration.requests {
      // Only what the loop gives up on counts as not executable.
      if let written = try? await write(task, by: writer, writing: writing, transitions: transitions, rows: rows) {
        executable += 1
        attempts += written.attempts.count
      }
    }
    let told = writer.tally
    evidence.claims += [
      Self.executable.verdict(measured: Double(executable) / Double(configuration.requests)),
      exactLine.verdict(measured: told.retries == 0 ? .nan : Double(told.heard) / Double(told.retries)),
    ]
    evidence.arms["error loop"] = [
      "executable": [Double(executable) / Double(configuration.requests)],
      "first answers that fail": [Double(told.firstFaults) / Double(configuration.requests)],
      "faults": [Double(told.faults)],
    ]
  }

  // MARK: Reacher

  private static func reacher(
    _ configuration: Configuration, in run: RunContext, into evidence: inout Evidence
  ) async throws {
    let spec = try Environments.spec("Reacher-v5")
    let sampled = try sampleTransitions(Environments.make(spec.id, count: 4), steps: 64, seed: 0)
    let abstraction = try EnvironmentAbstraction.reacher()
    let written = try await write(
      WritingTask(
        name: spec.id, instruction: "Bring the fingertip to the target.", abstraction: abstraction, schema: spec.schema),
      by: RecipeCompiler(abstraction), writing: configuration.writing, transitions: sampled.transitions,
      rows: sampled.rows)
    let seeds = configuration.seeds
    // Compiled, shipped, untrained; all seeds of one, then of the next.
    let rewards: [RewardSource?] = [.function(ProgramReward(written.program)), .environment, nil]
    let distances = try run.results(rewards.count * seeds.count, of: "text2reward, Reacher", named: "trainings") { index in
      try finalDistance(
        rewards[index / seeds.count], configuration, seed: seeds[index % seeds.count], stop: run.interruption)
    }
    let arms = rewards.indices.map { Array(distances[$0 * seeds.count..<($0 + 1) * seeds.count]) }
    let (compiled, shipped, untrained) = (
      Statistics.mean(arms[0]), Statistics.mean(arms[1]), Statistics.mean(arms[2])
    )
    evidence.claims += [
      nearShipped.verdict(measured: abs(compiled - shipped) / max(compiled, shipped)),
      learns.verdict(measured: compiled / untrained),
    ]
    for (name, values) in zip(["compiled", "shipped", "untrained"], arms) {
      evidence.arms["Reacher-v5, \(name)"] = ["distance": values]
    }
  }

  /// Mean distance of fingertip and target over the last half of 24 episodes; nil trains on nothing.
  private static func finalDistance(
    _ reward: RewardSource?, _ configuration: Configuration, seed: UInt64, stop: Interruption
  ) throws -> Double {
    let environment = try Environments.make("Reacher-v5", count: 8)
    let trainer = try PPO(
      environment: environment, configuration: configuration.reacherLearner, reward: reward ?? .environment, seed: seed,
      pool: WorkerPool(threads: 1))
    if reward != nil {
      try trainer.train(totalSteps: configuration.reacherSteps, shouldStop: { stop.isRequested })
    }
    let episodes = try evaluate(
      trainer.policy, in: Environments.make("Reacher-v5", count: 8), episodes: 24, seed: 1 << 40 | seed)
    return Statistics.mean(episodes.map { mean(of: "distance", in: $0, last: $0.length / 2) { $0 } })
  }

  /// Mean of a function of a scalar field over an episode's last steps.
  private static func mean(of field: String, in episode: Episode, last: Int, _ f: (Double) -> Double) -> Double {
    guard let column = episode.transitions.column(field) else { return .nan }
    return Statistics.mean((max(0, episode.length - last)..<episode.length).map { f(column[$0]) })
  }

  // MARK: Refinement

  private static func refinement(
    _ configuration: Configuration, in run: RunContext, into evidence: inout Evidence
  ) async throws {
    let spec = try Environments.spec("Pendulum-v1")
    let sampled = try sampleTransitions(Environments.make(spec.id, count: 4), steps: 64, seed: 0)
    let abstraction = try EnvironmentAbstraction.pendulum()
    let task = WritingTask(
      name: spec.id, instruction: "Keep the pole still.", abstraction: abstraction, schema: spec.schema)
    var angles: [[Double]] = [[], []]
    for (number, seed) in configuration.seeds.enumerated() {
      run.progress.update(
        "text2reward, Pendulum", fraction: Double(number) / Double(configuration.seeds.count),
        detail: "seed \(number + 1) of \(configuration.seeds.count)")
      let rounds = try await refine(
        task, by: RecipeCompiler(abstraction), rounds: 2, transitions: sampled.transitions, rows: sampled.rows,
        train: { program in
          try meanAngle(program, configuration, seed: seed, stop: run.interruption)
        },
        // The scripted person: wants it upright, and is content once it is.
        listen: { angle in
          angle < refined.threshold
            ? nil
            : Feedback(
              description: "The pole hangs down and hardly moves.",
              request: "It should stand upright, pointing up, and stay there.", tag: "want self.pole.angle = 0")
        })
      for (round, result) in rounds.enumerated() { angles[round].append(result.shown) }
    }
    if run.interruption.isRequested { throw CancellationError() }
    evidence.claims += [
      ambiguous.verdict(measured: Statistics.mean(angles[0])), refined.verdict(measured: Statistics.mean(angles[1])),
    ]
    evidence.arms["Pendulum-v1, first reward"] = ["angle": angles[0]]
    evidence.arms["Pendulum-v1, after feedback"] = ["angle": angles[1]]
  }

  /// Trains SAC on the program; mean |θ| over the last 100 steps of 24 episodes.
  private static func meanAngle(
    _ program: RewardProgram, _ configuration: Configuration, seed: UInt64, stop: Interruption
  ) throws -> Double {
    var sac = configuration.sac
    sac.hidden = [64, 64]
    sac.minibatch = 128
    sac.learningRate = 1e-3
    sac.bufferSize = max(configuration.pendulumSteps, sac.minibatch)
    let trainer = try SAC(
      environment: Environments.make("Pendulum-v1", count: 1), configuration: sac,
      reward: .function(ProgramReward(program)), seed: seed)
    try trainer.train(totalSteps: configuration.pendulumSteps, shouldStop: { stop.isRequested })
    if stop.isRequested { throw CancellationError() }
    let episodes = try evaluate(
      trainer.policy, in: Environments.make("Pendulum-v1", count: 8), episodes: 24, seed: 1 << 40 | seed)
    return Statistics.mean(episodes.map { mean(of: "angle", in: $0, last: 100) { abs($0) } })
  }

  // MARK: Meta-World

  /// What is asked for in each of Meta-World's tasks that the experiment may train on, or show examples of.
  static let instructions: [String: String] = [
    "drawer-close-v3": "Close the drawer by its handle.",
    "handle-press-side-v3": "Press the handle down from the side.",
    "door-close-v3": "Close the door by its handle.",
    "button-press-v3": "Press the button in the wall.",
    "window-close-v3": "Close the window by its handle.",
    "drawer-open-v3": "Open the drawer by its handle.",
  ]

  private enum Arm: String, CaseIterable {
    case oracle = "expert reward"
    case sparse = "success alone"
    case zeroShot = "generated"
    case fewShot = "generated, few-shot"
  }

  private static func manipulation(
    _ configuration: Configuration, in run: RunContext, into evidence: inout Evidence
  ) async throws {
    let abstraction = try EnvironmentAbstraction.metaWorld()
    // Verified code of every task; retrieval leaves out the task's own.
    let staged = RecipeCompiler(abstraction, form: .staged)
    let pool = InstructionPool(
      try instructions.sorted { $0.key < $1.key }.map { task, instruction in
        .init(task: task, instruction: instruction, code: try staged.code(for: instruction, form: .staged, wishes: []))
      })
    var jobs: [(task: String, arm: Arm, seed: UInt64, reward: RewardSource)] = []
    for task in configuration.tasks {
      let environment = try metaWorld(task)
      let schema = environment.spec.schema.reserving(forFitness: ["success"])
      let sampled = try sampleTransitions(environment, steps: 64, seed: 0)
      let writingTask = WritingTask(
        name: task, instruction: instructions[task] ?? task, abstraction: abstraction, schema: schema)
      let success = try RewardProgram.compile(
        "def compute_reward(success):\n    return success\n", name: "sparse.py", schema: environment.spec.schema)
      environment.close()
      var zeroShot = configuration.writing
      zeroShot.examples = 0
      let rewards: [Arm: RewardSource] = [
        .oracle: .environment, .sparse: .function(ProgramReward(success)),
        .zeroShot: .function(
          ProgramReward(
            try await write(
              writingTask, by: RecipeCompiler(abstraction), writing: zeroShot, transitions: sampled.transitions,
              rows: sampled.rows
            ).program)),
        .fewShot: .function(
          ProgramReward(
            try await write(
              writingTask, by: RecipeCompiler(abstraction), pool: pool, writing: configuration.writing,
              transitions: sampled.transitions, rows: sampled.rows
            ).program)),
      ]
      for arm in Arm.allCases {
        for seed in configuration.seeds { jobs.append((task, arm, seed, rewards[arm] ?? .environment)) }
      }
    }
    let trainings = jobs
    let successes = try run.results(trainings.count, of: "text2reward, Meta-World", named: "trainings") { index in
      let job = trainings[index]
      return try successRate(job.task, job.reward, configuration, seed: job.seed, stop: run.interruption)
    }
    func measured(_ arm: Arm, _ task: String) -> [Double] {
      zip(trainings, successes).filter { $0.0.arm == arm && $0.0.task == task }.map { $0.1 }
    }
    func perTask(_ arm: Arm) -> [Double] { configuration.tasks.map { Statistics.mean(measured(arm, $0)) } }
    let (oracle, sparse, generated) = (perTask(.oracle), perTask(.sparse), perTask(.zeroShot))
    let gains = zip(generated, sparse).map { $0 - $1 }
    evidence.claims += [
      nearOracle.verdict(measured: Statistics.mean(generated) - Statistics.mean(oracle)),
      beatsSparse.verdict(measured: gains.max() ?? .nan), notBelowSparse.verdict(measured: gains.min() ?? .nan),
      oracleLearns.verdict(measured: oracle.min() ?? .nan), sparseIsHard.verdict(measured: sparse.max() ?? .nan),
    ]
    for task in configuration.tasks {
      for arm in Arm.allCases { evidence.arms["\(task), \(arm.rawValue)"] = ["success": measured(arm, task)] }
    }
    evidence.notes.append(
      "Meta-World 3.1.1 through the bridge; the expert reward is the environment's own, the examples of the few-shot arm are staged rewards of the other tasks by the same compiler."
    )
  }

  /// One copy of a Meta-World task with random goals.
  /// - Throws: `GuerdonError` where Meta-World is not installed.
  private static func metaWorld(_ task: String) throws -> GymnasiumEnvironment {
    var configuration = GymnasiumConfiguration(
      "metaworld:Meta-World/MT1", arguments: ["env_name": .string(task), "seed": 1])
    configuration.info = ["success"]
    if ProcessInfo.processInfo.environment["GUERDON_BRIDGE_PYTHON"] == nil {
      guard let python = Dependencies.directory?.appendingPathComponent("worlds/bin/python"),
        FileManager.default.isExecutableFile(atPath: python.path)
      else {
        throw GuerdonError.failure(
          "text2reward's main experiment needs Meta-World: run `scripts/setup --worlds`, or leave it out with --set tasks='[]'.")
      }
      configuration.python = python
    }
    return try GymnasiumEnvironment(configuration, count: 1)
  }

  /// Trains SAC on episodes of full length; the share of evaluation episodes that end in success.
  private static func successRate(
    _ task: String, _ reward: RewardSource, _ configuration: Configuration, seed: UInt64, stop: Interruption
  ) throws -> Double {
    let environment = try metaWorld(task)
    defer { environment.close() }
    let trainer = try SAC(
      environment: SuccessWrapper(environment, mode: .training), configuration: configuration.sac, reward: reward,
      seed: seed)
    try trainer.train(totalSteps: configuration.manipulationSteps, shouldStop: { stop.isRequested })
    let episodes = try evaluate(
      trainer.policy, in: SuccessWrapper(environment, mode: .evaluation), episodes: configuration.evaluationEpisodes,
      seed: 1 << 30 | seed, shouldStop: { stop.isRequested })
    if stop.isRequested { throw CancellationError() }
    return Statistics.mean(episodes.map { $0.terminated ? 1 : 0 })
  }
}

/// A writer that spoils an answer now and then, and listens whether it is told where.
final class ErringWriter: ChatModel {
  enum Fault: CaseIterable, Sendable {
    case undeclaredAttribute, shapeMismatch, missingReturn, badFence
  }

  struct Tally: Sendable {
    var faults = 0
    /// Faults in the first answer to a new request.
    var firstFaults = 0
    var retries = 0
    /// Retries whose prompt named the faulty line, or the missing block.
    var heard = 0
  }

  private struct State {
    var random: RandomGenerator
    var tally = Tally()
    /// What the next request must say, if the last answer was spoilt.
    var expected: String?
  }

  let name = "recipe compiler that errs"
  private let writer: RecipeCompiler
  private let faultRate: Double
  private let state: Mutex<State>

  init(_ writer: RecipeCompiler, faultRate: Double, seed: UInt64) {
    (self.writer, self.faultRate) = (writer, faultRate)
    state = Mutex(State(random: RandomGenerator(seed: seed, spawnKey: [0x65_72_72])))
  }

  var tally: Tally { state.withLock { $0.tally } }

  func complete(_ request: ChatRequest) async throws -> ChatResponse {
    let response = try await writer.complete(request)
    let isRetry = request.messages.contains { $0.role == .assistant }
    let heard = request.messages.last?.content ?? ""
    return state.withLock { state in
      if isRetry, let expected = state.expected {
        state.tally.retries += 1
        if heard.contains(expected) { state.tally.heard += 1 }
      }
      state.expected = nil
      guard state.random.uniform() < faultRate else { return response }
      let fault = Fault.allCases[state.random.integer(below: Fault.allCases.count)]
      state.tally.faults += 1
      if !isRetry { state.tally.firstFaults += 1 }
      let spoilt = response.answers.map { Self.spoil($0, by: fault) }
      state.expected = spoilt.first?.line
      return ChatResponse(answers: spoilt.map(\.answer), usage: response.usage)
    }
  }

  /// The answer with a fault in it, and the line that is at fault.
  static func spoil(_ answer: String, by fault: Fault) -> (answer: String, line: String) {
    var lines = answer.components(separatedBy: "\n")
    guard let returning = lines.firstIndex(where: { $0.hasPrefix("    return ") }),
      let defining = lines.firstIndex(where: { $0.hasPrefix("def ") })
    else { return (answer, answer) }
    switch fault {
    case .undeclaredAttribute:
      let line = "    reward = reward - self.robot.wrist_force"
      lines.insert(line, at: returning)
      return (lines.joined(separator: "\n"), line)
    case .shapeMismatch:
      let line = "    reward = reward - np.linalg.norm(self.robot.ee_position - action)"
      lines.insert(line, at: returning)
      return (lines.joined(separator: "\n"), line)
    case .missingReturn:
      lines.remove(at: returning)
      return (lines.joined(separator: "\n"), lines[defining])
    case .badFence:
      return (lines.filter { !$0.hasPrefix("```") }.joined(separator: "\n"), "no fenced block")
    }
  }
}
