import Basics
import FiniteMDPs
import Foundation

/// What a reward does where the model of the environment is exact: answers, not estimates.
public struct ExactAudit: Sendable {
  /// Thresholds of the findings.
  public struct Configuration: Sendable {
    /// γ of the discounted returns.
    public var discount = 0.99
    /// Share of the return to be won that an optimal policy may lose before the optimum counts as changed.
    public var tolerance = 0.01
    /// A policy is still called good with this share of the designed return that optimal play wins over random play.
    public var good = 0.95

    public init() {}
  }

  public var configuration: Configuration

  public init(configuration: Configuration = Configuration()) { self.configuration = configuration }

  /// - Parameters:
  ///   - model: the process; its own reward is the reference, what is really wanted.
  ///   - designed: the audited reward, in the shape of any of the process's.
  /// - Returns: findings, the gravest first.
  /// - Throws: `GuerdonError` for a reward of a wrong shape or with a value that is no number.
  public func findings(model: FiniteMDP, designed: FiniteMDP.Reward) throws -> [Finding] {
    let reference = try model.replacing(discount: configuration.discount)
    let rewarded = try reference.replacing(reward: designed)
    let span = try Span(reference), designedSpan = try Span(rewarded)
    guard designedSpan.best - designedSpan.worst > 1e-9 * max(1, abs(designedSpan.best)) else {
      return [
        Finding(
          .high, "trivial", "This reward tells no policies apart: every one has the same return.",
          evidence: String(format: "designed return %.4g, whatever is done", designedSpan.best))
      ]
    }
    return try
      (optimum(reference, rewarded, span, designedSpan) + calledGood(reference, rewarded, span, designedSpan)
      + proxy(reference, rewarded) + endings(reference, rewarded) + cycles(reference, rewarded))
      .sorted { $0.severity < $1.severity }
  }

  /// The returns of the best, of uniformly random and of the worst play.
  private struct Span {
    let best, random, worst: Double

    init(_ mdp: FiniteMDP) throws {
      func start(_ values: [Double]) -> Double { zip(mdp.initial, values).reduce(0) { $0 + $1.0 * $1.1 } }
      best = start(try mdp.policyIteration().values)
      let opposite = try mdp.replacing(reward: .stateAction(mdp.expectedReward.map { -$0 }))
      worst = -start(try opposite.policyIteration().values)
      random = start(
        try mdp.evaluate(.uniform(stateCount: mdp.stateCount, actionCount: mdp.actionCount)).values)
    }

    /// 1 for the best play, 0 for random play; negative below it.
    func share(_ value: Double) -> Double {
      best - random > 1e-12 * max(1, abs(best)) ? (value - random) / (best - random) : best - value <= 1e-12 ? 1 : -1
    }
  }

  /// The least reference return among policies with at least the designed return `level`.
  private func worstReturn(_ reference: FiniteMDP, _ rewarded: FiniteMDP, level: Double) throws -> Double {
    let opposite = try reference.replacing(reward: .stateAction(reference.expectedReward.map { -$0 }))
    let found = try opposite.optimalOccupancy(
      subjectTo: [OccupancyConstraint(rewarded.expectedReward, atLeast: level)])
    return -found.objective
  }

  private func optimum(
    _ reference: FiniteMDP, _ rewarded: FiniteMDP, _ span: Span, _ designed: Span
  ) throws -> [Finding] {
    let slack = 1e-7 * max(1, abs(designed.best), designed.best - designed.worst)
    let worst = try worstReturn(reference, rewarded, level: designed.best - slack)
    let share = span.share(worst)
    let evidence = String(
      format: "discount %g: the environment's own return is %.4g for the worst policy that is optimal by this reward; %.4g at best, %.4g at random",
      configuration.discount, worst, span.best, span.random)
    if share >= 1 - configuration.tolerance {
      return [
        Finding(
          .note, "optimum-kept", "Whatever is optimal by this reward is optimal by the environment's own.",
          evidence: evidence)
      ]
    }
    return [
      Finding(
        share < 0.5 ? .high : .medium, "optimum-changed",
        String(
          format: "A policy that is optimal by this reward wins only %.0f %% of what the environment's own reward offers.",
          100 * share), evidence: evidence)
    ]
  }

