import Agents
import Basics
import Endpoints
import Environments
import Experiments
import Foundation
import Proposers
import RewardPrograms
import Rewards
import Testing

@testable import GeneratedRewards

/// The unit checks of Eureka's brief.
@Suite struct EurekaTests {
  private func digest(_ fitness: [Double]) -> TrainingDigest {
    TrainingDigest(steps: [], fitness: fitness, lengths: [], terms: [], episodes: [])
  }

  @Test func humanNormalisedScore() {
    #expect(Eureka.humanNormalizedScore(7, sparse: 1, human: 3) == 3)
    #expect(Eureka.humanNormalizedScore(2, sparse: 1, human: 0.5) == 2)
    #expect(Eureka.clipped(5) == 3 && Eureka.clipped(-1) == 0)
  }

  @Test func aFailureScoresMinusTenThousandAndTheFirstOfEqualsWins() {
    let scores: [[Double]?] = [nil, [0.2], [0.1, 0.2]]
    let trials = scores.enumerated().map { index, fitness in
      ReflectiveSearch.Trial(id: index, iteration: 0, program: index, digest: fitness.map(digest))
    }
    #expect(trials[0].score == -10_000)
    #expect(ReflectiveSearch.best(of: trials)?.id == 1)
  }

  /// The parent is the best of the round before, whatever was better earlier; ids stand still over failures; a round of
  /// failures keeps the parent.
  @Test func eachRoundIsWrittenFromTheBestOfTheLast() {
    let scores: [Int: [Double]] = [1: [0.9], 3: [0.2], 5: [0.5]]  // round 0: 0-2, round 1: 3-5, round 2: none, round 3
    var parents: [Int?] = []
    let trials = ReflectiveSearch<Int>.run(
      iterations: 4, samples: 3,
      write: { parent in
        parents.append(parent?.id)
        return parents.count - 1
      },
      train: { program, id in
        #expect(program == id)
        return scores[id].map(digest)
      }
    ).trials
    #expect(parents == [nil, nil, nil, 1, 1, 1, 5, 5, 5, 5, 5, 5])
    #expect(trials.map(\.id) == Array(0..<12) && trials.map(\.iteration) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
  }

  /// The brief's prototype: a bonus for every step with the key teaches loitering; one for the event does not.
  @Test func perStepBonusesLoiterAndEventsDoNot() throws {
    let world = MisfitWorld()
    func best(_ bonus: String) throws -> Double {
      let fields = MisfitWorld.schema.fields.map(\.name).joined(separator: ", ")
      let program = try RewardProgramSource.compile(
        "import numpy as np\n\ndef compute_reward(\(fields)):\n    toward_key = np.where(has_key > 0.5, 0.0, 0.05 * np.exp(-key_distance / 0.3))\n    return toward_key + \(bonus) + 1.0 * opened - dead\n")
      return try (0..<5).map { try world.train(program, seed: $0).fitness.max() ?? 0 }.reduce(0, +) / 5
    }
    let perStep = try best("1.0 * has_key"), event = try best("1.0 * picked + 0.05 * has_key * (0.0 - door_distance)")
    #expect(event > perStep + 0.05, "\(event) against \(perStep)")
  }

  // MARK: The search over a language model

  private static let problem = Eureka.Problem(goal: "Open the door.", schema: MisfitWorld.schema)

  private func answer(_ number: Int) -> String {
    "Number \(number).\n```python\ndef compute_reward(opened):\n    return \(number).0 * opened\n```"
  }

