import Basics
internal import CTorch

/// Improves parameters by their gradients. One object owns the state of one list of parameters.
public protocol Optimizer: AnyObject {
  var parameters: [Tensor] { get }
  /// May be changed between steps.
  var learningRate: Double { get set }
  /// Updates every parameter that has a gradient.
  func step()
  /// All that a resumed run needs: `<parameter number>.<PyTorch's name of the state>`, and `learning_rate`. The tensors
  /// share their elements with the optimiser.
  func stateDict() -> [String: Tensor]
  /// - Throws: `GuerdonError` when the state is not that of such an optimiser over such parameters; nothing is changed.
  func loadStateDict(_ state: [String: Tensor]) throws
}

extension Optimizer {
  /// Forgets the gradients (or zeroes them).
  public func zeroGrad(setToNone: Bool = true) { Torch.zeroGrad(parameters, setToNone: setToNone) }
}

func zeroGrad(_ parameters: [Tensor], setToNone: Bool) {
  check(withPointers(parameters) { ct_zero_grad($0, $1, setToNone) }, #fileID, #line)
}

/// Scales the gradients of `parameters` so that their joint `order`-norm is at most `maxNorm`: PyTorch's
/// `clip_grad_norm_`.
/// - Returns: the norm before, without dimensions.
@discardableResult
public func clipGradNorm(
  _ parameters: [Tensor], maxNorm: Double, order: Double = 2, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  Tensor(owning: withPointers(parameters) { ct_clip_grad_norm($0, $1, maxNorm, order) }, file, line)
}

/// Moves every element of the gradients of `parameters` into ±`limit`: PyTorch's `clip_grad_value_`.
public func clipGradValue(
  _ parameters: [Tensor], limit: Double, file: StaticString = #fileID, line: UInt = #line
) {
  precondition(limit >= 0, "A limit of magnitudes is not negative.", file: file, line: line)
  check(withPointers(parameters) { ct_clip_grad_value($0, $1, limit) }, file, line)
}

/// The named tensors that an optimiser keeps for each parameter from its first step on.
struct OptimizerState {
  /// One dictionary per parameter, empty before the first step.
  private(set) var slots: [[String: Tensor]]

  init(count: Int) { slots = Array(repeating: [:], count: count) }

  /// The tensors of one name for the given parameters, made where they are missing.
  mutating func tensors(_ name: String, of indices: [Int], make: (Int) -> Tensor) -> [Tensor] {
    indices.map { index in
      if let tensor = slots[index][name] { return tensor }
      let tensor = noGrad { make(index) }
      slots[index][name] = tensor
      return tensor
    }
  }

  func stateDict(learningRate: Double) -> [String: Tensor] {
    var state = ["learning_rate": Tensor(learningRate)]
    for (index, slot) in slots.enumerated() {
      for (name, tensor) in slot { state["\(index).\(name)"] = tensor }
    }
    return state
  }

  /// Reads a state dict. `shape` says what a state must look like: nil for no such state.
  static func read(
    _ state: [String: Tensor], parameters: [Tensor], names: [String], optimizer: String,
    shape: (_ name: String, _ parameter: Tensor) -> [Int]
  ) throws -> (state: OptimizerState, learningRate: Double) {
    guard let rate = state["learning_rate"], rate.numel == 1 else {
      throw GuerdonError.failure("The state of \(optimizer) lacks \"learning_rate\".")
    }
    var result = OptimizerState(count: parameters.count)
    for (key, tensor) in state where key != "learning_rate" {
      let parts = key.split(separator: ".", maxSplits: 1)
      guard parts.count == 2, let index = Int(parts[0]), parameters.indices.contains(index),
        names.contains(String(parts[1]))
      else {
        throw GuerdonError.failure(
          "The state of \(optimizer) has \"\(key)\", which fits none of its \(parameters.count) parameters.")
      }
      let name = String(parts[1])
      let expected = shape(name, parameters[index])
      guard tensor.shape == expected else {
        throw GuerdonError.failure(
          "\"\(key)\" of the state of \(optimizer) has the shape \(tensor.shape); it must have \(expected).")
      }
      let type = name == "step" ? DType.float32 : parameters[index].dtype
      result.slots[index][name] = tensor.detach().to(type, device: parameters[index].device).clone()
    }
    for (index, slot) in result.slots.enumerated() where !slot.isEmpty {
      if let missing = names.first(where: { slot[$0] == nil }) {
        throw GuerdonError.failure("The state of \(optimizer) lacks \"\(index).\(missing)\".")
      }
    }
    return (result, rate.item())
  }
}

/// The numbers of the parameters that have a gradient.
func withGradient(_ parameters: [Tensor]) -> [Int] { parameters.indices.filter { parameters[$0].grad != nil } }
