import Basics
import Environments

/// One episode as it was played.
public struct Episode: @unchecked Sendable {
  /// Sum of the environment's own reward.
  public let environmentReturn: Double
  public let length: Int
  public let terminated: Bool
  /// Its transitions: rows 0 ..< length, in time order.
  public let transitions: TransitionBatch
}

/// Plays whole episodes, each environment the same number of them, so that short episodes are not favoured.
///
/// - Parameters:
///   - environment: made with `.sameStep`; it is reset with `seed`.
///   - episodes: rounded up to a multiple of the environment's count.
///   - act: fills `actions` (row-major [count, actionSpace.width]) for all environments.
/// - Returns: the episodes, environment by environment.
/// - Throws: `GuerdonError` when the environment fails.
public func playEpisodes(
  _ environment: any VectorEnvironment, episodes: Int, seed: UInt64, shouldStop: () -> Bool = { false },
  act: (_ observations: UnsafePointer<Double>, _ actions: UnsafeMutablePointer<Double>) -> Void
) throws -> [Episode] {
  let count = environment.count
  let quota = (episodes + count - 1) / count
  let capacity = environment.spec.maxEpisodeSteps
  let schema = environment.spec.schema
  let step = TransitionBatch(schema: schema, capacity: count)
  var open = (0..<count).map { _ in TransitionBatch(schema: schema, capacity: capacity) }
  var lengths = [Int](repeating: 0, count: count)
  var returns = [Double](repeating: 0, count: count)
  var finished = [[Episode]](repeating: [], count: count)
  let actions = UnsafeMutableBufferPointer<Double>.allocate(capacity: count * environment.spec.actionSpace.width)
  actions.initialize(repeating: 0)
  defer { actions.deallocate() }
  environment.reset(seed: seed)
  while finished.contains(where: { $0.count < quota }) && !shouldStop() {
    guard let observations = environment.observations.baseAddress, let chosen = actions.baseAddress else { break }
    act(observations, chosen)
    environment.step(UnsafeBufferPointer(actions), recording: step, at: 0)
    if let failure = environment.failure { throw failure }
    for i in 0..<count where finished[i].count < quota {
      for column in 0..<schema.width {
        open[i].base[column * capacity + lengths[i]] = step.base[column * count + i]
      }
      lengths[i] += 1
      returns[i] += environment.rewards[i]
      if environment.terminated[i] || environment.truncated[i] {
        finished[i].append(
          Episode(
            environmentReturn: returns[i], length: lengths[i], terminated: environment.terminated[i],
            transitions: open[i]))
        if finished[i].count < quota { open[i] = TransitionBatch(schema: schema, capacity: capacity) }
        (lengths[i], returns[i]) = (0, 0)
      }
    }
  }
  return finished.flatMap { $0 }
}

/// Plays `episodes` whole episodes with the policy's likeliest actions.
/// - Throws: `GuerdonError` when the environment fails.
public func evaluate(
  _ policy: Policy, in environment: any VectorEnvironment, episodes: Int, seed: UInt64,
  shouldStop: () -> Bool = { false }
) throws -> [Episode] {
  let actor = policy.makeActor(capacity: environment.count)
  return try playEpisodes(environment, episodes: episodes, seed: seed, shouldStop: shouldStop) {
    actor.act($0, count: environment.count, into: $1)
  }
}

/// Plays `episodes` whole episodes with uniformly random actions (standard normal ones where the box is unbounded).
/// - Throws: `GuerdonError` when the environment fails.
public func playRandomly(
  in environment: any VectorEnvironment, episodes: Int, seed: UInt64, shouldStop: () -> Bool = { false }
) throws -> [Episode] {
  var random = RandomGenerator(seed: seed, spawnKey: [0x72_61_6e])
  let space = environment.spec.actionSpace
  return try playEpisodes(environment, episodes: episodes, seed: seed, shouldStop: shouldStop) { _, actions in
    for i in 0..<environment.count { space.sample(into: actions + i * space.width, random: &random) }
  }
}
