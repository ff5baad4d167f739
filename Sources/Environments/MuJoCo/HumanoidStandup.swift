import Basics
import CMuJoCo
import Schemas

/// HumanoidStandup-v5: the humanoid starts lying on its back; reward is its height over the physics time step plus 1,
/// less 0.1 of the squared control and an impact cost.
struct HumanoidStandup: MuJoCoTask {
  static let modelFile = "humanoidstandup.xml"
  static let frameSkip = 5

  static let spec = EnvironmentSpec.mujoco(
    "HumanoidStandup-v5", observations: HumanoidBody.observations, components: HumanoidBody.components,
    actions: HumanoidBody.actions, limit: 0.4, actionMeaning: HumanoidBody.actionMeaning,
    quantities: Field.freeBody(
      velocityOf: "the torso", height: "about 0.1 when lying, 1.4 when "
        + "standing", joints: 17, named: HumanoidBody.joints)
      + [
        Field(
          "head_height", unit: "m",
          meaning: "Height of the centre of the head above the floor; 1.59 when standing."),
        Field(
          "foot_heights", shape: [2], unit: "m",
          meaning: "Heights of the right and left foot's centre above the floor."),
        Field(
          "foot_contacts", shape: [2], low: 0, high: 1,
          meaning: "1 if the right, the left foot touches something, else 0."),
        .controlCost("0.1 × the sum of squared actions"),
        Field(
          "impact_cost", low: 0, high: 10,
          meaning: "5e-7 × the sum of squared external forces, at most 10: what the environment's own reward "
            + "subtracts for "
            + "hard contacts."),
      ],
    maxEpisodeSteps: 1000,
    summary: "A humanoid of 42 kg that begins lying on its back; 17 motors act on the joints. A step lasts 0.015 s (5 "
      + "physics steps); an episode has 1,000 steps and never terminates early.")

  private let timeStep: Double
  private let head: Int
  private let feet: [Int]

  init(_ model: MuJoCoModel) {
    timeStep = model.timeStep
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

  func step(
    _ simulation: Simulation, action: UnsafePointer<Double>, carried: UnsafeMutablePointer<Double>,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?
  ) -> Outcome {
    simulation.advance(action, steps: Self.frameSkip)
    simulation.computeContactForces()
    observe(simulation, into: observation)
    let controlCost = 0.1 * squaredNorm(simulation.control, HumanoidBody.actions)
    let impactCost = clip(5e-7 * simulation.squaredContactForces, -.infinity, 10)
    if record != nil {
      simulation.updateKinematics()
      // The model lies along its x axis, its head at the negative end.
      record?.appendFreeBody(
        simulation, xVelocity: simulation.velocity[0], yVelocity: simulation.velocity[1],
        upright: -simulation.riseOfTorsoX)
      record?.append(simulation.geomPosition(head)[2])
      for foot in feet { record?.append(simulation.geomPosition(foot)[2]) }
      for foot in feet { record?.append(simulation.isTouching(foot)) }
      record?.append(controlCost)
      record?.append(impactCost)
    }
    return Outcome(reward: simulation.position[2] / timeStep - controlCost - impactCost + 1)
  }
}
