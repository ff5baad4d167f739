import Basics
import Environments
import Foundation
import Schemas

/// Observations and the actions taken there.
public struct Demonstrations: Sendable {
  public let observationWidth: Int
  public let actionWidth: Int
  /// Row-major [count, observationWidth].
  public private(set) var observations: [Double] = []
  /// Row-major [count, actionWidth]; a discrete action is its number.
  public private(set) var actions: [Double] = []
  public var count: Int { observations.count / observationWidth }

  public init(_ spec: EnvironmentSpec) {
    observationWidth = spec.observationSpace.width
    actionWidth = spec.actionSpace.width
  }

  /// What was seen and done in whole episodes.
  public init(_ episodes: [Episode], _ spec: EnvironmentSpec) {
    self.init(spec)
    for episode in episodes {
      for row in 0..<episode.length {
        // A record begins with the observation, the next observation and the action.
        let record = episode.transitions.record(row)
        observations += record.prefix(observationWidth)
        actions += record[2 * observationWidth..<2 * observationWidth + actionWidth]
      }
    }
  }

  public mutating func append(observation: [Double], action: [Double]) {
    precondition(
      observation.count == observationWidth && action.count == actionWidth, "a demonstration of another environment")
    observations += observation
    actions += action
  }
}

/// Behaviour cloning (Pomerleau, 1989): the policy under which the demonstrated actions are likeliest.
///
/// Minimises E[−log π(a|s)] − c · entropy over minibatches, the categorical's or the Gaussian's of `PPO`. Defaults are
/// those of the imitation library, without its weight decay.
public struct BehaviorCloning: Sendable {
  public struct Configuration: Sendable, Hashable, Codable {
    public var epochs = 10
    public var minibatch = 32
    public var learningRate: Float = 1e-3
    public var entropyCoefficient: Float = 1e-3
    public var hidden = [32, 32]
    /// Normalises observations by the demonstrations' mean and variance.
    public var normalizesObservations = false

    public init() {}
  }

  public let policy: Policy
  /// Mean of −log π(a|s) in each epoch.
  public let losses: [Double]

  /// - Throws: `GuerdonError` when there are no demonstrations, or they do not fit the environment.
  public init(
    _ demonstrations: Demonstrations, of spec: EnvironmentSpec, configuration: Configuration = Configuration(), seed: UInt64
  ) throws {
    let count = demonstrations.count, width = demonstrations.observationWidth
    guard count >= 1, width == spec.observationSpace.width, demonstrations.actionWidth == spec.actionSpace.width else {
      throw GuerdonError.usage("Behaviour cloning needs demonstrations in \(spec.id); there are \(count) of \(width) numbers.")
    }
    guard configuration.minibatch >= 1, configuration.epochs >= 1, configuration.learningRate > 0 else {
      throw GuerdonError.usage("Behaviour cloning needs at least one epoch, a minibatch and a positive learning rate.")
    }
    if case .discrete(let choices) = spec.actionSpace,
      let wrong = demonstrations.actions.first(where: { !($0 >= 0 && $0 < Double(choices)) }) {
      throw GuerdonError.usage("A demonstrated action is \(wrong), and \(spec.id) has the actions 0 to \(choices - 1).")
    }
    let distribution = ActionDistribution(spec.actionSpace)
    var random = RandomGenerator(seed: seed, spawnKey: [0x62_63])
    let network = MLP(widths: [width] + configuration.hidden + [distribution.outputs])
    network.initialize(outputGain: 0.01, random: &random)
    let logDeviation = FloatBuffer(padded(distribution.width))
    let deviationGradients = FloatBuffer(logDeviation.count)
    let optimizer = Adam(count: network.parameters.count, epsilon: 1e-8)
    let deviationOptimizer = Adam(count: logDeviation.count, epsilon: 1e-8)
    let workspace = MLP.Workspace(network, capacity: configuration.minibatch)

    var moments: RunningMoments? = nil
    if configuration.normalizesObservations {
      var whole = RunningMoments(width: width)
      demonstrations.observations.withUnsafeBufferPointer { values in
        if let start = values.baseAddress { whole.update(start, rows: count) }
      }
      moments = whole
    }
    let row = padded(width), outputRow = padded(distribution.outputs)
    let inputs = FloatBuffer(count * row)
    demonstrations.observations.withUnsafeBufferPointer { values in
      guard let start = values.baseAddress else { return }
      normalize(start, rows: count, width: width, by: moments, into: inputs.base, stride: row)
    }
    let actions = FloatBuffer(demonstrations.actions.count)
    actions.assign(demonstrations.actions.map { Float($0) })

    let batch = FloatBuffer(configuration.minibatch * row)
    var order = Array(0..<count)
    var losses: [Double] = []
    for _ in 0..<configuration.epochs {
      for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, random.integer(below: i + 1)) }
      var loss = 0.0
      for start in stride(from: 0, to: count, by: configuration.minibatch) {
        let rows = order[start..<min(start + configuration.minibatch, count)]
        for (k, i) in rows.enumerated() { (batch.base + k * row).update(from: inputs.base + i * row, count: row) }
        network.forward(batch.base, stride: row, count: rows.count, workspace)
        for j in 0..<deviationGradients.count { deviationGradients.base[j] = 0 }
        let share = 1 / Float(rows.count)
        for (k, i) in rows.enumerated() {
          let found = distribution.differentiate(
            workspace.outputs + k * outputRow, logDeviation.base, action: actions.base + i * distribution.width,
            weight: share, entropyWeight: configuration.entropyCoefficient * share,
            into: workspace.outputDeltas + k * outputRow, deviationGradients: deviationGradients.base)
          loss -= Double(found.logProbability)
        }
        network.backward(batch.base, stride: row, count: rows.count, workspace)
        optimizer.step(
          network.parameters.base, gradients: workspace.gradients.base, scale: 1, learningRate: configuration.learningRate)
        network.refresh()
        if !distribution.isDiscrete {
          deviationOptimizer.step(
            logDeviation.base, gradients: deviationGradients.base, scale: 1, learningRate: configuration.learningRate)
        }
      }
      losses.append(loss / Double(count))
    }
    guard losses.allSatisfy(\.isFinite) else {
      throw GuerdonError.failure("Behaviour cloning diverged: its loss is not finite. A smaller learning rate may help.")
    }
    self.losses = losses
    policy = Policy(
      environment: spec.id, observationWidth: width, actionSpace: spec.actionSpace, observationMoments: moments,
      network: network, head: .direct,
      logStandardDeviation: distribution.isDiscrete ? [] : Array(logDeviation.array.prefix(distribution.width)))
  }
}
