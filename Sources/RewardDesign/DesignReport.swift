import Experiments
import Foundation
import Proposers
import RewardAudit

/// The page that a design run leaves behind.
public enum DesignReport {
  /// - Parameters:
  ///   - command: that makes such a run.
  ///   - isResumed: whether `summary.seconds` count from where the run was resumed.
  public static func html(
    _ result: DesignResult, summary: DesignSummary, command: String, isResumed: Bool = false
  ) -> String {
    let task = result.task
    var report = Report(title: "A reward for \(task.name)", subtitle: "\(task.environment.id) · \(task.goal)")
    headline(&report, result, summary)
    if let best = result.best {
      report.section("The reward", "Candidate \(best.id) of generation \(best.generation + 1): \(best.proposal.origin).")
      report.code(best.proposal.source)
    }
    behaviour(&report, result)
    comparison(&report, result)
    audit(&report, result)
    search(&report, result)
    report.section("How this was made")
    report.paragraph(
      "Proposer: \(result.proposer). Seed \(result.seed). Learner: PPO, the same for every arm; \(task.budget.generations) generations of \(task.budget.candidates) candidates trained for at most \(task.budget.steps) steps each; the comparison trains \(task.budget.finalSeeds) policies an arm for \(task.budget.finalSteps) steps on seeds that the search never used. It took \(ProgressLine.duration(summary.seconds))\(isResumed ? " since it was resumed" : "").")
    report.heading("Fitness, which no reward program sees")
    report.code(task.fitness.source)
    report.heading("To run it again")
    report.code(command)
    return report.html
  }

  private static func headline(_ report: inout Report, _ result: DesignResult, _ summary: DesignSummary) {
    let names = [DesignResult.designed, DesignResult.human, DesignResult.fitnessAlone]
    report.figures(
      names.compactMap { name in
        summary.arms[name].map { arm in
          (
            label: "fitness, \(name)", value: number(arm.interquartileMean.estimate),
            note: "95 % interval \(interval(arm.interquartileMean)), \(arm.fitness.count) seeds"
          )
        }
      })
    if let difference = result.difference(from: DesignResult.fitnessAlone) {
      let holds = difference.low > 0
      report.callout(
        holds ? "good" : "high",
        holds ? "The designed reward beats training on the fitness alone." : "The designed reward does not beat training on the fitness alone.",
        "Paired difference in fitness \(number(difference.estimate)), 95 % interval \(interval(difference)), over fresh seeds.")
    }
    if let difference = result.difference(from: DesignResult.human) {
      let words = difference.low > 0 ? "It beats" : difference.high < 0 ? "It is worse than" : "It cannot be told apart from"
      report.callout(
        difference.high < 0 ? "medium" : "note", "\(words) the human-written reward.",
        "Paired difference in fitness \(number(difference.estimate)), 95 % interval \(interval(difference)).")
    }
    if let reason = result.cutShort {
      report.callout("medium", "The search ended before its last generation.", reason)
    }
    if result.interrupted {
      report.callout("medium", "This run was stopped before its end.", "What follows is what was finished by then.")
    }
  }

  private static func comparison(_ report: inout Report, _ result: DesignResult) {
    guard !result.policies.isEmpty else { return }
    report.section(
      "Comparison",
      "Every arm has the same learner, the same steps and the same seeds; only the reward differs. “Fitness alone” pays the episode's fitness on its last step and nothing before.")
    let names = [DesignResult.designed, DesignResult.human, DesignResult.fitnessAlone]
    let arms = names.map { name in (name, result.policies.filter { $0.arm == name }) }.filter { !$0.1.isEmpty }
    report.chart(
      Chart(
        .intervals, caption: "Fitness of the trained policies: one dot a seed, bars are 95 % intervals of the interquartile mean.",
        xLabel: "fitness", yLabel: "",
        series: arms.map { name, policies in
          let fitness = policies.map(\.trained.fitness)
          let bounds = Statistics.stratifiedBootstrap([fitness])
          return Chart.Series(
            name,
            policies.map {
              Chart.Point(x: 0, y: $0.trained.fitness, low: bounds.low, high: bounds.high, label: "seed \($0.seed)")
            })
        }, height: 60 + 60 * arms.count))
    report.chart(
      Chart(
        .lines, caption: "Fitness during training: mean over seeds, bands are 95 % bootstrap intervals.",
        xLabel: "environment steps", yLabel: "fitness",
        series: arms.map { name, policies in
          let count = policies.map(\.trained.digest.steps.count).min() ?? 0
          return Chart.Series(
            name,
            (0..<count).map { checkpoint in
              let values = policies.map { $0.trained.digest.fitness[checkpoint] }
              let bounds = Statistics.stratifiedBootstrap([values], statistic: Statistics.mean)
              return Chart.Point(
                x: Double(policies[0].trained.digest.steps[checkpoint]), y: bounds.estimate, low: bounds.low,
                high: bounds.high)
            })
        }))
    if let designed = arms.first(where: { $0.0 == DesignResult.designed })?.1 {
      report.chart(
        Chart(
          .lines, caption: "The designed reward's terms during training: mean a step, over all seeds.",
          xLabel: "environment steps", yLabel: "reward a step",
          series: designed[0].trained.digest.terms.indices.map { term in
            Chart.Series(
              designed[0].trained.digest.terms[term].name,
              designed[0].trained.digest.steps.indices.map { checkpoint in
                Chart.Point(
                  x: Double(designed[0].trained.digest.steps[checkpoint]),
                  y: Statistics.mean(designed.map { $0.trained.digest.terms[term].values[checkpoint] }))
              })
          }))
    }
    if case .program(let program)? = result.task.human {
      report.heading("The human-written reward")
      report.code(program.source)
    }
  }

