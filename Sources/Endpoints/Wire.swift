import Basics
import Foundation

/// How one server wants to be asked: what it turned out not to understand is left out from then on.
struct Dialect: Sendable, Hashable {
  /// It gives one answer a request, whatever `n` says.
  var oneAtATime = false
  /// It knows no `response_format` with a JSON schema.
  var withoutFormat = false
  /// It wants `max_completion_tokens` in the place of `max_tokens`.
  var limitsCompletion = false

  /// Another way to ask what was refused with 400 or 422; nil when nothing is left to change.
  func adapted(to message: String, asking request: ChatRequest) -> Dialect? {
    var other: Dialect = self
    if !limitsCompletion, message.contains("max_completion_tokens") {
      other.limitsCompletion = true
    } else if !withoutFormat, request.format != nil {
      other.withoutFormat = true
    } else if !oneAtATime, request.n > 1 {
      other.oneAtATime = true
    } else {
      return nil
    }
    return other
  }
}

/// The body of a request.
struct WireRequest: Encodable {
  let model: String
  let request: ChatRequest
  let dialect: Dialect

  private enum Key: String, CodingKey {
    case model, messages, n, temperature, max_tokens, max_completion_tokens, response_format
  }

  func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: Key.self)
    try object.encode(model, forKey: .model)
    try object.encode(request.messages, forKey: .messages)
    try object.encode(request.temperature, forKey: .temperature)
    try object.encode(request.maxTokens, forKey: dialect.limitsCompletion ? .max_completion_tokens : .max_tokens)
    if request.n > 1, !dialect.oneAtATime { try object.encode(request.n, forKey: .n) }
    if let format: ChatRequest.Format = request.format, !dialect.withoutFormat {
      try object.encode(WireFormat(format), forKey: .response_format)
    }
  }

  func data() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}

/// `{"type": "json_schema", "json_schema": {…}}`: one object of texts.
private struct WireFormat: Encodable {
  struct Named: Encodable {
    let name: String
    let strict = true
    let schema: Object
  }
  struct Object: Encodable {
    let type = "object"
    let properties: [String: Text]
    let required: [String]
    let additionalProperties = false
  }
  struct Text: Encodable {
    let type = "string"
    let description: String
  }

  let type = "json_schema"
  let json_schema: Named

  init(_ format: ChatRequest.Format) {
    let texts: [(String, Text)] = format.properties.map { ($0.name, Text(description: $0.meaning)) }
    json_schema = Named(
      name: format.name,
      schema: Object(
        properties: Dictionary(texts, uniquingKeysWith: { first, _ in first }),
        required: format.properties.map(\.name)))
  }
}

/// The body of an answer: what is read of it.
struct WireResponse: Decodable {
  struct Choice: Decodable {
    struct Message: Decodable {
      /// null where a model refuses, or only thinks aloud.
      let content: String?
    }
    let index: Int?
    let message: Message
  }
  struct Usage: Decodable {
    let prompt_tokens: Int?
    let completion_tokens: Int?
  }

  let choices: [Choice]
  let usage: Usage?

  /// In the order of the indices that the server gave.
  var answers: [String] {
    let ordered: [(index: Int, text: String)] = choices.enumerated().map { place, choice in
      (choice.index ?? place, choice.message.content ?? "")
    }
    return ordered.sorted { $0.index < $1.index }.map(\.text)
  }
}

/// The body of a refusal, in the forms that servers give it.
struct WireError: Decodable {
  struct Details: Decodable {
    let message: String?
    let type: String?
    let code: String?

    private enum Key: CodingKey { case message, type, code }

    init(from decoder: any Decoder) throws {
      let object = try decoder.container(keyedBy: Key.self)
      message = try? object.decode(String.self, forKey: .message)
      type = try? object.decode(String.self, forKey: .type)
      code = try? object.decode(String.self, forKey: .code)
    }
  }

  /// What the server says, else the body's own text.
  let message: String
  /// An account without money: waiting does not help.
  let isOutOfQuota: Bool

  private enum Key: CodingKey { case error, message, detail }

  init(from decoder: any Decoder) throws {
    let object = try decoder.container(keyedBy: Key.self)
    let details: Details? = try? object.decode(Details.self, forKey: .error)
    let texts: [String?] = [
      details?.message, try? object.decode(String.self, forKey: .error),
      try? object.decode(String.self, forKey: .message), try? object.decode(String.self, forKey: .detail),
    ]
    guard let message: String = texts.compactMap({ $0 }).first else {
      throw DecodingError.valueNotFound(
        String.self, .init(codingPath: decoder.codingPath, debugDescription: "There is no message."))
    }
    self.message = message
    isOutOfQuota = [details?.code, details?.type].contains("insufficient_quota")
  }

  init(_ body: Data) {
    if let read: WireError = try? JSONDecoder().decode(WireError.self, from: body) {
      self = read
    } else {
      message = String(decoding: body.prefix(4_096), as: UTF8.self)
      isOutOfQuota = false
    }
  }
}
