import Basics
import Experiments
import FiniteMDPs
import Foundation

/// The parts of the experiment that go beyond the three small worlds' tables: ExpAdaRD's structure of blocks on Room,
/// ExpRD through an abstraction, and ExploRS with networks.
extension RewardDesignThesis {
  // MARK: REINFORCE on designed rewards

  /// Trains one tabular learner by REINFORCE: its policy's value at the start under R̄ at the end of some episodes.
  static func taught(
    _ arm: String, in mdp: FiniteMDP, by teacher: some RewardTeacher, _ loop: TeachingLoop, rate: Double, seed: UInt64,
    key: UInt32, preferences: [Double], checkpoints: [(metric: String, episode: Int)], _ interruption: Interruption
  ) throws -> Figures {
    var teacher = teacher
    var learner = TabularReinforce(preferences: preferences, actionCount: mdp.actionCount, rate: rate)
    var random = RandomGenerator(seed: seed, spawnKey: [key])
    var figures: Figures = []
    try loop.run(
      in: mdp, teacher: &teacher, learner: &learner, episodes: checkpoints.map(\.episode).max() ?? 0, random: &random
    ) { number, _, policy in
      for (metric, episode) in checkpoints where episode == number {
        figures.append((arm, metric, try mdp.expectedReturn(of: policy)))
      }
      return !interruption.isRequested
    }
    return figures
  }

  /// In how many states an ExpAdaRD reward, designed for policies at random, has a worse action as its best.
  static func adaptiveViolations(
    _ problem: RewardDesignProblem, _ structure: RewardStructure, _ configuration: Configuration, key: UInt32
  ) throws -> Int {
    let design = try AdaptiveRewardDesign(problem, structure: structure, configuration: configuration.adaptive)
    var random = RandomGenerator(seed: configuration.seeds[0], spawnKey: [key])
    return try (0..<configuration.lineKey.randomPolicies).reduce(0) { sum, _ in
      let preferences = (0..<problem.rowCount).map { _ in 2 * random.normal() }
      let reward = try design.reward(for: .softmax(preferences, actionCount: problem.actionCount))
      return sum + (try problem.violations(of: reward).count)
    }
  }

  // MARK: ExpAdaRD on Room

  /// What ExpAdaRD competes with: rewards of the same structure of blocks that stay as they are, and R̄.
  static let roomRivals = ["R̄", "invariance only", "ExpRD", "frozen"]

  static func roomTeachingJobs(_ configuration: Configuration, _ run: RunContext) throws -> [Job] {
    typealias World = DesignWorlds.Room
    let settings = configuration.roomTeaching, problem = try World.problem(), interruption = run.interruption
    let mdp = problem.mdp, actions = mdp.actionCount
    let design = try AdaptiveRewardDesign(problem, structure: World.structure, configuration: configuration.adaptive)
    let explicable = try ExplicableRewardDesign(problem, configuration: configuration.explicable)
    let uniform = TabularPolicy.uniform(stateCount: mdp.stateCount, actionCount: actions)
    let rewards = [
      "R̄": mdp.expectedReward, "invariance only": try explicable.leastInvariant(in: World.structure),
      "ExpRD": try explicable.mostInformative(in: World.structure).reward, "frozen": try design.reward(for: uniform),
    ]
    let none = [Double](repeating: 0, count: problem.rowCount)
    @Sendable func train(_ arm: String, _ teacher: some RewardTeacher, _ seed: UInt64) throws -> Figures {
      try taught(
        "Room, REINFORCE: \(arm)", in: mdp, by: teacher, settings.loop, rate: settings.rate, seed: seed,
        key: 0x72_74, preferences: none, checkpoints: [("value", settings.episodes)], interruption)
    }
    return configuration.seeds.flatMap { seed -> [Job] in
      [{ try train("ExpAdaRD", AdaptiveTeacher(design), seed) }]
        + roomRivals.map { name -> Job in
          { try train(name, FixedTeacher(rewards[name] ?? none, actionCount: actions), seed) }
        }
    }
  }

