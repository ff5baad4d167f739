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
  public var messages: [ChatMessage]
  /// Independent answers to the same messages.
  public var n: Int
  public var temperature: Double
  /// Longest answer, in tokens.
  public var maxTokens: Int

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
  }

  public var answers: [String]
  public var usage: Usage

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
