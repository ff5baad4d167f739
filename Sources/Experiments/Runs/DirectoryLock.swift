import Basics
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// An exclusive hold on a directory, which the system ends when the process does, however it ends.
///
/// It is a BSD lock on the directory itself: nothing is left behind, and a process number that is given anew means
/// nothing.
final class DirectoryLock: Sendable {
  private let descriptor: Mutex<Int32?>

  /// Holds `directory` until `release`.
  /// - Parameter patience: seconds to wait for another holder.
  /// - Throws: `GuerdonError` when it is held for longer, or cannot be held at all.
  init(_ directory: URL, patience: Double) throws {
    let opened = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard opened >= 0 else { throw Self.failure(directory, errno) }
    let start = ContinuousClock.now
    while flock(opened, LOCK_EX | LOCK_NB) != 0 {
      let reason = errno
      if reason == EINTR { continue }
      guard reason == EWOULDBLOCK, ContinuousClock.now - start < .seconds(patience) else {
        close(opened)
        throw Self.failure(directory, reason)
      }
      usleep(1_000)
    }
    descriptor = Mutex(opened)
  }

  deinit { release() }

  func release() {
    descriptor.withLock { held in
      if let held { close(held) }
      held = nil
    }
  }

  /// Whether a process holds `directory`.
  static func isHeld(_ directory: URL) -> Bool {
    let opened = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard opened >= 0 else { return false }
    defer { close(opened) }
    return flock(opened, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }

  /// Does something while no other process or thread that asks for the same does.
  static func holding<Result>(_ directory: URL, _ body: () throws -> Result) throws -> Result {
    let lock = try DirectoryLock(directory, patience: 60)
    defer { lock.release() }
    return try body()
  }

  private static func failure(_ directory: URL, _ reason: Int32) -> GuerdonError {
    if reason == EWOULDBLOCK { return .failure("\(directory.path) is in use by another process; try again when it has ended.") }
    return .failure(
      "Cannot lock \(directory.path): \(String(cString: strerror(reason))). Give a folder on a local disk with --out.")
  }
}
