import Basics
import Experiments
import Foundation

/// The learner of the lava worlds: a tabular softmax actor with a tabular critic and generalised advantage estimates,
/// in batched environments, on the reward of the scale constraint.
///
/// An episode is learned from when it ends. The policy stays stochastic, as PPO's: what it sees is partial, and a
/// greedy policy would walk in circles.
struct LavaLearner: Sendable {
  struct Settings: Sendable, Hashable, Codable {
    var environments = 16
    /// Of the logits.
    var actorStep = 0.5
    /// Of the state values.
    var criticStep = 0.1
    var discount = 0.99
    /// λ.
    var trace = 0.95
    /// The entropy's weight.
    var entropy = 0.005
  }

  let world: LavaWorld
  let settings: Settings

  /// A step to be learned from.
  private struct Step {
    let observation: Int
    let action: Int
    var reward: Double
  }

  /// Trains from nothing.
  /// - Returns: logits, row-major [observations, actions].
  /// - Throws: `GuerdonError` where the program gives what is no number; `CancellationError` once the run is to stop.
  func train(
    on program: MemoryProgram, steps: Int, seed: UInt64, interruption: Interruption? = nil
  ) throws -> [Double] {
    let count = settings.environments, actions = world.actions
    var random = RandomGenerator(seed: seed)
    var layouts = RandomGenerator(seed: seed, spawnKey: [1])
    var logits = [Double](repeating: 0, count: world.observations * actions)
    var values = [Double](repeating: 0, count: world.observations)
    var chances = [Double](repeating: 0, count: actions)
    let runner = MemoryProgram.Runner(program, count: count)
    var agents = (0..<count).map { _ in LavaWorld.Agent(in: world.map(heldOut: false, &layouts)) }
    var episodes = [[Step]](repeating: [], count: count)
    var taken = [Step](repeating: Step(observation: 0, action: 0, reward: 0), count: count)
    var endings = [AutoMCReward.Ending?](repeating: nil, count: count)
    let ticks = max(1, steps / count)
    for tick in 0..<ticks {
      if tick % 1024 == 0, interruption?.isRequested == true { throw CancellationError() }
      for row in 0..<count {
        let observation = agents[row].observation
        let action = choose(logits, observation, &chances, &random)
        taken[row] = Step(observation: observation, action: action, reward: 0)
        endings[row] = agents[row].step(action, record: runner.batch.base + row, stride: count)
      }
      guard runner.evaluate() else {
        throw GuerdonError.failure("The reward program returned a value that is not finite.")
      }
      for row in 0..<count {
        taken[row].reward = AutoMCReward.reward(sparse: runner.sparse[row], dense: runner.dense[row])
        episodes[row].append(taken[row])
        if endings[row] != nil {
          // A time-out is no end of the task: the last observation keeps its value.
          var following = endings[row] == .timeout ? values[agents[row].observation] : 0
          var advantage = 0.0
          for step in episodes[row].reversed() {
            // δ_t = r_t + γ V(s_{t+1}) − V(s_t), A_t = δ_t + γ λ A_{t+1}.
            let value = values[step.observation]
            let error = step.reward + settings.discount * following - value
            advantage = error + settings.discount * settings.trace * advantage
            following = value
            improve(&logits, step, advantage, &chances)
            values[step.observation] += settings.criticStep * advantage
          }
          episodes[row].removeAll(keepingCapacity: true)
          agents[row] = LavaWorld.Agent(in: world.map(heldOut: false, &layouts))
          runner.clearMemory(row)
        }
      }
    }
    return logits
  }

  /// The gradient step of one action: A ∇ log π plus the entropy's.
  @inline(__always)
  private func improve(_ logits: inout [Double], _ step: Step, _ advantage: Double, _ chances: inout [Double]) {
    softmax(logits, step.observation, &chances)
    var entropy = 0.0
    for chance in chances where chance > 0 { entropy -= chance * log(chance) }
    for action in 0..<chances.count {
      let chance = chances[action]
      let surprise = chance > 0 ? -chance * (log(chance) + entropy) : 0
      let gradient = advantage * ((action == step.action ? 1 : 0) - chance) + settings.entropy * surprise
      logits[step.observation * chances.count + action] += settings.actorStep * gradient
    }
  }

  @inline(__always)
  private func softmax(_ logits: [Double], _ observation: Int, _ chances: inout [Double]) {
    let base = observation * chances.count
    var top = logits[base], sum = 0.0
    for action in 1..<chances.count { top = max(top, logits[base + action]) }
    for action in 0..<chances.count {
      chances[action] = exp(logits[base + action] - top)
      sum += chances[action]
    }
    for action in 0..<chances.count { chances[action] /= sum }
  }

  /// An action of the policy.
  @inline(__always)
  private func choose(
    _ logits: [Double], _ observation: Int, _ chances: inout [Double], _ random: inout RandomGenerator
  ) -> Int {
    softmax(logits, observation, &chances)
    var rest = random.uniform()
    for action in 0..<chances.count - 1 {
      rest -= chances[action]
      if rest < 0 { return action }
    }
    return chances.count - 1
  }

  /// Episodes of the trained policy, one a layout.
  /// - Parameter program: what the dense return is summed by.
  func episodes(
    of logits: [Double], program: MemoryProgram, count: Int, heldOut: Bool, seed: UInt64
  ) -> [AutoMCReward.Episode] {
    var random = RandomGenerator(seed: seed, spawnKey: [2])
    var layouts = RandomGenerator(seed: seed, spawnKey: [3])
    let runner = MemoryProgram.Runner(program, count: 1)
    var chances = [Double](repeating: 0, count: world.actions)
    return (0..<count).map { _ in
      var agent = LavaWorld.Agent(in: world.map(heldOut: heldOut, &layouts))
      runner.clearMemory(0)
      var episode = AutoMCReward.Episode(
        ending: .timeout, cells: [agent.cell], actions: [], denseReturn: 0, extremePitch: 0)
      var ending: AutoMCReward.Ending?
      while ending == nil {
        let action = choose(logits, agent.observation, &chances, &random)
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
