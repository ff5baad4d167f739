import Basics
import Foundation
import Synchronization
import Testing

@testable import Endpoints

/// Answers with how often it was asked; fails when told to.
private final class Counting: ChatModel {
  let name = "counting"
  private let asked = Mutex(0)

  func complete(_ request: ChatRequest) async throws -> ChatResponse {
    let number: Int = asked.withLock { asked in
      asked += 1
      return asked
    }
    if request.messages.last?.content == "fail" { throw GuerdonError.failure("It is broken.") }
    var response = ChatResponse(
      answers: (0..<request.n).map { "\(number).\($0)" }, usage: .init(promptTokens: 7, completionTokens: number))
    response.attempts = 2
    return response
  }
}

@Suite struct RecordingTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-rec-\(UUID().uuidString)")
  private var file: URL { folder.appendingPathComponent("deep/exchanges.jsonl") }

  private func ask(_ text: String, n: Int = 1, temperature: Double = 0.1) -> ChatRequest {
    ChatRequest([ChatMessage(.user, text)], n: n, temperature: temperature)
  }

  @Test func aReplayAnswersAsTheRecordedModelDid() async throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let recording = try RecordingChatModel(Counting(), file: file)
    let requests = [ask("a"), ask("b\n\"ü\"", n: 3), ask("a"), ask("c", temperature: 1.0 / 3)]
    var answers: [ChatResponse] = []
    for request in requests { answers.append(try await recording.complete(request)) }
    await #expect(throws: GuerdonError.self) { try await recording.complete(ask("fail")) }

    let replay = try ReplayChatModel(file: file)
    #expect(replay.name == "counting")
    // In another order: what was asked once has its answer, what was asked twice has them in order.
    for index in [3, 0, 1, 2] { #expect(try await replay.complete(requests[index]) == answers[index]) }
    do {
      _ = try await replay.complete(ask("fail"))
      Issue.record("It was answered.")
    } catch let error as GuerdonError {
      #expect(error.message == "It is broken.")
    }

    let exchanges = try ChatExchange.read(file)
    #expect(exchanges.count == 5)
    #expect(exchanges.allSatisfy { $0.seconds >= 0 && $0.model == "counting" })
    #expect(exchanges[1].response?.usage == .init(promptTokens: 7, completionTokens: 2))
    #expect(exchanges[1].response?.attempts == 2)
    #expect(exchanges[4].failure == "It is broken." && exchanges[4].response == nil)
  }

  @Test func whatIsNotInTheRecordingIsSaidInOneSentence() async throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let recording = try RecordingChatModel(Counting(), file: file)
    _ = try await recording.complete(ask("a"))
    let replay = try ReplayChatModel(file: file)
    func said(_ request: ChatRequest) async throws -> String {
      do {
        _ = try await replay.complete(request)
      } catch let error as GuerdonError {
        return error.message
      }
      return ""
    }
    #expect(try await said(ask("a", n: 2)).contains("None of the 1 exchanges in the recording \(file.path)"))
    #expect(try await said(ask("a", temperature: 0.2)).hasPrefix("None of"))
    #expect(try await said(ask("a")) == "")
    #expect(try await said(ask("a")).contains("has no further answer"))
  }

  @Test func halfALineDoesNotSpoilTheRecording() async throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    _ = try await RecordingChatModel(Counting(), file: file).complete(ask("a"))
    let whole = try Files.readText(file)
    try Files.write(whole + "{\"model\": \"coun", to: file)
    #expect(try ChatExchange.read(file).count == 1)
    // A later run goes on where the file is whole.
    _ = try await RecordingChatModel(Counting(), file: file).complete(ask("b"))
    #expect(try ChatExchange.read(file).map { $0.request.messages[0].content } == ["a", "b"])
  }

  @Test func badRecordingsAreNamed() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    func said(_ text: String) throws -> String {
      try Files.createDirectory(file.deletingLastPathComponent())
      try Files.write(text, to: file)
      do {
        _ = try ReplayChatModel(file: file)
      } catch let error as GuerdonError {
        return error.message
      }
      return ""
    }
    #expect(try said("") == "The recording \(file.path) is empty.")
    #expect(try said("\nnot json\n").contains("\(file.path), line 2 is not JSON"))
    #expect(try said("{\"model\": \"m\", \"seconds\": 1}\n").contains("line 1 lacks \"request\""))
    #expect(throws: GuerdonError.self) { try ReplayChatModel(file: folder.appendingPathComponent("none.jsonl")) }
    // A folder in the place of the file.
    #expect(throws: GuerdonError.self) { try RecordingChatModel(Counting(), file: folder) }
  }
}
