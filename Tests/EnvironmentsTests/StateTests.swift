import Basics
import Environments
import Foundation
import Testing

@Suite struct StateTests {
  /// Everything a step returns, over `steps` steps.
  private func continuation(_ environment: any VectorEnvironment, steps: Int, seed: UInt64) -> [Double] {
    var random = RandomGenerator(seed: seed)
    return (0..<steps).flatMap { _ in
      environment.step((0..<environment.count).flatMap { _ in environment.spec.actionSpace.sample(&random) })
      let flags = (0..<environment.count).map { i in
        (environment.terminated[i] ? 1.0 : 0) + (environment.truncated[i] ? 2 : 0)
      }
      return Array(environment.observations) + Array(environment.rewards) + flags
    }
  }

  @Test(arguments: Environments.ids, [AutoresetMode.sameStep, .nextStep])
  func aRestoredEnvironmentGoesOnBitForBit(id: String, mode: AutoresetMode) throws {
    let original = try Environments.make(id, count: 3, autoreset: mode, seed: 3)
    _ = continuation(original, steps: 37, seed: 8)
    let saved = original.saveState()
    let seen = Array(original.observations)
    let expected = continuation(original, steps: 150, seed: 9)

    let file = try JSONEncoder().encode(saved)
    let other = try Environments.make(id, count: 3, autoreset: mode, seed: 77)
    _ = continuation(other, steps: 11, seed: 10)
    other.restore(try JSONDecoder().decode([EnvironmentState].self, from: file))
    #expect(Array(other.observations) == seen)
    #expect(continuation(other, steps: 150, seed: 9) == expected)

    original.restore(saved)
    #expect(continuation(original, steps: 150, seed: 9) == expected)
  }

  @Test(arguments: Environments.ids) func threadsDoNotMatter(id: String) throws {
    let runs = try [1, 2, 3].map { threads in
      let environment = try Environments.make(id, count: 7, pool: WorkerPool(threads: threads), seed: 6)
      return continuation(environment, steps: 120, seed: 4)
    }
    #expect(runs[0] == runs[1])
    #expect(runs[0] == runs[2])
  }

  /// Lakes and cliffs have one state to start in.
  @Test(arguments: gymnasiumIDs.filter { !$0.hasPrefix("FrozenLake") && !$0.hasPrefix("CliffWalking") })
  func seedsMatter(id: String) throws {
    let environment = try Environments.make(id, count: 2, seed: 1)
    let first = Array(environment.observations), width = first.count / 2
    #expect(Array(first[..<width]) != Array(first[width...]))
    environment.reset(seed: nil)
    #expect(Array(environment.observations) != first)
    environment.reset(seed: 0)
    #expect(Array(environment.observations[width...]) == Array(first[..<width]))
    environment.reset(seed: 1)
    #expect(Array(environment.observations) == first)
  }

  @Test func aMaskResetsOnlySome() throws {
    let environment = try Environments.make("Hopper-v5", count: 3, autoreset: .disabled, seed: 1)
    let width = environment.spec.observationSpace.width
    let first = Array(environment.observations)
    environment.step([Double](repeating: 0.1, count: 9))
    let second = Array(environment.observations)
    environment.reset(mask: [false, true, false], seed: 1)
    let third = Array(environment.observations)
    #expect(third[..<width] == second[..<width])
    #expect(third[width..<2 * width] == first[width..<2 * width])
    #expect(third[(2 * width)...] == second[(2 * width)...])
  }
}
