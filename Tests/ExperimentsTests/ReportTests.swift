import Experiments
import Foundation
import Testing

@Suite struct ReportTests {
  static let hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"

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

  /// No element or script may come out of a text: the only elements with handlers or scripts are the page's own.
  @Test func everythingPutInIsEscaped() {
    let html = page()
    #expect(!html.contains("<img"))
    #expect(!html.contains("<script>alert"))
    #expect(html.components(separatedBy: "<script>").count == 3)
    #expect(html.components(separatedBy: "</script>").count == 3)
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

  @Test func diffsShowWhatChanged() {
    var report = Report(title: "t", subtitle: "s")
    report.diff(from: "a\nb\nc", to: "a\nx\nc", title: "d")
    let html = report.html
    #expect(html.contains("<span class=removed>- b</span>") && html.contains("<span class=added>+ x</span>"))
    #expect(html.contains("\n  c\n"))
  }
}
