import Basics
import Foundation
import Testing

/// Against the C library, over the whole range and at its ends.
@Suite struct ElementaryTests {
  private static let specials: [Double] = [
    0, -0.0, 1, -1, .infinity, -.infinity, .nan, 1e-300, -1e-300, .leastNonzeroMagnitude, 709.7, 709.79, -708.3, -745, -746, 88.7, 88.8,
    -87.3, 1e300, .greatestFiniteMagnitude, .leastNormalMagnitude, 0.625, 0.6249999, 1e-8, -1e-8,
  ]

  private static let samples: [Double] = {
    var random = RandomGenerator(seed: 5)
    var values = specials
    for scale in [1e-6, 0.1, 1, 10, 100, 700] { values += (0..<2_000).map { _ in random.uniform(-scale, scale) } }
    return values
  }()

  /// In and around [-1, 1], whose outside has no arc sine.
  private static let sines: [Double] = {
    var random = RandomGenerator(seed: 6)
    var values = [0, -0.0, 0.5, -0.5, 1, -1, 0.4999999999, -0.5000000001, 1.0000001, -2, .nan, .infinity, 1e-300, 1e-9]
    values += (0..<20_000).map { _ in random.uniform(-1.01, 1.01) }
    values += (0..<5_000).map { _ in 1 - exp(random.uniform(-30, 0)) }
    return values
  }()

  private func worst<T: BinaryFloatingPoint>(_ inputs: [T], _ found: (T) -> T, _ expected: (Double) -> Double) -> Double
  {
    inputs.reduce(0) { worst, x in
      let (a, b) = (found(x), T(expected(Double(x))))
      if a == b || (a.isNaN && b.isNaN) || (a == 0 && b.magnitude < T.leastNormalMagnitude * 2) { return worst }
      return max(worst, Double((a - b).magnitude / max(b.magnitude, T.leastNormalMagnitude)))
    }
  }

  @Test func doublePrecision() {
    let samples = Self.samples
    #expect(worst(samples, { Elementary.exp($0) }, Foundation.exp) < 4e-16)
    #expect(worst(samples.map(abs), { Elementary.log($0) }, Foundation.log) < 8e-16)
    #expect(worst(samples, { Elementary.tanh($0) }, Foundation.tanh) < 4e-16)
    #expect(Elementary.log(-1.0 as Double).isNaN)
    #expect(worst(Self.sines, { Elementary.asin($0) }, Foundation.asin) < 5e-16)
    #expect(worst(Self.sines, { Elementary.acos($0) }, Foundation.acos) < 5e-16)
  }

  @Test func singlePrecision() {
    let samples = Self.samples.map { Float($0) }
    #expect(worst(samples, { Elementary.exp($0) }, Foundation.exp) < 3e-7)
    #expect(worst(samples.map(\.magnitude), { Elementary.log($0) }, Foundation.log) < 3e-7)
    #expect(worst(samples, { Elementary.tanh($0) }, Foundation.tanh) < 3e-7)
    #expect(Elementary.log(-1.0 as Float).isNaN)
    let sines = Self.sines.map { Float($0) }
    #expect(worst(sines, { Elementary.asin($0) }, Foundation.asin) < 3e-7)
    #expect(worst(sines, { Elementary.acos($0) }, Foundation.acos) < 3e-7)
  }
}
