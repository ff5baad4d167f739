import Basics
import Experiments
import FiniteMDPs
import Foundation
import RewardAudit

/// Is the worst case as bad as the paper proves it to be, however small the misspecification, and what does a concrete
/// learner suffer meanwhile? Every seed is one random process.
extension IRLMisspecification {
  public struct Configuration: MethodConfiguration, Hashable {
    public var states = 8
    public var actions = 3
    /// The true discount, in which errors are measured too.
    public var discount = 0.9
    /// The logits that are kept of the random dynamics (starc's generator).
    public var threshold = 1.0
    /// β of the Boltzmann demonstrator, and the wrong one that the learner takes.
    public var beta = 2.0
    public var wrongBeta = 7.0
    /// α of the maximum-causal-entropy demonstrator, and the wrong one.
    public var alpha = 0.5
    public var wrongAlpha = 0.1
    /// How far the assumed discount lies below the true one.
    public var discountErrors = [0, 1e-4, 1e-3, 1e-2, 5e-2]
    /// δ of τ_f = (1 - δ) τ + δ τ'.
    public var dynamicsError = 1e-3
    /// F that the fibre is searched with, both signs each.
    public var fibreSamples = 20
    public var perturbationScales = [1e-1, 1e-2, 1e-3]
    /// Scales k of the pairs of the separation test, and the distance beyond which pairs count.
    public var separationScales = [1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6]
    public var separationDistance = 1.0
    public var allowedErrors = [0.1, 0.5, 1]
    /// Transformations sampled over all processes and allowed errors.
    public var transformations = 1000
    public var learner = MCEIRL()
    public var seeds: [UInt64] = Array(0..<20)

    public static let smoke: Configuration = {
      var configuration = Configuration()
      configuration.discountErrors = [0, 1e-3, 5e-2]
      configuration.transformations = 150
      configuration.seeds = [0, 1, 2]
      return configuration
    }()
    /// The brief's acceptance experiment.
    public static let full = Configuration()
  }

  private static let exact = Claim(
    "no-error-without-misspecification",
    "With the right model, discount and dynamics the worst error over the fibre is 0 (1e-6) in every process.", .atMost, 1e-6)
  private static let discountBreaks = Claim(
    "wrong-discount-breaks-irl",
    "With a discount that is wrong by any tested amount the worst error found is at least 1.41 in every process.",
    .atLeast, 1.41)
  private static let doesNotShrink = Claim(
    "error-does-not-shrink",
    "The mean worst error at the smallest wrong discount is at least 0.9 of that at the largest.", .atLeast, 0.9)
  private static let dynamicsBreak = Claim(
    "wrong-dynamics-break-irl", "With dynamics that are wrong by 1e-3 the worst error found is at least 1.41 in every process.",
    .atLeast, 1.41)
  private static let temperature = Claim(
    "wrong-temperature-is-harmless", "A wrong β or α makes no error (1e-9) in any process.", .atMost, 1e-9)
  private static let opposites = Claim(
    "opposites-stay-opposite", "k R and -k R are at distance 2 (1e-9) for every k.", .atMost, 1e-9)
  private static let policiesMeet = Claim(
    "policies-of-opposites-meet", "Their policies come together by a factor of at least 9 a decade of k.", .atLeast, 9)
  private static let policiesMeetLinearly = Claim(
    "policies-of-opposites-meet-linearly", "… and of at most 11.", .atMost, 11)
  private static let separates = Claim(
    "continuous-models-do-not-separate",
    "Rewards farther apart than 1 have policies within 1e-5 of each other, under both models and in every process.",
    .atMost, 1e-5)
  private static let control = Claim(
    "a-discontinuous-model-separates",
    "Positive control: under a Boltzmann model that first scales its reward they are at least 0.01 apart.", .atLeast, 0.01)
  private static let allowed = Claim(
    "allowed-transformations-keep-to-their-error",
    "Transformations by no more than the allowed angle exceed their ε by at most 1e-8.", .atMost, 1e-8)
  private static let beyond = Claim(
    "wider-angles-violate-it", "An angle 1.05 times as wide exceeds ε every time.", .greater, 0)
  private static let displaced = Claim(
    "displacement-is-the-propositions", "|R - t₂(R)| is sin θ |c(R)| within 1e-10.", .atMost, 1e-10)

