import CMuJoCo
import Schemas

/// What Ant and the humanoids share: a torso that moves freely in space, and hinges after it.
extension Simulation {
  /// The vertical component of the torso's z axis.
  var riseOfTorsoZ: Double {
    let (x, y) = (position[4], position[5])
    return clip(1 - 2 * (x * x + y * y), -1, 1)
  }

  /// The vertical component of the torso's x axis.
  var riseOfTorsoX: Double {
    let (w, x, y, z) = (position[3], position[4], position[5], position[6])
    return clip(2 * (x * z - w * y), -1, 1)
  }
}

extension RecordWriter {
  /// Appends the values of `Field.freeBody`.
  mutating func appendFreeBody(_ simulation: Simulation, xVelocity: Double, yVelocity: Double, upright: Double) {
    let (position, velocity) = (simulation.position, simulation.velocity)
    let joints = simulation.model.positionCount - 7
    append(position[0])
    append(position[1])
    append(xVelocity)
    append(yVelocity)
    append(velocity[2])
    append(position[2])
    append(position + 3, 4)
    append(upright)
    append(velocity + 3, 3)
    append(position + 7, joints)
    append(velocity + 6, joints)
  }
}

extension Field {
  /// - Parameter mover: whose horizontal velocity is meant, and how it is averaged.
  static func freeBody(velocityOf mover: String, height: String, joints: Int, named names: String) -> [Field] {
    [
      .xPosition,
      Field("y_position", unit: "m", meaning: "Distance travelled along y, to the left positive, since the origin."),
      Field("x_velocity", unit: "m/s", meaning: "Forward velocity of \(mover)."),
      Field("y_velocity", unit: "m/s", meaning: "Sideways velocity of \(mover)."),
      Field("z_velocity", unit: "m/s", meaning: "Vertical velocity of the torso, upwards positive."),
      Field("height", unit: "m", meaning: "Height of the torso's centre above the floor; \(height)."),
      Field(
        "orientation", shape: [4], low: -1, high: 1, meaning: "Orientation of the torso as a quaternion (w, x, y, z)."),
      Field(
        "upright", low: -1, high: 1,
        meaning: "How far the torso points up: 1 upright, 0 on its side, -1 upside down."),
      Field(
        "angular_velocity", shape: [3], unit: "rad/s", meaning: "Angular velocity of the torso about its own x, y, z "
          + "axes."),
    ] + Field.joints(joints, named: names)
  }
}
