import Basics
import Foundation
import Proposers
import RewardDesign
import Synchronization

/// A design run on a local page: live to look at, and the place where a person judges the clips of each generation.
///
/// ```swift
/// let studio = try await DesignStudio.open(task)
/// print(studio.address)                       // for the browser on this machine
/// let loop = DesignLoop(task: task, seed: 0, jobs: 8, adviser: studio)
/// let result = try await loop.run(
///   proposer: proposer, shouldStop: { interruption.isRequested }, onEvent: studio.tell)
/// await studio.close()
/// ```
/// It listens on 127.0.0.1 only. Every address holds a word that only who is told it knows, and requests that another
/// site's page could have sent are refused. A person is shown two clips at a time, never a number.
public final class DesignStudio: Adviser {
  /// Where the page is: `http://127.0.0.1:PORT/WORD/`.
  public let address: String
  private let state: StudioBoard
  private let server: StudioServer

  private init(_ state: StudioBoard, _ server: StudioServer) {
    self.state = state
    self.server = server
    address = server.address
  }

  /// Opens the page.
  /// - Parameters:
  ///   - port: 0 takes any that is free.
  ///   - isBlind: no scores are shown while the person compares.
  /// - Throws: `GuerdonError` when the port cannot be had.
  public static func open(_ task: DesignTask, port: Int = 0, isBlind: Bool = true) async throws -> DesignStudio {
    let state = StudioBoard(StudioState(task: task, isBlind: isBlind))
    return DesignStudio(state, try await StudioServer.start(state, port: port))
  }

  /// Shows what happens; to be called with each event of the loop, from any thread.
  @Sendable public func tell(_ event: DesignLoop.Event) { state.withState { $0.tell(event) } }

  public func advise(
    on review: GenerationReview, shouldStop: @escaping @Sendable () -> Bool
  ) async throws -> Feedback? {
    let blind = try BlindReview.film(review, shouldStop: shouldStop) { done, count in
      state.withState { $0.film(review.generation, done: done, of: count) }
    }
    guard let blind else { return nil }
    return try await ask(blind, generation: review.generation, seed: review.seed, shouldStop: shouldStop)
  }

  /// Asks about clips that are already there, and waits for the answer.
  func ask(
    _ review: BlindReview, generation: Int, seed: UInt64, shouldStop: @Sendable () -> Bool
  ) async throws -> Feedback? {
    guard !review.clips.isEmpty else { return nil }
    state.withState { $0.ask(review, generation: generation, seed: seed) }
    defer { state.withState { $0.withdrawQuestion() } }
    while !shouldStop() {
      if let answer = state.withState({ $0.takeAnswer() }) { return answer.feedback }
      try await Task.sleep(for: .milliseconds(50))
    }
    return nil
  }

  /// Tells the pages that the run has ended, and stops listening.
  public func close() async {
    state.withState { $0.end() }
    await server.stop()
  }
}

/// The state, for the design loop's threads and the server's.
final class StudioBoard: Sendable {
  private let state: Mutex<StudioState>

  init(_ state: StudioState) { self.state = Mutex(state) }

  func withState<Value: Sendable>(_ body: (inout sending StudioState) throws -> sending Value) rethrows -> sending Value {
    try state.withLock { try body(&$0) }
  }
}
