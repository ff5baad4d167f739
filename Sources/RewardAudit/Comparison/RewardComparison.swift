import Basics
import Environments
import Experiments
import FiniteMDPs
import Foundation
import Rewards

/// How far apart some rewards are in one environment, as far as it matters to whoever optimises them.
public struct RewardComparison: Sendable {
  /// A reward to compare.
  public struct Entry: Sendable {
    public var name: String
    /// nil is the environment's own reward.
    public var function: (any RewardFunction)?

    public init(_ name: String, _ function: (any RewardFunction)?) { (self.name, self.function) = (name, function) }
  }

  public enum Metric: String, Sendable, Codable, CaseIterable {
    /// STARC with VAL and L2 (arXiv 2309.15257).
    case starc
    /// EPIC (arXiv 2006.13900), as a STARC metric in [0, 2].
    case epic
    /// DARD (arXiv 2201.10081), likewise.
    case dard

    var exact: STARCMetric {
      switch self {
      case .starc: .val
      case .epic: .epic
      case .dard: .dard
      }
    }
  }

  /// All distances by one metric, in [0, 2]: 0 for the same order of all policies, 2 for the opposite one.
  public struct Table: Sendable, Codable {
    public var metric: Metric
    /// [N, N], row-major; exact where both bounds are equal to it.
    public var distances: [Double]
    /// 95 % bounds.
    public var low: [Double]
    public var high: [Double]
    /// The distance between a reward and itself by other rollouts: the upper 95 % bound, the greatest of all rewards. Less
    /// cannot be told from 0 between rewards that do not share their noise.
    /// 0 where the table is exact.
    public var floor: Double

    /// What lies close together; nil where a distance is no number.
    public var clustering: AverageLinkage? {
      guard !distances.isEmpty, distances.allSatisfy(\.isFinite) else { return nil }
      return AverageLinkage(distances: distances, count: Int(Double(distances.count).squareRoot()))
    }
  }

  /// What a term does to a distance.
  public struct TermEffect: Sendable, Codable {
    public var reward: String
    public var term: String
    public var other: String
    public var distance: Double
    /// The distance if the term were left out.
    public var without: Double
  }

  public struct Result: Sendable, Codable {
    public var names: [String]
    public var isExact: Bool
    /// Rewards that random play cannot tell from one that says nothing; they are in none of the tables.
    public var leftOut: [String]
    public var tables: [Table]
    /// By the first metric; those first whose absence brings two rewards closest.
    public var terms: [TermEffect]
    /// What the distances promise, in words.
    public var guarantees: [String]
  }

  // MARK: Both

  /// Distances in an environment: exact where it has finitely many states, else from random play.
  /// - Parameters:
  ///   - environment: whose episodes have their limit in random play.
  ///   - metrics: EPIC and DARD are for exact models only.
  ///   - sampling: its discount holds for an exact model, too.
  ///   - pool: steps the environments.
  /// - Throws: `GuerdonError` for fewer than two rewards, a metric that this environment does not have, or as `exact` and
  ///   `sampled`; `CancellationError` when it was stopped.
  public static func measure(
    _ entries: [Entry], in environment: EnvironmentSpec, metrics: [Metric] = [.starc],
    sampling: Sampling = Sampling(), seed: UInt64, pool: WorkerPool = WorkerPool(), shouldStop: () -> Bool = { false }
  ) throws -> Result {
    guard entries.count >= 2 else { throw GuerdonError.usage("A comparison needs at least two rewards.") }
    if let model = try Environments.finiteModel(environment.id, discount: sampling.discount) {
      return try exact(entries, in: model, metrics: metrics)
    }
    if let metric = metrics.first(where: { $0 != .starc }) {
      throw GuerdonError.usage(
        "\(metric.rawValue) puts states together that no transition of \(environment.id) connects, so it needs an exact model; starc works here.")
    }
    var sampling = sampling
    // Copies of a bridged environment are Python objects, and large.
    if environment.id.hasPrefix(GymnasiumConfiguration.prefix) { sampling.copies = min(sampling.copies, 128) }
    return try sampled(entries, sampling: sampling, seed: seed, shouldStop: shouldStop) {
      try Environments.make(
        environment.id, count: $0, pool: pool, maxEpisodeSteps: environment.maxEpisodeSteps)
    }
  }

