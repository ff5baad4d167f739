import Basics
import Experiments
import Foundation
import TestSupport
import Testing

#if os(Linux)
import Glibc

/// Several processes, some of them killed: each is this test's process once more.
@Suite(.serialized) struct RunStoreProcessTests {
  @Test func processesShareAFolder() async throws {
    let folder = try TemporaryFolder()
    let path = folder.url.path
    async let other: Void = finishForty(from: 0, path)
    await finishForty(from: 40, path)
    await other
    let records = RunStore(directory: folder.url).list(RunFilter(status: .finished))
    #expect(Set(records.map(\.seed)) == Set(0..<80) && records.count == 80)
    #expect(records.allSatisfy { $0.metrics["seed"] == [Double($0.seed)] })
  }

  private func finishForty(from first: Int, _ path: String) async {
    await #expect(processExitsWith: .success) { [first = first as Int, path = path as String] in
      let store = RunStore(directory: URL(fileURLWithPath: path))
      for seed in first..<first + 40 {
        try store.beginAny(UInt64(seed)).finish(.finished, metrics: ["seed": [Double(seed)]])
      }
    }
  }

  @Test func aProcessThatEndsWithoutAWordLeavesAnInterruptedRun() async throws {
    let folder = try TemporaryFolder()
    let path = folder.url.path
    await #expect(processExitsWith: .exitCode(3)) { [path = path as String] in
      let run = try RunStore(directory: URL(fileURLWithPath: path)).beginAny()
      withExtendedLifetime(run) { _exit(3) }
    }
    let store = RunStore(directory: folder.url)
    #expect(store.list().map(\.status) == [.interrupted])
    try store.delete("last")
    #expect(store.list().isEmpty)
  }

  struct Found: Decodable {
    var integrity: String
    /// Status by id, as the database and as the directories say.
    var indexed, kept: [String: String]
    var unreadable: [String]
  }

  /// Pairs of processes begin, log, finish, list and delete runs as fast as they can until they are killed. Each notes
  /// what it has done after it is done (and a deletion also before), so that what was promised can be compared with what
  /// is there.
  @Test func killedAtAnyMomentNothingIsLostOrHalfWritten() async throws {
    let folder = try TemporaryFolder()
    let journal = folder.url.appendingPathComponent("journal.txt"), runs = folder.url.appendingPathComponent("runs")
    try Files.write("", to: journal)
    var random = RandomGenerator(seed: 20)
    for _ in 0..<20 {
      let whole = (random.integer(below: 4), random.integer(below: 4))
      let more = (random.integer(below: 60_000), random.integer(below: 60_000))
      async let other: Void = killedAfter(runs: whole.0, microseconds: more.0, runs.path, journal.path)
      await killedAfter(runs: whole.1, microseconds: more.1, runs.path, journal.path)
      await other

      var promised: [String: String] = [:]
      var mayBeGone: Set<String> = []
      for line in try Files.readText(journal, limit: .max).split(separator: "\n") {
        let words = line.split(separator: " ").map(String.init)
        try #require(words.count == 2)
        if words[0] == "deleting" { mayBeGone.insert(words[1]) } else { promised[words[1]] = words[0] }
      }
      let found = try inspect(runs)
      #expect(found.integrity == "ok")
      #expect(found.unreadable.isEmpty)

      let records = RunStore(directory: runs).list()
      let listed = Dictionary(uniqueKeysWithValues: records.map { ($0.id, $0) })
      let there = Dictionary(uniqueKeysWithValues: records.map { ("\($0.id):\($0.seed)", $0.status) })
      for (run, state) in promised where !mayBeGone.contains(run) {
        let status = try #require(there[run], "\(run) was \(state) and is lost")
        if state == "finished" { #expect(status == .finished) }
      }
      for (run, state) in promised where state == "deleted" { #expect(there[run] == nil) }
      for record in records {
        #expect(record.status == .finished || record.status == .interrupted)
        if record.status == .finished { #expect(record.metrics["figures"]?.count == 100) }
        let lines = try? MetricsRecord.read(from: runs.appendingPathComponent("\(record.id)/metrics.jsonl"))
        #expect(lines?.map(\.step) ?? [] == Array(0..<(lines?.count ?? 0)))
        if record.status == .finished { #expect(lines?.count == 3) }
      }
      // Listing brought the index up to the directories.
      let after = try inspect(runs)
      #expect(after.integrity == "ok" && after.indexed == listed.mapValues(\.status.rawValue))
      #expect(Set(after.kept.keys) == Set(listed.keys))
    }
    // The kills came in the middle of things, and yet things were done.
    let statuses = RunStore(directory: runs).list().map(\.status)
    #expect(statuses.count { $0 == .interrupted } >= 5 && statuses.count { $0 == .finished } >= 20)
  }

  /// Killed some time after it has finished some runs, wherever it then is.
  private func killedAfter(runs count: Int, microseconds: Int, _ runs: String, _ journal: String) async {
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [count = count as Int, microseconds = microseconds as Int, runs = runs as String, journal = journal as String] in
      let store = RunStore(directory: URL(fileURLWithPath: runs))
      let notes = open(journal, O_WRONLY | O_APPEND)
      func note(_ word: String, _ id: String) {
        let line = Array("\(word) \(id)\n".utf8)
        _ = write(notes, line, line.count)
      }
      var number = 0
      while true {
        if number == count {
          Thread.detachNewThread {
            usleep(UInt32(microseconds))
            kill(getpid(), SIGKILL)
          }
        }
        // The name of a run that was deleted may be taken again; process and number tell the runs apart.
        let run = try store.begin(
          verb: "train", task: "x\(getpid())", configuration: ["long": String(repeating: "word ", count: 2_000)], arguments: [],
          seed: UInt64(number))
        let id = run.record.id, name = "\(id):\(number)"
        note("begun", name)
        for step in 0..<3 {
          try run.metrics.write(step: step, ["value": 1], texts: ["text": String(repeating: "word ", count: 2_000)])
        }
        try run.finish(.finished, metrics: ["figures": (0..<100).map(Double.init)])
        note("finished", name)
        number += 1
        if number % 3 == 0 {
          note("deleting", name)
          try store.delete(id)
          note("deleted", name)
        }
      }
    }
  }

  /// The folder as Python sees it.
  private func inspect(_ runs: URL) throws -> Found {
    try Python.run(
      """
      import json, os, sqlite3, sys
      runs, = json.load(sys.stdin)
      database = sqlite3.connect(os.path.join(runs, "runs.sqlite"))
      integrity = database.execute("PRAGMA integrity_check").fetchone()[0]
      indexed = dict(database.execute("SELECT id, status FROM runs"))
      kept, unreadable = {}, []
      for name in os.listdir(runs):
          if name.startswith(".") or name.startswith("runs.sqlite"): continue
          try:
              with open(os.path.join(runs, name, "run.json")) as file: record = json.load(file)
              assert record["id"] == name
              with open(os.path.join(runs, name, "configuration.json")) as file: json.load(file)
              kept[name] = record["status"]
          except Exception as error: unreadable.append(f"{name}: {error}")
      print(json.dumps(dict(integrity=integrity, indexed=indexed, kept=kept, unreadable=unreadable)))
      """, input: [runs.path])
  }
}
#endif
