import Basics
import Schemas

/// Pusher-v5: an arm pushes a cylinder over a table to a goal; reward is minus the cylinder's distance to the goal,
/// half the arm's distance to the cylinder and 0.1 of the squared action.
struct Pusher: MuJoCoTask {
  static let modelFile = "pusher_v5.xml"
  static let frameSkip = 5

  static let spec = EnvironmentSpec.mujoco(
    "Pusher-v5", observations: 23,
    components: "0-6 joint angles (rad), 7-13 joint velocities (rad/s), 14-16 fingertip, 17-19 object, 20-22 goal "
      + "position "
      + "(m)",
    actions: 7, limit: 2,
    actionMeaning: "Torques (N·m): shoulder pan, shoulder lift, upper arm roll, elbow flex, forearm roll, wrist flex, "
      + "wrist roll.",
    quantities: [
      Field("fingertip", shape: [3], unit: "m", meaning: "Position (x, y, z) of the arm's tip."),
      Field("object", shape: [3], unit: "m", meaning: "Position (x, y, z) of the cylinder."),
      Field("goal", shape: [3], unit: "m", meaning: "Position (x, y, z) that the cylinder should reach."),
      Field("fingertip_distance", unit: "m", low: 0, meaning: "Distance between fingertip and object."),
      Field("goal_distance", unit: "m", low: 0, meaning: "Distance between object and goal."),
    ] + Field.joints(
      7, named: "Shoulder pan, shoulder lift, upper arm roll, elbow flex, forearm roll, wrist flex, wrist roll; soft "
        + "limits "
        + "-2.29…1.71, -0.52…1.4, -1.5…1.7, -2.32…0, ±1.5, -1.09…0, ±1.5") + [
      .controlCost("0.1 × the sum of squared actions")
    ],
    maxEpisodeSteps: 100,
    summary: "An arm with seven joints stands beside a table with a cylinder, placed at random, and a goal. A step "
      + "lasts "
      + "0.05 s (5 physics steps); an episode has 100 steps.")

  private let fingertip: Int
  private let object: Int
  private let goal: Int

  init(_ model: MuJoCoModel) {
    fingertip = model.body("tips_arm")
    object = model.body("object")
    goal = model.body("goal")
  }

  func randomize(_ simulation: Simulation, _ random: inout RandomGenerator) {
    let (position, velocity) = (simulation.position, simulation.velocity)
    repeat {
      position[7] = random.uniform(-0.3, 0)
      position[8] = random.uniform(-0.2, 0.2)
    } while squaredNorm(position + 7, 2).squareRoot() <= 0.17
    simulation.perturbVelocities(uniformly: 0.005, &random)
    for k in 7..<11 { velocity[k] = 0 }
  }

  func observe(_ simulation: Simulation, into observation: UnsafeMutablePointer<Double>) {
    observation.update(from: simulation.position, count: 7)
    (observation + 7).update(from: simulation.velocity, count: 7)
    (observation + 14).update(from: simulation.bodyPosition(fingertip), count: 3)
    (observation + 17).update(from: simulation.bodyPosition(object), count: 3)
    (observation + 20).update(from: simulation.bodyPosition(goal), count: 3)
  }

  func step(
    _ simulation: Simulation, action: UnsafePointer<Double>, carried: UnsafeMutablePointer<Double>,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?
  ) -> Outcome {
    simulation.advance(action, steps: Self.frameSkip)
    observe(simulation, into: observation)
    let (tip, thing, place) = (
      simulation.bodyPosition(fingertip), simulation.bodyPosition(object), simulation.bodyPosition(goal)
    )
    let (tipDistance, goalDistance) = (distance(thing, tip), distance(thing, place))
    let controlCost = 0.1 * squaredNorm(action, 7)
    if record != nil {
      record?.append(tip, 3)
      record?.append(thing, 3)
      record?.append(place, 3)
      record?.append(tipDistance)
      record?.append(goalDistance)
      record?.append(simulation.position, 7)
      record?.append(simulation.velocity, 7)
      record?.append(controlCost)
    }
    return Outcome(reward: -goalDistance - controlCost - 0.5 * tipDistance)
  }
}
