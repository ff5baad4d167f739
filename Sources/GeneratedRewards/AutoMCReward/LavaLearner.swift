import Basics
import Experiments

/// The learner of the lava worlds: tabular Q-learning on the reward of the scale constraint, in batched environments.
struct LavaLearner: Sendable {
  struct Settings: Sendable, Hashable, Codable {
    var environments = 16
    var stepSize = 0.1
    var discount = 0.99
    /// ε falls linearly from 1 to `exploration` over the first half of the training; the trained policy keeps it, as a
    /// stochastic policy would.
    var exploration = 0.05
  }

  let world: LavaWorld
  let settings: Settings

  /// Trains from zero values.
  /// - Returns: action values, row-major [observations, actions].
  /// - Throws: `GuerdonError` where the program gives what is no number; `CancellationError` once the run is to stop.
  func train(on program: MemoryProgram, steps: Int, seed: UInt64, interruption: Interruption? = nil) throws -> [Double] {
    let count = settings.environments, actions = world.actions
    var random = RandomGenerator(seed: seed)
    var layouts = RandomGenerator(seed: seed, spawnKey: [1])
    var values = [Double](repeating: 0, count: world.observations * actions)
    let runner = MemoryProgram.Runner(program, count: count)
    var agents = (0..<count).map { _ in LavaWorld.Agent(in: world.map(heldOut: false, &layouts)) }
    var pairs = [Int](repeating: 0, count: count)
    var endings = [AutoMCReward.Ending?](repeating: nil, count: count)
    let ticks = max(1, steps / count)
    for tick in 0..<ticks {
      if tick % 1024 == 0, interruption?.isRequested == true { throw CancellationError() }
      let annealed = min(1, 2 * Double(tick) / Double(ticks))
      let epsilon = 1 + (settings.exploration - 1) * annealed
      for row in 0..<count {
        let observation = agents[row].observation
        let action = choose(values, observation, epsilon, &random)
        pairs[row] = observation * actions + action
        endings[row] = agents[row].step(action, record: runner.batch.base + row, stride: count)
      }
      guard runner.evaluate() else {
        throw GuerdonError.failure("The reward program returned a value that is not finite.")
      }
      for row in 0..<count {
        let reward = AutoMCReward.reward(sparse: runner.sparse[row], dense: runner.dense[row])
        // A time-out is no end of the task: its last state keeps its value.
        let isTerminal = endings[row] == .success || endings[row] == .lava
        var next = 0.0
        if !isTerminal {
          let base = agents[row].observation * actions
          next = values[base]
          for action in 1..<actions { next = max(next, values[base + action]) }
        }
        values[pairs[row]] += settings.stepSize * (reward + settings.discount * next - values[pairs[row]])
        if endings[row] != nil {
          agents[row] = LavaWorld.Agent(in: world.map(heldOut: false, &layouts))
          runner.clearMemory(row)
        }
      }
    }
    return values
  }

  /// ε-greedy with ties broken at random.
  @inline(__always)
  private func choose(
    _ values: [Double], _ observation: Int, _ epsilon: Double, _ random: inout RandomGenerator
  ) -> Int {
    let actions = world.actions
    if random.uniform() < epsilon { return random.integer(below: actions) }
    var best = 0, ties = 1
    for action in 1..<actions {
      let value = values[observation * actions + action], top = values[observation * actions + best]
      if value > top {
        (best, ties) = (action, 1)
      } else if value == top {
        ties += 1
        if random.integer(below: ties) == 0 { best = action }
      }
    }
    return best
  }

  /// Episodes of the trained policy, one a layout.
  /// - Parameter program: what the dense return is summed by.
  func episodes(
    of values: [Double], program: MemoryProgram, count: Int, heldOut: Bool, seed: UInt64
  ) -> [AutoMCReward.Episode] {
    var random = RandomGenerator(seed: seed, spawnKey: [2])
    var layouts = RandomGenerator(seed: seed, spawnKey: [3])
    let runner = MemoryProgram.Runner(program, count: 1)
    return (0..<count).map { _ in
      var agent = LavaWorld.Agent(in: world.map(heldOut: heldOut, &layouts))
      runner.clearMemory(0)
      var episode = AutoMCReward.Episode(
        ending: .timeout, cells: [agent.cell], actions: [], denseReturn: 0, extremePitch: 0)
      var ending: AutoMCReward.Ending?
      while ending == nil {
        let action = choose(values, agent.observation, settings.exploration, &random)
        ending = agent.step(action, record: runner.batch.base, stride: 1)
        runner.evaluate()
        episode.denseReturn += AutoMCReward.reward(sparse: 0, dense: runner.dense[0])
        episode.cells.append(agent.cell)
        episode.actions.append(action)
        if agent.pitch != 0 { episode.extremePitch += 1 }
      }
      episode.ending = ending ?? .timeout
      episode.extremePitch /= Double(episode.steps)
      if episode.ending == .timeout, episode.coverage <= 4 { episode.ending = .stuck }
      return episode
    }
  }
}
