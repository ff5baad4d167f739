import Basics
import Schemas

/// A kind of MiniGrid episode: how worlds are drawn, what the agent sees of them, what it is to do and how long it may
/// take.
public struct MiniGridLevel: Sendable {
  /// What ends an episode with success, besides reaching a goal, which always does.
  public enum Task: Sendable, Hashable {
    case reachGoal
    /// Opening a door.
    case openDoor
    /// Picking up an object of this kind.
    case pickUp(MiniGridObject)
  }

  public let id: String
  public let width: Int
  public let height: Int
  /// Steps after which an episode is truncated; success after t steps pays 1 - 0.9 t / maxSteps.
  public internal(set) var maxSteps: Int
  /// Cells along the side of the agent's square view; odd. The agent stands in the middle of the near side.
  public let viewSize: Int
  public let seesThroughWalls: Bool
  public let task: Task
  /// The sentences that a layout's `mission` numbers.
  public let missions: [String]
  let build: @Sendable (inout MiniGridBuilder) -> Void

  init(
    id: String, width: Int, height: Int, maxSteps: Int, viewSize: Int = 7, seesThroughWalls: Bool = false,
    task: Task = .reachGoal, missions: [String], build: @escaping @Sendable (inout MiniGridBuilder) -> Void
  ) {
    (self.id, self.width, self.height) = (id, width, height)
    (self.maxSteps, self.viewSize, self.seesThroughWalls) = (maxSteps, viewSize, seesThroughWalls)
    (self.task, self.missions, self.build) = (task, missions, build)
  }

  /// A level whose episodes begin in one of `layouts`, drawn at random.
  /// - Throws: `GuerdonError` without layouts, for layouts of unequal size or with a mission that is not in `missions`,
  ///   for an even view or one outside 3...31, and for a limit outside 1...65536.
  public init(
    id: String, layouts: [MiniGridLayout], maxSteps: Int, viewSize: Int = 7, seesThroughWalls: Bool = false,
    task: Task = .reachGoal, missions: [String] = ["reach the goal"]
  ) throws {
    guard let first = layouts.first else { throw GuerdonError.usage("The level \(id) has no layouts.") }
    for layout in layouts {
      guard layout.width == first.width, layout.height == first.height else {
        throw GuerdonError.usage(
          "The layouts of \(id) have different sizes: \(first.width) × \(first.height) and \(layout.width) × "
            + "\(layout.height).")
      }
      guard missions.indices.contains(layout.mission) else {
        throw GuerdonError.usage("A layout of \(id) has mission \(layout.mission) of \(missions.count).")
      }
    }
    guard (3...31).contains(viewSize), viewSize % 2 == 1 else {
      throw GuerdonError.usage("The agent's view in \(id) is \(viewSize) cells wide; it must be odd, from 3 to 31.")
    }
    guard (1...65536).contains(maxSteps) else {
      throw GuerdonError.usage("An episode of \(id) cannot be limited to \(maxSteps) steps; give 1 to 65536.")
    }
    self.init(
      id: id, width: first.width, height: first.height, maxSteps: maxSteps, viewSize: viewSize,
      seesThroughWalls: seesThroughWalls, task: task, missions: missions
    ) { builder in
      builder.layout = layouts[builder.integer(in: layouts.indices)]
    }
  }

  /// Draws a world.
  public func layout(_ random: inout RandomGenerator) -> MiniGridLayout {
    var builder = MiniGridBuilder(width: width, height: height, random: random)
    build(&builder)
    random = builder.random
    return builder.layout
  }

  /// Makes `count` copies of this level, already reset; parameters as in `Environments.make`.
  /// - Throws: `GuerdonError` for a count outside 1...65536.
  public func make(
    count: Int, pool: WorkerPool = WorkerPool(threads: 1), autoreset: AutoresetMode = .sameStep, seed: UInt64 = 0
  ) throws -> any VectorEnvironment {
    guard (1...1 << 16).contains(count) else {
      throw GuerdonError.usage("\(count) copies of \(id) were asked for; make 1 to 65536.")
    }
    return try NativeVectorEnvironment(
      MiniGridDynamics(self), spec: spec, count: count, pool: pool, autoreset: autoreset, seed: seed)
  }

  /// The state at the beginning of an episode in `layout`, for `VectorEnvironment.restore`: so each copy of a level can
  /// be given a world of its own, such as one that an adversary built.
  /// - Throws: `GuerdonError` when the layout has another size than the level or an unknown mission.
  public func start(in layout: MiniGridLayout, random: RandomGenerator) throws -> EnvironmentState {
    guard layout.width == width, layout.height == height, missions.indices.contains(layout.mission) else {
      throw GuerdonError.usage(
        "A layout of \(layout.width) × \(layout.height) cells and mission \(layout.mission) does not belong to \(id): "
          + "\(width) × \(height) cells, \(missions.count) missions.")
    }
    let rules = MiniGridDynamics(self)
    let size = rules.stateWidth
    let physics = [Double](unsafeUninitializedCapacity: size + observationWidth) { buffer, used in
      buffer.initialize(repeating: 0)
      if let base = buffer.baseAddress {
        rules.begin(layout, state: base, observation: base + size, in: rules.makeWorkspace())
      }
      used = size + observationWidth
    }
    return EnvironmentState(physics: physics, steps: 0, hasEnded: false, random: random)
  }

  /// The image, the direction and the mission.
  var observationWidth: Int { 3 * viewSize * viewSize + 2 }
}
