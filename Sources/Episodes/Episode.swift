import Basics

/// One value a step, for many steps: a column of an episode.
public struct EpisodeColumn: Sendable, Hashable {
  /// Row-major [steps] + shape.
  public enum Values: Sendable, Hashable {
    case bool([Bool])
    case uint8([UInt8])
    case int64([Int64])
    case float32([Float])
    case float64([Double])
    case text([String])
  }

  public let values: Values
  /// The shape of one step's value, empty for a scalar.
  public let shape: [Int]
  /// Steps.
  public let count: Int

  /// - Throws: `GuerdonError` when the values do not make whole steps of this shape, or a text has a shape.
  public init(_ values: Values, shape: [Int] = []) throws {
    let number: Int
    switch values {
    case .bool(let values): number = values.count
    case .uint8(let values): number = values.count
    case .int64(let values): number = values.count
    case .float32(let values): number = values.count
    case .float64(let values): number = values.count
    case .text(let values): number = values.count
    }
    let width = shape.reduce(1, *)
    guard shape.allSatisfy({ $0 > 0 }), number % width == 0 else {
      throw GuerdonError.usage("\(number) values are not whole steps of shape \(shape).")
    }
    if case .text = values, !shape.isEmpty { throw GuerdonError.usage("A text has no shape; \(shape) was given.") }
    (self.values, self.shape, count) = (values, shape, number / width)
  }

  /// All values as numbers, row-major [steps] + shape; nil for text.
  public var numbers: [Double]? {
    switch values {
    case .bool(let values): values.map { $0 ? 1 : 0 }
    case .uint8(let values): values.map(Double.init)
    case .int64(let values): values.map(Double.init)
    case .float32(let values): values.map(Double.init)
    case .float64(let values): values
    case .text: nil
    }
  }
}

/// What an observation, an action or an info holds over the steps of an episode: a column, or a structure of columns as
/// Gymnasium's `Dict` and `Tuple` spaces have it.
public indirect enum EpisodeValue: Sendable, Hashable {
  case column(EpisodeColumn)
  case dictionary([String: EpisodeValue])
  case tuple([EpisodeValue])

  public subscript(key: String) -> EpisodeValue? {
    if case .dictionary(let values) = self { values[key] } else { nil }
  }

  public var column: EpisodeColumn? { if case .column(let column) = self { column } else { nil } }

  /// All columns in it, with their paths.
  public var columns: [(path: String, column: EpisodeColumn)] { columns(below: "") }

  private func columns(below path: String) -> [(path: String, column: EpisodeColumn)] {
    let prefix = path.isEmpty ? "" : path + "/"
    switch self {
    case .column(let column): return [(path, column)]
    case .dictionary(let values):
      return values.sorted { $0.key < $1.key }.flatMap { $0.value.columns(below: prefix + $0.key) }
    case .tuple(let values):
      return values.enumerated().flatMap { $0.element.columns(below: prefix + "_index_\($0.offset)") }
    }
  }
}

/// One episode of T steps.
public struct Episode: Sendable, Hashable {
  /// T + 1 of them: what was seen before each action, and at the end.
  public var observations: EpisodeValue
  /// T of them.
  public var actions: EpisodeValue
  /// [T].
  public var rewards: [Double]
  /// [T]: Gymnasium's flags of each step.
  public var terminations: [Bool]
  public var truncations: [Bool]
  /// More columns, by name.
  public var infos: [String: EpisodeValue]
  /// What the environment was reset with, where known.
  public var seed: Int64?

  public init(
    observations: EpisodeValue, actions: EpisodeValue, rewards: [Double], terminations: [Bool], truncations: [Bool],
    infos: [String: EpisodeValue] = [:], seed: Int64? = nil
  ) {
    (self.observations, self.actions, self.rewards) = (observations, actions, rewards)
    (self.terminations, self.truncations, self.infos, self.seed) = (terminations, truncations, infos, seed)
  }

  /// T.
  public var count: Int { rewards.count }
  /// The sum of rewards.
  public var totalReward: Double { rewards.reduce(0, +) }
  public var isTerminated: Bool { terminations.last ?? false }
  public var isTruncated: Bool { truncations.last ?? false }

  /// - Throws: `GuerdonError` when the columns do not have T steps, or the observations T + 1.
  public func check() throws {
    let steps = count
    guard terminations.count == steps, truncations.count == steps else {
      throw GuerdonError.usage(
        "An episode of \(steps) rewards has \(terminations.count) terminations and \(truncations.count) truncations.")
    }
    for (part, value, wanted) in [("observations", observations, steps + 1), ("actions", actions, steps)] {
      for (path, column) in value.columns where column.count != wanted {
        let name = path.isEmpty ? part : part + "/" + path
        throw GuerdonError.usage(
          "An episode of \(steps) steps has \(column.count) of \(name); it takes \(wanted).")
      }
    }
  }
}
