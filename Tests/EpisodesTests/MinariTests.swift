import Basics
import Environments
import Foundation
import Schemas
import TestSupport
import Testing

@testable import Episodes

/// Datasets that Python's `minari` reads, and those that it writes.
@Suite struct MinariTests {
  private let root = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(UUID().uuidString)")

  private static let common = """
    import json, os, sys, warnings
    q = json.load(sys.stdin)
    os.environ["MINARI_DATASETS_PATH"] = q["root"]
    import numpy as np, gymnasium as gym, minari
    from gymnasium import spaces
    from minari.data_collector.episode_buffer import EpisodeBuffer
    def plain(x):
      if isinstance(x, dict): return {k: plain(v) for k, v in x.items()}
      if isinstance(x, list) and isinstance(x[0], str): return dict(dtype="text", shape=[len(x)], values=[], texts=x)
      if isinstance(x, tuple): return {f"_index_{i}": plain(v) for i, v in enumerate(x)}
      x = np.asarray(x)
      return dict(dtype=str(x.dtype), shape=list(x.shape), values=x.astype(float).ravel().tolist(), texts=[])
    def paths(x, prefix=""):
      if "dtype" in x: return {prefix: x}
      return {k: v for key, value in x.items() for k, v in paths(value, prefix + "/" + key).items()}

    """

  private struct Request: Encodable { var root: String, id = "" }
  private struct Column: Decodable { var dtype: String, shape: [Int], values: [Double], texts: [String] }
  private struct Read: Decodable { var columns: [String: Column], seed: Int? }

  private static let dump = """
    def dump(e, seed):
      columns = paths(plain(dict(observations=e.observations, actions=e.actions, rewards=e.rewards,
        terminations=e.terminations, truncations=e.truncations, infos=e.infos)))
      return dict(columns=columns, seed=seed)

    """

  private let spaces: (observation: MinariSpace, action: MinariSpace) = (
    .dictionary([
      "camera": .box(
        dtype: "uint8", shape: [40, 33, 3], low: Array(repeating: 0, count: 3960),
        high: Array(repeating: 255, count: 3960)),
      "joints": .box(dtype: "float32", shape: [3], low: [-1, -.infinity, 0], high: [1, .infinity, 2]),
      "inner": .dictionary([
        "word": .text(minLength: 0, maxLength: 20, characters: "abcü \""), "room": .discrete(4, start: 0),
      ]),
    ]),
    .tuple([.discrete(3, start: 0), .box(dtype: "float64", shape: [2, 2], low: [-1, -1, -1, -1], high: [1, 1, 1, 1])])
  )

  private func sample(_ steps: Int, seed: UInt64) throws -> Episode {
    var random = RandomGenerator(seed: seed)
    func list<T>(_ count: Int, _ draw: (inout RandomGenerator) -> T) -> [T] { (0..<count).map { _ in draw(&random) } }
    let pixels = list((steps + 1) * 3960) { UInt8($0.integer(below: 256)) }
    let observations = EpisodeValue.dictionary([
      "camera": .column(try EpisodeColumn(.uint8(pixels), shape: [40, 33, 3])),
      "joints": .column(try EpisodeColumn(.float32(list((steps + 1) * 3) { Float($0.normal()) }), shape: [3])),
      "inner": .dictionary([
        "word": .column(try EpisodeColumn(.text(list(steps + 1) { ["", "abc", "ü \"a"][$0.integer(below: 3)] }))),
        "room": .column(try EpisodeColumn(.int64(list(steps + 1) { Int64($0.integer(below: 4)) }))),
      ]),
    ])
    let actions = EpisodeValue.tuple([
      .column(try EpisodeColumn(.int64(list(steps) { Int64($0.integer(below: 3)) }))),
      .column(try EpisodeColumn(.float64(list(steps * 4) { $0.uniform(-1, 1) }), shape: [2, 2])),
    ])
    return Episode(
      observations: observations, actions: actions, rewards: list(steps) { $0.normal() },
      terminations: (1...steps).map { $0 == steps }, truncations: Array(repeating: false, count: steps),
      infos: [
        "healthy": .column(try EpisodeColumn(.bool(list(steps) { $0.uniform() < 0.5 }))),
        "pose": .dictionary(["x": .column(try EpisodeColumn(.float64(list(steps) { $0.normal() })))]),
      ], seed: seed == 1 ? nil : Int64(seed))
  }

