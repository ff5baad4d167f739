extension Elaborator {
  /// The value that is `a` in the rows where `condition` holds, and `b` elsewhere.
  func merge(_ condition: Node, _ a: Value, _ b: Value) -> Value {
    spend(1)
    if isExhausted { return .invalid }
    if identical(a, b) { return a }
    switch (a, b) {
    case (.invalid, _), (_, .invalid): return .invalid
    case (.undefined, _): return a
    case (_, .undefined): return b
    case (.tuple(let left, let names), .tuple(let right, _)) where left.count == right.count:
      return .tuple(zip(left, right).map { merge(condition, $0, $1) }, names: names)
    case (.list(let left), .list(let right)):
      let (x, y) = (heap.list(left), heap.list(right))
      guard x.count == y.count else { return .undefined("its length depends on a condition") }
      return makeList(zip(x, y).map { merge(condition, $0, $1) })
    case (.dictionary(let left), .dictionary(let right)):
      return .dictionary(
        heap.add(.dictionary(merge(condition, heap.dictionary(left), heap.dictionary(right), nil))))
    case (.record(let type, let left), .record(let other, let right)) where type == other:
      return .record(type, merge(condition, left, right, nil))
    default: break
    }
    guard isNumeric(a), isNumeric(b), let left = toArray(a), let right = toArray(b) else {
      return .undefined("it is \(a.kindName) or \(b.kindName), depending on a condition")
    }
    return mergeArrays(condition, left, right)
  }

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
      return .undefined("its shape is \(describe(a.shape)) or \(describe(b.shape)), depending on a condition")
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
    let absent: Value = missing ?? .undefined("the key is set on some paths only")
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
    case (.undefined(let x), .undefined(let y)): x == y
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
    for id in Set(thenWrites.keys).union(otherwiseWrites.keys).sorted() {
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
        let absent = Value.undefined("it is set on some paths only")
        merged.variables[name] = merge(condition, x.variables[name] ?? absent, y.variables[name] ?? absent)
      }
      return .frame(merged)
    default: return a
    }
  }
}
