import Basics
import Synchronization

extension RunContext {
  /// The results of independent jobs in their order, on `jobs` threads and with progress.
  /// - Parameters:
  ///   - title: what the progress line begins with.
  ///   - name: what is counted there, for example "runs".
  ///   - job: must depend on its number alone, so that the number of threads changes nothing.
  /// - Throws: the error of the first job that threw, or `CancellationError` once the run is to stop.
  public func results<Value: Sendable>(
    _ count: Int, of title: String, named name: String, _ job: @Sendable (Int) throws -> Value
  ) throws -> [Value] {
    let results = Mutex([Result<Value, any Error>?](repeating: nil, count: count))
    let finished = Mutex(0)
    WorkerPool(threads: jobs).forEach(count) { index in
      if interruption.isRequested { return }
      let result = Result { try job(index) }
      results.withLock { $0[index] = result }
      let done = finished.withLock { $0 += 1; return $0 }
      progress.update(title, fraction: Double(done) / Double(count), detail: "\(done) of \(count) \(name)")
    }
    if interruption.isRequested { throw CancellationError() }
    return try results.withLock { try $0.compactMap { try $0?.get() } }
  }
}
