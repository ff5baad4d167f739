import Basics
import CMuJoCo
import Foundation

/// A compiled MuJoCo model, shared by all threads and never changed.
final class MuJoCoModel: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<mjModel>

  /// Compiles one of Gymnasium's model files.
  /// - Throws: `GuerdonError` when set-up has not fetched it or MuJoCo refuses it.
  init(file: String) throws {
    guard let folder = Dependencies.directory?.appendingPathComponent("assets"),
      FileManager.default.fileExists(atPath: folder.appendingPathComponent(file).path)
    else {
      throw GuerdonError.failure("The MuJoCo model \(file) is not in .deps/assets: run `make setup` to fetch it.")
    }
    cmujoco_silence_warnings()
    var reason = [CChar](repeating: 0, count: 1000)
    guard let model = mj_loadXML(folder.appendingPathComponent(file).path, nil, &reason, Int32(reason.count)) else {
      let reason = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw GuerdonError.failure("MuJoCo cannot load \(file): \(reason). Run `make setup` to fetch it again.")
    }
    pointer = model
  }

  deinit { mj_deleteModel(pointer) }

  var positionCount: Int { Int(pointer.pointee.nq) }
  var velocityCount: Int { Int(pointer.pointee.nv) }
  var activationCount: Int { Int(pointer.pointee.na) }
  var actuatorCount: Int { Int(pointer.pointee.nu) }
  var bodyCount: Int { Int(pointer.pointee.nbody) }
  /// Length of a physics step in seconds.
  var timeStep: Double { pointer.pointee.opt.timestep }

  /// The number of the body called `name`; the model files are fixed, so a missing one is a programming error.
  func body(_ name: String) -> Int { number(mjOBJ_BODY, name) }
  /// The number of the geom called `name`.
  func geom(_ name: String) -> Int { number(mjOBJ_GEOM, name) }

  /// Position of a body's frame in its parent's, in metres [3].
  func bodyOffset(_ body: Int) -> UnsafePointer<Double> { UnsafePointer(pointer.pointee.body_pos + 3 * body) }

  private func number(_ kind: mjtObj, _ name: String) -> Int {
    let number = Int(mj_name2id(pointer, Int32(kind.rawValue), name))
    precondition(number >= 0, "the model has nothing called \(name)")
    return number
  }
}
