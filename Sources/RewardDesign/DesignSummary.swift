import Experiments
import Foundation
import Proposers
import RewardAudit

/// A design run's result in numbers: the one JSON object of `guerdon design --json`, and `result.json` of the run.
public struct DesignSummary: Sendable, Encodable {
  public struct Arm: Sendable, Encodable {
    /// Final fitness of each policy, in the order of the seeds.
    public var fitness: [Double]
    /// Interquartile mean with its 95 % bootstrap interval over the seeds.
    public var interquartileMean: Interval
  }

  public struct CandidateSummary: Sendable, Encodable {
    public var id: Int
    /// Counted from 1.
    public var generation: Int
    public var parents: [Int]
    public var origin: String
    public var score: Double?
    /// Its training was ended early.
    public var stopped: Bool
    public var failure: String?
  }

  public var task: String
  public var environment: String
  public var proposer: String
  public var seed: UInt64
  /// Since it began, or since it was last resumed.
  public var seconds: Double
  public var interrupted: Bool
  public var best: CandidateSummary?
  public var program: String?
  public var arms: [String: Arm]
  /// The claims of the run: what it set out to show.
  public var claims: [Verdict]
  public var findings: [Finding]
  public var candidates: [CandidateSummary]
  public var run: String

  /// The claim of every design run: the interval of the difference lies above zero.
  static let beatsFitnessAlone = Claim(
    "beats-fitness-alone",
    "On fresh seeds, policies trained on the designed reward have more fitness than policies trained on the fitness alone: the lower end of the 95 % interval of the paired difference is above 0.",
    .greater, 0)

  public init(_ result: DesignResult, seconds: Double, run: String) {
    task = result.task.name
    environment = result.task.environment.id
    proposer = result.proposer
    seed = result.seed
    self.seconds = seconds
    interrupted = result.interrupted
    self.run = run
    candidates = result.history.candidates.map(Self.summary)
    best = result.best.map(Self.summary)
    program = result.best?.proposal.source
    findings = result.findings
    arms = [:]
    for arm in [DesignResult.designed, DesignResult.human, DesignResult.fitnessAlone] {
      let fitness = result.fitness(of: arm)
      if !fitness.isEmpty {
        arms[arm] = Arm(fitness: fitness, interquartileMean: Statistics.stratifiedBootstrap([fitness]))
      }
    }
    claims = result.difference(from: DesignResult.fitnessAlone).map {
      [Self.beatsFitnessAlone.verdict(measured: $0.low)]
    } ?? []
  }

  private static func summary(_ candidate: Candidate) -> CandidateSummary {
    var failure: String?
    switch candidate.outcome {
    case .rejected(let reason), .failed(let reason): failure = reason
    case .trained, .stopped: break
    }
    return CandidateSummary(
      id: candidate.id, generation: candidate.generation + 1, parents: candidate.proposal.parents,
      origin: candidate.proposal.origin, score: candidate.score, stopped: candidate.isStopped, failure: failure)
  }
}

extension DesignResult {
  /// Designed minus another arm, paired by seed, with its 95 % bootstrap interval; nil before both are complete.
  public func difference(from arm: String) -> Interval? {
    let pairs = policies.filter { $0.arm == Self.designed }.compactMap { designed in
      policies.first { $0.arm == arm && $0.seed == designed.seed }.map { (designed.trained.fitness, $0.trained.fitness) }
    }
    guard pairs.count >= 2 else { return nil }
    return Statistics.pairedDifference(pairs.map(\.0), pairs.map(\.1))
  }
}
