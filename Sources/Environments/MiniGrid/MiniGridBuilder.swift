import Basics

/// Draws a layout with the random numbers that MiniGrid's `_gen_grid` draws, so that a seed gives the same world.
public struct MiniGridBuilder: Sendable {
  public var layout: MiniGridLayout
  public var random: RandomGenerator
  /// False until the agent has a place: then nothing is put on it.
  var hasAgent = false

  init(width: Int, height: Int, random: RandomGenerator) {
    layout = MiniGridLayout(width: width, height: height)
    self.random = random
  }

  /// MiniGrid's `_rand_int`: uniform in `range`.
  public mutating func integer(in range: Range<Int>) -> Int {
    range.lowerBound + random.integer(below: range.count)
  }

  /// MiniGrid's `_rand_color`.
  public mutating func color() -> MiniGridColor { MiniGridColor.byName[integer(in: 0..<6)] }

  /// numpy's `shuffle` of a list; unlike its `integers`, it draws as many bits as are needed until they are small
  /// enough.
  public mutating func shuffle<Element>(_ list: inout [Element]) {
    for i in stride(from: list.count - 1, through: 1, by: -1) {
      let mask = UInt32.max >> UInt32(i).leadingZeroBitCount
      var chosen: UInt32
      repeat { chosen = random.next32() & mask } while chosen > UInt32(i)
      list.swapAt(i, Int(chosen))
    }
  }

  /// Puts the agent somewhere for good.
  public mutating func putAgent(at position: MiniGridPosition, _ direction: MiniGridDirection) {
    (layout.agent, layout.direction, hasAgent) = (position, direction, true)
  }

  /// MiniGrid's `place_obj`: puts `cell` into a random empty place of a rectangle (the whole world by default).
  /// - Parameter rejecting: places that are not wanted.
  /// - Returns: The place, or nil if none was found in `attempts`.
  @discardableResult
  public mutating func place(
    _ cell: MiniGridCell, x: Int = 0, y: Int = 0, width: Int? = nil, height: Int? = nil, attempts: Int = 1_000_000,
    rejecting isBad: (MiniGridPosition) -> Bool = { _ in false }
  ) -> MiniGridPosition? {
    let columns = x..<min(x + (width ?? layout.width), layout.width)
    let rows = y..<min(y + (height ?? layout.height), layout.height)
    for _ in 0..<attempts {
      let column = integer(in: columns)
      let position = MiniGridPosition(column, integer(in: rows))
      if layout[position] != .empty || (hasAgent && position == layout.agent) || isBad(position) { continue }
      layout[position] = cell
      return position
    }
    return nil
  }

  /// MiniGrid's `place_agent`: a random empty place of a rectangle and a random direction.
  public mutating func placeAgent(x: Int = 0, y: Int = 0, width: Int? = nil, height: Int? = nil) {
    hasAgent = false
    guard let position = place(.empty, x: x, y: y, width: width, height: height) else { return }
    putAgent(at: position, MiniGridDirection(rawValue: integer(in: 0..<4)) ?? .right)
  }
}
