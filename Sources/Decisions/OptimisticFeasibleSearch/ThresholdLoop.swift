import Basics
import Foundation

/// Scores above them are accepted, one threshold a group.
public struct GroupThresholds: Sendable, Hashable {
  public var first: Double
  public var second: Double

  public init(_ first: Double, _ second: Double) { (self.first, self.second) = (first, second) }

  subscript(group: Int) -> Double { group == 0 ? first : second }
}

/// Somebody who applies, and whether accepting them would be right.
public struct Applicant: Sendable, Hashable {
  public var score: Double
  /// 0 or 1.
  public var group: Int
  public var isGood: Bool

  public init(score: Double, group: Int, isGood: Bool) {
    (self.score, self.group, self.isGood) = (score, group, isGood)
  }
}

/// A population that is decided on by thresholds, round by round, and that the decisions change.
public protocol ThresholdLoop: Sendable {
  /// J.
  var constraintCount: Int { get }
  /// What the decisions move, for example the mean scores of the groups; for the record.
  var population: [Double] { get }
  /// Plays one round and moves the population.
  /// - Returns: the reward a head of the batch, and the residuals [J], as measured on the batch.
  mutating func play(_ thresholds: GroupThresholds, random: inout RandomGenerator) -> (
    reward: Double, residuals: [Double]
  )
  /// The expected reward r̄(τ) and the noise-free residuals c̄(τ) where the population is now.
  func expectation(at thresholds: GroupThresholds) -> (reward: Double, residuals: [Double])
  /// The loop after `rounds` rounds of the same thresholds, without drawing anybody.
  func settled(at thresholds: GroupThresholds, rounds: Int) -> Self
  /// Somebody of the population as it is now.
  func applicant(random: inout RandomGenerator) -> Applicant
}

/// One threshold for all, as OFS decides.
extension ThresholdLoop {
  public mutating func play(
    _ threshold: Double, random: inout RandomGenerator
  ) -> (reward: Double, residuals: [Double]) {
    play(GroupThresholds(threshold, threshold), random: &random)
  }

  public func expectation(at threshold: Double) -> (reward: Double, residuals: [Double]) {
    expectation(at: GroupThresholds(threshold, threshold))
  }

  public func settled(at threshold: Double, rounds: Int) -> Self {
    settled(at: GroupThresholds(threshold, threshold), rounds: rounds)
  }
}

/// The constraints on a round: demographic parity, and a least share of acceptances.
public struct FairnessConstraints: Sendable, Codable, Hashable {
  /// How parity is measured on a batch, whose |acc₀ − acc₁| overestimates a small gap.
  public enum Parity: String, Sendable, Codable, CaseIterable {
    /// One residual |acc₀ − acc₁| − ε.
    case absolute
    /// Two residuals, acc₀ − acc₁ − ε and acc₁ − acc₀ − ε: unbiased.
    case signed
    /// √max(0, (acc₀ − acc₁)² − its sampling variance) − ε.
    case debiased
  }

  /// ε_DP.
  public var parityTolerance = 0.1
  /// s_min, the least share of all who apply that must be accepted; a negative one asks for nothing.
  public var leastAcceptance = 0.3
  public var parity = Parity.absolute

  public init() {}

  /// J.
  public var count: Int { (parity == .signed ? 2 : 1) + (leastAcceptance >= 0 ? 1 : 0) }

  /// - Parameters:
  ///   - rates: the acceptance rates of the two groups.
  ///   - overall: the acceptance rate of all.
  ///   - counts: how many of each group were drawn; nil where the rates are exact.
  func residuals(_ rates: (Double, Double), overall: Double, counts: (Double, Double)? = nil) -> [Double] {
    let gap = rates.0 - rates.1
    var residuals: [Double]
    switch parity {
    case .absolute: residuals = [abs(gap) - parityTolerance]
    case .signed: residuals = [gap - parityTolerance, -gap - parityTolerance]
    case .debiased:
      let variance = counts.map {
        rates.0 * (1 - rates.0) / max($0.0 - 1, 1) + rates.1 * (1 - rates.1) / max($0.1 - 1, 1)
      }
      residuals = [max(0, gap * gap - (variance ?? 0)).squareRoot() - parityTolerance]
    }
    if leastAcceptance >= 0 { residuals.append(leastAcceptance - overall) }
    return residuals
  }

