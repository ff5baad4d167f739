import Basics
import Schemas

/// Walker2d-v5: a planar two-legged walker; reward is 1 while healthy plus forward velocity less 0.001 of the squared
/// action. It terminates when it is not healthy.
struct Walker2d: MuJoCoTask {
  static let modelFile = "walker2d_v5.xml"
  static let frameSkip = 4

  static let spec = EnvironmentSpec.mujoco(
    "Walker2d-v5", observations: 17,
    components: "0 torso height (m), 1 torso angle, 2-4 right thigh, leg, foot, 5-7 left thigh, leg, foot angles "
      + "(rad), "
      + "8 x velocity, 9 z velocity (m/s), 10-16 torso and joint velocities in the same order (rad/s), velocities "
      + "clipped to ±10",
    actions: 6, limit: 1,
    actionMeaning: "Motor commands: right thigh, leg, foot, left thigh, leg, foot; 1 is full torque (100 N·m).",
    quantities: Field.planarBody(
      height: Field(
        "height", unit: "m",
        meaning: "Height of the torso's centre above the floor; 1.25 at rest, outside 0.8…2 has fallen."),
      angle: "0 upright, positive forwards; beyond ±1 has fallen", joints: 6,
      named: "Right thigh, leg, foot, left thigh, leg, foot; soft limits -2.618…0, -2.618…0, -0.785…0.785 a leg")
      + [
        Field("foot_heights", shape: [2], unit: "m", meaning: "Heights of the centres of the right and left foot."),
        Field(
          "foot_contacts", shape: [2], low: 0, high: 1,
          meaning: "1 if the right, the left foot touches something, else 0."),
        .healthy("height within 0.8…2 m and torso_angle within ±1 rad"),
        .controlCost("0.001 × the sum of squared actions"),
      ],
    maxEpisodeSteps: 1000,
    summary: "A planar walker of 24 kg with a torso and two legs of thigh, leg and foot, free to move in x and z and "
      + "to "
      + "pitch. Six motors act on the leg joints. A step lasts 0.008 s (4 physics steps); an episode has at most 1,000 "
      + "steps and terminates when the walker falls.")

  private let stepDuration: Double
  private let feet: [Int]

  init(_ model: MuJoCoModel) {
    stepDuration = model.timeStep * Double(Self.frameSkip)
    feet = [model.geom("foot_geom"), model.geom("foot_left_geom")]
  }

  func randomize(_ simulation: Simulation, _ random: inout RandomGenerator) {
    simulation.perturbPositions(uniformly: 5e-3, &random)
    simulation.perturbVelocities(uniformly: 5e-3, &random)
  }

  func observe(_ simulation: Simulation, into observation: UnsafeMutablePointer<Double>) {
    simulation.observePlanarBody(into: observation, clippingVelocities: 10)
  }

  func step(
    _ simulation: Simulation, action: UnsafePointer<Double>, carried: UnsafeMutablePointer<Double>,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?
  ) -> Outcome {
    let before = simulation.position[0]
    simulation.advance(action, steps: Self.frameSkip)
    observe(simulation, into: observation)
    let (height, angle) = (simulation.position[1], simulation.position[2])
    let xVelocity = (simulation.position[0] - before) / stepDuration
    let controlCost = 1e-3 * squaredNorm(action, 6)
    let isHealthy = height > 0.8 && height < 2 && angle > -1 && angle < 1
    if record != nil {
      simulation.updateKinematics()
      record?.appendPlanarBody(simulation, xVelocity: xVelocity, height: height)
      for foot in feet { record?.append(simulation.geomPosition(foot)[2]) }
      for foot in feet { record?.append(simulation.isTouching(foot)) }
      record?.append(isHealthy)
      record?.append(controlCost)
    }
    return Outcome(reward: xVelocity + (isHealthy ? 1 : 0) - controlCost, terminated: !isHealthy)
  }
}
