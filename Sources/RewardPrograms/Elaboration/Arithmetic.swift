import Foundation

extension Elaborator {
  // MARK: Unary

  func unary(_ operation: UnaryOperator, _ value: Value, _ operand: Expression, _ span: Span) -> Value {
    if value.isInvalid { return .invalid }
    switch operation {
    case .not:
      switch truth(value, operand) {
      case .invalid: return .invalid
      case .known(let flag): return .bool(!flag)
      case .dynamic(let node):
        guard case .array(let source) = value else { return .invalid }
        return .array(array(source.shape, [graph.unary(.not, node)], .bool, source.family))
      }
    case .plus:
      guard value.number != nil || toArray(value) != nil else { break }
      return value
    case .minus:
      switch value {
      case .bool(let flag): return .int(flag ? -1 : 0)
      case .int(let number):
        let (result, hasOverflowed) = (0).subtractingReportingOverflow(number)
        return hasOverflowed ? tooLarge(span) : .int(result)
      case .float(let number): return .float(-number)
      default: break
      }
      guard let source = numericArray(value, span) else { break }
      if source.dtype == .bool, source.family != .python {
        return fail("type", span, "A bool array has no negative.", suggestion: "use \"~\" for \"not\"")
      }
      return elementwise(.negate, .array(source), span, dtype: max(source.dtype, .int))
    case .invert:
      if let number = value.integer { return .int(~number) }
      guard let source = numericArray(value, span) else { break }
      if source.dtype == .float {
        return fail(
          "type", span, "\"~\" needs bools, and this is \(Value.array(source).kindName) of floats.",
          suggestion: "compare it first, for example \"~(x > 0)\"")
      }
      if source.dtype == .bool, source.family != .python {
        return elementwise(.not, .array(source), span, dtype: .bool)
      }
      let nodes = components(source).map { graph.binary(.subtract, graph.constant(-1), $0) }
      return .array(array(source.shape, nodes, .int, source.family))
    }
    return fail("type", span, "\"\(operation.rawValue)\" cannot be applied to \(value.kindName).")
  }

  private func tooLarge(_ span: Span) -> Value {
    fail(
      "integer-too-large", span, "The result does not fit in 64 bits.",
      suggestion: "compute with floats, for example 2.0")
  }

  /// The value as an array if it is a number or an array (not a list).
  func numericArray(_ value: Value, _ span: Span) -> ArrayValue? {
    switch value {
    case .list, .tuple, .range: return nil
    case .size where kind == .reward: return sizeInArithmetic(span)
    default: return toArray(value)
    }
  }

  private func sizeInArithmetic(_ span: Span) -> ArrayValue? {
    fail(
      "batch-size", span, "The size of the batch is no quantity that a reward may depend on.",
      suggestion: "use it only for shapes, as in \"torch.zeros(batch, device=device)\"")
    return nil
  }

  // MARK: Binary

  func binary(_ operation: BinaryOperator, _ left: Value, _ right: Value, _ span: Span) -> Value {
    if left.isInvalid || right.isInvalid { return .invalid }
    if let x = left.number, let y = right.number { return fold(operation, left, x, right, y, span) }
    if let result = sequences(operation, left, right, span) { return result }
    if case .size(let id) = left, let result = sizes(operation, id, right) { return result }
    if case .size(let id) = right, operation == .multiply, let result = sizes(operation, id, left) { return result }
    if operation == .matmul { return matmul(left, right, span) }
    if operation == .multiply, let product = product(ofRecords: left, right, span) { return product }
    guard let x = operand(left, with: right, span), let y = operand(right, with: left, span) else {
      if log.errorCount > 0, isSize(left) || isSize(right) { return .invalid }
      return fail(
        "type", span, "\"\(operation.rawValue)\" cannot be applied to \(left.kindName) and \(right.kindName).")
    }
    return binary(operation, x, y, span)
  }

  private func isSize(_ value: Value) -> Bool { if case .size = value { true } else { false } }

  /// The batch size times or over 1 is itself; other uses are arithmetic.
  private func sizes(_ operation: BinaryOperator, _ id: LengthID, _ other: Value) -> Value? {
    guard other.integer == 1, operation == .multiply || operation == .floorDivide else { return nil }
    return .size(id)
  }

