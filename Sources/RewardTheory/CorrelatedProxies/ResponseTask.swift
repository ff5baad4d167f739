import Agents
import Basics
import Foundation
import RewardAudit

/// A toy of RLHF in which length is hacked: name the words of a topic, each once, in few words.
///
/// A prompt is one of three topics; a response is up to 16 of 14 words (four a topic, two fillers). The gold score
/// counts distinct words of the topic, less what is beside it, repeated or too long. Base responses are short and
/// seldom repeat, so among them longer is better; a reward model learned from them does not know where that ends.
struct ResponseTask: Sendable {
  static let topics = 3
  static let wordsPerTopic = 4
  static let words = topics * wordsPerTopic + 2
  /// The token that ends a response.
  static let end = words
  static let longest = 16

  struct Response: Sendable, Hashable {
    var topic: Int
    var words: [Int]
  }

  /// Distinct words of the topic − 0.25 a word beside it − 0.4 a repetition − 0.3 a word beyond the eighth.
  static func gold(_ response: Response) -> Double {
    var seen = Set<Int>(), beside = 0, repeated = 0
    for word in response.words {
      if word / wordsPerTopic != response.topic {
        beside += 1
      } else if !seen.insert(word).inserted {
        repeated += 1
      }
    }
    return Double(seen.count) - 0.25 * Double(beside) - 0.4 * Double(repeated)
      - 0.3 * Double(max(0, response.words.count - 8))
  }

  /// A response as the corpus has them: one to eight words, of which 55 in 100 are new ones of the topic.
  static func written(_ random: inout RandomGenerator) -> Response {
    let topic = random.integer(below: topics)
    let length = 1 + (0..<7).reduce(0) { sum, _ in sum + random.integer(below: 2) }
    var left = (0..<wordsPerTopic).map { topic * wordsPerTopic + $0 }, words: [Int] = []
    for _ in 0..<length {
      let kind = random.uniform()
      if kind < 0.55, !left.isEmpty {
        words.append(left.remove(at: random.integer(below: left.count)))
      } else if kind < 0.6, let again = words.last {
        words.append(again)
      } else {
        words.append(random.integer(below: Self.words))
      }
    }
    return Response(topic: topic, words: words)
  }

  // MARK: What networks see

  /// Topic, last word, counts of words, length.
  static let contextWidth = topics + (words + 1) + words + 1

  /// Writes the context before word `position`.
  static func writeContext(_ response: Response, _ position: Int, into row: UnsafeMutablePointer<Float>) {
    for j in 0..<padded(contextWidth) { row[j] = 0 }
    row[response.topic] = 1
    row[topics + (position == 0 ? words : response.words[position - 1])] = 1
    for word in response.words[0..<position] { row[topics + words + 1 + word] += 0.25 }
    row[contextWidth - 1] = Float(position) / Float(longest)
  }
}

/// The proxy: a small network of a response's topic, words and length, learned from preferences between base responses.
final class ResponseRewardModel: @unchecked Sendable {
  private let network: MLP
  private let stride = padded(ResponseTask.contextWidth)

  /// Bradley and Terry's likelihood, maximised by Adam.
  init(
    pairs: [(better: ResponseTask.Response, worse: ResponseTask.Response)], epochs: Int,
    random: inout RandomGenerator
  ) {
    network = MLP(widths: [ResponseTask.contextWidth, 32, 1], activation: .relu)
    network.initializeUniformly(random: &random)
    let minibatch = 64
    let workspace = MLP.Workspace(network, capacity: 2 * minibatch), inputs = FloatBuffer(2 * minibatch * stride)
    let optimizer = Adam(count: network.parameters.count, epsilon: 1e-8)
    var order = Array(pairs.indices)
    for _ in 0..<epochs {
      for i in Swift.stride(from: order.count - 1, to: 0, by: -1) { order.swapAt(i, random.integer(below: i + 1)) }
      for start in Swift.stride(from: 0, to: order.count, by: minibatch) {
        let batch = order[start..<min(start + minibatch, order.count)]
        for (i, index) in batch.enumerated() {
          write(pairs[index].better, into: inputs.base + 2 * i * stride)
          write(pairs[index].worse, into: inputs.base + (2 * i + 1) * stride)
        }
        network.forward(inputs.base, stride: stride, count: 2 * batch.count, workspace)
        for i in 0..<batch.count {
          // −log σ(r⁺ − r⁻).
          let slope = -1 / (1 + exp(workspace.outputs[16 * i] - workspace.outputs[16 * i + 8])) / Float(batch.count)
          workspace.outputDeltas[16 * i] = slope
          workspace.outputDeltas[16 * i + 8] = -slope
        }
        network.backward(inputs.base, stride: stride, count: 2 * batch.count, workspace)
        optimizer.step(network.parameters.base, gradients: workspace.gradients.base, scale: 1, learningRate: 1e-3)
        network.refresh()
      }
    }
  }

