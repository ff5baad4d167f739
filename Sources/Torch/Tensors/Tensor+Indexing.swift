internal import CTorch

/// What may stand between a tensor's brackets, as in PyTorch:
/// an `Int` (drops the dimension), a range, `.slice(start, stop, step:)`, `.all`, `.ellipsis`, `.newAxis`, or a tensor
/// of integers or booleans. Negative numbers count from the end.
public protocol TensorIndex {
  var index: AnyTensorIndex { get }
}

/// One of the forms of a `TensorIndex`.
public enum AnyTensorIndex: TensorIndex {
  case at(Int)
  case slice(start: Int, stop: Int, step: Int)
  case rest
  case axis
  case tensor(Tensor)

  public var index: AnyTensorIndex { self }
}

extension TensorIndex where Self == AnyTensorIndex {
  /// Every index of one dimension: Python's `:`.
  public static var all: Self { .slice(start: 0, stop: .max, step: 1) }

  /// As many whole dimensions as are left: Python's `...`.
  public static var ellipsis: Self { .rest }

  /// A new dimension of size 1: Python's `None`.
  public static var newAxis: Self { .axis }

  /// Python's `start:stop:step`; nil stands for an end.
  public static func slice(_ start: Int?, _ stop: Int?, step: Int = 1) -> Self {
    .slice(start: start ?? 0, stop: stop ?? .max, step: step)
  }
}

extension Int: TensorIndex { public var index: AnyTensorIndex { .at(self) } }
extension Tensor: TensorIndex { public var index: AnyTensorIndex { .tensor(self) } }

extension Range<Int>: TensorIndex {
  public var index: AnyTensorIndex { .slice(lowerBound, upperBound) }
}
extension ClosedRange<Int>: TensorIndex {
  public var index: AnyTensorIndex { .slice(lowerBound, stop(after: upperBound)) }
}
extension PartialRangeFrom<Int>: TensorIndex {
  public var index: AnyTensorIndex { .slice(lowerBound, nil) }
}
extension PartialRangeUpTo<Int>: TensorIndex {
  public var index: AnyTensorIndex { .slice(nil, upperBound) }
}
extension PartialRangeThrough<Int>: TensorIndex {
  public var index: AnyTensorIndex { .slice(nil, stop(after: upperBound)) }
}

/// -1 is the last element, so after it comes the end.
private func stop(after last: Int) -> Int? { last == -1 ? nil : last + 1 }

extension Tensor {
  /// The part that `indices` select: a view, unless a tensor is among them. Assignment changes that part in place.
  ///
  /// ```swift
  /// x[0]                       // the first row
  /// x[.all, 1..<3]             // two columns
  /// x[.ellipsis, -1]           // the last of the last dimension
  /// x[x .< 0] = Tensor(0)      // a mask
  /// ```
  public subscript(
    indices: any TensorIndex..., file file: StaticString = #fileID, line line: UInt = #line
  ) -> Tensor {
    get {
      map(file, line) { x in withIndices(indices) { ct_index_get(x, $0, $1) } }
    }
    nonmutating set {
      check(withPointers(newValue) { x, value in withIndices(indices) { ct_index_put(x, $0, $1, value) } }, file, line)
    }
  }

  private func withIndices<R>(_ indices: [any TensorIndex], _ body: (UnsafePointer<ct_index>, Int64) -> R) -> R {
    let indices = indices.map(\.index)
    return withExtendedLifetime(indices) {
      withUnsafeTemporaryAllocation(of: ct_index.self, capacity: Swift.max(1, indices.count)) { buffer in
        for (position, index) in indices.enumerated() { buffer.initializeElement(at: position, to: index.c) }
        return body(UnsafePointer(buffer.baseAddress.unsafelyUnwrapped), Int64(indices.count))
      }
    }
  }

