import Schemas

/// Whatever proposes reward programs: evolution, a language model, a recording.
///
/// A proposer sees the task's words, the schema, and what came of earlier proposals; never the text of the fitness.
public protocol Proposer: AnyObject {
  /// How reports call it.
  var name: String { get }

  /// The next `count` programs, given everything that is known so far.
  /// - Throws: when no proposals can be had at all; a bad program is not an error, it fails its check.
  func propose(_ count: Int, after history: DesignHistory) async throws -> [Proposal]

  /// What the last call of `propose` added to what a proposer knows beside the history, as text, so that a run that was
  /// cut off goes on as if it had not been. A proposer that draws everything from the history has nothing to say.
  func state() throws -> String?

  /// Takes up what `state()` said after one call of `propose`: of all calls, in their order.
  /// - Throws: `GuerdonError` when the text is not of this proposer.
  func restore(_ state: String) throws
}

extension Proposer {
  public func state() throws -> String? { nil }
  public func restore(_ state: String) throws {}
}

/// A reward program that has not been tried yet.
public struct Proposal: Sendable, Hashable, Codable {
  public var source: String
  /// Ids of the candidates it descends from.
  public var parents: [Int]
  /// What was done to the parents, in a few words.
  public var origin: String
  /// All that a language model said when it wrote the program; nil for a proposer that only writes programs.
  public var answer: String?

  public init(source: String, parents: [Int] = [], origin: String) {
    self.source = source
    self.parents = parents
    self.origin = origin
  }
}

/// What came of one proposal.
public struct Candidate: Sendable, Codable {
  public enum Outcome: Sendable, Codable {
    /// The program does not check; the diagnostics say why.
    case rejected(String)
    /// Training stopped: a reward that is not finite, a diverged policy. The program is set aside with the reason.
    case failed(String)
    /// Training was ended early, for the candidate was among the worst of its generation.
    case stopped(TrainingDigest)
    case trained(TrainingDigest)
  }

  public let id: Int
  public let generation: Int
  public let proposal: Proposal
  public let outcome: Outcome

  public init(id: Int, generation: Int, proposal: Proposal, outcome: Outcome) {
    self.id = id
    self.generation = generation
    self.proposal = proposal
    self.outcome = outcome
  }

  public var digest: TrainingDigest? {
    switch outcome {
    case .trained(let digest), .stopped(let digest): digest
    case .rejected, .failed: nil
    }
  }

  public var isStopped: Bool { if case .stopped = outcome { true } else { false } }

  /// What the program is worth so far; nil if it never trained.
  public var score: Double? { digest?.score }
}

/// The statistics of one training that are read back to the proposer: one value per checkpoint.
public struct TrainingDigest: Sendable, Codable {
  public struct Series: Sendable, Codable {
    public var name: String
    public var values: [Double]

    public init(name: String, values: [Double]) {
      self.name = name
      self.values = values
    }
  }

  /// Environment steps at each checkpoint.
  public var steps: [Int]
  /// Mean fitness of the evaluation episodes.
  public var fitness: [Double]
  /// Mean episode length of the evaluation episodes.
  public var lengths: [Double]
  /// Mean of each term per step in the evaluation episodes.
  public var terms: [Series]
  /// Every evaluation episode: its fitness and the mean of each of `Feature.all(of:)` over it.
  public var episodes: [EpisodeDigest]

  public init(steps: [Int], fitness: [Double], lengths: [Double], terms: [Series], episodes: [EpisodeDigest]) {
    self.steps = steps
    self.fitness = fitness
    self.lengths = lengths
    self.terms = terms
    self.episodes = episodes
  }

  /// Mean fitness over the last third of the checkpoints; nil before the first.
  ///
  /// Eureka takes the largest of all checkpoints, which favours noise: a reward is worth what its policies settle at.
  public var score: Double? { score(after: fitness.count) }

  /// The same when only the first `checkpoints` of them are known.
  public func score(after checkpoints: Int) -> Double? {
    let known = fitness.prefix(checkpoints)
    guard !known.isEmpty else { return nil }
    let last = known.suffix(max(1, known.count / 3))
    return last.reduce(0, +) / Double(last.count)
  }
}

/// One episode in brief.
public struct EpisodeDigest: Sendable, Codable {
  public var fitness: Double
  /// Mean and standard deviation over the episode of each feature of `Feature.all(of:)`, in that order.
  public var means: [Double]
  public var deviations: [Double]

  public init(fitness: Double, means: [Double], deviations: [Double]) {
    self.fitness = fitness
    self.means = means
    self.deviations = deviations
  }
}

/// What a person said of one generation after watching it.
public struct Feedback: Sendable, Hashable, Codable {
  /// One clip preferred to another.
  public struct Preference: Sendable, Hashable, Codable {
    public var winner: Int
    public var loser: Int

    public init(winner: Int, loser: Int) {
      (self.winner, self.loser) = (winner, loser)
    }
  }

  /// Counted from 0.
  public var generation: Int
  /// Candidates' ids, the best first; empty when the person ranked nothing. Those left out were not watched.
  public var ranking: [Int]
  public var preferences: [Preference]
  /// In the person's own words: what is wrong, what is missing; empty when nothing was said.
  public var words: String

  public init(generation: Int, ranking: [Int] = [], preferences: [Preference] = [], words: String = "") {
    self.generation = generation
    self.ranking = ranking
    self.preferences = preferences
    self.words = words
  }

  public var isEmpty: Bool { ranking.isEmpty && preferences.isEmpty && words.isEmpty }
}

/// All that a proposer may read.
public struct DesignHistory: Sendable {
  public var goal: String
  public var environmentSummary: String
  public var schema: Schema
  /// Episodes of random behaviour, from before the first generation.
  public var probe: [EpisodeDigest]
  public var candidates: [Candidate]
  /// What a person said, at most once a generation.
  public var feedback: [Feedback]

  public init(
    goal: String, environmentSummary: String, schema: Schema, probe: [EpisodeDigest] = [], candidates: [Candidate] = [],
    feedback: [Feedback] = []
  ) {
    self.goal = goal
    self.environmentSummary = environmentSummary
    self.schema = schema
    self.probe = probe
    self.candidates = candidates
    self.feedback = feedback
  }

  public var generation: Int { (candidates.map(\.generation).max() ?? -1) + 1 }

  /// The best candidate so far, the first on ties: by fitness, unless a person has said which is best.
  public var best: Candidate? {
    if let chosen = feedback.last(where: { !$0.ranking.isEmpty })?.ranking.first,
      let candidate = candidates.first(where: { $0.id == chosen })
    {
      return candidate
    }
    return Self.best(of: candidates)
  }

  /// The one with the highest score, the first on ties. One whose training was ended early is nobody's best while
  /// another was trained to the end.
  public static func best(of candidates: some Sequence<Candidate>) -> Candidate? {
    candidates.reduce(nil) { best, candidate in
      guard let score = candidate.score else { return best }
      guard let best, let bestScore = best.score else { return candidate }
      if best.isStopped != candidate.isStopped { return candidate.isStopped ? best : candidate }
      return bestScore >= score ? best : candidate
    }
  }
}
