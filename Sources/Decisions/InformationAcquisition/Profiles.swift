/// Tuples with one entry an agent, numbered in lexicographic order (the last agent's entry runs fastest).
public struct Profiles: Sendable, Hashable {
  /// How many values each agent's entry has.
  public let sizes: [Int]
  public let count: Int
  private let strides: [Int]

  public init(_ sizes: [Int]) {
    self.sizes = sizes
    var strides = [Int](repeating: 1, count: sizes.count), count = 1
    for i in sizes.indices.reversed() {
      strides[i] = count
      count *= sizes[i]
    }
    self.strides = strides
    self.count = count
  }

  /// Agent i's entry of a tuple.
  public func entry(_ i: Int, of profile: Int) -> Int { profile / strides[i] % sizes[i] }

  /// The tuple in which agent i's entry is `value` instead.
  public func replacing(_ i: Int, of profile: Int, by value: Int) -> Int {
    profile + (value - entry(i, of: profile)) * strides[i]
  }

  public func entries(of profile: Int) -> [Int] { sizes.indices.map { entry($0, of: profile) } }

  /// The number of a tuple.
  public func index(of entries: [Int]) -> Int { zip(entries, strides).reduce(0) { $0 + $1.0 * $1.1 } }
}
