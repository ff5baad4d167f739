import Basics

/// The environments that can be made by their Gymnasium id.
///
/// An id that begins with "gym:" stands for a Python environment, which `GymnasiumEnvironment` makes:
/// "gym:minigrid:MiniGrid-Empty-8x8-v0", "gym:metaworld:Meta-World/MT1?env_name=reach-v3" (see `GymnasiumConfiguration`).
public enum Environments {
  /// All native ids, in alphabetical order.
  public static let ids: [String] = entries.keys.sorted()

  /// What the environment called `id` is. Loads no simulator; a Python environment is made for a moment.
  /// - Throws: `GuerdonError` when there is none of that id.
  public static func spec(_ id: String) throws -> EnvironmentSpec {
    if id.hasPrefix(GymnasiumConfiguration.prefix) {
      return try GymnasiumEnvironment(GymnasiumConfiguration(reading: id), count: 1).spec
    }
    return try entry(id).spec
  }

  /// Makes `count` copies of an environment, already reset.
  /// - Parameters:
  ///   - id: Gymnasium's id, for example "HalfCheetah-v5".
  ///   - pool: the threads that step them; by default the caller's alone. Python environments get as many processes.
  ///   - autoreset: when an environment whose episode ended starts the next one.
  ///   - seed: environment `i` is seeded with `seed + i`.
  ///   - maxEpisodeSteps: steps after which an episode is truncated; nil takes the environment's own limit.
  /// - Throws: `GuerdonError` for an unknown id, a count or a limit outside 1...65536, or a simulator whose files are missing.
  public static func make(
    _ id: String, count: Int, pool: WorkerPool = WorkerPool(threads: 1), autoreset: AutoresetMode = .sameStep,
    seed: UInt64 = 0, maxEpisodeSteps: Int? = nil
  ) throws -> any VectorEnvironment {
    guard (1...limit).contains(count) else {
      throw GuerdonError.usage("\(count) copies of \(id) were asked for; make 1 to \(limit).")
    }
    if id.hasPrefix(GymnasiumConfiguration.prefix) {
      var configuration = try GymnasiumConfiguration(reading: id)
      configuration.workers = pool.threads
      return try GymnasiumEnvironment(
        configuration, count: count, autoreset: autoreset, seed: seed, maxEpisodeSteps: maxEpisodeSteps)
    }
    let entry = try entry(id)
    let spec = try entry.spec.limited(to: maxEpisodeSteps)
    return try entry.make(spec, count, pool, autoreset, seed)
  }

  /// Copies of an environment that can be made at once.
  private static let limit = 1 << 16

  private struct Entry: Sendable {
    let spec: EnvironmentSpec
    let make: @Sendable (EnvironmentSpec, Int, WorkerPool, AutoresetMode, UInt64) throws -> any VectorEnvironment

    init<Rules: StochasticDynamics>(_ spec: EnvironmentSpec, _ makeRules: @escaping @Sendable () throws -> Rules) {
      self.spec = spec
      make = { try NativeVectorEnvironment(makeRules(), spec: $0, count: $1, pool: $2, autoreset: $3, seed: $4) }
    }

    init<Task: MuJoCoTask>(_ task: Task.Type) { self.init(task.spec) { try MuJoCoDynamics<Task>() } }

    /// MiniGrid's reward depends on the limit of an episode.
    init(_ level: MiniGridLevel) {
      spec = level.spec
      make = { spec, count, pool, autoreset, seed in
        var level = level
        level.maxSteps = spec.maxEpisodeSteps
        return try level.make(count: count, pool: pool, autoreset: autoreset, seed: seed)
      }
    }
  }

  private static func entry(_ id: String) throws -> Entry {
    guard let entry = entries[id] else {
      throw GuerdonError.usage("There is no environment \"\(id)\".\(suggestion(for: id, among: ids))")
    }
    return entry
  }

  /// What is simulated by MuJoCo.
  static let mujocoTasks: [any MuJoCoTask.Type] = [
    Ant.self, HalfCheetah.self, Hopper.self, Humanoid.self, HumanoidStandup.self, InvertedDoublePendulum.self,
    InvertedPendulum.self, Pusher.self, Reacher.self, Swimmer.self, Walker2d.self,
  ]

  private static let entries: [String: Entry] = {
    let entries = [
      Entry(Acrobot.spec, Acrobot.init),
      Entry(CartPole.spec, CartPole.init),
      Entry(MountainCar.spec, MountainCar.init),
      Entry(MountainCarContinuous.spec, MountainCarContinuous.init),
      Entry(Pendulum.spec, Pendulum.init),
      Entry(CliffWalking.spec(isSlippery: false)) { ToyTextDynamics(CliffWalking(isSlippery: false)) },
      Entry(CliffWalking.spec(isSlippery: true)) { ToyTextDynamics(CliffWalking(isSlippery: true)) },
      Entry(FrozenLake.small.spec) { ToyTextDynamics(FrozenLake.small) },
      Entry(FrozenLake.large.spec) { ToyTextDynamics(FrozenLake.large) },
      Entry(Taxi.spec) { ToyTextDynamics(Taxi()) },
    ]
    let all = entries + mujocoTasks.map { Entry($0) } + MiniGridLevel.all.map { Entry($0) }
    return Dictionary(uniqueKeysWithValues: all.map { ($0.spec.id, $0) })
  }()
}
