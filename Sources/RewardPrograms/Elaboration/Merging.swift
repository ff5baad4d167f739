extension Elaborator {
  /// The value that is `a` in the rows where `condition` holds, and `b` elsewhere.
  func merge(_ condition: Node, _ a: Value, _ b: Value) -> Value {
    spend(1)
    if isExhausted { return .invalid }
    if identical(a, b) { return a }
    switch (a, b) {
    case (.invalid, _), (_, .invalid): return .invalid
    case (.absent, _), (_, .absent), (.either, _), (_, .either), (.none, _), (_, .none):
      return mergeAlternatives(condition, a, b)
    case (.undefined, _): return alternatives(condition, a, b)
    case (_, .undefined): return alternatives(condition, a, b)
    case (.tuple(let left, let names), .tuple(let right, _)) where left.count == right.count:
      return .tuple(zip(left, right).map { merge(condition, $0, $1) }, names: names)
    case (.list(let left), .list(let right)):
      let (x, y) = (heap.list(left), heap.list(right))
      guard x.count == y.count else { return alternatives(condition, a, b, "its length depends on a condition") }
      return makeList(zip(x, y).map { merge(condition, $0, $1) })
    case (.dictionary(let left), .dictionary(let right)):
      return .dictionary(
        heap.add(.dictionary(merge(condition, heap.dictionary(left), heap.dictionary(right), nil))))
    case (.record(let type, let left), .record(let other, let right)) where type == other:
      return .record(type, merge(condition, left, right, nil))
    case (.string, .string), (.choice, .string), (.string, .choice), (.choice, .choice):
      let count = choices(a) + choices(b)
      return count <= 64 ? .choice(condition, a, b, count: count) : .undefined("it can be too many strings")
    default: break
    }
    guard isNumeric(a), isNumeric(b), let left = toArray(a), let right = toArray(b) else {
      return alternatives(condition, a, b, "it is \(a.kindName) or \(b.kindName), depending on a condition")
    }
    return mergeArrays(condition, left, right)
  }

  /// Values that do not go together: which one it is must be known where they are used.
  private func alternatives(_ condition: Node, _ a: Value, _ b: Value, _ why: String? = nil) -> Value {
    let reasons: [String?] = [why, reason(a), reason(b)]
    let text = reasons.compactMap { $0 }.first ?? "it depends on a condition"
    return count(a) + count(b) > 32 ? .undefined(text) : .either(condition, a, b, text)
  }

  private func reason(_ value: Value) -> String? {
    switch value {
    case .either(_, _, _, let why), .absent(let why), .undefined(let why): why
    default: nil
    }
  }

  private func count(_ value: Value) -> Int {
    if case .either(_, let a, let b, _) = value { count(a) + count(b) } else { 1 }
  }

  /// Merges where one side is not set everywhere, or None somewhere: what is set is merged, and so are the conditions.
  private func mergeAlternatives(_ condition: Node, _ a: Value, _ b: Value) -> Value {
    let isAbsence = [a, b].contains { lacks($0, absence: true) }
    let other = a.isNone ? b : a
    let why = reason(a) ?? reason(b) ?? "it is \(other.kindName) or None, depending on a condition"
    guard let left = partial(a, isAbsence), let right = partial(b, isAbsence) else {
      return alternatives(condition, a, b, why)
    }
    let rest: Value = isAbsence ? .absent(why) : .none
    let value: Value
    switch (left.value, right.value) {
    case (nil, nil): return rest
    case (let only?, nil), (nil, let only?): value = only
    case (let x?, let y?): value = merge(condition, x, y)
    }
    let isSet = choose(condition, left.isSet, right.isSet)
    if graph.constantValue(isSet) == 1 { return value }
    return alternatives(isSet, value, rest, why)
  }

  /// Whether a value is absent (or None) on some paths.
  private func lacks(_ value: Value, absence: Bool) -> Bool {
    switch value {
    case .absent, .either(_, _, .absent, _): absence
    case .none, .either(_, _, .none, _): !absence
    default: false
    }
  }

  /// Where a value is set (or is not None), and to what; nil if it is two values that do not go together.
  private func partial(_ value: Value, _ absence: Bool) -> (isSet: Node, value: Value?)? {
    switch value {
    case .either(let condition, let present, _, _):
      return lacks(value, absence: absence) ? (condition, present) : nil
    default: return lacks(value, absence: absence) ? (graph.constant(0), nil) : (graph.constant(1), value)
    }
  }

  /// `condition ? a : b` of truths, in terms that can be followed by `holds`.
  private func choose(_ condition: Node, _ a: Node, _ b: Node) -> Node {
    let negated = graph.unary(.not, condition)
    if a == condition, graph.constantValue(b) == 1 || b == negated { return graph.constant(1) }
    if graph.constantValue(a) == 1, b == negated { return a }
    switch (graph.constantValue(a), graph.constantValue(b)) {
    case (1?, 1?): return a
    case (0?, _): return graph.binary(.and, negated, b)
    case (_, 0?): return graph.binary(.and, condition, a)
    case (1?, _): return graph.binary(.or, condition, b)
    case (_, 1?): return graph.binary(.or, negated, a)
    default:
      return a == b ? a : graph.binary(.or, graph.binary(.and, condition, a), graph.binary(.and, negated, b))
    }
  }

  private func choices(_ value: Value) -> Int { if case .choice(_, _, _, let count) = value { count } else { 1 } }

  private func isNumeric(_ value: Value) -> Bool {
    switch value {
    case .array, .bool, .int, .float, .size: true
    default: false
    }
  }

  private func mergeArrays(_ condition: Node, _ a: ArrayValue, _ b: ArrayValue) -> Value {
    let sizes = (a.shape.map(\.size), b.shape.map(\.size))
    let isCompatible =
      a.shape == b.shape || (a.count == 1 && b.count == 1 && (sizes.0.count <= 1 || sizes.1.count <= 1))
    guard isCompatible, let shape = broadcastShape([a.shape, b.shape]) else {
      return alternatives(
        condition, .array(a), .array(b),
        "its shape is \(describe(a.shape)) or \(describe(b.shape)), depending on a condition")
    }
    var full = shape
    // A condition per row makes a value per row.
    if shape.isEmpty, convention == .batched, kind == .reward, graph[condition].length != .single {
      full = [.rows(graph[condition].length)]
    }
    let (x, y) = (components(a, broadcastTo: full), components(b, broadcastTo: full))
    let nodes = zip(x, y).map { graph.select(condition, $0, $1) }
    return .array(array(full, nodes, max(a.dtype, b.dtype), family([a, b])))
  }

  /// Merges entry by entry; an entry that only one side has is `missing` on the other, or undefined there.
  func merge(
    _ condition: Node, _ a: OrderedDictionary, _ b: OrderedDictionary, _ missing: Value?
  ) -> OrderedDictionary {
    var result = OrderedDictionary()
    let absent: Value = missing ?? .absent("the key is set on some paths only")
    for (key, value) in a.entries { result[key] = merge(condition, value, b[key] ?? absent) }
    for (key, value) in b.entries where a[key] == nil { result[key] = merge(condition, absent, value) }
    return result
  }

  /// True if nothing tells the two apart.
  func identical(_ a: Value, _ b: Value) -> Bool {
    spend(1)
    return switch (a, b) {
    case (.none, .none), (.ellipsis, .ellipsis), (.invalid, .invalid): true
    case (.bool(let x), .bool(let y)): x == y
    case (.int(let x), .int(let y)): x == y
    case (.float(let x), .float(let y)): x == y || (x.isNaN && y.isNaN)
    case (.string(let x), .string(let y)): x == y
    case (.list(let x), .list(let y)), (.dictionary(let x), .dictionary(let y)): x == y
    case (.size(let x), .size(let y)): x == y
    case (.builtin(let x), .builtin(let y)), (.module(let x), .module(let y)), (.path(let x), .path(let y)),
      (.type(let x), .type(let y)):
      x == y
    case (.function(let x), .function(let y)): x === y
    case (.range(let a, let b, let c), .range(let d, let e, let f)): a == d && b == e && c == f
    case (.array(let x), .array(let y)): identical(x, y)
    case (.tuple(let x, _), .tuple(let y, _)):
      x.count == y.count && zip(x, y).allSatisfy { identical($0, $1) }
    case (.undefined(let x), .undefined(let y)), (.absent(let x), .absent(let y)): x == y
    case (.either(let m, let a, let b, _), .either(let n, let c, let d, _)):
      m == n && identical(a, c) && identical(b, d)
    default: false
    }
  }

  private func identical(_ a: ArrayValue, _ b: ArrayValue) -> Bool {
    guard a.shape == b.shape, a.dtype == b.dtype, a.family == b.family else { return false }
    switch (a.backing, b.backing) {
    case (.immediate(let x), .immediate(let y)): return x == y
    case (.stored(let x, let i), .stored(let y, let j)): return x == y && i == j
    default: return false
    }
  }

  /// Runs the two branches of a condition on the same state, one after the other, and merges what they wrote.
  /// A branch that left (returned, broke) leaves the variables of the frame to the other one.
  func fork(
    _ condition: Node, then: () -> Flow, otherwise: () -> Flow
  ) -> (then: Flow, otherwise: Flow) {
    let outer = path
    let first = heap.count
    heap.beginBranch()
    path = conjunction(outer, condition)
    let thenFlow = then()
    let thenWrites = heap.endBranch()
    heap.beginBranch()
    path = conjunction(outer, graph.unary(.not, condition))
    let otherwiseFlow = otherwise()
    let otherwiseWrites = heap.endBranch()
    path = outer
    let own = calls.last?.firstCell ?? Int.max
    let written = Set(thenWrites.keys).union(otherwiseWrites.keys).sorted()
    // What one of the branches made, and the other knows nothing of, gets its last content first: older cells may hold it.
    for id in written where id >= first {
      if let last = thenWrites[id] ?? otherwiseWrites[id] { heap.write(id, last) }
    }
    for id in written where id < first {
      let before = heap[id]
      let left = thenWrites[id] ?? before
      let right = otherwiseWrites[id] ?? before
      if id >= own {
        if thenFlow == .returned, otherwiseFlow != .returned {
          heap.write(id, right)
          continue
        }
        if otherwiseFlow == .returned, thenFlow != .returned {
          heap.write(id, left)
          continue
        }
      }
      heap.write(id, merge(condition, left, right))
    }
    return (thenFlow, otherwiseFlow)
  }

  // MARK: What is known on a path

  /// The conditions under which the current statement runs, those of the calls it is in included.
  private var conditions: [Node] { (calls.map(\.outerPath) + [path]).compactMap { $0 } }

  /// Whether the current path says that `condition` holds, or (`isTrue` false) that it does not; a matter of form.
  func isKnown(_ condition: Node, _ isTrue: Bool) -> Bool {
    var facts: [Node: Bool] = [:]
    for node in conditions { note(node, true, &facts) }
    return follows(condition, isTrue, facts, 0)
  }

  private func note(_ node: Node, _ isTrue: Bool, _ facts: inout [Node: Bool]) {
    spend(1)
    guard facts.updateValue(isTrue, forKey: node) == nil else { return }
    let operation = graph[node]
    switch (operation.opcode, isTrue) {
    case (.not, _): note(Node(Int(operation.a)), !isTrue, &facts)
    case (.and, true), (.or, false):
      note(Node(Int(operation.a)), isTrue, &facts)
      note(Node(Int(operation.b)), isTrue, &facts)
    default: break
    }
  }

  private func follows(_ node: Node, _ isTrue: Bool, _ facts: [Node: Bool], _ depth: Int) -> Bool {
    spend(1)
    if let known = facts[node] { return known == isTrue }
    if let value = graph.constantValue(node) { return (value != 0) == isTrue }
    guard depth < 64, !isExhausted else { return false }
    let operation = graph[node]
    let (a, b) = (Node(Int(max(0, operation.a))), Node(Int(max(0, operation.b))))
    switch (operation.opcode, isTrue) {
    case (.not, _): return follows(a, !isTrue, facts, depth + 1)
    case (.and, true), (.or, false):
      return follows(a, isTrue, facts, depth + 1) && follows(b, isTrue, facts, depth + 1)
    case (.and, false), (.or, true):
      return follows(a, isTrue, facts, depth + 1) || follows(b, isTrue, facts, depth + 1)
    case (.less, _), (.lessEqual, _):
      spend(facts.count)
      return facts.contains { $0.value == isTrue && isWeaker(node, than: $0.key, isTrue) }
    default: return false
    }
  }

  /// `x < 0.1` follows from `x < 0.05`, and its contrary from the contrary of `x < 0.2`.
  private func isWeaker(_ goal: Node, than fact: Node, _ isTrue: Bool) -> Bool {
    let (wanted, known) = (graph[goal], graph[fact])
    guard known.opcode == .less || known.opcode == .lessEqual else { return false }
    func limit(_ operand: Int32) -> Double? { graph.constantValue(Node(Int(operand))) }
    let margin: Double
    if wanted.a == known.a, let new = limit(wanted.b), let old = limit(known.b) {
      margin = new - old
    } else if wanted.b == known.b, let new = limit(wanted.a), let old = limit(known.a) {
      margin = old - new
    } else {
      return false
    }
    let isStrictlyStronger = isTrue ? wanted.opcode == .less : wanted.opcode == .lessEqual
    let slack = isTrue ? margin : -margin
    return slack > 0 || (slack == 0 && (wanted.opcode == known.opcode || !isStrictlyStronger))
  }

  /// Notes that Python raises here, in the rows where `isSet` does not hold: their reward is NaN.
  func raiseUnless(_ isSet: Node) {
    var condition = graph.unary(.not, isSet)
    for node in conditions { condition = graph.binary(.and, node, condition) }
    raised = raised.map { graph.binary(.or, $0, condition) } ?? condition
  }

  func conjunction(_ outer: Node?, _ condition: Node) -> Node {
    outer.map { graph.binary(.and, $0, condition) } ?? condition
  }

  private func merge(_ condition: Node, _ a: Heap.Cell, _ b: Heap.Cell) -> Heap.Cell {
    switch (a, b) {
    case (.array(let x), .array(let y)):
      return .array(zip(x, y).map { $0 == $1 ? $0 : graph.select(condition, $0, $1) })
    case (.list(let x), .list(let y)):
      if x.count == y.count { return .list(zip(x, y).map { merge(condition, $0, $1) }) }
      let why = Value.undefined("the length of the list depends on a condition")
      return .list([Value](repeating: why, count: max(x.count, y.count)))
    case (.dictionary(let x), .dictionary(let y)): return .dictionary(merge(condition, x, y, nil))
    case (.frame(let x), .frame(let y)):
      var merged = Heap.Frame(variables: [:], parent: x.parent)
      spend(x.variables.count + y.variables.count)
      for name in Set(x.variables.keys).union(y.variables.keys) {
        let absent = Value.absent("it is set on some paths only")
        merged.variables[name] = merge(condition, x.variables[name] ?? absent, y.variables[name] ?? absent)
      }
      return .frame(merged)
    default: return a
    }
  }
}
