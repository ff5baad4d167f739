import Schemas

/// Transition records in columns: component `c` of row `i` stands at `base[c * capacity + i]`.
///
/// Columns, because reward programs run over one quantity of many transitions at a time.
public final class TransitionBatch: @unchecked Sendable {
  public let schema: Schema
  /// Rows that fit; also the distance between columns.
  public let capacity: Int
  public let base: UnsafeMutablePointer<Double>

  public init(schema: Schema, capacity: Int) {
    self.schema = schema
    self.capacity = capacity
    base = .allocate(capacity: max(1, schema.width * capacity))
    base.initialize(repeating: 0, count: max(1, schema.width * capacity))
  }

  deinit { base.deallocate() }

  /// The column of a field's component, for row 0; nil if there is no such field.
  public func column(_ field: String, component: Int = 0) -> UnsafeMutablePointer<Double>? {
    schema.columns(of: field).map { base + ($0.lowerBound + component) * capacity }
  }

  /// The record in `row`, in schema order.
  public func record(_ row: Int) -> [Double] { (0..<schema.width).map { base[$0 * capacity + row] } }
}
