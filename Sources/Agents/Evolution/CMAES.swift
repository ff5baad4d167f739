import Basics
import Foundation

/// Covariance matrix adaptation (Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv 1604.00772, figure 6), with its
/// default parameters (table 1), negative weights left out.
///
/// Memory is O(n²) and an update of the eigenvectors O(n³) for n components: meant for up to a few hundred.
public struct CMAES: EvolutionStrategy {
  public private(set) var mean: [Double]
  /// The overall step size σ.
  public private(set) var sigma: Double
  public private(set) var generation = 0
  /// λ, the points of a generation.
  public let populationSize: Int
  /// The best point so far and its value.
  public var best: (point: [Double], value: Double)? { bestPoint.map { ($0, bestValue) } }

  private var bestPoint: [Double]?
  private var bestValue = Double.greatestFiniteMagnitude
  /// w_1 ≥ … ≥ w_μ > 0, of sum 1.
  private let weights: [Double]
  private let muEffective: Double
  private let cSigma: Double
  private let dSigma: Double
  private let cC: Double
  private let c1: Double
  private let cMu: Double
  /// E‖N(0, I)‖.
  private let expectedNorm: Double
  /// C, row-major.
  private var covariance: [Double]
  /// Columns of B are eigenvectors of C, and `scales` the roots D of its eigenvalues.
  private var basis: [Double]
  private var scales: [Double]
  private var pathSigma: [Double]
  private var pathC: [Double]
  private var eigenGeneration = 0
  /// Points of the generation that is asked for, as y = (x − m) / σ.
  private var drawn: [[Double]] = []
  private var random: RandomGenerator

  /// - Parameters:
  ///   - mean: where the search begins.
  ///   - sigma: the first step size, about a third of the distance within which the minimum is expected.
  ///   - populationSize: λ; nil takes 4 + ⌊3 ln n⌋.
  /// - Throws: `GuerdonError` for an empty or infinite mean, or a step size or population that cannot work.
  public init(mean: [Double], sigma: Double, populationSize: Int? = nil, seed: UInt64) throws {
    let n = Double(mean.count)
    let lambda = populationSize ?? 4 + Int(3 * log(max(n, 1)))
    guard !mean.isEmpty, mean.allSatisfy(\.isFinite), sigma > 0, sigma.isFinite, lambda >= 4 else {
      throw GuerdonError.usage("CMA-ES needs a finite mean, a positive step size, and a population of at least 4.")
    }
    self.mean = mean
    self.sigma = sigma
    self.populationSize = lambda
    // Equation 49.
    let raw = (1...lambda / 2).map { log((Double(lambda) + 1) / 2) - log(Double($0)) }
    let total = raw.reduce(0, +)
    weights = raw.map { $0 / total }
    muEffective = 1 / weights.reduce(0) { $0 + $1 * $1 }
    // Equations 55 to 58.
    cSigma = (muEffective + 2) / (n + muEffective + 5)
    dSigma = 1 + 2 * max(0, ((muEffective - 1) / (n + 1)).squareRoot() - 1) + cSigma
    cC = (4 + muEffective / n) / (n + 4 + 2 * muEffective / n)
    c1 = 2 / ((n + 1.3) * (n + 1.3) + muEffective)
    cMu = min(1 - c1, 2 * (0.25 + muEffective + 1 / muEffective - 2) / ((n + 2) * (n + 2) + muEffective))
    expectedNorm = n.squareRoot() * (1 - 1 / (4 * n) + 1 / (21 * n * n))
    covariance = identity(mean.count)
    basis = covariance
    scales = Array(repeating: 1, count: mean.count)
    pathSigma = Array(repeating: 0, count: mean.count)
    pathC = pathSigma
    random = RandomGenerator(seed: seed, spawnKey: [0x63_6d_61])
  }

  public mutating func ask() -> [[Double]] {
    let n = mean.count
    drawn = (0..<populationSize).map { _ in
      // y = B D z, equation 39.
      let scaled = (0..<n).map { scales[$0] * random.normal() }
      return (0..<n).map { i in (0..<n).reduce(0) { $0 + basis[i * n + $1] * scaled[$1] } }
    }
    return drawn.map { y in zip(mean, y).map { $0 + sigma * $1 } }
  }

