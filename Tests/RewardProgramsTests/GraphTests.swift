import Basics
import Testing

@testable import RewardPrograms

/// The middle of the compiler: scalar operations, each once, with the bounds of its value.
@Suite struct GraphTests {
  private func graph() -> (graph: Graph, x: Node, y: Node) {
    var graph = Graph(precision: .double)
    let x = graph.input(column: 0, length: .rows, interval: Interval(-1, 2))
    let y = graph.input(column: 1, length: .rows, interval: Interval(0.5, 3))
    return (graph, x, y)
  }

  @Test func equalOperationsAreOneNode() {
    var (graph, x, y) = graph()
    let first = graph.binary(.add, x, y)
    let count = graph.count
    let second = graph.binary(.add, y, x)
    #expect(second == first && graph.count == count)
    let difference = graph.binary(.subtract, x, y), opposite = graph.binary(.subtract, y, x)
    #expect(difference != opposite)
  }

  @Test func constantsAreFolded() {
    var (graph, x, _) = graph()
    let two = graph.constant(2), three = graph.constant(3)
    let zero = graph.constant(0), one = graph.constant(1)
    let eight = graph.binary(.power, two, three), exponential = graph.unary(.exp, zero)
    #expect(graph.constantValue(eight) == 8 && graph.constantValue(exponential) == 1)
    let same = [graph.binary(.multiply, x, one), graph.binary(.add, zero, x), graph.select(one, x, two)]
    #expect(same == [x, x, x])
    let square = graph.binary(.power, x, two)
    #expect(graph[square].opcode == .multiply)
  }

  @Test func singlePrecisionConstantsAreRounded() {
    var graph = Graph(precision: .single)
    let tenth = graph.constant(0.1)
    #expect(graph.constantValue(tenth) == Double(Float(0.1)))
  }

  @Test func knowsWhatIsNeeded() {
    var (graph, x, y) = graph()
    let used = graph.unary(.tanh, x), unused = graph.unary(.exp, y)
    let isNeeded = graph.reachable(from: [used])
    #expect(isNeeded[Int(x.index)] && !isNeeded[Int(y.index)] && !isNeeded[Int(unused.index)])
  }

  private static let opcodes = Opcode.allCases.filter { opcode in
    var operation = Operation(opcode: opcode, length: .rows)
    operation.a = 0
    return operation.operandCount > 0 && opcode.rawValue <= Opcode.select.rawValue
  }

  /// Whatever the operands are within their bounds, the result is within its bounds.
  @Test(arguments: opcodes) func boundsHold(_ opcode: Opcode) {
    var random = RandomGenerator(seed: UInt64(opcode.rawValue))
    let isLogical = [Opcode.not, .and, .or, .xor].contains(opcode)
    for round in 0..<400 {
      let limits = (0..<3).map { _ in
        let ends = [random.uniform(-4, 4), random.uniform(-4, 4)].sorted()
        return isLogical ? Interval(0, 1) : round % 7 == 0 ? Interval(0, max(0.1, ends[1])) : Interval(ends[0], ends[1])
      }
      let operation = Operation(opcode: opcode, length: .rows)
      let bounds = operation.interval(limits[0], limits[1], limits[2], isSquare: false)
      for _ in 0..<20 {
        let values = limits.map { isLogical ? Double(random.integer(below: 2)) : random.uniform($0.low, $0.high) }
        let result = opcode.apply(values[0], values[1], values[2])
        if result.isNaN { continue }
        let slack = 1e-12 * max(1, abs(result))
        guard result >= bounds.low - slack, result <= bounds.high + slack else {
          Issue.record("\(opcode)\(values) = \(result), outside [\(bounds.low), \(bounds.high)]")
          return
        }
      }
    }
  }

  @Test func conditionsNarrowBounds() {
    var (graph, x, _) = graph()
    let isPositive = graph.binary(.less, graph.constant(0), x)
    let isNotPositive = graph.unary(.not, isPositive)
    let isNotTwo = graph.binary(.notEqual, x, graph.constant(2))
    let both = graph.binary(.and, isPositive, isNotTwo)
    #expect(graph.interval(x, where: isPositive).low > 0)
    #expect(graph.interval(x, where: isNotPositive).high == 0)
    #expect(graph.interval(x, where: both).high < 2)
    #expect(graph.interval(x, where: nil).low == -1)
  }

  @Test func slicesOfTimeHaveTheLengthsOfPythons() {
    for count in 0..<12 {
      for start in [nil, -5, -1, 0, 2, 7] as [Int?] {
        for stop in [nil, -4, -1, 3, 9] as [Int?] {
          for step in [1, 2, 3] {
            let slice = TimeSlice(start: start, stop: stop, step: step)
            func clamp(_ bound: Int) -> Int { max(0, min(count, bound < 0 ? bound + count : bound)) }
            let rows = Array(stride(from: clamp(start ?? 0), to: clamp(stop ?? count), by: step))
            #expect(slice.resolve(count).count == rows.count)
            if let length = slice.length(of: .rows), count > 0 { #expect(length.rows(count) == rows.count) }
          }
        }
      }
    }
  }
}
