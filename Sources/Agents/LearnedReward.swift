import Basics
import Environments
import Foundation
import Rewards
import Schemas
import Torch

/// A learned reward: a multilayer perceptron over named fields of the transitions, read from a safetensors file that
/// PyTorch or Guerdon wrote.
///
/// The arrays are those of a `torch.nn.Sequential` of `Linear` layers with activations between them: `0.weight` [out, in]
/// and `0.bias`, `2.weight`, `2.bias` and so on, all under one prefix or none; the last layer has one output. `input_mean`
/// and `input_std`, where they are there, normalise the inputs: (x - mean) / std. The header's metadata say the rest:
///
/// | key | value |
/// |---|---|
/// | `format` | `guerdon.reward.v1` |
/// | `kind` | `mlp` |
/// | `fields` | what goes in, in this order and separated by commas: `obs,action,next_obs`; `obs:16` is one-hot of 16 |
/// | `activation` | `tanh`, `relu` or `leaky_relu` (slope 0.01): what hidden layers end in; `tanh` if not given |
/// | `output` | `identity`, `tanh` or `sigmoid`: what the last layer ends in; `identity` if not given |
///
/// It is evaluated in f32, in blocks of rows.
public struct LearnedReward: RewardFunction {
  /// What the last layer ends in.
  enum Output: String { case identity, tanh, sigmoid }

  /// One field that goes in.
  struct Input: Sendable {
    let name: String
    let columns: Range<Int>
    /// How many values are told apart, one input each; nil for the components themselves.
    let choices: Int?
    var width: Int { choices ?? columns.count }
  }

  private static let format = "guerdon.reward.v1"
  let inputs: [Input]
  private let network: MLP
  private let output: Output
  /// Of every input of the network; empty where they are not normalised.
  private let means: [Float], scales: [Float]

  public var termNames: [String] { [] }
  /// The fields it reads, in their order.
  public var fields: [String] { inputs.map(\.name) }

  /// Reads a learned reward for the transitions of one environment.
  /// - Parameter schema: the environment's, whose fields the file names.
  /// - Throws: `GuerdonError` naming the file and what is wrong: no safetensors, no learned reward, an unknown field, or
  ///   arrays that do not fit each other or the fields.
  public init(contentsOf url: URL, schema: Schema) throws {
    let file = try SafetensorsFile(contentsOf: url)
    guard file.metadata["format"] == Self.format else {
      throw GuerdonError.failure(
        "\(url.path) is a safetensors file, but no learned reward: its metadata must say \"format\": \"\(Self.format)\" (docs/audit.md shows how to export one).")
    }
    do {
      try self.init(file, schema: schema)
    } catch let error as GuerdonError {
      throw GuerdonError.failure("The learned reward \(url.path) cannot be used: \(error.message)")
    }
  }

  private init(_ file: SafetensorsFile, schema: Schema) throws {
    func choice<Value>(_ key: String, _ values: [String: Value], default name: String? = nil) throws -> Value {
      let known = values.keys.sorted().joined(separator: ", ")
      guard let given = file.metadata[key] ?? name else {
        throw GuerdonError.failure("its metadata lack \"\(key)\", one of \(known)")
      }
      guard let value = values[given] else {
        throw GuerdonError.failure("its metadata give \"\(key)\" as \"\(given)\"; it is one of \(known)")
      }
      return value
    }
    _ = try choice("kind", ["mlp": true])
    let activation = try choice(
      "activation", ["tanh": MLP.Activation.tanh, "relu": .relu, "leaky_relu": .leakyReLU], default: "tanh")
    output = try choice(
      "output", ["identity": Output.identity, "tanh": .tanh, "sigmoid": .sigmoid], default: "identity")
    let inputs = try Self.inputs(file.metadata["fields"], schema)
    let width = inputs.reduce(0) { $0 + $1.width }

    let firsts = file.entries.keys.filter { $0 == "0.weight" || $0.hasSuffix(".0.weight") }
    guard let first = firsts.first, firsts.count == 1 else {
      throw GuerdonError.failure(
        firsts.isEmpty
          ? "it has no array called 0.weight, as the first layer of a Sequential is"
          : "it has more than one network: \(firsts.sorted().joined(separator: ", "))")
    }
    let prefix = String(first.dropLast("0.weight".count))
    let network = try MLP(file, prefix: String(prefix.dropLast()), activation: activation)
    guard network.widths.first == width, network.widths.last == 1 else {
      throw GuerdonError.failure(
        "its network maps \(network.widths.first ?? 0) numbers to \(network.widths.last ?? 0), but its fields have "
          + "\(width) numbers together and a reward is 1")
    }
    var means: [Float] = [], scales: [Float] = []
    if file["input_mean"] != nil || file["input_std"] != nil {
      means = try file.entry("input_mean").floats()
      scales = try file.entry("input_std").floats().map { 1 / $0 }
      guard means.count == width, scales.count == width else {
        throw GuerdonError.failure("input_mean and input_std are not of \(width) numbers each")
      }
      guard scales.allSatisfy({ $0 > 0 && $0.isFinite }) else {
        throw GuerdonError.failure("input_std has numbers that are not above 0")
      }
    }
    // An array that is not used may be a layer that would be left out, such as a LayerNorm.
    let layers = network.layers.indices.flatMap { ["\(prefix)\(2 * $0).weight", "\(prefix)\(2 * $0).bias"] }
    let used = Set(layers + ["input_mean", "input_std"])
    if let other = file.entries.keys.sorted().first(where: { !used.contains($0) }) {
      throw GuerdonError.failure(
        "its array \"\(other)\" is no part of a Sequential of Linear layers with activations between them")
    }
    guard network.parameters.array.allSatisfy(\.isFinite), means.allSatisfy(\.isFinite) else {
      throw GuerdonError.failure("its arrays hold numbers that are not finite")
    }
    (self.inputs, self.network, self.means, self.scales) = (inputs, network, means, scales)
  }

