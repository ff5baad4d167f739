/// MiniGrid's own levels, by their Gymnasium ids; a seed gives the world that it gives in Python.
extension MiniGridLevel {
  /// All of them.
  public static let all: [MiniGridLevel] =
    [5, 6, 8, 16].map { empty(size: $0, randomStart: false) } + [5, 6].map { empty(size: $0, randomStart: true) }
    + [fourRooms] + [5, 6, 8, 16].map { doorKey(size: $0) }
    + [(9, 1), (9, 2), (9, 3), (11, 5)].flatMap { size, crossings in
      [crossing(of: .lava, size: size, crossings: crossings), crossing(of: .wall, size: size, crossings: crossings)]
    }
    + [5, 6, 7].map { lavaGap(size: $0) } + [unlock, unlockPickup]
    + [(3, 1), (3, 2), (3, 3), (4, 3), (5, 3), (6, 3)].map { keyCorridor(roomSize: $0, rows: $1) }

  /// An empty room with a goal in the lower right.
  static func empty(size: Int, randomStart: Bool) -> MiniGridLevel {
    MiniGridLevel(
      id: "MiniGrid-Empty-\(randomStart ? "Random-" : "")\(size)x\(size)-v0", width: size, height: size,
      maxSteps: 4 * size * size, seesThroughWalls: true, missions: ["get to the green goal square"]
    ) { builder in
      builder.layout.wall(x: 0, y: 0, width: size, height: size)
      builder.layout[size - 2, size - 2] = .goal
      if randomStart {
        builder.placeAgent()
      } else {
        builder.putAgent(at: MiniGridPosition(1, 1), .right)
      }
    }
  }

  /// Four rooms joined by four gaps; agent and goal anywhere (Sutton, Precup and Singh, 1999).
  static let fourRooms = MiniGridLevel(
    id: "MiniGrid-FourRooms-v0", width: 19, height: 19, maxSteps: 100, missions: ["reach the goal"]
  ) { builder in
    builder.layout.wall(x: 0, y: 0, width: 19, height: 19)
    let side = 9
    for top in [0, side] {
      for left in [0, side] {
        let (right, bottom) = (left + side, top + side)
        if left == 0 {
          builder.layout.fill(x: right, y: top, width: 1, height: side, with: .wall)
          builder.layout[right, builder.integer(in: top + 1..<bottom)] = .empty
        }
        if top == 0 {
          builder.layout.fill(x: left, y: bottom, width: side, height: 1, with: .wall)
          builder.layout[builder.integer(in: left + 1..<right), bottom] = .empty
        }
      }
    }
    builder.placeAgent()
    builder.place(.goal)
  }

  /// A wall with a locked door between the agent, with the key, and the goal.
  static func doorKey(size: Int) -> MiniGridLevel {
    MiniGridLevel(
      id: "MiniGrid-DoorKey-\(size)x\(size)-v0", width: size, height: size, maxSteps: 10 * size * size,
      missions: ["use the key to open the door and then get to the goal"]
    ) { builder in
      builder.layout.wall(x: 0, y: 0, width: size, height: size)
      builder.layout[size - 2, size - 2] = .goal
      let split = builder.integer(in: 2..<size - 2)
      builder.layout.fill(x: split, y: 0, width: 1, height: size, with: .wall)
      builder.placeAgent(width: split)
      builder.layout[split, builder.integer(in: 1..<size - 2)] = .door(.yellow, .locked)
      builder.place(.key(.yellow), width: split)
    }
  }

  /// Rivers of lava, or walls, from side to side, each with one gap, so that there is a way to the goal.
  static func crossing(of obstacle: MiniGridObject, size: Int, crossings: Int) -> MiniGridLevel {
    let isLava = obstacle == .lava
    return MiniGridLevel(
      id: "MiniGrid-\(isLava ? "Lava" : "Simple")CrossingS\(size)N\(crossings)-v0", width: size, height: size,
      maxSteps: 4 * size * size,
      missions: [
        isLava ? "avoid the lava and get to the green goal square" : "find the opening and get to the green goal square"
      ]
    ) { builder in
      builder.layout.wall(x: 0, y: 0, width: size, height: size)
      builder.putAgent(at: MiniGridPosition(1, 1), .right)
      builder.layout[size - 2, size - 2] = .goal
      let places = Array(stride(from: 2, to: size - 2, by: 2))
      var rivers = places.map { (isVertical: true, at: $0) } + places.map { (isVertical: false, at: $0) }
      builder.shuffle(&rivers)
      let chosen = rivers.prefix(crossings)
      let columns = chosen.filter { $0.isVertical }.map { $0.at }.sorted()
      let rows = chosen.filter { !$0.isVertical }.map { $0.at }.sorted()
      let cell: MiniGridCell = isLava ? .lava : .wall
      for y in rows { builder.layout.fill(x: 1, y: y, width: size - 2, height: 1, with: cell) }
      for x in columns { builder.layout.fill(x: x, y: 1, width: 1, height: size - 2, with: cell) }

      // A path through the rooms between the rivers: right across a column, or down across a row.
      var path = columns.map { _ in true } + rows.map { _ in false }
      builder.shuffle(&path)
      let limitsX = [0] + columns + [size - 1], limitsY = [0] + rows + [size - 1]
      var (roomX, roomY) = (0, 0)
      for goesRight in path {
        if goesRight {
          let gap = builder.integer(in: limitsY[roomY] + 1..<limitsY[roomY + 1])
          builder.layout[limitsX[roomX + 1], gap] = .empty
          roomX += 1
        } else {
          let gap = builder.integer(in: limitsX[roomX] + 1..<limitsX[roomX + 1])
          builder.layout[gap, limitsY[roomY + 1]] = .empty
          roomY += 1
        }
      }
    }
  }

  /// One wall of lava with one gap between the agent and the goal.
  static func lavaGap(size: Int) -> MiniGridLevel {
    MiniGridLevel(
      id: "MiniGrid-LavaGapS\(size)-v0", width: size, height: size, maxSteps: 4 * size * size,
      missions: ["avoid the lava and get to the green goal square"]
    ) { builder in
      builder.layout.wall(x: 0, y: 0, width: size, height: size)
      builder.putAgent(at: MiniGridPosition(1, 1), .right)
      builder.layout[size - 2, size - 2] = .goal
      let x = builder.integer(in: 2..<size - 2)
      let y = builder.integer(in: 1..<size - 1)
      builder.layout.fill(x: x, y: 1, width: 1, height: size - 2, with: .lava)
      builder.layout[x, y] = .empty
    }
  }
}
