import Basics
import Experiments
import Foundation
import TestSupport
import Testing

@testable import Decisions

/// The unit checks of OFS's brief, and its parts beside numpy's and scipy's.
@Suite struct OptimisticFeasibleSearchTests {
  private typealias Learner = OptimisticFeasibleSearch.Learner
  private typealias Rule = OptimisticFeasibleSearch.Rule

  /// A static world without noise: arm 3 is the best of those whose residuals are at most 0.
  private static let rewards = [0.1, 0.9, 0.35, 0.5, 0.42]
  private static let residuals = [[-0.3, -0.2], [0.2, -0.4], [-0.1, -0.1], [-0.15, -0.12], [-0.3, 0.25]]

  @Test func playsOnlyTheBestFeasibleArmOnceTheRadiiAreSmall() throws {
    // The smallest gap is 0.08 (arm 4's reward); radii below 0.04 decide.
    var learner = try Learner(arms: 5, constraints: 2, horizon: 10_000)
    var plays = 0
    while learner.statistics.firstUntried != nil || (0..<5).contains(where: { learner.radius($0, 0) >= 0.04 }) {
      let arm = plays % 5
      learner.observe(arm, reward: Self.rewards[arm], residuals: Self.residuals[arm])
      plays += 1
    }
    for _ in 0..<2_000 {
      let arm = learner.choose()
      #expect(arm == 3)
      learner.observe(arm, reward: Self.rewards[arm], residuals: Self.residuals[arm])
    }
  }

  @Test func permutingTheGridPermutesThePlays() throws {
    let order = [2, 4, 0, 1, 3]  // position i of the permuted grid is arm order[i]
    func plays(_ arms: [Int]) throws -> [Int] {
      var learner = try Learner(arms: 5, constraints: 2, horizon: 1_500)
      return (0..<1_500).map { _ in
        let chosen = learner.choose()
        learner.observe(chosen, reward: Self.rewards[arms[chosen]], residuals: Self.residuals[arms[chosen]])
        return arms[chosen]
      }
    }
    let straight = try plays([0, 1, 2, 3, 4]), permuted = try plays(order)
    #expect(Array(permuted[..<5]) == order)
    #expect(straight[5...] == permuted[5...])
    #expect(Set(straight[5...]).count > 1)
  }

  @Test func scalingRewardsAndTheirRadiiLeavesTheActionsAlone() throws {
    var random = RandomGenerator(seed: 3)
    let noise = (0..<600).map { _ in (0..<3).map { _ in 0.2 * random.normal() } }
    func plays(_ factor: Double) throws -> [Int] {
      var rule = Rule()
      rule.rewardScale *= factor
      var learner = try Learner(arms: 5, constraints: 2, horizon: 600, rule: rule)
      return (0..<600).map { t in
        let arm = learner.choose()
        learner.observe(
          arm, reward: factor * (Self.rewards[arm] + noise[t][0]),
          residuals: [Self.residuals[arm][0] + noise[t][1], Self.residuals[arm][1] + noise[t][2]])
        return arm
      }
    }
    let plain = try plays(1)
    #expect(try plain == plays(8))
    #expect(Set(plain).count == 5)
  }

  private struct Feedback: Encodable {
    let feedback: [[[Double]]]
    let scale: Double
    let total: Bool
    let pessimistic: Bool
  }

