import Basics

/// The rules of MiniGrid 3.2 (Chevalier-Boisvert and others, "Minigrid & Miniworld", 2023).
///
/// A state is x, y, direction, what is carried, steps, mission, then the cells' codes, row-major.
struct MiniGridDynamics: Dynamics {
  static let grain = 32
  let level: MiniGridLevel
  let stateWidth: Int
  private static let header = 6

  init(_ level: MiniGridLevel) {
    self.level = level
    stateWidth = Self.header + level.width * level.height
  }

  func makeWorkspace() -> MiniGridView { MiniGridView(size: level.viewSize) }

  func reset(
    _ state: UnsafeMutablePointer<Double>, random: inout RandomGenerator, observation: UnsafeMutablePointer<Double>,
    in view: MiniGridView
  ) {
    begin(level.layout(&random), state: state, observation: observation, in: view)
  }

  func begin(
    _ layout: MiniGridLayout, state: UnsafeMutablePointer<Double>, observation: UnsafeMutablePointer<Double>,
    in view: MiniGridView
  ) {
    state[0] = Double(layout.agent.x)
    state[1] = Double(layout.agent.y)
    state[2] = Double(layout.direction.rawValue)
    state[3] = Double(layout.carrying.code)
    state[4] = 0
    state[5] = Double(layout.mission)
    for (k, cell) in layout.cells.enumerated() { state[Self.header + k] = Double(cell.code) }
    view.observe(world(state), seesThroughWalls: level.seesThroughWalls, into: observation)
  }

  private func world(_ state: UnsafeMutablePointer<Double>) -> MiniGridWorld {
    MiniGridWorld(state: state, cells: state + Self.header, width: level.width, height: level.height)
  }

  func step(
    _ state: UnsafeMutablePointer<Double>, action: UnsafePointer<Double>, observation: UnsafeMutablePointer<Double>,
    record: inout RecordWriter?, in view: MiniGridView
  ) -> Outcome {
    precondition(isChoice(action[0], of: 7), "\(level.id) takes the actions 0 to 6")
    let world = world(state)
    state[4] += 1
    var events = MiniGridEvents()
    let ahead = world.position.next(world.direction)
    let front = world.cell(at: ahead)
    switch Int(action[0]) {
    case 0: state[2] = Double((world.direction.rawValue + 3) % 4)
    case 1: state[2] = Double((world.direction.rawValue + 1) % 4)
    case 2:
      guard front.canBeEntered else { break }
      (state[0], state[1]) = (Double(ahead.x), Double(ahead.y))
      events.moved = true
      events.success = front.object == .goal
      events.inLava = front.object == .lava
    case 3:
      guard front.object.canBePickedUp, world.carrying == .empty else { break }
      state[3] = Double(front.code)
      world.set(.empty, at: ahead)
      events.pickedUp = true
      events.success = level.task == .pickUp(front.object)
    case 4:
      guard front == .empty, world.carrying != .empty, world.contains(ahead) else { break }
      world.set(world.carrying, at: ahead)
      state[3] = Double(MiniGridCell.empty.code)
      events.dropped = true
    case 5:
      guard let toggled = toggle(front, carrying: world.carrying) else { break }
      world.set(toggled, at: ahead)
      events.openedDoor = toggled.doorState == .open
      events.success = events.openedDoor && level.task == .openDoor
    default: break
    }
    view.observe(world, seesThroughWalls: level.seesThroughWalls, into: observation)
    if record != nil { events.append(to: &record, in: world) }
    let reward = events.success ? 1 - 0.9 * (state[4] / Double(level.maxSteps)) : 0
    return Outcome(reward: reward, terminated: events.success || events.inLava)
  }

  /// What a cell becomes when it is toggled; nil if it stays what it is.
  private func toggle(_ cell: MiniGridCell, carrying: MiniGridCell) -> MiniGridCell? {
    if cell.object == .box { return cell.contents ?? .empty }
    switch cell.doorState {
    case .locked:
      return carrying.object == .key && carrying.color == cell.color ? .door(cell.color, .open) : nil
    case .closed: return .door(cell.color, .open)
    case .open: return .door(cell.color, .closed)
    case nil: return nil
    }
  }
}

/// A state read as a world. Numbers outside their ranges, as in a damaged file, are read as 0.
struct MiniGridWorld {
  let state: UnsafeMutablePointer<Double>
  let cells: UnsafeMutablePointer<Double>
  let width: Int
  let height: Int

  @inline(__always)
  private func number(_ value: Double, below limit: Int) -> Int { value >= 0 && value < Double(limit) ? Int(value) : 0 }

  @inline(__always) var position: MiniGridPosition {
    MiniGridPosition(number(state[0], below: width), number(state[1], below: height))
  }
  @inline(__always) var direction: MiniGridDirection {
    MiniGridDirection(rawValue: number(state[2], below: 4)) ?? .right
  }
  @inline(__always) var carrying: MiniGridCell { MiniGridCell(code: number(state[3], below: 1 << 18)) }
  var mission: Double { state[5] }

  @inline(__always)
  func contains(_ position: MiniGridPosition) -> Bool {
    position.x >= 0 && position.x < width && position.y >= 0 && position.y < height
  }

  /// Outside the world there are walls.
  @inline(__always)
  func cell(at position: MiniGridPosition) -> MiniGridCell {
    guard contains(position) else { return .wall }
    return MiniGridCell(code: number(cells[position.y * width + position.x], below: 1 << 18))
  }

  func set(_ cell: MiniGridCell, at position: MiniGridPosition) {
    if contains(position) { cells[position.y * width + position.x] = Double(cell.code) }
  }

  /// The goal with the fewest columns plus rows to the agent.
  var nearestGoal: (position: MiniGridPosition, distance: Int)? {
    var best: (position: MiniGridPosition, distance: Int)?
    for y in 0..<height {
      for x in 0..<width {
        let here = MiniGridPosition(x, y)
        guard cell(at: here).object == .goal else { continue }
        let distance = position.distance(to: here)
        if distance < best?.distance ?? .max { best = (here, distance) }
      }
    }
    return best
  }
}

/// What happened in a step.
private struct MiniGridEvents {
  var moved = false, pickedUp = false, dropped = false, openedDoor = false, success = false, inLava = false

  /// Appends the schema's quantities, in its order.
  func append(to record: inout RecordWriter?, in world: MiniGridWorld) {
    let (position, direction, carrying) = (world.position, world.direction, world.carrying)
    let front = world.cell(at: position.next(direction))
    record?.append(Double(position.x))
    record?.append(Double(position.y))
    record?.append(Double(direction.rawValue))
    record?.append(moved)
    record?.append(Double(front.objectNumber))
    record?.append(Double(front.colorNumber))
    record?.append(Double(front.stateNumber))
    record?.append(Double(carrying.objectNumber))
    record?.append(Double(carrying.colorNumber))
    record?.append(pickedUp)
    record?.append(dropped)
    record?.append(openedDoor)
    let goal = world.nearestGoal
    record?.append(Double(goal?.position.x ?? -1))
    record?.append(Double(goal?.position.y ?? -1))
    record?.append(Double(goal?.distance ?? world.width + world.height))
    record?.append(success)
    record?.append(inLava)
  }
}
