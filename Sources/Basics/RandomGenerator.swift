#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// numpy's `default_rng`: PCG64 (XSL-RR 128/64) seeded through `SeedSequence`.
///
/// The same seed gives the same numbers as `numpy.random.default_rng(seed)`, so that an environment reset with a seed
/// starts where Gymnasium's starts. The whole state is two words, saved and restored with `Codable`.
///
/// Sources: M. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms", 2014;
/// numpy's documentation of `SeedSequence`.
public struct RandomGenerator: RandomNumberGenerator, Sendable, Hashable, Codable {
  private var stateHigh: UInt64, stateLow: UInt64
  private var incrementHigh: UInt64, incrementLow: UInt64
  /// The half of a 64-bit draw that a 32-bit draw left over, as numpy keeps it.
  private var spare: UInt32?

  /// The generator of `numpy.random.default_rng(seed)`; with a spawn key, that of
  /// `numpy.random.default_rng(SeedSequence(seed, spawn_key=key))`. Different keys give independent streams.
  public init(seed: UInt64, spawnKey: [UInt32] = []) {
    let words = SeedSequence(entropy: seed, spawnKey: spawnKey).words(8)
    let value: [UInt64] = (0..<4).map { UInt64(words[2 * $0]) | UInt64(words[2 * $0 + 1]) << 32 }
    let initial = UInt128(value[0]) << 64 | UInt128(value[1])
    let stream = UInt128(value[2]) << 64 | UInt128(value[3])
    let increment = stream << 1 | 1
    let state = (increment &+ initial) &* Self.multiplier &+ increment
    (stateHigh, stateLow) = (UInt64(truncatingIfNeeded: state >> 64), UInt64(truncatingIfNeeded: state))
    (incrementHigh, incrementLow) = (UInt64(truncatingIfNeeded: increment >> 64), UInt64(truncatingIfNeeded: increment))
  }

  private static let multiplier: UInt128 = UInt128(2_549_297_995_355_413_924) << 64 | UInt128(4_865_540_595_714_422_341)

  public mutating func next() -> UInt64 {
    var state = UInt128(stateHigh) << 64 | UInt128(stateLow)
    state = state &* Self.multiplier &+ (UInt128(incrementHigh) << 64 | UInt128(incrementLow))
    stateHigh = UInt64(truncatingIfNeeded: state >> 64)
    stateLow = UInt64(truncatingIfNeeded: state)
    let rotation = stateHigh >> 58
    let word = stateHigh ^ stateLow
    return word &>> rotation | word &<< ((64 &- rotation) & 63)
  }

  /// The next 32 random bits: the low half of a 64-bit draw first, then its high half, as numpy does.
  public mutating func next32() -> UInt32 {
    if let spare { self.spare = nil; return spare }
    let word = next()
    spare = UInt32(truncatingIfNeeded: word >> 32)
    return UInt32(truncatingIfNeeded: word)
  }

  /// Uniform in [0, 1), 53 bits: numpy's `random()`.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in [low, high): numpy's `uniform(low, high)`.
  public mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * uniform() }

  /// Uniform in 0 ..< bound: numpy's `integers(bound)` (Lemire's method), for `bound` in 1...2^32.
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound >= 1 && bound <= 1 << 32, "integer(below:) takes 1...2^32")
    if bound == 1 { return 0 }
    if bound == 1 << 32 { return Int(next32()) }
    let width = UInt32(bound)
    var product = UInt64(next32()) * UInt64(width)
    if UInt32(truncatingIfNeeded: product) < width {
      let threshold = (0 &- width) % width
      while UInt32(truncatingIfNeeded: product) < threshold { product = UInt64(next32()) * UInt64(width) }
    }
    return Int(product >> 32)
  }

  /// Standard normal: numpy's `standard_normal()`, by the ziggurat of Marsaglia and Tsang (2000).
  public mutating func normal() -> Double {
    let table = Ziggurat.shared
    while true {
      var bits = next()
      let layer = Int(bits & 0xff)
      bits >>= 8
      let magnitude = bits >> 1 & 0x000f_ffff_ffff_ffff
      let x = Double(magnitude) * table.width[layer] * (bits & 1 == 1 ? -1 : 1)
      if magnitude < table.inside[layer] { return x }
      if layer == 0 {
        while true {
          let beyond = -Ziggurat.inverseEdge * log1p(-uniform())
          let height = -log1p(-uniform())
          if height + height > beyond * beyond {
            return (magnitude >> 8) & 1 == 1 ? -(Ziggurat.edge + beyond) : Ziggurat.edge + beyond
          }
        }
      }
      let below = table.density[layer], above = table.density[layer - 1]
      if (above - below) * uniform() + below < exp(-0.5 * x * x) { return x }
    }
  }
}

