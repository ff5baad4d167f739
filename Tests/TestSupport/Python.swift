import Basics
import Foundation

/// The independent oracle of most tests: a Python script run by the pinned environment in `.deps/`.
public enum Python {
  /// Runs `script`, gives it `input` as JSON on standard input, and decodes the JSON it prints.
  /// - Parameter python: another Python than the pinned one.
  /// - Throws: `GuerdonError` with what the script wrote to standard error.
  public static func run<Output: Decodable>(
    _ script: String, input: some Encodable = [String](), as type: Output.Type = Output.self,
    by python: URL? = Dependencies.python
  ) throws -> Output {
    let data = try run(script, input: JSONEncoder().encode(input), by: python)
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return try decoder.decode(type, from: data)
  }

  private static func run(_ script: String, input: Data, by python: URL?) throws -> Data {
    guard let python else {
      throw GuerdonError.failure("There is no .deps/python: run `make setup` first.")
    }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-test-\(UUID().uuidString)")
    try Files.createDirectory(folder)
    defer { try? FileManager.default.removeItem(at: folder) }
    // Files instead of pipes: no deadlock when both sides have much to say.
    let names = ["script.py", "in.json", "out.json", "err.txt"].map { folder.appendingPathComponent($0) }
    try Files.write(script, to: names[0])
    try Files.write(input, to: names[1])
    for url in names[2...] { try Files.write(Data(), to: url) }
    let process = Process()
    process.executableURL = python
    process.arguments = [names[0].path]
    process.currentDirectoryURL = folder  // MuJoCo logs its warnings to the current directory.
    process.standardInput = try FileHandle(forReadingFrom: names[1])
    process.standardOutput = try FileHandle(forWritingTo: names[2])
    process.standardError = try FileHandle(forWritingTo: names[3])
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw GuerdonError.failure("Python failed: \(try String(contentsOf: names[3], encoding: .utf8))")
    }
    return try Data(contentsOf: names[2])
  }
}
