import Basics
import FiniteMDPs
import Foundation

/// A total preorder of finitely many policies.
public struct PolicyOrder: Sendable, Hashable {
  public let policies: [TabularPolicy]
  /// Numbers of policies, the best first; those in one group are as good as each other.
  public let groups: [[Int]]

  /// - Throws: `GuerdonError` unless every policy is in exactly one group.
  public init(_ policies: [TabularPolicy], groups: [[Int]]) throws {
    let sorted = groups.joined().sorted()
    guard sorted == Array(policies.indices), !groups.contains(where: \.isEmpty) else {
      throw GuerdonError.usage("An order of \(policies.count) policies names each of them once.")
    }
    self.policies = policies
    self.groups = groups
  }

  /// The order of scores; scores within `tie` of their group's best are equal.
  public init(_ policies: [TabularPolicy], by scores: [Double], tie: Double = ExpressivityEnvironment.tie) {
    let sorted = scores.indices.sorted { scores[$0] > scores[$1] }
    var groups: [[Int]] = []
    for k in sorted {
      if let best = groups.last?.first, scores[best] - scores[k] <= tie {
        groups[groups.count - 1].append(k)
      } else {
        groups.append([k])
      }
    }
    self.policies = policies
    self.groups = groups
  }

  /// The group of every policy.
  public var ranks: [Int] {
    var ranks = [Int](repeating: 0, count: policies.count)
    for (rank, group) in groups.enumerated() { for k in group { ranks[k] = rank } }
    return ranks
  }

  /// What fixes the order: neighbouring groups' first policies, and every other policy beside its group's first.
  var comparisons: [(better: Int, worse: Int, isStrict: Bool)] {
    var rows: [(better: Int, worse: Int, isStrict: Bool)] = []
    for (group, below) in zip(groups, groups.dropFirst()) { rows.append((group[0], below[0], true)) }
    for group in groups { for other in group.dropFirst() { rows.append((group[0], other, false)) } }
    return rows
  }

  /// Whether a list of scores has this order.
  func agrees(with scores: [Double]) -> Bool {
    comparisons.allSatisfy { row in
      let sign = ExpressivityEnvironment.sign(scores[row.better], scores[row.worse])
      return row.isStrict ? sign == 1 : sign == 0
    }
  }
}

/// A proof that no linear score has an order: the differences of policies, each counted as often as said, add up to 0,
/// while what the order asks of them adds up to more than 0.
public struct OrderCertificate: Sendable, Hashable, Codable {
  public struct Entry: Sendable, Hashable, Codable {
    /// Numbers of policies; the order says that `better` is above `worse`, or as good.
    public var better: Int
    public var worse: Int
    public var isStrict: Bool
    /// Not negative where the comparison is strict.
    public var weight: Double
  }

  public var entries: [Entry]
  /// The largest entry of Σ weight · (features of better - features of worse), which is 0 but for rounding.
  public var residual: Double
  /// The discounts at which that was verified; empty where there is none.
  public var discounts: [Double]
  /// True if it holds at every discount: the sum is a rational function of γ whose numerator's degree is at most the
  /// number of policies times that of states, and it vanishes at more discounts than that.
  public var coversEveryDiscount: Bool
}

/// Whether a formalism can express an order of finitely many policies in an environment.
public struct ExpressivityVerdict: Sendable, Hashable, Codable {
  public var formalism: Formalism
  /// nil where the procedure cannot tell.
  public var isExpressible: Bool?
  public var reason: String
  /// The discount of the objective that was found.
  public var discount: Double?
  /// The objective that was found: a reward [S, A] (MR, LAR), that and F of every distribution (RRL), a value for every
  /// trajectory (FTR, LTL), rewards [U, S, A, S] (RM).
  public var parameters: [Double]?
  /// What was found impossible, one a discount, or one for all of them.
  public var certificates: [OrderCertificate] = []
}

extension ExpressivityEnvironment {
  /// The discounts that are tried where an objective may choose its own.
  public static let discounts = [0.1, 0.3, 0.5, 0.7, 0.9, 0.99]