  func score(_ responses: [ResponseTask.Response]) -> [Double] {
    let workspace = MLP.Workspace(network, capacity: responses.count)
    let inputs = FloatBuffer(responses.count * stride)
    for (i, response) in responses.enumerated() { write(response, into: inputs.base + i * stride) }
    network.forward(inputs.base, stride: stride, count: responses.count, workspace)
    return responses.indices.map { Double(workspace.outputs[8 * $0]) }
  }

  /// As a context, but the last word is nobody's business.
  private func write(_ response: ResponseTask.Response, into row: UnsafeMutablePointer<Float>) {
    ResponseTask.writeContext(response, response.words.count, into: row)
    for j in 0...ResponseTask.words { row[ResponseTask.topics + j] = 0 }
  }
}

/// A language model over the task's words: a multilayer perceptron of the context, which stands in for a transformer.
final class ResponsePolicy {
  /// Responses with the rows that they were drawn from, one a token.
  struct Sample {
    var responses: [ResponseTask.Response] = []
    /// Which response each row belongs to, and the token drawn there.
    var owners: [Int] = []
    var tokens: [Int] = []
    var logProbabilities: [Double] = []
    /// [rows, padded context].
    var contexts: [Float] = []

    /// log π(y | x) of every response.
    func sequenceLogProbabilities(_ rows: [Double]) -> [Double] {
      var sums = [Double](repeating: 0, count: responses.count)
      for (row, owner) in owners.enumerated() { sums[owner] += rows[row] }
      return sums
    }
  }

  private static let outputs = ResponseTask.words + 1
  private static let capacity = 512
  private let network: MLP
  private let optimizer: Adam
  private let workspace: MLP.Workspace
  private let inputs: FloatBuffer
  private let stride = padded(ResponseTask.contextWidth)

  init(random: inout RandomGenerator) {
    network = MLP(widths: [ResponseTask.contextWidth, 64, 64, Self.outputs])
    network.initialize(outputGain: 0.01, random: &random)
    optimizer = Adam(count: network.parameters.count)
    workspace = MLP.Workspace(network, capacity: Self.capacity)
    inputs = FloatBuffer(Self.capacity * padded(ResponseTask.contextWidth))
  }

  /// The same parameters, a fresh optimiser.
  init(copying other: ResponsePolicy) {
    var random = RandomGenerator(seed: 0)
    network = MLP(widths: [ResponseTask.contextWidth, 64, 64, Self.outputs])
    network.initialize(outputGain: 0.01, random: &random)
    network.parameters.base.update(from: other.network.parameters.base, count: network.parameters.count)
    network.refresh()
    optimizer = Adam(count: network.parameters.count)
    workspace = MLP.Workspace(network, capacity: Self.capacity)
    inputs = FloatBuffer(Self.capacity * padded(ResponseTask.contextWidth))
  }

  /// Rows of a written response: each word, and the end unless it is as long as may be.
  static func rows(of responses: [ResponseTask.Response]) -> Sample {
    var sample = Sample(responses: responses)
    let stride = padded(ResponseTask.contextWidth)
    let row = FloatBuffer(stride)
    for (owner, response) in responses.enumerated() {
      let tokens = (response.words + [ResponseTask.end]).prefix(ResponseTask.longest)
      for (position, token) in tokens.enumerated() {
        ResponseTask.writeContext(response, position, into: row.base)
        sample.contexts += UnsafeBufferPointer(start: row.base, count: stride)
        sample.owners.append(owner)
        sample.tokens.append(token)
      }
    }
    return sample
  }

  /// Draws `count` responses to random prompts.
  func sample(_ count: Int, _ random: inout RandomGenerator) -> Sample {
    var sample = Sample()
    sample.responses = (0..<count).map { _ in
      ResponseTask.Response(topic: random.integer(below: ResponseTask.topics), words: [])
    }
    var open = Array(0..<count)
    let row = padded(Self.outputs)
    for position in 0..<ResponseTask.longest where !open.isEmpty {
      var stillOpen: [Int] = []
      for start in Swift.stride(from: 0, to: open.count, by: Self.capacity) {
        let chunk = open[start..<min(start + Self.capacity, open.count)]
        for (i, owner) in chunk.enumerated() {
          ResponseTask.writeContext(sample.responses[owner], position, into: inputs.base + i * stride)
        }
        network.forward(inputs.base, stride: stride, count: chunk.count, workspace)
        sample.contexts += UnsafeBufferPointer(start: inputs.base, count: chunk.count * stride)
        for (i, owner) in chunk.enumerated() {
          let logits = workspace.outputs + i * row, normalizer = Self.logSumExp(logits)
          var remaining = Float(random.uniform()), token = 0
          while token < Self.outputs - 1 {
            remaining -= exp(logits[token] - normalizer)
            if remaining < 0 { break }
            token += 1
          }
          sample.owners.append(owner)
          sample.tokens.append(token)
          sample.logProbabilities.append(Double(logits[token] - normalizer))
          if token != ResponseTask.end {
            sample.responses[owner].words.append(token)
            stillOpen.append(owner)
          }
        }
      }
      open = stillOpen
    }
    return sample
  }

