import Basics
import Environments
import Foundation
import Testing

/// Whatever goes wrong in Python is one clear sentence, and leaves no process behind.
@Suite struct BridgeFailureTests {
  @Test(arguments: [
    ("raise", "Environment 1 of NAME failed in its step: ValueError: the gripper is stuck (bridge_worlds.py, line 86)."),
    ("exit", "The Python worker of NAME died in its step: it exited with code 3."),
    ("abort", "The Python worker of NAME died in its step: it was ended by signal 11 (Segmentation fault)."),
    ("hang", "NAME did not finish its step within 3.0 seconds, and was ended; allow it more time if it is only slow."),
    ("busy", "NAME did not finish its step within 3.0 seconds, and was ended; allow it more time if it is only slow."),
    ("nan", "Environment 1 of NAME returned an observation whose component 1 is not a number."),
    ("reward", "Environment 1 of NAME returned a reward that is not a number."),
    ("shape", "NAME returned the observation as an array of shape (1, 2), which is not in its space"),
  ])
  func aStepThatFails(kind: String, message: String) async throws {
    let marker = "step-\(kind)"
    var configuration = world("Trouble-v0", ["kind": .string(kind), "marker": .string(marker)], workers: 2)
    if kind == "hang" || kind == "busy" { configuration.timeout = .seconds(3) }
    let environment = try GymnasiumEnvironment(configuration, count: 2)
    #expect(workers(marker).count == 2)
    let batch = TransitionBatch(schema: environment.spec.schema, capacity: 2)
    for _ in 0..<4 where environment.failure == nil {
      // Environment 0 stays a step behind, because it begins anew.
      environment.step([0, 1], recording: batch)
      if environment.failure == nil { environment.reset(mask: [true, false]) }
    }
    let failure = try #require(environment.failure)
    #expect(failure.message.contains(message.replacingOccurrences(of: "NAME", with: configuration.name)), "\(failure)")
    #expect(!failure.message.contains("\n"))
    #expect(workers(marker).isEmpty)
    // A failure is never silently a zero, and loops over episodes end.
    for _ in 0..<2 {
      #expect(environment.rewards.allSatisfy { $0.isNaN } && environment.truncated.allSatisfy { $0 })
      #expect(batch.record(0).allSatisfy { $0.isNaN })
      environment.reset(seed: 1)
      environment.step([0, 1], recording: batch)
    }
    #expect(throws: GuerdonError.self) { try environment.infos() }
  }

