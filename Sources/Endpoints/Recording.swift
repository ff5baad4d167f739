import Basics
import Foundation
import Synchronization

/// One line of a recording: what was asked, and what came of it.
public struct ChatExchange: Sendable, Hashable, Codable {
  /// The model's name.
  public var model: String
  public var request: ChatRequest
  /// With the tokens used and the attempts made; nil if there was no answer.
  public var response: ChatResponse?
  /// Why there was no answer.
  public var failure: String?
  public var seconds: Double

  public init(model: String, request: ChatRequest, response: ChatResponse?, failure: String?, seconds: Double) {
    self.model = model
    self.request = request
    self.response = response
    self.failure = failure
    self.seconds = seconds
  }

  /// The exchanges in a file, in order. A last line that was only half written is left out.
  /// - Throws: `GuerdonError` that names the file and the line.
  public static func read(_ file: URL) throws -> [ChatExchange] {
    let data: Data = try Files.read(file, limit: 1 << 30)
    let lines: [Data.SubSequence] = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // Every whole line ends with a line feed, so what follows the last one is empty or half a line.
    return try lines.dropLast().enumerated().filter { !$0.element.isEmpty }.map { index, line in
      try Files.decodeJSON(ChatExchange.self, from: Data(line), named: "\(file.path), line \(index + 1)")
    }
  }
}

/// A model whose every exchange is kept in a file of JSON lines, also those that failed.
public final class RecordingChatModel: ChatModel {
  private let model: any ChatModel
  private let file: URL
  private let output: Mutex<FileHandle>

  public var name: String { model.name }

  /// - Parameter file: made where it is missing; else the exchanges are added to it.
  /// - Throws: `GuerdonError.failure` when it cannot be written.
  public init(_ model: any ChatModel, file: URL) throws {
    self.model = model
    self.file = file
    try Files.createDirectory(file.deletingLastPathComponent())
    do {
      if !FileManager.default.fileExists(atPath: file.path) { try Files.write(Data(), to: file) }
      // A line that an earlier run could not finish must not spoil the next one.
      let kept: Data = try Files.read(file, limit: 1 << 30)
      let whole: Int = kept.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      let handle = try FileHandle(forUpdating: file)
      try handle.truncate(atOffset: UInt64(whole))
      output = Mutex(handle)
    } catch let error as GuerdonError {
      throw error
    } catch {
      throw GuerdonError.failure("The recording \(file.path) cannot be written: \(error.localizedDescription)")
    }
  }

  public func complete(_ request: ChatRequest) async throws -> ChatResponse {
    let start = ContinuousClock.now
    func keep(_ response: ChatResponse?, _ failure: String?) throws {
      try write(
        ChatExchange(
          model: name, request: request, response: response, failure: failure,
          seconds: (ContinuousClock.now - start).seconds))
    }
    do {
      let response: ChatResponse = try await model.complete(request)
      try keep(response, nil)
      return response
    } catch let error as GuerdonError {
      try keep(nil, error.message)
      throw error
    }
  }

  private func write(_ exchange: ChatExchange) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      let line: Data = try encoder.encode(exchange) + Data("\n".utf8)
      try output.withLock { try $0.write(contentsOf: line) }
    } catch {
      throw GuerdonError.failure("The recording \(file.path) cannot be written: \(error.localizedDescription)")
    }
  }
}

/// A recording in the place of its model: the same request gets the same answer, and one that was made several times
/// gets its answers in the order in which they came.
public final class ReplayChatModel: ChatModel {
  public let name: String
  /// The first request of the recording.
  public let first: ChatRequest

  private let file: URL
  private let count: Int
  /// What is left of each request's exchanges.
  private let left: Mutex<[ChatRequest: ArraySlice<ChatExchange>]>

  /// - Throws: `GuerdonError` for a file that is missing, malformed or empty.
  public init(file: URL) throws {
    let exchanges: [ChatExchange] = try ChatExchange.read(file)
    guard let first: ChatExchange = exchanges.first else {
      throw GuerdonError.usage("The recording \(file.path) is empty.")
    }
    self.file = file
    name = first.model
    self.first = first.request
    count = exchanges.count
    left = Mutex(Dictionary(grouping: exchanges, by: \.request).mapValues { $0[...] })
  }

  /// - Throws: `GuerdonError.failure` for a request that is not in the recording, or whose answers are used up; and
  ///   what the recorded exchange failed with.
  public func complete(_ request: ChatRequest) async throws -> ChatResponse {
    try Task.checkCancellation()
    let (exchange, isKnown): (ChatExchange?, Bool) = left.withLock { left in
      (left[request]?.popFirst(), left[request] != nil)
    }
    guard let exchange else {
      throw GuerdonError.failure(
        isKnown
          ? "The recording \(file.path) has no further answer to a request that it holds: the recorded run ended here."
          : "None of the \(count) exchanges in the recording \(file.path) is this request: the task, the seed, the "
            + "budget, the prompts or an option differ from those of the recorded run.")
    }
    guard let response: ChatResponse = exchange.response else {
      throw GuerdonError.failure(exchange.failure ?? "The recorded request failed.")
    }
    return response
  }
}
