import Basics
import Endpoints
import Environments
import Foundation
import Proposers
import RewardPrograms
import Rewards
import Schemas
import TestSupport
import Testing

@testable import GeneratedRewards

/// One environment of three numbers that reports success from its tenth step on and lasts thirty.
private final class Clock: VectorEnvironment {
  static let limit = 30, successAt = 10

  let spec = EnvironmentSpec(
    id: "Clock-v0", observationSpace: .box(1), actionSpace: .box(1, low: -1, high: 1),
    schema: Schema(
      environment: "Clock-v0",
      fields: [
        Field("time", meaning: "Steps."), Field("success", meaning: "1 from step 10 on."),
        Field("terminated", meaning: "1 at an early end."),
      ]),
    maxEpisodeSteps: Clock.limit, summary: "")
  let count: Int
  let endsByItself: Bool
  private let numbers: UnsafeMutablePointer<Double>
  private let flags: UnsafeMutablePointer<Bool>

  init(count: Int, endsByItself: Bool = false) {
    (self.count, self.endsByItself) = (count, endsByItself)
    numbers = .allocate(capacity: 3 * count)
    numbers.initialize(repeating: 0, count: 3 * count)
    flags = .allocate(capacity: 2 * count)
    flags.initialize(repeating: false, count: 2 * count)
  }
  deinit {
    numbers.deallocate()
    flags.deallocate()
  }

  var observations: UnsafeBufferPointer<Double> { .init(start: numbers, count: count) }
  var finalObservations: UnsafeBufferPointer<Double> { .init(start: numbers + count, count: count) }
  var rewards: UnsafeBufferPointer<Double> { .init(start: numbers + 2 * count, count: count) }
  var terminated: UnsafeBufferPointer<Bool> { .init(start: flags, count: count) }
  var truncated: UnsafeBufferPointer<Bool> { .init(start: flags + count, count: count) }

  func reset(seed: UInt64?) { for i in 0..<count { numbers[i] = 0 } }
  func reset(mask: [Bool], seed: UInt64?) { for i in 0..<count where mask[i] { numbers[i] = 0 } }
  func step(_ actions: UnsafeBufferPointer<Double>, recording record: TransitionBatch?, at row: Int) {
    for i in 0..<count {
      // Environment i is i steps late.
      let time = numbers[i] + 1
      let success = time >= Double(Self.successAt + i)
      flags[i] = endsByItself && success
      flags[count + i] = time == Double(Self.limit)
      record?.base[row + i] = time
      if let record {
        record.base[record.capacity + row + i] = success ? 1 : 0
        record.base[2 * record.capacity + row + i] = 0
      }
      numbers[count + i] = time
      numbers[i] = flags[i] || flags[count + i] ? 0 : time
    }
  }
  func saveState() -> [EnvironmentState] { [] }
  func restore(_ states: [EnvironmentState]) {}
}

@Suite struct Text2RewardTests {
  private static let drawerReward = """
    import numpy as np

    def compute_dense_reward(self, action):
        reach = np.linalg.norm(self.robot.ee_position - self.obj1.position)
        place = np.linalg.norm(self.obj1.position - self.goal_position)
        open_hand = 0.01 if reach < 0.1 and self.robot.gripper_openness > -1 else 0.0
        return -reach - place - open_hand - 0.001 * np.linalg.norm(action)

    """

  private func manipulation(_ instruction: String = "Close the drawer.") throws -> Text2Reward.WritingTask {
    Text2Reward.WritingTask(
      name: "drawer", instruction: instruction, abstraction: try .metaWorld(),
      schema: Text2Reward.randomRecords(rows: 1, seed: 0).schema)
  }

  private func rewards(_ source: String, _ schema: Schema, _ batch: TransitionBatch, rows: Int) throws -> [Double] {
    let program = try RewardProgram.compile(source, schema: schema)
    var total = [Double](repeating: 0, count: rows)
    ProgramReward(program).makeEvaluator().evaluate(batch, rows: 0..<rows, total: &total, terms: nil)
    return total
  }

  // MARK: Symbols

  @Test func longerNamesAreReplacedFirst() throws {
    let map = try SymbolMap(["a.b.c": "X", "a.b": "Y", "a": "Z"])
    #expect(map.specific("a.b.c + a.b + a") == "X + Y + Z")
    #expect(map.general("X + Y + Z") == "a.b.c + a.b + a")
  }

