import Basics
import Experiments
import FiniteMDPs
import Foundation

/// Every inclusion on random environments, every witness with its certificates, false claims, and what optimising a
/// Markov reward costs where the objective is none.
extension Expressivity {
  private static let inclusions = Claim(
    "translators-preserve-order", "Every translation orders every pair of policies as before (pairs that differ).", .atMost, 0)
  private static let sensitivity = Claim(
    "broken-translators-noticed", "Translations that are wrong on purpose are noticed (least share of pairs that differ).",
    .atLeast, 0.01)
  private static let reproduced = Claim(
    "witnesses-are-expressed",
    "Each witness's objectives, and what translations make of them, have its order on the grid (those that do not).",
    .atMost, 0)
  private static let refuted = Claim(
    "witnesses-separate", "Each \"cannot\" of the witnesses is refuted by a verified certificate or obligation (those that are not).",
    .atMost, 0)
  private static let rejected = Claim(
    "false-claims-rejected", "Deliberately false claims of the form \"X cannot express W\" are rejected (share).", .atLeast, 1)
  private static let surrogateRegret = Claim(
    "surrogate-is-suboptimal",
    "On W1 the policy that is best for the nearest Markov reward falls 1/4 short of the best (absolute difference).",
    .atMost, 1e-6)
  private static let orderings = Claim(
    "orderings-of-a-bandit",
    "Markov rewards express 6 of 6 strict orders of 3 generic policies of three actions, and 12 of 24 of 4 (difference).",
    .atMost, 0)

  /// "X cannot express W", all false.
  private static let falseClaims: [(formalism: Formalism, witness: String)] = [
    (.markovRewards, "W3"), (.markovRewards, "W5"), (.limitAverageReward, "W3"), (.limitAverageReward, "W4"),
    (.regularised, "W1"), (.functionsOfTrajectories, "W2"), (.rewardMachines, "W2"), (.linearTemporalLogic, "W2"),
    (.functionsOfTrajectories, "W3"), (.regularised, "W6"),
  ]

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    guard configuration.environments >= 1, configuration.pairs >= 1, let seed = configuration.seeds.first else {
      throw GuerdonError.usage("expressivity needs an environment, a pair of policies and a seed.")
    }
    let known = try Witness.all()
    let witnesses = try configuration.witnesses.map { id in
      guard let witness = known.first(where: { $0.id == id }) else {
        throw GuerdonError.usage("There is no witness \"\(id)\"." + suggestion(for: id, among: known.map(\.id)))
      }
      return witness
    }

    // (a) Inclusions.
    let all = Translator.all + Translator.broken
    let kinds = configuration.seeds.flatMap { seed in
      [false, true].flatMap { ending in (0..<configuration.environments).map { (seed: seed, ending: ending, index: $0) } }
    }
    let differing = try run.results(kinds.count, of: card.id, named: "environments") { job -> [Int?] in
      let (seed, ending, index) = kinds[job]
      var random = RandomGenerator(seed: seed, spawnKey: [ending ? 1 : 0, UInt32(index)])
      let environment = try ExpressivityEnvironment.random(ending: ending, by: &random)
      return try all.map { translator in
        guard ending || !translator.needsTrajectories else { return nil }
        if run.interruption.isRequested { throw CancellationError() }
        let objective = try environment.randomObjective(translator.from, by: &random)
        return try mismatches(
          objective, try translator(objective, in: environment), in: environment, pairs: configuration.pairs, by: &random)
      }
    }
    func share(_ translator: Int) -> (count: Int, share: Double) {
      let counts = differing.compactMap { $0[translator] }
      return (counts.reduce(0, +), Double(counts.reduce(0, +)) / Double(max(1, counts.count * configuration.pairs)))
    }

    // (b) Witnesses.
    let reports = try run.results(witnesses.count, of: card.id, named: "witnesses") { try witnesses[$0].verify() }
    // (c) False claims.
    let claims = falseClaims.filter { claim in witnesses.contains { $0.id == claim.witness } }
    let verdicts = try run.results(claims.count, of: card.id, named: "false claims") { k -> Bool in
      guard let witness = witnesses.first(where: { $0.id == claims[k].witness }) else { return false }
      return try witness.environment.decide(claims[k].formalism, witness.coarse).isExpressible == true
    }

