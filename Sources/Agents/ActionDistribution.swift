import Basics
import Foundation
import Schemas

/// π(a|s) from a network's outputs: a categorical of logits, or a Gaussian whose log σ does not depend on the state.
struct ActionDistribution {
  /// Outputs of the network: action components, or one logit a choice.
  let outputs: Int
  /// Numbers of an action.
  let width: Int
  let isDiscrete: Bool

  init(_ space: Space) {
    width = space.width
    if case .discrete(let choices) = space {
      (outputs, isDiscrete) = (choices, true)
    } else {
      (outputs, isDiscrete) = (width, false)
    }
  }

  /// Draws an action into `action`; a Gaussian one is not clipped.
  func sample(
    _ outputs: UnsafePointer<Float>, _ logDeviation: UnsafePointer<Float>, into action: UnsafeMutablePointer<Float>,
    random: inout RandomGenerator
  ) {
    guard isDiscrete else {
      for j in 0..<width { action[j] = outputs[j] + exp(logDeviation[j]) * Float(random.normal()) }
      return
    }
    let normalizer = logSumExp(outputs, self.outputs)
    var remaining = Float(random.uniform())
    var choice = 0
    while choice < self.outputs - 1 {
      remaining -= exp(outputs[choice] - normalizer)
      if remaining < 0 { break }
      choice += 1
    }
    action[0] = Float(choice)
  }

  /// Writes the gradient of −weight · log π(a|s) − entropyWeight · H by the outputs into `deltas`, and adds that by the
  /// log deviations to `deviationGradients`.
  /// - Returns: log π(a|s) and the entropy H.
  func differentiate(
    _ outputs: UnsafePointer<Float>, _ logDeviation: UnsafePointer<Float>, action: UnsafePointer<Float>,
    weight: Float, entropyWeight: Float, into deltas: UnsafeMutablePointer<Float>,
    deviationGradients: UnsafeMutablePointer<Float>
  ) -> (logProbability: Float, entropy: Float) {
    var logProbability: Float = 0, entropy: Float = 0
    guard isDiscrete else {
      for j in 0..<width {
        let precision = exp(-2 * logDeviation[j])
        let difference = action[j] - outputs[j]
        let square = difference * difference * precision
        deltas[j] = -weight * difference * precision
        deviationGradients[j] -= weight * (square - 1) + entropyWeight
        logProbability -= 0.5 * square + logDeviation[j] + halfLogTwoPi
        entropy += logDeviation[j] + 0.5 + halfLogTwoPi
      }
      return (logProbability, entropy)
    }
    let normalizer = logSumExp(outputs, self.outputs)
    let chosen = Int(action[0])
    for j in 0..<self.outputs {
      let logP = outputs[j] - normalizer
      entropy -= exp(logP) * logP
    }
    for j in 0..<self.outputs {
      let logP = outputs[j] - normalizer, p = exp(logP)
      deltas[j] = -weight * ((j == chosen ? 1 : 0) - p) + entropyWeight * p * (logP + entropy)
    }
    return (outputs[chosen] - normalizer, entropy)
  }
}
