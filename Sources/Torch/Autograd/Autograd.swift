internal import CTorch

// Reverse-mode differentiation, as PyTorch records it.

/// Runs `body` without recording operations for gradients on this thread.
public func noGrad<R>(_ body: () throws -> R) rethrows -> R { try withGradients(false, body) }

/// Runs `body` with recording on, inside a `noGrad`.
public func enableGrad<R>(_ body: () throws -> R) rethrows -> R { try withGradients(true, body) }

private func withGradients<R>(_ enabled: Bool, _ body: () throws -> R) rethrows -> R {
  let before = ct_grad_enabled()
  ct_set_grad_enabled(enabled)
  defer { ct_set_grad_enabled(before) }
  return try body()
}

extension Tensor {
  /// Whether operations on the tensor are recorded. Only a leaf's can be set.
  public var requiresGrad: Bool {
    get { withPointer { ct_requires_grad($0) } }
    nonmutating set { requiresGrad_(newValue) }
  }

  /// Sets `requiresGrad` and returns the tensor.
  @discardableResult
  public func requiresGrad_(
    _ requires: Bool = true, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    check(withPointer { ct_set_requires_grad($0, requires) }, file, line)
    return self
  }

  /// Whether the tensor was made by the user, not by a recorded operation.
  public var isLeaf: Bool { withPointer { ct_is_leaf($0) } }

  /// The gradient that `backward` accumulated, if any.
  public var grad: Tensor? {
    get { withPointer { ct_grad($0) }.map { Tensor(owning: $0, #fileID, #line) } }
    nonmutating set { check(withPointer { x in newValue.withPointer { ct_set_grad(x, $0) } }, #fileID, #line) }
  }

  /// The same elements, outside the recorded graph.
  public func detach(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_detach) }

  /// Adds the gradient of this tensor to the `grad` of every leaf it was computed from.
  /// - Parameters:
  ///   - gradient: the vector of the vector-Jacobian product; may be left out for a tensor of one element.
  ///   - retainGraph: keeps the graph for another pass; by default only if the gradients are themselves recorded.
  ///   - createGraph: records the gradients, so that they can be differentiated again.
  public func backward(
    gradient: Tensor? = nil, retainGraph: Bool? = nil, createGraph: Bool = false, file: StaticString = #fileID,
    line: UInt = #line
  ) {
    let status = withPointer { x in
      gradient.withPointer { ct_backward(x, $0, retainGraph ?? createGraph, createGraph) }
    }
    check(status, file, line)
  }
}

/// The gradients of Σ `outputs` with respect to each input, without touching anyone's `grad`.
/// - Parameters:
///   - gradOutputs: one vector per output for the vector-Jacobian product; may be left out for outputs of one element.
///   - createGraph: records the gradients, so that they can be differentiated again.
/// - Returns: one gradient of its shape per input. An input that the outputs do not depend on is a programming error;
///   see `gradientsIfUsed`.
public func gradients(
  of outputs: [Tensor], withRespectTo inputs: [Tensor], gradOutputs: [Tensor]? = nil, retainGraph: Bool? = nil,
  createGraph: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> [Tensor] {
  gradients(outputs, inputs, gradOutputs, retainGraph, createGraph, allowUnused: false, file, line).map {
    Tensor(owning: $0, file, line)
  }
}

/// The gradients of one output.
public func gradients(
  of output: Tensor, withRespectTo inputs: [Tensor], gradOutput: Tensor? = nil, retainGraph: Bool? = nil,
  createGraph: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> [Tensor] {
  gradients(
    of: [output], withRespectTo: inputs, gradOutputs: gradOutput.map { [$0] }, retainGraph: retainGraph,
    createGraph: createGraph, file: file, line: line)
}

/// As `gradients`, with nil for each input that the outputs do not depend on.
public func gradientsIfUsed(
  of outputs: [Tensor], withRespectTo inputs: [Tensor], gradOutputs: [Tensor]? = nil, retainGraph: Bool? = nil,
  createGraph: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> [Tensor?] {
  gradients(outputs, inputs, gradOutputs, retainGraph, createGraph, allowUnused: true, file, line).map {
    $0.map { Tensor(owning: $0, file, line) }
  }
}

private func gradients(
  _ outputs: [Tensor], _ inputs: [Tensor], _ gradOutputs: [Tensor]?, _ retainGraph: Bool?, _ createGraph: Bool,
  allowUnused: Bool, _ file: StaticString, _ line: UInt
) -> [ct_tensor?] {
  precondition(
    gradOutputs == nil || gradOutputs?.count == outputs.count, "One gradOutput per output is needed.", file: file,
    line: line)
  var result = [ct_tensor?](repeating: nil, count: inputs.count)
  let status = withPointers(outputs) { outputs, outputCount in
    withPointers(inputs) { inputs, inputCount in
      withPointers(gradOutputs ?? []) { seeds, _ in
        ct_gradients(
          outputs, outputCount, inputs, inputCount, gradOutputs == nil ? nil : seeds, retainGraph ?? createGraph,
          createGraph, allowUnused, &result)
      }
    }
  }
  check(status, file, line)
  return result
}
