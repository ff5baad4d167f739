import Basics
import Foundation

/// The reward model of preference-based RL (Christiano et al., arXiv 1706.03741; B-Pref's PrefPPO): networks r̂ over a
/// fixed table of inputs, fitted to comparisons of segments.
///
/// Each member is tanh(w₂ · tanh(W₁ x + b₁) + b₂), trained by Adam on all labels at once.
public struct PreferenceEnsemble: Sendable {
  public struct Configuration: Sendable, Hashable, Codable {
    public var members = 3
    public var hidden = 16
    public var learningRate = 0.01
    /// Full-batch gradient steps after each labelling session.
    public var stepsPerSession = 50

    public init() {}

    func check() throws {
      guard members >= 1, hidden >= 1, learningRate > 0, stepsPerSession >= 0 else {
        throw GuerdonError.usage("A preference ensemble needs members, hidden units and a learning rate above 0.")
      }
    }
  }

  /// Two segments as rows of the input table, and the answer.
  public struct Comparison: Sendable {
    public let first: [Int]
    public let second: [Int]
    public let answer: Preference

    public init(first: [Int], second: [Int], answer: Preference) {
      (self.first, self.second, self.answer) = (first, second, answer)
    }
  }

  public let configuration: Configuration
  private let inputs: [Double]
  private let width: Int
  private let rows: Int
  private var members: [Member]
  /// r̂ of every row, member by member.
  public private(set) var rewards: [[Double]]

  /// - Parameters:
  ///   - inputs: row-major [rows, width].
  /// - Throws: `GuerdonError.usage` for a configuration that cannot work.
  public init(inputs: [Double], width: Int, configuration: Configuration, seed: UInt64) throws {
    try configuration.check()
    precondition(width >= 1 && inputs.count % width == 0, "inputs are row-major [rows, width]")
    self.configuration = configuration
    self.inputs = inputs
    self.width = width
    rows = inputs.count / width
    members = (0..<configuration.members).map { member in
      Member(width: width, hidden: configuration.hidden, seed: seed, member: UInt32(member))
    }
    rewards = []
    for member in members.indices { rewards.append(members[member].forward(inputs, rows: rows)) }
  }

  /// The members' mean r̂ of every row.
  public var meanRewards: [Double] {
    (0..<rows).map { row in rewards.reduce(0) { $0 + $1[row] } / Double(rewards.count) }
  }

  /// P(1 ≻ 2) = exp Σr̂(σ₁) / (exp Σr̂(σ₁) + exp Σr̂(σ₂)), by the sums.
  public static func probability(first: Double, second: Double) -> Double { 1 / (1 + exp(second - first)) }

  /// Cross-entropy of that with the label, stable for any sums.
  public static func loss(first: Double, second: Double, answer: Preference) -> Double {
    func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
    let difference = first - second
    return answer.label * softplus(-difference) + (1 - answer.label) * softplus(difference)
  }

  /// Variance over the members of P(1 ≻ 2): what disagreement sampling ranks by.
  public func disagreement(first: [Int], second: [Int]) -> Double {
    let probabilities = rewards.map { Self.probability(first: Self.sum($0, first), second: Self.sum($0, second)) }
    let mean = probabilities.reduce(0, +) / Double(probabilities.count)
    return probabilities.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(probabilities.count)
  }

  /// Mean loss of a member's rewards on the comparisons.
  public static func meanLoss(_ rewards: [Double], on comparisons: [Comparison]) -> Double {
    comparisons.reduce(0) { total, pair in
      total + loss(first: sum(rewards, pair.first), second: sum(rewards, pair.second), answer: pair.answer)
    } / Double(max(comparisons.count, 1))
  }

  /// ∂(mean loss) / ∂r̂ of every row.
  static func gradient(_ rewards: [Double], on comparisons: [Comparison]) -> [Double] {
    var gradient = [Double](repeating: 0, count: rewards.count)
    for pair in comparisons {
      let excess = probability(first: sum(rewards, pair.first), second: sum(rewards, pair.second)) - pair.answer.label
      let step = excess / Double(comparisons.count)
      for row in pair.first { gradient[row] += step }
      for row in pair.second { gradient[row] -= step }
    }
    return gradient
  }

