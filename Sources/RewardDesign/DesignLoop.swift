import Basics
import Experiments
import Foundation
import Proposers
import RewardAudit
import RewardPrograms
import Synchronization

/// The search for a reward: propose, check, train on all cores, read the statistics back, select and mutate; then retrain
/// the best on fresh seeds beside the human-written reward and the fitness alone, and audit it.
///
/// Source: Eureka (arXiv 2310.12931), algorithm 1, with any proposer in the place of the language model.
public struct DesignLoop: Sendable {
  /// What happens during a run, for whoever shows it.
  public enum Event: Sendable {
    case probed(episodes: Int, meanFitness: Double)
    case generationBegan(Int, proposals: Int)
    /// Steps trained since the run began, in all trainings together, and how many there will be.
    case stepped(done: Int, of: Int, rate: Double)
    case candidateEnded(Candidate)
    case comparisonBegan(policies: Int)
    case policyEnded(arm: String, seed: UInt64, fitness: Double)
  }

  public let task: DesignTask
  public let seed: UInt64
  /// Trainings that run side by side.
  public let jobs: Int
  public var training: PolicyTraining.Configuration

  public init(task: DesignTask, seed: UInt64, jobs: Int, training: PolicyTraining.Configuration = .init()) {
    self.task = task
    self.seed = seed
    self.jobs = max(1, jobs)
    self.training = training
  }

  /// Runs the whole loop.
  /// - Parameters:
  ///   - onEvent: called from several threads.
  ///   - shouldStop: asked often; when it turns true, what was finished so far is returned, marked as interrupted.
  /// - Throws: `GuerdonError` when no candidate could be trained at all.
  public func run(
    proposer: any Proposer, shouldStop: @escaping @Sendable () -> Bool, onEvent: @escaping @Sendable (Event) -> Void
  ) async throws -> DesignResult {
    let meter = StepMeter(total: plannedSteps, onEvent: onEvent)
    var history = DesignHistory(
      goal: task.goal, environmentSummary: task.environment.summary, schema: task.schema,
      probe: try PolicyTraining.probe(task, configuration: training, seed: seed))
    onEvent(.probed(episodes: history.probe.count, meanFitness: Statistics.mean(history.probe.map(\.fitness))))

    for generation in 0..<task.budget.generations where !shouldStop() {
      let proposals = try await proposer.propose(task.budget.candidates, after: history)
      if proposals.isEmpty { break }
      onEvent(.generationBegan(generation, proposals: proposals.count))
      let first = history.candidates.count
      let candidates = try inParallel(proposals.count) { index -> Candidate? in
        let candidate = try train(
          proposals[index], id: first + index, generation: generation, meter: meter, shouldStop: shouldStop)
        if let candidate { onEvent(.candidateEnded(candidate)) }
        return candidate
      }
      history.candidates += candidates.compactMap { $0 }
    }

    guard let best = history.best else {
      if shouldStop() { return DesignResult(task: task, seed: seed, proposer: proposer.name, history: history) }
      let reasons = history.candidates.compactMap { candidate -> String? in
        switch candidate.outcome {
        case .rejected(let reason), .failed(let reason): reason
        case .trained: nil
        }
      }
      throw GuerdonError.failure(
        "Not one of \(history.candidates.count) candidates could be trained. The first failed so: \(reasons.first ?? "none was proposed").")
    }
    var result = DesignResult(task: task, seed: seed, proposer: proposer.name, history: history)
    result.best = best
    if !shouldStop() { try compare(&result, meter: meter, shouldStop: shouldStop, onEvent: onEvent) }
    result.interrupted = shouldStop()
    return result
  }

  /// Steps of the whole run, when nothing is rejected.
  private var plannedSteps: Int {
    let arms = task.human == nil ? 2 : 3
    return task.budget.generations * task.budget.candidates * task.budget.steps
      + arms * task.budget.finalSeeds * task.budget.finalSteps
  }

