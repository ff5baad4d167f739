import Basics
import Experiments
import FiniteMDPs
import Foundation
import RewardAudit
import TestSupport
import Testing

@testable import RewardTheory

/// The unit checks of the brief on misspecified IRL.
@Suite struct IRLMisspecificationTests {
  private func world(
    _ seed: UInt64, states: Int = 8, actions: Int = 3, discount: Double = 0.9
  ) throws -> (world: FiniteMDP, reward: [Double], random: RandomGenerator) {
    var random = RandomGenerator(seed: seed)
    let world = try FiniteMDP.thresholded(
      stateCount: states, actionCount: actions, discount: discount, random: &random)
    return (world, (0..<states * actions).map { _ in random.normal() }, random)
  }

  private let models: [BehaviouralModel] = [.boltzmann(beta: 2), .maximumCausalEntropy(alpha: 0.5)]

  /// Both models from their definitions, by thousands of plain sweeps in numpy.
  @Test func policiesAgreeWithNumpy() throws {
    struct Case: Encodable { let dynamics: [Double], reward: [Double] }
    let (world, reward, _) = try world(0)
    let answer: [[Double]] = try Python.run(
      """
      import json, sys
      import numpy as np
      data = json.load(sys.stdin)
      S, A, g = 8, 3, 0.9
      tau, R = np.array(data["dynamics"]).reshape(S, A, S), np.array(data["reward"]).reshape(S, A)
      V = np.zeros(S)
      for _ in range(2000):
          Q = R + g * tau @ V
          V = Q.max(1)
      p = np.exp(2 * (Q - V[:, None]))
      W = np.zeros(S)
      for _ in range(2000):
          q = R + g * tau @ W
          W = 0.5 * np.log(np.exp(q / 0.5).sum(1))
      print(json.dumps([(p / p.sum(1, keepdims=True)).ravel().tolist(), np.exp((q - W[:, None]) / 0.5).ravel().tolist()]))
      """, input: Case(dynamics: world.transitions.table, reward: reward))
    for (model, expected) in zip(models, answer) {
      let policy = try model.policy(for: .stateAction(reward), in: world)
      #expect(zip(policy.probabilities, expected).allSatisfy { abs($0 - $1) < 1e-10 })
    }
  }

  @Test(arguments: [UInt64(0), 1, 2]) func inversesInvert(seed: UInt64) throws {
    let (world, table, _) = try world(seed)
    for scale in [1e-3, 1, 1e3] {
      let reward = FiniteMDP.Reward.stateAction(table.map { scale * $0 })
      for model in models {
        let policy = try model.logPolicy(for: reward, in: world)
        let inverse = try #require(try model.reward(explaining: policy, in: world))
        #expect(try STARCMetric.minimal.distance(between: reward, and: inverse, in: world) < 1e-9)
        let again = try model.logPolicy(for: inverse, in: world)
        #expect(zip(policy, again).allSatisfy { abs($0 - $1) < 1e-8 * max(1, abs($0)) })
      }
    }
  }

  @Test func mistakenModelsMakeASmallError() throws {
    for seed in 0..<5 {
      let (world, table, _) = try world(UInt64(seed))
      let errors = try IRLMisspecification.sensitivity(
        of: .stateAction(table), demonstrator: .init(models[1], in: world), assumed: .init(models[0], in: world),
        evaluation: world)
      #expect(errors.isInImage && errors.representative > 1e-3 && errors.representative < 0.5)
      #expect(errors.worst == errors.representative)
    }
  }

  @Test func angles() {
    #expect(abs(sin(IRLMisspecification.allowedAngle(error: 0.1)) - 0.0998749) < 1e-7)
    #expect(abs(sin(IRLMisspecification.allowedAngle(error: 0.5)) - 0.4841229) < 1e-7)
  }

  /// Proposition 3: turned by no more than 2 arcsin(ε / 2) a reward is within ε of itself, by 1.05 of it it is not, and
  /// t₂ moves it by sin θ · |c(R)|.
  @Test func transformationsTurnByTheirAngle() throws {
    var (world, table, random) = try world(1)
    let reward = FiniteMDP.Reward.stateAction(table)
    for ε in [0.1, 0.5, 1] {
      for (factor, isAllowed) in [(0.5, true), (1, true), (1.05, false)] {
        let angle = factor * IRLMisspecification.allowedAngle(error: ε)
        let t = try IRLMisspecification.transformation(of: reward, turnedBy: angle, in: world, random: &random)
        let moved = try STARCMetric.minimal.distance(between: reward, and: .transition(t.transformed), in: world)
        #expect(abs(moved - 2 * sin(angle / 2)) < 1e-8)
        #expect((moved <= ε + 1e-8) == isAllowed)
        #expect(abs(t.displacement - t.expectedDisplacement) < 1e-10)
      }
    }
  }

