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
      let url = file()
      defer { try? FileManager.default.removeItem(at: url) }
      #expect(throws: Never.self) { try data.write(to: url) }
      let error = #expect(throws: GuerdonError.self, "\(what), mapped") { try SafetensorsFile(mapping: url) }
      #expect(error?.message.contains(url.path) == true)
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

  /// A mapped file is as one that was read, and stays so when another takes its name.
  @Test func mappedFilesAreReadWhereTheyAreUsed() throws {
    let url = file()
    defer { try? FileManager.default.removeItem(at: url) }
    var first = SafetensorsFile(metadata: ["m": "x"])
    first["a"] = .init([1, 2, 3, 4] as [Float], shape: [2, 2])
    first["odd"] = .init([1, 2, 3] as [UInt8])
    first["b"] = .init([7, -8] as [Int64])
    first["flags"] = .init([true, false])
    try first.write(to: url)
    let mapped = try SafetensorsFile(mapping: url)
    #expect(mapped.metadata == ["m": "x"] && Set(mapped.entries.keys) == ["a", "odd", "b", "flags"])
    #expect(try mapped.serialized() == Data(contentsOf: url))
    var second = SafetensorsFile()
    second["a"] = .init([9, 9, 9, 9] as [Float], shape: [2, 2])
    try second.write(to: url)
    #expect(try mapped.entry("a").floats() == [1, 2, 3, 4])
    #expect(try mapped.entry("b").tensor().array(of: Int64.self) == [7, -8])
    #expect(try SafetensorsFile(mapping: url).entry("a").floats() == [9, 9, 9, 9])
    for path in [url.path + ".none", "/", url.path + "/x"] {
      let error = #expect(throws: GuerdonError.self) { try SafetensorsFile(mapping: URL(fileURLWithPath: path)) }
      #expect(error?.message.contains(path) == true)
    }
  }

  #if os(Linux)
  /// Opening four (sparse) gigabytes and taking one small tensor out of them leaves memory as it was. In a process of
  /// its own, so that no other test's memory counts.
  @Test func openingALargeFileReadsAlmostNothing() async {
    await #expect(processExitsWith: .success) {
      let tests = SafetensorsTests()
      let url = tests.file()
      defer { try? FileManager.default.removeItem(at: url) }
      let elements = 1 << 30
      let header = "{\"big\":{\"dtype\":\"F32\",\"shape\":[\(elements)],\"data_offsets\":[0,\(4 * elements)]},"
        + "\"small\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[\(4 * elements),\(4 * elements + 8)]}}"
      try tests.bytes(header).write(to: url)
      let handle = try FileHandle(forWritingTo: url)
      try handle.truncate(atOffset: UInt64(8 + header.utf8.count + 4 * elements))
      try handle.seekToEnd()
      try handle.write(contentsOf: ([1.5, -2] as [Float]).withUnsafeBytes { Data($0) })
      try handle.close()
      let before = try LearningTests.residentKilobytes()
      let mapped = try SafetensorsFile(mapping: url)
      #expect(try mapped.entry("small").tensor().array(of: Float.self) == [1.5, -2])
      #expect(try mapped.entry("big").bytes.count == 4 << 30)
      let growth = try LearningTests.residentKilobytes() - before
      #expect(growth < 50_000, "\(growth) kB")
    }
  }
  #endif

  private final class Network: Module {
    let conv: Conv2d
    let norm: BatchNorm2d
    let rnn: LSTM
    let attn: MultiheadAttention
    let blocks: [any Module]
    let table: Embedding

    init() {
      let generator = Generator(seed: 1)
      conv = Conv2d(1, 2, kernel: 3, generator: generator)
      norm = BatchNorm2d(2)
      rnn = LSTM(3, 4, layers: 2, generator: generator)
      attn = MultiheadAttention(4, heads: 2, generator: generator)
      blocks = [Linear(4, 4, generator: generator), RMSNorm(4)]
      table = Embedding(3, 4, generator: generator)
    }
  }

  /// A checkpoint that PyTorch made, with more in it than the module, one array in bfloat16: by name, strictly and not.
  @Test func aPyTorchModuleIsLoadedByName() throws {
    let url = file()
    defer { try? FileManager.default.removeItem(at: url) }
    let expected: [String: [Float]] = try Python.run(
      """
      import json, struct, sys, torch
      from torch import nn
      torch.manual_seed(3)
      class Network(nn.Module):
        def __init__(self):
          super().__init__()
          self.conv, self.norm, self.rnn = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.LSTM(3, 4, 2)
          self.attn, self.blocks = nn.MultiheadAttention(4, 2), nn.ModuleList([nn.Linear(4, 4), nn.RMSNorm(4)])
          self.table = nn.Embedding(3, 4)
      net = Network(); net.norm(torch.randn(5, 2, 3, 3))
      state = {"model." + k: v.contiguous() for k, v in net.state_dict().items()}
      state["model.table.weight"] = state["model.table.weight"].bfloat16()
      state["optimizer.step"] = torch.tensor(7)
      kinds = {torch.float32: "F32", torch.int64: "I64", torch.bfloat16: "BF16"}
      header, body = {}, b""
      for k, v in sorted(state.items(), key=lambda item: -item[1].element_size()):
        raw = v.reshape(-1).view(torch.uint8).numpy().tobytes()
        header[k] = dict(dtype=kinds[v.dtype], shape=list(v.shape), data_offsets=[len(body), len(body) + len(raw)])
        body += raw
      text = json.dumps(header).encode()
      open(json.load(sys.stdin), "wb").write(struct.pack("<Q", len(text)) + text + body)
      print(json.dumps({k[6:]: v.float().flatten().tolist() for k, v in state.items() if k.startswith("model.")}))
      """, input: url.path)
    let network = Network()
    #expect(try network.load(from: url, prefix: "model.").isEmpty)
    let found = network.stateDict().mapValues { $0.array(of: Float.self) }
    #expect(found == expected)

    let whole = try #require(throws: GuerdonError.self) { try network.load(from: url) }
    #expect(whole.message.contains(url.path) && whole.message.contains("\"attn.in_proj_bias\""), "\(whole.message)")
    let partial = try network.load(from: url, strict: false)
    #expect(partial.missing.count == expected.count && partial.unexpected.count == expected.count + 1)

    var other = try SafetensorsFile(contentsOf: url)
    other["model.attn.in_proj_bias"] = .init([1, 2] as [Float])
    other["model.conv.extra"] = .init([1] as [Float])
    try other.write(to: url)
    let extra = try #require(throws: GuerdonError.self) { try network.load(from: url, prefix: "model.") }
    #expect(extra.message.contains("\"conv.extra\""), "\(extra.message)")
    for strict in [true, false] {
      other["model.conv.extra"] = nil
      try other.write(to: url)
      let shape = try #require(throws: GuerdonError.self) {
        try network.load(from: url, prefix: "model.", strict: strict)
      }
      #expect(shape.message.contains("\"attn.in_proj_bias\"") && shape.message.contains("[12]"), "\(shape.message)")
    }
    #expect(network.stateDict().mapValues { $0.array(of: Float.self) } == expected, "Nothing changed.")
    other["model.attn.in_proj_bias"] = nil
    try other.write(to: url)
    let lacking = try #require(throws: GuerdonError.self) { try network.load(from: url, prefix: "model.") }
    #expect(lacking.message.contains("\"attn.in_proj_bias\""), "\(lacking.message)")
  }
}