  /// The pseudocode, written again with numpy: the same plays for each variant, and UCB's where there is no constraint.
  @Test func theSamePlaysAsThePseudocodeInNumpy() throws {
    let script = """
      import json, sys
      import numpy as np
      x = json.load(sys.stdin)
      f = np.array(x["feedback"])            # [T, K, 1 + J]
      T, K, Q = f.shape
      n, m = np.zeros(K), np.zeros((K, Q))
      plays = []
      for t in range(T):
          if (n == 0).any():
              k = int(np.argmin(n > 0))
          else:
              b = x["scale"] * np.sqrt(np.log(K * T) / n)
              U = m[:, 0] + b
              L = m[:, 1:] + (b if x["pessimistic"] else -b)[:, None]
              F = np.flatnonzero((L <= 0).all(axis=1))
              if len(F):
                  k = int(F[np.argmax(U[F])])
              else:
                  v = np.maximum(L, 0)
                  v = v.sum(axis=1) if x["total"] else v.max(axis=1)
                  ties = np.flatnonzero(v == v.min())
                  k = int(ties[np.argmax(U[ties])])
          plays.append(k)
          n[k] += 1
          m[k] += (f[t, k] - m[k]) / n[k]
      print(json.dumps(plays))
      """
    var random = RandomGenerator(seed: 11), differing = 0
    for (constraints, shift, total, pessimistic) in [
      (0, 0.0, false, false), (2, 0, false, false), (2, 0.5, false, false), (3, 0.6, true, false), (2, 0, false, true),
    ] {
      let base = (0..<7).map { _ in
        (0...constraints).map { $0 == 0 ? random.uniform() : shift + random.uniform(-0.4, 0.3) }
      }
      let feedback = (0..<700).map { _ in base.map { $0.map { $0 + 0.1 * random.normal() } } }
      let expected: [Int] = try Python.run(
        script, input: Feedback(feedback: feedback, scale: 0.15, total: total, pessimistic: pessimistic))
      var rule = Rule()
      rule.fallback = total ? .totalViolation : .largestViolation
      rule.stance = pessimistic ? .pessimistic : .optimistic
      var learner = try Learner(arms: 7, constraints: constraints, horizon: 700, rule: rule)
      var bandit = try OptimisticFeasibleSearch.UpperConfidenceBound(arms: 7, constraints: constraints, horizon: 700)
      var plays: [Int] = [], unconstrained: [Int] = []
      for t in 0..<700 {
        let arm = learner.choose()
        learner.observe(arm, reward: feedback[t][arm][0], residuals: Array(feedback[t][arm][1...]))
        plays.append(arm)
        let other = bandit.choose(random: &random)
        bandit.observe(other, reward: feedback[t][other][0], residuals: Array(feedback[t][other][1...]))
        unconstrained.append(other)
      }
      #expect(plays == expected)
      if constraints == 0 { #expect(unconstrained == expected) } else { differing += unconstrained == expected ? 0 : 1 }
    }
    // Constraints change what is played.
    #expect(differing >= 2)
  }

  @Test func radiiAreThoseOfTheirFormulas() throws {
    func learner(_ radius: Rule.Radius) throws -> Learner {
      var rule = Rule()
      (rule.radius, rule.rewardScale, rule.residualScale) = (radius, 0.3, 0.7)
      var learner = try Learner(arms: 2, constraints: 1, horizon: 100, rule: rule)
      for value in [0.0, 1, 2, 3] { learner.observe(0, reward: value, residuals: [-value]) }
      return learner
    }
    #expect(try abs(learner(.practical).radius(0, 1) - 0.7 * (log(200.0) / 4).squareRoot()) < 1e-12)
    let events = 2.0 * 2 * 100 / 0.05
    #expect(try abs(learner(.subGaussian).radius(0, 0) - 0.3 * (2 * log(2 * events) / 4).squareRoot()) < 1e-12)
    let width = log(3.0 * 2 * 2 * 100 / 0.05)
    #expect(
      try abs(learner(.bernstein).radius(0, 0) - ((2 * 1.25 * width / 4).squareRoot() + 3 * 0.3 * width / 4)) < 1e-12)
  }

