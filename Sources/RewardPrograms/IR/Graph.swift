/// The lanes' arithmetic: numpy programs run in double, torch programs in single precision.
public enum Precision: String, Sendable, Codable { case single, double }

/// A program as scalar operations in an order in which operands come first: equal operations are one node,
/// constants are folded, and every node knows the bounds of its value.
package struct Graph: Sendable {
  package let precision: Precision
  package private(set) var operations: [Operation] = []
  /// Where in the program the operation was first asked for.
  private(set) var spans: [Span] = []
  private(set) var intervals: [Interval] = []
  /// The condition of the branch that the operation stands in; nil outside of branches.
  private(set) var guards: [Node?] = []
  package private(set) var lengths: [Length] = [.single, .rows]
  package private(set) var slices: [TimeSlice] = []
  private var nodes: [Operation: Node] = [:]
  /// The place operations are emitted for.
  var span = Span.none
  /// The condition of the branch that operations are emitted for.
  var branch: Node?

  init(precision: Precision) { self.precision = precision }

  var count: Int { operations.count }
  subscript(node: Node) -> Operation { operations[Int(node.index)] }
  func interval(_ node: Node) -> Interval { intervals[Int(node.index)] }

  /// The value of a node that is the same in every row.
  func constantValue(_ node: Node) -> Double? {
    let operation = self[node]
    return operation.opcode == .constant ? operation.value : nil
  }

  mutating func id(of length: Length) -> LengthID {
    if let index = lengths.firstIndex(of: length) { return LengthID(index: UInt16(index)) }
    lengths.append(length)
    return LengthID(index: UInt16(truncatingIfNeeded: lengths.count - 1))
  }

  mutating func id(of slice: TimeSlice) -> Int32 {
    if let index = slices.firstIndex(of: slice) { return Int32(index) }
    slices.append(slice)
    return Int32(slices.count - 1)
  }

  // MARK: Building

  mutating func constant(_ value: Double) -> Node {
    let rounded = precision == .single ? Double(Float(value)) : value
    return intern(Operation(opcode: .constant, length: .single, bits: rounded.bitPattern), .point(rounded))
  }

  /// A constant that an executor may change: it can be anything, and equals `value` until it is changed.
  mutating func parameter(_ number: Int, value: Double) -> Node {
    intern(Operation(opcode: .parameter, length: .single, a: Int32(number), bits: value.bitPattern), .all)
  }

  /// - Parameter interval: what the schema promises of the column.
  mutating func input(column: Int, length: LengthID, interval: Interval) -> Node {
    intern(Operation(opcode: .input, length: length, a: Int32(column)), interval)
  }

  mutating func length(_ id: LengthID) -> Node {
    intern(Operation(opcode: .length, length: .single, a: Int32(id.index)), Interval(0, .infinity))
  }

  mutating func positions(_ id: LengthID) -> Node {
    intern(Operation(opcode: .position, length: id, a: Int32(id.index)), Interval(0, .infinity))
  }

  mutating func unary(_ opcode: Opcode, _ x: Node) -> Node {
    let operand = self[x]
    if operand.opcode == .constant { return constant(opcode.apply(operand.value, 0, 0)) }
    if opcode == .negate, operand.opcode == .negate { return Node(Int(operand.a)) }
    if opcode == .not, operand.opcode == .not, isBoolean(Node(Int(operand.a))) { return Node(Int(operand.a)) }
    if opcode == .absolute, interval(x).low >= 0, operand.opcode == .absolute || operand.opcode == .squareRoot {
      return x
    }
    return intern(Operation(opcode: opcode, length: operand.length, a: x.index), nil)
  }

  mutating func binary(_ opcode: Opcode, _ x: Node, _ y: Node) -> Node {
    let left = self[x], right = self[y]
    if left.opcode == .constant, right.opcode == .constant {
      return constant(opcode.apply(left.value, right.value, 0))
    }
    if let simpler = simplified(opcode, x, left, y, right) { return simpler }
    var (first, second) = (x, y)
    if Self.commutative.contains(opcode), second.index < first.index { swap(&first, &second) }
    let length = left.length == .single ? right.length : left.length
    return intern(Operation(opcode: opcode, length: length, a: first.index, b: second.index), nil)
  }

  private static let commutative: Set<Opcode> = [.add, .multiply, .equal, .notEqual, .and, .or, .xor, .hypot]

  private mutating func simplified(
    _ opcode: Opcode, _ x: Node, _ left: Operation, _ y: Node, _ right: Operation
  ) -> Node? {
    let constant: Double? = right.opcode == .constant ? right.value : nil
    let leading: Double? = left.opcode == .constant ? left.value : nil
    switch opcode {
    case .add: return constant == 0 ? x : leading == 0 ? y : nil
    case .subtract: return constant == 0 ? x : leading == 0 ? unary(.negate, y) : nil
    case .multiply: return constant == 1 ? x : leading == 1 ? y : nil
    case .divide: return constant == 1 ? x : nil
    case .power:
      switch constant {
      case 1: return x
      case 2: return binary(.multiply, x, x)
      case 3: return binary(.multiply, binary(.multiply, x, x), x)
      case 4:
        let square = binary(.multiply, x, x)
        return binary(.multiply, square, square)
      case 0.5: return unary(.squareRoot, x)
      case -1: return binary(.divide, self.constant(1), x)
      case 0: return self.constant(1)
      default: return nil
      }
    case .minimum, .maximum, .fmin, .fmax: return x == y ? x : nil
    case .and: return x == y ? x : constant == 1 ? x : leading == 1 ? y : constant == 0 ? y : leading == 0 ? x : nil
    case .or: return x == y ? x : constant == 0 ? x : leading == 0 ? y : constant == 1 ? y : leading == 1 ? x : nil
    default: return nil
    }
  }

  mutating func select(_ condition: Node, _ x: Node, _ y: Node) -> Node {
    if x == y { return x }
    if let known = constantValue(condition) { return known != 0 ? x : y }
    if self[condition].opcode == .not { return select(Node(Int(self[condition].a)), y, x) }
    if let truth = selectTruth(condition, x, y) { return truth }
    var length = self[condition].length
    for operand in [x, y] where length == .single { length = self[operand].length }
    // NaN stands for no value: the bounds are those of the other operand.
    let bounds = constantValue(x)?.isNaN == true ? interval(y) : constantValue(y)?.isNaN == true ? interval(x) : nil
    return intern(
      Operation(opcode: .select, length: length, a: condition.index, b: x.index, c: y.index), bounds)
  }

  /// A choice between truths as "and" and "or", which can be followed; nil if these are no truths.
  private mutating func selectTruth(_ condition: Node, _ x: Node, _ y: Node) -> Node? {
    guard isBoolean(condition) else { return nil }
    switch (constantValue(x), constantValue(y)) {
    case (1?, 0?): return condition
    case (0?, 1?): return unary(.not, condition)
    case (1?, nil) where isBoolean(y): return binary(.or, condition, y)
    case (0?, nil) where isBoolean(y): return binary(.and, unary(.not, condition), y)
    case (nil, 1?) where isBoolean(x): return binary(.or, unary(.not, condition), x)
    case (nil, 0?) where isBoolean(x): return binary(.and, condition, x)
    default: return nil
    }
  }

  func isBoolean(_ node: Node) -> Bool {
    switch self[node].opcode {
    case .not, .isNaN, .isInfinite, .less, .lessEqual, .equal, .notEqual, .and, .or, .xor: true
    default: false
    }
  }

  /// An operation over time that gives one value.
  mutating func reduce(_ opcode: Opcode, _ x: Node, bits: UInt64 = 0) -> Node {
    intern(Operation(opcode: opcode, length: .single, a: x.index, bits: bits), nil)
  }

  /// An operation over time that gives a value a row.
  mutating func scan(_ opcode: Opcode, _ x: Node, length: LengthID? = nil, b: Int32 = -1) -> Node {
    intern(Operation(opcode: opcode, length: length ?? self[x].length, a: x.index, b: b), nil)
  }

  mutating func element(_ x: Node, at row: Node) -> Node {
    intern(Operation(opcode: .timeElementAt, length: .single, a: x.index, b: row.index), nil)
  }

  private mutating func intern(_ operation: Operation, _ interval: Interval?) -> Node {
    if let node = nodes[operation] { return node }
    let node = Node(operations.count)
    nodes[operation] = node
    operations.append(operation)
    spans.append(span)
    guards.append(branch)
    intervals.append(interval ?? bounds(of: operation))
    return node
  }

  private func bounds(of operation: Operation) -> Interval {
    func operand(_ index: Int32, _ isNode: Bool) -> Interval { isNode && index >= 0 ? intervals[Int(index)] : .all }
    let count = operation.operandCount
    let result = operation.interval(
      operand(operation.a, count > 0), operand(operation.b, count > 1), operand(operation.c, count > 2),
      isSquare: operation.a == operation.b)
    return result
  }

  // MARK: Reading

  /// The node of an operation, if there is one.
  func find(_ operation: Operation) -> Node? { nodes[operation] }

  /// The nodes of one operation.
  func operands(of operation: Operation) -> [Node] {
    switch operation.operandCount {
    case 0: []
    case 1: [Node(Int(operation.a))]
    case 2: [Node(Int(operation.a)), Node(Int(operation.b))]
    default: [Node(Int(operation.a)), Node(Int(operation.b)), Node(Int(operation.c))]
    }
  }

  /// Marks what `outputs` depend on.
  package func reachable(from outputs: [Node]) -> [Bool] {
    var isNeeded = [Bool](repeating: false, count: operations.count)
    for output in outputs { isNeeded[Int(output.index)] = true }
    for index in stride(from: operations.count - 1, through: 0, by: -1) where isNeeded[index] {
      let operation = operations[index]
      let count = operation.operandCount
      if count > 0 { isNeeded[Int(operation.a)] = true }
      if count > 1 { isNeeded[Int(operation.b)] = true }
      if count > 2 { isNeeded[Int(operation.c)] = true }
    }
    return isNeeded
  }
}
