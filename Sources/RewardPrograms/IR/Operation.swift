/// What one scalar operation computes. Booleans are 0 and 1, integers are whole numbers; all share the lanes' type.
package enum Opcode: UInt8, Sendable, CaseIterable {
  // Leaves. `constant` has its value in `bits`, `input` its column in `a`; `parameter` is a constant that an executor may
  // change, with its number in `a`.
  case constant, input, parameter
  // One operand.
  case negate, absolute, squareRoot, exp, exp2, expm1, log, log2, log10, log1p, sin, cos, tan, arcsin, arccos, arctan
  case sinh, cosh, tanh, arcsinh, arccosh, arctanh, sigmoid, erf, cubeRoot, floor, ceil, round, truncate, sign
  case not, isNaN, isInfinite
  // Two operands. `minimum` and `maximum` pass NaN on; `fmin` and `fmax` prefer the number.
  case add, subtract, multiply, divide, floorDivide, modulo, fmod, power, arctan2, hypot, minimum, maximum, fmin, fmax
  case copySign, less, lessEqual, equal, notEqual, and, or, xor
  /// `a != 0 ? b : c`.
  case select
  // Over the time axis of an episode.
  /// The number of rows of the length in `a`.
  case length
  /// 0, 1, 2, … along the length in `a`.
  case position
  case timeSum, timeMinimum, timeMaximum, timeProduct, timeArgMinimum, timeArgMaximum
  case runningSum, runningProduct
  /// Linear-interpolated quantile of `a` at the constant in `bits` (0...1).
  case timeQuantile
  /// Ascending order.
  case timeSort
  /// Row `bits` (negative from the end) of `a`; NaN if the episode is shorter.
  case timeElement
  /// Row `b` (a single) of `a`.
  case timeElementAt
  /// The slice number `b` of `a`.
  case timeSlice
  /// A single repeated along the length of the operation.
  case spread
}

/// A node of a graph.
package struct Node: Hashable, Sendable {
  package let index: Int32
  init(_ index: Int) { self.index = Int32(truncatingIfNeeded: index) }
}

/// How many rows a value has: 0 is one value for all rows, 1 is a value a row, others are slices of an episode.
package struct LengthID: Hashable, Sendable {
  package let index: UInt16
  package static let single = LengthID(index: 0)
  static let rows = LengthID(index: 1)
}

/// One scalar operation on earlier nodes.
package struct Operation: Hashable, Sendable {
  package var opcode: Opcode
  package var length: LengthID
  package var a: Int32 = -1
  package var b: Int32 = -1
  package var c: Int32 = -1
  /// A constant's value, or another number the operation needs.
  package var bits: UInt64 = 0

  /// Which of `a`, `b`, `c` are nodes.
  package var operandCount: Int {
    switch opcode {
    case .constant, .input, .parameter, .length, .position: 0
    case .negate, .absolute, .squareRoot, .exp, .exp2, .expm1, .log, .log2, .log10, .log1p, .sin, .cos, .tan, .arcsin,
      .arccos, .arctan, .sinh, .cosh, .tanh, .arcsinh, .arccosh, .arctanh, .sigmoid, .erf, .cubeRoot, .floor, .ceil,
      .round, .truncate, .sign, .not, .isNaN, .isInfinite, .timeSum, .timeMinimum, .timeMaximum, .timeProduct,
      .timeArgMinimum, .timeArgMaximum, .runningSum, .runningProduct, .timeQuantile,
      .timeSort, .timeElement, .timeSlice, .spread:
      1
    case .select: 3
    default: 2
    }
  }

  package var value: Double { Double(bitPattern: bits) }
}

/// The number of rows of a value, in terms of an episode's.
package indirect enum Length: Hashable, Sendable {
  case single
  case rows
  /// `max(0, base - count)`.
  case dropping(Length, Int)
  /// `min(base, count)`.
  case atMost(Length, Int)
  /// Every `step`-th: `ceil(base / step)`.
  case every(Length, Int)

  package func rows(_ count: Int) -> Int {
    switch self {
    case .single: 1
    case .rows: count
    case .dropping(let base, let dropped): max(0, base.rows(count) - dropped)
    case .atMost(let base, let limit): min(base.rows(count), limit)
    case .every(let base, let step): (base.rows(count) + step - 1) / step
    }
  }

  func dropping(_ count: Int) -> Length {
    if count == 0 { return self }
    if case .dropping(let base, let dropped) = self { return .dropping(base, dropped + count) }
    return .dropping(self, count)
  }

  func atMost(_ count: Int) -> Length {
    if case .atMost(let base, let limit) = self { return .atMost(base, min(limit, count)) }
    return .atMost(self, count)
  }
}

/// Python's `start:stop:step` over time.
package struct TimeSlice: Hashable, Sendable {
  var start: Int?
  var stop: Int?
  package var step: Int

  /// The length of the slice of something that has `length`; nil if it cannot be said without running.
  func length(of length: Length) -> Length? {
    if step == -1, start == nil, stop == nil { return length }
    guard step > 0 else { return nil }
    var result: Length
    switch (start ?? 0, stop) {
    case (let start, nil) where start >= 0: result = length.dropping(start)
    case (let start, nil): result = length.atMost(-start)
    case (let start, let stop?) where start >= 0 && stop < 0: result = length.dropping(start - stop)
    case (let start, let stop?) where start >= 0: result = length.dropping(start).atMost(max(0, stop - start))
    case (let start, let stop?) where stop < 0: result = length.atMost(-start).dropping(-stop)
    default: return nil
    }
    if step > 1 { result = .every(result, step) }
    return result
  }

  /// First row and row count within `count` rows (Python's `slice.indices`).
  package func resolve(_ count: Int) -> (first: Int, count: Int) {
    if step < 0 { return (count - 1, count) }
    func clamp(_ bound: Int) -> Int { max(0, min(count, bound < 0 ? bound + count : bound)) }
    let first = clamp(start ?? 0)
    let end = stop.map(clamp) ?? count
    return (first, end > first ? (end - first + step - 1) / step : 0)
  }
}
