import Basics
import Environments
import Foundation
import Proposers
import RewardDesign
import Synchronization
import Testing

/// Candidates on a Ray cluster of two nodes on this machine, and the ways in which that can fail.
@Suite(.serialized) struct ClusterTrainerTests {
  // MARK: The protocol, which needs no Ray

  @Test func aRequestComesBackAsItWas() throws {
    var training = Self.training
    training.ppo.learningRate = 0.1
    training.ppo.targetKL = 1 / 3
    let job = CandidateJob(id: 7, source: "def compute_reward(a):\n    return a  # π \"x\"", steps: 5, seed: .max)
    let request = try TrainingRequest(line: TrainingRequest(job, of: Self.task, training: training).line())
    #expect(request.job == job && request.training == training)
    #expect(request.task == Self.task.name && request.text == Self.task.text)
  }

  @Test func aReportKeepsEveryNumber() throws {
    let digest = TrainingDigest(
      steps: [3], fitness: [0.1 + 0.2], lengths: [.infinity], terms: [.init(name: "a", values: [.nan])], episodes: [])
    guard case .checkpoint(let read) = try TrainingReport(line: TrainingReport.checkpoint(digest).line()) else {
      Issue.record("it is another report")
      return
    }
    #expect(read.fitness == digest.fitness && read.lengths == [.infinity] && read.terms[0].values[0].isNaN)
  }

  /// The other side as a process of its own, spoken to as a node does.
  @Test func theProgramTrainsWhatItIsAskedFor() async throws {
    let (status, output, _) = try await trainCandidate(
      try TrainingRequest(Self.jobs[0], of: Self.task, training: Self.training).line())
    let reports = try output.split(separator: UInt8(ascii: "\n")).map { try TrainingReport(line: Data($0)) }
    #expect(status == 0 && reports.count == Self.training.checkpoints + 1)
    let local = try await train(LocalTrainer(jobs: 1, training: Self.training, halving: .none), [Self.jobs[0]])
    guard case .ended(let outcome, let policy)? = reports.last else {
      Issue.record("it did not end")
      return
    }
    #expect(try Ended(outcome, policy) == local.ended[Self.jobs[0].id])
  }

  @Test(arguments: [
    ("", "There is no request"), ("no JSON", "The request is not a line of JSON"),
    ("{\"task\": \"x\"}", "The request is not a line of JSON"),
  ])
  func theProgramRefusesWhatIsNoRequest(_ text: String, _ complaint: String) async throws {
    let (status, output, errors) = try await trainCandidate(Data(text.utf8))
    #expect(status == 64 && output.isEmpty)
    #expect(errors.hasPrefix("guerdon: \(complaint)") && errors.split(separator: "\n").count == 1, "\(errors)")
  }

