import Basics
import CHDF5
import Foundation

/// A file or group that is written; used and released within `HDF5.locked`.
final class HDF5Output {
  private let id: chdf5_id
  /// The file, and the path in it, for messages.
  private let place: String
  private var isOpen = true

  private init(_ id: chdf5_id, _ place: String) { (self.id, self.place) = (id, place) }
  deinit { if isOpen { _ = chdf5_close(id) } }

  /// Closes it; nothing may be done with it afterwards.
  /// - Throws: `GuerdonError` when something did not reach the disk.
  func close() throws {
    isOpen = false
    guard chdf5_close(id) else { throw notWritten() }
  }

  private func notWritten() -> GuerdonError { .failure("\(place) cannot be written; is the disk full?") }

  /// - Throws: `GuerdonError` when it exists or cannot be written.
  static func create(_ url: URL) throws -> HDF5Output {
    let id = chdf5_create_file(url.path)
    guard id >= 0 else { throw GuerdonError.failure("\(url.path) cannot be created; is the folder writable?") }
    return HDF5Output(id, url.path)
  }

  func createGroup(_ name: String) throws -> HDF5Output {
    let id = chdf5_create_group(self.id, name)
    guard id >= 0 else { throw notWritten() }
    return HDF5Output(id, place + ":" + name)
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