  /// The residuals of a batch. A group of which nobody came gives no sign of disparity.
  func residuals(accepted: (Int, Int), drawn: (Int, Int)) -> [Double] {
    let overall = Double(accepted.0 + accepted.1) / Double(max(drawn.0 + drawn.1, 1))
    let rates = (
      drawn.0 > 0 ? Double(accepted.0) / Double(drawn.0) : overall,
      drawn.1 > 0 ? Double(accepted.1) / Double(drawn.1) : overall
    )
    return residuals(rates, overall: overall, counts: (Double(drawn.0), Double(drawn.1)))
  }
}

/// What accepting is worth: a good applicant brings `good`, a bad one `bad`, a rejection nothing.
public struct AcceptanceUtility: Sendable, Codable, Hashable {
  public var good = 1.0
  public var bad = -1.2

  public init() {}
}

/// A round's applicants, counted.
private struct Batch {
  var drawn = (0, 0), accepted = (0, 0)
  /// A head.
  var reward = 0.0

  init(
    _ size: Int, of loop: some ThresholdLoop, _ thresholds: GroupThresholds, _ utility: AcceptanceUtility,
    random: inout RandomGenerator
  ) {
    for _ in 0..<size {
      let applicant = loop.applicant(random: &random), isFirst = applicant.group == 0
      if isFirst { drawn.0 += 1 } else { drawn.1 += 1 }
      guard applicant.score > thresholds[applicant.group] else { continue }
      if isFirst { accepted.0 += 1 } else { accepted.1 += 1 }
      reward += applicant.isGood ? utility.good : utility.bad
    }
    reward /= Double(size)
  }
}

/// Two groups with normal scores whose means follow how many of them were accepted:
/// m_g ← (1 − ρ) m_g + ρ (base_g + β_g acc_g(τ)), with acc_g = 1 − Φ((τ − m_g) / σ).
///
/// A contraction, because |∂acc/∂m| β < 1. The brief's reconstruction of the paper's synthetic benchmark.
public struct GaussianGroups: ThresholdLoop {
  public struct Parameters: Sendable, Codable, Hashable {
    /// Share of each group among those who apply.
    public var weights = [0.6, 0.4]
    public var start = [0.55, 0.45]
    public var base = [0.5, 0.4]
    public var feedback = [0.1, 0.14]
    /// ρ.
    public var rate = 0.05
    /// σ of the scores.
    public var deviation = 0.15
    /// P(good | score) = sigmoid(steepness (score − middle)).
    public var steepness = 10.0
    public var middle = 0.5
    public var batch = 200
    public var utility = AcceptanceUtility()

    public init() {}

    /// - Throws: `GuerdonError` naming what is out of its range.
    public func check() throws {
      guard weights.count == 2, start.count == 2, base.count == 2, feedback.count == 2 else {
        throw GuerdonError.usage("The synthetic loop has two groups: weights, start, base and feedback are pairs.")
      }
      guard (weights + start + base + feedback + [steepness, middle]).allSatisfy(\.isFinite),
        weights.allSatisfy({ $0 >= 0 }), abs(weights[0] + weights[1] - 1) < 1e-9
      else {
        throw GuerdonError.usage("The groups' weights are shares that sum to 1, and every parameter is finite.")
      }
      guard deviation > 0, (0...1).contains(rate), batch >= 1 else {
        throw GuerdonError.usage("The synthetic loop needs a deviation above 0, a rate within 0...1, and a batch of 1.")
      }
    }
  }

  public let parameters: Parameters
  public let constraints: FairnessConstraints
  /// m_g.
  public private(set) var population: [Double]

  /// - Throws: `GuerdonError` for parameters out of their range.
  public init(
    _ parameters: Parameters = Parameters(), constraints: FairnessConstraints = FairnessConstraints()
  ) throws {
    try parameters.check()
    self.parameters = parameters
    self.constraints = constraints
    population = parameters.start
  }

  public var constraintCount: Int { constraints.count }

