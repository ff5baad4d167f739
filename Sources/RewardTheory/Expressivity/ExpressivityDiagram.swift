import Basics
import FiniteMDPs
import Foundation

/// The Hasse diagram of "can express at least as much as", made from the translators and the witnesses.
public struct ExpressivityDiagram: Sendable, Hashable, Codable {
  /// Formalisms that express the same.
  public struct Node: Sendable, Hashable, Codable {
    public var formalisms: [Formalism]
    /// 0 for the topmost; every edge leads to a larger one.
    public var level: Int
  }

  /// `upper` contains `lower`, and nothing stands between them.
  public struct Edge: Sendable, Hashable, Codable {
    public var upper: Int
    public var lower: Int
    /// The translators that show it.
    public var reasons: [String]
    /// The witness that `lower` does not contain `upper`; nil where none is machine-checked.
    public var strictness: String?
  }

  /// `formalism` does not contain `other`.
  public struct Gap: Sendable, Hashable, Codable {
    public var formalism: Formalism
    public var other: Formalism
    /// nil: asserted by the paper or open here, not machine-checked.
    public var witness: String?
  }

  public let nodes: [Node]
  public let edges: [Edge]
  /// Every ordered pair without a translation, with what separates it.
  public let gaps: [Gap]

  /// - Parameter witnesses: what separates formalisms; W1 to W9 by default.
  public init(witnesses: [Witness]? = nil) throws {
    let witnesses = try witnesses ?? Witness.all()
    let all = Formalism.allCases
    let number = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1, $0) })
    let graph = DirectedGraph(count: all.count) { k in
      Translator.all.filter { $0.from == all[k] }.compactMap { number[$0.to] }
    }
    /// above[x]: what contains x.
    let above = all.indices.map { graph.reachable(from: [$0]) }
    let components = graph.stronglyConnectedComponents.map { $0.map { all[$0] } }
    func contains(_ x: Formalism, _ y: Formalism) -> Bool { above[number[y] ?? 0][number[x] ?? 0] }

    // Transitive reduction of the classes' order.
    func isAbove(_ i: Int, _ j: Int) -> Bool { i != j && contains(components[i][0], components[j][0]) }
    func covers(_ i: Int, _ j: Int) -> Bool {
      isAbove(i, j) && !components.indices.contains { isAbove(i, $0) && isAbove($0, j) }
    }
    var levels = [Int](repeating: 0, count: components.count)
    for _ in components.indices {
      for i in components.indices {
        for j in components.indices where covers(i, j) { levels[j] = max(levels[j], levels[i] + 1) }
      }
    }
    let order = components.indices.sorted {
      (levels[$0], number[components[$0][0]] ?? 0) < (levels[$1], number[components[$1][0]] ?? 0)
    }

    /// A witness that x lacks something that y has.
    func separation(_ x: Formalism, lacks y: Formalism) -> String? {
      witnesses.first { witness in
        let isExpressed = witness.expressedBy.contains { contains(y, $0.formalism) }
        let isBeyond = witness.beyond.contains { entry in
          if case .proofOnly = entry.proof { return false }
          return contains(entry.formalism, x)
        }
        return isExpressed && isBeyond
      }?.id
    }
    nodes = order.map { Node(formalisms: components[$0], level: levels[$0]) }
    var edges: [Edge] = []
    for (i, upper) in order.enumerated() {
      for (j, lower) in order.enumerated() where covers(upper, lower) {
        let translators = Translator.all.filter {
          components[lower].contains($0.from) && components[upper].contains($0.to)
        }
        edges.append(
          Edge(
            upper: i, lower: j,
            reasons: translators.map { "\($0.from.rawValue) to \($0.to.rawValue): \($0.reason)" },
            strictness: separation(components[lower][0], lacks: components[upper][0])))
      }
    }
    self.edges = edges
    gaps = all.flatMap { x in
      all.compactMap { y in contains(x, y) ? nil : Gap(formalism: x, other: y, witness: separation(x, lacks: y)) }
    }
  }

  /// The node of a formalism.
  public func node(of formalism: Formalism) -> Int { nodes.firstIndex { $0.formalisms.contains(formalism) } ?? 0 }
}

