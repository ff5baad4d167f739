import Basics

/// P(s' | s, a) for every state and action: the rows of a matrix [S·A, S].
///
/// A model with few successors a row is kept in compressed sparse rows, any other one as a contiguous table [S, A, S];
/// which of the two it is only changes the time that a product takes.
public struct TransitionModel: Sendable, Hashable {
  public let stateCount: Int
  public let actionCount: Int
  let storage: Storage

  enum Storage: Sendable, Hashable {
    /// [S, A, S].
    case dense([Double])
    /// The successors of row `s·A + a` are `targets[starts[row] ..< starts[row + 1]]`, in ascending order.
    case sparse(starts: [Int], targets: [Int32], probabilities: [Double])
  }

  /// One successor of a state and action.
  public struct Successor: Sendable, Hashable {
    public var state: Int
    public var probability: Double

    public init(state: Int, probability: Double) {
      self.state = state
      self.probability = probability
    }
  }

  /// A table of probabilities.
  /// - Parameter table: [S, A, S]; every row sums to 1 within 1e-9.
  /// - Throws: `GuerdonError` for a wrong shape, a negative or infinite entry, NaN, or a row that does not sum to 1.
  public init(stateCount: Int, actionCount: Int, table: [Double]) throws {
    try Self.checkSize(stateCount, actionCount)
    let rows = stateCount * actionCount
    guard table.count == rows * stateCount else {
      throw GuerdonError.usage(
        "The transitions of \(stateCount) states and \(actionCount) actions are a table [S, A, S] of "
          + "\(rows * stateCount) numbers; \(table.count) were given.")
    }
    var entries = 0
    for row in 0..<rows {
      var sum = 0.0
      for target in 0..<stateCount {
        let probability = table[row * stateCount + target]
        try Self.check(probability, row, actionCount, target)
        sum += probability
        if probability != 0 { entries += 1 }
      }
      try Self.checkSum(sum, row, actionCount)
    }
    self.stateCount = stateCount
    self.actionCount = actionCount
    // A gathered product costs some four times a contiguous one an entry.
    guard 4 * entries <= table.count else {
      storage = .dense(table)
      return
    }
    var starts: [Int] = [0], targets: [Int32] = [], probabilities: [Double] = []
    starts.reserveCapacity(rows + 1)
    targets.reserveCapacity(entries)
    probabilities.reserveCapacity(entries)
    for row in 0..<rows {
      for target in 0..<stateCount where table[row * stateCount + target] != 0 {
        targets.append(Int32(target))
        probabilities.append(table[row * stateCount + target])
      }
      starts.append(targets.count)
    }
    storage = .sparse(starts: starts, targets: targets, probabilities: probabilities)
  }

  /// A list of successors for every state and action; successors named twice are added up.
  /// - Parameter successors: what follows state `s` under action `a`; every list sums to 1 within 1e-9.
  /// - Throws: `GuerdonError` as `init(stateCount:actionCount:table:)`, and for a successor outside 0 ..< S.
  public init(
    stateCount: Int, actionCount: Int, successors: (_ state: Int, _ action: Int) throws -> [Successor]
  ) throws {
    try Self.checkSize(stateCount, actionCount)
    var starts: [Int] = [0], targets: [Int32] = [], probabilities: [Double] = []
    for row in 0..<stateCount * actionCount {
      var sum = 0.0
      let begin = targets.count
      for successor in try successors(row / actionCount, row % actionCount).sorted(by: { $0.state < $1.state }) {
        guard (0..<stateCount).contains(successor.state) else {
          throw GuerdonError.usage(
            "State \(row / actionCount), action \(row % actionCount) leads to state \(successor.state); "
              + "there are \(stateCount) states.")
        }
        try Self.check(successor.probability, row, actionCount, successor.state)
        sum += successor.probability
        if successor.probability == 0 { continue }
        if targets.count > begin, targets[targets.count - 1] == Int32(successor.state) {
          probabilities[probabilities.count - 1] += successor.probability
        } else {
          targets.append(Int32(successor.state))
          probabilities.append(successor.probability)
        }
      }
      try Self.checkSum(sum, row, actionCount)
      starts.append(targets.count)
    }
    self.stateCount = stateCount
    self.actionCount = actionCount
    if 4 * targets.count <= stateCount * actionCount * stateCount {
      storage = .sparse(starts: starts, targets: targets, probabilities: probabilities)
    } else {
      var table = [Double](repeating: 0, count: stateCount * actionCount * stateCount)
      for row in 0..<stateCount * actionCount {
        for entry in starts[row]..<starts[row + 1] {
          table[row * stateCount + Int(targets[entry])] = probabilities[entry]
        }
      }
      storage = .dense(table)
    }
  }

