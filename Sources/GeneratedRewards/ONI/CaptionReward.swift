import Agents
import Basics
import Foundation
import Torch

/// The captions of a rollout.
public struct SeenCaptions: Sendable {
  /// Each once, without the empty one, in the order of their first occurrence.
  public var distinct: [Caption] = []
  /// Whether the environment's own reward came with it.
  public var paid: [Bool] = []
  /// Of each row, its caption's number in `distinct`; nil for the empty caption.
  public var rows: [Int?] = []

  init() {}
}

/// r_int(m): the reward of captions, learned from labels while it is used.
public protocol CaptionReward: AnyObject {
  /// Changes whenever a reward may have changed.
  var version: Int { get }
  /// Distinct captions that were labelled.
  var labelledCaptions: Int { get }
  /// What is to be labelled of a rollout.
  /// - Parameter waiting: queries that wait already.
  func queries(for seen: SeenCaptions, waiting: Int) -> [CaptionQuery]
  /// Takes in labels as they arrive.
  func learn(from labels: [LabelledQuery])
  /// Takes in one training batch's observations; called once for each.
  func train(on seen: SeenCaptions)
  /// r_int of captions that are not empty.
  func rewards(of captions: [Caption]) -> [Double]
}

extension CaptionReward {
  public func queries(for seen: SeenCaptions, waiting: Int) -> [CaptionQuery] { [] }
  public func learn(from labels: [LabelledQuery]) {}
  public func train(on seen: SeenCaptions) {}
}

// MARK: Retrieval

/// r_int = D[m], and 0 without a label.
public final class RetrievalReward: CaptionReward {
  public let table: LabelTable
  public private(set) var version = 0

  /// - Parameter table: labels to begin with.
  public init(_ table: LabelTable = LabelTable()) { self.table = table }

  public var labelledCaptions: Int { table.count }

  public func queries(for seen: SeenCaptions, waiting: Int) -> [CaptionQuery] { unlabelled(seen, in: table) }

  public func learn(from labels: [LabelledQuery]) {
    if labels.isEmpty { return }
    table.update(captionLabels(labels))
    version += 1
  }

  public func rewards(of captions: [Caption]) -> [Double] { table.labels(of: captions).map { $0 == true ? 1 : 0 } }
}

/// The captions that are not in the table.
private func unlabelled(_ seen: SeenCaptions, in table: LabelTable) -> [CaptionQuery] {
  zip(zip(seen.distinct, seen.paid), table.labels(of: seen.distinct)).compactMap { caption, label in
    label == nil ? .caption(caption.0, paid: caption.1) : nil
  }
}

private func captionLabels(_ labels: [LabelledQuery]) -> [(caption: Caption, isHelpful: Bool)] {
  labels.compactMap { labelled in
    if case .caption(let caption, _) = labelled.query { (caption, labelled.answer == .helpful) } else { nil }
  }
}

// MARK: Learned models

/// How the networks learn.
public struct CaptionTraining: Sendable, Hashable, Codable {
  public var learningRate = 1e-4
  public var batch = 256
  public var dropout = 0.1
  /// Gradient steps whenever labels arrive, while there are fewer than `manyLabels`.
  public var stepsAtArrival = 32
  /// From so many labels on there is one step a training batch.
  public var manyLabels = 25_000
  /// Norm to which the ranking model's gradient is clipped.
  public var maxGradientNorm = 10.0
  /// Captions that go through a network at once where there is nothing to learn.
  public var inferenceBatch = 256

  public init() {}

  func check() throws {
    guard learningRate > 0, batch >= 1, (0..<1).contains(dropout), stepsAtArrival >= 1, manyLabels >= 0,
      maxGradientNorm > 0, inferenceBatch >= 1
    else {
      throw GuerdonError.usage(
        "A caption model needs a learning rate, batches and gradient steps above 0, and a dropout in [0, 1).")
    }
  }
}

/// A network's optimiser and labels, and when it takes steps.
private final class CaptionTrainer<Example> {
  let configuration: CaptionTraining
  private(set) var examples: [Example] = []
  private let optimizer: Torch.Adam
  private let clips: Bool
  private var random: RandomGenerator
  private(set) var steps = 0

  init(_ module: some Module, configuration: CaptionTraining, clips: Bool, seed: UInt64) {
    self.configuration = configuration
    self.clips = clips
    optimizer = Torch.Adam(module.parameters(), learningRate: configuration.learningRate)
    random = RandomGenerator(seed: seed, spawnKey: [0x6c_65_61])
  }

  /// Takes in labels, and learns from all there are while they are few.
  func add(_ new: [Example], loss: ([Example]) -> Tensor) {
    if new.isEmpty { return }
    examples += new
    if examples.count < configuration.manyLabels {
      for _ in 0..<configuration.stepsAtArrival { step(loss) }
    }
  }

