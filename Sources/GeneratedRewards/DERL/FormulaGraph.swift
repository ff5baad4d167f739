import Basics
import Torch

/// The paper's 12-weight variant (appendix C): a binary tree over four signals whose three nodes mix four operations.
///
/// A node is w_add (a + b) + w_sub (a − b) + w_mul a b + w_div a / b; the first two take (g1, g2) and (g3, g4), the
/// third their outputs. It shows what such a form can express; no search goes over it.
public struct FormulaGraph: Sendable, Hashable {
  /// [node, operation]: add, subtract, multiply, divide.
  public var weights: [Double]

  public static let nodes = 3, operations = 4, signals = 4

  /// Divisors nearer to zero are moved there, sign kept, so that a value always exists.
  public static let smallestDivisor = 0.1

  public init(weights: [Double]) {
    precondition(weights.count == Self.nodes * Self.operations, "the graph has 12 weights")
    self.weights = weights
  }

  public func value(at g: [Double]) -> Double {
    func node(_ index: Int, _ a: Double, _ b: Double) -> Double {
      let w = weights[index * Self.operations..<(index + 1) * Self.operations].map { $0 }
      let divisor = abs(b) < Self.smallestDivisor ? (b < 0 ? -Self.smallestDivisor : Self.smallestDivisor) : b
      return w[0] * (a + b) + w[1] * (a - b) + w[2] * a * b + w[3] * a / divisor
    }
    return node(2, node(0, g[0], g[1]), node(1, g[2], g[3]))
  }

  /// Fits the weights offline, by least squares with Adam.
  /// - Parameters:
  ///   - points: rows of four signals.
  ///   - targets: one a row.
  /// - Returns: the graph and its mean squared error.
  /// - Throws: `GuerdonError.failure` where there is nothing to fit, or the fit diverges.
  public static func fit(
    points: [[Double]], targets: [Double], steps: Int = 2_000, learningRate: Double = 0.02, seed: UInt64
  ) throws -> (graph: FormulaGraph, error: Double) {
    guard !points.isEmpty, points.count == targets.count, points.allSatisfy({ $0.count == signals }) else {
      throw GuerdonError.failure("The graph is fitted to rows of four signals with one target each.")
    }
    let columns = Tensor(points).unbind(dim: 1)
    let wanted = Tensor(targets)
    let weights = (Tensor.randn([nodes, operations], generator: Generator(seed: seed), dtype: .float64) * 0.1)
      .detach().requiresGrad_()
    func node(_ index: Int, _ a: Tensor, _ b: Tensor) -> Tensor {
      let w = weights[index].unbind(dim: 0)
      let sign = Tensor.where(b .< 0, -b.onesLike(), b.onesLike())
      let divisor = sign * b.abs().clamp(min: smallestDivisor)
      return w[0] * (a + b) + w[1] * (a - b) + w[2] * a * b + w[3] * a / divisor
    }
    func error() -> Tensor {
      let value = node(2, node(0, columns[0], columns[1]), node(1, columns[2], columns[3]))
      return (value - wanted).square().mean()
    }
    let optimizer = Torch.Adam([weights], learningRate: learningRate)
    for step in 0..<steps {
      optimizer.learningRate = learningRate * LearningRateSchedule.cosine(minimum: 0.01, steps: steps)(step)
      optimizer.zeroGrad()
      error().backward()
      optimizer.step()
    }
    let final = noGrad { error().item() }
    guard final.isFinite else { throw GuerdonError.failure("The fit of the 12-weight graph diverged.") }
    return (FormulaGraph(weights: weights.detach().array(of: Double.self)), final)
  }
}
