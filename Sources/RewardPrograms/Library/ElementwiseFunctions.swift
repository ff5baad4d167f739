extension Library {
  private static let everywhere = "np torch math t"

  private static func unary(_ names: String, _ opcode: Opcode, in modules: String = everywhere) -> Entry {
    define(names, in: modules, "input") { elaborator, arguments in
      elaborator.elementwise(opcode, arguments["input"], arguments, dtype: .float)
    }
  }

  /// Keeps whole numbers whole.
  private static func rounding(_ names: String, _ opcode: Opcode, in modules: String, dtype: DType? = nil) -> Entry {
    define(names, in: modules, "input") { elaborator, arguments in
      elaborator.elementwise(opcode, arguments["input"], arguments, dtype: dtype)
    }
  }

  private static func binary(
    _ names: String, _ opcode: Opcode, in modules: String, dtype: DType? = nil, needsTensors: Bool = false
  ) -> Entry {
    define(names, in: modules, "input other") { elaborator, arguments in
      if needsTensors, arguments.name.hasPrefix("torch."), !elaborator.isTensor(arguments["other"]) {
        return elaborator.fail(
          "type", arguments.span,
          "\"\(arguments.name)\" needs two tensors; the second is \(arguments["other"].kindName).",
          suggestion: "use \"torch.clamp(x, min=...)\" or \"torch.clamp(x, max=...)\" with a number")
      }
      return elaborator.zipped(opcode, arguments, dtype: dtype)
    }
  }

  static let elementwiseFunctions: [Entry] = [
    unary("exp", .exp), unary("exp2", .exp2), unary("expm1", .expm1), unary("log", .log), unary("log2", .log2),
    unary("log10", .log10), unary("log1p", .log1p), unary("sqrt", .squareRoot), unary("sin", .sin),
    unary("cos", .cos), unary("tan", .tan), unary("arcsin asin", .arcsin), unary("arccos acos", .arccos),
    unary("arctan atan", .arctan), unary("sinh", .sinh), unary("cosh", .cosh),
    unary("tanh", .tanh, in: everywhere + " F"),
    unary("arcsinh asinh", .arcsinh), unary("arccosh acosh", .arccosh), unary("arctanh atanh", .arctanh),
    unary("sigmoid expit", .sigmoid, in: "torch F t scipy.special"), unary("erf", .erf, in: "torch math t scipy.special"),
    unary("cbrt", .cubeRoot, in: "np math"), unary("fabs", .absolute, in: "np math"),
    rounding("abs absolute", .absolute, in: "np torch t python"), rounding("sign sgn", .sign, in: "np torch t"),
    rounding("floor", .floor, in: "np torch t"), rounding("ceil", .ceil, in: "np torch t"),
    rounding("trunc fix", .truncate, in: "np torch t"), rounding("rint", .round, in: "np"),
    rounding("floor", .floor, in: "math", dtype: .int), rounding("ceil", .ceil, in: "math", dtype: .int),
    rounding("trunc", .truncate, in: "math", dtype: .int),
    rounding("negative neg", .negate, in: "np torch t"),
    rounding("isnan", .isNaN, in: "np torch math t", dtype: .bool),
    rounding("isinf", .isInfinite, in: "np torch math t", dtype: .bool),
    define("isfinite", in: "np torch math t", "input") { elaborator, arguments in
      guard let x = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return elaborator.mapped(x, dtype: .bool) { node, graph in
        graph.unary(.not, graph.binary(.or, graph.unary(.isNaN, node), graph.unary(.isInfinite, node)))
      }
    },
    define("logical_not", in: "np torch t", "input") { elaborator, arguments in
      guard let x = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return elaborator.mapped(elaborator.cast(x, .bool), dtype: .bool) { node, graph in graph.unary(.not, node) }
    },
    define("square", in: "np torch t", "input") { elaborator, arguments in
      guard let x = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return elaborator.mapped(x) { node, graph in graph.binary(.multiply, node, node) }
    },
    define("reciprocal", in: "np torch t", "input") { elaborator, arguments in
      guard let x = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return elaborator.mapped(x, dtype: .float) { node, graph in graph.binary(.divide, graph.constant(1), node) }
    },
    define("rsqrt", in: "torch t", "input") { elaborator, arguments in
      guard let x = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return elaborator.mapped(x, dtype: .float) { node, graph in
        graph.binary(.divide, graph.constant(1), graph.unary(.squareRoot, node))
      }
    },
    define("deg2rad radians", in: "np torch math t", "input") { elaborator, arguments in
      elaborator.scaled(arguments, by: Double.pi / 180)
    },
    define("rad2deg degrees", in: "np torch math t", "input") { elaborator, arguments in
      elaborator.scaled(arguments, by: 180 / Double.pi)
    },
    define("round around round_", in: "np torch t n python", "input digits") { elaborator, arguments in
      elaborator.rounded(arguments)
    },

    binary("maximum", .maximum, in: "np torch t", needsTensors: true),
    binary("minimum", .minimum, in: "np torch t", needsTensors: true),
    binary("fmax", .fmax, in: "np torch", needsTensors: true),
    binary("fmin", .fmin, in: "np torch", needsTensors: true),
    binary("arctan2 atan2", .arctan2, in: "np torch math t", dtype: .float, needsTensors: true),
    binary("hypot", .hypot, in: "np torch math t", dtype: .float, needsTensors: true),
    binary("copysign", .copySign, in: "np torch math t", dtype: .float),
    binary("fmod", .fmod, in: "np torch math t"), binary("remainder mod", .modulo, in: "np torch t"),
    binary("floor_divide", .floorDivide, in: "np torch t"), binary("pow", .power, in: "math", dtype: .float),
    binary("logical_and", .and, in: "np torch t", dtype: .bool),
    binary("logical_or", .or, in: "np torch t", dtype: .bool),
    binary("logical_xor", .xor, in: "np torch t", dtype: .bool),
    binary("bitwise_and", .and, in: "np torch", dtype: .bool), binary("bitwise_or", .or, in: "np torch", dtype: .bool),
    operation("add", .add), operation("subtract sub", .subtract), operation("multiply mul", .multiply),
    operation("divide true_divide div", .divide), operation("power pow float_power", .power),
    operation("pow", .power, in: "python"),
    comparison("greater gt", .greater), comparison("greater_equal ge", .greaterEqual), comparison("less lt", .less),
    comparison("less_equal le", .lessEqual), comparison("equal eq", .equal), comparison("not_equal ne", .notEqual),

    define("clip clamp clamp_", in: "np torch t n", "input min max") { elaborator, arguments in
      elaborator.clipped(arguments)
    },
    define("clamp_min", in: "torch t", "input min") { elaborator, arguments in elaborator.clipped(arguments) },
    define("clamp_max", in: "torch t", "input max") { elaborator, arguments in elaborator.clipped(arguments) },
    define("where", in: "np torch", "condition input other") { elaborator, arguments in
      elaborator.chosen(arguments)
    },
    define("where", in: "t", "input condition other") { elaborator, arguments in elaborator.chosen(arguments) },
    define("masked_fill masked_fill_", in: "t torch", "input condition value") { elaborator, arguments in
      var renamed = arguments
      renamed.values["other"] = arguments["input"]
      renamed.values["input"] = arguments["value"]
      return elaborator.chosen(renamed)
    },
    define("nan_to_num", in: "np torch t", "input nan posinf neginf") { elaborator, arguments in
      elaborator.withoutNaN(arguments)
    },
    define("isclose", in: "np torch math t", "input other rtol atol =rel_tol =abs_tol") { elaborator, arguments in
      elaborator.close(arguments)
    },
    define("allclose", in: "np torch", "input other rtol atol") { elaborator, arguments in
      let result = elaborator.close(arguments)
      guard case .array(let array) = result else { return result }
      return elaborator.reduced(array, Array(array.shape.indices), keepdim: false, .all, arguments)
    },
    define("array_equal", in: "np", "input other") { elaborator, arguments in
      let equal = elaborator.compare(
        .equal, elaborator.arrayValue(arguments["input"]), elaborator.arrayValue(arguments["other"]), arguments.span)
      guard case .array(let array) = equal else { return equal }
      return elaborator.reduced(array, Array(array.shape.indices), keepdim: false, .all, arguments)
    },
    define("finfo", in: "np torch", "type") { elaborator, arguments in
      var isDouble = true
      if case .type(let name) = arguments["type"], ["float32", "single"].contains(name) { isDouble = false }
      if arguments.values["type"] == nil, arguments.name.hasPrefix("torch") { isDouble = false }
      var fields = OrderedDictionary()
      fields[.string("eps")] = .float(isDouble ? Double.ulpOfOne : Double(Float.ulpOfOne))
      fields[.string("max")] = .float(isDouble ? .greatestFiniteMagnitude : Double(Float.greatestFiniteMagnitude))
      fields[.string("min")] = .float(isDouble ? -.greatestFiniteMagnitude : -Double(Float.greatestFiniteMagnitude))
      fields[.string("tiny")] = .float(isDouble ? .leastNormalMagnitude : Double(Float.leastNormalMagnitude))
      return .record("finfo", fields)
    },
    define("lerp", in: "torch", "input end weight") { elaborator, arguments in
      let difference = elaborator.binary(.subtract, arguments["end"], arguments["input"], arguments.span)
      let step = elaborator.binary(.multiply, difference, arguments["weight"], arguments.span)
      return elaborator.binary(.add, arguments["input"], step, arguments.span)
    },
    define("addcmul addcdiv", in: "torch t", "input first second =value") { elaborator, arguments in
      let operation: BinaryOperator = arguments.name.hasSuffix("addcmul") ? .multiply : .divide
      var product = elaborator.binary(operation, arguments["first"], arguments["second"], arguments.span)
      if !arguments["value"].isNone {
        product = elaborator.binary(.multiply, product, arguments["value"], arguments.span)
      }
      return elaborator.binary(.add, arguments["input"], product, arguments.span)
    },
    define("real", in: "np torch", "input") { _, arguments in arguments["input"] },
    define("sinc", in: "np torch t", "input") { elaborator, arguments in
      guard let x = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return elaborator.mapped(x, dtype: .float) { node, graph in
        let angle = graph.binary(.multiply, node, graph.constant(.pi))
        let wave = graph.binary(.divide, graph.unary(.sin, angle), angle)
        return graph.select(graph.binary(.equal, node, graph.constant(0)), graph.constant(1), wave)
      }
    },
    define("heaviside", in: "np torch", "input other") { elaborator, arguments in
      guard let x = elaborator.arrayArgument(arguments, "input"), let y = elaborator.arrayArgument(arguments, "other"),
        let (shape, nodes) = elaborator.broadcast([x, y], arguments.span)
      else { return .invalid }
      let zero = elaborator.graph.constant(0)
      let result = zip(nodes[0], nodes[1]).map { x, y in
        let step = elaborator.graph.binary(.less, zero, x)
        return elaborator.graph.select(elaborator.graph.binary(.equal, x, zero), y, step)
      }
      return .array(elaborator.array(shape, result, .float, elaborator.family([x, y])))
    },
  ]

  private static func operation(_ names: String, _ operation: BinaryOperator, in modules: String = "np torch t")
    -> Entry
  {
    define(names, in: modules, "input other =alpha") { elaborator, arguments in
      var values = ["input", "other"].map { name in
        elaborator.sequence(arguments[name]) == nil
          ? arguments[name] : elaborator.toArray(arguments[name]).map { .array($0) } ?? .invalid
      }
      if !arguments["alpha"].isNone {
        values[1] = elaborator.binary(.multiply, values[1], arguments["alpha"], arguments.span)
      }
      return elaborator.binary(operation, values[0], values[1], arguments.span)
    }
  }

  private static func comparison(_ names: String, _ comparison: ComparisonOperator) -> Entry {
    define(names, in: "np torch t", "input other") { elaborator, arguments in
      elaborator.compare(comparison, arguments["input"], arguments["other"], arguments.span)
    }
  }
}

