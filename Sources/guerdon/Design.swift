import ArgumentParser
import Basics
import Experiments
import Foundation
import Proposers
import RewardAudit
import RewardDesign
import Synchronization

/// From a task to a trained, audited reward.
struct Design: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Search for a reward on a task, train on it, compare and audit it.",
    discussion: """
      A task is a YAML file with an environment, a goal and a fitness (see README.md), or the name of one that comes \
      with Guerdon (`guerdon tasks`). The run's folder keeps every program, the best policy and a report. It ends with \
      2 if the designed reward does not beat training on the fitness alone.
      """)

  @Argument(help: "Task name, or path of a YAML file; not with --resume.") var task: String?
  @Option(help: "Seed of everything that is random.") var seed: UInt64 = 0
  @Option(help: "Rounds of proposing and training; the task's own budget if not given.") var generations: Int?
  @Option(help: "Programs tried in each generation.") var candidates: Int?
  @Option(help: "Environment steps of training a candidate.") var steps: Int?
  @Option(help: "Environment steps of training a policy of the final comparison.") var finalSteps: Int?
  @Option(help: "Fresh seeds of the final comparison.") var finalSeeds: Int?
  @Option(help: "Trainings side by side; all cores if not given.") var jobs: Int?
  @Flag(inversion: .prefixedNo, help: "End the training of a generation's hopeless candidates early.") var halving = true
  @Flag(inversion: .prefixedNo, help: "Train policies on and against the best reward at the end, to find its exploits.")
  var audit = true
  @OptionGroup var cluster: ClusterOptions
  @Option(
    help: "Go on with a run that was cut off (its id, or \"last\") with everything it was begun with; other options replace its own."
  )
  var resume: String?
  @Option(help: "Folder of runs; runs/ if not given.") var out: String?
  @Option(help: "Who writes the programs: evolution, llm or replay.") var proposer = ProposerKind.evolution
  @OptionGroup(title: "Language models") var languageModel: LanguageModelOptions
  @Flag(help: "Print one JSON object on standard output.") var json = false
  @OptionGroup var feedback: FeedbackOptions

  func validate() throws {
    if (task == nil) == (resume == nil) { throw ValidationError("Give a task, or a run to go on with by --resume.") }
    if resume != nil, [generations, candidates, steps, finalSteps, finalSeeds].contains(where: { $0 != nil }) {
      throw ValidationError("--resume goes on with the run's own budget.")
    }
    for (name, value) in [
      ("generations", generations), ("candidates", candidates), ("jobs", jobs),
    ] where value.map({ $0 < 1 }) ?? false { throw ValidationError("--\(name) must be at least 1.") }
    for (name, value) in [("steps", steps), ("final-steps", finalSteps)] where value.map({ $0 < 1_000 }) ?? false {
      throw ValidationError("--\(name) must be at least 1000.")
    }
    if let finalSeeds, finalSeeds < 2 { throw ValidationError("--final-seeds must be at least 2, or there is no interval.") }
  }

  func run() async throws {
    guard let resume else { return try await work() }
    var begun = try asBegun(try store(out).find(resume).record)
    (begun.resume, begun.out, begun.json) = (resume, out, json)
    try await begun.work()
  }

  /// The command that a run was begun with, changed by what is said anew beside `--resume`: a later option wins.
  /// - Throws: `GuerdonError` when the record's command is not understood.
  private func asBegun(_ record: RunRecord) throws -> Design {
    var anew = Array(CommandLine.arguments.drop { $0 != "design" }.dropFirst())
    if let place = anew.firstIndex(of: "--resume") { anew.removeSubrange(place..<min(place + 2, anew.count)) }
    anew.removeAll { $0.hasPrefix("--resume=") }
    do {
      return try Design.parse(Array(record.arguments.drop { $0 != "design" }.dropFirst()) + anew)
    } catch {
      throw GuerdonError.usage(
        "Run \(record.id) cannot go on with these options: \(Design.message(for: error)) It was begun with: guerdon \(record.arguments.joined(separator: " "))")
    }
  }

  private func work() async throws {
    let store = store(out)
    let source = try languageModel.source(proposer)
    var remote = try cluster.trainer()
    let (run, journal, task, seed) = try resume.map { try goOn($0, in: store) } ?? begin(in: store)
    try await finishing(run) { interruption, progress in
      try run.write(task.text, to: "task.yaml")
      let start = ContinuousClock.now
      let jobs = jobs ?? ProcessInfo.processInfo.activeProcessorCount
      let company = try await feedback.open(task, run: run, progress: progress)
      remote?.onNotice = { progress.note($0) }
      let trainer: any CandidateTrainer = remote ?? LocalTrainer(jobs: jobs, halving: halving ? .init() : .none)
      let loop = DesignLoop(
        task: task, seed: seed, jobs: jobs, trainer: trainer, adviser: company.adviser,
        audit: audit ? auditing(task) : nil)
      progress.note("Task \(task.name) on \(task.environment.id): \(task.goal)")
      let narrator = DesignNarrator(progress: progress, run: run, task: task)
      let proposer = try source.proposer(
        for: task, seed: seed, run: run, interruption: interruption, progress: progress)
      let result = try await loop.run(
        proposer: proposer, journal: journal, shouldStop: { interruption.isRequested },
        onEvent: { event in
          narrator.tell(event)
          company.tell(event)
        })
      await company.close()
      progress.finish()
      if let spent = source.spent { progress.note(spent) }
      let summary = DesignSummary(result, seconds: (ContinuousClock.now - start) / .seconds(1), run: run.directory.path)
      try keep(result, summary, in: run)
      if json { try printJSON(summary) } else { show(result, summary, in: run) }
      return Outcome(
        status: result.interrupted ? .interrupted : .finished, metrics: summary.arms.mapValues(\.fitness), claimsHold: summary.claims.allSatisfy(\.holds))
    }
  }

  /// The audit's trainings are as long as a candidate's.
  private func auditing(_ task: DesignTask) -> BehaviourAudit.Configuration {
    var configuration = BehaviourAudit.Configuration()
    configuration.steps = task.budget.steps
    configuration.episodes = 24
    return configuration
  }

  private typealias Begun = (run: Run, journal: DesignJournal, task: DesignTask, seed: UInt64)

  private func begin(in store: RunStore) throws -> Begun {
    var task = try DesignTask.load(task ?? "")
    task.budget.generations = generations ?? task.budget.generations
    task.budget.candidates = candidates ?? task.budget.candidates
    task.budget.steps = steps ?? task.budget.steps
    task.budget.finalSteps = finalSteps ?? task.budget.finalSteps
    task.budget.finalSeeds = finalSeeds ?? task.budget.finalSeeds
    let run = try store.begin(
      verb: "design", task: task.name, configuration: task.budget, arguments: Array(CommandLine.arguments.dropFirst()),
      seed: seed)
    return (run, try DesignJournal(run.directory), task, seed)
  }

  /// Takes up a run with all that it was begun with.
  private func goOn(_ id: String, in store: RunStore) throws -> Begun {
    let run = try store.resume(id, verb: "design")
    let journal = try DesignJournal(run.directory)
    guard let beginning = journal.beginning else {
      throw GuerdonError.failure("Run \(run.record.id) was cut off before anything was kept; begin it anew.")
    }
    var task = try DesignTask(text: beginning.task, file: "task.yaml")
    task.budget = beginning.budget
    return (run, journal, task, beginning.seed)
  }

  /// Writes what the run found into its folder.
  private func keep(_ result: DesignResult, _ summary: DesignSummary, in run: Run) throws {
    try run.write(json: summary, to: "result.json")
    if let best = result.best { try run.write(best.proposal.source, to: "best.py") }
    let designed = result.policies.filter { $0.arm == DesignResult.designed }
    if let policy = designed.max(by: { $0.trained.fitness < $1.trained.fitness })?.trained.policy {
      try policy.save(to: run.directory.appendingPathComponent("policy.safetensors"))
    }
    let command = (["guerdon"] + run.record.arguments).joined(separator: " ")
    try run.write(DesignReport.html(result, summary: summary, command: command, isResumed: resume != nil), to: "report.html")
  }

  private func show(_ result: DesignResult, _ summary: DesignSummary, in run: Run) {
    if result.interrupted {
      print("Stopped before its end; this is what was finished. To go on: guerdon design --resume \(run.record.id)\n")
    }
    if let best = result.best {
      print("The best reward, candidate \(best.id) of \(result.history.candidates.count):\n")
      print(best.proposal.source)
    }
    let names = [DesignResult.designed, DesignResult.human, DesignResult.fitnessAlone]
    if !summary.arms.isEmpty {
      print("Fitness of policies trained on fresh seeds (interquartile mean, 95 % interval):\n")
      for name in names {
        guard let arm = summary.arms[name] else { continue }
        let bounds = arm.interquartileMean
        let seeds = arm.fitness.map { String(format: "%.3f", $0) }.joined(separator: " ")
        print(
          "  \(name.padding(toLength: 14, withPad: " ", startingAt: 0)) "
            + String(format: "%.3f  [%.3f, %.3f]", bounds.estimate, bounds.low, bounds.high) + "   seeds: \(seeds)")
      }
      print("")
    }
    for (arm, phrase) in [(DesignResult.fitnessAlone, "training on the fitness alone"), (DesignResult.human, "the human-written reward")] {
      guard let difference = result.difference(from: arm) else { continue }
      let verb = difference.low > 0 ? "beats" : difference.high < 0 ? "is worse than" : "does not beat"
      print(
        "The designed reward \(verb) \(phrase): "
          + String(format: "difference %.3f, 95 %% interval [%.3f, %.3f].", difference.estimate, difference.low, difference.high))
    }
    if !result.findings.isEmpty {
      print("\nAudit:")
      for finding in result.findings { print("  \(finding.severity.rawValue): \(finding.title) (\(finding.evidence))") }
    }
    print("\nReport: \(run.directory.appendingPathComponent("report.html").path)")
  }
}

