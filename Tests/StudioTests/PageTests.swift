import Basics
import Environments
import Foundation
import Proposers
@testable import RewardAudit
import TestSupport
import Testing

@testable import RewardDesign
@testable import Studio

/// The page itself, in a headless Chromium that presses keys.
@Suite(.serialized) struct PageTests {
  static let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  private struct Order: Encodable {
    var chromium: String
    var url: String
    var steps: [[String: String]]
  }

  private struct Seen: Decodable {
    enum Value: Decodable, Equatable {
      case number(Double), text(String), flag(Bool), nothing

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
          self = .flag(value)
        } else if let value = try? container.decode(Double.self) {
          self = .number(value)
        } else if let value = try? container.decode(String.self) {
          self = .text(value)
        } else {
          self = .nothing
        }
      }
    }

    var results: [Value]
    /// Errors that the browser's console shows, refused content among them.
    var complaints: [String]
  }

  /// Goes through the steps on a thread that Swift's tasks do not need.
  private func browse(_ url: String, _ steps: [[String: String]]) async throws -> Seen {
    let script = try Files.readText(
      #require(Bundle.module.url(forResource: "browse", withExtension: "py", subdirectory: "Python")))
    let order = Order(chromium: try #require(Self.chromium), url: url, steps: steps)
    return try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: Result { try Python.run(script, input: order, as: Seen.self) }) }
    }
  }

  private func clip(_ id: Int) throws -> Clip {
    let length = 30 + id
    let pictures = try (0..<length).map { step in
      var pixels: [UInt8] = []
      for place in 0..<32 * 24 { pixels += [UInt8((place + step) % 256), UInt8(40 * id), 90] }
      return try RGBImage(width: 32, height: 24, pixels: pixels).png()
    }
    return Clip(
      frames: pictures, framesPerSecond: 20, stepsPerFrame: 1,
      traces: [.init(name: "tip_height", unit: "m", values: (0..<length).map { sin(Double($0) / 5) })], length: length)
  }

  private func studio() async throws -> DesignStudio {
    let task = try DesignTask(
      text: """
        name: upright
        environment: Pendulum-v1
        goal: Keep the tip <b>up</b>.
        fitness: |
          def fitness(tip_height):
              return tip_height.mean()
        """, file: "test.yaml")
    let studio = try await DesignStudio.open(task)
    let proposals = (0..<4).map { id in
      Proposal(source: "def compute_reward(x):\n    return \(id) * x", parents: id > 0 ? [0] : [], origin: "<i>made</i> up")
    }
    studio.tell(.generationBegan(0, proposals: 4))
    studio.tell(.proposed(proposals, generation: 0, first: 0, ended: []))
    for (id, proposal) in proposals.enumerated() {
      let digest = TrainingDigest(
        steps: [100, 200], fitness: [0, Double(id) / 8], lengths: [9, 9],
        terms: [.init(name: "tip_height", values: [0.1, 0.2])], episodes: [])
      let outcome: Candidate.Outcome = id == 3 ? .rejected("no <b>name</b>") : id == 1 ? .stopped(digest) : .trained(digest)
      studio.tell(.candidateEnded(Candidate(id: id, generation: 0, proposal: proposal, outcome: outcome)))
    }
    return studio
  }

  @Test(.enabled(if: chromium != nil, "no Chromium on this machine"), .timeLimit(.minutes(3)))
  func showsTheRunLive() async throws {
    let studio = try await studio()
    async let seen = browse(
      studio.address,
      [
        ["go": ""], ["wait": "document.querySelectorAll('.card').length === 4"],
        ["evaluate": "document.querySelector('.card.best .open').textContent"],
        ["evaluate": "document.querySelector('.card.best .number').textContent"],
        ["evaluate": "document.querySelector('.card.rejected .reason').textContent"],
        ["evaluate": "document.querySelectorAll('.card.stopped .spark polyline').length"],
        ["evaluate": "document.querySelectorAll('#overview circle').length"],
        // A program, and what was done to its parent.
        ["evaluate": "document.querySelector('.card.trained.best .open').click()"],
        ["wait": "document.getElementById('program').open"],
        ["evaluate": "document.getElementById('show-diff').click()"],
        ["evaluate": "document.querySelector('.row.removed').textContent + document.querySelector('.row.added').textContent"],
        ["key": "Escape"], ["wait": "!document.getElementById('program').open"],
        // What happens later appears by itself, and stays after a reload.
        ["evaluate": "document.title = 'ready'"],
        ["wait": "document.querySelectorAll('.seed').length === 2"],
        ["go": ""], ["wait": "document.querySelectorAll('.seed').length === 2 && document.querySelectorAll('.card').length === 4"],
        ["evaluate": "document.querySelectorAll('b, i').length > 0 && !document.querySelector('#goal b, .origin i, .reason b')"],
      ])
    try await Task.sleep(for: .seconds(2))
    studio.tell(.comparisonBegan(policies: 2))
    studio.tell(.policyEnded(arm: "designed", seed: 1, fitness: 0.5))
    studio.tell(.policyEnded(arm: "designed", seed: 2, fitness: 0.75))
    let (results, complaints) = try await (seen.results, seen.complaints)
    #expect(results.filter { $0 != .nothing } == [
      .text("#2 program"), .text("0.250 fitness"), .text("no <b>name</b>"), .number(2), .number(3),
      .text("−     return 0 * x\n+     return 2 * x\n"), .text("ready"), .flag(true),
    ])
    #expect(complaints.isEmpty, "\(complaints)")
    await studio.close()
  }

  @Test(.enabled(if: chromium != nil, "no Chromium on this machine"), .timeLimit(.minutes(3)))
  func fourClipsAreRankedWithTheKeyboard() async throws {
    let studio = try await studio()
    let review = BlindReview(clips: try [2, 0, 3, 1].map { .init(candidate: $0, clip: try clip($0)) })
    async let asked = studio.ask(review, generation: 0, seed: 17, shouldStop: { false })
    // The longer clip is the better one; the length says whose it is.
    let better = "stage.clips[0].data.length > stage.clips[1].data.length ? 'ArrowLeft' : 'ArrowRight'"
    let seen = try await browse(
      studio.address,
      [
        ["go": ""], ["wait": "typeof known !== 'undefined' && known && stage.clips.length === 2 && stage.clips[0].images[0].complete"],
        ["evaluate": "getComputedStyle(document.getElementById('live')).display"],
        ["evaluate": "/candidate|fitness|#\\d/i.test(document.body.innerText)"],
        // It plays by itself, pauses, and goes picture by picture.
        ["wait": "stage.time > 0.2"], ["key": "p"], ["evaluate": "stage.isPlaying"],
        ["evaluate": "stage.seek(0)"], ["key": "."], ["evaluate": "stage.clips[0].shown"],
        ["key": "3"], ["evaluate": "stage.speed"],
        // A wrong answer is taken back.
        ["key": "ArrowUp"], ["wait": "known.question.pair === 1"], ["key": "u"], ["wait": "known.question.pair === 0"],
        ["sort": better],
        ["wait": "document.getElementById('question').textContent.startsWith('All compared')"],
        ["evaluate": "document.getElementById('words').focus()"], ["type": "Calmer, please."], ["key": "Enter"],
        ["wait": "!document.getElementById('live').hidden"],
        ["evaluate": "document.getElementById('toast').textContent"],
      ])
    let feedback = try #require(try await asked)
    #expect(feedback.ranking == [3, 2, 1, 0] && feedback.words == "Calmer, please.")
    #expect(seen.results.prefix(6) == [
      .text("none"), .flag(false), .flag(false), .nothing, .number(1), .number(2),
    ])
    #expect(seen.results.last == .text("Taken. Thank you."))
    #expect(seen.complaints.isEmpty, "\(seen.complaints)")
    await studio.close()
  }
}
