import Basics
import FiniteMDPs
import Foundation

/// ExploRS: exploration-guided reward shaping (Devidze et al., NeurIPS 2022; the thesis' chapter 5). Without any
/// teacher the agent learns to pay itself: R̂(s, a, s') = R̄(s, a) + φ(s, a) + B(s').
///
/// B(s') = λ / √((λ / B_max)² + N(s')) pays for what was seldom visited. φ follows the simplified meta-gradient of the
/// return under R̄ (equation of the authors' code):
///
/// φ ← φ + η_φ Σ_τ Σ_t π(a_t|s_t) (Ḡ_t − V(s_t)) (e_{s_t,a_t} − π(·|s_t) on the row of s_t)
///
/// which takes φ(s, a) − Σ_b π(b|s) φ(s, b), one step, for what the learner gains by φ. The baseline after LIRPG asks
/// for all of it, Q_φ(s, a) − V_φ(s), and estimates both by sampled rollouts.
public struct ExplorationGuidedShaping: RewardTeacher {
  /// What is learned beside the bonus.
  public enum Shaping: String, Sendable, Codable, CaseIterable {
    /// ExploB: nothing.
    case none
    /// SelfRS: the simplified meta-gradient.
    case selfTaught
    /// SORS: a logistic fit of Σ γ^t φ to the order of the episodes' returns.
    case returnOrder
    /// After LIRPG: the meta-gradient with rollouts of the learner's policy, one from (s_t, a_t) and one from (s_t, b)
    /// with b ~ π(·|s_t), in place of the two terms of one step. They are steps beyond those that the learner takes.
    case sampledRollouts
  }

  public struct Configuration: Sendable, Codable, Hashable {
    public var shaping = Shaping.selfTaught
    /// Whether the bonus B is paid.
    public var explores = true
    /// λ.
    public var bonusScale = 1.0
    /// B_max, the bonus of a state that was never visited.
    public var largestBonus = 1.0
    /// η_φ.
    public var shapingRate = 0.01
    /// η_V.
    public var valueRate = 0.01
    /// Pairs of episodes that SORS compares in one update, at most.
    public var pairs = 10
    /// Steps after which a sampled rollout is cut off.
    public var rolloutHorizon = 40

    public init() {}
  }

  public let configuration: Configuration
  private let actionCount: Int
  private let discount: Double
  private let isTerminal: [Bool]
  private let sampler: TransitionSampler
  /// φ, [S, A]; V, [S]; N, [S].
  public private(set) var shaping: [Double]
  public private(set) var values: [Double]
  public private(set) var visits: [Double]
  private var random: RandomGenerator

  /// - Parameters:
  ///   - mdp: only its shape and discount are looked at, and sampled rollouts draw from it.
  ///   - seed: of the pairs that SORS draws, and of the rollouts.
  /// - Throws: `GuerdonError` for rates or bonuses that are not positive.
  public init(_ mdp: FiniteMDP, configuration: Configuration = Configuration(), seed: UInt64 = 0) throws {
    guard configuration.bonusScale > 0, configuration.largestBonus > 0, configuration.shapingRate >= 0,
      configuration.valueRate >= 0, configuration.pairs >= 1, configuration.rolloutHorizon >= 1
    else {
      throw GuerdonError.usage(
        "ExploRS needs a bonus scale and a largest bonus above 0, rates from 0 up, a pair, and a rollout's step.")
    }
    self.configuration = configuration
    actionCount = mdp.actionCount
    discount = mdp.discount
    isTerminal = mdp.isTerminal
    sampler = TransitionSampler(mdp)
    shaping = Array(repeating: 0, count: mdp.stateCount * mdp.actionCount)
    values = Array(repeating: 0, count: mdp.stateCount)
    visits = values
    random = RandomGenerator(seed: seed, spawnKey: [0x73_6f_72])
  }

  /// B(s); 0 in terminal states.
  public func bonus(_ state: Int) -> Double {
    guard configuration.explores, !isTerminal[state] else { return 0 }
    return Self.bonus(
      visits: visits[state], scale: configuration.bonusScale, largest: configuration.largestBonus)
  }

  /// λ / √((λ / B_max)² + N).
  static func bonus(visits: Double, scale: Double, largest: Double) -> Double {
    scale / (scale / largest * (scale / largest) + visits).squareRoot()
  }

  public func reward(_ state: Int, _ action: Int, next: Int, original: Double) -> Double {
    original + shaping[state * actionCount + action] + bonus(next)
  }

