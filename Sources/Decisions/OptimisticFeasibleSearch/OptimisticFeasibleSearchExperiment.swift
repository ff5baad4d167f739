import Basics
import Experiments
import Foundation
import Synchronization

/// Does OFS find the best feasible threshold while its own decisions move the population? On the synthetic loop of the
/// brief, and on the public data sets whose files are given.
extension OptimisticFeasibleSearch {
  public struct Configuration: MethodConfiguration, Hashable {
    public var seeds: [UInt64] = Array(0..<5)
    /// T.
    public var rounds = 3_000
    /// The last rounds, over which the steady state is measured.
    public var steadyRounds = 500
    /// The grid: `thresholds` of them from `lowest` to `highest`.
    public var thresholds = 31
    public var lowest = 0.05
    public var highest = 0.95
    public var rule = Rule()
    /// η of the primal–dual baseline; its best is what OFS is compared with.
    public var stepSizes = [5e-4, 2e-3, 5e-3, 2e-2, 5e-2]
    /// λ_max.
    public var largestMultiplier = 10.0
    /// w of the ε-greedy baseline.
    public var penalties = [0.5, 1, 2, 4]
    public var synthetic = GaussianGroups.Parameters()
    public var constraints = FairnessConstraints()
    public var resampling = ResampledApplicants.Parameters()
    /// The s_min of the stress test, which nothing satisfies.
    public var impossibleAcceptance = 1.2
    /// Rounds for which the oracle holds each threshold.
    public var burnIn = 400
    /// People of round 0, labelled, on whom the thresholds by group are fitted that are frozen then.
    public var peerPeople = 2_000
    /// Paths of the public files; those that are empty are left out.
    public var german = ""
    public var compas = ""
    public var diabetes = ""
    /// What makes the groups of the German and the diabetes data.
    public var groupedBy = ApplicantTable.Attribute.automatic
    /// Whether the variants of OFS are run too.
    public var ablations = false

    /// The brief's acceptance experiment as it is: five seeds are some seconds.
    public static let smoke = Configuration()
    /// The same with the variants of OFS.
    public static let full: Configuration = {
      var full = Configuration()
      full.ablations = true
      return full
    }()

    public init(seeds: [UInt64] = Array(0..<5)) { self.seeds = seeds }

    var grid: [Double] {
      (0..<thresholds).map { lowest + (highest - lowest) * Double($0) / Double(max(thresholds - 1, 1)) }
    }

    func check() throws {
      guard !seeds.isEmpty, thresholds >= 2, lowest < highest, lowest.isFinite, highest.isFinite else {
        throw GuerdonError.usage("ofs needs a seed, and a grid of at least 2 thresholds from lowest to highest.")
      }
      guard steadyRounds >= 1, rounds >= steadyRounds, rounds >= thresholds, burnIn >= 1,
        peerPeople >= 2
      else {
        throw GuerdonError.usage(
          "ofs needs as many rounds as thresholds and as steady rounds (\(max(thresholds, steadyRounds))), a burn-in, "
            + "and two people for the frozen thresholds.")
      }
      guard !stepSizes.isEmpty, !penalties.isEmpty, stepSizes.allSatisfy({ $0 > 0 }), largestMultiplier >= 0 else {
        throw GuerdonError.usage("ofs's baselines need step sizes above 0, penalties, and a multiplier from 0 up.")
      }
      try rule.check()
    }
  }

  /// A loop to decide in, made anew for every seed.
  private struct Benchmark: Sendable {
    let name: String
    /// By how much OFS must violate less than its rivals.
    let share: Double
    let constraints: FairnessConstraints
    let make: @Sendable (_ seed: UInt64, FairnessConstraints) throws -> any ThresholdLoop
  }

  /// What is played: a learner for K arms, J constraints and the loop's first population; or, without one, thresholds
  /// by group that are fitted to people of round 0 and frozen.
  private struct Contestant: Sendable {
    let name: String
    var constraints: FairnessConstraints?
    var make: (@Sendable (_ constraints: Int, any ThresholdLoop) throws -> any ThresholdLearner)?
  }

