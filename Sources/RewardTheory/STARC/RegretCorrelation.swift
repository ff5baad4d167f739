import Basics
import Experiments
import FiniteMDPs
import RewardAudit
import Synchronization

/// How well distances foretell regret: the paper's protocol.
extension STARC {
  /// What the regrets of a reward with others need of it: where its best and its worst policy spend their time.
  struct Plan: Sendable {
    /// R̄, [S, A].
    let expected: [Double]
    /// Occupancies of an optimal policy for R, and for -R.
    let best: Occupancy, worst: Occupancy

    init(_ reward: FiniteMDP.Reward, in mdp: FiniteMDP) throws {
      let paid = try mdp.replacing(reward: reward)
      expected = paid.expectedReward
      best = try mdp.occupancy(of: paid.policyIteration().policy)
      worst = try mdp.occupancy(
        of: mdp.replacing(reward: .stateAction(expected.map { -$0 })).policyIteration().policy)
    }

    /// (J(π) - J(π')) / (J(π) - J(π₋)): what following the other reward's best policy loses of what is to be won.
    func regret(following other: Plan) -> Double {
      let top = best.total(of: expected), range = top - worst.total(of: expected)
      let size = expected.reduce(0) { max($0, abs($1)) } * best.stateActions.reduce(0, +)
      // Where all policies earn the same nothing can be lost.
      guard range > 1e-12 * size else { return 0 }
      return max(0, top - other.best.total(of: expected)) / range
    }
  }

  /// The mean, over both rewards, of what an optimal policy of one loses under the other, as a share of what is to be won;
  /// in [0, 1]. Exact.
  /// - Throws: `GuerdonError` for a wrong shape or numbers that are not finite, or discount 1 without an end.
  public static func regret(
    between first: FiniteMDP.Reward, and second: FiniteMDP.Reward, in mdp: FiniteMDP
  ) throws -> Double {
    let one = try Plan(first, in: mdp), two = try Plan(second, in: mdp)
    return (one.regret(following: two) + two.regret(following: one)) / 2
  }

  /// A random reward of the paper's experiments: standard normal entries, with probability 0.2 only those of at least 3,
  /// with 0.7 scaled, with 0.3 shifted, with 0.5 shaped by a random potential.
  public static func randomReward(in mdp: FiniteMDP, random: inout RandomGenerator) -> FiniteMDP.Reward {
    let states = mdp.stateCount, rows = states * mdp.actionCount
    var table = (0..<rows * states).map { _ in random.normal() }
    if random.uniform() < 0.2 { table = table.map { $0 < 3 ? 0 : $0 } }
    if random.uniform() < 0.7 {
      let factor = 10 * random.uniform()
      for k in table.indices { table[k] *= factor }
    }
    if random.uniform() < 0.3 {
      let shift = 10 * random.uniform()
      for k in table.indices { table[k] += shift }
    }
    if random.uniform() < 0.5 {
      let factor = 10 * random.uniform(), shift = random.uniform()
      // An end is worth nothing, whatever is drawn for it.
      let potential = (0..<states).map { s in
        let drawn = factor * random.normal() + shift
        return mdp.isTerminal[s] ? 0 : drawn
      }
      for k in table.indices {
        table[k] += mdp.discount * potential[k % states] - potential[k / states / mdp.actionCount]
      }
    }
    return .transition(table)
  }

  /// Distances of one metric, or regrets, point by point.
  public struct Correlations: Sendable {
    public let metrics: [Metric]
    /// The regret of every point.
    public let regrets: [Double]
    /// distances[metric][point].
    public let distances: [[Double]]

    init(metrics: [Metric], regrets: [Double], distances: [[Double]]) {
      (self.metrics, self.regrets, self.distances) = (metrics, regrets, distances)
    }

    /// All points of some processes.
    init(joining parts: [Correlations], metrics: [Metric]) {
      self.init(
        metrics: metrics, regrets: parts.flatMap(\.regrets),
        distances: metrics.indices.map { index in parts.flatMap { $0.distances[index] } })
    }

    /// Pearson's correlation of a metric's distances with the regrets.
    public func correlation(of metric: Int) -> Double { Statistics.pearson(distances[metric], regrets) }
  }

