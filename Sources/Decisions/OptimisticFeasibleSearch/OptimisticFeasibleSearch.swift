import Basics
import Experiments
import Foundation

/// OFS: optimistic feasible search for a threshold in a closed loop (arXiv 2512.22313).
///
/// Every round one threshold of a grid is played; the reward and the residuals of the constraints (at most 0 where they
/// are met) are seen for that one alone, and the decision moves who applies next. OFS keeps a confidence interval for
/// each of them, plays the threshold of the highest possible reward among those that may be feasible, and where none
/// may be, the one that violates least at best. `Learner` is the rule, usable in any loop; `ThresholdLoop` is such a
/// loop.
///
/// The paper's full text was not at hand: the rule is the abstract's, the radii are the field's standard ones.
public struct OptimisticFeasibleSearch: Method {
  public static let card = MethodCard(
    id: "ofs", title: "Optimistic Feasible Search for Closed-Loop Fair Threshold Decision-Making",
    paper: Paper(arXiv: "2512.22313", year: 2025, month: 12, authors: 1), family: .decisions,
    summary:
      "Finds a fair and profitable acceptance threshold from bandit feedback while its decisions change who applies, by confidence bounds on the reward and on every constraint's residual.")

  /// How the search is made; the defaults are the brief's.
  public struct Rule: Sendable, Codable, Hashable {
    /// The shape of a confidence radius b after n plays; K arms, J constraints, T rounds.
    public enum Radius: String, Sendable, Codable, CaseIterable {
      /// s √(log(K T) / n).
      case practical
      /// s √(2 log(2 K (1 + J) T / δ) / n), for σ-sub-Gaussian feedback with s = σ.
      case subGaussian
      /// √(2 v L / n) + 3 s L / n with L = log(3 K (1 + J) T / δ) and v the empirical variance, for feedback within a
      /// range s (Audibert, Munos and Szepesvári, 2009).
      case bernstein
    }
    /// What is least where no arm may be feasible.
    public enum Fallback: String, Sendable, Codable, CaseIterable { case largestViolation, totalViolation }
    /// Which end of a residual's interval says that an arm is feasible: the lower one is OFS, the upper one plays safe.
    public enum Stance: String, Sendable, Codable, CaseIterable { case optimistic, pessimistic }

    public var radius = Radius.practical
    /// s of the reward's radius, in units of the reward.
    public var rewardScale = 0.15
    /// s of the residuals' radii, in units of the residuals.
    public var residualScale = 0.15
    /// δ: the probability that some interval misses.
    public var failureProbability = 0.05
    public var fallback = Fallback.largestViolation
    public var stance = Stance.optimistic
    /// Weight that what was seen keeps from one round to the next; 1 forgets nothing.
    public var discount = 1.0
    /// Rounds that are remembered; 0 is all of them.
    public var window = 0
    /// Rounds D for which an arm is held once it is chosen.
    public var dwell = 1
    /// Rounds at the start of each hold whose feedback is discarded, so that the loop settles; fewer than `dwell`.
    public var settle = 0

    public init() {}

    /// - Throws: `GuerdonError` naming what is out of its range.
    public func check() throws {
      guard rewardScale >= 0, residualScale >= 0, rewardScale.isFinite, residualScale.isFinite else {
        throw GuerdonError.usage("The scales of OFS's radii are finite numbers from 0 up.")
      }
      guard failureProbability > 0, failureProbability < 1 else {
        throw GuerdonError.usage("OFS's failure probability is \(failureProbability); it must lie between 0 and 1.")
      }
      guard discount > 0, discount <= 1, window >= 0 else {
        throw GuerdonError.usage("OFS forgets by a discount in (0, 1] and a window of 0 rounds (all) or more.")
      }
      guard dwell >= 1, settle >= 0, settle < dwell else {
        throw GuerdonError.usage("OFS holds an arm for at least 1 round and discards fewer rounds than it holds.")
      }
    }
  }

  /// The search itself, over K arms with J constraints.
  public struct Learner: ThresholdLearner {
    public let rule: Rule
    public private(set) var statistics: ArmStatistics
    private let horizon: Int
    private var held = 0, heldRounds = 0

    /// - Parameters:
    ///   - arms: K, the thresholds of the grid.
    ///   - constraints: J; 0 leaves the upper-confidence-bound rule.
    ///   - horizon: T, the rounds that will be played; it enters the radii only.
    /// - Throws: `GuerdonError` for no arm, no round, or a rule out of its range.
    public init(arms: Int, constraints: Int, horizon: Int, rule: Rule = Rule()) throws {
      try rule.check()
      statistics = try ArmStatistics(
        arms: arms, constraints: constraints, discount: rule.discount, window: rule.window)
      guard horizon >= 1 else { throw GuerdonError.usage("OFS needs at least 1 round.") }
      self.horizon = horizon
      self.rule = rule
    }

    public mutating func choose(random: inout RandomGenerator) -> Int { choose() }

    /// The arm to play now.
    public mutating func choose() -> Int {
      if heldRounds > 0, heldRounds < rule.dwell { return held }
      heldRounds = 0
      held = best()
      return held
    }

    public mutating func observe(_ arm: Int, reward: Double, residuals: [Double]) {
      heldRounds += 1
      if heldRounds > rule.settle { statistics.record(arm, reward: reward, residuals: residuals) }
    }

