import Basics
import Environments
import Schemas

/// A world written down in a test: a state of a few numbers, and what an action makes of it. Autoreset is `.sameStep`.
final class ScriptedEnvironment: VectorEnvironment {
  struct Outcome {
    var state: [Double]
    var reward: Double
    var terminated = false
  }

  let spec: EnvironmentSpec
  let count: Int
  private let begin: (inout RandomGenerator) -> [Double]
  private let observe: (_ state: [Double]) -> [Double]
  private let move: (_ state: [Double], _ action: [Double]) -> Outcome
  /// After this many steps it is broken, as an environment in another process can be.
  var stepsToFailure = Int.max
  private(set) var failure: GuerdonError?
  private var states: [[Double]] = []
  private var steps: [Int] = []
  private var random: [RandomGenerator] = []
  private let observed: UnsafeMutableBufferPointer<Double>
  private let lastObserved: UnsafeMutableBufferPointer<Double>
  private let rewarded: UnsafeMutableBufferPointer<Double>
  private let hasTerminated: UnsafeMutableBufferPointer<Bool>
  private let wasTruncated: UnsafeMutableBufferPointer<Bool>

  init(
    observation: Space, action: Space, maxEpisodeSteps: Int, count: Int,
    begin: @escaping (inout RandomGenerator) -> [Double],
    observe: @escaping ([Double]) -> [Double] = { $0 }, move: @escaping ([Double], [Double]) -> Outcome
  ) {
    let fields = [
      Field("observation", shape: [observation.width], meaning: "before the step"),
      Field("next_observation", shape: [observation.width], meaning: "after the step"),
      Field("action", shape: [action.width], meaning: "what was done"), Field("step", meaning: "its number"),
      Field("terminated", meaning: "whether the episode ended"),
    ]
    spec = EnvironmentSpec(
      id: "Scripted", observationSpace: observation, actionSpace: action,
      schema: Schema(environment: "Scripted", fields: fields), maxEpisodeSteps: maxEpisodeSteps, summary: "a test")
    self.count = count
    (self.begin, self.observe, self.move) = (begin, observe, move)
    observed = .allocate(capacity: count * observation.width)
    lastObserved = .allocate(capacity: count * observation.width)
    rewarded = .allocate(capacity: count)
    hasTerminated = .allocate(capacity: count)
    wasTruncated = .allocate(capacity: count)
    observed.initialize(repeating: 0)
    lastObserved.initialize(repeating: 0)
    reset(seed: 0)
  }

  deinit {
    for memory in [observed, lastObserved, rewarded] { memory.deallocate() }
    for memory in [hasTerminated, wasTruncated] { memory.deallocate() }
  }

  var observations: UnsafeBufferPointer<Double> { .init(observed) }
  var finalObservations: UnsafeBufferPointer<Double> { .init(lastObserved) }
  var rewards: UnsafeBufferPointer<Double> { .init(rewarded) }
  var terminated: UnsafeBufferPointer<Bool> { .init(hasTerminated) }
  var truncated: UnsafeBufferPointer<Bool> { .init(wasTruncated) }

  func reset(seed: UInt64?) {
    if let seed { random = (0..<count).map { RandomGenerator(seed: seed &+ UInt64($0)) } }
    states = (0..<count).map { begin(&random[$0]) }
    steps = Array(repeating: 0, count: count)
    rewarded.update(repeating: 0)
    hasTerminated.update(repeating: false)
    wasTruncated.update(repeating: false)
    for i in 0..<count { write(observe(states[i]), i, observed) }
  }

  func step(_ actions: UnsafeBufferPointer<Double>, recording record: TransitionBatch?, at row: Int) {
    let width = spec.actionSpace.width
    stepsToFailure -= 1
    if stepsToFailure < 0 {
      failure = .failure("The world broke.")
      rewarded.update(repeating: .nan)
      wasTruncated.update(repeating: true)
      return
    }
    for i in 0..<count {
      let action = Array(actions[i * width..<(i + 1) * width])
      let before = observe(states[i])
      let outcome = move(states[i], action)
      states[i] = outcome.state
      steps[i] += 1
      let after = observe(states[i])
      (rewarded[i], hasTerminated[i]) = (outcome.reward, outcome.terminated)
      wasTruncated[i] = steps[i] >= spec.maxEpisodeSteps
      if let record {
        let values = before + after + action + [Double(steps[i]), outcome.terminated ? 1 : 0]
        for (column, value) in values.enumerated() { record.base[column * record.capacity + row + i] = value }
      }
      if hasTerminated[i] || wasTruncated[i] {
        write(after, i, lastObserved)
        states[i] = begin(&random[i])
        steps[i] = 0
      }
      write(observe(states[i]), i, observed)
    }
  }

  func saveState() -> [EnvironmentState] {
    (0..<count).map {
      EnvironmentState(physics: states[$0], steps: steps[$0], hasEnded: false, random: random[$0])
    }
  }

  func restore(_ saved: [EnvironmentState]) {
    for (i, state) in saved.enumerated() {
      (states[i], steps[i], random[i]) = (state.physics, state.steps, state.random)
      write(observe(states[i]), i, observed)
    }
  }

  private func write(_ values: [Double], _ i: Int, _ buffer: UnsafeMutableBufferPointer<Double>) {
    for (j, value) in values.enumerated() { buffer[i * values.count + j] = value }
  }
}