  /// Decides by linear programs whether an order can be expressed; see `docs/methods/expressivity.md` for what each
  /// formalism's program is.
  /// - Throws: `GuerdonError` for policies of another environment, or discounts outside [0, 1).
  public func decide(
    _ formalism: Formalism, _ order: PolicyOrder, discounts: [Double] = ExpressivityEnvironment.discounts
  ) throws -> ExpressivityVerdict {
    guard !discounts.isEmpty, discounts.allSatisfy({ $0 >= 0 && $0 < 1 }) else {
      throw GuerdonError.usage("Discounts lie in [0, 1), and one at least is needed.")
    }
    for (k, policy) in order.policies.enumerated() { try check(policy, "Policy [\(k)]") }
    switch formalism {
    case .markovRewards:
      return try decideDiscounted(formalism, order, discounts) { try self.process(discount: $1).occupancy(of: $0).stateActions }
    case .regularised:
      let distributions = distinctDistributions(order.policies)
      return try decideDiscounted(formalism, order, discounts) { policy, discount in
        try self.regularisedFeatures(policy, discount, distributions)
      }
    case .limitAverageReward:
      let mdp = try process(discount: 0)
      return try decideLinear(formalism, order, try order.policies.map { try mdp.averageOccupancy(of: $0).stateActions })
    case .functionsOfTrajectories, .innerNonlinear, .innerMultiObjective: return try decideTrajectories(formalism, order)
    case .linearTemporalLogic: return decideTemporal(order)
    case .rewardMachines: return try decideMachines(order, discounts)
    case .outerNonlinear, .outerMultiObjective, .functionsOfOccupancies, .functionsOfLotteries, .multiObjectiveOrders,
      .occupancyOrders, .lotteryOrders:
      return decideByIdentity(formalism, order, what: "trajectory lotteries (and occupancies)") { a, b in
        let (x, y) = (lottery(of: a), lottery(of: b))
        return x.visited == y.visited && zip(x.conditional, y.conditional).allSatisfy { abs($0 - $1) < 1e-12 }
      }
    case .functionsOfPolicies, .policyOrders:
      return decideByIdentity(formalism, order, what: "policies") { a, b in
        zip(a.probabilities, b.probabilities).allSatisfy { abs($0 - $1) < 1e-12 }
      }
    }
  }

  func check(_ policy: TabularPolicy, _ name: String) throws {
    guard policy.stateCount == stateCount, policy.actionCount == actionCount else {
      throw GuerdonError.usage("\(name) is for another environment than \(self.name).")
    }
    for s in 0..<stateCount {
      for a in actions[s].count..<actionCount where policy[s, a] != 0 {
        throw GuerdonError.usage("\(name) takes an action that the state \(states[s]) of \(self.name) does not have.")
      }
    }
  }

  // MARK: Linear scores

  /// Scores w · φ(π): finds w with a margin of 1 between neighbouring groups, or the multipliers that forbid it.
  enum LinearOutcome {
    case weights([Double])
    case multipliers([Double])
  }

  func separate(_ order: PolicyOrder, _ features: [[Double]]) throws -> LinearOutcome {
    let count = features.first?.count ?? 0
    var program = LinearProgram(
      .minimise, costs: [Double](repeating: 0, count: max(1, count)), lower: -.infinity)
    for row in order.comparisons {
      let difference = zip(features[row.better], features[row.worse]).map { $0 - $1 }
      if row.isStrict {
        program.addRow(dense: difference, atLeast: 1)
      } else {
        program.addRow(dense: difference, atLeast: 0, atMost: 0)
      }
    }
    switch try program.solve() {
    case .optimal(let solution): return .weights(solution.values)
    case .infeasible(let certificate): return .multipliers(certificate.multipliers)
    case .unbounded: throw GuerdonError.failure("A linear program without costs was called unbounded.")
    }
  }

  /// Multipliers as a certificate, strict weights adding up to 1, checked against the features.
  /// - Throws: `GuerdonError` when they prove nothing.
  func certificate(
    _ order: PolicyOrder, _ multipliers: [Double], discounts: [Double], features: (Double?) throws -> [[Double]]
  ) throws -> OrderCertificate {
    let rows = order.comparisons
    let total = zip(rows, multipliers).reduce(0.0) { $0 + ($1.0.isStrict ? max(0, $1.1) : 0) }
    var entries: [OrderCertificate.Entry] = []
    for (row, weight) in zip(rows, multipliers) where abs(weight) > 1e-9 * total {
      entries.append(.init(better: row.better, worse: row.worse, isStrict: row.isStrict, weight: weight / total))
    }
    var certificate = OrderCertificate(entries: entries, residual: 0, discounts: discounts, coversEveryDiscount: false)
    for discount in discounts.isEmpty ? [nil] : discounts.map(Optional.some) {
      certificate.residual = max(certificate.residual, Self.residual(entries, try features(discount)))
    }
    guard total > 0, certificate.residual <= 1e-7, entries.allSatisfy({ !$0.isStrict || $0.weight >= 0 }) else {
      throw GuerdonError.failure("The solver's certificate does not prove that the order is out of reach.")
    }
    return certificate
  }

