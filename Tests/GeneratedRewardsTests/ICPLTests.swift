import Basics
import Experiments
import Foundation
import Proposers
import Testing

@testable import GeneratedRewards

/// A writer whose programs are numbers, and which keeps what it was given to read.
private struct CountingWriter: RewardWriter {
  var next = 0
  var read: [ICPL.Context<Int>] = []

  mutating func write(_ count: Int, reading context: ICPL.Context<Int>) -> [Int] {
    read.append(context)
    defer { next += count }
    return Array(next..<next + count)
  }

  func differences(between first: Int, and second: Int) -> String {
    "The first reward function is \(first); the second is \(second)."
  }

  func source(_ program: Int) -> String { "program \(program)\n" }
}

/// The unit checks of ICPL's brief.
@Suite struct ICPLTests {
  private static let task = ICPL.TaskDescription(goal: "Go.", observations: "x: a number")

  private func configuration(samples: Int, iterations: Int) -> ICPL.Configuration {
    var configuration = ICPL.Configuration(seeds: [0, 1])
    configuration.samples = samples
    configuration.iterations = iterations
    return configuration
  }

  private func searched(
    samples: Int, iterations: Int, shown: ICPL.Shown = .init(), writer: inout CountingWriter,
    accepts: (Int) -> Bool = { _ in true }, score: (Int) -> Double?
  ) throws -> ICPL.Result<Int, Double> {
    var teacher = ProxyTeacher()
    return try ICPL.search(
      Self.task, configuration: configuration(samples: samples, iterations: iterations), shown: shown,
      writer: &writer, teacher: &teacher, prepare: { accepts($0) ? $0 : nil },
      train: { program, _ in
        score(program).map { score in
          (
            trace: ICPL.Trace(terms: [.init(name: "term\(program)", values: [Double(program)])], lengths: [5]),
            behaviour: score
          )
        }
      })
  }

  private func chosen(_ scores: [Double?]) -> (best: Int, worst: Int?)? {
    var teacher = ProxyTeacher()
    var queries: [ICPL.Query] = []
    return ICPL.chooseBestAndWorst(of: scores, teacher: &teacher, into: &queries)
  }

  // MARK: Queries

  @Test(arguments: [(6, 5, 49), (4, 3, 17), (2, 1, 1)])
  func queriesAreCountedAsThePaperDoes(_ samples: Int, _ iterations: Int, _ expected: Int) throws {
    #expect(ICPL.queryCount(samples: samples, iterations: iterations) == expected)
    var writer = CountingWriter()
    let result = try searched(samples: samples, iterations: iterations, writer: &writer) {
      Double(($0 * 7919) % 1009)
    }
    #expect(result.queries.count == expected)
    #expect(result.queries.filter { $0.purpose == .final }.count == iterations - 1)
  }

  /// Scores (0.3, −10000, 0.9, 0.1), of which −10000 is a failure: the best is 2, the worst 3.
  @Test func aFailureIsNeitherBestNorWorst() {
    let choice = chosen([0.3, nil, 0.9, 0.1])
    #expect(choice?.best == 2 && choice?.worst == 3)
    #expect(chosen([nil, nil]) == nil)
  }

  @Test func equalsHaveNoWorst() {
    #expect(chosen([0.4]).map { $0.best == 0 && $0.worst == nil } == true)
    #expect(chosen([0.4, 0.4, 0.4]).map { $0.best == 0 && $0.worst == nil } == true)
    #expect(chosen([nil, 0.4, nil]).map { $0.best == 1 && $0.worst == nil } == true)
    #expect(chosen([0.4, 0.4, 0.3]).map { $0.best == 0 && $0.worst == 2 } == true)
    #expect(chosen([0.3, 0.4, 0.4]).map { $0.best == 1 && $0.worst == 0 } == true)
  }

  @Test func aNoisyTeacherErrsAsOftenAsItShould() {
    var teacher = ProxyTeacher(flip: 0.2, seed: 3)
    let errors = (0..<20_000).filter { _ in teacher.compare(1, 0) == .second }.count
    // Standard deviation 57.
    #expect(abs(errors - 4_000) < 300)
    #expect(teacher.compare(2, 2) == .neither)
  }

  // MARK: Messages

