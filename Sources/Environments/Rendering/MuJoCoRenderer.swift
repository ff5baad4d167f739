import Basics
import CMuJoCo
import Foundation

/// Draws states of a MuJoCo environment, without a screen.
///
/// OpenGL comes from OSMesa (in software) or EGL; `MUJOCO_GL=osmesa` or `egl` chooses one, as for MuJoCo's Python
/// package. A renderer belongs to one caller at a time.
public final class MuJoCoRenderer {
  /// Where the picture is taken from.
  public enum Camera: Sendable, Hashable {
    /// The model's camera called "track", which follows the body; the whole scene where there is none.
    case automatic
    /// A camera of the model.
    case named(String)
    /// From the side, turning with nothing, at a distance in metres from a body.
    case following(body: String, distance: Double)
    /// MuJoCo's free camera: the whole scene.
    case free
  }

  public let width: Int
  public let height: Int
  /// Seconds between two states of an episode.
  public let stepDuration: Double

  private let id: String
  private let simulation: Simulation
  private let window: OffscreenContext
  private let scene = UnsafeMutablePointer<mjvScene>.allocate(capacity: 1)
  private let context = UnsafeMutablePointer<mjrContext>.allocate(capacity: 1)
  private var option = mjvOption()
  private var perturbation = mjvPerturb()
  private var camera = mjvCamera()

  /// - Parameters:
  ///   - id: a MuJoCo environment's, for example "HalfCheetah-v5".
  ///   - shadows: false leaves out shadows and reflections, and takes about a third of the time.
  /// - Throws: `GuerdonError` when the environment is not one of MuJoCo's, its model is missing, the camera or body
  ///   does not exist, a side is outside 16...4096, or there is no OpenGL library.
  public init(
    _ id: String, width: Int = 480, height: Int = 360, camera: Camera = .automatic, shadows: Bool = true
  ) throws {
    guard let task = Environments.mujocoTasks.first(where: { $0.spec.id == id }) else {
      let ids = Environments.mujocoTasks.map { $0.spec.id }.sorted()
      throw GuerdonError.usage(
        "\(id) cannot be drawn: it is none of MuJoCo's environments (\(ids.joined(separator: ", "))).")
    }
    guard (16...4096).contains(width), (16...4096).contains(height) else {
      throw GuerdonError.usage("A picture of \(width) × \(height) pixels was asked for; its sides take 16 to 4096.")
    }
    (self.id, self.width, self.height) = (id, width, height)
    let model = try MuJoCoModel(file: task.modelFile)
    simulation = try Simulation(model)
    stepDuration = model.timeStep * Double(task.frameSkip)
    window = try OffscreenContext(width: width, height: height)
    scene.initialize(to: mjvScene())
    context.initialize(to: mjrContext())
    mjv_defaultScene(scene)
    mjr_defaultContext(context)
    mjv_defaultOption(&option)
    mjv_defaultPerturb(&perturbation)
    mjv_makeScene(model.pointer, scene, 10_000)
    if !shadows {
      withUnsafeMutableBytes(of: &scene.pointee.flags) { flags in
        flags[Int(mjRND_SHADOW.rawValue)] = 0
        flags[Int(mjRND_REFLECTION.rawValue)] = 0
      }
    }
    try point(camera, model)
    try window.use {
      var reason = [CChar](repeating: 0, count: 500)
      guard cmujoco_make_context(model.pointer, context, &reason, reason.count) else {
        let reason = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        throw GuerdonError.failure("MuJoCo cannot draw with this machine's OpenGL: \(reason). Install libosmesa6.")
      }
      mjr_resizeOffscreen(Int32(width), Int32(height), context)
      mjr_setBuffer(Int32(mjFB_OFFSCREEN.rawValue), context)
    }
  }

  deinit {
    try? window.use { mjr_freeContext(context) }
    mjv_freeScene(scene)
    scene.deallocate()
    context.deallocate()
  }

