import Basics
import Foundation

/// A Meta-Reward R(g) = Func(g1, …, gk; φ): arithmetic over signals g1 … gk, numbers, + − * / and parentheses.
///
/// The grammar is the one of arithmetic in Python, without powers, floor divisions and exponents of numbers:
/// ```
/// expression := term (("+" | "-") term)*
/// term       := factor (("*" | "/") factor)*
/// factor     := ("+" | "-") factor | number | "g" digits | "(" expression ")"
/// ```
/// Text is parsed once into instructions for a small stack; nothing in it can do more than arithmetic.
public struct Formula: Sendable, Hashable {
  enum Instruction: Sendable, Hashable {
    case constant(Double)
    /// Index from 0.
    case signal(Int)
    case negate, add, subtract, multiply, divide
  }

  public let text: String
  /// How many signals k there are, mentioned or not.
  public let signals: Int
  /// In postfix order.
  let instructions: [Instruction]
  /// The highest that the stack grows.
  private let depth: Int

  /// Longest text, in bytes, and deepest nesting.
  public static let longestText = 4_096, deepestNesting = 100

  /// Parses and checks a formula: the brief's valid(φ).
  ///
  /// It must parse, mention a signal, and give a number at a test point (g_i = i / (k + 1)).
  /// - Throws: `GuerdonError.usage` saying what is wrong and where.
  public init(_ text: String, signals: Int) throws {
    var parser = FormulaParser(text, signals: signals)
    instructions = try parser.parse()
    self.text = text
    self.signals = signals
    var height = 0, highest = 0
    for instruction in instructions {
      switch instruction {
      case .constant, .signal: height += 1
      case .negate: break
      case .add, .subtract, .multiply, .divide: height -= 1
      }
      highest = max(highest, height)
    }
    depth = highest
    guard !mentioned.isEmpty else { throw GuerdonError.usage("The formula mentions none of g1 to g\(signals).") }
    guard value(at: Self.testPoint(signals)) != nil else {
      throw GuerdonError.usage("The formula has no value at the test point: it divides by zero or overflows.")
    }
  }

  /// Signals that the formula mentions, by index from 0.
  public var mentioned: Set<Int> {
    Set(instructions.compactMap { if case .signal(let index) = $0 { index } else { nil } })
  }

  static func testPoint(_ signals: Int) -> [Double] { (1...signals).map { Double($0) / Double(signals + 1) } }

  // MARK: Values

  /// R(g), or nil where it divides by zero or is not finite.
  public func value(at point: [Double]) -> Double? {
    precondition(point.count == signals, "a formula over \(signals) signals was given \(point.count)")
    return point.withUnsafeBufferPointer { value(at: $0) }
  }

