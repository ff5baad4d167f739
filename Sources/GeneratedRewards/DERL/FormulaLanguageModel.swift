import Agents
import Basics
import Foundation
import Torch

/// The Meta-Optimizer ψ: a small transformer that writes formulas token by token.
///
/// Sampling and learning see one and the same distribution: the softmax of the logits divided by the temperature, with
/// −∞ where the decoding forbids a token.
public final class FormulaLanguageModel {
  public struct Configuration: Sendable, Hashable, Codable {
    public var layers = 2
    public var width = 64
    public var heads = 4
    public var feedForward = 128
    public var temperature = 0.7
    /// Longest formula, its end included.
    public var maximumTokens = 128
    public var decoding = FormulaVocabulary.Decoding.vocabulary
    /// Random valid formulas of the cold start.
    public var coldStartFormulas = 2_000
    public var coldStartEpochs = 8
    public var coldStartBatch = 50
    public var coldStartLearningRate = 3e-3

    public init() {}

    func check() throws {
      guard layers >= 1, heads >= 1, width >= heads, width % heads == 0, feedForward >= 1 else {
        throw GuerdonError.usage("derl's model needs a layer, and a width that its heads divide.")
      }
      guard temperature > 0, (4...1_024).contains(maximumTokens) else {
        throw GuerdonError.usage("derl's model needs a positive temperature, and 4 to 1024 tokens a formula.")
      }
      guard coldStartFormulas >= 0, coldStartEpochs >= 0, coldStartBatch >= 1, coldStartLearningRate > 0 else {
        throw GuerdonError.usage("derl's cold start needs a batch of at least 1 and a positive learning rate.")
      }
    }
  }

  /// Parameters by name, to be handed from one thread to another.
  public struct State: Sendable, Hashable {
    fileprivate let values: [String: [Float]]
    fileprivate let shapes: [String: [Int]]
  }

  private final class Network: Module {
    let token: Embedding
    let position: Embedding
    let encoder: TransformerEncoder
    let head: Linear

    init(tokens: Int, _ c: Configuration, generator: Generator) {
      token = Embedding(tokens, c.width, generator: generator)
      position = Embedding(c.maximumTokens, c.width, generator: generator)
      let layers = (0..<c.layers).map { _ in
        TransformerEncoderLayer(
          c.width, heads: c.heads, feedForward: c.feedForward, activation: .gelu, batchFirst: true, normFirst: true,
          generator: generator)
      }
      encoder = TransformerEncoder(layers, norm: LayerNorm(c.width))
      head = Linear(c.width, tokens, generator: generator)
    }

    /// [formulas, tokens] → logits [formulas, tokens, vocabulary].
    func callAsFunction(_ ids: Tensor) -> Tensor {
      let positions = Tensor.arange(ids.size(1))
      return head(encoder(token(ids) + position(positions), causal: true))
    }
  }

  public let vocabulary: FormulaVocabulary
  public let configuration: Configuration
  private let network: Network

  /// - Throws: `GuerdonError.usage` for a configuration that cannot work.
  public init(_ vocabulary: FormulaVocabulary, configuration: Configuration, seed: UInt64) throws {
    try configuration.check()
    self.vocabulary = vocabulary
    self.configuration = configuration
    network = Network(tokens: vocabulary.tokens.count, configuration, generator: Generator(seed: seed))
  }

  public var parameters: [Tensor] { network.parameters() }

  public var state: State {
    let state = network.stateDict()
    return State(values: state.mapValues { $0.array() }, shapes: state.mapValues(\.shape))
  }

  /// - Throws: `GuerdonError.failure` when the state is that of another configuration.
  public func load(_ state: State) throws {
    let tensors = Dictionary(
      uniqueKeysWithValues: state.values.map { name, values in (name, Tensor(values, shape: state.shapes[name])) })
    try network.loadStateDict(tensors)
  }

  // MARK: Cold start

