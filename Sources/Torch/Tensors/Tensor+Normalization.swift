internal import CTorch

extension Tensor {
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

  /// x / √(mean of x² + ε) · weight, over the last dimensions, which have `shape`.
  /// - Parameter epsilon: by default the type's own, as in PyTorch.
  public func rmsNorm(
    _ shape: [Int], weight: Tensor? = nil, epsilon: Double? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { x in
      shape.withInt64 { sizes, count in
        weight.withPointer { weight in epsilon.withDouble { ct_rms_norm(x, sizes, count, weight, $0) } }
      }
    }
  }

  /// (x − mean) / √(variance + ε) · weight + bias, over groups of channels: [batch, channels, …], with `weight` and
  /// `bias` [channels].
  public func groupNorm(
    _ groups: Int, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    map(file, line) { x in
      weight.withPointer { weight in bias.withPointer { ct_group_norm(x, Int64(groups), weight, $0, epsilon) } }
    }
  }

  /// (x − mean) / √(variance + ε) · weight + bias, by channel: [batch, channels, …], the rest [channels].
  /// - Parameters:
  ///   - runningMean: used instead of the batch's when not training; while training it moves the share `momentum`
  ///     towards the batch's, in place. Likewise `runningVar`, with the unbiased variance.
  public func batchNorm(
    runningMean: Tensor?, runningVar: Tensor?, weight: Tensor? = nil, bias: Tensor? = nil, training: Bool = false,
    momentum: Double = 0.1, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { x in
      weight.withPointer { weight in
        bias.withPointer { bias in
          runningMean.withPointer { mean in
            runningVar.withPointer { ct_batch_norm(x, weight, bias, mean, $0, training, momentum, epsilon) }
          }
        }
      }
    }
  }
}