  @Test func pythonReadsWhatIsWritten() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    var metadata = MinariMetadata(
      id: "guerdon/test/mixed-v2", observationSpace: spaces.observation, actionSpace: spaces.action)
    (metadata.authors, metadata.description) = (["A. Nyone"], "Everything at once")
    let episodes = [try sample(5, seed: 1), try sample(9, seed: 2)]
    let folder = try MinariWriter.write(episodes, metadata, root: root)
    #expect(folder.path == root.path + "/guerdon/test/mixed-v2")

    struct Answer: Decodable { var episodes: [Read], steps, appended: Int, listed, author: [String], contains: Bool }
    let answer: Answer = try Python.run(
      Self.common + Self.dump + """
      with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = minari.load_dataset("guerdon/test/mixed-v2")
        listed = list(minari.list_local_datasets())
      es = list(dataset.iterate_episodes())
      meta = list(dataset.storage.get_episode_metadata(range(2)))
      words = es[0].observations["inner"]["word"]
      inside = all(dataset.action_space.contains((int(a), b)) for e in es for a, b in zip(*e.actions))
      inside = inside and dataset.observation_space["joints"] == spaces.Box(
        np.float32([-1, -np.inf, 0]), np.float32([1, np.inf, 2]), dtype=np.float32)
      inside = inside and repr(es[0]).startswith("EpisodeData(id=0, total_steps=5")
      out = dict(episodes=[dump(e, m.get("seed")) for e, m in zip(es, meta)], steps=dataset.total_steps, listed=listed,
                 author=sorted(dataset.storage.metadata["author"]), contains=bool(inside))
      e = es[1]
      dataset.update_dataset_from_buffer([EpisodeBuffer(
        seed=9, observations=e.observations, actions=e.actions, rewards=e.rewards, terminations=e.terminations,
        truncations=e.truncations, infos=e.infos)])
      print(json.dumps(dict(out, appended=minari.load_dataset("guerdon/test/mixed-v2").total_episodes)))
      """, input: Request(root: root.path))
    #expect(answer.steps == 14 && answer.listed == ["guerdon/test/mixed-v2"] && answer.author == ["A. Nyone"])
    #expect(answer.contains && answer.appended == 3)
    for (ours, theirs) in zip(episodes, answer.episodes) { try compare(ours, theirs) }

