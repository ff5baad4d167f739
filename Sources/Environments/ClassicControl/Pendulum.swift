import Basics
import Foundation
import Schemas

/// Pendulum-v1: swing a pendulum up with a weak motor and hold it; reward is minus a cost of angle, speed and torque
/// before the step. Observations have single precision.
struct Pendulum: Dynamics {
  static let grain = 128
  let stateWidth = 2

  static let spec = EnvironmentSpec.native(
    "Pendulum-v1", observationSpace: .box(low: [-1, -1, -8], high: [1, 1, 8]),
    components: "0 cosine, 1 sine of the angle, 2 angular velocity (rad/s)",
    actionSpace: .box(1, low: -2, high: 2), actionMeaning: "Torque on the pendulum, clipped to ±2.", actionUnit: "N·m",
    quantities: [
      Field(
        "angle", unit: "rad", low: -.pi, high: .pi,
        meaning: "Angle from upright, wrapped: 0 upright, ±π hanging down."),
      Field("angular_velocity", unit: "rad/s", low: -8, high: 8, meaning: "Rate of angle."),
      Field("torque", unit: "N·m", low: -2, high: 2, meaning: "The torque that acted: the action, clipped to ±2."),
      Field(
        "tip_height", unit: "m", low: -1, high: 1,
        meaning: "Height of the tip above the pivot: 1 upright, -1 hanging down."),
      Field(
        "control_cost", low: 0, high: 0.004,
        meaning: "0.001 × the squared torque: what the environment's own reward subtracts for effort."),
    ],
    maxEpisodeSteps: 200,
    summary: "A rod of 1 m and 1 kg on a pivot with a motor of at most 2 N·m, too weak to lift it in one go, under a "
      + "gravity "
      + "of 10 m/s². A step lasts 0.05 s; an episode has 200 steps and starts at a random angle and speed.")

  func makeWorkspace() {}

  func reset(
    _ state: UnsafeMutablePointer<Double>, random: inout RandomGenerator, observation: UnsafeMutablePointer<Double>,
    in workspace: Void
  ) {
    state[0] = random.uniform(-.pi, .pi)
    state[1] = random.uniform(-1, 1)
    observe(state, into: observation)
  }

  private func observe(_ state: UnsafePointer<Double>, into observation: UnsafeMutablePointer<Double>) {
    observation[0] = Double(Float(cos(state[0])))
    observation[1] = Double(Float(sin(state[0])))
    observation[2] = Double(Float(state[1]))
  }

  func step(
    _ state: UnsafeMutablePointer<Double>, action: UnsafePointer<Double>, observation: UnsafeMutablePointer<Double>,
    record: inout RecordWriter?, in workspace: Void
  ) -> Outcome {
    let gravity = 10.0, duration = 0.05
    let (angle, rate) = (state[0], state[1])
    let torque = clip(action[0], -2, 2)
    let tilt = wrapped(angle)
    let controlCost = 0.001 * (torque * torque)
    let cost = tilt * tilt + 0.1 * (rate * rate) + controlCost
    state[1] = clip(rate + (3 * gravity / 2 * sin(angle) + 3 * torque) * duration, -8, 8)
    state[0] = angle + state[1] * duration
    observe(state, into: observation)
    if record != nil {
      record?.append(wrapped(state[0]))
      record?.append(state[1])
      record?.append(torque)
      record?.append(cos(state[0]))
      record?.append(controlCost)
    }
    return Outcome(reward: -cost)
  }

  /// The angle in [-π, π) that points the same way (numpy's floored remainder).
  private func wrapped(_ angle: Double) -> Double {
    let remainder = fmod(angle + .pi, 2 * .pi)
    return (remainder < 0 ? remainder + 2 * .pi : remainder) - .pi
  }
}
