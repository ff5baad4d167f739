/// A minimiser over vectors that proposes points, is told their values, and needs no gradient.
///
/// ```swift
/// var strategy = try CMAES(mean: [1, 1], sigma: 0.5, seed: 0)
/// while strategy.generation < 100 { strategy.tell(strategy.ask().map(f)) }
/// ```
/// A value: a copy, or what `Codable` wrote, goes on with the same numbers.
public protocol EvolutionStrategy: Codable, Sendable {
  /// The centre of the search distribution.
  var mean: [Double] { get }
  /// Times that `tell` was called.
  var generation: Int { get }
  /// Draws the points of a generation.
  mutating func ask() -> [[Double]]
  /// Takes in the values of the points that `ask` drew last, in their order; smaller is better.
  mutating func tell(_ values: [Double])
}