/// numpy's `SeedSequence`: mixes a seed and a spawn key into a pool of four words, and draws initial states from it.
private struct SeedSequence {
  private var pool: [UInt32] = [0, 0, 0, 0]

  init(entropy: UInt64, spawnKey: [UInt32]) {
    var words: [UInt32] = [UInt32(truncatingIfNeeded: entropy)]
    if entropy >> 32 != 0 { words.append(UInt32(truncatingIfNeeded: entropy >> 32)) }
    if !spawnKey.isEmpty {
      while words.count < pool.count { words.append(0) }
      words += spawnKey
    }
    var constant: UInt32 = 0x43b0_d7e5
    func hash(_ word: UInt32) -> UInt32 {
      var value = word ^ constant
      constant = constant &* 0x931e_8875
      value = value &* constant
      return value ^ value >> 16
    }
    func mix(_ a: UInt32, _ b: UInt32) -> UInt32 {
      let mixed = 0xca01_f9dd &* a &- 0x4973_f715 &* b
      return mixed ^ mixed >> 16
    }
    for i in pool.indices { pool[i] = hash(i < words.count ? words[i] : 0) }
    for source in pool.indices {
      for target in pool.indices where target != source { pool[target] = mix(pool[target], hash(pool[source])) }
    }
    for word in words.dropFirst(pool.count) {
      for target in pool.indices { pool[target] = mix(pool[target], hash(word)) }
    }
  }

  func words(_ count: Int) -> [UInt32] {
    var constant: UInt32 = 0x8b51_f9dd
    return (0..<count).map { index in
      var value = pool[index % pool.count] ^ constant
      constant = constant &* 0x58f3_8ded
      value = value &* constant
      return value ^ value >> 16
    }
  }
}

/// The ziggurat's 256 layers, computed from its edge and their common area instead of tabulated.
///
/// numpy's table was computed in double precision, so its rounding is part of the contract: the area is the one it
/// used (4 units in the last place below the exact value), and one density was rounded up.
private struct Ziggurat: Sendable {
  static let edge = 3.6541528853610087963519472518
  static let inverseEdge = 0.27366123732975827203338247596
  static let area = 0.004928673233974652
  static let shared = Ziggurat()

  /// `width[i]`: a layer's half-width over 2^52; `inside[i]`: magnitudes below it are certainly under the curve.
  private(set) var width = [Double](repeating: 0, count: 256)
  private(set) var inside = [UInt64](repeating: 0, count: 256)
  private(set) var density = [Double](repeating: 0, count: 256)

  init() {
    let scale = 0x1p52
    let edgeDensity = exp(-0.5 * Self.edge * Self.edge)
    var x = Self.edge
    density[0] = 1
    density[255] = edgeDensity
    width[255] = x / scale
    width[0] = Self.area / edgeDensity / scale
    inside[0] = UInt64(Self.edge * edgeDensity / Self.area * scale)
    for layer in stride(from: 254, through: 1, by: -1) {
      let inner = (-2 * log(Self.area / x + density[layer + 1])).squareRoot()
      inside[layer + 1] = UInt64(inner / x * scale)
      x = inner
      width[layer] = x / scale
      density[layer] = layer == 38 ? exp(-0.5 * x * x).nextUp : exp(-0.5 * x * x)
    }
  }
}
