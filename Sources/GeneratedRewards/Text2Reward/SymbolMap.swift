import Basics

/// Turns general code, written against an environment's abstraction, into specific code that reads a transition record,
/// and back.
///
/// Longer names are replaced before shorter ones, in one pass over the text and as whole names: `self.obj1` never breaks
/// `self.obj1.position` or `self.obj10`, and what a replacement brought in is not replaced again.
public struct SymbolMap: Sendable, Hashable {
  /// General name → accessor in the record.
  public let symbols: [String: String]

  /// - Throws: `GuerdonError` when a name or an accessor is empty, or two names have one accessor, so that there would be
  ///   no way back.
  public init(_ symbols: [String: String]) throws {
    guard !symbols.contains(where: { $0.key.isEmpty || $0.value.isEmpty }) else {
      throw GuerdonError.usage("A symbol map has an empty name or accessor.")
    }
    let owners = Dictionary(grouping: symbols.keys, by: { symbols[$0] ?? "" })
    if let shared = owners.filter({ $0.value.count > 1 }).min(by: { $0.key < $1.key }) {
      throw GuerdonError.usage(
        "A symbol map gives \(shared.value.sorted().joined(separator: " and ")) one accessor, \(shared.key); it could not be read back."
      )
    }
    self.symbols = symbols
  }

  /// General code as specific code.
  public func specific(_ code: String) -> String {
    Self.replacing(symbols.map { ($0.key, $0.value) }, in: code)
  }

  /// Specific code as general code.
  public func general(_ code: String) -> String {
    Self.replacing(symbols.map { ($0.value, $0.key) }, in: code)
  }

  private static func replacing(_ pairs: [(from: String, to: String)], in text: String) -> String {
    let ordered = pairs.map { (from: Array($0.from.utf8), to: Array($0.to.utf8)) }
      .sorted { a, b in
        a.from.count != b.from.count ? a.from.count > b.from.count : a.from.lexicographicallyPrecedes(b.from)
      }
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let match = ordered.first { pair in
        let end = index + pair.from.count
        guard end <= bytes.count, bytes[index..<end].elementsEqual(pair.from) else { return false }
        let goesOn = end < bytes.count && isNamePart(bytes[end]) && isNamePart(pair.from[pair.from.count - 1])
        let wentOn = index > 0 && (isNamePart(bytes[index - 1]) || bytes[index - 1] == UInt8(ascii: "."))
        return !goesOn && !(wentOn && isNamePart(pair.from[0]))
      }
      if let match {
        result += match.to
        index += match.from.count
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: byte >= 0x80
    }
  }
}