  /// log π of every row's token.
  func logProbabilities(_ sample: Sample) -> [Double] {
    var result: [Double] = []
    forEachBatch(Array(sample.tokens.indices), sample) { batch in
      for (i, row) in batch.enumerated() {
        let logits = workspace.outputs + i * padded(Self.outputs)
        result.append(Double(logits[sample.tokens[row]] - Self.logSumExp(logits)))
      }
    }
    return result
  }

  /// One pass of maximum likelihood over written responses.
  func imitate(_ sample: Sample, learningRate: Float, _ random: inout RandomGenerator) {
    pass(sample, learningRate, &random) { _, _ in -1 }
  }

  /// One pass of PPO's clipped objective, every token with its response's advantage.
  func reinforce(
    _ sample: Sample, advantages: [Double], clip: Float, learningRate: Float, _ random: inout RandomGenerator
  ) {
    pass(sample, learningRate, &random) { row, logProbability in
      let advantage = Float(advantages[sample.owners[row]])
      let ratio = exp(logProbability - Float(sample.logProbabilities[row]))
      let limited = min(max(ratio, 1 - clip), 1 + clip)
      return ratio * advantage <= limited * advantage ? -advantage * ratio : 0
    }
  }

  /// - Parameter slope: the loss's derivative by log π of a row's token, given that log-probability.
  private func pass(
    _ sample: Sample, _ learningRate: Float, _ random: inout RandomGenerator, slope: (Int, Float) -> Float
  ) {
    var order = Array(sample.tokens.indices)
    for i in Swift.stride(from: order.count - 1, to: 0, by: -1) { order.swapAt(i, random.integer(below: i + 1)) }
    let width = padded(Self.outputs)
    forEachBatch(order, sample) { batch in
      for (i, row) in batch.enumerated() {
        let logits = workspace.outputs + i * width, deltas = workspace.outputDeltas + i * width
        let normalizer = Self.logSumExp(logits), token = sample.tokens[row]
        let weight = slope(row, logits[token] - normalizer) / Float(batch.count)
        for j in 0..<Self.outputs { deltas[j] = weight * ((j == token ? 1 : 0) - exp(logits[j] - normalizer)) }
      }
      network.backward(inputs.base, stride: stride, count: batch.count, workspace)
      var square: Float = 0
      for i in 0..<workspace.gradients.count { square += workspace.gradients.base[i] * workspace.gradients.base[i] }
      optimizer.step(
        network.parameters.base, gradients: workspace.gradients.base, scale: min(1, 1 / (square.squareRoot() + 1e-6)),
        learningRate: learningRate)
      network.refresh()
    }
  }

  private func forEachBatch(_ order: [Int], _ sample: Sample, _ body: (ArraySlice<Int>) -> Void) {
    for start in Swift.stride(from: 0, to: order.count, by: Self.capacity) {
      let batch = order[start..<min(start + Self.capacity, order.count)]
      for (i, row) in batch.enumerated() {
        for j in 0..<stride { inputs.base[i * stride + j] = sample.contexts[row * stride + j] }
      }
      network.forward(inputs.base, stride: stride, count: batch.count, workspace)
      body(batch)
    }
  }

  private static func logSumExp(_ logits: UnsafePointer<Float>) -> Float {
    var top = logits[0]
    for j in 1..<outputs { top = max(top, logits[j]) }
    var sum: Float = 0
    for j in 0..<outputs { sum += exp(logits[j] - top) }
    return top + log(sum)
  }
}

/// RLHF on the task: a base policy by imitation, a reward model from its responses, PPO on the proxy minus a penalty.
///
/// One response is one step, so the occupancy is that of prompts and responses, and the ratio π(y | x) / π0(y | x) is
/// known: no discriminator is needed.
struct ResponseOptimisation {
  struct Configuration: Sendable, Hashable, Codable {
    var corpus = 3000
    var imitationEpochs = 8
    var pairs = 3000
    var rewardEpochs = 20
    var iterations = 150
    /// Responses an iteration.
    var batch = 512
    var epochs = 2
    var clip: Float = 0.2
    var learningRate: Float = 1e-3
    /// Responses that a policy is measured on.
    var evaluation = 4000
  }