  // MARK: Exact

  /// Distances in an environment of finitely many states, all of them exact.
  /// - Throws: `GuerdonError` when a reward is not finite on some transition.
  public static func exact(_ entries: [Entry], in model: FiniteModel, metrics: [Metric]) throws -> Result {
    let part = try model.mdp.reachablePart()
    var rewards: [FiniteMDP.Reward] = [], terms: [(entry: Int, name: String, without: FiniteMDP.Reward)] = []
    for (index, entry) in entries.enumerated() {
      guard let function = entry.function else {
        rewards.append(part.mdp.reward)
        continue
      }
      let found = try evaluated(function, model.transitions, rows: model.outcomes.count, entry.name)
      rewards.append(try part.reward(model.reward(found.total)))
      guard function.termNames.count > 1 else { continue }
      for (term, name) in function.termNames.enumerated() {
        let share = found.terms[term * found.total.count..<(term + 1) * found.total.count]
        terms.append((index, name, try part.reward(model.reward(zip(found.total, share).map { $0 - $1 }))))
      }
    }
    let tables = try metrics.map { metric in
      let distances = try metric.exact.distances(among: rewards, in: part.mdp)
      return Table(metric: metric, distances: distances, low: distances, high: distances, floor: 0)
    }
    var effects: [TermEffect] = []
    if let first = metrics.first {
      for term in terms {
        for other in entries.indices where other != term.entry {
          let without = try first.exact.distance(between: term.without, and: rewards[other], in: part.mdp)
          effects.append(
            TermEffect(
              reward: entries[term.entry].name, term: term.name, other: entries[other].name,
              distance: tables[0].distances[term.entry * entries.count + other], without: without))
        }
      }
    }
    return Result(
      names: entries.map(\.name), isExact: true, leftOut: [], tables: tables, terms: sorted(effects),
      guarantees: try promises(rewards, entries.map(\.name), in: part.mdp))
  }

  /// Which rewards say nothing, and the regret bounds of every pair, by linear programming.
  private static func promises(_ rewards: [FiniteMDP.Reward], _ names: [String], in mdp: FiniteMDP) throws -> [String] {
    let canonicaliser = try RewardCanonicaliser(.valueAdjustedLevelling, in: mdp)
    var lines = try zip(names, rewards).filter { try canonicaliser($0.1).isTrivial }.map { name, _ in
      "\(name) tells no policies apart: it is at distance 1 from every reward that does."
    }
    for i in rewards.indices {
      for j in rewards.indices where i != j {
        let regret = try mdp.worstCaseRegret(rewards[i], optimising: rewards[j])
        // Names are the user's, and may hold a percent sign: they stay out of the format.
        let share = String(format: "%.1f %%", 100 * regret)
        lines.append("Whoever improves a policy by \(names[j]) loses at most \(share) of what \(names[i]) has to win.")
      }
    }
    return lines
  }

  private static func evaluated(
    _ function: any RewardFunction, _ batch: TransitionBatch, rows: Int, _ name: String
  ) throws -> (total: [Double], terms: [Double]) {
    var total = [Double](repeating: 0, count: rows)
    var terms = [Double](repeating: 0, count: rows * function.termNames.count)
    try function.makeEvaluator().evaluate(batch, rows: 0..<rows, total: &total, terms: &terms)
    guard let wrong = total.first(where: { !$0.isFinite }) else { return (total, terms) }
    throw GuerdonError.failure("\(name) gives \(wrong) on a transition; guard it against division by zero and overflow.")
  }

  static func sorted(_ effects: [TermEffect]) -> [TermEffect] {
    effects.sorted { $0.distance - $0.without > $1.distance - $1.without }
  }

  // MARK: Sampled

