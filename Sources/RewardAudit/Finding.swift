/// One thing an audit found, with what it rests on.
public struct Finding: Sendable, Hashable, Codable {
  public enum Severity: String, Sendable, Codable, CaseIterable, Comparable {
    /// Optimising this reward works against the fitness.
    case high
    /// Likely to mislead, or to waste most of the reward.
    case medium
    /// Worth cleaning up.
    case low
    /// Good to know.
    case note

    public static func < (a: Severity, b: Severity) -> Bool { a.rank < b.rank }
    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  }

  public var severity: Severity
  /// Short and stable, for machines: "correlation-breaks".
  public var code: String
  /// One sentence.
  public var title: String
  /// The numbers.
  public var evidence: String
  /// The line of the program that it is about, from 1.
  public var line: Int?

  public init(_ severity: Severity, _ code: String, _ title: String, evidence: String, line: Int? = nil) {
    self.severity = severity
    self.code = code
    self.title = title
    self.evidence = evidence
    self.line = line
  }
}
