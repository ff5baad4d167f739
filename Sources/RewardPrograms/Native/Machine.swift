/// Runs compiled code on one thread, a block of rows at a time, in scratch memory made once.
final class Machine<Scalar: Lane> {
  private let code: NativeCode
  /// Rows of scratch memory in a register.
  private(set) var capacity: Int
  private let instructions: UnsafeMutablePointer<Instruction>
  private var registers: UnsafeMutablePointer<Scalar>
  private let scalars: UnsafeMutablePointer<Scalar>
  /// Rows of every length, for the block in progress.
  private let counts: UnsafeMutablePointer<Int>
  /// All lengths, where there are others than one and all rows.
  private let derivedLengths: [(index: Int, length: Length)]
  private var scratch: [Scalar] = []

  /// - Parameter capacity: rows of a block.
  init(_ code: NativeCode, capacity: Int) {
    self.code = code
    self.capacity = capacity
    registers = .allocate(capacity: max(1, code.registerCount * capacity))
    registers.initialize(repeating: 0, count: max(1, code.registerCount * capacity))
    scalars = .allocate(capacity: max(1, code.scalarCount))
    scalars.initialize(repeating: 0, count: max(1, code.scalarCount))
    counts = .allocate(capacity: max(2, code.lengths.count))
    counts.initialize(repeating: 1, count: max(2, code.lengths.count))
    derivedLengths = code.lengths.count > 2 ? code.lengths.enumerated().map { ($0.offset, $0.element) } : []
    instructions = .allocate(capacity: max(1, code.instructions.count))
    for (index, instruction) in code.instructions.enumerated() {
      (instructions + index).initialize(to: instruction)
    }
    for constant in code.constants { scalars[constant.slot] = Scalar(constant.value) }
  }

  deinit {
    for memory in [registers, scalars] { memory.deallocate() }
    counts.deallocate()
    instructions.deallocate()
  }

  /// Makes room for blocks of `rows`.
  func reserve(_ rows: Int) {
    guard rows > capacity else { return }
    registers.deallocate()
    capacity = rows
    registers = .allocate(capacity: max(1, code.registerCount * capacity))
    registers.initialize(repeating: 0, count: max(1, code.registerCount * capacity))
  }

  /// Where the rows of a block come from and go to.
  struct Block {
    /// Row 0 of the block in column 0 of the records.
    var base: UnsafePointer<Double>
    /// Distance between columns.
    var stride: Int
    var rows: Int
    /// Row 0 of the block in output 0.
    var output: UnsafeMutablePointer<Double>
    /// Output 1, at the same row; the others follow at a distance of `outputStride`.
    var otherOutputs: UnsafeMutablePointer<Double>?
    var outputStride: Int
    /// Values of an output: one a row, or one an episode.
    var outputRows: Int
  }

  /// A block with the machine's memory: what the instructions work on.
  private struct Frame {
    let block: Block
    let registers: UnsafeMutablePointer<Scalar>
    let scalars: UnsafeMutablePointer<Scalar>
    let capacity: Int
    let counts: UnsafeMutablePointer<Int>
  }

  func run(_ block: Block) {
    if derivedLengths.isEmpty {
      counts[Int(LengthID.rows.index)] = block.rows
    } else {
      for (index, length) in derivedLengths { counts[index] = length.rows(block.rows) }
    }
    let frame = Frame(block: block, registers: registers, scalars: scalars, capacity: capacity, counts: counts)
    let end = instructions + code.instructions.count
    var next = instructions
    if block.rows == 1, block.outputRows == 1 {
      while next < end {
        runRow(next, frame)
        next += 1
      }
      return
    }
    while next < end {
      switch next.pointee.action {
      case .compute: compute(next, frame)
      case .multiplyAdd: multiplyAdd(next, frame)
      case .load: load(next, frame)
      case .store: store(next, frame)
      }
      next += 1
    }
  }

