import Basics
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Endpoints

/// A real server on this machine that behaves as servers do.
@Suite struct ChatEndpointTests {
  static let secret = "sk-test-4f9a8b7c6d5e"
  static let hello = ChatRequest([ChatMessage(.system, "Be brief."), ChatMessage(.user, "Say hello.")], maxTokens: 64)

  private func endpoint(
    _ server: ChatServer, key: APIKey? = nil, _ change: (inout ChatEndpoint.Configuration) -> Void = { _ in }
  ) throws -> ChatEndpoint {
    var configuration = ChatEndpoint.Configuration()
    configuration.retries.firstPause = .milliseconds(20)
    change(&configuration)
    return try ChatEndpoint(url: server.url, model: "test-model", key: key, configuration: configuration)
  }

  /// What a user sees when it fails.
  private func failure(_ endpoint: ChatEndpoint, _ request: ChatRequest = hello) async throws -> String {
    do {
      _ = try await endpoint.complete(request)
    } catch let error as GuerdonError {
      #expect(!error.message.contains("\n"))
      return error.message
    }
    Issue.record("It was answered.")
    return ""
  }

  // MARK: Good answers

  @Test func asksAsTheProtocolSaysAndReadsTheAnswer() async throws {
    let server = try ChatServer([["answers": ["hello", "hi"], "usage": [12, 34]]])
    let endpoint = try endpoint(server, key: try APIKey(Self.secret))
    var request = Self.hello
    request.n = 2
    request.temperature = 0.5
    let response = try await endpoint.complete(request)
    #expect(response.answers == ["hello", "hi"])
    #expect(response.usage == .init(promptTokens: 12, completionTokens: 34))
    #expect(response.attempts == 1)
    let sent = try #require(try server.requests().first)
    #expect(sent.path == "/v1/chat/completions")
    #expect(sent.headers["Authorization"] == "Bearer \(Self.secret)")
    #expect(sent.body.model == "test-model")
    #expect(sent.body.messages.map(\.role) == ["system", "user"])
    #expect(sent.body.messages.map(\.content) == ["Be brief.", "Say hello."])
    #expect(sent.body.n == 2 && sent.body.temperature == 0.5 && sent.body.max_tokens == 64)
    #expect(sent.body.response_format == nil)
  }

  @Test func withoutAKeyNoneIsSent() async throws {
    let server = try ChatServer([["answers": ["hello"]]])
    _ = try await endpoint(server).complete(Self.hello)
    let sent = try #require(try server.requests().first)
    #expect(sent.headers["Authorization"] == nil)
    // One answer is what servers give anyway, and some refuse the word.
    #expect(sent.body.n == nil)
  }

  @Test func slowlyAndInPieces() async throws {
    let text = String(repeating: "Käse, naïve, 日本. ", count: 200)
    let server = try ChatServer([["answers": .texts([text]), "delay": 0.5, "pieces": 12]])
    let response = try await endpoint(server).complete(Self.hello)
    #expect(response.answers == [text])
  }

  // MARK: n

  @Test func fewerAnswersThanAskedForAreCompletedOneByOne() async throws {
    let server = try ChatServer([["answers": ["only one"], "usage": [10, 1]]])
    let endpoint = try endpoint(server)
    var request = Self.hello
    request.n = 4
    let response = try await endpoint.complete(request)
    #expect(response.answers.count == 4)
    #expect(response.usage == .init(promptTokens: 40, completionTokens: 4))
    #expect(response.attempts == 4)
    // Remembered: the next time nothing is asked in vain.
    _ = try await endpoint.complete(request)
    #expect(try server.requests().map { $0.body.n ?? 1 } == [4, 1, 1, 1, 1, 1, 1, 1])
  }

  @Test func aServerThatRefusesNIsAskedOneByOne() async throws {
    let server = try ChatServer([
      ["status": 400, "message": "n must be 1"], ["answers": ["a"]], ["answers": ["b"]], ["answers": ["c"]],
    ])
    var request = Self.hello
    request.n = 3
    let response = try await endpoint(server) { $0.concurrency = 1 }.complete(request)
    #expect(response.answers.sorted() == ["a", "b", "c"])
  }

  @Test func moreAnswersThanAskedForAreLeft() async throws {
    let server = try ChatServer([["answers": ["a", "b", "c"]]])
    #expect(try await endpoint(server).complete(Self.hello).answers == ["a"])
  }

  // MARK: Structured output, names of limits

