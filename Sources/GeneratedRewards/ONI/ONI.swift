import Agents
import Basics
import Experiments
import Foundation

/// ONI: online intrinsic rewards from a language model's labels (Zheng et al., arXiv 2410.23022).
///
/// While an agent plays, the captions of its observations go to a labeller that answers for few of them, whenever it can:
/// is this helpful for the goal? The labels become an intrinsic reward, learned at the same time as the policy. There is no
/// data set and no look into the environment's code, and the simulator never waits for the labeller.
///
/// `OnlineIntrinsicReward` is the algorithm; a `CaptionReward` turns labels into r_int, an `Annotator` links a
/// `CaptionLabeller` to the learner.
public struct ONI: Method {
  public static let card = MethodCard(
    id: "oni",
    title: "Online Intrinsic Rewards for Decision Making Agents from Large Language Model Feedback",
    paper: Paper(arXiv: "2410.23022", year: 2024, month: 10, authors: 5), family: .generated,
    summary:
      "Sends the captions of an agent's observations to a language model while it plays, and learns an intrinsic reward from the few labels that come back: a table, a classifier, or a ranking model.")

  /// The total reward's weights.
  public struct Weights: Sendable, Hashable, Codable {
    /// c_ext: 0.1 for NetHack's score, 10 for sparse tasks, 0 for reward-free learning.
    public var extrinsic = 10.0
    /// c_int.
    public var intrinsic = 0.4
    /// β.
    public var countExponent = 3.0

    public init() {}

    /// What occurrences 1 to `count` of a caption with r_int = 1 pay in an episode: Σ_k c_int k^−β, at most c_int ζ(β).
    public func totalPay(of count: Int) -> Double {
      (1...max(count, 1)).reduce(0) { $0 + intrinsic * pow(Double($1), -countExponent) }
    }
  }
}

/// The reward that a learner sees while labels come in:
///
///     r_t = c_ext r_ext,t + c_int r_int(m_t) / n_t(m_t)^β
///
/// with n_t(m) the occurrences of m in the episode so far. r_int is computed when a minibatch is consumed, by the newest
/// model, and never stored. An empty caption is never labelled, and its r_int is 0.
public final class OnlineIntrinsicReward: LiveReward, @unchecked Sendable {
  public let weights: ONI.Weights
  public let model: any CaptionReward
  private let reader: any CaptionReader
  private let annotator: (any Annotator)?
  private var counter: CaptionCounter?
  private var seen = SeenCaptions()
  /// c_ext r_ext and c_int / n^β of each row of the rollout.
  private var extrinsic: [Double] = []
  private var scales: [Double] = []
  /// The model's version that the rewards were last computed by; nil for a new rollout.
  private var version: Int?
  /// Environment steps taken.
  public private(set) var steps = 0
  /// Rows that had a caption.
  public private(set) var captioned = 0

  /// - Parameters:
  ///   - annotator: nil where the model needs no more labels.
  public init(
    weights: ONI.Weights = ONI.Weights(), model: any CaptionReward, reader: any CaptionReader,
    annotator: (any Annotator)?
  ) {
    (self.weights, self.model, self.reader, self.annotator) = (weights, model, reader, annotator)
  }

  /// Attaches n_t(m_t) to each step, takes in what was labelled meanwhile, and hands in what is to be labelled.
  public func observe(_ rollout: CollectedRollout) throws {
    readCaptions(of: rollout)
    steps += rollout.rows
    version = nil
    annotator?.advance(to: steps)
    try learn()
    model.train(on: seen)
    if let annotator { annotator.submit(model.queries(for: seen, waiting: annotator.waiting)) }
  }

  /// Rewards by the newest labels and the newest model.
  public func revise(_ rewards: inout [Double]) throws -> Bool {
    try learn()
    if version == model.version { return false }
    version = model.version
    let values = seen.distinct.isEmpty ? [] : model.rewards(of: seen.distinct)
    for row in rewards.indices {
      let intrinsic = seen.rows[row].map { values[$0] * scales[row] } ?? 0
      rewards[row] = extrinsic[row] + intrinsic
    }
    return true
  }

  public func forgetOpenEpisodes() { counter = nil }

  /// Takes in finished labels without waiting for any.
  private func learn() throws {
    if let labels = try annotator?.collect(), !labels.isEmpty { model.learn(from: labels) }
  }

  private func readCaptions(of rollout: CollectedRollout) {
    var counter = counter ?? CaptionCounter(environments: rollout.count)
    self.counter = nil  // Not shared, so that counting copies nothing.
    var numbers: [Caption: Int] = [:]
    seen = SeenCaptions()
    seen.rows.reserveCapacity(rollout.rows)
    extrinsic = rollout.environmentRewards.map { weights.extrinsic * $0 }
    scales = Array(repeating: 0, count: rollout.rows)
    for row in 0..<rollout.rows {
      let environment = row % rollout.count
      let caption = reader.caption(of: rollout.transitions, row: row)
      if caption.isEmpty {
        seen.rows.append(nil)
      } else {
        let count = counter.count(caption, in: environment)
        scales[row] = weights.intrinsic * pow(Double(count), -weights.countExponent)
        let number = numbers[caption, default: seen.distinct.count]
        if number == seen.distinct.count {
          numbers[caption] = number
          seen.distinct.append(caption)
          seen.paid.append(false)
        }
        if rollout.environmentRewards[row] > 0 { seen.paid[number] = true }
        seen.rows.append(number)
        captioned += 1
      }
      if rollout.terminated[row] || rollout.truncated[row] { counter.reset(environment) }
    }
    self.counter = counter
  }
}
