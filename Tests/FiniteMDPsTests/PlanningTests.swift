import Basics
import FiniteMDPs
import Testing

/// Every planner beside numpy and scipy.
@Suite struct PlanningTests {
  @Test(arguments: Cases.allCases) func equalsNumpy(_ name: Cases) throws {
    let mdp = try name.make()
    let policy = randomPolicy(for: mdp, seed: 1), prior = randomPolicy(for: mdp, seed: 2)
    let oracle = try Oracle(mdp, policy: policy, prior: prior)
    let pool = WorkerPool(threads: 2)

    let plan = try mdp.valueIteration(tolerance: 1e-11)
    #expect(agree(plan.values, oracle.values))
    #expect(agree(plan.actionValues, oracle.actionValues))
    let howard = try mdp.policyIteration()
    #expect(agree(howard.values, oracle.values))
    #expect(agree(howard.actionValues, oracle.actionValues))
    #expect(plan.error <= 1e-11)
    let advantages = oracle.actionValues.indices.map { (row: Int) -> Double in
      oracle.actionValues[row] - oracle.values[row / mdp.actionCount]
    }
    #expect(agree(plan.advantages, advantages))

    let values = try mdp.evaluate(policy)
    #expect(agree(values.values, oracle.policyValues))
    #expect(agree(values.actionValues, oracle.policyActionValues))
    #expect(agree([try mdp.expectedReturn(of: policy)], [oracle.policyReturn]))
    let occupancy = try mdp.occupancy(of: policy)
    #expect(agree(occupancy.stateActions, oracle.occupancy))
    #expect(agree(try mdp.occupancy(of: policy, normalised: true).stateActions, oracle.normalised))
    #expect(agree(mdp.transitionOccupancy(occupancy), oracle.transitionOccupancy))
    #expect(agree([occupancy.total(of: mdp.expectedReward)], [oracle.policyReturn]))

    let soft = try mdp.softValueIteration(temperature: Oracle.temperature, tolerance: 1e-11, pool: pool)
    #expect(agree(soft.values, oracle.softValues))
    #expect(agree(soft.policy.probabilities, oracle.softPolicy))
    let newton = try mdp.softPolicyIteration(temperature: Oracle.temperature)
    #expect(agree(newton.values, oracle.softValues))
    #expect(agree(newton.policy.probabilities, oracle.softPolicy))
    #expect(newton.iterations < 20)
    let regularised = try mdp.softValueIteration(temperature: Oracle.temperature, prior: prior, tolerance: 1e-11)
    #expect(agree(regularised.values, oracle.priorValues))
    #expect(agree(regularised.policy.probabilities, oracle.priorPolicy))
    #expect(agree(
      try mdp.softPolicyIteration(temperature: Oracle.temperature, prior: prior).values, oracle.priorValues))

    let induction = try mdp.backwardInduction(horizon: Oracle.horizon, pool: pool)
    #expect(agree(induction.values, oracle.horizonValues))
    #expect(agree(induction.actionValues, oracle.horizonActionValues))
    #expect(agree(try mdp.evaluate(induction.policy).values, oracle.horizonValues))
    let causal = try mdp.softBackwardInduction(
      horizon: Oracle.horizon, temperature: Oracle.temperature, pool: pool)
    #expect(agree(causal.values, oracle.softHorizonValues))
    #expect(agree(causal.policy.probabilities, oracle.softHorizonPolicy))
    let visits = try mdp.occupancy(of: causal.policy, pool: pool)
    #expect(agree(visits.states, oracle.visits))
    #expect(agree(visits.total(discount: mdp.discount).stateActions, oracle.totalVisits))
    #expect(agree(
      try mdp.evaluate(TimedPolicy(policy, horizon: Oracle.horizon)).values, oracle.horizonPolicyValues))

    let average = try mdp.evaluateAverageReward(of: policy)
    #expect(agree(average.gain, oracle.gain, within: 1e-8))
    #expect(agree(average.bias, oracle.bias, within: 1e-7))
    #expect(agree(try mdp.averageOccupancy(of: policy).stateActions, oracle.cesaro, within: 1e-8))
  }

  /// Threads and the form of the table change nothing, not even the last bit.
  @Test func threadsDoNotMatter() throws {
    var random = RandomGenerator(seed: 3)
    let mdp = try FiniteMDP.dirichlet(stateCount: 250, actionCount: 3, discount: 0.99, random: &random)
    let alone = try mdp.softBackwardInduction(horizon: 20), team = WorkerPool(threads: 3)
    let together = try mdp.softBackwardInduction(horizon: 20, pool: team)
    #expect(alone.values == together.values)
    #expect(try mdp.occupancy(of: alone.policy).states == mdp.occupancy(of: together.policy, pool: team).states)
  }

  /// V*(s) of a corridor of three cells whose right end pays 1, γ = 0.9.
  @Test func aCorridorWithAnEnd() throws {
    let mdp = try Self.corridor(discount: 0.9)
    for plan in [try mdp.valueIteration(), try mdp.policyIteration()] {
      #expect(agree(plan.values, [0.81, 0.9, 1, 0], within: 1e-12))
      #expect(plan.policy.actions[..<3] == [1, 1, 1])
      // Moving left costs a step there and one back, or in the first cell one.
      #expect(agree(plan.advantages, [-0.081, 0, -0.171, 0, -0.19, 0, 0, 0], within: 1e-12))
    }
  }

  /// With discount 1 and episodes that end, everything still has its value.
  @Test func undiscountedEpisodes() throws {
    let mdp = try Self.corridor(discount: 1)
    #expect(try mdp.valueIteration().values == [1, 1, 1, 0])
    #expect(try mdp.policyIteration().values == [1, 1, 1, 0])
    // A random walk from cell i of a corridor with a wall on the left takes 12, 10 and 6 steps to leave it.
    let uniform = TabularPolicy.uniform(stateCount: 4, actionCount: 2)
    let occupancy = try mdp.replacing(initial: [1, 0, 0, 0]).occupancy(of: uniform)
    #expect(agree([occupancy.states.reduce(0, +)], [12], within: 1e-12))
    #expect(agree(occupancy.states, [6, 4, 2, 0], within: 1e-12))
    #expect(throws: GuerdonError.self) {
      try mdp.evaluate(TabularPolicy(actions: [0, 0, 0, 0], actionCount: 2))
    }
  }

  /// Cells 0, 1, 2 and the end; 0 moves left, 1 right.
  static func corridor(discount: Double) throws -> FiniteMDP {
    let model = try TransitionModel(stateCount: 4, actionCount: 2) { s, a in
      [.init(state: a == 0 ? max(0, s - 1) : min(3, s + 1), probability: 1)]
    }
    var reward = [Double](repeating: 0, count: 8)
    reward[5] = 1
    return try FiniteMDP(transitions: model, reward: .stateAction(reward), discount: discount, terminal: [3])
  }

  /// A chain that leaves 0 with probability p and 1 with probability q: V and its long-run share in closed form.
  @Test(arguments: [(0.3, 0.6, 0.9), (0.05, 0.5, 0.99), (1, 1, 0.5)])
  func twoStates(p: Double, q: Double, γ: Double) throws {
    let mdp = try FiniteMDP(
      stateCount: 2, actionCount: 1, transitions: [1 - p, p, q, 1 - q], reward: .state([1, 0]), discount: γ)
    let policy = TabularPolicy.uniform(stateCount: 2, actionCount: 1)
    let determinant: Double = (1 - γ) * (1 - γ * (1 - p - q))
    let values: [Double] = [(1 - γ * (1 - q)) / determinant, γ * q / determinant]
    #expect(agree(try mdp.evaluate(policy).values, values, within: 1e-12))
    let average = try mdp.evaluateAverageReward(of: policy)
    let gain: Double = q / (p + q)
    #expect(agree(average.gain, [gain, gain], within: 1e-12))
    #expect(agree([average.bias[0] - average.bias[1]], [1 / (p + q)], within: 1e-12))
  }

  /// One state: V = α log Σ exp(r / α) / (1 - γ), and π is the softmax of the rewards.
  @Test func softBandit() throws {
    let mdp = try FiniteMDP(
      stateCount: 1, actionCount: 3, transitions: [1, 1, 1], reward: .stateAction([0, 0.5, 1]), discount: 0.8)
    let temperature = 0.25
    let weights = [1.0, 7.38905609893065, 54.598150033144236]
    let sum: Double = weights.reduce(0, +)
    // log 62.98720613207488
    let value = temperature * 4.142931628499899 / (1 - 0.8)
    for plan in [
      try mdp.softValueIteration(temperature: temperature, tolerance: 1e-13),
      try mdp.softPolicyIteration(temperature: temperature, tolerance: 1e-13),
    ] {
      #expect(agree(plan.values, [value], within: 1e-12))
      #expect(agree(plan.policy.probabilities, weights.map { $0 / sum }, within: 1e-12))
    }
  }

  /// Optimal gains beside those of every deterministic policy, on chains of several classes too.
  @Test(arguments: 0..<12 as Range<UInt64>) func bestAverageReward(seed: UInt64) throws {
    var random = RandomGenerator(seed: seed)
    let states = 4, actions = 2
    let branching = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 2 : 4
    let mdp = try FiniteMDP.garnet(
      stateCount: states, actionCount: actions, branching: branching, discount: 1, random: &random)
    var best = [Double](repeating: -.infinity, count: states)
    for code in 0..<1 << states {
      let policy = try TabularPolicy(actions: (0..<states).map { code >> $0 & 1 }, actionCount: actions)
      let gain = try mdp.evaluateAverageReward(of: policy).gain
      for s in 0..<states { best[s] = max(best[s], gain[s]) }
    }
    let plan = try mdp.averageRewardPolicyIteration()
    #expect(agree(plan.gain, best))
    #expect(agree(try mdp.evaluateAverageReward(of: plan.policy).gain, best))
  }

  /// Two cycles out of one state: the policy that is better in the long run, not at first.
  @Test func averageRewardIsPatient() throws {
    // 0 -(0)-> 1 -> 1 pays 5 once and then 1 for ever; 0 -(1)-> 2 -> 2 pays 0 once and then 2.
    let model = try TransitionModel(stateCount: 3, actionCount: 2) { s, a in
      [.init(state: s == 0 ? a + 1 : s, probability: 1)]
    }
    let mdp = try FiniteMDP(
      transitions: model, reward: .stateAction([5, 0, 1, 1, 2, 2]), initial: [1, 0, 0], discount: 1)
    let plan = try mdp.averageRewardPolicyIteration()
    #expect(agree(plan.gain, [2, 1, 2], within: 1e-12))
    #expect(plan.policy[0, 1] == 1)
  }

  @Test func setsOfOptimalActions() throws {
    let mdp = try PlanningTests.corridor(discount: 0.9).replacing(reward: .stateAction([0, 0, 0, 0, 0, 1, 0, 0]))
    let plan = try mdp.policyIteration()
    #expect(plan.optimalActions().actions(in: 1) == [1])
    #expect(plan.optimalActions(tolerance: 0.18).actions(in: 1) == [0, 1])
    #expect(plan.optimalActions().isSubset(of: plan.optimalActions(tolerance: 1)))
    #expect(!plan.optimalActions(tolerance: 1).isSubset(of: plan.optimalActions()))
    let mixed = TabularPolicy.uniform(over: plan.optimalActions(tolerance: 0.18))
    #expect(mixed[1, 0] == 0.5)
    #expect(mixed[2, 1] == 1)
  }

  /// Shaping moves V* by the potential and keeps the order of actions (Ng et al., 1999).
  @Test(arguments: Cases.allCases) func shaping(_ name: Cases) throws {
    let mdp = try name.make()
    var random = RandomGenerator(seed: 5)
    let potential = (0..<mdp.stateCount).map { _ in 3 * random.normal() }
    let shaped = try mdp.shaped(by: potential)
    let before = try mdp.policyIteration(), after = try shaped.policyIteration()
    let moved = (0..<mdp.stateCount).map { before.values[$0] - (mdp.isTerminal[$0] ? 0 : potential[$0]) }
    #expect(agree(after.values, moved, within: 1e-8))
    #expect(after.optimalActions() == before.optimalActions())
    #expect(agree(after.advantages, before.advantages, within: 1e-8))
  }
}
