import Schemas

extension EnvironmentSpec {
  /// A spec whose transition records hold `obs`, `next_obs`, `action`, then `quantities` (after the step), then `step`
  /// and `terminated`.
  ///
  /// Ranges hold for actions inside the action space.
  /// - Parameter components: what the observation's components are, in one line.
  static func native(
    _ id: String, observationSpace: Space, components: String, actionSpace: Space, actionMeaning: String,
    actionUnit: String = "1", quantities: [Field], maxEpisodeSteps: Int, summary: String
  ) -> EnvironmentSpec {
    let seen = observationSpace.bounds, done = actionSpace.bounds
    // A discrete observation is one number.
    let shape = observationSpace.isDiscrete ? [] : [observationSpace.width]
    let unit = observationSpace.isDiscrete ? "1" : "mixed"
    let transition = [
      Field(
        "obs", shape: shape, unit: unit, low: seen.low, high: seen.high,
        meaning: "Observation before the step: \(components)."),
      Field(
        "next_obs", shape: shape, unit: unit, low: seen.low, high: seen.high,
        meaning: "Observation after the step, laid out as obs."),
      Field(
        "action", shape: actionSpace.isDiscrete ? [] : [actionSpace.width], unit: actionUnit, low: done.low,
        high: done.high, meaning: actionMeaning),
    ]
    let progress = progressFields(maxEpisodeSteps: maxEpisodeSteps)
    return EnvironmentSpec(
      id: id, observationSpace: observationSpace, actionSpace: actionSpace,
      schema: Schema(environment: id, fields: transition + quantities + progress), maxEpisodeSteps: maxEpisodeSteps,
      summary: summary)
  }

  /// What ends every record: `step` and `terminated`.
  static func progressFields(maxEpisodeSteps: Int) -> [Field] {
    [
      Field(
        "step", low: 0, high: Double(maxEpisodeSteps),
        meaning: "Steps since the episode began: 1 after its first step."),
      Field(
        "terminated", low: 0, high: 1,
        meaning: "1 if this step ended the episode by success or failure (not by the time limit), else 0."),
    ]
  }
}

extension Space {
  var isDiscrete: Bool { if case .discrete = self { true } else { false } }

  /// Bounds that every component keeps.
  var bounds: (low: Double, high: Double) {
    switch self {
    case .box(let low, let high): (low.min() ?? 0, high.max() ?? 0)
    case .discrete(let count): (0, Double(count - 1))
    }
  }
}
