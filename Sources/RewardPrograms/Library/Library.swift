/// The functions and constants of Python, numpy, torch and math that programs may use.
enum Library {
  /// A function: its parameters in order, and what it makes of them. "=name" is only a keyword; "*name" takes the rest
  /// of the arguments, "**name" the rest of the keywords.
  struct Definition: Sendable {
    let parameters: [String]
    let body: @Sendable (Elaborator, Arguments) -> Value
  }

  /// Definitions with the modules in which they are found.
  struct Entry: Sendable {
    let names: [String]
    let modules: [String]
    let definition: Definition
  }

  /// - Parameters:
  ///   - names: the function's names, separated by spaces.
  ///   - modules: where it is found: python, np, torch, F, math, np.linalg, torch.linalg, distance; `t` and `n` are
  ///     the methods of tensors and of numpy arrays.
  static func define(
    _ names: String, in modules: String, _ parameters: String,
    _ body: @escaping @Sendable (Elaborator, Arguments) -> Value
  ) -> Entry {
    Entry(
      names: names.split(separator: " ").map(String.init), modules: modules.split(separator: " ").map(String.init),
      definition: Definition(parameters: parameters.split(separator: " ").map(String.init), body: body))
  }

  /// By qualified name: "np.sum", "torch.linalg.norm", "t.sum" for methods of tensors, "abs" for Python's own.
  static let definitions: [String: Definition] = {
    var result: [String: Definition] = [:]
    let entries = [
      elementwiseFunctions, reductionFunctions, shapeFunctions, creationFunctions, linearAlgebraFunctions,
      activationFunctions, orderFunctions, pythonFunctions,
    ].joined()
    for entry in entries {
      for name in entry.names {
        for module in entry.modules { result[module == "python" ? name : "\(module).\(name)"] = entry.definition }
      }
    }
    return result
  }()

  static func methodPrefix(_ family: Family) -> String { family == .torch ? "t." : "n." }
  static func methodNames(_ family: Family) -> [String] { members(of: family == .torch ? "t" : "n") }

  // MARK: Modules

  static let importable: Set<String> = [
    "numpy", "torch", "math", "typing", "scipy", "functools", "dataclasses", "__future__", "collections", "abc",
    "isaacgym", "isaacgymenvs", "utils", "gym", "gymnasium", "mani_skill", "mani_skill2", "metaworld", "omni",
    "omniisaacgymenvs", "numba", "numpy_typing", "jaxtyping", "transforms3d", "sapien", "envs",
  ]

  /// Modules of which only the helpers of the prelude are there.
  static let helperModules: Set<String> = [
    "transforms3d", "sapien", "isaacgym", "isaacgymenvs", "omni", "omniisaacgymenvs", "mani_skill", "mani_skill2",
    "utils", "scipy",
  ]

  static func canonicalModule(_ name: String) -> String {
    switch name {
    case "numpy": "np"
    case "numpy.linalg": "np.linalg"
    case "torch.nn.functional": "F"
    case "scipy.spatial.distance": "distance"
    case "scipy.linalg": "np.linalg"
    default: name
    }
  }

  private static let submodules: [String: String] = [
    "np.linalg": "np.linalg", "torch.linalg": "torch.linalg", "torch.nn": "torch.nn", "torch.nn.functional": "F",
    "scipy.spatial": "scipy.spatial", "scipy.spatial.distance": "distance", "torch.special": "torch",
    "spatial.distance": "distance", "scipy.spatial.transform": "scipy.spatial.transform",
    "scipy.special": "scipy.special",
  ]

  static let dtypes: [String: DType] = {
    var result: [String: DType] = ["bool": .bool, "bool_": .bool, "BoolTensor": .bool, "int": .int, "float": .float]
    for name in ["float16", "float32", "float64", "float_", "double", "half", "FloatTensor", "DoubleTensor", "single"] {
      result[name] = .float
    }
    for name in ["int8", "int16", "int32", "int64", "long", "uint8", "LongTensor", "IntTensor", "intp", "int_"] {
      result[name] = .int
    }
    return result
  }()

