import ArgumentParser
import Basics
import Experiments
import Foundation

extension RunRecord.Status: ExpressibleByArgument {}

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
    @Option(help: "Only runs of this method or algorithm.") var method: String?
    @Option(help: "Only runs of this task or environment.") var task: String?
    @Option(help: "Only runs in this state: running, finished, failed or interrupted.") var status: RunRecord.Status?
    @OptionGroup var place: Place

    func run() throws {
      let store = store(place.out)
      let records = store.list(RunFilter(method: method, task: task, status: status))
      if place.json { return try printJSON(["runs": records]) }
      if records.isEmpty {
        let which = method == nil && task == nil && status == nil ? "runs" : "such runs"
        return print("There are no \(which) in \(store.directory.path).")
      }
      printTable(
        ["run", "verb", "method", "task", "seed", "status", "took", "figures"],
        records.map { record in
          let figures = record.metrics.sorted { $0.key < $1.key }
            .map { "\($0.key) \(String(format: "%.4g", RunComparison.Figure($0.value).estimate))" }
          return [
            record.id, record.verb, record.method ?? "-", record.task ?? "-", "\(record.seed)", record.status.rawValue,
            duration(record) ?? "-", figures.prefix(3).joined(separator: ", ") + (figures.count > 3 ? ", …" : ""),
          ]
        })
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show one run with its settings and metrics.")
    @Argument(help: "The run's id, or its beginning or end, or \"last\".") var id: String
    @OptionGroup var place: Place

    /// What is printed with `--json`.
    struct Shown: Encodable {
      /// A series of `metrics.jsonl`.
      struct Series: Encodable {
        var count, step: Int
        var last: Double
      }
      var record: RunRecord
      var directory: String
      var files: [String]
      var figures: [String: RunComparison.Figure]
      var series: [String: Series]
    }

    func run() throws {
      let (record, directory) = try store(place.out).find(id)
      let metrics = directory.appendingPathComponent("metrics.jsonl")
      var series: [String: Shown.Series] = [:]
      if FileManager.default.fileExists(atPath: metrics.path) {
        for line in try MetricsRecord.read(from: metrics) {
          for (name, value) in line.scalars {
            series[name] = Shown.Series(count: (series[name]?.count ?? 0) + 1, step: line.step, last: value)
          }
        }
      }
      let shown = Shown(
        record: record, directory: directory.path,
        files: ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []).sorted(),
        figures: record.metrics.mapValues(RunComparison.Figure.init), series: series)
      if place.json { try printJSON(shown) } else { show(shown) }
    }

    private func show(_ shown: Shown) {
      let record = shown.record
      print([record.id, record.verb, record.method ?? "", record.task ?? "", record.status.rawValue]
        .filter { !$0.isEmpty }.joined(separator: "  "))
      print("command   guerdon \(record.arguments.joined(separator: " "))")
      print("seed      \(record.seed)")
      print("started   \(record.started.formatted(.iso8601))")
      if let took = duration(record) { print("took      \(took)") }
      if let failure = record.failure { print("failure   \(failure)") }
      print("folder    \(shown.directory)")
      print("files     \(shown.files.joined(separator: ", "))")
      if !record.configuration.isEmpty {
        print("\nSettings:")
        printTable(nil, record.configuration.sorted { $0.key < $1.key }.map { ["  \($0.key)", $0.value] })
      }
      if !shown.figures.isEmpty {
        print("\nFigures (95 % intervals of the interquartile mean over seeds):")
        printTable(nil, shown.figures.sorted { $0.key < $1.key }.map { ["  \($0.key)", text($0.value)] })
      }
      if !shown.series.isEmpty {
        print("\nMetrics (the last of each):")
        printTable(
          ["  name", "value", "at step", "records"],
          shown.series.sorted { $0.key < $1.key }.map {
            ["  \($0.key)", String(format: "%.5g", $0.value.last), "\($0.value.step)", "\($0.value.count)"]
          })
      }
    }
  }

  struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set runs side by side: the settings in which they differ, and their figures with intervals.")
    @Argument(help: "Runs to compare.") var ids: [String]
    @OptionGroup var place: Place

    func validate() throws { if ids.count < 2 { throw ValidationError("Name at least two runs.") } }

    func run() throws {
      let store = store(place.out)
      let comparison = RunComparison(try ids.map { try store.find($0).record })
      if place.json { return try printJSON(comparison) }
      var rows = [["status"] + comparison.status.map(\.rawValue)]
      rows += comparison.settings.map { setting in [setting.name] + setting.values.map { $0 ?? "-" } }
      rows += comparison.metrics.map { metric in [metric.name] + metric.figures.map { $0.map(text) ?? "-" } }
      printTable([""] + comparison.runs, rows)
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Delete runs and all that is in their folders.")
    @Argument(help: "Runs to delete.") var ids: [String]
    @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false
    @Option(help: "Folder of runs.") var out: String?

    func run() throws {
      let store = store(out)
      // All are found before one is deleted.
      var found: [RunRecord] = []
      for id in ids {
        let record = try store.find(id).record
        if record.status == .running { throw GuerdonError.failure("Run \(record.id) is still running; stop it first.") }
        if !found.contains(where: { $0.id == record.id }) { found.append(record) }
      }
      if !yes {
        guard isatty(0) == 1 else {
          throw GuerdonError.usage("There is no terminal to ask on, so nothing was deleted; say --yes to delete without asking.")
        }
        print("Delete \(found.map(\.id).joined(separator: ", ")) with all files? [y/N] ", terminator: "")
        fflush(nil)
        guard ["y", "yes"].contains(readLine()?.lowercased()) else { return print("Nothing was deleted.") }
      }
      for record in found {
        try store.delete(record.id)
        print("Deleted \(record.id).")
      }
    }
  }
}

private func duration(_ record: RunRecord) -> String? {
  record.finished.map { ProgressLine.duration($0.timeIntervalSince(record.started)) }
}

private func text(_ figure: RunComparison.Figure) -> String {
  guard let bounds = figure.interval else { return String(format: "%.4g", figure.estimate) }
  return String(format: "%.4g [%.4g, %.4g]", bounds.estimate, bounds.low, bounds.high) + " (\(figure.values.count))"
}

/// Columns as wide as their widest cell.
private func printTable(_ header: [String]?, _ rows: [[String]]) {
  let lines = (header.map { [$0] } ?? []) + rows
  let columns = lines.map(\.count).max() ?? 0
  let widths = (0..<columns).map { column in lines.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
  for line in lines {
    let cells = zip(line, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
    let text = cells.joined(separator: "  ")
    print(text.prefix(1 + (text.lastIndex { $0 != " " }.map { text.distance(from: text.startIndex, to: $0) } ?? -1)))
  }
}