  let configuration: Configuration
  let seed: UInt64
  let base: ResponsePolicy
  let proxy: ResponseRewardModel
  /// Under the base policy: the proxy against gold.
  let baseStatistics: ProxyStatistics

  init(_ configuration: Configuration, seed: UInt64) throws {
    (self.configuration, self.seed) = (configuration, seed)
    var random = RandomGenerator(seed: seed, spawnKey: [0x72, 0])
    base = ResponsePolicy(random: &random)
    let corpus = ResponsePolicy.rows(of: (0..<configuration.corpus).map { _ in ResponseTask.written(&random) })
    for _ in 0..<configuration.imitationEpochs { base.imitate(corpus, learningRate: 3e-3, &random) }
    // Preferences between two base responses to one prompt, by Bradley and Terry's rule on the gold scores.
    let responses = base.sample(2 * configuration.pairs, &random).responses
    let groups = (0..<ResponseTask.topics).map { topic in responses.filter { $0.topic == topic } }
    var pairs: [(better: ResponseTask.Response, worse: ResponseTask.Response)] = []
    for group in groups {
      for i in Swift.stride(from: 0, to: group.count - 1, by: 2) {
        let difference = ResponseTask.gold(group[i]) - ResponseTask.gold(group[i + 1])
        let isFirst = random.uniform() < 1 / (1 + exp(-difference))
        pairs.append(isFirst ? (group[i], group[i + 1]) : (group[i + 1], group[i]))
      }
    }
    proxy = ResponseRewardModel(pairs: pairs, epochs: configuration.rewardEpochs, random: &random)
    let measured = base.sample(configuration.evaluation, &random).responses
    baseStatistics = try ProxyStatistics(proxy: proxy.score(measured), truth: measured.map(ResponseTask.gold))
  }

  /// PPO from the base policy on Rp − coefficient · penalty, the coefficient in units of the proxy's deviation under
  /// it.
  /// - Parameter divergence: nil optimises the proxy alone.
  func optimise(
    _ divergence: OccupancyDivergence?, coefficient: Double, shouldStop: () -> Bool
  ) throws -> (assessment: ProxyAssessment, length: Double) {
    // The same luck for every arm.
    var random = RandomGenerator(seed: seed, spawnKey: [0x72, 1])
    let policy = ResponsePolicy(copying: base), fixed = ResponsePolicy(copying: base)
    for _ in 0..<configuration.iterations {
      if shouldStop() { throw CancellationError() }
      let sample = policy.sample(configuration.batch, &random)
      var rewards = proxy.score(sample.responses)
      if let divergence {
        let ratios = zip(
          sample.sequenceLogProbabilities(sample.logProbabilities),
          sample.sequenceLogProbabilities(fixed.logProbabilities(sample))
        ).map { $0 - $1 }
        let penalties = OccupancyDiscriminator.penalties(divergence, logRatios: ratios, clip: 1000).penalties
        for i in rewards.indices { rewards[i] -= coefficient * baseStatistics.proxyDeviation * penalties[i] }
      }
      let advantages = Self.advantages(rewards, sample.responses)
      for _ in 0..<configuration.epochs {
        policy.reinforce(
          sample, advantages: advantages, clip: configuration.clip, learningRate: configuration.learningRate, &random)
      }
    }
    let measured = policy.sample(configuration.evaluation, &random).responses
    let optimised = try ProxyStatistics(proxy: proxy.score(measured), truth: measured.map(ResponseTask.gold))
    let length = measured.reduce(0) { $0 + Double($1.words.count) } / Double(measured.count)
    return (ProxyAssessment(base: baseStatistics, optimised: optimised), length)
  }

  /// GRPO's: rewards standardised among the responses to one prompt.
  private static func advantages(_ rewards: [Double], _ responses: [ResponseTask.Response]) -> [Double] {
    var result = rewards
    for topic in 0..<ResponseTask.topics {
      let group = responses.indices.filter { responses[$0].topic == topic }
      let mean = group.reduce(0) { $0 + rewards[$1] } / Double(max(1, group.count))
      let square = group.reduce(0) { $0 + (rewards[$1] - mean) * (rewards[$1] - mean) } / Double(max(1, group.count))
      for i in group { result[i] = (rewards[i] - mean) / max(square.squareRoot(), 1e-4) }
    }
    return result
  }
}
