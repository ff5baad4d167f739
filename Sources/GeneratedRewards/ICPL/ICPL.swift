import Basics
import Experiments
import Foundation
import Proposers

/// ICPL: reward programs from preferences alone (Yu et al., arXiv 2410.17233).
///
/// Each round K programs are trained, a teacher says which behaviour is the best and which the worst, and the next
/// round is written from these two programs, their training traces and how the best programs so far differ. No score is
/// known to the writer: `Trace` has no place for one, and a behaviour goes to the teacher only.
///
/// The algorithm is `search`. Who writes the programs is a `RewardWriter`, who judges them a `PreferenceTeacher`.
public struct ICPL: Method {
  public static let card = MethodCard(
    id: "icpl", title: "Few-shot In-Context Preference Learning Using Large Language Models",
    paper: Paper(arXiv: "2410.17233", year: 2024, month: 10, authors: 8), family: .generated,
    summary:
      "Writes K reward programs a round, has a person name the best and the worst resulting behaviour, and writes the next ones from that: 49 comparisons and no reward model.")

  public struct Configuration: MethodConfiguration, Hashable {
    /// Rounds N.
    public var iterations = 5
    /// Programs a round K.
    public var samples = 6
    /// Times that a round's missing programs are asked for before the search gives up.
    public var resamplingRounds = 200
    /// Difference blocks that the history keeps, the latest ones.
    public var historyBlocks = 100
    /// Fresh trainings of the final program.
    public var finalTrainings = 5
    /// Probability that the noisy teacher's answer is turned around.
    public var flip = 0.2
    /// The rule-based writer of the experiment.
    var writer = MisfitPreferenceWriter.Configuration()
    /// Labels Q of the preference-learning baseline, one arm each; claims need 49 and 1000.
    public var labels = [49, 1_000]
    public var baseline = PreferenceQLearning.Configuration()
    public var seeds: [UInt64] = Array(0..<5)

    /// The brief's search test.
    public static let smoke = Configuration(seeds: Array(0..<24))
    /// The same with three times the seeds, and more of the baseline's label counts.
    public static let full = Configuration(labels: [49, 150, 1_000, 1_500], seeds: Array(0..<72))

    init(labels: [Int] = [49, 1_000], seeds: [UInt64]) {
      self.labels = labels
      self.seeds = seeds
    }

    /// - Throws: `GuerdonError.usage` for a search that cannot be run.
    func check() throws {
      guard iterations >= 1, samples >= 1, resamplingRounds >= 1, historyBlocks >= 0 else {
        throw GuerdonError.usage("icpl needs at least 1 iteration, 1 sample, 1 resampling round and 0 history blocks.")
      }
    }
  }

  /// What is put into the prompt; leaving something out is an ablation.
  public struct Shown: Sendable, Hashable {
    /// False is the open loop: every round is a first round.
    public var feedback = true
    /// The worst program of the round.
    public var bad = true
    public var traces = true
    /// How the past rounds' best programs differ.
    public var history = true

    public init(feedback: Bool = true, bad: Bool = true, traces: Bool = true, history: Bool = true) {
      (self.feedback, self.bad, self.traces, self.history) = (feedback, bad, traces, history)
    }
  }

  /// What a training showed of itself: its components and the episodes' lengths, and no score.
  public struct Trace: Sendable {
    /// Mean of each component per step, one value a checkpoint.
    public let terms: [TrainingDigest.Series]
    /// Mean episode length, one value a checkpoint.
    public let lengths: [Double]

    public init(terms: [TrainingDigest.Series], lengths: [Double]) {
      self.terms = terms
      self.lengths = lengths
    }

    /// A digest with its fitness left behind.
    public init(_ digest: TrainingDigest) { self.init(terms: digest.terms, lengths: digest.lengths) }

