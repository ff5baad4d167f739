import Basics
import Environments
import Foundation
import Schemas
import Torch

extension Policy {
  private static let format = "guerdon.policy.v1"

  /// Writes the policy as safetensors: `actor.<i>.weight` [out, in] and `actor.<i>.bias` as a PyTorch `Sequential` of
  /// `Linear` and `Tanh` (or `ReLU`) names them, `log_std`, and the moments of the observations. The metadata say what
  /// hidden layers end in (`activation`) and how outputs become actions (`head`).
  /// - Throws: `GuerdonError` when the file cannot be written.
  public func save(to url: URL) throws { try Files.write(serialized(), to: url) }

  /// What `save(to:)` writes.
  public func serialized() -> Data {
    var file = SafetensorsFile(metadata: [
      "format": Self.format, "environment": environment, "activation": network.activation.rawValue,
      "head": head.rawValue,
    ])
    network.store(in: &file, prefix: "actor")
    if !logStandardDeviation.isEmpty { file["log_std"] = .init(logStandardDeviation) }
    observationMoments?.store(in: &file, prefix: "observation")
    return file.serialized()
  }

  /// Reads a policy.
  /// - Throws: `GuerdonError` when the file is no policy, damaged, or does not fit its environment.
  public static func load(_ url: URL) throws -> Policy {
    try read(SafetensorsFile(contentsOf: url), called: url.path)
  }

  /// Reads a policy from what `serialized()` gave.
  /// - Parameter name: what error messages call it.
  /// - Throws: `GuerdonError` as `load(_:)`.
  public static func read(_ data: Data, called name: String) throws -> Policy {
    try read(SafetensorsFile(data), called: name)
  }

  private static func read(_ file: SafetensorsFile, called name: String) throws -> Policy {
    guard file.metadata["format"] == format, let id = file.metadata["environment"] else {
      throw GuerdonError.failure("\(name) is a safetensors file, but not a Guerdon policy.")
    }
    let spec = try Environments.spec(id)
    do {
      guard let activation = MLP.Activation(rawValue: file.metadata["activation"] ?? "tanh"),
        let head = Head(rawValue: file.metadata["head"] ?? "direct")
      else { throw GuerdonError.failure("its metadata name an activation or a head that is not known") }
      let network = try MLP(file, prefix: "actor", activation: activation)
      let outputs = head.outputs(for: spec.actionSpace)
      guard network.widths.first == spec.observationSpace.width, network.widths.last == outputs else {
        throw GuerdonError.failure(
          "its network maps \(network.widths.first ?? 0) numbers to \(network.widths.last ?? 0), but \(id) has \(spec.observationSpace.width) observations and \(outputs) actions")
      }
      return Policy(
        environment: id, observationWidth: spec.observationSpace.width, actionSpace: spec.actionSpace,
        observationMoments: try RunningMoments(file, prefix: "observation", width: spec.observationSpace.width),
        network: network, head: head, logStandardDeviation: try file["log_std"]?.floats() ?? [])
    } catch let error as GuerdonError {
      throw GuerdonError.failure("The policy \(name) cannot be used: \(error.message)")
    }
  }
}

extension MLP {
  func store(in file: inout SafetensorsFile, prefix: String) {
    for (index, layer) in layers.enumerated() {
      let (weight, bias) = get(layer: index)
      file["\(prefix).\(2 * index).weight"] = .init(weight, shape: [layer.outputs, layer.inputs])
      file["\(prefix).\(2 * index).bias"] = .init(bias)
    }
  }

  /// - Parameter prefix: what the arrays' names begin with, without its last dot; empty for none.
  /// - Throws: `GuerdonError` when the layers do not fit each other.
  convenience init(_ file: SafetensorsFile, prefix: String, activation: Activation = .tanh) throws {
    var widths: [Int] = []
    var parameters: [(weight: [Float], bias: [Float])] = []
    let begin = prefix.isEmpty ? "" : prefix + "."
    while let weight = file["\(begin)\(2 * parameters.count).weight"] {
      let bias = try file.entry("\(begin)\(2 * parameters.count).bias")
      guard weight.shape.count == 2, let outputs = weight.shape.first, let inputs = weight.shape.last, inputs >= 1,
        outputs >= 1, outputs <= 1 << 16, inputs <= 1 << 16, bias.shape == [outputs],
        widths.isEmpty || widths.last == inputs
      else { throw GuerdonError.failure("the layers \(begin)0, \(begin)2 … do not fit each other") }
      if widths.isEmpty { widths.append(inputs) }
      widths.append(outputs)
      parameters.append((try weight.floats(), try bias.floats()))
    }
    guard !parameters.isEmpty else { throw GuerdonError.failure("it has no layers called \(begin)0") }
    self.init(widths: widths, activation: activation)
    for (index, layer) in parameters.enumerated() { set(layer: index, weight: layer.weight, bias: layer.bias) }
  }
}

extension RunningMoments {
  func store(in file: inout SafetensorsFile, prefix: String) {
    file["\(prefix).mean"] = .init(mean)
    file["\(prefix).variance"] = .init(variance)
    file["\(prefix).count"] = .init([count])
  }

  /// Nil when the file has none of that name.
  /// - Throws: `GuerdonError` when they are not of `width` components.
  init?(_ file: SafetensorsFile, prefix: String, width: Int) throws {
    guard file["\(prefix).mean"] != nil else { return nil }
    let mean = try file.entry("\(prefix).mean").doubles(), variance = try file.entry("\(prefix).variance").doubles()
    let count = try file.entry("\(prefix).count").doubles()
    guard mean.count == width, variance.count == width, let count = count.first else {
      throw GuerdonError.failure("the moments called \(prefix) are not of \(width) components")
    }
    self.init(mean: mean, variance: variance, count: count)
  }
}
