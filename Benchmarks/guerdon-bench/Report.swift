import Basics
import Foundation

/// A table for people.
func table(_ results: [Result]) -> String {
  let header = ["", "ours", "peer", "", "ratio", "at least", ""]
  let lines =
    [header]
    + results.map {
      [
        $0.name, short($0.ours), short($0.peer), $0.unit, String(format: "%.2f", $0.ratio),
        String(format: "%.2f", $0.atLeast), $0.holds ? "holds" : "falls short",
      ]
    }
  let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
  return lines.map { line in
    zip(line, widths).enumerated().map { column, cell in
      let padding = String(repeating: " ", count: cell.1 - cell.0.count)
      return [1, 2, 4, 5].contains(column) ? padding + cell.0 : cell.0 + padding
    }.joined(separator: "  ")
  }.joined(separator: "\n")
}

private func short(_ rate: Double) -> String { String(format: rate < 100 ? "%.2f" : "%.0f", rate) }

/// `{"machine": …, "rows": […]}` for programs.
/// - Throws: `GuerdonError` when the file cannot be written.
func write(_ results: [Result], to url: URL) throws {
  struct Report: Encodable { let machine: String, rows: [Result] }
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  try Files.write(encoder.encode(Report(machine: machine, rows: results)), to: url)
}

/// The processor, where the system tells, and how many cores are in use.
private var machine: String {
  let information = ProcessInfo.processInfo
  let description = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?
    .split(separator: "\n").first { $0.hasPrefix("model name") }?
    .split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
  return "\(description ?? information.operatingSystemVersionString), \(information.activeProcessorCount) cores"
}
