import Basics
import Environments
import Schemas

/// MiniGrid's LavaCrossing of 9×9 cells: layouts by the level itself, its three useful actions, and, as a variant, a
/// camera that looks up and down and sees lava only when level.
///
/// The policy sees its direction, the goal's bearing (compass and GPS), its last action and a digest of MiniGrid's 7×7
/// view; the reward program sees privileged quantities in `fields`, which never reach the policy.
struct LavaWorld: Sendable {
  static let side = 9
  static let inner = side - 2
  static let maxSteps = 4 * side * side
  static let goal = (x: side - 2, y: side - 2)

  let level: MiniGridLevel
  let hasPitch: Bool
  var actions: Int { hasPitch ? 5 : 3 }
  var observations: Int { 3 * 6 * 16 * 216 }

  /// - Throws: `GuerdonError` for another number of rivers than 1 to 3.
  init(crossings: Int, hasPitch: Bool = false) throws {
    let id = "MiniGrid-LavaCrossingS\(Self.side)N\(crossings)-v0"
    guard let level = MiniGridLevel.all.first(where: { $0.id == id }) else {
      throw GuerdonError.usage("There is no lava world with \(crossings) crossings of 9×9 cells; take 1, 2 or 3.")
    }
    (self.level, self.hasPitch) = (level, hasPitch)
  }

  /// What a reward program reads, after the step unless it says otherwise.
  static let fields: [Field] = [
    Field("success", low: 0, high: 1, meaning: "1 on the step that reaches the goal"),
    Field("in_lava", low: 0, high: 1, meaning: "1 on the step into lava, which ends the episode"),
    Field("moved", low: 0, high: 1, meaning: "1 if the step led to another cell"),
    Field("forward", low: 0, high: 1, meaning: "1 if the action was to move forward"),
    Field("goal_distance", low: 0, high: 12, meaning: "columns plus rows to the goal"),
    Field("previous_goal_distance", low: 0, high: 12, meaning: "the same before the step"),
    Field("front_lava_before", low: 0, high: 1, meaning: "lidar: 1 if lava was in the cell ahead before the step"),
    Field("lava_adjacent", low: 0, high: 4, meaning: "lidar: cells of lava among the four neighbours"),
    Field("visible_lava", low: 0, high: 49, meaning: "cells of lava in the agent's view; 0 while it looks up or down"),
    Field("cell", low: 0, high: 48, meaning: "number of the agent's cell, row by row"),
    Field("pitch", low: -1, high: 1, meaning: "the camera: -1 down, 0 level, 1 up"),
  ]

  /// Lava, row-major [9, 9].
  typealias Map = [Bool]

