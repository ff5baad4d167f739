import Basics
import Schemas

/// What an environment is, before one is made.
public struct EnvironmentSpec: Sendable {
  /// Gymnasium's id, for example "HalfCheetah-v5".
  public let id: String
  public let observationSpace: Space
  public let actionSpace: Space
  /// What a transition record holds; what reward programs and proposers see.
  public let schema: Schema
  /// Steps after which an episode is truncated.
  public let maxEpisodeSteps: Int
  /// One paragraph for a person or a language model: the body, the actuators, the time step.
  public let summary: String

  public init(
    id: String, observationSpace: Space, actionSpace: Space, schema: Schema, maxEpisodeSteps: Int, summary: String
  ) {
    self.id = id
    self.observationSpace = observationSpace
    self.actionSpace = actionSpace
    self.schema = schema
    self.maxEpisodeSteps = maxEpisodeSteps
    self.summary = summary
  }

  /// The same environment with another limit on its episodes (Gymnasium's `max_episode_steps`).
  /// - Throws: `GuerdonError` when the limit is outside 1...65536.
  public func limited(to maxEpisodeSteps: Int?) throws -> EnvironmentSpec {
    guard let maxEpisodeSteps else { return self }
    guard (1...65536).contains(maxEpisodeSteps) else {
      throw GuerdonError.usage("An episode of \(id) cannot be limited to \(maxEpisodeSteps) steps; give 1 to 65536.")
    }
    return EnvironmentSpec(
      id: id, observationSpace: observationSpace, actionSpace: actionSpace, schema: schema,
      maxEpisodeSteps: maxEpisodeSteps, summary: summary)
  }
}

/// When an environment whose episode ended starts the next one (Gymnasium's `AutoresetMode`).
public enum AutoresetMode: String, Sendable, CaseIterable {
  /// The step after an end ignores the action and returns the reset observation with reward 0 and both flags false.
  case nextStep = "NextStep"
  /// The step that ends an episode already returns the next one's first observation; the last is in `finalObservations`.
  case sameStep = "SameStep"
  /// Stepping an ended environment is an error until `reset(mask:)`.
  case disabled = "Disabled"
}

/// `count` copies of one environment, stepped together into contiguous buffers.
///
/// Shapes: `observations` and `finalObservations` are row-major [count, observationSpace.width]; `rewards`,
/// `terminated` and `truncated` are [count]. The buffers belong to the environment and are overwritten by every step.
/// An instance belongs to one thread at a time; inside, it may split the work over its `WorkerPool`.
public protocol VectorEnvironment: AnyObject {
  var spec: EnvironmentSpec { get }
  var count: Int { get }

  var observations: UnsafeBufferPointer<Double> { get }
  /// The environment's own reward (the human-written one).
  var rewards: UnsafeBufferPointer<Double> { get }
  var terminated: UnsafeBufferPointer<Bool> { get }
  var truncated: UnsafeBufferPointer<Bool> { get }
  /// Under `.sameStep`, the last observation of the episodes that ended in this step; other rows are undefined.
  var finalObservations: UnsafeBufferPointer<Double> { get }

  /// Starts every environment anew. Environment `i` is seeded with `seed + i`, exactly as Gymnasium's vector
  /// environments do; nil goes on with the generators as they are.
  func reset(seed: UInt64?)

  /// Takes one step in every environment.
  /// - Parameters:
  ///   - actions: row-major [count, actionSpace.width]; a discrete action is its number.
  ///   - record: where to write the transition records (one row an environment, from row `row` on), or nil.
  func step(_ actions: UnsafeBufferPointer<Double>, recording record: TransitionBatch?, at row: Int)

  /// Starts the environments `i` with `mask[i]` anew and leaves the others as they are (Gymnasium's `reset_mask`).
  /// - Parameters:
  ///   - mask: [count].
  ///   - seed: environment `i` is seeded with `seed + i`; nil goes on with the generators as they are.
  func reset(mask: [Bool], seed: UInt64?)

  /// Why the environments cannot go on, where they depend on what may fail (another process). From then on every step
  /// returns rewards that are not numbers and truncated episodes; whoever learns or evaluates throws it.
  var failure: GuerdonError? { get }

  /// Everything needed to go on from here bit for bit: simulator state, step counters, random generators.
  func saveState() -> [EnvironmentState]
  func restore(_ states: [EnvironmentState])
}

extension VectorEnvironment {
  public func step(_ actions: UnsafeBufferPointer<Double>) { step(actions, recording: nil, at: 0) }

  public func reset(mask: [Bool]) { reset(mask: mask, seed: nil) }

  public func reset(mask: [Bool], seed: UInt64?) {
    precondition(mask.count == count, "the mask of a reset has one entry an environment")
    let before = saveState()
    reset(seed: seed)
    let after = saveState()
    restore(mask.indices.map { mask[$0] ? after[$0] : before[$0] })
  }

  public var failure: GuerdonError? { nil }
}
