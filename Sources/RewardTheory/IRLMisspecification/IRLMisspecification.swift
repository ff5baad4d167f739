import Basics
import Experiments
import FiniteMDPs
import Foundation

/// How wrong a learned reward may be when the demonstrator is not what inverse reinforcement learning takes it for
/// (Skalse and Abate, arXiv 2403.06854).
///
/// A learner assumes the model f and sees a policy that the demonstrator's model g made of R. Everything is exact. Three
/// worlds take part and are never mixed up: the one that the demonstrator plans in, the one that the learner assumes, and the
/// one in which errors are measured. Errors are STARC distances with the minimal canonicalisation and L2: 2 sin(θ / 2) in
/// [0, 2], where θ is the angle between both rewards (half of that in papers that use [0, 1]).
public struct IRLMisspecification: Method {
  public static let card = MethodCard(
    id: "irl-misspecification",
    title: "Quantifying the Sensitivity of Inverse Reinforcement Learning to Misspecification",
    paper: Paper(arXiv: "2403.06854", year: 2024, month: 3, authors: 2), family: .theory,
    summary:
      "What a wrong model of the demonstrator does to a learned reward: the exact worst case over all rewards that explain the same policy, counter-examples, and what a concrete learner suffers.")

  /// A behavioural model in a world: a map from rewards to policies. The world's own reward plays no part.
  public struct Behaviour: Sendable {
    public var model: BehaviouralModel
    public var world: FiniteMDP

    public init(_ model: BehaviouralModel, in world: FiniteMDP) {
      self.model = model
      self.world = world
    }
  }

  /// The errors of one reward.
  public struct Sensitivity: Sendable, Hashable {
    /// d(R, t(R)) with t = f⁻¹ ∘ g: what a learner suffers that returns the representative. NaN outside the image.
    public let representative: Double
    /// The supremum of d(R, t(R) + F) over the fibre of f: what the theory bounds. NaN outside the image.
    public let worst: Double
    /// False if f makes the demonstrator's policy of no reward: condition (iii) of robustness is violated.
    public let isInImage: Bool
  }

  // MARK: The calculator

  /// What assuming f does to the reward R of a demonstrator who follows g.
  /// - Parameters:
  ///   - reward: R.
  ///   - demonstrator: g, and the world that the demonstrator plans in.
  ///   - assumed: f, and the world that the learner assumes. It must be one of b and m, whose fibre is a linear space.
  ///   - evaluation: the world in which the error is measured.
  /// - Throws: `GuerdonError` for worlds of different sizes, the optimal model as the assumed one, or what
  ///   `BehaviouralModel` throws.
  public static func sensitivity(
    of reward: FiniteMDP.Reward, demonstrator: Behaviour, assumed: Behaviour, evaluation: FiniteMDP
  ) throws -> Sensitivity {
    try Calculator(assumed: assumed, evaluation: evaluation).sensitivity(of: reward, demonstrator: demonstrator)
  }

  /// What depends on the assumed behaviour and the evaluation, but not on the reward.
  public struct Calculator: Sendable {
    public let assumed: Behaviour
    public let evaluation: FiniteMDP
    let canonicaliser: RewardCanonicaliser
    /// An orthonormal basis of span{c(F)}, F in the fibre of f, in the coordinates of the minimal canonicalisation.
    let fibre: [[Double]]

    /// - Throws: as `sensitivity`.
    public init(assumed: Behaviour, evaluation: FiniteMDP) throws {
      switch assumed.model {
      case .boltzmann, .maximumCausalEntropy: break
      case .optimal, .normalisedBoltzmann:
        throw GuerdonError.usage(
          "The learner must assume Boltzmann or maximum-causal-entropy behaviour: the rewards that make a policy optimal are a "
            + "cone, and are not robustly told apart even without misspecification.")
      }
      try checkSizes(assumed.world, evaluation)
      self.assumed = assumed
      self.evaluation = evaluation
      canonicaliser = try RewardCanonicaliser(.minimal, in: evaluation)
      fibre = try IRLMisspecification.fibre(of: assumed.world, in: canonicaliser)
    }

