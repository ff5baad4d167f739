import Basics
import Schemas

/// Swimmer-v5: a chain of three links in a viscous plane; reward is forward velocity less 0.0001 of the squared action.
struct Swimmer: MuJoCoTask {
  static let modelFile = "swimmer.xml"
  static let frameSkip = 4

  static let spec = EnvironmentSpec.mujoco(
    "Swimmer-v5", observations: 8,
    components: "0 angle of the front link, 1-2 joint angles (rad), 3-4 x and y velocity of the front tip (m/s), 5 "
      + "front "
      + "link, 6-7 joint angular velocities (rad/s)",
    actions: 2, limit: 1, actionMeaning: "Motor commands: front joint, rear joint; 1 is full torque (150 N·m).",
    quantities: [
      .xPosition,
      Field("y_position", unit: "m", meaning: "Distance travelled along y, to the left positive, since the origin."),
      .xVelocity(of: "the front link"),
      Field("y_velocity", unit: "m/s", meaning: "Sideways velocity of the front link, averaged over the step."),
      Field("distance_from_origin", unit: "m", low: 0, meaning: "Length of (x_position, y_position)."),
      Field("heading", unit: "rad", meaning: "Angle of the front link: 0 along x, positive to the left; not wrapped."),
      Field("heading_rate", unit: "rad/s", meaning: "Rate of heading."),
    ] + Field.joints(2, named: "Front and rear joint: 0 straight; soft limits ±1.745") + [
      .controlCost("0.0001 × the sum of squared actions")
    ],
    maxEpisodeSteps: 1000,
    summary: "A chain of three links of 1 m with a motor at each of its two joints, swimming in a plane of viscous "
      + "fluid. A "
      + "step lasts 0.04 s (4 physics steps); an episode has 1,000 steps.")

  private let stepDuration: Double

  init(_ model: MuJoCoModel) { stepDuration = model.timeStep * Double(Self.frameSkip) }

  func randomize(_ simulation: Simulation, _ random: inout RandomGenerator) {
    simulation.perturbPositions(uniformly: 0.1, &random)
    simulation.perturbVelocities(uniformly: 0.1, &random)
  }

  func observe(_ simulation: Simulation, into observation: UnsafeMutablePointer<Double>) {
    observation.update(from: simulation.position + 2, count: 3)
    (observation + 3).update(from: simulation.velocity, count: 5)
  }

  func step(
    _ simulation: Simulation, action: UnsafePointer<Double>, carried: UnsafeMutablePointer<Double>,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?
  ) -> Outcome {
    let (position, velocity) = (simulation.position, simulation.velocity)
    let (x, y) = (position[0], position[1])
    simulation.advance(action, steps: Self.frameSkip)
    observe(simulation, into: observation)
    let xVelocity = (position[0] - x) / stepDuration
    let controlCost = 1e-4 * squaredNorm(action, 2)
    if record != nil {
      record?.append(position[0])
      record?.append(position[1])
      record?.append(xVelocity)
      record?.append((position[1] - y) / stepDuration)
      record?.append(squaredNorm(position, 2).squareRoot())
      record?.append(position[2])
      record?.append(velocity[2])
      record?.append(position + 3, 2)
      record?.append(velocity + 3, 2)
      record?.append(controlCost)
    }
    return Outcome(reward: xVelocity - controlCost)
  }
}
