import Basics
import Environments
import Foundation
import Schemas

/// A trained actor: observations in, actions out, on the native path.
///
/// A value that never changes, free to be used by several threads; each brings an `Actor`.
public struct Policy: Sendable {
  public let environment: String
  public let observationWidth: Int
  public let actionSpace: Space
  /// Mean and variance by which observations are normalised, when they are.
  public let observationMoments: RunningMoments?
  let network: MLP
  let head: Head
  /// Logarithm of the standard deviation of each action component; empty for discrete actions.
  let logStandardDeviation: [Float]

  /// How the network's outputs become an action.
  enum Head: String, Sendable {
    /// One output an action component, clipped to the box; or one a choice, of which the largest wins.
    case direct
    /// low + (tanh + 1) / 2 · (high − low) of one output an action component.
    case squashed
    /// The same, of the first half of the outputs; the second half are log standard deviations.
    case squashedGaussian
    /// One output a choice, and a last one that is the state's value.
    case duelling

    /// Outputs of a network that acts in `space`.
    func outputs(for space: Space) -> Int {
      let width: Int
      if case .discrete(let choices) = space { width = choices } else { width = space.width }
      switch self {
      case .direct, .squashed: return width
      case .squashedGaussian: return 2 * width
      case .duelling: return width + 1
      }
    }
  }

  /// What one thread needs to act with a policy on up to `capacity` rows at a time.
  public func makeActor(capacity: Int) -> Actor { Actor(self, capacity: capacity) }

  public final class Actor {
    private let policy: Policy
    private let workspace: MLP.Workspace
    private let inputs: FloatBuffer

    fileprivate init(_ policy: Policy, capacity: Int) {
      self.policy = policy
      workspace = MLP.Workspace(policy.network, capacity: capacity)
      inputs = FloatBuffer(capacity * padded(policy.observationWidth))
    }

    /// Chooses the likeliest action of each row: the mean of a Gaussian, clipped to the box, or the largest logit.
    /// - Parameters:
    ///   - observations: row-major [count, observationWidth].
    ///   - actions: receives row-major [count, actionSpace.width].
    public func act(_ observations: UnsafePointer<Double>, count: Int, into actions: UnsafeMutablePointer<Double>) {
      let stride = padded(policy.observationWidth)
      normalize(
        observations, rows: count, width: policy.observationWidth, by: policy.observationMoments, into: inputs.base,
        stride: stride)
      policy.network.forward(inputs.base, stride: stride, count: count, workspace)
      let outputs = workspace.outputs
      let row = padded(policy.head.outputs(for: policy.actionSpace))
      switch policy.actionSpace {
      case .box(let low, let high):
        let isSquashed = policy.head != .direct
        for i in 0..<count {
          for j in low.indices {
            let output = Double(outputs[i * row + j])
            let mean = isSquashed ? unscaled(tanh(output), low[j], high[j]) : output
            actions[i * low.count + j] = min(max(mean, low[j]), high[j])
          }
        }
      case .discrete(let choices):
        for i in 0..<count {
          let logits = outputs + i * row
          actions[i] = Double((1..<max(choices, 1)).reduce(0) { logits[$1] > logits[$0] ? $1 : $0 })
        }
      }
    }
  }
}

/// −1...1 as low...high.
@inline(__always) func unscaled(_ value: Double, _ low: Double, _ high: Double) -> Double {
  low + 0.5 * (value + 1) * (high - low)
}

/// Observations as the network sees them: (x − mean) / √(variance + 1e-8), clipped to ±10, in rows of `stride` floats.
func normalize(
  _ observations: UnsafePointer<Double>, rows: Int, width: Int, by moments: RunningMoments?,
  into inputs: UnsafeMutablePointer<Float>, stride: Int
) {
  guard let moments else {
    for i in 0..<rows { for j in 0..<width { inputs[i &* stride &+ j] = Float(observations[i &* width &+ j]) } }
    return
  }
  moments.mean.withUnsafeBufferPointer { mean in
    moments.variance.withUnsafeBufferPointer { variance in
      for j in 0..<width {
        let center = mean[j], scale = 1 / (variance[j] + 1e-8).squareRoot()
        for i in 0..<rows {
          let value = (observations[i &* width &+ j] - center) * scale
          inputs[i &* stride &+ j] = Float(min(max(value, -10), 10))
        }
      }
    }
  }
}

/// The same, of rows that are floats already.
func normalizeInPlace(
  _ rows: UnsafeMutablePointer<Float>, rows count: Int, width: Int, by moments: RunningMoments, stride: Int
) {
  for j in 0..<width {
    let center = moments.mean[j], scale = 1 / (moments.variance[j] + 1e-8).squareRoot()
    for i in 0..<count {
      let value = (Double(rows[i &* stride &+ j]) - center) * scale
      rows[i &* stride &+ j] = Float(min(max(value, -10), 10))
    }
  }
}
