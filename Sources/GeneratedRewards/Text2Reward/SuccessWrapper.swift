import Basics
import Environments
import Schemas

/// The paper's two ways to look at an environment that reports success in its records.
///
/// In training an episode lasts to the time limit, whatever was reached before: with negative rewards an early end would
/// be worth something, and a reward for a held state would be cut off. In evaluation it ends with the first success, as
/// terminated.
public final class SuccessWrapper: VectorEnvironment {
  public enum Mode: Sendable { case training, evaluation }

  public let mode: Mode
  public private(set) var failure: GuerdonError?

  private let inner: any VectorEnvironment
  private let successColumn: Int
  private let terminatedColumn: Int?
  private let own: TransitionBatch
  private let ends: UnsafeMutableBufferPointer<Bool>
  private let timeouts: UnsafeMutableBufferPointer<Bool>
  private let finals: UnsafeMutableBufferPointer<Double>

  /// - Parameters:
  ///   - inner: made with `.sameStep`; it must not end episodes by itself before the limit.
  ///   - field: the field of the record that is above 0.5 on a success.
  /// - Throws: `GuerdonError` when there is no such field.
  public init(_ inner: any VectorEnvironment, mode: Mode, success field: String = "success") throws {
    let schema = inner.spec.schema
    guard let column = schema.columns(of: field)?.first else {
      throw GuerdonError.usage(
        "\(inner.spec.id) has no field \"\(field)\" that would tell of success."
          + suggestion(for: field, among: schema.fields.map(\.name)))
    }
    (self.inner, self.mode, successColumn) = (inner, mode, column)
    terminatedColumn = schema.columns(of: "terminated")?.first
    own = TransitionBatch(schema: schema, capacity: inner.count)
    ends = .allocate(capacity: inner.count)
    ends.initialize(repeating: false)
    timeouts = .allocate(capacity: inner.count)
    timeouts.initialize(repeating: false)
    finals = .allocate(capacity: inner.count * inner.spec.observationSpace.width)
    finals.initialize(repeating: 0)
  }

  deinit {
    ends.deallocate()
    timeouts.deallocate()
    finals.deallocate()
  }

  public var spec: EnvironmentSpec { inner.spec }
  public var count: Int { inner.count }
  public var observations: UnsafeBufferPointer<Double> { inner.observations }
  public var rewards: UnsafeBufferPointer<Double> { inner.rewards }
  public var terminated: UnsafeBufferPointer<Bool> { UnsafeBufferPointer(ends) }
  public var truncated: UnsafeBufferPointer<Bool> { UnsafeBufferPointer(timeouts) }
  public var finalObservations: UnsafeBufferPointer<Double> { UnsafeBufferPointer(finals) }

  public func reset(seed: UInt64?) {
    inner.reset(seed: seed)
    failure = failure ?? inner.failure
  }

  public func reset(mask: [Bool], seed: UInt64?) {
    inner.reset(mask: mask, seed: seed)
    failure = failure ?? inner.failure
  }

  public func step(_ actions: UnsafeBufferPointer<Double>, recording record: TransitionBatch?, at row: Int) {
    let (batch, first) = record.map { ($0, row) } ?? (own, 0)
    inner.step(actions, recording: batch, at: first)
    failure = failure ?? inner.failure
    let width = spec.observationSpace.width
    var succeeded = [Bool](repeating: false, count: count)
    for i in 0..<count {
      let isOver = inner.terminated[i] || inner.truncated[i]
      let source = isOver ? inner.finalObservations : inner.observations
      for j in i * width..<(i + 1) * width { finals[j] = source[j] }
      (ends[i], timeouts[i]) = (false, isOver)
      if mode == .training, inner.terminated[i] {
        failure = failure ?? .usage(
          "\(spec.id) ended an episode by itself; a reward is trained on episodes that last to the limit.")
      }
      let success = batch.base[successColumn * batch.capacity + first + i] > 0.5
      if mode == .evaluation, success || inner.terminated[i] {
        (ends[i], timeouts[i]) = (true, false)
        if let terminatedColumn { batch.base[terminatedColumn * batch.capacity + first + i] = 1 }
        succeeded[i] = !isOver
      }
    }
    if succeeded.contains(true) { reset(mask: succeeded, seed: nil) }
  }

  public func saveState() -> [EnvironmentState] { inner.saveState() }
  public func restore(_ states: [EnvironmentState]) { inner.restore(states) }
}