  /// What a sampled comparison takes.
  public struct Sampling: Sendable {
    /// Transitions that are compared.
    public var transitions = 192
    /// Rollouts from each end of a transition, a multiple of 4: their quarters estimate values apart from each other.
    public var rollouts = 16
    /// Steps of a rollout.
    public var horizon = 100
    public var discount = 0.95
    /// Steps of random play between two of the transitions.
    public var spacing = 7
    public var resamples = 1000
    /// Copies of the environment that roll out side by side, at most; more transitions take turns.
    public var copies = 8192

    public init() {}
  }

  /// STARC distances in any environment whose state can be saved and set.
  ///
  /// The canonical form is VAL's for uniformly random play: c(R)(s, a, s') = R(s, a, s') + γ V(s') - V(s), with V by rollouts,
  /// the same ones for every reward. Inner products pair different quarters of the rollouts, so that their noise, which is
  /// independent, does not count as distance: d² = 2 - 2 ⟨c₁, c₂⟩ / √(⟨c₁, c₁⟩ ⟨c₂, c₂⟩).
  /// - Parameter environment: makes copies of the environment, with `.sameStep`.
  /// A reward that cannot be told from a trivial one for the noise is left out.
  /// - Throws: `GuerdonError` when a reward is not finite, or fewer than two are left.
  public static func sampled(
    _ entries: [Entry], sampling: Sampling = Sampling(), seed: UInt64, shouldStop: () -> Bool = { false },
    environment make: (_ count: Int) throws -> any VectorEnvironment
  ) throws -> Result {
    let probes = try Probe(entries, sampling: sampling, seed: seed, shouldStop: shouldStop, environment: make)
    let all = Array(0..<sampling.transitions)
    let told = entries.indices.filter { probes.product($0, $0, over: all) > 0 }
    let leftOut = entries.indices.filter { !told.contains($0) }.map { entries[$0].name }
    guard told.count >= 2 else {
      throw GuerdonError.failure(
        "\(leftOut.joined(separator: ", ")) cannot be told from a reward that says nothing by random play: more rollouts or transitions may help, where the reward is not the same everywhere.")
    }
    let count = told.count
    var distances = [Double](repeating: 0, count: count * count), low = distances, high = distances
    var random = RandomGenerator(seed: seed, spawnKey: [0x62_6f])
    let resamples = (0..<sampling.resamples).map { _ in all.map { _ in random.integer(below: sampling.transitions) } }
    var floor = 0.0
    for i in 0..<count {
      let noise = resamples.prefix(200).map { probes.floor(told[i], over: $0) }.map { $0.isNaN ? 2.0.squareRoot() : $0 }
      floor = max(floor, Statistics.quantile(noise, 0.95))
      for j in i + 1..<max(i + 1, count) {
        let drawn = resamples.map { probes.distance(told[i], told[j], over: $0) }.filter(\.isFinite)
        let value = probes.distance(told[i], told[j], over: all)
        for cell in [i * count + j, j * count + i] {
          distances[cell] = value
          low[cell] = min(value, Statistics.quantile(drawn, 0.025))
          high[cell] = max(value, Statistics.quantile(drawn, 0.975))
        }
      }
    }
    var effects: [TermEffect] = []
    for (vector, owner) in probes.terms {
      guard let own = told.firstIndex(of: owner.entry) else { continue }
      for other in 0..<count where other != own {
        let without = probes.distance(vector, told[other], over: all)
        // What is left without the term may say nothing, and has no distance then.
        guard without.isFinite else { continue }
        effects.append(
          TermEffect(
            reward: entries[owner.entry].name, term: owner.name, other: entries[told[other]].name,
            distance: distances[own * count + other], without: without))
      }
    }
    return Result(
      names: told.map { entries[$0].name }, isExact: false, leftOut: leftOut,
      tables: [Table(metric: .starc, distances: distances, low: low, high: high, floor: floor)], terms: sorted(effects),
      guarantees: [
        "Distance 0 means that both rewards order all policies alike, and 2 that they order them the other way round; "
          + "between them regret grows no faster than in proportion to the distance. The factor is not known where the "
          + "environment has no exact model, and states that random play does not reach were not looked at."
      ])
  }
}
