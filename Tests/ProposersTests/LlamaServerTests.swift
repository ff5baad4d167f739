import Basics
import Endpoints
import Foundation
import TestSupport
import Testing

@testable import Proposers

/// llama.cpp's server from PyPI, with a model of random weights made on the spot.
private final class LlamaServer {
  static let python: URL? = Dependencies.directory?.appendingPathComponent("peers/bin/python")

  /// Whether `scripts/setup --peers` has been here.
  static let isInstalled: Bool = {
    guard let python, FileManager.default.isExecutableFile(atPath: python.path) else { return false }
    let looking = """
      import json
      from importlib.util import find_spec
      print(json.dumps(all(find_spec(name) for name in ("llama_cpp", "gguf", "uvicorn"))))
      """
    return (try? Python.run(looking, as: Bool.self, by: python)) ?? false
  }()

  let url: String
  private let process = Process()
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-llama-\(UUID().uuidString)")
    try Files.createDirectory(folder)
    let model = folder.appendingPathComponent("tiny.gguf").path
    let script = String(decoding: PackageResources.tiny_llama_py, as: UTF8.self)
    let port: Int = try Python.run(script, input: model, by: Self.python)
    url = "http://127.0.0.1:\(port)/v1"
    process.executableURL = Self.python
    process.arguments = [
      "-m", "llama_cpp.server", "--model", model, "--host", "127.0.0.1", "--port", "\(port)", "--n_ctx", "32768",
      "--seed", "1", "--verbose", "false",
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  deinit {
    process.kill()
    try? FileManager.default.removeItem(at: folder)
  }
}

@Suite struct LlamaServerTests {
  @Test(
    .enabled(
      if: LlamaServer.isInstalled, "llama-cpp-python is not in .deps/peers; scripts/setup --peers puts it there."))
  func gibberishIsSurvived() async throws {
    let server = try LlamaServer()
    var configuration = ChatEndpoint.Configuration()
    // Until it has started.
    configuration.retries.attemptsUnanswered = 60
    configuration.retries.attempts = 60
    configuration.retries.firstPause = .milliseconds(500)
    configuration.retries.longestPause = .milliseconds(500)
    let endpoint = try ChatEndpoint(url: server.url, model: "tiny", key: nil, configuration: configuration)
    var options = LanguageModelProposer.Configuration()
    options.maxTokens = 200
    options.mendingRounds = 1
    // It knows no schema, and gives one answer whatever n says.
    options.structured = true
    let proposer = LanguageModelProposer(model: endpoint, prompts: try .embedded(), configuration: options)
    let proposals = try await proposer.propose(3, after: Bench.history)
    #expect(proposals.count == 3)
    #expect(proposals.allSatisfy { $0.answer?.isEmpty == false })
    // A language of 256 random bytes has no programs.
    let candidates = Bench.tried(proposals, generation: 0, after: Bench.history)
    #expect(candidates.allSatisfy { $0.score == nil })
    #expect(Set(proposals.map(\.answer)).count == 3, "the answers are not independent")
    // Three answers, and three that should have mended them, each some hundred tokens of prompt at least.
    #expect(endpoint.spending.requests >= 6 && endpoint.spending.usage.promptTokens > 6_000)
    #expect(!endpoint.spending.isEstimated)
  }
}
