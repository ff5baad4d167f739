import Basics
import Foundation

/// One Python process of the bridge and the socket to it.
///
/// One byte asks for a step and one answers; everything else is a line of JSON in both directions.
final class BridgeWorker {
  /// Which environments it holds.
  let environments: Range<Int>
  private let name: String
  private let python: URL
  private let channel: Int32
  /// A connection of its own to every worker, of which nobody else holds this end: when it closes, the worker dies.
  private let life: Int32
  private let log: Int32
  private var process: pid_t
  /// What the worker was last asked for, for error messages.
  private var activity = "starting"

  private static let step = UInt8(ascii: "s")
  private static let done = UInt8(ascii: ".")

  /// Starts the process.
  /// - Parameter name: the environment's name in messages.
  /// - Throws: `GuerdonError` when it cannot be started.
  init(python: URL, name: String, environments: Range<Int>, memory: SharedMemory) throws {
    self.python = python
    self.name = name
    self.environments = environments
    let (ours, theirs) = try socketPair()
    let (source, script) = try socketPair()
    let (held, watched) = try socketPair()
    log = try unnamedFile()
    channel = ours
    life = held
    defer {
      close(theirs)
      close(watched)
      close(source)
      close(script)
    }
    let showsOutput = ProcessInfo.processInfo.environment["GUERDON_BRIDGE_OUTPUT"].map { !$0.isEmpty } ?? false
    let said = showsOutput ? STDERR_FILENO : log
    process = 0
    let code = spawn(
      python.path, arguments: [python.path, "-", "guerdon-bridge", name], output: &process,
      files: [(script, 0), (said, 1), (said, 2), (theirs, 3), (watched, 4), (memory.file, 5)])
    guard code == 0 else {
      throw GuerdonError.failure("\(python.path) cannot be started for \(name): \(String(cString: strerror(code))).")
    }
    // Python reads its program from a socket, which is closed then.
    try write(PackageResources.bridge_worker_py, to: source)
  }

  deinit {
    end()
    for file in [channel, life, log] { close(file) }
  }

  // MARK: Asking and answering

  /// Asks for a step of all its environments.
  func askForStep() throws {
    activity = "step"
    try write([Self.step], to: channel)
  }

  /// Asks for something else; `activity` names it in error messages.
  func ask(_ request: some Encodable, _ activity: String) throws {
    self.activity = activity
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    var line: [UInt8]
    do {
      line = Array(try encoder.encode(request))
    } catch {
      throw GuerdonError.usage("The \(activity) of \(name) got a number that is not finite, which JSON cannot carry.")
    }
    line.append(UInt8(ascii: "\n"))
    try write(line, to: channel)
  }

  /// Waits until the step is done.
  func finishStep(by deadline: ContinuousClock.Instant, _ timeout: Duration) throws {
    var byte: UInt8 = 0
    try read(&byte, 1, by: deadline, timeout)
    if byte != Self.done { throw complaint(in: try line(after: [byte], by: deadline, timeout)) }
  }

  /// Waits for the answer to `ask`.
  func answer<Reply: Decodable>(
    by deadline: ContinuousClock.Instant, _ timeout: Duration, as type: Reply.Type = Reply.self
  ) throws -> Reply {
    let line = try line(after: [], by: deadline, timeout)
    guard !isComplaint(line), let reply = try? JSONDecoder().decode(Reply.self, from: line) else {
      throw complaint(in: line)
    }
    return reply
  }

  private func line(
    after beginning: [UInt8], by deadline: ContinuousClock.Instant, _ timeout: Duration
  ) throws -> Data {
    var line = beginning
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while line.last != UInt8(ascii: "\n") {
      let count = try read(&chunk, chunk.count, by: deadline, timeout)
      line += chunk[..<count]
    }
    return Data(line)
  }

  @discardableResult
  private func read(
    _ bytes: UnsafeMutableRawPointer, _ count: Int, by deadline: ContinuousClock.Instant, _ timeout: Duration
  ) throws -> Int {
    while true {
      var waited = pollfd(fd: channel, events: Int16(POLLIN), revents: 0)
      let left = (deadline - .now) / .milliseconds(1)
      let ready = poll(&waited, 1, Int32(min(max(left.rounded(.up), 0), 1e9)))
      if ready < 0 && errno == EINTR { continue }
      if ready == 0 {
        throw GuerdonError.failure(
          "\(name) did not finish its \(activity) within \(timeout / .seconds(1)) seconds, and was ended; allow it more time if it is only slow.")
      }
      let received = recv(channel, bytes, count, 0)
      if received > 0 { return received }
      if received < 0 && errno == EINTR { continue }
      throw death()
    }
  }

