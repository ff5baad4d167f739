internal import CTorch

// Two tensors, or a tensor and a number, broadcast against each other: as methods, and as operators.

extension Tensor {
  public func add(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_add)
  }
  public func add(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_add_scalar($0, other.c) }
  }
  public func sub(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_sub)
  }
  public func sub(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_sub_scalar($0, other.c) }
  }
  public func mul(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_mul)
  }
  public func mul(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_mul_scalar($0, other.c) }
  }
  public func div(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_div)
  }
  public func div(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_div_scalar($0, other.c) }
  }
  public func pow(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_pow)
  }
  public func pow(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_pow_scalar($0, other.c) }
  }
  /// The remainder with the sign of the dividend.
  public func fmod(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_fmod)
  }
  public func fmod(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_fmod_scalar($0, other.c) }
  }
  /// The remainder with the sign of the divisor: Python's `%`.
  public func remainder(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_remainder)
  }
  public func remainder(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_remainder_scalar($0, other.c) }
  }
  public func floorDivide(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_floor_divide)
  }
  public func floorDivide(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_floor_divide_scalar($0, other.c) }
  }
  public func eq(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_eq)
  }
  public func eq(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_eq_scalar($0, other.c) }
  }
  public func ne(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_ne)
  }
  public func ne(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_ne_scalar($0, other.c) }
  }
  public func lt(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_lt)
  }
  public func lt(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_lt_scalar($0, other.c) }
  }
  public func le(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_le)
  }
  public func le(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_le_scalar($0, other.c) }
  }
  public func gt(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_gt)
  }
  public func gt(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_gt_scalar($0, other.c) }
  }
  public func ge(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_ge)
  }
  public func ge(_ other: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_ge_scalar($0, other.c) }
  }
  public func minimum(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_minimum)
  }
  public func maximum(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_maximum)
  }
  public func atan2(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_atan2)
  }
  public func logicalAnd(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_logical_and)
  }
  public func logicalOr(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_logical_or)
  }
  public func logicalXor(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_logical_xor)
  }
  /// x log y, and 0 where x is 0.
  public func xlogy(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_xlogy)
  }
  /// log(eˣ + eʸ), without overflow.
  public func logaddexp(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(other, file, line, ct_logaddexp)
  }
  /// Whether each element is among those of `set`.
  public func isin(_ set: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(set, file, line, ct_isin)
  }
}

/// Arithmetic. Swift gives an operator its operands alone, with no room for a defaulted `#fileID`: a mistake traps with
/// LibTorch's message here, and the backtrace shows the caller. The methods above (`add`, `sub`, …) name the call site.
extension Tensor {
  public static func + (x: Tensor, y: Tensor) -> Tensor { x.add(y) }
  public static func + (x: Tensor, y: some TensorScalar) -> Tensor { x.add(y) }
  public static func - (x: Tensor, y: Tensor) -> Tensor { x.sub(y) }
  public static func - (x: Tensor, y: some TensorScalar) -> Tensor { x.sub(y) }
  public static func * (x: Tensor, y: Tensor) -> Tensor { x.mul(y) }
  public static func * (x: Tensor, y: some TensorScalar) -> Tensor { x.mul(y) }
  public static func / (x: Tensor, y: Tensor) -> Tensor { x.div(y) }
  public static func / (x: Tensor, y: some TensorScalar) -> Tensor { x.div(y) }
  public static func % (x: Tensor, y: Tensor) -> Tensor { x.remainder(y) }
  public static func % (x: Tensor, y: some TensorScalar) -> Tensor { x.remainder(y) }

