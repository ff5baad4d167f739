import Basics
import Environments
import Schemas

/// What a step in a world of finitely many states led to.
public struct TabularStep: Sendable, Hashable {
  public var state: Int
  public var reward: Double
  public var terminated: Bool
  public var truncated: Bool

  public init(state: Int, reward: Double, terminated: Bool = false, truncated: Bool = false) {
    self.state = state
    self.reward = reward
    self.terminated = terminated
    self.truncated = truncated
  }
}

/// A world with states 0 ..< `states` and actions 0 ..< `actions`, which is only stepped, never asked for its model.
public protocol TabularEnvironment {
  var states: Int { get }
  var actions: Int { get }
  /// Begins an episode.
  /// - Returns: its first state.
  mutating func reset(random: inout RandomGenerator) -> Int
  /// - Throws: `GuerdonError` when a reward cannot be computed.
  mutating func step(_ action: Int, random: inout RandomGenerator) throws -> TabularStep
}

/// A tabular environment written as two closures.
public struct TabularWorld: TabularEnvironment {
  public let states: Int
  public let actions: Int
  /// Steps after which an episode is truncated.
  public let maxEpisodeSteps: Int
  private let begin: (inout RandomGenerator) -> Int
  private let move: (_ state: Int, _ action: Int, inout RandomGenerator) -> TabularStep
  private var state = 0
  private var steps = 0

  /// - Parameters:
  ///   - begin: draws a first state.
  ///   - move: what an action does in a state.
  public init(
    states: Int, actions: Int, maxEpisodeSteps: Int = 1_000, begin: @escaping (inout RandomGenerator) -> Int = { _ in 0 },
    move: @escaping (_ state: Int, _ action: Int, inout RandomGenerator) -> TabularStep
  ) {
    self.states = states
    self.actions = actions
    self.maxEpisodeSteps = maxEpisodeSteps
    self.begin = begin
    self.move = move
  }

  public mutating func reset(random: inout RandomGenerator) -> Int {
    state = begin(&random)
    steps = 0
    return state
  }

  public mutating func step(_ action: Int, random: inout RandomGenerator) -> TabularStep {
    var outcome = move(state, action, &random)
    state = outcome.state
    steps += 1
    if steps >= maxEpisodeSteps { outcome.truncated = true }
    return outcome
  }
}

/// One environment whose observation and action are discrete (toy text), rewarded by a `RewardSource`.
public final class DiscreteEnvironment: TabularEnvironment {
  public let states: Int
  public let actions: Int
  private let environment: any VectorEnvironment
  private let meter: RewardMeter
  private let rollout: Rollout
  private var hasEnded = true

  /// - Parameter environment: a single one, made with `.sameStep`.
  /// - Throws: `GuerdonError` when its spaces are not discrete, or the reward function cannot be evaluated.
  public init(
    _ environment: any VectorEnvironment, reward: RewardSource = .environment, nonFinite: NonFinitePolicy = .abort
  ) throws {
    let spec = environment.spec
    guard case .discrete(let states) = spec.observationSpace, case .discrete(let actions) = spec.actionSpace,
      environment.count == 1
    else {
      throw GuerdonError.usage(
        "Tabular learners need one environment with discrete observations and actions, and \(spec.id) is not that.")
    }
    self.environment = environment
    (self.states, self.actions) = (states, actions)
    meter = try RewardMeter(reward, policy: nonFinite, environment: environment)
    rollout = Rollout(steps: 1, count: 1, observationWidth: 1, actionWidth: 1, schema: spec.schema)
  }

  public func reset(random: inout RandomGenerator) -> Int {
    // After an end the next episode has already begun.
    if !hasEnded {
      environment.reset(seed: nil)
      meter.forgetOpenEpisodes()
    }
    hasEnded = false
    return Int(environment.observations[0])
  }

  public func step(_ action: Int, random: inout RandomGenerator) throws -> TabularStep {
    [Double(action)].withUnsafeBufferPointer { environment.step($0, recording: rollout.transitions, at: 0) }
    if let failure = environment.failure { throw failure }
    rollout.rewards[0] = environment.rewards[0]
    (rollout.terminated[0], rollout.truncated[0]) = (environment.terminated[0], environment.truncated[0])
    hasEnded = rollout.terminated[0] || rollout.truncated[0]
    let state = Int((hasEnded ? environment.finalObservations : environment.observations)[0])
    _ = try meter.measure(rollout)
    return TabularStep(
      state: state, reward: rollout.rewards[0], terminated: rollout.terminated[0], truncated: rollout.truncated[0])
  }
}