  func value(at point: UnsafeBufferPointer<Double>) -> Double? {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: depth) { stack in
      var top = -1
      for instruction in instructions {
        switch instruction {
        case .constant(let value):
          top += 1
          stack[top] = value
        case .signal(let index):
          top += 1
          stack[top] = point[index]
        case .negate: stack[top] = -stack[top]
        case .add:
          top -= 1
          stack[top] += stack[top + 1]
        case .subtract:
          top -= 1
          stack[top] -= stack[top + 1]
        case .multiply:
          top -= 1
          stack[top] *= stack[top + 1]
        case .divide:
          top -= 1
          if stack[top + 1] == 0 { return nil }
          stack[top] /= stack[top + 1]
        }
      }
      return stack[0].isFinite ? stack[0] : nil
    }
  }

  /// R(g) and ∂R/∂g_i for every i, by forward-mode differentiation; nil where one of them is not finite.
  public func derivative(at point: [Double]) -> (value: Double, gradient: [Double])? {
    precondition(point.count == signals, "a formula over \(signals) signals was given \(point.count)")
    var stack: [Dual] = []
    for instruction in instructions {
      switch instruction {
      case .constant(let value): stack.append(Dual(value, [Double](repeating: 0, count: signals)))
      case .signal(let index):
        stack.append(Dual(point[index], (0..<signals).map { $0 == index ? 1 : 0 }))
      case .negate:
        let x = stack.removeLast()
        stack.append(Dual(-x.value, x.gradient.map { -$0 }))
      case .add, .subtract, .multiply, .divide:
        let y = stack.removeLast(), x = stack.removeLast()
        stack.append(Dual(instruction, x, y))
      }
    }
    guard let result = stack.first, result.value.isFinite, result.gradient.allSatisfy(\.isFinite) else { return nil }
    return (result.value, result.gradient)
  }

  /// A value with its derivatives by the signals.
  private struct Dual {
    let value: Double
    let gradient: [Double]

    init(_ value: Double, _ gradient: [Double]) { (self.value, self.gradient) = (value, gradient) }

    /// (x ∘ y)' for one of the four operations.
    init(_ operation: Instruction, _ x: Dual, _ y: Dual) {
      let slopes: (x: Double, y: Double)
      switch operation {
      case .add: (value, slopes) = (x.value + y.value, (1, 1))
      case .subtract: (value, slopes) = (x.value - y.value, (1, -1))
      case .multiply: (value, slopes) = (x.value * y.value, (y.value, x.value))
      default: (value, slopes) = (x.value / y.value, (1 / y.value, -x.value / (y.value * y.value)))
      }
      gradient = zip(x.gradient, y.gradient).map { slopes.x * $0 + slopes.y * $1 }
    }
  }

  // MARK: Equivalence

  /// Equal for formulas that differ by a positive affine change, a R + b with a > 0: advantages within a group do not
  /// see it, so that training on both would be paid twice.
  ///
  /// The values at 16 fixed points with their mean taken off and divided by their deviation, to 7 digits; nil where one
  /// of the points has no value. Constants are all alike.
  public var affineClass: [Int]? {
    var values: [Double] = []
    for point in Self.probes(signals) {
      guard let value = value(at: point) else { return nil }
      values.append(value)
    }
    let mean = values.reduce(0, +) / Double(values.count)
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    guard deviation.isFinite else { return nil }
    guard deviation > 1e-12 * (1 + abs(mean)) else { return [] }
    return values.map { Int((($0 - mean) / deviation * 1e7).rounded()) }
  }

  private static func probes(_ signals: Int) -> [[Double]] {
    var random = RandomGenerator(seed: UInt64(signals), spawnKey: [0x70_72_6f])
    return (0..<16).map { _ in (0..<signals).map { _ in random.uniform() } }
  }

  // MARK: Structure

  /// What a formula looks like, after the paper's analysis.
  public enum Structure: String, Sendable, Hashable, CaseIterable {
    /// Linear in the signals, or normalised by a divisor that cannot come near zero, as g/(g + 1).
    case stable
    /// A product of signals, in which one that is zero vetoes the others, or a division that can blow up.
    case unstable
    /// Every helpful signal that is mentioned has a negative weight.
    case invalid
  }

  /// - Parameter helpful: indices of the signals that ought to be rewarded; all of them by default.
  public func structure(helpful: Set<Int>? = nil) -> Structure {
    let middle = [Double](repeating: 0.5, count: signals)
    let rewarded = mentioned.intersection(helpful ?? Set(0..<signals))
    if let gradient = derivative(at: middle)?.gradient, !rewarded.isEmpty, rewarded.allSatisfy({ gradient[$0] < 0 }) {
      return .invalid
    }
    return isStable ? .stable : .unstable
  }

  /// Interval arithmetic over g ∈ [0, 1]^k: no product of two parts that hold signals, and no divisor that holds one
  /// and may be zero.
  private var isStable: Bool {
    typealias Part = (low: Double, high: Double, holdsSignal: Bool)
    var stack: [Part] = []
    for instruction in instructions {
      switch instruction {
      case .constant(let value): stack.append((value, value, false))
      case .signal: stack.append((0, 1, true))
      case .negate:
        let x = stack.removeLast()
        stack.append((-x.high, -x.low, x.holdsSignal))
      case .add, .subtract, .multiply, .divide:
        let y = stack.removeLast(), x = stack.removeLast()
        let holdsSignal = x.holdsSignal || y.holdsSignal
        switch instruction {
        case .add: stack.append((x.low + y.low, x.high + y.high, holdsSignal))
        case .subtract: stack.append((x.low - y.high, x.high - y.low, holdsSignal))
        case .multiply:
          if x.holdsSignal && y.holdsSignal { return false }
          let corners = [x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high]
          stack.append((corners.min() ?? 0, corners.max() ?? 0, holdsSignal))
        default:
          if y.low <= 0 && y.high >= 0 { return false }
          let corners = [x.low / y.low, x.low / y.high, x.high / y.low, x.high / y.high]
          stack.append((corners.min() ?? 0, corners.max() ?? 0, holdsSignal))
        }
      }
    }
    return true
  }
}

