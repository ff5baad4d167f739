import Agents
import Basics
import Experiments
import Foundation
import Synchronization
import Torch

/// DERL: a language model that writes reward formulas, trained by how well the policies do that learn from them
/// (Cheng et al., arXiv 2512.13399).
///
/// The bi-level problem is max_ψ E_{φ ~ π_ψ} [Perf(θ*(φ))] with θ*(φ) = argmax_θ E[R_φ]. Nothing flows back through the
/// inner training: the step of ψ is a score-function estimate, GRPO with the validation scores as rewards.
///
/// The algorithm is `search`. What is trained on a formula is an `InnerLearner`, the model that writes them a
/// `FormulaLanguageModel`.
public struct DERL: Method {
  public static let card = MethodCard(
    id: "derl", title: "Differentiable Evolutionary Reinforcement Learning",
    paper: Paper(arXiv: "2512.13399", year: 2025, month: 12, authors: 5), family: .generated,
    summary:
      "A small language model writes reward formulas over a few signals and is trained by GRPO on the validation accuracy of the policies that learn from them: reward search by policy gradient instead of mutation.")

  public struct Configuration: MethodConfiguration, Hashable {
    /// What a formula's score is compared with.
    public enum Grouping: String, Sendable, Hashable, Codable {
      /// All formulas of an iteration are one group.
      case iteration
      /// Each formula is a group of its own, as in the official trainer: the advantage degenerates to the score.
      case formula
    }

    /// What becomes of invalid formulas in the outer step.
    public enum InvalidFormulas: String, Sendable, Hashable, Codable {
      /// They count with score 0, as the paper says: validity is learned.
      case zero
      /// They are left out and the first valid one fills their places, as the official trainer does.
      case replaced
    }

    /// How φ* is chosen at the end of a search. One inner training is a coin, and the best of many coins has been lucky:
    /// formulas that tie at the top are trained anew and validated again; the highest mean wins, of equals the shortest.
    public struct Selection: Sendable, Hashable, Codable {
      /// Fresh trainings of every formula that ties; 0 takes the highest score of the search as it is.
      public var trainings = 8
      /// How far below the highest score a formula still ties: the noise of a validation accuracy.
      public var margin = 0.02

      public init() {}
    }

    /// Outer iterations E; the paper's runs converge after about 5 to 10.
    public var iterations = 10
    /// Formulas n an iteration.
    public var formulas = 8
    public var learningRate = 1e-6
    /// Passes over an iteration's formulas.
    public var epochs = 4
    /// Clip and weight of the divergence from the cold-started model.
    public var loss = GRPO.Loss(clip: 0.2, klCoefficient: 0.001)
    public var weightDecay = 0.01
    public var maxGradientNorm = 1.0
    public var grouping = Grouping.iteration
    public var invalidFormulas = InvalidFormulas.zero
    public var model = FormulaLanguageModel.Configuration()
    public var inner = InnerTraining()
    /// Formulas of one iteration that differ by a positive affine change are trained once.
    public var deduplicates = true
    /// Longest inner training; one that reaches it is scored as it stands.
    public var innerSeconds = 12_600.0
    public var selection = Selection()

    // What follows belongs to the experiment.

    /// Which parts of the experiment are run.
    public var parts: [Part] = [.main]
    /// Fresh trainings, the mean of whose test accuracy is a formula's.
    public var finalTrainings = 3
    /// Updates of an inner training where DERL-pop. is compared with DERL.
    public var populationUpdates = 40
    public var transformer = CipherTransformer.Configuration()
    public var seeds: [UInt64] = Array(0..<4)

    public init() {}

    /// The sizes of the cipher: ψ is small and learns fast, an inner training takes 80 updates.
    private static let cipher: Configuration = {
      var configuration = Configuration()
      configuration.learningRate = 1e-3
      configuration.inner = .cipher
      return configuration
    }()

