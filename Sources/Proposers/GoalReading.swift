import Foundation

/// What a goal's words say to a reader who knows few of them: the words that are wanted, those that stand after a
/// negation, numbers with their units, directions and axes.
struct GoalReading: Sendable {
  /// A number with its unit: a place to be, a speed, or how near is near enough.
  struct Quantity: Sendable, Hashable {
    /// In the unit's own measure.
    var value: Double
    /// As schemas write it: m, rad, m/s, rad/s, s, cell; empty for a bare number.
    var unit: String
    /// True after "within" and its like.
    var isTolerance: Bool
    /// Stem of the word with a meaning that stands before it in its clause.
    var subject: String?
  }

  /// A pair of opposite directions.
  enum Axis: Sendable, Hashable { case forwards, rightwards, upwards }

  /// Stems of the words outside negations, and of those within.
  let wanted: Set<String>
  let avoided: Set<String>
  let quantities: [Quantity]
  /// The directions it names, each axis once: 1 for forwards, right and up, −1 for their opposites.
  let directions: [Axis: Double]
  /// The letters x, y and z, with the sign that stands before them; 0 for none.
  let axes: [String: Double]

  init(_ goal: String) {
    let tokens = Self.tokens(goal)
    var wanted: Set<String> = [], avoided: Set<String> = []
    var isNegated = false
    for token in tokens {
      switch token {
      case .mark: isNegated = false
      case .word(let word) where Self.clauseEnds.contains(word): isNegated = false
      case .word(let word) where Self.negations.contains(word): isNegated = true
      case .word(let word):
        guard let stem = Self.meaningful(word) else { continue }
        if isNegated { avoided.insert(stem) } else { wanted.insert(stem) }
      case .number: break
      }
    }
    (self.wanted, self.avoided) = (wanted, avoided)
    quantities = Self.quantities(tokens)
    directions = Self.directions(tokens)
    var axes: [String: Double] = [:]
    for (before, token) in zip([.mark(" ")] + tokens, tokens) {
      guard case .word(let letter) = token, ["x", "y", "z"].contains(letter) else { continue }
      axes[letter] = before == .word("positive") ? 1 : before == .word("negative") ? -1 : axes[letter] ?? 0
    }
    self.axes = axes
  }

  // MARK: Words

  enum Token: Equatable {
    case word(String)
    case number(Double)
    case mark(Character)
  }

  /// Words in small letters, numbers (with a minus that no word or number precedes), and the marks that are neither.
  static func tokens(_ text: String) -> [Token] {
    var tokens: [Token] = []
    let characters = Array(text.lowercased())
    var index = 0
    func at(_ index: Int) -> Character { characters.indices.contains(index) ? characters[index] : " " }
    while index < characters.count {
      let character = characters[index]
      let begin = index
      let isMinus = (character == "-" || character == "−") && at(index + 1).isASCIIDigit
        && !(at(index - 1).isLetter || at(index - 1).isASCIIDigit)
      if character.isASCIIDigit || isMinus {
        index += 1
        while at(index).isASCIIDigit || (at(index) == "." && at(index + 1).isASCIIDigit) { index += 1 }
        let digits = String(characters[(isMinus ? begin + 1 : begin)..<index])
        if let value = Double(digits), value.isFinite { tokens.append(.number(isMinus ? -value : value)) }
        continue
      }
      index += 1
      if character == "π" {
        tokens.append(.number(.pi))
      } else if character == "°" {
        tokens.append(.word("degree"))
      } else if character.isLetter {
        while at(index).isLetter && at(index) != "π" { index += 1 }
        tokens.append(.word(String(characters[begin..<index])))
      } else if ".,;:/±…()".contains(character) {
        tokens.append(.mark(character))
      }
    }
    return tokens
  }

  /// Stems of the words of a text that may carry meaning.
  static func stems(_ text: String) -> Set<String> {
    Set(
      tokens(text).compactMap { token in
        if case .word(let word) = token { meaningful(word) } else { nil }
      })
  }

  /// A word's stem; nil for words too short or too common to say what is meant.
  static func meaningful(_ word: String) -> String? {
    guard word.count >= 3, !commonWords.contains(word) else { return nil }
    return stem(word)
  }

  /// Without the endings of plurals and verbs: "poles" and "pole", "picked" and "pick" are the same.
  static func stem(_ word: String) -> String {
    var word = word
    for suffix in ["s", "ing", "ed", "en"] where word.hasSuffix(suffix) && word.count - suffix.count >= 3 {
      word.removeLast(suffix.count)
      break
    }
    if word.hasSuffix("e") && word.count > 3 { word.removeLast() }
    if let last = word.last, word.dropLast().last == last, word.count > 3 { word.removeLast() }
    return word
  }

  private static let negations: Set<String> = ["never", "no", "not", "nor", "without", "avoid", "avoiding"]
  private static let clauseEnds: Set<String> = ["and", "but", "then", "until"]
  private static let commonWords: Set<String> = [
    "the", "and", "its", "for", "all", "any", "are", "was", "has", "out", "off", "one", "two", "per", "but", "both", "else",
    "with", "from", "that", "this", "step", "steps", "episode", "each", "over", "there", "when", "where", "while", "than",
    "whole", "into", "onto", "time", "within", "possible", "positive", "negative", "unit", "units", "what", "which",
    "their", "long", "must", "until", "then", "again", "keep", "near", "half", "first", "second", "seconds", "along", "them",
    "what", "something", "anything", "nothing", "under", "above", "below", "beyond", "between", "wrapped", "enough", "way",
  ]

