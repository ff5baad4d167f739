/// The agent's partial view of a world: a square before it, turned so that it looks up.
final class MiniGridView {
  private let size: Int
  /// Row by row from far to near.
  private let cells: UnsafeMutablePointer<Int>
  private let isVisible: UnsafeMutablePointer<Bool>

  init(size: Int) {
    self.size = size
    cells = .allocate(capacity: size * size)
    cells.initialize(repeating: 0, count: size * size)
    isVisible = .allocate(capacity: size * size)
    isVisible.initialize(repeating: false, count: size * size)
  }

  deinit {
    cells.deallocate()
    isVisible.deallocate()
  }

  /// MiniGrid's `gen_obs`: the image [size, size, 3] (column, row, channel), the direction, the mission.
  func observe(_ world: MiniGridWorld, seesThroughWalls: Bool, into observation: UnsafeMutablePointer<Double>) {
    look(at: world)
    isVisible.update(repeating: seesThroughWalls, count: size * size)
    if !seesThroughWalls { spreadVisibility() }
    // What the agent carries is seen in the agent's place.
    cells[(size - 1) * size + size / 2] = world.carrying.code
    var pixel = observation
    for i in 0..<size {
      for j in 0..<size {
        let k = j * size + i
        let cell = MiniGridCell(code: isVisible[k] ? cells[k] : 0)
        pixel[0] = Double(cell.objectNumber)
        pixel[1] = Double(cell.colorNumber)
        pixel[2] = Double(cell.stateNumber)
        pixel += 3
      }
    }
    pixel[0] = Double(world.direction.rawValue)
    pixel[1] = world.mission
  }

  private func look(at world: MiniGridWorld) {
    let (here, forward) = (world.position, world.direction)
    let (rightX, rightY) = (-forward.y, forward.x)
    for j in 0..<size {
      for i in 0..<size {
        let (ahead, aside) = (size - 1 - j, i - size / 2)
        let x = here.x + forward.x * ahead + rightX * aside
        let y = here.y + forward.y * ahead + rightY * aside
        cells[j * size + i] = world.cell(at: MiniGridPosition(x, y)).code
      }
    }
  }

  /// MiniGrid's `process_vis`: sight spreads from the agent's cell, row by row away from it, to both sides and ahead,
  /// and ends in cells that hide what is behind them.
  private func spreadVisibility() {
    isVisible[(size - 1) * size + size / 2] = true
    for j in stride(from: size - 1, through: 0, by: -1) {
      let row = j * size
      for i in 0..<size - 1 where isVisible[row + i] && MiniGridCell(code: cells[row + i]).isTransparent {
        reveal(row, i, i + 1)
      }
      for i in stride(from: size - 1, through: 1, by: -1)
      where isVisible[row + i] && MiniGridCell(code: cells[row + i]).isTransparent {
        reveal(row, i, i - 1)
      }
    }
  }

  private func reveal(_ row: Int, _ column: Int, _ neighbour: Int) {
    isVisible[row + neighbour] = true
    if row > 0 {
      isVisible[row - size + neighbour] = true
      isVisible[row - size + column] = true
    }
  }
}
