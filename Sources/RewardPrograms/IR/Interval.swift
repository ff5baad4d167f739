import Foundation

/// A closed range of values that a node can take: `low <= x <= high`. NaN is outside its reach.
struct Interval: Hashable, Sendable {
  var low: Double
  var high: Double

  init(_ low: Double, _ high: Double) {
    // A bound that is not a number promises nothing.
    self.low = low.isNaN ? -.infinity : low
    self.high = high.isNaN ? .infinity : high
  }

  static let all = Interval(-.infinity, .infinity)
  static let boolean = Interval(0, 1)
  static func point(_ value: Double) -> Interval { Interval(value, value) }

  var isPoint: Bool { low == high }
  var isFinite: Bool { low.isFinite && high.isFinite }
  func contains(_ value: Double) -> Bool { low <= value && value <= high }
  func union(_ other: Interval) -> Interval { Interval(min(low, other.low), max(high, other.high)) }

  /// Bounds of `f` applied to it, where `f` increases over `domain`.
  func increasing(over domain: Interval = .all, _ f: (Double) -> Double) -> Interval {
    Interval(f(max(domain.low, min(low, domain.high))), f(min(domain.high, max(high, domain.low))))
  }

  static func * (x: Interval, y: Interval) -> Interval {
    func product(_ a: Double, _ b: Double) -> Double { a == 0 || b == 0 ? 0 : a * b }
    let corners = [
      product(x.low, y.low), product(x.low, y.high), product(x.high, y.low), product(x.high, y.high),
    ]
    return Interval(corners.min() ?? -.infinity, corners.max() ?? .infinity)
  }

  static func / (x: Interval, y: Interval) -> Interval {
    if y.low > 0 || y.high < 0 {
      let inverse = Interval(1 / y.high, 1 / y.low)
      return x * inverse
    }
    // One-sided denominators keep the sign of the quotient.
    if y.low == 0, x.low >= 0 { return Interval(y.high == .infinity ? 0 : x.low / y.high, .infinity) }
    if y.low == 0, x.high <= 0 { return Interval(-.infinity, y.high == .infinity ? 0 : x.high / y.high) }
    return .all
  }
}