extension ExpressivityDiagram {
  /// The diagram as a picture. Edges whose strictness no witness here shows are dashed; hovering over a node or an edge
  /// says what it stands for.
  public func svg(width: Double = 900) -> String {
    let rows = (nodes.map(\.level).max() ?? 0) + 1
    let (rowHeight, boxHeight, top) = (104.0, 46.0, 64.0)
    let height = top + Double(rows) * rowHeight
    var centres = [(x: Double, y: Double)](repeating: (0, 0), count: nodes.count)
    for level in 0..<rows {
      let members = nodes.indices.filter { nodes[$0].level == level }
      for (k, node) in members.enumerated() {
        let x: Double = width * (Double(k) + 0.5) / Double(members.count)
        let y: Double = top + (Double(level) + 0.5) * rowHeight - 18
        centres[node] = (x, y)
      }
    }
    var lines: [String] = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" \
      font-family="system-ui, sans-serif" role="img">
      <title>What objective-specification formalisms can express</title>
      <rect width="100%" height="100%" fill="#ffffff"/>
      <text x="24" y="30" font-size="17" font-weight="600" fill="#1a2233">Who can express at least as much as whom</text>
      <text x="24" y="50" font-size="12" fill="#5a6478">Above contains below. Solid: a witness shows that it is \
      strictly more; dashed: strictness not machine-checked.</text>
      """
    ]
    func number(_ value: Double) -> String { String(format: "%.1f", value) }
    for edge in edges {
      let (from, to) = (centres[edge.upper], centres[edge.lower])
      let strictness: String = edge.strictness.map { "Strict by \($0)." } ?? "Strictness is not machine-checked."
      let title = Self.escaped(edge.reasons.joined(separator: "; ") + ". " + strictness)
      let begin: Double = from.y + boxHeight / 2, end: Double = to.y - boxHeight / 2
      let middle: Double = (begin + end) / 2
      let (x, y) = (number(from.x), number(to.x))
      let dash = edge.strictness == nil ? " stroke-dasharray=\"5 4\"" : ""
      lines.append(
        """
        <path d="M \(x) \(number(begin)) C \(x) \(number(middle)) \(y) \(number(middle)) \(y) \(number(end))" \
        fill="none" stroke="#8a94a8" stroke-width="1.6"\(dash)><title>\(title)</title></path>
        """)
      if let witness = edge.strictness {
        // On the curve, three quarters of the way down.
        let across: Double = from.x * 0.15625 + to.x * 0.84375
        let down: Double = begin * 0.296875 + end * 0.703125
        lines.append(
          """
          <text x="\(number(across))" y="\(number(down))" font-size="10" fill="#5a6478" text-anchor="middle" \
          paint-order="stroke" stroke="#ffffff" stroke-width="3">\(witness)</text>
          """)
      }
    }
    for (k, node) in nodes.enumerated() {
      let label = node.formalisms.map(\.rawValue).joined(separator: " = ")
      let boxWidth: Double = max(76, Double(label.count) * 10.5 + 36)
      let meanings: [String] = node.formalisms.map { "\($0.rawValue): \($0.title), \($0.definition)" }
      let title = Self.escaped(meanings.joined(separator: "\n"))
      let (x, y) = (number(centres[k].x), number(centres[k].y + 5))
      let left = number(centres[k].x - boxWidth / 2), upper = number(centres[k].y - boxHeight / 2)
      lines.append(
        """
        <g><title>\(title)</title><rect x="\(left)" y="\(upper)" width="\(number(boxWidth))" \
        height="\(number(boxHeight))" rx="9" fill="#eef3fb" stroke="#3c5a96" stroke-width="1.4"/>\
        <text x="\(x)" y="\(y)" font-size="15" font-weight="600" fill="#1a2233" text-anchor="middle">\
        \(Self.escaped(label))</text></g>
        """)
    }
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