  private func point(_ wanted: Camera, _ model: MuJoCoModel) throws {
    mjv_defaultFreeCamera(model.pointer, &camera)
    func fix(on name: String) -> Bool {
      let number = mj_name2id(model.pointer, Int32(mjOBJ_CAMERA.rawValue), name)
      guard number >= 0 else { return false }
      camera.type = Int32(mjCAMERA_FIXED.rawValue)
      camera.fixedcamid = number
      return true
    }
    switch wanted {
    case .free: break
    case .automatic: _ = fix(on: "track")
    case .named(let name):
      guard fix(on: name) else { throw GuerdonError.usage("\(id) has no camera \"\(name)\"; leave it out.") }
    case .following(let body, let distance):
      let number = mj_name2id(model.pointer, Int32(mjOBJ_BODY.rawValue), body)
      guard number >= 0, distance > 0, distance.isFinite else {
        throw GuerdonError.usage("\(id) has no body \"\(body)\" to be followed at \(distance) m.")
      }
      camera.type = Int32(mjCAMERA_TRACKING.rawValue)
      camera.trackbodyid = number
      camera.distance = distance
    }
  }

  /// Draws one state, such as `VectorEnvironment.saveState` returns.
  /// - Throws: `GuerdonError` when it is no state of this environment.
  public func frame(of state: EnvironmentState) throws -> RGBImage {
    guard state.physics.count >= Simulation.stateWidth(of: simulation.model) else {
      throw GuerdonError.usage("A state of \(state.physics.count) numbers is none of \(id).")
    }
    state.physics.withUnsafeBufferPointer { if let base = $0.baseAddress { simulation.load(base) } }
    simulation.forward()
    mjv_updateScene(
      simulation.model.pointer, simulation.data, &option, &perturbation, &camera, Int32(mjCAT_ALL.rawValue), scene)
    var upsideDown = [UInt8](repeating: 0, count: 3 * width * height)
    try window.use {
      let whole = mjrRect(left: 0, bottom: 0, width: Int32(width), height: Int32(height))
      mjr_render(whole, scene, context)
      mjr_readPixels(&upsideDown, nil, whole, context)
    }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(upsideDown.count)
    for row in stride(from: height - 1, through: 0, by: -1) {
      pixels += upsideDown[3 * width * row..<3 * width * (row + 1)]
    }
    return try RGBImage(width: width, height: height, pixels: pixels)
  }

  /// Draws states one after another, at the speed of the simulation.
  /// - Parameter interval: steps between two of the states.
  public func animation(of states: some Sequence<EnvironmentState>, interval: Int = 1) throws -> AnimatedPNG {
    var film = try AnimatedPNG(framesPerSecond: 1 / (stepDuration * Double(max(1, interval))))
    for state in states { try film.append(frame(of: state)) }
    return film
  }

  /// Plays one episode and draws it.
  /// - Parameters:
  ///   - steps: where to stop if the episode goes on.
  ///   - interval: steps from one frame to the next; nil takes as many as make at most 25 frames a second.
  ///   - policy: from an observation [observationSpace.width] to an action [actionSpace.width].
  /// - Throws: `GuerdonError`, or what the policy throws.
  public func episode(
    seed: UInt64, steps: Int = 1000, interval: Int? = nil, policy: ([Double]) throws -> [Double]
  ) throws -> AnimatedPNG {
    let environment = try Environments.make(id, count: 1, autoreset: .disabled, seed: seed)
    let interval = max(1, interval ?? Int((0.04 / stepDuration).rounded(.up)))
    var film = try AnimatedPNG(framesPerSecond: 1 / (stepDuration * Double(interval)))
    try film.append(frame(of: environment.saveState()[0]))
    for step in 1...max(1, steps) {
      let action = try policy(Array(environment.observations))
      guard action.count == environment.spec.actionSpace.width else {
        throw GuerdonError.usage(
          "\(id) takes \(environment.spec.actionSpace.width) numbers as an action; the policy gave \(action.count).")
      }
      action.withUnsafeBufferPointer { environment.step($0) }
      let hasEnded = environment.terminated[0] || environment.truncated[0]
      if step % interval == 0 || hasEnded { try film.append(frame(of: environment.saveState()[0])) }
      if hasEnded { break }
    }
    return film
  }
}
