import Basics
import Schemas

/// What a worker says about the environment it has made.
struct PythonEnvironment: Decodable, Equatable {
  var observation: PythonSpace
  var action: PythonSpace
  /// The longest episode, where the environment tells.
  var limit: Int?
  var summary: String
  /// What the discrete actions are called, where the environment tells.
  var choices: [String]
}

/// A bridged environment's spec, and where the numbers of its records come from.
struct PythonSchema {
  /// Where a column after `action` comes from.
  enum Source {
    /// A component of the observation after the step.
    case observation(Int)
    /// One of the numbers of the step's info.
    case info(Int)
  }

  let spec: EnvironmentSpec
  let sources: [Source]

  /// Steps after which an episode is truncated when Python sets no limit: whole episodes are recorded, so there is one.
  static let unlimited = 10_000

  /// - Parameter info: the names of the numbers that are taken from the step's info.
  /// - Throws: `GuerdonError` when the description names fields or columns that are not there.
  init(
    _ python: PythonEnvironment, name: String, info: [String], description: EnvironmentDescription?,
    maxEpisodeSteps: Int?
  ) throws {
    let limit = maxEpisodeSteps ?? min(python.limit ?? Self.unlimited, 65536)
    let seen = python.observation
    var sources: [Source] = []
    var fields = [
      seen.field("obs", "Observation before the step"),
      seen.field("next_obs", "Observation after the step, laid out as obs"),
      python.actionField,
    ]
    let own: Set<String> = ["obs", "next_obs", "action", "step", "terminated"]
    func add(_ field: Field, from columns: [Source]) {
      var field = field
      while fields.contains(where: { $0.name == field.name }) || own.contains(field.name) { field.name += "_" }
      fields.append(field)
      sources += columns
    }
    if seen.isNested {
      for (leaf, columns) in zip(seen.leaves, seen.columns) {
        add(
          leaf.field(leaf.name, meaning: "Part \"\(leaf.name)\" of the observation after the step: \(leaf.phrase)."),
          from: columns.map { .observation($0) })
      }
    }
    for (k, key) in info.enumerated() {
      add(Field(key, meaning: "\"\(key)\" in the step's info; not a number where it is missing."), from: [.info(k)])
    }
    for (key, described) in (description?.fields ?? [:]).sorted(by: { $0.key < $1.key }) {
      if let range = described.columns {
        guard range.count == 2, 0 <= range[0], range[0] < range[1], range[1] <= seen.width else {
          throw GuerdonError.failure(
            "The description of \(name) gives \"\(key)\" the columns \(range); give [first, last + 1] within 0 to \(seen.width).")
        }
        let width = range[1] - range[0]
        let shape = described.shape ?? (width == 1 ? [] : [width])
        guard shape.reduce(1, *) == width, !fields.contains(where: { $0.name == key }), !own.contains(key) else {
          throw GuerdonError.failure(
            "The description of \(name) gives \"\(key)\" a shape of another size than its columns, or a name that is taken.")
        }
        let bounds = seen.bounds(of: range[0]..<range[1])
        add(
          Field(
            key, shape: shape, low: bounds.low, high: bounds.high,
            meaning: "Components \(range[0]) to \(range[1] - 1) of next_obs."),
          from: (range[0]..<range[1]).map { .observation($0) })
      }
      guard let index = fields.firstIndex(where: { $0.name == key }) else {
        throw GuerdonError.failure(
          "The description of \(name) has a field \"\(key)\", which the environment has not; give it columns.\(suggestion(for: key, among: fields.map(\.name)))")
      }
      fields[index].meaning = described.meaning ?? fields[index].meaning
      fields[index].unit = described.unit ?? fields[index].unit
      fields[index].low = described.low ?? fields[index].low
      fields[index].high = described.high ?? fields[index].high
    }
    fields += EnvironmentSpec.progressFields(maxEpisodeSteps: limit)
    let summary = description?.summary ?? (python.summary.isEmpty ? "The Python environment \(name)." : python.summary)
    spec = EnvironmentSpec(
      id: name, observationSpace: seen.space, actionSpace: python.action.space,
      schema: Schema(environment: name, fields: fields), maxEpisodeSteps: limit, summary: summary)
    self.sources = sources
  }
}

extension PythonEnvironment {
  fileprivate var actionField: Field {
    if choices.isEmpty { return action.field("action", "Action taken") }
    let names = choices.enumerated().map { "\($0) \($1)" }.joined(separator: ", ")
    return action.leaves[0].field("action", meaning: "Action taken: \(names).")
  }
}

extension PythonSpace {
  fileprivate func bounds(of columns: Range<Int>) -> (low: Double, high: Double) {
    let low = leaves.flatMap(\.low.values)[columns], high = leaves.flatMap(\.high.values)[columns]
    return (low.min() ?? 0, high.max() ?? 0)
  }
}
