import Basics
import Experiments

/// Auto MC-Reward: a Designer writes a reward program, a Critic checks it before any training, a Trajectory Analyzer
/// reads failed episodes and asks for a change (Li et al., arXiv 2312.09238).
///
/// The algorithm is `design`; the three roles are protocols. Rule-based ones for the lava worlds come with the method
/// (`LavaDesigner`, `LavaCritic`, `LavaAnalyzer`); an endpoint of a language model can take the place of any of them.
public struct AutoMCReward: Method {
  public static let card = MethodCard(
    id: "auto-mc-reward",
    title: "Auto MC-Reward: Automated Dense Reward Design with Large Language Models for Minecraft",
    paper: Paper(arXiv: "2312.09238", year: 2023, month: 12, authors: 9), family: .generated,
    summary:
      "A Designer writes the signs of a sparse and a dense reward, a Critic checks the program before training, and a "
      + "Trajectory Analyzer turns failed episodes into edits of it.")

  /// The scale constraint: r = sgn(sparse) · 1 + sgn(dense) · 0.1, with sgn(0) = 0. A program chooses signs only.
  public static func reward(sparse: Double, dense: Double) -> Double { sign(sparse) + 0.1 * sign(dense) }

  private static func sign(_ value: Double) -> Double { value > 0 ? 1 : value < 0 ? -1 : 0 }

  /// How an episode ended.
  public enum Ending: String, Sendable, Codable, CaseIterable {
    case success, lava, timeout
    /// A timeout of an agent that hardly left its place.
    case stuck
  }

  /// What is recorded of one episode.
  public struct Episode: Sendable {
    public var ending: Ending
    /// The cell before the first step, and after every step.
    public var cells: [Int]
    public var actions: [Int]
    /// Sum of 0.1 · sgn(dense).
    public var denseReturn: Double
    /// Share of steps that ended with the camera at a limit of its pitch.
    public var extremePitch: Double

    public var steps: Int { actions.count }

    /// Share of moves that lead back to where the move before them began. Steps that leave the agent in its cell do not
    /// count: where turning takes a step, p_t = p_{t−2} ≠ p_{t−1} would never be met.
    public var oscillation: Double {
      var path: [Int] = []
      for cell in cells where cell != path.last { path.append(cell) }
      guard path.count > 2 else { return 0 }
      let returns = (2..<path.count).reduce(0) { $0 + (path[$1] == path[$1 - 2] ? 1 : 0) }
      return Double(returns) / Double(path.count - 2)
    }

    /// Different cells that were entered.
    public var coverage: Int { Set(cells).count }
  }

  /// What the Analyzer is given besides the failed episodes themselves.
  public struct Summary: Sendable {
    /// Failed and successful episodes.
    public var episodes: Int
    /// Among all episodes.
    public var success: Double
    /// Among the failed ones, in the order of `Ending.allCases`.
    public var endings: [Double]
    /// Means over the failed ones.
    public var oscillation: Double
    public var coverage: Double
    public var extremePitch: Double
    /// Dense return of the failed episodes over that of the successes; infinite when only failures earn, 0 when they
    /// earn nothing.
    public var farmRatio: Double

    public init(of all: [Episode]) {
      let failed = all.filter { $0.ending != .success }
      let count = Double(max(failed.count, 1))
      func mean(_ value: (Episode) -> Double) -> Double { failed.reduce(0) { $0 + value($1) } / count }
      episodes = all.count
      success = Double(all.count - failed.count) / Double(max(all.count, 1))
      endings = Ending.allCases.map { ending in mean { $0.ending == ending ? 1 : 0 } }
      oscillation = mean(\.oscillation)
      coverage = mean { Double($0.coverage) }
      extremePitch = mean(\.extremePitch)
      let lost = failed.reduce(0) { $0 + $1.denseReturn }
      let won = all.reduce(0) { $0 + ($1.ending == .success ? $1.denseReturn : 0) }
      farmRatio = lost <= 0 ? 0 : won <= 0 ? .infinity : lost / won
    }

    public func share(_ ending: Ending) -> Double {
      zip(Ending.allCases, endings).first { $0.0 == ending }?.1 ?? 0
    }
  }

  /// A cause of failure with the edit that it calls for.
  public struct Suggestion: Sendable, Hashable {
    /// A short name of the edit, by which a rule-based writer knows it.
    public var edit: String
    /// The cause and the advice in words: what a language model reads.
    public var advice: String

    public init(edit: String, advice: String) { (self.edit, self.advice) = (edit, advice) }
  }

  /// What the Critic finds wrong: a name, and words.
  public struct Fault: Sendable, Hashable {
    public var id: String
    public var explanation: String

    public init(_ id: String, _ explanation: String) { (self.id, self.explanation) = (id, explanation) }
  }

  /// Writes reward programs.
  public protocol Designer {
    /// A program for the round: the last one with the suggestions worked in.
    mutating func write(suggestions: [Suggestion], previous: String?) throws -> String
    /// The program with its faults mended.
    mutating func mend(_ source: String, faults: [Fault]) throws -> String
  }

  /// Reviews a program before anything is trained on it.
  public protocol Critic {
    /// - Returns: what is wrong; empty when the program may be trained on.
    func review(_ source: String) throws -> [Fault]
  }

  /// Reads failed episodes; never the agent's own account, nor the reward it got.
  public protocol Analyzer {
    func suggestions(failed: [Episode], statistics: Summary, source: String) throws -> [Suggestion]
  }

  /// One round of the loop, for the log.
  public struct Round: Sendable {
    public var source: String
    /// The faults found in each pass of the Critic.
    public var faults: [[Fault]] = []
    /// Nil when the program was not trained on: the Critic was never satisfied, or it cannot be run.
    public var statistics: Summary?
    /// What the Analyzer asked of the next round.
    public var suggestions: [Suggestion] = []
  }

  /// The loop: M rounds of writing, at most three reviews, training and analysis.
  /// - Parameters:
  ///   - critic: nil leaves the review out.
  ///   - analyzer: nil leaves the reading of failures out.
  ///   - target: the share of successes at which the loop stops.
  ///   - train: episodes of a policy trained on a program (source and round); nil when the program cannot be run.
  /// - Returns: every round, in order.
  public static func design(
    rounds: Int, passes: Int = 3, target: Double, designer: inout some Designer, critic: (any Critic)?,
    analyzer: (any Analyzer)?, train: (String, Int) throws -> [Episode]?
  ) throws -> [Round] {
    var log: [Round] = []
    var suggestions: [Suggestion] = []
    for number in 0..<rounds {
      var round = Round(source: try designer.write(suggestions: suggestions, previous: log.last?.source))
      var isAccepted = critic == nil
      if let critic {
        for pass in 0..<passes {
          let faults = try critic.review(round.source)
          round.faults.append(faults)
          isAccepted = faults.isEmpty
          if isAccepted || pass == passes - 1 { break }
          round.source = try designer.mend(round.source, faults: faults)
        }
      }
      if isAccepted, let episodes = try train(round.source, number) {
        let statistics = Summary(of: episodes)
        round.statistics = statistics
        if statistics.success < target, let analyzer, number < rounds - 1 {
          round.suggestions = try analyzer.suggestions(
            failed: episodes.filter { $0.ending != .success }, statistics: statistics, source: round.source)
        }
      }
      suggestions = round.suggestions
      log.append(round)
      if let success = round.statistics?.success, success >= target { break }
    }
    return log
  }

  /// The program that the loop ends with: that of the last round which was trained on.
  public static func final(_ log: [Round]) -> String? { log.last { $0.statistics != nil }?.source }
}
