import Basics
import Environments
import Foundation
import Rewards
import Schemas
import TestSupport
import Testing
import Torch

@testable import Agents

/// Learned rewards beside the PyTorch modules that wrote them.
@Suite struct LearnedRewardTests {
  private struct Case: Encodable {
    let path: String, metadata: [String: String], hidden: [Int], normalises: Bool, rows: [[Double]]
  }

  /// Writes a Sequential's state dict in the format's own words (8 bytes of length, a JSON header, the bytes), and says what
  /// the module makes of some rows.
  private static let export = """
    import json, struct, sys
    import torch
    case = json.load(sys.stdin)
    torch.manual_seed(0)
    x = torch.tensor(case["rows"], dtype=torch.float32)
    widths = [x.shape[1]] + case["hidden"] + [1]
    activations = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "leaky_relu": torch.nn.LeakyReLU}
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(inputs, outputs), activations[case["metadata"].get("activation", "tanh")]()]
    net = torch.nn.Sequential(*layers[:-1])
    tensors = {"net." + name: value for name, value in net.state_dict().items()}
    if case["normalises"]:
        mean, std = x.mean(0), x.std(0) + 0.1
        tensors.update(input_mean=mean, input_std=std)
        x = (x - mean) / std
    y = net(x)[:, 0]
    y = {"identity": lambda v: v, "tanh": torch.tanh, "sigmoid": torch.sigmoid}[case["metadata"].get("output", "identity")](y)
    header, data = {"__metadata__": case["metadata"]}, b""
    for name, value in tensors.items():
        raw = value.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    open(case["path"], "wb").write(struct.pack("<Q", len(text)) + text + data)
    print(json.dumps(y.tolist()))
    """

  private static let schema = Schema(
    environment: "Test-v0",
    fields: [
      Field("obs", shape: [3], meaning: "a"), Field("action", shape: [2], meaning: "b"), Field("cell", meaning: "c"),
      Field("secret", meaning: "d", fitnessOnly: true),
    ])

  private func file() -> URL {
    FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-reward-\(UUID().uuidString).safetensors")
  }

  @Test(arguments: [
    ("tanh", "identity", [64, 64], false), ("relu", "tanh", [33], true), ("leaky_relu", "sigmoid", [20, 7], true),
    ("tanh", "identity", [], false),
  ]) func agreesWithPyTorch(activation: String, output: String, hidden: [Int], normalises: Bool) throws {
    let url = file()
    defer { try? FileManager.default.removeItem(at: url) }
    var random = RandomGenerator(seed: 4)
    let rows = 600
    let batch = TransitionBatch(schema: Self.schema, capacity: rows)
    for column in 0..<5 { for row in 0..<rows { batch.base[column * rows + row] = random.normal() } }
    for row in 0..<rows { batch.base[5 * rows + row] = Double(random.integer(below: 4)) }
    // Action, then the cell's four choices, then the observation.
    let inputs = (0..<rows).map { row in
      let record = batch.record(row)
      return Array(record[3..<5]) + (0..<4).map { record[5] == Double($0) ? 1 : 0 } + Array(record[0..<3])
    }
    let expected: [Double] = try Python.run(
      Self.export,
      input: Case(
        path: url.path,
        metadata: [
          "format": "guerdon.reward.v1", "kind": "mlp", "fields": "action, cell:4, obs", "activation": activation,
          "output": output,
        ], hidden: hidden, normalises: normalises, rows: inputs))
    let reward = try LearnedReward(contentsOf: url, schema: Self.schema)
    #expect(reward.fields == ["action", "cell", "obs"] && reward.termNames.isEmpty)
    var total = [Double](repeating: 0, count: rows - 10)
    reward.makeEvaluator().evaluate(batch, rows: 10..<rows, total: &total, terms: nil)
    for (value, other) in zip(total, expected[10...]) { #expect(abs(value - other) < 2e-5 * max(1, abs(other))) }
  }

  /// One clear sentence for each thing that can be wrong.
  @Test func badFilesAreNamed() throws {
    let url = file()
    defer { try? FileManager.default.removeItem(at: url) }
    let metadata = ["format": "guerdon.reward.v1", "kind": "mlp", "fields": "obs"]
    func entry(_ shape: [Int], _ value: Float = 0.5) -> SafetensorsFile.Entry {
      .init([Float](repeating: value, count: shape.reduce(1, *)), shape: shape)
    }
    let good = ["0.weight": entry([4, 3]), "0.bias": entry([4]), "2.weight": entry([1, 4]), "2.bias": entry([1])]
    func message(_ changes: [String: String?] = [:], _ arrays: [String: SafetensorsFile.Entry?] = [:]) throws -> String {
      var file = SafetensorsFile(metadata: metadata.merging(changes.compactMapValues { $0 }) { $1 })
      for (key, value) in changes where value == nil { file.metadata[key] = nil }
      for (name, value) in good { file[name] = value }
      for (name, value) in arrays { file[name] = value }
      try file.write(to: url)
      do {
        _ = try LearnedReward(contentsOf: url, schema: Self.schema)
        return ""
      } catch let error as GuerdonError {
        return error.message
      }
    }
    #expect(try message() == "")
    #expect(try message(["format": nil]).contains("no learned reward"))
    #expect(try message(["kind": "transformer"]).contains("\"kind\" as \"transformer\""))
    #expect(try message(["kind": nil]).contains("lack \"kind\""))
    #expect(try message(["activation": "gelu"]).contains("leaky_relu, relu, tanh"))
    #expect(try message(["fields": nil]).contains("must name its \"fields\""))
    #expect(try message(["fields": "ob"]).contains("no field \"ob\"") && message(["fields": "ob"]).contains("obs"))
    #expect(try message(["fields": "obs,secret"]).contains("for the fitness alone"))
    #expect(try message(["fields": "obs,action"]).contains("maps 3 numbers to 1") )
    #expect(try message(["fields": "obs:3"]).contains("no field of one number"))
    #expect(try message([:], ["2.weight": entry([2, 4]), "2.bias": entry([2])]).contains("a reward is 1"))
    #expect(try message([:], ["2.weight": entry([1, 5])]).contains("do not fit"))
    #expect(try message([:], ["2.bias": nil]).contains("2.bias"))
    #expect(try message([:], ["0.weight": nil]).contains("no array called 0.weight"))
    #expect(try message([:], ["1.weight": entry([4])]).contains("\"1.weight\" is no part"))
    #expect(try message([:], ["other.0.weight": entry([1, 3])]).contains("more than one network"))
    #expect(try message([:], ["0.bias": entry([4], .nan)]).contains("not finite"))
    #expect(try message([:], ["input_mean": entry([3])]).contains("input_std"))
    #expect(try message([:], ["input_mean": entry([3]), "input_std": entry([3], 0)]).contains("not above 0"))
    #expect(try message([:], ["0.weight": .init([Int64](repeating: 1, count: 12), shape: [4, 3])]).contains("floating-point"))
    try Files.write("no tensors", to: url)
    #expect(throws: GuerdonError.self) { try LearnedReward(contentsOf: url, schema: Self.schema) }
  }
}
