import Agents
import Basics
import Foundation

/// A task whose outcome is out of reach by itself, with helpful signals and a misleading one.
///
/// Nine digits x_1 … x_9 ∈ {0 … 3} are to be answered by y_t = P(x_t), with a hidden permutation P for each third.
/// - g1: 1 if all nine answers are right.
/// - g2, g3: share of right answers in the first and the second third.
/// - g4: share of the last third that agrees with a stale rule, its permutation rolled by one: never the right answer.
public struct StaleRuleCipher: Sendable {
  public static let length = 9, symbols = 4, thirds = 3, signals = 4
  static let cells = thirds * symbols

  /// `rules[third][x]`: the answer.
  public let rules: [[Int]]
  /// `stale[x]`: what g4 rewards.
  public let stale: [Int]
  /// Signals, by index from 0, that are turned around: 1 − g.
  public let reversed: Set<Int>
  /// D_in and V, the training data split 8:2 at random, and D_test; rows of nine digits.
  public let inner, validation, test: [[Int]]

  public init(seed: UInt64, reversed: Set<Int> = [], validation: Int = 512, test: Int = 512) {
    var random = RandomGenerator(seed: seed, spawnKey: [0x63_69_70])
    rules = (0..<Self.thirds).map { _ in (0..<Self.symbols).shuffled(using: &random) }
    let last = rules[Self.thirds - 1]
    stale = (0..<Self.symbols).map { last[($0 + 1) % Self.symbols] }
    self.reversed = reversed
    func sequences(_ count: Int) -> [[Int]] {
      (0..<count).map { _ in (0..<Self.length).map { _ in random.integer(below: Self.symbols) } }
    }
    let training = sequences(5 * validation).shuffled(using: &random)
    self.validation = Array(training[..<validation])
    inner = Array(training[validation...])
    self.test = sequences(test)
  }

  /// Row of a policy's table that answers position t.
  static func cell(_ digit: Int, at position: Int) -> Int { position / thirds * symbols + digit }

  /// g1 … g4 for the answers `y` to `x`.
  public func signals(_ x: some RandomAccessCollection<Int>, _ y: some RandomAccessCollection<Int>) -> [Double] {
    var right = [Double](repeating: 0, count: Self.thirds), agreeing = 0.0
    for (t, (digit, answer)) in zip(x, y).enumerated() {
      let third = t / Self.thirds
      if answer == rules[third][digit] { right[third] += 1 }
      if third == Self.thirds - 1, answer == stale[digit] { agreeing += 1 }
    }
    let perThird = Double(Self.length / Self.thirds)
    let solved = right.reduce(0, +) == Double(Self.length) ? 1.0 : 0
    return [solved, right[0] / perThird, right[1] / perThird, agreeing / perThird].enumerated().map { index, value in
      reversed.contains(index) ? 1 - value : value
    }
  }

  func sequences(of data: TrainingData) -> [[Int]] { data == .inner ? inner : inner + validation }

  func sequences(of data: HeldOutData) -> [[Int]] { data == .validation ? validation : test }

  /// Share of the held-out sequences that are answered right altogether.
  func accuracy(on data: HeldOutData, answers: [[Int]]) -> Double {
    let solved = zip(sequences(of: data), answers).count { x, y in
      zip(x, y).enumerated().allSatisfy { t, pair in rules[t / Self.thirds][pair.0] == pair.1 }
    }
    return Double(solved) / Double(answers.count)
  }

  /// R_φ of every output; nil where one is not a number.
  func rewards(_ formula: Formula, questions: [[Int]], answers: [[Int]]) -> [Double]? {
    let perQuestion = answers.count / questions.count
    var rewards: [Double] = []
    rewards.reserveCapacity(answers.count)
    for (index, answer) in answers.enumerated() {
      let point = signals(questions[index / perQuestion], answer).map { $0 + ProcessSignals.offset }
      guard let reward = formula.value(at: point) else { return nil }
      rewards.append(reward)
    }
    return rewards
  }
}

/// The inner GRPO.
public struct InnerTraining: Sendable, Hashable, Codable {
  /// Rollouts, each followed by a step on every mini-batch.
  public var updates = 100
  /// Questions a rollout, and questions a step.
  public var batch = 1_024
  public var miniBatch = 64
  /// Outputs G a question.
  public var outputs = 5
  public var learningRate = 1e-6
  public var loss = GRPO.Loss(clip: 0.2, klCoefficient: 0.001)

  public init() {}

  /// For the cipher's table.
  public static let cipher: InnerTraining = {
    var training = InnerTraining()
    training.updates = 80
    training.batch = 16
    training.miniBatch = 16
    training.outputs = 8
    training.learningRate = 0.1
    return training
  }()