  /// The largest entry of Σ weight · (φ(better) - φ(worse)), relative to the features' size.
  static func residual(_ entries: [OrderCertificate.Entry], _ features: [[Double]]) -> Double {
    var sum = [Double](repeating: 0, count: features.first?.count ?? 0), scale = 1.0
    for entry in entries {
      for k in sum.indices {
        sum[k] += entry.weight * (features[entry.better][k] - features[entry.worse][k])
        scale = max(scale, abs(features[entry.better][k]), abs(features[entry.worse][k]))
      }
    }
    return sum.reduce(0) { max($0, abs($1)) } / scale
  }

  private func decideLinear(
    _ formalism: Formalism, _ order: PolicyOrder, _ features: [[Double]]
  ) throws -> ExpressivityVerdict {
    switch try separate(order, features) {
    case .weights(let weights):
      return .init(
        formalism: formalism, isExpressible: true, reason: "a \(formalism.rawValue) objective has this order",
        parameters: weights)
    case .multipliers(let multipliers):
      return .init(
        formalism: formalism, isExpressible: false,
        reason: "differences of policies add up to 0 that any such objective would have to give more than 0",
        certificates: [try certificate(order, multipliers, discounts: []) { _ in features }])
    }
  }

  private func decideDiscounted(
    _ formalism: Formalism, _ order: PolicyOrder, _ discounts: [Double],
    _ features: (TabularPolicy, Double) throws -> [Double]
  ) throws -> ExpressivityVerdict {
    func all(_ discount: Double) throws -> [[Double]] { try order.policies.map { try features($0, discount) } }
    var certificates: [OrderCertificate] = []
    for discount in discounts {
      switch try separate(order, try all(discount)) {
      case .weights(let weights):
        return .init(
          formalism: formalism, isExpressible: true, reason: "a \(formalism.rawValue) objective has this order",
          discount: discount, parameters: weights)
      case .multipliers(let multipliers):
        certificates.append(try certificate(order, multipliers, discounts: [discount]) { try all($0 ?? discount) })
      }
    }
    if let one = try certificateForEveryDiscount(order, all) {
      return .init(
        formalism: formalism, isExpressible: false,
        reason: "at every discount differences of policies add up to 0 that any such objective would have to give more than 0",
        certificates: [one])
    }
    return .init(
      formalism: formalism, isExpressible: false,
      reason: "at each of the discounts \(discounts) differences of policies add up to 0 that any such objective would "
        + "have to give more than 0; no one combination does so at every discount",
      certificates: certificates)
  }

  /// One combination that vanishes at every discount, found at a few and verified at more than a rational function of
  /// its degree can have zeros.
  private func certificateForEveryDiscount(
    _ order: PolicyOrder, _ features: (Double) throws -> [[Double]]
  ) throws -> OrderCertificate? {
    let rows = order.comparisons
    var program = LinearProgram(.minimise)
    for row in rows { program.addVariable(lower: row.isStrict ? 0 : -.infinity) }
    program.addRow(rows.indices.filter { rows[$0].isStrict }.map { .init($0, 1) }, equals: 1)
    for discount in [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95] {
      let φ = try features(discount)
      for k in 0..<(φ.first?.count ?? 0) {
        program.addRow(dense: rows.map { φ[$0.better][k] - φ[$0.worse][k] }, atLeast: 0, atMost: 0)
      }
    }
    guard case .optimal(let solution) = try program.solve() else { return nil }
    let used = Set(
      rows.indices.filter { abs(solution.values[$0]) > 1e-9 }.flatMap { [rows[$0].better, rows[$0].worse] })
    let count = used.count * stateCount + 1
    let discounts = (0..<count).map { (Double($0) + 0.5) / Double(count) }
    guard var result = try? certificate(order, solution.values, discounts: discounts, features: { try features($0 ?? 0) })
    else { return nil }
    result.coversEveryDiscount = true
    return result
  }

  // MARK: Regularised

  /// The distributions that policies use in some state, each once.
  private func distinctDistributions(_ policies: [TabularPolicy]) -> [[Double]] {
    var distinct: [[Double]] = []
    for policy in policies {
      for s in 0..<stateCount {
        let row = distribution(of: policy, in: s)
        if !distinct.contains(where: { alike($0, row) }) { distinct.append(row) }
      }
    }
    return distinct
  }

