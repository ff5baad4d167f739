import Foundation
import Synchronization

/// Writes metrics twice: as lines of JSON for programs, and as an event file that TensorBoard reads.
///
/// Whole records are appended, so that a process killed at any moment loses at most the record it was writing. May be
/// used from several threads.
public final class MetricsWriter: Sendable {
  private struct Output: ~Copyable {
    var lines: AppendedFile
    var events: EventFile
  }

  private let directory: URL
  private let output = Mutex<Output?>(nil)

  /// - Parameter directory: where `metrics.jsonl` is gone on with, or begun, and an event file is begun, once there is
  ///   something to write.
  public init(directory: URL) { self.directory = directory }

  /// Writes what was measured at one step. Tags are grouped in TensorBoard by what stands before their first "/".
  /// - Parameters:
  ///   - step: environment steps, updates, or whatever the x axis counts.
  ///   - texts: Markdown to TensorBoard.
  /// - Throws: `GuerdonError` when the disk is full or the directory has gone.
  public func write(
    step: Int, _ scalars: [String: Double], texts: [String: String] = [:], histograms: [String: Histogram] = [:]
  ) throws {
    try output.withLock { output in
      if output == nil {
        var lines = try AppendedFile(directory.appendingPathComponent("metrics.jsonl"))
        try lines.removeTail(after: UInt8(ascii: "\n"))
        output = Output(lines: lines, events: try EventFile(in: directory))
      }
      let record = MetricsRecord(
        step: step, time: Date().timeIntervalSince1970, scalars: scalars, texts: texts, histograms: histograms)
      try output?.lines.append(record.line)
      try output?.events.append(record)
    }
  }
}
