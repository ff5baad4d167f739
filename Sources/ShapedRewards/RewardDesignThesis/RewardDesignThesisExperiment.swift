import Basics
import Experiments
import FiniteMDPs
import Foundation

/// The acceptance experiment, on the thesis' own worlds: are the designed rewards invariant, and does one learn faster
/// from them? Everything is evaluated on the original reward R̄.
extension RewardDesignThesis {
  public struct Configuration: MethodConfiguration, Hashable {
    /// Of LineK, Chain, and REINFORCE on Room.
    public var seeds: [UInt64] = Array(0..<5)
    public var room = Room()
    public var lineKey = LineKey()
    public var chain = Chain()
    public var roomTeaching = RoomTeaching()
    public var navigation = Navigation()
    public var neural = Neural()
    public var explicable = ExplicableRewardDesign.Configuration()
    public var adaptive = AdaptiveRewardDesign.Configuration()
    public var exploration = ExplorationGuidedShaping.Configuration()

    public static let smoke: Configuration = {
      var smoke = Configuration(seeds: [0])
      smoke.room.smallBudget = 1
      smoke.lineKey.startSeeds = 1
      smoke.chain.episodes = 6_000
      smoke.roomTeaching.episodes = 2_000
      smoke.navigation.runs = 3
      smoke.neural.episodes = 0
      return smoke
    }()
    public static let full = Configuration()

    public init(seeds: [UInt64] = Array(0..<5)) { self.seeds = seeds }

    /// Q-learning on Room.
    public struct Room: Sendable, Codable, Hashable {
      public var runs = 20
      public var episodes = 200
      public var maxSteps = 50
      /// α and ε.
      public var learningRate = 0.5
      public var epsilon = 0.1
      /// The B of a second, sparser ExpRD reward.
      public var smallBudget = 3
      /// What Σ |R| costs in a variant of ExpRD, the brief's tie-break.
      public var normPenalty = 1e-4
    }

    /// REINFORCE on LineK.
    public struct LineKey: Sendable, Codable, Hashable {
      public var loop = TeachingLoop(horizon: 30)
      /// η.
      public var rate = 0.01
      /// Episodes after which the learners are looked at.
      public var episodes = 4_000
      public var lateEpisodes = 6_000
      /// Runs of each learner that begins elsewhere.
      public var startSeeds = 5
      /// The one preference that sets such a learner apart.
      public var preference = 2.0
      /// Policies at random for which a reward is designed and its invariance checked.
      public var randomPolicies = 20
    }

    /// REINFORCE on Chain.
    public struct Chain: Sendable, Codable, Hashable {
      public var loop = TeachingLoop(horizon: DesignWorlds.Chain.horizon)
      /// η.
      public var rate = 0.1
      public var episodes = 15_000
      /// The episode at whose end, and the number of episodes over which, returns are averaged.
      public var checkpoint = 5_000
      public var window = 500
      public var distractors = [0, 0.01]
    }

    /// REINFORCE on Room, for ExpAdaRD with the structure of blocks.
    public struct RoomTeaching: Sendable, Codable, Hashable {
      public var loop = TeachingLoop(horizon: 30)
      /// η.
      public var rate = 0.01
      public var episodes = 10_000
    }

    /// Q-learning on LineKeyNav, on rewards that were designed for cells.
    public struct Navigation: Sendable, Codable, Hashable {
      /// Cells of width α = 1 / cells, without the key and as many with it, and transitions sampled for each cell and
      /// action.
      public var cells = 20
      public var samples = 1_000
      /// Cells of the learner's own, finer net.
      public var learnerCells = 100
      public var runs = 10
      public var episodes = 1_000
      /// α and ε of Q-learning.
      public var learningRate = 0.5
      public var epsilon = 0.1
      /// Episodes by which a greedy policy is judged.
      public var evaluations = 100
    }

