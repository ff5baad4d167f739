import Basics
import Foundation

/// The contents of a safetensors file: named arrays of raw little-endian elements in C order, and strings about them.
///
/// ```swift
/// var file = SafetensorsFile(metadata: ["epoch": "3"])
/// file["policy.0.weight"] = SafetensorsFile.Entry([0.1, 0.2] as [Float], shape: [1, 2])
/// try file.write(to: url)
/// let weight = try SafetensorsFile(contentsOf: url).entry("policy.0.weight").floats()
/// ```
///
/// The format (8 bytes of header length, a JSON header, the elements) is checked strictly, for files come from
/// anywhere: reading allocates no more than the file's size and throws on anything amiss. Nothing here needs LibTorch.
public struct SafetensorsFile: Sendable {
  /// One named array.
  public struct Entry: Sendable {
    public let dtype: DType
    public let shape: [Int]
    /// `shape`'s product times the size of an element, in little-endian C order.
    public let bytes: Data

    /// - Throws: `GuerdonError` when the bytes are not as many as the shape needs, or are no booleans.
    public init(dtype: DType, shape: [Int], bytes: Data) throws {
      guard let size = byteCount(dtype, shape) else {
        throw GuerdonError.failure("The shape \(shape) has a negative size, or too many elements or dimensions.")
      }
      guard size == bytes.count else {
        throw GuerdonError.failure("A \(dtype) array of shape \(shape) needs \(size) bytes, not \(bytes.count).")
      }
      guard dtype != .bool || areBooleans(bytes) else {
        throw GuerdonError.failure("An array of booleans holds bytes other than 0 and 1.")
      }
      self.init(validated: dtype, shape, bytes)
    }

    /// An array of `values` in C order, which must be as many as `shape` says (by default one dimension).
    public init<T: TensorElement>(
      _ values: [T], shape: [Int]? = nil, file: StaticString = #fileID, line: UInt = #line
    ) {
      let shape = shape ?? [values.count]
      precondition(
        byteCount(T.dtype, shape) == values.count * T.dtype.size, "\(values.count) values do not fill \(shape).",
        file: file, line: line)
      self.init(validated: T.dtype, shape, values.withUnsafeBytes { Data($0) })
    }

    init(validated dtype: DType, _ shape: [Int], _ bytes: Data) {
      (self.dtype, self.shape, self.bytes) = (dtype, shape, bytes)
    }
  }

  /// Anything worth saying about the file; strings only.
  public var metadata: [String: String]
  /// The arrays by name.
  public private(set) var entries: [String: Entry]

  public init(metadata: [String: String] = [:]) {
    self.metadata = metadata
    entries = [:]
  }

  init(metadata: [String: String], entries: [String: Entry]) {
    (self.metadata, self.entries) = (metadata, entries)
  }

  public subscript(name: String) -> Entry? {
    get { entries[name] }
    set { entries[name] = newValue }
  }

  /// The array called `name`.
  /// - Throws: `GuerdonError` naming the nearest one there is.
  public func entry(_ name: String) throws -> Entry {
    guard let entry = entries[name] else {
      throw GuerdonError.failure(
        "The safetensors file has no array \"\(name)\".\(suggestion(for: name, among: entries.keys))")
    }
    return entry
  }
}

/// The bytes of an array; nil if there are more than 64 dimensions, if a size is negative, or if the product of those
/// that are not zero overflows (as the strides of even an empty tensor then would).
func byteCount(_ dtype: DType, _ shape: [Int]) -> Int? {
  guard shape.count <= 64 else { return nil }
  var total = dtype.size
  for size in shape {
    guard size >= 0 else { return nil }
    let (product, overflow) = total.multipliedReportingOverflow(by: max(size, 1))
    if overflow { return nil }
    total = product
  }
  return shape.contains(0) ? 0 : total
}

/// Any byte but 0 and 1 would be an invalid `Bool`, in Swift and in C++.
private func areBooleans(_ bytes: Data) -> Bool { bytes.withUnsafeBytes { $0.allSatisfy { $0 <= 1 } } }

// MARK: Elements as Swift arrays

extension SafetensorsFile.Entry {
  /// The elements, whose type must be exactly `T`'s.
  /// - Throws: `GuerdonError` when it is another.
  public func array<T: TensorElement>(of type: T.Type = T.self) throws -> [T] {
    guard dtype == T.dtype else {
      throw GuerdonError.failure("The array holds \(dtype) elements, not \(T.dtype).")
    }
    return load(T.self)
  }

  /// The elements of a floating-point array (f16, bf16, f32 or f64), rounded to `Float` if need be.
  /// - Throws: `GuerdonError` for other types.
  public func floats() throws -> [Float] {
    if dtype == .float32 { return load(Float.self) }
    return try doubles().map(Float.init)
  }