/// Tells a person, and the run's log, what happens.
private final class DesignNarrator: Sendable {
  private let progress: ProgressLine
  private let run: Run
  private let task: DesignTask
  /// Candidates that the metrics held when the run was taken up.
  private let logged = Mutex<Set<Int>>([])
  /// Policies of the comparison so far, by arm.
  private let compared = Mutex<[String: Int]>([:])

  init(progress: ProgressLine, run: Run, task: DesignTask) {
    self.progress = progress
    self.run = run
    self.task = task
  }

  @Sendable func tell(_ event: DesignLoop.Event) {
    switch event {
    case .resumed(let candidates, let policies):
      progress.note("Going on after \(candidates) candidates and \(policies) policies of the comparison.")
      logged.withLock { $0 = loggedCandidates() }
    case .candidateAdvanced: break
    case .proposed(_, _, _, let ended): restore(ended)
    case .adviceAsked(let generation): progress.note("Generation \(generation + 1) waits for a person's word.")
    case .adviceGiven(let feedback):
      let ranking = feedback.ranking.map(String.init).joined(separator: " > ")
      progress.note("A person's word: " + [ranking, feedback.words].filter { !$0.isEmpty }.joined(separator: "; "))
    case .probed(let episodes, let fitness):
      progress.note(String(format: "Random behaviour has fitness %.3f (%d episodes).", fitness, episodes))
    case .generationBegan(let generation, let proposals):
      progress.note("Generation \(generation + 1) of \(task.budget.generations): \(proposals) programs.")
    case .stepped(let done, let total, let rate):
      progress.update(
        task.name, fraction: Double(done) / Double(max(total, 1)), detail: "\(Int(rate)) steps/s",
        remaining: Double(total - done) / max(rate, 1))
    case .candidateEnded(let candidate):
      progress.note("  candidate \(candidate.id) (\(candidate.proposal.origin)): \(outcome(of: candidate))")
      keep(candidate)
    case .searchCutShort(let reason): progress.note("The search ends here: \(reason)")
    case .judging(let what): progress.note("  " + what)
    case .comparisonBegan(let policies):
      progress.note("Comparison on fresh seeds: \(policies) policies.")
    case .policyEnded(let arm, let seed, let fitness):
      progress.note("  \(arm), seed \(seed): " + String(format: "fitness %.3f", fitness))
      let number = compared.withLock { compared in
        compared[arm, default: 0] += 1
        return compared[arm, default: 0]
      }
      log(step: number, ["comparison/\(arm)": fitness])
    }
  }

