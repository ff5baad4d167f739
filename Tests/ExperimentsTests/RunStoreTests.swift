import Basics
import Experiments
import Foundation
import TestSupport
import Testing

@Suite struct RunStoreTests {
  private func temporary() -> URL {
    FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-runs-\(UUID().uuidString)")
  }

  @Test func keepsWhatARunSays() throws {
    let folder = temporary()
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = RunStore(directory: folder)
    let run = try store.begin(verb: "train", subject: "Hopper-v5", arguments: ["train", "Hopper-v5"], seed: 7)
    try run.write("hello", to: "candidates/0001.py")
    for step in 0..<3 { try run.log(["step": Double(step), "value": step == 1 ? .nan : 0.5]) }
    #expect(try store.find("last").record.status == .running)
    try run.finish(.done, summary: ["fitness": 0.25, "broken": .nan])
    let (record, directory) = try store.find(run.record.id)
    #expect(record.status == .done && record.seed == 7 && record.summary["fitness"] == 0.25)
    #expect(record.summary["broken"]?.isNaN == true)
    #expect(try Files.readText(directory.appendingPathComponent("candidates/0001.py")) == "hello")
    let lines = try Files.readText(directory.appendingPathComponent("metrics.jsonl")).split(separator: "\n")
    #expect(lines.count == 3)
    for line in lines { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }
  }

  @Test func manyAtOnceGetDifferentNames() throws {
    let folder = temporary()
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = RunStore(directory: folder)
    WorkerPool(threads: 4).forEach(40) { index in
      _ = try? store.begin(verb: "train", subject: "x", arguments: [], seed: UInt64(index))
    }
    #expect(Set(store.list().map(\.id)).count == 40)
    #expect(Set(store.list().map(\.seed)).count == 40)
  }

  /// A process that begins a run and dies without a word leaves a readable record that says so.
  @Test func aDeadProcessLeavesAnInterruptedRun() throws {
    let folder = temporary()
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = RunStore(directory: folder)
    let run = try store.begin(verb: "train", subject: "x", arguments: [], seed: 0)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "exit 0"]
    try process.run()
    process.waitUntilExit()
    // The record as that process would have left it.
    let url = run.directory.appendingPathComponent("run.json")
    let text = try Files.readText(url).replacingOccurrences(
      of: "\"process\" : \(ProcessInfo.processInfo.processIdentifier)", with: "\"process\" : \(process.processIdentifier)")
    try Files.write(text, to: url)
    #expect(store.list().map(\.status) == [.interrupted])
    try store.delete("last")
    #expect(store.list().isEmpty)
  }

  @Test func passesOverWhatIsNoRun() throws {
    let folder = temporary()
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = RunStore(directory: folder)
    #expect(store.list().isEmpty)
    for (name, text) in [("a", "{"), ("b", ""), ("c", "{\"id\": 3}")] {
      try Files.createDirectory(folder.appendingPathComponent(name))
      try Files.write(text, to: folder.appendingPathComponent("\(name)/run.json"))
    }
    try Files.write("a file", to: folder.appendingPathComponent("stray.txt"))
    #expect(store.list().isEmpty)
    #expect(throws: GuerdonError.self) { try store.find("last") }
  }

  @Test func aFolderThatCannotBeMadeIsSaidBeforeAnyWork() throws {
    let file = temporary()
    try Files.write("in the way", to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    do {
      _ = try RunStore(directory: file.appendingPathComponent("runs")).begin(
        verb: "train", subject: "x", arguments: [], seed: 0)
      Issue.record("it was made")
    } catch let error as GuerdonError {
      #expect(error.message.contains(file.path) && error.exitCode == 1)
    }
  }

  @Test func runningRunsAreNotDeleted() throws {
    let folder = temporary()
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = RunStore(directory: folder)
    let run = try store.begin(verb: "train", subject: "x", arguments: [], seed: 0)
    #expect(throws: GuerdonError.self) { try store.delete(run.record.id) }
    #expect(store.list().count == 1)
  }
}