  /// The same for a single row: the usual operations without loops.
  @inline(__always)
  private func runRow(_ instruction: InstructionPointer, _ frame: Frame) {
    switch instruction.pointee.action {
    case .load:
      destination(instruction.pointee.destination, frame)[0] = Scalar(
        frame.block.base[Int(instruction.pointee.a.index) * frame.block.stride])
    case .multiplyAdd:
      let a = source(instruction.pointee.a, frame)[0], b = source(instruction.pointee.b, frame)[0]
      destination(instruction.pointee.destination, frame)[0] = source(instruction.pointee.c, frame)[0] + a * b
    case .store: store(instruction, frame)
    case .compute:
      func a() -> Scalar { source(instruction.pointee.a, frame)[0] }
      func b() -> Scalar { source(instruction.pointee.b, frame)[0] }
      let d = destination(instruction.pointee.destination, frame)
      switch instruction.pointee.opcode {
      case .negate: d[0] = -a()
      case .absolute: d[0] = a().magnitude
      case .squareRoot: d[0] = a().squareRoot()
      case .add: d[0] = a() + b()
      case .subtract: d[0] = a() - b()
      case .multiply: d[0] = a() * b()
      case .divide: d[0] = a() / b()
      case .less: d[0] = a() < b() ? 1 : 0
      case .lessEqual: d[0] = a() <= b() ? 1 : 0
      case .and: d[0] = a() != 0 ? b() : 0
      case .or: d[0] = a() != 0 ? 1 : b()
      case .not: d[0] = a() == 0 ? 1 : 0
      case .select: d[0] = a() != 0 ? b() : source(instruction.pointee.c, frame)[0]
      case .exp: d[0] = Scalar.exp(a())
      case .tanh: d[0] = Scalar.tanh(a())
      default: compute(instruction, frame)
      }
    }
  }

  // MARK: Memory

  @inline(__always)
  private func source(_ operand: Operand, _ frame: Frame) -> UnsafePointer<Scalar> {
    switch operand.place {
    case .register: return UnsafePointer(frame.registers + Int(operand.index) * frame.capacity)
    case .scalar: return UnsafePointer(frame.scalars + Int(operand.index))
    default:
      // Columns are read in place; only code in double precision has them as operands.
      return UnsafeRawPointer(frame.block.base + Int(operand.index) * frame.block.stride)
        .assumingMemoryBound(to: Scalar.self)
    }
  }

  @inline(__always)
  private func destination(_ operand: Operand, _ frame: Frame) -> UnsafeMutablePointer<Scalar> {
    operand.place == .register
      ? frame.registers + Int(operand.index) * frame.capacity : frame.scalars + Int(operand.index)
  }

  private func load(_ instruction: InstructionPointer, _ frame: Frame) {
    let column = frame.block.base + Int(instruction.pointee.a.index) * frame.block.stride
    let target = destination(instruction.pointee.destination, frame)
    let count = instruction.pointee.destination.place == .scalar ? min(1, frame.block.rows) : frame.block.rows
    for row in 0..<count { target[row] = Scalar(column[row]) }
  }

  private func store(_ instruction: InstructionPointer, _ frame: Frame) {
    let output = Int(instruction.pointee.bits)
    let target: UnsafeMutablePointer<Double>
    if output == 0 {
      target = frame.block.output
    } else if let others = frame.block.otherOutputs {
      target = others + (output - 1) * frame.block.outputStride
    } else {
      return
    }
    let values = source(instruction.pointee.a, frame)
    if instruction.pointee.a.place == .scalar {
      for row in 0..<frame.block.outputRows { target[row] = Double(values[0]) }
    } else {
      for row in 0..<frame.block.outputRows { target[row] = Double(values[row]) }
    }
  }

  // MARK: Arithmetic

  private func compute(_ instruction: InstructionPointer, _ frame: Frame) {
    let isScalar = instruction.pointee.destination.place == .scalar
    let count = isScalar ? 1 : frame.counts[Int(instruction.pointee.length.index)]
    let d = destination(instruction.pointee.destination, frame)
    switch instruction.pointee.opcode {
    case .length: d[0] = Scalar(frame.counts[Int(instruction.pointee.bits)])
    case .position: for row in 0..<count { d[row] = Scalar(row) }
    case .select: select(instruction, frame, d, count)
    case .timeSum, .timeMinimum, .timeMaximum, .timeProduct, .timeArgMinimum, .timeArgMaximum, .timeQuantile,
      .timeElement, .timeElementAt:
      reduce(instruction, frame, d)
    case .runningSum, .runningProduct, .timeSort, .timeSlice, .spread:
      scan(instruction, frame, d, count)
    default:
      let a = source(instruction.pointee.a, frame)
      if instruction.pointee.b.place == .none {
        unary(instruction.pointee.opcode, d, a, count)
      } else {
        let b = source(instruction.pointee.b, frame)
        let mode = Mode(a: instruction.pointee.a.place == .scalar, b: instruction.pointee.b.place == .scalar)
        binary(instruction.pointee.opcode, d, a, b, mode, count)
      }
    }
  }