/// Recursive descent over the bytes of a formula.
private struct FormulaParser {
  private let bytes: [UInt8]
  private let signals: Int
  private var position = 0
  private var nesting = 0
  private var instructions: [Formula.Instruction] = []

  init(_ text: String, signals: Int) {
    bytes = Array(text.utf8)
    self.signals = signals
  }

  mutating func parse() throws -> [Formula.Instruction] {
    guard bytes.count <= Formula.longestText else {
      throw GuerdonError.usage("The formula has \(bytes.count) bytes; \(Formula.longestText) is the most.")
    }
    try expression()
    if let byte = peek() { throw unexpected(byte) }
    return instructions
  }

  private mutating func expression() throws {
    try term()
    while let byte = peek(), byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") {
      position += 1
      try term()
      instructions.append(byte == UInt8(ascii: "+") ? .add : .subtract)
    }
  }

  private mutating func term() throws {
    try factor()
    while let byte = peek(), byte == UInt8(ascii: "*") || byte == UInt8(ascii: "/") {
      position += 1
      try factor()
      instructions.append(byte == UInt8(ascii: "*") ? .multiply : .divide)
    }
  }

  private mutating func factor() throws {
    guard let byte = peek() else { throw GuerdonError.usage("The formula ends where a value should stand.") }
    nesting += 1
    defer { nesting -= 1 }
    guard nesting <= Formula.deepestNesting else {
      throw GuerdonError.usage("The formula is nested more than \(Formula.deepestNesting) deep.")
    }
    switch byte {
    case UInt8(ascii: "+"), UInt8(ascii: "-"):
      position += 1
      try factor()
      if byte == UInt8(ascii: "-") { instructions.append(.negate) }
    case UInt8(ascii: "("):
      position += 1
      try expression()
      guard let closing = peek() else { throw GuerdonError.usage("The formula lacks a closing parenthesis.") }
      guard closing == UInt8(ascii: ")") else { throw unexpected(closing) }
      position += 1
    case UInt8(ascii: "g"):
      let start = position
      position += 1
      let digits = takeDigits()
      guard let index = Int(digits), (1...signals).contains(index), digits.first != "0" else {
        throw GuerdonError.usage("At column \(start + 1) the formula names none of g1 to g\(signals).")
      }
      instructions.append(.signal(index - 1))
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."):
      let start = position
      var number = takeDigits()
      if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
        position += 1
        number += "." + takeDigits()
      } else if number.count > 1, number.hasPrefix("0"), number.contains(where: { $0 != "0" }) {
        // Python refuses it too: it once meant an octal number.
        throw GuerdonError.usage("The number at column \(start + 1) begins with a zero.")
      }
      guard let value = Double("0" + number + (number.hasSuffix(".") ? "0" : "")), value.isFinite, number != "." else {
        throw GuerdonError.usage("At column \(start + 1) the formula has no number that can be used.")
      }
      instructions.append(.constant(value))
    default: throw unexpected(byte)
    }
  }

  private mutating func takeDigits() -> String {
    let start = position
    while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// The next byte that is not a space.
  private mutating func peek() -> UInt8? {
    while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
    return position < bytes.count ? bytes[position] : nil
  }

  private func unexpected(_ byte: UInt8) -> GuerdonError {
    let isPlain = (0x21...0x7e).contains(byte)
    let shown = isPlain ? "\"\(Character(UnicodeScalar(byte)))\"" : "a character"
    return .usage("At column \(position + 1) the formula has \(shown) where none may stand.")
  }
}