    // Optimising what Markov rewards can say instead.
    var arms: [String: [String: [Double]]] = [:]
    var regretOfW1 = Double.nan
    for witness in witnesses {
      guard let target = witness.target else { continue }
      if run.interruption.isRequested { throw CancellationError() }
      var random = RandomGenerator(seed: seed, spawnKey: [7])
      let best = try optimise(target, in: witness.environment, random: &random).value
      let substitute = try surrogate(
        in: witness.environment, policies: witness.coarse.policies, objective: target, discount: configuration.discount)
      let regret = max(best, witness.fine.policies.map(target).max() ?? best) - substitute.value
      arms["Markov surrogate", default: [:]]["\(witness.id) regret"] = [regret]
      arms["Markov surrogate", default: [:]]["\(witness.id) fit error"] = [substitute.error]
      arms["gradient ascent", default: [:]]["\(witness.id) value"] = [best]
      if witness.id == "W1" { regretOfW1 = regret }
    }
    for (k, translator) in all.enumerated() {
      let arm = k < Translator.all.count ? "translations" : "broken translations"
      arms[arm, default: [:]]["\(translator.from.rawValue) to \(translator.to.rawValue), differing"] = [share(k).share]
    }
    let counts = try bandit(seed: seed)
    let expected = [6.0, 12]
    let cannot = reports.flatMap(\.cannot)
    let unchecked = cannot.count { $0.how.hasPrefix("not machine-checked") }
    let diagram = try ExpressivityDiagram(witnesses: known)
    return Evidence(
      claims: [
        inclusions.verdict(measured: Double(Translator.all.indices.reduce(0) { $0 + share($1).count })),
        sensitivity.verdict(
          measured: (Translator.all.count..<all.count).map { share($0).share }.min() ?? .nan),
        reproduced.verdict(measured: Double(reports.flatMap(\.expresses).count { !$0.holds })),
        refuted.verdict(measured: Double(cannot.count { !$0.holds })),
        rejected.verdict(measured: Double(verdicts.count { $0 }) / Double(verdicts.count)),
        surrogateRegret.verdict(measured: abs(regretOfW1 - 0.25)),
        orderings.verdict(measured: zip(counts, expected).reduce(0) { $0 + abs($1.0 - $1.1) }),
      ],
      arms: arms,
      notes: [
        "\(Translator.all.count) translations, \(differing.joined().compactMap { $0 }.count * configuration.pairs) pairs of "
          + "policies; \(reports.flatMap(\.expresses).count) objectives; \(cannot.count - unchecked) refutations checked, "
          + "\(unchecked) by proof only (W9).",
        "\(claims.count) false claims tried.",
        "Of \(diagram.gaps.count) ordered pairs without a translation, \(diagram.gaps.count { $0.witness != nil }) are "
          + "separated by a witness here; the others are not machine-checked.",
      ])
  }

  /// On how many random pairs of policies two objectives disagree.
  static func mismatches(
    _ first: Objective, _ second: Objective, in environment: ExpressivityEnvironment, pairs: Int,
    by random: inout RandomGenerator
  ) throws -> Int {
    var count = 0
    for _ in 0..<pairs {
      let a = try environment.randomPolicy(by: &random)
      var b = try environment.randomPolicy(by: &random)
      if random.uniform() < 0.1 {
        // The same where a is ever: a tie for all but functions and orders of policies.
        let visited = environment.visited(by: a)
        var rows = environment.actions.indices.map { environment.distribution(of: b, in: $0) }
        for s in rows.indices where visited[s] { rows[s] = environment.distribution(of: a, in: s) }
        b = try environment.policy(rows)
      }
      if try environment.compare(first, a, b) != environment.compare(second, a, b) { count += 1 }
    }
    return count
  }

  /// How many strict orders of 3 and of 4 random policies of a three-armed bandit Markov rewards express.
  static func bandit(seed: UInt64) throws -> [Double] {
    let environment = try ExpressivityEnvironment(
      name: "bandit", states: ["s0", "end"], actions: [["a", "b", "c"], ["stay"]], initial: [1, 0],
      successors: [[[0, 1], [0, 1], [0, 1]], [[0, 1]]])
    var random = RandomGenerator(seed: seed, spawnKey: [9])
    let policies = try (0..<4).map { _ in
      let weights = (0..<3).map { _ in -log(1 - random.uniform()) }
      let sum: Double = weights.reduce(0, +)
      return try environment.policy([weights.map { $0 / sum }, [1]])
    }
    return try [3, 4].map { count in
      var expressible = 0.0
      for permutation in permutations(count) {
        let order = try PolicyOrder(Array(policies.prefix(count)), groups: permutation.map { [$0] })
        if try environment.decide(.markovRewards, order, discounts: [0.5]).isExpressible == true { expressible += 1 }
      }
      return expressible
    }
  }

  private static func permutations(_ count: Int) -> [[Int]] {
    count == 0 ? [[]] : permutations(count - 1).flatMap { rest in
      (0...rest.count).map { Array(rest[..<$0]) + [count - 1] + rest[$0...] }
    }
  }
}
