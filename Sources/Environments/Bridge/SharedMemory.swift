import Basics
import Foundation

/// Memory that this process shares with the processes that inherit `file`.
///
/// The file has no name, so that nothing is left behind however the processes end.
final class SharedMemory {
  let file: Int32
  private var mapped: UnsafeMutableRawBufferPointer?

  /// - Throws: `GuerdonError` when no file can be made.
  init() throws {
    let folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : FileManager.default.temporaryDirectory.path
    var path = Array("\(folder)/guerdon-XXXXXX".utf8CString)
    let made = mkstemp(&path)
    guard made >= 0 else {
      throw GuerdonError.failure("No shared memory can be made in \(folder): \(String(cString: strerror(errno))).")
    }
    unlink(path)
    file = movedUp(made)
  }

  /// Zeroed memory of `bytes` bytes; to be asked for once.
  /// - Throws: `GuerdonError` when there is not so much.
  func allocate(_ bytes: Int) throws -> UnsafeMutableRawPointer {
    #if os(Linux)
      // Pages are reserved now, so that a full /dev/shm is an error here and not a crash later.
      let code = posix_fallocate(file, 0, bytes)
    #else
      let code = ftruncate(file, off_t(bytes)) == 0 ? 0 : errno
    #endif
    guard code == 0, let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
    else {
      throw GuerdonError.failure(
        "There are no \(bytes) bytes of shared memory: \(String(cString: strerror(code == 0 ? errno : code))). Fewer copies or a smaller observation need less.")
    }
    mapped = UnsafeMutableRawBufferPointer(start: memory, count: bytes)
    return memory
  }

  deinit {
    if let mapped { munmap(mapped.baseAddress, mapped.count) }
    close(file)
  }
}

/// The same file under a number that no standard stream and no number given to a child has, closed in children.
func movedUp(_ file: Int32) -> Int32 {
  let moved = fcntl(file, F_DUPFD_CLOEXEC, 16)
  close(file)
  return moved
}