  private func multiplyAdd(_ instruction: InstructionPointer, _ frame: Frame) {
    let count = frame.counts[Int(instruction.pointee.length.index)]
    let d = destination(instruction.pointee.destination, frame)
    let a = source(instruction.pointee.a, frame), b = source(instruction.pointee.b, frame)
    let c = source(instruction.pointee.c, frame)
    if instruction.pointee.b.place == .scalar {
      let factor = b[0]
      for row in 0..<count { d[row] = c[row] + a[row] * factor }
    } else {
      for row in 0..<count { d[row] = c[row] + a[row] * b[row] }
    }
  }

  private enum Mode {
    case vectors, vectorScalar, scalarVector
    init(a: Bool, b: Bool) { self = b ? .vectorScalar : a ? .scalarVector : .vectors }
  }

  private typealias InstructionPointer = UnsafeMutablePointer<Instruction>
  private typealias Target = UnsafeMutablePointer<Scalar>
  private typealias Source = UnsafePointer<Scalar>

  @inline(__always)
  private func map(_ d: Target, _ a: Source, _ count: Int, _ f: (Scalar) -> Scalar) {
    for row in 0..<count { d[row] = f(a[row]) }
  }

  @inline(__always)
  private func zip(
    _ d: Target, _ a: Source, _ b: Source, _ mode: Mode, _ count: Int, _ f: (Scalar, Scalar) -> Scalar
  ) {
    switch mode {
    case .vectors: for row in 0..<count { d[row] = f(a[row], b[row]) }
    case .vectorScalar:
      let y = b[0]
      if count == 1 { d[0] = f(a[0], y) } else { for row in 0..<count { d[row] = f(a[row], y) } }
    case .scalarVector:
      let x = a[0]
      for row in 0..<count { d[row] = f(x, b[row]) }
    }
  }

