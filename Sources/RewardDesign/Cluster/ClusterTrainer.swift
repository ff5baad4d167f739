import Agents
import Basics
import Foundation
import Proposers

/// Trains candidates as tasks of a Ray cluster, one core each. What is lost with its node is trained again elsewhere.
///
/// Every candidate is trained to the end: successive halving would have to hold trainings open on nodes that may go
/// away. The numbers are those of a `LocalTrainer` without halving.
public struct ClusterTrainer: CandidateTrainer {
  /// `ray://host:port` for a cluster's client port; `host:port` or `auto` on a machine that is a node of it.
  public let address: String
  public var training: PolicyTraining.Configuration
  /// Guerdon's program. Nodes that have the same bytes at the same path run theirs; others are sent it.
  public var program: URL
  /// A Python with the Ray of the cluster's version.
  public var python: URL
  /// How often a candidate is begun again after its node or its process was lost.
  public var retries = 3
  /// How long the cluster may take to answer and to offer a CPU.
  public var connectionTimeout: Duration = .seconds(60)
  /// Told in a sentence of what a person may want to know: the connection, a node that is lost.
  public var onNotice: @Sendable (String) -> Void = { _ in }

  /// A driver that says nothing for this long is given up.
  private static let longestSilence: Duration = .seconds(120)

  /// - Parameters:
  ///   - program: this process's own, if not given.
  ///   - python: `GUERDON_CLUSTER_PYTHON` or set-up's, if not given.
  /// - Throws: `GuerdonError` when the address is none, or nothing was set up.
  public init(
    address: String, training: PolicyTraining.Configuration = .init(), program: URL? = nil, python: URL? = nil
  ) throws {
    self.address = try Self.checked(address)
    self.training = training
    guard let program = program ?? Bundle.main.executableURL?.resolvingSymlinksInPath() else {
      throw GuerdonError.failure("The path of this program is not known, so a cluster cannot run it.")
    }
    self.program = program
    guard let python = python ?? Self.defaultPython, FileManager.default.isExecutableFile(atPath: python.path) else {
      throw GuerdonError.failure(
        "There is no Python with Ray: run scripts/setup --cluster, or name one in GUERDON_CLUSTER_PYTHON.")
    }
    self.python = python
  }

  /// `GUERDON_CLUSTER_PYTHON`, or what `scripts/setup --cluster` made.
  public static var defaultPython: URL? {
    if let path = ProcessInfo.processInfo.environment["GUERDON_CLUSTER_PYTHON"] { return URL(fileURLWithPath: path) }
    return Dependencies.directory?.appendingPathComponent("cluster/bin/python")
  }

  /// The address with its port.
  private static func checked(_ address: String) throws -> String {
    if address == "auto" { return address }
    let scheme = address.hasPrefix("ray://") ? "ray://" : ""
    let place = address.dropFirst(scheme.count)
    // Ray's own default port for clients.
    if !scheme.isEmpty && !place.isEmpty && !place.contains(where: { ":/".contains($0) }) { return address + ":10001" }
    guard let colon = place.lastIndex(of: ":"), colon > place.startIndex, !place.contains("/"),
      let port = Int(place[place.index(after: colon)...]), (1...65_535).contains(port)
    else {
      throw GuerdonError.usage(
        "\"\(address)\" is no address of a Ray cluster: it is ray://HOST:PORT, HOST:PORT or auto.")
    }
    return address
  }

  // MARK: Training

  public func train(
    _ jobs: [CandidateJob], of task: DesignTask, finished: [TrainingDigest], watcher: TrainingWatcher
  ) async throws {
    if jobs.isEmpty || watcher.shouldStop() { return }
    let driver = try ClusterDriver(python: python, request: try request(jobs, of: task))
    var ledger = Ledger(jobs: jobs, watcher: watcher)
    var heard = ContinuousClock.now
    var patience = connectionTimeout + .seconds(60)
    while true {
      let isStopping = watcher.shouldStop()
      if isStopping { driver.stop() }
      switch driver.next(within: .milliseconds(200)) {
      case .line(let line):
        heard = .now
        let event = try event(line)
        switch event.event {
        case "connected":
          patience = Self.longestSilence
          onNotice("Ray cluster at \(address): nodes: \(event.nodes ?? 0), CPUs: \(Int(event.cpus ?? 0)).")
        case "lost":
          onNotice("Node \(event.node ?? "?") of the Ray cluster was lost; what it trained is trained again.")
        case "checkpoint": try ledger.advance(event.index, try report(event))
        case "ended": try ledger.end(event.index, try report(event))
        case "died":
          try ledger.end(
            event.index,
            .ended(
              .failed("its training was ended by \(event.message ?? "a signal"), and so were \(retries) more attempts"),
              policy: nil))
        case "done":
          guard ledger.isComplete || isStopping else { throw protocolFailure }
          return
        case "error": throw failure(event, jobs)
        default: break
        }
      case .silence:
        let silence = ContinuousClock.now - heard
        guard silence > patience else { continue }
        let seconds = Int(silence / .seconds(1))
        throw GuerdonError.failure(
          "The driver of the Ray cluster at \(address) said nothing for \(seconds) seconds and was ended.")
      case .end:
        if isStopping { return }
        throw GuerdonError.failure("The driver of the Ray cluster at \(address) died: \(driver.death()).")
      }
    }
  }

