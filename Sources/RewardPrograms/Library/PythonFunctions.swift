extension Library {
  static let pythonFunctions: [Entry] = [
    define("len", in: "python", "input") { elaborator, arguments in
      switch arguments["input"] {
      case .array(let array):
        guard let first = array.shape.first else { break }
        return elaborator.sizeValue(first)
      case .string(let text): return .int(text.count)
      case .path(let path):
        if let elements = elaborator.elements(of: path, arguments.span) { return .int(elements.count) }
      case .dictionary(let id):
        return elaborator.heap.dictionary(id).entries.reduce(.int(0)) { count, entry in
          guard case .either(let condition, _, .absent, _) = entry.value else {
            return elaborator.binary(.add, count, .int(1), arguments.span)
          }
          return elaborator.binary(.add, count, elaborator.merge(condition, .int(1), .int(0)), arguments.span)
        }
      case let value:
        if let items = elaborator.sequence(value) { return .int(items.count) }
      }
      return elaborator.fail("type", arguments.span, "\(arguments["input"].kindName) has no length.")
    },
    define("range", in: "python", "start stop step") { elaborator, arguments in elaborator.pythonRange(arguments) },
    define("enumerate", in: "python", "input start") { elaborator, arguments in
      let first = arguments["start"].integer ?? 0
      guard let items = elaborator.items(arguments["input"], arguments) else { return .invalid }
      return elaborator.makeList(
        items.enumerated().map { elaborator.makeTuple([.int(first + $0.offset), $0.element], arguments.span) })
    },
    define("zip", in: "python", "*sequences =strict") { elaborator, arguments in
      let lists = arguments.extra.compactMap { elaborator.items($0, arguments) }
      guard lists.count == arguments.extra.count else { return .invalid }
      let count = lists.map(\.count).min() ?? 0
      return elaborator.makeList(
        (0..<count).map { index in elaborator.makeTuple(lists.map { $0[index] }, arguments.span) })
    },
    define("reversed", in: "python", "input") { elaborator, arguments in
      elaborator.items(arguments["input"], arguments).map { elaborator.makeList($0.reversed()) } ?? .invalid
    },
    define("map", in: "python", "function input") { elaborator, arguments in
      guard let items = elaborator.items(arguments["input"], arguments) else { return .invalid }
      let place = Expression(kind: .name("map"), span: arguments.span, height: 1)
      return elaborator.makeList(
        items.map { item in
          var call = Elaborator.CallArguments()
          call.positional = [(item, arguments.span)]
          return elaborator.call(arguments["function"], call, arguments.span, place)
        })
    },
    define("list", in: "python", "input") { elaborator, arguments in
      if arguments["input"].isNone { return elaborator.makeList([]) }
      return elaborator.items(arguments["input"], arguments).map { elaborator.makeList($0) } ?? .invalid
    },
    define("tuple", in: "python", "input") { elaborator, arguments in
      if arguments["input"].isNone { return .tuple([]) }
      return elaborator.items(arguments["input"], arguments).map { elaborator.makeTuple($0, arguments.span) }
        ?? .invalid
    },
    define("sum", in: "python", "input start") { elaborator, arguments in
      if case .array(let array) = arguments["input"], array.shape.first?.isRows == true {
        return elaborator.reduced(array, [0], keepdim: false, .sum, arguments)
      }
      guard let items = elaborator.sequence(arguments["input"]) ?? elaborator.items(arguments["input"], arguments)
      else { return .invalid }
      let start = arguments["start"].isNone ? Value.int(0) : arguments["start"]
      // What is absent does not count.
      return items.reduce(start) {
        elaborator.binary(.add, $0, elaborator.overlay($1, on: .int(0)), arguments.span)
      }
    },
    extremum("max", .maximum, .maximum), extremum("min", .minimum, .minimum),
    quantifier("any", .or, .any), quantifier("all", .and, .all),
    define("sorted", in: "python", "input =reverse =key") { elaborator, arguments in
      guard let items = elaborator.items(arguments["input"], arguments), arguments["key"].isNone else {
        return elaborator.fail("unsupported", arguments.span, "\"sorted\" needs numbers, without a key.")
      }
      let arrays = items.compactMap(elaborator.toArray)
      guard arrays.count == items.count, arrays.allSatisfy({ $0.count == 1 }), let first = arrays.first,
        let nodes = elaborator.sorted(arrays.map { elaborator.components($0)[0] }, arguments)
      else { return elaborator.fail("type", arguments.span, "\"sorted\" needs numbers.") }
      let isReversed = elaborator.flag(arguments, "reverse")
      return elaborator.makeList(
        (isReversed ? nodes.reversed() : nodes).map {
          .array(elaborator.array(first.shape, [$0], arrays.map(\.dtype).max() ?? .float, elaborator.family(arrays)))
        })
    },
    define("float", in: "python", "input") { elaborator, arguments in elaborator.converted(arguments, to: .float) },
    define("int", in: "python", "input") { elaborator, arguments in elaborator.converted(arguments, to: .int) },
    define("bool", in: "python", "input") { elaborator, arguments in elaborator.converted(arguments, to: .bool) },
    define("isinstance", in: "python", "input type") { elaborator, arguments in
      elaborator.isInstance(arguments)
    },
    define("str", in: "python", "input") { _, arguments in
      switch arguments["input"] {
      case .string: arguments["input"]
      case .int(let number): .string(String(number))
      default: .string("…")
      }
    },
    define("print", in: "python", "*values =sep =end =flush =file") { _, _ in .none },
    define("dict", in: "python", "input **entries") { elaborator, arguments in
      var entries = OrderedDictionary()
      if case .dictionary(let id) = arguments["input"] {
        entries = elaborator.heap.dictionary(id)
      } else {
        for item in elaborator.sequence(arguments["input"]) ?? [] {
          guard let pair = elaborator.sequence(item), pair.count == 2, let key = OrderedDictionary.Key(pair[0]) else {
            return elaborator.fail("type", arguments.span, "\"dict\" needs pairs of a key and a value.")
          }
          entries[key] = pair[1]
        }
      }
      for (name, value) in arguments.keywords { entries[.string(name)] = value }
      return .dictionary(elaborator.heap.add(.dictionary(entries)))
    },
    define("divmod", in: "python", "input other") { elaborator, arguments in
      .tuple(
        [BinaryOperator.floorDivide, .modulo].map {
          elaborator.binary($0, arguments["input"], arguments["other"], arguments.span)
        })
    },
    define("fsum", in: "math", "input") { elaborator, arguments in
      guard let items = elaborator.items(arguments["input"], arguments) else { return .invalid }
      return items.reduce(.float(0)) { elaborator.binary(.add, $0, $1, arguments.span) }
    },
  ]

  private static func extremum(_ name: String, _ opcode: Opcode, _ reduction: Reduction) -> Entry {
    define(name, in: "python", "*values =default =key") { elaborator, arguments in
      var items = arguments.extra
      if items.count == 1 {
        if case .array(let array) = items[0], array.shape.first?.isRows == true {
          return elaborator.reduced(array, [0], keepdim: false, reduction, arguments)
        }
        guard let inner = elaborator.items(items[0], arguments) else { return .invalid }
        items = inner
      }
      guard var result = items.first, arguments["key"].isNone else {
        return elaborator.fail("arguments", arguments.span, "\"\(arguments.name)\" needs values.")
      }
      for item in items.dropFirst() {
        var pair = Arguments(name: arguments.name, span: arguments.span)
        pair.values = ["input": result, "other": item]
        if case .array(let array) = result, array.count > 1 {
          return elaborator.fail(
            "ambiguous-truth", arguments.span, "Python's \"\(arguments.name)\" compares numbers, not arrays.",
            suggestion: "use \"np.\(name)imum(a, b)\"")
        }
        if result.number != nil, item.number != nil {
          let isBetter = elaborator.compare(opcode == .maximum ? .less : .greater, result, item, arguments.span)
          if case .bool(true) = isBetter { result = item }
        } else {
          result = elaborator.zipped(opcode, pair, dtype: nil)
        }
      }
      return result
    }
  }

  private static func quantifier(_ name: String, _ operation: BinaryOperator, _ reduction: Reduction) -> Entry {
    define(name, in: "python", "input") { elaborator, arguments in
      if case .array(let array) = arguments["input"], !array.shape.isEmpty {
        return elaborator.reduced(array, [0], keepdim: false, reduction, arguments)
      }
      guard let items = elaborator.items(arguments["input"], arguments) else { return .invalid }
      var result: Value = .bool(operation == .and)
      let place = Expression(kind: .name(name), span: arguments.span, height: 1)
      for item in items {
        switch (elaborator.truth(item, place), result) {
        case (.invalid, _): return .invalid
        case (.known(let flag), _):
          if flag != (operation == .and) { return .bool(flag) }
        case (.dynamic(let node), .bool):
          result = .array(elaborator.scalar(node, .bool, .python))
        case (.dynamic(let node), _):
          result = elaborator.binary(operation, result, .array(elaborator.scalar(node, .bool, .python)), arguments.span)
        }
      }
      return result
    }
  }
}

