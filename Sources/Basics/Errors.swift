/// What a user did wrong, or what the world did to them: one clear sentence saying what and where, and how to mend it.
public struct GuerdonError: Error, CustomStringConvertible, Sendable {
  public enum Kind: Sendable { case usage, failure }

  public var kind: Kind
  public var message: String

  /// A mistake in what was typed: exit code 64.
  public static func usage(_ message: String) -> GuerdonError { GuerdonError(kind: .usage, message: message) }

  /// Anything else that went wrong: exit code 1.
  public static func failure(_ message: String) -> GuerdonError { GuerdonError(kind: .failure, message: message) }

  public var exitCode: Int32 { kind == .usage ? 64 : 1 }
  public var description: String { message }
}

/// The candidate closest to `name` in edit distance, if it is close enough to be what was meant.
public func closest(to name: String, among candidates: some Sequence<String>) -> String? {
  let wanted = Array(name.lowercased())
  let limit = Swift.max(2, wanted.count / 3)
  let best = candidates.map { (candidate: $0, distance: editDistance(wanted, Array($0.lowercased()))) }
    .min { $0.distance < $1.distance }
  guard let best, best.distance <= limit else { return nil }
  return best.candidate
}

/// ` Did you mean "x"?`, or nothing.
public func suggestion(for name: String, among candidates: some Sequence<String>) -> String {
  closest(to: name, among: candidates).map { " Did you mean \"\($0)\"?" } ?? ""
}

private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var row = Array(0...b.count)
  for i in a.indices {
    var diagonal = row[0]
    row[0] = i + 1
    for j in b.indices {
      let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = Swift.min(substituted, row[j] + 1, diagonal + 1)
    }
  }
  return row[b.count]
}
