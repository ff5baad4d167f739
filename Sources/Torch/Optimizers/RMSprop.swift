internal import CTorch

/// RMSprop (Hinton, lecture 6e), as PyTorch's: v ← α v + (1 − α) g², then θ ← θ − lr g / (√v + ε); `centered` subtracts
/// the squared mean gradient from v, and momentum gathers the steps.
public final class RMSprop: Optimizer {
  public let parameters: [Tensor]
  public var learningRate: Double
  public let alpha: Double
  public let epsilon: Double
  public let weightDecay: Double
  public let momentum: Double
  public let centered: Bool
  private var state: OptimizerState

  public init(
    _ parameters: [Tensor], learningRate: Double = 1e-2, alpha: Double = 0.99, epsilon: Double = 1e-8,
    weightDecay: Double = 0, momentum: Double = 0, centered: Bool = false
  ) {
    self.parameters = parameters
    self.learningRate = learningRate
    self.alpha = alpha
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.momentum = momentum
    self.centered = centered
    state = OptimizerState(count: parameters.count)
  }

  public func step() {
    let indices = withGradient(parameters)
    if indices.isEmpty { return }
    let zeros = { (index: Int) in self.parameters[index].detach().zerosLike() }
    let squares = state.tensors("square_avg", of: indices, make: zeros)
    let averages = centered ? state.tensors("grad_avg", of: indices, make: zeros) : []
    let momenta = momentum == 0 ? [] : state.tensors("momentum_buffer", of: indices, make: zeros)
    let options = ct_rmsprop_options(
      learning_rate: learningRate, alpha: alpha, epsilon: epsilon, weight_decay: weightDecay, momentum: momentum,
      centered: centered)
    let status = withPointers(indices.map { parameters[$0] }) { parameters, count in
      withPointers(squares) { squares, _ in
        withPointers(averages) { averages, _ in
          withPointers(momenta) { momenta, _ in
            ct_rmsprop_step(parameters, squares, averages, momenta, count, options)
          }
        }
      }
    }
    check(status, #fileID, #line)
  }

  public func stateDict() -> [String: Tensor] { state.stateDict(learningRate: learningRate) }

  public func loadStateDict(_ state: [String: Tensor]) throws {
    let names = ["square_avg"] + (centered ? ["grad_avg"] : []) + (momentum == 0 ? [] : ["momentum_buffer"])
    (self.state, learningRate) = try OptimizerState.read(
      state, parameters: parameters, names: names, optimizer: "RMSprop"
    ) { $1.shape }
  }
}
