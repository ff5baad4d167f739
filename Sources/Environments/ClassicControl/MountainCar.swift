import Basics
import Foundation
import Schemas

/// MountainCar-v0: rock a weak car out of a valley; reward is -1 a step.
///
/// Source: A. W. Moore, "Efficient Memory-Based Learning for Robot Control", 1990. Observations have single precision.
struct MountainCar: Dynamics {
  static let grain = 128
  let stateWidth = 2

  static let spec = EnvironmentSpec.native(
    "MountainCar-v0",
    observationSpace: .box(low: [-1.2, -0.07].map { Double(Float($0)) }, high: [0.6, 0.07].map { Double(Float($0)) }),
    components: "0 position, 1 velocity per step", actionSpace: .discrete(3),
    actionMeaning: "0 accelerates to the left, 1 not at all, 2 to the right.",
    quantities: MountainCarFields.motion + [
      Field(
        "goal_distance", low: 0, high: 1.7,
        meaning: "How far the car is short of the goal at position 0.5; 0 beyond it.")
    ],
    maxEpisodeSteps: 200,
    summary: "A car in a valley whose engine is too weak for the hill on the right: it must gather speed by rocking. "
      + "An "
      + "episode starts near the bottom (position -0.5), has at most 200 steps and terminates at position 0.5.")

  func makeWorkspace() {}

  func reset(
    _ state: UnsafeMutablePointer<Double>, random: inout RandomGenerator, observation: UnsafeMutablePointer<Double>,
    in workspace: Void
  ) {
    state[0] = random.uniform(-0.6, -0.4)
    state[1] = 0
    observe(state, into: observation)
  }

  private func observe(_ state: UnsafePointer<Double>, into observation: UnsafeMutablePointer<Double>) {
    for k in 0..<2 { observation[k] = Double(Float(state[k])) }
  }

  func step(
    _ state: UnsafeMutablePointer<Double>, action: UnsafePointer<Double>, observation: UnsafeMutablePointer<Double>,
    record: inout RecordWriter?, in workspace: Void
  ) -> Outcome {
    precondition(isChoice(action[0], of: 3), "MountainCar-v0 takes the actions 0, 1 and 2")
    var (position, velocity) = (state[0], state[1])
    velocity += (action[0] - 1) * 0.001 + cos(3 * position) * -0.0025
    velocity = clip(velocity, -0.07, 0.07)
    position = clip(position + velocity, -1.2, 0.6)
    if position == -1.2 && velocity < 0 { velocity = 0 }
    (state[0], state[1]) = (position, velocity)
    observe(state, into: observation)
    if record != nil {
      record?.appendMountainCar(position: position, velocity: velocity)
      record?.append(max(0, 0.5 - position))
    }
    return Outcome(reward: -1, terminated: position >= 0.5 && velocity >= 0)
  }
}

/// What both mountain cars report.
enum MountainCarFields {
  static let motion = [
    Field(
      "position", low: Double(Float(-1.2)), high: Double(Float(0.6)),
      meaning: "Where the car is: the bottom of the valley is at -0.524, the wall on the left at -1.2."),
    Field(
      "velocity", low: Double(-Float(0.07)), high: Double(Float(0.07)),
      meaning: "Change of position in a step, to the right positive."),
    Field("height", low: 0.1, high: 1, meaning: "Height of the hill at the car: 0.45 sin(3 position) + 0.55."),
  ]
}

extension RecordWriter {
  mutating func appendMountainCar(position: Double, velocity: Double) {
    append(position)
    append(velocity)
    append(clip(sin(3 * position) * 0.45 + 0.55, 0.1, 1))
  }
}
