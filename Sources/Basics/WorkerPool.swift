import Foundation
import Synchronization

/// A fixed team of threads that splits one loop after another, with a few microseconds of overhead a loop.
///
/// One pool is the thread budget of one job: environments and tensors share it. The calling thread works too, so
/// `WorkerPool(threads: 1)` starts no thread and runs everything inline. A pool belongs to one caller at a time, and
/// its loops may not be nested.
public final class WorkerPool: @unchecked Sendable {
  /// How many threads work on a loop, the caller's included.
  public let threads: Int
  private let team: Team

  /// - Parameter threads: nil takes every core.
  public init(threads: Int? = nil) {
    self.threads = max(1, threads ?? ProcessInfo.processInfo.activeProcessorCount)
    team = Team(helpers: self.threads - 1)
  }

  deinit { team.dismiss() }

  /// Runs `body(0)`, …, `body(count - 1)`, each once, on all threads; returns when every one has returned.
  /// Which thread runs which index is not determined: a result that depends on the order must be combined afterwards.
  public func forEach(_ count: Int, _ body: @Sendable (Int) -> Void) {
    if threads == 1 || count <= 1 {
      for index in 0..<count { body(index) }
    } else {
      team.run(count, body)
    }
  }
}

/// The threads and what they share; kept alive by its threads until it is dismissed.
private final class Team: @unchecked Sendable {
  private let helpers: Int
  private let round = Atomic<Int>(0)
  private let nextIndex = Atomic<Int>(0)
  private let working = Atomic<Int>(0)
  private let dismissed = Atomic<Bool>(false)
  private let bell = NSCondition()
  private var asleep = 0
  private var count = 0
  private var body: (@Sendable (Int) -> Void)?

  init(helpers: Int) {
    self.helpers = helpers
    for _ in 0..<helpers {
      let thread = Thread { self.work() }
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  func dismiss() {
    dismissed.store(true, ordering: .sequentiallyConsistent)
    ring()
  }

  func run(_ count: Int, _ body: @Sendable (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      self.body = body
      self.count = count
      nextIndex.store(0, ordering: .relaxed)
      working.store(helpers, ordering: .relaxed)
      round.add(1, ordering: .sequentiallyConsistent)
      ring()
      takeIndices(body)
      var spins = 0
      while working.load(ordering: .acquiring) > 0 {
        spins += 1
        if spins > 2_000 { sched_yield() }
      }
      self.body = nil
    }
  }

  private func ring() {
    bell.lock()
    if asleep > 0 { bell.broadcast() }
    bell.unlock()
  }

  private func takeIndices(_ body: @Sendable (Int) -> Void) {
    while true {
      let index = nextIndex.add(1, ordering: .relaxed).oldValue
      if index >= count { return }
      body(index)
    }
  }

  /// A helper's life: spin briefly for the next loop (most come within microseconds), then sleep until the bell.
  private func work() {
    var seen = 0
    while true {
      var spins = 0
      while round.load(ordering: .acquiring) == seen {
        if dismissed.load(ordering: .relaxed) { return }
        spins += 1
        if spins > 20_000 { sleep(after: seen) }
      }
      seen += 1
      if let body { takeIndices(body) }
      working.subtract(1, ordering: .releasing)
    }
  }

  private func sleep(after seen: Int) {
    bell.lock()
    asleep += 1
    while round.load(ordering: .acquiring) == seen, !dismissed.load(ordering: .relaxed) { bell.wait() }
    asleep -= 1
    bell.unlock()
  }
}
