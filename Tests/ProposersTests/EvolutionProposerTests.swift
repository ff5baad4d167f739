import Basics
import Foundation
import Proposers
import RewardPrograms
import Schemas
import Testing

@Suite struct EvolutionProposerTests {
  static let schema = Schema(
    environment: "Test",
    fields: [
      Field("obs", shape: [4], meaning: "observation"), Field("next_obs", shape: [4], meaning: "next observation"),
      Field("action", shape: [2], low: -1, high: 1, meaning: "action"),
      Field("speed", unit: "m/s", meaning: "speed"),
      Field("height", unit: "m", low: 0, high: 2, meaning: "height"),
      Field("hand", shape: [3], unit: "m", meaning: "hand"), Field("goal", shape: [3], unit: "m", meaning: "goal"),
      Field("grip", shape: [1], low: 0, high: 1, meaning: "grip"),
      Field("spin", shape: [3], unit: "rad/s", meaning: "spin"),
      Field("terminated", low: 0, high: 1, meaning: "fell"),
      Field("secret", meaning: "what only the fitness sees", fitnessOnly: true),
    ])

  @Test func featuresAreUnitAwareAndKeepTheSecret() {
    let features = Feature.all(of: Self.schema)
    let sources = Set(features.map(\.source))
    #expect(sources.isSuperset(of: ["speed", "height", "hand[2]", "grip[0]", "np.sum(np.square(action))", "(1.0 - terminated)"]))
    #expect(sources.contains("np.linalg.norm(goal - hand)"))
    #expect(!sources.contains { $0.contains("spin") && ($0.contains("hand") || $0.contains("goal")) })
    #expect(!features.contains { $0.fields.contains("secret") || $0.fields.contains("obs") })
  }

  @Test func featureValuesAreWhatTheirSourceSays() throws {
    let features = Feature.all(of: Self.schema)
    let record = (0..<Self.schema.width).map { 0.3 * Double($0) - 2 }
    func columns(_ name: String) -> [Double] { Self.schema.columns(of: name).map { Array(record[$0]) } ?? [] }
    func value(_ source: String) throws -> Double {
      try #require(features.first { $0.source == source }).value(record, stride: 1, row: 0)
    }
    #expect(try value("hand[1]") == columns("hand")[1])
    #expect(try abs(value("np.sum(np.square(action))") - columns("action").map { $0 * $0 }.reduce(0, +)) < 1e-12)
    let distance = zip(columns("goal"), columns("hand")).map { ($0 - $1) * ($0 - $1) }.reduce(0, +).squareRoot()
    #expect(try abs(value("np.linalg.norm(goal - hand)") - distance) < 1e-12)
    #expect(try value("(1.0 - terminated)") == 1 - columns("terminated")[0])
  }

  /// A search without training: the "fitness" of a program is known in closed form, and the loop must climb it.
  private func search(
    seed: UInt64, generations: Int, related: Bool = true, by given: EvolutionProposer? = nil,
    onGeneration: (EvolutionProposer) throws -> Void = { _ in }
  ) async throws -> DesignHistory {
    let proposer = try given ?? EvolutionProposer(schema: Self.schema, seed: seed)
    let features = Feature.all(of: Self.schema)
    var random = RandomGenerator(seed: seed)
    var history = DesignHistory(goal: "go fast", environmentSummary: "", schema: Self.schema)
    func episodes(bias: Double) -> [EpisodeDigest] {
      (0..<8).map { _ in
        let speed = bias + random.normal()
        return EpisodeDigest(
          fitness: (related ? speed : random.normal()) + 0.1 * random.normal(),
          means: features.map { $0.source == "speed" ? speed : random.normal() },
          deviations: features.map { _ in 1 })
      }
    }
    history.probe = episodes(bias: 0) + episodes(bias: 0)
    for generation in 0..<generations {
      for proposal in try await proposer.propose(8, after: history) {
        let program = try RewardProgram.compile(
          proposal.source, name: "child", schema: Self.schema, kind: .reward)
        // How much reward one more m/s brings at rest decides how fast the imagined policy learns to be.
        let pull = proposal.source.contains("more_speed") ? 1.0 : proposal.source.contains("keep_speed") ? 0.5 : 0
        let digest = TrainingDigest(
          steps: [1, 2], fitness: [0, pull], lengths: [10, 10],
          terms: program.termNames.map { TrainingDigest.Series(name: $0, values: [0, 1]) }, episodes: episodes(bias: pull))
        history.candidates.append(
          Candidate(
            id: history.candidates.count, generation: generation, proposal: proposal, outcome: .trained(digest)))
      }
      try onGeneration(proposer)
    }
    return history
  }

