import Agents
import ArgumentParser
import Basics
import Environments
import Experiments
import Foundation

/// Learning parity: what ours and stable-baselines3 learn at equal hyperparameters (`Benchmarks/peers/parity.json`).
struct ParityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parity",
    abstract: "Trains ours and stable-baselines3 at equal hyperparameters and prints the table of docs/parity.md.",
    discussion: """
      Every result goes to a file as it comes, and what the file already holds is not trained again. Exits with 2 if an \
      interquartile mean of ours lies below the peer's interval.
      """)

  @Option(help: "Only the rows whose name contains this text (case does not matter).")
  var only = ""
  @Option(help: "Seeds a row and side.")
  var seeds = 5
  @Option(help: "Where results are kept, one JSON object a line.")
  var results = "runs/parity.jsonl"
  @Option(help: "Which side to train: ours, peer or both; none only prints the table.")
  var side = "both"

  func run() throws {
    do {
      try measure()
    } catch let error as GuerdonError {
      FileHandle.standardError.write(Data("Error: \(error.message)\n".utf8))
      throw ExitCode(error.exitCode)
    }
  }

  private func measure() throws {
    guard ["ours", "peer", "both", "none"].contains(side) else {
      throw GuerdonError.usage("--side is ours, peer, both or none, not \"\(side)\".")
    }
    let url = URL(fileURLWithPath: results)
    var known = try Measurement.read(url)
    let entries = try ParityEntry.all().filter { only.isEmpty || $0.name.localizedCaseInsensitiveContains(only) }
    for entry in entries {
      for seed in 0..<seeds {
        for side in ["ours", "peer"] where self.side == "both" || self.side == side {
          if known.contains(where: { $0.row == entry.name && $0.side == side && $0.seed == seed }) { continue }
          let value = side == "ours" ? try entry.train(seed: UInt64(seed)) : try entry.trainPeer(seed: seed)
          let measurement = Measurement(row: entry.name, side: side, seed: seed, value: value)
          try measurement.append(to: url)
          known.append(measurement)
          FileHandle.standardError.write(Data("\(entry.name), \(side), seed \(seed): \(value)\n".utf8))
        }
      }
    }
    try printTable(entries, known)
  }

  private func printTable(_ entries: [ParityEntry], _ known: [Measurement]) throws {
    func shown(_ interval: Interval) -> String {
      String(format: "%.1f [%.1f, %.1f]", interval.estimate, interval.low, interval.high)
    }
    print("| row | steps | ours | stable-baselines3 | ours in or above |")
    print("|---|---|---|---|---|")
    var holds = true
    for entry in entries {
      func values(_ side: String) -> [Double] {
        known.filter { $0.row == entry.name && $0.side == side }.sorted { $0.seed < $1.seed }.map(\.value)
      }
      let (ours, peer) = (values("ours"), values("peer"))
      guard !ours.isEmpty, !peer.isEmpty else { continue }
      let (our, their) = (Statistics.stratifiedBootstrap([ours]), Statistics.stratifiedBootstrap([peer]))
      let isWithin = our.estimate >= their.low
      holds = holds && isWithin
      let seeds = "\(ours.count) and \(peer.count) seeds", verdict = isWithin ? "yes" : "no"
      print("| \(entry.name), \(seeds) | \(entry.steps) | \(shown(our)) | \(shown(their)) | \(verdict) |")
    }
    if !holds { throw ExitCode(2) }
  }
}

/// What one training came to.
private struct Measurement: Codable {
  var row: String
  var side: String
  var seed: Int
  /// Mean return of 20 deterministic episodes.
  var value: Double

  static func read(_ url: URL) throws -> [Measurement] {
    guard FileManager.default.fileExists(atPath: url.path) else { return [] }
    let lines = String(decoding: try Files.read(url), as: UTF8.self).split(separator: "\n")
    return try lines.map { line in
      guard let measurement = try? JSONDecoder().decode(Measurement.self, from: Data(line.utf8)) else {
        throw GuerdonError.failure("\(url.path) has a line that is no result: \(line). Delete it to train it again.")
      }
      return measurement
    }
  }

  func append(to url: URL) throws {
    let old = FileManager.default.fileExists(atPath: url.path) ? try Files.read(url) : Data()
    try Files.write(old + JSONEncoder().encode(self) + Data("\n".utf8), to: url)
  }
}

