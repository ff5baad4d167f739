internal import CTorch

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

  /// −log softmax(x)[target], for logits [batch, classes, …] and class numbers [batch, …] (or class probabilities,
  /// [batch, classes, …]).
  /// - Parameters:
  ///   - weight: of each class, [classes].
  ///   - ignoreIndex: targets of this number count neither in the sum nor in the mean.
  ///   - labelSmoothing: the share of the target that is spread over all classes.
  public func crossEntropy(
    _ target: Tensor, weight: Tensor? = nil, reduction: Reduction = .mean, ignoreIndex: Int = -100,
    labelSmoothing: Double = 0, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(target, file, line) { x, target in
      weight.withPointer {
        ct_cross_entropy(x, target, $0, reduction.rawValue, Int64(ignoreIndex), labelSmoothing)
      }
    }
  }

  /// −x[target], for log-probabilities [batch, classes, …] and class numbers [batch, …].
  public func nllLoss(
    _ target: Tensor, reduction: Reduction = .mean, ignoreIndex: Int = -100, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    map(target, file, line) { ct_nll_loss($0, $1, reduction.rawValue, Int64(ignoreIndex)) }
  }

  /// t (log t − x), for log-probabilities x and probabilities t (their logarithms with `logTarget`). As in PyTorch,
  /// `.mean` divides by the number of elements, not of distributions.
  public func klDivLoss(
    _ target: Tensor, logTarget: Bool = false, reduction: Reduction = .mean, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    map(target, file, line) { ct_kl_div($0, $1, reduction.rawValue, logTarget) }
  }

  /// −t log x − (1 − t) log(1 − x), for probabilities x; the logarithms are bounded by −100.
  public func binaryCrossEntropy(
    _ target: Tensor, reduction: Reduction = .mean, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(target, file, line) { ct_bce($0, $1, reduction.rawValue) }
  }

  /// −w t log σ(x) − (1 − t) log(1 − σ(x)), for logits x, where w is `positiveWeight` or 1.
  public func binaryCrossEntropyWithLogits(
    _ target: Tensor, positiveWeight: Tensor? = nil, reduction: Reduction = .mean, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    map(target, file, line) { x, target in
      positiveWeight.withPointer { ct_bce_with_logits(x, target, $0, reduction.rawValue) }
    }
  }

  /// x · y / (‖x‖ ‖y‖) along `dim`.
  public func cosineSimilarity(
    _ other: Tensor, dim: Int = 1, epsilon: Double = 1e-8, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(other, file, line) { ct_cosine_similarity($0, $1, Int64(dim), epsilon) }
  }
}
