import Basics
import Foundation

/// A dataset of episodes on disk, in the layout of Minari 0.5 with HDF5: `<root>/<id>/data/` holds `metadata.json` and
/// `main_data.hdf5`, which has a group `episode_<i>` for each episode.
///
/// Source: Minari's "Dataset Standards" (Farama Foundation).
public struct MinariDataset: Sendable {
  public let metadata: MinariMetadata
  /// Episodes in it.
  public let count: Int
  /// Steps of all episodes.
  public let stepCount: Int
  /// The file with the episodes.
  private let file: URL

  /// Where Minari keeps datasets: `MINARI_DATASETS_PATH`, or `~/.minari/datasets`.
  public static var root: URL {
    if let path = ProcessInfo.processInfo.environment["MINARI_DATASETS_PATH"], !path.isEmpty {
      return URL(fileURLWithPath: path)
    }
    return FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".minari/datasets")
  }

  /// Opens a dataset by its id.
  /// - Throws: `GuerdonError` when there is none, its metadata is damaged, or its episodes are not in HDF5 files or its
  ///   images are compressed.
  public init(_ id: String, root: URL = root) throws {
    try MinariMetadata.check(id: id)
    try self.init(folder: root.appendingPathComponent(id))
  }

  /// Opens the dataset in a folder, which holds the folder `data`.
  public init(folder: URL) throws {
    let data = folder.appendingPathComponent("data")
    let url = data.appendingPathComponent("metadata.json")
    let raw = try MinariMetadata.File(url)
    guard raw.data_format == "hdf5" else {
      throw GuerdonError.failure(
        "\(folder.path) keeps its episodes as \(raw.data_format); only hdf5 is read. Write it again with "
          + "data_format=\"hdf5\".")
    }
    metadata = try MinariMetadata(raw, url)
    if raw.jpeg_encoding ?? true, metadata.observationSpace.hasImages || metadata.actionSpace.hasImages {
      throw GuerdonError.failure(
        "\(folder.path) keeps its images as JPEG, which loses pixels; write it again with jpeg_encoding=False.")
    }
    (count, stepCount) = (raw.total_episodes, raw.total_steps)
    file = data.appendingPathComponent("main_data.hdf5")
  }

  /// Reads one episode.
  /// - Throws: `GuerdonError` when there is none of this number, or the file is damaged.
  public func episode(_ index: Int) throws -> Episode {
    guard (0..<count).contains(index) else {
      throw GuerdonError.usage("\(file.path) has no episode \(index): there are \(count), the first is 0.")
    }
    return try read(index, from: HDF5Object.open(file))
  }

  /// Reads all episodes.
  public func episodes() throws -> [Episode] {
    let source = try HDF5Object.open(file)
    let present = try source.names(atMost: 10_000_000).count
    guard count <= present else {
      throw GuerdonError.failure("\(file.path) has \(present) episodes; its metadata promises \(count).")
    }
    return try (0..<count).map { try read($0, from: source) }
  }

  private func read(_ index: Int, from source: HDF5Object) throws -> Episode {
    let name = "episode_\(index)"
    guard let (group, isGroup) = try source.member(name), isGroup else {
      throw GuerdonError.failure("\(file.path) has no group \(name).")
    }
    // A file holds at most some thousand times its size: deflate does not go further.
    let size = try? FileManager.default.attributesOfItem(atPath: file.resolvingSymlinksInPath().path)[.size] as? Int
    var reader = Reader(group: group, budget: max(1 << 26, 1100 * min(size ?? 0, 1 << 40)))
    var infos: [String: EpisodeValue] = [:]
    if let (list, isGroup) = try group.member("infos"), isGroup,
      case .dictionary(let values) = try reader.value(list, isGroup: true, .dictionary([:]), depth: 0)
    {
      infos = values
    }
    let episode = Episode(
      observations: try reader.value("observations", metadata.observationSpace),
      actions: try reader.value("actions", metadata.actionSpace), rewards: try reader.numbers("rewards"),
      terminations: try reader.numbers("terminations").map { $0 != 0 },
      truncations: try reader.numbers("truncations").map { $0 != 0 }, infos: infos, seed: group.attribute("seed"))
    do {
      try episode.check()
      try metadata.observationSpace.check(episode.observations, "observations")
      try metadata.actionSpace.check(episode.actions, "actions")
    } catch let error as GuerdonError {
      throw GuerdonError.failure("\(group.place): \(error.message)")
    }
    return episode
  }

  private struct Reader {
    let group: HDF5Object
    /// Bytes and objects that may still be read.
    var budget: Int
    var objects = 100_000

    mutating func value(_ name: String, _ space: MinariSpace) throws -> EpisodeValue {
      guard let (object, isGroup) = try group.member(name) else {
        throw GuerdonError.failure("\(group.place) has no \(name).")
      }
      return try value(object, isGroup: isGroup, space, depth: 0)
    }

    /// - Parameter space: what tells a tuple from a dictionary.
    mutating func value(
      _ object: HDF5Object, isGroup: Bool, _ space: MinariSpace?, depth: Int
    ) throws -> EpisodeValue {
      objects -= 1
      guard depth < 32, objects > 0 else { throw GuerdonError.failure("\(object.place) is nested too deeply.") }
      guard isGroup else { return .column(try object.column(budget: &budget)) }
      let names = try object.names(atMost: objects)
      var values: [String: EpisodeValue] = [:]
      for name in names {
        var inner: MinariSpace?
        if case .dictionary(let spaces) = space { inner = spaces[name] }
        if case .tuple(let spaces) = space, let index = Int(name.dropFirst("_index_".count)),
          spaces.indices.contains(index)
        {
          inner = spaces[index]
        }
        guard let (member, isGroup) = try object.member(name) else { continue }
        values[name] = try value(member, isGroup: isGroup, inner, depth: depth + 1)
      }
      let listed = names.indices.compactMap { values["_index_\($0)"] }
      var isTuple = listed.count == names.count && !names.isEmpty
      if case .dictionary(let spaces) = space, !spaces.isEmpty { isTuple = false }
      return isTuple ? .tuple(listed) : .dictionary(values)
    }

    mutating func numbers(_ name: String) throws -> [Double] {
      guard let (object, isGroup) = try group.member(name), !isGroup,
        let column = Optional(try object.column(budget: &budget)), column.shape.isEmpty, let numbers = column.numbers
      else { throw GuerdonError.failure("\(group.place) has no \(name), or not one number a step.") }
      return numbers
    }
  }
}
