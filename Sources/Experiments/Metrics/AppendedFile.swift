import Basics
import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A file to which whole records are appended. A record that does not fit on the disk leaves no trace.
public struct AppendedFile: ~Copyable {
  private let descriptor: Int32
  private let path: String

  /// Opens the file, or makes it.
  /// - Throws: `GuerdonError` when it cannot be written.
  public init(_ url: URL) throws {
    path = url.path
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.failure(path) }
  }

  deinit { close(descriptor) }

  /// - Parameter durably: returns only when the record would survive a power loss.
  /// - Throws: `GuerdonError` when the record could not be written, and then nothing of it was.
  public mutating func append(_ record: some Collection<UInt8>, durably: Bool = false) throws {
    let bytes = Array(record)
    let length = lseek(descriptor, 0, SEEK_END)
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        let error = Self.failure(path)
        ftruncate(descriptor, length)
        throw error
      }
    }
    if durably && fsync(descriptor) != 0 { throw Self.failure(path) }
  }

  /// Removes what follows the last `byte`: the part of a record that a process was writing when it was killed.
  public mutating func removeTail(after byte: UInt8) throws {
    let length = lseek(descriptor, 0, SEEK_END)
    var end = length
    var last: UInt8 = 0
    while end > 0, pread(descriptor, &last, 1, end - 1) == 1, last != byte { end -= 1 }
    guard end == length || ftruncate(descriptor, end) == 0 else { throw Self.failure(path) }
  }

  private static func failure(_ path: String) -> GuerdonError {
    .failure("Cannot write \(path): \(String(cString: strerror(errno))).")
  }
}
