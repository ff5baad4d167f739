import Basics
import Experiments
import Foundation
import Proposers
import RewardAudit
import RewardDesign

/// A run as the page shows it, and the question that is open. Every change has a number, so that a page that was away is
/// told what it missed.
struct StudioState {
  /// What a person may send.
  struct Answer: Decodable {
    enum Say: String, Decodable {
      case left, right, same, undo, finish, skip
    }

    /// The generation that the page is showing, counted from 0.
    var generation: Int
    /// How many answers the page knew of when this one was given; a second one to the same question has an old number.
    var pair: Int
    var say: Say
    /// With `finish`: the sentence.
    var words: String?

    private enum CodingKeys: String, CodingKey, CaseIterable { case generation, pair, say, words }

    init(from decoder: any Decoder) throws {
      try decoder.rejectKeys(except: CodingKeys.allCases.map(\.rawValue))
      let container = try decoder.container(keyedBy: CodingKeys.self)
      generation = try container.decode(Int.self, forKey: .generation)
      pair = try container.decode(Int.self, forKey: .pair)
      say = try container.decode(Say.self, forKey: .say)
      words = try container.decodeIfPresent(String.self, forKey: .words)
    }
  }

  /// The question that is open: clips under names that say nothing.
  private struct Question {
    var generation: Int
    var seed: UInt64
    var names: [Int: String]
    var clips: [String: Clip]
    var sort: PairwiseSort

    /// Which side the newcomer of a pair is shown on, by chance.
    func newcomerIsLeft(_ pair: Int) -> Bool {
      var random = RandomGenerator(seed: seed, spawnKey: [0x7369_6465, UInt32(pair)])
      return random.next() >> 63 == 0
    }
  }

  let task: DesignTask
  /// Whether scores are hidden while a question is open.
  let isBlind: Bool
  private(set) var version = 1
  private(set) var isEnded = false

  private var phase: Delta.Phase
  private var progress = Delta.Progress(done: 0, of: 0, rate: 0)
  private var probe: Double?
  private var history: DesignHistory
  private var proposals: [Int: (Proposal, generation: Int)] = [:]
  /// Of candidates that are being trained.
  private var running: [Int: TrainingDigest] = [:]
  private var changed: [Int: Int] = [:]
  private var policies: [Delta.Policy] = []
  private var question: Question?
  /// What was answered to the last question, until the adviser takes it.
  private var said: (generation: Int, feedback: Feedback?)?
  private var lastAnswered: Int?

  init(task: DesignTask, isBlind: Bool) {
    self.task = task
    self.isBlind = isBlind
    phase = Delta.Phase(name: .preparing)
    history = DesignHistory(goal: task.goal, environmentSummary: task.environment.summary, schema: task.schema)
  }

  // MARK: The run

  mutating func tell(_ event: DesignLoop.Event) {
    version += 1
    switch event {
    case .probed(_, let fitness): probe = fitness
    case .generationBegan(let generation, _): phase = Delta.Phase(name: .training, generation: generation)
    case .proposed(let new, let generation, let first, let ended):
      for (index, proposal) in new.enumerated() {
        proposals[first + index] = (proposal, generation)
        changed[first + index] = version
      }
      history.candidates += ended
    case .stepped(let done, let total, let rate): progress = Delta.Progress(done: done, of: total, rate: rate)
    case .candidateAdvanced(let id, let digest):
      running[id] = digest
      changed[id] = version
    case .candidateEnded(let candidate):
      running[candidate.id] = nil
      let place = history.candidates.firstIndex { $0.id > candidate.id } ?? history.candidates.count
      history.candidates.insert(candidate, at: place)
      changed[candidate.id] = version
    case .adviceGiven(let feedback): history.feedback.append(feedback)
    case .comparisonBegan(let count): phase = Delta.Phase(name: .comparing, clips: count)
    case .policyEnded(let arm, let seed, let fitness):
      policies.append(Delta.Policy(arm: arm, seed: "\(seed)", fitness: finite(fitness)))
    default: break
    }
  }

  mutating func end() {
    version += 1
    isEnded = true
    question = nil
    phase = Delta.Phase(name: .ended)
    showScores()
  }

  // MARK: The question

