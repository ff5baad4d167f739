import Basics
import CMuJoCo
import Foundation
import Schemas

/// InvertedDoublePendulum-v5: two poles on a cart on a rail; reward is 10 while the tip is high, less penalties for its
/// distance from the top and for the poles' velocities.
struct InvertedDoublePendulum: MuJoCoTask {
  static let modelFile = "inverted_double_pendulum.xml"
  static let frameSkip = 5

  static let spec = EnvironmentSpec.mujoco(
    "InvertedDoublePendulum-v5", observations: 9,
    components: "0 cart position (m), 1-2 sines, 3-4 cosines of the pole angles, 5 cart velocity (m/s), 6-7 pole "
      + "angular "
      + "velocities (rad/s), 8 constraint force on the cart (N), velocities and force clipped to ±10",
    actions: 1, limit: 1, actionMeaning: "Force on the cart, towards positive x, in units of 500 N.",
    quantities: [
      Field("cart_position", unit: "m", meaning: "Position of the cart on the rail; soft limits ±1."),
      Field("cart_velocity", unit: "m/s", meaning: "Velocity of the cart."),
      Field(
        "pole_angles", shape: [2], unit: "rad",
        meaning: "Tilt of the lower pole (0 upright, positive towards positive x) and of the upper pole relative to "
          + "it; "
          + "not wrapped."),
      Field("pole_angular_velocities", shape: [2], unit: "rad/s", meaning: "Rates of pole_angles."),
      Field("tip_x", unit: "m", meaning: "Horizontal position of the upper pole's tip."),
      Field(
        "tip_height", unit: "m", low: -1.21, high: 1.21,
        meaning: "Height of the upper pole's tip above the rail: 1.2 when both poles stand, 1 or less has fallen."),
      Field(
        "distance_penalty", low: 0,
        meaning: "0.01 tip_x² + (tip_height - 2)²: what the environment's own reward subtracts for the tip's place."),
      Field(
        "velocity_penalty", low: 0,
        meaning: "What the environment's own reward subtracts for the poles' angular velocities: 0.001, 0.005 of their "
          + "squares."),
    ],
    maxEpisodeSteps: 1000,
    summary: "Two poles of 0.6 m, one on top of the other, hinged to a cart that a motor pushes along a rail. A step "
      + "lasts "
      + "0.05 s (5 physics steps); an episode has at most 1,000 steps and terminates when the tip sinks to 1 m.")

  init(_ model: MuJoCoModel) {}

  func randomize(_ simulation: Simulation, _ random: inout RandomGenerator) {
    simulation.perturbPositions(uniformly: 0.1, &random)
    simulation.perturbVelocities(normally: 0.1, &random)
  }

  func observe(_ simulation: Simulation, into observation: UnsafeMutablePointer<Double>) {
    let (position, velocity) = (simulation.position, simulation.velocity)
    observation[0] = position[0]
    for k in 0..<2 {
      observation[1 + k] = sin(position[1 + k])
      observation[3 + k] = cos(position[1 + k])
    }
    for k in 0..<3 { observation[5 + k] = clip(velocity[k], -10, 10) }
    observation[8] = clip(simulation.data.pointee.qfrc_constraint[0], -10, 10)
  }

  func step(
    _ simulation: Simulation, action: UnsafePointer<Double>, carried: UnsafeMutablePointer<Double>,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?
  ) -> Outcome {
    simulation.advance(action, steps: Self.frameSkip)
    observe(simulation, into: observation)
    let (position, velocity) = (simulation.position, simulation.velocity)
    let tip = simulation.sitePosition(0)
    let (x, height) = (tip[0], tip[2])
    let hasFallen = height <= 1
    let distancePenalty = 0.01 * (x * x) + (height - 2) * (height - 2)
    let velocityPenalty = 1e-3 * (velocity[1] * velocity[1]) + 5e-3 * (velocity[2] * velocity[2])
    if record != nil {
      record?.append(position[0])
      record?.append(velocity[0])
      record?.append(position + 1, 2)
      record?.append(velocity + 1, 2)
      record?.append(x)
      record?.append(height)
      record?.append(distancePenalty)
      record?.append(velocityPenalty)
    }
    return Outcome(reward: (hasFallen ? 0 : 10) - distancePenalty - velocityPenalty, terminated: hasFallen)
  }
}