  public mutating func play(
    _ thresholds: GroupThresholds, random: inout RandomGenerator
  ) -> (reward: Double, residuals: [Double]) {
    let batch = Batch(parameters.batch, of: self, thresholds, parameters.utility, random: &random)
    move(thresholds)
    return (batch.reward, constraints.residuals(accepted: batch.accepted, drawn: batch.drawn))
  }

  public func applicant(random: inout RandomGenerator) -> Applicant {
    let group = random.uniform() < parameters.weights[0] ? 0 : 1
    let score = population[group] + parameters.deviation * random.normal()
    return Applicant(score: score, group: group, isGood: random.uniform() < probabilityOfGood(score))
  }

  public func expectation(at thresholds: GroupThresholds) -> (reward: Double, residuals: [Double]) {
    var reward = 0.0
    for group in 0..<2 { reward += parameters.weights[group] * expectedUtility(group, thresholds[group]) }
    let rates = (acceptance(0, thresholds.first), acceptance(1, thresholds.second))
    let overall = parameters.weights[0] * rates.0 + parameters.weights[1] * rates.1
    return (reward, constraints.residuals(rates, overall: overall))
  }

  public func settled(at thresholds: GroupThresholds, rounds: Int) -> GaussianGroups {
    var loop = self
    for _ in 0..<rounds { loop.move(thresholds) }
    return loop
  }

  /// acc_g(τ) = 1 − Φ((τ − m_g) / σ).
  func acceptance(_ group: Int, _ threshold: Double) -> Double {
    0.5 * erfc((threshold - population[group]) / (parameters.deviation * 2.0.squareRoot()))
  }

  private mutating func move(_ thresholds: GroupThresholds) {
    for group in 0..<2 {
      let target = parameters.base[group] + parameters.feedback[group] * acceptance(group, thresholds[group])
      population[group] += parameters.rate * (target - population[group])
    }
  }

  private func probabilityOfGood(_ score: Double) -> Double {
    1 / (1 + exp(-parameters.steepness * (score - parameters.middle)))
  }

  /// ∫ over scores above τ of N(s; m_g, σ²) (good p(s) + bad (1 − p(s))), by Simpson's rule up to m_g + 9 σ.
  private func expectedUtility(_ group: Int, _ threshold: Double) -> Double {
    let mean = population[group], deviation = parameters.deviation
    let low = max(threshold, mean - 9 * deviation), high = mean + 9 * deviation
    guard low < high else { return 0 }
    func density(_ s: Double) -> Double {
      let z = (s - mean) / deviation, p = probabilityOfGood(s)
      return exp(-0.5 * z * z) * (parameters.utility.good * p + parameters.utility.bad * (1 - p))
    }
    let steps = 400, width = (high - low) / Double(steps)
    var sum = density(low) + density(high)
    for i in 1..<steps { sum += density(low + Double(i) * width) * (i % 2 == 1 ? 4 : 2) }
    return sum * width / 3 / (deviation * (2 * Double.pi).squareRoot())
  }
}

/// Real people with a learned score: every round draws applicants anew from a table, with shares of the two groups that
/// follow how they fared: w ← (1 − η) w + η proj(w₀ + κ (acc₁ − acc₀)), w the second group's share.
public struct ResampledApplicants: ThresholdLoop {
  public struct Parameters: Sendable, Codable, Hashable {
    /// η.
    public var rate = 0.05
    /// κ.
    public var feedback = 0.3
    /// What the share is projected to, away from a population of one group.
    public var leastShare = 0.05
    public var batch = 200
    public var utility = AcceptanceUtility()

    public init() {}
  }

  public let parameters: Parameters
  public let constraints: FairnessConstraints
  private let initialShare: Double
  private var share: Double
  /// The two groups' scores, ascending, and whether each applicant is good.
  private let scores: [[Double]]
  private let isGood: [[Bool]]
  /// The utility of accepting all but the first i, [2][n + 1].
  private let utilities: [[Double]]