  /// Pairs of random rewards, and what lies between them, in one process: regret beside distance by every metric.
  ///
  /// For every pair the points are R₁ against R₁ + (k / steps) (R₂ - R₁), k = 1 … steps.
  /// - Throws: `GuerdonError` as `distance`.
  public static func correlationPoints(
    in mdp: FiniteMDP, pairs: Int, steps: Int, metrics: [Metric], random: inout RandomGenerator
  ) throws -> Correlations {
    try mdp.checkReachability()
    var canonicalisers: [RewardCanonicaliser] = []
    for metric in metrics where !canonicalisers.contains(where: { $0.kind == metric.canonicalisation }) {
      canonicalisers.append(try RewardCanonicaliser(metric.canonicalisation, in: mdp))
    }
    var regrets: [Double] = [], distances = [[Double]](repeating: [], count: metrics.count)
    for _ in 0..<pairs {
      let first = randomReward(in: mdp, random: &random), second = randomReward(in: mdp, random: &random)
      guard case .transition(let begin) = first, case .transition(let end) = second else { continue }
      let plan = try Plan(first, in: mdp)
      let origin = try standardisations(of: first, by: canonicalisers, metrics, in: mdp)
      for step in 1...max(1, steps) {
        let weight = Double(step) / Double(max(1, steps))
        let between = FiniteMDP.Reward.transition(zip(begin, end).map { $0 + weight * ($1 - $0) })
        let other = try Plan(between, in: mdp)
        regrets.append((plan.regret(following: other) + other.regret(following: plan)) / 2)
        let standardised = try standardisations(of: between, by: canonicalisers, metrics, in: mdp)
        for (index, metric) in metrics.enumerated() {
          distances[index].append(metric.distance(origin[index], standardised[index], in: mdp))
        }
      }
    }
    return Correlations(metrics: metrics, regrets: regrets, distances: distances)
  }

  /// The whole protocol of one seed: the points of all its random processes, in their order.
  /// - Throws: as `correlationPoints`.
  public static func correlations(
    _ configuration: Configuration, seed: UInt64, metrics: [Metric], on pool: WorkerPool
  ) throws -> Correlations {
    let results = Mutex([Result<Correlations, any Error>?](repeating: nil, count: configuration.environments))
    pool.forEach(configuration.environments) { index in
      let result = Result {
        try correlationPoints(configuration, seed: seed, environment: index, metrics: metrics)
      }
      results.withLock { $0[index] = result }
    }
    return Correlations(joining: try results.withLock { try $0.compactMap { try $0?.get() } }, metrics: metrics)
  }

  /// The points of the protocol's process number `environment`.
  static func correlationPoints(
    _ configuration: Configuration, seed: UInt64, environment: Int, metrics: [Metric]
  ) throws -> Correlations {
    var random = RandomGenerator(seed: seed, spawnKey: [0, UInt32(environment)])
    let mdp = try FiniteMDP.thresholded(
      stateCount: configuration.states, actionCount: configuration.actions, threshold: configuration.threshold,
      discount: configuration.discount, random: &random)
    return try correlationPoints(
      in: mdp, pairs: configuration.pairs, steps: configuration.steps, metrics: metrics, random: &random)
  }

  /// s(R) for every metric; metrics that share c or n share the work.
  private static func standardisations(
    of reward: FiniteMDP.Reward, by canonicalisers: [RewardCanonicaliser], _ metrics: [Metric], in mdp: FiniteMDP
  ) throws -> [StandardisedReward] {
    var result = [StandardisedReward?](repeating: nil, count: metrics.count)
    for canonicaliser in canonicalisers {
      let canonical = try canonicaliser(reward)
      var known: [(norm: RewardNorm?, standardised: StandardisedReward)] = []
      for (index, metric) in metrics.enumerated() where metric.canonicalisation == canonicaliser.kind {
        let standardised =
          known.first { $0.norm == metric.normalisation }?.standardised
          ?? canonical.standardised(by: metric.normalisation, in: mdp)
        known.append((metric.normalisation, standardised))
        result[index] = standardised
      }
    }
    return result.compactMap { $0 }
  }

  /// W(R₁, R₂) over d(R₁, R₂) for random pairs in one process: soundness bounds it from above, completeness from below.
  ///
  /// The pairs are of rewards with standard normal entries [S, A, S], R₁ against R₁ + w (R₂ - R₁).
  /// - Returns: ratios[metric][pair].
  /// - Throws: `GuerdonError` as `worstCaseRegret`.
  public static func regretRatios(
    in mdp: FiniteMDP, pairs: Int, weights: [Double], metrics: [Metric], random: inout RandomGenerator
  ) throws -> [[Double]] {
    try mdp.checkReachability()
    let canonicalisers = try metrics.map { try RewardCanonicaliser($0.canonicalisation, in: mdp) }
    let entries = mdp.stateCount * mdp.actionCount * mdp.stateCount
    var ratios = [[Double]](repeating: [], count: metrics.count)
    for _ in 0..<pairs {
      let first = (0..<entries).map { _ in random.normal() }, second = (0..<entries).map { _ in random.normal() }
      for weight in weights {
        let between = zip(first, second).map { $0 + weight * ($1 - $0) }
        let regret = try worstCaseRegret(.transition(first), optimising: .transition(between), in: mdp)
        for (index, metric) in metrics.enumerated() {
          let one = try canonicalisers[index](.transition(first)).standardised(by: metric.normalisation, in: mdp)
          let two = try canonicalisers[index](.transition(between)).standardised(by: metric.normalisation, in: mdp)
          ratios[index].append(regret / metric.distance(one, two, in: mdp))
        }
      }
    }
    return ratios
  }
}
