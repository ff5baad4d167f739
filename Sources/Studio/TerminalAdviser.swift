import Basics
import Experiments
import Foundation
import Proposers
import RewardAudit
import RewardDesign
import Synchronization

/// Asks for a ranking and a sentence in lines of text, in a terminal or through a pipe. Clips have numbers of their own, in
/// a random order, so that the ranking is of behaviours.
public final class TerminalAdviser: Adviser {
  private let folder: URL
  private let showsFitness: Bool
  private let say: @Sendable (String) -> Void
  private let input: Mutex<LineReader>

  /// - Parameters:
  ///   - folder: gets an HTML file of clips for each generation.
  ///   - showsFitness: shows candidates' numbers and fitness beside the clips.
  ///   - input: a file descriptor that answers are read from.
  ///   - say: shows a line.
  public init(
    clips folder: URL, showsFitness: Bool = false, input: Int32 = STDIN_FILENO, say: @escaping @Sendable (String) -> Void
  ) {
    self.folder = folder
    self.showsFitness = showsFitness
    self.say = say
    self.input = Mutex(LineReader(input))
  }

  public func advise(
    on review: GenerationReview, shouldStop: @escaping @Sendable () -> Bool
  ) async throws -> Feedback? {
    say("Filming \(review.candidates.count { review.policies[$0.id] != nil }) clips.")
    guard let clips = try BlindReview.film(review, shouldStop: shouldStop)?.clips else { return nil }
    let scores = Dictionary(uniqueKeysWithValues: review.candidates.map { ($0.id, $0.score) })
    return try ask(clips, review.task, generation: review.generation, scores: scores, shouldStop: shouldStop)
  }

  /// Asks about clips that are already there.
  func ask(
    _ clips: [BlindReview.Shown], _ task: DesignTask, generation: Int, scores: [Int: Double?], shouldStop: () -> Bool
  ) throws -> Feedback? {
    guard !clips.isEmpty else { return nil }
    let sheet = folder.appendingPathComponent("generation-\(generation + 1).html")
    try Files.createDirectory(folder)
    try Files.write(
      ClipSheet.html(
        title: "\(task.name), generation \(generation + 1)", goal: task.goal, clips: clips.map(\.clip)), to: sheet)
    say("\nGoal: \(task.goal)\nWatch the clips: \(sheet.path)\n")
    for (index, shown) in clips.enumerated() {
      var line = "  clip \(index + 1): \(Self.account(shown.clip))"
      if showsFitness, let score = scores[shown.candidate] ?? nil {
        line += String(format: "; candidate %d, fitness %.3f", shown.candidate, score)
      }
      say(line)
    }
    var feedback = Feedback(generation: generation)
    if clips.count > 1 {
      let example = (1...min(clips.count, 3)).reversed().map(String.init).joined(separator: " ")
      let order = answer(
        "\nThe clips from the best to the worst, for example \"\(example)\" (Enter to skip):", shouldStop: shouldStop
      ) { text throws(Misreading) in try Self.ranking(text, of: clips.count) }
      guard let order else { return nil }
      let ranking = order.map { clips[$0].candidate }
      feedback.ranking = ranking
      feedback.preferences = ranking.indices.flatMap { better in
        ranking[(better + 1)...].map { Feedback.Preference(winner: ranking[better], loser: $0) }
      }
    }
    let words = answer("In a sentence: what is wrong, what is missing? (Enter to skip)", shouldStop: shouldStop) {
      text throws(Misreading) in
      guard text.unicodeScalars.count <= Feedback.longestWords else {
        throw Misreading(reason: "That is longer than \(Feedback.longestWords) characters; please say it shorter.")
      }
      return Feedback.words(from: text)
    }
    if shouldStop() { return nil }
    // A ranking counts, also when the input ends after it.
    feedback.words = words ?? ""
    return feedback.isEmpty ? nil : feedback
  }

  // MARK: Questions

  struct Misreading: Error {
    var reason: String
  }

  /// Asks until the answer can be read.
  /// - Returns: nil when the input ended or the run is stopped.
  private func answer<Value>(
    _ question: String, shouldStop: () -> Bool, reading: (String) throws(Misreading) -> Value
  ) -> Value? {
    while true {
      say(question)
      guard let line = input.withLock({ $0.line(shouldStop: shouldStop) }) else { return nil }
      do {
        return try reading(line)
      } catch {
        say(error.reason)
      }
    }
  }

  /// Reads "3 1 2", also with commas or ">". Clips that are left out stay unranked.
  /// - Returns: places of the clips, counted from 0, the best first; empty for an empty line.
  static func ranking(_ text: String, of count: Int) throws(Misreading) -> [Int] {
    var order: [Int] = []
    for part in text.split(whereSeparator: { $0.isWhitespace || $0 == "," || $0 == ">" }) {
      guard let number = Int(part) else {
        let shown = Feedback.words(from: String(part.prefix(40)))
        throw Misreading(reason: "\"\(shown)\" is no clip's number; the clips are 1 to \(count).")
      }
      guard (1...count).contains(number) else {
        throw Misreading(reason: "There is no clip \(number); the clips are 1 to \(count).")
      }
      guard !order.contains(number - 1) else { throw Misreading(reason: "Clip \(number) is there twice.") }
      order.append(number - 1)
    }
    guard order.count != 1 else { throw Misreading(reason: "A ranking has at least two clips; Enter alone skips.") }
    return order
  }

  /// What a policy does, in a line: the episode's length, and mean and deviation of what was measured.
  static func account(_ clip: Clip) -> String {
    let fields = clip.traces.prefix(4).map { trace in
      let mean = Statistics.mean(trace.values)
      let deviation = Statistics.mean(trace.values.map { ($0 - mean) * ($0 - mean) }).squareRoot()
      let unit = trace.unit.isEmpty ? "" : " \(trace.unit)"
      return "\(trace.name) " + String(format: "%.3g ± %.2g", mean, deviation) + unit
    }
    return (["\(clip.length) steps"] + fields).joined(separator: ", ")
  }
}

/// Lines from a file descriptor, waited for in a way that Ctrl-C can end.
private struct LineReader {
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private var isAtEnd = false

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// - Returns: nil at the end of the input, or when the run is stopped.
  mutating func line(shouldStop: () -> Bool) -> String? {
    while !shouldStop() {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        defer { buffer.removeFirst(end + 1) }
        return String(decoding: buffer[..<end], as: UTF8.self)
      }
      if isAtEnd {
        defer { buffer.removeAll() }
        return buffer.isEmpty ? nil : String(decoding: buffer, as: UTF8.self)
      }
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 100) > 0 else { continue }
      var chunk = [UInt8](repeating: 0, count: 4_096)
      let count = read(descriptor, &chunk, chunk.count)
      if count > 0 { buffer += chunk[..<count] } else { isAtEnd = count == 0 || errno != EINTR }
    }
    return nil
  }
}
