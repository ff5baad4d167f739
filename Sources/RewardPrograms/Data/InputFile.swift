import Basics
import Foundation
import Schemas

extension NestedArray {
  /// The named arrays of a file: `.json` with an object of (nested lists of) numbers, or numpy's `.npz`.
  ///
  /// In JSON a value that is no number, such as a device's name, is left out: a program that reads it is told so.
  /// - Throws: `GuerdonError` for a file that is missing, damaged or irregular, and for a value that is not a number.
  public static func load(_ url: URL) throws -> [String: NestedArray] {
    let arrays: [String: NestedArray]
    if url.pathExtension == "npz" {
      arrays = try NPZFile.read(url).mapValues { NestedArray(shape: $0.shape, values: $0.values) }
    } else {
      arrays = try decode(Files.read(url, limit: 1 << 31), of: url.path)
    }
    for (name, array) in arrays.sorted(by: { $0.key < $1.key }) {
      if let place = array.values.firstIndex(where: \.isNaN) {
        throw GuerdonError.failure("\"\(name)\" in \(url.path) is NaN at \(index(of: place, in: array.shape)).")
      }
    }
    return arrays
  }

  private static func decode(_ data: Data, of path: String) throws -> [String: NestedArray] {
    let entries: [String: Entry]
    do {
      entries = try JSONDecoder().decode([String: Entry].self, from: data)
    } catch DecodingError.dataCorrupted(let context) {
      let reason = (context.underlyingError as NSError?)?.userInfo[NSDebugDescriptionErrorKey] as? String
      let hint = data.range(of: Data("NaN".utf8)) == nil ? "" : " NaN is no JSON."
      throw GuerdonError.failure("\(path) is not JSON: \(reason ?? context.debugDescription)\(hint)")
    } catch {
      throw GuerdonError.failure("\(path) must hold one JSON object, with an array or a number for every input.")
    }
    var arrays: [String: NestedArray] = [:]
    for (name, entry) in entries {
      switch entry {
      case .array(let array): arrays[name] = array
      case .irregular:
        throw GuerdonError.failure(
          "\"\(name)\" in \(path) is no regular array: its lists differ in length or hold something else than numbers.")
      case .other: break
      }
    }
    return arrays
  }

  /// `[3, 1]`: where an element stands.
  private static func index(of place: Int, in shape: [Int]) -> String {
    var rest = place
    var index: [Int] = []
    for size in shape.reversed() {
      index.insert(rest % max(1, size), at: 0)
      rest /= max(1, size)
    }
    return shape.isEmpty ? "its only value" : "\(index)"
  }

  private enum Entry: Decodable {
    case array(NestedArray)
    case irregular
    case other

    init(from decoder: any Decoder) throws {
      if let array = try? NestedArray(from: decoder) {
        self = .array(array)
      } else {
        self = (try? decoder.unkeyedContainer()) == nil ? .other : .irregular
      }
    }
  }
}

extension Schema {
  /// A schema in a JSON file: `{"environment": "…", "fields": [{"name": "…", "shape": […], "low": …, …}]}`.
  /// - Throws: `GuerdonError` naming the file and what is wrong with it.
  public static func load(_ url: URL) throws -> Schema {
    try Schema(json: Files.read(url, limit: 1 << 24), name: url.path)
  }

  /// - Parameter name: what the text is called in errors.
  /// - Throws: `GuerdonError` saying what is wrong with it.
  public init(json: Data, name: String) throws {
    struct Contents: Decodable {
      var environment: String?
      var fields: [Field]
    }
    let contents: Contents
    do {
      contents = try JSONDecoder().decode(Contents.self, from: json)
    } catch DecodingError.keyNotFound(let key, let context) {
      throw GuerdonError.usage("\(name) lacks \"\(key.stringValue)\"\(Self.place(context)).")
    } catch DecodingError.typeMismatch(_, let context) {
      throw GuerdonError.usage("\(name) has a value of the wrong type\(Self.place(context)).")
    } catch {
      throw GuerdonError.usage("\(name) is not JSON with a list of fields: {\"fields\": [{\"name\": …}, …]}.")
    }
    var seen: Set<String> = []
    for field in contents.fields {
      guard !field.name.isEmpty, seen.insert(field.name).inserted else {
        throw GuerdonError.usage("\(name) has the field \"\(field.name)\" twice, or without a name.")
      }
      guard field.shape.allSatisfy({ $0 > 0 && $0 <= 1_000_000 }), field.shape.count <= 8,
        field.shape.reduce(1.0, { $0 * Double($1) }) <= 1_000_000
      else { throw GuerdonError.usage("The field \"\(field.name)\" in \(name) has the impossible shape \(field.shape).") }
      guard field.low <= field.high else {
        throw GuerdonError.usage("The field \"\(field.name)\" in \(name) has a low above its high.")
      }
    }
    self.init(environment: contents.environment ?? name, fields: contents.fields)
  }

  /// ` in fields [3]`
  private static func place(_ context: DecodingError.Context) -> String {
    let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: " ")
    return path.isEmpty ? "" : " in \(path)"
  }
}
