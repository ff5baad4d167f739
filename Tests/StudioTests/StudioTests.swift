import AsyncHTTPClient
import Basics
import Foundation
import NIOCore
import Proposers
@testable import RewardAudit
import Synchronization
import TestSupport
import Testing

@testable import RewardDesign
@testable import Studio

/// The page's server, spoken to over HTTP as a browser would, and as others would.
@Suite(.serialized) struct StudioTests {
  // MARK: A run that is shown

  private func task(candidates: Int = 4) throws -> DesignTask {
    try DesignTask(
      text: """
        name: upright
        environment: Pendulum-v1
        goal: Keep the tip <up>.
        max_episode_steps: 60
        fitness: |
          import numpy as np

          def fitness(tip_height):
              return np.mean(tip_height)
        success: 0.9
        budget:
          generations: 1
          candidates: \(candidates)
          steps: 2_000
          final_steps: 2_000
          final_seeds: 2
        """, file: "test.yaml")
  }

  private func digest(_ fitness: Double) -> TrainingDigest {
    TrainingDigest(
      steps: [100, 200], fitness: [0, fitness], lengths: [9, 9], terms: [.init(name: "height", values: [0.1, .nan])],
      episodes: [])
  }

  /// A studio with a generation that has been trained; the fitness of candidate `i` is 0.7770 + i / 10,000.
  private func studio(isBlind: Bool = true) async throws -> DesignStudio {
    let studio = try await DesignStudio.open(try task(), isBlind: isBlind)
    let proposals = (0..<4).map { Proposal(source: "program \($0)", parents: $0 > 1 ? [0] : [], origin: "made up") }
    studio.tell(.probed(episodes: 8, meanFitness: -0.25))
    studio.tell(.generationBegan(0, proposals: 4))
    studio.tell(.proposed(proposals, generation: 0, first: 0, ended: []))
    for (id, proposal) in proposals.enumerated() {
      studio.tell(.candidateAdvanced(id: id, digest(0.5)))
      studio.tell(
        .candidateEnded(
          Candidate(id: id, generation: 0, proposal: proposal, outcome: .trained(digest(0.777 + Double(id) / 10_000)))))
    }
    return studio
  }

  /// Four clips without pictures; a clip's length is 10 + its candidate.
  private var review: BlindReview {
    BlindReview(
      clips: [2, 0, 3, 1].map { id in
        let values = (0..<10 + id).map { sin(Double($0) / 3) + Double(id) }
        return .init(
          candidate: id,
          clip: Clip(
            frames: [], framesPerSecond: 20, stepsPerFrame: 1,
            traces: [.init(name: "tip_height", unit: "m", values: values)], length: 10 + id))
      })
  }

  // MARK: HTTP

  private struct Reply {
    var status: UInt
    var text: String
    var headers: [String: String]

