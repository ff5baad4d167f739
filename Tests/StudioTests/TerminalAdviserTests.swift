import Basics
import Foundation
import Proposers
@testable import RewardAudit
import Synchronization
import Testing

@testable import RewardDesign
@testable import Studio

/// Questions in lines of text, answered through a pipe.
@Suite struct TerminalAdviserTests {
  private let task: DesignTask
  private let clips: [BlindReview.Shown]

  init() throws {
    task = try DesignTask(
      text: """
        name: upright
        environment: Pendulum-v1
        goal: Keep the tip up.
        fitness: |
          def fitness(tip_height):
              return tip_height.mean()
        """, file: "test.yaml")
    clips = [7, 4, 9].map { id in
      let traces = [Clip.Trace(name: "tip_height", unit: "m", values: [Double(id) - 1, Double(id) + 1])]
      return .init(
        candidate: id, clip: Clip(frames: [], framesPerSecond: 20, stepsPerFrame: 1, traces: traces, length: 2))
    }
  }

  /// - Parameter typed: nil keeps the pipe open and silent.
  private func ask(
    _ typed: String?, showsFitness: Bool = false, clips: [BlindReview.Shown]? = nil, shouldStop: () -> Bool = { false }
  ) throws -> (feedback: Feedback?, transcript: String, page: String) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-test-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let pipe = Pipe()
    if let typed {
      pipe.fileHandleForWriting.write(Data(typed.utf8))
      try pipe.fileHandleForWriting.close()
    }
    let transcript = Mutex("")
    let adviser = TerminalAdviser(
      clips: folder, showsFitness: showsFitness, input: pipe.fileHandleForReading.fileDescriptor,
      say: { line in transcript.withLock { $0 += line + "\n" } })
    let feedback = try adviser.ask(
      clips ?? self.clips, task, generation: 1, scores: [7: 0.125, 4: 0.5, 9: 0.25], shouldStop: shouldStop)
    let page = try Files.readText(folder.appendingPathComponent("generation-2.html"))
    return (feedback, transcript.withLock { $0 }, page)
  }

  @Test func takesARankingAndASentence() throws {
    let (feedback, transcript, page) = try ask("3 1, 2\nStand \u{1B}still.\n")
    #expect(feedback?.ranking == [9, 7, 4] && feedback?.words == "Stand  still." && feedback?.generation == 1)
    #expect(feedback?.preferences == [.init(winner: 9, loser: 7), .init(winner: 9, loser: 4), .init(winner: 7, loser: 4)])
    #expect(transcript.contains("Goal: Keep the tip up.") && transcript.contains("clip 2: 2 steps, tip_height 4 ± 1 m"))
    // Blind: neither fitness nor whose clip it is.
    #expect(!transcript.contains("fitness") && !transcript.contains("candidate") && !transcript.contains("0.125"))
    #expect(page.contains("upright, generation 2") && page.contains("tip_height") && !page.contains("src="))
  }

  @Test func showsFitnessWhereThatIsWanted() throws {
    #expect(try ask("", showsFitness: true).transcript.contains("clip 1: 2 steps, tip_height 7 ± 1 m; candidate 7, fitness 0.125"))
  }

  @Test(arguments: [
    ("1 4 2", "no clip 4"), ("2 2", "twice"), ("first", "\"first\" is no clip's number"), ("2", "at least two"), ("0 1", "no clip 0"),
    ("1 -2", "no clip -2"), ("99999999999999999999 1", "no clip's number"),
  ])
  func explainsABadRankingAndAsksAgain(bad: String, says: String) throws {
    let (feedback, transcript, _) = try ask("\(bad)\n2>3\n\n")
    #expect(transcript.contains(says), "\(transcript)")
    #expect(feedback?.ranking == [4, 9] && feedback?.words == "")
  }

  @Test func asksAgainForASentenceThatIsTooLong() throws {
    let (feedback, transcript, _) = try ask("\n\(String(repeating: "x", count: 5_000))\nShort.\n")
    #expect(transcript.contains("longer than 4000") && feedback?.words == "Short." && feedback?.ranking == [])
  }

  @Test func theEndOfTheInputIsNothingToSay() throws {
    #expect(try ask("").feedback == nil)
    #expect(try ask("\n\n").feedback == nil)
    #expect(try ask("1 2").feedback?.ranking == [7, 4])
    #expect(try ask("\nNo newline").feedback?.words == "No newline")
    #expect(try ask("Alone.\n", clips: [clips[0]]).feedback?.words == "Alone.")
  }

  @Test func waitingEndsWithTheRun() throws {
    var asked = 0
    let (feedback, _, _) = try ask(nil) {
      asked += 1
      return asked > 3
    }
    #expect(feedback == nil && asked == 4)
  }
}
