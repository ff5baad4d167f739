import ArgumentParser
import Basics
import Endpoints
import Experiments
import Foundation
import Proposers
import RewardDesign

/// Who writes the programs of a design run.
enum ProposerKind: String, CaseIterable, ExpressibleByArgument { case evolution, llm, replay }

/// A language model that proposes, or a recording of one.
struct LanguageModelOptions: ParsableArguments {
  @Option(
    help: """
      Base URL of a server that speaks OpenAI's chat completions, for example http://127.0.0.1:8000/v1. Its key is \
      read from GUERDON_API_KEY, else OPENAI_API_KEY.
      """) var endpoint: String?
  @Option(help: "The model's name on that server.") var model: String?
  @Option(help: "Sampling temperature; 1 if not given.") var temperature: Double?
  @Option(help: "Longest answer, in tokens; 4096 if not given.") var maxTokens: Int?
  @Option(help: "Tokens after which the run stops, prompts and answers together.") var budgetTokens: Int?
  @Option(help: "Cost after which the run stops; needs the prices.") var budgetCost: Double?
  @Option(help: "Price of a million tokens of prompts.") var priceIn: Double?
  @Option(help: "Price of a million tokens of answers.") var priceOut: Double?
  @Option(help: "Folder with the texts that the model is told; Prompts/ if not given.") var prompts: String?
  @Option(help: "File that every exchange is added to; exchanges.jsonl in the run's folder if not given.")
  var record: String?
  @Option(help: "Recording whose answers are given again, for --proposer replay.") var replay: String?
  @Option(help: "What is said again: markovian (the last best answer, as in Eureka) or full (as in Text2Reward).")
  var context: LanguageModelProposer.Configuration.Context = .markovian
  @Option(help: "Times that a program with mistakes is sent back to be mended.") var mendings = 2
  @Flag(help: "Ask for JSON with a schema; a server that knows none is asked for prose.") var structured = false

  func validate() throws {
    if let temperature, !(0...10).contains(temperature) { throw ValidationError("--temperature must be from 0 to 10.") }
    if let maxTokens, maxTokens < 1 { throw ValidationError("--max-tokens must be at least 1.") }
    guard (0...100).contains(mendings) else { throw ValidationError("--mendings must be from 0 to 100.") }
    guard (priceIn == nil) == (priceOut == nil) else {
      throw ValidationError("--price-in and --price-out go together.")
    }
  }

  /// The proposer that was asked for, with everything that can be wrong about it found out before a run begins.
  /// - Throws: `GuerdonError.usage` for options that are missing, or that belong to another proposer.
  func source(_ kind: ProposerKind) throws -> ProposerSource {
    let given: [(name: String, isGiven: Bool, kinds: [ProposerKind])] = [
      ("endpoint", endpoint != nil, [.llm]), ("model", model != nil, [.llm]), ("record", record != nil, [.llm]),
      ("temperature", temperature != nil, [.llm]), ("max-tokens", maxTokens != nil, [.llm]),
      ("budget-tokens", budgetTokens != nil, [.llm]), ("budget-cost", budgetCost != nil, [.llm]),
      ("price-in", priceIn != nil, [.llm]), ("structured", structured, [.llm]), ("replay", replay != nil, [.replay]),
      ("prompts", prompts != nil, [.llm, .replay]), ("context", context != .markovian, [.llm, .replay]),
    ]
    if let stray = given.first(where: { $0.isGiven && !$0.kinds.contains(kind) }) {
      throw GuerdonError.usage(
        "--\(stray.name) is for --proposer \(stray.kinds.map(\.rawValue).joined(separator: " or ")).")
    }
    switch kind {
    case .evolution: return .evolution
    case .llm:
      guard let endpoint, let model else {
        throw GuerdonError.usage(
          "--proposer llm needs --endpoint URL and --model NAME, for example --endpoint http://127.0.0.1:8000/v1.")
      }
      var configuration = ChatEndpoint.Configuration()
      configuration.budget = SpendingBudget(tokens: budgetTokens, cost: budgetCost)
      if let priceIn, let priceOut { configuration.prices = TokenPrices(input: priceIn, output: priceOut) }
      let chat = try ChatEndpoint(url: endpoint, model: model, key: try .from(), configuration: configuration)
      return .languageModel(
        chat, prompts: try texts(), self.configuration, record: record.map { URL(fileURLWithPath: $0) })
    case .replay:
      guard let replay else { throw GuerdonError.usage("--proposer replay needs --replay FILE.") }
      return .replay(
        try ReplayChatModel(file: URL(fileURLWithPath: replay)), prompts: try texts(), self.configuration)
    }
  }

  private func texts() throws -> Prompts {
    try prompts.map { try Prompts(folder: URL(fileURLWithPath: $0)) } ?? .standard()
  }

  private var configuration: LanguageModelProposer.Configuration {
    var configuration = LanguageModelProposer.Configuration()
    configuration.temperature = temperature ?? configuration.temperature
    configuration.maxTokens = maxTokens ?? configuration.maxTokens
    configuration.mendingRounds = mendings
    configuration.context = context
    configuration.structured = structured
    return configuration
  }
}

extension LanguageModelProposer.Configuration.Context: ExpressibleByArgument {}

/// A proposer in waiting.
enum ProposerSource {
  case evolution
  case languageModel(ChatEndpoint, prompts: Prompts, LanguageModelProposer.Configuration, record: URL?)
  case replay(ReplayChatModel, prompts: Prompts, LanguageModelProposer.Configuration)

  /// The proposer for a run that has begun; it stops waiting for a model when the run is stopped.
  func proposer(
    for task: DesignTask, seed: UInt64, run: Run, interruption: Interruption, progress: ProgressLine
  ) throws -> any Proposer {
    switch self {
    case .evolution: return try EvolutionProposer(schema: task.schema, seed: seed)
    case .languageModel(let endpoint, let prompts, var configuration, let record):
      configuration.shouldStop = { interruption.isRequested }
      endpoint.onRetry { progress.note($0) }
      let file: URL = record ?? run.directory.appendingPathComponent("exchanges.jsonl")
      return LanguageModelProposer(
        model: try RecordingChatModel(endpoint, file: file), prompts: prompts, configuration: configuration)
    case .replay(let model, let prompts, var configuration):
      configuration.shouldStop = { interruption.isRequested }
      return ReplayProposer(model, prompts: prompts, configuration: configuration)
    }
  }

  /// What was spent, in a sentence; nil where nothing is paid for.
  var spent: String? {
    guard case .languageModel(let endpoint, _, _, _) = self else { return nil }
    return "Language model \(endpoint.name): \(endpoint.spending.summary)."
  }
}
