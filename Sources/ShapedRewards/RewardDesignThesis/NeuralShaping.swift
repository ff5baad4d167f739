import Agents
import Basics
import Foundation

/// One episode in a world of observations.
public struct ObservedEpisode: Sendable {
  /// [T, width].
  public internal(set) var observations: [Float] = []
  public internal(set) var actions: [Int] = []
  /// R̄ and R̂ of every step.
  public internal(set) var original: [Double] = []
  public internal(set) var designed: [Double] = []
  /// π(·|s_t) of the policy that acted, [T, A].
  public internal(set) var probabilities: [Double] = []

  public var count: Int { actions.count }
}

/// ExploRS with networks (section 5 of the thesis; the authors' `code_neural`): φ(s, a) = clip · tanh of a network, V
/// of another, and a bonus for places that were seldom visited.
///
/// Both networks take one step of Adam an episode: φ against −mean_t π(a_t|s_t) (Ḡ_t − V(s_t)) (φ(s_t, a_t) −
/// Σ_b π(b|s_t) φ(s_t, b)), V against the smooth L1 distance from Ḡ_t.
public final class NeuralShaping {
  public struct Configuration: Sendable, Codable, Hashable {
    /// Whether φ is learned and the bonus B is paid: ExploRS has both, SelfRS the first, ExploB the second.
    public var isSelfTaught = true
    public var explores = true
    /// λ and B_max.
    public var bonusScale = 1.0
    public var largestBonus = 1.0
    /// Units of the hidden layer.
    public var hidden = 256
    /// The size that |φ| does not exceed.
    public var clip = 0.1
    /// Adam's rates for φ and V.
    public var shapingRate = 1e-3
    public var valueRate = 5e-3
    /// Episodes after which φ begins to be paid.
    public var delay = 5_000

    public init() {}

    /// - Throws: `GuerdonError` for numbers that cannot be.
    public func check() throws {
      guard bonusScale > 0, largestBonus > 0, hidden >= 1, clip > 0, shapingRate > 0, valueRate > 0, delay >= 0 else {
        throw GuerdonError.usage(
          "Neural ExploRS needs a bonus scale, a largest bonus, a clip and rates above 0, hidden units, and a delay "
            + "from 0 up.")
      }
    }
  }

  public let configuration: Configuration
  private let discount: Double
  private let actionCount: Int
  /// z of φ = clip · tanh(z), and V.
  let shapingNetwork, valueNetwork: Perceptron
  /// N of every place.
  public private(set) var visits: [Double]

  /// - Parameters:
  ///   - placeCount: among how many places visits are counted.
  ///   - longest: steps of the longest episode.
  ///   - discount: γ of Ḡ.
  public init(
    observationWidth: Int, actionCount: Int, placeCount: Int, longest: Int, discount: Double,
    configuration: Configuration = Configuration(), seed: UInt64
  ) throws {
    try configuration.check()
    guard observationWidth >= 1, actionCount >= 1, placeCount >= 1, longest >= 1 else {
      throw GuerdonError.usage("Neural ExploRS needs observations, actions, places and steps.")
    }
    self.configuration = configuration
    (self.discount, self.actionCount) = (discount, actionCount)
    var random = RandomGenerator(seed: seed, spawnKey: [0x70_68_69])
    shapingNetwork = Perceptron(
      [observationWidth, configuration.hidden, actionCount], rate: configuration.shapingRate, capacity: longest,
      &random)
    valueNetwork = Perceptron(
      [observationWidth, configuration.hidden, 1], rate: configuration.valueRate, capacity: longest, &random)
    visits = Array(repeating: 0, count: placeCount)
  }

  /// φ(s, ·) of every row, [T, A].
  public func shaping(of observations: [Float]) -> [Double] {
    shapingNetwork(observations).map { configuration.clip * tanh($0) }
  }

  /// V(s) of every row, [T].
  public func values(of observations: [Float]) -> [Double] { valueNetwork(observations) }

