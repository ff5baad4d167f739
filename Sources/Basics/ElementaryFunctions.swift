/// Exponentials and logarithms without branches, so that loops over them become SIMD code.
///
/// Accurate to a few units in the last place over the whole range; results below the normal range are 0.
///
/// Method: Cody and Waite, *Software Manual for the Elementary Functions*, 1980: reduce the argument, evaluate a
/// polynomial, put the exponent back through the number's bits.
public enum Elementary {
  @inlinable @inline(__always)
  public static func exp(_ x: Double) -> Double {
    let clamped = x > 710 ? 710 : x < -709 ? -709 : x
    // The nearest whole number of halvings, in the low bits of a number too large for fractions.
    let magic = 6_755_399_441_055_744.0
    let shifted = (clamped * 1.4426950408889634).addingProduct(1, magic)
    let n = shifted - magic
    var r = clamped.addingProduct(-n, 0.6931471803691238)
    r = r.addingProduct(-n, 1.9082149292705877e-10)
    var p = 1.6059043836821613e-10
    p = (2.08767569878681e-9).addingProduct(p, r)
    p = (2.505210838544172e-8).addingProduct(p, r)
    p = (2.755731922398589e-7).addingProduct(p, r)
    p = (2.7557319223985893e-6).addingProduct(p, r)
    p = (2.48015873015873e-5).addingProduct(p, r)
    p = (1.984126984126984e-4).addingProduct(p, r)
    p = (1.388888888888889e-3).addingProduct(p, r)
    p = (8.333333333333333e-3).addingProduct(p, r)
    p = (4.1666666666666664e-2).addingProduct(p, r)
    p = (1.6666666666666666e-1).addingProduct(p, r)
    p = (0.5).addingProduct(p, r)
    p = (1.0).addingProduct(p, r)
    p = (1.0).addingProduct(p, r)
    // 2^(n-1), then doubled: n may be one more than the largest exponent.
    let bits = (shifted.bitPattern &- magic.bitPattern &+ 1022) &<< 52
    let result = p * Double(bitPattern: bits) * 2
    return x > 709.782712893384 ? .infinity : x < -708.3964185322641 ? 0 : result
  }

  @inlinable @inline(__always)
  public static func exp(_ x: Float) -> Float {
    let clamped: Float = x > 89 ? 89 : x < -88 ? -88 : x
    let magic: Float = 12_582_912
    let shifted = (clamped * 1.442695).addingProduct(1, magic)
    let n = shifted - magic
    var r = clamped.addingProduct(-n, 0.693359375)
    r = r.addingProduct(-n, -2.1219444e-4)
    var p: Float = 1.9841270e-4
    p = (1.3888889e-3 as Float).addingProduct(p, r)
    p = (8.3333333e-3 as Float).addingProduct(p, r)
    p = (4.1666667e-2 as Float).addingProduct(p, r)
    p = (1.6666667e-1 as Float).addingProduct(p, r)
    p = (0.5 as Float).addingProduct(p, r)
    p = (1.0 as Float).addingProduct(p, r)
    p = (1.0 as Float).addingProduct(p, r)
    let bits = (shifted.bitPattern &- magic.bitPattern &+ 126) &<< 23
    let result = p * Float(bitPattern: bits) * 2
    return x > 88.72284 ? .infinity : x < -87.33654 ? 0 : result
  }

  @inlinable @inline(__always)
  public static func log(_ x: Double) -> Double {
    // Below the normal range, scale up first.
    let isSmall = x < Double.leastNormalMagnitude
    let scaled = isSmall ? x * 18_014_398_509_481_984 : x
    // x = 2^e × m with m from √½ to √2.
    let offset = scaled.bitPattern &- 0x3FE6_A09E_667F_3BCD
    let biased = (offset &>> 52) | 0x4330_0000_0000_0000
    let wrapped = Double(bitPattern: biased) - 4_503_599_627_370_496
    let exponent = (wrapped > 2047 ? wrapped - 4096 : wrapped) - (isSmall ? 54 : 0)
    let m = Double(bitPattern: (offset & 0x000F_FFFF_FFFF_FFFF) &+ 0x3FE6_A09E_667F_3BCD)
    let f = m - 1
    let s = f / (2 + f)
    let z = s * s
    var p = 1.0 / 21
    p = (1.0 / 19).addingProduct(p, z)
    p = (1.0 / 17).addingProduct(p, z)
    p = (1.0 / 15).addingProduct(p, z)
    p = (1.0 / 13).addingProduct(p, z)
    p = (1.0 / 11).addingProduct(p, z)
    p = (1.0 / 9).addingProduct(p, z)
    p = (1.0 / 7).addingProduct(p, z)
    p = (1.0 / 5).addingProduct(p, z)
    p = (1.0 / 3).addingProduct(p, z)
    let series = (2 * s).addingProduct(2 * s * z, p)
    let result = (exponent * 0.6931471803691238) + series.addingProduct(exponent, 1.9082149292705877e-10)
    let special: Double = x == 0 ? -.infinity : x < 0 ? .nan : x
    return x > 0 && x < .infinity ? result : special
  }

