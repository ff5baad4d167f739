import AsyncHTTPClient
import Basics
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A language model behind any server that speaks OpenAI's chat completions: OpenAI's own, vLLM's, llama.cpp's.
///
/// Busy and broken servers are asked again, with growing pauses or as `Retry-After` says. Where a server refuses `n`, a
/// JSON schema or `max_tokens`, or gives fewer answers than asked for, it is asked in another way, and that is
/// remembered. Cancelling the task that waits for an answer ends the waiting at once.
public final class ChatEndpoint: ChatModel {
  public struct Configuration: Sendable {
    public var connectTimeout: Duration = .seconds(10)
    /// For one request, from its first byte to the last of the answer.
    public var timeout: Duration = .seconds(600)
    public var retries = RetryPolicy()
    /// Requests in flight at once.
    public var concurrency = 4
    /// Largest answer, in bytes.
    public var responseLimit = 16 << 20
    public var prices: TokenPrices?
    public var budget = SpendingBudget()

    public init() {}
  }

  /// The model's name.
  public let name: String
  /// Where requests go: the base URL with `/chat/completions`.
  public let url: String

  private let key: APIKey?
  private let configuration: Configuration
  private let client: HTTPClient
  private let limit: ConcurrencyLimit
  private let ledger: Ledger
  private let dialect = Mutex(Dialect())
  private let listener = Mutex<@Sendable (String) -> Void>({ _ in })