    public func sensitivity(of reward: FiniteMDP.Reward, demonstrator: Behaviour) throws -> Sensitivity {
      try checkSizes(demonstrator.world, evaluation)
      // 2. The demonstrator's policy.
      let policy = try demonstrator.model.logPolicy(for: reward, in: demonstrator.world)
      // 3. and 4. t(R) = f⁻¹(g(R)).
      guard let learned = try assumed.model.reward(explaining: policy, in: assumed.world) else {
        return Sensitivity(representative: .nan, worst: .nan, isInImage: false)
      }
      // 5. and 6.
      let u = try direction(of: reward), t = try canonicaliser.coordinates(of: learned)
      return Sensitivity(
        representative: distance(u, unit(t)), worst: worstDistance(from: u, to: t, plusSpanOf: fibre), isInImage: true)
    }

    /// s(R) in the coordinates of the minimal canonicalisation; 0 for a trivial reward.
    public func direction(of reward: FiniteMDP.Reward) throws -> [Double] {
      unit(try canonicaliser.coordinates(of: reward))
    }
  }

  /// span{c(F)} over F = PS_γf + S'R_τf, in the coordinates of the evaluation's minimal canonicalisation.
  ///
  /// Shaping with the assumed discount, γ_f Φ(s') - Φ(s), is shaping with the true one plus (γ_f - γ_e) Φ(s'): its
  /// direction is that of Φ(s') however small the difference is, and no cancellation comes in. Of an assumed row
  /// P_f(· | s, a) that is not the true one, the redistributions have any expectation at all under the true one.
  private static func fibre(of assumed: FiniteMDP, in canonicaliser: RewardCanonicaliser) throws -> [[Double]] {
    let evaluation = canonicaliser.mdp
    let states = evaluation.stateCount, actions = evaluation.actionCount
    var columns: [[Double]] = []
    if assumed.discount != evaluation.discount {
      for k in 0..<states where !assumed.isTerminal[k] {
        let entering = (0..<states * actions).map { evaluation.transitions[$0 / actions, $0 % actions, k] }
        columns.append(try canonicaliser.coordinates(of: .stateAction(entering)))
      }
    }
    for row in 0..<states * actions where !evaluation.isTerminal[row / actions] {
      let differs = (0..<states).contains {
        assumed.transitions[row / actions, row % actions, $0] != evaluation.transitions[row / actions, row % actions, $0]
      }
      if !differs { continue }
      var indicator = [Double](repeating: 0, count: states * actions)
      indicator[row] = 1
      columns.append(try canonicaliser.coordinates(of: .stateAction(indicator)))
    }
    return orthonormalBasis(of: columns)
  }

  /// The supremum of |u - v/|v|| over v = t + ℓ, ℓ in a linear space; 0 ≤ … ≤ 2.
  ///
  /// The directions of t + ℓ are, in the limit, those of α t⊥ + ℓ with α ≥ 0, t⊥ being what of t is orthogonal to the space.
  /// The one farthest from the unit vector u has cosine -(|P u|² + max(0, -u·t⊥/|t⊥|)²)^½.
  static func worstDistance(from u: [Double], to t: [Double], plusSpanOf space: [[Double]]) -> Double {
    let direct = distance(u, unit(t))
    guard !space.isEmpty, dot(u, u) > 0 else { return direct }
    var projected = 0.0, rest = t
    for axis in space {
      let share = dot(u, axis), part = dot(t, axis)
      projected += share * share
      for k in rest.indices { rest[k] -= part * axis[k] }
    }
    let beyond = max(0, -dot(u, unit(rest)))
    return max(direct, (2 + 2 * min(1, (projected + beyond * beyond).squareRoot())).squareRoot())
  }