  func check() throws {
    guard updates >= 1, batch >= 1, miniBatch >= 1, outputs >= 1, learningRate > 0, loss.clip > 0 else {
      throw GuerdonError.usage("derl's inner training needs positive sizes, learning rate and clip.")
    }
  }
}

/// The cipher's inner level with a table of 3 × 4 × 4 logits: one softmax for each third and digit.
public struct CipherTable: InnerLearner {
  /// Logits [third, digit, answer].
  public struct Policy: Sendable, Hashable {
    public var logits = [Float](repeating: 0, count: StaleRuleCipher.cells * StaleRuleCipher.symbols)

    /// log π(answer | third, digit).
    func logProbabilities() -> [Double] {
      var result: [Double] = []
      for start in stride(from: 0, to: logits.count, by: StaleRuleCipher.symbols) {
        let row = logits[start..<start + StaleRuleCipher.symbols].map { Double($0) }
        let highest = row.max() ?? 0
        let total = highest + log(row.reduce(0) { $0 + exp($1 - highest) })
        result += row.map { $0 - total }
      }
      return result
    }
  }

  public let cipher: StaleRuleCipher
  public let training: InnerTraining
  public var signals: Int { StaleRuleCipher.signals }

  public init(_ cipher: StaleRuleCipher, training: InnerTraining = .cipher) {
    (self.cipher, self.training) = (cipher, training)
  }

  public func train(
    on reward: Formula, from start: Policy?, data: TrainingData, seed: UInt64, mayContinue: () -> Bool
  ) -> Policy? {
    let symbols = StaleRuleCipher.symbols, length = StaleRuleCipher.length
    let sequences = cipher.sequences(of: data)
    var random = RandomGenerator(seed: seed)
    var policy = start ?? Policy()
    let reference = policy.logProbabilities()
    let gradients = FloatBuffer(policy.logits.count)
    let optimizer = Adam(count: policy.logits.count, epsilon: 1e-8)
    for _ in 0..<training.updates {
      guard mayContinue() else { break }
      // G outputs for each question, from the policy as it is.
      let old = policy.logProbabilities()
      let probabilities = old.map(exp)
      let questions = (0..<training.batch).map { _ in sequences[random.integer(below: sequences.count)] }
      var answers: [[Int]] = []
      for x in questions {
        for _ in 0..<training.outputs {
          answers.append(
            (0..<length).map { t in
              let row = StaleRuleCipher.cell(x[t], at: t) * symbols
              var left = random.uniform(), answer = 0
              while answer < symbols - 1, left >= probabilities[row + answer] {
                left -= probabilities[row + answer]
                answer += 1
              }
              return answer
            })
        }
      }
      guard let rewards = cipher.rewards(reward, questions: questions, answers: answers) else { return nil }
      let advantages = GRPO.advantages(rewards, groupSize: training.outputs)
      for first in stride(from: 0, to: questions.count, by: training.miniBatch) {
        // The gradient of the mean over outputs of the mean over tokens, through ∂ log π(y) / ∂ logits = 1[y] − π.
        let last = min(first + training.miniBatch, questions.count)
        let share = 1 / Double((last - first) * training.outputs * length)
        let current = policy.logProbabilities()
        var slopes = [Double](repeating: 0, count: current.count)
        for output in first * training.outputs..<last * training.outputs {
          let x = questions[output / training.outputs]
          for t in 0..<length {
            let place = StaleRuleCipher.cell(x[t], at: t) * symbols + answers[output][t]
            slopes[place] += share * GRPO.tokenGradient(
              current[place], old: old[place], reference: reference[place], advantage: advantages[output],
              loss: training.loss)
          }
        }
        for row in stride(from: 0, to: current.count, by: symbols) {
          let total = slopes[row..<row + symbols].reduce(0, +)
          for place in row..<row + symbols {
            gradients.base[place] = Float(slopes[place] - exp(current[place]) * total)
          }
        }
        policy.logits.withUnsafeMutableBufferPointer { logits in
          guard let logits = logits.baseAddress else { return }
          optimizer.step(
            logits, gradients: gradients.base, scale: 1, learningRate: Float(training.learningRate))
        }
      }
    }
    return policy
  }

  public func accuracy(of policy: Policy, on data: HeldOutData) -> Double {
    let symbols = StaleRuleCipher.symbols
    let answers = (0..<StaleRuleCipher.cells).map { cell in
      (0..<symbols).reduce(0) { policy.logits[cell * symbols + $1] > policy.logits[cell * symbols + $0] ? $1 : $0 }
    }
    return cipher.accuracy(
      on: data,
      answers: cipher.sequences(of: data).map { x in
        x.enumerated().map { answers[StaleRuleCipher.cell($1, at: $0)] }
      })
  }
}
