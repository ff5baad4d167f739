/// One named, typed, documented quantity that an environment reports with every transition.
///
/// Values are `Double`s in row-major order of `shape`; `shape` excludes the batch axis and is empty for a scalar.
public struct Field: Sendable, Hashable, Codable {
  public var name: String
  public var shape: [Int]
  /// SI unit or "1" for a pure number, for example "m/s".
  public var unit: String
  /// Bounds that every component keeps; infinite where nothing is promised.
  public var low: Double
  public var high: Double
  /// One line that tells a person, or a language model, what the value means.
  public var meaning: String
  /// True for what only the fitness may read: a reward program that uses it is rejected.
  public var fitnessOnly: Bool
  /// True for what is the same in every row of a batch, such as a time step or joint limits: it has no axis of rows.
  public var shared: Bool

  public init(
    _ name: String, shape: [Int] = [], unit: String = "1", low: Double = -.infinity, high: Double = .infinity,
    meaning: String, fitnessOnly: Bool = false, shared: Bool = false
  ) {
    self.name = name
    self.shape = shape
    self.unit = unit
    self.low = low
    self.high = high
    self.meaning = meaning
    self.fitnessOnly = fitnessOnly
    self.shared = shared
  }

  /// Everything but the name may be left out.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    name = try values.decode(String.self, forKey: .name)
    shape = try values.decodeIfPresent([Int].self, forKey: .shape) ?? []
    unit = try values.decodeIfPresent(String.self, forKey: .unit) ?? "1"
    low = try values.decodeIfPresent(Double.self, forKey: .low) ?? -.infinity
    high = try values.decodeIfPresent(Double.self, forKey: .high) ?? .infinity
    meaning = try values.decodeIfPresent(String.self, forKey: .meaning) ?? ""
    fitnessOnly = try values.decodeIfPresent(Bool.self, forKey: .fitnessOnly) ?? false
    shared = try values.decodeIfPresent(Bool.self, forKey: .shared) ?? false
  }

  /// Number of components: the product of `shape`.
  public var width: Int { shape.reduce(1, *) }
}

/// An environment's fields, in the order in which they stand in a transition record.
///
/// A record is `width` contiguous columns: the components of the first field, then those of the second, and so on.
public struct Schema: Sendable, Hashable {
  public let environment: String
  public let fields: [Field]
  /// `offsets[i]`: the column of the first component of `fields[i]`.
  public let offsets: [Int]
  /// Columns of a transition record.
  public let width: Int

  private let indices: [String: Int]

  public init(environment: String, fields: [Field]) {
    self.environment = environment
    self.fields = fields
    var offsets: [Int] = []
    var width = 0
    for field in fields {
      offsets.append(width)
      width += field.width
    }
    self.offsets = offsets
    self.width = width
    indices = Dictionary(fields.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  public func index(of name: String) -> Int? { indices[name] }
  public subscript(name: String) -> Field? { indices[name].map { fields[$0] } }

  /// The columns of the field called `name`.
  public func columns(of name: String) -> Range<Int>? {
    indices[name].map { offsets[$0]..<offsets[$0] + fields[$0].width }
  }

  /// The same schema with some fields kept from reward programs.
  public func reserving(forFitness names: Set<String>) -> Schema {
    Schema(
      environment: environment,
      fields: fields.map { field in
        var field = field
        if names.contains(field.name) { field.fitnessOnly = true }
        return field
      })
  }
}
