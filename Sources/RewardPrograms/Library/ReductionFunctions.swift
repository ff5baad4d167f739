/// How elements are reduced to one.
enum Reduction {
  case sum, mean, product, minimum, maximum, any, all, countNonzero
  case variance(correction: Double)
  case deviation(correction: Double)
  case norm(Double)
  case argMinimum, argMaximum, median, logSumExp
  case quantile(Double)
}

extension Library {
  private static let everywhere = "np torch t n"

  private static func reduction(_ names: String, _ reduction: Reduction, in modules: String = everywhere) -> Entry {
    define(names, in: modules, "input dim keepdim =initial =where") { elaborator, arguments in
      elaborator.reduced(arguments, reduction)
    }
  }

  private static func extremum(_ names: String, _ reduction: Reduction, _ opcode: Opcode, _ position: Reduction)
    -> Entry
  {
    // torch's `max` is three functions: of all elements, along an axis (with positions), and of two tensors.
    define(names, in: "torch t", "input dim keepdim =other") { elaborator, arguments in
      var other = arguments["other"]
      if case .array(let array) = arguments["dim"], array.family == .torch { other = arguments["dim"] }
      if !other.isNone {
        var renamed = Arguments(name: arguments.name, span: arguments.span)
        renamed.values = ["input": arguments["input"], "other": other]
        return elaborator.zipped(opcode, renamed, dtype: nil)
      }
      let result = elaborator.reduced(arguments, reduction)
      if arguments["dim"].isNone || result.isInvalid { return result }
      return .tuple([result, elaborator.reduced(arguments, position)], names: ["values", "indices"])
    }
  }

  /// `np.maximum.reduce(x)`: over the first axis, unless told otherwise.
  private static func folding(_ name: String, _ reduction: Reduction) -> Entry {
    define(name + ".reduce", in: "np", "input dim keepdim") { elaborator, arguments in
      var arguments = arguments
      if arguments.values["dim"] == nil { arguments.values["dim"] = .int(0) }
      return elaborator.reduced(arguments, reduction)
    }
  }

  static let reductionFunctions: [Entry] = [
    folding("maximum", .maximum), folding("minimum", .minimum), folding("add", .sum), folding("multiply", .product),
    folding("logical_and", .all), folding("logical_or", .any),
    reduction("sum nansum", .sum), reduction("mean nanmean", .mean), reduction("prod", .product),
    reduction("any", .any), reduction("all", .all), reduction("count_nonzero", .countNonzero, in: "np torch t"),
    reduction("max amax", .maximum, in: "np n"), reduction("min amin", .minimum, in: "np n"),
    reduction("amax", .maximum, in: "torch t"), reduction("amin", .minimum, in: "torch t"),
    reduction("argmax", .argMaximum), reduction("argmin", .argMinimum),
    reduction("logsumexp", .logSumExp, in: "torch t"),
    reduction("median", .median, in: "np"),
    extremum("max", .maximum, .maximum, .argMaximum), extremum("min", .minimum, .minimum, .argMinimum),
    define("ptp", in: "np", "input dim keepdim") { elaborator, arguments in
      elaborator.binary(
        .subtract, elaborator.reduced(arguments, .maximum), elaborator.reduced(arguments, .minimum), arguments.span)
    },
    define("std", in: everywhere, "input dim keepdim unbiased =correction") { elaborator, arguments in
      elaborator.reduced(arguments, .deviation(correction: elaborator.correction(arguments)))
    },
    define("var", in: everywhere, "input dim keepdim unbiased =correction") { elaborator, arguments in
      elaborator.reduced(arguments, .variance(correction: elaborator.correction(arguments)))
    },
    define("percentile", in: "np", "input quantile dim keepdim") { elaborator, arguments in
      elaborator.quantile(arguments, scale: 0.01)
    },
    define("quantile", in: "np torch t", "input quantile dim keepdim") { elaborator, arguments in
      elaborator.quantile(arguments, scale: 1)
    },
    define("norm", in: "np.linalg torch torch.linalg t", "input ord dim keepdim") { elaborator, arguments in
      elaborator.norm(arguments)
    },
    define("vector_norm", in: "np.linalg torch.linalg", "input ord dim keepdim") { elaborator, arguments in
      elaborator.norm(arguments)
    },
    define("average", in: "np", "input dim weights") { elaborator, arguments in elaborator.average(arguments) },
    define("cumsum", in: everywhere, "input dim") { elaborator, arguments in
      elaborator.running(arguments, .add, .runningSum)
    },
    define("cumprod", in: everywhere, "input dim") { elaborator, arguments in
      elaborator.running(arguments, .multiply, .runningProduct)
    },
    define("diff", in: "np torch t", "input count dim") { elaborator, arguments in elaborator.difference(arguments) },
    define("trapz trapezoid", in: "np torch", "input x dx") { elaborator, arguments in
      elaborator.trapezoid(arguments)
    },
    define("sort", in: "np", "input dim") { elaborator, arguments in elaborator.sorted(arguments) },
  ]
}