  /// Checks one proposal and trains a policy on it; nil when it was stopped half-way.
  private func train(
    _ proposal: Proposal, id: Int, generation: Int, meter: StepMeter, shouldStop: @escaping @Sendable () -> Bool
  ) throws -> Candidate? {
    func candidate(_ outcome: Candidate.Outcome) -> Candidate {
      Candidate(id: id, generation: generation, proposal: proposal, outcome: outcome)
    }
    let program: RewardProgram
    do {
      program = try RewardProgram.compile(
        proposal.source, name: "candidate \(id)", schema: task.schema, kind: .reward)
    } catch {
      meter.skip(task.budget.steps)
      return candidate(.rejected(error.description))
    }
    do {
      // One seed for a whole generation: candidates of a generation are compared under the same luck.
      let trained = try PolicyTraining(task: task, configuration: training).run(
        .program(program), steps: task.budget.steps, seed: derivedSeed(UInt32(generation)), pool: WorkerPool(threads: 1),
        shouldStop: shouldStop, onSteps: meter.add)
      return trained.map { candidate(.trained($0.digest)) }
    } catch let error as GuerdonError {
      return candidate(.failed(error.message))
    }
  }

  /// Trains the best program, the human-written reward and the fitness alone on fresh seeds, side by side.
  private func compare(
    _ result: inout DesignResult, meter: StepMeter, shouldStop: @escaping @Sendable () -> Bool,
    onEvent: @escaping @Sendable (Event) -> Void
  ) throws {
    guard let best = result.best else { return }
    let program = try RewardProgram.compile(
      best.proposal.source, name: "candidate \(best.id)", schema: task.schema, kind: .reward)
    var arms: [(name: String, objective: Objective)] = [
      (DesignResult.designed, .program(program)), (DesignResult.fitnessAlone, .fitnessAlone),
    ]
    if let human = task.human { arms.append((DesignResult.human, Objective(human))) }
    let seeds = (0..<task.budget.finalSeeds).map { derivedSeed(0x10000 + UInt32($0)) }
    let jobs = seeds.flatMap { seed in arms.map { (arm: $0, seed: seed) } }
    onEvent(.comparisonBegan(policies: jobs.count))
    let trained = try inParallel(jobs.count) { index -> DesignResult.Policy? in
      let job = jobs[index]
      guard
        let policy = try PolicyTraining(task: task, configuration: training).run(
          job.arm.objective, steps: task.budget.finalSteps, seed: job.seed, pool: WorkerPool(threads: 1),
          shouldStop: shouldStop, onSteps: meter.add)
      else { return nil }
      onEvent(.policyEnded(arm: job.arm.name, seed: job.seed, fitness: policy.fitness))
      return DesignResult.Policy(arm: job.arm.name, seed: job.seed, trained: policy)
    }
    result.policies = trained.compactMap { $0 }
    result.findings = RewardAudit().findings(
      program: program,
      checkpoints: DesignResult.pooled(result.policies.filter { $0.arm == DesignResult.designed }.map(\.trained.episodes)))
  }

  /// An independent seed for each purpose, small enough to be typed again by a person.
  private func derivedSeed(_ purpose: UInt32) -> UInt64 {
    var random = RandomGenerator(seed: seed, spawnKey: [purpose])
    return random.next() >> 32
  }

  /// `body(0)`, …, `body(count - 1)` on `jobs` threads; the results in order.
  private func inParallel<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
  ) throws -> [Value] {
    let results = Mutex([Result<Value, any Error>?](repeating: nil, count: count))
    WorkerPool(threads: jobs).forEach(count) { index in
      let result = Result { try body(index) }
      results.withLock { $0[index] = result }
    }
    return try results.withLock { try $0.compactMap { try $0?.get() } }
  }
}

/// Counts steps over all trainings and reports a smoothed rate.
final class StepMeter: Sendable {
  private struct State {
    var done = 0
    var total: Int
    let start = ContinuousClock.now
  }
  private let state: Mutex<State>
  private let onEvent: @Sendable (DesignLoop.Event) -> Void

  init(total: Int, onEvent: @escaping @Sendable (DesignLoop.Event) -> Void) {
    state = Mutex(State(total: total))
    self.onEvent = onEvent
  }

  @Sendable func add(_ steps: Int) {
    let event: DesignLoop.Event = state.withLock { state in
      state.done += steps
      let seconds = (ContinuousClock.now - state.start) / .seconds(1)
      return .stepped(done: state.done, of: max(state.total, state.done), rate: Double(state.done) / max(seconds, 1e-3))
    }
    onEvent(event)
  }

  /// Steps that will not be needed after all.
  func skip(_ steps: Int) { state.withLock { $0.total -= steps } }
}
