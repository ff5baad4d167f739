import Basics
import Schemas
import Synchronization

/// Copies of one natively simulated environment, split over a pool's threads.
final class NativeVectorEnvironment<Rules: StochasticDynamics>: VectorEnvironment, @unchecked Sendable {
  let spec: EnvironmentSpec
  let count: Int
  private let rules: Rules
  private let autoreset: AutoresetMode
  private let pool: WorkerPool
  /// One for each thread of the pool that has something to do.
  private let workspaces: [Rules.Workspace]
  /// The first environment that no thread has taken yet.
  private let untaken = Atomic<Int>(0)

  private let observationWidth: Int
  private let actionWidth: Int
  private let stateWidth: Int
  private let states: UnsafeMutablePointer<Double>
  private let observed: UnsafeMutablePointer<Double>
  private let lastObserved: UnsafeMutablePointer<Double>
  private let rewarded: UnsafeMutablePointer<Double>
  private let hasTerminated: UnsafeMutablePointer<Bool>
  private let wasTruncated: UnsafeMutablePointer<Bool>
  private let hasEnded: UnsafeMutablePointer<Bool>
  private let steps: UnsafeMutablePointer<Int>
  private let random: UnsafeMutablePointer<RandomGenerator>

  /// - Throws: `GuerdonError` when the simulator has no memory for a workspace.
  init(
    _ rules: Rules, spec: EnvironmentSpec, count: Int, pool: WorkerPool, autoreset: AutoresetMode, seed: UInt64
  ) throws {
    self.rules = rules
    self.spec = spec
    self.count = count
    self.pool = pool
    self.autoreset = autoreset
    workspaces = try (0..<max(1, min(count / Rules.grain, pool.threads))).map { _ in try rules.makeWorkspace() }
    observationWidth = spec.observationSpace.width
    actionWidth = spec.actionSpace.width
    stateWidth = rules.stateWidth
    func buffer<Element>(_ size: Int, of value: Element) -> UnsafeMutablePointer<Element> {
      let memory = UnsafeMutablePointer<Element>.allocate(capacity: size)
      memory.initialize(repeating: value, count: size)
      return memory
    }
    states = buffer(count * stateWidth, of: 0)
    observed = buffer(count * observationWidth, of: 0)
    lastObserved = buffer(count * observationWidth, of: 0)
    rewarded = buffer(count, of: 0)
    hasTerminated = buffer(count, of: false)
    wasTruncated = buffer(count, of: false)
    hasEnded = buffer(count, of: false)
    steps = buffer(count, of: 0)
    random = buffer(count, of: RandomGenerator(seed: seed))
    reset(seed: seed)
  }

  deinit {
    for memory in [states, observed, lastObserved, rewarded] { memory.deallocate() }
    for memory in [hasTerminated, wasTruncated, hasEnded] { memory.deallocate() }
    steps.deallocate()
    random.deallocate()
  }

  var observations: UnsafeBufferPointer<Double> { .init(start: observed, count: count * observationWidth) }
  var finalObservations: UnsafeBufferPointer<Double> { .init(start: lastObserved, count: count * observationWidth) }
  var rewards: UnsafeBufferPointer<Double> { .init(start: rewarded, count: count) }
  var terminated: UnsafeBufferPointer<Bool> { .init(start: hasTerminated, count: count) }
  var truncated: UnsafeBufferPointer<Bool> { .init(start: wasTruncated, count: count) }

  func reset(seed: UInt64?) {
    forEach { i, workspace in
      if let seed { random[i] = RandomGenerator(seed: seed &+ UInt64(i)) }
      begin(i, in: workspace)
      clearOutcome(i)
    }
  }

  func step(_ actions: UnsafeBufferPointer<Double>, recording record: TransitionBatch?, at row: Int) {
    precondition(actions.count == count * actionWidth, "\(spec.id) takes \(count * actionWidth) numbers as actions")
    guard let action = actions.baseAddress else { return }
    if let record {
      precondition(
        record.schema.width == spec.schema.width && row >= 0 && row + count <= record.capacity,
        "the batch has no room for \(count) records of \(spec.id) from row \(row) on")
    }
    forEach { [action = SendablePointer(action)] i, workspace in
      take(action.pointer + i * actionWidth, in: i, recording: record, at: row + i, workspace)
    }
  }

