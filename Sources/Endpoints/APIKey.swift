import Basics
import Foundation

/// An endpoint's key. It goes into the request's header and nowhere else: it prints as `***`, is no `Codable`, and
/// whatever a server says is searched for it before it goes on.
public struct APIKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Keys shorter than this stand for "no key", as `EMPTY` does with vLLM, and are also words of programs.
  static let shortestSecret = 6

  private let text: String

  /// - Throws: `GuerdonError.usage` when it is empty or has characters that no header can carry.
  public init(_ text: String) throws {
    let trimmed: String = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !trimmed.isEmpty, trimmed.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw GuerdonError.usage("The endpoint's key is empty or holds spaces or characters outside ASCII.")
    }
    self.text = trimmed
  }

  /// The key in `GUERDON_API_KEY`, else the one in `OPENAI_API_KEY`; nil where neither is set, or the first is empty.
  /// - Throws: `GuerdonError.usage` naming the variable, and never its value.
  public static func from(
    _ environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> APIKey? {
    for variable: String in ["GUERDON_API_KEY", "OPENAI_API_KEY"] {
      guard let value: String = environment[variable] else { continue }
      if value.isEmpty { return nil }
      do {
        return try APIKey(value)
      } catch {
        throw GuerdonError.usage("\(variable) is blank, or holds spaces or characters outside ASCII; a key has none.")
      }
    }
    return nil
  }

  var header: String { "Bearer \(text)" }

  /// The text with every occurrence of the key replaced.
  func hidden(in text: String) -> String {
    self.text.utf8.count < Self.shortestSecret ? text : text.replacingOccurrences(of: self.text, with: "***")
  }

  public var description: String { "***" }
  public var debugDescription: String { "***" }
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
