import Foundation

/// How far one distribution is from another, in the forms that ORPO and its baselines penalise.
public enum Divergences {
  /// χ²(p ‖ q) = Σ (p − q)² / q; infinite where p goes where q never does.
  public static func chiSquared(of p: [Double], from q: [Double]) -> Double {
    precondition(p.count == q.count, "divergences compare distributions over the same things")
    var sum = 0.0
    for i in p.indices where p[i] != q[i] { sum += (p[i] - q[i]) * (p[i] - q[i]) / q[i] }
    return sum
  }

  /// KL(p ‖ q) = Σ p log(p / q), in nats; infinite where p goes where q never does.
  public static func kullbackLeibler(of p: [Double], from q: [Double]) -> Double {
    precondition(p.count == q.count, "divergences compare distributions over the same things")
    var sum = 0.0
    for i in p.indices where p[i] > 0 { sum += p[i] * log(p[i] / q[i]) }
    return sum
  }

  /// Total variation, ½ Σ |p − q|.
  public static func totalVariation(_ p: [Double], _ q: [Double]) -> Double {
    precondition(p.count == q.count, "divergences compare distributions over the same things")
    return zip(p, q).reduce(0) { $0 + abs($1.0 - $1.1) } / 2
  }

  /// χ²(N(m1, s1²) ‖ N(m2, s2²)) of diagonal Gaussians: with D = 2 s2² − s1² > 0 a dimension,
  /// Π s2² / (s1 √D) · exp((m1 − m2)² / D) − 1; infinite where D ≤ 0.
  public static func gaussianChiSquared(
    means m1: [Double], deviations s1: [Double], from m2: [Double], _ s2: [Double]
  ) -> Double {
    precondition([s1.count, m2.count, s2.count].allSatisfy { $0 == m1.count }, "a mean and a deviation a dimension")
    var logProduct = 0.0
    for i in m1.indices {
      let d = 2 * s2[i] * s2[i] - s1[i] * s1[i]
      guard d > 0 else { return .infinity }
      let shift = m1[i] - m2[i]
      logProduct += 2 * log(s2[i]) - log(s1[i]) - 0.5 * log(d) + shift * shift / d
    }
    return expm1(logProduct)
  }

  /// KL(N(m1, s1²) ‖ N(m2, s2²)) of diagonal Gaussians.
  public static func gaussianKullbackLeibler(
    means m1: [Double], deviations s1: [Double], from m2: [Double], _ s2: [Double]
  ) -> Double {
    precondition([s1.count, m2.count, s2.count].allSatisfy { $0 == m1.count }, "a mean and a deviation a dimension")
    var sum = 0.0
    for i in m1.indices {
      let shift = m1[i] - m2[i]
      sum += log(s2[i] / s1[i]) + (s1[i] * s1[i] + shift * shift) / (2 * s2[i] * s2[i]) - 0.5
    }
    return sum
  }

  /// χ²(Beta(a1, b1) ‖ Beta(a2, b2)) = B(2 a1 − a2, 2 b1 − b2) B(a2, b2) / B(a1, b1)² − 1; infinite where 2 a1 ≤ a2 or
  /// 2 b1 ≤ b2.
  public static func betaChiSquared(_ a1: Double, _ b1: Double, from a2: Double, _ b2: Double) -> Double {
    guard 2 * a1 > a2, 2 * b1 > b2 else { return .infinity }
    return expm1(logBeta(2 * a1 - a2, 2 * b1 - b2) + logBeta(a2, b2) - 2 * logBeta(a1, b1))
  }

  /// KL(Beta(a1, b1) ‖ Beta(a2, b2)).
  public static func betaKullbackLeibler(_ a1: Double, _ b1: Double, from a2: Double, _ b2: Double) -> Double {
    logBeta(a2, b2) - logBeta(a1, b1) + (a1 - a2) * digamma(a1) + (b1 - b2) * digamma(b1)
      + (a2 - a1 + b2 - b1) * digamma(a1 + b1)
  }

  private static func logBeta(_ a: Double, _ b: Double) -> Double { lgamma(a) + lgamma(b) - lgamma(a + b) }

  /// ψ(x) for x > 0: the recurrence up to 6, then the asymptotic series (Abramowitz and Stegun, 6.3.18).
  private static func digamma(_ x: Double) -> Double {
    var x = x, sum = 0.0
    while x < 10 {
      sum -= 1 / x
      x += 1
    }
    let y = 1 / (x * x)
    return sum + log(x) - 0.5 / x - y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y / 132))))
  }
}
