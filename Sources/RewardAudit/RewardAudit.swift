import Basics
import Experiments
import Foundation
import RewardPrograms

/// What one episode showed of a reward and of the fitness.
public struct AuditedEpisode: Sendable, Codable {
  /// What the designer wants.
  public var fitness: Double
  /// Sum of the designed reward.
  public var designedReturn: Double
  /// Sum of each term, in the program's order.
  public var termSums: [Double]
  public var length: Int
  public var terminated: Bool

  public init(fitness: Double, designedReturn: Double, termSums: [Double], length: Int, terminated: Bool) {
    self.fitness = fitness
    self.designedReturn = designedReturn
    self.termSums = termSums
    self.length = length
    self.terminated = terminated
  }
}

/// A short audit of a reward program: what its text says, and what the episodes of its own training say.
public struct RewardAudit: Sendable {
  /// Thresholds of the measured findings.
  public struct Configuration: Sendable {
    /// A correlation between designed return and fitness below this is no help.
    public var weakCorrelation = 0.2
    /// Fall of fitness from its peak, as a share of its range, while the designed reward still rises.
    public var overoptimisation = 0.2
    /// Share of the total's size in one term from which the others hardly matter.
    public var dominance = 0.95
    /// Share below which a term hardly matters.
    public var idle = 0.01
    /// Episodes needed before a correlation is reported.
    public var minimumEpisodes = 20

    public init() {}
  }

  public var configuration: Configuration

  public init(configuration: Configuration = Configuration()) { self.configuration = configuration }

  /// - Parameters:
  ///   - checkpoints: episodes by checkpoint of the training on this reward, in time order; the last are the trained
  ///     policy's.
  /// - Returns: findings, the gravest first.
  public func findings(program: RewardProgram, checkpoints: [[AuditedEpisode]]) -> [Finding] {
    let all = checkpoints.flatMap { $0 }
    let findings =
      staticFindings(program) + correlation(all) + overoptimisation(checkpoints) + terms(program, all) + endings(all)
    return findings.sorted { $0.severity < $1.severity }
  }

  /// What the compiler's checks say of the program's text.
  public func staticFindings(_ program: RewardProgram) -> [Finding] {
    program.warnings.map { warning in
      Finding(
        warning.severity == .warning ? .low : .note, warning.code, warning.message,
        evidence: "line \(warning.line) of the program", line: warning.line)
    }
  }

  /// Does more designed reward mean more fitness, over everything that training visited?
  private func correlation(_ episodes: [AuditedEpisode]) -> [Finding] {
    guard episodes.count >= configuration.minimumEpisodes else { return [] }
    let returns = episodes.map(\.designedReturn), fitness = episodes.map(\.fitness)
    let pearson = Statistics.pearson(returns, fitness), spearman = Statistics.spearman(returns, fitness)
    guard pearson.isFinite, spearman.isFinite else {
      return [
        Finding(
          .medium, "no-correlation", "Designed return and fitness cannot be compared: one of them never varied.",
          evidence: "\(episodes.count) episodes")
      ]
    }
    let evidence = String(
      format: "Pearson %.2f, Spearman %.2f over %d episodes of the training", pearson, spearman, episodes.count)
    if spearman < 0 {
      return [
        Finding(.high, "inverted", "Episodes with more designed reward have less fitness.", evidence: evidence)
      ]
    }
    if spearman < configuration.weakCorrelation {
      return [
        Finding(.medium, "weak-correlation", "The designed return says little about the fitness.", evidence: evidence)
      ]
    }
    return [Finding(.note, "correlated", "The designed return goes with the fitness.", evidence: evidence)]
  }

  /// Reward hacking over time: the reward still rises while the fitness falls from its peak.
  private func overoptimisation(_ checkpoints: [[AuditedEpisode]]) -> [Finding] {
    let fitness = checkpoints.map { Statistics.mean($0.map(\.fitness)) }
    let returns = checkpoints.map { Statistics.mean($0.map(\.designedReturn)) }
    guard let peak = fitness.indices.max(by: { fitness[$0] < fitness[$1] }), let last = fitness.last,
      let lowest = fitness.min(), let finalReturn = returns.last, peak < fitness.count - 1
    else { return [] }
    let fall = fitness[peak] - last, range = fitness[peak] - lowest
    guard range > 0, fall > configuration.overoptimisation * range, finalReturn > returns[peak] else { return [] }
    return [
      Finding(
        .high, "overoptimised", "Training past its best point raised the designed reward and lowered the fitness.",
        evidence: String(
          format: "fitness %.3f at checkpoint %d, %.3f at the end; designed return %.2f, then %.2f", fitness[peak],
          peak + 1, last, returns[peak], finalReturn))
    ]
  }

  /// Which terms carry the total, and which could go.
  private func terms(_ program: RewardProgram, _ episodes: [AuditedEpisode]) -> [Finding] {
    let names = program.termNames
    guard names.count > 1, !episodes.isEmpty else { return [] }
    let sizes = names.indices.map { term in Statistics.mean(episodes.map { abs($0.termSums[term]) }) }
    let total = sizes.reduce(0, +)
    guard total > 0, total.isFinite else { return [] }
    var findings: [Finding] = []
    for (name, size) in zip(names, sizes) {
      let share = size / total
      let evidence = String(format: "%.1f %% of the summed size of all terms", 100 * share)
      if share > configuration.dominance {
        findings.append(
          Finding(.low, "dominant-term", "The term \(name) drowns the others.", evidence: evidence))
      } else if share < configuration.idle {
        findings.append(Finding(.low, "idle-term", "The term \(name) hardly matters.", evidence: evidence))
      }
    }
    for (term, name) in names.enumerated() {
      let perStep = episodes.map { $0.termSums[term] / Double(max($0.length, 1)) }
      guard let low = perStep.min(), let high = perStep.max(), high - low <= 1e-6 * max(abs(low), abs(high)) else {
        continue
      }
      findings.append(
        Finding(
          .low, "constant-term", "The term \(name) never varied: it can only change when an episode should end.",
          evidence: String(format: "%.3g a step in each of %d episodes", low, episodes.count)))
    }
    return findings
  }

  /// A reward that is negative all along pays for ending the episode.
  private func endings(_ episodes: [AuditedEpisode]) -> [Finding] {
    let ended = episodes.filter(\.terminated)
    guard !ended.isEmpty else { return [] }
    let perStep = Statistics.mean(episodes.map { $0.designedReturn / Double(max($0.length, 1)) })
    guard perStep < 0 else { return [] }
    return [
      Finding(
        .medium, "pays-for-ending", "The reward is negative on average, so ending an episode early pays.",
        evidence: String(
          format: "%.3f a step; %d of %d episodes terminated", perStep, ended.count, episodes.count))
    ]
  }
}
