import Foundation

extension Report {
  /// A tree of what lies close together: leaves on the left, clusters joined at their mean distance.
  /// - Parameters:
  ///   - limit: the greatest distance there can be.
  public mutating func dendrogram(names: [String], _ clustering: AverageLinkage, limit: Double, caption: String) {
    precondition(names.count == clustering.count, "a leaf has a name")
    insert(svg: dendrogramSVG(names, clustering, limit, label: caption), caption: caption)
  }
}

private func dendrogramSVG(_ names: [String], _ clustering: AverageLinkage, _ limit: Double, label: String) -> String {
  let count = clustering.count, row = 28.0, left = 230.0, width = 560.0, top = 10.0
  let bottom = top + row * Double(count)
  func x(_ distance: Double) -> Double { left + width * min(1, max(0, limit > 0 ? distance / limit : 0)) }
  func number(_ value: Double) -> String { String(format: "%.1f", value) }
  func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) -> String {
    "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" \(style)/>"
  }
  func text(_ x: Double, _ y: Double, _ anchor: String, _ style: String, _ words: String) -> String {
    "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\" \(style)>\(escape(words))</text>"
  }
  var svg =
    "<svg viewBox=\"0 0 \(number(left + width + 30)) \(number(bottom + 34))\" role=\"img\" aria-label=\"\(escape(label))\" "
    + "style=\"width:100%;max-width:820px\" font-size=\"14\" fill=\"var(--ink)\">"
  // The axis.
  for tick in 0...4 {
    let value = limit * Double(tick) / 4
    svg += line(x(value), top, x(value), bottom, "stroke=\"var(--line)\"")
    svg += text(x(value), bottom + 20, "middle", "fill=\"var(--soft)\" font-size=\"12\"", String(format: "%g", value))
  }
  // Where every cluster's stem begins.
  var stems: [(x: Double, y: Double)] = [(x: Double, y: Double)](repeating: (x(0), 0), count: count)
  for (place, leaf) in clustering.order.enumerated() {
    stems[leaf].y = top + row * (Double(place) + 0.5)
    let name = names[leaf].count > 30 ? "…" + names[leaf].suffix(29) : names[leaf]
    svg += "<g><title>\(escape(names[leaf]))</title>" + text(left - 10, stems[leaf].y + 5, "end", "", name) + "</g>"
  }
  let ink = "stroke=\"var(--c0)\" stroke-width=\"2\" stroke-linecap=\"round\""
  for merge in clustering.merges {
    let (first, second) = (stems[merge.first], stems[merge.second]), joint = x(merge.distance)
    svg += line(first.x, first.y, joint, first.y, ink) + line(second.x, second.y, joint, second.y, ink)
    svg += line(joint, first.y, joint, second.y, ink)
    let y = (first.y + second.y) / 2
    // Above the stem that goes on from here.
    svg += text(joint + 6, y - 5, "start", "fill=\"var(--soft)\" font-size=\"12\"", String(format: "%.3f", merge.distance))
    stems.append((joint, y))
  }
  return svg + "</svg>"
}
