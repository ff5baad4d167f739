import Agents
import Basics
import Endpoints
import Environments
import Experiments
import Foundation
import Schemas
import Synchronization
import TestSupport
import Testing
import Torch

@testable import GeneratedRewards

/// Captions by their number in a record of one column.
private struct NumberedCaptions: CaptionReader {
  let captions: [Caption]

  func caption(of batch: TransitionBatch, row: Int) -> Caption { captions[Int(batch.base[row])] }
}

/// An annotator that hands over what a test gives it.
private final class HandedAnnotator: Annotator {
  private let finished = Mutex<[LabelledQuery]>([])
  private let asked = Mutex<[CaptionQuery]>([])

  func submit(_ queries: [CaptionQuery]) { asked.withLock { $0 += queries } }
  func advance(to steps: Int) {}
  func deliver(_ labels: [LabelledQuery]) { finished.withLock { $0 += labels } }
  func collect() -> [LabelledQuery] {
    finished.withLock { finished in
      defer { finished = [] }
      return finished
    }
  }
  var waiting: Int { 0 }
  var submitted: [CaptionQuery] { asked.withLock { $0 } }
}

private let helpful = Caption("You climb down the stairs.")
private let useless = Caption("You bump into a damp wall.")
private let empty = Caption("")

/// A rollout of given captions, 0 empty, 1 helpful, 2 useless, `count` environments side by side.
private func rollout(
  _ numbers: [Double], count: Int = 1, ends: Set<Int> = [], rewards: [Int: Double] = [:]
) -> CollectedRollout {
  let batch = TransitionBatch(
    schema: Schema(environment: "test", fields: [Field("message", meaning: "")]), capacity: numbers.count)
  for (row, number) in numbers.enumerated() { batch.base[row] = number }
  return CollectedRollout(
    transitions: batch, steps: numbers.count / count, count: count,
    environmentRewards: numbers.indices.map { rewards[$0] ?? 0 }, terminated: numbers.indices.map { ends.contains($0) },
    truncated: numbers.map { _ in false })
}

private func taught(_ captions: [Caption] = [helpful], annotator: (any Annotator)? = nil) -> OnlineIntrinsicReward {
  let table = LabelTable()
  table.update(captions.map { ($0, true) })
  return OnlineIntrinsicReward(
    model: RetrievalReward(table), reader: NumberedCaptions(captions: [empty, helpful, useless]), annotator: annotator)
}

/// What a rollout is paid.
private func paid(_ reward: OnlineIntrinsicReward, _ rollout: CollectedRollout) throws -> [Double] {
  try reward.observe(rollout)
  var rewards = [Double](repeating: .nan, count: rollout.rows)
  #expect(try reward.revise(&rewards))
  return rewards
}

private func isClose(_ a: [Double], _ b: [Double]) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-12 }
}

/// The unit checks of ONI's brief.
@Suite struct ONITests {
  // MARK: Total reward

  /// Unit check 1: Σ k⁻³ = ζ(3) = 1.2020569 in all, 1 + 1/8 + 1/27 = 1.162037 after three times.
  @Test func aRepeatedCaptionPaysAtMostZeta() throws {
    let rewards = try paid(taught(), rollout(Array(repeating: 1, count: 100_000)))
    #expect(abs(rewards.prefix(3).reduce(0, +) / 0.4 - 1.162037) < 1e-6)
    #expect(abs(rewards.reduce(0, +) / 0.4 - 1.2020569) < 1e-7)
    #expect(abs(ONI.Weights().totalPay(of: 3) - 0.4 * 1.162037) < 1e-6)
  }

