/// A compiled program with the scratch memory to run it; belongs to one thread at a time.
public final class RewardProgramEvaluator {
  private enum Machines {
    case single(full: Machine<Float>, total: Machine<Float>)
    case double(full: Machine<Double>, total: Machine<Double>)
  }

  private let compiled: Compiled
  private let machines: Machines

  /// Bytes of a block's registers: enough rows that an instruction's start costs little beside them, and few enough that
  /// they stay in the core's second cache.
  private static let blockBytes = 128 * 1024

  init(_ compiled: Compiled) {
    self.compiled = compiled
    switch compiled.graph.precision {
    case .single:
      machines = .single(full: Self.machine(compiled.code), total: Self.machine(compiled.totalCode))
    case .double:
      machines = .double(full: Self.machine(compiled.code), total: Self.machine(compiled.totalCode))
    }
  }

  private static func machine<Scalar: Lane>(_ code: NativeCode) -> Machine<Scalar> {
    let rows = blockBytes / (MemoryLayout<Scalar>.size * max(1, code.registerCount))
    return Machine(code, capacity: min(1024, max(64, rows / 64 * 64)))
  }

  /// Computes the rewards of some rows of transition records.
  /// - Parameters:
  ///   - base: component `c` of row `i` stands at `base[c * stride + i]`; columns in the order of the schema.
  ///   - total: receives one reward a row, `total[0]` for `rows.lowerBound`.
  ///   - terms: receives the terms, `terms[k * rows.count + i]` for term `k`; nil when they are not wanted.
  ///
  /// Allocates nothing. A value that is not a number is passed on as it is.
  public func evaluate(
    base: UnsafePointer<Double>, stride: Int, rows: Range<Int>, total: UnsafeMutablePointer<Double>,
    terms: UnsafeMutablePointer<Double>?
  ) {
    switch machines {
    case .single(let full, let totalOnly):
      run(terms == nil ? totalOnly : full, base: base, stride: stride, rows: rows, total: total, terms: terms)
    case .double(let full, let totalOnly):
      run(terms == nil ? totalOnly : full, base: base, stride: stride, rows: rows, total: total, terms: terms)
    }
  }

  private func run<Scalar: Lane>(
    _ machine: Machine<Scalar>, base: UnsafePointer<Double>, stride: Int, rows: Range<Int>,
    total: UnsafeMutablePointer<Double>, terms: UnsafeMutablePointer<Double>?
  ) {
    var row = 0
    while row < rows.count {
      let count = min(machine.capacity, rows.count - row)
      machine.run(
        Machine<Scalar>.Block(
          base: base + rows.lowerBound + row, stride: stride, rows: count, output: total + row,
          otherOutputs: terms.map { $0 + row }, outputStride: rows.count, outputRows: count))
      row += count
    }
  }

  /// Computes the fitness of one episode, whose steps are the rows `rows` of transition records laid out as above.
  public func evaluateEpisode(base: UnsafePointer<Double>, stride: Int, rows: Range<Int>) -> Double {
    guard case .double(_, let machine) = machines else { return .nan }
    machine.reserve(rows.count)
    var result = [Double](repeating: .nan, count: 1)
    result.withUnsafeMutableBufferPointer { result in
      guard let output = result.baseAddress else { return }
      machine.run(
        Machine<Double>.Block(
          base: base + rows.lowerBound, stride: stride, rows: rows.count, output: output, otherOutputs: nil,
          outputStride: 0, outputRows: 1))
    }
    return result[0]
  }
}