extension Elaborator {
  fileprivate func correction(_ arguments: Arguments) -> Double {
    if let given = arguments["correction"].number { return given }
    if case .array(let array) = arguments["input"], array.family == .torch {
      return arguments["unbiased"].number ?? 1
    }
    return 0
  }

  func reduced(_ arguments: Arguments, _ reduction: Reduction) -> Value {
    guard let array = arrayArgument(arguments, "input"), let axes = axes(arguments, array) else { return .invalid }
    var source = array
    if !arguments["where"].isNone {
      guard case .sum = reduction, let mask = arrayArgument(arguments, "where"),
        let (shape, nodes) = broadcast([array, mask], arguments.span), shape == array.shape
      else {
        return fail(
          "arguments", arguments.span, "\"where\" is only supported in \"sum\".",
          suggestion: "select first: \"np.where(mask, x, 0.0)\"")
      }
      let zero = graph.constant(0)
      source = self.array(
        shape, zip(nodes[0], nodes[1]).map { graph.select(truthNode($1), $0, zero) }, array.dtype, array.family)
    }
    if !arguments["initial"].isNone {
      var plain = arguments
      plain.values["initial"] = nil
      let result = reduced(plain, reduction)
      guard let opcode = opcode(combining: reduction), case .array(let some) = result,
        let first = arrayArgument(arguments, "initial"), let (shape, nodes) = broadcast([some, first], arguments.span)
      else { return .invalid }
      return .array(
        self.array(
          shape, zip(nodes[0], nodes[1]).map { graph.binary(opcode, $0, $1) }, max(some.dtype, first.dtype), some.family))
    }
    if source.family == .python { source.family = .numpy }
    return reduced(source, axes, keepdim: flag(arguments, "keepdim"), reduction, arguments)
  }

  /// Reduces over some axes. Over the symbolic one only in a fitness.
  func reduced(
    _ array: ArrayValue, _ axes: [Int], keepdim: Bool, _ reduction: Reduction, _ arguments: Arguments
  ) -> Value {
    let rows = axes.first { array.shape[$0].isRows }.map { array.shape[$0] }
    if rows != nil, kind == .reward {
      let axis = array.shape.count > 1 ? " Give it an axis, as in \"dim=-1\"." : ""
      return fail(
        "batch-reduction", arguments.span,
        "\"\(arguments.name)\" mixes the rows of the batch: a reward may only look at its own row.\(axis)",
        suggestion: array.shape.count > 1
          ? "reduce over the components: \"dim=-1\""
          : "compare with a constant instead: what is large or small does not depend on the other rows")
    }
    if array.family == .torch, array.dtype != .float {
      switch reduction {
      case .mean, .variance, .deviation, .norm:
        return fail(
          "type", arguments.span, "\"\(arguments.name)\" needs floats, and this tensor has \(array.dtype.name)s.",
          suggestion: "convert it with \".float()\"")
      default: break
      }
    }
    let groups = groups(array, axes)
    if groups.contains(where: \.isEmpty) {
      return fail("empty", arguments.span, "\"\(arguments.name)\" of nothing: the array has no elements.")
    }
    var result: [Node] = []
    for group in groups {
      guard let node = reduce(group, rows, reduction, array, arguments) else { return .invalid }
      result.append(node)
    }
    var shape: [Dimension] = []
    for (axis, dimension) in array.shape.enumerated() {
      if !axes.contains(axis) { shape.append(dimension) } else if keepdim { shape.append(.fixed(1)) }
    }
    return .array(self.array(shape, result, dtype(of: reduction, array.dtype), array.family))
  }

  private func opcode(combining reduction: Reduction) -> Opcode? {
    switch reduction {
    case .sum: .add
    case .product: .multiply
    case .minimum: .minimum
    case .maximum: .maximum
    default: nil
    }
  }

  private func dtype(of reduction: Reduction, _ dtype: DType) -> DType {
    switch reduction {
    case .sum, .product: max(dtype, .int)
    case .minimum, .maximum, .median, .quantile: dtype
    case .any, .all: .bool
    case .countNonzero, .argMinimum, .argMaximum: .int
    default: .float
    }
  }