  /// Whatever came before, a prompt has four messages once anything has succeeded, and the last two belong to the last
  /// successful round's best, the first of equals; a sibling without code shifts nothing.
  @Test func theContextIsMarkovian() async throws {
    // Rounds: (no code, 0.2, 0.2), (0.9, 0.1, fails in training), (nothing compiles), (0.3, 0.4, 0.1).
    let answers = ["No code.", answer(1), answer(2)] + (3...5).map(answer) + ["-", "-", "-"] + (9...11).map(answer)
    let scores: [Int: Double] = [1: 0.2, 2: 0.2, 3: 0.9, 4: 0.1, 9: 0.3, 10: 0.4, 11: 0.1]
    let model = ScriptedModel(answers)
    let found = try await Eureka.search(Self.problem, by: model, iterations: 5, samples: 3) { programs in
      programs.map { id, program in
        #expect(program.source.contains("return \(id).0 *"))
        return scores[id].map { .success(digest([0, $0])) } ?? .failure(.failure("It diverged."))
      }
    }
    #expect(found.prompts.map(\.count) == [2, 4, 4, 4, 4])
    let parents = [nil, 1, 3, 3, 10]
    for (prompt, parent) in zip(found.prompts, parents) {
      #expect(prompt.prefix(2) == found.prompts[0][...])
      guard let parent, let score = scores[parent] else { continue }
      #expect(prompt.map(\.role) == [.system, .user, .assistant, .user])
      #expect(prompt[2].content == answers[parent])
      #expect(prompt[3].content.contains(Reflection.text(digest([0, score]))))
    }
    #expect(found.search.trials.map(\.id) == Array(0..<12), "the last round got no answers at all")
    #expect(found.search.trials[0].program.error != nil && found.search.trials[5].program.error == "It diverged.")
    #expect(found.search.best?.id == 3 && found.best?.source.contains("3.0 *") == true)
    #expect(model.requests.allSatisfy { $0.n == 3 && $0.temperature == 1 })
  }

  @Test func variantsChangeWhatIsSaid() async throws {
    func lastPrompt(_ variant: Eureka.Variant, initial: String? = nil) async throws -> ([ChatMessage], Int) {
      let found = try await Eureka.search(
        Self.problem, by: ScriptedModel((0..<4).map(answer)), iterations: 2, samples: 2, variant: variant,
        initial: initial
      ) { programs in
        programs.map { _ in
          .success(
            TrainingDigest(
              steps: [], fitness: [0.5], lengths: [3], terms: [.init(name: "term", values: [7])], episodes: []))
        }
      }
      return (found.prompts[1], found.search.trials.count)
    }
    let full = try await lastPrompt(.reflection).0[3].content
    #expect(full.contains("term: [7.00]") && full.contains("task_score: [0.50]"))
    let scores = try await lastPrompt(.scoresOnly).0[3].content
    #expect(!scores.contains("term: [7.00]") && scores.contains("task_score: [0.50]"))
    #expect(try await lastPrompt(.noEvolution).0.count == 2)
    let person = try await lastPrompt(.person { _ in "It limps." }).0[3].content
    #expect(person.contains("It limps.") && !person.contains("task_score"))
    let human = "def compute_reward(opened):\n    return opened\n"
    let (prompt, trials) = try await lastPrompt(.reflection, initial: human)
    #expect(trials == 3 && CodeBlock.first(in: prompt[2].content) == human)
  }

  @Test func thePromptHidesWhatOnlyTheFitnessMayRead() {
    let schema = MisfitWorld.schema.reserving(forFitness: ["opened"])
    let text = Eureka.firstMessages(.init(goal: "Go.", schema: schema)).map(\.content).joined()
    #expect(text.contains("has_key") && !text.contains("opened"))
  }

  // MARK: The rule-based writer

