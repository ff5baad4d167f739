import Basics
import Experiments
import FiniteMDPs
import Foundation
import RewardAudit
import TestSupport
import Testing

@testable import RewardTheory

/// The unit checks of the method's brief, and its detection and exact optimum against numpy and scipy.
@Suite struct CorrelatedProxiesTests {
  // MARK: Detection

  @Test func statisticsAreNumpysWeightedOnes() throws {
    var random = RandomGenerator(seed: 3)
    let truth = (0..<50).map { _ in random.normal() }
    let proxy = truth.map { 2 * $0 + random.normal() }
    let weights = truth.map { _ in random.uniform() }
    struct Expected: Decodable { let means, deviations: [Double], correlation: Double }
    let expected: Expected = try Python.run(
      """
      import json, sys, numpy as np
      p, t, w = map(np.array, json.load(sys.stdin))
      c = np.cov(np.stack([p, t]), aweights=w, ddof=0)
      print(json.dumps({"means": [np.average(p, weights=w), np.average(t, weights=w)],
                        "deviations": list(np.sqrt(np.diag(c))), "correlation": c[0, 1] / np.sqrt(c[0, 0] * c[1, 1])}))
      """, input: [proxy, truth, weights])
    let found = try ProxyStatistics(proxy: proxy, truth: truth, weights: weights)
    #expect(abs(found.proxyMean - expected.means[0]) < 1e-12 && abs(found.trueMean - expected.means[1]) < 1e-12)
    #expect(abs(found.proxyDeviation - expected.deviations[0]) < 1e-12)
    #expect(abs(found.trueDeviation - expected.deviations[1]) < 1e-12)
    #expect(abs((found.correlation ?? 0) - expected.correlation) < 1e-12)
    // Weights count occurrences, whatever their scale.
    let repeated = try ProxyStatistics(proxy: [1, 1, 2, 5], truth: [0, 0, 3, 1])
    let weighted = try ProxyStatistics(proxy: [1, 2, 5], truth: [0, 3, 1], weights: [4, 2, 2])
    #expect(abs((repeated.correlation ?? 0) - (weighted.correlation ?? 1)) < 1e-12)
  }

  @Test func aConstantRewardHasNoCorrelation() throws {
    let constant = try ProxyStatistics(proxy: [0.1, 0.1, 0.1], truth: [1, 2, 3])
    #expect(constant.correlation == nil && constant.penaltyCoefficient == nil && constant.proxyDeviation == 0)
    let base = try ProxyStatistics(proxy: [1, 2, 3], truth: [1, 2, 4])
    let still = try ProxyAssessment(base: base, optimised: ProxyStatistics(proxy: [9, 9], truth: [0, 0]))
    #expect(still.isCorrelatedProxy && still.isHacking)
    #expect(still.correlationLoss == base.correlation)
    #expect(still.trueGainBound == nil, "without χ² there is no bound")
    #expect(still.summary.contains("Reward hacking") && !still.summary.contains("nan"))
    let apart = ProxyAssessment(base: base, optimised: base, chiSquared: .infinity)
    #expect(apart.trueGainBound == -.infinity && !apart.isHacking)
    let inverse = try ProxyStatistics(proxy: [3, 2, 1], truth: [1, 2, 4])
    #expect(!ProxyAssessment(base: inverse, optimised: still.optimised).isHacking)
  }