  /// The components that go into each component of the result.
  func groups(_ array: ArrayValue, _ axes: [Int]) -> [[Node]] {
    let nodes = components(array)
    let strides = strides(array.shape)
    let kept = array.shape.indices.filter { !axes.contains($0) }
    let starts = gather(sizes: kept.map { array.shape[$0].size }, strides: kept.map { strides[$0] }, start: 0)
    let offsets = gather(sizes: axes.map { array.shape[$0].size }, strides: axes.map { strides[$0] }, start: 0)
    return starts.map { start in offsets.map { nodes[Int(start + $0)] } }
  }

  private func reduce(
    _ group: [Node], _ rows: Dimension?, _ reduction: Reduction, _ array: ArrayValue, _ arguments: Arguments
  ) -> Node? {
    switch reduction {
    case .sum: return fold(group, rows, .add)
    case .product: return fold(group, rows, .multiply)
    case .minimum: return fold(group, rows, .minimum)
    case .maximum: return fold(group, rows, .maximum)
    case .any: return fold(group.map(truthNode), rows, .or)
    case .all: return fold(group.map(truthNode), rows, .and)
    case .countNonzero: return fold(group.map(truthNode), rows, .add)
    case .mean: return graph.binary(.divide, fold(group, rows, .add), count(group.count, rows))
    case .variance(let correction): return variance(group, rows, correction)
    case .deviation(let correction): return graph.unary(.squareRoot, variance(group, rows, correction))
    case .norm(let order): return norm(group, rows, order)
    case .logSumExp:
      let top = fold(group, rows, .maximum)
      let sum = fold(group.map { graph.unary(.exp, graph.binary(.subtract, $0, top)) }, rows, .add)
      return graph.binary(.add, graph.unary(.log, sum), top)
    case .argMinimum, .argMaximum:
      let isMinimum = if case .argMinimum = reduction { true } else { false }
      guard let rows else { return position(group, isMinimum: isMinimum) }
      guard group.count == 1, case .rows(let length) = rows else { break }
      return graph.reduce(isMinimum ? .timeArgMinimum : .timeArgMaximum, spread(group[0], length))
    case .median: return quantile(group, rows, 0.5, arguments)
    case .quantile(let level): return quantile(group, rows, level, arguments)
    }
    fail("unsupported", arguments.span, "\"\(arguments.name)\" over time and other axes at once is not supported.")
    return nil
  }

  /// Combines components, then rows if they are reduced too.
  func fold(_ group: [Node], _ rows: Dimension?, _ opcode: Opcode) -> Node {
    guard let rows else { return sum(group, opcode) }
    let over: Opcode =
      switch opcode {
      case .add: .timeSum
      case .multiply: .timeProduct
      case .minimum, .and: .timeMinimum
      default: .timeMaximum
      }
    switch rows {
    case .fixed: return sum(group, opcode)
    case .rows(let length): return graph.reduce(over, spread(sum(group, opcode), length))
    case .selected(let mask, let length):
      let neutral: Double =
        switch opcode {
        case .add, .or: 0
        case .multiply, .and: 1
        case .minimum: .infinity
        default: -.infinity
        }
      let kept = graph.select(spread(mask, length), sum(group, opcode), graph.constant(neutral))
      return graph.reduce(over, spread(kept, length))
    }
  }

  /// numpy's order of summation for short arrays: in turn below 8, else by 8 interleaved sums.
  private func sum(_ nodes: [Node], _ opcode: Opcode) -> Node {
    func inTurn(_ nodes: some Collection<Node>) -> Node {
      nodes.dropFirst().reduce(nodes.first ?? graph.constant(0)) { graph.binary(opcode, $0, $1) }
    }
    guard nodes.count >= 8 else { return inTurn(nodes) }
    let whole = nodes.count - nodes.count % 8
    var level = (0..<8).map { lane in inTurn(stride(from: lane, to: whole, by: 8).map { nodes[$0] }) }
    while level.count > 1 {
      level = stride(from: 0, to: level.count, by: 2).map { graph.binary(opcode, level[$0], level[$0 + 1]) }
    }
    return inTurn(level + nodes[whole...])
  }

  private func count(_ components: Int, _ rows: Dimension?) -> Node {
    let fixed = graph.constant(Double(components))
    switch rows {
    case .rows(let length): return graph.binary(.multiply, graph.length(length), fixed)
    case .selected(let mask, let length):
      return graph.binary(.multiply, graph.reduce(.timeSum, spread(mask, length)), fixed)
    default: return fixed
    }
  }

