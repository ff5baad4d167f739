internal import CTorch

// The functions under the layers, and losses.

extension Tensor {
  /// x Wᵀ + b, with `weight` [outputs, inputs].
  public func linear(
    _ weight: Tensor, _ bias: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(weight, file, line) { x, weight in bias.withPointer { ct_linear(x, weight, $0) } }
  }

  /// (x − mean) / √(variance + ε) · weight + bias, over the last dimensions, which have `shape`.
  public func layerNorm(
    _ shape: [Int], weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    map(file, line) { x in
      shape.withInt64 { sizes, count in
        weight.withPointer { weight in bias.withPointer { ct_layer_norm(x, sizes, count, weight, $0, epsilon) } }
      }
    }
  }
}

/// What becomes of the losses of a batch.
public enum Reduction: Int64, Sendable {
  case none = 0, mean = 1, sum = 2
}

extension Tensor {
  /// (x − target)².
  public func mseLoss(
    _ target: Tensor, reduction: Reduction = .mean, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(target, file, line) { ct_mse_loss($0, $1, reduction.rawValue) }
  }

  /// |x − target|.
  public func l1Loss(
    _ target: Tensor, reduction: Reduction = .mean, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(target, file, line) { ct_l1_loss($0, $1, reduction.rawValue) }
  }

  /// d²/2β where d = |x − target| is below `beta`, d − β/2 elsewhere.
  public func smoothL1Loss(
    _ target: Tensor, beta: Double = 1, reduction: Reduction = .mean, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    map(target, file, line) { ct_smooth_l1_loss($0, $1, reduction.rawValue, beta) }
  }

  /// d²/2 where d = |x − target| is below `delta`, δ(d − δ/2) elsewhere.
  public func huberLoss(
    _ target: Tensor, delta: Double = 1, reduction: Reduction = .mean, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    map(target, file, line) { ct_huber_loss($0, $1, reduction.rawValue, delta) }
  }

  /// −log softmax(x)[target], for logits [batch, classes] and class numbers [batch] (or class probabilities).
  public func crossEntropy(
    _ target: Tensor, reduction: Reduction = .mean, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(target, file, line) { ct_cross_entropy($0, $1, reduction.rawValue) }
  }

  /// −t log σ(x) − (1 − t) log(1 − σ(x)), for logits x.
  public func binaryCrossEntropyWithLogits(
    _ target: Tensor, reduction: Reduction = .mean, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(target, file, line) { ct_bce_with_logits($0, $1, reduction.rawValue) }
  }
}
