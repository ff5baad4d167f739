import Basics
import Foundation
import Testing

/// The Python package `python/guerdon` on the C library that was built beside these tests: its own tests, run by the
/// pinned Python. They compare with the same programs under CPython, numpy and torch.
@Suite struct PythonPackageTests {
  @Test func itsTestsPass() throws {
    let python = try #require(Dependencies.python)
    let library = try #require(Self.products).appendingPathComponent("libguerdon_reward.so")
    try #require(FileManager.default.fileExists(atPath: library.path), "\(library.path) was not built")
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("python")
    let process = Process()
    process.executableURL = python
    process.arguments = ["-m", "unittest", "discover", "-s", "tests"]
    process.currentDirectoryURL = package
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["GUERDON_REWARD_LIBRARY": library.path, "PYTHONPATH": package.path, "PYTHONDONTWRITEBYTECODE": "1"]
    ) { _, new in new }
    let output = Pipe()
    process.standardError = output
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text.suffix(4000))")
    // That there were tests.
    #expect(text.contains("Ran 1") || text.contains("Ran 2"), "\(text.suffix(400))")
  }

  /// Where the binary of these tests lies.
  private static var products: URL? {
    Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
  }
}
