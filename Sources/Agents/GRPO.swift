import Foundation
import Torch

/// Group-relative policy optimisation (Shao et al., arXiv 2402.03300, section 4.1): several outputs are sampled for one
/// question, and each is judged by how far its reward lies above the mean of its group; there is no critic.
///
/// Advantages and the divergence are plain numbers. The loss comes twice: on tensors, for policies that are networks,
/// and as its derivative for one token, for policies whose gradient is written by hand.
public enum GRPO {
  /// How the losses of tokens become one number.
  public enum Aggregation: String, Sendable, Hashable, Codable {
    /// The mean over outputs of each output's mean over its tokens: the paper's.
    case sequenceMean
    /// The mean over all tokens: longer outputs weigh more.
    case tokenMean
  }

  /// What the loss is made of.
  public struct Loss: Sendable, Hashable, Codable {
    /// ε: how far the ratio ρ of new to old probability counts on either side of 1.
    public var clip = 0.2
    /// β: weight of the divergence from the reference policy.
    public var klCoefficient = 0.001
    public var aggregation = Aggregation.sequenceMean

    public init(clip: Double = 0.2, klCoefficient: Double = 0.001, aggregation: Aggregation = .sequenceMean) {
      (self.clip, self.klCoefficient, self.aggregation) = (clip, klCoefficient, aggregation)
    }
  }

  /// Keeps the advantages of a group of equals finite.
  public static let advantageEpsilon = 1e-6

  /// A = (r − mean) / (std + 1e-6) within each group; std is the sample one (n − 1).
  ///
  /// A group of one has nothing to be compared with: as in veRL's code its mean counts as 0 and its deviation as 1, so
  /// that the advantage is the reward itself.
  /// - Parameters:
  ///   - rewards: group after group.
  ///   - groupSize: must divide their number.
  public static func advantages(_ rewards: [Double], groupSize: Int) -> [Double] {
    precondition(groupSize >= 1 && rewards.count % groupSize == 0, "rewards come in whole groups")
    if groupSize == 1 { return rewards.map { $0 / (1 + advantageEpsilon) } }
    var advantages = rewards
    for start in stride(from: 0, to: rewards.count, by: groupSize) {
      let group = rewards[start..<start + groupSize]
      let mean = group.reduce(0, +) / Double(groupSize)
      let variance = group.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(groupSize - 1)
      let scale = 1 / (variance.squareRoot() + advantageEpsilon)
      for index in group.indices { advantages[index] = (rewards[index] - mean) * scale }
    }
    return advantages
  }

  /// The low-variance estimate of KL(π ‖ π_ref) from one token: e^d − d − 1 with d = log π_ref − log π; never negative.
  public static func divergence(_ logProbability: Double, reference: Double) -> Double {
    let d = reference - logProbability
    return exp(d) - d - 1
  }

  /// The derivative of one token's loss, −min(ρ A, clip(ρ) A) + β (e^d − d − 1), by its log-probability.
  public static func tokenGradient(
    _ logProbability: Double, old: Double, reference: Double, advantage: Double, loss: Loss
  ) -> Double {
    let ratio = exp(logProbability - old)
    let isClipped = advantage > 0 ? ratio > 1 + loss.clip : ratio < 1 - loss.clip
    return (isClipped ? 0 : -ratio * advantage) + loss.klCoefficient * (1 - exp(reference - logProbability))
  }

  /// The loss of a batch of outputs, a tensor without dimensions.
  /// - Parameters:
  ///   - logProbabilities: of the tokens under the policy that learns, [outputs, tokens].
  ///   - old: under the policy that sampled them, of the same shape.
  ///   - reference: under the policy that the divergence is taken from.
  ///   - advantages: one an output, [outputs].
  ///   - mask: 1 where a token counts and 0 where it fills up, of the same shape as the tokens; each output has one.
  public static func loss(
    _ logProbabilities: Tensor, old: Tensor, reference: Tensor, advantages: Tensor, mask: Tensor, _ loss: Loss
  ) -> Tensor {
    let ratio = (logProbabilities - old).exp()
    let advantages = advantages.unsqueeze(1)
    let surrogate = (ratio * advantages).minimum(ratio.clamp(min: 1 - loss.clip, max: 1 + loss.clip) * advantages)
    let d = reference - logProbabilities
    let tokens = (loss.klCoefficient * (d.exp() - d - 1) - surrogate) * mask
    switch loss.aggregation {
    case .sequenceMean: return (tokens.sum(dim: 1) / mask.sum(dim: 1)).mean()
    case .tokenMean: return tokens.sum() / mask.sum()
    }
  }
}
