import Basics
import Foundation

/// Where a method was published.
public struct Paper: Sendable, Hashable, Codable {
  public var arXiv: String
  public var year: Int
  public var month: Int
  public var authors: Int

  public init(arXiv: String, year: Int, month: Int, authors: Int) {
    self.arXiv = arXiv
    self.year = year
    self.month = month
    self.authors = authors
  }
}

/// The families of methods, one target each.
public enum MethodFamily: String, Sendable, Codable, CaseIterable {
  case generated = "GeneratedRewards"
  case learned = "LearnedRewards"
  case shaped = "ShapedRewards"
  case theory = "RewardTheory"
  case language = "LanguageRewards"
  case diffusion = "DiffusionRewards"
  case decisions = "Decisions"
}

/// What a method is, in a few lines.
public struct MethodCard: Sendable, Hashable, Codable {
  /// The word by which it is called: `guerdon reproduce <id>`.
  public var id: String
  public var title: String
  public var paper: Paper
  public var family: MethodFamily
  /// One or two sentences.
  public var summary: String

  public init(id: String, title: String, paper: Paper, family: MethodFamily, summary: String) {
    self.id = id
    self.title = title
    self.paper = paper
    self.family = family
    self.summary = summary
  }
}

/// How large an experiment is.
public enum Scale: String, Sendable, Codable, CaseIterable {
  /// At most a minute on two cores; still tests the claims' direction.
  case smoke
  /// The acceptance experiment of the method's brief.
  case full
}

/// Every hyperparameter of a method and its experiment, with the paper's values as defaults.
public protocol MethodConfiguration: Sendable, Codable {
  static var smoke: Self { get }
  static var full: Self { get }
  /// The seeds of the experiment's arms.
  var seeds: [UInt64] { get set }
}

extension MethodConfiguration {
  public static func at(_ scale: Scale) -> Self { scale == .smoke ? smoke : full }

  /// The configuration with some values replaced, each given as `key=value`; `a.b=value` reaches into nested ones.
  /// - Throws: `GuerdonError` for an unknown key or a value of the wrong type.
  public func setting(_ assignments: [String]) throws -> Self {
    guard !assignments.isEmpty else { return self }
    var tree = try JSONSerialization.jsonObject(with: JSONEncoder().encode(self))
    for assignment in assignments {
      guard let equals = assignment.firstIndex(of: "=") else {
        throw GuerdonError.usage("--set takes key=value, not \"\(assignment)\".")
      }
      let key = String(assignment[..<equals]), text = String(assignment[assignment.index(after: equals)...])
      let value = (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) ?? text
      tree = try Self.replacing(key.split(separator: ".").map(String.init), in: tree, by: value, key: key)
    }
    do {
      return try JSONDecoder().decode(Self.self, from: JSONSerialization.data(withJSONObject: tree))
    } catch let error as DecodingError {
      throw GuerdonError.usage("--set does not fit: \(Self.reason(error)).")
    }
  }

  private static func replacing(_ path: [String], in tree: Any, by value: Any, key: String) throws -> Any {
    guard let first = path.first else { return value }
    guard var object = tree as? [String: Any], let inner = object[first] else {
      let known = (tree as? [String: Any])?.keys.sorted() ?? []
      throw GuerdonError.usage(
        "There is no setting \"\(key)\"; the settings are \(known.joined(separator: ", "))."
          + suggestion(for: first, among: known))
    }
    object[first] = try replacing(Array(path.dropFirst()), in: inner, by: value, key: key)
    return object
  }

  private static func reason(_ error: DecodingError) -> String {
    switch error {
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      "\(context.codingPath.map(\.stringValue).joined(separator: ".")) must be of type \(type)"
    case .dataCorrupted(let context), .keyNotFound(_, let context):
      "\(context.codingPath.map(\.stringValue).joined(separator: ".")): \(context.debugDescription)"
    @unknown default: "a value is of the wrong type"
    }
  }
}

/// One published technique: a card, an algorithm, and an experiment whose claims can fail.
public protocol Method: Sendable {
  associatedtype Configuration: MethodConfiguration
  static var card: MethodCard { get }

  /// Runs the acceptance experiment.
  /// - Throws: `GuerdonError`, or `CancellationError` when the run was stopped.
  static func reproduce(_ configuration: Configuration, in run: RunContext) async throws -> Evidence
}

/// What an experiment may use of the run it belongs to.
public struct RunContext: Sendable {
  /// Trainings that may run side by side.
  public let jobs: Int
  public let progress: ProgressLine
  public let interruption: Interruption
  /// Where metrics and artefacts are kept; nil where nothing is to be kept.
  public let run: Run?

  public init(jobs: Int, progress: ProgressLine, interruption: Interruption, run: Run? = nil) {
    self.jobs = jobs
    self.progress = progress
    self.interruption = interruption
    self.run = run
  }

  /// Writes what was measured at one step to the run's metrics, where there is a run.
  public func log(
    step: Int, _ scalars: [String: Double], texts: [String: String] = [:], histograms: [String: Histogram] = [:]
  ) throws {
    try run?.metrics.write(step: step, scalars, texts: texts, histograms: histograms)
  }
}