  /// One training batch went by.
  func batchWentBy(loss: ([Example]) -> Tensor) {
    if !examples.isEmpty && examples.count >= configuration.manyLabels { step(loss) }
  }

  private func step(_ loss: ([Example]) -> Tensor) {
    // All labels where they fit into a batch, else so many of them.
    let batch =
      examples.count <= configuration.batch
      ? examples : (0..<configuration.batch).map { _ in examples[random.integer(below: examples.count)] }
    optimizer.zeroGrad()
    loss(batch).backward()
    if clips { clipGradNorm(optimizer.parameters, maxNorm: configuration.maxGradientNorm) }
    optimizer.step()
    steps += 1
  }
}

/// The outputs of a network that is not learning, caption by caption.
private func inferred(
  _ captions: [Caption], by module: some Module, batch: Int, _ output: ([Caption]) -> Tensor
) -> [Double] {
  module.eval()
  defer { module.train() }
  // Captions of one length together: the network is as wide as the longest.
  let order = captions.indices.sorted { (captions[$0].bytes.count, $0) < (captions[$1].bytes.count, $1) }
  var outputs = [Double](repeating: 0, count: captions.count)
  for start in stride(from: 0, to: order.count, by: batch) {
    let part = order[start..<min(start + batch, order.count)]
    let values: [Float] = noGrad { output(part.map { captions[$0] }).array() }
    for (index, value) in zip(part, values) { outputs[index] = Double(value) }
  }
  return outputs
}

/// r_int = 1[p_φ(helpful | m) > η], with φ fitted to the labels by cross-entropy.
public final class ClassificationReward: CaptionReward {
  public let classifier: CaptionClassifier
  /// η.
  public let threshold: Double
  private let table = LabelTable()
  private let trainer: CaptionTrainer<(caption: Caption, isHelpful: Bool)>

  public init(threshold: Double = 0.5, training: CaptionTraining = CaptionTraining(), seed: UInt64) {
    self.threshold = threshold
    classifier = CaptionClassifier(dropout: training.dropout, generator: Generator(seed: seed))
    trainer = CaptionTrainer(classifier, configuration: training, clips: false, seed: seed)
  }

  /// Gradient steps taken.
  public var version: Int { trainer.steps }
  public var labelledCaptions: Int { table.count }

  public func queries(for seen: SeenCaptions, waiting: Int) -> [CaptionQuery] { unlabelled(seen, in: table) }

  public func learn(from labels: [LabelledQuery]) {
    let labels = captionLabels(labels)
    table.update(labels)
    trainer.add(labels, loss: loss)
  }

  public func train(on seen: SeenCaptions) { trainer.batchWentBy(loss: loss) }

  private func loss(_ batch: [(caption: Caption, isHelpful: Bool)]) -> Tensor {
    classifier(batch.map(\.caption)).crossEntropy(Tensor(batch.map { Int64($0.isHelpful ? 1 : 0) }))
  }

  /// p_φ(helpful | m).
  public func probabilities(of captions: [Caption]) -> [Double] {
    inferred(captions, by: classifier, batch: trainer.configuration.inferenceBatch) {
      classifier($0).softmax(dim: 1).select(1, 1)
    }
  }

  /// Before the first label nothing is paid: an untrained network says nothing about captions.
  public func rewards(of captions: [Caption]) -> [Double] {
    if version == 0 { return Array(repeating: 0, count: captions.count) }
    return probabilities(of: captions).map { $0 > threshold ? 1 : 0 }
  }
}

/// r_int = z if z > −0.5, else 0, with z = (ĝ(m) − μ) / σ and ĝ fitted to pairs of captions.
public final class RankingReward: CaptionReward {
  public struct Candidates: Sendable, Hashable, Codable {
    /// Every so many observations one caption is a candidate.
    public var every = 10
    /// A caption is a candidate once.
    public var removesDuplicates = true
    /// Random pairs that are added where fewer than `wanted` wait.
    public var randomPairs = 10
    /// Two batches of the annotator.
    public var wanted = 200

    public init() {}
  }

  public let ranker: CaptionRanker
  /// z at and below which nothing is paid.
  public let threshold: Double
  public let candidates: Candidates
  public private(set) var version = 0
  /// μ and σ² of ĝ over the observations.
  public private(set) var moments = RunningMoments(width: 1)
  private let trainer: CaptionTrainer<(first: Caption, second: Caption, answer: CaptionAnswer)>
  private var pool: [Caption] = []
  private var pooled: Set<Caption> = []
  private var labelled: Set<Caption> = []
  private var random: RandomGenerator

  public init(
    threshold: Double = -0.5, candidates: Candidates = Candidates(), training: CaptionTraining = CaptionTraining(),
    seed: UInt64
  ) {
    (self.threshold, self.candidates) = (threshold, candidates)
    ranker = CaptionRanker(dropout: training.dropout, generator: Generator(seed: seed))
    trainer = CaptionTrainer(ranker, configuration: training, clips: true, seed: seed)
    random = RandomGenerator(seed: seed, spawnKey: [0x70_61_69])
  }

