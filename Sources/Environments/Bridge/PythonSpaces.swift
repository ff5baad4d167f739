import Foundation
import Schemas

/// A Python space as a worker describes it: a row of numbers, cut into the parts that Gymnasium's spaces have.
struct PythonSpace: Decodable, Equatable {
  /// A part that is no Dict and no Tuple.
  struct Leaf: Decodable, Equatable {
    enum Kind: String, Decodable {
      case box = "Box"
      case discrete = "Discrete"
      case multiDiscrete = "MultiDiscrete"
      case multiBinary = "MultiBinary"
      case text = "Text"
    }
    /// Where it lies in the Dict or Tuple, as a field's name: "robot.gripper", "item_0"; empty for a space without
    /// parts.
    var name: String
    var kind: Kind
    var shape: [Int]
    /// numpy's name of the type.
    var dtype: String
    /// What was subtracted from a Discrete's or MultiDiscrete's values, so that they count from 0.
    var start: [Int]
    var isFloat: Bool
    var low: Base64Numbers
    var high: Base64Numbers

    var width: Int { low.values.count }

    /// "7 × 7 × 3 whole numbers (uint8)", "one of 4 choices", "a text".
    var phrase: String {
      let size = shape.map { "\($0)" }.joined(separator: " × ")
      switch kind {
      case .discrete: return "one of \(Int(high.values[0]) + 1) choices, counted from 0"
      case .text: return "a text as \(width) UTF-8 bytes, padded with zeros"
      case .multiDiscrete: return "\(size) choices, each counted from 0"
      case .multiBinary: return "\(size) flags"
      case .box where shape.isEmpty: return "a number (\(dtype))"
      case .box: return "\(size) \(isFloat ? "numbers" : "whole numbers") (\(dtype))"
      }
    }

    func field(_ name: String, meaning: String) -> Field {
      Field(
        name, shape: shape, unit: kind == .box ? "mixed" : "1", low: low.values.min() ?? 0,
        high: high.values.max() ?? 0, meaning: meaning)
    }
  }

  /// A Dict or Tuple.
  var isNested: Bool
  var leaves: [Leaf]

  var width: Int { leaves.reduce(0) { $0 + $1.width } }

  /// The columns of every leaf.
  var columns: [Range<Int>] {
    var begin = 0
    return leaves.map { leaf in
      defer { begin += leaf.width }
      return begin..<begin + leaf.width
    }
  }

  /// A lone Discrete stays one; everything else is a box with the parts one after another. In an action, the components
  /// of a box that are choices or whole numbers are rounded to the nearest one there is.
  var space: Space {
    if !isNested, leaves[0].kind == .discrete { return .discrete(Int(leaves[0].high.values[0]) + 1) }
    return .box(low: leaves.flatMap(\.low.values), high: leaves.flatMap(\.high.values))
  }

  /// The whole of it as one field.
  func field(_ name: String, _ meaning: String) -> Field {
    if !isNested { return leaves[0].field(name, meaning: "\(meaning): \(leaves[0].phrase).") }
    let parts = leaves.map { "\($0.name) (\($0.phrase))" }.joined(separator: ", then ")
    return Field(
      name, shape: [width], unit: "mixed", low: leaves.compactMap { $0.low.values.min() }.min() ?? 0,
      high: leaves.compactMap { $0.high.values.max() }.max() ?? 0, meaning: "\(meaning), flat: \(parts).")
  }
}

/// Numbers that travel as the base 64 of their 64-bit patterns, infinities included.
struct Base64Numbers: Decodable, Equatable {
  let values: [Double]

  init(from decoder: any Decoder) throws {
    let data = Data(base64Encoded: try decoder.singleValueContainer().decode(String.self)) ?? Data()
    values = data.withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
    }
  }
}
