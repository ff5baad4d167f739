import Basics
import Proposers
import RewardAudit

/// What a person sees of a generation before judging it: clips in a random order, without numbers and without scores, so
/// that the judgement is of the behaviour alone (ICPL, arXiv 2410.17233, keeps scores from its judge as well).
public struct BlindReview: Sendable {
  /// One clip, and whose it is; the second is told after the judgement.
  public struct Shown: Sendable {
    public let candidate: Int
    public let clip: Clip

    public init(candidate: Int, clip: Clip) {
      self.candidate = candidate
      self.clip = clip
    }
  }

  public let clips: [Shown]

  public init(clips: [Shown]) { self.clips = clips }

  /// Films every candidate of a review that has a policy, all from the same start.
  /// - Parameter onClip: told before each how many are filmed, of how many.
  /// - Returns: nil when it was stopped.
  /// - Throws: `GuerdonError` when the environment fails.
  public static func film(
    _ review: GenerationReview, shouldStop: () -> Bool, onClip: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws -> BlindReview? {
    var random = RandomGenerator(seed: review.seed, spawnKey: [0x626c_696e])
    let order = review.candidates.map(\.id).filter { review.policies[$0] != nil }.shuffled(using: &random)
    var clips: [Shown] = []
    for id in order {
      if shouldStop() { return nil }
      onClip(clips.count, order.count)
      guard let policy = review.policies[id] else { continue }
      clips.append(Shown(candidate: id, clip: try Clip.film(policy, of: review.task, seed: review.seed)))
    }
    return BlindReview(clips: clips)
  }
}

extension Feedback {
  /// The longest sentence that is taken, in Unicode scalars.
  public static let longestWords = 4_000

  /// What a person typed, without characters that control a terminal and without space around it.
  public static func words(from text: String) -> String {
    var kept = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let isControl = scalar.properties.generalCategory == .control && scalar != "\n"
      kept.append(isControl ? " " : scalar)
    }
    var words = Substring(String(kept))
    while words.first?.isWhitespace == true { words.removeFirst() }
    while words.last?.isWhitespace == true { words.removeLast() }
    return String(words)
  }
}
