import Agents
import Basics
import Torch

/// The cipher's inner level with a transformer from scratch that reads the digits as tokens: the slower check that what
/// holds for a table holds where all positions share parameters.
public struct CipherTransformer: InnerLearner {
  public struct Configuration: Sendable, Hashable, Codable {
    public var width = 32
    public var heads = 2
    public var feedForward = 64
    public var training: InnerTraining = {
      var training = InnerTraining.cipher
      training.updates = 240
      training.learningRate = 3e-3
      return training
    }()

    public init() {}

    func check() throws {
      guard heads >= 1, width >= heads, width % heads == 0, feedForward >= 1 else {
        throw GuerdonError.usage("derl's inner transformer needs a width that its heads divide.")
      }
      try training.check()
    }
  }

  /// Parameters in the order of the network's.
  public struct Policy: Sendable, Hashable { let parameters: [[Float]] }

  /// One layer over the digits' embeddings; position t's output is the logits of y_t.
  private final class Network: Module {
    let digit, position: Embedding
    let layer: TransformerEncoderLayer
    let head: Linear

    init(_ c: Configuration, generator: Generator) {
      digit = Embedding(StaleRuleCipher.symbols, c.width, generator: generator)
      position = Embedding(StaleRuleCipher.length, c.width, generator: generator)
      layer = TransformerEncoderLayer(
        c.width, heads: c.heads, feedForward: c.feedForward, activation: .gelu, batchFirst: true, normFirst: true,
        generator: generator)
      head = Linear(c.width, StaleRuleCipher.symbols, initialization: .standard, generator: generator)
      // θ_base answers at random, as the table does.
      noGrad { _ = head.weight.zero_() }
      noGrad { _ = head.bias?.zero_() }
    }

    /// Digits [questions, 9] → log π [questions, 9, 4].
    func callAsFunction(_ digits: Tensor) -> Tensor {
      head(layer(digit(digits) + position.weight)).logSoftmax(dim: -1)
    }

    var policy: Policy { Policy(parameters: parameters().map { $0.detach().array() }) }

    func load(_ policy: Policy) {
      noGrad {
        for (parameter, values) in zip(parameters(), policy.parameters) {
          parameter.copy_(Tensor(values, shape: parameter.shape))
        }
      }
    }
  }

  public let cipher: StaleRuleCipher
  public let configuration: Configuration
  public var signals: Int { StaleRuleCipher.signals }

  public init(_ cipher: StaleRuleCipher, configuration: Configuration = .init()) {
    (self.cipher, self.configuration) = (cipher, configuration)
  }

  public func train(
    on reward: Formula, from start: Policy?, data: TrainingData, seed: UInt64, mayContinue: () -> Bool
  ) throws -> Policy? {
    let training = configuration.training
    let sequences = cipher.sequences(of: data)
    var random = RandomGenerator(seed: seed)
    let network = Network(configuration, generator: Generator(seed: random.next()))
    if let start { network.load(start) }
    let reference = Network(configuration, generator: Generator(seed: 0))
    reference.load(network.policy)
    let optimizer = Torch.Adam(network.parameters(), learningRate: training.learningRate)
    let symbols = StaleRuleCipher.symbols, length = StaleRuleCipher.length
    for _ in 0..<training.updates {
      guard mayContinue() else { break }
      let questions = (0..<training.batch).map { _ in sequences[random.integer(below: sequences.count)] }
      let probabilities = noGrad { network(Tensor(questions)).exp() }.array(of: Float.self)
      var answers: [[Int]] = []
      for question in questions.indices {
        for _ in 0..<training.outputs {
          answers.append(
            (0..<length).map { t in
              let row = (question * length + t) * symbols
              var left = Float(random.uniform()), answer = 0
              while answer < symbols - 1, left >= probabilities[row + answer] {
                left -= probabilities[row + answer]
                answer += 1
              }
              return answer
            })
        }
      }
      guard let rewards = cipher.rewards(reward, questions: questions, answers: answers) else { return nil }
      let advantages = GRPO.advantages(rewards, groupSize: training.outputs).map { Float($0) }
      // log π of the answers of the questions in `range`, [outputs, 9].
      func logProbabilities(_ network: Network, _ range: Range<Int>) -> Tensor {
        let outputs = answers[range.lowerBound * training.outputs..<range.upperBound * training.outputs]
        return network(Tensor(Array(questions[range]))).repeatInterleave(training.outputs, dim: 0)
          .gather(dim: -1, index: Tensor(Array(outputs)).unsqueeze(-1)).squeeze(-1)
      }
      let batches = stride(from: 0, to: questions.count, by: training.miniBatch).map { first in
        first..<min(first + training.miniBatch, questions.count)
      }
      let old = noGrad { batches.map { logProbabilities(network, $0) } }
      let anchors = noGrad { batches.map { logProbabilities(reference, $0) } }
      for (index, range) in batches.enumerated() {
        let part = advantages[range.lowerBound * training.outputs..<range.upperBound * training.outputs]
        let loss = GRPO.loss(
          logProbabilities(network, range), old: old[index], reference: anchors[index], advantages: Tensor(Array(part)),
          mask: old[index].onesLike(), training.loss)
        optimizer.zeroGrad()
        loss.backward()
        optimizer.step()
      }
    }
    return network.policy
  }

  public func accuracy(of policy: Policy, on data: HeldOutData) -> Double {
    cipher.accuracy(on: data, answers: answers(of: policy, to: cipher.sequences(of: data)))
  }

  /// The most likely answers.
  func answers(of policy: Policy, to questions: [[Int]]) -> [[Int]] {
    let network = Network(configuration, generator: Generator(seed: 0))
    network.load(policy)
    let answers = noGrad { network(Tensor(questions)).argmax(dim: -1) }.array(of: Int.self)
    let length = StaleRuleCipher.length
    return questions.indices.map { Array(answers[$0 * length..<($0 + 1) * length]) }
  }
}
