/// How many of some values fell into each of several ranges.
public struct Histogram: Sendable, Hashable, Codable {
  /// The ranges' bounds in rising order, one more than there are ranges.
  public var edges: [Double]
  public var counts: [Int]
  public var sum: Double
  public var sumOfSquares: Double

  /// Ranges of equal width from the least to the greatest of `values`. Values that are not finite are left out.
  public init(_ values: [Double], ranges: Int = 30) {
    precondition(ranges >= 1, "a histogram has at least one range, not \(ranges)")
    let values = values.filter(\.isFinite)
    let low = values.min() ?? 0, high = values.max() ?? 0
    let width = (high - low) / Double(ranges)
    edges = (0..<ranges).map { low + Double($0) * width } + [high]
    counts = [Int](repeating: 0, count: ranges)
    for value in values { counts[width > 0 ? Swift.min(Int((value - low) / width), ranges - 1) : 0] += 1 }
    sum = values.reduce(0, +)
    sumOfSquares = values.reduce(0) { $0 + $1 * $1 }
  }
}
