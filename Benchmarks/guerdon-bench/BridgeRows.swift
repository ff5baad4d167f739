import Basics
import Environments

/// Eight Python environments with random actions. AsyncVectorEnv has a process an environment; the bridge can have that
/// too, and otherwise has one a thread of the pool.
let bridgeRows = [
  Row(
    name: "Gymnasium bridge, MiniGrid-Empty-8x8-v0, 8 workers, vs AsyncVectorEnv", unit: "steps/s", atLeast: 1.5,
    ours: { try bridgeRate("MiniGrid-Empty-8x8-v0", workers: 8) }, peer: { try asyncRate("MiniGrid-Empty-8x8-v0") }),
  Row(
    name: "Gymnasium bridge, MiniGrid-Empty-8x8-v0, 8 environments in 2 workers, vs AsyncVectorEnv", unit: "steps/s",
    atLeast: 1.5,
    ours: { try bridgeRate("MiniGrid-Empty-8x8-v0", workers: 2) }, peer: { try asyncRate("MiniGrid-Empty-8x8-v0") }),
]

private let count = 8
private let seconds = 4.0

private func asyncRate(_ id: String) throws -> Double {
  try Peer.rate("async_stepping.py", [id, "\(count)", "\(seconds)"])
}

/// Environment steps per second of the bridge, with images as observations as on the peer's side.
private func bridgeRate(_ id: String, workers: Int) throws -> Double {
  var configuration = GymnasiumConfiguration("minigrid:\(id)")
  configuration.wrappers = ["minigrid.wrappers:ImgObsWrapper"]
  configuration.workers = workers
  let environment = try GymnasiumEnvironment(configuration, count: count, autoreset: .nextStep)
  guard case .discrete(let choices) = environment.spec.actionSpace else { return 0 }
  var random = RandomGenerator(seed: 0)
  let batches = (0..<16).map { _ in (0..<count).map { _ in Double(random.integer(below: choices)) } }
  let clock = ContinuousClock()
  func run(for seconds: Double) throws -> Double {
    let begin = clock.now
    var steps = 0, elapsed = 0.0
    while elapsed < seconds {
      for actions in batches { actions.withUnsafeBufferPointer { environment.step($0) } }
      if let failure = environment.failure { throw failure }
      steps += batches.count * count
      elapsed = (clock.now - begin) / .seconds(1)
    }
    return Double(steps) / elapsed
  }
  _ = try run(for: 0.5)
  return try run(for: seconds)
}
