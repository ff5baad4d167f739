internal import CTorch

/// Stochastic gradient descent with momentum, as PyTorch's: v ← µ v + (1 − dampening) g, then θ ← θ − lr v
/// (or θ − lr (g + µ v) with Nesterov's momentum).
public final class SGD: Optimizer {
  public let parameters: [Tensor]
  public var learningRate: Double
  public let momentum: Double
  public let dampening: Double
  public let weightDecay: Double
  public let nesterov: Bool
  private var state: OptimizerState

  public init(
    _ parameters: [Tensor], learningRate: Double = 1e-3, momentum: Double = 0, dampening: Double = 0,
    weightDecay: Double = 0, nesterov: Bool = false
  ) {
    precondition(!nesterov || momentum > 0 && dampening == 0, "Nesterov's momentum has no dampening.")
    self.parameters = parameters
    self.learningRate = learningRate
    self.momentum = momentum
    self.dampening = dampening
    self.weightDecay = weightDecay
    self.nesterov = nesterov
    state = OptimizerState(count: parameters.count)
  }

  public func step() {
    // At its first step a parameter's momentum is its gradient, undampened.
    let indices = withGradient(parameters)
    let fresh = momentum == 0 ? [] : indices.filter { state.slots[$0].isEmpty }
    update(fresh, first: true)
    update(indices.filter { !fresh.contains($0) }, first: false)
  }

  private func update(_ indices: [Int], first: Bool) {
    if indices.isEmpty { return }
    let momenta = momentum == 0
      ? [] : state.tensors("momentum_buffer", of: indices) { parameters[$0].detach().zerosLike() }
    let options = ct_sgd_options(
      learning_rate: learningRate, momentum: momentum, dampening: dampening, weight_decay: weightDecay,
      nesterov: nesterov, maximize: false, first_step: first)
    let status = withPointers(indices.map { parameters[$0] }) { parameters, count in
      withPointers(momenta) { momenta, _ in ct_sgd_step(parameters, momenta, count, options) }
    }
    check(status, #fileID, #line)
  }

  public func stateDict() -> [String: Tensor] { state.stateDict(learningRate: learningRate) }

  public func loadStateDict(_ state: [String: Tensor]) throws {
    (self.state, learningRate) = try OptimizerState.read(
      state, parameters: parameters, names: momentum == 0 ? [] : ["momentum_buffer"], optimizer: "SGD"
    ) { $1.shape }
  }
}