  @Test(arguments: 0..<5 as Range<UInt64>) func everyProgramChecksAndNoneIsTriedTwice(seed: UInt64) async throws {
    let history = try await search(seed: seed, generations: 6)
    #expect(history.candidates.count == 48)
    let bodies = history.candidates.map { $0.proposal.source.split(separator: "\n").filter { !$0.contains("\"\"\"") } }
    #expect(Set(bodies).count == bodies.count)
    #expect(history.candidates.allSatisfy { !$0.proposal.source.contains("secret") })
    #expect(history.candidates.allSatisfy { candidate in candidate.proposal.parents.allSatisfy { $0 < candidate.id } })
  }

  @Test func leansTowardsWhatGoesWithFitness() async throws {
    var guided = 0, blind = 0
    for seed in 0..<40 as Range<UInt64> {
      func rising(_ history: DesignHistory) -> Int {
        history.candidates.filter { $0.proposal.source.contains("more_speed") }.count
      }
      guided += rising(try await search(seed: seed, generations: 1))
      blind += rising(try await search(seed: seed, generations: 1, related: false))
    }
    // 320 programs each: four standard errors of the difference are below 40.
    #expect(guided > blind + 40, "\(guided) against \(blind)")
  }

  @Test func sameSeedSamePrograms() async throws {
    let first = try await search(seed: 3, generations: 4), second = try await search(seed: 3, generations: 4)
    #expect(first.candidates.map(\.proposal.source) == second.candidates.map(\.proposal.source))
  }

  /// Another proposer that takes up every generation's state goes on as the first one does.
  @Test func aRestoredProposerGoesOnTheSame() async throws {
    var states: [String] = []
    let first = try EvolutionProposer(schema: Self.schema, seed: 4)
    let history = try await search(seed: 4, generations: 5, by: first) { states.append(try $0.state() ?? "") }
    let second = try EvolutionProposer(schema: Self.schema, seed: 99)
    for state in states { try second.restore(state) }
    let (next, again) = (try await first.propose(8, after: history), try await second.propose(8, after: history))
    #expect(next == again && next.contains { !$0.parents.isEmpty })
    #expect(try first.state() == second.state())
    // A state speaks of its own generation alone: the fifth is no longer than twice the first.
    #expect(states[4].count < 2 * states[0].count)
  }

