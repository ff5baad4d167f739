/// What stands in a cell, numbered as in MiniGrid's `OBJECT_TO_IDX`.
public enum MiniGridObject: Int, Sendable, CaseIterable {
  case unseen, empty, wall, floor, door, key, ball, box, goal, lava, agent

  public var canBePickedUp: Bool { self == .key || self == .ball || self == .box }
}

/// MiniGrid's colors, numbered as in `COLOR_TO_IDX`.
public enum MiniGridColor: Int, Sendable, CaseIterable {
  case red, green, blue, purple, yellow, grey

  /// In the order of the names, in which MiniGrid draws random colors.
  static let byName: [MiniGridColor] = [.blue, .green, .grey, .purple, .red, .yellow]
}

/// A door's state, numbered as in `STATE_TO_IDX`.
public enum MiniGridDoorState: Int, Sendable, CaseIterable { case open, closed, locked }

/// One cell of a MiniGrid world: an object with its color, a door's state and a box's contents.
public struct MiniGridCell: Sendable, Hashable {
  /// The object, the color shifted by 4 bits, the door's state by 7, the contents by 9.
  let code: Int

  init(code: Int) { self.code = code }

  /// - Parameters:
  ///   - state: of a door; other objects have none.
  ///   - contents: what a box turns into when it is toggled; nothing where nil. What the contents contain is lost.
  public init(
    _ object: MiniGridObject, _ color: MiniGridColor, _ state: MiniGridDoorState = .open,
    contents: MiniGridCell? = nil
  ) {
    let inside = object == .box ? (contents?.code ?? 0) & 0x1ff : 0
    code = object.rawValue | color.rawValue << 4 | (object == .door ? state.rawValue : 0) << 7 | inside << 9
  }

  public static let empty = MiniGridCell(.empty, .red)
  public static let wall = MiniGridCell(.wall, .grey)
  public static let goal = MiniGridCell(.goal, .green)
  public static let lava = MiniGridCell(.lava, .red)
  public static func floor(_ color: MiniGridColor = .blue) -> MiniGridCell { MiniGridCell(.floor, color) }
  public static func key(_ color: MiniGridColor) -> MiniGridCell { MiniGridCell(.key, color) }
  public static func ball(_ color: MiniGridColor) -> MiniGridCell { MiniGridCell(.ball, color) }
  public static func box(_ color: MiniGridColor, contents: MiniGridCell? = nil) -> MiniGridCell {
    MiniGridCell(.box, color, contents: contents)
  }
  public static func door(_ color: MiniGridColor, _ state: MiniGridDoorState) -> MiniGridCell {
    MiniGridCell(.door, color, state)
  }

  /// The numbers of the object, the color and the state: a pixel of MiniGrid's image.
  @inline(__always) var objectNumber: Int { code & 15 }
  @inline(__always) var colorNumber: Int { code >> 4 & 7 }
  @inline(__always) var stateNumber: Int { code >> 7 & 3 }

  public var object: MiniGridObject { MiniGridObject(rawValue: objectNumber) ?? .empty }
  public var color: MiniGridColor { MiniGridColor(rawValue: colorNumber) ?? .red }
  /// Nil for anything but a door.
  public var doorState: MiniGridDoorState? { object == .door ? MiniGridDoorState(rawValue: stateNumber) : nil }
  /// What a box holds, or nil.
  public var contents: MiniGridCell? { code >> 9 == 0 ? nil : MiniGridCell(code: code >> 9) }

  /// MiniGrid's `can_overlap`: the agent may stand here.
  @inline(__always) var canBeEntered: Bool {
    switch object {
    case .empty, .floor, .goal, .lava: true
    case .door: stateNumber == MiniGridDoorState.open.rawValue
    default: false
    }
  }

  /// MiniGrid's `see_behind`.
  @inline(__always) var isTransparent: Bool {
    object != .wall && (object != .door || stateNumber == MiniGridDoorState.open.rawValue)
  }
}
