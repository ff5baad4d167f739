import Basics
import Environments
import Foundation
import TestSupport
import Testing

/// Step for step what Python's `minigrid` returns.
@Suite struct MiniGridTests {
  /// What one environment of Python's returned; `quantities` are the agent's x, y and direction, the numbers of the
  /// object and color it carries, and those of the object, color and state before it.
  struct Trace: Decodable {
    var actions, initial, observations, rewards, terminated, truncated, quantities: Numbers
    var missions: [String]
    var maxSteps: Int
  }

  /// The world drawn from a seed, and everything that follows from 1,000 random actions with resets in between.
  @Test func levelsEqualPython() throws {
    struct Request: Encodable { var ids: [String], steps, seed: Int }
    let ids = MiniGridLevel.all.map(\.id)
    let traces: [String: Trace] = try Python.run(
      Self.common + """
      q = json.load(sys.stdin)
      out = {}
      for id in q["ids"]:
        env = gym.make(id)
        out[id] = play(env, np.random.default_rng(5), q["steps"], q["seed"])
      print(json.dumps(out))
      """, input: Request(ids: ids, steps: 1000, seed: 21))
    for level in MiniGridLevel.all {
      let trace = try #require(traces[level.id])
      #expect(trace.maxSteps == level.spec.maxEpisodeSteps)
      let ours = try Environments.make(level.id, count: 1, seed: 21)
      try compare(ours, trace, level)
    }
    #expect(ids.count == 30)
  }

  struct Shared: Decodable {
    var encoding: [[[Int]]], agent: [Int], direction: Int, contents: [[Int]], viewSize: Int, seeThroughWalls: Bool
    var trace: Trace
  }

  /// Worlds full of every kind of object, made in Python and loaded here.
  @Test func sharedLayoutsEqualPython() throws {
    let worlds: [Shared] = try Python.run(
      Self.common + """
      from minigrid.core.grid import Grid
      from minigrid.core.mission import MissionSpace
      from minigrid.core.world_object import Ball, Box, Door, Floor, Goal, Key, Lava, Wall
      from minigrid.minigrid_env import MiniGridEnv
      class Clutter(MiniGridEnv):
        def __init__(self, rng, **kwargs):
          self.rng = rng
          super().__init__(mission_space=MissionSpace(lambda: "go"), max_steps=5000, **kwargs)
        def _gen_grid(self, width, height):
          rng, colors = self.rng, ["red", "green", "blue", "purple", "yellow", "grey"]
          self.grid = Grid(width, height)
          self.grid.wall_rect(0, 0, width, height)
          kinds = [Wall, Wall, Floor, Key, Key, Ball, lambda c: Box(c), lambda c: Box(c, Key(c)),
                   lambda c: Box(c, Ball("red")), lambda c: Door(c), lambda c: Door(c, is_open=True),
                   lambda c: Door(c, is_locked=True), lambda c: Door(c, is_locked=True)]
          for y in range(1, height - 1):
            for x in range(1, width - 1):
              if rng.random() < 0.45: self.grid.set(x, y, kinds[rng.integers(len(kinds))](colors[rng.integers(3)]))
          self.grid.set(1, 1, None)
          self.agent_pos, self.agent_dir, self.mission = (1, 1), int(rng.integers(4)), "go"
      out = []
      for k, view in enumerate([3, 5, 7, 7, 9, 11, 7, 5]):
        rng = np.random.default_rng(k)
        env = Clutter(rng, width=9 + k, height=12, agent_view_size=view, see_through_walls=k % 3 == 1)
        env.reset(seed=0)
        contents = []
        for y in range(12):
          for x in range(9 + k):
            cell = env.grid.get(x, y)
            inside = None if cell is None else cell.contains
            if inside is not None: contents.append([x, y, *map(int, inside.encode())])
        start = dict(encoding=env.grid.encode().tolist(), agent=list(map(int, env.agent_pos)), direction=env.agent_dir,
                     contents=contents, viewSize=view, seeThroughWalls=k % 3 == 1)
        out.append(dict(start, trace=play(env, rng, 1000, None)))
      print(json.dumps(out))
      """)
    for world in worlds {
      var layout = try MiniGridLayout(
        encoding: world.encoding, agent: MiniGridPosition(world.agent[0], world.agent[1]),
        direction: try #require(MiniGridDirection(rawValue: world.direction)))
      for item in world.contents {
        let object = try #require(MiniGridObject(rawValue: item[2]))
        let color = try #require(MiniGridColor(rawValue: item[3]))
        layout[item[0], item[1]] = .box(layout[item[0], item[1]].color, contents: MiniGridCell(object, color))
      }
      let level = try MiniGridLevel(
        id: "Clutter", layouts: [layout], maxSteps: 5000, viewSize: world.viewSize,
        seesThroughWalls: world.seeThroughWalls, missions: ["go"])
      try compare(level.make(count: 1), world.trace, level)
    }
    #expect(worlds.count == 8)
  }

  private func compare(_ ours: any VectorEnvironment, _ trace: Trace, _ level: MiniGridLevel) throws {
    let id = level.id, width = ours.spec.observationSpace.width
    let quantities = [
      "agent_position", "agent_direction", "carrying_object", "carrying_color", "front_object", "front_color",
      "front_state",
    ]
    let record = TransitionBatch(schema: ours.spec.schema, capacity: 1)
    func sees(_ numbers: Numbers, _ row: Int) -> Bool {
      // Python's observation has its mission as text.
      let seen = ours.observations.dropLast()
      let mission = trace.missions[numbers.values.count > width ? row + 1 : row]
      return Array(seen) == Array(numbers.values[row * (width - 1)..<(row + 1) * (width - 1)])
        && level.missions[Int(ours.observations[width - 1])] == mission
    }
    try #require(trace.initial.values.count == width - 1)
    #expect(sees(trace.initial, 0), "\(id) differs from minigrid at the start")
    for t in 0..<trace.actions.values.count {
      ours.step([trace.actions.values[t]], recording: record)
      try #require(
        ours.rewards[0] == trace.rewards.values[t] && ours.terminated[0] == (trace.terminated.values[t] == 1)
          && ours.truncated[0] == (trace.truncated.values[t] == 1), "\(id) differs from minigrid in step \(t)")
      let measured = quantities.flatMap { record.values(of: $0, 0) }
      let expected = Array(trace.quantities.values[8 * t..<8 * t + 8])
      try #require(measured == expected, "\(id): \(measured) instead of \(expected) in step \(t)")
      if t % 150 == 149 && level.id != "Clutter" { ours.reset(seed: nil) }
      try #require(sees(trace.observations, t), "\(id) is seen differently than in minigrid in step \(t)")
    }
  }

