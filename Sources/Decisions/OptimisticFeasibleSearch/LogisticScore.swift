import Basics
import FiniteMDPs
import Foundation

/// A logistic regression on standardised features: the learned score of the semi-synthetic loops.
///
/// Minimises ½ |w|² + C Σ log(1 + exp(−y (w·x + b))), the intercept b being free, by Newton's method. Features are
/// centred and scaled with the mean and the deviation of what it was fitted on; constant ones count nothing.
public struct LogisticScore: Sendable {
  /// One a feature, on the standardised features; then the intercept.
  public let weights: [Double]
  private let means: [Double], scales: [Double]

  /// - Parameters:
  ///   - features: row-major [n, d].
  ///   - isPositive: [n].
  ///   - inverseRegularisation: C.
  /// - Throws: `GuerdonError` for a wrong shape, numbers that are not finite, labels of one kind only, or a fit that
  ///   does not settle.
  public init(features: [Double], isPositive: [Bool], inverseRegularisation: Double = 1) throws {
    let n = isPositive.count
    guard n > 0, features.count % n == 0, features.allSatisfy(\.isFinite), inverseRegularisation > 0 else {
      throw GuerdonError.usage("A logistic score is fitted on rows of finite features, one label a row, with C "
        + "above 0.")
    }
    guard isPositive.contains(true), isPositive.contains(false) else {
      throw GuerdonError.usage("A logistic score needs rows of both labels to be fitted on.")
    }
    let d = features.count / n
    var means = [Double](repeating: 0, count: d), scales = means
    for j in 0..<d {
      for i in 0..<n { means[j] += features[i * d + j] / Double(n) }
      for i in 0..<n { scales[j] += (features[i * d + j] - means[j]) * (features[i * d + j] - means[j]) / Double(n) }
      scales[j] = scales[j] > 1e-18 ? 1 / scales[j].squareRoot() : 0
    }
    (self.means, self.scales) = (means, scales)

    // Each row is standardised, with a 1 for the intercept.
    let width = d + 1
    var rows = [Double](repeating: 1, count: n * width)
    for i in 0..<n { for j in 0..<d { rows[i * width + j] = (features[i * d + j] - means[j]) * scales[j] } }
    var weights = [Double](repeating: 0, count: width)
    func loss(_ weights: [Double]) -> Double {
      var sum = weights.dropLast().reduce(0) { $0 + 0.5 * $1 * $1 }
      for i in 0..<n {
        var margin = 0.0
        for j in 0..<width { margin += weights[j] * rows[i * width + j] }
        if !isPositive[i] { margin = -margin }
        sum += inverseRegularisation * (margin > 0 ? log1p(exp(-margin)) : log1p(exp(margin)) - margin)
      }
      return sum
    }
    var current = loss(weights)
    for _ in 0..<100 {
      var gradient = weights, hessian = [Double](repeating: 0, count: width * width)
      gradient[d] = 0
      for j in 0..<d { hessian[j * width + j] = 1 }
      // A constant feature is 0 in every row, and the ridge keeps its weight at 0.
      for i in 0..<n {
        var margin = 0.0
        for j in 0..<width { margin += weights[j] * rows[i * width + j] }
        let p = 1 / (1 + exp(-margin))
        let slope = inverseRegularisation * (p - (isPositive[i] ? 1 : 0))
        let curvature = inverseRegularisation * max(p * (1 - p), 1e-12)
        for j in 0..<width {
          let x = rows[i * width + j]
          gradient[j] += slope * x
          for k in 0..<width { hessian[j * width + k] += curvature * x * rows[i * width + k] }
        }
      }
      if gradient.allSatisfy({ abs($0) < 1e-9 * Double(n) }) {
        self.weights = weights
        return
      }
      let direction = try LUFactorisation(hessian, size: width).solve(gradient)
      var step = 1.0
      while true {
        let next = zip(weights, direction).map { $0 - step * $1 }
        let value = loss(next)
        // Near the minimum the loss no longer tells better from worse; there Newton's whole step is right.
        if value <= current + 1e-11 * abs(current) || step < 1e-9 {
          (weights, current) = (next, value)
          break
        }
        step /= 2
      }
    }
    throw GuerdonError.failure("A logistic score on \(n) rows did not settle in 100 steps of Newton's method.")
  }

  /// P(positive | x) of every row.
  /// - Parameter features: row-major [n, d], as it was fitted on.
  public func scores(_ features: [Double]) -> [Double] {
    let d = means.count
    precondition(d > 0 && features.count % d == 0, "rows have \(d) features")
    return stride(from: 0, to: features.count, by: d).map { begin in
      var margin = weights[d]
      for j in 0..<d { margin += weights[j] * (features[begin + j] - means[j]) * scales[j] }
      return 1 / (1 + exp(-margin))
    }
  }
}
