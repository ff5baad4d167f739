import Basics

/// The tokens of which formulas are written, which of them may be sampled, and random formulas to begin from.
public struct FormulaVocabulary: Sendable, Hashable {
  /// Which tokens a sampled formula may continue with.
  public enum Decoding: String, Sendable, Hashable, Codable {
    /// Any token of a formula, anywhere: the paper's. Validity is left to be learned.
    case vocabulary
    /// Only what leaves the formula completable: everything sampled parses.
    case grammar
  }

  /// Number of signals k.
  public let signals: Int
  public let tokens: [String]
  /// Tokens of formulas, and the end; the others are never sampled.
  public let isAllowed: [Bool]

  /// What every formula begins with, in place of a prompt.
  static let begin = 0
  /// What ends a formula, and fills up after its end.
  static let end = 1
  static let constants = ["0.1", "0.3", "0.5", "1", "2", "3", "5", "10"]
  static let operators = ["+", "-", "*", "/"]
  /// What a language model knows and a formula may not hold; `**` would be a power.
  static let foreign = ["**", "//", "%", ",", "="]

  private let byText: [String: Int]

  /// - Parameter removed: signals (from 1) that formulas may not mention: the removal of a primitive.
  /// - Throws: `GuerdonError.usage` when no signal is left.
  public init(signals: Int, removing removed: Set<Int> = []) throws {
    guard signals >= 1, signals <= 64, (1...signals).contains(where: { !removed.contains($0) }) else {
      throw GuerdonError.usage("Formulas need 1 to 64 signals, of which at least one is left.")
    }
    self.signals = signals
    let names = (1...signals).map { "g\($0)" }
    tokens = ["<begin>", "<end>"] + names + Self.operators + ["(", ")"] + Self.constants + Self.foreign
    let banned = Set(["<begin>"] + Self.foreign + removed.map { "g\($0)" })
    isAllowed = tokens.map { !banned.contains($0) }
    byText = Dictionary(uniqueKeysWithValues: tokens.enumerated().map { ($1, $0) })
  }

  private func id(_ text: String) -> Int { byText[text] ?? Self.end }

  /// A formula's text: its tokens up to the first end, with spaces, so that two numbers do not run into one.
  public func text(of ids: [Int]) -> String {
    ids.prefix { $0 != Self.end }.map { tokens[$0] }.joined(separator: " ")
  }

  /// The tokens of a text that has spaces between them, with the end after them; nil for one that is none of these.
  public func ids(of text: String) -> [Int]? {
    var ids: [Int] = []
    for word in text.split(separator: " ") {
      guard let id = byText[String(word)] else { return nil }
      ids.append(id)
    }
    return ids + [Self.end]
  }

  // MARK: Constrained decoding

  /// Which tokens may follow `prefix`.
  /// - Parameter room: how many tokens may still be written, the end included.
  public func allowed(after prefix: some Sequence<Int>, decoding: Decoding, room: Int) -> [Bool] {
    guard decoding == .grammar else { return isAllowed }
    var depth = 0, wantsValue = true
    for id in prefix {
      switch tokens[id] {
      case "(": depth += 1
      case ")": depth -= 1
      case "+", "-", "*", "/": wantsValue = true
      default: wantsValue = false
      }
    }
    // After this token there must be room to close what is open, to end, and for a value where one is wanted.
    return tokens.indices.map { id in
      guard isAllowed[id] else { return false }
      switch tokens[id] {
      case "<end>": return !wantsValue && depth == 0
      case ")": return !wantsValue && depth > 0
      case "(": return wantsValue && room >= depth + 4
      case "+", "-", "*", "/": return !wantsValue && room >= depth + 3
      default: return wantsValue
      }
    }
  }

  // MARK: Random formulas

  /// A random valid formula, end included: what the cold start teaches the grammar from. It knows nothing of quality.
  public func randomFormula(_ random: inout RandomGenerator) -> [Int] {
    while true {
      let words = randomExpression(&random)
      let ids = words.map(id) + [Self.end]
      if (try? Formula(text(of: ids), signals: signals)) != nil { return ids }
    }
  }

  /// Some of the signals in order, each with or without a constant, joined by operators; now and then a product, a
  /// ratio or a parenthesis of two.
  private func randomExpression(_ random: inout RandomGenerator) -> [String] {
    let usable = (1...signals).map { "g\($0)" }.filter { isAllowed[id($0)] }
    var chosen = usable.filter { _ in random.uniform() < 0.75 }
    if chosen.isEmpty { chosen = [usable[random.integer(below: usable.count)]] }
    var words: [String] = []
    for signal in chosen {
      if !words.isEmpty { words.append(randomOperator(&random)) }
      let other = usable[random.integer(below: usable.count)]
      let constant = Self.constants[random.integer(below: Self.constants.count)]
      switch random.uniform() {
      case ..<0.4: words += [signal]
      case ..<0.75: words += [constant, "*", signal]
      case ..<0.82: words += [signal, "*", other]
      case ..<0.88: words += [signal, "/", "(", other, "+", constant, ")"]
      case ..<0.94: words += [constant, "*", "(", signal, randomOperator(&random), other, ")"]
      default: words += ["(", signal, randomOperator(&random), constant, ")"]
      }
    }
    return words
  }

  private func randomOperator(_ random: inout RandomGenerator) -> String {
    switch random.uniform() {
    case ..<0.5: "+"
    case ..<0.8: "-"
    case ..<0.95: "*"
    default: "/"
    }
  }
}
