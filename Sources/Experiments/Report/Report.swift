import Basics
import Foundation

/// One self-contained HTML page: no network, no other files. Everything put in is escaped.
///
/// Charts are drawn by Chart.js, whose file set-up puts into `.deps/web/`; where it is missing, or the reader runs no
/// scripts, the page shows the numbers as tables instead.
public struct Report: Sendable {
  public let title: String
  public let subtitle: String
  private var body = ""
  private var charts: [Chart] = []
  /// Pictures of each film, as data URLs.
  private var films: [[String]] = []

  public init(title: String, subtitle: String) {
    self.title = title
    self.subtitle = subtitle
  }

  public mutating func section(_ title: String, _ introduction: String? = nil) {
    body += "<h2>\(escape(title))</h2>\n"
    if let introduction { paragraph(introduction) }
  }

  public mutating func heading(_ title: String) { body += "<h3>\(escape(title))</h3>\n" }

  public mutating func paragraph(_ text: String) { body += "<p>\(escape(text))</p>\n" }

  /// Key figures side by side.
  public mutating func figures(_ figures: [(label: String, value: String, note: String)]) {
    body += "<div class=figures>"
    for figure in figures {
      body += "<div class=figure><div class=label>\(escape(figure.label))</div><div class=value>\(escape(figure.value))</div>"
      body += "<div class=note>\(escape(figure.note))</div></div>"
    }
    body += "</div>\n"
  }

  /// The first column is text, the others are aligned as numbers.
  public mutating func table(_ header: [String], _ rows: [[String]]) {
    body += "<div class=scroll><table><thead><tr>" + header.map { "<th>\(escape($0))</th>" }.joined()
    body += "</tr></thead><tbody>"
    for row in rows { body += "<tr>" + row.map { "<td>\(escape($0))</td>" }.joined() + "</tr>" }
    body += "</tbody></table></div>\n"
  }

  /// A program, with Python's words and comments set apart.
  public mutating func code(_ source: String) { body += "<pre class=code>\(highlighted(source))</pre>\n" }

  /// A program that is unfolded when it is asked for.
  public mutating func program(_ source: String, title: String, anchor: String) {
    body += "<details id=\"\(escape(anchor))\"><summary>\(escape(title))</summary>"
    code(source)
    body += "</details>\n"
  }

  /// What changed from one text to the next, line by line.
  public mutating func diff(from old: String, to new: String, title: String, anchor: String? = nil) {
    let id = anchor.map { " id=\"\(escape($0))\"" } ?? ""
    body += "<details\(id)><summary>\(escape(title))</summary><pre class=code>"
    for line in LineDiff.lines(from: old, to: new) {
      switch line {
      case .same(let text): body += "  \(escape(text))\n"
      case .removed(let text): body += "<span class=removed>- \(escape(text))</span>\n"
      case .added(let text): body += "<span class=added>+ \(escape(text))</span>\n"
      }
    }
    body += "</pre></details>\n"
  }

  /// A finding: `kind` is one of high, medium, low, note, good.
  public mutating func callout(_ kind: String, _ title: String, _ text: String) {
    body += "<div class=\"callout \(escape(kind))\"><span class=tag>\(escape(kind))</span> <b>\(escape(title))</b>"
    body += "<div>\(escape(text))</div></div>\n"
  }

  /// A square of numbers from 0 to `limit`, the greater the darker.
  /// - Parameters:
  ///   - values: [N, N], row-major.
  ///   - notes: shown when a cell is pointed at, and read with it.
  public mutating func heatMap(names: [String], values: [Double], limit: Double, notes: [String]? = nil) {
    let count = names.count
    body += "<div class=scroll><table class=heat><thead><tr><th></th>"
    body += names.map { "<th>\(escape($0))</th>" }.joined() + "</tr></thead><tbody>"
    for i in 0..<count {
      body += "<tr><th>\(escape(names[i]))</th>"
      for j in 0..<count {
        let value = values[i * count + j]
        let share = limit > 0 && value.isFinite ? min(1, max(0, value / limit)) : 0
        let note = notes.map { " title=\"\(escape($0[i * count + j]))\"" } ?? ""
        let shade = String(format: "%.0f", 8 + 70 * share)
        let ink = share > 0.6 ? "#fff" : "inherit"
        body += "<td\(note) style=\"background:color-mix(in srgb, #b3361e \(shade)%, transparent);color:\(ink)\">"
        body += String(format: "%.3f", value) + "</td>"
      }
      body += "</tr>"
    }
    body += "</tbody></table></div>\n"
  }

  /// A picture, also a moving one.
  /// - Parameter png: a PNG or an animated PNG.
  public mutating func picture(_ png: Data, caption: String) {
    body += "<figure><img class=clip alt=\"\(escape(caption))\" src=\"data:image/png;base64,"
    body += png.base64EncodedString() + "\"><figcaption>\(escape(caption))</figcaption></figure>\n"
  }