  /// Runs `body` for every environment. Threads take `grain` neighbours at a time, as they get free, because contacts
  /// make some steps slower than others; every thread keeps its workspace, warm in its cache.
  @inline(__always)
  private func forEach(_ body: @Sendable (Int, Rules.Workspace) -> Void) {
    untaken.store(0, ordering: .relaxed)
    pool.forEach(workspaces.count) { worker in
      let workspace = workspaces[worker]
      while true {
        let first = untaken.add(Rules.grain, ordering: .relaxed).oldValue
        if first >= count { return }
        for i in first..<min(first + Rules.grain, count) { body(i, workspace) }
      }
    }
  }

  /// One step of environment `i`.
  @inline(__always)
  private func take(
    _ action: UnsafePointer<Double>, in i: Int, recording record: TransitionBatch?, at row: Int,
    _ workspace: Rules.Workspace
  ) {
    if hasEnded[i] {
      precondition(autoreset == .nextStep, "environment \(i) of \(spec.id) has ended: reset it before the next step")
      beginInsteadOfStepping(i, action, recording: record, at: row, workspace)
      return
    }
    let observation = observed + i * observationWidth
    var before: RecordWriter?
    var after: RecordWriter?
    if let record {
      before = RecordWriter(record, row: row)
      before?.append(observation, observationWidth)
      after = before
      after?.skip(observationWidth)
      after?.append(action, actionWidth)
    }
    steps[i] += 1
    let outcome = rules.step(
      states + i * stateWidth, action: action, random: &random[i], observation: observation, record: &after,
      in: workspace)
    before?.append(observation, observationWidth)
    after?.append(Double(steps[i]))
    after?.append(outcome.terminated)
    rewarded[i] = outcome.reward
    hasTerminated[i] = outcome.terminated
    wasTruncated[i] = steps[i] >= spec.maxEpisodeSteps
    guard outcome.terminated || wasTruncated[i] else { return }
    if autoreset == .sameStep {
      (lastObserved + i * observationWidth).update(from: observation, count: observationWidth)
      begin(i, in: workspace)
    } else {
      hasEnded[i] = true
    }
  }

  /// The step of `.nextStep` that only resets. Its record is no transition: `step` is 0, and so are the quantities.
  private func beginInsteadOfStepping(
    _ i: Int, _ action: UnsafePointer<Double>, recording record: TransitionBatch?, at row: Int,
    _ workspace: Rules.Workspace
  ) {
    let observation = observed + i * observationWidth
    var writer = record.map { RecordWriter($0, row: row) }
    writer?.append(observation, observationWidth)
    begin(i, in: workspace)
    clearOutcome(i)
    writer?.append(observation, observationWidth)
    writer?.append(action, actionWidth)
    writer?.append(repeating: 0, spec.schema.width - 2 * observationWidth - actionWidth)
  }

  /// Begins an episode in environment `i`.
  private func begin(_ i: Int, in workspace: Rules.Workspace) {
    rules.reset(
      states + i * stateWidth, random: &random[i], observation: observed + i * observationWidth, in: workspace)
    steps[i] = 0
    hasEnded[i] = false
  }

  private func clearOutcome(_ i: Int) {
    rewarded[i] = 0
    hasTerminated[i] = false
    wasTruncated[i] = false
  }

  /// `physics` is the state, then the observation (some observations are not functions of the state: MuJoCo's derived
  /// quantities lag one time step behind the positions).
  func saveState() -> [EnvironmentState] {
    (0..<count).map { i in
      let state = UnsafeBufferPointer(start: states + i * stateWidth, count: stateWidth)
      let observation = UnsafeBufferPointer(start: observed + i * observationWidth, count: observationWidth)
      return EnvironmentState(
        physics: Array(state) + Array(observation), steps: steps[i], hasEnded: hasEnded[i], random: random[i])
    }
  }

  func restore(_ saved: [EnvironmentState]) {
    precondition(
      saved.count == count && saved.allSatisfy { $0.physics.count == stateWidth + observationWidth },
      "these are not the states of \(count) environments \(spec.id)")
    for (i, state) in saved.enumerated() {
      for (k, value) in state.physics.enumerated() {
        if k < stateWidth {
          states[i * stateWidth + k] = value
        } else {
          observed[i * observationWidth + k - stateWidth] = value
        }
      }
      steps[i] = state.steps
      hasEnded[i] = state.hasEnded
      random[i] = state.random
      clearOutcome(i)
    }
  }
}

/// A pointer that may cross to another thread, because every thread reads another part of it.
private struct SendablePointer: @unchecked Sendable {
  let pointer: UnsafePointer<Double>
  init(_ pointer: UnsafePointer<Double>) { self.pointer = pointer }
}