  /// B of a place.
  public func bonus(_ place: Int) -> Double {
    guard configuration.explores else { return 0 }
    return ExplorationGuidedShaping.bonus(
      visits: visits[place], scale: configuration.bonusScale, largest: configuration.largestBonus)
  }

  public func visited(_ place: Int) { visits[place] += 1 }

  /// One step of both networks.
  public func update(_ episode: ObservedEpisode) {
    guard configuration.isSelfTaught, episode.count > 0 else { return }
    let returns = TaughtEpisode.returns(episode.original, discount: discount), share = 1 / Double(episode.count)
    let values = values(of: episode.observations), outputs = shapingNetwork(episode.observations).map { tanh($0) }
    var gradient = [Double](repeating: 0, count: outputs.count)
    for t in 0..<episode.count {
      let begin = t * actionCount, a = episode.actions[t]
      let weight = share * episode.probabilities[begin + a] * (returns[t] - values[t])
      for b in 0..<actionCount {
        // ∂L/∂φ(s, b), and through clip · tanh.
        let slope = -weight * ((b == a ? 1 : 0) - episode.probabilities[begin + b])
        gradient[begin + b] = slope * configuration.clip * (1 - outputs[begin + b] * outputs[begin + b])
      }
    }
    shapingNetwork.descend(episode.observations, gradient)
    valueNetwork.descend(
      episode.observations, zip(values, returns).map { share * min(max($0 - $1, -1), 1) })
  }
}

/// REINFORCE with a network of preferences: one step of Adam an episode against −mean_t Ĝ_t log π(a_t|s_t).
public final class NeuralReinforce {
  public struct Configuration: Sendable, Codable, Hashable {
    public var hidden = 256
    /// Adam's rate.
    public var rate = 1e-5

    public init() {}
  }

  private let actionCount: Int
  let network: Perceptron

  /// - Parameter longest: steps of the longest episode.
  /// - Throws: `GuerdonError` for numbers that cannot be.
  public init(
    observationWidth: Int, actionCount: Int, longest: Int, configuration: Configuration = Configuration(), seed: UInt64
  ) throws {
    guard configuration.hidden >= 1, configuration.rate > 0, observationWidth >= 1, actionCount >= 1, longest >= 1
    else {
      throw GuerdonError.usage("A network's REINFORCE needs hidden units, a rate above 0, observations and actions.")
    }
    self.actionCount = actionCount
    var random = RandomGenerator(seed: seed, spawnKey: [0x70_69])
    network = Perceptron(
      [observationWidth, configuration.hidden, actionCount], rate: configuration.rate, capacity: longest, &random)
  }

  /// π(·|s) of every row, [T, A].
  public func probabilities(of observations: [Float]) -> [Double] {
    var rows = network(observations)
    for begin in stride(from: 0, to: rows.count, by: actionCount) {
      let range = begin..<begin + actionCount
      let top = rows[range].max() ?? 0
      for k in range { rows[k] = exp(rows[k] - top) }
      let sum: Double = rows[range].reduce(0, +)
      for k in range { rows[k] /= sum }
    }
    return rows
  }

  public func learn(from episode: ObservedEpisode, discount: Double) {
    guard episode.count > 0 else { return }
    let returns = TaughtEpisode.returns(episode.designed, discount: discount), share = 1 / Double(episode.count)
    var gradient = probabilities(of: episode.observations)
    for t in 0..<episode.count {
      gradient[t * actionCount + episode.actions[t]] -= 1
      for b in 0..<actionCount { gradient[t * actionCount + b] *= share * returns[t] }
    }
    network.descend(episode.observations, gradient)
  }
}

/// A network with one hidden layer, started as PyTorch starts its own, with Adam.
final class Perceptron {
  let network: MLP
  private let width, outputs, capacity: Int
  private let rate: Float
  private let optimizer: Adam
  private let workspace: MLP.Workspace
  private let inputs: FloatBuffer