  /// What plain replacement corrupts: a name within a name, and what a replacement brought in.
  @Test func onlyWholeNamesAreReplaced() throws {
    let map = try SymbolMap(["self.obj": "self.x[0:3]", "x": "y", "self.obj1": "self.x[3:6]"])
    #expect(
      map.specific("self.obj10 + self.obj1 - self.obj[0] + max(x, xs, self.x)")
        == "self.obj10 + self.x[3:6] - self.x[0:3][0] + max(y, xs, self.x)")
  }

  @Test func aMapWithoutAWayBackIsRefused() throws {
    #expect(throws: GuerdonError.self) { try SymbolMap(["a": "X", "b": "X"]) }
    #expect(throws: GuerdonError.self) { try SymbolMap(["": "X"]) }
    let missing = [EnvironmentAbstraction.Declaration("BaseEnv", [.init("speed", "float", "m/s")])]
    #expect(throws: GuerdonError.self) { try EnvironmentAbstraction(setting: "", classes: missing, symbols: [:]) }
    #expect(throws: GuerdonError.self) {
      try EnvironmentAbstraction(setting: "", classes: missing, symbols: ["self.speed": "v", "self.height": "h"])
    }
  }

  @Test(arguments: [1, 2]) func generalCodeSurvivesTheWayThereAndBack(objects: Int) throws {
    let abstraction = try EnvironmentAbstraction.metaWorld(objects: objects)
    let code = abstraction.leaves.map { "x = \($0.path)[0] + 1" }.joined(separator: "\n")
    let specific = abstraction.symbols.specific(code)
    #expect(!specific.contains("self.robot") && !specific.contains("self.obj"))
    #expect(abstraction.symbols.general(specific) == code)
  }

  /// Every native environment is in the registry, and every name that it declares can be read.
  @Test(arguments: Environments.ids) func everyDeclaredNameCanBeRead(id: String) throws {
    let abstraction = try EnvironmentAbstraction.named(id)
    let schema = try Environments.spec(id).schema
    let lines = abstraction.leaves.map { "    total = total + np.sum(\($0.path))" }.joined(separator: "\n")
    let general = "import numpy as np\n\ndef compute_reward(self, action):\n    total = 0.0\n\(lines)\n    return total\n"
    let program = try RewardProgram.compile(abstraction.symbols.specific(general), schema: schema)
    // The action is a parameter beside them.
    #expect(Set(program.inputs.map(\.name)).subtracting(["action"]).count == abstraction.leaves.count)
  }

  // MARK: Values

  /// The brief's drawer reward: −0.5 − 1.2, with the hand too far away for the gripper to count.
  @Test func drawerRewardAtAKnownState() throws {
    let task = try manipulation()
    let batch = TransitionBatch(schema: task.schema, capacity: 1)
    let observation: [Int: [Double]] = [0: [0, 0, 0], 3: [1], 4: [0.3, 0.4, 0], 36: [0.3, 0.4, 1.2]]
    for (first, values) in observation {
      for (offset, value) in values.enumerated() { batch.base[first + offset] = value }
    }
    let value = try rewards(task.abstraction.symbols.specific(Self.drawerReward), task.schema, batch, rows: 1)[0]
    #expect(abs(value + 1.7) < 1e-12)
  }

  /// Both forms of the recipe and the drawer's reward, specific, in CPython on the same records.
  @Test(arguments: [0, 1, 2]) func specificCodeAgreesWithCPython(which: Int) throws {
    let task = try manipulation()
    let compiler = RecipeCompiler(task.abstraction)
    let general = try [
      Self.drawerReward, compiler.code(for: "", form: .linear, wishes: []), compiler.code(for: "", form: .staged, wishes: []),
    ][which]
    let rows = 200
    let (schema, batch) = Text2Reward.randomRecords(rows: rows, seed: 3)
    // Some hands at the object, and some objects at the goal, so that every branch is taken.
    for row in 0..<rows where row % 2 == 0 {
      for axis in 0..<3 {
        batch.base[axis * rows + row] = batch.base[(4 + axis) * rows + row] + 0.02
        if row % 4 == 0 { batch.base[(36 + axis) * rows + row] = batch.base[(4 + axis) * rows + row] - 0.01 }
      }
    }
    let specific = task.abstraction.symbols.specific(general)
    let ours = try rewards(specific, schema, batch, rows: rows)
    struct Input: Encodable {
      let source: String
      let records: [[Double]]
    }
    let theirs: [Double] = try Python.run(
      """
      import json, sys, types
      import numpy as np
      given = json.load(sys.stdin)
      scope = {}
      exec(given["source"], scope)
      def run(record):
          result = scope["compute_dense_reward"](types.SimpleNamespace(next_obs=np.array(record[:39])), np.array(record[39:]))
          return float(result[0] if isinstance(result, tuple) else result)
      print(json.dumps([run(record) for record in given["records"]]))
      """, input: Input(source: specific, records: (0..<rows).map { batch.record($0) }))
    #expect(zip(ours, theirs).allSatisfy { abs($0 - $1) <= 1e-9 * max(1, abs($1)) })
    #expect(Set(ours.map { ($0 * 1e6).rounded() }).count > rows / 2)
  }

  /// A shipped reward pays only where a coordinate equals the goal's to the last bit: that is warned of.
  @Test func exactEqualityIsWarnedOf() throws {
    let task = try manipulation()
    let specific = task.abstraction.symbols.specific(
      "def compute_dense_reward(self, action):\n    bonus = 100.0 if self.obj1.position[1] == self.goal_position[1] else 0.0\n    return bonus - self.robot.gripper_openness\n"
    )
    let program = try RewardProgram.compile(specific, schema: task.schema)
    #expect(program.warnings.contains { $0.code == "exact-equality" && $0.line == 2 })
  }

  // MARK: Retrieval

  @Test func retrievalNeverShowsTheTasksOwnPair() {
    let pool = InstructionPool(
      Text2Reward.instructions.sorted { $0.key < $1.key }.map { .init(task: $0, instruction: $1, code: $0) })
    for (task, instruction) in Text2Reward.instructions {
      let found = pool.nearest(to: instruction, task: task, count: 10)
      #expect(found.count == pool.pairs.count - 1)
      #expect(!found.contains { $0.task == task })
    }
    // Another drawer is nearer than a button.
    #expect(pool.nearest(to: "Close the drawer by its handle.", task: "drawer-close-v3", count: 1)[0].task != "button-press-v3")
    #expect(pool.nearest(to: "anything", task: "x", count: 0).isEmpty)
  }

  /// Cosines of TF-IDF vectors over the grams themselves, in Python.
  @Test func similaritiesAgreeWithPython() throws {
    let texts = ["Close the drawer.", "Open the drawer by its handle", "Push the BUTTON in the wall", "", "Run — schnell!"]
    let query = "close the door by its handle"
    let ours = NGramIndex(texts).similarities(to: query)
    let theirs: [Double] = try Python.run(
      """
      import collections, json, math, sys
      texts, query = json.load(sys.stdin)
      def grams(text):
          text = " " + text.lower() + " "
          return collections.Counter(text[i:i + n] for n in (3, 4, 5) for i in range(len(text) - n + 1))
      counts = [grams(t) for t in texts]
      df = collections.Counter(g for c in counts for g in c)
      def vector(c):
          return {g: k * (math.log((1 + len(texts)) / (1 + df[g])) + 1) for g, k in c.items()}
      def norm(v):
          return math.sqrt(sum(x * x for x in v.values()))
      q = vector(grams(query))
      out = []
      for v in map(vector, counts):
          n = norm(q) * norm(v)
          out.append(sum(q[g] * v[g] for g in q if g in v) / n if n else 0.0)
      print(json.dumps(out))
      """, input: Pair(texts: texts, query: query))
    #expect(zip(ours, theirs).allSatisfy { abs($0 - $1) < 1e-9 }, "\(ours) \(theirs)")
    #expect(ours[1] > ours[2] && ours[3] == 0)
  }

  private struct Pair: Encodable {
    let texts: [String]
    let query: String
    func encode(to encoder: any Encoder) throws {
      var container = encoder.unkeyedContainer()
      try container.encode(texts)
      try container.encode(query)
    }
  }

  // MARK: Prompt and answers

  @Test func thePromptHasItsBlocksInOrder() throws {
    let task = try manipulation("Close the drawer, gently.")
    let example = InstructionPool.Pair(task: "other", instruction: "Open the window.", code: "def f():\n    return 1\n")
    let messages = Text2Reward.prompt(task, examples: [example])
    #expect(messages.map(\.role) == [.system, .user])
    #expect(messages[0].content.contains(task.abstraction.setting))
    let user = messages[1].content
    let places = ["distance between the gripper", "class RigidObject:", "stages", "Open the window.", "Close the drawer, gently."]
      .map { user.range(of: $0)?.lowerBound }
    #expect(!places.contains(nil))
    let found = places.compactMap { $0 }
    #expect(found == found.sorted())
    #expect(!user.contains("standing still"))
    for leaf in task.abstraction.leaves { #expect(user.contains(leaf.attribute.comment)) }
    let walker = try EnvironmentAbstraction(
      setting: "", classes: [.init("BaseEnv", [.init("speed", "float", "m/s")])], symbols: ["self.speed": "self.v"],
      isLocomotion: true)
    let locomotion = Text2Reward.WritingTask(name: "", instruction: "Run.", abstraction: walker, schema: task.schema)
    #expect(Text2Reward.prompt(locomotion, examples: [])[1].content.contains("standing still"))
  }

  @Test func thePythonBlockIsTakenBeforeAnyOther() {
    let answer = "First:\n```\nplan\n```\nthen\n```python\ncode\n```\n```python\nmore\n```"
    #expect(CodeBlock.first(in: answer) == "code\n")
    #expect(CodeBlock.first(in: "```\nplan\n```") == "plan\n")
    #expect(CodeBlock.first(in: "no block") == nil)
    #expect(CodeBlock.first(in: "```python\nnever closed") == nil)
  }

  // MARK: Error loop

  /// Each fault is told with its line, and mended code is taken.
  @Test(arguments: ErringWriter.Fault.allCases) func theRetryHoldsTheFaultyLine(fault: ErringWriter.Fault) async throws {
    let task = try manipulation()
    let good = try await RecipeCompiler(task.abstraction).complete(
      ChatRequest(Text2Reward.prompt(task, examples: []))).answers[0]
    let spoilt = ErringWriter.spoil(good, by: fault)
    let model = ScriptedModel([spoilt.answer, good])
    let (_, batch) = Text2Reward.randomRecords(rows: 16, seed: 0)
    let written = try await Text2Reward.write(task, by: model, transitions: batch, rows: 16)
    #expect(written.attempts.count == 2 && written.attempts[1].error == nil)
    #expect(model.requests.count == 2)
    let retry = model.requests[1].messages
    // The prompt, the answer that failed, and what is wrong with it.
    #expect(retry.map(\.role) == [.system, .user, .assistant, .user])
    #expect(retry[2].content == spoilt.answer)
    #expect(retry[3].content.contains(spoilt.line), "\(retry[3].content)")
    #expect(!retry[3].content.contains("next_obs"), "told in the words of the general code")
    #expect(written.general.contains("self.robot.ee_position") && written.specific.contains("self.next_obs[0:3]"))
  }

  @Test func rewardsThatAreNoNumbersAreSentBack() async throws {
    let task = try manipulation()
    let code = "```python\nimport numpy as np\n\ndef compute_dense_reward(self, action):\n    return np.log(self.robot.gripper_openness)\n```"
    let model = ScriptedModel([code, code])
    let (_, batch) = Text2Reward.randomRecords(rows: 16, seed: 0)
    var writing = Text2Reward.Writing(examples: 0)
    writing.retries = 1
    await #expect(throws: GuerdonError.self) {
      try await Text2Reward.write(task, by: model, writing: writing, transitions: batch, rows: 16)
    }
    #expect(model.requests.count == 2)
    #expect(model.requests[1].messages.last?.content.contains("no finite number") == true)
  }

  // MARK: Dialogue

  @Test func theWholeHistoryIsShown() async throws {
    let task = try manipulation()
    func code(_ number: Int) -> String {
      "def compute_dense_reward(self, action):\n    return -\(number).0 * self.robot.gripper_openness\n"
    }
    let model = ScriptedModel((1...3).map { "```python\n\(code($0))```" })
    let (_, batch) = Text2Reward.randomRecords(rows: 4, seed: 0)
    var shown = 0
    let rounds = try await Text2Reward.refine(
      task, by: model, rounds: 5, transitions: batch, rows: 4,
      train: { _ in
        shown += 1
        return shown
      },
      listen: { $0 == 3 ? nil : .init(description: "it did \($0)", request: "do \($0) more", tag: "want x = \($0)") })
    #expect(rounds.map(\.shown) == [1, 2, 3])
    let requests = model.requests
    #expect(requests.map(\.messages.count) == [2, 4, 6])
    #expect(requests.allSatisfy { $0.temperature == 0.7 })
    #expect(requests[2].messages.map(\.role) == [.system, .user, .assistant, .user, .assistant, .user])
    for round in 1...2 {
      #expect(requests[2].messages[2 * round].content.contains(code(round)))
      let said = requests[2].messages[2 * round + 1].content
      #expect(said.contains("it did \(round)") && said.contains("do \(round) more") && said.contains("[want x = \(round)]"))
    }
  }

  @Test func theCompilerReadsExamplesAndFeedback() async throws {
    let task = try manipulation()
    let compiler = RecipeCompiler(task.abstraction)
    let staged = try compiler.code(for: "", form: .staged, wishes: [])
    let example = InstructionPool.Pair(task: "other", instruction: "Open the window.", code: staged)
    let fewShot = try await compiler.complete(ChatRequest(Text2Reward.prompt(task, examples: [example]), n: 2))
    #expect(fewShot.answers.count == 2 && CodeBlock.first(in: fewShot.answers[0]) == staged)
    let zeroShot = try await compiler.complete(ChatRequest(Text2Reward.prompt(task, examples: [])))
    #expect(try CodeBlock.first(in: zeroShot.answers[0]) == compiler.code(for: "", form: .linear, wishes: []))

    let pole = Text2Reward.WritingTask(
      name: "pole", instruction: "Keep the pole still.", abstraction: try .pendulum(),
      schema: try Environments.spec("Pendulum-v1").schema)
    let poleCompiler = RecipeCompiler(pole.abstraction)
    let first = try await poleCompiler.complete(ChatRequest(Text2Reward.prompt(pole, examples: []))).answers[0]
    #expect(first.contains("self.pole.angular_velocity") && !first.contains("self.pole.angle)"))
    let round = Text2Reward.Round(
      code: first, feedback: .init(description: "It hangs.", request: "Up.", tag: "want self.pole.angle = 0"))
    let second = try await poleCompiler.complete(
      ChatRequest(Text2Reward.prompt(pole, examples: []) + Text2Reward.messages(of: round))).answers[0]
    #expect(second.contains("(self.pole.angle - 0.0)"))
    let unknown = Text2Reward.Round(
      code: first, feedback: .init(description: "", request: "", tag: "want self.pole.height = 1"))
    await #expect(throws: GuerdonError.self) {
      try await poleCompiler.complete(
        ChatRequest(Text2Reward.prompt(pole, examples: []) + Text2Reward.messages(of: unknown)))
    }
    await #expect(throws: GuerdonError.self) { try await compiler.complete(ChatRequest([ChatMessage(.user, "Hello.")])) }
  }

  // MARK: Episodes

  @Test func trainingLastsToTheLimitAndEvaluationEndsWithSuccess() throws {
    let actions = UnsafeMutableBufferPointer<Double>.allocate(capacity: 2)
    actions.initialize(repeating: 0)
    defer { actions.deallocate() }
    let training = try SuccessWrapper(Clock(count: 2), mode: .training)
    for step in 1...Clock.limit {
      training.step(UnsafeBufferPointer(actions))
      #expect(!training.terminated[0] && !training.terminated[1])
      #expect(training.truncated[0] == (step == Clock.limit) && training.truncated[1] == (step == Clock.limit))
    }
    #expect(training.finalObservations[0] == Double(Clock.limit) && training.failure == nil)

    let evaluation = try SuccessWrapper(Clock(count: 2), mode: .evaluation)
    let batch = TransitionBatch(schema: evaluation.spec.schema, capacity: 2)
    for step in 1...Clock.successAt + 1 {
      evaluation.step(UnsafeBufferPointer(actions), recording: batch, at: 0)
      // The second environment succeeds a step later than the first, which has begun anew by then.
      #expect(evaluation.terminated[0] == (step == Clock.successAt))
      #expect(evaluation.terminated[1] == (step == Clock.successAt + 1))
      #expect(!evaluation.truncated[0] && !evaluation.truncated[1])
      #expect(batch.column("terminated")?[0] == (step == Clock.successAt ? 1 : 0))
      if step == Clock.successAt {
        #expect(evaluation.finalObservations[0] == Double(Clock.successAt) && evaluation.observations[0] == 0)
      }
    }
    #expect(evaluation.observations[0] == 1)
  }

  @Test func anEnvironmentThatEndsByItselfIsNotTrainedOn() throws {
    let actions = UnsafeMutableBufferPointer<Double>.allocate(capacity: 1)
    actions.initialize(repeating: 0)
    defer { actions.deallocate() }
    let training = try SuccessWrapper(Clock(count: 1, endsByItself: true), mode: .training)
    for _ in 0..<Clock.successAt { training.step(UnsafeBufferPointer(actions)) }
    #expect(training.failure?.kind == .usage)
    #expect(throws: GuerdonError.self) { try SuccessWrapper(Clock(count: 1), mode: .training, success: "done") }
  }
}
