import Basics
import Foundation

/// The answer to "which of the two do you prefer?".
public enum Preference: Sendable, Hashable {
  case first, second
  /// They cannot be told apart.
  case neither

  /// By scores: the higher one.
  public init(of first: Double, over second: Double) {
    self = first > second ? .first : second > first ? .second : .neither
  }

  /// The label y of the Bradley–Terry loss: how much the first is preferred.
  public var label: Double {
    switch self {
    case .first: 1
    case .second: 0
    case .neither: 0.5
    }
  }
}

/// Whoever judges behaviours: a person who watches two videos, or a proxy.
public protocol PreferenceTeacher {
  /// What is shown: videos, episodes, or what a proxy needs in their place.
  associatedtype Behaviour
  mutating func compare(_ first: Behaviour, _ second: Behaviour) -> Preference
}

/// A teacher that prefers the higher of two hidden scores, and errs with a given probability.
public struct ProxyTeacher: PreferenceTeacher {
  /// Probability that an answer is turned around.
  public let flip: Double
  private var random: RandomGenerator

  public init(flip: Double = 0, seed: UInt64 = 0) {
    self.flip = flip
    random = RandomGenerator(seed: seed, spawnKey: [0x74_65_61])
  }

  public mutating func compare(_ first: Double, _ second: Double) -> Preference {
    let errs = flip > 0 && random.uniform() < flip
    return errs ? Preference(of: second, over: first) : Preference(of: first, over: second)
  }
}
