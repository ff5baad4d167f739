import Basics
import TestSupport
import Testing

@Suite struct RandomGeneratorTests {
  struct Draws: Decodable { var uniform, normal, key: [Double]; var integers: [[Int]] }

  @Test(arguments: [0, 1, 42, 123_456_789, 1 << 40] as [UInt64])
  func equalsNumpy(seed: UInt64) throws {
    let numpy: Draws = try Python.run(
      """
      import json, sys, numpy as np
      seed = json.load(sys.stdin)
      g = np.random.default_rng(seed)
      print(json.dumps(dict(
        uniform=g.uniform(-2, 3, 100).tolist(), normal=g.standard_normal(200000).tolist(),
        integers=[g.integers(n, size=50).tolist() for n in (1, 2, 7, 1000)],
        key=np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3, 5))).random(10).tolist())))
      """, input: seed)
    var generator = RandomGenerator(seed: seed)
    #expect((0..<100).map { _ in generator.uniform(-2, 3) } == numpy.uniform)
    let normal = (0..<200_000).map { _ in generator.normal() }
    #expect(normal == numpy.normal)
    for (bound, expected) in zip([1, 2, 7, 1000], numpy.integers) {
      #expect((0..<50).map { _ in generator.integer(below: bound) } == expected)
    }
    var keyed = RandomGenerator(seed: seed, spawnKey: [3, 5])
    #expect((0..<10).map { _ in keyed.uniform() } == numpy.key)
  }
}