  mutating func film(_ generation: Int, done: Int, of count: Int) {
    version += 1
    phase = Delta.Phase(name: .filming, generation: generation, filmed: done, clips: count)
  }

  mutating func ask(_ review: BlindReview, generation: Int, seed: UInt64) {
    version += 1
    let names = Dictionary(uniqueKeysWithValues: review.clips.map { ($0.candidate, randomName()) })
    var clips: [String: Clip] = [:]
    for shown in review.clips { names[shown.candidate].map { clips[$0] = shown.clip } }
    question = Question(
      generation: generation, seed: seed, names: names, clips: clips, sort: PairwiseSort(review.clips.map(\.candidate)))
    said = nil
    phase = Delta.Phase(name: .asking, generation: generation)
    showScores()
  }

  /// What was answered, once; nil while it is waited for.
  mutating func takeAnswer() -> (generation: Int, feedback: Feedback?)? {
    defer { said = nil }
    return said
  }

  mutating func withdrawQuestion() {
    version += 1
    question = nil
    showScores()
  }

  /// - Returns: false when the question was answered before, and nothing was changed.
  /// - Throws: `StudioRefusal` when something else is asked now, or the answer cannot be understood.
  mutating func take(_ answer: Answer) throws -> Bool {
    let closes = answer.say == .finish || answer.say == .skip
    guard var open = question, open.generation == answer.generation else {
      if closes, answer.generation == lastAnswered { return false }
      let now = question.map { "the question is about generation \($0.generation + 1)" } ?? "nothing is asked now"
      throw StudioRefusal(.conflict, "This answer is to a question about generation \(answer.generation + 1), but \(now).")
    }
    if closes {
      let words = answer.say == .finish ? answer.words ?? "" : ""
      guard words.unicodeScalars.count <= Feedback.longestWords else {
        throw StudioRefusal(.unprocessableContent, "The sentence is longer than \(Feedback.longestWords) characters.")
      }
      let feedback = Feedback(
        generation: open.generation, ranking: open.sort.ranking, preferences: open.sort.preferences,
        words: Feedback.words(from: words))
      said = (open.generation, answer.say == .skip || feedback.isEmpty ? nil : feedback)
      lastAnswered = open.generation
      question = nil
      version += 1
      showScores()
      return true
    }
    guard answer.pair <= open.sort.answers.count else {
      throw StudioRefusal(.conflict, "Pair \(answer.pair + 1) is not asked yet.")
    }
    guard answer.pair == open.sort.answers.count else { return false }
    switch answer.say {
    case .undo:
      if open.sort.answers.isEmpty { return false }
      open.sort.undo()
    case .same, .left, .right:
      if open.sort.next == nil { return false }
      let isNewcomer = (answer.say == .left) == open.newcomerIsLeft(answer.pair)
      open.sort.answer(answer.say == .same ? .same : isNewcomer ? .newcomer : .placed)
    case .finish, .skip: break
    }
    question = open
    version += 1
    return true
  }

  func clip(_ name: String) -> Clip? { question?.clips[name] }

  func program(_ id: Int) -> Delta.Program? {
    proposals[id].map { Delta.Program(id: id, source: $0.0.source, parents: $0.0.parents, origin: $0.0.origin) }
  }

  /// Every card is told again: its scores appear or disappear.
  private mutating func showScores() { for id in changed.keys { changed[id] = version } }

  // MARK: What is told

  /// What changed since a version; 0 tells everything.
  func delta(since past: Int) -> Delta? {
    let past = past > version ? 0 : past
    guard past < version else { return nil }
    let isMasked = question != nil && isBlind
    return Delta(
      version: version, isWhole: past == 0, run: .init(task), phase: phase, progress: progress,
      probe: isMasked ? nil : finite(probe), best: isMasked ? nil : history.best?.id,
      candidates: changed.filter { $0.value > past }.keys.sorted().compactMap { card($0, isMasked: isMasked) },
      policies: policies, feedback: history.feedback, question: question.map(told))
  }

