import Basics
import Foundation
import TestSupport
import Testing

@testable import Agents

/// The native network beside PyTorch's, from the same parameters on the same data.
@Suite struct NativeNetworkTests {
  struct Input: Encodable {
    var widths: [Int]
    var activation: String
    var weights: [[Float]]
    var biases: [[Float]]
    var x: [[Float]]
    var target: [[Float]]
    var steps: Int
  }
  struct Output: Decodable {
    var outputs: [[Float]]
    var firstGradients: [[Float]]
    var weights: [[Float]]
    var biases: [[Float]]
  }

  static let script = """
    import json, sys, torch
    d = json.load(sys.stdin)
    layers = []
    for i, (a, b) in enumerate(zip(d["widths"], d["widths"][1:])):
        linear = torch.nn.Linear(a, b)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(d["weights"][i]).view(b, a)); linear.bias.copy_(torch.tensor(d["biases"][i]))
        layers += [linear, dict(tanh=torch.nn.Tanh, relu=torch.nn.ReLU, leakyReLU=torch.nn.LeakyReLU)[d["activation"]]()]
    net = torch.nn.Sequential(*layers[:-1])
    x, y = torch.tensor(d["x"]), torch.tensor(d["target"])
    outputs = net(x).detach().tolist()
    adam = torch.optim.Adam(net.parameters(), lr=3e-3, eps=1e-5)
    first = None
    for step in range(d["steps"]):
        adam.zero_grad(); ((net(x) - y) ** 2).sum(1).mean().backward()
        if first is None: first = [m.weight.grad.flatten().tolist() for m in net if hasattr(m, "weight")]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        adam.step()
    linears = [m for m in net if hasattr(m, "weight")]
    print(json.dumps(dict(outputs=outputs, firstGradients=first,
      weights=[m.weight.flatten().tolist() for m in linears], biases=[m.bias.tolist() for m in linears])))
    """