    public static let smoke: Configuration = {
      var configuration = cipher
      configuration.iterations = 6
      configuration.seeds = [0]
      return configuration
    }()

    public static let full: Configuration = {
      var configuration = cipher
      configuration.iterations = 15
      configuration.parts = Part.allCases
      configuration.seeds = [0, 1, 2]
      return configuration
    }()

    /// - Throws: `GuerdonError.usage` for a search that cannot be run.
    func check() throws {
      guard iterations >= 1, formulas >= 1, epochs >= 1, innerSeconds > 0 else {
        throw GuerdonError.usage("derl needs at least 1 iteration, 1 formula, 1 epoch and time for inner trainings.")
      }
      guard learningRate > 0, weightDecay >= 0, maxGradientNorm > 0, loss.clip > 0, loss.klCoefficient >= 0 else {
        throw GuerdonError.usage("derl needs positive learning rate, clip and gradient norm, and no negative weights.")
      }
      guard selection.trainings >= 0, selection.margin >= 0 else {
        throw GuerdonError.usage("derl's selection needs 0 or more trainings and a margin of 0 or more.")
      }
      guard finalTrainings >= 1, populationUpdates >= 1 else {
        throw GuerdonError.usage("derl needs at least 1 final training and 1 update of the population.")
      }
      try model.check()
      try inner.check()
    }
  }

  // MARK: What came of a search

  public enum Outcome: Sendable, Hashable {
    case trained
    /// Stopped at the time limit, and scored as it stood.
    case capped
    /// Differs from another trial of the iteration by a positive affine change, and shares its score.
    case duplicate(of: Int)
    /// Not a formula, and why: scores 0 untrained.
    case invalid(String)
    /// A reward of its training was not a number: scores 0.
    case broken
  }

  public struct Trial: Sendable, Hashable {
    public let id: Int
    /// From 0.
    public let iteration: Int
    public let text: String
    public let outcome: Outcome
    /// v: accuracy on the validation data.
    public let score: Double

    public var isInvalid: Bool { if case .invalid = outcome { true } else { false } }
  }

  /// A formula that ties at the top of a search, and what its fresh trainings scored on the validation data.
  public struct Confirmation: Sendable, Hashable {
    public let trial: Trial
    public let scores: [Double]

    public var mean: Double { Statistics.mean(scores) }
  }

  /// What a search cost: about n · E inner trainings, and those of the selection.
  public struct Cost: Sendable, Hashable {
    public var trainings = 0
    /// Of these, the selection's.
    public var confirmations = 0
    public var updates = 0
    /// Updates of trainings that broke down or ran out of time.
    public var wastedUpdates = 0
    public var invalid = 0
    /// Trainings that equivalence saved.
    public var duplicates = 0
    public var seconds = 0.0
  }

  public struct Result<Policy: Sendable>: Sendable {
    /// Signals that the formulas are over.
    public let signals: Int
    /// All n · E, in order.
    public var trials: [Trial] = []
    public var cost = Cost()
    /// The best policy of the last iteration that had one; DERL-pop. goes on from it.
    public var checkpoint: Policy?

    /// The formulas that tie at the top, each once with its positive affine changes; empty where the selection trained
    /// nothing.
    public var confirmations: [Confirmation] = []

    init(signals: Int) { self.signals = signals }

    /// φ*: of the formulas that tie, the highest mean of the fresh trainings; of equals the shortest, then the first.
    public var best: Trial? {
      confirmations.min {
        ($1.mean, $0.trial.text.count, $0.trial.id) < ($0.mean, $1.trial.text.count, $1.trial.id)
      }?.trial ?? highest
    }

    /// The highest score of the whole search; of equals the shortest, then the first.
    public var highest: Trial? {
      trials.filter { !$0.isInvalid }.min {
        ($1.score, $0.text.count, $0.id) < ($0.score, $1.text.count, $1.id)
      }
    }

