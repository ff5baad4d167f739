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
public struct ExplorationGuidedShaping: RewardTeacher {
  /// What is learned beside the bonus.
  public enum Shaping: String, Sendable, Codable, CaseIterable {
    /// ExploB: nothing.
    case none
    /// SelfRS: the simplified meta-gradient.
    case selfTaught
    /// SORS: a logistic fit of Σ γ^t φ to the order of the episodes' returns.
    case returnOrder
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

    public init() {}
  }

  public let configuration: Configuration
  private let actionCount: Int
  private let discount: Double
  private let isTerminal: [Bool]
  /// φ, [S, A]; V, [S]; N, [S].
  public private(set) var shaping: [Double]
  public private(set) var values: [Double]
  public private(set) var visits: [Double]
  private var random: RandomGenerator

  /// - Parameter seed: of the pairs that SORS draws.
  /// - Throws: `GuerdonError` for rates or bonuses that are not positive.
  public init(_ mdp: FiniteMDP, configuration: Configuration = Configuration(), seed: UInt64 = 0) throws {
    guard configuration.bonusScale > 0, configuration.largestBonus > 0, configuration.shapingRate >= 0,
      configuration.valueRate >= 0, configuration.pairs >= 1
    else {
      throw GuerdonError.usage("ExploRS needs a bonus scale and a largest bonus above 0, rates from 0 up, and a pair.")
    }
    self.configuration = configuration
    actionCount = mdp.actionCount
    discount = mdp.discount
    isTerminal = mdp.isTerminal
    shaping = Array(repeating: 0, count: mdp.stateCount * mdp.actionCount)
    values = Array(repeating: 0, count: mdp.stateCount)
    visits = values
    random = RandomGenerator(seed: seed, spawnKey: [0x73_6f_72])
  }

  /// B(s); 0 in terminal states.
  public func bonus(_ state: Int) -> Double {
    guard configuration.explores, !isTerminal[state] else { return 0 }
    let ratio = configuration.bonusScale / configuration.largestBonus
    return configuration.bonusScale / (ratio * ratio + visits[state]).squareRoot()
  }

  public func reward(_ state: Int, _ action: Int, next: Int, original: Double) -> Double {
    original + shaping[state * actionCount + action] + bonus(next)
  }

  public mutating func visited(_ state: Int) { visits[state] += 1 }

  public mutating func update(_ episodes: [TaughtEpisode], policy: TabularPolicy) throws {
    switch configuration.shaping {
    case .none: break
    case .selfTaught: selfTeach(episodes)
    case .returnOrder: fitReturnOrder(episodes)
    }
  }

  private mutating func selfTeach(_ episodes: [TaughtEpisode]) {
    var gradient = [Double](repeating: 0, count: shaping.count)
    var correction = [Double](repeating: 0, count: values.count), transitions = 0
    for episode in episodes {
      let returns = TaughtEpisode.returns(episode.original, discount: discount)
      for t in 0..<episode.count {
        let s = episode.states[t], a = episode.actions[t]
        let advantage = returns[t] - values[s]
        let weight = episode.probabilities[t * actionCount + a] * advantage
        gradient[s * actionCount + a] += weight
        for b in 0..<actionCount {
          gradient[s * actionCount + b] -= weight * episode.probabilities[t * actionCount + b]
        }
        correction[s] += advantage
      }
      transitions += episode.count
    }
    guard transitions > 0 else { return }
    for k in shaping.indices { shaping[k] += configuration.shapingRate * gradient[k] }
    for s in values.indices { values[s] += configuration.valueRate * correction[s] / Double(transitions) }
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
