import Basics
import Foundation

/// A multilayer perceptron in f32 with hand-written SIMD forward and backward passes: the native path for small networks.
///
/// Layer l maps [batch, widths[l]] to [batch, widths[l + 1]] by x · Wᵀ + b; hidden layers end in the activation, the last
/// in nothing.
/// All parameters lie in one buffer, so that an optimiser is one loop. Weights are stored transposed, [in, out], with
/// rows padded to whole vectors; the padding is zero and stays zero.
package final class MLP: @unchecked Sendable {
  /// What hidden layers end in.
  package enum Activation: String, Sendable {
    case tanh, relu
    /// max(x, x / 100).
    case leakyReLU
  }

  /// Where one layer's numbers stand in the parameter buffer.
  struct Layer: Sendable {
    let inputs: Int
    let outputs: Int
    let weights: Int
    let bias: Int
    /// Distance between rows of the transposed weight matrix.
    var row: Int { padded(outputs) }
  }

  let widths: [Int]
  let activation: Activation
  let layers: [Layer]
  package let parameters: FloatBuffer
  /// `weight` [out, in] of every layer: the layout that the backward pass wants. Refreshed by `refresh()`; the first
  /// layer's is empty where nobody asks for gradients of inputs.
  private let untransposed: [FloatBuffer]

  /// - Parameters:
  ///   - widths: inputs, hidden widths, outputs: at least two numbers, each at least 1.
  ///   - hasInputGradients: whether `backwardToInputs` will be called.
  package init(widths: [Int], activation: Activation = .tanh, hasInputGradients: Bool = false) {
    precondition(widths.count >= 2 && widths.allSatisfy { $0 >= 1 }, "an MLP has an input and an output width")
    self.widths = widths
    self.activation = activation
    var offset = 0
    layers = zip(widths, widths.dropFirst()).map { inputs, outputs in
      let weights = offset
      offset += inputs * padded(outputs)
      let bias = offset
      offset += padded(outputs)
      return Layer(inputs: inputs, outputs: outputs, weights: weights, bias: bias)
    }
    parameters = FloatBuffer(offset)
    untransposed = layers.enumerated().map { index, layer in
      FloatBuffer(index > 0 || hasInputGradients ? layer.outputs * padded(layer.inputs) : 0)
    }
  }

  /// Orthogonal weights and zero biases, as stable-baselines3 starts its policies: gain √2 for hidden layers.
  package func initialize(outputGain: Float, random: inout RandomGenerator) {
    for (index, layer) in layers.enumerated() {
      let gain = index == layers.count - 1 ? outputGain : Float(2).squareRoot()
      let weights = orthogonal(rows: layer.outputs, columns: layer.inputs, random: &random)
      set(layer: index, weight: weights.map { $0 * gain }, bias: [Float](repeating: 0, count: layer.outputs))
    }
  }

  /// Weights and biases uniform in ±1/√inputs, as PyTorch starts its `Linear`.
  package func initializeUniformly(random: inout RandomGenerator) {
    for (index, layer) in layers.enumerated() {
      let bound = 1 / Double(layer.inputs).squareRoot()
      let weight = (0..<layer.outputs * layer.inputs).map { _ in Float(random.uniform(-bound, bound)) }
      set(layer: index, weight: weight, bias: (0..<layer.outputs).map { _ in Float(random.uniform(-bound, bound)) })
    }
  }

  /// A network of the same shape and parameters.
  func copy() -> MLP {
    let copy = MLP(widths: widths, activation: activation)
    copy.assign(parameters.array)
    return copy
  }

  /// Replaces all parameters.
  func assign(_ values: [Float]) {
    parameters.assign(values)
    refresh()
  }

  /// θ ← (1 − τ) θ + τ θ', of the parameters alone: a target network is never differentiated, so nothing is refreshed.
  func polyak(towards other: MLP, tau: Float) {
    let keep = Lanes(repeating: 1 - tau), take = Lanes(repeating: tau)
    var i = 0
    while i < parameters.count {
      (parameters.base + i).lanes = (parameters.base + i).lanes * keep + (other.parameters.base + i).lanes * take
      i &+= 8
    }
  }

  /// Layer `index`'s parameters as PyTorch's `Linear` has them: weight [out, in] in row-major order, bias [out].
  func get(layer index: Int) -> (weight: [Float], bias: [Float]) {
    let layer = layers[index]
    var weight = [Float](repeating: 0, count: layer.outputs * layer.inputs)
    for output in 0..<layer.outputs {
      for input in 0..<layer.inputs {
        weight[output * layer.inputs + input] = parameters.base[layer.weights + input * layer.row + output]
      }
    }
    return (weight, (0..<layer.outputs).map { parameters.base[layer.bias + $0] })
  }

  func set(layer index: Int, weight: [Float], bias: [Float]) {
    let layer = layers[index]
    precondition(weight.count == layer.outputs * layer.inputs && bias.count == layer.outputs, "wrong parameter shape")
    for output in 0..<layer.outputs {
      for input in 0..<layer.inputs {
        parameters.base[layer.weights + input * layer.row + output] = weight[output * layer.inputs + input]
      }
      parameters.base[layer.bias + output] = bias[output]
    }
    refresh()
  }

  /// Must follow every change of `parameters`.
  package func refresh() {
    for (layer, copy) in zip(layers, untransposed) where copy.count > 0 {
      let source = parameters.base + layer.weights
      let row = padded(layer.inputs)
      // Four outputs at a time, so that each cache line of the source is read once.
      var output = 0
      while output + 4 <= layer.outputs {
        let target = copy.base + output &* row
        for input in 0..<layer.inputs {
          let four = source + input &* layer.row + output
          target[input] = four[0]
          target[input &+ row] = four[1]
          target[input &+ 2 &* row] = four[2]
          target[input &+ 3 &* row] = four[3]
        }
        output &+= 4
      }
      while output < layer.outputs {
        let target = copy.base + output &* row
        for input in 0..<layer.inputs { target[input] = source[input &* layer.row &+ output] }
        output &+= 1
      }
    }
  }

  /// Activations and gradients of up to `capacity` rows; one a thread.
  package final class Workspace: @unchecked Sendable {
    let capacity: Int
    /// Outputs of each layer, rows of `padded(width)`.
    fileprivate let activations: [FloatBuffer]
    /// Gradients with respect to them.
    fileprivate let deltas: [FloatBuffer]
    /// Gradients with respect to the parameters, laid out as these.
    package let gradients: FloatBuffer

    package init(_ network: MLP, capacity: Int) {
      self.capacity = capacity
      activations = network.widths.dropFirst().map { FloatBuffer(capacity * padded($0)) }
      deltas = network.widths.dropFirst().map { FloatBuffer(capacity * padded($0)) }
      gradients = FloatBuffer(network.parameters.count)
    }

    /// The network's outputs: rows of `padded(outputs)`.
    package var outputs: UnsafeMutablePointer<Float> { activations[activations.count - 1].base }
    /// Where the caller writes the loss's gradient with respect to the outputs, padding left zero.
    package var outputDeltas: UnsafeMutablePointer<Float> { deltas[deltas.count - 1].base }
  }

  /// Computes `workspace.outputs` for `count` rows of `input`, each `stride` floats from the last.
  package func forward(_ input: UnsafePointer<Float>, stride: Int, count: Int, _ workspace: Workspace) {
    var rows = input, rowStride = stride
    for (index, layer) in layers.enumerated() {
      let output = workspace.activations[index].base
      Kernels.multiply(
        m: count, n: layer.row, k: layer.inputs, a: rows, aRow: rowStride, aColumn: 1,
        b: parameters.base + layer.weights, bRow: layer.row, c: output, cRow: layer.row,
        start: UnsafePointer(parameters.base + layer.bias))
      if index < layers.count - 1 {
        switch activation {
        case .tanh: Kernels.tanh(output, count: count &* layer.row)
        case .relu: Kernels.relu(output, count: count &* layer.row)
        case .leakyReLU: Kernels.leakyReLU(output, count: count &* layer.row)
        }
      }
      rows = UnsafePointer(output)
      rowStride = layer.row
    }
  }

  /// Overwrites `workspace.gradients` with the gradient of the loss whose derivative by the outputs is in
  /// `workspace.outputDeltas`; `forward` must have run on the same rows.
  package func backward(_ input: UnsafePointer<Float>, stride: Int, count: Int, _ workspace: Workspace) {
    for index in layers.indices.reversed() {
      let layer = layers[index]
      let delta = workspace.deltas[index].base
      let below: UnsafePointer<Float> = index == 0 ? input : UnsafePointer(workspace.activations[index - 1].base)
      let belowRow = index == 0 ? stride : padded(layer.inputs)
      // ∂L/∂Wᵀ = xᵀ · δ, ∂L/∂b = Σ δ
      Kernels.multiply(
        m: layer.inputs, n: layer.row, k: count, a: below, aRow: 1, aColumn: belowRow, b: delta, bRow: layer.row,
        c: workspace.gradients.base + layer.weights, cRow: layer.row)
      sumRows(delta, count: count, row: layer.row, into: workspace.gradients.base + layer.bias)
      if index > 0 { backwardThroughHidden(index, count: count, workspace) }
    }
  }

  /// Writes the gradients with respect to some rows of the input into `gradients`, side by side in rows of
  /// `padded(inputs)`, and leaves the parameters' gradients alone. The network must have been made for it.
  /// - Parameter rows: which of the rows that `forward` ran on; `workspace.outputDeltas` holds theirs side by side.
  func backwardToInputs(rows: [Int], _ workspace: Workspace, into gradients: UnsafeMutablePointer<Float>) {
    precondition(untransposed[0].count > 0, "this network was made without gradients of inputs")
    for index in layers.indices.dropFirst().reversed() {
      backwardThroughHidden(index, count: rows.count, rows: rows, workspace)
    }
    let row = padded(layers[0].inputs)
    Kernels.multiply(
      m: rows.count, n: row, k: layers[0].outputs, a: workspace.deltas[0].base, aRow: layers[0].row, aColumn: 1,
      b: untransposed[0].base, bRow: row, c: gradients, cRow: row)
  }

  /// δ below = (δ · W) ∘ f'(·) through layer `index` and the activation beneath it.
  /// - Parameter rows: which rows of the activations the `count` rows of δ belong to; nil means the first ones.
  private func backwardThroughHidden(_ index: Int, count: Int, rows: [Int]? = nil, _ workspace: Workspace) {
    let layer = layers[index]
    let row = padded(layer.inputs)
    let deltaBelow = workspace.deltas[index - 1].base
    Kernels.multiply(
      m: count, n: row, k: layer.outputs, a: workspace.deltas[index].base, aRow: layer.row, aColumn: 1,
      b: untransposed[index].base, bRow: row, c: deltaBelow, cRow: row)
    for k in 0..<count {
      let below = workspace.activations[index - 1].base + (rows?[k] ?? k) &* row, delta = deltaBelow + k &* row
      var j = 0
      switch activation {
      case .tanh:
        while j < row {
          let value = (below + j).lanes
          (delta + j).lanes = (delta + j).lanes * (Lanes(repeating: 1) - value * value)
          j &+= 8
        }
      case .relu:
        while j < row {
          (delta + j).lanes.replace(with: 0, where: (below + j).lanes .<= 0)
          j &+= 8
        }
      case .leakyReLU:
        while j < row {
          let value = (delta + j).lanes
          (delta + j).lanes = value.replacing(
            with: value * Lanes(repeating: Kernels.leak), where: (below + j).lanes .<= 0)
          j &+= 8
        }
      }
    }
  }

  private func sumRows(_ x: UnsafePointer<Float>, count: Int, row: Int, into sums: UnsafeMutablePointer<Float>) {
    for column in 0..<row { sums[column] = 0 }
    for i in 0..<count {
      let values = x + i &* row
      var column = 0
      while column < row {
        (sums + column).lanes += (values + column).lanes
        column &+= 8
      }
    }
  }
}

/// A matrix with orthonormal rows or columns, whichever are fewer, by Gram-Schmidt on a Gaussian one (Saxe et al., 2014).
private func orthogonal(rows: Int, columns: Int, random: inout RandomGenerator) -> [Float] {
  let count = min(rows, columns), length = max(rows, columns)
  var basis: [[Double]] = []
  while basis.count < count {
    var vector = (0..<length).map { _ in random.normal() }
    // Twice, for vectors that are nearly dependent lose their orthogonality to rounding.
    for _ in 0..<2 {
      for other in basis {
        let projection = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
        for i in vector.indices { vector[i] -= projection * other[i] }
      }
    }
    let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    if norm > 1e-9 { basis.append(vector.map { $0 / norm }) }
  }
  return (0..<rows * columns).map { index in
    let (row, column) = (index / columns, index % columns)
    return Float(rows <= columns ? basis[row][column] : basis[column][row])
  }
}
