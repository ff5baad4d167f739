import Basics
import Experiments
import FiniteMDPs
import Foundation

/// STARC metrics: how far apart two rewards are, as far as it matters to whoever optimises them (Skalse et al.,
/// arXiv 2309.15257). A distance is made in three steps: a canonicalisation c, a norm n to divide by, and a norm m of
/// the difference:
///
///     s(R) = c(R) / n(c(R)), or 0 where c(R) = 0        d(R₁, R₂) = m(s(R₁) - s(R₂))
///
/// Every distance belongs to one process; never compare distances of different ones.
public struct STARC: Method {
  public static let card = MethodCard(
    id: "starc", title: "STARC: A General Framework For Quantifying Differences Between Reward Functions",
    paper: Paper(arXiv: "2309.15257", year: 2023, month: 9, authors: 6), family: .theory,
    summary:
      "Distances between reward functions that take away shaping, S'-redistribution and scale, and so bound worst-case regret from both sides; EPIC and DARD beside them.")

  /// c, n and m.
  public struct Metric: Sendable, Hashable {
    public var canonicalisation: Canonicalisation
    /// n; nil divides by 1.
    public var normalisation: RewardNorm?
    /// m.
    public var difference: RewardNorm
    /// What the distance is multiplied by: 1 gives [0, 2] where n = m, ½ gives [0, 1] as some papers have it.
    public var scale: Double

    public init(
      _ canonicalisation: Canonicalisation = .valueAdjustedLevelling, normalisation: RewardNorm? = .l2,
      difference: RewardNorm = .l2, scale: Double = 1
    ) {
      (self.canonicalisation, self.normalisation, self.difference, self.scale) =
        (canonicalisation, normalisation, difference, scale)
    }

    /// The paper's main proposal: VAL with L2 and L2.
    public static let val = Metric()
    /// The projection onto the complement of what does not matter: 2 sin(θ / 2), θ the angle between both rewards.
    public static let minimal = Metric(.minimal)
    /// Twice EPIC's own distance.
    public static let epic = Metric(.epic)
    public static let dard = Metric(.dard)
  }

  /// s(R) as c(R) and what it is to be multiplied by.
  public struct Standardised: Sendable {
    public let canonical: CanonicalReward
    /// 1 / n(c(R)); 0 for a trivial reward.
    public let factor: Double

    /// s(R), [S, A, S].
    public var table: [Double] { canonical.table.map { factor * $0 } }
  }

  // MARK: Step 1

  /// c(R).
  /// - Parameters:
  ///   - reward: [S, A, S], [S, A] or [S].
  ///   - mdp: the process; its own reward plays no part.
  ///   - policy: the reference policy of VAL; nil is the uniform one.
  /// - Throws: `GuerdonError` for a wrong shape, numbers that are not finite, a state that no policy reaches, or discount 1
  ///   where values are not finite.
  public static func canonicalise(
    _ reward: FiniteMDP.Reward, in mdp: FiniteMDP, by kind: Canonicalisation = .valueAdjustedLevelling,
    policy: TabularPolicy? = nil
  ) throws -> CanonicalReward {
    try checkReachability(mdp)
    return try RewardCanonicaliser(kind, in: mdp, policy: policy)(reward)
  }

  // MARK: Step 2

  /// s(R): c(R) divided by its norm. A trivial reward stays 0.
  public static func standardise(
    _ canonical: CanonicalReward, by norm: RewardNorm? = .l2, in mdp: FiniteMDP
  ) -> Standardised {
    if canonical.isTrivial { return Standardised(canonical: canonical, factor: 0) }
    guard let norm else { return Standardised(canonical: canonical, factor: 1) }
    let size = canonical.norm(norm, in: mdp.transitions)
    return Standardised(canonical: canonical, factor: size > 0 ? 1 / size : 0)
  }

  // MARK: Step 3

  /// m(s(R₁) - s(R₂)).
  public static func distance(
    _ first: Standardised, _ second: Standardised, by norm: RewardNorm = .l2, in mdp: FiniteMDP
  ) -> Double {
    CanonicalReward.norm(
      norm, of: first.canonical, times: first.factor, minus: second.canonical, times: second.factor,
      in: mdp.transitions)
  }

  // MARK: All three

