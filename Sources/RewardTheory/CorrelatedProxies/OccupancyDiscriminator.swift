import Agents
import Basics
import Foundation

/// What ORPO holds the policy near the base one by.
public enum OccupancyDivergence: String, Sendable, Hashable, Codable, CaseIterable {
  /// √χ², the paper's.
  case rootChiSquared
  /// χ²; the factor 2 of its gradient is folded into the coefficient.
  case chiSquared
  case kullbackLeibler
  case totalVariation
  /// Wasserstein's, with the weights clamped.
  case wasserstein
}

/// d(s, a), a network that tells where one policy goes from where another does: trained on samples of both it becomes
/// log(μ(s, a) / μ0(s, a)), from which divergences between occupancies are estimated.
///
/// It needs nothing but rows of numbers, so it also compares recorded episodes.
public final class OccupancyDiscriminator {
  public struct Configuration: Sendable, Hashable, Codable {
    public var hidden = [256, 256]
    public var learningRate: Float = 1e-3
    /// Rows of each policy in a minibatch.
    public var minibatch = 64
    /// Where Wasserstein's weights are clamped.
    public var weightClamp: Float = 0.01

    public init() {}
  }

  public let configuration: Configuration
  public let divergence: OccupancyDivergence
  /// Numbers of a row.
  public let width: Int
  private let network: MLP
  private let optimizer: Adam
  private let workspace: MLP.Workspace
  private let inputs: FloatBuffer
  private let stride: Int
  private var random: RandomGenerator

  /// - Parameter width: numbers of a row: the flattened observation, with a one-hot action behind it for occupancies of
  ///   states and actions, without for those of states alone.
  /// - Throws: `GuerdonError` for widths below 1.
  public init(
    width: Int, divergence: OccupancyDivergence = .rootChiSquared, configuration: Configuration = .init(), seed: UInt64
  ) throws {
    guard width >= 1, configuration.minibatch >= 1, configuration.hidden.allSatisfy({ $0 >= 1 }),
      configuration.learningRate > 0
    else { throw GuerdonError.usage("A discriminator needs rows, layers and minibatches of at least 1.") }
    (self.width, self.divergence, self.configuration) = (width, divergence, configuration)
    network = MLP(widths: [width] + configuration.hidden + [1], activation: .leakyReLU)
    random = RandomGenerator(seed: seed, spawnKey: [0x64])
    network.initializeUniformly(random: &random)
    optimizer = Adam(count: network.parameters.count, epsilon: 1e-8)
    workspace = MLP.Workspace(network, capacity: 2 * configuration.minibatch)
    stride = padded(width)
    inputs = FloatBuffer(2 * configuration.minibatch * stride)
  }

  /// Passes over samples of both policies.
  ///
  /// The loss is mean softplus(−d) over the current policy's rows + mean softplus(d) over the reference's, whose
  /// minimum is the log-ratio; for total variation mean tanh(−d) + mean tanh(d) + 0.01 d², for Wasserstein's the
  /// difference of the means.
  /// - Parameters:
  ///   - current: rows of `width` numbers, one after the other, where the current policy went.
  ///   - reference: the same where the reference policy went.
  /// - Throws: `GuerdonError` where either is empty or no whole number of rows.
  public func train(current: [Float], reference: [Float], epochs: Int) throws {
    guard !current.isEmpty, !reference.isEmpty, current.count % width == 0, reference.count % width == 0 else {
      throw GuerdonError.usage("A discriminator is trained on whole rows of \(width) numbers of two policies.")
    }
    var currentOrder = Array(0..<current.count / width), referenceOrder = Array(0..<reference.count / width)
    let rows = min(configuration.minibatch, currentOrder.count, referenceOrder.count)
    for _ in 0..<epochs {
      shuffle(&currentOrder)
      shuffle(&referenceOrder)
      // One pass over the larger set; the smaller one comes round again.
      for batch in 0..<max(currentOrder.count, referenceOrder.count) / rows {
        for i in 0..<rows {
          copy(current, currentOrder[(batch * rows + i) % currentOrder.count], to: i)
          copy(reference, referenceOrder[(batch * rows + i) % referenceOrder.count], to: rows + i)
        }
        step(rows)
      }
    }
  }

