import Basics
import RewardAudit
import RewardPrograms
import Schemas
import Testing

@Suite struct RewardAuditTests {
  static let program: RewardProgram = {
    let schema = Schema(
      environment: "Test", fields: [Field("x", low: -10, high: 10, meaning: "x"), Field("y", meaning: "y")])
    let source = """
      def compute_reward(x, y):
          speed = 2.0 * x
          height = 0.001 * y
          return speed + height, {"speed": speed, "height": height}
      """
    return try! RewardProgram.compile(source, name: "test", schema: schema, kind: .reward)
  }()

  /// Checkpoints of a made-up training in which fitness is `slope` times the designed return, and noise.
  static func checkpoints(_ slope: Double, count: Int = 10, perStep: Double = 1, terminated: Bool = false)
    -> [[AuditedEpisode]]
  {
    var random = RandomGenerator(seed: 7)
    return (0..<count).map { checkpoint in
      (0..<8).map { _ in
        let designed = perStep * 100 + 10 * Double(checkpoint) + random.normal()
        return AuditedEpisode(
          fitness: slope * designed + 0.1 * random.normal(), designedReturn: designed,
          termSums: [designed, 0.0001 * designed], length: 100, terminated: terminated)
      }
    }
  }

  private func codes(_ checkpoints: [[AuditedEpisode]]) -> [String: Finding.Severity] {
    let findings = RewardAudit().findings(program: Self.program, checkpoints: checkpoints)
    #expect(findings.map(\.severity) == findings.map(\.severity).sorted())
    return Dictionary(findings.map { ($0.code, $0.severity) }, uniquingKeysWith: min)
  }

  @Test func praisesWhatGoesWithTheFitness() {
    let codes = codes(Self.checkpoints(1))
    #expect(codes["correlated"] == .note)
    #expect(codes["inverted"] == nil && codes["overoptimised"] == nil && codes["pays-for-ending"] == nil)
  }

  @Test func findsAnInvertedReward() { #expect(codes(Self.checkpoints(-1))["inverted"] == .high) }

  @Test func findsAnUnrelatedReward() {
    var episodes = Self.checkpoints(0)
    // Fitness alternates with a period that the return knows nothing of.
    for c in episodes.indices { for e in episodes[c].indices { episodes[c][e].fitness = Double(e % 2) } }
    #expect(codes(episodes)["weak-correlation"] == .medium)
  }

  @Test func findsOveroptimisation() {
    var episodes = Self.checkpoints(1)
    for c in 6..<10 { for e in episodes[c].indices { episodes[c][e].fitness = 60 } }
    #expect(codes(episodes)["overoptimised"] == .high)
    #expect(codes(Array(episodes[0..<6]))["overoptimised"] == nil)
  }

  @Test func findsTermsThatDrownOrIdle() {
    let codes = codes(Self.checkpoints(1))
    #expect(codes["dominant-term"] == .low)
    #expect(codes["idle-term"] == .low)
  }

  @Test func findsTermsThatNeverVary() {
    var episodes = Self.checkpoints(1)
    for c in episodes.indices { for e in episodes[c].indices { episodes[c][e].termSums[1] = 50 } }
    #expect(codes(episodes)["constant-term"] == .low)
    #expect(codes(Self.checkpoints(1))["constant-term"] == nil)
  }

  @Test func findsRewardsThatPayForEnding() {
    #expect(codes(Self.checkpoints(1, perStep: -3, terminated: true))["pays-for-ending"] == .medium)
    #expect(codes(Self.checkpoints(1, perStep: -3, terminated: false))["pays-for-ending"] == nil)
  }

  @Test func saysNothingOfCorrelationFromTooFewEpisodes() {
    let codes = codes(Array(Self.checkpoints(1).prefix(2)))
    #expect(codes["correlated"] == nil && codes["inverted"] == nil)
  }
}