extension Elaborator {
  /// The elements of a sequence given as an argument. Nil after reporting.
  func items(_ value: Value, _ arguments: Arguments) -> [Value]? {
    iterate(value, Expression(kind: .name(arguments.name), span: arguments.span, height: 1))
  }

  fileprivate func pythonRange(_ arguments: Arguments) -> Value {
    var bounds = (arguments["start"], arguments["stop"])
    if arguments.values["stop"] == nil { bounds = (.int(0), arguments["start"]) }
    if case .size = bounds.1 {
      return fail(
        "unbounded-loop", arguments.span,
        "The number of \(kind == .fitness ? "steps of an episode" : "rows of a batch") is not known here.",
        suggestion: columnForm("x"))
    }
    let step = arguments["step"].isNone ? 1 : arguments["step"].integer
    guard let start = bounds.0.integer, let stop = bounds.1.integer, let step, step != 0,
      [start, stop, step].allSatisfy({ $0.magnitude < 1 << 40 })
    else {
      return fail(
        "unbounded-loop", arguments.span, "\"range\" needs ints that are known while compiling.",
        suggestion: kind == .fitness ? columnForm("x") : "use a constant")
    }
    return .range(start: start, stop: stop, step: step)
  }

  /// What to write instead of a loop over the symbolic axis.
  func columnForm(_ name: String) -> String {
    kind == .fitness
      ? "\(name) is the whole column: use \"\(name).sum()\", \"np.mean(\(name) > 0)\", \"\(name)[1:] - \(name)[:-1]\", "
        + "\"np.cumsum(\(name))\" or \"np.argmax(\(name) > 0)\" instead of a loop"
      : "operations on \(name) are on all rows at once: leave out the loop"
  }

