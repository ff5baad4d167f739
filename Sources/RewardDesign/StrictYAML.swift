import Basics
import Foundation
import RewardPrograms
import Schemas
import Yams

/// YAML read strictly: every key must be known, every value of its type, and an error names file and line.
struct StrictYAML {
  let file: String
  let root: Yams.Node

  init(_ text: String, file: String) throws {
    self.file = file
    do {
      guard let node = try Yams.compose(yaml: text) else {
        throw GuerdonError.usage("\(file) is empty; a task needs at least environment, goal and fitness.")
      }
      root = node
    } catch let error as YamlError {
      throw GuerdonError.usage("\(file) is not well-formed YAML: \(Self.reason(error)).")
    }
  }

  func mapping(_ node: Yams.Node, called name: String, keys: [String]) throws -> StrictMapping {
    guard case .mapping(let mapping) = node else {
      throw GuerdonError.usage("\(file), line \(node.mark?.line ?? 1): \(name) must be a mapping of keys to values.")
    }
    var values: [String: Yams.Node] = [:]
    for (key, value) in mapping {
      guard let text = key.string, keys.contains(text) else {
        let shown = key.string ?? "a key that is no string"
        throw GuerdonError.usage(
          "\(file), line \(key.mark?.line ?? 1): unknown key \"\(shown)\" in \(name)." + suggestion(for: shown, among: keys))
      }
      guard values[text] == nil else {
        throw GuerdonError.usage("\(file), line \(key.mark?.line ?? 1): \"\(text)\" is given twice.")
      }
      values[text] = value
    }
    return StrictMapping(file: file, name: name, values: values)
  }

  private static func reason(_ error: YamlError) -> String {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
      "line \(mark.line), column \(mark.column): \(problem)"
    case .duplicatedKeysInMapping(let duplicates, _):
      "a key is given twice: \(duplicates.joined(separator: ", "))"
    default: "\(error)".replacingOccurrences(of: "\n", with: " ")
    }
  }
}

/// One mapping of a YAML file, with typed access.
struct StrictMapping {
  let file: String
  let name: String
  let values: [String: Yams.Node]

  subscript(_ key: String) -> Yams.Node? { values[key] }

  func error(_ key: String, _ message: String) -> GuerdonError {
    .usage("\(file), line \(values[key]?.mark?.line ?? 1), \(key): \(message)")
  }

  func required<Value>(_ key: String, _ value: Value?) throws -> Value {
    guard let value else { throw GuerdonError.usage("\(file): \(name) needs \"\(key)\".") }
    return value
  }

  func string(_ key: String) throws -> String? {
    guard let node = values[key] else { return nil }
    guard let text = node.scalar?.string, !text.isEmpty else { throw error(key, "text is expected here.") }
    return text
  }

  func number(_ key: String) throws -> Double? {
    guard let node = values[key] else { return nil }
    guard let value = node.float ?? node.int.map(Double.init), value.isFinite else {
      throw error(key, "a finite number is expected here.")
    }
    return value
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let node = values[key] else { return nil }
    let plain = node.scalar?.string.replacingOccurrences(of: "_", with: "")
    guard let value = plain.flatMap({ Int($0) }), range.contains(value) else {
      throw error(key, "a whole number from \(range.lowerBound) to \(range.upperBound) is expected here.")
    }
    return value
  }

  func strings(_ key: String) throws -> [String]? {
    guard let node = values[key] else { return nil }
    guard case .sequence(let sequence) = node else { throw error(key, "a list of names is expected here.") }
    return try sequence.map { element in
      guard let text = element.string else { throw error(key, "a list of names is expected here.") }
      return text
    }
  }

  /// Compiles a program that stands in the file; its diagnostics become one error.
  func program(_ key: String, _ text: String, schema: Schema, kind: RewardProgram.Kind) throws -> RewardProgram {
    do {
      return try RewardProgram.compile(text, name: "\(file):\(key)", schema: schema, kind: kind)
    } catch {
      throw self.error(key, "the program does not check.\n" + error.description)
    }
  }
}
