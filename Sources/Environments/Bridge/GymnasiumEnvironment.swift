import Basics
import Foundation
import Schemas

/// Copies of a Python environment, in worker processes that share memory with this one.
///
/// Any environment that `gymnasium.make` makes, equal to Gymnasium's `SyncVectorEnv` step for step in its three
/// autoreset modes. Box, Discrete, MultiDiscrete, MultiBinary, Text, Dict and Tuple become rows of numbers
/// (`PythonSpace`); Sequence, Graph and OneOf are refused, because their size changes.
///
/// Whatever goes wrong in Python ends the workers and is kept in `failure`: from then on every step returns rewards
/// that are not numbers and ended episodes. The workers also end with this object, and when this process dies, however
/// it does.
public final class GymnasiumEnvironment: VectorEnvironment {
  public let spec: EnvironmentSpec
  public let count: Int
  public private(set) var failure: GuerdonError?

  private let configuration: GymnasiumConfiguration
  private let autoreset: AutoresetMode
  private let python: PythonEnvironment
  private let sources: [PythonSchema.Source]
  private let infoNames: [String]
  private let fleet: Fleet
  private let memory: SharedMemory
  private let observed, lastObserved, acted, rewarded, informed: UnsafeMutablePointer<Double>
  private let hasTerminated, wasTruncated: UnsafeMutablePointer<Bool>
  /// Components of an observation that may be no number.
  private let floats: [Range<Int>]
  private var hasEnded: [Bool]
  private var steps: [Int]
  private let identity = Double(UInt64.random(in: 0..<1 << 52))
  private var savedStates = 0

  private let observationWidth: Int
  private let actionWidth: Int

  /// Starts the workers, makes the environments and resets them.
  /// - Parameters:
  ///   - seed: environment `i` is seeded with `seed + i`.
  ///   - maxEpisodeSteps: Gymnasium's argument; nil takes the environment's own limit, or 10,000 steps where it has
  ///     none.
  /// - Throws: `GuerdonError` for a Python without gymnasium, an environment that cannot be made, a space that cannot
  ///   be mapped, or an unusable description.
  public init(
    _ configuration: GymnasiumConfiguration, count: Int, autoreset: AutoresetMode = .sameStep, seed: UInt64 = 0,
    maxEpisodeSteps: Int? = nil
  ) throws {
    var configuration = configuration
    let description = try configuration.description.map { try EnvironmentDescription(contentsOf: $0) }
    configuration.wrappers += description?.wrappers ?? []
    configuration.observing = configuration.observing ?? description?.observing
    infoNames = configuration.info + (description?.info ?? [])
    self.configuration = configuration
    self.count = count
    self.autoreset = autoreset
    memory = try SharedMemory()
    fleet = try Fleet(configuration, count: count, memory: memory)
    python = try fleet.make(configuration, maxEpisodeSteps: maxEpisodeSteps)
    let schema = try PythonSchema(
      python, name: configuration.name, info: infoNames, description: description, maxEpisodeSteps: maxEpisodeSteps)
    spec = schema.spec
    sources = schema.sources
    observationWidth = spec.observationSpace.width
    actionWidth = spec.actionSpace.width
    floats = zip(python.observation.leaves, python.observation.columns).filter { $0.0.isFloat }.map(\.1)
    hasEnded = Array(repeating: false, count: count)
    steps = Array(repeating: 0, count: count)

    let plan = MemoryPlan(
      count: count, info: infoNames, limit: spec.maxEpisodeSteps, mode: autoreset.rawValue,
      columns: [
        "observations": observationWidth, "finals": observationWidth, "actions": actionWidth, "rewards": 1,
        "infos": infoNames.count,
      ])
    let base = try memory.allocate(plan.bytes)
    func numbers(_ name: String) -> UnsafeMutablePointer<Double> {
      (base + (plan.offsets[name] ?? 0)).assumingMemoryBound(to: Double.self)
    }
    func flags(_ name: String) -> UnsafeMutablePointer<Bool> {
      (base + (plan.offsets[name] ?? 0)).assumingMemoryBound(to: Bool.self)
    }
    (observed, lastObserved, acted) = (numbers("observations"), numbers("finals"), numbers("actions"))
    (rewarded, informed) = (numbers("rewards"), numbers("infos"))
    (hasTerminated, wasTruncated) = (flags("terminated"), flags("truncated"))
    try fleet.attach(plan)
    try begin(seeds: (0..<count).map { ($0, seed &+ UInt64($0)) }, options: nil)
  }

