import Basics
import Foundation

/// A measurement made by a Python peer: a script in `Benchmarks/peers/`, run by the environment in `.deps/peers`.
enum Peer {
  /// Runs `script` with `arguments` and returns the number on the last line it prints.
  /// - Throws: `GuerdonError` when the peers are not installed or the script fails.
  static func rate(_ script: String, _ arguments: [String]) throws -> Double {
    guard let python = Dependencies.directory?.appendingPathComponent("peers/bin/python"),
      FileManager.default.isExecutableFile(atPath: python.path)
    else { throw GuerdonError.failure("The peers are not in .deps/peers: run `make bench` to fetch them.") }
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let process = Process()
    process.executableURL = python
    process.arguments = [folder.appendingPathComponent("peers/\(script)").path] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
    guard process.terminationStatus == 0, let last = lines.last, let rate = Double(last) else {
      throw GuerdonError.failure("The peer Benchmarks/peers/\(script) failed; run it by hand to see why.")
    }
    return rate
  }
}
