import Basics
import Experiments
import FiniteMDPs
import Foundation
import TestSupport
import Testing

@testable import Decisions

@Suite struct InformationAcquisitionTests {
  /// One agent who sees a binary state with probability q after working at cost c.
  func single(q: Double = 0.9, cost: Double = 0.05, limit: Double = 1) throws -> AcquisitionInstance {
    try AcquisitionInstance(
      name: "single", states: ["0", "1"], prior: [0.5, 0.5], actions: ["0", "1"], utility: [1, 0, 0, 1],
      agents: [.init(name: "agent", efforts: ["idle", "work"], costs: [0, cost], signals: ["0", "1"])],
      signalLaw: [0.5, 0.5, 0.5, 0.5, q, 1 - q, 1 - q, q], paymentLimit: limit)
  }

  func randomInstances(_ count: Int, _ sizes: (agents: Int, efforts: Int, signals: Int, states: Int) = (2, 2, 2, 2)) throws
    -> [AcquisitionInstance]
  {
    try (0..<count).map { index in
      var random = RandomGenerator(seed: 77, spawnKey: [UInt32(index)])
      return try .random(
        agents: sizes.agents, efforts: sizes.efforts, signals: sizes.signals, states: sizes.states, by: &random)
    }
  }

  @Test func peerInClosedForm() throws {
    let peer = try AcquisitionInstance.peer()
    let optimum = try InformationAcquisition.optimalMechanism(for: peer)
    #expect(abs(optimum.value - (0.8 - 2.0 / 19)) < 1e-7)
    #expect(abs(optimum.value - 0.694737) < 1e-5)
    #expect(abs(optimum.mechanism.recommendation[3] - 1.0 / 19) < 1e-7)
    #expect(optimum.mechanism.recommendation[0] < 1e-7)
    #expect(abs(try InformationAcquisition.uncorrelatedOptimum(for: peer).optimum.value - 2.0 / 3) < 1e-7)
    let report = optimum.mechanism.verify(in: peer)
    #expect(report.isIncentiveCompatible())
    // Two agents, two recommended efforts, two efforts with four maps each, less honesty.
    #expect(report.deviations == 28)
    // The value rises to .7 as payments may.
    let rich = try InformationAcquisition.optimalMechanism(for: peer.replacing(paymentLimit: 1e4)).value
    #expect(rich > 0.69999 && rich < 0.7)
  }

  /// Idle agents who agree on a report are an equilibrium of PEER's optimum, and a penalty prices it.
  @Test func constantReportsAreReportedAndPenalised() throws {
    let peer = try AcquisitionInstance.peer()
    let optimum = try InformationAcquisition.optimalMechanism(for: peer)
    let reports = optimum.mechanism.verify(in: peer).constantReports
    #expect(reports.contains { $0.isEquilibrium && $0.reports[0] == $0.reports[1] && $0.value < 0.5 })
    let robust = try InformationAcquisition.optimalMechanism(for: peer, options: .init(collusionPenalty: 10))
    #expect(robust.mechanism.verify(in: peer).isIncentiveCompatible())
    let gain = { (mechanism: AcquisitionMechanism) in
      mechanism.verify(in: peer).constantReports.map { $0.gains.reduce(0, +) }.max() ?? 0
    }
    #expect(gain(optimum.mechanism) > 0.05)
    #expect(gain(robust.mechanism) < 1e-7)
    // No more than without the penalty, and no less than the uncorrelated mechanism, in which collusion is no gain.
    #expect(robust.value < optimum.value + 1e-9)
    #expect(robust.value > 2.0 / 3 - 1e-7)
  }

  /// max(½, q - q c / (q - ½)), which needs M ≥ c / (q - ½).
  @Test(arguments: [(0.9, 0.05, 1.0, 0.7875), (0.9, 0.05, 0.125, 0.7875), (0.9, 0.05, 0.1, 0.5), (0.6, 0.05, 1, 0.5)])
  func singleAgent(q: Double, cost: Double, limit: Double, value: Double) throws {
    let instance = try single(q: q, cost: cost, limit: limit)
    #expect(abs(try InformationAcquisition.optimalMechanism(for: instance).value - value) < 1e-7)
    #expect(abs(try InformationAcquisition.uncorrelatedOptimum(for: instance).optimum.value - value) < 1e-7)
  }