    // And back, with what Python appended.
    let dataset = try MinariDataset("guerdon/test/mixed-v2", root: root)
    #expect(dataset.metadata == metadata && dataset.count == 3 && dataset.stepCount == 23)
    let read = try dataset.episodes()
    #expect(Array(read[..<2]) == episodes)
    #expect(try dataset.episode(1) == episodes[1])
    #expect(read[2].observations == episodes[1].observations && read[2].seed == 9)
  }

  private func compare(_ ours: Episode, _ theirs: Read) throws {
    let whole = EpisodeValue.dictionary([
      "observations": ours.observations, "actions": ours.actions,
      "rewards": .column(try EpisodeColumn(.float64(ours.rewards))),
      "terminations": .column(try EpisodeColumn(.bool(ours.terminations))),
      "truncations": .column(try EpisodeColumn(.bool(ours.truncations))), "infos": .dictionary(ours.infos),
    ])
    #expect(theirs.seed == ours.seed.map { Int($0) })
    #expect(Set(theirs.columns.keys) == Set(whole.columns.map { "/" + $0.path }))
    for (path, column) in whole.columns {
      let read = try #require(theirs.columns["/" + path])
      #expect(read.shape == [column.count] + column.shape, "\(path)")
      // The cases are called as numpy's types.
      #expect("\(column.values)".prefix { $0 != "(" } == read.dtype, "\(path)")
      if case .text(let texts) = column.values {
        #expect(texts == read.texts)
      } else {
        #expect(column.numbers == read.values)
      }
    }
  }

  @Test func whatPythonWritesIsRead() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    let answer: [Read] = try Python.run(
      Self.common + Self.dump + """
      warnings.filterwarnings("ignore")
      rng = np.random.default_rng(0)
      space = spaces.Dict(dict(
        image=spaces.Box(0, 255, (34, 36, 3), np.uint8), grid=spaces.MultiBinary((2, 3)),
        counts=spaces.MultiDiscrete([4, 5]),
        pair=spaces.Tuple((spaces.Discrete(3), spaces.Box(-np.inf, np.inf, (2,), np.float32)))))
      action = spaces.Box(-1, 1, (2,), np.float32)
      space.seed(1); action.seed(2)
      def stack(values, kind):
        if isinstance(kind, spaces.Dict): return {k: stack([v[k] for v in values], s) for k, s in kind.items()}
        if isinstance(kind, spaces.Tuple): return tuple(stack([v[i] for v in values], s) for i, s in enumerate(kind))
        return np.stack(values)
      buffers = []
      for steps in (3, 6):
        buffers.append(EpisodeBuffer(
          seed=steps, observations=stack([space.sample() for _ in range(steps + 1)], space),
          actions=np.stack([action.sample() for _ in range(steps)]), rewards=rng.normal(size=steps).tolist(),
          terminations=[False] * steps, truncations=[False] * (steps - 1) + [True],
          infos=dict(score=rng.normal(size=steps + 1), note=dict(step=np.arange(steps + 1)))))
      d = minari.create_dataset_from_buffers("theirs-v0", buffers, observation_space=space, action_space=action,
        author="B", algorithm_name="random", requirements=["gymnasium>=1"], jpeg_encoding=False)
      minari.create_dataset_from_buffers("jpeg-v0", buffers, observation_space=space, action_space=action)
      print(json.dumps([dump(e, int(e.id) * 3 + 3) for e in d.iterate_episodes()]))
      """, input: Request(root: root.path))
    let dataset = try MinariDataset("theirs-v0", root: root)
    #expect(dataset.metadata.authors == ["B"] && dataset.metadata.algorithm == "random")
    #expect(dataset.metadata.requirements == ["gymnasium>=1"])
    #expect(dataset.metadata.actionSpace == .box(dtype: "float32", shape: [2], low: [-1, -1], high: [1, 1]))
    let episodes = try dataset.episodes()
    #expect(episodes.count == 2 && episodes[0].isTruncated && !episodes[0].isTerminated)
    for (ours, theirs) in zip(episodes, answer) {
      // Python's MultiBinary is of a type that is wider here.
      var theirs = theirs
      theirs.columns["/observations/grid"]?.dtype = "int64"
      try compare(ours, theirs)
    }
    let error = #expect(throws: GuerdonError.self) { try MinariDataset("jpeg-v0", root: root) }
    #expect(error?.message.contains("jpeg_encoding=False") == true)
  }

  /// Python replays what was recorded here: from the seeds and the actions follow the observations and rewards.
  @Test(arguments: [("CartPole-v1", AutoresetMode.sameStep), ("Hopper-v5", .nextStep)])
  func recordedEpisodesAreReplayed(id: String, mode: AutoresetMode) throws {
    defer { try? FileManager.default.removeItem(at: root) }
    let environment = try Environments.make(id, count: 3, autoreset: mode)
    var random = RandomGenerator(seed: 4)
    let episodes = try EpisodeRecorder.record(environment, count: 7, seed: 30, infos: ["step"]) { observations in
      #expect(observations.count == 3 * environment.spec.observationSpace.width)
      return (0..<3).flatMap { _ -> [Double] in
        switch environment.spec.actionSpace {
        case .discrete(let count): [Double(random.integer(below: count))]
        case .box(let low, let high): zip(low, high).map { random.uniform($0, $1) }
        }
      }
    }
    // Three, two and two, each copy's first with its seed.
    #expect(episodes.map(\.seed) == [30, nil, nil, 31, nil, 32, nil])
    for episode in episodes {
      #expect(episode.terminations.dropLast().allSatisfy { !$0 } && (episode.isTerminated || episode.isTruncated))
      #expect(episode.infos["step"]?.column?.numbers == (1...episode.count).map(Double.init))
    }
    let metadata = MinariMetadata(
      id: "replay-v0", observationSpace: MinariSpace(environment.spec.observationSpace),
      actionSpace: MinariSpace(environment.spec.actionSpace))
    try MinariWriter.write(episodes, metadata, root: root)
    struct Answer: Decodable { var error: Double, steps: Int }
    let answer: Answer = try Python.run(
      Self.common + """
      error, steps = 0.0, 0
      dataset = minari.load_dataset("replay-v0")
      seeds = [m.get("seed") for m in dataset.storage.get_episode_metadata(range(7))]
      env = gym.make(q["id"])
      for e, seed in zip(dataset.iterate_episodes(), seeds):
        obs, _ = env.reset(seed=seed)
        seen, rewards, ends = [obs], [], []
        for action in e.actions:
          obs, reward, terminated, truncated, _ = env.step(action)
          seen.append(obs); rewards.append(reward); ends.append((terminated, truncated))
        assert ends == list(zip(e.terminations.tolist(), e.truncations.tolist()))
        error = max(error, np.abs(np.array(seen) - e.observations).max(), np.abs(np.array(rewards) - e.rewards).max())
        steps += len(e)
      print(json.dumps(dict(error=float(error), steps=steps)))
      """, input: Request(root: root.path, id: id))
    #expect(answer.steps == episodes.map(\.count).reduce(0, +))
    #expect(answer.error < 1e-9)
  }

  @Test func mistakesAreExplained() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    var metadata = MinariMetadata(id: "x-v0", observationSpace: spaces.observation, actionSpace: spaces.action)
    let episode = try sample(4, seed: 3)
    for id in ["", "x", "../x-v0", "a//x-v0", "x-v", "x-vone", "/x-v0", "a.b/x-v0"] {
      metadata.id = id
      #expect(throws: GuerdonError.self) { try MinariWriter(metadata, root: root) }
      #expect(throws: GuerdonError.self) { try MinariDataset(id, root: root) }
    }
    metadata.id = "x-v0"
    do {
      let writer = try MinariWriter(metadata, root: root)
      var bad = episode
      bad.rewards.removeLast()
      #expect(throws: GuerdonError.self) { try writer.append(bad) }
      bad = episode
      bad.observations = .dictionary([:])
      let error = #expect(throws: GuerdonError.self) { try writer.append(bad) }
      #expect(error?.message.contains("camera, inner, joints") == true)
      bad = episode
      bad.actions = .tuple([.column(try EpisodeColumn(.float64([1, 2, 3, 4])))])
      #expect(throws: GuerdonError.self) { try writer.append(bad) }
      bad = episode
      bad.infos["a/b"] = bad.infos["healthy"]
      #expect(throws: GuerdonError.self) { try writer.append(bad) }
    }
    // A writer that did not finish leaves nothing.
    #expect(try FileManager.default.contentsOfDirectory(atPath: root.path) == [])
    try MinariWriter.write([episode], metadata, root: root)
    #expect(throws: GuerdonError.self) { try MinariWriter(metadata, root: root) }
    let dataset = try MinariDataset("x-v0", root: root)
    #expect(throws: GuerdonError.self) { try dataset.episode(1) }
    #expect(throws: GuerdonError.self) { try dataset.episode(-1) }
    #expect(throws: GuerdonError.self) { try EpisodeColumn(.float64([1, 2, 3]), shape: [2]) }
    let environment = try Environments.make("CartPole-v1", count: 1)
    #expect(throws: GuerdonError.self) {
      try EpisodeRecorder.record(environment, count: 1, seed: 0, infos: ["cart_positio"]) { _ in [0] }
    }
    #expect(throws: GuerdonError.self) { try EpisodeRecorder.record(environment, count: 1, seed: 0) { _ in [0, 1] } }
  }
}
