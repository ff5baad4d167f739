import Basics

/// What a reward of the lava worlds consists of: the tree that edits are applied to, and that is written as a program.
struct LavaReward: Sendable, Hashable {
  enum Progress: Sendable, Hashable {
    case none
    /// Pays for every step to another cell.
    case moved
    /// Pays for every step nearer to the goal, and charges for every step away from it.
    case nearer
    /// Pays only when the distance beats the episode's least.
    case bestSoFar
  }

  enum Hazard: Sendable, Hashable {
    case none
    /// Lava in the agent's view.
    case visible
    /// Lava beside the agent and steps into it, by the privileged lidar.
    case lidar
  }

  var progress = Progress.moved
  var hazard = Hazard.none
  /// Pays for the first visit of every cell.
  var firstVisits = false

  /// The names of the edits that are known.
  enum Edit: String, Sendable, CaseIterable {
    case bestSoFar = "best-so-far"
    case firstVisits = "first-visits"
    case hazard = "penalise-lava"
    case lidar = "hazard-by-lidar"
  }

  mutating func apply(_ edit: Edit) {
    switch edit {
    case .bestSoFar: progress = .bestSoFar
    case .firstVisits: firstVisits = true
    case .hazard: if hazard == .none { hazard = .lidar }
    case .lidar: hazard = .lidar
    }
  }

  /// A slip of the pen, as a language model makes them.
  enum Slip: Sendable, CaseIterable {
    /// A parameter that is not in the list of inputs.
    case unknownInput
    /// A key of the memory that is read before it is there.
    case unsetMemory
    /// The danger is paid for.
    case flippedSign
    /// The sparse part pays for being alive.
    case alwaysPaying
  }

  /// The program's text.
  func source(slip: Slip? = nil) -> String {
    let distance = slip == .unknownInput ? "distance_left" : "goal_distance"
    let sign = slip == .flippedSign ? "+" : "-"
    var inputs = ["success", "in_lava"], body: [String] = [], memory: [String] = []
    switch progress {
    case .none: if slip == .unknownInput { inputs.append(distance) }
    case .moved:
      inputs += slip == .unknownInput ? ["moved", "has_moved"] : ["moved"]
      body += ["    # Progress: every step to another cell.", "    dense += \(inputs.last ?? "moved")"]
    case .nearer:
      inputs += [distance, "previous_goal_distance"]
      body += ["    # Progress: every step nearer.", "    dense += previous_goal_distance - \(distance)"]
    case .bestSoFar:
      inputs += [distance, "previous_goal_distance", "memory_best"]
      body += [
        "    # Progress: only a distance below the least of this episode.",
        slip == .unsetMemory
          ? "    best = memory_best"
          : "    best = np.where(np.isnan(memory_best), previous_goal_distance, memory_best)",
        "    dense += np.clip(best - \(distance), 0.0, 1.0)",
      ]
      memory.append("\"memory_best\": np.minimum(best, \(distance))")
    }
    if firstVisits {
      inputs += ["cell", "memory_visited"]
      body += [
        "    # Exploration: the first visit of a cell; one bit a cell.",
        slip == .unsetMemory
          ? "    visited = memory_visited" : "    visited = np.where(np.isnan(memory_visited), 0.0, memory_visited)",
        "    bit = 2.0 ** cell",
        "    is_new = np.where(np.floor(visited / bit) % 2.0 < 0.5, 1.0, 0.0)",
        "    dense += 0.5 * is_new",
      ]
      memory.append("\"memory_visited\": visited + bit * is_new")
    }
    switch hazard {
    case .none: break
    case .visible:
      inputs.append("visible_lava")
      body += ["    # Danger: lava in view.", "    dense \(sign)= 0.5 * np.where(visible_lava > 0, 1.0, 0.0)"]
    case .lidar:
      // Charged for coming beside lava, not for standing there: at 0.1 a step, dying would be the cheaper way out.
      inputs += ["lava_adjacent", "front_lava_before", "forward"] + (progress == .moved ? [] : ["moved"])
      body += [
        "    # Danger: a move to a cell beside lava, and stepping into it.",
        "    dense \(sign)= 0.5 * moved * np.where(lava_adjacent > 0, 1.0, 0.0)",
        "    dense \(sign)= 2.0 * front_lava_before * forward",
      ]
    }
    let sparse = slip == .alwaysPaying ? "1.0 - in_lava" : "success \(hazard == .none ? sign : "-") in_lava"
    let terms = ["\"sparse\": sparse", "\"dense\": dense"] + memory
    let head = [
      "import numpy as np", "", "def compute_reward(\(inputs.joined(separator: ", "))):", "    # Success and death.",
      "    sparse = \(sparse)", "    dense = 0.0",
    ]
    let lines: [String] = head + body + ["    return sparse + dense, {\(terms.joined(separator: ", "))}"]
    return lines.joined(separator: "\n") + "\n"
  }
}

/// The rule-based Designer: keeps the tree, applies the edits that it knows, and now and then makes a slip.
///
/// It stands in for a language model; the slips are what gives a Critic work to do.
struct LavaDesigner: AutoMCReward.Designer {
  private(set) var reward: LavaReward
  /// The chance of a slip in a program written anew; half of it when one is mended.
  let slipRate: Double
  private var random: RandomGenerator

  init(_ reward: LavaReward, slipRate: Double, seed: UInt64) {
    (self.reward, self.slipRate) = (reward, slipRate)
    random = RandomGenerator(seed: seed, spawnKey: [4])
  }

  mutating func write(suggestions: [AutoMCReward.Suggestion], previous: String?) -> String {
    for edit in suggestions.compactMap({ LavaReward.Edit(rawValue: $0.edit) }) { reward.apply(edit) }
    return draft(slipRate)
  }

  mutating func mend(_ source: String, faults: [AutoMCReward.Fault]) -> String { draft(slipRate / 2) }

  private mutating func draft(_ rate: Double) -> String {
    let isSlip = random.uniform() < rate
    let slip = LavaReward.Slip.allCases[random.integer(below: LavaReward.Slip.allCases.count)]
    return reward.source(slip: isSlip ? slip : nil)
  }
}
