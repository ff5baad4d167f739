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

  /// Loads the state dict from a safetensors file, such as one that PyTorch's modules were saved to. The file is mapped
  /// and one tensor copied after the other, so that it is never in memory as a whole.
  /// - Parameters:
  ///   - prefix: takes only the names that begin so, without it: `model.` of a checkpoint that holds more.
  ///   - strict: as for `loadStateDict`.
  /// - Returns: the names that were lacking or ignored; none if `strict`.
  /// - Throws: `GuerdonError` naming the file and what does not fit; the module is then unchanged.
  @discardableResult
  public func load(from url: URL, prefix: String = "", strict: Bool = true) throws -> StateDifference {
    let file = try SafetensorsFile(mapping: url)
    let entries = Dictionary(
      uniqueKeysWithValues: file.entries.filter { $0.key.hasPrefix(prefix) }
        .map { (String($0.key.dropFirst(prefix.count)), $0.value) })
    do {
      return try loadState(entries.mapValues(\.shape), strict: strict) { entries[$0]?.tensor() }
    } catch let error as GuerdonError {
      throw GuerdonError.failure("Cannot load \(url.path): \(error.message)")
    }
  }
}