  /// An operand of an arithmetic operation: lists become arrays only beside numpy arrays.
  func operand(_ value: Value, with other: Value, _ span: Span) -> ArrayValue? {
    switch value {
    case .list, .tuple, .range:
      guard case .array(let array) = other, array.family == .numpy else { return nil }
      return toArray(value)
    default: return numericArray(value, span)
    }
  }

  func binary(_ operation: BinaryOperator, _ x: ArrayValue, _ y: ArrayValue, _ span: Span) -> Value {
    guard let (shape, nodes) = broadcast([x, y], span) else { return .invalid }
    let family = family([x, y])
    guard let (opcode, dtype) = opcode(operation, x, y, family, span) else { return .invalid }
    let result = zip(nodes[0], nodes[1]).map { graph.binary(opcode, $0, $1) }
    return .array(array(shape, result, dtype, family))
  }

  /// What an operator computes on two types, and the type of the result; nil after reporting.
  private func opcode(
    _ operation: BinaryOperator, _ x: ArrayValue, _ y: ArrayValue, _ family: Family, _ span: Span
  ) -> (Opcode, DType)? {
    let isBool = x.dtype == .bool && y.dtype == .bool
    let common = max(x.dtype, y.dtype)
    let isLogical = isBool && family != .python
    let number = max(common, .int)
    switch operation {
    case .add: return isLogical ? (.or, .bool) : (.add, number)
    case .subtract:
      if isLogical {
        fail("type", span, "Bool arrays cannot be subtracted.", suggestion: "use \"^\", or convert with \".float()\"")
        return nil
      }
      return (.subtract, number)
    case .multiply: return isLogical ? (.and, .bool) : (.multiply, number)
    case .divide: return (.divide, .float)
    case .floorDivide: return (.floorDivide, number)
    case .modulo: return (.modulo, number)
    case .power: return (.power, number)
    case .and, .or, .xor:
      guard isBool else {
        fail(
          "type", span, "\"\(operation.rawValue)\" needs bools on both sides.",
          suggestion: "put comparisons in parentheses: \"(a > 0) \(operation.rawValue) (b > 0)\"")
        return nil
      }
      return (operation == .and ? .and : operation == .or ? .or : .xor, .bool)
    case .matmul, .shiftLeft, .shiftRight:
      fail("unsupported", span, "\"\(operation.rawValue)\" is not supported on arrays.")
      return nil
    }
  }

  // MARK: Static numbers, by Python's rules

  private func fold(
    _ operation: BinaryOperator, _ left: Value, _ x: Double, _ right: Value, _ y: Double, _ span: Span
  ) -> Value {
    if let a = left.integer, let b = right.integer { return foldIntegers(operation, left, a, right, b, span) }
    switch operation {
    case .add: return .float(x + y)
    case .subtract: return .float(x - y)
    case .multiply: return .float(x * y)
    case .divide, .floorDivide, .modulo:
      if y == 0 { return fail("division-by-zero", span, "This divides by zero.") }
      return .float(
        operation == .divide ? x / y : operation == .modulo ? Opcode.modulo(x, y) : Opcode.floorDivide(x, y))
    case .power:
      let result = pow(x, y)
      if result.isNaN, !x.isNaN, !y.isNaN {
        return fail("type", span, "A negative number has no real power of a fraction.")
      }
      return .float(result)
    default: return fail("type", span, "\"\(operation.rawValue)\" cannot be applied to floats.")
    }
  }

