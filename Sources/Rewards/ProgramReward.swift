import Environments
import RewardPrograms

/// A reward program as a reward function.
public struct ProgramReward: RewardFunction {
  public let program: RewardProgram

  public init(_ program: RewardProgram) { self.program = program }

  public var termNames: [String] { program.termNames }
  public func makeEvaluator() -> any RewardEvaluator { Evaluator(program.makeEvaluator()) }

  private final class Evaluator: RewardEvaluator {
    private let machine: RewardProgramEvaluator

    init(_ machine: RewardProgramEvaluator) { self.machine = machine }

    func evaluate(
      _ batch: TransitionBatch, rows: Range<Int>, total: UnsafeMutablePointer<Double>,
      terms: UnsafeMutablePointer<Double>?
    ) {
      machine.evaluate(base: batch.base, stride: batch.capacity, rows: rows, total: total, terms: terms)
    }
  }
}
