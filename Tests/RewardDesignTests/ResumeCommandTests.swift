import Foundation
import Testing

/// `guerdon design --resume`, as a user calls it.
@Suite struct ResumeCommandTests {
  /// A run that was begun with options of its own is killed, and goes on with them although they are not said again.
  @Test func resumingRestoresTheOptions() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let task = folder.appendingPathComponent("task.yaml")
    try Self.task.write(to: task, atomically: true, encoding: .utf8)
    // Halving would end some of four candidates early; the audit would train, and find something to say.
    let options = ["--no-halving", "--no-audit", "--seed", "3", "--jobs", "2"]

    let whole = folder.appendingPathComponent("whole").path
    let undisturbed = try Self.guerdon(["design", task.path, "--out", whole, "--json"] + options)
    #expect([0, 2].contains(undisturbed.status))

    let cut = folder.appendingPathComponent("cut")
    let process = try Self.begin(["design", task.path, "--out", cut.path] + options)
    let journal = try #require(Self.journal(in: cut, whenItHas: "\"ended\""))
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    // As kill -9 may leave it: a file that had been begun.
    let run = journal.deletingLastPathComponent()
    let begun = run.appendingPathComponent(".dat.nosync0000.abcdef")
    try Data("half".utf8).write(to: begun)

    let resumed = try Self.guerdon(["design", "--resume", "last", "--out", cut.path, "--json"])
    #expect(resumed.status == undisturbed.status)
    #expect(try Self.numbers(resumed.output) == Self.numbers(undisturbed.output))
    #expect(!FileManager.default.fileExists(atPath: begun.path))
    let programs = try FileManager.default.contentsOfDirectory(atPath: run.appendingPathComponent("candidates").path)
    #expect(programs.sorted() == (0..<4).map { "000\($0).py" })
    let report = try String(contentsOf: run.appendingPathComponent("report.html"), encoding: .utf8)
    #expect(report.contains("no-halving") && !report.contains("--resume"))
  }

  private static let task = """
    name: swing
    environment: Pendulum-v1
    goal: Swing the rod up.
    max_episode_steps: 100
    fitness: |
      import numpy as np

      def fitness(angle):
          return np.mean(np.abs(angle) < 0.5)
    budget: {generations: 1, candidates: 4, steps: 30_000, final_steps: 4_000, final_seeds: 2}
    """

  /// All that two runs have in common if they are the same.
  private static func numbers(_ json: Data) throws -> NSDictionary {
    var object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    for name in ["run", "seconds"] { object[name] = nil }
    return object as NSDictionary
  }

  private static func begin(_ arguments: [String], output: Any? = FileHandle.nullDevice) throws -> Process {
    let process = Process()
    process.executableURL = try ClusterTrainerTests.program
    process.arguments = arguments
    (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
    try process.run()
    return process
  }

  private static func guerdon(_ arguments: [String]) throws -> (status: Int32, output: Data) {
    let pipe = Pipe()
    let process = try begin(arguments, output: pipe)
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }

  /// The journal of the only run in a folder, once it holds a text.
  private static func journal(in folder: URL, whenItHas text: String) -> URL? {
    for _ in 0..<6_000 {
      let runs = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
      for run in runs {
        let journal = run.appendingPathComponent("journal.jsonl")
        if let kept = try? String(contentsOf: journal, encoding: .utf8), kept.contains(text) { return journal }
      }
      usleep(20_000)
    }
    return nil
  }
}
