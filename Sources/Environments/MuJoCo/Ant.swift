import Basics
import CMuJoCo
import Schemas

/// Ant-v5: a four-legged walker; reward is 1 while healthy plus forward velocity, less 0.5 of the squared action and
/// 0.0005 of the squared contact forces. It terminates when it is not healthy.
struct Ant: MuJoCoTask {
  static let modelFile = "ant.xml"
  static let frameSkip = 5
  /// Where the torso was when MuJoCo last computed it: x, y.
  static let carriedWidth = 2

  static let spec = EnvironmentSpec.mujoco(
    "Ant-v5", observations: 105,
    components: "0 torso height (m), 1-4 torso orientation (w, x, y, z), 5-12 joint angles (rad), 13-15 torso velocity "
      + "(m/s), 16-18 torso angular velocity, 19-26 joint velocities (rad/s), 27-104 external torque and force on "
      + "each of "
      + "the 13 bodies, clipped to ±1",
    actions: 8, limit: 1,
    actionMeaning: "Motor commands: hip and ankle of the front right, front left, rear left, rear right leg; 1 is full "
      + "torque (150 N·m).",
    quantities: Field.freeBody(
      velocityOf: "the torso, averaged over the step", height: "0.75 at rest, outside 0.2…1 is unhealthy", joints: 8,
      named: "Hip and ankle of the front left, rear left, rear right, front right leg; soft limits ±0.524 (hips), "
        + "0.524…1.222 in size (ankles)")
      + [
        Field("distance_from_origin", unit: "m", low: 0, meaning: "Length of (x_position, y_position)."),
        Field(
          "foot_contacts", shape: [4], low: 0, high: 1,
          meaning: "1 if the front left, rear left, rear right, front right foot touches something, else 0."),
        .healthy("height is within 0.2…1 m and the state is finite"),
        .controlCost("0.5 × the sum of squared actions"),
        Field(
          "contact_cost", low: 0, high: 0.042,
          meaning: "0.0005 × the sum of squared external forces, each clipped to ±1: what the environment's own reward "
            + "subtracts for hard contacts."),
      ],
    maxEpisodeSteps: 1000,
    summary: "A torso with four legs of hip and ankle, moving freely in space; eight motors act on the joints. A step "
      + "lasts "
      + "0.05 s (5 physics steps); an episode has at most 1,000 steps and terminates when the torso is lower than 0.2 "
      + "m or "
      + "higher than 1 m.")

  private let stepDuration: Double
  private let torso: Int
  private let feet: [Int]
  private let bodyCount: Int

  init(_ model: MuJoCoModel) {
    stepDuration = model.timeStep * Double(Self.frameSkip)
    torso = model.body("torso")
    feet = ["left_ankle_geom", "right_ankle_geom", "third_ankle_geom", "fourth_ankle_geom"].map { model.geom($0) }
    bodyCount = model.bodyCount
  }

  func randomize(_ simulation: Simulation, _ random: inout RandomGenerator) {
    simulation.perturbPositions(uniformly: 0.1, &random)
    simulation.perturbVelocities(normally: 0.1, &random)
  }

  func observe(_ simulation: Simulation, into observation: UnsafeMutablePointer<Double>) {
    observation.update(from: simulation.position + 2, count: 13)
    (observation + 13).update(from: simulation.velocity, count: 14)
    for k in 0..<6 * (bodyCount - 1) { observation[27 + k] = clip(simulation.contactForces[6 + k], -1, 1) }
  }

  func carry(_ simulation: Simulation, into carried: UnsafeMutablePointer<Double>) {
    carried.update(from: simulation.bodyPosition(torso), count: 2)
  }

  func step(
    _ simulation: Simulation, action: UnsafePointer<Double>, carried: UnsafeMutablePointer<Double>,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?
  ) -> Outcome {
    let (x, y) = (carried[0], carried[1])
    simulation.advance(action, steps: Self.frameSkip)
    simulation.computeContactForces()
    observe(simulation, into: observation)
    carry(simulation, into: carried)
    let xVelocity = (carried[0] - x) / stepDuration
    let controlCost = 0.5 * squaredNorm(action, 8)
    var squaredForces = 0.0
    for k in 0..<6 * bodyCount {
      let force = clip(simulation.contactForces[k], -1, 1)
      squaredForces += force * force
    }
    let contactCost = 5e-4 * squaredForces
    let height = simulation.position[2]
    let isHealthy = simulation.isFinite && height >= 0.2 && height <= 1
    if record != nil {
      record?.appendFreeBody(
        simulation, xVelocity: xVelocity, yVelocity: (carried[1] - y) / stepDuration,
        upright: simulation.riseOfTorsoZ)
      record?.append(squaredNorm(simulation.position, 2).squareRoot())
      for foot in feet { record?.append(simulation.isTouching(foot)) }
      record?.append(isHealthy)
      record?.append(controlCost)
      record?.append(contactCost)
    }
    return Outcome(
      reward: xVelocity + (isHealthy ? 1 : 0) - (controlCost + contactCost), terminated: !isHealthy)
  }
}
