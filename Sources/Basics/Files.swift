import Foundation

/// Files that are written whole or not at all.
public enum Files {
  /// Writes through a temporary file in the same folder and a rename, so that a reader sees the old or the new file.
  /// - Throws: `GuerdonError` naming the path and the reason.
  public static func write(_ data: Data, to url: URL) throws {
    do {
      try data.write(to: url, options: .atomic)
    } catch {
      throw GuerdonError.failure("Cannot write \(url.path): \(reason(error)).")
    }
  }

  public static func write(_ text: String, to url: URL) throws { try write(Data(text.utf8), to: url) }

  /// - Throws: `GuerdonError` naming the path and the reason.
  public static func createDirectory(_ url: URL) throws {
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw GuerdonError.failure("Cannot create the directory \(url.path): \(reason(error)).")
    }
  }

  /// Removes what `write` had begun in a folder and its folders when its process was killed.
  /// - Throws: `GuerdonError` naming the path and the reason.
  public static func removeUnfinished(in directory: URL) throws {
    let files = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
    while let file = files?.nextObject() as? URL {
      guard file.lastPathComponent.hasPrefix(temporaryPrefix) else { continue }
      do {
        try FileManager.default.removeItem(at: file)
      } catch {
        throw GuerdonError.failure("Cannot remove \(file.path): \(reason(error)).")
      }
    }
  }

  /// How Foundation's temporary files begin.
  private static let temporaryPrefix = ".dat.nosync"

  /// Reads a UTF-8 text of at most `limit` bytes.
  /// - Throws: `GuerdonError` when it is missing, too large or not UTF-8.
  public static func readText(_ url: URL, limit: Int = 1 << 20) throws -> String {
    let data = try read(url, limit: limit)
    guard let text = String(validating: data, as: UTF8.self) else {
      throw GuerdonError.failure("\(url.path) is not UTF-8 text.")
    }
    return text
  }

  /// Reads a file of at most `limit` bytes.
  /// - Throws: `GuerdonError` when it is missing or too large.
  public static func read(_ url: URL, limit: Int = .max) throws -> Data {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) else {
      throw GuerdonError.failure("There is no file \(url.path).")
    }
    if isDirectory.boolValue { throw GuerdonError.failure("\(url.path) is a directory, not a file.") }
    do {
      let size = try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int ?? 0
      guard size <= limit else {
        throw GuerdonError.failure("\(url.path) is \(size) bytes; at most \(limit) are read.")
      }
      return try Data(contentsOf: url)
    } catch let error as GuerdonError {
      throw error
    } catch {
      throw GuerdonError.failure("Cannot read \(url.path): \(reason(error)).")
    }
  }

  private static func reason(_ error: any Error) -> String {
    let error = error as NSError
    let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError
    if let underlying, underlying.domain == NSPOSIXErrorDomain {
      return String(cString: strerror(Int32(underlying.code)))
    }
    let text = error.localizedDescription
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }
}

/// Where set-up put what it fetched (`.deps/`): `GUERDON_DEPS`, or the nearest folder of that name above the executable
/// or the current directory.
public enum Dependencies {
  public static let directory: URL? = {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["GUERDON_DEPS"] { return URL(fileURLWithPath: path) }
    let starts = [
      Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent(),
      URL(fileURLWithPath: FileManager.default.currentDirectoryPath),
    ]
    for case let start? in starts {
      var folder = start
      while true {
        let candidate = folder.appendingPathComponent(".deps")
        if FileManager.default.fileExists(atPath: candidate.path) { return candidate }
        let parent = folder.deletingLastPathComponent()
        if parent.path == folder.path { break }
        folder = parent
      }
    }
    return nil
  }()

  /// The Python that carries torch, MuJoCo and Gymnasium: `GUERDON_PYTHON`, or the private one in `.deps/`.
  public static var python: URL? {
    if let path = ProcessInfo.processInfo.environment["GUERDON_PYTHON"] { return URL(fileURLWithPath: path) }
    return directory?.appendingPathComponent("python/bin/python")
  }

  /// The Python that carries Meta-World, Crafter and NLE, where `scripts/setup --worlds` has made it.
  public static var worlds: URL? {
    guard let python = directory?.appendingPathComponent("worlds/bin/python") else { return nil }
    return FileManager.default.isExecutableFile(atPath: python.path) ? python : nil
  }
}
