import Experiments
import Foundation

/// The part of a report that says how far rewards are apart: the distances as a heat map and a tree, the terms that make
/// them, and what they promise.
public func comparisonSection(_ report: inout Report, _ result: RewardComparison.Result) {
  let count = result.names.count
  for table in result.tables {
    report.section(
      "Distances between rewards: \(table.metric.rawValue)",
      result.isExact
        ? "Exact. 0 is the same order of all policies, 2 the opposite one."
        : String(
          format: "Sampled from random play, with 95 %% intervals. 0 is the same order of all policies, 2 the opposite one. Noise alone puts up to %.3f between a reward and itself.",
          table.floor))
    report.heatMap(
      names: result.names, values: table.distances, limit: 2,
      notes: result.isExact ? nil : (0..<count * count).map { String(format: "%.2f–%.2f", table.low[$0], table.high[$0]) })
    if count > 2, let tree = table.clustering {
      report.dendrogram(
        names: result.names, tree, limit: 2,
        caption: "Rewards that lie close together (average linkage): where two branches meet is their mean distance.")
    }
    if !result.isExact {
      report.table(
        ["reward", "other reward", "distance", "95 % interval"],
        (0..<count).flatMap { i in
          (i + 1..<max(i + 1, count)).map { j in
            let cell = i * count + j
            return [
              result.names[i], result.names[j], String(format: "%.3f", table.distances[cell]),
              String(format: "%.3f to %.3f", table.low[cell], table.high[cell]),
            ]
          }
        })
    }
  }
  for name in result.leftOut {
    report.callout(
      "note", "\(name) is left out.", "By random play it cannot be told from a reward that is the same everywhere.")
  }
  if !result.terms.isEmpty {
    report.heading("Terms that make the difference")
    report.paragraph("What a distance would be without one term, the most telling first.")
    report.table(
      ["reward", "term", "other reward", "distance", "without the term"],
      result.terms.prefix(20).map {
        [$0.reward, $0.term, $0.other, String(format: "%.3f", $0.distance), String(format: "%.3f", $0.without)]
      })
  }
  report.heading("What this promises")
  for line in result.guarantees { report.paragraph(line) }
}

/// The part of a report that lists findings, the gravest first, each with the numbers that it rests on.
public func findingsSection(
  _ report: inout Report, _ findings: [Finding], title: String = "Findings",
  introduction: String = "The gravest first; each with the numbers that it rests on."
) {
  report.section(title, introduction)
  if findings.isEmpty { report.callout("good", "Nothing was found.", "") }
  for finding in findings.sorted(by: { $0.severity < $1.severity }) {
    report.callout(finding.severity.rawValue, finding.title, finding.evidence)
  }
}
