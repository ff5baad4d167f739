extension Library {
  private static func activation(
    _ names: String, in modules: String = "F torch t", _ transform: @escaping @Sendable (Node, inout Graph) -> Node
  ) -> Entry {
    define(names, in: modules, "input") { elaborator, arguments in
      guard let x = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return elaborator.mapped(x, dtype: .float, transform)
    }
  }

  /// Pointwise losses; only without reduction, since a reduction would mix the rows of the batch.
  private static func loss(
    _ names: String, _ parameter: String = "beta", _ transform: @escaping @Sendable (Node, Double, inout Graph) -> Node
  ) -> Entry {
    define(names, in: "F", "input other =reduction =\(parameter)") { elaborator, arguments in
      let difference = elaborator.binary(.subtract, arguments["input"], arguments["other"], arguments.span)
      guard case .array(let array) = difference else { return .invalid }
      let losses = elaborator.mapped(array) { node, graph in transform(node, arguments[parameter].number ?? 1, &graph) }
      if case .string("none") = arguments["reduction"] { return losses }
      guard case .array(let reduced) = losses else { return .invalid }
      var isSum = false
      if case .string("sum") = arguments["reduction"] { isSum = true }
      return elaborator.reduced(
        reduced, Array(reduced.shape.indices), keepdim: false, isSum ? .sum : .mean, arguments)
    }
  }

  static let activationFunctions: [Entry] = [
    activation("relu") { x, graph in graph.binary(.maximum, x, graph.constant(0)) },
    activation("relu6") { x, graph in
      graph.binary(.minimum, graph.binary(.maximum, x, graph.constant(0)), graph.constant(6))
    },
    activation("silu swish") { x, graph in graph.binary(.multiply, x, graph.unary(.sigmoid, x)) },
    activation("mish") { x, graph in graph.binary(.multiply, x, graph.unary(.tanh, softplus(x, &graph))) },
    activation("gelu") { x, graph in
      let half = graph.binary(.multiply, x, graph.constant(0.5))
      let share = graph.unary(.erf, graph.binary(.multiply, x, graph.constant(0.5.squareRoot())))
      return graph.binary(.multiply, half, graph.binary(.add, graph.constant(1), share))
    },
    define("softplus", in: "F torch", "input beta =threshold") { elaborator, arguments in
      let beta = arguments["beta"].number ?? 1
      guard let x = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return elaborator.mapped(x, dtype: .float) { node, graph in
        let scaled = softplus(graph.binary(.multiply, node, graph.constant(beta)), &graph)
        return graph.binary(.divide, scaled, graph.constant(beta))
      }
    },
    activation("logsigmoid", in: "F") { x, graph in
      graph.unary(.negate, softplus(graph.unary(.negate, x), &graph))
    },
    activation("softsign", in: "F") { x, graph in
      graph.binary(.divide, x, graph.binary(.add, graph.constant(1), graph.unary(.absolute, x)))
    },
    activation("hardsigmoid", in: "F") { x, graph in
      let shifted = graph.binary(.maximum, graph.binary(.add, x, graph.constant(3)), graph.constant(0))
      return graph.binary(.divide, graph.binary(.minimum, shifted, graph.constant(6)), graph.constant(6))
    },
    define("leaky_relu", in: "F", "input negative_slope") { elaborator, arguments in
      let slope = arguments["negative_slope"].number ?? 0.01
      guard let x = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return elaborator.mapped(x) { node, graph in
        let isPositive = graph.binary(.less, graph.constant(0), node)
        return graph.select(isPositive, node, graph.binary(.multiply, node, graph.constant(slope)))
      }
    },
    define("elu", in: "F", "input alpha") { elaborator, arguments in
      let alpha = arguments["alpha"].number ?? 1
      guard let x = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      return elaborator.mapped(x) { node, graph in
        let isPositive = graph.binary(.less, graph.constant(0), node)
        return graph.select(
          isPositive, node, graph.binary(.multiply, graph.unary(.expm1, node), graph.constant(alpha)))
      }
    },
    define("hardtanh", in: "F", "input min_val max_val") { elaborator, arguments in
      guard let x = elaborator.arrayArgument(arguments, "input") else { return .invalid }
      let low = arguments["min_val"].number ?? -1, high = arguments["max_val"].number ?? 1
      return elaborator.mapped(x) { node, graph in
        graph.binary(.minimum, graph.binary(.maximum, node, graph.constant(low)), graph.constant(high))
      }
    },
    define("softmax", in: "F torch t", "input dim") { elaborator, arguments in
      elaborator.softmax(arguments, isLogarithm: false)
    },
    define("log_softmax", in: "F torch t", "input dim") { elaborator, arguments in
      elaborator.softmax(arguments, isLogarithm: true)
    },
    loss("mse_loss") { x, _, graph in graph.binary(.multiply, x, x) },
    loss("l1_loss") { x, _, graph in graph.unary(.absolute, x) },
    loss("smooth_l1_loss") { x, beta, graph in
      let size = graph.unary(.absolute, x)
      let square = graph.binary(
        .divide, graph.binary(.multiply, graph.constant(0.5), graph.binary(.multiply, x, x)), graph.constant(beta))
      return graph.select(
        graph.binary(.less, size, graph.constant(beta)), square,
        graph.binary(.subtract, size, graph.constant(0.5 * beta)))
    },
    loss("huber_loss", "delta") { x, delta, graph in
      let size = graph.unary(.absolute, x)
      let square = graph.binary(.multiply, graph.constant(0.5), graph.binary(.multiply, x, x))
      let line = graph.binary(
        .multiply, graph.constant(delta), graph.binary(.subtract, size, graph.constant(0.5 * delta)))
      return graph.select(graph.binary(.lessEqual, size, graph.constant(delta)), square, line)
    },
  ]

  /// `log(1 + exp(x))` without overflow: `max(x, 0) + log1p(exp(-|x|))`.
  private static func softplus(_ x: Node, _ graph: inout Graph) -> Node {
    let decay = graph.unary(.exp, graph.unary(.negate, graph.unary(.absolute, x)))
    return graph.binary(.add, graph.binary(.maximum, x, graph.constant(0)), graph.unary(.log1p, decay))
  }
}

extension Elaborator {
  fileprivate func softmax(_ arguments: Arguments, isLogarithm: Bool) -> Value {
    guard let x = arrayArgument(arguments, "input"),
      let axis = axis(arguments["dim"].integer ?? -1, x.shape.count, arguments)
    else { return .invalid }
    guard case .array(let top) = reduced(x, [axis], keepdim: true, .maximum, arguments) else { return .invalid }
    let shifted = binary(.subtract, .array(x), .array(top), arguments.span)
    guard case .array(let exponents) = elementwise(.exp, shifted, arguments.span, dtype: .float) else {
      return .invalid
    }
    let sum = reduced(exponents, [axis], keepdim: true, .sum, arguments)
    if isLogarithm {
      return binary(.subtract, shifted, elementwise(.log, sum, arguments.span, dtype: .float), arguments.span)
    }
    return binary(.divide, .array(exponents), sum, arguments.span)
  }
}
