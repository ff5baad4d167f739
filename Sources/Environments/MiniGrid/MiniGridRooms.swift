/// MiniGrid's `RoomGrid`: square rooms side by side, which share their walls and are joined by doors.
struct MiniGridRooms {
  var builder: MiniGridBuilder
  private let roomSize: Int
  private let rows: Int
  private let columns: Int
  private var rooms: [Room] = []

  /// Sides are numbered as directions: right, down, left, up.
  private struct Room {
    var x: Int, y: Int
    /// Where a door in each side would be; nil at the edge of the world.
    var doorPlaces: [MiniGridPosition?] = [nil, nil, nil, nil]
    var isOpen = [false, false, false, false]
    var isLocked = false
  }

  init(_ builder: MiniGridBuilder, roomSize: Int, rows: Int, columns: Int) {
    (self.builder, self.roomSize, self.rows, self.columns) = (builder, roomSize, rows, columns)
    let pitch = roomSize - 1
    for row in 0..<rows {
      for column in 0..<columns {
        rooms.append(Room(x: column * pitch, y: row * pitch))
        self.builder.layout.wall(x: column * pitch, y: row * pitch, width: roomSize, height: roomSize)
      }
    }
    for row in 0..<rows {
      for column in 0..<columns {
        let index = row * columns + column
        let (x, y) = (column * pitch, row * pitch)
        if column < columns - 1 {
          rooms[index].doorPlaces[0] = MiniGridPosition(x + pitch, self.builder.integer(in: y + 1..<y + pitch))
        }
        if row < rows - 1 {
          rooms[index].doorPlaces[1] = MiniGridPosition(self.builder.integer(in: x + 1..<x + pitch), y + pitch)
        }
        if column > 0 { rooms[index].doorPlaces[2] = rooms[index - 1].doorPlaces[0] }
        if row > 0 { rooms[index].doorPlaces[3] = rooms[index - columns].doorPlaces[1] }
      }
    }
    self.builder.putAgent(
      at: MiniGridPosition(columns / 2 * pitch + roomSize / 2, rows / 2 * pitch + roomSize / 2), .right)
  }

  private func index(_ column: Int, _ row: Int) -> Int { row * columns + column }

  /// The room beyond a side.
  private func neighbour(of room: Int, _ side: Int) -> Int { room + [1, columns, -1, -columns][side] }

  /// Puts an object into a room, not next to the agent.
  mutating func add(_ object: MiniGridCell, column: Int, row: Int) {
    let room = rooms[index(column, row)], agent = builder.layout.agent
    builder.place(object, x: room.x, y: room.y, width: roomSize, height: roomSize, attempts: 1000) {
      $0.distance(to: agent) < 2
    }
  }

  /// Puts a door into a side of a room.
  mutating func addDoor(_ color: MiniGridColor, locked: Bool, column: Int, row: Int, side: Int) {
    let room = index(column, row)
    guard let place = rooms[room].doorPlaces[side] else { return }
    rooms[room].isLocked = locked
    builder.layout[place] = .door(color, locked ? .locked : .closed)
    join(room, side)
  }

  /// Takes away the inner part of a room's upper wall.
  mutating func removeUpperWall(column: Int, row: Int) {
    let room = rooms[index(column, row)]
    builder.layout.fill(x: room.x + 1, y: room.y, width: roomSize - 2, height: 1, with: .empty)
    join(index(column, row), 3)
  }

  private mutating func join(_ room: Int, _ side: Int) {
    rooms[room].isOpen[side] = true
    rooms[neighbour(of: room, side)].isOpen[(side + 2) % 4] = true
  }

  /// Puts the agent into a room, looking at a wall or at nothing.
  mutating func placeAgent(column: Int, row: Int) {
    let room = rooms[index(column, row)]
    while true {
      builder.placeAgent(x: room.x, y: room.y, width: roomSize, height: roomSize)
      let front = builder.layout[builder.layout.agent.next(builder.layout.direction)]
      if front == .empty || front.object == .wall { return }
    }
  }