  // MARK: Numbers

  private static let numberWords: [String: Double] = [
    "zero": 0, "half": 0.5, "quarter": 0.25, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40,
    "fifty": 50, "sixty": 60, "ninety": 90,
  ]

  private static let units: [String: (unit: String, factor: Double)] = {
    var units: [String: (unit: String, factor: Double)] = [:]
    for (names, unit, factor) in [
      (["metre", "meter", "m"], "m", 1), (["centimetre", "centimeter", "cm"], "m", 0.01),
      (["millimetre", "millimeter", "mm"], "m", 0.001), (["kilometre", "kilometer", "km"], "m", 1_000),
      (["radian", "rad"], "rad", 1), (["degree", "deg"], "rad", .pi / 180),
      (["turn", "revolution"], "rad", 2 * .pi), (["second", "sec", "s"], "s", 1), (["cell"], "cell", 1),
    ] as [([String], String, Double)] {
      for name in names {
        units[name] = (unit, factor)
        if name.count > 2 { units[name + "s"] = (unit, factor) }
      }
    }
    return units
  }()

  /// Numbers in figures or in words; those in words only before a unit ("half a metre", not "half of the episode"), but
  /// for zero.
  private static func quantities(_ tokens: [Token]) -> [Quantity] {
    func word(_ index: Int) -> String? {
      guard tokens.indices.contains(index), case .word(let word) = tokens[index] else { return nil }
      return word
    }
    var quantities: [Quantity] = []
    var subject: String?
    for index in tokens.indices {
      let value: Double
      switch tokens[index] {
      case .number(let number): value = number
      case .word(let name):
        guard let number = numberWords[name] else {
          subject = meaningful(name) ?? subject
          continue
        }
        value = number
      case .mark:
        subject = nil
        continue
      }
      var next = index + 1
      if word(next) == "a" || word(next) == "an" { next += 1 }
      let before = [word(index - 2), word(index - 1)]
      let isTolerance = before[1] == "within" || tokens[..<index].last == .mark("±")
        || (before[1] == "than" && ["less", "closer", "nearer"].contains(before[0]))
      guard let name = word(next), let unit = units[name] else {
        if word(index) == nil || value == 0 {
          quantities.append(Quantity(value: value, unit: "", isTolerance: isTolerance, subject: subject))
        }
        continue
      }
      let isRate = (word(next + 1) == "a" || word(next + 1) == "per"
        || (tokens.indices.contains(next + 1) && tokens[next + 1] == .mark("/")))
        && word(next + 2).flatMap { units[$0]?.unit } == "s"
      quantities.append(
        Quantity(
          value: value * unit.factor, unit: unit.unit + (isRate ? "/s" : ""), isTolerance: isTolerance, subject: subject))
    }
    return quantities
  }

  /// The numbers in a field's meaning that it explains by a word of the goal: 0 of "0 upright, ±π hanging down" for a
  /// goal that speaks of upright. A number is explained by what follows it up to the next mark or number.
  func explained(in meaning: String) -> [Double] {
    let tokens = Self.tokens(meaning)
    var values: [Double] = []
    for (index, token) in tokens.enumerated() {
      guard case .number(let value) = token else { continue }
      if index > 0 {
        if tokens[index - 1] == .mark("±") || tokens[index - 1] == .mark("…") { continue }
        if case .word(let before) = tokens[index - 1], Self.limits.contains(before) { continue }
      }
      var words: Set<String> = []
      clause: for token in tokens[(index + 1)...] {
        guard case .word(let word) = token else { break clause }
        if let stem = Self.meaningful(word) { words.insert(stem) }
      }
      if !words.isDisjoint(with: wanted), words.isDisjoint(with: avoided) { values.append(value) }
    }
    return values
  }

  private static let limits: Set<String> = [
    "beyond", "below", "above", "outside", "most", "least", "than", "within", "limits",
  ]

  // MARK: Directions

  private static let directionWords: [String: (axis: Axis, sign: Double)] = [
    "forward": (.forwards, 1), "forwards": (.forwards, 1), "backward": (.forwards, -1), "backwards": (.forwards, -1),
    "right": (.rightwards, 1), "left": (.rightwards, -1), "up": (.upwards, 1), "upward": (.upwards, 1),
    "upwards": (.upwards, 1), "down": (.upwards, -1), "downward": (.upwards, -1), "downwards": (.upwards, -1),
  ]

  /// The directions that a text names; not those that it names together with their opposites.
  static func directions(_ tokens: [Token]) -> [Axis: Double] {
    var signs: [Axis: Set<Double>] = [:]
    for token in tokens {
      if case .word(let word) = token, let direction = directionWords[word] {
        signs[direction.axis, default: []].insert(direction.sign)
      }
    }
    return signs.compactMapValues { $0.count == 1 ? $0.first : nil }
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
