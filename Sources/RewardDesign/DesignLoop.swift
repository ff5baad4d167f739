import Agents
import Basics
import Environments
import Experiments
import Foundation
import Proposers
import RewardAudit
import RewardPrograms
import Rewards
import Synchronization

/// The search for a reward: propose, check, train on all cores, read the statistics back, select and mutate; then
/// retrain the best on fresh seeds beside the human-written reward and the fitness alone, and audit it.
///
/// Source: Eureka (arXiv 2310.12931), algorithm 1, with any proposer in the place of the language model. Between the
/// generations a person may rank and comment (its human feedback; ICPL, arXiv 2410.17233).
public struct DesignLoop: Sendable {
  /// What happens during a run, for whoever shows it.
  public enum Event: Sendable {
    /// The run goes on from its journal.
    case resumed(candidates: Int, policies: Int)
    case probed(episodes: Int, meanFitness: Double)
    case generationBegan(Int, proposals: Int)
    /// The programs of a generation; their candidates count on from `first`. Those in `ended` had ended before the run
    /// was cut off, and are not told again.
    case proposed([Proposal], generation: Int, first: Int, ended: [Candidate])
    /// Steps trained since the run began, in all trainings together, and how many there will be.
    case stepped(done: Int, of: Int, rate: Double)
    /// What a candidate's training has shown so far.
    case candidateAdvanced(id: Int, TrainingDigest)
    case candidateEnded(Candidate)
    case adviceAsked(generation: Int)
    /// The proposer gave up; the run goes on with what there is.
    case searchCutShort(String)
    case adviceGiven(Feedback)
    case comparisonBegan(policies: Int)
    case policyEnded(arm: String, seed: UInt64, fitness: Double)
    /// What the audit or the comparison of rewards is about.
    case judging(String)
  }

  public let task: DesignTask
  public let seed: UInt64
  /// Trainings of the comparison that run side by side.
  public let jobs: Int
  public var training: PolicyTraining.Configuration
  /// Where the candidates are trained.
  public var trainer: any CandidateTrainer
  /// A person who is asked after each generation; nil asks nobody.
  public var adviser: (any Adviser)?
  /// The audit of the best reward at the end: policies trained on it and against it; nil leaves the short audit, which
  /// reads the text and the episodes that there are.
  public var audit: BehaviourAudit.Configuration?

  /// - Parameter trainer: this machine, with `jobs` trainings side by side, if not given.
  public init(
    task: DesignTask, seed: UInt64, jobs: Int, training: PolicyTraining.Configuration = .init(),
    trainer: (any CandidateTrainer)? = nil, adviser: (any Adviser)? = nil, audit: BehaviourAudit.Configuration? = nil
  ) {
    self.task = task
    self.seed = seed
    self.jobs = max(1, jobs)
    self.training = training
    self.trainer = trainer ?? LocalTrainer(jobs: jobs, training: training)
    self.adviser = adviser
    self.audit = audit
  }

  /// Runs the whole loop, or what is left of it.
  /// - Parameters:
  ///   - journal: where everything is kept as it happens, and from which an interrupted run goes on.
  ///   - onEvent: called from several threads.
  ///   - shouldStop: asked often; when it turns true, what was finished so far is returned, marked as interrupted.
  /// - Throws: `GuerdonError` when no candidate could be trained at all, or the journal is of another run.
  public func run(
    proposer: any Proposer, journal: DesignJournal? = nil, shouldStop: @escaping @Sendable () -> Bool,
    onEvent: @escaping @Sendable (Event) -> Void
  ) async throws -> DesignResult {
    let past = try Past(journal, begunWith: self, proposer)
    let meter = StepMeter(total: plannedSteps, onEvent: onEvent)
    let (history, cutShort) = try await search(
      proposer: proposer, past: past, journal: journal, meter: meter, shouldStop: shouldStop, onEvent: onEvent)
    var result = DesignResult(task: task, seed: seed, proposer: proposer.name, history: history)
    guard let best = history.best else {
      guard shouldStop() else { throw Self.nothingTrained(history) }
      result.interrupted = true
      return result
    }
    result.best = best
    result.cutShort = cutShort
    let program = try RewardProgram.compile(
      best.proposal.source, name: "candidate \(best.id)", schema: task.schema, kind: .reward)
    if !shouldStop() {
      try compare(
        best, program, &result, past: past, journal: journal, meter: meter, shouldStop: shouldStop, onEvent: onEvent)
    }
    if !shouldStop() { try judge(program, &result, shouldStop: shouldStop, onEvent: onEvent) }
    result.interrupted = shouldStop()
    return result
  }

