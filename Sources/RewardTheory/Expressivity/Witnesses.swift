import Basics
import FiniteMDPs
import Foundation

/// A task that some formalisms express and others cannot: what separates two nodes of the diagram.
public struct Witness: Sendable {
  /// How a "cannot" is shown.
  public enum Proof: Sendable {
    /// `ExpressivityEnvironment.decide` refutes the order of these policies.
    case decision(PolicyOrder)
    /// An argument about all policies, whose steps are computed; true if all of them hold.
    case obligation(String, @Sendable () throws -> Bool)
    /// A theorem that nothing finite can show.
    case proofOnly(String)
  }

  public let id: String
  public let summary: String
  public let environment: ExpressivityEnvironment
  /// What is wanted; nil where it is no number (W9).
  public let target: (@Sendable (TabularPolicy) -> Double)?
  /// The order on a grid of policies: of the formalisms that express it.
  public let fine: PolicyOrder
  /// The order on a coarser grid, for linear programs.
  public let coarse: PolicyOrder
  public let expressedBy: [Objective]
  public let beyond: [(formalism: Formalism, proof: Proof)]
}

extension Witness {
  /// W1 to W9. States have a single action where none are named.
  public static func all() throws -> [Witness] {
    [try w1(), try w2(), try w3(), try w4(), try w5(), try w6(), try w7(), try w8(), try w9()]
  }

  private static let discount = 0.9

  private static func refuted(
    _ formalisms: [Formalism], by order: PolicyOrder
  ) -> [(formalism: Formalism, proof: Proof)] {
    formalisms.map { (formalism: $0, proof: .decision(order)) }
  }

  /// s0 with `count` actions, which all lead to the same absorbing end.
  private static func bandit(_ name: String, _ count: Int) throws -> ExpressivityEnvironment {
    try ExpressivityEnvironment(
      name: name, states: ["s0", "end"], actions: [Array(["a", "b", "c"].prefix(count)), ["stay"]], initial: [1, 0],
      successors: [[[Double]](repeating: [0, 1], count: count), [[0, 1]]])
  }

  /// s1 → s2 → end with the actions 0 and 1 in s1 and s2.
  private static func corridor(_ name: String) throws -> ExpressivityEnvironment {
    try ExpressivityEnvironment(
      name: name, states: ["s1", "s2", "end"], actions: [["0", "1"], ["0", "1"], ["stay"]], initial: [1, 0, 0],
      successors: [[[0, 1, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 1]], [[0, 0, 1]]])
  }

  /// Points 0, 1/n, …, 1.
  private static func grid(_ n: Int) -> [Double] { (0...n).map { Double($0) / Double(n) } }

  /// Lattice points of the triangle of distributions over three actions.
  private static func triangle(_ n: Int) -> [[Double]] {
    var points: [[Double]] = []
    for i in 0...n {
      for j in 0...n - i { points.append([Double(i), Double(j), Double(n - i - j)].map { $0 / Double(n) }) }
    }
    return points
  }

  private static func zeros(_ environment: ExpressivityEnvironment) -> [Double] {
    [Double](repeating: 0, count: environment.transitionCount)
  }

  /// A reward that pays for some transitions of state, action and next state.
  private static func reward(_ environment: ExpressivityEnvironment, _ entries: [(Int, Int, Int, Double)]) -> [Double] {
    var table = zeros(environment)
    for (s, a, next, value) in entries { table[environment.transition(s, a, next)] = value }
    return table
  }

  private static func w1() throws -> Witness {
    let env = try bandit("W1", 2)
    let policies = try grid(20).map { try env.policy([[$0, 1 - $0], [1]]) }
    let target: @Sendable (TabularPolicy) -> Double = { -($0[0, 0] - 0.5) * ($0[0, 0] - 0.5) }
    let order = PolicyOrder(policies, by: policies.map(target))
    let take = reward(env, [(0, 0, 1, 1)])
    return Witness(
      id: "W1", summary: "one choice of two; best to toss a fair coin, the worse the more certain", environment: env,
      target: target, fine: order, coarse: order,
      expressedBy: [
        .outerNonlinear(take, discount: discount) { -($0 - 0.5) * ($0 - 0.5) },
        .regularised(zeros(env), strength: 1, discount: discount, negativeEntropy),
      ],
      beyond: refuted(
        [
          .markovRewards, .rewardMachines, .linearTemporalLogic, .limitAverageReward, .functionsOfTrajectories,
          .innerNonlinear, .innerMultiObjective,
        ], by: order))
  }