extension Elaborator {
  /// A function of every component; numbers known now stay numbers.
  func elementwise(_ opcode: Opcode, _ value: Value, _ arguments: Arguments, dtype: DType?) -> Value {
    if arguments.values["input"] == nil {
      return fail("arguments", arguments.span, "\"\(arguments.name)\" is missing its argument.")
    }
    if let number = value.number {
      let result = opcode.apply(number, 0, 0)
      if result.isNaN, !number.isNaN, arguments.name.hasPrefix("math.") {
        return fail("domain", arguments.span, "\"\(arguments.name)(\(number))\" is not a real number.")
      }
      let isInteger = dtype == .int || (dtype == nil && value.integer != nil)
      if dtype == .bool { return .bool(result != 0) }
      return isInteger ? Int(exactly: result).map { .int($0) } ?? .float(result) : .float(result)
    }
    guard let source = arrayArgument(arguments, "input") else { return .invalid }
    let family: Family = arguments.name.hasPrefix("np.") ? max(.numpy, source.family) : source.family
    let nodes = components(source).map { graph.unary(opcode, $0) }
    return .array(array(source.shape, nodes, dtype ?? max(source.dtype, .int), family))
  }

  func mapped(
    _ array: ArrayValue, dtype: DType? = nil, _ transform: (Node, inout Graph) -> Node
  ) -> Value {
    let nodes = components(array).map { transform($0, &graph) }
    return .array(self.array(array.shape, nodes, dtype ?? max(array.dtype, .int), array.family))
  }