  private func outcome(of candidate: Candidate) -> String {
    switch candidate.outcome {
    case .rejected(let reason): "rejected: \(reason.split(separator: "\n").first ?? "")"
    case .failed(let reason): "failed: \(reason)"
    case .trained: String(format: "fitness %.3f", candidate.score ?? .nan)
    case .stopped: String(format: "ended early at fitness %.3f", candidate.score ?? .nan)
    }
  }

  /// The program as a file, and a line of the metrics.
  private func keep(_ candidate: Candidate) {
    do {
      try run.write(candidate.proposal.source, to: Self.file(of: candidate))
    } catch {
      progress.note("  candidate \(candidate.id) could not be kept: \(error)")
    }
    log(
      step: candidate.id, candidate.score.map { ["candidate/fitness": $0] } ?? [:],
      texts: [
        "candidate/origin": candidate.proposal.origin, "candidate/outcome": outcome(of: candidate),
        "candidate/generation": "\(candidate.generation + 1)",
        "candidate/parents": candidate.proposal.parents.map(String.init).joined(separator: " "),
      ])
  }

  private static func file(of candidate: Candidate) -> String { String(format: "candidates/%04d.py", candidate.id) }

  /// A run that was killed may have candidates in its journal that never came into its files.
  private func restore(_ ended: [Candidate]) {
    let known = logged.withLock { $0 }
    for candidate in ended {
      let file = run.directory.appendingPathComponent(Self.file(of: candidate)).path
      if !known.contains(candidate.id) || !FileManager.default.fileExists(atPath: file) { keep(candidate) }
    }
  }

  private func loggedCandidates() -> Set<Int> {
    let metrics = run.directory.appendingPathComponent("metrics.jsonl")
    let records = (try? MetricsRecord.read(from: metrics)) ?? []
    return Set(records.filter { $0.texts["candidate/origin"] != nil }.map(\.step))
  }

  private func log(step: Int, _ scalars: [String: Double], texts: [String: String] = [:]) {
    do {
      try run.metrics.write(step: step, scalars, texts: texts)
    } catch {
      progress.note("The metrics could not be written: \(error)")
    }
  }
}
