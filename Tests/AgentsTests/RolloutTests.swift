import Basics
import Schemas
import TestSupport
import Testing

@testable import Agents

@Suite struct RolloutTests {
  struct Input: Encodable {
    var rewards: [Double]
    var values, finalValues, lastValues: [Float]
    var terminated, truncated: [Bool]
    var steps, count: Int
  }

  /// Advantages by their definition: every (γλ)-discounted sum of δ up to the end of the episode, written out.
  @Test func advantagesAreTheDiscountedSumsOfTheirDefinition() throws {
    let steps = 40, count = 3
    let schema = Schema(environment: "Test", fields: [Field("x", meaning: "x")])
    let rollout = Rollout(steps: steps, count: count, observationWidth: 1, actionWidth: 1, schema: schema)
    var random = RandomGenerator(seed: 9)
    for row in 0..<rollout.rows {
      rollout.rewards[row] = random.normal()
      rollout.values.base[row] = Float(random.normal())
      rollout.terminated[row] = random.uniform() < 0.08
      rollout.truncated[row] = random.uniform() < 0.08
      rollout.finalValues[row] = rollout.truncated[row] ? Float(random.normal()) : 0
    }
    rollout.lastValues = (0..<count).map { _ in Float(random.normal()) }
    rollout.estimateAdvantages(gamma: 0.97, lambda: 0.9)
    let expected: [Double] = try Python.run(
      """
      import json, sys, numpy as np
      d = json.load(sys.stdin)
      T, N = d["steps"], d["count"]
      grid = lambda k: np.array(d[k], dtype=float).reshape(T, N)
      r, v, fv, te, tr = (grid(k) for k in ("rewards", "values", "finalValues", "terminated", "truncated"))
      nxt = np.concatenate([v[1:], np.array(d["lastValues"])[None]])
      nxt = np.where(te == 1, 0, np.where(tr == 1, fv, nxt))
      delta = r + 0.97 * nxt - v
      adv = np.zeros((T, N))
      for i in range(N):
          for t in range(T):
              weight, k = 1.0, t
              while k < T:
                  adv[t, i] += weight * delta[k, i]
                  if te[k, i] or tr[k, i]: break
                  weight *= 0.97 * 0.9; k += 1
      print(json.dumps(adv.ravel().tolist()))
      """,
      input: Input(
        rewards: rollout.rewards, values: rollout.values.array, finalValues: rollout.finalValues,
        lastValues: rollout.lastValues, terminated: rollout.terminated, truncated: rollout.truncated, steps: steps,
        count: count))
    for row in 0..<rollout.rows {
      #expect(abs(Double(rollout.advantages.base[row]) - expected[row]) < 1e-4)
      #expect(abs(rollout.returns.base[row] - rollout.advantages.base[row] - rollout.values.base[row]) < 1e-6)
    }
  }

  @Test func momentsAreThoseOfTheWholeStream() {
    var random = RandomGenerator(seed: 2)
    var moments = RunningMoments(width: 2)
    var all: [[Double]] = []
    for size in [1, 5, 64, 2, 300] {
      let batch = (0..<size).map { _ in [3 + 2 * random.normal(), -1 + 0.1 * random.normal()] }
      all += batch
      moments.update(batch.flatMap { $0 }, rows: size)
    }
    for j in 0..<2 {
      let values = all.map { $0[j] }, n = Double(values.count)
      let mean = values.reduce(0, +) / n
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
      // The stream begins with 1e-4 imaginary samples of N(0, 1).
      #expect(abs(moments.mean[j] - mean) < 1e-5)
      #expect(abs(moments.variance[j] - variance) < 1e-4)
    }
  }
}