  /// - Parameters:
  ///   - url: the base URL, for example `https://api.openai.com/v1` or `http://127.0.0.1:8000/v1`.
  ///   - key: sent with every request; nil for a server that wants none. `APIKey.from()` reads the environment.
  /// - Throws: `GuerdonError.usage` for what is no such URL, no name of a model, or a budget that cannot be kept.
  public init(url: String, model: String, key: APIKey?, configuration: Configuration = Configuration()) throws {
    self.url = try Self.completions(below: url)
    guard !model.trimmingCharacters(in: .whitespaces).isEmpty else {
      throw GuerdonError.usage("The endpoint needs the name of a model (--model).")
    }
    let budget: SpendingBudget = configuration.budget
    guard budget.tokens ?? 1 >= 1, budget.cost ?? 1 > 0 else {
      throw GuerdonError.usage("A budget for the language model must be positive.")
    }
    if let prices: TokenPrices = configuration.prices {
      guard prices.input >= 0, prices.output >= 0, (prices.input + prices.output).isFinite else {
        throw GuerdonError.usage("The prices of tokens must be finite and not negative.")
      }
    } else if budget.cost != nil {
      throw GuerdonError.usage(
        "A budget in money needs the prices of a million tokens of prompts and of answers (--price-in, --price-out).")
    }
    name = model
    self.key = key
    self.configuration = configuration
    limit = ConcurrencyLimit(configuration.concurrency)
    ledger = Ledger(prices: configuration.prices, budget: budget)
    var client = HTTPClient.Configuration(
      // A redirect would take the key elsewhere.
      redirectConfiguration: .disallow,
      timeout: .init(connect: .nanoseconds(Int64(configuration.connectTimeout.seconds * 1e9))))
    client.connectionPool.retryConnectionEstablishment = false
    self.client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: client)
  }

  deinit { client.shutdown { _ in } }

  /// Ends what is in flight and closes the connections. An endpoint that is let go of does so by itself.
  public func shutdown() async { try? await client.shutdown() }

  /// Has `listener` told, in a sentence, whenever a request failed and will be sent again after a pause.
  public func onRetry(_ listener: @escaping @Sendable (String) -> Void) { self.listener.withLock { $0 = listener } }

  /// What was spent so far.
  public var spending: Spending { ledger.spending }

  /// - Throws: `GuerdonError` in one sentence, without the key; `CancellationError` when cancelled.
  public func complete(_ request: ChatRequest) async throws -> ChatResponse {
    guard !request.messages.isEmpty, request.n >= 1, request.maxTokens >= 1, request.temperature >= 0,
      request.temperature.isFinite
    else {
      throw GuerdonError.usage(
        "A language model is asked with at least one message, for at least one answer of at least one token, at a "
          + "temperature of 0 or more.")
    }
    var response = ChatResponse(answers: [])
    response.attempts = 0
    func add(_ part: ChatResponse) {
      response.answers += part.answers
      response.usage = response.usage + part.usage
      response.attempts = (response.attempts ?? 0) + (part.attempts ?? 0)
    }
    while response.answers.count < request.n {
      var part: ChatRequest = request
      part.n = request.n - response.answers.count
      do {
        if part.n > 1, dialect.withLock({ $0.oneAtATime }) {
          for one: ChatResponse in try await oneByOne(part) { add(one) }
          break
        }
        let exchanged: ChatResponse = try await exchange(part)
        add(exchanged)
        if exchanged.answers.count < part.n { dialect.withLock { $0.oneAtATime = true } }
      } catch let error as GuerdonError {
        // Answers that were paid for are not thrown away; whoever asks again hears what is the matter.
        if response.answers.isEmpty { throw error }
        break
      }
    }
    return response
  }

  /// `request.n` requests for one answer each, side by side; those that were answered, in order.
  /// - Throws: the first error, where not one was answered.
  private func oneByOne(_ request: ChatRequest) async throws -> [ChatResponse] {
    var single: ChatRequest = request
    single.n = 1
    let results: [Result<ChatResponse, GuerdonError>] = try await withThrowingTaskGroup(
      of: (Int, Result<ChatResponse, GuerdonError>).self
    ) { [single] group in
      for index: Int in 0..<request.n {
        group.addTask {
          do {
            return (index, .success(try await self.exchange(single)))
          } catch let error as GuerdonError {
            return (index, .failure(error))
          }
        }
      }
      var results: [(Int, Result<ChatResponse, GuerdonError>)] = []
      for try await result in group { results.append(result) }
      return results.sorted { $0.0 < $1.0 }.map(\.1)
    }
    let answered: [ChatResponse] = results.compactMap { try? $0.get() }
    return answered.isEmpty ? [try results[0].get()] : answered
  }

  // MARK: One exchange

  /// What one request came to.
  private enum Attempt {
    case answered(ChatResponse)
    /// It is not wanted as it is: 400 or 422.
    case misunderstood(String)
    /// Busy or broken.
    case busy(String, retryAfter: Duration?)
    /// Nobody there, or what came back is no answer.
    case unanswered(String)
  }

  /// Asks until there is an answer, or no more sense in asking.
  private func exchange(_ request: ChatRequest) async throws -> ChatResponse {
    var dialect: Dialect = self.dialect.withLock { $0 }
    var attempts = 0, failures = 0, unanswered = 0
    while true {
      try ledger.check()
      attempts += 1
      let reason: String
      var pause: Duration?
      switch try await attempt(request, in: dialect) {
      case .answered(var response):
        self.dialect.withLock { [dialect] in $0 = dialect }
        response.attempts = attempts
        return response
      case .misunderstood(let message):
        guard let other: Dialect = dialect.adapted(to: message, asking: request) else {
          throw GuerdonError.failure("\(url) refused the request: \(message)")
        }
        dialect = other
        continue
      case .busy(let said, let retryAfter):
        failures += 1
        reason = said
        if let retryAfter, retryAfter > configuration.retries.patience {
          throw GuerdonError.failure(
            "\(url) asks to wait for \(Int(retryAfter.seconds)) seconds: \(reason) Try again later.")
        }
        if failures < configuration.retries.attempts {
          let own: Duration = configuration.retries.pause(after: failures)
          pause = retryAfter.map { max($0, .zero) + own / 10 } ?? own
        }
      case .unanswered(let said):
        failures += 1
        unanswered += 1
        reason = said
        if unanswered < configuration.retries.attemptsUnanswered, failures < configuration.retries.attempts {
          pause = configuration.retries.pause(after: unanswered)
        }
      }
      guard let pause else {
        throw GuerdonError.failure("\(url) gave no answer in \(attempts) attempts; the last: \(reason)")
      }
      let seconds: Double = (pause.seconds * 10).rounded() / 10
      listener.withLock { $0 }("\(url): \(reason) Asking again in \(seconds) s.")
      try await Task.sleep(for: pause)
    }
  }

  private func attempt(_ request: ChatRequest, in dialect: Dialect) async throws -> Attempt {
    var http = HTTPClientRequest(url: url)
    http.method = .POST
    http.headers.add(name: "Content-Type", value: "application/json")
    http.headers.add(name: "Accept", value: "application/json")
    http.headers.add(name: "User-Agent", value: "guerdon")
    if let key { http.headers.add(name: "Authorization", value: key.header) }
    http.body = .bytes(ByteBuffer(bytes: try WireRequest(model: name, request: request, dialect: dialect).data()))
    let sent: HTTPClientRequest = http
    do {
      let (head, body): (HTTPClientResponse, Data) = try await limit.run {
        try await within(configuration.timeout) {
          let response: HTTPClientResponse = try await self.client.execute(sent, deadline: .distantFuture)
          let body: ByteBuffer = try await response.body.collect(upTo: self.configuration.responseLimit)
          return (response, Data(body.readableBytesView))
        }
      }
      return try read(head, body, asking: request)
    } catch let error as GuerdonError {
      throw error
    } catch {
      if error is CancellationError || Task.isCancelled { throw CancellationError() }
      if error is NIOTooManyBytesError {
        throw GuerdonError.failure(
          "\(url) sent an answer of more than \(configuration.responseLimit) bytes, which is not read.")
      }
      return .unanswered(words(for: error))
    }
  }

  /// What a whole response means.
  private func read(_ head: HTTPClientResponse, _ body: Data, asking request: ChatRequest) throws -> Attempt {
    let status: Int = Int(head.status.code)
    if (200..<300).contains(status) {
      let read: WireResponse
      do {
        read = try Files.decodeJSON(WireResponse.self, from: body, named: "its answer")
      } catch let error as GuerdonError {
        return .unanswered(shown(error.message))
      }
      let answers: [String] = read.answers.prefix(request.n).map { key?.hidden(in: $0) ?? $0 }
      guard !answers.isEmpty else { return .unanswered("its answer has no choices.") }
      let counted: ChatResponse.Usage? = read.usage.flatMap { usage in
        guard let input: Int = usage.prompt_tokens, let output: Int = usage.completion_tokens, input >= 0, output >= 0,
          input < 1 << 40, output < 1 << 40
        else { return nil }
        return ChatResponse.Usage(promptTokens: input, completionTokens: output)
      }
      let usage: ChatResponse.Usage = counted ?? estimate(request, answers)
      ledger.add(usage, isEstimated: counted == nil)
      return .answered(ChatResponse(answers: answers, usage: usage))
    }
    let said = WireError(body)
    let message: String = shown(said.message)
    let reason: String = "\(status) \(head.status.reasonPhrase)" + (message.isEmpty ? "." : ": \(message)")
    switch status {
    // llama-cpp-python's way of saying 422.
    case 500 where request.format != nil && message.contains("response_format"):
      return .misunderstood(reason)
    case 429 where said.isOutOfQuota:
      throw GuerdonError.failure("\(url) answered \(reason)")
    case 408, 409, 425, 429, 500...599:
      return .busy(reason, retryAfter: head.headers.first(name: "Retry-After").flatMap { RetryPolicy.retryAfter($0) })
    case 400, 422:
      return .misunderstood(reason)
    case 401, 403:
      let hint: String =
        key == nil
        ? "Put a key into GUERDON_API_KEY or OPENAI_API_KEY." : "Is the key in GUERDON_API_KEY or OPENAI_API_KEY right?"
      throw GuerdonError.failure("\(url) answered \(reason) \(hint)")
    case 404, 405:
      throw GuerdonError.failure(
        "\(url) answered \(reason) Is there a model \"\(name)\", and does the base URL end as the server's "
          + "documentation says, most often with /v1?")
    case 300..<400:
      throw GuerdonError.failure("\(url) answered \(reason) It points elsewhere; give that place's base URL.")
    default:
      throw GuerdonError.failure("\(url) answered \(reason)")
    }
  }

  // MARK: Words

  /// Text that a server sent, fit for an error: one line, at most 300 characters, without the key, closed by a stop.
  private func shown(_ text: String) -> String {
    let safe: String = key?.hidden(in: text) ?? text
    let printable = safe.unicodeScalars.map { CharacterSet.controlCharacters.contains($0) ? " " : Character($0) }
    let line: String = String(printable).split(separator: " ").joined(separator: " ")
    if line.isEmpty { return "" }
    if line.count > 300 { return line.prefix(300) + "…" }
    return ".!?".contains(line.suffix(1)) ? line : line + "."
  }

  private func words(for error: any Error) -> String {
    switch error {
    case is TimedOut:
      return "no whole answer within \(configuration.timeout.seconds) s."
    case let error as NIOConnectionError:
      if let failure = error.connectionErrors.first {
        return "no connection to \(error.host):\(error.port): \(words(for: failure.error))"
      }
      return "there is no host \"\(error.host)\"."
    case let error as IOError:
      return String(cString: strerror(error.errnoCode)) + "."
    case let error as HTTPClientError where error == .connectTimeout:
      return "no connection within \(configuration.connectTimeout.seconds) s."
    case let error as HTTPClientError where error == .remoteConnectionClosed:
      return "the connection was closed before the answer was whole."
    case let error as HTTPClientError:
      return shown(error.shortDescription)
    default:
      return shown("the connection failed (\(error))")
    }
  }

  /// Four bytes a token, for servers that do not count.
  private func estimate(_ request: ChatRequest, _ answers: [String]) -> ChatResponse.Usage {
    ChatResponse.Usage(
      promptTokens: request.messages.reduce(0) { $0 + ($1.content.utf8.count + 3) / 4 },
      completionTokens: answers.reduce(0) { $0 + ($1.utf8.count + 3) / 4 })
  }

  /// - Throws: `GuerdonError.usage` for what is no base URL.
  private static func completions(below url: String) throws -> String {
    guard let parts = URLComponents(string: url), let scheme: String = parts.scheme?.lowercased(),
      ["http", "https"].contains(scheme), let host: String = parts.host, !host.isEmpty
    else {
      throw GuerdonError.usage(
        "The endpoint's URL must begin with http:// or https:// and name a host, as http://127.0.0.1:8000/v1 does.")
    }
    // URLs are kept with a run; keys are not.
    guard parts.user == nil, parts.password == nil, parts.query == nil, parts.fragment == nil else {
      throw GuerdonError.usage(
        "The endpoint's URL must have no user, password, ? or #: a key belongs into GUERDON_API_KEY.")
    }
    var base: Substring = url[...]
    while base.hasSuffix("/") { base = base.dropLast() }
    return base.hasSuffix("/chat/completions") ? String(base) : base + "/chat/completions"
  }
}

private struct TimedOut: Error {}

/// The work's result, if it comes in time; else the work is cancelled.
private func within<Result: Sendable>(
  _ time: Duration, _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  try await withThrowingTaskGroup(of: Result.self) { group in
    group.addTask { try await work() }
    group.addTask {
      try await Task.sleep(for: time)
      throw TimedOut()
    }
    defer { group.cancelAll() }
    guard let first: Result = try await group.next() else { throw CancellationError() }
    return first
  }
}
