/// Division of rewards by the running standard deviation of the discounted return, as Gymnasium's and
/// stable-baselines3's normalisers do: r / √(Var[Σ γ^k r_{t−k}] + 1e-8), clipped to ±10.
public struct RewardNormalizer: Sendable, Hashable, Codable {
  public let gamma: Double
  /// Of the discounted return.
  public private(set) var moments = RunningMoments(width: 1)
  /// Discounted return of each environment so far.
  private var returns: [Double]

  public var count: Int { returns.count }

  /// - Parameter count: environments.
  public init(count: Int, gamma: Double) {
    self.gamma = gamma
    returns = Array(repeating: 0, count: count)
  }

  /// What a reward is divided by now.
  public var scale: Double { (moments.variance[0] + 1e-8).squareRoot() }

  /// Takes in one step's rewards.
  /// - Parameters:
  ///   - rewards: [count].
  ///   - ended: whether environment i's episode ended in this step.
  public mutating func update(_ rewards: UnsafePointer<Double>, ended: (Int) -> Bool) {
    for i in returns.indices { returns[i] = returns[i] * gamma + rewards[i] }
    returns.withUnsafeBufferPointer { values in
      if let start = values.baseAddress { moments.update(start, rows: values.count) }
    }
    for i in returns.indices where ended(i) { returns[i] = 0 }
  }

  public func normalized(_ reward: Double) -> Double { min(max(reward / scale, -10), 10) }
}
