import Experiments
import Foundation

/// An audit as one self-contained HTML page.
public struct AuditReport: Sendable {
  public var name: String
  public var source: String
  public var environment: String
  public var goal: String?
  public var findings: [Finding]
  public var policies: [BehaviourAudit.PlayedPolicy]
  /// An episode of the exploit.
  public var clip: (clip: Clip, caption: String)?

  public init(
    name: String, source: String, environment: String, goal: String?, findings: [Finding],
    policies: [BehaviourAudit.PlayedPolicy] = [], clip: (clip: Clip, caption: String)? = nil
  ) {
    (self.name, self.source, self.environment, self.goal) = (name, source, environment, goal)
    (self.findings, self.policies, self.clip) = (findings, policies, clip)
  }

  public var html: String {
    var report = Report(title: "Audit of \(name)", subtitle: environment)
    if let goal { report.paragraph(goal) }
    report.figures(
      Finding.Severity.allCases.map { severity in
        (severity.rawValue, "\(findings.count { $0.severity == severity })", "findings")
      })
    findingsSection(&report, findings)
    if let clip {
      report.section("What the reward pays for")
      report.clip(clip.clip, caption: clip.caption)
    }
    if !policies.isEmpty { behaviour(&report) }
    report.section("The reward")
    report.code(source)
    return report.html
  }

  private func behaviour(_ report: inout Report) {
    report.section(
      "Behaviour",
      "Every policy played the same number of episodes. Adversaries were trained to earn the reward without the fitness.")
    report.table(
      ["policy", "designed return", "fitness"],
      policies.map { policy in
        [policy.name, Self.interval(policy.designed), Self.interval(policy.fitness)]
      })
    report.chart(
      Chart(
        .scatter, caption: "One dot an episode: what it earned, and what it was worth.", xLabel: "designed return",
        yLabel: "fitness",
        series: policies.map { policy in
          Chart.Series(policy.name, zip(policy.designed, policy.fitness).map { Chart.Point(x: $0, y: $1) })
        }))
  }

  private static func interval(_ values: [Double]) -> String {
    let bounds = Statistics.stratifiedBootstrap([values], statistic: Statistics.mean)
    return String(format: "%.4g [%.4g, %.4g]", bounds.estimate, bounds.low, bounds.high)
  }
}
