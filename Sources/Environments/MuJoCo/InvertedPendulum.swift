import Basics
import Schemas

/// InvertedPendulum-v5: a pole on a cart on a rail; reward is 1 for every step in which the pole stands.
struct InvertedPendulum: MuJoCoTask {
  static let modelFile = "inverted_pendulum.xml"
  static let frameSkip = 2

  static let spec = EnvironmentSpec.mujoco(
    "InvertedPendulum-v5", observations: 4,
    components: "0 cart position (m), 1 pole angle (rad), 2 cart velocity (m/s), 3 pole angular velocity (rad/s)",
    actions: 1, limit: 3, actionMeaning: "Force on the cart, towards positive x, in units of 100 N.",
    quantities: [
      Field("cart_position", unit: "m", meaning: "Position of the cart on the rail; soft limits ±1."),
      Field("cart_velocity", unit: "m/s", meaning: "Velocity of the cart."),
      Field(
        "pole_angle", unit: "rad",
        meaning: "Tilt of the pole: 0 upright, positive towards positive x; beyond ±0.2 it has fallen."),
      Field("pole_angular_velocity", unit: "rad/s", meaning: "Rate of pole_angle."),
    ],
    maxEpisodeSteps: 1000,
    summary: "A pole of 0.6 m hinged to a cart that a motor pushes along a rail. A step lasts 0.04 s (2 physics "
      + "steps); an "
      + "episode has at most 1,000 steps and terminates when the pole tilts by more than 0.2 rad.")

  init(_ model: MuJoCoModel) {}

  func randomize(_ simulation: Simulation, _ random: inout RandomGenerator) {
    simulation.perturbPositions(uniformly: 0.01, &random)
    simulation.perturbVelocities(uniformly: 0.01, &random)
  }

  func observe(_ simulation: Simulation, into observation: UnsafeMutablePointer<Double>) {
    observation.update(from: simulation.position, count: 2)
    (observation + 2).update(from: simulation.velocity, count: 2)
  }

  func step(
    _ simulation: Simulation, action: UnsafePointer<Double>, carried: UnsafeMutablePointer<Double>,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?
  ) -> Outcome {
    simulation.advance(action, steps: Self.frameSkip)
    observe(simulation, into: observation)
    let isFinite = (0..<4).allSatisfy { observation[$0].isFinite }
    let hasFallen = !isFinite || abs(observation[1]) > 0.2
    record?.append(observation[0])
    record?.append(observation[2])
    record?.append(observation[1])
    record?.append(observation[3])
    return Outcome(reward: hasFallen ? 0 : 1, terminated: hasFallen)
  }
}