  /// A member of a module; nil if the language has none.
  static func member(_ name: String, of module: String) -> Value? {
    let qualified = "\(module).\(name)"
    if let submodule = submodules[qualified] { return .module(submodule) }
    if definitions[qualified] != nil { return .builtin(qualified) }
    if ["np", "torch", "math"].contains(module), let constant = constants[name] { return constant }
    if module == "np" && name == "newaxis" { return Value.none }
    if module == "np" && name == "r_" { return .type("np.r_") }
    if ["np", "torch"].contains(module), dtypes[name] != nil { return .type(name) }
    if ["torch", "np", "torch.nn"].contains(module), opaque.contains(name) { return .type(name) }
    if ["typing", "collections", "functools", "dataclasses"].contains(module) { return .type(name) }
    return nil
  }

  private static let opaque: Set<String> = [
    "Tensor", "device", "ndarray", "dtype", "jit", "no_grad", "Module", "generic", "floating", "integer", "number",
  ]

  private static let constants: [String: Value] = [
    "pi": .float(.pi), "e": .float(2.718281828459045), "inf": .float(.infinity), "nan": .float(.nan),
    "tau": .float(2 * .pi), "Inf": .float(.infinity), "infty": .float(.infinity),
  ]

  static func members(of module: String) -> [String] {
    let prefix = module + "."
    var names = definitions.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
      .filter { !$0.contains(".") }
    if ["np", "torch", "math"].contains(module) { names += constants.keys }
    return names.sorted()
  }

  /// Names that are known without an import.
  static let globalNames: [String: Value] = {
    var names: [String: Value] = [
      "np": .module("np"), "numpy": .module("np"), "torch": .module("torch"), "math": .module("math"),
      "F": .module("F"), "scipy": .module("scipy"), "distance": .module("distance"),
      "sdist": .module("distance"), "nn": .module("torch.nn"),
      "cdist": .builtin("distance.cdist"), "__name__": .string("reward_program"),
    ]
    for name in [
      "Tensor", "Dict", "Tuple", "List", "Optional", "Union", "Any", "Callable", "Sequence", "str", "dict",
      "object", "device", "Pose", "Rotation",
    ] {
      names[name] = .type(name)
    }
    for name in definitions.keys where !name.contains(".") { names[name] = .builtin(name) }
    return names
  }()

  /// What people and language models reach for in vain, with what to do instead.
  static let rejectedNames: [String: String] = {
    let escape = "a reward program only computes with its inputs"
    var result: [String: String] = [
      "np.random": "a reward is a function of the transition: it has no random numbers",
      "torch.rand": "a reward is a function of the transition: it has no random numbers",
      "torch.randn": "a reward is a function of the transition: it has no random numbers",
      "torch.rand_like": "a reward is a function of the transition: it has no random numbers",
      "torch.randn_like": "a reward is a function of the transition: it has no random numbers",
      "random": "a reward is a function of the transition: it has no random numbers",
      "nonzero": "use \"where(mask, values, 0.0)\" and reduce that",
      "np.nonzero": "use \"where(mask, values, 0.0)\" and reduce that",
      "np.argwhere": "use \"where(mask, values, 0.0)\" and reduce that",
    ]
    for name in [
      "eval", "exec", "open", "compile", "getattr", "setattr", "globals", "locals", "vars", "input",
      "hasattr", "delattr", "breakpoint", "memoryview", "dir", "id", "iter", "next",
    ] {
      result[name] = escape
    }
    return result
  }()

  static let dictionaryMethods: Set<String> = ["items", "keys", "values", "get", "update", "copy", "pop", "setdefault"]
  static let listMethods: Set<String> = ["append", "extend", "insert", "pop", "copy", "reverse", "index"]
  static let stringMethods: Set<String> = ["lower", "upper", "strip", "index"]

  // MARK: Keywords

  /// Accepted everywhere, without effect: there is one element type a program, and no device.
  static let ignoredKeywords: Set<String> = [
    "dtype", "device", "requires_grad", "layout", "pin_memory", "memory_format", "inplace", "order", "copy",
    "non_blocking", "subok", "casting", "as_tuple", "indexing",
  ]

