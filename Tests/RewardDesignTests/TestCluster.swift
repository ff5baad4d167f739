import Basics
import Foundation
import RewardDesign
import Synchronization
import Testing

/// A small Ray cluster on this machine; it ends, with all its processes, when this object does.
final class TestCluster: Sendable {
  static let isSetUp: Bool =
    ClusterTrainer.defaultPython.map { FileManager.default.isExecutableFile(atPath: $0.path) } ?? false
  static let lacking: Comment = "there is no .deps/cluster; scripts/setup --cluster makes it"

  private let folder: URL
  private let port: Int
  /// The process group of each node, in which all its processes stay.
  private let groups = Mutex<[pid_t]>([])

  /// Starts the head, which is the first node, with one CPU.
  init() throws {
    // Ray's sockets lie in this folder, and their paths must be short.
    folder = URL(fileURLWithPath: "/tmp/guerdon-ray-\(getpid())")
    port = 20_000 + 100 * Int(getpid() % 100)
    try Files.createDirectory(folder)
    try start([
      "--head", "--port", "\(port)", "--ray-client-server-port", "\(port + 1)", "--include-dashboard=false",
      "--temp-dir", folder.path,
    ])
  }

  deinit {
    for node in groups.withLock({ $0.indices }) { kill(node) }
    try? FileManager.default.removeItem(at: folder)
  }

  var address: String { "127.0.0.1:\(port)" }
  var clientAddress: String { "ray://127.0.0.1:\(port + 1)" }

  /// Starts another node with one CPU.
  func addNode() throws -> Int { try start(["--address", address]) }

  @discardableResult
  private func start(_ arguments: [String]) throws -> Int {
    let ray = try #require(ClusterTrainer.defaultPython?.deletingLastPathComponent().appendingPathComponent("ray"))
    let node = groups.withLock { $0.count }
    let firstWorkerPort = port + 10 + 40 * node
    let common = [
      "start", "--node-ip-address", "127.0.0.1", "--num-cpus", "1", "--disable-usage-stats", "--object-store-memory",
      "80000000", "--min-worker-port", "\(firstWorkerPort)", "--max-worker-port", "\(firstWorkerPort + 35)",
    ]
    let command = ([ray.path] + common + arguments).map { "'\($0)'" }.joined(separator: " ")
    let log = "'\(folder.path)/start.log'"
    // `timeout` leads a process group of its own.
    let said = try shell("echo $$; exec timeout 120 \(command) >\(log) 2>&1 </dev/null").split(separator: "\n")
    let group = try #require(said.first.flatMap { pid_t($0) })
    groups.withLock { $0.append(group) }
    let outcome = try Files.readText(folder.appendingPathComponent("start.log"))
    try #require(outcome.contains("Ray runtime started"), "\(outcome.suffix(400))")
    return node
  }

  /// Ends a node as a power cut would.
  func kill(_ node: Int) { _ = Foundation.kill(-groups.withLock { $0[node] }, SIGKILL) }

  /// An executable script.
  func script(_ text: String) throws -> URL {
    let url = folder.appendingPathComponent("\(UUID().uuidString).sh")
    try Files.write("#!/bin/sh\n\(text)\n", to: url)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: url.path)
    return url
  }

  /// The Python with Ray, which does something else first.
  func python(beginningWith text: String) throws -> URL {
    let modules = folder.appendingPathComponent(UUID().uuidString)
    try Files.createDirectory(modules)
    try Files.write(text, to: modules.appendingPathComponent("sitecustomize.py"))
    let python = try #require(ClusterTrainer.defaultPython)
    return try script("PYTHONPATH='\(modules.path)' exec '\(python.path)' \"$@\"")
  }

  /// Trainings that are running on the nodes.
  static var trainings: Int {
    get throws { try shell("pgrep -f 'train-candidate --attende[d]'").split(separator: "\n").count }
  }

  /// Waits until the number of trainings is as asked for.
  static func hasTrainings(_ isAsExpected: (Int) -> Bool, within seconds: Double) throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while .now < deadline {
      if isAsExpected(try trainings) { return true }
      usleep(100_000)
    }
    return false
  }
}

/// What a shell command prints.
@discardableResult
private func shell(_ command: String) throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/bin/sh")
  process.arguments = ["-c", command]
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  try process.run()
  let text = try output.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return String(decoding: text, as: UTF8.self)
}

/// Takes connections and never says a word.
final class SilentServer {
  let port: Int
  private let socket: Int32

  init() throws {
    socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let socket = self.socket
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, size) == 0 && listen(socket, 16) == 0 && getsockname(socket, $0, &size) == 0
      }
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    try #require(isBound && port > 0)
  }

  deinit { close(socket) }
}
