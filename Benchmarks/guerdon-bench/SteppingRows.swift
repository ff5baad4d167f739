import Basics
import CStepLoop
import Environments
import Foundation

/// Raw stepping with random actions, on two threads.
let steppingRows = [
  Row(
    name: "HalfCheetah-v5 raw stepping vs C loop of mj_step on 2 threads", unit: "steps/s", atLeast: 0.85,
    ours: { try steppingRate("HalfCheetah-v5", count: 64) }, peer: halfCheetahLoopRate),
  Row(
    name: "HalfCheetah-v5 raw stepping, batch 64, vs EnvPool", unit: "steps/s", atLeast: 1.5,
    ours: { try steppingRate("HalfCheetah-v5", count: 64) }, peer: { try envPoolRate("HalfCheetah-v5", count: 64) }),
  Row(
    name: "HalfCheetah-v5 raw stepping, batch 8, vs EnvPool", unit: "steps/s", atLeast: 1.5,
    ours: { try steppingRate("HalfCheetah-v5", count: 8) }, peer: { try envPoolRate("HalfCheetah-v5", count: 8) }),
  Row(
    name: "CartPole-v1 raw stepping, batch 1,024, vs EnvPool", unit: "steps/s", atLeast: 5,
    ours: { try steppingRate("CartPole-v1", count: 1024) }, peer: { try envPoolRate("CartPole-v1", count: 1024) }),
]

private let threads = 2
private let seconds = 2.0

/// Environment steps per second of our own environments.
private func steppingRate(_ id: String, count: Int) throws -> Double {
  let environment = try Environments.make(id, count: count, pool: WorkerPool(threads: threads))
  var random = RandomGenerator(seed: 0)
  let batches = (0..<16).map { _ in
    (0..<count).flatMap { _ in
      switch environment.spec.actionSpace {
      case .box(let low, let high): zip(low, high).map { random.uniform($0, $1) }
      case .discrete(let choices): [Double(random.integer(below: choices))]
      }
    }
  }
  let clock = ContinuousClock()
  func run(for seconds: Double) -> Double {
    let begin = clock.now
    var steps = 0, elapsed = 0.0
    while elapsed < seconds {
      for actions in batches { actions.withUnsafeBufferPointer { environment.step($0) } }
      steps += batches.count * count
      elapsed = (clock.now - begin) / .seconds(1)
    }
    return Double(steps) / elapsed
  }
  _ = run(for: 0.2)
  return run(for: seconds)
}

/// Environment steps per second of EnvPool in its synchronous mode, with as many environments and threads.
private func envPoolRate(_ id: String, count: Int) throws -> Double {
  try Peer.rate("envpool_stepping.py", [id, "\(count)", "\(threads)", "\(seconds)"])
}

/// Environment steps per second of a C loop that does nothing but 5 `mj_step`s.
@Sendable private func halfCheetahLoopRate() throws -> Double {
  let model = Dependencies.directory?.appendingPathComponent("assets/half_cheetah.xml").path ?? ""
  var random = RandomGenerator(seed: 0)
  let controls = (0..<6 * 1024).map { _ in random.uniform(-1, 1) }
  let rate = cstep_rate(model, Int32(threads), 5, 1000, controls, Int32(controls.count), 50_000)
  guard rate > 0 else {
    throw GuerdonError.failure("The MuJoCo model half_cheetah.xml cannot be loaded: run `make setup` to fetch it.")
  }
  return rate
}
