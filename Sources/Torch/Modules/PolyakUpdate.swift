/// Moves each parameter and buffer of `target` the share `rate` of the way to that of `source`: target networks.
///
/// Both modules must be built alike; a difference in names or shapes is a programming error.
public func polyakUpdate(_ target: some Module, toward source: some Module, rate: Double) {
  move(target.stateDict(), toward: source.stateDict(), rate: rate)
}

/// Moves each tensor the share `rate` of the way to that of its name, in place; integers are copied.
func move(_ tensors: [String: Tensor], toward others: [String: Tensor], rate: Double) {
  noGrad {
    for (name, tensor) in tensors {
      guard let other = others[name] else { preconditionFailure("The source has no \"\(name)\".") }
      if tensor.dtype.isFloatingPoint, rate != 1 { tensor.lerp_(other, weight: rate) } else { tensor.copy_(other) }
    }
  }
}
