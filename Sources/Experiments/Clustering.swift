/// Hierarchical clustering by average linkage (UPGMA): the two closest clusters are joined until one is left; the distance
/// of two clusters is the mean over all pairs of their members.
///
/// Source: R. Sokal and C. Michener, "A statistical method for evaluating systematic relationships", 1958.
public struct AverageLinkage: Sendable, Hashable {
  /// Two clusters that became one. The things themselves are clusters 0 to N - 1; merge k makes cluster N + k.
  public struct Merge: Sendable, Hashable, Codable {
    /// The joined clusters, the one of the lower number first.
    public let first: Int, second: Int
    public let distance: Double
    /// How many things the new cluster has.
    public let count: Int
  }

  /// N.
  public let count: Int
  /// N - 1 of them, in order of their distances.
  public let merges: [Merge]

  /// - Parameter distances: [N, N], symmetric and finite, row-major.
  /// - Complexity: O(N³).
  public init(distances: [Double], count: Int) {
    precondition(distances.count == count * count && count >= 1, "distances are [N, N]")
    self.count = count
    var distance = distances
    // Row i of `distance` belongs to cluster number[i], of size size[i]; nil once it was joined to another.
    var number = (0..<count).map { Optional($0) }
    var size = [Int](repeating: 1, count: count)
    var merges: [Merge] = []
    while merges.count < count - 1 {
      var closest = (i: 0, j: 0, distance: Double.infinity)
      for i in 0..<count where number[i] != nil {
        for j in i + 1..<max(i + 1, count) where number[j] != nil && distance[i * count + j] < closest.distance {
          closest = (i, j, distance[i * count + j])
        }
      }
      let (i, j) = (closest.i, closest.j)
      guard let a = number[i], let b = number[j], i != j else { break }
      for k in 0..<count where number[k] != nil && k != i && k != j {
        let mean =
          (Double(size[i]) * distance[i * count + k] + Double(size[j]) * distance[j * count + k])
          / Double(size[i] + size[j])
        (distance[i * count + k], distance[k * count + i]) = (mean, mean)
      }
      size[i] += size[j]
      merges.append(Merge(first: min(a, b), second: max(a, b), distance: closest.distance, count: size[i]))
      (number[i], number[j]) = (count + merges.count - 1, nil)
    }
    self.merges = merges
  }

  /// The things in an order in which every cluster stands together.
  public var order: [Int] {
    var found: [Int] = [], open = [count + merges.count - 1]
    while let cluster = open.popLast() {
      if cluster < count {
        found.append(cluster)
      } else {
        open += [merges[cluster - count].second, merges[cluster - count].first]
      }
    }
    return found
  }
}
