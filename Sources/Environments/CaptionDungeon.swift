import Basics
import Schemas

/// A staircase of square levels in which what happens is told in short texts: walk from the middle of a level to its
/// stairs, climb down, and leave from the last one.
///
/// Actions are north, south, west, east and down. The only reward is 1 for leaving, which ends the episode. A step into a
/// wall, a step down where there are no stairs and a descent each have a text; other steps have none. The texts stand for
/// the message line of NetHack; a record holds a text's number, `message(_:)` its bytes.
public struct CaptionDungeon: Sendable {
  public enum Observation: Sendable {
    /// The number of the cell, level by level: for tables.
    case cell
    /// One-hot column and one-hot row, in a part of the vector that is the level's own.
    case oneHot
  }

  /// Texts of a walk into a wall, and as many of a step down without stairs.
  public static let missVariants = 20

  public let levels: Int
  /// Cells along a side of a level; odd.
  public let size: Int
  /// Steps after which an episode is truncated.
  public let horizon: Int
  /// Texts of one level's descent.
  public let variants: Int
  /// The same texts for the descents from all levels.
  public let sharesTexts: Bool
  public let observation: Observation
  /// Cell of each level's stairs.
  public let stairs: [Int]

  /// - Parameters:
  ///   - variants: texts of a descent, each equally likely.
  ///   - seed: of the stairs' places.
  /// - Throws: `GuerdonError` for a dungeon of no level, an even or too small size, or no or too many texts.
  public init(
    levels: Int = 6, size: Int = 7, horizon: Int = 200, variants: Int = 1, sharesTexts: Bool = false,
    observation: Observation = .oneHot, seed: UInt64
  ) throws {
    guard (1...64).contains(levels), (3...31).contains(size), size % 2 == 1, (1...65536).contains(horizon),
      (1...1_000_000).contains(variants)
    else {
      throw GuerdonError.usage(
        "A caption dungeon has 1 to 64 levels of odd size 3 to 31, 1 to 65536 steps, and 1 to 1000000 texts a descent.")
    }
    (self.levels, self.size, self.horizon) = (levels, size, horizon)
    (self.variants, self.sharesTexts, self.observation) = (variants, sharesTexts, observation)
    var random = RandomGenerator(seed: seed, spawnKey: [0x73_74_61])
    stairs = (0..<levels).map { _ in random.integer(below: size * size) }
  }

  /// Makes `count` copies, already reset; parameters as in `Environments.make`.
  /// - Throws: `GuerdonError` for a count outside 1...65536.
  public func make(
    count: Int, pool: WorkerPool = WorkerPool(threads: 1), autoreset: AutoresetMode = .sameStep, seed: UInt64 = 0
  ) throws -> any VectorEnvironment {
    guard (1...1 << 16).contains(count) else {
      throw GuerdonError.usage("\(count) copies of the caption dungeon were asked for; make 1 to 65536.")
    }
    return try NativeVectorEnvironment(
      CaptionDungeonDynamics(self), spec: spec, count: count, pool: pool, autoreset: autoreset, seed: seed)
  }

  public var spec: EnvironmentSpec {
    let cells = levels * size * size
    return EnvironmentSpec.native(
      "CaptionDungeon",
      observationSpace: observation == .cell ? .discrete(cells) : .box(levels * 2 * size, low: 0, high: 1),
      components: observation == .cell
        ? "the cell's number, level by level, row by row"
        : "one-hot column, then one-hot row, level by level; zeros for the other levels",
      actionSpace: .discrete(5), actionMeaning: "0 north, 1 south, 2 west, 3 east, 4 down the stairs.",
      quantities: [
        Field("message", low: 0, high: Double(messages - 1), meaning: "Number of the step's text; 0 is no text."),
        Field("depth", low: 0, high: Double(levels), meaning: "Levels climbed down in this episode."),
      ],
      maxEpisodeSteps: horizon,
      summary: "A dungeon of \(levels) levels of \(size) × \(size) cells. An episode starts in the middle of the first "
        + "one; the stairs down are in one cell of each level and lead to the middle of the next. Leaving by the last "
        + "level's stairs pays 1 and ends the episode, nothing else pays.")
  }

  // MARK: Texts

  /// Texts in all, no text included.
  public var messages: Int { 1 + 2 * Self.missVariants + levels * variants }

  /// Number of the text of the descent from `level`.
  func descent(from level: Int, variant: Int) -> Int { 1 + 2 * Self.missVariants + level * variants + variant }

  /// The level that a text tells the descent from; nil for other texts.
  public func level(ofDescent message: Int) -> Int? {
    let first = 1 + 2 * Self.missVariants
    return message >= first && message < messages ? (message - first) / variants : nil
  }