  /// Draws a layout, either from those kept for evaluation (a fifth of all) or from the others.
  func map(heldOut: Bool, _ random: inout RandomGenerator) -> Map {
    while true {
      let layout = level.layout(&random)
      let map: Map = layout.cells.map { $0.object == .lava }
      // FNV-1a over the cells.
      let hash = map.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ ($1 ? 1 : 0)) &* 0x100_0000_01b3 }
      if ((hash >> 20) % 5 == 0) == heldOut { return map }
    }
  }

  /// One episode under way.
  struct Agent: Sendable {
    var map: Map
    var x = 1, y = 1
    /// 0 right, 1 down, 2 left, 3 up.
    var direction = 0
    var pitch = 0
    var steps = 0
    /// -1 before the first step.
    var lastAction = -1

    init(in map: Map) { self.map = map }

    var cell: Int { (y - 1) * LavaWorld.inner + x - 1 }
    var distance: Int { abs(LavaWorld.goal.x - x) + abs(LavaWorld.goal.y - y) }

    /// The place some cells ahead and to the right.
    @inline(__always) private func place(_ ahead: Int, _ aside: Int) -> (x: Int, y: Int) {
      let dx = direction == 0 ? 1 : direction == 2 ? -1 : 0, dy = direction == 1 ? 1 : direction == 3 ? -1 : 0
      return (x + dx * ahead - dy * aside, y + dy * ahead + dx * aside)
    }

    @inline(__always) private func isInside(_ place: (x: Int, y: Int)) -> Bool {
      place.x >= 1 && place.x <= LavaWorld.inner && place.y >= 1 && place.y <= LavaWorld.inner
    }

    @inline(__always) func isLava(ahead: Int, aside: Int) -> Bool {
      let place = place(ahead, aside)
      return isInside(place) && map[place.y * LavaWorld.side + place.x]
    }

    /// The policy's observation: direction; whether the goal is farther right and farther down; the action before; what
    /// is ahead, left and right; where the nearest river straight ahead has its nearest opening; pitch. What it sees
    /// lies in MiniGrid's 7×7 view, and no lava is seen unless the camera is level.
    var observation: Int {
      let bearing = (x < LavaWorld.goal.x ? 2 : 0) + (y < LavaWorld.goal.y ? 1 : 0)
      let near = (neighbour(1, 0) * 3 + neighbour(0, -1)) * 3 + neighbour(0, 1)
      let view = near * 8 + (pitch == 0 ? opening : 0)
      return (((pitch + 1) * 6 + lastAction + 1) * 16 + direction * 4 + bearing) * 216 + view
    }

    /// 0 free, 1 lava in sight, 2 wall.
    @inline(__always) private func neighbour(_ ahead: Int, _ aside: Int) -> Int {
      !isInside(place(ahead, aside)) ? 2 : pitch == 0 && isLava(ahead: ahead, aside: aside) ? 1 : 0
    }

    /// 0 no river straight ahead; 1 … 6 its nearest opening 1, −1, 2, −2, 3, −3 cells to the right; 7 none in view.
    private var opening: Int {
      for ahead in 1...6 {
        guard isInside(place(ahead, 0)) else { return 0 }
        guard isLava(ahead: ahead, aside: 0) else { continue }
        for (code, aside) in [1, -1, 2, -2, 3, -3].enumerated()
        where isInside(place(ahead, aside)) && !isLava(ahead: ahead, aside: aside) { return code + 1 }
        return 7
      }
      return 0
    }

    private var visibleLava: Int {
      guard pitch == 0 else { return 0 }
      var count = 0
      for ahead in 0...6 {
        for aside in -3...3 where (ahead, aside) != (0, 0) && isLava(ahead: ahead, aside: aside) { count += 1 }
      }
      return count
    }

    /// Takes a step (0 left, 1 right, 2 forward, 3 look up, 4 look down) and writes its record into a row.
    /// - Returns: how the episode ended, or nil.
    mutating func step(
      _ action: Int, record: UnsafeMutablePointer<Double>? = nil, stride: Int = 0
    ) -> AutoMCReward.Ending? {
      steps += 1
      lastAction = action
      let before = (distance: distance, frontLava: isLava(ahead: 1, aside: 0))
      var moved = false
      switch action {
      case 0: direction = (direction + 3) % 4
      case 1: direction = (direction + 1) % 4
      case 2:
        let place = place(1, 0)
        moved = isInside(place)
        if moved { (x, y) = place }
      case 3: pitch = min(pitch + 1, 1)
      default: pitch = max(pitch - 1, -1)
      }
      let success = distance == 0, inLava = map[y * LavaWorld.side + x]
      if let record {
        let adjacent = (0..<4).reduce(0) { count, turn in
          let (ahead, aside) = [(1, 0), (0, 1), (-1, 0), (0, -1)][turn]
          return count + (isLava(ahead: ahead, aside: aside) ? 1 : 0)
        }
        record[0] = success ? 1 : 0
        record[stride] = inLava ? 1 : 0
        record[2 * stride] = moved ? 1 : 0
        record[3 * stride] = action == 2 ? 1 : 0
        record[4 * stride] = Double(distance)
        record[5 * stride] = Double(before.distance)
        record[6 * stride] = before.frontLava ? 1 : 0
        record[7 * stride] = Double(adjacent)
        record[8 * stride] = Double(visibleLava)
        record[9 * stride] = Double(cell)
        record[10 * stride] = Double(pitch)
      }
      if success { return .success }
      if inLava { return .lava }
      return steps >= LavaWorld.maxSteps ? .timeout : nil
    }
  }

  /// Actions of a shortest way to the goal, by breadth-first search over cells and directions; nil when there is none.
  static func solution(_ map: Map) -> [Int]? {
    var parent = [Int](repeating: -1, count: inner * inner * 4)
    var taken = parent
    var queue: [Agent] = [Agent(in: map)]
    func key(_ agent: Agent) -> Int { agent.cell * 4 + agent.direction }
    let root = key(queue[0])
    parent[root] = root
    var head = 0
    while head < queue.count {
      let here = queue[head]
      head += 1
      for action in 0..<3 {
        var there = here
        there.steps = 0
        let ending = there.step(action)
        let next = key(there)
        if ending == .lava || parent[next] >= 0 { continue }
        (parent[next], taken[next]) = (key(here), action)
        if ending == .success {
          var way: [Int] = []
          var at = next
          while at != root {
            way.append(taken[at])
            at = parent[at]
          }
          return way.reversed()
        }
        queue.append(there)
      }
    }
    return nil
  }
}