  @Test(arguments: [
    "", "cluster", "ray://", "ray://:1", "host:0", "host:99999", "host:x", "http://host:1", "ray://a/b:1",
  ])
  func whatIsNoAddressIsSaid(_ address: String) {
    #expect { try ClusterTrainer(address: address) } throws: { error in
      (error as? GuerdonError)?.kind == .usage && "\(error)".contains("is no address of a Ray cluster")
    }
  }

  @Test func withoutRayItSaysHowToGetIt() {
    #expect { try ClusterTrainer(address: "auto", python: URL(fileURLWithPath: "/nowhere/python")) } throws: { error in
      "\(error)".contains("scripts/setup --cluster")
    }
  }

  /// The pinned Python of the tests has no Ray.
  @Test func aPythonWithoutRayIsSaid() async throws {
    var trainer = try trainer("127.0.0.1:1")
    trainer.python = try #require(Dependencies.python)
    await expect(trainer, toFailWith: "has no Ray")
  }

  @Test func aDriverThatDiesIsSaid() async throws {
    var trainer = try trainer("127.0.0.1:1")
    trainer.python = URL(fileURLWithPath: "/bin/false")
    await expect(trainer, toFailWith: "died: it exited with code 1")
    trainer.python = URL(fileURLWithPath: "/bin/echo")
    await expect(trainer, toFailWith: "something else than its protocol")
  }

  @Test func nothingToTrainStartsNothing() async throws {
    var trainer = try trainer("127.0.0.1:1")
    trainer.python = URL(fileURLWithPath: "/bin/false")
    #expect(try await train(trainer, []).ended.isEmpty)
  }

  // MARK: With Ray

  @Test(.enabled(if: TestCluster.isSetUp, TestCluster.lacking)) func aClusterThatIsNotThereIsSaid() async throws {
    await expect(try trainer("127.0.0.1:9"), toFailWith: "cannot be reached: Connection refused")
    // Somebody listens and never answers.
    let silent = try SilentServer()
    for scheme in ["", "ray://"] {
      var trainer = try trainer("\(scheme)127.0.0.1:\(silent.port)")
      trainer.connectionTimeout = .seconds(8)
      let start = ContinuousClock.now
      await expect(trainer, toFailWith: "")
      #expect(ContinuousClock.now - start < .seconds(60))
    }
  }

  @Test(.enabled(if: TestCluster.isSetUp, TestCluster.lacking)) func twoNodes() async throws {
    let cluster = try TestCluster()
    let second = try cluster.addNode()
    let local = try await train(LocalTrainer(jobs: 1, training: Self.training, halving: .none), Self.jobs)

    // The same numbers, from either kind of address; also those of candidates that fail.
    for address in [cluster.address, cluster.clientAddress] {
      let remote = try await train(try trainer(address), Self.jobs)
      #expect(remote.ended == local.ended && remote.twice.isEmpty, "\(address)")
      #expect(remote.steps == local.steps && remote.checkpoints == local.checkpoints, "\(address)")
    }

    // A program that is not at its path on the nodes is sent there, and kept.
    let moved = try cluster.script("")
    try FileManager.default.removeItem(at: moved)
    try FileManager.default.copyItem(at: try Self.program, to: moved)
    // Other bytes, so that no earlier run has sent it.
    let file = try FileHandle(forWritingTo: moved)
    try file.seekToEnd()
    try file.write(contentsOf: Data(UUID().uuidString.utf8))
    try file.close()
    var sent = try trainer(cluster.address)
    sent.program = moved
    sent.onNotice = { if $0.hasPrefix("Ray cluster") { unlink(moved.path) } }
    let kept = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(getuid())")
    let before = Set((try? FileManager.default.contentsOfDirectory(atPath: kept.path)) ?? [])
    let far = try await train(sent, [Self.jobs[0]])
    #expect(far.ended[Self.jobs[0].id] == local.ended[Self.jobs[0].id])
    let new = Set(try FileManager.default.contentsOfDirectory(atPath: kept.path)).subtracting(before)
    #expect(new.count == 1)
    for name in new { try FileManager.default.removeItem(at: kept.appendingPathComponent(name)) }

    // Stopping gives up what is in flight, and the nodes end it.
    let stop = Mutex(false)
    let long = Self.jobs.prefix(2).map { CandidateJob(id: $0.id, source: $0.source, steps: 50_000_000, seed: 1) }
    Thread.detachNewThread {
      _ = try? TestCluster.hasTrainings({ $0 > 0 }, within: 60)
      stop.withLock { $0 = true }
    }
    let given = try await train(try trainer(cluster.address), Array(long), shouldStop: { stop.withLock { $0 } })
    #expect(given.ended.isEmpty)
    #expect(try TestCluster.hasTrainings({ $0 == 0 }, within: 20))

    // A program that cannot run, or that is killed, on the nodes.
    var unfit = try trainer(cluster.address)
    unfit.program = try cluster.script("echo 'libtorch.so is missing' >&2; exit 127")
    await expect(unfit, toFailWith: ": libtorch.so is missing.")
    var dying = try trainer(cluster.address)
    (dying.program, dying.retries) = (try cluster.script("read line; kill -9 $$"), 1)
    let dead = try await train(dying, [Self.jobs[0]])
    #expect(dead.ended[Self.jobs[0].id]?.reason.contains("signal 9") ?? false)
    #expect(dead.steps == -Self.jobs[0].steps)

    // Another Ray than the cluster's.
    for address in [cluster.address, cluster.clientAddress] {
      var other = try trainer(address)
      other.python = try cluster.python(beginningWith: "import ray\nray.__version__ = '0.0.1'\n")
      await expect(other, toFailWith: "has another version of Ray or Python")
    }

    // A node is killed while it trains: what it had is trained on the other.
    let notices = Mutex<[String]>([])
    let isKilled = Mutex(false)
    var robust = try trainer(cluster.address)
    robust.onNotice = { notice in notices.withLock { $0.append(notice) } }
    let jobs = (0..<5).map {
      CandidateJob(id: 20 + $0, source: Self.jobs[$0 % 2].source, steps: 40_000, seed: UInt64($0))
    }
    let expected = try await train(LocalTrainer(jobs: 2, training: Self.training, halving: .none), jobs)
    let survived = try await train(robust, jobs, onCheckpoint: { _ in
      isKilled.withLock { isKilled in
        // Both nodes are at work.
        guard !isKilled, (try? TestCluster.trainings) == 2 else { return }
        cluster.kill(second)
        isKilled = true
      }
    })
    #expect(isKilled.withLock { $0 })
    #expect(survived.ended == expected.ended && survived.twice.isEmpty)
    #expect(survived.steps == expected.steps && survived.checkpoints == expected.checkpoints)
    // Ray may say that a node is dead only after its candidates were trained again, so there may be no notice yet.
    let told = notices.withLock { $0 }
    #expect(told.first?.hasPrefix("Ray cluster at") == true)
    #expect(told.dropFirst().allSatisfy { $0.contains("was lost; what it trained") }, "\(told)")

    // Once too often, and then the whole cluster.
    let third = try cluster.addNode()
    for node in [third, 0] {
      // What the stage before left behind is no training of this one.
      #expect(try TestCluster.hasTrainings({ $0 == 0 }, within: 60))
      var lost = try trainer(cluster.address)
      lost.retries = 0
      let expectedTrainings = node == third ? 2 : 1
      Thread.detachNewThread {
        _ = try? TestCluster.hasTrainings({ $0 == expectedTrainings }, within: 60)
        cluster.kill(node)
      }
      let complaint = node == third ? "was lost with its node more than 0 times" : "The driver of the Ray"
      await expect(lost, Array(long), toFailWith: complaint)
    }
    #expect(try TestCluster.hasTrainings({ $0 == 0 }, within: 20))
  }

  // MARK: What is trained

  static let task: DesignTask = {
    do {
      return try DesignTask(text: DesignTaskTests.good, file: "test.yaml")
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  static let training: PolicyTraining.Configuration = {
    var training = PolicyTraining.Configuration()
    (training.checkpoints, training.evaluationEpisodes, training.finalEpisodes) = (4, 2, 3)
    return training
  }()

  /// The last two are not trained to the end: the reward becomes infinite, and the program does not check.
  static let jobs: [CandidateJob] = [
    "def compute_reward(angle):\n    return -angle * angle",
    "import numpy as np\n\ndef compute_reward(angle):\n    a = np.exp(-angle * angle)\n    return a, {\"a\": a}",
    "import numpy as np\n\ndef compute_reward(angle):\n    return np.log(angle - 100.0)",
    "def compute_reward(nothing):\n    return nothing",
  ].enumerated().map { CandidateJob(id: 10 + $0, source: $1, steps: 8_192, seed: 3) }

  /// The program beside these tests.
  static var program: URL {
    get throws {
      let folder = try #require(Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent())
      let url = folder.appendingPathComponent("guerdon")
      try #require(FileManager.default.isExecutableFile(atPath: url.path), "There is no \(url.path).")
      return url
    }
  }

  /// How a candidate ended, in a form that can be compared bit for bit.
  struct Ended: Equatable {
    var outcome: Data
    var policy: Data?
    var reason: String

    init(_ outcome: Candidate.Outcome, _ policy: Data?) throws {
      self.outcome = try TrainingReport.ended(outcome, policy: nil).line()
      self.policy = policy
      switch outcome {
      case .failed(let reason), .rejected(let reason): self.reason = reason
      case .trained, .stopped: reason = ""
      }
    }
  }

  /// All that a watcher was told.
  struct Told {
    var ended: [Int: Ended] = [:]
    var twice: [Int] = []
    var steps = 0
    /// Steps at the checkpoints, by candidate.
    var checkpoints: [Int: [Int]] = [:]
  }

  private func train(
    _ trainer: any CandidateTrainer, _ jobs: [CandidateJob], shouldStop: @escaping @Sendable () -> Bool = { false },
    onCheckpoint: @escaping @Sendable (Int) -> Void = { _ in }
  ) async throws -> Told {
    let told = Mutex(Told())
    try await trainer.train(
      jobs, of: Self.task, finished: [],
      watcher: TrainingWatcher(
        shouldStop: shouldStop, onSteps: { steps in told.withLock { $0.steps += steps } },
        onCheckpoint: { id, digest in
          told.withLock { $0.checkpoints[id] = digest.steps }
          onCheckpoint(id)
        },
        onEnd: { id, outcome, policy in
          let ended = try Ended(outcome, policy?.serialized())
          told.withLock { if $0.ended.updateValue(ended, forKey: id) != nil { $0.twice.append(id) } }
        }))
    return told.withLock { $0 }
  }

  private func trainer(_ address: String) throws -> ClusterTrainer {
    try ClusterTrainer(
      address: address, training: Self.training, program: Self.program,
      python: TestCluster.isSetUp ? nil : URL(fileURLWithPath: "/bin/false"))
  }

  private func expect(
    _ trainer: ClusterTrainer, _ jobs: [CandidateJob] = [Self.jobs[0]], toFailWith text: String
  ) async {
    do {
      _ = try await train(trainer, jobs)
      Issue.record("it trained")
    } catch {
      let message = (error as? GuerdonError)?.message
      #expect(message.map { text.isEmpty || $0.contains(text) } ?? false, "\(error)")
      #expect(message.map { $0.hasSuffix(".") && !$0.contains("\n") } ?? false, "\(error)")
    }
  }

  private func trainCandidate(_ input: Data) async throws -> (status: Int32, output: Data, errors: String) {
    let process = Process()
    let pipes = (input: Pipe(), output: Pipe(), errors: Pipe())
    process.executableURL = try Self.program
    process.arguments = ["train-candidate"]
    (process.standardInput, process.standardOutput, process.standardError) = (pipes.input, pipes.output, pipes.errors)
    try process.run()
    try pipes.input.fileHandleForWriting.write(contentsOf: input)
    try pipes.input.fileHandleForWriting.close()
    let output = try pipes.output.fileHandleForReading.readToEnd() ?? Data()
    let errors = try pipes.errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, output, String(decoding: errors, as: UTF8.self))
  }
}
