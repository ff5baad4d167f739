import Basics
import Foundation
import Synchronization

/// What a labeller is asked.
public enum CaptionQuery: Hashable, Sendable {
  /// Is this helpful for the goal? `paid`: the environment's own reward came with it, for labellers that go by that.
  case caption(Caption, paid: Bool = false)
  /// Which of the two is more helpful?
  case pair(Caption, Caption)
}

/// What it answers.
public enum CaptionAnswer: Hashable, Sendable {
  case helpful, unhelpful
  case first, second, tie
}

public struct LabelledQuery: Hashable, Sendable {
  public let query: CaptionQuery
  public let answer: CaptionAnswer

  public init(_ query: CaptionQuery, _ answer: CaptionAnswer) { (self.query, self.answer) = (query, answer) }
}

/// Whoever labels captions: a language model, a person, a rule.
public protocol CaptionLabeller: Sendable {
  /// - Returns: one answer a query, in their order.
  /// - Throws: what ends the labelling: a dead endpoint, a spent budget.
  func label(_ queries: [CaptionQuery]) async throws -> [CaptionAnswer]
}

/// A labeller that answers at once, and the same query always alike, so that runs can be repeated.
public protocol RuleLabeller: CaptionLabeller {
  func answer(_ query: CaptionQuery) -> CaptionAnswer
}

extension RuleLabeller {
  public func label(_ queries: [CaptionQuery]) async throws -> [CaptionAnswer] { queries.map(answer) }
}

/// What waits for a label: last in, first out, and nothing twice.
struct AnnotationQueue {
  /// The newest is last.
  private var stack: [CaptionQuery] = []
  /// Waiting or with the labeller. Minibatches ask for the same captions again until they are answered.
  private var pending: Set<CaptionQuery> = []
  /// Waiting queries that are kept; the oldest are forgotten.
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  var waiting: Int { stack.count }

  mutating func submit(_ queries: [CaptionQuery]) {
    for query in queries where pending.insert(query).inserted { stack.append(query) }
    if stack.count > limit {
      for forgotten in stack.prefix(stack.count - limit) { pending.remove(forgotten) }
      stack.removeFirst(stack.count - limit)
    }
  }

  /// The newest queries, the newest first.
  mutating func take(_ count: Int) -> [CaptionQuery] {
    let taken = Array(stack.suffix(count).reversed())
    stack.removeLast(taken.count)
    return taken
  }

  /// They were answered, and may be asked again.
  mutating func finish(_ queries: [CaptionQuery]) { for query in queries { pending.remove(query) } }
}

/// The link between a learner, which never waits, and a labeller, which takes its time.
public protocol Annotator: AnyObject, Sendable {
  /// Hands in queries; those that wait already are ignored.
  func submit(_ queries: [CaptionQuery])
  /// The environments have taken `steps` steps in all.
  func advance(to steps: Int)
  /// The labels that came in since the last call; never waits.
  /// - Throws: why the labeller gave up.
  func collect() throws -> [LabelledQuery]
  /// Queries that wait.
  var waiting: Int { get }
}

/// A labeller by the environments' clock: every `period` steps it takes the newest `batch` queries, and their labels
/// arrive `latency` steps later. The same seed gives the same run, however fast the machine is.
public final class SimulatedAnnotator: Annotator {
  private struct State {
    var queue: AnnotationQueue
    var next: Int
    var underway: [(arrival: Int, labels: [LabelledQuery])] = []
    var now = 0
  }

  private let labeller: any RuleLabeller
  private let batch: Int
  private let period: Int
  private let latency: Int
  private let state: Mutex<State>

  /// - Parameter waitingLimit: queries that are kept waiting.
  public init(_ labeller: any RuleLabeller, batch: Int, period: Int, latency: Int, waitingLimit: Int = 10_000) {
    precondition(batch >= 1 && period >= 1 && latency >= 0 && waitingLimit >= 1, "an annotator labels some, some time")
    self.labeller = labeller
    (self.batch, self.period, self.latency) = (batch, period, latency)
    state = Mutex(State(queue: AnnotationQueue(limit: waitingLimit), next: period))
  }

