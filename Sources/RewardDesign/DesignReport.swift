import Experiments
import Foundation
import Proposers
import RewardAudit

/// The page that a design run leaves behind.
public enum DesignReport {
  public static func html(_ result: DesignResult, summary: DesignSummary, command: String) -> String {
    let task = result.task
    var report = Report(title: "A reward for \(task.name)", subtitle: "\(task.environment.id) · \(task.goal)")
    headline(&report, result, summary)
    if let best = result.best {
      report.section("The reward", "Candidate \(best.id) of generation \(best.generation + 1): \(best.proposal.origin).")
      report.code(best.proposal.source)
    }
    comparison(&report, result)
    audit(&report, result)
    search(&report, result)
    report.section("How this was made")
    report.paragraph(
      "Proposer: \(result.proposer). Seed \(result.seed). Learner: PPO, the same for every arm; \(task.budget.generations) generations of \(task.budget.candidates) candidates trained for \(task.budget.steps) steps each; the comparison trains \(task.budget.finalSeeds) policies an arm for \(task.budget.finalSteps) steps on seeds that the search never used. It took \(ProgressLine.duration(summary.seconds)).")
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

  private static func audit(_ report: inout Report, _ result: DesignResult) {
    guard !result.policies.isEmpty else { return }
    report.section("Audit", "What the program's text and the episodes of its training say, the gravest first.")
    if result.findings.isEmpty { report.callout("good", "Nothing was found.", "") }
    for finding in result.findings { report.callout(finding.severity.rawValue, finding.title, finding.evidence) }
  }

  private static func search(_ report: inout Report, _ result: DesignResult) {
    let candidates = result.history.candidates
    guard !candidates.isEmpty else { return }
    report.section("The search", "Each candidate's score is its mean fitness over the last third of one training.")
    let generations = Set(candidates.map(\.generation)).sorted()
    report.chart(
      Chart(
        .scatter, caption: "Candidates by generation.", xLabel: "generation", yLabel: "fitness",
        series: generations.map { generation in
          Chart.Series(
            "generation \(generation + 1)",
            candidates.filter { $0.generation == generation }.compactMap { candidate in
              candidate.score.map {
                Chart.Point(x: Double(generation + 1), y: $0, label: "candidate \(candidate.id): \(candidate.proposal.origin)")
              }
            })
        }, height: 260))
    report.table(
      ["candidate", "generation", "parents", "how it came about", "score"],
      candidates.map { candidate in
        let outcome: String
        switch candidate.outcome {
        case .rejected: outcome = "rejected"
        case .failed: outcome = "failed"
        case .trained: outcome = candidate.score.map(number) ?? ""
        case .stopped: outcome = (candidate.score.map(number) ?? "") + " (ended early)"
        }
        return [
          "\(candidate.id)", "\(candidate.generation + 1)", candidate.proposal.parents.map(String.init).joined(separator: ", "),
          candidate.proposal.origin, outcome,
        ]
      })
    lineage(&report, result)
  }

  /// From the best program back to its oldest ancestor, one diff a step.
  private static func lineage(_ report: inout Report, _ result: DesignResult) {
    guard var child = result.best, !child.proposal.parents.isEmpty else { return }
    report.heading("How the best program came about")
    let byID = Dictionary(result.history.candidates.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    while let first = child.proposal.parents.first, let parent = byID[first] {
      report.diff(
        from: parent.proposal.source, to: child.proposal.source,
        title: "\(parent.id) → \(child.id): \(child.proposal.origin) (\(parent.score.map(number) ?? "no score") → \(child.score.map(number) ?? "no score"))")
      child = parent
    }
  }

  private static func number(_ value: Double) -> String { String(format: "%.3f", value) }
  private static func interval(_ interval: Interval) -> String { "\(number(interval.low)) to \(number(interval.high))" }
}
