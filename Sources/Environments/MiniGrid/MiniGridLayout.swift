import Basics

/// A place in a grid: column `x` from the left, row `y` from the top.
public struct MiniGridPosition: Sendable, Hashable {
  public var x, y: Int
  public init(_ x: Int, _ y: Int) { (self.x, self.y) = (x, y) }

  /// The neighbour in a direction.
  func next(_ direction: MiniGridDirection) -> MiniGridPosition {
    MiniGridPosition(x + direction.x, y + direction.y)
  }

  func distance(to other: MiniGridPosition) -> Int { abs(x - other.x) + abs(y - other.y) }
}

/// Where the agent looks, numbered as in MiniGrid.
public enum MiniGridDirection: Int, Sendable, CaseIterable {
  case right, down, left, up

  var x: Int { self == .right ? 1 : self == .left ? -1 : 0 }
  var y: Int { self == .down ? 1 : self == .up ? -1 : 0 }
}

/// A MiniGrid world at the start of an episode: its cells and the agent.
public struct MiniGridLayout: Sendable, Hashable {
  public let width: Int
  public let height: Int
  /// Row-major [height, width].
  public private(set) var cells: [MiniGridCell]
  public var agent: MiniGridPosition
  public var direction: MiniGridDirection
  /// What the agent carries: nothing (`.empty`), a key, a ball or a box.
  public var carrying = MiniGridCell.empty
  /// Which of its level's missions this is.
  public var mission = 0

  /// The sides that a layout may have.
  static let sides = 3...255

  /// An empty world without walls; the agent is in the upper left, looking right.
  init(width: Int, height: Int) {
    (self.width, self.height) = (width, height)
    cells = Array(repeating: .empty, count: width * height)
    (agent, direction) = (MiniGridPosition(1, 1), .right)
  }

  /// From MiniGrid's array encoding.
  /// - Parameters:
  ///   - encoding: `grid.encode()`: [width, height, 3], column by column; object, color and state of each cell.
  ///   - agent: `agent_pos`. The agent itself is not in the array.
  /// - Throws: `GuerdonError` for unequal columns, a side outside 3...255, a number that means nothing, or an agent in
  ///   a place where nobody can stand.
  public init(encoding: [[[Int]]], agent: MiniGridPosition, direction: MiniGridDirection) throws {
    let height = encoding.first?.count ?? 0
    try Self.check(width: encoding.count, height: height)
    self.init(width: encoding.count, height: height)
    for (x, column) in encoding.enumerated() {
      guard column.count == height else {
        throw GuerdonError.usage("Column \(x) of the grid has \(column.count) cells; the first has \(height).")
      }
      for (y, values) in column.enumerated() {
        guard values.count == 3, let object = MiniGridObject(rawValue: values[0]), object != .agent,
          let color = MiniGridColor(rawValue: values[1]), let state = MiniGridDoorState(rawValue: values[2])
        else {
          throw GuerdonError.usage(
            "Cell (\(x), \(y)) of the grid is \(values); it takes MiniGrid's numbers of an object, a color and a "
              + "state.")
        }
        self[x, y] = object == .unseen ? .empty : MiniGridCell(object, color, state)
      }
    }
    (self.agent, self.direction) = (agent, direction)
    try checkAgent()
  }

  /// From text, two characters a cell, as MiniGrid prints an environment.
  ///
  /// The first character says what it is: `W` wall, `F` floor, `D` closed door, `L` locked door, `O` open door, `K`
  /// key, `A` ball, `B` box, `G` goal, `V` lava; the second its color: `R` red, `G` green, `B` blue, `P` purple, `Y`
  /// yellow, `E` grey (but `WG` is a grey wall, as MiniGrid prints it). Two blanks are an empty cell, `__` is an open
  /// grey door, and `>>`, `VV`, `<<` or `^^` is the agent, in an empty cell. Rows may end early.
  /// - Throws: `GuerdonError` naming the row and column of what cannot be read, or if there is not exactly one agent.
  public init(_ text: String) throws {
    let rows = text.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
    let lines = rows.last?.isEmpty == true ? Array(rows.dropLast()) : rows
    let width = ((lines.map(\.count).max() ?? 0) + 1) / 2
    try Self.check(width: width, height: lines.count)
    self.init(width: width, height: lines.count)
    var agents = 0
    for (y, line) in lines.enumerated() {
      for x in 0..<width {
        let token = String((2 * x..<2 * x + 2).map { $0 < line.count ? line[$0] : " " })
        if let looking = Self.agentTokens[token] {
          (agent, direction) = (MiniGridPosition(x, y), looking)
          agents += 1
        } else if let cell = Self.cell(token) {
          self[x, y] = cell
        } else {
          throw GuerdonError.usage(
            "Row \(y + 1), column \(x + 1) of the grid is \"\(token)\"; write for example WG for a wall, LY for a "
              + "locked yellow door, KY for its key, GG for a goal, two blanks for an empty cell and >> for the agent.")
        }
      }
    }
    guard agents == 1 else {
      throw GuerdonError.usage("A grid has one agent (>>, VV, << or ^^); this one has \(agents).")
    }
  }