  /// What one process showed; lists in the order of the configuration's.
  private struct Measurement: Sendable {
    /// [model][discount error]: exact worst, found worst, representative, and the concrete learner's (MCE only).
    var exactWorst: [[Double]] = [[], []], foundWorst: [[Double]] = [[], []], representative: [[Double]] = [[], []]
    var learned: [Double] = []
    var dynamicsWorst: [Double] = [], dynamicsFound: [Double] = [], dynamicsRepresentative: [Double] = []
    var dynamicsLearned = 0.0
    var temperature: [Double] = []
    var swapped: [Double] = []
    /// [model][scale].
    var variation: [[Double]] = [[], []]
    var opposite = 0.0
    var separation: [Double] = [], controlSeparation = 0.0
    var excess: [Double] = [], wideExcess: [Double] = [], displacement: [Double] = []
  }

  public static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence {
    guard !configuration.seeds.isEmpty, configuration.discountErrors.first == 0, configuration.discountErrors.count >= 2,
      configuration.perturbationScales.count >= 2, !configuration.separationScales.isEmpty,
      !configuration.allowedErrors.isEmpty, configuration.transformations >= 1, configuration.fibreSamples >= 1
    else {
      throw GuerdonError.usage(
        "irl-misspecification needs at least 1 seed, the discount error 0 and at least one other, 2 perturbation scales, "
          + "1 separation scale, 1 allowed error, 1 transformation and 1 fibre sample.")
    }
    let measured = try run.results(configuration.seeds.count, of: "irl-misspecification", named: "seeds") {
      try measure(configuration, seed: configuration.seeds[$0])
    }
    let errors = configuration.discountErrors, names = ["boltzmann", "maximum causal entropy"]
    var arms: [String: [String: [Double]]] = [:]
    for (model, name) in names.enumerated() {
      var arm: [String: [Double]] = [:]
      for (index, error) in errors.enumerated() {
        arm["discount wrong by \(error): worst over the fibre"] = measured.map { $0.exactWorst[model][index] }
        arm["discount wrong by \(error): worst of \(configuration.fibreSamples) found"] = measured.map {
          $0.foundWorst[model][index]
        }
        arm["discount wrong by \(error): representative"] = measured.map { $0.representative[model][index] }
        if model == 1 { arm["discount wrong by \(error): learned by gradients"] = measured.map { $0.learned[index] } }
      }
      arm["dynamics: worst over the fibre"] = measured.map { $0.dynamicsWorst[model] }
      arm["dynamics: worst of \(configuration.fibreSamples) found"] = measured.map { $0.dynamicsFound[model] }
      arm["dynamics: representative"] = measured.map { $0.dynamicsRepresentative[model] }
      if model == 1 { arm["dynamics: learned by gradients"] = measured.map(\.dynamicsLearned) }
      arm["wrong temperature: worst over the fibre"] = measured.map { $0.temperature[model] }
      arm["the other model is true: representative"] = measured.map { $0.swapped[model] }
      for (index, scale) in configuration.perturbationScales.enumerated() {
        arm["opposites at \(scale): total variation"] = measured.map { $0.variation[model][index] }
      }
      arm["separation beyond \(configuration.separationDistance)"] = measured.map { $0.separation[model] }
      arms[name] = arm
    }
    arms["normalised boltzmann"] = [
      "separation beyond \(configuration.separationDistance)": measured.map(\.controlSeparation)
    ]
    arms["proposition 3"] = [
      "excess over the allowed error": measured.map { $0.excess.max() ?? .nan },
      "excess at 1.05 of the angle": measured.map { $0.wideExcess.min() ?? .nan },
      "displacement error": measured.map { $0.displacement.max() ?? .nan },
    ]

    func wrong(_ body: (Measurement) -> [[Double]]) -> [Double] {
      measured.flatMap { body($0).flatMap { $0.dropFirst() } }
    }
    func meanFound(_ index: Int) -> Double {
      Statistics.mean(measured.flatMap { [$0.foundWorst[0][index], $0.foundWorst[1][index]] })
    }
    let order = errors.indices.dropFirst().sorted { errors[$0] < errors[$1] }
    let decades = zip(configuration.perturbationScales, configuration.perturbationScales.dropFirst()).map {
      log10($0 / $1)
    }
    let falls = measured.flatMap { one in
      one.variation.flatMap { row in
        zip(zip(row, row.dropFirst()), decades).map { pow($0.0 / $0.1, 1 / $1) }
      }
    }
    return Evidence(
      claims: [
        exact.verdict(measured: measured.flatMap { $0.exactWorst.map { $0[0] } }.max() ?? .nan),
        discountBreaks.verdict(measured: wrong(\.foundWorst).min() ?? .nan),
        doesNotShrink.verdict(measured: meanFound(order[0]) / meanFound(order[order.count - 1])),
        dynamicsBreak.verdict(measured: measured.flatMap(\.dynamicsFound).min() ?? .nan),
        temperature.verdict(measured: measured.flatMap(\.temperature).max() ?? .nan),
        opposites.verdict(measured: measured.map(\.opposite).max() ?? .nan),
        policiesMeet.verdict(measured: falls.min() ?? .nan),
        policiesMeetLinearly.verdict(measured: falls.max() ?? .nan),
        separates.verdict(measured: measured.flatMap(\.separation).max() ?? .nan),
        control.verdict(measured: measured.map(\.controlSeparation).min() ?? .nan),
        allowed.verdict(measured: measured.flatMap(\.excess).max() ?? .nan),
        beyond.verdict(measured: measured.flatMap(\.wideExcess).min() ?? .nan),
        displaced.verdict(measured: measured.flatMap(\.displacement).max() ?? .nan),
      ],
      arms: arms,
      notes: [
        "Errors are STARC distances in [0, 2]; halve them for papers that use [0, 1].",
        "The worst case is over all rewards that explain the same policy. What a concrete learner returns is far better: "
          + "see \"representative\" and \"learned by gradients\".",
        "Every process is a value of its own in the arms.",
      ])
  }