  /// The elements of a floating-point array (f16, bf16, f32 or f64), exactly.
  /// - Throws: `GuerdonError` for other types.
  public func doubles() throws -> [Double] {
    switch dtype {
    case .float64: return load(Double.self)
    case .float32: return load(Float.self).map(Double.init)
    case .bfloat16: return load(UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .float16: return load(UInt16.self).map(Double.init(halfPrecision:))
    default: throw GuerdonError.failure("The array holds \(dtype) elements, not floating-point numbers.")
    }
  }

  /// Copies, since the bytes of a file need not be aligned. Callers have checked that each bit pattern is a `T`.
  private func load<T: BitwiseCopyable>(_ type: T.Type) -> [T] {
    let count = bytes.count / MemoryLayout<T>.size
    return [T](unsafeUninitializedCapacity: count) { buffer, initialized in
      _ = bytes.copyBytes(to: UnsafeMutableRawBufferPointer(buffer))
      initialized = count
    }
  }
}

extension Double {
  /// The value of an IEEE 754 half-precision number (whose Swift type is not on every platform).
  fileprivate init(halfPrecision bits: UInt16) {
    let magnitude: Double
    let exponent = Int(bits >> 10 & 0x1f), fraction = Double(bits & 0x3ff) / 1024
    switch exponent {
    case 0: magnitude = fraction * 0x1p-14
    case 31: magnitude = fraction == 0 ? .infinity : .nan
    default: magnitude = Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction)
    }
    self = bits >> 15 == 0 ? magnitude : -magnitude
  }
}

// MARK: Files

extension SafetensorsFile {
  /// The largest header that is read: the limit of the format's reference implementation.
  public static let headerLimit = 100_000_000

  /// Reads a file.
  /// - Throws: `GuerdonError` naming the file and what is wrong with it.
  public init(contentsOf url: URL) throws { try self.init(Files.read(url), of: url) }

  /// Maps a file into memory: opening takes the time of its header, whatever its size, and an array is read when it is
  /// used. (Booleans are checked at once.) The file must not be cut short while its arrays are in use; replacing it by
  /// a rename is safe.
  /// - Throws: `GuerdonError` naming the file and what is wrong with it.
  public init(mapping url: URL) throws { try self.init(mapFile(url), of: url) }

  private init(_ data: Data, of url: URL) throws {
    do {
      try self.init(parsing: data)
    } catch let error as SafetensorsDefect {
      throw GuerdonError.failure("\(url.path) is not a valid safetensors file: \(error.message).")
    }
  }

  /// Reads the bytes of a file.
  /// - Throws: `GuerdonError` saying what is wrong with them.
  public init(_ data: Data) throws {
    do {
      try self.init(parsing: data)
    } catch let error as SafetensorsDefect {
      throw GuerdonError.failure("These bytes are not a valid safetensors file: \(error.message).")
    }
  }

  private init(parsing data: Data) throws {
    guard data.count >= 8 else {
      throw SafetensorsDefect("it has \(data.count) bytes, fewer than the header's length takes")
    }
    let start = data.startIndex + 8
    let length = data[data.startIndex..<start].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(Self.headerLimit) else {
      throw SafetensorsDefect("its header claims \(length) bytes; at most \(Self.headerLimit) are read")
    }
    guard length <= UInt64(data.count - 8) else {
      throw SafetensorsDefect("its header claims \(length) bytes, and only \(data.count - 8) follow")
    }
    let body = start + Int(length)
    let header = try SafetensorsHeader(parsing: data[start..<body])
    try header.checkLayout(bodySize: data.endIndex - body)
    metadata = header.metadata
    entries = header.arrays.mapValues { array in
      Entry(validated: array.dtype, array.shape, data[(body + array.begin)..<(body + array.end)])
    }
    for (name, entry) in entries where entry.dtype == .bool && !areBooleans(entry.bytes) {
      throw SafetensorsDefect("the booleans \"\(name)\" hold bytes other than 0 and 1")
    }
  }

  /// Writes the file whole or not at all.
  /// - Throws: `GuerdonError` naming the path and the reason.
  public func write(to url: URL) throws { try Files.write(serialized(), to: url) }

  /// The bytes of the file: larger elements first, then by name, so that every array is aligned and equal contents give
  /// equal bytes.
  public func serialized() -> Data {
    precondition(entries["__metadata__"] == nil, "The format reserves the name __metadata__.")
    let ordered = entries.sorted { ($1.value.dtype.size, $0.key) < ($0.value.dtype.size, $1.key) }
    var header = SafetensorsHeader(metadata: metadata)
    var offset = 0
    for (name, entry) in ordered {
      header.arrays[name] = .init(
        dtype: entry.dtype, shape: entry.shape, begin: offset, end: offset + entry.bytes.count)
      offset += entry.bytes.count
    }
    var text = Data(header.json(order: ordered.map(\.key)).utf8)
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    var data = Data(capacity: 8 + text.count + offset)
    withUnsafeBytes(of: UInt64(text.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(text)
    for (_, entry) in ordered { data.append(entry.bytes) }
    return data
  }
}

/// What is wrong with a file, to be completed by the file's name.
struct SafetensorsDefect: Error {
  let message: String
  init(_ message: String) { self.message = message }
}
