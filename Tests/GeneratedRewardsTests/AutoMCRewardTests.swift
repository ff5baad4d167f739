import Basics
import Environments
import Experiments
import Testing

@testable import GeneratedRewards

/// The unit checks of Auto MC-Reward's brief.
@Suite struct AutoMCRewardTests {
  private func compile(_ source: String) throws -> MemoryProgram {
    try MemoryProgram(source, environment: "LavaCrossing", fields: LavaWorld.fields)
  }

  @Test func theScaleConstraintKnowsNineRewards() {
    let rewards = [-37.0, 0, 0.02].flatMap { sparse in
      [-5, 0, 1e-9].map { AutoMCReward.reward(sparse: sparse, dense: $0) }
    }
    #expect(rewards == [-1.1, -1, -0.9, -0.1, 0, 0.1, 0.9, 1, 1.1])
  }

  /// Other magnitudes, bitwise the same training.
  @Test func magnitudesChangeNothing() throws {
    let world = try LavaWorld(crossings: 1)
    let learner = LavaLearner(world: world, settings: .init())
    let source = LavaReward(progress: .bestSoFar, hazard: .lidar, firstVisits: true).source()
    let scaled = source.replacingOccurrences(of: "\"sparse\": sparse", with: "\"sparse\": 0.02 * sparse")
      .replacingOccurrences(of: "\"dense\": dense", with: "\"dense\": 37.0 * dense")
    #expect(scaled != source)
    let first = try learner.train(on: compile(source), steps: 8_000, seed: 5)
    let second = try learner.train(on: compile(scaled), steps: 8_000, seed: 5)
    #expect(first == second && first.contains { $0 != 0 })
    let other = try learner.train(on: compile(LavaReward().source()), steps: 8_000, seed: 5)
    #expect(first != other)
  }

  /// A-B-A-B for 100 steps between the two cells beside the start.
  @Test func whatOscillationEarns() throws {
    func earned(_ reward: LavaReward) throws -> Double {
      let runner = MemoryProgram.Runner(try compile(reward.source()), count: 1)
      var sum = 0.0
      for step in 0..<100 {
        let isAtB = step % 2 == 0
        let record: [String: Double] = [
          "moved": 1, "forward": 1, "goal_distance": isAtB ? 11 : 12, "previous_goal_distance": isAtB ? 12 : 11,
          "cell": isAtB ? 48 : 0,
        ]
        for field in LavaWorld.fields { runner.batch.column(field.name)?[0] = record[field.name] ?? 0 }
        #expect(runner.evaluate())
        sum += AutoMCReward.reward(sparse: runner.sparse[0], dense: runner.dense[0])
      }
      return sum
    }
    #expect(abs(try earned(LavaReward(progress: .moved)) - 10) < 1e-9)
    #expect(abs(try earned(LavaReward(progress: .nearer))) < 1e-9)
    #expect(abs(try earned(LavaReward(progress: .bestSoFar)) - 0.1) < 1e-12)
    #expect(abs(try earned(LavaReward(progress: .none, firstVisits: true)) - 0.2) < 1e-12)
  }

  /// Each environment has its own memory; clearing one leaves the others.
  @Test func memoryBelongsToOneEpisodeOfOneEnvironment() throws {
    let program = try compile(LavaReward(progress: .bestSoFar, firstVisits: true).source())
    #expect(program.keys == ["memory_best", "memory_visited"])
    let runner = MemoryProgram.Runner(program, count: 3)
    #expect((0..<3).allSatisfy { runner.memory(of: $0).allSatisfy { $0.isNaN } })
    for row in 0..<3 {
      runner.batch.column("goal_distance")?[row] = Double(5 + row)
      runner.batch.column("previous_goal_distance")?[row] = 12
      runner.batch.column("cell")?[row] = Double(row)
    }
    #expect(runner.evaluate())
    #expect((0..<3).map { runner.memory(of: $0) } == [[5, 1], [6, 2], [7, 4]])
    runner.clearMemory(1)
    #expect(runner.memory(of: 1).allSatisfy { $0.isNaN })
    #expect(runner.memory(of: 0) == [5, 1] && runner.memory(of: 2) == [7, 4])
    #expect(runner.evaluate())
    #expect(runner.memory(of: 1) == [6, 2])
  }

