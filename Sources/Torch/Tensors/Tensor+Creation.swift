internal import CTorch

func options(_ dtype: DType, _ device: Device) -> ct_options { ct_options(dtype: dtype.rawValue, device: device.c) }

extension Tensor {
  /// A tensor of `values` in C order. The Swift type of the elements decides the dtype, unless one is given.
  /// - Parameter shape: by default one dimension.
  public init<T: TensorElement>(
    _ values: [T], shape: [Int]? = nil, dtype: DType? = nil, device: Device = .cpu, file: StaticString = #fileID,
    line: UInt = #line
  ) {
    self = values.withUnsafeBufferPointer {
      Tensor(copying: $0, shape: shape ?? [values.count], dtype: dtype, device: device, file: file, line: line)
    }
  }

  /// A matrix of `rows`, which must be of one length.
  public init<T: TensorElement>(
    _ rows: [[T]], dtype: DType? = nil, device: Device = .cpu, file: StaticString = #fileID, line: UInt = #line
  ) {
    let columns = rows.first?.count ?? 0
    precondition(rows.allSatisfy { $0.count == columns }, "Rows of a matrix differ in length.", file: file, line: line)
    self.init(
      rows.flatMap { $0 }, shape: [rows.count, columns], dtype: dtype, device: device, file: file, line: line)
  }

  /// A tensor without dimensions.
  public init<T: TensorElement>(
    _ value: T, dtype: DType? = nil, device: Device = .cpu, file: StaticString = #fileID, line: UInt = #line
  ) {
    self.init([value], shape: [], dtype: dtype, device: device, file: file, line: line)
  }

  /// A tensor of a buffer's elements in C order, copied.
  public init<T: TensorElement>(
    copying buffer: UnsafeBufferPointer<T>, shape: [Int], dtype: DType? = nil, device: Device = .cpu,
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.init(bytes: UnsafeRawBufferPointer(buffer), shape: shape, dtype: T.dtype, device: device, file, line)
    if let dtype, dtype != T.dtype { self = to(dtype, file: file, line: line) }
  }

  /// A tensor of raw little-endian elements in C order, copied.
  init(
    bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, device: Device, _ file: StaticString, _ line: UInt
  ) {
    let pointer = shape.withInt64 { sizes, count in
      withUnsafeBytes(of: 0) { nothing in
        ct_from_data(
          (bytes.baseAddress ?? nothing.baseAddress).unsafelyUnwrapped, bytes.count, sizes, count,
          options(dtype, device))
      }
    }
    self.init(owning: pointer, file, line)
  }

  /// Elements of any value: to be written before they are read.
  public static func empty(
    _ shape: [Int], dtype: DType = .float32, device: Device = .cpu, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Tensor(owning: shape.withInt64 { ct_empty($0, $1, options(dtype, device)) }, file, line)
  }

  public static func full(
    _ shape: [Int], _ value: some TensorScalar, dtype: DType = .float32, device: Device = .cpu,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Tensor(owning: shape.withInt64 { ct_full($0, $1, value.c, options(dtype, device)) }, file, line)
  }

  public static func zeros(
    _ shape: [Int], dtype: DType = .float32, device: Device = .cpu, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    full(shape, 0, dtype: dtype, device: device, file: file, line: line)
  }

  public static func ones(
    _ shape: [Int], dtype: DType = .float32, device: Device = .cpu, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    full(shape, 1, dtype: dtype, device: device, file: file, line: line)
  }

  /// `start`, `start + step`, … below `end`.
  public static func arange<S: TensorScalar>(
    _ start: S, _ end: S, step: S, dtype: DType = .int64, device: Device = .cpu, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    Tensor(owning: ct_arange(start.c, end.c, step.c, options(dtype, device)), file, line)
  }

  /// 0, 1, …, `count` − 1.
  public static func arange(
    _ count: Int, dtype: DType = .int64, device: Device = .cpu, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    arange(0, count, step: 1, dtype: dtype, device: device, file: file, line: line)
  }

  /// `steps` evenly spaced values, both ends included.
  public static func linspace(
    _ start: Double, _ end: Double, steps: Int, dtype: DType = .float32, device: Device = .cpu,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Tensor(owning: ct_linspace(start, end, Int64(steps), options(dtype, device)), file, line)
  }

  /// The identity matrix.
  public static func eye(
    _ rows: Int, _ columns: Int? = nil, dtype: DType = .float32, device: Device = .cpu, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    Tensor(owning: ct_eye(Int64(rows), Int64(columns ?? rows), options(dtype, device)), file, line)
  }

  public func zerosLike(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_zeros_like) }
  public func onesLike(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_ones_like) }

  /// The same values in another type or place; the tensor itself if nothing changes.
  public func to(
    _ dtype: DType? = nil, device: Device? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    map(file, line) { ct_to($0, options(dtype ?? self.dtype, device ?? self.device)) }
  }

  /// A copy that shares no elements; gradients flow through it.
  public func clone(file: StaticString = #fileID, line: UInt = #line) -> Tensor { map(file, line, ct_clone) }
}
