import Basics
import TestSupport
import Testing

@testable import Agents

@Suite struct ReplayBufferTests {
  struct Input: Encodable {
    var rewards: [[Double]]
    var ends: [[Int]]
    var slots: Int
    var steps: Int
    var gamma: Double
  }
  struct Output: Decodable {
    /// By slot, then environment: [first observation, next observation, reward, discount].
    var rows: [[[Double]]]
  }

  /// Observations are running numbers, so that a wrong neighbour shows. The reference keeps the whole history in lists
  /// and never wraps around.
  @Test(arguments: [1, 3, 5], [7, 40]) func nStepReturnsStopAtEndsAndAtTheNewest(steps: Int, slots: Int) throws {
    var random = RandomGenerator(seed: UInt64(10 * steps + slots))
    let count = 3, time = 25
    let buffer = ReplayBuffer(capacity: slots * count, count: count, observationWidth: 1, actionWidth: 1)
    #expect(buffer.slots == slots)
    var rewards: [[Double]] = [], ends: [[Int]] = []
    for t in 0..<time {
      let row = (0..<count).map { _ in random.normal() }
      let end = (0..<count).map { _ in random.uniform() < 0.3 ? 1 + random.integer(below: 2) : 0 }
      let observed = (0..<count).map { Float(100 * t + $0) }, next = observed.map { $0 + 0.5 }
      buffer.append(
        observations: observed, actions: observed.map { -$0 }, rewards: row, nextObservations: next,
        ends: end.compactMap { ReplayBuffer.End(rawValue: UInt8($0)) })
      rewards.append(row)
      ends.append(end)
    }
    let expected: Output = try Python.run(
      """
      import json, sys
      d = json.load(sys.stdin)
      T, rows = len(d["rewards"]), []
      for t in range(max(0, T - d["slots"]), T):
          line = []
          for i in range(len(d["rewards"][0])):
              total, k = 0.0, 0
              while True:
                  total += d["gamma"] ** k * d["rewards"][t + k][i]
                  end = d["ends"][t + k][i]
                  k += 1
                  if end or k == d["steps"] or t + k == T: break
              line.append([100 * t + i, 100 * (t + k - 1) + i + 0.5, total, 0.0 if end == 1 else d["gamma"] ** k])
          rows.append(line)
      print(json.dumps(dict(rows=rows)))
      """,
      input: Input(rewards: rewards, ends: ends, slots: slots, steps: steps, gamma: 0.9))
    let kept = min(slots, time)
    #expect(buffer.size == kept * count)
    let batch = ReplayBatch(capacity: 1, observationWidth: 1, actionWidth: 1)
    for (index, line) in expected.rows.enumerated() {
      let slot = (time - kept + index) % slots
      for i in 0..<count {
        buffer.gather(slot: slot, environment: i, into: batch, row: 0, steps: steps, gamma: 0.9)
        #expect(Double(batch.current.base[0]) == line[i][0] && Double(batch.current.base[1]) == -line[i][0])
        #expect(Double(batch.following.base[0]) == line[i][1])
        #expect(abs(Double(batch.rewards.base[0]) - line[i][2]) < 1e-5)
        #expect(abs(Double(batch.discounts.base[0]) - line[i][3]) < 1e-6)
      }
    }
  }

  /// Every transition is drawn, each about as often.
  @Test func drawsUniformly() {
    var random = RandomGenerator(seed: 3)
    let buffer = ReplayBuffer(capacity: 20, count: 2, observationWidth: 1, actionWidth: 1)
    for t in 0..<6 {
      let numbers = [Float(2 * t), Float(2 * t + 1)]
      buffer.append(
        observations: numbers, actions: numbers, rewards: [0, 0], nextObservations: numbers, ends: [.none, .none])
    }
    let batch = ReplayBatch(capacity: 12_000, observationWidth: 1, actionWidth: 1)
    buffer.sample(into: batch, steps: 1, gamma: 1, random: &random)
    var counts = [Int](repeating: 0, count: 12)
    for row in 0..<12_000 { counts[Int(batch.current.base[row * batch.row])] += 1 }
    // Standard deviation about 30.
    #expect(counts.allSatisfy { abs($0 - 1_000) < 180 }, "\(counts)")
  }
}