    /// The formulas whose scores are at most `margin` below the highest, the shortest of each class of positive affine
    /// changes, in the order of the search.
    func ties(margin: Double) -> [(trial: Trial, formula: Formula)] {
      let least = (highest?.score ?? 0) - margin
      var classes: [AnyHashable: (trial: Trial, formula: Formula)] = [:]
      for trial in trials where !trial.isInvalid && trial.score >= least {
        guard let formula = try? Formula(trial.text, signals: signals) else { continue }
        let key = formula.affineClass.map { AnyHashable($0) } ?? AnyHashable(trial.text)
        if let other = classes[key], other.trial.text.count <= trial.text.count { continue }
        classes[key] = (trial, formula)
      }
      return classes.values.sorted { $0.trial.id < $1.trial.id }
    }

    /// Mean score of each iteration.
    public func means() -> [Double] { perIteration { Statistics.mean($0.map(\.score)) } }

    public func perIteration(_ value: ([Trial]) -> Double) -> [Double] {
      let last = trials.last?.iteration ?? -1
      return (0..<last + 1).map { iteration in value(trials.filter { $0.iteration == iteration }) }
    }
  }

  // MARK: The outer loop

  /// E iterations of n formulas, each followed by a GRPO step of the model.
  /// - Parameters:
  ///   - model: ψ after its cold start; it is changed.
  ///   - learns: false is the compute-matched random search: ψ stays as it is.
  ///   - population: DERL-pop.: inner trainings begin from the best policy of the iteration before.
  ///   - jobs: inner trainings side by side.
  /// - Throws: `GuerdonError`; `CancellationError` once `shouldStop`.
  public static func search<Learner: InnerLearner>(
    _ learner: Learner, configuration: Configuration, model: FormulaLanguageModel, learns: Bool = true,
    population: Bool = false, seed: UInt64, jobs: Int = 1, shouldStop: @Sendable () -> Bool = { false }
  ) throws -> Result<Learner.Policy> {
    try configuration.check()
    let reference = try FormulaLanguageModel(model.vocabulary, configuration: model.configuration, seed: 0)
    try reference.load(model.state)
    let optimizer = AdamW(
      model.parameters, learningRate: configuration.learningRate, weightDecay: configuration.weightDecay)
    var random = RandomGenerator(seed: seed, spawnKey: [0x70_73_69])
    var scorer = FormulaScorer(
      learner, configuration: configuration, population: population, seed: seed, jobs: jobs)
    for _ in 0..<configuration.iterations {
      // φ_i ~ π_ψ(· | ins), i = 1 … n.
      let samples = model.sample(configuration.formulas, random: &random)
      // v_i = accuracy of θ*(φ_i) on V.
      let trials = try scorer.score(samples.map(model.vocabulary.text), shouldStop: shouldStop)
      if learns { try improve(model, optimizer, samples, trials, reference: reference, configuration) }
    }
    try scorer.confirm(shouldStop: shouldStop)
    return scorer.result
  }

  /// ψ ← PPO-clip with A_i on every token of φ_i, and the divergence from the cold-started model.
  private static func improve(
    _ model: FormulaLanguageModel, _ optimizer: AdamW, _ samples: [[Int]], _ trials: [Trial],
    reference: FormulaLanguageModel, _ configuration: Configuration
  ) throws {
    var samples = samples, scores = trials.map(\.score)
    if configuration.invalidFormulas == .replaced {
      guard let first = trials.firstIndex(where: { !$0.isInvalid }) else { return }
      for index in samples.indices where trials[index].isInvalid {
        (samples[index], scores[index]) = (samples[first], scores[first])
      }
    }
    // A_i = (v_i − mean v) / (std v + 1e-6), all n in one group.
    let advantages = GRPO.advantages(scores, groupSize: configuration.grouping == .iteration ? scores.count : 1)
    let (old, mask) = noGrad { model.logProbabilities(of: samples) }
    let (anchor, _) = noGrad { reference.logProbabilities(of: samples) }
    for _ in 0..<configuration.epochs {
      let (logProbabilities, _) = model.logProbabilities(of: samples)
      let loss = GRPO.loss(
        logProbabilities, old: old, reference: anchor, advantages: Tensor(advantages.map { Float($0) }), mask: mask,
        configuration.loss)
      guard loss.item().isFinite else {
        throw GuerdonError.failure("derl's formula model diverged; lower its learning rate.")
      }
      optimizer.zeroGrad()
      loss.backward()
      clipGradNorm(optimizer.parameters, maxNorm: configuration.maxGradientNorm)
      optimizer.step()
    }
  }