  /// True if the rows are compressed.
  public var isSparse: Bool { if case .sparse = storage { true } else { false } }

  /// Entries that are kept: products in one expectation.
  var entryCount: Int {
    switch storage {
    case .dense(let table): table.count
    case .sparse(_, let targets, _): targets.count
    }
  }

  /// P(s' | s, a).
  public subscript(state: Int, action: Int, next: Int) -> Double {
    let row = state * actionCount + action
    switch storage {
    case .dense(let table): return table[row * stateCount + next]
    case .sparse(let starts, let targets, let probabilities):
      for entry in starts[row]..<starts[row + 1] where targets[entry] == Int32(next) { return probabilities[entry] }
      return 0
    }
  }

  /// The table [S, A, S].
  public var table: [Double] {
    switch storage {
    case .dense(let table): return table
    case .sparse:
      var table = [Double](repeating: 0, count: stateCount * actionCount * stateCount)
      for row in 0..<stateCount * actionCount {
        forEachSuccessor(ofRow: row) { table[row * stateCount + $0] = $1 }
      }
      return table
    }
  }

  /// The states that may follow `state` under `action`.
  public func successors(of state: Int, under action: Int) -> [Successor] {
    var successors: [Successor] = []
    forEachSuccessor(ofRow: state * actionCount + action) { successors.append(Successor(state: $0, probability: $1)) }
    return successors
  }

  /// Calls `body(s', P(s' | s, a))` for the successors of row `s·A + a` whose probability is not 0.
  @inline(__always)
  func forEachSuccessor(ofRow row: Int, _ body: (Int, Double) throws -> Void) rethrows {
    switch storage {
    case .dense(let table):
      for target in 0..<stateCount where table[row * stateCount + target] != 0 {
        try body(target, table[row * stateCount + target])
      }
    case .sparse(let starts, let targets, let probabilities):
      for entry in starts[row]..<starts[row + 1] { try body(Int(targets[entry]), probabilities[entry]) }
    }
  }

  /// E[v(s') | s, a] for every state and action.
  /// - Parameter values: v, [S].
  /// - Returns: [S, A].
  public func expectation(of values: [Double]) -> [Double] {
    precondition(values.count == stateCount, "an expectation is taken of one number a state")
    let rows = stateCount * actionCount
    return [Double](unsafeUninitializedCapacity: rows) { buffer, count in
      values.withUnsafeBufferPointer { values in
        if let out = buffer.baseAddress, let values = values.baseAddress {
          writeExpectations(of: values, rows: 0..<rows, into: out)
        }
      }
      count = rows
    }
  }

  /// Where a weight x(s, a) on every state and action goes: y(s') = Σ x(s, a) P(s' | s, a).
  /// - Parameter weights: x, [S, A].
  /// - Returns: y, [S].
  public func push(_ weights: [Double]) -> [Double] {
    precondition(weights.count == stateCount * actionCount, "what is pushed has one weight a state and action")
    var out = [Double](repeating: 0, count: stateCount)
    out.withUnsafeMutableBufferPointer { out in
      weights.withUnsafeBufferPointer { weights in
        if let out = out.baseAddress, let weights = weights.baseAddress {
          addPushed(weights, rows: 0..<stateCount * actionCount, into: out)
        }
      }
    }
    return out
  }

