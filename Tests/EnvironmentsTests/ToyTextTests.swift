import Basics
import Environments
import FiniteMDPs
import TestSupport
import Testing

@Suite struct ToyTextTests {
  /// Gymnasium's `P` as tables: probabilities, mean rewards given the next state, ends, and the first state's distribution.
  struct Table: Decodable {
    var transitions, reward, expected, initial: Numbers
    /// 1 where a transition ends the episode; -1 where `P` has both.
    var ends: Numbers

    init(_ id: String, arguments: String = "") throws {
      self = try Python.run(
        """
        import base64, json, sys, numpy as np, gymnasium as gym
        id, arguments = json.load(sys.stdin)
        u = gym.make(id, **eval("dict(" + arguments + ")")).unwrapped
        S, A = u.observation_space.n, u.action_space.n
        P, R, E = np.zeros((S, A, S)), np.zeros((S, A, S)), np.zeros((S, A, S))
        for s in range(S):
          for a in range(A):
            for p, n, r, end in u.P[s][a]:
              E[s, a, n] = float(end) if P[s, a, n] == 0 or E[s, a, n] == end else -1
              P[s, a, n] += p
              R[s, a, n] += p * r
        expected = R.sum(2)
        R = np.divide(R, P, out=np.zeros_like(R), where=P > 0)
        encode = lambda x: base64.b64encode(np.ascontiguousarray(x, dtype="<f8").tobytes()).decode()
        print(json.dumps(dict(transitions=encode(P), reward=encode(R), expected=encode(expected), ends=encode(E),
                              initial=encode(u.initial_state_distrib))))
        """, input: [id, arguments])
    }
  }

  private func compare(_ mdp: FiniteMDP, _ theirs: Table) {
    let states = mdp.stateCount, actions = mdp.actionCount
    let table: [Double] = mdp.transitions.table
    #expect(table.count == theirs.transitions.values.count)
    #expect(agree(table, theirs.transitions.values, within: 1e-15))
    #expect(agree(mdp.initial, theirs.initial.values, within: 1e-15))
    let reachable = mdp.isReachable
    let paid: [Double] = mdp.transitionReward
    var isSame = true
    for row in 0..<states * actions {
      let state = row / actions
      if !mdp.isTerminal[state] {
        isSame = isSame && abs(mdp.expectedReward[row] - theirs.expected.values[row]) < 1e-12
      }
      for next in 0..<states where table[row * states + next] > 0 {
        isSame = isSame && abs(paid[row * states + next] - theirs.reward.values[row * states + next]) < 1e-12
        if reachable[state] && !mdp.isTerminal[state] {
          isSame = isSame && theirs.ends.values[row * states + next] == (mdp.isTerminal[next] ? 1 : 0)
        }
      }
    }
    #expect(isSame)
  }

  private static let ids = ["FrozenLake-v1", "FrozenLake8x8-v1", "CliffWalking-v1", "CliffWalkingSlippery-v1", "Taxi-v4"]

  @Test(arguments: ids) func modelsAreGymnasiums(id: String) throws {
    compare(try Environments.model(id, discount: 0.99), try Table(id))
  }

  @Test func lakesOfOnesOwn() throws {
    let lake = try FrozenLake(
      map: ["SFHFS", "FFFFF", "GFFHG"], successRate: 0.7, rewards: (goal: 3, hole: -2, frozen: -0.1))
    compare(
      try lake.finiteMDP(discount: 0.9),
      try Table(
        "FrozenLake-v1",
        arguments: "desc=['SFHFS', 'FFFFF', 'GFFHG'], success_rate=0.7, reward_schedule=(3, -2, -0.1)"))
    let firm = try FrozenLake(map: ["SF", "HG"], isSlippery: false)
    compare(
      try firm.finiteMDP(discount: 0.9), try Table("FrozenLake-v1", arguments: "desc=['SF', 'HG'], is_slippery=False"))
    let environment = try firm.make(count: 2, autoreset: .disabled)
    environment.step([2, 1])
    #expect(Array(environment.observations) == [1, 2])
    #expect(Array(environment.terminated) == [false, true])
    environment.reset(mask: [false, true])
    environment.step([1, 2])
    #expect(Array(environment.observations) == [3, 1])
    #expect(Array(environment.rewards) == [1, 0])
  }

  @Test func mistakesAreExplained() throws {
    for map in [[], [""], ["SF", "F"], ["FF"], ["SX"]] {
      #expect(throws: GuerdonError.self) { try FrozenLake(map: map) }
    }
    #expect(throws: GuerdonError.self) { try FrozenLake(map: ["S"], successRate: 1.5) }
    #expect(throws: GuerdonError.self) { try Environments.model("Taxi-v4", discount: 2) }
    #expect(throws: GuerdonError.self) { try Environments.model("Taxi-v5", discount: 0.9) }
    let error = #expect(throws: GuerdonError.self) { try Environments.model("CartPole-v1", discount: 0.9) }
    #expect(error?.message.contains("CartPole-v1 has no finite model") == true)
  }

  /// The optimal policy of a model, played in the environment, earns what the model says it does.
  @Test(arguments: ids) func optimalPoliciesEarnTheirValue(id: String) throws {
    let spec = try Environments.spec(id)
    let horizon = min(spec.maxEpisodeSteps, 100)
    let mdp = try Environments.model(id, discount: 1)
    let plan = try mdp.backwardInduction(horizon: horizon)
    let promised = zip(mdp.initial, plan.values(at: 0)).reduce(0.0) { $0 + $1.0 * $1.1 }
    let count = 20_000
    let environment = try Environments.make(id, count: count, autoreset: .disabled, seed: 1, maxEpisodeSteps: horizon)
    var earned = [Double](repeating: 0, count: count), isOver = [Bool](repeating: false, count: count)
    for t in 0..<horizon {
      let states = environment.observations.map { Int($0) }
      var actions = [Double](repeating: 0, count: count)
      let policy = plan.policy.policy(at: t).actions
      for i in 0..<count { actions[i] = Double(policy[states[i]]) }
      environment.step(actions)
      for i in 0..<count where !isOver[i] {
        earned[i] += environment.rewards[i]
        isOver[i] = environment.terminated[i] || environment.truncated[i]
      }
      let ended = (0..<count).map { environment.terminated[$0] || environment.truncated[$0] }
      if ended.contains(true) { environment.reset(mask: ended) }
    }
    let mean: Double = earned.reduce(0, +) / Double(count)
    let variance: Double = earned.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(count)
    // Five standard errors: noise crosses them once in a million seeds.
    #expect(abs(mean - promised) <= 5 * (variance / Double(count)).squareRoot() + 1e-9, "\(mean), promised \(promised)")
    // Gymnasium's documentation gives the optimum of the small lake as 0.74.
    if id == "FrozenLake-v1" { #expect(abs(promised - 0.74) < 0.005) }
    // Thirteen steps along the edge of the cliff.
    if id == "CliffWalking-v1" { #expect(promised == -13) }
  }
}