  /// The ASCII bytes of a text; empty for no text and for numbers that are no text's.
  public func message(_ number: Int) -> [UInt8] {
    if number < 1 || number >= messages { return [] }
    if number <= Self.missVariants { return Array("You bump into a \(Self.adjectives[number - 1]) wall.".utf8) }
    if number <= 2 * Self.missVariants {
      return Array("There are no stairs here, only \(Self.adjectives[number - 1 - Self.missVariants]) floor.".utf8)
    }
    let index = number - 1 - 2 * Self.missVariants
    let (level, variant) = (index / variants, index % variants)
    let adjective = Self.adjectives[variant % Self.adjectives.count]
    let rest = variant / Self.adjectives.count
    let noun = Self.nouns[rest % Self.nouns.count]
    let landing = "beside \(adjective) \(noun) \(rest / Self.nouns.count)"
    if sharesTexts { return Array("You climb down the stairs \(landing).".utf8) }
    let place = level == levels - 1 ? "out of the dungeon" : "to level \(level + 2)"
    return Array("You climb down the stairs \(place) \(landing).".utf8)
  }

  private static let adjectives = [
    "damp", "cold", "dark", "rough", "mossy", "dusty", "cracked", "smooth", "crooked", "bare", "old", "stony", "slimy",
    "grey", "chalky", "uneven", "wooden", "pale", "sooty", "broken",
  ]
  private static let nouns = [
    "altar", "anvil", "barrel", "basin", "bench", "boulder", "candle", "chest", "column", "fountain", "grave", "idol",
    "lantern", "mirror", "pillar", "shelf", "statue", "table", "throne", "urn",
  ]
}

/// The rules of a caption dungeon. A state is level, column, row.
struct CaptionDungeonDynamics: StochasticDynamics {
  static let grain = 64
  let stateWidth = 3
  let dungeon: CaptionDungeon

  init(_ dungeon: CaptionDungeon) { self.dungeon = dungeon }

  func makeWorkspace() {}

  func reset(
    _ state: UnsafeMutablePointer<Double>, random: inout RandomGenerator, observation: UnsafeMutablePointer<Double>,
    in workspace: Void
  ) {
    arrive(state, level: 0)
    observe(state, into: observation)
  }

  func step(
    _ state: UnsafeMutablePointer<Double>, action: UnsafePointer<Double>, random: inout RandomGenerator,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?, in workspace: Void
  ) -> Outcome {
    precondition(isChoice(action[0], of: 5), "the caption dungeon takes the actions 0 to 4")
    let size = dungeon.size
    let (level, column, row) = (Int(state[0]), Int(state[1]), Int(state[2]))
    var message = 0, depth = level
    var hasLeft = false
    if action[0] == 4 {
      if row * size + column == dungeon.stairs[level] {
        message = dungeon.descent(from: level, variant: random.integer(below: dungeon.variants))
        depth += 1
        hasLeft = depth == dungeon.levels
        // Outside there is nothing to see: what was left stays in view.
        if !hasLeft { arrive(state, level: depth) }
      } else {
        message = 1 + CaptionDungeon.missVariants + random.integer(below: CaptionDungeon.missVariants)
      }
    } else {
      let (across, down) = [(0, -1), (0, 1), (-1, 0), (1, 0)][Int(action[0])]
      let (x, y) = (column + across, row + down)
      if (0..<size).contains(x) && (0..<size).contains(y) {
        (state[1], state[2]) = (Double(x), Double(y))
      } else {
        message = 1 + random.integer(below: CaptionDungeon.missVariants)
      }
    }
    observe(state, into: observation)
    record?.append(Double(message))
    record?.append(Double(depth))
    return Outcome(reward: hasLeft ? 1 : 0, terminated: hasLeft)
  }

  private func arrive(_ state: UnsafeMutablePointer<Double>, level: Int) {
    state[0] = Double(level)
    state[1] = Double(dungeon.size / 2)
    state[2] = Double(dungeon.size / 2)
  }

  private func observe(_ state: UnsafePointer<Double>, into observation: UnsafeMutablePointer<Double>) {
    let size = dungeon.size
    switch dungeon.observation {
    case .cell: observation[0] = (state[0] * Double(size) + state[2]) * Double(size) + state[1]
    case .oneHot:
      observation.update(repeating: 0, count: dungeon.levels * 2 * size)
      let own = observation + Int(state[0]) * 2 * size
      own[Int(state[1])] = 1
      own[size + Int(state[2])] = 1
    }
  }
}
