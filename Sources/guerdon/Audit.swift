import Agents
import ArgumentParser
import Basics
import Environments
import Experiments
import Foundation
import RewardAudit
import RewardDesign
import RewardPrograms
import Rewards
import Schemas

/// What is wrong with a reward.
struct Audit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Audit a reward program: its text, its exact consequences in a finite world, and what policies make of it.",
    discussion: """
      With a task, policies are trained on the reward and against its fitness, and what they find is played. With an \
      environment of finitely many states, the reward's optimum is compared with that of the environment's own reward.

      Ends with 2 if a finding is as grave as --fail-on says, so that it can guard a project's rewards in CI.
      """)

  @Argument(help: "The reward program, a Python file.") var file: String
  @Option(help: "Task name or file: environment, goal and fitness.") var task: String?
  @Option(name: [.customLong("env"), .customLong("environment")], help: "Environment id, where there is no task.")
  var environment: String?
  @Option(help: "A policy.safetensors that the correlation is measured under; random play if not given.")
  var policy: String?
  @Option(help: "Environment steps of each of the trainings; 0 leaves them out.") var steps = 100_000
  @Option(help: "Seed.") var seed: UInt64 = 0
  @Option(help: "Discount of the exact returns.") var discount = 0.99
  @Option(help: "Gravity from which the exit code is 2: high, medium, low, note, or never.") var failOn = "high"
  @Option(help: "Write a report, one HTML file.") var report: String?
  @Option(help: "Write the findings as SARIF, for code-review tools.") var sarif: String?
  @Flag(help: "Print one JSON object on standard output.") var json = false

  func validate() throws {
    if steps != 0, !(1_000...1_000_000_000).contains(steps) {
      throw ValidationError("--steps must be 0, or from 1000 to 1000000000.")
    }
    if failOn != "never", Finding.Severity(rawValue: failOn) == nil {
      throw ValidationError("--fail-on is high, medium, low, note or never.")
    }
    if (task == nil) == (environment == nil) {
      throw ValidationError("Say where the reward is used: --task TASK or --env ID.")
    }
    if !(discount > 0 && discount < 1) { throw ValidationError("--discount must lie between 0 and 1.") }
  }

  func run() async throws {
    let task = try task.map(DesignTask.load)
    let spec = try task?.environment ?? Environments.spec(environment ?? "")
    let program: RewardProgram
    do {
      program = try RewardProgram.compile(
        try Files.readText(URL(fileURLWithPath: file)), name: file, schema: task?.schema ?? spec.schema)
    } catch let error as CompilationFailure {
      complain(error.description + "\n")
      throw ExitCode(1)
    }
    let base = try policy.map { try Policy.load(URL(fileURLWithPath: $0)) }
    if let base, base.environment != spec.id {
      throw GuerdonError.usage("The policy is for \(base.environment), but the reward is audited on \(spec.id).")
    }
    let progress = ProgressLine()
    let interruption = Interruption()
    interruption.listen { progress.note("Stopping.") }
    var findings: [Finding] = []
    var played: [BehaviourAudit.PlayedPolicy] = []
    var clip: (clip: Clip, caption: String)?
    let exact = try exactFindings(program, spec)
    if let task, steps > 0 {
      let subject = AuditSubject(
        reward: program, environment: try spec.limited(to: task.maxEpisodeSteps), fitness: task.fitness,
        success: task.success)
      var configuration = BehaviourAudit.Configuration()
      configuration.steps = steps
      let result: BehaviourAudit.Result
      do {
        result = try BehaviourAudit(subject, configuration: configuration).run(
          base: base, seed: seed, pool: WorkerPool(), shouldStop: { interruption.isRequested },
          progress: { progress.note($0) })
      } catch is CancellationError {
        progress.finish()
        throw ExitCode(1)
      }
      (findings, played) = (result.findings, result.policies)
      if report != nil, let exploit = result.exploit, let policy = exploit.policy {
        let returns = String(
          format: "%.4g of designed return for a fitness of %.4g: ", exploit.meanDesigned, exploit.meanFitness)
        clip = (try Clip.film(policy, of: task, seed: seed), returns + exploit.name)
      }
    } else {
      findings = RewardAudit().staticFindings(program)
      if exact == nil {
        let note = "Only the text was audited: \(spec.id) has no exact model, and there is no task to train on."
        findings.append(Finding(.note, "text-only", note, evidence: "give --task, and --steps above 0"))
      }
    }
    progress.finish()
    findings = (findings + (exact ?? [])).sorted { $0.severity < $1.severity }
    if let report {
      let page = AuditReport(
        name: file, source: program.source, environment: spec.id, goal: task?.goal, findings: findings,
        policies: played, clip: clip)
      try Files.write(page.html, to: URL(fileURLWithPath: report))
    }
    if let sarif { try Files.write(SARIF.log(findings, file: file), to: URL(fileURLWithPath: sarif)) }
    try show(findings, played, spec)
    if let limit = Finding.Severity(rawValue: failOn), findings.contains(where: { $0.severity <= limit }) {
      throw ExitCode(2)
    }
  }

  private func exactFindings(_ program: RewardProgram, _ spec: EnvironmentSpec) throws -> [Finding]? {
    guard let model = try Environments.finiteModel(spec.id, discount: discount) else { return nil }
    var values = [Double](repeating: 0, count: model.outcomes.count)
    let rows = 0..<values.count
    ProgramReward(program).makeEvaluator().evaluate(model.transitions, rows: rows, total: &values, terms: nil)
    guard values.allSatisfy(\.isFinite) else {
      throw GuerdonError.failure("\(file) gives a reward that is no finite number on some transition of \(spec.id).")
    }
    var audit = ExactAudit()
    audit.configuration.discount = discount
    var findings = try audit.findings(model: model.mdp, designed: model.reward(values))
    if program.inputs.contains(where: { $0.name == "step" }) {
      findings.append(
        Finding(
          .note, "depends-on-time", "The reward reads the step's number, which the exact findings take as 1.",
          evidence: "input step"))
    }
    return findings
  }

  private func show(_ findings: [Finding], _ played: [BehaviourAudit.PlayedPolicy], _ spec: EnvironmentSpec) throws {
    if json {
      return try printJSON(
        Result(
          reward: file, environment: spec.id, task: task, findings: findings,
          policies: played.map { .init(name: $0.name, designed: $0.meanDesigned, fitness: $0.meanFitness) }))
    }
    for finding in findings {
      print("\(finding.severity.rawValue.uppercased())  \(finding.title) [\(finding.code)]")
      print("      \(finding.evidence)")
    }
    if findings.isEmpty { print("Nothing was found.") }
    if !played.isEmpty {
      print("\npolicy                        designed return     fitness")
      for policy in played {
        let name = policy.name.padding(toLength: 28, withPad: " ", startingAt: 0)
        print(name + String(format: "%17.4g  %10.4g", policy.meanDesigned, policy.meanFitness))
      }
    }
  }

  private struct Result: Encodable {
    struct Policy: Encodable {
      var name: String
      var designed, fitness: Double
    }
    var reward, environment: String
    var task: String?
    var findings: [Finding]
    var policies: [Policy]
  }
}
