/// A falsifiable statement, with its threshold, made before the run.
public struct Claim: Sendable, Hashable, Codable {
  public enum Comparison: String, Sendable, Codable {
    case atLeast = ">="
    case atMost = "<="
    case greater = ">"
    case less = "<"
  }

  public let id: String
  public let statement: String
  public let comparison: Comparison
  public let threshold: Double

  public init(_ id: String, _ statement: String, _ comparison: Comparison, _ threshold: Double) {
    self.id = id
    self.statement = statement
    self.comparison = comparison
    self.threshold = threshold
  }

  /// The verdict on what was measured. A value that is not a number holds nothing.
  public func verdict(measured: Double) -> Verdict {
    let holds =
      switch comparison {
      case .atLeast: measured >= threshold
      case .atMost: measured <= threshold
      case .greater: measured > threshold
      case .less: measured < threshold
      }
    return Verdict(
      id: id, statement: statement, holds: holds, measured: measured, threshold: threshold, comparison: comparison)
  }
}

/// A claim, and what became of it. Only a claim makes one.
public struct Verdict: Sendable, Hashable, Codable {
  public let id: String
  public let statement: String
  public let holds: Bool
  public let measured: Double
  public let threshold: Double
  public let comparison: Claim.Comparison

  fileprivate init(
    id: String, statement: String, holds: Bool, measured: Double, threshold: Double, comparison: Claim.Comparison
  ) {
    self.id = id
    self.statement = statement
    self.holds = holds
    self.measured = measured
    self.threshold = threshold
    self.comparison = comparison
  }
}

/// What an experiment measured: per-seed values of every arm, and the verdicts that rest on them.
public struct Evidence: Sendable, Hashable, Codable {
  /// Verdicts on the claims.
  public var claims: [Verdict]
  /// `arms[arm][metric][i]`: the value of seed i.
  public var arms: [String: [String: [Double]]]
  /// What a reader should know: what stood in for what, what was left out.
  public var notes: [String]

  public init(claims: [Verdict], arms: [String: [String: [Double]]], notes: [String] = []) {
    self.claims = claims
    self.arms = arms
    self.notes = notes
  }

  public var holds: Bool { claims.allSatisfy(\.holds) }

  /// The closing figures of a run: "arm/metric" with one value a seed, and "claim/id" with what was measured.
  public var figures: [String: [Double]] {
    var figures: [String: [Double]] = [:]
    for (arm, metrics) in arms {
      for (metric, values) in metrics { figures["\(arm)/\(metric)"] = values }
    }
    for claim in claims { figures["claim/\(claim.id)"] = [claim.measured] }
    return figures
  }
}

/// The one JSON object that `guerdon reproduce --json` prints.
public struct EvidenceReport: Sendable, Codable {
  public var method: String
  public var scale: Scale
  public var seeds: [UInt64]
  public var seconds: Double
  public var device: String
  public var claims: [Verdict]
  public var arms: [String: [String: [Double]]]
  public var notes: [String]

  public init(method: String, scale: Scale, seeds: [UInt64], seconds: Double, device: String, evidence: Evidence) {
    self.method = method
    self.scale = scale
    self.seeds = seeds
    self.seconds = seconds
    self.device = device
    claims = evidence.claims
    arms = evidence.arms
    notes = evidence.notes
  }
}
