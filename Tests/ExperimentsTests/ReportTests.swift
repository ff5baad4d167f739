import Experiments
import Foundation
import TestSupport
import Testing

@Suite struct ReportTests {
  /// Ends a script, an attribute, a comment and a title; holds what is no text, and bytes that were not UTF-8.
  static let hostile =
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>' onclick='x' \" onload=\"y\" --><!--<script></title>"
    + "</pre></details>]]>&lt;&amp;\u{0}\u{1B}[31m\u{202E}\u{2028}" + String(decoding: [0xff, 0x3c, 0xc3], as: UTF8.self)
  /// How it must read: control characters as pictures, changes of direction as replacements.
  static let shown = hostile.replacing("\u{0}", with: "␀").replacing("\u{1B}", with: "␛").replacing("\u{202E}", with: "\u{FFFD}")

  private func page() -> String {
    var report = Report(title: Self.hostile, subtitle: Self.hostile)
    report.section(Self.hostile, Self.hostile)
    report.figures([(label: Self.hostile, value: Self.hostile, note: Self.hostile)])
    report.table([Self.hostile], [[Self.hostile]])
    report.code(Self.hostile + "\n# " + Self.hostile + "\n\"\"\"" + Self.hostile + "\"\"\"")
    report.diff(from: Self.hostile, to: "x", title: Self.hostile)
    report.callout(Self.hostile, Self.hostile, Self.hostile)
    report.chart(
      Chart(
        .lines, caption: Self.hostile, xLabel: Self.hostile, yLabel: Self.hostile,
        series: [.init(Self.hostile, [.init(x: 0, y: .nan, low: -.infinity, high: 1, label: Self.hostile)])]))
    return report.html
  }

  struct Parsed: Decodable {
    struct Element: Decodable { var tag: String, attributes: [String: String?] }
    var elements: [Element]
    /// The text of each element that holds some, scripts and styles left out.
    var texts: [String]
    var scripts: [String]
  }

  /// The page as an HTML parser sees it.
  private func parse(_ html: String) throws -> Parsed {
    try Python.run(
      """
      import json, sys
      from html.parser import HTMLParser
      class Reader(HTMLParser):
          def __init__(self):
              super().__init__()
              self.elements, self.texts, self.scripts, self.inside, self.pending = [], [], [], None, ""
          def flush(self):
              if self.pending.strip(): self.texts.append(self.pending)
              self.pending = ""
          def handle_starttag(self, tag, attributes):
              self.flush()
              self.elements.append(dict(tag=tag, attributes=dict(attributes)))
              self.inside = tag
              if tag == "script": self.scripts.append("")
          def handle_endtag(self, tag): self.flush(); self.inside = None
          def handle_data(self, data):
              if self.inside == "script": self.scripts[-1] += data
              elif self.inside != "style": self.pending += data
          def handle_comment(self, data): self.elements.append(dict(tag="comment", attributes={}))
      reader = Reader()
      reader.feed(json.load(sys.stdin)[0])
      reader.close()
      print(json.dumps(dict(elements=reader.elements, texts=reader.texts, scripts=reader.scripts)))
      """, input: [html])
  }

