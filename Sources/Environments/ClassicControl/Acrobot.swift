import Basics
import Foundation
import Schemas

/// Acrobot-v1: swing a two-link pendulum up with a motor at its elbow; reward is -1 a step, 0 for the last.
///
/// Source: R. Sutton, "Generalization in Reinforcement Learning: Successful Examples Using Sparse Coarse Coding", 1996;
/// equations of motion of Sutton and Barto's book; one Runge-Kutta step of 0.2 s. Observations have single precision.
struct Acrobot: Dynamics {
  static let grain = 64
  let stateWidth = 4

  static let spec: EnvironmentSpec = {
    let high = [1, 1, 1, 1, Double(Float(4 * Double.pi)), Double(Float(9 * Double.pi))]
    return EnvironmentSpec.native(
      "Acrobot-v1", observationSpace: .box(low: high.map(-), high: high),
      components: "0-1 cosine and sine of the first link's angle, 2-3 of the second's, 4-5 angular velocities (rad/s)",
      actionSpace: .discrete(3), actionMeaning: "0 applies -1, 1 applies 0, 2 applies +1 N·m at the joint between the "
        + "links.",
      quantities: [
        Field(
          "joint_angles", shape: [2], unit: "rad", low: -.pi, high: .pi,
          meaning: "Angle of the first link from hanging down, and of the second relative to the first; wrapped."),
        Field(
          "joint_velocities", shape: [2], unit: "rad/s", low: -9 * .pi, high: 9 * .pi,
          meaning: "Rates of joint_angles, the first within ±4π."),
        Field(
          "tip_height", unit: "m", low: -2, high: 2,
          meaning: "Height of the second link's tip above the pivot: -2 hanging down, 2 upright; above 1 the episode "
            + "terminates."),
      ],
      maxEpisodeSteps: 500,
      summary: "Two links of 1 m and 1 kg hang from a pivot; a motor acts on the joint between them only. A step "
        + "lasts 0.2 s; "
        + "an episode starts near rest, has at most 500 steps and terminates when the tip is 1 m above the pivot.")
  }()

  func makeWorkspace() {}

  func reset(
    _ state: UnsafeMutablePointer<Double>, random: inout RandomGenerator, observation: UnsafeMutablePointer<Double>,
    in workspace: Void
  ) {
    for k in 0..<4 { state[k] = Double(Float(random.uniform(-0.1, 0.1))) }
    observe(state, into: observation)
  }

  private func observe(_ state: UnsafePointer<Double>, into observation: UnsafeMutablePointer<Double>) {
    observation[0] = Double(Float(cos(state[0])))
    observation[1] = Double(Float(sin(state[0])))
    observation[2] = Double(Float(cos(state[1])))
    observation[3] = Double(Float(sin(state[1])))
    observation[4] = Double(Float(state[2]))
    observation[5] = Double(Float(state[3]))
  }

  func step(
    _ state: UnsafeMutablePointer<Double>, action: UnsafePointer<Double>, observation: UnsafeMutablePointer<Double>,
    record: inout RecordWriter?, in workspace: Void
  ) -> Outcome {
    precondition(isChoice(action[0], of: 3), "Acrobot-v1 takes the actions 0, 1 and 2")
    let duration = 0.2, torque = action[0] - 1
    let start = SIMD4(state[0], state[1], state[2], state[3])
    let k1 = derivative(start, torque)
    let k2 = derivative(start + duration / 2 * k1, torque)
    let k3 = derivative(start + duration / 2 * k2, torque)
    let k4 = derivative(start + duration * k3, torque)
    let end = start + duration / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    state[0] = wrapped(end[0])
    state[1] = wrapped(end[1])
    state[2] = clip(end[2], -4 * .pi, 4 * .pi)
    state[3] = clip(end[3], -9 * .pi, 9 * .pi)
    observe(state, into: observation)
    let tipHeight = -cos(state[0]) - cos(state[1] + state[0])
    if record != nil {
      record?.append(state, 4)
      record?.append(tipHeight)
    }
    let hasArrived = tipHeight > 1
    return Outcome(reward: hasArrived ? 0 : -1, terminated: hasArrived)
  }

  /// Rates of (angle 1, angle 2, angular velocity 1, angular velocity 2) under a torque at the elbow.
  private func derivative(_ state: SIMD4<Double>, _ torque: Double) -> SIMD4<Double> {
    let (angle1, angle2, rate1, rate2) = (state[0], state[1], state[2], state[3])
    let gravity = 9.8, centre = 0.5, inertia = 1.0
    // Masses and lengths are 1.
    let d1 = centre * centre + (1 + centre * centre + 2 * centre * cos(angle2)) + inertia + inertia
    let d2 = centre * centre + centre * cos(angle2) + inertia
    let phi2 = centre * gravity * cos(angle1 + angle2 - .pi / 2)
    let phi1 =
      -centre * (rate2 * rate2) * sin(angle2) - 2 * centre * rate2 * rate1 * sin(angle2)
      + (centre + 1) * gravity * cos(angle1 - .pi / 2) + phi2
    let acceleration2 =
      (torque + d2 / d1 * phi1 - centre * (rate1 * rate1) * sin(angle2) - phi2)
      / (centre * centre + inertia - d2 * d2 / d1)
    let acceleration1 = -(d2 * acceleration2 + phi1) / d1
    return SIMD4(rate1, rate2, acceleration1, acceleration2)
  }

  /// The angle in [-π, π] that points the same way, by whole turns.
  private func wrapped(_ angle: Double) -> Double {
    var angle = angle
    while angle > .pi { angle -= 2 * .pi }
    while angle < -.pi { angle += 2 * .pi }
    return angle
  }
}
