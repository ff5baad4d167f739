import Basics
import Foundation
import Schemas

/// MountainCarContinuous-v0: the mountain car with a throttle; reward is 100 at the goal less 0.1 of the squared
/// action.
///
/// Gymnasium keeps this state in single precision after the first step, and numpy's promotion rules say which
/// intermediate values are rounded: a Python number joining a single-precision one is rounded, a double widens it.
struct MountainCarContinuous: Dynamics {
  static let grain = 128
  /// Position, velocity, and 1 if they are in single precision.
  let stateWidth = 3

  static let spec = EnvironmentSpec.native(
    "MountainCarContinuous-v0",
    observationSpace: .box(low: [-1.2, -0.07].map { Double(Float($0)) }, high: [0.6, 0.07].map { Double(Float($0)) }),
    components: "0 position, 1 velocity per step", actionSpace: .box(1, low: -1, high: 1),
    actionMeaning: "Throttle: 1 accelerates to the right with full power; clipped to ±1.",
    quantities: MountainCarFields.motion + [
      Field(
        "goal_distance", low: 0, high: 1.66,
        meaning: "How far the car is short of the goal at position 0.45; 0 beyond it."),
      .controlCost("0.1 × the squared action"),
    ],
    maxEpisodeSteps: 999,
    summary: "A car in a valley whose engine is too weak for the hill on the right: it must gather speed by rocking. "
      + "An "
      + "episode starts near the bottom (position -0.5), has at most 999 steps and terminates at position 0.45.")

  func makeWorkspace() {}

  func reset(
    _ state: UnsafeMutablePointer<Double>, random: inout RandomGenerator, observation: UnsafeMutablePointer<Double>,
    in workspace: Void
  ) {
    state[0] = random.uniform(-0.6, -0.4)
    (state[1], state[2]) = (0, 0)
    for k in 0..<2 { observation[k] = Double(Float(state[k])) }
  }

  func step(
    _ state: UnsafeMutablePointer<Double>, action: UnsafePointer<Double>, observation: UnsafeMutablePointer<Double>,
    record: inout RecordWriter?, in workspace: Void
  ) -> Outcome {
    let isSingle = state[2] == 1
    var position = Mixed(state[0], isSingle ? .single : .double)
    var velocity = Mixed(state[1], isSingle ? .single : .double)
    // Clipping a double returns Python's constant.
    let force = Mixed(action[0], .double).clipped(-1, 1)
    let slope = isSingle ? Double(3 * Float(position.value)) : 3 * position.value
    let push = Mixed(force.value * 0.0015 - 0.0025 * cos(slope), force.kind)
    velocity = (velocity + push).clipped(-0.07, 0.07)
    position = (position + velocity).clipped(-1.2, 0.6)
    if position == Mixed(-1.2, .constant) && velocity.value < 0 { velocity = Mixed(0, .constant) }
    let hasArrived = position >= Mixed(0.45, .constant) && velocity.value >= 0
    let controlCost = pow(action[0], 2) * 0.1
    state[0] = Double(Float(position.value))
    state[1] = Double(Float(velocity.value))
    state[2] = 1
    observation.update(from: state, count: 2)
    if record != nil {
      record?.appendMountainCar(position: state[0], velocity: state[1])
      record?.append(max(0, 0.45 - state[0]))
      record?.append(controlCost)
    }
    return Outcome(reward: (hasArrived ? 100 : 0) - controlCost, terminated: hasArrived)
  }
}

/// A number as numpy sees it (NEP 50): single precision, double precision, or a Python constant that adapts.
private struct Mixed {
  enum Kind { case single, double, constant }
  let value: Double
  let kind: Kind

  init(_ value: Double, _ kind: Kind) { (self.value, self.kind) = (value, kind) }

  private static func meetInSinglePrecision(_ a: Mixed, _ b: Mixed) -> Bool {
    a.kind != .double && b.kind != .double && (a.kind == .single || b.kind == .single)
  }

  private static func common(_ a: Mixed, _ b: Mixed) -> (Double, Double) {
    meetInSinglePrecision(a, b) ? (Double(Float(a.value)), Double(Float(b.value))) : (a.value, b.value)
  }

  static func + (a: Mixed, b: Mixed) -> Mixed {
    if meetInSinglePrecision(a, b) { return Mixed(Double(Float(a.value) + Float(b.value)), .single) }
    return Mixed(a.value + b.value, a.kind == .constant && b.kind == .constant ? .constant : .double)
  }

  static func == (a: Mixed, b: Mixed) -> Bool { let (a, b) = common(a, b); return a == b }
  static func >= (a: Mixed, b: Mixed) -> Bool { let (a, b) = common(a, b); return a >= b }
  static func > (a: Mixed, b: Mixed) -> Bool { let (a, b) = common(a, b); return a > b }

  func clipped(_ low: Double, _ high: Double) -> Mixed {
    let (low, high) = (Mixed(low, .constant), Mixed(high, .constant))
    return self > high ? high : low > self ? low : self
  }
}
