import Agents
import Basics
import Experiments
import Foundation
import Proposers
import RewardPrograms
import Synchronization

/// One program that checks and is to be tried by training a policy on it.
public struct CandidateJob: Sendable, Hashable, Codable {
  public var id: Int
  public var source: String
  /// Environment steps.
  public var steps: Int
  public var seed: UInt64

  public init(id: Int, source: String, steps: Int, seed: UInt64) {
    self.id = id
    self.source = source
    self.steps = steps
    self.seed = seed
  }
}

/// What happens while a generation is trained; all of it is told from several threads.
public struct TrainingWatcher: Sendable {
  /// Asked often; when it turns true, trainings in flight are given up.
  public var shouldStop: @Sendable () -> Bool
  /// Told how many steps were just taken; a negative number of steps will not be needed after all.
  public var onSteps: @Sendable (Int) -> Void
  /// Told, at each checkpoint, what is known of a candidate so far.
  public var onCheckpoint: @Sendable (_ id: Int, TrainingDigest) -> Void
  /// Told how a candidate ended, with its policy where it has one.
  public var onEnd: @Sendable (_ id: Int, Candidate.Outcome, Policy?) throws -> Void

  public init(
    shouldStop: @escaping @Sendable () -> Bool, onSteps: @escaping @Sendable (Int) -> Void,
    onCheckpoint: @escaping @Sendable (_ id: Int, TrainingDigest) -> Void,
    onEnd: @escaping @Sendable (_ id: Int, Candidate.Outcome, Policy?) throws -> Void
  ) {
    self.shouldStop = shouldStop
    self.onSteps = onSteps
    self.onCheckpoint = onCheckpoint
    self.onEnd = onEnd
  }
}

/// Wherever the candidates of a generation are trained: on this machine's cores, or on a cluster.
public protocol CandidateTrainer: Sendable {
  /// Trains one policy on each job's program.
  /// - Parameters:
  ///   - finished: what is known, from before an interruption, of candidates of the same generation that have ended.
  ///   - watcher: told of each candidate's end; those it is not told of were given up.
  /// - Throws: `GuerdonError` when nothing can be trained; a single candidate's failure is its outcome.
  func train(
    _ jobs: [CandidateJob], of task: DesignTask, finished: [TrainingDigest], watcher: TrainingWatcher
  ) async throws
}

/// Early ending of hopeless candidates: successive halving over the generation (Jamieson and Talwalkar, arXiv 1502.07943),
/// gentler than its half at each rung, for a reward's policies may start slowly.
public struct SuccessiveHalving: Sendable, Hashable, Codable {
  public struct Rung: Sendable, Hashable, Codable {
    /// Share of the training after which candidates are compared.
    public var at: Double
    /// Share of the generation that goes on.
    public var keep: Double

    public init(at: Double, keep: Double) {
      (self.at, self.keep) = (at, keep)
    }
  }

  public var rungs: [Rung] = [Rung(at: 0.3, keep: 0.75), Rung(at: 0.5, keep: 0.5)]
  /// Below this many candidates a generation is trained to the end.
  public var fewest = 4

  public init() {}

  /// Everyone is trained to the end.
  public static let none: SuccessiveHalving = {
    var halving = SuccessiveHalving()
    halving.rungs = []
    return halving
  }()

  /// The score from which a candidate goes on, when these are the scores of all that came as far as the rung; nil when
  /// all go on. Whoever equals the last that goes on goes on, too: a generation without a difference loses nobody.
  func cut(_ scores: [Double], of total: Int, at rung: Rung) -> Double? {
    let kept = max(1, Int((rung.keep * Double(total)).rounded(.up)))
    guard total >= fewest, scores.count > kept else { return nil }
    return scores.sorted(by: >)[kept - 1]
  }
}

/// Trains candidates side by side on this machine, one thread each, and ends the hopeless ones early.
public struct LocalTrainer: CandidateTrainer {
  /// Trainings side by side.
  public var jobs: Int
  public var training: PolicyTraining.Configuration
  public var halving: SuccessiveHalving
  /// Trainings that are open at once, which bounds the memory; larger generations are compared in cohorts of this many.
  public var cohort = 32

