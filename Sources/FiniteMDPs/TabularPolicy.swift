import Basics
import Foundation

/// A stationary policy: π(a | s), [S, A].
public struct TabularPolicy: Sendable, Hashable {
  public let stateCount: Int
  public let actionCount: Int
  /// [S, A]; every row sums to 1.
  public let probabilities: [Double]

  /// - Throws: `GuerdonError` for a wrong shape, a negative entry, NaN, or a row that does not sum to 1 within 1e-9.
  public init(stateCount: Int, actionCount: Int, probabilities: [Double]) throws {
    guard stateCount > 0, actionCount > 0, probabilities.count == stateCount * actionCount else {
      throw GuerdonError.usage(
        "A policy for \(stateCount) states and \(actionCount) actions has one probability for each pair; "
          + "\(probabilities.count) were given.")
    }
    for state in 0..<stateCount {
      try checkDistribution(
        probabilities[state * actionCount..<(state + 1) * actionCount], count: actionCount,
        named: "The policy in state \(state)")
    }
    self.init(stateCount, actionCount, probabilities)
  }

  /// One action a state.
  /// - Throws: `GuerdonError` for an action outside 0 ..< A.
  public init(actions: [Int], actionCount: Int) throws {
    guard !actions.isEmpty else { throw GuerdonError.usage("A policy needs at least one state.") }
    for (state, action) in actions.enumerated() where !(0..<actionCount).contains(action) {
      throw GuerdonError.usage("The policy takes action \(action) in state \(state); there are \(actionCount) actions.")
    }
    self.init(taking: actions, of: actionCount)
  }

  init(taking actions: [Int], of actionCount: Int) {
    var probabilities = [Double](repeating: 0, count: actions.count * actionCount)
    for (state, action) in actions.enumerated() { probabilities[state * actionCount + action] = 1 }
    self.init(actions.count, actionCount, probabilities)
  }

  init(_ stateCount: Int, _ actionCount: Int, _ probabilities: [Double]) {
    self.stateCount = stateCount
    self.actionCount = actionCount
    self.probabilities = probabilities
  }

  /// Every action alike.
  public static func uniform(stateCount: Int, actionCount: Int) -> TabularPolicy {
    precondition(stateCount > 0 && actionCount > 0, "a policy needs states and actions")
    return TabularPolicy(
      stateCount, actionCount, [Double](repeating: 1 / Double(actionCount), count: stateCount * actionCount))
  }

  /// π(a | s) ∝ exp(Q(s, a) / temperature).
  /// - Parameters:
  ///   - preferences: Q, [S, A].
  ///   - temperature: above 0.
  public static func softmax(_ preferences: [Double], actionCount: Int, temperature: Double = 1) -> TabularPolicy {
    precondition(actionCount > 0 && preferences.count % actionCount == 0, "preferences are [S, A]")
    precondition(temperature > 0, "the temperature of a softmax is above 0")
    var probabilities = preferences
    probabilities.withUnsafeMutableBufferPointer { rows in
      for begin in stride(from: 0, to: rows.count, by: actionCount) {
        var top = -Double.infinity
        for k in begin..<begin + actionCount { top = max(top, rows[k]) }
        var sum = 0.0
        for k in begin..<begin + actionCount {
          rows[k] = exp((rows[k] - top) / temperature)
          sum += rows[k]
        }
        for k in begin..<begin + actionCount { rows[k] /= sum }
      }
    }
    return TabularPolicy(preferences.count / actionCount, actionCount, probabilities)
  }

  /// The action of the greatest preference in every state, the lowest of equals.
  /// - Parameter preferences: [S, A].
  public static func greedy(_ preferences: [Double], actionCount: Int) -> TabularPolicy {
    TabularPolicy(taking: greedyActions(preferences, actionCount: actionCount), of: actionCount)
  }

  /// The actions of a set alike; every action where the set is empty.
  public static func uniform(over actions: ActionSets) -> TabularPolicy {
    var probabilities = [Double](repeating: 0, count: actions.contains.count)
    let count = actions.actionCount
    for begin in stride(from: 0, to: probabilities.count, by: count) {
      let size = (begin..<begin + count).lazy.filter { actions.contains[$0] }.count
      for k in begin..<begin + count {
        probabilities[k] = size == 0 ? 1 / Double(count) : actions.contains[k] ? 1 / Double(size) : 0
      }
    }
    return TabularPolicy(probabilities.count / count, count, probabilities)
  }

  /// (1 - ε) π + ε other.
  public func mixed(with other: TabularPolicy, weight ε: Double) -> TabularPolicy {
    precondition(
      stateCount == other.stateCount && actionCount == other.actionCount, "policies of one process are mixed")
    precondition((0...1).contains(ε), "a mixture's weight lies in [0, 1]")
    return TabularPolicy(
      stateCount, actionCount, zip(probabilities, other.probabilities).map { (1 - ε) * $0 + ε * $1 })
  }

  /// (1 - ε) π + ε / A.
  public func smoothed(_ ε: Double) -> TabularPolicy {
    mixed(with: .uniform(stateCount: stateCount, actionCount: actionCount), weight: ε)
  }

  public subscript(state: Int, action: Int) -> Double { probabilities[state * actionCount + action] }

  /// The most probable action of every state, the lowest of equals.
  public var actions: [Int] { greedyActions(probabilities, actionCount: actionCount) }

  /// The entropy of the actions in every state, in nats, [S].
  public var entropy: [Double] {
    (0..<stateCount).map { state in
      (0..<actionCount).reduce(0) { sum, action in
        let probability = self[state, action]
        return probability > 0 ? sum - probability * log(probability) : sum
      }
    }
  }
}

/// A set of actions for every state, for example the optimal ones.
public struct ActionSets: Sendable, Hashable {
  public let actionCount: Int
  /// [S, A].
  public let contains: [Bool]

  /// The actions within `tolerance` of the best in every state.
  /// - Parameter values: Q, [S, A].
  public init(bestOf values: [Double], actionCount: Int, tolerance: Double) {
    self.actionCount = actionCount
    var contains = [Bool](repeating: false, count: values.count)
    for begin in stride(from: 0, to: values.count, by: actionCount) {
      let best = values[begin..<begin + actionCount].max() ?? 0
      for k in begin..<begin + actionCount { contains[k] = values[k] >= best - tolerance }
    }
    self.contains = contains
  }

  public subscript(state: Int, action: Int) -> Bool { contains[state * actionCount + action] }

  /// The set's actions in `state`, ascending.
  public func actions(in state: Int) -> [Int] { (0..<actionCount).filter { self[state, $0] } }

  /// True if every action of this set is in `other`, in every state.
  public func isSubset(of other: ActionSets) -> Bool { zip(contains, other.contains).allSatisfy { !$0 || $1 } }
}

/// The index of each row's greatest entry, the lowest of equals.
func greedyActions(_ values: [Double], actionCount: Int) -> [Int] {
  stride(from: 0, to: values.count, by: actionCount).map { begin in
    var best = begin
    for k in begin + 1..<max(begin + 1, begin + actionCount) where values[k] > values[best] { best = k }
    return best - begin
  }
}
