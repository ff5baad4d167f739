import Basics
import Foundation
import Schemas
import Yams

/// What a person says about a Python environment that it does not say itself: a YAML or JSON file.
///
/// ```yaml
/// summary: A Sawyer arm moves its gripper to a point in space.
/// info: [success]                 # numbers of the step's info that become fields
/// observing: [image]              # parts of the observation to keep
/// wrappers: ["module:Class"]      # Python wrappers, the innermost first
/// fields:
///   success: {low: 0, high: 1, meaning: 1 if the gripper is at the goal.}
///   gripper.position: {columns: [0, 3], unit: m, meaning: Position of the gripper after the step.}
/// ```
/// A field with `columns` is new: it holds these components of `next_obs`, the first and the one after the last.
struct EnvironmentDescription: Decodable {
  struct FieldDescription: Decodable {
    var meaning: String?
    var unit: String?
    var low: Double?
    var high: Double?
    var columns: [Int]?
    var shape: [Int]?
  }

  var summary: String?
  var info: [String]?
  var observing: [String]?
  var wrappers: [String]?
  var fields: [String: FieldDescription]?

  /// - Throws: `GuerdonError` when the file is missing or is no such description.
  init(contentsOf url: URL) throws {
    let text = try Files.readText(url)
    do {
      self = try YAMLDecoder().decode(Self.self, from: text)
    } catch let error as DecodingError {
      throw GuerdonError.failure("The description \(url.path) cannot be used: \(Self.reason(error)).")
    } catch {
      throw GuerdonError.failure("The description \(url.path) is neither YAML nor JSON.")
    }
  }

  private static func reason(_ error: DecodingError) -> String {
    let (what, context): (String, DecodingError.Context) =
      switch error {
      case .typeMismatch(_, let context), .valueNotFound(_, let context): ("has a value of the wrong kind", context)
      case .keyNotFound(let key, let context): ("lacks \(key.stringValue)", context)
      case .dataCorrupted(let context): ("is not well-formed", context)
      @unknown default: ("is not well-formed", DecodingError.Context(codingPath: [], debugDescription: ""))
      }
    let place = context.codingPath.map(\.stringValue).joined(separator: ".")
    return place.isEmpty ? "it \(what)" : "\"\(place)\" \(what)"
  }
}
