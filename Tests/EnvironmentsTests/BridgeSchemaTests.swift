import Basics
import Environments
import Foundation
import Schemas
import Testing

/// Spaces, schemas, records, infos and states of bridged environments.
@Suite struct BridgeSchemaTests {
  @Test func everySpaceBecomesFields() throws {
    let spec = try GymnasiumEnvironment(world("AllSpaces-v0"), count: 1).spec
    let schema = spec.schema
    #expect(
      schema.fields.map(\.name) == [
        "obs", "next_obs", "action", "action_", "counts", "grid", "image", "large", "lights", "pair_0", "pair_1",
        "robot.gripper_pose", "robot.mode", "word", "step", "terminated",
      ])
    #expect(schema["image"]?.shape == [4, 5, 3] && schema["image"]?.high == 255)
    #expect(schema["grid"]?.shape == [2, 2] && schema["grid"]?.high == 5)
    #expect(schema["robot.mode"]?.shape == [] && schema["robot.mode"]?.high == 4 && schema["robot.mode"]?.low == 0)
    #expect(schema["robot.gripper_pose"]?.low == -.infinity)
    #expect(schema["word"]?.width == 12 && schema["lights"]?.width == 6)
    #expect(spec.observationSpace.width == 1 + 3 + 4 + 60 + 2 + 6 + 1 + 1 + 2 + 1 + 12)
    // both (2 + 1), choice, push (4), switches (3), whole (2), in Gymnasium's order.
    #expect(
      spec.actionSpace
        == .box(
          low: [0, 0, 0, 0, -1, -1, -1, -1, 0, 0, 0, -3, -3], high: [1, 5, 1, 3, 1, 1, 1, 1, 1, 1, 1, 3, 3]))
    #expect(spec.maxEpisodeSteps == 15)
    #expect(spec.summary == "A world with every space. What it shows depends on a seed and on all actions so far.")
    for field in schema.fields {
      #expect(field.meaning.hasSuffix(".") && !field.meaning.contains("\n") && field.low <= field.high, "\(field)")
    }
  }

  @Test func miniGridSaysWhatItsActionsAre() throws {
    let spec = try Environments.spec("gym:minigrid:MiniGrid-Empty-8x8-v0")
    #expect(spec.id == "gym:minigrid:MiniGrid-Empty-8x8-v0")
    #expect(spec.actionSpace == .discrete(7))
    #expect(spec.maxEpisodeSteps == 256)
    #expect(
      spec.schema["action"]?.meaning == "Action taken: 0 left, 1 right, 2 forward, 3 pickup, 4 drop, 5 toggle, 6 done.")
    #expect(spec.schema["image"]?.shape == [7, 7, 3])
    #expect(try GymnasiumEnvironment(world("Endless-v0"), count: 1).spec.maxEpisodeSteps == 10_000)
  }

  /// Components that are choices or whole numbers are rounded into their range.
  @Test func actionsAreRounded() throws {
    let rounded = try GymnasiumEnvironment(world("AllSpaces-v0"), count: 1, seed: 1)
    let whole = try GymnasiumEnvironment(world("AllSpaces-v0"), count: 1, seed: 1)
    rounded.step([1.4, 9, 0.6, -3, 0.5, 0.25, -0.5, 1, 0.2, 0.7, 0.9, 2.6, -7])
    whole.step([1, 5, 1, 0, 0.5, 0.25, -0.5, 1, 0, 1, 1, 3, -3])
    #expect(rounded.failure == nil && whole.failure == nil)
    #expect(Array(rounded.rewards) == Array(whole.rewards))
    let pushed = 10 * 0.25, chosen = 3.0, moved = 100.0 * -3, switched = 1000.0, both = 1e4 * 5 + 1e5
    #expect(rounded.rewards[0] == (chosen + pushed + moved + switched + both) / 7)
  }

  @Test func recordsFollowTheSteps() throws {
    let count = 3
    var configuration = world("AllSpaces-v0", workers: 2)
    configuration.info = ["sum", "odd"]
    let environment = try GymnasiumEnvironment(configuration, count: count, seed: 4)
    let spec = environment.spec, width = spec.observationSpace.width
    let batch = TransitionBatch(schema: spec.schema, capacity: count)
    let pose = try #require(spec.schema.columns(of: "robot.gripper_pose"))
    let word = try #require(spec.schema.columns(of: "word"))
    #expect(pose.upperBound < word.lowerBound)
    var random = RandomGenerator(seed: 1)
    var elapsed = [Double](repeating: 0, count: count)
    for _ in 0..<60 {
      let before = Array(environment.observations)
      let action = (0..<count).flatMap { _ in spec.actionSpace.sample(&random) }
      environment.step(action, recording: batch)
      for i in 0..<count {
        let ended = environment.terminated[i] || environment.truncated[i]
        let after = Array((ended ? environment.finalObservations : environment.observations)[i * width..<(i + 1) * width])
        elapsed[i] += 1
        #expect(batch.values(of: "obs", i) == Array(before[i * width..<(i + 1) * width]))
        #expect(batch.values(of: "next_obs", i) == after)
        #expect(batch.values(of: "action", i) == Array(action[i * 13..<(i + 1) * 13]))
        #expect(batch.values(of: "image", i) == Array(after[8..<68]))
        #expect(batch.values(of: "word", i) == Array(after[(width - 12)...]))
        #expect(batch.values(of: "sum", i)[0] / 7 == environment.rewards[i])
        let odd = batch.values(of: "odd", i)[0]
        #expect(Int(elapsed[i]) % 2 == 1 ? odd == 1 : odd.isNaN)
        #expect(batch.values(of: "step", i) == [elapsed[i]])
        #expect(batch.values(of: "terminated", i) == [environment.terminated[i] ? 1 : 0])
        if ended { elapsed[i] = 0 }
      }
    }
  }

  @Test func theResettingStepIsNoTransition() throws {
    let environment = try Environments.make("gym:CartPole-v1", count: 1, autoreset: .nextStep)
    let batch = TransitionBatch(schema: environment.spec.schema, capacity: 1)
    while !environment.terminated[0] { environment.step([1]) }
    let last = Array(environment.observations)
    environment.step([1], recording: batch)
    #expect(batch.values(of: "obs", 0) == last)
    #expect(batch.values(of: "next_obs", 0) == Array(environment.observations))
    #expect(batch.values(of: "step", 0) == [0] && environment.rewards[0] == 0)
    environment.step([1], recording: batch)
    #expect(batch.values(of: "step", 0) == [1] && environment.rewards[0] == 1)
  }

  @Test func aDescriptionSaysMore() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(UUID().uuidString)")
    try Files.createDirectory(folder)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("description.yaml")
    func spec(_ text: String) throws -> EnvironmentSpec {
      try Files.write(text, to: file)
      return try Environments.spec("gym:CartPole-v1?description=\(file.path)")
    }
    let described = try spec(
      """
      summary: A pole on a cart.
      info: [height]
      fields:
        next_obs: {meaning: "Cart and pole."}
        pole.angle: {columns: [2, 3], unit: rad, low: -0.5, high: 0.5, meaning: Angle of the pole.}
        cart: {columns: [0, 2], unit: mixed}
      """)
    #expect(described.summary == "A pole on a cart.")
    #expect(described.schema["next_obs"]?.meaning == "Cart and pole.")
    #expect(described.schema["height"]?.shape == [])
    let angle = Field("pole.angle", unit: "rad", low: -0.5, high: 0.5, meaning: "Angle of the pole.")
    #expect(described.schema["pole.angle"] == angle)
    #expect(described.schema["cart"]?.shape == [2])
    #expect(described.schema["cart"]?.meaning == "Components 0 to 1 of next_obs.")
    #expect(try spec(#"{"summary": "JSON is YAML."}"#).summary == "JSON is YAML.")

    for (text, message) in [
      ("fields: {nex_obs: {unit: m}}", "has a field \"nex_obs\", which the environment has not; give it columns. Did you mean \"next_obs\"?"),
      ("fields: {pole: {columns: [2, 9]}}", "gives \"pole\" the columns [2, 9]; give [first, last + 1] within 0 to 4."),
      ("fields: {obs: {columns: [0, 1]}}", "a name that is taken."),
      ("fields: {pole: {low: high}}", "\"fields.pole.low\" has a value of the wrong kind."),
      ("fields: {pole", "cannot be used"),
    ] {
      let error = #expect(throws: GuerdonError.self) { try spec(text) }
      #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }
  }

  @Test func keepsWhatIsAskedFor() throws {
    var configuration = world("AllSpaces-v0")
    configuration.observing = ["robot", "pair_0"]
    let environment = try GymnasiumEnvironment(configuration, count: 1, seed: 3)
    #expect(environment.spec.schema.fields.map(\.name).dropFirst(3).dropLast(2) == ["pair_0", "robot.gripper_pose", "robot.mode"])
    let whole = try GymnasiumEnvironment(world("AllSpaces-v0"), count: 1, seed: 3)
    #expect(environment.observations[0] == whole.observations[76])
    configuration.observing = ["robots"]
    #expect(throws: GuerdonError.self) { try GymnasiumEnvironment(configuration, count: 1) }
  }

  @Test func infosAndOptions() throws {
    let environment = try GymnasiumEnvironment(world("AllSpaces-v0", workers: 2), count: 2)
    try environment.reset(seed: 1, options: ["start": 5])
    #expect(try environment.infos() == [["start": 5], ["start": 5]])
    #expect(environment.observations[0] == 5)
    var random = RandomGenerator(seed: 1)
    while !environment.terminated[0] && !environment.truncated[0] {
      environment.step((0..<2).flatMap { _ in environment.spec.actionSpace.sample(&random) })
    }
    guard case .object(let info) = try environment.infos()[0], case .object(let final)? = info["final_info"],
      case .number(let sum)? = final["sum"]
    else {
      Issue.record("no final info")
      return
    }
    #expect(info["start"] == 0)
    #expect(sum / 7 == environment.rewards[0])
  }

  @Test func arguments() throws {
    let name = "gym:metaworld:Meta-World/MT1?env_name=reach-v3&flags=[1,2.5,null]&size=8"
    let configuration = try GymnasiumConfiguration(reading: name)
    #expect(configuration.id == "metaworld:Meta-World/MT1")
    #expect(configuration.arguments == ["env_name": "reach-v3", "size": 8, "flags": [1, 2.5, nil]])
    #expect(configuration.name == name)
    for wrong in ["gym:", "gym:CartPole-v1?size", "gym:CartPole-v1?=3"] {
      #expect(throws: GuerdonError.self) { try GymnasiumConfiguration(reading: wrong) }
    }
  }

  @Test func statesAreRestored() throws {
    let environment = try GymnasiumEnvironment(world("AllSpaces-v0", workers: 2), count: 3, seed: 3)
    func go(_ steps: Int) -> [Double] {
      var random = RandomGenerator(seed: 9)
      return (0..<steps).flatMap { _ in
        environment.step((0..<3).flatMap { _ in environment.spec.actionSpace.sample(&random) })
        return Array(environment.observations) + Array(environment.rewards)
      }
    }
    _ = go(7)
    let saved = environment.saveState(), seen = Array(environment.observations)
    let first = go(40)
    environment.restore(saved)
    #expect(Array(environment.observations) == seen)
    #expect(go(40) == first)
    environment.restore(saved)
    #expect(go(40) == first)

    let other = try GymnasiumEnvironment(world("AllSpaces-v0"), count: 3)
    other.restore(saved)
    #expect(other.failure?.message.contains("saved by another object or run") == true)

    let uncopyable = try GymnasiumEnvironment(world("Uncopyable-v0"), count: 1)
    let nothing = uncopyable.saveState()
    uncopyable.step([0])
    #expect(uncopyable.failure == nil && uncopyable.rewards[0] == 1)
    uncopyable.restore(nothing)
    #expect(uncopyable.failure?.message.contains("Python could not copy the environment") == true)
  }

  @Test func aMaskResetsOnlySome() throws {
    let environment = try Environments.make("gym:CartPole-v1", count: 3, autoreset: .disabled, seed: 1)
    let first = Array(environment.observations)
    environment.step([0, 1, 0])
    let second = Array(environment.observations)
    environment.reset(mask: [false, true, false], seed: 1)
    #expect(Array(environment.observations) == Array(second[..<4] + first[4..<8] + second[8...]))
  }
}
