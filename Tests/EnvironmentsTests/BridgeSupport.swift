import Basics
import Environments
import Foundation
import TestSupport
import Testing

/// The folder of the tests' own Python environments.
let pythonFolder = Bundle.module.bundleURL.appendingPathComponent("Python")

/// One of `bridge_worlds.py`'s environments.
func world(_ id: String, _ arguments: [String: JSONValue] = [:], workers: Int = 1) -> GymnasiumConfiguration {
  var configuration = GymnasiumConfiguration("bridge_worlds:\(id)", arguments: arguments)
  configuration.folders = [pythonFolder]
  configuration.workers = workers
  return configuration
}

/// What Gymnasium's `SyncVectorEnv` returned over some steps of sampled actions, flattened in Python.
struct SyncVectorTrace: Decodable {
  var actions, initial, observations, rewards, terminated, truncated, finals: Numbers

  /// - Parameters:
  ///   - configuration: its `id`, `arguments`, `wrappers` and `folders`.
  ///   - isOld: the id names a class with gym's older interface.
  static func record(
    _ configuration: GymnasiumConfiguration, mode: AutoresetMode, count: Int, steps: Int, seed: Int,
    maxEpisodeSteps: Int? = nil, isOld: Bool = false
  ) throws -> SyncVectorTrace {
    struct Request: Encodable {
      var id: String, arguments: [String: JSONValue], wrappers, folders: [String], mode: String, count, steps, seed: Int
      var limit: Int?, isOld: Bool
    }
    return try Python.run(
      script,
      input: Request(
        id: configuration.id, arguments: configuration.arguments, wrappers: configuration.wrappers,
        folders: configuration.folders.map(\.path), mode: mode.rawValue, count: count, steps: steps, seed: seed,
        limit: maxEpisodeSteps, isOld: isOld),
      by: configuration.python ?? Dependencies.python)
  }

  private static let script = """
    import base64, importlib, json, sys, warnings
    q = json.load(sys.stdin)
    sys.path[:0] = q["folders"]
    import numpy as np, gymnasium as gym
    from gymnasium import spaces
    from gymnasium.vector import AutoresetMode, SyncVectorEnv
    from gymnasium.vector.utils import concatenate, create_empty_array, iterate
    warnings.filterwarnings("ignore")
    gym.logger.min_level = 100

    class Old(gym.Env):
      def __init__(self):
        module, name = q["id"].split(":")
        self.make = getattr(importlib.import_module(module), name)
        self.env = self.make(**q["arguments"])
        o, a = self.env.observation_space, self.env.action_space
        self.observation_space = spaces.Box(o.low, o.high, o.shape, o.dtype)
        self.action_space = spaces.Discrete(a.n)
      def reset(self, seed=None, options=None):
        if seed is not None: self.env = self.make(seed=seed, **q["arguments"])
        return self.env.reset(), {}
      def step(self, action):
        observation, reward, done, info = self.env.step(action)
        over = info["discount"] == 1 if "discount" in info else info["TimeLimit.truncated"]
        return observation, reward, done and not over, done and over, info

    def make():
      if q["isOld"]: return Old()
      env = gym.make(q["id"], max_episode_steps=q.get("limit"), **q["arguments"])
      for wrapper in q["wrappers"]:
        module, name = wrapper.split(":")
        env = getattr(importlib.import_module(module), name)(env)
      return env

    def flat(space, x):
      if isinstance(space, spaces.Dict): return np.concatenate([flat(s, x[k]) for k, s in space.spaces.items()])
      if isinstance(space, spaces.Tuple): return np.concatenate([flat(s, x[k]) for k, s in enumerate(space.spaces)])
      if isinstance(space, (spaces.Discrete, spaces.MultiDiscrete)): return np.ravel(x - space.start).astype(float)
      if isinstance(x, str):
        out = np.zeros(getattr(space, "max_length", 128))
        out[:len(x.encode())] = list(x.encode())
        return out
      return np.ravel(x).astype(float)

    envs = SyncVectorEnv([make] * q["count"], autoreset_mode=AutoresetMode(q["mode"]))
    seen, done = envs.single_observation_space, envs.single_action_space
    rows = lambda: np.concatenate([flat(seen, x) for x in envs._env_obs])
    done.seed(q["seed"])
    envs.reset(seed=7)
    envs.reset(seed=q["seed"])
    out = dict(actions=[], initial=[rows()], observations=[], rewards=[], terminated=[], truncated=[], finals=[])
    for _ in range(q["steps"]):
      actions = [done.sample() for _ in range(q["count"])]
      out["actions"].append(np.concatenate([flat(done, a) for a in actions]))
      batch = concatenate(done, actions, create_empty_array(done, q["count"]))
      _, reward, terminated, truncated, info = envs.step(batch)
      final = rows().reshape(q["count"], -1)
      if "final_obs" in info:
        for i in np.flatnonzero(info["_final_obs"]): final[i] = flat(seen, info["final_obs"][i])
      ended = terminated | truncated
      if q["mode"] == "Disabled" and ended.any(): envs.reset(options={"reset_mask": ended})
      for name, value in dict(
        observations=rows(), rewards=reward, terminated=terminated, truncated=truncated, finals=final).items():
        out[name].append(np.array(value))
    encode = lambda x: base64.b64encode(np.ascontiguousarray(x, dtype="<f8").tobytes()).decode()
    print(json.dumps({k: encode(v) for k, v in out.items()}))
    """
}

