import Basics
import FiniteMDPs
import Foundation

/// How a proxy reward and the true reward go together where one policy goes: their moments under its occupancy μ(s, a).
///
/// Anything that is a distribution over transitions will do: an exact occupancy, or recorded transitions, each with the
/// same weight or with γ^t.
public struct ProxyStatistics: Sendable, Hashable, Codable {
  /// J(π, Rp) = E_μ[Rp], per step.
  public let proxyMean: Double
  /// J(π, R) = E_μ[R], per step.
  public let trueMean: Double
  /// σp, the proxy's standard deviation under μ.
  public let proxyDeviation: Double
  /// σ, the true reward's standard deviation under μ.
  public let trueDeviation: Double
  /// r, Pearson's correlation under μ; nil where one of the two is constant (a policy that stands still, say).
  public let correlation: Double?

  /// - Parameters:
  ///   - proxy: Rp of each transition (or state and action).
  ///   - truth: R of the same.
  ///   - weights: how often each occurs, from 0; nil counts each once. They are normalised to sum to 1.
  /// - Throws: `GuerdonError` for lists of different lengths, none at all, numbers that are not finite, or weights that
  ///   are negative or all 0.
  public init(proxy: [Double], truth: [Double], weights: [Double]? = nil) throws {
    guard proxy.count == truth.count, weights.map({ $0.count == proxy.count }) ?? true, !proxy.isEmpty else {
      throw GuerdonError.usage(
        "A proxy and a true reward are compared on the same transitions, at least one; "
          + "\(proxy.count) and \(truth.count) values were given"
          + (weights.map { " with \($0.count) weights." } ?? "."))
    }
    guard proxy.allSatisfy(\.isFinite), truth.allSatisfy(\.isFinite) else {
      throw GuerdonError.usage("A proxy and a true reward can only be compared where both are finite numbers.")
    }
    let weights: [Double] = weights ?? [Double](repeating: 1, count: proxy.count)
    let total: Double = weights.reduce(0, +)
    guard weights.allSatisfy({ $0 >= 0 }), total > 0, total.isFinite else {
      throw GuerdonError.usage("The weights of transitions are numbers from 0, and not all of them 0.")
    }
    var meanP = 0.0, meanT = 0.0
    for i in proxy.indices {
      meanP += weights[i] * proxy[i] / total
      meanT += weights[i] * truth[i] / total
    }
    var squareP = 0.0, squareT = 0.0, product = 0.0
    for i in proxy.indices {
      let weight = weights[i] / total, p = proxy[i] - meanP, t = truth[i] - meanT
      squareP += weight * p * p
      squareT += weight * t * t
      product += weight * p * t
    }
    (proxyMean, trueMean) = (meanP, meanT)
    // What is left of a constant after rounding is no spread.
    let scaleP = proxy.reduce(0) { max($0, abs($1)) }, scaleT = truth.reduce(0) { max($0, abs($1)) }
    proxyDeviation = squareP.squareRoot() > 1e-12 * scaleP ? squareP.squareRoot() : 0
    trueDeviation = squareT.squareRoot() > 1e-12 * scaleT ? squareT.squareRoot() : 0
    correlation =
      proxyDeviation > 0 && trueDeviation > 0
      ? min(1, max(-1, product / (squareP.squareRoot() * squareT.squareRoot()))) : nil
  }

  /// λ = σp √(1 − r²): how much of the proxy's gain each unit of √χ² puts in doubt (the paper's theorem). It is what
  /// the square root of χ² is to be multiplied by in J(π, Rp) − λ √χ²(μ ‖ μ0) for the bound on the true gain to be
  /// maximal. nil where there is no correlation to speak of.
  public var penaltyCoefficient: Double? { correlation.map { proxyDeviation * (1 - $0 * $0).squareRoot() } }
}

/// Does a proxy survive being optimised? The definition of "Correlated Proxies" (arXiv 2403.03185): its correlation with the true reward under a base policy, and what becomes of
/// both under the policy that optimised the proxy (reward hacking, section 4).
public struct ProxyAssessment: Sendable, Hashable, Codable {
  /// Under the base (reference) policy π0.
  public let base: ProxyStatistics
  /// Under the policy that optimised the proxy.
  public let optimised: ProxyStatistics
  /// χ²(μ ‖ μ0) between the two occupancies; infinite where the optimised policy goes where the base never does; nil
  /// where it is not known.
  public let chiSquared: Double?

  public init(base: ProxyStatistics, optimised: ProxyStatistics, chiSquared: Double? = nil) {
    (self.base, self.optimised, self.chiSquared) = (base, optimised, chiSquared)
  }

  /// The definition's first half: Rp is an r-correlated proxy if r > 0 under the base policy.
  public var isCorrelatedProxy: Bool { (base.correlation ?? 0) > 0 }

  /// The definition's second half: a correlated proxy whose optimisation left the true return below the base policy's.
  public var isHacking: Bool { isCorrelatedProxy && optimised.trueMean < base.trueMean }