  @Test(arguments: ["", "{}", #"{"genomes":{},"random":{},"tried":[]}"#, "feature"])
  func aStateOfAnotherVersionIsRefused(state: String) async throws {
    var state = state
    if state == "feature" {
      let other = try EvolutionProposer(schema: Self.schema, seed: 4)
      _ = try await search(seed: 4, generations: 1, by: other)
      state = (try other.state() ?? "").replacing(#""feature":"#, with: #""feature":9"#)
    }
    let proposer = try EvolutionProposer(schema: Self.schema, seed: 4)
    do {
      try proposer.restore(state)
      Issue.record("\(state) was taken up")
    } catch let error as GuerdonError {
      #expect(error.message.contains("another version"))
    }
  }

  // MARK: What was known before

  private static let maze = Schema(
    environment: "Test",
    fields: [
      Field("goal_distance", unit: "m", low: 0, high: 10, meaning: "how far the goal is"),
      Field("heat", meaning: "heat"), Field("door", low: 0, high: 1, meaning: "1 if a door was opened"),
      Field("success", low: 0, high: 1, meaning: "1 if the step fulfilled the mission"),
      Field("in_lava", low: 0, high: 1, meaning: "1 if the agent is in lava"),
      Field("terminated", low: 0, high: 1, meaning: "over"),
    ])

  /// A first generation in a maze whose success nobody has seen, and one after it in which nothing scored.
  private func firstGeneration(
    of schema: Schema, goal: String, seed: UInt64, terminates: Bool = false
  ) async throws -> (EvolutionProposer, DesignHistory, [Proposal]) {
    let proposer = try EvolutionProposer(schema: schema, seed: seed)
    var random = RandomGenerator(seed: seed)
    let probe = (0..<16).map { _ in
      let means = Feature.all(of: schema).map { feature -> Double in
        if feature.kind == .alive { return terminates ? 0.9 : 1 }
        return (feature.low, feature.high) == (0, 1) ? 0 : random.normal()
      }
      return EpisodeDigest(
        fitness: 0, means: means,
        deviations: zip(Feature.all(of: schema), means).map { feature, mean in
          (feature.low, feature.high) == (0, 1) ? (mean - mean * mean).squareRoot() : 1
        })
    }
    let history = DesignHistory(goal: goal, environmentSummary: "", schema: schema, probe: probe)
    return (proposer, history, try await proposer.propose(8, after: history))
  }

  private func weight(of term: String, in source: String) -> Double? {
    source.split(separator: "\n").lazy.map { $0.trimmingCharacters(in: .whitespaces) }
      .first { $0.hasPrefix("\(term) = ") }
      .flatMap { Double($0.dropFirst(term.count + 3).prefix { $0 != " " }) }
  }

  @Test func anEventThatNobodyHasSeenIsTried() async throws {
    var successes = 0, programs = 0, avoiding = 0, seeking = 0
    for seed in 0..<20 as Range<UInt64> {
      let (proposer, first, proposals) = try await firstGeneration(
        of: Self.maze, goal: "Step onto the goal; never step into lava.", seed: seed)
      for proposal in proposals {
        programs += 1
        avoiding += proposal.source.contains("less_in_lava") ? 1 : 0
        seeking += proposal.source.contains("more_in_lava") ? 1 : 0
        guard let prize = weight(of: "more_success", in: proposal.source) else { continue }
        successes += 1
        // A hundred steps of what leads there are worth no more than a few times the prize, and it is paid in full.
        let guide = weight(of: "less_goal_distance", in: proposal.source) ?? 0
        #expect(prize >= 1 && abs(guide) <= 0.6, "\(proposal.source)")
      }
      // An event that has not happened is no constant to be dropped.
      var history = first
      for (id, proposal) in proposals.enumerated() {
        let names = try RewardProgram.compile(proposal.source, name: "child", schema: Self.maze, kind: .reward).termNames
        let digest = TrainingDigest(
          steps: [1, 2], fitness: [0, 0], lengths: [10, 10], terms: names.map { .init(name: $0, values: [0, 0]) },
          episodes: first.probe)
        history.candidates.append(Candidate(id: id, generation: 0, proposal: proposal, outcome: .trained(digest)))
      }
      let children = try await proposer.propose(40, after: history)
      #expect(!children.contains { $0.origin.contains("constant") && $0.origin.contains("success") })
    }
    #expect(successes > programs / 2 && avoiding > programs / 2 && seeking < programs / 10)
  }

  @Test func theFirstGenerationCoversWhatTheGoalNames() async throws {
    var counts: [Int] = []
    for seed in 0..<20 as Range<UInt64> {
      let (_, _, proposals) = try await firstGeneration(of: Self.schema, goal: "a height of 1.5 m", seed: seed)
      let mains = proposals.map { proposal in
        proposal.source.split(separator: "\n").first { $0.contains("_temperature = ") || $0.contains("staying_alive = ") } ?? ""
      }
      counts.append(mains.filter { $0.contains("height") }.count)
      #expect(proposals.contains { $0.source.contains("(height - 1.5)") })
    }
    // Each feature is the main one of its share of the programs, rounded up or down.
    let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
    #expect(least >= 1 && most - least <= 1, "\(counts)")
  }

  @Test func stayingAliveIsForEpisodesThatEndEarly() async throws {
    var ending = 0, lasting = 0
    for seed in 0..<20 as Range<UInt64> {
      func count(_ terminates: Bool) async throws -> Int {
        try await firstGeneration(of: Self.schema, goal: "go fast", seed: seed, terminates: terminates).2
          .filter { $0.source.contains("staying_alive") }.count
      }
      ending += try await count(true)
      lasting += try await count(false)
    }
    #expect(ending > 60 && lasting < 10, "\(ending), \(lasting) of 160")
  }
}