  private static func w2() throws -> Witness {
    let env = try corridor("W2")
    let target: @Sendable (TabularPolicy) -> Double = { π in π[0, 1] * π[1, 1] + π[0, 0] * π[1, 0] }
    func order(_ points: [(Double, Double)]) throws -> PolicyOrder {
      let policies = try points.map { try env.policy([[1 - $0.0, $0.0], [1 - $0.1, $0.1], [1]]) }
      return PolicyOrder(policies, by: policies.map(target))
    }
    func product(_ n: Int) -> [(Double, Double)] {
      var points: [(Double, Double)] = []
      for p in grid(n) { for q in grid(n) { points.append((p, q)) } }
      return points
    }
    let corners = try order(product(1))
    // The machine's state is 0 at first and after a 0 in s1, else 1; labels: 0, 1 in s1, the rest.
    var labels = [Int](repeating: 2, count: env.transitionCount)
    labels[env.transition(0, 0, 1)] = 0
    labels[env.transition(0, 1, 1)] = 1
    let equal = reward(env, [(1, 0, 2, 1)]) + reward(env, [(1, 1, 2, 1)])
    let machine = try RewardMachine(
      stateCount: 2, labelCount: 3, labels: labels, next: [0, 1, 0, 0, 1, 1], rewards: equal)
    var ones = [UInt64](repeating: 0, count: env.transitionCount)
    ones[env.transition(0, 1, 1)] = 1
    ones[env.transition(1, 1, 2)] = 1
    let one = TemporalFormula.label(0)
    let equally = TemporalFormula.or(.and(one, .next(one)), .and(.not(one), .next(.not(one))))
    let first = env.transition(0, 1, 1), second = env.transition(1, 1, 2)
    return Witness(
      id: "W2", summary: "two choices in a row; best to choose the same twice", environment: env, target: target,
      fine: try order(product(20)), coarse: try order(product(4)),
      expressedBy: [
        .rewardMachine(machine, discount: discount),
        .temporal(equally, labels: ones),
        .trajectories { ξ in ξ.steps.contains(first) == ξ.steps.contains(second) ? 1 : 0 },
      ],
      beyond: refuted([.markovRewards, .regularised, .limitAverageReward], by: corners) + [
        (
          .outerNonlinear,
          .obligation("every reward gives a corner the same return as a policy with p or q = 1/2") {
            try Witness.everyRewardConfusesCorners(env, target)
          }
        ),
      ])
  }

  /// A reward gives (p, q) the return c0 + c1 p + c2 q. The target is 1/2 on the lines p = 1/2 and q = 1/2, and 0 or 1 in
  /// the corners; where a corner's return lies among those of a line, no function of the return can be right.
  private static func everyRewardConfusesCorners(
    _ env: ExpressivityEnvironment, _ target: (TabularPolicy) -> Double
  ) throws -> Bool {
    for direction in 0..<200 {
      let angle = 2 * Double.pi * Double(direction) / 200
      let (c1, c2) = (cos(angle), sin(angle))
      let score = Objective.markovReward(
        reward(env, [(0, 1, 1, c1), (1, 1, 2, c2 / discount)]), discount: discount)
      var isConfused = false
      for (p, q) in [(0.0, 0.0), (0, 1), (1, 0), (1, 1)] where !isConfused {
        // On q = 1/2 the point p' with c1 p' + c2 / 2 = c1 p + c2 q; on p = 1/2 likewise.
        var candidates: [(Double, Double)] = []
        if abs(c1) > 1e-12 { candidates.append((p + c2 * (q - 0.5) / c1, 0.5)) }
        if abs(c2) > 1e-12 { candidates.append((0.5, q + c1 * (p - 0.5) / c2)) }
        for (x, y) in candidates where (0...1).contains(x) && (0...1).contains(y) {
          let corner = try env.policy([[1 - p, p], [1 - q, q], [1]])
          let other = try env.policy([[1 - x, x], [1 - y, y], [1]])
          let returns = (try env.score(score, corner) ?? 0, try env.score(score, other) ?? 1)
          if abs(returns.0 - returns.1) < 1e-12, abs(target(corner) - target(other)) > 0.49 { isConfused = true }
        }
      }
      if !isConfused { return false }
    }
    return true
  }

