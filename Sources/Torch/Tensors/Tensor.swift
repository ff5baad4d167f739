internal import CTorch

/// An n-dimensional array of one element type on one device, with PyTorch's names and semantics.
///
/// ```swift
/// let x = Tensor([1, 2, 3] as [Float])
/// let y = (x * 2 + 1).exp().sum()
/// y.item()  // 1268.0…
/// ```
///
/// A tensor is a handle, as in PyTorch: copying the value shares the elements, and so do views (`view`, `transpose`,
/// slices). Operations make new tensors, except those whose name ends in an underscore and assignments through a
/// subscript, which change the elements for everyone who shares them.
///
/// Mistakes in shapes, types or devices are programming errors: they trap with LibTorch's message and the call site
/// (operators such as `+` cannot know theirs; the backtrace does). What a user can cause is checked before, and throws.
///
/// **Concurrency.** A tensor is not `Sendable`: LibTorch allows concurrent reads, but nothing in the type tells a
/// reader from a writer, and views share storage out of the compiler's sight. Give each task its own tensors (`sending`
/// moves them, and the compiler checks it), and share arrays between tasks. Whether gradients are recorded is a
/// property of the thread: `noGrad` takes a synchronous closure.
public struct Tensor {
  let handle: Handle

  /// Owns what the C layer gave.
  final class Handle {
    let pointer: ct_tensor
    init(_ pointer: ct_tensor) { self.pointer = pointer }
    deinit { ct_free(pointer) }
  }

  /// Takes ownership of `pointer`; traps with LibTorch's message if there is none.
  init(owning pointer: ct_tensor?, _ file: StaticString, _ line: UInt) {
    guard let pointer else { trap(file, line) }
    handle = Handle(pointer)
  }
}

@available(*, unavailable, message: "Tensors share storage; move them with `sending`, or share arrays.")
extension Tensor: @unchecked Sendable {}

/// Stops the program with LibTorch's last message: the call was wrong, not its input.
func trap(_ file: StaticString, _ line: UInt) -> Never {
  fatalError(lastMessage, file: file, line: line)
}

/// What LibTorch said when the last call of this thread failed.
var lastMessage: String { String(cString: ct_last_error()) }

// MARK: What it is

extension Tensor {
  /// The size of each dimension; empty for a scalar tensor.
  public var shape: [Int] {
    withPointer { pointer in
      let count = Int(ct_dim(pointer))
      return [Int](unsafeUninitializedCapacity: count) { buffer, initialized in
        if let base = buffer.baseAddress {
          base.withMemoryRebound(to: Int64.self, capacity: count) { ct_shape(pointer, $0) }
        }
        initialized = count
      }
    }
  }

  /// The number of dimensions.
  public var dim: Int { withPointer { Int(ct_dim($0)) } }

  /// The number of elements.
  public var numel: Int { withPointer { Int(ct_numel($0)) } }

  public var dtype: DType {
    let number = withPointer { ct_dtype($0) }
    guard let dtype = DType(rawValue: number) else { preconditionFailure("LibTorch's dtype \(number) is not exposed.") }
    return dtype
  }

  public var device: Device {
    let device = withPointer { ct_device_of($0) }
    guard let kind = Device.Kind(rawValue: device.type) else {
      preconditionFailure("LibTorch's device type \(device.type) is not exposed.")
    }
    return Device(kind: kind, index: Int(device.index))
  }

  /// Whether the elements lie in C order without gaps.
  public var isContiguous: Bool { withPointer { ct_is_contiguous($0) } }

  /// The size of dimension `dim`, which may count from the end.
  public func size(_ dim: Int) -> Int {
    let shape = shape
    return shape[dim < 0 ? dim + shape.count : dim]
  }

  /// Whether both are one and the same tensor, not merely equal.
  public func isSame(as other: Tensor) -> Bool { handle === other.handle }
}

// MARK: Elements out

extension Tensor {
  /// The value of a tensor that has one element, as a `Double`.
  public func item(file: StaticString = #fileID, line: UInt = #line) -> Double {
    var value = 0.0
    check(withPointer { ct_item_double($0, &value) }, file, line)
    return value
  }

