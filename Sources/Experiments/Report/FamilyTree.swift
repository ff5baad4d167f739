import Foundation

/// Who descends from whom: one column a generation, one circle a member, the better the deeper its colour.
public struct FamilyTree: Sendable {
  public struct Member: Sendable {
    public var id: Int
    /// Counted from 0.
    public var generation: Int
    /// Ids of earlier members.
    public var parents: [Int]
    /// nil for one that failed.
    public var value: Double?
    /// Shown when it is pointed at.
    public var note: String
    /// On the line that leads to the best.
    public var isMarked: Bool

    public init(id: Int, generation: Int, parents: [Int], value: Double?, note: String, isMarked: Bool) {
      self.id = id
      self.generation = generation
      self.parents = parents
      self.value = value
      self.note = note
      self.isMarked = isMarked
    }
  }

  public var members: [Member]

  public init(_ members: [Member]) { self.members = members }

  private static let column = 150.0, row = 44.0, radius = 15.0, top = 40.0, left = 40.0

  /// - Parameter anchor: from an id to the name of the place on the page that tells of it.
  func svg(anchor: (Int) -> String) -> String {
    let generations = Dictionary(grouping: members, by: \.generation)
    let tallest = generations.values.map(\.count).max() ?? 1
    let last = generations.keys.max() ?? 0
    let width = 2 * Self.left + Self.column * Double(last) + 2 * Self.radius
    let height = Self.top + Self.row * Double(tallest) + 10
    var places: [Int: (x: Double, y: Double)] = [:]
    for (generation, siblings) in generations {
      for (index, member) in siblings.enumerated() {
        // Shorter generations stand in the middle.
        let offset = Double(tallest - siblings.count) / 2
        places[member.id] = (
          Self.left + Self.radius + Self.column * Double(generation), Self.top + Self.row * (Double(index) + offset + 0.5)
        )
      }
    }
    let values = members.compactMap(\.value)
    let low = values.min() ?? 0, high = values.max() ?? 1
    let marked = Set(members.filter(\.isMarked).map(\.id))
    var lines = "", circles = "", titles = ""
    for generation in generations.keys.sorted() {
      titles += "<text x=\"\(text(Self.left + Self.radius + Self.column * Double(generation)))\" y=\"20\" class=column>generation \(generation + 1)</text>"
    }
    for member in members {
      guard let place = places[member.id] else { continue }
      for parent in member.parents {
        guard let from = places[parent] else { continue }
        let bend = (place.x - from.x) / 2
        let kind = member.isMarked && marked.contains(parent) ? "marked" : ""
        lines += "<path class=\"edge \(kind)\" d=\"M\(text(from.x)) \(text(from.y)) C\(text(from.x + bend)) \(text(from.y)) "
        lines += "\(text(place.x - bend)) \(text(place.y)) \(text(place.x)) \(text(place.y))\"/>"
      }
      let share = member.value.map { high > low ? ($0 - low) / (high - low) : 1 }
      let fill = share.map { "color-mix(in srgb, var(--c0) \(Int((15 + 85 * $0).rounded()))%, var(--page))" } ?? "var(--panel)"
      let ink = (share ?? 0) > 0.55 ? "var(--page)" : "var(--ink)"
      circles += "<a href=\"#\(escape(anchor(member.id)))\"><g class=\"member \(member.isMarked ? "marked" : "")\">"
      circles += "<title>\(escape(member.note))</title>"
      circles += "<circle cx=\"\(text(place.x))\" cy=\"\(text(place.y))\" r=\"\(text(Self.radius))\" style=\"fill:\(fill)\""
      circles += (member.value == nil ? " stroke-dasharray=\"3 3\"" : "") + "/>"
      circles += "<text x=\"\(text(place.x))\" y=\"\(text(place.y + 4))\" style=\"fill:\(ink)\">\(member.id)</text>"
      if let value = member.value {
        circles += "<text class=worth x=\"\(text(place.x + Self.radius + 5))\" y=\"\(text(place.y + 4))\">\(worth(value))</text>"
      }
      circles += "</g></a>"
    }
    return "<svg class=tree role=img aria-label=\"Family tree\" width=\"\(text(width + 40))\" height=\"\(text(height))\" viewBox=\"0 0 \(text(width + 40)) \(text(height))\">\(titles)\(lines)\(circles)</svg>"
  }

  private func text(_ value: Double) -> String { String(format: "%.1f", value) }
  private func worth(_ value: Double) -> String { String(format: abs(value) < 100 ? "%.2f" : "%.0f", value) }
}

extension Report {
  /// - Parameter anchor: from a member's id to the name given to its program (`program(_:title:anchor:)`).
  public mutating func familyTree(_ tree: FamilyTree, caption: String, anchor: (Int) -> String) {
    insert(svg: tree.svg(anchor: anchor), caption: caption)
  }
}
