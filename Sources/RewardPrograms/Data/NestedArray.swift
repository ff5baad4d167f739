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
    let container = try decoder.singleValueContainer()
    // The usual ranks without a detour over single numbers.
    if let number = try? container.decode(Double.self) {
      self.init(shape: [], values: [number])
    } else if let row = try? container.decode([Double].self) {
      self.init(shape: [row.count], values: row)
    } else if let rows = try? container.decode([[Double]].self), let width = rows.first?.count,
      rows.allSatisfy({ $0.count == width })
    {
      self.init(shape: [rows.count, width], values: rows.flatMap { $0 })
    } else {
      let nest = try Nest(from: decoder)
      guard let shape = nest.shape else {
        throw DecodingError.dataCorrupted(
          .init(codingPath: decoder.codingPath, debugDescription: "The lists are not all of one length."))
      }
      self.init(shape: shape, values: [])
      nest.flatten(into: &values)
    }
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
