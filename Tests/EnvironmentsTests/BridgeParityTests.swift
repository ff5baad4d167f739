import Basics
import Environments
import Schemas
import Testing

/// Step for step what Gymnasium's `SyncVectorEnv` returns, bit for bit.
@Suite struct BridgeParityTests {
  @Test(arguments: AutoresetMode.allCases, [1, 2])
  func everySpace(mode: AutoresetMode, workers: Int) throws {
    try expectEqual(world("AllSpaces-v0", workers: workers), mode: mode, steps: 150)
  }

  @Test(arguments: AutoresetMode.allCases) func miniGrid(mode: AutoresetMode) throws {
    var configuration = GymnasiumConfiguration("minigrid:MiniGrid-DoorKey-5x5-v0", arguments: ["max_steps": 40])
    configuration.workers = 2
    try expectEqual(configuration, mode: mode, steps: 120)
    configuration.wrappers = ["minigrid.wrappers:ImgObsWrapper"]
    try expectEqual(configuration, mode: mode, steps: 60)
  }

  @Test(arguments: ["CartPole-v1", "FrozenLake-v1", "Blackjack-v1", "MountainCarContinuous-v0"])
  func gymnasiumsOwn(id: String) throws {
    try expectEqual(GymnasiumConfiguration(id), mode: .sameStep, steps: 300, maxEpisodeSteps: 60)
  }

  @Test(arguments: [5, 7]) func oldInterface(length: Int) throws {
    try expectEqual(
      world("OldWorld", ["length": .integer(length)]), mode: .nextStep, steps: 40, isOld: true)
  }

  @Test func wrappersAndArguments() throws {
    var configuration = world("OldWorld")
    configuration.id = "CartPole-v1"
    configuration.wrappers = ["bridge_worlds:Doubled"]
    configuration.arguments = ["sutton_barto_reward": true]
    try expectEqual(configuration, mode: .sameStep, steps: 100)
  }

  /// The native environment of the same id, with the records of both.
  @Test func equalsTheNativeOne() throws {
    let count = 4
    let native = try Environments.make("CartPole-v1", count: count, seed: 3)
    let bridged = try Environments.make("gym:CartPole-v1", count: count, pool: WorkerPool(threads: 2), seed: 3)
    let records = [native, bridged].map { TransitionBatch(schema: $0.spec.schema, capacity: count) }
    var random = RandomGenerator(seed: 1)
    for _ in 0..<200 {
      let actions = (0..<count).map { _ in Double(random.integer(below: 2)) }
      native.step(actions, recording: records[0])
      bridged.step(actions, recording: records[1])
      for i in 0..<count {
        for field in ["action", "step", "terminated"] {
          #expect(records[0].values(of: field, i) == records[1].values(of: field, i))
        }
        for field in ["obs", "next_obs"] {
          // Gymnasium rounds its observations to single precision.
          #expect(records[0].values(of: field, i).map { Float($0) } == records[1].values(of: field, i).map { Float($0) })
        }
      }
      #expect(Array(native.rewards) == Array(bridged.rewards))
      #expect(Array(native.truncated) == Array(bridged.truncated))
    }
  }
}
