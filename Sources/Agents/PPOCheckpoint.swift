import Basics
import Environments
import Foundation
import Torch

extension PPO {
  private static let format = "guerdon.ppo.v1"

  /// Everything of a training that is not an array.
  private struct State: Codable {
    var configuration: Configuration
    var environment: String
    var steps: Int
    var optimizerSteps: [Int]
    var random: RandomGenerator
    var rewardNormalizer: RewardNormalizer
    var ledger: EpisodeLedger
    var environments: [EnvironmentState]
    var openEpisodes: [[Double]]
    var imputedRewards: Int
  }

  /// Writes all that training needs to go on as if it had never stopped: weights, optimiser, random generators,
  /// environments, normalisers, counters. One file, old or new, never torn.
  /// - Throws: `GuerdonError` when it cannot be written.
  public func save(to url: URL) throws {
    guard !meter.isLive else {
      throw GuerdonError.failure("A training on a live reward has no checkpoint: the reward's own state is not in it.")
    }
    let state = State(
      configuration: configuration, environment: environment.spec.id, steps: steps,
      optimizerSteps: [actorOptimizer.steps, criticOptimizer.steps, deviationOptimizer.steps], random: random,
      rewardNormalizer: rewardNormalizer, ledger: ledger, environments: environment.saveState(),
      openEpisodes: meter.openEpisodes, imputedRewards: imputedRewards)
    let text: String
    do {
      text = String(decoding: try JSONEncoder().encode(state), as: UTF8.self)
    } catch {
      throw GuerdonError.failure("The training's state cannot be written down: an environment is in a state that is not finite.")
    }
    var file = SafetensorsFile(metadata: ["format": Self.format, "state": text])
    actor.store(in: &file, prefix: "actor")
    critic.store(in: &file, prefix: "critic")
    file["log_std"] = .init(logStandardDeviation.array)
    observationMoments?.store(in: &file, prefix: "observation")
    for (name, optimizer) in optimizers {
      file["\(name).exp_avg"] = .init(optimizer.mean.array)
      file["\(name).exp_avg_sq"] = .init(optimizer.square.array)
    }
    try file.write(to: url)
  }

  /// Goes on from a checkpoint; this object must have been made for the same environment, count and configuration.
  /// - Throws: `GuerdonError` when the file is no checkpoint, damaged, or of another training; nothing has changed then.
  public func restore(from url: URL) throws {
    let file = try SafetensorsFile(contentsOf: url)
    guard file.metadata["format"] == Self.format, let text = file.metadata["state"] else {
      throw GuerdonError.failure("\(url.path) is a safetensors file, but not a checkpoint of PPO.")
    }
    guard let state = try? JSONDecoder().decode(State.self, from: Data(text.utf8)) else {
      throw GuerdonError.failure("The checkpoint \(url.path) is damaged: its state cannot be read.")
    }
    let count = environment.count
    guard state.configuration == configuration, state.environment == environment.spec.id,
      [state.environments.count, state.rewardNormalizer.count, state.ledger.count].allSatisfy({ $0 == count }),
      state.optimizerSteps.count == 3
    else {
      throw GuerdonError.failure(
        "The checkpoint \(url.path) is of another training: \(state.environment) with \(state.environments.count) environments, or other hyperparameters.")
    }
    let newActor = try MLP(file, prefix: "actor"), newCritic = try MLP(file, prefix: "critic")
    let deviations = try file.entry("log_std").floats()
    let moments = try RunningMoments(file, prefix: "observation", width: environment.spec.observationSpace.width)
    var slots: [(mean: [Float], square: [Float])] = []
    for (name, optimizer) in optimizers {
      let slot = (try file.entry("\(name).exp_avg").floats(), try file.entry("\(name).exp_avg_sq").floats())
      guard slot.0.count == optimizer.mean.count, slot.1.count == optimizer.mean.count else {
        throw GuerdonError.failure("The checkpoint \(url.path) is damaged: \(name) has the wrong size.")
      }
      slots.append(slot)
    }
    guard newActor.widths == actor.widths, newCritic.widths == critic.widths,
      deviations.count == logStandardDeviation.count, (moments == nil) == (observationMoments == nil)
    else { throw GuerdonError.failure("The checkpoint \(url.path) is damaged: its networks have other shapes.") }

    for (network, stored) in [(actor, newActor), (critic, newCritic)] {
      network.assign(stored.parameters.array)
    }
    logStandardDeviation.assign(deviations)
    actorOptimizer.restore(steps: state.optimizerSteps[0], mean: slots[0].mean, square: slots[0].square)
    criticOptimizer.restore(steps: state.optimizerSteps[1], mean: slots[1].mean, square: slots[1].square)
    deviationOptimizer.restore(steps: state.optimizerSteps[2], mean: slots[2].mean, square: slots[2].square)
    observationMoments = moments
    rewardNormalizer = state.rewardNormalizer
    ledger = state.ledger
    random = state.random
    steps = state.steps
    meter.restore(openEpisodes: state.openEpisodes, imputed: state.imputedRewards)
    environment.restore(state.environments)
  }

  private var optimizers: [(name: String, optimizer: Adam)] {
    [
      ("optimizer.actor", actorOptimizer), ("optimizer.critic", criticOptimizer),
      ("optimizer.log_std", deviationOptimizer),
    ]
  }
}
