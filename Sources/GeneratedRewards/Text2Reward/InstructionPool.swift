import Foundation

/// Past instructions with the code that was verified for them, from which the nearest are shown as examples.
///
/// Nearness is the cosine of TF-IDF vectors over hashed character n-grams; with an endpoint at hand its embeddings may
/// take their place.
public struct InstructionPool: Sendable {
  public struct Pair: Sendable, Hashable {
    /// The task that the pair belongs to: it is never shown for that task.
    public let task: String
    public let instruction: String
    /// General code.
    public let code: String

    public init(task: String, instruction: String, code: String) {
      (self.task, self.instruction, self.code) = (task, instruction, code)
    }
  }

  public let pairs: [Pair]

  public init(_ pairs: [Pair]) { self.pairs = pairs }

  /// The `count` pairs of other tasks whose instructions are nearest, the nearest first, the first of equals first.
  public func nearest(to instruction: String, task: String, count: Int) -> [Pair] {
    let others = pairs.filter { $0.task != task }
    let index = NGramIndex(others.map(\.instruction))
    let similarities = index.similarities(to: instruction)
    let order = others.indices.sorted { (similarities[$1], $0) < (similarities[$0], $1) }
    return order.prefix(max(count, 0)).map { others[$0] }
  }
}

/// TF-IDF over hashed character n-grams, n = 3 to 5, of texts in lower case with a space at both ends.
///
/// A gram g of a text counts tf(g) · (ln((1 + N) / (1 + df(g))) + 1), N texts of which df(g) have it.
public struct NGramIndex: Sendable {
  static let lengths = 3...5
  /// Cells that grams are hashed into.
  static let cells: UInt64 = 1 << 18

  private let inverseFrequencies: [UInt64: Double]
  private let unseen: Double
  private let vectors: [[UInt64: Double]]

  public init(_ texts: [String]) {
    let counts = texts.map(Self.counts)
    var frequencies: [UInt64: Double] = [:]
    for text in counts { for gram in text.keys { frequencies[gram, default: 0] += 1 } }
    let size = Double(texts.count)
    let inverse = frequencies.mapValues { log((1 + size) / (1 + $0)) + 1 }
    let unseen = log(1 + size) + 1
    inverseFrequencies = inverse
    self.unseen = unseen
    vectors = counts.map { $0.reduce(into: [:]) { $0[$1.key] = $1.value * (inverse[$1.key] ?? unseen) } }
  }

  /// The cosine between `text` and each of the index's texts; 0 where either has no gram.
  public func similarities(to text: String) -> [Double] {
    let query = Self.counts(text).reduce(into: [UInt64: Double]()) {
      $0[$1.key] = $1.value * (inverseFrequencies[$1.key] ?? unseen)
    }
    return vectors.map { vector in
      // In a fixed order, so that the sum is the same in every process.
      let product = query.keys.sorted().reduce(0.0) { $0 + (query[$1] ?? 0) * (vector[$1] ?? 0) }
      let norms = Self.norm(query) * Self.norm(vector)
      return norms > 0 ? product / norms : 0
    }
  }

  private static func norm(_ vector: [UInt64: Double]) -> Double {
    vector.keys.sorted().reduce(0.0) { $0 + (vector[$1] ?? 0) * (vector[$1] ?? 0) }.squareRoot()
  }

  private static func counts(_ text: String) -> [UInt64: Double] {
    let characters = Array(" \(text.lowercased()) ".unicodeScalars)
    var counts: [UInt64: Double] = [:]
    for length in lengths where length <= characters.count {
      for start in 0...characters.count - length {
        // FNV-1a, 64 bits.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for scalar in characters[start..<start + length] {
          for shift in stride(from: UInt32(0), through: 24, by: 8) {
            hash = (hash ^ UInt64(scalar.value >> shift & 0xff)) &* 0x0000_0100_0000_01b3
          }
        }
        counts[hash % cells, default: 0] += 1
      }
    }
    return counts
  }
}
