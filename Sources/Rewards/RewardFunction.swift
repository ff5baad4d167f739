import Environments
import Schemas

/// Transitions in, one reward per transition out, with named terms.
///
/// An implementation is a description, cheap to copy between threads; what a thread needs to evaluate it (scratch
/// memory) is made by `makeEvaluator()`.
public protocol RewardFunction: Sendable {
  /// Names of the terms, in the order in which they are reported; empty when there is only a total.
  var termNames: [String] { get }
  func makeEvaluator() throws -> any RewardEvaluator
}

/// A reward function ready to run on one thread.
public protocol RewardEvaluator: AnyObject {
  /// Computes rewards of the rows `rows` of `batch`.
  /// - Parameters:
  ///   - total: receives one reward a row, `total[0]` for `rows.lowerBound`.
  ///   - terms: receives the terms, `terms[k * rows.count + i]` for term `k`; nil when they are not wanted.
  ///
  /// A value that is not a number is passed on as it is; callers count and handle it (`Outcome`).
  func evaluate(
    _ batch: TransitionBatch, rows: Range<Int>, total: UnsafeMutablePointer<Double>, terms: UnsafeMutablePointer<Double>?)
}
