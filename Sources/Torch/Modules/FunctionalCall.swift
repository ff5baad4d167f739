internal import CTorch

/// Runs `body` with other tensors in the place of the module's parameters and buffers of these names, and puts its own
/// back: `torch.func.functional_call`. Gradients flow to the given tensors, so a step of learning can itself be
/// differentiated:
///
/// ```swift
/// let names = model.namedParameters()
/// let slopes = gradients(of: loss(model(x)), withRespectTo: names.map(\.tensor), createGraph: true)
/// let moved = Dictionary(uniqueKeysWithValues: zip(names, slopes).map { ($0.name, $0.tensor - 0.1 * $1) })
/// functionalCall(model, with: moved) { loss(model(y)) }.backward()
/// ```
///
/// Names that the module does not have, and shapes that differ from its own, are programming errors.
public func functionalCall<R>(
  _ module: some Module, with tensors: [String: Tensor], file: StaticString = #fileID, line: UInt = #line,
  _ body: () throws -> R
) rethrows -> R {
  let own = Dictionary(module.namedTensors().map { ($0.name, $0.tensor) }) { first, _ in first }
  let swapped = tensors.map { name, tensor -> (Tensor, Tensor) in
    guard let mine = own[name] else {
      preconditionFailure("\(type(of: module)) has no \"\(name)\".", file: file, line: line)
    }
    precondition(
      mine.shape == tensor.shape, "\"\(name)\" has the shape \(mine.shape), not \(tensor.shape).", file: file,
      line: line)
    // The caller's own handle must go on meaning the caller's tensor.
    return (mine, tensor.map(file, line, ct_alias))
  }
  for (mine, other) in swapped { mine.withPointers(other, ct_swap) }
  defer { for (mine, other) in swapped { mine.withPointers(other, ct_swap) } }
  return try body()
}
