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
}

/// A reward program that has not been tried yet.
public struct Proposal: Sendable {
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
public struct Candidate: Sendable {
  public enum Outcome: Sendable {
    /// The program does not check; the diagnostics say why.
    case rejected(String)
    /// Training stopped: a reward that is not finite, a diverged policy.
    case failed(String)
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
    if case .trained(let digest) = outcome { digest } else { nil }
  }

  /// Mean fitness over the last third of the training's checkpoints; nil if it never trained.
  ///
  /// Eureka takes the largest of all checkpoints, which favours noise: a reward is worth what its policies settle at.
  public var score: Double? {
    guard let fitness = digest?.fitness, !fitness.isEmpty else { return nil }
    let last = fitness.suffix(max(1, fitness.count / 3))
    return last.reduce(0, +) / Double(last.count)
  }
}

/// The statistics of one training that are read back to the proposer: one value per checkpoint.
public struct TrainingDigest: Sendable {
  public struct Series: Sendable {
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
}

/// One episode in brief.
public struct EpisodeDigest: Sendable {
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

/// All that a proposer may read.
public struct DesignHistory: Sendable {
  public var goal: String
  public var environmentSummary: String
  public var schema: Schema
  /// Episodes of random behaviour, from before the first generation.
  public var probe: [EpisodeDigest]
  public var candidates: [Candidate]

  public init(
    goal: String, environmentSummary: String, schema: Schema, probe: [EpisodeDigest] = [], candidates: [Candidate] = []
  ) {
    self.goal = goal
    self.environmentSummary = environmentSummary
    self.schema = schema
    self.probe = probe
    self.candidates = candidates
  }

  public var generation: Int { (candidates.map(\.generation).max() ?? -1) + 1 }

  /// The best candidate so far, the first on ties.
  public var best: Candidate? { Self.best(of: candidates) }

  public static func best(of candidates: some Sequence<Candidate>) -> Candidate? {
    candidates.reduce(nil) { best, candidate in
      guard let score = candidate.score else { return best }
      if let bestScore = best?.score, bestScore >= score { return best }
      return candidate
    }
  }
}