  @Test(arguments: ["init", "reset"], ["raise", "exit", "abort", "hang"])
  func aStartThatFails(place: String, kind: String) throws {
    let marker = "start-\(place)-\(kind)"
    var configuration = world(
      "Trouble-v0", ["kind": .string(kind), "where": .string(place), "marker": .string(marker)], workers: 2)
    if kind == "hang" && place == "init" { configuration.startTimeout = .seconds(5) }
    if kind == "hang" && place == "reset" { configuration.timeout = .seconds(3) }
    let error = try #require(throws: GuerdonError.self) { try GymnasiumEnvironment(configuration, count: 2) }
    let expected =
      switch kind {
      case "raise": "ValueError: the gripper is stuck (bridge_worlds.py, line 86)"
      case "exit": "it exited with code 3"
      case "abort": "it was ended by signal 11 (Segmentation fault)"
      default: "did not finish its \(place == "init" ? "making" : "reset") within"
      }
    #expect(error.message.contains(expected), "\(error)")
    // What it wrote before it began to step is quoted.
    if kind == "abort" && place == "init" { #expect(error.message.hasSuffix("after writing: last words.")) }
    #expect(workers(marker).isEmpty)
  }

  @Test func whatCannotBeMade() throws {
    func message(_ configuration: GymnasiumConfiguration) -> String {
      do {
        _ = try GymnasiumEnvironment(configuration, count: 2)
        return "nothing was thrown"
      } catch {
        return "\(error)"
      }
    }
    #expect(
      message(GymnasiumConfiguration("no_such_module:Thing-v0")).hasPrefix(
        "gym:no_such_module:Thing-v0 cannot be made (ModuleNotFoundError: No module named 'no_such_module'): install what it needs into "))
    #expect(
      message(GymnasiumConfiguration("CartPol-v1")).contains(
        "failed in its making: gymnasium.error.NameNotFound: Environment `CartPol` doesn't exist. Did you mean: `CartPole`?"))
    #expect(message(GymnasiumConfiguration("CartPole-v1", arguments: ["wheels": 3])).contains("'wheels'"))
    #expect(
      message(world("Growing-v0")).hasPrefix(
        "gym:bridge_worlds:Growing-v0 has the observation space Sequence in \"items\", which holds no fixed number of numbers; wrap"))
    var configuration = world("Trouble-v0")
    configuration.wrappers = ["bridge_worlds:Tripled"]
    #expect(message(configuration).contains("the wrapper \"bridge_worlds:Tripled\" is not there"))
    configuration = GymnasiumConfiguration("minigrid:MiniGrid-Empty-5x5-v0")
    configuration.textLength = 4
    #expect(message(configuration).contains("returned a text of 28 bytes in \"mission\", where 4 fit"))
  }

  /// A Python without gymnasium, one that is none, and one that is not there.
  @Test func otherPythons() throws {
    func message(_ path: String) -> String {
      var configuration = GymnasiumConfiguration("CartPole-v1")
      configuration.python = URL(fileURLWithPath: path)
      do {
        _ = try GymnasiumEnvironment(configuration, count: 1)
        return "nothing was thrown"
      } catch {
        return "\(error)"
      }
    }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(UUID().uuidString)")
    try Files.createDirectory(folder)
    defer { try? FileManager.default.removeItem(at: folder) }
    let bare = folder.appendingPathComponent("python")
    let python = try #require(Dependencies.python)
    try Files.write("#!/bin/sh\nexec '\(python.path)' -S \"$@\"\n", to: bare)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: bare.path)
    #expect(
      message(bare.path)
        == "\(bare.path) cannot run gym:CartPole-v1 (No module named 'gymnasium'): install gymnasium and numpy into it, or name another Python in GUERDON_BRIDGE_PYTHON.")
    #expect(message("/bin/false").hasSuffix("it exited with code 1."))
    #expect(message("/nowhere/python").hasPrefix("There is no Python at /nowhere/python for gym:CartPole-v1"))
    #expect(message("/etc/hostname").contains("/etc/hostname"))
  }

  @Test func wrongActionsAndStepsAfterAnEnd() throws {
    let short = try GymnasiumEnvironment(world("Trouble-v0"), count: 2)
    short.step([1])
    #expect(
      short.failure?.message
        == "gym:bridge_worlds:Trouble-v0 was given 1 numbers as actions; 2 copies take 2 × 1.")
    for action in [2, -1, 0.5, .nan] {
      let environment = try GymnasiumEnvironment(world("Trouble-v0"), count: 1)
      environment.step([action])
      #expect(environment.failure?.message.hasSuffix("is no action of gym:bridge_worlds:Trouble-v0; there are 0 to 1.") == true)
    }
    let ended = try GymnasiumEnvironment(world("Trouble-v0"), count: 1, autoreset: .disabled, maxEpisodeSteps: 1)
    ended.step([0])
    #expect(ended.truncated[0] && ended.failure == nil)
    ended.step([0])
    #expect(ended.failure?.message == "Environment 0 of gym:bridge_worlds:Trouble-v0 has ended: reset it before the next step.")
  }

  /// What an environment prints does not disturb the conversation.
  @Test func noiseIsHarmless() throws {
    let environment = try GymnasiumEnvironment(world("Trouble-v0", ["kind": "noise"]), count: 1)
    for _ in 0..<5 { environment.step([0]) }
    #expect(environment.failure == nil && environment.rewards[0] == 1)
  }
}