/// Steps the bridge beside Gymnasium's `SyncVectorEnv` with equal seeds and actions; everything is equal bit for bit.
func expectEqual(
  _ configuration: GymnasiumConfiguration, mode: AutoresetMode, count: Int = 3, steps: Int, seed: Int = 42,
  maxEpisodeSteps: Int? = nil, isOld: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let theirs = try SyncVectorTrace.record(
    configuration, mode: mode, count: count, steps: steps, seed: seed, maxEpisodeSteps: maxEpisodeSteps, isOld: isOld)
  let ours = try GymnasiumEnvironment(
    configuration, count: count, autoreset: mode, seed: 7, maxEpisodeSteps: maxEpisodeSteps)
  ours.reset(seed: UInt64(seed))
  try #require(Array(ours.observations) == theirs.initial.values, sourceLocation: sourceLocation)
  let width = ours.spec.observationSpace.width, actionWidth = ours.spec.actionSpace.width
  var episodes = 0
  for t in 0..<steps {
    let row = t * count
    ours.step(theirs.actions.values[row * actionWidth..<(row + count) * actionWidth])
    let ended = (0..<count).map { ours.terminated[$0] || ours.truncated[$0] }
    episodes += ended.count { $0 }
    var isSame =
      Array(ours.rewards) == Array(theirs.rewards.values[row..<row + count])
      && ours.terminated.map { $0 ? 1 : 0 } == Array(theirs.terminated.values[row..<row + count])
      && ours.truncated.map { $0 ? 1 : 0 } == Array(theirs.truncated.values[row..<row + count])
    for i in 0..<count where ended[i] {
      let last = mode == .sameStep ? ours.finalObservations : ours.observations
      isSame =
        isSame
        && Array(last[i * width..<(i + 1) * width])
          == Array(theirs.finals.values[(row + i) * width..<(row + i + 1) * width])
    }
    if mode == .disabled && ended.contains(true) { ours.reset(mask: ended) }
    isSame =
      isSame && Array(ours.observations) == Array(theirs.observations.values[row * width..<(row + count) * width])
    try #require(
      isSame, "\(ours.spec.id) differs from Gymnasium in step \(t); \(ours.failure?.message ?? "no failure")",
      sourceLocation: sourceLocation)
  }
  #expect(episodes >= count, "too few episodes ended to say anything about autoreset", sourceLocation: sourceLocation)
}

/// Worker processes whose environment's name contains `marker`, by their command lines.
func workers(_ marker: String) -> [pid_t] {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
  return names.compactMap(pid_t.init).filter { process in
    // A process that has ended but has not been waited for has no command line.
    guard let data = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { return false }
    let words = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    return words.contains("guerdon-bridge") && words.contains { $0.contains(marker) }
  }
}

/// How many are left when none should be, after waiting for the kernel for at most 10 seconds.
func workersLeft(_ marker: String) async throws -> Int {
  for _ in 0..<500 where !workers(marker).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
  return workers(marker).count
}
