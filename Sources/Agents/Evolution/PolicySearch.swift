import Basics
import Environments
import Rewards
import Schemas

/// A policy's parameters as a vector, and minus its mean return as the value to minimise: what an evolution strategy needs
/// to act.
public final class PolicySearch {
  private let environment: any VectorEnvironment
  private let reward: RewardSource
  private let nonFinite: NonFinitePolicy
  private let episodes: Int
  private let network: MLP

  /// - Parameters:
  ///   - environment: made with `.sameStep`.
  ///   - hidden: widths of tanh layers; none makes a linear policy.
  ///   - episodes: of one evaluation, rounded up to a multiple of the environment's count.
  public init(
    environment: any VectorEnvironment, hidden: [Int] = [], episodes: Int = 1, reward: RewardSource = .environment,
    nonFinite: NonFinitePolicy = .abort
  ) {
    self.environment = environment
    self.reward = reward
    self.nonFinite = nonFinite
    self.episodes = episodes
    let spec = environment.spec
    network = MLP(
      widths: [spec.observationSpace.width] + hidden + [Policy.Head.direct.outputs(for: spec.actionSpace)])
  }

  /// Components of the vectors.
  public var width: Int { network.layers.reduce(0) { $0 + $1.outputs * ($1.inputs + 1) } }

  /// A vector as a policy: each layer's weight [out, in], then its bias.
  public func policy(_ parameters: [Double]) -> Policy {
    precondition(parameters.count == width, "a policy of \(width) parameters was given \(parameters.count)")
    var place = 0
    func take(_ count: Int) -> [Float] {
      defer { place += count }
      return parameters[place..<place + count].map { Float($0) }
    }
    for (index, layer) in network.layers.enumerated() {
      network.set(layer: index, weight: take(layer.outputs * layer.inputs), bias: take(layer.outputs))
    }
    return Policy(
      environment: environment.spec.id, observationWidth: environment.spec.observationSpace.width,
      actionSpace: environment.spec.actionSpace, observationMoments: nil, network: network.copy(), head: .direct,
      logStandardDeviation: [])
  }

  /// Mean return of the reward that is optimised over episodes that `seed` begins.
  /// - Throws: `GuerdonError` when a reward is not finite, or its function cannot be evaluated.
  public func meanReturn(_ parameters: [Double], seed: UInt64) throws -> Double {
    let played = try evaluate(policy(parameters), in: environment, episodes: episodes, seed: seed)
    return try played.reduce(0) { try $0 + value($1) } / Double(played.count)
  }

  /// Generations of `strategy`; every point of one meets the same beginnings, those of `seed` plus its number.
  /// - Parameter onGeneration: told the returns of a generation's points.
  /// - Throws: as `meanReturn`.
  public func train(
    _ strategy: inout some EvolutionStrategy, generations: Int, seed: UInt64, shouldStop: () -> Bool = { false },
    onGeneration: ([Double]) throws -> Void = { _ in }
  ) throws {
    for _ in 0..<generations where !shouldStop() {
      let beginning = seed &+ UInt64(strategy.generation) &* UInt64(environment.count)
      let returns = try strategy.ask().map { try meanReturn($0, seed: beginning) }
      strategy.tell(returns.map { -$0 })
      try onGeneration(returns)
    }
  }

  private func value(_ episode: Episode) throws -> Double {
    let sum =
      switch reward {
      case .environment: episode.environmentReturn
      case .episodic(let score): try score(episode.transitions, episode.length)
      case .function(let function): try Self.sum(function, episode)
      case .sum(let function, let score):
        try Self.sum(function, episode) + score(episode.transitions, episode.length)
      case .live:
        throw GuerdonError.usage("A search over policies compares them by one reward, and a live reward changes.")
      }
    if sum.isFinite { return sum }
    switch nonFinite {
    case .impute(let value): return value
    case .abort:
      throw GuerdonError.failure(
        "The return of an episode became \(sum): guard the reward against division by zero, logarithms and overflow.")
    }
  }

  private static func sum(_ function: any RewardFunction, _ episode: Episode) throws -> Double {
    var rewards = [Double](repeating: 0, count: episode.length)
    try function.makeEvaluator().evaluate(
      episode.transitions, rows: 0..<episode.length, total: &rewards, terms: nil)
    return rewards.reduce(0, +)
  }
}