  /// The search alone, without the comparison and the audit.
  /// - Throws: as `run`.
  public func search(
    proposer: any Proposer, journal: DesignJournal? = nil, shouldStop: @escaping @Sendable () -> Bool,
    onEvent: @escaping @Sendable (Event) -> Void
  ) async throws -> DesignHistory {
    let past = try Past(journal, begunWith: self, proposer)
    let meter = StepMeter(total: task.budget.generations * task.budget.candidates * task.budget.steps, onEvent: onEvent)
    return try await search(
      proposer: proposer, past: past, journal: journal, meter: meter, shouldStop: shouldStop, onEvent: onEvent
    ).history
  }

  /// - Returns: what was found, and why the proposer gave up before the last generation if it did.
  private func search(
    proposer: any Proposer, past: Past, journal: DesignJournal?, meter: StepMeter,
    shouldStop: @escaping @Sendable () -> Bool, onEvent: @escaping @Sendable (Event) -> Void
  ) async throws -> (history: DesignHistory, cutShort: String?) {
    var history = DesignHistory(
      goal: task.goal, environmentSummary: task.environment.summary, schema: task.schema, feedback: past.feedback)
    if past.isEmpty {
      try journal?.append(.begun(task: task.text, seed: seed, proposer: proposer.name, budget: task.budget))
    } else {
      onEvent(.resumed(candidates: past.candidates.count, policies: past.policies.count))
    }
    if let probe = past.probe {
      history.probe = probe
    } else {
      history.probe = try PolicyTraining.probe(task, configuration: training, seed: seed)
      try journal?.append(.probed(history.probe))
    }
    onEvent(.probed(episodes: history.probe.count, meanFitness: Statistics.mean(history.probe.map(\.fitness))))

    let policies = Mutex<[Int: Policy]>([:])
    for generation in 0..<task.budget.generations where !shouldStop() {
      let proposals: [Proposal]
      if let recorded = past.proposals[generation] {
        proposals = recorded.proposals
        if let state = recorded.state { try proposer.restore(state) }
      } else {
        meter.pause()
        do {
          proposals = try await proposer.propose(task.budget.candidates, after: history)
        } catch let error as GuerdonError where history.best != nil {
          // A dead endpoint or a spent budget: what was trained is compared all the same; resumed, the run asks again.
          try journal?.settle()
          onEvent(.searchCutShort(error.message))
          return (history, error.message)
        }
        // Who is stopped while it thinks has proposed nothing, which is not the search's end.
        if shouldStop() { break }
        try journal?.append(.proposed(generation: generation, proposals, state: proposer.state()))
      }
      if proposals.isEmpty { break }
      onEvent(.generationBegan(generation, proposals: proposals.count))
      let first = history.candidates.count
      onEvent(
        .proposed(
          proposals, generation: generation, first: first,
          ended: proposals.indices.compactMap { past.candidates[first + $0] }))
      history.candidates += try await train(
        proposals, from: first, generation: generation, past: past, journal: journal, meter: meter,
        policies: policies, shouldStop: shouldStop, onEvent: onEvent)
      if shouldStop() { break }
      // Who skipped a generation is not asked again once something came of it.
      let isOpen =
        past.proposals[generation] == nil || (past.proposals[generation + 1] == nil && past.policies.isEmpty)
      try await advise(
        &history, generation, isOpen, journal, meter, policies, shouldStop: shouldStop, onEvent: onEvent)
    }
    try journal?.settle()
    return (history, nil)
  }

  private static func nothingTrained(_ history: DesignHistory) -> GuerdonError {
    let reasons = history.candidates.compactMap { candidate -> String? in
      switch candidate.outcome {
      case .rejected(let reason), .failed(let reason): reason
      case .trained, .stopped: nil
      }
    }
    return .failure(
      "Not one of \(history.candidates.count) candidates could be trained. The first failed so: \(reasons.first ?? "none was proposed").")
  }

