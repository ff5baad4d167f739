import CMuJoCo

/// What Humanoid and HumanoidStandup share: the body and how it is observed.
enum HumanoidBody {
  static let observations = 348
  static let actions = 17

  static let components =
    "0 torso height (m), 1-4 torso orientation (w, x, y, z), 5-21 joint angles (rad), 22-24 torso velocity (m/s), "
      + "25-27 "
    + "torso angular velocity, 28-44 joint velocities (rad/s), 45-174 inertias, 175-252 velocities of the 13 bodies "
    + "about "
    + "the centre of mass, 253-269 actuator torques (N·m), 270-347 external torque and force on the 13 bodies"

  static let actionMeaning =
    "Motor commands: abdomen y, z, x; right hip x, z, y, knee; left hip x, z, y, knee; right shoulder 1, 2, elbow; "
      + "left "
    + "shoulder 1, 2, elbow; full torque at ±0.4."

  static let joints =
    "Abdomen z, y, x; right hip x, z, y, knee; left hip x, z, y, knee; right shoulder 1, 2, elbow; left shoulder 1, 2, "
    + "elbow"

  static func observe(_ simulation: Simulation, into observation: UnsafeMutablePointer<Double>) {
    let data = simulation.data
    let bodies = simulation.model.bodyCount - 1
    var to = observation
    func append(_ part: UnsafePointer<Double>, _ count: Int) {
      to.update(from: part, count: count)
      to += count
    }
    // The first two positions and the world's own row are left out.
    append(simulation.position + 2, simulation.model.positionCount - 2)
    append(simulation.velocity, simulation.model.velocityCount)
    append(data.pointee.cinert + 10, 10 * bodies)
    append(data.pointee.cvel + 6, 6 * bodies)
    append(data.pointee.qfrc_actuator + 6, actions)
    append(data.pointee.cfrc_ext + 6, 6 * bodies)
  }
}