extension Operation {
  /// Bounds of the result, given those of the operands.
  func interval(_ x: Interval, _ y: Interval, _ z: Interval, isSquare: Bool) -> Interval {
    switch opcode {
    case .constant: return .point(value)
    case .parameter: return .all
    case .input: return .all
    case .negate: return Interval(-x.high, -x.low)
    case .absolute:
      return x.low >= 0 ? x : x.high <= 0 ? Interval(-x.high, -x.low) : Interval(0, max(-x.low, x.high))
    case .squareRoot: return x.increasing(over: Interval(0, .infinity)) { $0.squareRoot() }
    case .exp: return x.increasing { Foundation.exp($0) }
    case .exp2: return x.increasing { Foundation.exp2($0) }
    case .expm1: return x.increasing { Foundation.expm1($0) }
    case .log: return x.increasing(over: Interval(0, .infinity)) { Foundation.log($0) }
    case .log2: return x.increasing(over: Interval(0, .infinity)) { Foundation.log2($0) }
    case .log10: return x.increasing(over: Interval(0, .infinity)) { Foundation.log10($0) }
    case .log1p: return x.increasing(over: Interval(-1, .infinity)) { Foundation.log1p($0) }
    case .sin, .cos, .erf: return x.isPoint ? pointwise(x) : Interval(-1, 1)
    case .tan, .arccosh, .arctanh: return x.isPoint ? pointwise(x) : .all
    case .arcsin: return x.increasing(over: Interval(-1, 1)) { Foundation.asin($0) }
    case .arccos:
      let arcsin = x.increasing(over: Interval(-1, 1)) { Foundation.acos(-$0) }
      return Interval(Double.pi - arcsin.high, Double.pi - arcsin.low)
    case .arctan: return x.increasing { Foundation.atan($0) }
    case .sinh: return x.increasing { Foundation.sinh($0) }
    case .cosh:
      let size = Operation(opcode: .absolute, length: .single).interval(x, x, x, isSquare: false)
      return size.increasing { Foundation.cosh($0) }
    case .tanh: return x.increasing { Foundation.tanh($0) }
    case .arcsinh: return x.increasing { Foundation.asinh($0) }
    case .cubeRoot: return x.increasing { Foundation.cbrt($0) }
    case .sigmoid: return x.increasing { 1 / (1 + Foundation.exp(-$0)) }
    case .floor: return x.increasing { $0.rounded(.down) }
    case .ceil: return x.increasing { $0.rounded(.up) }
    case .round: return x.increasing { $0.rounded(.toNearestOrEven) }
    case .truncate: return x.increasing { $0.rounded(.towardZero) }
    case .sign: return Interval(x.low > 0 ? 1 : x.low == 0 ? 0 : -1, x.high < 0 ? -1 : x.high == 0 ? 0 : 1)
    case .not, .isNaN, .isInfinite, .equal, .notEqual, .and, .or, .xor: return .boolean
    case .less: return x.high < y.low ? .point(1) : x.low >= y.high ? .point(0) : .boolean
    case .lessEqual: return x.high <= y.low ? .point(1) : x.low > y.high ? .point(0) : .boolean
    case .add: return Interval(x.low + y.low, x.high + y.high)
    case .subtract: return Interval(x.low - y.high, x.high - y.low)
    case .multiply:
      if isSquare {
        let size = Operation(opcode: .absolute, length: .single).interval(x, x, x, isSquare: false)
        return Interval(size.low * size.low, size.high * size.high)
      }
      return x * y
    case .divide: return x / y
    case .floorDivide: return (x / y).increasing { $0.rounded(.down) }
    case .modulo:
      if y.low > 0 { return Interval(0, y.high) }
      if y.high < 0 { return Interval(y.low, 0) }
      return .all
    case .fmod:
      let bound = max(abs(y.low), abs(y.high))
      return Interval(x.low >= 0 ? 0 : -bound, x.high <= 0 ? 0 : bound)
    case .power:
      if x.isPoint, y.isPoint { return .point(Foundation.pow(x.low, y.low)) }
      if x.low >= 0, y.isPoint, y.low >= 0 { return x.increasing { Foundation.pow($0, y.low) } }
      if x.low > 0, x.isPoint {
        return x.low >= 1
          ? y.increasing { Foundation.pow(x.low, $0) }
          : Interval(Foundation.pow(x.low, y.high), Foundation.pow(x.low, y.low))
      }
      if y.isPoint, y.low.remainder(dividingBy: 2) == 0, y.low >= 0 {
        let size = Operation(opcode: .absolute, length: .single).interval(x, x, x, isSquare: false)
        return size.increasing { Foundation.pow($0, y.low) }
      }
      if y.isPoint, y.low == y.low.rounded(), y.low > 0 { return x.increasing { Foundation.pow($0, y.low) } }
      return x.low >= 0 ? Interval(0, .infinity) : .all
    case .arctan2: return Interval(-.pi, .pi)
    case .hypot:
      let sizes = [x, y].map { Operation(opcode: .absolute, length: .single).interval($0, $0, $0, isSquare: false) }
      return Interval(Foundation.hypot(sizes[0].low, sizes[1].low), Foundation.hypot(sizes[0].high, sizes[1].high))
    case .minimum, .fmin: return Interval(min(x.low, y.low), min(x.high, y.high))
    case .maximum, .fmax: return Interval(max(x.low, y.low), max(x.high, y.high))
    case .copySign:
      let size = Operation(opcode: .absolute, length: .single).interval(x, x, x, isSquare: false)
      return Interval(y.low > 0 ? size.low : -size.high, y.high < 0 ? -size.low : size.high)
    case .select:
      if x.isPoint { return x.low != 0 ? y : z }
      return y.union(z)
    case .length: return Interval(0, .infinity)
    case .position, .timeArgMinimum, .timeArgMaximum: return Interval(0, .infinity)
    case .timeSum, .runningSum: return Interval(x.low >= 0 ? 0 : -.infinity, x.high <= 0 ? 0 : .infinity)
    case .timeProduct, .runningProduct:
      return x.low >= 0 ? (x.high <= 1 ? Interval(0, 1) : Interval(0, .infinity)) : .all
    case .timeMinimum, .timeMaximum, .timeQuantile, .timeSort, .timeElement, .timeElementAt, .timeSlice, .spread:
      return x
    }
  }

  private func pointwise(_ x: Interval) -> Interval { .point(opcode.apply(x.low, 0, 0)) }
}
