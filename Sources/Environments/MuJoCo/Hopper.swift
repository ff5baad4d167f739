import Basics
import Schemas

/// Hopper-v5: a planar one-legged hopper; reward is 1 while healthy plus forward velocity less 0.001 of the squared
/// action. It terminates when it is not healthy.
struct Hopper: MuJoCoTask {
  static let modelFile = "hopper.xml"
  static let frameSkip = 4

  static let spec = EnvironmentSpec.mujoco(
    "Hopper-v5", observations: 11,
    components: "0 torso height (m), 1 torso angle, 2 thigh, 3 leg, 4 foot angle (rad), 5 x velocity, 6 z velocity "
      + "(m/s), 7 torso, 8 thigh, 9 leg, 10 foot angular velocity (rad/s), velocities clipped to ±10",
    actions: 3, limit: 1, actionMeaning: "Motor commands: thigh, leg, foot; 1 is full torque (200 N·m).",
    quantities: Field.planarBody(
      height: Field(
        "height", unit: "m",
        meaning: "Height of the torso's centre above the floor; 1.25 at rest, below 0.7 has fallen."),
      angle: "0 upright, positive forwards; beyond ±0.2 has fallen", joints: 3,
      named: "Thigh, leg, foot; soft limits -2.618…0, -2.618…0, -0.785…0.785")
      + [
        Field(
          "foot_height", unit: "m",
          meaning: "Height of the centre of the foot above the floor; 0.06 when it lies flat."),
        Field("foot_contact", low: 0, high: 1, meaning: "1 if the foot touches the floor, else 0."),
        .healthy("height above 0.7 m, torso_angle within ±0.2 rad, all of the state within ±100"),
        .controlCost("0.001 × the sum of squared actions"),
      ],
    maxEpisodeSteps: 1000,
    summary: "A planar hopper of 16 kg with a torso, a thigh, a leg and a foot, free to move in x and z and to pitch. "
      + "Three "
      + "motors act on the joints. A step lasts 0.008 s (4 physics steps); an episode has at most 1,000 steps and "
      + "terminates when the hopper falls.")

  private let stepDuration: Double
  private let foot: Int

  init(_ model: MuJoCoModel) {
    stepDuration = model.timeStep * Double(Self.frameSkip)
    foot = model.geom("foot_geom")
  }

  func randomize(_ simulation: Simulation, _ random: inout RandomGenerator) {
    simulation.perturbPositions(uniformly: 5e-3, &random)
    simulation.perturbVelocities(uniformly: 5e-3, &random)
  }

  func observe(_ simulation: Simulation, into observation: UnsafeMutablePointer<Double>) {
    simulation.observePlanarBody(into: observation, clippingVelocities: 10)
  }

  private func isHealthy(_ simulation: Simulation) -> Bool {
    let (position, velocity) = (simulation.position, simulation.velocity)
    for k in 2..<6 where !(position[k] > -100 && position[k] < 100) { return false }
    for k in 0..<6 where !(velocity[k] > -100 && velocity[k] < 100) { return false }
    return position[1] > 0.7 && position[1] < .infinity && position[2] > -0.2 && position[2] < 0.2
  }

  func step(
    _ simulation: Simulation, action: UnsafePointer<Double>, carried: UnsafeMutablePointer<Double>,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?
  ) -> Outcome {
    let before = simulation.position[0]
    simulation.advance(action, steps: Self.frameSkip)
    observe(simulation, into: observation)
    let xVelocity = (simulation.position[0] - before) / stepDuration
    let controlCost = 1e-3 * squaredNorm(action, 3)
    let isHealthy = isHealthy(simulation)
    if record != nil {
      simulation.updateKinematics()
      record?.appendPlanarBody(simulation, xVelocity: xVelocity, height: simulation.position[1])
      record?.append(simulation.geomPosition(foot)[2])
      record?.append(simulation.isTouching(foot))
      record?.append(isHealthy)
      record?.append(controlCost)
    }
    return Outcome(reward: xVelocity + (isHealthy ? 1 : 0) - controlCost, terminated: !isHealthy)
  }
}