    /// One line a series: ten points, then maximum, mean and minimum.
    public var text: String {
      (terms.map { Reflection.line($0.name, $0.values) } + [Reflection.line("episode_lengths", lengths)])
        .joined(separator: "\n")
    }
  }

  /// A program that was accepted into a round.
  public struct Trial<Program, Behaviour> {
    public let id: Int
    /// Its round, from 0.
    public let iteration: Int
    public let program: Program
    /// What its training showed and what the teacher sees; nil when the training broke down.
    public let training: (trace: Trace, behaviour: Behaviour)?
  }

  /// One pairwise comparison, kept as it was answered.
  public struct Query: Sendable, Hashable {
    public enum Purpose: Sendable { case best, worst, final }
    public let purpose: Purpose
    /// Ids of the two trials.
    public let first: Int
    public let second: Int
    public let answer: Preference
  }

  /// A search from its first to its last comparison.
  public struct Result<Program, Behaviour> {
    public var trials: [Trial<Program, Behaviour>] = []
    /// Ids of the best and the worst trial of each round that had one.
    public var choices: [(best: Int, worst: Int?)] = []
    /// Every comparison, in order.
    public var queries: [Query] = []
    /// The messages that each round was written from.
    public var prompts: [[Message]] = []
    /// Id of the trial preferred over the whole run; nil when every training broke down.
    public var preferred: Int?
  }

  /// N rounds of K programs, then the choice among the rounds' winners.
  ///
  /// A round in which every training broke down leaves the prompt as it was.
  /// - Parameters:
  ///   - prepare: a program made ready to train; nil when it cannot be, upon which another takes its slot.
  ///   - train: what the training of trial `id` showed; nil when it broke down.
  /// - Throws: `GuerdonError.failure` when a round cannot be filled, and what the writer throws.
  public static func search<Writer: RewardWriter, Teacher: PreferenceTeacher, Runnable>(
    _ task: TaskDescription, configuration: Configuration, shown: Shown = Shown(), writer: inout Writer,
    teacher: inout Teacher, prepare: (Writer.Program) -> Runnable?,
    train: (Runnable, Int) -> (trace: Trace, behaviour: Teacher.Behaviour)?
  ) throws -> Result<Writer.Program, Teacher.Behaviour> {
    try configuration.check()
    typealias Round = [Trial<Writer.Program, Teacher.Behaviour>]
    var result = Result<Writer.Program, Teacher.Behaviour>()
    var seen: Set<Writer.Program> = []
    var goods: [(program: Writer.Program, trace: Trace)] = []
    var history: [HistoryBlock] = []
    var context = Context<Writer.Program>(messages: firstMessages(task), feedback: nil)

    for iteration in 0..<configuration.iterations {
      // Fill K slots with new programs that can be trained; twice the missing number is asked for.
      result.prompts.append(context.messages)
      var slots: [(program: Writer.Program, runnable: Runnable)] = []
      for _ in 0..<configuration.resamplingRounds where slots.count < configuration.samples {
        for program in try writer.write(2 * (configuration.samples - slots.count), reading: context) {
          guard slots.count < configuration.samples, !seen.contains(program) else { continue }
          guard let runnable = prepare(program) else { continue }
          seen.insert(program)
          slots.append((program, runnable))
        }
      }
      guard slots.count == configuration.samples else {
        throw GuerdonError.failure(
          "Round \(iteration + 1) found only \(slots.count) of \(configuration.samples) programs that are new and can be trained, in \(configuration.resamplingRounds) tries.")
      }
      let first = result.trials.count
      let round: Round = slots.enumerated().map { slot, filled in
        Trial(
          id: first + slot, iteration: iteration, program: filled.program,
          training: train(filled.runnable, first + slot))
      }
      result.trials += round

      // (b, w), b ≠ w.
      let behaviours = round.map { $0.training?.behaviour }
      guard let choice = chooseBestAndWorst(of: behaviours, teacher: &teacher, firstID: first, into: &result.queries),
        let goodTrace = round[choice.best].training?.trace
      else { continue }
      result.choices.append((first + choice.best, choice.worst.map { first + $0 }))
      let good = round[choice.best].program
      if let previous = goods.last {
        let label = "iter\(goods.count + 1)-good", previousLabel = "iter\(goods.count)-good"
        let difference = try writer.differences(between: good, and: previous.program)
        history.append(
          HistoryBlock(
            label: label, previousLabel: previousLabel, previousTrace: previous.trace.text,
            difference: relabelled(difference, first: label, second: previousLabel)))
      }
      let past = goods.map(\.program)
      goods.append((good, goodTrace))
      guard shown.feedback else { continue }

      let bad = shown.bad ? choice.worst.map { round[$0] } : nil
      let feedback = Feedback(
        good: good, bad: bad?.program, goodTrace: shown.traces ? goodTrace : nil,
        badTrace: shown.traces ? bad?.training?.trace : nil,
        pastGoods: shown.history ? Array(past.suffix(configuration.historyBlocks)) : [])
      context = Context(
        messages: firstMessages(task) + [
          feedbackMessage(
            feedback, history: shown.history ? Array(history.suffix(configuration.historyBlocks)) : [],
            showsTraces: shown.traces, rounds: goods.count, source: writer.source)
        ],
        feedback: feedback)
    }

    // The winners of the rounds, compared as behaviours: no score decides here either.
    let winners = result.choices.compactMap { choice in
      result.trials[choice.best].training.map { (id: choice.best, behaviour: $0.behaviour) }
    }
    result.preferred = choosePreferred(of: winners, teacher: &teacher, into: &result.queries)
    return result
  }

