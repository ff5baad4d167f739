/// Rounds of reward programs, each written from the best of the round before: the search of Eureka (Ma et al.,
/// arXiv 2310.12931, algorithm 1), for any kind of program and whoever writes it.
public struct ReflectiveSearch<Program> {
  /// A program that was tried.
  public struct Trial {
    /// Its number, kept through every later step: a failed sibling must not shift it.
    public let id: Int
    public let iteration: Int
    public let program: Program
    /// What its training showed, or nil when it failed.
    public let digest: TrainingDigest?

    public init(id: Int, iteration: Int, program: Program, digest: TrainingDigest?) {
      self.id = id
      self.iteration = iteration
      self.program = program
      self.digest = digest
    }

    /// Largest fitness over the training's checkpoints; −10000 for a failure, as in the paper's code.
    public var score: Double { digest?.fitness.max() ?? -10_000 }
  }

  /// Every trial, in order.
  public private(set) var trials: [Trial] = []
  /// What the next round is written from: the best of the last round in which anything succeeded, not the best ever.
  public private(set) var parent: Trial?
  private var rounds = 0

  public init() {}

  /// Takes in one round of programs with what their trainings showed.
  public mutating func enter(_ round: [(program: Program, digest: TrainingDigest?)]) {
    let tried = round.enumerated().map { index, candidate in
      Trial(
        id: trials.count + index, iteration: rounds, program: candidate.program, digest: candidate.digest)
    }
    if tried.contains(where: { $0.digest != nil }) { parent = Self.best(of: tried) }
    trials += tried
    rounds += 1
  }

  /// The best trial so far.
  public var best: Trial? { Self.best(of: trials) }

  /// The trial with the largest score, the first on ties.
  public static func best(of trials: [Trial]) -> Trial? {
    trials.reduce(nil) { best, trial in
      if let best, best.score >= trial.score { return best }
      return trial
    }
  }

  /// A whole search, for writers that answer at once.
  /// - Parameters:
  ///   - iterations: rounds N.
  ///   - samples: programs a round K.
  ///   - write: a program, given the parent with its digest (nil in the first round).
  ///   - train: the digest of training on the program of this id; nil when it cannot be run.
  public static func run(
    iterations: Int, samples: Int, write: (Trial?) -> Program, train: (Program, Int) -> TrainingDigest?
  ) -> ReflectiveSearch {
    var search = ReflectiveSearch()
    for _ in 0..<iterations {
      let first = search.trials.count
      search.enter(
        (0..<samples).map { sample in
          let program = write(search.parent)
          return (program, train(program, first + sample))
        })
    }
    return search
  }
}

extension ReflectiveSearch: Sendable where Program: Sendable {}
extension ReflectiveSearch.Trial: Sendable where Program: Sendable {}