  public func submit(_ queries: [CaptionQuery]) { state.withLock { $0.queue.submit(queries) } }

  public func advance(to steps: Int) {
    state.withLock { state in
      state.now = steps
      while state.next <= steps {
        let queries = state.queue.take(batch)
        if !queries.isEmpty {
          let labels = queries.map { LabelledQuery($0, labeller.answer($0)) }
          state.underway.append((state.next + latency, labels))
        }
        state.next += period
      }
    }
  }

  public func collect() -> [LabelledQuery] {
    state.withLock { state in
      let arrived = state.underway.prefix { $0.arrival <= state.now }.flatMap(\.labels)
      state.underway.removeFirst(state.underway.prefix { $0.arrival <= state.now }.count)
      state.queue.finish(arrived.map(\.query))
      return arrived
    }
  }

  public var waiting: Int { state.withLock { $0.queue.waiting } }
}

/// A labeller in a task of its own, by the wall clock: the environments and the learner never wait for it.
///
/// What it labels depends on the machine's speed, so two runs differ; for runs that can be repeated there is
/// `SimulatedAnnotator`.
public final class AsynchronousAnnotator: Annotator {
  private final class Shared: Sendable {
    struct State {
      var queue: AnnotationQueue
      var finished: [LabelledQuery] = []
      var failure: (any Error)?
    }

    let state: Mutex<State>

    init(limit: Int) { state = Mutex(State(queue: AnnotationQueue(limit: limit))) }
  }

  private let shared: Shared
  private let task: Task<Void, Never>

  /// Begins to wait for queries; ends when the annotator is let go of.
  /// - Parameters:
  ///   - batch: queries that the labeller is given at once, the newest.
  ///   - idle: how long it sleeps when there is nothing to label.
  public init(
    _ labeller: any CaptionLabeller, batch: Int = 100, idle: Duration = .seconds(5), waitingLimit: Int = 10_000
  ) {
    precondition(batch >= 1 && waitingLimit >= 1, "an annotator labels some")
    let shared = Shared(limit: waitingLimit)
    self.shared = shared
    task = Task.detached {
      while !Task.isCancelled {
        let queries = shared.state.withLock { $0.queue.take(batch) }
        if queries.isEmpty {
          try? await Task.sleep(for: idle)
          continue
        }
        do {
          let answers = try await labeller.label(queries)
          guard answers.count == queries.count else {
            throw GuerdonError.failure("The labeller gave \(answers.count) answers to \(queries.count) questions.")
          }
          shared.state.withLock { $0.finished += zip(queries, answers).map { LabelledQuery($0, $1) } }
        } catch {
          shared.state.withLock { $0.failure = error }
          return
        }
      }
    }
  }

  deinit { task.cancel() }

  public func submit(_ queries: [CaptionQuery]) { shared.state.withLock { $0.queue.submit(queries) } }

  public func advance(to steps: Int) {}

  public func collect() throws -> [LabelledQuery] {
    try shared.state.withLock { state in
      if let failure = state.failure { throw failure }
      defer { state.finished.removeAll() }
      state.queue.finish(state.finished.map(\.query))
      return state.finished
    }
  }

  public var waiting: Int { shared.state.withLock { $0.queue.waiting } }
}

/// D: caption → helpful or not. Readers and the annotator's side may use it from any thread.
public final class LabelTable: Sendable {
  private let labels = Mutex<[Caption: Bool]>([:])

  public init() {}

  /// nil where there is no label yet.
  public subscript(caption: Caption) -> Bool? { labels.withLock { $0[caption] } }

  public var count: Int { labels.withLock { $0.count } }

  /// Enters labels, each in the place of an older one of the same caption.
  /// - Returns: the captions that had none before, in order.
  @discardableResult
  public func update(_ labelled: [(caption: Caption, isHelpful: Bool)]) -> [Caption] {
    labels.withLock { labels in
      labelled.filter { labels.updateValue($0.isHelpful, forKey: $0.caption) == nil }.map(\.caption)
    }
  }

  /// The labels of some captions under one lock.
  public func labels(of captions: [Caption]) -> [Bool?] { labels.withLock { labels in captions.map { labels[$0] } } }
}
