import Foundation
import Synchronization

/// A fixed team of threads that splits one loop after another, with a few microseconds of overhead a loop.
///
/// One pool is the thread budget of one job: environments and tensors share it. The calling thread works too, so
/// `WorkerPool(threads: 1)` starts no thread and runs everything inline. Loops may not be nested in one pool.
public final class WorkerPool: @unchecked Sendable {
  public let threads: Int

  private let generation = Atomic<Int>(0)
  private let nextShard = Atomic<Int>(0)
  private let active = Atomic<Int>(0)
  private let stopped = Atomic<Bool>(false)
  private let sleepers = NSCondition()
  private var sleeping = 0
  private var shards = 0
  private var body: (@Sendable (Int) -> Void)?

  /// - Parameter threads: how many threads work on a loop, the caller's included; nil takes every core.
  public init(threads: Int? = nil) {
    self.threads = max(1, threads ?? ProcessInfo.processInfo.activeProcessorCount)
    for _ in 1..<self.threads {
      let core = Unmanaged.passUnretained(self)
      let thread = Thread { [stopped = core] in stopped.takeUnretainedValue().work() }
      thread.stackSize = 8 << 20
      started += 1
      thread.start()
    }
  }
  private var started = 0
  private let finished = DispatchSemaphore(value: 0)

  deinit {
    sleepers.lock()
    stopped.store(true, ordering: .releasing)
    sleepers.broadcast()
    sleepers.unlock()
    for _ in 0..<started { finished.wait() }
  }

  /// Runs `body(0)`, …, `body(count - 1)`, each once, on all threads; returns when every one has returned.
  public func forEach(_ count: Int, _ body: @Sendable (Int) -> Void) {
    if threads == 1 || count <= 1 {
      for index in 0..<count { body(index) }
      return
    }
    withoutActuallyEscaping(body) { body in
      self.body = body
      shards = count
      nextShard.store(0, ordering: .relaxed)
      active.store(threads - 1, ordering: .relaxed)
      generation.add(1, ordering: .sequentiallyConsistent)
      wakeSleepers()
      takeShards(body)
      var spins = 0
      while active.load(ordering: .acquiring) > 0 {
        spins += 1
        if spins > 2_000 { sched_yield() }
      }
      self.body = nil
    }
  }

  private func wakeSleepers() {
    sleepers.lock()
    if sleeping > 0 { sleepers.broadcast() }
    sleepers.unlock()
  }

  private func takeShards(_ body: @Sendable (Int) -> Void) {
    while true {
      let shard = nextShard.add(1, ordering: .relaxed).oldValue
      if shard >= shards { return }
      body(shard)
    }
  }

  private func work() {
    var seen = 0
    while true {
      var spins = 0
      while generation.load(ordering: .acquiring) == seen {
        if stopped.load(ordering: .relaxed) { finished.signal(); return }
        spins += 1
        if spins > 20_000 { sleep(after: seen); spins = 0 }
      }
      seen += 1
      if let body { takeShards(body) }
      active.subtract(1, ordering: .releasing)
    }
  }

  private func sleep(after seen: Int) {
    sleepers.lock()
    sleeping += 1
    while generation.load(ordering: .acquiring) == seen, !stopped.load(ordering: .relaxed) { sleepers.wait() }
    sleeping -= 1
    sleepers.unlock()
  }
}
