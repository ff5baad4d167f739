/// A half-open range of UTF-8 offsets into a program's text.
struct Span: Hashable, Sendable {
  var start: Int
  var end: Int

  static let none = Span(start: 0, end: 0)

  func joined(_ other: Span) -> Span { Span(start: min(start, other.start), end: max(end, other.end)) }
}

/// A program's text, with its lines found once.
struct SourceText: Sendable {
  let bytes: [UInt8]
  /// Offsets at which lines begin.
  private let lineStarts: [Int]

  init(_ text: String) {
    bytes = Array(text.utf8)
    var starts = [0]
    for (offset, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") { starts.append(offset + 1) }
    lineStarts = starts
  }

  /// Line and column of an offset, both counted from 1; columns count characters.
  func position(of offset: Int) -> (line: Int, column: Int) {
    let offset = min(max(0, offset), bytes.count)
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return (low + 1, String(decoding: bytes[lineStarts[low]..<offset], as: UTF8.self).count + 1)
  }

  /// The text of a line, counted from 1, without its end.
  func line(_ number: Int) -> String {
    guard number >= 1, number <= lineStarts.count else { return "" }
    let start = lineStarts[number - 1]
    var end = number < lineStarts.count ? lineStarts[number] - 1 : bytes.count
    if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  func text(_ span: Span) -> String {
    guard span.start >= 0, span.end <= bytes.count, span.start < span.end else { return "" }
    return String(decoding: bytes[span.start..<span.end], as: UTF8.self)
  }
}
