import Basics
import CMuJoCo

/// One thread's MuJoCo simulator. A state is loaded into it, advanced and stored again.
final class Simulation {
  let model: MuJoCoModel
  let data: UnsafeMutablePointer<mjData>
  /// `qpos` and `qvel`: generalised positions [nq] and velocities [nv].
  let position: UnsafeMutablePointer<Double>
  let velocity: UnsafeMutablePointer<Double>

  /// - Throws: `GuerdonError` when there is no memory for it.
  init(_ model: MuJoCoModel) throws {
    guard let data = mj_makeData(model.pointer), let position = data.pointee.qpos, let velocity = data.pointee.qvel
    else { throw GuerdonError.failure("There is not enough memory for a MuJoCo simulation.") }
    (self.model, self.data, self.position, self.velocity) = (model, data, position, velocity)
  }

  deinit { mj_deleteData(data) }

  /// Applies `control` and takes `steps` physics steps.
  func advance(_ control: UnsafePointer<Double>, steps: Int) {
    cmujoco_advance(model.pointer, data, control, Int32(steps))
  }

  /// Computes everything that follows from the state (`mj_forward`).
  func forward() { mj_forward(model.pointer, data) }

  /// Computes the external forces on the bodies.
  func computeContactForces() { mj_rnePostConstraint(model.pointer, data) }

  /// `cfrc_ext`: torque and force on every body, the world first, in N·m and N [nbody, 6].
  var contactForces: UnsafePointer<Double> { UnsafePointer(data.pointee.cfrc_ext) }
  var squaredContactForces: Double { squaredNorm(contactForces, 6 * model.bodyCount) }

  /// `ctrl`: what the actuators were told last [nu].
  var control: UnsafePointer<Double> { UnsafePointer(data.pointee.ctrl) }

  /// Where all bodies' centre of mass stands over the plane, in metres.
  var centreOfMass: (x: Double, y: Double) {
    let mass = model.pointer.pointee.body_mass, centre = data.pointee.xipos
    guard let mass, let centre else { return (0, 0) }
    var (x, y, total) = (0.0, 0.0, 0.0)
    for body in 0..<model.bodyCount {
      x += mass[body] * centre[3 * body]
      y += mass[body] * centre[3 * body + 1]
      total += mass[body]
    }
    return (x / total, y / total)
  }

  var isFinite: Bool {
    (0..<model.positionCount).allSatisfy { position[$0].isFinite }
      && (0..<model.velocityCount).allSatisfy { velocity[$0].isFinite }
  }

  /// Brings positions of bodies and geoms up to date with `position`; after a step they lag one physics step behind.
  func updateKinematics() { mj_kinematics(model.pointer, data) }

  /// Position of a body's frame in the world, in metres [3].
  func bodyPosition(_ body: Int) -> UnsafePointer<Double> { UnsafePointer(data.pointee.xpos + 3 * body) }
  /// Position of a geom's centre in the world, in metres [3].
  func geomPosition(_ geom: Int) -> UnsafePointer<Double> { UnsafePointer(data.pointee.geom_xpos + 3 * geom) }
  /// Position of a site in the world, in metres [3].
  func sitePosition(_ site: Int) -> UnsafePointer<Double> { UnsafePointer(data.pointee.site_xpos + 3 * site) }
  func isTouching(_ geom: Int) -> Bool { cmujoco_is_touching(data, Int32(geom)) }

  /// Goes to the model's initial state, `qpos0` and rest.
  func rewind() { mj_resetData(model.pointer, data) }

  /// Adds uniform noise in [-scale, scale) to all positions.
  func perturbPositions(uniformly scale: Double, _ random: inout RandomGenerator) {
    for k in 0..<model.positionCount { position[k] += random.uniform(-scale, scale) }
  }

  /// Adds uniform noise in [-scale, scale) to all velocities.
  func perturbVelocities(uniformly scale: Double, _ random: inout RandomGenerator) {
    for k in 0..<model.velocityCount { velocity[k] += random.uniform(-scale, scale) }
  }

  /// Adds Gaussian noise of standard deviation `scale` to all velocities.
  func perturbVelocities(normally scale: Double, _ random: inout RandomGenerator) {
    for k in 0..<model.velocityCount { velocity[k] += scale * random.normal() }
  }

  /// Numbers in a state: time, qpos, qvel, act, qacc_warmstart.
  static func stateWidth(of model: MuJoCoModel) -> Int {
    1 + model.positionCount + 2 * model.velocityCount + model.activationCount
  }

  func load(_ state: UnsafePointer<Double>) {
    data.pointee.time = state[0]
    var from = state + 1
    func read(_ part: UnsafeMutablePointer<Double>?, _ count: Int) {
      part?.update(from: from, count: count)
      from += count
    }
    read(position, model.positionCount)
    read(velocity, model.velocityCount)
    read(data.pointee.act, model.activationCount)
    read(data.pointee.qacc_warmstart, model.velocityCount)
  }

  func store(_ state: UnsafeMutablePointer<Double>) {
    state[0] = data.pointee.time
    var to = state + 1
    func write(_ part: UnsafeMutablePointer<Double>?, _ count: Int) {
      if let part { to.update(from: part, count: count) }
      to += count
    }
    write(position, model.positionCount)
    write(velocity, model.velocityCount)
    write(data.pointee.act, model.activationCount)
    write(data.pointee.qacc_warmstart, model.velocityCount)
  }
}