  private func told(_ question: Question) -> Delta.Question {
    let answered = question.sort.answers.count
    var sides: [String] = []
    if let pair = question.sort.next {
      sides = [pair.newcomer, pair.placed].compactMap { question.names[$0] }
      if !question.newcomerIsLeft(answered) { sides.reverse() }
    }
    return Delta.Question(
      generation: question.generation, pair: answered, pairs: answered + question.sort.atMost, sides: sides,
      clips: question.sort.items.compactMap { question.names[$0] })
  }

  private func card(_ id: Int, isMasked: Bool) -> Delta.Card? {
    guard let (proposal, generation) = proposals[id] else { return nil }
    let candidate = history.candidates.last { $0.id == id }
    let state: Delta.Card.State
    var reason: String?
    switch candidate?.outcome {
    case nil: state = running[id] == nil ? .waiting : .training
    case .trained: state = .trained
    case .stopped: state = .stopped
    case .rejected(let why): (state, reason) = (.rejected, why)
    case .failed(let why): (state, reason) = (.failed, why)
    }
    let digest = isMasked ? nil : candidate?.digest ?? running[id]
    return Delta.Card(
      id: id, generation: generation, origin: proposal.origin, parents: proposal.parents, state: state, reason: reason,
      score: finite(digest?.score), steps: digest?.steps ?? [], fitness: digest?.fitness.map(finite) ?? [],
      terms: digest?.terms.map { Delta.Term(name: $0.name, values: $0.values.map(finite)) } ?? [])
  }
}

/// What a page is told, as JSON.
struct Delta: Encodable {
  struct Run: Encodable {
    var task: String
    var environment: String
    var goal: String
    var success: Double?
    var generations: Int
    var candidates: Int
    var checkpoints = PolicyTraining.Configuration().checkpoints

    init(_ task: DesignTask) {
      self.task = task.name
      environment = task.environment.id
      goal = task.goal
      success = task.success
      generations = task.budget.generations
      candidates = task.budget.candidates
    }
  }

  struct Phase: Encodable {
    enum Name: String, Encodable { case preparing, training, filming, asking, comparing, ended }

    var name: Name
    var generation: Int?
    var filmed: Int?
    /// Clips that are filmed, or policies that are compared.
    var clips: Int?
  }

  struct Progress: Encodable {
    var done: Int
    var of: Int
    var rate: Double
  }

  struct Term: Encodable {
    var name: String
    var values: [Double?]
  }

  /// One candidate.
  struct Card: Encodable {
    enum State: String, Encodable { case waiting, training, trained, stopped, rejected, failed }

    var id: Int
    var generation: Int
    var origin: String
    var parents: [Int]
    var state: State
    var reason: String?
    var score: Double?
    var steps: [Int]
    var fitness: [Double?]
    var terms: [Term]
  }

  struct Policy: Encodable {
    var arm: String
    /// As text: JavaScript's numbers do not hold all of them.
    var seed: String
    var fitness: Double?
  }

  struct Question: Encodable {
    var generation: Int
    /// Answers so far.
    var pair: Int
    /// Pairs in all, at most.
    var pairs: Int
    /// Names of the clips on the left and on the right; empty when all pairs are answered.
    var sides: [String]
    var clips: [String]
  }

  struct Program: Encodable {
    var id: Int
    var source: String
    var parents: [Int]
    var origin: String
  }

  var version: Int
  /// Whether the page should forget what it knew.
  var isWhole: Bool
  var run: Run
  var phase: Phase
  var progress: Progress
  /// Fitness of random behaviour.
  var probe: Double?
  var best: Int?
  /// Those that changed.
  var candidates: [Card]
  var policies: [Policy]
  var feedback: [Feedback]
  var question: Question?
}

/// Why a request is not done, with the status that says so.
struct StudioRefusal: Error {
  var status: Status
  var message: String

  enum Status: Int {
    case badRequest = 400, forbidden = 403, notFound = 404, conflict = 409, contentTooLarge = 413
    case unsupportedMediaType = 415, misdirected = 421, unprocessableContent = 422
  }

  init(_ status: Status, _ message: String) {
    self.status = status
    self.message = message
  }
}

/// JSON has no NaN and no infinity.
private func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }

/// 128 bits from the system's generator, in hexadecimal.
func randomName() -> String {
  var random = SystemRandomNumberGenerator()
  return (0..<2).map { _ in
    let digits = String(random.next() as UInt64, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }.joined()
}
