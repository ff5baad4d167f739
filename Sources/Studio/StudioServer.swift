import Basics
import Foundation
import Hummingbird
import Synchronization

/// The page's server. It runs on threads of its own, for training takes all others.
final class StudioServer: Sendable {
  /// The largest answer that is read, in bytes.
  static let largestAnswer = 64 << 10

  let address: String
  private let running: Task<Void, any Error>
  private let readers: Readers
  /// Lives as long as the tasks on it.
  private let threads: ServerThreads

  private init(address: String, running: Task<Void, any Error>, readers: Readers, threads: ServerThreads) {
    self.address = address
    self.running = running
    self.readers = readers
    self.threads = threads
  }

  static func start(_ board: StudioBoard, port: Int) async throws -> StudioServer {
    let word = randomName()
    let opening = Opening()
    let door = Door(word: word)
    let readers = Readers()
    let router = Router(context: BasicRequestContext.self)
    router.add(middleware: Guarded(door: door))
    addRoutes(to: router, word: word, board: board, readers: readers)
    var application = Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: port), serverName: nil),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? 0
        door.port.store(port, ordering: .sequentiallyConsistent)
        opening.end(.success(port))
      })
    application.logger.logLevel = .critical
    let server = application
    let threads = ServerThreads()
    let running = Task(executorPreference: threads) {
      // Once it listens, this is told too late and changes nothing.
      defer {
        opening.end(
          .failure(
            .failure(
              "The page cannot be served on port \(port) of this machine: the port is in use or may not be opened. Give another with --port, or 0 for any that is free."
            )))
      }
      try await server.run()
    }
    let actual = try await opening.port()
    return StudioServer(
      address: "http://127.0.0.1:\(actual)/\(word)/", running: running, readers: readers,
      threads: threads)
  }

  /// Ends once every page was told what there is to tell, or a second has gone by.
  func stop() async {
    for _ in 0..<20 where readers.count.load(ordering: .relaxed) > 0 { try? await Task.sleep(for: .milliseconds(50)) }
    running.cancel()
    _ = await running.result
  }

  // MARK: Routes

  private static func addRoutes(
    to router: Router<BasicRequestContext>, word: String, board: StudioBoard, readers: Readers
  ) {
    let room = router.group(RouterPath(word))
    room.get { request, _ in
      // The page's own addresses are relative to a folder.
      guard request.uri.path.hasSuffix("/") else { return Response.redirect(to: "/\(word)/") }
      return file(StudioPage.html, "text/html; charset=utf-8")
    }
    room.get("style.css") { _, _ in file(StudioPage.style, "text/css; charset=utf-8") }
    room.get("player.js") { _, _ in file(StudioPage.player, "text/javascript; charset=utf-8") }
    room.get("page.js") { _, _ in file(StudioPage.script, "text/javascript; charset=utf-8") }
    room.get("programs/:id") { _, context in
      guard let id = context.parameters.get("id", as: Int.self), let program = board.withState({ $0.program(id) }) else {
        throw StudioRefusal(.notFound, "There is no such program.")
      }
      return try json(program)
    }
    room.get("clips/:name") { _, context in
      guard let name = context.parameters.get("name"), let clip = board.withState({ $0.clip(name) }) else {
        throw StudioRefusal(.notFound, "There is no such clip, or it is no longer asked about.")
      }
      return try json(ClipFile(clip))
    }
    room.post("answers") { request, _ in
      guard request.headers[.contentType]?.lowercased().hasPrefix("application/json") == true else {
        throw StudioRefusal(.unsupportedMediaType, "An answer is application/json.")
      }
      let body = try await collect(request.body, limit: largestAnswer)
      let answer: StudioState.Answer
      do {
        answer = try Files.decodeJSON(StudioState.Answer.self, from: body, named: "The answer")
      } catch let error as GuerdonError {
        throw StudioRefusal(.badRequest, error.message)
      }
      return try json(["taken": try board.withState { try $0.take(answer) }])
    }
    room.get("events") { request, _ in
      let past = HTTPFieldName.lastEventID.flatMap { request.headers[$0] }.flatMap { Int($0) } ?? 0
      return Response(
        status: .ok, headers: [.contentType: "text/event-stream"],
        body: ResponseBody { writer in try await tell(&writer, board: board, since: past, readers: readers) })
    }
  }

  /// Server-sent events: each holds what changed, and its id is the version, with which a browser comes back.
  private static func tell(
    _ writer: inout any ResponseBodyWriter, board: StudioBoard, since past: Int, readers: Readers
  ) async throws {
    readers.count.add(1, ordering: .relaxed)
    defer { readers.count.subtract(1, ordering: .relaxed) }
    var version = past
    var quiet = 0
    try await writer.write(ByteBuffer(string: "retry: 1000\n\n"))
    while true {
      let (delta, isEnded) = board.withState { ($0.delta(since: version), $0.isEnded) }
      if let delta {
        let text = String(decoding: try encoder.encode(delta), as: UTF8.self)
        try await writer.write(ByteBuffer(string: "id: \(delta.version)\ndata: \(text)\n\n"))
        (version, quiet) = (delta.version, 0)
      } else {
        quiet += 1
        // A page that has gone is noticed by writing to it.
        if quiet % 50 == 0 { try await writer.write(ByteBuffer(string: ": still here\n\n")) }
      }
      if isEnded { break }
      try await Task.sleep(for: .milliseconds(200))
    }
    try await writer.finish(nil)
  }

  private static func collect(_ body: RequestBody, limit: Int) async throws -> Data {
    var data = Data()
    for try await part in body {
      guard data.count + part.readableBytes <= limit else {
        throw StudioRefusal(.contentTooLarge, "An answer has at most \(limit) bytes.")
      }
      data.append(contentsOf: part.readableBytesView)
    }
    return data
  }

  private static func file(_ text: String, _ type: String) -> Response {
    Response(status: .ok, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(string: text)))
  }

  fileprivate static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"],
      body: .init(byteBuffer: ByteBuffer(bytes: try encoder.encode(value))))
  }

  private static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}

