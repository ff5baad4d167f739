internal import CTorch

// Matrices are the last two dimensions; those before are a batch.

extension Tensor {
  /// PyTorch's `matmul`: vectors, matrices and batches of them, broadcasting the batch.
  public func matmul(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_matmul)
  }

  /// [b, n, m] × [b, m, p] → [b, n, p].
  public func bmm(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_bmm)
  }

  /// [n, m] × [m] → [n].
  public func mv(_ vector: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(vector, file, line, ct_mv)
  }

  /// [n] · [n] → scalar.
  public func dot(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_dot)
  }

  /// [n], [m] → [n, m].
  public func outer(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_outer)
  }

  /// Einstein's summation: `Tensor.einsum("bij,bj->bi", [a, x])`.
  public static func einsum(
    _ equation: String, _ operands: [Tensor], file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Tensor(owning: Torch.withPointers(operands) { ct_einsum(equation, $0, $1) }, file, line)
  }

  public func trace(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_trace) }
  public func det(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_linalg_det) }

  /// The sign of the determinant, and the logarithm of its magnitude.
  public func slogdet(
    file: StaticString = #fileID, line: UInt = #line
  ) -> (sign: Tensor, logAbsDet: Tensor) {
    pair(file, line, ct_slogdet)
  }

  public func inverse(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_linalg_inv) }

  /// The Moore-Penrose inverse.
  public func pinv(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_linalg_pinv) }

  /// X of A X = B, where A is this tensor.
  public func solve(_ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(b, file, line, ct_linalg_solve)
  }

  /// The X that minimises ‖A X − B‖₂, A [n, m] and B [n, k], with LAPACK's `driver`.
  public func lstsq(
    _ b: Tensor, driver: LeastSquaresDriver = .gelsy, file: StaticString = #fileID, line: UInt = #line
  ) -> LeastSquares {
    let out = several(4, file, line) { a, out in
      b.withPointer { ct_lstsq(a, $0, driver.rawValue, out) }
    }
    return LeastSquares(solution: out[0], residuals: out[1], rank: out[2], singularValues: out[3])
  }

  /// X of A X = B for the positive definite A whose Cholesky factor (lower unless `upper`) is this tensor.
  public func choleskySolve(
    _ b: Tensor, upper: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(b, file, line) { ct_cholesky_solve($1, $0, upper) }
  }

  /// X of A X = B for a triangular A, or of X A = B unless `left`.
  public func solveTriangular(
    _ b: Tensor, upper: Bool, left: Bool = true, unitriangular: Bool = false, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    map(b, file, line) { ct_solve_triangular($0, $1, upper, left, unitriangular) }
  }

  /// The lower triangular L with A = L Lᵀ, for a positive definite A.
  public func cholesky(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line, ct_linalg_cholesky)
  }

  /// A = Q R, with Q [n, min(n, m)] unless `complete`.
  public func qr(
    complete: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> (q: Tensor, r: Tensor) {
    pair(file, line) { ct_qr($0, complete ? "complete" : "reduced", $1) }
  }

  /// Eigenvalues in ascending order and eigenvectors (columns) of a symmetric matrix.
  public func eigh(
    file: StaticString = #fileID, line: UInt = #line
  ) -> (eigenvalues: Tensor, eigenvectors: Tensor) {
    pair(file, line, ct_eigh)
  }

  /// The eigenvalues of a symmetric matrix, in ascending order.
  public func eigvalsh(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line, ct_linalg_eigvalsh)
  }

  /// A = U diag(S) Vᴴ, with S in descending order.
  public func svd(
    fullMatrices: Bool = true, file: StaticString = #fileID, line: UInt = #line
  ) -> (u: Tensor, s: Tensor, vh: Tensor) {
    let out = several(3, file, line) { ct_svd($0, fullMatrices, $1) }
    return (out[0], out[1], out[2])
  }

  /// Σ Aⁿ / n!.
  public func matrixExp(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line, ct_linalg_matrix_exp)
  }

  /// The cross product along the last dimension, of size 3.
  public func cross(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_linalg_cross)
  }

  /// The `order`-norm distances of all rows, […, n, d] and […, m, d] → […, n, m].
  public func cdist(
    _ other: Tensor, order: Double = 2, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(other, file, line) { ct_cdist($0, $1, order) }
  }

  /// The sum of products over `dims` of this tensor and `otherDims` of the other.
  public func tensordot(
    _ other: Tensor, dims: [Int], otherDims: [Int], file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    precondition(dims.count == otherDims.count, "tensordot pairs dimensions.", file: file, line: line)
    return map(other, file, line) { x, y in
      dims.withInt64 { dims, count in otherDims.withInt64 { others, _ in ct_tensordot(x, y, dims, others, count) } }
    }
  }
}

/// LAPACK's ways to least squares; on a GPU only `gels` works.
public enum LeastSquaresDriver: String, Sendable {
  /// QR, for a matrix of full rank.
  case gels
  /// QR with pivoting, for any matrix.
  case gelsy
  /// The singular values, by divide and conquer.
  case gelsd
  /// The singular values.
  case gelss
}

/// What `lstsq` found.
public struct LeastSquares {
  /// […, m, k].
  public let solution: Tensor
  /// ‖A X − B‖² by column; empty unless n > m, the rank is full and the driver is not `gelsy`.
  public let residuals: Tensor
  /// Empty with `gels`.
  public let rank: Tensor
  /// Empty with `gels` and `gelsy`.
  public let singularValues: Tensor
}
