import Basics
import Foundation

/// What a Minari dataset says about itself.
public struct MinariMetadata: Sendable, Hashable {
  /// "[namespace/]name-v0"; a namespace may have several parts.
  public var id: String
  public var observationSpace: MinariSpace
  public var actionSpace: MinariSpace
  /// Gymnasium's `EnvSpec` as JSON, from which Python can make the environment again.
  public var environmentSpec: String?
  public var authors: [String] = []
  public var authorEmails: [String] = []
  public var algorithm: String?
  /// A link to the code that made the episodes.
  public var code: String?
  public var description: String?
  /// Python packages that the environment needs, as in a requirements file.
  public var requirements: [String] = []

  public init(id: String, observationSpace: MinariSpace, actionSpace: MinariSpace) {
    (self.id, self.observationSpace, self.actionSpace) = (id, observationSpace, actionSpace)
  }

  /// The version whose layout is written.
  static let version = "0.5.4"

  /// - Throws: `GuerdonError` when the id is none of Minari's: only such may become a path.
  static func check(id: String) throws {
    let parts = id.split(separator: "/", omittingEmptySubsequences: false)
    let letters = parts.allSatisfy { part in
      !part.isEmpty && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    }
    let version = parts.last?.range(of: "-v", options: .backwards).map { parts[parts.count - 1][$0.upperBound...] }
    guard letters, id.utf8.count <= 200, let version, !version.isEmpty, version.allSatisfy(\.isNumber) else {
      throw GuerdonError.usage(
        "\"\(id)\" is no name of a Minari dataset; write [namespace/]name-v0 with letters, digits, - and _.")
    }
  }

  /// The file `metadata.json`.
  func json(episodes: Int, steps: Int, megabytes: Double) throws -> Data {
    var values: [String: Any] = [
      "total_episodes": episodes, "total_steps": steps, "data_format": "hdf5", "jpeg_encoding": false,
      "observation_space": observationSpace.json(), "action_space": actionSpace.json(), "dataset_id": id,
      "minari_version": Self.version, "dataset_size": megabytes,
    ]
    values["env_spec"] = environmentSpec
    values["author"] = authors.isEmpty ? nil : authors
    values["author_email"] = authorEmails.isEmpty ? nil : authorEmails
    values["algorithm_name"] = algorithm
    values["code_permalink"] = code
    values["description"] = description
    values["requirements"] = requirements.isEmpty ? nil : requirements
    return try JSONSerialization.data(withJSONObject: values, options: [.sortedKeys, .withoutEscapingSlashes])
  }

  /// What is read of the file `metadata.json`.
  struct File: Decodable {
    var total_episodes, total_steps: Int
    var data_format: String
    var jpeg_encoding: Bool?
    var observation_space, action_space: String?
    var dataset_id: String?
    var env_spec, algorithm_name, code_permalink, description: String?
    var author, author_email, requirements: [String]?

    /// - Throws: `GuerdonError` naming the file when it cannot be read or something is missing.
    init(_ url: URL) throws {
      let data = try Files.read(url, limit: 1 << 26)
      do {
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true  // Python writes numbers that are not finite as NaN and Infinity.
        self = try decoder.decode(File.self, from: data)
      } catch {
        throw GuerdonError.failure(
          "\(url.path) is no metadata of a Minari dataset: it must be JSON with total_episodes, total_steps and "
            + "data_format.")
      }
      guard total_episodes >= 0, total_steps >= 0 else {
        throw GuerdonError.failure("\(url.path) gives negative numbers of episodes or steps.")
      }
    }
  }

  init(_ file: File, _ url: URL) throws {
    guard let observations = file.observation_space, let actions = file.action_space else {
      throw GuerdonError.failure("\(url.path) has no observation_space or no action_space.")
    }
    self.init(
      id: file.dataset_id ?? "", observationSpace: try MinariSpace(json: observations),
      actionSpace: try MinariSpace(json: actions))
    (environmentSpec, algorithm, code, description) =
      (file.env_spec, file.algorithm_name, file.code_permalink, file.description)
    (authors, authorEmails, requirements) = (file.author ?? [], file.author_email ?? [], file.requirements ?? [])
  }
}
