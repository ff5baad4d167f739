import Experiments
import FiniteMDPs
import RewardAudit

/// STARC metrics: how far apart two rewards are, as far as it matters to whoever optimises them (Skalse et al.,
/// arXiv 2309.15257). The front door; `STARCMetric` does the work, for everything that compares rewards.
public struct STARC: Method {
  public static let card = MethodCard(
    id: "starc", title: "STARC: A General Framework For Quantifying Differences Between Reward Functions",
    paper: Paper(arXiv: "2309.15257", year: 2023, month: 9, authors: 6), family: .theory,
    summary:
      "Distances between reward functions that take away shaping, S'-redistribution and scale, and so bound worst-case regret from both sides; EPIC and DARD beside them.")

  /// c, n and m.
  public typealias Metric = STARCMetric

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
    try mdp.checkReachability()
    return try RewardCanonicaliser(kind, in: mdp, policy: policy)(reward)
  }

  /// d(R₁, R₂), as `STARCMetric.distance`.
  public static func distance(
    between first: FiniteMDP.Reward, and second: FiniteMDP.Reward, in mdp: FiniteMDP, metric: Metric = .val
  ) throws -> Double { try metric.distance(between: first, and: second, in: mdp) }

  /// All distances among some rewards, [N, N], as `STARCMetric.distances`.
  public static func distances(
    among rewards: [FiniteMDP.Reward], in mdp: FiniteMDP, metric: Metric = .val
  ) throws -> [Double] { try metric.distances(among: rewards, in: mdp) }

  /// W(R₁, R₂) ∈ [0, 1], what a distance is worth, as `FiniteMDP.worstCaseRegret`.
  public static func worstCaseRegret(
    _ first: FiniteMDP.Reward, optimising second: FiniteMDP.Reward, in mdp: FiniteMDP
  ) throws -> Double { try mdp.worstCaseRegret(first, optimising: second) }
}
