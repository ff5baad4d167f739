import Basics
import Schemas

/// Numbers in a regular nest of lists, row-major: what JSON data holds.
public struct NestedArray: Sendable, Hashable {
  public var shape: [Int]
  public var values: [Double]

  public init(shape: [Int], values: [Double]) {
    self.shape = shape
    self.values = values
  }
}

extension NestedArray: Codable {
  public init(from decoder: any Decoder) throws {
    let nest = try Nest(from: decoder)
    shape = []
    values = []
    guard let measured = nest.shape else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "The lists are not all of one length."))
    }
    shape = measured
    nest.flatten(into: &values)
  }

  public func encode(to encoder: any Encoder) throws {
    var position = 0
    try Nest(shape[...], values, &position).encode(to: encoder)
  }

  private indirect enum Nest: Codable {
    case number(Double)
    case list([Nest])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else if let flag = try? container.decode(Bool.self) {
        self = .number(flag ? 1 : 0)
      } else {
        self = .list(try container.decode([Nest].self))
      }
    }

    init(_ shape: ArraySlice<Int>, _ values: [Double], _ position: inout Int) {
      guard let count = shape.first else {
        self = .number(values[position])
        position += 1
        return
      }
      var items: [Nest] = []
      for _ in 0..<count { items.append(Nest(shape.dropFirst(), values, &position)) }
      self = .list(items)
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .number(let number): try container.encode(number)
      case .list(let items): try container.encode(items)
      }
    }

    /// nil if the lists differ in length.
    var shape: [Int]? {
      guard case .list(let items) = self else { return [] }
      guard let first = items.first else { return [0] }
      guard let inner = first.shape, items.allSatisfy({ $0.shape == inner }) else { return nil }
      return [items.count] + inner
    }

    func flatten(into values: inout [Double]) {
      switch self {
      case .number(let number): values.append(number)
      case .list(let items): for item in items { item.flatten(into: &values) }
      }
    }
  }
}

extension Schema {
  /// The schema that data implies: a field for every array, without its leading axis of rows if there is one.
  /// - Parameter hasRows: the first axis of every array that has one counts rows (transitions, or steps of an episode).
  public init(describing inputs: [String: NestedArray], hasRows: Bool) {
    let fields = inputs.sorted { $0.key < $1.key }.map { name, array in
      Field(name, shape: hasRows ? Array(array.shape.dropFirst()) : array.shape, meaning: "")
    }
    self.init(environment: "data", fields: fields)
  }
}

extension RewardProgram {
  /// Rewards and terms of some transitions.
  public struct Evaluation: Sendable, Hashable {
    public var reward: [Double]
    /// In the order of `termNames`, one value a row.
    public var terms: [(name: String, values: [Double])]

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
      let isShared = hasRows && array.shape.isEmpty && field.shape.isEmpty
      let expected = hasRows && !isShared ? Array(array.shape.prefix(1)) + field.shape : field.shape
      guard array.shape == expected, !hasRows || isShared || !array.shape.isEmpty else {
        throw GuerdonError.usage(
          "\"\(input.name)\" has the shape \(array.shape) in the data; \(name) needs "
            + "\(hasRows ? "rows of " : "")\(field.shape).")
      }
      if hasRows, !isShared {
        if let known = rows, known != array.shape[0] {
          throw GuerdonError.usage("\"\(input.name)\" has \(array.shape[0]) rows, and other inputs have \(known).")
        }
        rows = array.shape[0]
      }
    }
    let count = rows ?? 1
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
