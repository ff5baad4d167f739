import Environments
import Foundation

/// What an environment says in words about a step: bytes, kept exact between counting, look-up and network.
public struct Caption: Hashable, Sendable {
  /// Longest caption: NetHack's message line.
  public static let capacity = 256

  /// Without zeros, at most `capacity` of them.
  public let bytes: [UInt8]

  /// - Parameter bytes: zeros are padding wherever they stand; what is beyond `capacity` is cut off.
  public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes.lazy.filter { $0 != 0 }.prefix(Self.capacity)) }

  /// A text of Latin-1 characters; others become question marks.
  public init(_ text: String) {
    self.init(bytes: text.unicodeScalars.map { $0.value < 256 ? UInt8($0.value) : UInt8(ascii: "?") })
  }

  public var isEmpty: Bool { bytes.isEmpty }

  /// The bytes as Latin-1.
  public var text: String { String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) })) }

  /// A number in [0, 1) that depends on the bytes and `seed` alone (FNV-1a, then SplitMix64's finaliser): the luck of a
  /// labeller, which must not depend on the order in which captions are labelled.
  func luck(seed: UInt64) -> Double {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ seed
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash = (hash ^ hash >> 30) &* 0xbf58_476d_1ce4_e5b9
    hash = (hash ^ hash >> 27) &* 0x94d0_49bb_1331_11eb
    return Double((hash ^ hash >> 31) >> 11) * 0x1p-53
  }
}

/// Reads the caption of a transition.
public protocol CaptionReader: Sendable {
  func caption(of batch: TransitionBatch, row: Int) -> Caption
}

/// Captions that stand in a record byte by byte, as NetHack's `message` does.
public struct ByteCaptions: CaptionReader {
  private let columns: Range<Int>

  /// - Parameter field: with one component a byte, padded with zeros.
  /// - Returns: nil if the environment has no such field.
  public init?(field: String, of spec: EnvironmentSpec) {
    guard let columns = spec.schema.columns(of: field) else { return nil }
    self.columns = columns
  }

  public func caption(of batch: TransitionBatch, row: Int) -> Caption {
    Caption(
      bytes: columns.lazy.map { column in
        let value = batch.base[column * batch.capacity + row]
        return value >= 0 && value < 256 ? UInt8(value) : 0
      })
  }
}

/// The captions of a caption dungeon, whose records hold their numbers.
public struct DungeonCaptions: CaptionReader {
  public let dungeon: CaptionDungeon
  private let column: Int
  /// Those of walls and missing stairs, which are most.
  private let misses: [Caption]

  public init(_ dungeon: CaptionDungeon) {
    self.dungeon = dungeon
    column = dungeon.spec.schema.columns(of: "message")?.lowerBound ?? 0
    misses = (0...2 * CaptionDungeon.missVariants).map { Caption(bytes: dungeon.message($0)) }
  }

  public func caption(of batch: TransitionBatch, row: Int) -> Caption {
    let message = Int(batch.base[column * batch.capacity + row])
    return misses.indices.contains(message) ? misses[message] : Caption(bytes: dungeon.message(message))
  }
}

/// n_t(m): how many times a caption has occurred in an environment's current episode, this time included.
struct CaptionCounter {
  private var counts: [[Caption: Int]]

  init(environments: Int) { counts = Array(repeating: [:], count: environments) }

  mutating func count(_ caption: Caption, in environment: Int) -> Int {
    counts[environment][caption, default: 0] += 1
    return counts[environment][caption, default: 0]
  }

  /// Begins an episode.
  mutating func reset(_ environment: Int) { counts[environment].removeAll(keepingCapacity: true) }
}