  @Test func forgettingAndDwelling() throws {
    // A window of 3 with discount 0.5: weights 1, 0.5, 0.25 on the last three records.
    var statistics = try ArmStatistics(arms: 2, constraints: 0, discount: 0.5, window: 3)
    for (arm, reward) in [(0, 8.0), (1, 4), (0, 2), (1, 6), (1, 7)] {
      statistics.record(arm, reward: reward, residuals: [])
    }
    #expect(abs(statistics.count(0) - 0.25) < 1e-12 && abs(statistics.mean(0, 0) - 2) < 1e-12)
    #expect(abs(statistics.count(1) - 1.5) < 1e-12 && abs(statistics.mean(1, 0) - (7 + 0.5 * 6) / 1.5) < 1e-12)
    statistics.record(1, reward: 1, residuals: [])
    #expect(statistics.firstUntried == 0)

    var rule = Rule()
    (rule.dwell, rule.settle) = (3, 2)
    var learner = try Learner(arms: 2, constraints: 0, horizon: 12, rule: rule)
    var plays: [Int] = []
    for t in 0..<12 {
      plays.append(learner.choose())
      learner.observe(plays[t], reward: t % 3 == 2 ? Double(plays[t]) : 100, residuals: [])
    }
    #expect(plays == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    #expect(learner.statistics.mean(1, 0) == 1 && learner.statistics.count(1) == 3)
  }

  /// The multiplier rises with the residual and is clipped; a multiplier turns the bandit away from the best reward.
  @Test func multipliersFollowTheResiduals() throws {
    var random = RandomGenerator(seed: 0)
    var learner = try OptimisticFeasibleSearch.PrimalDual(
      arms: 2, constraints: 1, horizon: 100, scale: 0, stepSize: 0.5, largest: 2)
    var plays: [Int] = []
    for _ in 0..<6 {
      let arm = learner.choose(random: &random)
      plays.append(arm)
      learner.observe(arm, reward: arm == 0 ? 1 : 0, residuals: [arm == 0 ? 1.0 : -0.5])
    }
    // λ: 0.5 after arm 0, 0.25 after arm 1; 1 − 0.25 > 0.125: 0.75; 1 − 0.75 < 0.375: 0.5; 1 − 0.5 > 0.25: 1; then arm
    // 1.
    #expect(plays == [0, 1, 0, 1, 0, 1])
    #expect(learner.multipliers == [0.75])
  }

  private struct Steady: Decodable {
    let means: [[Double]]
    let rewards: [Double]
    let residuals: [[Double]]
  }