  fileprivate func converted(_ arguments: Arguments, to dtype: DType) -> Value {
    let value = arguments["input"]
    if arguments.values["input"] == nil { return dtype == .float ? .float(0) : dtype == .int ? .int(0) : .bool(false) }
    if let number = value.number {
      switch dtype {
      case .float: return .float(number)
      case .bool: return .bool(number != 0)
      case .int:
        return Int(exactly: number.rounded(.towardZero)).map { .int($0) }
          ?? fail("integer-too-large", arguments.span, "The result does not fit in 64 bits.")
      }
    }
    if case .string(let text) = value, dtype == .float, let number = Double(text.replacingInfinity) {
      return .float(number)
    }
    if dtype == .bool {
      let place = Expression(kind: .name("bool"), span: arguments.span, height: 1)
      switch truth(value, place) {
      case .invalid: return .invalid
      case .known(let flag): return .bool(flag)
      case .dynamic(let node): return .array(scalar(node, .bool, .python))
      }
    }
    guard let array = arrayArgument(arguments, "input") else { return .invalid }
    guard array.count == 1, array.rowsAxis == nil else {
      return fail(
        "shape-mismatch", arguments.span,
        "\"\(arguments.name)\" needs one number, and this has the shape \(describe(array.shape)).",
        suggestion: array.family == .torch ? "convert every row with \".\(arguments.name)()\"" : nil)
    }
    let converted = cast(array, dtype)
    return .array(
      ArrayValue(shape: [], dtype: dtype, family: .python, backing: .immediate(components(converted))))
  }

  fileprivate func isInstance(_ arguments: Arguments) -> Value {
    var names: [String] = []
    for type in sequence(arguments["type"]) ?? [arguments["type"]] {
      switch type {
      case .type(let name), .builtin(let name): names.append(name)
      default: break
      }
    }
    let actual: [String] =
      switch arguments["input"] {
      case .array(let array) where array.family == .torch: ["Tensor"]
      case .array(let array) where array.family == .numpy && !array.shape.isEmpty: ["ndarray"]
      case .array: ["float"]
      case .float: ["float"]
      case .int: ["int"]
      case .bool: ["bool", "int"]
      case .list: ["list"]
      case .tuple: ["tuple"]
      case .dictionary: ["dict"]
      case .string: ["str"]
      default: []
      }
    return .bool(names.contains { name in actual.contains { name == $0 || name.hasSuffix("." + $0) } })
  }
}

extension String {
  /// "inf", as Python reads it, in Swift's spelling.
  fileprivate var replacingInfinity: String { lowercased() == "infinity" ? "inf" : lowercased() }
}