  /// Widths and batches that meet every block of the kernels, and their remainders.
  @Test(
    arguments: [([17, 64, 64, 6], 64), ([3, 64, 1], 7), ([1, 5, 9, 33, 2], 13), ([26, 48, 24], 1), ([4, 2], 5)],
    [MLP.Activation.tanh, .leakyReLU])
  func equalsPyTorch(shape: (widths: [Int], batch: Int), activation: MLP.Activation) throws {
    let (widths, batch) = shape
    // Nothing holds leaky units' outputs below 1.
    let slack: Float = activation == .tanh ? 1 : 10
    var random = RandomGenerator(seed: UInt64(batch))
    let network = MLP(widths: widths, activation: activation)
    network.initialize(outputGain: 1, random: &random)
    for index in network.layers.indices {
      let (weight, bias) = network.get(layer: index)
      network.set(layer: index, weight: weight, bias: bias.map { _ in Float(0.1 * random.normal()) })
    }
    func normals(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.normal()) } }
    let x = (0..<batch).map { _ in normals(widths[0]) }
    let target = (0..<batch).map { _ in normals(widths[widths.count - 1]) }
    let steps = 40
    let torch: Output = try Python.run(
      Self.script,
      input: Input(
        widths: widths, activation: activation.rawValue, weights: network.layers.indices.map { network.get(layer: $0).weight },
        biases: network.layers.indices.map { network.get(layer: $0).bias }, x: x, target: target, steps: steps))

    let stride = padded(widths[0]), outputs = widths[widths.count - 1], outputRow = padded(outputs)
    let inputs = FloatBuffer(batch * stride)
    for (i, row) in x.enumerated() { for (j, value) in row.enumerated() { inputs.base[i * stride + j] = value } }
    let workspace = MLP.Workspace(network, capacity: batch)
    let adam = Adam(count: network.parameters.count)
    for step in 0..<steps {
      network.forward(inputs.base, stride: stride, count: batch, workspace)
      for i in 0..<batch {
        for j in 0..<outputs {
          if step == 0 { #expect(abs(workspace.outputs[i * outputRow + j] - torch.outputs[i][j]) < 2e-6 * slack) }
          workspace.outputDeltas[i * outputRow + j] =
            2 * (workspace.outputs[i * outputRow + j] - target[i][j]) / Float(batch)
        }
      }
      network.backward(inputs.base, stride: stride, count: batch, workspace)
      if step == 0 {
        for (layer, expected) in zip(network.layers, torch.firstGradients) {
          for output in 0..<layer.outputs {
            for input in 0..<layer.inputs {
              let ours = workspace.gradients.base[layer.weights + input * layer.row + output]
              #expect(abs(ours - expected[output * layer.inputs + input]) < 1e-5 * slack)
            }
          }
        }
      }
      let norm = workspace.gradients.array.reduce(0) { $0 + $1 * $1 }.squareRoot()
      adam.step(
        network.parameters.base, gradients: workspace.gradients.base, scale: min(1, 0.5 / (norm + 1e-6)),
        learningRate: 3e-3)
      network.refresh()
    }
    for index in network.layers.indices {
      let (weight, bias) = network.get(layer: index)
      #expect(zip(weight, torch.weights[index]).allSatisfy { abs($0 - $1) < 1e-4 * slack })
      #expect(zip(bias, torch.biases[index]).allSatisfy { abs($0 - $1) < 1e-4 * slack })
    }
    // What the padding holds would leak into neighbouring rows.
    for layer in network.layers {
      for input in 0..<layer.inputs {
        for column in layer.outputs..<layer.row {
          #expect(network.parameters.base[layer.weights + input * layer.row + column] == 0)
        }
      }
    }
  }

  /// Products large enough to be packed, straight and transposed, with every remainder, beside sums in double precision.
  @Test(arguments: [(131, 72, 300), (64, 264, 128), (25, 400, 41), (28, 16, 1100)], [false, true])
  func productsAreExact(shape: (m: Int, n: Int, k: Int), transposed: Bool) {
    let (m, n, k) = shape
    var random = RandomGenerator(seed: UInt64(m))
    func filled(_ count: Int) -> FloatBuffer {
      let buffer = FloatBuffer(count)
      buffer.assign((0..<count).map { _ in Float(random.normal()) })
      return buffer
    }
    let a = filled(m * k), b = filled(k * n), start = filled(n)
    let c = FloatBuffer(m * n + 8)
    let (aRow, aColumn) = transposed ? (1, m) : (k, 1)
    Kernels.multiply(
      m: m, n: n, k: k, a: a.base, aRow: aRow, aColumn: aColumn, b: b.base, bRow: n, c: c.base, cRow: n,
      start: UnsafePointer(start.base))
    var worst = 0.0
    for i in 0..<m {
      for j in 0..<n {
        var sum = Double(start.base[j])
        for p in 0..<k { sum += Double(a.base[i * aRow + p * aColumn]) * Double(b.base[p * n + j]) }
        worst = max(worst, abs(sum - Double(c.base[i * n + j])))
      }
    }
    #expect(worst < 5e-7 * Double(k))
    #expect(c.array.suffix(8).allSatisfy { $0 == 0 })
  }

  @Test func startsOrthogonal() {
    var random = RandomGenerator(seed: 5)
    let network = MLP(widths: [17, 64, 8])
    network.initialize(outputGain: 0.01, random: &random)
    // 64 × 17: the columns are orthogonal, of length √2. 8 × 64: the rows are, of length 0.01.
    let (first, _) = network.get(layer: 0), (last, _) = network.get(layer: 1)
    for a in 0..<17 {
      for b in 0..<17 {
        let dot = (0..<64).reduce(Float(0)) { $0 + first[$1 * 17 + a] * first[$1 * 17 + b] }
        #expect(abs(dot - (a == b ? 2 : 0)) < 1e-5)
      }
    }
    for a in 0..<8 {
      for b in 0..<8 {
        let dot = (0..<64).reduce(Float(0)) { $0 + last[a * 64 + $1] * last[b * 64 + $1] }
        #expect(abs(dot - (a == b ? 1e-4 : 0)) < 1e-8)
      }
    }
  }

  @Test func squareRootIsAccurateToAFewUnitsInTheLastPlace() {
    var random = RandomGenerator(seed: 12)
    for _ in 0..<20_000 {
      let value = Float(exp(random.uniform(-80, 80)))
      let root = Kernels.squareRoot(Lanes(repeating: value))[3]
      #expect(abs(Double(root) - Double(value).squareRoot()) <= 3 * Double(root.ulp))
    }
    for tiny: Float in [0, 1e-45, 1e-38] { #expect(Kernels.squareRoot(Lanes(repeating: tiny))[0] <= 1.001e-18) }
    #expect(Kernels.squareRoot(Lanes(repeating: .nan))[0].isNaN)
  }

  @Test func tanhIsAccurateToAFewUnitsInTheLastPlace() {
    let count = 80_000
    let buffer = FloatBuffer(count)
    let inputs = (0..<count).map { Float(-12 + 24 * Double($0) / Double(count)) }
    buffer.assign(inputs)
    Kernels.tanh(buffer.base, count: count)
    for (input, output) in zip(inputs, buffer.array) {
      let exact = tanh(Double(input))
      #expect(abs(Double(output) - exact) <= 5 * Double(Float(exact).ulp))
    }
    let extremes = FloatBuffer(8)
    extremes.assign([.infinity, -.infinity, 100, -100, 0, 1e-30, -1e-30, 8])
    Kernels.tanh(extremes.base, count: 8)
    #expect(extremes.array.prefix(4).map(\.magnitude).allSatisfy { abs($0 - 1) < 1e-6 })
    #expect(extremes.array[4] == 0 && abs(extremes.array[5] - 1e-30) < 1e-36)
  }
}