  /// The same by trial: random F of the fibre, both signs, in the limit of infinite size.
  /// - Parameter count: how many F are tried.
  /// - Returns: the greatest limit of d(R, t(R) ± F); d(R, t(R)) itself where the fibre changes nothing.
  public static func sampledWorst(
    of reward: FiniteMDP.Reward, demonstrator: Behaviour, by calculator: Calculator, count: Int,
    random: inout RandomGenerator
  ) throws -> Double {
    let assumed = calculator.assumed.world, evaluation = calculator.evaluation
    let states = evaluation.stateCount, actions = evaluation.actionCount
    var worst = try calculator.sensitivity(of: reward, demonstrator: demonstrator).representative
    let u = try calculator.direction(of: reward)
    let dynamics = evaluation.transitions.table, believed = assumed.transitions.table
    for _ in 0..<count {
      // (γ_f - γ_e) Φ(s') stands for shaping; ρ is centred under what the learner believes.
      let potential = (0..<states).map { assumed.isTerminal[$0] ? 0 : random.normal() }
      var expected = evaluation.transitions.expectation(of: potential)
      for row in 0..<states * actions {
        expected[row] *= assumed.discount - evaluation.discount
        let noise = (0..<states).map { _ in random.normal() }
        let begin = row * states
        // E_τe[ρ] = Σ (τ_e - τ_f) noise, as Σ τ_f ρ = 0.
        for next in 0..<states { expected[row] += (dynamics[begin + next] - believed[begin + next]) * noise[next] }
      }
      let v = try calculator.direction(of: .stateAction(expected))
      if dot(v, v) == 0 { continue }
      worst = max(worst, distance(u, v), distance(u, v.map { -$0 }))
    }
    return worst
  }

  // MARK: Robustness

  /// What the tester found over rewards from a prior.
  public struct Robustness: Sendable {
    /// ε̂: the least ε for which none of the sampled rewards refutes that f is ε-robust to g.
    public let worst: Double
    /// The reward of that error.
    public let witness: FiniteMDP.Reward?
    /// The mean of d(R, t(R)): what a learner that returns the representative suffers.
    public let meanRepresentative: Double
    /// Rewards whose policy f cannot make: condition (iii) is violated if there is one.
    public let outsideImage: Int
  }

  /// Tests whether f is ε-robust to misspecification with g: every error of every sampled reward.
  /// - Throws: as `sensitivity`, and `GuerdonError` where there are no rewards.
  public static func robustness(
    assumed: Behaviour, demonstrator: Behaviour, evaluation: FiniteMDP, rewards: [FiniteMDP.Reward]
  ) throws -> Robustness {
    guard !rewards.isEmpty else { throw GuerdonError.usage("Robustness is tested on at least one reward.") }
    let calculator = try Calculator(assumed: assumed, evaluation: evaluation)
    var worst = 0.0, witness: FiniteMDP.Reward?, sum = 0.0, outside = 0
    for reward in rewards {
      let errors = try calculator.sensitivity(of: reward, demonstrator: demonstrator)
      if !errors.isInImage {
        outside += 1
        continue
      }
      sum += errors.representative
      if witness == nil || errors.worst > worst { (worst, witness) = (errors.worst, reward) }
    }
    let inside = rewards.count - outside
    return Robustness(
      worst: worst, witness: witness, meanRepresentative: inside > 0 ? sum / Double(inside) : .nan, outsideImage: outside)
  }

  /// Rewards [S, A] to test with: normal, sparse, and normal ones scaled by 10^-3 … 10^3, in turn.
  public static func rewards(
    _ count: Int, in world: FiniteMDP, random: inout RandomGenerator
  ) -> [FiniteMDP.Reward] {
    let rows = world.stateCount * world.actionCount
    return (0..<count).map { index in
      var table = (0..<rows).map { _ in random.normal() }
      if index % 3 == 1 { table = table.map { random.uniform() < 0.2 ? $0 : 0 } }
      if index % 3 == 2 {
        let factor = pow(10, random.uniform(-3, 3))
        table = table.map { factor * $0 }
      }
      return .stateAction(table)
    }
  }