  private func foldIntegers(
    _ operation: BinaryOperator, _ left: Value, _ a: Int, _ right: Value, _ b: Int, _ span: Span
  ) -> Value {
    func checked(_ result: (partialValue: Int, overflow: Bool)) -> Value {
      result.overflow ? tooLarge(span) : .int(result.partialValue)
    }
    switch operation {
    case .add: return checked(a.addingReportingOverflow(b))
    case .subtract: return checked(a.subtractingReportingOverflow(b))
    case .multiply: return checked(a.multipliedReportingOverflow(by: b))
    case .divide, .floorDivide, .modulo:
      if b == 0 { return fail("division-by-zero", span, "This divides by zero.") }
      if operation == .divide { return .float(Double(a) / Double(b)) }
      if a == .min, b == -1 { return tooLarge(span) }
      let rest = a % b
      let isBelow = rest != 0 && (rest < 0) != (b < 0)
      return .int(operation == .modulo ? (isBelow ? rest + b : rest) : (isBelow ? a / b - 1 : a / b))
    case .power:
      if b < 0 {
        return a == 0 ? fail("division-by-zero", span, "This divides by zero.") : .float(pow(Double(a), Double(b)))
      }
      return integerPower(a, b, span)
    case .and, .or, .xor:
      let result = operation == .and ? a & b : operation == .or ? a | b : a ^ b
      if case .bool = left, case .bool = right { return .bool(result != 0) }
      return .int(result)
    case .shiftLeft:
      guard b >= 0, b < 63, a.magnitude < 1 << (62 - b) else { return tooLarge(span) }
      return .int(a << b)
    case .shiftRight: return b < 0 ? tooLarge(span) : .int(a >> min(b, 63))
    case .matmul: return fail("type", span, "\"@\" cannot be applied to numbers.")
    }
  }

  private func integerPower(_ base: Int, _ exponent: Int, _ span: Span) -> Value {
    if base == 0 || base == 1 { return .int(exponent == 0 ? 1 : base) }
    if base == -1 { return .int(exponent % 2 == 0 ? 1 : -1) }
    guard exponent < 64 else { return tooLarge(span) }
    var result = 1
    for _ in 0..<exponent {
      let (next, hasOverflowed) = result.multipliedReportingOverflow(by: base)
      if hasOverflowed { return tooLarge(span) }
      result = next
    }
    return .int(result)
  }

  // MARK: Strings, lists, tuples

  private func sequences(_ operation: BinaryOperator, _ left: Value, _ right: Value, _ span: Span) -> Value? {
    switch (operation, left, right) {
    case (.add, .string(let x), .string(let y)):
      if x.count + y.count > Limits.characters {
        return fail("too-large", span, "A string would have more than \(Limits.characters) characters.")
      }
      spend(x.count + y.count)
      return .string(x + y)
    case (.add, .list(let x), .list(let y)): return joined(heap.list(x), heap.list(y), span).map(makeList) ?? .invalid
    case (.add, .tuple(let x, _), .tuple(let y, _)): return joined(x, y, span).map { makeTuple($0, span) } ?? .invalid
    case (.multiply, .list(let id), .int(let count)), (.multiply, .int(let count), .list(let id)):
      return repeated(heap.list(id), count, span).map(makeList) ?? .invalid
    case (.multiply, .tuple(let values, _), .int(let count)), (.multiply, .int(let count), .tuple(let values, _)):
      return repeated(values, count, span).map { makeTuple($0, span) } ?? .invalid
    case (_, .string, _), (_, _, .string):
      return fail(
        "type", span, "\"\(operation.rawValue)\" cannot be applied to \(left.kindName) and \(right.kindName).")
    default: return nil
    }
  }

  private func joined(_ x: [Value], _ y: [Value], _ span: Span) -> [Value]? {
    spend(x.count + y.count)
    if x.count + y.count <= Limits.elements { return x + y }
    fail("too-large", span, "A list would have more than \(Limits.elements) elements.")
    return nil
  }

  private func repeated(_ values: [Value], _ count: Int, _ span: Span) -> [Value]? {
    let (total, hasOverflowed) = values.count.multipliedReportingOverflow(by: max(0, count))
    if hasOverflowed || total > Limits.elements {
      fail("too-large", span, "A list would have more than \(Limits.elements) elements.")
      return nil
    }
    spend(total)
    return (0..<max(0, count)).flatMap { _ in values }
  }

  // MARK: Elementwise functions

  /// An opcode on every component; static numbers stay static.
  func elementwise(_ opcode: Opcode, _ value: Value, _ span: Span, dtype: DType?) -> Value {
    if value.isInvalid { return .invalid }
    if let number = value.number {
      let result = opcode.apply(number, 0, 0)
      if dtype == .bool { return .bool(result != 0) }
      return dtype == .int ? Int(exactly: result).map { .int($0) } ?? .float(result) : .float(result)
    }
    guard let source = toArray(value) else {
      return fail("type", span, "A number or an array is needed here, not \(value.kindName).")
    }
    let nodes = components(source).map { graph.unary(opcode, $0) }
    return .array(array(source.shape, nodes, dtype ?? source.dtype, source.family))
  }
}