  @Test func aRefusedSchemaIsLeftOut() async throws {
    let server = try ChatServer([
      ["status": 400, "message": "response_format is not supported"], ["answers": ["fenced"]],
    ])
    let endpoint = try endpoint(server)
    var request = Self.hello
    request.format = .init(name: "reward", properties: [.init("program", meaning: "The program.")])
    #expect(try await endpoint.complete(request).answers == ["fenced"])
    _ = try await endpoint.complete(request)
    #expect(try server.requests().map { $0.body.response_format?.type } == ["json_schema", nil, nil])
  }

  @Test func theNewerNameOfTheTokenLimitIsFound() async throws {
    let server = try ChatServer([
      ["status": 400, "message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."],
      ["answers": ["hello"]],
    ])
    _ = try await endpoint(server).complete(Self.hello)
    let sent = try server.requests().map(\.body)
    #expect(sent.map(\.max_tokens) == [64, nil])
    #expect(sent.map(\.max_completion_tokens) == [nil, 64])
  }

  // MARK: Busy and broken servers

  @Test func retryAfterIsKept() async throws {
    let server = try ChatServer([
      ["status": 429, "message": "slow down", "headers": ["Retry-After": "1"]], ["answers": ["hello"]],
    ])
    let response = try await endpoint(server).complete(Self.hello)
    #expect(response.attempts == 2)
    let times = try server.requests().map(\.time)
    try #require(times.count == 2)
    #expect(times[1] - times[0] >= 1)
  }

  @Test func aServerThatWantsAnHourIsNotWaitedFor() async throws {
    let server = try ChatServer([
      ["status": 429, "message": "Quota of today used up.", "headers": ["Retry-After": "3600"]]
    ])
    let said = try await failure(try endpoint(server))
    #expect(said.contains("asks to wait for 3600 seconds: 429 Too Many Requests: Quota of today used up."))
  }

