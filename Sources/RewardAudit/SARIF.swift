import Foundation

/// Findings in SARIF 2.1.0, the format in which code-review tools read the results of static analysis.
public enum SARIF {
  /// - Parameter file: the program's path, as the reviewed repository knows it.
  public static func log(_ findings: [Finding], file: String) throws -> Data {
    let codes = Set(findings.map(\.code)).sorted()
    let log = Log(
      runs: [
        Log.Run(
          tool: .init(driver: .init(rules: codes.map { .init(id: $0) })),
          results: findings.map { finding in
            Log.Result(
              ruleId: finding.code, level: level(finding.severity),
              message: .init(text: finding.title + " " + finding.evidence),
              locations: [
                .init(
                  physicalLocation: .init(
                    artifactLocation: .init(uri: file), region: .init(startLine: max(1, finding.line ?? 1))))
              ])
          })
      ])
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(log)
  }

  private static func level(_ severity: Finding.Severity) -> String {
    switch severity {
    case .high: "error"
    case .medium: "warning"
    case .low, .note: "note"
    }
  }

  private struct Log: Encodable {
    struct Text: Encodable { var text: String }
    struct Rule: Encodable { var id: String }
    struct Driver: Encodable {
      var name = "guerdon audit"
      var rules: [Rule]
    }
    struct Tool: Encodable { var driver: Driver }
    struct Region: Encodable { var startLine: Int }
    struct Artifact: Encodable { var uri: String }
    struct Place: Encodable {
      var artifactLocation: Artifact
      var region: Region
    }
    struct Location: Encodable { var physicalLocation: Place }
    struct Result: Encodable {
      var ruleId: String
      var level: String
      var message: Text
      var locations: [Location]
    }
    struct Run: Encodable {
      var tool: Tool
      var results: [Result]
    }
    var version = "2.1.0"
    var schema = "https://json.schemastore.org/sarif-2.1.0.json"
    var runs: [Run]
    enum CodingKeys: String, CodingKey {
      case version, runs
      case schema = "$schema"
    }
  }
}
