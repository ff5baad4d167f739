import Basics
import Environments
import Foundation
import Rewards

/// The canonical form of some rewards on sampled transitions, four times: by each quarter of the rollouts.
struct Probe {
  private static let parts = 4
  /// c(R) by each quarter: [vector][quarter][transition]. The rewards come first, then each without one of its terms.
  private var canonical: [[[Double]]] = []
  /// The vectors behind the rewards: whose they are, and which term they are without.
  private(set) var terms: [(vector: Int, owner: (entry: Int, name: String))] = []

  init(
    _ entries: [RewardComparison.Entry], sampling: RewardComparison.Sampling, seed: UInt64, shouldStop: () -> Bool,
    environment make: (_ count: Int) throws -> any VectorEnvironment
  ) throws {
    guard sampling.transitions >= 8, sampling.rollouts >= Self.parts, sampling.rollouts % Self.parts == 0, sampling.horizon >= 1,
      sampling.spacing >= 1, sampling.copies >= 1, sampling.discount >= 0, sampling.discount < 1
    else {
      throw GuerdonError.usage(
        "A sampled comparison takes at least 8 transitions, a multiple of 4 rollouts, a horizon of 1 or more, and a discount below 1.")
    }
    var meter = try Meter(entries)
    let chosen = try Self.transitions(sampling, seed: seed, environment: make, meter: &meter)
    if shouldStop() { throw CancellationError() }
    // Rollouts from both ends of every transition, in blocks of transitions that fit the copies of the environment.
    canonical = [[[Double]]](
      repeating: [[Double]](repeating: [], count: Self.parts), count: meter.count)
    var random = RandomGenerator(seed: seed, spawnKey: [0x72_6f])
    let size = max(1, sampling.copies / (2 * sampling.rollouts))
    for first in stride(from: 0, to: chosen.count, by: size) {
      let block = chosen[first..<min(first + size, chosen.count)]
      let values = try Self.values(
        block, sampling, seed: seed, environment: make, &meter, &random, shouldStop: shouldStop)
      let share = sampling.rollouts / Self.parts
      for vector in canonical.indices {
        for part in 0..<Self.parts {
          for (i, transition) in block.enumerated() {
            func value(_ end: Int) -> Double {
              let first = (2 * i + end) * sampling.rollouts + part * share
              return values[vector][first..<first + share].reduce(0, +) / Double(share)
            }
            canonical[vector][part].append(transition.rewards[vector] + sampling.discount * value(1) - value(0))
          }
        }
      }
    }
    terms = meter.terms
  }

  /// Discounted returns of random play from both ends of some transitions, [vector][(2 i + end) · rollouts + rollout].
  private static func values(
    _ transitions: ArraySlice<Transition>, _ sampling: RewardComparison.Sampling, seed: UInt64,
    environment make: (Int) throws -> any VectorEnvironment, _ meter: inout Meter, _ random: inout RandomGenerator,
    shouldStop: () -> Bool
  ) throws -> [[Double]] {
    let ends = transitions.flatMap { [$0.before, $0.after] }
    let starts = ends.flatMap { [EnvironmentState](repeating: $0, count: sampling.rollouts) }
    let environment = try make(starts.count)
    environment.reset(seed: seed)
    environment.restore(starts)
    var values = [[Double]](repeating: [Double](repeating: 0, count: starts.count), count: meter.count)
    // After an end nothing more is earned: not even by the episode that begins then.
    var isOpen = transitions.flatMap { transition in
      [true, !transition.ended].flatMap { [Bool](repeating: $0, count: sampling.rollouts) }
    }
    let batch = TransitionBatch(schema: environment.spec.schema, capacity: starts.count)
    var weight = 1.0
    for _ in 0..<sampling.horizon {
      if shouldStop() { throw CancellationError() }
      // Both ends of a transition take the same actions, so that most of the noise in γ V(s') - V(s) cancels.
      step(environment, batch, &random, sharedBy: sampling.rollouts)
      if let failure = environment.failure { throw failure }
      let rewards = try meter.measure(batch, rows: starts.count, own: environment.rewards)
      for vector in rewards.indices {
        for row in 0..<starts.count where isOpen[row] { values[vector][row] += weight * rewards[vector][row] }
      }
      for row in 0..<starts.count where environment.terminated[row] || environment.truncated[row] { isOpen[row] = false }
      weight *= sampling.discount
    }
    return values
  }

  /// ⟨c_i, c_j⟩ over some transitions: the mean over all pairs of different quarters, whose noise is independent.
  func product(_ i: Int, _ j: Int, over rows: [Int]) -> Double {
    let a = canonical[i], b = canonical[j]
    var sum = 0.0
    for row in rows {
      var left = 0.0, right = 0.0, same = 0.0
      for part in 0..<Self.parts {
        left += a[part][row]
        right += b[part][row]
        same += a[part][row] * b[part][row]
      }
      sum += left * right - same
    }
    return sum / Double(rows.count * Self.parts * (Self.parts - 1))
  }

