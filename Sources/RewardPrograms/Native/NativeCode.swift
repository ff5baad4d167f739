/// Where an instruction finds a value.
struct Operand: Sendable, Hashable {
  enum Place: UInt8, Sendable {
    /// A column of scratch memory.
    case register
    /// A column of the caller's records (double precision only).
    case column
    /// One value for all rows.
    case scalar
    case none
  }
  var place: Place
  var index: Int32

  static let none = Operand(place: .none, index: 0)
}

/// One step of compiled code, over all rows of a block.
struct Instruction: Sendable {
  enum Action: Sendable {
    /// `destination = opcode(a, b, c)`.
    case compute
    /// `destination = c + a * b`, rounded twice, as the two operations would be.
    case multiplyAdd
    /// `destination = ` a column of the caller's records, in the lanes' type.
    case load
    /// Output number `bits` `= a`.
    case store
  }
  var action: Action
  var opcode: Opcode
  var length: LengthID
  var destination: Operand
  var a = Operand.none
  var b = Operand.none
  var c = Operand.none
  var bits: UInt64 = 0
}

/// A graph made ready to run: instructions over numbered columns of scratch memory.
struct NativeCode: Sendable {
  private(set) var instructions: [Instruction] = []
  private(set) var registerCount = 0
  private(set) var scalarCount = 0
  /// Scalars with a value known while compiling.
  private(set) var constants: [(slot: Int, value: Double)] = []
  let lengths: [Length]
  let slices: [TimeSlice]

  /// - Parameter outputs: what is computed, in order; everything else is left out.
  init(_ graph: Graph, outputs: [Node]) {
    lengths = graph.lengths
    slices = graph.slices
    var allocation = Allocation(graph: graph, outputs: outputs)
    let isNeeded = graph.reachable(from: outputs)
    for index in 0..<graph.count where isNeeded[index] {
      emit(graph, Node(index), &allocation)
    }
    registerCount = allocation.registerCount
    scalarCount = allocation.scalarCount
  }

  /// Registers by linear scan. A destination never shares a register with an operand of the same instruction, so that
  /// the loops have no aliases.
  private struct Allocation {
    var places: [Operand]
    var lastUse: [Int]
    /// Products that only one sum needs, by node: the sum computes them on its way.
    var fused: [Int: Int] = [:]
    var outputs: [Int: [Int]] = [:]
    var free: [Int32] = []
    var registerCount = 0
    var scalarCount = 0

    init(graph: Graph, outputs: [Node]) {
      places = [Operand](repeating: .none, count: graph.count)
      lastUse = [Int](repeating: -1, count: graph.count)
      let isNeeded = graph.reachable(from: outputs)
      for (number, output) in outputs.enumerated() { self.outputs[Int(output.index), default: []].append(number) }
      findFused(graph, isNeeded)
      for index in 0..<graph.count where isNeeded[index] {
        let user = fused[index] ?? index
        for operand in graph.operands(of: graph.operations[index]) {
          lastUse[Int(operand.index)] = max(lastUse[Int(operand.index)], user)
        }
      }
    }

    private mutating func findFused(_ graph: Graph, _ isNeeded: [Bool]) {
      var uses = [Int](repeating: 0, count: graph.count)
      for index in 0..<graph.count where isNeeded[index] {
        for operand in graph.operands(of: graph.operations[index]) { uses[Int(operand.index)] += 1 }
      }
      func isColumn(_ node: Int32) -> Bool { graph.operations[Int(node)].length == .rows }
      for index in 0..<graph.count where isNeeded[index] {
        let sum = graph.operations[index]
        guard sum.opcode == .add, isColumn(sum.a), isColumn(sum.b) else { continue }
        for node in [Int(sum.b), Int(sum.a)] {
          let product = graph.operations[node]
          if product.opcode == .multiply, uses[node] == 1, outputs[node] == nil, sum.a != sum.b {
            fused[node] = index
            break
          }
        }
      }
    }

    mutating func register() -> Operand {
      if let index = free.popLast() { return Operand(place: .register, index: index) }
      registerCount += 1
      return Operand(place: .register, index: Int32(registerCount - 1))
    }

    mutating func scalar() -> Operand {
      scalarCount += 1
      return Operand(place: .scalar, index: Int32(scalarCount - 1))
    }

    mutating func release(_ node: Int, after index: Int) {
      if lastUse[node] == index, places[node].place == .register {
        free.append(places[node].index)
        lastUse[node] = -1
      }
    }
  }

  private mutating func emit(_ graph: Graph, _ node: Node, _ allocation: inout Allocation) {
    let index = Int(node.index)
    let operation = graph[node]
    if allocation.fused[index] != nil { return }
    switch operation.opcode {
    case .constant, .parameter:
      let slot = allocation.scalar()
      constants.append((Int(slot.index), operation.value))
      allocation.places[index] = slot
    case .input where graph.precision == .double && operation.length != .single:
      allocation.places[index] = Operand(place: .column, index: operation.a)
    case .input: break  // Loaded before its first use, so that registers are held for a short time.
    default: emitComputation(graph, operation, index, &allocation)
    }
    for output in allocation.outputs[index] ?? [] {
      if operation.opcode == .input { load(graph, index, &allocation) }
      instructions.append(
        Instruction(
          action: .store, opcode: .constant, length: operation.length, destination: .none,
          a: allocation.places[index], bits: UInt64(output)))
    }
  }

  private mutating func emitComputation(
    _ graph: Graph, _ operation: Operation, _ index: Int, _ allocation: inout Allocation
  ) {
    var operands = graph.operands(of: operation)
    let product = operands.first { allocation.fused[Int($0.index)] == index }
    if let product, let addend = operands.first(where: { $0 != product }) {
      operands = graph.operands(of: graph[product]) + [addend]
      // A factor that is the same in every row goes second.
      if graph[operands[0]].length == .single { operands.swapAt(0, 1) }
    }
    for operand in operands { load(graph, Int(operand.index), &allocation) }
    let destination = operation.length == .single ? allocation.scalar() : allocation.register()
    let places = operands.map { allocation.places[Int($0.index)] } + [.none, .none, .none]
    var instruction = Instruction(
      action: product == nil ? .compute : .multiplyAdd, opcode: operation.opcode, length: operation.length,
      destination: destination, a: places[0],
      b: places[1], c: places[2], bits: operation.bits)
    switch operation.opcode {
    case .length, .position: instruction.bits = UInt64(operation.a)
    case .timeSlice:
      instruction.bits = UInt64(operation.b)
      // The number of rows of the operand, which the bounds of the slice count from.
      instruction.c = Operand(place: .none, index: operands.first.map { Int32(graph[$0].length.index) } ?? 0)
    case .timeSum, .timeMinimum, .timeMaximum, .timeProduct, .timeArgMinimum, .timeArgMaximum, .timeQuantile,
      .timeElement, .timeElementAt:
      // Reductions run over their operand's rows.
      instruction.length = operands.first.map { graph[$0].length } ?? .single
    default: break
    }
    instructions.append(instruction)
    allocation.places[index] = destination
    for operand in operands { allocation.release(Int(operand.index), after: index) }
  }

  private mutating func load(_ graph: Graph, _ index: Int, _ allocation: inout Allocation) {
    let operation = graph.operations[index]
    guard operation.opcode == .input, allocation.places[index].place == .none else { return }
    let place = operation.length == .single ? allocation.scalar() : allocation.register()
    instructions.append(
      Instruction(
        action: .load, opcode: .input, length: operation.length, destination: place,
        a: Operand(place: .column, index: operation.a)))
    allocation.places[index] = place
  }
}