  private static let aliases: [String: String] = [
    "axis": "dim", "keepdims": "keepdim", "dims": "dim", "p": "ord", "a_min": "min", "a_max": "max", "q": "quantile",
    "ddof": "correction", "newshape": "shape", "size": "shape", "dim0": "axis1", "dim1": "axis2", "decimals": "digits",
    "n": "count", "k": "count", "fill_value": "value", "reps": "repeats", "ndigits": "digits", "exponent": "other",
    "divisor": "other", "vec2": "other", "mat2": "other", "arrays": "tensors", "source": "dim",
    "steps": "num", "start_dim": "start", "end_dim": "end", "target": "other", "end": "stop",
  ]

  static func canonicalKeyword(_ name: String, of definition: Definition) -> String? {
    func find(_ wanted: String) -> String? {
      definition.parameters.first { $0.drop { $0 == "*" || $0 == "=" } == wanted }
    }
    if let direct = find(name) ?? aliases[name].flatMap(find) { return direct }
    let plain = definition.parameters.filter { !$0.hasPrefix("=") && !$0.hasPrefix("**") }
    if definition.parameters.contains(where: { $0.hasPrefix("**") }) { return nil }
    switch name {
    case "a", "x", "x1", "arr", "A", "m", "self", "input", "tensors", "XA", "y_true", "object", "data", "v", "ar":
      return plain.first
    case "b", "x2", "other", "B", "XB", "y": return plain.count > 1 ? plain[1] : nil
    default: return nil
    }
  }
}

/// The arguments of a library function, by canonical names; what was left out is None.
struct Arguments {
  let name: String
  let span: Span
  var values: [String: Value] = [:]
  /// What "*name" took.
  var extra: [Value] = []
  /// What "**name" took.
  var keywords: [(name: String, value: Value)] = []

  init(name: String, span: Span) {
    self.name = name
    self.span = span
  }

  subscript(name: String) -> Value { values[name] ?? .none }
}

extension Elaborator {
  /// An argument that must be a number, an array or a list of them; nil after reporting.
  func arrayArgument(_ arguments: Arguments, _ name: String) -> ArrayValue? {
    let value = arguments[name]
    if let array = toArray(value) { return array }
    if case .size = value {
      fail(
        "batch-size", arguments.span, "The size of the batch is no quantity that a reward may depend on.",
        suggestion: "use it only for shapes")
    } else if value.isNone, arguments.values[name] == nil {
      fail("arguments", arguments.span, "\"\(arguments.name)\" is missing its argument \"\(name)\".")
    } else if !value.isInvalid {
      var message = "\"\(arguments.name)\" needs a number or an array, not \(value.kindName)"
      if sequence(value) != nil { message += " of elements of different shapes" }
      fail("type", arguments.span, message + ".")
    }
    return nil
  }

  /// The axes named by `dim`; all of them if it is left out. Nil after reporting.
  func axes(_ arguments: Arguments, _ array: ArrayValue, _ name: String = "dim") -> [Int]? {
    let value = arguments[name]
    if value.isNone { return Array(array.shape.indices) }
    let numbers = value.integer.map { [$0] } ?? sequence(value)?.compactMap(\.integer)
    guard let numbers, !numbers.isEmpty else {
      fail("type", arguments.span, "The axis of \"\(arguments.name)\" must be an int known while compiling.")
      return nil
    }
    var result: [Int] = []
    for number in numbers {
      guard let axis = axis(number, array.shape.count, arguments) else { return nil }
      if result.contains(axis) {
        fail("axis", arguments.span, "\"\(arguments.name)\" names the axis \(number) twice.")
        return nil
      }
      result.append(axis)
    }
    return result.sorted()
  }

  func axis(_ number: Int, _ rank: Int, _ arguments: Arguments) -> Int? {
    let axis = number < 0 ? number + rank : number
    if (0..<rank).contains(axis) { return axis }
    let isMissingBatch = convention == .perTransition && library == .numpy && number == rank
    fail(
      "axis", arguments.span,
      "\"\(arguments.name)\" has no axis \(number): there \(rank == 1 ? "is 1 axis" : "are \(rank) axes").",
      suggestion: isMissingBatch ? "in a numpy program inputs have no batch axis: use axis=-1" : nil)
    return nil
  }

  func flag(_ arguments: Arguments, _ name: String) -> Bool { arguments[name].number.map { $0 != 0 } ?? false }
}
