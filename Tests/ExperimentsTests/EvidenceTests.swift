import Basics
import Experiments
import Foundation
import Testing

@Suite struct EvidenceTests {
  @Test func verdictsFollowTheirComparison() {
    let cases: [(Claim.Comparison, Double, Bool)] = [
      (.atLeast, 1, true), (.atLeast, 0.99, false), (.atMost, 1, true), (.atMost, 1.01, false), (.greater, 1, false),
      (.greater, 1.01, true), (.less, 1, false), (.less, 0.99, true),
    ]
    for (comparison, measured, holds) in cases {
      #expect(Claim("c", "a claim", comparison, 1).verdict(measured: measured).holds == holds)
    }
    for comparison in [Claim.Comparison.atLeast, .atMost, .greater, .less] {
      #expect(!Claim("c", "a claim", comparison, 1).verdict(measured: .nan).holds)
    }
  }

  @Test func theReportHasTheKeysOfTheContract() throws {
    let verdict = Claim("val-beats-epic", "VAL beats EPIC", .atLeast, 0.03).verdict(measured: 0.071)
    let report = EvidenceReport(
      method: "starc", scale: .smoke, seeds: [0, 1, 2], seconds: 12.3, device: "cpu",
      evidence: Evidence(claims: [verdict], arms: ["val": ["correlation": [0.8, 0.9, 0.85]]], notes: ["a note"]))
    let object = try #require(
      JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any])
    #expect(Set(object.keys) == ["method", "scale", "seeds", "seconds", "device", "claims", "arms", "notes"])
    let claim = try #require((object["claims"] as? [[String: Any]])?.first)
    #expect(Set(claim.keys) == ["id", "statement", "holds", "measured", "threshold", "comparison"])
    #expect(claim["comparison"] as? String == ">=" && claim["holds"] as? Bool == true)
  }

  struct Configuration: MethodConfiguration, Equatable {
    struct Learner: Codable, Equatable {
      var rate = 0.1
    }
    var steps = 10
    var learner = Learner()
    var seeds: [UInt64] = [0]
    static let smoke = Configuration(), full = Configuration(steps: 1_000)
  }

  @Test func settingsReplaceValues() throws {
    let changed = try Configuration.at(.full).setting(["learner.rate=0.5", "seeds=[3,4]"])
    #expect(changed == Configuration(steps: 1_000, learner: .init(rate: 0.5), seeds: [3, 4]))
  }

  @Test(arguments: [
    ("stepz=3", "Did you mean \"steps\""), ("steps", "key=value"), ("steps=many", "steps must be of type"),
    ("learner.rat=1", "learner.rat"), ("steps.more=1", "steps.more"),
  ])
  func settingsThatDoNotFitAreExplained(assignment: String, says: String) {
    do {
      _ = try Configuration.smoke.setting([assignment])
      Issue.record("it was accepted")
    } catch {
      #expect("\(error)".contains(says), "\(error)")
    }
  }
}