  private func calledGood(
    _ reference: FiniteMDP, _ rewarded: FiniteMDP, _ span: Span, _ designed: Span
  ) throws -> [Finding] {
    let level = designed.random + configuration.good * (designed.best - designed.random)
    let worst = try worstReturn(reference, rewarded, level: level)
    let share = span.share(worst)
    let evidence = String(
      format: "designed return at least %.4g of %.4g; the environment's own return then is at worst %.4g (%.4g at best, %.4g at random)",
      level, designed.best, worst, span.best, span.random)
    return [
      Finding(
        share < 0 ? .high : share < 0.5 ? .medium : .note, "worst-called-good",
        String(
          format: "The worst policy with %.0f %% of the designed return to be won has %.0f %% of what the environment's own reward offers.",
          100 * configuration.good, 100 * share), evidence: evidence)
    ]
  }

  /// The reward as a proxy of the environment's own, from random play to its own optimum.
  private func proxy(_ reference: FiniteMDP, _ rewarded: FiniteMDP) throws -> [Finding] {
    let found = try reference.assessProxy(
      rewarded.expectedReward, truth: reference.expectedReward,
      base: .uniform(stateCount: reference.stateCount, actionCount: reference.actionCount),
      optimised: rewarded.policyIteration().policy)
    let bound = found.trueGainBound.map {
      $0.isFinite
        ? String(format: " The correlation alone promises a gain of at least %.3g standard deviations.", $0) : ""
    }
    let evidence = "From random play to this reward's optimum: " + found.summary + (bound ?? "")
    if found.isHacking {
      return [
        Finding(
          .high, "optimising-harms",
          "This reward goes with the environment's own in random play, and its optimum earns less of that: reward hacking.",
          evidence: evidence)
      ]
    }
    if !found.isCorrelatedProxy {
      return [
        Finding(
          .low, "weak-correlation", "In random play this reward does not go with the environment's own.",
          evidence: evidence)
      ]
    }
    return [
      Finding(.note, "correlated", "In random play this reward goes with the environment's own.", evidence: evidence)
    ]
  }

  /// Does optimal play still come to an end?
  private func endings(_ reference: FiniteMDP, _ rewarded: FiniteMDP) throws -> [Finding] {
    guard reference.isTerminal.contains(true) else { return [] }
    func endProbability(_ mdp: FiniteMDP) throws -> Double {
      // The share of episodes that end, by letting them end for long enough: value 1 for entering a terminal state.
      let policy = try mdp.policyIteration().policy
      let ends = try mdp.transitionProbabilityOfEnding(under: policy)
      return zip(mdp.initial, ends).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let wanted = try endProbability(reference), found = try endProbability(rewarded)
    guard wanted > 0.99, found < 0.5 else { return [] }
    return [
      Finding(
        .high, "never-ends", "Optimal play by this reward avoids the end of the episode that the environment rewards.",
        evidence: String(
          format: "probability of an end: %.3f by this reward, %.3f by the environment's own", found, wanted))
    ]
  }

  /// The cycle that pays most, where actions have certain outcomes.
  private func cycles(_ reference: FiniteMDP, _ rewarded: FiniteMDP) throws -> [Finding] {
    guard let cycle = rewarded.bestCycle(), cycle.mean > 1e-9 else { return [] }
    let own = cycle.edges.reduce(0) { $0 + reference.expectedReward[$1] } / Double(cycle.edges.count)
    let states = cycle.edges.prefix(8).map { "\($0 / rewarded.actionCount)" }.joined(separator: " → ")
    let more = cycle.edges.count > 8 ? " → …" : ""
    return [
      Finding(
        own > 0 ? .note : .medium, "cycle-pays",
        cycle.edges.count == 1
          ? "Staying in one place pays without an end."
          : "Going round in a circle of \(cycle.edges.count) steps pays without an end.",
        evidence: String(format: "%.4g a step; the environment's own reward there: %.4g a step", cycle.mean, own)
          + "; states \(states)\(more)")
    ]
  }
}

extension FiniteMDP {
  /// The probability that a policy ever enters a terminal state, [S]; 1 in terminal states.
  func transitionProbabilityOfEnding(under policy: TabularPolicy) throws -> [Double] {
    // States from which no terminal state can be reached never end; the others by a linear system, solved by sweeps that
    // only ever rise to the answer.
    let ending = graph(under: policy).reversed.reachable(from: terminalStates)
    var probability = (0..<stateCount).map { isTerminal[$0] ? 1.0 : 0 }
    for _ in 0..<100_000 {
      var change = 0.0
      for s in 0..<stateCount where ending[s] && !isTerminal[s] {
        var sum = 0.0
        for a in 0..<actionCount where policy[s, a] > 0 {
          for successor in transitions.successors(of: s, under: a) {
            sum += policy[s, a] * successor.probability * probability[successor.state]
          }
        }
        change = max(change, abs(sum - probability[s]))
        probability[s] = sum
      }
      if change < 1e-12 { break }
    }
    return probability
  }

