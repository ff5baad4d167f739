import Agents
import Basics
import Environments
import Schemas
import Testing

/// An environment that breaks (another process died) ends training and evaluation with its own message.
@Suite struct FailureTests {
  private static func world(_ action: Space, count: Int) -> ScriptedEnvironment {
    let world = ScriptedEnvironment(
      observation: .box(2), action: action, maxEpisodeSteps: 10, count: count, begin: { _ in [0, 1] }
    ) { state, _ in .init(state: state, reward: 1) }
    world.stepsToFailure = 37
    return world
  }

  private static func expectItsMessage(_ body: () throws -> Void) {
    do {
      try body()
      Issue.record("nothing was thrown")
    } catch {
      #expect("\(error)" == "The world broke.")
    }
  }

  @Test func everyLearnerThrowsIt() {
    let (choices, box) = (Space.discrete(2), Space.box(1, low: -1, high: 1))
    Self.expectItsMessage {
      var configuration = PPO.Configuration()
      configuration.rolloutSteps = 16
      try PPO(environment: Self.world(choices, count: 2), configuration: configuration, seed: 0, pool: WorkerPool(threads: 1))
        .train(totalSteps: 1_000)
    }
    Self.expectItsMessage {
      var configuration = RecurrentPPO.Configuration()
      configuration.rolloutSteps = 16
      configuration.minibatches = 1
      try RecurrentPPO(environment: Self.world(choices, count: 2), configuration: configuration, seed: 0)
        .train(totalSteps: 1_000)
    }
    Self.expectItsMessage { try SAC(environment: Self.world(box, count: 1), seed: 0).train(totalSteps: 1_000) }
    Self.expectItsMessage { try TD3(environment: Self.world(box, count: 1), seed: 0).train(totalSteps: 1_000) }
    Self.expectItsMessage { try DQN(environment: Self.world(choices, count: 1), seed: 0).train(totalSteps: 1_000) }
    Self.expectItsMessage {
      try REINFORCE(environment: Self.world(choices, count: 2), seed: 0).train(totalSteps: 1_000)
    }
  }

  @Test func playingThrowsIt() {
    Self.expectItsMessage { _ = try playRandomly(in: Self.world(.discrete(2), count: 2), episodes: 100, seed: 0) }
  }
}