  public mutating func visited(_ state: Int) { visits[state] += 1 }

  public mutating func update(_ episodes: [TaughtEpisode], policy: TabularPolicy) throws {
    switch configuration.shaping {
    case .none: break
    case .selfTaught:
      let actions = actionCount
      climb(episodes) { gradient, episode, t, weight in
        let begin = episode.states[t] * actions
        gradient[begin + episode.actions[t]] += weight
        for b in 0..<actions { gradient[begin + b] -= weight * episode.probabilities[t * actions + b] }
      }
    case .sampledRollouts:
      let now = self, actions = actionCount
      var random = random
      climb(episodes) { gradient, episode, t, weight in
        let s = episode.states[t], row = episode.probabilities[t * actions..<(t + 1) * actions]
        now.addVisits(weight, from: s, episode.actions[t], policy, to: &gradient, &random)
        now.addVisits(-weight, from: s, draw(from: row, random: &random), policy, to: &gradient, &random)
      }
      self.random = random
    case .returnOrder: fitReturnOrder(episodes)
    }
  }

  /// φ ← φ + η_φ Σ_τ Σ_t π(a_t|s_t) (Ḡ_t − V(s_t)) ∇_φ of what φ gains the learner by a_t, and V's step after it.
  /// - Parameter add: adds `weight` times that gradient at step t of an episode.
  private mutating func climb(
    _ episodes: [TaughtEpisode], _ add: (inout [Double], TaughtEpisode, _ t: Int, _ weight: Double) -> Void
  ) {
    var gradient = [Double](repeating: 0, count: shaping.count)
    var correction = [Double](repeating: 0, count: values.count), transitions = 0
    for episode in episodes {
      let returns = TaughtEpisode.returns(episode.original, discount: discount)
      for t in 0..<episode.count {
        let s = episode.states[t], advantage = returns[t] - values[s]
        add(&gradient, episode, t, episode.probabilities[t * actionCount + episode.actions[t]] * advantage)
        correction[s] += advantage
      }
      transitions += episode.count
    }
    guard transitions > 0 else { return }
    for k in shaping.indices { shaping[k] += configuration.shapingRate * gradient[k] }
    for s in values.indices { values[s] += configuration.valueRate * correction[s] / Double(transitions) }
  }

  /// Adds weight · Σ_t γ^t e_{s_t,a_t} along one rollout of a policy that begins with an action: an estimate of
  /// ∇_φ Q_φ(s, a).
  private func addVisits(
    _ weight: Double, from state: Int, _ action: Int, _ policy: TabularPolicy, to gradient: inout [Double],
    _ random: inout RandomGenerator
  ) {
    var (s, a, weight) = (state, action, weight)
    for _ in 0..<configuration.rolloutHorizon {
      gradient[s * actionCount + a] += weight
      let step = sampler.step(s, a, random: &random)
      if step.isTerminal { return }
      (s, weight) = (step.next, discount * weight)
      a = draw(from: policy.probabilities[s * actionCount..<(s + 1) * actionCount], random: &random)
    }
  }

  private mutating func fitReturnOrder(_ episodes: [TaughtEpisode]) {
    let returns = episodes.map { TaughtEpisode.returns($0.original, discount: discount).first ?? 0 }
    var pairs: [(Int, Int)] = []
    for i in episodes.indices { for j in episodes.indices where returns[i] > returns[j] { pairs.append((i, j)) } }
    if pairs.isEmpty { return }
    if pairs.count > configuration.pairs {
      pairs = (0..<configuration.pairs).map { _ in pairs[random.integer(below: pairs.count)] }
    }
    func total(_ episode: TaughtEpisode) -> Double {
      var sum = 0.0, weight = 1.0
      for t in 0..<episode.count {
        sum += weight * shaping[episode.states[t] * actionCount + episode.actions[t]]
        weight *= discount
      }
      return sum
    }
    let totals = episodes.map(total)
    var gradient = [Double](repeating: 0, count: shaping.count)
    for (better, worse) in pairs {
      // ∂/∂φ of log σ(Σγ^t φ over the better − over the worse).
      let miss = 1 / (1 + exp(totals[better] - totals[worse]))
      for (episode, sign) in [(episodes[better], miss), (episodes[worse], -miss)] {
        var weight = sign
        for t in 0..<episode.count {
          gradient[episode.states[t] * actionCount + episode.actions[t]] += weight
          weight *= discount
        }
      }
    }
    for k in shaping.indices { shaping[k] += configuration.shapingRate * gradient[k] / Double(pairs.count) }
  }
}
