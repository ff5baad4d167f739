import Schemas

extension EnvironmentSpec {
  /// The spec of a MuJoCo environment: unbounded observations, actions in [-limit, limit].
  static func mujoco(
    _ id: String, observations: Int, components: String, actions: Int, limit: Double, actionMeaning: String,
    quantities: [Field], maxEpisodeSteps: Int, summary: String
  ) -> EnvironmentSpec {
    EnvironmentSpec.native(
      id, observationSpace: .box(observations), components: components,
      actionSpace: .box(actions, low: -limit, high: limit), actionMeaning: actionMeaning, quantities: quantities,
      maxEpisodeSteps: maxEpisodeSteps, summary: summary)
  }
}

/// Fields that several MuJoCo environments share.
extension Field {
  static let xPosition = Field("x_position", unit: "m", meaning: "Distance travelled along x, forwards positive, "
    + "since the origin.")

  static func xVelocity(of mover: String) -> Field {
    Field("x_velocity", unit: "m/s", meaning: "Forward velocity of \(mover), averaged over the step.")
  }

  static func controlCost(_ formula: String) -> Field {
    Field("control_cost", low: 0, meaning: "\(formula): what the environment's own reward subtracts for effort.")
  }

  static func healthy(_ condition: String) -> Field {
    Field("healthy", low: 0, high: 1, meaning: "1 while \(condition), else 0.")
  }
}
