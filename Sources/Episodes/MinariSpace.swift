import Basics
import Foundation
import Schemas

/// Gymnasium's spaces, as Minari writes them into a dataset's metadata (`minari/serialization.py`).
public indirect enum MinariSpace: Sendable, Hashable {
  /// `low` and `high`: row-major, one of each an element; `dtype` is numpy's, for example "float32".
  case box(dtype: String, shape: [Int], low: [Double], high: [Double])
  case discrete(Int, start: Int)
  case multiDiscrete([Int])
  case multiBinary([Int])
  case text(minLength: Int, maxLength: Int, characters: String)
  case dictionary([String: MinariSpace])
  case tuple([MinariSpace])

  /// An environment's space; its numbers are kept in double precision.
  public init(_ space: Space) {
    switch space {
    case .box(let low, let high): self = .box(dtype: "float64", shape: [low.count], low: low, high: high)
    case .discrete(let count): self = .discrete(count, start: 0)
    }
  }

  /// - Throws: `GuerdonError` when the values are not laid out as the space says.
  func check(_ value: EpisodeValue, _ name: String) throws {
    func wrong(_ wanted: String) -> GuerdonError {
      let given =
        switch value {
        case .column(let column): "a column of shape \(column.shape)"
        case .dictionary(let values): "a dictionary of \(values.keys.sorted().joined(separator: ", "))"
        case .tuple(let values): "a tuple of \(values.count)"
        }
      return GuerdonError.usage("The episode's \(name) are \(given); their space is \(wanted).")
    }
    switch (self, value) {
    case (.dictionary(let spaces), .dictionary(let values)):
      guard spaces.keys.sorted() == values.keys.sorted() else {
        throw wrong("a dictionary of \(spaces.keys.sorted().joined(separator: ", "))")
      }
      for (key, space) in spaces { if let value = values[key] { try space.check(value, name + "/" + key) } }
    case (.tuple(let spaces), .tuple(let values)):
      guard spaces.count == values.count else { throw wrong("a tuple of \(spaces.count)") }
      for (k, space) in spaces.enumerated() { try space.check(values[k], "\(name)/_index_\(k)") }
    case (.text, .column(let column)):
      guard case .text = column.values else { throw wrong("text") }
    case (_, .column(let column)):
      guard let shape, shape == column.shape, column.numbers != nil else {
        throw wrong(shape.map { "of numbers of shape \($0)" } ?? "a structure")
      }
    default: throw wrong("another structure")
    }
  }

  /// The shape of one element; nil for a structure.
  private var shape: [Int]? {
    switch self {
    case .box(_, let shape, _, _): shape
    case .discrete, .text: []
    case .multiDiscrete(let counts): [counts.count]
    case .multiBinary(let shape): shape
    case .dictionary, .tuple: nil
    }
  }

  /// True if Minari stores it as JPEG files unless told otherwise.
  var hasImages: Bool {
    switch self {
    case .box(let dtype, let shape, let low, let high):
      dtype == "uint8" && (shape.count == 2 || shape.count == 3) && shape[0] >= 32 && shape[1] >= 32
        && low.allSatisfy { $0 == 0 } && high.allSatisfy { $0 == 255 }
    case .dictionary(let spaces): spaces.values.contains { $0.hasImages }
    case .tuple(let spaces): spaces.contains { $0.hasImages }
    default: false
    }
  }

  // MARK: JSON

  /// As Python's `json` writes it: infinite numbers are `Infinity`.
  func json() -> String {
    switch self {
    case .box(let dtype, let shape, let low, let high):
      "{\"type\": \"Box\", \"dtype\": \(Self.quoted(dtype)), \"shape\": \(shape), \"low\": \(Self.nested(low, shape)), "
        + "\"high\": \(Self.nested(high, shape))}"
    case .discrete(let count, let start):
      "{\"type\": \"Discrete\", \"dtype\": \"int64\", \"start\": \(start), \"n\": \(count)}"
    case .multiDiscrete(let counts):
      "{\"type\": \"MultiDiscrete\", \"dtype\": \"int64\", \"nvec\": \(counts), \"start\": \(counts.map { _ in 0 })}"
    case .multiBinary(let shape):
      "{\"type\": \"MultiBinary\", \"n\": \(shape.count == 1 ? "\(shape[0])" : "\(shape)")}"
    case .text(let least, let most, let characters):
      "{\"type\": \"Text\", \"max_length\": \(most), \"min_length\": \(least), \"charset\": \(Self.quoted(characters))}"
    case .dictionary(let spaces):
      "{\"type\": \"Dict\", \"subspaces\": {"
        + spaces.sorted { $0.key < $1.key }.map { "\(Self.quoted($0.key)): \($0.value.json())" }.joined(separator: ", ")
        + "}}"
    case .tuple(let spaces):
      "{\"type\": \"Tuple\", \"subspaces\": [" + spaces.map { $0.json() }.joined(separator: ", ") + "]}"
    }
  }

  private static func quoted(_ text: String) -> String {
    (try? String(decoding: JSONEncoder().encode(text), as: UTF8.self)) ?? "\"\""
  }

  private static func nested(_ values: [Double], _ shape: [Int]) -> String {
    guard let first = shape.first else {
      guard let value = values.first else { return "0" }
      return value.isNaN ? "NaN" : value.isInfinite ? (value > 0 ? "Infinity" : "-Infinity") : "\(value)"
    }
    let width = shape.dropFirst().reduce(1, *)
    let parts = (0..<first).map { nested(Array(values[$0 * width..<($0 + 1) * width]), Array(shape.dropFirst())) }
    return "[" + parts.joined(separator: ", ") + "]"
  }

  /// - Throws: `GuerdonError` when the text is no space that Minari writes.
  init(json: String) throws {
    do {
      let decoder = JSONDecoder()
      decoder.allowsJSON5 = true  // Python writes infinite numbers as Infinity.
      self = try decoder.decode(Parsed.self, from: Data(json.utf8)).space()
    } catch let error as GuerdonError {
      throw error
    } catch {
      throw GuerdonError.failure("A space in the metadata cannot be read: \(json.prefix(100)).")
    }
  }

  private struct Parsed: Decodable {
    var type: String
    var dtype: String?
    var shape: [Int]?
    var low, high: Nested?
    var n: Nested?
    var start: Nested?
    var nvec: Nested?
    var max_length, min_length: Int?
    var charset: String?
    var subspaces: Subspaces?

    func space() throws -> MinariSpace {
      switch type {
      case "Box":
        guard let dtype, let shape, let low = low?.values, let high = high?.values, shape.allSatisfy({ $0 > 0 }),
          let size = product(shape), low.count == size, high.count == size
        else { break }
        return .box(dtype: dtype, shape: shape, low: low, high: high)
      case "Discrete":
        guard let count = n?.integers?.first, count > 0 else { break }
        return .discrete(count, start: start?.integers?.first ?? 0)
      case "MultiDiscrete":
        guard let counts = nvec?.integers, !counts.isEmpty else { break }
        return .multiDiscrete(counts)
      case "MultiBinary":
        guard let shape = n?.integers, !shape.isEmpty, shape.allSatisfy({ $0 > 0 }) else { break }
        return .multiBinary(shape)
      case "Text":
        guard let max_length else { break }
        return .text(minLength: min_length ?? 0, maxLength: max_length, characters: charset ?? "")
      case "Dict":
        guard case .named(let parts) = subspaces else { break }
        return .dictionary(try parts.mapValues { try $0.space() })
      case "Tuple":
        guard case .listed(let parts) = subspaces else { break }
        return .tuple(try parts.map { try $0.space() })
      default: break
      }
      throw GuerdonError.failure("A space of type \(type) in the metadata is not one that Minari writes.")
    }

    private func product(_ shape: [Int]) -> Int? {
      var size = 1
      for side in shape {
        let (next, overflows) = size.multipliedReportingOverflow(by: side)
        if overflows { return nil }
        size = next
      }
      return size
    }
  }

  private enum Subspaces: Decodable {
    case named([String: Parsed])
    case listed([Parsed])

    init(from decoder: any Decoder) throws {
      if let parts = try? [String: Parsed](from: decoder) {
        self = .named(parts)
      } else {
        self = .listed(try [Parsed](from: decoder))
      }
    }
  }

  /// A number, or lists of numbers, flattened.
  private struct Nested: Decodable {
    var values: [Double]
    var integers: [Int]? {
      let whole = values.compactMap { Int(exactly: $0) }
      return whole.count == values.count ? whole : nil
    }

    init(from decoder: any Decoder) throws {
      if let value = try? Double(from: decoder) {
        values = [value]
      } else {
        values = try [Nested](from: decoder).flatMap(\.values)
      }
    }
  }
}
