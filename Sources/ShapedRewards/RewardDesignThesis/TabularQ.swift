import Basics
import FiniteMDPs

/// A table of action values that is updated transition by transition, in whatever order they come: as an agent acts
/// (ExpRD's learner), or in reverse over the last episodes (ExploRS' second learner). The learners of `Agents` step a
/// world of their own and replay nothing.
public struct TabularQ: Sendable {
  public let actionCount: Int
  /// α, γ and ε.
  public let rate: Double
  public let discount: Double
  public let epsilon: Double
  /// Q(s, a), [S, A].
  public private(set) var values: [Double]

  /// - Throws: `GuerdonError` for a rate outside (0, 1], or a γ or ε outside [0, 1].
  public init(stateCount: Int, actionCount: Int, rate: Double, discount: Double, epsilon: Double) throws {
    guard rate > 0, rate <= 1, (0...1).contains(discount), (0...1).contains(epsilon), stateCount >= 1, actionCount >= 1
    else {
      throw GuerdonError.usage("Q-learning needs states, actions, α in (0, 1], and γ and ε within 0...1.")
    }
    self.actionCount = actionCount
    (self.rate, self.discount, self.epsilon) = (rate, discount, epsilon)
    values = Array(repeating: 0, count: stateCount * actionCount)
  }

  /// The action of the largest value, the lowest of equals, in every state.
  public var greedy: TabularPolicy { .greedy(values, actionCount: actionCount) }

  /// The greedy policy with the probability ε spread over all actions.
  public var policy: TabularPolicy { greedy.smoothed(epsilon) }

  public func act(_ state: Int, random: inout RandomGenerator) -> Int {
    random.uniform() < epsilon ? random.integer(below: actionCount) : greedyAction(state)
  }

  public func greedyAction(_ state: Int) -> Int {
    let begin = state * actionCount
    return (1..<max(1, actionCount)).reduce(0) { values[begin + $1] > values[begin + $0] ? $1 : $0 }
  }

  /// Q(s, a) ← Q(s, a) + α (r + γ max_b Q(s', b) − Q(s, a)); the future is worth nothing where the episode ended.
  public mutating func learn(_ state: Int, _ action: Int, reward: Double, next: Int, isTerminal: Bool) {
    let future = isTerminal ? 0 : values[next * actionCount + greedyAction(next)]
    values[state * actionCount + action] += rate * (reward + discount * future - values[state * actionCount + action])
  }

  /// Learns from whole episodes, the last transition of each first.
  public mutating func replay(_ episodes: some Collection<TaughtEpisode>) {
    for episode in episodes {
      for t in (0..<episode.count).reversed() {
        learn(
          episode.states[t], episode.actions[t], reward: episode.designed[t], next: episode.next[t],
          isTerminal: t == episode.count - 1 && episode.isTerminal)
      }
    }
  }
}

extension TabularQ: TaughtLearner {
  public mutating func learn(from episodes: ArraySlice<TaughtEpisode>, discount: Double) { replay(episodes) }
}