    /// ExploRS with networks on the continuous LineK.
    public struct Neural: Sendable, Codable, Hashable {
      public var loop: TeachingLoop = {
        var loop = TeachingLoop(horizon: KeyLine.exploration.horizon)
        loop.teacherEvery = 20
        return loop
      }()
      public var shaping = NeuralShaping.Configuration()
      public var learner = NeuralReinforce.Configuration()
      /// Positions among which visits are counted, without the key and with it.
      public var bins = 10
      /// 0 leaves this part out.
      public var episodes = 20_000
      /// Episodes over which returns are averaged.
      public var window = 500
    }

    func check() throws {
      guard !seeds.isEmpty, room.runs >= 1, room.episodes >= 1, room.maxSteps >= 1, room.smallBudget >= 0 else {
        throw GuerdonError.usage("reward-design-thesis needs a seed, and at least 1 run, episode and step on Room.")
      }
      guard lineKey.episodes >= 1, lineKey.lateEpisodes >= lineKey.episodes, lineKey.startSeeds >= 1,
        lineKey.randomPolicies >= 1
      else {
        throw GuerdonError.usage("LineK needs at least 1 episode, start seed and random policy, and late episodes "
          + "after them.")
      }
      guard chain.window >= 1, chain.checkpoint >= chain.window, chain.episodes >= chain.checkpoint,
        !chain.distractors.isEmpty, chain.distractors.allSatisfy(\.isFinite)
      else {
        throw GuerdonError.usage("Chain needs a window within its checkpoint, a checkpoint within its episodes, a "
          + "distractor.")
      }
      guard roomTeaching.episodes >= 1, roomTeaching.rate > 0, navigation.cells >= 1, navigation.samples >= 1,
        navigation.learnerCells >= 1, navigation.runs >= 1, navigation.episodes >= 1, navigation.evaluations >= 1
      else {
        throw GuerdonError.usage(
          "roomTeaching and navigation need at least 1 of whatever they count, and a rate above 0.")
      }
      guard neural.episodes >= 0, neural.window >= 1, neural.bins >= 1 else {
        throw GuerdonError.usage("neural needs a window and bins of at least 1, and episodes from 0 (left out) up.")
      }
      try neural.shaping.check()
      for loop in [lineKey.loop, chain.loop, roomTeaching.loop, neural.loop] { try loop.check() }
    }
  }

