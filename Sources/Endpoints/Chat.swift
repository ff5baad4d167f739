/// One message of a conversation with a language model.
public struct ChatMessage: Sendable, Hashable, Codable {
  public enum Role: String, Sendable, Codable { case system, user, assistant }

  public var role: Role
  public var content: String

  public init(_ role: Role, _ content: String) {
    self.role = role
    self.content = content
  }
}

/// What a language model is asked: the names and meanings are those of OpenAI's chat completions.
public struct ChatRequest: Sendable, Hashable, Codable {
  /// Asks for one JSON object of texts instead of prose. A server that knows no such thing answers with prose.
  public struct Format: Sendable, Hashable, Codable {
    public struct Property: Sendable, Hashable, Codable {
      public var name: String
      public var meaning: String

      public init(_ name: String, meaning: String) {
        self.name = name
        self.meaning = meaning
      }
    }

    public var name: String
    /// Every one must be given. Servers write them in the alphabetical order of their names.
    public var properties: [Property]

    public init(name: String, properties: [Property]) {
      self.name = name
      self.properties = properties
    }
  }

  public var messages: [ChatMessage]
  /// Independent answers to the same messages.
  public var n: Int
  public var temperature: Double
  /// Longest answer, in tokens.
  public var maxTokens: Int
  /// nil asks for prose.
  public var format: Format?

  public init(_ messages: [ChatMessage], n: Int = 1, temperature: Double = 1, maxTokens: Int = 4_096) {
    self.messages = messages
    self.n = n
    self.temperature = temperature
    self.maxTokens = maxTokens
  }
}

/// What came back: as many answers as were asked for, or fewer when the model gave fewer.
public struct ChatResponse: Sendable, Hashable, Codable {
  public struct Usage: Sendable, Hashable, Codable {
    public var promptTokens = 0
    public var completionTokens = 0

    public init(promptTokens: Int = 0, completionTokens: Int = 0) {
      self.promptTokens = promptTokens
      self.completionTokens = completionTokens
    }

    public static func + (a: Usage, b: Usage) -> Usage {
      Usage(
        promptTokens: a.promptTokens + b.promptTokens, completionTokens: a.completionTokens + b.completionTokens)
    }
  }

  public var answers: [String]
  public var usage: Usage
  /// Requests that were sent for it, failed ones included; nil where nothing was sent.
  public var attempts: Int?

  public init(answers: [String], usage: Usage = Usage()) {
    self.answers = answers
    self.usage = usage
  }
}

/// A language model that answers conversations: an endpoint, a recording, or a rule that stands in for one.
public protocol ChatModel: Sendable {
  /// How reports and recordings call it.
  var name: String { get }

  /// - Throws: `GuerdonError` in one sentence when there is no answer to be had: a dead endpoint, a spent budget.
  func complete(_ request: ChatRequest) async throws -> ChatResponse
}
