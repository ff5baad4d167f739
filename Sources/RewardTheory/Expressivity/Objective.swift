import Basics
import FiniteMDPs
import Foundation

/// A finite-state machine that reads the labels of transitions and pays each by the state it is in.
public struct RewardMachine: Sendable, Hashable {
  public let stateCount: Int
  public let labelCount: Int
  /// The label of every transition, [S, A, S].
  public let labels: [Int]
  /// δ_U(u, label), [U, L].
  public let next: [Int]
  /// δ_R: what a transition is paid in u, [U, S, A, S].
  public let rewards: [Double]

  /// - Throws: `GuerdonError` for a wrong shape or a state or label that there is not.
  public init(stateCount: Int, labelCount: Int, labels: [Int], next: [Int], rewards: [Double]) throws {
    guard stateCount >= 1, labelCount >= 1, next.count == stateCount * labelCount,
      rewards.count == stateCount * labels.count, next.allSatisfy({ (0..<stateCount).contains($0) }),
      labels.allSatisfy({ (0..<labelCount).contains($0) }), rewards.allSatisfy(\.isFinite)
    else {
      throw GuerdonError.usage(
        "A reward machine has δ_U [U, L], rewards [U, S, A, S], and states and labels that there are.")
    }
    self.stateCount = stateCount
    self.labelCount = labelCount
    self.labels = labels
    self.next = next
    self.rewards = rewards
  }

  /// Σ γ^t of what the machine pays along a trajectory, to within rounding.
  func discountedReturn(_ trajectory: Trajectory, discount: Double) -> Double {
    var (sum, weight, u) = (0.0, 1.0, 0)
    for k in trajectory.steps {
      sum += weight * rewards[u * labels.count + k]
      weight *= discount
      u = next[u * labelCount + labels[k]]
    }
    // On the absorbing transition the machine runs into a cycle; after one round the sum is geometric.
    var seenAt = [Int](repeating: -1, count: stateCount)
    var path: [Int] = []
    while seenAt[u] < 0 {
      seenAt[u] = path.count
      path.append(u)
      u = next[u * labelCount + labels[trajectory.tail]]
    }
    let begin = seenAt[u], length = path.count - begin
    for u in path[..<begin] {
      sum += weight * rewards[u * labels.count + trajectory.tail]
      weight *= discount
    }
    var round = 0.0, inner = 1.0
    for u in path[begin...] {
      round += inner * rewards[u * labels.count + trajectory.tail]
      inner *= discount
    }
    return sum + weight * round / (1 - pow(discount, Double(length)))
  }
}

/// L_π: the distribution of infinite trajectories under a policy, which is what the policy does where it ever is.
public struct TrajectoryLottery: Sendable {
  /// [S].
  public let visited: [Bool]
  /// π(a | s) in visited states, 0 elsewhere, [S, A].
  public let conditional: [Double]
}

/// Scores policies, in one of the first 13 formalisms, or compares them.
public enum Objective: Sendable {
  /// E Σ γ^t R, R [S, A, S].
  case markovReward([Double], discount: Double)
  /// lim (1/T) E Σ_{t < T} R.
  case limitAverage([Double])
  /// P(ξ ⊨ φ), over the label sets of transitions, [S, A, S].
  case temporal(TemporalFormula, labels: [UInt64])
  case rewardMachine(RewardMachine, discount: Double)
  /// E f(Σ γ^t R).
  case innerNonlinear([Double], discount: Double, @Sendable (Double) -> Double)
  /// E f(G_1, …, G_k).
  case innerMultiObjective([[Double]], discount: Double, @Sendable ([Double]) -> Double)
  /// E f(ξ).
  case trajectories(@Sendable (Trajectory) -> Double)
  /// E Σ γ^t [R - α F(π(· | s_t))]; F sees the probabilities of the actions that the state has.
  case regularised([Double], strength: Double, discount: Double, @Sendable ([Double]) -> Double)
  /// f(J).
  case outerNonlinear([Double], discount: Double, @Sendable (Double) -> Double)
  /// f(J_1, …, J_k).
  case outerMultiObjective([[Double]], discount: Double, @Sendable ([Double]) -> Double)
  /// f(m_π).
  case occupancy(discount: Double, @Sendable ([Double]) -> Double)
  /// f(L_π).
  case lottery(@Sendable (TrajectoryLottery) throws -> Double)
  /// f(π).
  case policy(@Sendable (TabularPolicy) -> Double)
  /// A preorder of (J_1, …, J_k): the sign of first less second, 1 if the first is better.
  case multiObjectiveOrder([[Double]], discount: Double, @Sendable ([Double], [Double]) -> Int)
  case occupancyOrder(discount: Double, @Sendable ([Double], [Double]) -> Int)
  case lotteryOrder(@Sendable (TrajectoryLottery, TrajectoryLottery) throws -> Int)
  case policyOrder(@Sendable (TabularPolicy, TabularPolicy) throws -> Int)