  /// Steps of the whole run, when nothing is rejected.
  private var plannedSteps: Int {
    let arms = task.human == nil ? 2 : 3
    return task.budget.generations * task.budget.candidates * task.budget.steps
      + arms * task.budget.finalSeeds * task.budget.finalSteps
  }

  // MARK: A generation

  /// Checks and trains a generation's proposals.
  /// - Returns: those that ended, in the order of their ids.
  private func train(
    _ proposals: [Proposal], from first: Int, generation: Int, past: Past, journal: DesignJournal?, meter: StepMeter,
    policies: borrowing Mutex<[Int: Policy]>, shouldStop: @escaping @Sendable () -> Bool,
    onEvent: @escaping @Sendable (Event) -> Void
  ) async throws -> [Candidate] {
    let ended = Mutex<[Int: Candidate]>([:])
    let trained = Mutex<[Int: Policy]>([:])
    let keep: @Sendable (Int, Candidate.Outcome, Policy?) throws -> Void = { id, outcome, policy in
      let candidate = Candidate(id: id, generation: generation, proposal: proposals[id - first], outcome: outcome)
      if let policy {
        trained.withLock { $0[id] = policy }
        try journal?.keep(policy, as: DesignJournal.name(ofCandidate: id))
      }
      try journal?.append(.ended(candidate))
      ended.withLock { $0[id] = candidate }
      onEvent(.candidateEnded(candidate))
    }
    var jobs: [CandidateJob] = []
    var finished: [TrainingDigest] = []
    // One seed for a whole generation: its candidates are compared under the same luck.
    let luck = derivedSeed(UInt32(generation))
    for (index, proposal) in proposals.enumerated() {
      let id = first + index
      if let candidate = past.candidates[id] {
        ended.withLock { $0[id] = candidate }
        meter.skip(task.budget.steps)
        if let digest = candidate.digest { finished.append(digest) }
        continue
      }
      if proposal.source.isEmpty {
        meter.skip(task.budget.steps)
        try keep(id, .rejected("The answer has no program in it."), nil)
        continue
      }
      do {
        _ = try RewardProgram.compile(proposal.source, name: "candidate \(id)", schema: task.schema, kind: .reward)
        jobs.append(CandidateJob(id: id, source: proposal.source, steps: task.budget.steps, seed: luck))
      } catch {
        meter.skip(task.budget.steps)
        try keep(id, .rejected(error.description), nil)
      }
    }
    try await trainer.train(
      jobs, of: task, finished: finished,
      watcher: TrainingWatcher(
        shouldStop: shouldStop, onSteps: { $0 >= 0 ? meter.add($0) : meter.skip(-$0) },
        onCheckpoint: { onEvent(.candidateAdvanced(id: $0, $1)) }, onEnd: keep))
    if adviser != nil {
      let new = trained.withLock { $0 }
      policies.withLock { $0.merge(new) { _, newer in newer } }
    }
    return ended.withLock { $0.values.sorted { $0.id < $1.id } }
  }

  /// Asks the person, where there is one; what was said of this generation before an interruption is told again
  /// instead.
  private func advise(
    _ history: inout DesignHistory, _ generation: Int, _ isOpen: Bool, _ journal: DesignJournal?, _ meter: StepMeter,
    _ policies: borrowing Mutex<[Int: Policy]>, shouldStop: @escaping @Sendable () -> Bool,
    onEvent: @escaping @Sendable (Event) -> Void
  ) async throws {
    if let said = history.feedback.first(where: { $0.generation == generation }) {
      onEvent(.adviceGiven(said))
      return
    }
    guard let adviser, isOpen else { return }
    let best = history.best.flatMap { $0.generation < generation ? $0 : nil }
    let shown = [best].compactMap { $0 } + history.candidates.filter { $0.generation == generation && $0.score != nil }
    guard !shown.isEmpty else { return }
    var known = policies.withLock { $0 }
    for candidate in shown where known[candidate.id] == nil {
      known[candidate.id] = try journal?.policy(DesignJournal.name(ofCandidate: candidate.id))
    }
    meter.pause()
    onEvent(.adviceAsked(generation: generation))
    let review = GenerationReview(
      task: task, generation: generation, candidates: shown, policies: known,
      seed: derivedSeed(0x20000 + UInt32(generation)))
    guard var feedback = try await adviser.advise(on: review, shouldStop: shouldStop), !feedback.isEmpty else { return }
    let ids = Set(shown.map(\.id))
    feedback.generation = generation
    feedback.ranking.removeAll { !ids.contains($0) }
    feedback.preferences.removeAll { !ids.contains($0.winner) || !ids.contains($0.loser) }
    try journal?.append(.advised(feedback))
    history.feedback.append(feedback)
    onEvent(.adviceGiven(feedback))
  }