  /// Figures of arms, filled from all threads in the jobs' order.
  typealias Figures = [(arm: String, metric: String, value: Double)]
  typealias Job = @Sendable () throws -> Figures

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    try configuration.check()
    let room = try roomDesigns(configuration, run)
    let navigation = try navigationDesigns(configuration, run)
    var jobs = roomJobs(configuration, room) + (try lineKeyJobs(configuration, run)) + chainJobs(configuration, run)
    jobs += try roomTeachingJobs(configuration, run) + navigationJobs(configuration, navigation)
    jobs += neuralJobs(configuration, run)
    let all = jobs
    let results = try run.results(all.count, of: "reward-design-thesis", named: "learners") { try all[$0]() }
    var arms: [String: [String: [Double]]] = [:]
    for (arm, metric, value) in results.joined() { arms[arm, default: [:]][metric, default: []].append(value) }
    let violations = try room.violations + navigation.violations
      + adaptiveViolations(
        room.problem, DesignWorlds.Room.structure, configuration, key: 0x72_69)
      + adaptiveViolations(
        DesignWorlds.LineKey.problem(), DesignWorlds.LineKey.structure, configuration, key: 0x69_6e_76)
    var claims = roomClaims(room, arms, violations) + lineKeyClaims(configuration, arms)
    claims += chainClaims(configuration, arms) + roomTeachingClaims(arms) + navigationClaims(navigation, arms)
    claims += neuralClaims(configuration, arms)
    for (name, reward) in room.rewards {
      arms["Room: \(name)", default: [:]]["largest reward"] = [reward.reduce(0) { max($0, abs($1)) }]
      arms["Room: \(name)", default: [:]]["rewarded states"] = [
        Double(Set(reward.indices.filter { abs(reward[$0]) > 1e-9 }.map { $0 / DesignWorlds.Room.actions }).count)
      ]
    }
    return Evidence(claims: claims, arms: arms, notes: notes(configuration, room, navigation, arms))
  }

  // MARK: Room

  private struct RoomDesigns: Sendable {
    var problem: RewardDesignProblem
    var rewards: [(name: String, reward: [Double])] = []
    var design: ExplicableRewardDesign.Design
    /// I(R̄), I(R_P) and the optimum of P1 over all states.
    var original = 0.0, potential = 0.0, unrestricted = 0.0
    /// States in which an ExpRD reward has a worse action as its best.
    var violations = 0
    var craftViolations = 0
  }

  private static func roomDesigns(_ configuration: Configuration, _ run: RunContext) throws -> RoomDesigns {
    typealias World = DesignWorlds.Room
    let problem = try World.problem()
    let designer = try ExplicableRewardDesign(problem, configuration: configuration.explicable)
    run.progress.update("reward-design-thesis", fraction: 0, detail: "designing rewards for Room")
    let interruption = run.interruption
    let design = try designer.design(pool: WorkerPool(threads: run.jobs)) { interruption.isRequested }
    var designs = RoomDesigns(problem: problem, design: design)
    let budget = configuration.explicable.budget, small = min(configuration.room.smallBudget, budget)
    // The greedy supports are nested: a smaller budget's is the beginning of a larger one's.
    func mostInformative(_ support: [Int]) throws -> (reward: [Double], informativeness: Double) {
      try designer.mostInformative(in: .free(on: support, in: problem))
    }
    var shortened = configuration.explicable
    shortened.normPenalty = configuration.room.normPenalty
    let shortener = try ExplicableRewardDesign(problem, configuration: shortened)
    let everywhere = try mostInformative(Array(0..<problem.stateCount))
    let explicable: [(name: String, reward: [Double])] = try [
      ("ExpRD (B = \(budget))", design.reward),
      ("ExpRD (B = \(small))", mostInformative(Array(design.support.prefix(problem.goals.count + small))).reward),
      ("ExpRD (B = 0)", mostInformative(problem.goals).reward),
      ("ExpRD (every state)", everywhere.reward),
      (
        "ExpRD (B = \(budget), short)",
        shortener.mostInformative(in: .free(on: design.support, in: problem)).reward
      ),
      ("ExpRD (CRAFT's states)", mostInformative(World.landmarks).reward),
    ]
    let potential = try ExplicableRewardDesign.potentialBased(problem)
    let craft = ExplicableRewardDesign.craft(problem, states: World.landmarks)
    designs.rewards = [("R̄", problem.mdp.expectedReward), ("PBRS", potential), ("CRAFT (B = 5)", craft)] + explicable
    let horizons = configuration.explicable.horizons
    designs.original = try problem.informativeness(of: problem.mdp.expectedReward, horizons: horizons)
    designs.potential = try problem.informativeness(of: potential, horizons: horizons)
    designs.unrestricted = everywhere.informativeness
    designs.violations = try explicable.reduce(0) { $0 + (try problem.violations(of: $1.reward).count) }
    designs.craftViolations = try problem.violations(of: craft).count
    return designs
  }

  /// Q-learning on each reward: the value under R̄ of the greedy policy at the start.
  private static func roomJobs(
    _ configuration: Configuration, _ designs: RoomDesigns
  ) -> [Job] {
    let settings = configuration.room, mdp = designs.problem.mdp
    return designs.rewards.flatMap { name, reward -> [Job] in
      (0..<settings.runs).map { number -> Job in
        {
          let sampler = TransitionSampler(mdp)
          var random = RandomGenerator(seed: UInt64(number), spawnKey: [0x72_6f_6f_6d])
          var learner = try TabularQ(
            stateCount: mdp.stateCount, actionCount: mdp.actionCount, rate: settings.learningRate,
            discount: mdp.discount, epsilon: settings.epsilon)
          for _ in 0..<settings.episodes {
            var state = sampler.first(random: &random)
            for _ in 0..<settings.maxSteps {
              let action = learner.act(state, random: &random)
              let step = sampler.step(state, action, random: &random)
              learner.learn(
                state, action, reward: reward[state * mdp.actionCount + action], next: step.next,
                isTerminal: step.isTerminal)
              if step.isTerminal { break }
              state = step.next
            }
          }
          let greedy = learner.greedy
          return [("Room: \(name)", "value", try mdp.expectedReturn(of: greedy))]
        }
      }
    }
  }

  private static func roomClaims(
    _ room: RoomDesigns, _ arms: [String: [String: [Double]]], _ violations: Int
  ) -> [Verdict] {
    func value(_ name: String) -> Double { Statistics.mean(arms["Room: \(name)"]?["value"] ?? []) }
    let curve = room.design.informativeness
    let fall = zip(curve, curve.dropFirst()).map { $0 - $1 }.max() ?? 0
    let start = room.problem.optimal.values[DesignWorlds.Room.start]
    let budget = room.rewards.first { $0.name.hasPrefix("ExpRD") }?.name ?? ""
    return [
      Claim(
        "invariance",
        "Every policy that is optimal for a designed reward (ExpRD with any support, also of cells; ExpAdaRD at random "
          + "policies with both structures) is optimal for the original one: states in which that fails.", .atMost, 0
      ).verdict(measured: Double(violations)),
      Claim("room-value", "V̄* at Room's start differs from 5.9995 by at most 0.001.", .atMost, 1e-3)
        .verdict(measured: abs(start - 5.9995)),
      Claim("room-informativeness", "I(R̄) on Room differs from −0.18434 by at most 0.0001.", .atMost, 1e-4)
        .verdict(measured: abs(room.original + 0.18434)),
      Claim(
        "pbrs-is-fully-informative", "|I(R_P)| is at most 1e-8: potential-based shaping shows every gap.", .atMost, 1e-8
      ).verdict(measured: abs(room.potential)),
      Claim("goals-alone-add-nothing", "With the goals alone P1 comes within 1e-5 of I(R̄).", .atMost, 1e-5)
        .verdict(measured: abs((curve.first ?? .nan) - room.original)),
      Claim("greedy-never-falls", "The greedy support's g(Z) never falls (by more than 1e-9).", .atMost, 1e-9)
        .verdict(measured: fall),
      Claim("unrestricted-is-fully-informative", "With every state free P1 attains 0 within 1e-6.", .atMost, 1e-6)
        .verdict(measured: abs(room.unrestricted)),
      Claim(
        "room-pbrs-learns", "Q-learning on PBRS is worth at least 5.5 after 200 episodes (mean of runs).", .atLeast, 5.5
      ).verdict(measured: value("PBRS")),
      Claim("room-exprd-learns", "Q-learning on ExpRD is worth at least 3.0 after 200 episodes.", .atLeast, 3)
        .verdict(measured: value(budget)),
      Claim("room-original-does-not", "Q-learning on R̄ is worth at most 0.5 after 200 episodes.", .atMost, 0.5)
        .verdict(measured: value("R̄")),
    ]
  }

  // MARK: LineK

  private static func lineKeyJobs(
    _ configuration: Configuration, _ run: RunContext
  ) throws -> [Job] {
    typealias World = DesignWorlds.LineKey
    let settings = configuration.lineKey, problem = try World.problem(), interruption = run.interruption
    let mdp = problem.mdp, actions = mdp.actionCount
    let design = try AdaptiveRewardDesign(problem, structure: World.structure, configuration: configuration.adaptive)
    let uniform = TabularPolicy.uniform(stateCount: mdp.stateCount, actionCount: actions)
    let frozen = FixedTeacher(try design.reward(for: uniform), actionCount: actions)
    let explicable = try ExplicableRewardDesign(problem, configuration: configuration.explicable)
    let invariant = FixedTeacher(try explicable.leastInvariant(in: World.structure), actionCount: actions)
    let original = FixedTeacher(mdp.expectedReward, actionCount: actions)
    let informative = FixedTeacher(try explicable.mostInformative(in: World.structure).reward, actionCount: actions)

    @Sendable func train(
      _ arm: String, _ teacher: some RewardTeacher, _ seed: UInt64, preferences: [Double], isLate: Bool
    ) throws -> Figures {
      try taught(
        arm, in: mdp, by: teacher, settings.loop, rate: settings.rate, seed: seed, key: 0x6c_6b,
        preferences: preferences,
        checkpoints: [("value", settings.episodes)] + (isLate ? [("late value", settings.lateEpisodes)] : []),
        interruption)
    }

    let none = [Double](repeating: 0, count: problem.rowCount)
    var jobs: [Job] = []
    for seed in configuration.seeds {
      jobs.append { try train("LineK: ExpAdaRD", AdaptiveTeacher(design), seed, preferences: none, isLate: false) }
      jobs.append { try train("LineK: R̄", original, seed, preferences: none, isLate: false) }
      jobs.append { try train("LineK: invariance only", invariant, seed, preferences: none, isLate: false) }
      jobs.append { try train("LineK: ExpRD", informative, seed, preferences: none, isLate: false) }
    }
    for (index, start) in World.starts.enumerated() {
      var preferences = none
      preferences[start.state * actions + start.action] = settings.preference
      let first = preferences
      for seed in 0..<UInt64(settings.startSeeds) {
        jobs.append {
          try train(
            "LineK from start \(index): ExpAdaRD", AdaptiveTeacher(design), seed, preferences: first, isLate: true)
        }
        jobs.append { try train("LineK from start \(index): frozen", frozen, seed, preferences: first, isLate: true) }
      }
    }
    return jobs
  }

  private static func lineKeyClaims(
    _ configuration: Configuration, _ arms: [String: [String: [Double]]]
  ) -> [Verdict] {
    let ours = arms["LineK: ExpAdaRD"]?["value"] ?? []
    let rivals = ["R̄", "invariance only"].map { Statistics.mean(arms["LineK: \($0)"]?["value"] ?? []) }
    func better(_ metric: String) -> Int {
      DesignWorlds.LineKey.starts.indices.filter { index in
        Statistics.mean(arms["LineK from start \(index): ExpAdaRD"]?[metric] ?? [])
          > Statistics.mean(arms["LineK from start \(index): frozen"]?[metric] ?? [])
      }.count
    }
    return [
      Claim(
        "linek-expadard-learns",
        "On LineK a learner paid by ExpAdaRD is worth at least 3.0 after 4000 episodes in 4 of 5 seeds (share of "
          + "seeds).",
        .atLeast, 0.8
      ).verdict(measured: Double(ours.filter { $0 >= 3 }.count) / Double(max(ours.count, 1))),
      Claim(
        "linek-rivals-do-not", "On LineK learners paid R̄, or the least reward that is merely invariant, stay at "
          + "0.2 at most (the better of the two means).", .atMost, 0.2
      ).verdict(measured: rivals.reduce(-.infinity, max)),
      Claim(
        "linek-adapting-helps",
        "Adapting beats the same design frozen at the uniform policy from at least 4 of 5 starts, both after 4000 "
          + "and after 6000 episodes (the lesser number of starts).", .atLeast, 4
      ).verdict(measured: Double(min(better("value"), better("late value")))),
    ]
  }

  // MARK: Chain

  private enum Explorer: String, CaseIterable {
    case exploRS = "ExploRS", selfRS = "SelfRS", exploB = "ExploB", sors = "SORS", lirpg = "LIRPG", original = "R̄"
  }

  private static func chainJobs(_ configuration: Configuration, _ run: RunContext) -> [Job] {
    let settings = configuration.chain, interruption = run.interruption
    return settings.distractors.flatMap { distractor -> [Job] in
      Explorer.allCases.flatMap { arm -> [Job] in
        configuration.seeds.map { seed -> Job in
          {
            let mdp = try DesignWorlds.Chain.process(distractor: distractor)
            var shaping = configuration.exploration
            shaping.rolloutHorizon = settings.loop.horizon
            shaping.explores = arm == .exploRS || arm == .exploB
            shaping.shaping =
              switch arm {
              case .exploRS, .selfRS: .selfTaught
              case .sors: .returnOrder
              case .lirpg: .sampledRollouts
              case .exploB, .original: .none
              }
            var teacher = try ExplorationGuidedShaping(mdp, configuration: shaping, seed: seed)
            var learner = TabularReinforce(
              preferences: [Double](repeating: 0, count: mdp.stateCount * mdp.actionCount),
              actionCount: mdp.actionCount, rate: settings.rate)
            var random = RandomGenerator(seed: seed, spawnKey: [0x63_68])
            var returns: [Double] = []
            try settings.loop.run(
              in: mdp, teacher: &teacher, learner: &learner, episodes: settings.episodes, random: &random
            ) { _, episode, _ in
              returns.append(TaughtEpisode.returns(episode.original, discount: mdp.discount).first ?? 0)
              return !interruption.isRequested
            }
            let name = "Chain, distractor \(distractor): \(arm.rawValue)"
            let early = returns.prefix(settings.checkpoint).suffix(settings.window)
            return [
              (name, "return", Statistics.mean(Array(early))),
              (name, "late return", Statistics.mean(Array(returns.suffix(settings.window)))),
            ]
          }
        }
      }
    }
  }

  private static func chainClaims(
    _ configuration: Configuration, _ arms: [String: [String: [Double]]]
  ) -> [Verdict] {
    configuration.chain.distractors.flatMap { distractor in
      func mean(_ arm: Explorer, _ metric: String = "return") -> Double {
        Statistics.mean(arms["Chain, distractor \(distractor): \(arm.rawValue)"]?[metric] ?? [])
      }
      let rivals = [Explorer.selfRS, .exploB, .original].map { mean($0) }.reduce(-.infinity, max)
      let world = "On Chain with distractor \(distractor)"
      var claims = [
        Claim(
          "chain-\(distractor)-explors-learns",
          "\(world), ExploRS returns at least 6 around episode 5000 (mean of seeds).", .atLeast, 6
        ).verdict(measured: mean(.exploRS)),
        Claim(
          "chain-\(distractor)-explors-beats-its-parts",
          "\(world), that is at least 5 times what SelfRS, ExploB and R̄ return: ExploRS − 5 · the best of "
            + "them.", .atLeast, 0
        ).verdict(measured: mean(.exploRS) - 5 * rivals),
      ]
      if configuration.chain.episodes >= 15_000 {
        claims.append(
          Claim(
            "chain-\(distractor)-explors-late", "\(world), ExploRS returns at least 13 by episode 15000.", .atLeast, 13
          ).verdict(measured: mean(.exploRS, "late return")))
      }
      return claims
    }
  }

  private static func notes(
    _ configuration: Configuration, _ room: RoomDesigns, _ navigation: NavigationDesigns,
    _ arms: [String: [String: [Double]]]
  ) -> [String] {
    func list(_ values: [Double]) -> String { values.map { String(format: "%.5f", $0) }.joined(separator: ", ") }
    let craft = room.craftViolations
    let worth = zip(navigation.problem.mdp.initial, navigation.problem.optimal.values).reduce(0) { $0 + $1.0 * $1.1 }
    let short = Statistics.mean(arms["Room: ExpRD (B = \(configuration.explicable.budget), short)"]?["value"] ?? [])
    return [
      "P1's optima are not unique. ExpRD is the vertex that the solver stops at; with a penalty of "
        + "\(configuration.room.normPenalty) on the norm, which picks a short reward, Q-learning is worth "
        + "\(String(format: "%.2f", short)).",
      "ExpRD on Room chose the states \(room.design.support.map(String.init).joined(separator: ", ")) with g = "
        + "\(list(room.design.informativeness)), by \(room.design.programs) linear programs.",
      "CRAFT's reward makes a worse action the best one in \(craft) of \(room.problem.stateCount) states.",
      "On LineKeyNav's cells, V̄* at the start is "
        + "\(String(format: "%.3f", worth)); ExpRD chose "
        + "\(navigation.design.support.map(String.init).joined(separator: ", ")).",
      "LIRPG's rollouts are steps beyond those that its learner takes: two episodes for every step of the buffer.",
      "Returns on Chain are discounted and those of the episodes that the learner trains on.",
      "LineK's optimum is \(String(format: "%.4f", (try? DesignWorlds.LineKey.problem().optimal.values[5]) ?? .nan)).",
    ]
  }
}