  public mutating func tell(_ values: [Double]) {
    precondition(values.count == drawn.count && !drawn.isEmpty, "tell takes one value for each point that ask drew")
    let n = mean.count
    // A value that is not a number is worse than all others.
    let keys: [Double] = values.map { $0.isNaN ? .infinity : $0 }
    let order = keys.indices.sorted { keys[$0] != keys[$1] ? keys[$0] < keys[$1] : $0 < $1 }
    if values[order[0]] < bestValue {
      (bestPoint, bestValue) = (zip(mean, drawn[order[0]]).map { $0 + sigma * $1 }, values[order[0]])
    }
    // Equations 41 and 42.
    var step = [Double](repeating: 0, count: n)
    for (weight, index) in zip(weights, order) { for i in 0..<n { step[i] += weight * drawn[index][i] } }
    for i in 0..<n { mean[i] += sigma * step[i] }

    // Step size, equations 43 and 44: C^(−1/2) y = B D⁻¹ Bᵀ y.
    let rotated = (0..<n).map { j in (0..<n).reduce(0) { $0 + basis[$1 * n + j] * step[$1] } / scales[j] }
    let keep = 1 - cSigma, take = (cSigma * (2 - cSigma) * muEffective).squareRoot()
    for i in 0..<n {
      let whitened = (0..<n).reduce(0) { $0 + basis[i * n + $1] * rotated[$1] }
      pathSigma[i] = keep * pathSigma[i] + take * whitened
    }
    generation += 1
    let norm = pathSigma.reduce(0) { $0 + $1 * $1 }.squareRoot()
    sigma *= exp(min(1, cSigma / dSigma * (norm / expectedNorm - 1)))

    // Covariance, equations 45 and 47.
    let fade = (1 - pow(keep, 2 * Double(generation))).squareRoot()
    let isShort = norm / fade < (1.4 + 2 / (Double(n) + 1)) * expectedNorm
    let takeC = isShort ? (cC * (2 - cC) * muEffective).squareRoot() : 0
    for i in 0..<n { pathC[i] = (1 - cC) * pathC[i] + takeC * step[i] }
    let decay = 1 - c1 - cMu + (isShort ? 0 : c1 * cC * (2 - cC))
    for i in 0..<n {
      for j in 0...i {
        var rank = 0.0
        for (weight, index) in zip(weights, order) { rank += weight * drawn[index][i] * drawn[index][j] }
        let value = decay * covariance[i * n + j] + c1 * pathC[i] * pathC[j] + cMu * rank
        (covariance[i * n + j], covariance[j * n + i]) = (value, value)
      }
    }
    // Often enough, and no more than a tenth of the whole effort.
    if Double(generation - eigenGeneration) > 1 / (c1 + cMu) / Double(n) / 10 {
      eigenGeneration = generation
      let (eigenvalues, vectors) = symmetricEigen(covariance, n)
      basis = vectors
      scales = eigenvalues.map { max($0, 1e-30).squareRoot() }
    }
  }
}

private func identity(_ n: Int) -> [Double] { (0..<n * n).map { $0 / n == $0 % n ? 1 : 0 } }

/// Eigenvalues of a symmetric matrix and its eigenvectors as columns, by cyclic Jacobi rotations (Golub and Van Loan, 8.5).
func symmetricEigen(_ matrix: [Double], _ n: Int) -> (values: [Double], vectors: [Double]) {
  var a = matrix, v = identity(n)
  let scale = (0..<n).reduce(0) { max($0, abs(a[$1 * n + $1])) }
  for _ in 0..<60 {
    var largest = 0.0
    for p in 0..<n {
      for q in p + 1..<max(n, p + 1) {
        let off = a[p * n + q]
        largest = max(largest, abs(off))
        if abs(off) <= 1e-17 * scale { continue }
        let theta = (a[q * n + q] - a[p * n + p]) / (2 * off)
        let t = (theta >= 0 ? 1.0 : -1.0) / (abs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot(), s = t * c
        for k in 0..<n {
          let (kp, kq) = (a[k * n + p], a[k * n + q])
          (a[k * n + p], a[k * n + q]) = (c * kp - s * kq, s * kp + c * kq)
        }
        for k in 0..<n {
          let (pk, qk) = (a[p * n + k], a[q * n + k])
          (a[p * n + k], a[q * n + k]) = (c * pk - s * qk, s * pk + c * qk)
          let (vp, vq) = (v[k * n + p], v[k * n + q])
          (v[k * n + p], v[k * n + q]) = (c * vp - s * vq, s * vp + c * vq)
        }
      }
    }
    if largest <= 1e-15 * scale { break }
  }
  return ((0..<n).map { a[$0 * n + $0] }, v)
}
