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
    quantities: [
      .xPosition, .xVelocity,
      Field("z_velocity", unit: "m/s", meaning: "Vertical velocity of the torso, upwards positive."),
      Field("torso_height", unit: "m", meaning: "Height of the torso's centre above the floor; about 0.6 when standing."),
      Field("torso_angle", unit: "rad", meaning: "Pitch of the torso: 0 level, positive nose down; not wrapped."),
      Field("torso_angular_velocity", unit: "rad/s", meaning: "Rate of torso_angle."),
      Field(
        "joint_angles", shape: [6], unit: "rad", low: -.pi, high: .pi,
        meaning: "Back thigh, back shin, back foot, front thigh, front shin, front foot; soft limits -0.52…1.05, "
          + "-0.785…0.785, -0.4…0.785, -1…0.7, -1.2…0.87, -0.5…0.5."),
      Field("joint_velocities", shape: [6], unit: "rad/s", meaning: "Rates of joint_angles."),
      Field("foot_contacts", shape: [2], low: 0, high: 1, meaning: "1 if the back, the front foot touches the floor, else 0."),
      .controlCost("0.1 × the sum of squared actions"),
    ],
    maxEpisodeSteps: 1000,
    summary: "A planar cheetah of 14 kg with a torso, a head and two legs of three joints each, free to move in x and z "
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
    observation.update(from: simulation.position + 1, count: 8)
    (observation + 8).update(from: simulation.velocity, count: 9)
  }

  func step(
    _ simulation: Simulation, action: UnsafePointer<Double>, carried: UnsafeMutablePointer<Double>,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?
  ) -> Outcome {
    let (position, velocity) = (simulation.position, simulation.velocity)
    let before = position[0]
    simulation.advance(action, steps: Self.frameSkip)
    observe(simulation, into: observation)
    let xVelocity = (position[0] - before) / stepDuration
    let controlCost = 0.1 * squaredNorm(action, 6)
    if record != nil {
      record?.append(position[0])
      record?.append(xVelocity)
      record?.append(velocity[1])
      record?.append(restingHeight + position[1])
      record?.append(position[2])
      record?.append(velocity[2])
      record?.append(position + 3, 6)
      record?.append(velocity + 3, 6)
      for foot in feet { record?.append(simulation.isTouching(foot)) }
      record?.append(controlCost)
    }
    return Outcome(reward: xVelocity - controlCost)
  }
}
