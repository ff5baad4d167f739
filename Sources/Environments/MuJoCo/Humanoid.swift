import Basics
import CMuJoCo
import Schemas

/// Humanoid-v5: a two-legged walker in space; reward is 5 while healthy plus 1.25 of the centre of mass's forward
/// velocity, less 0.1 of the squared control and a contact cost. It terminates when it is not healthy.
struct Humanoid: MuJoCoTask {
  static let modelFile = "humanoid.xml"
  static let frameSkip = 5
  /// Where the centre of mass was when MuJoCo last computed it: x, y.
  static let carriedWidth = 2

  static let spec = EnvironmentSpec.mujoco(
    "Humanoid-v5", observations: HumanoidBody.observations, components: HumanoidBody.components,
    actions: HumanoidBody.actions, limit: 0.4, actionMeaning: HumanoidBody.actionMeaning,
    quantities: Field.freeBody(
      velocityOf: "the centre of mass, averaged over the step", height: "1.4 at rest, outside 1…2 has fallen",
      joints: 17, named: HumanoidBody.joints)
      + [
        Field("distance_from_origin", unit: "m", low: 0, meaning: "Length of (x_position, y_position)."),
        Field("head_height", unit: "m", meaning: "Height of the centre of the head above the floor; 1.59 at rest."),
        Field(
          "foot_heights", shape: [2], unit: "m",
          meaning: "Heights of the right and left foot's centre above the floor."),
        Field(
          "foot_contacts", shape: [2], low: 0, high: 1,
          meaning: "1 if the right, the left foot touches something, else 0."),
        .healthy("height is within 1…2 m"),
        .controlCost("0.1 × the sum of squared actions"),
        Field(
          "contact_cost", low: 0, high: 10,
          meaning: "5e-7 × the sum of squared external forces, at most 10: what the environment's own reward "
            + "subtracts for "
            + "hard contacts."),
      ],
    maxEpisodeSteps: 1000,
    summary: "A humanoid of 42 kg with torso, arms and legs, moving freely in space; 17 motors act on the joints. A "
      + "step "
      + "lasts 0.015 s (5 physics steps); an episode has at most 1,000 steps and terminates when the torso is lower "
      + "than "
      + "1 m or higher than 2 m.")

  private let stepDuration: Double
  private let head: Int
  private let feet: [Int]

  init(_ model: MuJoCoModel) {
    stepDuration = model.timeStep * Double(Self.frameSkip)
    head = model.geom("head")
    feet = [model.geom("right_foot"), model.geom("left_foot")]
  }

  func randomize(_ simulation: Simulation, _ random: inout RandomGenerator) {
    simulation.perturbPositions(uniformly: 0.01, &random)
    simulation.perturbVelocities(uniformly: 0.01, &random)
  }

  func observe(_ simulation: Simulation, into observation: UnsafeMutablePointer<Double>) {
    HumanoidBody.observe(simulation, into: observation)
  }

  func carry(_ simulation: Simulation, into carried: UnsafeMutablePointer<Double>) {
    let (x, y) = simulation.centreOfMass
    (carried[0], carried[1]) = (x, y)
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
    let controlCost = 0.1 * squaredNorm(simulation.control, HumanoidBody.actions)
    let contactCost = clip(5e-7 * simulation.squaredContactForces, -.infinity, 10)
    let height = simulation.position[2]
    let isHealthy = height > 1 && height < 2
    if record != nil {
      simulation.updateKinematics()
      record?.appendFreeBody(
        simulation, xVelocity: xVelocity, yVelocity: (carried[1] - y) / stepDuration,
        upright: simulation.riseOfTorsoZ)
      record?.append(squaredNorm(simulation.position, 2).squareRoot())
      record?.append(simulation.geomPosition(head)[2])
      for foot in feet { record?.append(simulation.geomPosition(foot)[2]) }
      for foot in feet { record?.append(simulation.isTouching(foot)) }
      record?.append(isHealthy)
      record?.append(controlCost)
      record?.append(contactCost)
    }
    return Outcome(
      reward: 1.25 * xVelocity + (isHealthy ? 5 : 0) - (controlCost + contactCost), terminated: !isHealthy)
  }
}
