import Foundation

/// The textual digest of a training run that is fed back to whoever writes the next program.
///
/// Source: Eureka (arXiv 2310.12931), section 3.3 and appendix A: each series is printed at about ten evenly spaced
/// points with two decimals, then its maximum, mean and minimum over the whole series.
public enum Reflection {
  /// Indices that are printed of a series of `count` values: 0, s, 2s, … with s = max(⌊count / 10⌋, 1).
  public static func printedIndices(_ count: Int) -> [Int] {
    Array(stride(from: 0, to: count, by: max(count / 10, 1)))
  }

  /// One line: `name: [v0, v1, …], Max: …, Mean: …, Min: …`.
  public static func line(_ name: String, _ values: [Double]) -> String {
    guard !values.isEmpty else { return "\(name): []" }
    let shown = printedIndices(values.count).map { String(format: "%.2f", values[$0]) }
    let mean = values.reduce(0, +) / Double(values.count)
    let summary = [("Max", values.max() ?? mean), ("Mean", mean), ("Min", values.min() ?? mean)]
      .map { "\($0.0): " + String(format: "%.2f", $0.1) }
    return "\(name): [\(shown.joined(separator: ", "))], \(summary.joined(separator: ", "))"
  }

  /// The whole digest: every term, the fitness under the name `task_score`, the episode length.
  public static func text(_ digest: TrainingDigest) -> String {
    (digest.terms.map { line($0.name, $0.values) }
      + [line("task_score", digest.fitness), line("episode_lengths", digest.lengths)]).joined(separator: "\n")
  }
}