  /// A fresh policy trained on all of D_train with a formula, and its accuracy on the test data; nil when the training
  /// broke down.
  public static func finalTraining<Learner: InnerLearner>(
    _ formula: Formula, _ learner: Learner, seed: UInt64
  ) throws -> (policy: Learner.Policy, accuracy: Double)? {
    guard let policy = try learner.train(on: formula, from: nil, data: .all, seed: seed, mayContinue: { true }) else {
      return nil
    }
    return (policy, learner.accuracy(of: policy, on: .test))
  }
}

/// Which sequences a policy learns from: D_in during the search, all of D_train at its end.
public enum TrainingData: Sendable { case inner, all }

/// Which sequences it is measured on; those of the test are never seen by the search.
public enum HeldOutData: Sendable { case validation, test }

/// Whatever learns from a formula: the inner level.
public protocol InnerLearner: Sendable {
  associatedtype Policy: Sendable
  /// Number of signals k that formulas may mention.
  var signals: Int { get }

  /// θ*(φ): a policy trained with R_φ.
  /// - Parameters:
  ///   - start: what to begin from; nil is θ_base.
  ///   - mayContinue: asked before every update; the training ends, as it stands, when it says no.
  /// - Returns: nil when a reward was not a number.
  func train(
    on reward: Formula, from start: Policy?, data: TrainingData, seed: UInt64, mayContinue: () -> Bool
  ) throws -> Policy?

  /// Share solved with deterministic decoding.
  func accuracy(of policy: Policy, on data: HeldOutData) -> Double
}

/// The inner level of one search: what n formulas at a time score, which of them is best, and what was spent on it.
struct FormulaScorer<Learner: InnerLearner> {
  private(set) var result: DERL.Result<Learner.Policy>
  private let learner: Learner
  private let configuration: DERL.Configuration
  private let population: Bool
  private let seed: UInt64
  private let pool: WorkerPool
  private var iteration = 0

  init(_ learner: Learner, configuration: DERL.Configuration, population: Bool = false, seed: UInt64, jobs: Int = 1) {
    result = DERL.Result(signals: learner.signals)
    self.learner = learner
    self.configuration = configuration
    self.population = population
    self.seed = seed
    pool = WorkerPool(threads: jobs)
  }

  private struct Training: Sendable {
    let policy: Learner.Policy?
    let score: Double
    let updates: Int
    let isCapped: Bool
  }

  private mutating func pay(for training: Training) {
    result.cost.trainings += 1
    result.cost.updates += training.updates
    if training.isCapped || training.policy == nil { result.cost.wastedUpdates += training.updates }
  }