  @Test func namedConstantsAreReadAndReplaced() throws {
    let grammar = try ComponentGrammar(schema: Environments.spec("Pendulum-v1").schema)
    var writer = ComponentWriter(grammar, prior: GrammarModel.prior, seed: 1)
    let program = writer.sample(), other = writer.sample()
    let source = grammar.source(program)
    let names = grammar.components.map(\.name)
    #expect(GrammarModel.termNames(of: source) == names)
    let read = try #require(ComponentGrammar.read(source, names: names))
    #expect(read.hasTemperature == grammar.components.map(\.hasTemperature))
    for (ours, theirs) in zip(read.program.weights, program.weights) { #expect(abs(ours / theirs - 1) < 1e-3) }
    #expect(ComponentGrammar.rewrite(source, names: names, as: other) == grammar.source(other))
    #expect(ComponentGrammar.read(source, names: ["nothing"]) == nil)
  }

  @Test(arguments: ["Pendulum-v1", "Reacher-v5"]) func sampledProgramsCompile(id: String) throws {
    let schema = try Environments.spec(id).schema
    let grammar = try ComponentGrammar(schema: schema)
    var writer = ComponentWriter(grammar, prior: GrammarModel.prior, seed: 1)
    for _ in 0..<5 {
      let program = try RewardProgram.compile(grammar.source(writer.sample()), schema: schema)
      #expect(program.termNames == grammar.components.map(\.name))
    }
  }

  /// It reads the reflection: what is large and no help gets smaller, and nothing else of the text changes.
  @Test func theWriterReadsTheReflection() async throws {
    let schema = try Environments.spec("Reacher-v5").schema
    let parent = "def compute_reward(distance, control_cost):\n    far_weight = 2.0\n    far = -far_weight * distance\n    lazy_weight = 5.0\n    lazy = -lazy_weight * control_cost\n    return far + lazy, {\"far\": far, \"lazy\": lazy}\n"
    let digest = TrainingDigest(
      steps: [], fitness: [0.1, 0.2, 0.3, 0.4], lengths: [50, 50, 50, 50],
      terms: [.init(name: "far", values: [-0.4, -0.3, -0.2, -0.1]), .init(name: "lazy", values: [-4, -5, -6, -7])],
      episodes: [])
    #expect(GrammarModel.series(in: Reflection.text(digest))["lazy"] == [-4, -5, -6, -7])
    let model = GrammarModel(try ComponentGrammar(schema: schema), seed: 3)
    let first = Eureka.firstMessages(.init(goal: "Reach.", schema: schema))
    func children(_ feedback: String) async throws -> [(far: Double, lazy: Double)] {
      let messages = first + [ChatMessage(.assistant, "```python\n\(parent)```"), ChatMessage(.user, feedback)]
      return try await model.complete(ChatRequest(messages, n: 200)).answers.map { answer in
        let code = try #require(CodeBlock.first(in: answer))
        #expect(code.contains("far = -far_weight * distance"))
        let read = try #require(ComponentGrammar.read(code, names: ["far", "lazy"]))
        return (read.program.weights[0], read.program.weights[1])
      }
    }
    let reflected = try await children(Reflection.text(digest))
    // The rule fires with probability 0.9 · 0.6.
    let smaller = reflected.filter { $0.lazy < 5 }.count
    #expect((80...150).contains(smaller), "\(smaller)")
    let asked = try await children("It should care more about far things.")
    #expect(asked.filter { $0.far > 2 }.count > 150)
    #expect(try await model.complete(ChatRequest(first, n: 3)).answers.count == 3)
  }

  // MARK: The tasks

  /// The person's programs say what ships with the environments, and the sparse ones what the fitness says.
  @Test func humanAndSparseRewardsAreWhatTheyClaim() throws {
    for task in DesignedTask.all {
      let loaded = try task.load()
      let environment = try Environments.make(loaded.environment.id, count: 1)
      let episode = try #require(try playRandomly(in: environment, episodes: 1, seed: 5).first)
      let batch = episode.transitions, rows = 0..<episode.length
      func rewards(_ source: String) throws -> [Double] {
        var total = [Double](repeating: 0, count: rows.count)
        let program = try RewardProgram.compile(source, schema: loaded.schema)
        ProgramReward(program).makeEvaluator().evaluate(batch, rows: rows, total: &total, terms: nil)
        return total
      }
      let human = try rewards(task.human)
      let expression = try rewards(
        "def compute_reward(self, action):\n    return "
          + task.humanExpression.replacing(/[a-z_]{3,}/) { "self.\($0.output)" } + "\n")
      #expect(zip(human, expression).allSatisfy { abs($0 - $1) < 1e-12 })
      if task.name == "reacher" {
        #expect(abs(human.reduce(0, +) - episode.environmentReturn) < 1e-9)
      } else {
        // Pendulum's own reward looks at the state before the step: the sums differ by the two ends.
        let first = try #require(batch.column("obs"))
        let angle = atan2(first[batch.capacity], first[0]), speed = first[2 * batch.capacity]
        let last = rows.count - 1
        let angles = try #require(batch.column("angle")), speeds = try #require(batch.column("angular_velocity"))
        let ends = angles[last] * angles[last] + 0.1 * speeds[last] * speeds[last] - angle * angle - 0.1 * speed * speed
        #expect(abs(human.reduce(0, +) + ends - episode.environmentReturn) < 1e-4)
      }
      let sparse = try rewards(task.sparse)
      let fitness = loaded.fitness.makeEvaluator().evaluateEpisode(base: batch.base, stride: batch.capacity, rows: rows)
      let half = task.name == "pendulum" ? 100 : 25
      #expect(abs(sparse.suffix(half).reduce(0, +) / Double(half) - fitness) < 1e-12)
    }
  }
}
