import Environments
import Foundation
import TestSupport

/// The environments of Gymnasium itself; MiniGrid's, whose observations are dictionaries, have tests of their own.
let gymnasiumIDs = Environments.ids.filter { !$0.hasPrefix("MiniGrid-") }

/// Numbers that travel from Python as the base 64 of their 64-bit patterns: nothing is lost, not even NaN.
struct Numbers: Decodable {
  let values: [Double]

  init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    let data = Data(base64Encoded: text) ?? Data()
    values = data.withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
    }
  }
}

/// What Gymnasium's `SyncVectorEnv` returned over `steps` steps of random actions.
struct GymnasiumTrace: Decodable {
  var actions, initial, observations, rewards, terminated, truncated, finals: Numbers

  /// - Parameters:
  ///   - spread: actions are uniform over the action space times this.
  ///   - bad: every seventh action gets this value in its first component.
  static func record(
    _ id: String, mode: AutoresetMode, count: Int, steps: Int, seed: Int, spread: Double = 1.3, bad: String? = nil
  ) throws -> GymnasiumTrace {
    struct Request: Encodable { var id, mode: String, count, steps, seed: Int, spread: Double, bad: String? }
    return try Python.run(
      script,
      input: Request(
        id: id, mode: mode.rawValue, count: count, steps: steps, seed: seed, spread: spread, bad: bad))
  }

  private static let script = """
    import base64, json, sys, warnings
    import numpy as np, gymnasium as gym
    from gymnasium.vector import AutoresetMode, SyncVectorEnv
    warnings.filterwarnings("ignore")
    gym.logger.min_level = 100
    q = json.load(sys.stdin)
    make = lambda: gym.make(q["id"], disable_env_checker=True)
    envs = SyncVectorEnv([make] * q["count"], autoreset_mode=AutoresetMode(q["mode"]))
    space, rng = envs.single_action_space, np.random.default_rng(q["seed"] + 1000)
    if hasattr(space, "n"):
      actions = rng.integers(space.n, size=(q["steps"], q["count"]))
    else:
      scale = q["spread"] * np.asarray(space.high, dtype=np.float64)
      actions = rng.uniform(-scale, scale, size=(q["steps"], q["count"], space.shape[0]))
      if q.get("bad"): actions[::7, :, 0] = float(q["bad"])
    initial, _ = envs.reset(seed=q["seed"])
    out = dict(observations=[], rewards=[], terminated=[], truncated=[], finals=[])
    for action in actions:
      obs, reward, terminated, truncated, info = envs.step(action)
      final = np.array(obs, dtype=np.float64)
      if "final_obs" in info:
        for i in np.flatnonzero(info["_final_obs"]): final[i] = info["final_obs"][i]
      done = terminated | truncated
      if q["mode"] == "Disabled" and done.any(): obs, _ = envs.reset(options={"reset_mask": done})
      for name, value in zip(out, (obs, reward, terminated, truncated, final)): out[name].append(np.array(value))
    encode = lambda x: base64.b64encode(np.ascontiguousarray(x, dtype="<f8").tobytes()).decode()
    print(json.dumps({k: encode(v) for k, v in dict(actions=actions, initial=initial, **out).items()}))
    """
}

/// True when the two are within `tolerance`, relative to numbers above 1; NaN and infinities equal themselves.
func agree(_ ours: some Sequence<Double>, _ theirs: some Sequence<Double>, within tolerance: Double = 1e-9) -> Bool {
  zip(ours, theirs).allSatisfy { ours, theirs in
    ours == theirs || (ours.isNaN && theirs.isNaN) || abs(ours - theirs) <= tolerance * max(1, abs(theirs))
  }
}

extension VectorEnvironment {
  func step(_ actions: some Collection<Double>, recording record: TransitionBatch? = nil, at row: Int = 0) {
    Array(actions).withUnsafeBufferPointer { step($0, recording: record, at: row) }
  }
}
