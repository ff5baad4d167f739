import Agents
import Basics
import Experiments
import Foundation
import Proposers
import RewardAudit
import Synchronization

/// What a design run has behind it, kept as it happens: `journal.jsonl` in the run's folder, one record a line, and the
/// policies beside it. A run that was cut off, by Ctrl-C, kill -9 or a power loss, goes on from here and loses at most
/// the trainings that were in flight.
public final class DesignJournal: Sendable {
  /// One thing that happened. The end of a training is on the disk some milliseconds later, and everything else before
  /// the loop goes on: candidates that end together share one writing to the disk.
  enum Record: Codable, Sendable {
    /// What the run was begun with; a journal goes on only with the same.
    case begun(task: String, seed: UInt64, proposer: String, budget: DesignTask.Budget)
    case probed([EpisodeDigest])
    case proposed(generation: Int, [Proposal], state: String?)
    case ended(Candidate)
    case advised(Feedback)
    case compared(arm: String, seed: UInt64, TrainingDigest, [[AuditedEpisode]])
  }

  let directory: URL
  /// What was read when the journal was opened.
  let past: [Record]
  private let file: Mutex<AppendedFile>
  private let flusher: Flusher

  /// Opens the journal in a run's folder, or begins one. What was being written when the run was cut off is removed.
  /// - Throws: `GuerdonError` when it cannot be read or written, or is damaged before its last line.
  public init(_ directory: URL) throws {
    self.directory = directory
    let url = directory.appendingPathComponent("journal.jsonl")
    var opened = try AppendedFile(url)
    try opened.removeTail(after: UInt8(ascii: "\n"))
    let decoder = JSONDecoder.exact
    let lines = try Files.read(url, limit: 4 << 30).split(separator: UInt8(ascii: "\n"))
    past = try lines.enumerated().map { number, line in
      do {
        return try decoder.decode(Record.self, from: line)
      } catch {
        throw GuerdonError.failure("\(url.path) is damaged at line \(number + 1), so the run cannot go on.")
      }
    }
    file = Mutex(opened)
    flusher = try Flusher(url)
  }

  /// What the run was begun with; nil when nothing was written yet.
  public var beginning: (task: String, seed: UInt64, proposer: String, budget: DesignTask.Budget)? {
    guard case .begun(let task, let seed, let proposer, let budget)? = past.first else { return nil }
    return (task, seed, proposer, budget)
  }

  func append(_ record: Record) throws {
    let line = try JSONEncoder.exact.encode(record) + [UInt8(ascii: "\n")]
    try file.withLock { try $0.append(line) }
    flusher.begin()
    if case .ended = record { try flusher.check() } else { try settle() }
  }

  /// Returns when all that was appended would survive a power loss.
  /// - Throws: `GuerdonError` when the disk did not take it.
  func settle() throws { try flusher.wait() }

  /// Keeps a policy; it is on the disk before the record that speaks of it.
  func keep(_ policy: Policy, as name: String) throws {
    try Files.createDirectory(directory.appendingPathComponent("policies"))
    try policy.save(to: location(name))
  }

  /// - Throws: `GuerdonError` when it is missing or damaged.
  func policy(_ name: String) throws -> Policy { try Policy.load(location(name)) }

  private func location(_ name: String) -> URL {
    directory.appendingPathComponent("policies").appendingPathComponent(name + ".safetensors")
  }

  static func name(ofCandidate id: Int) -> String { "candidate-" + String(repeating: "0", count: max(0, 4 - "\(id)".count)) + "\(id)" }
  static func name(arm: String, seed: UInt64) -> String { arm.replacingOccurrences(of: " ", with: "-") + "-\(seed)" }
}

/// Has the system put a file's new bytes on the disk, beside whoever writes them: one flush takes all that came before
/// it.
private final class Flusher: Sendable {
  private struct State {
    var isDue = false
    var failure: GuerdonError?
  }
  private let path: String
  private let descriptor: Int32
  private let queue = DispatchQueue(label: "guerdon.journal")
  private let state = Mutex(State())

  /// - Throws: `GuerdonError` when the file cannot be opened.
  init(_ url: URL) throws {
    path = url.path
    descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw GuerdonError.failure("Cannot write \(path): \(String(cString: strerror(errno))).")
    }
  }

  deinit { close(descriptor) }

  /// Sees to it that what was written until now will be on the disk.
  func begin() {
    let isDue = state.withLock { state in
      defer { state.isDue = true }
      return state.isDue
    }
    if !isDue { queue.async { self.flush() } }
  }

  private func flush() {
    state.withLock { $0.isDue = false }
    guard fsync(descriptor) != 0 else { return }
    let reason = String(cString: strerror(errno))
    state.withLock { $0.failure = .failure("Cannot write \(path): \(reason).") }
  }

  /// - Throws: `GuerdonError` when the disk did not take something.
  func check() throws { if let failure = state.withLock({ $0.failure }) { throw failure } }

  /// Returns when everything is on the disk.
  /// - Throws: as `check()`.
  func wait() throws {
    queue.sync {}
    try check()
  }
}