  /// d(R₁, R₂).
  ///
  /// 0 means that both rewards order all policies alike, and 2 (with L2 and L2) that they order them the other way round. A
  /// trivial reward, which tells no policies apart, is at distance 0 from another trivial one and 1 from any other.
  /// - Throws: as `canonicalise`.
  public static func distance(
    between first: FiniteMDP.Reward, and second: FiniteMDP.Reward, in mdp: FiniteMDP, metric: Metric = .val
  ) throws -> Double {
    if metric.canonicalisation == .epic, metric.normalisation == .l2, metric.difference == .l2 {
      try checkReachability(mdp)
      if let distance = try RewardCanonicaliser(.epic, in: mdp).distanceByMoments(first, second) {
        return metric.scale * distance
      }
    }
    return try distances(among: [first, second], in: mdp, metric: metric)[1]
  }

  /// All distances among some rewards, [N, N].
  /// - Throws: as `canonicalise`.
  public static func distances(
    among rewards: [FiniteMDP.Reward], in mdp: FiniteMDP, metric: Metric = .val
  ) throws -> [Double] {
    try checkReachability(mdp)
    let canonicaliser = try RewardCanonicaliser(metric.canonicalisation, in: mdp)
    let standardised = try rewards.map {
      try standardise(canonicaliser($0), by: metric.normalisation, in: mdp)
    }
    let count = rewards.count
    var table = [Double](repeating: 0, count: count * count)
    for i in 0..<count {
      for j in i + 1..<max(i + 1, count) {
        let distance = metric.scale * distance(standardised[i], standardised[j], by: metric.difference, in: mdp)
        (table[i * count + j], table[j * count + i]) = (distance, distance)
      }
    }
    return table
  }

  /// - Throws: `GuerdonError` naming a state that no policy reaches: what a reward says there changes no policy's return, but
  ///   would change the distance.
  static func checkReachability(_ mdp: FiniteMDP) throws {
    // Most processes may begin anywhere.
    if zip(mdp.initial, mdp.isTerminal).allSatisfy({ $0 > 0 || $1 }) && !mdp.isTerminal.contains(true) { return }
    guard let lost = mdp.isReachable.firstIndex(of: false) else { return }
    throw GuerdonError.usage(
      "No policy ever reaches state \(lost) from the initial distribution, so what a reward says there means nothing; "
        + "compare the rewards in the process's `reachablePart()`, or begin with some probability in every state.")
  }

  // MARK: What the distance is worth

  /// W(R₁, R₂) ∈ [0, 1]: the most that can be lost under R₁, as a share of what is to be won, by moving from one policy to
  /// another that R₂ holds for no worse.
  ///
  /// A linear program over two discounted occupancies: max R̄₁·(x₁ - x₂) with R̄₂·(x₂ - x₁) ≥ 0, over max J₁ - min J₁.
  /// - Returns: 0 for a trivial R₁, by which nothing can be lost.
  /// - Throws: `GuerdonError` for a wrong shape or numbers that are not finite, or discount 1 without an end.
  public static func worstCaseRegret(
    _ first: FiniteMDP.Reward, optimising second: FiniteMDP.Reward, in mdp: FiniteMDP
  ) throws -> Double {
    let one = try mdp.replacing(reward: first), two = try mdp.replacing(reward: second)
    // Numbers near 1, whatever the rewards' scale: the program's tolerance is absolute.
    let costs = unit(one.expectedReward), rival = unit(two.expectedReward)
    let range = try returnRange(mdp.replacing(reward: .stateAction(costs)))
    guard range > 1e-9 else { return 0 }
    var program = LinearProgram(.maximise)
    let better = try program.addOccupancy(of: mdp, costs: costs, normalised: mdp.discount < 1).variables
    let worse = try program.addOccupancy(of: mdp, costs: costs.map { -$0 }, normalised: mdp.discount < 1).variables
    program.addRow(
      zip(worse, rival).map { .init($0, $1) } + zip(better, rival).map { .init($0, -$1) }, atLeast: 0)
    return try max(0, program.optimum().objective) / (range * (mdp.discount < 1 ? 1 - mdp.discount : 1))
  }

  /// max J - min J over all policies.
  private static func returnRange(_ mdp: FiniteMDP) throws -> Double {
    let best = try mdp.policyIteration().values
    let worst = try mdp.replacing(reward: .stateAction(mdp.expectedReward.map { -$0 })).policyIteration().values
    return mdp.initial.indices.reduce(0) { $0 + mdp.initial[$1] * (best[$1] + worst[$1]) }
  }

  private static func unit(_ table: [Double]) -> [Double] {
    let greatest = table.reduce(0) { max($0, abs($1)) }
    return greatest > 0 ? table.map { $0 / greatest } : table
  }
}
