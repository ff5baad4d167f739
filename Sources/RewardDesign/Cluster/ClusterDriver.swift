import Basics
import Foundation

/// The Python process that speaks to the Ray cluster. It is given its request as a file and answers with lines of JSON;
/// closing its standard input asks it to cancel everything and end, which it also does when this process is gone.
final class ClusterDriver {
  enum Answer {
    case line(Data)
    /// Nothing came in time.
    case silence
    /// The process has ended.
    case end
  }

  private let folder: URL
  private let process = Process()
  private let input = Pipe(), output = Pipe()
  private var received = Data()
  private var isStopped = false

  /// Starts the process.
  /// - Throws: `GuerdonError` when it cannot be started.
  init(python: URL, request: Data) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-cluster-\(UUID().uuidString)")
    try Files.createDirectory(folder)
    let script = folder.appendingPathComponent("driver.py"), jobs = folder.appendingPathComponent("request.json")
    do {
      try Files.write(Data(PackageResources.cluster_driver_py), to: script)
      try Files.write(request, to: jobs)
      try Files.write(Data(), to: log)
      // No process that is started meanwhile may hold the other ends open.
      for pipe in [input, output] {
        for handle in [pipe.fileHandleForReading, pipe.fileHandleForWriting] {
          _ = fcntl(handle.fileDescriptor, F_SETFD, FD_CLOEXEC)
        }
      }
      process.executableURL = python
      process.arguments = [script.path, jobs.path]
      process.currentDirectoryURL = folder
      process.environment = ProcessInfo.processInfo.environment.merging(
        ["RAY_USAGE_STATS_ENABLED": "0", "PYTHONUNBUFFERED": "1"]) { own, _ in own }
      process.standardInput = input
      process.standardOutput = output
      process.standardError = try FileHandle(forWritingTo: log)
      try process.run()
    } catch {
      try? FileManager.default.removeItem(at: folder)
      if let error = error as? GuerdonError { throw error }
      throw GuerdonError.failure("\(python.path) cannot be started: \(error.localizedDescription)")
    }
    try? output.fileHandleForWriting.close()
    try? input.fileHandleForReading.close()
  }

  deinit {
    stop()
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: folder)
  }

  /// The next line that it writes.
  func next(within timeout: Duration) -> Answer {
    let deadline = ContinuousClock.now + timeout
    let file = output.fileHandleForReading.fileDescriptor
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Data(received[..<end])
        received = Data(received[(end + 1)...])
        return .line(line)
      }
      var waited = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
      let left = max(0, (deadline - .now) / .milliseconds(1))
      let ready = poll(&waited, 1, Int32(min(left.rounded(.up), 1e6)))
      if ready == 0 { return .silence }
      let count = ready < 0 ? -1 : read(file, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return .end }
      received.append(contentsOf: chunk[..<count])
    }
  }

  /// Asks it to cancel what is under way and to end.
  func stop() {
    if !isStopped { try? input.fileHandleForWriting.close() }
    isStopped = true
  }

  /// How it ended, once it has closed its output.
  func death() -> String {
    let deadline = ContinuousClock.now + .seconds(5)
    while process.isRunning && .now < deadline { usleep(10_000) }
    if process.isRunning { return "it closed its output" }
    let status = process.terminationStatus
    let how = process.terminationReason == .exit ? "it exited with code \(status)" : "it was ended by signal \(status)"
    let said = (try? String(decoding: Data(contentsOf: log), as: UTF8.self)) ?? ""
    return how + (said.split(whereSeparator: \.isNewline).last.map { ", after writing: \($0)" } ?? "")
  }

  private var log: URL { folder.appendingPathComponent("log.txt") }
}
