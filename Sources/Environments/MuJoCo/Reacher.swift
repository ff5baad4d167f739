import Basics
import Foundation
import Schemas

/// Reacher-v5: a two-link arm in a plane; reward is minus the distance of the fingertip to a target, less the squared
/// action.
struct Reacher: MuJoCoTask {
  static let modelFile = "reacher.xml"
  static let frameSkip = 2

  static let spec = EnvironmentSpec.mujoco(
    "Reacher-v5", observations: 10,
    components: "0-1 cosines, 2-3 sines of the shoulder and elbow angles, 4-5 target position (m), 6-7 shoulder and "
      + "elbow "
      + "velocities (rad/s), 8-9 fingertip minus target position (m)",
    actions: 2, limit: 1, actionMeaning: "Torques on shoulder and elbow; 1 is full torque (200 N·m before the joints' "
      + "inertia).",
    quantities: [
      Field(
        "fingertip", shape: [2], unit: "m", low: -0.22, high: 0.22,
        meaning: "Position (x, y) of the fingertip; the shoulder is at the origin."),
      Field(
        "target", shape: [2], unit: "m", low: -0.27, high: 0.27,
        meaning: "Position (x, y) of the target, fixed during an episode."),
      Field("distance", unit: "m", low: 0, high: 0.61, meaning: "Distance between fingertip and target."),
      Field(
        "joint_angles", shape: [2], unit: "rad",
        meaning: "Shoulder (unlimited, not wrapped) and elbow (soft limits ±3)."),
      Field("joint_velocities", shape: [2], unit: "rad/s", meaning: "Rates of joint_angles."),
      .controlCost("The sum of squared actions"),
    ],
    maxEpisodeSteps: 50,
    summary: "An arm of two links of 0.1 m in the horizontal plane, with a motor at shoulder and elbow, and a target "
      + "placed "
      + "at random within 0.2 m of the shoulder. A step lasts 0.02 s (2 physics steps); an episode has 50 steps.")

  private let fingertip: Int
  private let target: Int

  init(_ model: MuJoCoModel) {
    fingertip = model.body("fingertip")
    target = model.body("target")
  }

  func randomize(_ simulation: Simulation, _ random: inout RandomGenerator) {
    simulation.perturbPositions(uniformly: 0.1, &random)
    var goal = (0.0, 0.0)
    repeat {
      goal = (random.uniform(-0.2, 0.2), random.uniform(-0.2, 0.2))
    } while (goal.0 * goal.0 + goal.1 * goal.1).squareRoot() >= 0.2
    (simulation.position[2], simulation.position[3]) = goal
    simulation.perturbVelocities(uniformly: 0.005, &random)
    (simulation.velocity[2], simulation.velocity[3]) = (0, 0)
  }

  func observe(_ simulation: Simulation, into observation: UnsafeMutablePointer<Double>) {
    let (position, velocity) = (simulation.position, simulation.velocity)
    let (tip, goal) = (simulation.bodyPosition(fingertip), simulation.bodyPosition(target))
    for k in 0..<2 {
      observation[k] = cos(position[k])
      observation[2 + k] = sin(position[k])
      observation[4 + k] = position[2 + k]
      observation[6 + k] = velocity[k]
      observation[8 + k] = tip[k] - goal[k]
    }
  }

  func step(
    _ simulation: Simulation, action: UnsafePointer<Double>, carried: UnsafeMutablePointer<Double>,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?
  ) -> Outcome {
    simulation.advance(action, steps: Self.frameSkip)
    observe(simulation, into: observation)
    let (tip, goal) = (simulation.bodyPosition(fingertip), simulation.bodyPosition(target))
    let distance = distance(tip, goal)
    let controlCost = squaredNorm(action, 2)
    if record != nil {
      record?.append(tip, 2)
      record?.append(goal, 2)
      record?.append(distance)
      record?.append(simulation.position, 2)
      record?.append(simulation.velocity, 2)
      record?.append(controlCost)
    }
    return Outcome(reward: -distance - controlCost)
  }
}