  // MARK: The comparison

  /// Trains the best program, the human-written reward and the fitness alone on fresh seeds, side by side.
  private func compare(
    _ best: Candidate, _ program: RewardProgram, _ result: inout DesignResult, past: Past, journal: DesignJournal?,
    meter: StepMeter, shouldStop: @escaping @Sendable () -> Bool, onEvent: @escaping @Sendable (Event) -> Void
  ) throws {
    var arms: [(name: String, objective: Objective)] = [
      (DesignResult.designed, .program(program)), (DesignResult.fitnessAlone, .fitnessAlone),
    ]
    if let human = task.human { arms.append((DesignResult.human, Objective(human))) }
    let seeds = (0..<task.budget.finalSeeds).map { derivedSeed(0x10000 + UInt32($0)) }
    let jobs = seeds.flatMap { seed in arms.map { (arm: $0, seed: seed) } }
    onEvent(.comparisonBegan(policies: jobs.count))
    let trained = try inParallel(jobs.count) { index -> DesignResult.Policy? in
      let job = jobs[index]
      // Another best, found after an interruption, has policies of its own.
      let kept = job.arm.name == DesignResult.designed ? "\(job.arm.name) \(best.id)" : job.arm.name
      if let trained = try past.policy(kept, job.seed, journal) {
        meter.skip(task.budget.finalSteps)
        return DesignResult.Policy(arm: job.arm.name, seed: job.seed, trained: trained)
      }
      guard
        let policy = try PolicyTraining(task: task, configuration: training).run(
          job.arm.objective, steps: task.budget.finalSteps, seed: job.seed, pool: WorkerPool(threads: 1),
          shouldStop: shouldStop, onSteps: meter.add)
      else { return nil }
      try journal?.keep(policy.policy, as: DesignJournal.name(arm: kept, seed: job.seed))
      try journal?.append(.compared(arm: kept, seed: job.seed, policy.digest, policy.episodes))
      onEvent(.policyEnded(arm: job.arm.name, seed: job.seed, fitness: policy.fitness))
      return DesignResult.Policy(arm: job.arm.name, seed: job.seed, trained: policy)
    }
    result.policies = trained.compactMap { $0 }
  }

  // MARK: The judgement

  /// Audits the best reward, measures how far it is from the others, and films what came of it.
  private func judge(
    _ program: RewardProgram, _ result: inout DesignResult, shouldStop: @escaping @Sendable () -> Bool,
    onEvent: @escaping @Sendable (Event) -> Void
  ) throws {
    let designed = result.policies.filter { $0.arm == DesignResult.designed }
    result.findings = RewardAudit().findings(
      program: program, checkpoints: DesignResult.pooled(designed.map(\.trained.episodes)))
    let pool = WorkerPool(threads: jobs)
    let spec = try task.environment.limited(to: task.maxEpisodeSteps)
    do {
      if let audit {
        let audited = try BehaviourAudit(
          AuditSubject(reward: program, environment: spec, fitness: task.fitness, success: task.success), configuration: audit
        ).run(
          seed: derivedSeed(0x30000), pool: pool, shouldStop: shouldStop, progress: { onEvent(.judging("audit: " + $0)) })
        let known = Set(result.findings.map(\.code))
        result.findings = (result.findings + audited.findings.filter { !known.contains($0.code) })
          .sorted { $0.severity < $1.severity }
        result.exploit = audited.exploit
      }
      onEvent(.judging("distance to the other rewards"))
      try measureDistances(&result, program, spec, pool, shouldStop)
    } catch is CancellationError {
      return
    }
    let fittest = designed.max { $0.trained.fitness < $1.trained.fitness }
    result.clip = try fittest.map { try Clip.film($0.trained.policy, of: task, seed: $0.seed) }
    result.exploitClip = try result.exploit?.policy.map { try Clip.film($0, of: task, seed: derivedSeed(0x30000)) }
  }

