import Foundation

/// A chart of a report.
public struct Chart: Sendable {
  /// One named series.
  public struct Series: Sendable {
    public var name: String
    public var points: [Point]

    public init(_ name: String, _ points: [Point]) {
      self.name = name
      self.points = points
    }
  }

  public struct Point: Sendable {
    public var x: Double
    public var y: Double
    /// The interval around `y`, where there is one.
    public var low: Double?
    public var high: Double?
    /// What the point is called.
    public var label: String

    public init(x: Double, y: Double, low: Double? = nil, high: Double? = nil, label: String = "") {
      self.x = x
      self.y = y
      self.low = low
      self.high = high
      self.label = label
    }
  }

  public enum Kind: String, Sendable {
    /// Lines over x, with a band where points have intervals.
    case lines
    /// Points.
    case scatter
    /// One row a series: its points as dots, and the interval of the first point that has one.
    case intervals
  }

  public var kind: Kind
  public var caption: String
  public var xLabel: String
  public var yLabel: String
  public var series: [Series]
  /// Pixels.
  public var height: Int

  public init(
    _ kind: Kind, caption: String, xLabel: String, yLabel: String, series: [Series], height: Int = 320
  ) {
    self.kind = kind
    self.caption = caption
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.series = series
    self.height = height
  }

  /// JSON that may stand inside a script element.
  var json: String {
    struct Data: Encodable {
      struct Line: Encodable {
        var name: String
        var points: [Spot]
      }
      struct Spot: Encodable {
        var x, y, low, high: Double?
        var label: String
      }
      var kind, xLabel, yLabel: String
      var series: [Line]
    }
    func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }
    let data = Data(
      kind: kind.rawValue, xLabel: xLabel, yLabel: yLabel,
      series: series.map { series in
        Data.Line(
          name: series.name,
          points: series.points.map { point in
            Data.Spot(
              x: finite(point.x), y: finite(point.y), low: finite(point.low), high: finite(point.high),
              label: point.label)
          })
      })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let text = (try? encoder.encode(data)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    return text.replacingOccurrences(of: "<", with: "\\u003c").replacingOccurrences(of: "\u{2028}", with: "\\u2028")
      .replacingOccurrences(of: "\u{2029}", with: "\\u2029")
  }

  /// The same numbers for those who cannot see the chart.
  var tableHTML: String {
    // Rows of intervals lie along the x axis, and their points have no other coordinate.
    let isPlane = kind != .intervals
    var html = "<div class=scroll><table><thead><tr><th>series</th><th>point</th><th>\(escape(xLabel))</th>"
    html += (isPlane ? "<th>\(escape(yLabel))</th>" : "") + "<th>interval</th></tr></thead><tbody>"
    for one in series {
      for point in one.points {
        let interval = zip([point.low].compactMap { $0 }, [point.high].compactMap { $0 })
          .map { String(format: "%.4g to %.4g", $0, $1) }.first ?? ""
        html += "<tr><td>\(escape(one.name))</td><td>\(escape(point.label))</td>"
        html += isPlane ? "<td>\(String(format: "%.6g", point.x))</td>" : ""
        html += "<td>\(String(format: "%.4g", point.y))</td><td>\(interval)</td></tr>"
      }
    }
    return html + "</tbody></table></div>"
  }
}