  static func roomTeachingClaims(_ arms: [String: [String: [Double]]]) -> [Verdict] {
    func value(_ arm: String) -> Double { Statistics.mean(arms["Room, REINFORCE: \(arm)"]?["value"] ?? []) }
    let rivals = ["R̄", "invariance only", "ExpRD"].map(value).reduce(-.infinity, max)
    return [
      Claim(
        "room-expadard-learns-faster",
        "On Room a REINFORCE learner paid by ExpAdaRD (blocks) is worth more than those paid R̄, the invariance-only "
          + "or the ExpRD reward of the same blocks (mean of seeds: ExpAdaRD − the best of them).", .greater, 0
      ).verdict(measured: value("ExpAdaRD") - rivals)
    ]
  }

  // MARK: ExpRD through an abstraction

  struct NavigationDesigns: Sendable {
    /// The process between cells of width α.
    var problem: RewardDesignProblem
    var design: ExplicableRewardDesign.Design
    /// Rewards of cells, [cells, A]; nil is R̄ as the world pays it.
    var rewards: [(name: String, reward: [Double]?)]
    var violations = 0
    /// The reward of picking in cells of the key's area, less the mean of the other actions' there.
    var pickAdvantage = 0.0
  }

  static func navigationDesigns(_ configuration: Configuration, _ run: RunContext) throws -> NavigationDesigns {
    let settings = configuration.navigation, world = KeyLine.navigation, count = settings.cells
    var random = RandomGenerator(seed: configuration.seeds[0], spawnKey: [0x6e_61_76])
    let abstract = try world.abstracted(cells: count, samples: settings.samples, random: &random)
    func middle(_ cell: Int) -> Double { (Double(cell % count) + 0.5) / Double(count) }
    let goals = (count..<2 * count).filter { world.goalArea.contains(middle($0)) }
    let problem = try RewardDesignProblem(abstract, goals: goals, bound: world.goalReward)
    let designer = try ExplicableRewardDesign(problem, configuration: configuration.explicable)
    run.progress.update("reward-design-thesis", fraction: 0, detail: "designing rewards for cells of LineKeyNav")
    let interruption = run.interruption
    let design = try designer.design(pool: WorkerPool(threads: run.jobs)) { interruption.isRequested }
    let everywhere = try designer.mostInformative(in: .free(on: 0..<problem.stateCount, in: problem)).reward
    var designs = NavigationDesigns(
      problem: problem, design: design,
      rewards: [
        ("R̄", nil), ("PBRS", try ExplicableRewardDesign.potentialBased(problem)),
        ("ExpRD (B = \(configuration.explicable.budget))", design.reward), ("ExpRD (every cell)", everywhere),
      ])
    designs.violations = try problem.violations(of: design.reward).count + problem.violations(of: everywhere).count
    let keyCells = (0..<count).filter { world.keyArea.contains(middle($0)) }
    designs.pickAdvantage = Statistics.mean(
      keyCells.map { everywhere[$0 * 3 + 2] - (everywhere[$0 * 3] + everywhere[$0 * 3 + 1]) / 2 })
    return designs
  }

  /// Q-learning on a finer net than the design's, paid R̂(s, a) = R̂_φ(φ(s), a): the mean return under R̄ of the greedy
  /// policy.
  static func navigationJobs(_ configuration: Configuration, _ designs: NavigationDesigns) throws -> [Job] {
    let settings = configuration.navigation, world = KeyLine.navigation, fine = settings.learnerCells
    let abstraction = try StateAbstraction(
      cells: (0..<2 * fine).map { cell in
        KeyLine.cell(
          of: .init(position: (Double(cell % fine) + 0.5) / Double(fine), hasKey: cell >= fine), count: settings.cells)
      } + [2 * settings.cells])
    return designs.rewards.flatMap { name, reward -> [Job] in
      let lifted = reward.map { abstraction.lift($0, actionCount: KeyLine.actionCount) }
      return (0..<settings.runs).map { number -> Job in
        {
          var random = RandomGenerator(seed: UInt64(number), spawnKey: [0x6e_61_76, 1])
          var learner = try TabularQ(
            stateCount: 2 * fine + 1, actionCount: KeyLine.actionCount, rate: settings.learningRate,
            discount: world.discount, epsilon: settings.epsilon)
          for _ in 0..<settings.episodes {
            var state = world.first(random: &random)
            for _ in 0..<world.horizon {
              let cell = KeyLine.cell(of: state, count: fine)
              let action = learner.act(cell, random: &random)
              let step = world.step(state, action, random: &random)
              learner.learn(
                cell, action, reward: lifted?[cell * KeyLine.actionCount + action] ?? step.reward,
                next: KeyLine.cell(of: step.next, count: fine), isTerminal: step.next == nil)
              guard let next = step.next else { break }
              state = next
            }
          }
          var total = 0.0
          for _ in 0..<settings.evaluations {
            var state = world.first(random: &random), weight = 1.0
            for _ in 0..<world.horizon {
              let step = world.step(
                state, learner.greedyAction(KeyLine.cell(of: state, count: fine)), random: &random)
              total += weight * step.reward
              weight *= world.discount
              guard let next = step.next else { break }
              state = next
            }
          }
          return [("LineKeyNav: \(name)", "value", total / Double(settings.evaluations))]
        }
      }
    }
  }