  private static func w3() throws -> Witness {
    let env = try ExpressivityEnvironment(
      name: "W3", states: ["s0", "none", "some", "all"], actions: [["a", "b", "c"], ["stay"], ["stay"], ["stay"]],
      initial: [1, 0, 0, 0],
      successors: [
        [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[0, 1, 0, 0]], [[0, 0, 1, 0]], [[0, 0, 0, 1]],
      ])
    let policies = try triangle(5).map { try env.policy([$0, [1], [1], [1]]) }
    let target: @Sendable (TabularPolicy) -> Double = { 0.3 * $0[0, 1] + $0[0, 2] }
    let order = PolicyOrder(policies, by: policies.map(target))
    let certain = try (0..<3).map { k in try env.policy([(0..<3).map { $0 == k ? 1 : 0 }, [1], [1], [1]]) }
    let entering = reward(env, [(0, 1, 2, 0.3), (0, 2, 3, 1)])
    let staying = reward(env, [(2, 0, 2, 0.3), (3, 0, 3, 1)])
    return Witness(
      id: "W3", summary: "one choice of three prizes, worth 0, .3 and 1; the expected prize counts", environment: env,
      target: target, fine: order, coarse: order,
      expressedBy: [.markovReward(entering, discount: discount), .limitAverage(staying)],
      beyond: refuted([.linearTemporalLogic], by: PolicyOrder(certain, by: certain.map(target))))
  }

  private static func w4() throws -> Witness {
    let env = try ExpressivityEnvironment(
      name: "W4", states: ["s0", "goal"], actions: [["a", "b"], ["stay"]], initial: [1, 0],
      successors: [[[0, 1], [1, 0]], [[0, 1]]])
    let policies = try grid(20).map { try env.policy([[$0, 1 - $0], [1]]) }
    let target: @Sendable (TabularPolicy) -> Double = { $0[0, 0] > 0 ? 1 : 0 }
    let order = PolicyOrder(policies, by: policies.map(target))
    var labels = [UInt64](repeating: 0, count: env.transitionCount)
    labels[env.transition(0, 0, 1)] = 1
    return Witness(
      id: "W4", summary: "a leads to the goal, b nowhere; all that counts is to arrive some day", environment: env,
      target: target, fine: order, coarse: order,
      expressedBy: [
        .temporal(.eventually(.label(0)), labels: labels), .limitAverage(reward(env, [(1, 0, 1, 1)])),
      ],
      beyond: refuted([.markovRewards], by: order) + [
        (
          .rewardMachines,
          .obligation("every machine's score is continuous in p: |J(p) - J(0)| ≤ 2 max|R| p / (1-γ)²") {
            try Witness.machinesAreContinuous(env)
          }
        ),
      ])
  }

  /// Up to step t another trajectory than b's alone has probability at most (t + 1) p, whatever the machine; so a score cannot
  /// be one number for all p > 0 and a smaller one at 0.
  private static func machinesAreContinuous(_ env: ExpressivityEnvironment) throws -> Bool {
    var random = RandomGenerator(seed: 4)
    let labels = (0..<env.transitionCount).map { $0 }
    let stay = try env.policy([[0, 1], [1]])
    for _ in 0..<200 {
      let count = 1 + random.integer(below: 4)
      let machine = try RewardMachine(
        stateCount: count, labelCount: labels.count, labels: labels,
        next: (0..<count * labels.count).map { _ in random.integer(below: count) },
        rewards: (0..<count * labels.count).map { _ in random.normal() })
      let γ = random.uniform(0.05, 0.95)
      let largest = machine.rewards.reduce(0) { max($0, abs($1)) }
      let none = try env.score(.rewardMachine(machine, discount: γ), stay) ?? .nan
      for power in 1...20 {
        let p = pow(2, -Double(power))
        let some = try env.score(.rewardMachine(machine, discount: γ), env.policy([[p, 1 - p], [1]])) ?? .nan
        guard abs(some - none) <= 2 * largest * p / ((1 - γ) * (1 - γ)) + 1e-12 else { return false }
      }
    }
    return true
  }

  private static func w5() throws -> Witness {
    let env = try bandit("W5", 2)
    let policies = try grid(20).map { try env.policy([[$0, 1 - $0], [1]]) }
    let target: @Sendable (TabularPolicy) -> Double = { $0[0, 0] }
    let order = PolicyOrder(policies, by: policies.map(target))
    var labels = [UInt64](repeating: 0, count: env.transitionCount)
    labels[env.transition(0, 0, 1)] = 1
    return Witness(
      id: "W5", summary: "one choice of two with no consequence; the first is preferred", environment: env, target: target,
      fine: order, coarse: order,
      expressedBy: [
        .markovReward(reward(env, [(0, 0, 1, 1)]), discount: discount), .temporal(.label(0), labels: labels),
      ],
      beyond: refuted([.limitAverageReward], by: order))
  }