  private struct Stubborn: AutoMCReward.Designer {
    var mended = 0
    mutating func write(suggestions: [AutoMCReward.Suggestion], previous: String?) -> String { "draft" }
    mutating func mend(_ source: String, faults: [AutoMCReward.Fault]) -> String {
      mended += 1
      return source
    }
  }

  private struct Unsatisfied: AutoMCReward.Critic {
    func review(_ source: String) -> [AutoMCReward.Fault] { [.init("no", "never")] }
  }

  @Test func theCriticStopsAfterThreePassesAndNothingIsTrained() throws {
    var designer = Stubborn()
    var trainings = 0
    let log = try AutoMCReward.design(
      rounds: 2, target: 1, designer: &designer, critic: Unsatisfied(), analyzer: LavaAnalyzer()
    ) { _, _ in
      trainings += 1
      return []
    }
    #expect(trainings == 0 && designer.mended == 4)
    #expect(log.map(\.faults.count) == [3, 3] && log.allSatisfy { $0.statistics == nil })
    #expect(AutoMCReward.final(log) == nil)
  }

  /// Sound programs pass, every slip is found by its name.
  @Test func theCriticFindsEverySlip() throws {
    let critic = try LavaCritic(LavaWorld(crossings: 2))
    for progress in [LavaReward.Progress.moved, .nearer, .bestSoFar] {
      for hazard in [LavaReward.Hazard.none, .lidar] {
        for firstVisits in [false, true] {
          let reward = LavaReward(progress: progress, hazard: hazard, firstVisits: firstVisits)
          let faults = critic.review(reward.source())
          #expect(faults.isEmpty, "\(faults) in \(reward.source())")
        }
      }
    }
    let reward = LavaReward(progress: .bestSoFar, hazard: .lidar, firstVisits: true)
    func ids(_ slip: LavaReward.Slip) -> [String] { critic.review(reward.source(slip: slip)).map(\.id) }
    #expect(ids(.unknownInput) == ["does-not-compile"])
    #expect(ids(.unsetMemory) == ["not-finite"])
    #expect(ids(.flippedSign).contains("danger-pays"))
    #expect(ids(.alwaysPaying).contains("sparse-on-the-way"))
    #expect(critic.review(LavaReward().source(slip: .flippedSign)).map(\.id) == ["death-not-punished"])
    #expect(critic.review(LavaReward(progress: .none).source()).map(\.id) == ["constant-dense"])
  }

  @Test func theAnalyzerNamesCauses() {
    func episode(
      _ ending: AutoMCReward.Ending, _ cells: [Int], dense: Double = 0, pitch: Double = 0
    ) -> AutoMCReward.Episode {
      AutoMCReward.Episode(
        ending: ending, cells: cells, actions: Array(repeating: 2, count: cells.count - 1), denseReturn: dense,
        extremePitch: pitch)
    }
    // A B (turn) A B: every move but the first leads back; turning on the spot does not count.
    #expect(episode(.timeout, [0, 1, 1, 0, 1]).oscillation == 1)
    #expect(episode(.timeout, [0, 1, 2, 3]).oscillation == 0)
    func edits(_ episodes: [AutoMCReward.Episode], _ source: String = "") -> [String] {
      LavaAnalyzer().suggestions(
        failed: episodes.filter { $0.ending != .success }, statistics: .init(of: episodes), source: source
      ).map(\.edit)
    }
    let path = Array(0..<20)
    #expect(edits([episode(.success, path)]) == [])
    #expect(edits([episode(.success, path, dense: 1), episode(.lava, path, dense: 0.5)]) == ["penalise-lava"])
    #expect(edits([episode(.timeout, path, dense: 2), episode(.success, path, dense: 1)]) == ["best-so-far"])
    #expect(edits([episode(.timeout, [0, 1, 2, 3, 4, 5])]) == ["first-visits"])
    #expect(edits([episode(.timeout, path, pitch: 0.9)], "visible_lava") == ["hazard-by-lidar"])
    #expect(edits([episode(.timeout, path, pitch: 0.9)]) == [])
  }

