import CRewardLibrary
import RewardPrograms
import Synchronization

/// An evaluator with the memory through which a caller's rows pass, a block at a time.
final class BlockEvaluator {
  private let program: RewardProgram
  private let machine: RewardProgramEvaluator
  private var records: [Double]
  private var terms: [Double]
  private let blockRows: Int

  init(_ program: RewardProgram) {
    self.program = program
    machine = program.makeEvaluator()
    let width = max(1, program.schema.width)
    // Half of a usual level-2 cache for the columns of a block.
    blockRows = max(8, min(1024, 64 * 1024 / width))
    records = [Double](repeating: 0, count: width * blockRows)
    terms = [Double](repeating: 0, count: max(1, program.termNames.count * blockRows))
  }

  func evaluate(
    _ sources: [ColumnSource], rows: Int, rewards: UnsafeMutablePointer<Double>, terms: UnsafeMutablePointer<Double>?
  ) {
    if program.kind == .fitness {
      rewards[0] = fitness(sources, rows)
      return
    }
    records.withUnsafeMutableBufferPointer { records in
      self.terms.withUnsafeMutableBufferPointer { blockTerms in
        guard let base = records.baseAddress, let own = blockTerms.baseAddress else { return }
        var row = 0
        while row < rows {
          let count = min(blockRows, rows - row)
          for source in sources { source.copy(row..<row + count, to: base + source.column * blockRows) }
          machine.evaluate(
            base: base, stride: blockRows, rows: 0..<count, total: rewards + row, terms: terms == nil ? nil : own)
          if let terms {
            for term in program.termNames.indices {
              (terms + term * rows + row).update(from: own + term * count, count: count)
            }
          }
          row += count
        }
      }
    }
  }

  /// A fitness sees the whole episode at once.
  private func fitness(_ sources: [ColumnSource], _ rows: Int) -> Double {
    let stride = max(1, rows)
    var columns = [Double](repeating: 0, count: max(1, program.schema.width) * stride)
    return columns.withUnsafeMutableBufferPointer { columns in
      guard let base = columns.baseAddress else { return .nan }
      for source in sources { source.copy(0..<rows, to: base + source.column * stride) }
      return machine.evaluateEpisode(base: base, stride: stride, rows: 0..<rows)
    }
  }
}

/// Evaluators at rest; each call takes one, and makes one if none is left.
final class EvaluatorPool: Sendable {
  private struct Resting: ~Copyable, @unchecked Sendable { var evaluators: [BlockEvaluator] = [] }
  private let resting = Mutex(Resting())

  func withEvaluator(of program: RewardProgram, _ body: (BlockEvaluator) -> Void) {
    let evaluator = resting.withLock { $0.evaluators.popLast() } ?? BlockEvaluator(program)
    body(evaluator)
    resting.withLock { $0.evaluators.append(evaluator) }
  }
}