/// No worker outlives the object or the process that started it.
@Suite struct BridgeProcessTests {
  @Test func theObjectGoes() async throws {
    var environment: GymnasiumEnvironment? = try GymnasiumEnvironment(
      world("Trouble-v0", ["marker": "object", "kind": "child"], workers: 3), count: 3)
    for _ in 0..<3 { environment?.step([0, 0, 0]) }
    #expect(environment?.failure == nil)
    // Each environment has started a process of its own by now.
    #expect(workers("object").count == 6)
    environment = nil
    #expect(try await workersLeft("object") == 0)
  }

  @Test func closing() throws {
    let environment = try GymnasiumEnvironment(world("Trouble-v0", ["marker": "closing"], workers: 2), count: 2)
    environment.close()
    #expect(workers("closing").isEmpty)
    environment.step([0, 0])
    #expect(environment.failure?.message.hasSuffix("has been closed.") == true && environment.rewards[0].isNaN)
    environment.close()
  }

  @Test func aWorkerIsKilled() throws {
    let environment = try GymnasiumEnvironment(world("Trouble-v0", ["marker": "shot"], workers: 3), count: 3)
    environment.step([0, 0, 0])
    kill(try #require(workers("shot").first), SIGKILL)
    environment.step([0, 0, 0])
    #expect(environment.failure?.message.hasSuffix("it was ended by signal 9 (Killed).") == true)
    #expect(workers("shot").isEmpty)
  }

  #if os(Linux)
    /// Ctrl-C, while Python waits, and kill -9, while it waits, sleeps in a step, or holds the interpreter's lock in one.
    @Test func theProcessGoes() async throws {
      await #expect(processExitsWith: .signal(SIGINT)) {
        signal(SIGINT, SIG_DFL)  // Whoever runs the tests in the background may have it ignored.
        try standUp("none", marker: "interrupted")
        kill(getpid(), SIGINT)
        sleep(10)  // Another thread may be the one that gets the signal.
      }
      #expect(try await workersLeft("interrupted") == 0)
      await #expect(processExitsWith: .signal(SIGKILL)) {
        try standUp("none", marker: "killed-idle")
        kill(getpid(), SIGKILL)
      }
      #expect(try await workersLeft("killed-idle") == 0)
      await #expect(processExitsWith: .signal(SIGKILL)) {
        killWhenBusy("killed-hanging")
        try standUp("hang", marker: "killed-hanging")
      }
      #expect(try await workersLeft("killed-hanging") == 0)
      await #expect(processExitsWith: .signal(SIGKILL)) {
        killWhenBusy("killed-busy")
        try standUp("busy", marker: "killed-busy")
      }
      #expect(try await workersLeft("killed-busy") == 0)
    }
  #endif
}

#if os(Linux)
  /// Makes two workers and takes three steps.
  private func standUp(_ kind: String, marker: String) throws {
    let environment = try GymnasiumEnvironment(
      world("Trouble-v0", ["kind": .string(kind), "marker": .string(marker)], workers: 2), count: 2)
    try #require(workers(marker).count == 2)
    for _ in 0..<3 { environment.step([0, 0]) }
    try #require(environment.failure == nil)
    withExtendedLifetime(environment) {}
  }

  /// Kills this process from another thread, when its workers have begun and had two seconds to get stuck.
  private func killWhenBusy(_ marker: String) {
    Thread.detachNewThread {
      while workers(marker).count < 2 || !workers(marker).allSatisfy(isInStep) { usleep(100_000) }
      sleep(2)
      kill(getpid(), SIGKILL)
    }
  }

  /// Whether a worker has its output silenced, which is the last thing before the first reset.
  private func isInStep(_ process: pid_t) -> Bool {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/1")) == "/dev/null"
  }
#endif
