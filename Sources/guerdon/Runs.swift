import ArgumentParser
import Basics
import Experiments
import Foundation

/// What was run.
struct Runs: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List, show, compare and delete runs.", subcommands: [List.self, Show.self, Compare.self, Delete.self],
    defaultSubcommand: List.self)

  struct Place: ParsableArguments {
    @Option(help: "Folder of runs.") var out: String?
    @Flag(help: "Print one JSON object.") var json = false
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the runs, the oldest first.")
    @OptionGroup var place: Place

    func run() throws {
      let records = store(place.out).list()
      if place.json { return try printJSON(["runs": records]) }
      if records.isEmpty { print("There are no runs in \(store(place.out).directory.path).") }
      for record in records {
        let figures = record.summary.sorted { $0.key < $1.key }.map { "\($0.key) \(String(format: "%.3f", $0.value))" }
        print(([record.id, record.verb, record.status.rawValue] + figures).joined(separator: "  "))
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show one run.")
    @Argument(help: "The run's id, or its beginning or end, or \"last\".") var id: String
    @OptionGroup var place: Place

    func run() throws {
      let (record, directory) = try store(place.out).find(id)
      if place.json { return try printJSON(record) }
      print("\(record.id): \(record.verb) \(record.subject), \(record.status.rawValue)")
      print("command   guerdon \(record.arguments.joined(separator: " "))")
      print("started   \(record.started.formatted(.iso8601))")
      if let finished = record.finished {
        print("took      \(ProgressLine.duration(finished.timeIntervalSince(record.started)))")
      }
      if let failure = record.failure { print("failure   \(failure)") }
      for (name, value) in record.summary.sorted(by: { $0.key < $1.key }) { print("\(name)  \(value)") }
      print("folder    \(directory.path)")
      let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
      print("files     \(files.sorted().joined(separator: ", "))")
    }
  }

  struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Set key figures of several runs side by side.")
    @Argument(help: "Runs to compare.") var ids: [String]
    @OptionGroup var place: Place

    func validate() throws { if ids.count < 2 { throw ValidationError("Name at least two runs.") } }

    func run() throws {
      let records = try ids.map { try store(place.out).find($0).record }
      if place.json { return try printJSON(["runs": records]) }
      let names = Set(records.flatMap(\.summary.keys)).sorted()
      let width = (records.map(\.id.count).max() ?? 0) + 2
      func row(_ first: String, _ cells: [String]) -> String {
        ([first] + cells).map { $0.padding(toLength: max(width, $0.count + 2), withPad: " ", startingAt: 0) }.joined()
      }
      print(row("", records.map(\.id)))
      print(row("verb", records.map(\.verb)))
      print(row("seed", records.map { "\($0.seed)" }))
      for name in names {
        print(row(name, records.map { $0.summary[name].map { String(format: "%.4f", $0) } ?? "-" }))
      }
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Delete runs and all that is in their folders.")
    @Argument(help: "Runs to delete.") var ids: [String]
    @OptionGroup var place: Place

    func run() throws {
      for id in ids {
        try store(place.out).delete(id)
        print("Deleted \(id).")
      }
    }
  }
}