  @Test func freeEffortIsFullInformation() throws {
    for instance in try randomInstances(10) {
      let free = try AcquisitionInstance(
        states: instance.states, prior: instance.prior, actions: instance.actions, utility: instance.utility,
        agents: instance.agents.map { .init(name: $0.name, efforts: $0.efforts, costs: [0, 0], signals: $0.signals) },
        signalLaw: instance.signalLaw, paymentLimit: 1)
      let optimum = try InformationAcquisition.optimalMechanism(for: free)
      #expect(abs(optimum.value - free.fullInformationValue) < 1e-7)
      #expect(optimum.mechanism.outcome(in: free).payments.allSatisfy { $0 < 1e-7 })
    }
  }

  @Test func uselessSignalsAreNotPaidFor() throws {
    let useless = try AcquisitionInstance(
      states: ["a", "b"], prior: [0.3, 0.7], actions: ["x", "y", "z"], utility: [1, 0, 0, 1, 0.6, 0.6],
      agents: (0..<2).map { .init(name: "\($0)", efforts: ["idle", "work"], costs: [0, 0.1], signals: ["0", "1"]) },
      signalLaw: (0..<8).flatMap { _ in [0.12, 0.28, 0.18, 0.42] }, paymentLimit: 1)
    let optimum = try InformationAcquisition.optimalMechanism(for: useless)
    #expect(abs(optimum.value - 0.7) < 1e-7)
    #expect(optimum.mechanism.recommendation.dropFirst().allSatisfy { $0 < 1e-7 })
  }

  /// An agent whose only effort shows it nothing changes nothing.
  @Test func anIdleCompanionChangesNothing() throws {
    let alone = try single()
    var law: [Double] = []
    for row in 0..<4 { for s in 0..<2 { for _ in 0..<2 { law.append(0.5 * alone.signalLaw[2 * row + s]) } } }
    let both = try AcquisitionInstance(
      states: alone.states, prior: alone.prior, actions: alone.actions, utility: alone.utility,
      agents: alone.agents + [.init(name: "idler", efforts: ["idle"], costs: [0], signals: ["0", "1"])],
      signalLaw: law, paymentLimit: 1)
    #expect(abs(try InformationAcquisition.optimalMechanism(for: both).value - 0.7875) < 1e-7)
  }

  /// An agent who could work, but for more than it would be worth, never does; a second one like it changes nothing.
  @Test func duplicatingWhoNeverWorksChangesNothing() throws {
    func team(_ others: Int) throws -> AcquisitionInstance {
      let agents: [AcquisitionInstance.Agent] = (0...others).map { number in
        .init(
          name: "agent \(number)", efforts: ["idle", "work"], costs: [0, number == 0 ? 0.05 : 0.6],
          signals: ["0", "1"])
      }
      // [B, Θ, S]: independent signals that are right with 0.9 after work.
      var law: [Double] = []
      let tuples = 1 << agents.count
      for efforts in 0..<tuples {
        for state in 0..<2 {
          for signals in 0..<tuples {
            law.append(
              agents.indices.reduce(1) { product, i in
                let bit = agents.count - 1 - i
                let works = efforts >> bit & 1 == 1, isRight = signals >> bit & 1 == state
                return product * (works ? (isRight ? 0.9 : 0.1) : 0.5)
              })
          }
        }
      }
      return try AcquisitionInstance(
        states: ["0", "1"], prior: [0.5, 0.5], actions: ["0", "1"], utility: [1, 0, 0, 1], agents: agents,
        signalLaw: law, paymentLimit: 1)
    }
    for others in 0...2 {
      let instance = try team(others), optimum = try InformationAcquisition.optimalMechanism(for: instance)
      #expect(abs(optimum.value - 0.7875) < 1e-7, "\(others): \(optimum.value)")
      let workers = (0..<instance.efforts.count).filter { b in
        instance.efforts.entries(of: b).dropFirst().contains(1)
      }
      #expect(workers.allSatisfy { optimum.mechanism.recommendation[$0] < 1e-7 })
    }
  }