  private func variance(_ group: [Node], _ rows: Dimension?, _ correction: Double) -> Node {
    let count = count(group.count, rows)
    let mean = graph.binary(.divide, fold(group, rows, .add), count)
    let squares = group.map { node in
      let deviation = graph.binary(.subtract, node, mean)
      return graph.binary(.multiply, deviation, deviation)
    }
    let divisor = graph.binary(.subtract, count, graph.constant(correction))
    return graph.binary(.divide, fold(squares, rows, .add), divisor)
  }

  private func norm(_ group: [Node], _ rows: Dimension?, _ order: Double) -> Node {
    if order == 2 {
      return graph.unary(.squareRoot, fold(group.map { graph.binary(.multiply, $0, $0) }, rows, .add))
    }
    if order == 0 { return fold(group.map(truthNode), rows, .add) }
    let sizes = group.map { graph.unary(.absolute, $0) }
    if order == 1 { return fold(sizes, rows, .add) }
    if order.isInfinite { return fold(sizes, rows, order > 0 ? .maximum : .minimum) }
    let exponent = graph.constant(order)
    let sum = fold(sizes.map { graph.binary(.power, $0, exponent) }, rows, .add)
    return graph.binary(.power, sum, graph.constant(1 / order))
  }

  private func position(_ group: [Node], isMinimum: Bool) -> Node {
    var best = group[0]
    var result = graph.constant(0)
    for (index, node) in group.enumerated().dropFirst() {
      let isBetter = isMinimum ? graph.binary(.less, node, best) : graph.binary(.less, best, node)
      result = graph.select(isBetter, graph.constant(Double(index)), result)
      best = graph.binary(isMinimum ? .minimum : .maximum, best, node)
    }
    return result
  }

  private func quantile(_ group: [Node], _ rows: Dimension?, _ level: Double, _ arguments: Arguments) -> Node? {
    if let rows {
      guard group.count == 1, case .rows(let length) = rows else {
        fail("unsupported", arguments.span, "\"\(arguments.name)\" over time and other axes at once is not supported.")
        return nil
      }
      return graph.reduce(.timeQuantile, spread(group[0], length), bits: level.bitPattern)
    }
    guard let sorted = sorted(group, arguments) else { return nil }
    let position = level * Double(sorted.count - 1)
    let below = Int(position)
    let share = position - Double(below)
    if share == 0 { return sorted[below] }
    if share == 0.5 {
      return graph.binary(.multiply, graph.binary(.add, sorted[below], sorted[below + 1]), graph.constant(0.5))
    }
    let step = graph.binary(.subtract, sorted[below + 1], sorted[below])
    return graph.binary(.add, sorted[below], graph.binary(.multiply, step, graph.constant(share)))
  }

  /// Ascending order by a network of minima and maxima.
  func sorted(_ nodes: [Node], _ arguments: Arguments) -> [Node]? {
    guard nodes.count <= 64 else {
      fail("too-large", arguments.span, "At most 64 elements can be sorted.")
      return nil
    }
    var nodes = nodes
    for round in nodes.indices {
      for i in stride(from: round % 2, to: nodes.count - 1, by: 2) {
        (nodes[i], nodes[i + 1]) = (
          graph.binary(.minimum, nodes[i], nodes[i + 1]), graph.binary(.maximum, nodes[i], nodes[i + 1])
        )
      }
    }
    return nodes
  }

  // MARK: The functions

  fileprivate func quantile(_ arguments: Arguments, scale: Double) -> Value {
    guard let level = arguments["quantile"].number.map({ $0 * scale }), (0...1).contains(level) else {
      return fail("arguments", arguments.span, "The level of \"\(arguments.name)\" must be a known number in range.")
    }
    return reduced(arguments, .quantile(level))
  }

  fileprivate func norm(_ arguments: Arguments) -> Value {
    var order = 2.0
    switch arguments["ord"] {
    case .none: break
    case .string("fro"): break
    case .string("inf"): order = .infinity
    case let value:
      guard let number = value.number else {
        return fail("arguments", arguments.span, "The order of a norm must be a known number.")
      }
      order = number
    }
    guard let array = arrayArgument(arguments, "input"), let axes = axes(arguments, array) else { return .invalid }
    let isMatrixNorm =
      !arguments["ord"].isNone && order != 2 && axes.filter { !array.shape[$0].isRows }.count > 1
      && !arguments.name.hasPrefix("torch.norm")
    if isMatrixNorm {
      return fail("unsupported", arguments.span, "Matrix norms other than Frobenius's are not supported.")
    }
    return reduced(arguments, .norm(order))
  }

