import Basics
import Foundation

extension SafetensorsFile {
  /// A file of tensors by name, such as a state dict.
  public init(_ tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.init(metadata: metadata, entries: tensors.mapValues(Entry.init))
  }

  /// Every array as a tensor.
  public func tensors(device: Device = .cpu) -> [String: Tensor] { entries.mapValues { $0.tensor(device: device) } }
}

extension SafetensorsFile.Entry {
  /// The elements of a tensor, copied.
  public init(_ tensor: Tensor) {
    var bytes = Data(count: tensor.numel * tensor.dtype.size)
    bytes.withUnsafeMutableBytes { tensor.copyBytes(into: $0, #fileID, #line) }
    self.init(validated: tensor.dtype, tensor.shape, bytes)
  }

  /// The array as a tensor of its own dtype, copied.
  public func tensor(device: Device = .cpu) -> Tensor {
    bytes.withUnsafeBytes { Tensor(bytes: $0, shape: shape, dtype: dtype, device: device, #fileID, #line) }
  }
}

extension Module {
  /// Writes the state dict to a safetensors file, whole or not at all.
  /// - Throws: `GuerdonError` naming the path and the reason.
  public func save(to url: URL, metadata: [String: String] = [:]) throws {
    try SafetensorsFile(stateDict(), metadata: metadata).write(to: url)
  }

  /// Loads the state dict from a safetensors file.
  /// - Throws: `GuerdonError` naming the file and what does not fit; the module is then unchanged.
  public func load(from url: URL, strict: Bool = true) throws {
    let file = try SafetensorsFile(contentsOf: url)
    do {
      try loadStateDict(file.tensors(), strict: strict)
    } catch let error as GuerdonError {
      throw GuerdonError.failure("Cannot load \(url.path): \(error.message)")
    }
  }
}
