import Agents
import Proposers

/// What a person is shown after a generation.
public struct GenerationReview: Sendable {
  public let task: DesignTask
  /// Counted from 0.
  public let generation: Int
  /// Those that trained: this generation's in the order of their ids, and the best so far before them if it is older.
  public let candidates: [Candidate]
  /// By candidate id.
  public let policies: [Int: Policy]
  /// Seed of the episodes to show: the same start for every candidate.
  public let seed: UInt64
}

/// A person between the generations, however one is asked: in the terminal, on a page.
public protocol Adviser: Sendable {
  /// - Parameter shouldStop: the run is being ended; an answer is no longer waited for when it turns true.
  /// - Returns: nil when there is nothing to say.
  func advise(on review: GenerationReview, shouldStop: @escaping @Sendable () -> Bool) async throws -> Feedback?
}
