import Environments
import Schemas
import Torch

/// A gated recurrent unit (Cho et al., arXiv 1406.1078, with PyTorch's placing of the reset gate) under two heads: what is
/// remembered decides what is done, and what it is worth.
///
/// r = σ(W_ir x + b_ir + W_hr h + b_hr), z likewise, n = tanh(W_in x + b_in + r ∘ (W_hn h + b_hn)),
/// h' = (1 − z) ∘ n + z ∘ h.
final class RecurrentNetwork: Module {
  let hidden: Int
  /// [3 · hidden, inputs] and [3 · hidden, hidden], gates in the order r, z, n, as `torch.nn.GRU` has them.
  let inputGates: Linear
  let hiddenGates: Linear
  let actor: Linear
  let critic: Linear
  @Parameter var logDeviation: Tensor

  init(inputs: Int, hidden: Int, outputs: Int, actionWidth: Int, generator: Generator) {
    self.hidden = hidden
    inputGates = Linear(inputs, 3 * hidden, initialization: .orthogonal(), generator: generator)
    hiddenGates = Linear(hidden, 3 * hidden, initialization: .orthogonal(), generator: generator)
    actor = Linear(hidden, outputs, initialization: .orthogonal(gain: 0.01), generator: generator)
    critic = Linear(hidden, 1, initialization: .orthogonal(), generator: generator)
    _logDeviation = Parameter(.zeros([actionWidth]))
  }

  /// Runs through sequences.
  /// - Parameters:
  ///   - inputs: [steps, count, inputs].
  ///   - starts: [steps, count], 1 where a step is the first of an episode, which remembers nothing; 0 elsewhere.
  ///   - state: [count, hidden], what is remembered before the first step.
  /// - Returns: the actor's outputs [steps, count, outputs], the values [steps, count], and the state after the last step.
  func callAsFunction(_ inputs: Tensor, starts: Tensor, state: Tensor) -> (outputs: Tensor, values: Tensor, state: Tensor) {
    let fromInputs = inputGates(inputs)
    let keeps = (1 - starts).unsqueeze(-1)
    var state = state
    var states: [Tensor] = []
    for t in 0..<inputs.size(0) {
      let before = state * keeps.select(0, t)
      let x = fromInputs.select(0, t), h = hiddenGates(before)
      let reset = (x.narrow(-1, 0, hidden) + h.narrow(-1, 0, hidden)).sigmoid()
      let update = (x.narrow(-1, hidden, hidden) + h.narrow(-1, hidden, hidden)).sigmoid()
      let candidate = (x.narrow(-1, 2 * hidden, hidden) + reset * h.narrow(-1, 2 * hidden, hidden)).tanh()
      state = candidate + update * (before - candidate)
      states.append(state)
    }
    let all = Tensor.stack(states)
    return (actor(all), critic(all).squeeze(-1), state)
  }
}
