internal import CTorch

/// A number that may stand beside a tensor in an operation. As in PyTorch it never changes the tensor's precision:
/// a `Double` beside a float32 tensor gives float32; beside an integer tensor it gives the default float type.
public protocol TensorScalar {
  var scalar: Scalar { get }
}

/// A number with the kind that decides type promotion.
public enum Scalar: TensorScalar, Sendable, Hashable {
  case float(Double)
  case integer(Int64)
  case bool(Bool)

  public var scalar: Scalar { self }
}

extension Double: TensorScalar { public var scalar: Scalar { .float(self) } }
extension Float: TensorScalar { public var scalar: Scalar { .float(Double(self)) } }
extension Int: TensorScalar { public var scalar: Scalar { .integer(Int64(self)) } }
extension Int64: TensorScalar { public var scalar: Scalar { .integer(self) } }
extension Bool: TensorScalar { public var scalar: Scalar { .bool(self) } }

extension TensorScalar {
  var c: ct_scalar {
    switch scalar {
    case .float(let value): ct_scalar(kind: CT_FLOAT, real: value, integer: 0)
    case .integer(let value): ct_scalar(kind: CT_INTEGER, real: 0, integer: value)
    case .bool(let value): ct_scalar(kind: CT_BOOL, real: 0, integer: value ? 1 : 0)
    }
  }
}