  // MARK: Perturbations

  /// d_Π: the greatest total variation between both policies' actions in any state.
  public static func policyDistance(_ first: TabularPolicy, _ second: TabularPolicy) -> Double {
    (0..<first.stateCount).reduce(0) { worst, s in
      max(worst, (0..<first.actionCount).reduce(0) { $0 + abs(first[s, $1] - second[s, $1]) } / 2)
    }
  }

  /// One pair of rewards: how far apart they are, and how far apart the policies that a model makes of them.
  public struct Separation: Sendable, Hashable {
    public let rewardDistance: Double
    public let policyDistance: Double
  }

  /// Pairs (R₁, R₂) and (k R, -k R): theorem 3's witnesses, at distance 2 for every k while the policies of a continuous
  /// model come together.
  /// - Parameter scales: k.
  /// - Throws: as `BehaviouralModel`.
  public static func separations(
    by behaviour: Behaviour, evaluation: FiniteMDP, pairs: Int, scales: [Double], random: inout RandomGenerator
  ) throws -> [Separation] {
    let canonicaliser = try RewardCanonicaliser(.minimal, in: evaluation)
    let rows = evaluation.stateCount * evaluation.actionCount
    func separation(_ first: [Double], _ second: [Double]) throws -> Separation {
      Separation(
        rewardDistance: distance(
          unit(try canonicaliser.coordinates(of: .stateAction(first))),
          unit(try canonicaliser.coordinates(of: .stateAction(second)))),
        policyDistance: policyDistance(
          try behaviour.model.policy(for: .stateAction(first), in: behaviour.world),
          try behaviour.model.policy(for: .stateAction(second), in: behaviour.world)))
    }
    var result: [Separation] = []
    for _ in 0..<pairs {
      let first = (0..<rows).map { _ in random.normal() }, second = (0..<rows).map { _ in random.normal() }
      for scale in scales {
        result.append(try separation(first.map { scale * $0 }, second.map { scale * $0 }))
        result.append(try separation(first.map { scale * $0 }, first.map { -scale * $0 }))
      }
    }
    return result
  }

  /// δ*(ε): f is ε/δ-separating on these pairs, and so ε-robust to all δ-perturbations (theorem 2), only for δ < δ*.
  /// - Returns: infinity where no pair is farther apart than ε.
  public static func separation(beyond ε: Double, in pairs: [Separation]) -> Double {
    pairs.lazy.filter { $0.rewardDistance > ε }.map(\.policyDistance).min() ?? .infinity
  }

  // MARK: Proposition 3

  /// A transformation t = t₁ ∘ t₂ ∘ t₃ of one reward.
  public struct Transformation: Sendable {
    /// t(R), [S, A, S].
    public let transformed: [Double]
    /// |R - t₂(R)|₂ for the reward t₃ made of R, and what it should be: sin θ · |c(R)|₂.
    public let displacement: Double
    public let expectedDisplacement: Double
  }

  /// The greatest angle by which t₂ may turn a reward: 2 arcsin(ε / 2).
  public static func allowedAngle(error ε: Double) -> Double { 2 * asin(ε / 2) }