  @Test func theSweepIsTheFixedPointThatScipyFinds() throws {
    let thresholds = [0.2, 0.35, 0.5, 0.7]
    let expected: Steady = try Python.run(
      """
      import json, sys
      import numpy as np
      from scipy import integrate, optimize, stats
      w, base, beta, sd = [.6, .4], [.5, .4], [.1, .14], .15
      out = {"means": [], "rewards": [], "residuals": []}
      for tau in json.load(sys.stdin):
          acc = lambda m: 1 - stats.norm.cdf((tau - m) / sd)
          m = [optimize.brentq(lambda m: base[g] + beta[g] * acc(m) - m, 0, 1, xtol=1e-14) for g in range(2)]
          p = lambda s: 1 / (1 + np.exp(-10 * (s - .5)))
          r = sum(w[g] * integrate.quad(
              lambda s: stats.norm.pdf(s, m[g], sd) * (p(s) - 1.2 * (1 - p(s))), tau, m[g] + 10 * sd,
              epsabs=1e-12)[0] for g in range(2))
          a = [acc(x) for x in m]
          out["means"].append(m); out["rewards"].append(r)
          out["residuals"].append([abs(a[0] - a[1]) - .1, .3 - w[0] * a[0] - w[1] * a[1]])
      print(json.dumps(out))
      """, input: thresholds)
    let loop = try GaussianGroups()
    let sweep = OptimisticFeasibleSearch.Sweep(of: thresholds, in: loop)
    for k in thresholds.indices {
      let settled = loop.settled(at: thresholds[k], rounds: 400)
      for g in 0..<2 { #expect(abs(settled.population[g] - expected.means[k][g]) < 1e-8) }
      #expect(abs(sweep.rewards[k] - expected.rewards[k]) < 1e-7)
      for j in 0..<2 { #expect(abs(sweep.residuals[k][j] - expected.residuals[k][j]) < 1e-7) }
    }
  }

  /// The brief's oracle: τ* = 0.35 of the 31 thresholds, worth 0.2265 (0.2267 here, by quadrature).
  @Test func theBestFixedThresholdIsTheBriefs() throws {
    let configuration = OptimisticFeasibleSearch.Configuration()
    let sweep = OptimisticFeasibleSearch.Sweep(of: configuration.grid, in: try GaussianGroups())
    let best = try #require(sweep.best)
    #expect(configuration.grid.count == 31 && abs(configuration.grid[best] - 0.35) < 1e-12)
    #expect(abs(sweep.rewards[best] - 0.2265) < 5e-4)
    // Nothing meets s_min = 1.2: whatever is played violates it by 0.2 or more.
    var impossible = FairnessConstraints()
    impossible.leastAcceptance = 1.2
    let hopeless = OptimisticFeasibleSearch.Sweep(
      of: configuration.grid, in: try GaussianGroups(constraints: impossible))
    #expect(hopeless.best == nil)
    #expect(configuration.grid.indices.allSatisfy { hopeless.largestViolation($0) >= 0.2 })
  }

  /// Two groups alike: |acc₀ − acc₁| of a batch is √(2/π) times the deviation of the difference on average, 0.058 at
  /// 200 applicants of whom half are accepted. Signed residuals have no such bias.
  @Test func aBatchOverestimatesNoGap() throws {
    var parameters = GaussianGroups.Parameters()
    (parameters.start, parameters.base, parameters.feedback) = ([0.5, 0.5], [0.5, 0.5], [0, 0])
    func mean(_ parity: FairnessConstraints.Parity) throws -> Double {
      var constraints = FairnessConstraints()
      constraints.parity = parity
      var loop = try GaussianGroups(parameters, constraints: constraints), random = RandomGenerator(seed: 6), sum = 0.0
      for _ in 0..<4_000 { sum += loop.play(0.5, random: &random).residuals[0] + constraints.parityTolerance }
      return sum / 4_000
    }
    let deviation = (0.25 / 120 + 0.25 / 80).squareRoot()
    #expect(try abs(mean(.absolute) - (2 / Double.pi).squareRoot() * deviation) < 0.004)
    #expect(try abs(mean(.signed)) < 0.006)
    #expect(try mean(.debiased) < 0.6 * mean(.absolute))
  }

  private struct People: Encodable {
    let scores: [Double]
    let groups: [Int]
    let labels: [Bool]
  }

  /// The offline peer's rule by trying every pair of counts of accepted people: equal selection rates (within half a
  /// person), the greatest accuracy.
  @Test func parityThresholdsAreTheBestOfEqualRates() throws {
    var random = RandomGenerator(seed: 12)
    let loop = try GaussianGroups()
    let people = (0..<500).map { _ in loop.applicant(random: &random) }
    let expected: Double = try Python.run(
      """
      import json, sys
      import numpy as np
      x = json.load(sys.stdin)
      s, g, y = np.array(x["scores"]), np.array(x["groups"]), np.array(x["labels"])
      order = [np.argsort(-s[g == k]) for k in (0, 1)]
      labels = [y[g == k][order[k]] for k in (0, 1)]
      best = 0
      for rate in np.linspace(0, 1, 1001):
          right = 0
          for k in (0, 1):
              n = int(np.floor(rate * len(labels[k]) + .5))
              right += labels[k][:n].sum() + (~labels[k][n:]).sum()
          best = max(best, right / len(y))
      print(json.dumps(float(best)))
      """,
      input: People(scores: people.map(\.score), groups: people.map(\.group), labels: people.map(\.isGood)))
    let thresholds = try OptimisticFeasibleSearch.parityThresholds(of: people)
    let right = people.filter { ($0.score > thresholds[$0.group]) == $0.isGood }.count
    #expect(abs(Double(right) / 500 - expected) < 1e-12, "\(right) of 500 against \(expected)")
    let rates = (0..<2).map { group -> Double in
      let members = people.filter { $0.group == group }
      return Double(members.filter { $0.score > thresholds[group] }.count) / Double(members.count)
    }
    #expect(abs(rates[0] - rates[1]) < 0.01 && rates[0] > 0.2 && rates[0] < 0.8)
    // The second group scores less: its threshold is lower.
    #expect(thresholds.second < thresholds.first)
    #expect(throws: GuerdonError.self) {
      try OptimisticFeasibleSearch.parityThresholds(of: people.filter { $0.group == 0 })
    }
  }

  /// One threshold for all is the same threshold for each.
  @Test func thresholdsByGroupByHand() throws {
    let loop = try GaussianGroups()
    let both = loop.expectation(at: GroupThresholds(0.5, 0.5)), one = loop.expectation(at: 0.5)
    #expect(both.reward == one.reward && both.residuals == one.residuals)
    // Thresholds at the groups' means accept half of each: no gap, and half of all.
    let halves = loop.expectation(at: GroupThresholds(0.55, 0.45))
    #expect(abs(halves.residuals[0] + 0.1) < 1e-12 && abs(halves.residuals[1] - (0.3 - 0.5)) < 1e-12)
    let moved = loop.settled(at: GroupThresholds(0.55, 0.45), rounds: 1).population
    #expect(abs(moved[0] - (0.95 * 0.55 + 0.05 * 0.55)) < 1e-12 && abs(moved[1] - (0.95 * 0.45 + 0.05 * 0.47)) < 1e-12)
  }

  /// What is drawn agrees with what is expected: 2000 rounds from the steady state, five standard errors.
  @Test func drawnRoundsAgreeWithTheExpectation() throws {
    let table = Self.applicants(600, seed: 5)
    let resampled = try ResampledApplicants(
      scores: table.scores, groups: table.groups, isGood: table.isGood,
      constraints: { var c = FairnessConstraints(); c.parity = .signed; return c }())
    let gaussian = try GaussianGroups(constraints: resampled.constraints)
    func check(_ loop: some ThresholdLoop) {
      var loop = loop.settled(at: 0.4, rounds: 1_000), random = RandomGenerator(seed: 8)
      let expected = loop.expectation(at: 0.4)
      var sums = [Double](repeating: 0, count: 4), squares = sums
      for _ in 0..<2_000 {
        let (reward, residuals) = loop.play(0.4, random: &random)
        for (j, value) in ([reward] + residuals).enumerated() {
          sums[j] += value
          squares[j] += value * value
        }
      }
      for (j, value) in ([expected.reward] + expected.residuals).enumerated() {
        let mean = sums[j] / 2_000, error = ((squares[j] / 2_000 - mean * mean) / 2_000).squareRoot()
        #expect(abs(mean - value) < 5 * error, "quantity \(j): \(mean) against \(value)")
      }
    }
    check(gaussian)
    check(resampled)
  }

  private static func applicants(
    _ count: Int, seed: UInt64
  ) -> (scores: [Double], groups: [Bool], isGood: [Bool]) {
    var random = RandomGenerator(seed: seed)
    var scores: [Double] = [], groups: [Bool] = [], isGood: [Bool] = []
    for _ in 0..<count {
      groups.append(random.uniform() < 0.35)
      scores.append(min(max((groups[groups.count - 1] ? 0.42 : 0.55) + 0.2 * random.normal(), 0), 1))
      isGood.append(random.uniform() < scores[scores.count - 1])
    }
    return (scores, groups, isGood)
  }

  /// By hand: group 0 accepts 1 of 2 (a good one), group 1 accepts 2 of 3 (one good, one bad).
  @Test func resampledApplicantsByHand() throws {
    var parameters = ResampledApplicants.Parameters()
    parameters.feedback = 0.6
    let loop = try ResampledApplicants(
      scores: [0.2, 0.8, 0.1, 0.7, 0.9], groups: [false, false, true, true, true],
      isGood: [true, true, false, true, false], parameters: parameters)
    let start = loop.expectation(at: 0.5)
    #expect(abs(start.reward - (0.4 * 0.5 + 0.6 * (1 - 1.2) / 3)) < 1e-12)
    #expect(abs(start.residuals[0] - (2.0 / 3 - 0.5 - 0.1)) < 1e-12)
    #expect(abs(start.residuals[1] - (0.3 - 0.6)) < 1e-12)
    // w* = 0.6 + 0.6 (2/3 − 1/2) = 0.7.
    #expect(abs(loop.settled(at: 0.5, rounds: 2_000).population[1] - 0.7) < 1e-9)
    #expect(abs(loop.settled(at: 0.5, rounds: 1).population[1] - (0.6 + 0.05 * 0.1)) < 1e-12)
  }

  @Test func parityIsMeasuredInThreeWays() {
    var constraints = FairnessConstraints()
    constraints.leastAcceptance = -1
    #expect(constraints.residuals(accepted: (30, 10), drawn: (60, 40)).map { ($0 * 1e9).rounded() / 1e9 } == [0.15])
    constraints.parity = .signed
    let signed = constraints.residuals(accepted: (10, 10), drawn: (50, 40))
    #expect(signed.map { ($0 * 1e9).rounded() / 1e9 } == [-0.15, -0.05])
    constraints.parity = .debiased
    let gap = 0.25, variance = 0.5 * 0.5 / 59 + 0.25 * 0.75 / 39
    let debiased = constraints.residuals(accepted: (30, 10), drawn: (60, 40))
    #expect(abs(debiased[0] - ((gap * gap - variance).squareRoot() - 0.1)) < 1e-12)
    // Nobody of a group came: no sign of disparity.
    #expect(FairnessConstraints().residuals(accepted: (5, 0), drawn: (10, 0))[0] == -0.1)
  }

  private struct Fit: Encodable {
    let features: [[Double]]
    let labels: [Bool]
  }

  @Test func theLogisticScoreIsTheMinimumThatScipyFinds() throws {
    var random = RandomGenerator(seed: 2)
    let rows = (0..<80).map { _ in [random.normal(), 30 + 9 * random.normal(), 5] }
    let labels = rows.map { random.uniform() < 1 / (1 + exp(-$0[0] - ($0[1] - 30) / 9)) }
    let expected: [Double] = try Python.run(
      """
      import json, sys
      import numpy as np
      from scipy.optimize import minimize
      x = json.load(sys.stdin)
      X, y = np.array(x["features"]), np.where(x["labels"], 1.0, -1.0)
      s = X.std(axis=0); s[s == 0] = np.inf
      X = (X - X.mean(axis=0)) / s
      f = lambda w: .5 * w[:-1] @ w[:-1] + np.logaddexp(0, -y * (X @ w[:-1] + w[-1])).sum()
      w = minimize(f, np.zeros(X.shape[1] + 1), method="BFGS", options={"gtol": 1e-8}).x
      print(json.dumps((1 / (1 + np.exp(-(X @ w[:-1] + w[-1])))).tolist()))
      """, input: Fit(features: rows, labels: labels))
    let score = try LogisticScore(features: rows.flatMap { $0 }, isPositive: labels)
    for (ours, theirs) in zip(score.scores(rows.flatMap { $0 }), expected) { #expect(abs(ours - theirs) < 1e-5) }
    #expect(throws: GuerdonError.self) { try LogisticScore(features: [1, 2], isPositive: [true, true]) }
    // Thousands of rows of which few can be told apart: the gradient still vanishes.
    let many = (0..<6_000).map { _ in Double(random.integer(below: 3)) }
    let noisy = many.map { random.uniform() < 0.4 + 0.02 * $0 }
    let flat = try LogisticScore(features: many, isPositive: noisy)
    let share = Double(noisy.filter { $0 }.count) / 6_000
    #expect(abs(flat.scores(many).reduce(0, +) / 6_000 - share) < 1e-8)
  }

  // MARK: The experiment

  private func context(jobs: Int) -> RunContext {
    RunContext(jobs: jobs, progress: ProgressLine(quiet: true), interruption: Interruption())
  }

  /// The acceptance experiment on one seed and half the rounds, and the same whatever the number of jobs.
  @Test func findsAFairThresholdInTheLoop() async throws {
    var configuration = OptimisticFeasibleSearch.Configuration(seeds: [0])
    configuration.rounds = 1_500
    let evidence = try await OptimisticFeasibleSearch.reproduce(configuration, in: context(jobs: 2))
    #expect(try await evidence == OptimisticFeasibleSearch.reproduce(configuration, in: context(jobs: 1)))
    let ours = try #require(evidence.arms["synthetic: OFS"]), ucb = try #require(evidence.arms["synthetic: UCB"])
    #expect(try #require(ours["steadyViolation"])[0] < 0.03)
    #expect(try #require(ucb["steadyViolation"])[0] > 0.1)
    #expect(try abs(#require(ours["gap"])[0]) < 0.05)
    #expect(try #require(ours["drift"])[0] > 0.01)
    // Keys of every arm are numbers.
    #expect(evidence.arms.values.allSatisfy { $0.values.allSatisfy { $0.allSatisfy(\.isFinite) } })
  }

  @Test func aLoopOfRealPeopleIsPlayed() async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(UUID().uuidString).txt")
    defer { try? FileManager.default.removeItem(at: file) }
    var random = RandomGenerator(seed: 4)
    var lines = ["AGE SEX BMI BP S1 S2 S3 S4 S5 S6 Y"]
    for _ in 0..<300 {
      let sex = 1 + random.integer(below: 2), bmi = 25 + 2 * Double(sex) + 4 * random.normal()
      lines.append("50 \(sex) \(bmi) 1 1 1 1 1 1 1 \(bmi + 2 * Double(sex) + 2 * random.normal())")
    }
    try Files.write(lines.joined(separator: "\n"), to: file)
    let table = try ApplicantTable(contentsOf: file, format: .diabetes)
    #expect(table.count == 300 && table.width == 9 && table.isGood.filter { $0 }.count == 150)
    #expect(table.groups.filter { $0 }.count > 100)
    var configuration = OptimisticFeasibleSearch.Configuration(seeds: [0])
    (configuration.rounds, configuration.steadyRounds) = (200, 50)
    configuration.constraints.parityTolerance = 0.5
    configuration.diabetes = file.path
    let evidence = try await OptimisticFeasibleSearch.reproduce(configuration, in: context(jobs: 1))
    #expect(evidence.claims.contains { $0.id == "diabetes-near-optimal" })
    #expect(try #require(evidence.arms["diabetes: OFS"]?["drift"])[0] > 0)
  }

  @Test func badFilesAndSettingsAreNamed() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(UUID().uuidString)")
    try Files.createDirectory(folder)
    defer { try? FileManager.default.removeItem(at: folder) }
    func message(_ text: String, _ format: ApplicantTable.Format) throws -> String {
      let file = folder.appendingPathComponent("people")
      try Files.write(text, to: file)
      do {
        _ = try ApplicantTable(contentsOf: file, format: format)
        return ""
      } catch let error as GuerdonError {
        return error.message
      }
    }
    let good = "A11 6 A34 A43 1169 A65 A75 4 A93 A101 4 A121 67 A143 A152 2 A173 1 A192 A201 1"
    #expect(try message(good + "\n" + good.dropLast(2), .german).contains("line 2 is no german file: it has 20 fields"))
    #expect(try message(good.replacingOccurrences(of: "1169", with: "much"), .german).contains("field 5 is \"much\""))
    #expect(try message(good.replacingOccurrences(of: "A43", with: "A99"), .german).contains("field 4 is \"A99\""))
    #expect(try message(good, .german).contains("has 1 usable rows"))
    #expect(try message("id,name\n1,2\n", .compas).contains("no column \"age\""))
    #expect(try message("id,\"na", .compas).contains("never closed"))
    #expect(try message("a b c\n", .diabetes).contains("header"))
    #expect(throws: GuerdonError.self) {
      try ApplicantTable(contentsOf: folder.appendingPathComponent("none"), format: .german)
    }
    // The attribute that makes the groups is no feature, the other one is the last.
    let rows: [String] = (0..<24).map { (i: Int) -> String in
      let status: String = i % 3 == 0 ? "A92" : "A93", label: String = i % 6 == 0 ? "2" : "1"
      let age = 20 + i
      return "A11 6 A34 A43 1169 A65 A75 4 \(status) A101 4 A121 \(age) A143 A152 2 A173 1 A192 A201 \(label)"
    }
    let german = folder.appendingPathComponent("german")
    try Files.write(rows.joined(separator: "\n"), to: german)
    let bySex = try ApplicantTable(contentsOf: german, format: .german, groupedBy: .sex)
    #expect(bySex.groups == (0..<24).map { $0 % 3 == 0 })
    #expect(bySex.isGood == (0..<24).map { $0 % 6 != 0 })
    let width = bySex.width
    let lastBySex: [Double] = (0..<24).map { bySex.features[($0 + 1) * width - 1] }
    #expect(lastBySex == (0..<24).map { Double(20 + $0) })
    let byAge = try ApplicantTable(contentsOf: german, format: .german, groupedBy: .age)
    #expect(byAge.groups == (0..<24).map { $0 > 5 })
    let lastByAge: [Double] = (0..<24).map { byAge.features[($0 + 1) * width - 1] }
    #expect(lastByAge == (0..<24).map { $0 % 3 == 0 ? 1.0 : 0.0 })
    // Half of the women and none of the men are bad: the sexes it is.
    #expect(try ApplicantTable(contentsOf: german, format: .german) == bySex)
    var rule = Rule()
    rule.settle = 1
    #expect(throws: GuerdonError.self) { try Learner(arms: 3, constraints: 1, horizon: 10, rule: rule) }
    #expect(throws: GuerdonError.self) { try Learner(arms: 0, constraints: 1, horizon: 10) }
    var parameters = GaussianGroups.Parameters()
    parameters.weights = [0.7, 0.7]
    #expect(throws: GuerdonError.self) { try GaussianGroups(parameters) }
  }

  /// Quoted fields with commas, line breaks and doubled quotes; ProPublica's filter; columns of the same name.
  @Test func compasFilesAreReadAsTheyAre() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(UUID().uuidString).csv")
    defer { try? FileManager.default.removeItem(at: file) }
    let header =
      "name,sex,age,race,juv_fel_count,juv_misd_count,juv_other_count,priors_count,days_b_screening_arrest,"
      + "c_charge_degree,is_recid,score_text,priors_count,two_year_recid\r\n"
    var text = header
    for i in 0..<24 {
      text += "\"Doe, \"\"J\"\"\n\(i)\",\(i % 2 == 0 ? "Male" : "Female"),\(20 + i),"
      text += "\(i % 3 == 0 ? "Caucasian" : "African-American"),0,0,1,\(i),-1,"
      text += "\(i % 4 == 0 ? "M" : "F"),0,Low,7,\(i % 5 == 0 ? 1 : 0)\r\n"
    }
    text += "x,Male,30,Caucasian,0,0,0,0,31,F,0,Low,0,1\r\n"  // screened too late
    text += "x,Male,30,Caucasian,0,0,0,0,,F,0,Low,0,1\r\n"  // unknown
    text += "x,Male,30,Caucasian,0,0,0,0,1,O,0,Low,0,1\r\n"  // traffic
    text += "x,Male,30,Other,0,0,0,0,1,F,0,Low,0,1\r\n"
    try Files.write(text, to: file)
    let table = try ApplicantTable(contentsOf: file, format: .compas)
    #expect(table.count == 24 && table.width == 7)
    #expect(Array(table.features[7..<14]) == [21, 1, 0, 0, 1, 1, 0])
    #expect(table.groups.filter { !$0 }.count == 8 && table.isGood.filter { !$0 }.count == 5)
  }
}
