import Basics
import Schemas

/// HalfCheetah-v5: a planar two-legged runner; reward is forward velocity less 0.1 of the squared action.
struct HalfCheetah: MuJoCoTask {
  static let modelFile = "half_cheetah.xml"
  static let frameSkip = 5

  static let spec = EnvironmentSpec.mujoco(
    "HalfCheetah-v5", observations: 17,
    components: "0 torso height offset (m), 1 torso angle, 2-7 joint angles (back thigh, back shin, back foot, front "
      + "thigh, front shin, front foot; rad), 8 x velocity, 9 z velocity (m/s), 10 torso angular velocity, 11-16 joint "
      + "velocities (rad/s)",
    actions: 6, limit: 1,
    actionMeaning: "Motor commands: back thigh, back shin, back foot, front thigh, front shin, front foot; 1 is full "
      + "torque (120, 90, 60, 120, 60, 30 N·m).",
    quantities: Field.planarBody(
      height: Field(
        "torso_height", unit: "m", meaning: "Height of the torso's centre above the floor; about 0.6 when standing."),
      angle: "0 level, positive nose down; not wrapped", joints: 6,
      named: "Back thigh, back shin, back foot, front thigh, front shin, front foot; soft limits -0.52…1.05, "
        + "-0.785…0.785, -0.4…0.785, -1…0.7, -1.2…0.87, -0.5…0.5")
      + [
        Field(
          "foot_contacts", shape: [2], low: 0, high: 1,
          meaning: "1 if the back, the front foot touches the floor, else 0."),
        .controlCost("0.1 × the sum of squared actions"),
      ],
    maxEpisodeSteps: 1000,
    summary: "A planar cheetah of 14 kg with a torso, a head and two legs of three joints each, free to move in x and "
      + "z "
      + "and to pitch. Six motors act on the leg joints. A step lasts 0.05 s (5 physics steps); an episode has 1,000 "
      + "steps and never terminates early, not even when the cheetah lies on its back.")

  private let stepDuration: Double
  private let restingHeight: Double
  private let feet: [Int]

  init(_ model: MuJoCoModel) {
    stepDuration = model.timeStep * Double(Self.frameSkip)
    restingHeight = model.bodyOffset(model.body("torso"))[2]
    feet = [model.geom("bfoot"), model.geom("ffoot")]
  }

  func randomize(_ simulation: Simulation, _ random: inout RandomGenerator) {
    simulation.perturbPositions(uniformly: 0.1, &random)
    simulation.perturbVelocities(normally: 0.1, &random)
  }

  func observe(_ simulation: Simulation, into observation: UnsafeMutablePointer<Double>) {
    simulation.observePlanarBody(into: observation, clippingVelocities: .infinity)
  }

  func step(
    _ simulation: Simulation, action: UnsafePointer<Double>, carried: UnsafeMutablePointer<Double>,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?
  ) -> Outcome {
    let before = simulation.position[0]
    simulation.advance(action, steps: Self.frameSkip)
    observe(simulation, into: observation)
    let xVelocity = (simulation.position[0] - before) / stepDuration
    let controlCost = 0.1 * squaredNorm(action, 6)
    if record != nil {
      record?.appendPlanarBody(
        simulation, xVelocity: xVelocity, height: restingHeight + simulation.position[1])
      for foot in feet { record?.append(simulation.isTouching(foot)) }
      record?.append(controlCost)
    }
    return Outcome(reward: xVelocity - controlCost)
  }
}
