import Basics
import Experiments
import FiniteMDPs
import Foundation
import TestSupport
import Testing

@testable import Agents
@testable import ShapedRewards

/// The unit checks of the thesis' brief, and its linear programs and gradients beside numpy's and scipy's.
@Suite struct RewardDesignThesisTests {
  /// Three cells and a terminal state; left and right; leaving the last cell to the right pays 1; γ = 0.9.
  private func threeCells() throws -> RewardDesignProblem {
    let transitions = try TransitionModel(stateCount: 4, actionCount: 2) { s, a in
      [.init(state: s == 3 ? 3 : a == 0 ? max(0, s - 1) : s + 1, probability: 1)]
    }
    let mdp = try FiniteMDP(
      transitions: transitions, reward: .stateAction([0, 0, 0, 0, 0, 1, 0, 0]), discount: 0.9, terminal: [3])
    return try RewardDesignProblem(mdp, goals: [2], bound: 1)
  }

  private func close(_ a: [Double], _ b: [Double], _ tolerance: Double = 1e-9) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
  }

  @Test func threeCellsByHand() throws {
    let problem = try threeCells()
    #expect(close(problem.optimal.values, [0.81, 0.9, 1, 0]))
    #expect(close(problem.gaps, [0.081, 0.171, 0.19, 0]))
    for (horizon, sum) in [(0, -0.252), (1, -0.081), (2, 0.0)] {
      let informativeness = try problem.informativeness(of: problem.mdp.expectedReward, horizons: [horizon])
      #expect(abs(informativeness * 4 - sum) < 1e-9)
    }
    let potential = try ExplicableRewardDesign.potentialBased(problem)
    #expect(close(potential, [-0.081, 0, -0.171, 0, -0.19, 0, 0, 0]))
    #expect(try abs(problem.informativeness(of: potential, horizons: [0, 1, 2, 8])) < 1e-12)
  }

  private struct Process: Encodable {
    let T: [[[Double]]]
    let R: [Double]
    let gamma: Double
    let terminal: [Bool]
    let initial: [Double]
    let target: [Int]
    let suboptimal: [Bool]
    let gaps: [Double]
    var horizons = [0, 1, 3, 8]
    var bound = 2.0
    var support: [Int] = []
    var policies: [[Double]] = []
  }

  /// A process at random, its last state terminal.
  private func randomProblem(_ seed: UInt64, states: Int = 7, actions: Int = 3) throws -> RewardDesignProblem {
    var random = RandomGenerator(seed: seed)
    var table: [Double] = []
    for _ in 0..<states * actions {
      let raw = (0..<states).map { _ in random.uniform() < 0.5 ? random.uniform() : 0 }
      let sum: Double = raw.reduce(0, +)
      table += sum > 0 ? raw.map { $0 / sum } : raw.indices.map { $0 == 0 ? 1 : 0 }
    }
    let reward = (0..<states * actions).map { _ in random.uniform() < 0.3 ? random.uniform() : 0 }
    var initial = [Double](repeating: 0, count: states)
    (initial[0], initial[1]) = (0.75, 0.25)
    let mdp = try FiniteMDP(
      stateCount: states, actionCount: actions, transitions: table, reward: .stateAction(reward), initial: initial,
      discount: 0.9, terminal: [states - 1])
    let goals = (0..<states - 1).filter { s in (0..<actions).contains { reward[s * actions + $0] > 0 } }
    return try RewardDesignProblem(mdp, goals: goals, bound: 2)
  }

  private func process(_ problem: RewardDesignProblem) -> Process {
    let mdp = problem.mdp, table = mdp.transitions.table, S = mdp.stateCount, A = mdp.actionCount
    return Process(
      T: (0..<S).map { s in (0..<A).map { a in Array(table[(s * A + a) * S..<(s * A + a + 1) * S]) } },
      R: mdp.expectedReward, gamma: mdp.discount, terminal: mdp.isTerminal, initial: mdp.initial,
      target: problem.target,
      suboptimal: (0..<S * A).map { problem.isSuboptimal($0 / A, $0 % A) }, gaps: problem.gaps)
  }

  /// The matrices of the brief, literally: the terminal state absorbing, J† and P† in full.
  private let matrices = """
    import json, sys
    import numpy as np
    from scipy.optimize import linprog
    x = json.load(sys.stdin)
    T, g = np.array(x["T"]), x["gamma"]
    S, A, _ = T.shape
    n = S * A
    for s in np.flatnonzero(x["terminal"]):
        T[s] = 0; T[s, :, s] = 1
    pi = x["target"]
    P, J = np.zeros((n, n)), np.zeros((n, n))
    for s in range(S):
        for a in range(A):
            J[s * A + a, s * A + pi[s]] = 1
            for t in range(S):
                P[s * A + a, t * A + pi[t]] = T[s, a, t]
    I = np.eye(n)
    living = np.repeat(~np.array(x["terminal"]), A)
    def G(h):
        if h is None:
            return (J - I) @ np.linalg.inv(I - g * P)
        return (J - I) @ sum(g ** t * np.linalg.matrix_power(P, t) for t in range(h + 1))
    d = np.repeat(x["gaps"], A)
    sub = np.array(x["suboptimal"])

    """

  @Test func gapOperatorsAreThoseOfTheirDefinition() throws {
    for seed in UInt64(0)..<3 {
      let problem = try randomProblem(seed)
      let expected: [[[Double]]] = try Python.run(
        matrices + """
          out = []
          for h in x["horizons"] + [None]:
              M = G(h)
              M[:, ~living] = 0   # R is 0 in the terminal state
              out.append(M.tolist())
          print(json.dumps(out))
          """, input: process(problem))
      for (index, horizon) in ([0, 1, 3, 8] + [nil]).enumerated() {
        #expect(close(try problem.gapOperator(horizon: horizon), expected[index].flatMap { $0 }, 1e-9))
      }
    }
  }

  /// P1 as scipy's linear program over all n entries: the same optimum.
  @Test func theMostInformativeRewardIsScipysOptimum() throws {
    var configuration = ExplicableRewardDesign.Configuration()
    configuration.horizons = [0, 1, 3, 8]
    for seed in UInt64(0)..<4 {
      let problem = try randomProblem(seed)
      var input = process(problem)
      input.support = problem.goals + (seed % 2 == 0 ? [] : [(0..<6).first { !problem.goals.contains($0) } ?? 0])
      let expected: Double = try Python.run(
        matrices + """
          H = x["horizons"]
          m = len(H) * S
          c = np.concatenate([np.zeros(n), np.full(m, 1 / m)])
          rows, rhs = [], []
          M = G(None)
          for r in range(n):
              if living[r]:
                  rows.append(np.concatenate([-M[r], np.zeros(m)])); rhs.append(-d[r] / (1 + 1e-5) if sub[r] else 0)
          for i, h in enumerate(H):
              M = G(h)
              for r in np.flatnonzero(sub):
                  u = np.zeros(m); u[i * S + r // A] = -1
                  rows.append(np.concatenate([-M[r], u])); rhs.append(-d[r])
          free = [s in x["support"] for s in range(S)]
          b = [(-x["bound"], x["bound"]) if free[r // A] else (0, 0) for r in range(n)] + [(0, None)] * m
          s = linprog(c, A_ub=np.array(rows), b_ub=rhs, bounds=b, method="highs",
                      options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10})
          print(json.dumps(-s.fun))
          """, input: input)
      let designer = try ExplicableRewardDesign(problem, configuration: configuration)
      let found = try designer.mostInformative(in: .free(on: input.support, in: problem))
      #expect(abs(found.informativeness - expected) < 1e-6, "\(found.informativeness) against \(expected)")
      // The optimum is attained by the reward that is returned, which keeps the optimal policies.
      #expect(try abs(problem.informativeness(of: found.reward, horizons: [0, 1, 3, 8]) - expected) < 1e-6)
      #expect(try problem.violations(of: found.reward).isEmpty)
      #expect(found.reward.indices.allSatisfy { input.support.contains($0 / 3) || found.reward[$0] == 0 })
      #expect(found.reward.allSatisfy { abs($0) <= 2 + 1e-9 })
      // A small penalty on the norm costs little informativeness and shortens the reward.
      var short = configuration
      short.normPenalty = 1e-6
      let shorter = try ExplicableRewardDesign(problem, configuration: short)
        .mostInformative(in: .free(on: input.support, in: problem))
      #expect(shorter.informativeness <= expected + 1e-9 && shorter.informativeness > expected - 1e-4)
      let norms = [found.reward, shorter.reward].map { $0.reduce(0) { $0 + abs($1) } }
      #expect(norms[1] <= norms[0] + 1e-6)
    }
  }

  @Test func roomsNumbersAreTheBriefs() throws {
    let problem = try DesignWorlds.Room.problem()
    let horizons = ExplicableRewardDesign.Configuration().horizons
    #expect(abs(problem.optimal.values[8] - 5.9995) < 1e-3)
    #expect(try abs(problem.informativeness(of: problem.mdp.expectedReward, horizons: horizons) + 0.18434) < 1e-4)
    let potential = try ExplicableRewardDesign.potentialBased(problem)
    #expect(try abs(problem.informativeness(of: potential, horizons: horizons)) < 1e-8)
    #expect(try problem.violations(of: potential).isEmpty)
    // Seven states have ties among their optimal actions, the terminal one being the seventh.
    #expect((0..<50).filter { problem.optimalActions.actions(in: $0).count > 1 }.count == 7)
    // A reward that lures elsewhere is found out.
    var lure = problem.mdp.expectedReward
    lure[8 * 4 + 1] = 5
    #expect(try problem.violations(of: lure).contains(8))
    // P1 with the goal alone adds nothing to R̄, and with every state it shows every gap.
    let designer = try ExplicableRewardDesign(problem)
    let alone = try designer.mostInformative(in: .free(on: [48], in: problem)).informativeness
    #expect(abs(alone + 0.18434) < 1e-4)
    #expect(try abs(alone - problem.informativeness(of: problem.mdp.expectedReward, horizons: horizons)) < 1e-5)
    #expect(try abs(designer.mostInformative(in: .free(on: 0..<50, in: problem)).informativeness) < 1e-6)
  }

  @Test func theGreedySupportGrowsInformativenessAndKeepsTheOptimum() throws {
    let problem = try DesignWorlds.Room.problem()
    var configuration = ExplicableRewardDesign.Configuration()
    configuration.budget = 2
    let designer = try ExplicableRewardDesign(problem, configuration: configuration)
    let candidates = [0, 10, 24, 37, 41, 47]
    let design = try designer.design(candidates: candidates, pool: WorkerPool(threads: 2))
    #expect(design.support.count == 3 && design.support[0] == 48)
    #expect(design.support.dropFirst().allSatisfy(candidates.contains))
    #expect(zip(design.informativeness, design.informativeness.dropFirst()).allSatisfy { $0 <= $1 + 1e-9 })
    #expect(design.informativeness[2] > design.informativeness[0] + 1e-4)
    #expect(design.programs == 1 + 6 + 5 + 1)
    // The first state is the best of all candidates, by hand.
    let alone = try candidates.map {
      try designer.mostInformative(in: .free(on: [48, $0], in: problem)).informativeness
    }
    #expect(abs((alone.max() ?? 0) - design.informativeness[1]) < 1e-8)
    #expect(try problem.violations(of: design.reward).isEmpty)
    // A person's prior decides once its weight is large.
    let picked = try designer.design(candidates: candidates, weight: 100, prior: { $0.contains(0) ? 1 : 0 })
    #expect(picked.support[1] == 0)
  }

  // MARK: ExpAdaRD

  @Test func lineKeysNumbersAreTheBriefs() throws {
    let problem = try DesignWorlds.LineKey.problem()
    #expect(abs(problem.optimal.values[5] - 4.2047) < 1e-3)
    #expect(problem.target[1] == 2 && problem.target[5] == 0 && problem.target[12] == 1)
    #expect(DesignWorlds.LineKey.structure.parameterCount == 15)
  }

  /// The criterion is linear in R, blind to what depends on the state alone, and equals its definition.
  @Test func theCriterionIsLinearAndBlindToConstants() throws {
    let problem = try randomProblem(9)
    let design = try AdaptiveRewardDesign(
      problem, structure: .free(on: Array(0..<6), in: problem))
    var random = RandomGenerator(seed: 1)
    let rewards = (0..<2).map { _ in (0..<21).map { _ in random.normal() } }
    let policy = TabularPolicy.softmax((0..<21).map { _ in random.normal() }, actionCount: 3)
    let first = try design.informativeness(of: rewards[0], for: policy)
    let second = try design.informativeness(of: rewards[1], for: policy)
    let both = try design.informativeness(of: zip(rewards[0], rewards[1]).map { 2 * $0 - 3 * $1 }, for: policy)
    #expect(abs(both - (2 * first - 3 * second)) < 1e-12)
    let constants = (0..<7).map { _ in random.normal() }
    let moved = rewards[0].indices.map { rewards[0][$0] + constants[$0 / 3] }
    #expect(try abs(design.informativeness(of: moved, for: policy) - first) < 1e-12)

    var input = process(problem)
    input.policies = [policy.probabilities, rewards[0]]
    let expected: [Double] = try Python.run(
      matrices + """
        Tn = T.copy()
        r = np.array(x["R"]).reshape(S, A); r[np.array(x["terminal"])] = 0
        piL, R = [np.array(p).reshape(S, A) for p in x["policies"]]
        piT = np.eye(A)[pi]
        def V(p):
            return np.linalg.solve(np.eye(S) - g * np.einsum("sa,sat->st", p, Tn), (p * r).sum(1))
        def mu(p):
            m = (1 - g) * np.linalg.solve((np.eye(S) - g * np.einsum("sa,sat->st", p, Tn)).T, np.array(x["initial"]))
            m[np.array(x["terminal"])] = 0
            return m / m.sum()
        A_T = r + g * Tn @ V(piT) - V(piT)[:, None]
        mT, mL = mu(.7 * piT + .3 / A), mu(piL)
        center = lambda q: q - (piL * q).sum(1, keepdims=True)
        I_L = mT[:, None] * mL[:, None] * piL ** 2 * center(A_T) * center(R)
        print(json.dumps([float(I_L[~np.array(x["terminal"])].sum())]))
        """, input: input)
    #expect(abs(first - expected[0]) < 1e-12, "\(first) against \(expected[0])")
  }

  @Test func adaptiveRewardsKeepTheOptimumAndAreTheBestOfTheirStructure() throws {
    let problem = try DesignWorlds.LineKey.problem()
    let design = try AdaptiveRewardDesign(problem, structure: DesignWorlds.LineKey.structure)
    let explicable = try ExplicableRewardDesign(problem)
    let other = try explicable.leastInvariant(in: DesignWorlds.LineKey.structure)
    #expect(try problem.violations(of: other).isEmpty)
    var random = RandomGenerator(seed: 0)
    for _ in 0..<20 {
      let policy = TabularPolicy.softmax((0..<63).map { _ in 2 * random.normal() }, actionCount: 3)
      let reward = try design.reward(for: policy)
      #expect(try problem.violations(of: reward).isEmpty)
      #expect(reward.allSatisfy { abs($0) <= 10 + 1e-9 } && reward[60...].allSatisfy { $0 == 0 })
      // One leaf, one reward; and no invariant reward of the structure does better.
      #expect(reward[2 * 3] == reward[8 * 3] && reward[11 * 3 + 1] == reward[18 * 3 + 1])
      let ours = try design.informativeness(of: reward, for: policy)
      #expect(try ours >= design.informativeness(of: other, for: policy) - 1e-9)
    }
  }

  /// Nine blocks of nine cells and the goal, one weight an action: 40 parameters.
  @Test func roomsBlocksOverlap() {
    let structure = DesignWorlds.Room.structure
    #expect(structure.parameterCount == 40)
    let blocks = (0..<49).map { s in structure.terms[s * 4].filter { $0.variable / 4 < 9 }.count }
    #expect(blocks.reduce(0, +) == 81 && blocks.allSatisfy { $0 >= 1 })
    // (1, 1) lies in one block, (4, 1) in two, (4, 4) and (5, 5) in four; the goal in one, and it is its own feature.
    #expect(blocks[8] == 1 && blocks[11] == 2 && blocks[32] == 4 && blocks[40] == 4 && blocks[48] == 1)
    #expect(structure.terms[48 * 4 + 3].map(\.variable) == [8 * 4 + 3, 9 * 4 + 3])
    #expect((0..<48).allSatisfy { s in structure.terms[s * 4].allSatisfy { $0.variable / 4 < 9 } })
    #expect((196..<200).allSatisfy { structure.terms[$0].isEmpty })
    // A cell in four blocks is paid their weights' sum.
    #expect(structure.reward((0..<40).map { Double($0 / 4 + 1) })[32 * 4] == 5 + 6 + 8 + 9)
  }

  @Test func adaptiveRewardsOfBlocksKeepRoomsOptimum() throws {
    let problem = try DesignWorlds.Room.problem(), structure = DesignWorlds.Room.structure
    let design = try AdaptiveRewardDesign(problem, structure: structure)
    let other = try ExplicableRewardDesign(problem).leastInvariant(in: structure)
    #expect(try problem.violations(of: other).isEmpty)
    var random = RandomGenerator(seed: 0)
    // The sharper a policy is, the smaller the criterion's coefficients.
    for number in 0..<40 {
      let sharpness = number < 20 ? 2.0 : 8
      let policy = TabularPolicy.softmax((0..<200).map { _ in sharpness * random.normal() }, actionCount: 4)
      let reward = try design.reward(for: policy)
      #expect(try problem.violations(of: reward).isEmpty)
      #expect(reward.allSatisfy { abs($0) <= 10 + 1e-7 } && reward[196...].allSatisfy { $0 == 0 })
      // (0, 0) and (1, 1) are in the same block alone.
      #expect(reward[0] == reward[8 * 4])
      let ours = try design.informativeness(of: reward, for: policy)
      let theirs = try design.informativeness(of: other, for: policy)
      #expect(ours >= theirs - 1e-6 * abs(theirs))
    }
  }

  // MARK: ExploRS and the learner

  @Test func theBonusFallsWithVisits() throws {
    let mdp = try DesignWorlds.Chain.process()
    var teacher = try ExplorationGuidedShaping(mdp)
    #expect(teacher.bonus(7) == 1 && teacher.bonus(DesignWorlds.Chain.terminal) == 0)
    for _ in 0..<3 { teacher.visited(7) }
    #expect(teacher.bonus(7) == 0.5)
    // It is paid for where a step leads, on top of R̄.
    #expect(teacher.reward(6, 1, next: 7, original: 2) == 2.5)
    var configuration = ExplorationGuidedShaping.Configuration()
    configuration.largestBonus = 0.5
    #expect(try ExplorationGuidedShaping(mdp, configuration: configuration).bonus(0) == 0.5)
  }

  private func episode(
    _ states: [Int], _ actions: [Int], _ rewards: [Double], probabilities: [Double]
  ) -> TaughtEpisode {
    var episode = TaughtEpisode()
    (episode.states, episode.actions, episode.original) = (states, actions, rewards)
    (episode.designed, episode.probabilities) = (rewards, probabilities)
    (episode.next, episode.isTerminal) = (Array(states.dropFirst()) + [3], true)
    return episode
  }

  private func randomEpisodes(_ count: Int, states: Int, actions: Int, seed: UInt64) -> [TaughtEpisode] {
    var random = RandomGenerator(seed: seed)
    return (0..<count).map { _ in
      let length = 2 + random.integer(below: 5)
      var probabilities: [Double] = []
      for _ in 0..<length {
        let p = random.uniform()
        probabilities += [p, 1 - p]
      }
      return episode(
        (0..<length).map { _ in random.integer(below: states) },
        (0..<length).map { _ in random.integer(below: actions) },
        (0..<length).map { _ in random.uniform() }, probabilities: probabilities)
    }
  }

  private struct Buffer: Encodable {
    let states: [[Int]]
    let actions: [[Int]]
    let rewards: [[Double]]
    let probabilities: [[Double]]
  }

  /// Two updates of φ and V beside the update written with numpy; every row of φ sums to 0.
  @Test func selfTeachingIsTheBriefsUpdate() throws {
    let mdp = try threeCells().mdp
    let episodes = randomEpisodes(4, states: 3, actions: 2, seed: 6)
    let expected: [[Double]] = try Python.run(
      """
      import json, sys
      import numpy as np
      x = json.load(sys.stdin)
      phi, V = np.zeros((4, 2)), np.zeros(4)
      for _ in range(2):
          dphi, dV, count = np.zeros((4, 2)), np.zeros(4), 0
          for S, A, R, P in zip(x["states"], x["actions"], x["rewards"], x["probabilities"]):
              P = np.array(P).reshape(-1, 2)
              for t in range(len(S)):
                  G = sum(.9 ** (k - t) * R[k] for k in range(t, len(S)))
                  e = np.eye(2)[A[t]]
                  dphi[S[t]] += P[t, A[t]] * (G - V[S[t]]) * (e - P[t])
                  dV[S[t]] += G - V[S[t]]
                  count += 1
          phi += .01 * dphi
          V += .01 * dV / count
      print(json.dumps([phi.ravel().tolist(), V.tolist()]))
      """,
      input: Buffer(
        states: episodes.map(\.states), actions: episodes.map(\.actions), rewards: episodes.map(\.original),
        probabilities: episodes.map(\.probabilities)))
    var teacher = try ExplorationGuidedShaping(mdp)
    let policy = TabularPolicy.uniform(stateCount: 4, actionCount: 2)
    for _ in 0..<2 { try teacher.update(episodes, policy: policy) }
    #expect(close(teacher.shaping, expected[0], 1e-12) && close(teacher.values, expected[1], 1e-12))
    #expect(stride(from: 0, to: 8, by: 2).allSatisfy { abs(teacher.shaping[$0] + teacher.shaping[$0 + 1]) < 1e-15 })
    #expect(teacher.shaping.contains { abs($0) > 1e-4 })
  }

  /// What sampled rollouts add to φ is, on average, π(a|s) A (∇Q_φ(s, a) − Σ_b π(b|s) ∇Q_φ(s, b)), ∇Q being discounted
  /// visits: here by powers of the chain.
  @Test func sampledRolloutsEstimateTheLongRun() throws {
    let problem = try randomProblem(12)
    var input = process(problem)
    let policy = TabularPolicy.softmax((0..<21).map { 0.3 * Double($0 % 5) }, actionCount: 3)
    input.policies = [policy.probabilities]
    let expected: [Double] = try Python.run(
      matrices + """
        p = np.array(x["policies"][0]).reshape(S, A)
        Q = np.zeros((n, n))
        for s in range(S):
            for a in range(A):
                for t in range(S):
                    for b in range(A):
                        Q[s * A + a, t * A + b] = T[s, a, t] * p[t, b]
        M = sum(g ** t * np.linalg.matrix_power(Q, t) for t in range(30))
        M[:, ~living] = 0
        print(json.dumps((p[1, 2] * (M[1 * A + 2] - p[1] @ M[A:2 * A])).tolist()))
        """, input: input)
    var configuration = ExplorationGuidedShaping.Configuration()
    configuration.shaping = .sampledRollouts
    (configuration.shapingRate, configuration.valueRate, configuration.rolloutHorizon) = (1, 0, 30)
    var teacher = try ExplorationGuidedShaping(problem.mdp, configuration: configuration, seed: 4)
    let step = episode([1], [2], [1], probabilities: Array(policy.probabilities[3..<6]))
    let count = 40_000
    try teacher.update(Array(repeating: step, count: count), policy: policy)
    let found = teacher.shaping.map { $0 / Double(count) }
    #expect(close(found, expected, 0.03), "\(found) against \(expected)")
    #expect(expected.contains { abs($0) > 0.1 })
  }

  /// SORS climbs the likelihood of the returns' order: one step from 0 is half the difference of discounted visits.
  @Test func returnOrderIsFitted() throws {
    let mdp = try threeCells().mdp
    var configuration = ExplorationGuidedShaping.Configuration()
    configuration.shaping = .returnOrder
    configuration.shapingRate = 1
    var teacher = try ExplorationGuidedShaping(mdp, configuration: configuration)
    let half = [0.5, 0.5, 0.5, 0.5]
    let episodes = [
      episode([0, 1], [1, 1], [0, 0], probabilities: half), episode([1, 2], [1, 1], [0, 1], probabilities: half),
    ]
    let policy = TabularPolicy.uniform(stateCount: 4, actionCount: 2)
    try teacher.update(episodes, policy: policy)
    #expect(close(teacher.shaping, [0, -0.5, 0, 0.5 - 0.45, 0, 0.45, 0, 0], 1e-12))
    // Equal returns say nothing.
    let before = teacher.shaping
    try teacher.update([episodes[0], episodes[0]], policy: policy)
    #expect(teacher.shaping == before)
  }

  /// By hand: G = (0.9, 1); a mean over two transitions; softmax of 0 is one half.
  @Test func reinforceDividesByTransitions() {
    var learner = TabularReinforce(preferences: [0, 0, 0, 0], actionCount: 2, rate: 1)
    learner.learn(
      from: [episode([0, 1], [1, 0], [0, 1], probabilities: [0.5, 0.5, 0.5, 0.5])], discount: 0.9)
    #expect(close(learner.preferences, [-0.225, 0.225, 0.25, -0.25], 1e-12))
    #expect(abs(learner.policy[0, 1] - 1 / (1 + exp(-0.45))) < 1e-12)
  }

  /// By hand, backwards: Q(1, 0) = α 1; Q(0, 1) = α γ Q(1, 0). A cut-off episode is worth what its last state is.
  @Test func qLearningReplaysBackwards() throws {
    var learner = try TabularQ(stateCount: 4, actionCount: 2, rate: 0.5, discount: 0.9, epsilon: 0.2)
    let played = episode([0, 1], [1, 0], [0, 1], probabilities: [0.5, 0.5, 0.5, 0.5])
    learner.learn(from: [played], discount: 0.9)
    #expect(close(learner.values, [0, 0.225, 0.5, 0, 0, 0, 0, 0], 1e-12))
    #expect(learner.greedyAction(0) == 1 && close(Array(learner.policy.probabilities[..<4]), [0.1, 0.9, 0.9, 0.1]))
    var cut = played
    (cut.isTerminal, cut.next) = (false, [1, 0])
    learner.learn(from: [cut], discount: 0.9)
    #expect(abs(learner.values[2] - (0.5 + 0.5 * (1 + 0.9 * 0.225 - 0.5))) < 1e-12)
    #expect(throws: GuerdonError.self) {
      try TabularQ(stateCount: 4, actionCount: 2, rate: 0, discount: 0.9, epsilon: 0.2)
    }
  }

  private struct Counter: RewardTeacher {
    var sizes: [Int] = []
    var visits = 0

    func reward(_ state: Int, _ action: Int, next: Int, original: Double) -> Double { 0 }
    mutating func visited(_ state: Int) { visits += 1 }
    mutating func update(_ episodes: [TaughtEpisode], policy: TabularPolicy) { sizes.append(episodes.count) }
  }

  @Test func theLoopKeepsItsCadence() throws {
    let mdp = try DesignWorlds.LineKey.process()
    var teacher = Counter(), random = RandomGenerator(seed: 0), steps = 0
    var learner = TabularReinforce(preferences: [Double](repeating: 0, count: 63), actionCount: 3, rate: 0.1)
    try TeachingLoop(horizon: 12).run(in: mdp, teacher: &teacher, learner: &learner, episodes: 23, random: &random) {
      number, episode, _ in
      #expect((1...12).contains(episode.count))
      #expect(episode.states[0] == 5 && episode.probabilities.count == 3 * episode.count)
      steps += episode.count
      return number < 22
    }
    #expect(teacher.sizes == [5, 10, 10, 10] && teacher.visits == steps)
    // Nothing was paid, nothing was learned.
    #expect(learner.preferences.allSatisfy { $0 == 0 })
  }

  // MARK: ExploRS with networks

  private struct Layers: Encodable {
    let weights: [[Float]]
    let biases: [[Float]]

    init(_ perceptron: Perceptron) {
      let layers = (0..<2).map { perceptron.network.get(layer: $0) }
      (weights, biases) = (layers.map(\.weight), layers.map(\.bias))
    }
  }

  private struct NeuralInput: Encodable {
    let shaping, value, policy: Layers
    let observations: [Float]
    let actions: [Int]
    let original, designed, probabilities: [Double]
  }

  private struct NeuralOutput: Decodable {
    let shaping, values, policy: [Double]
  }

  /// Three steps of φ, V and π beside PyTorch's autograd and Adam, from the same parameters.
  @Test func networksLearnAsPyTorchsDo() throws {
    var random = RandomGenerator(seed: 3)
    var observed = ObservedEpisode()
    for _ in 0..<9 {
      observed.observations += (0..<4).map { _ in Float(random.uniform()) }
      observed.actions.append(random.integer(below: 3))
      observed.original.append(random.uniform() < 0.3 ? 1 : 0)
      observed.designed.append(random.normal())
      let weights = (0..<3).map { _ in random.uniform(0.1, 1) }
      observed.probabilities += weights.map { $0 / weights.reduce(0, +) }
    }
    var settings = NeuralReinforce.Configuration()
    settings.rate = 1e-3  // so that three steps show
    let teacher = try NeuralShaping(
      observationWidth: 4, actionCount: 3, placeCount: 20, longest: 9, discount: 0.9, seed: 5)
    let learner = try NeuralReinforce(observationWidth: 4, actionCount: 3, longest: 9, configuration: settings, seed: 5)
    let before = learner.probabilities(of: observed.observations)
    let expected: NeuralOutput = try Python.run(
      """
      import json, sys
      import torch
      from torch import nn
      x = json.load(sys.stdin)
      def network(layers, outputs):
          net = nn.Sequential(nn.Linear(4, 256), nn.ReLU(), nn.Linear(256, outputs))
          with torch.no_grad():
              for i, module in enumerate([net[0], net[2]]):
                  module.weight.copy_(torch.tensor(layers["weights"][i]).view_as(module.weight))
                  module.bias.copy_(torch.tensor(layers["biases"][i]))
          return net
      phi, value, policy = network(x["shaping"], 3), network(x["value"], 1), network(x["policy"], 3)
      optimisers = [torch.optim.Adam(net.parameters(), lr=rate)
                    for net, rate in ((phi, 1e-3), (value, 5e-3), (policy, 1e-3))]
      obs = torch.tensor(x["observations"]).view(-1, 4)
      a, pi = torch.tensor(x["actions"])[:, None], torch.tensor(x["probabilities"], dtype=torch.float32).view(-1, 3)
      def returns(rewards):
          out, total = [], 0.0
          for r in reversed(rewards):
              total = r + .9 * total
              out.append(total)
          return torch.tensor(out[::-1], dtype=torch.float32)
      G, Ghat = returns(x["original"]), returns(x["designed"])
      for _ in range(3):
          F = .1 * torch.tanh(phi(obs))
          V = value(obs)[:, 0]
          gain = F.gather(1, a)[:, 0] - (pi * F).sum(1)
          losses = [-(pi.gather(1, a)[:, 0] * (G - V.detach()) * gain).mean(), nn.functional.smooth_l1_loss(V, G),
                    -(Ghat * policy(obs).log_softmax(1).gather(1, a)[:, 0]).mean()]
          for loss, optimiser in zip(losses, optimisers):
              optimiser.zero_grad(); loss.backward(); optimiser.step()
      print(json.dumps({"shaping": (.1 * torch.tanh(phi(obs))).flatten().tolist(),
                        "values": value(obs).flatten().tolist(),
                        "policy": policy(obs).softmax(1).flatten().tolist()}))
      """,
      input: NeuralInput(
        shaping: Layers(teacher.shapingNetwork), value: Layers(teacher.valueNetwork), policy: Layers(learner.network),
        observations: observed.observations, actions: observed.actions, original: observed.original,
        designed: observed.designed, probabilities: observed.probabilities))
    for _ in 0..<3 {
      teacher.update(observed)
      learner.learn(from: observed, discount: 0.9)
    }
    #expect(close(teacher.shaping(of: observed.observations), expected.shaping, 1e-5))
    #expect(close(teacher.values(of: observed.observations), expected.values, 1e-4))
    let after = learner.probabilities(of: observed.observations)
    #expect(close(after, expected.policy, 1e-5) && !close(after, before, 1e-3))
    #expect(teacher.shaping(of: observed.observations).allSatisfy { abs($0) <= 0.1 })
  }

  @Test func neuralShapingIsPaidAfterItsDelay() throws {
    var configuration = NeuralShaping.Configuration()
    (configuration.explores, configuration.delay, configuration.hidden) = (false, 3, 16)
    let line = KeyLine.exploration
    func episodes() throws -> [ObservedEpisode] {
      let teacher = try NeuralShaping(
        observationWidth: 4, actionCount: 3, placeCount: 20, longest: 20, discount: line.discount,
        configuration: configuration, seed: 1)
      let learner = try NeuralReinforce(observationWidth: 4, actionCount: 3, longest: 20, seed: 1)
      var random = RandomGenerator(seed: 1), episodes: [ObservedEpisode] = []
      try TeachingLoop(horizon: 20).run(
        in: line, bins: 10, teacher: teacher, learner: learner, episodes: 6, random: &random
      ) { _, episode in
        episodes.append(episode)
        return true
      }
      #expect(teacher.visits.reduce(0, +) == 120 && teacher.bonus(4) == 0)
      return episodes
    }
    let first = try episodes()
    for (number, episode) in first.enumerated() {
      let paid = zip(episode.designed, episode.original).map { $0 - $1 }
      #expect(episode.count == 20 && paid.allSatisfy { abs($0) <= 0.1 })
      #expect(paid.contains { $0 != 0 } == (number >= 3))
    }
    #expect(try episodes().map(\.designed) == first.map(\.designed))
    // The bonus is ExploRS' own: 1 for a place that was never visited, 0.5 after three visits.
    configuration.explores = true
    let explorer = try NeuralShaping(
      observationWidth: 4, actionCount: 3, placeCount: 20, longest: 1, discount: 0.9, configuration: configuration,
      seed: 1)
    #expect(explorer.bonus(7) == 1)
    for _ in 0..<3 { explorer.visited(7) }
    #expect(explorer.bonus(7) == 0.5)
    configuration.clip = 0
    #expect(throws: GuerdonError.self) {
      try NeuralShaping(
        observationWidth: 4, actionCount: 3, placeCount: 20, longest: 1, discount: 0.9, configuration: configuration,
        seed: 1)
    }
  }

  // MARK: Worlds

  @Test func theContinuousLinesByHand() {
    var random = RandomGenerator(seed: 0)
    var line = KeyLine.navigation
    #expect(line.first(random: &random) == KeyLine.State(position: 0.5, hasKey: false))
    line.slipProbability = 0
    func step(_ x: Double, _ key: Bool, _ action: Int) -> (KeyLine.State?, Double) {
      let (next, reward) = line.step(KeyLine.State(position: x, hasKey: key), action, random: &random)
      return (next, reward)
    }
    #expect(step(0.15, false, 2).0?.hasKey == true && step(0.25, false, 2).0?.hasKey == false)
    #expect(step(0.95, true, 1) == (nil, 10) && step(0.95, false, 1) == (nil, 0) && step(0.95, true, 2).0 != nil)
    #expect(step(0.03, false, 0).0?.position == 0)
    let moved = step(0.5, false, 1).0?.position ?? 0
    #expect((0.574...0.576).contains(moved))
    line = .exploration
    line.slipProbability = 0
    #expect(step(0.95, true, 1).0 == KeyLine.State(position: 1, hasKey: true) && step(0.95, true, 1).1 == 1)
    #expect(step(0.95, false, 1).1 == 0 && step(0.95, true, 0).1 == 0)
    #expect(line.observation(of: KeyLine.State(position: 0.05, hasKey: true)) == [0.05, 1, 1, 0])
    // Moves of this one err to the other side, picking never does.
    line.slipProbability = 1
    #expect(step(0.5, false, 1).0.map { $0.position < 0.5 } == true && step(0.05, false, 2).0?.hasKey == true)
    // The end belongs to the last cell, those with the key come after the others, and then the end of the episode.
    #expect(KeyLine.cell(of: .init(position: 1, hasKey: false), count: 20) == 19)
    #expect(KeyLine.cell(of: .init(position: 0.051, hasKey: true), count: 20) == 21)
    #expect(KeyLine.cell(of: nil, count: 20) == 40)
  }

  /// A cell is 0.05 wide and a move 0.075 on average: from a uniform position it leads one cell on or two, each with
  /// one half.
  @Test func aSampledAbstractionIsItsAverages() throws {
    var random = RandomGenerator(seed: 2)
    let mdp = try KeyLine.navigation.abstracted(cells: 20, samples: 20_000, random: &random)
    #expect(mdp.stateCount == 41 && mdp.terminalStates == [40] && mdp.initial[10] == 1)
    for (next, probability) in [(5, 0.45), (6, 0.45), (4, 0.05), (3, 0.025), (2, 0.025)] {
      #expect(abs(mdp.transitions[4, 1, next] - probability) < 0.02, "cell \(next)")
    }
    #expect(abs(mdp.transitions[2, 2, 22] - 0.9) < 0.02 && abs(mdp.transitions[2, 2, 2]) < 0.02)
    #expect(mdp.transitions[39, 1, 40] == 1 && mdp.expectedReward[39 * 3 + 1] == 10)
    #expect(mdp.transitions[19, 1, 40] == 1 && mdp.expectedReward[19 * 3 + 1] == 0)
    #expect(mdp.expectedReward.filter { $0 != 0 }.count == 2)
    var model = try SampledAbstraction(cellCount: 2, actionCount: 1, terminal: [1])
    #expect(throws: GuerdonError.self) { try model.process(initial: [1, 0], discount: 0.9) }
    for (reward, next) in [(1.0, 0), (2, 1), (3, 1), (0, 0)] { model.record(0, 0, reward: reward, next: next) }
    let small = try model.process(initial: [1, 0], discount: 0.9)
    #expect(small.transitions[0, 0, 1] == 0.5 && small.expectedReward == [1.5, 0])
    #expect(throws: GuerdonError.self) { try SampledAbstraction(cellCount: 2, actionCount: 1, terminal: [2]) }
  }

  /// Where states of a cell behave alike, what is designed between cells keeps the optimal policies of the states, and
  /// shows the same gaps.
  @Test func liftingKeepsTheOptimumAndTheGaps() throws {
    let room = try DesignWorlds.Room.problem(), mdp = room.mdp
    // Every cell of Room twice, and whichever of the two is left to chance.
    let transitions = try TransitionModel(stateCount: 99, actionCount: 4) { s, a in
      if s == 98 { return [.init(state: 98, probability: 1)] }
      return mdp.transitions.successors(of: s / 2, under: a).flatMap { next -> [TransitionModel.Successor] in
        if next.state == 49 { return [.init(state: 98, probability: next.probability)] }
        return [
          .init(state: 2 * next.state, probability: 0.3 * next.probability),
          .init(state: 2 * next.state + 1, probability: 0.7 * next.probability),
        ]
      }
    }
    let original = mdp.expectedReward
    let reward: [Double] = (0..<99 * 4).map { row in original[row / 8 * 4 + row % 4] }
    let initial: [Double] = (0..<99).map { (s: Int) -> Double in s / 2 == 8 ? 0.5 : 0 }
    let twice = try FiniteMDP(
      transitions: transitions, reward: .stateAction(reward), initial: initial, discount: 0.95, terminal: [98])
    let pairs = try StateAbstraction(cells: (0..<99).map { $0 / 2 })
    let between = try pairs.process(of: twice)
    #expect(close(between.transitions.table, mdp.transitions.table, 1e-12) && between.initial == mdp.initial)
    let problem = try RewardDesignProblem(between, goals: [48], bound: 10)
    let design = try ExplicableRewardDesign(problem).mostInformative(in: .free(on: [48, 37, 15], in: problem))
    #expect(try problem.violations(of: design.reward).isEmpty)
    let ground = try RewardDesignProblem(twice, goals: [96, 97], bound: 10)
    let lifted = pairs.lift(design.reward, actionCount: 4)
    #expect(try ground.violations(of: lifted).isEmpty)
    let shown = try ground.informativeness(of: lifted, horizons: ExplicableRewardDesign.Configuration().horizons)
    let hinges = (states: 99 * shown, cells: 50 * design.informativeness)
    #expect(abs(hinges.states - 2 * hinges.cells) < 1e-6)
    #expect(design.informativeness < -0.01)
  }

  @Test func roomsMovesByHand() throws {
    let transitions = try DesignWorlds.Room.process().transitions
    func moves(_ s: Int, _ a: Int) -> [Int: Double] {
      Dictionary(uniqueKeysWithValues: transitions.successors(of: s, under: a).map {
        ($0.state, ($0.probability * 1e9).rounded() / 1e9)
      })
    }
    #expect(moves(8, 0) == [15: 0.9, 7: 0.033333333, 1: 0.033333333, 9: 0.033333333])
    // (2, 2): walls above and to the right; up stays and leaks.
    #expect(moves(16, 0) == [16: 0.9, 15: 0.05, 9: 0.05])
    #expect(moves(16, 1) == [15: 0.9, 9: 0.1])
    // (1, 2) and (5, 3) are on either side of doors.
    #expect(moves(15, 0)[22] == 0.9 && moves(26, 2)[19] == 0.9)
    #expect(moves(48, 3) == [49: 0.9, 47: 0.05, 41: 0.05] && moves(48, 1) == [47: 0.9, 49: 0.05, 41: 0.05])
    #expect(moves(0, 2) == [49: 0.9, 1: 0.05, 7: 0.05])
    let line = try DesignWorlds.LineKey.process().transitions
    #expect(line[1, 2, 10] == 1 && line[4, 2, 4] == 1 && line[0, 0, 20] == 1 && line[0, 1, 20] == 0.1)
    #expect(line[10, 0, 10] == 0.9 && line[19, 1, 20] == 1 && line[19, 0, 20] == 0.1 && line[9, 1, 9] == 0.9)
    let chain = try DesignWorlds.Chain.process(distractor: 0.01)
    #expect(chain.transitions[40, 1, 41] == 0.975 && chain.transitions[60, 1, 60] == 0.975)
    #expect(chain.transitions[0, 0, 61] == 0.975 && chain.expectedReward[50] == 0.01 && chain.expectedReward[121] == 1)
  }

  @Test func abstractionAveragesAndLifts() throws {
    let mdp = try threeCells().mdp
    let whole = try StateAbstraction(cells: [0, 1, 2, 3]).process(of: mdp)
    #expect(whole.transitions.table == mdp.transitions.table && whole.expectedReward == mdp.expectedReward)
    let pairs = try StateAbstraction(cells: [0, 1, 1, 2])
    let coarse = try pairs.process(of: mdp)
    #expect(coarse.transitions[1, 1, 1] == 0.5 && coarse.transitions[1, 1, 2] == 0.5)
    #expect(coarse.transitions[1, 0, 0] == 0.5)
    #expect(coarse.expectedReward == [0, 0, 0, 0.5, 0, 0] && coarse.isTerminal == [false, false, true])
    // A reward designed between cells is one for the states.
    let problem = try RewardDesignProblem(coarse, goals: [1], bound: 1)
    let design = try ExplicableRewardDesign(problem).mostInformative(in: .free(on: [0, 1], in: problem))
    let lifted = pairs.lift(design.reward, actionCount: 2)
    #expect(lifted.count == 8 && Array(lifted[2..<4]) == Array(lifted[4..<6]))
    #expect(throws: GuerdonError.self) { try StateAbstraction(cells: [0, 2]) }
    #expect(throws: GuerdonError.self) { try StateAbstraction(cells: [0, 0, 1, 1]).process(of: mdp) }
  }

  // MARK: The experiment

  @Test func theExperimentIsTheSameForAnyNumberOfJobs() async throws {
    var configuration = RewardDesignThesis.Configuration(seeds: [0])
    configuration.explicable.budget = 1
    configuration.explicable.horizons = [1, 4]
    (configuration.room.runs, configuration.room.episodes) = (1, 20)
    (configuration.lineKey.episodes, configuration.lineKey.lateEpisodes) = (20, 30)
    (configuration.lineKey.startSeeds, configuration.lineKey.randomPolicies) = (1, 2)
    (configuration.chain.episodes, configuration.chain.checkpoint, configuration.chain.window) = (60, 40, 10)
    configuration.roomTeaching.episodes = 20
    (configuration.navigation.runs, configuration.navigation.episodes) = (1, 20)
    (configuration.navigation.samples, configuration.navigation.cells) = (200, 10)
    (configuration.neural.episodes, configuration.neural.window) = (30, 5)
    func evidence(_ jobs: Int) async throws -> Evidence {
      try await RewardDesignThesis.reproduce(
        configuration,
        in: RunContext(jobs: jobs, progress: ProgressLine(quiet: true), interruption: Interruption()))
    }
    let first = try await evidence(2), second = try await evidence(1)
    #expect(first == second)
    #expect(first.claims.first { $0.id == "invariance" }?.holds == true)
    #expect(first.arms.values.allSatisfy { $0.values.allSatisfy { $0.allSatisfy(\.isFinite) } })
  }

  /// A short run of the real thing: the agent that shapes its own reward finds the far end of the chain, the bare one
  /// does not.
  @Test func exploringAgentsFindTheEndOfTheChain() throws {
    let mdp = try DesignWorlds.Chain.process()
    func late(_ explores: Bool) throws -> Double {
      var configuration = ExplorationGuidedShaping.Configuration()
      configuration.explores = explores
      if !explores { configuration.shaping = .none }
      var teacher = try ExplorationGuidedShaping(mdp, configuration: configuration)
      var learner = TabularReinforce(preferences: [Double](repeating: 0, count: 124), actionCount: 2, rate: 0.1)
      var random = RandomGenerator(seed: 2), sum = 0.0
      try TeachingLoop(horizon: 40).run(
        in: mdp, teacher: &teacher, learner: &learner, episodes: 5_000, random: &random
      ) { number, episode, _ in
        if number > 4_500 { sum += TaughtEpisode.returns(episode.original, discount: 0.99)[0] / 500 }
        return true
      }
      return sum
    }
    let exploring = try late(true), bare = try late(false)
    #expect(exploring > 3 && bare < 0.5, "\(exploring) against \(bare)")
  }

  @Test func mistakesAreNamed() throws {
    let mdp = try threeCells().mdp
    #expect(throws: GuerdonError.self) { try RewardDesignProblem(mdp, goals: [3], bound: 1) }
    #expect(throws: GuerdonError.self) { try RewardDesignProblem(mdp, goals: [2], bound: 0) }
    #expect(throws: GuerdonError.self) { try RewardDesignProblem(mdp.replacing(discount: 1), goals: [2], bound: 1) }
    let problem = try threeCells()
    #expect(throws: GuerdonError.self) { try problem.informativeness(of: [1], horizons: [1]) }
    // A structure without the goal's reward cannot keep the optimal policies.
    let designer = try ExplicableRewardDesign(problem)
    #expect(throws: GuerdonError.self) {
      try designer.mostInformative(in: .tree(leaves: [nil, nil, nil, nil], actionCount: 2))
    }
    var configuration = ExplicableRewardDesign.Configuration()
    configuration.horizons = []
    #expect(throws: GuerdonError.self) { try ExplicableRewardDesign(problem, configuration: configuration) }
  }
}