  public static func + (x: some TensorScalar, y: Tensor) -> Tensor { y.add(x) }
  public static func - (x: some TensorScalar, y: Tensor) -> Tensor { y.map(#fileID, #line) { ct_rsub_scalar($0, x.c) } }
  public static func * (x: some TensorScalar, y: Tensor) -> Tensor { y.mul(x) }
  public static func / (x: some TensorScalar, y: Tensor) -> Tensor { y.reciprocal().mul(x) }
  public static prefix func - (x: Tensor) -> Tensor { x.neg() }

  public static func += (x: inout Tensor, y: Tensor) { x = x + y }
  public static func += (x: inout Tensor, y: some TensorScalar) { x = x + y }
  public static func -= (x: inout Tensor, y: Tensor) { x = x - y }
  public static func -= (x: inout Tensor, y: some TensorScalar) { x = x - y }
  public static func *= (x: inout Tensor, y: Tensor) { x = x * y }
  public static func *= (x: inout Tensor, y: some TensorScalar) { x = x * y }
  public static func /= (x: inout Tensor, y: Tensor) { x = x / y }
  public static func /= (x: inout Tensor, y: some TensorScalar) { x = x / y }

  /// `base` to the power of each element.
  public static func pow(
    _ base: some TensorScalar, _ exponent: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    exponent.map(file, line) { ct_scalar_pow(base.c, $0) }
  }
}

/// Elementwise comparisons and logic, spelled with a leading dot as for SIMD vectors: they give boolean tensors.
extension Tensor {
  public static func .== (x: Tensor, y: Tensor) -> Tensor { x.eq(y) }
  public static func .== (x: Tensor, y: some TensorScalar) -> Tensor { x.eq(y) }
  public static func .!= (x: Tensor, y: Tensor) -> Tensor { x.ne(y) }
  public static func .!= (x: Tensor, y: some TensorScalar) -> Tensor { x.ne(y) }
  public static func .< (x: Tensor, y: Tensor) -> Tensor { x.lt(y) }
  public static func .< (x: Tensor, y: some TensorScalar) -> Tensor { x.lt(y) }
  public static func .<= (x: Tensor, y: Tensor) -> Tensor { x.le(y) }
  public static func .<= (x: Tensor, y: some TensorScalar) -> Tensor { x.le(y) }
  public static func .> (x: Tensor, y: Tensor) -> Tensor { x.gt(y) }
  public static func .> (x: Tensor, y: some TensorScalar) -> Tensor { x.gt(y) }
  public static func .>= (x: Tensor, y: Tensor) -> Tensor { x.ge(y) }
  public static func .>= (x: Tensor, y: some TensorScalar) -> Tensor { x.ge(y) }

  public static func .& (x: Tensor, y: Tensor) -> Tensor { x.logicalAnd(y) }
  public static func .| (x: Tensor, y: Tensor) -> Tensor { x.logicalOr(y) }
  public static func .^ (x: Tensor, y: Tensor) -> Tensor { x.logicalXor(y) }
  public static prefix func .! (x: Tensor) -> Tensor { x.logicalNot() }
}

/// Changes in place: the tensor itself changes, for everyone who shares its elements. LibTorch refuses them on a leaf
/// that requires a gradient unless `noGrad` surrounds them.
extension Tensor {
  @discardableResult
  public func copy_(_ source: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    check(withPointers(source, ct_copy_), file, line)
    return self
  }

  @discardableResult
  public func fill_(_ value: some TensorScalar, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    check(withPointer { ct_fill_($0, value.c) }, file, line)
    return self
  }

  @discardableResult
  public func zero_(file: StaticString = #fileID, line: UInt = #line) -> Tensor { fill_(0, file: file, line: line) }

  /// Adds `alpha` times `other`.
  @discardableResult
  public func add_(
    _ other: Tensor, alpha: Double = 1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    check(withPointers(other) { ct_add_($0, $1, alpha) }, file, line)
    return self
  }

  @discardableResult
  public func mul_(_ factor: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    check(withPointer { ct_mul_scalar_($0, factor) }, file, line)
    return self
  }

  /// Moves to x + `weight` (`end` − x).
  @discardableResult
  public func lerp_(_ end: Tensor, weight: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    check(withPointers(end) { ct_lerp_($0, $1, weight) }, file, line)
    return self
  }
}
