import Proposers

/// An order of things from questions about two of them: binary insertion, which asks for few pairs (at most 5 for four
/// things, 17 for eight). Two things may be as good as each other.
///
/// Everything follows from the answers, so an answer can be taken back.
struct PairwiseSort {
  enum Answer: Sendable {
    /// The newcomer is better.
    case newcomer
    /// The one that has its place is better.
    case placed
    case same
  }

  struct Pair: Equatable {
    /// Whose place is sought.
    var newcomer: Int
    /// It has its place.
    var placed: Int
  }

  /// In the order in which they are placed.
  let items: [Int]
  private(set) var answers: [Answer] = []
  /// What has a place, the best first; those in one tier are as good as each other.
  private(set) var tiers: [[Int]] = []
  /// Every answer but "the same".
  private(set) var preferences: [Feedback.Preference] = []
  /// What to ask next; nil when everything has its place.
  private(set) var next: Pair?
  /// Pairs that may yet be asked, at most.
  private(set) var atMost = 0

  init(_ items: [Int]) {
    self.items = items
    replay()
  }

  mutating func answer(_ answer: Answer) {
    guard next != nil else { return }
    answers.append(answer)
    replay()
  }

  /// Takes the last answer back.
  mutating func undo() {
    guard !answers.isEmpty else { return }
    answers.removeLast()
    replay()
  }

  /// Those that were compared, the best first; the equally good in the order of their numbers.
  var ranking: [Int] { answers.isEmpty ? [] : tiers.flatMap { $0.sorted() } }

  private mutating func replay() {
    (tiers, preferences, next, atMost) = ([], [], nil, 0)
    var remaining = answers.makeIterator()
    for (place, item) in items.enumerated() {
      var range = 0..<tiers.count
      var twin: Int?
      while !range.isEmpty, twin == nil {
        let middle = (range.lowerBound + range.upperBound) / 2
        let placed = tiers[middle][0]
        guard let answer = remaining.next() else {
          next = Pair(newcomer: item, placed: placed)
          atMost = Self.questions(range.count)
            + (place + 1..<items.count).reduce(0) { $0 + Self.questions(tiers.count + $1 - place) }
          return
        }
        switch answer {
        case .newcomer:
          preferences.append(.init(winner: item, loser: placed))
          range = range.lowerBound..<middle
        case .placed:
          preferences.append(.init(winner: placed, loser: item))
          range = middle + 1..<range.upperBound
        case .same: twin = middle
        }
      }
      if let twin { tiers[twin].append(item) } else { tiers.insert([item], at: range.lowerBound) }
    }
  }

  /// Questions that find a place among `tiers` tiers, at most: ⌊log₂ tiers⌋ + 1.
  static func questions(_ tiers: Int) -> Int { Int.bitWidth - tiers.leadingZeroBitCount }
}
