import Basics
import Foundation

/// A server of language models that answers as a test tells it to: `chat_server.py`, which says what a reply may hold.
public final class ChatServer {
  /// One reply, as JSON.
  public typealias Reply = [String: JSON]

  public enum JSON: Sendable, Encodable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByNilLiteral
  {
    case text(String)
    case number(Double)
    case truth(Bool)
    case list([JSON])
    case object([String: JSON])
    case null

    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int) { self = .number(Double(value)) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .truth(value) }
    public init(arrayLiteral elements: JSON...) { self = .list(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) {
      self = .object(Dictionary(elements, uniquingKeysWith: { first, _ in first }))
    }
    public init(nilLiteral: ()) { self = .null }

    public static func texts(_ texts: [String]) -> JSON { .list(texts.map(JSON.text)) }

    public func encode(to encoder: any Encoder) throws {
      var value = encoder.singleValueContainer()
      switch self {
      case .text(let text): try value.encode(text)
      // Whole numbers as such: a status is no 200.0.
      case .number(let number):
        if let whole = Int(exactly: number) { try value.encode(whole) } else { try value.encode(number) }
      case .truth(let truth): try value.encode(truth)
      case .list(let list): try value.encode(list)
      case .object(let object): try value.encode(object)
      case .null: try value.encodeNil()
      }
    }
  }

  /// A request as it came.
  public struct Request: Decodable {
    public struct Message: Decodable {
      public let role: String
      public let content: String
    }
    public struct Body: Decodable {
      public let model: String
      public let messages: [Message]
      public let n: Int?
      public let temperature: Double?
      public let max_tokens: Int?
      public let max_completion_tokens: Int?
      public let response_format: Format?
    }
    public struct Format: Decodable {
      public let type: String
    }
    /// When it came, in seconds.
    public let time: Double
    public let path: String
    public let headers: [String: String]
    public let body: Body
  }

  /// The base URL.
  public let url: String
  private let process: Process
  private let folder: URL

  /// - Throws: `GuerdonError` when it does not start.
  public init(_ replies: [Reply]) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-chat-\(UUID().uuidString)")
    try Files.createDirectory(folder)
    let script = folder.appendingPathComponent("chat_server.py")
    try Files.write(Data(PackageResources.chat_server_py), to: script)
    let told = folder.appendingPathComponent("replies.json")
    try Files.write(try JSONEncoder().encode(replies), to: told)
    let arguments: [String] = [
      script.path, "--replies", told.path, "--log", folder.appendingPathComponent("log.jsonl").path, "--until-eof",
    ]
    (process, url) = try Self.start(Dependencies.python, arguments)
  }

  /// Starts a server that prints its port on the first line.
  private static func start(_ python: URL?, _ arguments: [String]) throws -> (Process, String) {
    guard let python else { throw GuerdonError.failure("There is no .deps/python: run `make setup` first.") }
    let process = Process()
    let output = Pipe()
    process.executableURL = python
    process.arguments = arguments
    process.standardOutput = output
    // It ends with this process, however that ends.
    process.standardInput = Pipe()
    try process.run()
    var line = ""
    while !line.hasSuffix("\n") {
      let read: Data = output.fileHandleForReading.availableData
      if read.isEmpty { throw GuerdonError.failure("chat_server.py did not start.") }
      line += String(decoding: read, as: UTF8.self)
    }
    return (process, "http://127.0.0.1:\(line.trimmingCharacters(in: .whitespacesAndNewlines))/v1")
  }

  /// Every request so far.
  public func requests() throws -> [Request] {
    let log = folder.appendingPathComponent("log.jsonl")
    guard FileManager.default.fileExists(atPath: log.path) else { return [] }
    return try Files.read(log).split(separator: UInt8(ascii: "\n")).map {
      try JSONDecoder().decode(Request.self, from: Data($0))
    }
  }

  /// Ends it, as a server that dies; ends by itself when it is let go of.
  public func stop() {
    process.kill()
  }

  deinit {
    stop()
    try? FileManager.default.removeItem(at: folder)
  }
}

extension Process {
  /// Ends it at once. `terminate()` does not do: threads of a test block SIGTERM, and a process inherits that.
  public func kill() {
    guard isRunning else { return }
    Foundation.kill(processIdentifier, SIGKILL)
    waitUntilExit()
  }
}
