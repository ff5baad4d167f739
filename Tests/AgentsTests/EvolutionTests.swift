import Basics
import Environments
import Foundation
import TestSupport
import Testing

@testable import Agents

@Suite struct EvolutionTests {
  private func sphere(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 } }
  private func rosenbrock(_ x: [Double]) -> Double {
    zip(x, x.dropFirst()).reduce(0) { $0 + 100 * pow($1.1 - $1.0 * $1.0, 2) + pow(1 - $1.0, 2) }
  }

  @Test(arguments: [0, 1, 2] as [UInt64]) func cmaesFindsKnownMinima(seed: UInt64) throws {
    var strategy = try CMAES(mean: Array(repeating: 3, count: 10), sigma: 1, seed: seed)
    while strategy.generation < 300 { strategy.tell(strategy.ask().map(sphere)) }
    #expect(sphere(strategy.mean) < 1e-12)
    var valley = try CMAES(mean: Array(repeating: -1, count: 6), sigma: 0.5, populationSize: 16, seed: seed)
    while valley.generation < 700 { valley.tell(valley.ask().map(rosenbrock)) }
    let best = try #require(valley.best)
    // From −1 there is a second, local minimum near (−1, 1, …, 1), of value about 4.
    let isGlobal = best.point.allSatisfy { abs($0 - 1) < 1e-5 }
    let isLocal = abs(best.value - 3.97) < 0.02 && abs(best.point[0] + 0.99) < 0.02
    #expect(isGlobal || isLocal, "\(best)")
  }

  /// The step size is scale-free: a problem a thousand times smaller is solved in the same steps.
  @Test func cmaesIsInvariantToScale() throws {
    var large = try CMAES(mean: [1, 2, 3], sigma: 0.5, seed: 4)
    var small = try CMAES(mean: [0.001, 0.002, 0.003], sigma: 0.0005, seed: 4)
    for _ in 0..<40 {
      large.tell(large.ask().map(rosenbrock))
      small.tell(small.ask().map { rosenbrock($0.map { 1_000 * $0 }) })
    }
    #expect(abs(small.sigma * 1_000 / large.sigma - 1) < 1e-6)
  }

  @Test func eigenvectorsAreNumpys() throws {
    var random = RandomGenerator(seed: 7)
    let n = 9
    let root = (0..<n * n).map { _ in random.normal() }
    let matrix = (0..<n * n).map { ij in (0..<n).reduce(0) { $0 + root[ij / n * n + $1] * root[ij % n * n + $1] } }
    let expected: [Double] = try Python.run(
      "import json, sys, numpy as np; d = np.array(json.load(sys.stdin)); print(json.dumps(np.linalg.eigvalsh(d.reshape(9, 9)).tolist()))",
      input: matrix)
    let (values, vectors) = symmetricEigen(matrix, n)
    for (ours, wanted) in zip(values.sorted(), expected) { #expect(abs(ours - wanted) < 1e-9 * (1 + wanted)) }
    for i in 0..<n {
      for j in 0..<n {
        let rebuilt = (0..<n).reduce(0) { $0 + vectors[i * n + $1] * values[$1] * vectors[j * n + $1] }
        #expect(abs(rebuilt - matrix[i * n + j]) < 1e-9)
      }
    }
  }

  @Test(arguments: [0, 1, 2] as [UInt64]) func openAIESDescends(seed: UInt64) throws {
    var configuration = OpenAIES.Configuration()
    configuration.weightDecay = 0
    configuration.learningRate = 0.05
    configuration.sigma = 0.1
    let target: [Double] = [1, -2, 0.5, 3, -1]
    let start = Array(repeating: 0.0, count: 5)
    func distance(_ x: [Double]) -> Double { sphere(zip(x, target).map { $0 - $1 }) }
    var strategy = try OpenAIES(mean: start, configuration: configuration, seed: seed)
    while strategy.generation < 300 { strategy.tell(strategy.ask().map(distance)) }
    #expect(distance(strategy.mean) < 0.02 * distance(start), "\(strategy.mean)")
  }

  @Test func ranksAreCentred() {
    #expect(OpenAIES.centredRanks([30, 10, 20]) == [0.5, -0.5, 0])
    #expect(OpenAIES.centredRanks([1, 1, .nan]) == [-0.25, -0.25, 0.5])
  }

  @Test func strategiesGoOnWithTheSameNumbers() throws {
    func check(_ strategy: some EvolutionStrategy) throws {
      var whole = strategy, half = strategy
      for _ in 0..<20 { whole.tell(whole.ask().map(rosenbrock)) }
      for _ in 0..<10 { half.tell(half.ask().map(rosenbrock)) }
      let encoder = JSONEncoder()
      var resumed = try JSONDecoder().decode(type(of: half), from: encoder.encode(half))
      for _ in 0..<10 { resumed.tell(resumed.ask().map(rosenbrock)) }
      #expect(resumed.mean == whole.mean && resumed.generation == 20)
    }
    try check(CMAES(mean: [0, 0, 0], sigma: 0.5, seed: 1))
    try check(OpenAIES(mean: [0, 0, 0], seed: 1))
  }

  @Test(arguments: [0, 1, 2] as [UInt64]) func cmaesBalancesThePole(seed: UInt64) throws {
    let search = try PolicySearch(environment: Environments.make("CartPole-v1", count: 4), episodes: 4)
    #expect(search.width == 10)
    var strategy = try CMAES(mean: Array(repeating: 0, count: search.width), sigma: 0.5, seed: seed)
    try search.train(&strategy, generations: 15, seed: 100 * seed)
    let test = try Environments.make("CartPole-v1", count: 8)
    let learned = try PPOTests.meanReturn(evaluate(search.policy(strategy.mean), in: test, episodes: 16, seed: 1_000))
    #expect(learned > 200, "\(learned)")
  }

  /// Rewards come from the source given, and one that is not finite is an error.
  @Test func searchPaysByItsRewardSource() throws {
    let environment = try Environments.make("CartPole-v1", count: 2)
    let zero = Array(repeating: 0.0, count: 10)
    let plain = try PolicySearch(environment: environment, episodes: 4).meanReturn(zero, seed: 3)
    let negated = try PolicySearch(environment: environment, episodes: 4, reward: .episodic { _, length in -2 * Double(length) })
      .meanReturn(zero, seed: 3)
    #expect(plain > 5 && negated == -2 * plain)
    let broken = PolicySearch(environment: environment, reward: .episodic { _, _ in .nan })
    #expect(throws: GuerdonError.self) { try broken.meanReturn(zero, seed: 3) }
  }
}
