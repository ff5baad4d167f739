import Basics
import Foundation
import Schemas

/// CartPole-v1: push a cart left or right so that its pole stays up; reward is 1 a step.
///
/// Source: Barto, Sutton and Anderson, "Neuronlike adaptive elements that can solve difficult learning control
/// problems", 1983; equations as corrected by Florian, 2007; Euler steps of 0.02 s. Observations have single precision.
struct CartPole: Dynamics {
  static let grain = 128
  let stateWidth = 4

  private static let positionLimit = 2.4
  private static let angleLimit = 12 * 2 * Double.pi / 360

  static let spec: EnvironmentSpec = {
    let positionBound = Double(Float(2 * positionLimit)), angleBound = Double(Float(2 * angleLimit))
    let high = [positionBound, .infinity, angleBound, .infinity]
    return EnvironmentSpec.native(
      "CartPole-v1", observationSpace: .box(low: high.map(-), high: high),
      components: "0 cart position (m), 1 cart velocity (m/s), 2 pole angle (rad), 3 pole angular velocity (rad/s)",
      actionSpace: .discrete(2), actionMeaning: "0 pushes the cart towards negative x, 1 towards positive x, with 10 "
        + "N.",
      quantities: [
        Field(
          "cart_position", unit: "m", low: -positionBound, high: positionBound,
          meaning: "Position of the cart; beyond ±2.4 the episode terminates."),
        Field("cart_velocity", unit: "m/s", meaning: "Velocity of the cart."),
        Field(
          "pole_angle", unit: "rad", low: -angleBound, high: angleBound,
          meaning: "Tilt of the pole: 0 upright, positive towards positive x; beyond ±0.2095 the episode terminates."),
        Field("pole_angular_velocity", unit: "rad/s", meaning: "Rate of pole_angle."),
      ],
      maxEpisodeSteps: 500,
      summary: "A pole of 1 m and 0.1 kg hinged to a cart of 1 kg on a frictionless track. A step lasts 0.02 s; an "
        + "episode "
        + "has at most 500 steps and terminates when the pole tilts by more than 12° or the cart leaves ±2.4 m.")
  }()

  func makeWorkspace() {}

  func reset(
    _ state: UnsafeMutablePointer<Double>, random: inout RandomGenerator, observation: UnsafeMutablePointer<Double>,
    in workspace: Void
  ) {
    for k in 0..<4 { state[k] = random.uniform(-0.05, 0.05) }
    observe(state, into: observation)
  }

  private func observe(_ state: UnsafePointer<Double>, into observation: UnsafeMutablePointer<Double>) {
    for k in 0..<4 { observation[k] = Double(Float(state[k])) }
  }

  func step(
    _ state: UnsafeMutablePointer<Double>, action: UnsafePointer<Double>, observation: UnsafeMutablePointer<Double>,
    record: inout RecordWriter?, in workspace: Void
  ) -> Outcome {
    precondition(isChoice(action[0], of: 2), "CartPole-v1 takes the actions 0 and 1")
    let gravity = 9.8, poleMass = 0.1, totalMass = 1.1, halfLength = 0.5, duration = 0.02
    let poleMoment = poleMass * halfLength
    let force = action[0] == 1 ? 10.0 : -10.0
    let (x, xRate, angle, angleRate) = (state[0], state[1], state[2], state[3])
    let (sine, cosine) = (sin(angle), cos(angle))
    let push = (force + poleMoment * (angleRate * angleRate) * sine) / totalMass
    let angleAcceleration =
      (gravity * sine - cosine * push) / (halfLength * (4.0 / 3.0 - poleMass * (cosine * cosine) / totalMass))
    let acceleration = push - poleMoment * angleAcceleration * cosine / totalMass
    state[0] = x + duration * xRate
    state[1] = xRate + duration * acceleration
    state[2] = angle + duration * angleRate
    state[3] = angleRate + duration * angleAcceleration
    observe(state, into: observation)
    record?.append(state, 4)
    let hasFailed = abs(state[0]) > Self.positionLimit || abs(state[2]) > Self.angleLimit
    return Outcome(reward: 1, terminated: hasFailed)
  }
}
