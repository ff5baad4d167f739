import Basics

/// The rules of one environment, acting on a state that is a plain vector of numbers.
///
/// States lie outside the simulator, so that they are saved, restored and moved between threads by copying.
protocol StochasticDynamics: Sendable {
  /// What one thread needs to compute a step; nothing in it outlasts the step.
  associatedtype Workspace

  /// Numbers in a state.
  var stateWidth: Int { get }
  /// Environments that a thread takes at a time: enough to be worth the few nanoseconds of taking them.
  static var grain: Int { get }

  /// - Throws: `GuerdonError` when the simulator has no memory for it.
  func makeWorkspace() throws -> Workspace

  /// Draws an initial state, with the random numbers that Gymnasium's `reset` draws, and observes it.
  func reset(
    _ state: UnsafeMutablePointer<Double>, random: inout RandomGenerator, observation: UnsafeMutablePointer<Double>,
    in workspace: Workspace)

  /// Takes one step, with the random numbers that Gymnasium's `step` draws, observes the new state and, if asked, appends
  /// the schema's physical quantities to `record`.
  func step(
    _ state: UnsafeMutablePointer<Double>, action: UnsafePointer<Double>, random: inout RandomGenerator,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?, in workspace: Workspace) -> Outcome
}

/// Rules of an environment whose steps draw no random numbers.
protocol Dynamics: StochasticDynamics {
  func step(
    _ state: UnsafeMutablePointer<Double>, action: UnsafePointer<Double>, observation: UnsafeMutablePointer<Double>,
    record: inout RecordWriter?, in workspace: Workspace) -> Outcome
}

extension Dynamics {
  @inline(__always)
  func step(
    _ state: UnsafeMutablePointer<Double>, action: UnsafePointer<Double>, random: inout RandomGenerator,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?, in workspace: Workspace
  ) -> Outcome {
    step(state, action: action, observation: observation, record: &record, in: workspace)
  }
}

/// What a step returned besides the observation.
struct Outcome {
  var reward: Double
  var terminated = false
}

/// Writes one transition record, column after column.
struct RecordWriter {
  private var column: UnsafeMutablePointer<Double>
  private let distance: Int

  init(_ batch: TransitionBatch, row: Int) {
    column = batch.base + row
    distance = batch.capacity
  }

  mutating func append(_ value: Double) {
    column.pointee = value
    column += distance
  }

  mutating func append(_ value: Bool) { append(value ? 1 : 0) }

  mutating func append(_ values: UnsafePointer<Double>, _ count: Int) {
    for i in 0..<count { append(values[i]) }
  }

  /// Leaves the next `count` columns to somebody else.
  mutating func skip(_ count: Int) { column += count * distance }

  mutating func append(repeating value: Double, _ count: Int) {
    for _ in 0..<count { append(value) }
  }
}

/// numpy's `clip`: a value that is not a number stays what it is.
@inline(__always)
func clip(_ value: Double, _ low: Double, _ high: Double) -> Double { value < low ? low : value > high ? high : value }

/// True if `action` is one of 0 ..< `count`.
@inline(__always)
func isChoice(_ action: Double, of count: Double) -> Bool {
  action >= 0 && action < count && action == action.rounded(.towardZero)
}

/// The sum of squares of `count` numbers.
@inline(__always)
func squaredNorm(_ values: UnsafePointer<Double>, _ count: Int) -> Double {
  var sum = 0.0
  for i in 0..<count { sum += values[i] * values[i] }
  return sum
}

/// The Euclidean distance of two points in space.
@inline(__always)
func distance(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>) -> Double {
  let (x, y, z) = (a[0] - b[0], a[1] - b[1], a[2] - b[2])
  return (x * x + y * y + z * z).squareRoot()
}