  private static func w6() throws -> Witness {
    let env = try bandit("W6", 3)
    let third = 1.0 / 3
    let policies = try (triangle(5) + [[third, third, 1 - 2 * third]]).map { try env.policy([$0, [1]]) }
    let target: @Sendable (TabularPolicy) -> Double = { $0.entropy[0] }
    let order = PolicyOrder(policies, by: policies.map(target))
    return Witness(
      id: "W6", summary: "one choice of three; the more entropy the better", environment: env, target: target, fine: order,
      coarse: order, expressedBy: [.regularised(zeros(env), strength: 1, discount: discount, negativeEntropy)],
      beyond: [
        (
          .outerNonlinear,
          .obligation("every reward gives some other policy the return of the uniform one") {
            try Witness.everyRewardHasALevelSet(env, target)
          }
        )
      ])
  }

  /// A reward's level set through the uniform policy is a line in the triangle, and the target is greatest there alone.
  private static func everyRewardHasALevelSet(
    _ env: ExpressivityEnvironment, _ target: (TabularPolicy) -> Double
  ) throws -> Bool {
    let third = 1.0 / 3
    let uniform = try env.policy([[third, third, 1 - 2 * third], [1]])
    for direction in 0..<200 {
      let angle = 2 * Double.pi * Double(direction) / 200
      let c: [Double] = (0..<3).map { cos(angle + 2 * Double.pi * Double($0) / 3) }
      // Along (c1 - c2, c2 - c0, c0 - c1) neither the sum of probabilities nor the return changes.
      let step: [Double] = [c[1] - c[2], c[2] - c[0], c[0] - c[1]]
      let moved: [Double] = (0..<3).map { (a: Int) -> Double in uniform[0, a] + 0.1 * step[a] }
      let other = try env.policy([moved, [1]])
      let score = Objective.markovReward(
        reward(env, c.enumerated().map { (0, $0, 1, $1) }), discount: discount)
      let returns = (try env.score(score, uniform) ?? 0, try env.score(score, other) ?? 1)
      guard abs(returns.0 - returns.1) < 1e-12, target(uniform) - target(other) > 1e-3 else { return false }
    }
    return true
  }

  private static func w7() throws -> Witness {
    let env = try corridor("W7")
    let target: @Sendable (TabularPolicy) -> Double = { π in
      let sum: Double = π[0, 1] + π[1, 1]
      return -(sum - 1) * (sum - 1)
    }
    func order(_ points: [(Double, Double)]) throws -> PolicyOrder {
      let policies = try points.map { try env.policy([[1 - $0.0, $0.0], [1 - $0.1, $0.1], [1]]) }
      return PolicyOrder(policies, by: policies.map(target))
    }
    func product(_ n: Int) -> [(Double, Double)] {
      var points: [(Double, Double)] = []
      for p in grid(n) { for q in grid(n) { points.append((p, q)) } }
      return points
    }
    let corners = try order(product(1)), middle = try order(product(1) + [(0.5, 0.5)])
    let sum = reward(env, [(0, 1, 1, 1), (1, 1, 2, 1 / discount)])
    return Witness(
      id: "W7", summary: "two choices in a row; best to choose 1 once on average", environment: env, target: target,
      fine: try order(product(20)), coarse: try order(product(4)),
      expressedBy: [.outerNonlinear(sum, discount: discount) { -($0 - 1) * ($0 - 1) }],
      beyond: refuted([.markovRewards, .regularised], by: corners)
        + refuted(
          [
            .functionsOfTrajectories, .innerNonlinear, .innerMultiObjective, .rewardMachines, .linearTemporalLogic,
            .limitAverageReward,
          ], by: middle))
  }

  private static func w8() throws -> Witness {
    let env = try ExpressivityEnvironment(
      name: "W8", states: ["s0", "island"], actions: [["stay"], ["a", "b"]], initial: [1, 0],
      successors: [[[1, 0]], [[1, 0], [1, 0]]])
    let policies = try grid(20).map { try env.policy([[1], [$0, 1 - $0]]) }
    let target: @Sendable (TabularPolicy) -> Double = { $0[1, 0] }
    let order = PolicyOrder(policies, by: policies.map(target))
    let above: Set<Formalism> = [.functionsOfPolicies, .policyOrders]
    return Witness(
      id: "W8", summary: "what would be done in a state that is never reached", environment: env, target: target,
      fine: order, coarse: order, expressedBy: [.policy(target)],
      beyond: refuted(Formalism.allCases.filter { !above.contains($0) }, by: order))
  }

