import Basics
import Foundation

/// The texts that a language model is told, with gaps `{{name}}` for what differs from run to run.
///
/// They are files in `Prompts/`, one a part, for a user to edit; a copy is in the program itself.
public struct Prompts: Sendable {
  /// The files, without `.txt`.
  public enum Part: String, CaseIterable, Sendable {
    /// Who the model is, and the rules: `signature`, `language`.
    case system
    /// The page about the reward language, which `system` has a gap for.
    case language
    /// The first thing asked: `environment`, `goal`.
    case task
    /// What came of the last program: `statistics`.
    case reflection
    /// The same in a person's words: `feedback`, and `statistics` for who wants both.
    case person
    /// What is wrong with a program: `diagnostics`.
    case mending

    /// The gaps that a file may have.
    public var gaps: [String] {
      switch self {
      case .system: ["signature", "language"]
      case .language: []
      case .task: ["environment", "goal"]
      case .reflection: ["statistics"]
      case .person: ["feedback", "statistics"]
      case .mending: ["diagnostics"]
      }
    }

    fileprivate var embedded: [UInt8] {
      switch self {
      case .system: PackageResources.system_txt
      case .language: PackageResources.language_txt
      case .task: PackageResources.task_txt
      case .reflection: PackageResources.reflection_txt
      case .person: PackageResources.person_txt
      case .mending: PackageResources.mending_txt
      }
    }
  }

  private enum Piece: Sendable {
    case text(Substring)
    case gap(String)
  }
  private var templates: [Part: [Piece]] = [:]

  /// The prompts that the program carries.
  /// - Throws: never with the files it was built from.
  public static func embedded() throws -> Prompts {
    try Prompts { part in (String(decoding: part.embedded, as: UTF8.self), "Prompts/\(part.rawValue).txt") }
  }

  /// The prompts in a folder, which must have all of them.
  /// - Throws: `GuerdonError` that names a file that is missing, or a gap that nothing fills, with its line.
  public init(folder: URL) throws {
    try self.init { part in
      let file: URL = folder.appendingPathComponent("\(part.rawValue).txt")
      guard FileManager.default.fileExists(atPath: file.path) else {
        throw GuerdonError.usage(
          "The folder of prompts \(folder.path) has no \(part.rawValue).txt; copy it from Guerdon's Prompts/.")
      }
      return (try Files.readText(file), file.path)
    }
  }

  /// The prompts in use where none are named: those in `Prompts/` under the current directory or above the executable,
  /// and the program's own for files that are not there.
  /// - Throws: `GuerdonError` for a gap that nothing fills.
  public static func standard() throws -> Prompts {
    let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    let places: [URL] = [here, Dependencies.directory?.deletingLastPathComponent()].compactMap { $0 }
    let folder: URL? = places.map { $0.appendingPathComponent("Prompts") }.first {
      FileManager.default.fileExists(atPath: $0.path)
    }
    guard let folder else { return try embedded() }
    return try Prompts { part in
      let file: URL = folder.appendingPathComponent("\(part.rawValue).txt")
      guard FileManager.default.fileExists(atPath: file.path) else {
        return (String(decoding: part.embedded, as: UTF8.self), file.path)
      }
      return (try Files.readText(file), file.path)
    }
  }

  private init(reading text: (Part) throws -> (text: String, name: String)) throws {
    for part: Part in Part.allCases {
      let (source, name) = try text(part)
      templates[part] = try Self.pieces(of: source, part: part, file: name)
    }
  }

  /// The part's text with its gaps filled. Values are taken as they are: a gap in a value is text.
  func text(_ part: Part, _ values: [String: String] = [:]) -> String {
    (templates[part] ?? []).map { piece in
      switch piece {
      case .text(let text): String(text)
      case .gap(let name): values[name] ?? ""
      }
    }.joined().trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Whatever is not a name between two pairs of braces is text.
  private static func pieces(of source: String, part: Part, file: String) throws -> [Piece] {
    var pieces: [Piece] = []
    var rest: Substring = source[...]
    while let match = rest.firstMatch(of: /\{\{\s*(\w+)\s*\}\}/) {
      let name = String(match.1)
      guard part.gaps.contains(name) else {
        let line: Int = source[..<match.range.lowerBound].count { $0.isNewline } + 1
        let known: String =
          part.gaps.isEmpty
          ? "this file has none" : "this file may have \(part.gaps.map { "{{\($0)}}" }.joined(separator: " and "))"
        throw GuerdonError.usage(
          "\(file), line \(line): nothing fills the gap {{\(name)}}; \(known)."
            + suggestion(for: name, among: part.gaps))
      }
      pieces.append(.text(rest[..<match.range.lowerBound]))
      pieces.append(.gap(name))
      rest = rest[match.range.upperBound...]
    }
    pieces.append(.text(rest))
    return pieces
  }
}
