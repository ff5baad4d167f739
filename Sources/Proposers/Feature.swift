import Schemas

/// One number that a reward term may be built on: read from a transition record, written as Python.
///
/// Features are unit-aware: a difference is taken only between fields of one unit and one shape.
public struct Feature: Sendable, Hashable, Codable {
  public enum Kind: Sendable, Hashable, Codable {
    /// One component of a field, or the whole of a scalar one.
    case component(Int)
    /// Euclidean length of a vector field.
    case norm
    /// Sum of a vector field's squares, for example the effort of an action.
    case squares
    /// Euclidean distance between this field and another of the same unit and shape.
    case distance(String)
    /// 1 while the episode goes on, 0 on the transition that terminates it.
    case alive
  }

  public let field: String
  public let kind: Kind
  /// True for a field without a shape, which Python sees as a plain number.
  let isScalar: Bool
  /// Columns of the record, for `distance` those of the other field in `others`.
  let columns: Range<Int>
  let others: Range<Int>
  /// Bounds the schema promises for the value; infinite where there are none.
  public let low: Double
  public let high: Double

  /// Every feature of a schema that a reward may use.
  ///
  /// `obs` and `next_obs` are left out where named quantities say the same thing better; environments that name nothing
  /// are described by their observations alone.
  public static func all(of schema: Schema) -> [Feature] {
    let usable = schema.fields.filter { !$0.fitnessOnly && $0.name != "step" && $0.name != "obs" }
    let named = usable.filter { $0.name != "next_obs" && $0.name != "action" && $0.name != "terminated" }
    let fields = named.isEmpty ? usable : usable.filter { $0.name != "next_obs" }
    var features: [Feature] = []
    for field in fields {
      guard let columns = schema.columns(of: field.name) else { continue }
      func add(_ kind: Kind, others: Range<Int> = 0..<0, low: Double, high: Double) {
        features.append(
          Feature(
            field: field.name, kind: kind, isScalar: field.shape.isEmpty, columns: columns, others: others, low: low,
            high: high))
      }
      if field.name == "terminated" {
        add(.alive, low: 0, high: 1)
        continue
      }
      let largest = max(abs(field.low), abs(field.high))
      if field.width == 1 {
        add(.component(0), low: field.low, high: field.high)
        if field.name == "action" { add(.squares, low: 0, high: largest * largest) }
      } else {
        if field.name != "action" {
          for index in 0..<field.width where field.shape.count == 1 {
            add(.component(index), low: field.low, high: field.high)
          }
          add(.norm, low: 0, high: largest * Double(field.width).squareRoot())
        } else {
          add(.squares, low: 0, high: largest * largest * Double(field.width))
        }
        for other in fields where other.name > field.name && other.unit == field.unit && other.shape == field.shape {
          guard field.name != "action", other.name != "action", let others = schema.columns(of: other.name) else {
            continue
          }
          add(.distance(other.name), others: others, low: 0, high: .infinity)
        }
      }
    }
    return features
  }

  /// The feature's value in row `row` of column-major records (`base[column * stride + row]`).
  public func value(_ base: UnsafePointer<Double>, stride: Int, row: Int) -> Double {
    func read(_ column: Int) -> Double { base[column * stride + row] }
    switch kind {
    case .component(let index): return read(columns.lowerBound + index)
    case .alive: return 1 - read(columns.lowerBound)
    case .squares: return columns.reduce(0) { $0 + read($1) * read($1) }
    case .norm: return columns.reduce(0) { $0 + read($1) * read($1) }.squareRoot()
    case .distance:
      return zip(columns, others).reduce(0) { sum, pair in
        let difference = read(pair.0) - read(pair.1)
        return sum + difference * difference
      }.squareRoot()
    }
  }

  /// The feature as a Python expression over one transition.
  public var source: String {
    switch kind {
    case .component(let index): isScalar ? field : "\(field)[\(index)]"
    case .alive: "(1.0 - \(field))"
    case .squares: "np.sum(np.square(\(field)))"
    case .norm: "np.linalg.norm(\(field))"
    case .distance(let other): "np.linalg.norm(\(field) - \(other))"
    }
  }

  /// A name for a term built on it, a Python identifier.
  public var name: String {
    switch kind {
    case .component(let index): columns.count == 1 ? field : "\(field)_\(index)"
    case .alive: "alive"
    case .squares: field == "action" ? "effort" : "\(field)_squares"
    case .norm: "\(field)_norm"
    case .distance(let other): "\(field)_to_\(other)"
    }
  }

  var isComponent: Bool { if case .component = kind { true } else { false } }

  /// The schema fields it reads.
  public var fields: [String] {
    if case .distance(let other) = kind { [field, other] } else { [field] }
  }
}
