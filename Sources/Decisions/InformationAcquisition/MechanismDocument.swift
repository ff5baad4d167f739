import Basics
import Foundation

/// A mechanism as a file: the efforts that are recommended, and for each what is paid and decided.
public struct MechanismDocument: Sendable, Hashable, Codable {
  public struct Profile: Sendable, Hashable, Codable {
    /// One effort an agent.
    public var efforts: [String]
    /// μ(b).
    public var probability: Double
    /// γ, [agent][tuple of signals][state].
    public var payments: [[[Double]]]
    /// π, [tuple of signals][action].
    public var decisions: [[Double]]
  }

  /// The instance's name.
  public var instance: String
  /// The tuples of efforts that are recommended.
  public var profiles: [Profile]

  public init(_ mechanism: AcquisitionMechanism, of instance: AcquisitionInstance) {
    let (signals, states, actions) = (instance.signals.count, instance.stateCount, instance.actionCount)
    self.instance = instance.name
    profiles = mechanism.recommendation.indices.filter { mechanism.recommendation[$0] > 0 }.map { b in
      let rows = b * signals..<(b + 1) * signals
      return Profile(
        efforts: instance.agents.indices.map { instance.agents[$0].efforts[instance.efforts.entry($0, of: b)] },
        probability: mechanism.recommendation[b],
        payments: mechanism.payments.map { table in rows.map { Array(table[$0 * states..<($0 + 1) * states]) } },
        decisions: rows.map { Array(mechanism.decisions[$0 * actions..<($0 + 1) * actions]) })
    }
  }

  /// - Throws: `GuerdonError` when the document does not fit the instance, or is no mechanism.
  public func mechanism(for instance: AcquisitionInstance) throws -> AcquisitionMechanism {
    let (signals, states, actions) = (instance.signals.count, instance.stateCount, instance.actionCount)
    let tuples = instance.efforts.count * signals
    var recommendation = [Double](repeating: 0, count: instance.efforts.count)
    var payments = [[Double]](
      repeating: [Double](repeating: 0, count: tuples * states), count: instance.agents.count)
    var decisions = [Double](repeating: 0, count: tuples * actions)
    for row in 0..<tuples { decisions[row * actions] = 1 }
    var seen: Set<Int> = []
    for (number, profile) in profiles.enumerated() {
      guard profile.efforts.count == instance.agents.count else {
        throw GuerdonError.usage(
          "Profile [\(number)] of the mechanism must name one effort for each of the \(instance.agents.count) agents.")
      }
      let entries = try zip(instance.agents, profile.efforts).map { agent, effort in
        guard let index = agent.efforts.firstIndex(of: effort) else {
          throw GuerdonError.usage(
            "Profile [\(number)] of the mechanism names the effort \"\(effort)\", which \(agent.name) does not have."
              + suggestion(for: effort, among: agent.efforts))
        }
        return index
      }
      let b = instance.efforts.index(of: entries)
      guard seen.insert(b).inserted else {
        throw GuerdonError.usage("The mechanism recommends \(instance.describe(efforts: b)) in two profiles.")
      }
      guard profile.payments.count == instance.agents.count,
        profile.payments.allSatisfy({ $0.count == signals && $0.allSatisfy { $0.count == states } }),
        profile.decisions.count == signals, profile.decisions.allSatisfy({ $0.count == actions })
      else {
        throw GuerdonError.usage(
          "Profile [\(number)] of the mechanism has payments [agent][signals][state], here "
            + "[\(instance.agents.count)][\(signals)][\(states)], and decisions [signals][action], here "
            + "[\(signals)][\(actions)].")
      }
      recommendation[b] = profile.probability
      for (i, table) in profile.payments.enumerated() {
        payments[i].replaceSubrange(b * signals * states..<(b + 1) * signals * states, with: table.joined())
      }
      decisions.replaceSubrange(b * signals * actions..<(b + 1) * signals * actions, with: profile.decisions.joined())
    }
    return try AcquisitionMechanism(
      recommendation: recommendation, payments: payments, decisions: decisions, for: instance)
  }
}
