extension Library {
  private static func filled(_ names: String, _ value: Double) -> [Entry] {
    [
      define(names, in: "np torch", "*shape =dtype") { elaborator, arguments in
        elaborator.filled(arguments, .float(value), arguments.name.hasPrefix("np.") ? .numpy : .torch)
      },
      define(names + "_like", in: "np torch", "input =dtype") { elaborator, arguments in
        elaborator.filledLike(arguments, .float(value))
      },
      define("new_" + names, in: "t", "input *shape =dtype") { elaborator, arguments in
        elaborator.filled(arguments, .float(value), .torch)
      },
    ]
  }

  static let creationFunctions: [Entry] =
    filled("zeros", 0) + filled("ones", 1) + filled("empty", 0) + [
      define("full", in: "np torch", "shape value =dtype") { elaborator, arguments in
        elaborator.filled(arguments, arguments["value"], arguments.name.hasPrefix("np.") ? .numpy : .torch)
      },
      define("new_full", in: "t", "input shape value =dtype") { elaborator, arguments in
        elaborator.filled(arguments, arguments["value"], .torch)
      },
      define("full_like", in: "np torch", "input value =dtype") { elaborator, arguments in
        elaborator.filledLike(arguments, arguments["value"])
      },
      define("fill_", in: "t", "input value") { elaborator, arguments in
        let filled = elaborator.filledLike(arguments, arguments["value"])
        if case .array(let old) = arguments["input"], case .array(let new) = filled {
          elaborator.store(elaborator.components(new), into: old)
        }
        return arguments["input"]
      },
      define("zero_", in: "t", "input") { elaborator, arguments in
        let filled = elaborator.filledLike(arguments, .float(0))
        if case .array(let old) = arguments["input"], case .array(let new) = filled {
          elaborator.store(elaborator.components(new), into: old)
        }
        return arguments["input"]
      },
      define("eye identity", in: "np torch", "count =dtype") { elaborator, arguments in
        guard let count = arguments["count"].integer, count > 0, count <= 64 else {
          return elaborator.fail("arguments", arguments.span, "\"eye\" needs a size from 1 to 64.")
        }
        let nodes = (0..<(count * count)).map { elaborator.graph.constant($0 % (count + 1) == 0 ? 1 : 0) }
        return .array(
          elaborator.array([.fixed(count), .fixed(count)], nodes, .float, elaborator.family(of: arguments)))
      },
      define("array asarray ascontiguousarray asanyarray", in: "np", "input =dtype") { elaborator, arguments in
        elaborator.converted(arguments, .numpy)
      },
      define("tensor as_tensor from_numpy FloatTensor", in: "torch", "data =dtype") { elaborator, arguments in
        elaborator.converted(arguments, .torch)
      },
      define("new_tensor", in: "t", "input data =dtype") { elaborator, arguments in
        elaborator.converted(arguments, .torch)
      },
      define("arange", in: "np torch", "start stop step =dtype") { elaborator, arguments in elaborator.range(arguments)
      },
      define("linspace", in: "np torch", "start stop num =dtype =endpoint") { elaborator, arguments in
        elaborator.linspace(arguments)
      },
    ]
}

extension Elaborator {
  func family(of arguments: Arguments) -> Family { arguments.name.hasPrefix("np.") ? .numpy : .torch }

  private func dtype(_ arguments: Arguments) -> DType? {
    switch arguments["dtype"] {
    case .type(let name), .string(let name), .builtin(let name): Library.dtype(named: name)
    default: nil
    }
  }

  fileprivate func filled(_ arguments: Arguments, _ value: Value, _ family: Family) -> Value {
    guard let shape = dimensions(arguments) else { return .invalid }
    let count = shape.reduce(1) { $0 * $1.size }
    guard count >= 0, count <= Limits.elements, shape.filter(\.isRows).count <= 1, !shape.contains(.fixed(-1)) else {
      return fail("too-large", arguments.span, "An array of shape \(describe(shape)) cannot be made.")
    }
    var source = arguments
    source.values["value"] = value
    guard let fill = arrayArgument(source, "value"), fill.shape.isEmpty else {
      return fail("type", arguments.span, "\"\(arguments.name)\" needs one number to fill with.")
    }
    let isCounted = arguments.name.hasSuffix("full")
    let type = dtype(arguments) ?? (isCounted ? fill.dtype : .float)
    return .array(array(shape, [Node](repeating: components(cast(fill, type))[0], count: count), type, family))
  }

  fileprivate func filledLike(_ arguments: Arguments, _ value: Value) -> Value {
    var source = arguments
    source.values["value"] = value
    guard let model = arrayArgument(arguments, "input"), let fill = arrayArgument(source, "value"),
      fill.shape.isEmpty
    else { return .invalid }
    let type = dtype(arguments) ?? model.dtype
    let node = components(cast(fill, type))[0]
    return .array(
      array(model.shape, [Node](repeating: node, count: model.count), type, max(.numpy, model.family)))
  }

  fileprivate func converted(_ arguments: Arguments, _ family: Family) -> Value {
    guard let source = arrayArgument(arguments, arguments.values["data"] == nil ? "input" : "data") else {
      return .invalid
    }
    let result = array(source.shape, components(source), source.dtype, family)
    return .array(dtype(arguments).map { cast(result, $0) } ?? result)
  }

  fileprivate func range(_ arguments: Arguments) -> Value {
    var start = arguments["start"], stop = arguments["stop"]
    if arguments.values["stop"] == nil || stop.isNone { (start, stop) = (.int(0), start) }
    if case .size(let id) = stop, start.integer == 0, arguments["step"].isNone {
      guard kind == .fitness else {
        return fail("batch-index", arguments.span, "The number of a row is no quantity that a reward may depend on.")
      }
      return .array(array([.rows(id)], [graph.positions(id)], .int, family(of: arguments)))
    }
    guard let first = start.number, let last = stop.number,
      let step = arguments["step"].isNone ? 1 : arguments["step"].number,
      step != 0, ((last - first) / step) <= Double(Limits.elements)
    else { return fail("arguments", arguments.span, "\"arange\" needs known numbers, and not too many.") }
    let count = max(0, Int(((last - first) / step).rounded(.up)))
    let isWhole = [start, stop, arguments["step"]].allSatisfy { $0.isNone || $0.integer != nil }
    let nodes = (0..<count).map { graph.constant(first + Double($0) * step) }
    let type = dtype(arguments) ?? (isWhole ? .int : .float)
    return .array(array([.fixed(count)], nodes, type, family(of: arguments)))
  }

  fileprivate func linspace(_ arguments: Arguments) -> Value {
    guard let first = arguments["start"].number, let last = arguments["stop"].number else {
      return fail("arguments", arguments.span, "\"linspace\" needs known bounds.")
    }
    if case .size(let id) = arguments["num"], kind == .fitness {
      let steps = graph.binary(.subtract, graph.length(id), graph.constant(1))
      let share = graph.binary(.divide, graph.positions(id), steps)
      let node = graph.binary(
        .add, graph.constant(first), graph.binary(.multiply, share, graph.constant(last - first)))
      return .array(array([.rows(id)], [node], .float, .numpy))
    }
    guard let count = arguments["num"].isNone ? 50 : arguments["num"].integer, count > 0, count <= Limits.elements
    else {
      return fail("arguments", arguments.span, "\"linspace\" needs a known count.")
    }
    let nodes = (0..<count).map {
      graph.constant(count == 1 ? first : first + (last - first) * Double($0) / Double(count - 1))
    }
    return .array(array([.fixed(count)], nodes, .float, family(of: arguments)))
  }
}
