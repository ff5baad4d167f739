import Foundation

extension Opcode {
  /// The result on numbers: what constant folding uses, and what every executor must agree with.
  func apply(_ x: Double, _ y: Double, _ z: Double) -> Double {
    switch self {
    case .negate: -x
    case .absolute: Swift.abs(x)
    case .squareRoot: x.squareRoot()
    case .exp: Foundation.exp(x)
    case .exp2: Foundation.exp2(x)
    case .expm1: Foundation.expm1(x)
    case .log: Foundation.log(x)
    case .log2: Foundation.log2(x)
    case .log10: Foundation.log10(x)
    case .log1p: Foundation.log1p(x)
    case .sin: Foundation.sin(x)
    case .cos: Foundation.cos(x)
    case .tan: Foundation.tan(x)
    case .arcsin: Foundation.asin(x)
    case .arccos: Foundation.acos(x)
    case .arctan: Foundation.atan(x)
    case .sinh: Foundation.sinh(x)
    case .cosh: Foundation.cosh(x)
    case .tanh: Foundation.tanh(x)
    case .arcsinh: Foundation.asinh(x)
    case .arccosh: Foundation.acosh(x)
    case .arctanh: Foundation.atanh(x)
    case .sigmoid: 1 / (1 + Foundation.exp(-x))
    case .erf: Foundation.erf(x)
    case .cubeRoot: Foundation.cbrt(x)
    case .floor: x.rounded(.down)
    case .ceil: x.rounded(.up)
    case .round: x.rounded(.toNearestOrEven)
    case .truncate: x.rounded(.towardZero)
    case .sign: x > 0 ? 1 : x < 0 ? -1 : x
    case .not: x == 0 ? 1 : 0
    case .isNaN: x.isNaN ? 1 : 0
    case .isInfinite: x.isInfinite ? 1 : 0
    case .add: x + y
    case .subtract: x - y
    case .multiply: x * y
    case .divide: x / y
    case .floorDivide: Self.floorDivide(x, y)
    case .modulo: Self.modulo(x, y)
    case .fmod: Foundation.fmod(x, y)
    case .power: Foundation.pow(x, y)
    case .arctan2: Foundation.atan2(x, y)
    case .hypot: Foundation.hypot(x, y)
    case .minimum: x <= y || x.isNaN ? x : y
    case .maximum: x >= y || x.isNaN ? x : y
    case .fmin: Foundation.fmin(x, y)
    case .fmax: Foundation.fmax(x, y)
    case .copySign: Foundation.copysign(x, y)
    case .less: x < y ? 1 : 0
    case .lessEqual: x <= y ? 1 : 0
    case .equal: x == y ? 1 : 0
    case .notEqual: x != y ? 1 : 0
    case .and: x != 0 && y != 0 ? 1 : 0
    case .or: x != 0 || y != 0 ? 1 : 0
    case .xor: (x != 0) != (y != 0) ? 1 : 0
    case .select: x != 0 ? y : z
    default: .nan
    }
  }

  /// Python's `%`: the result has the divisor's sign.
  static func modulo(_ x: Double, _ y: Double) -> Double {
    let rest = Foundation.fmod(x, y)
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest
  }

  /// Python's `//` on floats: exact also where `x / y` rounds up to a whole number.
  static func floorDivide(_ x: Double, _ y: Double) -> Double {
    if y == 0 { return x / y }
    let quotient = (x - modulo(x, y)) / y
    let floored = quotient.rounded(.down)
    return quotient - floored > 0.5 ? floored + 1 : floored
  }
}
