import Basics
import Foundation

/// The bytes of a regular file, mapped into memory: nothing is read before it is touched. The mapping lives as long as
/// any slice of the data. A file that is cut short in place meanwhile ends the process; one that is replaced by a
/// rename, as `Files.write` does, stays as it was.
/// - Throws: `GuerdonError` naming the file and the reason.
func mapFile(_ url: URL) throws -> Data {
  func failure(_ what: String) -> GuerdonError {
    .failure("Cannot \(what) \(url.path): \(String(cString: strerror(errno))).")
  }
  let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else {
    throw errno == ENOENT ? GuerdonError.failure("There is no file \(url.path).") : failure("open")
  }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw failure("read") }
  guard status.st_mode & S_IFMT == S_IFREG else {
    throw GuerdonError.failure("\(url.path) is not a regular file.")
  }
  let size = Int(status.st_size)
  if size == 0 { return Data() }
  guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
    throw failure("map")
  }
  return Data(bytesNoCopy: start, count: size, deallocator: .custom { munmap($0, $1) })
}
