import Basics
import Environments
import Foundation
import Schemas
import Testing

/// The Python of `scripts/setup --worlds`, which has Meta-World, Crafter and NLE.
private let worlds = Dependencies.directory.map { $0.appendingPathComponent("worlds/bin/python") }
private let hasWorlds = worlds.map { FileManager.default.isExecutableFile(atPath: $0.path) } ?? false

/// Environments of others, where they are installed.
@Suite(.enabled(if: hasWorlds)) struct WorldsTests {
  private func configuration(_ id: String, _ arguments: [String: JSONValue] = [:]) -> GymnasiumConfiguration {
    var configuration = GymnasiumConfiguration(id, arguments: arguments)
    configuration.python = worlds
    configuration.workers = 2
    return configuration
  }

  @Test(arguments: [AutoresetMode.sameStep, .nextStep]) func metaWorld(mode: AutoresetMode) throws {
    try expectEqual(
      configuration("metaworld:Meta-World/MT1", ["env_name": "reach-v3", "seed": 5]), mode: mode, count: 2, steps: 70,
      maxEpisodeSteps: 30)
  }

  @Test func crafter() throws {
    // From its tenth step on, Crafter lets the order of a set of objects decide: no two processes play the same.
    try expectEqual(
      configuration("crafter:Env", ["length": 9]), mode: .sameStep, count: 2, steps: 60, isOld: true)
    let spec = try GymnasiumEnvironment(configuration("crafter:Env"), count: 1).spec
    #expect(spec.maxEpisodeSteps == 10_000)
    #expect(spec.schema["obs"]?.shape == [64, 64, 3])
    #expect(spec.schema["action"]?.meaning.hasPrefix("Action taken: 0 noop, 1 move_left,") == true)
  }

  @Test func nle() throws {
    var nethack = configuration("nle:NetHackScore-v0")
    nethack.observing = ["blstats", "glyphs", "message"]
    let environment = try GymnasiumEnvironment(nethack, count: 2, seed: 1)
    #expect(environment.spec.observationSpace.width == 27 + 21 * 79 + 256)
    #expect(environment.spec.actionSpace == .discrete(23))
    #expect(environment.spec.maxEpisodeSteps == 5000)
    let batch = TransitionBatch(schema: environment.spec.schema, capacity: 2)
    var random = RandomGenerator(seed: 1)
    var positions: Set<[Double]> = []
    for _ in 0..<100 {
      environment.step((0..<2).flatMap { _ in environment.spec.actionSpace.sample(&random) }, recording: batch)
      for i in 0..<2 {
        let stats = batch.values(of: "blstats", i)
        // The hero stands on the map (its column and row), and has hit points.
        #expect((0..<79).contains(stats[0]) && (0..<21).contains(stats[1]) && stats[10] > 0)
        #expect(batch.values(of: "glyphs", i).contains { $0 != 2359 })
        positions.insert(Array(stats[..<2]))
      }
    }
    #expect(environment.failure == nil)
    #expect(positions.count > 5)
  }
}
