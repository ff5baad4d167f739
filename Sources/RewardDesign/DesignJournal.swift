import Agents
import Basics
import Experiments
import Foundation
import Proposers
import RewardAudit
import Synchronization

/// What a design run has behind it, kept as it happens: `journal.jsonl` in the run's folder, one record a line, and the
/// policies beside it. A run that was cut off, by Ctrl-C, kill -9 or a power loss, goes on from here and loses at most the
/// trainings that were in flight.
public final class DesignJournal: Sendable {
  /// One thing that happened. Each is on the disk before the loop goes on.
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
  }

  /// What the run was begun with; nil when nothing was written yet.
  public var beginning: (task: String, seed: UInt64, proposer: String, budget: DesignTask.Budget)? {
    guard case .begun(let task, let seed, let proposer, let budget)? = past.first else { return nil }
    return (task, seed, proposer, budget)
  }

  func append(_ record: Record) throws {
    let line = try JSONEncoder.exact.encode(record) + [UInt8(ascii: "\n")]
    try file.withLock { try $0.append(line, durably: true) }
  }

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
