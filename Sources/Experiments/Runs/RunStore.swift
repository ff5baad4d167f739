import Basics
import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A folder of runs, each a directory of its own, with an index in SQLite. Several processes may use it at once, and any
/// of them may be killed at any moment: a run is there whole or not at all, and one whose process died says so.
public struct RunStore: Sendable {
  public let directory: URL
  private let index: RunIndex
  private let notice: @Sendable (String) -> Void

  /// - Parameters:
  ///   - directory: nil takes `runs/` in the current directory.
  ///   - notice: told, in one sentence, what went wrong without harm; standard error if not given.
  public init(directory: URL? = nil, notice: @escaping @Sendable (String) -> Void = RunStore.toStandardError) {
    self.directory =
      directory ?? URL(fileURLWithPath: FileManager.default.currentDirectoryPath).appendingPathComponent("runs")
    self.notice = notice
    index = RunIndex(directory: self.directory, notice: notice)
  }

  public static let toStandardError: @Sendable (String) -> Void = { sentence in
    complain("guerdon: \(sentence)\n")
  }

  /// Begins a run: its directory exists, is writable and is held by this process when this returns.
  /// - Parameters:
  ///   - method: the method or algorithm.
  ///   - task: the task or environment.
  ///   - configuration: every setting; kept in full in `configuration.json`.
  /// - Throws: `GuerdonError` when it cannot be made, before any work is done.
  public func begin(
    verb: String, method: String? = nil, task: String? = nil, configuration: some Encodable & Sendable = [String: String](),
    arguments: [String], seed: UInt64
  ) throws -> Run {
    try Files.createDirectory(directory)
    let settings = try flattened(configuration)
    return try DirectoryLock.holding(directory) {
      sweep()
      // Made under a hidden name and renamed when it is whole.
      let hidden = directory.appendingPathComponent(".begun-\(UUID().uuidString)")
      guard mkdir(hidden.path, 0o755) == 0 else {
        throw GuerdonError.failure(
          "Cannot create a run in \(directory.path): \(String(cString: strerror(errno))). Give a writable folder with --out.")
      }
      do {
        let lock = try DirectoryLock(hidden, patience: 0)
        let id = freeName(for: task ?? method ?? verb)
        let record = RunRecord(
          id: id, verb: verb, method: method, task: task, arguments: arguments, configuration: settings, seed: seed,
          status: .running, started: Date(), finished: nil, process: getpid(), metrics: [:], failure: nil)
        try record.save(in: hidden)
        if !settings.isEmpty {
          try Files.write(RunRecord.encoder.encode(configuration), to: hidden.appendingPathComponent("configuration.json"))
        }
        let folder = directory.appendingPathComponent(id)
        guard rename(hidden.path, folder.path) == 0 else {
          throw GuerdonError.failure("Cannot create the run \(folder.path): \(String(cString: strerror(errno))).")
        }
        indexing { try index.put(record) }
        return Run(directory: folder, record: record, lock: lock, store: self)
      } catch {
        try? FileManager.default.removeItem(at: hidden)
        throw error
      }
    }
  }

  /// Takes up a run that did not come to its end; this process holds it when this returns.
  /// - Parameter verb: the command that made it.
  /// - Throws: `GuerdonError` when there is no such run, another process holds it, it has finished, or another command
  ///   made it.
  public func resume(_ id: String, verb: String) throws -> Run {
    let (record, folder) = try find(id)
    guard record.verb == verb else {
      throw GuerdonError.usage("Run \(record.id) was made by guerdon \(record.verb), which guerdon \(verb) cannot go on with.")
    }
    let lock: DirectoryLock
    do {
      lock = try DirectoryLock(folder, patience: 0)
    } catch {
      throw GuerdonError.failure("Run \(record.id) is in the hands of another process (\(record.process)); stop that one first.")
    }
    if record.status == .finished { throw GuerdonError.usage("Run \(record.id) has finished; there is nothing to go on with.") }
    try Files.removeUnfinished(in: folder)
    var going = record
    going.status = .running
    going.finished = nil
    going.failure = nil
    going.process = getpid()
    try update(going)
    return Run(directory: folder, record: going, lock: lock, store: self)
  }

  /// The runs that fit, the oldest first. What is no run is passed over.
  public func list(_ filter: RunFilter = RunFilter()) -> [RunRecord] {
    guard let names = try? RunRecord.directories(in: directory) else { return [] }
    do {
      return try DirectoryLock.holding(directory) { try index.records(filter) }
    } catch {
      // Without an index, as in a folder that may not be written, the directories say the same, only slower.
      return names.compactMap { try? RunRecord(readingFrom: directory.appendingPathComponent($0)) }
        .filter(filter.fits).sorted { ($0.started, $0.id) < ($1.started, $1.id) }
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

  /// Deletes a run with all that is in its directory.
  /// - Throws: `GuerdonError` when it is unknown, still running, or cannot be removed.
  public func delete(_ id: String) throws {
    let (record, folder) = try find(id)
    if record.status == .running { throw GuerdonError.failure("Run \(record.id) is still running; stop it first.") }
    try DirectoryLock.holding(directory) {
      // Gone at once; a process killed halfway through the files leaves them to the next sweep.
      guard rename(folder.path, directory.appendingPathComponent(".deleted-\(UUID().uuidString)").path) == 0 else {
        throw GuerdonError.failure("Cannot delete \(folder.path): \(String(cString: strerror(errno))).")
      }
      indexing { try index.remove(record.id) }
      sweep()
    }
  }

  /// Writes a record that has changed: into its directory first, then into the index.
  func update(_ record: RunRecord) throws {
    try record.save(in: directory.appendingPathComponent(record.id))
    indexing { try DirectoryLock.holding(directory) { try index.put(record) } }
  }

  /// Work on the index may fail without harm: the next list makes it up from the directories.
  private func indexing(_ body: () throws -> Void) {
    do {
      try body()
    } catch {
      let reason = (error as? GuerdonError)?.message ?? "\(error)"
      notice("The index of runs in \(directory.path) could not be written and will be brought up to date later: \(reason)")
    }
  }

  /// Removes what a process that was killed left behind while it began or deleted a run. The folder is held.
  private func sweep() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    for name in names where name.hasPrefix(".begun-") || name.hasPrefix(".deleted-") {
      try? FileManager.default.removeItem(at: directory.appendingPathComponent(name))
    }
  }

  /// A name of the present second and the subject that no run has. The folder is held.
  private func freeName(for subject: String) -> String {
    let stamp = DateFormatter()
    stamp.locale = Locale(identifier: "en_US_POSIX")
    stamp.dateFormat = "yyyyMMdd-HHmmss"
    let slug = String(subject.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }.prefix(40))
    let base = "\(stamp.string(from: Date()))-\(slug)"
    var name = base, number = 1
    while FileManager.default.fileExists(atPath: directory.appendingPathComponent(name).path) {
      number += 1
      name = "\(base)-\(number)"
    }
    return name
  }
}