  @inlinable @inline(__always)
  public static func log(_ x: Float) -> Float {
    let isSmall = x < Float.leastNormalMagnitude
    let scaled = isSmall ? x * 33_554_432 : x
    let offset = scaled.bitPattern &- 0x3F35_04F3
    let exponent = Float(Int32(bitPattern: offset) &>> 23) - (isSmall ? 25 : 0)
    let m = Float(bitPattern: (offset & 0x007F_FFFF) &+ 0x3F35_04F3)
    let f = m - 1
    let s = f / (2 + f)
    let z = s * s
    var p: Float = 1.0 / 9
    p = (1.0 / 7 as Float).addingProduct(p, z)
    p = (1.0 / 5 as Float).addingProduct(p, z)
    p = (1.0 / 3 as Float).addingProduct(p, z)
    let series = (2 * s).addingProduct(2 * s * z, p)
    let result = (exponent * 0.693359375) + series.addingProduct(exponent, -2.1219444e-4)
    let special: Float = x == 0 ? -.infinity : x < 0 ? .nan : x
    return x > 0 && x < .infinity ? result : special
  }

  /// Near 0 a rational function, elsewhere `1 - 2 / (exp(2|x|) + 1)`.
  @inlinable @inline(__always)
  public static func tanh(_ x: Double) -> Double {
    let z = x * x
    let numerator = (-1614.6876844170845).addingProduct((-99.28772310019186).addingProduct(-0.9643991794250523, z), z)
    let denominator = (4844.063053251255).addingProduct(
      (2235.4883906010045).addingProduct((112.8116784916329).addingProduct(1, z), z), z)
    let near = x.addingProduct(x * z, numerator / denominator)
    let size = x.magnitude
    let far = 1 - 2 / (exp(2 * size) + 1)
    return size < 0.625 ? near : Double(signOf: x, magnitudeOf: far)
  }

  @inlinable @inline(__always)
  public static func tanh(_ x: Float) -> Float {
    let z = x * x
    var p: Float = -5.7049887e-3
    p = (2.0639087e-2 as Float).addingProduct(p, z)
    p = (-5.3739766e-2 as Float).addingProduct(p, z)
    p = (1.3331448e-1 as Float).addingProduct(p, z)
    p = (-3.3333282e-1 as Float).addingProduct(p, z)
    let near = x.addingProduct(x * z, p)
    let size = x.magnitude
    let far = 1 - 2 / (exp(2 * size) + 1)
    return size < 0.625 ? near : Float(signOf: x, magnitudeOf: far)
  }

  /// On `[0, ¼]`, `(asin(√z) / √z - 1)`: what the arc sine and cosine are made of.
  @inlinable @inline(__always)
  public static func arcSineSeries(_ z: Double) -> Double {
    var p = 3.479331075960212e-5
    p = (7.915349942898145e-4).addingProduct(p, z)
    p = (-4.005553450067941e-2).addingProduct(p, z)
    p = (2.0121253213486293e-1).addingProduct(p, z)
    p = (-3.255658186224009e-1).addingProduct(p, z)
    p = (1.6666666666666666e-1).addingProduct(p, z)
    var q = 7.703815055590194e-2
    q = (-6.882839716054533e-1).addingProduct(q, z)
    q = (2.0209457602335057).addingProduct(q, z)
    q = (-2.403394911734414).addingProduct(q, z)
    return z * p / (1.0).addingProduct(q, z)
  }

  @inlinable @inline(__always)
  public static func arcSineSeries(_ z: Float) -> Float {
    var p: Float = 3.3805748e-2
    p = (1.7077860e-2 as Float).addingProduct(p, z)
    p = (3.1116156e-2 as Float).addingProduct(p, z)
    p = (4.4598032e-2 as Float).addingProduct(p, z)
    p = (7.5000988e-2 as Float).addingProduct(p, z)
    return z * (1.6666666e-1 as Float).addingProduct(p, z)
  }

  /// Up to one half by the series, above it by `asin(x) = π/2 - 2 asin(√((1 - x) / 2))`.
  @inlinable @inline(__always)
  public static func asin(_ x: Double) -> Double {
    let size = x.magnitude
    let isNear = size < 0.5
    let z = isNear ? x * x : (1 - size) / 2
    let root = isNear ? size : z.squareRoot()
    let angle = root.addingProduct(root, arcSineSeries(z))
    let far = 1.5707963267948966 - (2 * angle - 6.123233995736766e-17)
    return Double(signOf: x, magnitudeOf: isNear ? angle : far)
  }

  @inlinable @inline(__always)
  public static func asin(_ x: Float) -> Float {
    let size = x.magnitude
    let isNear = size < 0.5
    let z = isNear ? x * x : (1 - size) / 2
    let root = isNear ? size : z.squareRoot()
    let angle = root.addingProduct(root, arcSineSeries(z))
    let far: Float = 1.5707964 - (2 * angle + 4.3711388e-8)
    return Float(signOf: x, magnitudeOf: isNear ? angle : far)
  }

  @inlinable @inline(__always)
  public static func acos(_ x: Double) -> Double {
    let size = x.magnitude
    let isNear = size < 0.5
    let z = isNear ? x * x : (1 - size) / 2
    let root = isNear ? x : z.squareRoot()
    let angle = root.addingProduct(root, arcSineSeries(z))
    let near = 1.5707963267948966 - (angle - 6.123233995736766e-17)
    let left = 3.141592653589793 - (2 * angle - 1.2246467991473532e-16)
    return isNear ? near : x < 0 ? left : 2 * angle
  }

  @inlinable @inline(__always)
  public static func acos(_ x: Float) -> Float {
    let size = x.magnitude
    let isNear = size < 0.5
    let z = isNear ? x * x : (1 - size) / 2
    let root = isNear ? x : z.squareRoot()
    let angle = root.addingProduct(root, arcSineSeries(z))
    let near: Float = 1.5707964 - (angle + 4.3711388e-8)
    let left: Float = 3.1415927 - (2 * angle + 8.742278e-8)
    return isNear ? near : x < 0 ? left : 2 * angle
  }
}