  /// The value of an integer or boolean tensor that has one element, exactly.
  public func itemInt(file: StaticString = #fileID, line: UInt = #line) -> Int {
    var value: Int64 = 0
    check(withPointer { ct_item_int($0, &value) }, file, line)
    return Int(value)
  }

  /// The value of a tensor that has one element, as `true` unless it is zero.
  public func itemBool(file: StaticString = #fileID, line: UInt = #line) -> Bool { item(file: file, line: line) != 0 }

  /// Every element in C order, converted to `T`.
  public func array<T: TensorElement>(
    of type: T.Type = T.self, file: StaticString = #fileID, line: UInt = #line
  ) -> [T] {
    let source = dtype == T.dtype ? self : to(T.dtype, file: file, line: line)
    let count = numel
    return [T](unsafeUninitializedCapacity: count) { buffer, initialized in
      source.copyBytes(into: UnsafeMutableRawBufferPointer(buffer), file, line)
      initialized = count
    }
  }

  /// Every element in C order, converted to `T`, into a buffer that has room for exactly as many: no array is made.
  public func copy<T: TensorElement>(
    to buffer: UnsafeMutableBufferPointer<T>, file: StaticString = #fileID, line: UInt = #line
  ) {
    let source = dtype == T.dtype ? self : to(T.dtype, file: file, line: line)
    source.copyBytes(into: UnsafeMutableRawBufferPointer(buffer), file, line)
  }

  /// Calls `body` with every element in C order, without copying where the tensor already lies so in memory.
  /// The buffer is valid during the call only.
  public func withElements<T: TensorElement, R>(
    of type: T.Type = T.self, file: StaticString = #fileID, line: UInt = #line,
    _ body: (UnsafeBufferPointer<T>) throws -> R
  ) rethrows -> R {
    let plain = to(T.dtype, device: .cpu, file: file, line: line).contiguous(file: file, line: line)
    return try withExtendedLifetime(plain.handle) {
      let count = plain.numel
      guard count > 0 else { return try body(UnsafeBufferPointer(start: nil, count: 0)) }
      if let base = ct_data(plain.handle.pointer)?.assumingMemoryBound(to: T.self) {
        return try body(UnsafeBufferPointer(start: base, count: count))
      }
      // Zeros without storage, as some gradients are: only a copy has elements to point at.
      return try plain.array(of: T.self, file: file, line: line).withUnsafeBufferPointer(body)
    }
  }

  func copyBytes(into buffer: UnsafeMutableRawBufferPointer, _ file: StaticString, _ line: UInt) {
    guard let base = buffer.baseAddress else {
      return precondition(numel == 0, "A buffer without room was given.", file: file, line: line)
    }
    check(withPointer { ct_copy_out($0, base, buffer.count) }, file, line)
  }

  /// Whether shape and every element are equal.
  public func equal(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Bool {
    var result = false
    check(withPointers(other) { ct_equal($0, $1, &result) }, file, line)
    return result
  }

  /// Whether |x − y| ≤ `absolute` + `relative` |y| for every element.
  public func allclose(
    _ other: Tensor, relative: Double = 1e-5, absolute: Double = 1e-8, equalNaN: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Bool {
    var result = false
    check(withPointers(other) { ct_allclose($0, $1, relative, absolute, equalNaN, &result) }, file, line)
    return result
  }
}

extension Tensor: CustomStringConvertible {
  /// LibTorch's printed form.
  public var description: String {
    withPointer { pointer in
      let length = Int(ct_print(pointer, nil, 0))
      return withUnsafeTemporaryAllocation(of: CChar.self, capacity: length + 1) { buffer in
        _ = ct_print(pointer, buffer.baseAddress, length + 1)
        return String(decoding: UnsafeRawBufferPointer(buffer).prefix(length), as: UTF8.self)
      }
    }
  }
}

// MARK: Calls. The owner of a handle is kept alive across the call, or ARC would free the tensor under it.

extension Tensor {
  func withPointer<R>(_ body: (ct_tensor) -> R) -> R {
    withExtendedLifetime(handle) { body(handle.pointer) }
  }

  func withPointers<R>(_ y: Tensor, _ body: (ct_tensor, ct_tensor) -> R) -> R {
    withExtendedLifetime((handle, y.handle)) { body(handle.pointer, y.handle.pointer) }
  }

  func withPointers<R>(_ y: Tensor, _ z: Tensor, _ body: (ct_tensor, ct_tensor, ct_tensor) -> R) -> R {
    withExtendedLifetime((handle, y.handle, z.handle)) { body(handle.pointer, y.handle.pointer, z.handle.pointer) }
  }

  /// The tensor that `body` makes of this one.
  func map(_ file: StaticString, _ line: UInt, _ body: (ct_tensor) -> ct_tensor?) -> Tensor {
    Tensor(owning: withPointer(body), file, line)
  }

  /// The tensor that `body` makes of this one and another.
  func map(_ y: Tensor, _ file: StaticString, _ line: UInt, _ body: (ct_tensor, ct_tensor) -> ct_tensor?) -> Tensor {
    Tensor(owning: withPointers(y, body), file, line)
  }

  /// The pair of tensors that `body` makes of this one.
  func pair(
    _ file: StaticString, _ line: UInt, _ body: (ct_tensor, UnsafeMutablePointer<ct_tensor?>) -> Int32
  ) -> (Tensor, Tensor) {
    var out: (ct_tensor?, ct_tensor?) = (nil, nil)
    let status = withUnsafeMutablePointer(to: &out) { tuple in
      tuple.withMemoryRebound(to: ct_tensor?.self, capacity: 2) { out in withPointer { body($0, out) } }
    }
    check(status, file, line)
    return (Tensor(owning: out.0, file, line), Tensor(owning: out.1, file, line))
  }

  /// The `count` tensors that `body` makes of this one.
  func several(
    _ count: Int, _ file: StaticString, _ line: UInt, _ body: (ct_tensor, UnsafeMutablePointer<ct_tensor?>) -> Int32
  ) -> [Tensor] {
    var out = [ct_tensor?](repeating: nil, count: count)
    check(withPointer { body($0, &out) }, file, line)
    return out.map { Tensor(owning: $0, file, line) }
  }
}

/// Traps with LibTorch's message unless `status` is 0.
func check(_ status: Int32, _ file: StaticString, _ line: UInt) {
  if status != 0 { trap(file, line) }
}

extension Optional where Wrapped == Tensor {
  func withPointer<R>(_ body: (ct_tensor?) -> R) -> R {
    withExtendedLifetime(self) { body(self?.handle.pointer) }
  }
}

/// Calls `body` with the handles of `tensors`, all kept alive.
func withPointers<R>(_ tensors: [Tensor], _ body: (UnsafePointer<ct_tensor?>, Int64) -> R) -> R {
  withExtendedLifetime(tensors) {
    withUnsafeTemporaryAllocation(of: ct_tensor?.self, capacity: Swift.max(1, tensors.count)) { buffer in
      for (index, tensor) in tensors.enumerated() { buffer.initializeElement(at: index, to: tensor.handle.pointer) }
      return body(UnsafePointer(buffer.baseAddress.unsafelyUnwrapped), Int64(tensors.count))
    }
  }
}

extension [Int] {
  /// The numbers as the C layer takes them.
  func withInt64<R>(_ body: (UnsafePointer<Int64>, Int64) -> R) -> R {
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: Swift.max(1, count)) { buffer in
      for (index, value) in enumerated() { buffer.initializeElement(at: index, to: Int64(value)) }
      return body(UnsafePointer(buffer.baseAddress.unsafelyUnwrapped), Int64(count))
    }
  }
}

extension Optional where Wrapped == Int {
  /// A pointer to the number, or NULL for none.
  func withInt64<R>(_ body: (UnsafePointer<Int64>?) -> R) -> R {
    guard let self else { return body(nil) }
    return withUnsafePointer(to: Int64(self)) { body($0) }
  }
}

extension Optional where Wrapped == Double {
  /// A pointer to the number, or NULL for none.
  func withDouble<R>(_ body: (UnsafePointer<Double>?) -> R) -> R {
    guard let self else { return body(nil) }
    return withUnsafePointer(to: self) { body($0) }
  }
}
