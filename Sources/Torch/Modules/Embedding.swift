/// A table of vectors by number: integers […] → […, width].
///
/// State: `weight` [count, width], standard normal at first.
public final class Embedding: UnaryModule {
  @Parameter public var weight: Tensor
  /// A row that is zero at first and learns nothing.
  public let paddingIndex: Int?

  public init(
    _ count: Int, _ width: Int, paddingIndex: Int? = nil, generator: Generator, dtype: DType = .float32
  ) {
    precondition(paddingIndex.map { (0..<count).contains($0) } ?? true, "The padding is one of the rows.")
    self.paddingIndex = paddingIndex
    let table = Tensor.randn([count, width], generator: generator, dtype: dtype)
    if let paddingIndex { table[paddingIndex].zero_() }
    _weight = Parameter(table)
  }

  public func callAsFunction(_ indices: Tensor) -> Tensor {
    weight.embedding(indices, paddingIndex: paddingIndex)
  }
}