  @Test func brokenServersAreAskedAgainAndInTheEndNoMore() async throws {
    let server = try ChatServer([
      ["status": 500, "message": "boom"], ["status": 503, "message": "boom"], ["answers": ["hello"]],
    ])
    let patient = try endpoint(server)
    let heard = Mutex<[String]>([])
    patient.onRetry { sentence in heard.withLock { $0.append(sentence) } }
    #expect(try await patient.complete(Self.hello).attempts == 3)
    let sentences: [String] = heard.withLock { $0 }
    #expect(sentences.count == 2)
    #expect(sentences.first == "\(patient.url): 500 Internal Server Error: boom. Asking again in 0.0 s.")

    let broken = try ChatServer([["status": 500, "message": "The model crashed"]])
    let said = try await failure(try endpoint(broken) { $0.retries.attempts = 4 })
    #expect(
      said == "\(broken.url)/chat/completions gave no answer in 4 attempts; the last: 500 Internal Server Error: The "
        + "model crashed.")
    #expect(try broken.requests().count == 4)
  }

  @Test func anAccountWithoutMoneyIsNotAskedAgain() async throws {
    let server = try ChatServer([["status": 429, "message": "You exceeded your quota.", "code": "insufficient_quota"]])
    _ = try await failure(try endpoint(server))
    #expect(try server.requests().count == 1)
  }

  @Test(arguments: [
    ["truncate": true, "answers": ["hello"]], ["hang_up": true], ["raw": "{\"choices\": [{\"mess"], ["raw": "<html>"],
    ["raw": "{\"choices\": []}"], ["raw": "{}"], ["raw": ""],
  ] as [ChatServer.Reply])
  func halfAnswersAreAskedForAgain(reply: ChatServer.Reply) async throws {
    let mended = try ChatServer([reply, ["answers": ["whole"]]])
    #expect(try await endpoint(mended).complete(Self.hello).answers == ["whole"])
    let server = try ChatServer([reply])
    let said = try await failure(try endpoint(server))
    #expect(said.contains("gave no answer in 3 attempts; the last: "))
  }

  @Test func anAnswerWithoutEndIsNotRead() async throws {
    let server = try ChatServer([["answers": ["hello"], "pad": 2_000_000]])
    let said = try await failure(try endpoint(server) { $0.responseLimit = 1_000_000 })
    #expect(said.contains("sent an answer of more than 1000000 bytes"))
  }

  @Test func anAnswerThatDoesNotComeIsWaitedForSoLong() async throws {
    let server = try ChatServer([["answers": ["late"], "delay": 30]])
    let said = try await failure(
      try endpoint(server) {
        $0.timeout = .milliseconds(300)
        $0.retries.attemptsUnanswered = 2
      })
    #expect(said.contains("no whole answer within 0.3 s"))
  }

  @Test func aDeadEndpointIsNamed() async throws {
    let server = try ChatServer([["answers": ["hello"]]])
    let endpoint = try endpoint(server)
    server.stop()
    let said = try await failure(endpoint)
    #expect(said.contains("\(server.url)/chat/completions gave no answer in 3 attempts"))
    #expect(said.contains("Connection refused"))
    let nowhere = try ChatEndpoint(url: "http://no-such-host.invalid/v1", model: "m", key: nil, configuration: {
      var configuration = ChatEndpoint.Configuration()
      configuration.retries.firstPause = .milliseconds(10)
      return configuration
    }())
    #expect(try await failure(nowhere).contains("no-such-host.invalid"))
  }

  // MARK: The key

  @Test(arguments: [400, 401, 403, 404, 418, 500]) func theKeyIsInNoError(status: Int) async throws {
    let server = try ChatServer([
      ["status": .number(Double(status)), "raw": "{\"error\": {\"message\": \"Incorrect key {authorization}\"}}"]
    ])
    let said = try await failure(try endpoint(server, key: try APIKey(Self.secret)) { $0.retries.attempts = 1 })
    #expect(said.contains("Incorrect key Bearer ***"))
    #expect(!said.contains(Self.secret) && !said.contains("4f9a8b"))
  }

  @Test func theKeyIsInNoRecordingEvenIfItIsEchoed() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-key-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("exchanges.jsonl")
    let server = try ChatServer([
      ["answers": ["you are {authorization}"]], ["status": 401, "raw": "{authorization}: go away {authorization}"],
    ])
    let model = try RecordingChatModel(try endpoint(server, key: try APIKey(Self.secret)), file: file)
    #expect(try await model.complete(Self.hello).answers == ["you are Bearer ***"])
    await #expect(throws: GuerdonError.self) { _ = try await model.complete(Self.hello) }
    let kept = try Files.readText(file)
    #expect(kept.contains("you are Bearer ***") && kept.contains("go away"))
    #expect(!kept.contains(Self.secret))
    #expect("\(try APIKey(Self.secret))" == "***")
    var dumped = ""
    dump(try endpoint(server, key: try APIKey(Self.secret)), to: &dumped)
    #expect(!dumped.contains(Self.secret))
  }

  @Test func keysComeFromTheEnvironment() throws {
    #expect(try APIKey.from([:]) == nil)
    let both: [String: String] = ["GUERDON_API_KEY": "first-key", "OPENAI_API_KEY": "second-key"]
    #expect(try APIKey.from(both)?.header == "Bearer first-key")
    #expect(try APIKey.from(["OPENAI_API_KEY": " second-key\n"])?.header == "Bearer second-key")
    // Set to nothing, it keeps the other key from an endpoint that it is not for.
    #expect(try APIKey.from(["GUERDON_API_KEY": "", "OPENAI_API_KEY": "second-key"]) == nil)
    #expect(throws: GuerdonError.self) { try APIKey.from(["GUERDON_API_KEY": "two words"]) }
    do {
      _ = try APIKey.from(["GUERDON_API_KEY": "ключ-ключ"])
    } catch let error as GuerdonError {
      #expect(error.message.contains("GUERDON_API_KEY") && !error.message.contains("ключ"))
    }
  }

  @Test(arguments: [
    "ftp://host/v1", "host:8000", "", "http://", "http://user:pass@host/v1", "https://host/v1?key=abc",
    "http://host/v1#x",
  ]) func urlsThatAreNoneAreRefused(url: String) {
    #expect(throws: GuerdonError.self) { try ChatEndpoint(url: url, model: "m", key: nil) }
  }

  @Test(arguments: ["http://h/v1", "http://h/v1/", "http://h/v1/chat/completions"])
  func baseURLs(url: String) throws {
    #expect(try ChatEndpoint(url: url, model: "m", key: nil).url == "http://h/v1/chat/completions")
  }

  // MARK: Accounts

  @Test func theBudgetStopsTheRunWithOneSentence() async throws {
    let server = try ChatServer([["answers": ["hello"], "usage": [600, 50]]])
    let endpoint = try endpoint(server) {
      $0.prices = TokenPrices(input: 2, output: 10)
      $0.budget.tokens = 1_000
    }
    _ = try await endpoint.complete(Self.hello)
    _ = try await endpoint.complete(Self.hello)
    let said = try await failure(endpoint)
    #expect(
      said == "The language model's budget of 1000 tokens is spent (2 requests, 1300 tokens (1200 in, 100 out), cost "
        + "0.0034), so it is asked no more; --budget-tokens sets another.")
    #expect(try server.requests().count == 2)
    // 1200 · 2 + 100 · 10 millionths.
    #expect(abs((endpoint.spending.cost ?? 0) - 0.0034) < 1e-12)
  }

  @Test func theBudgetInMoney() async throws {
    let server = try ChatServer([["answers": ["hello"], "usage": [1_000_000, 0]]])
    let endpoint = try endpoint(server) {
      $0.prices = TokenPrices(input: 0.5, output: 1)
      $0.budget.cost = 0.5
    }
    _ = try await endpoint.complete(Self.hello)
    #expect(try await failure(endpoint).contains("budget of 0.5 is spent"))
    #expect(throws: GuerdonError.self) {
      var configuration = ChatEndpoint.Configuration()
      configuration.budget.cost = 1
      _ = try ChatEndpoint(url: "http://h/v1", model: "m", key: nil, configuration: configuration)
    }
  }

  @Test func tokensThatAreNotCountedAreEstimated() async throws {
    let server = try ChatServer([["answers": ["12345678"], "usage": nil]])
    let endpoint = try endpoint(server)
    let usage = try await endpoint.complete(Self.hello).usage
    // "Be brief." and "Say hello." are 9 and 10 bytes.
    #expect(usage == .init(promptTokens: 6, completionTokens: 2))
    #expect(endpoint.spending.isEstimated)
  }

  // MARK: Side by side, and stopping

  @Test func noMoreRequestsAtOnceThanAllowed() async throws {
    let server = try ChatServer([["answers": ["hello"], "delay": 0.2]])
    let endpoint = try endpoint(server) { $0.concurrency = 2 }
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<6 { group.addTask { _ = try await endpoint.complete(Self.hello) } }
      try await group.waitForAll()
    }
    // Three rounds of two.
    #expect(ContinuousClock.now - start >= .seconds(0.6))
    let times = try server.requests().map(\.time).sorted()
    try #require(times.count == 6)
    #expect(times[2] - times[0] >= 0.19 && times[4] - times[2] >= 0.19)
  }

  @Test(arguments: [
    ["answers": ["late"], "delay": 30], ["answers": ["late"], "pieces": 200],
    ["status": 500, "headers": ["Retry-After": "60"]],
  ] as [ChatServer.Reply])
  func cancellationEndsTheWaitingAtOnce(reply: ChatServer.Reply) async throws {
    let server = try ChatServer([reply])
    let endpoint = try endpoint(server) { $0.concurrency = 1 }
    // The second one waits for a place.
    let tasks = (0..<2).map { _ in Task { try await endpoint.complete(Self.hello) } }
    try await Task.sleep(for: .milliseconds(400))
    for task in tasks { task.cancel() }
    for task in tasks { await #expect(throws: CancellationError.self) { try await task.value } }
  }

  @Test func afterShutdownThereIsASentence() async throws {
    let server = try ChatServer([["answers": ["hello"]]])
    let endpoint = try endpoint(server)
    _ = try await endpoint.complete(Self.hello)
    await endpoint.shutdown()
    await endpoint.shutdown()
    #expect(try await failure(endpoint).contains("gave no answer"))
  }

  @Test func nonsenseIsNotAsked() async throws {
    let server = try ChatServer([["answers": ["hello"]]])
    let endpoint = try endpoint(server)
    var request = Self.hello
    request.temperature = .nan
    let messages: [ChatMessage] = Self.hello.messages
    for bad in [ChatRequest([]), ChatRequest(messages, n: 0), ChatRequest(messages, maxTokens: 0), request] {
      _ = try await failure(endpoint, bad)
    }
    #expect(try server.requests().isEmpty)
  }
}

