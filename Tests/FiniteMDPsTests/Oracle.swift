import Basics
import FiniteMDPs
import TestSupport

/// Everything that the planners compute, by numpy and scipy.
struct Oracle: Decodable {
  var values, actionValues: [Double]
  var policyValues, policyActionValues: [Double], policyReturn: Double
  var softValues, softPolicy, priorValues, priorPolicy: [Double]
  var occupancy, normalised, transitionOccupancy: [Double]
  var horizonValues, horizonActionValues: [Double]
  var softHorizonValues, softHorizonPolicy: [Double]
  var visits, totalVisits, horizonPolicyValues: [Double]
  var gain, cesaro, bias: [Double]

  static let temperature = 0.7
  static let horizon = 9

  init(_ mdp: FiniteMDP, policy: TabularPolicy, prior: TabularPolicy) throws {
    struct Request: Encodable {
      var states, actions, horizon: Int
      var discount, temperature: Double
      var table, reward, initial, policy, prior: [Double]
      var terminal: [Bool]
    }
    self = try Python.run(
      Self.script,
      input: Request(
        states: mdp.stateCount, actions: mdp.actionCount, horizon: Self.horizon, discount: mdp.discount,
        temperature: Self.temperature, table: mdp.transitions.table, reward: mdp.transitionReward,
        initial: mdp.initial, policy: policy.probabilities, prior: prior.probabilities, terminal: mdp.isTerminal))
  }

  private static let script = """
    import json, sys, numpy as np
    from scipy.special import logsumexp
    q = json.load(sys.stdin)
    S, A, H, g, alpha = q["states"], q["actions"], q["horizon"], q["discount"], q["temperature"]
    P = np.array(q["table"]).reshape(S, A, S)
    live = ~np.array(q["terminal"], bool)
    P = P * live[:, None, None]
    R = (P * np.array(q["reward"]).reshape(S, A, S)).sum(2)
    full = P.copy()
    P = P * live[None, None, :]
    mu = np.array(q["initial"]) * live
    pi, rho = np.array(q["policy"]).reshape(S, A), np.array(q["prior"]).reshape(S, A)
    def soft(q, b=None): return alpha * logsumexp(q / alpha, b=b, axis=1) * live
    def fixed(back):
      V = np.zeros(S)
      for _ in range(5000): V = back(R + g * P @ V)
      return V, R + g * P @ V
    V, Q = fixed(lambda q: q.max(1))
    sV, sQ = fixed(soft)
    pV, pQ = fixed(lambda q: soft(q, rho))
    M, r = np.einsum("sa,sat->st", pi, P), (pi * R).sum(1)
    W = np.linalg.solve(np.eye(S) - g * M, r)
    d = np.linalg.solve(np.eye(S) - g * M.T, mu)
    x = d[:, None] * pi
    def backward(back):
      Vs, Qs = [np.zeros(S)], []
      for _ in range(H):
        Qs.insert(0, R + g * P @ Vs[0])
        Vs.insert(0, back(Qs[0]))
      return np.array(Vs), np.array(Qs)
    hV, hQ = backward(lambda q: q.max(1))
    shV, shQ = backward(soft)
    hpV, _ = backward(lambda q: (pi * q).sum(1))
    shpi = np.exp((shQ - shV[:H, :, None]) / alpha)
    shpi[:, ~live] = 1 / A
    D, total = [mu], np.zeros((S, A))
    for t in range(H):
      y = D[-1][:, None] * shpi[t]
      total += g ** t * y
      D.append(np.einsum("sa,sat->t", y, P))
    # The mean of 2^40 powers, by doubling.
    C = np.einsum("sa,sat->st", pi, full) + np.diag((~live) * 1.0)
    mean, power = np.eye(S), C.copy()
    for _ in range(40):
      mean = (mean + power @ mean) / 2
      power = power @ power
      power /= power.sum(1, keepdims=True)
    gain = mean @ r
    h = np.linalg.lstsq(np.vstack([np.eye(S) - C, mean]), np.concatenate([r - gain, np.zeros(S)]), rcond=None)[0]
    out = dict(
      values=V, actionValues=Q, policyValues=W, policyActionValues=R + g * P @ W, policyReturn=mu @ W,
      softValues=sV, softPolicy=np.where(live[:, None], np.exp((sQ - sV[:, None]) / alpha), 1 / A),
      priorValues=pV, priorPolicy=np.where(live[:, None], rho * np.exp((pQ - pV[:, None]) / alpha), rho),
      occupancy=x, normalised=(1 - g) * x, transitionOccupancy=x[:, :, None] * full,
      horizonValues=hV, horizonActionValues=hQ, softHorizonValues=shV, softHorizonPolicy=shpi, visits=D,
      totalVisits=total, horizonPolicyValues=hpV, gain=gain,
      cesaro=((np.array(q["initial"]) @ mean) * live)[:, None] * pi, bias=h)
    print(json.dumps({k: np.asarray(v).ravel().tolist() if np.ndim(v) else float(v) for k, v in out.items()}))
    """
}

/// True when all are within `tolerance`, relative to numbers above 1.
func agree(_ ours: some Collection<Double>, _ theirs: some Collection<Double>, within tolerance: Double = 1e-9) -> Bool {
  ours.count == theirs.count
    && zip(ours, theirs).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
}

/// The processes that planners are tried on.
enum Cases: String, CaseIterable, Sendable {
  case dense, sparse, thresholded, terminal, sparseTerminal

  func make() throws -> FiniteMDP {
    var random = RandomGenerator(seed: 17)
    switch self {
    case .dense:
      return try .dirichlet(stateCount: 13, actionCount: 3, discount: 0.9, random: &random)
    case .sparse:
      return try .garnet(stateCount: 70, actionCount: 4, branching: 3, discount: 0.95, random: &random)
    case .thresholded:
      return try .thresholded(stateCount: 32, actionCount: 4, discount: 0.95, random: &random)
    case .terminal:
      let mdp = try FiniteMDP.thresholded(stateCount: 9, actionCount: 2, threshold: 0, discount: 0.9, random: &random)
      return try FiniteMDP(transitions: mdp.transitions, reward: mdp.reward, discount: 0.9, terminal: [2, 7])
    case .sparseTerminal:
      let mdp = try FiniteMDP.garnet(stateCount: 65, actionCount: 1, branching: 2, discount: 0.9, random: &random)
      return try FiniteMDP(
        transitions: mdp.transitions, reward: mdp.reward, initial: mdp.initial, discount: 0.9, terminal: [0, 64])
    }
  }
}

func randomPolicy(for mdp: FiniteMDP, seed: UInt64) -> TabularPolicy {
  var random = RandomGenerator(seed: seed)
  return .softmax((0..<mdp.stateCount * mdp.actionCount).map { _ in random.normal() }, actionCount: mdp.actionCount)
}

func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for i in a.indices { sum += a[i] * b[i] }
  return sum
}
