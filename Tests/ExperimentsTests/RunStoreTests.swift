import Basics
import Experiments
import Foundation
import Synchronization
import TestSupport
import Testing

/// A folder that is gone when the test is.
final class TemporaryFolder: Sendable {
  let url = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-runs-\(UUID().uuidString)")

  init() throws { try Files.createDirectory(url) }
  deinit { try? FileManager.default.removeItem(at: url) }
}

/// What a store said.
final class Notices: Sendable {
  private let sentences = Mutex<[String]>([])
  var all: [String] { sentences.withLock { $0 } }
  @Sendable func hear(_ sentence: String) { sentences.withLock { $0.append(sentence) } }
}

extension RunStore {
  /// A run of no particular kind.
  func beginAny(_ seed: UInt64 = 0) throws -> Run { try begin(verb: "train", task: "x", arguments: [], seed: seed) }
}

@Suite struct RunStoreTests {
  struct Settings: Codable {
    struct Learner: Codable { var rate: Float = 3e-4, name = "adam" }
    var learner = Learner(), seeds: [UInt64] = [1, 2], deep = true, target: Double? = nil
  }

  @Test func keepsWhatARunSays() throws {
    let folder = try TemporaryFolder()
    let store = RunStore(directory: folder.url)
    let run = try store.begin(
      verb: "train", method: "ppo", task: "Hopper-v5", configuration: Settings(), arguments: ["train", "Hopper-v5"],
      seed: .max)
    try run.write("hello", to: "candidates/0001.py")
    #expect(try store.find("last").record.status == .running)
    try run.finish(.finished, metrics: ["fitness": [0.25, 0.5], "broken": [.nan]])
    let (record, directory) = try store.find(run.record.id)
    #expect(record.status == .finished && record.seed == .max && record.metrics["fitness"] == [0.25, 0.5])
    #expect(record.metrics["broken"]?.first?.isNaN == true)
    #expect(record.configuration == [
      "learner.rate": "0.0003", "learner.name": "adam", "seeds": "[1,2]", "deep": "true",
    ])
    #expect(try Files.readText(directory.appendingPathComponent("candidates/0001.py")) == "hello")
    let settings = try JSONDecoder().decode(
      Settings.self, from: Files.read(directory.appendingPathComponent("configuration.json")))
    #expect(settings.learner.rate == 3e-4 && settings.seeds == [1, 2])
  }

  @Test func filtersByWhatIsAsked() throws {
    let folder = try TemporaryFolder()
    let store = RunStore(directory: folder.url)
    let a = try store.begin(verb: "train", method: "ppo", task: "Hopper-v5", arguments: [], seed: 0)
    let b = try store.begin(verb: "reproduce", method: "eureka", arguments: [], seed: 1)
    let c = try store.begin(verb: "train", method: "sac", task: "Hopper-v5", arguments: [], seed: 2)
    try b.finish(.failed, failure: "No luck.")
    func ids(_ filter: RunFilter) -> [String] { store.list(filter).map(\.id) }
    #expect(ids(RunFilter()) == [a, b, c].map(\.record.id))
    #expect(ids(RunFilter(verb: "train")) == [a, c].map(\.record.id))
    #expect(ids(RunFilter(method: "sac", task: "Hopper-v5")) == [c.record.id])
    #expect(ids(RunFilter(task: "Hopper-v5", status: .running)) == [a, c].map(\.record.id))
    #expect(ids(RunFilter(status: .failed)) == [b.record.id])
    #expect(ids(RunFilter(method: "' OR 1 --")) == [])
    #expect(try store.find("last").record.id == c.record.id)
  }

  @Test func manyAtOnceGetDifferentNames() throws {
    let folder = try TemporaryFolder()
    let store = RunStore(directory: folder.url)
    let runs = Mutex<[Run]>([])
    WorkerPool(threads: 4).forEach(40) { index in
      if let run = try? store.beginAny(UInt64(index)) { runs.withLock { $0.append(run) } }
    }
    let records = store.list(RunFilter(status: .running))
    #expect(Set(records.map(\.id)).count == 40 && Set(records.map(\.seed)).count == 40)
    runs.withLock { #expect($0.count == 40) }
  }

  @Test func passesOverWhatIsNoRun() throws {
    let folder = try TemporaryFolder()
    let store = RunStore(directory: folder.url)
    #expect(store.list().isEmpty)
    for (name, text) in [("a", "{"), ("b", ""), ("c", "{\"id\": 3}")] {
      try Files.createDirectory(folder.url.appendingPathComponent(name))
      try Files.write(text, to: folder.url.appendingPathComponent("\(name)/run.json"))
    }
    try Files.write("a file", to: folder.url.appendingPathComponent("stray.txt"))
    #expect(store.list().isEmpty)
    #expect(throws: GuerdonError.self) { try store.find("last") }
    #expect(RunStore(directory: folder.url.appendingPathComponent("nowhere")).list().isEmpty)
    #expect(!FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("nowhere").path))
  }

  @Test func aFolderThatCannotBeMadeIsSaidBeforeAnyWork() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("file")
    try Files.write("in the way", to: file)
    let error = #expect(throws: GuerdonError.self) {
      try RunStore(directory: file.appendingPathComponent("runs")).beginAny()
    }
    #expect(error?.message.contains(file.path) == true && error?.exitCode == 1)
  }

  @Test func finishedRunsAreDeletedAndRunningOnesAreNot() throws {
    let folder = try TemporaryFolder()
    let store = RunStore(directory: folder.url)
    let run = try store.beginAny()
    let error = #expect(throws: GuerdonError.self) { try store.delete(run.record.id) }
    #expect(error?.message.contains("still running") == true)
    #expect(store.list().count == 1)
    try run.finish(.finished)
    try store.delete(run.record.id)
    #expect(store.list().isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["runs.sqlite"])
  }

  @Test func aRunThatIsDroppedWithoutAnEndIsInterrupted() throws {
    let folder = try TemporaryFolder()
    let store = RunStore(directory: folder.url)
    var run: Run? = try store.beginAny()
    #expect(store.list().map(\.status) == [.running])
    withExtendedLifetime(run) {}
    run = nil
    #expect(store.list().map(\.status) == [.interrupted])
    try store.delete("last")
    #expect(store.list().isEmpty)
  }

  @Test func aFolderMayBeMovedAndItsRunsCopiedIn() throws {
    let folder = try TemporaryFolder()
    let first = folder.url.appendingPathComponent("first"), second = folder.url.appendingPathComponent("second")
    let run = try RunStore(directory: first).beginAny(3)
    try run.finish(.finished, metrics: ["m": [1]])
    try FileManager.default.moveItem(at: first, to: second)
    let store = RunStore(directory: second)
    try FileManager.default.copyItem(
      at: second.appendingPathComponent(run.record.id), to: second.appendingPathComponent("copy"))
    #expect(Set(store.list().map(\.id)) == [run.record.id, "copy"])
    try FileManager.default.removeItem(at: second.appendingPathComponent(run.record.id))
    #expect(store.list().map(\.id) == ["copy"] && store.list().map(\.seed) == [3])
  }

  // MARK: A damaged index

  enum Damage: CaseIterable {
    case missing, empty, garbage, cutInHalf, zeroedPages, otherTable, otherRecord, otherVersion

    /// Whether it is more than an index that was never made, or rows that say nothing.
    var isNoticed: Bool { ![.missing, .empty, .otherRecord, .otherVersion].contains(self) }

    func hit(_ file: URL) throws {
      var data = try Files.read(file)
      switch self {
      case .missing: return try FileManager.default.removeItem(at: file)
      case .empty: data = Data()
      case .garbage: data = Data((0..<data.count).map { UInt8(truncatingIfNeeded: $0 &* 97) })
      case .cutInHalf: data = data.prefix(data.count / 2)
      case .zeroedPages: data.replaceSubrange(4_096..<data.count, with: Data(count: data.count - 4_096))
      case .otherTable, .otherRecord, .otherVersion:
        let sql: [Damage: String] = [
          .otherTable: "DROP TABLE runs; CREATE TABLE runs (id INTEGER)",
          .otherRecord: "UPDATE runs SET record = '{}'", .otherVersion: "PRAGMA user_version = 999",
        ]
        let _: Bool = try Python.run(
          """
          import json, sqlite3, sys
          path, sql = json.load(sys.stdin)
          with sqlite3.connect(path) as database: database.executescript(sql)
          print("true")
          """, input: [file.path, sql[self] ?? ""])
        return
      }
      try Files.write(data, to: file)
    }
  }

  @Test(arguments: Damage.allCases) func aDamagedIndexIsMadeAnew(damage: Damage) throws {
    let folder = try TemporaryFolder()
    let notices = Notices()
    let store = RunStore(directory: folder.url, notice: notices.hear)
    for seed in 0..<20 {
      try store.begin(
        verb: "train", task: "x", configuration: ["long": String(repeating: "word ", count: 200)], arguments: [],
        seed: UInt64(seed)
      ).finish(.finished, metrics: ["m": [Double(seed)]])
    }
    let file = folder.url.appendingPathComponent("runs.sqlite")
    let before = store.list()
    #expect(before.count == 20)
    try damage.hit(file)
    let after = store.list()
    #expect(after.map(\.id) == before.map(\.id) && after == before)
    let said = notices.all
    let kept = try FileManager.default.contentsOfDirectory(atPath: folder.url.path).filter { $0.contains("damaged") }
    #expect(said.count == (damage.isNoticed ? 1 : 0) && kept.isEmpty != damage.isNoticed, "\(said) \(kept)")
    // And it works as before.
    try store.beginAny(77).finish(.finished)
    #expect(store.list().map(\.seed) == (0..<20).map(UInt64.init) + [77])
    #expect(notices.all == said)
  }

  @Test func withoutAnIndexTheDirectoriesSayTheSame() throws {
    let folder = try TemporaryFolder()
    let notices = Notices()
    let store = RunStore(directory: folder.url, notice: notices.hear)
    // A directory where the database would be can neither be opened nor be moved.
    try Files.createDirectory(folder.url.appendingPathComponent("runs.sqlite"))
    let run = try store.begin(verb: "train", method: "ppo", arguments: [], seed: 5)
    try run.finish(.finished, metrics: ["m": [1]])
    #expect(store.list().map(\.metrics) == [["m": [1]]])
    #expect(store.list(RunFilter(method: "sac")).isEmpty && store.list(RunFilter(method: "ppo")).count == 1)
    #expect(!notices.all.isEmpty)
  }
}