  /// Unit check 5: counts begin anew with each episode, and each environment has its own; they outlast a rollout.
  @Test func countsAreOfAnEpisodeAndAnEnvironment() throws {
    let reward = taught()
    // Two environments: rows 0, 2, 4 and 1, 3, 5. The first one's episode ends in row 2.
    let first = try paid(reward, rollout([1, 1, 1, 0, 1, 1], count: 2, ends: [2]))
    #expect(isClose(first, [1, 1, 1.0 / 8, 0, 1, 1.0 / 8].map { 0.4 * $0 }))
    let second = try paid(reward, rollout([1, 1], count: 2))
    #expect(isClose(second, [1.0 / 8, 1.0 / 27].map { 0.4 * $0 }))
    reward.forgetOpenEpisodes()
    #expect(try isClose(paid(reward, rollout([1, 1], count: 2)), [0.4, 0.4]))
  }

  @Test func bothRewardsAreWeighted() throws {
    let rewards = try paid(taught(), rollout([1, 2, 0, 1], rewards: [1: 2, 3: 1]))
    #expect(isClose(rewards, [0.4, 20, 0, 10 + 0.4 / 8]))
  }

  /// Labels that arrive in the middle of an update change what its later minibatches are paid, and nothing is stored.
  @Test func rewardsAreThoseOfTheNewestLabels() throws {
    let annotator = HandedAnnotator()
    let reward = taught([], annotator: annotator)
    #expect(try paid(reward, rollout([1, 2, 1])) == [0, 0, 0])
    #expect(annotator.submitted == [.caption(helpful), .caption(useless)])
    var rewards = [9.0, 9, 9]
    #expect(try !reward.revise(&rewards) && rewards == [9, 9, 9])
    annotator.deliver([LabelledQuery(.caption(helpful), .helpful), LabelledQuery(.caption(useless), .unhelpful)])
    #expect(try reward.revise(&rewards) && isClose(rewards, [0.4, 0, 0.05]))
    #expect(try !reward.revise(&rewards))
    // An answer is not asked for again; empty captions never are.
    _ = try paid(reward, rollout([0, 1, 2]))
    #expect(annotator.submitted.count == 2)
  }

  // MARK: Captions

  @Test func captionsAreBytesWithoutPadding() {
    #expect(Caption(bytes: [72, 105, 0, 0]).bytes == [72, 105])
    #expect(Caption(bytes: [0, 0]).isEmpty)
    #expect(Caption(bytes: [0xe9, 0xff]).text == "éÿ")
    #expect(Caption("é€").bytes == [0xe9, UInt8(ascii: "?")])
    #expect(Caption(bytes: Array(repeating: 65, count: 300)).bytes.count == 256)
  }

  @Test func bytesInARecordAreACaption() throws {
    let schema = Schema(
      environment: "test", fields: [Field("x", meaning: ""), Field("message", shape: [4], meaning: "")])
    let spec = EnvironmentSpec(
      id: "test", observationSpace: .discrete(1), actionSpace: .discrete(1), schema: schema, maxEpisodeSteps: 1,
      summary: "")
    let batch = TransitionBatch(schema: schema, capacity: 2)
    for (column, value) in [7.0, 72, 105, 0, -3].enumerated() { batch.base[column * 2 + 1] = value }
    let reader = try #require(ByteCaptions(field: "message", of: spec))
    #expect(reader.caption(of: batch, row: 1).text == "Hi" && reader.caption(of: batch, row: 0).isEmpty)
    #expect(ByteCaptions(field: "text", of: spec) == nil)
  }

  // MARK: Networks

  /// Unit check 2: the lengths, and 471 554 parameters with the padding's row.
  @Test func networkHasThePapersShape() {
    #expect(MessageEncoder.lengths == [256, 250, 83, 77, 25, 23, 21, 19, 17, 5])
    let classifier = CaptionClassifier(generator: Generator(seed: 0))
    #expect(classifier.parameters().map(\.numel).reduce(0, +) == 471_554)
    let ranker = CaptionRanker(generator: Generator(seed: 0))
    #expect(ranker.parameters().map(\.numel).reduce(0, +) == 471_554 - 513)
  }