  /// d of each row: log(μ / μ0) once trained on either χ² or on KL.
  /// - Parameter rows: rows of `width` numbers, one after the other.
  public func logRatios(of rows: [Float]) -> [Double] {
    precondition(rows.count % width == 0, "rows of \(width) numbers are scored")
    let count = rows.count / width, capacity = 2 * configuration.minibatch
    var ratios: [Double] = []
    ratios.reserveCapacity(count)
    for begin in Swift.stride(from: 0, to: count, by: capacity) {
      let size = min(capacity, count - begin)
      for i in 0..<size { copy(rows, begin + i, to: i) }
      network.forward(inputs.base, stride: stride, count: size, workspace)
      for i in 0..<size { ratios.append(Double(workspace.outputs[8 * i])) }
    }
    return ratios
  }

  /// The divergence, and each row's share of its gradient, from d on the current policy's rows.
  ///
  /// c = exp(d) − 1; χ² is estimated by the mean of c after the lowest and the highest 1 % were dropped. The penalty of
  /// √χ² is c / √χ² where χ² is above 0 and c elsewhere; of χ² it is c, of KL and of Wasserstein's d, of total
  /// variation the sign of d. A penalty that is not finite counts as 0, all are clipped.
  /// - Returns: penalties, and the estimated divergence (χ² for both of its kinds).
  public static func penalties(
    _ divergence: OccupancyDivergence, logRatios: [Double], clip: Double
  ) -> (penalties: [Double], estimate: Double) {
    func trimmedMean(_ values: [Double]) -> Double {
      let sorted = values.filter { !$0.isNaN }.sorted(), cut = sorted.count / 100
      let kept = sorted[cut..<max(cut, sorted.count - cut)]
      return kept.isEmpty ? 0 : kept.reduce(0, +) / Double(kept.count)
    }
    let raw: [Double]
    var estimate: Double
    switch divergence {
    case .rootChiSquared, .chiSquared:
      let excess = logRatios.map { expm1($0) }
      estimate = trimmedMean(excess)
      let scale = divergence == .rootChiSquared && estimate > 0 ? 1 / estimate.squareRoot() : 1
      raw = excess.map { $0 * scale }
    case .kullbackLeibler, .wasserstein:
      raw = logRatios
      estimate = trimmedMean(raw)
    case .totalVariation:
      raw = logRatios.map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
      estimate = trimmedMean(logRatios.map { tanh($0) })
    }
    if !estimate.isFinite { estimate = clip }
    return (raw.map { $0.isFinite ? min(max($0, -clip), clip) : 0 }, estimate)
  }

  private func copy(_ rows: [Float], _ row: Int, to i: Int) {
    for j in 0..<width { inputs.base[i * stride + j] = rows[row * width + j] }
  }

  private func shuffle(_ order: inout [Int]) {
    for i in Swift.stride(from: order.count - 1, to: 0, by: -1) { order.swapAt(i, random.integer(below: i + 1)) }
  }

  /// One step of Adam on `rows` rows of the current policy and as many of the reference.
  private func step(_ rows: Int) {
    network.forward(inputs.base, stride: stride, count: 2 * rows, workspace)
    let share = 1 / Float(rows)
    for i in 0..<2 * rows {
      let d = workspace.outputs[8 * i]
      let sign: Float = i < rows ? -1 : 1
      let slope: Float
      switch divergence {
      case .rootChiSquared, .chiSquared, .kullbackLeibler: slope = sign / (1 + exp(-sign * d))
      case .totalVariation:
        let t = tanh(d)
        slope = sign * (1 - t * t) + 0.02 * d
      case .wasserstein: slope = sign
      }
      workspace.outputDeltas[8 * i] = slope * share
    }
    network.backward(inputs.base, stride: stride, count: 2 * rows, workspace)
    optimizer.step(
      network.parameters.base, gradients: workspace.gradients.base, scale: 1, learningRate: configuration.learningRate)
    if divergence == .wasserstein {
      let clamp = configuration.weightClamp
      for i in 0..<network.parameters.count {
        network.parameters.base[i] = min(max(network.parameters.base[i], -clamp), clamp)
      }
    }
    network.refresh()
  }
}