  /// A wrong temperature is a factor of the reward: 2 for 7, .5 for .1, and the wrong way round.
  @Test func temperaturesAreFactors() throws {
    let (world, table, _) = try world(2)
    let pairs: [(BehaviouralModel, BehaviouralModel)] = [
      (.boltzmann(beta: 2), .boltzmann(beta: 7)),
      (.maximumCausalEntropy(alpha: 0.5), .maximumCausalEntropy(alpha: 0.1)),
    ]
    for (one, other) in pairs + pairs.map({ ($1, $0) }) {
      let errors = try IRLMisspecification.sensitivity(
        of: .stateAction(table), demonstrator: .init(one, in: world), assumed: .init(other, in: world),
        evaluation: world)
      #expect(errors.isInImage && errors.worst <= 1e-9)
    }
    // f_β₂(R) = f_β₁((β₂ / β₁) R).
    let wide = try models[0].policy(for: .stateAction(table.map { 3.5 * $0 }), in: world)
    let narrow = try BehaviouralModel.boltzmann(beta: 7).policy(for: .stateAction(table), in: world)
    #expect(IRLMisspecification.policyDistance(wide, narrow) < 1e-10)
  }

  /// Theorem 3's witnesses: k R and −k R stay at distance 2 while their policies meet, tenfold closer a decade; a model
  /// that looks at the direction alone keeps them apart.
  @Test func oppositesMeet() throws {
    var (world, table, random) = try world(3)
    func policies(_ model: BehaviouralModel, _ k: Double) throws -> Double {
      try IRLMisspecification.policyDistance(
        model.policy(for: .stateAction(table.map { k * $0 }), in: world),
        model.policy(for: .stateAction(table.map { -k * $0 }), in: world))
    }
    for k in [0.1, 0.01, 0.001] {
      let distance = try STARCMetric.minimal.distance(
        between: .stateAction(table.map { k * $0 }), and: .stateAction(table.map { -k * $0 }), in: world)
      #expect(abs(distance - 2) < 1e-9)
    }
    for model in models {
      let distances = try [0.1, 0.01, 0.001].map { try policies(model, $0) }
      for (far, near) in zip(distances, distances.dropFirst()) { #expect((9...11).contains(far / near)) }
    }
    func separation(_ model: BehaviouralModel) throws -> Double {
      let pairs = try IRLMisspecification.separations(
        by: .init(model, in: world), evaluation: world, pairs: 3, scales: [1, 1e-2, 1e-4, 1e-6], random: &random)
      return IRLMisspecification.separation(beyond: 0.5, in: pairs)
    }
    for model in models { #expect(try separation(model) < 1e-4) }
    #expect(try separation(.normalisedBoltzmann(beta: 2)) > 0.01)
  }

  /// A wrong discount is as bad however little it is wrong, and harmless only where it is right: at least √2.
  @Test func theErrorOfAWrongDiscountDoesNotShrink() throws {
    let (world, table, _) = try world(4)
    for model in models {
      let errors = try [0, 1e-4, 1e-3, 1e-2, 5e-2].map { wrong in
        try IRLMisspecification.sensitivity(
          of: .stateAction(table), demonstrator: .init(model, in: world),
          assumed: .init(model, in: world.replacing(discount: 0.9 - wrong)), evaluation: world
        ).worst
      }
      #expect(errors[0] <= 1e-6)
      #expect(errors.dropFirst().allSatisfy { $0 >= 1.41 && $0 <= 2 })
      #expect(abs(errors[1] - errors[4]) < 0.3)
    }
  }

  /// The closed form of the worst case beside a search over v = t + ℓ by scipy's optimiser on the same vectors.
  @Test func worstCaseAgreesWithASearch() throws {
    struct Case: Encodable { let u: [Double], t: [Double], space: [[Double]] }
    var random = RandomGenerator(seed: 3)
    func vector() -> [Double] { (0..<6).map { _ in random.normal() } }
    for sign in [1.0, -1] {
      let u = unit(vector()), space = orthonormalBasis(of: [vector(), vector()])
      // Once with t on u's side, once on the other, where the limit is not the whole story.
      let t = zip(u, vector()).map { sign * $0 + 0.3 * $1 }
      let found: Double = try Python.run(
        """
        import json, sys
        import numpy as np
        from scipy.optimize import minimize
        data = json.load(sys.stdin)
        u, t, L = np.array(data["u"]), np.array(data["t"]), np.array(data["space"])
        def cosine(x):
            v = t + x @ L
            return u @ v / np.linalg.norm(v)
        rng = np.random.default_rng(0)
        starts = [scale * rng.normal(size=len(L)) for scale in (0.1, 1, 10, 1e3, 1e5) for _ in range(20)]
        best = min(minimize(cosine, x, method="Nelder-Mead", options=dict(maxiter=4000, xatol=1e-12, fatol=1e-14)).fun
                   for x in starts)
        print(np.sqrt(2 - 2 * best))
        """, input: Case(u: u, t: t, space: space))
      let exact = IRLMisspecification.worstDistance(from: u, to: t, plusSpanOf: space)
      #expect(found <= exact + 1e-9 && found > exact - 1e-3, "\(found) against \(exact)")
    }
  }

  /// The fibre's span from the whole tables of shaping and redistribution, by numpy's least squares.
  @Test func theFibreAgreesWithNumpy() throws {
    struct Case: Encodable { let dynamics: [Double], believed: [Double], reward: [Double], discount: Double }
    let (world, table, _) = try world(4, states: 4, actions: 3)
    let (rival, _, _) = try self.world(5, states: 4, actions: 3)
    // Only the first state's rows are believed to be otherwise, so that the fibre does not span everything.
    var believed = world.transitions.table
    for k in 0..<4 { believed[k] = 0.9 * believed[k] + 0.1 * rival.transitions.table[k] }
    let cases: [(dynamics: [Double], discount: Double)] = [
      (world.transitions.table, 0.9), (world.transitions.table, 0.8), (believed, 0.9), (believed, 0.8),
    ]
    for (index, believed) in cases.enumerated() {
      let expected: Double = try Python.run(
        """
        import json, sys
        import numpy as np
        data = json.load(sys.stdin)
        S, A, g, gf = 4, 3, 0.9, data["discount"]
        tau, tf = (np.array(data[k]).reshape(S, A, S) for k in ("dynamics", "believed"))
        R = np.repeat(np.array(data["reward"]).reshape(S, A)[:, :, None], S, 2)
        def directions(tau, g):
            out = []
            for k in range(S):
                F = np.zeros((S, A, S)); F[:, :, k] += g; F[k] -= 1
                out.append(F.ravel())
            for s in range(S):
                for a in range(A):
                    for row in np.linalg.svd(tau[s, a][None, :])[2][1:]:
                        F = np.zeros((S, A, S)); F[s, a] = row
                        out.append(F.ravel())
            return np.array(out).T
        N = directions(tau, g)
        def c(x):
            return x - N @ np.linalg.lstsq(N, x, rcond=None)[0]
        B = np.array([c(F) for F in directions(tf, gf).T]).T
        u = c(R.ravel()); u /= np.linalg.norm(u)
        U, sizes, _ = np.linalg.svd(B, full_matrices=False)
        U = U[:, sizes > 1e-9]
        print(np.sqrt(2 + 2 * np.linalg.norm(U.T @ u)) if U.shape[1] else 0.0)
        """,
        input: Case(
          dynamics: world.transitions.table, believed: believed.dynamics, reward: table, discount: believed.discount))
      let assumed = try FiniteMDP(
        stateCount: 4, actionCount: 3, transitions: believed.dynamics, reward: world.reward,
        discount: believed.discount)
      let calculator = try IRLMisspecification.Calculator(
        assumed: .init(models[0], in: assumed), evaluation: world)
      let u = try calculator.direction(of: .stateAction(table))
      // t = R, so that only the fibre counts.
      let worst = IRLMisspecification.worstDistance(from: u, to: u, plusSpanOf: calculator.fibre)
      #expect(abs(worst - expected) < 1e-9, "case \(index): \(worst) against \(expected)")
    }
  }

  @Test func theSearchNeverBeatsTheWorstCase() throws {
    for seed in 0..<4 {
      var (world, table, random) = try world(UInt64(seed))
      for model in models {
        let calculator = try IRLMisspecification.Calculator(
          assumed: .init(model, in: world.replacing(discount: 0.899)), evaluation: world)
        let demonstrator = IRLMisspecification.Behaviour(model, in: world)
        let errors = try calculator.sensitivity(of: .stateAction(table), demonstrator: demonstrator)
        let found = try IRLMisspecification.sampledWorst(
          of: .stateAction(table), demonstrator: demonstrator, by: calculator, count: 200, random: &random)
        #expect(found <= errors.worst + 1e-9 && found >= 2.0.squareRoot() - 1e-9)
        #expect(errors.representative < 0.1, "a tiny error of the discount hardly changes what is learned")
      }
    }
  }

  @Test func theOptimalModelIsSeenAsWhatItIs() throws {
    let (world, table, _) = try world(6)
    let reward = FiniteMDP.Reward.stateAction(table)
    let best = IRLMisspecification.Behaviour(.optimal, in: world)
    // Its policies have zeros, and b makes none such.
    let errors = try IRLMisspecification.sensitivity(
      of: reward, demonstrator: best, assumed: .init(models[0], in: world), evaluation: world)
    #expect(!errors.isInImage && errors.worst.isNaN)
    let tested = try IRLMisspecification.robustness(
      assumed: .init(models[0], in: world), demonstrator: best, evaluation: world, rewards: [reward, reward])
    #expect(tested.outsideImage == 2 && tested.witness == nil)
    #expect(throws: GuerdonError.self) {
      try IRLMisspecification.Calculator(assumed: best, evaluation: world)
    }
    // Its inverse makes the same actions optimal.
    let policy = try BehaviouralModel.optimal.logPolicy(for: reward, in: world)
    let inverse = try #require(try BehaviouralModel.optimal.reward(explaining: policy, in: world))
    #expect(try BehaviouralModel.optimal.logPolicy(for: inverse, in: world) == policy)
  }

  @Test func robustnessOverAPrior() throws {
    var (world, _, random) = try world(7)
    let rewards = IRLMisspecification.rewards(12, in: world, random: &random)
    let wrongTemperature = try IRLMisspecification.robustness(
      assumed: .init(.boltzmann(beta: 1), in: world), demonstrator: .init(.boltzmann(beta: 3), in: world),
      evaluation: world, rewards: rewards)
    #expect(wrongTemperature.worst < 1e-9)
    let wrongDiscount = try IRLMisspecification.robustness(
      assumed: .init(models[1], in: world.replacing(discount: 0.85)), demonstrator: .init(models[1], in: world),
      evaluation: world, rewards: rewards)
    #expect(wrongDiscount.worst >= 2.0.squareRoot() && wrongDiscount.meanRepresentative < wrongDiscount.worst)
  }

  /// A demonstrator of the learner's own kind is explained: the policies meet, and so do the rewards' canonical forms.
  @Test func theGradientLearnerLearns() throws {
    let (world, table, _) = try world(8)
    let policy = try models[1].policy(for: .stateAction(table), in: world)
    var learner = MCEIRL()
    learner.penalty = 1e-6
    let learned = try learner.reward(explaining: world.occupancy(of: policy, normalised: true), in: world)
    let own = try models[1].policy(for: .stateAction(learned), in: world)
    #expect(IRLMisspecification.policyDistance(own, policy) < 0.05)
    #expect(try STARCMetric.minimal.distance(between: .stateAction(table), and: .stateAction(learned), in: world) < 0.2)
  }

  @Test func badInputIsRefused() throws {
    let (world, table, _) = try world(9)
    let (small, _, _) = try self.world(9, states: 4)
    #expect(throws: GuerdonError.self) {
      try IRLMisspecification.Calculator(assumed: .init(models[0], in: small), evaluation: world)
    }
    #expect(throws: GuerdonError.self) {
      try BehaviouralModel.boltzmann(beta: 0).logPolicy(for: .stateAction(table), in: world)
    }
    #expect(throws: GuerdonError.self) { try models[0].logPolicy(for: .stateAction([1]), in: world) }
    #expect(throws: GuerdonError.self) { try models[0].reward(explaining: [0], in: world) }
    var random = RandomGenerator(seed: 0)
    let nothing = FiniteMDP.Reward.stateAction([Double](repeating: 0, count: table.count))
    #expect(throws: GuerdonError.self) {
      try IRLMisspecification.transformation(of: nothing, turnedBy: 0.1, in: world, random: &random)
    }
    // A trivial reward is at distance 1, not 0 and not NaN, from what a biased learner makes of it.
    let errors = try IRLMisspecification.sensitivity(
      of: nothing, demonstrator: .init(models[0], in: world), assumed: .init(models[0], in: world), evaluation: world)
    #expect(errors.worst == 0)
  }
}
