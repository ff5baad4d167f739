import Basics
import FiniteMDPs
import Foundation

/// One inclusion of the diagram, as a proof that runs: from an objective of the lesser formalism it makes one of the
/// greater that orders policies alike.
public struct Translator: Sendable {
  public let from: Formalism
  public let to: Formalism
  public let reason: String
  /// Whether it sums over trajectories, which is exact where every episode ends (`ExpressivityEnvironment.trajectories`).
  public let needsTrajectories: Bool
  private let apply: @Sendable (Objective, ExpressivityEnvironment) throws -> Objective?

  /// - Throws: `GuerdonError` when the objective is of another formalism.
  public func callAsFunction(_ objective: Objective, in environment: ExpressivityEnvironment) throws -> Objective {
    guard let translated = try apply(objective, environment) else {
      throw GuerdonError.usage(
        "An objective of \(objective.formalism.rawValue) was given to the translation from \(from.rawValue) to \(to.rawValue).")
    }
    return translated
  }

  private init(
    _ from: Formalism, _ to: Formalism, trajectories: Bool = false, _ reason: String,
    _ apply: @escaping @Sendable (Objective, ExpressivityEnvironment) throws -> Objective?
  ) {
    self.from = from
    self.to = to
    self.reason = reason
    needsTrajectories = trajectories
    self.apply = apply
  }

  /// The discount of occupancies that an objective does not name; any in (0, 1) will do.
  static let discount = 0.9

  /// Every inclusion, the edges of the diagram and those within its classes.
  public static let all: [Translator] = fromMarkovRewards + intoTrajectories + betweenOccupancies + intoOrders

  private static let fromMarkovRewards = [
    Translator(.markovRewards, .rewardMachines, "one state, which pays R") { objective, environment in
      guard case .markovReward(let reward, let discount) = objective else { return nil }
      return .rewardMachine(
        try RewardMachine(
          stateCount: 1, labelCount: 1, labels: [Int](repeating: 0, count: environment.transitionCount), next: [0],
          rewards: reward), discount: discount)
    },
    Translator(.markovRewards, .regularised, "α = 0") { objective, _ in
      guard case .markovReward(let reward, let discount) = objective else { return nil }
      return .regularised(reward, strength: 0, discount: discount) { _ in 0 }
    },
    Translator(.markovRewards, .outerNonlinear, "f is the identity") { objective, _ in
      guard case .markovReward(let reward, let discount) = objective else { return nil }
      return .outerNonlinear(reward, discount: discount) { $0 }
    },
    Translator(.markovRewards, .innerNonlinear, trajectories: true, "f is the identity") { objective, _ in
      guard case .markovReward(let reward, let discount) = objective else { return nil }
      return .innerNonlinear(reward, discount: discount) { $0 }
    },
  ]

  private static let intoTrajectories = [
    Translator(.rewardMachines, .functionsOfTrajectories, trajectories: true, "f(ξ) is what the machine pays along ξ") {
      objective, _ in
      guard case .rewardMachine(let machine, let discount) = objective else { return nil }
      return .trajectories { machine.discountedReturn($0, discount: discount) }
    },
    Translator(.linearTemporalLogic, .functionsOfTrajectories, trajectories: true, "f(ξ) = 1 where ξ satisfies φ, else 0") {
      objective, _ in
      guard case .temporal(let formula, let labels) = objective else { return nil }
      return .trajectories { ξ in formula.holds(on: ξ.steps.map { labels[$0] }, tail: labels[ξ.tail]) ? 1 : 0 }
    },
    Translator(
      .limitAverageReward, .functionsOfTrajectories, trajectories: true,
      "f(ξ) = lim inf of the average reward along ξ; expectation and limit change places by bounded convergence"
    ) { objective, _ in
      guard case .limitAverage(let reward) = objective else { return nil }
      return .trajectories { reward[$0.tail] }
    },
    Translator(.innerNonlinear, .innerMultiObjective, trajectories: true, "k = 1") { objective, _ in
      guard case .innerNonlinear(let reward, let discount, let f) = objective else { return nil }
      return .innerMultiObjective([reward], discount: discount) { f($0[0]) }
    },
    Translator(.innerMultiObjective, .functionsOfTrajectories, trajectories: true, "the returns are functions of ξ") {
      objective, _ in
      guard case .innerMultiObjective(let rewards, let discount, let f) = objective else { return nil }
      return .trajectories { ξ in f(rewards.map { ξ.discountedReturn($0, discount: discount) }) }
    },
    Translator(
      .functionsOfTrajectories, .innerNonlinear, trajectories: true,
      "R numbers the N transitions and γ = 1/(N+1): the return spells ξ in digits, and f reads it back"
    ) { objective, environment in
      guard case .trajectories(let f) = objective else { return nil }
      let code = TrajectoryCode(environment)
      return .innerNonlinear(code.reward, discount: code.discount) { f(code.decode($0)) }
    },
  ]