  /// The scores of one iteration's formulas.
  mutating func score(_ texts: [String], shouldStop: @Sendable () -> Bool) throws -> [DERL.Trial] {
    let start = ContinuousClock.now
    let first = result.trials.count
    // What has to be trained, each class of equivalent formulas once.
    var outcomes: [DERL.Outcome] = []
    var formulas: [(trial: Int, formula: Formula)] = []
    var classes: [[Int]: Int] = [:]
    for (index, text) in texts.enumerated() {
      do {
        let formula = try Formula(text, signals: learner.signals)
        if configuration.deduplicates, let key = formula.affineClass {
          if let earlier = classes[key] {
            outcomes.append(.duplicate(of: first + earlier))
            continue
          }
          classes[key] = index
        }
        formulas.append((index, formula))
        outcomes.append(.trained)
      } catch let error as GuerdonError {
        outcomes.append(.invalid(error.message))
      }
    }
    // θ_i from θ_base, or from the last iteration's best; the same luck for all formulas of an iteration.
    var random = RandomGenerator(seed: seed, spawnKey: [0x69_6e, UInt32(iteration)])
    let innerSeed = random.next()
    let origin = population ? result.checkpoint : nil
    let trainings = try train(formulas.map(\.formula), from: origin, seed: innerSeed, shouldStop)
    if shouldStop() { throw CancellationError() }

    var scores = [Double](repeating: 0, count: texts.count)
    var best: (score: Double, policy: Learner.Policy)?
    for ((index, _), training) in zip(formulas, trainings) {
      scores[index] = training.score
      pay(for: training)
      if training.isCapped { outcomes[index] = .capped }
      if training.policy == nil { outcomes[index] = .broken }
      if let policy = training.policy, training.score > best?.score ?? -1 { best = (training.score, policy) }
    }
    if let best { result.checkpoint = best.policy }
    let trials = texts.indices.map { index in
      if case .duplicate(let earlier) = outcomes[index] { scores[index] = scores[earlier - first] }
      return DERL.Trial(
        id: first + index, iteration: iteration, text: texts[index], outcome: outcomes[index], score: scores[index])
    }
    result.trials += trials
    result.cost.invalid += trials.count { $0.isInvalid }
    result.cost.duplicates += trials.count { if case .duplicate = $0.outcome { true } else { false } }
    result.cost.seconds += (ContinuousClock.now - start) / .seconds(1)
    iteration += 1
    return trials
  }

  /// Trains the formulas that tie at the top anew, from θ_base as the final training will, and validates them: what
  /// `Result.best` chooses by. The luck of a round is again the same for all.
  mutating func confirm(shouldStop: @Sendable () -> Bool) throws {
    let ties = result.ties(margin: configuration.selection.margin)
    // One alone wins untried.
    guard ties.count > 1, configuration.selection.trainings > 0 else { return }
    let start = ContinuousClock.now
    var scores = [[Double]](repeating: [], count: ties.count)
    for round in 0..<configuration.selection.trainings {
      var random = RandomGenerator(seed: seed, spawnKey: [0x73_65_6c, UInt32(round)])
      let trainings = try train(ties.map(\.formula), from: nil, seed: random.next(), shouldStop)
      if shouldStop() { throw CancellationError() }
      for (index, training) in trainings.enumerated() {
        scores[index].append(training.score)
        pay(for: training)
        result.cost.confirmations += 1
      }
    }
    result.confirmations = zip(ties, scores).map { DERL.Confirmation(trial: $0.trial, scores: $1) }
    result.cost.seconds += (ContinuousClock.now - start) / .seconds(1)
  }

  /// Inner trainings with one seed, side by side.
  private func train(
    _ formulas: [Formula], from origin: Learner.Policy?, seed: UInt64, _ shouldStop: @Sendable () -> Bool
  ) throws -> [Training] {
    let results = Mutex([Swift.Result<Training, any Error>?](repeating: nil, count: formulas.count))
    let limit: Duration = .seconds(configuration.innerSeconds)
    pool.forEach(formulas.count) { index in
      let training = Swift.Result<Training, any Error> {
        let begin = ContinuousClock.now
        var updates = 0, isCapped = false
        let policy = try learner.train(on: formulas[index], from: origin, data: .inner, seed: seed) {
          isCapped = ContinuousClock.now - begin > limit
          if isCapped || shouldStop() { return false }
          updates += 1
          return true
        }
        let score = policy.map { learner.accuracy(of: $0, on: .validation) } ?? 0
        return Training(policy: policy, score: score, updates: updates, isCapped: isCapped)
      }
      results.withLock { $0[index] = training }
    }
    return try results.withLock { try $0.compactMap { try $0?.get() } }
  }
}