  private func write(_ bytes: [UInt8], to socket: Int32) throws {
    #if canImport(Darwin)
      let flags: Int32 = 0
    #else
      let flags = Int32(MSG_NOSIGNAL)
    #endif
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { send(socket, $0.baseAddress.map { $0 + sent }, $0.count - sent, flags) }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { throw death() }
      sent += count
    }
  }

  // MARK: Errors

  /// What the worker says when something went wrong.
  private struct Complaint: Decodable {
    struct Content: Decodable {
      var kind, message: String
      var environment: Int?
      var place: String?
    }
    var error: Content
  }

  private func isComplaint(_ line: Data) -> Bool { (try? JSONDecoder().decode(Complaint.self, from: line)) != nil }

  private func complaint(in line: Data) -> GuerdonError {
    guard let complaint = try? JSONDecoder().decode(Complaint.self, from: line).error else {
      return .failure("The Python worker of \(name) answered its \(activity) with something else than its protocol.")
    }
    let message = complaint.message.hasSuffix(".") ? String(complaint.message.dropLast()) : complaint.message
    switch complaint.kind {
    case "missing":
      return .failure(
        "\(python.path) cannot run \(name) (\(message)): install gymnasium and numpy into it, or name another Python in GUERDON_BRIDGE_PYTHON.")
    case "import" where activity == "making":
      return .failure(
        "\(name) cannot be made (\(message)): install what it needs into \(python.path), or name another Python in GUERDON_BRIDGE_PYTHON.")
    case "refused": return .failure("\(name) \(message).")
    default:
      let place = complaint.place.map { " (\($0))" } ?? ""
      let which = complaint.environment.map { "Environment \($0) of \(name)" } ?? name
      return .failure("\(which) failed in its \(activity): \(message)\(place).")
    }
  }

  /// Why nothing comes from the process any more.
  private func death() -> GuerdonError {
    let status = end(patience: .seconds(1))
    let signal = status & 0x7f
    let how =
      signal == 0
      ? "it exited with code \(status >> 8 & 0xff)"
      : "it was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
    let last = lastLine.map { ", after writing: \($0)" } ?? ""
    return .failure("The Python worker of \(name) died in its \(activity): \(how)\(last).")
  }

  /// The end of what the process wrote while it was starting.
  private var lastLine: String? {
    let size = lseek(log, 0, SEEK_END)
    var bytes = [UInt8](repeating: 0, count: Int(min(max(size, 0), 4096)))
    let count = pread(log, &bytes, bytes.count, size - off_t(bytes.count))
    guard count > 0 else { return nil }
    return String(decoding: bytes[..<count], as: UTF8.self).split(whereSeparator: \.isNewline)
      .last { !$0.allSatisfy(\.isWhitespace) }.map { String($0.prefix(300)) }
  }

  // MARK: The end

  /// Ends the process and whatever it started, and waits for it.
  /// - Parameter patience: how long it is given to end by itself.
  /// - Returns: its status, as `waitpid` gives it.
  @discardableResult
  func end(patience: Duration = .zero) -> Int32 {
    guard process > 0 else { return 0 }
    var status: Int32 = 0
    let deadline = ContinuousClock.now + patience
    var hasEnded = waitpid(process, &status, WNOHANG) == process
    while !hasEnded && .now < deadline {
      usleep(2000)
      hasEnded = waitpid(process, &status, WNOHANG) == process
    }
    kill(-process, SIGKILL)
    while !hasEnded { hasEnded = waitpid(process, &status, 0) == process || errno != EINTR }
    process = 0
    return status
  }
}

/// Two connected sockets that no child inherits.
func socketPair() throws -> (Int32, Int32) {
  var pair: [Int32] = [0, 0]
  #if canImport(Darwin)
    let made = socketpair(AF_UNIX, SOCK_STREAM, 0, &pair)
  #else
    let made = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair)
  #endif
  guard made == 0 else {
    throw GuerdonError.failure("No connection to Python can be made: \(String(cString: strerror(errno))).")
  }
  #if canImport(Darwin)
    // A write to a process that is gone must be an error, not a signal.
    for socket in pair {
      var yes: Int32 = 1
      setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &yes, socklen_t(MemoryLayout<Int32>.size))
    }
  #endif
  return (movedUp(pair[0]), movedUp(pair[1]))
}

/// An empty file without a name, for what a starting process writes.
private func unnamedFile() throws -> Int32 {
  var path = Array("\(FileManager.default.temporaryDirectory.path)/guerdon-XXXXXX".utf8CString)
  let made = mkstemp(&path)
  guard made >= 0 else {
    throw GuerdonError.failure(
      "No file can be made in \(FileManager.default.temporaryDirectory.path): \(String(cString: strerror(errno))).")
  }
  unlink(path)
  return movedUp(made)
}

/// Starts a program in a process group of its own, so that Ctrl-C reaches only this process, which then ends the other.
/// - Parameter files: which of our files it gets under which number.
/// - Returns: 0 or the error's number.
private func spawn(
  _ path: String, arguments: [String], output process: inout pid_t, files: [(ours: Int32, theirs: Int32)]
) -> Int32 {
  #if canImport(Darwin)
    var actions: posix_spawn_file_actions_t?
    var attributes: posix_spawnattr_t?
  #else
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
  #endif
  posix_spawn_file_actions_init(&actions)
  posix_spawnattr_init(&attributes)
  defer {
    posix_spawn_file_actions_destroy(&actions)
    posix_spawnattr_destroy(&attributes)
  }
  for (ours, theirs) in files { posix_spawn_file_actions_adddup2(&actions, ours, theirs) }
  var nothing = sigset_t()
  sigemptyset(&nothing)
  posix_spawnattr_setsigmask(&attributes, &nothing)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
  // One thread a worker: the processes share the cores already.
  let threads = ["OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"]
  let variables = ProcessInfo.processInfo.environment.merging(threads) { own, _ in own }
  var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
  var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
  defer { for text in argv + environment { free(text) } }
  return posix_spawn(&process, path, &actions, &attributes, &argv, &environment)
}