  /// The slice at `index` of dimension `dim`, which disappears: a view.
  public func select(_ dim: Int, _ index: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_select($0, Int64(dim), Int64(index)) }
  }

  /// `length` slices of dimension `dim` from `start` on: a view.
  public func narrow(
    _ dim: Int, _ start: Int, _ length: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { ct_narrow($0, Int64(dim), Int64(start), Int64(length)) }
  }

  /// `out[i][j] = self[index[i][j]][j]` for `dim` 0, and so on for the others.
  public func gather(dim: Int, index: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(index, file, line) { ct_gather($0, Int64(dim), $1) }
  }

  /// The slices of dimension `dim` that a one-dimensional `index` names.
  public func indexSelect(dim: Int, index: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(index, file, line) { ct_index_select($0, Int64(dim), $1) }
  }

  /// A copy with `out[index[i][j]][j] = source[i][j]` for `dim` 0, and so on for the others.
  public func scatter(
    dim: Int, index: Tensor, source: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Tensor(owning: withPointers(index, source) { ct_scatter($0, Int64(dim), $1, $2) }, file, line)
  }

  /// As `scatter`, but adding.
  public func scatterAdd(
    dim: Int, index: Tensor, source: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Tensor(owning: withPointers(index, source) { ct_scatter_add($0, Int64(dim), $1, $2) }, file, line)
  }

  /// A copy to whose slices `index` of dimension `dim` those of `source` are added.
  public func indexAdd(
    dim: Int, index: Tensor, source: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Tensor(owning: withPointers(index, source) { ct_index_add($0, Int64(dim), $1, $2) }, file, line)
  }

  /// A copy whose slices `index` of dimension `dim` are those of `source`.
  public func indexCopy(
    dim: Int, index: Tensor, source: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Tensor(owning: withPointers(index, source) { ct_index_copy($0, Int64(dim), $1, $2) }, file, line)
  }

  /// A copy whose slices `index` of dimension `dim` are filled with `value`.
  public func indexFill(
    dim: Int, index: Tensor, value: some TensorScalar, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(index, file, line) { ct_index_fill($0, Int64(dim), $1, value.c) }
  }

  /// How `scatterReduce` joins what falls on one place.
  public enum ScatterReduction: String, Sendable {
    case sum, product = "prod", mean, greatest = "amax", least = "amin"
  }

  /// As `scatter`, but joining what falls on one place, with what stands there already unless `includeSelf` is false.
  public func scatterReduce(
    dim: Int, index: Tensor, source: Tensor, _ reduction: ScatterReduction, includeSelf: Bool = true,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let pointer = withPointers(index, source) {
      ct_scatter_reduce($0, Int64(dim), $1, $2, reduction.rawValue, includeSelf)
    }
    return Tensor(owning: pointer, file, line)
  }

  /// The elements of `source`, in order, in the places where `mask` is true.
  public func maskedScatter(
    _ mask: Tensor, source: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Tensor(owning: withPointers(mask, source, ct_masked_scatter), file, line)
  }

  /// The elements where `mask` is true, in C order.
  public func maskedSelect(_ mask: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(mask, file, line, ct_masked_select)
  }

  /// The indices of the elements that are not zero, [count, dim].
  public func nonzero(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_nonzero) }

  /// Integer classes […] → indicator vectors […, classes] of int64.
  public func oneHot(_ classes: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    map(file, line) { ct_one_hot($0, Int64(classes)) }
  }
}

extension AnyTensorIndex {
  /// Borrows the tensor, if there is one.
  fileprivate var c: ct_index {
    switch self {
    case .at(let index): ct_index(kind: CT_AT, start: Int64(index), stop: 0, step: 1, tensor: nil)
    case .slice(let start, let stop, let step):
      ct_index(kind: CT_SLICE, start: Int64(start), stop: Int64(stop), step: Int64(step), tensor: nil)
    case .rest: ct_index(kind: CT_ELLIPSIS, start: 0, stop: 0, step: 1, tensor: nil)
    case .axis: ct_index(kind: CT_NEW_AXIS, start: 0, stop: 0, step: 1, tensor: nil)
    case .tensor(let tensor):
      ct_index(kind: CT_BY_TENSOR, start: 0, stop: 0, step: 1, tensor: tensor.handle.pointer)
    }
  }
}