  /// Takes the configured number of gradient steps on all comparisons.
  public mutating func fit(_ comparisons: [Comparison]) {
    guard !comparisons.isEmpty else { return }
    for member in members.indices {
      for _ in 0..<configuration.stepsPerSession {
        let gradient = Self.gradient(rewards[member], on: comparisons)
        members[member].descend(inputs, rows: rows, along: gradient, learningRate: configuration.learningRate)
        rewards[member] = members[member].forward(inputs, rows: rows)
      }
    }
  }

  private static func sum(_ rewards: [Double], _ segment: [Int]) -> Double { segment.reduce(0) { $0 + rewards[$1] } }

  /// One network; its parameters are W₁ [hidden, width], b₁, w₂, b₂ in one vector, as Adam sees them.
  struct Member: Sendable {
    let width: Int
    let hidden: Int
    var parameters: [Double]
    private var first: [Double]
    private var second: [Double]
    private var step = 0
    /// Activations of the last forward pass.
    private var activations: [Double] = []
    private var outputs: [Double] = []

    init(width: Int, hidden: Int, seed: UInt64, member: UInt32) {
      self.width = width
      self.hidden = hidden
      var random = RandomGenerator(seed: seed, spawnKey: [0x65_6e_73, member])
      let count = hidden * width + 2 * hidden + 1
      parameters = (0..<count).map { index in
        if index < hidden * width { return random.normal() / Double(width).squareRoot() }
        let isOutput = index >= hidden * width + hidden && index < count - 1
        return isOutput ? random.normal() / Double(hidden).squareRoot() : 0
      }
      first = [Double](repeating: 0, count: count)
      second = first
    }

    mutating func forward(_ inputs: [Double], rows: Int) -> [Double] {
      if activations.count != rows * hidden { activations = [Double](repeating: 0, count: rows * hidden) }
      outputs = [Double](repeating: 0, count: rows)
      let biases = hidden * width, heads = biases + hidden
      for row in 0..<rows {
        var output = parameters[heads + hidden]
        for unit in 0..<hidden {
          var sum = parameters[biases + unit]
          for column in 0..<width { sum += parameters[unit * width + column] * inputs[row * width + column] }
          let activation = tanh(sum)
          activations[row * hidden + unit] = activation
          output += parameters[heads + unit] * activation
        }
        outputs[row] = tanh(output)
      }
      return outputs
    }

    /// The gradient with respect to the parameters, given that with respect to the last forward pass's outputs.
    func backward(_ inputs: [Double], rows: Int, outputGradient: [Double]) -> [Double] {
      var gradient = [Double](repeating: 0, count: parameters.count)
      let biases = hidden * width, heads = biases + hidden
      for row in 0..<rows where outputGradient[row] != 0 {
        let inner = outputGradient[row] * (1 - outputs[row] * outputs[row])
        gradient[heads + hidden] += inner
        for unit in 0..<hidden {
          let activation = activations[row * hidden + unit]
          gradient[heads + unit] += inner * activation
          let back = inner * parameters[heads + unit] * (1 - activation * activation)
          gradient[biases + unit] += back
          for column in 0..<width { gradient[unit * width + column] += back * inputs[row * width + column] }
        }
      }
      return gradient
    }

    /// One step of Adam (β₁ = 0.9, β₂ = 0.999, ε = 1e-8).
    mutating func descend(_ inputs: [Double], rows: Int, along outputGradient: [Double], learningRate: Double) {
      let gradient = backward(inputs, rows: rows, outputGradient: outputGradient)
      step += 1
      let correction1 = 1 - pow(0.9, Double(step)), correction2 = 1 - pow(0.999, Double(step))
      for index in parameters.indices {
        first[index] = 0.9 * first[index] + 0.1 * gradient[index]
        second[index] = 0.999 * second[index] + 0.001 * gradient[index] * gradient[index]
        parameters[index] -= learningRate * first[index] / correction1
          / ((second[index] / correction2).squareRoot() + 1e-8)
      }
    }
  }
}
