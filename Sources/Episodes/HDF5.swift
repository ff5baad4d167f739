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

/// A file, group or dataset; used and released within `HDF5.locked`.
final class HDF5Object {
  let id: chdf5_id
  /// The file, and the path in it, for messages.
  let place: String

  private var isOpen = true

  init(_ id: chdf5_id, _ place: String) { (self.id, self.place) = (id, place) }
  deinit { if isOpen { _ = chdf5_close(id) } }

  /// Closes it and says whether everything reached the disk; nothing may be done with it afterwards.
  /// - Throws: `GuerdonError` when something did not.
  func close() throws {
    isOpen = false
    guard chdf5_close(id) else { throw notWritten() }
  }

  /// - Throws: `GuerdonError` when there is no such file or it is no HDF5 file.
  static func open(_ url: URL) throws -> HDF5Object {
    let path = url.resolvingSymlinksInPath().path
    let type = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
    guard type == .typeRegular else { throw GuerdonError.failure("There is no file \(url.path).") }
    let id = chdf5_open_file(path)
    guard id >= 0 else { throw GuerdonError.failure("\(url.path) is no HDF5 file, or a damaged one.") }
    return HDF5Object(id, url.path)
  }

  private func damaged(_ what: String) -> GuerdonError { .failure("\(what) of \(place) cannot be read: it is damaged.") }

  // MARK: Reading

  /// A member and whether it is a group; nil if there is none of that name.
  /// - Throws: `GuerdonError` for a soft or external link, or something that is neither group nor dataset.
  func member(_ name: String) throws -> (object: HDF5Object, isGroup: Bool)? {
    var kind = chdf5_missing
    let id = chdf5_open_member(self.id, name, &kind)
    let object = id < 0 ? nil : HDF5Object(id, place + ":" + name)
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
    let count = chdf5_member_count(id)
    guard count >= 0 else { throw damaged("The list") }
    guard count <= limit else { throw GuerdonError.failure("\(place) has \(count) members; at most \(limit) are read.") }
    var buffer = [CChar](repeating: 0, count: 1024)
    return try (0..<count).map { index in
      let length = chdf5_member_name(id, index, &buffer, buffer.count)
      guard length > 0, length < buffer.count,
        let name = String(validating: buffer[..<Int(length)].map(UInt8.init(bitPattern:)), as: UTF8.self)
      else { throw damaged("The list") }
      return name
    }
  }

  /// Reads a dataset whose first axis is time.
  /// - Parameter budget: bytes that may still be read; what is read is taken off.
  /// - Throws: `GuerdonError` when it is damaged, too large, of a type that is not read, stored in another file, or coded
  ///   with a filter that is not HDF5's own.
  func column(budget: inout Int) throws -> EpisodeColumn {
    var shape = chdf5_shape()
    guard chdf5_describe(id, &shape) else { throw damaged("The shape") }
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
      guard count == 0 || values.withUnsafeMutableBytes({ chdf5_read(id, type, $0.baseAddress) }) else {
        throw damaged("The content")
      }
      return values
    }
    let values: EpisodeColumn.Values
    switch type {
    case chdf5_bool: values = .bool(try read(UInt8(0)).map { $0 != 0 })
    case chdf5_uint8: values = .uint8(try read(0))
    case chdf5_int64: values = .int64(try read(0))
    case chdf5_float32: values = .float32(try read(0))
    case chdf5_float64: values = .float64(try read(0))
    case chdf5_text: values = .text(try texts(count))
    default: throw GuerdonError.failure("\(place) holds neither numbers nor text, and is not read.")
    }
    if sizes.contains(0) { return try EpisodeColumn(values) }
    return try EpisodeColumn(values, shape: sizes.dropFirst().map { Int($0) })
  }

  private func texts(_ count: Int) throws -> [String] {
    var texts: [String] = []
    let isRead = count == 0 || withUnsafeMutablePointer(to: &texts) { texts in
      chdf5_read_text(id, count, { texts, text, length in
        guard let text, let texts = texts?.assumingMemoryBound(to: [String].self) else { return }
        let bytes = UnsafeRawBufferPointer(start: text, count: length)
        texts.pointee.append(String(decoding: bytes, as: UTF8.self))
      }, texts)
    }
    guard isRead, texts.count == count else { throw damaged("The text") }
    return texts
  }

  func attribute(_ name: String) -> Int64? {
    var value: Int64 = 0
    return chdf5_read_attribute(id, name, &value) ? value : nil
  }

  // MARK: Writing

  private func notWritten() -> GuerdonError { .failure("\(place) cannot be written; is the disk full?") }

  /// - Throws: `GuerdonError` when it exists or cannot be written.
  static func create(_ url: URL) throws -> HDF5Object {
    let id = chdf5_create_file(url.path)
    guard id >= 0 else { throw GuerdonError.failure("\(url.path) cannot be created; is the folder writable?") }
    return HDF5Object(id, url.path)
  }

  func createGroup(_ name: String) throws -> HDF5Object {
    let id = chdf5_create_group(self.id, name)
    guard id >= 0 else { throw notWritten() }
    return HDF5Object(id, place + ":" + name)
  }

  func write(_ column: EpisodeColumn, as name: String) throws {
    let sizes = [UInt64(column.count)] + column.shape.map { UInt64($0) }
    func write(_ type: chdf5_type, _ values: UnsafeRawPointer?) -> Bool {
      chdf5_write(id, name, type, Int32(sizes.count), sizes, values)
    }
    let isWritten: Bool
    switch column.values {
    case .bool(let values): isWritten = write(chdf5_bool, values.map { UInt8($0 ? 1 : 0) })
    case .uint8(let values): isWritten = write(chdf5_uint8, values)
    case .int64(let values): isWritten = write(chdf5_int64, values)
    case .float32(let values): isWritten = write(chdf5_float32, values)
    case .float64(let values): isWritten = write(chdf5_float64, values)
    case .text(let values):
      guard !values.contains(where: { $0.utf8.contains(0) }) else {
        throw GuerdonError.usage("A text of \"\(name)\" contains a zero byte, which HDF5 cannot store.")
      }
      let texts = values.map { strdup($0) }
      defer { for text in texts { free(text) } }
      isWritten = chdf5_write_text(id, name, texts.count, texts.map { UnsafePointer($0) })
    }
    guard isWritten else { throw notWritten() }
  }

  func write(_ value: Int64, asAttribute name: String) throws {
    guard chdf5_write_attribute(id, name, value) else { throw notWritten() }
  }
}