  /// The same program written in numpy from the brief, solved by scipy.
  @Test func equalsScipy() throws {
    struct Request: Encodable {
      var efforts, signals: [Int]
      var states, actions: Int
      var prior, utility, law: [Double]
      var costs: [[Double]]
      var limit: Double
    }
    let instances = try randomInstances(8) + randomInstances(2, (2, 3, 2, 3)) + randomInstances(1, (3, 2, 2, 2))
      + [.peer(), single()]
    let theirs: [Double] = try Python.run(
      """
      import itertools, json, sys, numpy as np
      from scipy.optimize import linprog
      out = []
      for q in json.load(sys.stdin):
        n, T, A, M = len(q["efforts"]), q["states"], q["actions"], q["limit"]
        Bs = list(itertools.product(*map(range, q["efforts"])))
        Ss = list(itertools.product(*map(range, q["signals"])))
        p, u = np.array(q["prior"]), np.array(q["utility"]).reshape(A, T)
        P = np.array(q["law"]).reshape(len(Bs), T, len(Ss))
        names = {}
        def v(*key): return names.setdefault(key, len(names))
        for b in Bs: v("mu", b)
        cost, ub, eq, rhs = {}, [], [], []
        for ib, b in enumerate(Bs):
          for js, s in enumerate(Ss):
            for a in range(A): cost[v("y", b, s, a)] = -sum(p[t] * P[ib, t, js] * u[a, t] for t in range(T))
            eq.append({**{v("y", b, s, a): 1 for a in range(A)}, v("mu", b): -1}); rhs.append(0)
            for i in range(n):
              for t in range(T):
                cost[v("x", i, b, s, t)] = p[t] * P[ib, t, js]
                ub.append({v("x", i, b, s, t): 1, v("mu", b): -M})
        eq.append({v("mu", b): 1 for b in Bs}); rhs.append(1)
        def put(t, i, k): return t[:i] + (k,) + t[i + 1:]
        for i in range(n):
          for r in range(q["efforts"][i]):
            for e in range(q["efforts"][i]):
              row = {}
              def add(k, c): row[k] = row.get(k, 0) + c
              for ib, b in enumerate(Bs):
                if b[i] != r: continue
                add(v("mu", b), q["costs"][i][r] - q["costs"][i][e])
                for js, s in enumerate(Ss):
                  for t in range(T): add(v("x", i, b, s, t), -p[t] * P[ib, t, js])
              for s in range(q["signals"][i]): add(v("z", i, r, e, s), 1)
              ub.append(row)
              for s in range(q["signals"][i]):
                for w in range(q["signals"][i]):
                  row = {v("z", i, r, e, s): -1}
                  for b in Bs:
                    if b[i] != r: continue
                    ie = Bs.index(put(b, i, e))
                    for js, S in enumerate(Ss):
                      if S[i] != s: continue
                      for t in range(T):
                        k = v("x", i, b, put(S, i, w), t)
                        row[k] = row.get(k, 0) + p[t] * P[ie, t, js]
                  ub.append(row)
        N = len(names)
        def dense(rows):
          m = np.zeros((len(rows), N))
          for i, row in enumerate(rows):
            for k, c in row.items(): m[i, k] = c
          return m
        c = np.zeros(N)
        for k, x in cost.items(): c[k] = x
        bounds = [(None, None) if key[0] == "z" else (0, None) for key in names]
        r = linprog(c, A_ub=dense(ub), b_ub=np.zeros(len(ub)), A_eq=dense(eq), b_eq=rhs, bounds=bounds, method="highs")
        out.append(-r.fun)
      print(json.dumps(out))
      """,
      input: instances.map { instance in
        Request(
          efforts: instance.efforts.sizes, signals: instance.signals.sizes, states: instance.stateCount,
          actions: instance.actionCount, prior: instance.prior, utility: instance.utility, law: instance.signalLaw,
          costs: instance.agents.map(\.costs), limit: instance.paymentLimit)
      })
    for (instance, expected) in zip(instances, theirs) {
      let optimum = try InformationAcquisition.optimalMechanism(for: instance)
      #expect(abs(optimum.value - expected) < 1e-6, "\(instance.name)")
      #expect(optimum.mechanism.verify(in: instance).isIncentiveCompatible())
    }
  }

