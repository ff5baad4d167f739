internal import CTorch

// Elementwise functions: one value in, one value out, gradients included.

extension Tensor {
  public func exp(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_exp) }
  /// eˣ − 1, exact near zero.
  public func expm1(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_expm1) }
  public func log(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_log) }
  /// log(1 + x), exact near zero.
  public func log1p(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_log1p) }
  public func log2(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_log2) }
  public func log10(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_log10) }
  public func sqrt(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_sqrt) }
  /// 1 / √x.
  public func rsqrt(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_rsqrt) }
  public func square(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_square) }
  public func reciprocal(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_reciprocal) }
  public func abs(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_abs) }
  public func sign(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_sign) }
  public func neg(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_neg) }
  public func sin(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_sin) }
  public func cos(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_cos) }
  public func tan(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_tan) }
  public func asin(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_asin) }
  public func acos(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_acos) }
  public func atan(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_atan) }
  public func sinh(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_sinh) }
  public func cosh(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_cosh) }
  public func tanh(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_tanh) }
  public func asinh(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_asinh) }
  public func acosh(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_acosh) }
  public func atanh(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_atanh) }
  public func sigmoid(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_sigmoid) }
  public func logSigmoid(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_log_sigmoid) }
  public func relu(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_relu) }
  /// x sigmoid(x).
  public func silu(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_silu) }
  /// x tanh(softplus(x)).
  public func mish(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_mish) }
  public func selu(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_selu) }
  /// relu, at most 6.
  public func relu6(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_relu6) }
  /// log(x / (1 − x)): the inverse of `sigmoid`.
  public func logit(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_logit) }
  public func erf(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_erf) }
  public func erfc(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_erfc) }
  public func erfinv(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_erfinv) }
  /// log |Γ(x)|.
  public func lgamma(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_lgamma) }
  public func digamma(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_digamma) }
  /// The derivative of `digamma` of order `order`.
  public func polygamma(_ order: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_polygamma(Int64(order), $0) }
  }
  public func floor(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_floor) }
  public func ceil(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_ceil) }
  /// To the nearest integer, halves to the even one.
  public func round(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_round) }
  public func trunc(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_trunc) }
  public func isnan(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_isnan) }
  public func isinf(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_isinf) }
  public func isfinite(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_isfinite) }
  public func logicalNot(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_logical_not) }

  /// x where x > 0, `alpha` (eˣ − 1) elsewhere.
  public func elu(alpha: Double = 1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_elu_scalar($0, alpha.c) }
  }

  public func leakyRelu(slope: Double = 0.01, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_leaky_relu_scalar($0, slope.c) }
  }

  /// x Φ(x), or its approximation by a hyperbolic tangent.
  public func gelu(tanhApproximation: Bool = false, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_gelu($0, tanhApproximation ? "tanh" : "none") }
  }

  /// log(1 + exp(`beta` x)) / `beta`; x itself where `beta` x is above `threshold`.
  public func softplus(
    beta: Double = 1, threshold: Double = 20, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { ct_softplus($0, beta, threshold) }
  }

  /// The first half along `dim` times the sigmoid of the second.
  public func glu(dim: Int = -1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_glu($0, Int64(dim)) }
  }

  public func clamp(
    min: some TensorScalar, max: some TensorScalar, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { x in
      withUnsafePointer(to: min.c) { min in withUnsafePointer(to: max.c) { ct_clamp(x, min, $0) } }
    }
  }

  public func clamp(min: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { x in withUnsafePointer(to: min.c) { ct_clamp(x, $0, nil) } }
  }

  public func clamp(max: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { x in withUnsafePointer(to: max.c) { ct_clamp(x, nil, $0) } }
  }

  /// Numbers in place of NaN and the infinities; by default the largest finite ones in place of the latter.
  public func nanToNum(
    nan: Double = 0, positiveInfinity: Double? = nil, negativeInfinity: Double? = nil, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    map(file, line) { x in
      positiveInfinity.withDouble { high in negativeInfinity.withDouble { ct_nan_to_num(x, nan, high, $0) } }
    }
  }

  /// `x` where `condition` is true, `y` elsewhere, broadcasting.
  public static func `where`(
    _ condition: Tensor, _ x: Tensor, _ y: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Tensor(owning: condition.withPointers(x, y, ct_where), file, line)
  }

  public static func `where`(
    _ condition: Tensor, _ x: Tensor, _ y: some TensorScalar, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    condition.map(x, file, line) { ct_where_else_scalar($0, $1, y.c) }
  }

  public static func `where`(
    _ condition: Tensor, _ x: some TensorScalar, _ y: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    condition.map(y, file, line) { ct_where_then_scalar($0, x.c, $1) }
  }

  /// `value` where `mask` is true, the tensor elsewhere.
  public func maskedFill(
    _ mask: Tensor, _ value: some TensorScalar, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(mask, file, line) { ct_masked_fill($0, $1, value.c) }
  }

  /// x + `weight` (`end` − x).
  public func lerp(_ end: Tensor, weight: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(end, file, line) { ct_lerp($0, $1, weight) }
  }
}