  /// No element, attribute or script may come out of a text, and the text must be read as it was.
  @Test func everythingPutInIsEscaped() throws {
    let parsed = try parse(page())
    #expect(Set(parsed.elements.map(\.tag)).isSubset(of: [
      "html", "head", "meta", "title", "style", "body", "main", "header", "div", "h1", "h2", "p", "table", "thead", "tbody",
      "tr", "th", "td", "pre", "span", "details", "summary", "b", "figure", "canvas", "figcaption", "script",
    ]))
    let attributes = Set(parsed.elements.flatMap(\.attributes.keys))
    #expect(attributes.isSubset(of: ["lang", "charset", "name", "content", "http-equiv", "class", "style", "id", "open", "nonce"]))
    #expect(parsed.scripts.count == 2)
    // Title, heading, subtitle; section and introduction; three of a figure; header and cell; two of a diff; three of a
    // callout; the caption; the axes, the series and the point in the chart's table.
    #expect(parsed.texts.count { $0 == Self.shown } == 19, "\(parsed.texts)")
    #expect(parsed.texts.joined().components(separatedBy: "alert(2)").count - 1 == 19 + 4)
  }

  /// The page forbids every script without its word, and everything from elsewhere.
  @Test func scriptsWithoutThePagesWordAreForbidden() throws {
    let elements = try parse(page()).elements
    let nonces = elements.filter { $0.tag == "script" }.map { $0.attributes["nonce"] ?? nil }
    let policy = elements.first { $0.attributes["http-equiv"] != nil }?.attributes["content"] ?? nil
    let nonce = try #require(nonces[0])
    #expect(nonces == [nonce, nonce] && policy?.contains("default-src 'none'") == true)
    #expect(policy?.contains("script-src 'nonce-\(nonce)';") == true)
    #expect(page() != page(), "each page has a word of its own")
  }

  /// Without scripts the numbers are there as open tables, and no empty space stands for the charts.
  @Test func withoutScriptsThereAreTables() throws {
    let html = page()
    let data = try parse(html).elements.filter { $0.attributes["class"] == "data" }
    #expect(data.count == 1 && data[0].attributes.keys.contains("open"))
    #expect(html.contains(".canvas { position: relative; display: none; }"))
  }

  @Test func theFamilyTreeShowsEveryoneOnce() throws {
    var report = Report(title: "t", subtitle: "s")
    let members = [
      FamilyTree.Member(id: 0, generation: 0, parents: [], value: 0.1, note: "<script>alert(1)</script>", isMarked: true),
      FamilyTree.Member(id: 1, generation: 0, parents: [], value: nil, note: "failed", isMarked: false),
      FamilyTree.Member(id: 2, generation: 1, parents: [0, 7], value: 0.9, note: "best", isMarked: true),
    ]
    report.familyTree(FamilyTree(members), caption: "family") { "candidate-\($0)" }
    for id in 0..<3 { report.program("x = \(id)", title: "\(id)", anchor: "candidate-\(id)") }
    let html = report.html
    #expect(html.components(separatedBy: "<circle ").count == 4 && html.components(separatedBy: "stroke-dasharray").count == 2)
    // One line, for the parent that is there.
    #expect(html.components(separatedBy: "class=\"edge marked\"").count == 2)
    #expect(!html.contains("<script>alert") && html.contains("&lt;script&gt;alert(1)"))
    for id in 0..<3 {
      #expect(html.contains("href=\"#candidate-\(id)\"") && html.contains("<details id=\"candidate-\(id)\">"))
    }
  }

  @Test func aFilmCarriesItsPictures() throws {
    var report = Report(title: "t", subtitle: "s")
    report.film([], framesPerSecond: 25, caption: "nothing")
    report.film([Data([1, 2]), Data([3])], framesPerSecond: 12.5, caption: "two \"frames\"")
    let html = report.html
    #expect(html.components(separatedBy: "<figure class=film").count == 2)
    #expect(html.contains("const films = [[\"data:image/png;base64,AQI=\",\"data:image/png;base64,Aw==\"]];"))
    #expect(html.contains("data-rate=\"12.500\"") && html.contains("two &quot;frames&quot;"))
  }

  @Test func thePageNeedsNothingElse() {
    let html = page()
    for reference in ["src=\"http", "href=\"http", "@import", "url(http"] { #expect(!html.contains(reference)) }
  }

  @Test func chartDataIsStrictJSON() throws {
    let html = page()
    let start = try #require(html.range(of: "const charts = ")).upperBound
    let end = try #require(html[start...].range(of: "];\n")).lowerBound
    let json = Data((html[start..<end] + "]").utf8)
    let charts = try #require(JSONSerialization.jsonObject(with: json) as? [[String: Any]])
    let series = try #require((charts[0]["series"] as? [[String: Any]])?.first)
    #expect(series["name"] as? String == Self.hostile)
    let point = try #require((series["points"] as? [[String: Any]])?.first)
    #expect(point["y"] == nil && point["low"] == nil && point["high"] as? Double == 1)
  }

  /// A row of intervals is drawn along the x axis: its table must not call the value by another name.
  @Test func tablesNameTheirColumns() throws {
    func texts(_ kind: Chart.Kind) throws -> [String] {
      var report = Report(title: "t", subtitle: "s")
      report.chart(
        Chart(kind, caption: "c", xLabel: "across", yLabel: "up",
          series: [.init("one", [.init(x: 1, y: 2, low: 1.5, high: 2.5, label: "p")])]))
      return try parse(report.html).texts
    }
    let plane = ["series", "point", "across", "up", "interval", "one", "p", "1", "2", "1.5 to 2.5"]
    let row = ["series", "point", "across", "interval", "one", "p", "2", "1.5 to 2.5"]
    #expect(try texts(.lines).suffix(plane.count) == plane[...])
    #expect(try texts(.intervals).suffix(row.count) == row[...])
  }

  @Test func diffsShowWhatChanged() {
    var report = Report(title: "t", subtitle: "s")
    report.diff(from: "a\nb\nc", to: "a\nx\nc", title: "d")
    let html = report.html
    #expect(html.contains("<span class=removed>- b</span>") && html.contains("<span class=added>+ x</span>"))
    #expect(html.contains("\n  c\n"))
  }
}