  private static let betweenOccupancies = [
    Translator(.outerNonlinear, .outerMultiObjective, "k = 1") { objective, _ in
      guard case .outerNonlinear(let reward, let discount, let f) = objective else { return nil }
      return .outerMultiObjective([reward], discount: discount) { f($0[0]) }
    },
    Translator(.outerMultiObjective, .functionsOfOccupancies, "each J_i = m_π · R_i") { objective, _ in
      guard case .outerMultiObjective(let rewards, let discount, let f) = objective else { return nil }
      return .occupancy(discount: discount) { m in f(rewards.map { dot(m, $0) }) }
    },
    Translator(.functionsOfOccupancies, .outerMultiObjective, "one indicator reward a transition: the returns are m_π") {
      objective, environment in
      guard case .occupancy(let discount, let f) = objective else { return nil }
      return .outerMultiObjective(indicators(environment), discount: discount, f)
    },
    Translator(.functionsOfTrajectories, .functionsOfLotteries, trajectories: true, "E f(ξ) is a function of L_π") {
      objective, environment in
      guard case .trajectories(let f) = objective else { return nil }
      return .lottery { try environment.expectation(under: environment.policy(of: $0), of: f) }
    },
    Translator(.functionsOfOccupancies, .functionsOfLotteries, "L_π fixes what is done where, and so m_π") {
      objective, environment in
      guard case .occupancy(let discount, let f) = objective else { return nil }
      return .lottery { f(try environment.occupancy(of: environment.policy(of: $0), discount: discount)) }
    },
    Translator(.functionsOfLotteries, .functionsOfOccupancies, "m_π fixes π where it is visited, and so L_π") {
      objective, environment in
      guard case .lottery(let f) = objective else { return nil }
      return .occupancy(discount: discount) { (try? f(environment.lottery(ofOccupancy: $0))) ?? .nan }
    },
    Translator(.regularised, .functionsOfOccupancies, "m_π fixes π where it is visited, and so every F(π(· | s)) that counts") {
      objective, environment in
      guard case .regularised(let reward, let strength, let discount, let F) = objective else { return nil }
      return .occupancy(discount: discount) { m in
        let lottery = environment.lottery(ofOccupancy: m)
        var total = dot(m, reward)
        for s in 0..<environment.stateCount where lottery.visited[s] {
          let row = s * environment.actionCount
          let visits = m[row * environment.stateCount..<(row + environment.actionCount) * environment.stateCount].reduce(0, +)
          total -= strength * visits * F(environment.actions[s].indices.map { lottery.conditional[row + $0] })
        }
        return total
      }
    },
    Translator(.functionsOfOccupancies, .functionsOfPolicies, "m_π is a function of π") { objective, environment in
      guard case .occupancy(let discount, let f) = objective else { return nil }
      return .policy { (try? environment.occupancy(of: $0, discount: discount)).map(f) ?? .nan }
    },
  ]