  private struct Job: Sendable {
    let benchmark: Int, contestant: Contestant, seed: UInt64
  }

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    try configuration.check()
    let benchmarks = try benchmarks(configuration)
    let jobs = benchmarks.enumerated().flatMap { index, benchmark in
      contestants(configuration, benchmark).flatMap { contestant in
        configuration.seeds.map { Job(benchmark: index, contestant: contestant, seed: $0) }
      }
    }
    let outcomes = Mutex([Result<[String: Double], any Error>?](repeating: nil, count: jobs.count))
    let finished = Mutex(0)
    WorkerPool(threads: run.jobs).forEach(jobs.count) { index in
      if run.interruption.isRequested { return }
      let job = jobs[index]
      let outcome = Result { try measure(job, benchmarks[job.benchmark], configuration, run) }
      outcomes.withLock { $0[index] = outcome }
      let done = finished.withLock { $0 += 1; return $0 }
      run.progress.update("ofs", fraction: Double(done) / Double(jobs.count), detail: "\(done) of \(jobs.count) loops")
    }
    if run.interruption.isRequested { throw CancellationError() }

    var arms: [String: [String: [Double]]] = [:]
    for (job, outcome) in zip(jobs, outcomes.withLock({ $0 })) {
      let name = "\(benchmarks[job.benchmark].name): \(job.contestant.name)"
      for (metric, value) in try outcome?.get() ?? [:] { arms[name, default: [:]][metric, default: []].append(value) }
    }
    return evidence(arms, benchmarks, configuration)
  }

  // MARK: What is compared

  private static let stress = "impossible"

  private static func benchmarks(_ configuration: Configuration) throws -> [Benchmark] {
    var impossible = configuration.constraints
    impossible.leastAcceptance = configuration.impossibleAcceptance
    let synthetic: @Sendable (UInt64, FairnessConstraints) throws -> any ThresholdLoop = { _, constraints in
      try GaussianGroups(configuration.synthetic, constraints: constraints)
    }
    var benchmarks = [
      Benchmark(name: "synthetic", share: 0.3, constraints: configuration.constraints, make: synthetic),
      Benchmark(name: stress, share: 0.3, constraints: impossible, make: synthetic),
    ]
    let files: [(ApplicantTable.Format, String)] = [
      (.german, configuration.german), (.compas, configuration.compas), (.diabetes, configuration.diabetes),
    ]
    for (format, path) in files where !path.isEmpty {
      let table = try ApplicantTable(
        contentsOf: URL(fileURLWithPath: path), format: format, groupedBy: configuration.groupedBy)
      benchmarks.append(
        Benchmark(name: format.rawValue, share: 0.5, constraints: configuration.constraints) { seed, constraints in
          try loop(of: table, seed: seed, configuration.resampling, constraints)
        })
    }
    return benchmarks
  }

  /// A logistic score fitted on one half of a table, and a loop on the other half.
  public static func loop(
    of table: ApplicantTable, seed: UInt64, _ parameters: ResampledApplicants.Parameters,
    _ constraints: FairnessConstraints
  ) throws -> ResampledApplicants {
    var random = RandomGenerator(seed: seed, spawnKey: [0x73_70_6c])
    var order = Array(0..<table.count)
    for i in stride(from: table.count - 1, to: 0, by: -1) { order.swapAt(i, random.integer(below: i + 1)) }
    func rows(_ members: ArraySlice<Int>) -> [Double] {
      members.flatMap { table.features[$0 * table.width..<($0 + 1) * table.width] }
    }
    let half = table.count / 2
    let fitted = order[..<half], others = order[half...]
    let score = try LogisticScore(features: rows(fitted), isPositive: fitted.map { table.isGood[$0] })
    return try ResampledApplicants(
      scores: score.scores(rows(others)), groups: others.map { table.groups[$0] },
      isGood: others.map { table.isGood[$0] }, parameters: parameters, constraints: constraints)
  }

  private static func ofs(
    _ configuration: Configuration, _ name: String = "OFS", constraints: FairnessConstraints? = nil,
    _ change: (inout Rule) -> Void = { _ in }
  ) -> Contestant {
    var rule = configuration.rule
    change(&rule)
    let changed = rule
    return Contestant(name: name, constraints: constraints) { count, _ in
      try Learner(arms: configuration.thresholds, constraints: count, horizon: configuration.rounds, rule: changed)
    }
  }

  private static func contestants(_ configuration: Configuration, _ benchmark: Benchmark) -> [Contestant] {
    if benchmark.name == stress { return [ofs(configuration)] }
    let arms = configuration.thresholds, rounds = configuration.rounds, scale = configuration.rule.rewardScale
    var contestants = [
      ofs(configuration),
      Contestant(name: "UCB") { count, _ in
        try UpperConfidenceBound(arms: arms, constraints: count, horizon: rounds, scale: scale)
      },
    ]
    contestants += configuration.stepSizes.map { step in
      Contestant(name: "primal–dual, η = \(step)") { count, _ in
        try PrimalDual(
          arms: arms, constraints: count, horizon: rounds, scale: scale, stepSize: step,
          largest: configuration.largestMultiplier)
      }
    }
    contestants += configuration.penalties.map { penalty in
      Contestant(name: "penalised ε-greedy, w = \(penalty)") { _, _ in
        try PenalisedGreedy(arms: arms, penalty: penalty)
      }
    }
    contestants.append(Contestant(name: "uniform") { _, _ in Uniform(arms: arms) })
    contestants.append(
      Contestant(name: "frozen") { _, loop in
        // The best feasible threshold for the population of the first round, which no feedback has moved yet.
        Fixed(arm: choice(for: loop, configuration.grid))
      })
    contestants.append(Contestant(name: "frozen by group"))
    contestants.append(ofs(configuration, "OFS, pessimistic") { $0.stance = .pessimistic })
    guard configuration.ablations else { return contestants }
    var signed = benchmark.constraints, debiased = benchmark.constraints
    signed.parity = .signed
    debiased.parity = .debiased
    contestants += [
      ofs(configuration, "OFS, total fallback") { $0.fallback = .totalViolation },
      ofs(configuration, "OFS, discount 0.999") { $0.discount = 0.999 },
      ofs(configuration, "OFS, window 1000") { $0.window = 1_000 },
      ofs(configuration, "OFS, dwell 5 settle 2") { ($0.dwell, $0.settle) = (5, 2) },
      ofs(configuration, "OFS, sub-Gaussian σ = 0.07") {
        ($0.radius, $0.rewardScale, $0.residualScale) = (.subGaussian, 0.07, 0.07)
      },
      ofs(configuration, "OFS, Bernstein") {
        ($0.radius, $0.rewardScale, $0.residualScale) = (.bernstein, 0.05, 0.05)
      },
      ofs(configuration, "OFS, s = 0.05") { ($0.rewardScale, $0.residualScale) = (0.05, 0.05) },
      ofs(configuration, "OFS, s = 0.4") { ($0.rewardScale, $0.residualScale) = (0.4, 0.4) },
      ofs(configuration, "OFS, signed parity", constraints: signed),
      ofs(configuration, "OFS, debiased parity", constraints: debiased),
    ]
    return contestants
  }

  /// The best feasible arm where the population is now; the least violating one where none is.
  private static func choice(for loop: any ThresholdLoop, _ grid: [Double]) -> Int {
    let now = grid.map { loop.expectation(at: $0) }
    let feasible = grid.indices.filter { now[$0].residuals.allSatisfy { $0 <= 0 } }
    func violation(_ k: Int) -> Double { now[k].residuals.reduce(0) { $0 + max($1, 0) } }
    return feasible.max { now[$0].reward < now[$1].reward } ?? grid.indices.min { violation($0) < violation($1) } ?? 0
  }

  // MARK: What is measured

  private static func measure(
    _ job: Job, _ benchmark: Benchmark, _ configuration: Configuration, _ run: RunContext
  ) throws -> [String: Double] {
    let constraints = job.contestant.constraints ?? benchmark.constraints
    let loop = try benchmark.make(job.seed, constraints)
    // Every contestant meets the same applicants.
    var random = RandomGenerator(seed: job.seed, spawnKey: [0x6f_66_73, UInt32(job.benchmark)])
    var exploration = RandomGenerator(seed: job.seed, spawnKey: [0x6f_66_73, UInt32(job.benchmark), 1])
    guard let learner = try job.contestant.make?(loop.constraintCount, loop) else {
      return try frozenByGroup(loop, configuration, people: &exploration, random: &random)
    }
    func played(_ loop: some ThresholdLoop, _ learner: some ThresholdLearner) -> (Trace, Sweep) {
      var learner = learner
      let trace = play(
        &learner, in: loop, thresholds: configuration.grid, rounds: configuration.rounds, random: &random,
        exploration: &exploration)
      return (trace, Sweep(of: configuration.grid, in: loop, burnIn: configuration.burnIn))
    }
    let (trace, sweep) = played(loop, learner)
    if job.contestant.name == "OFS", job.seed == configuration.seeds.first {
      for t in stride(from: 0, through: configuration.rounds, by: 25) {
        let means = trace.populations[t].enumerated().map { ("\(benchmark.name)/population \($0)", $1) }
        try run.log(step: t, Dictionary(uniqueKeysWithValues: means))
      }
    }

    let last = trace.arms.suffix(configuration.steadyRounds)
    let steadyReward = Statistics.mean(last.map { sweep.rewards[$0] })
    let violations = trace.cumulativeViolations
    var metrics: [String: Double] = [
      "meanReward": Statistics.mean(trace.rewards),
      "steadyReward": Statistics.mean(Array(trace.rewards.suffix(configuration.steadyRounds))),
      "steadyTrueReward": steadyReward,
      "cumulativeViolation": violations.reduce(0, +),
      "transientViolation": trace.residuals.prefix(configuration.steadyRounds).joined().reduce(0) { $0 + max($1, 0) },
      "steadyViolation": Statistics.mean(last.map(sweep.totalViolation)),
      "feasibleShare": Double(trace.arms.filter(sweep.isFeasible).count) / Double(trace.arms.count),
      "drift": trace.drift,
    ]
    for (j, violation) in violations.enumerated() { metrics["cumulativeViolation of constraint \(j)"] = violation }
    if benchmark.name == stress {
      let least = configuration.grid.indices.map(sweep.largestViolation).min() ?? 0
      metrics["excessViolation"] = Statistics.mean(last.map(sweep.largestViolation)) - least
    } else {
      guard let best = sweep.best else {
        throw GuerdonError.failure(
          "No threshold of the grid is feasible on \(benchmark.name); loosen constraints.parityTolerance "
            + "or constraints.leastAcceptance.")
      }
      metrics["gap"] = sweep.rewards[best] - steadyReward
      metrics["bestThreshold"] = configuration.grid[best]
      metrics["bestReward"] = sweep.rewards[best]
    }
    return metrics
  }

  /// fairlearn's way: fitted once on labelled people of round 0, and frozen.
  private static func frozenByGroup(
    _ start: some ThresholdLoop, _ configuration: Configuration, people luck: inout RandomGenerator,
    random: inout RandomGenerator
  ) throws -> [String: Double] {
    let people = (0..<configuration.peerPeople).map { _ in start.applicant(random: &luck) }
    let thresholds = try parityThresholds(of: people)
    var loop = start, rewards: [Double] = [], violation = 0.0
    for _ in 0..<configuration.rounds {
      let (reward, residuals) = loop.play(thresholds, random: &random)
      rewards.append(reward)
      violation += residuals.reduce(0) { $0 + max($1, 0) }
    }
    let steady = loop.expectation(at: thresholds)
    return [
      "meanReward": Statistics.mean(rewards),
      "steadyReward": Statistics.mean(Array(rewards.suffix(configuration.steadyRounds))),
      "steadyTrueReward": steady.reward, "cumulativeViolation": violation,
      "steadyViolation": steady.residuals.reduce(0) { $0 + max($1, 0) },
      "drift": zip(start.population, loop.population).reduce(0) { max($0, abs($1.0 - $1.1)) },
      "threshold of the first group": thresholds.first, "threshold of the second group": thresholds.second,
    ]
  }

  private static func evidence(
    _ arms: [String: [String: [Double]]], _ benchmarks: [Benchmark], _ configuration: Configuration
  ) -> Evidence {
    func values(_ benchmark: Benchmark, _ arm: String, _ metric: String) -> [Double] {
      arms["\(benchmark.name): \(arm)"]?[metric] ?? []
    }
    func mean(_ benchmark: Benchmark, _ arm: String, _ metric: String) -> Double {
      Statistics.mean(values(benchmark, arm, metric))
    }
    var claims: [Verdict] = [], notes: [String] = []
    for benchmark in benchmarks {
      let name = benchmark.name
      if name == stress {
        let excess = values(benchmark, "OFS", "excessViolation")
        claims.append(
          Claim(
            "impossible-least-violation",
            "With constraints that no threshold meets, OFS ends within 0.05 of the least possible violation in "
              + "at least 4 of 5 seeds.", .atLeast, 0.8
          ).verdict(measured: Double(excess.filter { $0 <= 0.05 }.count) / Double(max(excess.count, 1))))
        continue
      }
      let duals = configuration.stepSizes.map { step in
        (step: step, violation: mean(benchmark, "primal–dual, η = \(step)", "cumulativeViolation"))
      }
      let best = duals.min { $0.violation < $1.violation } ?? (step: 0, violation: .nan)
      let ours = mean(benchmark, "OFS", "cumulativeViolation")
      claims += [
        Claim(
          "\(name)-feasible", "On \(name), OFS's mean true violation over the last rounds is at most 0.01.",
          .atMost, 0.01
        ).verdict(measured: mean(benchmark, "OFS", "steadyViolation")),
        Claim(
          "\(name)-near-optimal",
          "On \(name), OFS's true reward over the last rounds is within 0.02 of the best feasible fixed threshold's.",
          .atMost, 0.02
        ).verdict(measured: mean(benchmark, "OFS", "gap")),
        Claim(
          "\(name)-less-violation-than-ucb",
          "On \(name), OFS's cumulative violation is at most \(benchmark.share) times that of unconstrained UCB.",
          .atMost, benchmark.share
        ).verdict(measured: ours / mean(benchmark, "UCB", "cumulativeViolation")),
        Claim(
          "\(name)-less-violation-than-primal-dual",
          "On \(name), OFS's cumulative violation is at most \(benchmark.share) times that of the best-tuned "
            + "primal–dual bandit.", .atMost, benchmark.share
        ).verdict(measured: ours / best.violation),
        Claim(
          "\(name)-ucb-violates", "On \(name), unconstrained UCB's mean true violation over the last rounds is at "
            + "least 0.1.",
          .atLeast, 0.1
        ).verdict(measured: mean(benchmark, "UCB", "steadyViolation")),
      ]
      notes.append(
        "\(name): the best primal–dual bandit has η = \(best.step); the best feasible fixed threshold is "
          + String(
            format: "%.3f with reward %.4f (means over seeds).", mean(benchmark, "OFS", "bestThreshold"),
            mean(benchmark, "OFS", "bestReward")))
    }
    notes.append(
      "The paper's full text was not at hand: the loops, their constants, the radii and the baselines are the brief's "
        + "reconstruction; the decision rule is the abstract's.")
    if benchmarks.count == 2 {
      notes.append(
        "No public data were given: --set german=PATH, compas=PATH or diabetes=PATH adds the semi-synthetic loops.")
    }
    return Evidence(claims: claims, arms: arms, notes: notes)
  }
}