  private static let agentTokens: [String: MiniGridDirection] = [">>": .right, "VV": .down, "<<": .left, "^^": .up]

  private static func cell(_ token: String) -> MiniGridCell? {
    switch token {
    case "  ": return .empty
    case "__": return .door(.grey, .open)
    case "WG": return .wall
    default: break
    }
    let colors: [Character: MiniGridColor] = [
      "R": .red, "G": .green, "B": .blue, "P": .purple, "Y": .yellow, "E": .grey,
    ]
    guard let kind = token.first, let letter = token.last, let color = colors[letter] else { return nil }
    switch kind {
    case "W": return MiniGridCell(.wall, color)
    case "F": return .floor(color)
    case "D": return .door(color, .closed)
    case "L": return .door(color, .locked)
    case "O": return .door(color, .open)
    case "K": return .key(color)
    case "A": return .ball(color)
    case "B": return .box(color)
    case "G": return MiniGridCell(.goal, color)
    case "V": return .lava
    default: return nil
    }
  }

  private static func check(width: Int, height: Int) throws {
    guard sides.contains(width), sides.contains(height) else {
      throw GuerdonError.usage("A grid of \(width) × \(height) cells was given; its sides take 3 to 255 cells.")
    }
  }

  private func checkAgent() throws {
    guard contains(agent), self[agent].canBeEntered else {
      throw GuerdonError.usage("The agent cannot stand at (\(agent.x), \(agent.y)).")
    }
  }

  public func contains(_ position: MiniGridPosition) -> Bool {
    (0..<width).contains(position.x) && (0..<height).contains(position.y)
  }

  public subscript(x: Int, y: Int) -> MiniGridCell {
    get { cells[y * width + x] }
    set { cells[y * width + x] = newValue }
  }

  public subscript(position: MiniGridPosition) -> MiniGridCell {
    get { self[position.x, position.y] }
    set { self[position.x, position.y] = newValue }
  }

  /// MiniGrid's `wall_rect`: the four sides of a rectangle.
  public mutating func wall(x: Int, y: Int, width: Int, height: Int) {
    fill(x: x, y: y, width: width, height: 1, with: .wall)
    fill(x: x, y: y + height - 1, width: width, height: 1, with: .wall)
    fill(x: x, y: y, width: 1, height: height, with: .wall)
    fill(x: x + width - 1, y: y, width: 1, height: height, with: .wall)
  }

  public mutating func fill(x: Int, y: Int, width: Int, height: Int, with cell: MiniGridCell) {
    for row in y..<y + height {
      for column in x..<x + width { self[column, row] = cell }
    }
  }

  /// The fewest forward moves from the agent to a goal, over cells that can be entered as they are, lava excepted;
  /// turns are free. Nil if there is no way.
  public var shortestPath: Int? {
    var distance = [Int](repeating: -1, count: cells.count)
    var queue = [agent]
    distance[agent.y * width + agent.x] = 0
    var head = 0
    while head < queue.count {
      let here = queue[head]
      head += 1
      let moves = distance[here.y * width + here.x]
      if self[here].object == .goal { return moves }
      for direction in MiniGridDirection.allCases {
        let next = here.next(direction)
        guard contains(next), distance[next.y * width + next.x] < 0, self[next].canBeEntered, self[next].object != .lava
        else { continue }
        distance[next.y * width + next.x] = moves + 1
        queue.append(next)
      }
    }
    return nil
  }
}