  private func alike(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-12 }
  }

  /// The occupancy, and how often each distribution is used: the score is linear in R and in the values of F.
  private func regularisedFeatures(
    _ policy: TabularPolicy, _ discount: Double, _ distributions: [[Double]]
  ) throws -> [Double] {
    let visits = try process(discount: discount).occupancy(of: policy)
    var used = [Double](repeating: 0, count: distributions.count)
    for (s, weight) in visits.states.enumerated() {
      let row = distribution(of: policy, in: s)
      if let k = distributions.firstIndex(where: { alike($0, row) }) { used[k] += weight }
    }
    return visits.stateActions + used
  }

  // MARK: Trajectories, events and machines

  private func decideTrajectories(_ formalism: Formalism, _ order: PolicyOrder) throws -> ExpressivityVerdict {
    guard let trajectories else {
      return .init(
        formalism: formalism, isExpressible: nil,
        reason: "not every trajectory ends in an absorbing state within 12 steps, so that they cannot be listed")
    }
    return try decideLinear(
      formalism, order, order.policies.map { policy in trajectories.map { probability(of: $0, under: policy) } })
  }

  /// Every set of trajectories is a formula's, if transitions have labels of their own; so all of them are tried.
  private func decideTemporal(_ order: PolicyOrder) -> ExpressivityVerdict {
    guard let trajectories, trajectories.count <= 16 else {
      return .init(
        formalism: .linearTemporalLogic, isExpressible: nil,
        reason: "there are more than 16 trajectories, or some without end, so that not every event can be tried")
    }
    let table = order.policies.map { policy in trajectories.map { probability(of: $0, under: policy) } }
    for event in 0..<(1 << trajectories.count) {
      let isIn = trajectories.indices.map { event >> $0 & 1 == 1 ? 1.0 : 0 }
      if order.agrees(with: table.map { dot($0, isIn) }) {
        return .init(
          formalism: .linearTemporalLogic, isExpressible: true, reason: "the probability of an event has this order",
          parameters: isIn)
      }
    }
    return .init(
      formalism: .linearTemporalLogic, isExpressible: false,
      reason: "no event has probabilities in this order: all \(1 << trajectories.count) sets of trajectories were tried")
  }

  /// Machines of up to two states over transitions as labels, and a linear program for the rewards of each. If none
  /// will do and trajectories can be listed, their program says whether a larger one can.
  private func decideMachines(_ order: PolicyOrder, _ discounts: [Double]) throws -> ExpressivityVerdict {
    let possible = (0..<transitionCount).filter { k in
      let (s, a) = (state(ofTransition: k), action(ofTransition: k))
      return a < actions[s].count && transitions[s, a, next(ofTransition: k)] > 0
    }
    // What an absorbing state is worth is free for every machine state, and so the machine may stay as it is there.
    let labelled = possible.filter { !isAbsorbing(state(ofTransition: $0)) }
    var labels = [Int](repeating: labelled.count, count: transitionCount)
    for (label, k) in labelled.enumerated() { labels[k] = label }
    let count = labelled.count + 1
    let bits = 2 * labelled.count
    if bits <= 12 {
      for machineStates in [1, 2] {
        for number in 0..<(machineStates == 1 ? 1 : 1 << bits) {
          var next = (0..<machineStates * count).map { $0 / count }
          if machineStates == 2 { for k in 0..<bits { next[k / labelled.count * count + k % labelled.count] = number >> k & 1 } }
          let machine = try RewardMachine(
            stateCount: machineStates, labelCount: count, labels: labels, next: next,
            rewards: [Double](repeating: 0, count: machineStates * transitionCount))
          for discount in discounts {
            let features = try order.policies.map { try occupancy(of: $0, in: machine, discount: discount) }
            guard case .weights(let rewards) = try separate(order, features) else { continue }
            return .init(
              formalism: .rewardMachines, isExpressible: true,
              reason: "a reward machine of \(machineStates) state\(machineStates == 1 ? "" : "s") has this order",
              discount: discount, parameters: rewards)
          }
        }
      }
    }
    var verdict = try decideTrajectories(.rewardMachines, order)
    let tried = bits <= 12
      ? "no machine of at most 2 states has this order at the discounts \(discounts)" : "machines are too many to be tried"
    if verdict.isExpressible == false {
      verdict.reason = "no function of trajectories, and so no machine, has this order: \(verdict.reason)"
    } else {
      verdict.isExpressible = nil
      verdict.parameters = nil
      verdict.reason = tried + "; larger ones are not excluded"
    }
    return verdict
  }

  // MARK: Formalisms that a finite set of policies cannot refute

  private func decideByIdentity(
    _ formalism: Formalism, _ order: PolicyOrder, what: String, _ same: (TabularPolicy, TabularPolicy) -> Bool
  ) -> ExpressivityVerdict {
    let ranks = order.ranks
    for j in order.policies.indices {
      for i in 0..<j where ranks[i] != ranks[j] && same(order.policies[i], order.policies[j]) {
        return .init(
          formalism: formalism, isExpressible: false,
          reason: "policies [\(i)] and [\(j)] have the same \(what), and the order tells them apart")
      }
    }
    return .init(
      formalism: formalism, isExpressible: true,
      reason: "finitely many policies with different \(what) cannot refute \(formalism.rawValue): some function of them "
        + "has any order")
  }
}
