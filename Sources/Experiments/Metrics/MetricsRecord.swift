import Basics
import Foundation

/// What was measured at one step: a line of `metrics.jsonl`.
public struct MetricsRecord: Sendable, Hashable, Codable {
  public var step: Int
  /// Seconds since 1970.
  public var time: Double
  public var scalars: [String: Double]
  public var texts: [String: String]
  public var histograms: [String: Histogram]

  private enum CodingKeys: String, CodingKey {
    case step, time, scalars, texts, histograms
  }

  init(
    step: Int, time: Double, scalars: [String: Double], texts: [String: String], histograms: [String: Histogram]
  ) {
    self.step = step
    self.time = time
    self.scalars = scalars
    self.texts = texts
    self.histograms = histograms
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    step = try values.decode(Int.self, forKey: .step)
    time = try values.decode(Double.self, forKey: .time)
    scalars = try values.decodeIfPresent([String: Double].self, forKey: .scalars) ?? [:]
    texts = try values.decodeIfPresent([String: String].self, forKey: .texts) ?? [:]
    histograms = try values.decodeIfPresent([String: Histogram].self, forKey: .histograms) ?? [:]
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(step, forKey: .step)
    try values.encode(time, forKey: .time)
    if !scalars.isEmpty { try values.encode(scalars, forKey: .scalars) }
    if !texts.isEmpty { try values.encode(texts, forKey: .texts) }
    if !histograms.isEmpty { try values.encode(histograms, forKey: .histograms) }
  }

  /// The records of a `metrics.jsonl`, in the order in which they were written. A last line that was cut off by the end
  /// of its process is passed over.
  /// - Throws: `GuerdonError` when the file cannot be read, or another line is no record.
  public static func read(from url: URL) throws -> [MetricsRecord] {
    let lines = try Files.read(url).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return try lines.dropLast().enumerated().map { index, line in
      do {
        return try RunRecord.decoder.decode(MetricsRecord.self, from: line)
      } catch {
        throw GuerdonError.failure("Line \(index + 1) of \(url.path) is no record of metrics.")
      }
    }
  }

  /// The record as it stands in the file.
  var line: Data {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
      return try encoder.encode(self) + [UInt8(ascii: "\n")]
    }
  }
}
