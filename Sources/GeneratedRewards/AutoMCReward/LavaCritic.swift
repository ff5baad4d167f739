import Basics
import RewardPrograms

/// The rule-based Critic: compiles the program, and runs it dry on random and on scripted episodes.
struct LavaCritic: AutoMCReward.Critic {
  let world: LavaWorld
  /// Random transitions of the dry run.
  var transitions = 256
  private let map: LavaWorld.Map
  private let solution: [Int]

  /// - Throws: `GuerdonError` when the layout that was drawn cannot be solved.
  init(_ world: LavaWorld, seed: UInt64 = 0) throws {
    self.world = world
    var random = RandomGenerator(seed: seed)
    map = world.map(heldOut: false, &random)
    guard let solution = LavaWorld.solution(map) else {
      throw GuerdonError.failure("The lava world's layout for the dry run has no way to the goal.")
    }
    self.solution = solution
  }

  func review(_ source: String) -> [AutoMCReward.Fault] {
    let program: MemoryProgram
    do {
      program = try MemoryProgram(source, environment: "LavaCrossing", fields: LavaWorld.fields)
    } catch let failure as CompilationFailure {
      return [.init("does-not-compile", failure.description)]
    } catch {
      return [.init("does-not-compile", "\(error)")]
    }
    return dryRun(program)
  }

  private struct Trace {
    var sparse: [Double] = [], dense: [Double] = []
    var ending: AutoMCReward.Ending?
    var isFinite = true
    /// 0.1 · Σ sgn(dense).
    var denseReturn: Double { dense.reduce(0) { $0 + AutoMCReward.reward(sparse: 0, dense: $1) } }
  }

  private func play(_ program: MemoryProgram, _ start: LavaWorld.Agent, _ actions: [Int]) -> Trace {
    let runner = MemoryProgram.Runner(program, count: 1)
    var agent = start, trace = Trace()
    for action in actions {
      trace.ending = agent.step(action, record: runner.batch.base, stride: 1)
      trace.isFinite = runner.evaluate() && trace.isFinite
      trace.sparse.append(runner.sparse[0])
      trace.dense.append(runner.dense[0])
      if trace.ending != nil { break }
    }
    return trace
  }

  private func dryRun(_ program: MemoryProgram) -> [AutoMCReward.Fault] {
    var faults: [AutoMCReward.Fault] = []
    let start = LavaWorld.Agent(in: map)
    // Random play, episode after episode.
    var random = RandomGenerator(seed: 1)
    var traces: [Trace] = []
    while traces.reduce(0, { $0 + $1.dense.count }) < transitions {
      traces.append(play(program, start, (0..<64).map { _ in random.integer(below: world.actions) }))
    }
    // Along a shortest way; turning on the spot as long; turning before lava; stepping into it.
    let success = play(program, start, solution)
    let idle = play(program, start, solution.map { _ in 0 })
    let danger = brink.map { play(program, $0, [0, 1, 0, 1]) }
    let death = brink.map { play(program, $0, [2]) }
    let all = traces + [success, idle] + [danger, death].compactMap { $0 }

    guard all.allSatisfy(\.isFinite) else {
      return [.init(
        "not-finite",
        "A value is not a number: is a key of the memory read before it is there (NaN in the first step)?")]
    }
    let dense = traces.flatMap(\.dense)
    if dense.allSatisfy({ $0 == dense.first }) {
      faults.append(.init("constant-dense", "The dense reward is the same in all \(dense.count) random transitions."))
    }
    let paysOnTheWay = all.contains { trace in
      trace.sparse.dropLast(trace.ending == nil ? 0 : 1).contains { $0 != 0 }
    }
    if paysOnTheWay { faults.append(.init("sparse-on-the-way", "The sparse reward is not 0 before the episode ends.")) }
    if let last = success.sparse.last, last <= 0 {
      faults.append(.init("success-not-paid", "The sparse reward of reaching the goal is not positive."))
    }
    if let last = death?.sparse.last, last >= 0 {
      faults.append(.init("death-not-punished", "The sparse reward of dying in lava is not negative."))
    }
    if success.denseReturn < idle.denseReturn {
      faults.append(.init("idling-pays", "The dense reward of standing still exceeds that of the way to the goal."))
    }
    if let danger, danger.dense.dropFirst().contains(where: { $0 > 0 }) && danger.denseReturn > 0 {
      faults.append(.init("danger-pays", "The dense reward pays for turning on the spot beside lava."))
    }
    let readsHazard = program.program.inputs.contains { ["lava_adjacent", "front_lava_before"].contains($0.name) }
    if readsHazard, let last = death?.dense.last, last > 0 {
      faults.append(.init("danger-pays", "The dense reward looks for lava, and pays for stepping into it."))
    }
    return faults
  }

  /// An agent that looks at lava right before it, somewhere along the shortest way.
  private var brink: LavaWorld.Agent? {
    var agent = LavaWorld.Agent(in: map)
    for action in solution {
      for turns in 0..<4 {
        var turned = agent
        for _ in 0..<turns { _ = turned.step(1) }
        turned.steps = 0
        if turned.isLava(ahead: 1, aside: 0) { return turned }
      }
      _ = agent.step(action)
    }
    return nil
  }
}

/// The rule-based Analyzer: the brief's rules on the statistics of failed episodes.
struct LavaAnalyzer: AutoMCReward.Analyzer {
  var lavaShare = 0.2
  var oscillation = 0.3
  var farmRatio = 1.0
  /// Time-outs below this share of the 49 cells call for exploration.
  var coverage = 0.25
  var extremePitch = 0.5

  func suggestions(
    failed: [AutoMCReward.Episode], statistics: AutoMCReward.Summary, source: String
  ) -> [AutoMCReward.Suggestion] {
    guard !failed.isEmpty else { return [] }
    var result: [AutoMCReward.Suggestion] = []
    func suggest(_ edit: LavaReward.Edit, _ advice: String) {
      result.append(.init(edit: edit.rawValue, advice: advice))
    }
    func percent(_ value: Double) -> String { "\(Int((100 * value).rounded())) %" }
    let lava = statistics.share(.lava), late = statistics.share(.timeout) + statistics.share(.stuck)
    if source.contains("visible_lava"), statistics.extremePitch >= extremePitch {
      suggest(
        .lidar, "In \(percent(statistics.extremePitch)) of the steps the camera is at a limit, where lava is out of "
          + "view and the penalty vanishes: tie the penalty to the lidar.")
    }
    if lava >= lavaShare {
      suggest(
        .hazard, "\(percent(lava)) of the failures are deaths in lava: add a negative dense term for lava beside "
          + "the agent and for stepping into it.")
    }
    if statistics.oscillation >= oscillation || statistics.farmRatio > farmRatio {
      suggest(
        .bestSoFar, "Failed episodes go back and forth (\(percent(statistics.oscillation)) of moves) or earn more "
          + "dense reward than successes (ratio \(statistics.farmRatio)): pay progress only where it beats the "
          + "episode's best.")
    }
    if late >= 0.5, statistics.coverage < coverage * 49 {
      suggest(
        .firstVisits, "\(percent(late)) of the failures are time-outs after \(Int(statistics.coverage)) cells: pay for "
          + "the first visit of a cell.")
    }
    return result
  }
}