  func zipped(_ opcode: Opcode, _ arguments: Arguments, dtype: DType?) -> Value {
    if let x = arguments["input"].number, let y = arguments["other"].number, dtype != .bool {
      let result = opcode.apply(x, y, 0)
      let isInteger = dtype == nil && arguments["input"].integer != nil && arguments["other"].integer != nil
      return isInteger ? Int(exactly: result).map { .int($0) } ?? .float(result) : .float(result)
    }
    guard let x = arrayArgument(arguments, "input"), let y = arrayArgument(arguments, "other"),
      let (shape, nodes) = broadcast([x, y], arguments.span)
    else { return .invalid }
    let isLogical = [.and, .or, .xor].contains(opcode)
    let result = zip(nodes[0], nodes[1]).map { x, y in
      isLogical ? graph.binary(opcode, truthNode(x), truthNode(y)) : graph.binary(opcode, x, y)
    }
    let family = arguments.name.hasPrefix("np.") ? max(.numpy, family([x, y])) : family([x, y])
    return .array(array(shape, result, dtype ?? max(x.dtype, y.dtype), family))
  }

  fileprivate func scaled(_ arguments: Arguments, by factor: Double) -> Value {
    if let number = arguments["input"].number { return .float(number * factor) }
    guard let x = arrayArgument(arguments, "input") else { return .invalid }
    return mapped(x, dtype: .float) { node, graph in graph.binary(.multiply, node, graph.constant(factor)) }
  }

