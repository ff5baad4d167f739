import Foundation
import RewardAudit
import RewardDesign

/// The page's files, built into the program.
enum StudioPage {
  static let html = text(PackageResources.page_html)
  static let style = text(PackageResources.style_css)
  static let player = text(PackageResources.player_js)
  static let script = text(PackageResources.page_js)
  static let sheet = text(PackageResources.sheet_js)

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

/// A clip as the player reads it.
struct ClipFile: Encodable {
  /// PNG files, in base 64.
  var frames: [Data]
  var framesPerSecond: Double
  var stepsPerFrame: Int
  var length: Int
  var traces: [Trace]

  struct Trace: Encodable {
    var name: String
    var unit: String
    /// One value a step; null where it is not finite.
    var values: [Double?]
  }

  init(_ clip: Clip) {
    frames = clip.frames
    framesPerSecond = clip.framesPerSecond
    stepsPerFrame = clip.stepsPerFrame
    length = clip.length
    traces = clip.traces.map { trace in
      Trace(name: trace.name, unit: trace.unit, values: trace.values.map { $0.isFinite ? $0 : nil })
    }
  }
}

/// Clips as one HTML file that needs nothing else, for who is asked in the terminal.
public enum ClipSheet {
  /// - Parameters:
  ///   - title: shown above the clips.
  ///   - goal: what they are judged by.
  ///   - clips: numbered from 1 in this order.
  public static func html(title: String, goal: String, clips: [Clip]) throws -> String {
    let encoder = JSONEncoder()
    // Without a slash escaped a name could end the script that holds it.
    encoder.outputFormatting = [.sortedKeys]
    let data = String(decoding: try encoder.encode(clips.map(ClipFile.init)), as: UTF8.self)
      .replacingOccurrences(of: "<", with: "\\u003c")
    let words: [(Character, String)] = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")]
    func escaped(_ text: String) -> String {
      words.reduce(text) { $0.replacingOccurrences(of: String($1.0), with: $1.1) }
    }
    let heading = escaped(title)
    // Only scripts that carry this word run, and nothing is loaded.
    let nonce = UUID().uuidString
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-\(nonce)'; img-src data:"
    return """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="\(policy)">
      <title>\(heading)</title><style>\(StudioPage.style)</style></head>
      <body><main class="sheet"><h1>\(heading)</h1><p>\(escaped(goal))</p><div id="stage"></div></main>
      <script nonce="\(nonce)">\(StudioPage.player)</script>
      <script nonce="\(nonce)">const clips = \(data);
      \(StudioPage.sheet)</script></body></html>

      """
  }
}
