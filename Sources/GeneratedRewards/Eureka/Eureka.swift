import Experiments
import Foundation
import Proposers

/// Eureka: evolutionary search over reward programs by reflection (Ma et al., arXiv 2310.12931, algorithm 1).
///
/// The algorithm is `ReflectiveSearch`; whoever writes the programs (a language model, a grammar) is its argument. `guerdon design`
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

  /// Human-normalised score (section 4.2): (method − sparse) / |human − sparse|.
  public static func humanNormalizedScore(_ method: Double, sparse: Double, human: Double) -> Double {
    (method - sparse) / abs(human - sparse)
  }

  /// As it enters a mean over tasks: clipped to [0, 3].
  public static func clipped(_ score: Double) -> Double { min(max(score, 0), 3) }
}
