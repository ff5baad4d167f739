/// Q(s, a) and its slowly following target, of which actor-critic methods have two: a network, its optimiser and memory.
///
/// Rows are a `ReplayBatch`'s: [s | a].
final class QCritic: @unchecked Sendable {
  let network: MLP
  let target: MLP
  let optimizer: Adam
  private let training: MLP.Workspace
  private let targeting: MLP.Workspace
  private let sideBySide: FloatBuffer
  private let row: Int

  init(_ network: MLP, row: Int, minibatch: Int) {
    self.network = network
    self.row = row
    sideBySide = FloatBuffer(minibatch * row)
    target = network.copy()
    optimizer = Adam(count: network.parameters.count, epsilon: 1e-8)
    training = MLP.Workspace(network, capacity: minibatch)
    targeting = MLP.Workspace(target, capacity: minibatch)
  }

  /// Q of row `i` of the last `evaluate`.
  func value(_ i: Int) -> Float { training.outputs[8 * i] }
  /// The target's Q of row `i` of the last `evaluateTarget`.
  func targetValue(_ i: Int) -> Float { targeting.outputs[8 * i] }

  func evaluate(_ rows: FloatBuffer, count: Int) { network.forward(rows.base, stride: row, count: count, training) }
  func evaluateTarget(_ rows: FloatBuffer, count: Int) { target.forward(rows.base, stride: row, count: count, targeting) }

  /// One step of Adam down Σ_i (Q(s_i, a_i) − y_i)² · weight.
  /// - Returns: the mean squared error.
  func learn(_ rows: FloatBuffer, towards targets: FloatBuffer, count: Int, weight: Float, learningRate: Float) -> Float {
    evaluate(rows, count: count)
    var loss: Float = 0
    for i in 0..<count {
      let difference = value(i) - targets.base[i]
      loss += difference * difference
      training.outputDeltas[8 * i] = 2 * weight * difference
    }
    network.backward(rows.base, stride: row, count: count, training)
    optimizer.step(
      network.parameters.base, gradients: training.gradients.base, scale: 1, learningRate: learningRate)
    network.refresh()
    return loss / Float(count)
  }

  /// Writes weight · ∂Q(s_i, a_i)/∂(s, a) into row i of `gradients` for the given rows of the last `evaluate`.
  func inputGradients(of rows: [Int], weight: Float, into gradients: FloatBuffer) {
    for k in rows.indices { training.outputDeltas[8 * k] = weight }
    network.backwardToInputs(rows: rows, training, into: sideBySide.base)
    for (k, i) in rows.enumerated() { (gradients.base + i * row).update(from: sideBySide.base + k * row, count: row) }
  }

  func follow(tau: Float) { target.polyak(towards: network, tau: tau) }
}
