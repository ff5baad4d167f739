import Basics
import Foundation

/// All workers of one vector environment. Each request goes to all of them before the first answer is awaited.
final class Fleet {
  private var workers: [BridgeWorker] = []
  private let timeout: Duration
  private let startTimeout: Duration

  /// Starts the processes; they share `count` environments as evenly as possible.
  /// - Throws: `GuerdonError` when a process cannot be started.
  init(_ configuration: GymnasiumConfiguration, count: Int, memory: SharedMemory) throws {
    timeout = configuration.timeout
    startTimeout = configuration.startTimeout
    let interpreter = try configuration.interpreter()
    let number = max(1, min(configuration.workers ?? 1, count))
    for worker in 0..<number {
      let share = worker * count / number..<(worker + 1) * count / number
      workers.append(
        try BridgeWorker(python: interpreter, name: configuration.name, environments: share, memory: memory))
    }
  }

  deinit { close() }

  /// Makes the environments.
  /// - Throws: `GuerdonError` also when they are not all alike.
  func make(_ configuration: GymnasiumConfiguration, maxEpisodeSteps: Int?) throws -> PythonEnvironment {
    struct Request: Encodable {
      let `do` = "make"
      let id: String, arguments: [String: JSONValue], wrappers: [String], observing: [String]?, textLength: Int
      let maxEpisodeSteps: Int?, folders: [String], first: Int, count: Int
    }
    let made: [PythonEnvironment] = try all("making", within: startTimeout) { worker in
      Request(
        id: configuration.id, arguments: configuration.arguments, wrappers: configuration.wrappers,
        observing: configuration.observing, textLength: configuration.textLength, maxEpisodeSteps: maxEpisodeSteps,
        folders: configuration.folders.map(\.path), first: worker.environments.lowerBound,
        count: worker.environments.count)
    }
    guard made.allSatisfy({ $0.observation == made[0].observation && $0.action == made[0].action }) else {
      throw GuerdonError.failure("The copies of \(configuration.name) have different spaces; make them one by one.")
    }
    return made[0]
  }

  func attach(_ plan: MemoryPlan) throws { try tell("attaching", within: startTimeout) { _ in plan } }

  /// - Parameter seeds: of the environments to reset, by their numbers.
  func reset(_ seeds: [String: UInt64?], options: JSONValue?) throws {
    struct Request: Encodable { let `do` = "reset", seeds: [String: UInt64?], options: JSONValue? }
    // In JSON, an absent key and null differ: `options` must be there.
    try tell("reset", within: timeout) { _ in Request(seeds: seeds, options: options ?? .null) }
  }

  func step() throws {
    for worker in workers { try worker.askForStep() }
    let deadline = ContinuousClock.now + timeout
    for worker in workers { try worker.finishStep(by: deadline, timeout) }
  }

  func infos() throws -> [JSONValue] {
    struct Request: Encodable { let `do` = "info" }
    struct Reply: Decodable { let infos: [JSONValue] }
    let replies: [Reply] = try all("info", within: timeout) { _ in Request() }
    return replies.flatMap(\.infos)
  }

  /// - Returns: for each environment, whether Python could copy it.
  func save(_ token: Int) throws -> [Bool] {
    struct Request: Encodable { let `do` = "save", token: Int }
    struct Reply: Decodable { let saved: [Bool] }
    let replies: [Reply] = try all("saving", within: timeout) { _ in Request(token: token) }
    return replies.flatMap(\.saved)
  }

  func restore(_ tokens: [Int]) throws {
    struct Request: Encodable { let `do` = "restore", tokens: [Int] }
    try tell("restoring", within: timeout) { _ in Request(tokens: tokens) }
  }

  /// Lets the environments close, for a second at most, and ends the workers.
  func close() {
    struct Request: Encodable { let `do` = "close" }
    if !workers.isEmpty { try? tell("closing", within: .seconds(1)) { _ in Request() } }
    end()
  }

  func end() {
    for worker in workers { worker.end() }
    workers = []
  }

  private func tell(
    _ activity: String, within limit: Duration, _ request: (BridgeWorker) -> some Encodable
  ) throws {
    let _: [JSONValue] = try all(activity, within: limit, request)
  }

  private func all<Reply: Decodable>(
    _ activity: String, within limit: Duration, _ request: (BridgeWorker) -> some Encodable
  ) throws -> [Reply] {
    for worker in workers { try worker.ask(request(worker), activity) }
    let deadline = ContinuousClock.now + limit
    return try workers.map { try $0.answer(by: deadline, limit) }
  }
}
