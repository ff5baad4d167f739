import Basics
import Foundation

/// Writes a dataset episode by episode. It appears under its name, whole, when it is finished; otherwise nothing
/// remains.
public final class MinariWriter {
  private let metadata: MinariMetadata
  private let root: URL
  /// Where the dataset will be, and where it is until then.
  private let folder: URL
  private let part: URL
  private var file: HDF5Output?
  private var episodes = 0
  private var steps = 0

  /// - Throws: `GuerdonError` for a name that is none, one that is taken, or a folder that cannot be written.
  public init(_ metadata: MinariMetadata, root: URL = MinariDataset.root) throws {
    try MinariMetadata.check(id: metadata.id)
    (self.metadata, self.root) = (metadata, root)
    folder = root.appendingPathComponent(metadata.id)
    guard !FileManager.default.fileExists(atPath: folder.path) else {
      throw GuerdonError.usage("There is a dataset \(folder.path) already; choose another version, or delete it.")
    }
    part = folder.deletingLastPathComponent().appendingPathComponent(
      ".\(folder.lastPathComponent).part-\(UUID().uuidString)")
    let data = part.appendingPathComponent("data")
    try Files.createDirectory(data)
    file = try HDF5.locked { try HDF5Output.create(data.appendingPathComponent("main_data.hdf5")) }
  }

  deinit {
    HDF5.locked { file = nil }
    try? FileManager.default.removeItem(at: part)
  }

  /// - Throws: `GuerdonError` when the episode is not laid out as the metadata's spaces say, or the disk is full.
  public func append(_ episode: Episode) throws {
    try episode.check()
    try metadata.observationSpace.check(episode.observations, "observations")
    try metadata.actionSpace.check(episode.actions, "actions")
    try HDF5.locked {
      guard let file else {
        throw GuerdonError.usage("The dataset \(metadata.id) is finished; nothing can be appended.")
      }
      let group = try file.createGroup("episode_\(episodes)")
      try group.write(Int64(episodes), asAttribute: "id")
      try group.write(Int64(episode.count), asAttribute: "total_steps")
      if let seed = episode.seed { try group.write(seed, asAttribute: "seed") }
      try write(episode.observations, "observations", to: group)
      try write(episode.actions, "actions", to: group)
      try group.write(EpisodeColumn(.float64(episode.rewards)), as: "rewards")
      try group.write(EpisodeColumn(.bool(episode.terminations)), as: "terminations")
      try group.write(EpisodeColumn(.bool(episode.truncations)), as: "truncations")
      try write(.dictionary(episode.infos), "infos", to: group)
    }
    episodes += 1
    steps += episode.count
  }

  private func write(_ value: EpisodeValue, _ name: String, to group: HDF5Output) throws {
    guard !name.isEmpty, name != ".", !name.contains("/"), !name.utf8.contains(0) else {
      throw GuerdonError.usage("\"\(name)\" cannot be the name of a column; leave out slashes.")
    }
    switch value {
    case .column(let column): try group.write(column, as: name)
    case .dictionary(let values):
      let inner = try group.createGroup(name)
      for (key, value) in values.sorted(by: { $0.key < $1.key }) { try write(value, key, to: inner) }
    case .tuple(let values):
      let inner = try group.createGroup(name)
      for (index, value) in values.enumerated() { try write(value, "_index_\(index)", to: inner) }
    }
  }

  /// Closes the files and gives the dataset its name.
  /// - Returns: Its folder.
  /// - Throws: `GuerdonError` when it cannot be written, or the name was taken meanwhile.
  @discardableResult
  public func finish() throws -> URL {
    guard let file else { throw GuerdonError.usage("The dataset \(metadata.id) is finished already.") }
    self.file = nil
    try HDF5.locked { try file.close() }
    let data = part.appendingPathComponent("data")
    let bytes = try FileManager.default.attributesOfItem(
      atPath: data.appendingPathComponent("main_data.hdf5").path)[.size] as? Int
    let megabytes = (Double(bytes ?? 0) / 1e5).rounded() / 10
    try Files.write(
      metadata.json(episodes: episodes, steps: steps, megabytes: megabytes),
      to: data.appendingPathComponent("metadata.json"))
    try nameNamespaces()
    do {
      try FileManager.default.moveItem(at: part, to: folder)
    } catch {
      throw GuerdonError.failure("The dataset cannot be moved to \(folder.path): is there one already?")
    }
    return folder
  }

  /// Every folder above the dataset is a namespace, which Minari knows by a file.
  private func nameNamespaces() throws {
    var above = root
    for name in metadata.id.split(separator: "/").dropLast() {
      above.appendPathComponent(String(name))
      let url = above.appendingPathComponent("namespace_metadata.json")
      if !FileManager.default.fileExists(atPath: url.path) { try Files.write("{}", to: url) }
    }
  }

  /// Writes whole datasets at once.
  /// - Returns: Its folder.
  @discardableResult
  public static func write(
    _ episodes: [Episode], _ metadata: MinariMetadata, root: URL = MinariDataset.root
  ) throws -> URL {
    let writer = try MinariWriter(metadata, root: root)
    for episode in episodes { try writer.append(episode) }
    return try writer.finish()
  }
}
