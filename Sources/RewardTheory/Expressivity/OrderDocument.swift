import Basics
import FiniteMDPs

/// An order of policies as a file.
public struct OrderDocument: Sendable, Decodable {
  public struct Policy: Sendable, Decodable {
    public var name: String
    /// π(a | s) by state and action; states with one action may be left out.
    public var probabilities: [String: [String: Double]]

    enum Keys: String, CodingKey, CaseIterable { case name, probabilities }
    public init(from decoder: any Decoder) throws {
      try decoder.rejectKeys(except: Keys.allCases.map(\.rawValue))
      let values = try decoder.container(keyedBy: Keys.self)
      name = try values.decode(String.self, forKey: .name)
      probabilities = try values.decode([String: [String: Double]].self, forKey: .probabilities)
    }
  }

  public var policies: [Policy]
  /// Names of policies, the best first; those in one list are as good as each other.
  public var order: [[String]]

  enum Keys: String, CodingKey, CaseIterable { case policies, order }
  public init(from decoder: any Decoder) throws {
    try decoder.rejectKeys(except: Keys.allCases.map(\.rawValue))
    let values = try decoder.container(keyedBy: Keys.self)
    policies = try values.decode([Policy].self, forKey: .policies)
    order = try values.decode([[String]].self, forKey: .order)
  }

  /// - Throws: `GuerdonError` for a name that there is not, a distribution that is none, or a policy that the order
  ///   names twice or never.
  public func order(in environment: ExpressivityEnvironment) throws -> PolicyOrder {
    let names = policies.map(\.name)
    guard Set(names).count == names.count, !names.isEmpty else {
      throw GuerdonError.usage("An order needs policies, and no two of the same name.")
    }
    let tables = try policies.map { policy -> TabularPolicy in
      for state in policy.probabilities.keys.sorted() where !environment.states.contains(state) {
        throw GuerdonError.usage(
          "The policy \(policy.name) names the state \"\(state)\", which \(environment.name) does not have."
            + suggestion(for: state, among: environment.states))
      }
      let rows = try environment.states.indices.map { s -> [Double] in
        let (state, actions) = (environment.states[s], environment.actions[s])
        guard let row = policy.probabilities[state] else {
          if actions.count == 1 { return [1] }
          throw GuerdonError.usage("The policy \(policy.name) does not say what it does in the state \(state).")
        }
        for action in row.keys.sorted() where !actions.contains(action) {
          throw GuerdonError.usage(
            "The policy \(policy.name) names the action \"\(action)\", which the state \(state) does not have."
              + suggestion(for: action, among: actions))
        }
        let weights = actions.map { row[$0] ?? 0 }, sum: Double = weights.reduce(0, +)
        guard weights.allSatisfy({ $0 >= 0 && $0.isFinite }), abs(sum - 1) <= 1e-9 else {
          throw GuerdonError.usage("What the policy \(policy.name) does in the state \(state) sums to \(sum), not to 1.")
        }
        return weights
      }
      return try environment.policy(rows)
    }
    let groups = try order.map { group in
      try group.map { name -> Int in
        guard let index = names.firstIndex(of: name) else {
          throw GuerdonError.usage(
            "The order names the policy \"\(name)\", which there is not." + suggestion(for: name, among: names))
        }
        return index
      }
    }
    let named = groups.joined().sorted()
    if let twice = zip(named, named.dropFirst()).first(where: { $0 == $1 }) {
      throw GuerdonError.usage("The order names the policy \(names[twice.0]) twice.")
    }
    if let missing = names.indices.first(where: { !named.contains($0) }) {
      throw GuerdonError.usage("The order does not say where the policy \(names[missing]) stands.")
    }
    return try PolicyOrder(tables, groups: groups.filter { !$0.isEmpty })
  }
}
