import Basics
import Environments
import Testing

/// Step for step what Python's Gymnasium returns, from the first observation on.
@Suite struct GymnasiumParityTests {
  @Test(arguments: gymnasiumIDs, AutoresetMode.allCases)
  func equalsSyncVectorEnv(id: String, mode: AutoresetMode) throws {
    try compare(id, mode: mode, steps: 1010, seed: 42, spread: 1.3)
  }

  @Test(arguments: gymnasiumIDs.filter { isContinuous($0) }, ["nan", "inf", "-1e30"])
  func badActionsDoWhatTheyDoInGymnasium(id: String, bad: String) throws {
    try compare(id, mode: .sameStep, steps: 60, seed: 7, spread: 1, bad: bad)
  }

  private func compare(
    _ id: String, mode: AutoresetMode, steps: Int, seed: Int, spread: Double, bad: String? = nil
  ) throws {
    let count = 2
    let theirs = try GymnasiumTrace.record(
      id, mode: mode, count: count, steps: steps, seed: seed, spread: spread, bad: bad)
    let ours = try Environments.make(id, count: count, pool: WorkerPool(threads: 2), autoreset: mode)
    ours.reset(seed: UInt64(seed))
    #expect(theirs.initial.values.count == ours.observations.count)
    #expect(agree(ours.observations, theirs.initial.values))
    let width = ours.spec.observationSpace.width, actionWidth = ours.spec.actionSpace.width
    for t in 0..<steps {
      let row = t * count
      ours.step(theirs.actions.values[row * actionWidth..<(row + count) * actionWidth])
      let ended = (0..<count).map { ours.terminated[$0] || ours.truncated[$0] }
      var isSame =
        agree(ours.rewards, theirs.rewards.values[row..<row + count])
        && agree(ours.terminated.map { $0 ? 1 : 0 }, theirs.terminated.values[row..<row + count])
        && agree(ours.truncated.map { $0 ? 1 : 0 }, theirs.truncated.values[row..<row + count])
      for i in 0..<count where ended[i] && mode != .nextStep {
        let last = mode == .sameStep ? ours.finalObservations : ours.observations
        isSame =
          isSame
          && agree(
            last[i * width..<(i + 1) * width], theirs.finals.values[(row + i) * width..<(row + i + 1) * width])
      }
      if mode == .disabled && ended.contains(true) { ours.reset(mask: ended) }
      isSame = isSame && agree(ours.observations, theirs.observations.values[row * width..<(row + count) * width])
      try #require(isSame, "\(id) differs from Gymnasium in step \(t)")
    }
  }
}

private func isContinuous(_ id: String) -> Bool {
  guard let spec = try? Environments.spec(id), case .box = spec.actionSpace else { return false }
  return true
}
