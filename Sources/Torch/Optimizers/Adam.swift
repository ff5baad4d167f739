internal import CTorch

/// Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1), as PyTorch's: weight decay is added to the gradient.
///
/// The update is LibTorch's fused kernel: one call for all parameters.
public class Adam: Optimizer {
  public let parameters: [Tensor]
  public var learningRate: Double
  public let betas: (Double, Double)
  public let epsilon: Double
  public let weightDecay: Double
  public let amsgrad: Bool
  /// AdamW's weight decay, which does not pass through the moments.
  private let decoupled: Bool
  private var state: OptimizerState

  public convenience init(
    _ parameters: [Tensor], learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999),
    epsilon: Double = 1e-8, weightDecay: Double = 0, amsgrad: Bool = false
  ) {
    self.init(parameters, learningRate, betas, epsilon, weightDecay, amsgrad, decoupled: false)
  }

  fileprivate init(
    _ parameters: [Tensor], _ learningRate: Double, _ betas: (Double, Double), _ epsilon: Double,
    _ weightDecay: Double, _ amsgrad: Bool, decoupled: Bool
  ) {
    self.parameters = parameters
    self.learningRate = learningRate
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.amsgrad = amsgrad
    self.decoupled = decoupled
    state = OptimizerState(count: parameters.count)
  }

  public func step() {
    let indices = withGradient(parameters)
    if indices.isEmpty { return }
    let zeros = { (index: Int) in self.parameters[index].detach().zerosLike() }
    let steps = state.tensors("step", of: indices) { .zeros([], device: parameters[$0].device) }
    let averages = state.tensors("exp_avg", of: indices, make: zeros)
    let squares = state.tensors("exp_avg_sq", of: indices, make: zeros)
    let largest = amsgrad ? state.tensors("max_exp_avg_sq", of: indices, make: zeros) : []
    let options = ct_adam_options(
      learning_rate: learningRate, beta1: betas.0, beta2: betas.1, epsilon: epsilon, weight_decay: weightDecay,
      decoupled: decoupled, amsgrad: amsgrad, maximize: false)
    let status = withPointers(indices.map { parameters[$0] }) { parameters, count in
      withPointers(averages) { averages, _ in
        withPointers(squares) { squares, _ in
          withPointers(largest) { largest, _ in
            withPointers(steps) { steps, _ in
              ct_adam_step(parameters, averages, squares, largest, steps, count, options)
            }
          }
        }
      }
    }
    check(status, #fileID, #line)
  }

  public func stateDict() -> [String: Tensor] { state.stateDict(learningRate: learningRate) }

  public func loadStateDict(_ state: [String: Tensor]) throws {
    let names = ["step", "exp_avg", "exp_avg_sq"] + (amsgrad ? ["max_exp_avg_sq"] : [])
    (self.state, learningRate) = try OptimizerState.read(
      state, parameters: parameters, names: names, optimizer: "\(Self.self)"
    ) { $0 == "step" ? [] : $1.shape }
  }
}

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101), as PyTorch's.
public final class AdamW: Adam {
  public convenience init(
    _ parameters: [Tensor], learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999),
    epsilon: Double = 1e-8, weightDecay: Double = 1e-2, amsgrad: Bool = false
  ) {
    self.init(parameters, learningRate, betas, epsilon, weightDecay, amsgrad, decoupled: true)
  }
}