@Suite struct RetryPolicyTests {
  @Test func pausesDoubleUpToTheLongest() {
    let policy = RetryPolicy()
    #expect((1...8).map { policy.pause(after: $0, jitter: 1) } == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
    #expect(policy.pause(after: 3, jitter: 0.5) == .seconds(2))
    for _ in 0..<100 { #expect((Duration.seconds(2) ... .seconds(4)).contains(policy.pause(after: 3))) }
  }

  /// The three forms of RFC 9110's own example, section 5.6.7: the date is 784111777 seconds after 1970.
  @Test(arguments: [
    ("120", 120.0), (" 0 ", 0), ("1.5", 1.5), ("Sun, 06 Nov 1994 08:49:37 GMT", 7),
    ("Sunday, 06-Nov-94 08:49:37 GMT", 7), ("Sun Nov  6 08:49:37 1994", 7), ("Sun, 06 Nov 1994 08:49:00 GMT", 0),
  ]) func retryAfterIsSecondsOrADate(header: String, seconds: Double) {
    let now = Date(timeIntervalSince1970: 784_111_770)
    #expect(RetryPolicy.retryAfter(header, now: now) == .seconds(seconds))
  }

  @Test(arguments: ["", "soon", "-5", "nan", "inf", "2026-01-01"]) func anythingElseIsNone(header: String) {
    #expect(RetryPolicy.retryAfter(header) == nil)
  }
}
