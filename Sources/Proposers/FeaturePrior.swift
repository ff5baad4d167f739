import Schemas

/// What a goal's words and the schema's documentation say of one feature before anything was seen.
struct FeaturePrior: Sendable, Hashable {
  /// Words that the goal shares with the names and meanings of the fields it reads.
  var mentions = 0
  /// The goal speaks of it in a negation.
  var isAvoided = false
  /// Its name or meaning says that it tells of the task's success.
  var isSuccess = false
  /// A length between two things, most often wanted at nothing.
  var isDistance = false
  /// Values that are wanted: numbers that its meaning explains by a word of the goal.
  var places: [Double] = []
  /// Numbers of the goal that fit its unit; on which side of zero is not said.
  var magnitudes: [Double] = []
  /// How near is near enough, by the goal.
  var tolerances: [Double] = []
  /// Chance that more of it is better.
  var upward = 0.5

  var isWanted: Bool { !places.isEmpty || !magnitudes.isEmpty }

  init() {}

  init(_ feature: Feature, goal: GoalReading, schema: Schema) {
    guard feature.kind != .alive, feature.field != "action" else { return }
    let fields = feature.fields.compactMap { schema[$0] }
    let text = fields.map { "\($0.name) \($0.meaning)" }.joined(separator: " ")
    let stems = GoalReading.stems(text)
    let letters = Set(fields.flatMap { $0.name.split(separator: "_").map(String.init) }).intersection(goal.axes.keys)
    mentions = stems.intersection(goal.wanted.union(goal.avoided)).count + letters.count
    isAvoided = !stems.isDisjoint(with: goal.avoided)
    isSuccess = !stems.isDisjoint(with: Self.successWords)
    if case .distance = feature.kind { isDistance = true }
    isDistance = isDistance || (feature.low == 0 && !stems.isDisjoint(with: Self.distanceWords))
    let isCost = !stems.isDisjoint(with: Self.costWords)
    if feature.kind != .squares && !isCost { readNumbers(feature, goal, fields) }
    upward = direction(feature, goal, text, letters)
    if isSuccess { upward = 0.95 }
    if isDistance || isCost { upward = 0.15 }
  }

  private static let successWords = Set(
    ["success", "succeeded", "fulfilled", "solved", "accomplished"].map(GoalReading.stem))
  private static let distanceWords = Set(["distance", "far"].map(GoalReading.stem))
  private static let costWords = Set(["cost", "penalty"].map(GoalReading.stem))

  private mutating func readNumbers(_ feature: Feature, _ goal: GoalReading, _ fields: [Field]) {
    let reach = feature.low...feature.high
    let names = GoalReading.stems(fields.map(\.name).joined(separator: " "))
    for quantity in goal.quantities {
      // A bare number belongs to the field that the word before it names.
      let isOurs = quantity.unit.isEmpty
        ? quantity.subject.map(names.contains) ?? false : fields.allSatisfy { $0.unit == quantity.unit }
      guard isOurs else { continue }
      if quantity.isTolerance {
        tolerances.append(abs(quantity.value))
      } else if reach.contains(quantity.value) || reach.contains(-quantity.value) {
        magnitudes.append(quantity.value)
      }
    }
    if feature.kind == .component(0), fields.first?.width == 1, let meaning = fields.first?.meaning {
      places = goal.explained(in: meaning).filter(reach.contains)
    }
    // What the field itself explains is meant more surely than a number whose unit happens to fit.
    if !places.isEmpty { magnitudes = [] }
  }

  /// By the direction in which the field's meaning counts, or by custom: forwards, right and up are positive.
  private func direction(_ feature: Feature, _ goal: GoalReading, _ text: String, _ letters: Set<String>) -> Double {
    for letter in letters { if let sign = goal.axes[letter], sign != 0 { return sign > 0 ? 0.9 : 0.1 } }
    guard feature.low < 0 else { return 0.5 }
    let own = GoalReading.directions(GoalReading.tokens(text))
    for (axis, sign) in goal.directions { if let counted = own[axis] { return sign * counted > 0 ? 0.9 : 0.1 } }
    guard mentions > 0 || !magnitudes.isEmpty, own.isEmpty, goal.directions.count == 1 else { return 0.5 }
    return goal.directions.values.allSatisfy { $0 > 0 } ? 0.7 : 0.3
  }
}
