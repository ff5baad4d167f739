import Basics
import Experiments
import FiniteMDPs
import Foundation
import TestSupport
import Testing

@testable import RewardTheory

@Suite struct ExpressivityTests {
  func environments(ending: Bool, _ count: Int) throws -> [ExpressivityEnvironment] {
    try (0..<count).map { index in
      var random = RandomGenerator(seed: 21, spawnKey: [UInt32(index)])
      return try .random(ending: ending, by: &random)
    }
  }

  @Test func formalismsAreSeventeen() { #expect(Formalism.allCases.count == 17) }

  // MARK: Evaluators

  /// A cycle of two states that pays 0 and 1 is worth 1/2 a step.
  @Test func limitAverageOfACycle() throws {
    let cycle = try ExpressivityEnvironment(
      name: "cycle", states: ["x", "y"], actions: [["go"], ["go"]], initial: [1, 0], successors: [[[0, 1]], [[1, 0]]])
    let policy = try cycle.policy([[1], [1]])
    let reward = [0, 0, 1, 0.0]
    #expect(abs(try #require(try cycle.score(.limitAverage(reward), policy)) - 0.5) < 1e-12)
  }

  /// On an irreducible chain what has positive probability happens for ever, and nothing else for ever alone.
  @Test func recurrentFormulas() throws {
    let chain = try ExpressivityEnvironment(
      name: "chain", states: ["x", "y", "z"], actions: [["a", "b"], ["a"], ["a"]], initial: [1, 0, 0],
      successors: [[[0, 1, 0], [0, 0, 1]], [[0.5, 0, 0.5]], [[1, 0, 0]]])
    let policy = try chain.policy([[0.1, 0.9], [1], [1]])
    var labels = [UInt64](repeating: 0, count: chain.transitionCount)
    labels[chain.transition(0, 0, 1)] = 1
    let p = TemporalFormula.label(0)
    func probability(_ formula: TemporalFormula) throws -> Double {
      try #require(try chain.score(.temporal(formula, labels: labels), policy))
    }
    #expect(abs(try probability(.always(.eventually(p))) - 1) < 1e-12)
    #expect(abs(try probability(.eventually(.always(p)))) < 1e-12)
    #expect(abs(try probability(.eventually(.always(.not(p))))) < 1e-12)
    #expect(abs(try probability(p) - 0.1) < 1e-12)
    #expect(abs(try probability(.always(.not(p)))) < 1e-12)
    // Back in x after two steps, by z (.9) or by y (.1 · .5), and only then a (.1).
    #expect(abs(try probability(.next(.next(.and(p, .not(.not(p)))))) - 0.095) < 1e-12)
    #expect(throws: GuerdonError.self) { try probability(.eventually(.next(p))) }
  }

  /// Beside numpy: linear solves, powers of the chain, and dynamic programming over trajectories.
  @Test func evaluatorsEqualNumpy() throws {
    struct Request: Encodable {
      var states, actions: Int
      var table, initial, policy, reward: [Double]
      var labels: [Int]
      var discount: Double
    }
    struct Expected: Decodable { var markov, average, regularised, machine, until: Double }
    var requests: [Request] = [], ours: [[Double]] = []
    var random = RandomGenerator(seed: 2)
    for environment in try environments(ending: false, 6) + environments(ending: true, 6) {
      let policy = try environment.randomPolicy(by: &random)
      let reward = (0..<environment.transitionCount).map { _ in random.normal() }
      let labels = (0..<environment.transitionCount).map { _ in random.integer(below: 4) }
      let machine = try RewardMachine(
        stateCount: 2, labelCount: 4, labels: labels, next: [0, 1, 0, 1, 1, 0, 0, 1], rewards: reward + reward.map { -2 * $0 })
      let scores = try [
        Objective.markovReward(reward, discount: 0.8), .limitAverage(reward),
        .regularised(reward, strength: 0.5, discount: 0.8) { $0.reduce(0) { $0 + $1 * $1 } },
        .rewardMachine(machine, discount: 0.8),
        .temporal(.until(.not(.label(0)), .label(1)), labels: labels.map(UInt64.init)),
      ].map { try #require(try environment.score($0, policy)) }
      ours.append(scores)
      requests.append(
        Request(
          states: environment.stateCount, actions: environment.actionCount, table: environment.transitions.table,
          initial: environment.initial, policy: policy.probabilities, reward: reward, labels: labels, discount: 0.8))
    }
    let theirs: [Expected] = try Python.run(
      """
      import json, sys, numpy as np
      out = []
      for q in json.load(sys.stdin):
        S, A, g = q["states"], q["actions"], q["discount"]
        P = np.array(q["table"], dtype=float).reshape(S, A, S)
        pi, mu = np.array(q["policy"], dtype=float).reshape(S, A), np.array(q["initial"], dtype=float)
        R, L = np.array(q["reward"]).reshape(S, A, S), np.array(q["labels"]).reshape(S, A, S)
        step = pi[:, :, None] * P
        M = step.sum(1)
        d = np.linalg.solve(np.eye(S) - g * M.T, mu)
        r = (step * R).sum((1, 2))
        power, mean = M.copy(), np.eye(S)
        for _ in range(40):
          mean = (mean + power @ mean) / 2
          power = power @ power
          power /= power.sum(1, keepdims=True)
        # The machine: states 0 and 1, next = [[0,1,0,1],[1,0,0,1]], rewards R and -2 R.
        nxt = np.array([[0, 1, 0, 1], [1, 0, 0, 1]])
        big, pay = np.zeros((2 * S, 2 * S)), np.zeros(2 * S)
        for u in range(2):
          for s in range(S):
            for a in range(A):
              for t in range(S):
                w = step[s, a, t]
                big[u * S + s, nxt[u, L[s, a, t]] * S + t] += w
                pay[u * S + s] += w * R[s, a, t] * (1 if u == 0 else -2)
        machine = np.concatenate([mu, np.zeros(S)]) @ np.linalg.solve(np.eye(2 * S) - g * big, pay)
        # P(not 0 until 1) is the least fixed point of x = win + stay x.
        win = (step * ((L & 2) > 0)).sum((1, 2))
        stay = (step * (((L & 2) == 0) & ((L & 1) == 0))).sum(1)
        x = np.zeros(S)
        for _ in range(20000): x = win + stay @ x
        out.append(dict(markov=mu @ np.linalg.solve(np.eye(S) - g * M, r), average=mu @ mean @ r,
                        regularised=d @ (r - 0.5 * (pi ** 2).sum(1)), machine=machine, until=mu @ x))
      print(json.dumps(out))
      """, input: requests)
    for (ours, expected) in zip(ours, theirs) {
      let numbers = [expected.markov, expected.average, expected.regularised, expected.machine, expected.until]
      for (a, b) in zip(ours, numbers) { #expect(abs(a - b) < 1e-8 * max(1, abs(b))) }
    }
  }

  @Test func samplesComeNearTheSum() throws {
    var random = RandomGenerator(seed: 8)
    for environment in try environments(ending: true, 3) {
      let policy = try environment.randomPolicy(by: &random)
      guard case .trajectories(let f) = try environment.randomObjective(.functionsOfTrajectories, by: &random) else { return }
      let exact = try environment.expectation(under: policy, of: f)
      #expect(abs(environment.sampledExpectation(under: policy, of: f) - exact) < 0.15)
      #expect(environment.sampledExpectation(under: policy, of: f) == environment.sampledExpectation(under: policy, of: f))
      let total = try environment.expectation(under: policy) { _ in 1 }
      #expect(abs(total - 1) < 1e-12)
    }
  }

  // MARK: Translators

  @Test func translatorsPreserveOrder() throws {
    for translator in Translator.all {
      for environment in try environments(ending: translator.needsTrajectories, 3) {
        var random = RandomGenerator(seed: 6)
        let objective = try environment.randomObjective(translator.from, by: &random)
        let translated = try translator(objective, in: environment)
        #expect(translated.formalism == translator.to)
        let differing = try Expressivity.mismatches(objective, translated, in: environment, pairs: 30, by: &random)
        #expect(differing == 0, "\(translator.from) to \(translator.to)")
      }
    }
    let mdp = try environments(ending: true, 1)[0]
    #expect(throws: GuerdonError.self) { try Translator.all[0](.limitAverage([]), in: mdp) }
  }

  @Test func codesAreReadBack() throws {
    for environment in try environments(ending: true, 10) {
      let code = TrajectoryCode(environment)
      for trajectory in try #require(environment.trajectories) {
        let value = trajectory.discountedReturn(code.reward, discount: code.discount)
        #expect(code.decode(value) == trajectory)
      }
    }
  }

  /// A machine's return along trajectories, on average, is its score in the product.
  @Test func machinesAgreeWithTheirProduct() throws {
    var random = RandomGenerator(seed: 12)
    for environment in try environments(ending: true, 5) {
      guard case .rewardMachine(let machine, let discount) = try environment.randomObjective(.rewardMachines, by: &random)
      else { return }
      let policy = try environment.randomPolicy(by: &random)
      let product = try #require(try environment.score(.rewardMachine(machine, discount: discount), policy))
      let sum = try environment.expectation(under: policy) { machine.discountedReturn($0, discount: discount) }
      #expect(abs(product - sum) < 1e-9)
    }
  }

  // MARK: Decisions

  /// (1,1) + (0,0) - (1,0) - (0,1) = 0 at every discount.
  @Test func cornersOfW2() throws {
    let witness = try #require(try Witness.all().first { $0.id == "W2" })
    let points = [(1.0, 1.0), (0, 0), (1, 0), (0, 1)]
    let policies = try points.map { try witness.environment.policy([[1 - $0.0, $0.0], [1 - $0.1, $0.1], [1]]) }
    let order = try PolicyOrder(policies, groups: [[0, 1], [2, 3]])
    for formalism in [Formalism.markovRewards, .regularised] {
      let verdict = try witness.environment.decide(formalism, order)
      #expect(verdict.isExpressible == false)
      let certificate = try #require(verdict.certificates.first)
      #expect(certificate.coversEveryDiscount)
      #expect(certificate.residual < 1e-9)
      var weights = [Double](repeating: 0, count: 4)
      for entry in certificate.entries {
        weights[entry.better] += entry.weight
        weights[entry.worse] -= entry.weight
      }
      for (weight, expected) in zip(weights, [0.5, 0.5, -0.5, -0.5]) { #expect(abs(weight - expected) < 1e-9) }
    }
    #expect(try witness.environment.decide(.rewardMachines, order).isExpressible == true)
    #expect(try witness.environment.decide(.linearTemporalLogic, order).isExpressible == true)
    #expect(try witness.environment.decide(.limitAverageReward, order).isExpressible == false)
    #expect(try witness.environment.decide(.outerNonlinear, order).reason.contains("cannot refute"))
  }

  @Test func strictOrdersOfABandit() throws {
    for seed: UInt64 in 0..<3 { #expect(try Expressivity.bandit(seed: seed) == [6, 12]) }
  }

  /// What is found has the order, and what is refuted scipy refutes too: 500 random queries.
  @Test func decisionsEqualScipy() throws {
    struct Query: Encodable { var features: [[Double]]; var rows: [[Int]] }
    var queries: [Query] = [], ours: [Bool] = []
    var random = RandomGenerator(seed: 33)
    let worlds = try environments(ending: true, 10) + environments(ending: false, 10)
    for k in 0..<500 {
      let environment = worlds[k % worlds.count]
      let count = 3 + random.integer(below: 4)
      let policies = try (0..<count).map { _ in try environment.randomPolicy(by: &random) }
      var groups = [[Int]](repeating: [], count: count)
      for policy in 0..<count { groups[random.integer(below: count)].append(policy) }
      let order = try PolicyOrder(policies, groups: groups.filter { !$0.isEmpty })
      let formalism: Formalism =
        environment.trajectories == nil ? (k % 3 == 0 ? .limitAverageReward : .markovRewards)
        : [.functionsOfTrajectories, .markovRewards, .limitAverageReward][k % 3]
      let features = try policies.map { policy in
        switch formalism {
        case .markovRewards: try environment.process(discount: 0.7).occupancy(of: policy).stateActions
        case .limitAverageReward: try environment.process(discount: 0).averageOccupancy(of: policy).stateActions
        default: (environment.trajectories ?? []).map { environment.probability(of: $0, under: policy) }
        }
      }
      let verdict = try environment.decide(formalism, order, discounts: [0.7])
      let isExpressible = try #require(verdict.isExpressible)
      if isExpressible, let weights = verdict.parameters {
        #expect(order.agrees(with: features.map { dot($0, weights) }))
      }
      ours.append(isExpressible)
      queries.append(
        Query(features: features, rows: order.comparisons.map { [$0.better, $0.worse, $0.isStrict ? 1 : 0] }))
    }
    let theirs: [Bool] = try Python.run(
      """
      import json, sys, numpy as np
      from scipy.optimize import linprog
      out = []
      for q in json.load(sys.stdin):
        F, rows = np.array(q["features"]), q["rows"]
        n = F.shape[1]
        ub = [F[j] - F[i] for i, j, strict in rows if strict]
        eq = [F[i] - F[j] for i, j, strict in rows if not strict]
        r = linprog(np.zeros(n), A_ub=ub or None, b_ub=-np.ones(len(ub)) if ub else None, A_eq=eq or None,
                    b_eq=np.zeros(len(eq)) if eq else None, bounds=(None, None), method="highs")
        out.append(r.status == 0)
      print(json.dumps(out))
      """, input: queries)
    #expect(ours == theirs)
    #expect(ours.contains(true) && ours.contains(false))
  }

  // MARK: Witnesses and the diagram

  @Test func witnessesHold() throws {
    let witnesses = try Witness.all()
    #expect(witnesses.map(\.id) == (1...9).map { "W\($0)" })
    for witness in witnesses {
      let report = try witness.verify()
      for line in report.expresses + report.cannot {
        #expect(line.holds, "\(report.id) \(line.formalism.rawValue): \(line.how)")
      }
      for line in report.cannot { for certificate in line.certificates { #expect(certificate.residual < 1e-7) } }
    }
  }

  @Test func hasseDiagram() throws {
    let diagram = try ExpressivityDiagram()
    func name(_ k: Int) -> String { diagram.nodes[k].formalisms.map(\.rawValue).joined(separator: "=") }
    let classes = Set(diagram.nodes.indices.map(name))
    #expect(
      classes == [
        "PO", "FPR", "GOMORL=OMO=TLO", "OMORL=FOMR=FTLR", "RRL", "ONMR", "INMR=IMORL=FTR", "RM", "LTL", "LAR", "MR",
      ])
    let edges = Set(diagram.edges.map { name($0.upper) + " > " + name($0.lower) })
    #expect(
      edges == [
        "PO > FPR", "PO > GOMORL=OMO=TLO", "FPR > OMORL=FOMR=FTLR", "GOMORL=OMO=TLO > OMORL=FOMR=FTLR",
        "OMORL=FOMR=FTLR > RRL", "OMORL=FOMR=FTLR > ONMR", "OMORL=FOMR=FTLR > INMR=IMORL=FTR", "INMR=IMORL=FTR > RM",
        "INMR=IMORL=FTR > LTL", "INMR=IMORL=FTR > LAR", "RM > MR", "RRL > MR", "ONMR > MR",
      ])
    for edge in diagram.edges { #expect(diagram.nodes[edge.upper].level < diagram.nodes[edge.lower].level) }
    // A witness never separates what a translation joins.
    let gap = { (x: Formalism, y: Formalism) in diagram.gaps.first { $0.formalism == x && $0.other == y } }
    #expect(gap(.policyOrders, .markovRewards) == nil)
    #expect(gap(.markovRewards, .rewardMachines)?.witness != nil)
    #expect(gap(.limitAverageReward, .markovRewards)?.witness == "W5")
    // That orders exceed functions (W9) is proof only.
    #expect(gap(.functionsOfPolicies, .multiObjectiveOrders)?.witness == nil)
    let picture = diagram.svg()
    #expect(picture.contains("INMR = IMORL = FTR") && picture.hasSuffix("</svg>\n"))
    try checkXML(picture)
    let back = try JSONDecoder().decode(ExpressivityDiagram.self, from: JSONEncoder().encode(diagram))
    #expect(back == diagram)
  }

  private func checkXML(_ text: String) throws {
    let nodes: Int = try Python.run(
      "import sys, json, xml.etree.ElementTree as t; print(len(list(t.fromstring(json.load(sys.stdin)).iter())))",
      input: text)
    #expect(nodes > 50)
  }

  @Test func surrogateOfW1() throws {
    let witness = try #require(try Witness.all().first)
    let target = try #require(witness.target)
    let surrogate = try Expressivity.surrogate(
      in: witness.environment, policies: witness.fine.policies, objective: target, discount: 0.9)
    // The nearest line to -(x - 1/2)² on [0, 1] is flat, half the range off.
    #expect(abs(surrogate.error - 0.125) < 1e-9)
    #expect(abs(surrogate.value + 0.25) < 1e-12)
    var random = RandomGenerator(seed: 0)
    let best = try Expressivity.optimise(target, in: witness.environment, random: &random)
    #expect(abs(best.value) < 1e-9)
    #expect(abs(best.policy[0, 0] - 0.5) < 1e-4)
  }

  // MARK: Files

  @Test func documentsAreRead() throws {
    let world = """
      {"name": "two turns", "states": [
        {"name": "first", "actions": [{"name": "left", "to": {"second": 1}}, {"name": "right", "to": {"second": 1}}]},
        {"name": "second", "actions": [{"name": "left", "to": {"end": 1}}, {"name": "right", "to": {"end": 1}}]},
        {"name": "end", "actions": [{"name": "stay", "to": {"end": 1}}]}], "initial": {"first": 1}}
      """
    let order = """
      {"policies": [{"name": "x", "probabilities": {"first": {"left": 1}, "second": {"left": 1}}},
                    {"name": "y", "probabilities": {"first": {"left": 0.5, "right": 0.5}, "second": {"right": 1}}}],
       "order": [["y"], ["x"]]}
      """
    func read(_ world: String, _ order: String) throws -> PolicyOrder {
      let environment = try Files.decodeJSON(
        ExpressivityEnvironment.self, from: Data(world.utf8), named: "world.json")
      return try Files.decodeJSON(OrderDocument.self, from: Data(order.utf8), named: "order.json").order(in: environment)
    }
    let read1 = try read(world, order)
    #expect(read1.groups == [[1], [0]])
    #expect(read1.policies[1].probabilities == [0.5, 0.5, 0, 1, 1, 0])
    let mistakes: [(String, String, String)] = [
      ("{\"second\": 1}", "{\"second\": 0.5}", "sums to 0.5"), ("{\"second\": 1}", "{\"secnd\": 1}", "Did you mean"),
      ("{\"first\": 1}}", "{\"first\": 2}}", "initial"), ("\"initial\"", "\"start\"", "start"),
      ("[{\"name\": \"stay\", \"to\": {\"end\": 1}}]", "[]", "needs an action"),
      ("\"left\": 1", "\"lft\": 1", "Did you mean"), ("\"left\": 0.5", "\"left\": 0.4", "not to 1"),
      ("[[\"y\"], [\"x\"]]", "[[\"y\"]]", "where the policy x stands"),
      ("[[\"y\"], [\"x\"]]", "[[\"y\"], [\"x\", \"y\"]]", "twice"), ("\"order\"", "\"ordr\"", "Did you mean \"order\""),
      ("\"name\": \"y\"", "\"name\": \"x\"", "same name"), ("{\"policies\"", "[", "not JSON"),
    ]
    for (old, new, expected) in mistakes {
      let error = #expect(throws: GuerdonError.self) {
        try read(world.replacing(old, with: new, maxReplacements: 1), order.replacing(old, with: new, maxReplacements: 1))
      }
      #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
    }
    let bandit = try Witness.all()[0]
    #expect(throws: GuerdonError.self) { try bandit.environment.decide(.markovRewards, read1) }
    #expect(throws: GuerdonError.self) { try bandit.environment.decide(.markovRewards, bandit.coarse, discounts: [1]) }
  }

  @Test func experimentHoldsAndIsReproducible() async throws {
    var configuration = Expressivity.Configuration.smoke
    configuration.environments = 2
    configuration.pairs = 20
    func evidence(_ jobs: Int) async throws -> Evidence {
      try await Expressivity.reproduce(
        configuration, in: RunContext(jobs: jobs, progress: ProgressLine(quiet: true), interruption: Interruption()))
    }
    let one = try await evidence(1)
    for claim in one.claims { #expect(claim.holds, "\(claim.id): \(claim.measured)") }
    #expect(one == (try await evidence(2)))
  }
}
