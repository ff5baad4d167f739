import Basics
import Environments
import Foundation
import TestSupport
import Testing

@testable import Agents

/// A corridor of five cells: right goes on, left goes back, and the last cell pays 1 and ends.
@Suite struct TabularTests {
  static let gamma = 0.9

  private func corridor() -> TabularWorld {
    TabularWorld(states: 5, actions: 2) { state, action, _ in
      let next = action == 1 ? state + 1 : max(state - 1, 0)
      return TabularStep(state: next, reward: next == 4 ? 1 : 0, terminated: next == 4)
    }
  }

  private func learner(_ rule: TabularLearner.Rule, _ change: (inout TabularLearner.Configuration) -> Void) throws
    -> TabularLearner {
    var configuration = TabularLearner.Configuration()
    configuration.rule = rule
    configuration.gamma = Self.gamma
    change(&configuration)
    return try TabularLearner(states: 5, actions: 2, configuration: configuration, seed: 1)
  }

  /// Where nothing is random, full steps end at the solution of Bellman's equation: Q*(s, right) = γ^(3 − s).
  @Test func qLearningFindsTheOptimalValues() throws {
    var learner = try learner(.qLearning) {
      $0.learningRate = 1
      $0.finalEpsilon = 1
    }
    var world = corridor()
    try learner.train(in: &world, episodes: 300)
    for s in 0..<4 {
      #expect(abs(learner.q[2 * s + 1] - pow(Self.gamma, Double(3 - s))) < 1e-12)
      #expect(abs(learner.q[2 * s] - pow(Self.gamma, Double(4 - max(s - 1, 0)))) < 1e-12)
      #expect(learner.greedyAction(s) == 1)
    }
  }

  /// The values of going right with probability 1 − ε/2, by a linear solve.
  private func valuesOfExploring(epsilon: Double) throws -> [Double] {
    try Python.run(
      """
      import json, sys, numpy as np
      d = json.load(sys.stdin)
      right = 1 - d["epsilon"] / 2
      P, r = np.zeros((8, 8)), np.zeros(8)
      for s in range(4):
          for a in range(2):
              n = s + 1 if a else max(s - 1, 0)
              if n == 4: r[2 * s + a] = 1
              else: P[2 * s + a, 2 * n + 1], P[2 * s + a, 2 * n] = right, 1 - right
      print(json.dumps(np.linalg.solve(np.eye(8) - d["gamma"] * P, r).tolist()))
      """, input: ["epsilon": epsilon, "gamma": Self.gamma])
  }

  @Test func expectedSarsaFindsTheValuesOfExploring() throws {
    var learner = try learner(.expectedSarsa) {
      $0.learningRate = 1
      ($0.initialEpsilon, $0.finalEpsilon) = (0.3, 0.3)
      // Optimism has both actions tried everywhere.
      $0.initialValue = 1
    }
    var world = corridor()
    try learner.train(in: &world, episodes: 2_000)
    let expected = try valuesOfExploring(epsilon: 0.3)
    for (ours, wanted) in zip(learner.q, expected) { #expect(abs(ours - wanted) < 1e-9) }
  }

  @Test func sarsaAveragesToTheSame() throws {
    var learner = try learner(.sarsa) {
      $0.learningRate = 1
      $0.learningRatePower = 0.7
      ($0.initialEpsilon, $0.finalEpsilon) = (0.3, 0.3)
    }
    var world = corridor()
    try learner.train(in: &world, episodes: 30_000)
    let expected = try valuesOfExploring(epsilon: 0.3)
    for (ours, wanted) in zip(learner.q, expected) { #expect(abs(ours - wanted) < 0.04, "\(ours) \(wanted)") }
  }

  /// A time limit is no end: what would follow keeps its worth. Paid 1 a step forever, Q = 1 / (1 − γ).
  @Test func truncationIsNotTermination() throws {
    var configuration = TabularLearner.Configuration()
    configuration.gamma = 0.5
    configuration.learningRate = 0.5
    var learner = try TabularLearner(states: 1, actions: 1, configuration: configuration, seed: 0)
    var world = TabularWorld(states: 1, actions: 1, maxEpisodeSteps: 1) { _, _, _ in TabularStep(state: 0, reward: 1) }
    try learner.train(in: &world, episodes: 200)
    #expect(abs(learner.q[0] - 2) < 1e-9)
  }

  @Test func goesOnWithTheSameNumbers() throws {
    var whole = try learner(.sarsa) { $0.explorationSteps = 500 }
    var half = whole
    var world = corridor()
    try whole.train(in: &world, episodes: 60)
    try half.train(in: &world, episodes: 30)
    var resumed = try JSONDecoder().decode(TabularLearner.self, from: JSONEncoder().encode(half))
    try resumed.train(in: &world, episodes: 30)
    #expect(resumed.q == whole.q && resumed.steps == whole.steps)
  }

  /// Where all is equal, exploring takes the first action, or any.
  @Test(arguments: [false, true]) func tiesAreBrokenAsAskedFor(atRandom: Bool) throws {
    var taken = [0, 0]
    var world = TabularWorld(states: 5, actions: 2, maxEpisodeSteps: 1_000) { _, action, _ in
      taken[action] += 1
      return TabularStep(state: 0, reward: 0)
    }
    var learner = try learner(.qLearning) {
      ($0.initialEpsilon, $0.finalEpsilon) = (0, 0)
      $0.breaksTiesAtRandom = atRandom
    }
    try learner.train(in: &world, episodes: 1)
    // Standard deviation 16.
    #expect(atRandom ? abs(taken[1] - 500) < 80 : taken[1] == 0)
    #expect(taken[0] + taken[1] == 1_000)
  }

  /// The same corridor as an environment with discrete spaces, paid by a reward source: a step costs 1.
  @Test func learnsInEnvironmentsWithDiscreteSpaces() throws {
    let environment = ScriptedEnvironment(
      observation: .discrete(5), action: .discrete(2), maxEpisodeSteps: 100, count: 1, begin: { _ in [0] }
    ) { state, action in
      let next = action[0] == 1 ? state[0] + 1 : max(state[0] - 1, 0)
      return .init(state: [next], reward: 0, terminated: next == 4)
    }
    var world = try DiscreteEnvironment(environment, reward: .episodic { _, length in -Double(length) })
    var learner = try learner(.qLearning) {
      $0.gamma = 1
      $0.learningRate = 0.2
    }
    let returns = try learner.train(in: &world, episodes: 2_000)
    #expect(returns.suffix(50).max() == -4)
    #expect((0..<4).allSatisfy { learner.greedyAction($0) == 1 })
    #expect(throws: GuerdonError.self) { try DiscreteEnvironment(Environments.make("CartPole-v1", count: 1)) }
  }
}