  /// Step for step the same as MiniGrid's LavaCrossing, whose own port is compared with the wheel.
  @Test(arguments: [1, 2, 3]) func dynamicsAreMiniGrids(crossings: Int) throws {
    let world = try LavaWorld(crossings: crossings)
    var random = RandomGenerator(seed: UInt64(crossings))
    var endings: Set<String> = []
    for _ in 0..<334 {
      let layout = world.level.layout(&random)
      let level = try MiniGridLevel(
        id: "one", layouts: [layout], maxSteps: LavaWorld.maxSteps, missions: world.level.missions)
      let environment = try level.make(count: 1, autoreset: .disabled)
      environment.reset(seed: 0)
      let batch = TransitionBatch(schema: level.spec.schema, capacity: 1)
      var agent = LavaWorld.Agent(in: layout.cells.map { $0.object == .lava })
      var record = [Double](repeating: 0, count: LavaWorld.fields.count)
      var ending: AutoMCReward.Ending?
      while ending == nil {
        let action = random.integer(below: 3)
        ending = record.withUnsafeMutableBufferPointer { agent.step(action, record: $0.baseAddress, stride: 1) }
        [Double(action)].withUnsafeBufferPointer { environment.step($0, recording: batch, at: 0) }
        func field(_ name: String, _ component: Int = 0) -> Double {
          batch.column(name, component: component)?[0] ?? .nan
        }
        #expect(field("agent_position") == Double(agent.x) && field("agent_position", 1) == Double(agent.y))
        #expect(field("agent_direction") == Double(agent.direction) && field("moved") == record[2])
        #expect(field("success") == record[0] && field("in_lava") == record[1] && field("goal_distance") == record[4])
        #expect((field("front_object") == 9) == agent.isLava(ahead: 1, aside: 0))
        #expect(environment.terminated[0] == (ending == .success || ending == .lava))
        // Lava in the 7×7 image is what the agent's view holds.
        let image = (0..<49).filter { environment.observations[3 * $0] == 9 }.count
        #expect(Double(image) == record[8])
      }
      endings.insert(ending?.rawValue ?? "")
    }
    #expect(endings.contains("lava"))
  }

  @Test func theWayIsFoundAndLookingAwayHidesLava() throws {
    let world = try LavaWorld(crossings: 2, hasPitch: true)
    var random = RandomGenerator(seed: 3)
    for _ in 0..<50 {
      let map = world.map(heldOut: false, &random)
      let way = try #require(LavaWorld.solution(map))
      var agent = LavaWorld.Agent(in: map)
      var record = [Double](repeating: 0, count: LavaWorld.fields.count)
      var ending: AutoMCReward.Ending?
      for action in way { ending = agent.step(action) }
      #expect(ending == .success && way.count >= 13)
      var observer = LavaWorld.Agent(in: map), blank = LavaWorld.Agent(in: map.map { _ in false })
      for (action, pitch) in [(3, 1.0), (3, 1), (4, 0), (4, -1)] {
        record.withUnsafeMutableBufferPointer { _ = observer.step(action, record: $0.baseAddress, stride: 1) }
        _ = blank.step(action)
        #expect(record[10] == pitch && (pitch == 0 || (record[8] == 0 && observer.observation == blank.observation)))
        #expect((0..<world.observations).contains(observer.observation))
      }
    }
  }

  @Test func experimentIsTheSameWithMoreThreads() async throws {
    var configuration = AutoMCReward.Configuration.smoke
    configuration.diagnosisSteps = 2_000
    configuration.finalSteps = 2_000
    configuration.gamingSteps = 2_000
    configuration.evaluationEpisodes = 20
    func evidence(_ jobs: Int) async throws -> Evidence {
      try await AutoMCReward.reproduce(
        configuration, in: RunContext(jobs: jobs, progress: ProgressLine(quiet: true), interruption: Interruption()))
    }
    let one = try await evidence(1), two = try await evidence(2)
    #expect(one == two && one.claims.allSatisfy { $0.measured.isFinite })
    configuration.crossings = 4
    await #expect(throws: GuerdonError.self) { try await evidence(1) }
  }
}
