import Basics
import CHDF5
import Foundation
import Synchronization

/// The HDF5 library, one caller at a time.
enum HDF5 {
  private static let isPrepared = Mutex(false)

  static func locked<Result: ~Copyable>(_ body: () throws -> Result) rethrows -> Result {
    try isPrepared.withLock { isPrepared in
      if !isPrepared { chdf5_prepare() }
      isPrepared = true
      return try body()
    }
  }
}

/// A process of its own that reads: the HDF5 library may crash on a damaged file.
final class HDF5Reader {
  let process: OpaquePointer

  /// - Throws: `GuerdonError` when no process can be started.
  init() throws {
    guard let process = HDF5.locked({ chdf5_start_reader() }) else {
      throw GuerdonError.failure("No process can be started to read an HDF5 file.")
    }
    self.process = process
  }

  deinit { chdf5_end_reader(process) }
}

/// A file, group or dataset that is read.
final class HDF5Object {
  /// The file, and the path in it, for messages.
  let place: String
  private let reader: HDF5Reader
  private let id: chdf5_id

  private init(_ reader: HDF5Reader, _ id: chdf5_id, _ place: String) {
    (self.reader, self.id, self.place) = (reader, id, place)
  }

  deinit { chdf5_close_object(reader.process, id) }

  /// - Throws: `GuerdonError` when there is no such file or it is no HDF5 file.
  static func open(_ url: URL) throws -> HDF5Object {
    let path = url.resolvingSymlinksInPath().path
    let type = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
    guard type == .typeRegular else { throw GuerdonError.failure("There is no file \(url.path).") }
    let reader = try HDF5Reader()
    let id = chdf5_open_file(reader.process, path)
    guard id >= 0 else { throw GuerdonError.failure("\(url.path) is no HDF5 file, or a damaged one.") }
    return HDF5Object(reader, id, url.path)
  }

  private func damaged(_ what: String) -> GuerdonError {
    .failure("\(what) of \(place) cannot be read: it is damaged.")
  }

  /// A member and whether it is a group; nil if there is none of that name.
  /// - Throws: `GuerdonError` for a soft or external link, or something that is neither group nor dataset.
  func member(_ name: String) throws -> (object: HDF5Object, isGroup: Bool)? {
    var kind = chdf5_missing
    let id = chdf5_open_member(reader.process, self.id, name, &kind)
    let object = id < 0 ? nil : HDF5Object(reader, id, place + ":" + name)
    switch kind {
    case chdf5_missing: return nil
    case chdf5_link:
      throw GuerdonError.failure("\"\(name)\" in \(place) is a soft or external link; links are not followed.")
    default:
      guard let object, kind == chdf5_group || kind == chdf5_dataset else { throw damaged("\"\(name)\"") }
      return (object, kind == chdf5_group)
    }
  }

  /// The names of a group's members.
  func names(atMost limit: Int) throws -> [String] {
    let count = chdf5_member_count(reader.process, id)
    guard count >= 0 else { throw damaged("The list") }
    guard count <= limit else {
      throw GuerdonError.failure("\(place) has \(count) members; at most \(limit) are read.")
    }
    var buffer = [CChar](repeating: 0, count: 1024)
    return try (0..<count).map { index in
      let length = chdf5_member_name(reader.process, id, index, &buffer, buffer.count)
      guard length > 0, length < buffer.count,
        let name = String(validating: buffer[..<Int(length)].map(UInt8.init(bitPattern:)), as: UTF8.self)
      else { throw damaged("The list") }
      return name
    }
  }

  /// Reads a dataset whose first axis is time.
  /// - Parameter budget: bytes that may still be read; what is read is taken off.
  /// - Throws: `GuerdonError` when it is damaged, too large, of a type that is not read, stored in another file, or
  ///   coded with a filter that is not HDF5's own.
  func column(budget: inout Int) throws -> EpisodeColumn {
    var shape = chdf5_shape()
    guard chdf5_describe(reader.process, id, &shape) else { throw damaged("The shape") }
    guard !shape.is_foreign else {
      throw GuerdonError.failure("\(place) is stored in another file or with a foreign filter, which is not read.")
    }
    let rank = Int(shape.rank)
    let sizes = withUnsafeBytes(of: &shape.sizes) { Array($0.bindMemory(to: UInt64.self).prefix(rank)) }
    var size = shape.type == chdf5_int64 || shape.type == chdf5_float64 || shape.type == chdf5_text ? 8 : 1
    if shape.type == chdf5_float32 { size = 4 }
    for side in sizes {
      let (product, overflows) = size.multipliedReportingOverflow(by: Int(clamping: side))
      guard !overflows, product <= budget else {
        throw GuerdonError.failure("\(place) says that it has \(sizes) values, more than its file can hold.")
      }
      size = product
    }
    budget -= size
    let count = sizes.reduce(1) { $0 * Int($1) }
    let type = shape.type
    func read<Value: BitwiseCopyable>(_ zero: Value) throws -> [Value] {
      var values = [Value](repeating: zero, count: count)
      let isRead = values.withUnsafeMutableBytes { chdf5_read(reader.process, id, type, $0.baseAddress, $0.count) }
      guard isRead else { throw damaged("The content") }
      return values
    }
    let values: EpisodeColumn.Values
    switch type {
    case chdf5_bool: values = .bool(try read(UInt8(0)).map { $0 != 0 })
    case chdf5_uint8: values = .uint8(try read(0))
    case chdf5_int64: values = .int64(try read(0))
    case chdf5_float32: values = .float32(try read(0))
    case chdf5_float64: values = .float64(try read(0))
    case chdf5_text: values = .text(try texts(count, limit: budget))
    default: throw GuerdonError.failure("\(place) holds neither numbers nor text, and is not read.")
    }
    if sizes.contains(0) { return try EpisodeColumn(values) }
    return try EpisodeColumn(values, shape: sizes.dropFirst().map { Int($0) })
  }

  private func texts(_ count: Int, limit: Int) throws -> [String] {
    var size = 0
    guard let bytes = chdf5_read_text(reader.process, id, limit, &size) else { throw damaged("The text") }
    defer { free(bytes) }
    var rest = UnsafeRawBufferPointer(start: bytes, count: size)[...]
    var texts: [String] = []
    while rest.count >= 8 {
      let length = UnsafeRawBufferPointer(rebasing: rest.prefix(8)).loadUnaligned(as: UInt64.self)
      guard length <= rest.count - 8 else { throw damaged("The text") }
      texts.append(String(decoding: rest.dropFirst(8).prefix(Int(length)), as: UTF8.self))
      rest = rest.dropFirst(8 + Int(length))
    }
    guard rest.isEmpty, texts.count == count else { throw damaged("The text") }
    return texts
  }

  func attribute(_ name: String) -> Int64? {
    var value: Int64 = 0
    return chdf5_read_attribute(reader.process, id, name, &value) ? value : nil
  }
}
