import Basics
import Foundation
import GRDB

/// Which runs are meant; what is nil is not asked for.
public struct RunFilter: Sendable {
  public var verb: String?
  public var method: String?
  public var task: String?
  public var status: RunRecord.Status?

  public init(verb: String? = nil, method: String? = nil, task: String? = nil, status: RunRecord.Status? = nil) {
    self.verb = verb
    self.method = method
    self.task = task
    self.status = status
  }

  func fits(_ record: RunRecord) -> Bool {
    (verb == nil || verb == record.verb) && (method == nil || method == record.method)
      && (task == nil || task == record.task) && (status == nil || status == record.status)
  }
}

/// `runs.sqlite`: the records of a folder of runs in one table, to be searched without opening every directory.
///
/// The directories stay the truth. What the index lacks is filled in from them whenever it is read, so that a process
/// may be killed between the two at any moment; an index that is damaged is kept aside and made anew.
struct RunIndex: Sendable {
  let directory: URL
  let notice: @Sendable (String) -> Void

  /// Changes when the table does; an index of another version is made anew.
  private static let version = 1

  /// The record is the row; the other columns are read from it, for those who ask in SQL.
  private static let schema = """
    DROP TABLE IF EXISTS runs;
    CREATE TABLE runs (
      id TEXT NOT NULL PRIMARY KEY,
      record TEXT NOT NULL,
      verb TEXT AS (json_extract(record, '$.verb')),
      method TEXT AS (json_extract(record, '$.method')),
      task TEXT AS (json_extract(record, '$.task')),
      seed INTEGER AS (json_extract(record, '$.seed')),
      status TEXT AS (json_extract(record, '$.status')),
      started TEXT AS (json_extract(record, '$.started')),
      finished TEXT AS (json_extract(record, '$.finished')),
      configuration TEXT AS (json_extract(record, '$.configuration')),
      metrics TEXT AS (json_extract(record, '$.metrics')),
      failure TEXT AS (json_extract(record, '$.failure'))
    );
    PRAGMA user_version = \(version);
    """

  private var file: URL { directory.appendingPathComponent("runs.sqlite") }

  /// The runs that fit, the oldest first.
  func records(_ filter: RunFilter) throws -> [RunRecord] {
    try withDatabase { database in
      try synchronize(database)
      let texts = try String.fetchAll(
        database,
        sql: """
          SELECT record FROM runs
          WHERE verb = ifnull(:verb, verb) AND (:method IS NULL OR method = :method)
            AND (:task IS NULL OR task = :task) AND status = ifnull(:status, status)
          ORDER BY started, id
          """,
        arguments: [
          "verb": filter.verb, "method": filter.method, "task": filter.task, "status": filter.status?.rawValue,
        ])
      return try texts.map { try RunRecord.decoder.decode(RunRecord.self, from: Data($0.utf8)) }
    }
  }

  func put(_ record: RunRecord) throws { try withDatabase { try Self.put(record, $0) } }

  func remove(_ id: String) throws {
    try withDatabase { try $0.execute(sql: "DELETE FROM runs WHERE id = ?", arguments: [id]) }
  }

  private static func put(_ record: RunRecord, _ database: Database) throws {
    try database.execute(
      sql: "INSERT OR REPLACE INTO runs (id, record) VALUES (?, ?)",
      arguments: [record.id, String(decoding: RunRecord.encoder.encode(record), as: UTF8.self)])
  }

  /// Brings the index up to what the directories say. Only what is new, was still running or says nothing is read.
  private func synchronize(_ database: Database) throws {
    let rows = try Row.fetchAll(database, sql: "SELECT id, ifnull(status, 'running') AS status FROM runs")
    var known: [String: String] = [:]
    for row in rows { known[try row.decode(forColumn: "id")] = try row.decode(String.self, forColumn: "status") }
    let folders = try RunRecord.directories(in: directory)
    for id in Set(known.keys).subtracting(folders) {
      try database.execute(sql: "DELETE FROM runs WHERE id = ?", arguments: [id])
    }
    for id in folders where known[id] == nil || known[id] == RunRecord.Status.running.rawValue {
      guard let record = try? RunRecord(readingFrom: directory.appendingPathComponent(id)) else { continue }
      if record.status.rawValue != known[id] { try Self.put(record, database) }
    }
  }

  /// One transaction. It is over, and the database closed, when this returns.
  ///
  /// The caller holds the folder, so that one process at a time opens the database, finds it damaged and replaces it.
  private func withDatabase<Result>(_ body: (Database) throws -> Result) throws -> Result {
    do {
      return try transaction(body)
    } catch where Self.isDamage(error) {
      try setAside()
      return try transaction { database in
        try synchronize(database)
        return try body(database)
      }
    }
  }

  private func transaction<Result>(_ body: (Database) throws -> Result) throws -> Result {
    var configuration = Configuration()
    configuration.journalMode = .wal
    configuration.busyMode = .timeout(30)
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
    let queue = try DatabaseQueue(path: file.path, configuration: configuration)
    defer { try? queue.close() }
    return try queue.write { database in
      if try Int.fetchOne(database, sql: "PRAGMA user_version") != Self.version {
        try database.execute(sql: Self.schema)
      }
      return try body(database)
    }
  }

  private static func isDamage(_ error: any Error) -> Bool {
    guard let error = error as? DatabaseError else { return error is RowDecodingError || error is DecodingError }
    // The last one is what SQLite says of a table, a column or a JSON text that is not what it was.
    return [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR].contains(error.resultCode)
  }

  private func setAside() throws {
    let name = "runs.sqlite.damaged-\(UUID().uuidString.prefix(8))"
    for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: file.path + suffix) {
      try FileManager.default.moveItem(
        atPath: file.path + suffix, toPath: directory.appendingPathComponent(name).path + suffix)
    }
    notice("The index of runs, \(file.path), was damaged; it is kept as \(name) and was made anew from the run directories.")
  }
}