  public var observations: UnsafeBufferPointer<Double> { .init(start: observed, count: count * observationWidth) }
  public var finalObservations: UnsafeBufferPointer<Double> {
    .init(start: lastObserved, count: count * observationWidth)
  }
  public var rewards: UnsafeBufferPointer<Double> { .init(start: rewarded, count: count) }
  public var terminated: UnsafeBufferPointer<Bool> { .init(start: hasTerminated, count: count) }
  public var truncated: UnsafeBufferPointer<Bool> { .init(start: wasTruncated, count: count) }

  // MARK: Resetting

  public func reset(seed: UInt64?) { try? reset(seed: seed, options: nil) }

  /// Starts every environment anew, with Gymnasium's `options`.
  /// - Throws: `GuerdonError` when an environment fails, which is kept in `failure`.
  public func reset(seed: UInt64?, options: JSONValue?) throws {
    try orFail { try begin(seeds: (0..<count).map { i in (i, seed.map { $0 &+ UInt64(i) }) }, options: options) }
  }

  public func reset(mask: [Bool], seed: UInt64?) {
    precondition(mask.count == count, "the mask of a reset has one entry an environment")
    let chosen = mask.indices.filter { mask[$0] }
    try? orFail { try begin(seeds: chosen.map { i in (i, seed.map { $0 &+ UInt64(i) }) }, options: nil) }
  }

  private func begin(seeds: [(Int, UInt64?)], options: JSONValue?) throws {
    try fleet.reset(Dictionary(uniqueKeysWithValues: seeds.map { ("\($0)", $1) }), options: options)
    for (i, _) in seeds {
      (hasEnded[i], steps[i]) = (false, 0)
      try checkNumbers(observed, i, "observation")
    }
  }

  // MARK: Stepping

  public func step(_ actions: UnsafeBufferPointer<Double>, recording record: TransitionBatch?, at row: Int) {
    if let record {
      precondition(
        record.schema.width == spec.schema.width && row >= 0 && row + count <= record.capacity,
        "the batch has no room for \(count) records of \(spec.id) from row \(row) on")
    }
    do {
      try orFail {
        try checkActions(actions)
        if let record { recordBefore(actions, in: record, at: row) }
        if let action = actions.baseAddress { acted.update(from: action, count: count * actionWidth) }
        try fleet.step()
        try account(record, at: row)
      }
    } catch {
      // A failure is never silently a zero.
      for i in 0..<count { (rewarded[i], hasTerminated[i], wasTruncated[i]) = (.nan, false, true) }
      guard let record else { return }
      for column in 0..<record.schema.width {
        (record.base + column * record.capacity + row).update(repeating: .nan, count: count)
      }
    }
  }

  private func checkActions(_ actions: UnsafeBufferPointer<Double>) throws {
    guard actions.count == count * actionWidth else {
      throw GuerdonError.usage(
        "\(spec.id) was given \(actions.count) numbers as actions; \(count) copies take \(count) × \(actionWidth).")
    }
    if case .discrete(let choices) = spec.actionSpace {
      for i in 0..<count where !isChoice(actions[i], of: Double(choices)) {
        throw GuerdonError.usage("\(actions[i]) is no action of \(spec.id); there are 0 to \(choices - 1).")
      }
    }
    if autoreset == .disabled, let ended = hasEnded.firstIndex(of: true) {
      throw GuerdonError.usage("Environment \(ended) of \(spec.id) has ended: reset it before the next step.")
    }
  }

  /// `obs` and `action`; the rest of the row is known after the step.
  private func recordBefore(_ actions: UnsafeBufferPointer<Double>, in record: TransitionBatch, at row: Int) {
    guard let action = actions.baseAddress else { return }
    for i in 0..<count {
      var writer = RecordWriter(record, row: row + i)
      writer.append(observed + i * observationWidth, observationWidth)
      writer.skip(observationWidth)
      writer.append(action + i * actionWidth, actionWidth)
    }
  }

  /// Counts, checks and records what a step brought.
  private func account(_ record: TransitionBatch?, at row: Int) throws {
    for i in 0..<count {
      let onlyReset = autoreset == .nextStep && hasEnded[i]
      let ends = hasTerminated[i] || wasTruncated[i]
      let isFinal = ends && autoreset == .sameStep
      steps[i] = onlyReset ? 0 : steps[i] + 1
      hasEnded[i] = ends && !isFinal
      try checkNumbers(observed, i, "observation")
      if isFinal { try checkNumbers(lastObserved, i, "final observation") }
      if rewarded[i].isNaN {
        throw GuerdonError.failure("Environment \(i) of \(spec.id) returned a reward that is not a number.")
      }
      if let record {
        recordAfter(isFinal ? lastObserved : observed, i, onlyReset: onlyReset, in: record, at: row + i)
      }
      if isFinal { steps[i] = 0 }
    }
  }

