import Basics
import Schemas

extension Space {
  /// Uniformly random actions (standard normal components where the box is unbounded).
  /// - Parameter actions: receives one action, [width].
  public func sample(into actions: UnsafeMutablePointer<Double>, random: inout RandomGenerator) {
    switch self {
    case .discrete(let choices): actions[0] = Double(random.integer(below: choices))
    case .box(let low, let high):
      for j in low.indices {
        let isBounded = low[j].isFinite && high[j].isFinite
        actions[j] = isBounded ? random.uniform(low[j], high[j]) : random.normal()
      }
    }
  }
}
