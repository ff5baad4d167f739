import Basics
import Foundation

/// Which Python environment the bridge makes, and how.
public struct GymnasiumConfiguration: Sendable {
  /// What `gymnasium.make` takes: "CartPole-v1", or "module:Id" to import the module that registers the environment
  /// first. A "module:Name" that is not registered names a class or function that makes one; gym's older interface is
  /// adapted.
  public var id: String
  /// Keyword arguments of the environment.
  public var arguments: [String: JSONValue]
  /// Python classes ("module:Class") put around the environment, the innermost first.
  public var wrappers: [String] = []
  /// Folders that Python imports modules from, before its own.
  public var folders: [URL] = []
  /// Parts of a Dict or Tuple observation to keep, by field name; nil keeps all.
  public var observing: [String]?
  /// Numbers of the step's info to record as fields, for example "success".
  public var info: [String] = []
  /// Bytes of a text in an observation whose space says no length (MiniGrid's missions).
  public var textLength = 128
  /// Python processes, each with its share of the environments; nil takes one, or as many as
  /// the pool has threads where there is a pool (`Environments.make`).
  public var workers: Int?
  /// The Python that has gymnasium and the environment; nil takes `GUERDON_BRIDGE_PYTHON`, or else that of `.deps/`.
  public var python: URL?
  /// How long one step or reset may take.
  public var timeout: Duration = .seconds(60)
  /// How long importing and making the environments may take.
  public var startTimeout: Duration = .seconds(300)
  /// A YAML or JSON file that describes the fields: see `EnvironmentDescription`.
  public var description: URL?

  public init(_ id: String, arguments: [String: JSONValue] = [:]) {
    self.id = id
    self.arguments = arguments
  }

  /// What every id of a bridged environment begins with.
  public static let prefix = "gym:"

  /// Reads "gym:minigrid:MiniGrid-Empty-8x8-v0" or "gym:metaworld:Meta-World/MT1?env_name=reach-v3": after the question
  /// mark stand keyword arguments, JSON where they are JSON and text otherwise; `description` names the description
  /// file.
  /// - Throws: `GuerdonError` when an argument has no value or no name.
  public init(reading name: String) throws {
    let text = name.hasPrefix(Self.prefix) ? String(name.dropFirst(Self.prefix.count)) : name
    let halves = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    self.init(String(halves[0]))
    guard !id.isEmpty else {
      throw GuerdonError.usage("\"\(name)\" names no environment; write gym:CartPole-v1 or gym:module:Id.")
    }
    guard halves.count == 2 else { return }
    for argument in halves[1].split(separator: "&") {
      let sides = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard sides.count == 2, !sides[0].isEmpty else {
        throw GuerdonError.usage("\"\(argument)\" in \"\(name)\" is no keyword argument; write name=value.")
      }
      if sides[0] == "description" {
        description = Self.locate(sides[1])
      } else {
        let json = try? JSONDecoder().decode(JSONValue.self, from: Data(sides[1].utf8))
        arguments[sides[0]] = json ?? .string(sides[1])
      }
    }
  }

  /// A description's file: under the current folder, or where Guerdon stands, so that its tasks work from anywhere.
  private static func locate(_ path: String) -> URL {
    let here = URL(fileURLWithPath: path)
    guard !FileManager.default.fileExists(atPath: here.path), !path.hasPrefix("/"),
      let home = Dependencies.directory?.deletingLastPathComponent()
    else { return here }
    let bundled = URL(fileURLWithPath: path, relativeTo: home)
    return FileManager.default.fileExists(atPath: bundled.path) ? bundled : here
  }

  /// The id that `init(reading:)` reads.
  public var name: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var pairs = arguments.sorted { $0.key < $1.key }.map { key, value in
      if case .string(let text) = value { return "\(key)=\(text)" }
      return "\(key)=\(String(decoding: (try? encoder.encode(value)) ?? Data(), as: UTF8.self))"
    }
    if let description { pairs.append("description=\(description.relativePath)") }
    return Self.prefix + id + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
  }

  /// Modules that `scripts/setup --worlds` installs into a Python of their own.
  private static let worlds = ["metaworld", "crafter", "nle"]

  /// The Python to start.
  /// - Throws: `GuerdonError` when there is none, or it cannot be started.
  func interpreter() throws -> URL {
    let named = ProcessInfo.processInfo.environment["GUERDON_BRIDGE_PYTHON"].map { URL(fileURLWithPath: $0) }
    let world = Self.worlds.contains { id.hasPrefix($0 + ":") } ? Dependencies.worlds : nil
    guard let url = python ?? named ?? world ?? Dependencies.python else {
      throw GuerdonError.failure(
        "There is no Python for \(name): run `make setup`, or name one that has gymnasium in GUERDON_BRIDGE_PYTHON.")
    }
    guard FileManager.default.isExecutableFile(atPath: url.path) else {
      throw GuerdonError.failure(
        "There is no Python at \(url.path) for \(name): name one that has gymnasium in GUERDON_BRIDGE_PYTHON.")
    }
    return url
  }
}