  /// What the best policy does, to be played.
  private static func behaviour(_ report: inout Report, _ result: DesignResult) {
    guard let clip = result.clip else { return }
    let fittest = result.fitness(of: DesignResult.designed).max() ?? .nan
    report.section("What it teaches", "An episode of the fittest policy that was trained on the designed reward.")
    report.clip(clip, caption: "An episode of \(clip.length) steps; the policy's fitness is \(number(fittest)).")
  }

  private static func audit(_ report: inout Report, _ result: DesignResult) {
    guard !result.policies.isEmpty else { return }
    findingsSection(
      &report, result.findings, title: "Audit",
      introduction: "What the program's text, the episodes of its training, and policies trained on it and against it say; the gravest first."
    )
    if let exploit = result.exploit, let clip = result.exploitClip {
      report.heading("What the reward also pays for")
      report.clip(
        clip,
        caption:
          "\(exploit.name): designed return \(number(exploit.meanDesigned)) for a fitness of \(number(exploit.meanFitness)).")
    }
    if let comparison = result.comparison {
      comparisonSection(&report, comparison)
    } else if let note = result.comparisonNote {
      report.section("Distances between the rewards")
      report.paragraph("They could not be measured: \(note)")
    }
  }

  private static func search(_ report: inout Report, _ result: DesignResult) {
    let candidates = result.history.candidates
    guard !candidates.isEmpty else { return }
    report.section(
      "The search",
      "Each candidate's score is its mean fitness over the last third of its training. Dashed ones could not be trained; the orange line leads to the best.")
    let byID = Dictionary(candidates.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var line: Set<Int> = []
    var open = result.best.map { [$0.id] } ?? []
    while let id = open.popLast() {
      if line.insert(id).inserted { open += byID[id]?.proposal.parents ?? [] }
    }
    report.familyTree(
      FamilyTree(
        candidates.map { candidate in
          FamilyTree.Member(
            id: candidate.id, generation: candidate.generation, parents: candidate.proposal.parents, value: candidate.score,
            note: "candidate \(candidate.id): \(candidate.proposal.origin); \(outcome(candidate))",
            isMarked: line.contains(candidate.id))
        }),
      caption: "The family tree: a click on a candidate unfolds what was changed.", anchor: anchor)
    for feedback in result.history.feedback {
      let ranking = feedback.ranking.map(String.init).joined(separator: " > ")
      report.callout(
        "note", "A person's word after generation \(feedback.generation + 1)",
        [ranking.isEmpty ? "" : "preferred: \(ranking)", feedback.words].filter { !$0.isEmpty }.joined(separator: ". "))
    }
    report.heading("Every candidate, and what it changed of its parent")
    for candidate in candidates {
      let title = "\(candidate.id) · generation \(candidate.generation + 1) · \(candidate.proposal.origin) · \(outcome(candidate))"
      if let parent = candidate.proposal.parents.first.flatMap({ byID[$0] }) {
        report.diff(
          from: parent.proposal.source, to: candidate.proposal.source, title: title + " · from \(parent.id)",
          anchor: anchor(candidate.id))
      } else {
        report.program(candidate.proposal.source, title: title, anchor: anchor(candidate.id))
      }
    }
  }

  private static func anchor(_ id: Int) -> String { "candidate-\(id)" }

  private static func outcome(_ candidate: Candidate) -> String {
    switch candidate.outcome {
    case .rejected(let reason): "rejected: \(reason.split(separator: "\n").first ?? "")"
    case .failed(let reason): "failed: \(reason)"
    case .trained: "fitness " + (candidate.score.map(number) ?? "unknown")
    case .stopped: "ended early at fitness " + (candidate.score.map(number) ?? "unknown")
    }
  }

  private static func number(_ value: Double) -> String { String(format: "%.3f", value) }
  private static func interval(_ interval: Interval) -> String { "\(number(interval.low)) to \(number(interval.high))" }
}