    func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
      try JSONDecoder().decode(type, from: Data(text.utf8))
    }
  }

  private func ask(
    _ url: String, method: String = "GET", headers: [String: String] = [:], body: String? = nil
  ) async throws -> Reply {
    var request = HTTPClientRequest(url: url)
    request.method = .init(rawValue: method)
    for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
    if let body { request.body = .bytes(ByteBuffer(string: body)) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
    let text = String(buffer: try await response.body.collect(upTo: 4 << 20))
    let pairs = response.headers.map { ($0.name.lowercased(), $0.value) }
    return Reply(status: response.status.code, text: text, headers: Dictionary(pairs) { first, _ in first })
  }

  private func answer(_ studio: DesignStudio, _ json: String) async throws -> Reply {
    try await ask(
      studio.address + "answers", method: "POST", headers: ["Content-Type": "application/json"], body: json)
  }

  /// What an event says, as far as the tests care.
  private struct Told: Decodable {
    struct Question: Decodable {
      var generation: Int
      var pair: Int
      var pairs: Int
      var sides: [String]
      var clips: [String]
    }
    struct Card: Decodable {
      var id: Int
      var score: Double?
      var state: String
    }
    struct Phase: Decodable { var name: String }

    var version: Int
    var isWhole: Bool
    var phase: Phase
    var best: Int?
    var candidates: [Card]
    var question: Question?
  }

  /// The first event after a version for which `isWanted` holds, and its text.
  private func event(
    _ studio: DesignStudio, since version: Int = 0, where isWanted: (Told) -> Bool = { _ in true }
  ) async throws -> (told: Told, text: String) {
    var request = HTTPClientRequest(url: studio.address + "events")
    if version > 0 { request.headers.add(name: "Last-Event-ID", value: "\(version)") }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
    #expect(response.headers.first(name: "content-type") == "text/event-stream")
    var text = ""
    for try await part in response.body {
      text += String(buffer: part)
      while let end = text.range(of: "\n\n") {
        let event = text[..<end.lowerBound]
        text.removeSubrange(..<end.upperBound)
        guard let data = event.range(of: "data: ") else { continue }
        let told = try JSONDecoder().decode(Told.self, from: Data(event[data.upperBound...].utf8))
        if isWanted(told) { return (told, String(event)) }
      }
    }
    throw GuerdonError.failure("The events ended.")
  }

  // MARK: Who may come in

  @Test func thePageComesWholeAndKeepsToItself() async throws {
    let studio = try await studio()
    let page = try await ask(studio.address)
    #expect(page.status == 200 && page.text.contains("page.js") && page.headers["content-type"] == "text/html; charset=utf-8")
    for (name, type) in [("style.css", "text/css"), ("page.js", "text/javascript"), ("player.js", "text/javascript")] {
      let file = try await ask(studio.address + name)
      #expect(file.status == 200 && file.text.count > 500 && file.headers["content-type"]?.hasPrefix(type) == true)
      // Nothing is fetched from anywhere else, and nothing runs that is not a file of the page.
      #expect(!file.text.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "").contains("http"))
    }
    let policy = try #require(page.headers["content-security-policy"])
    #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
    #expect(!policy.contains("unsafe") && !policy.contains("*") && !policy.contains("http"))
    #expect(page.headers["cache-control"] == "no-store" && page.headers["referrer-policy"] == "no-referrer")
    await studio.close()
  }

  @Test func onlyWhoKnowsTheWordComesIn() async throws {
    let studio = try await studio()
    let url = try #require(URL(string: studio.address))
    let port = try #require(url.port)
    let root = "http://127.0.0.1:\(port)/"
    let word = url.lastPathComponent
    #expect(word.count == 32)
    let wrong = String(word.dropLast()) + (word.hasSuffix("0") ? "1" : "0")
    for path in ["", "events", "page.js", "clips/a", "programs/0", "\(wrong)/", "\(wrong)/events", "\(word)0/", "\(word.dropLast())/"] {
      let reply = try await ask(root + path)
      #expect(reply.status == 403, "\(path): \(reply.status)")
      #expect(!reply.text.contains(word) && reply.headers["content-security-policy"] != nil)
    }
    let post = try await ask(
      root + "answers", method: "POST", headers: ["Content-Type": "application/json"], body: "{}")
    #expect(post.status == 403)
    // Without the closing slash the page's own addresses would lead astray.
    #expect(try await ask(root + word).text.contains("page.js"))
    await studio.close()
  }

  @Test func otherSitesAreRefused() async throws {
    let studio = try await studio()
    let port = try #require(URL(string: studio.address)?.port)
    for host in ["evil.example", "evil.example:\(port)", "127.0.0.1:1", "127.0.0.1", "127.0.0.1.evil.example:\(port)"] {
      #expect(try await ask(studio.address, headers: ["Host": host]).status == 421, "\(host)")
    }
    #expect(try await ask(studio.address, headers: ["Host": "localhost:\(port)"]).status == 200)
    for origin in ["http://evil.example", "https://127.0.0.1:\(port)", "http://127.0.0.1:1", "null"] {
      #expect(try await ask(studio.address + "events", headers: ["Origin": origin]).status == 403, "\(origin)")
    }
    #expect(try await ask(studio.address, headers: ["Origin": "http://127.0.0.1:\(port)"]).status == 200)
    await studio.close()
  }

  @Test func whatCannotBeUnderstoodIsRefusedInWords() async throws {
    let studio = try await studio()
    for path in ["nothing", "clips/nothing", "programs/9", "programs/x", "page.js/more"] {
      #expect(try await ask(studio.address + path).status == 404, "\(path)")
    }
    #expect(try await ask(studio.address, method: "DELETE").status == 404)
    for (body, words) in [
      ("", "not JSON"), ("{", "not JSON"), ("[]", "wrong type"), ("{}", "lacks \"generation\""),
      (#"{"generation": 0, "pair": 0, "say": "up"}"#, "say"),
      (#"{"generation": 0, "pair": "x", "say": "left"}"#, "pair"),
      (#"{"generation": 0, "pair": 0, "say": "left", "sya": 1}"#, "sya"),
    ] {
      let reply = try await answer(studio, body)
      #expect(reply.status == 400 && reply.text.contains("error"), "\(body): \(reply.status) \(reply.text)")
      #expect(try reply.json([String: String].self)["error"]?.contains(words) == true, "\(body): \(reply.text)")
    }
    let large = String(repeating: " ", count: StudioServer.largestAnswer) + "{}"
    #expect(try await answer(studio, large).status == 413)
    let plain = try await ask(
      studio.address + "answers", method: "POST", headers: ["Content-Type": "text/plain"],
      body: #"{"generation": 0, "pair": 0, "say": "left"}"#)
    #expect(plain.status == 415)
    // Nothing is asked yet.
    #expect(try await answer(studio, #"{"generation": 0, "pair": 0, "say": "left"}"#).status == 409)
    await studio.close()
  }

  @Test func aPortThatIsTakenIsAnErrorInWords() async throws {
    let studio = try await studio()
    let port = try #require(URL(string: studio.address)?.port)
    let error = await #expect(throws: GuerdonError.self) { try await DesignStudio.open(try task(), port: port) }
    #expect(error?.message.contains("port \(port)") == true && error?.message.contains("--port") == true)
    await studio.close()
    // Free again, at once.
    let next = try await DesignStudio.open(try task(), port: port)
    #expect(next.address.hasPrefix("http://127.0.0.1:\(port)/") && next.address != studio.address)
    await next.close()
  }

  // MARK: What is told

  @Test func aPageThatComesBackIsToldWhatItMissed() async throws {
    let studio = try await studio()
    #expect(try listens(try #require(URL(string: studio.address)?.port)))
    let (whole, text) = try await event(studio)
    #expect(whole.isWhole && whole.candidates.map(\.id) == [0, 1, 2, 3] && whole.best == 3)
    #expect(text.contains("0.7773") && text.contains("\"values\":[0.1,null]"))
    let proposal = Proposal(source: "program 4", origin: "late")
    studio.tell(.proposed([proposal], generation: 1, first: 4, ended: []))
    studio.tell(.candidateAdvanced(id: 4, digest(0.1)))
    let (missed, _) = try await event(studio, since: whole.version)
    #expect(!missed.isWhole && missed.candidates.map(\.id) == [4] && missed.candidates[0].state == "training")
    // From another server's numbers: all of it again.
    let (again, _) = try await event(studio, since: missed.version + 1_000)
    #expect(again.isWhole && again.candidates.count == 5)
    let program = try await ask(studio.address + "programs/2")
    #expect(program.text == #"{"id":2,"origin":"made up","parents":[0],"source":"program 2"}"#)
    async let last = event(studio, since: missed.version) { $0.phase.name == "ended" }
    try await Task.sleep(for: .milliseconds(300))
    await studio.close()
    #expect(try await last.told.phase.name == "ended")
    // Another suite's child that was forked while the port was open holds it until it has become another program.
    let port = try #require(URL(string: studio.address)?.port)
    var isListening = true
    for _ in 0..<200 where isListening {
      isListening = try listens(port)
      if isListening { try await Task.sleep(for: .milliseconds(50)) }
    }
    #expect(!isListening)
  }

  /// Whether anybody takes a connection to a port of this machine.
  private func listens(_ port: Int) throws -> Bool {
    let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(connection) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  // MARK: The question

  @Test func fourClipsAreRankedByPairsWithoutAScore() async throws {
    let studio = try await studio()
    async let asked = studio.ask(review, generation: 0, seed: 11, shouldStop: { false })
    var (told, text) = try await event(studio) { $0.question != nil }
    let fifth = try #require(told.question)
    #expect(fifth.pairs == 5 && fifth.clips.count == 4 && fifth.pair == 0)
    // Blind: no score, no best, and no name that tells whose a clip is.
    #expect(!text.contains("0.777") && told.best == nil && told.candidates.allSatisfy { $0.score == nil })
    #expect(Set(fifth.clips).count == 4 && fifth.clips.allSatisfy { $0.count == 32 })

    struct Shown: Decodable { var length: Int }
    let worth = [0: 2, 1: 4, 2: 1, 3: 3]  // The order in the person's head: 1, 3, 0, 2.
    var answers = 0
    while let question = told.question, !question.sides.isEmpty {
      var lengths: [Int] = []
      for name in question.sides {
        let clip = try await ask(studio.address + "clips/\(name)")
        #expect(clip.status == 200 && !clip.text.contains("candidate") && !clip.text.contains("fitness"))
        lengths.append(try clip.json(Shown.self).length)
      }
      let isLeft = worth[lengths[0] - 10, default: 0] > worth[lengths[1] - 10, default: 0]
      let json = #"{"generation": 0, "pair": \#(question.pair), "say": "\#(isLeft ? "left" : "right")"}"#
      #expect(try await answer(studio, json).json([String: Bool].self) == ["taken": true])
      // The same answer again, as by a double click or from a second tab, changes nothing.
      #expect(try await answer(studio, json).json([String: Bool].self) == ["taken": false])
      answers += 1
      (told, text) = try await event(studio) { $0.question?.pair == answers }
      #expect(!text.contains("0.777"))
    }
    #expect(answers >= 3 && answers <= 5 && told.question?.sides == [])
    // To another generation, and to a pair that is not asked yet.
    #expect(try await answer(studio, #"{"generation": 1, "pair": 0, "say": "left"}"#).status == 409)
    #expect(try await answer(studio, #"{"generation": 0, "pair": 99, "say": "left"}"#).status == 409)
    let long = String(repeating: "a", count: Feedback.longestWords + 1)
    #expect(try await answer(studio, #"{"generation": 0, "pair": 5, "say": "finish", "words": "\#(long)"}"#).status == 422)
    let last = #"{"generation": 0, "pair": 5, "say": "finish", "words": "  Too\u0007 <wild>.\n"}"#
    #expect(try await answer(studio, last).json([String: Bool].self) == ["taken": true])
    #expect(try await answer(studio, last).json([String: Bool].self) == ["taken": false])
    let feedback = try #require(try await asked)
    #expect(feedback.ranking == [1, 3, 0, 2] && feedback.words == "Too  <wild>." && feedback.generation == 0)
    #expect(feedback.preferences.count == answers)
    #expect(feedback.preferences.allSatisfy { worth[$0.winner, default: 0] > worth[$0.loser, default: 0] })
    // The scores are back, and the clips are gone.
    studio.tell(.adviceGiven(feedback))
    let (after, afterwards) = try await event(studio)
    #expect(after.question == nil && after.best == 1 && afterwards.contains("0.7773"))
    #expect(try await ask(studio.address + "clips/\(fifth.clips[0])").status == 404)
    await studio.close()
  }

  @Test func sidesAreByChanceAndUndoneAnswersAreForgotten() async throws {
    let studio = try await studio(isBlind: false)
    async let asked = studio.ask(review, generation: 0, seed: 5, shouldStop: { false })
    let (first, text) = try await event(studio) { $0.question != nil }
    // Not blind, when that was wanted.
    #expect(text.contains("0.7773"))
    #expect(try await answer(studio, #"{"generation": 0, "pair": 0, "say": "undo"}"#).json([String: Bool].self) == ["taken": false])
    _ = try await answer(studio, #"{"generation": 0, "pair": 0, "say": "left"}"#)
    let (second, _) = try await event(studio) { $0.question?.pair == 1 }
    #expect(second.question?.sides != first.question?.sides)
    _ = try await answer(studio, #"{"generation": 0, "pair": 1, "say": "undo"}"#)
    let (third, _) = try await event(studio) { $0.question?.pair == 0 }
    #expect(third.question?.sides == first.question?.sides)
    #expect(try await answer(studio, #"{"generation": 0, "pair": 0, "say": "skip"}"#).status == 200)
    #expect(try await asked == nil)
    await studio.close()
    let task = try task()
    let sides = (0..<64).map { seed in
      var state = StudioState(task: task, isBlind: true)
      state.ask(review, generation: 0, seed: UInt64(seed))
      return state.delta(since: 0)?.question?.sides.first == state.delta(since: 0)?.question?.clips.first
    }
    #expect((16...48).contains(sides.filter { $0 }.count))
  }

  @Test func waitingEndsWithTheRun() async throws {
    let studio = try await studio()
    let isOver = Mutex(false)
    async let asked = studio.ask(review, generation: 0, seed: 1, shouldStop: { isOver.withLock { $0 } })
    let (told, _) = try await event(studio) { $0.question != nil }
    _ = try await answer(studio, #"{"generation": 0, "pair": 0, "say": "left"}"#)
    isOver.withLock { $0 = true }
    #expect(try await asked == nil)
    #expect(try await answer(studio, #"{"generation": 0, "pair": 1, "say": "left"}"#).status == 409)
    #expect(try await event(studio, since: told.version).told.question == nil)
    await studio.close()
  }

  /// A whole run in which a person says that the worst is the best, and the run believes it.
  @Test(.timeLimit(.minutes(2))) func aRunListensToThePerson() async throws {
    let task = try task(candidates: 3)
    let studio = try await DesignStudio.open(task)
    let loop = DesignLoop(task: task, seed: 3, jobs: 1, adviser: studio)
    async let running = loop.run(
      proposer: try EvolutionProposer(schema: task.schema, seed: 3), shouldStop: { false }, onEvent: studio.tell)
    let (told, text) = try await event(studio) { $0.question != nil }
    let question = try #require(told.question)
    #expect(!text.contains("\"best\"") && told.candidates.count == 3)
    struct Shown: Decodable {
      struct Trace: Decodable { var values: [Double] }
      var length: Int
      var traces: [Trace]
    }
    let clip = try await ask(studio.address + "clips/\(question.sides[0])").json(Shown.self)
    #expect(clip.length == 60 && clip.traces.allSatisfy { $0.values.count == 60 } && !clip.traces.isEmpty)
    var pair = 0
    while true {
      let (told, _) = try await event(studio) { $0.question?.pair == pair }
      if told.question?.sides.isEmpty ?? true { break }
      _ = try await answer(studio, #"{"generation": 0, "pair": \#(pair), "say": "right"}"#)
      pair += 1
    }
    _ = try await answer(studio, #"{"generation": 0, "pair": \#(pair), "say": "finish", "words": "More."}"#)
    let result = try await running
    #expect(result.history.feedback.map(\.words) == ["More."] && result.history.feedback[0].ranking.count == 3)
    #expect(result.best?.id == result.history.feedback[0].ranking.first)
    await studio.close()
  }
}
