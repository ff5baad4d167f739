import Basics
import Experiments
import FiniteMDPs
import Foundation
import RewardAudit
import TestSupport
import Testing

@testable import RewardTheory

/// The unit checks of STARC's brief, and its numbers beside numpy's and scipy's.
@Suite struct STARCTests {
  private let complete: [Canonicalisation] = [.valueAdjustedLevelling, .minimal]

  private func process(
    _ seed: UInt64, states: Int = 7, actions: Int = 3, discount: Double = 0.9
  ) throws -> (mdp: FiniteMDP, random: RandomGenerator) {
    var random = RandomGenerator(seed: seed)
    let mdp = try FiniteMDP.thresholded(
      stateCount: states, actionCount: actions, threshold: 0.5, discount: discount, random: &random)
    return (mdp, random)
  }

  /// Noise of size 5 whose expectation over the next state is 0.
  private func redistribution(_ mdp: FiniteMDP, _ random: inout RandomGenerator) -> [Double] {
    let states = mdp.stateCount, dynamics = mdp.transitions.table
    var table = (0..<dynamics.count).map { _ in 5 * random.normal() }
    for begin in stride(from: 0, to: table.count, by: states) {
      let mean = (begin..<begin + states).reduce(0) { $0 + dynamics[$1] * table[$1] }
      for k in begin..<begin + states { table[k] -= mean }
    }
    return table
  }

  private func shaping(_ mdp: FiniteMDP, _ random: inout RandomGenerator) throws -> [Double] {
    let zero = [Double](repeating: 0, count: mdp.stateCount * mdp.actionCount * mdp.stateCount)
    let potential = (0..<mdp.stateCount).map { mdp.isTerminal[$0] ? 0 : 5 * random.normal() }
    return try mdp.replacing(reward: .transition(zero)).shaped(by: potential).transitionReward
  }

