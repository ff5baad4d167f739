import Basics
import FiniteMDPs
import Foundation

extension ExpressivityEnvironment {
  /// A random environment with up to 5 states and 3 actions; `ending` ones move to later states only, of which the last
  /// one or two absorb.
  static func random(ending: Bool, by random: inout RandomGenerator) throws -> ExpressivityEnvironment {
    let count = 3 + random.integer(below: 3)
    let absorbing = ending ? 1 + random.integer(below: 2) : 0
    var actions: [[String]] = [], successors: [[[Double]]] = []
    for s in 0..<count {
      let isLast = s >= count - absorbing
      let choices = isLast ? 1 : 2 + random.integer(below: 2)
      actions.append((0..<choices).map { "a\($0)" })
      successors.append(
        (0..<choices).map { _ in
          var row = [Double](repeating: 0, count: count)
          if isLast {
            row[s] = 1
            return row
          }
          let allowed = ending ? Array(s + 1..<count) : Array(0..<count)
          for next in allowed where random.uniform() < 0.7 { row[next] = 0.1 + random.uniform() }
          if !row.contains(where: { $0 > 0 }) { row[allowed[random.integer(below: allowed.count)]] = 1 }
          let sum: Double = row.reduce(0, +)
          return row.map { $0 / sum }
        })
    }
    var initial = [Double](repeating: 0, count: count)
    initial[0] = ending ? 0.7 : 1
    if ending { initial[1] = 0.3 }
    return try ExpressivityEnvironment(
      name: "random", states: (0..<count).map { "s\($0)" }, actions: actions, initial: initial, successors: successors)
  }

  /// A policy with full support, or one that is certain in most states, so that ties and unvisited states occur.
  func randomPolicy(by random: inout RandomGenerator) throws -> TabularPolicy {
    let isCertain = random.uniform() < 0.3
    return try policy(
      actions.map { list in
        if isCertain && random.uniform() < 0.8 {
          let chosen = random.integer(below: list.count)
          return list.indices.map { $0 == chosen ? 1 : 0 }
        }
        let weights = list.map { _ in -log(1 - random.uniform()) }
        let sum: Double = weights.reduce(0, +)
        return weights.map { $0 / sum }
      })
  }

  /// A random objective of a formalism.
  func randomObjective(_ formalism: Formalism, by random: inout RandomGenerator) throws -> Objective {
    func reward() -> [Double] { (0..<transitionCount).map { _ in random.normal() } }
    let discount = random.uniform(0.2, 0.95)
    let (shift, slope) = (random.normal(), 1 + random.uniform())
    let bend: @Sendable (Double) -> Double = { sin(slope * $0 + shift) + 0.1 * $0 }
    let fold: @Sendable ([Double]) -> Double = { values in
      values.enumerated().reduce(0.0) { $0 + bend($1.element + Double($1.offset)) * (1 + shift * Double($1.offset % 3)) }
    }
    let lexicographic: @Sendable ([Double], [Double]) -> Int = { first, second in
      // Coarse at first, so that the later entries have a say.
      let coarse = ExpressivityEnvironment.sign((2 * first[0]).rounded(), (2 * second[0]).rounded())
      return coarse != 0 ? coarse : ExpressivityEnvironment.sign(fold(first), fold(second))
    }
    switch formalism {
    case .markovRewards: return .markovReward(reward(), discount: discount)
    case .limitAverageReward: return .limitAverage(reward())
    case .linearTemporalLogic:
      let labels = (0..<transitionCount).map { _ in UInt64(random.integer(below: 8)) }
      let (p, q) = (TemporalFormula.label(0), TemporalFormula.or(.label(1), .not(.label(2))))
      let formulas: [TemporalFormula] = [
        .eventually(p), .always(q), .until(q, p), .always(.eventually(p)), .eventually(.always(q)), .next(p),
        .or(.and(p, .next(q)), .not(.eventually(.and(p, q)))), .and(.until(p, q), .next(.next(.not(p)))),
      ]
      return .temporal(formulas[random.integer(below: formulas.count)], labels: labels)
    case .rewardMachines:
      let count = 2 + random.integer(below: 2), labelCount = 3
      return .rewardMachine(
        try RewardMachine(
          stateCount: count, labelCount: labelCount,
          labels: (0..<transitionCount).map { _ in random.integer(below: labelCount) },
          next: (0..<count * labelCount).map { _ in random.integer(below: count) },
          rewards: (0..<count * transitionCount).map { _ in random.normal() }), discount: discount)
    case .innerNonlinear: return .innerNonlinear(reward(), discount: discount, bend)
    case .innerMultiObjective: return .innerMultiObjective([reward(), reward()], discount: discount, fold)
    case .functionsOfTrajectories:
      let weights = reward()
      return .trajectories { ξ in
        ξ.steps.enumerated().reduce(bend(weights[ξ.tail])) { $0 * 0.7 + bend(weights[$1.element] + Double($1.offset)) }
      }
    case .regularised:
      let strength = random.uniform(0.1, 2)
      return .regularised(reward(), strength: strength, discount: discount) { $0.reduce(0.0) { $0 + bend(3 * $1) } }
    case .outerNonlinear: return .outerNonlinear(reward(), discount: discount, bend)
    case .outerMultiObjective: return .outerMultiObjective([reward(), reward(), reward()], discount: discount, fold)
    case .functionsOfOccupancies: return .occupancy(discount: discount, fold)
    case .functionsOfLotteries: return .lottery { fold($0.conditional) }
    case .functionsOfPolicies: return .policy { fold($0.probabilities) }
    case .multiObjectiveOrders: return .multiObjectiveOrder([reward(), reward()], discount: discount, lexicographic)
    case .occupancyOrders: return .occupancyOrder(discount: discount, lexicographic)
    case .lotteryOrders: return .lotteryOrder { lexicographic($0.conditional, $1.conditional) }
    case .policyOrders: return .policyOrder { lexicographic($0.probabilities, $1.probabilities) }
    }
  }
}
