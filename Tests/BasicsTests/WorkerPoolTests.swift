import Basics
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
  @Test(arguments: [1, 2, 5]) func runsEveryIndexOnce(threads: Int) {
    let pool = WorkerPool(threads: threads)
    for count in [0, 1, 2, 3, 100, 1000] {
      let seen = Mutex([Int](repeating: 0, count: count))
      for _ in 0..<20 { pool.forEach(count) { index in seen.withLock { $0[index] += 1 } } }
      #expect(seen.withLock { $0.allSatisfy { $0 == 20 } })
    }
  }
}
