import Foundation

/// The JSON header of a safetensors file: `{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}` and
/// `"__metadata__": {"key": "value", …}`.
struct SafetensorsHeader {
  struct Array {
    var dtype: DType
    var shape: [Int]
    var begin: Int, end: Int
  }

  var metadata: [String: String]
  var arrays: [String: Array] = [:]

  init(metadata: [String: String]) { self.metadata = metadata }

  /// - Throws: `SafetensorsDefect` for anything but strict JSON of exactly the form above.
  init(parsing text: Data) throws {
    guard text.first == UInt8(ascii: "{") else { throw SafetensorsDefect("its header does not begin with {") }
    metadata = [:]
    var reader = StrictJSONReader(text)
    var hasMetadata = false
    try reader.object { reader, name in
      if name == "__metadata__" {
        guard !hasMetadata else { throw SafetensorsDefect("\"__metadata__\" comes twice") }
        hasMetadata = true
        try reader.object { reader, key in
          guard metadata.updateValue(try reader.string(), forKey: key) == nil else {
            throw SafetensorsDefect("the metadata \"\(key)\" comes twice")
          }
        }
      } else {
        guard arrays.updateValue(try Self.array(name, &reader), forKey: name) == nil else {
          throw SafetensorsDefect("the array \"\(name)\" comes twice")
        }
      }
    }
    try reader.end()
  }

  private static func array(_ name: String, _ reader: inout StrictJSONReader) throws -> Array {
    var dtype: DType?, shape: [Int]?, offsets: [Int]?
    try reader.object { reader, key in
      switch key {
      case "dtype" where dtype == nil:
        let code = try reader.string()
        guard let known = DType(safetensors: code) else {
          throw SafetensorsDefect("the array \"\(name)\" has the unknown dtype \"\(code)\"")
        }
        dtype = known
      case "shape" where shape == nil: shape = try reader.integers()
      case "data_offsets" where offsets == nil: offsets = try reader.integers()
      default: throw SafetensorsDefect("the array \"\(name)\" has an unknown or repeated field \"\(key)\"")
      }
    }
    guard let dtype, let shape, let offsets else {
      throw SafetensorsDefect("the array \"\(name)\" lacks its dtype, shape or data_offsets")
    }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw SafetensorsDefect("the data_offsets of \"\(name)\" are not a begin and an end")
    }
    guard let size = byteCount(dtype, shape) else {
      throw SafetensorsDefect("the shape of \"\(name)\" has too many elements or dimensions")
    }
    guard size == offsets[1] - offsets[0] else {
      throw SafetensorsDefect(
        "the array \"\(name)\" needs \(size) bytes for its shape and dtype, and its offsets span "
          + "\(offsets[1] - offsets[0])")
    }
    return Array(dtype: dtype, shape: shape, begin: offsets[0], end: offsets[1])
  }

  /// The arrays must fill the rest of the file: no hole, no overlap, nothing beyond.
  func checkLayout(bodySize: Int) throws {
    var reached = 0
    for (name, array) in arrays.sorted(by: { ($0.value.begin, $0.value.end) < ($1.value.begin, $1.value.end) }) {
      guard array.end <= bodySize else {
        throw SafetensorsDefect(
          "the array \"\(name)\" ends at byte \(array.end) of the data, which has only \(bodySize)")
      }
      guard array.begin == reached else {
        throw SafetensorsDefect(
          array.begin > reached
            ? "\(array.begin - reached) bytes before the array \"\(name)\" belong to no array"
            : "the array \"\(name)\" overlaps the one before it")
      }
      reached = array.end
    }
    guard reached == bodySize else {
      throw SafetensorsDefect("\(bodySize - reached) bytes at its end belong to no array")
    }
  }

  func json(order: [String]) -> String {
    var fields: [String] = []
    if !metadata.isEmpty {
      let strings = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
      fields.append("\"__metadata__\":{\(strings.joined(separator: ","))}")
    }
    for name in order {
      guard let array = arrays[name] else { continue }
      let shape = array.shape.map(String.init).joined(separator: ",")
      fields.append(
        "\(quoted(name)):{\"dtype\":\"\(array.dtype.safetensors)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(array.begin),\(array.end)]}")
    }
    return "{\(fields.joined(separator: ","))}"
  }

  private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..<"\u{20}":
        let code = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - code.count) + code
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension DType {
  /// The format's name of the type.
  var safetensors: String {
    switch self {
    case .bool: "BOOL"
    case .uint8: "U8"
    case .uint16: "U16"
    case .uint32: "U32"
    case .uint64: "U64"
    case .int8: "I8"
    case .int16: "I16"
    case .int32: "I32"
    case .int64: "I64"
    case .float8E5M2: "F8_E5M2"
    case .float8E4M3: "F8_E4M3"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .float32: "F32"
    case .float64: "F64"
    case .complex64: "C64"
    }
  }

  init?(safetensors name: String) {
    guard let dtype = DType.allCases.first(where: { $0.safetensors == name }) else { return nil }
    self = dtype
  }
}
