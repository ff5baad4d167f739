import Schemas

extension MiniGridLevel {
  /// The level as an environment. The observation is MiniGrid's `image` [viewSize, viewSize, 3] in row-major order, its
  /// `direction`, and the number of the mission.
  public var spec: EnvironmentSpec {
    let cells = viewSize * viewSize
    let pixel: [Double] = [Double(MiniGridObject.agent.rawValue), 5, 2]
    let high: [Double] = Array(repeatElement(pixel, count: cells).joined()) + [3, Double(max(1, missions.count) - 1)]
    return EnvironmentSpec.native(
      id, observationSpace: .box(low: Array(repeating: 0, count: high.count), high: high),
      components: "0-\(3 * cells - 1) what the agent sees, [\(viewSize), \(viewSize), 3]: column from left to right, "
        + "row from far to near (the agent stands in the middle of the last row, looking to the first), then object (0 "
        + "unseen, 1 empty, 2 wall, 3 floor, 4 door, 5 key, 6 ball, 7 box, 8 goal, 9 lava), color (0 red, 1 green, 2 "
        + "blue, 3 purple, 4 yellow, 5 grey) and door state (0 open, 1 closed, 2 locked); \(3 * cells) direction (0 "
        + "right, 1 down, 2 left, 3 up); \(3 * cells + 1) number of the mission",
      actionSpace: .discrete(7),
      actionMeaning: "0 turns left, 1 turns right, 2 moves forward, 3 picks up what is in front, 4 drops what is "
        + "carried in front, 5 toggles what is in front (opens or closes a door, opens a box), 6 does nothing.",
      quantities: quantities, maxEpisodeSteps: maxSteps,
      summary: "A grid of \(width) by \(height) cells, seen from above, with an agent that turns, walks and handles "
        + "objects. Mission: \(missionText). A locked door opens with the key of its color. The episode terminates "
        + "with success when \(successText) and with failure when the agent steps into lava; success after t steps "
        + "pays 1 - 0.9 t / \(maxSteps), anything else 0.")
  }

  private var missionText: String { missions.map { "\"\($0)\"" }.joined(separator: " or ") }

  private var successText: String {
    switch task {
    case .reachGoal: "the agent steps onto a goal"
    case .openDoor: "the agent opens the door"
    case .pickUp(let object): "the agent picks up the \(object)"
    }
  }

  private var quantities: [Field] {
    let (right, bottom) = (Double(width - 1), Double(height - 1))
    let objects = "1 nothing, 2 wall, 3 floor, 4 door, 5 key, 6 ball, 7 box, 8 goal, 9 lava"
    let colors = "0 red, 1 green, 2 blue, 3 purple, 4 yellow, 5 grey"
    return [
      Field(
        "agent_position", shape: [2], unit: "cell", low: 0, high: max(right, bottom),
        meaning: "Column from the left and row from the top of the agent after the step."),
      Field("agent_direction", low: 0, high: 3, meaning: "Where the agent looks: 0 right, 1 down, 2 left, 3 up."),
      Field("moved", low: 0, high: 1, meaning: "1 if the step took the agent to another cell, else 0."),
      Field("front_object", low: 1, high: 9, meaning: "What is in the cell before the agent: \(objects)."),
      Field("front_color", low: 0, high: 5, meaning: "Its color: \(colors); 0 for nothing."),
      Field(
        "front_state", low: 0, high: 2,
        meaning: "State of a door in the cell before the agent: 0 open, 1 closed, 2 locked; 0 for anything else."),
      Field("carrying_object", low: 1, high: 7, meaning: "What the agent carries: 1 nothing, 5 key, 6 ball, 7 box."),
      Field("carrying_color", low: 0, high: 5, meaning: "Color of what is carried: \(colors); 0 for nothing."),
      Field("picked_up", low: 0, high: 1, meaning: "1 if the step picked something up, else 0."),
      Field("dropped", low: 0, high: 1, meaning: "1 if the step dropped something, else 0."),
      Field("opened_door", low: 0, high: 1, meaning: "1 if the step opened a door, else 0."),
      Field(
        "goal_position", shape: [2], unit: "cell", low: -1, high: max(right, bottom),
        meaning: "Column and row of the goal nearest to the agent; -1, -1 if there is none."),
      Field(
        "goal_distance", unit: "cell", low: 0, high: Double(width + height),
        meaning: "Columns plus rows between the agent and that goal, walls ignored; \(width + height) if there is "
          + "none."),
      Field("success", low: 0, high: 1, meaning: "1 if the step fulfilled the mission, else 0."),
      Field("in_lava", low: 0, high: 1, meaning: "1 if the agent stepped into lava, else 0."),
    ]
  }
}
