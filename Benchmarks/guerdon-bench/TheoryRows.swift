import Basics
import FiniteMDPs
import RewardTheory

/// Distances between two random rewards [S, A, S] of one random process, 128 states and 16 actions, on one thread; and the
/// whole protocol that correlates them with regret, against its time limit.
let theoryRows = [
  Row(
    name: "EPIC distance, 128 states, 16 actions, vs numpy", unit: "distances/s", atLeast: 10,
    ours: { try distanceRate(.epic) }, peer: { try numpyRate("epic") }),
  Row(
    name: "STARC distance (VAL), 128 states, 16 actions, vs numpy", unit: "distances/s", atLeast: 1,
    ours: { try distanceRate(.val) }, peer: { try numpyRate("val") }),
  Row(
    name: "STARC distance (VAL), 128 states, 16 actions, vs its limit of 50 ms", unit: "distances/s", atLeast: 1,
    ours: { try distanceRate(.val) }, peer: { 1 / 0.050 }),
  Row(
    name: "STARC distance (minimal norm), 128 states, 16 actions, vs its limit of 50 ms", unit: "distances/s", atLeast: 1,
    ours: { try distanceRate(.minimal) }, peer: { 1 / 0.050 }),
  Row(
    name: "Regret correlation, 32 processes × 6 pairs × 16 steps, vs its limit of 20 s", unit: "protocols/s", atLeast: 1,
    repetitions: 2, ours: protocolRate, peer: { 1 / 20.0 }),
]

private let states = 128, actions = 16, discount = 0.95
private let seconds = 1.0

/// Distances a second, everything included: nothing is kept between two of them.
private func distanceRate(_ metric: STARC.Metric) throws -> Double {
  var random = RandomGenerator(seed: 0)
  let mdp = try FiniteMDP.thresholded(
    stateCount: states, actionCount: actions, threshold: 1.8, discount: discount, random: &random)
  let other = FiniteMDP.Reward.transition(mdp.transitionReward.map { _ in random.normal() })
  let clock = ContinuousClock()
  func run(for seconds: Double) throws -> Double {
    let begin = clock.now
    var count = 0, elapsed = 0.0, sum = 0.0
    while elapsed < seconds {
      sum += try STARC.distance(between: mdp.reward, and: other, in: mdp, metric: metric)
      count += 1
      elapsed = (clock.now - begin) / .seconds(1)
    }
    guard sum > 0, sum.isFinite else { throw GuerdonError.failure("A distance is \(sum).") }
    return Double(count) / elapsed
  }
  _ = try run(for: 0.2)
  return try run(for: seconds)
}

/// The same formulas in numpy.
private func numpyRate(_ metric: String) throws -> Double {
  try Peer.rate("numpy_starc.py", [metric, "\(states)", "\(actions)", "\(discount)", "\(seconds)"])
}

/// The protocol of one seed with the seven canonicalisations, L2 and L2, on two threads.
@Sendable private func protocolRate() throws -> Double {
  let clock = ContinuousClock()
  let begin = clock.now
  let correlations = try STARC.correlations(
    STARC.Configuration.full, seed: 0, metrics: Canonicalisation.allCases.map { STARC.Metric($0) },
    on: WorkerPool(threads: 2))
  guard correlations.correlation(of: 0) > 0 else {
    throw GuerdonError.failure("VAL's distance does not correlate with regret.")
  }
  return 1 / ((clock.now - begin) / .seconds(1))
}