  /// The best of a round's behaviours by K − 1 comparisons, and the worst of the others by K − 2 more.
  ///
  /// Failures (nil) are neither. Of equals the first is taken; where nothing differs, or only one is left, there is no
  /// worst.
  static func chooseBestAndWorst<Teacher: PreferenceTeacher>(
    of behaviours: [Teacher.Behaviour?], teacher: inout Teacher, firstID: Int = 0, into queries: inout [Query]
  ) -> (best: Int, worst: Int?)? {
    let shown = behaviours.enumerated().compactMap { index, behaviour in behaviour.map { (index: index, $0) } }
    guard var best = shown.first else { return nil }
    var differs = false
    for other in shown.dropFirst() {
      let answer = teacher.compare(best.1, other.1)
      queries.append(
        Query(purpose: .best, first: firstID + best.index, second: firstID + other.index, answer: answer))
      if answer != .neither { differs = true }
      if answer == .second { best = other }
    }
    let others = shown.filter { $0.index != best.index }
    guard var worst = others.first else { return (best.index, nil) }
    for other in others.dropFirst() {
      let answer = teacher.compare(worst.1, other.1)
      queries.append(
        Query(purpose: .worst, first: firstID + worst.index, second: firstID + other.index, answer: answer))
      if answer == .first { worst = other }
    }
    return (best.index, differs ? worst.index : nil)
  }

  /// The preferred of the winners by one comparison less than there are.
  static func choosePreferred<Teacher: PreferenceTeacher>(
    of winners: [(id: Int, behaviour: Teacher.Behaviour)], teacher: inout Teacher, into queries: inout [Query]
  ) -> Int? {
    guard var best = winners.first else { return nil }
    for other in winners.dropFirst() {
      let answer = teacher.compare(best.behaviour, other.behaviour)
      queries.append(Query(purpose: .final, first: best.id, second: other.id, answer: answer))
      if answer == .second { best = other }
    }
    return best.id
  }

  /// Pairwise comparisons of a whole search: N ((K − 1) + (K − 2)) + (N − 1); 49 for the paper's K = 6, N = 5.
  public static func queryCount(samples: Int, iterations: Int) -> Int {
    iterations * (max(samples - 1, 0) + max(samples - 2, 0)) + iterations - 1
  }
}
