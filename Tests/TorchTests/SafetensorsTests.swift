import Basics
import Foundation
import TestSupport
import Testing
import Torch

@Suite struct SafetensorsTests {
  private func file() -> URL {
    FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(UUID().uuidString).safetensors")
  }

  /// The format's bytes: eight of the header's length, the header, the elements.
  private func bytes(_ header: String, _ data: Data = Data()) -> Data {
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) } + Data(header.utf8) + data
  }

  /// What we write, Python reads by the format's description alone, and the other way round.
  @Test func goesToPythonAndBack() throws {
    let url = file()
    defer { try? FileManager.default.removeItem(at: url) }
    var file = SafetensorsFile(metadata: ["what": "a test"])
    file["a.weight"] = .init([1.5, -2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    file["b"] = .init([1, 2, 3] as [Int64])
    file["scalar"] = .init([0.25] as [Double], shape: [])
    file["empty"] = .init([] as [Float], shape: [0, 4])
    try file.write(to: url)
    struct Read: Decodable { var values: [String: [Double]]; var shapes: [String: [Int]]; var what: String }
    let read: Read = try Python.run(
      """
      import json, struct, sys
      import numpy as np
      path = json.load(sys.stdin)
      raw = open(path, "rb").read()
      n = struct.unpack("<Q", raw[:8])[0]; header = json.loads(raw[8:8 + n]); body = raw[8 + n:]
      meta = header.pop("__metadata__")
      kinds = dict(F32="<f4", F64="<f8", I64="<i8")
      spans = sorted(v["data_offsets"] for v in header.values())
      assert all(a[1] == b[0] for a, b in zip(spans, spans[1:])) and spans[0][0] == 0 and spans[-1][1] == len(body)
      out = {k: np.frombuffer(body[slice(*v["data_offsets"])], kinds[v["dtype"]]) for k, v in header.items()}
      h = {"t": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}, "__metadata__": {"from": "python"}}
      text = json.dumps(h).encode(); text += b" " * (-len(text) % 8)
      open(path, "wb").write(struct.pack("<Q", len(text)) + text + np.array([1, 2, 3, 4], "<f4").tobytes())
      print(json.dumps(dict(values={k: v.tolist() for k, v in out.items()}, shapes={k: v["shape"] for k, v in header.items()}, what=meta["what"])))
      """, input: url.path)
    #expect(read.values == ["a.weight": [1.5, -2, 3, 4, 5, 6], "b": [1, 2, 3], "scalar": [0.25], "empty": []])
    #expect(read.shapes == ["a.weight": [2, 3], "b": [3], "scalar": [], "empty": [0, 4]] && read.what == "a test")
    let back = try SafetensorsFile(contentsOf: url)
    #expect(back.metadata == ["from": "python"])
    #expect(try back.entry("t").floats() == [1, 2, 3, 4] && back.entry("t").shape == [2, 2])
    #expect(try back.entry("t").tensor().array(of: Float.self) == [1, 2, 3, 4])
  }

  /// Every way to be wrong is one sentence, not a crash and not a number.
  @Test func hostileFilesAreRefused() {
    let eight = Data(repeating: 0, count: 8)
    func tensor(_ name: String, _ dtype: String, _ shape: String, _ from: Int, _ to: Int) -> String {
      "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":[\(from),\(to)]}"
    }
    let hostile: [(String, Data)] = [
      ("nothing", Data()), ("seven bytes", Data(repeating: 0, count: 7)),
      ("header longer than the file", withUnsafeBytes(of: UInt64(1 << 20)) { Data($0) } + Data("{}".utf8)),
      ("header of 2^63", withUnsafeBytes(of: UInt64.max) { Data($0) }),
      ("no JSON", bytes("hello")), ("an array", bytes("[]")), ("cut JSON", bytes("{\"a\":")),
      ("text after the header", bytes("{} x")),
      ("deep nesting", bytes("{\"a\":" + String(repeating: "[", count: 100_000))),
      ("a hole", bytes("{" + tensor("a", "F32", "[1]", 4, 8) + "}", eight)),
      ("an overlap", bytes("{" + tensor("a", "F32", "[2]", 0, 8) + "," + tensor("b", "F32", "[1]", 4, 8) + "}", eight)),
      ("a duplicate", bytes("{" + tensor("a", "F32", "[1]", 0, 4) + "," + tensor("a", "F32", "[1]", 4, 8) + "}", eight)),
      ("too short", bytes("{" + tensor("a", "F32", "[4]", 0, 16) + "}", eight)),
      ("too long", bytes("{" + tensor("a", "F32", "[1]", 0, 4) + "}", eight)),
      ("offsets the wrong way", bytes("{" + tensor("a", "F32", "[1]", 8, 4) + "}", eight)),
      ("negative offsets", bytes("{" + tensor("a", "F32", "[1]", -4, 0) + "}", eight)),
      ("another size than the shape's", bytes("{" + tensor("a", "F32", "[3]", 0, 8) + "}", eight)),
      ("a shape that overflows", bytes("{" + tensor("a", "F32", "[4294967296,4294967296,4]", 0, 8) + "}", eight)),
      ("a negative size", bytes("{" + tensor("a", "F32", "[-2]", 0, 8) + "}", eight)),
      ("an unknown type", bytes("{" + tensor("a", "F33", "[2]", 0, 8) + "}", eight)),
      ("no booleans", bytes("{" + tensor("a", "BOOL", "[8]", 0, 8) + "}", Data(repeating: 2, count: 8))),
    ]
    for (what, data) in hostile {
      #expect(throws: GuerdonError.self, "\(what)") { try SafetensorsFile(data) }
    }
    #expect(throws: Never.self) { try SafetensorsFile(bytes("{" + tensor("a", "F32", "[2]", 0, 8) + "}", eight)) }
  }

  /// Random damage to a good file: read or refused, never a crash.
  @Test func damagedFilesNeverCrash() throws {
    var file = SafetensorsFile(metadata: ["m": "x"])
    file["a"] = .init([1, 2, 3, 4] as [Float], shape: [2, 2])
    file["b"] = .init([1, 2] as [Int64])
    let good = file.serialized()
    var random = RandomGenerator(seed: 8)
    var refused = 0
    for _ in 0..<5_000 {
      var damaged = good
      for _ in 0...random.integer(below: 3) {
        damaged[random.integer(below: damaged.count)] = UInt8(random.integer(below: 256))
      }
      if (try? SafetensorsFile(damaged)) == nil { refused += 1 }
    }
    #expect(refused > 1_000 && refused < 5_000)
  }
}
