import Basics
import Experiments
import Synchronization

extension RunContext {
  /// `body(0)`, …, `body(count - 1)` on the run's threads, with progress; results in order, whatever the threads.
  /// - Throws: the first error in order, or `CancellationError` when the run was stopped.
  func map<Value: Sendable>(
    _ count: Int, _ title: String, _ body: @Sendable (Int) throws -> Value
  ) throws -> [Value] {
    let results = Mutex([Result<Value, any Error>?](repeating: nil, count: count))
    let finished = Mutex(0)
    WorkerPool(threads: jobs).forEach(count) { index in
      if interruption.isRequested { return }
      let result = Result { try body(index) }
      results.withLock { $0[index] = result }
      let done = finished.withLock { $0 += 1; return $0 }
      progress.update(title, fraction: Double(done) / Double(count), detail: "\(done) of \(count)")
    }
    if interruption.isRequested { throw CancellationError() }
    return try results.withLock { try $0.compactMap { try $0?.get() } }
  }
}
