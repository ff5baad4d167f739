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
  }

  @Test func singlePrecision() {
    let samples = Self.samples.map { Float($0) }
    #expect(worst(samples, { Elementary.exp($0) }, Foundation.exp) < 3e-7)
    #expect(worst(samples.map(\.magnitude), { Elementary.log($0) }, Foundation.log) < 3e-7)
    #expect(worst(samples, { Elementary.tanh($0) }, Foundation.tanh) < 3e-7)
    #expect(Elementary.log(-1.0 as Float).isNaN)
  }
}