  /// STARC distances among the designed reward, the human-written one and the environment's own.
  private func measureDistances(
    _ result: inout DesignResult, _ program: RewardProgram, _ spec: EnvironmentSpec, _ pool: WorkerPool,
    _ shouldStop: @escaping @Sendable () -> Bool
  ) throws {
    var entries = [RewardComparison.Entry("designed", ProgramReward(program))]
    if case .program(let human)? = task.human { entries.append(.init("human-written", ProgramReward(human))) }
    entries.append(.init("environment", nil))
    do {
      result.comparison = try RewardComparison.measure(
        entries, in: spec, seed: derivedSeed(0x30001), pool: pool, shouldStop: shouldStop)
    } catch let error as GuerdonError {
      result.comparisonNote = error.message
    }
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

/// What a journal says a run has behind it.
private struct Past: Sendable {
  var isEmpty = true
  var probe: [EpisodeDigest]?
  var proposals: [Int: (proposals: [Proposal], state: String?)] = [:]
  var candidates: [Int: Candidate] = [:]
  var feedback: [Feedback] = []
  var policies: [String: (digest: TrainingDigest, episodes: [[AuditedEpisode]])] = [:]

  /// - Throws: `GuerdonError` when the journal was begun by another loop.
  init(_ journal: DesignJournal?, begunWith loop: DesignLoop, _ proposer: any Proposer) throws {
    for record in journal?.past ?? [] {
      isEmpty = false
      switch record {
      case .begun(let task, let seed, let name, let budget):
        guard task == loop.task.text, seed == loop.seed, budget == loop.task.budget else {
          throw GuerdonError.usage("The run was begun with another task, seed or budget, so it cannot go on with these.")
        }
        guard name == proposer.name else {
          throw GuerdonError.usage("The run was begun with the proposer \"\(name)\"; \"\(proposer.name)\" cannot go on with it. Leave --proposer out.")
        }
      case .probed(let episodes): probe = episodes
      case .proposed(let generation, let texts, let state): proposals[generation] = (texts, state)
      case .ended(let candidate): candidates[candidate.id] = candidate
      case .advised(let words): feedback.append(words)
      case .compared(let arm, let seed, let digest, let episodes):
        policies[DesignJournal.name(arm: arm, seed: seed)] = (digest, episodes)
      }
    }
  }

  func policy(_ arm: String, _ seed: UInt64, _ journal: DesignJournal?) throws -> TrainedPolicy? {
    let name = DesignJournal.name(arm: arm, seed: seed)
    guard let journal, let known = policies[name] else { return nil }
    return TrainedPolicy(policy: try journal.policy(name), digest: known.digest, episodes: known.episodes)
  }
}

/// Counts steps over all trainings and reports their rate while there was training.
final class StepMeter: Sendable {
  private struct State {
    var done = 0
    var total: Int
    /// Since when there is training; nil in a pause.
    var start: ContinuousClock.Instant? = .now
    /// Training before that.
    var before: Duration = .zero

    var trained: Duration { before + (start.map { .now - $0 } ?? .zero) }
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
      state.start = state.start ?? .now
      let seconds = state.trained / .seconds(1)
      return .stepped(done: state.done, of: max(state.total, state.done), rate: Double(state.done) / max(seconds, 1e-3))
    }
    onEvent(event)
  }

  /// Somebody is waited for: a model, a person. The next steps end it.
  func pause() {
    state.withLock { state in
      state.before = state.trained
      state.start = nil
    }
  }

  /// Steps that will not be needed after all.
  func skip(_ steps: Int) { state.withLock { $0.total -= steps } }
}