  private func sum(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 + $1 } }
  private func gap(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } }

  @Test(arguments: [UInt64(0), 1, 2]) func whatMeansTheSameBecomesTheSame(seed: UInt64) throws {
    var (mdp, random) = try process(seed)
    let reward = mdp.transitionReward
    let shaped = sum(reward, try shaping(mdp, &random)), redistributed = sum(reward, redistribution(mdp, &random))
    for kind in Canonicalisation.allCases {
      let c = try STARC.canonicalise(.transition(reward), in: mdp, by: kind).table
      let underShaping = gap(c, try STARC.canonicalise(.transition(shaped), in: mdp, by: kind).table)
      let underRedistribution = gap(c, try STARC.canonicalise(.transition(redistributed), in: mdp, by: kind).table)
      #expect((underShaping < 1e-10) == (kind != .none), "\(kind) changes by \(underShaping)")
      #expect((underRedistribution < 1e-10) == kind.isComplete, "\(kind) changes by \(underRedistribution)")
      // c(R) means what R means, and so has the same canonical form; DARD's last term is no shaping, and changes it.
      if kind != .dard {
        #expect(gap(c, try STARC.canonicalise(.transition(c), in: mdp, by: kind).table) < 1e-10, "\(kind)")
      }
      #expect(kind.isComplete == complete.contains(kind))
    }
  }

  @Test func scaleAndSign() throws {
    let (mdp, _) = try process(3)
    let reward = mdp.transitionReward
    for kind in Canonicalisation.allCases {
      let metric = STARC.Metric(kind)
      func distance(_ factor: Double) throws -> Double {
        try STARC.distance(
          between: .transition(reward), and: .transition(reward.map { factor * $0 }), in: mdp, metric: metric)
      }
      #expect(try distance(3) < 1e-12)
      #expect(abs(try distance(-1) - 2) < 1e-12)
    }
    let halved = STARC.Metric(scale: 0.5)
    #expect(
      abs(try STARC.distance(
        between: .transition(reward), and: .transition(reward.map { -$0 }), in: mdp, metric: halved) - 1) < 1e-12)
  }

  @Test func oneStateTwoActions() throws {
    for discount in [0, 0.5, 0.99] {
      let mdp = try FiniteMDP(
        stateCount: 1, actionCount: 2, transitions: [1, 1], reward: .stateAction([0, 1]), discount: discount)
      for kind in complete {
        #expect(gap(try STARC.canonicalise(mdp.reward, in: mdp, by: kind).table, [-0.5, 0.5]) < 1e-12)
      }
    }
  }

  @Test func minimalIsOrthogonalAndNoLongerThanVAL() throws {
    for seed in 10..<20 {
      var (mdp, random) = try process(UInt64(seed))
      let minimal = try STARC.canonicalise(mdp.reward, in: mdp, by: .minimal)
      let table = minimal.table
      for _ in 0..<10 {
        for direction in [try shaping(mdp, &random), redistribution(mdp, &random)] {
          #expect(abs(zip(table, direction).reduce(0) { $0 + $1.0 * $1.1 }) < 1e-9)
        }
      }
      let val = try STARC.canonicalise(mdp.reward, in: mdp)
      #expect(minimal.norm(.l2, in: mdp.transitions) <= val.norm(.l2, in: mdp.transitions) + 1e-12)
      // The coordinates are an isometry.
      let canonicaliser = try RewardCanonicaliser(.minimal, in: mdp)
      let coordinates = try canonicaliser.coordinates(of: mdp.reward)
      #expect(gap(try canonicaliser.table(ofCoordinates: coordinates), table) < 1e-12)
      let length = coordinates.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(length - minimal.norm(.l2, in: mdp.transitions)) < 1e-12)
    }
  }

  @Test func epicIsTwiceItsCorrelationDistance() throws {
    var (mdp, random) = try process(4)
    let other = FiniteMDP.Reward.transition(mdp.transitionReward.map { _ in random.normal() })
    let pearson = try RewardCanonicaliser(.epic, in: mdp).correlationDistance(mdp.reward, other)
    #expect(abs(try STARC.distance(between: mdp.reward, and: other, in: mdp, metric: .epic) - 2 * pearson) < 1e-12)
  }

  /// The distance from moments is the distance entry by entry, and gives way to it where too much cancels.
  @Test func epicByMoments() throws {
    for states in [5, 16, 37] {
      var (mdp, random) = try process(UInt64(states), states: states, actions: 3)
      let canonicaliser = try RewardCanonicaliser(.epic, in: mdp)
      for closeness in [1, 0.3, 1e-5] {
        let other = FiniteMDP.Reward.transition(
          mdp.transitionReward.map { 7 * ($0 + closeness * random.normal()) })
        let exact = STARC.Metric.epic.distance(
          try canonicaliser(mdp.reward).standardised(in: mdp), try canonicaliser(other).standardised(in: mdp), in: mdp)
        let quick = canonicaliser.distanceByMoments(mdp.reward, other)
        #expect((quick == nil) == (closeness < 0.1))
        if let quick { #expect(abs(quick - exact) < 1e-11) }
        #expect(abs(try STARC.distance(between: mdp.reward, and: other, in: mdp, metric: .epic) - exact) < 1e-11)
      }
      var broken = mdp.transitionReward
      broken[3] = .infinity
      #expect(throws: GuerdonError.self) {
        try STARC.distance(between: mdp.reward, and: .transition(broken), in: mdp, metric: .epic)
      }
    }
  }

  /// Every canonicalisation and norm by the published formulas, in numpy; the minimal norms as least squares over all
  /// of S × A × S.
  @Test func agreesWithNumpy() throws {
    struct Case: Encodable {
      let dynamics: [Double], rewards: [[Double]], discount: Double, states: Int, actions: Int
      let policy: [Double], stateCoverage: [Double], actionCoverage: [Double]
    }
    struct Answer: Decodable { let canonical: [String: [Double]], distances: [String: Double], epic: Double }
    var (mdp, random) = try process(5, states: 6, actions: 4)
    func distribution(_ count: Int) -> [Double] {
      let weights = (0..<count).map { _ in random.uniform(0.1, 1) }
      return weights.map { $0 / weights.reduce(0, +) }
    }
    let other = mdp.transitionReward.map { _ in random.normal() }
    let policy = (0..<6).flatMap { _ in distribution(4) }
    let stateCoverage = distribution(6), actionCoverage = distribution(4)
    let answer: Answer = try Python.run(
      Self.formulas,
      input: Case(
        dynamics: mdp.transitions.table, rewards: [mdp.transitionReward, other], discount: 0.9, states: 6, actions: 4,
        policy: policy, stateCoverage: stateCoverage, actionCoverage: actionCoverage))
    let reference = try TabularPolicy(stateCount: 6, actionCount: 4, probabilities: policy)
    for kind in Canonicalisation.allCases {
      let canonicaliser = try RewardCanonicaliser(
        kind, in: mdp, policy: reference, stateCoverage: stateCoverage, actionCoverage: actionCoverage)
      let c = try canonicaliser(mdp.reward)
      #expect(gap(c.table, try #require(answer.canonical[kind.rawValue])) < 1e-9, "\(kind)")
      let d = try canonicaliser(.transition(other))
      for n in RewardNorm.allCases {
        for m in RewardNorm.allCases {
          let distance = STARC.Metric(kind, normalisation: n, difference: m).distance(
            c.standardised(by: n, in: mdp), d.standardised(by: n, in: mdp), in: mdp)
          let expected = try #require(answer.distances["\(kind.rawValue) \(n.rawValue) \(m.rawValue)"])
          #expect(abs(distance - expected) < 1e-9 * max(1, expected), "\(kind) \(n) \(m)")
        }
      }
    }
    let covered = try RewardCanonicaliser(
      .epic, in: mdp, stateCoverage: stateCoverage, actionCoverage: actionCoverage)
    #expect(abs(try covered.correlationDistance(mdp.reward, .transition(other)) - answer.epic) < 1e-10)
  }

  private static let formulas = """
    import json, sys
    import numpy as np
    data = json.load(sys.stdin)
    S, A, g = data["states"], data["actions"], data["discount"]
    tau = np.array(data["dynamics"]).reshape(S, A, S)
    pi, ds, da = np.array(data["policy"]).reshape(S, A), np.array(data["stateCoverage"]), np.array(data["actionCoverage"])
    def val(R, level):
        Rbar = (tau * R).sum(2)
        V = np.linalg.solve(np.eye(S) - g * np.einsum("sa,sat->st", pi, tau), (pi * Rbar).sum(1))
        if not level:
            return R - V[:, None, None] + g * V[None, None, :]
        return np.repeat((Rbar - V[:, None] + g * tau @ V)[:, :, None], S, 2)
    shapings = np.zeros((S, S, A, S))
    for k in range(S):
        shapings[k, :, :, k] += g
        shapings[k, k] -= 1
    redistributions = []
    for s in range(S):
        for a in range(A):
            _, _, basis = np.linalg.svd(tau[s, a][None, :])
            for row in basis[1:]:
                F = np.zeros((S, A, S)); F[s, a] = row
                redistributions.append(F)
    def residual(R, directions):
        B = np.array(directions).reshape(len(directions), -1).T
        x, *_ = np.linalg.lstsq(B, R.ravel(), rcond=None)
        return (R.ravel() - B @ x).reshape(R.shape)
    def epic(R):
        m = np.einsum("sat,a,t->s", R, da, ds)
        return R + g * m[None, None, :] - m[:, None, None] - g * (ds @ m)
    def dard(R):
        m = np.einsum("a,sat,sat->s", da, tau, R)
        third = np.einsum("a,sax,tay,xay->st", da, tau, tau, R)
        return R + g * m[None, None, :] - m[:, None, None] - g * third[:, None, :]
    kinds = {"val": lambda R: val(R, True), "val-potential": lambda R: val(R, False),
             "minimal": lambda R: residual(R, list(shapings) + redistributions),
             "minimal-potential": lambda R: residual(R, list(shapings)),
             "epic": epic, "dard": dard, "none": lambda R: R}
    norms = {"l1": lambda x: abs(x).sum(), "l2": lambda x: np.sqrt((x * x).sum()), "linf": lambda x: abs(x).max(),
             "weighted-l1": lambda x: (tau * abs(x)).sum(), "weighted-l2": lambda x: np.sqrt((tau * x * x).sum())}
    R1, R2 = (np.array(R).reshape(S, A, S) for R in data["rewards"])
    canonical = {name: c(R1).ravel().tolist() for name, c in kinds.items()}
    distances = {}
    for name, c in kinds.items():
        for n, size in norms.items():
            difference = c(R1) / size(c(R1)) - c(R2) / size(c(R2))
            for m, measure in norms.items():
                distances[f"{name} {n} {m}"] = float(measure(difference))
    weights = np.einsum("s,a,t->sat", ds, da, ds).ravel()
    cov = np.cov(np.array([epic(R1).ravel(), epic(R2).ravel()]), aweights=weights)
    rho = cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1])
    print(json.dumps({"canonical": canonical, "distances": distances, "epic": float(np.sqrt((1 - rho) / 2))}))
    """

  /// W by scipy's linear programs, one each for the maximum, the minimum and the worst case.
  @Test func worstCaseRegretAgreesWithScipy() throws {
    struct Case: Encodable { let dynamics: [Double], first: [Double], second: [Double], states: Int, actions: Int }
    var (mdp, random) = try process(6, states: 5, actions: 3)
    for _ in 0..<4 {
      let first = (0..<15).map { _ in random.normal() }, second = (0..<15).map { first[$0] + 0.7 * random.normal() }
      let expected: Double = try Python.run(
        """
        import json, sys
        import numpy as np
        from scipy.optimize import linprog
        data = json.load(sys.stdin)
        S, A, g = data["states"], data["actions"], 0.9
        tau = np.array(data["dynamics"]).reshape(S * A, S)
        r1, r2 = np.array(data["first"]), np.array(data["second"])
        flow = np.repeat(np.eye(S), A, 1) - g * tau.T
        mu = np.full(S, 1 / S)
        top = -linprog(-r1, A_eq=flow, b_eq=mu).fun
        bottom = linprog(r1, A_eq=flow, b_eq=mu).fun
        zero = np.zeros_like(flow)
        worst = linprog(-np.r_[r1, -r1], A_ub=[np.r_[r2, -r2]], b_ub=[0],
                        A_eq=np.block([[flow, zero], [zero, flow]]), b_eq=np.r_[mu, mu])
        print(-worst.fun / (top - bottom))
        """,
        input: Case(dynamics: mdp.transitions.table, first: first, second: second, states: 5, actions: 3))
      let regret = try STARC.worstCaseRegret(.stateAction(first), optimising: .stateAction(second), in: mdp)
      #expect(abs(regret - expected) < 1e-7)
      // The protocol's regret is one of those that the worst case bounds, whichever way round.
      let other = try STARC.worstCaseRegret(.stateAction(second), optimising: .stateAction(first), in: mdp)
      let mean = try STARC.regret(between: .stateAction(first), and: .stateAction(second), in: mdp)
      #expect(mean <= (regret + other) / 2 + 1e-9)
    }
    #expect(try STARC.worstCaseRegret(mdp.reward, optimising: mdp.reward, in: mdp) < 1e-9)
    let opposite = FiniteMDP.Reward.transition(mdp.transitionReward.map { -$0 })
    #expect(abs(try STARC.worstCaseRegret(mdp.reward, optimising: opposite, in: mdp) - 1) < 1e-9)
    #expect(abs(try STARC.regret(between: mdp.reward, and: opposite, in: mdp) - 1) < 1e-9)
  }

  @Test func aTrivialRewardIsZeroAndNotNaN() throws {
    var (mdp, random) = try process(7)
    let nothing = FiniteMDP.Reward.transition(sum(try shaping(mdp, &random), redistribution(mdp, &random)))
    for kind in complete {
      let canonical = try STARC.canonicalise(nothing, in: mdp, by: kind)
      #expect(canonical.isTrivial && canonical.standardised(in: mdp).table.allSatisfy { $0 == 0 })
      let metric = STARC.Metric(kind)
      #expect(abs(try STARC.distance(between: nothing, and: mdp.reward, in: mdp, metric: metric) - 1) < 1e-12)
      #expect(try STARC.distance(between: nothing, and: nothing, in: mdp, metric: metric) == 0)
    }
    #expect(try STARC.worstCaseRegret(nothing, optimising: mdp.reward, in: mdp) == 0)
    #expect(throws: GuerdonError.self) {
      try RewardCanonicaliser(.epic, in: mdp).correlationDistance(.transition(try shaping(mdp, &random)), mdp.reward)
    }
  }

  /// What ends an episode has no reward of its own, and shaping that is 0 there changes nothing.
  @Test func terminalStates() throws {
    var (whole, random) = try process(8)
    let mdp = try FiniteMDP(
      transitions: whole.transitions, reward: whole.reward, discount: 0.95, terminal: [2, 5])
    let shaped = sum(mdp.transitionReward, try shaping(mdp, &random))
    for kind in Canonicalisation.allCases where kind != .none {
      let gap = gap(
        try STARC.canonicalise(mdp.reward, in: mdp, by: kind).table,
        try STARC.canonicalise(.transition(shaped), in: mdp, by: kind).table)
      #expect(gap < 1e-10, "\(kind) changes by \(gap)")
    }
    var changed = mdp.transitionReward
    for k in 2 * 21..<3 * 21 { changed[k] += 100 }
    for kind in complete {
      let metric = STARC.Metric(kind)
      #expect(try STARC.distance(between: mdp.reward, and: .transition(changed), in: mdp, metric: metric) == 0)
    }
    // With discount 1 episodes must end.
    for kind in complete { _ = try STARC.canonicalise(mdp.reward, in: mdp.replacing(discount: 1), by: kind) }
    for kind in complete {
      #expect(throws: GuerdonError.self) {
        try STARC.canonicalise(whole.reward, in: whole.replacing(discount: 1), by: kind)
      }
    }
  }

  @Test func badInputIsNamed() throws {
    let (mdp, _) = try process(9)
    func message(_ body: () throws -> Void) -> String {
      do { try body() } catch { return (error as? GuerdonError)?.message ?? "" }
      return "nothing was thrown"
    }
    #expect(
      message { _ = try STARC.distance(between: .state([1, 2]), and: mdp.reward, in: mdp) }
        == "A reward [S] of 7 states and 3 actions has 7 numbers; 2 were given.")
    var table = mdp.transitionReward
    table[40] = .nan
    #expect(
      message { _ = try STARC.distance(between: mdp.reward, and: .transition(table), in: mdp) }
        == "The reward at index 40 of [S, A, S] is nan; rewards must be finite.")
    // State 2 leads to 0, but nothing leads to it.
    let part = try FiniteMDP(
      stateCount: 3, actionCount: 1, transitions: [0, 1, 0, 1, 0, 0, 1, 0, 0], reward: .state([1, 2, 3]),
      initial: [1, 0, 0], discount: 0.9)
    let unreachable = message { _ = try STARC.distance(between: part.reward, and: part.reward, in: part) }
    #expect(unreachable.contains("No policy ever reaches state 2"))
    let reachable = try part.reachablePart()
    #expect(reachable.states == [0, 1] && reachable.mdp.reward == .state([1, 2]))
    #expect(try STARC.distance(
      between: reachable.reward(.state([1, 2, 3])), and: reachable.reward(.state([1, 2, -3])), in: reachable.mdp) == 0)
    #expect(throws: GuerdonError.self) {
      try TransitionModel(stateCount: 2, actionCount: 1, table: [0.5, 0.4, 0, 1])
    }
  }

  /// From samples with one feature a state the distance comes to the exact one; shaping stays below the noise floor's
  /// neighbourhood, and another reward well above it.
  @Test func sampledDistancesComeToTheExactOnes() throws {
    var (mdp, random) = try process(11, states: 5)
    let states = 5, actions = 3, count = 1500, draws = 64, discount = mdp.discount
    let table = mdp.transitionReward
    let shaped = sum(table, try shaping(mdp, &random)), other = table.map { $0 + random.normal() }
    let cumulative = (0..<states * actions).map { row -> [Double] in
      var sum = 0.0
      return (0..<states).map {
        sum += mdp.transitions[row / actions, row % actions, $0]
        return sum
      }
    }
    func batch() throws -> (SampledTransitions, ([Double]) -> [Double]) {
      var features = [Double](repeating: 0, count: count * states), next = [Double](repeating: 0, count: count * draws * states)
      var entries: [Int] = []
      for i in 0..<count {
        let row = random.integer(below: states * actions)
        features[i * states + row / actions] = 1
        for m in 0..<draws {
          let u = random.uniform()
          let s = min(states - 1, cumulative[row].firstIndex { u < $0 } ?? states - 1)
          next[(i * draws + m) * states + s] = 1
          entries.append(row * states + s)
        }
      }
      let samples = try SampledTransitions(
        count: count, draws: draws, featureCount: states, discount: discount, features: features, nextFeatures: next)
      let drawn = entries
      return (samples, { reward in drawn.map { reward[$0] } })
    }
    let (samples, on) = try batch(), (fitting, fit) = try batch(), (spare, again) = try batch()
    func estimate(_ reward: [Double]) throws -> STARC.Estimate {
      try STARC.sampledDistances(
        from: on(table), to: [on(reward)], on: samples, fitting: (fitting, fit(table), [fit(reward)]),
        floor: (spare, again(table)))[0]
    }
    let exact = try STARC.distance(between: .transition(table), and: .transition(other), in: mdp)
    let far = try estimate(other), same = try estimate(shaped), opposite = try estimate(table.map { -$0 })
    #expect(abs(far.distance - exact) < 0.1 && far.isAboveNoise, "\(far) against \(exact)")
    #expect(same.distance < 1e-6 && !same.isAboveNoise && same.noiseFloor > 0, "\(same)")
    #expect(abs(opposite.distance - 2) < 1e-9)
    #expect(abs(try estimate(table.map { _ in 0 }).distance - 1) < 1e-12)
    #expect(throws: GuerdonError.self) { try samples.values(of: [[1]]) }
  }

  /// Fourier features represent what a linear function of the state cannot: the value of a walk on a circle.
  @Test func fourierFeaturesFitValues() throws {
    var random = RandomGenerator(seed: 1)
    let features = try SampledTransitions.FourierFeatures(count: 60, bandwidth: [0.8, 0.8], random: &random)
    let count = 3000
    let angles = (0..<count).map { _ in random.uniform(0, 2 * .pi) }
    func states(_ angles: [Double]) -> [Double] { angles.flatMap { [cos($0), sin($0)] } }
    // A step turns by 1 rad: with r = cos, V = Re(e^{iθ} / (1 - γ e^i)).
    let samples = try SampledTransitions(
      count: count, featureCount: 60, discount: 0.9, features: features(states(angles)),
      nextFeatures: features(states(angles.map { $0 + 1 })))
    let weights = try samples.values(of: [angles.map { cos($0) }])[0]
    let (a, b) = (1 - 0.9 * cos(1.0), 0.9 * sin(1.0))
    for angle in stride(from: 0.0, to: 6, by: 0.5) {
      let value = zip(weights, features(states([angle]))).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(value - (cos(angle) * a - sin(angle) * b) / (a * a + b * b)) < 1e-3)
    }
  }

  @Test func theProtocolIsReproducible() async throws {
    var configuration = STARC.Configuration.smoke
    configuration.environments = 2
    configuration.pairs = 1
    configuration.steps = 4
    configuration.boundEnvironments = 1
    configuration.boundPairs = 1
    configuration.worldPairs = 1
    (configuration.reacherTransitions, configuration.reacherRollouts, configuration.reacherHorizon) = (48, 8, 40)
    configuration.seeds = [0, 1]
    func evidence(jobs: Int) async throws -> Evidence {
      try await STARC.reproduce(
        configuration, in: RunContext(jobs: jobs, progress: ProgressLine(quiet: true), interruption: Interruption()))
    }
    let one = try await evidence(jobs: 1), two = try await evidence(jobs: 2)
    #expect(one == two)
    #expect(one.arms["val"]?.count == 2 + 30 + 1)
    #expect(one.arms["Reacher-v5: negated"]?["distance"]?.allSatisfy { abs($0 - 2) < 1e-6 } == true)
    configuration.worlds = ["Reacher-v5"]
    await #expect(throws: GuerdonError.self) { try await evidence(jobs: 1) }
    configuration.worlds = []
    configuration.boundWeights = [0]
    await #expect(throws: GuerdonError.self) { try await evidence(jobs: 1) }
  }
}