  /// Turns a reward by an angle θ in canonical form, between random shaping, redistribution and scaling before and after.
  ///
  ///     t₂(R) = R - c(R) + cos θ (cos θ · c(R) + sin θ · |c(R)| u),   u ⟂ c(R), |u| = 1
  ///
  /// Proposition 3: d(R, t(R)) ≤ ε for all R exactly if t₂ turns by at most 2 arcsin(ε / 2).
  /// - Throws: `GuerdonError` for a trivial reward, which has no direction, or an angle outside [0, π/2].
  public static func transformation(
    of reward: FiniteMDP.Reward, turnedBy θ: Double, in evaluation: FiniteMDP, random: inout RandomGenerator
  ) throws -> Transformation {
    guard θ >= 0, θ <= .pi / 2 else {
      throw GuerdonError.usage("A reward is turned by \(θ) rad; the angle must lie in [0, π/2].")
    }
    let canonicaliser = try RewardCanonicaliser(.minimal, in: evaluation)
    let before = equivalent(of: try evaluation.replacing(reward: reward).transitionReward, in: evaluation, &random)
    let c = try canonicaliser.coordinates(of: .transition(before))
    let length = dot(c, c).squareRoot()
    guard length > 0 else {
      throw GuerdonError.usage("A trivial reward has no direction, so it cannot be turned.")
    }
    // A random canonical direction, less what of it lies along c.
    var u = try canonicaliser.coordinates(of: .stateAction(c.map { _ in random.normal() }))
    let along = dot(u, c) / (length * length)
    for k in u.indices { u[k] -= along * c[k] }
    u = unit(u)
    let turned = c.indices.map { cos(θ) * (cos(θ) * c[$0] + sin(θ) * length * u[$0]) }
    let change = try canonicaliser.table(ofCoordinates: zip(turned, c).map { $0 - $1 })
    let rotated = zip(before, change).map { $0 + $1 }
    let displacement = zip(before, rotated).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    return Transformation(
      transformed: equivalent(of: rotated, in: evaluation, &random), displacement: displacement,
      expectedDisplacement: sin(θ) * length)
  }

  /// A reward that means the same: random shaping, S'-redistribution and a positive factor.
  static func equivalent(
    of table: [Double], in mdp: FiniteMDP, _ random: inout RandomGenerator
  ) -> [Double] {
    let states = mdp.stateCount, dynamics = mdp.transitions.table
    let potential = (0..<states).map { mdp.isTerminal[$0] ? 0 : random.normal() }
    let factor = random.uniform(0.5, 2)
    var result = table
    for begin in stride(from: 0, to: table.count, by: states) {
      let noise = (0..<states).map { _ in random.normal() }
      let mean = (0..<states).reduce(0) { $0 + dynamics[begin + $1] * noise[$1] }
      let here = potential[begin / states / mdp.actionCount]
      for next in 0..<states {
        result[begin + next] += noise[next] - mean + mdp.discount * potential[next] - here
        result[begin + next] *= factor
      }
    }
    return result
  }
}

// MARK: Directions

func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for k in a.indices { sum += a[k] * b[k] }
  return sum
}

/// x / |x|, or 0 where x is.
func unit(_ x: [Double]) -> [Double] {
  let length = dot(x, x).squareRoot()
  return length > 0 ? x.map { $0 / length } : x
}

func distance(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for k in a.indices { sum += (a[k] - b[k]) * (a[k] - b[k]) }
  return sum.squareRoot()
}

/// Gram and Schmidt, twice over; what is left of a column below 1e-10 of it is rounding.
func orthonormalBasis(of columns: [[Double]]) -> [[Double]] {
  var basis: [[Double]] = []
  let greatest = columns.map { dot($0, $0).squareRoot() }.max() ?? 0
  for column in columns {
    let length = dot(column, column).squareRoot()
    guard length > 1e-12 * greatest, basis.count < column.count else { continue }
    var rest = column
    for _ in 0..<2 {
      for axis in basis {
        let part = dot(rest, axis)
        for k in rest.indices { rest[k] -= part * axis[k] }
      }
    }
    if dot(rest, rest).squareRoot() > 1e-10 * length { basis.append(unit(rest)) }
  }
  return basis
}

private func checkSizes(_ world: FiniteMDP, _ evaluation: FiniteMDP) throws {
  guard world.stateCount == evaluation.stateCount, world.actionCount == evaluation.actionCount,
    world.isTerminal == evaluation.isTerminal
  else {
    throw GuerdonError.usage(
      "The worlds must have the same states, actions and terminal states: one has \(world.stateCount) states and "
        + "\(world.actionCount) actions, the evaluation has \(evaluation.stateCount) and \(evaluation.actionCount).")
  }
}
