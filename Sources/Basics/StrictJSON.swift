import Foundation

extension Files {
  /// Reads one JSON value of a known shape from a file of at most `limit` bytes.
  /// - Throws: `GuerdonError` when the file is missing, is no JSON, or has another shape: one sentence that says where.
  public static func readJSON<Value: Decodable>(
    _ type: Value.Type, from url: URL, limit: Int = 1 << 26
  ) throws -> Value {
    try decodeJSON(type, from: read(url, limit: limit), named: url.path)
  }

  /// - Parameter name: what the text is called in errors.
  /// - Throws: `GuerdonError` as `readJSON`.
  public static func decodeJSON<Value: Decodable>(
    _ type: Value.Type, from data: Data, named name: String
  ) throws -> Value {
    func place(_ path: [any CodingKey]) -> String {
      let steps: [String] = path.map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }
      return steps.isEmpty ? "" : " at " + steps.joined().drop { $0 == "." }
    }
    do {
      return try JSONDecoder().decode(type, from: data)
    } catch let error as GuerdonError {
      throw GuerdonError(kind: error.kind, message: "\(name): \(error.message)")
    } catch DecodingError.keyNotFound(let key, let context) {
      throw GuerdonError.usage("\(name) lacks \"\(key.stringValue)\"\(place(context.codingPath)).")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      throw GuerdonError.usage("\(name) has a value of the wrong type\(place(context.codingPath)).")
    } catch DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty {
      let reason = (context.underlyingError as NSError?)?.userInfo[NSDebugDescriptionErrorKey] as? String
      let hint = data.range(of: Data("NaN".utf8)) == nil ? "" : " NaN is no JSON."
      throw GuerdonError.usage("\(name) is not JSON: \(reason ?? context.debugDescription)\(hint)")
    } catch DecodingError.dataCorrupted(let context) {
      throw GuerdonError.usage("\(name)\(place(context.codingPath)): \(context.debugDescription)")
    }
  }
}

extension Decoder {
  /// - Throws: `DecodingError` for a key of the object that is none of `keys`: a misspelt one must not pass for absent.
  public func rejectKeys(except keys: some Collection<String>) throws {
    for key in try container(keyedBy: AnyKey.self).allKeys where !keys.contains(key.stringValue) {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: codingPath + [key],
          debugDescription: "there is no such key; the keys are \(keys.sorted().joined(separator: ", "))."
            + suggestion(for: key.stringValue, among: keys)))
    }
  }
}

private struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
