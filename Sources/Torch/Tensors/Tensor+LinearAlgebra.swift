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

  /// A = U diag(S) Vᴴ, with S in descending order.
  public func svd(
    fullMatrices: Bool = true, file: StaticString = #fileID, line: UInt = #line
  ) -> (u: Tensor, s: Tensor, vh: Tensor) {
    var out: [ct_tensor?] = [nil, nil, nil]
    check(withPointer { ct_svd($0, fullMatrices, &out) }, file, line)
    return (Tensor(owning: out[0], file, line), Tensor(owning: out[1], file, line), Tensor(owning: out[2], file, line))
  }
}