  private static func measure(_ configuration: Configuration, seed: UInt64) throws -> Measurement {
    var random = RandomGenerator(seed: seed)
    let world = try FiniteMDP.thresholded(
      stateCount: configuration.states, actionCount: configuration.actions, threshold: configuration.threshold,
      discount: configuration.discount, random: &random)
    let rival = try FiniteMDP.thresholded(
      stateCount: configuration.states, actionCount: configuration.actions, threshold: configuration.threshold,
      discount: configuration.discount, random: &random)
    let table = (0..<configuration.states * configuration.actions).map { _ in random.normal() }
    let reward = FiniteMDP.Reward.stateAction(table)
    let models: [BehaviouralModel] = [
      .boltzmann(beta: configuration.beta), .maximumCausalEntropy(alpha: configuration.alpha),
    ]
    let wrong: [BehaviouralModel] = [
      .boltzmann(beta: configuration.wrongBeta), .maximumCausalEntropy(alpha: configuration.wrongAlpha),
    ]
    var result = Measurement()

    /// d(R, R̂) of the reward that the gradient learner returns, from a maximum-causal-entropy demonstrator's occupancy.
    func learnedError(assuming assumed: FiniteMDP) throws -> Double {
      let policy = try models[1].policy(for: reward, in: world)
      let occupancy = try world.replacing(discount: assumed.discount).occupancy(of: policy, normalised: true)
      var learner = configuration.learner
      learner.temperature = configuration.alpha
      let learned = try learner.reward(explaining: occupancy, in: assumed)
      return try STARCMetric.minimal.distance(between: reward, and: .stateAction(learned), in: world)
    }

    // Wrong discounts.
    for error in configuration.discountErrors {
      let assumed = try world.replacing(discount: configuration.discount - error)
      for (index, model) in models.enumerated() {
        let calculator = try Calculator(assumed: .init(model, in: assumed), evaluation: world)
        let demonstrator = Behaviour(model, in: world)
        let errors = try calculator.sensitivity(of: reward, demonstrator: demonstrator)
        result.exactWorst[index].append(errors.worst)
        result.representative[index].append(errors.representative)
        result.foundWorst[index].append(
          try sampledWorst(
            of: reward, demonstrator: demonstrator, by: calculator, count: configuration.fibreSamples, random: &random))
      }
      result.learned.append(try learnedError(assuming: assumed))
    }

    // Wrong dynamics, and a reward that depends on the next state.
    let δ = configuration.dynamicsError
    let mixed = zip(world.transitions.table, rival.transitions.table).map { (1 - δ) * $0 + δ * $1 }
    let believed = try FiniteMDP(
      stateCount: configuration.states, actionCount: configuration.actions, transitions: mixed, reward: reward,
      discount: configuration.discount)
    let transitionReward = FiniteMDP.Reward.transition(
      (0..<table.count * configuration.states).map { _ in random.normal() })
    for model in models {
      let calculator = try Calculator(assumed: .init(model, in: believed), evaluation: world)
      let demonstrator = Behaviour(model, in: world)
      let errors = try calculator.sensitivity(of: transitionReward, demonstrator: demonstrator)
      result.dynamicsWorst.append(errors.worst)
      result.dynamicsRepresentative.append(errors.representative)
      result.dynamicsFound.append(
        try sampledWorst(
          of: transitionReward, demonstrator: demonstrator, by: calculator, count: configuration.fibreSamples,
          random: &random))
    }
    result.dynamicsLearned = try learnedError(assuming: believed)

    // Wrong temperatures, and models mistaken for each other.
    for (index, model) in models.enumerated() {
      let calculator = try Calculator(assumed: .init(wrong[index], in: world), evaluation: world)
      result.temperature.append(
        try calculator.sensitivity(of: reward, demonstrator: Behaviour(model, in: world)).worst)
      result.swapped.append(
        try sensitivity(
          of: reward, demonstrator: Behaviour(models[1 - index], in: world), assumed: Behaviour(model, in: world),
          evaluation: world
        ).representative)
    }

    // k R against -k R.
    for scale in configuration.perturbationScales {
      let one = FiniteMDP.Reward.stateAction(table.map { scale * $0 })
      let other = FiniteMDP.Reward.stateAction(table.map { -scale * $0 })
      for (index, model) in models.enumerated() {
        result.variation[index].append(
          policyDistance(try model.policy(for: one, in: world), try model.policy(for: other, in: world)))
      }
      result.opposite = max(
        result.opposite, abs(try STARCMetric.minimal.distance(between: one, and: other, in: world) - 2))
    }

    // Separation, and its positive control.
    func separation(_ model: BehaviouralModel) throws -> Double {
      let pairs = try separations(
        by: Behaviour(model, in: world), evaluation: world, pairs: 3, scales: configuration.separationScales,
        random: &random)
      return IRLMisspecification.separation(beyond: configuration.separationDistance, in: pairs)
    }
    for model in models { result.separation.append(try separation(model)) }
    result.controlSeparation = try separation(.normalisedBoltzmann(beta: configuration.beta))

    // Proposition 3.
    let kinds = configuration.allowedErrors.count
    let count = (configuration.transformations + configuration.seeds.count * kinds - 1) / (configuration.seeds.count * kinds)
    for ε in configuration.allowedErrors {
      let angle = allowedAngle(error: ε)
      for _ in 0..<count {
        for (factor, isAllowed) in [(random.uniform(), true), (1, true), (1.05, false)] {
          let t = try transformation(of: transitionReward, turnedBy: factor * angle, in: world, random: &random)
          let moved = try STARCMetric.minimal.distance(between: transitionReward, and: .transition(t.transformed), in: world)
          if isAllowed { result.excess.append(moved - ε) } else { result.wideExcess.append(moved - ε) }
          result.displacement.append(abs(t.displacement - t.expectedDisplacement))
        }
      }
    }
    return result
  }
}
