import Foundation

/// Settings by the name and in the text of `--set`: `{"learner": {"rate": 0.1}}` is `["learner.rate": "0.1"]`.
func flattened(_ configuration: some Encodable) throws -> [String: String] {
  var settings: [String: String] = [:]
  func flatten(_ tree: JSONTree, _ path: String) throws {
    switch tree {
    case .object(let object):
      for (key, value) in object { try flatten(value, path.isEmpty ? key : path + "." + key) }
    case .text(let text):
      settings[path] = text
    default:
      settings[path] = String(decoding: try JSONEncoder().encode(tree), as: UTF8.self)
    }
  }
  try flatten(try JSONDecoder().decode(JSONTree.self, from: RunRecord.encoder.encode(configuration)), "")
  return settings
}

/// JSON, read back to know what is an object.
private enum JSONTree: Codable {
  case object([String: JSONTree])
  case list([JSONTree])
  case text(String)
  case flag(Bool)
  case whole(Int64)
  case number(Double)
  case none

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .none
    } else if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let whole = try? value.decode(Int64.self) {
      self = .whole(whole)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([JSONTree].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: JSONTree].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .object(let object): try value.encode(object)
    case .list(let list): try value.encode(list)
    case .text(let text): try value.encode(text)
    case .flag(let flag): try value.encode(flag)
    case .whole(let whole): try value.encode(whole)
    case .number(let number): try value.encode(number)
    case .none: try value.encodeNil()
    }
  }
}
