import Experiments
import Foundation
import Proposers
import RewardAudit

/// What a design run found.
public struct DesignResult: Sendable {
  /// One policy of the final comparison.
  public struct Policy: Sendable {
    public var arm: String
    public var seed: UInt64
    public var trained: TrainedPolicy
  }

  public static let designed = "designed", human = "human", fitnessAlone = "fitness alone"

  public let task: DesignTask
  public let seed: UInt64
  public let proposer: String
  public let history: DesignHistory
  public var best: Candidate?
  public var policies: [Policy] = []
  public var findings: [Finding] = []
  /// How far the designed reward is from the human-written one and the environment's own; nil where it was not measured,
  /// and then `comparisonNote` says why.
  public var comparison: RewardComparison.Result?
  public var comparisonNote: String?
  /// The policy that earns the designed reward without the fitness, if the audit found one.
  public var exploit: BehaviourAudit.PlayedPolicy?
  /// An episode of the fittest policy trained on the designed reward, and one of the exploit.
  public var clip: Clip?
  public var exploitClip: Clip?
  public var interrupted = false
  /// Why the proposer gave up before the last generation, if it did.
  public var cutShort: String?

  init(task: DesignTask, seed: UInt64, proposer: String, history: DesignHistory) {
    self.task = task
    self.seed = seed
    self.proposer = proposer
    self.history = history
  }

  /// Final fitness of an arm's policies, in the order of the seeds.
  public func fitness(of arm: String) -> [Double] { policies.filter { $0.arm == arm }.map(\.trained.fitness) }

  /// Episodes of several trainings, pooled by checkpoint.
  static func pooled(_ trainings: [[[AuditedEpisode]]]) -> [[AuditedEpisode]] {
    let count = trainings.map(\.count).min() ?? 0
    return (0..<count).map { checkpoint in trainings.flatMap { $0[checkpoint] } }
  }
}
