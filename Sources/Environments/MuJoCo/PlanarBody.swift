import Schemas

/// What HalfCheetah, Hopper and Walker2d share: a torso that slides along x and z and pitches, and hinges after it.
extension Simulation {
  /// All positions but x, then all velocities clipped to ±limit.
  func observePlanarBody(into observation: UnsafeMutablePointer<Double>, clippingVelocities limit: Double) {
    let count = model.positionCount
    observation.update(from: position + 1, count: count - 1)
    for k in 0..<count { observation[count - 1 + k] = clip(velocity[k], -limit, limit) }
  }
}

extension RecordWriter {
  /// Appends the values of `Field.planarBody`.
  mutating func appendPlanarBody(_ simulation: Simulation, xVelocity: Double, height: Double) {
    let (position, velocity) = (simulation.position, simulation.velocity)
    let joints = simulation.model.positionCount - 3
    append(position[0])
    append(xVelocity)
    append(velocity[1])
    append(height)
    append(position[2])
    append(velocity[2])
    append(position + 3, joints)
    append(velocity + 3, joints)
  }
}

extension Field {
  static func planarBody(height: Field, angle: String, joints: Int, named names: String) -> [Field] {
    [
      .xPosition, .xVelocity(of: "the torso"),
      Field("z_velocity", unit: "m/s", meaning: "Vertical velocity of the torso, upwards positive."),
      height,
      Field("torso_angle", unit: "rad", meaning: "Pitch of the torso: \(angle)."),
      Field("torso_angular_velocity", unit: "rad/s", meaning: "Rate of torso_angle."),
    ] + Field.joints(joints, named: names)
  }

  /// Angles of hinges and their rates. Soft limits lie within ±2.8 rad; the hardest pushes exceed them by some 0.5.
  static func joints(_ count: Int, named names: String) -> [Field] {
    [
      Field("joint_angles", shape: [count], unit: "rad", low: -4, high: 4, meaning: "\(names)."),
      Field("joint_velocities", shape: [count], unit: "rad/s", meaning: "Rates of joint_angles."),
    ]
  }
}
