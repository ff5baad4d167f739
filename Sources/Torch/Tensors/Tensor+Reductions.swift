internal import CTorch

// Reductions over all elements, over one dimension or over several; `keepdim` leaves reduced dimensions with size 1.
// Dimensions may count from the end.

extension Tensor {
  public func sum(file: StaticString = #fileID, line: UInt = #line) -> Tensor { reduce(nil, false, file, line, ct_sum) }
  public func sum(dim: Int..., keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    reduce(dim, keepdim, file, line, ct_sum)
  }

  public func mean(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    reduce(nil, false, file, line, ct_mean)
  }
  public func mean(dim: Int..., keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    reduce(dim, keepdim, file, line, ct_mean)
  }

  /// log Σ exp x, without overflow.
  public func logsumexp(
    dim: Int..., keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    reduce(dim, keepdim, file, line, ct_logsumexp)
  }

  /// The least element; the gradient is shared among equals.
  public func amin(dim: Int..., keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    reduce(dim, keepdim, file, line, ct_amin)
  }

  /// The greatest element; the gradient is shared among equals.
  public func amax(dim: Int..., keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    reduce(dim, keepdim, file, line, ct_amax)
  }

  public func any(file: StaticString = #fileID, line: UInt = #line) -> Tensor { reduce(nil, false, file, line, ct_any) }
  public func any(dim: Int..., keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    reduce(dim, keepdim, file, line, ct_any)
  }

  public func all(file: StaticString = #fileID, line: UInt = #line) -> Tensor { reduce(nil, false, file, line, ct_all) }
  public func all(dim: Int..., keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    reduce(dim, keepdim, file, line, ct_all)
  }

  /// The variance over all elements. `correction` 1 divides by n − 1, 0 by n.
  public func `var`(correction: Double = 1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    reduce(nil, false, file, line) { ct_var($0, $1, $2, correction, $3) }
  }
  public func `var`(
    dim: Int..., correction: Double = 1, keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    reduce(dim, keepdim, file, line) { ct_var($0, $1, $2, correction, $3) }
  }

  /// The standard deviation over all elements. `correction` 1 divides by n − 1, 0 by n.
  public func std(correction: Double = 1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    reduce(nil, false, file, line) { ct_std($0, $1, $2, correction, $3) }
  }
  public func std(
    dim: Int..., correction: Double = 1, keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    reduce(dim, keepdim, file, line) { ct_std($0, $1, $2, correction, $3) }
  }

  /// (Σ |x|^`order`)^(1/`order`) over all elements; infinite orders give the greatest and the least magnitude.
  public func norm(order: Double = 2, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    reduce(nil, false, file, line) { ct_vector_norm($0, order, $1, $2, $3) }
  }
  public func norm(
    order: Double = 2, dim: Int..., keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    reduce(dim, keepdim, file, line) { ct_vector_norm($0, order, $1, $2, $3) }
  }

  /// The product over `dim`, or over everything.
  public func prod(
    dim: Int? = nil, keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { x in dim.withInt64 { ct_prod(x, $0, keepdim) } }
  }

  /// Where the greatest element is along `dim`, or in the flattened tensor.
  public func argmax(
    dim: Int? = nil, keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { x in dim.withInt64 { ct_argmax(x, $0, keepdim) } }
  }

  /// Where the least element is along `dim`, or in the flattened tensor.
  public func argmin(
    dim: Int? = nil, keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { x in dim.withInt64 { ct_argmin(x, $0, keepdim) } }
  }

  public func max(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_max) }
  public func min(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_min) }

  public func max(
    dim: Int, keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Tensor, indices: Tensor) {
    pair(file, line) { ct_max_dim($0, Int64(dim), keepdim, $1) }
  }

  public func min(
    dim: Int, keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Tensor, indices: Tensor) {
    pair(file, line) { ct_min_dim($0, Int64(dim), keepdim, $1) }
  }

  /// The elements along `dim` in order; equal ones keep theirs.
  public func sort(
    dim: Int = -1, descending: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Tensor, indices: Tensor) {
    pair(file, line) { ct_sort($0, Int64(dim), descending, $1) }
  }

  /// The `k` greatest (or least) elements along `dim`, best first.
  public func topk(
    _ k: Int, dim: Int = -1, largest: Bool = true, file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Tensor, indices: Tensor) {
    pair(file, line) { ct_topk($0, Int64(k), Int64(dim), largest, $1) }
  }

  /// The indices that put the elements along `dim` in order; equal ones keep theirs.
  public func argsort(
    dim: Int = -1, descending: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    sort(dim: dim, descending: descending, file: file, line: line).indices
  }

  /// The middle element along `dim`; of an even number, the lower of the two.
  public func median(
    dim: Int = -1, keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Tensor, indices: Tensor) {
    pair(file, line) { ct_median($0, Int64(dim), keepdim, $1) }
  }

  /// The `q`-quantile, 0 ≤ q ≤ 1, along `dim` or over everything, linear between elements.
  public func quantile(
    _ q: Double, dim: Int? = nil, keepdim: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { x in dim.withInt64 { ct_quantile(x, q, $0, keepdim) } }
  }

  /// The greatest element so far along `dim`, and where it was.
  public func cummax(
    dim: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Tensor, indices: Tensor) {
    pair(file, line) { ct_cummax($0, Int64(dim), $1) }
  }

  /// The least element so far along `dim`, and where it was.
  public func cummin(
    dim: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Tensor, indices: Tensor) {
    pair(file, line) { ct_cummin($0, Int64(dim), $1) }
  }

  /// The different elements in ascending order, the number of each element's value in them, and their counts.
  /// - Parameter dim: compares whole slices along it instead of elements.
  public func unique(
    dim: Int? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Tensor, inverse: Tensor, counts: Tensor) {
    let out = several(3, file, line) { x, out in dim.withInt64 { ct_unique(x, $0, out) } }
    return (out[0], out[1], out[2])
  }

  /// How often each of 0, 1, … comes among natural numbers, [n] → [max(greatest + 1, `minLength`)]; with `weights`
  /// [n], their sums.
  public func bincount(
    weights: Tensor? = nil, minLength: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { x in weights.withPointer { ct_bincount(x, $0, Int64(minLength)) } }
  }

  /// Where `values` would be inserted into this tensor, whose last dimension is ascending, to keep it so: before equal
  /// elements, or after them with `right`.
  public func searchsorted(
    _ values: Tensor, right: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(values, file, line) { ct_searchsorted($0, $1, right) }
  }

  public func cumsum(dim: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_cumsum($0, Int64(dim)) }
  }
  public func cumprod(dim: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_cumprod($0, Int64(dim)) }
  }
  public func logcumsumexp(dim: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_logcumsumexp($0, Int64(dim)) }
  }

  /// exp x / Σ exp x along `dim`.
  public func softmax(dim: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_softmax($0, Int64(dim)) }
  }
  public func logSoftmax(dim: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_log_softmax($0, Int64(dim)) }
  }

  /// `dims` nil means all.
  private func reduce(
    _ dims: [Int]?, _ keepdim: Bool, _ file: StaticString, _ line: UInt,
    _ body: (ct_tensor, UnsafePointer<Int64>, Int64, Bool) -> ct_tensor?
  ) -> Tensor {
    map(file, line) { x in (dims ?? []).withInt64 { body(x, $0, dims == nil ? -1 : $1, keepdim) } }
  }
}
