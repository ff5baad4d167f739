import Basics

/// A finite Markov chain, and what it does in the long run.
///
/// Source: Puterman 1994, appendix A.
public struct MarkovChain: Sendable {
  public let stateCount: Int
  /// P(s' | s), row-major [S, S].
  public let matrix: [Double]

  /// - Throws: `GuerdonError` for a wrong shape or rows that are no distributions.
  public init(_ matrix: [Double], stateCount: Int) throws {
    guard stateCount > 0, matrix.count == stateCount * stateCount else {
      throw GuerdonError.usage(
        "A chain of \(stateCount) states is a matrix [S, S]; \(matrix.count) numbers were given.")
    }
    for s in 0..<stateCount {
      try checkDistribution(
        matrix[s * stateCount..<(s + 1) * stateCount], count: stateCount, named: "Row \(s) of a Markov chain")
    }
    self.init(unchecked: matrix, stateCount: stateCount)
  }

  init(unchecked matrix: [Double], stateCount: Int) {
    self.matrix = matrix
    self.stateCount = stateCount
  }

  public var graph: DirectedGraph {
    DirectedGraph(count: stateCount) { s in (0..<stateCount).filter { matrix[s * stateCount + $0] > 0 } }
  }

  /// The sets of states that are never left again and in which every state is visited for ever.
  public var recurrentClasses: [[Int]] {
    let graph = graph
    var component = [Int](repeating: 0, count: stateCount)
    let components = graph.stronglyConnectedComponents
    for (index, members) in components.enumerated() { for s in members { component[s] = index } }
    return components.indices.filter { index in
      components[index].allSatisfy { s in graph.successors(of: s).allSatisfy { component[Int($0)] == index } }
    }.map { components[$0] }
  }

  /// The stationary distribution of one recurrent class, in its order.
  /// - Throws: `GuerdonError` when `members` is no recurrent class.
  public func stationaryDistribution(of members: [Int]) throws -> [Double] {
    let n = members.count
    // (I - P)ᵀ x = 0, whose last equation is implied by the others and gives way to Σ x = 1.
    var system = [Double](repeating: 1, count: n * n)
    for (j, to) in members.enumerated().dropLast() {
      for (i, from) in members.enumerated() {
        system[j * n + i] = (i == j ? 1 : 0) - matrix[from * stateCount + to]
      }
    }
    return try LUFactorisation(system, size: n).solve([Double](repeating: 0, count: n - 1) + [1])
  }

  /// P(s ends in class k), [S, K], for the recurrent classes in their order.
  public func absorptionProbabilities() throws -> [Double] { try absorption(in: recurrentClasses) }

  private func absorption(in classes: [[Int]]) throws -> [Double] {
    var result = [Double](repeating: 0, count: stateCount * classes.count)
    var classOf = [Int](repeating: -1, count: stateCount)
    for (k, members) in classes.enumerated() {
      for s in members {
        classOf[s] = k
        result[s * classes.count + k] = 1
      }
    }
    let transient = (0..<stateCount).filter { classOf[$0] < 0 }
    if transient.isEmpty { return result }
    let n = transient.count
    var system = [Double](repeating: 0, count: n * n)
    var entering = [[Double]](repeating: [Double](repeating: 0, count: n), count: classes.count)
    for (i, s) in transient.enumerated() {
      for (j, next) in transient.enumerated() {
        system[i * n + j] = (i == j ? 1 : 0) - matrix[s * stateCount + next]
      }
      for next in 0..<stateCount where classOf[next] >= 0 { entering[classOf[next]][i] += matrix[s * stateCount + next] }
    }
    let solver = try LUFactorisation(system, size: n)
    for k in classes.indices {
      for (i, probability) in solver.solve(entering[k]).enumerated() {
        result[transient[i] * classes.count + k] = probability
      }
    }
    return result
  }

  /// P* = lim (1/T) Σ_{t < T} P^t, row-major [S, S].
  public func cesaroLimit() throws -> [Double] {
    let classes = recurrentClasses
    let absorption = try absorption(in: classes)
    var limit = [Double](repeating: 0, count: stateCount * stateCount)
    for (k, members) in classes.enumerated() {
      let stationary = try stationaryDistribution(of: members)
      for s in 0..<stateCount {
        let probability = absorption[s * classes.count + k]
        if probability == 0 { continue }
        for (i, member) in members.enumerated() { limit[s * stateCount + member] = probability * stationary[i] }
      }
    }
    return limit
  }
}