  private static func w9() throws -> Witness {
    let env = try bandit("W9", 3)
    let points = triangle(5)
    let policies = try points.map { try env.policy([$0, [1]]) }
    let sorted = points.indices.sorted { (points[$0][0], points[$0][1]) > (points[$1][0], points[$1][1]) }
    let order = try PolicyOrder(policies, groups: sorted.map { [$0] })
    let rewards = [reward(env, [(0, 0, 1, 1)]), reward(env, [(0, 1, 1, 1)])]
    let above: Set<Formalism> = [.multiObjectiveOrders, .occupancyOrders, .lotteryOrders, .policyOrders]
    let debreu = Proof.proofOnly(
      "a real number for each policy would put uncountably many disjoint intervals on a line (Debreu 1954)")
    return Witness(
      id: "W9", summary: "one choice of three; first the more of a, then the more of b", environment: env, target: nil,
      fine: order, coarse: order,
      expressedBy: [
        .multiObjectiveOrder(rewards, discount: discount) { first, second in
          let signs = zip(first, second).map { ExpressivityEnvironment.sign($0, $1) }
          return signs.first { $0 != 0 } ?? 0
        }
      ],
      beyond: Formalism.allCases.filter { !above.contains($0) }.map { (formalism: $0, proof: debreu) })
  }

  @Sendable private static func negativeEntropy(_ distribution: [Double]) -> Double {
    distribution.reduce(0) { $1 > 0 ? $0 + $1 * log($1) : $0 }
  }
}

extension Witness {
  /// What came of checking a witness.
  public struct Report: Sendable, Hashable, Codable {
    public struct Line: Sendable, Hashable, Codable {
      public var formalism: Formalism
      public var holds: Bool
      public var how: String
      public var certificates: [OrderCertificate]
    }
    public var id: String
    public var summary: String
    /// Formalisms whose objective reproduces the order on every pair of the grid.
    public var expresses: [Line]
    public var cannot: [Line]
    /// Everything but what no finite computation shows.
    public var holds: Bool { expresses.allSatisfy(\.holds) && cannot.allSatisfy(\.holds) }
  }

  /// Checks both sides: the objectives, with everything that the translators make of them, against the order; and the
  /// proofs that others cannot.
  public func verify() throws -> Report {
    var expresses: [Report.Line] = []
    var seen: Set<Formalism> = []
    var open: [(objective: Objective, how: String)] = expressedBy.map { ($0, "directly") }
    for objective in expressedBy { seen.insert(objective.formalism) }
    var head = 0
    while head < open.count {
      let (objective, how) = open[head]
      head += 1
      expresses.append(
        .init(formalism: objective.formalism, holds: try reproduces(objective), how: how, certificates: []))
      for translator in Translator.all where translator.from == objective.formalism {
        guard !translator.needsTrajectories || environment.trajectories != nil, seen.insert(translator.to).inserted
        else { continue }
        open.append((try translator(objective, in: environment), "from \(objective.formalism.rawValue): \(translator.reason)"))
      }
    }
    let cannot = try beyond.map { formalism, proof in
      switch proof {
      case .decision(let order):
        let verdict = try environment.decide(formalism, order)
        return Report.Line(
          formalism: formalism, holds: verdict.isExpressible == false, how: verdict.reason,
          certificates: verdict.certificates)
      case .obligation(let statement, let check):
        return Report.Line(formalism: formalism, holds: try check(), how: statement, certificates: [])
      case .proofOnly(let argument):
        return Report.Line(
          formalism: formalism, holds: true, how: "not machine-checked: \(argument)", certificates: [])
      }
    }
    return Report(id: id, summary: summary, expresses: expresses, cannot: cannot)
  }

  private func reproduces(_ objective: Objective) throws -> Bool {
    if try environment.score(objective, fine.policies[0]) != nil {
      return fine.agrees(with: try fine.policies.map { try environment.score(objective, $0) ?? .nan })
    }
    return try fine.comparisons.allSatisfy { row in
      let sign = try environment.compare(objective, fine.policies[row.better], fine.policies[row.worse])
      return row.isStrict ? sign == 1 : sign == 0
    }
  }
}
