import Basics

/// States in shards of a fixed size: threads take whole shards, and sums over states are made shard by shard, so that no
/// result depends on the number of threads.
enum Sharding {
  static let size = 64

  static func count(_ states: Int) -> Int { (states + size - 1) / size }

  static func states(_ shard: Int, of states: Int) -> Range<Int> {
    shard * size..<min(states, (shard + 1) * size)
  }

  /// Products of a loop below which threads cost more than they save (some ten microseconds' worth).
  private static let least = 1 << 17

  /// Runs `body` for every shard, on the pool's threads or, where little is to be done, on the caller's alone.
  /// - Parameter work: products in the whole loop.
  @inline(__always)
  static func forEach(_ states: Int, work: Int, on pool: WorkerPool?, _ body: @Sendable (Int) -> Void) {
    let shards = count(states)
    if let pool, pool.threads > 1, shards > 1, work >= least {
      pool.forEach(shards, body)
    } else {
      for shard in 0..<shards { body(shard) }
    }
  }
}
