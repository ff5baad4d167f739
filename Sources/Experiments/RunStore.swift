import Basics
import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What is known of one run: the content of its `run.json`.
public struct RunRecord: Sendable, Codable {
  public enum Status: String, Sendable, Codable {
    case running, done, failed, cancelled
    /// It says "running", but its process is gone.
    case interrupted
  }

  public var id: String
  /// The command's verb: "design", "train", "reproduce".
  public var verb: String
  /// What it worked on: a task, a method, an environment.
  public var subject: String
  public var arguments: [String]
  public var seed: UInt64
  public var status: Status
  public var started: Date
  public var finished: Date?
  public var process: Int32
  /// Key figures, by name.
  public var summary: [String: Double]
  /// Why it failed.
  public var failure: String?
}

/// A directory of runs, each a directory of its own. Several processes may use it at once.
public struct RunStore: Sendable {
  public let directory: URL

  /// - Parameter directory: nil takes `runs/` in the current directory.
  public init(directory: URL? = nil) {
    self.directory =
      directory ?? URL(fileURLWithPath: FileManager.default.currentDirectoryPath).appendingPathComponent("runs")
  }

  /// Begins a run: its directory exists and is writable when this returns.
  /// - Throws: `GuerdonError` when it cannot be made, before any work is done.
  public func begin(verb: String, subject: String, arguments: [String], seed: UInt64) throws -> Run {
    try Files.createDirectory(directory)
    let stamp = DateFormatter()
    stamp.locale = Locale(identifier: "en_US_POSIX")
    stamp.dateFormat = "yyyyMMdd-HHmmss"
    let base = "\(stamp.string(from: Date()))-\(Self.slug(subject))"
    // The process that makes the directory owns the name; two runs of one second get different ones.
    for attempt in 0..<1_000 {
      let id = attempt == 0 ? base : "\(base)-\(attempt + 1)"
      let folder = directory.appendingPathComponent(id)
      if mkdir(folder.path, 0o755) == 0 {
        let record = RunRecord(
          id: id, verb: verb, subject: subject, arguments: arguments, seed: seed, status: .running, started: Date(),
          finished: nil, process: getpid(), summary: [:], failure: nil)
        let run = Run(directory: folder, record: record)
        do {
          try run.save()
        } catch {
          try? FileManager.default.removeItem(at: folder)
          throw error
        }
        return run
      }
      if errno != EEXIST {
        throw GuerdonError.failure(
          "Cannot create a run in \(directory.path): \(String(cString: strerror(errno))). Give a writable folder with --out.")
      }
    }
    throw GuerdonError.failure("Cannot find a free name for a run in \(directory.path).")
  }

  /// All runs, the oldest first. What is no run is passed over.
  public func list() -> [RunRecord] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return names.compactMap { try? record(at: directory.appendingPathComponent($0)) }.sorted {
      ($0.started, $0.id) < ($1.started, $1.id)
    }
  }

  /// The run called `id`, or the only one whose id begins or ends so; "last" is the newest.
  /// - Throws: `GuerdonError` when there is none, or more than one.
  public func find(_ id: String) throws -> (record: RunRecord, directory: URL) {
    let all = list()
    let matches = id == "last" ? all.suffix(1) : all.filter { $0.id == id }
    let loose = matches.isEmpty ? all.filter { $0.id.hasPrefix(id) || $0.id.hasSuffix(id) } : Array(matches)
    guard let match = loose.first else {
      throw GuerdonError.usage(
        "There is no run \"\(id)\" in \(directory.path)." + suggestion(for: id, among: all.map(\.id)))
    }
    guard loose.count == 1 else {
      throw GuerdonError.usage("\"\(id)\" fits several runs: \(loose.map(\.id).joined(separator: ", ")).")
    }
    return (match, directory.appendingPathComponent(match.id))
  }

  /// - Throws: `GuerdonError` when it is unknown, still running, or cannot be removed.
  public func delete(_ id: String) throws {
    let (record, folder) = try find(id)
    if record.status == .running { throw GuerdonError.usage("Run \(record.id) is still going on; stop it first.") }
    do {
      try FileManager.default.removeItem(at: folder)
    } catch {
      throw GuerdonError.failure("Cannot delete \(folder.path): \(error.localizedDescription)")
    }
  }

  private func record(at folder: URL) throws -> RunRecord {
    var record = try Run.decoder.decode(
      RunRecord.self, from: Files.read(folder.appendingPathComponent("run.json"), limit: 1 << 20))
    if record.status == .running && kill(record.process, 0) != 0 && errno == ESRCH { record.status = .interrupted }
    return record
  }

  private static func slug(_ subject: String) -> String {
    let kept = subject.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
    return String(kept.prefix(40))
  }
}

/// One execution and its directory: `run.json`, `metrics.jsonl`, artefacts, a report.
public final class Run: @unchecked Sendable {
  public let directory: URL
  private let lock = NSLock()
  private var current: RunRecord
  private var metrics: FileHandle?

  static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return encoder
  }()
  static let decoder: JSONDecoder = {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return decoder
  }()

  init(directory: URL, record: RunRecord) {
    self.directory = directory
    current = record
  }

  public var record: RunRecord { lock.withLock { current } }

  /// Writes an artefact, whole or not at all; folders in its name are made.
  public func write(_ text: String, to name: String) throws { try write(Data(text.utf8), to: name) }

  public func write(_ data: Data, to name: String) throws {
    let url = directory.appendingPathComponent(name)
    try Files.createDirectory(url.deletingLastPathComponent())
    try Files.write(data, to: url)
  }

  public func write(json value: some Encodable, to name: String) throws { try write(Self.encoder.encode(value), to: name) }

  /// Appends one line to `metrics.jsonl`.
  public func log(_ values: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    let line = try encoder.encode(values) + Data("\n".utf8)
    try lock.withLock {
      if metrics == nil {
        let url = directory.appendingPathComponent("metrics.jsonl")
        if !FileManager.default.fileExists(atPath: url.path) { try Files.write(Data(), to: url) }
        metrics = try FileHandle(forWritingTo: url)
        _ = try metrics?.seekToEnd()
      }
      try metrics?.write(contentsOf: line)
    }
  }

  /// Ends the run.
  public func finish(_ status: RunRecord.Status, summary: [String: Double] = [:], failure: String? = nil) throws {
    lock.withLock {
      current.status = status
      current.finished = Date()
      current.summary = summary
      current.failure = failure
    }
    try save()
  }

  func save() throws { try Files.write(Self.encoder.encode(record), to: directory.appendingPathComponent("run.json")) }
}
