// Products of derivatives with vectors, without ever forming a matrix: `torch.autograd.functional`. A vector is a list
// of tensors of the inputs' (or outputs') shapes.

/// J v' of a function: the gradients of Σ `vectors` · outputs with respect to the inputs.
/// - Returns: the outputs, and one product per input, zero for an input that they do not depend on.
public func vectorJacobianProduct(
  of function: ([Tensor]) -> [Tensor], at inputs: [Tensor], vectors: [Tensor], file: StaticString = #fileID,
  line: UInt = #line
) -> (outputs: [Tensor], products: [Tensor]) {
  let inputs = inputs.map { $0.detach().requiresGrad_(file: file, line: line) }
  let outputs = enableGrad { function(inputs) }
  let products = derivativeProducts(outputs, inputs, vectors, file: file, line: line)
  return (outputs.map { $0.detach() }, products)
}

/// J v of a function: how the outputs move when the inputs move along `vectors`. (By differentiating the
/// vector-Jacobian product with respect to its vector.)
/// - Returns: the outputs, and one product per output.
public func jacobianVectorProduct(
  of function: ([Tensor]) -> [Tensor], at inputs: [Tensor], vectors: [Tensor], file: StaticString = #fileID,
  line: UInt = #line
) -> (outputs: [Tensor], products: [Tensor]) {
  let inputs = inputs.map { $0.detach().requiresGrad_(file: file, line: line) }
  return enableGrad {
    let outputs = function(inputs)
    let probes = outputs.map { $0.detach().zerosLike().requiresGrad_() }
    let pulled = derivativeProducts(outputs, inputs, probes, createGraph: true, file: file, line: line)
    let products = derivativeProducts(pulled, probes, vectors, file: file, line: line)
    return (outputs.map { $0.detach() }, products)
  }
}

/// H v of a scalar function, by two passes backward (Pearlmutter 1994).
/// - Returns: the value, and one product per input.
public func hessianVectorProduct(
  of function: ([Tensor]) -> Tensor, at inputs: [Tensor], vectors: [Tensor], file: StaticString = #fileID,
  line: UInt = #line
) -> (value: Tensor, products: [Tensor]) {
  let inputs = inputs.map { $0.detach().requiresGrad_(file: file, line: line) }
  return enableGrad {
    let value = function(inputs)
    let products = hessianVectorProduct(
      of: value, withRespectTo: inputs, vectors: vectors, file: file, line: line)
    return (value.detach(), products)
  }
}

/// H v of a scalar that was computed from `parameters`, whose graph is kept.
/// - Parameter createGraph: records the products, so that they can be differentiated again.
/// - Returns: one product per parameter.
public func hessianVectorProduct(
  of value: Tensor, withRespectTo parameters: [Tensor], vectors: [Tensor], createGraph: Bool = false,
  file: StaticString = #fileID, line: UInt = #line
) -> [Tensor] {
  let slopes = derivativeProducts([value], parameters, nil, createGraph: true, file: file, line: line)
  return derivativeProducts(slopes, parameters, vectors, createGraph: createGraph, file: file, line: line)
}

/// The matrix of all derivatives of a function of one tensor: [outputs' shape…, input's shape…], one pass backward for
/// each element of the output.
public func jacobian(
  of function: (Tensor) -> Tensor, at input: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let input = input.detach().requiresGrad_(file: file, line: line)
  let output = enableGrad { function(input) }
  let rows = output.flatten().unbind().map { element in
    derivativeProducts([element], [input], nil, file: file, line: line)[0]
  }
  if rows.isEmpty { return .zeros(output.shape + input.shape, dtype: input.dtype, device: input.device) }
  return Tensor.stack(rows).reshape(output.shape + input.shape)
}

/// The matrix of all second derivatives of a scalar function of one tensor: [shape…, shape…].
public func hessian(
  of function: (Tensor) -> Tensor, at input: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  jacobian(
    of: { derivativeProducts([function($0)], [$0], nil, createGraph: true, file: file, line: line)[0] }, at: input,
    file: file, line: line)
}

/// The gradients of Σ `vectors` · `outputs`, zero where there is no dependence. The graph is kept, for many products
/// are taken of it.
func derivativeProducts(
  _ outputs: [Tensor], _ inputs: [Tensor], _ vectors: [Tensor]?, createGraph: Bool = false, file: StaticString,
  line: UInt
) -> [Tensor] {
  let used = outputs.indices.filter { outputs[$0].requiresGrad }
  if used.isEmpty { return inputs.map { $0.detach().zerosLike() } }
  let found = gradientsIfUsed(
    of: used.map { outputs[$0] }, withRespectTo: inputs, gradOutputs: vectors.map { given in used.map { given[$0] } },
    retainGraph: true, createGraph: createGraph, file: file, line: line)
  return zip(found, inputs).map { $0 ?? $1.detach().zerosLike() }
}
