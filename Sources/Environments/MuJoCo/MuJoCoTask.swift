import Basics
import Schemas

/// What sets one MuJoCo environment of Gymnasium apart from the others.
protocol MuJoCoTask: Sendable {
  static var spec: EnvironmentSpec { get }
  static var modelFile: String { get }
  /// Physics steps in one environment step.
  static var frameSkip: Int { get }
  /// Numbers, besides MuJoCo's state, that the next step needs to know from this one.
  static var carriedWidth: Int { get }

  /// Looks up what the task needs in the model.
  init(_ model: MuJoCoModel)

  /// Moves a rewound simulation to a random initial state (Gymnasium's `reset_model`).
  func randomize(_ simulation: Simulation, _ random: inout RandomGenerator)

  /// Gymnasium's `_get_obs`.
  func observe(_ simulation: Simulation, into observation: UnsafeMutablePointer<Double>)

  /// Fills `carried` [carriedWidth], after a reset or a step.
  func carry(_ simulation: Simulation, into carried: UnsafeMutablePointer<Double>)

  /// Gymnasium's `step`: advances, observes, rewards, and appends the physical quantities to `record`.
  func step(
    _ simulation: Simulation, action: UnsafePointer<Double>, carried: UnsafeMutablePointer<Double>,
    observation: UnsafeMutablePointer<Double>, record: inout RecordWriter?) -> Outcome
}

extension MuJoCoTask {
  static var carriedWidth: Int { 0 }
  func carry(_ simulation: Simulation, into carried: UnsafeMutablePointer<Double>) {}
}

/// The dynamics of a MuJoCo task. A state is MuJoCo's (`Simulation.stateWidth`), then what the task carries.
struct MuJoCoDynamics<Task: MuJoCoTask>: Dynamics {
  static var spec: EnvironmentSpec { Task.spec }
  static var grain: Int { 1 }
  let stateWidth: Int
  private let model: MuJoCoModel
  private let task: Task
  private let physicsWidth: Int

  /// - Throws: `GuerdonError` when the model file is missing or damaged.
  init() throws {
    model = try MuJoCoModel(file: Task.modelFile)
    task = Task(model)
    physicsWidth = Simulation.stateWidth(of: model)
    stateWidth = physicsWidth + Task.carriedWidth
  }

  func makeWorkspace() throws -> Simulation { try Simulation(model) }

  func reset(
    _ state: UnsafeMutablePointer<Double>, random: inout RandomGenerator, observation: UnsafeMutablePointer<Double>,
    in simulation: Simulation
  ) {
    simulation.rewind()
    task.randomize(simulation, &random)
    simulation.forward()
    task.observe(simulation, into: observation)
    task.carry(simulation, into: state + physicsWidth)
    simulation.store(state)
  }

  func step(
    _ state: UnsafeMutablePointer<Double>, action: UnsafePointer<Double>, observation: UnsafeMutablePointer<Double>,
    record: inout RecordWriter?, in simulation: Simulation
  ) -> Outcome {
    simulation.load(state)
    let outcome = task.step(
      simulation, action: action, carried: state + physicsWidth, observation: observation, record: &record)
    simulation.store(state)
    return outcome
  }
}