  private static let intoOrders = [
    Translator(.functionsOfLotteries, .lotteryOrders, "order by f") { objective, _ in
      guard case .lottery(let f) = objective else { return nil }
      return .lotteryOrder { ExpressivityEnvironment.sign(try f($0), try f($1)) }
    },
    Translator(.outerMultiObjective, .multiObjectiveOrders, "order by f") { objective, _ in
      guard case .outerMultiObjective(let rewards, let discount, let f) = objective else { return nil }
      return .multiObjectiveOrder(rewards, discount: discount) { ExpressivityEnvironment.sign(f($0), f($1)) }
    },
    Translator(.functionsOfOccupancies, .occupancyOrders, "order by f") { objective, _ in
      guard case .occupancy(let discount, let f) = objective else { return nil }
      return .occupancyOrder(discount: discount) { ExpressivityEnvironment.sign(f($0), f($1)) }
    },
    Translator(.multiObjectiveOrders, .occupancyOrders, "each J_i = m_π · R_i") { objective, _ in
      guard case .multiObjectiveOrder(let rewards, let discount, let order) = objective else { return nil }
      return .occupancyOrder(discount: discount) { first, second in
        order(rewards.map { dot(first, $0) }, rewards.map { dot(second, $0) })
      }
    },
    Translator(.occupancyOrders, .multiObjectiveOrders, "one indicator reward a transition: the returns are m_π") {
      objective, environment in
      guard case .occupancyOrder(let discount, let order) = objective else { return nil }
      return .multiObjectiveOrder(indicators(environment), discount: discount, order)
    },
    Translator(.occupancyOrders, .lotteryOrders, "L_π fixes m_π") { objective, environment in
      guard case .occupancyOrder(let discount, let order) = objective else { return nil }
      return .lotteryOrder { first, second in
        order(
          try environment.occupancy(of: environment.policy(of: first), discount: discount),
          try environment.occupancy(of: environment.policy(of: second), discount: discount))
      }
    },
    Translator(.lotteryOrders, .occupancyOrders, "m_π fixes L_π") { objective, environment in
      guard case .lotteryOrder(let order) = objective else { return nil }
      return .occupancyOrder(discount: discount) { first, second in
        (try? order(environment.lottery(ofOccupancy: first), environment.lottery(ofOccupancy: second))) ?? 0
      }
    },
    Translator(.occupancyOrders, .policyOrders, "m_π is a function of π") { objective, environment in
      guard case .occupancyOrder(let discount, let order) = objective else { return nil }
      return .policyOrder { first, second in
        order(
          try environment.occupancy(of: first, discount: discount),
          try environment.occupancy(of: second, discount: discount))
      }
    },
    Translator(.functionsOfPolicies, .policyOrders, "order by f") { objective, _ in
      guard case .policy(let f) = objective else { return nil }
      return .policyOrder { ExpressivityEnvironment.sign(f($0), f($1)) }
    },
  ]

  /// One reward a transition, which pays 1 for it.
  private static func indicators(_ environment: ExpressivityEnvironment) -> [[Double]] {
    (0..<environment.transitionCount).map { k in
      var reward = [Double](repeating: 0, count: environment.transitionCount)
      reward[k] = 1
      return reward
    }
  }

  /// Wrong on purpose: what the check of order must notice.
  static let broken: [Translator] = [
    Translator(.markovRewards, .regularised, "α = 1, F = Σ p²") { objective, _ in
      guard case .markovReward(let reward, let discount) = objective else { return nil }
      return .regularised(reward, strength: 1, discount: discount) { $0.reduce(0) { $0 + $1 * $1 } }
    },
    Translator(.functionsOfTrajectories, .innerNonlinear, trajectories: true, "γ = 1/2: different trajectories share a return") {
      objective, environment in
      guard case .trajectories(let f) = objective else { return nil }
      let code = TrajectoryCode(environment)
      return .innerNonlinear(code.reward, discount: 0.5) { f(code.decode($0)) }
    },
    Translator(.limitAverageReward, .functionsOfTrajectories, trajectories: true, "the first reward") { objective, _ in
      guard case .limitAverage(let reward) = objective else { return nil }
      return .trajectories { reward[$0.steps.first ?? $0.tail] }
    },
  ]
}

/// The discounted return that spells a trajectory: transition k is the digit k in base N + 1.
///
/// The digits behind one are worth less than 1 - 1/N together, so that reading is exact as long as (N+1)^(steps + 1)
/// stays well within a double's 2^53.
struct TrajectoryCode: Sendable {
  let environment: ExpressivityEnvironment
  let reward: [Double]
  let discount: Double

  init(_ environment: ExpressivityEnvironment) {
    self.environment = environment
    reward = (0..<environment.transitionCount).map(Double.init)
    discount = 1 / Double(environment.transitionCount + 1)
  }

  func decode(_ value: Double) -> Trajectory {
    var (rest, steps) = (value, [Int]())
    while true {
      let digit = min(max(0, Int((rest + 1e-4 / Double(reward.count)).rounded(.down))), reward.count - 1)
      let s = environment.state(ofTransition: digit)
      if environment.isAbsorbing(s) || steps.count >= 12 {
        return Trajectory(steps: steps, tail: digit, first: steps.first.map(environment.state(ofTransition:)) ?? s)
      }
      steps.append(digit)
      rest = (rest - Double(digit)) / discount
    }
  }
}
