import Basics
import Foundation

extension FiniteMDP {
  /// Dense dynamics: every P(· | s, a) uniform over distributions (a Dirichlet with parameter 1 for all) or more or less
  /// peaked; R(s, a) standard normal; a uniform initial distribution.
  /// - Parameter concentration: the Dirichlet's parameter, above 0: below 1 a few successors get most.
  /// - Throws: `GuerdonError` for sizes below 1, a concentration that is not above 0, or a discount outside [0, 1].
  public static func dirichlet(
    stateCount: Int, actionCount: Int, concentration: Double = 1, discount: Double,
    random: inout RandomGenerator
  ) throws -> FiniteMDP {
    guard concentration > 0, concentration.isFinite else {
      throw GuerdonError.usage("The concentration is \(concentration); it must be above 0.")
    }
    let model = try TransitionModel(stateCount: stateCount, actionCount: actionCount) { _, _ in
      let weights = logGammas(concentration, count: stateCount, &random)
      return normalised(weights).enumerated().map { TransitionModel.Successor(state: $0, probability: $1) }
    }
    let reward = (0..<stateCount * actionCount).map { _ in random.normal() }
    return try FiniteMDP(transitions: model, reward: .stateAction(reward), discount: discount)
  }

  /// Garnet(S, A, b): `branching` distinct successors for every state and action, their probabilities the gaps between
  /// uniform cuts of [0, 1]; R(s, a) standard normal; a uniform initial distribution.
  ///
  /// Source: T. Archibald, K. McKinnon and L. Thomas, "On the generation of Markov decision processes", 1995.
  /// - Throws: `GuerdonError` for sizes below 1 or a branching outside 1...S.
  public static func garnet(
    stateCount: Int, actionCount: Int, branching: Int, discount: Double, random: inout RandomGenerator
  ) throws -> FiniteMDP {
    guard (1...max(1, stateCount)).contains(branching) else {
      throw GuerdonError.usage("The branching is \(branching); it must be from 1 to the number of states, \(stateCount).")
    }
    var states = Array(0..<max(1, stateCount))
    let model = try TransitionModel(stateCount: stateCount, actionCount: actionCount) { _, _ in
      // The first steps of a Fisher-Yates shuffle draw without replacement.
      for i in 0..<branching { states.swapAt(i, i + random.integer(below: stateCount - i)) }
      let cuts = [0] + (1..<branching).map { _ in random.uniform() }.sorted() + [1]
      return (0..<branching).map {
        TransitionModel.Successor(state: states[$0], probability: cuts[$0 + 1] - cuts[$0])
      }
    }
    let reward = (0..<stateCount * actionCount).map { _ in random.normal() }
    return try FiniteMDP(transitions: model, reward: .stateAction(reward), discount: discount)
  }

  /// Sparse dynamics from standard normal logits, of which those at most `threshold` become -20 before the softmax;
  /// R(s, a, s') standard normal; a uniform initial distribution.
  ///
  /// Source: J. Skalse et al., "STARC: A General Framework For Quantifying Differences Between Reward Functions", 2024
  /// (the random environments of its experiments).
  /// - Throws: `GuerdonError` for sizes below 1 or a discount outside [0, 1].
  public static func thresholded(
    stateCount: Int, actionCount: Int, threshold: Double = 1, discount: Double, random: inout RandomGenerator
  ) throws -> FiniteMDP {
    let model = try TransitionModel(stateCount: stateCount, actionCount: actionCount) { _, _ in
      let logits = (0..<stateCount).map { _ in
        let logit = random.normal()
        return logit > threshold ? logit : -20
      }
      return normalised(logits).enumerated().map { TransitionModel.Successor(state: $0, probability: $1) }
    }
    let reward = (0..<stateCount * actionCount * stateCount).map { _ in random.normal() }
    return try FiniteMDP(transitions: model, reward: .transition(reward), discount: discount)
  }
}

/// exp(x) over its sum.
private func normalised(_ logits: [Double]) -> [Double] {
  let top = logits.max() ?? 0
  let weights = logits.map { exp($0 - top) }
  let sum: Double = weights.reduce(0, +)
  return weights.map { $0 / sum }
}

/// Logarithms of gamma variates of unit scale, which do not underflow for small shapes.
///
/// Source: G. Marsaglia and W. Tsang, "A Simple Method for Generating Gamma Variables", 2000.
private func logGammas(_ shape: Double, count: Int, _ random: inout RandomGenerator) -> [Double] {
  (0..<count).map { _ in
    // A variate of a shape below 1 is one of shape + 1 times U^(1 / shape).
    let boost = shape < 1 ? log(1 - random.uniform()) / shape : 0
    let d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = random.normal()
      let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
      if v <= 0 { continue }
      let u = 1 - random.uniform()
      if log(u) < 0.5 * x * x + d * (1 - v + log(v)) { return log(d * v) + boost }
    }
  }
}