  private func unary(_ opcode: Opcode, _ d: Target, _ a: Source, _ count: Int) {
    switch opcode {
    case .negate: map(d, a, count) { -$0 }
    case .absolute: map(d, a, count) { $0.magnitude }
    case .squareRoot: map(d, a, count) { $0.squareRoot() }
    case .exp: map(d, a, count) { Scalar.exp($0) }
    case .exp2: map(d, a, count) { Scalar.exp2($0) }
    case .expm1: map(d, a, count) { Scalar.expm1($0) }
    case .log: map(d, a, count) { Scalar.log($0) }
    case .log2: map(d, a, count) { Scalar.log2($0) }
    case .log10: map(d, a, count) { Scalar.log10($0) }
    case .log1p: map(d, a, count) { Scalar.log1p($0) }
    case .sin: map(d, a, count) { Scalar.sin($0) }
    case .cos: map(d, a, count) { Scalar.cos($0) }
    case .tan: map(d, a, count) { Scalar.tan($0) }
    case .arcsin: map(d, a, count) { Scalar.asin($0) }
    case .arccos: map(d, a, count) { Scalar.acos($0) }
    case .arctan: map(d, a, count) { Scalar.atan($0) }
    case .sinh: map(d, a, count) { Scalar.sinh($0) }
    case .cosh: map(d, a, count) { Scalar.cosh($0) }
    case .tanh: map(d, a, count) { Scalar.tanh($0) }
    case .arcsinh: map(d, a, count) { Scalar.asinh($0) }
    case .arccosh: map(d, a, count) { Scalar.acosh($0) }
    case .arctanh: map(d, a, count) { Scalar.atanh($0) }
    case .sigmoid: map(d, a, count) { 1 / (1 + Scalar.exp(-$0)) }
    case .erf: map(d, a, count) { Scalar.erf($0) }
    case .cubeRoot: map(d, a, count) { Scalar.cbrt($0) }
    case .floor: map(d, a, count) { $0.rounded(.down) }
    case .ceil: map(d, a, count) { $0.rounded(.up) }
    case .round: map(d, a, count) { $0.rounded(.toNearestOrEven) }
    case .truncate: map(d, a, count) { $0.rounded(.towardZero) }
    case .sign: map(d, a, count) { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
    case .not: map(d, a, count) { $0 == 0 ? 1 : 0 }
    case .isNaN: map(d, a, count) { $0 != $0 ? 1 : 0 }
    case .isInfinite: map(d, a, count) { $0.magnitude == .infinity ? 1 : 0 }
    default: map(d, a, count) { _ in .nan }
    }
  }

  private func binary(_ opcode: Opcode, _ d: Target, _ a: Source, _ b: Source, _ mode: Mode, _ count: Int) {
    switch opcode {
    case .add: zip(d, a, b, mode, count) { $0 + $1 }
    case .subtract: zip(d, a, b, mode, count) { $0 - $1 }
    case .multiply: zip(d, a, b, mode, count) { $0 * $1 }
    case .divide: zip(d, a, b, mode, count) { $0 / $1 }
    case .floorDivide: zip(d, a, b, mode, count, Self.floorDivide)
    case .modulo: zip(d, a, b, mode, count, Self.modulo)
    case .fmod: zip(d, a, b, mode, count, Scalar.fmod)
    case .power: zip(d, a, b, mode, count, Scalar.pow)
    case .arctan2: zip(d, a, b, mode, count, Scalar.atan2)
    case .hypot: zip(d, a, b, mode, count, Scalar.hypot)
    // Selections instead of "||" and "&&", which would be branches.
    case .minimum: zip(d, a, b, mode, count) { $0 <= $1 ? $0 : $0 != $0 ? $0 : $1 }
    case .maximum: zip(d, a, b, mode, count) { $0 >= $1 ? $0 : $0 != $0 ? $0 : $1 }
    case .fmin: zip(d, a, b, mode, count) { $0 <= $1 ? $0 : $1 != $1 ? $0 : $1 }
    case .fmax: zip(d, a, b, mode, count) { $0 >= $1 ? $0 : $1 != $1 ? $0 : $1 }
    case .copySign: zip(d, a, b, mode, count) { Scalar(signOf: $1, magnitudeOf: $0) }
    case .less: zip(d, a, b, mode, count) { $0 < $1 ? 1 : 0 }
    case .lessEqual: zip(d, a, b, mode, count) { $0 <= $1 ? 1 : 0 }
    case .equal: zip(d, a, b, mode, count) { $0 == $1 ? 1 : 0 }
    case .notEqual: zip(d, a, b, mode, count) { $0 != $1 ? 1 : 0 }
    case .and: zip(d, a, b, mode, count) { $0 != 0 ? $1 : 0 }
    case .or: zip(d, a, b, mode, count) { $0 != 0 ? 1 : $1 }
    case .xor: zip(d, a, b, mode, count) { $0 != $1 ? 1 : 0 }
    default: zip(d, a, b, mode, count) { _, _ in .nan }
    }
  }

  private static func modulo(_ x: Scalar, _ y: Scalar) -> Scalar {
    let rest = Scalar.fmod(x, y)
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest
  }

  private static func floorDivide(_ x: Scalar, _ y: Scalar) -> Scalar {
    if y == 0 { return x / y }
    let quotient = (x - modulo(x, y)) / y
    let floored = quotient.rounded(.down)
    return quotient - floored > 0.5 ? floored + 1 : floored
  }

  private func select(_ instruction: InstructionPointer, _ frame: Frame, _ d: Target, _ count: Int) {
    let c = source(instruction.pointee.a, frame)
    let x = source(instruction.pointee.b, frame), y = source(instruction.pointee.c, frame)
    if instruction.pointee.a.place == .scalar, count > 1 || instruction.pointee.destination.place != .scalar {
      let isTrue = c[0] != 0
      let chosen = isTrue ? x : y
      let isScalar = (isTrue ? instruction.pointee.b : instruction.pointee.c).place == .scalar
      for row in 0..<count { d[row] = chosen[isScalar ? 0 : row] }
      return
    }
    switch (instruction.pointee.b.place == .scalar, instruction.pointee.c.place == .scalar) {
    case (false, false): for row in 0..<count { d[row] = c[row] != 0 ? x[row] : y[row] }
    case (true, false):
      let value = x[0]
      for row in 0..<count { d[row] = c[row] != 0 ? value : y[row] }
    case (false, true):
      let value = y[0]
      for row in 0..<count { d[row] = c[row] != 0 ? x[row] : value }
    case (true, true):
      let (first, second) = (x[0], y[0])
      for row in 0..<count { d[row] = c[row] != 0 ? first : second }
    }
  }

  // MARK: Time

  private func reduce(_ instruction: InstructionPointer, _ frame: Frame, _ d: Target) {
    let a = source(instruction.pointee.a, frame)
    let count = frame.counts[Int(instruction.pointee.length.index)]
    switch instruction.pointee.opcode {
    case .timeSum: d[0] = Self.sum(a, count)
    case .timeProduct:
      var product: Scalar = 1
      for row in 0..<count { product *= a[row] }
      d[0] = product
    case .timeMinimum, .timeMaximum, .timeArgMinimum, .timeArgMaximum:
      let isMinimum = instruction.pointee.opcode == .timeMinimum || instruction.pointee.opcode == .timeArgMinimum
      let place = Self.extremum(a, count, isMinimum: isMinimum)
      let isPosition = instruction.pointee.opcode == .timeArgMinimum || instruction.pointee.opcode == .timeArgMaximum
      d[0] = place.map { isPosition ? Scalar($0) : a[$0] } ?? .nan
    case .timeElement:
      let row = Int(Int64(bitPattern: instruction.pointee.bits))
      let place = row < 0 ? row + count : row
      d[0] = place >= 0 && place < count ? a[place] : .nan
    case .timeElementAt:
      let row = source(instruction.pointee.b, frame)[0]
      guard row.isFinite, let whole = Int(exactly: row.rounded(.towardZero)) else {
        d[0] = .nan
        return
      }
      let place = whole < 0 ? whole + count : whole
      d[0] = place >= 0 && place < count ? a[place] : .nan
    case .timeQuantile: d[0] = quantile(a, count, Scalar(Double(bitPattern: instruction.pointee.bits)))
    default: d[0] = .nan
    }
  }

  /// numpy's pairwise order, so that long sums agree to the last digits.
  private static func sum(_ a: Source, _ count: Int) -> Scalar {
    if count < 8 {
      var sum: Scalar = 0
      for row in 0..<count { sum += a[row] }
      return sum
    }
    if count <= 128 {
      var lanes = SIMD8<Double>.zero
      var row = 0
      while row + 8 <= count {
        for lane in 0..<8 { lanes[lane] += Double(a[row + lane]) }
        row += 8
      }
      var sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
      while row < count {
        sum += Double(a[row])
        row += 1
      }
      return Scalar(sum)
    }
    let half = count / 2 - (count / 2) % 8
    return Self.sum(a, half) + Self.sum(a + half, count - half)
  }

  /// The first row with the smallest or largest value; a NaN wins, as in numpy.
  private static func extremum(_ a: Source, _ count: Int, isMinimum: Bool) -> Int? {
    guard count > 0 else { return nil }
    var best = 0
    for row in 0..<count {
      if a[row].isNaN { return row }
      if isMinimum ? a[row] < a[best] : a[row] > a[best] { best = row }
    }
    return best
  }

  private func quantile(_ a: Source, _ count: Int, _ level: Scalar) -> Scalar {
    guard count > 0 else { return .nan }
    scratch.removeAll(keepingCapacity: true)
    for row in 0..<count {
      if a[row].isNaN { return .nan }
      scratch.append(a[row])
    }
    scratch.sort()
    let position = level * Scalar(count - 1)
    let below = Int(position)
    let share = position - Scalar(below)
    return share == 0 ? scratch[below] : scratch[below] + (scratch[below + 1] - scratch[below]) * share
  }

  private func scan(_ instruction: InstructionPointer, _ frame: Frame, _ d: Target, _ count: Int) {
    let a = source(instruction.pointee.a, frame)
    switch instruction.pointee.opcode {
    case .spread:
      let value = a[0]
      for row in 0..<count { d[row] = value }
    case .timeSlice:
      let slice = code.slices[Int(instruction.pointee.bits)]
      let (first, rows) = slice.resolve(frame.counts[Int(instruction.pointee.c.index)])
      for row in 0..<min(rows, count) { d[row] = a[first + row * slice.step] }
    case .timeSort:
      scratch.removeAll(keepingCapacity: true)
      for row in 0..<count { scratch.append(a[row]) }
      // NaNs go last, as in numpy.
      scratch.sort { $1.isNaN ? !$0.isNaN : $0 < $1 }
      for row in 0..<count { d[row] = scratch[row] }
    default:
      guard count > 0 else { return }
      d[0] = a[0]
      for row in 1..<max(1, count) {
        d[row] = instruction.pointee.opcode == .runningSum ? d[row - 1] + a[row] : d[row - 1] * a[row]
      }
    }
  }
}