  /// Supervised training on random valid formulas: it teaches the grammar, not what is good.
  /// - Returns: the cross-entropy per token of each epoch, in nats.
  @discardableResult
  public func coldStart(random: inout RandomGenerator, shouldStop: () -> Bool = { false }) -> [Double] {
    let formulas = (0..<configuration.coldStartFormulas).map { _ in vocabulary.randomFormula(&random) }
      .filter { $0.count <= configuration.maximumTokens }
    guard !formulas.isEmpty else { return [] }
    let batch = configuration.coldStartBatch
    let steps = (formulas.count + batch - 1) / batch * configuration.coldStartEpochs
    let optimizer = AdamW(network.parameters(), learningRate: configuration.coldStartLearningRate)
    let schedule = LearningRateScheduler(optimizer, .cosine(minimum: 0.1, steps: steps))
    var losses: [Double] = []
    for _ in 0..<configuration.coldStartEpochs where !shouldStop() {
      var sum = 0.0, count = 0.0
      let shuffled = formulas.shuffled(using: &random)
      for start in stride(from: 0, to: shuffled.count, by: batch) {
        let (inputs, targets, mask) = tensors(of: Array(shuffled[start..<min(start + batch, shuffled.count)]))
        let logits = network(inputs)
        let losses = -logits.logSoftmax(dim: -1).gather(dim: -1, index: targets.unsqueeze(-1)).squeeze(-1)
        let total = (losses * mask).sum(), tokens = mask.sum()
        optimizer.zeroGrad()
        (total / tokens).backward()
        clipGradNorm(optimizer.parameters, maxNorm: 1)
        optimizer.step()
        schedule.step()
        sum += total.item()
        count += tokens.item()
      }
      losses.append(sum / count)
    }
    return losses
  }

  // MARK: Sampling

  /// Formulas drawn from the model, each with its end unless it was cut off.
  public func sample(_ count: Int, random: inout RandomGenerator) -> [[Int]] {
    var samples = [[Int]](repeating: [], count: count)
    var isOpen = [Bool](repeating: true, count: count)
    let width = vocabulary.tokens.count
    for position in 0..<configuration.maximumTokens where isOpen.contains(true) {
      let inputs = samples.map { [FormulaVocabulary.begin] + $0 + fill(position - $0.count) }
      let logits = noGrad { network(Tensor(inputs)).select(1, position) }.array(of: Float.self)
      for index in samples.indices where isOpen[index] {
        let allowed = vocabulary.allowed(
          after: samples[index], decoding: configuration.decoding, room: configuration.maximumTokens - position)
        let token = draw(logits[index * width..<(index + 1) * width], allowed, &random)
        samples[index].append(token)
        if token == FormulaVocabulary.end { isOpen[index] = false }
      }
    }
    return samples
  }

  private func draw(_ logits: ArraySlice<Float>, _ allowed: [Bool], _ random: inout RandomGenerator) -> Int {
    let scaled = zip(logits, allowed).map { $1 ? Double($0) / configuration.temperature : -.infinity }
    let highest = scaled.max() ?? 0
    let weights = scaled.map { exp($0 - highest) }
    var left = random.uniform() * weights.reduce(0, +)
    for (token, weight) in weights.enumerated() where weight > 0 {
      left -= weight
      if left < 0 { return token }
    }
    return weights.lastIndex { $0 > 0 } ?? FormulaVocabulary.end
  }

  private func fill(_ count: Int) -> [Int] { [Int](repeating: FormulaVocabulary.end, count: max(0, count)) }

  // MARK: Probabilities

  /// log π(token) of every token of the samples, [samples, tokens], and 1 where a token is one of the sample's.
  public func logProbabilities(of samples: [[Int]]) -> (logProbabilities: Tensor, mask: Tensor) {
    let (inputs, targets, mask) = tensors(of: samples)
    let length = targets.size(1), width = vocabulary.tokens.count
    var forbidden: [Bool] = []
    for sample in samples {
      for position in 0..<length {
        // What fills up may be anything: it does not count.
        let allowed =
          position < sample.count
          ? vocabulary.allowed(
            after: sample[..<position], decoding: configuration.decoding, room: configuration.maximumTokens - position)
          : [Bool](repeating: true, count: width)
        forbidden += allowed.map { !$0 }
      }
    }
    let logits = (network(inputs) / configuration.temperature).maskedFill(
      Tensor(forbidden, shape: [samples.count, length, width]), -Double.infinity)
    return (logits.logSoftmax(dim: -1).gather(dim: -1, index: targets.unsqueeze(-1)).squeeze(-1), mask)
  }

  /// What the network reads (the begin, then all tokens but the last), what it is to write, and which of it counts.
  private func tensors(of samples: [[Int]]) -> (inputs: Tensor, targets: Tensor, mask: Tensor) {
    let length = samples.map(\.count).max() ?? 0
    let targets = samples.map { $0 + fill(length - $0.count) }
    let inputs = targets.map { [FormulaVocabulary.begin] + $0.dropLast() }
    let mask = samples.map { sample in (0..<length).map { $0 < sample.count ? Float(1) : 0 } }
    return (Tensor(inputs), Tensor(targets), Tensor(mask))
  }
}