  public var labelledCaptions: Int { labelled.count }

  public func queries(for seen: SeenCaptions, waiting: Int) -> [CaptionQuery] {
    var fresh: [Caption] = []
    for row in stride(from: 0, to: seen.rows.count, by: candidates.every) {
      guard let index = seen.rows[row] else { continue }
      let caption = seen.distinct[index]
      if pooled.insert(caption).inserted || !candidates.removesDuplicates { fresh.append(caption) }
    }
    pool += fresh
    for i in stride(from: fresh.count - 1, to: 0, by: -1) { fresh.swapAt(i, random.integer(below: i + 1)) }
    var pairs = stride(from: 1, to: fresh.count, by: 2).map { CaptionQuery.pair(fresh[$0 - 1], fresh[$0]) }
    if waiting + pairs.count < candidates.wanted && pooled.count >= 2 {
      for _ in 0..<candidates.randomPairs {
        pairs.append(.pair(pool[random.integer(below: pool.count)], pool[random.integer(below: pool.count)]))
      }
    }
    return pairs.filter { if case .pair(let first, let second) = $0 { first != second } else { false } }
  }

  public func learn(from labels: [LabelledQuery]) {
    let labels = labels.compactMap { label -> (first: Caption, second: Caption, answer: CaptionAnswer)? in
      if case .pair(let first, let second) = label.query { (first, second, label.answer) } else { nil }
    }
    for label in labels { labelled.formUnion([label.first, label.second]) }
    if labels.isEmpty { return }
    trainer.add(labels, loss: loss)
    version += 1
  }

  /// Moves μ and σ², by the newest ĝ of every observation.
  public func train(on seen: SeenCaptions) {
    trainer.batchWentBy(loss: loss)
    if trainer.steps == 0 || seen.distinct.isEmpty { return }
    let scores = scores(of: seen.distinct)
    let observed = seen.rows.compactMap { $0.map { scores[$0] } }
    observed.withUnsafeBufferPointer { values in
      if let start = values.baseAddress { moments.update(start, rows: values.count) }
    }
    version += 1
  }

  private func loss(_ batch: [(first: Caption, second: Caption, answer: CaptionAnswer)]) -> Tensor {
    let scores = ranker(batch.map(\.first) + batch.map(\.second)).view(2, batch.count).transpose(0, 1)
    let labels = batch.flatMap { pair -> [Float] in
      switch pair.answer {
      case .first: [1, 0]
      case .second: [0, 1]
      default: [0.5, 0.5]
      }
    }
    return CaptionRanker.loss(scores: scores, labels: Tensor(labels, shape: [batch.count, 2]))
  }

  /// ĝ.
  public func scores(of captions: [Caption]) -> [Double] {
    inferred(captions, by: ranker, batch: trainer.configuration.inferenceBatch) { ranker($0) }
  }

  /// z if it is above the threshold, else 0.
  public static func reward(z: Double, threshold: Double = -0.5) -> Double { z > threshold ? z : 0 }

  /// Before the first observation with a trained network nothing is paid.
  public func rewards(of captions: [Caption]) -> [Double] {
    if moments.count < 1 { return Array(repeating: 0, count: captions.count) }
    let (mean, deviation) = (moments.mean[0], (moments.variance[0] + 1e-8).squareRoot())
    return scores(of: captions).map { Self.reward(z: ($0 - mean) / deviation, threshold: threshold) }
  }
}

// MARK: Bags of words

/// The baseline ELLM-BoW: the cosine similarity of a caption's and the goal's words, where it is above a threshold.
///
/// Every word is a direction of its own: there are no word vectors from a corpus.
public final class BagOfWordsReward: CaptionReward {
  public let version = 1
  public let labelledCaptions = 0
  public let threshold: Double
  private let goal: [String: Double]

  public init(goal: String, threshold: Double = 0.3) {
    self.threshold = threshold
    self.goal = Self.words(goal)
  }

  private static func words(_ text: String) -> [String: Double] {
    text.lowercased().split { !$0.isLetter && !$0.isNumber }
      .reduce(into: [:]) { words, word in words[String(word), default: 0] += 1 }
  }

  public func similarity(to caption: Caption) -> Double {
    let words = Self.words(caption.text)
    let product = words.reduce(0) { $0 + $1.value * (goal[$1.key] ?? 0) }
    let norms = [words, goal].map { $0.values.reduce(0) { $0 + $1 * $1 } }
    return norms[0] > 0 && norms[1] > 0 ? product / (norms[0] * norms[1]).squareRoot() : 0
  }

  public func rewards(of captions: [Caption]) -> [Double] {
    captions.map { caption in
      let similarity = similarity(to: caption)
      return similarity > threshold ? similarity : 0
    }
  }
}