  @Test func threeMessagesAndOneHistoryBlockLessThanRounds() throws {
    var writer = CountingWriter()
    // The third of each round is its best, the first its worst.
    let result = try searched(samples: 3, iterations: 5, writer: &writer) { [1.0, 2, 3][$0 % 3] }
    #expect(result.prompts.map(\.count) == [2, 3, 3, 3, 3])
    #expect(result.prompts.allSatisfy { $0.first?.role == .system && $0.dropFirst().allSatisfy { $0.role == .user } })
    for (round, prompt) in result.prompts.enumerated().dropFirst() {
      let text = try #require(prompt.last).text
      #expect(text.components(separatedBy: "differs from").count - 1 == round - 1)
      #expect(text.components(separatedBy: "Training trace of iter").count - 1 == round - 1)
    }
    // Round k writes 2 · 3 programs and keeps the first three: 0-2, 6-8, 12-14, …
    let last = try #require(result.prompts.last?.last).text
    #expect(last.contains("iter4-good is 20; iter3-good is 14."))
    #expect(last.contains("1st program:\n```python\nprogram 20\n```\nIts training trace:\nterm20: [20.00]"))
    #expect(last.contains("2nd program:\n```python\nprogram 18\n```"))
    // Bad programs never enter the history, and the final choice is by comparison.
    #expect(!last.contains("program 12") && !last.contains("term12"))
    #expect(writer.read.last?.feedback?.pastGoods == [2, 8, 14])
    #expect(result.preferred == 2)
  }

  @Test func ablationsLeaveOutWhatTheyName() throws {
    func last(_ shown: ICPL.Shown) throws -> (text: String, context: ICPL.Context<Int>) {
      var writer = CountingWriter()
      let result = try searched(samples: 3, iterations: 4, shown: shown, writer: &writer) { Double($0) }
      return (result.prompts.last?.last?.text ?? "", try #require(writer.read.last))
    }
    let open = try last(.init(feedback: false))
    #expect(open.context.messages.count == 2 && open.context.feedback == nil)
    let onlyGood = try last(.init(bad: false))
    #expect(!onlyGood.text.contains("2nd program") && !onlyGood.text.contains("worst"))
    #expect(onlyGood.context.feedback?.bad == nil && onlyGood.context.feedback?.badTrace == nil)
    let noTrace = try last(.init(traces: false))
    #expect(!noTrace.text.contains("trace") && noTrace.context.feedback?.goodTrace == nil)
    let noHistory = try last(.init(history: false))
    #expect(!noHistory.text.contains("iter") && noHistory.context.feedback?.pastGoods.isEmpty == true)
  }

  @Test func mentionsAreRelabelled() {
    #expect(
      ICPL.relabelled("The first reward function adds x; the second does not. In the Second program",
        first: "iter2-good", second: "iter1-good")
        == "iter2-good adds x; iter1-good does not. In iter1-good")
  }

  // MARK: Slots