  /// Plays random actions, starting anew after an end and, in seeded levels, after every 150 steps.
  private static let common = """
    import base64, json, os, sys, warnings
    os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
    warnings.filterwarnings("ignore")
    import numpy as np, gymnasium as gym, minigrid
    from minigrid.core.constants import OBJECT_TO_IDX, COLOR_TO_IDX
    encode = lambda x: base64.b64encode(np.ascontiguousarray(x, dtype="<f8").tobytes()).decode()
    flat = lambda obs: np.append(obs["image"].ravel().astype(np.float64), obs["direction"])
    def play(env, rng, steps, seed):
      u = env.unwrapped
      obs = u.gen_obs() if seed is None else env.reset(seed=seed)[0]
      initial, missions = flat(obs), [obs["mission"]]
      out = dict(actions=[], observations=[], rewards=[], terminated=[], truncated=[], quantities=[])
      for t in range(steps):
        action = int(rng.choice(7, p=[0.15, 0.15, 0.35, 0.12, 0.05, 0.15, 0.03]))
        obs, reward, terminated, truncated, _ = env.step(action)
        front = u.grid.get(*u.front_pos)
        held = (1, 0) if u.carrying is None else u.carrying.encode()[:2]
        quantities = [*u.agent_pos, u.agent_dir, *held, *((1, 0, 0) if front is None else front.encode())]
        if terminated or truncated: obs, _ = env.reset()
        if seed is not None and t % 150 == 149: obs, _ = env.reset()
        missions.append(obs["mission"])
        row = (action, flat(obs), reward, terminated, truncated, quantities)
        for name, value in zip(out, row): out[name].append(value)
      numbers = {k: encode(v) for k, v in out.items()}
      return dict(numbers, initial=encode(initial), missions=missions, maxSteps=u.max_steps)

    """

  // MARK: Layouts

  private let corridor = """
    WGWGWGWGWGWG
    WG>>KYLYGGWG
    WGWGWGWGWGWG
    """

