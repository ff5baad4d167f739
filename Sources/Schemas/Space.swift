/// What an observation or an action may be (Gymnasium's spaces).
public enum Space: Sendable, Hashable {
  /// Gymnasium's `Box`: a flat vector with a bound per component, infinite where unbounded.
  case box(low: [Double], high: [Double])
  /// Gymnasium's `Discrete(n)`: 0 ..< n.
  case discrete(Int)

  public static func box(_ count: Int, low: Double = -.infinity, high: Double = .infinity) -> Space {
    .box(low: Array(repeating: low, count: count), high: Array(repeating: high, count: count))
  }

  /// Numbers in one element: the components of a box, 1 for a discrete space.
  public var width: Int {
    switch self {
    case .box(let low, _): low.count
    case .discrete: 1
    }
  }
}
