import Basics
import Environments
import Schemas
import TestSupport
import Testing

@Suite struct SpecTests {
  struct Described: Decodable {
    var low, high, actionLow, actionHigh: Numbers
    var actions, observations, steps: Int?
  }

  @Test(arguments: gymnasiumIDs) func equalsGymnasium(id: String) throws {
    let theirs: Described = try Python.run(
      """
      import base64, json, sys, numpy as np, gymnasium as gym
      id = json.load(sys.stdin)
      env = gym.make(id)
      encode = lambda x: base64.b64encode(np.asarray(x, dtype="<f8").tobytes()).decode()
      o, a = env.observation_space, env.action_space
      discrete, numbered = isinstance(a, gym.spaces.Discrete), isinstance(o, gym.spaces.Discrete)
      print(json.dumps(dict(
        low=encode([] if numbered else o.low), high=encode([] if numbered else o.high),
        observations=int(o.n) if numbered else None, actionLow=encode([] if discrete else a.low),
        actionHigh=encode([] if discrete else a.high), actions=int(a.n) if discrete else None,
        steps=env.spec.max_episode_steps)))
      """, input: id)
    let ours = try Environments.spec(id)
    #expect(ours.id == id)
    // Where Gymnasium has no limit, ours is the largest there can be.
    #expect(ours.maxEpisodeSteps == theirs.steps ?? 1 << 16)
    switch ours.observationSpace {
    case .discrete(let count): #expect(count == theirs.observations)
    case .box(let low, let high): #expect(low == theirs.low.values && high == theirs.high.values)
    }
    switch ours.actionSpace {
    case .discrete(let count): #expect(count == theirs.actions)
    case .box(let low, let high):
      // Gymnasium rounds MuJoCo's control ranges to single precision.
      #expect(low.map { Double(Float($0)) } == theirs.actionLow.values)
      #expect(high.map { Double(Float($0)) } == theirs.actionHigh.values)
    }
  }

  @Test(arguments: Environments.ids) func fieldsAreDocumented(id: String) throws {
    let schema = try Environments.spec(id).schema
    #expect(schema.environment == id)
    #expect(Set(schema.fields.map(\.name)).count == schema.fields.count)
    for name in ["obs", "next_obs", "action", "step", "terminated"] { #expect(schema[name] != nil) }
    for field in schema.fields {
      #expect(field.meaning.hasSuffix(".") && !field.meaning.contains("\n"), "\(field.name)")
      #expect(field.low <= field.high && !field.unit.isEmpty, "\(field.name)")
    }
  }

  @Test func mistakesAreExplained() throws {
    let unknown = #expect(throws: GuerdonError.self) { try Environments.spec("HalfCheeta-v5") }
    #expect(unknown?.message == "There is no environment \"HalfCheeta-v5\". Did you mean \"HalfCheetah-v5\"?")
    #expect(unknown?.kind == .usage)
    for count in [Int.min, 0, 1 << 40] {
      #expect(throws: GuerdonError.self) { try Environments.make("Hopper-v5", count: count) }
    }
  }
}