  /// Worked by hand: key, door, goal; success in step 5 of 20 pays 1 - 0.9 × 5 / 20.
  @Test func aLayoutOfTextIsPlayed() throws {
    let level = try MiniGridLevel(id: "Corridor", layouts: [MiniGridLayout(corridor)], maxSteps: 20)
    let environment = try level.make(count: 1)
    let batch = TransitionBatch(schema: level.spec.schema, capacity: 6)
    for (t, action) in [3.0, 2, 5, 2, 2].enumerated() { environment.step([action], recording: batch, at: t) }
    #expect(environment.rewards[0] == 0.775)
    #expect(environment.terminated[0] && !environment.truncated[0])
    func column(_ name: String) -> [Double] { (0..<5).map { batch.values(of: name, $0)[0] } }
    #expect(column("agent_position") == [1, 2, 2, 3, 4])
    #expect(column("picked_up") == [1, 0, 0, 0, 0])
    #expect(column("carrying_object") == [5, 5, 5, 5, 5])
    #expect(column("moved") == [0, 1, 0, 1, 1])
    #expect(column("opened_door") == [0, 0, 1, 0, 0])
    #expect(column("goal_distance") == [3, 2, 2, 1, 0])
    #expect(column("success") == [0, 0, 0, 0, 1])
    #expect(column("in_lava") == [0, 0, 0, 0, 0])
    // The shorter limit of an environment is the one that its reward knows.
    let limited = try Environments.make("MiniGrid-Empty-5x5-v0", count: 1, autoreset: .disabled, maxEpisodeSteps: 10)
    for action in [2.0, 2, 1, 2, 2] { limited.step([action]) }
    #expect(limited.rewards[0] == 1 - 0.9 * 0.5)
  }

  @Test func everyCopyMayHaveAWorldOfItsOwn() throws {
    let open = corridor.replacingOccurrences(of: "KYLY", with: "    ")
    let level = try MiniGridLevel(id: "Two", layouts: [MiniGridLayout(corridor)], maxSteps: 9, viewSize: 3)
    let environment = try level.make(count: 2)
    let random = RandomGenerator(seed: 0)
    environment.restore([
      try level.start(in: MiniGridLayout(corridor), random: random),
      try level.start(in: MiniGridLayout(open), random: random),
    ])
    for _ in 0..<3 { environment.step([2, 2]) }
    #expect(Array(environment.terminated) == [false, true])
    #expect(environment.rewards[1] == 1 - 0.9 * (3.0 / 9))
  }

  /// From corner to corner of an empty 13 × 13 room it is 24 moves (and none past a locked door).
  @Test func shortestPaths() throws {
    let between = Array(repeating: String(repeating: " ", count: 26), count: 11)
    let room = [">>"] + between + [String(repeating: " ", count: 24) + "GG"]
    #expect(try MiniGridLayout(room.joined(separator: "\n")).shortestPath == 24)
    #expect(try MiniGridLayout(corridor).shortestPath == nil)
    #expect(try MiniGridLayout(corridor.replacingOccurrences(of: "KYLY", with: "FBOY")).shortestPath == 3)
  }

  @Test(arguments: [
    ("", "0 × 0"), ("WGWG\nWG>>", "2 × 2"), ("WGWGWG\nWG  WG\nWGWGWG", "has 0"), (">>  ^^\n\n  ", "has 2"),
    ("WGWGWG\nWG>>QQ\nWGWGWG", "Row 2, column 3 of the grid is \"QQ\""),
  ])
  func mistakesInTextAreExplained(text: String, part: String) {
    let error = #expect(throws: GuerdonError.self) { try MiniGridLayout(text) }
    #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
  }

  @Test func mistakesInLevelsAreExplained() throws {
    let layout = try MiniGridLayout(corridor), other = try MiniGridLayout(corridor + "\n")
    let taller = try MiniGridLayout(corridor + "\nWG")
    #expect(other == layout)
    #expect(throws: GuerdonError.self) { try MiniGridLevel(id: "X", layouts: [], maxSteps: 9) }
    #expect(throws: GuerdonError.self) { try MiniGridLevel(id: "X", layouts: [layout, taller], maxSteps: 9) }
    #expect(throws: GuerdonError.self) { try MiniGridLevel(id: "X", layouts: [layout], maxSteps: 0) }
    #expect(throws: GuerdonError.self) { try MiniGridLevel(id: "X", layouts: [layout], maxSteps: 9, viewSize: 4) }
    let level = try MiniGridLevel(id: "X", layouts: [layout], maxSteps: 9)
    #expect(throws: GuerdonError.self) { try level.start(in: taller, random: RandomGenerator(seed: 0)) }
    #expect(throws: GuerdonError.self) { try level.make(count: 0) }
    let cells = [[[Int]]](repeating: [[Int]](repeating: [1, 0, 0], count: 3), count: 3)
    #expect(throws: GuerdonError.self) {
      try MiniGridLayout(encoding: cells, agent: MiniGridPosition(3, 0), direction: .up)
    }
    var bad = cells
    bad[1][2] = [11, 0, 0]
    #expect(throws: GuerdonError.self) {
      try MiniGridLayout(encoding: bad, agent: MiniGridPosition(0, 0), direction: .up)
    }
  }
}
