import Basics
import FiniteMDPs

/// A STARC metric: how far apart two rewards are, as far as it matters to whoever optimises them (Skalse et al.,
/// arXiv 2309.15257). A distance is made in three steps: a canonicalisation c, a norm n to divide by, and a norm m of
/// the difference:
///
///     s(R) = c(R) / n(c(R)), or 0 where c(R) = 0        d(R₁, R₂) = m(s(R₁) - s(R₂))
///
/// Every distance belongs to one process; never compare distances of different ones.
public struct STARCMetric: Sendable, Hashable {
  /// c.
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
  public static let val = STARCMetric()
  /// The projection onto the complement of what does not matter: 2 sin(θ / 2), θ the angle between both rewards.
  public static let minimal = STARCMetric(.minimal)
  /// Twice EPIC's own distance (arXiv 2006.13900).
  public static let epic = STARCMetric(.epic)
  /// DARD (arXiv 2201.10081) as a STARC metric.
  public static let dard = STARCMetric(.dard)

  /// d(R₁, R₂).
  ///
  /// 0 means that both rewards order all policies alike, and 2 (with L2 and L2) that they order them the other way round. A
  /// trivial reward, which tells no policies apart, is at distance 0 from another trivial one and 1 from any other.
  /// - Throws: as `distances`.
  public func distance(
    between first: FiniteMDP.Reward, and second: FiniteMDP.Reward, in mdp: FiniteMDP
  ) throws -> Double {
    if canonicalisation == .epic, normalisation == .l2, difference == .l2 {
      try mdp.checkReachability()
      if let distance = try RewardCanonicaliser(.epic, in: mdp).distanceByMoments(first, second) {
        return scale * distance
      }
    }
    return try distances(among: [first, second], in: mdp)[1]
  }

  /// All distances among some rewards, [N, N].
  /// - Parameter mdp: the process; its own reward plays no part.
  /// - Throws: `GuerdonError` for a wrong shape, numbers that are not finite, a state that no policy reaches, or discount 1
  ///   where values are not finite.
  public func distances(among rewards: [FiniteMDP.Reward], in mdp: FiniteMDP) throws -> [Double] {
    try mdp.checkReachability()
    let canonicaliser = try RewardCanonicaliser(canonicalisation, in: mdp)
    let standardised = try rewards.map { try canonicaliser($0).standardised(by: normalisation, in: mdp) }
    let count = rewards.count
    var table = [Double](repeating: 0, count: count * count)
    for i in 0..<count {
      for j in i + 1..<max(i + 1, count) {
        let distance = distance(standardised[i], standardised[j], in: mdp)
        (table[i * count + j], table[j * count + i]) = (distance, distance)
      }
    }
    return table
  }

  /// m(s(R₁) - s(R₂)), scaled, of rewards in standard form.
  public func distance(_ first: StandardisedReward, _ second: StandardisedReward, in mdp: FiniteMDP) -> Double {
    scale * CanonicalReward.norm(
      difference, of: first.canonical, times: first.factor, minus: second.canonical, times: second.factor,
      in: mdp.transitions)
  }
}

/// s(R) as c(R) and what it is to be multiplied by.
public struct StandardisedReward: Sendable {
  public let canonical: CanonicalReward
  /// 1 / n(c(R)); 0 for a trivial reward.
  public let factor: Double

  /// s(R), [S, A, S].
  public var table: [Double] { canonical.table.map { factor * $0 } }
}

extension CanonicalReward {
  /// s(R): c(R) divided by its norm. A trivial reward stays 0.
  /// - Parameter norm: n; nil divides by 1.
  public func standardised(by norm: RewardNorm? = .l2, in mdp: FiniteMDP) -> StandardisedReward {
    if isTrivial { return StandardisedReward(canonical: self, factor: 0) }
    guard let norm else { return StandardisedReward(canonical: self, factor: 1) }
    let size = self.norm(norm, in: mdp.transitions)
    return StandardisedReward(canonical: self, factor: size > 0 ? 1 / size : 0)
  }
}

// MARK: What a distance is worth

extension FiniteMDP {
  /// W(R₁, R₂) ∈ [0, 1]: the most that can be lost under R₁, as a share of what is to be won, by moving from one policy to
  /// another that R₂ holds for no worse.
  ///
  /// A linear program over two discounted occupancies: max R̄₁·(x₁ - x₂) with R̄₂·(x₂ - x₁) ≥ 0, over max J₁ - min J₁.
  /// - Returns: 0 for a trivial R₁, by which nothing can be lost.
  /// - Throws: `GuerdonError` for a wrong shape or numbers that are not finite, or discount 1 without an end.
  public func worstCaseRegret(_ first: Reward, optimising second: Reward) throws -> Double {
    let one = try replacing(reward: first), two = try replacing(reward: second)
    // Numbers near 1, whatever the rewards' scale: the program's tolerance is absolute.
    let costs = Self.unit(one.expectedReward), rival = Self.unit(two.expectedReward)
    let range = try replacing(reward: .stateAction(costs)).returnRange()
    guard range > 1e-9 else { return 0 }
    var program = LinearProgram(.maximise)
    let better = try program.addOccupancy(of: self, costs: costs, normalised: discount < 1).variables
    let worse = try program.addOccupancy(of: self, costs: costs.map { -$0 }, normalised: discount < 1).variables
    program.addRow(
      zip(worse, rival).map { .init($0, $1) } + zip(better, rival).map { .init($0, -$1) }, atLeast: 0)
    return try max(0, program.optimum().objective) / (range * (discount < 1 ? 1 - discount : 1))
  }

  /// max J - min J over all policies.
  private func returnRange() throws -> Double {
    let best = try policyIteration().values
    let worst = try replacing(reward: .stateAction(expectedReward.map { -$0 })).policyIteration().values
    return initial.indices.reduce(0) { $0 + initial[$1] * (best[$1] + worst[$1]) }
  }

  private static func unit(_ table: [Double]) -> [Double] {
    let greatest = table.reduce(0) { max($0, abs($1)) }
    return greatest > 0 ? table.map { $0 / greatest } : table
  }
}
