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
  /// Logarithm of the standard deviation of each action component; empty for discrete actions.
  let logStandardDeviation: [Float]

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
      switch policy.actionSpace {
      case .box(let low, let high):
        for i in 0..<count {
          for j in low.indices {
            let mean = Double(outputs[i * padded(low.count) + j])
            actions[i * low.count + j] = min(max(mean, low[j]), high[j])
          }
        }
      case .discrete(let choices):
        for i in 0..<count {
          let logits = outputs + i * padded(choices)
          actions[i] = Double((1..<max(choices, 1)).reduce(0) { logits[$1] > logits[$0] ? $1 : $0 })
        }
      }
    }
  }
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
