import Basics
import Schemas

extension Schema {
  /// The schema that data implies: a field for every array, without its leading axis of rows if it has one.
  ///
  /// The number of rows is the first axis that most arrays have. A number, or an array with another first axis, is shared:
  /// the same in every row, such as a time step or joint limits.
  /// - Parameter hasRows: the first axis counts rows (transitions, or steps of an episode).
  public init(describing inputs: [String: NestedArray], hasRows: Bool) {
    let rows = hasRows ? Self.rows(of: inputs.values) : nil
    let fields = inputs.sorted { $0.key < $1.key }.map { name, array in
      if array.shape.isEmpty {
        // The number itself is known, so that it may count the steps of a loop.
        guard hasRows, let value = array.values.first else { return Field(name, meaning: "") }
        return Field(name, low: value, high: value, meaning: "", shared: true)
      }
      guard hasRows else { return Field(name, shape: array.shape, meaning: "") }
      let isShared = array.shape[0] != rows
      return Field(
        name, shape: isShared ? array.shape : Array(array.shape.dropFirst()), meaning: "", shared: isShared)
    }
    self.init(environment: "data", fields: fields)
  }

  /// The first axis that most arrays have; of several, the longest.
  fileprivate static func rows(of arrays: some Sequence<NestedArray>) -> Int? {
    var counts: [Int: Int] = [:]
    for array in arrays { if let first = array.shape.first { counts[first, default: 0] += 1 } }
    return counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key
  }
}

extension RewardProgram {
  /// Rewards and terms of some transitions.
  public struct Evaluation: Sendable, Hashable {
    public var reward: [Double]
    /// In the order of `termNames`, one value a row.
    public var terms: [(name: String, values: [Double])]

    public init(reward: [Double], terms: [(name: String, values: [Double])]) {
      self.reward = reward
      self.terms = terms
    }

    public static func == (a: Evaluation, b: Evaluation) -> Bool {
      a.reward == b.reward && a.terms.elementsEqual(b.terms) { $0.name == $1.name && $0.values == $1.values }
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(reward) }
  }

  /// Runs the program on named arrays.
  /// - Parameters:
  ///   - inputs: by the names of the schema's fields; more than are needed may be there.
  ///   - hasRows: the first axis counts rows; a number without axes is the same in every row. Otherwise the arrays
  ///     are those of one transition.
  /// - Throws: `GuerdonError` for a missing input or a wrong shape.
  public func evaluate(_ inputs: [String: NestedArray], hasRows: Bool = true) throws -> Evaluation {
    let (records, rows) = try records(of: inputs, hasRows: hasRows)
    if kind == .fitness {
      let fitness = records.withUnsafeBufferPointer { records in
        records.baseAddress.map { makeEvaluator().evaluateEpisode(base: $0, stride: rows, rows: 0..<rows) } ?? .nan
      }
      return Evaluation(reward: [fitness], terms: [])
    }
    var total = [Double](repeating: 0, count: rows)
    var terms = [Double](repeating: 0, count: max(1, rows * termNames.count))
    records.withUnsafeBufferPointer { records in
      total.withUnsafeMutableBufferPointer { total in
        terms.withUnsafeMutableBufferPointer { terms in
          guard let base = records.baseAddress, let totals = total.baseAddress else { return }
          makeEvaluator().evaluate(base: base, stride: rows, rows: 0..<rows, total: totals, terms: terms.baseAddress)
        }
      }
    }
    let named = termNames.enumerated().map { index, name in
      (name: name, values: Array(terms[(index * rows)..<((index + 1) * rows)]))
    }
    return Evaluation(reward: total, terms: named)
  }

  /// Transition records in columns, from named arrays.
  private func records(of inputs: [String: NestedArray], hasRows: Bool) throws -> ([Double], rows: Int) {
    var rows: Int?
    for input in self.inputs {
      guard let array = inputs[input.name] else {
        throw GuerdonError.usage(
          "The data has no \"\(input.name)\", which \(name) reads.\(suggestion(for: input.name, among: inputs.keys))")
      }
      guard let field = schema[input.name] else { continue }
      let isShared = hasRows && (field.shared || array.shape.isEmpty && field.shape.isEmpty)
      let expected = hasRows && !isShared ? Array(array.shape.prefix(1)) + field.shape : field.shape
      guard array.shape == expected, !hasRows || isShared || !array.shape.isEmpty else {
        throw GuerdonError.usage(
          "\"\(input.name)\" has the shape \(array.shape) in the data; \(name) needs "
            + "\(hasRows && !isShared ? "rows of " : "")\(field.shape).")
      }
      if hasRows, !isShared {
        if let known = rows, known != array.shape[0] {
          throw GuerdonError.usage("\"\(input.name)\" has \(array.shape[0]) rows, and other inputs have \(known).")
        }
        rows = array.shape[0]
      }
    }
    let count = rows ?? (hasRows ? Schema.rows(of: inputs.values) : nil) ?? 1
    var records = [Double](repeating: 0, count: max(1, schema.width * count))
    for input in self.inputs {
      guard let array = inputs[input.name], !array.values.isEmpty else { continue }
      let width = input.columns.count
      for row in 0..<count {
        for component in 0..<width {
          let index = array.values.count == width ? component : row * width + component
          records[(input.columns.lowerBound + component) * count + row] = array.values[index]
        }
      }
    }
    return (records, count)
  }
}
