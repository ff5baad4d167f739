import Basics
import Foundation
import TestSupport
import Testing

/// numpy's archives, as numpy writes them, and damaged.
@Suite struct NPZFileTests {
  private struct Written: Decodable {
    let path: String
    let values: [String: [Double]]
    let shapes: [String: [Int]]
  }

  private func written() throws -> [Written] {
    try Python.run(
      """
      import json, tempfile, numpy as np
      random = np.random.default_rng(0)
      base = random.normal(size=(7, 5)) * 50
      arrays = dict(f64=base, f32=base.astype("f4"), f16=base.astype("f2"), i8=base.astype("i1"), i16=base.astype("i2"),
                    i32=base.astype("i4"), i64=base.astype("i8"), u8=np.abs(base).astype("u1"), u16=np.abs(base).astype("u2"),
                    u32=np.abs(base).astype("u4"), u64=np.abs(base).astype("u8"), flag=base > 0, big=base.astype(">f8"),
                    fortran=np.asfortranarray(random.normal(size=(3, 4, 2))), scalar=np.array(2.5), empty=np.zeros((0, 3)),
                    tiny=np.array([6e-8, -0.0, np.inf, -np.inf], dtype="f2"))
      arrays["a path.with(calls)"] = base[0]
      # JSON has no infinity.
      numbers = lambda v: [str(x).replace("inf", "Infinity") if np.isinf(x) else x for x in v.astype("f8").flatten().tolist()]
      folder = tempfile.mkdtemp()
      results = []
      for name, save in (("plain", np.savez), ("packed", np.savez_compressed)):
          path = f"{folder}/{name}.npz"
          save(path, **arrays)
          results.append(dict(path=path, values={k: numbers(v) for k, v in arrays.items()},
                              shapes={k: v.shape for k, v in arrays.items()}))
      print(json.dumps(results))
      """)
  }

  @Test func everyDtypeAndOrder() throws {
    for file in try written() {
      let arrays = try NPZFile.read(URL(fileURLWithPath: file.path))
      #expect(Set(arrays.keys) == Set(file.values.keys))
      for (name, array) in arrays {
        #expect(array.shape == file.shapes[name], "\(name)")
        #expect(array.values == file.values[name], "\(name)")
      }
    }
  }

  @Test func picklesAndStringsAreRefused() throws {
    let paths: [String] = try Python.run(
      """
      import json, tempfile, numpy as np
      folder = tempfile.mkdtemp()
      np.savez(folder + "/pickle.npz", x=np.array([{"a": 1}], dtype=object))
      np.savez(folder + "/text.npz", x=np.array(["a"]))
      np.savez(folder + "/fields.npz", x=np.zeros(2, dtype=[("a", "f8")]))
      np.savez(folder + "/complex.npz", x=np.zeros(2, dtype=complex))
      open(folder + "/none.npz", "w").write("no archive")
      print(json.dumps([folder + "/" + n + ".npz" for n in ("pickle", "text", "fields", "complex", "none")]))
      """)
    for path in paths { #expect(throws: GuerdonError.self, "\(path)") { try NPZFile.read(URL(fileURLWithPath: path)) } }
    #expect(throws: GuerdonError.self) { try NPZFile.read(URL(fileURLWithPath: "/nowhere.npz")) }
  }

  /// Bytes changed, cut and repeated at random: an error or an archive, never a crash.
  @Test func damagedFilesDoNoHarm() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("npz-\(UUID().uuidString)")
    try Files.createDirectory(folder)
    defer { try? FileManager.default.removeItem(at: folder) }
    let target = folder.appendingPathComponent("damaged.npz")
    var generator = RandomGenerator(seed: 1)
    var refused = 0
    for file in try written() {
      let original = try Data(contentsOf: URL(fileURLWithPath: file.path))
      for _ in 0..<700 {
        var data = original
        for _ in 0..<(1 + Int(generator.uniform(0, 8))) {
          data[Int(generator.uniform(0, Double(data.count)))] = UInt8(generator.uniform(0, 256))
        }
        if generator.uniform(0, 1) < 0.3 { data = data.prefix(Int(generator.uniform(0, Double(data.count)))) }
        try data.write(to: target)
        do {
          _ = try NPZFile.read(target)
        } catch {
          #expect(error is GuerdonError)
          refused += 1
        }
      }
    }
    #expect(refused > 400)
  }
}
