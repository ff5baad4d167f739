import CZlib
import Foundation

/// numpy's archives of arrays (`.npz`) and single arrays (`.npy`): numbers only; what is pickled is refused unread.
public enum NPZFile {
  /// Numbers of any dtype as doubles, in C order.
  public struct Array: Sendable, Hashable {
    public var shape: [Int]
    public var values: [Double]
  }

  /// The arrays of an archive, by name.
  /// - Throws: `GuerdonError` for a file that cannot be read, is damaged, or holds anything but numbers.
  public static func read(_ url: URL) throws -> [String: Array] {
    do {
      return try arrays(in: Files.read(url))
    } catch let defect as Defect {
      throw GuerdonError.failure("\(url.path) is no usable .npz file: \(defect.what).")
    }
  }

  struct Defect: Error {
    let what: String
    init(_ what: String) { self.what = what }
  }

  /// Bytes that one array may take; a small damaged file must not ask for all memory.
  private static let limit = 4 << 30

  static func arrays(in data: Data) throws -> [String: Array] {
    let reader = ByteReader(data)
    var result: [String: Array] = [:]
    for entry in try entries(reader) {
      let name = entry.name.hasSuffix(".npy") ? String(entry.name.dropLast(4)) : entry.name
      do {
        result[name] = try array(in: contents(of: entry, reader))
      } catch let defect as Defect {
        throw Defect("\"\(name)\" \(defect.what)")
      }
    }
    return result
  }

  // MARK: The archive (APPNOTE.TXT 6.3, sections 4.3.12 to 4.3.16)

  private struct Entry {
    var name: String
    var method: Int
    var compressed: Int
    var size: Int
    var offset: Int
  }

  private static func entries(_ reader: ByteReader) throws -> [Entry] {
    // The end record stands within the last 64 KiB, before a comment.
    var end: Int?
    for position in stride(from: reader.count - 22, through: max(0, reader.count - 65_558), by: -1)
    where try reader.integer(at: position, bytes: 4) == 0x0605_4b50 {
      end = position
      break
    }
    guard let end else { throw Defect("it has no zip directory") }
    let count = try reader.integer(at: end + 10, bytes: 2)
    var position = try reader.integer(at: end + 16, bytes: 4)
    var result: [Entry] = []
    for _ in 0..<count {
      guard try reader.integer(at: position, bytes: 4) == 0x0201_4b50 else { throw Defect("its zip directory is damaged") }
      let nameLength = try reader.integer(at: position + 28, bytes: 2)
      let extraLength = try reader.integer(at: position + 30, bytes: 2)
      let commentLength = try reader.integer(at: position + 32, bytes: 2)
      var entry = Entry(
        name: String(decoding: try reader.bytes(at: position + 46, count: nameLength), as: UTF8.self),
        method: try reader.integer(at: position + 10, bytes: 2),
        compressed: try reader.integer(at: position + 20, bytes: 4),
        size: try reader.integer(at: position + 24, bytes: 4),
        offset: try reader.integer(at: position + 42, bytes: 4))
      try widen(&entry, reader, extra: position + 46 + nameLength, length: extraLength)
      result.append(entry)
      position += 46 + nameLength + extraLength + commentLength
    }
    return result
  }

  /// Sizes over 4 GiB stand in an extra field.
  private static func widen(_ entry: inout Entry, _ reader: ByteReader, extra: Int, length: Int) throws {
    var position = extra
    while position + 4 <= extra + length {
      let kind = try reader.integer(at: position, bytes: 2)
      let size = try reader.integer(at: position + 2, bytes: 2)
      if kind == 1 {
        var place = position + 4
        for field in [\Entry.size, \Entry.compressed, \Entry.offset] where entry[keyPath: field] == 0xFFFF_FFFF {
          entry[keyPath: field] = try reader.integer(at: place, bytes: 8)
          place += 8
        }
      }
      position += 4 + size
    }
  }