  /// - Parameters:
  ///   - scores: what the threshold is compared with, one an applicant.
  ///   - groups: false and true are the two groups.
  ///   - isGood: whether accepting them would be right.
  /// - Throws: `GuerdonError` for a wrong shape, an empty group, scores that are not finite, or parameters out of
  ///   range.
  public init(
    scores: [Double], groups: [Bool], isGood: [Bool], parameters: Parameters = Parameters(),
    constraints: FairnessConstraints = FairnessConstraints()
  ) throws {
    guard scores.count == groups.count, scores.count == isGood.count, scores.allSatisfy(\.isFinite) else {
      throw GuerdonError.usage("Applicants have one finite score, one group and one label each.")
    }
    guard groups.contains(true), groups.contains(false) else {
      throw GuerdonError.usage("Fairness between two groups needs applicants of both.")
    }
    guard (0...1).contains(parameters.rate), (0..<0.5).contains(parameters.leastShare), parameters.batch >= 1,
      parameters.feedback.isFinite
    else {
      throw GuerdonError.usage(
        "Resampled applicants need a rate within 0...1, a least share in [0, 0.5), and a batch of at least 1.")
    }
    self.parameters = parameters
    self.constraints = constraints
    var sorted: [[Double]] = [], labels: [[Bool]] = [], utilities: [[Double]] = []
    for group in [false, true] {
      let members = scores.indices.filter { groups[$0] == group }.sorted { scores[$0] < scores[$1] }
      sorted.append(members.map { scores[$0] })
      labels.append(members.map { isGood[$0] })
      var tail = [Double](repeating: 0, count: members.count + 1)
      for i in members.indices.reversed() {
        tail[i] = tail[i + 1] + (isGood[members[i]] ? parameters.utility.good : parameters.utility.bad)
      }
      utilities.append(tail)
    }
    (self.scores, self.isGood, self.utilities) = (sorted, labels, utilities)
    initialShare = Double(sorted[1].count) / Double(scores.count)
    share = min(max(initialShare, parameters.leastShare), 1 - parameters.leastShare)
  }

  public var constraintCount: Int { constraints.count }
  public var population: [Double] { [1 - share, share] }

  public mutating func play(
    _ thresholds: GroupThresholds, random: inout RandomGenerator
  ) -> (reward: Double, residuals: [Double]) {
    let batch = Batch(parameters.batch, of: self, thresholds, parameters.utility, random: &random)
    share += parameters.rate * (target(thresholds) - share)
    return (batch.reward, constraints.residuals(accepted: batch.accepted, drawn: batch.drawn))
  }

  public func applicant(random: inout RandomGenerator) -> Applicant {
    let group = random.uniform() < share ? 1 : 0
    let who = random.integer(below: scores[group].count)
    return Applicant(score: scores[group][who], group: group, isGood: isGood[group][who])
  }

  public func expectation(at thresholds: GroupThresholds) -> (reward: Double, residuals: [Double]) {
    let rates = (acceptance(0, thresholds.first), acceptance(1, thresholds.second))
    func utility(_ group: Int) -> Double {
      utilities[group][rejected(group, thresholds[group])] / Double(scores[group].count)
    }
    return (
      (1 - share) * utility(0) + share * utility(1),
      constraints.residuals(rates, overall: (1 - share) * rates.0 + share * rates.1)
    )
  }

  public func settled(at thresholds: GroupThresholds, rounds: Int) -> ResampledApplicants {
    var loop = self
    let target = target(thresholds)
    loop.share = target + (share - target) * pow(1 - parameters.rate, Double(rounds))
    return loop
  }

  /// The share that thresholds held for ever lead to.
  private func target(_ thresholds: GroupThresholds) -> Double {
    let gap = acceptance(1, thresholds.second) - acceptance(0, thresholds.first)
    let moved = initialShare + parameters.feedback * gap
    return min(max(moved, parameters.leastShare), 1 - parameters.leastShare)
  }

  private func acceptance(_ group: Int, _ threshold: Double) -> Double {
    1 - Double(rejected(group, threshold)) / Double(scores[group].count)
  }

  /// How many of a group have a score of at most the threshold, by bisection.
  private func rejected(_ group: Int, _ threshold: Double) -> Int {
    var low = 0, high = scores[group].count
    while low < high {
      let middle = (low + high) / 2
      if scores[group][middle] > threshold { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