  /// What the driver is told.
  private struct Request: Encodable {
    struct Program: Encodable {
      var path, dependencies: String
    }
    var address: String
    var timeout: Double
    var retries: Int
    var program: Program
    /// A `TrainingRequest` each, of which the driver knows nothing.
    var jobs: [String]
  }

  private func request(_ jobs: [CandidateJob], of task: DesignTask) throws -> Data {
    guard FileManager.default.isReadableFile(atPath: program.path) else {
      throw GuerdonError.failure("There is no program \(program.path) that a cluster could run.")
    }
    return try JSONEncoder().encode(
      Request(
        address: address, timeout: connectionTimeout / .seconds(1), retries: max(0, retries),
        program: .init(path: program.path, dependencies: Dependencies.directory?.path ?? ""),
        jobs: jobs.map { String(decoding: try TrainingRequest($0, of: task, training: training).line(), as: UTF8.self) }
      ))
  }

  /// What the driver says; which of these there are depends on the event.
  private struct Event: Decodable {
    var event: String
    var index: Int?
    /// A `TrainingReport`.
    var line: String?
    var kind, message, node: String?
    var nodes: Int?
    var cpus: Double?
  }

  private var protocolFailure: GuerdonError {
    .failure("The driver of the Ray cluster at \(address) answered with something else than its protocol.")
  }

  private func event(_ line: Data) throws -> Event {
    do {
      return try JSONDecoder().decode(Event.self, from: line)
    } catch {
      throw protocolFailure
    }
  }

  private func report(_ event: Event) throws -> TrainingReport {
    try TrainingReport(line: Data((event.line ?? "").utf8))
  }

  private func failure(_ event: Event, _ jobs: [CandidateJob]) -> GuerdonError {
    let message = event.message ?? ""
    let reason = message.hasSuffix(".") ? String(message.dropLast()) : message
    let seconds = Int(connectionTimeout / .seconds(1))
    let place = "The Ray cluster at \(address)"
    switch event.kind {
    case "missing":
      return .failure(
        "\(python.path) has no Ray (\(reason)): run scripts/setup --cluster, or name one in GUERDON_CLUSTER_PYTHON.")
    case "unreachable": return .failure("\(place) cannot be reached: \(reason).")
    case "silent": return .failure("\(place) did not answer within \(seconds) seconds.")
    case "empty": return .failure("\(place) had no node with a CPU within \(seconds) seconds.")
    case "stranded": return .failure("\(place) has no node with a CPU any more.")
    case "version":
      return .failure(
        "\(place) has another version of Ray or Python; name a Python with it in GUERDON_CLUSTER_PYTHON: \(reason).")
    case "refused": return .failure("\(place) could not be joined: \(reason).")
    case "lost":
      let id = event.index.flatMap { jobs.indices.contains($0) ? jobs[$0].id : nil } ?? 0
      return .failure(
        "Candidate \(id) was lost with its node more than \(retries) times (\(reason)); --resume goes on with the run.")
    case "unfit":
      return .failure("A node of the Ray cluster at \(address) cannot run Guerdon (docs/cluster.md): \(reason).")
    default: return .failure("The driver of the Ray cluster at \(address) failed: \(reason).")
    }
  }
}

/// Which candidates are where, so that each ends once and no step is counted twice, however often it was trained.
private struct Ledger {
  let jobs: [CandidateJob]
  let watcher: TrainingWatcher
  /// Steps that were told of each.
  private var steps: [Int]
  private var ended: Set<Int> = []

  init(jobs: [CandidateJob], watcher: TrainingWatcher) {
    self.jobs = jobs
    self.watcher = watcher
    steps = jobs.map { _ in 0 }
  }

  var isComplete: Bool { ended.count == jobs.count }

  func job(_ index: Int?) throws -> CandidateJob {
    guard let index, jobs.indices.contains(index) else {
      throw GuerdonError.failure("The driver of the Ray cluster spoke of a candidate that it was not given.")
    }
    return jobs[index]
  }

  mutating func advance(_ index: Int?, _ report: TrainingReport) throws {
    let job = try job(index)
    guard let index, !ended.contains(index), case .checkpoint(let digest) = report else { return }
    // A candidate that is trained again passes its checkpoints again.
    guard count(digest, index) else { return }
    watcher.onCheckpoint(job.id, digest)
  }

  /// Tells the steps that are new; false when there are none.
  private mutating func count(_ digest: TrainingDigest, _ index: Int) -> Bool {
    guard let reached = digest.steps.last, reached > steps[index] else { return false }
    watcher.onSteps(reached - steps[index])
    steps[index] = reached
    return true
  }

  mutating func end(_ index: Int?, _ report: TrainingReport) throws {
    let job = try job(index)
    guard let index, case .ended(let outcome, let bytes) = report, ended.insert(index).inserted else { return }
    switch outcome {
    case .trained(let digest), .stopped(let digest):
      // The last checkpoints may be known from the end alone.
      if count(digest, index) { watcher.onCheckpoint(job.id, digest) }
    case .failed, .rejected: watcher.onSteps(min(0, steps[index] - job.steps))
    }
    try watcher.onEnd(job.id, outcome, try bytes.map { try Policy.read($0, called: "of candidate \(job.id)") })
  }
}