  @Test func badInputIsASentence() throws {
    #expect(throws: GuerdonError.self) { try ProxyStatistics(proxy: [1], truth: [1, 2]) }
    #expect(throws: GuerdonError.self) { try ProxyStatistics(proxy: [], truth: []) }
    #expect(throws: GuerdonError.self) { try ProxyStatistics(proxy: [.nan, 1], truth: [1, 2]) }
    #expect(throws: GuerdonError.self) { try ProxyStatistics(proxy: [1, 2], truth: [1, 2], weights: [0, 0]) }
    #expect(throws: GuerdonError.self) { try ProxyStatistics(proxy: [1, 2], truth: [1, 2], weights: [-1, 2]) }
    let world = try TomatoWorld()
    let base = try world.basePolicy(temperature: 0.1), proxy = try world.paidProxy()
    #expect(throws: GuerdonError.self) { try proxy.occupancyRegularised(from: base, beta: 0) }
    let greedy = try world.process.policyIteration().policy
    #expect(throws: GuerdonError.self) { try proxy.occupancyRegularised(from: greedy, beta: 1) }
    #expect(throws: GuerdonError.self) {
      try world.process.proxyStatistics(proxy: [1], truth: world.truth, under: base)
    }
  }

  /// Check 4 of the brief: 1000 random triples of process, policy and reward, none below −1e-9.
  @Test func theBoundHoldsOnRandomProcesses() throws {
    var random = RandomGenerator(seed: 11)
    var tightest = Double.infinity
    for index in 0..<1000 {
      let states = 2 + random.integer(below: 5), actions = 2 + random.integer(below: 3)
      var mdp = try FiniteMDP.dirichlet(
        stateCount: states, actionCount: actions, discount: 0.9 * random.uniform(), random: &random)
      if index % 3 == 0 {  // Episodes that end: what they would still have spent earns nothing.
        mdp = try FiniteMDP(
          transitions: mdp.transitions, reward: mdp.reward, discount: mdp.discount, terminal: [states - 1])
      }
      func policy() -> TabularPolicy {
        .softmax((0..<states * actions).map { _ in 2 * random.normal() }, actionCount: actions)
      }
      let truth = (0..<states * actions).map { _ in random.normal() }
      let proxy = truth.map { $0 + random.normal() }
      let found = try mdp.assessProxy(proxy, truth: truth, base: policy(), optimised: policy())
      guard let bound = found.trueGainBound, let gain = found.trueGain else { continue }
      tightest = min(tightest, gain - bound)
    }
    #expect(tightest >= -1e-9 && tightest < 1, "\(tightest)")
  }

  /// Where Z is all that the policy gained, the bound is an equality.
  @Test func theBoundIsAttained() throws {
    let μ0 = [0.25, 0.25, 0.25, 0.25], truth = [1.0, 1, -1, -1], noise = [1.0, -1, 1, -1]
    let proxy = zip(truth, noise).map { 0.6 * $0 + 0.8 * $1 }
    let μ = zip(μ0, noise).map { $0 * (1 - 0.3 * $1) }
    let found = try ProxyAssessment(
      base: ProxyStatistics(proxy: proxy, truth: truth, weights: μ0),
      optimised: ProxyStatistics(proxy: proxy, truth: truth, weights: μ),
      chiSquared: Divergences.chiSquared(of: μ, from: μ0))
    #expect(abs((found.base.correlation ?? 0) - 0.6) < 1e-12)
    #expect(abs((found.chiSquared ?? 0) - 0.09) < 1e-12)
    #expect(abs((found.base.penaltyCoefficient ?? 0) - 0.8) < 1e-12)
    // Proxy gain −0.24, true gain 0: the bound is (−0.24 − 0.24) / 0.6; and for the opposite shift it is 0, the gain.
    #expect(abs((found.trueGainBound ?? 0) + 0.8) < 1e-12)
    let opposite = zip(μ0, noise).map { $0 * (1 + 0.3 * $1) }
    let tight = try ProxyAssessment(
      base: found.base, optimised: ProxyStatistics(proxy: proxy, truth: truth, weights: opposite),
      chiSquared: Divergences.chiSquared(of: opposite, from: μ0))
    #expect(abs((tight.trueGainBound ?? 1) - (tight.trueGain ?? 2)) < 1e-12)
  }

  // MARK: Divergences

  /// Check 3 of the brief, and every closed form against quadrature.
  @Test func divergencesAreTheirIntegrals() throws {
    #expect(abs(Divergences.gaussianChiSquared(means: [0], deviations: [1], from: [0], [1])) < 1e-15)
    for m in [0.1, 0.7, 1.5] {
      let found = Divergences.gaussianChiSquared(means: [m], deviations: [1], from: [0], [1])
      #expect(abs(found - expm1(m * m)) < 1e-12 * exp(m * m))
    }
    #expect(Divergences.gaussianChiSquared(means: [0], deviations: [1.5], from: [0], [1]) == .infinity)
    #expect(Divergences.betaChiSquared(1, 1, from: 3, 1) == .infinity)
    #expect(Divergences.chiSquared(of: [0.5, 0.5], from: [1, 0]) == .infinity)
    #expect(Divergences.chiSquared(of: [1, 0], from: [1, 0]) == 0)
    let expected: [Double] = try Python.run(
      """
      import json, numpy as np
      from scipy import stats, integrate
      def both(p, q, lo, hi):
          chi = integrate.quad(lambda x: (p.pdf(x) - q.pdf(x)) ** 2 / q.pdf(x), lo, hi, epsabs=1e-12, epsrel=1e-10)[0]
          kl = integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), lo, hi, epsabs=1e-12, epsrel=1e-10)[0]
          return [chi, kl]
      a = both(stats.norm(0.3, 0.8), stats.norm(-0.2, 1.1), -12, 12)
      b = both(stats.norm(1, 1), stats.norm(1.5, 0.9), -12, 12)
      c = both(stats.beta(2.5, 3.5), stats.beta(2, 4), 0, 1)
      print(json.dumps([(1 + a[0]) * (1 + b[0]) - 1, a[1] + b[1]] + c))
      """)
    let found = [
      Divergences.gaussianChiSquared(means: [0.3, 1], deviations: [0.8, 1], from: [-0.2, 1.5], [1.1, 0.9]),
      Divergences.gaussianKullbackLeibler(means: [0.3, 1], deviations: [0.8, 1], from: [-0.2, 1.5], [1.1, 0.9]),
      Divergences.betaChiSquared(2.5, 3.5, from: 2, 4), Divergences.betaKullbackLeibler(2.5, 3.5, from: 2, 4),
    ]
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-7 * max(1, abs(b)), "\(found) against \(expected)") }
  }

  // MARK: The exact optimum

  /// Check 1 of the brief: on a bandit the optimum is π0(a) (1 + (Rp(a) − J0p) / (2 b)) where that is not negative.
  @Test func aBanditsOptimumIsLinearInTheReward() throws {
    let reward = [0.4, -0.2, 0.1, 0.7], base = [0.1, 0.4, 0.3, 0.2], b = 0.5
    let bandit = try FiniteMDP(
      stateCount: 1, actionCount: 4, transitions: [1, 1, 1, 1], reward: .stateAction(reward), discount: 0)
    let π0 = try TabularPolicy(stateCount: 1, actionCount: 4, probabilities: base)
    let found = try bandit.occupancyRegularised(from: π0, beta: b)
    let mean = zip(reward, base).reduce(0) { $0 + $1.0 * $1.1 }
    for a in 0..<4 {
      let expected = base[a] * (1 + (reward[a] - mean) / (2 * b))
      #expect(abs(found.policy[0, a] - expected) < 1e-9, "\(found.policy[0, a]) against \(expected)")
    }
    #expect(found.gap <= 1e-9)
  }

  /// On a random process the optimum's objective is that of the dual, solved by scipy: w = max(0, 1 + A_V / 2β).
  @Test func theOptimumIsThatOfTheDual() throws {
    var random = RandomGenerator(seed: 5)
    let states = 6, actions = 3, discount = 0.8
    let mdp = try FiniteMDP.dirichlet(stateCount: states, actionCount: actions, discount: discount, random: &random)
    let base = TabularPolicy.softmax(
      (0..<states * actions).map { _ in random.normal() }, actionCount: actions).smoothed(0.1)
    let μ0 = try mdp.occupancy(of: base, normalised: true).stateActions
    for beta in [0.05, 0.3, 2] {
      let found = try mdp.occupancyRegularised(from: base, beta: beta)
      struct Input: Encodable { let table, reward, initial, base: [Double], beta, discount: Double }
      let dual: Double = try Python.run(
        """
        import json, sys, numpy as np
        from scipy.optimize import minimize
        d = json.load(sys.stdin); R = np.array(d["reward"]); mu = np.array(d["base"]); p0 = np.array(d["initial"])
        n = len(p0); P = np.array(d["table"]).reshape(-1, n); b, g = d["beta"], d["discount"]
        B = g * P - np.repeat(np.eye(n), len(R) // n, axis=0)
        def dual(v):
            w = np.maximum(0, 1 + (R + B @ v) / (2 * b))
            return ((1 - g) * p0 @ v + mu @ (w * (R + B @ v) - b * (w - 1) ** 2), (1 - g) * p0 + B.T @ (mu * w))
        best = minimize(dual, np.zeros(n), jac=True, method="BFGS", options={"gtol": 1e-10, "maxiter": 10000})
        print(json.dumps(float(best.fun)))
        """,
        input: Input(
          table: mdp.transitions.table, reward: mdp.expectedReward, initial: mdp.initial, base: μ0, beta: beta,
          discount: discount))
      let primal = found.occupancy.total(of: mdp.expectedReward) - beta * found.chiSquared
      #expect(abs(primal - dual) < 1e-7 && found.gap < 1e-8, "\(primal) against \(dual), gap \(found.gap)")
    }
  }

  /// The brief's prototype of the tomato world, to the digits that it gives.
  @Test func theTomatoWorldIsTheBriefs() throws {
    let world = try TomatoWorld()
    #expect(world.process.stateCount == 463 && world.featureCount == 35)
    // The bucket pays for all of 26 cells.
    #expect(abs((world.proxy.max() ?? 0) - 26 * 0.02) < 1e-12)
    let base = try world.basePolicy(temperature: 0.1)
    let hacked = try world.paidProxy().policyIteration().policy
    let found = try world.process.assessProxy(world.proxy, truth: world.truth, base: base, optimised: hacked)
    #expect(abs(found.base.trueMean - 0.0806) < 5e-5)
    #expect(abs((found.base.correlation ?? 0) - 0.990) < 6e-4)
    #expect(abs(found.optimised.trueMean - 0.0234) < 5e-5)
    #expect(abs(found.optimised.proxyMean - 0.4756) < 1e-4)
    #expect(found.isHacking)
    let optimum = try world.process.proxyStatistics(
      proxy: world.proxy, truth: world.truth, under: world.process.policyIteration().policy)
    #expect(abs(optimum.trueMean - 0.0974) < 5e-5)
    let penalised = try world.paidProxy().actionRegularised(from: base, alpha: 1.2)
    let held = try world.process.proxyStatistics(proxy: world.proxy, truth: world.truth, under: penalised.policy)
    #expect(abs(held.trueMean - 0.0846) < 1e-4, "\(held.trueMean)")
  }

  /// The brief's prototype at all three temperatures: base policies and action-KL optima within its own accuracy (at 0.07
  /// it has 0.0851 where 0.0852 is right), and exact χ² optima that are no worse than its.
  @Test(arguments: [(0.1, 0.0806, 0.0846, 0.0937), (0.07, 0.0851, 0.0882, 0.0950), (0.15, 0.0750, 0.0783, 0.0879)])
  func otherTemperaturesAreTheBriefs(temperature: Double, base: Double, actions: Double, occupancy: Double) throws {
    let world = try TomatoWorld(), paidProxy = try world.paidProxy()
    let policy = try world.basePolicy(temperature: temperature)
    func truth(_ policy: TabularPolicy) throws -> Double {
      try world.process.proxyStatistics(proxy: world.proxy, truth: world.truth, under: policy).trueMean
    }
    #expect(try abs(truth(policy) - base) < 2e-4)
    let sweep = try [0.8, 1, 1.2, 1.5, 2.2].map { alpha in
      try truth(paidProxy.actionRegularised(from: policy, alpha: alpha).policy)
    }
    #expect(abs((sweep.max() ?? 0) - actions) < 8e-4, "\(sweep)")
    let best = try [5e-4, 1e-3, 2e-3].map { try truth(paidProxy.occupancyRegularised(from: policy, beta: $0).policy) }
    #expect((best.max() ?? 0) > occupancy - 1e-4 && (best.max() ?? 0) < 0.0974 + 1e-4, "\(best)")
  }

  // MARK: The learned version

  /// Check 2 of the brief: two known categoricals, their log-ratio within 0.05.
  @Test func theDiscriminatorFindsTheLogRatio() throws {
    let current = [0.4, 0.3, 0.2, 0.1], reference = [0.2, 0.25, 0.25, 0.3]
    func rows(_ counts: [Double]) -> [Float] {
      counts.enumerated().flatMap { index, share in
        (0..<Int(share * 2000 + 0.5)).flatMap { _ in (0..<4).map { $0 == index ? Float(1) : 0 } }
      }
    }
    var configuration = OccupancyDiscriminator.Configuration()
    configuration.hidden = [32, 32]
    let discriminator = try OccupancyDiscriminator(width: 4, configuration: configuration, seed: 1)
    try discriminator.train(current: rows(current), reference: rows(reference), epochs: 60)
    let found = discriminator.logRatios(of: (0..<16).map { $0 % 5 == 0 ? 1 : 0 })
    for i in 0..<4 {
      #expect(abs(found[i] - log(current[i] / reference[i])) < 0.05, "\(found)")
    }
    #expect(throws: GuerdonError.self) {
      try discriminator.train(current: [1, 2], reference: rows(reference), epochs: 1)
    }
  }

  /// Under μ the mean of w − 1 is χ², that of log w is KL, and that of √χ²'s penalty √χ² itself.
  @Test func penaltiesAverageToTheDivergence() {
    let μ = [0.4, 0.3, 0.2, 0.1], μ0 = [0.2, 0.25, 0.25, 0.3]
    // 50 samples: too few for 1 % to drop any.
    let samples = μ.enumerated().flatMap { [Int](repeating: $0.offset, count: Int(50 * $0.element + 0.5)) }
    let ratios = samples.map { log(μ[$0] / μ0[$0]) }
    let chiSquared = Divergences.chiSquared(of: μ, from: μ0)
    let root = OccupancyDiscriminator.penalties(.rootChiSquared, logRatios: ratios, clip: 1000)
    #expect(abs(root.estimate - chiSquared) < 1e-12)
    #expect(abs(root.penalties.reduce(0, +) / 50 - chiSquared.squareRoot()) < 1e-12)
    let plain = OccupancyDiscriminator.penalties(.chiSquared, logRatios: ratios, clip: 1000)
    #expect(abs(plain.penalties.reduce(0, +) / 50 - chiSquared) < 1e-12)
    let kl = OccupancyDiscriminator.penalties(.kullbackLeibler, logRatios: ratios, clip: 1000)
    #expect(abs(kl.estimate - Divergences.kullbackLeibler(of: μ, from: μ0)) < 1e-12)
    let wild = OccupancyDiscriminator.penalties(.chiSquared, logRatios: [0, 2000, .nan, -3], clip: 10)
    #expect(wild.penalties[1] == 0 && wild.penalties[2] == 0 && wild.penalties.allSatisfy(\.isFinite))
    let clipped = OccupancyDiscriminator.penalties(.chiSquared, logRatios: [0, 20, -3], clip: 10)
    #expect(clipped.penalties[1] == 10)
    let signs = OccupancyDiscriminator.penalties(.totalVariation, logRatios: [0.3, -0.2, 0], clip: 10)
    #expect(signs.penalties == [1, -1, 0])
  }

  /// On a bandit in which the proxy lies about one action, ORPO stops near the exact regularised optimum, and PPO alone
  /// takes the lie.
  @Test func orpoComesNearTheExactOptimum() throws {
    let proxy = [1.0, 0, 0.5], shares = [0.1, 0.3, 0.6], coefficient = 0.5
    let process = try FiniteMDP(
      stateCount: 1, actionCount: 3, transitions: [1, 1, 1], reward: .stateAction(proxy), discount: 0)
    let base = try TabularPolicy(stateCount: 1, actionCount: 3, probabilities: shares)
    var configuration = ORPO.Configuration()
    (configuration.horizon, configuration.episodes, configuration.hidden) = (1, 1024, [16])
    (configuration.entropyCoefficient, configuration.epochs, configuration.discriminator.hidden) = (0, 4, [16])
    func learn(_ regulariser: ORPO.Regulariser, seed: UInt64 = 0) throws -> [Double] {
      let learner = try ORPO(
        process: process, features: [1], featureCount: 1, base: base, regulariser: regulariser,
        configuration: configuration, seed: seed)
      // The last policies' mean: a discriminator of samples moves the policy about its optimum.
      var mean = [Double](repeating: 0, count: 3)
      for iteration in 0..<200 {
        _ = try learner.iterate()
        if iteration >= 100 { mean = zip(mean, try learner.policy().probabilities).map { $0 + $1 / 100 } }
      }
      return mean
    }
    let hacked = try learn(.none)
    #expect(hacked[0] > 0.95, "\(hacked)")
    // χ²: π = π0 (1 + (Rp − J0p) / λ), for the penalty's own gradient leaves the factor 2 to λ.
    let held = try learn(.occupancy(.chiSquared, coefficient: coefficient))
    let mean = zip(proxy, shares).reduce(0) { $0 + $1.0 * $1.1 }
    for a in 0..<3 {
      #expect(abs(held[a] - shares[a] * (1 + (proxy[a] - mean) / coefficient)) < 0.06, "\(held)")
    }
    #expect(try learn(.occupancy(.chiSquared, coefficient: coefficient)) == held, "the same seed, the same numbers")
  }

  /// The toy's gold score, and that its base policy is what the experiment needs: a proxy that correlates.
  @Test func responsesAreScoredAsTheyShouldBe() throws {
    func gold(_ words: [Int]) -> Double { ResponseTask.gold(.init(topic: 1, words: words)) }
    #expect(gold([4, 5, 6, 7]) == 4 && gold([]) == 0)
    #expect(abs(gold([4, 4, 12, 0]) - (1 - 0.4 - 0.5)) < 1e-12)
    #expect(abs(gold([Int](repeating: 4, count: 16)) - (1 - 15 * 0.4 - 8 * 0.3)) < 1e-12)
    var configuration = ResponseOptimisation.Configuration()
    (configuration.corpus, configuration.pairs, configuration.evaluation) = (800, 800, 800)
    let base = try ResponseOptimisation(configuration, seed: 0)
    #expect((base.baseStatistics.correlation ?? 0) > 0.2, "\(base.baseStatistics)")
  }

  /// log π of drawn tokens is what was noted when they were drawn, and what imitation raises.
  @Test func aResponsePolicyKnowsItsLogProbabilities() {
    var random = RandomGenerator(seed: 2)
    let policy = ResponsePolicy(random: &random)
    let sample = policy.sample(40, &random)
    for (again, noted) in zip(policy.logProbabilities(sample), sample.logProbabilities) {
      #expect(abs(again - noted) < 1e-5)
    }
    #expect(sample.responses.allSatisfy { $0.words.count <= ResponseTask.longest })
    let corpus = ResponsePolicy.rows(of: (0..<200).map { _ in ResponseTask.written(&random) })
    let before = policy.logProbabilities(corpus).reduce(0, +)
    for _ in 0..<10 { policy.imitate(corpus, learningRate: 3e-3, &random) }
    #expect(policy.logProbabilities(corpus).reduce(0, +) > before)
  }

  // MARK: The experiment

  @Test func theExperimentsSmokeIsTheSameOnAnyNumberOfThreads() async throws {
    var configuration = CorrelatedProxies.Configuration.smoke
    (configuration.temperatures, configuration.alphas) = ([0.1], [1])
    func run(_ jobs: Int) async throws -> Evidence {
      try await CorrelatedProxies.reproduce(
        configuration,
        in: RunContext(jobs: jobs, progress: ProgressLine(quiet: true), interruption: Interruption()))
    }
    let one = try await run(1), two = try await run(2)
    #expect(one == two)
    #expect(one.claims.allSatisfy { $0.measured.isFinite })
    let stopped = Interruption()
    stopped.request()
    await #expect(throws: CancellationError.self) {
      try await CorrelatedProxies.reproduce(
        configuration, in: RunContext(jobs: 1, progress: ProgressLine(quiet: true), interruption: stopped))
    }
    configuration.temperatures = []
    let empty = configuration
    await #expect(throws: GuerdonError.self) {
      try await CorrelatedProxies.reproduce(
        empty, in: RunContext(jobs: 1, progress: ProgressLine(quiet: true), interruption: Interruption()))
    }
  }
}