  /// `verify` against trying every deviation as what it is: a way to play, whose payoff is simulated exactly.
  @Test func verifyEqualsEnumeration() throws {
    for (number, instance) in try (randomInstances(6) + randomInstances(2, (2, 2, 3, 2))).enumerated() {
      var random = RandomGenerator(seed: 5, spawnKey: [UInt32(number)])
      // A mechanism of random numbers, which no one has reason to obey.
      let (B, S) = (instance.efforts.count, instance.signals.count)
      let weights = (0..<B).map { _ in random.uniform() }, sum = weights.reduce(0, +)
      var decisions = [Double](repeating: 0, count: B * S * instance.actionCount)
      for row in 0..<B * S { decisions[row * instance.actionCount] = 1 }
      let mechanism = try AcquisitionMechanism(
        recommendation: weights.map { $0 / sum },
        payments: instance.agents.map { _ in (0..<B * S * instance.stateCount).map { _ in random.uniform() } },
        decisions: decisions, for: instance)
      let honest: [[AgentResponse]] = instance.agents.indices.map { i in
        instance.agents[i].efforts.indices.map { .honest(effort: $0, signals: instance.signals.sizes[i]) }
      }
      func payoff(_ i: Int, _ responses: [[AgentResponse]]) -> Double {
        let outcome = mechanism.outcome(in: instance, responses: responses)
        return outcome.payments[i] - outcome.costs[i]
      }
      var slack = Double.infinity, tried = 0.0
      for i in instance.agents.indices {
        let k = instance.signals.sizes[i], base = payoff(i, honest)
        let maps = Profiles([Int](repeating: k, count: k))
        for r in instance.agents[i].efforts.indices {
          for e in instance.agents[i].efforts.indices {
            for map in 0..<maps.count {
              let response = AgentResponse(effort: e, reports: maps.entries(of: map))
              if response == honest[i][r] { continue }
              var responses = honest
              responses[i][r] = response
              slack = min(slack, base - payoff(i, responses))
              tried += 1
            }
          }
        }
      }
      let report = mechanism.verify(in: instance)
      #expect(abs(report.slack - slack) < 1e-9)
      #expect(report.deviations == tried)
      #expect(!report.isIncentiveCompatible())
    }
  }

  @Test func whoPaysNothingIsNotObeyed() throws {
    let instance = try single()
    let none = AcquisitionMechanism(
      efforts: 1, rules: [[0, 0, 0, 0]], actions: [0, 1], for: instance)
    let report = none.verify(in: instance)
    #expect(abs(report.slack + 0.05) < 1e-12)
    #expect(report.worst?.effort == "idle")
    #expect(none.outcome(in: instance).value == 0.9)
  }

  @Test func strictRulesAreStrict() throws {
    let learner = try ExploreThenCommit(.peer())
    // An idle agent's margin is the cost that it saves; the worker's rule is the cheapest with the same one.
    #expect(abs(learner.margin - 0.05) < 1e-6)
    let own = PaymentRules(agent: 0, in: learner.instance)
    for effort in 0..<2 {
      #expect(own.response(to: learner.strictRules[0][effort]) == .honest(effort: effort, signals: 2))
    }
    #expect(abs(own.honestPayment(learner.strictRules[0][1], effort: 1) - 0.8 / 3) < 1e-5)
    #expect(throws: GuerdonError.self) { try ExploreThenCommit(self.single(limit: 0.1)) }
  }