  public var formalism: Formalism {
    switch self {
    case .markovReward: .markovRewards
    case .limitAverage: .limitAverageReward
    case .temporal: .linearTemporalLogic
    case .rewardMachine: .rewardMachines
    case .innerNonlinear: .innerNonlinear
    case .innerMultiObjective: .innerMultiObjective
    case .trajectories: .functionsOfTrajectories
    case .regularised: .regularised
    case .outerNonlinear: .outerNonlinear
    case .outerMultiObjective: .outerMultiObjective
    case .occupancy: .functionsOfOccupancies
    case .lottery: .functionsOfLotteries
    case .policy: .functionsOfPolicies
    case .multiObjectiveOrder: .multiObjectiveOrders
    case .occupancyOrder: .occupancyOrders
    case .lotteryOrder: .lotteryOrders
    case .policyOrder: .policyOrders
    }
  }
}

extension ExpressivityEnvironment {
  /// The least difference of two scores that counts as one.
  public static let tie = 1e-9

  /// What an objective of the first 13 formalisms gives a policy; nil for orderings, which only compare.
  ///
  /// Expectations over trajectories are sums over all of them where every episode ends within 12 steps, and means over
  /// 4,096 sampled ones elsewhere (the same random numbers for every policy).
  /// - Throws: `GuerdonError` for a policy or a reward of another shape, or a formula outside the fragment.
  public func score(_ objective: Objective, _ policy: TabularPolicy) throws -> Double? {
    switch objective {
    case .markovReward(let reward, let discount): return try value(of: policy, reward, discount)
    case .limitAverage(let reward):
      return try process(discount: 0).averageOccupancy(of: policy).total(of: expected(reward))
    case .temporal(let formula, let labels): return try probability(of: formula, labels: labels, under: policy)
    case .rewardMachine(let machine, let discount):
      return zip(try occupancy(of: policy, in: machine, discount: discount), machine.rewards).reduce(0) { $0 + $1.0 * $1.1 }
    case .innerNonlinear(let reward, let discount, let f):
      return try expectation(under: policy) { f($0.discountedReturn(reward, discount: discount)) }
    case .innerMultiObjective(let rewards, let discount, let f):
      return try expectation(under: policy) { ξ in f(rewards.map { ξ.discountedReturn($0, discount: discount) }) }
    case .trajectories(let f): return try expectation(under: policy, of: f)
    case .regularised(let reward, let strength, let discount, let F):
      let visits = try process(discount: discount).occupancy(of: policy)
      var total = visits.total(of: expected(reward))
      for (s, weight) in visits.states.enumerated() where weight != 0 {
        total -= strength * weight * F(distribution(of: policy, in: s))
      }
      return total
    case .outerNonlinear(let reward, let discount, let f): return f(try value(of: policy, reward, discount))
    case .outerMultiObjective(let rewards, let discount, let f):
      return f(try rewards.map { try value(of: policy, $0, discount) })
    case .occupancy(let discount, let f): return f(try occupancy(of: policy, discount: discount))
    case .lottery(let f): return try f(lottery(of: policy))
    case .policy(let f): return f(policy)
    case .multiObjectiveOrder, .occupancyOrder, .lotteryOrder, .policyOrder: return nil
    }
  }