  /// What a step brought to environment `i`. The step of `.nextStep` that only resets is no transition: all it records
  /// beside the observations and the action is 0.
  private func recordAfter(
    _ observations: UnsafePointer<Double>, _ i: Int, onlyReset: Bool, in record: TransitionBatch, at row: Int
  ) {
    let after = observations + i * observationWidth
    var writer = RecordWriter(record, row: row)
    writer.skip(observationWidth)
    writer.append(after, observationWidth)
    writer.skip(actionWidth)
    if onlyReset { return writer.append(repeating: 0, sources.count + 2) }
    for source in sources {
      switch source {
      case .observation(let component): writer.append(after[component])
      case .info(let k): writer.append(informed[i * infoNames.count + k])
      }
    }
    writer.append(Double(steps[i]))
    writer.append(hasTerminated[i])
  }

  private func checkNumbers(_ observations: UnsafePointer<Double>, _ i: Int, _ what: String) throws {
    let row = observations + i * observationWidth
    for columns in floats {
      for component in columns where row[component].isNaN {
        throw GuerdonError.failure(
          "Environment \(i) of \(spec.id) returned an \(what) whose component \(component) is not a number.")
      }
    }
  }

  // MARK: Infos and states

  /// The info of every environment's last step or reset. Under `.sameStep`, that of an episode that ended is the
  /// reset's, with the last step's in `final_info`, as in Gymnasium. Numbers that are not finite are strings.
  /// - Throws: `GuerdonError` when a worker fails, which is kept in `failure`.
  public func infos() throws -> [JSONValue] { try orFail { try fleet.infos() } }

  /// Python copies the environments (`copy.deepcopy`) and keeps the copies: a state can be restored only by the object
  /// that saved it, the last four of them. An environment that Python cannot copy is saved without a state, which
  /// `restore` refuses.
  public func saveState() -> [EnvironmentState] {
    savedStates += 1
    let saved = (try? orFail { try fleet.save(savedStates) }) ?? Array(repeating: false, count: count)
    return (0..<count).map { i in
      let observation = Array(UnsafeBufferPointer(start: observed + i * observationWidth, count: observationWidth))
      return EnvironmentState(
        physics: saved[i] ? [identity, Double(savedStates)] + observation : [], steps: steps[i], hasEnded: hasEnded[i],
        random: RandomGenerator(seed: 0))
    }
  }

  public func restore(_ states: [EnvironmentState]) {
    precondition(states.count == count, "these are not the states of \(count) environments \(spec.id)")
    try? orFail {
      guard states.allSatisfy({ $0.physics.count == 2 + observationWidth && $0.physics[0] == identity }) else {
        throw GuerdonError.failure(
          "This state of \(spec.id) cannot be restored: Python could not copy the environment, or it was saved by another object or run.")
      }
      try fleet.restore(states.map { Int($0.physics[1]) })
      for (i, state) in states.enumerated() {
        (steps[i], hasEnded[i]) = (state.steps, state.hasEnded)
        for (k, value) in state.physics.dropFirst(2).enumerated() { observed[i * observationWidth + k] = value }
      }
    }
  }

  // MARK: The end

  /// Closes the environments and ends the workers; steps fail from then on.
  public func close() {
    fleet.close()
    failure = failure ?? .usage("\(spec.id) has been closed.")
  }

  /// Runs `body`; if it throws, the workers end, and nothing runs any more.
  private func orFail<Value>(_ body: () throws -> Value) throws -> Value {
    if let failure { throw failure }
    do {
      return try body()
    } catch {
      let failure = error as? GuerdonError ?? .failure("\(spec.id) failed: \(error).")
      self.failure = failure
      fleet.end()
      throw failure
    }
  }
}

/// Where everything lies in the shared memory; told to the workers as it is.
struct MemoryPlan: Encodable {
  let `do` = "attach"
  let count: Int
  let info: [String]
  /// Steps after which an episode is truncated.
  let limit: Int
  let mode: String
  /// Float64 numbers an environment.
  let columns: [String: Int]
  private(set) var offsets: [String: Int] = [:]
  private(set) var bytes = 0

  init(count: Int, info: [String], limit: Int, mode: String, columns: [String: Int]) {
    self.count = count
    self.info = info
    self.limit = limit
    self.mode = mode
    self.columns = columns
    for (name, width) in columns.sorted(by: { $0.key < $1.key }) {
      offsets[name] = bytes
      bytes += 8 * width * count
    }
    for name in ["terminated", "truncated"] {
      offsets[name] = bytes
      bytes += count
    }
  }
}