  /// An episode that can be played, stopped and searched; without scripts its first picture.
  /// - Parameter frames: PNG files of one size.
  public mutating func film(_ frames: [Data], framesPerSecond: Double, caption: String) {
    guard let first = frames.first else { return }
    let index = films.count
    films.append(frames.map { "data:image/png;base64," + $0.base64EncodedString() })
    body += "<figure class=film id=film\(index) data-rate=\"\(String(format: "%.3f", framesPerSecond))\">"
    body += "<img class=clip alt=\"\(escape(caption))\" src=\"data:image/png;base64,\(first.base64EncodedString())\">"
    body += "<div class=controls hidden><button type=button aria-label=\"Play or pause\">❚❚</button>"
    body += "<input type=range min=0 max=\(frames.count - 1) value=0 aria-label=Position><output>0.0 s</output></div>"
    body += "<figcaption>\(escape(caption))</figcaption></figure>\n"
  }

  /// A drawing of our own, whose texts are escaped.
  mutating func insert(svg: String, caption: String) {
    body += "<figure><div class=scroll>\(svg)</div><figcaption>\(escape(caption))</figcaption></figure>\n"
  }

  public mutating func chart(_ chart: Chart) {
    let index = charts.count
    charts.append(chart)
    body += "<figure><div class=\"canvas\" style=\"height:\(chart.height)px\"><canvas id=chart\(index)></canvas></div>"
    body += "<figcaption>\(escape(chart.caption))</figcaption><details class=data open><summary>Data</summary>"
    body += chart.tableHTML + "</details></figure>\n"
  }

  /// The page.
  public var html: String {
    let library = Dependencies.directory.map { $0.appendingPathComponent("web/chart.min.js") }
    let script = library.flatMap { try? Files.readText($0, limit: 4 << 20) } ?? ""
    let data = charts.map(\.json).joined(separator: ",\n")
    let pictures = films.map { "[" + $0.map { "\"\($0)\"" }.joined(separator: ",") + "]" }.joined(separator: ",\n")
    // Only scripts that carry this word run, and nothing is loaded: a second lock behind the escaping.
    let nonce = UUID().uuidString
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-\(nonce)'; img-src data:; media-src data:"
    return """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="\(policy)">
      <title>\(escape(title))</title><style>\(reportStyle)</style></head><body><main>
      <header><div class=brand>Guerdon</div><h1>\(escape(title))</h1><p class=subtitle>\(escape(subtitle))</p></header>
      \(body)</main>
      <script nonce="\(nonce)">\(script.replacingOccurrences(of: "</script", with: "<\\/script"))</script>
      <script nonce="\(nonce)">const charts = [\(data)];
      const films = [\(pictures)];
      \(reportScript)
      \(filmScript)</script></body></html>

      """
  }
}

/// Text as HTML that shows exactly it. Characters that control a terminal are shown by their pictures, and those that
/// turn the direction of text, with which a program could read differently from what it does, by a replacement.
func escape(_ text: String) -> String {
  var escaped = ""
  for character in text.unicodeScalars {
    switch character {
    case "&": escaped += "&amp;"
    case "<": escaped += "&lt;"
    case ">": escaped += "&gt;"
    case "\"": escaped += "&quot;"
    case "'": escaped += "&#39;"
    case "\t", "\n", "\r": escaped.unicodeScalars.append(character)
    case "\0"..."\u{1F}": escaped.unicodeScalars.append(Unicode.Scalar(0x2400 + character.value) ?? "\u{FFFD}")
    case "\u{7F}"..."\u{9F}", "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}": escaped += "\u{FFFD}"
    default: escaped.unicodeScalars.append(character)
    }
  }
  return escaped
}

private let pythonWords: Set<String> = [
  "and", "def", "elif", "else", "for", "from", "if", "import", "in", "is", "lambda", "not", "or", "return", "None",
  "True", "False",
]

/// Python with its keywords, numbers, strings and comments marked.
func highlighted(_ source: String) -> String {
  var html = ""
  var isInDocumentation = false
  for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
    let quotes = line.components(separatedBy: "\"\"\"").count - 1
    if isInDocumentation || quotes > 0 {
      if quotes % 2 == 1 { isInDocumentation.toggle() }
      html += "<span class=text>\(escape(String(line)))</span>\n"
      continue
    }
    let (code, comment) = line.firstIndex(of: "#").map { (line[..<$0], line[$0...]) } ?? (line, "")
    var word = ""
    func flush() {
      if pythonWords.contains(word) {
        html += "<span class=word>\(word)</span>"
      } else if word.first?.isNumber == true {
        html += "<span class=number>\(escape(word))</span>"
      } else {
        html += escape(word)
      }
      word = ""
    }
    for character in code {
      if character.isLetter || character.isNumber || character == "_" || (character == "." && word.first?.isNumber == true) {
        word.append(character)
      } else {
        flush()
        html += escape(String(character))
      }
    }
    flush()
    if !comment.isEmpty { html += "<span class=text>\(escape(String(comment)))</span>" }
    html += "\n"
  }
  return html
}