  /// The cycle of the greatest mean reward through states that an episode can reach and that do not end it, as s·A + a of
  /// its steps; nil where an outcome is uncertain or there is no cycle.
  ///
  /// Source: R. Karp, "A characterization of the minimum cycle mean in a digraph", 1978.
  func bestCycle() -> (edges: [Int], mean: Double)? {
    let rows = stateCount * actionCount
    var target = [Int](repeating: 0, count: rows)
    for row in 0..<rows where !isTerminal[row / actionCount] {
      let successors = transitions.successors(of: row / actionCount, under: row % actionCount)
      guard successors.count == 1, let only = successors.first else { return nil }
      target[row] = only.state
    }
    let reach = DirectedGraph(count: stateCount) { s in
      isTerminal[s] ? [] : (0..<actionCount).map { target[s * actionCount + $0] }
    }.reachable(from: (0..<stateCount).filter { initial[$0] > 0 })
    let states = (0..<stateCount).filter { reach[$0] && !isTerminal[$0] }
    let n = states.count
    guard n > 0, n <= 4096 else { return nil }
    // best[k][s]: the greatest reward of a walk of k steps that ends in s, from anywhere; via[k][s]: its last step.
    var best = [[Double]](repeating: [Double](repeating: -.infinity, count: stateCount), count: n + 1)
    var via = [[Int]](repeating: [Int](repeating: -1, count: stateCount), count: n + 1)
    for s in states { best[0][s] = 0 }
    for k in 1...n {
      for s in states where best[k - 1][s] > -.infinity {
        for a in 0..<actionCount {
          let row = s * actionCount + a, next = target[row]
          if isTerminal[next] { continue }
          let value = best[k - 1][s] + expectedReward[row]
          if value > best[k][next] { (best[k][next], via[k][next]) = (value, row) }
        }
      }
    }
    var mean = -Double.infinity, end = -1
    for s in states where best[n][s] > -.infinity {
      var least = Double.infinity
      for k in 0..<n where best[k][s] > -.infinity { least = min(least, (best[n][s] - best[k][s]) / Double(n - k)) }
      if least > mean { (mean, end) = (least, s) }
    }
    guard end >= 0 else { return nil }
    // The walk of n steps to `end` holds the cycle: the best of the loops in it.
    var walk: [Int] = [], state = end
    for k in stride(from: n, to: 0, by: -1) {
      walk.append(via[k][state])
      state = via[k][state] / actionCount
    }
    walk.reverse()
    var found: (edges: [Int], mean: Double)?
    var open: [Int] = [], place = [Int](repeating: -1, count: stateCount)
    for row in walk {
      let s = row / actionCount
      place[s] = open.count
      open.append(row)
      let next = target[row]
      guard place[next] >= 0 else { continue }
      let loop = Array(open[place[next]...])
      let value = loop.reduce(0) { $0 + expectedReward[$1] } / Double(loop.count)
      if found == nil || value > (found?.mean ?? 0) { found = (loop, value) }
      for edge in loop { place[edge / actionCount] = -1 }
      open.removeLast(loop.count)
    }
    return found
  }
}
