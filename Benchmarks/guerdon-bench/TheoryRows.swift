import Basics
import CHiGHS
import Decisions
import FiniteMDPs
import RewardTheory

/// Distances between two random rewards [S, A, S] of one random process, 128 states and 16 actions, on one thread; the
/// whole protocol that correlates them with regret, against its time limit; and the program of a mechanism that hires three
/// agents, against HiGHS alone.
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
  // At least 1 / 1.2 of the rate is at most 1.2 times the time.
  Row(
    name: "Information acquisition, 27 tuples of efforts, vs HiGHS alone on the same program", unit: "programs/s",
    atLeast: 1 / 1.2, ours: mechanismRate, peer: solverRate),
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

/// Three agents of three efforts and two signals each: random instances, |B| = 27 and |S| = 8.
private func hirings() throws -> [AcquisitionInstance] {
  try (0..<4).map { seed in
    var random = RandomGenerator(seed: 2023, spawnKey: [UInt32(seed)])
    return try AcquisitionInstance.random(agents: 3, efforts: 3, by: &random)
  }
}

/// Best mechanisms a second: the program is written, solved, and read back as a mechanism and its value.
@Sendable private func mechanismRate() throws -> Double {
  let instances = try hirings()
  return try rate { _ = try InformationAcquisition.optimalMechanism(for: instances[$0 % instances.count]) }
}

/// The same programs by HiGHS's C interface, with their arrays at hand and nothing done with the solution.
@Sendable private func solverRate() throws -> Double {
  let programs = try hirings().map { BareProgram(InformationAcquisition.Program($0).linear) }
  return try rate { call in
    guard programs[call % programs.count].solve() == CHIGHS_OPTIMAL else {
      throw GuerdonError.failure("HiGHS did not solve the program of a mechanism.")
    }
  }
}

/// Calls a second.
private func rate(_ call: (Int) throws -> Void) throws -> Double {
  let clock = ContinuousClock()
  try call(0)
  let begin = clock.now
  var count = 0, elapsed = 0.0
  while elapsed < seconds || count % 4 != 0 {
    try call(count)
    count += 1
    elapsed = (clock.now - begin) / .seconds(1)
  }
  return Double(count) / elapsed
}

/// A linear program as the arrays that HiGHS takes, and room for its solution.
private final class BareProgram {
  private var program = chighs_program()
  private var solution = chighs_solution()
  private var buffers: [UnsafeMutableRawPointer] = []

  init(_ linear: LinearProgram) {
    let rows = (0..<linear.rowCount).map(linear.terms(ofRow:))
    let starts = rows.reduce(into: [Int32(0)]) { $0.append(($0.last ?? 0) + Int32($1.count)) }
    let entries = rows.flatMap { $0 }
    (program.columns, program.rows) = (Int32(linear.variableCount), Int32(linear.rowCount))
    (program.entries, program.maximise) = (Int32(entries.count), linear.sense == .maximise ? 1 : 0)
    (program.feasibility, program.time_limit) = (1e-9, .infinity)
    program.cost = UnsafePointer(kept(linear.costs))
    program.lower = UnsafePointer(kept(linear.lower))
    program.upper = UnsafePointer(kept(linear.upper))
    program.row_lower = UnsafePointer(kept(linear.rowLower))
    program.row_upper = UnsafePointer(kept(linear.rowUpper))
    program.starts = UnsafePointer(kept(starts))
    program.indices = UnsafePointer(kept(entries.map { Int32($0.variable) }))
    program.values = UnsafePointer(kept(entries.map(\.coefficient)))
    let columns = [Double](repeating: 0, count: linear.variableCount)
    let activities = [Double](repeating: 0, count: linear.rowCount)
    solution = chighs_solution(
      primal: kept(columns), reduced_cost: kept(columns), activity: kept(activities), dual: kept(activities))
  }

  deinit { for buffer in buffers { buffer.deallocate() } }

  private func kept<T: BitwiseCopyable>(_ values: [T]) -> UnsafeMutablePointer<T> {
    let buffer = UnsafeMutablePointer<T>.allocate(capacity: max(1, values.count))
    for (i, value) in values.enumerated() { (buffer + i).initialize(to: value) }
    buffers.append(UnsafeMutableRawPointer(buffer))
    return buffer
  }

  /// HiGHS's status.
  func solve() -> Int { Int(chighs_solve(&program, &solution)) }
}