  fileprivate func average(_ arguments: Arguments) -> Value {
    if arguments["weights"].isNone { return reduced(arguments, .mean) }
    guard let weights = arrayArgument(arguments, "weights"), arrayArgument(arguments, "input") != nil else {
      return .invalid
    }
    var weighted = arguments
    let product = binary(.multiply, arrayValue(arguments["input"]), .array(weights), arguments.span)
    weighted.values = ["input": product, "dim": arguments["dim"]]
    var total = arguments
    total.values = ["input": .array(weights), "dim": weights.shape.count == 1 ? .none : arguments["dim"]]
    return binary(.divide, reduced(weighted, .sum), reduced(total, .sum), arguments.span)
  }

  /// Lists as arrays, for arithmetic.
  func arrayValue(_ value: Value) -> Value {
    guard sequence(value) != nil, let array = toArray(value) else { return value }
    return .array(array)
  }

  fileprivate func running(_ arguments: Arguments, _ opcode: Opcode, _ over: Opcode) -> Value {
    guard let array = arrayArgument(arguments, "input") else { return .invalid }
    guard arguments["dim"].integer != nil || array.shape.count == 1 else {
      return fail("arguments", arguments.span, "\"\(arguments.name)\" needs an axis here.")
    }
    guard let axes = axes(arguments, array), let axis = axes.first else { return .invalid }
    var nodes = components(array)
    if case .rows(let length) = array.shape[axis] {
      if kind == .reward {
        return fail(
          "batch-reduction", arguments.span, "\"\(arguments.name)\" mixes the rows of the batch.",
          suggestion: "run it over the components: \"dim=-1\"")
      }
      nodes = nodes.map { graph.scan(over, spread($0, length)) }
    } else {
      let stride = strides(array.shape)[axis]
      let size = array.shape[axis].size
      for index in nodes.indices where (index / stride) % size > 0 {
        nodes[index] = graph.binary(opcode, nodes[index - stride], nodes[index])
      }
    }
    return .array(self.array(array.shape, nodes, max(array.dtype, .int), array.family))
  }

  fileprivate func difference(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input"), !array.shape.isEmpty else {
      return fail("type", arguments.span, "\"diff\" needs an array.")
    }
    let rounds = arguments["count"].integer ?? 1
    guard (0...16).contains(rounds), let axis = axis(arguments["dim"].integer ?? -1, array.shape.count, arguments)
    else {
      return .invalid
    }
    var result = Value.array(array)
    for _ in 0..<rounds {
      guard case .array(let current) = result else { return .invalid }
      let later = slice(current, axis, .slice(.int(1), .none, .none), arguments.span)
      let earlier = slice(current, axis, .slice(.none, .int(-1), .none), arguments.span)
      guard let later, let earlier else { return .invalid }
      result = binary(.subtract, .array(later), .array(earlier), arguments.span)
    }
    return result
  }

  fileprivate func trapezoid(_ arguments: Arguments) -> Value {
    guard let y = arrayArgument(arguments, "input"), y.shape.count == 1 else {
      return fail("type", arguments.span, "\"\(arguments.name)\" needs one axis.")
    }
    let tail = Value.slice(.int(1), .none, .none), head = Value.slice(.none, .int(-1), .none)
    guard let later = slice(y, 0, tail, arguments.span), let earlier = slice(y, 0, head, arguments.span) else {
      return .invalid
    }
    var area = binary(.add, .array(later), .array(earlier), arguments.span)
    if arguments["x"].isNone {
      area = binary(.multiply, area, arguments["dx"].isNone ? .float(1) : arguments["dx"], arguments.span)
    } else {
      var steps = arguments
      steps.values = ["input": arguments["x"]]
      area = binary(.multiply, area, difference(steps), arguments.span)
    }
    var total = arguments
    total.values = ["input": binary(.multiply, area, .float(0.5), arguments.span)]
    return reduced(total, .sum)
  }

  fileprivate func sorted(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input"), array.shape.count == 1 else {
      return fail("type", arguments.span, "\"sort\" needs one axis.")
    }
    if case .rows(let length) = array.shape[0] {
      guard kind == .fitness else {
        return fail("batch-reduction", arguments.span, "This mixes the rows of the batch.")
      }
      let node = graph.scan(.timeSort, spread(components(array)[0], length))
      return .array(self.array(array.shape, [node], array.dtype, array.family))
    }
    guard let nodes = sorted(components(array), arguments) else { return .invalid }
    return .array(self.array(array.shape, nodes, array.dtype, array.family))
  }
}