  func distance(_ i: Int, _ j: Int, over rows: [Int]) -> Double {
    Self.distance(product(i, j, over: rows), product(i, i, over: rows), product(j, j, over: rows))
  }

  /// The distance between a reward and itself by other rollouts: two quarters against the other two.
  func floor(_ i: Int, over rows: [Int]) -> Double {
    func dot(_ p: Int, _ q: Int) -> Double { rows.reduce(0) { $0 + canonical[i][p][$1] * canonical[i][q][$1] } }
    let across = (dot(0, 2) + dot(0, 3) + dot(1, 2) + dot(1, 3)) / 4
    return Self.distance(across, dot(0, 1), dot(2, 3))
  }

  private static func distance(_ across: Double, _ first: Double, _ second: Double) -> Double {
    guard first > 0, second > 0 else { return .nan }
    return max(0, 2 - 2 * min(1, max(-1, across / (first * second).squareRoot()))).squareRoot()
  }

  private struct Transition {
    var before: EnvironmentState
    var after: EnvironmentState
    var ended: Bool
    /// By vector.
    var rewards: [Double]
  }

  /// Transitions from random play, some steps apart.
  private static func transitions(
    _ sampling: RewardComparison.Sampling, seed: UInt64, environment make: (Int) throws -> any VectorEnvironment,
    meter: inout Meter
  ) throws -> [Transition] {
    let count = 16
    let environment = try make(count)
    environment.reset(seed: seed)
    var random = RandomGenerator(seed: seed, spawnKey: [0x74_72])
    let batch = TransitionBatch(schema: environment.spec.schema, capacity: count)
    var found: [Transition] = []
    while found.count < sampling.transitions {
      for _ in 1..<sampling.spacing { step(environment, batch, &random) }
      let before = environment.saveState()
      step(environment, batch, &random)
      if let failure = environment.failure { throw failure }
      let after = environment.saveState()
      let rewards = try meter.measure(batch, rows: count, own: environment.rewards)
      for i in 0..<count where found.count < sampling.transitions {
        found.append(
          Transition(
            before: before[i], after: after[i], ended: environment.terminated[i] || environment.truncated[i],
            rewards: rewards.map { $0[i] }))
      }
    }
    return found
  }

  /// One step of uniformly random play (standard normal where the box is unbounded).
  /// - Parameter block: rows 2 k · block and on have the same actions as the `block` rows after them; 0 shares none.
  private static func step(
    _ environment: any VectorEnvironment, _ batch: TransitionBatch, _ random: inout RandomGenerator,
    sharedBy block: Int = 0
  ) {
    let width = environment.spec.actionSpace.width
    var actions = [Double](repeating: 0, count: environment.count * width)
    actions.withUnsafeMutableBufferPointer { actions in
      guard let base = actions.baseAddress else { return }
      for i in 0..<environment.count {
        if block > 0, i / block % 2 == 1 {
          (base + i * width).update(from: base + (i - block) * width, count: width)
        } else {
          environment.spec.actionSpace.sample(into: base + i * width, random: &random)
        }
      }
      environment.step(UnsafeBufferPointer(actions), recording: batch, at: 0)
    }
  }

  /// Evaluates every reward, and every reward without one of its terms.
  private struct Meter {
    let terms: [(vector: Int, owner: (entry: Int, name: String))]
    var count: Int { names.count + terms.count }
    private let names: [String]
    private let evaluators: [(any RewardEvaluator)?]
    private let termNames: [[String]]

    init(_ entries: [RewardComparison.Entry]) throws {
      names = entries.map(\.name)
      evaluators = try entries.map { try $0.function?.makeEvaluator() }
      termNames = entries.map { $0.function?.termNames ?? [] }
      var terms: [(vector: Int, owner: (entry: Int, name: String))] = []
      for (entry, names) in termNames.enumerated() where names.count > 1 {
        for name in names { terms.append((entries.count + terms.count, (entry, name))) }
      }
      self.terms = terms
    }

    /// By vector, [rows].
    mutating func measure(
      _ batch: TransitionBatch, rows: Int, own: UnsafeBufferPointer<Double>
    ) throws -> [[Double]] {
      var totals: [[Double]] = [], without: [[Double]] = []
      for (entry, evaluator) in evaluators.enumerated() {
        guard let evaluator else {
          totals.append(Array(own.prefix(rows)))
          continue
        }
        var total = [Double](repeating: 0, count: rows)
        var terms = [Double](repeating: 0, count: rows * termNames[entry].count)
        evaluator.evaluate(batch, rows: 0..<rows, total: &total, terms: &terms)
        if let wrong = total.first(where: { !$0.isFinite }) {
          throw GuerdonError.failure(
            "\(names[entry]) gives \(wrong) on a transition; guard it against division by zero and overflow.")
        }
        if termNames[entry].count > 1 {
          for term in termNames[entry].indices {
            without.append((0..<rows).map { total[$0] - terms[term * rows + $0] })
          }
        }
        totals.append(total)
      }
      return totals + without
    }
  }
}