  /// Adds doors of random colors until every room can be reached from the agent's.
  mutating func connectAll() {
    let agent = builder.layout.agent
    let start = index(agent.x / (roomSize - 1), agent.y / (roomSize - 1))
    for _ in 0...5000 where reached(from: start) < rooms.count {
      let column = builder.integer(in: 0..<columns)
      let row = builder.integer(in: 0..<rows)
      let side = builder.integer(in: 0..<4)
      let room = index(column, row)
      guard rooms[room].doorPlaces[side] != nil, !rooms[room].isOpen[side],
        !rooms[room].isLocked, !rooms[neighbour(of: room, side)].isLocked
      else { continue }
      addDoor(builder.color(), locked: false, column: column, row: row, side: side)
    }
  }

  private func reached(from start: Int) -> Int {
    var seen: Set = [start]
    var open = [start]
    while let room = open.popLast() {
      for side in 0..<4 where rooms[room].isOpen[side] {
        let next = neighbour(of: room, side)
        if seen.insert(next).inserted { open.append(next) }
      }
    }
    return seen.count
  }
}

extension MiniGridLevel {
  /// Two rooms with a locked door between them, which is to be opened.
  static let unlock = rooms(
    "MiniGrid-Unlock-v0", size: 6, rows: 1, columns: 2, maxSteps: 288, task: .openDoor, missions: ["open the door"]
  ) { rooms in
    let color = rooms.builder.color()
    rooms.addDoor(color, locked: true, column: 0, row: 0, side: 0)
    rooms.add(.key(color), column: 0, row: 0)
    rooms.placeAgent(column: 0, row: 0)
    return 0
  }

  /// A box behind a locked door, to be picked up.
  static let unlockPickup = rooms(
    "MiniGrid-UnlockPickup-v0", size: 6, rows: 1, columns: 2, maxSteps: 288, task: .pickUp(.box),
    missions: MiniGridColor.allCases.map { "pick up the \($0) box" }
  ) { rooms in
    let wanted = rooms.builder.color()
    rooms.add(.box(wanted), column: 1, row: 0)
    let color = rooms.builder.color()
    rooms.addDoor(color, locked: true, column: 0, row: 0, side: 0)
    rooms.add(.key(color), column: 0, row: 0)
    rooms.placeAgent(column: 0, row: 0)
    return wanted.rawValue
  }

  /// A hallway with rooms on both sides; a ball in a locked one is to be picked up, and the key is in another.
  static func keyCorridor(roomSize: Int, rows count: Int) -> MiniGridLevel {
    rooms(
      "MiniGrid-KeyCorridorS\(roomSize)R\(count)-v0", size: roomSize, rows: count, columns: 3,
      maxSteps: 30 * roomSize * roomSize, task: .pickUp(.ball),
      missions: MiniGridColor.allCases.map { "pick up the \($0) ball" }
    ) { rooms in
      for row in 1..<max(1, count) { rooms.removeUpperWall(column: 1, row: row) }
      let lockedRow = rooms.builder.integer(in: 0..<count)
      let color = rooms.builder.color()
      rooms.addDoor(color, locked: true, column: 2, row: lockedRow, side: 2)
      let wanted = rooms.builder.color()
      rooms.add(.ball(wanted), column: 2, row: lockedRow)
      rooms.add(.key(color), column: 0, row: rooms.builder.integer(in: 0..<count))
      rooms.placeAgent(column: 1, row: count / 2)
      rooms.connectAll()
      return wanted.rawValue
    }
  }

  /// - Parameter furnish: fills the rooms and returns the number of the mission.
  private static func rooms(
    _ id: String, size: Int, rows: Int, columns: Int, maxSteps: Int, task: Task, missions: [String],
    furnish: @escaping @Sendable (inout MiniGridRooms) -> Int
  ) -> MiniGridLevel {
    MiniGridLevel(
      id: id, width: (size - 1) * columns + 1, height: (size - 1) * rows + 1, maxSteps: maxSteps, task: task,
      missions: missions
    ) { builder in
      var rooms = MiniGridRooms(builder, roomSize: size, rows: rows, columns: columns)
      let mission = furnish(&rooms)
      builder = rooms.builder
      builder.layout.mission = mission
    }
  }
}
