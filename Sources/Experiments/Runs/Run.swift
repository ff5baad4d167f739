import Basics
import Foundation
import Synchronization

/// One execution and its directory: `run.json`, metrics, artefacts, a report. This process holds the directory until the
/// run is finished or the process ends.
public final class Run: Sendable {
  public let directory: URL
  /// `metrics.jsonl` and TensorBoard's event file in the directory, made when something is written.
  public let metrics: MetricsWriter
  private let current: Mutex<RunRecord>
  private let lock: DirectoryLock
  private let store: RunStore

  init(directory: URL, record: RunRecord, lock: DirectoryLock, store: RunStore) {
    self.directory = directory
    self.lock = lock
    self.store = store
    metrics = MetricsWriter(directory: directory)
    current = Mutex(record)
  }

  public var record: RunRecord { current.withLock { $0 } }

  /// Writes an artefact, whole or not at all; folders in its name are made.
  public func write(_ text: String, to name: String) throws { try write(Data(text.utf8), to: name) }

  public func write(_ data: Data, to name: String) throws {
    let url = directory.appendingPathComponent(name)
    try Files.createDirectory(url.deletingLastPathComponent())
    try Files.write(data, to: url)
  }

  public func write(json value: some Encodable, to name: String) throws {
    try write(RunRecord.encoder.encode(value), to: name)
  }

  /// Ends the run.
  /// - Parameter metrics: closing figures by name, each one value or one a seed.
  public func finish(
    _ status: RunRecord.Status, metrics: [String: [Double]] = [:], failure: String? = nil
  ) throws {
    let record = current.withLock { record in
      record.status = status
      record.finished = Date()
      record.metrics = metrics
      record.failure = failure
      return record
    }
    try store.update(record)
    lock.release()
  }
}
