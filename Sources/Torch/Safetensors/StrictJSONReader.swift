import Foundation

/// Reads the JSON that a safetensors header may hold: objects, strings and arrays of natural numbers, as RFC 8259
/// spells them. It takes time and memory linear in the text, and does not recurse deeper than its caller.
struct StrictJSONReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: Data) { bytes = [UInt8](text) }

  /// Reads an object and calls `field` to read the value of each key.
  mutating func object(_ field: (inout StrictJSONReader, String) throws -> Void) throws {
    try expect("{")
    if take("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try field(&self, key)
    } while take(",")
    try expect("}")
  }

  mutating func integers() throws -> [Int] {
    try expect("[")
    if take("]") { return [] }
    var result: [Int] = []
    repeat { result.append(try integer()) } while take(",")
    try expect("]")
    return result
  }

  /// A natural number without sign, fraction, exponent or leading zero.
  mutating func integer() throws -> Int {
    skipSpace()
    let start = position
    var value = 0
    while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10 {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int(digit))
      if overflow || carry { throw defect("a number is too large") }
      value = sum
      position += 1
    }
    if position == start { throw defect("a natural number was expected") }
    if position - start > 1, bytes[start] == UInt8(ascii: "0") { throw defect("a number begins with 0") }
    return value
  }

  mutating func string() throws -> String {
    try expect("\"")
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else { throw defect("a string is not UTF-8") }
        return string
      case UInt8(ascii: "\\"): text += try escaped()
      case 0..<0x20: throw defect("a string holds a control character")
      default: text.append(byte)
      }
    }
    throw defect("a string does not end")
  }

  /// Only space may follow.
  mutating func end() throws {
    skipSpace()
    if position < bytes.count { throw defect("something follows the object") }
  }

  /// What stands after a backslash, in UTF-8.
  private mutating func escaped() throws -> [UInt8] {
    guard position < bytes.count else { throw defect("a string does not end") }
    let letter = bytes[position]
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xd800..<0xdc00).contains(code) {
        guard bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
          throw defect("half a surrogate pair")
        }
        position += 2
        let low = try hexadecimal()
        guard (0xdc00..<0xe000).contains(low) else { throw defect("half a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw defect("half a surrogate pair") }
      return Array(String(Character(scalar)).utf8)
    default: throw defect("an unknown escape")
    }
  }

  private mutating func hexadecimal() throws -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw defect("four hexadecimal digits were expected")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  private mutating func expect(_ character: Unicode.Scalar) throws {
    if !take(character) { throw defect("\(character) was expected") }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0a, 0x0d: position += 1
      default: return
      }
    }
  }

  private func defect(_ what: String) -> SafetensorsDefect {
    SafetensorsDefect("its header is not strict JSON of the format: \(what) at byte \(position)")
  }
}
