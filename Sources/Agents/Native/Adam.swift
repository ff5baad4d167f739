import Foundation

/// Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1) over one buffer of parameters; the numbers are PyTorch's.
package final class Adam: @unchecked Sendable {
  let beta1: Float = 0.9
  let beta2: Float = 0.999
  let epsilon: Float
  private(set) var steps = 0
  let mean: FloatBuffer
  let square: FloatBuffer

  /// - Parameter epsilon: stable-baselines3's of PPO; PyTorch's own default is 1e-8.
  package init(count: Int, epsilon: Float = 1e-5) {
    self.epsilon = epsilon
    mean = FloatBuffer(count)
    square = FloatBuffer(count)
  }

  /// One step along `scale · gradients`; `scale` is what clipping by the global norm leaves.
  package func step(
    _ parameters: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>, scale: Float, learningRate: Float
  ) {
    steps += 1
    let correction1 = 1 - pow(Double(beta1), Double(steps)), correction2 = 1 - pow(Double(beta2), Double(steps))
    let rate = Lanes(repeating: -Float(Double(learningRate) / correction1))
    let root = Lanes(repeating: Float(1 / correction2.squareRoot()))
    let keep1 = Lanes(repeating: beta1), take1 = Lanes(repeating: (1 - beta1))
    let keep2 = Lanes(repeating: beta2), take2 = Lanes(repeating: (1 - beta2))
    let epsilon = Lanes(repeating: epsilon), scale = Lanes(repeating: scale)
    var i = 0
    while i < mean.count {
      let gradient = (gradients + i).lanes * scale
      let m = (mean.base + i).lanes * keep1 + gradient * take1
      let v = (square.base + i).lanes * keep2 + gradient * gradient * take2
      (mean.base + i).lanes = m
      (square.base + i).lanes = v
      (parameters + i).lanes += rate * m / (Kernels.squareRoot(v) * root + epsilon)
      i &+= 8
    }
  }

  func restore(steps: Int, mean: [Float], square: [Float]) {
    self.steps = steps
    self.mean.assign(mean)
    self.square.assign(square)
  }
}