/// One row: an algorithm in an environment, with stable-baselines3's names of the hyperparameters.
private struct ParityEntry: Decodable {
  struct Hyperparameters: Decodable {
    var learning_rate: Float
    var batch_size: Int
    var gamma: Float
    var n_steps: Int?
    var n_epochs: Int?
    var gae_lambda: Float?
    var buffer_size: Int?
    var learning_starts: Int?
    var tau: Float?
    var train_freq: Int?
    var gradient_steps: Int?
    var target_update_interval: Int?
    var exploration_fraction: Double?
    var exploration_final_eps: Double?
  }

  var algorithm: String
  var environment: String
  var environments: Int
  var steps: Int
  var hidden: [Int]
  var hyperparameters: Hyperparameters

  var name: String { "\(algorithm) \(environment)" }

  static func all() throws -> [ParityEntry] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try JSONDecoder().decode(
      [ParityEntry].self, from: Files.read(folder.appendingPathComponent("peers/parity.json")))
  }

  func trainPeer(seed: Int) throws -> Double {
    try Peer.rate("sb3_parity.py", [algorithm, environment, "\(seed)"])
  }

  /// Trains ours and plays 20 episodes with the likeliest actions.
  func train(seed: UInt64) throws -> Double {
    let policy = try trainedPolicy(seed: seed, pool: WorkerPool(threads: 2))
    let test = try Environments.make(environment, count: 1)
    let returns = try evaluate(policy, in: test, episodes: 20, seed: 10_000).map(\.environmentReturn)
    return returns.reduce(0, +) / Double(returns.count)
  }

  private func trainedPolicy(seed: UInt64, pool: WorkerPool) throws -> Policy {
    let world = try Environments.make(environment, count: environments, pool: pool)
    let given = hyperparameters
    switch algorithm {
    case "PPO":
      var configuration = PPO.Configuration()
      configuration.rolloutSteps = given.n_steps ?? configuration.rolloutSteps
      configuration.minibatch = given.batch_size
      configuration.epochs = given.n_epochs ?? configuration.epochs
      configuration.learningRate = given.learning_rate
      configuration.gamma = given.gamma
      configuration.lambda = given.gae_lambda ?? configuration.lambda
      configuration.hidden = hidden
      let ppo = try PPO(environment: world, configuration: configuration, seed: seed, pool: pool)
      try ppo.train(totalSteps: steps)
      return ppo.policy
    case "SAC":
      var configuration = SAC.Configuration()
      configuration.learningRate = given.learning_rate
      configuration.minibatch = given.batch_size
      configuration.gamma = given.gamma
      configuration.bufferSize = given.buffer_size ?? configuration.bufferSize
      configuration.learningStarts = given.learning_starts ?? configuration.learningStarts
      configuration.tau = given.tau ?? configuration.tau
      configuration.trainFrequency = given.train_freq ?? configuration.trainFrequency
      configuration.gradientSteps = given.gradient_steps ?? configuration.gradientSteps
      configuration.hidden = hidden
      let sac = try SAC(environment: world, configuration: configuration, seed: seed, pool: pool)
      try sac.train(totalSteps: steps)
      return sac.policy
    case "DQN":
      var configuration = DQN.Configuration()
      configuration.learningRate = given.learning_rate
      configuration.minibatch = given.batch_size
      configuration.gamma = given.gamma
      configuration.bufferSize = given.buffer_size ?? configuration.bufferSize
      configuration.learningStarts = given.learning_starts ?? configuration.learningStarts
      configuration.trainFrequency = given.train_freq ?? configuration.trainFrequency
      configuration.gradientSteps = given.gradient_steps ?? configuration.gradientSteps
      configuration.targetUpdateInterval = given.target_update_interval ?? configuration.targetUpdateInterval
      configuration.explorationSteps = Int(Double(steps) * (given.exploration_fraction ?? 0.1))
      configuration.finalEpsilon = given.exploration_final_eps ?? configuration.finalEpsilon
      configuration.hidden = hidden
      let dqn = try DQN(environment: world, configuration: configuration, seed: seed, pool: pool)
      try dqn.train(totalSteps: steps)
      return dqn.policy
    default:
      throw GuerdonError.failure("parity.json names the algorithm \(algorithm), which is none of PPO, SAC and DQN.")
    }
  }
}