  /// - Parameter capacity: the most rows at once.
  init(_ widths: [Int], rate: Double, capacity: Int, _ random: inout RandomGenerator) {
    network = MLP(widths: widths, activation: .relu)
    network.initializeUniformly(random: &random)
    (width, outputs, self.capacity) = (widths[0], widths[widths.count - 1], capacity)
    self.rate = Float(rate)
    optimizer = Adam(count: network.parameters.count, epsilon: 1e-8)
    workspace = MLP.Workspace(network, capacity: capacity)
    inputs = FloatBuffer(capacity * padded(width))
  }

  /// The outputs of every row.
  func callAsFunction(_ rows: [Float]) -> [Double] {
    let count = load(rows)
    network.forward(inputs.base, stride: padded(width), count: count, workspace)
    return (0..<count * outputs).map { Double(workspace.outputs[$0 / outputs * padded(outputs) + $0 % outputs]) }
  }

  /// One step of Adam against a loss whose derivative by the outputs of the same rows is `gradient`.
  func descend(_ rows: [Float], _ gradient: [Double]) {
    let count = load(rows)
    network.forward(inputs.base, stride: padded(width), count: count, workspace)
    for k in 0..<count * outputs {
      workspace.outputDeltas[k / outputs * padded(outputs) + k % outputs] = Float(gradient[k])
    }
    network.backward(inputs.base, stride: padded(width), count: count, workspace)
    optimizer.step(network.parameters.base, gradients: workspace.gradients.base, scale: 1, learningRate: rate)
    network.refresh()
  }

  private func load(_ rows: [Float]) -> Int {
    let count = rows.count / width
    precondition(count <= capacity && rows.count == count * width, "rows of observations, no more than were announced")
    for k in rows.indices { inputs.base[k / width * padded(width) + k % width] = rows[k] }
    return count
  }
}

extension TeachingLoop {
  /// The loop on the line with a key: every N_r episodes the teacher learns from each of the last ten, every N_p the
  /// learner from each of the last five, an episode a step.
  /// - Parameters:
  ///   - bins: the positions among which visits are counted, without the key and with it.
  ///   - observe: called after every episode with its number from 1; false stops.
  public func run(
    in line: KeyLine, bins: Int, teacher: NeuralShaping, learner: NeuralReinforce, episodes: Int,
    random: inout RandomGenerator, observe: (Int, ObservedEpisode) throws -> Bool
  ) throws {
    try check()
    var recentEpisodes: [ObservedEpisode] = []
    for number in stride(from: 1, through: episodes, by: 1) {
      var episode = play(line, bins, teacher, learner, &random)
      if teacher.configuration.isSelfTaught, number > teacher.configuration.delay {
        let shaping = teacher.shaping(of: episode.observations)
        for t in 0..<episode.count { episode.designed[t] += shaping[t * KeyLine.actionCount + episode.actions[t]] }
      }
      recentEpisodes.append(episode)
      if recentEpisodes.count > buffer { recentEpisodes.removeFirst() }
      if number % teacherEvery == 0 { recentEpisodes.forEach(teacher.update) }
      if number % learnerEvery == 0 {
        for episode in recentEpisodes.suffix(recent) { learner.learn(from: episode, discount: line.discount) }
      }
      if try !observe(number, episode) { return }
    }
  }

  /// R̂ = R̄ + B so far; φ does not change within an episode and is added to all of it at once.
  private func play(
    _ line: KeyLine, _ bins: Int, _ teacher: NeuralShaping, _ learner: NeuralReinforce, _ random: inout RandomGenerator
  ) -> ObservedEpisode {
    var episode = ObservedEpisode()
    var state = line.first(random: &random)
    for _ in 0..<horizon {
      let observation = line.observation(of: state)
      let probabilities = learner.probabilities(of: observation)
      let action = draw(from: probabilities[...], random: &random)
      let step = line.step(state, action, random: &random)
      episode.observations += observation
      episode.actions.append(action)
      episode.probabilities += probabilities
      episode.original.append(step.reward)
      let bonus = step.next.map { teacher.bonus(KeyLine.cell(of: $0, count: bins)) } ?? 0
      episode.designed.append(step.reward + bonus)
      teacher.visited(KeyLine.cell(of: state, count: bins))
      guard let next = step.next else { break }
      state = next
    }
    return episode
  }
}
