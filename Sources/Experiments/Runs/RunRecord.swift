import Basics
import Foundation

/// What is known of one run: the content of its `run.json`, from which the index is made.
public struct RunRecord: Sendable, Hashable, Codable {
  public enum Status: String, Sendable, Codable, CaseIterable {
    case running, finished, failed
    /// It was stopped, or its process died.
    case interrupted
  }

  /// The name of its directory.
  public var id: String
  /// The command's verb: "design", "train", "reproduce".
  public var verb: String
  /// The method or algorithm, where there is one: "eureka", "ppo".
  public var method: String?
  /// What it worked on, where there is such a thing: a task, an environment.
  public var task: String?
  public var arguments: [String]
  /// Every setting under its name in `--set`, "learner.rate", as the text that `--set` takes.
  public var configuration: [String: String]
  public var seed: UInt64
  public var status: Status
  public var started: Date
  public var finished: Date?
  public var process: Int32
  /// Closing figures by name, each one value or one a seed.
  public var metrics: [String: [Double]]
  /// Why it failed.
  public var failure: String?
}

extension RunRecord {
  static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .custom { date, encoder in
      var container = encoder.singleValueContainer()
      // The formatter cuts digits off; what was read must be written as it was.
      let milliseconds = (date.timeIntervalSince1970 * 1_000).rounded()
      try container.encode(Date(timeIntervalSince1970: (milliseconds + 0.25) / 1_000).formatted(timeStyle))
    }
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return encoder
  }()

  static let decoder: JSONDecoder = {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .custom { decoder in
      try timeStyle.parse(decoder.singleValueContainer().decode(String.self))
    }
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return decoder
  }()

  /// To the millisecond, so that runs that begin in the same second have an order.
  private static let timeStyle = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

  /// The directories in `folder` that may be runs; a hidden one is being begun or deleted.
  static func directories(in folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { !$0.hasPrefix(".") }
  }

  /// The record in a run's directory. One that says "running" while no process holds the directory is interrupted.
  /// - Throws: an error when there is no readable record.
  init(readingFrom directory: URL) throws {
    // Held is asked first: a run that ends between the two questions has then said how it ended.
    let isHeld = DirectoryLock.isHeld(directory)
    self = try Self.decoder.decode(
      Self.self, from: Files.read(directory.appendingPathComponent("run.json"), limit: 64 << 20))
    id = directory.lastPathComponent
    if status == .running && !isHeld { status = .interrupted }
  }

  func save(in directory: URL) throws {
    try Files.write(Self.encoder.encode(self), to: directory.appendingPathComponent("run.json"))
  }
}
