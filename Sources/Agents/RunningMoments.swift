/// Mean and variance of a stream of vectors, merged batch by batch (Chan et al., 1979), as in Gymnasium's and
/// stable-baselines3's normalisers.
public struct RunningMoments: Sendable, Hashable, Codable {
  public private(set) var mean: [Double]
  public private(set) var variance: [Double]
  public private(set) var count: Double

  public init(width: Int) {
    mean = Array(repeating: 0, count: width)
    variance = Array(repeating: 1, count: width)
    count = 1e-4
  }

  init(mean: [Double], variance: [Double], count: Double) {
    (self.mean, self.variance, self.count) = (mean, variance, count)
  }

  /// Takes in `rows` row-major vectors.
  public mutating func update(_ values: UnsafePointer<Double>, rows: Int) {
    guard rows > 0 else { return }
    let width = mean.count
    let batch = Double(rows), total = count + batch
    for j in 0..<width {
      var sum = 0.0
      for i in 0..<rows { sum += values[i &* width &+ j] }
      let batchMean = sum / batch
      var squares = 0.0
      for i in 0..<rows {
        let difference = values[i &* width &+ j] - batchMean
        squares += difference * difference
      }
      let delta = batchMean - mean[j]
      mean[j] += delta * batch / total
      variance[j] = (variance[j] * count + squares + delta * delta * count * batch / total) / total
    }
    count = total
  }
}