  /// out[row] = Σ_s' P(row, s') v(s'), for the rows asked for.
  func writeExpectations(
    of values: UnsafePointer<Double>, rows: Range<Int>, into out: UnsafeMutablePointer<Double>
  ) {
    switch storage {
    case .dense(let table):
      table.withUnsafeBufferPointer { table in
        guard let base = table.baseAddress else { return }
        Kernels.multiply(base + rows.lowerBound * stateCount, values, rows: rows.count, columns: stateCount,
                         into: out + rows.lowerBound)
      }
    case .sparse(let starts, let targets, let probabilities):
      starts.withUnsafeBufferPointer { starts in
        targets.withUnsafeBufferPointer { targets in
          probabilities.withUnsafeBufferPointer { probabilities in
            guard let targets = targets.baseAddress, let probabilities = probabilities.baseAddress else { return }
            for row in rows {
              out[row] = Kernels.gatheredDot(
                probabilities, values, at: targets, entries: starts[row], to: starts[row &+ 1])
            }
          }
        }
      }
    }
  }

  /// out(s') += Σ x(row) P(row, s') over the rows asked for.
  func addPushed(_ weights: UnsafePointer<Double>, rows: Range<Int>, into out: UnsafeMutablePointer<Double>) {
    switch storage {
    case .dense(let table):
      table.withUnsafeBufferPointer { table in
        guard let base = table.baseAddress else { return }
        Kernels.addTransposed(base + rows.lowerBound * stateCount, weights + rows.lowerBound, rows: rows.count,
                              columns: stateCount, into: out)
      }
    case .sparse(let starts, let targets, let probabilities):
      starts.withUnsafeBufferPointer { starts in
        targets.withUnsafeBufferPointer { targets in
          probabilities.withUnsafeBufferPointer { probabilities in
            for row in rows {
              let weight = weights[row]
              for entry in starts[row]..<starts[row &+ 1] {
                out[Int(targets[entry])] += weight * probabilities[entry]
              }
            }
          }
        }
      }
    }
  }

  private static func checkSize(_ states: Int, _ actions: Int) throws {
    guard (1...1 << 20).contains(states), (1...1 << 16).contains(actions) else {
      throw GuerdonError.usage("A finite MDP has at least one state and one action; \(states) and \(actions) were given.")
    }
  }

  private static func check(_ probability: Double, _ row: Int, _ actions: Int, _ target: Int) throws {
    guard probability >= 0, probability.isFinite else {
      throw GuerdonError.usage(
        "The probability of reaching state \(target) from state \(row / actions) under action \(row % actions) is "
          + "\(probability); it must be a number from 0 to 1.")
    }
  }

  private static func checkSum(_ sum: Double, _ row: Int, _ actions: Int) throws {
    guard abs(sum - 1) <= 1e-9 else {
      throw GuerdonError.usage(
        "The transition probabilities of state \(row / actions) under action \(row % actions) sum to \(sum), not to 1.")
    }
  }

  /// What leads into each state, for a sparse model; nil for a dense one, whose columns are as quick to add up.
  func incoming() -> Incoming? {
    guard case .sparse(let starts, let targets, let probabilities) = storage else { return nil }
    var ends = [Int](repeating: 0, count: stateCount + 1)
    for target in targets { ends[Int(target) + 1] += 1 }
    for s in 0..<stateCount { ends[s + 1] += ends[s] }
    var next = ends
    var rows = [Int32](repeating: 0, count: targets.count), weights = [Double](repeating: 0, count: targets.count)
    for row in 0..<stateCount * actionCount {
      for entry in starts[row]..<starts[row + 1] {
        let place = next[Int(targets[entry])]
        next[Int(targets[entry])] += 1
        rows[place] = Int32(row)
        weights[place] = probabilities[entry]
      }
    }
    return Incoming(starts: ends, rows: rows, probabilities: weights)
  }

  /// A sparse model by columns: the rows s·A + a that lead into a state, and how probably.
  struct Incoming: Sendable {
    fileprivate let starts: [Int]
    fileprivate let rows: [Int32]
    fileprivate let probabilities: [Double]

    /// out(s') = Σ x(row) P(row, s') for the states asked for.
    func gather(_ weights: UnsafePointer<Double>, states: Range<Int>, into out: UnsafeMutablePointer<Double>) {
      starts.withUnsafeBufferPointer { starts in
        rows.withUnsafeBufferPointer { rows in
          probabilities.withUnsafeBufferPointer { probabilities in
            guard let rows = rows.baseAddress, let probabilities = probabilities.baseAddress else { return }
            for s in states {
              out[s] = Kernels.gatheredDot(probabilities, weights, at: rows, entries: starts[s], to: starts[s &+ 1])
            }
          }
        }
      }
    }
  }
}