  /// 1 if the objective prefers the first policy, -1 if the second, 0 if they are as good (scores within `tie`).
  /// - Throws: as `score`.
  public func compare(_ objective: Objective, _ first: TabularPolicy, _ second: TabularPolicy) throws -> Int {
    switch objective {
    case .multiObjectiveOrder(let rewards, let discount, let order):
      return order(
        try rewards.map { try value(of: first, $0, discount) }, try rewards.map { try value(of: second, $0, discount) })
    case .occupancyOrder(let discount, let order):
      return order(try occupancy(of: first, discount: discount), try occupancy(of: second, discount: discount))
    case .lotteryOrder(let order): return try order(lottery(of: first), lottery(of: second))
    case .policyOrder(let order): return try order(first, second)
    default: return Self.sign(try score(objective, first) ?? 0, try score(objective, second) ?? 0)
    }
  }

  static func sign(_ first: Double, _ second: Double) -> Int {
    first > second + tie ? 1 : first < second - tie ? -1 : 0
  }

  /// Σ m R.
  private func value(of policy: TabularPolicy, _ reward: [Double], _ discount: Double) throws -> Double {
    guard reward.count == transitionCount else {
      throw GuerdonError.usage("A reward in \(name) is [S, A, S], \(transitionCount) numbers; \(reward.count) were given.")
    }
    return try process(discount: discount).occupancy(of: policy).total(of: expected(reward))
  }

  public func lottery(of policy: TabularPolicy) -> TrajectoryLottery {
    let visited = visited(by: policy)
    return TrajectoryLottery(
      visited: visited,
      conditional: policy.probabilities.enumerated().map { visited[$0 / actionCount] ? $1 : 0 })
  }

  /// A policy with this lottery: uniform over the actions of states that are never visited.
  func policy(of lottery: TrajectoryLottery) throws -> TabularPolicy {
    var table = lottery.conditional
    for s in 0..<stateCount where !lottery.visited[s] {
      for a in actions[s].indices { table[s * actionCount + a] = 1 / Double(actions[s].count) }
    }
    return try TabularPolicy(stateCount: stateCount, actionCount: actionCount, probabilities: table)
  }

  /// L_π from m_π: π(a | s) = m(s, a) / m(s) where m(s) > 0.
  func lottery(ofOccupancy m: [Double]) -> TrajectoryLottery {
    var visited = [Bool](repeating: false, count: stateCount)
    var conditional = [Double](repeating: 0, count: stateCount * actionCount)
    for s in 0..<stateCount {
      var visits = 0.0
      for a in 0..<actionCount {
        for next in 0..<stateCount { conditional[s * actionCount + a] += m[transition(s, a, next)] }
        visits += conditional[s * actionCount + a]
      }
      // What elimination leaves of an exact zero is far below any visit.
      visited[s] = visits > 1e-12
      for a in 0..<actionCount {
        conditional[s * actionCount + a] = visited[s] ? max(0, conditional[s * actionCount + a] / visits) : 0
      }
    }
    return TrajectoryLottery(visited: visited, conditional: conditional)
  }

  /// E_ξ f(ξ).
  func expectation(under policy: TabularPolicy, of f: (Trajectory) -> Double) throws -> Double {
    if let trajectories {
      return trajectories.reduce(0) { sum, ξ in
        let probability = probability(of: ξ, under: policy)
        return probability > 0 ? sum + probability * f(ξ) : sum
      }
    }
    return sampledExpectation(under: policy, of: f)
  }

  /// A mean over trajectories drawn with the same random numbers for every policy, followed for at most 1,000 steps.
  func sampledExpectation(
    under policy: TabularPolicy, samples: Int = 4_096, seed: UInt64 = 0, of f: (Trajectory) -> Double
  ) -> Double {
    var sum = 0.0
    for sample in 0..<samples {
      var random = RandomGenerator(seed: seed, spawnKey: [UInt32(sample)])
      func draw(_ count: Int, _ weight: (Int) -> Double) -> Int {
        var u = random.uniform()
        for k in 0..<count {
          u -= weight(k)
          if u < 0 { return k }
        }
        return (0..<count).last { weight($0) > 0 } ?? 0
      }
      let first = draw(stateCount) { initial[$0] }
      var (s, steps) = (first, [Int]())
      while !isAbsorbing(s) && steps.count < 1_000 {
        let a = draw(actions[s].count) { policy[s, $0] }
        let next = draw(stateCount) { transitions[s, a, $0] }
        steps.append(transition(s, a, next))
        s = next
      }
      let tail = isAbsorbing(s) ? transition(s, 0, s) : steps[steps.count - 1]
      sum += f(Trajectory(steps: steps, tail: tail, first: first))
    }
    return sum / Double(samples)
  }
}

