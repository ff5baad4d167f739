/// y = (x − mean) / √(variance + ε) · weight + bias, over the last dimensions (Ba et al. 2016, arXiv:1607.06450).
///
/// Input and output […, shape]. State: `weight` and `bias` of `shape`.
public final class LayerNorm: UnaryModule {
  @Parameter public var weight: Tensor?
  @Parameter public var bias: Tensor?
  public let shape: [Int]
  public let epsilon: Double

  public init(
    _ shape: Int..., epsilon: Double = 1e-5, elementwiseAffine: Bool = true, dtype: DType = .float32,
    device: Device = .cpu
  ) {
    self.shape = shape
    self.epsilon = epsilon
    _weight = Parameter(elementwiseAffine ? .ones(shape, dtype: dtype, device: device) : nil)
    _bias = Parameter(elementwiseAffine ? .zeros(shape, dtype: dtype, device: device) : nil)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    input.layerNorm(shape, weight: weight, bias: bias, epsilon: epsilon)
  }
}

/// y = x / √(mean of x² + ε) · weight, over the last dimensions (Zhang & Sennrich 2019, arXiv:1910.07467).
///
/// Input and output […, shape]. State: `weight` of `shape`.
public final class RMSNorm: UnaryModule {
  @Parameter public var weight: Tensor?
  public let shape: [Int]
  /// The type's own by default, as in PyTorch.
  public let epsilon: Double?

  public init(
    _ shape: Int..., epsilon: Double? = nil, elementwiseAffine: Bool = true, dtype: DType = .float32,
    device: Device = .cpu
  ) {
    self.shape = shape
    self.epsilon = epsilon
    _weight = Parameter(elementwiseAffine ? .ones(shape, dtype: dtype, device: device) : nil)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor { input.rmsNorm(shape, weight: weight, epsilon: epsilon) }
}

/// y = (x − mean) / √(variance + ε) · weight + bias, over groups of channels (Wu & He 2018, arXiv:1803.08494).
///
/// Input and output [batch, channels, …]. State: `weight` and `bias` [channels].
public final class GroupNorm: UnaryModule {
  @Parameter public var weight: Tensor?
  @Parameter public var bias: Tensor?
  public let groups: Int
  public let epsilon: Double

  public init(
    _ groups: Int, _ channels: Int, epsilon: Double = 1e-5, affine: Bool = true, dtype: DType = .float32,
    device: Device = .cpu
  ) {
    precondition(groups > 0 && channels % groups == 0, "The groups must divide the channels.")
    self.groups = groups
    self.epsilon = epsilon
    _weight = Parameter(affine ? .ones([channels], dtype: dtype, device: device) : nil)
    _bias = Parameter(affine ? .zeros([channels], dtype: dtype, device: device) : nil)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    input.groupNorm(groups, weight: weight, bias: bias, epsilon: epsilon)
  }
}

/// y = (x − mean) / √(variance + ε) · weight + bias by channel, with the batch's statistics while training and running
/// ones otherwise (Ioffe & Szegedy 2015, arXiv:1502.03167).
///
/// State: `weight`, `bias`, `running_mean` and `running_var` [channels], `num_batches_tracked`.
public class BatchNorm: UnaryModule, TrainingDependent {
  @Parameter public var weight: Tensor?
  @Parameter public var bias: Tensor?
  @Buffer public var runningMean: Tensor
  @Buffer public var runningVar: Tensor
  @Buffer public var batchesTracked: Tensor
  public var isTraining = true
  public let momentum: Double
  public let epsilon: Double
  private let dimensions: ClosedRange<Int>

  fileprivate init(
    _ channels: Int, _ dimensions: ClosedRange<Int>, _ momentum: Double, _ epsilon: Double, _ affine: Bool,
    _ dtype: DType, _ device: Device
  ) {
    self.momentum = momentum
    self.epsilon = epsilon
    self.dimensions = dimensions
    _weight = Parameter(affine ? .ones([channels], dtype: dtype, device: device) : nil)
    _bias = Parameter(affine ? .zeros([channels], dtype: dtype, device: device) : nil)
    _runningMean = Buffer(.zeros([channels], dtype: dtype, device: device), name: "running_mean")
    _runningVar = Buffer(.ones([channels], dtype: dtype, device: device), name: "running_var")
    _batchesTracked = Buffer(.zeros([], dtype: .int64, device: device), name: "num_batches_tracked")
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    precondition(
      dimensions.contains(input.dim), "\(Self.self) takes \(dimensions) dimensions, not those of \(input.shape).")
    if isTraining { batchesTracked.add_(Tensor(1, device: batchesTracked.device)) }
    return input.batchNorm(
      runningMean: runningMean, runningVar: runningVar, weight: weight, bias: bias, training: isTraining,
      momentum: momentum, epsilon: epsilon)
  }
}

/// `BatchNorm` of [batch, channels] or [batch, channels, length].
public final class BatchNorm1d: BatchNorm {
  public init(
    _ channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, affine: Bool = true, dtype: DType = .float32,
    device: Device = .cpu
  ) {
    super.init(channels, 2...3, momentum, epsilon, affine, dtype, device)
  }
}

/// `BatchNorm` of [batch, channels, height, width].
public final class BatchNorm2d: BatchNorm {
  public init(
    _ channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, affine: Bool = true, dtype: DType = .float32,
    device: Device = .cpu
  ) {
    super.init(channels, 4...4, momentum, epsilon, affine, dtype, device)
  }
}