  static func navigationClaims(
    _ designs: NavigationDesigns, _ arms: [String: [String: [Double]]]
  ) -> [Verdict] {
    func value(_ name: String) -> Double { Statistics.mean(arms["LineKeyNav: \(name)"]?["value"] ?? []) }
    let designed = designs.rewards.filter { $0.reward != nil }.map { value($0.name) }.reduce(.infinity, min)
    return [
      Claim(
        "linekeynav-lifted-rewards-learn",
        "On LineKeyNav Q-learning is worth more on every lifted reward (PBRS, ExpRD, ExpRD on every cell) than on R̄ "
          + "(the least of their means − R̄'s).", .greater, 0
      ).verdict(measured: designed - value("R̄")),
      Claim(
        "linekeynav-picking-is-paid",
        "There ExpRD on every cell pays picking at the key more than the other actions (mean difference).", .greater, 0
      ).verdict(measured: designs.pickAdvantage),
    ]
  }

  // MARK: ExploRS with networks

  static let neuralArms = ["ExploRS", "SelfRS", "ExploB", "R̄"]

  static func neuralJobs(_ configuration: Configuration, _ run: RunContext) -> [Job] {
    let settings = configuration.neural, interruption = run.interruption, line = KeyLine.exploration
    if settings.episodes == 0 { return [] }
    return neuralArms.flatMap { arm -> [Job] in
      configuration.seeds.map { seed -> Job in
        {
          var shaping = settings.shaping
          shaping.isSelfTaught = arm == "ExploRS" || arm == "SelfRS"
          shaping.explores = arm == "ExploRS" || arm == "ExploB"
          let teacher = try NeuralShaping(
            observationWidth: KeyLine.observationWidth, actionCount: KeyLine.actionCount,
            placeCount: 2 * settings.bins, longest: settings.loop.horizon, discount: line.discount,
            configuration: shaping, seed: seed)
          let learner = try NeuralReinforce(
            observationWidth: KeyLine.observationWidth, actionCount: KeyLine.actionCount,
            longest: settings.loop.horizon, configuration: settings.learner, seed: seed)
          var random = RandomGenerator(seed: seed, spawnKey: [0x6e_6b])
          var returns: [Double] = []
          try settings.loop.run(
            in: line, bins: settings.bins, teacher: teacher, learner: learner, episodes: settings.episodes,
            random: &random
          ) { _, episode in
            returns.append(TaughtEpisode.returns(episode.original, discount: line.discount).first ?? 0)
            return !interruption.isRequested
          }
          // A curve of ten points, the last of which is what counts.
          let every = max(1, settings.episodes / 10)
          let curve = stride(from: every, through: settings.episodes, by: every).map { end in
            ("LineK, networks: \(arm)", "return at \(end)",
             Statistics.mean(Array(returns[..<min(end, returns.count)].suffix(settings.window))))
          }
          return curve + [
            ("LineK, networks: \(arm)", "return", Statistics.mean(Array(returns.suffix(settings.window))))
          ]
        }
      }
    }
  }

  static func neuralClaims(_ configuration: Configuration, _ arms: [String: [String: [Double]]]) -> [Verdict] {
    if configuration.neural.episodes == 0 { return [] }
    func value(_ arm: String) -> Double { Statistics.mean(arms["LineK, networks: \(arm)"]?["return"] ?? []) }
    let rivals = ["SelfRS", "ExploB", "R̄"].map(value).reduce(-.infinity, max)
    return [
      Claim(
        "linek-neural-explors-is-best",
        "On the continuous LineK, with networks, ExploRS returns no less than SelfRS, ExploB and R̄ at the end (mean "
          + "of seeds: ExploRS − the best of them).", .atLeast, 0
      ).verdict(measured: value("ExploRS") - rivals)
    ]
  }
}
