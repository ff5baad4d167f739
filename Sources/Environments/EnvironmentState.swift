import Basics

/// One environment at one moment: enough to go on from it bit for bit.
public struct EnvironmentState: Sendable, Hashable, Codable {
  /// The simulator's full state, in the environment's own order (MuJoCo: time, qpos, qvel, act, warm start).
  public var physics: [Double]
  /// Steps taken in this episode.
  public var steps: Int
  /// The episode has ended and the next one has not begun.
  public var hasEnded: Bool
  public var random: RandomGenerator

  public init(physics: [Double], steps: Int, hasEnded: Bool, random: RandomGenerator) {
    self.physics = physics
    self.steps = steps
    self.hasEnded = hasEnded
    self.random = random
  }
}
