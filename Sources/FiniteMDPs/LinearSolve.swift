import Basics

/// A square matrix factorised into triangles with partial pivoting, P·A = L·U.
///
/// Solves with the matrix and with its transpose, for as many right-hand sides as asked for, in n² each after the n³/3
/// of the factorisation.
public struct LUFactorisation: Sendable {
  public let size: Int
  /// L below the diagonal (its own is 1), U on and above it; row-major [n, n].
  private var factors: [Double]
  /// Row `i` of L·U is row `rows[i]` of the matrix.
  private var rows: [Int]

  /// - Parameter matrix: row-major [n, n].
  /// - Throws: `GuerdonError` for entries that are not finite, or a matrix that is singular to working precision.
  public init(_ matrix: [Double], size n: Int) throws {
    precondition(matrix.count == n * n, "a matrix of size n has n² entries")
    var factors = matrix, rows = Array(0..<n)
    let scale = matrix.reduce(0) { max($0, abs($1)) }
    guard scale.isFinite else { throw GuerdonError.failure("A linear system has entries that are not finite numbers.") }
    let least = scale * Double(n) * Double.ulpOfOne
    try factors.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for k in 0..<n {
        var pivot = k
        for i in k..<n where abs(base[i * n + k]) > abs(base[pivot * n + k]) { pivot = i }
        guard abs(base[pivot * n + k]) > least else {
          throw GuerdonError.failure(
            "A linear system of \(n) equations is singular: its solution does not exist or is not unique.")
        }
        if pivot != k {
          rows.swapAt(k, pivot)
          for j in 0..<n {
            (base[k * n + j], base[pivot * n + j]) = (base[pivot * n + j], base[k * n + j])
          }
        }
        let inverse = 1 / base[k * n + k]
        let from = base + k * n + k + 1
        for i in k + 1..<max(k + 1, n) where base[i * n + k] != 0 {
          let factor = base[i * n + k] * inverse
          base[i * n + k] = factor
          Kernels.add(-factor, from, n - k - 1, to: base + i * n + k + 1)
        }
      }
    }
    size = n
    self.factors = factors
    self.rows = rows
  }

  /// x with A·x = b.
  public func solve(_ b: [Double]) -> [Double] {
    precondition(b.count == size, "a right-hand side has one entry an equation")
    let n = size
    var x = rows.map { b[$0] }
    x.withUnsafeMutableBufferPointer { x in
      factors.withUnsafeBufferPointer { factors in
        guard let x = x.baseAddress, let base = factors.baseAddress else { return }
        for i in 0..<n { x[i] -= Kernels.dot(base + i * n, x, i) }
        for i in stride(from: n - 1, through: 0, by: -1) {
          x[i] = (x[i] - Kernels.dot(base + i * n + i + 1, x + i + 1, n - i - 1)) / base[i * n + i]
        }
      }
    }
    return x
  }

  /// x with Aᵀ·x = b.
  public func solveTransposed(_ b: [Double]) -> [Double] {
    precondition(b.count == size, "a right-hand side has one entry an equation")
    let n = size
    var z = b
    z.withUnsafeMutableBufferPointer { z in
      factors.withUnsafeBufferPointer { factors in
        guard let z = z.baseAddress, let base = factors.baseAddress else { return }
        for i in 0..<n {
          z[i] /= base[i * n + i]
          Kernels.add(-z[i], base + i * n + i + 1, n - i - 1, to: z + i + 1)
        }
        for i in stride(from: n - 1, through: 1, by: -1) { Kernels.add(-z[i], base + i * n, i, to: z) }
      }
    }
    var x = [Double](repeating: 0, count: n)
    for (i, row) in rows.enumerated() { x[row] = z[i] }
    return x
  }
}
