import Basics
import Foundation

/// Q-learning (Watkins, 1989), SARSA and expected SARSA (Sutton and Barto, 2nd edition, sections 6.4 to 6.6), with an
/// ε-greedy policy over a table.
///
/// A value: a copy, or what `Codable` wrote, goes on with the same numbers.
public struct TabularLearner: Sendable, Codable {
  /// What stands for the value of the next state.
  public enum Rule: String, Sendable, Codable, CaseIterable {
    /// max_a Q(s', a): learns the best policy while another explores.
    case qLearning
    /// Q(s', a') of the action taken there: learns the policy that explores.
    case sarsa
    /// Σ_a π(a|s') Q(s', a): the same without the action's noise.
    case expectedSarsa
  }

  public struct Configuration: Sendable, Hashable, Codable {
    public var rule = Rule.qLearning
    /// Step size α of a state-action pair's first visit.
    public var learningRate = 0.1
    /// The n-th visit's step size is α / n^power: 0 keeps it, 1 averages.
    public var learningRatePower = 0.0
    /// Discount γ.
    public var gamma = 0.99
    public var initialEpsilon = 1.0
    public var finalEpsilon = 0.05
    /// Steps over which ε falls linearly.
    public var explorationSteps = 10_000
    /// Every Q at first; a large one explores by itself.
    public var initialValue = 0.0
    /// While exploring, the greedy action is drawn from those of equal Q; otherwise it is the first of them, which where
    /// nothing is known yet pushes an agent into one corner.
    public var breaksTiesAtRandom = false

    public init() {}
  }

  public let configuration: Configuration
  public let states: Int
  public let actions: Int
  /// Q(s, a) at `s * actions + a`.
  public private(set) var q: [Double]
  public private(set) var steps = 0
  private var visits: [Int]
  private var random: RandomGenerator

  /// - Throws: `GuerdonError` when there is no state or action, or a rate is out of its range.
  public init(states: Int, actions: Int, configuration: Configuration = Configuration(), seed: UInt64) throws {
    guard states >= 1, actions >= 1, (0...1).contains(configuration.gamma), configuration.learningRate > 0,
      (0...1).contains(configuration.initialEpsilon), (0...1).contains(configuration.finalEpsilon)
    else {
      throw GuerdonError.usage(
        "A tabular learner needs states and actions, a positive learning rate, and γ and ε within 0...1.")
    }
    self.configuration = configuration
    (self.states, self.actions) = (states, actions)
    q = Array(repeating: configuration.initialValue, count: states * actions)
    visits = Array(repeating: 0, count: states * actions)
    random = RandomGenerator(seed: seed, spawnKey: [0x74_61_62])
  }

  /// The share of random actions now.
  public var epsilon: Double {
    let progress = min(1, Double(steps) / Double(max(configuration.explorationSteps, 1)))
    return configuration.initialEpsilon + progress * (configuration.finalEpsilon - configuration.initialEpsilon)
  }

  /// The action of the largest Q; the first of equal ones.
  public func greedyAction(_ state: Int) -> Int {
    let first = state * actions
    return (1..<max(actions, 1)).reduce(0) { q[first + $1] > q[first + $0] ? $1 : $0 }
  }

  /// Plays and learns from whole episodes.
  /// - Returns: each episode's sum of rewards.
  /// - Throws: `GuerdonError` for a world of another size, or one that cannot be stepped.
  @discardableResult
  public mutating func train(in world: inout some TabularEnvironment, episodes: Int) throws -> [Double] {
    guard world.states == states, world.actions == actions else {
      throw GuerdonError.usage(
        "This learner has \(states) states and \(actions) actions, and the world \(world.states) and \(world.actions).")
    }
    var returns: [Double] = []
    for _ in 0..<episodes {
      var state = world.reset(random: &random)
      var action = explore(state)
      var sum = 0.0
      while true {
        let outcome = try world.step(action, random: &random)
        steps += 1
        sum += outcome.reward
        let next = explore(outcome.state)
        learn(state, action, outcome, next)
        if outcome.terminated || outcome.truncated { break }
        (state, action) = (outcome.state, next)
      }
      returns.append(sum)
    }
    return returns
  }

  /// Q(s, a) ← Q(s, a) + α (r + γ V(s') − Q(s, a)), with V(s') = 0 after a termination but not after a truncation.
  private mutating func learn(_ state: Int, _ action: Int, _ outcome: TabularStep, _ next: Int) {
    let index = state * actions + action
    let first = outcome.state * actions
    let values = q[first..<first + actions]
    var following = 0.0
    if !outcome.terminated {
      switch configuration.rule {
      case .qLearning: following = values.max() ?? 0
      case .sarsa: following = q[first + next]
      case .expectedSarsa:
        let mean = values.reduce(0, +) / Double(actions)
        following = epsilon * mean + (1 - epsilon) * q[first + greedyAction(outcome.state)]
      }
    }
    visits[index] += 1
    let rate = configuration.learningRate / pow(Double(visits[index]), configuration.learningRatePower)
    q[index] += rate * (outcome.reward + configuration.gamma * following - q[index])
  }

  private mutating func explore(_ state: Int) -> Int {
    if random.uniform() < epsilon { return random.integer(below: actions) }
    let action = greedyAction(state)
    guard configuration.breaksTiesAtRandom else { return action }
    let first = state * actions
    let equals = (0..<actions).filter { q[first + $0] == q[first + action] }
    return equals.count == 1 ? action : equals[random.integer(below: equals.count)]
  }
}
