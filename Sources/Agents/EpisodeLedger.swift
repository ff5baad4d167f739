/// Sums of each environment's episode so far, carried from one rollout to the next.
struct EpisodeLedger: Codable {
  struct Entry {
    /// Sum of the environment's own reward.
    var environmentReturn: Double
    /// Sum of the reward that is optimised.
    var rewardReturn: Double
    var length: Int
  }

  private var environmentSums: [Double]
  private var rewardSums: [Double]
  private var steps: [Int]

  var count: Int { min(environmentSums.count, rewardSums.count, steps.count) }

  init(count: Int) {
    environmentSums = Array(repeating: 0, count: count)
    rewardSums = Array(repeating: 0, count: count)
    steps = Array(repeating: 0, count: count)
  }

  /// Takes in a rollout whose rewards are computed.
  /// - Parameter environmentRewards: the environment's own, row by row.
  /// - Returns: the episodes that ended in it, in order.
  mutating func enter(_ rollout: Rollout, environmentRewards: [Double]) -> [Entry] {
    var finished: [Entry] = []
    for row in 0..<rollout.rows {
      let i = row % rollout.count
      environmentSums[i] += environmentRewards[row]
      rewardSums[i] += rollout.rewards[row]
      steps[i] += 1
      if rollout.terminated[row] || rollout.truncated[row] {
        finished.append(Entry(environmentReturn: environmentSums[i], rewardReturn: rewardSums[i], length: steps[i]))
        (environmentSums[i], rewardSums[i], steps[i]) = (0, 0, 0)
      }
    }
    return finished
  }
}