  @Test func slotsAreRefilledUntilKProgramsCanBeTrained() throws {
    var writer = CountingWriter()
    let result = try searched(samples: 4, iterations: 1, writer: &writer, accepts: { $0 % 5 == 4 }) { Double($0) }
    // 8 asked for with one good, 6 more with 9, 4 more with 14, 2 more with 19.
    #expect(result.trials.map(\.program) == [4, 9, 14, 19])
    #expect(result.trials.map(\.id) == [0, 1, 2, 3])
    var stubborn = CountingWriter()
    #expect(throws: GuerdonError.self) {
      try searched(samples: 2, iterations: 1, writer: &stubborn, accepts: { _ in false }) { Double($0) }
    }
    #expect(stubborn.read.count == 200)
  }

  @Test func aRoundOfFailuresLeavesThePromptAsItWas() throws {
    var writer = CountingWriter()
    // Rounds are 0-1, 4-5, 8-9.
    let result = try searched(samples: 2, iterations: 3, writer: &writer) { (4...5).contains($0) ? nil : Double($0) }
    #expect(result.prompts[1] == result.prompts[2] && result.prompts[1].count == 3)
    #expect(result.choices.map(\.best) == [1, 5])
    #expect(result.preferred == 5)
  }

  // MARK: The reward model

  @Test func bradleyTerryLoss() {
    for sum in [-40.0, 0, 3] {
      #expect(abs(PreferenceEnsemble.loss(first: sum, second: sum, answer: .first) - log(2)) < 1e-12)
    }
    #expect(abs(PreferenceEnsemble.loss(first: log(3), second: 0, answer: .first) - log(4.0 / 3)) < 1e-12)
    #expect(abs(PreferenceEnsemble.loss(first: 0, second: log(3), answer: .second) - log(4.0 / 3)) < 1e-12)
    #expect(abs(PreferenceEnsemble.probability(first: log(3), second: 0) - 0.75) < 1e-12)
    #expect(PreferenceEnsemble.loss(first: 2_000, second: 0, answer: .second) == 2_000)
  }

  /// Backpropagation against central differences of the loss.
  @Test func gradientsAreThoseOfTheLoss() {
    var random = RandomGenerator(seed: 5)
    let rows = 7, width = 3
    let inputs = (0..<rows * width).map { _ in random.normal() }
    var member = PreferenceEnsemble.Member(width: width, hidden: 4, seed: 1, member: 0)
    let comparisons: [PreferenceEnsemble.Comparison] = [
      .init(first: [0, 1, 1, 2], second: [3, 4], answer: .first), .init(first: [5], second: [6, 0], answer: .second),
      .init(first: [2, 3], second: [1, 6], answer: .neither),
    ]
    let outputs = member.forward(inputs, rows: rows)
    let gradient = member.backward(
      inputs, rows: rows, outputGradient: PreferenceEnsemble.gradient(outputs, on: comparisons))
    let start = member.parameters
    for index in start.indices {
      func loss(_ step: Double) -> Double {
        var moved = member
        moved.parameters[index] += step
        return PreferenceEnsemble.meanLoss(moved.forward(inputs, rows: rows), on: comparisons)
      }
      #expect(abs((loss(1e-5) - loss(-1e-5)) / 2e-5 - gradient[index]) < 1e-8)
    }
  }

  /// Labels by a hidden linear reward over single rows are learned: held-out pairs are ordered as it orders them.
  @Test func theEnsembleLearnsAnOrder() throws {
    var random = RandomGenerator(seed: 11)
    let rows = 200
    let inputs = (0..<rows * 2).map { _ in random.uniform(-1, 1) }
    let hidden = (0..<rows).map { inputs[2 * $0] - 0.5 * inputs[2 * $0 + 1] }
    func pairs(_ count: Int) -> [PreferenceEnsemble.Comparison] {
      (0..<count).map { _ in
        let first = random.integer(below: rows), second = random.integer(below: rows)
        return .init(first: [first], second: [second], answer: Preference(of: hidden[first], over: hidden[second]))
      }
    }
    var settings = PreferenceEnsemble.Configuration()
    settings.stepsPerSession = 300
    var ensemble = try PreferenceEnsemble(inputs: inputs, width: 2, configuration: settings, seed: 0)
    ensemble.fit(pairs(200))
    let learned = ensemble.meanRewards
    let test = pairs(1_000)
    let right = test.filter { pair in
      Preference(of: learned[pair.first[0]], over: learned[pair.second[0]]) == pair.answer
    }
    #expect(right.count > 900, "\(right.count) of 1000")
  }

  // MARK: The world

  /// The score's gains along an episode sum to what it ends with, less what it began with.
  @Test func gainsSumToTheScore() {
    let world = MisfitWorld()
    var random = RandomGenerator(seed: 2)
    for start in MisfitWorld.starts {
      let episode = world.play(from: start) { _ in random.integer(below: MisfitWorld.actions) }
      let gained = episode.reduce(0) { $0 + world.scoreGains[$1] }
      #expect(abs(gained - (world.score(of: episode) - MisfitWorld.score(in: start))) < 1e-12)
    }
    // Right along row 0, down to (6, 5), and back up to the door: 1, whatever the way.
    var walk = [Int](repeating: 2, count: 6) + [Int](repeating: 1, count: 5) + [Int](repeating: 3, count: 5)
    walk.reverse()
    let solved = world.play(from: MisfitWorld.cell(0, 0)) { _ in walk.popLast() ?? 0 }
    #expect(solved.count == 16 && world.score(of: solved) == 1)
  }

  // MARK: The experiment

  @Test func leaksAreSeen() {
    let scores = [0.512345678901, 1]
    func leaks(_ text: String) -> Int { ICPL.leaks(of: scores, in: [[.init(role: .user, text: text)]]) }
    #expect(leaks("weights 1.0 and 0.51, iter1-good") == 0)
    #expect(leaks("reached 0.512346") == 1)
    #expect(leaks("reached 0.512345678901") == 1)
    #expect(leaks("its task_score and Fitness") == 2)
  }

  private func evidence(_ configuration: ICPL.Configuration, jobs: Int) async throws -> Evidence {
    try await ICPL.reproduce(
      configuration, in: RunContext(jobs: jobs, progress: ProgressLine(quiet: true), interruption: Interruption()))
  }

  @Test func theExperimentIsTheSameOnAnyNumberOfThreads() async throws {
    var small = configuration(samples: 4, iterations: 2)
    small.labels = [20]
    small.baseline.ensemble.stepsPerSession = 5
    let one = try await evidence(small, jobs: 1)
    #expect(try await evidence(small, jobs: 2) == one)
    #expect(one.arms["icpl"]?["best"]?.count == 2)
    // Invariants that hold for any search: order alone counts, nothing leaks, queries are bounded.
    for id in ["only-order-counts", "prompts-hold-no-score", "preferred-never-falls", "few-queries"] {
      #expect(one.claims.first { $0.id == id }?.holds == true, "\(id)")
    }
  }

  @Test func impossibleSettingsAreRefused() async throws {
    for change: (inout ICPL.Configuration) -> Void in [
      { $0.samples = 0 }, { $0.iterations = 0 }, { $0.seeds = [1] }, { $0.flip = 2 }, { $0.labels = [0] },
      { $0.finalTrainings = 0 }, { $0.baseline.sessions = 0 }, { $0.baseline.ensemble.members = 0 },
    ] {
      var broken = ICPL.Configuration(seeds: [0, 1])
      change(&broken)
      let configuration = broken
      await #expect(throws: GuerdonError.self) { try await evidence(configuration, jobs: 1) }
    }
  }
}
