import Experiments
import Foundation
import Proposers

/// Eureka: evolutionary search over reward programs by reflection (Ma et al., arXiv 2310.12931, algorithm 1).
///
/// The algorithm is `search`; whoever writes the programs (a language model, a grammar) is its argument. `guerdon design`
/// runs a loop of the same shape with the embedded evolution as its writer.
public struct Eureka: Method {
  public static let card = MethodCard(
    id: "eureka", title: "Eureka: Human-Level Reward Design via Coding Large Language Models",
    paper: Paper(arXiv: "2310.12931", year: 2023, month: 10, authors: 9), family: .generated,
    summary:
      "Samples whole reward programs, trains a policy on each, and feeds the training curves of every component back into the next round of programs.")

  public struct Configuration: MethodConfiguration, Hashable {
    /// Rounds N.
    public var iterations = 5
    /// Programs a round K.
    public var samples = 16
    public var seeds: [UInt64] = Array(0..<5)

    /// The brief's search experiment: 7 rounds of 8 programs.
    public static let smoke = Configuration(iterations: 7, samples: 8, seeds: Array(0..<24))
    /// The same with three times the seeds.
    public static let full = Configuration(iterations: 7, samples: 8, seeds: Array(0..<72))
  }

  /// A program that was tried.
  public struct Trial<Program> {
    /// Its number, kept through every later step: a failed sibling must not shift it.
    public let id: Int
    public let iteration: Int
    public let program: Program
    /// What its training showed, or nil when it failed.
    public let digest: TrainingDigest?

    /// Largest fitness over the training's checkpoints; −10000 for a failure, as in the paper's code.
    public var score: Double { digest?.fitness.max() ?? -10_000 }
  }

  /// Algorithm 1: N rounds of K programs; each round is written from the best of the last one.
  ///
  /// The parent of a round is the best of the round before, not the best ever; a round in which everything failed leaves
  /// the parent as it was.
  /// - Parameters:
  ///   - write: a program, given the parent with its digest (nil in the first round).
  ///   - train: the digest of training on a program; nil when it cannot be run.
  /// - Returns: every trial, in order.
  public static func search<Program>(
    iterations: Int, samples: Int, write: (Trial<Program>?) -> Program, train: (Program, Int) -> TrainingDigest?
  ) -> [Trial<Program>] {
    var trials: [Trial<Program>] = []
    var parent: Trial<Program>?
    for iteration in 0..<iterations {
      var round: [Trial<Program>] = []
      for _ in 0..<samples {
        let id = trials.count + round.count
        let program = write(parent)
        round.append(Trial(id: id, iteration: iteration, program: program, digest: train(program, id)))
      }
      if round.contains(where: { $0.digest != nil }) { parent = best(of: round) }
      trials += round
    }
    return trials
  }

  /// The trial with the largest score, the first on ties.
  public static func best<Program>(of trials: [Trial<Program>]) -> Trial<Program>? {
    trials.reduce(nil) { best, trial in
      if let best, best.score >= trial.score { return best }
      return trial
    }
  }

  /// Human-normalised score (section 4.2): (method − sparse) / |human − sparse|.
  public static func humanNormalizedScore(_ method: Double, sparse: Double, human: Double) -> Double {
    (method - sparse) / abs(human - sparse)
  }

  /// As it enters a mean over tasks: clipped to [0, 3].
  public static func clipped(_ score: Double) -> Double { min(max(score, 0), 3) }
}
