/// The type of a tensor's elements. The raw values are LibTorch's `c10::ScalarType` numbers.
public enum DType: Int32, Sendable, Hashable, CaseIterable {
  case uint8 = 0, int8 = 1, int16 = 2, int32 = 3, int64 = 4
  case float16 = 5, float32 = 6, float64 = 7
  case complex64 = 9
  case bool = 11
  case bfloat16 = 15
  case float8E5M2 = 23, float8E4M3 = 24
  case uint16 = 27, uint32 = 28, uint64 = 29

  /// Bytes per element.
  public var size: Int {
    switch self {
    case .uint8, .int8, .bool, .float8E5M2, .float8E4M3: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64, .complex64: 8
    }
  }

  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64, .float8E5M2, .float8E4M3: true
    default: false
    }
  }
}

/// A Swift type whose arrays can be copied into and out of tensors.
public protocol TensorElement: BitwiseCopyable, Sendable {
  /// The element type that a tensor made of such values has.
  static var dtype: DType { get }
}

extension Float: TensorElement { public static var dtype: DType { .float32 } }
extension Double: TensorElement { public static var dtype: DType { .float64 } }
extension Int: TensorElement { public static var dtype: DType { .int64 } }
extension Int64: TensorElement { public static var dtype: DType { .int64 } }
extension Int32: TensorElement { public static var dtype: DType { .int32 } }
extension Int16: TensorElement { public static var dtype: DType { .int16 } }
extension Int8: TensorElement { public static var dtype: DType { .int8 } }
extension UInt8: TensorElement { public static var dtype: DType { .uint8 } }
extension Bool: TensorElement { public static var dtype: DType { .bool } }
