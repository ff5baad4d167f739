import RewardPrograms

@testable import GeneratedRewards

enum RewardProgramSource {
  static func compile(_ source: String) throws -> RewardProgram {
    try RewardProgram.compile(source, name: "test", schema: MisfitWorld.schema)
  }
}
