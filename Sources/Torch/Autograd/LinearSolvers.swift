// Solutions of A x = b where A is only known by its products with vectors, as Hessians are. A vector is a list of
// tensors.

/// What conjugate gradients reached.
public struct LinearSolution {
  public let solution: [Tensor]
  /// How many products with the matrix it took.
  public let iterations: Int
  /// ‖b − A x‖.
  public let residual: Double
  /// Whether the residual is within the tolerance.
  public let converged: Bool
}

/// x of (A + `damping` I) x = b for a symmetric positive definite A (Hestenes & Stiefel 1952). In exact arithmetic it
/// ends after as many iterations as A has different eigenvalues.
///
/// Stops early, not converged, where A shows itself not positive definite: pᵀ A p ≤ 0.
/// - Parameters:
///   - product: v ↦ A v.
///   - start: the first x; zeros by default.
///   - tolerance: of ‖b − A x‖, relative to ‖b‖.
public func conjugateGradient(
  _ b: [Tensor], start: [Tensor]? = nil, iterations: Int = 10, tolerance: Double = 1e-10, damping: Double = 0,
  product: ([Tensor]) -> [Tensor]
) -> LinearSolution {
  func damped(_ v: [Tensor]) -> [Tensor] {
    let result = product(v)
    return noGrad { damping == 0 ? result.map { $0.detach() } : sum(result.map { $0.detach() }, damping, v) }
  }
  let b = b.map { $0.detach() }
  var x = start.map { $0.map { $0.detach() } } ?? b.map { $0.zerosLike() }
  var r = start == nil ? b : noGrad { sum(b, -1, damped(x)) }
  var p = r
  var square = noGrad { dot(r, r) }
  let limit = tolerance * noGrad { dot(b, b) }.squareRoot()
  var taken = 0
  while taken < iterations, square.squareRoot() > limit {
    let Ap = damped(p)
    taken += 1
    let curvature = noGrad { dot(p, Ap) }
    guard curvature > 0 else { break }
    noGrad {
      let alpha = square / curvature
      x = sum(x, alpha, p)
      r = sum(r, -alpha, Ap)
      let next = dot(r, r)
      p = sum(r, next / square, p)
      square = next
    }
  }
  let residual = square.squareRoot()
  return LinearSolution(solution: x, iterations: taken, residual: residual, converged: residual <= limit)
}

/// α Σ (I − α A)ᵏ b over k = 0 … `terms` − 1: the Neumann series of A⁻¹ b, which converges where the eigenvalues of A
/// are between 0 and 2 / α (Lorraine et al. 2020, arXiv:1911.02590, algorithm 3).
/// - Parameter scale: α.
public func neumannSeries(
  _ b: [Tensor], scale: Double, terms: Int, product: ([Tensor]) -> [Tensor]
) -> [Tensor] {
  var term = b.map { $0.detach() }
  var total = term
  for _ in 1..<max(terms, 1) {
    let product = product(term)
    noGrad {
      term = sum(term, -scale, product.map { $0.detach() })
      total = sum(total, 1, term)
    }
  }
  return noGrad { total.map { $0 * scale } }
}

/// How `implicitGradient` applies the inverse of the inner problem's Hessian.
public enum InverseHessian: Sendable, Hashable {
  case conjugateGradient(iterations: Int = 20, tolerance: Double = 1e-10, damping: Double = 0)
  case neumann(terms: Int, scale: Double)
}

/// dF/dφ where F depends on φ itself and through θ*(φ) = argmin over θ of G(θ, φ), by the implicit function theorem:
///
///     dF/dφ = ∂F/∂φ − ∂²G/∂φ∂θ (∂²G/∂θ²)⁻¹ ∂F/∂θ
///
/// (Lorraine et al. 2020, arXiv:1911.02590, equation 3), without forming a matrix.
/// - Parameters:
///   - outer: F, computed from `parameters` and perhaps from `hyperparameters`.
///   - inner: G, computed from both, at a minimum over `parameters`.
///   - parameters: θ, leaves that require gradients. Both graphs are kept.
///   - hyperparameters: φ, leaves that require gradients.
/// - Returns: one gradient per hyperparameter.
public func implicitGradient(
  of outer: Tensor, inner: Tensor, parameters: [Tensor], hyperparameters: [Tensor],
  inverse: InverseHessian = .conjugateGradient(), file: StaticString = #fileID, line: UInt = #line
) -> [Tensor] {
  let direct = derivativeProducts([outer], parameters + hyperparameters, nil, file: file, line: line)
  let slope = derivativeProducts([inner], parameters, nil, createGraph: true, file: file, line: line)
  func hessian(_ v: [Tensor]) -> [Tensor] { derivativeProducts(slope, parameters, v, file: file, line: line) }
  let b = Array(direct.prefix(parameters.count))
  let v =
    switch inverse {
    case .conjugateGradient(let iterations, let tolerance, let damping):
      conjugateGradient(b, iterations: iterations, tolerance: tolerance, damping: damping, product: hessian).solution
    case .neumann(let terms, let scale): neumannSeries(b, scale: scale, terms: terms, product: hessian)
    }
  let mixed = derivativeProducts(slope, hyperparameters, v, file: file, line: line)
  return noGrad { zip(direct.dropFirst(parameters.count), mixed).map { $0 - $1 } }
}

/// x + `factor` y.
private func sum(_ x: [Tensor], _ factor: Double, _ y: [Tensor]) -> [Tensor] { zip(x, y).map { $0 + $1 * factor } }

private func dot(_ x: [Tensor], _ y: [Tensor]) -> Double {
  zip(x, y).reduce(0) { $0 + ($1.0 * $1.1).sum().item() }
}