  fileprivate func rounded(_ arguments: Arguments) -> Value {
    let digits = arguments["digits"].integer ?? 0
    let isWhole = arguments["digits"].isNone && arguments.name == "round"
    if digits == 0 {
      var renamed = Arguments(name: arguments.name, span: arguments.span)
      renamed.values["input"] = arguments["input"]
      return elementwise(.round, arguments["input"], renamed, dtype: isWhole ? .int : nil)
    }
    guard abs(digits) <= 15, let x = arrayArgument(arguments, "input") else {
      return fail("arguments", arguments.span, "\"round\" keeps at most 15 digits.")
    }
    var scale = 1.0
    for _ in 0..<abs(digits) { scale *= 10 }
    return mapped(x, dtype: .float) { node, graph in
      let factor = graph.constant(scale)
      let (up, down): (Opcode, Opcode) = digits > 0 ? (.multiply, .divide) : (.divide, .multiply)
      return graph.binary(down, graph.unary(.round, graph.binary(up, node, factor)), factor)
    }
  }

  fileprivate func clipped(_ arguments: Arguments) -> Value {
    guard let x = arrayArgument(arguments, "input") else { return .invalid }
    var arrays = [x]
    var opcodes: [Opcode] = []
    for (name, opcode) in [("min", Opcode.maximum), ("max", Opcode.minimum)] where !arguments[name].isNone {
      guard let bound = arrayArgument(arguments, name) else { return .invalid }
      arrays.append(bound)
      opcodes.append(opcode)
    }
    guard let (shape, nodes) = broadcast(arrays, arguments.span) else { return .invalid }
    var result = nodes[0]
    for (opcode, bounds) in zip(opcodes, nodes.dropFirst()) {
      result = zip(result, bounds).map { graph.binary(opcode, $0, $1) }
    }
    let family = arguments.name.hasPrefix("np.") ? max(.numpy, family(arrays)) : family(arrays)
    let clipped = array(shape, result, arrays.map(\.dtype).max() ?? x.dtype, family)
    if arguments.name.hasSuffix("_"), shape == x.shape {
      store(result, into: x)
      return arguments["input"]
    }
    return .array(clipped)
  }