    private func best() -> Int {
      // An arm that was never played has b = ∞: it may be feasible and its reward may be anything.
      if let untried = statistics.firstUntried { return untried }
      let sign = rule.stance == .optimistic ? -1.0 : 1.0
      var feasible = -1, highest = -Double.infinity  // argmax over F of U
      var fallback = 0, least = Double.infinity, itsReward = -Double.infinity
      for k in 0..<statistics.arms {
        let upperReward = statistics.mean(k, 0) + radius(k, 0)  // U[k] = r̂ + b
        var worst = 0.0, total = 0.0  // of max(L[k, j], 0), L[k, j] = ĉ − b
        var mayBeFeasible = true
        for j in 1..<max(1, statistics.quantities) {
          let bound = statistics.mean(k, j) + sign * radius(k, j)
          if bound > 0 { mayBeFeasible = false }
          worst = max(worst, bound)
          total += max(bound, 0)
        }
        if mayBeFeasible, upperReward > highest { (feasible, highest) = (k, upperReward) }
        let violation = rule.fallback == .largestViolation ? worst : total
        if violation < least || (violation == least && upperReward > itsReward) {
          (fallback, least, itsReward) = (k, violation, upperReward)
        }
      }
      return feasible >= 0 ? feasible : fallback
    }

    /// b of quantity `j` of arm `k`: 0 is the reward, the rest are the residuals.
    func radius(_ k: Int, _ j: Int) -> Double {
      let scale = j == 0 ? rule.rewardScale : rule.residualScale
      let n = statistics.count(k), arms = Double(statistics.arms), rounds = Double(horizon)
      let events = arms * Double(statistics.quantities) * rounds / rule.failureProbability
      switch rule.radius {
      case .practical: return scale * (log(arms * rounds) / n).squareRoot()
      case .subGaussian: return scale * (2 * log(2 * events) / n).squareRoot()
      case .bernstein:
        let width = log(3 * events)
        return (2 * statistics.variance(k, j) * width / n).squareRoot() + 3 * scale * width / n
      }
    }
  }
}

/// Whatever picks one threshold of a grid after the other and learns from what that one did.
public protocol ThresholdLearner: Sendable {
  /// The arm to play now.
  mutating func choose(random: inout RandomGenerator) -> Int
  /// What playing `arm` brought.
  /// - Parameter residuals: [J]; at most 0 where the constraint is met.
  mutating func observe(_ arm: Int, reward: Double, residuals: [Double])
}

/// Means and variances of what was seen of every arm: quantity 0 is the reward, 1 … J are the residuals.
public struct ArmStatistics: Sendable {
  public let arms: Int
  /// 1 + J.
  public let quantities: Int
  private let discount: Double
  private let window: Int
  /// n_k, the sums and the sums of squares, [K] and [K, 1 + J].
  private var counts: [Double], sums: [Double], squares: [Double]
  private var untried: Int
  /// The rounds within the window, oldest at `oldest`; a round that was not recorded has arm −1.
  private var history: [(arm: Int, values: [Double])] = []
  private var oldest = 0

  /// - Parameters:
  ///   - discount: weight that everything seen keeps from one record to the next.
  ///   - window: records that are kept; 0 is all.
  /// - Throws: `GuerdonError` without arms.
  public init(arms: Int, constraints: Int, discount: Double = 1, window: Int = 0) throws {
    guard arms >= 1, constraints >= 0 else {
      throw GuerdonError.usage("A search needs at least one threshold, and 0 constraints or more.")
    }
    self.arms = arms
    quantities = 1 + constraints
    (self.discount, self.window) = (discount, window)
    counts = Array(repeating: 0, count: arms)
    sums = Array(repeating: 0, count: arms * (1 + constraints))
    squares = sums
    untried = 0
  }

  /// n_k, the (discounted) number of records of an arm.
  public func count(_ arm: Int) -> Double { counts[arm] }
  public func mean(_ arm: Int, _ quantity: Int) -> Double { sums[arm * quantities + quantity] / counts[arm] }
  public func variance(_ arm: Int, _ quantity: Int) -> Double {
    let mean = mean(arm, quantity)
    return max(0, squares[arm * quantities + quantity] / counts[arm] - mean * mean)
  }

  /// The first arm of which nothing is remembered.
  public var firstUntried: Int? {
    if window == 0 { return untried < arms ? untried : nil }
    return counts.firstIndex { $0 <= 0 }
  }

  public mutating func record(_ arm: Int, reward: Double, residuals: [Double]) {
    precondition(residuals.count == quantities - 1, "there are \(quantities - 1) residuals, not \(residuals.count)")
    if discount < 1 {
      for k in 0..<arms { counts[k] *= discount }
      for k in sums.indices {
        sums[k] *= discount
        squares[k] *= discount
      }
    }
    let values = [reward] + residuals
    add(arm, values, sign: 1)
    if window > 0 {
      if history.count < window {
        history.append((arm, values))
      } else {
        let old = history[oldest]
        add(old.arm, old.values, sign: -Foundation.pow(discount, Double(window)))
        history[oldest] = (arm, values)
        oldest = (oldest + 1) % window
        // What rounding left of an arm that is forgotten is not evidence.
        if counts[old.arm] < 1e-9 { forget(old.arm) }
      }
    }
    while untried < arms, counts[untried] > 0 { untried += 1 }
  }

  private mutating func add(_ arm: Int, _ values: [Double], sign: Double) {
    counts[arm] += sign
    for j in 0..<quantities {
      sums[arm * quantities + j] += sign * values[j]
      squares[arm * quantities + j] += sign * values[j] * values[j]
    }
  }

  private mutating func forget(_ arm: Int) {
    counts[arm] = 0
    for j in 0..<quantities {
      sums[arm * quantities + j] = 0
      squares[arm * quantities + j] = 0
    }
  }
}