  @Test func costsAreFoundBySearch() throws {
    var random = RandomGenerator(seed: 3)
    let trace = try ExploreThenCommit(.peer()).run(rounds: 1_000_000, random: &random)
    for costs in trace.costs { #expect(abs(costs[1] - 0.05) < 0.02) }
    #expect(!trace.deviates)
    #expect(trace.explored + trace.searched + trace.committed == 1_000_000)
    // Three efforts, of which the middle one is met between the others.
    let ladder = try AcquisitionInstance(
      states: ["0", "1"], prior: [0.5, 0.5], actions: ["0", "1"], utility: [1, 0, 0, 1],
      agents: [.init(name: "agent", efforts: ["idle", "look", "study"], costs: [0, 0.02, 0.07], signals: ["0", "1"])],
      signalLaw: [0.5, 0.5, 0.5, 0.5, 0.7, 0.3, 0.3, 0.7, 0.9, 0.1, 0.1, 0.9], paymentLimit: 1)
    let climbed = try ExploreThenCommit(ladder).run(rounds: 1_000_000, random: &random)
    #expect(zip(climbed.costs[0], [0, 0.02, 0.07]).allSatisfy { abs($0 - $1) < 0.02 })
  }

  @Test func learningNeedsTheStrictRules() throws {
    let learner = try ExploreThenCommit(.peer())
    var random = RandomGenerator(seed: 1)
    let unmixed = try learner.run(rounds: 100_000, .init(mixesStrictRules: false), random: &random)
    #expect(unmixed.deviates)
    #expect(throws: GuerdonError.self) { try learner.run(rounds: 20, random: &random) }
    let least = ExploreThenCommit.leastRounds(learner.instance)
    #expect(try learner.run(rounds: least, random: &random).committed >= 0)
  }

  @Test func documentsAreRead() throws {
    let text = """
      {"name": "peer", "states": ["0", "1"], "prior": [0.5, 0.5], "actions": ["0", "1"], "utility": [[1, 0], [0, 1]],
       "agents": [
         {"name": "first", "efforts": ["idle", "work"], "costs": [0, 0.05], "signals": ["0", "1"],
          "law": [[[0.5, 0.5], [0.5, 0.5]], [[0.8, 0.2], [0.2, 0.8]]]},
         {"name": "second", "efforts": ["idle", "work"], "costs": [0, 0.05], "signals": ["0", "1"],
          "law": [[[0.5, 0.5], [0.5, 0.5]], [[0.8, 0.2], [0.2, 0.8]]]}],
       "joint": [{"efforts": ["work", "work"], "law": [[0.8, 0, 0, 0.2], [0.2, 0, 0, 0.8]]}],
       "paymentLimit": 1}
      """
    func read(_ text: String) throws -> AcquisitionInstance {
      try Files.decodeJSON(AcquisitionInstance.self, from: Data(text.utf8), named: "instance.json")
    }
    let ours = try read(text), peer = try AcquisitionInstance.peer(accuracy: 0.8)
    #expect(zip(ours.signalLaw, peer.signalLaw).allSatisfy { abs($0 - $1) < 1e-15 })
    #expect(ours.agents == peer.agents)
    let mistakes: [(String, String, String)] = [
      ("\"prior\": [0.5, 0.5]", "\"prior\": [0.5, 0.6]", "sums to 1.1"),
      ("\"prior\": [0.5, 0.5]", "\"prior\": [1.5, -0.5]", "no number from 0 to 1"),
      ("\"prior\": [0.5, 0.5]", "\"prior\": [1]", "has 1 entries"),
      ("\"prior\"", "\"priors\"", "Did you mean \"prior\"?"),
      ("\"paymentLimit\": 1", "\"name\": \"x\"", "paymentLimit"),
      ("[[1, 0], [0, 1]]", "[[1, 0]]", "utility"),
      ("[0, 0.05]", "[0.01, 0.05]", "costs 0"),
      ("[0, 0.05]", "[0, \"x\"]", "wrong type at agents[0].costs[1]"),
      ("[0.8, 0, 0, 0.2]", "[0.8, 0, 0, 0.3]", "sums to"),
      ("[[0.8, 0, 0, 0.2], [0.2, 0, 0, 0.8]]", "[[0.7, 0, 0, 0.3], [0.3, 0, 0, 0.7]]", "others change them"),
      ("[\"work\", \"work\"]", "[\"work\", \"wrok\"]", "Did you mean \"work\"?"),
      ("\"paymentLimit\": 1", "\"paymentLimit\": -1", "payment limit"), ("{\"name\"", "\"name\"", "is not JSON"),
    ]
    for (old, new, expected) in mistakes {
      let error = #expect(throws: GuerdonError.self) {
        try read(text.replacing(old, with: new, maxReplacements: 1))
      }
      #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
      #expect(error?.message.contains("instance.json") == true)
    }
  }

  @Test func mechanismsAreWrittenAndRead() throws {
    let peer = try AcquisitionInstance.peer()
    let optimum = try InformationAcquisition.optimalMechanism(for: peer)
    let data = try JSONEncoder().encode(MechanismDocument(optimum.mechanism, of: peer))
    let document = try Files.decodeJSON(MechanismDocument.self, from: data, named: "mechanism.json")
    let back = try document.mechanism(for: peer)
    #expect(abs(back.outcome(in: peer).value - optimum.value) < 1e-12)
    #expect(back.verify(in: peer).isIncentiveCompatible())
    var damaged = document
    damaged.profiles[0].probability += 0.1
    #expect(throws: GuerdonError.self) { try damaged.mechanism(for: peer) }
    damaged = document
    damaged.profiles[0].payments[0][0] = [2, 0]
    #expect(throws: GuerdonError.self) { try damaged.mechanism(for: peer) }
    damaged.profiles[0].payments[0] = []
    #expect(throws: GuerdonError.self) { try damaged.mechanism(for: peer) }
  }

  @Test func experimentHoldsAndIsReproducible() async throws {
    var configuration = InformationAcquisition.Configuration.smoke
    configuration.instances = 4
    configuration.seeds = [0, 1]
    func evidence(_ jobs: Int) async throws -> Evidence {
      try await InformationAcquisition.reproduce(
        configuration, in: RunContext(jobs: jobs, progress: ProgressLine(quiet: true), interruption: Interruption()))
    }
    let one = try await evidence(1)
    for claim in one.claims { #expect(claim.holds, "\(claim.id): \(claim.measured)") }
    #expect(one == (try await evidence(2)))
  }
}
