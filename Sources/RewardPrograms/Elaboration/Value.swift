/// The type of an array's elements.
enum DType: Int, Sendable, Comparable {
  case bool, int, float
  static func < (a: DType, b: DType) -> Bool { a.rawValue < b.rawValue }
  var name: String { self == .bool ? "bool" : self == .int ? "int" : "float" }
}

/// Whose semantics a value follows: a plain Python number's, numpy's or torch's.
enum Family: Int, Sendable, Comparable {
  case python, numpy, torch
  static func < (a: Family, b: Family) -> Bool { a.rawValue < b.rawValue }
}

/// One axis of a shape.
enum Dimension: Hashable, Sendable {
  case fixed(Int)
  /// The symbolic axis: the batch, or the time of an episode or a slice of it.
  case rows(LengthID)
  /// The rows of the symbolic axis at which a node is not 0.
  case selected(Node, LengthID)

  /// Components along the axis: rows are side by side in a column, not in components.
  var size: Int { if case .fixed(let count) = self { count } else { 1 } }
  var isRows: Bool { if case .fixed = self { false } else { true } }
}

/// An array (or a dynamic scalar) that the program computes with.
struct ArrayValue: Sendable {
  enum Backing: Sendable {
    /// The components themselves: a value that cannot change.
    case immediate([Node])
    /// An array in the heap, and which of its components these are (nil: all, in order). Views share an array.
    case stored(Int, [Int32]?)
  }
  var shape: [Dimension]
  var dtype: DType
  var family: Family
  var backing: Backing

  /// Components: the product of the fixed axes.
  var count: Int { shape.reduce(1) { $0 * $1.size } }
  var rowsAxis: Int? { shape.firstIndex(where: \.isRows) }
}

/// What a name can stand for while a program is elaborated.
indirect enum Value: Sendable {
  case none, ellipsis
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  case array(ArrayValue)
  /// Names, if any, are those of a named tuple: `values`, `indices`.
  case tuple([Value], names: [String])
  case list(Int)
  case dictionary(Int)
  /// An object made of values, by its type: a pose, a rotation.
  case record(String, OrderedDictionary)
  case range(start: Int, stop: Int, step: Int)
  case slice(Value, Value, Value)
  /// The size of the symbolic axis.
  case size(LengthID)
  case function(Closure)
  case builtin(String)
  case method(receiver: Value, name: String)
  case module(String)
  /// An object of the environment, known by its source text.
  case path(String)
  /// A type or a dtype: callable, comparable by name, otherwise opaque.
  case type(String)
  /// One of some strings, by a condition on the data: `stage = "reach" if far else "grasp"`.
  case choice(Node, Value, Value, count: Int)
  /// One of two values that do not go together, by a condition on the data, and why they do not: None or an array, or
  /// a value and nothing. It can be used where the condition is known.
  case either(Node, Value, Value, String)
  /// Not set on this path, and why: Python raises when it is used.
  case absent(String)
  /// It has no single value that could be computed, and why: an error when used.
  case undefined(String)
  /// An error was reported.
  case invalid

  static func tuple(_ values: [Value]) -> Value { .tuple(values, names: []) }

  var isInvalid: Bool { if case .invalid = self { true } else { false } }
  var isNone: Bool { if case .none = self { true } else { false } }

  /// A number that is known while compiling.
  var number: Double? {
    switch self {
    case .bool(let value): value ? 1 : 0
    case .int(let value): Double(value)
    case .float(let value): value
    default: nil
    }
  }

  var integer: Int? {
    switch self {
    case .bool(let value): value ? 1 : 0
    case .int(let value): value
    default: nil
    }
  }

  /// What kind of thing it is, for messages.
  var kindName: String {
    switch self {
    case .none: "None"
    case .ellipsis: "..."
    case .bool: "a bool"
    case .int, .size: "an int"
    case .float: "a float"
    case .string, .choice: "a string"
    case .array(let array):
      array.shape.isEmpty && array.family == .python ? "a number" : array.family == .torch ? "a tensor" : "an array"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dict"
    case .record(let type, _): "a \(type)"
    case .range: "a range"
    case .slice: "a slice"
    case .function, .builtin, .method: "a function"
    case .module(let name): "the module \(name)"
    case .path(let path): "\"\(path)\", an object of the environment"
    case .type(let name): "the type \(name)"
    case .either, .absent, .undefined, .invalid: "an undefined value"
    }
  }
}

/// A function of the program with the frame it was defined in.
final class Closure: Sendable {
  let name: String
  let parameters: [Parameter]
  let body: Body
  let frame: Int
  /// Values of the defaults, evaluated at the definition.
  let defaults: [String: Value]
  let span: Span

  enum Body: Sendable {
    case block([Statement])
    case expression(Expression)
  }

  init(
    name: String, parameters: [Parameter], body: Body, frame: Int, defaults: [String: Value], span: Span
  ) {
    self.name = name
    self.parameters = parameters
    self.body = body
    self.frame = frame
    self.defaults = defaults
    self.span = span
  }
}
