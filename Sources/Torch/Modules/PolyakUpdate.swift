/// Moves each parameter and buffer of `target` the share `rate` of the way to that of `source`: target networks, and
/// exponential moving averages of weights with decay 1 − `rate`.
///
/// Both modules must be built alike; a difference in names or shapes is a programming error.
public func polyakUpdate(_ target: some Module, toward source: some Module, rate: Double) {
  let source = source.stateDict()
  noGrad {
    for (name, tensor) in target.stateDict() {
      guard let other = source[name] else { preconditionFailure("The source has no \"\(name)\".") }
      if tensor.dtype.isFloatingPoint { tensor.lerp_(other, weight: rate) } else { tensor.copy_(other) }
    }
  }
}