  private static func contents(of entry: Entry, _ reader: ByteReader) throws -> ByteReader {
    guard try reader.integer(at: entry.offset, bytes: 4) == 0x0403_4b50 else { throw Defect("is not where it should be") }
    let nameLength = try reader.integer(at: entry.offset + 26, bytes: 2)
    let extraLength = try reader.integer(at: entry.offset + 28, bytes: 2)
    let stored = try reader.bytes(at: entry.offset + 30 + nameLength + extraLength, count: entry.compressed)
    guard entry.size <= limit else { throw Defect("is larger than 4 GiB") }
    switch entry.method {
    case 0:
      guard stored.count == entry.size else { throw Defect("has two sizes") }
      return ByteReader(stored)
    case 8: return ByteReader(try inflated(stored, to: entry.size))
    default: throw Defect("is compressed in an unknown way")
    }
  }

  private static func inflated(_ data: Data, to size: Int) throws -> Data {
    var stream = z_stream()
    // Negative bits: raw deflate, without zlib's header.
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw Defect("cannot be decompressed: zlib does not start")
    }
    defer { inflateEnd(&stream) }
    // Deflate shrinks to a thousandth at best: what promises more lies.
    guard size <= data.count * 1100 + 64 else { throw Defect("cannot be decompressed: its size is wrong") }
    var result = Data(count: size)
    let status: Int32 = data.withUnsafeBytes { input in
      result.withUnsafeMutableBytes { output in
        stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
        stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
        var (left, room) = (input.count, output.count)
        var status = Z_OK
        // zlib counts in 32 bits.
        repeat {
          let (given, offered) = (UInt32(clamping: left), UInt32(clamping: room))
          (stream.avail_in, stream.avail_out) = (given, offered)
          status = inflate(&stream, Z_NO_FLUSH)
          left -= Int(given - stream.avail_in)
          room -= Int(offered - stream.avail_out)
          if given == stream.avail_in, offered == stream.avail_out { break }
        } while status == Z_OK
        return room == 0 ? status : Z_DATA_ERROR
      }
    }
    guard status == Z_STREAM_END else { throw Defect("cannot be decompressed: its data is damaged") }
    return result
  }

  // MARK: An array (numpy.lib.format)

  private static func array(in reader: ByteReader) throws -> Array {
    guard try reader.bytes(at: 0, count: 6) == Data([0x93] + "NUMPY".utf8) else { throw Defect("is no numpy array") }
    let version = try reader.integer(at: 6, bytes: 1)
    guard (1...3).contains(version) else { throw Defect("has an unknown version of numpy's format") }
    let width = version == 1 ? 2 : 4
    let length = try reader.integer(at: 8, bytes: width)
    let header = String(decoding: try reader.bytes(at: 8 + width, count: length), as: UTF8.self)
    let description = try quoted("descr", in: header)
    guard let dtype = Element(description) else {
      throw Defect(
        description.contains("O")
          ? "holds pickled objects, which are not read" : "has the dtype \(description), not plain numbers")
    }
    let shape = try shape(in: header)
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, product <= limit else { throw Defect("has the impossible shape \(shape)") }
      count = product
    }
    let data = try reader.bytes(at: 8 + width + length, count: count * dtype.size)
    var values = dtype.doubles(data, count)
    if header.contains("'fortran_order': True") { values = cOrder(values, shape) }
    return Array(shape: shape, values: values)
  }

  private static func quoted(_ key: String, in header: String) throws -> String {
    guard let start = header.range(of: "'\(key)': '"), let end = header[start.upperBound...].firstIndex(of: "'") else {
      throw Defect("has a damaged header, or a dtype with fields")
    }
    return String(header[start.upperBound..<end])
  }

  private static func shape(in header: String) throws -> [Int] {
    guard let start = header.range(of: "'shape': ("), let end = header[start.upperBound...].firstIndex(of: ")") else {
      throw Defect("has a damaged header")
    }
    return try header[start.upperBound..<end].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }.map { text in
        guard let size = Int(text), size >= 0 else { throw Defect("has a damaged shape") }
        return size
      }
  }

  private static func cOrder(_ values: [Double], _ shape: [Int]) -> [Double] {
    var result = [Double](repeating: 0, count: values.count)
    var index = [Int](repeating: 0, count: shape.count)
    for value in values {
      var place = 0
      for (axis, size) in shape.enumerated() { place = place * size + index[axis] }
      result[place] = value
      // The first axis runs fastest.
      for axis in shape.indices {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
      }
    }
    return result
  }

  /// One number in numpy's notation: byte order, kind, bytes.
  private struct Element {
    let kind: Character
    let size: Int
    let isBigEndian: Bool

    init?(_ text: String) {
      guard let order = text.first, "<>|=".contains(order), let kind = text.dropFirst().first,
        let size = Int(text.dropFirst(2))
      else { return nil }
      let sizes: [Character: Set<Int>] = ["f": [2, 4, 8], "i": [1, 2, 4, 8], "u": [1, 2, 4, 8], "b": [1]]
      guard sizes[kind]?.contains(size) == true else { return nil }
      (self.kind, self.size, isBigEndian) = (kind, size, order == ">")
    }

    func doubles(_ data: Data, _ count: Int) -> [Double] {
      data.withUnsafeBytes { bytes in
        switch (kind, size) {
        case ("f", 8): map(bytes, count) { Double(bitPattern: $0 as UInt64) }
        case ("f", 4): map(bytes, count) { Double(Float(bitPattern: $0 as UInt32)) }
        case ("f", _): map(bytes, count) { Self.half($0) }
        case ("i", 8): map(bytes, count) { Double($0 as Int64) }
        case ("i", 4): map(bytes, count) { Double($0 as Int32) }
        case ("i", 2): map(bytes, count) { Double($0 as Int16) }
        case ("i", _): map(bytes, count) { Double($0 as Int8) }
        case ("u", 8): map(bytes, count) { Double($0 as UInt64) }
        case ("u", 4): map(bytes, count) { Double($0 as UInt32) }
        case ("u", 2): map(bytes, count) { Double($0 as UInt16) }
        case ("b", _): map(bytes, count) { ($0 as UInt8) == 0 ? 0 : 1 }
        default: map(bytes, count) { Double($0 as UInt8) }
        }
      }
    }

    private func map<Bits: FixedWidthInteger>(
      _ bytes: UnsafeRawBufferPointer, _ count: Int, _ value: (Bits) -> Double
    ) -> [Double] {
      (0..<count).map { index in
        let bits = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Bits>.size, as: Bits.self)
        return value(isBigEndian ? Bits(bigEndian: bits) : Bits(littleEndian: bits))
      }
    }

    /// IEEE 754's binary16, which Swift does not have on every processor.
    private static func half(_ bits: UInt16) -> Double {
      let exponent = Int(bits >> 10 & 0x1F)
      let fraction = Double(bits & 0x3FF) / 1024
      let size: Double =
        exponent == 0
        ? fraction * 0x1p-14
        : exponent == 31
          ? (fraction == 0 ? .infinity : .nan)
          : Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction)
      return bits >> 15 == 0 ? size : -size
    }
  }

  /// Bytes with checked access.
  private struct ByteReader {
    private let data: Data
    var count: Int { data.count }

    init(_ data: Data) { self.data = data }

    func bytes(at offset: Int, count: Int) throws -> Data {
      guard offset >= 0, count >= 0, offset <= data.count, count <= data.count - offset else {
        throw Defect("ends too early")
      }
      let start = data.startIndex + offset
      return data[start..<start + count]
    }

    /// A little-endian natural number.
    func integer(at offset: Int, bytes count: Int) throws -> Int {
      var value: UInt64 = 0
      for byte in try bytes(at: offset, count: count).reversed() { value = value << 8 | UInt64(byte) }
      return Int(clamping: value)
    }
  }
}