  /// Logits and gradients beside PyTorch's of the network on 256 bytes each, for captions of all kinds of lengths: what is
  /// left out of the padding changes nothing.
  @Test(arguments: [[0, 1, 5, 40], [83, 100], [200, 254, 255], [256, 3]]) func equalsPyTorch(_ lengths: [Int]) throws {
    let classifier = CaptionClassifier(generator: Generator(seed: 5))
    classifier.eval()
    let captions = lengths.map { length in Caption(bytes: (0..<length).map { UInt8(1 + ($0 * 37 + length) % 255) }) }
    let logits = classifier(captions)
    (logits * Tensor((0..<logits.numel).map { Float($0 % 3) + 1 }, shape: logits.shape)).sum().backward()
    struct Input: Encodable {
      var parameters: [String: [Float]] = [:]
      var captions: [[UInt8]]
    }
    struct Output: Decodable {
      var logits: [Float]
      var gradients: [String: [Float]]
    }
    var input = Input(captions: captions.map(\.bytes))
    for (name, tensor) in classifier.namedParameters() { input.parameters[name] = tensor.detach().array() }
    let expected: Output = try Python.run(
      """
      import json, sys, torch
      from torch import nn
      d = json.load(sys.stdin)
      class Encoder(nn.Module):
          def __init__(self):
              super().__init__()
              self.embedding = nn.Embedding(256, 32, padding_idx=0)
              self.wide = nn.ModuleList([nn.Conv1d(32, 64, 7), nn.Conv1d(64, 64, 7)])
              self.narrow = nn.ModuleList([nn.Conv1d(64, 64, 3) for _ in range(4)])
              self.dense = nn.ModuleList([nn.Linear(320, 128), nn.Linear(128, 512), nn.Linear(512, 512)])
          def forward(self, ids):
              x = self.embedding(ids).transpose(1, 2)
              pool = nn.functional.max_pool1d
              for c in self.wide: x = pool(c(x).relu(), 3)
              for c in self.narrow: x = c(x).relu()
              x = pool(x, 3).flatten(1)
              for l in self.dense: x = l(x).relu()
              return x
      class Classifier(nn.Module):
          def __init__(self):
              super().__init__()
              self.encoder = Encoder()
              self.head = nn.Linear(512, 2)
          def forward(self, ids): return self.head(self.encoder(ids))
      net = Classifier()
      state = {k: torch.tensor(d["parameters"][k]).view(v.shape) for k, v in net.state_dict().items()}
      net.load_state_dict(state)
      ids = torch.tensor([c + [0] * (256 - len(c)) for c in d["captions"]])
      out = net(ids)
      weights = (torch.arange(out.numel()) % 3 + 1).view(out.shape)
      (out * weights).sum().backward()
      json.dump({"logits": out.flatten().tolist(),
                 "gradients": {k: p.grad.flatten().tolist() for k, p in net.named_parameters()}}, sys.stdout)
      """, input: input)
    let found: [Float] = logits.detach().array()
    for (a, b) in zip(found, expected.logits) { #expect(abs(a - b) < 1e-5) }
    for (name, tensor) in classifier.namedParameters() {
      let mine: [Float] = try #require(tensor.grad).array(), theirs = try #require(expected.gradients[name])
      let scale = theirs.map(abs).max() ?? 0
      #expect(mine.count == theirs.count)
      #expect(zip(mine, theirs).allSatisfy { abs($0 - $1) <= 1e-4 * scale + 1e-7 }, "\(name) at \(lengths)")
    }
  }

  /// Unit check 3: ln 2 for equal scores whatever the label; ½ (ln(4/3) + ln 4) for a tie at a gap of ln 3.
  @Test func rankingLossHasItsClosedForm() {
    func loss(_ first: Double, _ second: Double, _ label: [Double]) -> Double {
      CaptionRanker.loss(
        scores: Tensor([first, second], shape: [1, 2]), labels: Tensor(label, shape: [1, 2])).item()
    }
    for label in [[1.0, 0], [0, 1], [0.5, 0.5]] { #expect(abs(loss(0.7, 0.7, label) - log(2)) < 1e-12) }
    #expect(abs(loss(log(3), 0, [0.5, 0.5]) - 0.836_988) < 1e-6)
    #expect(abs(loss(log(3), 0, [1, 0]) - log(4.0 / 3)) < 1e-12)
  }

  /// Unit check 4.
  @Test func rankingPaysAboveTheThresholdOnly() {
    #expect(RankingReward.reward(z: -0.6) == 0 && RankingReward.reward(z: -0.5) == 0)
    #expect(RankingReward.reward(z: -0.4) == -0.4 && RankingReward.reward(z: 2) == 2)
  }

  private static let small: CaptionTraining = {
    var training = CaptionTraining()
    training.learningRate = 1e-3
    training.stepsAtArrival = 8
    return training
  }()

  private func seen(_ rows: [Int?], _ captions: [Caption]) -> SeenCaptions {
    var seen = SeenCaptions()
    (seen.distinct, seen.paid, seen.rows) = (captions, captions.map { _ in false }, rows)
    return seen
  }

  /// What is paid is the normalised score, by the moments of the observations, not the score itself.
  @Test func rankingPaysTheNormalisedScore() throws {
    var training = Self.small
    training.stepsAtArrival = 32
    let model = RankingReward(training: training, seed: 1)
    let batch = seen([0, 1, 1, nil, 1], [helpful, useless])
    model.train(on: batch)
    #expect(model.rewards(of: [helpful, useless]) == [0, 0] && model.version == 0)
    model.learn(from: [LabelledQuery(.pair(helpful, useless), .first)])
    model.train(on: batch)
    let scores = model.scores(of: [helpful, useless])
    #expect(scores[0] > scores[1])
    let observed = [scores[0], scores[1], scores[1], scores[1]]
    let mean = Statistics.mean(observed)
    let deviation = (observed.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4).squareRoot()
    let rewards = model.rewards(of: [helpful, useless])
    // The initial count of 1e-4 and the 1e-8 under the root are all that differs.
    #expect(abs(rewards[0] - (scores[0] - mean) / deviation) < 0.02)
    #expect(abs(rewards[0] - 3.0.squareRoot()) < 0.02)
    // −1/√3 is below −0.5.
    #expect(rewards[1] == 0)
    #expect(model.labelledCaptions == 2)
  }

  @Test func classificationLearnsAndIsSilentBefore() throws {
    let model = ClassificationReward(training: Self.small, seed: 2)
    #expect(model.rewards(of: [helpful, useless]) == [0, 0])
    model.learn(from: [LabelledQuery(.caption(helpful), .helpful), LabelledQuery(.caption(useless), .unhelpful)])
    #expect(model.version == 8)
    for _ in 0..<8 { model.learn(from: [LabelledQuery(.caption(helpful), .helpful)]) }
    model.learn(from: [LabelledQuery(.caption(useless), .unhelpful)])
    let probabilities = model.probabilities(of: [helpful, useless])
    #expect(probabilities[0] > probabilities[1])
    // Labels without an answer change nothing.
    let version = model.version
    model.learn(from: [])
    #expect(model.version == version && model.labelledCaptions == 2)
  }

  /// From `manyLabels` on there is one step a training batch, and none when labels arrive.
  @Test func manyLabelsAreLearnedFromBatchByBatch() {
    var training = Self.small
    training.manyLabels = 2
    let model = ClassificationReward(training: training, seed: 0)
    model.learn(from: [LabelledQuery(.caption(helpful), .helpful)])
    #expect(model.version == 8)
    model.train(on: seen([0], [helpful]))
    #expect(model.version == 8)
    model.learn(from: [LabelledQuery(.caption(useless), .unhelpful)])
    #expect(model.version == 8)
    model.train(on: seen([0], [helpful]))
    #expect(model.version == 9)
  }

  @Test func aCaptionIsRatedAloneAsInACrowd() {
    let model = ClassificationReward(training: Self.small, seed: 3)
    let captions = [helpful, Caption("x"), Caption(String(repeating: "ab ", count: 80)), useless]
    let together = model.probabilities(of: captions)
    for (caption, probability) in zip(captions, together) {
      #expect(abs(model.probabilities(of: [caption])[0] - probability) < 1e-5)
    }
  }

  /// Every 10th observation is a candidate; a caption once; random pairs where few wait.
  @Test func pairsComeFromEveryTenthObservation() {
    var candidates = RankingReward.Candidates()
    candidates.randomPairs = 0
    let captions = (0..<6).map { Caption("caption \($0)") }
    // Rows 0, 10, 20, 30 hold captions 0, 1, 1, 2; all others caption 5.
    var rows = [Int?](repeating: 5, count: 40)
    (rows[0], rows[10], rows[20], rows[30]) = (0, 1, 1, 2)
    func asked(_ candidates: RankingReward.Candidates, waiting: Int = 0) -> [CaptionQuery] {
      RankingReward(candidates: candidates, training: Self.small, seed: 0)
        .queries(for: seen(rows, captions), waiting: waiting)
    }
    func members(_ queries: [CaptionQuery]) -> Set<Caption> {
      queries.reduce(into: []) { if case .pair(let a, let b) = $1 { $0.formUnion([a, b]) } }
    }
    #expect(asked(candidates).count == 1)
    candidates.removesDuplicates = false
    #expect(asked(candidates).count <= 2)
    candidates.randomPairs = 50
    let pairs = asked(candidates)
    #expect(pairs.count > 10 && members(pairs) == Set(captions.prefix(3)))
    #expect(pairs.allSatisfy { if case .pair(let a, let b) = $0 { a != b } else { false } })
    #expect(asked(candidates, waiting: 200).count <= 2)
  }

  @Test func bagsOfWordsCannotTellAGoalFromItsOpposite() {
    let descend = BagOfWordsReward(goal: "climb down the stairs")
    let never = BagOfWordsReward(goal: "never climb down the stairs")
    // Words you, climb, down, the, stairs: 4 of 5 shared with 4.
    #expect(abs(descend.similarity(to: helpful) - 4 / (5.0 * 4).squareRoot()) < 1e-12)
    #expect(descend.similarity(to: useless) == 0 && descend.similarity(to: empty) == 0)
    for model in [descend, never] {
      let rewards = model.rewards(of: [helpful, useless])
      #expect(rewards[0] > 0.5 && rewards[1] == 0)
    }
  }

  // MARK: Annotation

  @Test func theNewestIsLabelledFirstAndNothingTwice() {
    var queue = AnnotationQueue(limit: 3)
    let queries = (0..<5).map { CaptionQuery.caption(Caption("\($0)")) }
    queue.submit(Array(queries[0..<2]))
    queue.submit(Array(queries[0..<3]))
    #expect(queue.waiting == 3)
    #expect(queue.take(2) == [queries[2], queries[1]])
    // With the labeller they are still not asked again.
    queue.submit([queries[2], queries[1]])
    #expect(queue.waiting == 1)
    queue.finish([queries[2]])
    queue.submit([queries[2]])
    #expect(queue.take(5) == [queries[2], queries[0]])
    // Beyond the limit the oldest are forgotten, and may come again.
    var short = AnnotationQueue(limit: 2)
    short.submit(queries)
    #expect(short.take(9) == [queries[4], queries[3]])
    short.submit([queries[0]])
    #expect(short.waiting == 1)
  }

  /// 2 labels every 100 steps, 30 steps late.
  @Test func simulatedLabelsArriveByTheStep() {
    let annotator = SimulatedAnnotator(KeywordLabeller(keywords: ["stairs"]), batch: 2, period: 100, latency: 30)
    let third = Caption("third")
    annotator.submit([.caption(helpful), .caption(useless), .caption(third)])
    annotator.advance(to: 99)
    #expect(annotator.collect().isEmpty && annotator.waiting == 3)
    annotator.advance(to: 129)
    #expect(annotator.collect().isEmpty && annotator.waiting == 1)
    annotator.advance(to: 130)
    #expect(
      annotator.collect() == [LabelledQuery(.caption(third), .unhelpful), LabelledQuery(.caption(useless), .unhelpful)])
    #expect(annotator.collect().isEmpty)
    annotator.advance(to: 400)
    #expect(annotator.collect() == [LabelledQuery(.caption(helpful), .helpful)])
  }

  /// A labeller that waits until it is let go, and remembers what it was given.
  private final class GatedLabeller: CaptionLabeller {
    private let isOpen = Mutex(false)
    private let given = Mutex<[[CaptionQuery]]>([])

    func open() { isOpen.withLock { $0 = true } }
    var batches: [[CaptionQuery]] { given.withLock { $0 } }

    func label(_ queries: [CaptionQuery]) async throws -> [CaptionAnswer] {
      given.withLock { $0.append(queries) }
      while !isOpen.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(1)) }
      return queries.map { KeywordLabeller(keywords: ["stairs"]).answer($0) }
    }
  }

  private func patiently(_ condition: () throws -> Bool) async throws -> Bool {
    for _ in 0..<2_000 {
      if try condition() { return true }
      try await Task.sleep(for: .milliseconds(5))
    }
    return false
  }

  @Test func theLearnerNeverWaitsForTheLabeller() async throws {
    let labeller = GatedLabeller()
    let annotator = AsynchronousAnnotator(labeller, batch: 2, idle: .milliseconds(1))
    annotator.submit([.caption(helpful)])
    #expect(try await patiently { labeller.batches.count == 1 })
    let later = (0..<3).map { CaptionQuery.caption(Caption("\($0)")) }
    annotator.submit(later)
    // The labeller is busy for as long as the test likes: nothing is there, and nobody waits.
    for _ in 0..<1_000 { #expect(try annotator.collect().isEmpty) }
    labeller.open()
    var labels: [LabelledQuery] = []
    #expect(
      try await patiently {
        labels += try annotator.collect()
        return labels.count == 4
      })
    #expect(labels.first == LabelledQuery(.caption(helpful), .helpful))
    #expect(labeller.batches == [[.caption(helpful)], [later[2], later[1]], [later[0]]])
  }

  private struct BrokenLabeller: CaptionLabeller {
    let answers: [CaptionAnswer]?

    func label(_ queries: [CaptionQuery]) async throws -> [CaptionAnswer] {
      guard let answers else { throw GuerdonError.failure("The endpoint is dead.") }
      return answers
    }
  }

  @Test(arguments: [nil, [CaptionAnswer.helpful, .helpful]]) func aLabellerThatFailsIsReported(
    _ answers: [CaptionAnswer]?
  ) async throws {
    let annotator = AsynchronousAnnotator(BrokenLabeller(answers: answers), idle: .milliseconds(1))
    annotator.submit([.caption(helpful)])
    var message = ""
    _ = try await patiently {
      do {
        _ = try annotator.collect()
        return false
      } catch let error as GuerdonError {
        message = error.message
        return true
      }
    }
    #expect(
      message == (answers == nil ? "The endpoint is dead." : "The labeller gave 2 answers to 1 questions."))
  }

  @Test func theTableIsSharedByThreads() {
    let table = LabelTable()
    WorkerPool(threads: 4).forEach(4_000) { index in
      table.update([(Caption("\(index % 1_000)"), index % 2 == 0)])
      _ = table[Caption("\(index)")]
    }
    #expect(table.count == 1_000)
    #expect((0..<1_000).allSatisfy { table[Caption("\($0)")] == ($0 % 2 == 0) })
    #expect(table.update([(Caption("1"), true), (Caption("new"), true)]) == [Caption("new")])
  }

  // MARK: Labellers

  @Test func flipsAreOfACaptionAndAsOftenAsTheyShould() {
    let labeller = KeywordLabeller(keywords: ["stairs"], flip: 0.05, seed: 7)
    let captions = (0..<20_000).map { Caption("The stairs \($0)") }
    let answers = captions.map { labeller.answer(.caption($0)) }
    // Standard deviation 31.
    #expect(abs(answers.filter { $0 == .unhelpful }.count - 1_000) < 160)
    #expect(captions.map { labeller.answer(.caption($0, paid: true)) } == answers)
    let other = KeywordLabeller(keywords: ["stairs"], flip: 0.05, seed: 8)
    #expect(captions.map { other.answer(.caption($0)) } != answers)
    let exact = KeywordLabeller(keywords: ["stairs"])
    #expect(exact.answer(.pair(helpful, useless)) == .first && exact.answer(.pair(useless, helpful)) == .second)
    #expect(exact.answer(.pair(helpful, helpful)) == .tie)
    let random = captions.filter { RandomLabeller(seed: 1).answer(.caption($0)) == .helpful }.count
    // Standard deviation 71.
    #expect(abs(random - 10_000) < 360)
    #expect(ScoreLabeller().answer(.caption(useless, paid: true)) == .helpful)
    #expect(ScoreLabeller().answer(.caption(helpful, paid: false)) == .unhelpful)
  }

  private struct ScriptedModel: ChatModel {
    let name = "scripted"
    let reply: @Sendable (ChatRequest) -> String

    func complete(_ request: ChatRequest) async throws -> ChatResponse { ChatResponse(answers: [reply(request)]) }
  }

  @Test func aLanguageModelLabels() async throws {
    let model = ScriptedModel { request in
      let text = request.messages.last?.content ?? ""
      guard request.temperature == 0.1, request.messages.first?.role == .system else { return "" }
      if text.contains("Message 1") { return "I choose <choice>1</choice>, no: <choice> 2 </choice>" }
      return text.contains("The message: \"You climb") ? "Good. <label>A</label>" : "Bad. <label>B</label>"
    }
    let labeller = ChatLabeller(model, game: .netHack(.stairs))
    let queries: [CaptionQuery] = (0..<20).map { $0 % 3 == 0 ? .caption(helpful) : .caption(useless) } + [.pair(helpful, useless)]
    let answers = try await labeller.label(queries)
    #expect(answers == (0..<20).map { $0 % 3 == 0 ? .helpful : .unhelpful } + [.second])
  }

  @Test func completionsAreRead() {
    func single(_ text: String) -> CaptionAnswer { ChatLabeller.parse(text, for: .caption(helpful)) }
    func pair(_ text: String) -> CaptionAnswer { ChatLabeller.parse(text, for: .pair(helpful, useless)) }
    #expect(single("<label>A</label>") == .helpful && single("x <LABEL> a </LABEL>") == .helpful)
    #expect(single("<label>B</label>") == .unhelpful && single("A") == .unhelpful && single("") == .unhelpful)
    #expect(single("<label>B</label> or <label>A</label>") == .helpful && single("<label>A") == .unhelpful)
    #expect(pair("<choice>1</choice>") == .first && pair("<choice>2</choice>") == .second)
    #expect(pair("<choice>none</choice>") == .tie && pair("both") == .tie && pair("<choice>3</choice>") == .tie)
  }

  @Test func goalsTurnTheExamplesOfThePrompt() throws {
    func prompt(_ goal: ChatLabeller.Game.NetHackGoal) -> String {
      ChatLabeller(ScriptedModel { _ in "" }, game: .netHack(goal)).messages(for: .caption(useless)).last?.content ?? ""
    }
    for goal in ChatLabeller.Game.NetHackGoal.allCases {
      #expect(prompt(goal).contains("The message: \"You bump into a damp wall.\""))
      #expect(prompt(goal).contains("\"This door is closed.\" → <label>B</label>"))
    }
    #expect(prompt(.score).contains("level 2.\" → <label>A</label>"))
    #expect(prompt(.gold).contains("level 2.\" → <label>B</label>"))
    #expect(prompt(.gold).contains("gold pieces.\" → <label>A</label>"))
    #expect(prompt(.combat).contains("gold pieces.\" → <label>B</label>"))
  }

  // MARK: The experiment

  private func reproduced(_ configuration: ONI.Configuration, jobs: Int) async throws -> Evidence {
    try await ONI.reproduce(
      configuration, in: RunContext(jobs: jobs, progress: ProgressLine(quiet: true), interruption: Interruption()))
  }

  /// Networks, pairs, flips and the simulated clock included.
  @Test func theSameSeedGivesTheSameEvidence() async throws {
    var configuration = ONI.Configuration.full
    configuration.seeds = [0, 1]
    configuration.steps = 6_000
    configuration.annotation.latency = 1_000
    configuration.training.stepsAtArrival = 2
    configuration.throughputSteps = 0
    configuration.ablations = false
    let runs = try [await reproduced(configuration, jobs: 1), await reproduced(configuration, jobs: 3)]
    #expect(runs[0] == runs[1])
    #expect(runs[0].arms["ranking"]?["labelled captions"]?.allSatisfy { $0 > 0 } == true)
    configuration.seeds = [2, 3]
    #expect(try await reproduced(configuration, jobs: 2).arms != runs[0].arms)
  }

  @Test func aShortTabularRunTellsTheArmsApart() async throws {
    var configuration = ONI.Configuration.smoke
    configuration.seeds = [0]
    let evidence = try await reproduced(configuration, jobs: 2)
    let success = evidence.arms.mapValues { $0["success"]?.first ?? .nan }
    #expect((success["retrieval"] ?? 0) > 0.8 && (success["extrinsic only"] ?? 1) < 0.2)
    #expect(evidence.claims.count == 4)
  }

  @Test func whatCannotBeRunIsRefused() async throws {
    let changes: [(inout ONI.Configuration) -> Void] = [
      { $0.seeds = [] }, { $0.annotation.batch = 0 }, { $0.annotation.flip = 2 }, { $0.training.learningRate = 0 },
      { $0.dungeon.size = 4 }, { $0.weights.countExponent = .infinity },
    ]
    for broken in changes {
      var configuration = ONI.Configuration.smoke
      broken(&configuration)
      await #expect(throws: GuerdonError.self) { try await reproduced(configuration, jobs: 1) }
    }
  }

  // MARK: NetHack

  /// NetHack's message line through the bridge, labelled in a task of its own while PPO plays.
  @Test(.enabled(if: hasWorlds)) func netHackIsLabelledWhileItIsPlayed() async throws {
    var nethack = GymnasiumConfiguration("nle:NetHackScore-v0")
    nethack.python = worlds
    nethack.observing = ["blstats", "message"]
    let environment = try GymnasiumEnvironment(nethack, count: 4, seed: 1)
    let reader = try #require(ByteCaptions(field: "message", of: environment.spec))
    let model = RetrievalReward()
    let annotator = AsynchronousAnnotator(KeywordLabeller(keywords: ["door", "gold"]), batch: 100, idle: .milliseconds(5))
    let reward = OnlineIntrinsicReward(model: model, reader: reader, annotator: annotator)
    var configuration = PPO.Configuration()
    configuration.rolloutSteps = 64
    configuration.normalizesObservations = true
    let ppo = try PPO(
      environment: environment, configuration: configuration, reward: .live(reward), seed: 1,
      pool: WorkerPool(threads: 1))
    #expect(
      try await patiently {
        _ = try ppo.iterate()
        return model.labelledCaptions >= 3
      })
    #expect(reward.captioned > 0 && reward.captioned < reward.steps)
  }
}

/// The Python of `scripts/setup --worlds`, which has NLE.
private let worlds = Dependencies.directory.map { $0.appendingPathComponent("worlds/bin/python") }
private let hasWorlds = worlds.map { FileManager.default.isExecutableFile(atPath: $0.path) } ?? false