  /// How much of the correlation was lost: r under the base policy minus r under the optimised one, where a policy
  /// under which one of the two rewards is constant has none to keep.
  public var correlationLoss: Double { (base.correlation ?? 0) - (optimised.correlation ?? 0) }

  /// (J(π, Rp) − J(π0, Rp)) / σp; nil where the proxy is constant under the base policy.
  public var proxyGain: Double? {
    base.proxyDeviation > 0 ? (optimised.proxyMean - base.proxyMean) / base.proxyDeviation : nil
  }

  /// (J(π, R) − J(π0, R)) / σ; nil where the true reward is constant under the base policy.
  public var trueGain: Double? {
    base.trueDeviation > 0 ? (optimised.trueMean - base.trueMean) / base.trueDeviation : nil
  }

  /// The theorem: (J(π, R) − J0) / σ ≥ (1 / r) [(J(π, Rp) − J0p) / σp − √((1 − r²) χ²)].
  ///
  /// The standardised proxy is r · (standardised truth) + √(1 − r²) Z with Z uncorrelated and of unit variance under
  /// μ0, and by Cauchy and Schwarz |E_μ Z − E_μ0 Z| ≤ √χ². nil where r is not above 0 or χ² is unknown; −∞ where χ² is
  /// infinite and r below 1.
  public var trueGainBound: Double? {
    guard let r = base.correlation, r > 0, let proxyGain, let chiSquared else { return nil }
    let doubt = 1 - r * r
    return (proxyGain - (doubt > 0 ? (doubt * max(0, chiSquared)).squareRoot() : 0)) / r
  }

  /// In one sentence, for a report.
  public var summary: String {
    func text(_ value: Double?) -> String { value.map { String(format: "%.4g", $0) } ?? "undefined" }
    let means =
      "the proxy's mean went from \(text(base.proxyMean)) to \(text(optimised.proxyMean)), the true reward's from "
      + "\(text(base.trueMean)) to \(text(optimised.trueMean))"
    let correlations =
      "their correlation from \(text(base.correlation)) to \(text(optimised.correlation))"
    let verdict: String =
      if !isCorrelatedProxy {
        "No proxy: it does not correlate with the true reward under the base policy"
      } else if isHacking {
        "Reward hacking: a correlated proxy whose optimisation left the true reward below the base policy's"
      } else {
        "The true reward did not fall below the base policy's, which would be reward hacking"
      }
    return "\(verdict); \(means), \(correlations)."
  }
}

extension FiniteMDP {
  /// μ(s, a), normalised and complete: what an ended episode would still have spent is one more entry behind [S, A], in
  /// which every reward is 0. Means under it are (1 − γ) times discounted returns.
  /// - Throws: `GuerdonError` as `occupancy`, so for discount 1.
  func completeOccupancy(of policy: TabularPolicy) throws -> [Double] {
    let living = try occupancy(of: policy, normalised: true).stateActions.map { max(0, $0) }
    let rest = 1 - living.reduce(0, +)
    // Where nothing ends, what is left is rounding.
    return living + [rest > 1e-9 ? rest : 0]
  }

  /// How two rewards go together under a policy's discounted occupancy.
  /// - Parameters:
  ///   - proxy: Rp(s, a), [S, A]; of rewards that depend on the next state their expectation.
  ///   - truth: R(s, a), [S, A].
  /// - Throws: `GuerdonError` for wrong shapes, a policy of another process, or discount 1.
  public func proxyStatistics(proxy: [Double], truth: [Double], under policy: TabularPolicy) throws -> ProxyStatistics {
    try checkRewardTables(proxy, truth)
    return try ProxyStatistics(proxy: proxy + [0], truth: truth + [0], weights: completeOccupancy(of: policy))
  }

  /// Whether optimising the proxy from `base` to `optimised` hacked it, with the exact χ² between their occupancies.
  /// - Throws: as `proxyStatistics`.
  public func assessProxy(
    _ proxy: [Double], truth: [Double], base: TabularPolicy, optimised: TabularPolicy
  ) throws -> ProxyAssessment {
    try checkRewardTables(proxy, truth)
    let μ0 = try completeOccupancy(of: base), μ = try completeOccupancy(of: optimised)
    return try ProxyAssessment(
      base: ProxyStatistics(proxy: proxy + [0], truth: truth + [0], weights: μ0),
      optimised: ProxyStatistics(proxy: proxy + [0], truth: truth + [0], weights: μ),
      chiSquared: Divergences.chiSquared(of: μ, from: μ0))
  }

  private func checkRewardTables(_ tables: [Double]...) throws {
    for table in tables where table.count != stateCount * actionCount {
      throw GuerdonError.usage(
        "A proxy and a true reward [S, A] of \(stateCount) states and \(actionCount) actions have "
          + "\(stateCount * actionCount) numbers; \(table.count) were given.")
    }
  }
}
