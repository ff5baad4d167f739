import Basics
import FiniteMDPs

/// Maximum-causal-entropy planning and its occupancy on random processes of 256 states and 4 actions, 100 steps, on two
/// threads.
let planningRows = [
  Row(
    name: "Soft value iteration with occupancy, 256 states, 8 successors, vs imitation's mce_irl", unit: "plans/s",
    atLeast: 10,
    ours: { try planningRate(branching: 8) }, peer: { try imitationRate(branching: 8) }),
  Row(
    name: "Soft value iteration with occupancy, 256 states, all successors, vs imitation's mce_irl", unit: "plans/s",
    atLeast: 10,
    ours: { try planningRate(branching: states) }, peer: { try imitationRate(branching: states) }),
]

private let states = 256, actions = 4, horizon = 100
private let seconds = 2.0

/// Plans with their occupancies a second.
private func planningRate(branching: Int) throws -> Double {
  var random = RandomGenerator(seed: 0)
  let mdp = try FiniteMDP.garnet(
    stateCount: states, actionCount: actions, branching: branching, discount: 0.99, random: &random)
  let pool = WorkerPool(threads: 2)
  let clock = ContinuousClock()
  func run(for seconds: Double) throws -> Double {
    let begin = clock.now
    var plans = 0, elapsed = 0.0, visited = 0.0
    while elapsed < seconds {
      let plan = try mdp.softBackwardInduction(horizon: horizon, pool: pool)
      let occupancy = try mdp.occupancy(of: plan.policy, pool: pool).total(discount: mdp.discount)
      visited += occupancy.stateActions[0]
      plans += 1
      elapsed = (clock.now - begin) / .seconds(1)
    }
    guard visited.isFinite else { throw GuerdonError.failure("Planning gave numbers that are not finite.") }
    return Double(plans) / elapsed
  }
  _ = try run(for: 0.2)
  return try run(for: seconds)
}

/// The same on a process of the same kind by `mce_partition_fh` and `mce_occupancy_measures`.
private func imitationRate(branching: Int) throws -> Double {
  try Peer.rate("imitation_mce.py", ["\(states)", "\(actions)", "\(horizon)", "\(branching)", "\(seconds)"])
}