  /// `obs,action,next_obs:16`.
  private static func inputs(_ text: String?, _ schema: Schema) throws -> [Input] {
    let words = (text ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    guard !words.isEmpty else {
      throw GuerdonError.failure("its metadata must name its \"fields\", for example \"obs,action\"")
    }
    return try words.map { word in
      let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
      let name = parts.first ?? ""
      guard let field = schema[name], let columns = schema.columns(of: name) else {
        throw GuerdonError.failure(
          "\(schema.environment) has no field \"\(name)\"." + suggestion(for: name, among: schema.fields.map(\.name)))
      }
      guard !field.fitnessOnly else { throw GuerdonError.failure("the field \(name) is for the fitness alone") }
      guard parts.count == 2 else { return Input(name: name, columns: columns, choices: nil) }
      guard let choices = Int(parts[1]), (1...1 << 16).contains(choices), columns.count == 1 else {
        throw GuerdonError.failure("\"\(word)\" is no field of one number with a count of choices")
      }
      return Input(name: name, columns: columns, choices: choices)
    }
  }

  public func makeEvaluator() -> any RewardEvaluator { Evaluator(self) }

  private final class Evaluator: RewardEvaluator {
    private static let block = 256
    private let reward: LearnedReward
    private let workspace: MLP.Workspace
    private let rows: FloatBuffer
    private let width: Int

    init(_ reward: LearnedReward) {
      self.reward = reward
      width = reward.inputs.reduce(0) { $0 + $1.width }
      workspace = MLP.Workspace(reward.network, capacity: Self.block)
      rows = FloatBuffer(Self.block * padded(width))
    }

    func evaluate(
      _ batch: TransitionBatch, rows range: Range<Int>, total: UnsafeMutablePointer<Double>,
      terms: UnsafeMutablePointer<Double>?
    ) {
      for begin in stride(from: range.lowerBound, to: range.upperBound, by: Self.block) {
        let count = min(Self.block, range.upperBound - begin)
        read(batch, begin, count)
        reward.network.forward(rows.base, stride: padded(width), count: count, workspace)
        for i in 0..<count {
          let value = Double(workspace.outputs[i * padded(1)])
          total[begin - range.lowerBound + i] =
            switch reward.output {
            case .identity: value
            case .tanh: tanh(value)
            case .sigmoid: 1 / (1 + exp(-value))
            }
        }
      }
    }

    /// The fields of some rows, side by side and normalised.
    private func read(_ batch: TransitionBatch, _ begin: Int, _ count: Int) {
      let stride = padded(width)
      var place = 0
      for input in reward.inputs {
        if let choices = input.choices {
          let values = batch.base + input.columns.lowerBound * batch.capacity + begin
          for i in 0..<count {
            // What is none of the choices is no input at all.
            for k in 0..<choices { rows.base[i * stride + place + k] = values[i] == Double(k) ? 1 : 0 }
          }
        } else {
          for (k, column) in input.columns.enumerated() {
            let values = batch.base + column * batch.capacity + begin
            for i in 0..<count { rows.base[i * stride + place + k] = Float(values[i]) }
          }
        }
        place += input.width
      }
      for j in reward.means.indices {
        for i in 0..<count {
          rows.base[i * stride + j] = (rows.base[i * stride + j] - reward.means[j]) * reward.scales[j]
        }
      }
    }
  }
}