/// The port that the server listens on, once it does, or why it does not.
private final class Opening: Sendable {
  private struct State {
    var result: Result<Int, GuerdonError>?
    var waiting: CheckedContinuation<Int, any Error>?
  }

  private let state = Mutex(State())

  /// The first result counts.
  func end(_ result: Result<Int, GuerdonError>) {
    let waiting = state.withLock { state -> CheckedContinuation<Int, any Error>? in
      guard state.result == nil else { return nil }
      state.result = result
      defer { state.waiting = nil }
      return state.waiting
    }
    waiting?.resume(with: result)
  }

  func port() async throws -> Int {
    try await withCheckedThrowingContinuation { continuation in
      let result = state.withLock { state -> Result<Int, GuerdonError>? in
        if state.result == nil { state.waiting = continuation }
        return state.result
      }
      if let result { continuation.resume(with: result) }
    }
  }
}

/// Pages that are being told.
private final class Readers: Sendable {
  let count = Atomic<Int>(0)
}

/// What it takes to come in.
private final class Door: Sendable {
  let word: String
  /// Known once the server listens.
  let port = Atomic<Int>(0)

  init(word: String) { self.word = word }

  /// - Throws: `StudioRefusal` for whoever does not know the word, or comes from another site.
  func check(_ request: Request) throws {
    let port = port.load(ordering: .relaxed)
    // A name that another site had pointed at this machine is not one of these.
    let hosts = ["127.0.0.1:\(port)", "localhost:\(port)"]
    guard let host = request.head.authority, hosts.contains(host) else {
      throw StudioRefusal(.misdirected, "This page is served to 127.0.0.1:\(port) only.")
    }
    if let origin = request.headers[.origin], !hosts.contains(where: { origin == "http://\($0)" }) {
      throw StudioRefusal(.forbidden, "Another site's page may not ask here.")
    }
    let given = request.uri.path.split(separator: "/", omittingEmptySubsequences: true).first ?? ""
    guard Self.isEqual(given, word) else {
      throw StudioRefusal(.forbidden, "Open the whole address that guerdon printed.")
    }
  }

  /// Takes as long for any wrong word of the right length.
  private static func isEqual(_ a: Substring, _ b: String) -> Bool {
    guard a.utf8.count == b.utf8.count else { return false }
    return zip(a.utf8, b.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}

/// Checks every request, and gives every response, also a refusal, the headers that keep the page to itself.
private struct Guarded: RouterMiddleware {
  typealias Context = BasicRequestContext

  let door: Door

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    var response: Response
    do {
      try door.check(request)
      response = try await next(request, context)
    } catch let refusal as StudioRefusal {
      response = try StudioServer.json(["error": refusal.message], status: .init(code: refusal.status.rawValue))
      // What was not read of a refused body is not taken for the next request.
      response.headers[.connection] = "close"
    } catch let error as HTTPError {
      response = try StudioServer.json(["error": error.body ?? error.status.reasonPhrase], status: error.status)
    }
    response.headers[.cacheControl] = "no-store"
    response.headers[.contentSecurityPolicy] =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; "
      + "form-action 'none'; frame-ancestors 'none'"
    response.headers[.xContentTypeOptions] = "nosniff"
    response.headers[.crossOriginResourcePolicy] = "same-origin"
    if let name = HTTPFieldName.referrerPolicy { response.headers[name] = "no-referrer" }
    return response
  }
}

private enum HTTPFieldName {
  static let lastEventID = HTTPFields.Element.Name("Last-Event-ID")
  static let referrerPolicy = HTTPFields.Element.Name("Referrer-Policy")
}

/// One thread after another, none of Swift's shared ones.
private final class ServerThreads: TaskExecutor {
  private let queue = DispatchQueue(label: "guerdon.studio")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