extension ExpressivityEnvironment {
  /// The occupancy of machine states and transitions, [U, S, A, S], of a policy in the product of environment and machine.
  func occupancy(of policy: TabularPolicy, in machine: RewardMachine, discount: Double) throws -> [Double] {
    guard machine.labels.count == transitionCount else {
      throw GuerdonError.usage("A reward machine in \(name) labels \(transitionCount) transitions, not \(machine.labels.count).")
    }
    let (states, actions, machines) = (stateCount, actionCount, machine.stateCount)
    let model = try TransitionModel(stateCount: machines * states, actionCount: actions) { row, a in
      let (u, s) = (row / states, row % states)
      return transitions.successors(of: s, under: a).map {
        let label = machine.labels[transition(s, a, $0.state)]
        return .init(state: machine.next[u * machine.labelCount + label] * states + $0.state, probability: $0.probability)
      }
    }
    let product = try FiniteMDP(
      transitions: model, reward: .stateAction([Double](repeating: 0, count: machines * states * actions)),
      initial: initial + [Double](repeating: 0, count: (machines - 1) * states), discount: discount)
    let lifted = try TabularPolicy(
      stateCount: machines * states, actionCount: actions,
      probabilities: (0..<machines).flatMap { _ in policy.probabilities })
    let visits = try product.occupancy(of: lifted).stateActions
    var table = [Double](repeating: 0, count: machines * transitionCount)
    for row in visits.indices {
      let (u, s, a) = (row / actions / states, row / actions % states, row % actions)
      for successor in transitions.successors(of: s, under: a) {
        table[u * transitionCount + transition(s, a, successor.state)] = visits[row] * successor.probability
      }
    }
    return table
  }

  /// P(ξ ⊨ φ): the probability of ending in a recurrent class of the product with the formula's automaton that accepts.
  func probability(of formula: TemporalFormula, labels: [UInt64], under policy: TabularPolicy) throws -> Double {
    guard labels.count == transitionCount else {
      throw GuerdonError.usage("The labels of \(name) are [S, A, S], \(transitionCount) sets; \(labels.count) were given.")
    }
    let automaton = try TemporalFormula.Automaton(formula)
    struct Node: Hashable { var state: Int; var memory: [Int] }
    var numbers: [Node: Int] = [:], nodes: [Node] = []
    func number(_ node: Node) -> Int {
      if let known = numbers[node] { return known }
      numbers[node] = nodes.count
      nodes.append(node)
      return nodes.count - 1
    }
    var start: [(node: Int, weight: Double)] = []
    for s in 0..<stateCount where initial[s] > 0 {
      start.append((number(Node(state: s, memory: automaton.start)), initial[s]))
    }
    var edges: [[(to: Int, probability: Double, labels: UInt64)]] = []
    while edges.count < nodes.count {
      let node = nodes[edges.count]
      var out: [(to: Int, probability: Double, labels: UInt64)] = []
      for a in actions[node.state].indices where policy[node.state, a] > 0 {
        for successor in transitions.successors(of: node.state, under: a) {
          let word = labels[transition(node.state, a, successor.state)]
          let to = number(Node(state: successor.state, memory: automaton.step(node.memory, word)))
          out.append((to, policy[node.state, a] * successor.probability, word))
        }
      }
      edges.append(out)
    }
    let count = nodes.count
    var matrix = [Double](repeating: 0, count: count * count)
    for (from, out) in edges.enumerated() { for edge in out { matrix[from * count + edge.to] += edge.probability } }
    let chain = try MarkovChain(matrix, stateCount: count)
    let classes = chain.recurrentClasses
    let absorption = try chain.absorptionProbabilities()
    var probability = 0.0
    for (k, members) in classes.enumerated() {
      let seen = members.flatMap { edges[$0].map(\.labels) }
      // In a recurrent class no automaton moves on.
      guard automaton.accepts(nodes[members[0]].memory, visiting: seen) else { continue }
      for begin in start { probability += begin.weight * absorption[begin.node * classes.count + k] }
    }
    return probability
  }
}
