import Basics
import FiniteMDPs
import TestSupport
import Testing

@Suite struct FiniteMDPTests {
  @Test func mistakesAreExplained() throws {
    func message(
      table: [Double] = [1, 0, 0.5, 0.5], reward: FiniteMDP.Reward = .state([0, 1]), initial: [Double]? = nil,
      discount: Double = 0.9, terminal: [Int] = []
    ) -> String? {
      do {
        _ = try FiniteMDP(
          stateCount: 2, actionCount: 1, transitions: table, reward: reward, initial: initial, discount: discount,
          terminal: terminal)
        return nil
      } catch let error as GuerdonError {
        return error.message
      } catch {
        return "\(error)"
      }
    }
    #expect(message() == nil)
    #expect(
      message(table: [1, 0, 0.5, 0.4])
        == "The transition probabilities of state 1 under action 0 sum to 0.9, not to 1.")
    #expect(message(table: [1.5, -0.5, 0.5, 0.5])?.contains("state 1 from state 0 under action 0 is -0.5") == true)
    #expect(message(table: [.nan, 1, 0.5, 0.5])?.contains("is nan") == true)
    #expect(message(table: [.infinity, 1, 0.5, 0.5])?.contains("is inf") == true)
    #expect(message(table: [1, 0, 1])?.contains("[S, A, S] of 4 numbers; 3 were given") == true)
    #expect(message(reward: .stateAction([1]))?.contains("[S, A]") == true)
    #expect(message(reward: .transition([1, 2, 3]))?.contains("has 4 numbers; 3 were given") == true)
    #expect(message(reward: .state([0, .nan]))?.contains("index 1") == true)
    #expect(message(initial: [0.5, 0.4])?.contains("sums to 0.9") == true)
    #expect(message(initial: [1.5, -0.5])?.contains("-0.5 at index 1") == true)
    #expect(message(initial: [1])?.contains("has 1 entries; there are 2") == true)
    for discount in [-0.1, 1.1, .nan] { #expect(message(discount: discount)?.contains("[0, 1]") == true) }
    #expect(message(terminal: [2])?.contains("there are 2 states") == true)
    #expect(message(terminal: [0, 1])?.contains("Every state is terminal") == true)
    #expect(throws: GuerdonError.self) { try TransitionModel(stateCount: 0, actionCount: 1, table: []) }
    #expect(throws: GuerdonError.self) {
      try TransitionModel(stateCount: 2, actionCount: 1) { _, _ in [.init(state: 2, probability: 1)] }
    }
    #expect(throws: GuerdonError.self) { try TabularPolicy(stateCount: 1, actionCount: 2, probabilities: [0.5, 0.4]) }
    #expect(throws: GuerdonError.self) { try TabularPolicy(actions: [0, 2], actionCount: 2) }
  }

  /// Discount 1 is refused where nothing ends.
  @Test func discountOneNeedsAnEnd() throws {
    let mdp = try FiniteMDP(
      stateCount: 2, actionCount: 1, transitions: [1, 0, 0.5, 0.5], reward: .state([0, 1]), discount: 1)
    let policy = TabularPolicy.uniform(stateCount: 2, actionCount: 1)
    #expect(throws: GuerdonError.self) { try mdp.valueIteration() }
    #expect(throws: GuerdonError.self) { try mdp.policyIteration() }
    #expect(throws: GuerdonError.self) { try mdp.softValueIteration() }
    #expect(throws: GuerdonError.self) { try mdp.softPolicyIteration() }
    #expect(throws: GuerdonError.self) { try mdp.evaluate(policy) }
    #expect(throws: GuerdonError.self) { try mdp.occupancy(of: policy) }
    #expect(throws: GuerdonError.self) { try mdp.occupancy(of: policy, normalised: true) }
    #expect(try mdp.backwardInduction(horizon: 3).values[..<2] == [0, 1.75])
    #expect(throws: GuerdonError.self) { try mdp.backwardInduction(horizon: 0) }
    #expect(throws: GuerdonError.self) { try mdp.softValueIteration(temperature: 0) }
    // Soft values grow for ever where every step of an endless episode pays for its entropy.
    #expect(throws: GuerdonError.self) {
      try PlanningTests.corridor(discount: 1).softValueIteration(temperature: 10, limit: 1000)
    }
    #expect(throws: GuerdonError.self) { try mdp.evaluate(.uniform(stateCount: 3, actionCount: 1)) }
  }

  /// The compressed and the contiguous form hold the same and multiply alike.
  @Test func bothFormsAreOneModel() throws {
    var random = RandomGenerator(seed: 4)
    let sparse = try FiniteMDP.garnet(stateCount: 37, actionCount: 3, branching: 4, discount: 0.9, random: &random)
    #expect(sparse.transitions.isSparse)
    let again = try TransitionModel(stateCount: 37, actionCount: 3, table: sparse.transitions.table)
    #expect(again == sparse.transitions)
    let dense = try FiniteMDP.dirichlet(stateCount: 37, actionCount: 3, discount: 0.9, random: &random)
    #expect(!dense.transitions.isSparse)
    let vector = (0..<37).map { _ in random.normal() }, weights = (0..<37 * 3).map { _ in random.normal() }
    for model in [sparse.transitions, dense.transitions] {
      let table: [Double] = model.table
      var product = [Double](repeating: 0, count: 37 * 3), pushed = [Double](repeating: 0, count: 37)
      for row in 0..<37 * 3 {
        for next in 0..<37 {
          product[row] += table[row * 37 + next] * vector[next]
          pushed[next] += weights[row] * table[row * 37 + next]
        }
      }
      #expect(agree(model.expectation(of: vector), product, within: 1e-13))
      #expect(agree(model.push(weights), pushed, within: 1e-13))
      for s in 0..<37 {
        #expect(model.successors(of: s, under: 1).allSatisfy { model[s, 1, $0.state] == $0.probability })
      }
    }
  }

  @Test func generatorsDoWhatTheySay() throws {
    var random = RandomGenerator(seed: 8)
    let garnet = try FiniteMDP.garnet(stateCount: 50, actionCount: 5, branching: 6, discount: 0.9, random: &random)
    for s in 0..<50 {
      for a in 0..<5 {
        let next = garnet.transitions.successors(of: s, under: a)
        #expect(next.count == 6)
        #expect(Set(next.map(\.state)).count == 6)
      }
    }
    // A component of a symmetric Dirichlet has mean 1/S and variance (1/S)(1 - 1/S) / (cS + 1).
    for concentration in [0.1, 1, 4] {
      let n = 20
      let mdp = try FiniteMDP.dirichlet(
        stateCount: n, actionCount: 40, concentration: concentration, discount: 0.9, random: &random)
      let table = mdp.transitions.table
      let mean: Double = 1 / Double(n)
      let variance: Double = table.map { (p: Double) in (p - mean) * (p - mean) }.reduce(0, +) / Double(table.count)
      let expected: Double = mean * (1 - mean) / (concentration * Double(n) + 1)
      #expect(abs(variance / expected - 1) < 0.1, "concentration \(concentration)")
    }
    let thresholded = try FiniteMDP.thresholded(
      stateCount: 100, actionCount: 10, threshold: 1.5, discount: 0.9, random: &random)
    let large = thresholded.transitions.table.filter { $0 > 1e-6 }.count
    // P(N(0, 1) > 1.5) = 0.0668.
    #expect(abs(Double(large) / 100_000 - 0.0668) < 0.004)

    var one = RandomGenerator(seed: 9), other = RandomGenerator(seed: 9)
    let first = try FiniteMDP.garnet(stateCount: 9, actionCount: 2, branching: 2, discount: 0.9, random: &one)
    let second = try FiniteMDP.garnet(stateCount: 9, actionCount: 2, branching: 2, discount: 0.9, random: &other)
    #expect(first == second)
    let third = try FiniteMDP.garnet(stateCount: 9, actionCount: 2, branching: 2, discount: 0.9, random: &one)
    #expect(third != first)
    #expect(throws: GuerdonError.self) {
      try FiniteMDP.garnet(stateCount: 3, actionCount: 1, branching: 4, discount: 0.9, random: &one)
    }
    #expect(throws: GuerdonError.self) {
      try FiniteMDP.dirichlet(stateCount: 3, actionCount: 1, concentration: 0, discount: 0.9, random: &one)
    }
  }

  @Test(arguments: [(30, 1), (200, 1), (200, 2), (1, 0), (60, 3)]) func graphsEqualScipy(nodes: Int, degree: Int) throws {
    struct Found: Decodable { var components: [[Int]]; var distances: [Int] }
    var random = RandomGenerator(seed: UInt64(nodes + degree))
    let edges = (0..<nodes).map { _ in (0..<degree).map { _ in random.integer(below: nodes) } }
    let graph = DirectedGraph(count: nodes) { edges[$0] }
    let theirs: Found = try Python.run(
      """
      import json, sys, numpy as np
      from scipy.sparse import csr_matrix
      from scipy.sparse.csgraph import connected_components, shortest_path
      edges = json.load(sys.stdin)
      n = len(edges)
      M = np.zeros((n, n))
      for i, targets in enumerate(edges):
        for j in targets: M[i, j] = 1
      count, label = connected_components(csr_matrix(M), directed=True, connection="strong")
      d = shortest_path(csr_matrix(M), unweighted=True, indices=0)
      print(json.dumps(dict(
        components=sorted(np.flatnonzero(label == k).tolist() for k in range(count)),
        distances=[-1 if np.isinf(x) else int(x) for x in d])))
      """, input: edges)
    let components = graph.stronglyConnectedComponents
    #expect(components.sorted { $0[0] < $1[0] } == theirs.components.sorted { $0[0] < $1[0] })
    #expect(graph.distances(from: [0]).map { $0 == .max ? -1 : $0 } == theirs.distances)
    #expect(graph.reachable(from: [0]) == theirs.distances.map { $0 >= 0 })
    // A component stands behind those that it leads to.
    var position = [Int](repeating: 0, count: nodes)
    for (k, members) in components.enumerated() { for node in members { position[node] = k } }
    for node in 0..<nodes { #expect(edges[node].allSatisfy { position[$0] <= position[node] }) }
  }

  /// A gambler with 2 of 4 coins, p = 0.4, ends with none with probability (1 - x²) / (1 - x⁴) turned round, x = p / q.
  @Test func absorption() throws {
    var matrix = [Double](repeating: 0, count: 25)
    matrix[0] = 1
    matrix[24] = 1
    for s in 1...3 {
      matrix[s * 5 + s - 1] = 0.6
      matrix[s * 5 + s + 1] = 0.4
    }
    let chain = try MarkovChain(matrix, stateCount: 5)
    #expect(Set(chain.recurrentClasses) == [[0], [4]])
    let ratio = 0.6 / 0.4
    let wins = (0...4).map { (i: Int) -> Double in (1 - power(ratio, i)) / (1 - power(ratio, 4)) }
    let absorbed = try chain.absorptionProbabilities()
    let rich = chain.recurrentClasses.firstIndex(of: [4]) ?? 0
    #expect(agree((0..<5).map { absorbed[$0 * 2 + rich] }, wins, within: 1e-12))
    #expect(throws: GuerdonError.self) { try MarkovChain([0.5, 0.4, 0, 1], stateCount: 2) }
  }

  private func power(_ base: Double, _ exponent: Int) -> Double { (0..<exponent).reduce(1.0) { (p: Double, _: Int) in p * base } }
}