  func chosen(_ arguments: Arguments) -> Value {
    if arguments.values["input"] == nil || arguments.values["other"] == nil {
      return fail(
        "dynamic-length", arguments.span, "\"where\" with a condition alone gives a length that depends on the data.",
        suggestion: "give it two values: \"where(condition, a, b)\"")
    }
    guard let condition = arrayArgument(arguments, "condition"), let x = arrayArgument(arguments, "input"),
      let y = arrayArgument(arguments, "other"), let (shape, nodes) = broadcast([condition, x, y], arguments.span)
    else { return .invalid }
    if condition.family == .torch, condition.dtype != .bool {
      return fail(
        "type", arguments.span, "The condition of \"torch.where\" must be bool.", suggestion: "compare it: \"x > 0\"")
    }
    let result = zip(nodes[0], zip(nodes[1], nodes[2])).map { c, values in
      graph.select(condition.dtype == .bool ? c : truthNode(c), values.0, values.1)
    }
    let family = arguments.name.hasPrefix("np.") ? max(.numpy, family([condition, x, y])) : family([condition, x, y])
    let chosen = array(shape, result, max(x.dtype, y.dtype), family)
    if arguments.name == "masked_fill_", shape == y.shape {
      store(result, into: y)
      return arguments["other"]
    }
    return .array(chosen)
  }

  fileprivate func withoutNaN(_ arguments: Arguments) -> Value {
    guard let x = arrayArgument(arguments, "input") else { return .invalid }
    let largest = graph.precision == .single ? Double(Float.greatestFiniteMagnitude) : .greatestFiniteMagnitude
    let nan = arguments["nan"].number ?? 0
    let high = arguments["posinf"].number ?? largest
    let low = arguments["neginf"].number ?? -largest
    return mapped(x) { node, graph in
      let zero = graph.constant(0)
      let infinite = graph.select(graph.binary(.less, zero, node), graph.constant(high), graph.constant(low))
      let finite = graph.select(graph.unary(.isInfinite, node), infinite, node)
      return graph.select(graph.unary(.isNaN, node), graph.constant(nan), finite)
    }
  }

  fileprivate func close(_ arguments: Arguments) -> Value {
    guard let x = arrayArgument(arguments, "input"), let y = arrayArgument(arguments, "other"),
      let (shape, nodes) = broadcast([x, y], arguments.span)
    else { return .invalid }
    let isMath = arguments.name.hasPrefix("math.")
    let relative = graph.constant((arguments["rtol"].number ?? arguments["rel_tol"].number) ?? (isMath ? 1e-9 : 1e-5))
    let absolute = graph.constant((arguments["atol"].number ?? arguments["abs_tol"].number) ?? (isMath ? 0 : 1e-8))
    let result = zip(nodes[0], nodes[1]).map { x, y in
      let distance = graph.unary(.absolute, graph.binary(.subtract, x, y))
      var size = graph.unary(.absolute, y)
      if isMath {
        let scaled = graph.binary(.multiply, relative, graph.binary(.maximum, graph.unary(.absolute, x), size))
        return graph.binary(.lessEqual, distance, graph.binary(.maximum, scaled, absolute))
      }
      size = graph.binary(.add, absolute, graph.binary(.multiply, relative, size))
      return graph.binary(.lessEqual, distance, size)
    }
    return .array(array(shape, result, .bool, family([x, y])))
  }
}