  public init(jobs: Int, training: PolicyTraining.Configuration = .init(), halving: SuccessiveHalving = .init()) {
    self.jobs = max(1, jobs)
    self.training = training
    self.halving = halving
  }

  public func train(
    _ jobs: [CandidateJob], of task: DesignTask, finished: [TrainingDigest], watcher: TrainingWatcher
  ) async throws {
    for start in stride(from: 0, to: jobs.count, by: cohort) {
      let members = Array(jobs[start..<min(start + cohort, jobs.count)])
      try trainCohort(members, of: task, finished: finished, watcher: watcher)
      if watcher.shouldStop() { return }
    }
  }

  private func trainCohort(
    _ members: [CandidateJob], of task: DesignTask, finished: [TrainingDigest], watcher: TrainingWatcher
  ) throws {
    let plan = PolicyTraining(task: task, configuration: training)
    let sessions = Mutex([TrainingSession?](repeating: nil, count: members.count))
    let total = members.count + finished.count
    var begun = false
    for rung in halving.rungs.sorted(by: { $0.at < $1.at }).map(Optional.some) + [nil] {
      let goal = rung.map { max(1, Int(($0.at * Double(training.checkpoints)).rounded())) } ?? training.checkpoints
      let failures = Mutex<[any Error]>([])
      let isFirst = !begun
      begun = true
      WorkerPool(threads: jobs).forEach(members.count) { index in
        do {
          try advance(members[index], index, to: goal, plan, sessions, isFirst: isFirst, watcher)
        } catch {
          failures.withLock { $0.append(error) }
        }
      }
      if let failure = failures.withLock({ $0.first }) { throw failure }
      if watcher.shouldStop() { return }
      guard let rung else { return }
      let open = sessions.withLock { $0 }
      let scores = open.compactMap { $0?.trained.digest.score(after: goal) }
        + finished.filter { $0.steps.count >= goal }.compactMap { $0.score(after: goal) }
      guard let cut = halving.cut(scores, of: total, at: rung) else { continue }
      for (index, session) in open.enumerated() {
        guard let trained = session?.trained, let score = trained.digest.score, score < cut else { continue }
        sessions.withLock { $0[index] = nil }
        watcher.onSteps(-(session?.stepsLeft ?? 0))
        try watcher.onEnd(members[index].id, .stopped(trained.digest), trained.policy)
      }
    }
  }

  /// Takes one candidate up to a checkpoint, and tells how it ended if it did.
  private func advance(
    _ job: CandidateJob, _ index: Int, to goal: Int, _ plan: PolicyTraining,
    _ sessions: borrowing Mutex<[TrainingSession?]>, isFirst: Bool, _ watcher: TrainingWatcher
  ) throws {
    var left = job.steps
    do {
      if isFirst {
        let program = try RewardProgram.compile(
          job.source, name: "candidate \(job.id)", schema: plan.task.schema, kind: .reward)
        let session = try TrainingSession(
          plan, .program(program), steps: job.steps, seed: job.seed, pool: WorkerPool(threads: 1))
        sessions.withLock { $0[index] = session }
      }
      guard let session = sessions.withLock({ $0[index] }) else { return }
      while session.checkpoints < goal {
        left = session.stepsLeft
        guard try session.advance(shouldStop: watcher.shouldStop, onSteps: watcher.onSteps) else { return }
        watcher.onCheckpoint(job.id, session.trained.digest)
      }
      guard session.isFinished else { return }
      sessions.withLock { $0[index] = nil }
      let trained = session.trained
      try watcher.onEnd(job.id, .trained(trained.digest), trained.policy)
    } catch let error as GuerdonError {
      sessions.withLock { $0[index] = nil }
      watcher.onSteps(-left)
      try watcher.onEnd(job.id, .failed(error.message), nil)
    } catch let error as CompilationFailure {
      sessions.withLock { $0[index] = nil }
      watcher.onSteps(-left)
      try watcher.onEnd(job.id, .rejected(error.description), nil)
    }
  }
}
