extension Graph {
  /// The bounds of a value in the rows where a condition holds: inside `if d > 0.1:`, `d` is not 0.
  func interval(_ node: Node, where condition: Node?) -> Interval {
    var result = interval(node)
    guard let condition else { return result }
    var pending = [condition]
    var visited = 0
    while let next = pending.popLast(), visited < 64 {
      visited += 1
      let operation = self[next]
      switch operation.opcode {
      case .and: pending += operands(of: operation)
      case .less, .lessEqual: narrow(&result, node, operation, isNegated: false)
      case .equal, .notEqual: exclude(&result, node, operation, isEqual: operation.opcode == .equal)
      case .not:
        let inner = self[Node(Int(operation.a))]
        switch inner.opcode {
        case .or: pending += operands(of: inner).compactMap { negation(of: $0) }
        case .less, .lessEqual: narrow(&result, node, inner, isNegated: true)
        case .equal, .notEqual: exclude(&result, node, inner, isEqual: inner.opcode != .equal)
        default: break
        }
      default: break
      }
    }
    return result
  }

  /// The node that is the negation of another, if the program computes it.
  private func negation(of node: Node) -> Node? {
    find(Operation(opcode: .not, length: self[node].length, a: node.index))
  }

  /// `a < b` (or its negation `b <= a`) where one side is the node and the other is bounded.
  private func narrow(_ result: inout Interval, _ node: Node, _ comparison: Operation, isNegated: Bool) {
    let (left, right) = (Node(Int(comparison.a)), Node(Int(comparison.b)))
    let isStrict = (comparison.opcode == .less) != isNegated
    let (small, large) = isNegated ? (right, left) : (left, right)
    if large == node {
      let bound = interval(small).low
      result.low = max(result.low, isStrict ? bound.nextUp : bound)
    } else if small == node {
      let bound = interval(large).high
      result.high = min(result.high, isStrict ? bound.nextDown : bound)
    }
  }

  /// `node != 0` at the end of its range moves that end off 0.
  private func exclude(_ result: inout Interval, _ node: Node, _ comparison: Operation, isEqual: Bool) {
    guard !isEqual, [comparison.a, comparison.b].contains(node.index) else { return }
    let other = Node(Int(comparison.a == node.index ? comparison.b : comparison.a))
    guard let value = constantValue(other) else { return }
    if result.low == value { result.low = value.nextUp }
    if result.high == value { result.high = value.nextDown }
  }
}
