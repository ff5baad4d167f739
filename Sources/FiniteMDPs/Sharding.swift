import Basics

/// States in shards of a fixed size: threads take whole shards, and sums over states are made shard by shard, so that no
/// result depends on the number of threads.
enum Sharding {
  static let size = 64

  static func count(_ states: Int) -> Int { (states + size - 1) / size }

  static func states(_ shard: Int, of states: Int) -> Range<Int> {
    shard * size..<min(states, (shard + 1) * size)
  }

  /// Runs `body` for every shard, on the pool's threads or on the caller's alone.
  @inline(__always)
  static func forEach(_ states: Int, on pool: WorkerPool?, _ body: @Sendable (Int) -> Void) {
    let shards = count(states)
    if let pool, pool.threads > 1, shards > 1 {
      pool.forEach(shards, body)
    } else {
      for shard in 0..<shards { body(shard) }
    }
  }
}
